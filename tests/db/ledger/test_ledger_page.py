"""The worked tables of docs/algorithms/ledger.md are true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.db.ledger.books import account, lines, standing
from trunkline.core.errors import Conflict, TrunklineError
from trunkline.core.money import Amount
from trunkline.ledger import actions, checks
from trunkline.ledger.models import Entry, Resolution
from trunkline.ledger.queries import access_entry, account_balance, account_facts, funds
from trunkline.tenancy.scope import scope

PAGE = (ROOT / "docs/algorithms/ledger.md").read_text().partition("## Worked tables")[2]
START = datetime(2026, 4, 3, 9, 0, tzinfo=UTC)


@dataclass
class Story:
    title: str
    steps: list[dict[str, str]] = field(default_factory=list)
    balances: dict[str, str] = field(default_factory=dict)


def stories() -> Iterator[Story]:
    for part in PAGE.split("### ")[1:]:
        story = Story(part.partition("\n")[0])
        tables = re.findall(r"(?:^\|.*\n)+", part + "\n", re.MULTILINE)
        heads, *rows = (_cells(row) for row in tables[0].splitlines())
        story.steps = [dict(zip(heads, row, strict=True)) for row in rows[1:]]
        story.balances = dict(_cells(row) for row in tables[1].splitlines()[2:])
        yield story


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def answer(step: dict[str, str], at: datetime) -> str:
    """Do what the row says; the answer in the page's words."""
    verb, _, argument = step["do"].partition(" ")
    day = date.fromisoformat(step["day"]) if step["day"] else None
    given: dict[str, Any] = {"key": step["key"], "booked_on": day, "at": at}
    made = lines(step["lines"])
    try:
        match verb:
            case "post":
                return _entry(actions.post(kind=step["kind"], lines=made, **given))
            case "reserve":
                return _entry(actions.reserve(kind=step["kind"], lines=made, timeout_s=int(argument), **given))
            case "settle":
                return _entry(actions.settle(pending=access_entry(argument), lines=made or None, **given))
            case "reverse":
                return _entry(actions.reverse(entry=access_entry(argument), kind=step["kind"], **given))
            case "void":
                return _resolution(actions.void(pending=access_entry(argument), at=at))
            case "expire":
                return f"{len(actions.expire_due(at=at))} expired"
            case _:
                assert day is not None
                actions.close_period(through=day, at=at)
                return "closed"
    except Conflict as error:
        if error.code == "insufficient_funds":
            raise
        return " ".join([error.code, ", ".join(error.context.get("differs", []))]).strip()  # type: ignore[arg-type]
    except TrunklineError as error:
        return error.code


def _entry(entry: Entry) -> str:
    return "replay" if entry.is_replay else "pending" if entry.is_pending else "posted"


def _resolution(resolution: Resolution) -> str:
    return "replay" if resolution.is_replay else resolution.outcome


@pytest.mark.parametrize("story", list(stories()), ids=lambda story: story.title)
def test_the_worked_table_is_true(story: Story, tenant: Any) -> None:
    answers, seen = [], []
    for step in story.steps:
        at = START + timedelta(minutes=int(step["at"]))
        try:
            with actions.keep_refusals(tenant.pk, "test", at=at), scope(tenant, "test"):
                answers.append(answer(step, at))
        except Conflict as error:
            answers.append(error.code)
        with scope(tenant, "test"):
            seen.append({name: _look(name) for name in step if ":" in name})
    assert answers == [step["answer"] for step in story.steps]
    assert seen == [
        {name: Amount.from_text(text) for name, text in step.items() if ":" in name} for step in story.steps
    ]
    with scope(tenant, "test"):
        shown = {code: amount for code, amount in standing().items() if amount != "0" or code in story.balances}
        assert shown == story.balances
        broken = {finding.name for finding in checks.check(at=START + timedelta(hours=1)) if not finding.holds}
        assert broken <= {"invoice_own_accounts"}  # the page books documents that nobody has issued


def _look(name: str) -> Amount:
    code, _, word = name.partition(" ")
    number = account(code).pk
    balance = account_balance(account_facts([number])[number], "", funds([number])[number])
    return balance.natural if word == "posted" else balance.available


def test_every_story_is_read() -> None:
    assert [(story.title, len(story.steps), len(story.balances)) for story in stories()] == [
        ("A customer's month", 16, 8),
        ("One key", 9, 3),
        ("A call while it lasts", 18, 3),
    ]

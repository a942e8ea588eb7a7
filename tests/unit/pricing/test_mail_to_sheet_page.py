"""The tables of docs/algorithms/mail-to-sheet.md, run; and what must hold of any mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.pricing.choices import ReceivedMailState
from trunkline.pricing.mailbox.message import Attachment, read_message
from trunkline.pricing.mailbox.rules import (
    Limits,
    beyond,
    fits,
    overall,
    require_pattern,
    state_of_findings,
    wanted,
)

PAGE = Path(__file__).parents[3] / "docs/algorithms/mail-to-sheet.md"
MARCH = date(2026, 3, 4)


@dataclass(frozen=True)
class Rule:
    senders: list[str] = field(default_factory=lambda: ["*"])
    subject: str = ""
    attachment: str = "*"


def table(heading: str) -> list[dict[str, str]]:
    lines = PAGE.read_text().split("## Tables")[1].split(f"### {heading}\n")[1].splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("|"))
    names = [cell.strip() for cell in lines[begin].strip("|").split("|")]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        cells = line.strip("|").replace(r"\|", "\0").split("|")
        rows.append(dict(zip(names, (cell.strip().replace("\0", "|") for cell in cells), strict=True)))
    assert rows
    return rows


def test_which_rule() -> None:
    for row in table("Which rule"):
        rule = Rule([row["senders"]], row["subject"])
        assert fits(rule, "rates@vendor.example", "Rate change March") is (row["fits"] == "yes"), row


def test_within_the_limits() -> None:
    def limit(text: str) -> int | None:
        return None if text == "-" else int(text)

    for row in table("Within the limits"):
        limits = Limits(
            Amount.from_text(row["cost"]), limit(row["increases"]), limit(row["closed"]), limit(row["drop"])
        )
        counts = {
            "lines": 100,
            "increase": int(row["goes up"]),
            "closed_codes": int(row["closes"]),
            "errors": 0,
            "monthly_cost": row["costs more"],
        }
        assert (not beyond(limits, counts, [], limit(row["lines before"]))) is (row["within"] == "yes"), row
        assert beyond(limits, counts | {"errors": 1}, [], 100)
        assert beyond(limits, counts | {"not_weighed": 1}, [], 100)
        assert beyond(limits, counts, [{"check": "zero", "level": "warn"}], 100)


def test_the_state_of_a_sheet() -> None:
    for row in table("The state of a sheet"):
        findings = [
            {"check": name, "level": {"stops": "stop", "warns": "warn"}[does], "text": "So."}
            for name, does in (each.split() for each in row["findings"].split(", ") if each)
        ]
        assert state_of_findings(findings)[0] == row["state"], row


def mail(subject: str = "Rates", text: str = "", html: str = "", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "Rates <Rates@Vendor.example>", subject, "<1@x>"
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    if html:
        message.set_content(html, subtype="html")
    return message.as_bytes()


@pytest.mark.parametrize(
    ("subject", "text", "html", "day"),
    [
        ("Rates effective 15 March 2026", "", "", date(2026, 3, 15)),
        ("Rates", "New prices are valid from 15.03.2026.", "", date(2026, 3, 15)),
        (
            "Rates",
            "",
            "<p>Effective&nbsp;date: <b>2026-03-15</b></p><style>p{from:2026-01-01}</style>",
            date(2026, 3, 15),
        ),
        ("Rates effective 2026-03-15", "effective from 2026-03-20", "", None),
        ("Rates of 2026-03-15", "Issued on 2026-03-01", "", None),
        ("Rates", "See attached.\n-----Original Message-----\nEffective from 2026-02-01", "", None),
        ("Rates", "See attached.\n> Effective from 2026-02-01", "", None),
    ],
)
def test_the_day_that_a_mail_names(subject: str, text: str, html: str, day: date | None) -> None:
    assert read_message(mail(subject, text, html)).effective_on(MARCH) == day


def test_a_mail_is_known_by_what_it_holds_and_not_by_its_way() -> None:
    first = read_message(mail(text="a", Received="from here", Date="Mon, 02 Mar 2026 10:00:00 +0000"))
    assert first.key == read_message(mail(text="a", Received="from there")).key
    assert first.key != read_message(mail(text="b")).key
    assert (first.sender, first.subject, first.message_id) == ("rates@vendor.example", "Rates", "<1@x>")


def test_a_rule_for_anything_leaves_the_picture_beside_a_sheet_alone() -> None:
    picture, sheet, terms = (
        Attachment(n, name, b"") for n, name in enumerate(("logo.png", "Rates.XLSX", "terms.pdf"), 1)
    )
    assert wanted(Rule(), [picture, sheet, terms]) == [sheet]
    assert wanted(Rule(), [picture, terms]) == [picture, terms]
    assert wanted(Rule(attachment="*.PDF"), [picture, sheet, terms]) == [terms]


@pytest.mark.parametrize("pattern", ["(", "(?<=a)b", r"(a)\1", "x" * 201, "a\nb"])
def test_a_pattern_that_could_not_be_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_pattern(pattern)
    assert refused.value.code == "bad_subject"


def test_an_evil_pattern_takes_no_time() -> None:
    assert not fits(Rule(subject="^(a+)+$"), "x@y", "a" * 480 + "!")


@given(st.lists(st.sampled_from(list(ReceivedMailState)), min_size=1))
def test_the_most_pressing_state_is_the_same_in_any_order(states: list[Any]) -> None:
    assert overall(states) == overall(reversed(states))
    assert overall(states) in states


@given(st.binary(max_size=400))
def test_no_octets_break_the_reader(octets: bytes) -> None:
    for raw in (
        octets,
        b"Subject: " + octets,
        mail()[:-1] + octets,
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" + octets + b"\n--a--",
    ):
        read = read_message(raw)
        assert len(read.key) == 64
        assert (
            "\0"
            not in f"{read.message_id}{read.sender}{read.subject}{read.text}{''.join(each.name for each in read.files)}"
        )
        read.effective_on(MARCH)


@given(st.text(max_size=60))
def test_every_subject_is_read_as_it_was_written(subject: str) -> None:
    line = " ".join(
        "".join(sign for sign in subject if sign.isprintable() and not 0xD800 <= ord(sign) <= 0xDFFF).split()
    )
    assert read_message(mail(line)).subject == line

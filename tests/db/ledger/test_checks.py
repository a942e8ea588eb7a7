"""The check proves every invariant, and finds what somebody changed who owns the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from typer.testing import CliRunner

from tests.db.ledger.books import AT, DAY, account, draft, lines, spend, top_up
from trunkline.cli.ledger import app
from trunkline.kit import clock
from trunkline.ledger import actions, checks, invariants, queries
from trunkline.ledger.invariants import Proof
from trunkline.ledger.models import Entry
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.scope import scope

OWN = [
    "zero_sum",
    "whole_entries",
    "global_zero",
    "bodies",
    "keys",
    "append_only",
    "resolutions",
    "overdue",
    "no_overdraft",
    "cache",
    "currency",
    "copies",
    "moves",
    "reversals",
    "open_accounts",
    "closed_periods",
]


def busy_books() -> None:
    """Something of everything, in a closed period and after it."""
    top_up("ann", 100)
    spend("ann", "10", key="s1")
    first = actions.post_many([draft("p1", "bank:USD 5; receivable:a -5")], at=AT)[0]
    actions.reverse(entry=first, key="p1:back", booked_on=DAY, at=AT)
    made = lines("wallet:ann 8; revenue:USD -8")
    for n in range(3):
        actions.reserve(key=f"r{n}", kind="usage_wallet", booked_on=DAY, lines=made, timeout_s=60, at=AT)
    actions.settle(
        pending=queries.access_entry("r0"), key="u0", booked_on=DAY, lines=lines("wallet:ann 3; revenue:USD -3"), at=AT
    )
    actions.void(pending=queries.access_entry("r1"), at=AT)
    actions.close_period(through=DAY, at=AT)
    actions.post_many([draft("p2", "bank:USD 5; receivable:a -5", day=DAY + timedelta(days=1))], at=AT)
    actions.refuse(
        draft=draft("no", "wallet:ann 500; revenue:USD -500", kind="usage_wallet"), refusal="insufficient_funds", at=AT
    )


def failing() -> list[str]:
    return [finding.name for finding in checks.check(at=AT) if not finding.holds]


def test_sound_books_hold_every_invariant_and_say_what_was_looked_at(in_scope: Any) -> None:
    busy_books()
    found = checks.check(at=AT)
    assert [finding.name for finding in found][: len(OWN)] == OWN
    assert [finding.name for finding in found if not finding.holds] == []
    counts = {finding.name: dict(finding.counts) for finding in found}
    assert counts["zero_sum"] == {"entries": 9, "postings": 18}
    assert counts["bodies"] == {"entries": 9}
    assert counts["keys"] == {"keys": 10}
    assert counts["resolutions"] == {"pending entries": 3, "resolutions": 2}
    assert counts["overdue"] == {"open reservations": 1}
    assert counts["closed_periods"] == {"closes": 1, "sealed entries": 8}
    assert counts["reversals"] == {"reversals": 1}
    assert counts["no_overdraft"] == {"accounts": 1}
    assert found[0].checked == "9 entries, 18 postings"


def test_empty_books_hold_too(in_scope: Any) -> None:
    assert failing() == []


def test_a_reservation_that_nobody_releases_is_found_after_an_hour(in_scope: Any) -> None:
    busy_books()
    late = AT + timedelta(seconds=60) + checks.OVERDUE
    assert [f.name for f in checks.check(at=late - timedelta(seconds=1)) if not f.holds] == []
    (found,) = [finding for finding in checks.check(at=late) if not finding.holds]
    assert (found.name, found.problem_count) == ("overdue", 1)
    actions.expire_due(at=late)
    assert [f.name for f in checks.check(at=late) if not f.holds] == []


def test_a_room_above_adds_an_invariant_and_its_failure_is_a_finding(
    in_scope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invariants, "_registered", dict(invariants._registered))
    invariants.register_invariant(
        "moon", "The moon is full.", lambda at: Proof.of({"moons": 1}, (f"{n} of 25" for n in range(25)))
    )
    invariants.register_invariant("moon", "The moon is full.", lambda at: Proof.of({}, []))  # registered twice is once
    with pytest.raises(ValueError, match="'moon' already"):
        invariants.register_invariant("moon", "The moon is new.", lambda at: Proof.of({}, []))
    found = checks.check(at=AT)[-1]
    assert (found.name, found.statement, found.holds, found.problem_count) == ("moon", "The moon is full.", False, 25)
    assert found.problems == tuple(f"{n} of 25" for n in range(20))


@pytest.fixture
def as_owner(committed_db: None) -> Iterator[Any]:
    """Work as the role that owns the tables, in a transaction that is rolled back: books of everything, guards lifted."""
    given = connection.settings_dict
    user, options = given["USER"], dict(given["OPTIONS"])
    connection.close()
    if "options" in options:  # an own server: one login, the role is chosen as the session begins
        given["OPTIONS"] = options | {"options": options["options"].replace("trunkline_app", "trunkline_owner")}
    else:
        given["USER"] = "trunkline_owner"
    try:
        with transaction.atomic():
            tenant = create_tenant(name="Delta Voice", currency="USD", timezone="UTC", actor="test", at=AT)
            with scope(tenant, "test"):
                busy_books()
                lift_guards()
                yield tenant
            transaction.set_rollback(True)
    finally:
        connection.close()
        given["USER"], given["OPTIONS"] = user, options


def lift_guards() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in (
            "ledger_entry",
            "ledger_posting",
            "ledger_resolution",
            "ledger_period_close",
            "ledger_account",
            "ledger_book",
        ):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, name in (
            ("posting", "entry_fk"),
            ("posting", "account_fk"),
            ("posting", "not_zero"),
            ("entry", "lines"),
            ("entry", "key"),
            ("entry", "reversed_once"),
            ("resolution", "once"),
            ("resolution", "pending_fk"),
        ):
            if name == "reversed_once":
                cursor.execute("DROP INDEX ledger_entry_reversed_once")
            else:
                cursor.execute(f"ALTER TABLE ledger_{table} DROP CONSTRAINT ledger_{table}_{name}")


P2 = "(SELECT id FROM ledger_entry WHERE key = 'p2')"
COPY_ENTRY = """
INSERT INTO ledger_entry (tenant_id, key, kind, booked_on, created_at, actor, reference, reverses_id, settles_id, is_pending, refusal, line_count, body_hash)
SELECT tenant_id, {key}, kind, booked_on, created_at, actor, reference, reverses_id, settles_id, is_pending, refusal, line_count, body_hash
  FROM ledger_entry WHERE key = {source}
"""
COPY_POSTINGS = """
INSERT INTO ledger_posting (tenant_id, entry_id, position, account_id, amount, currency, booked_on, is_pending)
SELECT p.tenant_id, (SELECT max(id) FROM ledger_entry), p.position, p.account_id, p.amount, p.currency, p.booked_on, p.is_pending
  FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id WHERE e.key = {source}
"""

TAMPERINGS = {
    "one amount": (f"UPDATE ledger_posting SET amount = amount + 1 WHERE entry_id = {P2} AND position = 1", {"zero_sum", "global_zero", "bodies"}),
    "both amounts": (f"UPDATE ledger_posting SET amount = amount * 2 WHERE entry_id = {P2}", {"bodies"}),
    "the day": (f"UPDATE ledger_entry SET booked_on = '2026-03-09' WHERE id = {P2}", {"bodies", "copies"}),
    "the kind": (f"UPDATE ledger_entry SET kind = 'payout' WHERE id = {P2}", {"bodies", "moves"}),
    "an unknown kind": (f"UPDATE ledger_entry SET kind = 'gift' WHERE id = {P2}", {"bodies", "moves"}),
    "the reference": (f"UPDATE ledger_entry SET reference = 'x' WHERE id = {P2}", {"bodies"}),
    "the key": (f"UPDATE ledger_entry SET key = 'x' WHERE id = {P2}", {"bodies"}),
    "the account": (
        f"UPDATE ledger_posting SET account_id = (SELECT id FROM ledger_account WHERE code = 'wallet:ann') WHERE entry_id = {P2} AND position = 2",
        {"bodies", "cache"},
    ),
    "the currency": (f"UPDATE ledger_posting SET currency = 'EUR' WHERE entry_id = {P2}", {"currency"}),
    "a line removed": (f"DELETE FROM ledger_posting WHERE entry_id = {P2} AND position = 1", {"zero_sum", "global_zero", "bodies", "whole_entries"}),
    "lines left alone": (f"DELETE FROM ledger_entry WHERE id = {P2}", {"whole_entries", "copies"}),
    "an entry added to a closed day": (COPY_ENTRY.format(key="'x'", source="'s1'") + ";" + COPY_POSTINGS.format(source="'s1'"), {"bodies", "closed_periods", "cache"}),
    "an entry removed from a closed day": (
        "DELETE FROM ledger_posting WHERE entry_id = (SELECT id FROM ledger_entry WHERE key = 's1'); DELETE FROM ledger_entry WHERE key = 's1'",
        {"closed_periods", "cache"},
    ),
    "the instant of a closed entry": ("UPDATE ledger_entry SET created_at = created_at + interval '1 s' WHERE key = 's1'", {"closed_periods"}),
    "the seal": ("UPDATE ledger_period_close SET entry_count = entry_count + 1", {"closed_periods"}),
    "the close": ("DELETE FROM ledger_period_close", {"closed_periods"}),
    "the book": ("UPDATE ledger_book SET closed_through = NULL", {"closed_periods"}),
    "a key twice": (COPY_ENTRY.format(key="key", source="'p2'") + ";" + COPY_POSTINGS.format(source="'p2'"), {"keys"}),
    "a second reversal": (COPY_ENTRY.format(key="'x'", source="'p1:back'") + ";" + COPY_POSTINGS.format(source="'p1:back'"), {"bodies", "closed_periods", "reversals"}),
    "a reversal of another amount": (
        "UPDATE ledger_posting SET amount = amount * 2 WHERE entry_id = (SELECT id FROM ledger_entry WHERE key = 'p1:back')",
        {"bodies", "cache", "reversals"},
    ),
    "an end removed": ("DELETE FROM ledger_resolution WHERE outcome = 'posted'", {"resolutions", "cache"}),
    "an end changed": ("UPDATE ledger_resolution SET outcome = 'voided' WHERE outcome = 'posted'", {"resolutions"}),
    "an end of what is not pending": (
        f"UPDATE ledger_resolution SET pending_id = {P2} WHERE outcome = 'voided'",
        {"resolutions", "cache"},
    ),
    "the cache": ("UPDATE ledger_balance SET posted = posted + 1 WHERE account_id = (SELECT id FROM ledger_account WHERE code = 'bank:USD')", {"cache"}),
    "an overdraft": (
        COPY_ENTRY.format(key="'x'", source="'s1'") + ";" + COPY_POSTINGS.format(source="'s1'")
        + "; UPDATE ledger_posting SET amount = amount * 10 WHERE entry_id = (SELECT max(id) FROM ledger_entry)",
        {"bodies", "closed_periods", "cache", "no_overdraft"},
    ),
    "an account closed in its past": ("UPDATE ledger_account SET closed_on = '2026-03-02' WHERE code = 'bank:USD'", {"open_accounts"}),
}  # fmt: skip
LIFTED = {"append_only"}  # the check sees that the guards are off


def test_a_lifted_guard_is_found(as_owner: Any) -> None:
    assert set(failing()) == LIFTED
    (found,) = [finding for finding in checks.check(at=AT) if not finding.holds]
    assert found.problem_count == len(checks.TRIGGERS)
    with connection.cursor() as cursor:
        cursor.execute("GRANT UPDATE ON ledger_posting TO trunkline_app")
    (found,) = [finding for finding in checks.check(at=AT) if not finding.holds]
    assert "trunkline_app may UPDATE ledger_posting" in found.problems


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_by_the_owner_of_the_tables_is_found(name: str, as_owner: Any) -> None:
    statement, expected = TAMPERINGS[name]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert set(failing()) == expected | LIFTED


def test_even_the_owner_is_stopped_by_the_triggers(as_owner: Any) -> None:
    with connection.cursor() as cursor:
        for table in checks.TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            for statement in (
                f"UPDATE {table} SET tenant_id = tenant_id",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
            ):
                with pytest.raises(Exception, match="append-only"), transaction.atomic():
                    cursor.execute(statement)


def test_the_commands_print_what_they_prove(committed_db: None) -> None:
    tenant = create_tenant(name="Epsilon Net", currency="USD", timezone="UTC", actor="test", at=AT)
    with scope(tenant, "test"):
        top_up("ann", 100)
        spend("ann", "12.5", key="s1")
        account("receivable:a")  # on which nothing stands
    shell = CliRunner(env={"COLUMNS": "250"})

    def json_of(*arguments: str, code: int = 0) -> Any:
        result = shell.invoke(app, [*arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    with clock.at(AT):
        proof = json_of("check")
        assert (proof["holds"], list(proof["tenants"])) == (True, ["epsilon-net"])
        assert [finding["invariant"] for finding in proof["tenants"]["epsilon-net"]][: len(OWN)] == OWN
        assert proof["tenants"]["epsilon-net"][0] == {
            "invariant": "zero_sum",
            "statement": "The lines of every entry add up to zero in every currency.",
            "holds": True,
            "checked": {"entries": 2, "postings": 4},
            "problems": [],
            "problem_count": 0,
        }
        assert "All" in (result := shell.invoke(app, ["check", "--tenant", "epsilon-net"])).output
        assert "The lines of every entry" in result.output
        assert result.exit_code == 0
        found = json_of("balances", "--tenant", "epsilon-net")
        assert found["totals"] == {"USD": "0"}
        assert [(row["account"], row["balance"], row["available"]) for row in found["accounts"]] == [
            ("bank:USD", "100", "100"),
            ("revenue:USD", "-12.5", "12.5"),
            ("wallet:ann", "-87.5", "87.5"),
        ]
        printed = shell.invoke(app, ["balances", "--tenant", "epsilon-net"])
        assert "87.5" in printed.stdout
        assert "Debits less credits in USD: 0" in printed.stdout
        for words, standing in (
            (("--as-of", "2026-03-01"), []),
            (("--as-of", "2026-03-02"), found["accounts"]),
            (("--as-of", "2026-03-02T11:59"), []),
            (("--to", "2026-03-01"), []),
            (("--as-of", "2026-03-02T12:00+00:00", "--to", "2026-03-02"), found["accounts"]),
        ):
            assert json_of("balances", "--tenant", "epsilon-net", *words)["accounts"] == standing
        printed = shell.invoke(app, ["balances", "--tenant", "epsilon-net", "--as-of", "2026-03-01"])
        assert printed.stdout == "Nothing stood on any account then.\n"
        everything = json_of("balances", "--tenant", "epsilon-net", "--all")["accounts"]
        assert [row["account"] for row in everything if row["balance"] == "0"] == ["receivable:a"]
        assert len(everything) == 4
        lines_of = json_of(
            "statement", "wallet:ann", "--tenant", "epsilon-net", "--from", "2026-03-01", "--to", "2026-03-02"
        )
        assert (lines_of["opening"], lines_of["closing"]) == ("0", "-87.5")
        assert [(line["key"], line["amount"], line["balance"]) for line in lines_of["lines"]] == [
            ("top-up", "-100", "-100"),
            ("s1", "12.5", "-87.5"),
        ]
        assert "top-up" in shell.invoke(app, ["statement", "wallet:ann", "--tenant", "epsilon-net"]).output
        closed = json_of("close-period", "2026-03-01", "--tenant", "epsilon-net")
        assert (closed["closed_through"], closed["entries"], len(closed["seal"])) == ("2026-03-01", 2, 64)
        assert (
            "Closed through 2026-03-01"
            in shell.invoke(app, ["close-period", "2026-03-01", "--tenant", "epsilon-net"]).output
        )


def test_books_on_which_nothing_stands_say_so(committed_db: None) -> None:
    with scope(create_tenant(name="Iota Net", currency="USD", timezone="UTC", actor="test", at=AT), "test"):
        account("receivable:a")
    assert CliRunner().invoke(app, ["balances", "--tenant", "iota-net"]).stdout == "Nothing stands on any account.\n"


def test_a_failing_invariant_makes_the_command_fail(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    create_tenant(name="Zeta Net", currency="USD", timezone="UTC", actor="test", at=AT)
    monkeypatch.setattr(invariants, "_registered", dict(invariants._registered))
    invariants.register_invariant(
        "moon", "The moon is full.", lambda at: Proof.of({"moons": 1}, (f"{n} of 25" for n in range(25)))
    )
    shell = CliRunner()
    result = shell.invoke(app, ["check"])
    assert (result.exit_code, "FAILS" in result.output, "moon: and 5 more" in result.output) == (1, True, True)
    result = shell.invoke(app, ["check", "--tenant", "zeta-net", "--json"])
    assert (result.exit_code, json.loads(result.stdout)["holds"]) == (1, False)


def test_the_job_that_expires_works_through_all_tenants(committed_db: None) -> None:
    from trunkline.ledger.tasks import expire_reservations

    tenants = [
        create_tenant(name=name, currency="USD", timezone="UTC", actor="test", at=AT) for name in ("Eta", "Theta")
    ]
    for tenant in tenants:
        with scope(tenant, "test"):
            top_up("ann", 100)
            made = lines("wallet:ann 5; revenue:USD -5")
            actions.reserve(key="r", kind="usage_wallet", booked_on=DAY, lines=made, timeout_s=60, at=AT)
    with clock.at(AT + timedelta(seconds=60)):
        for _ in range(2):
            expire_reservations(0)
    for tenant in tenants:
        with scope(tenant, "test"):
            number = account("wallet:ann").pk
            assert queries.funds([number])[number].pending_debit == 0
            assert Entry.objects.get(key="r").booked_on == date(2026, 3, 1)

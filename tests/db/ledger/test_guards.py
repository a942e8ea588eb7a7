"""What the database itself refuses, whatever a program sends: plain SQL, as the role that the program runs as."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, transaction

from tests.db.ledger.books import AT, DAY, account, draft
from trunkline.kit.db.scope import current_tenant_id
from trunkline.ledger import actions, queries
from trunkline.tenancy.scope import scope

APPEND_ONLY = (
    "ledger_entry",
    "ledger_posting",
    "ledger_resolution",
    "ledger_period_close",
    "ledger_ledgeraccounthistoryevent",
)

INSERT_ENTRY = """
INSERT INTO ledger_entry (tenant_id, key, kind, booked_on, created_at, actor, reference, is_pending, refusal, line_count, body_hash)
VALUES (%s, 'raw', 'payment', %s, %s, 'raw', '', false, '', %s, '') RETURNING id
"""
INSERT_POSTING = """
INSERT INTO ledger_posting (tenant_id, entry_id, position, account_id, amount, currency, booked_on, is_pending) VALUES (%s, %s, %s, %s, %s, %s, %s, false)
"""


def run(sql: str, values: Any = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() if cursor.description else None


def raw_entry(*, count: int, day: Any = DAY, tenant: int | None = None) -> int:
    return int(run(INSERT_ENTRY, [tenant or current_tenant_id(), day, AT, count])[0])


def raw_postings(entry: int, *rows: tuple[int, int, str], first: int = 1, tenant: int | None = None) -> None:
    values = [
        f"({tenant or current_tenant_id()}, {entry}, {n}, {number}, {amount}, '{currency}', '{DAY}', false)"
        for n, (number, amount, currency) in enumerate(rows, start=first)
    ]
    run(INSERT_POSTING.partition("VALUES")[0] + "VALUES " + ", ".join(values))


def commit() -> None:
    """Everything that a commit would look at, now."""
    run("SET CONSTRAINTS ALL IMMEDIATE")


@contextlib.contextmanager
def refused(match: str, error: type[Exception] = IntegrityError) -> Iterator[None]:
    """What is done inside is refused with such a message, and leaves nothing."""
    with pytest.raises(error, match=match), transaction.atomic():
        yield


@pytest.fixture
def numbers(in_scope: Any) -> tuple[int, int]:
    """The accounts bank:USD and receivable:a, with an entry of 5 on them."""
    actions.post_many([draft("k", "bank:USD 5; receivable:a -5")], at=AT)
    commit()
    run("SET CONSTRAINTS ledger_entry_whole DEFERRED")
    return account("bank:USD").pk, account("receivable:a").pk


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE"]
)
def test_the_program_cannot_change_or_remove_what_is_posted(
    table: str, statement: str, numbers: tuple[int, int]
) -> None:
    with refused("permission denied", ProgrammingError):
        run(statement.format(table))


def test_the_program_is_no_superuser_and_cannot_lift_the_guards(numbers: tuple[int, int]) -> None:
    statements = [
        "ALTER TABLE ledger_posting DISABLE TRIGGER ALL",
        "DROP TRIGGER ledger_posting_append_only ON ledger_posting",
        "SET session_replication_role = replica",
        "ALTER TABLE ledger_posting NO FORCE ROW LEVEL SECURITY",
    ]
    if (
        connection.settings_dict["USER"] == "trunkline_app"
    ):  # on an own server the operator's login chose this role itself
        statements.append("SET ROLE trunkline_owner")
    for statement in statements:
        with refused("must be owner|permission denied", ProgrammingError):
            run(statement)


def test_a_whole_entry_by_hand_is_taken(numbers: tuple[int, int]) -> None:
    raw_postings(raw_entry(count=2), (numbers[0], 7, "USD"), (numbers[1], -7, "USD"))
    commit()
    assert str(queries.balance(numbers[0])) == "12"


def test_an_entry_without_postings_does_not_commit(numbers: tuple[int, int]) -> None:
    with refused("has 0 postings instead of 2"):
        raw_entry(count=2)
        commit()


def test_an_entry_that_does_not_add_up_is_refused(numbers: tuple[int, int]) -> None:
    with refused("adding up to zero"):
        raw_postings(raw_entry(count=2), (numbers[0], 7, "USD"), (numbers[1], -6, "USD"))


def test_an_entry_that_adds_up_only_across_currencies_is_refused(numbers: tuple[int, int]) -> None:
    euro = account("receivable:e", currency="EUR").pk
    with refused("adding up to zero"):
        raw_postings(raw_entry(count=2), (numbers[0], 7, "USD"), (euro, -7, "EUR"))


def test_the_lines_of_an_entry_come_all_at_once(numbers: tuple[int, int]) -> None:
    with refused("do not come whole"):
        raw_postings(raw_entry(count=4), (numbers[0], 7, "USD"), (numbers[1], -7, "USD"))


def test_nothing_is_added_to_an_entry_later(numbers: tuple[int, int]) -> None:
    entry = queries.access_entry("k").pk
    with refused("do not come whole"):
        raw_postings(
            entry,
            (numbers[0], 7, "USD"),
            (numbers[1], -7, "USD"),
            (numbers[1], -7, "USD"),
            (numbers[1], 7, "USD"),
            first=3,
        )
    with refused("violates"):
        raw_postings(entry, (numbers[0], 7, "USD"), (numbers[1], -7, "USD"))


def test_an_entry_of_one_line_or_none_is_refused(numbers: tuple[int, int]) -> None:
    for count in (0, 1):
        with refused("ledger_entry_lines"):
            raw_entry(count=count)


def test_forgetting_the_tenant_before_the_commit_hides_nothing(numbers: tuple[int, int]) -> None:
    with refused("has 0 postings instead of 2"):
        raw_entry(count=2)
        run("SELECT set_config('app.tenant', '', true)")
        commit()


def test_a_temporary_table_of_the_same_name_hides_nothing(numbers: tuple[int, int]) -> None:
    with refused("has 0 postings instead of 2"):
        raw_entry(count=2)
        run("CREATE TEMPORARY TABLE ledger_posting AS SELECT * FROM public.ledger_posting LIMIT 0")
        commit()


def test_a_posting_is_in_the_currency_of_its_account_and_on_the_day_of_its_entry(numbers: tuple[int, int]) -> None:
    with refused("ledger_posting_account_fk"):
        raw_postings(raw_entry(count=2), (numbers[0], 7, "EUR"), (numbers[1], -7, "EUR"))
    with refused("ledger_posting_entry_fk"):
        raw_postings(raw_entry(count=2, day=DAY + timedelta(days=1)), (numbers[0], 7, "USD"), (numbers[1], -7, "USD"))
    with refused("ledger_posting_not_zero"):
        raw_postings(raw_entry(count=2), (numbers[0], 0, "USD"), (numbers[1], 0, "USD"))


def test_a_closed_day_and_a_closed_account_take_nothing(numbers: tuple[int, int]) -> None:
    actions.post_many([draft("l", "bank:USD -5; receivable:a 5")], at=AT)
    commit()
    run("SET CONSTRAINTS ledger_entry_whole DEFERRED")
    actions.close_account(code="receivable:a", closed_on=DAY + timedelta(days=1), at=AT)
    run("UPDATE ledger_account SET opened_on = %s WHERE code = 'bank:USD'", [DAY + timedelta(days=1)])
    with refused("account bank:USD is not open"):
        raw_postings(raw_entry(count=2), (numbers[0], 7, "USD"), (numbers[1], -7, "USD"))
    actions.close_period(through=DAY, at=AT)
    with refused("the books are closed on 2026-03-01"):
        raw_entry(count=2)


def test_a_close_is_never_taken_back(numbers: tuple[int, int]) -> None:
    actions.close_period(through=DAY, at=AT)
    for value in (None, DAY - timedelta(days=1)):
        with refused("never taken back", ProgrammingError):
            run("UPDATE ledger_book SET closed_through = %s", [value])
    with refused("permission denied", ProgrammingError):
        run("DELETE FROM ledger_book")


@pytest.mark.parametrize(
    "change", ["code = 'receivable:b'", "currency = 'EUR'", "type = 'liability'", "no_overdraft = true"]
)
def test_what_an_account_is_never_changes(change: str, numbers: tuple[int, int]) -> None:
    with refused("never change", ProgrammingError):
        run(f"UPDATE ledger_account SET {change} WHERE id = %s", [numbers[1]])


def test_an_account_is_not_removed_and_its_changes_are_kept(numbers: tuple[int, int]) -> None:
    run("UPDATE ledger_account SET name = 'Acme' WHERE id = %s", [numbers[1]])
    history = apps.get_model("ledger", "LedgerAccountHistoryevent").objects.filter(id=numbers[1]).order_by("pgh_id")
    assert [(event.pgh_label, event.name, event.pgh_context["actor"]) for event in history] == [
        ("insert", "receivable:a", "test"),
        ("update", "Acme", "test"),
    ]
    with refused("permission denied", ProgrammingError):
        run("DELETE FROM ledger_account")


def test_postings_that_mix_tenants_are_refused(other_tenant: Any, numbers: tuple[int, int]) -> None:
    entry = raw_entry(count=2)
    with refused("row-level security", ProgrammingError):
        raw_entry(count=2, tenant=other_tenant.pk)
    with refused("row-level security", ProgrammingError):
        raw_postings(entry, (numbers[0], 7, "USD"), (numbers[1], -7, "USD"), tenant=other_tenant.pk)
    raw_postings(entry, (numbers[0], 7, "USD"), (numbers[1], -7, "USD"))


def test_an_account_of_another_tenant_cannot_be_referred_to(tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        foreign = account("bank:USD").pk
    with scope(other_tenant, "test"):
        own = account("receivable:a").pk
        with refused("ledger_posting_account_fk"):
            raw_postings(raw_entry(count=2), (foreign, 7, "USD"), (own, -7, "USD"))

"""Many writers at once, each on a connection of its own: real commits, real waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from tests.db.ledger.books import AT, DAY, account, draft, lines, spend, standing, top_up
from trunkline.core.errors import TrunklineError
from trunkline.ledger import actions, checks, queries
from trunkline.ledger.models import Entry, PeriodClose, Resolution
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.scope import ScopeError, scope

WORKERS = 8


@pytest.fixture
def owner(committed_db: None) -> Iterator[Any]:
    """A tenant that is really there, with accounts, for threads to see. Its books must be sound afterwards."""
    made = create_tenant(name="Gamma Mobile", currency="USD", timezone="UTC", actor="test", at=AT)
    with scope(made, "test"):
        for code in ("bank:USD", "revenue:USD", "receivable:a", "wallet:ann"):
            account(code)
    yield made
    assert [finding for finding in checks.check_tenant(made.pk, "test", at=AT) if not finding.holds] == []


def at_once(count: int, work: Callable[[int], str]) -> list[str]:
    """Run `work(0)` ... `work(count - 1)` on `WORKERS` threads that begin together; the answers, or the codes of refusals."""
    gate = Barrier(min(count, WORKERS))

    def run(worker: int) -> list[str]:
        try:
            gate.wait()
            return [_answer(work, n) for n in range(worker, count, WORKERS)]
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(run, range(min(count, WORKERS))))
    return [answer for part in found for answer in part]


def _answer(work: Callable[[int], str], n: int) -> str:
    while True:
        try:
            return work(n)
        except TrunklineError as error:
            if error.code != "ledger_busy":  # what a caller does with it: again, from the start of the scope
                return error.code


@pytest.mark.parametrize("snapshot", [False, True], ids=["read committed", "repeatable read"])
@pytest.mark.parametrize("cached", [True, False], ids=["cached", "cache dropped meanwhile"])
def test_of_many_spends_just_as_many_succeed_as_there_is_money_for(owner: Any, snapshot: bool, cached: bool) -> None:
    with scope(owner, "test"):
        top_up("ann", 100)

    def work(n: int) -> str:
        with scope(owner, "test", snapshot=snapshot):
            queries.balances()  # a snapshot begins with the first look
            spend("ann", "7", key=f"s{n}")
        if not cached and n % 5 == 0:
            with scope(owner, "test"):
                actions.drop_balances()
        return "posted"

    assert Counter(at_once(40, work)) == {"posted": 14, "insufficient_funds": 26}
    with scope(owner, "test"):
        assert standing() == {"bank:USD": "100", "receivable:a": "0", "revenue:USD": "-98", "wallet:ann": "-2"}


def test_a_request_sent_by_many_at_once_is_posted_once(owner: Any) -> None:
    def work(n: int) -> str:
        with scope(owner, "test"):
            entry = actions.post_many(
                [draft(f"k{n % 5}", "bank:USD 5; receivable:a -5")], at=AT + timedelta(seconds=n)
            )[0]
        return "replay" if entry.is_replay else "posted"

    assert Counter(at_once(40, work)) == {"posted": 5, "replay": 35}
    with scope(owner, "test"):
        assert standing(["bank:USD"]) == {"bank:USD": "25"}


def test_groups_that_share_keys_in_any_order_do_not_lock_each_other_out(owner: Any) -> None:
    def work(n: int) -> str:
        keys = [f"k{(n * 7 + step * (1 if n % 2 else -1)) % 30}" for step in range(10)]
        with scope(owner, "test"):
            made = actions.post_many([draft(key, "bank:USD 5; receivable:a -5") for key in keys], at=AT)
        return str(sum(not entry.is_replay for entry in made))

    assert sum(map(int, at_once(24, work))) == 30
    with scope(owner, "test"):
        assert standing(["bank:USD"]) == {"bank:USD": "150"}


def test_each_entry_is_reversed_once_by_whoever_is_first(owner: Any) -> None:
    with scope(owner, "test"):
        actions.post_many([draft(f"k{n}", f"bank:USD {n + 1}; receivable:a -{n + 1}") for n in range(40)], at=AT)

    def work(n: int) -> str:
        with scope(owner, "test"):
            actions.reverse(entry=queries.access_entry(f"k{n // 2}"), key=f"back{n}", booked_on=DAY, at=AT)
        return "posted"

    assert Counter(at_once(80, work)) == {"posted": 40, "already_reversed": 40}
    with scope(owner, "test"):
        assert set(standing().values()) == {"0"}


def test_a_reservation_ends_once_whoever_ends_it(owner: Any) -> None:
    with scope(owner, "test"):
        top_up("ann", 100)
        made = lines("wallet:ann 5; revenue:USD -5")
        for n in range(20):
            actions.reserve(key=f"r{n}", kind="usage_wallet", booked_on=DAY, lines=made, timeout_s=60, at=AT)

    def work(n: int) -> str:
        with scope(owner, "test"):
            pending = queries.access_entry(f"r{n // 4}")
            if n % 4 == 0:
                return str(actions.void(pending=pending, at=AT).is_replay)
            if n % 4 == 3:
                return f"{len(actions.expire_due(at=AT + timedelta(seconds=60), limit=3))} expired"
            return str(actions.settle(pending=pending, key=f"u{n}", booked_on=DAY, at=AT).is_replay)

    answers = Counter(at_once(80, work))
    assert set(answers) <= {"False", "already_resolved", *(f"{n} expired" for n in range(4))}
    with scope(owner, "test"):
        outcomes = Counter(Resolution.objects.values_list("outcome", flat=True))
        assert sum(outcomes.values()) == 20
        posted = outcomes["posted"]
        assert answers["False"] == posted + outcomes["voided"]
        found = next(row for row in queries.balances() if row.account.code == "wallet:ann")
        assert (str(found.natural), str(found.available)) == (str(100 - 5 * posted), str(100 - 5 * posted))


def test_nothing_slips_into_a_period_that_is_being_closed(owner: Any) -> None:
    def work(n: int) -> str:
        with scope(owner, "test", snapshot=n % 3 == 0):
            queries.balances()
            if n == 20:
                return str(actions.close_period(through=DAY, at=AT).entry_count)
            actions.post_many([draft(f"k{n}", "bank:USD 5; receivable:a -5")], at=AT)
        return "posted"

    answers = Counter(at_once(60, work))
    with scope(owner, "test"):
        sealed = PeriodClose.objects.get().entry_count
        assert answers == Counter({"posted": sealed, "period_closed": 59 - sealed}) + Counter([str(sealed)])
        assert Entry.objects.count() == sealed


def test_a_snapshot_may_post_and_may_not_have_the_books_alone(owner: Any) -> None:
    for alone in (
        lambda: actions.close_period(through=DAY, at=AT),
        lambda: actions.close_account(code="receivable:a", closed_on=DAY, at=AT),
        actions.refresh_balances,
        actions.drop_balances,
        actions.rebuild_balances,
    ):
        with pytest.raises(ScopeError, match="without a snapshot"), scope(owner, "test", snapshot=True):
            alone()
    with scope(owner, "test", snapshot=True):
        actions.post_many([draft("k", "bank:USD 5; receivable:a -5")], at=AT)


def test_an_account_is_made_once_by_whoever_is_first(owner: Any) -> None:
    def work(n: int) -> str:
        with scope(owner, "test"):
            return str(actions.ensure_account(code=f"receivable:new{n % 4}", currency="USD", name="x", at=AT).pk)

    assert len(set(at_once(32, work))) == 4

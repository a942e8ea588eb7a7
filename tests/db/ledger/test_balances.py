"""Balances are derived, at any two times, and the cache changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.db.ledger.books import AT, DAY, account, draft, lines, spend, standing, top_up
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.money import Amount
from trunkline.ledger import actions, queries
from trunkline.ledger.models import Balance, Entry, LedgerAccount
from trunkline.tenancy.scope import scope

TEXT = "bank:USD {0}; receivable:a -{0}"


def units(amount: int) -> Amount:
    return Amount(amount * 10**8)


def test_a_balance_answers_for_the_day_booked_and_for_what_was_known(in_scope: Any) -> None:
    bank = account("bank:USD")
    for n, (day, hour) in enumerate([(1, 0), (10, 1), (5, 2)]):  # the third is booked back, learned last
        made = draft(f"k{n}", TEXT.format(10**n), day=date(2026, 3, day))
        actions.post_many([made], at=AT + timedelta(hours=hour))
    before = queries.balance(bank, created_to=AT + timedelta(hours=2))
    assert before == units(11)
    assert queries.balance(bank) == units(111)
    assert queries.balance(bank, booked_to=date(2026, 3, 5)) == units(1)
    assert queries.balance(bank, booked_to=date(2026, 3, 6)) == units(101)
    assert queries.balance(bank, booked_to=date(2026, 3, 6), created_to=AT + timedelta(hours=2)) == units(1)
    assert queries.balance(bank, created_to=AT) == units(0)
    with pytest.raises(NotFound):
        queries.balance(999_999_999)


def test_what_stood_at_an_instant_is_what_was_read_at_it(in_scope: Any) -> None:
    """Posted and reserved, after each of a few things that happen, an hour apart; accounts made later are not there."""
    seen: list[tuple[datetime, list[queries.AccountBalance]]] = []

    def happens(hour: int, what: Callable[[datetime], object]) -> None:
        at = AT + timedelta(hours=hour)
        what(at)
        seen.append((at, queries.balances()))

    def reserve(at: datetime) -> None:
        money = lines("wallet:ann 30; revenue:USD -30")
        actions.reserve(key=f"r{at}", kind="usage_wallet", booked_on=DAY, lines=money, timeout_s=86_400, at=at)

    def settle(at: datetime) -> None:
        pending, part = Entry.objects.filter(is_pending=True).earliest("pk"), lines("wallet:ann 12; revenue:USD -12")
        actions.settle(pending=pending, key="settled", booked_on=DAY, lines=part, at=at)

    account("revenue:USD")
    happens(1, lambda at: top_up("ann", 100, minute=60))
    happens(2, reserve)
    happens(3, settle)
    happens(4, reserve)
    happens(5, lambda at: actions.void(pending=Entry.objects.filter(is_pending=True).latest("pk"), at=at))
    happens(6, lambda at: spend("ann", "1", key="s", at=at))
    LedgerAccount.objects.create(code="bank:EUR", currency="EUR", type="asset", created_at=AT + timedelta(hours=7))
    for at, standing_then in seen:
        for moment in (at, at + timedelta(minutes=59)):
            assert queries.balances(as_of=moment) == standing_then
    assert {str(row.available) for at, rows in seen for row in rows if row.account.code == "wallet:ann"} == {
        "100",
        "70",
        "88",
        "58",
        "87",
    }
    assert queries.balances(as_of=AT + timedelta(hours=8)) == queries.balances()
    assert [row for row in queries.balances(as_of=AT) if not row.is_empty] == []


def test_balances_answer_for_the_day_booked_and_for_what_was_known(in_scope: Any) -> None:
    for n, day in enumerate((1, 10, 5)):  # the third is booked back, learned last
        made = draft(f"k{n}", TEXT.format(10**n), day=date(2026, 3, day))
        actions.post_many([made], at=AT + timedelta(hours=n))

    def bank(**asked: Any) -> int:
        return next(int(row.posted.to_decimal()) for row in queries.balances(**asked) if row.account.code == "bank:USD")

    assert bank() == 111
    assert bank(booked_to=date(2026, 3, 10)) == 101
    assert bank(as_of=AT + timedelta(hours=1)) == 11
    assert bank(as_of=AT + timedelta(hours=1), booked_to=date(2026, 3, 10)) == 1


def test_the_cache_can_be_dropped_and_rebuilt_at_any_moment(in_scope: Any) -> None:
    random = Random(7)
    top_up("ann", 1000)
    for n in range(40):
        spend("ann", str(random.randint(1, 20)), key=f"s{n}")
        actions.post_many([draft(f"p{n}", TEXT.format(random.randint(1, 99)))], at=AT)
        plain = queries.funds(cached=False)
        random.choice([actions.refresh_balances, actions.drop_balances, actions.rebuild_balances, lambda: None])()
        assert queries.funds() == plain
    actions.rebuild_balances()
    assert Balance.objects.count() == len(plain)
    assert Balance.objects.filter(posting_id=0).count() == 0


def test_a_statement_runs_from_opening_to_closing(in_scope: Any) -> None:
    for n, day in enumerate((1, 3, 2, 3)):
        actions.post_many(
            [draft(f"k{n}", TEXT.format(10**n), day=date(2026, 3, day), reference=f"no {n}")],
            at=AT + timedelta(minutes=n),
        )
    found = queries.statement(account("bank:USD"), date(2026, 3, 2), date(2026, 3, 4))
    assert [(x.booked_on.day, x.key, x.reference, str(x.amount), str(x.balance)) for x in found.lines] == [
        (2, "k2", "no 2", "100", "101"),
        (3, "k1", "no 1", "10", "111"),
        (3, "k3", "no 3", "1000", "1111"),
    ]
    assert (found.opening, found.closing, found.account.code) == (units(1), units(1111), "bank:USD")
    whole = queries.statement(account("bank:USD"))
    assert (whole.opening, len(whole.lines), whole.closing) == (units(0), 4, units(1111))
    assert queries.statement(account("bank:USD"), date(2026, 3, 4)).closing == units(1111)


def test_whatever_order_a_group_is_sent_in_the_statement_is_the_same(tenant: Any, other_tenant: Any) -> None:
    seen = []
    for number, owner in enumerate((tenant, other_tenant)):
        with scope(owner, "test"):
            group = [draft(f"k{n:02}", TEXT.format(n + 1), day=date(2026, 3, 1 + n % 3)) for n in range(20)]
            Random(number).shuffle(group)
            actions.post_many(group, at=AT)
            lines = queries.statement(account("bank:USD")).lines
            seen.append([(x.booked_on, x.key, x.amount, x.balance) for x in lines])
    assert seen[0] == seen[1]


def test_a_closed_period_takes_nothing_and_the_past_stays_as_it_was_known(in_scope: Any) -> None:
    actions.post_many([draft("k1", TEXT.format(1), day=date(2026, 2, 28))], at=AT)
    close = actions.close_period(through=date(2026, 2, 28), at=AT)
    assert (close.entry_count, close.actor, close.closed_at) == (1, "test", AT)
    assert actions.close_period(through=date(2026, 2, 28), at=AT).pk == close.pk
    for day in (date(2026, 2, 28), date(2026, 1, 1)):
        with pytest.raises(Conflict) as caught:
            actions.post_many([draft("k2", TEXT.format(1), day=day)], at=AT)
        assert (caught.value.code, caught.value.context["closed_through"]) == ("period_closed", date(2026, 2, 28))
    assert actions.post_many([draft("k1", TEXT.format(1), day=date(2026, 2, 28))], at=AT)[0].is_replay
    actions.post_many([draft("k2", TEXT.format(1), day=DAY)], at=AT)
    with pytest.raises(Conflict):
        actions.close_period(through=date(2026, 1, 31), at=AT)
    with pytest.raises(Invalid) as early:
        actions.close_period(through=AT.date(), at=AT)
    assert early.value.code == "period_not_over"
    second = actions.close_period(through=DAY, at=AT)
    assert (second.entry_count, second.seal == close.seal) == (1, False)
    last = queries.last_close()
    assert last == second
    assert queries.closed_through() == DAY


def test_two_tenants_have_the_same_codes_and_keys_and_nothing_else_in_common(tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        actions.post_many([draft("k", TEXT.format(5))], at=AT)
        foreign = account("bank:USD").pk
        actions.close_period(through=DAY, at=AT)
    with scope(other_tenant, "test"):
        assert queries.balances() == []
        assert queries.find_account("bank:USD") is None
        assert queries.funds([foreign]) == {}
        assert queries.closed_through() is None
        with pytest.raises(NotFound):
            queries.balance(foreign)
        mixed = [actions.Line(foreign, units(1)), actions.Line(account("receivable:a").pk, units(-1))]
        with pytest.raises(NotFound):
            actions.post(key="mixed", kind="payment", booked_on=DAY, lines=mixed, at=AT)
        actions.post_many([draft("k", TEXT.format(7))], at=AT)
        assert standing() == {"bank:USD": "7", "receivable:a": "-7"}
    with scope(tenant, "test"):
        assert standing() == {"bank:USD": "5", "receivable:a": "-5"}

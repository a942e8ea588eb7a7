"""Two phases: what is reserved ends once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from django.db import transaction

from tests.db.ledger.books import AT, DAY, account, lines, spend, standing, top_up
from trunkline.core.errors import Conflict, Invalid, TrunklineError
from trunkline.ledger import actions, checks, queries
from trunkline.ledger.choices import Outcome
from trunkline.ledger.errors import InsufficientFunds
from trunkline.ledger.models import Entry, Resolution

pytestmark = pytest.mark.usefixtures("in_scope")


def reserve(amount: str, *, key: str = "r", timeout_s: int = 60) -> Entry:
    made = lines(f"wallet:ann {amount}; revenue:USD -{amount}")
    return actions.reserve(key=key, kind="usage_wallet", booked_on=DAY, lines=made, timeout_s=timeout_s, at=AT)


def available() -> tuple[str, str]:
    found = next(row for row in queries.balances() if row.account.code == "wallet:ann")
    return str(found.natural), str(found.available)


def test_a_reservation_takes_from_what_is_available_and_from_nothing_else() -> None:
    top_up("ann", 100)
    reserve("30")
    assert available() == ("100", "70")
    assert standing() == {"bank:USD": "100", "revenue:USD": "0", "wallet:ann": "-100"}
    with pytest.raises(InsufficientFunds):
        reserve("70.1", key="r2")
    with pytest.raises(InsufficientFunds):
        spend("ann", "71", key="s")
    spend("ann", "70", key="s2")
    assert available() == ("30", "0")


def test_money_that_is_only_promised_is_not_spent() -> None:
    made = lines("bank:USD 100; wallet:ann -100")
    actions.reserve(key="p", kind="payment", booked_on=DAY, lines=made, at=AT)
    assert available() == ("0", "0")
    with pytest.raises(InsufficientFunds):
        spend("ann", "1", key="s")


def test_a_part_is_posted_and_the_rest_released() -> None:
    top_up("ann", 100)
    pending = reserve("30")
    settled = actions.settle(
        pending=pending, key="u", booked_on=DAY, lines=lines("wallet:ann 12; revenue:USD -12"), at=AT
    )
    assert (settled.settles_id, settled.kind, available()) == (pending.pk, "usage_wallet", ("88", "88"))
    assert Resolution.objects.get(pending=pending).outcome == Outcome.POSTED


def test_renewing_in_one_group_never_falls_between() -> None:
    top_up("ann", 50)
    first = reserve("50", key="r1")
    used = lines("wallet:ann 20; revenue:USD -20")
    group = [
        actions.Draft(key="u1", kind="usage_wallet", booked_on=DAY, lines=used, settles_id=first.pk),
        actions.Draft(
            key="r2", kind="usage_wallet", booked_on=DAY, lines=lines("wallet:ann 30; revenue:USD -30"), timeout_s=60
        ),
    ]
    actions.post_many(group, at=AT)
    assert available() == ("30", "0")


def post(pending: Entry) -> str:
    return "replay" if actions.settle(pending=pending, key="u", booked_on=DAY, at=AT).is_replay else "done"


def void(pending: Entry) -> str:
    return "replay" if actions.void(pending=pending, at=AT).is_replay else "done"


def expire(pending: Entry) -> str:
    return "done" if actions.expire_due(at=AT + timedelta(seconds=60)) else "nothing"


ENDS: dict[str, Callable[[Entry], str]] = {"post": post, "void": void, "expire": expire}


@pytest.mark.parametrize("order", list(product(ENDS, repeat=3)), ids=" ".join)
def test_in_every_order_the_first_end_stands(order: tuple[str, ...]) -> None:
    top_up("ann", 100)
    pending = reserve("30")
    answers = []
    for name in order:
        try:
            with transaction.atomic():
                answers.append(ENDS[name](pending))
        except Conflict as error:
            answers.append(error.code)
    again = {"post": "replay", "void": "replay", "expire": "nothing"}
    other = {"post": "already_resolved", "void": "already_resolved", "expire": "nothing"}
    first = order[0]
    assert answers == ["done", *(again[name] if name == first else other[name] for name in order[1:])]
    outcome = {"post": Outcome.POSTED, "void": Outcome.VOIDED, "expire": Outcome.EXPIRED}[first]
    assert [r.outcome for r in Resolution.objects.all()] == [outcome]
    assert available() == (("70", "70") if first == "post" else ("100", "100"))
    assert [finding.name for finding in checks.check(at=AT) if not finding.holds] == []


def test_from_the_moment_it_ends_a_reservation_cannot_be_settled() -> None:
    top_up("ann", 100)
    pending = reserve("30", timeout_s=60)
    with pytest.raises(Conflict) as caught:
        actions.settle(pending=pending, key="u", booked_on=DAY, at=AT + timedelta(seconds=60))
    assert caught.value.code == "reservation_expired"
    assert (
        actions.settle(pending=pending, key="u", booked_on=DAY, at=AT + timedelta(seconds=59)).settles_id == pending.pk
    )


def test_expiry_takes_the_oldest_first_and_what_has_no_end_never() -> None:
    top_up("ann", 100)
    keys = {reserve("1", key=f"r{n}", timeout_s=n * 60).pk: n for n in (3, 1, 2, 0)}
    late = AT + timedelta(hours=1)
    assert [[keys[r.pending_id] for r in actions.expire_due(at=late, limit=2)] for _ in range(3)] == [[1, 2], [3], []]
    assert available() == ("100", "99")


def test_a_reservation_is_a_replay_for_its_time_out_too() -> None:
    top_up("ann", 100)
    first = reserve("30", timeout_s=60)
    assert reserve("30", timeout_s=60).is_replay
    with pytest.raises(Conflict) as caught:
        reserve("30", timeout_s=61)
    assert caught.value.context["differs"] == ["timeout_s"]
    assert Entry.objects.get(key="r").expires_at == first.expires_at == AT + timedelta(seconds=60)


def test_what_is_not_pending_has_no_second_phase() -> None:
    top_up("ann", 100)
    posted = queries.access_entry("top-up")
    for refused in (
        lambda: actions.void(pending=posted, at=AT),
        lambda: actions.settle(pending=posted, key="u", booked_on=DAY, at=AT),
    ):
        with pytest.raises(Invalid) as caught:
            refused()
        assert caught.value.code == "not_pending"
    pending = reserve("30")
    with pytest.raises(Invalid) as reversal:
        actions.reverse(entry=pending, key="back", booked_on=DAY, at=AT)
    assert reversal.value.code == "not_reversible"


def test_a_settlement_in_a_closed_period_is_refused_and_reserves_on() -> None:
    top_up("ann", 100)
    pending = reserve("30", timeout_s=0)
    actions.close_period(through=DAY, at=AT)
    with pytest.raises(TrunklineError) as caught:
        actions.settle(pending=pending, key="u", booked_on=DAY, at=AT)
    assert (caught.value.code, available()) == ("period_closed", ("100", "70"))
    actions.settle(pending=pending, key="u", booked_on=DAY + timedelta(days=1), at=AT)
    assert available() == ("70", "70")


def test_an_account_without_guard_shows_what_is_pending_through_the_cache() -> None:
    top_up("ann", 100)
    for n in range(3):
        reserve("10", key=f"r{n}")
    actions.refresh_balances()
    actions.void(pending=queries.access_entry("r0"), at=AT)
    reserve("5", key="r9")
    number = account("revenue:USD").pk
    for _ in range(2):
        found = queries.funds([number])[number]
        assert (found.posted, found.pending_debit, found.pending_credit) == (0, 0, -25 * 10**8)
        actions.drop_balances()

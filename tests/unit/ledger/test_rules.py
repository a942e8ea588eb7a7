"""What may be posted, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError
from trunkline.core.money import AMOUNT_UNITS_MAX, Amount
from trunkline.ledger import rules
from trunkline.ledger.choices import AccountClass, AccountType, EntryKind
from trunkline.ledger.rules import MOVES, TYPES, AccountFacts, Draft, Funds, Line

DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLASSES = list(AccountClass)


def facts(
    number: int,
    account_class: AccountClass,
    *,
    currency: str = "USD",
    opened: date | None = None,
    closed: date | None = None,
) -> AccountFacts:
    return AccountFacts(number, f"{account_class}:x{number}", TYPES[account_class], currency, False, opened, closed)


BANK, RECEIVABLE, EURO = (
    facts(1, AccountClass.BANK),
    facts(2, AccountClass.RECEIVABLE),
    facts(3, AccountClass.RECEIVABLE, currency="EUR"),
)
ACCOUNTS = {account.id: account for account in (BANK, RECEIVABLE, EURO)}


def draft(*lines: tuple[int, int], key: str = "k", kind: str = "payment", **given: object) -> Draft:
    made = [Line(account_id, Amount(units)) for account_id, units in lines]
    return Draft(key=key, kind=kind, booked_on=DAY, lines=made, **given)  # type: ignore[arg-type]


def code_of(refused: Draft, accounts: dict[int, AccountFacts] = ACCOUNTS, closed_through: date | None = None) -> str:
    with pytest.raises(TrunklineError) as caught:
        rules.check_draft(refused, accounts, closed_through)
    return caught.value.code


def test_every_class_has_a_type_and_every_kind_has_moves() -> None:
    assert set(TYPES) == set(AccountClass)
    assert set(MOVES) == set(EntryKind)
    assert set(rules.OWN_CLASSES) | set(rules.PARTY_CLASSES) == set(AccountClass)


def test_a_balanced_payment_is_taken() -> None:
    rules.check_draft(draft((1, 500), (2, -500)), ACCOUNTS, None)


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (draft((1, 500)), "too_few_lines"),
        (draft(), "too_few_lines"),
        (draft((1, 500), (2, -499)), "unbalanced"),
        (draft((1, 500), (3, -500)), "unbalanced"),  # two currencies, each of them off
        (draft((1, 500), (2, -500), (1, 0)), "zero_amount"),
        (draft((1, 500), (9, -500)), "ledger_account_not_found"),
        (draft((1, 500), (2, -500), kind="gift"), "unknown_entry_kind"),
        (draft((1, 500), (2, -500), kind="usage_sell"), "move_not_allowed"),
        (draft((1, 500), (2, -500), key=""), "bad_key"),
        (draft((1, 500), (2, -500), key="x" * 201), "bad_key"),
        (draft((1, 500), (2, -500), key="a\0b"), "bad_key"),
        (draft((1, 500), (2, -500), reference="x" * 201), "bad_reference"),
        (draft((1, 500), (2, -500), timeout_s=-1), "bad_timeout"),
        (draft((1, 500), (2, -500), kind="reversal"), "not_reversible"),
        (draft((1, 500), (2, -500), reverses_id=5), "not_reversible"),
    ],
)
def test_what_is_refused_says_why(refused: Draft, code: str) -> None:
    assert code_of(refused) == code


def test_the_last_closed_day_takes_nothing_and_the_next_takes_all() -> None:
    assert code_of(draft((1, 5), (2, -5)), closed_through=DAY) == "period_closed"
    rules.check_draft(draft((1, 5), (2, -5)), ACCOUNTS, DAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("opened", "closed", "taken"),
    [
        (None, None, True),
        (DAY, None, True),
        (DAY + timedelta(days=1), None, False),
        (None, DAY, False),
        (None, DAY + timedelta(days=1), True),
    ],
)
def test_an_account_is_used_from_its_first_day_until_before_its_close(
    opened: date | None, closed: date | None, taken: bool
) -> None:
    accounts = ACCOUNTS | {2: facts(2, AccountClass.RECEIVABLE, opened=opened, closed=closed)}
    if taken:
        rules.check_draft(draft((1, 5), (2, -5)), accounts, None)
    else:
        assert code_of(draft((1, 5), (2, -5)), accounts) == "account_not_open"


@given(st.sampled_from(EntryKind), st.sampled_from(CLASSES), st.sampled_from(CLASSES))
def test_a_kind_touches_the_classes_of_its_row_and_no_other(
    kind: EntryKind, one: AccountClass, other: AccountClass
) -> None:
    accounts = {1: facts(1, one), 2: facts(2, other)}
    tried = draft((1, 5), (2, -5), kind=kind, reverses_id=7 if kind is EntryKind.REVERSAL else None)
    if {one, other} <= MOVES[kind]:
        rules.check_draft(tried, accounts, None)
    else:
        assert code_of(tried, accounts) == "move_not_allowed"


def test_amounts_go_to_the_limit_of_the_column() -> None:
    most = AMOUNT_UNITS_MAX
    rules.check_draft(draft((1, most), (2, -most)), ACCOUNTS, None)
    rules.check_draft(draft((1, most), (1, most), (2, -most), (2, -most)), ACCOUNTS, None)


LINES = st.lists(st.tuples(st.integers(1, 3), st.integers(-5, 5).filter(bool)), min_size=2, max_size=5)


@given(LINES, st.randoms())
def test_the_order_of_lines_is_no_part_of_a_body(pairs: list[tuple[int, int]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert draft(*pairs).body_hash() == draft(*shuffled).body_hash()
    assert rules.differences(draft(*pairs), draft(*shuffled)) == []


@given(LINES, LINES)
def test_two_bodies_share_a_hash_exactly_if_they_have_the_same_lines(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    same = sorted(one) == sorted(other)
    assert (draft(*one).body_hash() == draft(*other).body_hash()) is same
    assert (rules.differences(draft(*one), draft(*other)) == []) is same


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (draft((1, 6), (2, -6)), ["amount"]),
        (draft((1, 5), (3, -5)), ["accounts"]),
        (draft((1, 5), (2, -5), kind="payout"), ["kind"]),
        (draft((1, 5), (2, -5), reference="x"), ["reference"]),
        (draft((1, 5), (2, -5), timeout_s=0), ["timeout_s"]),
        (draft((1, 5), (2, -5), settles_id=1), ["settles"]),
        (draft((1, 6), (2, -6), kind="payout", reverses_id=1), ["kind", "reverses", "amount"]),
    ],
)
def test_a_difference_is_named(other: Draft, differs: list[str]) -> None:
    first = draft((1, 5), (2, -5))
    assert rules.differences(first, other) == differs
    assert first.body_hash() != other.body_hash()


@pytest.mark.parametrize(
    ("sign", "posted", "debit", "credit", "available"), [(1, 1000, 70, -300, 700), (-1, -1000, 300, -70, 700)]
)
def test_available_is_posted_less_what_may_go_out(
    sign: int, posted: int, debit: int, credit: int, available: int
) -> None:
    assert Funds(posted, debit, credit).available(sign) == available


@given(st.lists(st.integers(-100, 100), max_size=4), st.lists(st.integers(-100, 100), max_size=4))
def test_reserving_and_releasing_leaves_what_was_there(before: list[int], amounts: list[int]) -> None:
    funds = Funds(5, 0, 0).reserving(before)
    assert funds.reserving(amounts).releasing(amounts) == funds
    assert funds.reserving(amounts).available(1) <= funds.available(1)
    assert funds.reserving(amounts).available(-1) <= funds.available(-1)


def test_natural_signs() -> None:
    assert [
        rules.natural_sign(t)
        for t in (AccountType.ASSET, AccountType.EXPENSE, AccountType.LIABILITY, AccountType.INCOME)
    ] == [1, 1, -1, -1]


def test_a_code_says_its_class() -> None:
    assert rules.class_of("receivable:acme:berlin") is AccountClass.RECEIVABLE
    assert rules.code_for(AccountClass.REVENUE, "USD") == "revenue:USD"
    with pytest.raises(Invalid, match="no class"):
        rules.class_of("equity:USD")


def test_a_reversal_is_the_exact_opposite_of_something_posted() -> None:
    original = draft((1, 5), (2, -5))
    rules.check_reversal(draft((2, 5), (1, -5), kind="reversal"), original)
    for bad, code in [
        (draft((2, 4), (1, -4), kind="reversal"), "not_the_opposite"),
        (draft((2, 5), (1, -5), kind="invoice_void"), "not_reversible"),
        (draft((2, 5), (1, -5), kind="payment"), "not_reversible"),
        (draft((2, 5), (1, -5), kind="reversal", timeout_s=0), "not_reversible"),
    ]:
        with pytest.raises(Invalid) as caught:
            rules.check_reversal(bad, original)
        assert caught.value.code == code
    with pytest.raises(Invalid, match="voided"):
        rules.check_reversal(draft((2, 5), (1, -5), kind="reversal"), draft((1, 5), (2, -5), timeout_s=0))


def test_a_part_is_no_more_than_the_reservation_in_each_direction() -> None:
    pending = draft((1, 5), (1, -2), (2, -3), timeout_s=60)
    end = AT + timedelta(seconds=60)
    for taken in permutations([(1, 5), (1, -2), (2, -3)]):
        rules.check_part(draft(*taken), pending, end, AT)
    rules.check_part(draft((1, 2), (2, -2)), pending, end, end - timedelta(microseconds=1))
    for bad, moment, code in [
        (draft((1, 6), (1, -3), (2, -3)), AT, "exceeds_pending"),
        (draft((1, 1), (3, -1)), AT, "exceeds_pending"),
        (draft((1, 2), (2, -2), kind="payout"), AT, "not_a_settlement"),
        (draft((1, 2), (2, -2), timeout_s=5), AT, "not_a_settlement"),
        (draft((1, 2), (2, -2)), end, "reservation_expired"),
    ]:
        with pytest.raises((Invalid, Conflict)) as caught:
            rules.check_part(bad, pending, end, moment)
        assert caught.value.code == code
    with pytest.raises(Invalid, match="not pending"):
        rules.check_part(draft((1, 2), (2, -2)), draft((1, 5), (2, -5)), None, AT)


def test_an_unknown_account_is_not_found() -> None:
    with pytest.raises(NotFound):
        rules.check_draft(draft((8, 1), (9, -1)), ACCOUNTS, None)

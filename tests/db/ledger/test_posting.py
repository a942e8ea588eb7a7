"""Entries come in once, whole, and stay."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.db.ledger.books import AT, DAY, account, draft, lines, spend, standing, top_up
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.money import AMOUNT_UNITS_MAX, Amount
from trunkline.ledger import actions, queries
from trunkline.ledger.actions import Line
from trunkline.ledger.choices import AccountClass
from trunkline.ledger.errors import InsufficientFunds
from trunkline.ledger.models import Entry, LedgerAccount, Posting
from trunkline.tenancy.scope import scope

pytestmark = pytest.mark.usefixtures("in_scope")


def test_an_entry_is_kept_with_everything_that_was_said() -> None:
    made = lines("receivable:acme 1160; revenue:USD -1000; tax_payable:USD -160")
    entry = actions.post(key="invoice:1", kind="invoice", booked_on=DAY, lines=made, reference="2026-0001", at=AT)
    kept = queries.access_entry("invoice:1")
    assert kept == entry
    assert (kept.kind, kept.booked_on, kept.created_at, kept.actor, kept.reference) == (
        "invoice",
        DAY,
        AT,
        "test",
        "2026-0001",
    )
    assert (kept.is_pending, kept.refusal, kept.line_count, kept.is_replay) == (False, "", 3, False)
    said = [(p.position, p.account.code, str(p.amount), p.currency, p.booked_on) for p in queries.postings(kept)]
    assert said == [
        (1, "receivable:acme", "1160", "USD", DAY),
        (2, "revenue:USD", "-1000", "USD", DAY),
        (3, "tax_payable:USD", "-160", "USD", DAY),
    ]
    assert standing() == {"receivable:acme": "1160", "revenue:USD": "-1000", "tax_payable:USD": "-160"}


def test_the_same_request_gives_the_first_entry_marked_as_a_replay() -> None:
    first, again = (
        actions.post_many([draft("k", "bank:USD 5; receivable:a -5")], at=AT + timedelta(hours=n))[0] for n in range(2)
    )
    assert (again.pk, again.created_at, again.is_replay) == (first.pk, AT, True)
    assert standing() == {"bank:USD": "5", "receivable:a": "-5"}


def test_another_body_under_the_key_is_refused_and_the_difference_named() -> None:
    actions.post_many([draft("k", "bank:USD 5; receivable:a -5")], at=AT)
    with pytest.raises(Conflict, match="differs in booked_on, reference, amount") as caught:
        actions.post_many(
            [draft("k", "bank:USD 6; receivable:a -6", day=DAY + timedelta(days=1), reference="x")], at=AT
        )
    assert (caught.value.code, caught.value.context["differs"]) == ("key_reused", ["booked_on", "reference", "amount"])
    assert standing() == {"bank:USD": "5", "receivable:a": "-5"}


def test_a_group_is_posted_whole_or_not_at_all() -> None:
    good, bad = draft("good", "bank:USD 5; receivable:a -5"), draft("bad", "bank:USD 5; receivable:a -4")
    with pytest.raises(Invalid, match="do not add up to zero in USD: 1 is left"):
        actions.post_many([good, bad], at=AT)
    assert Entry.objects.count() == 0
    assert standing() == {"bank:USD": "0", "receivable:a": "0"}


def test_a_group_answers_in_the_order_of_its_drafts_and_knows_its_own_repeats() -> None:
    actions.post_many([draft("b", "bank:USD 5; receivable:a -5")], at=AT)
    group = [draft(key, "bank:USD 5; receivable:a -5") for key in ("c", "b", "a", "c")]
    entries = actions.post_many(group, at=AT)
    assert [(entry.key, entry.is_replay) for entry in entries] == [
        ("c", False),
        ("b", True),
        ("a", False),
        ("c", False),
    ]
    assert entries[0].pk == entries[3].pk
    with pytest.raises(Conflict, match="differs"):
        actions.post_many([draft("d", "bank:USD 5; receivable:a -5"), draft("d", "bank:USD 6; receivable:a -6")], at=AT)
    assert actions.post_many([], at=AT) == []


def test_each_currency_of_an_exchange_balances_by_itself() -> None:
    account("receivable:euro", currency="EUR")
    text = "bank:USD 110; fx_clearing:USD -110; fx_clearing:EUR 100; receivable:euro -100"
    actions.post_many([draft("fx", text, kind="exchange")], at=AT)
    trial = queries.trial_balance()
    assert {c: [(r.account.code, str(r.debit), str(r.credit)) for r in rows] for c, rows in trial.items()} == {
        "EUR": [("fx_clearing:EUR", "100", "0"), ("receivable:euro", "0", "100")],
        "USD": [("bank:USD", "110", "0"), ("fx_clearing:USD", "0", "110")],
    }
    with pytest.raises(Invalid, match="do not add up to zero in EUR"):
        actions.post_many([draft("bad", "bank:USD 100; receivable:euro -100", kind="exchange")], at=AT)


def test_amounts_of_the_largest_size_are_kept_and_a_sum_beyond_it_is_said() -> None:
    most = Amount(AMOUNT_UNITS_MAX)
    for n in range(2):
        made = [Line(account("bank:USD").pk, most), Line(account("receivable:a").pk, -most)]
        actions.post(key=f"k{n}", kind="payment", booked_on=DAY, lines=made, at=AT)
        if n == 0:
            assert queries.balance(account("bank:USD")) == most
    with pytest.raises(Invalid) as caught:
        queries.balance(account("bank:USD"))
    assert caught.value.code == "overflow"
    actions.refresh_balances()  # the cache is wider than an amount
    assert queries.funds([account("bank:USD").pk])[account("bank:USD").pk].posted == 2 * AMOUNT_UNITS_MAX


def test_a_reversal_takes_back_and_its_own_reversal_gives_again() -> None:
    entry = actions.post_many([draft("k", "bank:USD 5; receivable:a -5")], at=AT)[0]
    back = actions.reverse(entry=entry, key="k:back", booked_on=DAY, at=AT)
    assert (back.reverses_id, standing()) == (entry.pk, {"bank:USD": "0", "receivable:a": "0"})
    assert actions.reverse(entry=entry, key="k:back", booked_on=DAY, at=AT).is_replay
    with pytest.raises(Conflict) as caught:
        actions.reverse(entry=entry, key="k:back:2", booked_on=DAY, at=AT)
    assert (caught.value.code, caught.value.context["by"]) == ("already_reversed", "k:back")
    actions.reverse(entry=back, key="k:again", booked_on=DAY, at=AT)
    assert standing() == {"bank:USD": "5", "receivable:a": "-5"}


def test_one_group_does_not_reverse_an_entry_twice() -> None:
    entry = actions.post_many([draft("k", "bank:USD 5; receivable:a -5")], at=AT)[0]
    twice = [
        actions.Draft(
            key=key, kind="reversal", booked_on=DAY, lines=lines("bank:USD -5; receivable:a 5"), reverses_id=entry.pk
        )
        for key in ("x", "y")
    ]
    with pytest.raises(Conflict) as caught:
        actions.post_many(twice, at=AT)
    assert caught.value.code == "already_reversed"
    assert standing() == {"bank:USD": "5", "receivable:a": "-5"}


def test_what_is_not_there_cannot_be_posted_to_or_reversed() -> None:
    with pytest.raises(NotFound, match="no ledger account 999999999"):
        actions.post(
            key="k", kind="payment", booked_on=DAY, lines=[*lines("bank:USD 5"), Line(999_999_999, Amount(-5))], at=AT
        )
    wanted = actions.Draft(
        key="k", kind="reversal", booked_on=DAY, lines=lines("bank:USD 5; receivable:a -5"), reverses_id=999_999_999
    )
    with pytest.raises(NotFound, match="no entry 999999999"):
        actions.post_many([wanted], at=AT)
    with pytest.raises(NotFound):
        queries.access_entry("k")


def test_an_overdraft_is_refused_and_leaves_no_trace_but_what_was_there() -> None:
    top_up("ann", 100)
    spend("ann", "60", key="s1")
    with pytest.raises(InsufficientFunds, match="than the 40 that it can spare") as caught:
        spend("ann", "40.00000001", key="s2")
    assert (caught.value.code, caught.value.context["available"]) == ("insufficient_funds", "40")
    assert queries.find_entry("s2") is None
    spend("ann", "40", key="s3")
    assert standing(["wallet:ann"]) == {"wallet:ann": "0"}


def test_funds_are_looked_at_in_the_order_of_the_drafts() -> None:
    spend_first = [
        draft("a", "wallet:ann 5; revenue:USD -5", kind="usage_wallet"),
        draft("b", "bank:USD 5; wallet:ann -5"),
    ]
    with pytest.raises(InsufficientFunds):
        actions.post_many(spend_first, at=AT)
    actions.post_many(spend_first[::-1], at=AT)
    assert standing(["wallet:ann"]) == {"wallet:ann": "0"}


def test_a_wallet_takes_nothing_out_by_way_of_a_line_that_brings_in() -> None:
    actions.post_many([draft("k", "wallet:ann -5; wallet:ann 5; bank:USD 1; wallet:ann -1")], at=AT)
    assert standing(["wallet:ann"]) == {"wallet:ann": "-1"}
    with pytest.raises(InsufficientFunds):
        actions.post_many([draft("l", "wallet:ann -5; wallet:ann 7; bank:USD -2")], at=AT)


def test_a_refused_key_stays_refused_though_money_comes_in(in_scope: Any) -> None:
    account("wallet:ann"), account("revenue:USD")  # what is made in the refused scope is gone with it
    with pytest.raises(InsufficientFunds), actions.keep_refusals(in_scope.pk, "test", at=AT), scope(in_scope, "test"):
        spend("ann", "5", key="s")
    top_up("ann", 100)
    for _ in range(2):
        with pytest.raises(InsufficientFunds, match="key is spent") as caught:
            spend("ann", "5", key="s")
    assert caught.value.context["replay"] is True
    with pytest.raises(Conflict) as other:
        spend("ann", "6", key="s")
    assert (other.value.code, other.value.context["differs"]) == ("key_reused", ["lines"])
    assert Entry.objects.get(key="s").refusal == "insufficient_funds"
    assert standing(["wallet:ann"]) == {"wallet:ann": "-100"}


def test_refusing_a_key_that_was_posted_meanwhile_lets_it_stand() -> None:
    wanted = draft("k", "bank:USD 5; receivable:a -5")
    actions.post_many([wanted], at=AT)
    assert actions.refuse(draft=wanted, refusal="insufficient_funds", at=AT) is None
    assert actions.post_many([wanted], at=AT)[0].is_replay


def test_accounts_are_made_once_and_stay_what_they_are() -> None:
    made = actions.ensure_account(code="receivable:acme", type="asset", currency="USD", name="Acme", at=AT)
    again = actions.ensure_account(code="receivable:acme", currency="USD", name="Acme Ltd", at=AT)
    assert (again.pk, again.name, again.type, again.account_class) == (
        made.pk,
        "Acme",
        "asset",
        AccountClass.RECEIVABLE,
    )
    for changed in ({"currency": "EUR"}, {"no_overdraft": True}, {"opened_on": DAY}):
        with pytest.raises(Conflict) as caught:
            actions.ensure_account(
                **({"code": "receivable:acme", "currency": "USD", "name": "Acme", "at": AT} | changed)
            )  # type: ignore[arg-type]
        assert caught.value.context["differs"] == list(changed)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"code": "equity:x"}, "unknown_account_class"),
        ({"code": "receivable"}, "bad_account_code"),
        ({"code": "receivable: "}, "bad_account_code"),
        ({"code": "receivable:" + "x" * 110}, "bad_account_code"),
        ({"code": "receivable:x", "type": "liability"}, "account_type"),
        ({"code": "receivable:x", "currency": "XXL"}, "unknown_currency"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        actions.ensure_account(**({"currency": "USD", "name": "x", "at": AT} | given))
    assert caught.value.code == code


def test_the_chart_of_a_currency_is_made_once() -> None:
    chart = actions.ensure_chart(currency="KES", at=AT)
    assert {str(c): (a.code, a.type) for c, a in chart.items()} == {
        "revenue": ("revenue:KES", "income"),
        "traffic_cost": ("traffic_cost:KES", "expense"),
        "tax_payable": ("tax_payable:KES", "liability"),
        "rounding": ("rounding:KES", "expense"),
        "fx_clearing": ("fx_clearing:KES", "asset"),
        "bank": ("bank:KES", "asset"),
        "suspense": ("suspense:KES", "liability"),
        "bad_debt": ("bad_debt:KES", "expense"),
        "corrections": ("corrections:KES", "expense"),
    }
    assert actions.ensure_chart(currency="KES", at=AT) == chart
    assert queries.own_account(AccountClass.REVENUE, "KES") == chart[AccountClass.REVENUE]
    assert LedgerAccount.objects.count() == len(chart)


def test_an_account_is_closed_when_it_is_empty_and_takes_nothing_more() -> None:
    actions.post_many([draft("k", "bank:USD 5; receivable:a -5")], at=AT)
    with pytest.raises(Conflict, match="not empty"):
        actions.close_account(code="receivable:a", closed_on=DAY + timedelta(days=5), at=AT)
    actions.post_many([draft("l", "bank:USD -5; receivable:a 5", day=DAY + timedelta(days=3))], at=AT)
    with pytest.raises(Conflict) as caught:
        actions.close_account(code="receivable:a", closed_on=DAY + timedelta(days=3), at=AT)
    assert caught.value.code == "account_in_use"
    for _ in range(2):
        assert actions.close_account(code="receivable:a", closed_on=DAY + timedelta(days=5), at=AT).closed_on == date(
            2026, 3, 6
        )
    with pytest.raises(Conflict) as late:
        actions.post_many([draft("m", "bank:USD 5; receivable:a -5", day=date(2026, 3, 6))], at=AT)
    assert late.value.code == "account_not_open"
    actions.post_many([draft("n", "bank:USD 5; receivable:a -5", day=date(2026, 3, 5))], at=AT)
    with pytest.raises(Conflict) as other:
        actions.close_account(code="receivable:a", closed_on=DAY + timedelta(days=9), at=AT)
    assert other.value.code == "account_closed"
    with pytest.raises(NotFound):
        actions.close_account(code="receivable:nobody", closed_on=DAY, at=AT)


def test_a_draft_of_many_lines_keeps_their_sum() -> None:
    text = "; ".join(f"receivable:c{n} {n}.00000001" for n in range(1, 200))
    total = sum((Amount.from_text(f"{n}.00000001") for n in range(1, 200)), Amount.zero())
    actions.post_many([draft("k", f"{text}; bank:USD -{total}")], at=AT)
    assert Posting.objects.count() == 200
    assert standing(["bank:USD"]) == {"bank:USD": f"-{total}"}

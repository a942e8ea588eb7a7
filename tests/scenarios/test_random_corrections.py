"""Any sequence of loading, sending again, changes of prices and of identities, re-rating, documents and voiding: everything is proved after it, and in
the end it is as if the files had been taken once, under the last prices, by somebody who knew whose every trunk is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.usage.carrier import COLUMNS, EVER, START, Carrier, line
from tests.db.usage.test_rerate import apply, assert_proved, outcome, set_price
from trunkline.core.errors import Conflict
from trunkline.core.period import DatePeriod
from trunkline.invoicing import actions as invoicing
from trunkline.invoicing.choices import InvoiceState
from trunkline.invoicing.models import Invoice
from trunkline.ledger.checks import check_tenant
from trunkline.usage.asked import Asked
from trunkline.usage.process import process
from trunkline.usage.resend import resend

MARCH = DatePeriod(date(2026, 3, 1), date(2026, 4, 1))
SECOND_OF_MARCH = DatePeriod(date(2026, 3, 2), date(2026, 3, 3))
CALLS = [
    line("a", 61),
    line("b", 0, called="254710000001"),
    line("c", 119, called="254710000002", start=START + timedelta(hours=1)),
    line("d", 1, start=START + timedelta(hours=15)),  # the next day in Berlin
    line("e", 600, trunk_in="new"),  # a trunk that nobody knows at first
    line("f", 30, trunk_in="new", called="254710000003", start=START + timedelta(days=1)),
    line("g", 45, called="999000001"),  # a code that no list has
    "not,a,line",
]
FILES = st.lists(st.integers(0, len(CALLS) - 1), min_size=1, max_size=6).map(tuple)
CUSTOMERS = ("cust", "birch")  # in euro and on Berlin's clock; in dollars and on UTC's
PRICES = st.sampled_from(["0:0.10/60/1", "0:0.07/60/60", "0:0.13/60/6", ""])
SINCE = st.sampled_from([EVER, START + timedelta(minutes=30), START + timedelta(hours=20)])
STEPS = st.one_of(
    st.tuples(st.just("load"), FILES),
    st.tuples(st.just("price"), st.sampled_from(["sell", "birch", "buy"]), st.sampled_from(["254", "25471"]), PRICES),
    st.tuples(st.just("trunk"), st.sampled_from(["in", "new"]), st.sampled_from([*CUSTOMERS, ""]), SINCE),
    st.just(("identify",)),
    st.just(("resend",)),
    st.tuples(st.just("rerate"), st.sampled_from(["", "sell", "buy"])),
    st.tuples(st.just("invoice"), st.sampled_from([SECOND_OF_MARCH, MARCH])),
    st.tuples(st.just("void"), st.integers(0, 3)),
)


class Story:
    """What is done to one carrier, and what of it counts in the end: its files in their order and its last prices."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.files: list[tuple[int, ...]] = []
        self.prices: dict[tuple[str, str], str] = {}
        self.trunks: list[tuple[str, str, datetime]] = []
        carrier.add_customer("birch", "0:0.12/60/60")

    def do(self, verb: str, *what: Any) -> None:
        self.carrier.now += timedelta(minutes=1)
        getattr(self, f"_{verb}")(*what)

    def _load(self, calls: tuple[int, ...]) -> None:
        if calls not in self.files:
            self.files.append(calls)
        name = f"{self.files.index(calls)}.csv"
        self.carrier.load(self.carrier.write(name, *(CALLS[each] for each in calls), header=COLUMNS))

    def _price(self, side: str, code: str, steps: str) -> None:
        set_price(self.carrier, side, steps, code=code)
        self.prices[side, code] = steps

    def _trunk(self, trunk: str, code: str, since: datetime) -> None:
        self.carrier.give_trunk(trunk, code, since=since)
        self.trunks.append((trunk, code, since))

    def _resend(self) -> None:
        carrier = self.carrier
        for batch_id in resend(carrier.tenant_id, batch_public_id=None, actor="test", now=carrier.clock):
            process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)

    def _rerate(self, side: str) -> None:
        apply(self.carrier, Asked(side=side))

    def _identify(self) -> None:
        apply(self.carrier, Asked(is_told_anew=True))

    def _invoice(self, period: DatePeriod) -> None:
        for code in CUSTOMERS:
            try:
                invoicing.issue(
                    tenant_id=self.carrier.tenant_id,
                    actor="test",
                    account_code=code,
                    period=period,
                    at=self.carrier.now,
                    is_early=True,
                )
            except Conflict as error:
                if error.code != "nothing_to_bill":
                    raise

    def _void(self, place: int) -> None:
        with self.carrier.scope():
            numbers = self._documents()
            if numbers:
                number = numbers[place % len(numbers)]
                invoicing.void_with_adjustments(number=number, reason="drawn", at=self.carrier.now)

    @staticmethod
    def _documents() -> list[str]:
        issued = Invoice.objects.exclude(state=InvoiceState.VOID).order_by("pk")
        return list(issued.values_list("number", flat=True))

    def settle(self) -> None:
        """Make every earlier omission good."""
        self.do("identify")
        self.do("resend")

    def void_all(self) -> None:
        while True:
            with self.carrier.scope():
                if not self._documents():
                    return
            self.do("void", 0)

    def billed(self) -> Decimal:
        """What the documents that stand say was used, to the last decimal, whatever the currency."""
        with self.carrier.scope():
            standing = Invoice.objects.exclude(state=InvoiceState.VOID)
            return sum((invoice.exact.to_decimal() for invoice in standing), Decimal(0))

    def require_everything_holds(self) -> None:
        assert_proved(self.carrier)
        findings = check_tenant(self.carrier.tenant_id, "test", at=self.carrier.now)
        assert [finding for finding in findings if not finding.holds] == []


def what_counts(carrier: Carrier) -> dict[str, Any]:
    found = outcome(carrier)
    del found["rejects"]  # a line of two files is rejected twice, or once where it had been taken and lost its price
    for record in found["records"]:
        del record["line"]  # of two files that hold a record the first to be taken gave it
    return found


@pytest.mark.slow
@settings(
    max_examples=max(settings().max_examples // 5, 3),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=2, max_size=10), first=FILES)
def test_whatever_was_done_it_ends_as_if_it_had_been_right_at_once(
    committed_db: None, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]], first: tuple[int, ...]
) -> None:
    folder = tmp_path_factory.mktemp("story")
    story = Story(Carrier.make(folder / "in", f"Carrier {folder.name}"))
    story.do("load", first)
    for step in steps:
        story.do(*step)
    story.require_everything_holds()
    story.settle()
    story.do("invoice", MARCH)
    story.require_everything_holds()
    records = what_counts(story.carrier)["records"]
    assert story.billed() == sum((each["sell_amount"] or Decimal(0) for each in records), Decimal(0))
    story.void_all()
    story.require_everything_holds()

    fresh = Story(Carrier.make(folder / "fresh", f"Fresh {folder.name}"))
    for (side, code), price in story.prices.items():
        fresh.do("price", side, code, price)
    for trunk in story.trunks:
        fresh.do("trunk", *trunk)
    for calls in story.files:
        fresh.do("load", calls)
    assert what_counts(story.carrier) == what_counts(fresh.carrier)

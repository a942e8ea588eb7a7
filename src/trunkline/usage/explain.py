"""Why a record costs what it costs: what came in, whose it was told to be, which price it got, where the money went.

The amount is computed again, by `engine.explain` on the rates of that one number, and compared with what is stored.
Prices may have changed since the record was rated: rates that were voided since are taken as they were, and where that
does not lead to the rate that was used, the list is taken as it was when that rate was its last (`Basis`). A reject is
explained the same way, from its raw line, by what holds now. Needs an open scope throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache, partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Q

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount, convert
from trunkline.core.period import get_zone, local_date
from trunkline.engine.explain import Explanation, explain
from trunkline.engine.scalar import Event, ScalarTariff
from trunkline.engine.schema import Outcome
from trunkline.engine.schema import Tariff as PriceList
from trunkline.ledger.models import Entry
from trunkline.ledger.queries import account_facts, find_entry, postings
from trunkline.parties.explain import Identified, identify
from trunkline.parties.kinds import Side
from trunkline.parties.models import Account
from trunkline.parties.queries import identity_rows_naming
from trunkline.tariffs.exchange import ExchangeTable
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.queries import destination_names as named
from trunkline.tariffs.queries import last_exchange_rates, tariff_list
from trunkline.tariffs.snapshot import current_version, excerpt
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.actions import profile_of
from trunkline.usage.choices import SegmentKind
from trunkline.usage.corrections import charged_by, corrections_of
from trunkline.usage.decode import Chunk, FileFailed, line_octets
from trunkline.usage.locate import Located, Record, batch_of
from trunkline.usage.models import Batch, Rollup
from trunkline.usage.queries import form_of, posting_key
from trunkline.usage.sides import IDENTITY_FIELDS
from trunkline.usage.traffic.queries import rule_book
from trunkline.usage.traffic.rule import RuleBook, read_tags
from trunkline.usage.traffic.scalar import State, names_of
from trunkline.usage.traffic.trace import SideTraced, Traced, trace

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


class Basis(StrEnum):
    """Which prices an amount was computed again with. The values stand in APIs."""

    LISTED = "listed"  # as they are listed, with what was voided since
    USED = "used"  # as the list was when the rate that was used was its last


@dataclass(frozen=True, slots=True)
class Conversion:
    """An amount brought into another currency, once, half up at the 8th decimal. `published_on` is the rate's day."""

    before: Amount
    base: str
    rate: Fraction
    published_on: date | None
    after: Amount
    quote: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What the record says of one side."""

    account_id: int | None
    is_charged: bool
    tariff_id: int | None
    rate_id: int | None
    code: str | None
    billed: int | None
    tariff_amount: Amount | None
    amount: Amount | None
    base_amount: Amount | None
    exchange_rate: Fraction | None
    rate_date: date | None
    local_day: date | None
    number: str
    tags: frozenset[str]

    @classmethod
    def of(cls, record: Record, side: Side) -> Stored:
        """From the columns of a segment."""
        said = {name.removeprefix(f"{side}_"): value for name, value in record.items() if name.startswith(f"{side}_")}
        ratio = said["exchange_rate"]
        return cls(
            account_id=said["account_id"],
            is_charged=said["state"] == 1,
            tariff_id=said["tariff_id"],
            rate_id=said["rate_id"],
            code=said["code"],
            billed=said["billed"],
            tariff_amount=_amount(said["tariff_amount"]),
            amount=_amount(said["amount"]),
            base_amount=_amount(said["base_amount"]),
            exchange_rate=None if ratio is None else Fraction(ratio),
            rate_date=said["rate_date"],
            local_day=said["local_day"],
            number=said.get("number") or record["called"],  # segments of before traffic rules have neither
            tags=read_tags(said.get("tags")),
        )


def _amount(value: Decimal | None) -> Amount | None:
    return None if value is None else Amount.from_decimal(value)


@dataclass(frozen=True, slots=True)
class Priced:
    """A side priced again: in the tariff's currency, then in the account's (`currency`), then in the tenant's.

    `explanation` holds the rates tried and the charge. `amount` is None where there is no price or no exchange rate,
    which the `outcome` says. `differences` name what is not as it is stored; empty: everything is.
    """

    basis: Basis
    plan: tuple[Tariff, ...]
    explanation: Explanation
    to_account: Conversion | None
    to_base: Conversion | None
    amount: Amount | None
    currency: str
    base_amount: Amount | None
    differences: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """`rated`, or the reason word of why there is no amount."""
        outcome = self.explanation.charge.outcome
        return "no_exchange_rate" if outcome is Outcome.RATED and self.amount is None else outcome.name.lower()


@dataclass(frozen=True, slots=True)
class Booked:
    """Where the money of a side went: the sums that the record is in."""

    rollup: Rollup | None
    entry: Entry | None
    postings: tuple[tuple[str, Amount], ...]  # ledger account, amount; debit above zero


@dataclass(frozen=True, slots=True)
class SideExplained:
    """One side of a record. `remark` says why nothing is charged where nothing is; `traced` is its way through the traffic rules of now."""

    side: Side
    identified: Identified
    account: Account | None
    stored: Stored | None
    remark: str
    priced: Priced | None
    booked: Booked | None
    traced: SideTraced | None = None

    @property
    def is_other_account(self) -> bool:
        """Whether the identities of now name another account than the record has."""
        return self.stored is not None and self.stored.account_id != self.identified.account_id


@dataclass(frozen=True, slots=True)
class RecordExplained:
    """A record, or a reject with what could be read of it (`facts` None: nothing), and both of its sides.

    `is_current` says whether no price of the tenant has changed since the record was rated; None for a reject. `rerating` is the batch
    that has said it anew last, None where it is as it came in.
    """

    located: Located
    batch: Batch
    facts: Mapping[str, Any] | None
    sides: tuple[SideExplained, ...]
    base_currency: str
    is_current: bool | None
    rerating: Batch | None
    accounts: Mapping[int, str]
    destinations: Mapping[int, str]
    traced: Traced | None = None  # the way through the traffic rules of now; None where there are none

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that fitted the record when it was rated; of a reject, those that fit now."""
        if self.located.kind is SegmentKind.REJECT:
            return self.rules_of_now
        text = self.located.record.get("rules")
        return tuple(text.split(",")) if text else ()

    @property
    def rules_of_now(self) -> tuple[str, ...]:
        """The names of the rules that fit now."""
        if self.traced is None:
            return ()
        walked = [side.walked.state for side in self.traced.sides if side.walked is not None]
        return names_of([self.traced.state, *walked])

    @property
    def are_rules_others(self) -> bool:
        """Whether the rules of now would do something else with the record than was done."""
        if self.located.kind is SegmentKind.REJECT:
            return False
        carried = [(side.stored, side.traced) for side in self.sides if side.stored is not None]
        return self.rules != self.rules_of_now or any(
            traced is not None
            and traced.walked is not None
            and (stored.number, stored.tags) != (traced.walked.state.priced_number, traced.walked.state.tags)
            for stored, traced in carried
        )

    @property
    def rollup_ids(self) -> list[int]:
        """The sums that the record is in."""
        rollups = [side.booked.rollup for side in self.sides if side.booked is not None]
        return [rollup.pk for rollup in rollups if rollup is not None]

    @property
    def agrees(self) -> bool | None:
        """Whether everything computed again is what is stored; None for a reject, of which nothing is."""
        if self.located.kind is SegmentKind.REJECT:
            return None
        return not any(side.priced.differences for side in self.sides if side.priced is not None)


def explain_record(located: Located) -> RecordExplained:
    """Everything that led to what a record costs, computed again."""
    batch, record = batch_of(located), located.record
    is_reject = located.kind is SegmentKind.REJECT
    facts = decode_again(batch, record) if is_reject else record
    base = current_tenant().currency
    corrections = [] if is_reject else corrections_of(located)
    sides: tuple[SideExplained, ...] = ()
    traced: Traced | None = None
    if facts is not None:
        book = rule_book(batch.switch.name)
        traced = None if book is None else _trace(facts, batch, book, is_reject=is_reject)
        sides = tuple(
            _explain_side(
                side, facts, batch, charged_by(side, corrections, batch), traced, base=base, is_reject=is_reject
            )
            for side in Side
        )
    return RecordExplained(
        located=located,
        batch=batch,
        facts=facts,
        sides=sides,
        base_currency=base,
        is_current=None if is_reject else record["snapshot_version"] == current_version(),
        rerating=corrections[0].batch if corrections else None,
        accounts=_account_codes(sides),
        destinations=_destination_names(sides),
        traced=traced,
    )


def _trace(facts: Record, batch: Batch, book: RuleBook, *, is_reject: bool) -> Traced:
    """The way of the record through the rules of now; of a record each side is whose it was when it was rated."""

    def account_of(side: Side, identified: Identified) -> int | None:
        return identified.account_id if is_reject else facts[f"{side}_account_id"]

    return trace(
        facts,
        book,
        switch=batch.switch.name,
        number_rules=profile_of(batch.switch, batch.received_at).number_rules,
        known_at=batch.started_at or batch.received_at,
        account_of=account_of,
        is_charged=lambda side: side is Side.BUY or facts["is_last"],
    )


def decode_again(batch: Batch, reject: Record) -> Record | None:
    """A rejected line as its switch's format reads it now; None where it cannot be read or was only kept in part."""
    form = form_of(batch)
    header = batch.header.encode() if batch.header else None
    try:
        line = line_octets(reject["raw"])
        chunk = Chunk(first_line=reject["line"], data=line + b"\n", header=header)
        events = form.decode(chunk, profile_of(batch.switch, batch.received_at)).events
    except (Invalid, FileFailed):
        return None
    if not len(events):
        return None
    # A reject that is made of legs has those of the whole call, which may be several attempts.
    rows = events.to_pylist()
    event = next((row for row in rows if row["key"] == reject["key"]), rows[0])
    return event | ({"called": reject["called"]} if reject["called"] is not None else {})


def _explain_side(
    side: Side,
    facts: Record,
    batch: Batch,
    charged_in: Batch,
    traced: Traced | None,
    *,
    base: str,
    is_reject: bool,
) -> SideExplained:
    """`batch` is the one that the record came in with, `charged_in` the one that the side is charged by."""
    stored = None if is_reject else Stored.of(facts, side)
    way = None if traced is None else next(each for each in traced.sides if each.side is side)
    identified = _identify(side, facts, batch) if way is None else way.identified
    account_id = identified.account_id if stored is None else stored.account_id
    account = None if account_id is None else Account.objects.get(pk=account_id)
    remark = _remark(side, facts, batch, account)
    if account is None or remark:
        return SideExplained(side, identified, account, stored, remark, None, None, way)
    booked = None if stored is None else _booked(side, facts, charged_in, account, stored)
    carried = None if way is None or way.walked is None else way.walked.state
    priced = _price(side, facts, charged_in, account, stored, base, carried)
    return SideExplained(
        side=side,
        identified=identified,
        account=account,
        stored=stored,
        remark="",
        priced=priced,
        booked=booked,
        traced=way,
    )


def _identify(side: Side, facts: Record, batch: Batch) -> Identified:
    fields = {name: facts.get(column) for name, column in IDENTITY_FIELDS[side].items()}
    start_ms = (facts["start"] - EPOCH) // MILLISECOND
    return identify(identity_rows_naming(fields), fields, start_ms=start_ms, side=side, switch=batch.switch.name)


def _remark(side: Side, facts: Record, batch: Batch, account: Account | None) -> str:
    """Why the side is not charged, empty if it is: docs/algorithms/sides.md, rules 1 and 2."""
    if side is Side.BUY and not batch.switch.has_buy_side:
        return "The switch has no vendors."
    if account is None:
        return "No account is on this side."
    if side is Side.SELL and not facts["is_last"]:
        return "Only the last attempt of a call is charged to the customer."
    return ""


def _price(
    side: Side,
    facts: Record,
    batch: Batch,
    account: Account,
    stored: Stored | None,
    base: str,
    carried: State | None,
) -> Priced:
    """The side priced again, on the first basis on which it is what is stored, by the number and the tags that are.

    `carried` is what the rules of now make of it, for a reject, of which nothing is stored.
    """
    number, tags = facts["called"], frozenset[str]()
    if stored is not None:
        number, tags = stored.number, stored.tags
    elif carried is not None:
        number, tags = carried.priced_number, carried.tags
    event = Event(number, facts["start"], facts["quantity"], tags, facts.get("calling") or "")
    plan = tariff_list(account, side=side.value, service=facts["service"], at=event.start)
    if stored is not None and stored.tariff_id is not None and stored.tariff_id not in {each.pk for each in plan}:
        plan = [Tariff.objects.get(pk=stored.tariff_id)]
    known_at = batch.started_at or batch.received_at
    tables = {each.pk: excerpt(each, event.number, known_at=known_at, caller=event.caller) for each in plan}
    listed = explain([ScalarTariff(tables[each.pk]) for each in plan], event)
    day = local_date(event.start, get_zone(account.timezone))
    if stored is not None and stored.local_day is not None:
        day = stored.local_day
    priced = in_money(Basis.LISTED, plan, listed, account.currency, stored, base, day)
    if not priced.differences or stored is None or stored.rate_id is None:
        return priced
    # From here on the list is known to have changed since.
    first = next(each for each in plan if each.pk == stored.tariff_id)
    plan = [first, *(each for each in plan if each is not first)]
    tables[first.pk] = _as_it_was(tables[first.pk], stored.rate_id, event.start)
    used = explain([ScalarTariff(tables[each.pk]) for each in plan], event)
    again = in_money(Basis.USED, plan, used, account.currency, stored, base, day)
    return priced if len(again.differences) >= len(priced.differences) else again


def _as_it_was(tariff: PriceList, rate_id: int, start: datetime) -> PriceList:
    """The tariff and its ancestors as they were listed when that rate was the last of all of them."""
    parent = None if tariff.parent is None else _as_it_was(tariff.parent, rate_id, start)
    return replace(tariff, rates=_until(tariff.rates, rate_id, start), parent=parent)


def _until(rates: pa.Table, rate_id: int, start: datetime) -> pa.Table:
    """The rates of a list up to that one, which has not ended at `start`: rows of a list ascend as they were added."""
    rates = rates.filter(pc.less_equal(rates["rate_id"], rate_id))
    ends = rates["valid_to"]
    is_cut = pc.and_(
        pc.equal(rates["rate_id"], rate_id), pc.fill_null(pc.less_equal(ends, pa.scalar(start, ends.type)), False)
    )
    open_ends = pc.if_else(is_cut, pa.scalar(None, ends.type), ends)
    return rates.set_column(rates.schema.get_field_index("valid_to"), rates.schema.field("valid_to"), open_ends)


def in_money(
    basis: Basis,
    plan: Sequence[Tariff],
    explanation: Explanation,
    currency: str,
    stored: Stored | None,
    base: str,
    day: date,
) -> Priced:
    """A charge brought from the currency of its tariff into `currency`, and from there into `base`, at the rates of a day."""
    charge = explanation.charge
    rates = cache(partial(last_exchange_rates, day))  # asked for where they are needed, and once
    to_account = to_base = amount = base_amount = None
    if charge.amount is not None:
        of_tariff = next(each.currency for each in plan if each.pk == charge.tariff_id)
        amount, to_account = _converted(charge.amount, of_tariff, currency, day, stored, rates)
    elif stored is not None and not stored.amount:
        amount = Amount.zero()  # quantity zero: a record is kept whatever is missing
    if amount is not None:
        base_amount, to_base = _converted(amount, currency, base, day, None, rates)
    return Priced(
        basis=basis,
        plan=tuple(plan),
        explanation=explanation,
        to_account=to_account,
        to_base=to_base,
        amount=amount,
        currency=currency,
        base_amount=base_amount,
        differences=_differences(explanation, amount, base_amount, stored),
    )


def _converted(
    amount: Amount, base: str, quote: str, day: date, stored: Stored | None, rates: Callable[[], ExchangeTable]
) -> tuple[Amount | None, Conversion | None]:
    """The amount in the other currency: at the rate that the record keeps, else at the last one published by that day."""
    if base == quote:
        return amount, None
    if stored is not None and stored.exchange_rate is not None:
        rate, published = stored.exchange_rate, stored.rate_date
    else:
        found = rates().find(base, quote, day)
        if found is None:
            return (None if amount else amount), None
        rate, published = found
    after = convert(amount, rate)
    return after, Conversion(amount, base, rate, published, after, quote)


def _differences(
    explanation: Explanation, amount: Amount | None, base_amount: Amount | None, stored: Stored | None
) -> tuple[str, ...]:
    if stored is None:
        return ()
    charge = explanation.charge
    pairs = (
        ("rate", charge.rate_id, stored.rate_id),
        ("code", charge.code, stored.code),
        ("billed", charge.billed or 0, stored.billed or 0),
        ("tariff amount", charge.amount or Amount.zero(), stored.tariff_amount or Amount.zero()),
        ("amount", amount, stored.amount),
        ("base amount", base_amount, stored.base_amount),
    )
    return tuple(f"{name} {computed} is stored as {said}" for name, computed, said in pairs if computed != said)


def _booked(side: Side, facts: Record, batch: Batch, account: Account, stored: Stored) -> Booked | None:
    """Where the side is booked, with the batch that it is charged by."""
    if stored.local_day is None:
        return None
    rollups = Rollup.objects.filter(
        Q(rate_id__isnull=True) if stored.rate_id is None else Q(rate_id=stored.rate_id),
        batch=batch,
        side=side.value,
        account=account,
        service=facts["service"],
        destination_id=facts[f"{side}_destination_id"],
        day=stored.local_day,
        attempts__gt=0,
    )
    entry = find_entry(posting_key(batch.pk, side.value, account.pk, stored.local_day))
    lines: tuple[tuple[str, Amount], ...] = ()
    if entry is not None:
        posted = postings(entry)
        codes = account_facts(each.account_id for each in posted)
        lines = tuple((codes[each.account_id].code, each.amount) for each in posted)
    return Booked(rollups.select_related("batch").first(), entry, lines)


def _account_codes(sides: Sequence[SideExplained]) -> dict[int, str]:
    """The codes of all accounts that are spoken of, by id."""
    ids = {each.row.account_id for side in sides for each in side.identified.tried}
    ids |= {side.account.pk for side in sides if side.account is not None}
    return dict(Account.objects.filter(pk__in=ids).values_list("id", "code"))


def _destination_names(sides: Sequence[SideExplained]) -> dict[int, str]:
    """The names of all destinations that are spoken of, by id."""
    return destination_names(side.priced.explanation for side in sides if side.priced is not None)


def destination_names(explanations: Iterable[Explanation]) -> dict[int, str]:
    """The names of all destinations whose rates were looked at, by id."""
    ids = {
        each.row.destination_id
        for explanation in explanations
        for tariff in explanation.tried
        for each in tariff.rates
        if each.row.destination_id is not None
    }
    return named(ids)

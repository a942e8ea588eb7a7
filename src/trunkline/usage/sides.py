"""The two sides of a chunk: whose record it is, what it costs them, in whose money. Arrays in, arrays out.

docs/algorithms/sides.md states the rules: sell is charged on the last attempt of a call, buy on every attempt; a record of quantity zero is
kept whatever is missing, so that ASR tells the truth; above zero a side that should be charged and cannot be rejects the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.core.money import INT64_MAX, RoundingMode, round_ratio
from trunkline.engine import rollup, rounding, zone
from trunkline.engine.rate import Snapshot, rate
from trunkline.engine.schema import CALLER_FIELD, Outcome, one_array
from trunkline.parties.kinds import Side
from trunkline.parties.rules import Resolution, Resolver, Status
from trunkline.tariffs.prices import KeptSnapshot
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import INTERNAL, NAME, Service
from trunkline.usage.store import amounts

if TYPE_CHECKING:
    from trunkline.usage.traffic.rule import RuleBook
    from trunkline.usage.traffic.walk import SideWalk, StoredWalk

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SERVICES: Final = tuple(Service)
WHOLE_SHARE: Final = 0.75  # of the rows of a chunk
AMOUNT_UNITS_LIMIT: Final = 10**18  # a segment keeps amounts as decimal(18, 8)
EPOCH: Final = date(1970, 1, 1)
EPOCH_ORDINAL: Final = EPOCH.toordinal()
UNSETTLED: Final = np.iinfo(np.int32).min  # a day that is still to be told

# What identification is told of a record, by side: the name of each field there and in the record.
IDENTITY_FIELDS: Final[Mapping[Side, Mapping[str, str]]] = {
    Side.SELL: {
        "source_ip": "source_ip",
        "account_code": "account_code",
        "sip_user": "sip_user",
        "calling": "calling",
        "trunk": "trunk_in",
        "called": "called_raw",
    },
    Side.BUY: {"trunk": "trunk_out"},
}

# Reasons as small numbers inside a chunk; 0 is none.
REASONS: Final = (None, *Reason)
REASON_NUMBER: Final = {reason: number for number, reason in enumerate(REASONS)}


class Plans(Protocol):
    """The ordered tariffs of an account by side and service, in stretches of time in which none changes."""

    def epochs(self, start_ms: Ints) -> Ints: ...
    def plan(self, epoch: int, account_id: int, side: str, service: str) -> tuple[int, ...]: ...


class FindExchangeRate(Protocol):
    """The rate from one currency to another on or before a day, with the day it was published; None where there is none."""

    def __call__(self, base: str, quote: str, on: date) -> tuple[Fraction, date] | None: ...


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What pricing needs to know of an account."""

    id: int
    currency: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """Everything that decides the price of a record, as it was when the batch began. It can be sent to another process."""

    kept: KeptSnapshot
    version: str
    plans: Plans
    tariff_currencies: Mapping[int, str]
    accounts: Mapping[int, AccountFacts]
    resolver: Resolver
    find_exchange_rate: FindExchangeRate
    base_currency: str
    has_buy_side: bool
    rules: RuleBook | None = None  # traffic rules; None where there are none

    @property
    def snapshot(self) -> Snapshot:
        """The tariffs for `engine.rate`."""
        return self.kept.get()


@dataclass(slots=True)
class SideColumns:
    """One side of a chunk, row for row, and why a row must be rejected (0: it need not)."""

    columns: dict[str, pa.Array]
    reason: NDArray[np.int8]
    account_id: Ints
    is_counted: Bools  # rows that the rollup of this side counts
    local_day: NDArray[np.int32]
    rate_id: Ints  # 0: none
    destination_id: Ints  # 0: unknown
    billed: Ints
    amount: Ints
    base_amount: Ints


@dataclass(frozen=True, slots=True)
class SettledDays:
    """The days that stored records have on one side, each in the zone of the account that it had then (-1: none)."""

    account_id: Ints
    local_day: NDArray[np.int32]

    def of(self, account_id: Ints) -> NDArray[np.int32]:
        """The days of these accounts' records: settled where the account is the same."""
        return np.where(account_id == self.account_id, self.local_day, np.int32(UNSETTLED))


def identify(events: pa.Table, side: Side, pinned: Pinned) -> Resolution:
    """Whose record each row is on that side."""
    columns = {name: events[column] for name, column in IDENTITY_FIELDS[side].items()}
    return pinned.resolver.resolve(columns, events["start"].cast(pa.int64()).to_numpy(), side)


def identity_reasons(side: Side, resolved: Resolution, events: pa.Table, pinned: Pinned) -> NDArray[np.int8]:
    """Why a row of quantity above zero has no account on a side that should have one."""
    used = events["quantity"].to_numpy() > 0
    reasons = np.zeros(len(events), np.int8)
    if side is Side.BUY and not pinned.has_buy_side:
        return reasons
    missing = np.isin(resolved.status, (Status.NONE, Status.UNKNOWN))
    if side is Side.BUY:
        missing &= ~pc.fill_null(pc.equal(events["trunk_out"].cast(pa.string()), INTERNAL), False).to_numpy()
    unknown = Reason.UNKNOWN_SELL if side is Side.SELL else Reason.UNKNOWN_BUY
    reasons[used & missing] = REASON_NUMBER[unknown]
    reasons[used & (resolved.status == Status.AMBIGUOUS)] = REASON_NUMBER[Reason.AMBIGUOUS_IDENTITY]
    return reasons


def price(
    events: pa.Table,
    side: Side,
    account_id: Ints,
    pinned: Pinned,
    walk: SideWalk | StoredWalk | None = None,
    local_day: NDArray[np.int32] | None = None,
) -> SideColumns:
    """Price one side of a chunk. `account_id` is -1 where the side has no account; `walk` has its traffic rules, if there are any.

    `local_day` is the day in the account's zone, counted from 1970, where it is settled already, else `UNSETTLED`.
    """
    size = len(events)
    quantity = events["quantity"].to_numpy()
    start_s = events["start"].cast(pa.int64()).to_numpy() // 1000
    has_account = account_id >= 0
    is_charged = has_account & events["is_last"].to_numpy() if side is Side.SELL else has_account
    rows = np.flatnonzero(is_charged)
    facts = _Facts.of(account_id, pinned)
    # Where nearly all rows are charged, all are rated, the others by no tariff: choosing rows and spreading what they come to costs more.
    is_whole = walk is None and len(rows) >= WHOLE_SHARE * size
    priced = _rate(events, None if is_whole else rows, np.where(is_charged, account_id, -1), side, pinned, walk)
    if walk is not None:
        priced = walk.after_rate(priced, rows, lambda again: _rate(events, again, account_id, side, pinned, walk))
    outcome = priced["outcome"].to_numpy()
    reason = np.zeros(size, np.int8)
    used = (quantity > 0) & is_charged
    used = used if is_whole else used[rows]
    no_rate = Reason.NO_RATE_SELL if side is Side.SELL else Reason.NO_RATE_BUY
    for found, named in (
        (Outcome.NO_RATE, no_rate),
        (Outcome.BLOCKED, Reason.BLOCKED),
        (Outcome.OVERFLOW, Reason.OVERFLOW),
    ):
        here = np.flatnonzero(used & (outcome == found))
        reason[here if is_whole else rows[here]] = REASON_NUMBER[named]

    def full(column: str) -> Ints:
        values: Ints = priced[column].fill_null(0).to_numpy()
        if is_whole:
            return values
        out = np.zeros(size, np.int64)
        out[rows] = values
        return out

    tariff_id, tariff_amount = full("tariff_id"), full("amount")
    if local_day is None:
        local_day = facts.local_days(start_s)
    elif (is_open := local_day == UNSETTLED).any():
        local_day = np.where(is_open, facts.local_days(start_s), local_day)
    tariff_currency = _currency_numbers(tariff_id, pinned)
    money = _Money(pinned, local_day)
    amount, exchange = money.convert(
        tariff_amount, tariff_currency, facts.currency, reason, is_charged & (tariff_id > 0)
    )
    base = np.full(size, money.number(pinned.base_currency), np.int64)
    base_amount, _ = money.convert(amount, facts.currency, base, reason, is_charged)
    charged = amounts(amount, is_charged)
    rate_id, destination_id, billed = full("rate_id"), full("destination_id"), full("billed")
    has_rate = rate_id > 0
    columns = {
        "state": pa.array(is_charged.astype(np.int8)),
        "account_id": pa.array(account_id, mask=~has_account),
        "tariff_id": pa.array(tariff_id, mask=tariff_id == 0),
        "rate_id": pa.array(rate_id, mask=~has_rate),
        "code": one_array(priced["code"]) if is_whole else _spread(priced["code"], rows, size),
        "destination_id": pa.array(destination_id, mask=destination_id == 0),
        "billed": pa.array(billed, mask=~is_charged),
        "tariff_currency": money.names(tariff_currency, tariff_id > 0),
        "tariff_amount": amounts(tariff_amount, tariff_id > 0),
        "exchange_rate": exchange.rate,
        "rate_date": exchange.published,
        "amount": charged,
        "currency": money.names(facts.currency, has_account),
        "base_amount": charged if base_amount is amount else amounts(base_amount, is_charged),
        "local_day": pa.array(local_day, mask=~has_account).cast(pa.date32()),
        **(_untouched(size) if walk is None else walk.columns(events["called"])),
    }
    return SideColumns(
        columns={f"{side}_{name}": column for name, column in columns.items()},
        reason=reason,
        account_id=account_id,
        is_counted=is_charged,
        local_day=local_day,
        rate_id=rate_id,
        destination_id=destination_id,
        billed=billed,
        amount=amount,
        base_amount=base_amount,
    )


def _untouched(size: int) -> dict[str, pa.Array]:
    """What a side keeps of traffic rules where there are none."""
    return {"tags": pa.nulls(size, NAME), "number": pa.nulls(size, pa.string())}


def _rate(
    events: pa.Table,
    rows: Ints | None,
    account_id: Ints,
    side: Side,
    pinned: Pinned,
    walk: SideWalk | StoredWalk | None,
) -> pa.Table:
    """Price the rows, all for None, through the engine, each by the ordered tariffs of its account and service; -1 has none."""
    chosen = events.select(["called", "start", "quantity", "service"])
    if pinned.snapshot.has_origins:
        chosen = chosen.append_column(CALLER_FIELD, events["calling"])
    if rows is not None:
        chosen, account_id = chosen.take(pa.array(rows)), account_id[rows]
    service = one_array(chosen["service"])
    numbers = np.array([SERVICES.index(Service(name)) for name in service.dictionary.to_pylist()] or [0], np.int64)
    service_number = numbers[service.indices.to_numpy()]
    epoch = pinned.plans.epochs(chosen["start"].cast(pa.int64()).to_numpy())
    epochs = int(epoch.max(initial=0)) + 1
    distinct, plan = rollup.distinct((account_id * len(SERVICES) + service_number) * epochs + epoch)
    plans = []
    for each in distinct.tolist():
        account_and_service, at = divmod(each, epochs)
        account, number = divmod(account_and_service, len(SERVICES))
        plans.append(() if account < 0 else pinned.plans.plan(at, account, str(side), str(SERVICES[number])))
    size = chosen.num_rows
    given = pa.table(
        {
            "number": chosen["called"] if walk is None or rows is None else walk.numbers(rows),
            "start": chosen["start"],
            "quantity": chosen["quantity"],
            "plan": pa.array(plan.astype(np.int32)),
            "tag_set": pa.nulls(size, pa.int32()) if walk is None or rows is None else walk.tag_set(rows),
        }
    )
    if CALLER_FIELD.name in chosen.column_names:
        given = given.append_column(CALLER_FIELD, chosen[CALLER_FIELD.name])
    return rate(pinned.snapshot, given, plans, () if walk is None else walk.tag_sets)


def _spread(column: pa.ChunkedArray, rows: Ints, size: int) -> pa.Array:
    """A dictionary column of some rows as one of all rows."""
    array = one_array(column.unify_dictionaries())
    indices = np.full(size, -1, np.int32)
    indices[rows] = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), array.dictionary)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Currency and zone of each row's account, as small numbers; 0 where there is no account."""

    currency: Ints
    zone_number: Ints
    zones: tuple[str, ...]

    @classmethod
    def of(cls, account_id: Ints, pinned: Pinned) -> _Facts:
        distinct, where = rollup.distinct(account_id)
        zones = sorted({facts.timezone for facts in pinned.accounts.values()})
        money = _numbering(pinned)
        known = [pinned.accounts.get(int(each)) for each in distinct]
        currency = np.array([money[facts.currency] if facts else 0 for facts in known], np.int64)
        zone_number = np.array([zones.index(facts.timezone) if facts else 0 for facts in known], np.int64)
        return cls(currency[where], zone_number[where], tuple(zones))

    def local_days(self, start_s: Ints) -> NDArray[np.int32]:
        """The day of each row in its account's zone, as days since 1970."""
        days = np.zeros(len(start_s), np.int32)
        present, _ = rollup.distinct(self.zone_number)
        for number in present:
            if not self.zones:
                continue
            if len(present) == 1:
                return zone.local_day(start_s, self.zones[int(number)])
            rows = np.flatnonzero(self.zone_number == number)
            days[rows] = zone.local_day(start_s[rows], self.zones[int(number)])
        return days


def _numbering(pinned: Pinned) -> dict[str, int]:
    """A small number for every currency that can occur."""
    names = {pinned.base_currency, *pinned.tariff_currencies.values(), *(a.currency for a in pinned.accounts.values())}
    return {name: number for number, name in enumerate(sorted(names))}


def _currency_numbers(tariff_id: Ints, pinned: Pinned) -> Ints:
    numbers = _numbering(pinned)
    distinct, where = rollup.distinct(tariff_id)
    return np.array([numbers.get(pinned.tariff_currencies.get(int(each), ""), 0) for each in distinct], np.int64)[where]


@dataclass(frozen=True, slots=True)
class _Exchange:
    rate: pa.Array
    published: pa.Array


class _Money:
    """Converts amounts between currencies at the rate of each row's day, once, to 8 decimals half up."""

    def __init__(self, pinned: Pinned, local_day: NDArray[np.int32]) -> None:
        self._pinned = pinned
        self._numbers = _numbering(pinned)
        self._names = sorted(self._numbers, key=lambda name: self._numbers[name])
        self._day = local_day.astype(np.int64)

    def number(self, currency: str) -> int:
        return self._numbers[currency]

    def names(self, numbers: Ints, valid: Bools) -> pa.Array:
        """Currency codes as a dictionary column."""
        return pa.DictionaryArray.from_arrays(
            pa.array(numbers.astype(np.int32), mask=~valid), pa.array(self._names, pa.string())
        )

    def convert(
        self, units: Ints, source: Ints, target: Ints, reason: NDArray[np.int8], valid: Bools
    ) -> tuple[Ints, _Exchange]:
        """Amounts in the target currency and the rates used; rows without a rate, or whose result is no int64, get their reason."""
        size = len(units)
        rows = np.flatnonzero(valid & (source != target) & (reason == 0))
        if not len(rows):
            reason[valid & (np.abs(units) >= AMOUNT_UNITS_LIMIT) & (reason == 0)] = REASON_NUMBER[Reason.OVERFLOW]
            return units, _Exchange(pa.nulls(size, NAME), pa.nulls(size, pa.date32()))
        out = units.copy()
        span = len(self._names)
        combined = (self._day[rows] * span + source[rows]) * span + target[rows]
        distinct, where = rollup.distinct(combined)
        texts: list[str | None] = []
        dates: list[int] = []
        for index, each in enumerate(distinct):
            day, base, quote = int(each) // span // span, int(each) // span % span, int(each) % span
            here = rows[where == index]
            found = self._pinned.find_exchange_rate(
                self._names[base], self._names[quote], date.fromordinal(day + EPOCH_ORDINAL)
            )
            if found is None:
                reason[here[units[here] != 0]] = REASON_NUMBER[Reason.NO_EXCHANGE_RATE]
                out[here] = 0
                texts.append(None)
                dates.append(0)
                continue
            ratio, published = found
            texts.append(f"{ratio.numerator}/{ratio.denominator}")
            dates.append(published.toordinal() - EPOCH_ORDINAL)
            out[here] = _multiply(units[here], ratio, here, reason)
        reason[valid & (np.abs(out) >= AMOUNT_UNITS_LIMIT) & (reason == 0)] = REASON_NUMBER[Reason.OVERFLOW]
        return out, self._exchange(rows, where, texts, dates, size)

    @staticmethod
    def _exchange(rows: Ints, where: Any, texts: list[str | None], dates: list[int], size: int) -> _Exchange:
        indices = np.full(size, -1, np.int32)
        indices[rows] = where
        missing = indices < 0
        missing[rows] = np.array([text is None for text in texts])[where]
        published = np.zeros(size, np.int32)
        published[rows] = np.array(dates, np.int32)[where]
        return _Exchange(
            pa.DictionaryArray.from_arrays(
                pa.array(indices, mask=missing), pa.array([text or "" for text in texts], pa.string())
            ),
            pa.array(published, mask=missing).cast(pa.date32()),
        )


def _multiply(units: Ints, ratio: Fraction, rows: Ints, reason: NDArray[np.int8]) -> Ints:
    """units x ratio, half up; in Python's integers where int64 would not hold the product."""
    largest = int(np.abs(units).max(initial=0))
    if largest * ratio.numerator <= INT64_MAX and ratio.denominator <= INT64_MAX:
        return rounding.round_ratio(units * np.int64(ratio.numerator), ratio.denominator, RoundingMode.HALF_UP)
    out = np.zeros(len(units), np.int64)
    for index, each in enumerate(units.tolist()):
        result = round_ratio(each * ratio.numerator, ratio.denominator, RoundingMode.HALF_UP)
        if abs(result) > INT64_MAX:
            reason[rows[index]] = REASON_NUMBER[Reason.OVERFLOW]
        else:
            out[index] = result
    return out

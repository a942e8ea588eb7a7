"""Many rates changed at once: which are chosen, what becomes of each. Never an overwrite: a new rate from a day on. No database.

docs/algorithms/rate-edits.md says the rules and has the tables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_DECIMALS, Price, RoundingMode, round_ratio, scaled
from trunkline.core.period import utc_text
from trunkline.engine.units import Unit
from trunkline.tariffs.actions.rates import ENDS
from trunkline.tariffs.rate_file import LOAD_SCHEMA, rate_bounds, rate_keys
from trunkline.tariffs.rules import Step, make_steps, parse_steps

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PERCENT_DECIMALS: Final = 6
PERCENT_MAX: Final = 1000
_EVER: Final = np.iinfo(np.int64)
_INSTANT: Final = pa.timestamp("s", tz="UTC")


class Standing(StrEnum):
    """How a rate stands to an instant."""

    CURRENT = "current"
    FUTURE = "future"
    PAST = "past"
    ALL = "all"


class RateKind(StrEnum):
    """What a rate does."""

    ANY = ""
    PRICED = "priced"
    BLOCKED = "blocked"
    ADDITIVE = "additive"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rates of a tariff: those that stand so at `at`, of codes and destinations, of a kind; of them only `ids`, where there are any."""

    at: datetime
    standing: Standing = Standing.CURRENT
    code: str = ""
    name: str = ""
    kind: RateKind = RateKind.ANY
    ids: Collection[int] | None = None

    def rows(self, there: pa.Table) -> Bools:
        """Which rows of `STANDING` they are."""
        start, end = rate_bounds(there)
        at = int(self.at.timestamp())
        match self.standing:
            case Standing.CURRENT:
                found = (start <= at) & (at < end)
            case Standing.FUTURE:
                found = start > at
            case Standing.PAST:
                found = end <= at
            case Standing.ALL:
                found = np.ones(len(there), np.bool_)
        if self.code:
            found &= _flags(pc.starts_with(there["code"], self.code))
        if self.name:
            found &= _flags(pc.match_substring(there["destination"], self.name, ignore_case=True))
        blocked, additive = there["blocked"].to_numpy(), there["additive"].to_numpy()
        if self.kind is not RateKind.ANY:
            found &= {RateKind.BLOCKED: blocked, RateKind.ADDITIVE: additive & ~blocked, RateKind.PRICED: ~blocked}[
                self.kind
            ]
        if self.ids is not None:
            found &= np.isin(there["id"].to_numpy(), np.array(sorted(self.ids), np.int64))
        return np.asarray(found)

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        ids = None if self.ids is None else sorted(self.ids)
        return {"at": utc_text(self.at), "standing": self.standing, "code": self.code, "name": self.name, "kind": self.kind, "ids": ids}  # fmt: skip

    @staticmethod
    def of_json(said: Mapping[str, Any]) -> Chosen:
        """What `as_json` has made."""
        at, standing, kind = datetime.fromisoformat(said["at"]), Standing(said["standing"]), RateKind(said["kind"])
        return Chosen(at, standing, said["code"], said["name"], kind, said["ids"])


def _flags(column: pa.ChunkedArray) -> Bools:
    return np.asarray(pc.fill_null(column, False).combine_chunks().to_numpy(zero_copy_only=False))


class PriceHow(StrEnum):
    """How prices are changed."""

    SET = "set"
    PERCENT = "percent"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class PriceEdit:
    """A change of prices: set to an amount, more by so many percent, or by an amount; rounded to `decimals` once. Below zero means less."""

    how: PriceHow
    amount: str
    decimals: int = PRICE_DECIMALS
    mode: RoundingMode = RoundingMode.HALF_UP

    def __post_init__(self) -> None:
        """Raises Invalid `bad_amount`, `bad_decimal`, `price_precision`, `precision`."""
        if not 0 <= self.decimals <= PRICE_DECIMALS:
            raise Invalid("bad_amount", f"Prices are rounded to 0 to {PRICE_DECIMALS} decimals.", field="decimals")
        units = self._units()
        if (
            self.how is PriceHow.PERCENT
            and not -100 * 10**PERCENT_DECIMALS <= units <= PERCENT_MAX * 10**PERCENT_DECIMALS
        ):
            raise Invalid("bad_amount", f"Prices change by -100 to {PERCENT_MAX} percent.", field="amount")

    def _units(self) -> int:
        if self.how is PriceHow.PERCENT:
            return scaled(self.amount, PERCENT_DECIMALS, what="percentage")
        return Price.from_text(self.amount).units

    def of(self, price: Price) -> Price:
        """The price that becomes of another one."""
        amount = self._units()
        over = 1
        match self.how:
            case PriceHow.SET:
                units = amount
            case PriceHow.ADD:
                units = price.units + amount
            case PriceHow.PERCENT:
                over = 100 * 10**PERCENT_DECIMALS
                units = price.units * (over + amount)
        grain = 10 ** (PRICE_DECIMALS - self.decimals)
        return Price(round_ratio(units, over * grain, self.mode) * grain)


@dataclass(frozen=True, slots=True)
class RateEdit:
    """What is changed of the chosen rates; what is None stays.

    `steps` is all of the price at once. `begins_at` None: at `now` for rates that have begun, when they begin for those to come. With `sets_end` the
    rates end at `ends_at`; None: they are open.
    """

    price: PriceEdit | None = None
    steps: str | None = None
    increments: str | None = None
    blocked: bool | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    sets_end: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.sets_end and all(
            each is None for each in (self.price, self.steps, self.increments, self.blocked, self.begins_at)
        )

    def of(self, steps: str, unit: Unit) -> str:
        """The steps that become of others. Raises Invalid `bad_steps`, `bad_number`, `negative_price`."""
        if self.steps is not None:
            return self.steps
        parsed = parse_steps(steps)
        if self.price is not None:
            parsed = tuple(Step(s.start, self.price.of(s.price), s.per, s.increment) for s in parsed)
            if any(step.price.units < 0 for step in parsed) and not any(s.price.units < 0 for s in parse_steps(steps)):
                raise Invalid("negative_price", f"A price of {parse_steps(steps)[-1].price} would be below zero then.")
        if self.increments is None:
            return ";".join(map(str, parsed))
        last = parsed[-1]
        return make_steps(str(last.price), str(last.per), self.increments, unit)

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        price = self.price
        return {
            "price": price and {"how": price.how, "amount": price.amount, "decimals": price.decimals, "rounding": price.mode.label},
            "steps": self.steps,
            "increments": self.increments,
            "blocked": self.blocked,
            "begins_at": utc_text(self.begins_at),
            "ends_at": utc_text(self.ends_at),
            "sets_end": self.sets_end,
        }  # fmt: skip

    @staticmethod
    def of_json(said: Mapping[str, Any]) -> RateEdit:
        """What `as_json` has made."""
        price = said["price"]
        begins, ends = (said[name] and datetime.fromisoformat(said[name]) for name in ("begins_at", "ends_at"))
        return RateEdit(
            price=price
            and PriceEdit(
                PriceHow(price["how"]), price["amount"], price["decimals"], RoundingMode.from_name(price["rounding"])
            ),
            steps=said["steps"],
            increments=said["increments"],
            blocked=said["blocked"],
            begins_at=begins,
            ends_at=ends,
            sets_end=said["sets_end"],
        )


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit makes: new rates of `LOAD_SCHEMA`, rates that end without one of `ENDS`, and which row of the tariff each new rate was.

    `chosen` rates were looked at: of them `unchanged` are like that already, `over` have ended, or end before the change begins.
    """

    rates: pa.Table
    ends: pa.Table
    rows: Int64s
    chosen: int
    unchanged: int
    over: int
    ended_rows: Int64s
    only_end: Int64s  # the ids of those rows


def edit_rates(there: pa.Table, chosen: Bools, edit: RateEdit, *, unit: Unit, now: datetime) -> Edited:
    """What becomes of the chosen rows of `STANDING`.

    Raises Invalid `nothing_to_change`, `ends_before_it_begins`, and what the new steps raise.
    """
    if edit.is_empty:
        raise Invalid(
            "nothing_to_change", "Say what is to change.", hint="A price, increments, a date, or that they are blocked."
        )
    start, end = rate_bounds(there)
    rows = np.flatnonzero(chosen)
    now_s = int(now.timestamp())
    begins = np.maximum(start[rows], now_s)
    if edit.begins_at is not None:
        begins = np.full(len(rows), int(edit.begins_at.timestamp()), np.int64)
    ends = end[rows].copy()
    if edit.sets_end:
        last = _EVER.max if edit.ends_at is None else int(edit.ends_at.timestamp())
        if edit.begins_at is not None and edit.ends_at is not None and edit.ends_at <= edit.begins_at:
            raise Invalid("ends_before_it_begins", "The end is before the beginning.", field="ends_at")
        # A longer end does not reach into the rate that follows.
        ends = np.minimum(np.full(len(rows), last, np.int64), _next_begins(there, rows))
    is_over = (end[rows] <= now_s) | (end[rows] <= begins) & (end[rows] > start[rows])
    encoded = there["steps"].take(pa.array(rows)).combine_chunks().dictionary_encode()
    texts, index = encoded.dictionary.to_pylist(), encoded.indices
    made = [edit.of(text, unit) for text in texts]
    steps = pa.array(made, pa.string()).take(index)
    is_same = np.array([new == old for new, old in zip(made, texts, strict=True)], np.bool_)[index.to_numpy()]
    blocked = there["blocked"].to_numpy()[rows]
    wanted = blocked if edit.blocked is None else np.full(len(rows), edit.blocked)
    is_moved = (begins != start[rows]) & (start[rows] > now_s) & (edit.begins_at is not None)
    only_ends = is_same & (blocked == wanted) & ~is_moved
    # What is like that already, and does not end otherwise, stays.
    is_unchanged = only_ends & (ends == end[rows]) & ~is_over
    is_short = only_ends & (ends < end[rows]) & ~is_over
    is_new = ~is_unchanged & ~is_short & ~is_over & (ends > begins)
    # One that would end before it is changed only ends; one that is put off holds never as it was.
    is_ended = (is_short | (~is_unchanged & ~is_over & (ends <= begins))) | (is_new & is_moved)
    ends_at = np.where(is_new & is_moved, start[rows], ends)
    fresh = rows[is_new]
    rates = there.take(pa.array(fresh)).drop_columns(["id"])
    columns: dict[str, Any] = {name: rates[name] for name in rates.column_names}
    columns["line"] = pa.array(np.arange(1, len(fresh) + 1, dtype=np.int32))
    columns["steps"] = steps.filter(pa.array(is_new))
    columns["blocked"] = pa.array(wanted[is_new])
    columns["valid_from"] = _instants(begins[is_new])
    columns["valid_to"] = _instants(ends[is_new])
    return Edited(
        rates=pa.table([columns[name] for name in LOAD_SCHEMA.names], schema=LOAD_SCHEMA).combine_chunks(),
        ends=pa.table({"id": there["id"].take(pa.array(rows[is_ended])), "at": _instants(ends_at[is_ended])}).cast(
            ENDS
        ),
        rows=fresh,
        chosen=len(rows),
        unchanged=int(is_unchanged.sum()),
        over=int(is_over.sum()),
        ended_rows=rows[is_ended & ~is_new],
        only_end=there["id"].to_numpy()[rows[is_ended & ~is_new]],
    )


def _instants(seconds: Int64s) -> pa.Array:
    return pa.array(seconds, mask=(seconds == _EVER.max) | (seconds == _EVER.min)).cast(_INSTANT)


def _next_begins(there: pa.Table, rows: Int64s) -> Int64s:
    """When the rate that follows each row begins; never, where none does."""
    start, _ = rate_bounds(there)
    shared = [field for field in LOAD_SCHEMA if field.name != "line"]
    keys = rate_keys(there.select([field.name for field in shared]))
    order = np.lexsort((start, keys))
    follows = np.full(len(there), _EVER.max, np.int64)
    same = keys[order][:-1] == keys[order][1:]
    follows[order[:-1][same]] = start[order[1:][same]]
    return follows[rows]

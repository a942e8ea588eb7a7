"""Price lists over the codes of the world: plausible prices, as rate files (docs/formats/rates_csv.md) and as tables.

Prices are whole numbers of 10^-10 of the currency for 60 seconds, as `core.money.Price` counts them; a price hangs on
the destination, and on the code besides where the plan says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.money import PRICE_DECIMALS, Price, RoundingMode, round_ratio
from trunkline.simulate.draws import IntArray, mix64, stream_seed
from trunkline.simulate.markets import markets
from trunkline.simulate.text import decimals, joined, octets, pick, quoted
from trunkline.simulate.world import CodeTable, Kind, Place

RATE_FILE_COLUMNS = (
    "code",
    "destination",
    "price",
    "per",
    "increments",
    "setup_fee",
    "grace",
    "valid_from",
    "valid_to",
    "time_profile",
    "weight",
    "rounding",
    "max_cost",
    "blocked",
    "tag",
    "length_min",
    "length_max",
    "policy",
)

# The same columns and types as engine.schema.RATE_SCHEMA, which this floor may not import; a test compares them.
RATE_TABLE_SCHEMA = pa.schema(
    [
        pa.field("rate_id", pa.int64(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("destination_id", pa.int64()),
        pa.field("valid_from", pa.timestamp("s", tz="UTC")),
        pa.field("valid_to", pa.timestamp("s", tz="UTC")),
        pa.field("time_profile", pa.string()),
        pa.field("weight", pa.int64(), nullable=False),
        pa.field("setup_fee", pa.int64(), nullable=False),
        pa.field("grace", pa.int64(), nullable=False),
        pa.field("rounding_mode", pa.int8(), nullable=False),
        pa.field("rounding_decimals", pa.int8(), nullable=False),
        pa.field("max_cost", pa.int64()),
        pa.field("length_min", pa.int8()),
        pa.field("length_max", pa.int8()),
        pa.field("tag", pa.string()),
        pa.field("blocked", pa.bool_(), nullable=False),
        pa.field("additive", pa.bool_(), nullable=False),
        pa.field(
            "steps",
            pa.list_(
                pa.struct(
                    [pa.field(name, pa.int64(), nullable=False) for name in ("start", "price", "per", "increment")]
                )
            ),
            nullable=False,
        ),
        pa.field("origin", pa.string()),
    ]
)

_PER_S = 60
_DEFAULT_WEIGHT = 10 * 10**4


@dataclass(frozen=True, slots=True)
class PriceChange:
    """At an instant, the prices of a share of the countries (by thousand) move by at most `move` by thousand.

    Which countries move hangs on `seed` alone, so that several decks can change together.
    """

    at: datetime
    countries: int
    move: int
    seed: int = 0

    def moves(self, iso2: str) -> bool:
        """Whether the prices of that country change."""
        return stream_seed(self.seed, "price change", self.at.isoformat(), iso2) % 1000 < self.countries


@dataclass(frozen=True, slots=True)
class DeckPlan:
    """How a deck is priced.

    `level` by thousand of the cost of a minute (1160: cost and 16 %), `spread` the most by which a destination is off
    that, by thousand, `code_spread` the same for a code within its destination. `currency_per_usd` turns the world's
    costs, which are in USD, into the currency of the deck. `increments` weighs the styles, drawn by country.
    `setup_fees` is the share of destinations with a setup fee, by thousand. `rounding` is a mode and decimals, or None
    for exact amounts.
    """

    name: str
    seed: int
    level: int = 1000
    spread: int = 60
    code_spread: int = 0
    currency_per_usd: Fraction = Fraction(1)
    decimals: int = 5
    increments: Mapping[str, int] = field(default_factory=lambda: {"1/1": 70, "60/60": 8, "30/6": 14, "60/1": 8})
    setup_fees: int = 0
    rounding: tuple[RoundingMode, int] | None = None
    valid_from: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    changes: tuple[PriceChange, ...] = ()


@dataclass(frozen=True, eq=False)
class Deck:
    """A priced deck: rows in the order of their codes, then of their validity.

    `code` row of `codes` to which each rate belongs; `price` (10^-10 for 60 s), `setup_fee` (10^-10), `style` index in
    `styles`; `valid_from` and `valid_to` seconds since the epoch, `valid_to` -1 where open.
    """

    plan: DeckPlan
    codes: CodeTable
    code: IntArray
    price: IntArray
    setup_fee: IntArray
    style: IntArray
    styles: tuple[str, ...]
    valid_from: IntArray
    valid_to: IntArray

    def __len__(self) -> int:
        return len(self.code)

    def price_of(self, numbers: IntArray) -> IntArray:
        """The first price (10^-10 for 60 s) of the longest code with which each number begins, -1 if none."""
        _, first = np.unique(self.code, return_index=True)
        row = longest_code(self.codes, numbers)
        return np.where(row < 0, -1, self.price[first[row]])


def minute_cost(place: Place) -> Price:
    """What a wholesale minute to that place costs in USD: the country's price by kind, a little apart by operator."""
    market = markets()[place.iso2]
    units = {
        Kind.FIXED: market.fixed.units,
        Kind.MOBILE: market.mobile.units,
        Kind.ANY: (2 * market.fixed.units + 3 * market.mobile.units) // 5,
    }[place.kind]
    if place.operator:
        units = units * (920 + stream_seed(0, "operator", place.name) % 181) // 1000
    return Price(units)


def make_deck(plan: DeckPlan, codes: CodeTable) -> Deck:
    """Prices every code of `codes` by the plan."""
    ticks, setup, style = _place_prices(plan, codes)
    price = ticks[codes.place]
    if plan.code_spread:
        scattered = mix64(codes.code.astype(np.uint64) ^ np.uint64(stream_seed(plan.seed, "codes") & 0xFFFFFFFF))
        offset = np.asarray(scattered % np.uint64(2 * plan.code_spread + 1), dtype=np.int64) - plan.code_spread
        price = np.maximum((price * (1000 + offset) + 500) // 1000, 1)
    rows, ticks_by_row, valid_from, valid_to = _in_time(plan, codes, price)
    place = codes.place[rows]
    unit = 10 ** (PRICE_DECIMALS - plan.decimals)
    styles = tuple(plan.increments)
    return Deck(plan, codes, rows, ticks_by_row * unit, setup[place], style[place], styles, valid_from, valid_to)


def _place_prices(plan: DeckPlan, codes: CodeTable) -> tuple[IntArray, IntArray, IntArray]:
    """By place: price in ticks of the plan's decimals, setup fee (10^-10), increment style; 0 for places without codes."""
    weights = list(plan.increments.values())
    ticks, setup, style = (np.zeros(len(codes.places), dtype=np.int64) for _ in range(3))
    tick = 10 ** (PRICE_DECIMALS - plan.decimals)
    numerator, denominator = plan.currency_per_usd.as_integer_ratio()
    for index in np.unique(codes.place).tolist():
        place = codes.places[index]
        noise = stream_seed(plan.seed, "price", plan.name, place.name) % (2 * plan.spread + 1) - plan.spread
        exact = minute_cost(place).units * numerator * plan.level * (1000 + noise)
        ticks[index] = max(round_ratio(exact, denominator * 10**6 * tick, RoundingMode.HALF_UP), 1)
        if stream_seed(plan.seed, "setup", plan.name, place.name) % 1000 < plan.setup_fees:
            setup[index] = ticks[index] * tick // 2
        draw = stream_seed(plan.seed, "increments", plan.name, place.iso2) % sum(weights)
        style[index] = next(i for i in range(len(weights)) if draw < sum(weights[: i + 1]))
    return ticks, setup, style


def _in_time(plan: DeckPlan, codes: CodeTable, ticks: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Rows (index into codes), their prices in ticks and validity: one more row a code for each change of its price."""
    rows = [np.arange(len(codes))]
    prices = [ticks]
    starts = [np.full(len(codes), _epoch_s(plan.valid_from))]
    current = ticks
    for change in sorted(plan.changes, key=lambda change: change.at):
        factor = np.asarray([_factor(plan, change, place) for place in codes.places])[codes.place]
        moved = np.flatnonzero(factor != 1000)
        current = np.maximum((current * factor + 500) // 1000, 1)
        rows.append(moved)
        prices.append(current[moved])
        starts.append(np.full(len(moved), _epoch_s(change.at)))
    row, price, start = np.concatenate(rows), np.concatenate(prices), np.concatenate(starts)
    order = np.lexsort((start, row))
    row, price, start = row[order], price[order], start[order]
    following = np.append(row[1:], -1) == row
    end = np.where(following, np.append(start[1:], 0), -1)
    return row, price, start, end


def _factor(plan: DeckPlan, change: PriceChange, place: Place) -> int:
    if not change.moves(place.iso2):
        return 1000
    moved = (
        stream_seed(plan.seed, "move", plan.name, change.at.isoformat(), place.name) % (2 * change.move) - change.move
    )
    return 1000 + (moved if moved < 0 else moved + 1)


def longest_code(codes: CodeTable, numbers: IntArray) -> IntArray:
    """The row of the longest of `codes` with which each number begins, -1 where there is none."""
    order = np.argsort(codes.code, kind="stable")
    ascending = codes.code[order]
    found = np.full(len(numbers), -1, dtype=np.int64)
    shorter = numbers.copy()
    while (shorter > 0).any():
        at = np.minimum(np.searchsorted(ascending, shorter), len(ascending) - 1)
        hit = (found < 0) & (ascending[at] == shorter)
        found[hit] = order[at[hit]]
        shorter //= 10
    return found


def _epoch_s(instant: datetime) -> int:
    return int(instant.timestamp())


def rate_table(deck: Deck, first_rate_id: int = 1) -> pa.Table:
    """The deck in the shape of the engine's RATE_SCHEMA; the id of a destination is the index of its place plus 1."""
    count = len(deck)
    mode, places = deck.plan.rounding or (RoundingMode.HALF_UP, 8)
    columns = {
        "rate_id": np.arange(first_rate_id, first_rate_id + count),
        "code": deck.codes.texts().take(pa.array(deck.code)),
        "destination_id": deck.codes.place[deck.code] + 1,
        "valid_from": pa.array(deck.valid_from, pa.timestamp("s", tz="UTC")),
        "valid_to": pa.array(deck.valid_to, pa.timestamp("s", tz="UTC"), mask=deck.valid_to < 0),
        "weight": np.full(count, _DEFAULT_WEIGHT),
        "setup_fee": deck.setup_fee,
        "grace": np.zeros(count, dtype=np.int64),
        "rounding_mode": np.full(count, mode, dtype=np.int8),
        "rounding_decimals": np.full(count, places, dtype=np.int8),
        "blocked": np.zeros(count, dtype=np.bool_),
        "additive": np.zeros(count, dtype=np.bool_),
        "steps": _steps(deck),
    }
    arrays = [
        pa.array(columns[named.name], named.type) if named.name in columns else pa.nulls(count, named.type)
        for named in RATE_TABLE_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=RATE_TABLE_SCHEMA)


def _steps(deck: Deck) -> pa.Array:
    """`first/next` as one step, or two if they differ."""
    pairs = np.asarray([[int(part) for part in style.split("/")] for style in deck.styles])
    first, following = pairs[deck.style, 0], pairs[deck.style, 1]
    has_second = first != following
    counts = 1 + has_second.astype(np.int64)
    ends = np.cumsum(counts)
    row = np.repeat(np.arange(len(deck)), counts)
    is_second = np.zeros(len(row), dtype=np.bool_)
    is_second[ends[has_second] - 1] = True
    struct = RATE_TABLE_SCHEMA.field("steps").type.value_type
    values = {
        "start": np.where(is_second, first[row], 0),
        "price": deck.price[row],
        "per": np.full(len(row), _PER_S),
        "increment": np.where(is_second, following[row], first[row]),
    }
    steps = pa.StructArray.from_arrays([pa.array(values[named.name]) for named in struct], fields=list(struct))
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), steps, type=RATE_TABLE_SCHEMA.field("steps").type)


def write_rates(deck: Deck, path: Path, extra: tuple[Mapping[str, str], ...] = ()) -> int:
    """Writes the deck as a rate file, `extra` rates first (values by column name); gives the number of rates."""
    shown = deck.plan.decimals
    unit = 10 ** (PRICE_DECIMALS - shown)
    names = pa.array([place.name for place in deck.codes.places], pa.string())
    mode = f"{deck.plan.rounding[0].label}/{deck.plan.rounding[1]}" if deck.plan.rounding else ""
    fees = pc.if_else(pa.array(deck.setup_fee > 0), decimals(deck.setup_fee, PRICE_DECIMALS), "")
    empty = pick([], np.full(len(deck), -1))
    columns = {
        "code": deck.codes.texts().take(pa.array(deck.code)),
        "destination": quoted(names).take(pa.array(deck.codes.place[deck.code])),
        "price": decimals(deck.price // unit, shown),
        "per": pick([str(_PER_S)], np.zeros(len(deck), np.int64)),
        "increments": pick(deck.styles, deck.style),
        "setup_fee": fees,
        "valid_from": _instants(deck.valid_from),
        "valid_to": _instants(deck.valid_to),
        "rounding": pick([mode], np.zeros(len(deck), np.int64)),
    }
    lines = joined([columns.get(name, empty) for name in RATE_FILE_COLUMNS])
    with path.open("wb") as file:
        file.write(f"{','.join(RATE_FILE_COLUMNS)}\n".encode())
        for rate in extra:
            file.write(_written(rate))
        file.write(octets(lines))
    return len(extra) + len(deck)


def write_rate_lines(rates: tuple[Mapping[str, str], ...], path: Path) -> int:
    """Writes a rate file of rates given as values by column name; gives their number. Raises `KeyError`."""
    with path.open("wb") as file:
        file.write(f"{','.join(RATE_FILE_COLUMNS)}\n".encode())
        for rate in rates:
            file.write(_written(rate))
    return len(rates)


def _written(rate: Mapping[str, str]) -> bytes:
    unknown = [name for name in rate if name not in RATE_FILE_COLUMNS]
    if unknown:
        raise KeyError(f"no column of a rate file: {', '.join(unknown)}")
    values = quoted(pa.array([rate.get(name, "") for name in RATE_FILE_COLUMNS], pa.string())).to_pylist()
    return f"{','.join(values)}\n".encode()


def _instants(seconds: IntArray) -> pa.Array:
    """Instants as ISO 8601 in UTC, "" where negative; there are few different ones."""
    different, index = np.unique(seconds, return_inverse=True)
    texts = ["" if s < 0 else datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for s in different.tolist()]
    return pick(texts, index)

"""A tariff compiled for rating: its rates sorted by code and rank, as plain arrays.

Compiling sorts and counts whole columns (a deck of 100,000 rates takes about 30 ms on the reference machine); what
depends on the moment, which rate of a code is in force, is left to `engine.snapshot`. Rows keep the words of
`docs/algorithms/rating.md`. What all rates of a tariff share many times over, steps without their prices, grace,
rounding and `blocked`, is kept once as *terms*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import gcd, lcm
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_DECIMALS, PRICE_DECIMALS, RoundingMode
from trunkline.engine.clock import ALWAYS_S, NEVER_S
from trunkline.engine.parents import rate_count, with_inherited
from trunkline.engine.prefix import KEY_DIGITS, POWERS, PrefixTable, digit_keys
from trunkline.engine.schema import RATE_SCHEMA, Tariff

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]

NO_STEP: Final = np.iinfo(np.int64).max  # the start of the step after the last
NO_CAP: Final = np.iinfo(np.int64).max
ANY_LENGTH: Final = np.iinfo(np.int8).max  # of a number, as `length_max`; longer numbers count as this long
NO_DESTINATION: Final = np.iinfo(np.int64).min

# A sum of increments and one of setup fees, each below this, add up below 2^62, so nothing wraps.
SUM_LIMIT: Final = 2**61
# Quantities, starts and increments above this go to `engine.scalar`, so that positions cannot wrap either.
QUANTITY_LIMIT: Final = 2**60


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What rates share, one row each; steps in rows of their own from `first_step`, `step_count` of them.

    An increment of step s of terms t costs `price × weight[s] / common[t]`, in 10^-10. `quantity_limit` is the largest
    quantity for which no rate of the tariff can leave int64 on the way, so that only above it the rate itself must be
    looked at; -1: the terms alone are too large for arrays.
    """

    first_step: Indices
    step_count: Indices
    common: Ints
    grace: Ints
    mode: NDArray[np.int8]
    decimals: NDArray[np.int8]
    is_blocked: NDArray[np.bool_]
    quantity_limit: Ints
    step_end: Ints  # where the next step begins, NO_STEP after the last
    increment: Ints
    weight: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What decides which rate is chosen: the rates ascending by code and then by rank, rules 3.2 and 17.

    `group` is equal for rates that only window, validity and place can rank: same code, same tariff of the lineage, both with an origin or both
    without, the same for a tag, same weight. Within a group later `valid_from` goes first, then the place in the list. Optional columns are None
    where no rate has the thing. `tag`, `origin` and `profile` index the names in `CompiledTariff`, -1 none.
    """

    code: Indices
    group: Indices
    valid_from: Ints | None
    valid_to: Ints | None
    profile: Indices | None
    tag: Indices | None
    origin: Indices | None
    length_min: NDArray[np.int8] | None
    length_max: NDArray[np.int8] | None
    is_blocked: NDArray[np.bool_] | None
    epochs_s: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What a chosen rate says and costs, in the order of the `Ranking`; NO_DESTINATION and NO_CAP stand for none."""

    rate_id: Ints
    destination_id: Ints
    term: Indices
    first_price: Ints
    later_prices_at: Indices  # where the prices of the second and later steps begin
    later_prices: Ints
    setup_fee: Ints | None
    max_cost: Ints | None


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """The regular or the additive rates of a tariff: codes (distinct, ascending), choice, prices and terms."""

    codes: pa.Array
    prefixes: PrefixTable
    ranking: Ranking
    prices: Prices
    terms: Terms


@dataclass(frozen=True, slots=True, eq=False)
class OriginBook:
    """The origin deck of a tariff: its codes ascending, ready to be matched, and which of the names in `CompiledTariff.origins` each has.

    -1 is a name that no rate asks for; such a code still hides a shorter one.
    """

    codes: pa.Array
    prefixes: PrefixTable
    owner: Indices


@dataclass(frozen=True, slots=True, eq=False)
class CompiledTariff:
    """A tariff with its compiled regular and additive rates; None where there are none.

    `by_origin` are the additive rates that name an origin, which are chosen apart from the others (rule 11). `deck` is None where no rate names
    an origin.

    `has_long_codes`: codes of more than 18 digits exist; they are left to `engine.scalar`, which every number that is
    longer than 18 digits then goes to.
    """

    tariff: Tariff
    regular: Book | None
    additive: Book | None
    profiles: tuple[str, ...]
    tags: tuple[str, ...]
    has_long_codes: bool
    by_origin: Book | None = None
    origins: tuple[str, ...] = ()
    deck: OriginBook | None = None

    def origin_names(self) -> dict[str, str]:
        """The codes of the deck with the names that rates ask for, "" for one that none does: what `Tariff.origins` needs for the same prices."""
        if self.deck is None:
            return {}
        names = (*self.origins, "")
        return {
            code: names[owner]
            for code, owner in zip(self.deck.codes.to_pylist(), self.deck.owner.tolist(), strict=True)
        }


def _invalid(error: str, what: str, tariff: Tariff) -> Invalid:
    return Invalid(error, f"Tariff {tariff.name} has {what}.", tariff=tariff.name)


def _ints(table: pa.Table, name: str, missing: int = 0) -> NDArray[Any]:
    column = table[name].combine_chunks()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if column.null_count:
        column = column.fill_null(missing)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _names(table: pa.Table, name: str) -> tuple[NDArray[np.int32] | None, tuple[str, ...]]:
    """A text column as indices of its distinct values, -1 for null; None if all are null."""
    column = table[name]
    if column.null_count == len(column):
        return None, ()
    encoded = column.combine_chunks().dictionary_encode()
    indices = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return indices.astype(np.int32, copy=False), tuple(encoded.dictionary.to_pylist())


@dataclass(slots=True)
class _Steps:
    """The steps of all rates one after the other; those of rate i from `first[i]`, `count[i]` of them."""

    first: Ints
    count: Ints
    start: Ints
    price: Ints
    per: Ints
    increment: Ints


def _read_steps(tariff: Tariff, rates: pa.Table) -> _Steps:
    lists = rates["steps"].combine_chunks()
    bounds = lists.offsets.to_numpy().astype(np.int64)
    flat = lists.flatten()
    columns = {name: flat.field(name).to_numpy() for name in ("start", "price", "per", "increment")}
    steps = _Steps(bounds[:-1] - bounds[0], np.diff(bounds), **columns)
    if steps.count.min() < 1 or lists.null_count:
        raise _invalid("no_steps", "a rate without steps", tariff)
    is_first = np.zeros(steps.start.size, dtype=np.bool_)
    is_first[steps.first] = True
    ascends = np.append(True, steps.start[1:] > steps.start[:-1]) | is_first
    if steps.start[steps.first].any() or not ascends.all():
        raise _invalid("bad_steps", "a rate whose steps do not ascend from 0", tariff)
    if steps.per.min() < 1 or steps.increment.min() < 1:
        raise _invalid("bad_steps", "a step that counts or is charged in less than one unit", tariff)
    return steps


class _Classes:
    """Numbers rows so that two rows have one number exactly if they agree in all columns given so far."""

    def __init__(self, size: int) -> None:
        self.number = np.zeros(size, dtype=np.int64)
        self.count = 1

    def refine(self, column: NDArray[Any], rows: Ints | None = None) -> None:
        """Takes a column for all rows, or for `rows` only, which share no number with the others."""
        low, high = int(column.min()), int(column.max())
        if low == high:
            return
        number = self.number if rows is None else self.number[rows]
        if high - low >= 2**20:
            values, column = np.unique(column, return_inverse=True)
            low, high = 0, values.size - 1
        span = high - low + 1
        packed = number * span + (column - low)
        if self.count * span <= 4 * column.size + 2**16:
            is_used = np.zeros(self.count * span, dtype=np.bool_)
            is_used[packed] = True
            dense = np.cumsum(is_used) - 1
            refined, count = dense[packed], int(dense[-1]) + 1
        else:
            values, refined = np.unique(packed, return_inverse=True)
            count = values.size
        if rows is None:
            self.number, self.count = refined, count
        else:
            self.number[rows] = self.count + refined
            self.count += count

    def finish(self) -> tuple[Indices, Ints]:
        """(the class of each row from 0 without gaps, one row of each class)."""
        example = np.full(self.count, -1, dtype=np.int64)
        example[self.number] = np.arange(self.number.size)
        is_used = example >= 0
        return (np.cumsum(is_used) - 1)[self.number].astype(np.int32), example[is_used]


def _quantity_limit(peak_price: int, peak_setup: int, weights: set[tuple[int, int]], common: int, steps: int) -> int:
    """The largest 2^e - 1 for which `steps` steps at the highest price stay below SUM_LIMIT; 0 if none does."""

    def fits(quantity: int) -> bool:
        dearest = max(((quantity // increment + 1) * weight for increment, weight in weights), default=0)
        return steps * peak_price * dearest < SUM_LIMIT

    if peak_setup * common >= SUM_LIMIT:
        return 0
    low, high = 0, QUANTITY_LIMIT.bit_length() - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(2**middle - 1) else (low, middle - 1)
    return 2**low - 1


def _make_terms(steps: _Steps, examples: Ints, facts: Mapping[str, NDArray[Any]]) -> Terms:
    """One row for each example rate; `facts` are the columns that terms keep of rates, and the money for the bound."""
    first: list[int] = []
    counts: list[int] = []
    commons: list[int] = []
    limits: list[int] = []
    ends: list[int] = []
    increments: list[int] = []
    step_weights: list[int] = []
    weights: set[tuple[int, int]] = set()
    largest_common = 1
    for row in examples.tolist():
        at, count = int(steps.first[row]), int(steps.count[row])
        pers, sizes = (column[at : at + count].tolist() for column in (steps.per, steps.increment))
        starts = steps.start[at : at + count].tolist()
        # price × increment / per in lowest terms: 60 for 60 needs no denominator at all.
        shares = [(size // gcd(size, per), per // gcd(size, per)) for size, per in zip(sizes, pers, strict=True)]
        common = lcm(*(share for _, share in shares))
        scale = 10 ** (PRICE_DECIMALS - int(facts["rounding_decimals"][row]))
        row_weights = [count_of * (common // share) for count_of, share in shares]
        fits = max(common * scale, *row_weights) < SUM_LIMIT and max(*sizes, starts[-1]) <= QUANTITY_LIMIT
        first.append(len(ends))
        counts.append(count)
        commons.append(common if fits else 1)
        limits.append(0 if fits else -1)
        if fits:
            weights.update(zip(sizes, row_weights, strict=True))
            largest_common = max(largest_common, common)
        else:
            row_weights = [1] * count
        ends += [*starts[1:], NO_STEP]
        increments += sizes
        step_weights += row_weights
    peak_price = max(-int(steps.price.min()), int(steps.price.max()))
    peak_setup = max(-int(facts["setup_fee"].min()), int(facts["setup_fee"].max()))
    limit = _quantity_limit(peak_price, peak_setup, weights, largest_common, int(steps.count.max()))
    return Terms(
        first_step=np.array(first, dtype=np.int32),
        step_count=np.array(counts, dtype=np.int32),
        common=np.array(commons, dtype=np.int64),
        grace=facts["grace"][examples],
        mode=facts["rounding_mode"][examples].astype(np.int8),
        decimals=facts["rounding_decimals"][examples].astype(np.int8),
        is_blocked=facts["blocked"][examples].astype(np.bool_),
        quantity_limit=np.array([limit if each == 0 else -1 for each in limits], dtype=np.int64),
        step_end=np.array(ends, dtype=np.int64),
        increment=np.array(increments, dtype=np.int64),
        weight=np.array(step_weights, dtype=np.int64),
    )


def _rank(keys: Ints, lengths: NDArray[np.int8], facts: Mapping[str, NDArray[Any]]) -> tuple[Ints, Indices, Indices]:
    """(the rows in the order of code and rank, and in that order the number of each row's code and group)."""
    longest = int(lengths.max())
    if longest < KEY_DIGITS:
        # Key and length in one sort: what follows the longest code is zeros, and five bits hold a length.
        order = np.argsort(keys // POWERS[KEY_DIGITS - longest] * 32 + lengths, kind="stable")
    else:
        order = np.lexsort((lengths, keys))
    sorted_keys, sorted_lengths = keys[order], lengths[order]
    is_new = np.append(True, (sorted_keys[1:] != sorted_keys[:-1]) | (sorted_lengths[1:] != sorted_lengths[:-1]))
    code = (np.cumsum(is_new) - 1).astype(np.int32)
    ranked = [facts["nearness"], facts["has_origin"], facts["is_tagged"], facts["weight"], facts["valid_from"]]
    if is_new.all():
        return order, code, code
    shared = np.flatnonzero(~is_new | np.append(~is_new[1:], False))
    rows = order[shared]
    # Descending by complement: unlike a minus it cannot overflow.
    by = [~column[rows] for column in reversed(ranked) if column.min() != column.max()]
    order[shared] = rows[np.lexsort((rows, *by, code[shared]))]
    for column in ranked[:-1]:
        values = column[order]
        is_new[1:] |= values[1:] != values[:-1]
    return order, code, (np.cumsum(is_new) - 1).astype(np.int32)


def _spread(first: Ints, count: Ints) -> Ints:
    """The indices first[i], first[i] + 1, ... count[i] of them, for each i in turn."""
    ends = np.cumsum(count)
    return np.arange(int(ends[-1]) if ends.size else 0, dtype=np.int64) + np.repeat(first - (ends - count), count)


def _facts(tariff: Tariff, rates: pa.Table) -> dict[str, NDArray[Any]]:
    facts = {
        name: _ints(rates, name)
        for name in ("weight", "setup_fee", "grace", "rounding_mode", "rounding_decimals", "rate_id", "blocked")
    }
    facts["valid_from"] = _ints(rates, "valid_from", ALWAYS_S)
    facts["valid_to"] = _ints(rates, "valid_to", NEVER_S)
    facts["destination_id"] = _ints(rates, "destination_id", NO_DESTINATION)
    facts["max_cost"] = _ints(rates, "max_cost", NO_CAP)
    if facts["max_cost"].min() < 0:
        raise _invalid("negative_max_cost", "a max_cost below zero", tariff)
    if not 0 <= facts["rounding_decimals"].min() <= facts["rounding_decimals"].max() <= AMOUNT_DECIMALS:
        raise _invalid("rounding_decimals", f"a rounding outside 0 to {AMOUNT_DECIMALS} decimals", tariff)
    if not 0 <= facts["rounding_mode"].min() <= facts["rounding_mode"].max() <= max(RoundingMode):
        raise _invalid("unknown_rounding_mode", "a rounding mode that does not exist", tariff)
    return facts


def _epochs(facts: Mapping[str, NDArray[Any]]) -> Ints:
    bounds = [pc.unique(pa.array(facts[name])).to_numpy() for name in ("valid_from", "valid_to")]
    every = np.unique(np.concatenate(bounds))
    return every[(every > ALWAYS_S) & (every < NEVER_S)]


def _unless_all(column: NDArray[Any], value: object, order: Ints) -> NDArray[Any] | None:
    return None if (column == value).all() else column[order]


def _is_named(names: Indices | None, size: int) -> NDArray[np.int8]:
    return np.zeros(size, dtype=np.int8) if names is None else (names >= 0).astype(np.int8)


def _compile_book(
    tariff: Tariff, rates: pa.Table, names: Mapping[str, Indices | None], generation: NDArray[np.int8] | None
) -> Book:
    facts = _facts(tariff, rates)
    facts["nearness"] = np.zeros(rates.num_rows, dtype=np.int8) if generation is None else -generation
    facts["is_tagged"] = _is_named(names["tag"], rates.num_rows)
    facts["has_origin"] = _is_named(names["origin"], rates.num_rows)
    steps = _read_steps(tariff, rates)
    texts = rates["code"].combine_chunks()
    digits = digit_keys(texts)
    order, code, group = _rank(digits.keys, digits.lengths.astype(np.int8), facts)
    first_of_code = order[np.append(True, code[1:] != code[:-1])]

    classes = _Classes(rates.num_rows)
    classes.refine(steps.count)
    for name in ("grace", "rounding_mode", "rounding_decimals", "blocked"):
        classes.refine(facts[name])
    for number in range(int(steps.count.max())):
        rows = np.flatnonzero(steps.count > number) if number and steps.count.min() <= number else None
        at = (steps.first if rows is None else steps.first[rows]) + number
        for column in (steps.start, steps.per, steps.increment):
            classes.refine(column[at], rows)
    term, examples = classes.finish()

    later = steps.count[order] - 1
    length_min, length_max = (
        _ints(rates, name, missing)[order] if rates[name].null_count < rates.num_rows else None
        for name, missing in (("length_min", 0), ("length_max", ANY_LENGTH))
    )
    return Book(
        codes=texts.take(pa.array(first_of_code)),
        prefixes=PrefixTable.build(digits.keys[first_of_code], digits.lengths[first_of_code].astype(np.int8)),
        ranking=Ranking(
            code=code,
            group=group,
            valid_from=_unless_all(facts["valid_from"], ALWAYS_S, order),
            valid_to=_unless_all(facts["valid_to"], NEVER_S, order),
            **{name: None if column is None else column[order] for name, column in names.items()},
            length_min=length_min,
            length_max=length_max,
            is_blocked=_unless_all(facts["blocked"].astype(np.bool_), False, order),
            epochs_s=_epochs(facts),
        ),
        prices=Prices(
            rate_id=facts["rate_id"][order],
            destination_id=facts["destination_id"][order],
            term=term[order],
            first_price=steps.price[steps.first[order]],
            later_prices_at=(np.cumsum(later) - later).astype(np.int32),
            later_prices=steps.price[_spread(steps.first[order] + 1, later)],
            setup_fee=_unless_all(facts["setup_fee"], 0, order),
            max_cost=_unless_all(facts["max_cost"], NO_CAP, order),
        ),
        terms=_make_terms(steps, examples, facts),
    )


def compile_tariff(tariff: Tariff) -> CompiledTariff:
    """`tariff` made ready for `engine.rate`.

    Raises Invalid: `bad_rates` (another schema than RATE_SCHEMA), `bad_code` (not digits), `no_steps`, `bad_steps`,
    `rounding_decimals`, `unknown_rounding_mode`, `unknown_time_profile`, `negative_max_cost`, `parent_differs`,
    `too_many_parents`.
    """
    try:
        rates, generation = with_inherited(tariff)
        rates = rates.select(RATE_SCHEMA.names).cast(RATE_SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError, ValueError) as error:
        raise _invalid("bad_rates", f"rates of another shape than RATE_SCHEMA: {error}", tariff) from error
    profile, profiles = _names(rates, "time_profile")
    tag, tags = _names(rates, "tag")
    origin, origins = _names(rates, "origin")
    for name in profiles:
        if name not in tariff.time_profiles:
            raise _invalid("unknown_time_profile", f"no time profile {name!r}", tariff)
    digits = digit_keys(rates["code"].combine_chunks())
    if digits.is_odd is not None:
        code = rates["code"][int(np.argmax(digits.is_odd))].as_py()
        raise _invalid("bad_code", f"the code {code!r}, which is not made of digits", tariff)
    is_short = digits.lengths <= KEY_DIGITS
    additive = _ints(rates, "additive").astype(np.bool_)

    def book(rows: NDArray[np.bool_]) -> Book | None:
        if not rows.any():
            return None
        names = {"profile": profile, "tag": tag, "origin": origin}
        if rows.all():
            return _compile_book(tariff, rates, names, generation)
        part = rates.filter(pa.array(rows))
        return _compile_book(
            tariff,
            part,
            {name: None if column is None else column[rows] for name, column in names.items()},
            None if generation is None else generation[rows],
        )

    named = _is_named(origin, rates.num_rows).astype(np.bool_)
    return CompiledTariff(
        tariff=tariff,
        regular=book(is_short & ~additive),
        additive=book(is_short & additive & ~named),
        by_origin=book(is_short & additive & named),
        origins=origins,
        deck=_compile_deck(tariff, origins) if origins else None,
        profiles=profiles,
        tags=tags,
        has_long_codes=not bool(is_short.all()),
    )


def _compile_deck(tariff: Tariff, origins: tuple[str, ...]) -> OriginBook | None:
    if not tariff.origins:
        return None
    texts = pa.array(sorted(tariff.origins), pa.string())
    digits = digit_keys(texts)
    if digits.is_odd is not None or digits.lengths.min() == 0 or digits.lengths.max() > KEY_DIGITS:
        raise _invalid(
            "bad_origin_code", f"an origin deck with a code that is not made of 1 to {KEY_DIGITS} digits", tariff
        )
    lengths = digits.lengths.astype(np.int8)
    order = np.lexsort((lengths, digits.keys))
    number = {name: index for index, name in enumerate(origins)}
    codes = texts.take(pa.array(order))
    owner = [number.get(tariff.origins[code], -1) for code in codes.to_pylist()]
    return OriginBook(codes, PrefixTable.build(digits.keys[order], lengths[order]), np.array(owner, dtype=np.int32))


_BOOKS: Final = ("regular", "additive", "by_origin")
_FORMAT: Final = b"trunkline.compiled_tariff/2"


def _arrays(part: Any, prefix: str) -> Iterator[tuple[str, pa.Array]]:
    for each in fields(part):
        value = getattr(part, each.name)
        if isinstance(value, np.ndarray):
            # Arrow keeps truth as bits; as octets it can be read back without a copy.
            value = value.view(np.int8) if value.dtype == np.bool_ else value
            yield prefix + each.name, pa.array(value)
        elif isinstance(value, pa.Array):
            yield prefix + each.name, value


def to_arrow(compiled: CompiledTariff) -> pa.Table:
    """The compiled arrays as a table of one row with one list a column, to be kept beside the tariff's rates.

    `from_arrow` reads it back without a copy, so it may be a memory-mapped file.
    """
    arrays: dict[str, pa.Array] = {}
    for name in _BOOKS:
        book: Book | None = getattr(compiled, name)
        if book is not None:
            arrays |= dict(_arrays(book, f"{name}."))
            for part in ("prefixes", "ranking", "prices", "terms"):
                arrays |= dict(_arrays(getattr(book, part), f"{name}.{part}."))
            arrays[f"{name}.step_count"] = pa.array([book.prefixes.step_count])
    if (deck := compiled.deck) is not None:
        arrays |= dict(_arrays(deck, "deck.")) | dict(_arrays(deck.prefixes, "deck.prefixes."))
        arrays["deck.step_count"] = pa.array([deck.prefixes.step_count])
    arrays["origins"] = pa.array(compiled.origins, pa.string())
    arrays["profiles"] = pa.array(compiled.profiles, pa.string())
    arrays["tags"] = pa.array(compiled.tags, pa.string())
    arrays["has_long_codes"] = pa.array([int(compiled.has_long_codes)])
    lists = {
        name: (pa.LargeListArray if len(array) >= 2**31 else pa.ListArray).from_arrays([0, len(array)], array)
        for name, array in arrays.items()
    }
    metadata = {b"format": _FORMAT, b"rates": str(rate_count(compiled.tariff)).encode()}
    return pa.table(lists).replace_schema_metadata(metadata)


def from_arrow(tariff: Tariff, table: pa.Table) -> CompiledTariff:
    """What `to_arrow` made of `tariff`. Raises Invalid `stale_compiled_tariff` if it was made of other rates or by
    another version: compile again then. The caller answers for the revision; only the number of rates is compared."""
    expected = {b"format": _FORMAT, b"rates": str(rate_count(tariff)).encode()}
    if table.schema.metadata != expected:
        raise _invalid("stale_compiled_tariff", "a compiled form of another revision or version", tariff)

    def values(name: str) -> pa.Array:
        return table[name].chunk(0).flatten()

    def part(kind: type[Any], prefix: str, given: Mapping[str, object]) -> Any:
        found: dict[str, object] = dict(given)
        for each in fields(kind):
            if each.name not in found:
                array = values(prefix + each.name).to_numpy() if prefix + each.name in table.column_names else None
                found[each.name] = array.view(np.bool_) if array is not None and each.name[:3] == "is_" else array
        return kind(**found)

    def prefixes(name: str) -> PrefixTable:
        found: PrefixTable = part(
            PrefixTable, f"{name}.prefixes.", {"step_count": values(f"{name}.step_count")[0].as_py()}
        )
        return found

    def book(name: str) -> Book | None:
        if f"{name}.codes" not in table.column_names:
            return None
        return Book(
            codes=values(f"{name}.codes"),
            prefixes=prefixes(name),
            ranking=part(Ranking, f"{name}.ranking.", {}),
            prices=part(Prices, f"{name}.prices.", {}),
            terms=part(Terms, f"{name}.terms.", {}),
        )

    return CompiledTariff(
        tariff=tariff,
        **{name: book(name) for name in _BOOKS},
        origins=tuple(values("origins").to_pylist()),
        deck=OriginBook(values("deck.codes"), prefixes("deck"), values("deck.owner").to_numpy())
        if "deck.codes" in table.column_names
        else None,
        profiles=tuple(values("profiles").to_pylist()),
        tags=tuple(values("tags").to_pylist()),
        has_long_codes=bool(values("has_long_codes")[0].as_py()),
    )

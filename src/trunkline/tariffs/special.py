"""Which rates a special rate needs (docs/algorithms/special-rates.md): whole columns at a time, no Django, no database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.engine.prefix import PrefixTable, digit_keys

Int64s = npt.NDArray[np.int64]

# The highest weights that there are: of the rates of one code these go first, that of a destination before that of a group.
DESTINATION_WEIGHT: Final = "99999999.9999"
GROUP_WEIGHT: Final = "99999999.9998"

INSTANT: Final = pa.timestamp("s", tz="UTC")
# The codes of a deck, each once, and the destination of each.
DECK: Final = pa.schema(
    [pa.field("code", pa.string(), nullable=False), pa.field("destination_id", pa.int64(), nullable=False)]
)
# The ordinary rates of a tariff and its ancestors, as far as they matter here: the codes that they are for, the tags and the origins.
ORDINARY: Final = pa.schema(
    [pa.field("code", pa.string(), nullable=False), pa.field("tag", pa.string()), pa.field("origin", pa.string())]
)
# The rates that a special rate has written and that were not ended before it.
WRITTEN: Final = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("tag", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("destination_id", pa.int64(), nullable=False),
        pa.field("valid_from", INSTANT, nullable=False),
    ]
)
NEEDED: Final = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("tag", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("destination_id", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Step:
    """What brings the rates of a special rate in step: rates of `NEEDED` that are missing, and the rows of `WRITTEN` that are too many."""

    missing: pa.Table
    surplus: Int64s


def needed_rates(deck: pa.Table, ordinary: pa.Table, written: pa.Table, destinations: Collection[int]) -> pa.Table:
    """The rates, of `NEEDED`, that price the codes of these destinations exclusively.

    The codes are those that the deck has for them, and those longer ones of the tariff's own rates whose longest code in the deck is one of these. Each has a rate
    without tag and origin, and one for each tag and origin that an ordinary rate of that code has.
    """
    own = pc.unique(pa.concat_arrays([_column(ordinary, "code"), _column(written, "code")]))
    own = own.filter(pc.not_equal(own, ""))
    place = find_longest(_column(deck, "code"), own)
    ids = _column(deck, "destination_id").to_numpy(zero_copy_only=False)
    wanted = np.fromiter(destinations, np.int64, len(destinations))
    of_deck = np.isin(ids, wanted)
    of_own = (place >= 0) & np.isin(ids[np.maximum(place, 0)] if len(ids) else place, wanted)
    is_new = ~pc.is_in(own, _column(deck, "code")).to_numpy(zero_copy_only=False)
    of_own &= is_new
    codes = pa.concat_arrays([_column(deck, "code").filter(pa.array(of_deck)), own.filter(pa.array(of_own))])
    told = np.concatenate([ids[of_deck], ids[place[of_own]]]) if len(ids) else np.empty(0, np.int64)
    nothing = pa.nulls(len(codes), pa.string())
    plain = pa.table([codes, nothing, nothing, pa.array(told, pa.int64())], schema=NEEDED)
    is_special_case = pc.or_(pc.is_valid(ordinary["tag"]), pc.is_valid(ordinary["origin"]))
    tagged = ordinary.filter(is_special_case).group_by(["code", "tag", "origin"]).aggregate([])
    at = pc.index_in(_column(tagged, "code"), codes)
    tagged, at = tagged.filter(pc.is_valid(at)), at.drop_null()
    own_columns = [_column(tagged, name) for name in ("code", "tag", "origin")]
    more = pa.table([*own_columns, pa.array(told).take(at)], schema=NEEDED)
    return pa.concat_tables([plain, more]).combine_chunks()


def step(needed: pa.Table, written: pa.Table) -> Step:
    """What of the needed rates is not written yet, and which rows of the written ones are not needed any more."""
    shared = written.select(NEEDED.names).cast(NEEDED)
    keys = _keys(pa.concat_tables([needed, shared]))
    need, have = keys[: len(needed)], keys[len(needed) :]
    return Step(needed.filter(pa.array(~np.isin(need, have))), np.flatnonzero(~np.isin(have, need)))


def begins_with(missing: pa.Table, written: pa.Table) -> pa.Array:
    """When the numbers of each missing rate came under the special price, by the longest of the written codes; null where they did not yet."""
    plain = written.filter(pc.and_(pc.is_null(written["tag"]), pc.is_null(written["origin"])))
    place = find_longest(_column(plain, "code"), _column(missing, "code"))
    return _column(plain, "valid_from").take(pa.array(place, mask=place < 0))


def find_longest(codes: pa.Array, numbers: pa.Array) -> Int64s:
    """For each number the row of the longest of the codes that it begins with, -1 for none. The codes are distinct."""
    if not len(codes) or not len(numbers):
        return np.full(len(numbers), -1, np.int64)
    told = digit_keys(codes)
    lengths = told.lengths.astype(np.int8)
    order = np.lexsort((lengths, told.keys))
    table = PrefixTable.build(told.keys[order], lengths[order])
    asked = digit_keys(numbers)
    found = table.match(asked.keys, asked.lengths)
    return np.where(found >= 0, order[np.maximum(found, 0)], -1).astype(np.int64)


def _keys(rates: pa.Table) -> Int64s:
    """A number for each rate, equal where code, tag, origin and destination are."""
    keys = np.zeros(len(rates), np.int64)
    for name in NEEDED.names:
        encoded = _column(rates, name).dictionary_encode()
        index = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        _, keys = np.unique(keys * (len(encoded.dictionary) + 1) + index, return_inverse=True)
    return keys


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table[name].combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

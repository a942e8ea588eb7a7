"""The sums of a report, made by DuckDB in one pass over the segments, as columns.

Nothing is ever a double: whole numbers are summed as such, money as decimal(38, 8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from trunkline.core.money import AMOUNT_DECIMALS
from trunkline.reports.causes import CAUSES_OF, CauseGroup
from trunkline.reports.places import JURISDICTION_SQL, joins_sql, load_places
from trunkline.reports.report import Groups, Labels, as_column, iter_sums, map_sums, sorted_labels
from trunkline.reports.rules import ADDITIVE, PERCENTILES, Grouping, Ints, Key, KeyValue, Prefix, Sums
from trunkline.usage.segments import COMMAND, Limits, connect, limited, text_literal, watch

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from trunkline.reports.queries import Gathered

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# DuckDB divides towards zero: days are counted from long before the calendar of `engine.zone` begins.
FIRST_DAY: Final = -(1 << 20)

# A record's destination and code are those of the price the customer paid; a failed attempt has only the vendor's.
DESTINATION_SQL: Final = "coalesce(sell_destination_id, buy_destination_id)"
_CAUSE_CASES: Final = " ".join(
    f"WHEN cause IN ({', '.join(map(str, causes))}) THEN {text_literal(group)}" for group, causes in CAUSES_OF.items()
)
KEY_SQL: Final[Mapping[Key, str]] = {
    Key.ACCOUNT: "sell_account_id",
    Key.VENDOR: "buy_account_id",
    Key.DESTINATION: DESTINATION_SQL,
    Key.COUNTRY: "nullif(countries.country, '')",
    Key.GROUP: "destination_groups.names",
    Key.CODE: "coalesce(sell_code, buy_code)",
    Key.ORIGIN: "coalesce(sell_origins.origin, buy_origins.origin)",
    Key.SERVICE: "service",
    Key.CAUSE: "cause",
    Key.CAUSE_GROUP: f"CASE {_CAUSE_CASES} WHEN cause IS NOT NULL THEN {text_literal(CauseGroup.OTHER)} END",
    Key.TAGS: "tags",
    Key.JURISDICTION: JURISDICTION_SQL,
    Key.ATTEMPT: "attempt",
}
LATER: Final = ("tags", "sell_number")  # columns that segments of earlier versions do not have

# Two counts are summed as one number, and what is left out is masked instead of filtered: with as many groups as ten
# million records have by day, customer, vendor and destination, that took a third off the query (November 2026).
_BITS: Final = 40  # a count stays below a million million


def _two(low: str, high: str) -> str:
    return f"sum(({low})::BIGINT + (({high})::BIGINT << {_BITS}))"


def _where(condition: str, column: str) -> str:
    """The sum of a column of whole numbers over the rows of a condition that is never null."""
    return f"sum({column} & -(({condition})::BIGINT))"


SUMS_SQL: Final[Mapping[str, str]] = {
    "attempts": "count(*)",
    "calls_connected": _two("is_last", "quantity > 0"),
    "connected_calls_voice": _two("is_last AND quantity > 0", "quantity > 0 AND service = 'voice'"),
    "seconds": _where("service = 'voice'", "quantity"),
    "billed_seconds": _where("sell_state = 1 AND service = 'voice'", "sell_billed"),
    "cost_seconds": _where("buy_state = 1 AND service = 'voice'", "buy_billed"),
    "pdd_ms": "sum(pdd_ms)",
    "pdd_count": "count(pdd_ms)",
    "revenue": "sum(CASE WHEN sell_state = 1 THEN sell_base_amount END)",
    "cost": "sum(CASE WHEN buy_state = 1 THEN buy_base_amount END)",
}
_PAIRS: Final = {
    "calls_connected": ("calls", "connected"),
    "connected_calls_voice": ("connected_calls", "connected_voice"),
}
_MONEY: Final = ("revenue", "cost")
# Percentiles are counted, not sorted: what is kept is one row for each value of a group, and it may spill to the disk.
SPREADS: Final[Mapping[str, tuple[str, str]]] = {
    "pdd": ("pdd_ms", "pdd_ms IS NOT NULL"),
    "duration": ("quantity", "quantity > 0 AND service = 'voice'"),
}


def aggregate(
    keys: Sequence[Grouping], gathered: Gathered, *, has_percentiles: bool, limits: Limits = COMMAND
) -> tuple[Groups, Sums]:
    """The groups, in no order, and the totals; without keys there are totals alone. Raises `SegmentsMoved`, and as `limited` does."""
    paths = [each.path for each in gathered.segments]
    if not paths:
        return _no_groups(keys), Sums()
    later = LATER if _needs_later(keys, gathered) else ()
    with (
        watch(paths),
        connect(paths, limits=limits, later=later) as connection,
        limited(connection, limits),
    ):
        if _needs_places(keys, gathered):
            load_places(connection, *_condition(replace(gathered, country=None, jurisdiction=None)))
        if Key.COUNTRY in keys or gathered.country is not None:
            _load_countries(connection, gathered.countries)
        if Key.GROUP in keys:
            _load_groups(connection, gathered.groups)
        if Key.ORIGIN in keys:
            _load_origins(connection, gathered.origins)
        found = _ask(connection, keys, gathered, has_percentiles=has_percentiles)
        sums = _sums(found)
        groups = Groups(tuple(_labels(key, found.column(f"k{n}"), gathered) for n, key in enumerate(keys)), sums)
        if not keys:
            (totals,) = iter_sums(sums)
            return _no_groups(keys), totals
        totals = Sums(**{name: _column_total(getattr(sums, name)) for name in ADDITIVE})
        if has_percentiles:  # of all records: they cannot be had from those of the rows
            (spread,) = iter_sums(_sums(_ask(connection, (), gathered, has_percentiles=True)))
            totals = replace(totals, **{name: getattr(spread, name) for name in PERCENTILES})
    return groups, totals


def _needs_places(keys: Sequence[Grouping], gathered: Gathered) -> bool:
    return Key.JURISDICTION in keys or gathered.jurisdiction is not None


def _needs_later(keys: Sequence[Grouping], gathered: Gathered) -> bool:
    return Key.TAGS in keys or gathered.tag is not None or _needs_places(keys, gathered)


def _no_groups(keys: Sequence[Grouping]) -> Groups:
    nothing = np.zeros(0, dtype=np.int64)
    return Groups(tuple(Labels((), nothing) for _ in keys), map_sums(Sums(), lambda _: nothing))


def _column_total(column: Ints) -> int:
    """The sum of a column, in halves, so that no sum of int64 leaves 64 bits."""
    if column.dtype == object:
        return int(column.sum())
    return (int((column >> 32).sum()) << 32) + int((column & 0xFFFF_FFFF).sum())


def _ask(
    connection: duckdb.DuckDBPyConnection,
    keys: Sequence[Grouping],
    gathered: Gathered,
    *,
    has_percentiles: bool,
) -> pa.Table:
    """One row a group: keys as k0, k1, ...; all else as decimals, packed counts by the names of `SUMS_SQL`."""
    condition, values = _condition(gathered)
    needs_countries = Key.COUNTRY in keys or gathered.country is not None
    joined = f"LEFT JOIN countries ON countries.id = {DESTINATION_SQL}" if needs_countries else ""
    if Key.GROUP in keys:
        joined = f"{joined} LEFT JOIN destination_groups ON destination_groups.id = {DESTINATION_SQL}"
    if Key.ORIGIN in keys:
        sides = (f"LEFT JOIN origins {side}_origins ON {side}_origins.id = {side}_rate_id" for side in ("sell", "buy"))
        joined = " ".join((joined, *sides))
    if _needs_places(keys, gathered):
        joined = f"{joined} {joins_sql()}"
    source = f"FROM segments {joined} WHERE {condition}"
    groups = ", ".join(f"k{place}" for place in range(len(keys)))
    named = "".join(f"{_key_sql(key, gathered)} AS k{place}, " for place, key in enumerate(keys))
    sums = ", ".join(f"{sql} AS {name}" for name, sql in SUMS_SQL.items())
    tables = [f"grouped AS (SELECT {named}{sums} {source}{f' GROUP BY {groups}' if groups else ''})"]
    columns = [f"grouped.k{place}" for place in range(len(keys))]
    columns += [
        f"coalesce({name}, 0)::DECIMAL(38, {AMOUNT_DECIMALS if name in _MONEY else 0}) AS {name}" for name in SUMS_SQL
    ]
    joins = ""
    for name, (value, is_there) in SPREADS.items() if has_percentiles else ():
        tables += _spread_sql(name, f"SELECT {named}{value} AS value {source} AND {is_there}", groups)
        columns += [f"coalesce({name}_p{percent}, 0)::DECIMAL(38, 0) AS {name}_p{percent}" for percent in (50, 95)]
        same = [f"grouped.k{place} IS NOT DISTINCT FROM {name}.k{place}" for place in range(len(keys))]
        joins += f" LEFT JOIN {name} ON {' AND '.join(same) or 'true'}"
    query = f"WITH {', '.join(tables)} SELECT {', '.join(columns)} FROM grouped{joins}"
    return connection.sql(query, params=values).to_arrow_table()


def _spread_sql(name: str, values: str, groups: str) -> list[str]:
    """Tables of which the last, `name`, has P50 and P95 of `value` for each of the groups.

    A percentile is the least value that is not below that part of the values: one that was measured, not one between.
    """
    keys, partition = (f"{groups}, ", f"PARTITION BY {groups}") if groups else ("", "")
    return [
        f"{name}_values AS ({values})",
        f"{name}_counts AS (SELECT {keys}value, count(*) AS times FROM {name}_values GROUP BY ALL)",
        f"{name}_ranks AS (SELECT {keys}value, sum(times) OVER ({partition} ORDER BY value) AS rank, "
        f"sum(times) OVER ({partition}) AS size FROM {name}_counts)",
        f"{name} AS (SELECT {keys}min(value) FILTER (rank * 100 >= size * 50) AS {name}_p50, "
        f"min(value) FILTER (rank * 100 >= size * 95) AS {name}_p95 FROM {name}_ranks{f' GROUP BY {groups}' if groups else ''})",
    ]


def _sums(found: pa.Table) -> Sums:
    columns: dict[str, Ints] = {}
    for name in found.column_names:
        if name in _PAIRS:
            packed = whole_numbers(found.column(name))
            low, high = _PAIRS[name]
            columns[low], columns[high] = as_column(packed & ((1 << _BITS) - 1)), as_column(packed >> _BITS)
        elif name in Sums.__slots__:
            columns[name] = as_column(whole_numbers(found.column(name)))
    nothing = np.zeros(found.num_rows, dtype=np.int64)
    return Sums(**{name: columns.get(name, nothing) for name in Sums.__slots__})


def whole_numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """The units of a decimal128 column without nulls: int64, or Python's integers where one needs more."""
    words = [
        np.frombuffer(chunk.buffers()[1], dtype=np.int64)[2 * chunk.offset : 2 * (chunk.offset + len(chunk))]
        for chunk in column.chunks
    ]
    both = np.concatenate(words).reshape(-1, 2) if words else np.zeros((0, 2), dtype=np.int64)
    low, high = both[:, 0], both[:, 1]
    if bool((high == low >> 63).all()):
        return np.ascontiguousarray(low)
    return (high.astype(object) << 64) + low.view(np.uint64).astype(object)


def _key_sql(key: Grouping, gathered: Gathered) -> str:
    if isinstance(key, Prefix):
        return f"nullif(left(called, {key.digits}), '')"
    if key is Key.DAY:
        return f"{_local_ms_sql(gathered)} // {DAY_MS} + {FIRST_DAY}"
    if key is Key.HOUR:
        return f"{_local_ms_sql(gathered)} % {DAY_MS} // {HOUR_MS}"
    return KEY_SQL[key]


def _local_ms_sql(gathered: Gathered) -> str:
    """Milliseconds since `FIRST_DAY` on the zone's clock, by the table of clock changes by which records are rated."""
    from trunkline.engine.zone import offsets

    starts = [instant for each in gathered.segments for instant in (each.min_start, each.max_start) if instant]
    first, last = (int(instant.timestamp()) for instant in (min(starts, default=EPOCH), max(starts, default=EPOCH)))
    transitions, offset_s = (each.tolist() for each in offsets(gathered.zone, first, last))
    cases = " ".join(
        f"WHEN epoch_ms(start) < {until * 1000} THEN {offset * 1000 - FIRST_DAY * DAY_MS}"
        for offset, until in zip(offset_s, transitions[1:], strict=False)
    )
    final = offset_s[-1] * 1000 - FIRST_DAY * DAY_MS
    return f"(epoch_ms(start) + {f'CASE {cases} ELSE {final} END' if cases else final})"


def _condition(gathered: Gathered) -> tuple[str, dict[str, Any]]:
    terms, values = ["true"], dict[str, Any]()
    for name, sign, instant in (("from", ">=", gathered.start_from), ("to", "<", gathered.start_to)):
        if instant is not None:
            terms.append(f"start {sign} make_timestamptz(${name}::BIGINT)")
            values[name] = (instant - EPOCH) // timedelta(microseconds=1)
    for name, column, wanted in (
        ("account", "sell_account_id", gathered.account_id),
        ("vendor", "buy_account_id", gathered.vendor_id),
        ("destination", DESTINATION_SQL, gathered.destination_id),
        ("country", "countries.country", gathered.country),
    ):
        if wanted is not None:
            terms.append(f"{column} = ${name}")
            values[name] = wanted
    if gathered.group is not None:
        terms.append(f"list_contains($group::BIGINT[], {DESTINATION_SQL})")
        values["group"] = sorted(gathered.group)
    if gathered.tag is not None:
        terms.append("contains(',' || tags || ',', ',' || $tag || ',')")
        values["tag"] = gathered.tag
    if gathered.jurisdiction is not None:
        terms.append(f"{JURISDICTION_SQL} = $jurisdiction")
        values["jurisdiction"] = gathered.jurisdiction
    return " AND ".join(terms), values


def _load_countries(connection: duckdb.DuckDBPyConnection, countries: Mapping[int, str]) -> None:
    connection.execute(
        "CREATE TEMP TABLE countries AS SELECT unnest($ids::BIGINT[]) AS id, unnest($countries::VARCHAR[]) AS country",
        {"ids": list(countries), "countries": list(countries.values())},
    )


def _load_groups(connection: duckdb.DuckDBPyConnection, groups: Mapping[int, str]) -> None:
    connection.execute(
        "CREATE TEMP TABLE destination_groups AS SELECT unnest($ids::BIGINT[]) AS id, unnest($names::VARCHAR[]) AS names",
        {"ids": list(groups), "names": list(groups.values())},
    )


def _load_origins(connection: duckdb.DuckDBPyConnection, origins: Mapping[int, str]) -> None:
    connection.execute(
        "CREATE TEMP TABLE origins AS SELECT unnest($ids::BIGINT[]) AS id, unnest($origins::VARCHAR[]) AS origin",
        {"ids": list(origins), "origins": list(origins.values())},
    )


def _labels(key: Grouping, column: pa.ChunkedArray, gathered: Gathered) -> Labels:
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    values = [_named(key, value, gathered) for value in encoded.dictionary.to_pylist()]
    return sorted_labels(values, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64))


def _named(key: Grouping, value: Any, gathered: Gathered) -> KeyValue:
    if value is None:
        return None
    if key is Key.DAY:
        return (EPOCH.date() + timedelta(days=int(value))).isoformat()
    if key is Key.HOUR:
        return f"{value:02}:00"
    if key in (Key.ACCOUNT, Key.VENDOR):
        return gathered.accounts.get(value, f"#{value}")
    if key is Key.DESTINATION:
        return gathered.destinations.get(value, f"#{value}")
    found: KeyValue = value
    return found

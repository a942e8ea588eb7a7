"""What a sheet offers a tariff, whatever it looked like: the lines that reading gave as rates, row for row, before they are compared.

Whole columns at a time, each distinct value once. No Django, no database (docs/algorithms/rate-changes.md, "What a line becomes").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.money import PRICE_DECIMALS, Price, scaled_text
from trunkline.engine.units import Unit
from trunkline.pricing.compare import LINES
from trunkline.pricing.origins import merge_origins, name_origins
from trunkline.pricing.sheets.layout import to_json
from trunkline.pricing.sheets.reading import Reading
from trunkline.tariffs.rate_file import rate_keys
from trunkline.tariffs.rules import Step

Int64s = npt.NDArray[np.int64]

MINUTE: Final = 60
BLOCKED_STEPS: Final = "0:0/60/1"
JURISDICTIONS: Final = {"inter": "interstate", "intra": "intrastate", "indeterminate": "indeterminate"}
_STEP_COLUMNS: Final = ("price", "price_first", "first", "interval", "included")

# Rows of a sheet that gave no line.
ERRORS: Final = pa.schema(
    [
        pa.field("sheet", pa.string(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Offered:
    """Lines of `compare.LINES`, each with a beginning; rows that gave none, of `ERRORS`.

    `effective_at` is when the sheet says that all of it begins; `currencies` are those that it names, `layout` what was understood of it, `doubts` why that
    may be wrong. `origins` are the codes of each origin that the sheet says, by the name that the tariff's origin deck has for it.
    """

    lines: pa.Table
    errors: pa.Table
    currencies: frozenset[str]
    effective_at: datetime | None
    layout: dict[str, Any]
    doubts: tuple[str, ...]
    origins: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ways:
    """How a tariff takes lines: what it counts, its clock, its time profiles by name, the codes of destinations, for sheets without codes, and the
    names of its origin deck."""

    unit: Unit
    zone: tzinfo
    profiles: Collection[str]
    codes_of: Mapping[str, Sequence[str]]
    origins: Collection[str] = ()


def offer(reading: Reading, ways: Ways, *, begins: datetime, at_once: datetime) -> Offered:
    """The lines of a reading as rates. `begins` is for lines whose beginning nothing says, `at_once` for those that begin at once."""
    lines = _by_jurisdiction(_with_codes(reading.lines, ways.codes_of))
    starts = _instants(lines["valid_from"], ways.zone)
    default = pa.scalar(begins.astimezone(UTC), starts.type)
    is_at_once = pc.equal(lines["starts"], "at_once")
    starts = pc.if_else(is_at_once, pa.scalar(at_once.astimezone(UTC), starts.type), pc.coalesce(starts, default))
    is_closed, is_blocked = pc.equal(lines["kind"], "closed"), pc.equal(lines["kind"], "blocked")
    is_priced = pc.equal(lines["kind"], "rate")
    profiles, unknown = _profiles(lines["slot"], ways.profiles)
    said_origins = merge_origins(reading.origins, ways.origins)
    origins, no_origin = name_origins(lines["origin"], {*ways.origins, *said_origins.codes})
    count = len(lines)
    columns = {
        "line": lines["line"],
        "code": pc.fill_null(lines["code"], ""),
        "destination": lines["destination"],
        "steps": pc.if_else(is_priced, _steps(lines, ways.unit), BLOCKED_STEPS),
        "setup_fee": _prices(lines["setup"]),
        "grace": pc.fill_null(lines["grace"], 0).cast(pa.int64()),
        "valid_from": starts,
        "valid_to": _instants(lines["valid_to"], ways.zone),
        "time_profile": profiles,
        "weight": pa.array(["10"] * count, pa.string()),
        "rounding_mode": pa.array(np.zeros(count, np.int8)),
        "rounding_decimals": pa.array(np.full(count, 8, np.int8)),
        "max_cost": pa.nulls(count, pa.string()),
        "blocked": is_blocked,
        "tag": lines["tag"],
        "length_min": pa.nulls(count, pa.int8()),
        "length_max": pa.nulls(count, pa.int8()),
        "additive": pa.array(np.zeros(count, np.bool_)),
        "origin": origins,
        "is_closed": is_closed,
        "refused": _refusals(lines, unknown, no_origin),
    }
    made = pa.table([columns[name] for name in LINES.names], schema=LINES).combine_chunks()
    errors = [
        {"sheet": e.sheet, "line": e.line, "column": e.column, "reason": str(e.reason), "text": e.text}
        for e in (*reading.errors, *said_origins.errors)
    ]
    said = pc.unique(lines["currency"].combine_chunks()).to_pylist() if count else []
    return Offered(
        _without_repeats(made),
        pa.Table.from_pylist(errors, ERRORS),
        frozenset(filter(None, said)),
        _effective(reading, ways.zone),
        to_json(reading.layout),
        ()
        if reading.layout.is_sure
        else tuple(each.text for each in reading.layout.doubts) or ("It is not sure what the columns mean.",),
        said_origins.codes,
    )


def _with_codes(lines: pa.Table, codes_of: Mapping[str, Sequence[str]]) -> pa.Table:
    """A line for each code of the destinations that are told by name alone; one without code where the name is not known."""
    nameless = pc.is_null(lines["code"])
    if not pc.any(nameless).as_py():
        return lines.append_column("is_unknown", pa.array(np.zeros(len(lines), np.bool_)))
    known = {name.casefold(): list(codes) for name, codes in codes_of.items()}
    names = lines["destination"].to_pylist()
    is_named = (
        nameless.to_numpy(zero_copy_only=False)
        if isinstance(nameless, pa.Array)
        else nameless.combine_chunks().to_numpy(zero_copy_only=False)
    )
    own = lines["code"].to_pylist()
    parents: list[int] = []
    codes: list[str | None] = []
    unknown: list[bool] = []
    for row, (code, name) in enumerate(zip(own, names, strict=True)):
        found = known.get((name or "").casefold(), []) if is_named[row] else [code]
        parents += [row] * max(len(found), 1)
        codes += found or [None]
        unknown += [not found] * max(len(found), 1)
    spread = lines.take(pa.array(parents, pa.int64()))
    place = spread.schema.get_field_index("code")
    spread = spread.set_column(place, spread.schema.field(place), pa.array(codes, pa.string()))
    return spread.append_column("is_unknown", pa.array(unknown, pa.bool_()))


def _by_jurisdiction(lines: pa.Table) -> pa.Table:
    """Lines with prices by jurisdiction as one line for each, with its tag; a price besides them is for all other calls."""
    present = [name for name in JURISDICTIONS if lines[name].null_count < len(lines)]
    if not present:
        return lines.append_column("tag", pa.nulls(len(lines), pa.string()))
    has_any = np.zeros(len(lines), np.bool_)
    parts = []
    for name in present:
        has = pc.is_valid(lines[name])
        has_any |= np.asarray(has.combine_chunks().to_numpy(zero_copy_only=False))
        part = lines.filter(has)
        place = part.schema.get_field_index("price")
        part = part.set_column(place, part.schema.field(place), part[name])
        parts.append(part.append_column("tag", pa.array([JURISDICTIONS[name]] * len(part), pa.string())))
    rest = lines.filter(pc.or_(pc.is_valid(lines["price"]), pa.chunked_array([pa.array(~has_any)])))
    parts.append(rest.append_column("tag", pa.nulls(len(rest), pa.string())))
    return pa.concat_tables(parts).combine_chunks()


def _instants(column: pa.ChunkedArray, zone: tzinfo) -> pa.ChunkedArray:
    """Times of the tariff's clock as instants."""
    encoded = column.combine_chunks().dictionary_encode()
    local = [
        None if each is None else each.replace(tzinfo=zone).astimezone(UTC) for each in encoded.dictionary.to_pylist()
    ]
    return pa.chunked_array([pa.array(local, pa.timestamp("s", tz="UTC")).take(encoded.indices)])


def _profiles(slots: pa.ChunkedArray, known: Collection[str]) -> tuple[pa.Array, pa.Array]:
    """The time profile of each slot, and where there is none of that name."""
    by_word = {_word(name): name for name in known}
    encoded = slots.combine_chunks().dictionary_encode()
    found = [by_word.get(_word(slot)) if slot else None for slot in encoded.dictionary.to_pylist()]
    missing = [bool(slot) and name is None for slot, name in zip(encoded.dictionary.to_pylist(), found, strict=True)]
    return pa.array(found, pa.string()).take(encoded.indices), pa.array(missing, pa.bool_()).take(encoded.indices)


def _word(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())


def _steps(lines: pa.Table, unit: Unit) -> pa.Array:
    """The text of steps of each line, each distinct combination made once."""
    combined = np.zeros(len(lines), np.int64)
    for name in _STEP_COLUMNS:
        encoded = lines[name].combine_chunks().dictionary_encode()
        index = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        _, combined = np.unique(combined * (len(encoded.dictionary) + 1) + index, return_inverse=True)
    _, sample, inverse = np.unique(combined, return_index=True, return_inverse=True)
    rows = lines.select(list(_STEP_COLUMNS)).take(pa.array(sample)).to_pylist()
    return pa.array([_steps_text(row, unit) for row in rows], pa.string()).take(pa.array(inverse))


def _steps_text(row: Mapping[str, int | None], unit: Unit) -> str:
    """The steps of one combination: included units cost nothing, the first interval has its own price if the sheet says one."""
    price = Price(row["price"] or 0)
    per = MINUTE if unit is Unit.SECOND else 1
    interval = row["interval"] or 1
    first = row["first"] or interval
    steps = []
    start = row["included"] or 0
    if start:
        steps.append(Step(0, Price(0), per, start))
    begin = Price(row["price_first"]) if row["price_first"] is not None else price
    steps.append(Step(start, begin, per, first))
    if (begin, first) != (price, interval):
        steps.append(Step(start + first, price, per, interval))
    return ";".join(map(str, steps))


def _prices(column: pa.ChunkedArray) -> pa.Array:
    encoded = column.combine_chunks().fill_null(0).dictionary_encode()
    texts = [scaled_text(units, PRICE_DECIMALS) for units in encoded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(encoded.indices)


def _refusals(lines: pa.Table, unknown_profile: pa.Array, unknown_origin: pa.Array) -> pa.Array:
    """Why a line cannot be a rate of the tariff; null where it can."""
    nothing = pa.scalar(None, pa.string())
    reasons = pc.if_else(unknown_profile, pa.scalar("unknown_profile"), nothing)
    reasons = pc.coalesce(reasons, pc.if_else(unknown_origin, pa.scalar("unknown_origin"), nothing))
    return pc.coalesce(pc.if_else(lines["is_unknown"], pa.scalar("name_without_codes"), nothing), reasons)


def _without_repeats(lines: pa.Table) -> pa.Table:
    """Lines of which no two say the same; those of one rate and one beginning that contradict each other are refused, all of them."""
    starts = lines["valid_from"].combine_chunks().cast(pa.int64()).to_numpy()
    keys = np.unique(np.stack([rate_keys(lines), starts]), axis=1, return_inverse=True)[1] if len(lines) else starts
    if len(np.unique(keys)) == len(keys):
        return lines
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    repeated = np.unique(np.concatenate([order[1:][same], order[:-1][same]]))
    told = lines.take(pa.array(repeated)).drop_columns(["line"]).to_pylist()
    first: dict[int, dict[str, Any]] = {}
    drop: list[int] = []
    contradicted: set[int] = set()
    for row, said in zip(repeated.tolist(), told, strict=True):
        known = first.setdefault(int(keys[row]), said)
        if known is said:
            continue
        if known == said:
            drop.append(row)
        else:
            contradicted.add(int(keys[row]))
    refused = lines["refused"].combine_chunks()
    if contradicted:
        marked = pa.array(np.isin(keys, list(contradicted)))
        refused = pc.coalesce(refused, pc.if_else(marked, pa.scalar("contradiction"), pa.scalar(None, pa.string())))
    place = lines.schema.get_field_index("refused")
    kept = np.ones(len(lines), np.bool_)
    kept[drop] = False
    return lines.set_column(place, lines.schema.field(place), refused).filter(pa.array(kept)).combine_chunks()


def _effective(reading: Reading, zone: tzinfo) -> datetime | None:
    """When the sheet says that it begins, if it says one instant for all."""
    said = {sheet.effective for sheet in reading.layout.sheets if sheet.effective}
    if len(said) != 1 or "asap" in said:
        return None
    instant = datetime.fromisoformat(said.pop())
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)

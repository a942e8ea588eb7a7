"""Rate files: from the text of docs/formats/rates_csv.md to columns of rates, or to what is wrong with each line.

Whole columns at a time: every distinct text of a column is parsed once. No Django, no database.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from trunkline.core.codes import CODE_DIGITS_MAX, expand_codes
from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_DECIMALS, INT64_MAX, Amount, Price, Rounding, RoundingMode, scaled, scaled_text
from trunkline.core.period import get_zone
from trunkline.engine.schema import DEFAULT_WEIGHT, WEIGHT_DECIMALS
from trunkline.engine.units import Unit
from trunkline.tariffs.rules import find_overlaps, make_steps, parse_instant, whole
from trunkline.tariffs.source import text_of

G = TypeVar("G")
T = TypeVar("T")

COLUMNS: Final = (
    "code", "destination", "price", "per", "increments", "setup_fee", "grace", "valid_from", "valid_to", "time_profile",
    "weight", "rounding", "max_cost", "blocked", "tag", "length_min", "length_max", "policy", "origin",
)  # fmt: skip
REQUIRED: Final = ("code",)

# Rates as they go into the database: exact decimals as text, names instead of ids, `line` the line of the file.
LOAD_SCHEMA: Final = pa.schema(
    [
        pa.field("line", pa.int32(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("destination", pa.string()),
        pa.field("steps", pa.string(), nullable=False),
        pa.field("setup_fee", pa.string(), nullable=False),
        pa.field("grace", pa.int64(), nullable=False),
        pa.field("valid_from", pa.timestamp("s", tz="UTC")),
        pa.field("valid_to", pa.timestamp("s", tz="UTC")),
        pa.field("time_profile", pa.string()),
        pa.field("weight", pa.string(), nullable=False),
        pa.field("rounding_mode", pa.int8(), nullable=False),
        pa.field("rounding_decimals", pa.int8(), nullable=False),
        pa.field("max_cost", pa.string()),
        pa.field("blocked", pa.bool_(), nullable=False),
        pa.field("tag", pa.string()),
        pa.field("length_min", pa.int8()),
        pa.field("length_max", pa.int8()),
        pa.field("additive", pa.bool_(), nullable=False),
        pa.field("origin", pa.string()),
    ]
)

# The rates of a tariff that are not voided, as a file would say them, with their ids.
STANDING: Final = pa.schema(
    [pa.field("id", pa.int64(), nullable=False), *(field for field in LOAD_SCHEMA if field.name != "line")]
)

LINE_OCTETS_MAX: Final = 2**20
ALL_CODES_MAX: Final = 2_000_000
LENGTH_MAX: Final = 127
NAME_MAX: Final = 200
TAG_MAX: Final = 60
SHOWN_ORIGINS: Final = 20
WEIGHT_UNITS_MAX: Final = 10**12 - 1
_EVER: Final = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a line; `code` is stable, `text` a sentence."""

    line: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text} [{self.code}]"


@dataclass(frozen=True, slots=True)
class RateFile:
    """What a file says: rates of `LOAD_SCHEMA` in the order of the lines, and every line that cannot be loaded."""

    rates: pa.Table
    problems: list[Problem]
    line_count: int


def read_rate_file(
    data: bytes, *, unit: Unit, timezone: str, profiles: Collection[str], origins: Collection[str] = ()
) -> RateFile:
    """Read a rate file for a tariff of that unit and timezone, which knows those time profiles and origins.

    `problems` names every bad line; with any of them the rates must not be loaded. Raises Invalid for what concerns the
    file as a whole: `bad_encoding`, `bad_header`, `empty_rate_file`, `line_too_long`, `unclosed_quote`.
    """
    text = text_of(data)
    _check_lines(text)
    header = _header(text)
    raw, lines, problems = _read_columns(text, header)
    if not len(lines) and not problems:
        raise Invalid("empty_rate_file", "The file has no rates.", hint="A price list without prices is not loaded.")
    reader = _Reader(raw, lines, problems)
    rates = _rates(reader, unit, timezone, frozenset(profiles), frozenset(origins))
    _find_contradictions(rates, problems)
    return RateFile(rates, sorted(set(problems)), len(lines))


def _check_lines(text: bytes) -> None:
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
    longest = np.diff(np.concatenate([[-1], ends, [len(text)]])) > LINE_OCTETS_MAX
    if longest.any():
        raise Invalid("line_too_long", f"Line {int(np.argmax(longest)) + 1} is longer than {LINE_OCTETS_MAX} bytes.")
    if b'"' in text:
        open_lines = [n for n, line in enumerate(text.split(b"\n"), start=1) if line.count(b'"') % 2]
        if open_lines:
            raise Invalid(
                "unclosed_quote",
                f"Line {open_lines[0]} has a quote that is not closed.",
                hint="A value does not run over the end of its line.",
                lines=open_lines,
            )


def _header(text: bytes) -> list[str]:
    first = text.split(b"\n", 1)[0].decode()
    names = [name.strip().lower() for name in next(csv.reader([first]), [])]
    if not any(names):
        raise Invalid("empty_rate_file", "The file is empty.", hint="Its first line names the columns.")
    unknown = [name for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    missing = [name for name in REQUIRED if name not in names]
    if "price" not in names and "increments" not in names:
        missing.append("price")
    if unknown or twice or missing:
        wrong = [f"unknown column {name!r}" for name in unknown] + [f"{name} twice" for name in twice]
        wrong += [f"no column {name}" for name in missing]
        raise Invalid(
            "bad_header", f"The first line is wrong: {'; '.join(wrong)}.", hint=f"Columns: {', '.join(COLUMNS)}."
        )
    return names


def _read_columns(text: bytes, header: Sequence[str]) -> tuple[pa.Table, npt.NDArray[np.int32], list[Problem]]:
    """All columns as text, the line of each row, and the lines with too many or too few values."""
    problems: list[Problem] = []
    skipped: list[int] = []

    def skip(row: Any) -> str:
        skipped.append(row.number)
        given = f"{row.actual_columns} values where the header has {row.expected_columns}."
        problems.append(Problem(row.number, "field_count", f"There are {given}"))
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.py_buffer(text),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=max(len(text) + 1, 2**16), column_names=list(header), skip_rows=1
        ),
        parse_options=pyarrow.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in header}, strings_can_be_null=False, check_utf8=False
        ),
    )
    every = np.arange(2, 2 + table.num_rows + len(skipped), dtype=np.int32)
    lines = np.delete(every, np.array(skipped, np.int64) - 2)
    columns = {}
    is_empty = np.ones(table.num_rows, np.bool_)
    for name in COLUMNS:
        if name in header:
            column = pc.utf8_trim_whitespace(table[name].combine_chunks())
            empty = pc.equal(column, "")
            columns[name] = pc.if_else(empty, pa.scalar(None, pa.string()), column)
            is_empty &= empty.to_numpy(zero_copy_only=False)
        else:
            columns[name] = pa.nulls(table.num_rows, pa.string())
    raw = pa.table(columns)
    return raw.filter(pa.array(~is_empty)), lines[~is_empty], problems


class _Reader:
    """The raw columns, parsed distinct text by distinct text, with the problems found on the way."""

    def __init__(self, raw: pa.Table, lines: npt.NDArray[np.int32], problems: list[Problem]) -> None:
        self.raw = raw
        self.lines = lines
        self.problems = problems

    def distinct(self, name: str) -> tuple[list[str], npt.NDArray[np.int64]]:
        """The distinct texts of a column, "" last for empty, and the index of each row."""
        encoded = self.raw[name].combine_chunks().dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        index = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False).astype(np.int64)
        return [*texts, ""], index

    def parse(self, name: str, parse: Callable[[str], object], kind: pa.DataType, default: object = None) -> pa.Array:
        """A column of `kind`: every distinct text through `parse`, `default` for empty."""
        texts, index = self.distinct(name)
        values = self.each(texts, index, lambda text: parse(text) if text else default)
        return pa.array(values, kind).take(pa.array(index))

    def each(self, given: Iterable[G], index: npt.NDArray[np.int64], parse: Callable[[G], T]) -> list[T | None]:
        """`parse` of each; where it raises `Invalid`, None and a problem of every row whose index that is."""
        values: list[T | None] = []
        failed: dict[int, Invalid] = {}
        for place, one in enumerate(given):
            try:
                values.append(parse(one))
            except Invalid as error:
                failed[place] = error
                values.append(None)
        for row in np.flatnonzero(np.isin(index, list(failed))) if failed else ():
            found = failed[int(index[row])]
            self.problems.append(Problem(int(self.lines[row]), found.code, str(found)))
        return values

    def refuse(self, where: pa.Array, code: str, text: str) -> None:
        """Note a problem of each row that is marked; null is not marked."""
        marked = pc.fill_null(where, False).to_numpy(zero_copy_only=False)
        self.problems += [Problem(int(line), code, text) for line in self.lines[marked]]


def _rates(reader: _Reader, unit: Unit, timezone: str, profiles: frozenset[str], origins: frozenset[str]) -> pa.Table:
    zone = get_zone(timezone)
    instant = pa.timestamp("s", tz="UTC")
    rounding = reader.parse("rounding", _rounding, pa.list_(pa.int8(), 2), [RoundingMode.HALF_UP, AMOUNT_DECIMALS])
    columns = {
        "line": pa.array(reader.lines),
        "destination": reader.parse("destination", _destination, pa.string()),
        "steps": _steps(reader, unit),
        "setup_fee": reader.parse("setup_fee", lambda text: str(Price.from_text(text)), pa.string(), "0"),
        "grace": reader.parse("grace", lambda text: whole(text, "grace"), pa.int64(), 0),
        "valid_from": reader.parse("valid_from", lambda text: parse_instant(text, zone), instant),
        "valid_to": reader.parse("valid_to", lambda text: parse_instant(text, zone), instant),
        "time_profile": reader.parse("time_profile", lambda text: _profile(text, profiles), pa.string()),
        "weight": reader.parse("weight", _weight, pa.string(), scaled_text(DEFAULT_WEIGHT, WEIGHT_DECIMALS)),
        "rounding_mode": pc.list_element(rounding, 0),
        "rounding_decimals": pc.list_element(rounding, 1),
        "max_cost": reader.parse("max_cost", _max_cost, pa.string()),
        "blocked": reader.parse("blocked", _blocked, pa.bool_(), False),
        "tag": reader.parse("tag", _tag, pa.string()),
        "length_min": reader.parse("length_min", lambda text: whole(text, "length_min", most=LENGTH_MAX), pa.int8()),
        "length_max": reader.parse("length_max", lambda text: whole(text, "length_max", most=LENGTH_MAX), pa.int8()),
        "additive": reader.parse("policy", _policy, pa.bool_(), False),
        "origin": reader.parse("origin", lambda text: _origin(text, origins), pa.string()),
    }
    reader.refuse(
        pc.less_equal(columns["valid_to"], columns["valid_from"]), "validity_order", "valid_to is not after valid_from."
    )
    reader.refuse(
        pc.less(columns["length_max"], columns["length_min"]), "length_order", "length_max is below length_min."
    )
    codes, parents = _codes(reader)
    is_bad = np.isin(reader.lines, [problem.line for problem in reader.problems])[parents]
    table = pa.table(columns).take(pa.array(parents)).append_column("code", codes)
    return table.filter(pa.array(~is_bad)).select(LOAD_SCHEMA.names).cast(LOAD_SCHEMA).combine_chunks()


def _steps(reader: _Reader, unit: Unit) -> pa.Array:
    """`price`, `per` and `increments` together as the text of steps, each distinct combination once."""
    columns = [reader.distinct(name) for name in ("price", "per", "increments")]
    combined = np.zeros(len(reader.lines), np.int64)
    for texts, index in columns:
        combined = combined * len(texts) + index
    _, sample, inverse = np.unique(combined, return_index=True, return_inverse=True)
    given = zip(*([texts[place] for place in index[sample]] for texts, index in columns), strict=True)
    made = reader.each(given, inverse, lambda three: make_steps(three[0], three[1], three[2], unit))
    return pa.array(made, pa.string()).take(pa.array(inverse))


def _codes(reader: _Reader) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The plain codes of all lines, and the row of each: one line can hold an expression for many."""
    column = reader.raw["code"].combine_chunks().fill_null("")  # no code is the code of every number
    plain = _are_plain(column)
    if plain.all():
        return column, np.arange(len(column))
    rows = np.flatnonzero(~plain)
    encoded = column.take(pa.array(rows)).dictionary_encode()
    index = np.full(len(column), -1, np.int64)
    index[rows] = encoded.indices.to_numpy()
    total = 0

    def spread(expression: str) -> list[str]:
        nonlocal total
        if total > ALL_CODES_MAX:
            raise Invalid("too_many_codes", f"The lines up to here stand for more than {ALL_CODES_MAX} codes.")
        codes = expand_codes(expression)
        total += len(codes)
        return codes

    lists = [codes or [] for codes in reader.each(encoded.dictionary.to_pylist(), index, spread)]
    sizes = np.array([len(codes) for codes in lists], np.int64)
    counts = np.where(plain, 1, sizes[index])
    # All plain codes, then all spread-out lists: each row takes a run of them.
    pool = pa.concat_arrays([column, pa.array([code for codes in lists for code in codes], pa.string())])
    first = np.where(plain, np.arange(len(column)), len(column) + (np.cumsum(sizes) - sizes)[index])
    parents = np.repeat(np.arange(len(column)), counts)
    place = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    return pool.take(pa.array(first[parents] + place)), parents


def _are_plain(codes: pa.Array) -> npt.NDArray[np.bool_]:
    """Where a text is at most 18 digits; far cheaper than a regular expression."""
    digits = pc.or_(pc.and_(pc.string_is_ascii(codes), pc.utf8_is_digit(codes)), pc.equal(codes, ""))
    short = pc.less_equal(pc.binary_length(codes), CODE_DIGITS_MAX)
    return np.asarray(pc.and_(digits, short).to_numpy(zero_copy_only=False))


def _destination(text: str) -> str:
    return _printable(text, "A destination", NAME_MAX)


def _tag(text: str) -> str:
    return _printable(text, "A tag", TAG_MAX)


def _printable(text: str, what: str, most: int) -> str:
    if len(text) > most or not text.isprintable():
        raise Invalid("bad_name", f"{what} has at most {most} printable characters.")
    return text


def _profile(text: str, profiles: frozenset[str]) -> str:
    if text not in profiles:
        known = ", ".join(sorted(profiles)) or "none yet"
        raise Invalid("unknown_profile", f"There is no time profile {text[:80]!r}.", hint=f"Known: {known}.")
    return text


def _origin(text: str, origins: frozenset[str]) -> str:
    if text not in origins:
        raise unknown_origin(text, origins)
    return text


def unknown_origin(name: str, origins: Collection[str]) -> Invalid:
    """The error of a rate for callers from somewhere that the origin deck of its tariff does not know."""
    if not origins:
        return Invalid(
            "unknown_origin",
            f"The tariff has no origin deck, so nobody is in {name[:80]!r}.",
            hint="Set the tariff's origin deck first: `trunkline tariff set NAME --origin-deck DECK`.",
        )
    shown = ", ".join(sorted(origins)[:SHOWN_ORIGINS]) + (" and more" if len(origins) > SHOWN_ORIGINS else "")
    return Invalid(
        "unknown_origin", f"The origin deck of the tariff has no {name[:80]!r}.", hint=f"Its origins: {shown}."
    )


def _weight(text: str) -> str:
    units = scaled(text, WEIGHT_DECIMALS, code="weight_precision", what="weight")
    if abs(units) > WEIGHT_UNITS_MAX:
        raise Invalid("overflow", f"The weight {text} is too large.")
    return scaled_text(units, WEIGHT_DECIMALS)


def _rounding(text: str) -> list[int]:
    name, slash, decimals = text.partition("/")
    if not slash:
        raise Invalid("bad_rounding", f"{text[:40]!r} is no rounding.", hint="Write mode/decimals, as half_up/4.")
    rounding = Rounding(RoundingMode.from_name(name.strip()), whole(decimals.strip(), "The decimals of a rounding"))
    return [rounding.mode, rounding.decimals]


def _max_cost(text: str) -> str:
    amount = Amount.from_text(text)
    if amount.units < 0:
        raise Invalid("negative_max_cost", f"The most that an event costs cannot be below zero, as {text[:40]} is.")
    if amount.units > INT64_MAX:
        raise Invalid("overflow", f"A max_cost is at most {Amount(INT64_MAX)}.")
    return str(amount)


def _blocked(text: str) -> bool:
    return _word(text, "blocked", {"true": True, "false": False})


def _policy(text: str) -> bool:
    return _word(text, "policy", {"regular": False, "additive": True})


def _word(text: str, what: str, words: Mapping[str, bool]) -> bool:
    found = words.get(text.lower())
    if found is None:
        raise Invalid("bad_word", f"{what} is {' or '.join(words)}, not {text[:40]!r}.")
    return found


def rate_keys(rates: pa.Table) -> npt.NDArray[np.int64]:
    """A number for each row, equal where code, time profile, weight, tag, origin, number length and policy are: such rates must
    not hold at the same time. `rates` has those columns of `LOAD_SCHEMA`."""
    parts = [
        rates[name] for name in ("time_profile", "weight", "tag", "length_min", "length_max", "additive", "origin")
    ]
    combined = np.zeros(len(rates), np.int64)
    size = 1
    for column in [*parts, rates["code"]]:
        encoded = column.combine_chunks().dictionary_encode()
        count = len(encoded.dictionary) + 1
        if count * size > _EVER.max:
            combined = np.unique(combined, return_inverse=True)[1]
            size = len(combined)
        index = encoded.indices.fill_null(count - 1).to_numpy(zero_copy_only=False)
        combined = combined * count + index
        size *= count
    return combined


def rate_bounds(rates: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """`valid_from` and `valid_to` in seconds, the ends of time where they are open."""
    start = rates["valid_from"].combine_chunks().cast(pa.int64()).fill_null(_EVER.min)
    end = rates["valid_to"].combine_chunks().cast(pa.int64()).fill_null(_EVER.max)
    return start.to_numpy(), end.to_numpy()


def _find_contradictions(rates: pa.Table, problems: list[Problem]) -> None:
    """Rates that would hold at the same time, and codes with two destinations."""
    lines = rates["line"].to_numpy()
    codes = rates["code"]
    for earlier, later in find_overlaps(rate_keys(rates), *rate_bounds(rates)):
        text = f"The code {_shown(codes[later].as_py())} has the same rate on line {lines[earlier]} for an overlapping time."
        problems.append(Problem(int(lines[later]), "overlap", text))
    if pc.count_distinct(codes).as_py() == len(codes):
        return
    named = rates.filter(pc.is_valid(rates["destination"]))
    pairs = named.group_by(["code", "destination"], use_threads=False).aggregate([("line", "min")])
    if len(pairs) == pc.count_distinct(pairs["code"]).as_py():
        return
    first: dict[str, tuple[int, str]] = {}
    for row in pairs.sort_by("line_min").to_pylist():
        line, name = first.setdefault(row["code"], (row["line_min"], row["destination"]))
        if name != row["destination"]:
            text = f"The code {_shown(row['code'])} is {row['destination']!r} here and {name!r} on line {line}."
            problems.append(Problem(row["line_min"], "two_destinations", text))


def _shown(code: str) -> str:
    return code or "of every number"

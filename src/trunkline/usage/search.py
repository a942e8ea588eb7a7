"""Finding single records and rejects among millions, in a fresh process within a second.

A number or the beginning of numbers is looked up in the number index of every segment that its time allows. Of the rows that it names
those are read that can be the newest, until there is what the limit asks for. The beginning of very many, an account or a time alone is
scanned in slices of time, the newest first and each much longer than the one before; row groups outside a slice are left out by their
statistics. Segments come from the catalogue, so a search sees what counts and nothing else. Needs an open scope throughout.

Only DuckDB is loaded, and only where there is something to read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from trunkline.core.errors import Invalid
from trunkline.usage.lending import lend
from trunkline.usage.number_index import BLOCK_ROWS, NamedRows, find_rows, find_rows_beginning
from trunkline.usage.segments import (
    COMMAND,
    Limits,
    SegmentFile,
    connect,
    limited,
    live_segments,
    retry_when_moved,
    text_literal,
    watch,
)

if TYPE_CHECKING:
    import duckdb

Record = dict[str, Any]  # the columns of the segment; instants aware in UTC, money Decimal

LIMIT: Final = 100
LIMIT_MAX: Final = 100_000
FILES_AT_ONCE: Final = 16
# Beyond this a list of row numbers costs more than reading the two columns of the numbers.
ROWS_LISTED_MAX: Final = 5_000
# Of numbers that begin alike and are more, a page is found as soon in the newest slice.
ROWS_BEGINNING_MAX: Final = 50_000
NAMED_PAGES: Final = 4  # where so many pages of named rows hold no page that fits, the rest is asked for all at once
# About how many records the newest slice holds, a row group or two, and how many times as many each further one.
SLICE_ROWS: Final = 1 << 18
SLICE_GROWTH: Final = 8
INSTANTS: Final = ("start", "answer", "end")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

# What a list of records shows. Each column of a record far from the others costs a page to unpack.
LISTED: Final = (
    "start",
    "calling",
    "called",
    "service",
    "quantity",
    "cause",
    "sell_account_id",
    "sell_destination_id",
    "sell_amount",
    "sell_currency",
    "buy_account_id",
    "buy_amount",
    "buy_currency",
    "key",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands among all, the newest first: by its start, then by its segment, the later one first, then by its row, the last first.

    Times are ms since 1970; `newest` is the greatest start in the segment. The place of a record stays what it is.
    """

    start: int
    newest: int
    segment: int
    row: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, newest first; not `is_complete` where the limit left some out: then `last` is the place of the last record."""

    records: list[Record]
    is_complete: bool
    last: Place | None = None


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """A number as it is searched: whole, or the beginning of numbers. Digits only."""

    digits: str
    is_prefix: bool


@dataclass(frozen=True, slots=True)
class RejectPlace:
    """Where a reject stands among all. Of a line there is one, of a call in legs one for each attempt, which have keys."""

    batch_id: int
    line: int
    key: str
    reason: str

    @classmethod
    def of(cls, reject: Record) -> Self:
        """The place of a reject that was listed."""
        return cls(reject["batch_id"], reject["line"], reject["key"] or "", reject["reason"])


_IN_BATCH: Final = "line, coalesce(key, ''), reason"


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Rejects of one reason whose called numbers begin alike, with the first of them as an example."""

    reason: str
    prefix: str  # empty where no number could be read
    rejects: int
    detail: str
    raw: str
    batch_id: int
    line: int


def parse_number(text: str) -> NumberPattern:
    """A number as people write it, `+254 712 000 001`, or its beginning with a star, `2547*`.

    Raises Invalid `bad_number`.
    """
    digits = text.strip()
    is_prefix = digits.endswith("*")
    digits = digits.removesuffix("*").removeprefix("+")
    for separator in (" ", "-", ".", "(", ")", "/"):
        digits = digits.replace(separator, "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 64):
        raise Invalid(
            "bad_number",
            f"{text!r} is not a number to search for.",
            hint="Write it with its country code, like 254712000001, or its beginning with a star, like 2547*.",
        )
    return NumberPattern(digits, is_prefix)


def search_records(
    *,
    number: str | None = None,
    account_id: int | None = None,
    start_from: datetime | None = None,
    start_to: datetime | None = None,
    side: str = "",
    cause: int | None = None,
    sip_code: int | None = None,
    switch_id: int | None = None,
    after: Place | None = None,
    limit: int = LIMIT,
    columns: Sequence[str] | None = LISTED,
    as_of: datetime | None = None,
    limits: Limits = COMMAND,
) -> Found:
    """Rated records, newest first: of that calling or called number, of that account on either side or on the one named, of `[from, to)`,
    with that cause (Q.850) or SIP code, of that switch.

    `number` is E.164 with or without plus and separators; with a star at its end it is a prefix. What is left out does
    not restrict. `after` goes on behind the last record of an earlier search of the same. `as_of` is an instant of the past: what counted then.
    Records carry those columns of the segment, None for all of them. Raises Invalid `bad_number`, `bad_limit`, `nothing_asked`, and as
    `segments.limited` does.
    """
    pattern = None if number is None else parse_number(number)
    _check_limit(limit)
    if pattern is None and account_id is None and start_from is None and start_to is None:
        raise Invalid("nothing_asked", "Say which number, account or time to search for.")
    if after is not None:
        end = EPOCH + (after.start + 1) * MILLISECOND
        start_to = end if start_to is None else min(start_to, end)
    asked = _Asked(
        pattern=pattern,
        account_id=account_id,
        sides=(side,) if side else ("sell", "buy"),
        start_from=start_from,
        start_to=start_to,
        codes={name: code for name, code in (("cause", cause), ("sip_code", sip_code)) if code is not None},
        after=after,
        limit=limit,
        columns=None if columns is None else tuple(columns),
    )

    def work() -> Found:
        found = live_segments(start_from=start_from, start_to=start_to, switch_id=switch_id, as_of=as_of)
        return _search(asked, found, limits)

    return retry_when_moved(work)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise Invalid("bad_limit", f"The limit must be from 1 to {LIMIT_MAX}.")


@dataclass(frozen=True, slots=True)
class _Asked:
    pattern: NumberPattern | None
    account_id: int | None
    sides: tuple[str, ...]
    start_from: datetime | None
    start_to: datetime | None
    codes: Mapping[str, int]
    after: Place | None
    limit: int
    columns: tuple[str, ...] | None

    def condition(self) -> tuple[str, dict[str, Any]]:
        """The condition in SQL and its bound values."""
        terms, values = ["true"], dict[str, Any]()
        if self.account_id is not None:
            terms.append(f"({' OR '.join(f'{side}_account_id = $account' for side in self.sides)})")
            values["account"] = self.account_id
        for name, code in self.codes.items():
            terms.append(f"{name} = ${name}")
            values[name] = code
        for name, sign, instant in (("from", ">=", self.start_from), ("to", "<", self.start_to)):
            if instant is not None:
                terms.append(f"start {sign} make_timestamptz(${name}::BIGINT)")
                values[name] = (instant - EPOCH) // timedelta(microseconds=1)
        if self.pattern is not None and not self.pattern.is_prefix:
            terms.append("(called = $number OR calling = $number)")
            values["number"] = self.pattern.digits
        elif self.pattern is not None and self.pattern.digits:
            # ':' is the character after '9': a range can be told from a row group's least and greatest value.
            terms.append("(called >= $number AND called < $after OR calling >= $number AND calling < $after)")
            values |= {"number": self.pattern.digits, "after": self.pattern.digits + ":"}
        return " AND ".join(terms), values


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A segment that may hold what is searched; `named` are the rows that the index names, None where it must be scanned."""

    segment: SegmentFile
    named: NamedRows | None

    @property
    def rows(self) -> list[int] | None:
        """The rows that the index names, where a condition can list them."""
        return self.named.rows if self.named is not None and len(self.named.rows) <= ROWS_LISTED_MAX else None

    @property
    def newest(self) -> datetime:
        return self.segment.max_start or EPOCH

    def behind(self, after: Place | None) -> str:
        """The condition in SQL that a row of it stands behind that place."""
        if after is None:
            return "true"
        start = f"make_timestamptz({after.start * 1000}::BIGINT)"
        own, other = (_ms(self.newest), self.segment.id), (after.newest, after.segment)
        if own == other:
            return f"(start < {start} OR start = {start} AND file_row_number < {after.row})"
        return f"start {'<' if own > other else '<='} {start}"


def _search(asked: _Asked, segments: Sequence[SegmentFile], limits: Limits) -> Found:
    candidates = list(_candidates(asked, segments))
    if not candidates:
        return Found([], is_complete=True)
    candidates.sort(key=lambda each: (each.newest, each.segment.id), reverse=True)
    paths = [each.segment.path for each in candidates]
    # The fence is what the catalogue named: it is the same for one number and the next, so that a connection can serve both.
    named = [each.path for each in segments]
    with watch(paths), lend(named, limits=limits) as connection, limited(connection, limits):
        if (found := _newest_named(connection, asked, candidates)) is not None:
            return found
        places = _places(connection, asked, candidates)
        records = _read(connection, asked, candidates, places[: asked.limit])
    if len(places) <= asked.limit:
        return Found(records, is_complete=True)
    start, file, row = places[asked.limit - 1]
    return Found(records, is_complete=False, last=_place(candidates[file], start, row))


def _place(candidate: _Candidate, start: int, row: int) -> Place:
    return Place(start, _ms(candidate.newest), candidate.segment.id, row)


def _candidates(asked: _Asked, segments: Sequence[SegmentFile]) -> Iterator[_Candidate]:
    pattern = asked.pattern
    for segment in segments:
        named = None
        if pattern is not None and pattern.is_prefix:
            if pattern.digits:
                named = find_rows_beginning(segment.path, pattern.digits, rows=segment.rows, most=ROWS_BEGINNING_MAX)
        elif pattern is not None:
            named = find_rows(segment.path, pattern.digits, rows=segment.rows)
        if named is None or named.rows:
            yield _Candidate(segment, named)


@dataclass(frozen=True, slots=True)
class _Slice:
    """Starts of `[low, high)`, in ms since 1970; None is no bound."""

    low: int | None
    high: int | None

    def condition(self) -> str:
        terms = [f"start >= make_timestamptz({self.low * 1000}::BIGINT)"] if self.low is not None else []
        terms += [f"start < make_timestamptz({self.high * 1000}::BIGINT)"] if self.high is not None else []
        return " AND ".join(["true", *terms])

    def meets(self, segment: SegmentFile) -> bool:
        """Whether the segment may have a record in it."""
        is_after = self.high is not None and segment.min_start is not None and _ms(segment.min_start) >= self.high
        is_before = self.low is not None and segment.max_start is not None and _ms(segment.max_start) < self.low
        return not is_after and not is_before


def _slices(asked: _Asked, candidates: Sequence[_Candidate]) -> Iterator[_Slice]:
    """All of time in slices, the newest first."""
    spans = list(_spans(asked, candidates))
    oldest = min((first for _, first, _ in spans), default=0)
    newest = max((last for _, _, last in spans), default=0)
    rows, high = SLICE_ROWS, None
    while rows < _rows_since(oldest, spans):
        moments = range(oldest, newest + 1)
        low = oldest + bisect_right(moments, -rows, key=lambda moment: -_rows_since(moment, spans)) - 1
        yield _Slice(low, high)
        rows, high = rows * SLICE_GROWTH, low
    yield _Slice(None, high)


# Records in a millisecond, as if those of a segment were spread evenly; its first and last ms that are asked for.
_Span = tuple[float, int, int]


def _spans(asked: _Asked, candidates: Sequence[_Candidate]) -> Iterator[_Span]:
    for segment in (each.segment for each in candidates):
        if segment.min_start is None or segment.max_start is None:
            continue
        first, last = _ms(segment.min_start), _ms(segment.max_start)
        density = segment.rows / (last - first + 1)
        first = first if asked.start_from is None else max(first, _ms(asked.start_from))
        last = last if asked.start_to is None else min(last, _ms(asked.start_to))
        if first <= last:
            yield density, first, last


def _rows_since(moment: int, spans: Sequence[_Span]) -> int:
    rows = 0.0
    for density, first, last in spans:
        if last < moment:
            break  # spans are in the order of the candidates, the newest first
        rows += density * (last - max(first, moment) + 1)
    return int(rows)


def _ms(instant: datetime) -> int:
    return (instant - EPOCH) // MILLISECOND


# Start in ms, index of the candidate, row in its file.
_Found = tuple[int, int, int]


def _places(connection: duckdb.DuckDBPyConnection, asked: _Asked, candidates: Sequence[_Candidate]) -> list[_Found]:
    """Where the newest records that fit stand, newest first: one more than the limit if there are more."""
    places: list[_Found] = []
    for time in _slices(asked, candidates):
        places += _places_within(connection, asked, candidates, time)
        if len(places) > asked.limit:
            break
    return places[: asked.limit + 1]


def _places_within(
    connection: duckdb.DuckDBPyConnection, asked: _Asked, candidates: Sequence[_Candidate], time: _Slice
) -> list[_Found]:
    """The newest places of that slice: one more than the limit if there are more."""
    condition, values = asked.condition()
    meeting = [(index, each) for index, each in enumerate(candidates) if time.meets(each.segment)]
    places: list[_Found] = []
    for begin in range(0, len(meeting), FILES_AT_ONCE):
        files = meeting[begin : begin + FILES_AT_ONCE]
        if len(places) > asked.limit and _ms(files[0][1].newest) < places[-1][0]:
            break  # candidates are in order: the rest is older than what was found
        parts = []
        for index, candidate in files:
            listed = (
                "" if candidate.rows is None else f"file_row_number IN ({', '.join(map(str, candidate.rows))}) AND "
            )
            parts.append(
                f"SELECT epoch_ms(start) AS start_ms, {index} AS file, file_row_number AS row "
                f"FROM {_file(candidate)} WHERE {listed}{time.condition()} AND {condition} AND {candidate.behind(asked.after)}"
            )
        query = f"{' UNION ALL '.join(parts)} ORDER BY start_ms DESC, file, row DESC LIMIT {asked.limit + 1}"
        found = connection.execute(query, values).fetchall()  # `sql` would plan it twice
        places = sorted(places + found, key=lambda place: (-place[0], place[1], -place[2]))[: asked.limit + 1]
    return places


# The greatest start that can be among them, index of the candidate, rows of its file that lie together.
_Block = tuple[int, int, list[int]]


def _newest_named(
    connection: duckdb.DuckDBPyConnection, asked: _Asked, candidates: Sequence[_Candidate]
) -> Found | None:
    """What fits among the rows that the index names, read from where the newest can be until the limit is reached.

    None where the index names not the rows of every segment, or so many rows do not fit that a condition finds them sooner.
    """
    blocks = _blocks(asked, candidates)
    if blocks is None:
        return None
    condition, values = asked.condition()
    patience = min(NAMED_PAGES * (asked.limit + 1), ROWS_LISTED_MAX)
    found: list[tuple[_Found, Record]] = []
    while blocks and (len(found) <= asked.limit or blocks[-1][0] >= found[-1][0][0]):
        rows: dict[int, list[int]] = {}
        count = 0
        while blocks and count <= asked.limit:
            _, file, listed = blocks.pop()
            rows.setdefault(file, []).extend(listed)
            count += len(listed)
        patience -= count
        if patience < 0:
            return None
        for file, listed in rows.items():
            candidate = candidates[file]
            behind = f"{condition} AND {candidate.behind(asked.after)}"
            read = _rows(connection, asked, candidate, listed, behind, values)
            found += [((start, file, row), record) for start, row, record in read]
        found.sort(key=lambda each: (-each[0][0], each[0][1], -each[0][2]))
        found = found[: asked.limit + 1]
    records = [record for _, record in found[: asked.limit]]
    if len(found) <= asked.limit:
        return Found(records, is_complete=True)
    start, file, row = found[asked.limit - 1][0]
    return Found(records, is_complete=False, last=_place(candidates[file], start, row))


def _blocks(asked: _Asked, candidates: Sequence[_Candidate]) -> list[_Block] | None:
    """The named rows in blocks of their files, but those outside the time that is asked for; the newest last."""
    low = None if asked.start_from is None else _ms(asked.start_from)
    high = None if asked.start_to is None else _ms(asked.start_to)
    found = []
    for file, candidate in enumerate(candidates):
        if candidate.named is None:
            return None
        for _, rows in groupby(candidate.named.rows, lambda row: row // BLOCK_ROWS):
            listed = list(rows)
            oldest, newest = candidate.named.between(listed[0])
            if (low is None or newest >= low) and (high is None or oldest <= high):
                found.append((newest, file, listed))
    return sorted(found)


def _read(
    connection: duckdb.DuckDBPyConnection, asked: _Asked, candidates: Sequence[_Candidate], places: Sequence[_Found]
) -> list[Record]:
    """The records at those places, in their order."""
    wanted: dict[int, list[int]] = {}
    for _, file, row in places:
        wanted.setdefault(file, []).append(row)
    read: dict[tuple[int, int], Record] = {}
    for file, rows in wanted.items():
        read |= {(file, row): record for _, row, record in _rows(connection, asked, candidates[file], rows)}
    return [read[file, row] for _, file, row in places]


def _rows(
    connection: duckdb.DuckDBPyConnection,
    asked: _Asked,
    candidate: _Candidate,
    rows: Sequence[int],
    condition: str = "true",
    values: Mapping[str, Any] | None = None,
) -> Iterator[tuple[int, int, Record]]:
    """Start in ms, row and record of those rows of a segment that fit the condition."""
    # DuckDB hands aware instants to Python through a library we do not have: they travel as milliseconds.
    instants = {name: f'epoch_ms("{name}") AS "{name}"' for name in INSTANTS}
    if asked.columns is None:
        chosen = f"* REPLACE ({', '.join(instants.values())})"
    else:
        chosen = ", ".join([instants.get(name, _name(name)) for name in asked.columns] + ["file_row_number"])
    # Where the two are called the same, a condition asks for the column, not for what the list makes of it.
    query = f"SELECT epoch_ms(start) AS start_ms, {chosen} FROM {_file(candidate)}"
    where = f"file_row_number IN ({', '.join(map(str, rows))}) AND {condition}"
    found = connection.execute(f"{query} WHERE {where}", dict(values or {})).fetchall()
    names = [column[0] for column in connection.description or ()]
    for told in found:
        record = dict(zip(names, told, strict=True))
        start, row = record.pop("start_ms"), record.pop("file_row_number")
        yield start, row, record | {name: _instant(record[name]) for name in INSTANTS if name in record}


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _file(candidate: _Candidate) -> str:
    path = text_literal(str(candidate.segment.path))
    return f"read_parquet({path}, file_row_number=true, hive_partitioning=false)"


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)


def list_rejects(
    *,
    reason: str | None = None,
    number: str | None = None,
    batch_id: int | None = None,
    start_from: datetime | None = None,
    start_to: datetime | None = None,
    after: RejectPlace | None = None,
    limit: int = LIMIT,
    as_of: datetime | None = None,
    limits: Limits = COMMAND,
) -> Found:
    """Rejects that wait, by batch and line, newest batch first: of a reason, of a called number or prefix, of a batch.

    `[start_from, start_to)` leaves out rejects whose start could not be read. `after` goes on behind the last reject of an earlier look at the
    same. `as_of` is an instant of the past: what waited then. Raises Invalid `bad_number`, `bad_limit`, and as `segments.limited` does.
    """
    _check_limit(limit)
    terms, values = _reject_terms(reason, number, batch_id, start_from, start_to)
    if after is not None:
        terms += f" AND (batch_id < $in_batch OR batch_id = $in_batch AND ({_IN_BATCH}) > ($line, $key, $why))"
        values |= {"in_batch": after.batch_id, "line": after.line, "key": after.key, "why": after.reason}

    def work() -> Found:
        paths = _reject_paths(start_from, start_to, as_of)
        if not paths:
            return Found([], is_complete=True)
        with watch(paths), connect(paths, kind="reject", limits=limits) as connection, limited(connection, limits):
            relation = connection.sql(
                f'SELECT * REPLACE (epoch_ms("start") AS "start") FROM segments WHERE {terms} '
                f"ORDER BY batch_id DESC, {_IN_BATCH} LIMIT {limit + 1}",
                params=values,
            )
            names = relation.columns
            records = [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
        for record in records:
            record["start"] = _instant(record["start"])
        return Found(records[:limit], is_complete=len(records) <= limit)

    return retry_when_moved(work)


def group_rejects(
    *,
    prefix_digits: int = 3,
    reason: str | None = None,
    batch_id: int | None = None,
    start_from: datetime | None = None,
    start_to: datetime | None = None,
    as_of: datetime | None = None,
    limits: Limits = COMMAND,
) -> list[RejectGroup]:
    """How many rejects wait, or waited `as_of` an instant, by reason and the first digits of the called number, most first, each with an example."""
    terms, values = _reject_terms(reason, None, batch_id, start_from, start_to)

    def work() -> list[RejectGroup]:
        paths = _reject_paths(start_from, start_to, as_of)
        if not paths:
            return []
        with watch(paths), connect(paths, kind="reject", limits=limits) as connection, limited(connection, limits):
            rows = connection.sql(
                f"""
                SELECT reason, left(coalesce(called, ''), {int(prefix_digits)}) AS prefix, count(*) AS rejects,
                       min(struct_pack(batch_id := batch_id, line := line, detail := detail, raw := raw)) AS example
                FROM segments WHERE {terms} GROUP BY ALL ORDER BY rejects DESC, reason, prefix
                """,
                params=values,
            ).fetchall()
        return [RejectGroup(*row[:3], **row[3]) for row in rows]

    return retry_when_moved(work)


def _reject_paths(start_from: datetime | None, start_to: datetime | None, as_of: datetime | None) -> list[Path]:
    found = live_segments(kind="reject", start_from=start_from, start_to=start_to, as_of=as_of)
    return [each.path for each in found]


def _reject_terms(
    reason: str | None,
    number: str | None,
    batch_id: int | None,
    start_from: datetime | None,
    start_to: datetime | None,
) -> tuple[str, dict[str, Any]]:
    pattern = None if number is None else parse_number(number)
    terms, values = ["true"], dict[str, Any]()
    if reason is not None:
        terms.append("reason = $reason")
        values["reason"] = reason
    if batch_id is not None:
        terms.append("batch_id = $batch")
        values["batch"] = batch_id
    if pattern is not None:
        terms.append("starts_with(called, $number)" if pattern.is_prefix else "called = $number")
        values["number"] = pattern.digits
    for name, sign, instant in (("from", ">=", start_from), ("to", "<", start_to)):
        if instant is not None:
            terms.append(f"epoch_us(start) {sign} ${name}")
            values[name] = (instant - EPOCH) // timedelta(microseconds=1)
    return " AND ".join(terms), values

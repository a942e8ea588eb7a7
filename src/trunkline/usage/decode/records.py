"""From what a format has read to what leaves this room: checks that hold for every format, events and rejects.

A format fills a `Draft`, column by column; `judge` marks the rows that contradict themselves; `settle` parts the good
rows from the bad. The first mark of a row stands, so the order of the checks is the order of `Reason`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.columns import Integers, Mask, Numbers
from trunkline.usage.decode.lines import Lines, Parsed
from trunkline.usage.decode.numbers import NUMBER_DIGITS_MAX, is_number
from trunkline.usage.decode.profile import MsRounding, SwitchProfile
from trunkline.usage.decode.times import LATEST_MS, TWICE, UNREADABLE, Instants
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import EVENTS, INSTANT, NAME, REJECTS, Service, rows_where

QUANTITY_MAX: Final = 10**15  # a petaoctet; nobody sends that many messages
_SESSION_MAX_MS: Final = 366 * 86_400_000  # of anything but voice
_SHOWN: Final = 64  # characters of a field that a detail shows

_SERVICES: Final = frozenset(Service)

Detail = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a chunk says. Lines = events + rejects + skipped.

    `skip_reasons`: how many of the skipped lines the format passes over, by its reason; the others are blank.
    """

    events: pa.Table  # schema.EVENTS
    rejects: pa.Table  # schema.REJECTS
    skipped: int
    lines: Lines
    skip_reasons: Mapping[str, int] = field(default_factory=dict)
    waiting: pa.Table | None = None  # schema.WAITING: legs whose partner is not here


class Marks:
    """Which rows are rejected, why, and how to say it; one mark a row, the first."""

    def __init__(self, rows: int) -> None:
        self._which = np.full(rows, -1, dtype=np.int16)
        self._notes: list[tuple[Reason, Detail]] = []

    def mark(self, bad: Mask, reason: Reason, detail: Detail) -> None:
        """Marks rows that are not marked yet. `detail` is called with the row's index, for rejected rows only."""
        if bad.any():
            self._which[bad & (self._which < 0)] = len(self._notes)
            self._notes.append((reason, detail))

    def good(self) -> Mask:
        return self._which < 0

    def reason(self, row: int) -> Reason:
        return self._notes[self._which[row]][0]

    def detail(self, row: int) -> str:
        return self._notes[self._which[row]][1](row)


@dataclass(slots=True, kw_only=True)
class Draft:
    """The columns of a chunk as a format has read them, all of the same length. `marks` may hold rejects already.

    Times in UTC milliseconds, `duration` in milliseconds, `quantity` in units or None: seconds, from the duration.
    `derives_end`: the source has no end where `end` is absent. `fields` are the texts that a detail quotes.
    """

    marks: Marks
    fields: Mapping[str, pa.Array]
    key: pa.Array
    call_id: pa.Array
    attempt: Numbers
    is_last: Mask
    service: pa.DictionaryArray
    is_voice: Mask
    needs_number: Mask
    calling_raw: pa.Array
    called_raw: pa.Array
    calling: pa.Array
    called: pa.Array
    start: Instants
    answer: Instants
    end: Instants
    derives_end: bool
    duration: Numbers
    quantity: Numbers | None
    pdd_ms: pa.Array
    names: Mapping[str, pa.DictionaryArray] = field(default_factory=dict)
    cause: pa.Array
    sip_code: pa.Array

    def shown(self, name: str, row: int) -> str:
        """A field as the file has it, for a detail."""
        value = self.fields[name][row].as_py() if name in self.fields else None
        return "" if value is None else str(value)[:_SHOWN]


def rounded_seconds(ms: Integers, rounding: MsRounding) -> Integers:
    """Whole seconds from non-negative milliseconds."""
    match rounding:
        case MsRounding.UP:
            return (ms + 999) // 1000
        case MsRounding.DOWN:
            return ms // 1000
        case MsRounding.HALF_UP:
            return (ms + 500) // 1000


def judge(draft: Draft, profile: SwitchProfile) -> None:
    """Marks every row that contradicts itself or the switch's limits; derives the ends that the source leaves out."""
    _judge_times(draft)
    if draft.derives_end:
        _derive_end(draft, profile)
    _judge_future_and_order(draft, profile)
    _judge_quantity(draft, profile)
    _judge_future(draft, profile, draft.end.ms)
    _judge_duration_against_times(draft, profile)
    draft.marks.mark(
        draft.needs_number & ~is_number(draft.called),
        Reason.BAD_NUMBER,
        lambda row: _number_detail(draft, row),
    )


def _quoting(draft: Draft, name: str, what: str) -> Detail:
    return lambda row: f"{name} {draft.shown(name, row)!r} {what}."


def _judge_times(draft: Draft) -> None:
    columns = {"start": draft.start, "answer": draft.answer, "end": draft.end}
    for name, instants in columns.items():
        draft.marks.mark(
            instants.status == UNREADABLE,
            Reason.BAD_TIME,
            _quoting(draft, name, "is no time that exists"),
        )
    draft.marks.mark(~draft.start.is_present, Reason.BAD_TIME, lambda row: "start is empty.")
    if not draft.derives_end:
        draft.marks.mark(~draft.end.is_present, Reason.BAD_TIME, lambda row: "end is empty.")
    for name, instants in columns.items():
        draft.marks.mark(
            instants.status == TWICE,
            Reason.AMBIGUOUS_TIME,
            _quoting(draft, name, "lies in the hour that the clock repeats"),
        )


def _derive_end(draft: Draft, profile: SwitchProfile) -> None:
    """Where the source gives no end: answer, or else start, and the connected time up to its limit."""
    start, answer, end = draft.start, draft.answer, draft.end
    since = np.where(answer.is_present, answer.ms, start.ms)
    derived = since + np.clip(draft.duration.values, 0, _limit_ms(draft, profile))
    draft.end = Instants(np.where(end.is_present, end.ms, derived), end.is_present, end.status, end.resolution_ms)


def _limit_ms(draft: Draft, profile: SwitchProfile) -> Integers:
    return np.where(draft.is_voice, profile.max_duration_s * 1000, _SESSION_MAX_MS)


def _judge_future(draft: Draft, profile: SwitchProfile, latest_ms: Integers) -> None:
    draft.marks.mark(
        latest_ms > profile.received_ms + profile.future_limit_s * 1000,
        Reason.TIME_IN_FUTURE,
        lambda row: (
            f"{_instant(int(latest_ms[row]))} is after the file was received ({_instant(profile.received_ms)})."
        ),
    )


def _judge_future_and_order(draft: Draft, profile: SwitchProfile) -> None:
    start, answer, end = draft.start, draft.answer, draft.end
    # An end that was derived is judged after the duration that it comes from.
    _judge_future(draft, profile, np.maximum(start.ms, np.where(end.is_present, end.ms, start.ms)))
    draft.marks.mark(
        answer.is_present & (answer.ms < start.ms),
        Reason.TIME_ORDER,
        lambda row: f"answer {_instant(answer.ms[row])} is before start {_instant(start.ms[row])}.",
    )
    draft.marks.mark(
        end.ms < np.where(answer.is_present, answer.ms, start.ms),
        Reason.TIME_ORDER,
        lambda row: (
            f"end {_instant(end.ms[row])} is before "
            f"{'answer' if answer.is_present[row] else 'start'} "
            f"{_instant((answer if answer.is_present[row] else start).ms[row])}."
        ),
    )


def _judge_quantity(draft: Draft, profile: SwitchProfile) -> None:
    duration, quantity, limit_ms = draft.duration, draft.quantity, _limit_ms(draft, profile)
    draft.marks.mark(
        duration.values < 0, Reason.DURATION_NEGATIVE, lambda row: f"duration is {draft.shown('duration', row)}."
    )
    if quantity is not None:
        draft.marks.mark(
            quantity.values < 0, Reason.DURATION_NEGATIVE, lambda row: f"quantity is {draft.shown('quantity', row)}."
        )
        limit = np.where(draft.is_voice, profile.max_duration_s, QUANTITY_MAX)
        draft.marks.mark(
            quantity.values > limit,
            Reason.DURATION_OVER_LIMIT,
            lambda row: f"quantity {draft.shown('quantity', row)} is over the limit of {int(limit[row]):,}.",
        )
    draft.marks.mark(
        duration.values > limit_ms,
        Reason.DURATION_OVER_LIMIT,
        lambda row: f"{duration.values[row] // 1000:,} s is over the limit of {limit_ms[row] // 1000:,} s.",
    )
    draft.marks.mark(
        ~duration.is_readable,
        Reason.DURATION_MISMATCH,
        lambda row: f"duration {draft.shown('duration', row)!r} is no number of seconds.",
    )
    if quantity is not None:
        draft.marks.mark(
            ~quantity.is_readable,
            Reason.DURATION_MISMATCH,
            lambda row: f"quantity {draft.shown('quantity', row)!r} is no whole number.",
        )


def _judge_duration_against_times(draft: Draft, profile: SwitchProfile) -> None:
    answer, end, duration = draft.answer, draft.end, draft.duration
    draft.marks.mark(
        ~answer.is_present & (duration.values > 0) & draft.is_voice,
        Reason.DURATION_MISMATCH,
        lambda row: f"{_seconds(duration.values[row])} s connected, but no answer.",
    )
    draft.marks.mark(
        answer.is_present & ~duration.is_present & draft.is_voice,
        Reason.DURATION_MISMATCH,
        lambda row: "answered, but the duration is empty.",
    )
    connected = end.ms - answer.ms
    slack = profile.mismatch_tolerance_ms + np.maximum(answer.resolution_ms, end.resolution_ms)
    draft.marks.mark(
        answer.is_present & end.is_present & draft.is_voice & (np.abs(connected - duration.values) > slack),
        Reason.DURATION_MISMATCH,
        lambda row: f"{_seconds(duration.values[row])} s, but {_seconds(connected[row])} s lie between answer and end.",
    )


def _number_detail(draft: Draft, row: int) -> str:
    raw, made = draft.called_raw[row].as_py() or "", draft.called[row].as_py()
    if not raw:
        return "called is empty."
    shown = f"called {raw[:_SHOWN]!r}"
    if made != raw:
        shown += f" became {made[:_SHOWN]!r}, which"
    return f"{shown} is not 1 to {NUMBER_DIGITS_MAX} digits."


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03d}" if ms >= 0 else f"-{-ms // 1000}.{-ms % 1000:03d}"


def _instant(ms: int) -> str:
    if not 0 <= ms <= LATEST_MS:  # such a row is refused for another reason
        return f"{ms} ms after 1970"
    at = datetime.fromtimestamp(int(ms) // 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{int(ms) % 1000:03d} UTC"


def settle(draft: Draft, parsed: Parsed, lines: Lines, profile: SwitchProfile) -> Decoded:
    """The good rows as events, the others and the lines that were never rows as rejects in the order of the file."""
    good = draft.marks.good()
    events = _events(draft, parsed.at + lines.number(0), profile)
    if not good.all():
        events = _only_known_services(rows_where(events, good))
    return Decoded(events, _rejects(draft, parsed, lines), parsed.skipped, lines)


def _only_known_services(events: pa.Table) -> pa.Table:
    """The events with a dictionary of services that has no more of those that rejected rows named."""
    at = events.schema.get_field_index("service")
    column = events.column(at).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], NAME)
    if set(column.dictionary.to_pylist()) <= _SERVICES:
        return events
    plain = column.cast(pa.string()).dictionary_encode().cast(NAME)
    return events.set_column(at, events.schema.field(at), plain)


def _instants(instants: Instants, *, is_optional: bool) -> pa.Array:
    # Marked rows may hold anything here; they are filtered out.
    mask = ~instants.is_present if is_optional and not instants.is_present.all() else None
    return pa.array(instants.ms, mask=mask).cast(INSTANT)


def _events(draft: Draft, line: Integers, profile: SwitchProfile) -> pa.Table:
    rows = len(line)
    quantity = rounded_seconds(draft.duration.values, profile.ms_rounding)
    if draft.quantity is not None:
        quantity = np.where(draft.quantity.is_present, draft.quantity.values, quantity)
    calling = draft.calling
    withheld = ~is_number(calling)
    if withheld.any():
        calling = pc.if_else(pa.array(withheld), "", calling)
    columns: dict[str, pa.Array] = {
        "line": pa.array(line),
        "key": draft.key,
        "call_id": draft.call_id,
        "attempt": pa.array(draft.attempt.values.astype(np.int16)),
        "is_last": pa.array(draft.is_last),
        "service": draft.service,
        "calling_raw": draft.calling_raw,
        "called_raw": draft.called_raw,
        "calling": calling,
        "called": draft.called,
        "start": _instants(draft.start, is_optional=False),
        "answer": _instants(draft.answer, is_optional=True),
        "end": _instants(draft.end, is_optional=False),
        "duration_ms": pa.array(draft.duration.values),
        "quantity": pa.array(quantity),
        "pdd_ms": draft.pdd_ms.cast(pa.int32()),
        "cause": draft.cause.cast(pa.int16()),
        "sip_code": draft.sip_code.cast(pa.int16()),
        **draft.names,
    }
    return pa.table(
        [columns[item.name] if item.name in columns else pa.nulls(rows, item.type) for item in EVENTS], schema=EVENTS
    )


def _rejects(draft: Draft, parsed: Parsed, lines: Lines) -> pa.Table:
    rows = [_Reject(refusal.at, refusal.reason, refusal.detail) for refusal in parsed.refusals]
    rows += _rejected_rows(draft, parsed)
    rows.sort(key=lambda row: row.at)
    return pa.table(
        [
            pa.array([lines.number(row.at) for row in rows], type=pa.int64()),
            _names([row.reason.value for row in rows]),
            pa.array([row.detail for row in rows], type=pa.string()),
            pa.array([lines.raw(row.at) for row in rows], type=pa.string()),
            pa.array([row.key for row in rows], type=pa.string()),
            pa.array([row.start_ms for row in rows], type=pa.int64()).cast(INSTANT),
            pa.array([row.called for row in rows], type=pa.string()),
            _names([row.service for row in rows]),
        ],
        schema=REJECTS,
    )


@dataclass(frozen=True, slots=True)
class _Reject:
    at: int
    reason: Reason
    detail: str
    key: str | None = None
    start_ms: int | None = None
    called: str | None = None
    service: str | None = None


def _rejected_rows(draft: Draft, parsed: Parsed) -> list[_Reject]:
    bad = np.flatnonzero(~draft.marks.good())
    if not bad.size:
        return []
    wanted = pa.array(bad)
    columns = (draft.key, draft.called, draft.called_raw, draft.service)
    texts = zip(*(column.take(wanted).to_pylist() for column in columns), strict=True)
    starts = zip(draft.start.ms[bad].tolist(), draft.start.is_known[bad].tolist(), strict=True)
    return [
        _Reject(
            at=at,
            reason=draft.marks.reason(row),
            detail=draft.marks.detail(row),
            key=key,
            start_ms=start_ms if is_known else None,
            called=(called or called_raw)[:_SHOWN] or None,
            service=service if service in _SERVICES else None,
        )
        for row, at, (key, called, called_raw, service), (start_ms, is_known) in zip(
            bad.tolist(), parsed.at[bad].tolist(), texts, starts, strict=True
        )
    ]


def _names(texts: Sequence[str | None]) -> pa.Array:
    return pa.array(texts, type=pa.string()).dictionary_encode().cast(NAME)

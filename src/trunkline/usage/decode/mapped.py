"""A format that a mapping describes: the same walk for every file, so that a new switch needs no code."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.usage.decode.assembly import alone
from trunkline.usage.decode.attempts import count_attempts
from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.columns import Integers, Mask, Numbers, chosen, text_of
from trunkline.usage.decode.expressions import Node
from trunkline.usage.decode.fields import TEXT, Delimited, FixedWidth, Layout, Rows
from trunkline.usage.decode.formats import (
    ATTEMPT_MAX,
    Format,
    always,
    mark_key,
    no_names,
    one_reject,
    read_numbers,
    read_service,
)
from trunkline.usage.decode.freeswitch import CAUSE_MAX, PDD_MAX_MS, SIP_CODE_MAX, SIP_CODE_MIN
from trunkline.usage.decode.functions import Working, is_local
from trunkline.usage.decode.json_lines import JsonLines
from trunkline.usage.decode.legs import ROLES, DecodedLegs, Role, good_legs
from trunkline.usage.decode.lines import Lines, Parsed, Refusal
from trunkline.usage.decode.mapping import ATTEMPTS_OF, LEGS, Description, FileKind, FileShape
from trunkline.usage.decode.pairs import Pairs
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.records import Decoded, Detail, Draft, Marks, judge, settle
from trunkline.usage.decode.times import Instants, absent
from trunkline.usage.failure import FileFailed
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.schema import NAME, Service

_QUOTED: Final = ("start", "answer", "end", "duration", "quantity")  # what a detail shows as the file has it
_NAMES: Final = ("trunk_in", "trunk_out", "source_ip", "account_code", "sip_user")
_FAR_S: Final = 10**15
_SEPARATORS: Final = (b",", b";", b"\t", b"|")


class Mapped(Format):
    """The format of a description."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self.name = description.name
        self.title = description.title
        self.version = description.version
        self.has_header = description.file.has_header

    def decode(self, chunk: Chunk, profile: SwitchProfile) -> Decoded:
        """The chunk's events and rejects. Lines of the chunk = events + rejects + skipped.

        Raises FileFailed `header_changed`: the header lacks a column, or, without headers, more than half of the first
        chunk's lines have a shape that the mapping does not know.
        """
        if self.has_legs(profile):
            return alone(self, chunk, profile)
        return self._decode(chunk, profile)[0]

    def has_legs(self, profile: SwitchProfile) -> bool:
        return "call" in self.description.legs

    def legs(self, chunk: Chunk, profile: SwitchProfile) -> DecodedLegs:
        """The chunk's legs, by the mapping's section of that name. Raises as `decode`."""
        decoded, legs = self._decode(chunk, profile)
        return legs or DecodedLegs.none(decoded)

    def _decode(self, chunk: Chunk, profile: SwitchProfile) -> tuple[Decoded, DecodedLegs | None]:
        layouts = self._layouts(chunk)
        if chunk.overlong_octets:
            return one_reject(chunk), None
        lines = Lines(chunk)
        rows, refusals = self._rows(lines, layouts, chunk.header)
        rows, skip_reasons = self._without_skipped(rows, profile)
        rows, misshapen = self._without_misshapen(rows)
        if chunk.is_first and not self.has_header:
            self._check_shape(len(rows), refusals + misshapen)
        refusals = sorted(refusals + misshapen, key=lambda refusal: refusal.at)
        working = Working(rows, profile.timezone, self.description.values)
        draft = self._draft(working, profile)
        tied = self._tied(working, draft) if self.has_legs(profile) else None
        judge(draft, profile)
        skipped = len(lines) - len(rows) - len(refusals)
        parsed = Parsed(pa.table({}), rows.at, refusals, skipped, {})
        decoded = replace(settle(draft, parsed, lines, profile), skip_reasons=skip_reasons)
        if ATTEMPTS_OF in self.description.legs:
            callers = text_of(working.value(self.description.legs[ATTEMPTS_OF]))
            decoded = count_attempts(decoded, callers.filter(pa.array(draft.marks.good())))
        return decoded, None if tied is None else good_legs(decoded, draft, *tied)

    def _tied(self, working: Working, draft: Draft) -> tuple[pa.Array, pa.Array, NDArray[np.int8]]:
        """The call, the name and the role of each row; marks rows whose role is none."""
        call, leg, role = (working.value(self.description.legs[name]) for name in LEGS)
        named = role.dictionary_encode()
        numbers = np.array([ROLES.get(name, -1) for name in named.dictionary.to_pylist()] or [0], np.int8)
        roles = np.where(
            role.is_valid().to_numpy(zero_copy_only=False),
            numbers[pc.fill_null(named.indices, 0).to_numpy(zero_copy_only=False)],
            np.int8(Role.WHOLE),
        ).astype(np.int8)
        draft.marks.mark(roles < 0, Reason.FIELD_COUNT, lambda row: f"{role[row].as_py()[:64]!r} is no kind of leg.")
        draft.marks.mark(
            (roles > 0) & ~call.is_valid().to_numpy(zero_copy_only=False),
            Reason.FIELD_COUNT,
            lambda row: "The call of the leg is empty.",
        )
        draft.needs_number &= roles != Role.END
        return text_of(call), text_of(leg), roles

    def recognised(self, chunk: Chunk, profile: SwitchProfile) -> tuple[int, int]:
        """How many lines of a chunk look like this format, of how many that are not blank and not skipped.

        Raises as `decode`.
        """
        rows, refusals = self._rows(Lines(chunk), self._layouts(chunk), chunk.header)
        rows, _ = self._without_skipped(rows, profile)
        seen = len(rows) + len(refusals)
        rows, _ = self._without_misshapen(rows)
        condition = self.description.recognise
        if condition is None:
            return len(rows), seen
        return int(Working(rows, profile.timezone, self.description.values).value(condition).sum()), seen

    def more_columns(self, chunk: Chunk) -> list[str]:
        """Columns of a delimited chunk that the mapping does not name: they are kept in the raw file and not read."""
        file = self.description.file
        if file.kind is not FileKind.DELIMITED:
            return []
        if chunk.header is not None:
            known = {name.lower() for name in file.known}
            return [
                name for name in _header(chunk.header, separator_of(chunk.header, file)) if name.lower() not in known
            ]
        rows, _ = Delimited.of(Lines(chunk), file.separator, file.quotes, file.layouts)
        return [f"{count} after the last" for count in [rows.unnamed()] if count]

    @property
    def reads_local_times(self) -> bool:
        """Whether it may read times that carry no offset, on the clock of the switch."""
        nodes = [*self.description.values.values(), *self.description.record.values()]
        return any(is_local(node) for each in nodes for node in each.walk())

    def _layouts(self, chunk: Chunk) -> tuple[Layout, ...]:
        file = self.description.file
        if not file.has_header:
            return file.layouts
        if chunk.header is None:
            raise FileFailed(FileFailure.HEADER_CHANGED, "The file has no header line.", hint=self._hint)
        separator = separator_of(chunk.header, file)
        return (_layout_of(chunk.header, self.name, separator, file.names, file.optional, self._hint),)

    @property
    def _hint(self) -> str:
        return f"See docs/formats/{self.name}.md."

    def _rows(self, lines: Lines, layouts: tuple[Layout, ...], header: bytes | None) -> tuple[Rows, list[Refusal]]:
        file: FileShape = self.description.file
        match file.kind:
            case FileKind.DELIMITED:
                separator = file.separator if header is None else separator_of(header, file)
                return Delimited.of(lines, separator, file.quotes, layouts)
            case FileKind.FIXED:
                return FixedWidth.of(lines, file.places, file.width)
            case FileKind.PAIRS:
                return Pairs.of(lines, file.separator, file.sign, file.names)
            case FileKind.JSON:
                return JsonLines.of(lines, file.names)

    def _without_skipped(self, rows: Rows, profile: SwitchProfile) -> tuple[Rows, dict[str, int]]:
        """The rows that are records, and how many are passed over for which reason: the first that fits."""
        counts: dict[str, int] = {}
        if not self.description.skips or not len(rows):
            return rows, counts
        working = Working(rows, profile.timezone, self.description.values)
        kept = np.ones(len(rows), dtype=np.bool_)
        for skip in self.description.skips:
            fits = kept & working.value(skip.when)
            if count := int(fits.sum()):
                counts[skip.reason] = counts.get(skip.reason, 0) + count
                kept &= ~fits
        return rows if kept.all() else rows.where(kept), counts

    def _without_misshapen(self, rows: Rows) -> tuple[Rows, list[Refusal]]:
        wrong = rows.wrong()
        if not wrong.any():
            return rows, []
        refusals = [
            Refusal(int(rows.at[row]), Reason.FIELD_COUNT, rows.wrong_detail(int(row))) for row in np.flatnonzero(wrong)
        ]
        return rows.where(~wrong), refusals

    def _check_shape(self, good: int, refusals: list[Refusal]) -> None:
        wrong = [refusal for refusal in refusals if refusal.reason is Reason.FIELD_COUNT]
        if len(wrong) > good:
            raise FileFailed(
                FileFailure.HEADER_CHANGED,
                f"{len(wrong):,} of the first {len(wrong) + good:,} lines are not of the format {self.name}. "
                f"The first of them: {wrong[0].detail}",
                hint=self._hint,
            )

    def _draft(self, working: Working, profile: SwitchProfile) -> Draft:
        record = self.description.record
        rows = len(working.rows)

        def given(name: str) -> Any:
            return working.value(record[name]) if name in record else None

        marks = Marks(rows)
        for rejection in self.description.rejections:
            marks.mark(working.value(rejection.when), rejection.reason, _saying(rejection.detail))
        key = given("key")
        mark_key(marks, key)
        service = _service(given("service"), profile, rows, marks)
        is_voice = chosen(service, lambda name: name == Service.VOICE)
        start, end = given("start"), given("end")
        answer = given("answer")
        duration, quantity = _amounts(given("duration"), given("quantity"), answer, end, service, marks)
        call_id = given("call_id")
        calling = given("calling")
        return Draft(
            marks=marks,
            fields={name: text for name in _QUOTED if (text := self._shown(working, name)) is not None},
            key=key,
            call_id=key if call_id is None else pc.coalesce(call_id, key) if call_id.null_count else call_id,
            attempt=_attempt(given("attempt"), rows, marks),
            is_last=given("is_last") if "is_last" in record else np.ones(rows, dtype=np.bool_),
            service=service,
            is_voice=is_voice,
            needs_number=is_voice | chosen(service, lambda name: name == Service.SMS),
            **read_numbers(pa.nulls(rows, TEXT) if calling is None else calling, given("called"), profile),
            start=start,
            answer=_start_if_it_lasted(start, duration) if answer is None else answer,
            end=absent(rows) if end is None else end,
            derives_end=end is None,
            duration=duration,
            quantity=quantity,
            pdd_ms=_within(given("pdd"), 0, PDD_MAX_MS, rows),
            names={name: _dictionary(given(name), rows) for name in _NAMES if name in record},
            cause=_within(given("cause"), 1, CAUSE_MAX, rows),
            sip_code=_within(given("sip_code"), SIP_CODE_MIN, SIP_CODE_MAX, rows),
        )

    def _shown(self, working: Working, name: str) -> pa.Array | None:
        """The column that a part of the record is read from: of a time the first that is read as a time."""
        if name not in self.description.record:
            return None
        parts = self._parts(self.description.record[name], set())
        times = [part for part in parts if part.does == "time"]
        parts = self._parts(times[0], set()) if times else parts
        columns = [part.value for part in parts if part.does == "column"]
        return working.column(columns[0]) if columns else None

    def _parts(self, node: Node, seen: set[str]) -> list[Node]:
        """All parts of an expression and of the values that it names, each value once."""
        found = []
        for part in node.walk():
            found.append(part)
            if part.does == "value" and part.value not in seen:
                seen.add(part.value)
                found += self._parts(self.description.values[part.value], seen)
        return found


def separator_of(header: bytes, file: FileShape) -> bytes:
    """The sign that parts a header line into all of the columns: the file's own, or another that exports use."""
    for sign in (file.separator, *_SEPARATORS):
        names = header.lower().replace(b'"', b"").split(sign)
        if all(name.lower().encode() in map(bytes.strip, names) for name in file.names):
            return sign
    return file.separator


@lru_cache(maxsize=256)
def _header(header: bytes, separator: bytes) -> tuple[str, ...]:
    try:
        line = header.decode().removeprefix("﻿")
        return tuple(name.strip() for name in next(csv.reader([line], delimiter=separator.decode(), strict=True), []))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFailed(FileFailure.HEADER_CHANGED, f"The header line cannot be read: {error}.") from error


@lru_cache(maxsize=256)
def _layout_of(
    header: bytes, format_name: str, separator: bytes, names: tuple[str, ...], optional: tuple[str, ...], hint: str
) -> Layout:
    """The layout that a header line says. Names are compared without regard to case."""
    found = [name.lower() for name in _header(header, separator)]
    if missing := [name for name in names if name.lower() not in found]:
        what = f"lacks {', '.join(missing[:20])}"
        if len(found) == 1 and (other := next((sign for sign in ",;\t|" if sign in found[0]), None)):
            what = f"is separated by {other!r}, not by {separator.decode()!r}"
        raise FileFailed(FileFailure.HEADER_CHANGED, f"The header of {format_name} {what}.", hint=hint)
    wanted = {name: name.lower() for name in (*names, *optional)}
    if twice := [name for name, lower in wanted.items() if found.count(lower) > 1]:
        raise FileFailed(FileFailure.HEADER_CHANGED, f"The header has {', '.join(twice)} twice.", hint=hint)
    places = {name: found.index(lower) for name, lower in wanted.items() if lower in found}
    return Layout(((len(found), len(found)),), places)


def _saying(detail: str) -> Detail:
    return lambda row: detail


def _service(given: pa.Array | None, profile: SwitchProfile, rows: int, marks: Marks) -> pa.DictionaryArray:
    if given is None:
        return always(profile.default_service.value, rows)
    return read_service(_dictionary(given, rows), profile.default_service, marks)


def _dictionary(column: pa.Array, rows: int) -> pa.DictionaryArray:
    return column.dictionary_encode().cast(NAME) if len(column) else no_names(rows)


def _attempt(given: Numbers | None, rows: int, marks: Marks) -> Numbers:
    if given is None:
        return Numbers(np.ones(rows, np.int64), np.ones(rows, np.bool_), np.ones(rows, np.bool_))
    bad = given.is_present & ~(given.is_readable & (given.values >= 0) & (given.values <= ATTEMPT_MAX))
    marks.mark(bad, Reason.FIELD_COUNT, lambda row: "attempt is no number of an attempt.")
    return Numbers(np.where(given.is_present & ~bad, given.values, 1), given.is_present, given.is_readable)


def _start_if_it_lasted(start: Instants, duration: Numbers) -> Instants:
    """A file without answers starts its records at the answer."""
    return Instants(start.ms, start.is_known & (duration.values > 0), np.zeros_like(start.status), start.resolution_ms)


def _within(given: Numbers | None, low: int, high: int, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.int64()) if given is None else given.within(low, high)


def _none(rows: int) -> Numbers:
    return Numbers(np.zeros(rows, np.int64), np.zeros(rows, np.bool_), np.ones(rows, np.bool_))


def _amounts(
    duration: Numbers | None,
    quantity: Numbers | None,
    answer: Instants | None,
    end: Instants | None,
    service: pa.DictionaryArray,
    marks: Marks,
) -> tuple[Numbers, Numbers | None]:
    """Connected milliseconds and units. Without a duration a call lasts from answer to end, or as long as its quantity;
    a message or event without a quantity counts one."""
    rows = len(service)
    is_voice = chosen(service, lambda name: name == Service.VOICE)
    is_single = chosen(service, lambda name: name in {Service.SMS, Service.EVENT})
    units = _none(rows) if quantity is None else quantity
    if duration is None:
        duration = _none(rows) if answer is None or end is None else _connected(answer, end)
        lacks = is_voice & ~duration.is_present & units.is_present
        values: Integers = np.where(lacks, np.clip(units.values, -_FAR_S, _FAR_S) * 1000, duration.values)
        duration = Numbers(values, duration.is_present | lacks, duration.is_readable)
    marks.mark(~units.is_present & ~is_voice & ~is_single, Reason.FIELD_COUNT, lambda row: "quantity is empty.")
    one: Mask = is_single & ~units.is_present
    if not units.is_present.any() and not one.any():
        return duration, None
    return duration, Numbers(np.where(one, 1, units.values), units.is_present | one, units.is_readable)


def _connected(answer: Instants, end: Instants) -> Numbers:
    both = answer.is_known & end.is_known
    return Numbers(np.where(both, end.ms - answer.ms, 0), both, np.ones(both.size, np.bool_))

"""From the legs of a file, and of those that waited for them, to the records of calls.

What a file says of calls is held until there is enough to join; what is complete goes on, what is not is kept for the next round, and at the
end of the file it waits in the switch's waiting table, or goes on alone. Only what is held is in memory.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.engine.keyhash import hash_text
from trunkline.usage.decode.calls import Calls, LegTable, join_calls, leg_table, lone_details
from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.columns import Integers
from trunkline.usage.decode.formats import Format
from trunkline.usage.decode.legs import ROLES, Role, marks
from trunkline.usage.decode.lines import Lines
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.raw import line_octets
from trunkline.usage.decode.records import Decoded
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import INSTANT, REJECTS, WAITING

HELD_LEGS: Final = 200_000  # so many legs are joined at a time; a call whose legs lie further apart is still one
JOINED: Final = "joined_leg"
REPEATED: Final = "repeated_leg"


@dataclass(frozen=True, slots=True)
class WaitingText:
    """A leg of an earlier file: its row in the waiting table, the header line of its file, and what it says."""

    id: int
    header: bytes | None
    raw: str


class Waiters(Protocol):
    """The legs of a switch that wait for a partner."""

    def call_hashes(self) -> NDArray[np.uint64]: ...
    def legs_of(self, calls: Sequence[str]) -> Sequence[WaitingText]: ...


class Posted(Protocol):
    """The records of a switch for which legs may come late, and be accepted."""

    def rows(self, table: LegTable, calls: Calls) -> NDArray[np.bool_]: ...
    def put_aside(self, table: LegTable, raw: Sequence[str]) -> None: ...


class _Nobody:
    def call_hashes(self) -> NDArray[np.uint64]:
        return np.empty(0, np.uint64)

    def legs_of(self, calls: Sequence[str]) -> Sequence[WaitingText]:
        return ()


@dataclass(slots=True)
class _Held:
    """The text of one round: its chunks, and legs whose chunk has gone."""

    parts: list[tuple[int, int, Lines]] = field(default_factory=list)
    kept: dict[int, str] = field(default_factory=dict)

    def raw(self, line: int) -> str:
        if line in self.kept:
            return self.kept[line]
        return next(lines for low, high, lines in self.parts if low <= line < high).raw_numbered(line)


class AssembledLines(Lines):
    """The raw text of records that are made of several legs: that of all legs of the call, so that they can be sent again together."""

    def __init__(self, held: _Held, table: LegTable, calls: Calls, separator: str) -> None:
        self._held, self._separator = held, separator
        self._lines, self._call = table.lines, calls.call

    def __len__(self) -> int:
        return sum(len(lines) for _, _, lines in self._held.parts)

    def first_numbers(self, count: int) -> list[int]:
        """The numbers of the first lines, or of all if there are fewer."""
        found: list[int] = []
        for _, _, lines in self._held.parts:
            found += lines.first_numbers(count - len(found))
        return found

    def raw_numbered(self, number: int) -> str:
        """The legs of the call that has a leg on that line; the line itself where it is a record."""
        call = self._call_at.get(number, -1)
        if call < 0:
            return self._held.raw(number)
        low, high = np.searchsorted(self._ordered_calls, (call, call + 1))
        return self._separator.join(self._held.raw(line) for line in self._ordered_lines[low:high].tolist())

    @cached_property
    def _call_at(self) -> dict[int, int]:
        return dict(zip(self._lines.tolist(), self._call.tolist(), strict=True))

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self._call, kind="stable")

    @cached_property
    def _ordered_calls(self) -> Integers:
        return self._call[self._order]

    @cached_property
    def _ordered_lines(self) -> Integers:
        return self._lines[self._order]


class Assembler:
    """Joins the legs of one file. `is_final`: nothing waits; what has no partner goes on alone, marked.

    `waiters` are the legs that wait at the switch; legs that `posted` knows to be late are put aside there. With `only_waiting` the file itself is
    made of waiting legs whose time is over: a leg of it that waits no more has gone another way meanwhile and is a duplicate. `taken` are the
    rows of the waiting table that are used up.
    """

    def __init__(
        self,
        form: Format,
        profile: SwitchProfile,
        *,
        waiters: Waiters | None = None,
        posted: Posted | None = None,
        is_final: bool = False,
        only_waiting: bool = False,
        held_legs: int = HELD_LEGS,
    ) -> None:
        self._form, self._profile = form, profile
        self._waiters = waiters or _Nobody()
        self._waiting_calls = np.sort(self._waiters.call_hashes())
        self._posted = posted
        self._is_final, self._only_waiting = is_final, only_waiting
        self._held_legs = held_legs if posted is None else sys.maxsize  # what a person has accepted is not much
        self.taken: list[int] = []
        self.duplicates = 0
        self._new: list[LegTable] = []
        self._carried: LegTable | None = None
        self._rejects: list[pa.Table] = []
        self._skipped: Counter[str] = Counter()
        self._blank = 0
        self._held = _Held()
        self._texts: list[WaitingText] = []  # waiting legs, whose line is -1 for the first
        self._asked: NDArray[np.uint64] = np.empty(0, np.uint64)

    def add(self, chunk: Chunk) -> Iterator[Decoded]:
        """Take in a chunk; what is complete once enough is held."""
        found = self._form.legs(chunk, self._profile)
        decoded = found.decoded
        self._rejects.append(decoded.rejects)
        self._skipped.update(decoded.skip_reasons)
        self._blank += decoded.skipped - sum(decoded.skip_reasons.values())
        lines = decoded.lines
        bound = max([chunk.first_line + len(lines), *(decoded.events["line"].to_numpy()[-1:] + 1).tolist()])
        bound = max([bound, *(decoded.rejects["line"].to_numpy()[-1:] + 1).tolist()])
        self._held.parts.append((chunk.first_line, bound, lines))
        self._new.append(leg_table(found))
        if sum(len(table) for table in self._new) >= self._held_legs:
            yield self._join(is_end=False)

    def finish(self) -> Iterator[Decoded]:
        """What is left at the end of the file."""
        if self._held.parts or self._carried is not None:
            yield self._join(is_end=True)

    def _join(self, *, is_end: bool) -> Decoded:
        fresh = LegTable.concat(self._new)
        came = [*([self._carried] if self._carried is not None else []), fresh]
        waited = self._load(fresh)
        if self._only_waiting:
            came[-1] = self._still_waiting(fresh, waited)
        table = LegTable.concat([*came, *waited] if self._only_waiting else [*waited, *came])
        is_final = is_end and (self._is_final or self._only_waiting)
        calls = join_calls(table, self._profile, is_final=is_final)
        if self._posted is not None and (is_late := self._posted.rows(table, calls)).any():
            late = table.take(np.flatnonzero(is_late))
            self._posted.put_aside(late, [self._held.raw(line) for line in late.lines.tolist()])
            table = table.take(np.flatnonzero(~is_late))
            calls = join_calls(table, self._profile, is_final=is_final)
        gone = self._drop_repeated(table, calls)
        is_done = calls.is_emitted | gone
        if is_end:
            left = np.zeros(len(table), np.bool_)
        else:
            left = ~is_done & ~calls.is_whole
        waiting = self._waiting(table, ~is_done & ~calls.is_whole & (table.lines > 0)) if is_end else None
        decoded = self._decoded(table, calls, waiting)
        self._carry(table, left, is_end=is_end)
        return decoded

    def _load(self, fresh: LegTable) -> list[LegTable]:
        """The waiting legs of the calls that the file speaks of, where they are not here already."""
        if not self._waiting_calls.size:
            return []
        legs = np.flatnonzero(fresh.roles != Role.WHOLE)
        hashes, first = np.unique(hash_text(fresh.calls.take(pa.array(legs))), return_index=True)
        wanted = np.isin(hashes, self._waiting_calls) & ~np.isin(hashes, self._asked)
        if not wanted.any():
            return []
        self._asked = np.concatenate((self._asked, hashes[wanted]))
        names = fresh.calls.take(pa.array(legs[first[wanted]])).to_pylist()
        by_header: dict[bytes | None, list[WaitingText]] = {}
        for text in self._waiters.legs_of(names):
            by_header.setdefault(text.header, []).append(text)
        return [self._decode_waiting(header, texts) for header, texts in by_header.items()]

    def _still_waiting(self, fresh: LegTable, waited: Sequence[LegTable]) -> LegTable:
        """The legs of a file of waiting legs that do wait: another file may have had their partner since the file was written."""
        ids = np.concatenate([np.empty(0, np.uint64), *(table.ids for table in waited)])
        waits = np.isin(fresh.ids, ids)
        self.duplicates += int((~waits).sum())
        return fresh if waits.all() else fresh.take(np.flatnonzero(waits))

    def _decode_waiting(self, header: bytes | None, texts: list[WaitingText]) -> LegTable:
        between = self._form.leg_separator
        octets = [line_octets(text.raw) + between for text in texts]
        begins = 1 + np.cumsum([0, *(each.count(b"\n") for each in octets)])[:-1]
        found = self._form.legs(Chunk(1, b"".join(octets), header), self._profile)
        table = leg_table(found)
        which = np.searchsorted(begins, table.lines, side="right") - 1
        places = -1 - len(self._texts) - which
        self._held.kept.update((-1 - place, text.raw) for place, text in enumerate(texts, start=len(self._texts)))
        self._texts += texts
        return table.with_lines(places)

    def _drop_repeated(self, table: LegTable, calls: Calls) -> NDArray[np.bool_]:
        """Count the legs that are there twice; which rows go no further."""
        gone = np.zeros(len(table), np.bool_)
        for row, first in zip(calls.repeated, calls.first, strict=True):
            gone[row] = True
            if table.lines[row] < 0:  # a leg of a file of waiting legs: the row in the table is its other half
                self.taken.append(self._text_of(int(table.lines[row])).id)
            elif table.lines[first] < 0:
                self.duplicates += 1
            else:
                self._skipped[REPEATED] += 1
        return gone

    def _text_of(self, line: int) -> WaitingText:
        return self._texts[-1 - line]

    def _waiting(self, table: LegTable, rows: NDArray[np.bool_]) -> pa.Table:
        """The rows that wait for a partner, as the table keeps them."""
        at = np.flatnonzero(rows)
        names = {int(role): name for name, role in ROLES.items()}
        lines = table.lines[at].tolist()
        return pa.table(
            [
                pa.array(lines, pa.int64()),
                table.calls.take(pa.array(at)),
                marks(table.ids[at]),
                pa.array([names[role] for role in table.roles[at].tolist()], pa.string()),
                pa.array(table.start[at], pa.int64()).cast(INSTANT),
                pa.array([self._held.raw(line) for line in lines], pa.string()),
            ],
            schema=WAITING,
        )

    def _decoded(self, table: LegTable, calls: Calls, waiting: pa.Table | None) -> Decoded:
        emitted = np.flatnonzero(calls.is_emitted)
        lines = table.lines[emitted]
        self.taken += [self._text_of(line).id for line in lines[lines < 0].tolist()]
        text = AssembledLines(self._held, table, calls, self._form.leg_separator.decode().replace("\n", "\\x0a"))
        lone = _lone_rejects(table, calls, self._held)
        over = _over_limit(calls.over, text, self._profile)
        joined = int((lines > 0).sum()) - calls.records - len(lone) - len(over)
        self._skipped[JOINED] += max(joined, 0)
        rejects = pa.concat_tables([*self._rejects, lone, over]).unify_dictionaries().combine_chunks()
        rejects = rejects.take(pc.sort_indices(rejects["line"]))
        skipped, self._skipped = +self._skipped, Counter()
        blank, self._blank, self._rejects = self._blank, 0, []
        return Decoded(calls.events, rejects, blank + skipped.total(), text, dict(skipped), waiting)

    def _carry(self, table: LegTable, left: NDArray[np.bool_], *, is_end: bool) -> None:
        rows = np.flatnonzero(left)
        kept = {line: self._held.raw(line) for line in table.lines[rows].tolist()}
        self._held = _Held(kept=kept)
        self._new = []
        self._carried = table.take(rows) if len(rows) and not is_end else None


def _lone_rejects(table: LegTable, calls: Calls, held: _Held) -> pa.Table:
    """Legs that went on alone and do not say what to charge."""
    rows = np.flatnonzero(calls.is_lone)
    if not len(rows):
        return REJECTS.empty_table()
    lines = table.lines[rows]
    return pa.table(
        [
            pa.array(np.maximum(lines, 1)),
            pa.array([Reason.LONE_LEG.value] * len(rows), pa.string()).dictionary_encode(),
            pa.array(lone_details(table, rows), pa.string()),
            pa.array([held.raw(line) for line in lines.tolist()], pa.string()),
            pc.binary_join_element_wise(table.calls.take(pa.array(rows)), table.legs.take(pa.array(rows)), "|"),
            pa.array(table.start[rows], pa.int64()).cast(INSTANT),
            pc.if_else(pc.equal(called := table.events["called"].take(pa.array(rows)), ""), None, called),
            table.events["service"].take(pa.array(rows)).combine_chunks(),
        ],
        schema=REJECTS,
    )


def _over_limit(records: pa.Table, text: AssembledLines, profile: SwitchProfile) -> pa.Table:
    """Rejects of calls that lasted longer than the switch allows."""
    rows = [
        {
            "line": row["line"],
            "reason": Reason.DURATION_OVER_LIMIT.value,
            "detail": f"{row['duration_ms'] // 1000:,} s is over the limit of {profile.max_duration_s:,} s.",
            "raw": text.raw_numbered(row["line"]),
            "key": row["key"],
            "start": row["start"],
            "called": row["called"],
            "service": row["service"],
        }
        for row in records.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=REJECTS)


def decoded_chunks(
    chunks: Iterable[Chunk], form: Format, profile: SwitchProfile, assembler: Assembler | None = None
) -> Iterator[tuple[Chunk, Decoded]]:
    """What the chunks of a file say, each with the last chunk that it comes from. Without an `assembler` what has no partner stands alone."""
    if not form.has_legs(profile):
        for chunk in chunks:
            yield chunk, form.decode(chunk, profile)
        return
    joined = assembler or Assembler(form, profile, is_final=True)
    last: Chunk | None = None
    for last in chunks:
        for decoded in joined.add(last):
            yield last, decoded
    if last is not None:
        for decoded in joined.finish():
            yield last, decoded


def alone(form: Format, chunk: Chunk, profile: SwitchProfile) -> Decoded:
    """What a chunk says by itself."""
    assembler = Assembler(form, profile, is_final=True)
    parts = [*assembler.add(chunk), *assembler.finish()]
    if len(parts) == 1:
        return parts[0]
    reasons: Counter[str] = Counter()
    for part in parts:
        reasons.update(part.skip_reasons)
    return replace(
        parts[0],
        events=pa.concat_tables([part.events for part in parts]),
        rejects=pa.concat_tables([part.rejects for part in parts]),
        skipped=sum(part.skipped for part in parts),
        skip_reasons=dict(reasons),
    )

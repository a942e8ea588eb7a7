"""Which legs are one call, and which records a call has. docs/algorithms/legs.md is the law.

Legs come as rows of numbers, one leg a row, in any order; what they say beside their times is of no account here. The rows of one call
key are walked in the order of time, because a switch may use a key again after weeks: what lies too far apart is another call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.engine.keyhash import combine, hash_text
from trunkline.usage.decode.columns import Integers, Mask
from trunkline.usage.decode.records import Decoded, Draft

ALONE: Final = "alone"  # the mark, in the column `legs`, of a record whose other legs did not come
ENDING_MS: Final = 2_000  # the leg that came in ends with the last attempt, both by one gateway's clock
MARK: Final = np.uint64(0xFFFF_FFFF)


class Role(IntEnum):
    """What a row is in its call."""

    WHOLE = 0  # a record by itself
    IN = 1  # the leg that the call came in by: whose it is, what was dialled
    OUT = 2  # a leg that went out: an attempt
    BEGIN = 3  # says when the call was answered, and between whom
    END = 4  # says when it ended


ROLES: Final = {role.name.lower(): role for role in Role if role}


@dataclass(frozen=True, slots=True)
class DecodedLegs:
    """What a chunk says, one event a leg. `calls`, `legs` and `roles` stand beside the rows of `decoded.events`.

    `calls` is the key of the call, `legs` what tells a leg from the others of its call; both are empty for records that stand by themselves.
    """

    decoded: Decoded
    calls: pa.Array
    legs: pa.Array
    roles: NDArray[np.int8]

    @classmethod
    def none(cls, decoded: Decoded) -> Self:
        """Of a chunk that has no rows."""
        nothing = pa.array([], pa.string())
        return cls(decoded, nothing, nothing, np.zeros(0, np.int8))


def good_legs(decoded: Decoded, draft: Draft, calls: pa.Array, legs: pa.Array, roles: NDArray[np.int8]) -> DecodedLegs:
    """The legs of the rows of a draft that are events; calls and names are empty where a row is a record by itself."""
    good = draft.marks.good()
    is_leg, keep = pa.array(roles > 0), pa.array(good)
    calls, legs = (pc.if_else(is_leg, column, "").filter(keep) for column in (calls, legs))
    return DecodedLegs(decoded, calls, legs, roles[good])


def identities(calls: pa.Array, legs: pa.Array, roles: NDArray[np.int8], duration_ms: Integers) -> NDArray[np.uint64]:
    """What makes two legs the same leg, sent twice: their call, their name in it, what they are and how long they lasted."""
    hashes: NDArray[np.uint64] = combine(
        hash_text(calls), hash_text(legs), roles.astype(np.uint64), duration_ms.astype(np.int64).view(np.uint64)
    )
    return hashes


def marks(ids: NDArray[np.uint64]) -> list[str]:
    """Legs as records name them: eight hexadecimal digits of their identity."""
    text = (ids & MARK).astype(">u4").tobytes().hex()
    return [text[at : at + 8] for at in range(0, len(text), 8)]


def paired_marks(pairs: NDArray[np.uint64]) -> pa.Array:
    """The marks of two legs each, with a space between, of identities cut to `MARK`."""
    digits = np.frombuffer(pairs.astype(">u4").tobytes().hex().encode(), np.uint8).reshape(-1, 16)
    octets = np.full((len(pairs), 17), 0x20, np.uint8)
    octets[:, :8], octets[:, 9:] = digits[:, :8], digits[:, 8:]
    offsets = np.arange(len(pairs) + 1, dtype=np.int32) * 17
    return pa.StringArray.from_buffers(len(pairs), pa.py_buffer(offsets), pa.py_buffer(octets))


def named_legs(text: str | None) -> frozenset[str]:
    """The legs that a record names."""
    return frozenset((text or "").removeprefix(ALONE).split())


@dataclass(slots=True)
class Ties:
    """The calls of some legs and their records.

    `call` is the number of each row's call, -1 for a leg that was there already (`repeated`, which `first` is a copy of). Records stand for
    calls: `base` is the row that a record is made of and `other` the row that completes it, -1 where there is none.
    """

    call: list[int]
    is_complete: list[bool] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    base: list[int] = field(default_factory=list)
    other: list[int] = field(default_factory=list)
    attempt: list[int] = field(default_factory=list)
    is_last: list[bool] = field(default_factory=list)
    is_main: list[bool] = field(default_factory=list)  # the record that has the key of the call itself


@dataclass(slots=True)
class _Rows:
    roles: list[int]
    ids: list[int]
    start: list[int]
    end: list[int]
    connected: list[bool]
    skew_ms: int
    span_ms: int


def tie(
    codes: Integers,
    ids: NDArray[np.uint64],
    roles: NDArray[np.int8],
    start: Integers,
    end: Integers,
    connected: Mask,
    *,
    skew_ms: int,
    span_ms: int,
) -> Ties:
    """The calls of these rows; rows of one code have one call key.

    `skew_ms`: how far the clocks of two legs may be apart; `span_ms`: how long a call can last at most. Of equal legs the first row is kept.
    """
    order = np.lexsort((np.arange(codes.size), roles, start, codes))
    bounds = (
        np.concatenate(([0], np.flatnonzero(np.diff(codes[order])) + 1, [codes.size]))
        if codes.size
        else np.zeros(1, int)
    )
    ties = Ties([-1] * codes.size)
    pairs = order[bounds[:-1][np.diff(bounds) == 2][:, None] + np.arange(2)]
    plain = _tie_pairs(ties, pairs, ids, roles, start, end, connected, skew_ms, span_ms)
    is_done = np.zeros(codes.size, np.bool_)
    is_done[plain] = True
    order = order[~is_done[order]]
    if not order.size:
        return ties
    rows = _Rows(roles.tolist(), ids.tolist(), start.tolist(), end.tolist(), connected.tolist(), skew_ms, span_ms)
    bounds = np.flatnonzero(np.diff(codes[order])) + 1
    ordered = order.tolist()
    for low, high in pairwise([0, *bounds.tolist(), len(ordered)]):
        kept = _without_repeated(ties, rows.ids, ordered[low:high])
        if rows.roles[kept[0]] >= Role.BEGIN:
            _tie_dialogs(ties, rows, kept)
        else:
            _tie_attempts(ties, rows, kept)
    return ties


def _tie_pairs(
    ties: Ties,
    pairs: NDArray[np.intp],
    ids: NDArray[np.uint64],
    roles: NDArray[np.int8],
    start: Integers,
    end: Integers,
    connected: Mask,
    skew_ms: int,
    span_ms: int,
) -> NDArray[np.intp]:
    """Tie the calls of two legs that are complete, as nearly all are, whole columns at a time; their rows. The rules are those of the others."""
    first, second = pairs[:, 0], pairs[:, 1]
    apart = start[second] - start[first]
    is_dialog = (
        (roles[first] == Role.BEGIN) & (roles[second] == Role.END) & (apart <= span_ms)
        | (roles[first] == Role.END) & (roles[second] == Role.BEGIN) & (apart <= skew_ms)
    )  # fmt: skip
    is_out = roles[second] == Role.OUT
    came, went = np.where(is_out, first, second), np.where(is_out, second, first)
    ends_with = end[went] >= end[came] - ENDING_MS
    is_carried = (
        (roles[came] == Role.IN) & (roles[went] == Role.OUT) & (start[second] <= end[first] + skew_ms)
        & (connected[went] | ~connected[came] & ends_with)
    )  # fmt: skip
    base = np.where(is_dialog, np.where(roles[first] == Role.BEGIN, first, second), went)
    other = np.where(base == first, second, first)
    plain = np.flatnonzero((is_dialog | is_carried) & (ids[first] != ids[second]))
    calls = np.full(len(ties.call), -1, np.int64)
    calls[pairs[plain]] = np.arange(plain.size)[:, None]
    ties.call = calls.tolist()
    ties.is_complete = [True] * plain.size
    ties.base, ties.other = base[plain].tolist(), other[plain].tolist()
    ties.attempt, ties.is_last, ties.is_main = [1] * plain.size, [True] * plain.size, [True] * plain.size
    return pairs[plain].ravel()


def _without_repeated(ties: Ties, ids: list[int], rows: list[int]) -> list[int]:
    if len(rows) == 1 or (len(rows) == 2 and ids[rows[0]] != ids[rows[1]]):
        return rows
    seen: dict[int, int] = {}
    for row in sorted(rows):
        seen.setdefault(ids[row], row)
    kept = []
    for row in rows:
        if seen[ids[row]] == row:
            kept.append(row)
        else:
            ties.repeated.append(row)
            ties.first.append(seen[ids[row]])
    return kept


# A call whose begin and end are rows of their own


@dataclass(slots=True)
class _Dialog:
    begin: int = -1
    end: int = -1
    members: list[int] = field(default_factory=list)


def _tie_dialogs(ties: Ties, rows: _Rows, ordered: list[int]) -> None:
    dialog = _Dialog()
    for row in ordered:
        if dialog.members and not _belongs(dialog, rows, row):
            _add_dialog(ties, dialog)
            dialog = _Dialog()
        dialog.members.append(row)
        if rows.roles[row] == Role.BEGIN:
            dialog.begin = row if dialog.begin < 0 else dialog.begin
        else:
            dialog.end = row if dialog.end < 0 else dialog.end
    _add_dialog(ties, dialog)


def _belongs(dialog: _Dialog, rows: _Rows, row: int) -> bool:
    """Whether a row, which is not before those of the dialog, is of it: before its end, or after it by no more than clocks differ."""
    if dialog.end >= 0:
        return rows.start[row] - rows.start[dialog.end] <= rows.skew_ms
    return rows.start[row] - rows.start[dialog.begin] <= rows.span_ms


def _add_dialog(ties: Ties, dialog: _Dialog) -> None:
    call = len(ties.is_complete)
    ties.is_complete.append(dialog.begin >= 0 and dialog.end >= 0)
    for row in dialog.members:
        ties.call[row] = call
    _add_record(ties, dialog.begin if dialog.begin >= 0 else dialog.end, dialog.end if dialog.begin >= 0 else -1)


def _add_record(
    ties: Ties, base: int, other: int, attempt: int = 1, *, is_last: bool = True, is_main: bool = True
) -> None:
    ties.base.append(base)
    ties.other.append(other)
    ties.attempt.append(attempt)
    ties.is_last.append(is_last)
    ties.is_main.append(is_main)


# A call that came in by one leg and went out by others


def _tie_attempts(ties: Ties, rows: _Rows, ordered: list[int]) -> None:
    members: list[int] = []
    latest = 0
    for row in ordered:
        if members and rows.start[row] > latest + rows.skew_ms:
            _add_attempts(ties, rows, members)
            members = []
        latest = max(latest, rows.end[row]) if members else rows.end[row]
        members.append(row)
    _add_attempts(ties, rows, members)


def _add_attempts(ties: Ties, rows: _Rows, members: Sequence[int]) -> None:
    connected = rows.connected
    incoming = [row for row in members if rows.roles[row] != Role.OUT]
    outgoing = [row for row in members if rows.roles[row] == Role.OUT]
    came = next((row for row in incoming if connected[row]), incoming[0] if incoming else -1)
    was_carried = any(connected[row] for row in outgoing)
    for row in members:
        ties.call[row] = len(ties.is_complete)
    ties.is_complete.append(
        came >= 0
        and bool(outgoing)
        and (
            was_carried
            or (not connected[came] and max(rows.end[row] for row in outgoing) >= rows.end[came] - ENDING_MS)
        )
    )
    if not outgoing:
        _add_record(ties, came, -1, 1 if connected[came] else 0)
    for number, row in enumerate(outgoing, start=1):
        is_final = number == len(outgoing)
        _add_record(
            ties,
            row,
            came,
            number,
            is_last=is_final or connected[row],
            is_main=connected[row] or (is_final and not was_carried),
        )

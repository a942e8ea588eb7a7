"""Which legs are one call, and which records a call has. docs/algorithms/legs.md is the law.

Legs come as rows of numbers, one leg a row, in any order; what they say beside their times is of no account here. The rows of one call
key are walked in the order of time, because a switch may use a key again after weeks: what lies too far apart is another call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.engine.keyhash import combine, hash_text
from trunkline.usage.decode.columns import Integers, Mask
from trunkline.usage.decode.records import Decoded, Draft

ALONE: Final = "alone"  # the mark, in the column `legs`, of a record whose other legs did not come
OWN: Final = " ="  # before the name, in the column `legs`, of the leg that the record is made of
ENDING_MS: Final = 2_000  # the leg that came in ends with the last attempt, both by one gateway's clock
MARK: Final = np.uint64(0xFFFF_FFFF)  # of an identity, what records name
_SHIFTS: Final = np.array([24, 16, 8, 0], np.uint64)
_HEXADECIMAL: Final = np.frombuffer("".join(f"{each:02x}" for each in range(256)).encode(), np.uint8).reshape(256, 2)


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


def marks(ids: NDArray[np.uint64]) -> pa.Array:
    """Legs as records name them: eight hexadecimal digits of their identity."""
    octets = ((ids[:, None] >> _SHIFTS) & np.uint64(0xFF)).astype(np.uint8)
    digits = np.ascontiguousarray(_HEXADECIMAL[octets]).reshape(-1)
    offsets = np.arange(0, 8 * ids.size + 1, 8, dtype=np.int32)
    return pa.StringArray.from_buffers(ids.size, pa.py_buffer(offsets), pa.py_buffer(digits))


def named_legs(text: str | None) -> frozenset[str]:
    """The legs that a record names."""
    return frozenset((text or "").partition(OWN)[0].removeprefix(ALONE).split())


def own_name(text: str | None) -> str | None:
    """The name of the leg that a record is made of, where the record says it."""
    _, mark, name = (text or "").partition(OWN)
    return name if mark else None


@dataclass(frozen=True, slots=True)
class Ties:
    """The calls of some legs and their records.

    `call` is the number of each row's call, -1 for a leg that was there already (`repeated`, which `first` is a copy of). Records stand for
    calls: `base` is the row that a record is made of and `other` the row that completes it, -1 where there is none.
    """

    call: Integers
    is_complete: Mask
    repeated: Integers
    first: Integers
    base: Integers
    other: Integers
    attempt: Integers
    is_last: Mask
    is_main: Mask  # the record that has the key of the call itself


@dataclass(slots=True)
class _Ties:
    """Ties as they are found, call by call."""

    call: dict[int, int] = field(default_factory=dict)
    is_complete: list[bool] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    base: list[int] = field(default_factory=list)
    other: list[int] = field(default_factory=list)
    attempt: list[int] = field(default_factory=list)
    is_last: list[bool] = field(default_factory=list)
    is_main: list[bool] = field(default_factory=list)


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
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(codes[order])) + 1, [codes.size]))
    low, size = bounds[:-1], np.diff(bounds)
    table = _Legs(ids, roles, start, end, connected, skew_ms, span_ms)
    one = order[low[size == 1]]
    low_of_two = low[size == 2]
    base, other, is_complete, is_plain = _tie_two(table, order[low_of_two], order[low_of_two + 1])
    ties = _Ties()
    left = np.sort(np.concatenate((np.flatnonzero(size > 2), np.flatnonzero(size == 2)[~is_plain])))
    if left.size:
        rows = _Rows(roles.tolist(), ids.tolist(), start.tolist(), end.tolist(), connected.tolist(), skew_ms, span_ms)
        for begin, count in zip(low[left].tolist(), size[left].tolist(), strict=True):
            kept = _without_repeated(ties, rows.ids, order[begin : begin + count].tolist())
            if rows.roles[kept[0]] >= Role.BEGIN:
                _tie_dialogs(ties, rows, kept)
            else:
                _tie_attempts(ties, rows, kept)
    return _together(table, codes, one, base, other, is_complete, ties)


@dataclass(frozen=True, slots=True)
class _Legs:
    ids: NDArray[np.uint64]
    roles: NDArray[np.int8]
    start: Integers
    end: Integers
    connected: Mask
    skew_ms: int
    span_ms: int


def _tie_two(legs: _Legs, one: Integers, two: Integers) -> tuple[Integers, Integers, Mask, Mask]:
    """Keys of two legs, of which most calls have, all at once: base, other, which calls are complete, and which keys these are.

    They are a begin and its end, or one leg in and one out, that belong together. The same as `_tie_dialogs` and `_tie_attempts` say.
    """
    roles, start = legs.roles, legs.start
    is_dialog = (roles[one] == Role.BEGIN) & (roles[two] == Role.END) & (start[two] - start[one] <= legs.span_ms)
    is_in_first = (roles[one] == Role.IN) & (roles[two] == Role.OUT)
    is_attempt = is_in_first | ((roles[one] == Role.OUT) & (roles[two] == Role.IN))
    is_attempt &= start[two] <= legs.end[one] + legs.skew_ms
    came, went = np.where(is_in_first, one, two), np.where(is_in_first, two, one)
    ends_with = legs.end[went] >= legs.end[came] - ENDING_MS
    is_carried = legs.connected[went] | (~legs.connected[came] & ends_with)
    is_plain = (legs.ids[one] != legs.ids[two]) & (is_dialog | is_attempt)
    base, other = np.where(is_dialog, one, went), np.where(is_dialog, two, came)
    return base[is_plain], other[is_plain], (is_dialog | is_carried)[is_plain], is_plain


def _together(
    legs: _Legs, codes: Integers, one: Integers, base: Integers, other: Integers, is_complete: Mask, more: _Ties
) -> Ties:
    """Legs that stand by themselves, calls of two legs, and those that were walked one by one; records in the order of their keys."""
    call = np.full(codes.size, -1, np.int64)
    call[one] = np.arange(one.size)
    call[base] = call[other] = one.size + np.arange(base.size)
    if more.call:
        call[list(more.call)] = np.fromiter(more.call.values(), np.int64) + one.size + base.size
    # A leg that came in by itself and was not connected went nowhere.
    tried = np.where((legs.roles[one] == Role.IN) & ~legs.connected[one], 0, 1)
    plain = np.ones(one.size + base.size, np.bool_)
    bases = np.concatenate((one, base, np.array(more.base, np.int64)))
    by_key = np.argsort(codes[bases], kind="stable")
    return Ties(
        call,
        np.concatenate((np.zeros(one.size, np.bool_), is_complete, np.array(more.is_complete, np.bool_))),
        np.array(more.repeated, np.int64),
        np.array(more.first, np.int64),
        bases[by_key],
        np.concatenate((np.full(one.size, -1), other, np.array(more.other, np.int64)))[by_key],
        np.concatenate((tried, np.ones(base.size, np.int64), np.array(more.attempt, np.int64)))[by_key],
        np.concatenate((plain, np.array(more.is_last, np.bool_)))[by_key],
        np.concatenate((plain, np.array(more.is_main, np.bool_)))[by_key],
    )


def _without_repeated(ties: _Ties, ids: list[int], rows: list[int]) -> list[int]:
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


def _tie_dialogs(ties: _Ties, rows: _Rows, ordered: list[int]) -> None:
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


def _add_dialog(ties: _Ties, dialog: _Dialog) -> None:
    call = len(ties.is_complete)
    ties.is_complete.append(dialog.begin >= 0 and dialog.end >= 0)
    for row in dialog.members:
        ties.call[row] = call
    _add_record(ties, dialog.begin if dialog.begin >= 0 else dialog.end, dialog.end if dialog.begin >= 0 else -1)


def _add_record(
    ties: _Ties, base: int, other: int, attempt: int = 1, *, is_last: bool = True, is_main: bool = True
) -> None:
    ties.base.append(base)
    ties.other.append(other)
    ties.attempt.append(attempt)
    ties.is_last.append(is_last)
    ties.is_main.append(is_main)


# A call that came in by one leg and went out by others


def _tie_attempts(ties: _Ties, rows: _Rows, ordered: list[int]) -> None:
    members: list[int] = []
    latest = 0
    for row in ordered:
        if members and rows.start[row] > latest + rows.skew_ms:
            _add_attempts(ties, rows, members)
            members = []
        latest = max(latest, rows.end[row]) if members else rows.end[row]
        members.append(row)
    _add_attempts(ties, rows, members)


def _add_attempts(ties: _Ties, rows: _Rows, members: Sequence[int]) -> None:
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

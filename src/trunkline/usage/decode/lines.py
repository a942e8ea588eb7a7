"""The lines of a chunk: which can be parsed, which are blank, which are rejects for what they look like.

Arrow's CSV reader does the splitting; this module makes sure that it sees exactly one record per line. A quote that is
opened and never closed would swallow the next lines, a lone CR would split one: such lines are taken out before. So
rows of the parsed table and lines of the file can be matched by counting, and the count is checked.

Quotes as in RFC 4180: a field may be quoted as a whole, a quote inside is doubled. In a field that does not begin with
one, quotes are ordinary characters.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from trunkline.usage.decode.bits import Words, places_of
from trunkline.usage.decode.chunking import LINE_OCTETS_MAX, Chunk, line_end_bits
from trunkline.usage.decode.columns import Integers, Mask, Octets
from trunkline.usage.decode.raw import RAW_OCTETS, is_utf8, raw_text
from trunkline.usage.reasons import Reason

_LF: Final = 0x0A
_CR: Final = 0x0D
_FIELD: Final = r'(?:[^",][^,]*|"(?:[^"]|"")*"|)'
_HIGH_BITS: Final = np.uint64(0x8080808080808080)
_FEW_LINES: Final = 1_000  # are looked at one by one sooner than all of a chunk is
# Both kinds of line end, and none for the last line.
_WHOLE_LINE: Final = rf"^{_FIELD}(?:,{_FIELD})*\r?\n?$"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that is a reject for what it looks like. `at` is its index in the chunk."""

    at: int
    reason: Reason
    detail: str


class Lines:
    """The lines of a chunk. `at` indexes them from 0, blank ones included."""

    def __init__(self, chunk: Chunk) -> None:
        self._data = chunk.data
        self._first_line = chunk.first_line
        self._octets = np.frombuffer(chunk.data, dtype=np.uint8)
        self._end_bits = line_end_bits(chunk.data) if chunk.end_bits is None else chunk.end_bits
        self._ends = ends = places_of(self._end_bits)
        self._starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1] + 1]) if ends.size else ends

    def __len__(self) -> int:
        return int(self._ends.size)

    def first_numbers(self, count: int) -> list[int]:
        """The numbers of the first lines, or of all if there are fewer."""
        return [self.number(at) for at in range(min(len(self), count))]

    def number(self, at: int) -> int:
        """The line's number in the file."""
        return self._first_line + at

    def raw_numbered(self, number: int) -> str:
        """The line with that number in the file as text, `raw_text`."""
        return self.raw(number - self._first_line)

    def raw(self, at: int) -> str:
        """The line as text, `raw_text`."""
        start, end = int(self._starts[at]), self._end(at)
        return raw_text(self._data[start : min(end, start + RAW_OCTETS)], end - start)

    def _end(self, at: int) -> int:
        end = int(self._ends[at])
        return end - (end > self._starts[at] and self._octets[end - 1] == _CR)

    def blank(self) -> Mask:
        """Which lines have nothing before their line end."""
        lengths = self._ends - self._starts
        blank: Mask = lengths == 0
        single = np.flatnonzero(lengths == 1)
        if single.size:
            blank[single] = self._octets[self._starts[single]] == _CR
        return blank

    def refusals(self) -> list[Refusal]:
        """The lines that cannot be parsed safely as CSV, in the order of the file."""
        return _first_of_each([*self._not_text(), *self._too_long(), *self._stray_returns(), *self._broken_quotes()])

    def unreadable(self) -> list[Refusal]:
        """The lines that cannot be read whatever their format, in the order of the file."""
        return _first_of_each([*self._not_text(), *self._too_long(), *self._stray_returns()])

    @property
    def octets(self) -> Octets:
        """The whole text of the chunk."""
        return self._octets

    @cached_property
    def has_returns(self) -> bool:
        """Whether there is a CR anywhere."""
        return b"\r" in self._data

    @cached_property
    def has_quotes(self) -> bool:
        """Whether there is a double quote anywhere."""
        return b'"' in self._data

    @property
    def end_bits(self) -> Words:
        """The bitmap (`bits`) of `line_ends`."""
        return self._end_bits

    @property
    def line_ends(self) -> Integers:
        """Where each line has its LF, or the end of the text."""
        return self._ends

    @property
    def starts(self) -> Integers:
        """Where each line begins in `octets`."""
        return self._starts

    @cached_property
    def ends(self) -> Integers:
        """Where each line ends in `octets`: its line end, of which a CR is a part."""
        ends = self._ends
        before = np.maximum(ends - 1, 0)
        if ends.size and self.has_returns:
            ends = ends - ((ends > self._starts) & (self._octets[before] == _CR))
        return ends

    def without(self, refusals: Sequence[Refusal]) -> bytes:
        """The text of the other lines."""
        data = self._data
        if refusals:
            out = np.array([refusal.at for refusal in refusals])
            begins = np.append(self._starts, len(data))
            text = memoryview(data)
            kept = zip(np.append(0, begins[out + 1]).tolist(), np.append(begins[out], len(data)).tolist(), strict=True)
            data = b"".join(text[begin:end] for begin, end in kept)
        # Arrow would skip a byte order mark here, and only here: what a line means must not depend on the chunks.
        return b"\n" + data if data.startswith(codecs.BOM_UTF8) else data

    def _lines_of(self, places: Integers) -> list[int]:
        return [int(at) for at in np.unique(np.searchsorted(self._ends, places))]

    def line(self, at: int) -> bytes:
        """The octets of a line, with a CR before its line end."""
        return self._data[int(self._starts[at]) : int(self._ends[at])]

    def _not_text(self) -> list[Refusal]:
        if not len(self) or self._octets.view(np.int8).min() > 0:
            return []
        found = []
        if b"\0" in self._data:
            found = [
                Refusal(at, Reason.BAD_ENCODING, "The line has a NUL byte.")
                for at in self._lines_of(np.flatnonzero(self._octets == 0))
            ]
        if self._data.isascii():
            return found
        beyond = self._lines_of(_beyond_ascii(self._octets))
        if len(beyond) > _FEW_LINES and is_utf8(self._data):
            return found
        for at in beyond:
            try:
                self.line(at).decode()
            except UnicodeDecodeError as error:
                octet = error.object[error.start]
                detail = f"Byte {error.start + 1} of the line (0x{octet:02X}) is not UTF-8."
                found.append(Refusal(at, Reason.BAD_ENCODING, detail))
        return found

    def _too_long(self) -> list[Refusal]:
        long = np.flatnonzero(self._ends - self._starts > LINE_OCTETS_MAX)
        return [too_long(int(at), self._end(int(at)) - int(self._starts[at])) for at in long]

    def _stray_returns(self) -> list[Refusal]:
        if not self.has_returns:
            return []
        places = np.flatnonzero(self._octets == _CR)
        after = np.minimum(places + 1, len(self._data) - 1)
        stray = places[(self._octets[after] != _LF) & (places + 1 < len(self._data))]
        return [
            Refusal(at, Reason.FIELD_COUNT, "A carriage return stands inside the line.") for at in self._lines_of(stray)
        ]

    def _broken_quotes(self) -> list[Refusal]:
        if not self.has_quotes:
            return []
        bounds = np.append(self._starts, len(self._data)).astype(np.int32)
        lines = pa.BinaryArray.from_buffers(
            pa.binary(), len(self), [None, pa.py_buffer(bounds), pa.py_buffer(self._data)]
        )
        whole = pc.match_substring_regex(lines, pattern=_WHOLE_LINE).to_numpy(zero_copy_only=False)
        return [
            Refusal(int(at), Reason.FIELD_COUNT, "A quote is not closed, or text follows its closing quote.")
            for at in np.flatnonzero(~whole.astype(np.bool_))
        ]


def _beyond_ascii(octets: Octets) -> Integers:
    """Where octets are that are not ASCII. A file has few: only the words that hold some are looked at closely."""
    whole = octets.size // 8 * 8
    words = np.flatnonzero(octets[:whole].view(np.uint64) & _HIGH_BITS)
    places = (words[:, None] * 8 + np.arange(8)).ravel()
    places = np.append(places, np.arange(whole, octets.size))
    return places[octets[places] >= 0x80]


def _first_of_each(refusals: Sequence[Refusal]) -> list[Refusal]:
    found: dict[int, Refusal] = {}
    for refusal in refusals:
        found.setdefault(refusal.at, refusal)
    return [found[at] for at in sorted(found)]


def too_long(at: int, octets: int) -> Refusal:
    """The refusal of a line beyond the longest that is parsed."""
    return Refusal(
        at, Reason.FIELD_COUNT, f"The line has {octets:,} octets; the longest taken has {LINE_OCTETS_MAX:,}."
    )


@dataclass(frozen=True, slots=True)
class Parsed:
    """The records of a chunk. `at` is the index of each row's line; `refusals` are the lines that are none."""

    table: pa.Table
    at: Integers
    refusals: list[Refusal]
    skipped: int
    wrong_counts: Mapping[int, int]  # how many lines have so many fields, where it is not the right number


def parse(lines: Lines, names: Sequence[str], types: Mapping[str, pa.DataType]) -> Parsed:
    """Splits the lines into columns `names`; those in `types` are returned, empty fields null, the rest left out."""
    refusals = lines.refusals()
    blank = lines.blank()
    usable = ~blank
    usable[[refusal.at for refusal in refusals]] = False
    at = np.flatnonzero(usable)
    skipped = len(lines) - at.size - len(refusals)
    if not at.size:
        empty = pa.table({name: pa.array([], type=kind) for name, kind in types.items()})
        return Parsed(empty, at, refusals, skipped, {})
    wrong: list[csv.InvalidRow] = []

    def refuse(row: csv.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    table = _read(lines.without(refusals), names, types, refuse)
    if table.num_rows + len(wrong) != at.size:
        raise RuntimeError(f"{at.size} lines came back as {table.num_rows} rows and {len(wrong)} wrong ones")
    counts: dict[int, int] = {}
    for row in wrong:
        if row.text.strip(" \t"):
            detail = f"{row.actual_columns} fields instead of {row.expected_columns}."
            refusals.append(Refusal(int(at[row.number - 1]), Reason.FIELD_COUNT, detail))
            counts[row.actual_columns] = counts.get(row.actual_columns, 0) + 1
        else:
            skipped += 1
    if wrong:
        refusals.sort(key=lambda refusal: refusal.at)
        at = np.delete(at, [row.number - 1 for row in wrong])
    return Parsed(table, at, refusals, skipped, counts)


def _read(data: bytes, names: Sequence[str], types: Mapping[str, pa.DataType], refuse: object) -> pa.Table:
    table = csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(use_threads=False, column_names=list(names), block_size=len(data) + 1),
        parse_options=csv.ParseOptions(invalid_row_handler=refuse),
        convert_options=csv.ConvertOptions(
            column_types=dict(types),
            include_columns=list(types),
            check_utf8=False,  # Lines has checked the whole text
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return table.combine_chunks()

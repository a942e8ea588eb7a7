"""Formats whose records span lines: the records of a chunk, which of them can be read, and the walk they share."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa

from trunkline.usage.decode.chunking import LINE_OCTETS_MAX, Chunk
from trunkline.usage.decode.columns import Integers
from trunkline.usage.decode.formats import Format, one_reject
from trunkline.usage.decode.framing import Cut, Framing
from trunkline.usage.decode.lines import Lines, Parsed, Refusal
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.raw import RAW_OCTETS, is_utf8, raw_text
from trunkline.usage.decode.records import Decoded, Draft, judge, settle
from trunkline.usage.decode.skeletons import Walked
from trunkline.usage.failure import FileFailed
from trunkline.usage.reasons import FileFailure, Reason

_BLANKS: Final = b" \t\r\n"
_BETWEEN_OCTETS: Final = 32  # of a comma, a line end and what an indented line begins with
_IS_BETWEEN: Final = np.isin(np.arange(256), np.frombuffer(_BLANKS + b",]", np.uint8)).astype(np.int64)


class Records(Lines):
    """The records of a chunk. `at` is the line that a record begins in, from 0; a record's text ends with its ink.

    `shorten` makes of a record that is too long to be kept whole what says the same in fewer words, or None.
    """

    def __init__(self, chunk: Chunk, cut: Cut, shorten: Callable[[bytes], bytes | None]) -> None:
        super().__init__(replace(chunk, data=b""))
        self._shorten = shorten
        self._walked = chunk.walked
        self._text = chunk.data
        self._bounds = [*cut.starts.tolist(), len(chunk.data)]
        self.framing = cut.framing
        self.at: Integers = cut.lines.astype(np.int64)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def first_numbers(self, count: int) -> list[int]:
        """The numbers of the lines in which the first records begin."""
        return [self.number(int(at)) for at in self.at[:count]]

    def raw(self, at: int) -> str:
        """The record as text, `raw_text`; of a long one what the format reads of it, so that it can be sent again."""
        record = self.record(int(np.searchsorted(self.at, at, side="right")) - 1)
        if RAW_OCTETS < len(record) <= LINE_OCTETS_MAX:
            short = self._shorten(record)
            if short is not None and len(short) <= RAW_OCTETS:
                return raw_text(short)
        return raw_text(record[:RAW_OCTETS], len(record))

    def record(self, row: int) -> bytes:
        """The octets of a record, without the blank space after it."""
        return self.framing.text(self._text[self._bounds[row] : self._bounds[row + 1]])

    def plain_text(self, first: bytes, last: bytes) -> bytes | None:
        """All records with what stands between them, if each begins and ends with these octets and none is to be refused; else None."""
        octets = np.frombuffer(self._text, np.uint8)
        bounds = np.array(self._bounds)
        if len(self) == 0 or np.diff(bounds).max() > LINE_OCTETS_MAX or (octets[bounds[:-1]] != first[0]).any():
            return None
        ends = bounds[1:] - 1
        for _ in range(_BETWEEN_OCTETS):
            is_between = _IS_BETWEEN[octets[ends]]
            if not is_between.any():
                break
            ends = ends - is_between
        return self._text if (octets[ends] == last[0]).all() and is_utf8(self._text) else None

    @cached_property
    def walked(self) -> Walked | None:
        """What a walk through the text finds; it parts the records as they are parted here."""
        found = self.framing.walked(self._text) if self._walked is None else self._walked
        if found is not None and not np.array_equal(found.starts, self._bounds[:-1]):
            raise RuntimeError(f"{len(self)} records were walked as {found.starts.size}")
        return found

    @cached_property
    def is_text(self) -> bool:
        """Whether the chunk is UTF-8 throughout, and without NUL."""
        return b"\0" not in self._text and is_utf8(self._text)

    def readable(self, asked: Sequence[int] | None = None) -> tuple[list[int], list[bytes], list[Refusal]]:
        """The records that are text and not too long: their rows and octets; and the refusals of the others. `asked`: of some rows only."""
        rows: list[int] = []
        records: list[bytes] = []
        refusals: list[Refusal] = []
        text, bounds = self._text, self._bounds
        asked = range(len(self)) if asked is None else asked
        whole = [self.framing.text(text[bounds[row] : bounds[row + 1]]) for row in asked]
        if self.is_text and max(map(len, whole), default=0) <= LINE_OCTETS_MAX:
            return list(asked), whole, refusals
        for row, record in zip(asked, whole, strict=True):
            refusal = self._refusal(row, record, is_text=self.is_text)
            if refusal is None:
                rows.append(row)
                records.append(record)
            else:
                refusals.append(refusal)
        return rows, records, refusals

    def _refusal(self, row: int, record: bytes, *, is_text: bool) -> Refusal | None:
        at = int(self.at[row])
        if len(record) > LINE_OCTETS_MAX:
            detail = f"The record has {len(record):,} octets; the longest taken has {LINE_OCTETS_MAX:,}."
            return Refusal(at, Reason.FIELD_COUNT, detail)
        if is_text:
            return None
        if b"\0" in record:
            return Refusal(at, Reason.BAD_ENCODING, "The record has a NUL byte.")
        try:
            record.decode()
        except UnicodeDecodeError as error:
            detail = f"Byte {error.start + 1} of the record (0x{record[error.start]:02X}) is not UTF-8."
            return Refusal(at, Reason.BAD_ENCODING, detail)
        return None


@dataclass(slots=True)
class Read:
    """What a format has read of a chunk: the columns of its records, and what became of the others.

    `rows` are the records that the columns stand for. `skipped` counts by reason. `refusals` are in any order.
    """

    rows: Sequence[int]
    columns: Mapping[str, pa.Array]
    refusals: list[Refusal]
    skipped: Counter[str] = field(default_factory=Counter)


class DocumentFormat(Format):
    """A format whose records span lines."""

    framing: Framing

    @abstractmethod
    def read(self, chunk: Chunk, records: Records, profile: SwitchProfile) -> Read:
        """The columns of the records."""

    @abstractmethod
    def draft(self, columns: Mapping[str, pa.Array], rows: int, profile: SwitchProfile) -> Draft:
        """The draft of so many rows, with marks on those whose fields the format does not allow."""

    @abstractmethod
    def fits(self, record: bytes) -> bool:
        """Whether a record has the shape of this format, whatever it says."""

    def shorten(self, record: bytes) -> bytes | None:
        """A record with only what the format reads of it; None where it cannot be read."""
        return None

    def records(self, chunk: Chunk) -> Records:
        """The records of a chunk."""
        cut = chunk.cut
        if cut is None:
            framing = self.framing.of_part(chunk.data) or self.framing
            chunk = replace(chunk, data=framing.opened(chunk.data), walked=None)
            cut = framing.cut(chunk.data)
        return Records(chunk, cut, self.shorten)

    def recognised(self, chunk: Chunk) -> tuple[int, int]:
        """How many records of a chunk look like this format, of how many."""
        if chunk.overlong_octets:
            return 0, 1
        _, found, refusals = self.records(chunk).readable()
        return sum(map(self.fits, found)), len(found) + len(refusals)

    def decode(self, chunk: Chunk, profile: SwitchProfile) -> Decoded:
        """The chunk's events and rejects. Records of the chunk = events + rejects + skipped.

        Raises FileFailed `header_changed`: more than half of the first chunk's records are not of this format.
        """
        return self._decode(chunk, profile)[0]

    def _decode(self, chunk: Chunk, profile: SwitchProfile) -> tuple[Decoded, Read | None, Draft | None]:
        """What the chunk says, and what it was made of."""
        if chunk.overlong_octets:
            return one_reject(chunk), None, None
        records = self.records(chunk)
        read = self.read(chunk, records, profile)
        if chunk.is_first:
            self._check_shape(len(records), read.refusals)
        draft = self.draft(read.columns, len(read.rows), profile)
        judge(draft, profile)
        at = records.at[np.array(read.rows, dtype=np.int64)]
        refusals = sorted(read.refusals, key=lambda refusal: refusal.at)
        skipped = read.skipped.total()
        if len(read.rows) + len(refusals) + skipped != len(records):
            raise RuntimeError(f"{len(records)} records came back as {len(read.rows)}, {len(refusals)} and {skipped}")
        parsed = Parsed(pa.table({}), at, refusals, skipped, {})
        decoded = replace(settle(draft, parsed, records, profile), skip_reasons=dict(read.skipped))
        return decoded, read, draft

    def _check_shape(self, count: int, refusals: list[Refusal]) -> None:
        wrong = [refusal for refusal in refusals if refusal.reason is Reason.FIELD_COUNT]
        if len(wrong) * 2 > count:
            raise FileFailed(
                FileFailure.HEADER_CHANGED,
                f"{len(wrong):,} of the first {count:,} records are not of the format {self.name}. "
                f"The first of them: {wrong[0].detail}",
                hint=f"See docs/formats/{self.name}.md.",
            )

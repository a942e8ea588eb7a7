"""What all formats share: a chunk of text in, events and rejects out.

A format is pure and keeps nothing between chunks, so that chunks can be decoded in any order on any thread; the time is
spent in Arrow and numpy, which let other threads run meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.columns import (
    Integers,
    Mask,
    Numbers,
    constant,
    integers,
    lengths_of,
    mapped,
    text_of,
)
from trunkline.usage.decode.framing import Framing
from trunkline.usage.decode.legs import DecodedLegs
from trunkline.usage.decode.lines import Lines, Parsed, parse, too_long
from trunkline.usage.decode.numbers import normalise, rules_for
from trunkline.usage.decode.profile import Party, SwitchProfile
from trunkline.usage.decode.raw import raw_text
from trunkline.usage.decode.records import Decoded, Draft, Marks, judge, settle
from trunkline.usage.failure import FileFailed
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.schema import EVENTS, NAME, REJECTS, Service

TEXT: Final = pa.string()
ATTEMPT_MAX: Final = 9_999
_FLAGS: Final[Mapping[str, int]] = {"1": 1, "true": 1, "0": 0, "false": 0}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a chunk: all names in order, and the Arrow types of those that are read."""

    names: Sequence[str]
    types: Mapping[str, pa.DataType]


class Format(ABC):
    """One way in which switches write their records. `name` and `version` are stable; `title` is for people."""

    name: str
    title: str
    version: int = 1
    has_header: bool = False
    framing: Framing | None = None  # where records span lines
    leg_separator: bytes = b"\n"  # what stands between legs that are written one behind the other

    @abstractmethod
    def decode(self, chunk: Chunk, profile: SwitchProfile) -> Decoded:
        """The chunk's events and rejects. Lines of the chunk, or its records = events + rejects + skipped.

        Raises FileFailed `header_changed`: the file as a whole is not of this format.
        """

    def has_legs(self, profile: SwitchProfile) -> bool:
        """Whether its rows are legs, which are joined to records (`assembly`)."""
        return False

    def legs(self, chunk: Chunk, profile: SwitchProfile) -> DecodedLegs:
        """The chunk's legs, where `has_legs` says so. Raises as `decode`."""
        raise NotImplementedError(f"{self.name} has no legs")


class CsvFormat(Format):
    """A format of comma-separated lines that all have the same columns."""

    @abstractmethod
    def layout(self, chunk: Chunk) -> Layout:
        """The columns of the chunk. Raises FileFailed `header_changed`."""

    @abstractmethod
    def read(self, table: pa.Table, profile: SwitchProfile) -> Draft:
        """The draft of the parsed rows, with marks on the rows whose fields the format does not allow."""

    def decode(self, chunk: Chunk, profile: SwitchProfile) -> Decoded:
        """The chunk's events and rejects. Lines of the chunk = events + rejects + skipped.

        Raises FileFailed `header_changed`: the header is not the format's, or, without headers, more than half of the
        first chunk's lines have another number of fields.
        """
        layout = self.layout(chunk)
        if chunk.overlong_octets:
            return one_reject(chunk)
        lines = Lines(chunk)
        parsed = parse(lines, layout.names, layout.types)
        if chunk.is_first and not self.has_header:
            self._check_template(parsed, len(layout.names))
        draft = self.read(parsed.table, profile)
        judge(draft, profile)
        return settle(draft, parsed, lines, profile)

    def _check_template(self, parsed: Parsed, expected: int) -> None:
        wrong = sum(parsed.wrong_counts.values())
        rows = parsed.at.size + wrong
        if wrong * 2 > rows:
            found = max(parsed.wrong_counts, key=lambda count: parsed.wrong_counts[count])
            raise FileFailed(
                FileFailure.HEADER_CHANGED,
                f"{wrong:,} of the first {rows:,} lines do not have the {expected} fields of the format {self.name}; "
                f"most of them have {found}.",
                hint=f"See docs/formats/{self.name}.md.",
            )


def one_reject(chunk: Chunk) -> Decoded:
    """What a chunk says that is one line beyond the longest that is parsed."""
    refusal = too_long(0, chunk.overlong_octets)
    reject = {
        "line": chunk.first_line,
        "reason": refusal.reason.value,
        "detail": refusal.detail,
        "raw": raw_text(chunk.data, chunk.overlong_octets),
    }
    return Decoded(EVENTS.empty_table(), pa.Table.from_pylist([reject], schema=REJECTS), 0, Lines(chunk))


def mark_key(marks: Marks, key: pa.Array) -> None:
    """Marks rows without a key: nothing could tell them from a duplicate."""
    marks.mark(lengths_of(key) == 0, Reason.FIELD_COUNT, lambda row: "key is empty.")


def read_attempt(column: pa.Array, otherwise: Integers, marks: Marks) -> Numbers:
    """The attempt's number, `otherwise` where the field is empty; marks what is no number from 0 to 9,999."""
    numbers = integers(column)
    bad = numbers.is_present & ~(numbers.is_readable & (numbers.values >= 0) & (numbers.values <= ATTEMPT_MAX))
    marks.mark(bad, Reason.FIELD_COUNT, lambda row: f"attempt {column[row].as_py()[:64]!r} is no number of an attempt.")
    return Numbers(np.where(numbers.is_present, numbers.values, otherwise), numbers.is_present, numbers.is_readable)


def read_is_last(column: pa.DictionaryArray, marks: Marks) -> Mask:
    """1 or true, 0 or false; an empty field says 1. Marks anything else."""
    flags = mapped(column, lambda text: _FLAGS.get(text.lower()))
    marks.mark(
        ~flags.is_readable,
        Reason.FIELD_COUNT,
        lambda row: f"is_last {str(column[row].as_py())[:64]!r} is neither 0 nor 1.",
    )
    return ~flags.is_present | (flags.values == 1)


def read_service(column: pa.DictionaryArray, default: Service, marks: Marks) -> pa.DictionaryArray:
    """The service, the default where the field is empty; marks what is none."""
    filled = pc.fill_null(column.cast(TEXT), default.value).dictionary_encode() if column.null_count else column
    known = mapped(filled, lambda text: 1 if text in list(Service) else None)
    marks.mark(
        ~known.is_readable,
        Reason.FIELD_COUNT,
        lambda row: f"service {filled[row].as_py()[:64]!r} is none of {', '.join(Service)}.",
    )
    return filled


def read_numbers(calling: pa.Array, called: pa.Array, profile: SwitchProfile) -> dict[str, pa.Array]:
    """Raw and normalised numbers under their names in a draft."""
    return {
        "calling_raw": text_of(calling),
        "called_raw": text_of(called),
        "calling": normalise(calling, rules_for(profile.number_rules, Party.CALLING)),
        "called": normalise(called, rules_for(profile.number_rules, Party.CALLED)),
    }


def no_names(rows: int) -> pa.DictionaryArray:
    """A names column that the file does not have."""
    return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), pa.array([], TEXT))


def always(text: str, rows: int) -> pa.DictionaryArray:
    """A names column that says the same in every row."""
    return constant(text, rows).cast(NAME)


def column_of(table: pa.Table, name: str) -> pa.Array:
    """A column of a parsed table as one array."""
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else pa.array([], column.type)

"""The common CSV: our own format with a header line, for every source that is not a known switch.

docs/formats/common.md is the law.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.columns import Numbers, chosen, integers, milliseconds
from trunkline.usage.decode.formats import (
    TEXT,
    CsvFormat,
    Layout,
    always,
    column_of,
    mark_key,
    no_names,
    read_attempt,
    read_is_last,
    read_numbers,
    read_service,
)
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.records import Draft, Marks
from trunkline.usage.decode.times import Instants, absent, from_text
from trunkline.usage.failure import FileFailed
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.schema import NAME, Service

EXTENSION: Final = "x_"
REQUIRED: Final = ("key", "called", "start")
AMOUNTS: Final = ("duration", "quantity")  # at least one of them
COLUMNS: Final[Mapping[str, pa.DataType]] = {
    **dict.fromkeys(
        (
            "key", "call_id", "attempt", "calling", "called", "start", "answer", "end", "duration", "quantity",
            "pdd_ms", "cause", "sip_code",
        ),
        TEXT,
    ),
    **dict.fromkeys(("is_last", "service", "trunk_in", "trunk_out", "source_ip", "account_code", "sip_user"), NAME),
}  # fmt: skip
_IDENTITIES: Final = ("trunk_in", "trunk_out", "source_ip", "account_code", "sip_user")
_INT32_MAX: Final = 2**31 - 1


class Common(CsvFormat):
    """A header line names the columns, in any order; `x_` columns are carried past."""

    name = "common"
    title = "Trunkline's common CSV"
    has_header = True

    def layout(self, chunk: Chunk) -> Layout:
        if chunk.header is None:
            raise FileFailed(FileFailure.HEADER_CHANGED, "The file has no header line.", hint=_HINT)
        names = read_header(chunk.header)
        return Layout(names, {name: COLUMNS[name] for name in names if not name.startswith(EXTENSION)})

    def read(self, table: pa.Table, profile: SwitchProfile) -> Draft:
        rows = table.num_rows
        text = {name: column_of(table, name) for name in table.column_names}

        def named(name: str) -> pa.Array:
            if name in text:
                return text[name]
            return no_names(rows) if COLUMNS[name] is NAME else pa.nulls(rows, TEXT)

        marks = Marks(rows)
        mark_key(marks, named("key"))
        if "service" in text:
            service = read_service(named("service"), profile.default_service, marks)
        else:
            service = always(profile.default_service.value, rows)
        is_voice = chosen(service, lambda name: name == Service.VOICE)
        start = from_text(named("start"), profile.timezone)
        duration, quantity = _amounts(text, service, marks)
        call_id = named("call_id")
        return Draft(
            marks=marks,
            fields=text,
            key=named("key"),
            call_id=pc.coalesce(call_id, named("key")) if call_id.null_count else call_id,
            attempt=read_attempt(named("attempt"), np.ones(rows, dtype=np.int64), marks),
            is_last=read_is_last(named("is_last"), marks),
            service=service,
            is_voice=is_voice,
            needs_number=is_voice | chosen(service, lambda name: name == Service.SMS),
            **read_numbers(named("calling"), named("called"), profile),
            start=start,
            answer=_answer(text, start, duration, profile),
            end=from_text(text["end"], profile.timezone) if "end" in text else absent(rows),
            derives_end=True,
            duration=duration,
            quantity=quantity,
            pdd_ms=integers(named("pdd_ms")).within(0, _INT32_MAX),
            names={name: text[name] for name in _IDENTITIES if name in text},
            cause=integers(named("cause")).within(1, 127),
            sip_code=integers(named("sip_code")).within(100, 699),
        )


def _answer(text: Mapping[str, pa.Array], start: Instants, duration: Numbers, profile: SwitchProfile) -> Instants:
    """A file without answers starts its records at the answer."""
    if "answer" in text:
        return from_text(text["answer"], profile.timezone)
    return Instants(start.ms, start.is_known & (duration.values > 0), np.zeros_like(start.status), start.resolution_ms)


def _amounts(text: Mapping[str, pa.Array], service: pa.DictionaryArray, marks: Marks) -> tuple[Numbers, Numbers | None]:
    """Connected milliseconds and units. A call without a duration lasts its quantity; a message or event counts one."""
    rows = len(service)
    is_voice = chosen(service, lambda name: name == Service.VOICE)
    is_single = chosen(service, lambda name: name in {Service.SMS, Service.EVENT})
    nothing = Numbers(np.zeros(rows, np.int64), np.zeros(rows, np.bool_), np.ones(rows, np.bool_))
    duration = milliseconds(text["duration"]) if "duration" in text else nothing
    quantity = integers(text["quantity"]) if "quantity" in text else nothing
    lacks = ~duration.is_present & ~quantity.is_present & is_voice
    marks.mark(lacks, Reason.FIELD_COUNT, lambda row: "duration and quantity are empty.")
    marks.mark(~quantity.is_present & ~is_voice & ~is_single, Reason.FIELD_COUNT, lambda row: "quantity is empty.")
    from_quantity = is_voice & ~duration.is_present & quantity.is_present
    duration = Numbers(
        np.where(from_quantity, np.clip(quantity.values, -(10**15), 10**15) * 1000, duration.values),
        duration.is_present | from_quantity,
        duration.is_readable,
    )
    one = is_single & ~quantity.is_present
    if not quantity.is_present.any() and not one.any():
        return duration, None
    return duration, Numbers(np.where(one, 1, quantity.values), quantity.is_present | one, quantity.is_readable)


_HINT: Final = "See docs/formats/common.md."


@lru_cache(maxsize=256)
def read_header(header: bytes) -> tuple[str, ...]:
    """The column names of a header line, in lower case. Raises FileFailed `header_changed` that names the faults."""
    try:
        line = header.decode()
        names = tuple(name.strip().lower() for name in next(csv.reader([line], strict=True), []))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFailed(FileFailure.HEADER_CHANGED, f"The header line cannot be read: {error}.", hint=_HINT) from error
    faults = _header_faults(names)
    if faults:
        if len(names) == 1 and (found := next((sign for sign in ";\t|" if sign in line), None)):
            faults = [f"its columns are separated by {found!r}, not by commas"]
        raise FileFailed(
            FileFailure.HEADER_CHANGED, f"The header is not the format's: {'; '.join(faults)}.", hint=_HINT
        )
    return names


def _header_faults(names: tuple[str, ...]) -> list[str]:
    faults = []
    if missing := [name for name in REQUIRED if name not in names]:
        faults.append(f"missing {', '.join(missing)}")
    if not any(name in names for name in AMOUNTS):
        faults.append(f"missing {' or '.join(AMOUNTS)}")
    if unknown := [name for name in names if name not in COLUMNS and not name.startswith(EXTENSION)]:
        faults.append(f"unknown {', '.join(repr(name[:64]) for name in unknown[:20])}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        faults.append(f"twice {', '.join(twice)}")
    return faults

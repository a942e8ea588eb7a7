"""How fast each format is decoded alone: records of the length that its switch writes, from the file to canonical tables.

Legs of calls are joined as they are when a file is loaded. Measured in one process, and in two at once as large files are
(`usage.crew`), which keep freed memory as those do, each on a half of the records.
A file that would be larger than a disk likes is written once and read as often as it takes.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from trunkline.simulate import samples
from trunkline.usage.crew import KEPT_PAGES, prepare_part, settle_part
from trunkline.usage.decode import SwitchProfile, chunks, get_format, open_source
from trunkline.usage.decode.assembly import decoded_chunks
from trunkline.usage.opening import MIB

FILE_OCTETS_MAX: Final = 384 * MIB
PAIRED: Final = frozenset({"freeswitch_json", "freeswitch_xml", "radius_detail", "cisco_cube", "kamailio_acc"})
MUST_REACH: Final = {True: 100_000, False: 300_000}  # records a second, of documents and paired legs, and of lines
PROFILE: Final = SwitchProfile(received_at=datetime(2026, 3, 10, tzinfo=UTC))
CORES: Final = 2
WARM_RECORDS: Final = 500  # that each process decodes before it is measured


def run(*, records: int = 1_000_000, only: str = "") -> dict[str, Any]:
    """Records a second by format: the larger of one process and two, and one alone. `only`: one format."""
    figures: dict[str, Any] = {}
    passed = True
    with TemporaryDirectory() as folder, _crew() as crew:
        for name in [only] if only else samples.NAMES:
            path = Path(folder) / name
            written, octets = write(path, name, records)
            passes = max(1, round(records / written))
            decoded = decode(name, path, 1)  # what is loaded and compiled once
            if decoded[1] != written:
                raise RuntimeError(f"{name}: {written} records became {decoded[1]}")
            one = records_per_s(decode(name, path, passes))
            half = max(1, passes // CORES)
            small = Path(folder) / f"{name}.small"
            write(small, name, WARM_RECORDS)
            for warm in [crew.submit(decode, name, small, 1) for _ in range(2 * CORES)]:
                warm.result()
            begin = perf_counter()
            counts = [each.result()[1] for each in [crew.submit(decode, name, path, half) for _ in range(CORES)]]
            two = round(sum(counts) / (perf_counter() - begin))
            path.unlink()
            passed &= max(one, two) >= MUST_REACH[name in PAIRED]
            figures |= {name: max(one, two), f"{name}_one_process": one, f"{name}_octets_a_record": octets // written}
    return {"passed": passed, **figures}


def _crew() -> ProcessPoolExecutor:
    """As many processes as cores, with the settings of a crew."""
    os.environ.update(KEPT_PAGES)  # that they are started with
    return ProcessPoolExecutor(CORES, multiprocessing.get_context("spawn"), initializer=settle_part)


def write(path: Path, name: str, records: int) -> tuple[int, int]:
    """Writes up to so many records, as many as the largest file takes. How many, and their octets."""
    written = octets = 0
    with path.open("wb") as file:
        file.write(samples.head(name))
        for block in samples.blocks(name, records):
            file.write(block)
            octets += len(block)
            written += min(samples.BLOCK, records - written)
            if octets > FILE_OCTETS_MAX:
                break
    return written, octets


def decode(name: str, path: Path, passes: int) -> tuple[float, int]:
    """Decodes a file so often. Seconds, and the records that were read: events, rejects and what is passed over."""
    form = get_format(name)
    prepare_part(passes * path.stat().st_size, has_documents=form.framing is not None)  # as in a crew
    begin = perf_counter()
    seen = 0
    for _ in range(passes):
        with open_source(path) as source:
            pieces = chunks(source, has_header=form.has_header, framing=form.framing)
            for _, decoded in decoded_chunks(pieces, form, PROFILE):
                if decoded.rejects.num_rows:
                    raise RuntimeError(f"{name}: {decoded.rejects.slice(0, 1).to_pylist()}")
                seen += decoded.events.num_rows + decoded.skipped
    return perf_counter() - begin, seen


def records_per_s(measured: tuple[float, int]) -> int:
    """What `decode` measured, as a figure."""
    seconds, seen = measured
    return round(seen / seconds)

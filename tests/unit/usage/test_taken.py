"""Duplicates: the worked table of docs/algorithms/duplicates.md, and agreement with a plain dictionary on generated files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from trunkline.usage import taken
from trunkline.usage.fates import Fate
from trunkline.usage.schema import EVENTS
from trunkline.usage.store import DAY_MS, SegmentWriter
from trunkline.usage.taken import TakenKeys, key_columns, rebuild_key_index, state_claim

MARCH_2 = datetime(2026, 3, 2, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    key: str
    called: str
    start: datetime
    seconds: int


@dataclass(frozen=True)
class Stored:
    id: int
    path: Path
    rows: int
    day: date


def events_of(records: list[Record], first_line: int = 1) -> pa.Table:
    rows = [
        {
            "line": first_line + number,
            "key": record.key,
            "call_id": record.key,
            "attempt": 1,
            "is_last": True,
            "service": "voice",
            "calling_raw": "",
            "called_raw": record.called,
            "calling": "",
            "called": record.called,
            "start": record.start,
            "answer": None,
            "end": record.start,
            "duration_ms": record.seconds * 1000,
            "quantity": record.seconds,
        }
        for number, record in enumerate(records)
    ]
    return pa.Table.from_pylist(rows, schema=EVENTS).combine_chunks()


class Books:
    """Stored segments of one switch, written by the real writer."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.segments: list[Stored] = []
        self.batches = 0

    def find(self, first: date, last: date) -> list[Stored]:
        return [segment for segment in self.segments if first <= segment.day <= last]

    def load(self, records: list[Record], *, chunk: int = 1000, doubtful: frozenset[int] = frozenset()) -> list[str]:
        """Sift one file chunk by chunk, keep what is new, and say what became of each record."""
        self.batches += 1
        scratch = self.scratch / f"batch-{self.batches}"
        scratch.mkdir(parents=True)
        keys = TakenKeys(find_segments=self.find, window_days=3, expected_rows=len(records), doubtful=doubtful)
        writer = SegmentWriter(
            tenant_id=1, batch_id=self.batches, attempt=1, part=0, kind="rated", received_on=date(2026, 3, 2)
        )
        fates: list[str] = []
        for first in range(0, len(records), chunk):
            events = events_of(records[first : first + chunk], first + 1)
            columns = key_columns(events)
            days = events["start"].cast(pa.int64()).to_numpy() // DAY_MS
            reached = (int(days.min()), int(days.max())) if len(days) else None
            nothing = [pa.array([], pa.string())]
            claim = state_claim(first, scratch / f"keys-{first}.arrow", events, columns, nothing, reached)
            judged = keys.judge(claim)
            chunk_fates = np.array(["new", "duplicate", "conflict"], dtype=object)[judged]
            is_new = judged == Fate.NEW
            fates += chunk_fates.tolist()
            writer.add(as_segment(events.filter(pa.array(is_new))), columns.take(is_new))
        collisions = keys.collisions()
        if collisions:
            writer.abandon()
            return self.load(records, chunk=chunk, doubtful=doubtful | collisions)
        from trunkline.kit.home import home

        for written in writer.finish():
            self.segments.append(Stored(len(self.segments) + 1, home() / written.path, written.rows, written.day))
        return fates


def as_segment(events: pa.Table) -> pa.Table:
    from trunkline.usage.store import RATED

    size = len(events)
    columns = [
        events[field.name]
        if field.name in events.column_names
        else pa.array([0] * size, field.type)
        if not field.nullable
        else pa.nulls(size, field.type)
        for field in RATED
    ]
    return pa.table(columns, schema=RATED)


@pytest.fixture
def make_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Books]:
    count = 0

    def make() -> Books:
        nonlocal count
        count += 1
        folder = tmp_path / f"books-{count}"
        monkeypatch.setenv("TRUNKLINE_HOME", str(folder))
        return Books(folder / "tmp")

    return make


def worked_table() -> Iterator[tuple[str, Record, str]]:
    for line in (ROOT / "docs/algorithms/duplicates.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[1].startswith("k"):
            if cells[1] == "key":
                continue
            file, key, called, start, seconds, fate = cells
            yield file, Record(key, called, datetime.fromisoformat(start), int(seconds)), fate


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_the_worked_table(make_books: Callable[[], Books], chunk: int) -> None:
    books = make_books()
    rows = list(worked_table())
    assert len(rows) == 10
    for file in ("a", "b", "c"):
        wanted = [(record, fate) for name, record, fate in rows if name == file]
        assert books.load([record for record, _ in wanted], chunk=chunk) == [fate for _, fate in wanted]


def test_the_same_file_again_is_all_duplicates(make_books: Callable[[], Books]) -> None:
    books = make_books()
    records = [Record(f"k{number}", f"4477{number:08d}", MARCH_2, number % 7) for number in range(5000)]
    assert books.load(records, chunk=700) == ["new"] * 5000
    assert books.load(records, chunk=999) == ["duplicate"] * 5000


def test_a_key_index_can_be_dropped_and_made_again(make_books: Callable[[], Books]) -> None:
    books = make_books()
    records = [Record(f"k{number}", "447700900001", MARCH_2, 1) for number in range(300)]
    books.load(records)
    for segment in books.segments:
        index = segment.path.with_name(segment.path.name + ".keys")
        before = index.read_bytes()
        index.unlink()
        rebuild_key_index(segment.path)
        assert index.read_bytes() == before
        index.unlink()
    assert books.load(records) == ["duplicate"] * 300


def test_records_beyond_the_window_are_not_compared(make_books: Callable[[], Books]) -> None:
    books = make_books()
    books.load([Record("k", "447700900001", MARCH_2, 1)])
    assert books.load([Record("k", "447700900001", datetime(2026, 3, 6, tzinfo=UTC), 1)]) == ["new"]
    assert books.load([Record("k", "447700900001", datetime(2026, 3, 5, tzinfo=UTC), 1)]) == ["conflict"]


RECORDS = st.lists(
    st.builds(
        Record,
        key=st.sampled_from([f"k{n}" for n in range(12)]),
        called=st.sampled_from(["447700900001", "447700900002"]),
        start=st.just(MARCH_2),
        seconds=st.integers(0, 1),
    ),
    max_size=40,
)


def by_dictionary(files: list[list[Record]]) -> list[list[str]]:
    seen: dict[str, Record] = {}
    fates = []
    for records in files:
        fates.append([])
        for record in records:
            first = seen.setdefault(record.key, record)
            fates[-1].append("new" if first is record else "duplicate" if first == record else "conflict")
    return fates


@pytest.mark.slow
@given(files=st.lists(RECORDS, min_size=1, max_size=3), chunk=st.integers(1, 9))
def test_agrees_with_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Record]], chunk: int
) -> None:
    folder = tmp_path_factory.mktemp("books")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUNKLINE_HOME", str(folder))
        books = Books(folder / "tmp")
        files = [[Record(r.key, r.called, r.start, r.seconds) for r in records] for records in files]
        assert [books.load(records, chunk=chunk) for records in files] == by_dictionary(files)


@given(files=st.lists(RECORDS, min_size=1, max_size=3), chunk=st.integers(1, 9))
def test_full_keys_decide_where_hashes_collide(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Record]], chunk: int
) -> None:
    """With a hash of two bits nearly every pair of keys collides, and the answers are the same."""

    def weak(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
        texts = column.to_pylist()
        return np.array([(sum(map(ord, text)) % 4) << 62 if text is not None else 1 << 61 for text in texts], np.uint64)

    folder = tmp_path_factory.mktemp("books")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUNKLINE_HOME", str(folder))
        real = taken.hash_text
        patch.setattr(taken, "key_hash", weak)
        assert taken.hash_text is real
        books = Books(folder / "tmp")
        files = [[Record(r.key, r.called, r.start, r.seconds) for r in records] for records in files]
        assert [books.load(records, chunk=chunk) for records in files] == by_dictionary(files)

"""Finding records and rejects in the live segments."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.reports.records import AT, START, make_account, make_batch, make_segment, record, reject
from trunkline.core.errors import Invalid
from trunkline.engine.keyhash import hash_text
from trunkline.kit.db.scope import ScopeError
from trunkline.tenancy.scope import scope
from trunkline.usage import number_index, search
from trunkline.usage.models import Segment
from trunkline.usage.number_index import (
    NamedRows,
    find_rows,
    find_rows_beginning,
    index_path,
    number_beginning,
    number_entries,
    number_hash,
    rebuild_number_index,
)
from trunkline.usage.search import NumberPattern, RejectPlace, group_rejects, list_rejects, parse_number, search_records
from trunkline.usage.segments import SegmentsMoved, connect, live_segments, retry_when_moved, watch
from trunkline.usage.store import RATED

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START_MS = round(START.timestamp()) * 1000


def keys(**asked: Any) -> list[str]:
    return [each["key"] for each in search_records(**asked).records]


def path_of(segment: Segment, data_folder: Path) -> Path:
    return data_folder / segment.path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("254712000001", NumberPattern("254712000001", is_prefix=False)),
        ("+254 712-000.001", NumberPattern("254712000001", is_prefix=False)),
        (" (254)712* ", NumberPattern("254712", is_prefix=True)),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, expected: NumberPattern) -> None:
    assert parse_number(text) == expected


@pytest.mark.parametrize("text", ["", "*", "+", "25471x", "2547*1", "٢٥٤", "1" * 65, "' OR 1=1 --"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_number(text)
    assert caught.value.code == "bad_number"


def test_a_number_is_found_whichever_side_of_the_call_it_is_on_newest_first(in_scope: Any) -> None:
    make_segment(
        [
            record(key="1", calling="254700000001", called="442070000001", start=START),
            record(key="2", calling="254700000002", called="254700000001", start=START + HOUR),
            record(key="3", calling="254700000002", called="442070000001", start=START + 2 * HOUR),
        ]
    )
    make_segment(
        [record(key="4", calling="254700000001", called="254700000001", start=START + 24 * HOUR)], name="batch-2-1-0"
    )
    assert keys(number="254700000001") == ["4", "2", "1"]
    assert keys(number="+254 700 000 001") == ["4", "2", "1"]
    assert keys(number="254700000009") == []
    assert keys(number="25470000000") == []


def test_a_prefix_finds_numbers_that_begin_with_it(in_scope: Any) -> None:
    make_segment(
        [
            record(key="1", calling="2547", called="1", start=START),
            record(key="2", calling="1", called="25479", start=START + HOUR),
            record(key="3", calling="2548", called="2546", start=START + 2 * HOUR),
            record(key="4", calling="", called="254799", start=START + 3 * HOUR),
        ]
    )
    assert keys(number="2547*") == ["4", "2", "1"]
    assert keys(number="25479*") == ["4", "2"]
    assert keys(number="254*", start_to=START + 3 * HOUR) == ["3", "2", "1"]
    assert keys(number="9*") == []


def test_an_accounts_day_is_both_of_its_sides(in_scope: Any) -> None:
    make_segment(
        [
            record(key="sold", sell=(7, "1"), buy=(8, "1"), start=START),
            record(key="bought", sell=(8, "1"), buy=(7, "1"), start=START + HOUR),
            record(key="attempt", sell_account_id=7, is_last=False, start=START + 2 * HOUR),
            record(key="another's", sell=(9, "1"), start=START),
        ]
    )
    make_segment([record(key="next day", sell=(7, "1"), start=datetime(2026, 3, 2, tzinfo=UTC))], name="next")
    day, next_day = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert keys(account_id=7, start_from=day, start_to=next_day) == ["attempt", "bought", "sold"]
    assert keys(account_id=7, start_from=next_day) == ["next day"]
    assert keys(account_id=7, number="442070000001", start_to=START + HOUR) == ["sold"]


def test_the_end_of_the_time_is_not_included(in_scope: Any) -> None:
    make_segment([record(key=str(n), start=START + n * timedelta(milliseconds=1)) for n in range(4)])
    second = timedelta(milliseconds=1)
    assert keys(start_from=START + second, start_to=START + 3 * second) == ["2", "1"]


def test_the_limit_keeps_the_newest_and_says_that_there_are_more(
    in_scope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FILES_AT_ONCE", 2)
    for day in range(5):
        rows = [record(key=f"{day}-{n}", start=START + timedelta(days=day, hours=n)) for n in range(3)]
        make_segment(rows, name=f"batch-{day}-1-0")
    found = search_records(number="254700000001", limit=4)
    assert ([each["key"] for each in found.records], found.is_complete) == (["4-2", "4-1", "4-0", "3-2"], False)
    found = search_records(number="2547*", limit=15)
    assert (len(found.records), found.is_complete) == (15, True)


def test_segments_whose_times_overlap_are_merged(in_scope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FILES_AT_ONCE", 1)
    make_segment([record(key="a0", start=START), record(key="a9", start=START + 9 * HOUR)], name="a")
    make_segment([record(key="b1", start=START + HOUR), record(key="b8", start=START + 8 * HOUR)], name="b")
    make_segment([record(key="c7", start=START + 7 * HOUR)], name="c")
    assert keys(number="254700000001", limit=3) == ["a9", "b8", "c7"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    segments=st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from([7, 8])), min_size=1, max_size=10), max_size=4
    ),
    slice_rows=st.integers(1, 8),
    growth=st.integers(2, 4),
    limit=st.integers(1, 12),
    bounds=st.tuples(st.none() | st.integers(0, 40), st.none() | st.integers(0, 40)),
)
def test_however_time_is_sliced_the_newest_are_found(
    in_scope: Any,
    segments: list[list[tuple[int, int]]],
    slice_rows: int,
    growth: int,
    limit: int,
    bounds: tuple[int | None, int | None],
) -> None:
    Segment.objects.all().delete()
    rows = []
    for name, starts in enumerate(segments):
        made = [
            record(key=f"{name}-{row}", sell=(account, "1"), start=START + timedelta(milliseconds=start))
            for row, (start, account) in enumerate(starts)
        ]
        make_segment(made, name=f"batch-{name}", has_index=False)
        rows += made
    begin, end = (None if bound is None else START + timedelta(milliseconds=bound) for bound in bounds)
    wanted = [
        row["start"]
        for row in sorted(rows, key=lambda row: row["start"], reverse=True)
        if row["sell_account_id"] == 7
        and (begin is None or begin <= row["start"])
        and (end is None or row["start"] < end)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "SLICE_ROWS", slice_rows)
        patch.setattr(search, "SLICE_GROWTH", growth)
        found = search_records(account_id=7, start_from=begin, start_to=end, limit=limit)
        pages = [found]
        while pages[-1].last is not None:
            pages.append(
                search_records(account_id=7, start_from=begin, start_to=end, limit=limit, after=pages[-1].last)
            )
        whole = search_records(account_id=7, start_from=begin, start_to=end, limit=1000)
    assert [each["start"] for each in found.records] == wanted[:limit]
    assert found.is_complete == (len(wanted) <= limit)
    assert [each["key"] for page in pages for each in page.records] == [each["key"] for each in whole.records]
    assert [len(page.records) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_one_goes_on_behind_a_record_though_others_came_meanwhile(in_scope: Any) -> None:
    make_segment([record(key=str(n), start=START + n * HOUR) for n in range(4)], name="a")
    found = search_records(number="254700000001", limit=2)
    assert [each["key"] for each in found.records] == ["3", "2"]
    make_segment([record(key=f"new {n}", start=START + n * HOUR) for n in range(6)], name="b")
    assert keys(number="254700000001", after=found.last) == ["new 1", "1", "new 0", "0"]


def test_a_search_is_narrowed_by_side_cause_and_switch(in_scope: Any) -> None:
    make_segment(
        [
            record(key="sold", sell=(7, "1"), buy=(8, "1"), cause=16, sip_code=200),
            record(key="bought", sell=(8, "1"), buy=(7, "1"), cause=17, sip_code=486),
            record(key="unknown", sell=(7, "1")),
        ]
    )
    assert keys(account_id=7, side="sell") == ["unknown", "sold"]
    assert keys(account_id=7, side="buy") == ["bought"]
    assert keys(account_id=7, cause=17) == ["bought"]
    assert keys(account_id=7, sip_code=200) == ["sold"]
    assert keys(account_id=7, cause=16, sip_code=486) == []
    assert len(keys(account_id=7, switch_id=make_batch("other").switch_id)) == 3
    assert keys(account_id=7, switch_id=0) == []


def test_no_more_is_read_than_the_limit_needs(in_scope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SLICE_ROWS", 2)
    monkeypatch.setattr(search, "SLICE_GROWTH", 2)
    for day in range(4):
        rows = [record(key=f"{day}-{n}", sell=(7, "1"), start=START + timedelta(days=day, hours=n)) for n in range(2)]
        make_segment(rows, name=f"batch-{day}")
    read: list[str] = []
    file = search._file

    def note(candidate: Any) -> str:
        read.append(candidate.segment.path.stem)
        return file(candidate)

    monkeypatch.setattr(search, "_file", note)
    assert keys(account_id=7, limit=1) == ["3-1"]
    assert set(read) == {"batch-3"}
    assert keys(account_id=7, limit=3) == ["3-1", "3-0", "2-1"]
    assert set(read) == {"batch-3", "batch-2"}
    read.clear()
    assert keys(account_id=8) == []
    assert sorted(read) == ["batch-0", "batch-1", "batch-2", "batch-3"]  # each of them once


def test_a_record_comes_with_its_columns(in_scope: Any) -> None:
    make_segment(
        [record(key="1", sell=(7, "0.12345678"), buy=(8, "0.1"), answer=START + timedelta(seconds=2), cause=16)]
    )
    (shown,) = search_records(number="442070000001", columns=["start", "answer", "sell_amount", "cause"]).records
    assert shown == {
        "start": START,
        "answer": START + timedelta(seconds=2),
        "sell_amount": record(sell=(7, "0.12345678"))["sell_amount"],
        "cause": 16,
    }
    (whole,) = search_records(number="442070000001", columns=None).records
    assert list(whole) == RATED.names
    assert (whole["end"], whole["buy_tariff_id"]) == (START + timedelta(seconds=60), None)


def test_without_an_index_or_with_one_of_another_file_the_segment_is_scanned(in_scope: Any, data_folder: Path) -> None:
    bare = make_segment([record(key="bare")], name="bare", has_index=False)
    wrong = make_segment([record(key="wrong", start=START + HOUR)], name="wrong")
    other = make_segment([record(key="x", called="1", calling="2"), record(key="y", called="3")], name="other")
    empty = make_segment([record(key="empty", start=START + 2 * HOUR)], name="empty")
    index_path(path_of(wrong, data_folder)).write_bytes(index_path(path_of(other, data_folder)).read_bytes())
    index_path(path_of(empty, data_folder)).write_bytes(b"")
    assert find_rows(path_of(bare, data_folder), "442070000001") is None
    assert keys(number="442070000001") == ["empty", "wrong", "bare"]
    rebuild_number_index(path_of(bare, data_folder))
    assert find_rows(path_of(bare, data_folder), "442070000001", rows=1) == NamedRows([0], [START_MS, START_MS])


def test_a_number_of_very_many_records_is_found_by_a_scan(in_scope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "ROWS_LISTED_MAX", 2)
    make_segment([record(key=str(n), start=START + n * HOUR) for n in range(4)])
    assert keys(number="442070000001") == ["3", "2", "1", "0"]


def test_two_numbers_of_one_hash_are_told_apart(
    in_scope: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_segment([record(key="1")])
    monkeypatch.setattr(search, "find_rows", lambda *_args, **_named: NamedRows([0], [START_MS, START_MS]))
    assert keys(number="442070000002") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40), min_size=1))
def test_the_hash_of_one_number_is_that_of_the_column(numbers: list[str]) -> None:
    assert [number_hash(each) for each in numbers] == hash_text(pa.array(numbers, pa.string())).tolist()


TEXTS = st.lists(st.one_of(st.none(), st.text("0123456789", max_size=16), st.text(max_size=9)), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.booleans(), st.integers(0, 3))
def test_the_beginning_of_one_number_is_that_of_the_column(
    numbers: list[str | None], is_dictionary: bool, first: int
) -> None:
    column = pa.array([*[None] * first, *numbers], pa.string())[first:]
    told = column.dictionary_encode() if is_dictionary else column
    entries = number_entries(told, pa.nulls(len(column), pa.string()), 0)
    found = {int(entry) & 0xFFFFFFFF: int(entry) >> 44 for entry in entries}
    assert found == {row: number_beginning(number) for row, number in enumerate(numbers) if number}


@pytest.mark.parametrize("digits", ["2", "25470", "254700", "2547000", "254700000001", "99"])
@pytest.mark.parametrize("most", [1_000, 1, 0])
def test_numbers_that_begin_alike_are_the_same_by_index_and_by_scan(
    in_scope: Any, monkeypatch: pytest.MonkeyPatch, digits: str, most: int
) -> None:
    called = ["254700000001", "254700000002", "2547", "25", "254701", "442070000001", "254799"]
    rows = [record(key=str(n), called=each, calling="", start=START + n * HOUR) for n, each in enumerate(called)]
    make_segment(rows)
    make_segment([record(key="calling", called="1", calling="254700000001", start=START - HOUR)], name="other")
    monkeypatch.setattr(search, "ROWS_BEGINNING_MAX", most)
    wanted = [str(n) for n, each in reversed(list(enumerate(called))) if each.startswith(digits)]
    wanted += ["calling"] if "254700000001".startswith(digits) else []
    assert keys(number=f"{digits}*", start_from=START - 2 * HOUR) == wanted


def test_an_index_says_where_numbers_begin_alike(in_scope: Any, data_folder: Path) -> None:
    called = ["254700000001", "254701000001", "2547", "442070000001"]
    rows = [record(key=str(n), called=each, calling="", start=START + n * HOUR) for n, each in enumerate(called)]
    path = path_of(make_segment(rows), data_folder)
    found = {}
    for each in ("2547", "254701", "25470", "9", "254"):
        named = find_rows_beginning(path, each, rows=4, most=3)
        assert named is not None
        found[each] = named.rows
    assert found == {"2547": [0, 1, 2], "254701": [1], "25470": [0, 1, 2], "9": [], "254": [0, 1, 2]}
    assert find_rows_beginning(path, "2547", rows=4, most=2) is None
    assert find_rows_beginning(path, "2547", rows=5, most=3) is None


@pytest.mark.parametrize("size", [1, 2, 5, 8_192])
def test_an_index_says_between_which_instants_its_rows_lie(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_index, "BLOCK_ROWS", size)
    starts = np.random.default_rng(size).integers(0, 100, 23)
    times = number_index.BlockTimes()
    for part in np.split(starts, [0, 3, 4, 11, 22]):
        times.add(part)
    whole = [starts[low : low + size] for low in range(0, len(starts), size)]
    assert times == number_index.BlockTimes(23, [part.min() for part in whole], [part.max() for part in whole])


def test_pages_of_a_number_are_the_newest_first_wherever_they_lie(
    in_scope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (number_index, search):
        monkeypatch.setattr(module, "BLOCK_ROWS", 3)
    draws = random.Random(7)
    expected = []
    for name in ("first", "second", "third"):
        minutes = [draws.randrange(90) for _ in range(40)]
        rows = [
            record(
                key=f"{name}-{n}",
                calling="",
                called=draws.choice(("254700000001", "254700000002", "44")),
                start=START + minute * MINUTE,
                sell=(draws.choice((7, 8)), "1"),
            )
            for n, minute in enumerate(minutes)
        ]
        make_segment(rows, name=name)
        expected += rows
    for asked in (
        {"number": "254700000001"},
        {"number": "2547*"},
        {"number": "2547*", "account_id": 7},
        {"number": "2547*", "start_from": START + 20 * MINUTE, "start_to": START + 50 * MINUTE},
    ):
        fits = [
            row
            for row in expected
            if row["called"].startswith(str(asked["number"]).rstrip("*"))
            and row["sell_account_id"] in (asked.get("account_id", 7), asked.get("account_id", 8))
            and START + (20 if "start_from" in asked else 0) * MINUTE <= row["start"]
            and row["start"] < START + (50 if "start_to" in asked else 90) * MINUTE
        ]
        for limit in (1, 4, 200):
            told: list[Any] = []
            after = None
            while True:
                found = search_records(**asked, columns=["key", "start"], limit=limit, after=after)  # type: ignore[arg-type]
                told += found.records
                if found.is_complete:
                    break
                after = found.last
            assert sorted(each["key"] for each in told) == sorted(row["key"] for row in fits)
            assert [each["start"] for each in told] == sorted((row["start"] for row in fits), reverse=True)


def test_superseded_segments_are_not_found(in_scope: Any) -> None:
    make_segment([record(key="old")], name="old", state="superseded", superseded_at=AT)
    make_segment([record(key="new")], name="new")
    assert keys(number="442070000001") == ["new"]


def test_another_tenants_records_are_not_found(tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        make_segment([record(key="ours")])
    with scope(other_tenant, "test"):
        assert keys(number="442070000001") == []
        assert live_segments() == []
    with scope(tenant, "test"):
        assert keys(number="442070000001") == ["ours"]
    with pytest.raises(ScopeError):
        search_records(number="442070000001")


def test_a_search_asks_for_something_and_for_a_sane_limit(in_scope: Any) -> None:
    cases: list[tuple[dict[str, Any], str]] = [({}, "nothing_asked"), ({"number": "1", "limit": 0}, "bad_limit")]
    for asked, code in cases:
        with pytest.raises(Invalid) as caught:
            search_records(**asked)
        assert caught.value.code == code
    assert keys(number="1") == []


def test_live_segments_are_what_counts_now_or_counted_then(in_scope: Any, data_folder: Path) -> None:
    old = make_segment([record()], name="old", state="superseded", superseded_at=AT + HOUR)
    new = make_segment([record()], name="new", created_at=AT + HOUR)
    next_day = make_segment([record(start=START + 24 * HOUR)], name="next", created_at=AT)

    def ids(**asked: Any) -> list[int]:
        return [each.id for each in live_segments(**asked)]

    assert ids() == [new.pk, next_day.pk]
    assert ids(as_of=AT) == [old.pk, next_day.pk]
    assert ids(as_of=AT + HOUR) == [new.pk, next_day.pk]
    assert ids(as_of=AT - HOUR) == []
    assert ids(day_from=date(2026, 3, 2)) == [next_day.pk]
    assert ids(day_to=date(2026, 3, 2)) == [new.pk]
    assert ids(start_from=START, start_to=START) == []
    assert ids(start_from=START, start_to=START + timedelta(microseconds=1)) == [new.pk]
    assert ids(start_from=START + HOUR) == [next_day.pk]
    assert ids(switch_id=new.switch_id) == [new.pk, next_day.pk]
    assert ids(switch_id=0) == []
    assert ids(kind="reject") == []
    (first, _) = live_segments()
    assert (first.path, first.day, first.rows) == (data_folder / new.path, date(2026, 3, 1), 1)
    assert (first.min_start, first.max_start) == (START, START)


def test_duckdb_reaches_the_listed_files_and_nothing_else(in_scope: Any, data_folder: Path) -> None:
    import duckdb

    ours = path_of(make_segment([record(key="1")], name="it's"), data_folder)
    other = path_of(make_segment([record(key="2")], name="other"), data_folder)
    with connect([ours]) as connection:
        assert connection.sql("SELECT key FROM segments").fetchall() == [("1",)]
        assert "day" not in connection.sql("SELECT * FROM segments").columns
        for query in (
            f"SELECT * FROM read_parquet('{other}')",
            f"COPY (SELECT 1) TO '{data_folder}/out.csv'",
            "SELECT * FROM glob('/*')",
            f"ATTACH '{data_folder}/x.db' AS x",
            "SET threads = 1",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                connection.sql(query).fetchall()
    with connect([]) as connection:
        assert connection.sql("SELECT * FROM segments").columns == RATED.names
        assert connection.sql("SELECT count(*), sum(sell_amount) FROM segments").fetchall() == [(0, None)]


def test_a_reader_whose_file_is_gone_asks_the_catalogue_again(in_scope: Any, data_folder: Path) -> None:
    old = make_segment([record(key="old")], name="old")
    make_segment([record(key="new")], name="new", state="superseded", superseded_at=AT)
    seen = []

    def work() -> list[tuple[str]]:
        paths = [each.path for each in live_segments()]
        seen.append([path.stem for path in paths])
        if len(seen) == 1:
            # Between the catalogue and the file, a re-rating commits and the old file is swept.
            path_of(old, data_folder).unlink()
            Segment.objects.filter(pk=old.pk).update(state="superseded", superseded_at=AT)
            Segment.objects.exclude(pk=old.pk).update(state="live", superseded_at=None)
        with watch(paths), connect(paths) as connection:
            return connection.sql("SELECT key FROM segments").fetchall()

    assert retry_when_moved(work) == [("new",)]
    assert seen == [["old"], ["new"]]


def test_a_live_file_that_is_lost_is_said(in_scope: Any, data_folder: Path) -> None:
    lost = make_segment([record()])
    path_of(lost, data_folder).unlink()
    index_path(path_of(lost, data_folder)).unlink()
    with pytest.raises(SegmentsMoved) as caught:
        search_records(number="442070000001")
    assert caught.value.code == "segments_moved"
    assert str(path_of(lost, data_folder)) in caught.value.message


def test_rejects_are_grouped_by_reason_and_prefix_with_an_example(in_scope: Any) -> None:
    make_segment(
        [
            reject(line=5, called="2547001", raw="five"),
            reject(line=2, called="2547002", raw="two", detail="trunk_in b"),
            reject(line=9, called="4420", raw="nine"),
            reject(line=3, called=None, reason="field_count", detail="4 fields", raw="a,b,c,d"),
            reject(line=4, called="25", raw="four", batch_id=0),
        ],
        kind="reject",
        day=date(2026, 3, 1),
    )
    make_segment([reject(line=1, called="2549", batch_id=2, raw="one")], kind="reject", name="r2", day=date(2026, 3, 1))
    groups = [(g.reason, g.prefix, g.rejects, g.batch_id, g.line, g.detail, g.raw) for g in group_rejects()]
    assert groups == [
        ("unknown_sell", "254", 3, 1, 2, "trunk_in b", "two"),
        ("field_count", "", 1, 1, 3, "4 fields", "a,b,c,d"),
        ("unknown_sell", "25", 1, 0, 4, "trunk_in t", "four"),
        ("unknown_sell", "442", 1, 1, 9, "trunk_in t", "nine"),
    ]
    shorter = [(g.reason, g.prefix, g.rejects) for g in group_rejects(prefix_digits=2, reason="unknown_sell")]
    assert shorter == [("unknown_sell", "25", 4), ("unknown_sell", "44", 1)]
    assert [(g.prefix, g.rejects) for g in group_rejects(batch_id=2)] == [("254", 1)]


def test_rejects_are_listed_by_reason_number_batch_and_time(in_scope: Any) -> None:
    make_segment(
        [
            reject(line=1, called="2547001", start=START),
            reject(line=2, called="2547002", start=START + HOUR, reason="no_rate_sell", service="voice"),
            reject(line=3, reason="bad_encoding"),
        ],
        kind="reject",
        day=date(2026, 3, 1),
    )
    second = make_batch("b.csv")
    make_segment([reject(line=7, batch_id=2)], kind="reject", name="r2", day=date(2026, 3, 1), batch=second)

    def lines(**asked: Any) -> list[int]:
        return [each["line"] for each in list_rejects(**asked).records]

    assert lines() == [7, 1, 2, 3]
    assert lines(reason="unknown_sell") == [7, 1]
    assert lines(number="2547*") == [1, 2]
    assert lines(number="2547002") == [2]
    assert lines(batch_id=1) == [1, 2, 3]
    assert lines(start_from=START, start_to=START + HOUR) == [1]
    few = list_rejects(limit=2)
    assert ([each["line"] for each in few.records], few.is_complete) == ([7, 1], False)
    (shown,) = list_rejects(number="2547002").records
    assert shown == reject(
        line=2, called="2547002", start=START + HOUR, reason="no_rate_sell", service="voice", key=None
    )
    assert list_rejects(reason="overflow").records == []


def test_rejects_are_listed_page_by_page(in_scope: Any) -> None:
    rows = [
        reject(line=line, key=key, batch_id=batch) for batch in (1, 2) for line in (1, 2) for key in (None, "a", "b")
    ]
    make_segment(rows, kind="reject", day=date(2026, 3, 1))
    whole = list_rejects().records
    assert [(each["batch_id"], each["line"], each["key"]) for each in whole] == [
        (batch, line, key) for batch in (2, 1) for line in (1, 2) for key in (None, "a", "b")
    ]
    for limit in (1, 5, 11):
        found = list_rejects(limit=limit)
        seen = found.records
        while not found.is_complete:
            found = list_rejects(limit=limit, after=RejectPlace.of(seen[-1]))
            seen += found.records
        assert seen == whole


def test_without_rejects_there_are_none(in_scope: Any) -> None:
    make_account("acme")
    assert (group_rejects(), list_rejects().records) == ([], [])

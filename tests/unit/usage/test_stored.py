"""Records that lost their price are kept as lines, and come back from them as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from trunkline.usage.decode import Chunk, SwitchProfile, line_octets
from trunkline.usage.schema import EVENTS, Service
from trunkline.usage.store import RATED
from trunkline.usage.stored import STORED, read_rows, record_lines

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
PROFILE = SwitchProfile.of(
    received_at=START, timezone="UTC", number_rules=[], max_duration_s=86_400, future_limit_s=300, options={}
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INSTANTS = st.integers(0, 10**9).map(lambda ms: START + timedelta(milliseconds=ms))
EVENT = st.fixed_dictionaries(
    {
        "line": st.integers(1, 10**9),
        **dict.fromkeys(("key", "call_id"), TEXTS),
        **dict.fromkeys(("calling_raw", "called_raw"), st.text("0123456789", max_size=20)),
        **dict.fromkeys(("start", "end"), INSTANTS),
        "answer": st.none() | INSTANTS,
        "attempt": st.integers(0, 9999),
        "is_last": st.booleans(),
        "service": st.sampled_from([service.value for service in Service]),
        **dict.fromkeys(("duration_ms", "quantity"), st.integers(0, 10**15)),
        "pdd_ms": st.none() | st.integers(0, 10**6),
        **dict.fromkeys(("trunk_in", "trunk_out", "source_ip", "account_code", "sip_user"), st.none() | TEXTS),
        **dict.fromkeys(("cause", "sip_code"), st.none() | st.integers(0, 999)),
    }
).map(
    lambda event: event | {"calling": event["calling_raw"], "called": event["called_raw"]}
)  # made of them, as everywhere


def decoded(data: bytes) -> tuple[list[dict[str, object]], list[dict[str, object]], int]:
    found = STORED.decode(Chunk(first_line=1, data=data), PROFILE)
    return found.events.to_pylist(), found.rejects.to_pylist(), found.skipped


@given(st.lists(EVENT, max_size=5))
def test_a_record_comes_back_from_its_line(events: list[dict[str, object]]) -> None:
    table = pa.Table.from_pylist(events, schema=EVENTS)
    data = b"".join(line_octets(raw) + b"\n" for raw in record_lines(table))
    back, rejects, skipped = decoded(data)
    assert (rejects, skipped) == ([], 0)
    assert [each | {"line": 0} for each in back] == [each | {"line": 0} for each in table.to_pylist()]
    assert [each["line"] for each in back] == list(range(1, len(events) + 1))


@given(EVENT, st.data())
def test_a_damaged_line_is_a_record_or_a_reject(event: dict[str, object], data: st.DataObject) -> None:
    (raw,) = record_lines(pa.Table.from_pylist([event], schema=EVENTS))
    line = bytearray(line_octets(raw))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4)).replace(b"\n", b"")
    back, rejects, skipped = decoded(bytes(line) + b"\n")
    assert len(back) + len(rejects) + skipped == 1


def test_what_is_no_record_is_said() -> None:
    back, rejects, skipped = decoded(b'{"key": "k1"}\n\n[1, 2]\n3\n{"key": \n')
    assert (back, skipped) == ([], 1)
    assert [(each["line"], each["reason"]) for each in rejects] == [(n, "field_count") for n in (1, 3, 4, 5)]


def test_a_column_that_came_later_is_null_in_an_older_segment(tmp_path: Path) -> None:
    older = pa.table({"key": ["k1"], "calling": ["1"], "calling_raw": pa.nulls(1, pa.string())})
    pq.write_table(older, tmp_path / "older.parquet")
    with pq.ParquetFile(tmp_path / "older.parquet") as file:
        table = read_rows(file, 0, ["key", "calling_raw", "sip_code", "sell_code"])
    assert table.to_pylist() == [{"key": "k1", "calling_raw": "1", "sip_code": None, "sell_code": None}]
    assert table.schema.field("sell_code").type == RATED.field("sell_code").type


def test_a_field_that_came_later_may_be_missing_in_an_older_line() -> None:
    event = dict.fromkeys(EVENTS.names) | {
        "key": "k1", "call_id": "", "attempt": 1, "is_last": True, "service": "voice", "calling_raw": "", "called_raw": "1",
        "calling": "", "called": "1", "start": 0, "end": 0, "duration_ms": 0, "quantity": 0,
    }  # fmt: skip
    del event["sip_code"]
    back, rejects, _ = decoded(json.dumps(event).encode() + b"\n")
    assert rejects == []
    assert (back[0]["key"], back[0]["sip_code"]) == ("k1", None)

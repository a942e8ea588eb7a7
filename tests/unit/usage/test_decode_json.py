"""JSON documents of FreeSWITCH: read at once, one by one, by the standard library, and in lists of any layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.usage.golden import FOLDER, PROFILE, as_text
from tests.unit.usage.golden_documents import decode_documents
from tests.unit.usage.test_decode_properties import CHANGES, damaged
from trunkline.simulate import samples
from trunkline.usage.decode import Chunk, Decoded, FileFailed, SwitchProfile, get_format, line_octets
from trunkline.usage.decode.chunking import CHUNK_OCTETS
from trunkline.usage.decode.freeswitch_documents import NAMES, FreeSwitchDocuments
from trunkline.usage.decode.freeswitch_json import FreeSwitchJson, _columns_of, _document_by_library
from trunkline.usage.reasons import FileFailure
from trunkline.usage.trial import try_file

JSON: Final = FreeSwitchJson()
LIST: Final = FOLDER / "freeswitch_json_list.json"
LATE: Final = SwitchProfile(received_at=datetime(2026, 11, 1, tzinfo=UTC))


def golden_records() -> list[bytes]:
    records = JSON.records(Chunk(1, (FOLDER / "freeswitch_json.json").read_bytes()))
    return [records.record(row) for row in range(len(records))]


RECORDS: Final = golden_records()
DOCUMENTS: Final = [record for record in RECORDS if JSON.fits(record)]


def decode(data: bytes, size: int = CHUNK_OCTETS) -> Decoded:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        return decode_documents("freeswitch_json", path, size=size)


def without_lines(decoded: Decoded) -> list[str]:
    return [line[4:] for line in as_text(decoded).splitlines()]


# Read at once, one by one, and by the standard library

Place = st.floats(0, 0.999)
SCARS = st.lists(
    st.tuples(
        Place,
        st.sampled_from([0, 0, 1, 6, 40]),
        st.sampled_from([
            b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u0041", b"\\ud800", b"\\ud83d\\ude00", b"\\u00", b"\\/", b"\n", b"\t",
            b"null", b"true", b"5", b"-0", b"1.50", b"1e5", b"01", b"NaN", b"Infinity", b"\xc3\xa9", b" ", b"\x00", b"\x7f", b"/**/",
            b'"uuid":"twice",', b'"uuid":null,', b'"billmsec":9500,', b'"variables":{},', b'"variables":[],', b'"callflow":[],',
            b'"callflow":{},', b'"callflow":[null],', b'"caller_profile":5,', b'"originatee":{"originatee_caller_profiles":{"uuid":"9"}},',
            b'"\\u0075uid":"escaped",', b'"a":{"uuid":"inner"},', b'"times":[],', b"},{", b'},{"core-uuid":"5"',
        ]),
    ),
    max_size=4,
)  # fmt: skip


def scarred(record: bytes, scars: Sequence[tuple[float, int, bytes]]) -> bytes:
    for place, length, piece in scars:
        at = max(record.find(b'"', int(place * len(record))), 0)
        record = record[:at] + piece + record[at + length :]
    return record.strip() or b"x"


def made(records: Sequence[bytes]) -> list[dict[str, str | None] | str]:
    """What is read of each record, or what is wrong with it, by whichever reader it is given to."""
    columns, bad = JSON.columns(records)
    rows = iter(zip(*(columns[name].to_pylist() for name in NAMES), strict=True))
    return [bad[at] if at in bad else dict(zip(NAMES, next(rows), strict=True)) for at in range(len(records))]


def by_library(record: bytes) -> dict[str, str | None] | str:
    found = _document_by_library(record)
    if isinstance(found, str):
        return found
    columns = _columns_of([found])
    return {name: columns[name][0].as_py() for name in NAMES}


@given(st.lists(st.tuples(st.integers(0, 99), SCARS), min_size=1, max_size=4))
def test_a_document_says_what_the_standard_library_says(
    chosen: list[tuple[int, list[tuple[float, int, bytes]]]],
) -> None:
    records = [scarred(RECORDS[number % len(RECORDS)], scars) for number, scars in chosen]
    readable = [
        record for record in records if b"\xc3" not in record or record.decode(errors="ignore").encode() == record
    ]
    assert made(readable) == [by_library(record) for record in readable]


@given(
    chosen=st.lists(st.tuples(st.integers(0, 99), SCARS), min_size=1, max_size=4),
    between=st.sampled_from([b"\n", b"\r\n", b"\n\n", b" ", b""]),
    is_list=st.booleans(),
)
@example(chosen=[(0, []), (3, [])], between=b"\n", is_list=True)
def test_documents_read_at_once_are_those_that_are_read_one_by_one(
    chosen: list[tuple[int, list[tuple[float, int, bytes]]]], between: bytes, is_list: bool
) -> None:
    texts = [scarred(DOCUMENTS[number % len(DOCUMENTS)], scars) for number, scars in chosen]
    data = b"[" + (b"," + between).join(texts) + b"]" if is_list else between.join(texts)
    records = JSON.records(Chunk(1, data))
    whole, apart = JSON.read_all(records), JSON.read_each(records)
    assert list(whole.rows) == list(apart.rows)
    assert {name: whole.columns[name].to_pylist() for name in NAMES} == {
        name: apart.columns[name].to_pylist() for name in NAMES
    }


@pytest.mark.parametrize("is_list", [False, True])
def test_what_switches_write_is_read_at_once(is_list: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = b"".join(samples.blocks("freeswitch_json", 50)).splitlines()
    records = JSON.records(Chunk(1, b"[" + b",\n".join(made) + b"]\n" if is_list else b"\n".join(made) + b"\n"))
    assert len(records) == 50
    monkeypatch.delattr(FreeSwitchDocuments, "read_each")  # what reads them one by one
    assert len(JSON.read_all(records).rows) == 50


def test_one_broken_document_changes_no_other() -> None:
    """Documents around it are read as if it were not there, whichever reader gets them."""
    good = [json.dumps(json.loads(each)).encode() for each in DOCUMENTS[:3]]
    alone = without_lines(decode(b"\n".join(good)))[:-1]
    for broken in (b"{", b'{"variables":{"uuid":"', b"no document", b'{"variables":{"uuid":"\\ud800"}}', b"[" * 5000):
        found = without_lines(decode(b"\n".join([good[0], broken, *good[1:]]) + b"\n"))
        assert [line for line in found if line.startswith("event")] == [
            line for line in alone if line.startswith("event")
        ]
        assert sum(line.startswith("reject") for line in found) == 1


# Lists

LAYOUTS: Final = ("one line", "a line each", "commas first", "indented", "tabs", "lists behind each other")


def as_list(documents: Sequence[bytes], layout: str) -> bytes:
    parsed = [json.loads(each) for each in documents]
    plain = [json.dumps(each, separators=(",", ":")).encode() for each in parsed]
    match layout:
        case "one line":
            return b"[" + b",".join(plain) + b"]"
        case "a line each":
            return b"[\n" + b",\n".join(plain) + b"\n]\n"
        case "commas first":
            return b"[ " + b"\r\n, ".join(plain) + b"\r\n]\r\n"
        case "lists behind each other":
            return b"".join(b"[" + each + b"]\n" for each in plain)
        case _:
            return json.dumps(parsed, indent="\t" if layout == "tabs" else 2).encode()


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_documents_of_a_list_say_what_they_say_alone(layout: str) -> None:
    expected = without_lines(decode(b"".join(json.dumps(json.loads(each)).encode() + b"\n" for each in DOCUMENTS)))
    data = as_list(DOCUMENTS, layout)
    found = without_lines(decode(data))
    # What a reject keeps is the document as it is written.
    assert [line.split(" | raw=")[0] for line in found] == [line.split(" | raw=")[0] for line in expected]
    for size in (1, 100, 3000):
        assert as_text(decode(data, size)) == as_text(decode(data))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_list_is_recognised(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "cdr.json"
    path.write_bytes(as_list(DOCUMENTS, layout))
    trial = try_file(path, form=None, profile=PROFILE, received_at=PROFILE.received_at)
    assert (trial.format, trial.rows_in, trial.failure) == ("freeswitch_json", len(DOCUMENTS), "")


def test_a_list_in_one_line_longer_than_any_line_is_recognised_and_read_in_chunks(tmp_path: Path) -> None:
    path = tmp_path / "cdr.json"
    documents = b"".join(samples.blocks("freeswitch_json", 2_000)).splitlines()
    path.write_bytes(b"[" + b",".join(documents) + b"]")
    assert path.stat().st_size > CHUNK_OCTETS
    trial = try_file(path, form=None, profile=LATE, received_at=LATE.received_at)
    assert (trial.format, trial.rows_in, trial.decoded, trial.rejected) == ("freeswitch_json", 2_000, 2_000, 0)


@pytest.mark.parametrize(
    ("broken", "raw"),
    [
        (b"null", "null"),
        (b"5", "5"),
        (b"no document", "no document"),
        (b"{}", "{}"),
        (b'{"variables":{"uuid":}}', '{"variables":{"uuid":}}'),
        (b'{"variables":{"uuid":"open"}', '{"variables":{"uuid":"open"}'),
        (b'{"variables":{"uuid":"one too many"}}}', '{"variables":{"uuid":"one too many"}}}'),
        (b'{"variables":{"uuid":"cut', '{"variables":{"uuid":"cut'),
        (b'{"variables":{"uuid":"\\', '{"variables":{"uuid":"\\x5c'),
    ],
)
@pytest.mark.parametrize("between", [b",", b",\n", b"\n,"])
def test_a_broken_document_in_a_list_is_a_reject_with_its_text(broken: bytes, raw: str, between: bytes) -> None:
    good = [json.dumps(json.loads(each)).encode() for each in DOCUMENTS[:3]]
    expected = [line for line in without_lines(decode(b"\n".join(good))) if line.startswith("event")]
    decoded = decode(b"[" + between.join([good[0], broken, *good[1:]]) + b"]")
    assert [line for line in without_lines(decoded) if line.startswith("event")] == expected
    (reject,) = decoded.rejects.to_pylist()
    assert (reject["reason"], reject["raw"]) == ("field_count", raw)


@pytest.mark.parametrize(
    ("cut", "is_whole"), [(b"", False), (b",", False), (b',{"variables":{"uuid":"cut', False), (b"]", True), (b",\n]\n", True)]
)  # fmt: skip
def test_a_list_that_is_cut_fails_the_file(cut: bytes, is_whole: bool) -> None:
    """Its end is missing, so documents may be; the switch may still be writing."""
    data = b"[" + b",".join(DOCUMENTS[:2]) + cut
    if is_whole:
        assert decode(data).rejects.num_rows == 0
        return
    for size in (50, CHUNK_OCTETS):
        with pytest.raises(FileFailed) as failed:
            decode(data, size)
        assert failed.value.failure is FileFailure.TRUNCATED


def test_a_document_of_a_list_that_is_too_long_costs_only_itself() -> None:
    long = b'{"core-uuid":"1","variables":{"uuid":"' + b"x" * (3 << 20) + b'"}}'
    data = b"[" + b",".join([DOCUMENTS[0], long, *DOCUMENTS[2:4]]) + b"]"
    alone = without_lines(decode(b"[" + b",".join([DOCUMENTS[0], *DOCUMENTS[2:4]]) + b"]"))
    for size in (64 << 10, CHUNK_OCTETS):
        decoded = decode(data, size)
        (detail,) = decoded.rejects["detail"].to_pylist()
        assert "octets; the longest taken has 1,048,576" in detail
        assert [line for line in without_lines(decoded) if line.startswith("event")] == [
            line for line in alone if line.startswith("event")
        ]


def test_a_reject_of_a_list_can_be_sent_again() -> None:
    """What is kept of it stands alone, without what parted it from the others."""
    lost = json.loads(DOCUMENTS[0])
    lost["variables"]["start_uepoch"] = "soon"
    decoded = decode(b"[" + b",\n".join([DOCUMENTS[2], json.dumps(lost, indent=1).encode(), DOCUMENTS[3]]) + b"]")
    (raw,) = decoded.rejects["raw"].to_pylist()
    again = decode(line_octets(raw) + b"\n")
    assert again.rejects["reason"].to_pylist() == ["bad_time"]
    assert json.loads(line_octets(raw)) == lost


@given(changes=CHANGES)
def test_every_document_of_a_damaged_list_is_an_event_a_reject_or_passed_over(
    changes: list[tuple[float, int, bytes]],
) -> None:
    data = damaged(LIST.read_bytes(), changes)
    chunk = Chunk(1, data)
    decoded = get_format("freeswitch_json").decode(chunk, PROFILE)
    records = JSON.records(chunk)
    assert decoded.events.num_rows + decoded.rejects.num_rows + decoded.skipped == len(records)
    assert len(set(records.at.tolist())) == len(records)
    assert all(decoded.rejects["raw"].to_pylist())


@pytest.mark.slow
@given(changes=CHANGES, size=st.integers(1, 5000))
def test_a_damaged_list_means_the_same_wherever_the_chunk_is_cut(
    changes: list[tuple[float, int, bytes]], size: int
) -> None:
    data = damaged(LIST.read_bytes(), changes)
    with suppress(FileFailed):  # what fails a file is said of its first chunk, or of its end
        assert as_text(decode(data, size)) == as_text(decode(data))

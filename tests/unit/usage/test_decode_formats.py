"""What each format makes of its files. The golden files are small, written by us, and read like the format's page."""

from __future__ import annotations

import gzip
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import shared_folder
from tests.unit.usage.golden import FOLDER, NAMES, PROFILE, as_text, decode_file, golden_file
from trunkline.core.errors import NotFound
from trunkline.usage.decode import FORMATS, Chunk, Decoded, FileFailed, SwitchProfile, get_format
from trunkline.usage.decode.chunking import LINE_OCTETS_MAX
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.schema import EVENTS, REJECTS

MIB = 1 << 20
COMMON = "key,called,start,duration"
# Our template's columns with a call of ten seconds.
TRUNKS = (
    "k,c,1,1,254711000111,442079460123,1767366000000000,0,0,1767366001000000,1767366011000000,10000,"
    "NORMAL_CLEARING,16,200,in,out,192.0.2.1,,"
)


def common(rows: str, header: str = COMMON, profile: SwitchProfile = PROFILE) -> Decoded:
    return get_format("common").decode(Chunk(2, rows.encode(), header.encode(), is_first=True), profile)


def trunks(*rows: str, profile: SwitchProfile = PROFILE, is_first: bool = False) -> Decoded:
    return get_format("freeswitch_trunks").decode(Chunk(1, "\n".join(rows).encode(), is_first=is_first), profile)


def reasons(decoded: Decoded) -> list[str]:
    return [row["reason"] for row in decoded.rejects.to_pylist()]


def with_fields(**changes: str) -> str:
    """`TRUNKS` with some columns changed."""
    names = (
        "key", "call_id", "attempt", "is_last", "calling", "called", "start", "progress", "progress_media", "answer", "end",
        "duration", "hangup_cause", "cause", "sip_code", "trunk_in", "trunk_out", "source_ip", "account_code", "sip_user",
    )  # fmt: skip
    return ",".join(changes.get(name, field) for name, field in zip(names, TRUNKS.split(","), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_golden_file(name: str) -> None:
    assert as_text(decode_file(name, golden_file(name))) == (FOLDER / f"{name}.expected").read_text()


@pytest.mark.parametrize(
    ("name", "size"), [("common", 1), ("common", 200), ("freeswitch", 600), ("freeswitch_trunks", 2500)]
)
def test_chunks_of_any_size_say_the_same(name: str, size: int) -> None:
    path = FOLDER / f"{name}.csv"
    assert as_text(decode_file(name, path, size=size)) == as_text(decode_file(name, path))


def test_threads_decode_the_same() -> None:
    form = get_format("freeswitch_trunks")
    chunk = Chunk(1, ("\n".join([TRUNKS] * 300) + "\nbad\n").encode())
    alone = as_text(form.decode(chunk, PROFILE))
    with ThreadPoolExecutor(4) as pool:
        assert {as_text(done) for done in pool.map(lambda _: form.decode(chunk, PROFILE), range(8))} == {alone}


def test_the_schemas_hold_exactly() -> None:
    for decoded in (trunks(TRUNKS), trunks("bad"), trunks(""), common("a,44,2026-01-02T15:00:00Z,1")):
        assert decoded.events.schema == EVENTS
        assert decoded.rejects.schema == REJECTS
        decoded.events.validate(full=True)
        decoded.rejects.validate(full=True)


def test_the_registry_knows_formats_by_name() -> None:
    assert tuple(FORMATS)[:3] == ("common", "freeswitch", "freeswitch_trunks")
    assert len(FORMATS) == len(list(FORMATS))
    assert all(form.name == name and form.title and form.version == 1 for name, form in FORMATS.items())
    with pytest.raises(NotFound, match="Known are common, freeswitch, freeswitch_trunks, freeswitch_json"):
        get_format("pigeon")


# A real file


def test_a_real_master_csv_decodes() -> None:
    """Ten rows of a public installation: dates without seconds, `&` as called number, one uuid three times."""
    path = shared_folder("data", "cdr", "freeswitch_master.csv")
    profile = SwitchProfile(received_at=datetime(2020, 3, 1, tzinfo=UTC), timezone="Asia/Shanghai")
    decoded = decode_file("freeswitch", path, profile)
    assert Counter(reasons(decoded)) == {"bad_number": 8}
    assert {row["called"] for row in decoded.rejects.to_pylist()} == {"&"}
    keys = Counter(row["key"] for row in decoded.rejects.to_pylist())
    assert keys["7adced1a-4c7c-11ea-b08c-2bfc2a06d67d"] == 3
    unanswered, answered = decoded.events.to_pylist()
    assert (unanswered["line"], unanswered["answer"], unanswered["quantity"], unanswered["cause"]) == (3, None, 0, 18)
    assert (answered["called"], answered["quantity"], answered["account_code"]) == ("1004", 32, "1002")
    assert answered["start"] == datetime(2020, 2, 11, 3, 5, tzinfo=UTC)


# Reasons, one by one, with the limits


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"key": ""}, Reason.FIELD_COUNT),
        ({"attempt": "x"}, Reason.FIELD_COUNT),
        ({"attempt": "10000"}, Reason.FIELD_COUNT),
        ({"attempt": "-1"}, Reason.FIELD_COUNT),
        ({"is_last": "2"}, Reason.FIELD_COUNT),
        ({"start": ""}, Reason.BAD_TIME),
        ({"start": "0"}, Reason.BAD_TIME),
        ({"end": "0"}, Reason.BAD_TIME),
        ({"answer": "soon"}, Reason.BAD_TIME),
        ({"start": "1767366000"}, Reason.BAD_TIME),
        ({"answer": "1767365999999000"}, Reason.TIME_ORDER),
        ({"end": "1767366000999000"}, Reason.TIME_ORDER),
        ({"answer": "0", "end": "1767365999000000", "duration": "0"}, Reason.TIME_ORDER),
        ({"duration": "-1"}, Reason.DURATION_NEGATIVE),
        ({"duration": "86400001"}, Reason.DURATION_OVER_LIMIT),
        ({"duration": "9" * 40}, Reason.DURATION_OVER_LIMIT),
        ({"duration": "-" + "9" * 40}, Reason.DURATION_NEGATIVE),
        ({"duration": "12000"}, None),
        ({"duration": "12001"}, Reason.DURATION_MISMATCH),
        ({"duration": "8000"}, None),
        ({"duration": "7999"}, Reason.DURATION_MISMATCH),
        ({"duration": ""}, Reason.DURATION_MISMATCH),
        ({"duration": "ten"}, Reason.DURATION_MISMATCH),
        ({"answer": "0"}, Reason.DURATION_MISMATCH),
        ({"answer": "0", "duration": ""}, None),
        ({"called": ""}, Reason.BAD_NUMBER),
        ({"called": "44x"}, Reason.BAD_NUMBER),
        ({"called": "1" * 33}, Reason.BAD_NUMBER),
        ({"calling": "Ada <x>"}, None),
        ({"progress": "x", "progress_media": "1", "cause": "999", "sip_code": "abc"}, None),
    ],
)
def test_reason(changes: dict[str, str], reason: Reason | None) -> None:
    decoded = trunks(TRUNKS, with_fields(**changes))
    assert reasons(decoded) == ([] if reason is None else [reason])
    assert decoded.events.num_rows + decoded.rejects.num_rows == 2


def test_a_record_may_end_up_to_the_limit_after_receipt() -> None:
    end = datetime(2026, 1, 2, 15, 0, 11, tzinfo=UTC)
    for ahead_s, rejected in ((300, []), (300.001, ["time_in_future"]), (86_400, ["time_in_future"])):
        assert (
            reasons(trunks(TRUNKS, profile=replace(PROFILE, received_at=end - timedelta(seconds=ahead_s)))) == rejected
        )


def test_the_first_reason_in_order_is_recorded() -> None:
    assert reasons(trunks(with_fields(called="x", duration="-1", end="1"))) == ["bad_time"]
    assert reasons(trunks(with_fields(called="x", duration="-1"))) == ["duration_negative"]
    assert reasons(trunks(with_fields(called="x", duration="99999999"))) == ["duration_over_limit"]


def test_a_reject_keeps_what_could_be_read() -> None:
    assert trunks(with_fields(called="44x")).rejects.to_pylist() == [
        {
            "line": 1,
            "reason": "bad_number",
            "detail": "called '44x' is not 1 to 32 digits.",
            "raw": with_fields(called="44x"),
            "key": "k",
            "start": datetime(2026, 1, 2, 15, tzinfo=UTC),
            "called": "44x",
            "service": "voice",
        }
    ]


def test_lines_keep_their_numbers_among_blank_and_bad_ones() -> None:
    rows = ["", TRUNKS, "x,y", "  ", f'{TRUNKS}"', '"open,' + TRUNKS, "a\rb", TRUNKS, "\r", "nul\0", TRUNKS + "\r"]
    decoded = trunks(*rows)
    assert decoded.events["line"].to_pylist() == [2, 8, 11]
    assert [(row["line"], row["reason"], row["raw"]) for row in decoded.rejects.to_pylist()] == [
        (3, "field_count", "x,y"),
        (5, "field_count", f'{TRUNKS}"'),
        (6, "field_count", '"open,' + TRUNKS),
        (7, "field_count", "a\\x0db"),
        (10, "bad_encoding", "nul\\x00"),
    ]
    assert decoded.skipped == 3


def test_a_quoted_line_end_is_no_part_of_a_field() -> None:
    decoded = trunks(TRUNKS, with_fields(calling='"two\nlines"'), TRUNKS)
    assert decoded.events["line"].to_pylist() == [1, 4]
    assert [(row["line"], row["reason"]) for row in decoded.rejects.to_pylist()] == [
        (2, "field_count"),
        (3, "field_count"),
    ]


def test_a_line_too_long_is_one_reject_however_it_comes() -> None:
    long = b"z" * (LINE_OCTETS_MAX + 5)
    form = get_format("freeswitch_trunks")
    inside = form.decode(Chunk(7, long + b"\r\n" + TRUNKS.encode()), PROFILE)
    alone = form.decode(Chunk(7, long[:4096], overlong_octets=len(long)), PROFILE)
    assert inside.rejects.to_pylist() == alone.rejects.to_pylist()
    assert (inside.events.num_rows, alone.events.num_rows) == (1, 0)
    (reject,) = alone.rejects.to_pylist()
    assert (reject["line"], reject["reason"]) == (7, "field_count")
    assert reject["raw"] == "z" * 4096 + f"\\+{len(long) - 4096}"


# FreeSWITCH


def test_a_template_that_changed_fails_the_whole_file() -> None:
    with pytest.raises(FileFailed, match="2 of the first 3 lines do not have the 20 fields") as caught:
        trunks(TRUNKS, TRUNKS + ",new", TRUNKS + ",new", is_first=True)
    assert caught.value.failure is FileFailure.HEADER_CHANGED
    assert "most of them have 21" in caught.value.message
    assert reasons(trunks(TRUNKS, TRUNKS + ",new", is_first=True)) == ["field_count"]  # one half is not more than half
    assert reasons(trunks(TRUNKS + ",new")) == ["field_count"]  # later chunks are judged line by line


@pytest.mark.parametrize(
    ("changes", "is_last"),
    [
        ({"is_last": "1"}, True),
        ({"is_last": ""}, True),
        ({"is_last": "TRUE"}, True),
        ({"is_last": "0"}, True),  # it was answered
        ({"is_last": "0", "answer": "0", "duration": "0"}, False),
        ({"is_last": "false", "answer": "0", "duration": "0"}, False),
        ({"is_last": "0", "answer": "0", "duration": "0", "hangup_cause": "ORIGINATOR_CANCEL"}, True),
        (
            {"is_last": "0", "answer": "0", "duration": "0", "hangup_cause": "USER_BUSY"},
            True,
        ),  # a final cause of the profile
        ({"is_last": "0", "answer": "0", "duration": "0", "hangup_cause": "NO_ANSWER", "cause": "19"}, False),
    ],
)
def test_the_last_attempt_of_a_call(changes: dict[str, str], is_last: bool) -> None:
    assert trunks(with_fields(**changes)).events["is_last"].to_pylist() == [is_last]


def test_final_causes_may_be_numbers() -> None:
    row = with_fields(is_last="0", answer="0", duration="0", hangup_cause="NO_ANSWER", cause="19")
    assert trunks(row, profile=replace(PROFILE, final_causes=frozenset({"19"}))).events["is_last"].to_pylist() == [True]


@pytest.mark.parametrize(
    ("changes", "pdd_ms"),
    [
        ({}, 1_000),  # no ringing: the answer
        ({"progress": "1767366000400000"}, 400),
        ({"progress": "1767366000400000", "progress_media": "1767366000300999"}, 300),
        ({"progress": "1767365999000000"}, None),  # before the start
        ({"progress": "1767366999000000", "answer": "0", "duration": "0"}, None),  # after the end
        ({"answer": "0", "duration": "0"}, None),
    ],
)
def test_post_dial_delay(changes: dict[str, str], pdd_ms: int | None) -> None:
    assert trunks(with_fields(**changes)).events["pdd_ms"].to_pylist() == [pdd_ms]


def test_causes_come_as_numbers_or_names() -> None:
    decoded = trunks(
        with_fields(cause="34"),
        with_fields(cause="", hangup_cause="USER_BUSY"),
        with_fields(cause="0", hangup_cause="no_answer"),
        with_fields(cause="", hangup_cause="MEDIA_TIMEOUT"),
        with_fields(cause="", hangup_cause="SOMETHING_NEW"),
        with_fields(cause="", hangup_cause=""),
    )
    assert decoded.events["cause"].to_pylist() == [34, 17, 19, 16, None, None]


# Common CSV


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("key,called,start", "missing duration or quantity"),
        ("key,begin,duration", "missing called, start; unknown 'begin'"),
        ("key,called,start,duration,colour", "unknown 'colour'"),
        ("key,called,start,duration,KEY", "twice key"),
        ("key,called,start,duration,", "unknown ''"),
        ("key;called;start;duration", "separated by ';', not by commas"),
        ("", "missing key, called, start"),
        ('key,"called', "cannot be read"),
        ("k\udce9y", "cannot be read"),
    ],
)
def test_a_header_that_is_not_the_formats_names_the_columns(header: str, said: str) -> None:
    with pytest.raises(FileFailed, match=said) as caught:
        get_format("common").decode(Chunk(2, b"1,2,3\n", header.encode(errors="surrogateescape")), PROFILE)
    assert caught.value.failure is FileFailure.HEADER_CHANGED


def test_headers_may_be_quoted_in_any_case_and_order_with_extensions() -> None:
    decoded = common("x,1,2026-01-02T15:00:00Z,44,k\n", ' X_note ,"Duration",START,called,key')
    assert [(row["key"], row["called"], row["quantity"]) for row in decoded.events.to_pylist()] == [("k", "44", 1)]


def test_a_call_without_an_answer_column_was_answered_if_it_lasted() -> None:
    decoded = common("a,44,2026-01-02T15:00:00Z,10\nb,44,2026-01-02T15:00:00Z,0\n")
    start = datetime(2026, 1, 2, 15, tzinfo=UTC)
    assert [(row["answer"], row["end"]) for row in decoded.events.to_pylist()] == [
        (start, start + timedelta(seconds=10)), (None, start),
    ]  # fmt: skip


def test_quantity_is_what_is_priced_and_duration_what_was_measured() -> None:
    header = "key,called,start,duration,quantity"
    decoded = common(
        "a,44,2026-01-02T15:00:00Z,9.2,\nb,44,2026-01-02T15:00:00Z,9.2,10\nc,44,2026-01-02T15:00:00Z,,7\nd,44,2026-01-02T15:00:00Z,,\n",
        header,
    )
    assert [(row["duration_ms"], row["quantity"]) for row in decoded.events.to_pylist()] == [
        (9200, 10),
        (9200, 10),
        (7000, 7),
    ]
    assert reasons(decoded) == ["field_count"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,44,2026-01-02T15:00:00Z,,-1,voice", Reason.DURATION_NEGATIVE),
        ("a,44,2026-01-02T15:00:00Z,,86401,voice", Reason.DURATION_OVER_LIMIT),
        ("a,44,2026-01-02T15:00:00Z,,1000000000000001,data", Reason.DURATION_OVER_LIMIT),
        ("a,44,2026-01-02T15:00:00Z,40000000,1,data", Reason.DURATION_OVER_LIMIT),
        ("a,44,2026-01-02T15:00:00Z,,1.5,sms", Reason.DURATION_MISMATCH),
        ("a,,2026-01-02T15:00:00Z,,1,sms", Reason.BAD_NUMBER),
        ("a,,2026-01-02T17:00:00Z,7200,,voice", Reason.TIME_IN_FUTURE),  # ends an hour after receipt
        ("a,44,2026-01-02 18:00,1,,voice", None),
    ],
)
def test_units_and_limits_of_the_services(row: str, reason: Reason | None) -> None:
    decoded = common(f"{row}\n", "key,called,start,duration,quantity,service")
    assert reasons(decoded) == ([] if reason is None else [reason])


def test_the_repeated_hour_is_refused_unless_the_offset_tells() -> None:
    profile = replace(PROFILE, timezone="Europe/Berlin", received_at=datetime(2026, 12, 1, tzinfo=UTC))
    decoded = common("a,44,2026-10-25 02:30:00,1\nb,44,2026-10-25T02:30:00+02:00,1\n", profile=profile)
    assert reasons(decoded) == ["ambiguous_time"]
    assert decoded.events["start"].to_pylist() == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def test_the_hour_that_the_clock_skips_is_no_time() -> None:
    profile = replace(PROFILE, timezone="Europe/Berlin", received_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert reasons(common("a,44,2026-03-29 02:30:00,1\n", profile=profile)) == ["bad_time"]


def test_no_header_in_the_chunk_is_a_changed_header() -> None:
    with pytest.raises(FileFailed, match="no header line"):
        get_format("common").decode(Chunk(1, b"1,2\n"), PROFILE)


@pytest.mark.parametrize("pack", ["csv", "gz", "zip"])
def test_the_golden_file_decodes_from_archives(tmp_path: Path, pack: str) -> None:
    data = (FOLDER / "common.csv").read_bytes()
    path = tmp_path / f"a.{pack}"
    if pack == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", data)
    else:
        path.write_bytes(gzip.compress(data) if pack == "gz" else data)
    assert as_text(decode_file("common", path)) == (FOLDER / "common.expected").read_text()

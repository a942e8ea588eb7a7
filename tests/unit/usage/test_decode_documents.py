"""Formats whose records span lines: FreeSWITCH documents and RADIUS detail files."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import shared_folder
from tests.unit.usage.golden import FOLDER, PROFILE, as_text
from tests.unit.usage.golden_documents import CASES, OUTGOING, decode_documents
from tests.unit.usage.test_decode_pages import blocks
from tests.unit.usage.test_decode_properties import CHANGES, damaged
from trunkline.usage.decode import Chunk, Decoded, FileFailed, SwitchProfile, get_format, line_octets
from trunkline.usage.decode.chunking import LINE_OCTETS_MAX
from trunkline.usage.decode.documents import DocumentFormat
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.trial import try_file

FILES = {name: file for _, name, file, _ in CASES}
LATE = SwitchProfile(received_at=datetime(2026, 11, 1, tzinfo=UTC))


def form_of(name: str) -> DocumentFormat:
    form = get_format(name)
    assert isinstance(form, DocumentFormat)
    return form


def decode(name: str, data: bytes, profile: SwitchProfile = PROFILE) -> Decoded:
    return form_of(name).decode(Chunk(1, data), profile)


def details(decoded: Decoded) -> list[tuple[str, str]]:
    return [(row["reason"], row["detail"]) for row in decoded.rejects.to_pylist()]


@pytest.mark.parametrize(("expected", "name", "file", "profile"), CASES)
def test_golden_file(expected: str, name: str, file: str, profile: SwitchProfile) -> None:
    decoded = decode_documents(name, FOLDER / file, profile)
    assert as_text(decoded) == (FOLDER / f"{expected}.expected").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 100, 3000])
@pytest.mark.parametrize("name", FILES)
def test_chunks_of_any_size_say_the_same(name: str, size: int) -> None:
    path = FOLDER / FILES[name]
    small, whole = decode_documents(name, path, size=size), decode_documents(name, path)
    assert as_text(small) == as_text(whole)


@pytest.mark.parametrize("name", FILES)
def test_try_recognises_the_file(name: str) -> None:
    path = FOLDER / FILES[name]
    trial = try_file(path, form=None, profile=PROFILE, received_at=PROFILE.received_at)
    starts = form_of(name).framing.starts(path.read_bytes())
    assert (trial.format, trial.rows_in, trial.failure) == (name, len(starts), "")
    assert trial.rows[0]["line"] == 1


@pytest.mark.parametrize("name", FILES)
@given(changes=CHANGES)
def test_every_record_is_an_event_a_reject_or_passed_over(name: str, changes: list[tuple[float, int, bytes]]) -> None:
    data = damaged((FOLDER / FILES[name]).read_bytes(), changes)
    decoded = decode(name, data)
    records = len(form_of(name).framing.starts(data))
    assert decoded.events.num_rows + decoded.rejects.num_rows + decoded.skipped == records
    assert decoded.skipped == sum(decoded.skip_reasons.values())
    lines = decoded.events["line"].to_pylist() + decoded.rejects["line"].to_pylist()
    assert len(set(lines)) == len(lines)
    for row in decoded.rejects.to_pylist():
        assert row["reason"] in list(Reason)
        assert row["detail"]
    for row in decoded.events.to_pylist():
        assert row["start"] <= (row["answer"] or row["start"]) <= row["end"]
        assert row["quantity"] >= 0
        assert row["key"]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@given(changes=CHANGES, size=st.integers(1, 5000))
@example(changes=[(0.25, 0, b"\n")], size=1)  # an attribute whose line is not seen to its end is no head line
def test_a_damaged_record_means_the_same_wherever_the_chunk_is_cut(
    name: str, changes: list[tuple[float, int, bytes]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "file"
    path.write_bytes(damaged((FOLDER / FILES[name]).read_bytes(), changes))
    with suppress(FileFailed):
        assert as_text(decode_documents(name, path, size=size)) == as_text(decode_documents(name, path))


@pytest.mark.parametrize("name", FILES)
@given(data=st.binary(max_size=300))
def test_no_bytes_crash_a_format(name: str, data: bytes) -> None:
    decoded = decode(name, data)
    assert decoded.events.num_rows == 0
    assert decoded.rejects.num_rows + decoded.skipped == len(form_of(name).framing.starts(data))


# Bounds


@pytest.mark.parametrize(
    ("name", "start", "fill", "end"),
    [
        ("freeswitch_json", b'{"variables":{"uuid":"', b"x", b'"}}\n'),
        ("freeswitch_xml", b"<cdr><variables><uuid>", b"x", b"</uuid></variables></cdr>\n"),
        ("radius_detail", b"Fri Jan  2 18:00:00 2026\n", b"\tA = 1\n", b"\n"),
    ],
)
def test_a_record_beyond_the_limit_is_one_reject(
    name: str, start: bytes, fill: bytes, end: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    good = (FOLDER / FILES[name]).read_bytes()
    good = good[: int(form_of(name).framing.starts(good)[1])]
    path.write_bytes(good + start + fill * (LINE_OCTETS_MAX * 2 // len(fill)) + end + good)
    for size in (100_000, 64 << 20):
        decoded = decode_documents(name, path, size=size)
        ((reason, detail),) = details(decoded)
        assert (reason, "the longest taken has 1,048,576" in detail) == ("field_count", True)
        lines = sorted(decoded.events["line"].to_pylist() + decoded.rejects["line"].to_pylist())
        assert len(lines) + decoded.skipped == 3


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        (b'<?xml version="1.0"?><!DOCTYPE cdr><cdr/>', "it has a declaration"),
        (b"<cdr><variables><!-- --></variables></cdr>", "it has a declaration"),
        (b"<cdr><variables><uuid>&a;</uuid></variables></cdr>", "undefined entity"),
        (b'<?xml version="1.0" encoding="utf-16"?><cdr/>', "encoding"),
        (b'<?xml version="1.0" encoding="pigeon"?><cdr/>', "encoding"),
        (b"<cdr>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</cdr>", "no variables"),
        (b"<cdr>" + b"<a>" * 100_000, "no element found"),
        (b"<other/>", "its root is other"),
    ],
)
def test_documents_that_could_grow_or_are_none_are_rejects(document: bytes, detail: str) -> None:
    found = details(decode("freeswitch_xml", document))
    assert {reason for reason, _ in found} == {"field_count"}
    assert any(detail in each for _, each in found)


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        (b'{"variables":{"a":' + b"[" * 300_000 + b"]" * 300_000 + b"}}", "nested too deeply"),
        (b'{"variables":{"uuid":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}", "nested too deeply"),
        (b"[1]", "it is a list"),
        (b'{"variables":{"uuid":"\\ud800"}}', "start is empty"),
        (b'{"variables":{"uuid":"a"}} x', "Extra data"),
    ],
)
def test_json_that_is_no_document_is_a_reject(document: bytes, detail: str) -> None:
    ((_, found),) = details(decode("freeswitch_json", document))
    assert detail in found


def test_a_file_of_another_format_fails_as_a_whole() -> None:
    for name in FILES:
        with pytest.raises(FileFailed) as failed:
            form_of(name).decode(Chunk(1, b"a,b,c\nd,e,f\n\ng,h,i\n", is_first=True), PROFILE)
        assert failed.value.failure is FileFailure.HEADER_CHANGED


# Rejects


@pytest.mark.parametrize("name", ["freeswitch_json", "freeswitch_xml"])
def test_a_long_document_is_kept_by_what_is_read_of_it(name: str) -> None:
    """A document is longer than what is kept of a reject: what is kept decodes to the same."""
    data = (FOLDER / FILES[name]).read_bytes()
    starts = form_of(name).framing.starts(data).tolist()
    note = b'"note":"' + b"n" * 9000 + b'",' if name == "freeswitch_json" else b"<note>" + b"n" * 9000 + b"</note>"
    place = b'"variables":{' if name == "freeswitch_json" else b"<variables>"
    for profile in (PROFILE, OUTGOING):
        for start in starts[:2]:
            document = data[start:].replace(place, place + note, 1)
            document = document[: int(form_of(name).framing.starts(document)[1])]
            chunk = Chunk(1, document)
            kept = line_octets(form_of(name).records(chunk).raw(0))
            assert len(kept) < 4096
            assert as_text(decode(name, kept, profile)) == as_text(form_of(name).decode(chunk, profile))


# Pages


@pytest.mark.parametrize(
    ("name", "language"), [("freeswitch_json", "json"), ("freeswitch_xml", "text"), ("radius_detail", "text")]
)
def test_the_example_of_the_page_decodes(name: str, language: str) -> None:
    (example,) = blocks(f"{name}.md", language)
    (row,) = decode(name, example.encode()).events.to_pylist()
    assert (row["called"], row["start"].replace(microsecond=0)) == (
        "442079460123",
        datetime(2026, 1, 2, 15, tzinfo=UTC),
    )
    assert row["quantity"] == {"freeswitch_json": 61, "freeswitch_xml": 60, "radius_detail": 10}[name]


# FreeSWITCH


def document(**variables: object) -> bytes:
    said: dict[str, object] = {
        "uuid": "u", "direction": "inbound", "start_uepoch": "1767366000000000", "answer_uepoch": "1767366001000000",
        "end_uepoch": "1767366011000000", "billmsec": "10000",
    }  # fmt: skip
    said |= variables
    profile = {"caller_id_number": "254711000111", "destination_number": "442079460123", "network_addr": "192.0.2.1"}
    return json.dumps({"variables": said, "callflow": [{"caller_profile": profile}]}).encode() + b"\n"


@pytest.mark.parametrize(
    ("variables", "column", "value"),
    [
        ({}, "quantity", 10),
        ({"billmsec": ""}, "reject", "duration_mismatch"),
        ({"billmsec": "", "billsec": "9"}, "duration_ms", 9000),
        ({"billmsec": 9500}, "duration_ms", 9500),
        ({"start_uepoch": "", "start_epoch": "1767366000"}, "start", datetime(2026, 1, 2, 15, tzinfo=UTC)),
        (
            {"start_uepoch": "", "start_stamp": "2026-01-02%2018%3A00%3A00"},
            "start",
            datetime(2026, 1, 2, 15, tzinfo=UTC),
        ),
        ({"start_uepoch": ""}, "reject", "bad_time"),
        ({"answer_uepoch": "0"}, "reject", "duration_mismatch"),
        ({"hangup_cause": "USER_BUSY"}, "cause", 17),
        ({"hangup_cause": "USER_BUSY", "hangup_cause_q850": "16"}, "cause", 16),
        ({"sip_hangup_phrase": "Busy%20Here"}, "sip_code", 486),
        ({"sip_hangup_phrase": "OK", "sip_term_status": "404"}, "sip_code", 404),
        ({"last_bridge_proto_specific_hangup_cause": "sip%3A503"}, "sip_code", 503),
        ({"sip_gateway": "a%20b"}, "trunk_in", "a b"),
        ({"bridge_channel": "sofia/gateway/beta/442"}, "trunk_out", "beta"),
        ({"bridge_channel": "sofia/external/442%40host.example%3A5060"}, "trunk_out", "host.example"),
        ({"bridge_channel": "loopback/442"}, "trunk_out", None),
        ({"trunkline_called": "00254722000222"}, "called", "254722000222"),
        ({"trunkline_called": "254722000222@192.0.2.1"}, "called", "254722000222"),
        ({"trunkline_attempt": "x"}, "reject", "field_count"),
        ({"direction": "outbound"}, "attempt", 1),
        ({"direction": "outbound", "call_uuid": "other"}, "skipped", "outgoing_leg"),
    ],
)
def test_freeswitch_document(variables: dict[str, object], column: str, value: object) -> None:
    decoded = decode("freeswitch_json", document() + document(**variables))
    if column == "reject":
        assert [reason for reason, _ in details(decoded)] == [value]
    elif column == "skipped":
        assert decoded.skip_reasons == {value: 1}
    else:
        assert decoded.events.to_pylist()[1][column] == value


def test_a_real_document_decodes() -> None:
    path = shared_folder("data", "cdr", "freeswitch_xml_cdr.xml")
    (row,) = decode_documents("freeswitch_xml", path, LATE).events.to_pylist()
    assert (row["calling"], row["called"], row["duration_ms"], row["quantity"]) == ("1001", "4000", 35633, 36)
    assert (row["cause"], row["sip_code"], row["pdd_ms"], row["source_ip"]) == (16, 200, 23062, "198.51.100.193")
    assert row["answer"] == datetime(2009, 12, 28, 1, 15, 14, 208_000, tzinfo=UTC)
    trial = try_file(path, form=None, profile=LATE, received_at=LATE.received_at)
    assert (trial.format, trial.rows_in, trial.decoded) == ("freeswitch_xml", 1, 1)


# RADIUS


def stop(leg: str, *, seconds: int = 10, conference: str = "c1", session: str = "1", **more: str) -> str:
    times = {
        "h323-setup-time": "18:00:00.000 EAT Fri Jan 02 2026",
        "h323-connect-time": "18:00:02.000 EAT Fri Jan 02 2026",
        "h323-disconnect-time": f"18:00:{2 + seconds:02}.000 EAT Fri Jan 02 2026",
    }
    said = {
        "Acct-Status-Type": "Stop", "Acct-Session-Id": session, "Acct-Session-Time": str(seconds),
        "h323-call-origin": leg, "h323-conf-id": conference, "Called-Station-Id": "442079460123", **times,
    }  # fmt: skip
    said |= {name.replace("_", "-"): value for name, value in more.items()}
    return "Fri Jan  2 18:01:00 2026\n" + "".join(f'\t{name} = "{value}"\n' for name, value in said.items()) + "\n"


def radius(*records: str, profile: SwitchProfile = PROFILE) -> Decoded:
    return decode("radius_detail", "".join(records).encode(), profile)


def test_a_connected_call_has_one_key_whichever_of_its_legs_is_seen() -> None:
    """Legs that come apart cannot both be charged: the second has the key of the first."""
    legs = stop("answer"), stop("originate", session="2")
    for seen in (legs[:1], legs[1:], legs, legs[::-1]):
        assert radius(*seen).events["key"].to_pylist() == ["c1"]


def test_legs_join_however_far_apart_they_stand(tmp_path: Path) -> None:
    other = "Fri Jan  2 18:01:00 2026\n\tAcct-Status-Type = Interim-Update\n\tAcct-Session-Id = x\n\n"
    path = tmp_path / "detail"
    path.write_text(stop("answer") + other * 10_000 + stop("originate", session="2"))
    for size in (60_000, 8 << 20):
        decoded = decode_documents("radius_detail", path, size=size)
        assert decoded.skip_reasons == {"joined_leg": 1, "interim": 10_000}
        assert decoded.events.num_rows == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:00:00.000 EAT Fri Jan 02 2026", datetime(2026, 1, 2, 15, tzinfo=UTC)),
        ("*18:00:00.250 EAT Fri Jan 2 2026", datetime(2026, 1, 2, 15, 0, 0, 250_000, tzinfo=UTC)),
        (".15:00:00.000 UTC Fri Jan 02 2026", datetime(2026, 1, 2, 15, tzinfo=UTC)),
        ("h323-setup-time=16:00:00.000 CET Fri Jan 02 2026", datetime(2026, 1, 2, 15, tzinfo=UTC)),
        ("15:00:00.000 XYZ Fri Jan 02 2026", None),
    ],
)
def test_times_of_gateways(text: str, expected: datetime | None) -> None:
    decoded = radius(stop("answer", h323_setup_time=text))
    if expected is None:
        assert [reason for reason, _ in details(decoded)] == ["bad_time"]
    else:
        assert decoded.events["start"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("seconds", "text", "cause"),
    [
        (10, "10", 16),
        (10, "h323-disconnect-cause=16", 16),
        (0, "16", 22),
        (0, "0x11", 17),
        (0, "FF", None),
        (0, "x", None),
    ],
)
def test_causes_are_hexadecimal(seconds: int, text: str, cause: int | None) -> None:
    assert radius(stop("answer", seconds=seconds, h323_disconnect_cause=text)).events["cause"].to_pylist() == [cause]


def test_gigawords_count_four_gibi_octets_each() -> None:
    session = (
        "Fri Jan  2 18:00:00 2026\n\tAcct-Status-Type = Stop\n\tAcct-Session-Id = s\n\tFramed-Protocol = PPP\n"
        "\tAcct-Session-Time = 60\n\tAcct-Input-Octets = 5\n\tAcct-Input-Gigawords = 2\n\tAcct-Output-Octets = 7\n"
    )
    (row,) = radius(session).events.to_pylist()
    assert (row["service"], row["quantity"], row["called"]) == ("data", 2 * 2**32 + 12, "")
    for octets, reason in (("-9", Reason.DURATION_NEGATIVE), ("many", Reason.DURATION_MISMATCH)):
        broken = session.replace("Octets = 5", f"Octets = {octets}").replace("Gigawords = 2", "Gigawords = 0")
        assert [found for found, _ in details(radius(broken.replace("Octets = 7", "Octets = 0")))] == [reason]


@pytest.mark.parametrize(
    ("file", "decoded", "rejected", "skipped"),
    [
        ("detail_captured_public_tickets.txt", 1, {"field_count": 2}, {"start": 1}),
        ("detail_freeradius_one.txt", 0, {}, {"start": 1}),
        ("detail_gnu_radius_ppp.txt", 1, {}, {"start": 1}),
        ("detail_h323_audiocodes_manual.txt", 0, {"bad_time": 1}, {}),
    ],
)
def test_a_real_detail_file_is_recognised(
    file: str, decoded: int, rejected: dict[str, int], skipped: dict[str, int]
) -> None:
    """Captured records: PPP sessions, a Start alone, a call whose only time is the first second of 1970."""
    path = shared_folder("data", "radius", file)
    trial = try_file(path, form=None, profile=LATE, received_at=LATE.received_at)
    assert (trial.format, trial.decoded) == ("radius_detail", decoded)
    assert (dict(trial.reasons), dict(trial.skipped)) == (rejected, skipped)


def test_a_real_call_needs_only_a_time() -> None:
    """The call of the manual with the time of its head line put right."""
    path = shared_folder("data", "radius", "detail_h323_audiocodes_manual.txt")
    text = path.read_text().replace("Thu Jan  1 00:00:00 1970", "Fri Jan  2 18:00:00 2026")
    (row,) = radius(text, profile=replace(PROFILE, number_rules=())).events.to_pylist()
    assert (row["key"], row["called"], row["calling"]) == ("02102944 600a1899 3fd61009 0e2f3cc5", "201", "202")
    assert (row["quantity"], row["cause"], row["trunk_out"]) == (1, 16, "212.179.22.214")

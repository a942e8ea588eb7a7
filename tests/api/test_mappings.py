"""Mappings through the API: given to a switch, and tried with a file before anything of it is taken."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from trunkline.api import mappings

TOML = b"""
name = "mine"
version = 2
title = "Ours"

[file]
kind = "delimited"
separator = ";"
columns = ["id", "callee", "begun", "seconds"]

[record]
key = "id"
called = "callee"
start = "time(begun)"
duration = "seconds(seconds)"
"""
FILE = b"1;254700000001;2026-03-02T10:00:00Z;60\n2;;2026-03-02T10:00:00Z;5\n"


def value(*, title: str = "Mine") -> dict[str, Any]:
    return {
        "name": "mine",
        "version": 1,
        "title": title,
        "file": {"kind": "delimited", "columns": ["id", "callee", "begun", "seconds"]},
        "record": {"key": "id", "called": "callee", "start": "time(begun)", "duration": "seconds(seconds)"},
    }


def old_switch(ask: Asking) -> Any:
    given = {"name": "old", "format": "mapping", "options": {"mapping": value(), "service": "voice"}}
    return ok(ask.post("/switches", given), 201)


def put(ask: Asking, path: str, body: bytes, kind: str, **headers: str) -> Any:
    given = {"Authorization": f"Bearer {ask.key}"} | {name.replace("_", "-"): each for name, each in headers.items()}
    return ask.client.put(f"/api/v1{path}", body, content_type=kind, headers=given)


def tried(ask: Asking, file: bytes, mapping: bytes | None = None, **query: str) -> Any:
    form: dict[str, Any] = {"file": SimpleUploadedFile("calls.txt", file)}
    if mapping is not None:
        form["mapping"] = SimpleUploadedFile("mine.toml", mapping)
    headers = {"Authorization": f"Bearer {ask.key}"}
    return ask.client.post("/api/v1/mappings/try", form, headers=headers, query_params=query)


def test_formats_and_mappings_of_ones_own_are_listed(ask: Asking) -> None:
    formats = {each["name"]: each for each in ok(ask.get("/formats"))["data"]}
    assert formats["common"] == {
        "name": "common",
        "title": formats["common"]["title"],
        "version": 1,
        "has_header": True,
        "is_mapping": False,
    }
    assert formats["mera"]["is_mapping"]
    switch = old_switch(ask)
    ok(ask.post("/switches", {"name": "edge", "format": "common"}), 201)
    assert pages(ask, "/mappings") == [
        {
            "switch_id": switch["id"],
            "switch": "old",
            "format": "mapping",
            "name": "mine",
            "version": 1,
            "title": "Mine",
            "mapping": value(),
        }
    ]


def test_a_mapping_is_put_as_toml_or_json_and_the_other_options_stay(ask: Asking) -> None:
    switch = old_switch(ask)
    path = f"/mappings/{switch['id']}"
    etag = ask.get(path)["ETag"]
    changed = ok(put(ask, path, TOML, "application/toml", If_Match=etag))
    assert (changed["title"], changed["version"], changed["mapping"]["file"]["separator"]) == ("Ours", 2, ";")
    refused(put(ask, path, TOML, "application/toml", If_Match=etag), 412, "version_conflict")
    assert ok(ask("PUT", path, value(title="Third")))["title"] == "Third"
    assert ok(ask.get(f"/switches/{switch['id']}"))["options"] == {"mapping": value(title="Third"), "service": "voice"}


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 422, "mapping_syntax"),
        (b"[]", "application/json", 422, "mapping_type"),
        (b'{"colour": 1}', "application/json", 422, "mapping_key"),
        (b"\xff", "application/toml", 422, "mapping_file"),
        (b"a" * (300 << 10), "application/toml", 413, "payload_too_large"),
        (TOML, "image/png", 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_mapping_is_refused(ask: Asking, body: bytes, kind: str, status: int, code: str) -> None:
    switch = old_switch(ask)
    problem = refused(put(ask, f"/mappings/{switch['id']}", body, kind), status, code)
    assert all(each["pointer"].startswith("line=") for each in problem.get("errors", []))
    assert ok(ask.get(f"/mappings/{switch['id']}"))["title"] == "Mine"


def test_what_is_wrong_with_a_mapping_is_said_with_its_line(ask: Asking) -> None:
    path = f"/mappings/{old_switch(ask)['id']}"
    wrong = TOML.replace(b'duration = "seconds(seconds)"', b'duration = "secs(seconds)"')
    problem = refused(put(ask, path, wrong, "application/toml"), 422, "mapping_expression")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("line=15", "mapping_expression")]


def test_a_switch_of_another_format_has_no_mapping_and_can_have_none(ask: Asking) -> None:
    path = f"/mappings/{ok(ask.post('/switches', {'name': 'edge', 'format': 'common'}), 201)['id']}"
    refused(ask.get(path), 404, "mapping_not_found")
    refused(put(ask, path, TOML, "application/toml"), 422, "switch_option")


def test_a_file_is_tried_by_a_mapping_and_nothing_is_taken(ask: Asking) -> None:
    shown = ok(tried(ask, gzip.compress(FILE), TOML))
    assert {
        name: shown[name] for name in ("file", "format", "version", "rows_in", "decoded", "rejected", "failure")
    } == {
        "file": "calls.txt",
        "format": "mine",
        "version": 2,
        "rows_in": 2,
        "decoded": 1,
        "rejected": 1,
        "failure": "",
    }
    assert [(row["line"], row["fate"]) for row in shown["rows"]] == [(1, "decoded"), (2, "rejected")]
    assert shown["rows"][0]["called"] == "254700000001"
    assert shown["reject_reasons"] == {"bad_number": 1}
    assert pages(ask, "/batches") == []


def test_a_file_is_tried_as_its_switch_reads_it_through_the_traffic_rules(ask: Asking) -> None:
    old_switch(ask)
    rule = {
        "name": "no-kenya",
        "stage": "before_identification",
        "then": "deny",
        "conditions": {"called_begins": ["254"]},
    }
    ok(ask.post("/traffic-rules", rule), 201)
    shown = ok(tried(ask, FILE.replace(b";", b","), switch="old"))
    assert (shown["format"], shown["decoded"], shown["reject_reasons"]["denied_by_rule"]) == ("mapping", 0, 1)
    assert shown["rows"][0]["rules"]["fitted"] == ["no-kenya"]


def test_a_format_is_recognised_and_a_strange_file_is_told_as_such(ask: Asking) -> None:
    common = b"key,called,start,answer,end,duration\n1,254700000001,2026-03-02T10:00:00Z,,2026-03-02T10:00:05Z,0\n"
    shown = ok(tried(ask, common))
    assert (shown["format"], shown["candidates"][0]["format"]) == ("common", "common")
    assert ok(tried(ask, b"what is this\n" * 9))["failure"] == "unknown_format"


def test_what_is_tried_is_bounded_and_a_form(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(tried(ask, FILE, TOML, format="common"), 422, "format_or_mapping")
    refused(tried(ask, FILE, format="morse"), 404, "format")
    refused(tried(ask, FILE, colour="red"), 422, "validation_failed")
    refused(ask("POST", "/mappings/try", FILE), 415, "unsupported_media_type")
    headers = {"Authorization": f"Bearer {ask.key}"}
    refused(ask.client.post("/api/v1/mappings/try", {"other": "x"}, headers=headers), 422, "file_missing")
    refused(
        ask.client.post("/api/v1/mappings/try", b"x", content_type="multipart/form-data", headers=headers),
        400,
        "malformed_form",
    )
    refused(tried(ask, b"%PDF-1.7"), 415, "unsupported_media_type")
    monkeypatch.setattr(mappings, "UNFOLDED_OCTETS_MAX", 1 << 20)
    line = FILE.splitlines(keepends=True)[0]
    rows = (9 << 20) // len(line)  # more than is looked at in any case
    shown = ok(tried(ask, gzip.compress(line * rows), TOML))
    assert (shown["is_cut"], shown["rows_in"] < rows) == (True, True)
    monkeypatch.setattr(mappings, "TRIED_OCTETS_MAX", 100)
    refused(tried(ask, FILE), 413, "payload_too_large")

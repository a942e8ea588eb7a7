"""Rates through the API: a file in, pages out, wrong ones taken out again."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from trunkline.api import rates as operations

FILE = b"""code,destination,price,increments,setup_fee,valid_from,valid_to,tag
254,Kenya,0.0850,1/1,,2026-01-01,,
2547,Kenya Mobile,0.1150,60/60,0.05,2026-01-01,2026-03-02T12:00:00Z,
2547,Kenya Mobile,0.1090,60/60,,2026-03-02T12:00:00Z,,
2558,Tanzania,,0:0.20/60/60;60:0.10/60/1,,,,gold
"""


@pytest.fixture
def address(ask: Asking) -> str:
    """The rates of a new tariff in Nairobi's time."""
    tariff = ok(ask.post("/tariffs", {"name": "Retail", "timezone": "Africa/Nairobi"}), 201)
    return f"/tariffs/{tariff['id']}/rates"


def test_a_file_is_loaded_and_read_back(ask: Asking, address: str) -> None:
    assert ok(ask.post(address, FILE)) == {
        "lines": 4, "rates": 4, "closed": 0, "voided": 0, "revision": 2, "proposals": [],
    }  # fmt: skip
    rows = pages(ask, address, limit=3)
    assert [each["code"] for each in rows] == ["254", "2547", "2547", "2558"]
    assert rows[1] == {
        "id": rows[1]["id"],
        "code": "2547",
        "destination": "Kenya Mobile",
        "steps": [{"from": 0, "price": "0.115", "per": 60, "increment": 60}],
        "setup_fee": "0.05",
        "grace": 0,
        "max_cost": None,
        "rounding": {"mode": "half_up", "decimals": 8},
        "valid_from": "2025-12-31T21:00:00Z",
        "valid_to": "2026-03-02T12:00:00Z",
        "time_profile": None,
        "weight": "10",
        "blocked": False,
        "tag": None,
        "origin": None,
        "length_min": None,
        "length_max": None,
        "additive": False,
    }
    assert rows[3]["steps"] == [
        {"from": 0, "price": "0.2", "per": 60, "increment": 60},
        {"from": 60, "price": "0.1", "per": 60, "increment": 1},
    ]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"code": "254"}, ["254"]),
        ({"code[like]": "254"}, ["254", "2547", "2547"]),
        ({"code[like]": "255"}, ["2558"]),
        ({"code[like]": "9"}, []),
        ({"code": "254,2558"}, ["254", "2558"]),
        ({"code[ne]": "2547"}, ["254", "2558"]),
        ({"destination": "Kenya Mobile"}, ["2547", "2547"]),
        ({"in_force_at": "2026-02-01T00:00:00Z"}, ["254", "2547", "2558"]),
        ({"in_force_at": "2026-03-02T12:00:00Z", "code[like]": "2547"}, ["2547"]),
        ({"in_force_at": "2020-01-01T00:00:00+03:00"}, ["2558"]),
        ({"tag": "gold"}, ["2558"]),
        ({"sort": "-code"}, ["2558", "2547", "2547", "254"]),
    ],
)
def test_rates_are_narrowed(ask: Asking, address: str, query: dict[str, Any], codes: list[str]) -> None:
    ok(ask.post(address, FILE))
    assert [each["code"] for each in pages(ask, address, limit=2, **query)] == codes


@pytest.mark.parametrize("query", [{"code[like]": "25x"}, {"code": "1" * 19}, {"in_force_at": "2026-02-01"}])
def test_what_a_list_of_rates_does_not_understand_is_refused(ask: Asking, address: str, query: dict[str, str]) -> None:
    problem = refused(ask("GET", address, query=query), 422, "validation_failed")
    assert [each["pointer"] for each in problem["errors"]] == [f"?{name}" for name in query]


def test_a_new_price_ends_the_earlier_one_only_where_it_is_asked_to(ask: Asking, address: str) -> None:
    ok(ask.post(address, FILE))
    newer = b"code,destination,price,valid_from\n254,Kenya,0.08,2026-05-01\n"
    problem = refused(ask.post(address, newer), 422, "bad_rate_file")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("line=2", "overlap")]
    done = ok(ask("POST", address, gzip.compress(newer), query={"supersede": "true"}))
    assert (done["rates"], done["closed"], done["voided"]) == (1, 1, 0)
    assert [(each["valid_from"], each["valid_to"]) for each in pages(ask, address, code="254")] == [
        ("2025-12-31T21:00:00Z", "2026-04-30T21:00:00Z"),
        ("2026-04-30T21:00:00Z", None),
    ]


def test_a_bad_file_changes_nothing_and_every_line_is_named(ask: Asking, address: str) -> None:
    bad = b"code,price\n254,cheap\n255,0.1\n25x,0.2\n"
    problem = refused(ask.post(address, bad), 422, "bad_rate_file")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("line=2", "bad_decimal"),
        ("line=4", "bad_code"),
    ]
    assert problem["detail"] == "Nothing was loaded: 2 problems with its lines."
    assert pages(ask, address) == []
    refused(ask.post(address, b""), 422, "empty_rate_file")
    refused(ask.post(address, b"code,price\n254,\xff\n"), 422, "bad_encoding")


def test_files_are_limited_in_size_and_kind(ask: Asking, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "FILE_OCTETS_MAX", 200)
    refused(ask.post(address, FILE), 413, "payload_too_large")
    bomb = gzip.compress(b"code,price\n" + b"2" * 100_000)
    assert len(bomb) < 200
    refused(ask.post(address, bomb), 422, "file_too_large")
    refused(ask.post(address, {"code": "254"}), 415, "unsupported_media_type")
    assert pages(ask, address) == []


def test_a_file_sent_again_with_its_key_is_loaded_once(ask: Asking, address: str) -> None:
    first = ask.post(address, FILE, Idempotency_Key="load-1")
    again = ask.post(address, FILE, Idempotency_Key="load-1")
    assert (ok(again), again["Idempotency-Replayed"]) == (ok(first), "true")
    assert len(pages(ask, address)) == 4
    refused(ask.post(address, FILE + b"1,US,1,,,,,\n", Idempotency_Key="load-1"), 422, "idempotency_key_reused")


def test_wrong_rates_are_voided_once(ask: Asking, address: str) -> None:
    ok(ask.post(address, FILE))
    ids = [each["id"] for each in pages(ask, address)]
    assert ok(ask.post(f"{address}/void", {"rates": ids[:2]})) == {"voided": 2, "proposals": []}
    assert [each["id"] for each in pages(ask, address)] == ids[2:]
    assert ok(ask.post(f"{address}/void", {"rates": ids[:3]})) == {"voided": 1, "proposals": []}
    refused(ask.post(f"{address}/void", {"rates": [ids[3], 987654321]}), 404, "not_found")
    refused(ask.post(f"{address}/void", {"rates": []}), 422, "validation_failed")
    assert [each["id"] for each in pages(ask, address)] == ids[3:]

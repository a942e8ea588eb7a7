"""Rejects through the API: in groups, and line by line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.api.requests import UUID_OF_NOTHING
from tests.db.usage.carrier import START, Carrier, line
from trunkline.usage.models import Batch
from trunkline.usage.reasons import Reason


@pytest.fixture
def batch(carrier: Carrier) -> Batch:
    """Four rejects of two reasons."""
    lines = [
        line("1", called="254700000001", trunk_in="new"),
        line("2", called="254800000002", trunk_in="new", start=START + timedelta(hours=1)),
        line("3", called="4420700000"),
        "4,broken",
        line("5"),
    ]
    return carrier.load(carrier.write("a.csv", *lines))


def test_rejects_are_counted_by_reason_and_prefix(ask: Asking, other: Carrier, batch: Batch) -> None:
    other.load(other.write("theirs.csv", line("1", trunk_in="new")))
    groups = ok(ask.get("/rejects"))["data"]
    assert [(each["reason"], each["prefix"], each["rejects"], each["line"]) for each in groups] == [
        ("unknown_sell", "254", 2, 2),
        ("field_count", "", 1, 5),
        ("no_rate_sell", "442", 1, 4),
    ]
    first = groups[0]
    assert (first["file"], first["batch_id"], first["raw"]) == (
        "a.csv",
        str(batch.public_id),
        line("1", called="254700000001", trunk_in="new"),
    )
    assert first["what_to_do"] == Reason.UNKNOWN_SELL.what_to_do
    longer = ok(ask.get("/rejects", digits=4, reason="unknown_sell"))["data"]
    assert [(each["prefix"], each["rejects"]) for each in longer] == [("2547", 1), ("2548", 1)]
    to = (START + timedelta(minutes=1)).isoformat()
    assert len(ok(ask("GET", "/rejects", query={"from": START.isoformat(), "to": to}))["data"]) == 2


def test_rejects_are_listed_with_their_lines(ask: Asking, batch: Batch) -> None:
    found = pages(ask, "/rejects/lines", limit=3)
    assert [(each["line"], each["reason"], each["key"], each["called"]) for each in found] == [
        (2, "unknown_sell", "1", "254700000001"),
        (3, "unknown_sell", "2", "254800000002"),
        (4, "no_rate_sell", "3", "4420700000"),
        (5, "field_count", None, None),
    ]
    assert (found[3]["raw"], found[3]["switch"], found[3]["start"]) == ("4,broken", "common", None)
    assert pages(ask, "/rejects/lines", reason="field_count", fields="line") == [{"line": 5}]
    assert pages(ask, "/rejects/lines", batch_id=batch.public_id, number="2548*", fields="key") == [{"key": "2"}]


@pytest.mark.parametrize("path", ["/rejects", "/rejects/lines"])
@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"reason": "bored"}, 422, "validation_failed"),
        ({"colour": "red"}, 422, "validation_failed"),
        ({"batch_id": UUID_OF_NOTHING}, 404, "batch_not_found"),
    ],
)
def test_what_is_asked_must_be_there(ask: Asking, path: str, asked: dict[str, Any], status: int, code: str) -> None:
    refused(ask("GET", path, query=asked), status, code)


def test_where_nothing_waits_there_is_nothing(ask: Asking) -> None:
    assert ok(ask.get("/rejects")) == {"data": []}
    assert ok(ask.get("/rejects/lines")) == {"data": [], "has_more": False, "next_cursor": None}
    refused(ask.get("/rejects/lines", number="abc"), 422, "bad_number")

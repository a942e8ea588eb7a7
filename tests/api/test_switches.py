"""Switches through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Asking

EDGE = {
    "name": "edge-1",
    "format": "common",
    "timezone": "Africa/Nairobi",
    "number_rules": [{"begins": "00", "put": ""}],
}


def made(ask: Asking, **given: Any) -> Any:
    answer = ask.post("/switches", EDGE | given)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_switch_is_made_and_read(ask: Asking) -> None:
    answer = ask.post("/switches", EDGE)
    switch = answer.json()
    assert answer["Location"] == f"/api/v1/switches/{switch['id']}"
    assert switch == EDGE | {
        "id": switch["id"],
        "has_buy_side": True,
        "max_duration_s": 86_400,
        "future_limit_s": 300,
        "duplicate_window_days": 3,
        "options": {},
    }
    read = ask.get(f"/switches/{switch['id']}")
    assert (read.json(), read["ETag"]) == (switch, answer["ETag"])


def test_switches_are_listed_by_name_and_filtered(ask: Asking) -> None:
    for name, has_buy_side in (("b", True), ("a", False), ("c", True)):
        made(ask, name=name, has_buy_side=has_buy_side)
    listed = ask.get("/switches", limit=2, fields="name").json()
    assert (listed["data"], listed["has_more"]) == ([{"name": "a"}, {"name": "b"}], True)
    rest = ask.get("/switches", limit=2, fields="name", cursor=listed["next_cursor"]).json()
    assert (rest["data"], rest["has_more"]) == ([{"name": "c"}], False)
    assert [each["name"] for each in ask.get("/switches", has_buy_side="false").json()["data"]] == ["a"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"format": "morse"}, "unknown_format"),
        ({"timezone": "Mars/Olympus"}, "unknown_timezone"),
        ({"number_rules": [{"begins": "00", "pattern": "1"}]}, "number_rule"),
        ({"number_rules": [{"colour": "red"}]}, "number_rule"),
        ({"options": {"mapping": {}}}, "mapping_key"),
        ({"format": "mapping"}, "switch_option"),
        ({"max_duration_s": -1}, "validation_failed"),
        ({"name": ""}, "validation_failed"),
        ({"watch_folder": "/etc"}, "validation_failed"),  # folders of the machine are for whoever runs it
    ],
)
def test_what_no_switch_could_work_with_is_refused(ask: Asking, given: Any, code: str) -> None:
    answer = ask.post("/switches", EDGE | given)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_there_is_one_switch_of_a_name(ask: Asking) -> None:
    made(ask)
    answer = ask.post("/switches", EDGE)
    assert (answer.status_code, answer.json()["code"]) == (409, "switch_exists")


def test_a_switch_is_changed_only_as_it_was_read(ask: Asking) -> None:
    switch = made(ask)
    path = f"/switches/{switch['id']}"
    etag = ask.get(path)["ETag"]
    changed = ask.patch(path, {"timezone": "UTC", "duplicate_window_days": 0}, If_Match=etag)
    assert changed.json() == switch | {"timezone": "UTC", "duplicate_window_days": 0}
    late = ask.patch(path, {"timezone": "Asia/Tokyo"}, If_Match=etag)
    assert (late.status_code, late.json()["code"]) == (412, "version_conflict")
    refused = ask.patch(path, {"timezone": "Mars/Olympus", "max_duration_s": 60})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_timezone")
    assert ask.patch(path, {}).json() == changed.json()
    assert ask.patch(path, {"format": "mera"}).status_code == 422


def test_a_switch_is_made_once_by_one_key_of_idempotency(ask: Asking) -> None:
    first = ask.post("/switches", EDGE, Idempotency_Key="k1")
    again = ask.post("/switches", EDGE, Idempotency_Key="k1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotency-Replayed"] == "true"

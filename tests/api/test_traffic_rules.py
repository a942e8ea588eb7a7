"""Traffic rules through the API: in order, as a file and back, and one call tried."""

from __future__ import annotations

from typing import Any

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking

CUT = {
    "name": "cut",
    "stage": "before_identification",
    "actions": "strip called 2",
    "conditions": {"called_begins": ["00"]},
}


def made(ask: Asking, **given: Any) -> Any:
    return ok(ask.post("/traffic-rules", CUT | given), 201)


def test_a_rule_is_made_and_read(ask: Asking) -> None:
    account = ok(ask.post("/accounts", {"code": "acme", "name": "Acme"}), 201)
    answer = ask.post(
        "/traffic-rules",
        {
            "name": "premium",
            "stage": "after_account",
            "side": "sell",
            "account_id": account["id"],
            "valid_from": "2026-03-01T00:00:00Z",
            "conditions": {"called_begins": ["254", "255"], "called_pattern": "^25[45]"},
            "actions": "tag premium",
            "then": "allow",
        },
    )
    rule = ok(answer, 201)
    assert answer["Location"] == f"/api/v1/traffic-rules/{rule['id']}"
    assert rule == {
        "id": rule["id"],
        "name": "premium",
        "stage": "after_account",
        "position": 10,
        "side": "sell",
        "switch": None,
        "account_id": account["id"],
        "account": "acme",
        "valid_from": "2026-03-01T00:00:00Z",
        "valid_to": None,
        "conditions": {"called_begins": ["254", "255"], "called_pattern": "^25[45]"},
        "actions": "tag premium",
        "then": "allow",
        "note": "",
    }
    read = ask.get(f"/traffic-rules/{rule['id']}")
    assert (read.json(), read["ETag"]) == (rule, answer["ETag"])


def test_rules_are_listed_as_they_are_looked_at(ask: Asking) -> None:
    tag = {"conditions": {}, "actions": "tag x"}
    for name, stage, position in (
        ("d", "after_rate", 5),
        ("b", "before_identification", 100),
        ("c", "after_account", 5),
        ("a", "before_identification", 20),
        ("Z", "before_identification", 100),
    ):
        made(ask, name=name, stage=stage, position=position, **tag)
    assert [each["name"] for each in pages(ask, "/traffic-rules", limit=2)] == ["a", "Z", "b", "c", "d"]
    assert [each["name"] for each in pages(ask, "/traffic-rules", sort="-order", limit=2)] == ["d", "c", "b", "Z", "a"]
    assert [each["name"] for each in pages(ask, "/traffic-rules", stage="after_rate,after_account")] == ["c", "d"]


def test_a_change_says_all_conditions_and_leaves_the_rest(ask: Asking) -> None:
    rule = made(ask, note="Kept.")
    path = f"/traffic-rules/{rule['id']}"
    etag = ask.get(path)["ETag"]
    changed = ok(ask.patch(path, {"conditions": {"trunks_in": ["t1"]}, "position": 7}, If_Match=etag))
    assert changed == rule | {"conditions": {"trunks_in": ["t1"]}, "position": 7}
    refused(ask.patch(path, {"position": 8}, If_Match=etag), 412, "version_conflict")
    refused(ask.patch(path, {"conditions": {"colour": ["red"]}}), 422, "rule_condition")
    refused(ask.patch(path, {"name": "other"}), 422, "validation_failed")
    refused(ask.patch(path, {"side": "sell"}), 422, "rule_stage")
    assert ask("DELETE", path).status_code == 204
    refused(ask.get(path), 404, "rule_not_found")


def test_a_name_is_used_once(ask: Asking) -> None:
    made(ask)
    refused(ask.post("/traffic-rules", CUT), 409, "rule_exists")


def test_rules_leave_as_a_file_and_come_back_as_they_were(ask: Asking) -> None:
    made(ask, name="=HYPERLINK(1)", note="'@x")
    made(ask, name="plain")
    exported = ask.get("/traffic-rules/export")
    assert exported["Content-Type"] == "text/csv; charset=utf-8"
    text = exported.content.decode()
    assert "\n'=HYPERLINK(1)," in text  # what a spreadsheet would take for a formula is text
    before = pages(ask, "/traffic-rules")
    ok(ask.patch(f"/traffic-rules/{before[0]['id']}", {"note": "Other."}))
    assert ok(ask("POST", "/traffic-rules/load", exported.content)) == {
        "added": [],
        "changed": ["=HYPERLINK(1)"],
        "removed": [],
        "unchanged": ["plain"],
    }
    assert pages(ask, "/traffic-rules") == before
    only = b"name,stage,actions\nnew,after_account,tag x\n"
    assert ok(ask("POST", "/traffic-rules/load", only, query={"replace": "true"})) == {
        "added": ["new"],
        "changed": [],
        "removed": ["=HYPERLINK(1)", "plain"],
        "unchanged": [],
    }


def test_what_is_wrong_with_a_file_is_said_line_by_line_and_nothing_of_it_stays(ask: Asking) -> None:
    file = b"name,stage,actions\ngood,after_account,tag x\nbad,nowhere,tag x\nworse,after_account,fly\n"
    problem = refused(ask("POST", "/traffic-rules/load", file), 422, "bad_rule_file")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("line=3", "rule_stage"),
        ("line=4", "rule_action"),
    ]
    assert pages(ask, "/traffic-rules") == []


def test_one_call_is_tried_through_all_stages(ask: Asking) -> None:
    made(ask)
    tested = ok(ask.post("/traffic-rules/test", {"called": "00254700000001", "calling": "254711000000"}))
    assert [(each["rule"], each["verdict"]) for each in tested["before_identification"]] == [("cut", "fitted")]
    assert tested["carries"]["called"] == "254700000001"
    assert tested["reject"]["reason"] == "unknown_sell"
    assert tested["call"]["start"] == "2026-03-02T12:00:00Z"
    refused(ask.post("/traffic-rules/test", {"called": "1", "switch": "nothing"}), 404, "switch_not_found")

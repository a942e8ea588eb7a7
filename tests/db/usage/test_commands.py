"""The commands of `trunkline usage`, as one would type them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.db.usage.carrier import NOW, Carrier, line
from trunkline.cli.explain import app as explain_app
from trunkline.cli.usage import app
from trunkline.kit import clock
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.usage.intake import register_path
from trunkline.usage.models import Batch

TENANT = "alpha-carrier"


def run(*words: str) -> str:
    """What a command prints as its answer."""
    with clock.at(NOW):
        result = CliRunner(env={"COLUMNS": "250"}).invoke(app, [*words, "--tenant", TENANT])
    assert result.exception is None, result.output
    return result.stdout


def cells(printed: str, heading: str) -> list[list[str]]:
    """The rows of a table whose heading begins with a word."""
    rows = [[cell.strip() for cell in row[1:-1].split(row[0])] for row in printed.splitlines() if row[:1] in ("┃", "│")]
    assert rows[0][0] == heading
    return rows[1:]


def state(carrier: Carrier, **said: Any) -> None:
    with carrier.scope():
        Batch.objects.update(**said)


def test_loading_says_whether_a_file_was_taken_before_or_is_resumed(carrier: Carrier) -> None:
    path = carrier.write("a.csv", line("k1"))

    def remark() -> str:
        (row,) = cells(run("load", str(path), "--switch", "common"), "File")
        assert row[:3] == ["a.csv", "posted", "1"]
        return row[-1]

    register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    assert remark() == "begun before, resumed"
    assert remark() == "was taken before"


def test_a_file_that_was_cut_off_in_the_middle_is_resumed(carrier: Carrier) -> None:
    path = carrier.write("a.csv", line("k1"))
    register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    state(carrier, state="running", attempt=1)
    said = json.loads(run("load", str(path), "--switch", "common", "--json"))["batches"][0]
    assert (said["state"], said["rated"], said["remark"]) == ("posted", 1, "begun before, resumed")


def test_a_file_that_had_failed_is_tried_again(carrier: Carrier) -> None:
    path = carrier.write("a.csv", line("k1"))
    register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    state(carrier, state="failed", failure="source_changed")
    said = json.loads(run("load", str(path), "--switch", "common", "--json"))["batches"][0]
    assert (said["state"], said["remark"]) == ("posted", "had failed, tried again")


def test_rejects_are_told_by_file_and_batch_and_their_absence_is_said(carrier: Carrier) -> None:
    assert run("rejects") == "No rejects wait.\n"
    assert run("resend") == "No rejects wait to be sent again.\n"
    batch = carrier.load(carrier.write("a.csv", line("k1", trunk_in="elsewhere"), line("k2")))
    rejected = (
        "k1,254700000001,2026-03-02T10:00:00+00:00,2026-03-02T10:00:05+00:00,2026-03-02T10:01:05+00:00,60,elsewhere,out"
    )
    (row,) = cells(run("rejects", "--list"), "File")
    assert row == [
        "a.csv",
        "2",
        "unknown_sell",
        "trunk_in elsewhere",
        "254700000001",
        "2026-03-02 10:00:00+00:00",
        rejected,
    ]
    (listed,) = json.loads(run("rejects", "--list", "--json"))["records"]
    assert (listed["batch"], listed["file"], listed["line"]) == (str(batch.public_id), "a.csv", 2)
    (group,) = json.loads(run("rejects", "--json"))["groups"]
    assert (group["batch"], group["file"], group["rejects"]) == (str(batch.public_id), "a.csv", 1)
    assert not {"batch_id"} & (listed.keys() | group.keys())
    assert run("rejects", "--reason", "overflow") == "No such rejects wait.\n"
    assert cells(run("rejects"), "Reason")[0][:3] == ["unknown_sell", "254", "1"]


def test_rejects_that_waited_on_a_day_can_be_asked_for(carrier: Carrier) -> None:
    """A file of 4 March, its rejects sent again on the 6th after the trunk was told."""
    batch = carrier.load(carrier.write("a.csv", line("k1", trunk_in="elsewhere"), line("k2", trunk_in="nowhere")))
    carrier.give_trunk("elsewhere", "cust")
    with clock.at(NOW + timedelta(days=2)):
        result = CliRunner().invoke(app, ["resend", "--tenant", TENANT])
    assert result.exit_code == 0

    def waiting(as_of: str, *words: str) -> list[str]:
        said = json.loads(run("rejects", "--list", "--json", "--as-of", as_of, *words))["records"]
        return sorted(each["key"] for each in said)

    assert waiting("2026-03-03") == []
    for then in ("2026-03-04", "2026-03-05", "2026-03-05T23:59:59.999999"):
        assert waiting(then) == ["k1", "k2"]
        assert waiting(then, "--batch", str(batch.public_id)) == ["k1", "k2"]
        assert waiting(then, "--reason", "overflow") == []
    assert waiting("2026-03-06") == waiting("2027-01-01") == ["k2"]
    (group,) = json.loads(run("rejects", "--json", "--as-of", "2026-03-05"))["groups"]
    assert (group["reason"], group["rejects"]) == ("unknown_sell", 2)
    assert run("rejects", "--as-of", "2026-03-03") == "No rejects waited then.\n"


def test_as_of_a_day_is_when_it_ended_in_the_zone_of_the_tenant(carrier: Carrier) -> None:
    """In searching and explaining as everywhere. The file is taken as the 4th of March begins in UTC."""
    carrier.load(carrier.write("a.csv", line("k1")))

    def found(as_of: str) -> int:
        return len(json.loads(run("search", "--from", "2026-03-01", "--json", "--as-of", as_of))["records"])

    assert [found(day) for day in ("2026-03-03", "2026-03-04", "2026-03-04T00:00")] == [0, 1, 1]
    with carrier.scope():
        Tenant.objects.update(timezone="America/New_York")  # where it was still the 3rd
    assert [found(day) for day in ("2026-03-02", "2026-03-03", "2026-03-03T18:59", "2026-03-03T19:00")] == [0, 1, 0, 1]
    explained = CliRunner().invoke(explain_app, ["k1", "--tenant", TENANT, "--as-of", "2026-03-02"])
    assert getattr(explained.exception, "code", None) == "record_not_found"
    assert run("rejects", "--as-of", "2026-03-02") == "No rejects waited then.\n"
    wrong = CliRunner().invoke(app, ["rejects", "--tenant", TENANT, "--as-of", "yesterday"])
    assert getattr(wrong.exception, "code", None) == "bad_time"


def test_what_is_sent_again_is_counted_in_figures_that_stand_flush_right(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", trunk_in="elsewhere")))
    printed = run("resend")
    assert cells(printed, "File") == [["rejects of a.csv", "posted", "1", "0", "1", "0"]]
    assert "│  1 │     0 │        1 │          0 │" in printed


def test_the_check_looks_at_the_tenant_of_the_environment(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    create_tenant(name="Beta Telecom", currency="USD", timezone="UTC", actor="test", at=NOW)

    def tenants(*words: str) -> set[str]:
        result = CliRunner().invoke(app, ["check", "--json", *words])
        assert result.exit_code == 0
        return {finding["tenant"] for finding in json.loads(result.stdout)["findings"]}

    assert tenants() == {TENANT, "beta-telecom"}
    monkeypatch.setenv("TRUNKLINE_TENANT", TENANT)
    assert tenants() == {TENANT}
    assert tenants("--tenant", "beta-telecom") == {"beta-telecom"}

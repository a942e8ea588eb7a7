"""Traffic rules in the walk of real files: made, loaded, refused, changed and explained."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.databases import TestDatabase
from tests.db.usage.carrier import NOW, START, Carrier, line
from tests.places import ROOT
from trunkline.cli.explained import print_explanation
from trunkline.cli.usage import app as usage_app
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.kit import clock
from trunkline.kit.home import home
from trunkline.parties.actions import change_account
from trunkline.tariffs.actions import change_time_profile, create_time_profile, load_rates
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.models import Tenant
from trunkline.usage.explain import explain_record
from trunkline.usage.explained import as_json
from trunkline.usage.locate import Sought, access_record
from trunkline.usage.models import Batch, Segment, TrafficRule
from trunkline.usage.omitted import filled_in
from trunkline.usage.process import process
from trunkline.usage.resend import resend
from trunkline.usage.traffic.actions import GivenRule, change_rule, create_rule, load_rules, remove_rule
from trunkline.usage.traffic.queries import access_rule, rule_book, traffic_rules
from trunkline.usage.traffic.rule_file import read_rule_file


def make(carrier: Carrier, name: str, stage: str = "after_account", **given: Any) -> TrafficRule:
    with carrier.scope():
        return create_rule(given=GivenRule(name=name, stage=stage, **given), at=NOW)


def records(carrier: Carrier, batch: Batch, kind: str = "rated") -> list[dict[str, Any]]:
    with carrier.scope():
        paths = [home() / each.path for each in Segment.objects.filter(batch=batch, kind=kind).order_by("path")]
    return [filled_in(row) for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]


def add_prices(carrier: Carrier, side: str, text: str) -> None:
    with carrier.scope():
        load_rates(tariff_id=Tariff.objects.get(name=side).pk, data=text.encode(), at=NOW)


def test_a_tag_of_a_rule_chooses_the_price_with_that_tag(carrier: Carrier) -> None:
    add_prices(carrier, "sell", "code,price,tag\n254,0.30,premium\n")
    make(carrier, "premium", side="sell", conditions={"called_begins": "2547"}, actions="tag premium")
    batch = carrier.load(carrier.write("a.csv", line("one"), line("two", called="254200000001")))
    found = {row["key"]: row for row in records(carrier, batch)}

    one, two = found["one"], found["two"]
    assert (one["tags"], one["sell_tags"], one["buy_tags"], one["rules"]) == ("premium", "premium", None, "premium")
    assert (str(one["sell_tariff_amount"]), str(two["sell_tariff_amount"])) == ("0.30000000", "0.10000000")
    assert (two["tags"], two["rules"], two["sell_tags"], two["sell_number"]) == (None, None, None, None)


def test_a_routing_number_prices_and_the_dialled_number_stays(carrier: Carrier) -> None:
    add_prices(carrier, "sell", "code,price\n25499,0.50\n")
    make(carrier, "ported", side="sell", actions=r"route-by 2547(\d+) 25499\1")
    (row,) = records(carrier, carrier.load(carrier.write("a.csv", line("one"))))
    assert (row["called"], row["called_raw"], row["sell_number"], row["buy_number"]) == (
        "254700000001",
        "254700000001",
        "2549900000001",
        None,
    )
    assert (row["sell_code"], row["buy_code"], str(row["sell_tariff_amount"])) == ("25499", "254", "0.50000000")


def test_a_rule_before_identification_changes_the_numbers_of_the_record(carrier: Carrier) -> None:
    make(
        carrier,
        "national",
        "before_identification",
        conditions={"called_begins": "0"},
        actions="strip called 1; add called 254",
    )
    (row,) = records(carrier, carrier.load(carrier.write("a.csv", line("one", called="0700000001"))))
    assert (row["called"], row["called_raw"], row["sell_code"], row["rules"]) == (
        "254700000001",
        "0700000001",
        "254",
        "national",
    )


def test_what_a_rule_denies_is_rejected_and_taken_once_the_rule_is_changed(carrier: Carrier) -> None:
    rule = make(carrier, "no-kenya", side="sell", account="cust", conditions={"called_begins": "254"}, then="deny")
    batch = carrier.load(carrier.write("a.csv", line("one"), line("short", 0)))
    assert (batch.rated, batch.rejected, batch.reject_reasons) == (1, 1, {"denied_by_rule": 1})
    (reject,) = records(carrier, batch, "reject")
    assert (reject["key"], reject["reason"], reject["detail"]) == ("one", "denied_by_rule", "rule no-kenya")

    with carrier.scope():
        change_rule(rule_id=rule.pk, changes={"conditions": {"called_begins": "2549"}}, at=NOW)
    (again,) = resend(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock)
    process(tenant_id=carrier.tenant_id, batch_id=again, now=carrier.clock)
    with carrier.scope():
        sent = Batch.objects.get(pk=again)
        assert (sent.rated, sent.rejected, sent.duplicates) == (1, 0, 0)
        assert not Segment.objects.filter(batch=batch, kind="reject", state="live").exists()
    (row,) = records(carrier, sent)
    assert (row["key"], row["rules"], str(row["sell_tariff_amount"])) == ("one", None, "0.10000000")


def test_a_rule_that_empties_a_number_rejects_the_record(carrier: Carrier) -> None:
    make(carrier, "too-much", "before_identification", actions="strip called 12")
    batch = carrier.load(carrier.write("a.csv", line("one")))
    (reject,) = records(carrier, batch, "reject")
    assert (reject["reason"], reject["detail"]) == ("bad_number", "rule too-much, called 254700000001")


def test_a_record_that_came_again_after_the_rules_changed_is_a_duplicate(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("one")))
    make(carrier, "national", "before_identification", actions="replace called 254(.*) 255\\1; tag other")
    batch = carrier.load(carrier.write("b.csv", line("one"), line("two", called="0")))
    assert (batch.rated, batch.duplicates, batch.rejected) == (0, 1, 1)


def test_rules_are_for_their_switch_and_their_dates(carrier: Carrier) -> None:
    with carrier.scope():
        from trunkline.usage.actions import create_switch

        create_switch(name="other", format="common", at=NOW)
    make(carrier, "other", switch="other", actions="tag other")
    make(carrier, "over", valid_to=START, actions="tag over")
    make(carrier, "now", valid_from=START, valid_to=START + timedelta(minutes=1), actions="tag now")
    make(carrier, "next", valid_from=START + timedelta(seconds=1), actions="tag next")
    (row,) = records(carrier, carrier.load(carrier.write("a.csv", line("one"))))
    assert (row["tags"], row["rules"]) == ("now", "now")
    with carrier.scope():
        book = rule_book("other")
        assert book is not None
        assert [rule.name for rule in book.rules] == ["other", "over", "now", "next"]


def test_rules_are_for_accounts_by_their_tags_as_they_are_when_a_batch_begins(carrier: Carrier) -> None:
    with carrier.scope():
        change_account(account_id=carrier.accounts["cust"].pk, at=NOW, tags=["retail", "Nairobi East"])
    make(carrier, "retail", conditions={"account_tags": "retail,Nairobi East"}, actions="tag retail")
    make(carrier, "others", conditions={"not_account_tags": ["retail"]}, actions="tag other")
    make(carrier, "both", conditions={"account_tags": "retail", "not_account_tags": "gold"}, actions="tag plain")
    (one,) = records(carrier, carrier.load(carrier.write("a.csv", line("one"))))
    assert (one["sell_tags"], one["buy_tags"], one["rules"]) == ("plain,retail", "other", "retail,both,others")

    with carrier.scope():
        change_account(account_id=carrier.accounts["cust"].pk, at=NOW, tags=["retail", "gold"])
    (two,) = records(carrier, carrier.load(carrier.write("b.csv", line("two"))))
    assert (two["sell_tags"], two["buy_tags"]) == (None, "other")
    said = explained(carrier, "two")
    assert [(each["rule"], each["verdict"]) for each in said["sides"]["sell"]["rules"]["after_account"]] == [
        ("retail", "account_tags"),
        ("others", "account_tags"),
        ("both", "account_tags"),
    ]


def test_a_rule_with_a_time_profile_is_for_its_hours_on_the_tenants_clock(
    carrier: Carrier, capsys: pytest.CaptureFixture[str]
) -> None:
    with carrier.scope():
        Tenant.objects.filter(pk=carrier.tenant_id).update(timezone="Africa/Nairobi")
        profile = create_time_profile(name="peak", windows=[{"weekdays": [1], "from": "08:00", "to": "13:00"}], at=NOW)
    make(carrier, "peak", "before_identification", conditions={"time_profiles": "peak"}, actions="tag peak")
    rows = [line(f"{hour}", start=START.replace(hour=hour)) for hour in (4, 5, 9, 10)]
    found = {row["key"]: row["tags"] for row in records(carrier, carrier.load(carrier.write("a.csv", *rows)))}
    assert found == {"4": None, "5": "peak", "9": "peak", "10": None}
    said = explained(carrier, "10")
    assert [each["verdict"] for each in said["rules"]["before_identification"]] == ["time_profiles"]
    print_explanation(said)
    assert "rule peak: passed over: the call starts outside its time profiles" in capsys.readouterr().out

    with carrier.scope():
        change_time_profile(profile_id=profile.pk, windows=[{"from": "13:00"}], at=NOW)
    assert explained(carrier, "10")["rules"]["fit_now"] == ["peak"]


def test_a_batch_of_a_tenant_without_rules_has_none_pinned(carrier: Carrier) -> None:
    with carrier.scope():
        assert rule_book("common") is None
    (row,) = records(carrier, carrier.load(carrier.write("a.csv", line("one"))))
    assert {row[name] for name in ("tags", "rules", "sell_tags", "buy_tags", "sell_number", "buy_number")} == {None}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"stage": "later"}, "rule_stage"),
        ({"stage": "before_identification", "side": "sell"}, "rule_stage"),
        ({"stage": "before_identification", "account": "cust"}, "rule_stage"),
        ({"stage": "before_identification", "conditions": {"account_tags": "gold"}}, "rule_stage"),
        ({"stage": "before_identification", "conditions": {"not_account_tags": "gold"}}, "rule_stage"),
        ({"conditions": {"destinations": "Kenya"}}, "rule_stage"),
        ({"stage": "after_routing", "side": "sell"}, "rule_stage"),
        ({"side": "left"}, "rule_side"),
        ({"then": "perhaps"}, "rule_then"),
        ({"actions": ""}, "rule_does_nothing"),
        ({"then": "deny"}, "rule_does_nothing"),
        ({"actions": "call the police"}, "rule_action"),
        ({"actions": "strip called 0"}, "rule_action"),
        ({"actions": "strip answered 1"}, "rule_action"),
        ({"actions": "add called 25x"}, "rule_action"),
        ({"actions": "replace called 254( x"}, "rule_pattern"),
        ({"actions": r"replace called 254(\d+) \2"}, "rule_pattern"),
        ({"actions": r"replace called (a{1000}){1000} x"}, "rule_pattern"),
        ({"actions": "route-by 254"}, "rule_action"),
        ({"actions": f"tag {'x' * 61}"}, "rule_tag"),
        ({"conditions": {"called_begins": "25a"}}, "rule_condition"),
        ({"conditions": {"called_pattern": "(?=254)"}}, "rule_pattern"),
        ({"conditions": {"source_ips": "192.0.2.1/24"}}, "rule_condition"),
        ({"conditions": {"colour": "red"}}, "rule_condition"),
        ({"conditions": {"jurisdictions": "galactic"}}, "rule_condition"),
        ({"conditions": {"services": "fax"}}, "rule_condition"),
        ({"name": "a,b"}, "rule_name"),
        ({"name": ""}, "rule_name"),
        ({"position": -1}, "rule_position"),
        ({"valid_from": START, "valid_to": START - timedelta(days=1)}, "rule_dates"),
    ],
)
def test_what_is_no_rule_is_refused(carrier: Carrier, given: dict[str, Any], code: str) -> None:
    whole = {"name": "rule", "stage": "after_account", "actions": "tag a"} | given
    with carrier.scope(), pytest.raises(Invalid) as refused:
        create_rule(given=GivenRule(**whole), at=NOW)
    assert refused.value.code == code
    with carrier.scope():
        assert traffic_rules() == []


def test_a_name_is_there_once_and_what_it_names_must_be_there(carrier: Carrier) -> None:
    make(carrier, "one", actions="tag a")
    with pytest.raises(Conflict, match="a rule 'one' already"):
        make(carrier, "one", actions="tag b")
    for given, code in (
        ({"switch": "nowhere"}, "switch_not_found"),
        ({"account": "nobody"}, "account_not_found"),
        ({"stage": "after_rate", "conditions": {"destinations": "Atlantis"}}, "destination_not_found"),
        ({"conditions": {"time_profiles": "peak"}}, "time_profile_not_found"),
    ):
        with pytest.raises(NotFound) as missing:
            make(carrier, "two", **({"actions": "tag a"} | given))  # type: ignore[arg-type]
        assert missing.value.code == code
    with carrier.scope(), pytest.raises(NotFound):
        access_rule("two")


def test_rules_are_removed_and_their_history_stays(carrier: Carrier) -> None:
    rule = make(carrier, "one", actions="tag a")
    with carrier.scope():
        change_rule(rule_id=rule.pk, changes={"actions": "tag b", "position": 5}, at=NOW)
        remove_rule(rule_id=rule.pk)
        from django.apps import apps

        events = apps.get_model("usage", "TrafficRuleHistoryevent").objects.order_by("pgh_id")
        assert [(each.pgh_label, each.actions) for each in events] == [
            ("insert", "tag a"),
            ("update", "tag b"),
            ("delete", "tag b"),
        ]


def test_many_rules_are_loaded_all_or_none(carrier: Carrier) -> None:
    make(carrier, "old", actions="tag a")
    make(carrier, "same", actions="tag s")
    good = GivenRule(name="new", stage="after_rate", actions="tag n", conditions={"countries": "ke"})
    with carrier.scope(), pytest.raises(Invalid) as refused:
        load_rules(given=[(2, good), (3, GivenRule(name="bad", stage="after_rate")), (4, good)], at=NOW)
    assert [text.split(":")[0] for text in refused.value.message.splitlines()[1:]] == ["line 3", "line 4"]
    with carrier.scope():
        assert [row.name for row in traffic_rules()] == ["old", "same"]
        done = load_rules(
            given=[(2, good), (3, GivenRule(name="same", stage="after_account", actions="tag s"))],
            has_others=False,
            at=NOW,
        )
        assert (done.added, done.changed, done.removed, done.unchanged) == (("new",), (), ("old",), ("same",))
        assert [(row.name, row.conditions) for row in traffic_rules()] == [("same", {}), ("new", {"countries": ["KE"]})]


def test_a_file_of_calls_through_a_file_of_rules(carrier: Carrier) -> None:
    golden = ROOT / "tests/golden/rules"
    add_prices(carrier, "sell", "code,price,tag\n254,0.05,home\n")
    add_prices(carrier, "buy", "code,price,tag\n254,0.07,kenya\n")
    with carrier.scope():
        load_rules(given=read_rule_file((golden / "rules.csv").read_bytes(), UTC), at=NOW)
    batch = carrier.load(golden / "calls.csv")
    rows = [*records(carrier, batch), *records(carrier, batch, "reject")]
    with (golden / "expected.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    shown = [{name: str(row.get(name) if row.get(name) is not None else "") for name in expected[0]} for row in rows]
    assert sorted(shown, key=lambda row: row["key"]) == expected


def tried(path: Path, *words: str) -> str:
    """What `usage try` prints of a file of switch common."""
    command = ["try", str(path), "--switch", "common", "--tenant", "alpha-carrier", *words]
    with clock.at(NOW):
        result = CliRunner(env={"COLUMNS": "250"}).invoke(usage_app, command)
    assert result.exception is None, result.output
    return result.stdout


def test_a_file_that_is_tried_shows_what_its_rules_will_do(carrier: Carrier) -> None:
    make(
        carrier,
        "national",
        "before_identification",
        conditions={"called_begins": "0"},
        actions="strip called 1; add called 254",
    )
    make(carrier, "emptied", "before_identification", conditions={"called_begins": "999"}, actions="strip called 18")
    make(carrier, "no-kenya", side="sell", conditions={"called_begins": "25472"}, then="deny")
    make(carrier, "kenya", "after_rate", side="buy", conditions={"countries": "KE"}, actions="tag kenya")
    make(carrier, "ported", side="sell", conditions={"called_begins": "254711"}, actions=r"route-by 254(\d+) 255\1")
    path = carrier.write(
        "a.csv",
        line("one"),
        "no line",
        line("two", called="0711000111"),
        line("three", called="0722000111"),
        line("four", 0, called="254722000111"),
        line("five", called="999"),
        line("six", called="33100000000"),
        line("seven", trunk_in="nobody"),
    )
    said = json.loads(tried(path, "--json"))
    assert [(row.get("key"), row["fate"], row.get("reason"), row.get("rules")) for row in said["rows"]] == [
        ("one", "decoded", None, {"fitted": ["kenya"], "changed": {"buy_tags": ["kenya"]}}),
        (None, "rejected", "field_count", None),
        ("two", "decoded", None, {
            "fitted": ["national", "ported", "kenya"],
            "changed": {"called": "254711000111", "sell_number": "255711000111", "buy_tags": ["kenya"]},
        }),
        (None, "rejected", "denied_by_rule", {
            "fitted": ["national", "no-kenya", "kenya"],
            "changed": {"called": "254722000111", "buy_tags": ["kenya"]},
        }),
        ("four", "decoded", None, {"fitted": ["no-kenya", "kenya"], "changed": {"buy_tags": ["kenya"]}}),
        (None, "rejected", "bad_number", {"fitted": ["emptied"], "changed": {}}),
        ("six", "decoded", None, {"fitted": [], "changed": {}}),
        ("seven", "decoded", None, {"fitted": ["kenya"], "changed": {"buy_tags": ["kenya"]}}),
    ]  # fmt: skip
    assert (said["rows_in"], said["decoded"], said["rejected"]) == (8, 5, 3)
    assert said["reject_reasons"] == {"field_count": 1, "denied_by_rule": 1, "bad_number": 1}
    assert [row["detail"] for row in said["rows"] if row.get("reason") in ("denied_by_rule", "bad_number")] == [
        "rule no-kenya",
        "rule emptied, called 999",
    ]
    shown = tried(path)
    assert "national, ported, kenya" in shown
    assert "called 254711000111; sell number 255711000111; buy tags kenya" in shown

    with carrier.scope():
        assert not Batch.objects.exists()
    batch = carrier.load(path)
    unpriced = {"unknown_sell": 1, "no_rate_sell": 2}  # which a trial does not look for
    assert batch.reject_reasons == said["reject_reasons"] | unpriced


def test_a_file_of_a_switch_without_rules_is_tried_as_ever(carrier: Carrier) -> None:
    make(carrier, "other", valid_to=START, actions="tag other")
    path = carrier.write("a.csv", line("one"))
    (row,) = json.loads(tried(path, "--json"))["rows"]
    assert row["rules"] == {"fitted": [], "changed": {}}
    with carrier.scope():
        remove_rule(rule_id=access_rule("other").pk)
    (row,) = json.loads(tried(path, "--json"))["rows"]
    assert "rules" not in row


def explained(carrier: Carrier, key: str) -> dict[str, Any]:
    with carrier.scope():
        return as_json(explain_record(access_record(Sought(key=key))), {})


def test_an_explanation_names_each_rule_that_touched_the_record(
    carrier: Carrier, capsys: pytest.CaptureFixture[str]
) -> None:
    add_prices(carrier, "sell", "code,price,tag\n254,0.30,premium\n25499,0.50,\n")
    make(
        carrier,
        "national",
        "before_identification",
        conditions={"called_begins": "0"},
        actions="strip called 1; add called 254",
    )
    make(carrier, "ported", side="buy", actions=r"route-by 2547(\d+) 2547\1; tag seen")
    make(carrier, "premium", "after_rate", side="sell", conditions={"countries": "KE"}, actions="tag premium")
    rule = make(carrier, "france", "after_rate", conditions={"countries": "FR"}, actions="tag france")
    carrier.load(carrier.write("a.csv", line("one", called="0700000001")))
    said = explained(carrier, "one")

    assert said["agrees"] is True, said["sides"]["sell"]["price"]["differences"]
    assert said["rules"]["fitted"] == said["rules"]["fit_now"] == ["national", "premium", "ported"]
    assert said["rules"]["is_other"] is False
    assert [each["changed"] for each in said["rules"]["before_identification"]] == [{"called": "254700000001"}]
    sell, buy = said["sides"]["sell"], said["sides"]["buy"]
    assert [(each["rule"], each["verdict"]) for each in sell["rules"]["after_rate"]] == [
        ("premium", "fitted"),
        ("france", "countries"),
    ]
    assert (sell["rules"]["tags"], sell["rules"]["is_priced_again"], sell["price"]["tariff_amount"]) == (
        ["premium"],
        True,
        "0.3",
    )
    assert (buy["rules"]["tags"], buy["price"]["tariff_amount"]) == (["seen"], "0.08")
    print_explanation(said)
    shown = capsys.readouterr().out
    for fact in (
        "rules      national, premium, ported",
        "rule national: fitted",
        "rule france: passed over",
        "tags       premium",
    ):
        assert fact in shown

    with carrier.scope():
        remove_rule(rule_id=rule.pk)
        change_rule(rule_id=access_rule("premium").pk, changes={"actions": "tag gold"}, at=NOW)
    said = explained(carrier, "one")
    assert (said["agrees"], said["rules"]["is_other"]) == (True, True)
    assert (said["sides"]["sell"]["rules"]["tags"], said["sides"]["sell"]["price"]["tariff_amount"]) == (
        ["premium"],
        "0.3",
    )


def test_an_explained_reject_names_the_rule_that_denied_it(
    carrier: Carrier, capsys: pytest.CaptureFixture[str]
) -> None:
    make(carrier, "no-kenya", conditions={"called_begins": "254"}, then="deny")
    carrier.load(carrier.write("a.csv", line("one")))
    said = explained(carrier, "one")
    assert (said["reject"]["reason"], said["reject"]["detail"], said["rules"]["fitted"]) == (
        "denied_by_rule",
        "rule no-kenya",
        ["no-kenya"],
    )
    assert said["sides"]["sell"]["rules"]["after_account"][0]["reason"] == "denied_by_rule"
    print_explanation(said)
    assert "rule no-kenya: fitted (deny): REJECTED: denied_by_rule" in capsys.readouterr().out


def run(database: TestDatabase, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trunkline", "rule", *words, "--tenant", "alpha-carrier"]
    return subprocess.run(command, env=database.environment, capture_output=True, text=True)


def test_the_commands_make_show_test_export_and_import_rules(carrier: Carrier, committed_db: TestDatabase) -> None:
    made = run(
        committed_db, "add", "premium", "--stage", "after_account", "--side", "sell", "--account", "cust",
        "--if", "called_begins=2547,2541", "--if", r"calling_pattern=\d*", "--do", "tag premium", "--from", "2026-03-01",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert (
        run(
            committed_db, "add", "late", "--stage", "after_rate", "--if", "countries=KE", "--do", "tag kenya"
        ).returncode
        == 0
    )
    assert run(committed_db, "change", "late", "--if", "codes=254", "--position", "5", "--note", "a, b").returncode == 0
    listed = json.loads(run(committed_db, "list", "--json").stdout)["rules"]
    assert [(row["name"], row["position"], row["conditions"]) for row in listed] == [
        ("premium", 10, {"called_begins": ["2547", "2541"], "calling_pattern": r"\d*"}),
        ("late", 5, {"countries": ["KE"], "codes": ["254"]}),
    ]
    exported = run(committed_db, "export").stdout
    file = carrier.folder / "rules.csv"
    file.write_text(exported)
    again = json.loads(run(committed_db, "import", str(file), "--replace", "--json").stdout)
    assert again == {"added": [], "changed": [], "removed": [], "unchanged": ["premium", "late"]}
    assert run(committed_db, "remove", "late").returncode == 0
    assert json.loads(run(committed_db, "import", str(file), "--json").stdout)["added"] == ["late"]
    assert run(committed_db, "export").stdout == exported

    call = ("--called", "254700000001", "--calling", "254720000001", "--trunk-in", "in", "--trunk-out", "out")
    at = ("--at", "2026-03-02T10:00:00Z")
    said = json.loads(run(committed_db, "test", *call, *at, "--switch", "common", "--json").stdout)
    sell = said["sides"]["sell"]
    assert [(each["rule"], each["verdict"], each["changed"]) for each in sell["after_account"]] == [
        ("premium", "fitted", {"tags": ["premium"]})
    ]
    assert [(each["rule"], each["changed"]) for each in sell["after_rate"]] == [
        ("late", {"tags": ["kenya", "premium"]})
    ]
    assert (sell["account"], sell["price"]["amount"], sell["price"]["code"], said["reject"]) == (
        "cust",
        "0.1",
        "254",
        None,
    )
    shown = run(committed_db, "test", *call, *at, "--switch", "common")
    assert shown.returncode == 0, shown.stderr
    assert "rule premium: fitted (tag premium): tags premium" in shown.stdout
    refused = run(committed_db, "test", "--called", "33100000000", *call[2:], *at)
    assert refused.returncode == 1
    assert "REJECTED: no_rate_sell" in refused.stdout

"""Switches, traffic rules with their tester, and legs that wait, in the office."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from tests.isolation.rows import make_row
from trunkline.kit import clock
from trunkline.parties.actions import add_identity, create_account
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.models import Batch, Switch, TrafficRule, WaitingLeg

SWITCH = {
    "name": "msc", "format": "common", "timezone": "Africa/Nairobi", "number_rules": '[{"begins": "00"}]', "has_buy_side": "on",
    "max_duration_s": "7200", "future_limit_s": "300", "duplicate_window_days": "3", "options": '{"ms_rounding": "down"}',
}  # fmt: skip
RULE = {
    "name": "kenya", "stage": "before_identification", "side": "both", "conditions": "called_begins=254,255\nservices=voice",
    "actions": "tag premium", "then": "continue",
}  # fmt: skip


@pytest.fixture
def owner(office: Office) -> Client:
    return office.client()


def history(client: Client, what: str, pk: int) -> list[tuple[str, str, dict[str, tuple[str, str]]]]:
    changes = client.get(reverse(f"admin:usage_{what}_history", args=(pk,))).context_data["changes"]
    return [(c.kind, c.why, {f.label: (f.before, f.after) for f in c.fields}) for c in changes]


def test_a_switch_is_made_and_changed_and_its_history_says_so(office: Office, owner: Client) -> None:
    assert owner.post(reverse("admin:usage_switch_add"), SWITCH).status_code == 302
    with scope(office.ours, "test"):
        switch = Switch.objects.get()
    assert (switch.format, switch.number_rules, switch.options) == (
        "common",
        [{"begins": "00"}],
        {"ms_rounding": "down"},
    )

    address = reverse("admin:usage_switch_change", args=(switch.pk,))
    changed = {**SWITCH, "timezone": "UTC", "number_rules": "", "why_it_is_done": "its clock was wrong"}
    assert owner.post(address, changed).status_code == 302
    with scope(office.ours, "test"):
        switch.refresh_from_db()
    assert (switch.name, switch.timezone, switch.number_rules) == ("msc", "UTC", [])
    kind, why, fields = history(owner, "switch", switch.pk)[0]
    assert (kind, why, fields["Time zone"]) == ("Changed", "its clock was wrong", ("Africa/Nairobi", "UTC"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timezone": "Nowhere"}, "timezone"),
        ({"number_rules": "{}"}, "number_rules"),
        ({"number_rules": '[{"begins": "0", "pattern": "x"}]'}, "number_rules"),
        ({"number_rules": "[oops"}, "number_rules"),
        ({"options": '{"unknown": 1}'}, "options"),
        ({"format": "mapping"}, "options"),
        ({"format": "none"}, "format"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_with_a_switch_is_said_at_its_field(owner: Client, wrong: dict[str, str], field: str) -> None:
    response = owner.post(reverse("admin:usage_switch_add"), {**SWITCH, **wrong})
    assert list(response.context_data["adminform"].form.errors) == [field]


def test_a_switch_that_is_there_is_refused_by_its_name(owner: Client) -> None:
    owner.post(reverse("admin:usage_switch_add"), SWITCH)
    again = owner.post(reverse("admin:usage_switch_add"), SWITCH)
    assert "already" in str(again.context_data["adminform"].form.errors["name"])


def made(office: Office, client: Client, **more: str) -> TrafficRule:
    response = client.post(reverse("admin:usage_trafficrule_add"), {**RULE, **more})
    assert response.status_code == 302, response.context_data["adminform"].form.errors
    with scope(office.ours, "test"):
        return TrafficRule.objects.latest("pk")


def test_a_rule_is_made_as_people_write_it(office: Office, owner: Client) -> None:
    rule = made(office, owner)
    assert (rule.conditions, rule.actions, rule.position) == (
        {"called_begins": ["254", "255"], "services": ["voice"]}, "tag premium", 10,
    )  # fmt: skip


def test_a_condition_is_taken_out_of_a_rule(office: Office, owner: Client) -> None:
    rule = made(office, owner)
    address = reverse("admin:usage_trafficrule_change", args=(rule.pk,))
    given = {**RULE, "position": "10", "conditions": "called_begins=256", "why_it_is_done": "Uganda"}
    assert owner.post(address, given).status_code == 302
    with scope(office.ours, "test"):
        rule.refresh_from_db()
    assert rule.conditions == {"called_begins": ["256"]}
    assert history(owner, "trafficrule", rule.pk)[0][:2] == ("Changed", "Uganda")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"conditions": "called_begins"}, "write each condition once"),
        ({"conditions": "called_begins=1\ncalled_begins=2"}, "write each condition once"),
        ({"conditions": "unheard_of=1"}, "unheard_of"),
        ({"actions": "explode called"}, "explode"),
        ({"account": "nobody", "stage": "after_account"}, "nobody"),
        ({"valid_from": "2026-03-02T00:00", "valid_to": "2026-03-01T00:00"}, ""),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(office: Office, owner: Client, wrong: dict[str, str], words: str) -> None:
    response = owner.post(reverse("admin:usage_trafficrule_add"), {**RULE, **wrong})
    errors = str(response.context_data["adminform"].form.errors)
    assert errors
    assert words in errors
    with scope(office.ours, "test"):
        assert not TrafficRule.objects.exists()


def test_a_removed_rule_keeps_its_history(office: Office, owner: Client) -> None:
    rule = made(office, owner)
    owner.post(reverse("admin:usage_trafficrule_remove", args=(rule.pk,)), {"why_it_is_done": "over"})
    with scope(office.ours, "test"):
        assert not TrafficRule.objects.exists()
        event = next(iter(TrafficRule.pgh_event_models.values())).objects.latest("pgh_id")
    assert (event.pgh_label, event.pgh_context["reason"]) == ("delete", "over")


def test_a_call_is_tested_through_rules_and_identities(office: Office, owner: Client) -> None:
    with scope(office.ours, "test"):
        create_switch(name="msc", format="common", at=AT)
        customer = create_account(code="acme", name="Acme", currency="USD", timezone="UTC", at=AT)
        add_identity(account=customer, kind="trunk", side="sell", value="in", at=AT)
    made(office, owner)
    shown = owner.get(reverse("admin:rule_test"), {"called_raw": "254700000001", "trunk_in": "in", "switch": "msc"})
    short, sell, _buy = shown.context_data["sections"]
    facts = {str(name): str(value) for name, value in short.facts}
    assert (shown.status_code, facts["Tags"]) == (200, "premium")
    assert "acme" in str(sell.title)
    (looked,) = [panel.rows for panel in short.panels if str(panel.title) == "Traffic rules"]
    assert [row[1] for row in looked] == ["kenya"]
    with scope(office.ours, "test"):
        assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("asked", "field"), [({"called_raw": ""}, "called_raw"), ({"called_raw": "1", "quantity": "-1"}, "quantity")]
)
def test_what_cannot_be_tested_is_said_at_its_field(owner: Client, asked: dict[str, str], field: str) -> None:
    response = owner.get(reverse("admin:rule_test"), asked)
    assert (response.status_code, field in response.context_data["form"].errors) == (422, True)


def leg(office: Office, switch: Switch, kind: str, hours: int) -> None:
    with scope(office.ours, "test"):
        WaitingLeg.objects.create(
            switch=switch, batch=make_row(Batch, switch=switch), call=f"{kind}-{hours}", call_hash=1, leg="a", kind=kind,
            at=AT, raw="INVITE;254", waits_since=AT - timedelta(hours=hours),
        )  # fmt: skip


def page(client: Client, **asked: str) -> Any:
    with clock.at(AT):
        return client.get(reverse("admin:waiting_legs"), asked)


def test_waiting_legs_stand_by_switch_with_age_and_what_is_missing(office: Office, owner: Client) -> None:
    assert "No leg waits" in page(owner).content.decode()
    with scope(office.ours, "test"):
        one, other = (create_switch(name=name, format="common", at=AT) for name in ("one", "other"))
    leg(office, one, "in", 30)
    leg(office, one, "in", 1)
    leg(office, other, "end", 72)
    sums, legs = page(owner).context_data["panels"]
    assert [[str(cell) for cell in (row[0].text, *row[2:5], row[6])] for row in sums.rows] == [
        ["one", "the leg out, to the vendor", "2", "30 hours", "1"],
        ["other", "its beginning", "1", "3 days", "1"],
    ]
    assert [(row[0], row[1], row[3]) for row in legs.rows] == [
        ("other", "end-72", "3 days"), ("one", "in-30", "30 hours"), ("one", "in-1", "60 minutes"),
    ]  # fmt: skip
    (_, only) = page(owner, switch="other").context_data["panels"]
    assert [row[1] for row in only.rows] == ["end-72"]


def test_legs_of_another_operator_are_not_shown(office: Office, owner: Client) -> None:
    with scope(office.theirs, "test"):
        make_row(WaitingLeg, kind="in")
    assert "No leg waits" in page(owner).content.decode()

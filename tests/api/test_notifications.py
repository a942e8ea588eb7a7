"""Rate notifications through the API: template, plan, made by a worker, looked at, sent, what became of each mail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.answers import ok, refused
from tests.api.conftest import Asking
from tests.db.pricing.test_notifications import HEAD, Sales
from trunkline.kit import clock
from trunkline.pricing.models import Notification
from trunkline.pricing.tasks import prepare_notification
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def sales(tenant: Any) -> Any:
    """The customer Acme, who is told of Gold, and the clock on a Monday in March."""
    with clock.at(AT):
        yield Sales(tenant)


def worked(sales: Sales, asked: dict[str, Any], **given: Any) -> Notification:
    """What a worker makes of what was asked for."""
    with scope(sales.tenant, "test"):
        made = Notification.objects.get(public_id=asked["id"])
    prepare_notification(
        tenant_id=sales.tenant.pk, notification_id=made.pk, **({"put_off": None, "reason": ""} | given)
    )
    return made


def test_a_customer_is_told_through_the_api(ask: Asking, sales: Sales) -> None:
    template = ok(
        ask.post(
            "/notification-templates",
            {"name": "Short", "kind": "csv", "columns": [{"column": "code"}, {"column": "effective"}, {"column": "rate", "title": "Price"}]},
        ),
        201,
    )  # fmt: skip
    assert [each["title"] for each in template["columns"]] == ["Code", "Effective Date", "Price"]
    changed = ok(ask.patch(f"/notification-templates/{template['id']}", {"decimal_mark": ","}))
    assert (changed["decimal_mark"], changed["kind"]) == (",", "csv")
    (plan,) = ok(ask.get("/notification-plans"))["data"]
    plan = ok(ask.patch(f"/notification-plans/{plan['id']}", {"template_id": template["id"], "agreement": "A week"}))
    assert (plan["account"], plan["tariff"], plan["agreement"], plan["template"]) == ("acme", "Gold", "A week", "Short")

    answer = ask.post(f"/notification-plans/{plan['id']}/prepare", {})
    asked = ok(answer, 202)
    assert (asked["state"], answer["Location"]) == ("preparing", f"/api/v1/notifications/{asked['id']}")
    assert refused(ask.get(f"/notifications/{asked['id']}/lines"), 409, "not_made")["status"] == 409
    made_row = worked(sales, asked)
    made = ok(ask.get(f"/notifications/{asked['id']}"))
    assert (made["state"], made["counts"], made["breaches"]) == ("prepared", {"new": 3}, 0)
    assert [each["check"] for each in made["findings"]] == ["no_increments"]
    lines = ok(ask.get(f"/notifications/{asked['id']}/lines"))["data"]
    assert [(line["code"], line["rate"], line["minimum"], line["interval"], line["status"]) for line in lines] == [
        ("254", "0.05", 60, 1, "new"),
        ("2547", "0.1", 60, 60, "new"),
        ("255", "0.07", 1, 1, "new"),
    ]
    file = b"".join(ask.get(f"/notifications/{asked['id']}/file").streaming_content).decode("utf-8-sig")
    assert file.splitlines()[1:3] == ["Code;Effective Date;Price", "254;2026-01-01;0,0500"]

    assert ok(ask.post(f"/notifications/{asked['id']}/send", {}), 202)["state"] == "sending"
    sales.mail(made_row)
    assert ok(ask.get(f"/notifications/{asked['id']}"))["state"] == "sent"
    (mail,) = ok(ask.get(f"/notifications/{asked['id']}/mails"))["data"]
    assert (mail["address"], mail["state"]) == ("ada@acme.example", "sent")
    refused(ask.post(f"/notifications/{asked['id']}/send-again"), 409, "nothing_failed")


def test_what_begins_too_soon_is_refused_and_put_off(ask: Asking, sales: Sales) -> None:
    sales.send(sales.prepare())
    sales.load(HEAD + "254,Kenya,0.06,60/1,2026-03-05\n")
    early = sales.prepare()
    (line,) = ok(ask.get(f"/notifications/{early.public_id}/lines", breaches="true"))["data"]
    assert (line["code"], line["allowed_from"]) == ("254", "2026-03-09T00:00:00Z")
    refused(ask.post(f"/notifications/{early.public_id}/send", {}), 409, "notice_too_short")
    anew = ok(ask.post(f"/notifications/{early.public_id}/put-off", {"reason": "a week was agreed"}), 202)
    worked(sales, anew, put_off=early.pk, reason="a week was agreed")
    found = ok(ask.get(f"/notifications/{anew['id']}"))
    assert (found["state"], found["breaches"], found["first_effective"]) == ("prepared", 0, "2026-03-09T00:00:00Z")
    assert ok(ask.post(f"/notifications/{anew['id']}/discard", {"reason": "no"}))["state"] == "discarded"
    assert {each["state"] for each in ok(ask.get("/notifications", state="discarded"))["data"]} == {"discarded"}


def test_nothing_new_is_said(ask: Asking, sales: Sales) -> None:
    sales.send(sales.prepare())
    asked = ok(ask.post(f"/notification-plans/{sales.plan.public_id}/prepare", {}), 202)
    worked(sales, asked)
    found = ok(ask.get(f"/notifications/{asked['id']}"))
    assert (found["state"], found["failure"], found["file_name"]) == ("discarded", "nothing_new", None)

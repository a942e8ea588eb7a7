"""Mailboxes, rules and mails through the API."""

from __future__ import annotations

from typing import Any

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.databases import AT
from trunkline.core.ids import uuid7
from trunkline.pricing.models import Mail, Mailbox, MailRule, MailSheet
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

BOX = {"name": "rates", "host": "imap.example.net", "login": "rates", "password": " s3cret "}


def new_box(ask: Asking) -> Any:
    return ok(ask.post("/mailboxes", BOX), 201)


def new_template(ask: Asking) -> int:
    tariff = ok(ask.post("/tariffs", {"name": "Vendor", "currency": "USD", "timezone": "UTC"}), 201)
    return int(ok(ask.post("/sheet-templates", {"name": "Vendor", "tariff_id": tariff["id"]}), 201)["id"])


def seen(tenant: Tenant, state: str, **more: Any) -> str:
    """A mail as a look has left it."""
    with scope(tenant, "test"):
        mail = Mail.objects.create(
            mailbox=Mailbox.objects.get(), key=state, locator="1/1", sender="rates@vendor.example", subject="Rates", received_at=AT, seen_at=AT,
            state=state, files=["a.csv"], **more,
        )  # fmt: skip
        MailSheet.objects.create(mail=mail, number=1, name="a.csv", sha256="", import_id=uuid7(), state=state)
    return str(mail.public_id)


def test_a_mailbox_is_made_changed_paused_and_forgotten_and_never_tells_its_password(ask: Asking) -> None:
    box = new_box(ask)
    assert (box["port"], box["folder"], box["every_min"], box["is_active"]) == (993, "INBOX", 5, True)
    assert "password" not in box
    assert "s3cret" not in ask.get("/mailboxes").content.decode()
    path = f"/mailboxes/{box['id']}"
    answer = ask.get(path)
    changed = ok(ask.patch(path, {"every_min": 15, "pin": "AB:" * 31 + "AB"}, If_Match=answer["ETag"]))
    assert (changed["every_min"], changed["pin"]) == (15, "ab" * 32)
    refused(ask.patch(path, {"every_min": 1}, If_Match=answer["ETag"]), 412, "version_conflict")
    assert ok(ask.patch(path, {"host": "mail.example.net"}))["pin"] == ""
    assert not ok(ask.post(f"{path}/pause"))["is_active"]
    refused(ask.post(f"{path}/look"), 409, "mailbox_paused")
    assert ok(ask.post(f"{path}/resume"))["is_active"]
    ok(ask.post(f"{path}/look"), 202)
    refused(ask.post("/mailboxes", BOX), 409, "mailbox_exists")
    refused(ask.patch(path, {"host": "http://x"}), 422, "mailbox_address")
    assert ask("DELETE", path).status_code == 204
    assert pages(ask, "/mailboxes") == []


def test_rules_are_tried_in_order_and_need_limits_to_apply(ask: Asking) -> None:
    box, template = new_box(ask), new_template(ask)
    given = {"mailbox_id": box["id"], "name": "vendor", "senders": [" @Vendor.example"], "template_id": template}
    rule = ok(ask.post("/mail-rules", given), 201)
    assert (rule["position"], rule["senders"], rule["template"]) == (10, ["@vendor.example"], "Vendor")
    news = {
        "mailbox_id": box["id"],
        "name": "news",
        "senders": ["*"],
        "subject": "news",
        "action": "ignore",
        "position": 5,
    }
    ok(ask.post("/mail-rules", news), 201)
    assert [each["name"] for each in pages(ask, "/mail-rules", mailbox_id=box["id"])] == ["news", "vendor"]
    refused(ask.post("/mail-rules", given), 409, "exists")
    path = f"/mail-rules/{rule['id']}"
    refused(ask.patch(path, {"applies_itself": True}), 422, "rule_limits")
    changed = ok(ask.patch(path, {"applies_itself": True, "limits": {"cost": "100.50", "increases": 20}}))
    assert changed["limits"] == {"cost": "100.5", "increases": 20, "closed": None, "drop": None}
    assert ok(ask.patch(path, {"limits": {"increases": None}}))["limits"]["cost"] == "100.5"
    refused(ask.patch(path, {"subject": "(?<=a)b"}), 422, "bad_subject")
    refused(ask.patch(path, {"senders": ["vendor"]}), 422, "rule_senders")
    refused(ask.patch(path, {"template_id": None}), 422, "rule_template")
    refused(ask.patch(path, {"template_id": 9_000_000}), 404, "not_found")
    assert ask("DELETE", path).status_code == 204


def test_a_mail_says_what_became_of_it_and_can_be_read_again_or_set_aside(ask: Asking, tenant: Tenant) -> None:
    new_box(ask)
    empty, other = seen(tenant, "empty", detail="a.csv: The file has no cells."), seen(tenant, "no_rule")
    assert [each["id"] for each in pages(ask, "/mails", state="empty")] == [empty]
    mail = ok(ask.get(f"/mails/{empty}"))
    assert (mail["wants_person"], mail["detail"], mail["sheets"][0]["name"]) == (
        True,
        "a.csv: The file has no cells.",
        "a.csv",
    )
    assert not ok(ask.get(f"/mails/{other}"))["wants_person"]
    again = ok(ask.post(f"/mails/{empty}/again"))
    assert (again["state"], again["sheets"], again["detail"]) == ("new", [], "")
    aside = ok(ask.post(f"/mails/{other}/dismiss", {"reason": "an advertisement"}))
    assert (aside["state"], aside["detail"]) == ("dismissed", "an advertisement")


def test_another_tenant_sees_none_of_it(ask: Asking, ask_other: Asking, tenant: Tenant) -> None:
    box, template = new_box(ask), new_template(ask)
    mail = seen(tenant, "empty")
    with scope(tenant, "test"):
        assert MailRule.objects.count() == 0
    assert pages(ask_other, "/mailboxes") == pages(ask_other, "/mail-rules") == pages(ask_other, "/mails") == []
    given = {"name": "vendor", "senders": ["*"], "template_id": template}
    refused(ask_other.post("/mail-rules", given | {"mailbox_id": box["id"]}), 404, "mailbox_not_found")
    refused(ask_other.post("/mail-rules", given | {"mailbox_id": new_box(ask_other)["id"]}), 404, "not_found")
    refused(ask_other.post(f"/mails/{mail}/again"), 404, "mail_not_found")

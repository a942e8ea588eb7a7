"""A customer is told of its prices from the office: template, plan, preview, dates put off, mail."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core import mail
from playwright.sync_api import Page, expect

from tests.browser.ground import Ground
from tests.browser.pages import field, press
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from trunkline.parties.models import Account
from trunkline.pricing.actions import create_agreement, plan_notifications
from trunkline.pricing.models import Agreement, NotificationTemplate
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff

PICTURES = os.environ.get("TRUNKLINE_TEST_PICTURES", "")


def look(visitor: Visitor, name: str) -> None:
    """Nothing stands out at a desk or on a telephone; pictures are kept where a folder is named."""
    for kind, size in (("phone", PHONE), ("desk", DESKTOP)):
        assert visitor.too_wide(size) == []
        if PICTURES:
            visitor.page.screenshot(path=str(Path(PICTURES) / f"{name}-{kind}.png"), full_page=True)


def test_a_customer_is_told_of_its_prices(owner: Visitor, ground: Ground, work: Callable[[], None]) -> None:
    page = owner.go("/office/pricing/notificationtemplate/add/")
    field(page, "name").fill("Usual")
    field(page, "kind").select_option("csv")
    field(page, "title_rows").fill("Prices of {operator} for {account}")
    look(owner, "template-add")
    press(page, "Save")
    expect(page.locator("#main")).to_contain_text("Usual")
    _planned(ground)

    page = owner.go("/office/pricing/notificationplan/")
    look(owner, "plans")
    page.get_by_role("link", name="cust").first.click()
    expect(page.locator("#main")).to_contain_text("Mails go to ada@cust.example.")
    look(owner, "plan")
    _prepare(page, work)
    expect(page.locator("#main")).to_contain_text("The first lines")
    look(owner, "first")
    press(page, "Send")
    look(owner, "send")
    page.locator("form button[type=submit], form input[type=submit]").last.click()
    expect(page.get_by_text("1 mail is on its way.")).to_be_visible()
    before = len(mail.outbox)
    work()
    expect(page.locator("#notification-progress")).to_contain_text("ada@cust.example")
    expect(page.locator("#notification-progress")).not_to_contain_text("being sent")
    assert [each.to for each in mail.outbox[before:]] == [["ada@cust.example"]]
    look(owner, "sent")

    _raised(ground)
    page = owner.go("/office/pricing/notificationplan/")
    page.get_by_role("link", name="cust").first.click()
    _prepare(page, work)
    expect(page.locator("#main")).to_contain_text("begins sooner than the agreement allows")
    look(owner, "breach")
    press(page, "Put dates off")
    field(page, "reason").fill("A week was agreed.")
    page.locator("form button[type=submit], form input[type=submit]").last.click()
    work()
    expect(page.locator("#notification-progress")).to_contain_text("The first lines")
    expect(page.locator("#main")).not_to_contain_text("begins sooner")
    look(owner, "put-off")
    owner.go("/office/pricing/notification/")
    look(owner, "list")


def _prepare(page: Page, work: Callable[[], None]) -> None:
    press(page, "Prepare")
    page.locator("form button[type=submit], form input[type=submit]").last.click()
    expect(page.locator("#notification-progress")).to_contain_text("A worker makes the file.")
    work()
    expect(page.locator("#notification-progress")).not_to_contain_text("A worker makes the file.")


def _planned(ground: Ground) -> None:
    with ground.carrier.scope():
        agreement = create_agreement(name="A week", days_increase=7)
        plan_notifications(
            account=Account.objects.get(code="cust"),
            tariff=Tariff.objects.get(name="sell"),
            template=NotificationTemplate.objects.get(name="Usual"),
            agreement=Agreement.objects.get(pk=agreement.pk),
            recipients=["ada@cust.example"],
            at=datetime.now(UTC),
        )


def _raised(ground: Ground) -> None:
    """A price goes up the day after tomorrow."""
    with ground.carrier.scope():
        begins = datetime.now(UTC).date() + timedelta(days=2)
        data = f"code,destination,price,increments,valid_from\n254,Kenya,9.5,1/1,{begins}\n"
        tariffs.load_rates(
            tariff_id=Tariff.objects.get(name="sell").pk,
            data=data.encode(),
            supersede_earlier=True,
            at=datetime.now(UTC),
        )

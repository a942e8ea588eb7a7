"""Somebody who has never been here: from the sign-up to the first invoice, in the browser alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core import mail
from playwright.sync_api import Page, expect

from tests.browser.pages import field, press
from tests.browser.visitor import Visitor
from tests.staff import PASSWORD

PRICES = "code,destination,price,increments\n254,Kenya,0.0500,1/1\n2547,Kenya Mobile,0.1200,60/1\n"


def sign_up(page: Page) -> None:
    """Fill in the sign-up and prove the address with the code of the mail."""
    field(page, "email").fill("grace@savanna.example")
    field(page, "password1").fill(PASSWORD)
    field(page, "name").fill("Grace")
    field(page, "operator").fill("Savanna Net")
    field(page, "currency").select_option("KES")
    field(page, "timezone").select_option("Africa/Nairobi")
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/confirm-email/")
    (code,) = re.findall(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", str(mail.outbox[-1].body), re.MULTILINE)
    field(page, "code").fill(code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/")


def calls_of(day: datetime) -> str:
    """Three calls of a customer, one of them not answered."""
    starts = [(day + timedelta(minutes=number)).isoformat() for number in range(3)]
    lines = [
        f"first-{number},442079460100,2547110001{number:02},{start},{seconds},baobab-in"
        for number, (start, seconds) in enumerate(zip(starts, (61, 600, 0), strict=True))
    ]
    return "\n".join(["key,calling,called,start,duration,trunk_in", *lines]) + "\n"


def test_from_the_sign_up_to_the_first_invoice(visitor: Visitor, tmp_path: Path, work: Callable[[], None]) -> None:
    page = visitor.go("/accounts/signup/")
    sign_up(page)
    expect(page.locator("#nav-sidebar")).to_contain_text("Savanna Net")

    page = visitor.go("/office/parties/account/")
    expect(page.locator("#main")).to_contain_text("Nothing here yet")
    press(page, "Add account")
    field(page, "code").fill("baobab")
    field(page, "name").fill("Baobab Travel")
    press(page, "Save")
    press(page, "Add identity")
    field(page, "kind").select_option("trunk")
    field(page, "value").fill("baobab-in")
    press(page, "Save")
    expect(page.get_by_text("added successfully")).to_be_visible()

    page = visitor.go("/office/tariffs/tariff/add/")
    field(page, "name").fill("Retail")
    press(page, "Save")
    press(page, "Load rates")
    prices = tmp_path / "retail.csv"
    prices.write_text(PRICES)
    field(page, "file").set_input_files(prices)
    press(page, "Look at it")
    press(page, "Load these rates")
    expect(page.locator("#main")).to_contain_text("Kenya Mobile")
    press(page, "Give it to an account")
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").fill("baobab")
    page.locator(".select2-results__option", has_text="Baobab Travel").click()
    field(page, "side").select_option("sell")
    press(page, "Save")
    expect(page.get_by_text("added successfully")).to_be_visible()

    page = visitor.go("/office/usage/switch/add/")
    field(page, "name").fill("core")
    field(page, "format").select_option("common")
    page.locator("[name=has_buy_side]").uncheck(force=True)
    press(page, "Save")
    expect(page.get_by_text("added successfully")).to_be_visible()

    page = visitor.go("/office/usage/batch/")
    press(page, "Upload a file")
    calls = tmp_path / "calls.csv"
    calls.write_text(calls_of(datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)))
    field(page, "file").set_input_files(calls)
    press(page, "Upload")
    work()
    progress = page.locator("#batch-progress")
    expect(progress).to_contain_text("Posted")
    expect(progress).to_contain_text("Every record was taken.")

    page = visitor.go("/office/traffic/records/?account=baobab")
    rows = page.locator(".office-table tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("1.20 KES")  # ten minutes at 0.12
    expect(rows.nth(2)).to_contain_text("0.122 KES")

    page = visitor.go("/office/invoices/unbilled/")
    page.locator("[name=accounts][value=baobab]").check()
    press(page, "Issue for those chosen")
    today = datetime.now(ZoneInfo("Africa/Nairobi")).date()  # of the operator, whose day begins three hours before
    field(page, "period_from").fill((today - timedelta(days=2)).isoformat())
    field(page, "period_to").fill(today.isoformat())
    page.locator("[name=is_early]").check(force=True)
    press(page, "Save")
    expect(page.locator("#bill-run-progress")).to_contain_text("Queued")
    work()
    progress = page.locator("#bill-run-progress")  # follows by itself
    expect(progress).to_contain_text("1 / 1 (100 %)")
    progress.get_by_role("link", name=re.compile("^INV-")).click()
    expect(page.locator("#main")).to_contain_text("1.32 KES")
    with page.expect_download() as told:
        page.get_by_role("link", name="PDF").first.click()
    assert told.value.suggested_filename.startswith("INV-")

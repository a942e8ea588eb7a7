"""A vendor's sheet from the mail to the price: four steps in the browser, as somebody of the pricing team does them."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.ground import Ground
from tests.browser.pages import field, press
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.db.usage.carrier import line
from trunkline.core.money import Amount
from trunkline.identity.queries import principal_of_user
from trunkline.tariffs.actions import create_tariff
from trunkline.tariffs.models import Tariff

# A folder for pictures of every step, for whoever wants to look at them.
PICTURES = os.environ.get("TRUNKLINE_TEST_PICTURES", "")
HEAD = "Destination,Code,Rate,Effective Date,Billing Increment\n"


def picture(visitor: Visitor, name: str) -> None:
    """What the page looks like at a desk and on a phone: nothing stands out to the right."""
    for size, what in ((PHONE, "phone"), (DESKTOP, "desk")):
        assert visitor.too_wide(size) == []
        if PICTURES:
            visitor.page.screenshot(path=f"{PICTURES}/{name}-{what}.png", full_page=True)


def tariff_of(ground: Ground, name: str, currency: str = "USD") -> int:
    """A tariff of that name without rates."""
    with ground.carrier.scope():
        found = Tariff.objects.filter(name=name).first()
        return (found or create_tariff(name=name, currency=currency, timezone="UTC", at=ground.carrier.now)).pk


def sheet_file(ground: Ground, name: str, *lines: str, head: str = HEAD) -> Path:
    path = ground.carrier.folder / name
    path.write_text(head + "".join(f"{each}\n" for each in lines))
    return path


def send(visitor: Visitor, tariff: int, path: Path, **fields: str) -> Page:
    """The first step: choose the tariff and the file."""
    page = visitor.go(f"/office/prices/sheets/new/?tariff={tariff}")
    if "scope" in fields:
        page.get_by_text("What it says, and when it begins").click()
        field(page, "scope").select_option(fields["scope"])
    field(page, "file").set_input_files(path)
    press(page, "Read it")
    return page


def test_a_vendor_new_to_us_in_four_steps(owner: Visitor, ground: Ground) -> None:
    rows = [f"Kenya Mobile {n},2547{n},0.0{n + 1}50,,60/60" for n in range(8)]
    path = sheet_file(ground, "alpine.csv", "Kenya,254,0.0500,,60/1", *rows, "Uganda,256,oops,,60/1")
    page = owner.go("/office/pricing/sheetimport/")
    picture(owner, "list-empty")
    press(page, "Load a rate sheet")
    picture(owner, "1-file")
    page.get_by_text("A vendor new to us").click()
    field(page, "new_name").fill("Alpine buy")
    field(page, "file").set_input_files(path)
    press(page, "Read it")

    main = page.locator("#main")
    expect(main).to_contain_text("Recognised")
    expect(page.locator(".office-sheet select").nth(2)).to_have_value("price")
    expect(main).to_contain_text("oops")
    picture(owner, "2-layout")
    field(page, "keep_as").fill("Alpine")
    press(page, "Keep as template")
    expect(main).to_contain_text("The template Alpine is kept.")
    press(page, "Compare with the tariff")

    expect(page.locator(".office-chips")).to_contain_text("9 new")
    expect(main).to_contain_text("Rows that cannot be read")
    picture(owner, "3-compare")
    page.locator(".office-chips a", has_text="new").first.click()
    expect(page.locator(".office-table tbody tr")).to_have_count(9)
    field(page, "code").fill("25473")
    page.keyboard.press("Enter")
    expect(page.locator(".office-table tbody tr")).to_have_count(1)
    press(page, "Go on all the same")

    picture(owner, "4-apply")
    owner.forgiven = {422}
    press(page, "Apply the sheet")
    expect(main).to_contain_text("This stops the sheet.")
    field(page, "over_errors").check()
    field(page, "note").fill("Uganda is not used")
    press(page, "Apply the sheet")
    expect(main).to_contain_text("The sheet is applied.")
    picture(owner, "4-applied")

    press(page, "Rates of the tariff")
    expect(page.locator(".office-table tbody tr")).to_have_count(9)
    picture(owner, "grid")
    page = owner.go("/office/pricing/sheetimport/")
    expect(page.locator("#result_list")).to_contain_text("alpine.csv")
    picture(owner, "list")
    page.get_by_role("link", name="alpine.csv").click()
    press(page, "Undo")
    field(page, "note").fill("wrong vendor")
    press(page, "Undo")
    expect(page.locator("#main")).to_contain_text("The sheet is undone")

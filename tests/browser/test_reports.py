"""Reports in the browser: the dashboard, the Summary from the question to the file and the template, and the search of everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.pages import field, press
from tests.browser.visitor import PHONE, Visitor


def test_the_dashboard_draws_its_figures_and_says_them_in_numbers(owner: Visitor) -> None:
    page = owner.go("/office/")
    expect(page.locator(".office-tiles section")).to_have_count(6)
    expect(page.locator(".office-bars").first).to_be_visible()
    tallest = max(each.bounding_box()["height"] for each in page.locator(".office-bars rect.office-bar").all())
    assert tallest > 30  # of the 64 that a chart has
    page.get_by_role("link", name="30 days").click()
    page.wait_for_url("**/office/?days=30")
    page.get_by_text("The same as tables").click()
    expect(page.locator("details table").first).to_be_visible()
    expect(page.locator("#dashboard-progress")).to_contain_text("Files in progress")
    assert owner.too_wide(PHONE) == []


def test_a_report_is_asked_read_taken_along_and_kept(owner: Visitor) -> None:
    page = owner.go("/office/reports/summary/")
    field(page, "period").select_option("last_7_days")
    field(page, "by_1").select_option("account")
    field(page, "by_2").select_option("destination")
    press(page, "Show")
    expect(page.locator(".office-wide tbody tr").last).to_contain_text("Total")
    expect(page.locator(".office-chart svg")).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    assert Path(coming.value.path()).read_text().startswith("account,destination,attempts,")
    with page.expect_download() as coming:
        page.get_by_role("link", name="XLSX").click()
    assert Path(coming.value.path()).read_bytes().startswith(b"PK")
    field(page, "name").fill("Who and where")
    press(page, "Keep as a template")
    page.wait_for_url("**/reports/savedreport/*/change/")
    page.get_by_role("link", name="Send by mail").click()
    field(page, "recipients").fill("ada@example.com")
    press(page, "Save")
    expect(page.locator("#main")).to_contain_text("every day at 06:00")
    page = owner.go("/office/reports/summary/")
    page.get_by_role("link", name="Who and where").click()
    expect(page.locator(".office-wide tbody tr").last).to_contain_text("Total")


@pytest.mark.parametrize("path", ["/office/reports/summary/", "/office/parties/account/", "/office/traffic/records/"])
def test_everything_is_searched_by_keyboard_from_any_page(owner: Visitor, path: str) -> None:
    page = owner.go(path)
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("cust")
    expect(page.locator("#command-results a", has_text="cust").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/parties/account/*/change/")


def test_a_number_leads_to_its_records_by_keyboard(owner: Visitor) -> None:
    page = owner.go("/office/")
    page.wait_for_load_state("networkidle")  # the script that listens is there
    page.keyboard.press("Control+k")
    expect(page.locator("input:focus")).to_have_count(1)
    page.keyboard.type("254700000010")
    expect(page.locator("#command-results a", has_text="254700000010").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/traffic/records/?number=254700000010")
    expect(page.locator("#main table tbody tr")).to_have_count(1)

"""What people come for, done as they do it: by what the page says, with mouse or keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.ground import NOWHERE, Ground
from tests.browser.pages import field, press
from tests.browser.visitor import PHONE, Visitor
from tests.db.usage.carrier import line

RATES = "code,destination,price,increments\n254,Kenya,0.0500,1/1\n2547,Kenya Mobile,0.1200,60/1\n"


def test_an_account_gets_its_identity_and_its_prices(owner: Visitor, tmp_path: Path) -> None:
    page = owner.go("/office/parties/account/")
    page.keyboard.press("n")  # a new row
    expect(field(page, "code")).to_be_focused()
    page.keyboard.type("baobab")
    field(page, "name").fill("Baobab Travel")
    press(page, "Save")
    expect(page.get_by_text("added successfully")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("Baobab Travel (baobab)")

    press(page, "Add identity")
    field(page, "kind").select_option("trunk")
    field(page, "value").fill("baobab-in")
    press(page, "Save")
    expect(page.locator("#main")).to_contain_text("baobab-in")

    page = owner.go("/office/tariffs/tariff/add/")
    field(page, "name").fill("Retail")
    press(page, "Save")
    press(page, "Load rates")
    rates = tmp_path / "retail.csv"
    rates.write_text(RATES)
    field(page, "file").set_input_files(rates)
    press(page, "Look at it")
    expect(page.locator("#rate-load")).to_contain_text("Nothing has been written yet.")
    press(page, "Load these rates")
    expect(page.get_by_text("2 rates from 2 lines are loaded")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("Kenya Mobile")


def test_a_tariff_takes_over_what_it_has_no_price_for(owner: Visitor, tmp_path: Path) -> None:
    page = owner.go("/office/tariffs/tariff/add/")
    field(page, "name").fill("List for all")
    press(page, "Save")
    press(page, "Load rates")
    rates = tmp_path / "all.csv"
    rates.write_text(RATES)
    field(page, "file").set_input_files(rates)
    press(page, "Look at it")
    press(page, "Load these rates")
    expect(page.get_by_text("2 rates from 2 lines are loaded")).to_be_visible()

    page = owner.go("/office/tariffs/tariff/add/")
    field(page, "name").fill("List of one")
    page.locator(".field-parent .select2-selection").click()
    page.locator(".select2-search__field").fill("for all")
    page.locator(".select2-results__option", has_text="List for all").click()
    press(page, "Save")
    expect(page.locator("#main")).to_contain_text("2 codes from List for all")
    page.get_by_role("link", name="List for all").last.click()
    expect(page.locator("#main")).to_contain_text("Tariffs that take over its rates")
    expect(page.locator("#main")).to_contain_text("List of one")
    assert owner.too_wide(PHONE) == []


def test_a_file_is_sent_in_and_watched_until_it_is_posted(
    owner: Visitor, ground: Ground, work: Callable[[], None]
) -> None:
    call = line("sent-in", 90, called="254711222333", start=ground.yesterday)
    path = ground.written("sent-in.csv", call, line("nowhere", 60, called=NOWHERE, start=ground.yesterday))
    page = owner.go("/office/usage/batch/")
    press(page, "Upload a file")
    field(page, "switch").select_option("common")
    field(page, "file").set_input_files(path)
    press(page, "Upload")
    progress = page.locator("#batch-progress")
    expect(progress).to_contain_text("Registered")

    work()
    expect(progress).to_contain_text("Posted")  # the page has asked by itself
    expect(progress.locator("tr", has_text="Rated")).to_contain_text("1")
    expect(progress.locator("tr", has_text="no_rate_sell")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Send rejects again"))).to_be_visible()


def test_a_record_is_found_and_says_why_it_costs_that(owner: Visitor) -> None:
    page = owner.go("/office/traffic/records/")
    field(page, "number").fill("254700000007")
    page.keyboard.press("Enter")
    row = page.locator(".office-table tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("0:37")
    row.locator("a").first.click()
    main = page.locator("#main")
    expect(main).to_contain_text("254700000007")
    expect(main).to_contain_text("Computed again, everything is as it is stored.")
    expect(main).to_contain_text("chosen")


def test_rejects_go_through_again(owner: Visitor, ground: Ground, work: Callable[[], None]) -> None:
    page = owner.go("/office/traffic/rejects/")
    expect(page.locator(".office-table tbody tr", has_text="no_rate_sell").first).to_be_visible()
    page = owner.go(f"/office/usage/batch/{ground.batch.pk}/change/")
    press(page, "Send rejects again")
    press(page, "Send rejects again")
    progress = page.locator("#batch-progress")
    expect(progress).to_contain_text("are being sent again")
    work()
    again = progress.get_by_role("link", name=re.compile("Its rejects sent again"))
    expect(again).to_be_visible()  # the page has asked by itself
    again.click()
    expect(progress).to_contain_text("The batch whose rejects these are")
    expect(progress).to_contain_text("Posted")
    expect(progress.locator("tr", has_text=re.compile("^\\s*Rejected"))).to_contain_text("2")


def test_a_rule_is_made_and_one_call_is_tried(owner: Visitor) -> None:
    page = owner.go("/office/usage/trafficrule/add/")
    field(page, "name").fill("premium")
    field(page, "conditions").fill("called_begins=2549")
    field(page, "actions").fill("tag premium")
    press(page, "Save")
    expect(page.get_by_text("added successfully")).to_be_visible()

    page = owner.go("/office/traffic/rules/test/")
    field(page, "called_raw").fill("254900000001")
    field(page, "trunk_in").fill("in")
    field(page, "trunk_out").fill("out")
    page.keyboard.press("Enter")
    main = page.locator("#main")
    expect(main).to_contain_text("It would be taken.")
    expect(main.locator("dd", has_text="premium")).to_be_visible()
    expect(main).to_contain_text("Sell side: cust")


def test_the_keyboard_leads_everywhere(owner: Visitor) -> None:
    page = owner.go("/office/parties/account/")
    page.keyboard.press("/")  # the list's own search
    expect(page.locator("#searchbar")).to_be_focused()
    page.keyboard.type("cust")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)

    page = owner.go("/office/")
    page.keyboard.press("/")  # the search of everything
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("tariffs")
    expect(page.locator("#command-results a", has_text="Tariffs").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/tariffs/tariff/")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/office/")


def test_the_rows_of_lists_are_walked_and_opened_by_keys(owner: Visitor) -> None:
    for address in (
        "/office/parties/account/",
        "/office/tariffs/tariff/",
        "/office/usage/batch/",
        "/office/tariffs/rate/",
    ):
        page = owner.go(address)
        links = page.locator("#result_list tr.data-row").locator("a[href] >> nth=0")
        page.keyboard.press("j")
        expect(links.nth(0)).to_be_focused()
        target = links.nth(0).get_attribute("href") or ""
        if links.count() > 1:
            page.keyboard.press("j")
            expect(links.nth(1)).to_be_focused()
            page.keyboard.press("k")
            expect(links.nth(0)).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{target}")


def test_the_invoice_stands_in_the_list_and_its_files_come_down(owner: Visitor) -> None:
    page = owner.go("/office/invoicing/invoice/")
    row = page.locator("#result_list tbody tr")
    expect(row).to_have_count(1)
    row.locator("a").first.click()
    with page.expect_download() as coming:
        press(page, "PDF")
    assert Path(coming.value.path()).read_bytes().startswith(b"%PDF-")

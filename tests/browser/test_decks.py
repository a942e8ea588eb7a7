"""A code deck from a file with a conflict, and a special rate for one of its destinations, as somebody of the pricing team makes them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.pages import field, press
from tests.browser.visitor import Visitor

CODES = "Destination;Dial code\nMorocco;212\nMorocco Mobile;2126, 2127\nMorocco Mobile;x\nMorocco Maroc Telecom;2127\nTunisia;216\n"


def test_a_deck_is_imported_and_a_special_rate_made(owner: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(CODES)
    page = owner.go("/office/tariffs/codedeck/")
    press(page, "Import codes")
    field(page, "name").fill("Maghreb")
    field(page, "file").set_input_files(file)
    press(page, "Look at it")
    main = page.locator("#main")
    expect(main).to_contain_text("Named twice, differently: 2")
    expect(main).to_contain_text("Rows that cannot be read")
    press(page, "Apply")
    owner.forgiven = {422}
    press(page, "Apply")
    expect(page.get_by_text("Correct the file and compare it again")).to_be_visible()
    field(page, "skip_conflicts").check()
    press(page, "Apply")
    expect(page.get_by_text("3 codes were added")).to_be_visible()

    page = owner.go("/office/tariffs/tariff/add/")
    field(page, "name").fill("Maghreb retail")
    press(page, "Save")
    page = owner.go("/office/tariffs/specialrate/add/")
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").fill("Maghreb")
    page.locator(".select2-results__option", has_text="Maghreb retail").click()
    field(page, "place").fill("Morocco Mobile")
    field(page, "price").fill("0.0450")
    field(page, "valid_from").fill("2026-04-01T00:00:00")
    page.locator("#id_deck + .select2 .select2-selection").click()
    page.locator(".select2-search__field").fill("Maghreb")
    page.locator(".select2-results__option", has_text="Maghreb").click()
    press(page, "Save")
    expect(page.locator("#main")).to_contain_text("2126")
    press(page, "End")
    expect(page.get_by_text("All its rates end with it.")).to_be_visible()

"""A selling tariff made in the browser: the form, the prices before anything is written, applied."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.ground import Ground
from tests.browser.pages import field, press
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from trunkline.tariffs import actions as tariffs

RATES = b"code,destination,price,increments,valid_from\n254,Kenya,%s,60/1,2026-01-01\n2547,Kenya Mobile,%s,60/60,2026-01-01\n"
CODES = {"254": "Kenya", "2547": "Kenya Mobile", "256": "Uganda"}


def test_a_selling_tariff_is_made_from_what_vendors_ask(
    owner: Visitor, ground: Ground, work: Callable[[], None]
) -> None:
    with ground.carrier.scope():
        target = tariffs.create_tariff(name="Wholesale", currency="USD", at=ground.yesterday)
        for name, prices in (("Alpine cost", (b"0.05", b"0.10")), ("Baltic cost", (b"0.04", b"0.12"))):
            source = tariffs.create_tariff(name=name, currency="USD", at=ground.yesterday)
            tariffs.load_rates(tariff_id=source.pk, data=RATES % prices, at=ground.yesterday)
        tariffs.load_code_deck(name="Africa", codes=CODES, at=ground.yesterday)
    page = owner.go("/office/pricing/generator/")
    expect(page.locator("#main")).to_contain_text("A generator makes the prices of a tariff")
    page = owner.go(f"/office/pricing/generator/add/?tariff={target.pk}")
    field(page, "name").fill("Wholesale")
    field(page, "deck").select_option(label="Africa")
    field(page, "sources").select_option(label=["Alpine cost", "Baltic cost"])
    field(page, "method").select_option("blend")
    field(page, "weights").fill("80/20")
    field(page, "percent").fill("20")
    field(page, "rules").fill("destination='Kenya Mobile' percent=50")
    assert owner.too_wide(PHONE) == []
    owner.too_wide(DESKTOP)
    press(page, "Save")
    expect(page.locator("#main")).to_contain_text("It has not been run.")

    press(page, "Run")
    press(page, "Run")
    made = page.locator("#generator-run")
    expect(made).to_contain_text("A worker makes the prices in a moment.")
    work()
    expect(made).to_contain_text("What matters most")  # the page has asked by itself
    row = made.locator("tr", has_text="Kenya Mobile")
    expect(row).to_contain_text("0.156 per 60")
    expect(row).to_contain_text("0.104")
    assert owner.too_wide(PHONE) == []
    owner.too_wide(DESKTOP)
    made.get_by_role("link", name="No vendor offers them").click()
    expect(page.locator(".office-table tbody tr")).to_have_count(1)
    expect(page.locator(".office-table")).to_contain_text("Uganda")
    assert owner.too_wide(PHONE) == []
    owner.too_wide(DESKTOP)
    page.get_by_role("link", name="Back").click()

    press(page, "Apply")
    field(page, "reason").fill("spring prices")
    press(page, "Apply")
    expect(page.get_by_text("The prices are applied.")).to_be_visible()
    press(page, "Undo")
    field(page, "reason").fill("too dear")
    press(page, "Undo")
    expect(page.get_by_text("The prices of before stand again.")).to_be_visible()

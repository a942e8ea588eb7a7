"""Prices by origin as a person sets them up: a deck, a tariff that asks it, a rate for callers from there, and what a call costs then."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.ground import Ground
from tests.browser.pages import field, press
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from trunkline.tariffs.actions import create_tariff, load_code_deck, load_rates
from trunkline.tenancy.scope import scope


def chosen(page: Page, name: str, text: str) -> None:
    """Choose a row in a field that looks rows up while one types."""
    page.locator(f".field-{name} .select2-selection").first.click()
    page.locator(".select2-search__field").last.fill(text)
    page.locator(".select2-results__option", has_text=text).first.click()


def pictured(visitor: Visitor, name: str) -> None:
    """Nothing stands out of the page, as wide as a desk or a telephone; the pictures go where `TRUNKLINE_PICTURES` says, if it does."""
    folder = os.environ.get("TRUNKLINE_PICTURES")
    for word, size in (("wide", DESKTOP), ("phone", PHONE)):
        assert visitor.too_wide(size) == [], (name, word)
        if folder:
            visitor.page.screenshot(path=Path(folder) / f"{name}-{word}.png", full_page=True)
    visitor.page.set_viewport_size({"width": 1440, "height": 900})


def test_a_call_costs_what_its_origin_says(owner: Visitor, ground: Ground) -> None:
    with scope(ground.carrier.tenant_id, "test"):
        load_code_deck(name="EEA and the rest", codes={"33": "EEA", "1": "Rest"}, at=ground.yesterday)
        made = create_tariff(name="By origin", currency="USD", timezone="UTC", at=ground.yesterday)
        load_rates(tariff_id=made.pk, data=b"code,destination,price\n254,Kenya,0.10\n", at=ground.yesterday)

    page = owner.go(f"/office/tariffs/tariff/{made.pk}/change/")
    chosen(page, "origin_deck", "EEA and the rest")
    pictured(owner, "tariff")
    press(page, "Save")
    expect(page.get_by_text("changed successfully")).to_be_visible()

    page = owner.go(f"/office/tariffs/rate/add/?tariff={made.pk}")
    field(page, "code").fill("254")
    field(page, "price").fill("0.04")
    field(page, "origin").fill("Mars")
    press(page, "Save")
    expect(page.locator(".field-origin")).to_contain_text("has no 'Mars'")
    field(page, "origin").fill("EEA")
    pictured(owner, "rate")
    press(page, "Save")
    expect(page.get_by_text("added successfully")).to_be_visible()

    page = owner.go(f"/office/prices/preview/?tariff={made.pk}&called=254700000001&calling=33155512345&quantity=60")
    main = page.locator("#main")
    expect(main).to_contain_text("0.04 USD")
    expect(main).to_contain_text("EEA, by the code 33 of the origin deck of By origin")
    expect(main).to_contain_text("254 ← EEA")
    pictured(owner, "preview")
    page = owner.go(f"/office/prices/preview/?tariff={made.pk}&called=254700000001&calling=447911123456&quantity=60")
    expect(page.locator("#main")).to_contain_text("0.10 USD")
    expect(page.locator("#main")).to_contain_text("passed over: the caller is not in its origin")

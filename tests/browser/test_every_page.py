"""Every page of the sidebar, at a desk and on a phone, by day and by night."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import DESKTOP, PHONE, Visitor


def _links(visitor: Visitor) -> dict[str, str]:
    """The items of the sidebar, and where they lead."""
    page = visitor.go("/office/")
    found = page.locator("#nav-sidebar a[href^='/']").evaluate_all(
        "links => links.map((each) => [each.innerText.trim().split('\\n').pop(), each.getAttribute('href')])"
    )
    return dict(found)


def test_every_page_fits_a_desk_and_a_phone(owner: Visitor) -> None:
    links = _links(owner)
    assert len(links) > 15
    too_wide = {}
    for name, link in links.items():
        page = owner.go(link)
        expect(page.locator("#main, main").first).to_be_visible()
        too_wide[name] = [*owner.too_wide(DESKTOP), *owner.too_wide(PHONE)]
    assert {name: found for name, found in too_wide.items() if found} == {}


def test_french_fits_a_phone(owner: Visitor) -> None:
    """Its words are longer."""
    page = owner.go("/office/")
    page.context.add_cookies([{"name": "django_language", "value": "fr", "url": page.url}])
    too_wide = {}
    for path in (
        "/office/",
        "/office/traffic/records/",
        "/office/usage/batch/",
        "/office/usage/source/add/",
        "/office/tariffs/rate/",
    ):
        page = owner.go(path)
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        too_wide[path] = owner.too_wide(PHONE)
    assert {path: found for path, found in too_wide.items() if found} == {}


@pytest.mark.parametrize("width", [1024, 1280, 1440])
def test_many_buttons_leave_room_for_the_name_of_the_page(owner: Visitor, width: int) -> None:
    """French has the longest, and a tariff five of them."""
    page = owner.go("/office/tariffs/tariff/")
    page.locator("#result_list tbody a").first.click()
    page.context.add_cookies([{"name": "django_language", "value": "fr", "url": page.url}])
    page.reload()
    assert owner.too_wide({"width": width, "height": 800}) == []
    name = page.locator("#header-inner h1 > :last-child")
    assert name.evaluate("each => each.clientWidth > 30 && each.scrollWidth <= each.clientWidth + 1")

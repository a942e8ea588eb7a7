"""What one does on a page of the office."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page


def field(page: Page, name: str) -> Locator:
    """The field of a form."""
    return page.locator(f"[name={name}]")


def press(page: Page, text: str) -> None:
    """The button or link of the page (not of the menu) that says that."""
    named = re.compile(rf"(^|\s){re.escape(text)}$")  # an icon's name may come before
    main = page.locator("#main")
    main.get_by_role("button", name=named).or_(main.get_by_role("link", name=named)).first.click()

"""The pictures of the README and the documentation: the main screens with the demo's data, made by `bin/screenshots`.

A picture is a line of `PICTURES`. Demo data does not change, so neither do the pictures, but for what the screens do.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.places import ROOT

CHROMIUM = "/usr/bin/chromium"
FOLDER = ROOT / "docs" / "images"
DESK, PHONE = (1440, 900), (390, 844)
QUALITY = 80
START_S = 60
TENANTS = ("meridian", "savanna")


@dataclass(frozen=True, slots=True)
class Picture:
    """A screen. `path` is its address; `follow` are texts or selectors that are clicked one after the other from there."""

    name: str
    path: str
    follow: tuple[str, ...] = ()
    tenant: str = "meridian"
    size: tuple[int, int] = DESK
    is_dark: bool = False
    language: str = "en"


FIRST = "#result_list tbody tr:first-child a >> nth=0"
MONTH = "/office/?days=30"  # of its last traffic
PICTURES = (
    Picture("dashboard", MONTH, tenant="savanna"),
    Picture("dashboard-dark", MONTH, tenant="savanna", is_dark=True),
    Picture("dashboard-phone", MONTH, tenant="savanna", size=PHONE),
    Picture(
        "summary", "/office/reports/summary/?from=2026-03-02&to=2026-03-03&by_1=account&sort=margin&measure=revenue"
    ),
    Picture("records", "/office/traffic/records/?account=harbor"),
    Picture("why", "/office/traffic/records/?account=harbor", follow=(".office-table tbody a >> nth=0",)),
    Picture("files", "/office/usage/batch/"),
    Picture("file", "/office/usage/batch/", follow=(FIRST,)),
    Picture("rejects", "/office/traffic/rejects/"),
    Picture("accounts", "/office/parties/account/"),
    Picture("accounts-phone", "/office/parties/account/", size=PHONE),
    Picture("account", "/office/parties/account/", follow=(FIRST,)),
    Picture("tariff", "/office/tariffs/tariff/", follow=(FIRST,)),
    Picture("invoices", "/office/invoicing/invoice/"),
    Picture("invoice", "/office/invoicing/invoice/", follow=(FIRST,)),
    Picture("sign-in", "/accounts/login/"),
)


@contextmanager
def product() -> Iterator[str]:
    """The product at work on the data folder, by the command that everybody uses: its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "trunkline", "up", "--port", str(port), "--jobs", "0"]
    server = subprocess.Popen(command, env=os.environ | {"TRUNKLINE_URL": f"http://localhost:{port}"})
    address = f"http://localhost:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"{address}/ready", timeout=START_S).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def passwords() -> dict[str, tuple[str, str]]:
    """E-mail and new password of the owner of each of the demo's operators."""
    import django

    # What a command does first, and what the pictures need: the server runs, its tables are up to date.
    subprocess.run([sys.executable, "-m", "trunkline", "tenant", "list"], check=True, stdout=subprocess.DEVNULL)
    django.setup()
    from trunkline.cli.demo_logins import make_logins
    from trunkline.tenancy.queries import get_tenant_id

    ids = {slug: get_tenant_id(slug) for slug in TENANTS}
    logins = make_logins(ids, actor="pictures", at=datetime.now(UTC))
    return {each.tenant: (each.email, each.password) for each in logins}


def signed_in(browser: Browser, address: str, login: tuple[str, str]) -> BrowserContext:
    """A browser in which that person is at work."""
    context = browser.new_context(base_url=address, locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(login[0])
    page.locator("input[name=password]").fill(login[1])
    page.locator("button[type=submit]").first.click()
    page.wait_for_url(re.compile("/office/"))
    page.close()
    return context


def take(context: BrowserContext, picture: Picture, path: Path) -> None:
    """Write the picture; WebP unless the name ends otherwise."""
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if picture.is_dark else "light")
    page.set_viewport_size({"width": picture.size[0], "height": picture.size[1]})
    page.goto(picture.path)
    for step in picture.follow:
        page.locator(step).click()
        page.wait_for_load_state("load")
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    path.write_bytes(_pixels(page, path.suffix.removeprefix(".")))
    page.close()


def _pixels(page: Page, kind: str) -> bytes:
    session = page.context.new_cdp_session(page)
    wanted = {"format": kind} | ({"quality": QUALITY} if kind == "webp" else {})
    return base64.b64decode(session.send("Page.captureScreenshot", wanted)["data"])


def main() -> None:
    """Make them, or those that are named."""
    parser = argparse.ArgumentParser(prog="bin/screenshots")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--png", action="store_true")
    given = parser.parse_args()
    chosen = [each for each in PICTURES if not given.names or each.name in given.names]
    given.folder.mkdir(parents=True, exist_ok=True)
    logins = passwords()
    with product() as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--lang=en-GB"])
        contexts: dict[str, BrowserContext] = {}
        for picture in chosen:
            if picture.tenant not in contexts:
                contexts[picture.tenant] = signed_in(browser, address, logins[picture.tenant])
            context = browser.new_context(base_url=address) if picture.name == "sign-in" else contexts[picture.tenant]
            path = given.folder / f"{picture.name}.{'png' if given.png else 'webp'}"
            take(context, picture, path)
            sys.stderr.write(f"{path.name} {path.stat().st_size:,} octets\n")
        browser.close()


if __name__ == "__main__":
    main()

"""A vendor's sheets come by mail: the mailbox and its rule are made in the browser, and the mail says what became of it."""

from __future__ import annotations

import imaplib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import peers
from tests.browser.ground import Ground
from tests.browser.pages import field, press
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.db.sources.test_mail import connect
from trunkline.pricing.actions import create_template
from trunkline.tariffs.actions import create_tariff

SHEET = "Destination,Code,Rate\nKenya,254,0.0500\nKenya Mobile,2547,0.1000\nUganda,256,0.0800\n"
PICTURES = os.environ.get("TRUNKLINE_TEST_PICTURES", "")


@pytest.fixture
def mail_server() -> Iterator[peers.Peer]:
    with peers.reachable_folder() as folder, peers.dovecot(folder / "mail") as peer:
        yield peer


def send(server: peers.Peer, sender: str, subject: str, name: str, content: bytes) -> None:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = sender, subject, f"<{name}@alpine.example>"
    message.set_content("Please find our rates attached.")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    box = connect(server)
    box.append("INBOX", "", imaplib.Time2Internaldate(datetime.now(UTC).timestamp() - 60), message.as_bytes())
    box.logout()


def fits(visitor: Visitor, name: str) -> None:
    """The page that is open fits a desk and a phone."""
    for word, size in (("phone", PHONE), ("desk", DESKTOP)):
        assert visitor.too_wide(size) == [], name
        if PICTURES:
            visitor.page.screenshot(path=Path(PICTURES) / f"{name}-{word}.png", full_page=True)


def test_sheets_come_by_mail(owner: Visitor, ground: Ground, mail_server: peers.Peer, work: Callable[[], None]) -> None:
    with ground.carrier.scope():
        tariff = create_tariff(name="Alpine by mail", currency="USD", timezone="UTC", at=ground.carrier.now)
        create_template(name="Alpine", tariff_id=tariff.pk)
    page = owner.go("/office/pricing/mailbox/")
    fits(owner, "mailboxes-empty")
    page = owner.go("/office/pricing/mailbox/add/")
    for name, text in (
        ("name", "Rates desk"),
        ("host", mail_server.host),
        ("port", str(mail_server.port)),
        ("login", mail_server.login),
    ):
        field(page, name).fill(text)
    field(page, "new_password").fill(mail_server.secret)
    fits(owner, "mailbox-add")
    press(page, "Save")
    expect(page.locator("#main")).to_contain_text("It has no rule yet")
    press(page, "Trust its server")
    press(page, "Ask the server")
    expect(page.locator("#main")).to_contain_text(mail_server.pin)
    press(page, "Trust it")
    expect(page.locator("#main")).to_contain_text("and nothing else")

    press(page, "Add a rule")
    field(page, "name").fill("Alpine")
    field(page, "senders").fill("@alpine.example")
    field(page, "template").select_option(label="Alpine")
    fits(owner, "rule-add")
    press(page, "Save")
    expect(page.get_by_text("added successfully")).to_be_visible()

    send(mail_server, "rates@alpine.example", "Rates effective 15 March 2030", "alpine.csv", SHEET.encode())
    send(mail_server, "rates@alpine.example", "Rates", "alpine.pdf", b"%PDF-1.7")
    send(mail_server, "sales@other.example", "Buy our routes", "offer.csv", SHEET.encode())
    page = owner.go("/office/pricing/mailbox/")
    page.get_by_role("link", name="Rates desk").click()
    press(page, "Look now")
    page.locator("#main").get_by_role("button", name="Look now").click()
    expect(page.get_by_text("A worker looks into Rates desk")).to_be_visible()
    work()

    page = owner.go("/office/pricing/mail/")
    main = page.locator("#main")
    for words in ("waits for approval", "wrong file type", "no rule fits"):
        expect(main).to_contain_text(words)
    fits(owner, "mails")
    page.get_by_role("link", name="Rates effective 15 March 2030").first.click()
    expect(main).to_contain_text("2030-03-15")
    expect(main).to_contain_text("alpine.csv")
    fits(owner, "mail")
    page = owner.go("/office/pricing/mail/")
    page.get_by_role("link", name="Rates", exact=True).click()
    press(page, "Set aside")
    field(page, "note").fill("asked for a spreadsheet")
    page.locator("#main").get_by_role("button", name="Set aside").click()
    expect(main).to_contain_text("asked for a spreadsheet")
    owner.go("/office/pricing/mailbox/")
    page.get_by_role("link", name="Rates desk").click()
    fits(owner, "mailbox")
    page = owner.go("/office/")
    expect(page.locator("#main")).to_contain_text("A rate sheet by mail: waits for approval.")
    fits(owner, "dashboard")

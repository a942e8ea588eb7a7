"""A pricing desk whose vendors send their sheets by mail: how mails get into the box, and what is there after a look."""

from __future__ import annotations

import imaplib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from tests.databases import TestDatabase
from tests.db.sources.test_mail import connect
from tests.peers import Peer
from trunkline.kit.secrets import Secret
from trunkline.pricing.actions import add_mailbox, add_rule, change_mailbox, create_template
from trunkline.pricing.mailbox.look import Looked, look
from trunkline.pricing.models import Mail, Mailbox, MailSheet, SheetImport
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.scope import scope

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
CAME = NOW - timedelta(hours=2)
HEAD = "Destination,Code,Rate,Effective Date,Billing Increment\n"
SHEET = (
    HEAD
    + "Kenya,254,0.0500,2026-03-10,60/1\nKenya Mobile,2547,0.1000,2026-03-10,60/60\nUganda,256,0.0800,2026-03-10,60/1\n"
)
SENDER = "Rates <rates@vendor.example>"


@dataclass
class Desk:
    """A tenant with one mailbox, one tariff and one template, and a clock that the test sets."""

    peer: Peer
    database: Any
    tenant_id: int
    tariff_id: int
    template_id: int
    mailbox_id: int
    now: datetime = NOW
    sent: int = field(default=0)

    @classmethod
    def make(cls, peer: Peer, database: TestDatabase) -> Desk:
        tenant = create_tenant(name="Desk", currency="USD", timezone="UTC", actor="test", at=NOW)
        with scope(tenant, "test"):
            tariff = tariffs.create_tariff(name="Vendor", currency="USD", timezone="UTC", at=NOW)
            template = create_template(name="Vendor", tariff_id=tariff.pk)
            mailbox = add_mailbox(
                name="rates", host=peer.host, port=peer.port, login=peer.login, password=Secret(peer.secret), pin=peer.pin, at=NOW
            )  # fmt: skip
        return cls(peer, database, tenant.pk, tariff.pk, template.pk, mailbox.pk)

    def clock(self) -> datetime:
        return self.now

    def scope(self) -> Any:
        return scope(self.tenant_id, "test")

    def rule(self, name: str = "vendor", **given: Any) -> int:
        given = {"senders": ["@vendor.example"], "template_id": self.template_id} | given
        with self.scope():
            return add_rule(mailbox=Mailbox.objects.get(pk=self.mailbox_id), name=name, **given).pk

    def change(self, **changes: Any) -> None:
        with self.scope():
            change_mailbox(mailbox_id=self.mailbox_id, at=self.now, **changes)

    def send(
        self,
        *files: tuple[str, str | bytes],
        subject: str = "Rate change",
        text: str = "Please find our rates attached.",
        sender: str = SENDER,
        message_id: str | None = None,
        came: datetime = CAME,
        received: str = "",
    ) -> None:
        """A mail in the inbox, as if the server had received it then. `received`: a header that another way of it has."""
        self.sent += 1
        message = EmailMessage()
        if received:
            message["Received"] = received
        message["From"], message["To"], message["Subject"] = sender, "rates@here.example", subject
        message["Date"] = "Thu, 01 Jan 2026 00:00:00 +0000"
        message["Message-ID"] = f"<{self.sent}@vendor.example>" if message_id is None else message_id
        message.set_content(text)
        for name, content in files:
            octets = content.encode() if isinstance(content, str) else content
            message.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
        self.put(message.as_bytes(), came)

    def put(self, raw: bytes, came: datetime = CAME) -> None:
        box = connect(self.peer)
        assert box.append("INBOX", "", imaplib.Time2Internaldate(came.timestamp()), raw)[0] == "OK"
        box.logout()

    def empty(self) -> None:
        """Somebody removes every mail of the inbox."""
        box = connect(self.peer)
        if box.select("INBOX")[1] != [b"0"]:
            box.store("1:*", "+FLAGS", r"(\Deleted)")
            box.expunge()
        box.logout()

    def look(self) -> Looked:
        found = look(tenant_id=self.tenant_id, mailbox_id=self.mailbox_id, now=self.clock)
        assert found is not None
        return found

    def looked(self) -> list[tuple[str, str]]:
        """State and detail of every mail after one look, the one that came first first."""
        found = self.look()
        assert found.failure is None, found.failure
        return self.mails()

    def mails(self) -> list[tuple[str, str]]:
        with self.scope():
            return list(Mail.objects.order_by("received_at", "pk").values_list("state", "detail"))

    def states(self) -> list[str]:
        """The same, states alone, after one look."""
        return [state for state, _ in self.looked()]

    def sheets(self) -> list[tuple[str, str]]:
        with self.scope():
            return list(MailSheet.objects.order_by("mail_id", "number").values_list("name", "state"))

    def imports(self) -> Sequence[SheetImport]:
        with self.scope():
            return list(SheetImport.objects.select_related("tariff").order_by("pk"))

    def codes(self) -> list[str]:
        """What stands in the tariff."""
        with self.scope():
            return sorted(tariffs.standing_rates(Tariff.objects.get(pk=self.tariff_id))["code"].to_pylist())

"""An operator with something of everything, so that requests to every operation find what they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test import Client

from tests.api.answers import ok
from tests.api.conftest import Asking, new_key
from tests.api.test_every_operation import NAMED
from tests.db.usage.carrier import NOW, START, Carrier, line
from tests.isolation.rows import make_row
from trunkline.core.ids import uuid7
from trunkline.identity.permissions import NOT_FOR_KEYS, Permission
from trunkline.kit.secrets import Secret
from trunkline.parties.models import Account
from trunkline.pricing.actions import Asked as SheetAsked
from trunkline.pricing.actions import (
    add_mailbox,
    add_rule,
    create_agreement,
    create_template,
    import_deck,
    import_sheet,
    keep_edit,
    plan_notifications,
    save_notification_template,
)
from trunkline.pricing.actions.notifications import prepare
from trunkline.pricing.intake import reader_of
from trunkline.pricing.models import Mail, MailSheet
from trunkline.pricing.rate_edits import Chosen, PriceEdit, PriceHow, RateEdit
from trunkline.reports.actions import save_report
from trunkline.tariffs.actions import create_time_profile
from trunkline.tariffs.models import Rate, Tariff
from trunkline.tenancy.models import Tenant
from trunkline.usage.actions import create_switch
from trunkline.usage.asked import Asked
from trunkline.usage.looks import begin_look, make_look
from trunkline.usage.models import Proposal, Switch
from trunkline.usage.process import process
from trunkline.usage.queries import access_switch
from trunkline.usage.rerate import register_reratings
from trunkline.usage.sources.actions import add_source
from trunkline.usage.sources.models import Alarm, Receipt
from trunkline.usage.traffic.actions import GivenRule, create_rule

MAPPING = {
    "name": "mine",
    "version": 1,
    "title": "Mine",
    "file": {"kind": "delimited", "columns": ["id", "callee", "begun", "seconds"]},
    "record": {"key": "id", "called": "callee", "start": "time(begun)", "duration": "seconds(seconds)"},
}


@dataclass(frozen=True)
class Ground:
    """The operator: its data folder, a key that may do everything, and by the names of parameters what is there."""

    home: Path
    key: str
    ids: Mapping[str, str]


def make_ground(folder: Path) -> Ground:
    """Make the operator. Commits; its data folder is `home` of the folder."""
    carrier = Carrier.make(folder / "in")
    tenant_id, lines = carrier.tenant_id, (line("1"), line("2", 90), line("3", called="999"), line("4", trunk_in="x"))
    carrier.load(carrier.write("a.csv", *lines))
    with carrier.scope():
        tenant = Tenant.objects.get(pk=tenant_id)
        key = new_key(tenant, *(set(Permission) - NOT_FOR_KEYS))
        _furnish(carrier)
    ask = Asking(Client(), key)
    account_id = str(carrier.accounts["cust"].public_id)
    invoice = ok(ask.post("/invoices", {"account_id": account_id, "period": "2026-03", "early": True}), 201)
    _rerate(carrier)
    _tell(carrier)
    ids = _look(carrier) | {"record_id": ok(ask.get("/records", account_id=account_id))["data"][0]["id"]}
    _load_sheets(carrier)
    with carrier.scope():
        for name, (model, attribute) in NAMED.items():
            rows: Any = model._default_manager
            found = rows.filter(options__has_key="mapping") if model is Switch else rows.order_by("pk")
            ids[name] = str(getattr(found.first() or make_row(model), attribute))
    named = {"account_id": account_id, "invoice_id": invoice["id"], "switch": "common"}
    return Ground(folder / "home", key, ids | named)


def _furnish(carrier: Carrier) -> None:
    """What a carrier has besides accounts, prices and files. Needs an open scope."""
    create_switch(name="old", format="mapping", options={"mapping": MAPPING}, at=NOW)
    create_rule(given=GivenRule(name="premium", stage="after_account", actions="tag premium"), at=NOW)
    create_time_profile(name="nights", windows=[{"from": "20:00", "to": "24:00"}], at=NOW)
    import_deck(
        carrier.tenant_id,
        deck="World",
        data=b"254,Kenya\n33,France\n",
        file_name="codes.csv",
        actor="test",
        now=lambda: NOW,
    )
    save_report(name="days", asked={"by": "day", "view": "summary"})
    switch = access_switch("common")
    source = add_source(
        switch=switch,
        name="feed",
        kind="sftp",
        host="127.0.0.1",
        port=1,
        login="cdr",
        password=Secret("s3cret"),
        at=NOW,
    )
    Receipt.objects.create(source=source, key="1", locator="/out/a.csv", name="a.csv", octets=9, first_seen_at=NOW)
    Alarm.objects.create(source=source, kind="stalled", detail="Nothing came.", raised_at=NOW, last_at=NOW)


def _load_sheets(carrier: Carrier) -> None:
    """A rate sheet that waits, with an agreement and a template of the vendor; an edit of the rates that are there."""
    head = "Destination,Code,Rate,Effective Date\n"
    data = (head + "Kenya,254,0.05,2026-04-01\nUganda,256,0.08,2026-04-01\nRwanda,x,0.08,2026-04-01\n").encode()
    with carrier.scope():
        tariff = Tariff.objects.get(name="buy")
        agreement = create_agreement(name="Vendor", days_increase=7)
        template = create_template(name="Vendor", tariff_id=tariff.pk, agreement_id=agreement.pk)
        mailbox = add_mailbox(name="rates", host="127.0.0.1", port=1, login="rates", password=Secret("s3cret"), at=NOW)
        rule = add_rule(mailbox=mailbox, name="vendor", senders=["*"], template_id=template.pk)
        facts = {"sender": "rates@vendor.example", "received_at": NOW, "seen_at": NOW, "state": "empty"}
        mail = Mail.objects.create(mailbox=mailbox, rule=rule, key="1", locator="1/1", files=["a.csv"], **facts)
        MailSheet.objects.create(mail=mail, number=1, name="a.csv", sha256="", import_id=uuid7(), state="empty")
    import_sheet(
        carrier.tenant_id,
        data=data,
        file_name="sheet.csv",
        read=reader_of(data, "sheet.csv", received_at=NOW),
        asked=SheetAsked(tariff_id=tariff.pk, template_id=template.pk, agreement_id=agreement.pk),
        notified_at=NOW,
        actor="test",
        now=carrier.clock,
    )
    keep_edit(
        carrier.tenant_id,
        tariff_id=tariff.pk,
        chosen=Chosen(at=NOW),
        edit=RateEdit(price=PriceEdit(PriceHow.PERCENT, "5")),
        agreement_id=agreement.pk,
        actor="test",
        at=NOW,
    )


def _rerate(carrier: Carrier) -> None:
    """Other prices, the re-rating of what they concern, and one more proposal."""
    with carrier.scope():
        Rate.objects.filter(tariff__name="sell").update(steps="0:0.12/60/1")
        Tariff.objects.filter(name="sell").update(revision=2)
    made = register_reratings(carrier.tenant_id, Asked(side="sell"), name="re-rating", actor="test", now=carrier.clock)
    for batch_id in made:
        process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        Proposal.objects.create(cause="prices of sell", start_from=START, made_at=NOW)


def _tell(carrier: Carrier) -> None:
    """A customer that is told of its prices, and a notification that is prepared. Runs outside any scope."""
    with carrier.scope():
        account, tariff = Account.objects.get(code="cust"), Tariff.objects.get(name="sell")
        template, _ = save_notification_template(name="Usual", kind="csv")
        given = {"account": account, "tariff": tariff, "template": template, "recipients": ["ada@example.com"]}
        plan, _ = plan_notifications(**given, at=NOW)
    prepare(carrier.tenant_id, plan.pk, actor="test", now=carrier.clock)


def _look(carrier: Carrier) -> dict[str, str]:
    with carrier.scope():
        look_id = begin_look(carrier.tenant_id, Asked(code="254"), actor="test", at=NOW)
    make_look(carrier.tenant_id, look_id, actor="test")
    return {"look_id": str(look_id)}

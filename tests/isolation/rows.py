"""Minimal valid rows of every tenant model, for the generated isolation tests.

`make_row` looks at the model: a value for each field that must have one, a row of its own for each reference that must point somewhere.
What a look cannot tell is a recipe below: either the few values that a constraint asks for, or a function that has an action make the row.
A model that neither makes fails its isolation tests with a message that says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import models

from trunkline.core.money import Amount, Price
from trunkline.identity.models import Membership, Role, User
from trunkline.invoicing.models import BillRun, BillRunAccount, Invoice
from trunkline.kit.models import AmountField, PriceField
from trunkline.ledger import actions as ledger
from trunkline.ledger.choices import AccountClass
from trunkline.ledger.models import Balance, Entry, LedgerAccount, Posting, Resolution
from trunkline.pricing.models import Mailbox, MailRule, SheetTemplate
from trunkline.tariffs.models import CodeDeck, Destination, SpecialRate, Tariff

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)

_numbers = itertools.count(1)


def make_row(model: type[models.Model], **given: Any) -> Any:
    """Insert a row of the tenant of the open scope, with whatever it refers to."""
    tracked = getattr(model, "pgh_tracked_model", None)
    if tracked is not None:
        return model._default_manager.filter(id=make_row(tracked).pk).latest("pgh_id")  # a trigger wrote it
    recipe = RECIPES.get(model._meta.label)
    if callable(recipe):
        return recipe(next(_numbers))
    if _is_one_per_tenant(model) and (present := model._default_manager.first()):
        return present
    values = {**(recipe or {}), **given}
    for field in model._meta.concrete_fields:
        if field.name not in values and not _may_be_left_out(field):
            values[field.name] = _value(field, next(_numbers))
    return model._default_manager.create(**values)


def _is_one_per_tenant(model: type[models.Model]) -> bool:
    keys = [c.fields for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
    return ("tenant",) in keys


def _may_be_left_out(field: models.Field[Any, Any]) -> bool:
    return field.primary_key or field.null or field.has_default() or field.generated


def _value(field: Any, number: int) -> Any:
    if isinstance(field, models.ForeignKey):
        return make_row(field.related_model)
    if field.choices:
        return field.choices[0][0]
    if field.name == "timezone":
        return "UTC"
    if isinstance(field, models.CharField) and field.max_length is not None:
        return "USD" if field.max_length == 3 else f"{field.name}-{number}"[-field.max_length :]
    for kind, value in BY_KIND.items():
        if isinstance(field, kind):
            return value(number)
    raise NotImplementedError(f"no value for {type(field).__name__} {field.model._meta.label}.{field.name}")


BY_KIND: dict[type, Callable[[int], Any]] = {
    AmountField: lambda number: Amount.from_text("1"),
    PriceField: lambda number: Price.from_text("1"),
    models.DecimalField: lambda number: Decimal(1),
    models.TextField: lambda number: f"text {number}",
    models.DateTimeField: lambda number: AT,
    models.DateField: lambda number: DAY,
    models.BooleanField: lambda number: False,
    models.IntegerField: lambda number: number,
    models.UUIDField: lambda number: uuid4(),
    models.BinaryField: lambda number: b"octets",
    models.JSONField: lambda number: {},
}


def _ledger_account(number: int) -> LedgerAccount:
    return ledger.ensure_account(code=f"unbilled_receivable:row-{number}", currency="USD", name="Row", at=AT)


def _lines(number: int) -> list[ledger.Line]:
    revenue = ledger.ensure_chart(currency="USD", at=AT)[AccountClass.REVENUE]
    return [
        ledger.Line(_ledger_account(number).pk, Amount.from_text("1")),
        ledger.Line(revenue.pk, Amount.from_text("-1")),
    ]


def _entry(number: int) -> Entry:
    return ledger.post(key=f"row-{number}", kind="usage_sell", booked_on=DAY, lines=_lines(number), at=AT)


def _posting(number: int) -> Posting:
    return Posting.objects.get(entry=_entry(number), position=1)


def _resolution(number: int) -> Resolution:
    lines = _lines(number)
    pending = ledger.reserve(key=f"row-{number}", kind="usage_sell", booked_on=DAY, lines=lines, at=AT)
    return ledger.void(pending=pending, at=AT)


def _balance(number: int) -> Balance:
    posting = _posting(number)
    ledger.refresh_balances()
    return Balance.objects.get(account=posting.account_id)


def _membership(number: int) -> Membership:
    return Membership.objects.create(user=make_row(User), own_role=make_row(Role), valid_from=AT)


def _special_rate(number: int) -> SpecialRate:
    tariff, deck = make_row(Tariff), make_row(CodeDeck)
    target = make_row(Destination)
    return SpecialRate.objects.create(
        tariff=tariff, deck=deck, destination=target, steps="0:0.20/60/60", valid_from=AT, created_at=AT
    )


def _bill_run_account(number: int) -> BillRunAccount:
    run, invoice = make_row(BillRun), make_row(Invoice)
    return BillRunAccount.objects.create(bill_run=run, account=invoice.account, outcome="issued", invoice=invoice)


def _mail_rule(number: int) -> MailRule:
    given = {"name": f"rule {number}", "position": number, "senders": ["*"]}
    return MailRule.objects.create(mailbox=make_row(Mailbox), template=make_row(SheetTemplate), **given)


RECIPES: dict[str, dict[str, Any] | Callable[[int], Any]] = {
    "identity.Membership": _membership,
    "identity.StaffSession": {"opened_at": AT, "until": AT + timedelta(hours=1)},
    "ledger.Balance": _balance,
    "ledger.Entry": _entry,  # books take whole entries only
    "ledger.LedgerAccount": _ledger_account,
    "ledger.Posting": _posting,
    "ledger.Resolution": _resolution,
    "usage.TrafficRule": {"stage": "after_account", "actions": "tag a"},  # the first stage knows no account
    "tariffs.Code": {"code": "254"},
    "tariffs.ExchangeRate": {"base": "EUR", "quote": "USD"},
    "tariffs.SpecialRate": _special_rate,
    "tariffs.Rate": {"code": "254", "steps": "0:0.20/60/60"},
    "pricing.MailRule": _mail_rule,  # the template goes with what it does
    "usage.Source": {"kind": "sftp", "every_min": 5, "cron": ""},
    "invoicing.BillRun": {"period_from": date(2026, 2, 1), "period_to": date(2026, 3, 1)},
    "invoicing.BillRunAccount": _bill_run_account,
    "usage.WaitingLeg": {"kind": "in"},
    "invoicing.Invoice": {
        "period_from": date(2026, 2, 1),
        "period_to": date(2026, 3, 1),
        "exact": Amount.from_text("1"),
        "rounding": Amount.zero(),
        "net": Amount.from_text("1"),
        "tax": Amount.zero(),
        "total": Amount.from_text("1"),
    },
}

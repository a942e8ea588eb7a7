"""What stands below an account's form: balance, invoices, identities, tariffs, contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import choice, money, row_link, standing, validity
from trunkline.core.money import Amount
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.invoicing.queries import list_invoices
from trunkline.kit.clock import now
from trunkline.ledger.queries import funds
from trunkline.parties.choices import AccountStatus
from trunkline.parties.models import Account
from trunkline.parties.queries import contacts, identities
from trunkline.tariffs.queries import assignments

SUMS = ("receivable", "unbilled_receivable", "payable", "unbilled_payable")


def load_balances(rows: Sequence[Account]) -> None:
    """Put `balance` on each account: what it owes us less what we owe it, billed or not; one query for all."""
    standing_on = funds([getattr(row, f"{name}_id") for row in rows for name in SUMS])
    for row in rows:
        row.balance = Amount(sum(standing_on[getattr(row, f"{name}_id")].posted for name in SUMS))  # type: ignore[attr-defined]


def account_panels(request: HttpRequest, account: Account, screen: Any) -> list[Panel]:
    """The panels that this person may see."""
    may = principal_of(request).may
    found = []
    if may(Permission.LEDGER_READ):
        found.append(_balance(request, account))
    if may(Permission.INVOICES_READ):
        found.append(_invoices(request, account))
    found.append(_identities(request, account))
    if may(Permission.TARIFFS_READ):
        found.append(_tariffs(request, account))
    found.append(_contacts(request, account, screen))
    return found


def _balance(request: HttpRequest, account: Account) -> Panel:
    standing_on = funds([getattr(account, f"{name}_id") for name in SUMS])
    amounts = [Amount(standing_on[getattr(account, f"{name}_id")].posted) for name in SUMS]
    words = (
        _("It owes us, invoiced"),
        _("It owes us, not yet invoiced"),
        _("We owe it"),
        _("We owe it, not yet billed"),
    )
    rows: list[list[Any]] = [
        [word, money(amount, account.currency)] for word, amount in zip(words, amounts, strict=True)
    ]
    rows.append([_("Balance"), money(Amount.total(amounts), account.currency)])
    rows.append([_("Credit limit"), money(account.credit_limit, account.currency)])
    return Panel(
        _("Balance"),
        ["", _("Amount")],
        rows,
        text=_("What is above zero it owes us, what is below zero we owe it."),
        links=[
            Link(_("Statement"), f"{reverse('admin:statement')}?{urlencode({'account': account.code})}", "summarize")
        ],
        right=frozenset({1}),
    )


def _invoices(request: HttpRequest, account: Account) -> Panel:
    rows = list(list_invoices(account=account)[: PANEL_ROWS + 1])
    links = []
    if len(rows) > PANEL_ROWS:
        listed = reverse("admin:invoicing_invoice_changelist")
        links.append(Link(_("All invoices"), f"{listed}?{urlencode({'account_code': account.code})}"))
    links.append(
        Link(_("Preview"), f"{reverse('admin:invoice_preview')}?{urlencode({'account': account.code})}", "preview")
    )
    if principal_of(request).may(Permission.INVOICES_ISSUE):
        asked = f"{reverse('admin:invoicing_billrun_add')}?{urlencode({'accounts': account.code})}"
        links.append(Link(_("Issue an invoice"), asked, "playlist_add"))
    return Panel(
        _("Invoices"),
        [_("Number"), _("Period"), _("Issued"), _("Due"), _("Total"), _("State")],
        [
            [
                row_link(request, each, each.number),
                f"{each.period_from} – {each.period_to}",
                each.issued_on,
                each.due_on,
                money(each.total, each.currency),
                choice(each, "state"),
            ]
            for each in rows[:PANEL_ROWS]
        ],
        empty=_("Nothing has been invoiced to it."),
        links=links,
        right=frozenset({4}),
    )


def _identities(request: HttpRequest, account: Account) -> Panel:
    rows = list(identities(account)[: PANEL_ROWS + 1])
    listed = reverse("admin:parties_identity_changelist")
    links = [Link(_("All identities"), f"{listed}?account__id__exact={account.pk}")] if len(rows) > PANEL_ROWS else []
    if account.status != AccountStatus.CLOSED and principal_of(request).may(Permission.IDENTITIES_WRITE):
        links.append(Link(_("Add identity"), f"{reverse('admin:parties_identity_add')}?account={account.pk}", "add"))
    return Panel(
        _("Identities"),
        [_("Value"), _("Kind"), _("Side"), _("Switch"), _("Holds"), _("Now")],
        [
            [
                row_link(request, each, each.value + (f" + {each.tech_prefix}" if each.tech_prefix else "")),
                choice(each, "kind"),
                choice(each, "side"),
                each.switch or _("any"),
                validity(each.valid_from, each.valid_to, account.timezone),
                standing(each.valid_from, each.valid_to, now()),
            ]
            for each in rows[:PANEL_ROWS]
        ],
        empty=_("No traffic is told to be its: say by which trunk, address or number it is known."),
        links=links,
    )


def _tariffs(request: HttpRequest, account: Account) -> Panel:
    rows = list(assignments(account)[: PANEL_ROWS + 1])
    listed = reverse("admin:tariffs_accounttariff_changelist")
    links = [Link(_("All of them"), f"{listed}?account__id__exact={account.pk}")] if len(rows) > PANEL_ROWS else []
    if account.status != AccountStatus.CLOSED and principal_of(request).may(Permission.TARIFFS_ASSIGN):
        given = f"{reverse('admin:tariffs_accounttariff_add')}?account={account.pk}"
        links.append(Link(_("Give a tariff"), given, "add"))
    return Panel(
        _("Tariffs"),
        [_("Tariff"), _("Side"), _("Service"), _("Position"), _("Holds"), _("Now"), ""],
        [
            [
                row_link(request, each.tariff),
                choice(each, "side"),
                choice(each, "service"),
                each.position,
                validity(each.valid_from, each.valid_to, account.timezone),
                standing(each.valid_from, each.valid_to, now()),
                row_link(request, each, _("Change")),
            ]
            for each in rows[:PANEL_ROWS]
        ],
        empty=_("Its traffic has no price yet: give it a tariff."),
        links=links,
        right=frozenset({3}),
    )


def _contacts(request: HttpRequest, account: Account, screen: Any) -> Panel:
    links = []
    if principal_of(request).may(Permission.ACCOUNTS_WRITE):
        links.append(Link(_("Add contact"), screen.url("add_contact", account), "add"))
    return Panel(
        _("Contacts"),
        [_("Name"), _("Role"), _("E-mail"), _("Telephone"), _("Note")],
        [[each.name, choice(each, "role"), each.email, each.phone, each.note] for each in contacts(account)],
        empty=_("Nobody is named. Add whom to turn to for invoices, prices or the network."),
        links=links,
    )

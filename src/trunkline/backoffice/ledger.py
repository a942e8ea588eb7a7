"""Screens of the books: the journal and the trial balance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import ReadOnlyAdmin
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.shown import money
from trunkline.backoffice.site import site
from trunkline.backoffice.statements import KINDS
from trunkline.core.money import Amount
from trunkline.identity.permissions import Permission
from trunkline.ledger.choices import EntryKind
from trunkline.ledger.models import Entry
from trunkline.ledger.queries import postings_of, trial_balance


@site.screen(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """The journal: what was booked, the newest first."""

    permission_to_view = Permission.LEDGER_READ
    list_display = ("key", "shown_kind", "booked_on", "created_at", "reference")
    search_fields = ("key__exact",)
    search_help_text = gettext_lazy("The whole key of an entry.")
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("key", "shown_kind", "booked_on", "created_at", "actor", "reference", "is_pending", "refusal")
    empty_text = gettext_lazy(
        "Nothing has been booked. Usage that is rated, invoices and what follows book by themselves."
    )

    @display(description=gettext_lazy("Kind"))
    def shown_kind(self, entry: Entry) -> str:
        """What was booked."""
        return str(KINDS.get(EntryKind(entry.kind), entry.kind))

    def empty_link(self, request: HttpRequest) -> Link | None:
        return None

    def panels(self, request: HttpRequest, entry: Entry) -> Sequence[Panel]:
        """Its postings: debit and credit of each account."""
        rows = [
            (each.account.code, *_sides(each.amount, each.account.currency))
            for each in postings_of([entry.pk]).get(entry.pk, [])
        ]
        return [Panel(_("Postings"), (_("Account"), _("Debit"), _("Credit")), rows, right=frozenset({1, 2}))]


def _sides(amount: Amount, currency: str) -> tuple[Any, Any]:
    """An amount under debit or under credit."""
    return (money(amount, currency), "") if amount.units >= 0 else ("", money(-amount, currency))


@site.page("books/trial-balance/", name="trial_balance", permission=Permission.LEDGER_READ)
def trial(request: HttpRequest) -> HttpResponse:
    """Every account with its debits and credits, by currency; both sums are equal."""
    panels = []
    for currency, accounts in trial_balance().items():
        rows: list[tuple[Any, ...]] = [
            (row.account.code, money(row.debit, currency), money(row.credit, currency), money(row.balance, currency))
            for row in accounts
        ]
        debit, credit = (sum((getattr(row, side) for row in accounts), Amount.zero()) for side in ("debit", "credit"))
        rows.append((_("Sum"), money(debit, currency), money(credit, currency), money(debit - credit, currency)))
        headers = (_("Account"), _("Debit"), _("Credit"), _("Balance"))
        panels.append(Panel(currency, headers, rows, right=frozenset({1, 2, 3})))
    text = _(
        "Receivable is what customers owe, payable what vendors are owed; unbilled is what was used and is on no document. Below zero is a balance on the credit side."
    )
    context = {"title": _("Trial balance"), "panels": panels, "text": text}
    return site.render(request, "backoffice/trial_balance.html", context)

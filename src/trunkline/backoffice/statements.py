"""The statement of an account: what was booked on some days, with the balance before, after each line and at the end; as CSV and XLSX too."""

from __future__ import annotations

import io
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import DayField
from trunkline.backoffice.forms import StaffForm, refuse
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.shown import money
from trunkline.backoffice.site import site
from trunkline.backoffice.words import local
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.period import get_zone, local_date
from trunkline.identity.permissions import Permission
from trunkline.invoicing.files import name_of
from trunkline.kit.clock import now
from trunkline.ledger.choices import EntryKind
from trunkline.parties.queries import get_account
from trunkline.reports.statement import AccountStatement, Books, read_statement, write_csv, xlsx
from trunkline.tenancy.queries import current_tenant

LINES_MAX: Final = 500
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOOKS: Final = {
    Books.INVOICED: gettext_lazy("Invoices and payments"),
    Books.UNBILLED: gettext_lazy("Usage that is not invoiced yet"),
    Books.ALL: gettext_lazy("Everything"),
}
KINDS: Final = {
    EntryKind.USAGE_SELL: gettext_lazy("Usage"),
    EntryKind.USAGE_BUY: gettext_lazy("Usage of a vendor"),
    EntryKind.USAGE_WALLET: gettext_lazy("Usage paid from a wallet"),
    EntryKind.INVOICE: gettext_lazy("Invoice"),
    EntryKind.INVOICE_VOID: gettext_lazy("Invoice voided"),
    EntryKind.VENDOR_BILL: gettext_lazy("Bill of a vendor"),
    EntryKind.PAYMENT: gettext_lazy("Payment"),
    EntryKind.PAYOUT: gettext_lazy("Payout"),
    EntryKind.NETTING: gettext_lazy("Netting"),
    EntryKind.EXCHANGE: gettext_lazy("Exchange"),
    EntryKind.WRITE_OFF: gettext_lazy("Written off"),
    EntryKind.ADJUSTMENT: gettext_lazy("Correction"),
    EntryKind.REVERSAL: gettext_lazy("Reversal"),
}


class StatementForm(StaffForm):
    """Whose statement, of which days and books."""

    account = forms.CharField(label=gettext_lazy("Account"), max_length=60, help_text=gettext_lazy("Its short name."))
    start = DayField(
        label=gettext_lazy("From"), required=False, help_text=gettext_lazy("First day; everything if left empty.")
    )
    end = DayField(
        label=gettext_lazy("Until before"),
        required=False,
        help_text=gettext_lazy("The first day after; up to now if left empty."),
    )
    books = forms.ChoiceField(
        label=gettext_lazy("Books"),
        required=False,
        choices=[(each.value, text) for each, text in BOOKS.items()],
        help_text=gettext_lazy("What the customer sees of it, or what stands before that."),
    )

    def statement(self, *, limit: int | None) -> AccountStatement:
        """What is asked for. Raises NotFound `account_not_found`, Invalid `period_order`."""
        data = self.cleaned_data
        books = Books(data["books"] or Books.INVOICED)
        account = get_account(data["account"].strip())
        return read_statement(account, books=books, start=data["start"], end=data["end"], limit=limit)


@site.page("books/statement/", name="statement", permission=Permission.LEDGER_READ)
def statement(request: HttpRequest) -> HttpResponse:
    """The statement of an account; `format=csv` or `xlsx` gives it as a file."""
    wanted = request.GET.get("format", "")
    first = local_date(now(), get_zone(current_tenant().timezone)).replace(month=1, day=1)
    asked = request.GET if "account" in request.GET else None
    form = StatementForm(asked, initial={"start": first, "books": Books.INVOICED}, request=request)
    panel = None
    if form.is_valid():
        try:
            found = form.statement(limit=None if wanted else LINES_MAX)
            if wanted:
                return _file(found, wanted)
            panel = _panel(found, request)
        except (Invalid, NotFound) as error:
            refuse(form, error)
    context = {"title": _("Statement of an account"), "form": form, "panel": panel}
    return site.render(request, "backoffice/statement.html", context, 422 if form.errors else 200)


def _panel(found: AccountStatement, request: HttpRequest) -> Panel:
    currency = found.account.currency
    rows: list[tuple[Any, ...]] = [
        (found.start or "", _("Opening balance"), "", "", "", money(found.opening, currency))
    ]
    for line in found.lines:
        debit, credit = (line.amount, None) if line.amount.units >= 0 else (None, -line.amount)
        rows.append(
            (
                line.booked_on,
                KINDS[EntryKind(line.kind)],
                line.reference or line.key,
                money(debit, currency) if debit is not None else "",
                money(credit, currency) if credit is not None else "",
                money(line.balance, currency),
            )
        )
    if found.following is None:
        rows.append((found.end or "", _("Closing balance"), "", "", "", money(found.closing, currency)))
        text = _("What is above zero it owes us, what is below zero we owe it.")
    else:
        text = _("Only the first %(count)s lines are shown; the files have all. The balance at the end is %(closing)s.")
        text %= {"count": LINES_MAX, "closing": f"{found.closing} {currency}"}
    query = {name: value for name, value in request.GET.items() if name != "format"}
    links = [
        Link("CSV", f"?{urlencode({**query, 'format': 'csv'})}", "csv"),
        Link("XLSX", f"?{urlencode({**query, 'format': 'xlsx'})}", "table_view"),
    ]
    headers = (_("Booked"), _("What"), _("Reference"), _("Debit"), _("Credit"), _("Balance"))
    title = f"{found.account.name} ({found.account.code})"
    return Panel(title, headers, rows, text=text, links=links, right=frozenset({3, 4, 5}))


def _file(found: AccountStatement, wanted: str) -> HttpResponse:
    """The statement as a file. Raises Invalid `unknown_format`."""
    if wanted == "csv":
        out = io.StringIO()
        write_csv(found, out)
        content, kind = out.getvalue().encode(), "text/csv; charset=utf-8"
    elif wanted == "xlsx":
        content, kind = xlsx(found, at=now()), XLSX
    else:
        raise Invalid("unknown_format", _("A statement is had as csv or xlsx."))
    name = name_of(f"statement-{found.account.code}-{local(now(), seconds=False)[:10]}", f".{wanted}")
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})

"""What is on no document yet, by account, and the preview of what an invoice would say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from trunkline.backoffice.bill_runs import last_month
from trunkline.backoffice.fields import DayField
from trunkline.backoffice.forms import StaffForm, refuse
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.shown import choice_text, money, row_link
from trunkline.backoffice.site import site
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.money import Amount
from trunkline.core.period import DatePeriod, get_zone, local_date
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.invoicing import queries
from trunkline.invoicing.document.layout import document_data
from trunkline.invoicing.document.press import set_pdf
from trunkline.invoicing.draft import Draft, read_draft
from trunkline.invoicing.files import name_of
from trunkline.kit.clock import now
from trunkline.parties.queries import get_account
from trunkline.tenancy.queries import current_tenant

ACCOUNTS_MAX: Final = 500
LINES_MAX: Final = 300


class UnbilledForm(StaffForm):
    """Which days are looked at."""

    until = DayField(
        label=gettext_lazy("Until before"),
        required=False,
        help_text=gettext_lazy("Only what was used before this day; everything if left empty."),
    )


@site.page("invoices/unbilled/", name="unbilled", permission=Permission.INVOICES_READ)
def unbilled(request: HttpRequest) -> HttpResponse:
    """What is on no document, by account; some or all of them are chosen here to have their invoices issued."""
    form = UnbilledForm(request.GET, request=request)
    until = form.cleaned_data["until"] if form.is_valid() else None
    found = queries.unbilled(until=until)
    may_issue = principal_of(request).may(Permission.INVOICES_ISSUE)
    period = _months(found, until)
    sums: dict[str, Amount] = defaultdict(Amount.zero)
    for each in found:
        sums[each.account.currency] += each.amount
    rows = [
        (
            *([_tick(each.account.code)] if may_issue else []),
            row_link(request, each.account, each.account.code),
            each.account.name,
            each.first_day,
            each.last_day,
            f"{each.calls:,}",
            money(each.amount, each.account.currency),
            Link(_("Preview"), preview_address(each.account.code, _months([each], until))),
        )
        for each in found[:ACCOUNTS_MAX]
    ]
    shift = int(may_issue)
    columns = (_("Account"), _("Name"), _("First day"), _("Last day"), _("Calls"), _("Amount"), "")
    title = ngettext("%(count)s account", "%(count)s accounts", len(found)) % {"count": f"{len(found):,}"}
    text = _("Only the first %(count)s are shown.") % {"count": ACCOUNTS_MAX} if len(found) > ACCOUNTS_MAX else ""
    headers = ("", *columns) if may_issue else columns
    context = {
        "title": _("Unbilled"),
        "form": form,
        "panel": Panel(title, headers, rows, text=text, right=frozenset({4 + shift, 5 + shift})),
        "sums": [money(amount, currency) for currency, amount in sorted(sums.items())],
        "period": period,
        "issue": reverse("admin:invoicing_billrun_add") if may_issue else "",
        "issue_all": f"{reverse('admin:invoicing_billrun_add')}?{urlencode({'is_all': 'on', **period})}",
        "empty_text": _("All usage is on a document. What comes in from now on stands here until it is invoiced."),
    }
    return site.render(request, "backoffice/unbilled.html", context, 422 if form.errors else 200)


def _months(found: Sequence[queries.Unbilled], until: date | None) -> dict[str, date]:
    """The whole months, of those that are over, in which this usage lies; up to `until` where that is said. None where there is none."""
    if not found:
        return {}
    start = min(each.first_day for each in found).replace(day=1)
    last = max(each.last_day for each in found)
    this_month = local_date(now(), get_zone(current_tenant().timezone)).replace(day=1)
    end = until or min((last.replace(day=1) + timedelta(days=31)).replace(day=1), this_month)
    return {"period_from": start, "period_to": end if end > start else last + timedelta(days=1)}


def _tick(code: str) -> Any:
    label = _("Choose %(account)s") % {"account": code}
    return format_html('<input type="checkbox" name="accounts" value="{}" aria-label="{}">', code, label)


def preview_address(code: str, period: dict[str, Any]) -> str:
    """Where the preview of an account's invoice stands."""
    return f"{reverse('admin:invoice_preview')}?{urlencode({'account': code, **period})}"


class PreviewForm(StaffForm):
    """Whose invoice, and of which days."""

    account = forms.CharField(label=gettext_lazy("Account"), max_length=60, help_text=gettext_lazy("Its short name."))
    period_from = DayField(label=gettext_lazy("From"), help_text=gettext_lazy("First day, on the account's clock."))
    period_to = DayField(label=gettext_lazy("Until before"), help_text=gettext_lazy("The first day after the period."))

    @classmethod
    def asked(cls, request: HttpRequest) -> PreviewForm:
        """The form of an address; days that it does not name are last month's."""
        begin, end = last_month()
        given = {"period_from": begin.isoformat(), "period_to": end.isoformat()}
        given |= {name: value for name, value in request.GET.dict().items() if value}
        is_asked = "account" in given
        return cls(given if is_asked else None, initial=given, request=request)

    def draft(self) -> Draft:
        """What the invoice would say. Raises NotFound `account_not_found`, Invalid `period_order`, Conflict `nothing_to_bill`."""
        data = self.cleaned_data
        period = DatePeriod(data["period_from"], data["period_to"])
        if not period:
            raise Invalid("period_order", _("A period has at least one day."), field="period_to")
        return read_draft(get_account(data["account"].strip()), period)


@site.page("invoices/preview/", name="invoice_preview", permission=Permission.INVOICES_READ)
def preview(request: HttpRequest) -> HttpResponse:
    """What an invoice would say now. Nothing is billed, numbered or kept."""
    form, draft = PreviewForm.asked(request), None
    if form.is_valid():
        try:
            draft = form.draft()
        except (Conflict, Invalid, NotFound) as error:
            refuse(form, error)
    context: dict[str, Any] = {"title": _("Preview of an invoice"), "form": form, "panels": ()}
    if draft is not None:
        asked = {"period_from": draft.period.start, "period_to": draft.period.end}
        issue = {"accounts": draft.account_code, **asked}
        context["panels"] = [_figures(draft), _lines(draft)]
        context["pdf"] = f"{reverse('admin:invoice_preview_pdf', args=[draft.account_code])}?{urlencode(asked)}"
        if principal_of(request).may(Permission.INVOICES_ISSUE):
            context["issue"] = f"{reverse('admin:invoicing_billrun_add')}?{urlencode(issue)}"
    return site.render(request, "backoffice/invoice_preview.html", context, 422 if form.errors else 200)


def _figures(draft: Draft) -> Panel:
    totals, currency = draft.totals, draft.currency.code
    rows = [
        (_("Account"), f"{draft.buyer['name']} ({draft.account_code})"),
        (_("Kind"), choice_text(draft.kind)),
        (_("Usage, exact"), f"{totals.exact} {currency}"),
        (_("Rounding of lines"), f"{-totals.rounding} {currency}"),
        (_("Net"), money(totals.net, currency)),
        (f"{draft.tax_name or _('Tax')} {draft.tax_percent.normalize():f} %", money(totals.tax, currency)),
        (_("Total"), money(totals.total, currency)),
    ]
    if draft.adjusts:
        rows.insert(2, (_("Corrects"), ", ".join(each.number for each in draft.adjusts)))
    text = _("Nothing is billed, numbered or kept by looking.")
    return Panel(_("What it would say"), ("", ""), rows, text=text)


def _lines(draft: Draft) -> Panel:
    rows = [
        (
            line.number,
            choice_text(line.kind),
            line.destination,
            line.terms,
            f"{line.sums.calls:,}",
            f"{line.sums.billed:,}",
            money(line.amount, draft.currency.code),
        )
        for line in draft.lines[:LINES_MAX]
    ]
    more = len(draft.lines) - len(rows)
    text = _("%(count)s further lines stand on the PDF.") % {"count": more} if more > 0 else ""
    headers = ("", _("Kind"), _("Destination"), _("Price"), _("Calls"), _("Charged"), _("Amount"))
    return Panel(_("Lines"), headers, rows, text=text, right=frozenset({4, 5, 6}))


@site.page("invoices/preview/<str:account>/pdf/", name="invoice_preview_pdf", permission=Permission.INVOICES_READ)
def preview_pdf(request: HttpRequest, account: str) -> HttpResponse:
    """The preview as a PDF that says on every page what it is."""
    given = {"account": account} | {name: request.GET.get(name, "") for name in ("period_from", "period_to")}
    form = PreviewForm(given, request=request)
    if not form.is_valid():
        raise Invalid("bad_period", _("Say from which day until before which."))
    pdf = set_pdf(document_data(form.draft()), now())
    headers = {"Content-Disposition": f'inline; filename="{name_of(f"preview-{account}", ".pdf")}"'}
    return HttpResponse(pdf, content_type="application/pdf", headers=headers)

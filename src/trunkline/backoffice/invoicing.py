"""Screens of invoices and credit notes: what stands on them, their files, taking one back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import ReadOnlyAdmin
from trunkline.backoffice.filters import BeginsFilter, ChoiceFilter
from trunkline.backoffice.forms import StaffForm
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import choice, days, money, row_link, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.invoicing import actions, queries
from trunkline.invoicing.choices import InvoiceState
from trunkline.invoicing.files import name_of, open_stored
from trunkline.invoicing.models import Invoice
from trunkline.kit.clock import now
from trunkline.kit.lookups import begins


class VoidForm(StaffForm):
    """Why a document is taken back."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, help_text=gettext_lazy("It stands on the document for ever.")
    )
    with_adjustments = forms.BooleanField(
        label=gettext_lazy("With what corrected it"),
        required=False,
        help_text=gettext_lazy("Also takes back the later documents that adjust this one."),
    )


@site.screen(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    """Invoices and credit notes as they were issued."""

    permission_to_view = Permission.INVOICES_READ
    list_display = ("number", "account", "shown_kind", "shown_state", "period", "shown_total", "issued_on", "due_on")
    list_filter = (
        ("kind", ChoiceFilter),
        ("state", ChoiceFilter),
        BeginsFilter.of("account__code", gettext_lazy("Account begins with")),
    )
    list_select_related = ("account",)
    search_fields = ("number",)
    search_help_text = gettext_lazy("The number of a document, or how it begins.")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        "number", "account", "shown_kind", "shown_state", "period", "timezone", "shown_net", "shown_tax", "shown_total",
        "issued_on", "due_on", "shown_records", "void_reason", "public_id",
    )  # fmt: skip
    empty_text = gettext_lazy("No document has been issued. See what is unbilled, and issue some from there.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Invoice], search_term: str
    ) -> tuple[QuerySet[Invoice], bool]:
        words = search_term.strip().upper()
        return (queryset.filter(begins("number", words)) if words else queryset), False

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("What is unbilled"), reverse("admin:unbilled"), "pending_actions")

    def links(self, request: HttpRequest, invoice: Invoice | None) -> Sequence[Link]:
        """Issuing, above the list; the document itself, above a row."""
        if invoice is not None:
            return [Link(_("PDF"), reverse("admin:invoice_pdf", args=[invoice.public_id]), "picture_as_pdf")]
        if not principal_of(request).may(Permission.INVOICES_ISSUE):
            return []
        return [Link(_("Issue invoices"), reverse("admin:unbilled"), "playlist_add")]

    @display(description=gettext_lazy("Kind"))
    def shown_kind(self, invoice: Invoice) -> SafeString:
        return state(invoice.kind, choice(invoice, "kind"), {"invoice": "info", "credit_note": "warning"})

    @display(description=gettext_lazy("State"))
    def shown_state(self, invoice: Invoice) -> SafeString:
        return state(invoice.state, choice(invoice, "state"), {"issued": "success", "void": "danger"})

    @display(description=gettext_lazy("Period"))
    def period(self, invoice: Invoice) -> str:
        return days(invoice.period_from, invoice.period_to)

    @display(description=gettext_lazy("Records"))
    def shown_records(self, invoice: Invoice) -> str:
        """How many records hang on it."""
        return f"{invoice.records:,}"

    @display(description=gettext_lazy("Net"))
    def shown_net(self, invoice: Invoice) -> Any:
        return money(invoice.net, invoice.currency)

    @display(description=gettext_lazy("Tax"))
    def shown_tax(self, invoice: Invoice) -> Any:
        return money(invoice.tax, invoice.currency)

    @display(description=gettext_lazy("Total"))
    def shown_total(self, invoice: Invoice) -> Any:
        return money(invoice.total, invoice.currency)

    def panels(self, request: HttpRequest, invoice: Invoice) -> Sequence[Panel]:
        """The first lines, and the files."""
        lines = queries.lines_of(invoice)
        rows = [
            (
                line.number,
                line.destination,
                line.terms,
                f"{line.calls:,}",
                f"{line.billed:,}",
                money(line.amount, invoice.currency),
            )
            for line in lines[:PANEL_ROWS]
        ]
        headers = ("", _("Destination"), _("Price"), _("Calls"), _("Charged"), _("Amount"))
        links = [Link(_("PDF"), reverse("admin:invoice_pdf", args=[invoice.public_id]), "picture_as_pdf")]
        if principal_of(request).may(Permission.RECORDS_EXPORT):
            links.append(Link(_("Records"), reverse("admin:invoice_records", args=[invoice.public_id]), "table_view"))
        more = len(lines) - len(rows)
        text = _("%(count)s further lines stand on the PDF.") % {"count": more} if more > 0 else ""
        found = [Panel(_("Lines"), headers, rows, links=links, text=text, right=frozenset({3, 4, 5}))]
        corrected = {line.corrects.pk: line.corrects for line in lines if line.corrects is not None}
        related = [(_("Adjusts"), each) for each in corrected.values()]
        related += [(_("Adjusted by"), each) for each in queries.adjusting(invoice)]
        if related:
            documents = [
                (word, row_link(request, each), each.issued_on, money(each.total, each.currency), choice(each, "state"))
                for word, each in related
            ]
            titles = ("", _("Number"), _("Issued"), _("Total"), _("State"))
            found.append(Panel(_("Corrections"), titles, documents, right=frozenset({3})))
        return found

    @verb(
        gettext_lazy("Void"),
        permission=Permission.INVOICES_VOID,
        icon="block",
        form=VoidForm,
        applies=lambda invoice: invoice.state == InvoiceState.ISSUED,
        text=gettext_lazy("The books are reversed and its usage is unbilled again. Its number stays used."),
        is_danger=True,
    )
    def void(self, request: HttpRequest, invoice: Invoice, data: dict[str, Any]) -> Any:
        said: Any = {"number": invoice.number, "reason": data["reason"], "at": now()}
        voided = actions.void_with_adjustments(**said) if data["with_adjustments"] else [actions.void(**said)]
        return _("Voided: %(numbers)s.") % {"numbers": ", ".join(each.number for each in voided)}


@site.page("invoices/<str:public_id>/pdf/", name="invoice_pdf", permission=Permission.INVOICES_READ)
def pdf(request: HttpRequest, public_id: str) -> FileResponse:
    """The document as it was issued."""
    invoice = queries.access_document(public_id)
    return _file(invoice, invoice.pdf_path, invoice.pdf_sha256, ".pdf", "application/pdf")


@site.page("invoices/<str:public_id>/records/", name="invoice_records", permission=Permission.RECORDS_EXPORT)
def records(request: HttpRequest, public_id: str) -> FileResponse:
    """The records that the document bills."""
    invoice = queries.access_document(public_id)
    return _file(invoice, invoice.csv_path, invoice.csv_sha256, ".records.csv", "text/csv")


def _file(invoice: Invoice, path: str, sha256: str, suffix: str, kind: str) -> FileResponse:
    handle = open_stored(path, sha256).open("rb")
    return FileResponse(handle, as_attachment=True, filename=name_of(invoice.number, suffix), content_type=kind)

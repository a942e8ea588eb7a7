"""The operator itself: what it is called, its currency and clock, the seller on its documents and how these are numbered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import CurrencyField, ZoneField
from trunkline.backoffice.forms import StaffForm, refuse, set_choices
from trunkline.backoffice.history import find_changes
from trunkline.backoffice.site import site
from trunkline.core.errors import TrunklineError
from trunkline.core.octets import shown_octets
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.invoicing.actions import set_profile
from trunkline.invoicing.document.catalogue import languages
from trunkline.invoicing.queries import find_profile, profile_or_default
from trunkline.kit.clock import now
from trunkline.tenancy.actions import change_tenant, recall_steps
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.rules import Standing, last_trial_day, standing_of
from trunkline.tenancy.storage import storage
from trunkline.usage.tenant_currency import change_currency, is_currency_open

# Fields of the form and of the seller's block.
SELLER = {
    "seller": "name",
    "address": "address",
    "tax_number": "tax_number",
    "email": "email",
    "phone": "phone",
    "payment_instructions": "payment_instructions",
    "note": "note",
    "language": "language",
    "invoice_number": "invoice_number",
    "credit_note_number": "credit_note_number",
}
_ERROR_FIELDS = {
    "unknown_language": "language",
    "number_template": "invoice_number",
    "number_series": "credit_note_number",
}


class OperatorForm(StaffForm):
    """Everything that is said of an operator once."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, help_text=gettext_lazy("On screens and reports.")
    )
    timezone = ZoneField(label=gettext_lazy("Time zone"), help_text=gettext_lazy("Days of reports are on this clock."))
    currency = CurrencyField(
        label=gettext_lazy("Currency"),
        help_text=gettext_lazy("Of margins and of your own books. It can be changed until the first file is taken."),
    )
    seller = forms.CharField(
        label=gettext_lazy("Seller"), max_length=200, help_text=gettext_lazy("Your name on documents.")
    )
    address = forms.CharField(
        label=gettext_lazy("Address"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The lines below the name, as they are printed."),
    )
    tax_number = forms.CharField(
        label=gettext_lazy("Tax number"), required=False, max_length=60, help_text=gettext_lazy("VAT or other.")
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("For questions on documents."),
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("For questions on documents."),
    )
    payment_instructions = forms.CharField(
        label=gettext_lazy("How to pay"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Bank account or other ways, line by line."),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("A text at the end of every document."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of documents"),
        help_text=gettext_lazy("Where the billing profile of an account names none."),
    )
    invoice_number = forms.CharField(
        label=gettext_lazy("Invoice numbers"),
        max_length=60,
        help_text=gettext_lazy("A template such as INV-{year}-{number:06}; the year may be left out."),
    )
    credit_note_number = forms.CharField(
        label=gettext_lazy("Credit note numbers"),
        max_length=60,
        help_text=gettext_lazy("A template that gives other numbers than that of invoices."),
    )

    def prepare(self) -> None:
        set_choices(self, "language", [(code, _language(code)) for code in languages()])
        tenant, profile = current_tenant(), profile_or_default()
        self.initial = {
            "name": tenant.name, "timezone": tenant.timezone, "currency": tenant.currency,
            **{name: getattr(profile, kept) for name, kept in SELLER.items()},
        }  # fmt: skip
        self.field("currency").disabled = not is_currency_open()
        if not principal_of(self.request).may(Permission.SETTINGS_WRITE):
            for name in self.fields:
                self.field(name).disabled = True


def _language(code: str) -> str:
    return {"en": "English", "fr": "Français"}.get(code, code)


@site.page("settings/operator/", name="settings", permission=Permission.SETTINGS_READ)
def operator(request: HttpRequest) -> HttpResponse:
    """Show the settings, and change those that were changed."""
    principal = principal_of(request)
    if request.method == "POST":
        principal.require(Permission.SETTINGS_WRITE)
        if "recall" in request.POST:
            recall_steps()
            return HttpResponseRedirect(reverse("admin:index"))
    form = OperatorForm(*((request.POST,) if request.method == "POST" else ()), request=request)
    if request.method == "POST" and form.is_valid() and _is_done(form):
        messages.success(request, _("The settings are kept."))
        return HttpResponseRedirect(reverse("admin:settings"))
    tenant, stored = current_tenant(), storage()
    context = {
        "title": _("Operator"),
        "form": form,
        "groups": _grouped(form),
        "may_write": principal.may(Permission.SETTINGS_WRITE),
        "history": reverse("admin:settings_history") if principal.may(Permission.HISTORY_READ) else "",
        "tenant": tenant,
        "trial_day": last_trial_day(tenant) if standing_of(tenant, now()) is Standing.TRIAL else None,
        "stored": shown_octets(stored.octets),
        "quota": None if stored.quota is None else shown_octets(stored.quota),
        "percent": stored.percent,
        "is_near": stored.is_near,
        "has_dismissed": bool(tenant.dismissed_steps),
    }
    return site.render(request, "backoffice/operator.html", context, 422 if form.errors else 200)


def _grouped(form: OperatorForm) -> list[tuple[Any, list[Any]]]:
    names = {
        _("Operator"): ("name", "timezone", "currency"),
        _("Seller on documents"): ("seller", "address", "tax_number", "email", "phone", "payment_instructions", "note"),
        _("Documents"): ("language", "invoice_number", "credit_note_number"),
    }
    return [(title, [form[name] for name in group]) for title, group in names.items()]


def _is_done(form: OperatorForm) -> bool:
    """Whether the actions took what was changed; otherwise the form says why not, and nothing was."""
    changed = {name: form.cleaned_data[name] for name in form.changed_data}
    own = {name: changed[name] for name in ("name", "timezone") if name in changed}
    seller = {kept: changed[name].replace("\r\n", "\n") for name, kept in SELLER.items() if name in changed}
    try:
        with transaction.atomic():
            if own:
                change_tenant(**own)
            if "currency" in changed:
                change_currency(currency=changed["currency"])
            if seller:
                set_profile(**seller)
    except TrunklineError as error:
        error.context.setdefault("field", _ERROR_FIELDS.get(error.code))
        refuse(form, error)
        return False
    return True


@site.page("settings/operator/history/", name="settings_history", permission=Permission.SETTINGS_READ)
def history(request: HttpRequest) -> HttpResponse:
    """Who changed the operator and its seller's block, when, why and from where."""
    principal_of(request).require(Permission.HISTORY_READ)
    profile = find_profile()
    found = find_changes(current_tenant()) + (find_changes(profile) if profile is not None else [])
    context = {
        "title": _("History: %(name)s") % {"name": current_tenant().name},
        "changes": sorted(found, key=lambda change: change.at, reverse=True),
        "back": reverse("admin:settings"),
    }
    return site.render(request, "backoffice/history.html", context)

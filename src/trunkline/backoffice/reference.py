"""Screens of reference data: exchange rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.fields import CurrencyField, DayField
from trunkline.backoffice.filters import CurrencyFilter
from trunkline.backoffice.forms import ActionForm, StaffForm
from trunkline.backoffice.site import site
from trunkline.backoffice.tariffs import tell_proposals
from trunkline.backoffice.uploaded import FileField
from trunkline.backoffice.verbs import verb
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.tariffs.models import ExchangeRate
from trunkline.usage import price_changes


class ExchangeRateForm(ActionForm):
    """What one currency costs in another from a day on."""

    base = CurrencyField(label=_("One unit of"), help_text=_("The currency that is priced."))
    quote = CurrencyField(label=_("Costs in"), help_text=_("The currency in which it is priced."))
    on = DayField(label=_("From"), help_text=_("First day on which it holds, until the next one."))
    rate = forms.CharField(
        label=_("Rate"), max_length=25, help_text=_("The price, at most 12 decimals, such as 1.0823.")
    )

    class Meta:
        model = ExchangeRate
        fields = ("base", "quote", "on", "rate")


class LoadExchangeForm(StaffForm):
    """A file of exchange rates."""

    file = FileField(
        label=_("File"),
        help_text=_(
            "The history file of the European Central Bank as it is, or a CSV of date,base,quote,rate. Plain, .gz or .zip."
        ),
    )
    base = CurrencyField(
        label=_("One unit of"),
        initial="EUR",
        help_text=_("What is priced in a file that has a column for each currency."),
    )
    source = forms.CharField(label=_("Source"), max_length=40, initial="ECB", help_text=_("Who published it."))
    replace = forms.BooleanField(
        label=_("Replace what differs"),
        required=False,
        help_text=_("Values that differ take the place of those that are there. Without it such a file is refused."),
    )


@site.screen(ExchangeRate)
class ExchangeRateAdmin(TenantAdmin):
    """What currencies cost each other."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = Permission.EXCHANGE_RATES_WRITE
    empty_text = _(
        "Where tariffs, accounts and your books differ in currency, records need exchange rates. Load the file of the European Central Bank, or state a rate."
    )
    form = ExchangeRateForm
    list_display = ("base", "quote", "on", "shown_rate", "source")
    list_filter = (("base", CurrencyFilter), ("quote", CurrencyFilter))
    # By pair, as the index is; within a pair the latest first.
    ordering = ("base", "quote", "-on")
    sortable_by = ()
    fields = ("base", "quote", "on", "rate")

    @display(description=_("Rate"))
    def shown_rate(self, row: ExchangeRate) -> str:
        """What one unit costs."""
        return f"{row.rate.normalize():f}"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return ((None, {"fields": self.fields if obj is None else ("base", "quote", "on", "shown_rate", "source")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("base", "quote", "on", "shown_rate", "source") if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> ExchangeRate:
        done = price_changes.set_exchange_rate(**data, at=now())
        tell_proposals(request, done.proposals)
        return done.made

    @verb(
        _("Load a file"),
        permission=Permission.EXCHANGE_RATES_WRITE,
        icon="upload_file",
        text=_("All of the file or nothing; the same file twice changes nothing."),
        form=LoadExchangeForm,
        on_list=True,
        submit=_("Load"),
    )
    def load(self, request: HttpRequest, obj: None, data: dict[str, Any]) -> str:
        """Load a file of exchange rates."""
        done = price_changes.load_exchange_rates(
            data=data["file"], base=data["base"], source=data["source"], replace=data["replace"], at=now()
        )
        tell_proposals(request, done.proposals)
        if done.made.skipped:
            skipped = ", ".join(done.made.skipped)
            messages.info(request, gettext("Passed over, no longer in use: %(codes)s.") % {"codes": skipped})
        return gettext("%(rates)s exchange rates are read, %(added)s of them new, %(replaced)s replaced.") % {
            "rates": done.made.rates,
            "added": done.made.added,
            "replaced": done.made.replaced,
        }

"""Forms of swap deals: what was agreed, and what each side promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import CurrencyField, DayField, WordsField
from trunkline.backoffice.forms import ActionForm, StaffForm, set_choices
from trunkline.core.money import Price
from trunkline.pricing import actions
from trunkline.pricing.deals.queries import items_of
from trunkline.pricing.deals.terms import Direction, Item
from trunkline.pricing.models import Deal, DealItem

DIRECTIONS: Final[Mapping[str, Any]] = {
    Direction.INBOUND.value: gettext_lazy("inbound: the partner to us"),
    Direction.OUTBOUND.value: gettext_lazy("outbound: we to the partner"),
}


class DealForm(ActionForm):
    """What was agreed. What is promised is added on the deal's page."""

    currency = CurrencyField(
        label=gettext_lazy("Currency"),
        required=False,
        help_text=gettext_lazy("Of its prices. Empty: the partner's."),
    )
    starts_on = DayField(
        label=gettext_lazy("First day"),
        help_text=gettext_lazy("First day of the first period, on the partner account's clock."),
    )
    recipients = WordsField(
        label=gettext_lazy("Told by mail"),
        required=False,
        help_text=gettext_lazy("Addresses that get its alarms, with commas between. Empty: the dashboard alone tells."),
    )

    class Meta:
        model = Deal
        fields = (
            "name", "account", "currency", "starts_on", "length", "unit", "repeats", "alert_below", "recipients", "note",
        )  # fmt: skip
        labels = {
            "account": gettext_lazy("Partner"),
            "length": gettext_lazy("Length of a period"),
            "unit": gettext_lazy("Counted in"),
            "repeats": gettext_lazy("Periods"),
            "alert_below": gettext_lazy("Alarm below %"),
        }
        help_texts = {"account": gettext_lazy("With whom it is; its records are counted.")}
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}


def _price(label_text: Any, help_text: Any, *, required: bool = True) -> forms.RegexField:
    return forms.RegexField(
        r"^[0-9]{1,8}(\.[0-9]{1,10})?$",
        label=label_text,
        required=required,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class ItemForm(StaffForm):
    """A promise."""

    direction = forms.ChoiceField(
        label=gettext_lazy("Direction"),
        choices=list(DIRECTIONS.items()),
        help_text=gettext_lazy("Inbound: the partner sends to us. Outbound: we send to the partner."),
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"), min_value=1, help_text=gettext_lazy("Promised in each period.")
    )
    price = _price(gettext_lazy("Price"), gettext_lazy("Of a minute, in the deal's currency."))
    beyond = _price(
        gettext_lazy("Price beyond"),
        gettext_lazy("Of minutes beyond the promise. Empty: what they cost ordinarily."),
        required=False,
    )
    destinations = forms.CharField(
        label=gettext_lazy("Destinations"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Their names, one a line. With no destination and no code it is for all other traffic."),
    )
    codes = WordsField(
        label=gettext_lazy("Codes"),
        required=False,
        help_text=gettext_lazy("What the codes of rates begin with, with commas between."),
    )


class ChosenItemForm(StaffForm):
    """Which promise."""

    item = forms.ChoiceField(label=gettext_lazy("Item"), help_text=gettext_lazy("What is promised by it."))

    def prepare(self) -> None:
        rows = items_of([self.obj])
        set_choices(self, "item", [(str(each.pk), item_text(each)) for each in rows])
        self.fields["item"].initial = self.request.GET.get("item")


class ChangedItemForm(ItemForm):
    """A promise that is there, as it shall be."""

    item_id = forms.IntegerField(widget=forms.HiddenInput, help_text=gettext_lazy("Number of the item."))

    def prepare(self) -> None:
        rows = items_of([self.obj])
        row = next((each for each in rows if str(each.pk) == self.request.GET.get("item")), rows[0] if rows else None)
        if row is None:
            return
        said = {
            "item_id": row.pk,
            "direction": row.direction,
            "minutes": row.minutes,
            "price": str(row.price),
            "beyond": "" if row.beyond is None else str(row.beyond),
            "destinations": "\n".join(row.destinations),
            "codes": list(row.codes),
        }
        for name, value in said.items():
            self.fields[name].initial = value

    def clean_item_id(self) -> int:
        """Of this deal, no other."""
        found: int = self.cleaned_data["item_id"]
        if found not in {each.pk for each in items_of([self.obj])}:
            raise forms.ValidationError(_("The deal has no such item any more."))
        return found


def given_item(data: dict[str, Any]) -> Item:
    """The promise that a form says. Raises Invalid `bad_item`."""
    return actions.make_item(
        direction=data["direction"],
        minutes=data["minutes"],
        price=Price.from_text(data["price"]),
        beyond=Price.from_text(data["beyond"]) if data["beyond"] else None,
        destinations=data["destinations"].splitlines(),
        codes=data["codes"],
    )


def item_text(row: DealItem) -> str:
    """A promise in a line."""
    named = ", ".join([*row.destinations, *row.codes]) or _("all other traffic")
    return f"{DIRECTIONS[row.direction]}: {named}, {row.minutes:,}"

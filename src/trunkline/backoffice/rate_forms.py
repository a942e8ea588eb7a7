"""The forms of the grid of rates: which are shown, one changed in its row, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.fields import NOT_A_CODE, DayField, InstantField, RowField, rounding_choices
from trunkline.backoffice.forms import StaffForm, set_zone
from trunkline.core.money import PRICE_DECIMALS, RoundingMode
from trunkline.core.period import first_instant, get_zone
from trunkline.engine.units import Unit
from trunkline.kit.clock import now
from trunkline.pricing.models import SheetImport
from trunkline.pricing.rate_edits import Chosen, PriceEdit, PriceHow, RateEdit, RateKind, Standing
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rules import make_steps, parse_steps


class GridForm(StaffForm):
    """Which rates are shown."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("current", _("in force")),
            ("future", _("to come")),
            ("past", _("over")),
            ("all", _("all")),
        ],
        help_text=_("How they stand to the day. What was voided is not shown."),
    )
    on = DayField(label=_("On"), required=False, help_text=_("A day on the tariff's clock. Empty: now."))
    code = forms.RegexField(
        r"^[0-9]{0,18}$",
        error_messages=NOT_A_CODE,
        label=_("Code begins with"),
        required=False,
        help_text=_("Digits, such as 2547."),
    )
    name = forms.CharField(label=_("Destination"), required=False, max_length=100, help_text=_("Words of its name."))
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[
            ("", _("all")),
            ("priced", _("with a price")),
            ("blocked", _("blocked")),
            ("additive", _("surcharge")),
        ],
        help_text=_("What they do."),
    )

    def chosen(self, tariff: Tariff, ids: Sequence[int] | None = None) -> Chosen:
        """The rates that the form asks for; without any of them where the form is wrong."""
        data = self.cleaned_data if self.is_valid() else {}
        at = first_instant(data["on"], get_zone(tariff.timezone)) if data.get("on") else now()
        return Chosen(
            at=at,
            standing=Standing(data.get("state") or "current"),
            code=data.get("code", ""),
            name=data.get("name", "").strip(),
            kind=RateKind(data.get("kind", "")),
            ids=ids,
        )

    def asked(self) -> dict[str, str]:
        """What is asked, as it stands in an address."""
        data = self.cleaned_data if self.is_valid() else {}
        return {name: str(data[name]) for name in ("state", "on", "code", "name", "kind") if data.get(name)}


class RowForm(StaffForm):
    """One rate, changed in its row."""

    field_of: ClassVar[dict[str, str]] = {
        "bad_steps": "increments",
        "bad_number": "increments",
        "bad_decimal": "price",
        "price_precision": "price",
        "missing_price": "price",
        "ends_before_it_begins": "ends_at",
        "overlap": "begins_at",
    }

    price = forms.CharField(label=_("Price"), required=False, max_length=40)
    per = forms.IntegerField(label=_("Per"), required=False, min_value=1)
    increments = forms.CharField(label=_("Increments"), required=False, max_length=1000)
    begins_at = InstantField(label=_("From"), required=False)
    ends_at = InstantField(label=_("Until"), required=False)
    note = forms.CharField(label=_("Why"), required=False, max_length=200)

    def prepare(self) -> None:
        set_zone(self, get_zone(self.obj.tariff.timezone), "begins_at", "ends_at")
        price, per, increments = price_parts(self.obj.steps)
        has_begun = self.obj.valid_from is None or self.obj.valid_from <= now()
        first = {
            "price": price,
            "per": per,
            "increments": increments,
            "begins_at": None if has_begun else self.obj.valid_from,
            "ends_at": self.obj.valid_to,
        }
        self.initial = first | dict(self.initial)
        for name in ("price", "increments"):
            self.fields[name].widget.attrs["autocomplete"] = "off"
        for name in ("begins_at", "ends_at"):
            self.fields[name].widget.attrs["step"] = "60"
        for name, field in self.fields.items():
            field.widget.attrs |= {"aria-label": str(field.label), "form": "row-form"}
            if name == "note":
                field.widget.attrs["placeholder"] = gettext("why")

    def edit(self, tariff: Tariff) -> RateEdit:
        """The edit that it says. Raises Invalid what making steps does."""
        data = self.cleaned_data
        steps = make_steps(data["price"], str(data["per"] or ""), data["increments"], Unit(tariff.unit))
        begins = data["begins_at"]
        if begins is not None and begins == self.obj.valid_from:
            begins = None
        return RateEdit(
            steps=steps,
            blocked=False if self.obj.blocked and data["price"] and "price" in self.changed_data else None,
            begins_at=begins,
            ends_at=data["ends_at"],
            sets_end=data["ends_at"] != self.obj.valid_to,
        )


class ManyForm(StaffForm):
    """What is changed of many rates."""

    field_of: ClassVar[dict[str, str]] = {
        "bad_amount": "amount",
        "bad_decimal": "amount",
        "price_precision": "amount",
        "precision": "amount",
        "negative_price": "amount",
        "bad_steps": "increments",
        "bad_number": "increments",
        "ends_before_it_begins": "ends_at",
        "nothing_to_change": "how",
    }

    how = forms.ChoiceField(
        label=_("Price"),
        required=False,
        choices=[
            ("", _("stays")),
            ("set", _("set to")),
            ("percent", _("more by percent")),
            ("add", _("more by an amount")),
        ],
        help_text=_("Below zero means less."),
    )
    amount = forms.CharField(
        label=_("By how much"), required=False, max_length=40, help_text=_("Such as 0.0125, or 5 for 5 %.")
    )
    decimals = forms.IntegerField(
        label=_("Rounded to decimals"),
        required=False,
        min_value=0,
        max_value=PRICE_DECIMALS,
        help_text=_("Empty: 10, as exact as prices are."),
    )
    mode = forms.ChoiceField(
        label=_("Rounding"),
        required=False,
        choices=rounding_choices(),
        initial=RoundingMode.HALF_UP.label,
        help_text=_("Which way."),
    )
    increments = forms.CharField(
        label=_("Increments"), required=False, max_length=40, help_text=_("Such as 60/60. Empty: they stay.")
    )
    block = forms.ChoiceField(
        label=_("Blocked"),
        required=False,
        choices=[("", _("stays")), ("yes", _("block")), ("no", _("let through"))],
        help_text=_("Calls for which a blocked rate is chosen are refused."),
    )
    begins_at = InstantField(
        label=_("From"), required=False, help_text=_("On the tariff's clock. Empty: now; rates to come keep their day.")
    )
    end = forms.ChoiceField(
        label=_("End"),
        required=False,
        choices=[("", _("stays")), ("at", _("at the time below")), ("open", _("none: until the next rate"))],
        help_text=_("When they hold no more."),
    )
    ends_at = InstantField(label=_("Until"), required=False, help_text=_("On the tariff's clock, itself not included."))
    agreement = RowField(
        SheetImport,
        "agreement",
        label=_("Agreement"),
        required=False,
        help_text=_("The page says which changes it does not allow yet."),
    )
    note = forms.CharField(
        label=_("Why"), required=False, max_length=200, help_text=_("Stands in the history of the tariff.")
    )

    def prepare(self) -> None:
        set_zone(self, get_zone(self.obj.timezone), "begins_at", "ends_at")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("how") and not data.get("amount"):
            self.add_error("amount", gettext("Say by how much, or to what."))
        if data.get("end") == "at" and not data.get("ends_at"):
            self.add_error("ends_at", gettext("Say until when."))
        return data

    def edit(self) -> RateEdit:
        """The edit that it says. Raises Invalid what a change of prices does."""
        data = self.cleaned_data
        price = None
        if data["how"]:
            decimals = PRICE_DECIMALS if data["decimals"] is None else data["decimals"]
            mode = RoundingMode.from_name(data["mode"] or RoundingMode.HALF_UP.label)
            price = PriceEdit(PriceHow(data["how"]), data["amount"].strip(), decimals, mode)
        return RateEdit(
            price=price,
            increments=data["increments"].strip() or None,
            blocked={"yes": True, "no": False}.get(data["block"]),
            begins_at=data["begins_at"],
            ends_at=data["ends_at"] if data["end"] == "at" else None,
            sets_end=bool(data["end"]),
        )


def price_parts(steps: str) -> tuple[str, int | None, str]:
    """Price, units and increments of steps as one writes them; of a price in several steps all of it as increments."""
    parsed = parse_steps(steps)
    first, last = parsed[0], parsed[-1]
    is_plain = len(parsed) == 1 or (
        len(parsed) == 2 and (first.price, first.per, first.increment) == (last.price, last.per, last.start)
    )
    if not is_plain:
        return "", None, steps
    return str(last.price), last.per, f"{first.increment}/{last.increment}"

"""The form of a generator: its settings as fields, rules and exclusions line by line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from trunkline.backoffice.fields import rounding_choices
from trunkline.backoffice.forms import ActionForm, set_choices
from trunkline.pricing.generator.settings import read_line, read_weights, write_line
from trunkline.pricing.models import Generator
from trunkline.tariffs.models import Tariff

METHODS: Final = {
    "position": _("Cheapest of the position"),
    "average": _("Average of the cheapest"),
    "blend": _("Weighted blend"),
    "all": _("Average of all"),
}
PERCENT_OF: Final = {"cost": _("of the cost"), "price": _("of the price")}
NO_OFFER: Final = {
    "leave_out": _("Leave out: it is not sold"),
    "block": _("Block: calls are refused"),
    "keep": _("Keep what is there"),
}
OTHER_CODES: Final = {"keep": _("Keep"), "close": _("Close")}
LONGER_CODES: Final = {"dearest": _("The dearest counts"), "ignore": _("Leave them out of account")}

# The fields that are settings by the same name, as they stand in `Generator.settings`; empty texts say nothing.
PLAIN: Final = (
    "method", "position", "percent", "percent_of", "absolute", "min_price", "min_margin", "min_margin_percent", "not_below_position", "max_price",
    "decimals", "rounding", "increments", "no_offer", "other_codes", "longer_codes", "collapse", "effective_in_days",
)  # fmt: skip
LISTS: Final = ("weights", "rules", "exclude")


def _text(label: Any, help_text: Any, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=40, **kwargs)


def _choice(label: Any, help_text: Any, choices: Mapping[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, help_text=help_text, choices=list(choices.items()))


def _lines(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 4})
    )


class GeneratorForm(ActionForm):
    """How a tariff is made from vendors' tariffs."""

    sources = forms.MultipleChoiceField(
        label=_("Vendors' tariffs"),
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("Where prices are taken from, in any currency; several can be chosen."),
    )
    method = _choice(_("Method"), _("Which of the vendors' prices make the cost of a code."), METHODS)
    position = forms.IntegerField(
        label=_("Position"), min_value=1, max_value=100, initial=1,
        help_text=_("Which offer counts, 1 for the cheapest; of an average, how many of them."),
    )  # fmt: skip
    weights = _text(_("Weights"), _("Of a blend, the cheapest first, such as 80/15/5."))
    percent = _text(_("Percent"), _("Added to the cost, such as 12.5. Empty: nothing."))
    percent_of = _choice(_("Percent of"), _("What the percentage is one of."), PERCENT_OF)
    absolute = _text(_("Addition"), _("Money added to each price, such as 0.0015. Empty: nothing."))
    rules = _lines(
        _("Rules"),
        _(
            "Other terms for some codes, one a line, the first that fits counts: code=2547 percent=15, or destination='Kenya*' min_price=0.02."
        ),
    )
    min_price = _text(_("Minimum price"), _("No price is below this. Empty: any may be."))
    min_margin = _text(_("Minimum margin"), _("Money that a price is above its cost at least. Empty: none."))
    min_margin_percent = _text(_("Minimum margin in percent"), _("Of the cost, at least. Empty: none."))
    not_below_position = forms.IntegerField(
        label=_("Never below position"), required=False, min_value=1, max_value=100,
        help_text=_("No price is below what the vendor at this place asks. Empty: it may be."),
    )  # fmt: skip
    max_price = _text(_("Maximum price"), _("No price is above this, unless a floor is. Empty: any may be."))
    decimals = forms.IntegerField(
        label=_("Decimals"), min_value=0, max_value=10, initial=4, help_text=_("To which prices are rounded.")
    )
    rounding = forms.ChoiceField(
        label=_("Rounding"),
        choices=rounding_choices(),
        help_text=_("How they are rounded; floors are rounded up in any case."),
    )
    increments = _text(
        _("Increments"),
        _("First and next, such as 60/1, or the word worst for the longest of the vendors."),
        initial="1/1",
    )
    exclude = _lines(
        _("Exclusions"),
        _(
            "Codes that stay as they are, one condition a line: country=KP. With source='Vendor A' only that vendor does not count there."
        ),
    )
    no_offer = _choice(_("Codes without an offer"), _("What becomes of a code that no vendor offers."), NO_OFFER)
    other_codes = _choice(_("Codes outside the deck"), _("What becomes of the tariff's other codes."), OTHER_CODES)
    longer_codes = _choice(
        _("Longer codes of vendors"), _("Where a vendor has longer codes than the deck."), LONGER_CODES
    )
    collapse = forms.BooleanField(
        label=_("Collapse"), required=False, help_text=_("Leave out codes that say what their parent code says.")
    )
    effective_in_days = forms.IntegerField(
        label=_("Begins in days"), min_value=0, max_value=365, initial=0,
        help_text=_("In how many days the prices of a run begin, at midnight of the tariff; 0 for at once."),
    )  # fmt: skip

    class Meta:
        model = Generator
        fields = ("name", "tariff", "deck", "agreement")
        labels: ClassVar[dict[str, Any]] = {"deck": _("Code deck"), "agreement": _("Agreement")}
        help_texts: ClassVar[dict[str, Any]] = {
            "name": _("What the generator is called, as the product it prices."),
            "tariff": _("The tariff that it makes the prices of."),
            "deck": _("The codes that it makes prices for."),
            "agreement": _("Whose notice its changes need; empty: none."),
        }

    def prepare(self) -> None:
        if "sources" not in self.fields:
            return  # shown only
        set_choices(
            self, "sources", [(str(pk), name) for pk, name in Tariff.objects.order_by("name").values_list("pk", "name")]
        )
        generator = self.instance
        if generator.pk is None:
            return
        said = generator.settings
        self.initial["sources"] = [str(each.tariff_id) for each in generator.sources.all()]
        self.initial.update({name: said[name] for name in PLAIN if name in said})
        self.initial["weights"] = "/".join(said.get("weights", ()))
        for name in ("rules", "exclude"):
            self.initial[name] = "\n".join(write_line(each) for each in said.get(name, ()))


def said_of(data: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a form says, over those that are kept. Raises Invalid `bad_generator`."""
    settings = dict(kept)
    for name in PLAIN:
        if name in data:
            settings[name] = "" if data[name] is None else data[name]
    if "weights" in data:
        settings["weights"] = read_weights(data["weights"])
    for name in ("rules", "exclude"):
        if name in data:
            settings[name] = [read_line(line) for line in data[name].splitlines() if line.strip()]
    return settings


def given_of(data: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a form says of a generator, as the actions want it."""
    given: dict[str, Any] = {"settings": said_of(data, kept)}
    if "name" in data:
        given["name"] = data["name"]
    for name in ("tariff", "deck", "agreement"):
        if name in data:
            given[f"{name}_id"] = data[name] and data[name].pk
    if "sources" in data:
        given["source_ids"] = [int(each) for each in data["sources"]]
    return given

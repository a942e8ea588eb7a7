"""The form of a rate analysis: what it asks, in the words of `pricing.analysis.parsing.parse_asked`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold import widgets

from trunkline.backoffice.fields import NOT_A_CODE, CurrencyField, DayField, WordsField, filled, translated_choices
from trunkline.backoffice.forms import StaffForm, set_choices
from trunkline.parties.models import Account
from trunkline.pricing.analysis.question import COLUMNS_MAX, DAYS_MAX, Average, By, Form
from trunkline.tariffs.choices import Service
from trunkline.tariffs.models import AccountTariff, CodeDeck, Tariff

FORMS: Final[Mapping[str, Any]] = {
    Form.SIDE_BY_SIDE: gettext_lazy("Side by side"),
    Form.LEAST_COST: gettext_lazy("Least cost: the cheapest first"),
}
ROWS_OF: Final[Mapping[str, Any]] = {By.CODE: gettext_lazy("Codes"), By.DESTINATION: gettext_lazy("Destinations")}
AVERAGES: Final[Mapping[str, Any]] = {
    Average.CODES: gettext_lazy("Each code once"),
    Average.MINUTES: gettext_lazy("By minutes"),
}
MINUTES: Final[Mapping[str, Any]] = {
    "": gettext_lazy("None"),
    "customers": gettext_lazy("Of customers"),
    "vendors": gettext_lazy("Of vendors"),
}
ROLES: Final[Mapping[str, Any]] = {
    "sell": gettext_lazy("It sells: what is left of its price"),
    "buy": gettext_lazy("It buys: what is earned over its price"),
}
KINDS: Final = ("tariff", "vendor", "customer")
FIRST: Final = ("lists", "form", "by", "on", "master", "below", "code", "destination")


class AnalysisForm(StaffForm):
    """Which price lists, which day, laid out how, against what."""

    field_of: ClassVar[Mapping[str, str]] = {
        "no_columns": "lists", "too_many_columns": "lists", "units_differ": "lists", "no_tariffs": "lists", "tariff_not_found": "lists",
        "no_master": "below", "no_exchange_rate": "currency", "unknown_country": "country", "deck_not_found": "deck", "bad_code": "code",
        "bad_call": "call", "bad_time": "time",
    }  # fmt: skip

    lists = forms.MultipleChoiceField(
        label=gettext_lazy("Price lists"),
        widget=widgets.UnfoldAdminSelect2MultipleWidget,
        help_text=filled(
            gettext_lazy("Tariffs, what vendors charge us, what customers pay us; up to %(count)s."), count=COLUMNS_MAX
        ),
    )
    form = forms.ChoiceField(
        label=gettext_lazy("Show"), required=False, choices=list(FORMS.items()),
        help_text=gettext_lazy("The same prices, laid out in one way or the other."),
    )  # fmt: skip
    by = forms.ChoiceField(
        label=gettext_lazy("Rows"), required=False, choices=list(ROWS_OF.items()),
        help_text=gettext_lazy("A destination has the least, the greatest and the average price of its codes."),
    )  # fmt: skip
    on = DayField(
        label=gettext_lazy("On"),
        required=False,
        help_text=gettext_lazy("Prices in force on that day at noon, on the operator's clock. Empty: now."),
    )
    master = forms.ChoiceField(
        label=gettext_lazy("Margins against"), required=False, widget=widgets.UnfoldAdminSelect2Widget,
        help_text=gettext_lazy("The price list that sells, or the account. Empty: no margins."),
    )  # fmt: skip
    below = forms.DecimalField(
        label=gettext_lazy("Margin below %"), required=False, max_digits=8, decimal_places=2,
        help_text=gettext_lazy("Only rows with a smaller margin. 0: losses only."),
    )  # fmt: skip
    code = forms.RegexField(
        r"^\+?[0-9]{0,18}$", error_messages=NOT_A_CODE, label=gettext_lazy("Code begins with"), required=False,
        help_text=gettext_lazy("Digits, such as 254."),
    )  # fmt: skip
    destination = forms.CharField(
        label=gettext_lazy("Destination begins with"), required=False, max_length=120,
        help_text=gettext_lazy("The beginning of its name, such as Kenya."),
    )  # fmt: skip
    time = forms.TimeField(
        label=gettext_lazy("At the time"), required=False, widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=gettext_lazy("On the day above, for prices that depend on the hour. Empty: noon."),
    )  # fmt: skip
    service = forms.ChoiceField(
        label=gettext_lazy("Service"), required=False, choices=translated_choices(Service.choices),
        help_text=gettext_lazy("Of the accounts' lists of tariffs."),
    )  # fmt: skip
    currency = CurrencyField(
        label=gettext_lazy("Currency"), required=False,
        help_text=gettext_lazy("Of all prices, at the exchange rates of the day. Empty: the operator's."),
    )  # fmt: skip
    call = forms.IntegerField(
        label=gettext_lazy("Seconds of the call"), required=False, min_value=1, max_value=86_400,
        help_text=gettext_lazy("Empty: 60. Another length shows what increments and fees make of the price."),
    )  # fmt: skip
    against = forms.ChoiceField(
        label=gettext_lazy("That tariff"), required=False, choices=list(ROLES.items()),
        help_text=gettext_lazy("Where margins are against a tariff. Accounts say it by their side."),
    )  # fmt: skip
    positions = forms.IntegerField(
        label=gettext_lazy("Positions"), required=False, min_value=1, max_value=COLUMNS_MAX,
        help_text=gettext_lazy("Of a least-cost list. Empty: all."),
    )  # fmt: skip
    country = forms.RegexField(
        r"^[A-Za-z]{0,2}$", label=gettext_lazy("Country"), required=False,
        help_text=gettext_lazy("Only its codes, as an ISO 3166 code such as KE."),
    )  # fmt: skip
    deck = forms.ChoiceField(
        label=gettext_lazy("Names of"), required=False,
        help_text=gettext_lazy("The code deck that names the rows. Empty: the price lists."),
    )  # fmt: skip
    minutes = forms.ChoiceField(
        label=gettext_lazy("Minutes"), required=False, choices=list(MINUTES.items()),
        help_text=gettext_lazy("What was charged in the last days, beside each row."),
    )  # fmt: skip
    days = forms.IntegerField(
        label=gettext_lazy("Of how many days"), required=False, min_value=1, max_value=DAYS_MAX,
        help_text=gettext_lazy("Days back from today whose minutes count. Empty: 30."),
    )  # fmt: skip
    average = forms.ChoiceField(
        label=gettext_lazy("Average"), required=False, choices=list(AVERAGES.items()),
        help_text=gettext_lazy("How the codes of a destination count in its average."),
    )  # fmt: skip
    tag = WordsField(
        label=gettext_lazy("Tags"), required=False, max_length=2000,
        help_text=gettext_lazy("That the call carries, with commas between."),
    )  # fmt: skip

    def prepare(self) -> None:
        tariffs = [(f"tariff:{name}", name) for name in Tariff.objects.order_by("name").values_list("name", flat=True)]
        groups: list[tuple[Any, Any]] = [(_("Tariffs"), tariffs)]
        for side, kind, title in (("buy", "vendor", _("Vendors")), ("sell", "customer", _("Customers"))):
            held = AccountTariff.objects.filter(side=side).values("account_id")
            rows = Account.objects.filter(pk__in=held).order_by("code").values_list("code", "name")
            groups.append((title, [(f"{kind}:{code}", f"{code} – {name}") for code, name in rows]))
        groups = [(title, choices) for title, choices in groups if choices]
        self.has_lists = bool(groups)
        set_choices(self, "lists", groups)
        set_choices(self, "master", [("", "–"), *groups])
        decks = CodeDeck.objects.order_by("name").values_list("name", flat=True)
        set_choices(self, "deck", [("", "–"), *((name, name) for name in decks)])

    @property
    def first_fields(self) -> list[Any]:
        """What most are asked for."""
        return [self[name] for name in FIRST]

    @property
    def further_fields(self) -> list[Any]:
        """The rest."""
        return [self[name] for name in self.fields if name not in FIRST]

    @property
    def further_asked(self) -> int:
        """How many of the rest say something."""
        usual = {"service": "voice", "average": Average.CODES.value, "against": "sell"}
        said = self.data if self.is_bound else {}
        return sum(
            bool(said.get(name)) and said.get(name) != usual.get(name) for name in self.fields if name not in FIRST
        )

    @property
    def is_further_wrong(self) -> bool:
        """Whether one of the rest is refused."""
        return any(name in self.errors for name in self.fields if name not in FIRST) if self.is_bound else False

    def asked(self) -> dict[str, str | list[str]]:
        """What is asked, by the names of the options."""
        data = self.cleaned_data
        plain = (
            "form", "by", "service", "currency", "call", "against", "positions", "code", "destination", "country", "deck", "minutes", "days", "average",
        )  # fmt: skip
        found: dict[str, str | list[str]] = {name: str(data[name]) for name in plain if data.get(name)}
        for kind in KINDS:
            found[kind] = [each.partition(":")[2] for each in data["lists"] if each.startswith(f"{kind}:")]
        kind, _sign, name = data["master"].partition(":")
        if name:
            found[f"against_{kind}"] = name
        if data["below"] is not None:
            found["below"] = f"{data['below']:f}"
        if data["on"] is not None:
            found["at"] = str(data["on"]) if data["time"] is None else f"{data['on']}T{data['time']:%H:%M:%S}"
        found["tag"] = data["tag"]
        return found

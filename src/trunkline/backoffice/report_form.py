"""The form of a report: what it asks, in the words of `reports.queries.parse_question`, which saved reports are kept in too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import DayInput, ZoneField
from trunkline.backoffice.forms import StaffForm
from trunkline.reports.period import Preset
from trunkline.reports.rules import COLUMNS, Grouping, Key, Prefix, View
from trunkline.usage.traffic.kinds import Jurisdiction

KEYS_MAX: Final = 5
PREFIXES: Final = (1, 2, 3, 4, 5, 6, 7, 8)

VIEWS: Final[Mapping[str, Any]] = {
    View.SUMMARY: gettext_lazy("Summary: traffic, quality and money"),
    View.MARGIN: gettext_lazy("Margin: money alone"),
}
PERIODS: Final[Mapping[str, Any]] = {
    "": gettext_lazy("The days below"),
    Preset.TODAY: gettext_lazy("Today"),
    Preset.YESTERDAY: gettext_lazy("Yesterday"),
    Preset.LAST_7_DAYS: gettext_lazy("The 7 days before today"),
    Preset.LAST_30_DAYS: gettext_lazy("The 30 days before today"),
    Preset.THIS_WEEK: gettext_lazy("This week"),
    Preset.LAST_WEEK: gettext_lazy("Last week"),
    Preset.THIS_MONTH: gettext_lazy("This month"),
    Preset.LAST_MONTH: gettext_lazy("Last month"),
}
KEYS: Final[Mapping[str, Any]] = {
    Key.DAY: gettext_lazy("Day"),
    Key.HOUR: gettext_lazy("Hour of the day"),
    Key.ACCOUNT: gettext_lazy("Customer"),
    Key.VENDOR: gettext_lazy("Vendor"),
    Key.DESTINATION: gettext_lazy("Destination"),
    Key.COUNTRY: gettext_lazy("Country"),
    Key.GROUP: gettext_lazy("Groups of the destination"),
    Key.CODE: gettext_lazy("Code of the price"),
    Key.ORIGIN: gettext_lazy("Origin"),
    Key.SERVICE: gettext_lazy("Service"),
    Key.CAUSE: gettext_lazy("Cause"),
    Key.CAUSE_GROUP: gettext_lazy("Group of causes"),
    Key.TAGS: gettext_lazy("Tags"),
    Key.JURISDICTION: gettext_lazy("Jurisdiction"),
    Key.ATTEMPT: gettext_lazy("Attempt"),
}
FIGURES: Final[Mapping[str, Any]] = {
    "attempts": gettext_lazy("Attempts"),
    "calls": gettext_lazy("Calls"),
    "connected": gettext_lazy("Connected"),
    "asr": gettext_lazy("ASR %"),
    "acd": gettext_lazy("ACD s"),
    "pdd": gettext_lazy("PDD s"),
    "minutes": gettext_lazy("Minutes"),
    "billed_minutes": gettext_lazy("Billed min"),
    "cost_minutes": gettext_lazy("Cost min"),
    "revenue": gettext_lazy("Revenue"),
    "cost": gettext_lazy("Cost"),
    "margin": gettext_lazy("Margin"),
    "margin_percent": gettext_lazy("Margin %"),
    "pdd_p50": gettext_lazy("PDD P50 s"),
    "pdd_p95": gettext_lazy("PDD P95 s"),
    "duration_p50": gettext_lazy("Duration P50 s"),
    "duration_p95": gettext_lazy("Duration P95 s"),
}
JURISDICTIONS: Final[Mapping[str, Any]] = {
    Jurisdiction.DOMESTIC: gettext_lazy("Domestic"),
    Jurisdiction.INTERNATIONAL: gettext_lazy("International"),
    Jurisdiction.INTRASTATE: gettext_lazy("Intrastate"),
    Jurisdiction.INTERSTATE: gettext_lazy("Interstate"),
    Jurisdiction.INDETERMINATE: gettext_lazy("Indeterminate"),
}
# The names of the usual reports (`reports.presets`), which are kept in English.
USUAL_NAMES: Final[Mapping[str, Any]] = {
    "Margin by customer": gettext_lazy("Margin by customer"),
    "Margin by customer and destination": gettext_lazy("Margin by customer and destination"),
    "Margin by destination and vendor": gettext_lazy("Margin by destination and vendor"),
    "Traffic by day": gettext_lazy("Traffic by day"),
    "Quality of vendors": gettext_lazy("Quality of vendors"),
    "Why calls fail": gettext_lazy("Why calls fail"),
}
CUSTOM: Final = "days"  # compared with days that are given
# Options that stand in the form as they are.
PLAIN: Final = (
    "view", "period", "from", "to", "zone", "account", "vendor", "destination", "country", "group", "tag", "jurisdiction", "sort", "measure", "as_of",
)  # fmt: skip


def key_name(key: Grouping | str) -> str:
    """What a key is called on pages."""
    word = key if isinstance(key, str) and not isinstance(key, Key) else key.value
    if word.startswith("code:"):
        return _("First %(count)s digits") % {"count": word.removeprefix("code:")}
    return str(KEYS[word])


def _keys() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("", "–"), *KEYS.items()]
    return [*found, *((Prefix(count).value, key_name(Prefix(count))) for count in PREFIXES)]


def _some(words: Mapping[str, Any], nothing: Any) -> list[tuple[str, Any]]:
    return [("", nothing), *words.items()]


class BoundInput(DayInput):
    """A day; a bound that a saved report keeps to the minute stays text."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if value and len(str(value)) != len("2026-03-01"):
            context["widget"]["type"] = "text"
        return context

    def format_value(self, value: Any) -> str | None:
        return str(value) if value else None


def _bound(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=40, widget=BoundInput, help_text=help_text)


def _text(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=120, help_text=help_text)


class ReportForm(StaffForm):
    """What a report is asked: the period, what it is grouped by, what it shows, and of which records."""

    view = forms.ChoiceField(
        label=gettext_lazy("Report"), required=False, choices=list(VIEWS.items()),
        help_text=gettext_lazy("Which columns it has where none are chosen."),
    )  # fmt: skip
    period = forms.ChoiceField(
        label=gettext_lazy("Period"), required=False, choices=list(PERIODS.items()),
        help_text=gettext_lazy("One that moves with the day; weeks begin on Monday."),
    )  # fmt: skip
    zone = ZoneField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Whose days; the operator's if left out."),
    )
    compare = forms.ChoiceField(
        label=gettext_lazy("Compare with"), required=False,
        choices=[("", "–"), ("previous", gettext_lazy("the period before")), (CUSTOM, gettext_lazy("other days"))],
        help_text=gettext_lazy("Shown below each figure, with the change."),
    )  # fmt: skip
    sort = forms.ChoiceField(
        label=gettext_lazy("Greatest first by"), required=False, choices=_some(FIGURES, gettext_lazy("in the order of the groups")),
        help_text=gettext_lazy("A column that is shown."),
    )  # fmt: skip
    measure = forms.ChoiceField(
        label=gettext_lazy("Chart of"), required=False, choices=_some(FIGURES, gettext_lazy("the first column")),
        help_text=gettext_lazy("There is a chart by one group, or by two where nothing is compared."),
    )  # fmt: skip
    account = _text(gettext_lazy("Customer"), gettext_lazy("Short name of an account."))
    vendor = _text(gettext_lazy("Vendor"), gettext_lazy("Short name of an account."))
    destination = _text(gettext_lazy("Destination"), gettext_lazy("Its whole name."))
    country = _text(gettext_lazy("Country"), gettext_lazy("Two letters, such as KE."))
    group = _text(gettext_lazy("Group of destinations"), gettext_lazy("The whole name of a destination group."))
    tag = _text(gettext_lazy("Tag"), gettext_lazy("One that traffic rules give."))
    jurisdiction = forms.ChoiceField(
        label=gettext_lazy("Jurisdiction"), required=False, choices=_some(JURISDICTIONS, gettext_lazy("All")),
        help_text=gettext_lazy("How far the call goes, by its numbers."),
    )  # fmt: skip
    as_of = _bound(
        gettext_lazy("As billed on"), gettext_lazy("What counted at the end of that day, without later corrections.")
    )
    figures = forms.MultipleChoiceField(
        label=gettext_lazy("Columns"), required=False, choices=list(FIGURES.items()), widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The usual ones if none is chosen. Percentiles take longer."),
    )  # fmt: skip

    def prepare(self) -> None:
        """Fields whose names are words of Python, the days compared with, and the groups in their order."""
        until = gettext_lazy("Itself not included.")
        self.fields["from"] = _bound(gettext_lazy("From"), gettext_lazy("First day, where no period is chosen."))
        self.fields["to"] = _bound(gettext_lazy("Until before"), until)
        self.fields["compare_from"] = _bound(
            gettext_lazy("Compared from"), gettext_lazy("Where other days are compared.")
        )
        self.fields["compare_to"] = _bound(gettext_lazy("Compared until before"), until)
        for number in range(1, KEYS_MAX + 1):
            label = gettext_lazy("Group by") if number == 1 else gettext_lazy("then by")
            help_text = (
                gettext_lazy("Nothing: the totals alone.") if number == 1 else gettext_lazy("Empty: no further groups.")
            )
            self.fields[f"by_{number}"] = forms.ChoiceField(
                label=label, required=False, choices=lazy(_keys, list)(), help_text=help_text
            )
        order = ["view", "period", "from", "to", *self.group_names[:3], "compare", "sort", "measure", "zone"]
        self.order_fields(
            [*order, "account", "vendor", "destination", "country", "group", "tag", "jurisdiction", "as_of"]
        )

    group_names = tuple(f"by_{number}" for number in range(1, KEYS_MAX + 1))

    @property
    def first_fields(self) -> list[forms.BoundField]:
        """What nearly everybody asks."""
        return [self[name] for name in ("view", "period", "from", "to", *self.group_names[:3], "compare", "sort")]

    @property
    def further_fields(self) -> list[forms.BoundField]:
        """What is asked now and then."""
        first = {field.name for field in self.first_fields}
        return [field for field in self if field.name not in first]

    @property
    def further_asked(self) -> int:
        """How many of those are asked."""
        return sum(field.data not in (None, "", []) for field in self.further_fields)

    @property
    def is_further_wrong(self) -> bool:
        """Whether one of those has an error."""
        return any(field.errors for field in self.further_fields)

    def asked(self) -> dict[str, str]:
        """The options of the report, without those that are empty but `by`."""
        data = self.cleaned_data
        told = {name: data[name].strip() for name in PLAIN if data.get(name)}
        if "period" in told:  # days that still stand in the form count no more
            told = {name: value for name, value in told.items() if name not in ("from", "to")}
        groups = [data[name] for name in self.group_names if data[name]]
        compared = data["compare"]
        if compared == CUSTOM:
            compared = f"{data['compare_from']}..{data['compare_to']}"
        further = {"figures": ",".join(data["figures"]), "compare": compared}
        return {"view": View.SUMMARY, "by": ",".join(groups)} | told | {k: v for k, v in further.items() if v}


def fields_of(asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields of the form that ask a kept question."""
    told = [(name, asked[name]) for name in PLAIN if asked.get(name)]
    told += zip(ReportForm.group_names, _words(asked.get("by", "")), strict=False)
    names = _words(asked.get("figures", ""))
    if asked.get("percentiles"):
        from trunkline.reports.rules import PERCENTILES, SHOWN

        names = list(dict.fromkeys([*(names or SHOWN[View(asked.get("view", View.SUMMARY))]), *PERCENTILES]))
    told += [("figures", name) for name in COLUMNS if name in names]
    compared = asked.get("compare", "")
    if ".." in compared:
        begin, _dots, end = compared.partition("..")
        told += [("compare", CUSTOM), ("compare_from", begin), ("compare_to", end)]
    elif compared:
        told.append(("compare", compared.lower()))
    return told


def _words(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def summary_address(asked: Mapping[str, str]) -> str:
    """The page that answers a kept question."""
    return f"{reverse('admin:summary')}?{urlencode(fields_of(asked))}"


def is_asked(query: QueryDict) -> bool:
    """Whether an address asks anything of a report."""
    names: Iterable[str] = (*ReportForm.base_fields, "from", "to", *ReportForm.group_names)
    return any(query.get(name) for name in names)

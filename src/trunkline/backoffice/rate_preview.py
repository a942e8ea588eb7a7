"""The price of a call that nobody made: by the prices, traffic rules and exchange rates of now, with every reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import NOT_A_NUMBER, InstantField, RowField, WordsField, translated_choices
from trunkline.backoffice.forms import StaffForm, refuse, set_choices, set_zone
from trunkline.backoffice.panels import Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.site import site
from trunkline.backoffice.why import Section, add_price
from trunkline.backoffice.words import SIDES, local, money, rule_rows
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.parties import kinds
from trunkline.tariffs.choices import Service
from trunkline.tariffs.models import AccountTariff
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.explained import price_json
from trunkline.usage.models import Switch
from trunkline.usage.preview import Previewed, Supposed, preview_by_tariff, preview_for_account
from trunkline.usage.reasons import Reason
from trunkline.usage.traffic.traced import looked_json

QUANTITY: Final = 60
QUANTITY_MAX: Final = 10**15
TAGS_MAX: Final = 50

OUTCOMES: Final[Mapping[str, Any]] = {
    "no_rate": gettext_lazy(
        "No rate fits the number at that time. Add one, or give the account a tariff that has one."
    ),
    "blocked": gettext_lazy("The rate that fits is blocked: such calls are refused."),
    "overflow": gettext_lazy("The amount is larger than any that can be kept."),
    "no_exchange_rate": gettext_lazy(
        "There is no exchange rate to the account's currency on that day. Load one, or state it."
    ),
}


class PreviewForm(StaffForm):
    """A call that nobody made, and by whose prices it is to cost something."""

    field_of: ClassVar[Mapping[str, str]] = {"bad_quantity": "quantity"}

    account = RowField(
        AccountTariff,
        "account",
        label=gettext_lazy("Account"),
        required=False,
        help_text=gettext_lazy("By its list of tariffs and its traffic rules. Say this, or a tariff."),
    )
    tariff = RowField(
        AccountTariff,
        "tariff",
        label=gettext_lazy("Tariff"),
        required=False,
        help_text=gettext_lazy("By this price list alone, whoever has it."),
    )
    side = forms.ChoiceField(
        label=gettext_lazy("Side"),
        required=False,
        choices=list(SIDES.items()),
        help_text=gettext_lazy("Of the account. Sell: what it pays us. Buy: what we pay it."),
    )
    service = forms.ChoiceField(
        label=gettext_lazy("Service"),
        required=False,
        choices=translated_choices(Service.choices),
        help_text=gettext_lazy("Each service has its own list of tariffs."),
    )
    called = forms.RegexField(
        r"^\+?[0-9]{1,32}$",
        error_messages=NOT_A_NUMBER,
        label=gettext_lazy("Called"),
        help_text=gettext_lazy("The called number with its country code, such as 254712345678."),
    )
    calling = forms.RegexField(
        r"^\+?[0-9]{1,32}$",
        error_messages=NOT_A_NUMBER,
        label=gettext_lazy("Calling"),
        required=False,
        help_text=gettext_lazy(
            "The caller's number with its country code. Traffic rules and rates by origin ask for it. Empty: withheld."
        ),
    )
    start = InstantField(
        label=gettext_lazy("Start"),
        required=False,
        help_text=gettext_lazy("On the operator's clock. Empty: now. A day to come shows prices that begin then."),
    )
    quantity = forms.IntegerField(
        label=gettext_lazy("Used"),
        required=False,
        min_value=0,
        max_value=QUANTITY_MAX,
        help_text=gettext_lazy("Seconds, messages or octets. Empty: 60."),
    )
    tags = WordsField(
        label=gettext_lazy("Tags"),
        required=False,
        help_text=gettext_lazy("That it carries from the beginning, with commas between."),
    )
    switch = forms.ChoiceField(
        label=gettext_lazy("Switch"),
        required=False,
        help_text=gettext_lazy("Whose traffic rules it goes through besides those that are for every switch."),
    )

    def prepare(self) -> None:
        set_zone(self, get_zone(current_tenant().timezone), "start")
        names = Switch.objects.order_by("name").values_list("name", flat=True)
        set_choices(self, "switch", [("", "–"), *((name, name) for name in names)])

    def clean_tags(self) -> frozenset[str]:
        """As a record carries them."""
        tags = self.cleaned_data["tags"]
        if len(tags) > TAGS_MAX or any(len(tag) > 60 or not tag.isprintable() for tag in tags):
            raise forms.ValidationError(_("Up to %(count)s tags of at most 60 characters.") % {"count": TAGS_MAX})
        return frozenset(tags)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and bool(data.get("account")) is bool(data.get("tariff")):
            self.add_error("account", _("Say an account or a tariff, one of them."))
        return data


@site.page("prices/preview/", name="rate_preview", permission=Permission.TARIFFS_READ)
def rate_preview(request: HttpRequest) -> HttpResponse:
    """What a call would cost, and why. Nothing is written."""
    is_asked = "called" in request.GET
    form = PreviewForm(*((request.GET,) if is_asked else ()), initial=request.GET.dict(), request=request)
    sections: list[Section] = []
    if is_asked and form.is_valid():
        try:
            sections = _sections(form.cleaned_data)
        except (Invalid, NotFound) as error:
            refuse(form, error)
    context = {"title": _("Price of a call"), "form": form, "sections": sections}
    return site.render(request, "backoffice/rate_preview.html", context, 422 if form.errors else 200)


def _sections(data: dict[str, Any]) -> list[Section]:
    at = now()
    event = Supposed(
        called=data["called"].removeprefix("+"),
        calling=data["calling"].removeprefix("+"),
        start=data["start"] or at.replace(microsecond=0),
        quantity=QUANTITY if data["quantity"] is None else data["quantity"],
        tags=data["tags"],
    )
    if data["tariff"] is not None:
        return _shown(preview_by_tariff(data["tariff"], event, known_at=at), event.start)
    found = preview_for_account(
        data["account"],
        event,
        side=kinds.Side(data["side"] or "sell"),
        service=data["service"] or Service.VOICE.value,
        switch=data["switch"] or None,
        known_at=at,
    )
    return _shown(found, event.start)


def _shown(found: Previewed, start: datetime) -> list[Section]:
    priced, state = found.priced, found.state
    short = Section(_("In short"))
    if priced is not None and priced.amount is not None:
        short.facts.append((_("It costs"), money(str(priced.amount), priced.currency)))
        if priced.base_amount is not None and priced.currency != found.base_currency:
            short.facts.append((_("In the operator's currency"), money(str(priced.base_amount), found.base_currency)))
    else:
        reason = Reason(found.outcome) if found.outcome in list(Reason) else None
        why = OUTCOMES.get(found.outcome, found.outcome)
        if reason is not None:
            why = f"{in_words(reason.meaning)} {in_words(reason.what_to_do)}"
        short.warnings.append(_("It has no price. %(why)s") % {"why": why})
    if state.denied_by is not None:
        short.warnings.append(_("The traffic rule %(rule)s refuses it.") % {"rule": state.denied_by.name})
    short.facts += [
        (_("Start"), local(start)),
        (_("Priced by the number"), state.priced_number),
        (_("Tags"), " ".join(sorted(state.tags)) or _("none")),
    ]
    looked = looked_json(found.looked, found.given)
    rows = [row for each in looked for row in rule_rows([each], each["stage"])]
    if rows:
        headers = (_("Stage"), _("Rule"), _("What became of it"))
        short.panels.append(Panel(_("Traffic rules"), headers, rows))
    if priced is None:
        return [short]
    price = Section(_("How the price comes about"))
    add_price(price, price_json(priced, destinations=found.destinations, base_currency=found.base_currency))
    return [short, price]

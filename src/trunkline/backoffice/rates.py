"""Screens of rates: what calls to each code cost, added by hand or by a file that is looked at first."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import action
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.fields import ROUNDINGS, InstantField, rounding_choices
from trunkline.backoffice.filters import CodeFilter, InForceOnFilter, VoidedFilter
from trunkline.backoffice.forms import ActionForm, read_again
from trunkline.backoffice.hints import error_text
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import HOLDS, instant, label, plain_number, standing, state, validity
from trunkline.backoffice.site import site
from trunkline.backoffice.tariffs import rate_price, tell_proposals
from trunkline.backoffice.verbs import verb
from trunkline.core.errors import Invalid, TrunklineError
from trunkline.core.money import RoundingMode
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.tariffs.models import Rate, Tariff
from trunkline.tariffs.rate_file import COLUMNS
from trunkline.usage import price_changes, rate_loads

VOIDED_AT_ONCE_MAX = 1000

# Fields of the form that are columns of a rate file by the same name.
_PLAIN: Final = (
    "code", "destination", "price", "per", "increments", "setup_fee", "grace", "weight", "max_cost", "tag", "length_min", "length_max", "origin",
)  # fmt: skip


class RateForm(ActionForm):
    """One rate, by hand. It is loaded as a rate file of one line is, so the same holds for it."""

    field_of: ClassVar[Mapping[str, str]] = {
        "bad_code": "code",
        "bad_decimal": "price",
        "bad_name": "destination",
        "bad_rounding": "rounding_decimals",
        "bad_steps": "increments",
        "bad_time": "valid_from",
        "length_order": "length_max",
        "missing_price": "price",
        "negative_max_cost": "max_cost",
        "overlap": "supersede_earlier",
        "rounding_decimals": "rounding_decimals",
        "too_many_codes": "code",
        "unknown_origin": "origin",
        "validity_order": "valid_to",
    }

    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=1000,
        help_text=_(
            "What numbers begin with, or several: 44301,44303 or 443(0-2)1. Empty: every number that no other rate is for."
        ),
    )
    destination = forms.CharField(
        label=_("Destination"),
        required=False,
        max_length=200,
        help_text=_("The name on invoices and in reports, such as Kenya Mobile. A new name makes a new destination."),
    )
    price = forms.CharField(
        label=_("Price"),
        required=False,
        max_length=40,
        help_text=_(
            "At most 10 decimals, with a point: 0.0850. Below zero the other side pays. Empty only where increments are steps."
        ),
    )
    per = forms.IntegerField(
        label=_("Per"),
        required=False,
        min_value=1,
        help_text=_("Units that the price is for. Empty: 60 seconds, or one message or octet."),
    )
    increments = forms.CharField(
        label=_("Increments"),
        required=False,
        max_length=1000,
        help_text=_("First and next, such as 60/60, 1/1 or 30/6; or steps: 0:0.20/60/60;60:0.10/60/1. Empty: 1/1."),
    )
    setup_fee = forms.CharField(
        label=_("Setup fee"),
        required=False,
        max_length=40,
        help_text=_("Charged once if anything is used. Empty: none."),
    )
    grace = forms.IntegerField(
        label=_("Grace"), required=False, min_value=0, help_text=_("A smaller quantity is free. Empty: nothing is.")
    )
    valid_from = InstantField(
        label=_("From"), required=False, help_text=_("On the tariff's clock. Empty: it always was.")
    )
    valid_to = InstantField(
        label=_("Until"), required=False, help_text=_("On the tariff's clock, itself not included. Empty: open.")
    )
    weight = forms.CharField(
        label=_("Weight"),
        required=False,
        max_length=20,
        help_text=_("Among rates of one code the higher one goes first. Empty: 10."),
    )
    rounding = forms.ChoiceField(
        label=_("Rounding"),
        choices=rounding_choices(),
        initial=RoundingMode.HALF_UP.label,
        help_text=_("How the amount is rounded, once, at the end."),
    )
    rounding_decimals = forms.IntegerField(
        label=_("Decimals"), min_value=0, max_value=8, initial=8, help_text=_("To which the amount is rounded.")
    )
    max_cost = forms.CharField(
        label=_("Maximum"), required=False, max_length=40, help_text=_("Most that one call costs. Empty: no limit.")
    )
    tag = forms.CharField(
        label=_("Tag"), required=False, max_length=60, help_text=_("Only for calls that traffic rules gave this tag.")
    )
    origin = forms.CharField(
        label=_("Origin"),
        required=False,
        max_length=200,
        help_text=_(
            "Only for callers from there, as the tariff's origin deck names it: EEA. It goes before rates of the code for everybody. Empty: from anywhere."
        ),
    )
    length_min = forms.IntegerField(
        label=_("Digits, at least"),
        required=False,
        min_value=0,
        max_value=127,
        help_text=_("Only for numbers that are as long."),
    )
    length_max = forms.IntegerField(
        label=_("Digits, at most"),
        required=False,
        min_value=0,
        max_value=127,
        help_text=_("Only for numbers that are no longer."),
    )
    blocked = forms.BooleanField(
        label=_("Blocked"), required=False, help_text=_("Calls for which it is chosen are refused.")
    )
    additive = forms.BooleanField(
        label=_("Surcharge"), required=False, help_text=_("Comes on top of the price of the other rates.")
    )
    supersede_earlier = forms.BooleanField(
        label=_("Let it end the earlier one"),
        required=False,
        initial=True,
        help_text=_(
            "An equal rate that is in force when it begins ends there. Without it, an equal rate is in the way."
        ),
    )

    class Meta:
        model = Rate
        fields = ("tariff", "time_profile")
        help_texts: ClassVar[dict[str, Any]] = {
            "tariff": _("The price list that it belongs to."),
            "time_profile": _("Only at these times, on the tariff's clock. Empty: always."),
        }

    def prepare(self) -> None:
        if "time_profile" in self.fields:
            self.fields["time_profile"].required = False

    def clean(self) -> Any:
        """Read the times again, now that it is known whose clock they are on."""
        data = super().clean() or self.cleaned_data
        if (tariff := data.get("tariff")) is not None:
            read_again(self, get_zone(tariff.timezone), "valid_from", "valid_to")
        return data

    def line(self) -> bytes:
        """The rate file that says the same."""
        data = self.cleaned_data
        said = {name: "" if data[name] is None else str(data[name]) for name in _PLAIN}
        said |= {name: _text(data[name]) for name in ("valid_from", "valid_to")}
        said["time_profile"] = data["time_profile"].name if data["time_profile"] else ""
        said["rounding"] = f"{data['rounding']}/{data['rounding_decimals']}"
        said["blocked"], said["policy"] = str(data["blocked"]).lower(), "additive" if data["additive"] else "regular"
        out = io.StringIO()
        csv.DictWriter(out, COLUMNS, lineterminator="\n").writerows([dict(zip(COLUMNS, COLUMNS, strict=True)), said])
        return out.getvalue().encode()


def _text(value: datetime | None) -> str:
    return "" if value is None else value.isoformat()


@site.screen(Rate)
class RateAdmin(TenantAdmin):
    """What calls to one code cost. Rates are never overwritten; a wrong one is voided."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = Permission.TARIFFS_WRITE
    form = RateForm
    autocomplete_fields = ("tariff", "time_profile")
    empty_text = _("Rates come from rate files, or are added by hand: open a tariff and load a file.")
    list_display = (
        "shown_code", "tariff", "destination", "shown_price", "shown_validity", "shown_standing", "time_profile", "tag",
        "origin", "shown_marks",
    )  # fmt: skip
    list_filter = (("tariff", AutocompleteSelectFilter), CodeFilter, InForceOnFilter, VoidedFilter)
    list_select_related = ("tariff", "destination", "time_profile")
    # The order of the index, so that a page is read without sorting the table.
    ordering = ("tariff_id", "code", "id")
    sortable_by = ()
    actions = ("void_selected",)

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("Tariffs"), reverse("admin:tariffs_tariff_changelist"), "sell")

    @display(description=_("Code"))
    def shown_code(self, rate: Rate) -> str:
        """What numbers begin with."""
        return rate.code or gettext("every number")

    @display(description=_("Price"))
    def shown_price(self, rate: Rate) -> str:
        """The steps in words."""
        return rate_price(rate)

    @display(description=_("Holds"))
    def shown_validity(self, rate: Rate) -> str:
        """From when to when, on the tariff's clock."""
        return validity(rate.valid_from, rate.valid_to, rate.tariff.timezone)

    @display(description=_("Now"))
    def shown_standing(self, rate: Rate) -> SafeString:
        """Whether it holds now."""
        if rate.voided_at is not None:
            return state("voided", gettext("voided"), HOLDS)
        return standing(rate.valid_from, rate.valid_to, now())

    @display(description=_("Marks"))
    def shown_marks(self, rate: Rate) -> Any:
        """What is special about it."""
        if rate.blocked:
            return label(gettext("blocked"), "danger")
        if rate.special_id is not None:
            return label(gettext("special"), "primary")
        return label(gettext("surcharge"), "info") if rate.additive else ""

    @display(description=_("Setup fee"))
    def shown_setup_fee(self, rate: Rate) -> str:
        """What is charged once, without the zeros of its column."""
        return plain_number(rate.setup_fee)

    @display(description=_("Rounding"))
    def shown_rounding(self, rate: Rate) -> str:
        """How the amount is rounded."""
        mode = ROUNDINGS[RoundingMode(rate.rounding_mode)]
        return gettext("%(mode)s, %(decimals)s decimals") % {"mode": mode, "decimals": rate.rounding_decimals}

    @display(description=_("Maximum"))
    def shown_max_cost(self, rate: Rate) -> str:
        """Most that one call costs."""
        return plain_number(rate.max_cost)

    @display(description=_("Weight"))
    def shown_weight(self, rate: Rate) -> str:
        """Which of several rates of one code goes first."""
        return plain_number(rate.weight)

    @display(description=_("Voided"))
    def shown_voided(self, rate: Rate) -> Any:
        """When it was taken out."""
        return instant(rate.voided_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return flatten_fieldsets(self.get_fieldsets(request, obj)) if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            cost = ("price", "per", "increments", "setup_fee", "grace", ("rounding", "rounding_decimals"), "max_cost")
            only = ("tag", "origin", "length_min", "length_max", "weight", "blocked", "additive")
            return (
                (None, {"fields": ("tariff", "code", "destination")}),
                (_("Price"), {"fields": cost}),
                (_("When"), {"fields": ("valid_from", "valid_to", "time_profile", "supersede_earlier")}),
                (_("Only for"), {"fields": only}),
            )
        price = ["shown_price", "shown_setup_fee", "grace", "shown_rounding", "shown_max_cost"]
        when = ["shown_validity", "shown_standing", "time_profile", "shown_voided"]
        return (
            (None, {"fields": ["tariff", "shown_code", "destination"]}),
            (_("Price"), {"fields": price}),
            (_("When"), {"fields": when}),
            (
                _("Only for"),
                {"fields": ["tag", "origin", "length_min", "length_max", "shown_weight", "blocked", "additive"]},
            ),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)

        def perform(bound: RateForm) -> Rate:
            return self.add_rate(request, bound)

        form.perform = staticmethod(perform)
        return form

    def add_rate(self, request: HttpRequest, form: RateForm) -> Rate:
        """Make a rate, or several where its code stands for several; the first of them. Raises Invalid of what is wrong with it."""
        tariff: Tariff = form.cleaned_data["tariff"]
        supersede = form.cleaned_data["supersede_earlier"]
        try:
            done = price_changes.load_rates(tariff=tariff, data=form.line(), supersede_earlier=supersede, at=now())
        except Invalid as error:
            problems = error.context.get("problems")
            if not isinstance(problems, list) or not problems:
                raise
            raise Invalid(problems[0].code, problems[0].text) from error
        tell_proposals(request, done.proposals)
        if done.made.closed or done.made.voided:
            text = gettext("%(closed)s earlier rates ended, %(voided)s were voided.")
            messages.info(request, text % {"closed": done.made.closed, "voided": done.made.voided})
        made = Rate.objects.filter(tariff=tariff).order_by("-pk")[: done.made.rates]
        return list(made)[-1]

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        if obj is None:
            return [Link(_("Price of a call"), reverse("admin:rate_preview"), "calculate")]
        if not principal_of(request).may(Permission.HISTORY_READ):
            return ()
        history = reverse("admin:tariffs_tariff_history", args=(obj.tariff_id,))
        return [Link(_("History of its tariff"), history, "history")]

    @verb(
        _("Void"),
        permission=Permission.TARIFFS_WRITE,
        icon="block",
        text=_(
            "It prices nothing any more and stays readable. This is for rates that were wrong; one that only ends is given an end by the next rate file."
        ),
        applies=lambda rate: rate.voided_at is None and rate.special_id is None,
        is_danger=True,
    )
    def void(self, request: HttpRequest, obj: Rate, data: dict[str, Any]) -> str:
        """Take a wrong rate out of its tariff."""
        done = price_changes.void_rates(tariff=obj.tariff, rate_ids=[obj.pk], at=now())
        tell_proposals(request, done.proposals)
        return gettext("The rate is voided.")

    def has_void_permission(self, request: HttpRequest) -> bool:
        """Who may take rates out."""
        return principal_of(request).may(self.permission_to_view, Permission.TARIFFS_WRITE)

    @action(description=_("Void the selected rates"), permissions=["void"])
    def void_selected(self, request: HttpRequest, queryset: QuerySet[Rate]) -> HttpResponse:
        """Ask, then take the chosen rates out of their tariffs."""
        chosen = list(queryset.order_by("tariff_id", "code", "id")[: VOIDED_AT_ONCE_MAX + 1])
        if len(chosen) > VOIDED_AT_ONCE_MAX:
            text = gettext("At most %(count)s rates are voided at once.") % {"count": VOIDED_AT_ONCE_MAX}
            messages.error(request, text)
            return HttpResponseRedirect(request.get_full_path())
        if "confirmed" not in request.POST:
            context = {"title": gettext("Void the selected rates"), "rates": chosen, "back": request.get_full_path()}
            return site.render(request, "backoffice/void_rates.html", context)
        by_tariff: dict[Tariff, list[int]] = {}
        for rate in chosen:
            by_tariff.setdefault(rate.tariff, []).append(rate.pk)
        count = 0
        try:
            for tariff, ids in by_tariff.items():
                done = price_changes.void_rates(tariff=tariff, rate_ids=ids, at=now())
                count += done.made
                tell_proposals(request, done.proposals)
        except TrunklineError as error:
            messages.error(request, error_text(error))
            raise
        messages.success(
            request, ngettext("%(count)s rate is voided.", "%(count)s rates are voided.", count) % {"count": count}
        )
        return HttpResponseRedirect(request.get_full_path())


@site.page("prices/loads/<uuid:load_id>/", name="rate_load", permission=Permission.TARIFFS_WRITE)
def rate_load(request: HttpRequest, load_id: UUID) -> HttpResponse:
    """What a rate file would change, and loading it."""
    principal = principal_of(request)
    principal.require(Permission.TARIFFS_READ)
    said = rate_loads.get_load(load_id)
    tariff = rate_loads.tariff_of(said)
    page = reverse("admin:tariffs_tariff_change", args=(tariff.pk,))
    if request.method == "POST":
        if rate_loads.apply(load_id, actor=principal.actor, at=now()):
            text = gettext(
                "%(rates)s rates from %(lines)s lines are loaded; %(closed)s earlier ones ended, %(voided)s were voided."
            )
            messages.success(request, text % said)
            if said["proposes"]:
                messages.warning(
                    request, gettext("Posted records may cost something else now: a re-rating is proposed.")
                )
            return HttpResponseRedirect(page)
        return HttpResponseRedirect(request.get_full_path())
    state = said["state"]
    context = {
        "title": gettext("Rates for %(tariff)s: %(file)s") % {"tariff": tariff.name, "file": said["name"]},
        "state": state,
        "problem": error_text(_problem(said)) if "problem" in said else "",
        "panels": _load_panels(said, tariff),
        "may_load": state == rate_loads.FOUND,
        "again": reverse("admin:tariffs_tariff_load_rates", args=(tariff.pk,)),
        "back": page,
    }
    return site.render(request, "backoffice/rate_load.html", context)


def _problem(said: Mapping[str, Any]) -> TrunklineError:
    return Invalid(said["problem"]["code"], said["problem"]["message"], hint=said["problem"]["hint"])


def _load_panels(said: Mapping[str, Any], tariff: Tariff) -> list[Panel]:
    if "problem" in said:
        lines = [(line, in_words(text), code) for line, code, text in said["problems"]]
        if not lines:
            return []
        title = gettext("Lines that are wrong: %(count)s") % {"count": f"{said['problem_count']:,}"}
        shown = gettext("The first %(count)s are shown.") % {"count": len(lines)}
        text = shown if said["problem_count"] > len(lines) else ""
        return [Panel(title, (_("Line"), _("What is wrong"), _("Reason")), lines, text=text, right=frozenset({0}))]
    if "rates" not in said:
        return []
    counts = [
        (_("Lines read"), f"{said['lines']:,}"),
        (_("New rates"), f"{said['rates']:,}"),
        (_("Earlier rates that end"), f"{said['closed']:,}"),
        (_("Earlier rates that are voided"), f"{said['voided']:,}"),
    ]
    found = [Panel(_("What it changes"), ("", _("Count")), counts, right=frozenset({1}))]
    if rows := said.get("rows"):
        shown_rows = [
            (line, code or gettext("every number"), place, price, *_dates(begin, end, tariff))
            for line, code, place, price, begin, end in rows
        ]
        headers = (_("Line"), _("Code"), _("Destination"), _("Price"), _("Holds"))
        found.append(Panel(_("The first of them"), headers, shown_rows, right=frozenset({0})))
    return found


def _dates(begin: str | None, end: str | None, tariff: Tariff) -> tuple[str]:
    instants = [datetime.fromisoformat(each) if each else None for each in (begin, end)]
    return (validity(instants[0], instants[1], tariff.timezone),)

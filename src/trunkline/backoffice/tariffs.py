"""Screens of prices: tariffs, who has which, rates, time profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.fields import CurrencyField, ZoneField
from trunkline.backoffice.filters import ChoiceFilter, HoldsFilter
from trunkline.backoffice.forms import AccountTimesForm, ActionForm, EndForm, StaffForm
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import choice, price_text, row_link, standing, validity
from trunkline.backoffice.site import site
from trunkline.backoffice.uploaded import FileField
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.windows import read_windows, windows_text
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.tariffs import actions
from trunkline.tariffs.lineage import Inherited, children_of, inherited
from trunkline.tariffs.models import AccountTariff, Rate, Tariff, TimeProfile
from trunkline.tariffs.queries import assignments, rates, tariffs_with
from trunkline.tariffs.rules import describe_steps, parse_steps
from trunkline.tenancy.queries import current_tenant
from trunkline.usage import price_changes, rate_loads
from trunkline.usage.models import Proposal

CODES_COUNTED_MAX = 20_000  # about 50 ms; a page need not know it better
VOIDED_AT_ONCE_MAX = 1000


def tell_proposals(request: HttpRequest, proposals: Sequence[Proposal]) -> None:
    """Say that a change of prices proposes a re-rating."""
    if proposals:
        messages.warning(request, gettext("Posted records may cost something else now: a re-rating is proposed."))


def rate_price(rate: Rate) -> str:
    """The price of a rate in words."""
    return price_text(describe_steps(parse_steps(rate.steps)))


class TariffForm(ActionForm):
    """A tariff; currency and unit are said once."""

    field_of: ClassVar[Mapping[str, str]] = {
        "parent_differs": "parent",
        "parent_cycle": "parent",
        "parent_of_bought": "parent",
        "too_many_parents": "parent",
        "timezone_of_family": "timezone",
    }

    currency = CurrencyField(
        label=_("Currency"), help_text=_("Of its prices. Usage is kept in it, so it never changes.")
    )
    timezone = ZoneField(
        label=_("Time zone"), help_text=_("Dates of its rates and its time profiles are on this clock.")
    )

    class Meta:
        model = Tariff
        fields = ("name", "currency", "unit", "timezone", "parent", "origin_deck")
        labels = {"origin_deck": _("Origin deck")}
        help_texts = {
            "origin_deck": _(
                "A code deck that says where callers are, for rates that are for callers from one place only. Empty: it does not matter."
            ),
            "name": _("By which it is chosen, such as Wholesale Africa Premium."),
            "unit": _("What its quantities count: seconds of calls, octets of data, or messages. Never changes."),
            "parent": _(
                "A tariff of the same currency, unit and time zone that prices what this one has no price for. The longest code of both wins; may be left empty."
            ),
        }

    def prepare(self) -> None:
        if self.instance.pk is None:
            own = current_tenant()
            self.initial = {"currency": own.currency, "timezone": own.timezone} | dict(self.initial)
        if "origin_deck" in self.fields:
            self.fields["origin_deck"].required = False


class LoadRatesForm(StaffForm):
    """A rate file, and what becomes of the rates that are there."""

    file = FileField(
        label=_("Rate file"),
        help_text=_(
            "CSV with a line of headings: code, destination, price, per, increments, effective and more. Plain, .gz or .zip."
        ),
    )
    supersede_earlier = forms.BooleanField(
        label=_("Let new rates end earlier ones"),
        required=False,
        initial=True,
        help_text=_(
            "An equal rate that is in force when a new one begins ends there. Without it, such lines are refused."
        ),
    )


@site.screen(Tariff)
class TariffAdmin(TenantAdmin):
    """Price lists."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    empty_text = _(
        "A tariff is a price list: what calls to each code cost. Make one, load a rate file into it, and give it to an account."
    )
    form = TariffForm
    list_display = ("name", "currency", "shown_unit", "timezone", "parent", "revision")
    list_select_related = ("parent",)
    autocomplete_fields = ("parent", "origin_deck")
    list_filter = (("unit", ChoiceFilter), ("parent", AutocompleteSelectFilter))
    search_fields = ("name",)
    search_help_text = _("A part of the name")
    ordering = ("name",)

    @display(description=_("Unit"))
    def shown_unit(self, tariff: Tariff) -> str:
        """What its quantities count."""
        return choice(tariff, "unit")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("currency", "shown_unit", "revision") if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ("name", "currency", "shown_unit", "timezone", "parent", "origin_deck", "revision")
        fields = shown if obj else TariffForm.Meta.fields
        return ((None, {"fields": fields}),)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Tariff:
        return actions.create_tariff(**data, at=now())

    def change(self, request: HttpRequest, obj: Tariff, data: dict[str, Any]) -> Tariff:
        done = price_changes.change_tariff(tariff=obj, **data, at=now())
        tell_proposals(request, done.proposals)
        return done.made

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        if obj is None:
            return ()
        priced = f"{reverse('admin:rate_preview')}?tariff={obj.pk}"
        grid = reverse("admin:rates_grid", args=(obj.pk,))
        found = [Link(_("Rates"), grid, "grid_on"), Link(_("Price of a call"), priced, "calculate")]
        if principal_of(request).may(Permission.TARIFFS_WRITE):
            sheet = f"{reverse('admin:sheet_new')}?tariff={obj.pk}"
            found.insert(1, Link(_("Load a rate sheet"), sheet, "upload_file"))
        return found

    def panels(self, request: HttpRequest, obj: Tariff) -> Sequence[Panel]:
        return [_rate_panel(request, obj, self), *_family_panels(request, obj), _assignment_panel(request, obj)]

    @verb(
        _("Load rates"),
        permission=Permission.TARIFFS_WRITE,
        icon="upload_file",
        text=_(
            "First you are shown what the file would change, and which of its lines are wrong. Prices are never overwritten: a new price is a new rate."
        ),
        form=LoadRatesForm,
        asks_why=False,
        submit=_("Look at it"),
    )
    def load_rates(self, request: HttpRequest, obj: Tariff, data: dict[str, Any]) -> HttpResponse:
        """Look what a rate file would change; its page leads on."""
        principal = principal_of(request)
        load_id = rate_loads.begin(
            tariff=obj,
            name=request.FILES["file"].name or "rates.csv",  # type: ignore[union-attr]
            data=data["file"],
            supersede_earlier=data["supersede_earlier"],
            actor=principal.actor,
            at=now(),
        )
        return HttpResponseRedirect(reverse("admin:rate_load", args=(load_id,)))


def _rates_of(tariff: Tariff) -> str:
    return f"{reverse('admin:tariffs_rate_changelist')}?tariff__id__exact={tariff.pk}"


def _rate_panel(request: HttpRequest, tariff: Tariff, screen: TariffAdmin) -> Panel:
    rows = list(rates(tariff)[: PANEL_ROWS + 1])
    links = [Link(_("All rates"), _rates_of(tariff))] if rows else []
    if principal_of(request).may(Permission.TARIFFS_WRITE):
        links.append(Link(_("Add a rate"), f"{reverse('admin:tariffs_rate_add')}?tariff={tariff.pk}", "add"))
        links.append(Link(_("Load rates"), screen.url("load_rates", tariff), "upload_file"))
    return Panel(
        _("Rates"),
        [_("Code"), _("Destination"), _("Price"), _("Holds")],
        [
            [
                row_link(request, rate, rate.code or _("every number"))
                if rate.origin is None
                else _with_origin(request, rate),
                rate.destination.name if rate.destination else "",
                rate_price(rate),
                validity(rate.valid_from, rate.valid_to, tariff.timezone),
            ]
            for rate in rows[:PANEL_ROWS]
        ],
        empty=_("It has no rates yet: load a rate file, or add a rate."),
        links=links,
    )


def _with_origin(request: HttpRequest, rate: Rate) -> Any:
    return row_link(request, rate, f"{rate.code or gettext('every number')} ← {rate.origin}")


def _family_panels(request: HttpRequest, tariff: Tariff) -> list[Panel]:
    """From whom a tariff has rates, and who has rates from it; nothing where it stands alone."""
    panels = []
    if tariff.parent_id is not None:
        panels.append(
            Panel(
                _("Rates that it takes over"),
                [_("From"), _("What it inherits")],
                [
                    [row_link(request, each.tariff), inherits(each)]
                    for each in inherited(tariff, most=CODES_COUNTED_MAX)
                ],
                text=_(
                    "Where both have a code, its own rate counts as long as it is in force. A longer code of a parent goes before a shorter one of its own."
                ),
            )
        )
    children = list(children_of(tariff)[: PANEL_ROWS + 1])
    if children:
        listed = f"{reverse('admin:tariffs_tariff_changelist')}?parent__id__exact={tariff.pk}"
        panels.append(
            Panel(
                _("Tariffs that take over its rates"),
                [_("Name"), _("Currency")],
                [[row_link(request, each, each.name), each.currency] for each in children[:PANEL_ROWS]],
                links=[Link(_("All of them"), listed)] if len(children) > PANEL_ROWS else [],
            )
        )
    return panels


def inherits(each: Inherited) -> str:
    """How many codes a tariff has from an ancestor, in words."""
    words = {"codes": f"{each.codes:,}", "tariff": each.tariff.name}
    if each.is_more:
        return gettext("more than %(codes)s codes from %(tariff)s") % words
    return ngettext("%(codes)s code from %(tariff)s", "%(codes)s codes from %(tariff)s", each.codes) % words


def _assignment_panel(request: HttpRequest, tariff: Tariff) -> Panel:
    rows = list(assignments().filter(tariff=tariff)[: PANEL_ROWS + 1])
    listed = reverse("admin:tariffs_accounttariff_changelist")
    links = [Link(_("All of them"), f"{listed}?tariff__id__exact={tariff.pk}")] if len(rows) > PANEL_ROWS else []
    if principal_of(request).may(Permission.TARIFFS_ASSIGN):
        given = f"{reverse('admin:tariffs_accounttariff_add')}?tariff={tariff.pk}"
        links.append(Link(_("Give it to an account"), given, "add"))
    return Panel(
        _("Who has it"),
        [_("Account"), _("Side"), _("Service"), _("Position"), _("Holds"), _("Now")],
        [
            [
                row_link(request, each.account),
                choice(each, "side"),
                choice(each, "service"),
                each.position,
                validity(each.valid_from, each.valid_to, each.account.timezone),
                standing(each.valid_from, each.valid_to, now()),
            ]
            for each in rows[:PANEL_ROWS]
        ],
        empty=_("Nobody is charged by it yet: give it to an account."),
        links=links,
        right=frozenset({3}),
    )


class AssignmentForm(AccountTimesForm):
    """Which tariff an account is given, for what and from when to when."""

    position = forms.IntegerField(
        label=_("Position"),
        required=False,
        min_value=0,
        help_text=_("The lower number is asked first. Empty: after those that the account has."),
    )

    class Meta:
        model = AccountTariff
        fields = ("account", "tariff", "side", "service", "position", "valid_from", "valid_to")
        labels = {"valid_from": _("From"), "valid_to": _("Until")}
        help_texts = {
            "account": _("Whose traffic it prices."),
            "tariff": _("The price list."),
            "side": _("Sell: what the account pays us. Buy: what we pay it."),
            "service": _("Each service has its own list of tariffs."),
            "valid_from": _("On the account's clock. Empty: it always was."),
            "valid_to": _("On the account's clock, itself not included. Empty: open."),
        }


@site.screen(AccountTariff)
class AssignmentAdmin(TenantAdmin):
    """Who has which tariff."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = Permission.TARIFFS_ASSIGN
    empty_text = _(
        "Traffic has a price once its account has a tariff. The first tariff of its list that has a rate for a call prices it."
    )
    form = AssignmentForm
    list_display = ("account", "tariff", "shown_side", "shown_service", "position", "shown_validity", "shown_standing")
    list_filter = (
        ("account", AutocompleteSelectFilter),
        ("tariff", AutocompleteSelectFilter),
        ("side", ChoiceFilter),
        ("service", ChoiceFilter),
        HoldsFilter,
    )
    list_select_related = ("account", "tariff")
    ordering = ("account__code", "side", "service", "position", "id")
    autocomplete_fields = ("account", "tariff")

    @display(description=_("Side"))
    def shown_side(self, row: AccountTariff) -> str:
        """Which way the money goes."""
        return choice(row, "side")

    @display(description=_("Service"))
    def shown_service(self, row: AccountTariff) -> str:
        """What is priced."""
        return choice(row, "service")

    @display(description=_("Holds"))
    def shown_validity(self, row: AccountTariff) -> str:
        """From when to when, on the account's clock."""
        return validity(row.valid_from, row.valid_to, row.account.timezone)

    @display(description=_("Now"))
    def shown_standing(self, row: AccountTariff) -> SafeString:
        """Whether it holds now."""
        return standing(row.valid_from, row.valid_to, now())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ("account", "tariff", "shown_side", "shown_service", "position", "shown_validity", "shown_standing")
        return ((None, {"fields": AssignmentForm.Meta.fields if obj is None else shown}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        shown = ("shown_side", "shown_service", "shown_validity", "shown_standing")
        return (*AssignmentForm.Meta.fields, *shown) if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> AccountTariff:
        done = price_changes.assign_tariff(**data, at=now())
        tell_proposals(request, done.proposals)
        return done.made

    @verb(
        _("End"),
        permission=Permission.TARIFFS_ASSIGN,
        icon="event_busy",
        text=_("Calls that start then or later are priced by the next tariff of the list."),
        form=EndForm,
    )
    def end(self, request: HttpRequest, obj: AccountTariff, data: dict[str, Any]) -> str:
        """Let an account have a tariff no longer."""
        done = price_changes.end_assignment(assignment_id=obj.pk, valid_to=data["valid_to"], at=now())
        tell_proposals(request, done.proposals)
        held = validity(done.made.valid_from, done.made.valid_to, obj.account.timezone)
        return gettext("It holds %(when)s.") % {"when": held}


class TimeProfileForm(ActionForm):
    """A time profile, its windows a line each."""

    lines = forms.CharField(
        label=_("Windows"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_(
            "A window a line, such as weekdays 1-5; 08:00-18:00. There are weekdays (1: Monday), months, month_days, years, a time of day. Midnight parts windows."
        ),
    )

    class Meta:
        model = TimeProfile
        fields = ("name",)
        help_texts = {"name": _("By which rate files and traffic rules name it, such as peak. It never changes.")}

    def prepare(self) -> None:
        if self.instance.pk is not None:
            self.initial["lines"] = windows_text(self.instance.windows)


@site.screen(TimeProfile)
class TimeProfileAdmin(TenantAdmin):
    """Named sets of local times."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    empty_text = _(
        "A time profile names local times, such as peak and off-peak, that rates and traffic rules can be limited to."
    )
    form = TimeProfileForm
    list_display = ("name", "shown_windows")
    search_fields = ("name",)
    ordering = ("name",)

    @display(description=_("Windows"))
    def shown_windows(self, profile: TimeProfile) -> str:
        """All its windows on one line."""
        return " | ".join(windows_text(profile.windows).splitlines())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("name",) if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        lines = "lines" if obj is None or self.has_change_permission(request, obj) else "shown_windows"
        return ((None, {"fields": ("name", lines)}),)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> TimeProfile:
        return actions.create_time_profile(name=data["name"], windows=read_windows(data["lines"]), at=now())

    def change(self, request: HttpRequest, obj: TimeProfile, data: dict[str, Any]) -> TimeProfile:
        windows = read_windows(data["lines"])
        done = price_changes.change_time_profile(profile=obj, windows=windows, at=now())
        tell_proposals(request, done.proposals)
        return done.made

    def panels(self, request: HttpRequest, obj: TimeProfile) -> Sequence[Panel]:
        return [
            Panel(
                _("Tariffs that use it"),
                [_("Name"), _("Currency")],
                [[row_link(request, tariff, tariff.name), tariff.currency] for tariff in tariffs_with(obj)],
                empty=_("No rate is limited to it yet."),
            )
        ]

"""Screens of destination groups and special rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.fields import InstantField, translated_choices
from trunkline.backoffice.filters import HoldsFilter
from trunkline.backoffice.forms import ActionForm, StaffForm, read_again
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import choice, plain_number, price_text, row_link, standing, validity
from trunkline.backoffice.site import site
from trunkline.backoffice.tariffs import tell_proposals
from trunkline.backoffice.verbs import verb
from trunkline.core.money import Price
from trunkline.core.period import get_zone
from trunkline.engine.units import Unit
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.pricing.deck_queries import (
    destinations_in,
    destinations_named,
    get_deck,
    group_destinations,
    rates_of_special,
    special_rates,
)
from trunkline.tariffs import actions
from trunkline.tariffs.choices import DestinationKind
from trunkline.tariffs.models import CodeDeck, DestinationGroup, SpecialRate
from trunkline.tariffs.rules import describe_steps, make_steps, parse_steps
from trunkline.usage import price_changes


class GroupForm(ActionForm):
    """A group and its destinations, a name a line."""

    field_of: ClassVar[Mapping[str, str]] = {
        "destination_not_found": "lines",
        "group_exists": "name",
        "bad_name": "name",
    }

    lines = forms.CharField(
        label=_("Destinations"),
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_("A name a line, as code decks and tariffs have them. Special rates for the group follow."),
    )

    class Meta:
        model = DestinationGroup
        fields = ("name", "note")

    def prepare(self) -> None:
        if self.instance.pk is not None:
            names = group_destinations(self.instance).values_list("name", flat=True)
            self.initial["lines"] = "\n".join(names)


def _ids(lines: str) -> list[int]:
    return list(destinations_named([each.strip() for each in lines.splitlines() if each.strip()]).values())


class JoinForm(StaffForm):
    """Which destinations join a group."""

    countries = forms.CharField(
        label=_("Countries"),
        max_length=400,
        help_text=_("Codes of countries with blanks between them, such as DE FR; EEA stands for all countries of it."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Kinds"),
        required=False,
        choices=translated_choices(DestinationKind.choices),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only destinations of these kinds. None: of every kind."),
    )


@site.screen(DestinationGroup)
class DestinationGroupAdmin(TenantAdmin):
    """Destinations that belong together."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    empty_text = _(
        "A destination group names destinations that belong together, such as EEA mobiles: for special rates, the generator and reports."
    )
    form = GroupForm
    list_display = ("name", "note")
    search_fields = ("name",)
    search_help_text = _("A part of the name")
    ordering = ("name",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may = obj is None or self.has_change_permission(request, obj)
        return ((None, {"fields": ("name", "note", "lines") if may else ("name", "note")}),)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> DestinationGroup:
        return actions.create_group(name=data["name"], note=data["note"], destination_ids=_ids(data["lines"]), at=now())

    def change(self, request: HttpRequest, obj: DestinationGroup, data: dict[str, Any]) -> DestinationGroup:
        given: dict[str, Any] = {name: data[name] for name in ("name", "note") if name in data}
        if "lines" in data:
            given["destination_ids"] = _ids(data["lines"])
        return actions.change_group(group_id=obj.pk, **given, at=now())

    def panels(self, request: HttpRequest, obj: DestinationGroup) -> Sequence[Panel]:
        rows = list(group_destinations(obj)[:PANEL_ROWS])
        special = list(special_rates().filter(group=obj)[:PANEL_ROWS])
        return [
            Panel(
                _("Destinations"),
                [_("Name"), _("Kind"), _("Country")],
                [[each.name, choice(each, "kind"), each.country] for each in rows],
                empty=_("It has no destinations yet: write them above, or add those of a country."),
                text=gettext("The first %(count)s are shown.") % {"count": PANEL_ROWS}
                if len(rows) == PANEL_ROWS
                else "",
            ),
            Panel(
                _("Special rates"),
                [_("Tariff"), _("Price"), _("Holds")],
                [[each.tariff.name, row_link(request, each, special_price(each)), _holds(each)] for each in special],
                empty=_("No tariff has a special rate for it."),
                links=[
                    Link(_("Add a special rate"), f"{reverse('admin:tariffs_specialrate_add')}?group={obj.pk}", "add")
                ],
            ),
        ]

    @verb(
        _("Add by country"),
        permission=Permission.TARIFFS_WRITE,
        icon="public",
        text=_("All destinations that are known in these countries join the group. Special rates for it follow."),
        form=JoinForm,
        submit=_("Add them"),
    )
    def join(self, request: HttpRequest, obj: DestinationGroup, data: dict[str, Any]) -> str:
        """Let the destinations of countries join."""
        there = set(group_destinations(obj).values_list("pk", flat=True))
        joins = destinations_in(data["countries"].replace(",", " ").split(), data["kinds"]) - there
        if joins:
            actions.change_group(group_id=obj.pk, destination_ids=there | joins, at=now())
        return gettext("%(count)s destinations have joined.") % {"count": len(joins)}


class SpecialRateForm(ActionForm):
    """An exclusive price, for a destination or for a group."""

    field_of: ClassVar[Mapping[str, str]] = {
        "destination_not_found": "place", "one_target": "place", "no_codes": "place", "bad_decimal": "price", "missing_price": "price", "price_precision": "price",
        "bad_steps": "increments", "bad_validity": "valid_to", "special_rate_exists": "valid_from", "special_rates_overlap": "group", "deck_needed": "deck",
    }  # fmt: skip

    place = forms.CharField(
        label=_("Destination"),
        required=False,
        max_length=200,
        help_text=_("Its name as code decks have it, such as Kenya Mobile. Or choose a group below."),
    )
    price = forms.CharField(label=_("Price"), max_length=40, help_text=_("At most 10 decimals, with a point: 0.0850."))
    per = forms.IntegerField(
        label=_("Per"),
        required=False,
        min_value=1,
        help_text=_("Units that the price is for. Empty: 60 seconds, or one message or octet."),
    )
    increments = forms.CharField(
        label=_("Increments"),
        required=False,
        max_length=100,
        help_text=_("First and next, such as 60/60, 1/1 or 30/6. Empty: 1/1."),
    )
    fee = forms.CharField(
        label=_("Setup fee"),
        required=False,
        max_length=40,
        help_text=_("Charged once if anything is used. Empty: none."),
    )
    valid_from = InstantField(label=_("From"), help_text=_("On the tariff's clock."))
    valid_to = InstantField(
        label=_("Until"), required=False, help_text=_("On the tariff's clock, itself not included. Empty: open.")
    )

    class Meta:
        model = SpecialRate
        fields = ("tariff", "group", "deck", "note")
        help_texts: ClassVar[dict[str, Any]] = {
            "tariff": _("The price list in which it holds."),
            "group": _("The group that it is for, where it is for no single destination."),
            "deck": _("Says which codes that is. Empty: the deck that sheets of names are matched to."),
            "note": _("Why there is this price, such as the number of an offer."),
        }

    def prepare(self) -> None:
        for name in ("group", "deck"):
            if name in self.fields:
                self.fields[name].required = False

    def clean(self) -> Any:
        """Read the times again, now that it is known whose clock they are on."""
        data = super().clean() or self.cleaned_data
        if (tariff := data.get("tariff")) is not None:
            read_again(self, get_zone(tariff.timezone), "valid_from", "valid_to")
        return data


class SpecialEndForm(StaffForm):
    """When a special rate ends."""

    valid_to = InstantField(
        label=_("Until"),
        help_text=_("On the tariff's clock, itself not included. At its beginning or before: it never held."),
    )

    def prepare(self) -> None:
        if self.obj is not None:
            self.field("valid_to").zone = get_zone(self.obj.tariff.timezone)


@site.screen(SpecialRate)
class SpecialRateAdmin(TenantAdmin):
    """Exclusive prices for destinations and groups."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = Permission.TARIFFS_WRITE
    empty_text = _(
        "A special rate is an exclusive price for a destination or a group. It writes rates for all its codes, which no file changes."
    )
    form = SpecialRateForm
    autocomplete_fields = ("tariff", "group", "deck")
    list_display = ("shown_target", "tariff", "shown_price", "shown_validity", "shown_standing", "note")
    list_filter = (("tariff", AutocompleteSelectFilter), ("group", AutocompleteSelectFilter), HoldsFilter)
    list_select_related = ("tariff", "destination", "group", "deck")
    ordering = ("tariff_id", "-valid_from", "id")
    sortable_by = ()

    @display(description=_("For"))
    def shown_target(self, special: SpecialRate) -> str:
        """The destination or the group."""
        return str(special.destination or special.group)

    @display(description=_("Price"))
    def shown_price(self, special: SpecialRate) -> str:
        """The steps in words."""
        return special_price(special)

    @display(description=_("Setup fee"))
    def shown_setup_fee(self, special: SpecialRate) -> str:
        """What is charged once, without the zeros of its column."""
        return plain_number(special.setup_fee)

    @display(description=_("Holds"))
    def shown_validity(self, special: SpecialRate) -> str:
        """From when to when, on the tariff's clock."""
        return _holds(special)

    @display(description=_("Now"))
    def shown_standing(self, special: SpecialRate) -> SafeString:
        """Whether it holds now."""
        return standing(special.valid_from, special.valid_to, now())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("tariff", "destination", "group", "deck")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        if obj is None:
            return ()
        return (
            "shown_target",
            "tariff",
            "deck",
            "shown_price",
            "shown_setup_fee",
            "shown_validity",
            "shown_standing",
            "note",
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return ((None, {"fields": self.get_readonly_fields(request, obj)}),)
        return (
            (None, {"fields": ("tariff", "place", "group", "deck")}),
            (_("Price"), {"fields": ("price", "per", "increments", "fee")}),
            (_("When"), {"fields": ("valid_from", "valid_to", "note")}),
        )

    def create(self, request: HttpRequest, data: dict[str, Any]) -> SpecialRate:
        tariff, place, group = data["tariff"], data["place"].strip(), data["group"]
        deck: CodeDeck = data["deck"] or get_deck()
        done = price_changes.create_special_rate(
            tariff=tariff,
            deck_id=deck.pk,
            destination_id=destinations_named([place])[place] if place else None,
            group_id=group.pk if group else None,
            steps=make_steps(
                data["price"].strip(), str(data["per"] or ""), data["increments"].strip(), Unit(tariff.unit)
            ),
            setup_fee=Price.from_text(data["fee"].strip() or "0"),
            valid_from=data["valid_from"],
            valid_to=data["valid_to"],
            note=data["note"],
            at=now(),
        )
        tell_proposals(request, done.proposals)
        return done.made.special

    def panels(self, request: HttpRequest, obj: SpecialRate) -> Sequence[Panel]:
        rows = list(rates_of_special(obj)[: PANEL_ROWS + 1])
        listed = f"{reverse('admin:tariffs_rate_changelist')}?tariff__id__exact={obj.tariff_id}"
        return [
            Panel(
                _("Its rates"),
                [_("Code"), _("Destination"), _("Tag"), _("Holds")],
                [
                    [
                        row_link(request, each, each.code),
                        each.destination.name if each.destination else "",
                        each.tag or "",
                        validity(each.valid_from, each.valid_to, obj.tariff.timezone),
                    ]
                    for each in rows[:PANEL_ROWS]
                ],
                empty=_("It has none: it never held."),
                links=[Link(_("All rates"), listed)] if rows else [],
            )
        ]

    @verb(
        _("End"),
        permission=Permission.TARIFFS_WRITE,
        icon="event_busy",
        text=_(
            "All its rates end with it. The tariff's own rates hold again from then on, with all changes made meanwhile."
        ),
        form=SpecialEndForm,
        applies=lambda special: special.valid_to is None or special.valid_to > max(now(), special.valid_from),
    )
    def end(self, request: HttpRequest, obj: SpecialRate, data: dict[str, Any]) -> str:
        """Let a special rate end."""
        done = price_changes.end_special_rate(special=obj, valid_to=data["valid_to"], at=now())
        tell_proposals(request, done.proposals)
        held = validity(done.made.special.valid_from, done.made.special.valid_to, obj.tariff.timezone)
        return gettext("It holds %(when)s.") % {"when": held}


def special_price(special: SpecialRate) -> str:
    """The price of a special rate in words."""
    return price_text(describe_steps(parse_steps(special.steps)))


def _holds(special: SpecialRate) -> str:
    return validity(special.valid_from, special.valid_to, special.tariff.timezone)

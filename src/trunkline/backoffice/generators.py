"""Screens of generators: how a selling tariff is made from vendors' tariffs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.forms import InstantField, StaffForm, set_zone
from trunkline.backoffice.generator_form import METHODS, GeneratorForm, given_of
from trunkline.backoffice.generator_runs import run_address, run_state
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.shown import NOTHING, instant
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.pricing import actions, generated
from trunkline.pricing.models import Generator

RUNS_SHOWN: Final = 10


class RunForm(StaffForm):
    """When the prices of a run begin."""

    effective_at = InstantField(
        label=_("Begins"), required=False,
        help_text=_("On the tariff's clock. Empty: as the generator says. The agreement may put changes off."),
    )  # fmt: skip
    prices_at = InstantField(
        label=_("Vendors' prices of"), required=False,
        help_text=_("The instant at which they are taken. Empty: when ours begin."),
    )  # fmt: skip

    def prepare(self) -> None:
        if self.obj is not None:
            set_zone(self, get_zone(self.obj.tariff.timezone), "effective_at", "prices_at")


@site.screen(Generator)
class GeneratorAdmin(TenantAdmin):
    """Generators of selling tariffs."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = GeneratorForm
    list_display = ("name", "tariff", "deck", "shown_method", "shown_sources", "agreement")
    list_select_related = ("tariff", "deck", "agreement")
    search_fields = ("name",)
    ordering = ("name",)
    autocomplete_fields = ("tariff",)
    empty_text = _(
        "A generator makes the prices of a tariff from what vendors ask, with margins, floors and rounding. You see them before anything is written."
    )
    fieldsets = (
        (None, {"fields": ["name", "tariff", "deck", "sources", "agreement"]}),
        (_("Cost"), {"fields": ["method", "position", "weights", "longer_codes"]}),
        (_("Margin"), {"fields": ["percent", "percent_of", "absolute", "rules"]}),
        (_("Limits"), {"fields": ["min_price", "min_margin", "min_margin_percent", "not_below_position", "max_price"]}),
        (_("Prices"), {"fields": ["decimals", "rounding", "increments"]}),
        (_("Codes"), {"fields": ["exclude", "no_offer", "other_codes", "collapse", "effective_in_days"]}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return generated.generators()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Generator:
        return actions.create_generator(**given_of(data, {}), at=now())

    def change(self, request: HttpRequest, obj: Generator, data: dict[str, Any]) -> Generator:
        return actions.change_generator(generator_id=obj.pk, **given_of(data, obj.settings))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        return [(None, {"fields": ["name", "tariff", "deck", "shown_method", "shown_sources", "agreement"]})]

    @display(description=_("Method"))
    def shown_method(self, generator: Generator) -> str:
        """Which offers make the cost."""
        method = generator.settings.get("method", "position")
        weights = "/".join(generator.settings.get("weights", ())) if method == "blend" else ""
        return f"{METHODS[method]} {weights}".strip()

    @display(description=_("Vendors"))
    def shown_sources(self, generator: Generator) -> str:
        """Whose prices are taken."""
        return ", ".join(each.tariff.name for each in generator.sources.all()) or NOTHING

    def panels(self, request: HttpRequest, obj: Generator) -> Sequence[Panel]:
        """Its last runs."""
        rows = [
            (
                Link(f"{run.asked_at.astimezone(get_zone(obj.tariff.timezone)):%Y-%m-%d %H:%M}", run_address(run)),
                run_state(run),
                instant(run.effective_at, obj.tariff.timezone),
                f"{run.figures.get('priced', 0):,}",
            )
            for run in generated.runs(obj)[:RUNS_SHOWN]
        ]
        headers = (_("Run"), _("State"), _("Begins"), _("Prices"))
        empty = _("It has not been run. A run shows every price before anything is written.")
        return [Panel(_("Runs"), headers, rows, empty=empty, right=frozenset({3}))]

    @verb(
        _("Run"),
        permission=Permission.TARIFFS_WRITE,
        icon="play_arrow",
        form=RunForm,
        asks_why=False,
        text=_("The prices are made and compared with those of the tariff. Nothing changes until you apply them."),
    )
    def run(self, request: HttpRequest, obj: Generator, data: dict[str, Any]) -> HttpResponse:
        """Ask for a run."""
        return HttpResponseRedirect(run_address(actions.ask_run(generator_id=obj.pk, **data, at=now())))

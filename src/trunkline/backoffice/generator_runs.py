"""Screens of the runs of generators: what each makes of every code, and making it so."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from trunkline.backoffice.actors import name_actors
from trunkline.backoffice.base import ReadOnlyAdmin
from trunkline.backoffice.fields import NOT_A_CODE
from trunkline.backoffice.forms import StaffForm, set_choices
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.sheet_words import CHECK_NAMES
from trunkline.backoffice.shown import NOTHING, instant, money, price_text, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.working import carry_out, work_state, working
from trunkline.core.errors import NotFound
from trunkline.core.money import Amount
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.pricing import actions, generated
from trunkline.pricing.choices import ImportState, ImportWork, RunState
from trunkline.pricing.models import GeneratorRun, SheetImport

CODES_SHOWN: Final = 50
FIRST_CODES: Final = 20
STATES: Final = {
    "waiting": _("being made"), "failed": _("failed"), "compared": _("to be looked at"), "applied": _("applied"), "undone": _("undone"),
    "discarded": _("discarded"),
}  # fmt: skip
STATE_LABELS: Final = {
    "waiting": "info", "failed": "danger", "compared": "warning", "applied": "success", "undone": "default", "discarded": "default",
}  # fmt: skip
KINDS: Final = {
    "new": _("New"), "increase": _("Increase"), "decrease": _("Decrease"), "increment": _("Increment"), "moved": _("Moved"), "blocked": _("Blocked"),
    "closed": _("Closed"), "unchanged": _("Unchanged"), "refused": _("Refused"),
}  # fmt: skip
ONLY: Final = {
    "floor": _("Held by a floor"), "maximum": _("Held by the maximum"), "below_cost": _("Below cost"), "no_offer": _("No vendor offers them"),
    "excluded": _("Excluded"), "collapsed": _("Collapsed"), "no_line": _("Nothing is written"),
}  # fmt: skip
HELD: Final = {"floor": _("floor"), "maximum": _("maximum")}


class ApplyForm(StaffForm):
    """Checks that stopped a run and were looked at, and why it is applied."""

    overrule = forms.MultipleChoiceField(
        label=_("Overrule"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Checks that have stopped it: tick those that you have looked at."),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=500, help_text=_("Stands in the history of the tariff.")
    )

    def prepare(self) -> None:
        sheet = None if self.obj is None else self.obj.sheet
        stops = [] if sheet is None else [each for each in sheet.findings if each["level"] == "stop"]
        if not stops:
            del self.fields["overrule"]
            return
        set_choices(
            self, "overrule", [(each["check"], f"{each['check']}: {each['text']} ({each['lines']})") for each in stops]
        )


class ReasonForm(StaffForm):
    """Why a run is taken back, or not wanted."""

    reason = forms.CharField(label=_("Reason"), max_length=500, help_text=_("Stands in the history of the tariff."))


def _is(*wanted: ImportState) -> Any:
    return lambda run: (
        run is not None and run.sheet is not None and run.sheet.state in wanted and not actions.is_worked_on(run.sheet)
    )


@site.screen(GeneratorRun)
class GeneratorRunAdmin(ReadOnlyAdmin):
    """Runs of generators: what they make, and making it so."""

    permission_to_view = Permission.TARIFFS_READ
    list_display = ("shown_run", "shown_tariff", "shown_state", "shown_begins", "shown_prices", "shown_asker")
    list_display_links = ("shown_run",)
    ordering = ("-pk",)
    sortable_by = ()
    fieldsets = ((None, {"fields": ["shown_generator", "shown_tariff", "shown_begins", "shown_taken", "shown_asker"]}),)
    change_form_outer_after_template = "backoffice/generator_run_panels.html"
    empty_text = _("Here stands what generators have made. Run one to see its prices before they are written.")

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("Generators"), reverse("admin:pricing_generator_changelist"), "auto_awesome")

    def get_queryset(self, request: HttpRequest) -> Any:
        return generated.runs()

    def load_rows(self, request: HttpRequest, rows: Sequence[GeneratorRun]) -> None:
        askers = name_actors(row.asked_by for row in rows)
        for row in rows:
            row.asker = askers.get(row.asked_by, row.asked_by)  # type: ignore[attr-defined]

    @display(description=_("Run"))
    def shown_run(self, run: GeneratorRun) -> str:
        """Of which generator, and when."""
        return (
            f"{run.generator.name}, {run.asked_at.astimezone(get_zone(run.generator.tariff.timezone)):%Y-%m-%d %H:%M}"
        )

    @display(description=_("Generator"))
    def shown_generator(self, run: GeneratorRun) -> SafeString | str:
        """The settings that it was made with are kept with the run."""
        return run.generator.name

    @display(description=_("Tariff"))
    def shown_tariff(self, run: GeneratorRun) -> str:
        """What it makes the prices of."""
        return str(run.generator.tariff)

    @display(description=_("State"))
    def shown_state(self, run: GeneratorRun) -> SafeString:
        """How far it has come."""
        return run_state(run)

    @display(description=_("Begins"))
    def shown_begins(self, run: GeneratorRun) -> SafeString:
        """When its prices begin, unless the agreement puts them off."""
        return instant(run.effective_at, run.generator.tariff.timezone)

    @display(description=_("Vendors' prices of"))
    def shown_taken(self, run: GeneratorRun) -> SafeString:
        """When the vendors' prices were taken."""
        return instant(run.prices_at, run.generator.tariff.timezone)

    @display(description=_("Prices"))
    def shown_prices(self, run: GeneratorRun) -> str:
        """How many codes have one."""
        return f"{run.figures.get('priced', 0):,}"

    @display(description=_("Asked by"))
    def shown_asker(self, run: GeneratorRun) -> str:
        """Who wanted it."""
        known: str | None = getattr(run, "asker", None)
        return known or name_actors([run.asked_by]).get(run.asked_by, run.asked_by)

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        if obj is None:
            return [Link(_("Generators"), reverse("admin:pricing_generator_changelist"), "auto_awesome")]
        return [
            Link(
                _("Its generator"), reverse("admin:pricing_generator_change", args=(obj.generator_id,)), "auto_awesome"
            )
        ]

    def panels(self, request: HttpRequest, run: GeneratorRun) -> Sequence[Panel]:
        """What it makes; fetched again while a worker is at it."""
        run.working = working(run.sheet)  # type: ignore[attr-defined]
        found = [_progress(run)]
        if run.sheet is not None:
            found += [_kinds(run), _figures(run), *_checks(run), _vendors(run), _first_codes(run)]
        return found

    @verb(
        _("Apply"),
        permission=Permission.TARIFFS_WRITE,
        icon="check",
        form=ApplyForm,
        asks_why=False,
        applies=_is(ImportState.COMPARED),
        text=_(
            "All its prices become true at once, each at its date. What did not change stays the row it is. It can be undone."
        ),
    )
    def apply(self, request: HttpRequest, run: GeneratorRun, data: dict[str, Any]) -> HttpResponse:
        """Make the prices true."""
        return carry_out(
            request, _sheet(run), ImportWork.APPLYING, to=self.url("change", run.pk), told=_("The prices are applied."),
            overrule=list(data.get("overrule", ())), reason=data["reason"],
        )  # fmt: skip

    @verb(
        _("Undo"),
        permission=Permission.TARIFFS_WRITE,
        icon="undo",
        form=ReasonForm,
        asks_why=False,
        applies=_is(ImportState.APPLIED),
        is_danger=True,
        text=_(
            "The prices that stood before stand again, to the digit. What was applied to the tariff later is undone first."
        ),
    )
    def undo(self, request: HttpRequest, run: GeneratorRun, data: dict[str, Any]) -> HttpResponse:
        """Take it back."""
        return carry_out(
            request, _sheet(run), ImportWork.UNDOING, to=self.url("change", run.pk), told=_("The prices of before stand again."),
            reason=data["reason"],
        )  # fmt: skip

    @verb(
        _("Discard"),
        permission=Permission.TARIFFS_WRITE,
        icon="close",
        form=ReasonForm,
        asks_why=False,
        applies=_is(ImportState.COMPARED),
        is_danger=True,
        text=_("It is not applied and stays in the history."),
    )
    def discard(self, request: HttpRequest, run: GeneratorRun, data: dict[str, Any]) -> str:
        """Say no."""
        actions.discard_import(import_id=_sheet(run).pk, reason=data["reason"], at=now())
        return gettext("The run is discarded.")


def _sheet(run: GeneratorRun) -> SheetImport:
    return generated.access_made(str(run.public_id))[1]


def run_address(run: GeneratorRun) -> str:
    """The page of a run."""
    return reverse("admin:pricing_generatorrun_change", args=(run.pk,))


def run_state(run: GeneratorRun) -> SafeString:
    """How far a run has come, in a box of its colour."""
    if (at_work := work_state(run.sheet)) is not None:
        return at_work
    found = generated.state_of(run)
    return state(found, STATES.get(found, found), STATE_LABELS)


def _progress(run: GeneratorRun) -> Panel:
    rows: list[tuple[Any, Any]] = [(_("State"), run_state(run))]
    sheet = run.sheet
    zone = run.generator.tariff.timezone
    if run.state == RunState.FAILED:
        rows.append((_("Why it made nothing"), in_words(run.failure_detail)))
    if sheet is not None:
        rows += [
            (name, value)
            for name, value in (
                (_("Agreement"), sheet.agreement and sheet.agreement.name),
                (_("First change"), sheet.begins_at and instant(sheet.begins_at, zone)),
                (_("Applied"), sheet.applied_at and instant(sheet.applied_at, zone)),
                (_("Reason"), sheet.reason),
            )
            if value
        ]
    text = _("A worker makes the prices in a moment.") if run.state == RunState.WAITING else ""
    return Panel(_("Run"), ("", ""), rows, text=text)


def _codes_address(run: GeneratorRun, **asked: Any) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{reverse('admin:generated_codes', args=(run.pk,))}{'?' if query else ''}{query}"


def _kinds(run: GeneratorRun) -> Panel:
    counts = run.sheet.counts if run.sheet else {}
    rows = [
        (Link(name, _codes_address(run, kind=kind)), f"{counts[kind]:,}")
        for kind, name in KINDS.items()
        if counts.get(kind)
    ]
    return Panel(_("What it changes"), (_("Kind"), _("Codes")), rows, right=frozenset({1}), empty=_("Nothing."))


def _figures(run: GeneratorRun) -> Panel:
    figures, currency = run.figures, run.generator.tariff.currency
    counted = {
        "floor": figures.get("held_by_floor", 0),
        "maximum": figures.get("held_by_maximum", 0),
        "below_cost": figures.get("below_cost", 0),
        "no_offer": sum(figures.get(name, 0) for name in ("left_out", "blocked", "kept")),
        "excluded": figures.get("excluded", 0),
        "collapsed": figures.get("collapsed", 0),
    }
    rows: list[tuple[Any, Any]] = [(_("Codes with a price"), f"{figures.get('priced', 0):,}")]
    rows += [
        (Link(ONLY[name], _codes_address(run, only=name)), f"{count:,}") for name, count in counted.items() if count
    ]
    if figures.get("units"):
        earned = [(_("Revenue"), "monthly_revenue"), (_("Cost"), "monthly_cost"), (_("Margin"), "monthly_margin")]
        rows += [(name, money(Amount.from_text(figures[key]), currency)) for name, key in earned]
    text = (
        _("Money is what the traffic of the last 30 days would earn and cost at these prices.")
        if figures.get("units")
        else ""
    )
    return Panel(_("Prices"), ("", ""), rows, right=frozenset({1}), text=text)


def _checks(run: GeneratorRun) -> list[Panel]:
    found = run.sheet.findings if run.sheet else []
    levels = {"stop": "danger", "warn": "warning"}
    names = {"stop": _("stops"), "warn": _("warns")}
    rows = [
        (
            state(each["level"], names.get(each["level"], each["level"]), levels),
            CHECK_NAMES[each["check"]][0],
            f"{each['lines']:,}",
            CHECK_NAMES[each["check"]][1],
        )
        for each in found
    ]
    headers = (_("What it does"), _("Check"), _("Codes"), _("What it found"))
    return [Panel(_("Checks"), headers, rows, right=frozenset({2}))] if rows else []


def _vendors(run: GeneratorRun) -> Panel:
    rows = [
        (
            each["tariff"],
            ", ".join(parent["tariff"] for parent in each.get("parents", ())) or NOTHING,
            each["currency"],
            _decimal_text(each["exchange_rate"]),
            f"{each['rates']:,}",
            f"{each['cheapest']:,}",
            f"{each['fees']:,}",
        )
        for each in run.sources
    ]
    headers = (
        _("Vendor"), _("Takes over from"), _("Currency"), _("Exchange rate"), _("Rates"), _("Cheapest for"), _("With a setup fee"),
    )  # fmt: skip
    return Panel(_("Vendors"), headers, rows, right=frozenset({4, 5, 6}))


def _decimal_text(rate: str) -> str:
    """An exact exchange rate, such as 11/10, in decimals: 1.1."""
    exact = Fraction(rate)
    return f"{Decimal(exact.numerator) / Decimal(exact.denominator):.8f}".rstrip("0").rstrip(".")


def _first_codes(run: GeneratorRun) -> Panel:
    rows = generated.run_rows(run, limit=FIRST_CODES)
    links = [Link(_("All codes"), _codes_address(run), "list")]
    return _table(_("What matters most"), rows, links=links)


def _table(title: Any, rows: Sequence[dict[str, Any]], *, links: Sequence[Link] = (), empty: Any = "") -> Panel:
    shown = [
        (
            each["code"], each["destination"] or NOTHING, KINDS.get(each["kind"], NOTHING), price_text(each["before"]) or NOTHING, price_text(each["price"]) or NOTHING,
            each["cost"] or NOTHING, f"{each['margin']} ({each['margin_percent']} %)" if each["margin"] else NOTHING, each["offers"],
            each["cheapest"] or NOTHING, HELD.get(each["held_by"], NOTHING), f"{each['units']:,}", each["begins"] or NOTHING,
        )
        for each in rows
    ]  # fmt: skip
    headers = (
        _("Code"), _("Destination"), _("Kind"), _("Before"), _("Price"), _("Cost"), _("Margin"), _("Offers"), _("Cheapest"), _("Held by"),
        _("Units in 30 days"), _("Begins"),
    )  # fmt: skip
    return Panel(title, headers, shown, links=links, empty=empty, right=frozenset({5, 6, 7, 10}))


class CodesForm(StaffForm):
    """Which codes of a run are shown."""

    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All kinds")), *KINDS.items()], help_text=_("What changes.")
    )
    only = forms.ChoiceField(
        label=_("Only"), required=False, choices=[("", _("All codes")), *ONLY.items()],
        help_text=_("What limits and offers have decided."),
    )  # fmt: skip
    code = forms.RegexField(
        "^[0-9]{0,18}$",
        error_messages=NOT_A_CODE,
        label=_("Code"),
        required=False,
        help_text=_("Only codes that begin so."),
    )
    page = forms.IntegerField(required=False, min_value=1, max_value=200_000, widget=forms.HiddenInput)


@site.page("prices/generator-runs/<int:run_id>/codes/", name="generated_codes", permission=Permission.TARIFFS_READ)
def generated_codes(request: HttpRequest, run_id: int) -> HttpResponse:
    """Every code of a run, by kind, by what decided its price, and by its beginning."""
    run = generated.runs().filter(pk=run_id).first()
    if run is None:
        raise NotFound("not_found", "run not found.")
    form = CodesForm(request.GET, request=request)
    panel = None
    if form.is_valid():
        asked = {name: form.cleaned_data[name] for name in ("kind", "only", "code")}
        page = form.cleaned_data["page"] or 1
        rows = generated.run_rows(
            run, kind=asked["kind"] or None, only=asked["only"] or None, code=asked["code"], limit=CODES_SHOWN + 1,
            offset=(page - 1) * CODES_SHOWN,
        )  # fmt: skip
        links = [Link(_("Previous"), _codes_address(run, **asked, page=page - 1), "chevron_left")] if page > 1 else []
        if len(rows) > CODES_SHOWN:
            links.append(Link(_("Next"), _codes_address(run, **asked, page=page + 1), "chevron_right"))
        panel = _table(_("Codes"), rows[:CODES_SHOWN], links=links)
    context = {
        "title": gettext("Prices of %(run)s") % {"run": run},
        "form": form,
        "panel": panel,
        "empty_text": _("There are no such codes in this run."),
        "back": run_address(run),
    }
    return site.render(request, "backoffice/rejects.html", context, 422 if form.errors else 200)

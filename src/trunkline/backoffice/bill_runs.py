"""Screens of bill runs: asking for the documents of many accounts, their progress, and what became of each account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import TextFilter
from unfold.decorators import display

from trunkline.backoffice.actors import name_actors
from trunkline.backoffice.base import ReadOnlyAdmin, TenantAdmin
from trunkline.backoffice.fields import DayField, WordsField
from trunkline.backoffice.filters import BeginsFilter, ChoiceFilter
from trunkline.backoffice.forms import ActionForm
from trunkline.backoffice.hints import HINTS
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import NOTHING, choice, money, row_link, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.core.period import DatePeriod, get_zone, local_date
from trunkline.identity.permissions import Permission
from trunkline.invoicing import bill_runs, queries
from trunkline.invoicing.choices import BillOutcome, BillRunState
from trunkline.invoicing.models import BillRun, BillRunAccount
from trunkline.kit.clock import now
from trunkline.tenancy.queries import current_tenant

REFUSED_ROWS: Final = 50
STATE_LABELS: Final = {"queued": "info", "running": "info", "done": "success", "failed": "danger"}
OUTCOME_LABELS: Final = {
    "waiting": "info",
    "issued": "success",
    "unchanged": "default",
    "nothing": "default",
    "refused": "danger",
}


def last_month() -> tuple[date, date]:
    """The month before this one on the operator's calendar: its first day and the first after it."""
    end = local_date(now(), get_zone(current_tenant().timezone)).replace(day=1)
    return (end - timedelta(days=1)).replace(day=1), end


class BillRunForm(ActionForm):
    """What is to be billed, and whom."""

    period_from = DayField(label=gettext_lazy("From"), help_text=gettext_lazy("First day, on each account's clock."))
    period_to = DayField(
        label=gettext_lazy("Until before"),
        help_text=gettext_lazy(
            "The first day after the period. What was used before and is on no document comes along, as late."
        ),
    )
    issued_on = DayField(
        label=gettext_lazy("Date of the invoices"),
        required=False,
        help_text=gettext_lazy(
            "Today or earlier; the day on which each is issued if left empty. Payment terms count from it."
        ),
    )
    accounts = WordsField(
        label=gettext_lazy("Accounts"),
        required=False,
        help_text=gettext_lazy("Their short names, with commas between them."),
    )

    class Meta:
        model = BillRun
        fields = ("period_from", "period_to", "issued_on", "is_early", "accounts", "is_all")
        labels = {"is_early": gettext_lazy("Early"), "is_all": gettext_lazy("All accounts")}
        help_texts = {
            "is_early": gettext_lazy("Although the period is not over: what is there by now is billed."),
            "is_all": gettext_lazy("In place of names: every account that has something to bill."),
        }

    def prepare(self) -> None:
        begin, end = last_month()
        self.initial = {"period_from": begin, "period_to": end} | dict(self.initial)

    def clean(self) -> Any:
        """Either names or all: nobody bills everybody by leaving a field empty."""
        data = super().clean() or self.cleaned_data
        if bool(data.get("accounts")) is bool(data.get("is_all")):
            self.add_error("accounts", forms.ValidationError(_("Name accounts, or choose all of them.")))
        return data


@site.screen(BillRun)
class BillRunAdmin(TenantAdmin):
    """Bill runs: what was asked for, and how far it has come."""

    permission_to_view = Permission.INVOICES_READ
    permission_to_add = Permission.INVOICES_ISSUE
    form = BillRunForm
    list_display = ("shown_period", "shown_who", "shown_state", "shown_done", "shown_refused", "shown_asker", "asked")
    list_filter = (("state", ChoiceFilter),)
    ordering = ("-pk",)
    sortable_by = ()
    change_form_outer_after_template = "backoffice/bill_run_panels.html"
    empty_text = gettext_lazy(
        "Here stands who had which invoices issued, and what became of every account. Issue some from what is unbilled."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": list(BillRunForm.Meta.fields)})]
        fields = ["shown_period", "shown_who", "issued_on", "is_early", "shown_asker", "asked", "public_id"]
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if obj is None else self.get_fieldsets(request, obj)[0][1]["fields"]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().render_change_form(request, context | {"show_save_and_add_another": False}, *args, **kwargs)

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("What is unbilled"), reverse("admin:unbilled"), "pending_actions")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Accounts may be chosen one by one on the page before."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return given | {"accounts": request.GET.getlist("accounts")}

    def load_rows(self, request: HttpRequest, rows: Sequence[BillRun]) -> None:
        tallies, askers = queries.tallies(rows), name_actors(row.asked_by for row in rows)
        for row in rows:
            row.tally, row.asker = tallies[row.pk], askers[row.asked_by]  # type: ignore[attr-defined]

    def create(self, request: HttpRequest, data: dict[str, Any]) -> BillRun:
        return bill_runs.ask(
            period=DatePeriod(data["period_from"], data["period_to"]),
            account_codes=None if data["is_all"] else data["accounts"],
            is_early=data["is_early"],
            issued_on=data["issued_on"],
            at=now(),
        )

    @display(description=gettext_lazy("Period"))
    def shown_period(self, run: BillRun) -> str:
        """From the first day until before the last."""
        return _("%(begin)s until before %(end)s") % {"begin": run.period_from, "end": run.period_to}

    @display(description=gettext_lazy("Accounts"))
    def shown_who(self, run: BillRun) -> str:
        """All of them, or how many."""
        if run.is_all:
            return _("all that have something to bill")
        return str(_tally(run).accounts)

    @display(description=gettext_lazy("State"))
    def shown_state(self, run: BillRun) -> SafeString:
        """How far it has come."""
        return state(run.state, choice(run, "state"), STATE_LABELS)

    @display(description=gettext_lazy("Issued"))
    def shown_done(self, run: BillRun) -> str:
        """Documents of how many accounts."""
        return f"{_tally(run).issued:,} / {_tally(run).accounts:,}"

    @display(description=gettext_lazy("Refused"))
    def shown_refused(self, run: BillRun) -> str:
        """Accounts without a document that should have one."""
        return f"{_tally(run).refused:,}"

    @display(description=gettext_lazy("Asked by"))
    def shown_asker(self, run: BillRun) -> str:
        """Who wanted it."""
        known: str | None = getattr(run, "asker", None)
        return known or name_actors([run.asked_by])[run.asked_by]

    @display(description=gettext_lazy("Asked"))
    def asked(self, run: BillRun) -> str:
        """When, on the operator's clock."""
        return local(run.asked_at)

    def panels(self, request: HttpRequest, run: BillRun) -> Sequence[Panel]:
        """What changes while a worker is at it: all of it is fetched again then."""
        tally = _tally(run)
        found = [_progress(run, tally)]
        if tally.issued:
            found.append(_totals(run))
        if tally.refused:
            found.append(_refused(request, run))
        if tally.issued or tally.unchanged:
            found.append(_documents(request, run))
        return found

    @verb(
        gettext_lazy("Try again"),
        permission=Permission.INVOICES_ISSUE,
        icon="redo",
        applies=lambda run: (
            run.state == BillRunState.FAILED
            or (run.state == BillRunState.DONE and run.outcomes.filter(outcome=BillOutcome.REFUSED).exists())
        ),
        text=gettext_lazy(
            "The accounts that were refused or not reached have another turn. Those that have their document keep it."
        ),
    )
    def try_again(self, request: HttpRequest, run: BillRun, data: dict[str, Any]) -> Any:
        """Do it again for accounts without a document."""
        bill_runs.try_again(bill_run_id=run.pk)
        return _("The bill run is queued again.")

    @verb(
        gettext_lazy("Stop"),
        permission=Permission.INVOICES_ISSUE,
        icon="stop_circle",
        applies=lambda run: run.state not in bill_runs.FINAL,
        text=gettext_lazy("It ends before its next account. What it has issued stays, and it can go on later."),
        is_danger=True,
    )
    def stop(self, request: HttpRequest, run: BillRun, data: dict[str, Any]) -> Any:
        """End it."""
        bill_runs.stop(bill_run_id=run.pk, at=now())
        return _("The bill run is stopped.")


def _tally(run: BillRun) -> queries.Tally:
    known: queries.Tally | None = getattr(run, "tally", None)
    if known is None:
        known = run.tally = queries.tallies([run])[run.pk]  # type: ignore[attr-defined]
    return known


def _progress(run: BillRun, tally: queries.Tally) -> Panel:
    rows: list[tuple[Any, Any]] = [(_("State"), choice(run, "state"))]
    if tally.accounts:
        done = 100 * tally.done // tally.accounts
        rows.append((_("Accounts done"), f"{tally.done:,} / {tally.accounts:,} ({done} %)"))
    elif run.state == BillRunState.DONE:
        rows.append((_("Accounts done"), _("no account has anything to bill")))
    counts = (
        (_("Issued"), tally.issued),
        (_("Issued before, nothing new"), tally.unchanged),
        (_("Nothing to bill"), tally.nothing),
        (_("Refused"), tally.refused),
    )
    rows += [(name, f"{count:,}") for name, count in counts if count]
    rows += [
        (name, local(instant))
        for name, instant in ((_("Begun"), run.started_at), (_("Ended"), run.finished_at))
        if instant is not None
    ]
    text = ""
    if run.failure:
        rows.append((_("Why it ended"), f"{in_words(run.failure_detail)} ({run.failure})"))
        text = _("What had been issued stays. The rest has its turn when you try again.")
    links = []
    if tally.accounts:
        outcomes = reverse("admin:invoicing_billrunaccount_changelist")
        links.append(Link(_("Every account"), f"{outcomes}?run={run.pk}", "list"))
    return Panel(_("Progress"), ("", ""), rows, links=links, text=text)


def _totals(run: BillRun) -> Panel:
    rows = [(currency, money(total, currency)) for currency, total in queries.totals_of(run).items()]
    return Panel(_("Issued in all"), (_("Currency"), _("Total")), rows, right=frozenset({1}))


def _refused(request: HttpRequest, run: BillRun) -> Panel:
    refused = queries.outcomes_of(run).filter(outcome=BillOutcome.REFUSED)[:REFUSED_ROWS]
    rows = [
        (
            row_link(request, each.account, each.account.code),
            each.reason,
            f"{in_words(each.detail)} {HINTS.get(each.reason, '')}",
        )
        for each in refused
    ]
    text = _("Their usage is unbilled as before. Mend the cause, then try again.")
    return Panel(_("Refused"), (_("Account"), _("Reason"), _("What is in the way")), rows, text=text)


def _documents(request: HttpRequest, run: BillRun) -> Panel:
    shown = queries.outcomes_of(run).filter(invoice__isnull=False).order_by("-invoice_id")[:PANEL_ROWS]
    rows = [
        (
            row_link(request, each.invoice, each.invoice.number),
            each.account.code,
            choice(each.invoice, "kind"),
            money(each.invoice.total, each.invoice.currency),
            choice(each, "outcome"),
        )
        for each in shown
    ]
    headers = (_("Number"), _("Account"), _("Kind"), _("Total"), _("Outcome"))
    return Panel(_("The last documents"), headers, rows, right=frozenset({3}))


class RunFilter(TextFilter):
    """One bill run, by its number."""

    title = gettext_lazy("Number of the bill run")
    parameter_name = "run"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        said = (self.value() or "").strip()
        if not said:
            return queryset
        return queryset.filter(bill_run_id=int(said)) if said.isdecimal() and len(said) < 19 else queryset.none()


@site.screen(BillRunAccount)
class BillRunAccountAdmin(ReadOnlyAdmin):
    """What became of the accounts of bill runs."""

    permission_to_view = Permission.INVOICES_READ
    list_display = ("shown_account", "shown_outcome", "shown_invoice", "shown_total", "reason", "detail", "bill_run")
    list_display_links = ("shown_account",)
    list_filter = (
        ("outcome", ChoiceFilter),
        BeginsFilter.of("account__code", gettext_lazy("Account begins with")),
        RunFilter,
    )
    list_select_related = ("account", "invoice", "bill_run")
    ordering = ("-bill_run", "account__code")
    sortable_by = ()
    fields = ("bill_run", "account", "outcome_text", "shown_invoice", "reason", "detail")
    empty_text = gettext_lazy("Here stands what became of every account of a bill run.")

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("Bill runs"), reverse("admin:invoicing_billrun_changelist"), "playlist_play")

    def links(self, request: HttpRequest, obj: BillRunAccount | None) -> Sequence[Link]:
        """Back to the run."""
        if obj is None:
            return ()
        return [
            Link(_("Bill run"), reverse("admin:invoicing_billrun_change", args=(obj.bill_run_id,)), "playlist_play")
        ]

    @display(description=gettext_lazy("Account"))
    def shown_account(self, row: BillRunAccount) -> str:
        """Whose."""
        return row.account.code

    @display(description=gettext_lazy("Outcome"))
    def outcome_text(self, row: BillRunAccount) -> str:
        """What became of it, in words."""
        return choice(row, "outcome")

    @display(description=gettext_lazy("Outcome"))
    def shown_outcome(self, row: BillRunAccount) -> SafeString:
        """What became of it."""
        return state(row.outcome, choice(row, "outcome"), OUTCOME_LABELS)

    @display(description=gettext_lazy("Invoice"))
    def shown_invoice(self, row: BillRunAccount) -> str:
        """The number of its document."""
        return row.invoice.number if row.invoice is not None else NOTHING

    @display(description=gettext_lazy("Total"))
    def shown_total(self, row: BillRunAccount) -> Any:
        """Of its document."""
        return money(row.invoice.total, row.invoice.currency) if row.invoice is not None else NOTHING

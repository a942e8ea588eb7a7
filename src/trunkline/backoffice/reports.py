"""Screens of saved reports: run, change, remove, and send them by mail on a schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from trunkline.backoffice.base import ReadOnlyAdmin
from trunkline.backoffice.fields import WordsField, translated_choices
from trunkline.backoffice.forms import StaffForm
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.report_form import FIGURES, JURISDICTIONS, PERIODS, VIEWS, key_name, summary_address
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import choice, label
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.reports import actions
from trunkline.reports.choices import AttachedFormat, DeliveryState, Every
from trunkline.reports.models import Delivery, SavedReport, Schedule
from trunkline.reports.queries import deliveries, find_schedule, zone_of
from trunkline.reports.rules import View

WEEKDAYS: Final[Mapping[int, Any]] = {
    1: gettext_lazy("Monday"),
    2: gettext_lazy("Tuesday"),
    3: gettext_lazy("Wednesday"),
    4: gettext_lazy("Thursday"),
    5: gettext_lazy("Friday"),
    6: gettext_lazy("Saturday"),
    7: gettext_lazy("Sunday"),
}
EVERY: Final[Mapping[str, Any]] = {
    Every.DAY: gettext_lazy("Every day"),
    Every.WEEK: gettext_lazy("Every week"),
    Every.MONTH: gettext_lazy("Every month"),
}
STATES: Final[Mapping[str, tuple[Any, str]]] = {
    DeliveryState.WAITING: (gettext_lazy("waiting"), "info"),
    DeliveryState.SENDING: (gettext_lazy("being sent"), "info"),
    DeliveryState.SENT: (gettext_lazy("sent"), "success"),
    DeliveryState.FAILED: (gettext_lazy("failed"), "danger"),
    DeliveryState.UNCERTAIN: (gettext_lazy("perhaps sent"), "warning"),
}
# What the options of a kept question are called, in the order in which they are shown.
WORDS: Final[Mapping[str, Any]] = {
    "from": gettext_lazy("From"),
    "to": gettext_lazy("Until before"),
    "zone": gettext_lazy("Time zone"),
    "account": gettext_lazy("Customer"),
    "vendor": gettext_lazy("Vendor"),
    "destination": gettext_lazy("Destination"),
    "country": gettext_lazy("Country"),
    "group": gettext_lazy("Group of destinations"),
    "tag": gettext_lazy("Tag"),
    "compare": gettext_lazy("Compare with"),
    "as_of": gettext_lazy("As billed on"),
}


class ScheduleForm(StaffForm):
    """When a report goes out, to whom and as what."""

    every = forms.ChoiceField(
        label=gettext_lazy("How often"), choices=list(EVERY.items()),
        help_text=gettext_lazy("With a period that moves, each mail has the days before it."),
    )  # fmt: skip
    on_day = forms.IntegerField(
        label=gettext_lazy("On day"), required=False, min_value=1, max_value=31,
        help_text=gettext_lazy("Of a week 1 (Monday) to 7 (Sunday), of a month 1 to 31; empty for every day."),
    )  # fmt: skip
    at_time = forms.TimeField(
        label=gettext_lazy("At"), initial="06:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("On the clock of the report's time zone."),
    )  # fmt: skip
    recipients = WordsField(
        label=gettext_lazy("Recipients"), max_length=3000,
        help_text=gettext_lazy("Mail addresses with commas between them, up to 20. Each sees the others."),
    )  # fmt: skip
    format = forms.ChoiceField(
        label=gettext_lazy("File"),
        choices=translated_choices(AttachedFormat.choices),
        help_text=gettext_lazy("What hangs on the mail."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=list(settings.LANGUAGES), help_text=gettext_lazy("Of the mail's words.")
    )

    def prepare(self) -> None:
        """What the schedule says now."""
        schedule = None if self.obj is None else find_schedule(self.obj)
        if schedule is not None:
            self.initial = {
                name: getattr(schedule, name)
                for name in ("every", "on_day", "at_time", "recipients", "format", "language")
            }


def when(schedule: Schedule) -> str:
    """How often a report goes out, in words."""
    at = f"{schedule.at_time:%H:%M}"
    if schedule.every == Every.WEEK:
        return _("every %(day)s at %(time)s") % {"day": WEEKDAYS[schedule.on_day or 1], "time": at}
    if schedule.every == Every.MONTH:
        return _("every month on day %(day)s at %(time)s") % {"day": schedule.on_day, "time": at}
    return _("every day at %(time)s") % {"time": at}


def state_label(delivery: Delivery) -> Any:
    """The state of a mail as a label."""
    text, kind = STATES[delivery.state]
    return label(text, kind)


@site.screen(SavedReport)
class SavedReportAdmin(ReadOnlyAdmin):
    """Reports that are kept by name."""

    permission_to_view = Permission.REPORTS_READ
    list_display = ("name", "groups", "period", "mail", "last_mail")
    search_fields = ("name",)
    search_help_text = gettext_lazy("A part of the name")
    ordering = ("name",)
    fields = ("name",)
    empty_text = gettext_lazy(
        "Keep a report here: ask on the Summary page, then keep it as a template. Or add the usual ones."
    )

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("Summary"), reverse("admin:summary"), "bar_chart")

    def load_rows(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        ids = [row.pk for row in rows]
        schedules = {each.report_id: each for each in Schedule.objects.filter(report__in=ids)}
        newest = Delivery.objects.filter(report__in=ids).order_by("report", "-due_at", "-pk").distinct("report")
        mails = {each.report_id: each for each in newest}
        for row in rows:
            row.schedule, row.newest = schedules.get(row.pk), mails.get(row.pk)

    @display(description=gettext_lazy("Grouped by"))
    def groups(self, report: SavedReport) -> str:
        return _groups(report.asked)

    @display(description=gettext_lazy("Period"))
    def period(self, report: SavedReport) -> str:
        return _period(report.asked)

    @display(description=gettext_lazy("By mail"))
    def mail(self, report: Any) -> str:
        return when(report.schedule) if report.schedule is not None else "–"

    @display(description=gettext_lazy("Last mail"))
    def last_mail(self, report: Any) -> Any:
        return state_label(report.newest) if report.newest is not None else "–"

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        if obj is None:
            return ()
        address = summary_address(obj.asked)
        found = [Link(_("Run"), address, "play_arrow")]
        if principal_of(request).may(Permission.REPORTS_WRITE):
            found.append(Link(_("Change"), f"{address}&{urlencode({'kept': obj.name})}", "edit"))
        return found

    def panels(self, request: HttpRequest, report: SavedReport) -> Sequence[Panel]:
        """What is asked, how it goes out, and what became of the mails."""
        return [_question_panel(report), _schedule_panel(report), _mails_panel(report)]

    @verb(
        gettext_lazy("Send by mail"), permission=Permission.REPORTS_WRITE, icon="schedule_send", form=ScheduleForm,
        text=gettext_lazy("The report is made anew each time and hangs on the mail as a file."), submit=gettext_lazy("Save"),
    )  # fmt: skip
    def schedule(self, request: HttpRequest, report: SavedReport, data: dict[str, Any]) -> Any:
        said = {name: data[name] for name in ("every", "on_day", "at_time", "recipients", "language")}
        made = actions.schedule_report(name=report.name, kind=data["format"], at=now(), **said)
        return _("It goes out %(when)s.") % {"when": when(made)}

    @verb(
        gettext_lazy("Send now"), permission=Permission.REPORTS_WRITE, icon="send",
        applies=lambda report: find_schedule(report) is not None,
        text=gettext_lazy("A worker makes the report of now and sends it to those of the schedule, besides the planned mails."),
    )  # fmt: skip
    def send_now(self, request: HttpRequest, report: SavedReport, data: dict[str, Any]) -> Any:
        actions.send_report(name=report.name, at=now())
        return _("It is on its way.")

    @verb(
        gettext_lazy("Send no more"), permission=Permission.REPORTS_WRITE, icon="cancel_schedule_send",
        applies=lambda report: find_schedule(report) is not None,
        text=gettext_lazy("The report stays; no further mail goes out."),
    )  # fmt: skip
    def unschedule(self, request: HttpRequest, report: SavedReport, data: dict[str, Any]) -> Any:
        actions.unschedule_report(name=report.name)
        return _("It goes out no more.")

    @verb(
        gettext_lazy("Remove"), permission=Permission.REPORTS_WRITE, icon="delete", is_danger=True,
        text=gettext_lazy("The question is forgotten, with its schedule. Which mails went out to whom stays known."),
    )  # fmt: skip
    def remove(self, request: HttpRequest, report: SavedReport, data: dict[str, Any]) -> Any:
        actions.remove_report(name=report.name)
        messages.success(request, _("%(name)s is removed.") % {"name": report.name})
        return HttpResponseRedirect(self.url("changelist"))

    @verb(
        gettext_lazy("Add the usual reports"), permission=Permission.REPORTS_WRITE, icon="library_add", on_list=True,
        text=gettext_lazy(
            "Margin by customer, by customer and destination, by destination and vendor; traffic by day; quality of vendors; why calls "
            "fail. What has such a name stays as it is."
        ),
    )  # fmt: skip
    def usual(self, request: HttpRequest, obj: None, data: dict[str, Any]) -> Any:
        count = len(actions.save_usual_reports())
        return ngettext("%(count)d report was added.", "%(count)d reports were added.", count) % {"count": count}


def _groups(asked: Mapping[str, str]) -> str:
    keys = [part.strip() for part in asked.get("by", "").split(",") if part.strip()]
    return ", ".join(key_name(key) for key in keys) or _("nothing: totals alone")


def _period(asked: Mapping[str, str]) -> str:
    if asked.get("period"):
        return str(PERIODS[asked["period"]])
    first, last = asked.get("from", ""), asked.get("to", "")
    if first and last:
        return _("%(begin)s until before %(end)s") % {"begin": first, "end": last}
    if first:
        return _("from %(begin)s") % {"begin": first}
    return _("until before %(end)s") % {"end": last} if last else _("all days")


def _question_panel(report: SavedReport) -> Panel:
    asked: dict[str, str] = report.asked
    rows: list[tuple[Any, Any]] = [
        (_("Report"), VIEWS[asked.get("view", View.SUMMARY)]),
        (_("Period"), _period(asked)),
        (_("Grouped by"), _groups(asked)),
    ]
    if asked.get("figures"):
        rows.append((_("Columns"), ", ".join(str(FIGURES[name.strip()]) for name in asked["figures"].split(","))))
    rows += [(WORDS[name], asked[name]) for name in WORDS if asked.get(name) and name not in ("from", "to")]
    if asked.get("jurisdiction"):
        rows.append((_("Jurisdiction"), JURISDICTIONS[asked["jurisdiction"].lower()]))
    if asked.get("sort"):
        rows.append((_("Greatest first by"), FIGURES[asked["sort"]]))
    return Panel(_("What is asked"), ("", ""), rows, links=[Link(_("Run"), summary_address(asked), "play_arrow")])


def _schedule_panel(report: SavedReport) -> Panel:
    schedule = find_schedule(report)
    rows: list[tuple[Any, Any]] = []
    if schedule is not None:
        zone = zone_of(report.asked)
        following = schedule.plan.next(now(), zone).astimezone(zone)
        rows = [
            (_("When"), f"{when(schedule)} ({zone.key})"),
            (_("Next mail"), f"{following:%Y-%m-%d %H:%M}"),
            (_("To"), ", ".join(schedule.recipients)),
            (_("File"), choice(schedule, "format")),
        ]
    return Panel(_("By mail"), ("", ""), rows, empty=_("It does not go out by mail."))


def _mails_panel(report: SavedReport) -> Panel:
    zone = zone_of(report.asked)
    rows = [
        (
            f"{each.due_at.astimezone(zone):%Y-%m-%d %H:%M}",
            state_label(each),
            ", ".join(each.recipients),
            "–" if each.rows is None else f"{each.rows:,}",
            in_words(each.failure_detail) or "–",
        )
        for each in deliveries(report)[:PANEL_ROWS]
    ]
    headers = (_("Planned"), _("State"), _("To"), _("Rows"), _("What is in the way"))
    return Panel(_("Mails"), headers, rows, empty=_("None has gone out yet."), right=frozenset({3}))

"""The Summary: a report asked and answered on one page, given as a file, kept as a template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import numpy as np
from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from trunkline.backoffice.forms import StaffForm, refuse
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.report_form import FIGURES, USUAL_NAMES, ReportForm, is_asked, key_name, summary_address
from trunkline.backoffice.site import site
from trunkline.core.errors import Invalid, TrunklineError
from trunkline.core.period import get_zone, local_date, local_text
from trunkline.identity.outside import Outside
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.reports.actions import NAME_MAX, save_report
from trunkline.reports.chart import PAGE, as_svg, chart_of
from trunkline.reports.export import NONE, cell_text
from trunkline.reports.files import MEDIA, FileFormat, open_file
from trunkline.reports.period import Preset
from trunkline.reports.presets import USUAL
from trunkline.reports.queries import Question, build, gather, parse_question, saved_reports
from trunkline.reports.report import Aspect, Figure, Report, Row
from trunkline.reports.rules import Column, Key, Kind
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.queries import last_hour
from trunkline.usage.segments import WEB, retry_when_moved

ROWS_MAX: Final = 200  # on a page; a file has all of them
TEMPLATES_MAX: Final = 30
FILE: Final = "file"  # the same address with this gives a file
TO_BEGIN_WITH: Final = {"period": Preset.LAST_7_DAYS, "by_1": Key.DAY}


class KeepForm(StaffForm):
    """The name of a template."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=NAME_MAX, help_text=gettext_lazy("One of the same name is replaced.")
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A report, or what is in its way."""

    report: Report | None = None
    problem: TrunklineError | None = None


@site.page("reports/summary/", name="summary", permission=Permission.REPORTS_READ)
def summary(request: HttpRequest) -> HttpResponseBase:
    """The form, and below it the answer. What is asked stands in the address, so that it can be handed on."""
    form = ReportForm(request.GET if is_asked(request.GET) else None, initial=TO_BEGIN_WITH, request=request)
    is_kept = request.method == "POST"
    keep = KeepForm(request.POST if is_kept else None, initial={"name": request.GET.get("kept", "")}, request=request)
    if is_kept:
        principal_of(request).require(Permission.REPORTS_WRITE)
        done = _keep(request, form, keep)
        if done is not None:
            return done
    if not form.is_bound or not form.is_valid():
        return _page(request, form, keep, None)
    at = now()
    try:
        question = parse_question(form.asked())
        question.columns()
    except TrunklineError as error:
        refuse(form, error)
        return _page(request, form, keep, None)
    wanted = next((kind for kind in FileFormat if kind.value == request.GET.get(FILE)), None)

    def shown(answer: Answer) -> HttpResponseBase:
        return _page(request, form, keep, answer) if wanted is None else _file(answer, wanted, at)

    return Outside(lambda: _answer(request, question, at), shown)


def _file(answer: Answer, kind: FileFormat, at: datetime) -> HttpResponseBase:
    """The same answer as a file, with all rows."""
    if answer.report is None:
        raise answer.problem or Invalid("bad_report", "The report cannot be understood.")
    name = f"{answer.report.view.value}-{local_date(at, get_zone(answer.report.zone)):%Y-%m-%d}.{kind.value}"
    file = open_file(answer.report, kind, at=at)
    return FileResponse(file, as_attachment=True, filename=name, content_type=MEDIA[kind])


def _answer(request: HttpRequest, question: Question, at: datetime) -> Answer:
    """The report, made while no scope is open."""
    principal = principal_of(request)

    def work() -> Report:
        with scope(principal.tenant_id, principal.actor):
            gathered = gather(question, at=at)
        return build(question, gathered, WEB)

    try:
        return Answer(report=retry_when_moved(work))
    except TrunklineError as error:
        return Answer(problem=error)


def _keep(request: HttpRequest, form: ReportForm, keep: KeepForm) -> HttpResponse | None:
    """Keep what is asked under a name; None where that cannot be, which the forms then say."""
    if not (form.is_bound and form.is_valid() and keep.is_valid()):
        return None
    try:
        report, is_new = save_report(name=keep.cleaned_data["name"].strip(), asked=form.asked())
    except TrunklineError as error:
        refuse(keep, error)
        return None
    said = _("%(name)s is kept.") if is_new else _("%(name)s is replaced.")
    messages.success(request, said % {"name": report.name})
    return HttpResponseRedirect(reverse("admin:reports_savedreport_change", args=(report.pk,)))


def _page(request: HttpRequest, form: ReportForm, keep: KeepForm, answer: Answer | None) -> HttpResponse:
    report = None
    if answer is not None and answer.problem is not None:
        refuse(form, answer.problem)
    elif answer is not None:
        report = answer.report
    context: dict[str, Any] = {
        "title": _("Summary"),
        "form": form,
        "keep": keep if principal_of(request).may(Permission.REPORTS_WRITE) else None,
        "zone": current_tenant().timezone,
        "templates": _templates() if not form.is_bound else [],
        "query": request.GET.urlencode(),
        "report": report,
    }
    if report is not None:
        context |= {
            "heading": title_of(report),
            "chart": _chart(report, form.cleaned_data["measure"]),
            "panel": _panel(report),
            "files": [(kind.value.upper(), _file_address(request.GET, kind)) for kind in FileFormat],
            "elsewhere": _elsewhere(report, request.GET) if not report.totals.attempts else None,
        }
    is_wrong = form.errors or keep.errors
    return site.render(request, "backoffice/summary.html", context, 422 if is_wrong else 200)


def _templates() -> list[Link]:
    """Questions to begin with: those that are kept, then the usual ones."""
    kept = [Link(each.name, summary_address(each.asked), "bookmark") for each in saved_reports()[:TEMPLATES_MAX]]
    names = {str(each.text) for each in kept}
    usual = [
        Link(USUAL_NAMES[name], summary_address(asked), "bar_chart")
        for name, asked in USUAL.items()
        if name not in names
    ]
    return [*kept, *usual]


def _file_address(query: QueryDict, kind: FileFormat) -> str:
    asked = query.copy()
    asked[FILE] = kind.value
    return f"?{asked.urlencode()}"


def _elsewhere(report: Report, query: QueryDict) -> Link | None:
    """The same of the last 30 days that had traffic, where this period has none."""
    last = last_hour()
    if last is None:
        return None
    end = local_date(last, get_zone(report.zone)) + timedelta(days=1)
    asked = query.copy()
    for name in ("period", "compare", "compare_from", "compare_to", "as_of"):
        asked.pop(name, None)
    asked["from"], asked["to"] = (end - timedelta(days=30)).isoformat(), end.isoformat()
    text = _("The last traffic was on %(day)s: look at the 30 days until then.")
    return Link(text % {"day": end - timedelta(days=1)}, f"?{asked.urlencode()}")


def title_of(report: Report) -> str:
    """Which days of which zone, in which currency; what they are compared with; as it was when."""
    parts = [_days(report.start_from, report.start_to, report.zone), report.zone]
    if report.compared is not None:
        before = _days(report.compared.start_from, report.compared.start_to, report.zone)
        parts.append(_("compared with %(period)s") % {"period": before})
    if report.as_of is not None:
        parts.append(_("as billed on %(day)s") % {"day": local_text(report.as_of, report.zone)})
    parts.append(_("amounts in %(currency)s") % {"currency": report.currency})
    return ", ".join(parts)


def _days(begin: datetime | None, end: datetime | None, zone: str) -> str:
    first, last = local_text(begin, zone), local_text(end, zone)
    if first and last:
        return _("%(begin)s until before %(end)s") % {"begin": first, "end": last}
    if first:
        return _("from %(begin)s") % {"begin": first}
    return _("until before %(end)s") % {"end": last} if last else _("all days")


def _chart(report: Report, measure: str) -> SafeString | None:
    """The picture of it, where it can be drawn. It is our own SVG, every text in it escaped."""
    if len(report.keys) not in (1, 2) or (len(report.keys) == 2 and report.compared) or not len(report.groups):
        return None
    column = measure if any(each.name == measure for each in report.columns) else ""
    shown = str(FIGURES[column or report.columns[0].name])
    title = f"{shown}: {', '.join(key_name(key) for key in report.keys)}"
    return SafeString(as_svg(chart_of(report, column, title=title), PAGE))


def _panel(report: Report) -> Panel:
    """The first rows, the totals last."""
    shown = report.groups.take(np.arange(min(len(report.groups), ROWS_MAX)))
    rows = [_cells(report, row) for row in replace(report, groups=shown).rows()]
    totals = _cells(report, Row(tuple("" for _key in report.keys), report.totals, report.totals_before))
    if report.keys:
        totals[0] = _("Total")
    rows.append([format_html("<strong>{}</strong>", cell) for cell in totals])
    headers = [
        *(key_name(key) for key in report.keys),
        *(_heading(column, report.currency) for column in report.columns),
    ]
    left = len(report.groups) - len(shown)
    text = ""
    if left:
        text = _("The first %(shown)s of %(all)s rows; the files have all of them.") % {
            "shown": f"{len(shown):,}",
            "all": f"{len(report.groups):,}",
        }
    right = frozenset(range(len(report.keys), len(headers)))
    count = len(report.groups)
    title = ngettext("%(count)s row", "%(count)s rows", count) % {"count": f"{count:,}"}
    return Panel(title, headers, rows, text=text, right=right)


def _heading(column: Column, currency: str) -> str:
    name = str(FIGURES[column.name])
    return f"{name} {currency}" if column.kind is Kind.MONEY else name


def _cells(report: Report, row: Row) -> list[Any]:
    keys = [NONE if value is None else str(value) for value in row.values]
    return [*keys, *(_figure(report, column, row) for column in report.columns)]


def _figure(report: Report, column: Column, row: Row) -> Any:
    """A figure; where periods are compared, below it what was before and how much that has changed."""

    def text(aspect: Aspect) -> str:
        value = Figure(column, aspect).value(row.sums, row.before)
        if isinstance(value, str) and column.name.endswith("minutes") and aspect is not Aspect.CHANGE_PERCENT:
            value = str(Decimal(value).quantize(Decimal("0.1"), ROUND_HALF_UP))  # a file has four decimals
        return f"{Decimal(value):,}" if isinstance(value, str) else cell_text(value, report.currency)

    if report.compared is None:
        return text(Aspect.NOW)
    change = text(Aspect.CHANGE_PERCENT)
    sign = "" if change == NONE or change.startswith("-") else "+"
    said = "" if change == NONE else f" ({sign}{change} %)"
    return format_html('{}<br><span class="text-subtle">{}{}</span>', text(Aspect.NOW), text(Aspect.BEFORE), said)

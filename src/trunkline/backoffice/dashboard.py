"""The first page: how business goes, what is in progress, and what needs a person."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import money, row_link
from trunkline.core.period import first_instant, get_zone, local_date
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.choices import BatchState
from trunkline.usage.proposals import open_proposals
from trunkline.usage.queries import HourSums, count_rejects, last_hour, list_batches, sum_hours
from trunkline.usage.sources.queries import open_alarms


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """What the dashboard shows to whoever asks: a panel for each thing that they may see."""
    may = principal_of(request).may
    panels: list[Panel] = []
    if may(Permission.REPORTS_READ):
        panels.append(_business())
    if may(Permission.USAGE_READ):
        panels += [_in_progress(request), _needs_a_person(request, sees_sources=may(Permission.SOURCES_READ))]
    return {"panels": panels}


def _business() -> Panel:
    """Figures of today, of 7 and of 30 days; where these had no traffic also of the 30 days to the last that had."""
    tenant = current_tenant()
    zone = get_zone(tenant.timezone)
    today = local_date(now(), zone)
    columns = [(_("Today"), _sums(today, 1)), (_("7 days"), _sums(today, 7)), (_("30 days"), _sums(today, 30))]
    last = last_hour()
    if last is not None and not columns[-1][1].attempts:
        day = local_date(last, zone)
        columns.append((_("30 days to %(day)s") % {"day": day}, _sums(day, 30)))
    sums = [each for _title, each in columns]
    rows = [
        (_("Revenue"), *(money(each.revenue, tenant.currency) for each in sums)),
        (_("Cost"), *(money(each.cost, tenant.currency) for each in sums)),
        (_("Margin"), *(money(each.margin, tenant.currency) for each in sums)),
        (_("Minutes"), *(f"{each.seconds // 60:,}" for each in sums)),
        (_("Attempts"), *(f"{each.attempts:,}" for each in sums)),
        (_("ASR"), *(_share(each.connected, each.attempts) for each in sums)),
        (_("ACD"), *(_mean(each.seconds, each.connected) for each in sums)),
    ]
    return Panel(
        _("Business"),
        ["", *(title for title, _sums_of in columns)],
        rows,
        right=frozenset(range(1, len(columns) + 1)),
        text=_("Days are those of %(zone)s; money is in %(currency)s.")
        % {"zone": tenant.timezone, "currency": tenant.currency},
    )


def _sums(last: date, days: int) -> HourSums:
    """Of so many local days, `last` being the last."""
    zone = get_zone(current_tenant().timezone)
    return sum_hours(first_instant(last - timedelta(days - 1), zone), first_instant(last + timedelta(1), zone))


def _share(part: int, whole: int) -> str:
    """A share in percent with one digit, half up."""
    if not whole:
        return "–"
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10} %"


def _mean(seconds: int, calls: int) -> str:
    """Minutes and seconds of a mean call."""
    mean = 0 if not calls else (2 * seconds + calls) // (2 * calls)
    return "–" if not calls else f"{mean // 60}:{mean % 60:02}"


def _in_progress(request: HttpRequest) -> Panel:
    found = [
        batch
        for state in (BatchState.RUNNING, BatchState.REGISTERED)
        for batch in list_batches(state=state, limit=PANEL_ROWS)
    ]
    rows = [
        (row_link(request, batch, batch.name), batch.get_state_display(), _share(batch.progress_octets, batch.octets))
        for batch in found[:PANEL_ROWS]
    ]
    return Panel(
        _("Files in progress"),
        [_("File"), _("State"), _("Done")],
        rows,
        empty=_("Nothing is in progress."),
        links=[Link(_("All files"), reverse("admin:usage_batch_changelist"), "inventory_2")],
        right=frozenset({2}),
    )


def _needs_a_person(request: HttpRequest, *, sees_sources: bool) -> Panel:
    """What waits for somebody: each kind with a way to it."""
    rejects, proposals = count_rejects(), open_proposals()
    failed = list_batches(state=BatchState.FAILED, limit=PANEL_ROWS)
    rows: list[tuple[Any, ...]] = [(row_link(request, batch, batch.name), batch.failure_detail) for batch in failed]
    if sees_sources:
        rows += [
            (row_link(request, alarm.source, alarm.source.name), alarm.get_kind_display()) for alarm in open_alarms()
        ]
    if proposals:
        link = Link(_("Prices of the past were changed"), reverse("admin:rerating"))
        rows.append((link, _("%(count)s proposals of re-rating are open.") % {"count": len(proposals)}))
    if rejects:
        link = Link(_("Rejects"), reverse("admin:rejects"))
        rows.append((link, _("%(count)s records wait for their cause to be mended.") % {"count": f"{rejects:,}"}))
    return Panel(_("What needs a person"), [_("What"), _("Why")], rows[:PANEL_ROWS], empty=_("Nothing waits for you."))

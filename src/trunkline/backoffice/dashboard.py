"""The first page: how business goes, what is in progress, and what needs a person."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from trunkline.backoffice.business import ATTEMPTS, MEASURES, Traffic, course_rows, ratio, tiles
from trunkline.backoffice.deal_panels import alarm_rows
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import NOTHING, choice, money, row_link
from trunkline.backoffice.site import site
from trunkline.core.octets import shown_octets
from trunkline.core.period import get_zone, local_date
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.ledger.choices import AccountClass
from trunkline.ledger.queries import standing_of
from trunkline.pricing.deals.queries import alarms_for_people
from trunkline.pricing.mailbox.queries import failing_mailboxes, waiting_mails
from trunkline.pricing.notifications.queries import wrong_mails
from trunkline.reports.queries import wrong_deliveries
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.storage import storage
from trunkline.usage.choices import BatchState
from trunkline.usage.proposals import open_proposals
from trunkline.usage.queries import count_reject_reasons, count_rejects, last_hour, list_batches
from trunkline.usage.reasons import Reason
from trunkline.usage.sources.queries import open_alarms

PERIODS: Final[tuple[tuple[int, Any], ...]] = (
    (1, gettext_lazy("Today")),
    (7, gettext_lazy("7 days")),
    (30, gettext_lazy("30 days")),
)
USUAL: Final = 7
BUSY_S, QUIET_S = 3, 20  # until the files in progress are asked for again
REASONS_SHOWN: Final = 5


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """What the dashboard shows to whoever asks: a panel for each thing that they may see."""
    may = principal_of(request).may
    panels: list[Panel] = []
    context: dict[str, Any] = {"panels": panels}
    if may(Permission.REPORTS_READ):
        context |= _business(request)
    if may(Permission.USAGE_READ):
        context |= _followed(request)
        panels.append(_needs_a_person(request))
        panels.append(_mismatches())
    if may(Permission.LEDGER_READ):
        panels.append(_unbilled(request))
    return context


@site.page("dashboard/progress/", name="dashboard_progress", permission=Permission.USAGE_READ)
def progress(request: HttpRequest) -> HttpResponse:
    """The files in progress by themselves: what the dashboard asks for again and again."""
    return site.render(request, "backoffice/dashboard_progress.html", _followed(request))


def _followed(request: HttpRequest) -> dict[str, Any]:
    panel = _in_progress(request)
    return {"progress": panel, "follow_seconds": BUSY_S if panel.rows else QUIET_S}


def _business(request: HttpRequest) -> dict[str, Any]:
    """Figures of today, of 7 or of 30 days; where the last 30 had no traffic, of those to the last day that had."""
    tenant = current_tenant()
    zone = get_zone(tenant.timezone)
    given = request.GET.get("days", "")
    days = next((each for each, _title in PERIODS if str(each) == given), USUAL)
    traffic = Traffic.read(local_date(now(), zone), zone)
    note = ""
    if not traffic.sums(30).attempts and (last := last_hour()) is not None:
        day = local_date(last, zone)
        traffic = Traffic.read(day, zone)
        note = _("There was no traffic in the last 30 days: this is how it was on %(day)s.") % {"day": day}
    columns = [traffic.sums(each) for each, _title in PERIODS]
    rows = [
        (measure.title, *(measure.shown(sums, tenant.currency) for sums in columns))
        for measure in (*MEASURES, ATTEMPTS)
    ]
    about = {"zone": tenant.timezone, "currency": tenant.currency}
    titles = [_("Last day") if note and each == 1 else str(title) for each, title in PERIODS]
    links = []
    if traffic.by_hour:
        asked = {"by_1": "day", "from": min(name for name, _sums in traffic.course(30))}
        links.append(
            Link(_("By day, customer or destination"), f"{reverse('admin:summary')}?{urlencode(asked)}", "bar_chart")
        )
    return {
        "note": note,
        "tabs": [
            {"title": title, "url": f"?days={each}", "is_here": each == days}
            for (each, _title), title in zip(PERIODS, titles, strict=True)
        ],
        "tiles": tiles(traffic, days, tenant.currency) if traffic.by_hour else [],
        "course": Panel(
            _("By hour") if days == 1 else _("By day"),
            [_("Hour") if days == 1 else _("Day"), *(each.title for each in (*MEASURES, ATTEMPTS))],
            course_rows(traffic, days, tenant.currency),
            right=frozenset(range(1, 8)),
        ),
        "business": Panel(
            _("Altogether"),
            ["", *titles],
            rows,
            right=frozenset(range(1, 4)),
            text=_("Days are those of %(zone)s; money is in %(currency)s.") % about,
            links=links,
        ),
    }


def _share(part: int, whole: int) -> str:
    """A share in percent."""
    tenths = ratio(1000 * part, whole)
    return NOTHING if tenths is None else f"{tenths // 10}.{tenths % 10} %"


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


def _open_proposals(count: int) -> str:
    text = ngettext("%(count)s proposal of re-rating is open.", "%(count)s proposals of re-rating are open.", count)
    return text % {"count": count}


def _waiting_rejects(count: int) -> str:
    text = ngettext(
        "%(count)s record waits for its cause to be mended.",
        "%(count)s records wait for their cause to be mended.",
        count,
    )
    return text % {"count": f"{count:,}"}


def _needs_a_person(request: HttpRequest) -> Panel:
    """What waits for somebody: each kind with a way to it."""
    may = principal_of(request).may
    rejects, proposals = count_rejects(), open_proposals()
    failed = list_batches(state=BatchState.FAILED, limit=PANEL_ROWS)
    rows: list[tuple[Any, ...]] = _storage_rows(request)
    rows += [(row_link(request, batch, batch.name), in_words(batch.failure_detail)) for batch in failed]
    if may(Permission.SOURCES_READ):
        rows += [(row_link(request, alarm.source, alarm.source.name), choice(alarm, "kind")) for alarm in open_alarms()]
    if may(Permission.TARIFFS_READ):
        rows += alarm_rows(request, alarms_for_people(PANEL_ROWS))
        rows += [
            (row_link(request, each), _("A rate sheet by mail: %(state)s.") % {"state": choice(each, "state")})
            for each in waiting_mails()
        ]
        rows += [(row_link(request, each.mailbox), in_words(each.failure_detail)) for each in failing_mailboxes()]
        rows += [
            (
                row_link(request, each.notification),
                _("The mail to %(address)s with its prices did not go out: %(why)s")
                % {"address": each.address, "why": in_words(each.failure_detail)},
            )
            for each in wrong_mails()
        ]
    if may(Permission.REPORTS_READ):
        rows += [
            (
                row_link(request, mail.report, mail.name),
                _("Its mail did not go out: %(why)s") % {"why": in_words(mail.failure_detail)},
            )
            for mail in wrong_deliveries()
        ]
    if proposals:
        link = Link(_("Prices of the past were changed"), reverse("admin:rerating"))
        rows.append((link, _open_proposals(len(proposals))))
    if rejects:
        link = Link(_("Rejects"), reverse("admin:rejects"))
        rows.append((link, _waiting_rejects(rejects)))
    return Panel(_("What needs a person"), [_("What"), _("Why")], rows[:PANEL_ROWS], empty=_("Nothing waits for you."))


def _storage_rows(request: HttpRequest) -> list[tuple[Any, ...]]:
    """That what may be stored is used up, or nearly."""
    stored = storage()
    if not stored.is_near:
        return []
    may = principal_of(request).may(Permission.SETTINGS_READ)
    what = Link(_("Storage"), reverse("admin:settings")) if may else _("Storage")
    figures = {"stored": shown_octets(stored.octets), "quota": shown_octets(stored.quota or 0)}
    if stored.has_room(1):
        return [(what, _("%(stored)s of %(quota)s are used. Ask whoever runs this installation for more.") % figures)]
    return [(what, _("%(stored)s of %(quota)s are used: nothing new is taken until there is more room.") % figures)]


def _mismatches() -> Panel:
    """Why records were not taken, most first."""
    counts = count_reject_reasons()
    known = {str(each.value): each for each in Reason}
    rows = [
        (
            Link(reason, f"{reverse('admin:rejects')}?{urlencode({'reason': reason})}"),
            in_words(known[reason].meaning) if reason in known else "",
            f"{count:,}",
        )
        for reason, count in list(counts.items())[:REASONS_SHOWN]
    ]
    return Panel(
        _("Mismatches"),
        [_("Reason"), _("What is wrong"), _("Records")],
        rows,
        empty=_("Every record has found its customer, its vendor and its price."),
        right=frozenset({2}),
    )


def _unbilled(request: HttpRequest) -> Panel:
    """What was used and stands on no invoice, by currency, as the books say it."""
    sold, bought = standing_of(AccountClass.UNBILLED_RECEIVABLE, AccountClass.UNBILLED_PAYABLE)
    rows = [
        (
            currency,
            money(sold[currency], currency) if currency in sold else NOTHING,
            money(-bought[currency], currency) if currency in bought else NOTHING,
        )
        for currency in sorted({*sold, *bought})
    ]
    links = [Link(_("By account"), reverse("admin:unbilled"), "pending_actions")]
    return Panel(
        _("Unbilled"),
        [_("Currency"), _("Used by customers"), _("Used of vendors")],
        rows,
        empty=_("Everything that was used is on an invoice."),
        links=links if principal_of(request).may(Permission.INVOICES_READ) else [],
        right=frozenset({1, 2}),
    )

"""How a swap deal stands, in tables: progress with bars, worth, periods, alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.deal_form import DIRECTIONS
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import NOTHING, days, label, money, row_link, state
from trunkline.backoffice.words import local
from trunkline.core.money import Amount
from trunkline.kit.clock import now
from trunkline.pricing.deals.progress import Progress
from trunkline.pricing.deals.queries import Standing, standings
from trunkline.pricing.deals.terms import Direction, Item
from trunkline.pricing.deals.told import minutes_text
from trunkline.pricing.models import Deal, DealAlarm

STATUS_LABELS: Final = {"pending": "info", "in_process": "primary", "success": "success", "fail": "danger"}
ALARM_LABELS: Final = {"behind": "warning", "achieved": "success", "failed": "danger"}
FULL: Final = 100
STATUSES: Final[Mapping[str, Any]] = {
    "pending": gettext_lazy("pending"),
    "in_process": gettext_lazy("in process"),
    "success": gettext_lazy("success"),
    "fail": gettext_lazy("fail"),
}
ALARMS: Final[Mapping[str, Any]] = {
    "behind": gettext_lazy("the commitment will be missed"),
    "achieved": gettext_lazy("the commitment is kept"),
    "failed": gettext_lazy("the commitment was missed"),
}
MAILS: Final[Mapping[str, Any]] = {
    "none": gettext_lazy("nobody is told by mail"),
    "waiting": gettext_lazy("waiting"),
    "sending": gettext_lazy("being sent"),
    "sent": gettext_lazy("sent"),
    "failed": gettext_lazy("failed"),
    "uncertain": gettext_lazy("uncertain"),
}


def standing(deal: Deal) -> Standing:
    """How it stands now; computed once a page."""
    known: Standing | None = getattr(deal, "stands", None)
    if known is None:
        (known,) = standings([deal], at=now())
        deal.stands = known  # type: ignore[attr-defined]
    return known


def _bar(percent: int) -> SafeString:
    """A bar of how much of a promise is there; what is beyond it is said in figures."""
    return format_html(
        '<span class="office-whole"><progress class="office-share" value="{}" max="{}"></progress> {} %</span>',
        min(max(percent, 0), FULL),
        FULL,
        percent,
    )


def bars(standing: Standing, direction: Direction) -> SafeString:
    """The bars of the items of one direction in the period of today."""
    found = [each for each in standing.current.items if each.item.direction is direction]
    if not found:
        return SafeString(NOTHING)
    return _one_above_the_other(found)


def _one_above_the_other(found: Iterable[Progress]) -> SafeString:
    return format_html(
        "<span>{}</span>", format_html_join(SafeString("<br>"), "{}", ((_bar(each.percent),) for each in found))
    )


def _named(item: Item) -> str:
    return ", ".join([*sorted(item.destinations), *sorted(item.codes)]) or _("all other traffic")


def _minutes(seconds: int) -> str:
    whole, _sign, part = minutes_text(seconds).partition(".")
    return f"{int(whole):,}" if part == "00" else f"{int(whole):,}.{part}"


def _day(progress: Progress) -> Any:
    if progress.reached_on is not None:
        return label(_("reached on %(day)s") % {"day": progress.reached_on}, "success")
    return NOTHING if progress.forecast_on is None else f"{progress.forecast_on}"


def progress_panel(standing: Standing, change: str | None) -> Panel:
    """How far each item is; `change` is the address of its form, None for who may not."""
    rows = []
    for row, each in zip(standing.rows, standing.current.items, strict=True):
        direction = str(DIRECTIONS[row.direction])
        rows.append(
            (
                Link(direction, f"{change}?item={row.pk}") if change else direction,
                _named(each.item),
                f"{row.minutes:,}",
                _minutes(each.seconds),
                _bar(each.percent),
                NOTHING if each.speed is None else _minutes(round(each.speed)),
                f"{_minutes(each.expected)} ({each.expected_percent} %)",
                _day(each),
            )
        )
    period = standing.current.period
    headers = (
        _("Direction"), _("For"), _("Promised minutes"), _("Minutes"), _("Progress"), _("A day"), _("Expected"), _("Forecast"),
    )  # fmt: skip
    title = _("Progress, %(period)s") % {"period": days(period.start, period.end)}
    return Panel(title, headers, rows, right=frozenset({2, 3, 5, 6}))


def worth_panel(standing: Standing) -> Panel:
    """What the period of today is worth by the deal and by the tariffs."""
    currency = standing.deal.currency
    rows: list[tuple[Any, ...]] = [
        (
            str(DIRECTIONS[row.direction]),
            _named(each.item),
            _price_text(each.item),
            money(each.by_deal, currency),
            money(each.ordinary, currency),
            money(each.settlement, currency),
            money(each.shortfall, currency),
        )
        for row, each in zip(standing.rows, standing.current.items, strict=True)
    ]
    total = standing.current.settlement
    rows.append((format_html("<strong>{}</strong>", _("Live profit")), "", "", "", "", money(total, currency), ""))
    headers = (
        _("Direction"), _("For"), _("Price"), _("By the deal"), _("By the tariffs"), _("Settlement"), _("Missing minutes"),
    )  # fmt: skip
    text = _(
        "The deal changes no invoice. The settlement is what it gives us beyond the invoices: above zero the partner owes it to us, below zero we owe it."
    )
    if any(each.ordinary is None for each in standing.current.items):
        text += " " + _("There is no exchange rate to the deal's currency on some day: load one.")
    return Panel(_("What it is worth"), headers, rows, text=text, right=frozenset({2, 3, 4, 5, 6}))


def _price_text(item: Item) -> str:
    return str(item.price) if item.beyond is None else f"{item.price} / {item.beyond}"


def periods_panel(standing: Standing) -> Panel:
    """The periods around today."""
    near = max(next((at for at, each in enumerate(standing.periods) if each is standing.current), 0) - 5, 0)
    rows = [
        (
            days(each.period.start, each.period.end),
            state(each.status.value, STATUSES[each.status.value], STATUS_LABELS),
            _one_above_the_other(each.items),
            money(each.settlement if each.status.value != "pending" else Amount.zero(), standing.deal.currency),
        )
        for each in standing.periods[near : near + PANEL_ROWS]
    ]
    headers = (_("Period"), _("Status"), _("Progress"), _("Settlement"))
    if not standing.rows:  # without a promise none was broken
        rows = []
    return Panel(
        _("Periods"), headers, rows, empty=_("They stand here once something is promised."), right=frozenset({3})
    )


def alarms_panel(found: Iterable[DealAlarm]) -> Panel:
    """What was told of a deal."""
    rows = [
        (
            state(each.kind, ALARMS[each.kind], ALARM_LABELS),
            in_words(each.detail),
            local(each.raised_at),
            local(each.cleared_at),
            MAILS[each.mail_state],
        )
        for each in found
    ]
    headers = (_("Alarm"), _("What"), _("Since"), _("Over since"), _("Mail"))
    return Panel(_("Alarms"), headers, rows, empty=_("Nothing had to be told yet."))


def alarm_rows(request: HttpRequest, found: Iterable[DealAlarm]) -> list[tuple[Any, Any]]:
    """Alarms of deals for the dashboard: which deal, and what."""
    return [(row_link(request, each.deal, each.deal.name), ALARMS[each.kind]) for each in found]

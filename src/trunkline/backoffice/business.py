"""How business goes, for the dashboard: six figures of some days, each with its course, read from the hours that usage keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.shown import NOTHING
from trunkline.core.currency import CURRENCIES, format_amount
from trunkline.core.money import Amount
from trunkline.core.period import first_instant, local_date
from trunkline.usage.queries import NO_TRAFFIC, HourSums, hours

Number = int | None  # a whole number of the figure's smallest part; None: there is none


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure: how it follows from the sums, and how it is written. `is_money`: in units of 10^-8."""

    name: str
    title: Any
    of: Callable[[HourSums], Number]
    text: Callable[[int], str] = str
    is_money: bool = False

    def shown(self, sums: HourSums, currency: str) -> str:
        """The figure of sums as people read it."""
        value = self.of(sums)
        if value is None:
            return NOTHING
        if self.is_money:
            return f"{format_amount(Amount(value), CURRENCIES[currency], is_grouped=True)} {currency}"
        return self.text(value)


def ratio(part: int, whole: int) -> Number:
    """A whole number half up; None where there is nothing to divide by."""
    return (2 * part + whole) // (2 * whole) if whole else None


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


def _tenths(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10} %"


MEASURES: Final = (
    Measure("revenue", gettext_lazy("Revenue"), lambda sums: sums.revenue.units, is_money=True),
    Measure("cost", gettext_lazy("Cost"), lambda sums: sums.cost.units, is_money=True),
    Measure("margin", gettext_lazy("Margin"), lambda sums: sums.margin.units, is_money=True),
    Measure("minutes", gettext_lazy("Minutes"), lambda sums: sums.seconds // 60, "{:,}".format),
    Measure("asr", gettext_lazy("ASR"), lambda sums: ratio(1000 * sums.connected, sums.attempts), _tenths),
    Measure("acd", gettext_lazy("ACD"), lambda sums: ratio(sums.seconds, sums.connected), _clock),
)
ATTEMPTS: Final = Measure("attempts", gettext_lazy("Attempts"), lambda sums: sums.attempts, "{:,}".format)


@dataclass(frozen=True)
class Traffic:
    """The traffic of 60 local days, `last` being the last: by hour, on a zone's clock."""

    last: date
    zone: ZoneInfo
    by_hour: Mapping[datetime, HourSums]

    @classmethod
    def read(cls, last: date, zone: ZoneInfo) -> Traffic:
        """One query."""
        begin, end = first_instant(last - timedelta(days=59), zone), first_instant(last + timedelta(days=1), zone)
        return cls(last, zone, hours(begin, end))

    def sums(self, days: int, *, before: int = 0) -> HourSums:
        """Of so many days, of which the last lies so many before the last of all."""
        end = self.last - timedelta(days=before)
        begin = end - timedelta(days=days - 1)
        return sum((sums for day, sums in self.by_day.items() if begin <= day <= end), NO_TRAFFIC)

    @cached_property
    def by_day(self) -> Mapping[date, HourSums]:
        """The same by local day; of the 1440 hours that there may be, a page asks a dozen times."""
        found: dict[date, HourSums] = {}
        for hour, sums in self.by_hour.items():
            day = local_date(hour, self.zone)
            found[day] = found.get(day, NO_TRAFFIC) + sums
        return found

    def course(self, days: int) -> list[tuple[str, HourSums]]:
        """The same by day, or the last day by hour, also where nothing was."""
        if days == 1:
            found = {f"{hour:02}:00": NO_TRAFFIC for hour in range(24)}
            for hour, sums in self.by_hour.items():
                if local_date(hour, self.zone) == self.last:
                    found[f"{hour.astimezone(self.zone):%H}:00"] += sums
            return list(found.items())
        each_day = (self.last - timedelta(days=back) for back in reversed(range(days)))
        return [(day.isoformat(), self.by_day.get(day, NO_TRAFFIC)) for day in each_day]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure as the page shows it: of all the days, how it has changed, its course."""

    title: Any
    value: str
    change: str
    tone: str  # better, worse, or neither
    chart: SafeString
    first: str
    last: str


def tiles(traffic: Traffic, days: int, currency: str) -> list[Tile]:
    """The figures of the last so many days, compared with as many before."""
    now, before, course = traffic.sums(days), traffic.sums(days, before=days), traffic.course(days)
    found = []
    year = f"{traffic.last.year}-" if course[0][0][:4] == course[-1][0][:4] else ""
    for measure in MEASURES:
        change = _change(measure.of(now), measure.of(before))
        found.append(
            Tile(
                title=measure.title,
                value=measure.shown(now, currency),
                change=change,
                tone=_TONES.get(change[:1], "") if measure.name != "cost" else "",
                chart=bars(measure, course, currency),
                first=course[0][0].removeprefix(year),
                last=course[-1][0].removeprefix(year),
            )
        )
    return found


_TONES: Final = {"+": "better", "−": "worse"}


def _change(now: Number, before: Number) -> str:
    """By how many percent a figure has changed; nothing where that cannot be said."""
    if now is None or not before:
        return ""
    tenths = ratio(abs(1000 * (now - before)), abs(before)) or 0
    sign = "±" if not tenths else "+" if now > before else "−"
    return f"{sign}{tenths // 10:,}.{tenths % 10} %"


BAR_WIDTH: Final = 10
BAR_GAP: Final = 3
HEIGHT: Final = 64


def bars(measure: Measure, course: Sequence[tuple[str, HourSums]], currency: str) -> SafeString:
    """The course of a figure as upright bars, those below zero downwards; each says its figure to the pointer."""
    values = [measure.of(sums) for _label, sums in course]
    high, low = max([0, *(each or 0 for each in values)]), min([0, *(each or 0 for each in values)])
    span = Fraction(HEIGHT, (high - low) or 1)
    parts = []
    for place, ((name, sums), value) in enumerate(zip(course, values, strict=True)):
        top, height = (high - max(value or 0, 0)) * span, abs(value or 0) * span
        said = f"{name}: {measure.shown(sums, currency)}"
        below = " office-bar-below" if (value or 0) < 0 else ""
        x = place * (BAR_WIDTH + BAR_GAP)
        size = f'width="{BAR_WIDTH}" height="{_px(max(height, Fraction(1)) if value else 0)}"'
        # The first is as high as all, so that the pointer finds a day of which there is little.
        parts.append(
            f'<g><rect class="office-bar-ground" x="{x}" y="0" width="{BAR_WIDTH}" height="{HEIGHT}"/>'
            f'<rect class="office-bar{below}" x="{x}" y="{_px(top)}" {size}/><title>{escape(said)}</title></g>'
        )
    drawn = SafeString("\n".join(parts))  # numbers of ours, and what is said is escaped
    width = max(len(course) * (BAR_WIDTH + BAR_GAP) - BAR_GAP, 1)
    return format_html(
        '<svg class="office-bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        width,
        HEIGHT,
        _("%(figure)s from %(first)s to %(last)s; the table below says the same")
        % {"figure": measure.title, "first": course[0][0], "last": course[-1][0]},
        drawn,
    )


def _px(length: Fraction | int) -> str:
    hundredths = round(length * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def course_rows(traffic: Traffic, days: int, currency: str) -> list[tuple[str, ...]]:
    """The courses of all figures as a table, the latest first."""
    return [
        (name, *(measure.shown(sums, currency) for measure in (*MEASURES, ATTEMPTS)))
        for name, sums in reversed(traffic.course(days))
        if sums.attempts
    ]

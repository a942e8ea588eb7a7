"""What an invoice says: which line each piece of usage belongs to, how lines are rounded and added, how numbers are written.

Pure decisions: no database, no clock. docs/algorithms/invoicing.md says the same in words, and its tables are tests.
"""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from trunkline.core.currency import Currency, round_to_minor
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.core.period import ONE_DAY, DatePeriod, month_of
from trunkline.core.tax import tax_on
from trunkline.invoicing.choices import LineKind, Unit

_NOTHING: Final = Amount.zero()
SERVICES: Final = ("voice", "sms", "data", "event")  # in the order of the document
SERVICE_UNITS: Final[Mapping[str, Unit]] = {"voice": Unit.SECOND, "data": Unit.OCTET}  # where no price row says it
NO_LINE: Final = 0
GROUP_RECORDS: Final = 1_000_000  # of 150 octets; an account that has more is read alone
GROUP_ACCOUNTS: Final = 200
_KIND_ORDER: Final = {LineKind.USAGE: 0, LineKind.LATE: 1, LineKind.ADJUSTMENT: 2}
_NUMBER_LENGTH_MAX: Final = 40
_MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the account with usage that no document bills yet.

    `is_billed`: other usage of the day stands on a document. `has_negated`: some of the unbilled usage takes back earlier usage (a
    re-rating). `covered_by`: id of the document whose period holds the day, None if there is none.
    """

    day: date
    is_billed: bool = False
    has_negated: bool = False
    covered_by: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Days whose usage stands together on the document, and why. `corrects` is the earlier document that their period belongs to."""

    kind: LineKind
    corrects: int | None
    period: DatePeriod


@dataclass(frozen=True, slots=True)
class Key:
    """What rollups and records have in common: bucket number, service, destination and price row (0: none)."""

    bucket: int
    service: str
    destination_id: int
    rate_id: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Attempts, connected calls, units used, units charged, exact amount."""

    attempts: int = 0
    calls: int = 0
    used: int = 0
    billed: int = 0
    exact: Amount = _NOTHING

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.attempts + other.attempts,
            self.calls + other.calls,
            self.used + other.used,
            self.billed + other.billed,
            self.exact + other.exact,
        )

    @property
    def is_charged(self) -> bool:
        """Whether there is anything to show: something connected, counted or paid for. Unanswered attempts alone are no line."""
        return bool(self.calls or self.used or self.billed or self.exact)


@dataclass(frozen=True, slots=True)
class Terms:
    """The price of a line in words, and what its quantities count."""

    text: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a destination at a price. `amount` is `sums.exact` half up at the currency's minor unit."""

    number: int
    bucket: int
    kind: LineKind
    corrects: int | None
    period: DatePeriod
    service: str
    unit: Unit
    destination: str
    terms: str
    sums: Sums
    amount: Amount


@dataclass(frozen=True, slots=True)
class Totals:
    """The foot of a document. net = exact - rounding = sum of the lines; total = net + tax.

    `rounding` is what the lines lose by being rounded (negative: what they gain); it goes to the rounding account.
    """

    exact: Amount
    rounding: Amount
    net: Amount
    tax: Amount
    total: Amount


def period_of(text: str) -> DatePeriod:
    """The period that `2026-03` (a month) or `2026-03-14` (a day) names. Raises Invalid `bad_period`."""
    try:
        if _MONTH.fullmatch(text):
            return month_of(date.fromisoformat(f"{text}-01"))
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return DatePeriod(day, day + ONE_DAY)
    except (ValueError, OverflowError):
        pass  # digits, and still no date of the calendar
    raise Invalid(
        "bad_period", f"{text!r} is no month and no day.", hint="Write a month as 2026-03 or a day as 2026-03-14."
    )


def sort_days(days: Iterable[Day], period: DatePeriod) -> tuple[list[Bucket], dict[date, int]]:
    """The buckets of a document of `period`, in its order, and the number of each day's bucket.

    A day of the period that no document covers is usage. Any other is late, or an adjustment where records that a document bills were
    taken back. Late days and adjustments stand together per document that they belong to.
    """
    grouped: dict[tuple[LineKind, int | None], list[date]] = defaultdict(list)
    for day in days:
        if day.is_billed and day.has_negated:
            kind = LineKind.ADJUSTMENT
        elif day.day in period and day.covered_by is None:
            kind = LineKind.USAGE
        else:
            kind = LineKind.LATE
        grouped[kind, None if kind is LineKind.USAGE else day.covered_by].append(day.day)
    ordered = sorted(grouped.items(), key=lambda item: (_KIND_ORDER[item[0][0]], min(item[1])))
    buckets, bucket_of = [], {}
    for number, ((kind, corrects), dates) in enumerate(ordered):
        own = period if kind is LineKind.USAGE else DatePeriod(min(dates), max(dates) + ONE_DAY)
        buckets.append(Bucket(kind, corrects, own))
        bucket_of.update(dict.fromkeys(dates, number))
    return buckets, bucket_of


def build_lines(
    usage: Mapping[Key, Sums],
    buckets: Sequence[Bucket],
    *,
    destinations: Mapping[int, str],
    terms: Mapping[int, Terms],
    currency: Currency,
    no_destination: str,
    no_price: str,
) -> tuple[list[Line], dict[Key, int]]:
    """The lines of a document in its order, numbered from 1, and the line of each key (`NO_LINE` where there is nothing to show).

    Keys of one bucket, service, destination name and price text are one line, whatever price rows they come from.
    """
    grouped: dict[tuple[int, str, str, str, Unit], Sums] = defaultdict(Sums)
    groups: dict[Key, tuple[int, str, str, str, Unit]] = {}
    for key, sums in usage.items():
        priced = terms.get(key.rate_id) or Terms(no_price, SERVICE_UNITS.get(key.service, Unit.MESSAGE))
        name = destinations.get(key.destination_id, no_destination)
        groups[key] = (key.bucket, key.service, name, priced.text, priced.unit)
        grouped[groups[key]] += sums
    lines: list[Line] = []
    number_of: dict[tuple[int, str, str, str, Unit], int] = {}
    for group in sorted(grouped, key=_line_order):
        sums = grouped[group]
        if not sums.is_charged:
            continue
        bucket, service, name, text, unit = group
        number_of[group] = len(lines) + 1
        lines.append(
            Line(
                number=number_of[group],
                bucket=bucket,
                kind=buckets[bucket].kind,
                corrects=buckets[bucket].corrects,
                period=buckets[bucket].period,
                service=service,
                unit=unit,
                destination=name,
                terms=text,
                sums=sums,
                amount=round_to_minor(sums.exact, currency),
            )
        )
    return lines, {key: number_of.get(group, NO_LINE) for key, group in groups.items()}


def _line_order(group: tuple[int, str, str, str, Unit]) -> tuple[int, int, str, str, str, str]:
    bucket, service, name, text, unit = group
    place = SERVICES.index(service) if service in SERVICES else len(SERVICES)
    return bucket, place, service, name, text, unit.value


def total_of(lines: Iterable[Line], *, tax_percent: Decimal, currency: Currency) -> Totals:
    """Lines added, then taxed: each line is rounded first, tax is half up on the net. Raises Invalid `tax_percent`, `overflow`."""
    lines = list(lines)
    exact = Amount.total(line.sums.exact for line in lines)
    net = Amount.total(line.amount for line in lines)
    tax = tax_on(net, tax_percent, currency)
    return Totals(exact=exact, rounding=exact - net, net=net, tax=tax, total=net + tax)


def groups_to_read(accounts: Iterable[tuple[str, int]]) -> list[list[str]]:
    """Accounts, given with how many records each has, in groups whose records fit into memory together; their order stays."""
    groups: list[list[str]] = []
    free = 0
    for code, count in accounts:
        if not groups or count > free or len(groups[-1]) == GROUP_ACCOUNTS:
            groups.append([])
            free = GROUP_RECORDS
        groups[-1].append(code)
        free -= count
    return groups


def check_number_template(template: str) -> str:
    """`template` itself. Raises Invalid `number_template` unless it is text with `{number}` and perhaps `{year}`.

    Both may have a width, as in `INV-{year}-{number:06}`; nothing else stands in braces.
    """
    fields = []
    try:
        for _, name, form, conversion in string.Formatter().parse(template):
            if name is None:
                continue
            if name not in ("year", "number") or conversion or (form and not form.isdecimal()) or len(form or "") > 2:
                raise ValueError(name)
            fields.append(name)
        if fields.count("number") != 1 or fields.count("year") > 1 or not template.isprintable():
            raise ValueError(template)
        if len(template.format(year=9999, number=1)) > _NUMBER_LENGTH_MAX:
            raise ValueError(template)
    except ValueError as error:
        raise Invalid(
            "number_template",
            f"{template!r} is no template of invoice numbers.",
            hint="Write it like INV-{year}-{number:06}; {year} may be left out.",
        ) from error
    return template


def series_year(template: str, year: int) -> int:
    """The year whose numbers a template counts: numbers without a year in them run on for ever (0)."""
    names = {name for _, name, _, _ in string.Formatter().parse(template)}
    return year if "year" in names else 0


def number_text(template: str, *, year: int, serial: int) -> str:
    """The number that a customer reads."""
    return template.format(year=year, number=serial)

"""What an invoice says: which line each piece of usage belongs to, how lines are rounded and added, how numbers are written.

Pure decisions: no database, no clock. docs/algorithms/invoicing.md says the same in words, and its tables are tests.
"""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
_OF_SURROUNDINGS: Final = frozenset({"documents_folder", "disk_full", "database_full", "database_gone"})
_KIND_ORDER: Final = {LineKind.USAGE: 0, LineKind.LATE: 1, LineKind.ADJUSTMENT: 2}
_NUMBER_LENGTH_MAX: Final = 40
_PRICES_TOLD: Final = 2
_MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the account with usage that no document bills yet.

    `is_billed`: other usage of the day stands on a document. `covered_by`: id of the document whose period holds the day, None if there is
    none. `has_plain`, `has_adjusted`: what of its unbilled usage there is (`find_adjusted`). `corrects` is the document that its adjustment
    corrects, `corrected` that one's period.
    """

    day: date
    is_billed: bool = False
    covered_by: int | None = None
    has_plain: bool = True
    has_adjusted: bool = False
    corrects: int | None = None
    corrected: DatePeriod | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A rollup of one day, as far as it decides what is an adjustment: ids ascend as rollups were written."""

    rollup: int
    batch: int
    key: tuple[str, int, int]  # service, destination, price row
    takes_back: bool
    is_billed: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """Usage that stands together on the document, and why. `corrects` is the earlier document that it belongs to."""

    kind: LineKind
    corrects: int | None
    period: DatePeriod


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax: its name on documents and its percentage."""

    name: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a document says of an earlier one that it corrects."""

    number: str
    issued_on: date
    tax: TaxRate


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

    def __neg__(self) -> Sums:
        return Sums(-self.attempts, -self.calls, -self.used, -self.billed, -self.exact)

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
    """One line: a destination at a price, or an adjustment of a destination. `amount` is `sums.exact` half up at the currency's minor unit.

    Of an adjustment `sums` is the difference, `before` what was billed, at the prices `before_terms`; before and difference are what it
    should be, at the prices `terms`. `tax` is None where the line has the tax of the document.
    """

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
    before: Sums | None = None
    before_terms: str = ""
    tax: TaxRate | None = None

    @property
    def after(self) -> Sums:
        """What an adjusted destination should be."""
        return self.sums if self.before is None else self.before + self.sums


@dataclass(frozen=True, slots=True)
class Taxed:
    """The lines of a document that have the same percentage: their net and the tax on it."""

    rate: TaxRate
    net: Amount
    tax: Amount


@dataclass(frozen=True, slots=True)
class Totals:
    """The foot of a document. net = exact - rounding = sum of the lines; tax = sum of `taxes`; total = net + tax.

    `rounding` is what the lines lose by being rounded (negative: what they gain); it goes to the rounding account. `taxes` begins with the
    document's own percentage, unless all lines have another one.
    """

    exact: Amount
    rounding: Amount
    net: Amount
    tax: Amount
    total: Amount
    taxes: tuple[Taxed, ...] = ()


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


def find_adjusted(pieces: Iterable[Piece]) -> set[int]:
    """Of all rollups of one day, the unbilled ones that are an adjustment.

    A batch adjusts where it takes back a rollup written before it that is billed or itself an adjustment; then all it says of the day is
    one, and so is every unbilled rollup that it may have taken back too.
    """
    pieces = list(pieces)
    unbilled = [piece for piece in pieces if not piece.is_billed]
    taking = [piece for piece in unbilled if piece.takes_back]
    adjusted: set[int] = set()
    while True:
        first: dict[tuple[str, int, int], int] = {}  # of what can be taken back, by key
        for piece in pieces:
            if not piece.takes_back and (piece.is_billed or piece.rollup in adjusted):
                first[piece.key] = min(piece.rollup, first.get(piece.key, piece.rollup))
        batches = {piece.batch for piece in taking if first.get(piece.key, piece.rollup) < piece.rollup}
        last: dict[tuple[str, int, int], int] = {}  # that may have taken back something unbilled, by key
        for piece in taking:
            if piece.batch in batches:
                last[piece.key] = max(piece.rollup, last.get(piece.key, piece.rollup))
        found = {
            piece.rollup
            for piece in unbilled
            if piece.batch in batches or piece.rollup < last.get(piece.key, piece.rollup)
        }
        if found <= adjusted:
            return adjusted
        adjusted |= found


def sort_days(days: Iterable[Day], period: DatePeriod) -> tuple[list[Bucket], dict[date, int], dict[date, int]]:
    """The buckets of a document of `period`, in its order; the bucket of each day's plain usage, and that of its adjustment.

    Plain usage of a day of the period that no other document covers is usage, any other is late. Late days stand together per document
    whose period holds them; adjustments per document that they correct, apart where that one's period does not hold the day.
    """
    grouped: dict[tuple[LineKind, int | None, DatePeriod | None], list[date]] = defaultdict(list)
    for day in days:
        if day.has_plain:
            is_own = day.day in period and day.covered_by is None
            grouped[(LineKind.USAGE, None, period) if is_own else (LineKind.LATE, day.covered_by, None)].append(day.day)
        if day.has_adjusted:
            within = day.corrected if day.corrected is not None and day.day in day.corrected else None
            grouped[LineKind.ADJUSTMENT, day.corrects, within].append(day.day)
    ordered = sorted(grouped.items(), key=lambda item: (_KIND_ORDER[item[0][0]], min(item[1])))
    buckets: list[Bucket] = []
    plain: dict[date, int] = {}
    adjusted: dict[date, int] = {}
    for number, ((kind, corrects, whole), dates) in enumerate(ordered):
        buckets.append(Bucket(kind, corrects, whole or DatePeriod(min(dates), max(dates) + ONE_DAY)))
        (adjusted if kind is LineKind.ADJUSTMENT else plain).update(dict.fromkeys(dates, number))
    return buckets, plain, adjusted


@dataclass(frozen=True, slots=True)
class Texts:
    """How usage reads in the document's language: names of destinations and texts of prices by id, and what stands for none."""

    destinations: Mapping[int, str]
    terms: Mapping[int, Terms]
    no_destination: str
    no_price: str
    several_prices: str = ""

    def destination(self, number: int) -> str:
        return self.destinations.get(number, self.no_destination)

    def price(self, number: int, service: str) -> Terms:
        return self.terms.get(number) or Terms(self.no_price, SERVICE_UNITS.get(service, Unit.MESSAGE))

    def prices(self, texts: Iterable[str]) -> str:
        """The prices of an adjustment's line: one, two, or that they are several."""
        told = sorted(set(texts))
        return "; ".join(told) if len(told) <= _PRICES_TOLD else self.several_prices


_Group = tuple[int, str, str, str, Unit]  # bucket, service, destination, price text (none for an adjustment), unit


def build_lines(
    usage: Mapping[Key, Sums],
    buckets: Sequence[Bucket],
    *,
    texts: Texts,
    currency: Currency,
    before: Mapping[Key, Sums] | None = None,
    taxes: Mapping[int, TaxRate] | None = None,
) -> tuple[list[Line], dict[Key, int]]:
    """The lines of a document in its order, numbered from 1, and the line of each key (`NO_LINE` where there is nothing to show).

    Keys of one bucket, service, destination name and price text are one line, whatever price rows they come from; an adjustment is a line
    whatever the prices. `before` is what documents bill of an adjustment's destinations already; `taxes` are those of corrected documents
    by id, where they are not that of this one.
    """
    before = before or {}
    grouped: dict[_Group, list[Key]] = defaultdict(list)
    group_of: dict[Key, _Group] = {}
    for key in {**usage, **before}:
        group_of[key] = _group(key, buckets, texts)
        grouped[group_of[key]].append(key)
    lines: list[Line] = []
    number_of: dict[_Group, int] = {}
    for group in sorted(grouped, key=_line_order):
        keys = grouped[group]
        sums = sum((usage[key] for key in keys if key in usage), Sums())
        if not sums.is_charged:
            continue
        number_of[group] = len(lines) + 1
        bucket, service, name, text, unit = group
        line = Line(
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
        lines.append(_compared(line, keys, usage, before, texts, taxes or {}))
    return lines, {key: number_of.get(group_of[key], NO_LINE) for key in usage}


def _group(key: Key, buckets: Sequence[Bucket], texts: Texts) -> _Group:
    priced = texts.price(key.rate_id, key.service)
    text = "" if buckets[key.bucket].kind is LineKind.ADJUSTMENT else priced.text
    return key.bucket, key.service, texts.destination(key.destination_id), text, priced.unit


def _compared(
    line: Line,
    keys: Iterable[Key],
    usage: Mapping[Key, Sums],
    before: Mapping[Key, Sums],
    texts: Texts,
    taxes: Mapping[int, TaxRate],
) -> Line:
    """The line itself; an adjustment beside what was billed, at its prices and with its tax."""
    if line.kind is not LineKind.ADJUSTMENT:
        return line
    nothing, billed = Sums(), {key: before[key] for key in keys if key in before}
    after = {key: billed.get(key, nothing) + usage.get(key, nothing) for key in keys}

    def told(sums: Mapping[Key, Sums]) -> str:
        return texts.prices(texts.price(key.rate_id, key.service).text for key, each in sums.items() if each.is_charged)

    return replace(
        line,
        terms=told(after),
        before=sum(billed.values(), nothing),
        before_terms=told(billed),
        tax=taxes.get(line.corrects or 0),
    )


def _line_order(group: _Group) -> tuple[int, int, str, str, str, str]:
    bucket, service, name, text, unit = group
    place = SERVICES.index(service) if service in SERVICES else len(SERVICES)
    return bucket, place, service, name, text, unit.value


def total_of(lines: Iterable[Line], *, tax: TaxRate, currency: Currency) -> Totals:
    """Lines added, then taxed: each line is rounded first, tax is half up on the net of each percentage. Raises Invalid `tax_percent`, `overflow`."""
    lines = list(lines)
    exact = Amount.total(line.sums.exact for line in lines)
    nets: dict[TaxRate, Amount] = {} if any(line.tax for line in lines) else {tax: _NOTHING}
    for line in sorted(lines, key=lambda line: line.tax is not None):  # the document's own first
        rate = line.tax or tax
        nets[rate] = nets.get(rate, _NOTHING) + line.amount
    taxes = tuple(Taxed(rate, net, tax_on(net, rate.percent, currency)) for rate, net in nets.items())
    net, due = Amount.total(each.net for each in taxes), Amount.total(each.tax for each in taxes)
    return Totals(exact=exact, rounding=exact - net, net=net, tax=due, total=net + due, taxes=taxes)


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


def is_of_surroundings(code: str) -> bool:
    """Whether an error is one that every further document would meet too, until somebody has mended the machine."""
    return code in _OF_SURROUNDINGS


def check_issue_date(issued_on: date, period: DatePeriod, today: date) -> date:
    """`issued_on` itself. Raises Invalid `issue_date` where a document would be dated after today or before the period that it bills."""
    if issued_on > today:
        raise Invalid("issue_date", f"A document cannot be dated {issued_on}: today is {today}.", field="issued_on")
    if issued_on < period.start:
        raise Invalid(
            "issue_date",
            f"A document cannot be dated {issued_on}, before its period from {period.start} on.",
            field="issued_on",
        )
    return issued_on


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

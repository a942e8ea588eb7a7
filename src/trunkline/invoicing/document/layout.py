"""The data of a document's page: every word and every figure as it is printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from trunkline.core.currency import Currency, format_amount
from trunkline.core.money import AMOUNT_DECIMALS, Amount, scaled_text
from trunkline.core.period import DatePeriod
from trunkline.core.quantity import minutes_text, octets_text
from trunkline.invoicing.choices import InvoiceKind, LineKind, Unit
from trunkline.invoicing.document.catalogue import words
from trunkline.invoicing.draft import Draft
from trunkline.invoicing.rules import Bucket, Line

ANNEX_LINES: Final = 40  # more lines than these go into an annex, behind a summary
_TEXT_WIDTH: Final = 481.9  # points: A4 less its margins
_LEAST_REST: Final = 160.0
_DESTINATION_SHARE: Final = 0.56
_DIGIT: Final = 4.9  # points; a little more than a digit of 9.5 points needs
_INSETS: Final = 10.0
_AIR: Final = 4.0
_ROW_HEIGHT: Final = 13.4  # one line of 9.5 points and its insets
_LETTERS: Final = (  # of the font of the lines, by width in thousandths of its size, rounded up
    (280, " '|,.:;lij{}"),
    (372, '\\!I()ft/J"-[]*r'),
    (440, "s`zc?"),
    (519, "e~a#$0123456789FS_xbvgqodky^p"),
    (604, "LuhPn+<=>EYRBTZ"),
    (730, "%KCVXUGANDOQ&H"),
    (790, "wm"),
    (951, "M@W"),
)
_SIZE: Final = 9.5  # points
_LETTER_WIDTHS: Final = {letter: width * _SIZE / 1000 for width, letters in _LETTERS for letter in letters}
_MINUS: Final = re.compile(r"(?<![\w-])-(?=[0-9])")  # of a price; the hyphen of a name stays one
_COUNTED: Final = {"voice": "calls", "sms": "messages", "data": "sessions"}
_MEASURED: Final = {Unit.SECOND: "minutes", Unit.OCTET: "data"}
_SERVICES: Final = {"voice": "voice", "sms": "sms", "data": "data_service", "event": "event"}


@dataclass(frozen=True, slots=True)
class Issue:
    """What issuing adds to a draft."""

    number: str
    issued_on: date
    due_on: date


def document_data(draft: Draft, issue: Issue | None = None) -> dict[str, Any]:
    """What the template sets. Without an `issue` it is a preview, and says so."""
    text = words(draft.language)
    heading = text["preview"] if issue is None else text[draft.kind.value]
    number = issue.number if issue else ""
    sections = _sections(draft, text)
    widths = _widths(sections)
    has_annex = len(draft.lines) > ANNEX_LINES
    return {
        "language": draft.language,
        "title": f"{heading} {number}".strip(),
        "keywords": [draft.account_code, draft.period.start.isoformat(), draft.currency.code],
        "heading": heading,
        "number": number,
        "watermark": "" if issue else text["preview"].upper(),
        "running": " · ".join(part for part in (heading, number, draft.buyer["name"]) if part),
        "footer": " · ".join(_footer(draft, text)),
        "page": text["page"],
        "bill_to": text["bill_to"],
        "seller": {"name": draft.seller["name"], "lines": _seller_lines(draft, text)},
        "buyer": {"name": draft.buyer["name"], "lines": _buyer_lines(draft, text)},
        "facts": _facts(draft, issue, text),
        "summary": _summary(sections, draft, text) if has_annex else None,
        "sections": [
            {name: section[name] for name in ("title", "columns", "rows", "subtotal")}
            | {"heights": _heights(section["rows"], widths)}
            for section in sections
        ],
        "widths": widths,
        "annex": text["annex"],
        **_foot(draft, issue, text),
    }


def date_text(day: date, text: Mapping[str, str]) -> str:
    """`14 March 2026`, in the words of the catalogue."""
    return f"{day.day} {text['months'].split()[day.month - 1]} {day.year}"


def period_text(period: DatePeriod, text: Mapping[str, str]) -> str:
    """The first and the last day of a period, or its only one."""
    if len(period) == 1:
        return date_text(period.start, text)
    return text["from_to"].format(first=date_text(period.start, text), last=date_text(period.last, text))


def percent_text(percent: Decimal) -> str:
    """`16 %`, `7.7 %`."""
    plain = f"{percent:f}"
    return f"{plain.rstrip('0').rstrip('.') if '.' in plain else plain} %"


def _money(amount: Amount, currency: Currency) -> str:
    return _signed(format_amount(amount, currency, is_grouped=True))


def _exact(amount: Amount, currency: Currency) -> str:
    whole, point, part = scaled_text(abs(amount.units), AMOUNT_DECIMALS, least=currency.minor_units).partition(".")
    return f"{'−' if amount.units < 0 else ''}{int(whole):,}{point}{part}"


def _signed(text: str) -> str:
    return text.replace("-", "−")  # a hyphen is too short to be seen


def _count(number: int) -> str:
    return _signed(f"{number:,}")


def _quantity(units: int, unit: Unit) -> str:
    if unit is Unit.SECOND:
        whole, point, part = minutes_text(abs(units)).partition(".")
        return f"{'−' if units < 0 else ''}{int(whole):,}{point}{part}"
    return _signed(octets_text(units)) if unit is Unit.OCTET else _count(units)


def _seller_lines(draft: Draft, text: Mapping[str, str]) -> list[str]:
    seller = draft.seller
    tax = [f"{text['tax_number']} {seller['tax_number']}"] if seller["tax_number"] else []
    return [*seller["lines"], *tax, *seller["contact"]]


def _buyer_lines(draft: Draft, text: Mapping[str, str]) -> list[str]:
    tax = [f"{text['tax_number']} {draft.buyer['tax_number']}"] if draft.buyer["tax_number"] else []
    return [*draft.buyer["lines"], *tax]


def _footer(draft: Draft, text: Mapping[str, str]) -> Iterable[str]:
    yield draft.seller["name"]
    if draft.seller["tax_number"]:
        yield f"{text['tax_number']} {draft.seller['tax_number']}"
    yield from draft.seller["contact"]


def _facts(draft: Draft, issue: Issue | None, text: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    facts = [(text["number"], issue.number if issue else text["no_number"], True)]
    if issue is not None:
        facts.append((text["issued_on"], date_text(issue.issued_on, text), False))
        if draft.kind is InvoiceKind.INVOICE:
            facts.append((text["due_on"], date_text(issue.due_on, text), True))
    return [
        *facts,
        (text["period"], period_text(draft.period, text), False),
        (text["timezone"], draft.timezone, False),
        (text["account"], draft.account_code, False),
        (text["currency"], f"{draft.currency.code} ({draft.currency.name})", False),
    ]


def _sections(draft: Draft, text: Mapping[str, str]) -> list[dict[str, Any]]:
    """The lines, as tables: one per bucket, service and unit."""
    found = []
    for (number, service, unit), group in groupby(draft.lines, key=lambda line: (line.bucket, line.service, line.unit)):
        lines = list(group)
        title = _section_title(draft.buckets[number], service, draft, text)
        found.append(_section(title, service, unit, lines, draft.currency, text))
    return found


def _section(
    title: str, service: str, unit: Unit, lines: Sequence[Line], currency: Currency, text: Mapping[str, str]
) -> dict[str, Any]:
    calls = _count(sum(line.sums.calls for line in lines))
    quantity = _quantity(sum(line.sums.billed for line in lines), unit)
    amount = _money(Amount.total(line.amount for line in lines), currency)
    counted, measured = text[_COUNTED.get(service, "events")], text[_MEASURED.get(unit, "units")]
    return {
        "title": title,
        "columns": [
            text["line"],
            text["destination"],
            text["price"],
            counted,
            measured,
            f"{text['amount']} {currency.code}",
        ],
        "rows": [_row(line, currency) for line in lines],
        "subtotal": [text["subtotal"], calls, quantity, amount],
        "summary": [
            title,
            _count(len(lines)),
            calls,
            f"{quantity} {measured.lower()}" if unit is Unit.SECOND else quantity,
            amount,
        ],
    }


def _row(line: Line, currency: Currency) -> list[str]:
    return [
        str(line.number),
        line.destination,
        _MINUS.sub("−", line.terms),
        _count(line.sums.calls),
        _quantity(line.sums.billed, line.unit),
        _money(line.amount, currency),
    ]


def _widths(sections: Iterable[Mapping[str, Any]]) -> list[float]:
    """The columns in points: figures as wide as the longest, the rest for destination and price."""
    tables = [[section["columns"], *section["rows"], ["", "", *section["subtotal"]]] for section in sections]
    figures = [
        max(len(row[column]) for table in tables for row in table) * _DIGIT + _INSETS + _AIR for column in (0, 3, 4, 5)
    ]
    rest = max(_TEXT_WIDTH - sum(figures), _LEAST_REST)
    return [figures[0], rest * _DESTINATION_SHARE, rest * (1 - _DESTINATION_SHARE), *figures[1:]]


def _heights(rows: Iterable[Sequence[str]], widths: Sequence[float]) -> list[float]:
    """The height of each row in points; 0 where a text may need two lines, which typst then measures."""
    fits = [all(_extent(row[column]) <= widths[column] - _INSETS for column in (1, 2)) for row in rows]
    return [_ROW_HEIGHT if is_short else 0 for is_short in fits]


def _extent(text: str) -> float:
    """At least the width of a text in points, in the font of the lines."""
    return sum(_LETTER_WIDTHS.get(letter, _SIZE) for letter in text)


def _section_title(bucket: Bucket, service: str, draft: Draft, text: Mapping[str, str]) -> str:
    names = {
        "service": text[_SERVICES.get(service, "event")],
        "period": period_text(bucket.period, text),
        "number": draft.corrected.get(bucket.corrects or 0, ""),
    }
    word = bucket.kind.value if bucket.kind is LineKind.USAGE or not names["number"] else f"{bucket.kind.value}_of"
    return text[word].format(**names)


def _summary(sections: Sequence[Mapping[str, Any]], draft: Draft, text: Mapping[str, str]) -> dict[str, Any]:
    services = {line.service for line in draft.lines}
    counted = text[_COUNTED.get(services.pop(), "events")] if len(services) == 1 else text["count"]
    amount = f"{text['amount']} {draft.currency.code}"
    return {
        "title": text["summary"],
        "columns": [text["item"], text["lines"], counted, text["quantity"], amount],
        "rows": [section["summary"] for section in sections],
    }


def _foot(draft: Draft, issue: Issue | None, text: Mapping[str, str]) -> dict[str, Any]:
    totals, currency = draft.totals, draft.currency
    tax = [(_tax_label(draft, text), _money(totals.tax, currency))] if draft.tax_percent or draft.tax_name else []
    return {
        "working": [
            (text["exact"], _exact(totals.exact, currency)),
            (text["rounding"], _exact(-totals.rounding, currency)),
        ],
        "sums": [(text["net"], _money(totals.net, currency)), *tax],
        "total": (f"{text['total']} {currency.code}", _money(totals.total, currency)),
        "payment_heading": text["payment"],
        "payment": _payment(draft, issue, text),
        "notes": [note for note in (draft.seller["note"], text["records"] if issue else "") if note],
    }


def _tax_label(draft: Draft, text: Mapping[str, str]) -> str:
    return f"{draft.tax_name or text['tax']} {percent_text(draft.tax_percent)}"


def _payment(draft: Draft, issue: Issue | None, text: Mapping[str, str]) -> list[str]:
    total = f"{draft.currency.code} {_money(abs(draft.totals.total), draft.currency)}"
    if issue is None:
        return [text["preview_text"]]
    if draft.kind is InvoiceKind.CREDIT_NOTE:
        return [text["credit_text"].format(amount=total)]
    if not draft.totals.total:
        return []
    asked = text["pay_by"].format(amount=total, date=date_text(issue.due_on, text), number=issue.number)
    return [asked, *draft.seller["payment_instructions"]]

"""The data of a document's page: every word and every figure as it is printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

from trunkline.core.currency import Currency
from trunkline.core.money import Amount
from trunkline.invoicing.choices import InvoiceKind, LineKind, Unit
from trunkline.invoicing.document.catalogue import get_language
from trunkline.invoicing.document.language import Language, marked
from trunkline.invoicing.draft import Draft
from trunkline.invoicing.rules import Bucket, Line, Sums

ANNEX_LINES: Final = 40  # more lines than these go into an annex, behind a summary
_TEXT_WIDTH: Final = 481.9  # points: A4 less its margins
_LEAST_REST: Final = 160.0
_DESTINATION_SHARE: Final = 0.56
_ADJUSTED_SHARE: Final = 0.48  # where prices have a word before them
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
_ADJUSTED_ROWS: Final = 3  # billed, corrected, difference
_HEADINGS: Final = {InvoiceKind.INVOICE: marked("Invoice"), InvoiceKind.CREDIT_NOTE: marked("Credit note")}


@dataclass(frozen=True, slots=True)
class Issue:
    """What issuing adds to a draft."""

    number: str
    issued_on: date
    due_on: date


def document_data(draft: Draft, issue: Issue | None = None) -> dict[str, Any]:
    """What the template sets. Without an `issue` it is a preview, and says so."""
    language = get_language(draft.language)
    heading = language.gettext("Preview" if issue is None else _HEADINGS[draft.kind])
    number = issue.number if issue else ""
    sections = _sections(draft, language)
    widths = _widths(sections)
    has_annex = len(draft.lines) > ANNEX_LINES
    return {
        "language": language.tag,
        "title": f"{heading} {number}".strip(),
        "keywords": [draft.account_code, draft.period.start.isoformat(), draft.currency.code],
        "heading": heading,
        "number": number,
        "watermark": "" if issue else language.gettext("Preview").upper(),
        "running": " · ".join(part for part in (heading, number, draft.buyer["name"]) if part),
        "footer": " · ".join(_footer(draft, language)),
        "page": language.gettext("Page {page} of {pages}"),
        "bill_to": language.gettext("Bill to"),
        "seller": {"name": draft.seller["name"], "lines": _seller_lines(draft, language)},
        "buyer": {"name": draft.buyer["name"], "lines": _buyer_lines(draft, language)},
        "facts": _facts(draft, issue, language),
        "summary": _summary(sections, draft, language) if has_annex else None,
        "sections": [
            {name: section[name] for name in ("title", "columns", "rows", "group", "subtotal")}
            | {"heights": _heights(section["rows"], widths)}
            for section in sections
        ],
        "widths": widths,
        "annex": language.gettext("Annex: lines by destination"),
        **_foot(draft, issue, language),
    }


def _quantity(units: int, unit: Unit, language: Language) -> str:
    if unit is Unit.SECOND:
        return language.minutes(units)
    return language.octets(units) if unit is Unit.OCTET else language.count(units)


def _tax_number(number: str, language: Language) -> list[str]:
    return [language.gettext("Tax number {number}").format(number=number)] if number else []


def _seller_lines(draft: Draft, language: Language) -> list[str]:
    seller = draft.seller
    return [*seller["lines"], *_tax_number(seller["tax_number"], language), *seller["contact"]]


def _buyer_lines(draft: Draft, language: Language) -> list[str]:
    return [*draft.buyer["lines"], *_tax_number(draft.buyer["tax_number"], language)]


def _footer(draft: Draft, language: Language) -> list[str]:
    seller = draft.seller
    return [seller["name"], *_tax_number(seller["tax_number"], language), *seller["contact"]]


def _facts(draft: Draft, issue: Issue | None, language: Language) -> list[tuple[str, str, bool]]:
    number = issue.number if issue else language.pgettext("number of a document", "none (preview)")
    facts = [(language.gettext("Number"), number, True)]
    if issue is not None:
        facts.append((language.gettext("Date"), language.date(issue.issued_on), False))
        if draft.kind is InvoiceKind.INVOICE:
            facts.append((language.gettext("Due"), language.date(issue.due_on), True))
    corrects = language.gettext("Corrects")
    for place, earlier in enumerate(draft.adjusts):
        text = language.gettext("{number} of {date}")
        text = text.format(number=earlier.number, date=language.date(earlier.issued_on))
        facts.append(("" if place else corrects, text, False))
    return [
        *facts,
        (language.gettext("Period"), language.period(draft.period), False),
        (language.gettext("Times in"), draft.timezone, False),
        (language.gettext("Account"), draft.account_code, False),
        (language.gettext("Currency"), language.currency(draft.currency), False),
    ]


def _sections(draft: Draft, language: Language) -> list[dict[str, Any]]:
    """The lines, as tables: one per bucket, service and unit."""
    found = []
    for (number, service, unit), group in groupby(draft.lines, key=lambda line: (line.bucket, line.service, line.unit)):
        lines = list(group)
        title = _section_title(draft.buckets[number], service, draft, language)
        found.append(_section(title, service, unit, lines, draft.currency, language))
    return found


def _section(
    title: str, service: str, unit: Unit, lines: Sequence[Line], currency: Currency, language: Language
) -> dict[str, Any]:
    calls = language.count(sum(line.sums.calls for line in lines))
    billed = sum(line.sums.billed for line in lines)
    quantity = _quantity(billed, unit, language)
    amount = language.amount(Amount.total(line.amount for line in lines), currency)
    if unit is Unit.SECOND:
        # French takes up to 1,99 for one, so whole minutes decide; English says minutes of any figure with decimals.
        minutes = language.ngettext("{quantity} minutes", "{quantity} minutes", abs(billed) // 60)
        measured = minutes.format(quantity=quantity)
    else:
        measured = quantity
    return {
        "title": title,
        "columns": [
            language.pgettext("column", "No."),
            language.pgettext("column", "Destination"),
            language.pgettext("column", "Price"),
            _counted(service, language),
            _measured(unit, language),
            _amount_column(currency, language),
        ],
        "rows": [row for line in lines for row in _rows(line, currency, language)],
        "group": _ADJUSTED_ROWS if lines[0].before is not None else 1,  # rows of a line
        "subtotal": [language.gettext("Subtotal"), calls, quantity, amount],
        "summary": [title, language.count(len(lines)), calls, measured, amount],
    }


def _counted(service: str, language: Language) -> str:
    match service:
        case "voice":
            return language.pgettext("column", "Calls")
        case "sms":
            return language.pgettext("column", "Messages")
        case "data":
            return language.pgettext("column", "Sessions")
    return language.pgettext("column", "Events")


def _measured(unit: Unit, language: Language) -> str:
    match unit:
        case Unit.SECOND:
            return language.pgettext("column", "Minutes")
        case Unit.OCTET:
            return language.pgettext("column", "Data")
    return language.pgettext("column", "Units")


def _service(service: str, language: Language) -> str:
    match service:
        case "voice":
            return language.pgettext("service", "Calls")
        case "sms":
            return language.pgettext("service", "Messages")
        case "data":
            return language.pgettext("service", "Data")
    return language.pgettext("service", "Events")


def _amount_column(currency: Currency, language: Language) -> str:
    return language.pgettext("column", "Amount {currency}").format(currency=currency.code)


def _rows(line: Line, currency: Currency, language: Language) -> list[list[str]]:
    """A line: one row, or for an adjustment what was billed and what it should be, both exact, and the difference."""
    if line.before is None:
        return [_row(str(line.number), line.destination, line.terms, line, line.sums, currency, language)]
    billed, corrected = language.gettext("Billed: {price}"), language.gettext("Corrected: {price}")
    rows = [
        _row(
            str(line.number),
            line.destination,
            billed.format(price=line.before_terms or "–"),
            line,
            line.before,
            currency,
            language,
        ),
        _row("", "", corrected.format(price=line.terms or "–"), line, line.after, currency, language),
        _row("", "", language.gettext("Difference"), line, line.sums, currency, language),
    ]
    for row, sums in zip(rows, (line.before, line.after), strict=False):
        row[-1] = language.exact(sums.exact, currency)
    return rows


def _row(
    number: str, destination: str, text: str, line: Line, sums: Sums, currency: Currency, language: Language
) -> list[str]:
    return [
        number,
        destination,
        _MINUS.sub("−", text),
        language.count(sums.calls),
        _quantity(sums.billed, line.unit, language),
        language.amount(line.amount, currency),
    ]


def _widths(sections: Sequence[Mapping[str, Any]]) -> list[float]:
    """The columns in points: figures as wide as the longest, the rest for destination and price."""
    tables = [[section["columns"], *section["rows"], ["", "", *section["subtotal"]]] for section in sections]
    figures = [
        max(len(row[column]) for table in tables for row in table) * _DIGIT + _INSETS + _AIR for column in (0, 3, 4, 5)
    ]
    rest = max(_TEXT_WIDTH - sum(figures), _LEAST_REST)
    share = _DESTINATION_SHARE if all(section["group"] == 1 for section in sections) else _ADJUSTED_SHARE
    return [figures[0], rest * share, rest * (1 - share), *figures[1:]]


def _heights(rows: Iterable[Sequence[str]], widths: Sequence[float]) -> list[float]:
    """The height of each row in points; 0 where a text may need two lines, which typst then measures."""
    fits = [all(_extent(row[column]) <= widths[column] - _INSETS for column in (1, 2)) for row in rows]
    return [_ROW_HEIGHT if is_short else 0 for is_short in fits]


def _extent(text: str) -> float:
    """At least the width of a text in points, in the font of the lines."""
    return sum(_LETTER_WIDTHS.get(letter, _SIZE) for letter in text)


def _section_title(bucket: Bucket, service: str, draft: Draft, language: Language) -> str:
    number = _number_of(draft, bucket)
    match bucket.kind, bool(number):
        case LineKind.LATE, False:
            text = language.gettext("Late: {service} of {period}")
        case LineKind.LATE, True:
            text = language.gettext("Late: {service} of {period}, period of {number}")
        case LineKind.ADJUSTMENT, False:
            text = language.gettext("Adjustment: {service} of {period}")
        case LineKind.ADJUSTMENT, True:
            text = language.gettext("Adjustment of {number}: {service} of {period}")
        case _:
            return _service(service, language)
    return text.format(service=_service(service, language), period=language.period(bucket.period), number=number)


def _number_of(draft: Draft, bucket: Bucket) -> str:
    found = draft.corrected.get(bucket.corrects or 0)
    return "" if found is None else found.number


def _summary(sections: Sequence[Mapping[str, Any]], draft: Draft, language: Language) -> dict[str, Any]:
    services = {line.service for line in draft.lines}
    is_one = len(services) == 1
    counted = _counted(services.pop(), language) if is_one else language.pgettext("column", "Count")
    return {
        "title": language.gettext("Summary"),
        "columns": [
            language.pgettext("column", "Item"),
            language.pgettext("column", "Lines"),
            counted,
            language.pgettext("column", "Quantity"),
            _amount_column(draft.currency, language),
        ],
        "rows": [section["summary"] for section in sections],
    }


def _foot(draft: Draft, issue: Issue | None, language: Language) -> dict[str, Any]:
    totals, currency = draft.totals, draft.currency
    records = language.gettext(
        "Each line is the sum of its records. The records are attached to this document as CSV and Parquet files; "
        "their column “line” is the number of the line."
    )
    adjusted = language.gettext(
        "In an adjustment, the files have each record as it is now and as it was billed: the difference is the sum of “amount” less "
        "“amount_before”."
    )
    total = language.gettext("Total {currency}").format(currency=currency.code)
    return {
        "working": [
            (language.gettext("Usage, exact"), language.exact(totals.exact, currency)),
            (language.gettext("Rounding of lines"), language.exact(-totals.rounding, currency)),
        ],
        "sums": [(language.gettext("Net"), language.amount(totals.net, currency)), *_taxes(draft, language)],
        "total": (total, language.amount(totals.total, currency)),
        "payment_heading": language.gettext("Payment"),
        "payment": _payment(draft, issue, language),
        "notes": [
            note
            for note in (draft.seller["note"], records if issue else "", adjusted if issue and draft.adjusts else "")
            if note
        ],
    }


def _taxes(draft: Draft, language: Language) -> list[tuple[str, str]]:
    """The tax; where adjustments have other percentages than the document, one line each."""
    found, taxes = [], draft.totals.taxes
    for each in taxes:
        label = f"{each.rate.name or language.gettext('Tax')} {language.percent(each.rate.percent)}"
        if len(taxes) > 1:
            net = language.amount(each.net, draft.currency)
            label = language.gettext("{tax} on {net}").format(tax=label, net=net)
        if each.rate.name or each.rate.percent:
            found.append((label, language.amount(each.tax, draft.currency)))
    return found


def _payment(draft: Draft, issue: Issue | None, language: Language) -> list[str]:
    total = language.money(abs(draft.totals.total), draft.currency)
    if issue is None:
        return [language.gettext("This is a preview, not an invoice. Nothing has been billed.")]
    if draft.kind is InvoiceKind.CREDIT_NOTE:
        return [language.gettext("{amount} is credited to your account.").format(amount=total)]
    if not draft.totals.total:
        return [language.gettext("Nothing is to be paid.")]
    asked = language.gettext("Please pay {amount} by {date} and quote {number}.").format(
        amount=total, date=language.date(issue.due_on), number=issue.number
    )
    return [asked, *draft.seller["payment_instructions"]]

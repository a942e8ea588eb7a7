"""A notification's lines as cells, and as a CSV or XLSX file that our own reader reads back. Memory does not grow with the lines."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_DECIMALS, Price, scaled_text
from trunkline.engine.units import Unit
from trunkline.pricing.compare import Kind
from trunkline.pricing.notifications.columns import NUMBER_FORMATS, PREFIXES, Column, FileForm, FileKind, date_text
from trunkline.pricing.notifications.said import say_steps

BATCH_ROWS: Final = 10_000  # that are Python values at one time
XLSX_ROWS_MAX: Final = 1_048_576
XLSX_DIGITS_MAX: Final = 15  # of a number in a spreadsheet, which is a double
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
BLOCKED: Final = "Blocked"
CLOSED: Final = "Closed"
STATUS: Final = {
    Kind.NEW: "new", Kind.INCREASE: "increase", Kind.DECREASE: "decrease", Kind.UNCHANGED: "unchanged", Kind.INCREMENT: "changed",
    Kind.MOVED: "changed", Kind.BLOCKED: "blocked", Kind.CLOSED: "closed",
}  # fmt: skip

Value = str | int | Price | datetime | None


@dataclass(frozen=True, slots=True)
class About:
    """What the words in braces of title rows stand for, and how the tariff counts."""

    operator: str
    account: str
    tariff: str
    currency: str
    unit: Unit
    zone: tzinfo
    day: date

    def filled(self, text: str, form: FileForm) -> str:
        """A title row with what its words in braces stand for; other braces stay."""
        words = {"operator": self.operator, "account": self.account, "tariff": self.tariff, "currency": self.currency}
        for name, value in (words | {"date": date_text(self.day, form.date_form)}).items():
            text = text.replace(f"{{{name}}}", value)
        return text


def status_of(line: dict[str, Any]) -> str:
    """The word of a line's status: what it is against what the customer knows."""
    if line["is_closed"]:
        return "closed"
    return "blocked" if line["blocked"] else STATUS[Kind(line["kind"])]


def line_cells(line: dict[str, Any], about: About) -> dict[Column, Value]:
    """What each column says of a line. Raises Invalid `cannot_be_told`."""
    begins, ends = line["valid_from"], line["valid_to"]
    cells: dict[Column, Value] = {
        Column.CODE: line["code"],
        Column.DESTINATION: line["destination"],
        Column.EFFECTIVE: begins.astimezone(about.zone) if begins else None,
        Column.END: ends.astimezone(about.zone) if ends else None,
        Column.PROFILE: line["time_profile"],
        Column.ORIGIN: line["origin"],
        Column.STATUS: status_of(line),
        Column.CURRENCY: about.currency,
    }
    before = _rate_before(line, about.unit)
    cells[Column.PREVIOUS] = before
    if line["is_closed"] or line["blocked"]:
        return cells | {Column.RATE: CLOSED if line["is_closed"] else BLOCKED}
    said = say_steps(line["steps"], about.unit)
    return cells | {
        Column.RATE: said.rate,
        Column.MINIMUM: said.minimum,
        Column.INTERVAL: said.interval,
        Column.INCREMENTS: f"{said.minimum}/{said.interval}",
        Column.GRACE: line["grace"],
        Column.SETUP: Price.from_text(line["setup_fee"]),
        Column.DIFFERENCE: None if before is None else Price(said.rate.units - before.units),
    }


def _rate_before(line: dict[str, Any], unit: Unit) -> Price | None:
    """The rate that the customer knows to hold when the line begins; None where there is none, or none that columns can say."""
    if line["before_steps"] is None or line["before_blocked"]:
        return None
    try:
        return say_steps(line["before_steps"], unit).rate
    except Invalid:
        return None


def rows_of(news: pa.Table, form: FileForm, about: About) -> Iterator[list[Value]]:
    """The rows of the file. Where it has no codes, a destination's lines that say the same are one row."""
    is_named = not form.has(Column.CODE)
    seen: set[tuple[Value, ...]] = set()
    for batch in news.to_batches(max_chunksize=BATCH_ROWS):
        for line in batch.to_pylist():
            cells = line_cells(line, about)
            row = [cells.get(column) for column, _ in form.columns]
            if is_named:
                if tuple(row) in seen:
                    continue
                seen.add(tuple(row))
            yield row


def write_file(path: Path, news: pa.Table, form: FileForm, about: About, *, at: datetime) -> int:
    """Write the file, whole or not at all; the number of its rows.

    Raises Invalid `cannot_be_told`, `too_many_rows` where a sheet cannot hold them.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write = _write_xlsx if form.kind is FileKind.XLSX else _write_csv
        count = write(partial, news, form, about, at)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _head(form: FileForm, about: About) -> list[str]:
    """The rows above the columns."""
    rows = [about.filled(text, form) for text in form.title_rows]
    return rows + ([f"Currency: {about.currency}"] if form.has_currency_row else [])


def safe_text(value: str) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula: an apostrophe goes before what looks like one."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def _write_csv(path: Path, news: pa.Table, form: FileForm, about: About, at: datetime) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=form.delimiter, lineterminator="\r\n")
        for text in _head(form, about):
            writer.writerow([safe_text(text)])
        writer.writerow([safe_text(title) for _, title in form.columns])
        for row in rows_of(news, form, about):
            writer.writerow(
                [_csv_cell(value, column, form) for value, (column, _) in zip(row, form.columns, strict=True)]
            )
            count += 1
    return count


def _csv_cell(value: Value, column: Column, form: FileForm) -> str:
    if value is None:
        return ""
    if isinstance(value, Price):
        return _decimal(value).replace(".", form.decimal_mark)
    if isinstance(value, datetime):
        return instant_text(value, form)
    if isinstance(value, int):
        return str(value)
    return safe_text(PREFIXES[form.code_form] + value if column is Column.CODE and value else value)


def instant_text(local: datetime, form: FileForm) -> str:
    """A date of the tariff's clock, with the time where it is not midnight."""
    day = date_text(local.date(), form.date_form)
    return day if not (local.hour or local.minute or local.second) else f"{day} {local:%H:%M:%S}"


def _decimal(price: Price) -> str:
    return scaled_text(price.units, PRICE_DECIMALS, least=4)


def _write_xlsx(path: Path, news: pa.Table, form: FileForm, about: About, at: datetime) -> int:
    import xlsxwriter

    head = _head(form, about)
    if len(news) + len(head) + 1 > XLSX_ROWS_MAX:
        raise Invalid("too_many_rows", f"A sheet cannot hold {len(news)} rows.", hint="Send CSV.")
    options = {"constant_memory": True, "tmpdir": str(path.absolute().parent)}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties({"title": about.tariff, "created": at.astimezone(UTC).replace(tzinfo=None)})
        return _write_sheet(workbook, head, news, form, about)


def _write_sheet(workbook: Any, head: Sequence[str], news: pa.Table, form: FileForm, about: About) -> int:
    sheet = workbook.add_worksheet("Rates")
    bold = workbook.add_format({"bold": True})
    price = workbook.add_format({"num_format": "0.0000######"})
    day = workbook.add_format({"num_format": NUMBER_FORMATS[form.date_form]})
    moment = workbook.add_format({"num_format": f"{NUMBER_FORMATS[form.date_form]} hh:mm:ss"})
    sheet.set_column(0, len(form.columns) - 1, 18)
    for number, text in enumerate(head):
        sheet.write_string(number, 0, text)
    for place, (_, title) in enumerate(form.columns):
        sheet.write_string(len(head), place, title, bold)
    sheet.freeze_panes(len(head) + 1, 0)
    number = len(head)
    for row in rows_of(news, form, about):
        number += 1
        for place, (value, (column, _)) in enumerate(zip(row, form.columns, strict=True)):
            if isinstance(value, Price):
                if _fits(value):
                    # A Decimal is written with its own digits; it never becomes a float here.
                    sheet.write_number(number, place, Decimal(_decimal(value)), price)
                else:
                    sheet.write_string(number, place, _decimal(value).replace(".", form.decimal_mark))
            elif isinstance(value, datetime):
                has_time = value.hour or value.minute or value.second
                sheet.write_datetime(number, place, value.replace(tzinfo=None), moment if has_time else day)
            elif isinstance(value, int):
                sheet.write_number(number, place, value)
            elif value:
                # Written as text whatever it begins with: no cell is ever a formula.
                sheet.write_string(number, place, PREFIXES[form.code_form] + value if column is Column.CODE else value)
    return number - len(head)


def _fits(price: Price) -> bool:
    return len(str(abs(price.units)).strip("0")) <= XLSX_DIGITS_MAX

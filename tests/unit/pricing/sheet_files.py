"""Small rate sheets for tests, written as vendors do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from html import escape

import xlsxwriter

from trunkline.pricing.sheets.reading import Reading, line_to_report, read_sheet
from trunkline.pricing.sheets.recognise import Context

Cell = str | int | float | datetime


def xlsx(*sheets: tuple[str, Sequence[Sequence[Cell]]]) -> bytes:
    """A workbook; numbers and dates are its own."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    dated = book.add_format({"num_format": "dd/mm/yyyy"})
    for name, rows in sheets:
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, column, cell, dated)
                elif isinstance(cell, str):
                    sheet.write_string(number, column, cell)
                else:
                    sheet.write_number(number, column, cell)
    book.close()
    return out.getvalue()


def ods(name: str, rows: Sequence[Sequence[str | float]], *, tail: str = "") -> bytes:
    """An OpenDocument workbook with one sheet; `tail` is put below its rows."""

    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="{name}">{body}{tail}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    manifest = (
        b'<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    return archive({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content.encode()})


def archive(members: dict[str, bytes]) -> bytes:
    """A zip of these."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read(data: bytes | str, name: str = "sheet.csv", **context: object) -> Reading:
    """What a file says."""
    octets = data.encode() if isinstance(data, str) else data
    return read_sheet(octets, name, Context(name, **context))  # type: ignore[arg-type]


def said(reading: Reading, *fields: str) -> list[tuple[object, ...]]:
    """Those fields of every line, as the command prints them."""
    return [tuple(line_to_report(line)[name] for name in fields) for line in reading.lines.to_pylist()]


def doubts(reading: Reading) -> list[str]:
    """The doubts of the layout."""
    return [str(each.doubt) for each in reading.layout.doubts]


def errors(reading: Reading) -> list[tuple[int, str, str, str]]:
    """Line, column, reason and text of each row that gave no line."""
    return [(each.line, each.column, str(each.reason), each.text) for each in reading.errors]

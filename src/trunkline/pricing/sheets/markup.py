"""Tables of web pages and of XML workbooks (SpreadsheetML 2003): what many portals send under the name of XLS."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.encodings import decode
from trunkline.pricing.sheets.grid import Grid, grid_of

_CELLS: Final = frozenset({"td", "th", "cell", "ss:cell"})
_ROWS: Final = frozenset({"tr", "row", "ss:row"})
_TABLES: Final = frozenset({"table", "ss:table"})
_UNREAD: Final = frozenset({"script", "style"})
_SPAN_MAX: Final = 200
_CELLS_MAX: Final = 20_000_000


def read_markup(data: bytes, name: str) -> list[Grid]:
    """Each table that is not inside another one. Raises Invalid `sheet_kind` where the page has no table."""
    parser = _Tables()
    parser.feed(decode(data)[0])
    parser.close()
    parser.end_row()
    grids = [
        grid_of(name if len(parser.tables) == 1 else f"{name} {number}", rows)
        for number, rows in enumerate(parser.tables, start=1)
        if rows
    ]
    if not grids:
        raise Invalid("sheet_kind", f"{name} is a page without a table.", hint="Ask for CSV, XLSX, XLS or ODS.")
    return grids


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._depth = 0
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._span = 1
        self._unread = 0
        self._count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._unread += 1
        elif tag in _TABLES:
            self._depth += 1
            if self._depth == 1:
                self.tables.append([])
        elif tag in _ROWS and self._depth == 1:
            self.end_row()
            self._row = []
        elif tag in _CELLS and self._row is not None and self._depth == 1:
            self._end_cell()
            given = {key: value or "" for key, value in attrs}
            index = given.get("ss:index", "")
            if index.isdigit():
                self._row += [""] * min(max(int(index) - 1 - len(self._row), 0), _SPAN_MAX)
            span = given.get("colspan", "1")
            self._span = min(int(span), _SPAN_MAX) if span.isdecimal() and span.isascii() else 1
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread = max(self._unread - 1, 0)
        elif tag in _TABLES:
            if self._depth == 1:
                self.end_row()
            self._depth = max(self._depth - 1, 0)
        elif tag in _ROWS and self._depth == 1:
            self.end_row()
        elif tag in _CELLS and self._depth == 1:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._unread:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row += ["".join(self._cell), *[""] * (max(self._span, 1) - 1)]
            self._count += max(self._span, 1)
            if self._count > _CELLS_MAX:
                raise Invalid("sheet_too_large", "The page has too many cells.")
        self._cell = None

    def end_row(self) -> None:
        """Close the row that is open, if any."""
        self._end_cell()
        if self._row is not None and self.tables:
            self.tables[-1].append(self._row)
        self._row = None

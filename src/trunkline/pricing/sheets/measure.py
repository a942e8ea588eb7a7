"""How large a sheet of a workbook would be once it is laid out: told from its XML, before anything lays it out.

A few hundred octets can name a cell in the first row and one in the last row and column; what reads them allots all cells between.
"""

from __future__ import annotations

import re
from typing import Final

_OVERLAP: Final = 1_024
_ROW: Final = re.compile(rb"<(?:\w{1,9}:)?row\b[^>]{0,300}?\br\s*=\s*[\"']([0-9]{1,12})[\"']")
_WIDE: Final = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{2,7})([0-9]{1,12})[\"']")
_NARROW: Final = 26  # columns A to Z are not looked for one by one: nearly every cell stands there
_ODS_TAG: Final = re.compile(rb"<table:(table-row|(?:covered-)?table-cell|table)\b([^>]{0,2000})>")
_ODS_REPEAT: Final = re.compile(rb"number-(?:rows|columns)-repeated\s*=\s*[\"']([0-9]{1,12})[\"']")


class XlsxSize:
    """Feed it the octets of a worksheet; `cells` is then at least what the sheet would be laid out as."""

    def __init__(self) -> None:
        self._tail = b""
        self._width = _NARROW
        self._height = 1

    def feed(self, block: bytes) -> None:
        """The next octets."""
        text = self._tail + block
        rows = _ROW.findall(text)
        # As bytes of equal length compare like numbers, the largest is found without making numbers of all.
        if rows:
            self._height = max(self._height, int(max(rows, key=lambda digits: (len(digits), digits))))
        for letters, row in _WIDE.findall(text):
            self._width = max(self._width, _number(letters.upper()))
            self._height = max(self._height, int(row))
        self._tail = text[-_OVERLAP:]

    @property
    def cells(self) -> int:
        return self._width * self._height


class OdsSize:
    """The same for the content of an ODS document."""

    def __init__(self) -> None:
        self._tail = b""
        self._row = self._repeat = self._column = 0
        self._height = self._width = 1
        self.cells = 0

    def feed(self, block: bytes) -> None:
        """The next octets."""
        text = self._tail + block
        end = 0
        for match in _ODS_TAG.finditer(text):
            end = match.end()
            kind, attributes = match.groups()
            repeat = _ODS_REPEAT.search(attributes)
            times = int(repeat[1]) if repeat else 1
            if kind == b"table":
                self._row = self._repeat = self._column = 0
                self._height = self._width = 1
            elif kind == b"table-row":
                self._row += self._repeat
                self._repeat, self._column = times, 0
            else:
                self._column += times
                if b"value-type" in attributes or not attributes.rstrip().endswith(b"/"):
                    self._width = max(self._width, self._column)
                    self._height = max(self._height, self._row + self._repeat)
                    self.cells = max(self.cells, self._width * self._height)
        self._tail = text[max(end, len(text) - 4 * _OVERLAP) :]


def _number(letters: bytes) -> int:
    number = 0
    for each in letters:
        number = number * 26 + each - 64
    return number

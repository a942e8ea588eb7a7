"""Code decks as files of `code,destination`. No Django, no database."""

from __future__ import annotations

import csv
from typing import Final

from trunkline.core.codes import expand_codes
from trunkline.core.errors import Invalid
from trunkline.tariffs.source import text_of

COLUMNS: Final = ["code", "destination"]


def read_deck_file(data: bytes) -> dict[str, str]:
    """The destination of each code; a line may hold an expression for several codes.

    Raises Invalid `bad_encoding`, `bad_header`, `bad_deck_line` naming the line, `empty_deck`.
    """
    rows = csv.reader(text_of(data).decode().splitlines())
    if [name.strip().lower() for name in next(rows, [])] != COLUMNS:
        raise Invalid("bad_header", "The first line is wrong.", hint="It is code,destination.")
    found: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != len(COLUMNS) or not all(cells):
            raise Invalid("bad_deck_line", f"Line {line} is not code,destination.", line=line)
        try:
            codes = expand_codes(cells[0])
        except Invalid as error:
            raise Invalid("bad_deck_line", f"Line {line}: {error.message}", hint=error.hint, line=line) from error
        for code in codes:
            if found.setdefault(code, cells[1]) != cells[1]:
                raise Invalid("bad_deck_line", f"Line {line}: {code} is {found[code]!r} on an earlier line.", line=line)
    if not found:
        raise Invalid("empty_deck", "The file has no codes.")
    return found

"""The rows of one sheet as lines: a code with its price, by the layout of the sheet. Whole columns at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets import words as w
from trunkline.pricing.sheets.cells import CodeRuns, Problems, Rows, are_plain_codes, each_distinct, fill_down
from trunkline.pricing.sheets.code_cells import read_codes, unwrapped
from trunkline.pricing.sheets.code_names import CodeNames
from trunkline.pricing.sheets.grid import CellKind, Grid, letter
from trunkline.pricing.sheets.headers import meaning_of
from trunkline.pricing.sheets.layout import Role, SheetLayout
from trunkline.pricing.sheets.price_cells import Kind, Mark, PriceCell, read_price
from trunkline.pricing.sheets.reasons import RowError, RowReason
from trunkline.pricing.sheets.roles import PRICES
from trunkline.pricing.sheets.row_values import Bools, RowValues
from trunkline.pricing.sheets.words import plain

# Prices are whole numbers of 10^-10 of the currency, a minute; times are the sheet's own clock.
LINES: Final = pa.schema(
    [
        pa.field("sheet", pa.string(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("code", pa.string()),  # null where the sheet has names only
        pa.field("destination", pa.string()),
        pa.field("kind", pa.string(), nullable=False),  # rate, blocked, closed
        pa.field("price", pa.int64()),
        pa.field("price_first", pa.int64()),  # of the first interval, where it differs by column
        pa.field("inter", pa.int64()),
        pa.field("intra", pa.int64()),
        pa.field("indeterminate", pa.int64()),
        pa.field("local", pa.int64()),
        pa.field("setup", pa.int64()),
        pa.field("first", pa.int32()),
        pa.field("interval", pa.int32()),
        pa.field("grace", pa.int32()),
        pa.field("included", pa.int32()),
        pa.field("valid_from", pa.timestamp("s")),
        pa.field("valid_to", pa.timestamp("s")),
        pa.field("starts", pa.string(), nullable=False),  # row, sheet, at_once, unsaid
        pa.field("slot", pa.string(), nullable=False),  # "", peak, off_peak, weekend, or the vendor's word
        pa.field("currency", pa.string(), nullable=False),
        pa.field("change", pa.string()),  # the vendor's own word, for a cross-check only
        pa.field("level", pa.string()),
        pa.field("origin", pa.string()),
    ]
)
_CODE_ROLES: Final = (Role.CODE, Role.AREA_CODE, Role.COUNTRY_CODE, Role.NPA)
_SLOT_COLUMNS: Final = {Role.PRICE_PEAK: "peak", Role.PRICE_OFFPEAK: "off_peak", Role.PRICE_WEEKEND: "weekend"}
_VECTOR: Final = (Role.PRICE_FIRST, Role.INTER, Role.INTRA, Role.INDETERMINATE, Role.LOCAL)


@dataclass(slots=True)
class SheetLines:
    """The lines of a sheet, the rows that gave none, and how many rows were left out because they are no rates."""

    lines: pa.Table
    errors: list[RowError]
    rows: int = 0
    skipped: dict[str, int] = field(default_factory=dict)


def read_lines(grid: Grid, sheet: SheetLayout, known: CodeNames | None = None) -> SheetLines:
    """The lines of a rates sheet; `known` has the codes of destinations that its rows only name."""
    return LineReader(grid, sheet, known).read()


class LineReader(RowValues):
    """Reads the rows of one sheet."""

    def __init__(self, grid: Grid, sheet: SheetLayout, known: CodeNames | None) -> None:
        super().__init__(grid, sheet)
        self.known = known

    def read(self) -> SheetLines:
        if not self.height or not self.columns:
            return SheetLines(LINES.empty_table(), [])
        keep, source = self._sort_rows()
        prices = self._prices(source)
        kinds = self._kinds(prices, source)
        runs = self.codes()
        dates = self._dates(source)
        increments = self._increments(source)
        names = self.names(source)
        runs = self._named_codes(runs, names, keep)
        fixed = self._fixed(source)
        self._no_price(keep, kinds)
        self.problems.forget(self.left_out)
        self._blame_width()
        self.forgive_headers(keep)
        keep &= ~self.problems.is_bad
        base = {"destination": names} | increments | dates | fixed
        tables = self._tables(base, prices, kinds, keep)
        codes, parents = runs.spread()
        made = [self._lines(table, rows, codes, parents) for table, rows in tables]
        table = pa.concat_tables(made).combine_chunks() if made else LINES.empty_table()
        if len(made) > 1:
            table = table.sort_by([("line", "ascending")])
        errors = self.errors()
        if self.known is not None:
            errors += self.known.errors
        return SheetLines(table, errors, self.height, self.skipped)

    # What each row is.

    def _sort_rows(self) -> tuple[Bools, Rows]:
        """Which rows are of rates, and for each the row that has its price: a row with nothing but codes goes on with the one above."""
        cells = np.zeros(self.height, np.int32)
        for column in self.columns:
            cells += pc.is_valid(column).to_numpy(zero_copy_only=False)
        has_code = self.filled(*_CODE_ROLES)
        # A heading may stand in the column of the codes.
        words = pc.invert(pc.match_substring_regex(self.texts(self._code_role()), "[0-9]"))
        has_code &= ~((cells == 1) & np.asarray(pc.fill_null(words, False).to_numpy(zero_copy_only=False)))
        has_price = self.filled(*PRICES)
        names = self.filled(Role.DESTINATION, Role.COUNTRY, Role.NETWORK)
        wants_code = any(map(self.has, _CODE_ROLES))
        blank = cells == 0
        alone = ~has_code & ~has_price & ~blank if wants_code else ~has_price & ~blank & (cells <= 1)
        heading = alone & (cells <= 1)
        unpriced = alone & ~heading
        self.headings = heading
        goes_on = has_code & ~has_price & ~names & (cells <= (has_code * 2)) & wants_code
        # A row that says only that its code is closed has no price either; it is no continuation.
        if self.has(Role.CHANGE) or self.has(Role.BLOCKED) or self.has(Role.DISCONTINUED):
            goes_on &= ~self.filled(Role.CHANGE, Role.BLOCKED, Role.DISCONTINUED)
        goes_on[0] = False
        self._skip("blank", blank)
        self._skip("headings", heading)
        self.left_out = blank | heading
        keep = ~self.left_out
        marks = np.where(keep & ~goes_on, np.arange(self.height), -1)
        source = np.maximum.accumulate(marks)
        lost = goes_on & (source < 0)
        self.problems.add(np.flatnonzero(lost), RowReason.NO_PRICE, self.index(Role.PRICE))
        source = np.where(goes_on & (source >= 0), source, np.arange(self.height))
        if wants_code:
            missing = keep & ~has_code & (has_price | unpriced)
            if self.known is not None:
                missing &= ~names
            self.problems.add(np.flatnonzero(missing), RowReason.NO_CODE, self.index(self._code_role()))
        else:
            self.problems.add(np.flatnonzero(keep & ~names), RowReason.NO_NAME, self.index(Role.DESTINATION))
        return keep, source

    def _code_role(self) -> Role:
        return next(
            (role for role in (Role.CODE, Role.AREA_CODE, Role.COUNTRY_CODE, Role.NPA) if self.has(role)), Role.CODE
        )

    # Codes.

    def codes(self) -> CodeRuns:
        """The plain codes of each row; an empty one where a row is told by its name alone."""
        if self.has(Role.NPA) and self.has(Role.NXX):
            column = pc.binary_join_element_wise(self.texts(Role.NPA), self.texts(Role.NXX), "")
            return self._code_lists(column, None, Role.NPA, "1")
        heads = self.texts(Role.COUNTRY_CODE) if self.has(Role.COUNTRY_CODE) else None
        if self.has(Role.CODE):
            return self._code_lists(self.texts(Role.CODE), None, Role.CODE, self.sheet.adds_country)
        if self.has(Role.AREA_CODE) and heads is not None:
            return self._code_lists(self.texts(Role.AREA_CODE), fill_down(heads), Role.AREA_CODE, "")
        if heads is not None:
            return self._code_lists(heads, None, Role.COUNTRY_CODE, "")
        if self.has(Role.AREA_CODE):
            return self._code_lists(self.texts(Role.AREA_CODE), None, Role.AREA_CODE, "")
        return CodeRuns.of_lists([[""]], np.zeros(self.height, np.int64))

    def _named_codes(self, runs: CodeRuns, names: pa.Array, keep: Bools) -> CodeRuns:
        """The same with the codes of the codes sheet where a row has none of its own."""
        if self.known is None:
            return runs
        without = keep & ~self.problems.is_bad & ~self.filled(*_CODE_ROLES)
        if not without.any():
            return runs
        known = self.known.codes
        encoded = names.dictionary_encode()
        found = [list(known.get(plain(text), ())) for text in encoded.dictionary.to_pylist()] + [[]]
        at = encoded.indices.fill_null(len(found) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        lost = without & np.array([not each for each in found])[at]
        self.problems.add(np.flatnonzero(lost), RowReason.NAME_WITHOUT_CODES, self.index(Role.DESTINATION))
        return runs.with_lists(without, found, at)

    def _code_lists(self, texts: pa.Array, heads: pa.Array | None, role: Role, added: str) -> CodeRuns:
        rules = self.sheet.codes

        def parse(text: str) -> list[str]:
            head, _, code = text.rpartition("\x1f")
            country = unwrapped(head).lstrip("+").removeprefix("00")
            if head and not (country.isdecimal() and country.isascii() and len(country) <= 7):
                raise Invalid("bad_code", f"{head[:40]!r} is no country code.")
            if not code:
                return read_codes(country, "", rules)
            return [added + each for each in read_codes(code.replace("-", "") if added else code, country, rules)]

        if heads is not None:
            present = pc.or_(pc.is_valid(texts), pc.is_valid(self.texts(Role.COUNTRY_CODE)))
            both = pc.binary_join_element_wise(pc.fill_null(heads, ""), pc.fill_null(texts, ""), "\x1f")
            texts = pc.if_else(present, both, pa.scalar(None, pa.string()))
        elif not added:
            return self._mostly_plain(texts, parse, role)
        lists, places = each_distinct(texts, parse, self.problems, self.index(role), "bad_code")
        return CodeRuns.of_lists([each or [] for each in lists], places)

    def _mostly_plain(self, texts: pa.Array, parse: Callable[[str], list[str]], role: Role) -> CodeRuns:
        """Plain digits are codes as they stand; only the others are read."""
        plain_ones = are_plain_codes(texts)
        rows = np.arange(self.height, dtype=np.int64)
        runs = CodeRuns(texts, rows, plain_ones.astype(np.int64))
        if plain_ones.all():
            return runs
        others = np.flatnonzero(~plain_ones)
        problems = Problems(len(others))
        lists, places = each_distinct(texts.take(pa.array(others)), parse, problems, self.index(role), "bad_code")
        for row in problems.rows:
            self.problems.add([int(others[row])], problems.of(int(row))[0], self.index(role))
        at = np.zeros(self.height, np.int64)
        at[others] = places
        return runs.with_lists(~plain_ones, [each or [] for each in lists], at)

    # Prices and kinds.

    def _prices(self, source: Rows) -> dict[Role, tuple[pa.Array, npt.NDArray[np.int8], pa.Array]]:
        """Of each price column the prices, the kind of each cell (-1 empty, 0 rate, 1 blocked, 2 closed), and its currency."""
        found = {}
        for role in (*PRICES, Role.SETUP):
            column = self.by_role.get(role)
            if column is not None:
                found[role] = self._price_column(role, source)
        return found

    def _price_column(self, role: Role, source: Rows) -> tuple[pa.Array, npt.NDArray[np.int8], pa.Array]:
        column = self.by_role[role]
        texts, mark = self.columns[column.index], self.sheet.mark
        kinds = self.grid.kinds[column.index]
        numbers = None if kinds is None else kinds[self.start : self.start + self.height] == CellKind.NUMBER
        if numbers is not None and mark is Mark.COMMA and numbers.any():
            # Numbers of a workbook have a point whatever its texts have.
            texts = pc.if_else(pa.array(numbers), pc.replace_substring(texts, ".", ","), texts)

        def parse(text: str) -> PriceCell:
            return read_price(text, mark, column.shift, column.times)

        problems = Problems(self.height) if role is Role.SETUP else self.problems
        cells, places = each_distinct(texts, parse, problems, column.index, "bad_price")
        if role is Role.SETUP:  # a fee that is a word or a dash is none
            self.problems.add(
                np.array([row for row in problems.rows if problems.of(row)[0] != "bad_price"], np.int64),
                "bad_price",
                column.index,
            )
        order = {Kind.RATE: 0, Kind.BLOCKED: 1, Kind.CLOSED: 2}
        units = pa.array([cell.units if cell else None for cell in cells], pa.int64())
        states = np.array([-1 if cell is None else order[cell.kind] for cell in cells], np.int8)
        money = pa.array([cell.currency if cell else "" for cell in cells], pa.string())
        at = places[source]
        return units.take(pa.array(at)), states[at], money.take(pa.array(at))

    def _kinds(self, prices: dict[Role, Any], source: Rows) -> npt.NDArray[np.int8]:
        """0 rate, 1 blocked, 2 closed, -1 none of them: by the price cells, then by the columns that say so."""
        kinds = np.full(self.height, -1, np.int8)
        for role in PRICES:
            if role in prices:
                states = prices[role][1]
                kinds = np.where(
                    (kinds != 0) & (states >= 0), np.where(kinds < 0, states, np.minimum(kinds, states)), kinds
                )
        for role, value in ((Role.BLOCKED, 1), (Role.DISCONTINUED, 2)):
            if self.has(role):
                kinds = np.where(self._words(role, lambda text: plain(text) in w.YES)[source], value, kinds)
        if self.has(Role.CHANGE):
            closed = self._words(Role.CHANGE, lambda text: _has_word(plain(text), w.CLOSED_WORDS))
            blocked = self._words(Role.CHANGE, lambda text: _has_word(plain(text), _BLOCKED_CHANGES))
            kinds = np.where(closed[source], 2, np.where(blocked[source], 1, kinds))
        return kinds.astype(np.int8)

    def _no_price(self, keep: Bools, kinds: npt.NDArray[np.int8]) -> None:
        index = next((self.index(role) for role in PRICES if self.has(role)), -1)
        self.problems.add(np.flatnonzero(keep & (kinds < 0)), RowReason.NO_PRICE, index)

    # Putting together.

    def _tables(
        self,
        base: dict[str, pa.Array],
        prices: dict[Role, Any],
        kinds: npt.NDArray[np.int8],
        keep: Bools,
    ) -> list[tuple[dict[str, Any], Rows]]:
        """One table of rows for each column of a time of day, else one for all."""
        keep = keep & self._outward()
        empty = (
            pa.nulls(self.height, pa.int64()),
            np.full(self.height, -1, np.int8),
            pa.array([""] * self.height, pa.string()),
        )
        for role in _VECTOR:
            base[str(role)] = prices.get(role, empty)[0]
        base["setup"] = prices.get(Role.SETUP, empty)[0]
        slots = [role for role in _SLOT_COLUMNS if role in prices]
        made = []
        for role in ([Role.PRICE] if Role.PRICE in prices or not slots else []) + slots:
            units, states, money = prices.get(role, empty)
            rows = keep if role is Role.PRICE and not slots else keep & (states >= 0)
            columns = dict(base) | {"price": units}
            column_kinds = kinds if role is Role.PRICE and not slots else np.where(kinds > 0, kinds, states)
            columns["kind"] = pa.array(_KIND_NAMES[np.clip(column_kinds, 0, 2)], pa.string())
            if role in _SLOT_COLUMNS:
                columns["slot"] = pa.array([_SLOT_COLUMNS[role]] * self.height, pa.string())
            sheet_money = self.sheet.currency or self._header_currency(role)
            found = pc.if_else(pc.equal(money, ""), pa.scalar(None, pa.string()), money)
            columns["currency"] = pc.fill_null(
                pc.coalesce(columns["currency"], found, pa.scalar(sheet_money or None, pa.string())), ""
            )
            for name in ("price", "setup", *map(str, _VECTOR)):
                columns[name] = pc.if_else(pa.array(column_kinds == 0), columns[name], pa.scalar(None, pa.int64()))
            made.append((columns, np.flatnonzero(rows)))
        return made

    def _header_currency(self, role: Role) -> str:
        for each in (role, *PRICES):
            column = self.by_role.get(each)
            found = w.currencies_in(column.header) if column is not None else []
            if len(found) == 1:
                return found[0]
        return ""

    def _outward(self) -> Bools:
        """Rows of calls coming in are no prices of calls going out, where the sheet has both."""
        if not self.has(Role.DIRECTION):
            return np.ones(self.height, np.bool_)
        inward = self._words(Role.DIRECTION, lambda text: plain(text) in w.INWARD)
        outward = self._words(Role.DIRECTION, lambda text: plain(text) in w.OUTWARD)
        if not (inward.any() and outward.any()):
            return np.ones(self.height, np.bool_)
        self._skip("inbound", inward)
        return ~inward

    def _lines(self, columns: dict[str, Any], rows: Rows, codes: pa.Array, parents: Rows) -> pa.Table:
        wanted = np.zeros(self.height, np.bool_)
        wanted[rows] = True
        chosen = np.flatnonzero(wanted[parents])
        at = pa.array(parents[chosen])
        picked = codes.take(pa.array(chosen))
        made = {
            "sheet": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(len(chosen), np.int32)), pa.array([self.sheet.name])
            ).cast(pa.string()),
            "line": pa.array(self.grid.lines[self.start : self.start + self.height][parents[chosen]], pa.int32()),
            "code": pc.if_else(pc.equal(picked, ""), pa.scalar(None, pa.string()), picked),
        }
        for name in LINES.names:
            if name not in made:
                made[name] = columns[name].take(at)
        if self.sheet.level:
            made["level"] = pc.fill_null(made["level"], self.sheet.level)
        return pa.table([made[name] for name in LINES.names], schema=LINES)

    # Rows that could not be read.

    def _blame_width(self) -> None:
        """Where a row that cannot be read has cells beyond the last column of the table, a delimiter inside a cell moved the others."""
        last = max(
            (column.index for column in self.sheet.columns if column.header or column.role is not Role.IGNORED),
            default=self.grid.width,
        )
        for index in range(last + 1, self.grid.width):
            for row in np.flatnonzero(
                pc.is_valid(self.columns[index]).to_numpy(zero_copy_only=False) & self.problems.is_bad
            ):
                self.problems.put(int(row), RowReason.FIELD_COUNT)

    def forgive_headers(self, keep: Bools) -> None:
        """A header repeated inside the table is left out; the header of another table is said to be one."""
        headers = {column.index: column.header for column in self.sheet.columns if column.header}
        repeated = 0
        for row in self.problems.rows[:2_000].tolist():
            texts = {index: self.columns[index][row].as_py() or "" for index in range(self.grid.width)}
            same = sum(bool(header) and texts.get(index) == header for index, header in headers.items())
            if same >= 2 and same * 2 > len(headers):
                self.problems.put(row, "")
                keep[row] = False
                repeated += 1
            elif _is_header(list(texts.values())):
                self.problems.put(row, RowReason.OTHER_TABLE)
        if repeated:
            self.skipped["headers"] = repeated

    def errors(self) -> list[RowError]:
        headers = {column.index: column.header for column in self.sheet.columns}
        lines = self.grid.lines[self.start : self.start + self.height]
        made = []
        for row in self.problems.rows.tolist():
            reason, column = self.problems.of(row)
            text = self.columns[column][row].as_py() if 0 <= column < self.grid.width else None
            name = headers.get(column) or (letter(column) if column >= 0 else "")
            if not text and reason in {
                RowReason.NO_CODE,
                RowReason.NO_PRICE,
                RowReason.OTHER_TABLE,
                RowReason.FIELD_COUNT,
                RowReason.NO_NAME,
            }:
                text = " | ".join(cell.text for cell in self.grid.row(row + self.start) if cell.text)
            made.append(RowError(self.sheet.name, int(lines[row]), name, reason, (text or "")[:200]))
        return made


_KIND_NAMES: Final = np.array(["rate", "blocked", "closed"])
_BLOCKED_CHANGES: Final = frozenset(
    {"blocked", "barred", "forbidden", "suspended", "gesperrt", "bloque", "bloqueado", "заблокировано"}
)


def _is_header(texts: list[str]) -> bool:
    """Whether a row is the header of a table: short words only, a code or a name and a price among them."""
    filled = [text for text in texts if text]
    if any(len(text) > 40 or any(each.isdigit() for each in text) for text in filled):
        return False
    meanings = {meaning.role for text in filled if (meaning := meaning_of(text)) is not None and meaning.score >= 0.9}
    return (
        len(meanings) >= 3
        and bool(meanings & {"price", "price_new", "price_first", "inter"})
        and bool(meanings & {"code", "destination", "country_code"})
    )


def _has_word(text: str, known: frozenset[str]) -> bool:
    return text in known or any(f" {word} " in f" {text} " for word in known if len(word) > 4)

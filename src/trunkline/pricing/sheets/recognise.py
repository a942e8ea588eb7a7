"""From grids to a layout: which sheet holds what, where its table stands, what its columns mean, how its cells are to be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.pricing.sheets.cells import Rows
from trunkline.pricing.sheets.code_cells import CodeRules, Hyphen, exists, hyphen_readings, unwrapped
from trunkline.pricing.sheets.date_cells import DateOrder, find_order, parts_of
from trunkline.pricing.sheets.grid import Cell, CellKind, Grid, letter
from trunkline.pricing.sheets.headers import cents_in, meaning_of
from trunkline.pricing.sheets.headless import assign_headless
from trunkline.pricing.sheets.keyed import KEYED, find_keyed
from trunkline.pricing.sheets.layout import Column, DoubtAt, Layout, Purpose, Role, SheetLayout
from trunkline.pricing.sheets.price_cells import Mark, find_mark
from trunkline.pricing.sheets.profile import Profile, profile_of
from trunkline.pricing.sheets.reasons import Doubt
from trunkline.pricing.sheets.roles import CODES, NAMES, PRICES, Roles, assign
from trunkline.pricing.sheets.tables import Table, find_table, joined
from trunkline.pricing.sheets.titles import Said, read_titles
from trunkline.pricing.sheets.words import words_of

_NOTES: Final = 40
_CALLS: Final = re.compile(
    r"(?i)\b(?:cli|caller|calling|called|callee|ani|dnis|from number|to \(?number|a[\s-]?number|b[\s-]?number|call id|uuid|answer|hangup)\b"
)
_USED: Final = re.compile(
    r"(?i)\b(?:duration|billsec|billable|total charge|total cost|talk time|call date|connect time|disconnect)\b"
)
_ORIGINS: Final = re.compile(r"(?i)\borigin|\ba[\s-]?number|\bursprung|\bherkunft|\borigen")
_PLAN: Final = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{2}[0-9]?", re.ASCII)


Found = tuple[SheetLayout, list[DoubtAt]]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the file: its name, the day it came, the subject of its mail."""

    name: str = ""
    received_on: date | None = None
    subject: str = ""
    effective_on: date | None = None  # what the mail says, for rows and sheets that do not


def recognise(grids: Sequence[Grid], context: Context = Context()) -> Layout:
    """The layout of a file. It never raises; what it cannot tell stands in the layout's doubts."""
    keyed = find_keyed(grids)
    if keyed:
        sheets = tuple(
            SheetLayout(
                grid.name,
                keyed.get(number, Purpose.SKIP),
                grid.member,
                why="a table of a set that name each other's rows",
            )
            for number, grid in enumerate(grids)
        )
        return Layout(sheets, (), 0.9, grids[0].delimiter, grids[0].encoding, KEYED)
    found = [_sheet(grid, context, len(grids)) for grid in grids]
    found = _without_hidden(grids, found)
    read = [sheet for sheet, _ in found]
    doubts = [doubt for _, each in found for doubt in each]
    doubts = _settle_doubts(read, doubts)
    rates = [sheet for sheet in read if sheet.purpose is Purpose.RATES]
    if not rates and not doubts:
        doubts.append(
            DoubtAt(Doubt.NO_TABLE, "", "No sheet has a table of prices.", "Say which sheet holds the rates.")
        )
    confidence = min((sheet.confidence for sheet in rates), default=0.0)
    return Layout(
        tuple(read), tuple(doubts), round(confidence, 2), next((g.delimiter for g in grids if g.delimiter), ""), next((g.encoding for g in grids if g.encoding), "")
    )  # fmt: skip


def _without_hidden(grids: Sequence[Grid], found: list[Found]) -> list[Found]:
    """Hidden sheets hold last month's prices, or the vendor's own: they are skipped where a sheet that is shown has rates."""
    shown = any(
        sheet.purpose is Purpose.RATES for grid, (sheet, _) in zip(grids, found, strict=True) if not grid.is_hidden
    )
    return [
        (replace(sheet, purpose=Purpose.SKIP, why="hidden in the workbook"), [])
        if shown and grid.is_hidden
        else (sheet, doubts)
        for grid, (sheet, doubts) in zip(grids, found, strict=True)
    ]


def _sheet(grid: Grid, context: Context, count: int) -> tuple[SheetLayout, list[DoubtAt]]:
    table = find_table(grid) if grid.height else None
    if table is None:
        return SheetLayout(grid.name, Purpose.SKIP, grid.member, why="there is no table"), []
    sample = grid.sample(table.first_row, grid.height)
    sample = _of_two(grid, sample)
    profiles = [_profile(grid, column, sample) for column in range(grid.width)]
    if table.header_rows and _is_of_calls(table.headers):
        text = "The rows are calls that were made, with their duration: a record of charges, no rate sheet."
        return SheetLayout(grid.name, Purpose.SKIP, grid.member, why=text), [
            DoubtAt(Doubt.NOT_A_RATE_SHEET, grid.name, text)
        ]
    roles = assign(table.headers, profiles) if table.header_rows else assign_headless(profiles)
    return _layout(grid, table, roles, profiles, context)


def guess_columns(grid: Grid, header_rows: Sequence[int], first_row: int, end_row: int) -> tuple[Column, ...]:
    """What the columns of a table mean whose place somebody has said: header and rows from `first_row` to before `end_row`."""
    sample = _of_two(grid, grid.sample(first_row, end_row))
    profiles = [_profile(grid, column, sample) for column in range(grid.width)]
    if not header_rows:
        return assign_headless(profiles).columns
    return assign(joined(grid.rows(header_rows[0], header_rows[-1] + 1)), profiles).columns


def _of_two(grid: Grid, sample: Rows) -> Rows:
    """The rows of the sample with two cells and more: headings and notes tell nothing of the columns they stand in."""
    filled = np.zeros(len(sample), np.int32)
    for column in grid.columns:
        filled += pc.is_valid(column.take(pa.array(sample))).to_numpy(zero_copy_only=False)
    return sample[filled > 1] if (filled > 1).any() else sample


def _profile(grid: Grid, column: int, sample: np.ndarray) -> Profile:
    texts = grid.columns[column].take(pa.array(sample)).to_pylist()
    kinds = grid.kinds[column]
    marks = [CellKind.TEXT] * len(sample) if kinds is None else [CellKind(int(kind)) for kind in kinds[sample]]
    return profile_of(
        [Cell(text or "", kind if text else CellKind.EMPTY) for text, kind in zip(texts, marks, strict=True)]
    )


def _is_of_calls(headers: Sequence[str]) -> bool:
    return (
        sum(bool(_USED.search(text)) for text in headers) >= 1
        and sum(bool(_CALLS.search(text)) for text in headers) >= 1
    )


def _layout(
    grid: Grid, table: Table, roles: Roles, profiles: Sequence[Profile], context: Context
) -> tuple[SheetLayout, list[DoubtAt]]:
    doubts = [DoubtAt(doubt, grid.name, text, hint) for doubt, text, hint in roles.doubts]
    last = last_row(grid, table.first_row, roles)
    names = [grid.name.replace("_", " "), context.name.replace("_", " "), context.subject]
    texts = [*texts_around(grid, table, last), *names]
    purpose, why = _purpose(grid, roles)
    sheet = SheetLayout(
        grid.name, purpose, grid.member, why, table.header_rows, table.first_row, last, roles.columns, confidence=_confidence(table, roles),
    )  # fmt: skip
    if purpose is Purpose.SKIP:
        return sheet, doubts
    doubts += _codes_overlooked(sheet, roles, profiles)
    sheet, more = _read_codes_how(grid, sheet)
    doubts += more
    hints = _hints(grid, sheet, texts)
    said = read_titles([text for text in texts if text], hints, context.received_on)
    sheet, more = _read_dates_how(grid, sheet, said, hints, context)
    doubts += more
    if purpose is Purpose.RATES:
        sheet, more = _read_prices_how(grid, sheet, said)
        doubts += more
        if (
            sheet.column(Role.INCREMENT) is None
            and sheet.column(Role.FIRST) is None
            and sheet.column(Role.INTERVAL) is None
        ):
            sheet = replace(sheet, increments=said.increments, increment_exceptions=said.increment_exceptions)
    return sheet, doubts


def _codes_overlooked(sheet: SheetLayout, roles: Roles, profiles: Sequence[Profile]) -> list[DoubtAt]:
    """A sheet of names alone must have no column that could be its codes after all."""
    if roles.has(*CODES) or any(doubt is Doubt.SEVERAL_CODE_COLUMNS for doubt, _, _ in roles.doubts):
        return []
    for column in roles.columns:
        p = profiles[column.index]
        said = meaning_of(column.header) if column.header else None
        is_code = said is not None and said.role in {"code", "area_code", "country_code", "npa"} and p.count > 0
        is_code |= p.count > 0 and bool(re.search(r"(?i)\bM[CN]C", column.header))  # codes of networks, as SMS has them
        unnamed = said is None and p.code > 0.8 and p.distinct > 0.3 and p.date < 0.5
        if is_code or unnamed:
            text = f"Column {column.header or letter(column.index)!r} could be the codes, yet its cells are not read as such."
            return [DoubtAt(Doubt.NO_CODE_COLUMN, sheet.name, text, "Say which column is the code.")]
    return []


def _confidence(table: Table, roles: Roles) -> float:
    scores = [column.confidence for column in roles.columns if column.role in {*PRICES, *CODES, *NAMES}]
    return round(min(scores, default=0.0), 2)


def _purpose(grid: Grid, roles: Roles) -> tuple[Purpose, str]:
    has_code, has_price, has_name = roles.has(*CODES), roles.has(*PRICES), roles.has(*NAMES)
    about_origins = bool(_ORIGINS.search(grid.name)) or roles.has(Role.ORIGIN_CODE)
    if has_price and (has_code or has_name or roles.has(Role.ORIGIN)):
        return Purpose.RATES, "has prices"
    if any(
        doubt in {Doubt.SEVERAL_PRICE_COLUMNS, Doubt.HEADER_CONTRADICTED, Doubt.SEVERAL_CODE_COLUMNS}
        for doubt, _, _ in roles.doubts
    ):
        return Purpose.RATES, "has something like prices"
    if about_origins and (has_code or roles.has(Role.ORIGIN_CODE)):
        return Purpose.ORIGINS, "has codes of origins and no prices"
    if has_code and has_name:
        return Purpose.CODES, "has codes and names and no prices"
    return Purpose.SKIP, "has no prices" if not has_price else "has prices and nothing they are for"


def last_row(grid: Grid, first: int, roles: Roles) -> int:
    """The row after the last one of the table: notes below it have neither code nor price."""
    needed = [column.index for column in roles.columns if column.role in {*PRICES, *CODES}]
    if not needed:
        return grid.height
    for row in range(grid.height - 1, max(first, grid.height - 400) - 1, -1):
        cells = grid.row(row)
        filled = [cells[index].text for index in needed if cells[index].text]
        if (
            filled
            and (len(filled) > 1 or any(each.isdigit() for each in filled[0]))
            and (len(filled) > 1 or sum(bool(c.text) for c in cells) > 1)
        ):
            return row + 1
    return grid.height


def texts_around(grid: Grid, table: Table, last: int) -> list[str]:
    """The texts above and below the table, a row as one text, and those of the headers of prices."""
    above = grid.rows(0, table.header_rows[0] if table.header_rows else table.first_row)
    below = grid.rows(last, min(grid.height, last + _NOTES))
    return [
        " ".join(cell.text for cell in row if cell.text) for row in [*above, *below] if any(cell.text for cell in row)
    ] + [text for text in table.headers if text and _currency_header(text)]


def _currency_header(text: str) -> bool:
    meaning = meaning_of(text)
    return meaning is not None and meaning.role.startswith(("price", "inter", "intra", "setup"))


def _distinct(grid: Grid, sheet: SheetLayout, role: Role) -> list[str]:
    column = sheet.column(role)
    if column is None:
        return []
    texts = grid.columns[column.index].slice(sheet.first_row, sheet.last_row - sheet.first_row)
    kinds = grid.kinds[column.index]
    if kinds is not None and role in {Role.EFFECTIVE, Role.EXPIRY}:
        texts = texts.filter(pa.array(kinds[sheet.first_row : sheet.last_row] == CellKind.TEXT))
    return [text for text in pc.unique(texts).to_pylist() if text is not None]


def _read_codes_how(grid: Grid, sheet: SheetLayout) -> tuple[SheetLayout, list[DoubtAt]]:
    doubts: list[DoubtAt] = []
    column = sheet.column(Role.CODE) or sheet.column(Role.AREA_CODE)
    if column is None:
        return sheet, doubts
    texts = grid.columns[column.index].slice(sheet.first_row, sheet.last_row - sheet.first_row)
    hyphened = pc.unique(texts.filter(pc.fill_null(pc.match_substring_regex(texts, "[-–—−~]"), False))).to_pylist()
    hyphen, doubt = _hyphen([text for text in hyphened if text], column.header)
    if doubt:
        doubts.append(
            DoubtAt(
                Doubt.HYPHEN, sheet.name, doubt, "Say whether a hyphen stands for a range or between country and city."
            )
        )
    if column.role is Role.CODE and _has_thousands(texts):
        text = "A comma in the codes can part codes or thousands, as in 447,911."
        doubts.append(
            DoubtAt(Doubt.CODE_COMMA, sheet.name, text, "Ask for codes as text, or say that commas part codes.")
        )
    joins = True
    country = sheet.column(Role.COUNTRY_CODE)
    if country is not None and sheet.column(Role.AREA_CODE) is not None:
        joins = _joins(grid, sheet, country, column)
    sheet = replace(sheet, codes=CodeRules(hyphen, joins))
    return replace(sheet, adds_country=_added_country(grid, sheet, column)), doubts


def _has_thousands(texts: pa.Array) -> bool:
    """Whether all codes of more than three digits have commas where thousands have them, as a spreadsheet would write numbers."""
    several = pc.fill_null(pc.match_substring_regex(texts, "^[0-9]{1,3}(,[0-9]{3})+$"), False)
    long = pc.fill_null(pc.match_substring_regex(texts, "[0-9]{4}"), False)
    return (
        (pc.sum(several).as_py() or 0) >= 2
        and not pc.any(long).as_py()
        and not pc.any(pc.fill_null(pc.match_substring_regex(texts, ",[0-9]{1,2}(,|$)|, "), False)).as_py()
    )


def _hyphen(texts: Sequence[str], header: str) -> tuple[Hyphen, str]:
    """What `93-95` means in this column: decided by the cells that leave no choice, then by the header."""
    both = only_range = only_join = 0
    unclear: list[str] = []
    for text in texts:
        can_range, can_join = hyphen_readings(text)
        if can_range and can_join:
            both += 1
            unclear.append(text)
        elif can_join:
            only_join += 1
        elif can_range:
            only_range += 1
    if not both:
        return (Hyphen.SEPARATOR if only_join else Hyphen.RANGE), ""
    meaning = meaning_of(header)
    if only_join and not only_range:
        return Hyphen.SEPARATOR, ""
    if meaning is not None and meaning.role == "area_code":
        return Hyphen.SEPARATOR, ""
    if not only_join and not only_range and both >= 3:
        return Hyphen.RANGE, f"{unclear[0]!r} can be a range or a country with a city, and no other cell tells."
    if only_join and only_range:
        return Hyphen.RANGE, f"{unclear[0]!r} can be a range or a country with a city, and the sheet has both."
    return Hyphen.RANGE, ""


def _joins(grid: Grid, sheet: SheetLayout, country: Column, area: Column) -> bool:
    """Whether area codes lack their country. False where every one of them begins with it, as far as its numbering plan allows that."""
    count = min(sheet.last_row - sheet.first_row, 20_000)
    codes = grid.columns[area.index].slice(sheet.first_row, count).to_pylist()
    countries = grid.columns[country.index].slice(sheet.first_row, count).to_pylist()
    tokens = []
    for code, head in zip(codes, countries, strict=True):
        digits = unwrapped(head or "").lstrip("+0")
        if code and digits.isdecimal() and digits.isascii():
            tokens += [(token.lstrip("0"), digits) for token in re.findall("[0-9]+", unwrapped(code))]
    if not tokens or any(not token.startswith(head) or token == head for token, head in tokens):
        return True
    is_whole = all(exists(head, token[len(head) :]) for token, head in tokens)
    return not is_whole and all(exists(head, token) for token, head in tokens)


def _added_country(grid: Grid, sheet: SheetLayout, column: Column) -> str:
    """1 where the sheet is one of North America's with NPA-NXX that lack it: else 201555 would be a number in Egypt."""
    american = (
        sheet.column(Role.INTER) is not None
        or sheet.column(Role.INTRA) is not None
        or re.search(r"(?i)npa|lrn", column.header)
    )
    if not american or column.role is not Role.CODE:
        return ""
    texts = [
        unwrapped(text).replace("-", "")
        for text in pc.unique(
            grid.columns[column.index].slice(sheet.first_row, min(sheet.last_row - sheet.first_row, 50_000))
        ).to_pylist()
        if text
    ]
    return "1" if texts and sum(bool(_PLAN.fullmatch(text)) for text in texts) > 0.97 * len(texts) else ""


def _hints(grid: Grid, sheet: SheetLayout, texts: Sequence[str]) -> DateOrder | None:
    """What the rest of the sheet tells of the order of its dates: North American decks have the month first; decimal commas,
    semicolons, other languages and currencies of Europe the day."""
    if sheet.adds_country or sheet.column(Role.INTER) is not None or sheet.column(Role.INTRA) is not None:
        return DateOrder.MONTH_FIRST
    mark, how = find_mark(_distinct(grid, sheet, Role.PRICE)[:2_000])
    if mark is Mark.COMMA and how == "told":
        return DateOrder.DAY_FIRST
    if any(
        re.search(r"[^\x00-\x7f]", column.header) and re.search(r"[^\W\d_]", column.header) for column in sheet.columns
    ):
        return DateOrder.DAY_FIRST
    foreign = [
        column
        for column in sheet.columns
        if column.role is not Role.IGNORED and column.header and not _is_english(column.header)
    ]
    if len(foreign) >= 2:
        return DateOrder.DAY_FIRST
    if any(re.search(r"€|£|\bEUR\b|\bGBP\b|\beuro\b|\bpence\b", text) for text in texts) or any(
        re.search(r"€|£|\bEUR\b|\bGBP\b|ppm|pence", column.header) for column in sheet.columns
    ):
        return DateOrder.DAY_FIRST
    return None


_ENGLISH: Final = words_of(
    "destination destinations name code codes prefix prefixes dial rate rates price prices per minute min usd eur gbp effective date from valid to until"
    " start end expiry billing increment increments interval first next sub initial n 1 country city area zone charge cost new old current previous status"
    " change changes comment comments notes remarks description operator network route quality level service setup connection fee peak off offpeak time of"
    " day region type pulse rounding currency period the in and connect"
)


def _is_english(header: str) -> bool:
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).lower())
    return not words or sum(word in _ENGLISH for word in words) * 2 >= len(words)


def _read_dates_how(
    grid: Grid, sheet: SheetLayout, said: Said, hints: DateOrder | None, context: Context
) -> tuple[SheetLayout, list[DoubtAt]]:
    doubts: list[DoubtAt] = []
    texts = _distinct(grid, sheet, Role.EFFECTIVE) + _distinct(grid, sheet, Role.EXPIRY)
    order, how, why = find_order(texts, hints, context.received_on)
    sheet = replace(sheet, date_order=order)
    if how == "unclear":
        shown = next(text for text in texts if (parts := parts_of(text)) and parts[0] != parts[1])
        doubts.append(
            DoubtAt(
                Doubt.DATE_ORDER,
                sheet.name,
                f"Is {shown} day or month first? {why[:1].upper()}{why[1:]}.",
                "Say which, or give the day on which the sheet came.",
            )
        )
    if _has_mixed_dates(grid, sheet, texts, order):
        doubts.append(
            DoubtAt(
                Doubt.DATES_MIXED,
                sheet.name,
                "Some dates are dates of the workbook, others text with a day above 12: a program took month for day in some.",
                "Say the order, or ask for the sheet with all dates as text.",
            )
        )
    column = sheet.column(Role.EFFECTIVE)
    blank = (
        column is None
        or grid.columns[column.index].slice(sheet.first_row, sheet.last_row - sheet.first_row).null_count > 0
    )
    if not blank:
        return sheet, doubts
    if len(said.effective) == 1:
        sheet = replace(sheet, effective=said.effective[0])
        if said.order == "unclear":
            doubts.append(
                DoubtAt(
                    Doubt.DATE_ORDER,
                    sheet.name,
                    f"The date of the title is unclear: day or month first? It was read as {said.effective[0][:10]}.",
                    "Say the date.",
                )
            )
    elif said.is_at_once:
        sheet = replace(sheet, effective="asap")
    elif len(said.effective) > 1 and column is None:
        shown = ", ".join(text[:10] for text in said.effective[:4])
        doubts.append(
            DoubtAt(
                Doubt.SEVERAL_DATES,
                sheet.name,
                f"The title has several dates: {shown}.",
                "Say from when the rates hold.",
            )
        )
    if not sheet.effective and context.effective_on is not None:
        sheet = replace(sheet, effective=f"{context.effective_on} 00:00:00")
        doubts = [doubt for doubt in doubts if doubt.doubt is not Doubt.SEVERAL_DATES]
    return sheet, doubts


def _has_mixed_dates(grid: Grid, sheet: SheetLayout, texts: Sequence[str], order: DateOrder) -> bool:
    for role in (Role.EFFECTIVE, Role.EXPIRY):
        column = sheet.column(role)
        kinds = grid.kinds[column.index] if column is not None else None
        if column is None or kinds is None:
            continue
        dated = kinds[sheet.first_row : sheet.last_row] == CellKind.DATE
        slashed = [parts for text in texts if (parts := parts_of(text))]
        if not dated.any() or not any(first > 12 or second > 12 for first, second, _ in slashed):
            continue
        days = pc.unique(
            grid.columns[column.index].slice(sheet.first_row, len(dated)).filter(pa.array(dated))
        ).to_pylist()
        if all(text is not None and int(text[8:10]) <= 12 for text in days):
            return True
    return False


def _read_prices_how(grid: Grid, sheet: SheetLayout, said: Said) -> tuple[SheetLayout, list[DoubtAt]]:
    doubts: list[DoubtAt] = []
    texts: list[str] = []
    for column in sheet.columns:
        if column.role in {*PRICES, Role.SETUP}:
            cells = grid.columns[column.index].slice(sheet.first_row, sheet.last_row - sheet.first_row)
            kinds = grid.kinds[column.index]
            if kinds is not None:
                cells = cells.filter(pa.array(kinds[sheet.first_row : sheet.last_row] != CellKind.NUMBER))
            texts += [text for text in pc.unique(cells).to_pylist() if text is not None]
    mark, how = find_mark(texts)
    if how == "unclear":
        doubts.append(
            DoubtAt(
                Doubt.DECIMAL_MARK,
                sheet.name,
                "A comma in the prices can be the decimal mark or part thousands.",
                "Say which it is.",
            )
        )
    columns = sheet.columns
    priced = [column for column in columns if column.role in PRICES]
    if said.in_cents and not any(column.shift for column in priced):
        columns = tuple(
            replace(c, shift=2) if c.role in {*PRICES, Role.SETUP} and not cents_in(c.header) else c for c in columns
        )
    if said.by_second and not any(column.times > 1 for column in priced):
        columns = tuple(replace(c, times=60) if c.role in PRICES else c for c in columns)
    if not priced:
        doubts.append(
            DoubtAt(
                Doubt.NO_PRICE_COLUMN, sheet.name, "There is no column of prices.", "Say which column is the price."
            )
        )
    currency = said.currency
    if not currency and any(
        "ppm" in c.header.lower() or "pence" in c.header.lower() or "(p)" in c.header.lower() for c in priced
    ):
        currency = "GBP"
    return replace(sheet, mark=mark, columns=columns, currency=currency), doubts


def _settle_doubts(sheets: Sequence[SheetLayout], doubts: list[DoubtAt]) -> list[DoubtAt]:
    """Doubts about a sheet without a table do not count where another sheet has clear rates."""
    if any(
        sheet.purpose is Purpose.RATES and not any(doubt.sheet == sheet.name for doubt in doubts) for sheet in sheets
    ):
        return [doubt for doubt in doubts if doubt.doubt not in {Doubt.NOT_A_RATE_SHEET, Doubt.NO_TABLE}]
    return doubts

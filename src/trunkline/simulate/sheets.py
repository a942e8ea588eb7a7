"""Made-up rate sheets, with what they say: rows of the world's codes, written down as vendors do, randomly."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, Final

import phonenumbers
import xlsxwriter

from trunkline.simulate import sheet_words as words
from trunkline.simulate.world import breakout_codes


@dataclass(frozen=True, slots=True)
class Said:
    """One line that a sheet says. Prices are by the minute; None where the sheet does not say."""

    code: str | None
    name: str | None
    price: Decimal | None = None
    price_first: Decimal | None = None
    inter: Decimal | None = None
    intra: Decimal | None = None
    indeterminate: Decimal | None = None
    setup: Decimal | None = None
    first: int | None = None
    interval: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    kind: str = "rate"
    slot: str = ""


@dataclass(frozen=True, slots=True)
class MadeSheet:
    """A file and what it says; `errors` are the lines of rows that nobody can read. Where `is_rates` is false it must not be taken for one."""

    layout: str
    name: str
    data: bytes
    said: tuple[Said, ...]
    errors: frozenset[int] = frozenset()
    is_rates: bool = True


@dataclass(slots=True)
class Row:
    """A row before it is written: what it says of its codes."""

    codes: list[str]
    name: str
    country: str
    price: Decimal = Decimal(0)
    more: dict[str, Any] = field(default_factory=dict)
    first: int = 1
    interval: int = 1
    valid_from: datetime | None = None
    kind: str = "rate"


@dataclass(slots=True)
class Style:
    """How one sheet writes: drawn once for the whole of it."""

    rng: Random
    kind: str = "csv"  # or xlsx
    delimiter: str = ","
    encoding: str = "utf-8"
    language: str = "en"
    comma: bool = False
    decimals: int = 4
    sign: str = ""
    date_form: str = "%Y-%m-%d"
    code_form: str = "plain"
    currency: str = "USD"


Cell = str | int | Decimal | datetime | float
DATE_FORMS: Final = (
    "%Y-%m-%d",
    "%d-%m-%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d-%b-%y",
    "%Y-%m-%d %H:%M:%S",
    "%d/%m/%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "serial",
    "cell",
)
DAY_FIRST_FORMS: Final = ("%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y")
INCREMENTS: Final = ((1, 1), (60, 60), (60, 1), (30, 6), (6, 6), (60, 60), (1, 1))
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - day 0 of spreadsheets
_FIRST_DAY: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - of the sheet's own clock


@cache
def _places() -> tuple[list[tuple[str, str, str]], dict[str, list[int]]]:
    table = breakout_codes()
    texts = table.texts().to_pylist()
    rows: list[tuple[str, str, str]] = []
    by_name: dict[str, list[int]] = {}
    for text, place in zip(texts, table.place.tolist(), strict=True):
        about = table.places[place]
        country = str(phonenumbers.country_code_for_region(about.iso2))
        if text.startswith(country) and country != "1":
            by_name.setdefault(about.name, []).append(len(rows))
            rows.append((text, about.name, country))
    return rows, by_name


def draw_rows(rng: Random, count: int, *, several: bool = False, dates: Sequence[datetime] = ()) -> list[Row]:
    """Rows of distinct codes with names; with `several` some have more codes of the same destination."""
    rows, by_name = _places()
    taken: set[str] = set()
    made: list[Row] = []
    for _ in range(count * 3):
        if len(made) >= count:
            break
        name = rng.choice(list(by_name))
        of_name = [rows[n] for n in by_name[name] if rows[n][0] not in taken]
        if not of_name:
            continue
        size = rng.choice((1, 1, 2, 3, 5)) if several else 1
        at = rng.randrange(len(of_name))
        chosen = of_name[at : at + size]
        taken.update(code for code, _, _ in chosen)
        first, interval = rng.choice(INCREMENTS)
        made.append(
            Row([code for code, _, _ in chosen], name, chosen[0][2], _price(rng), {}, first, interval, rng.choice(dates) if dates else None)
        )  # fmt: skip
    made.sort(key=lambda row: row.name)
    return made


def draw_american(rng: Random, count: int, digits: int, leading: str) -> list[Row]:
    """Rows of NPA-NXX or NPA-NXX-X, with `leading` in front."""
    states = ("NEW JERSEY", "TEXAS", "CALIFORNIA", "OHIO", "FLORIDA", "MAINE", "UTAH")
    codes: set[str] = set()
    while len(codes) < count:
        codes.add(f"{rng.randrange(201, 990)}{rng.randrange(200, 1000)}{rng.randrange(10)}"[:digits])
    rows = []
    for code in sorted(codes):
        first, interval = (6, 6) if rng.random() < 0.9 else (60, 60)
        rows.append(Row([leading + code], f"USA - {rng.choice(states)}", "1", _price(rng), {}, first, interval))
    return rows


def _price(rng: Random) -> Decimal:
    return (
        Decimal(rng.randrange(10, 9_000)) / 10_000
        if rng.random() < 0.9
        else Decimal(rng.randrange(9_000, 120_000)) / 10_000
    )


def draw_dates(rng: Random) -> list[datetime]:
    """One to three days, as a sheet has them: when increases hold, when the rest does."""
    start = _FIRST_DAY + timedelta(days=rng.randrange(500))
    return [start, *[start + timedelta(days=rng.choice((7, 14, 30))) for _ in range(rng.choice((0, 1, 1, 2)))]]


def header(style: Style, what: str) -> str:
    """A header for that, in the sheet's language where it has one."""
    known = words.HEADERS[what]
    return style.rng.choice(known.get(style.language) or known["en"])


def price_text(style: Style, price: Decimal | None) -> Cell:
    """A price as the sheet writes it; a number in a workbook."""
    if price is None:
        return ""
    if style.kind == "xlsx" and not style.sign and not style.comma:
        return price
    text = f"{price:.{style.decimals}f}"
    text = text.replace(".", ",") if style.comma else text
    return f"{style.sign}{text}"


def date_text(style: Style, moment: datetime | None) -> Cell:
    """A date as the sheet writes it."""
    if moment is None:
        return ""
    if style.date_form == "cell":
        return moment if style.kind == "xlsx" else f"{moment:%Y-%m-%d}"
    if style.date_form == "serial":
        return (moment - _EPOCH).days
    return moment.strftime(style.date_form)


def code_text(style: Style, codes: Sequence[str]) -> Cell:
    """A code, or several, as the sheet writes them."""
    if len(codes) > 1:
        return style.rng.choice((",", ";", ", ", " ")).join(codes)
    code = codes[0]
    match style.code_form:
        case "plus":
            return f"+{code}"
        case "zeros":
            return f"00{code}"
        case "apostrophe":
            return f"'{code}"
        case "formula":
            return f'="{code}"'
        case "number":
            return int(code) if style.kind == "xlsx" else f"{code}.0" if len(code) < 12 else code
    return code


def increment_text(style: Style, row: Row) -> str:
    """Both intervals in one cell."""
    return (
        f"{row.first}{style.rng.choice('/////+')}{row.interval}"
        if style.kind == "csv"
        else f"{row.first}/{row.interval}"
    )


Renderer = Callable[[Row], Cell]


@dataclass(slots=True)
class Body:
    """A table about to be written: headers with what fills them, rows, and what stands around them."""

    style: Style
    columns: list[tuple[str, Renderer]]
    rows: list[Row]
    has_header: bool = True
    titles: list[list[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shuffles: bool = True
    blank_share: float = 0.0
    margin: int = 0  # empty columns on the left
    gap: int = 0  # empty rows below the header
    spelling: str = ""
    lines: dict[int, int] = field(default_factory=dict)  # row number to line of the file


def decorate(
    body: Body, *, effective: datetime | None = None, in_title: bool = False, says_currency: bool = True
) -> None:
    """Titles above and notes below, blank rows, further columns, another order."""
    style, rng = body.style, body.style.rng
    heads = (rng.choice(words.COMPANIES), rng.choice(words.TITLES))
    said: list[list[Cell]] = [[text] for text in heads[: rng.randrange(3)]]
    said += [[text] for text in rng.sample(words.CONTACTS, rng.randrange(4))]
    if says_currency and rng.random() < 0.6:
        said.append([rng.choice(words.CURRENCY_TITLES).format(style.currency)])
    if effective is not None and in_title:
        text = rng.choice(words.EFFECTIVE_TITLES)
        form = style.date_form if style.date_form not in {"serial", "cell"} else "%Y-%m-%d"
        shown = effective.strftime(form)
        said.append([text, shown] if rng.random() < 0.5 else [f"{text} {shown}"])
    if rng.random() < 0.3:
        said.append([f"{rng.choice(words.ISSUED_TITLES)} {(effective or _FIRST_DAY) - timedelta(days=8):%Y-%m-%d}"])
    rng.shuffle(said)
    blank: list[Cell] = []
    body.titles = [each for row in said for each in ([row, blank] if rng.random() < 0.2 else [row])]
    if body.titles and rng.random() < 0.5:
        body.titles.append(blank)
    if rng.random() < 0.4:
        body.notes = rng.sample(words.NOTES, rng.randrange(1, 4))
    body.blank_share = rng.choice((0.0, 0.0, 0.02, 0.1))
    if body.has_header:
        for what in rng.sample(("asr", "acd", "capacity", "notes", "number"), rng.choice((0, 0, 0, 1, 2))):
            body.columns.append((header(replace(style, language="en"), what), _noise(what, rng)))
        if body.shuffles:
            rng.shuffle(body.columns)
        body.margin, body.gap = rng.choice((0, 0, 0, 0, 0, 1, 2)), rng.choice((0, 0, 0, 0, 1))
        body.spelling = rng.choice(("", "", "", "", "upper", "lower", "underscores", "two lines", "blanks", "star"))


def _noise(what: str, rng: Random) -> Renderer:
    def render(_: Row) -> Cell:
        match what:
            case "asr":
                return f"{rng.randrange(20, 80)}%"
            case "acd":
                return f"{rng.randrange(1, 9)}.{rng.randrange(10)}"
            case "capacity" | "number":
                return str(rng.randrange(1, 500))
        return rng.choice(("", "", "see annex", "limited"))

    return render


def write(body: Body) -> bytes:
    """The file; `body.lines` then has the line of each row."""
    grid: list[list[Cell]] = [*body.titles]
    rng = body.style.rng
    if body.has_header:
        grid.append([spelled(text, body) for text, _ in body.columns])
        grid += [[] for _ in range(body.gap)]
    for number, row in enumerate(body.rows):
        if rng.random() < body.blank_share:
            grid.append([])
        grid.append([render(row) for _, render in body.columns])
        body.lines[number] = len(grid)
    if body.notes:
        grid.append([])
        grid.extend([note] for note in body.notes)
    grid = [[*[""] * body.margin, *row] if row else row for row in grid]
    return write_xlsx([("Rates", grid)], rng) if body.style.kind == "xlsx" else write_csv(grid, body.style)


def spelled(header: str, body: Body) -> str:
    """A header as the sheet spells all of them."""
    match body.spelling:
        case "upper":
            return header.upper()
        case "lower":
            return header.lower()
        case "underscores":
            return header.replace(" ", "_")
        case "two lines":
            return header.replace(" ", "\n", 1) if body.style.kind == "xlsx" else header
        case "blanks":
            return f" {header}  "
        case "star":
            return f"{header} *"
    return header


def write_csv(grid: Sequence[Sequence[Cell]], style: Style) -> bytes:
    """Delimited text; some programs pad short rows with delimiters."""
    width = max(map(len, grid))
    pads = style.rng.random() < 0.5
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=style.delimiter, lineterminator=style.rng.choice(("\n", "\r\n")))
    for row in grid:
        cells = [_csv_cell(cell) for cell in row]
        if not cells and not pads:
            out.write("\r\n" if style.rng.random() < 0 else "\n")
        else:
            writer.writerow(cells + [""] * (width - len(cells) if pads else 0))
    return out.getvalue().encode(style.encoding, "replace")


def _csv_cell(cell: Cell) -> str:
    return f"{cell:%Y-%m-%d}" if isinstance(cell, datetime) else f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def write_xlsx(sheets: Sequence[tuple[str, Sequence[Sequence[Cell]]]], rng: Random) -> bytes:
    """A workbook; prices are its numbers, dates its dates."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    dated = book.add_format({"num_format": rng.choice(("dd/mm/yyyy", "yyyy-mm-dd", "d-mmm-yy"))})
    for name, grid in sheets:
        sheet = book.add_worksheet(name)
        for number, row in enumerate(grid):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, column, cell, dated)
                elif isinstance(cell, Decimal | int | float):
                    sheet.write_number(number, column, float(cell))
                elif cell.startswith('="'):
                    sheet.write_string(number, column, cell[2:-1])
                elif cell:
                    sheet.write_string(number, column, cell)
    book.close()
    return out.getvalue()


def said_of(row: Row, **more: Any) -> list[Said]:
    """What a plain row says of each of its codes."""
    base: dict[str, Any] = {
        "price": row.price if row.kind == "rate" else None,
        "kind": row.kind,
        "valid_from": row.valid_from,
    }
    return [Said(code, row.name, **(base | more)) for code in row.codes]

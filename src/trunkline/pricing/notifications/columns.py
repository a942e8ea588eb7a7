"""How a notification's file looks: which columns in which order, under which titles, how dates, prices and codes are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from trunkline.core.errors import Invalid

TITLE_MAX: Final = 60
TITLE_ROWS_MAX: Final = 10
TITLE_ROW_MAX: Final = 200


class Mode(StrEnum):
    """How much a notification tells."""

    CHANGES = "changes"
    ALL = "all"


class Column(StrEnum):
    """What a column says (docs/algorithms/rate-notifications.md, "The file")."""

    CODE = "code"
    DESTINATION = "destination"
    EFFECTIVE = "effective"
    RATE = "rate"
    MINIMUM = "minimum"
    INTERVAL = "interval"
    INCREMENTS = "increments"
    GRACE = "grace"
    SETUP = "setup"
    PROFILE = "profile"
    ORIGIN = "origin"
    END = "end"
    PREVIOUS = "previous"
    DIFFERENCE = "difference"
    STATUS = "status"
    CURRENCY = "currency"


class FileKind(StrEnum):
    """The kinds of files."""

    XLSX = "xlsx"
    CSV = "csv"


class DateForm(StrEnum):
    """How a date is written."""

    ISO = "YYYY-MM-DD"
    POINTS = "DD.MM.YYYY"
    DAY_FIRST = "DD/MM/YYYY"
    MONTH_FIRST = "MM/DD/YYYY"
    NAMED = "DD-Mon-YYYY"
    COMPACT = "YYYYMMDD"


class CodeForm(StrEnum):
    """How a code is written."""

    PLAIN = "plain"
    PLUS = "plus"
    ZEROS = "zeros"


TITLES: Final[Mapping[Column, str]] = {
    Column.CODE: "Code",
    Column.DESTINATION: "Destination",
    Column.EFFECTIVE: "Effective Date",
    Column.RATE: "Rate",
    Column.MINIMUM: "Minimum",
    Column.INTERVAL: "Interval",
    Column.INCREMENTS: "Billing Increment",
    Column.GRACE: "Grace",
    Column.SETUP: "Setup Fee",
    Column.PROFILE: "Time Slot",
    Column.ORIGIN: "Origin",
    Column.END: "End Date",
    Column.PREVIOUS: "Previous Rate",
    Column.DIFFERENCE: "Difference",
    Column.STATUS: "Status",
    Column.CURRENCY: "Currency",
}
USUAL: Final = (
    Column.CODE, Column.DESTINATION, Column.EFFECTIVE, Column.RATE, Column.MINIMUM, Column.INTERVAL, Column.PREVIOUS,
    Column.DIFFERENCE, Column.STATUS,
)  # fmt: skip
PREFIXES: Final[Mapping[CodeForm, str]] = {CodeForm.PLAIN: "", CodeForm.PLUS: "+", CodeForm.ZEROS: "00"}
NUMBER_FORMATS: Final[Mapping[DateForm, str]] = {
    DateForm.ISO: "yyyy-mm-dd",
    DateForm.POINTS: "dd.mm.yyyy",
    DateForm.DAY_FIRST: "dd/mm/yyyy",
    DateForm.MONTH_FIRST: "mm/dd/yyyy",
    DateForm.NAMED: "dd-mmm-yyyy",
    DateForm.COMPACT: "yyyymmdd",
}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a file looks. `columns` are pairs of a column and its title; of `title_rows` the words in braces are filled in."""

    columns: tuple[tuple[Column, str], ...] = tuple((each, TITLES[each]) for each in USUAL)
    kind: FileKind = FileKind.XLSX
    date_form: DateForm = DateForm.ISO
    decimal_mark: str = "."
    code_form: CodeForm = CodeForm.PLAIN
    title_rows: tuple[str, ...] = ()
    has_currency_row: bool = True

    def __post_init__(self) -> None:
        """Raises Invalid `bad_columns`, `bad_title`, `bad_decimal_mark`."""
        named = [column for column, _ in self.columns]
        twice = sorted({each for each in named if named.count(each) > 1})
        if twice:
            raise Invalid("bad_columns", f"The column {twice[0]} stands there twice.", field="columns")
        missing = [each.value for each in (Column.RATE, Column.EFFECTIVE) if each not in named]
        if Column.CODE not in named and Column.DESTINATION not in named:
            missing.insert(0, "code or destination")
        if missing:
            raise Invalid(
                "bad_columns",
                f"There is no column {', no '.join(missing)}: nobody could read prices from the file.",
                hint=f"Columns: {', '.join(Column)}.",
                field="columns",
            )
        for text, most in [(t, TITLE_MAX) for _, t in self.columns] + [(t, TITLE_ROW_MAX) for t in self.title_rows]:
            if not text.strip() or len(text) > most or not text.isprintable():
                raise Invalid("bad_title", f"A title has 1 to {most} printable characters, not {text[:40]!r}.")
        titles = [title.casefold() for _, title in self.columns]
        if len(set(titles)) < len(titles):
            raise Invalid("bad_title", "Two columns have the same title.", field="columns")
        if len(self.title_rows) > TITLE_ROWS_MAX:
            raise Invalid("bad_title", f"There are at most {TITLE_ROWS_MAX} rows above the columns.")
        if self.decimal_mark not in (".", ","):
            raise Invalid("bad_decimal_mark", f"{self.decimal_mark[:4]!r} is no decimal mark.", hint="Take . or ,")

    def has(self, *columns: Column) -> bool:
        """Whether one of these columns is there."""
        return any(each in columns for each, _ in self.columns)

    @property
    def delimiter(self) -> str:
        """What parts the cells of a CSV file: a semicolon where the comma is in the prices."""
        return ";" if self.decimal_mark == "," else ","


def parse_columns(given: Sequence[Any]) -> tuple[tuple[Column, str], ...]:
    """Columns as people give them: `rate`, `rate=Price per minute`, or pairs. Raises Invalid `bad_columns`."""
    found = []
    for each in given:
        name, title = each.split("=", 1) if isinstance(each, str) and "=" in each else (each, "")
        if not isinstance(each, str):
            name, title = each
        try:
            column = Column(str(name).strip().lower())
        except ValueError as error:
            raise Invalid(
                "bad_columns",
                f"There is no column {str(name)[:40]!r}.",
                hint=f"Columns: {', '.join(Column)}.",
                field="columns",
            ) from error
        found.append((column, str(title).strip() or TITLES[column]))
    return tuple(found)


def date_text(day: date, form: DateForm) -> str:
    """A day as it is written."""
    match form:
        case DateForm.POINTS:
            return f"{day:%d.%m.%Y}"
        case DateForm.DAY_FIRST:
            return f"{day:%d/%m/%Y}"
        case DateForm.MONTH_FIRST:
            return f"{day:%m/%d/%Y}"
        case DateForm.NAMED:
            return f"{day:%d}-{_MONTHS[day.month - 1]}-{day:%Y}"
        case DateForm.COMPACT:
            return f"{day:%Y%m%d}"
        case _:
            return day.isoformat()

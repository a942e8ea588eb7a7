"""What was understood of a file: which sheet holds what, which column means what, how its cells are read, and how sure that is.

A layout is plain data. It goes to JSON and back, can be corrected by hand, and kept as a template for the vendor's next file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.code_cells import CodeRules, Hyphen
from trunkline.pricing.sheets.date_cells import DateOrder
from trunkline.pricing.sheets.price_cells import Mark
from trunkline.pricing.sheets.reasons import Doubt

VERSION: Final = 1
SURE: Final = 0.6  # below it the layout is shown as a guess


class Role(StrEnum):
    """What a column of a sheet means."""

    CODE = "code"
    COUNTRY_CODE = "country_code"
    AREA_CODE = "area_code"
    NPA = "npa"
    NXX = "nxx"
    DESTINATION = "destination"
    COUNTRY = "country"
    NETWORK = "network"
    PRICE = "price"
    PRICE_FIRST = "price_first"
    PRICE_PEAK = "price_peak"
    PRICE_OFFPEAK = "price_offpeak"
    PRICE_WEEKEND = "price_weekend"
    INTER = "inter"
    INTRA = "intra"
    INDETERMINATE = "indeterminate"
    LOCAL = "local"
    SETUP = "setup"
    EFFECTIVE = "effective"
    EXPIRY = "expiry"
    INCREMENT = "increment"
    FIRST = "first"
    INTERVAL = "interval"
    GRACE = "grace"
    INCLUDED = "included"
    CHANGE = "change"
    BLOCKED = "blocked"
    DISCONTINUED = "discontinued"
    CURRENCY = "currency"
    LEVEL = "level"
    ORIGIN = "origin"
    ORIGIN_CODE = "origin_code"
    SLOT = "slot"
    DIRECTION = "direction"
    IGNORED = "ignored"


class Purpose(StrEnum):
    """What a sheet of a workbook is for."""

    RATES = "rates"
    CODES = "codes"  # the codes of each destination that the rates name
    ORIGINS = "origins"  # the codes of each origin
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header as written, what it means, how sure that is from 0 to 1, and why."""

    index: int
    header: str
    role: Role
    confidence: float = 1.0
    why: str = "by hand"
    shift: int = 0  # decimals to the left: 2 where the column counts cents
    times: int = 1  # 60 where its prices are by the second


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """How one sheet is read. Rows count from 0; the table is rows `first_row` to `last_row`, without it."""

    name: str
    purpose: Purpose
    member: str = ""
    why: str = ""
    header_rows: tuple[int, ...] = ()
    first_row: int = 0
    last_row: int = 0
    columns: tuple[Column, ...] = ()
    codes: CodeRules = field(default_factory=CodeRules)
    adds_country: str = ""  # put before every code: 1 where the sheet has NPA-NXX without it
    mark: Mark = Mark.POINT
    date_order: DateOrder = DateOrder.DAY_FIRST
    effective: str = ""  # ISO, from the title, for rows without a date of their own; "asap" for at once
    currency: str = ""
    increments: str = ""  # from title or notes, for sheets without a column
    increment_exceptions: tuple[tuple[str, str], ...] = ()  # beginning of the name, increments
    level: str = ""
    confidence: float = 1.0

    def column(self, role: Role) -> Column | None:
        """The column of that meaning, the first of several; None if there is none."""
        return next((column for column in self.columns if column.role is role), None)


@dataclass(frozen=True, slots=True)
class DoubtAt:
    """What keeps the layout from being taken as it is: which doubt, in which sheet, in words, and what settles it."""

    doubt: Doubt
    sheet: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a whole file is read. `is_sure` says whether it may be taken without a person."""

    sheets: tuple[SheetLayout, ...]
    doubts: tuple[DoubtAt, ...] = ()
    confidence: float = 0.0
    delimiter: str = ""
    encoding: str = ""
    form: str = "table"  # or "keyed": several sheets that name each other's rows
    remarks: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        return not self.doubts and self.confidence >= SURE and any(s.purpose is Purpose.RATES for s in self.sheets)

    def sheet(self, name: str) -> SheetLayout:
        """The sheet of that name. Raises Invalid `unknown_sheet`."""
        for each in self.sheets:
            if each.name == name:
                return each
        known = ", ".join(repr(each.name) for each in self.sheets)
        raise Invalid("unknown_sheet", f"There is no sheet {name!r}.", hint=f"There are {known}.")

    def with_column(self, sheet: str, index: int, role: Role, *, shift: int = 0, times: int = 1) -> Layout:
        """The same with one column's meaning set by hand; what was doubted of the columns of that sheet counts as settled."""
        old = self.sheet(sheet)
        header = next((column.header for column in old.columns if column.index == index), "")
        columns = [column for column in old.columns if column.index != index]
        columns.append(Column(index, header, role, shift=shift, times=times))
        changed = replace(old, columns=tuple(sorted(columns, key=lambda column: column.index)))
        return self._changed(changed, COLUMN_DOUBTS)

    def with_options(self, sheet: str, **options: Any) -> Layout:
        """The same with fields of a sheet set by hand (`purpose`, `mark`, `date_order`, `codes`, `effective`, `currency`, ...);
        the doubts about them count as settled. Raises Invalid `unknown_option`."""
        unknown = set(options) - set(SheetLayout.__dataclass_fields__)
        if unknown:
            raise Invalid("unknown_option", f"A sheet has no option {sorted(unknown)[0]!r}.")
        settled = frozenset(doubt for option in options for doubt in SETTLES.get(option, ()))
        return self._changed(replace(self.sheet(sheet), **options), settled)

    def _changed(self, sheet: SheetLayout, settled: frozenset[Doubt]) -> Layout:
        sheet = replace(sheet, confidence=1.0)
        return replace(
            self,
            sheets=tuple(sheet if each.name == sheet.name else each for each in self.sheets),
            doubts=tuple(each for each in self.doubts if each.sheet != sheet.name or each.doubt not in settled),
            confidence=1.0,
        )


COLUMN_DOUBTS: Final = frozenset(
    {
        Doubt.NO_CODE_COLUMN, Doubt.NO_PRICE_COLUMN, Doubt.SEVERAL_CODE_COLUMNS, Doubt.SEVERAL_PRICE_COLUMNS,
        Doubt.HEADER_CONTRADICTED, Doubt.NOT_A_RATE_SHEET, Doubt.NO_TABLE, Doubt.PRICE_UNIT,
    }
)  # fmt: skip
SETTLES: Final[Mapping[str, tuple[Doubt, ...]]] = {
    "date_order": (Doubt.DATE_ORDER, Doubt.DATES_MIXED),
    "effective": (Doubt.SEVERAL_DATES, Doubt.DATE_ORDER),
    "mark": (Doubt.DECIMAL_MARK,),
    "codes": (Doubt.HYPHEN, Doubt.CODE_COMMA),
    "increments": (Doubt.INCREMENT_ORDER,),
    "purpose": tuple(Doubt),
    "columns": tuple(Doubt),
}


def to_json(layout: Layout) -> dict[str, Any]:
    """Plain values for JSON; `from_json` makes the same layout of them."""
    said = asdict(layout)
    return {"version": VERSION, "verdict": "read" if layout.is_sure else "cannot_tell"} | said


def from_json(said: Mapping[str, Any]) -> Layout:
    """The layout of what `to_json` said. Raises Invalid `bad_layout`."""
    try:
        if said["version"] != VERSION:
            raise Invalid("bad_layout", f"A layout of version {said['version']} cannot be read.")
        return Layout(
            sheets=tuple(_sheet(each) for each in said["sheets"]),
            doubts=tuple(DoubtAt(Doubt(e["doubt"]), e["sheet"], e["text"], e["hint"]) for e in said["doubts"]),
            confidence=float(said["confidence"]),
            delimiter=str(said["delimiter"]),
            encoding=str(said["encoding"]),
            form=str(said["form"]),
            remarks=tuple(map(str, said["remarks"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid("bad_layout", f"That is no layout: {error}.") from error


def _sheet(said: Mapping[str, Any]) -> SheetLayout:
    given = dict(said)
    given["columns"] = tuple(Column(**(dict(each) | {"role": Role(each["role"])})) for each in said["columns"])
    given["purpose"] = Purpose(said["purpose"])
    given["codes"] = CodeRules(Hyphen(said["codes"]["hyphen"]), bool(said["codes"]["joins_country"]))
    given["mark"] = Mark(said["mark"])
    given["date_order"] = DateOrder(said["date_order"])
    given["header_rows"] = tuple(map(int, said["header_rows"]))
    given["increment_exceptions"] = tuple((str(name), str(text)) for name, text in said["increment_exceptions"])
    return SheetLayout(**given)

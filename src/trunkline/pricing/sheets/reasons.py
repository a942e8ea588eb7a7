"""Why a row, or a whole sheet, could not be read. The values are stable: they stand in results, templates and APIs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RowReason(StrEnum):
    """Why one row gave no line."""

    NO_CODE = "no_code"
    BAD_CODE = "bad_code"
    CODE_DIGITS_LOST = "code_digits_lost"
    TOO_MANY_CODES = "too_many_codes"
    NO_NAME = "no_name"
    NAME_WITHOUT_CODES = "name_without_codes"
    NO_PRICE = "no_price"
    BAD_PRICE = "bad_price"
    PRICE_RANGE = "price_range"
    PRICE_PRECISION = "price_precision"
    NEGATIVE_PRICE = "negative_price"
    OVERFLOW = "overflow"
    BAD_DATE = "bad_date"
    BAD_INCREMENT = "bad_increment"
    BAD_CURRENCY = "bad_currency"
    FIELD_COUNT = "field_count"
    OTHER_TABLE = "other_table"
    UNKNOWN_KEY = "unknown_key"


class Doubt(StrEnum):
    """Why a layout needs a person. A sheet with one of these is not to be taken as it was understood."""

    NO_TABLE = "no_table"
    NOT_A_RATE_SHEET = "not_a_rate_sheet"
    NO_CODE_COLUMN = "no_code_column"
    NO_PRICE_COLUMN = "no_price_column"
    SEVERAL_CODE_COLUMNS = "several_code_columns"
    SEVERAL_PRICE_COLUMNS = "several_price_columns"
    HEADER_CONTRADICTED = "header_contradicted"
    DATE_ORDER = "date_order"
    DATES_MIXED = "dates_mixed"
    SEVERAL_DATES = "several_dates"
    DECIMAL_MARK = "decimal_mark"
    HYPHEN = "hyphen"
    CODE_COMMA = "code_comma"
    PRICE_UNIT = "price_unit"
    INCREMENT_ORDER = "increment_order"
    SHEETS_DISAGREE = "sheets_disagree"
    FEW_ROWS_READ = "few_rows_read"


@dataclass(frozen=True, slots=True)
class RowError:
    """One row that gave no line: where it stands, which column is to blame, why, and what was written there.

    `line` counts from 1 as spreadsheets and editors do; `column` is the header of the column, or its letter.
    """

    sheet: str
    line: int
    column: str
    reason: str
    text: str

"""What a sheet offers, whatever it looked like: the form in which reading ends and comparing begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

ERRORS: Final = pa.schema(
    [
        pa.field("sheet", pa.string(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Offered:
    """Lines of `compare.LINES` of which each has a beginning and no two are the same rate at one time; rows that gave none, of `ERRORS`.

    `effective_at` is what the sheet says in its title of all of its lines; `currencies` are those that the sheet names, `layout` what was understood of it.
    """

    lines: pa.Table
    errors: pa.Table
    currencies: frozenset[str]
    effective_at: datetime | None
    layout: dict[str, Any]

"""Rates as the text of a rate file (docs/formats/rates_csv.md): what `rate_file` reads, written. No Django, no database."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from trunkline.core.money import RoundingMode
from trunkline.core.period import utc_text
from trunkline.tariffs.rate_file import COLUMNS

# Steps are written as they are kept, so that they are read as they were.
_PLAIN: Final = (
    "code",
    "destination",
    "setup_fee",
    "grace",
    "time_profile",
    "weight",
    "max_cost",
    "tag",
    "length_min",
    "length_max",
    "origin",
)


def rate_file_text(rates: pa.Table) -> str:
    """The rate file of rates of `rate_file.STANDING`, in their order. Columns that no rate needs are left out."""
    rows = [_line(rate) for rate in rates.to_pylist()]
    used = [name for name in COLUMNS if name in {"increments", "code"} or any(row[name] for row in rows)]
    out = io.StringIO()
    writer = csv.DictWriter(out, used, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _line(rate: dict[str, Any]) -> dict[str, str]:
    said = {name: "" if rate[name] is None else str(rate[name]) for name in _PLAIN}
    return said | {
        "price": "",
        "per": "",
        "increments": rate["steps"],
        "valid_from": _instant(rate["valid_from"]),
        "valid_to": _instant(rate["valid_to"]),
        "rounding": f"{RoundingMode(rate['rounding_mode']).label}/{rate['rounding_decimals']}",
        "blocked": "true" if rate["blocked"] else "",
        "policy": "additive" if rate["additive"] else "",
    }


def _instant(instant: datetime | None) -> str:
    return utc_text(instant) or ""

"""Columns that a segment leaves null where another one says the same, which is nearly everywhere, and how they are read.

A raw number is mostly the number; a carrier with one currency has one amount under three names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAME_AS: Final[Mapping[str, str]] = {
    "calling_raw": "calling",
    "called_raw": "called",
    "sell_tariff_amount": "sell_amount",
    "sell_base_amount": "sell_amount",
    "buy_tariff_amount": "buy_amount",
    "buy_base_amount": "buy_amount",
}
# Columns that say nothing, rather than the same, where this other one does.
ONLY_WITH: Final[Mapping[str, str]] = {
    "sell_tariff_amount": "sell_tariff_id",
    "buy_tariff_amount": "buy_tariff_id",
}


def sql_of(name: str) -> str:
    """One of these columns as SQL over the rows of a segment."""
    whole = f"coalesce({name}, {SAME_AS[name]})"
    return f"CASE WHEN {ONLY_WITH[name]} IS NOT NULL THEN {whole} END" if name in ONLY_WITH else whole


def filled_in(record: dict[str, object]) -> dict[str, object]:
    """A row of a segment with what it leaves out."""
    for name, same in SAME_AS.items():
        if name in record and record[name] is None and record.get(ONLY_WITH.get(name, same)) is not None:
            record[name] = record[same]
    return record

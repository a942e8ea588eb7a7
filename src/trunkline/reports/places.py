"""How far the calls of a report went: jurisdiction by their numbers, for DuckDB (docs/algorithms/traffic-rules.md, rule 5).

DuckDB has no longest prefix, so the beginnings that occur are looked up once: of each number as many digits as can matter after its calling
code. They are few, compared with the records, and both numbers of a record are then joined with the places of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trunkline.usage.segments import text_literal
from trunkline.usage.traffic.kinds import Jurisdiction

if TYPE_CHECKING:
    import duckdb

NUMBERS: Final[Mapping[str, str]] = {"sender": "calling", "receiver": "coalesce(sell_number, called)"}
_SHORT: Final = 3  # digits of the longest calling code
_USA: Final = text_literal("US")


JURISDICTION_SQL: Final = (
    f"CASE WHEN sender.place IS NULL OR receiver.place IS NULL THEN {text_literal(Jurisdiction.INDETERMINATE)} "
    f"WHEN left(sender.place, 2) = {_USA} AND left(receiver.place, 2) = {_USA} THEN "
    f"CASE WHEN {_USA} IN (sender.place, receiver.place) THEN {text_literal(Jurisdiction.INDETERMINATE)} "
    f"WHEN sender.place = receiver.place THEN {text_literal(Jurisdiction.INTRASTATE)} "
    f"ELSE {text_literal(Jurisdiction.INTERSTATE)} END "
    f"WHEN left(sender.place, 2) = left(receiver.place, 2) THEN {text_literal(Jurisdiction.DOMESTIC)} "
    f"ELSE {text_literal(Jurisdiction.INTERNATIONAL)} END"
)


def load_places(connection: duckdb.DuckDBPyConnection, condition: str, values: Mapping[str, object]) -> None:
    """Make the table `places` of the beginnings of the numbers of those records; `JOINS` and `JURISDICTION_SQL` need it."""
    from trunkline.usage.traffic.jurisdiction import place_of

    beginnings = " UNION ".join(
        f"SELECT {beginning_sql(number)} AS beginning FROM segments WHERE {condition}" for number in NUMBERS.values()
    )
    asked = {name: value for name, value in values.items() if f"${name}" in condition}
    found = connection.sql(f"SELECT beginning FROM ({beginnings}) WHERE beginning IS NOT NULL", params=asked)
    texts = [text for (text,) in found.fetchall()]
    known = {text: place for text in texts if (place := place_of(text))}
    connection.execute(
        "CREATE TEMP TABLE places AS SELECT unnest($beginnings::VARCHAR[]) AS beginning, unnest($places::VARCHAR[]) AS place",
        {"beginnings": list(known), "places": list(known.values())},
    )


def joins_sql() -> str:
    """Joins of the two places with `segments`."""
    return " ".join(
        f"LEFT JOIN places AS {name} ON {name}.beginning = {beginning_sql(number)}" for name, number in NUMBERS.items()
    )


def beginning_sql(number: str) -> str:
    """As many of the first digits as tell the place."""
    by_digits: dict[int, list[str]] = {}
    for calling_code, digits in _telling_digits().items():
        by_digits.setdefault(digits, []).append(calling_code)
    cases = []
    for digits, codes in sorted(by_digits.items()):
        starts = " OR ".join(f"starts_with({number}, {text_literal(code)})" for code in sorted(codes))
        cases.append(f"WHEN {starts} THEN left({number}, {digits})")
    return f"CASE {' '.join(cases)} ELSE left({number}, {_SHORT}) END"


def _telling_digits() -> dict[str, int]:
    """How many first digits tell the place, by calling code, where that is more than the longest of these has."""
    from trunkline.usage.traffic.jurisdiction import places

    known = places()
    found: dict[str, int] = {}
    for prefix in known:
        code = next(prefix[:size] for size in range(1, len(prefix) + 1) if prefix[:size] in known)
        found[code] = max(found.get(code, _SHORT), len(prefix))
    return {code: digits for code, digits in found.items() if digits > _SHORT}

"""Writes of exchange rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
from django.db import connection, transaction

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid
from trunkline.kit.db.locks import lock_name
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.exchange_file import exchange_rate, read_exchange_file
from trunkline.tariffs.models import ExchangeRate
from trunkline.tariffs.staging import stage

STAGED = "base text, quote text, published_on date, rate numeric"
DIFFERING = """
SELECT s.base, s.quote, s.published_on, e.rate, s.rate
  FROM staged_exchange_rate s JOIN tariffs_exchangerate e
    ON e.tenant_id = %s AND e.base = s.base AND e.quote = s.quote AND e."on" = s.published_on
 WHERE e.rate <> s.rate ORDER BY s.n
"""
INSERT = """
INSERT INTO tariffs_exchangerate (tenant_id, base, quote, "on", rate, source)
SELECT %s, base, quote, published_on, rate, %s FROM staged_exchange_rate ORDER BY n
ON CONFLICT (tenant_id, base, quote, "on") DO NOTHING RETURNING "on"
"""
REPLACE = """
UPDATE tariffs_exchangerate e SET rate = s.rate, source = %s FROM staged_exchange_rate s
 WHERE e.tenant_id = %s AND e.base = s.base AND e.quote = s.quote AND e."on" = s.published_on AND e.rate <> s.rate
RETURNING e."on"
"""
SHOWN_DIFFERENCES = 5


@dataclass(frozen=True, slots=True)
class ExchangeLoad:
    """What a load did: rates in the file, those that were new, those replaced, and currencies passed over.

    `first_day` is the first of those that were new or replaced, None if nothing was.
    """

    rates: int
    added: int
    replaced: int
    skipped: tuple[str, ...]
    first_day: date | None


def load_exchange_rates(
    *, data: bytes, base: str = "EUR", source: str = "ECB", replace: bool = False, at: datetime
) -> ExchangeLoad:
    """Load a file of exchange rates (docs/formats/exchange_rates_csv.md), all of it or nothing; twice changes nothing.

    A rate that is there with another value refuses the file (Conflict `exchange_rate_differs`) unless `replace` is
    given. Raises what `read_exchange_file` raises, and Invalid `exchange_rate_twice` for two values in the file.
    """
    found = read_exchange_file(data, base=base)
    values: dict[tuple[str, str, date], Decimal] = {}
    for one, other, on, rate in found.rates:
        if values.setdefault((one, other, on), rate) != rate:
            raise Invalid(
                "exchange_rate_twice", f"{one}/{other} of {on} is there twice, as {values[one, other, on]} and {rate}."
            )
    rows = pa.table(
        {
            "base": pa.array([key[0] for key in values]),
            "quote": pa.array([key[1] for key in values]),
            "on": pa.array([key[2] for key in values]),
            "rate": pa.array([f"{rate:f}" for rate in values.values()]),
        }
    )
    with transaction.atomic():
        lock_name("exchange_rates", current_tenant_id())
        with connection.cursor() as cursor:
            stage(cursor, "staged_exchange_rate", STAGED, rows)
            changed: list[date] = []
            if replace:
                cursor.execute(REPLACE, [source, current_tenant_id()])
                changed += [day for (day,) in cursor.fetchall()]
            else:
                cursor.execute(DIFFERING, [current_tenant_id()])
                _refuse_differences(cursor.fetchall())
            replaced = len(changed)
            cursor.execute(INSERT, [current_tenant_id(), source])
            added = [day for (day,) in cursor.fetchall()]
            first = min([*changed, *added], default=None)
            return ExchangeLoad(len(values), len(added), replaced, found.skipped, first)


def _refuse_differences(rows: list[tuple[str, str, date, Decimal, Decimal]]) -> None:
    if not rows:
        return
    shown = "; ".join(
        f"{base}/{quote} of {on} is {there.normalize():f}, not {said.normalize():f}"
        for base, quote, on, there, said in rows[:SHOWN_DIFFERENCES]
    )
    raise Conflict(
        "exchange_rate_differs",
        f"{len(rows)} rates are there with another value: {shown}.",
        hint="Nothing was loaded. Loading with --replace takes the values of the file.",
    )


def set_exchange_rate(
    *, base: str, quote: str, on: date, rate: str, source: str = "manual", at: datetime
) -> ExchangeRate:
    """State what one unit of `base` costs in `quote` from a day on; saying it again for the day replaces it.

    Raises Invalid `unknown_currency`, `bad_exchange_rate`.
    """
    base, quote = get_currency(base).code, get_currency(quote).code
    if base == quote:
        raise Invalid("bad_exchange_rate", f"{base} to itself is always 1.")
    row, _ = ExchangeRate.objects.update_or_create(
        base=base, quote=quote, on=on, defaults={"rate": exchange_rate(rate), "source": source}
    )
    return row

"""The rates that the price of one event needs, of all tariffs of its list at once and as they are now.

Nothing of a tariff is kept between two questions: the rates of a number are found by their codes in one query.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from trunkline.core.money import Rounding, RoundingMode
from trunkline.engine.scalar import PriceRow, ScalarTariff, Step
from trunkline.engine.schema import RATE_SCHEMA
from trunkline.kit.db.kept import fetch
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs import models
from trunkline.tariffs.lineage import ancestors_of
from trunkline.tariffs.origins import asked_deck, origin_codes
from trunkline.tariffs.rules import parse_step, parse_windows
from trunkline.tariffs.snapshot import RATE_COLUMNS, codes_of, joined

# The arrays stand in queries of their own so that PostgreSQL does not see how long they are: else it plans anew each time, which takes five
# times as long as the reading.
_READ: Final = f"""
SELECT r.tariff_id, d.name, p.windows::text, {RATE_COLUMNS}
  FROM tariffs_rate r
  LEFT JOIN tariffs_timeprofile p ON p.tenant_id = r.tenant_id AND p.id = r.time_profile_id
  LEFT JOIN tariffs_destination d ON d.tenant_id = r.tenant_id AND d.id = r.destination_id
 WHERE r.tenant_id = %s AND r.tariff_id = ANY((SELECT %s::bigint[])::bigint[])
   AND r.code = ANY((SELECT %s::text[])::text[])
   AND (r.voided_at IS NULL OR r.voided_at > %s)
 ORDER BY r.id
"""
_NO_RATES: Final = RATE_SCHEMA.empty_table()


@dataclass(frozen=True, slots=True)
class RatesOfNumber:
    """A list of tariffs with those of their rates whose codes a number begins with, and the names of the destinations of these by id."""

    tariffs: list[ScalarTariff]
    destinations: dict[int, str]


def rates_of_number(
    plan: Sequence[models.Tariff], number: str, *, known_at: datetime, caller: str = ""
) -> RatesOfNumber:
    """What it takes to price events of that number and caller by the tariffs of `plan`, in their order, with their ancestors. Needs an open scope.

    Rates that were voided after `known_at` are among them; the rest is as it is now.
    """
    above = ancestors_of(plan)
    rows: dict[int, list[tuple[PriceRow, bool]]] = {each.pk: [] for own in plan for each in (own, *above[own.pk])}
    names: dict[int, str] = {}
    if rows:
        for tariff_id, destination, windows, *columns in fetch(
            _READ, [current_tenant_id(), list(rows), codes_of(number), known_at]
        ):
            rows[tariff_id].append(_row(len(rows[tariff_id]), windows, columns))
            if destination is not None:
                names[columns[2]] = destination
    families = [(each, *above[each.pk]) for each in plan]
    asking = {
        family[0].pk: deck
        for family in families
        if (deck := asked_deck(family)) is not None
        and any(row.origin is not None for each in family for row, _ in rows[each.pk])
    }
    decks = origin_codes(set(asking.values()), codes_of(caller)) if asking else {}
    return RatesOfNumber(
        [_with_ancestors(each, rows, decks.get(asking.get(each[0].pk, 0), {})) for each in families], names
    )


def _with_ancestors(
    family: Sequence[models.Tariff],
    rows: Mapping[int, Sequence[tuple[PriceRow, bool]]],
    origins: Mapping[str, str],
) -> ScalarTariff:
    """A tariff, the first of `family`, with its rates and those of its ancestors, which stand behind it."""
    tariff = joined(family, [_NO_RATES] * len(family), {}, origins)
    if len(family) == 1:
        return ScalarTariff(tariff, rows[family[0].pk])
    listed: list[tuple[PriceRow, bool]] = []
    for generation, each in enumerate(family):
        for row, is_additive in rows[each.pk]:
            listed.append((replace(row, listed=len(listed), generation=generation), is_additive))
    return ScalarTariff(tariff, listed)


def _row(listed: int, windows: str | None, columns: Sequence[Any]) -> tuple[PriceRow, bool]:
    """A rate and whether it is additive. `columns` are those of `RATE_COLUMNS`."""
    rate_id, code, destination_id, valid_from, valid_to, _profile, weight, setup_fee, grace, *rest = columns
    mode, decimals, max_cost, length_min, length_max, tag, blocked, additive, steps, origin = rest
    row = PriceRow(
        listed=listed,
        rate_id=rate_id,
        code=code,
        destination_id=destination_id,
        valid_from=valid_from,
        valid_to=valid_to,
        windows=None if windows is None else parse_windows(json.loads(windows)),
        weight=weight,
        setup_fee=setup_fee,
        grace=grace,
        rounding=Rounding(RoundingMode(mode), decimals),
        max_cost=max_cost,
        length_min=length_min,
        length_max=length_max,
        tag=tag,
        is_blocked=blocked == "true",
        steps=_steps(steps),
        origin=origin,
    )
    return row, additive == "true"


@lru_cache(maxsize=4096)  # many rates have the same
def _steps(text: str) -> tuple[Step, ...]:
    read = [parse_step(each) for each in text.split(";")]
    return tuple(Step(each.start, each.price.units, each.per, each.increment) for each in read)

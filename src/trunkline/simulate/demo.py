"""The data of `bin/trunkline demo`: two made-up operators, their price lists, and their usage files.

Everything follows from the seed. Companies and persons are invented, addresses of hosts are of the documentation ranges
(RFC 5737), numbers are drawn from real prefixes without asking whether anyone has them, prices and exchange rates are
made up. `write_demo` writes files only; tenants and accounts are made from the descriptions by `cli`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from trunkline.simulate.demo_meridian import RECORDS, meridian, meridian_decks, write_meridian
from trunkline.simulate.demo_savanna import PBX_RECORDS, SIP_RECORDS, savanna, write_savanna
from trunkline.simulate.describe import DestinationPlan, TenantPlan, WrittenTenant
from trunkline.simulate.draws import stream_seed
from trunkline.simulate.files import Progress
from trunkline.simulate.world import Kind, Place, breakout_codes, country_codes, deep_codes

DEMO_SEED = 20260302
DEMO_RECORDS = RECORDS + PBX_RECORDS + SIP_RECORDS

_FIRST_RATE_DAY = date(2026, 1, 26)
_LAST_RATE_DAY = date(2026, 3, 6)
_KINDS = {Kind.FIXED: "fixed", Kind.MOBILE: "mobile", Kind.ANY: "other"}

# Made for the demo: units of a currency for one euro on the first day, and the width of the daily move, by ten thousand.
_EXCHANGE = (
    ("USD", 10_845, 35),
    ("GBP", 8_655, 22),
    ("CHF", 9_385, 18),
    ("KES", 1_401_500, 4_000),
    ("ZAR", 197_400, 900),
)


def demo_tenants() -> tuple[TenantPlan, TenantPlan]:
    """The two operators as plain data."""
    return meridian(), savanna()


def write_demo(
    folder: Path, *, seed: int = DEMO_SEED, on_progress: Progress | None = None
) -> tuple[WrittenTenant, WrittenTenant]:
    """Writes rate files, usage files and exchange rates below `folder`, one folder an operator, and says what they hold.

    Files that are there are written anew, with the same bytes for the same seed. `on_progress` is told how many usage
    records more are written, of `DEMO_RECORDS`.
    """
    carrier, retail = demo_tenants()
    decks = meridian_decks()
    rates, usage = write_meridian(folder / carrier.slug, seed, decks, on_progress)
    exchange = folder / carrier.slug / "exchange-rates.csv"
    write_exchange_rates(exchange, seed)
    places = [*country_codes().places, *breakout_codes().places, *deep_codes(30_000).places]
    written_carrier = WrittenTenant(carrier, rates, tuple(usage), _destinations(places), exchange)
    rates, usage = write_savanna(folder / retail.slug, seed, on_progress)
    home = [Place("Kenya Nairobi", "KE", Kind.FIXED, "", 12)]
    here = [place for place in breakout_codes().places if place.iso2 == "KE"]
    retail_places = [*home, *here, *(place for place in places if place.kind is Kind.ANY)]
    return written_carrier, WrittenTenant(retail, rates, tuple(usage), _destinations(retail_places), None)


def _destinations(places: Iterable[Place]) -> tuple[DestinationPlan, ...]:
    """Destinations in the order of their names; a name that is a whole country in one list is `other` in all."""
    found: dict[str, DestinationPlan] = {}
    for place in places:
        kind = _KINDS[place.kind]
        known = found.get(place.name)
        if known is not None and known.kind != kind:
            kind = _KINDS[Kind.ANY]
        found[place.name] = DestinationPlan(place.name, place.iso2, kind)
    return tuple(found[name] for name in sorted(found))


def write_exchange_rates(path: Path, seed: int) -> int:
    """Writes made-up euro rates of working days in the layout of the ECB's history file; gives the number of days."""
    days = [_FIRST_RATE_DAY + timedelta(days=n) for n in range((_LAST_RATE_DAY - _FIRST_RATE_DAY).days + 1)]
    working = [day for day in days if day.weekday() < 5]
    rows = []
    for day in working:
        shown = []
        for currency, middle, width in _EXCHANGE:
            moved = middle + stream_seed(seed, "exchange", currency, day.isoformat()) % (2 * width + 1) - width
            shown.append(f"{moved // 10_000}.{moved % 10_000:04}")
        rows.append([day.isoformat(), *shown, ""])
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["Date", *(currency for currency, _, _ in _EXCHANGE), ""])
        lines.writerows(reversed(rows))
    return len(rows)

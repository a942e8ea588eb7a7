"""The traffic and price lists of `bench pipeline`: a large day between customers and vendors, and the days beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from trunkline.core.money import RoundingMode
from trunkline.simulate.decks import Deck, DeckPlan, PriceChange, make_deck, write_rates
from trunkline.simulate.describe import AccountPlan, IdentityPlan, SwitchPlan, TariffPlan, TenantPlan
from trunkline.simulate.draws import stream_seed
from trunkline.simulate.files import Dirt, FileSpec, Progress, Written, write_files
from trunkline.simulate.flaws import Flaw
from trunkline.simulate.markets import markets
from trunkline.simulate.traffic import Crossing, Sink, Source, TrafficPlan, popular_codes, routes_by_price
from trunkline.simulate.world import deep_codes

SWITCH = "bench-1"
FORMAT = "freeswitch_trunks"


@dataclass(frozen=True, slots=True)
class PipelineSize:
    """How large the case is. The decks' numbers of codes lie evenly (by ratio) between `smallest` and `largest`.

    `change_countries` is the share of countries, by thousand, whose prices change at noon; `crossing_ppm` the share of
    the attempts that last over it.
    """

    records: int = 3_000_000
    neighbours: int = 10_000_000
    customers: int = 30
    vendors: int = 10
    sell_decks: int = 6
    smallest: int = 10_000
    largest: int = 100_000
    destinations_seen: int = 5_000
    change_countries: int = 250
    crossing_ppm: int = 50_000
    duplicates_ppm: int = 10_000
    rejects_ppm: int = 10_000
    day: date = date(2026, 3, 2)


@dataclass(frozen=True, slots=True)
class PipelineCase:
    """The operator of the bench and where its price lists are, by tariff, with their number of rates."""

    size: PipelineSize
    seed: int
    tenant: TenantPlan
    rates: dict[str, tuple[Path, int]]
    folder: Path


_SHARES = (
    (Flaw.FIELD_COUNT, 15),
    (Flaw.BAD_TIME, 5),
    (Flaw.BAD_ENCODING, 5),
    (Flaw.BAD_NUMBER, 15),
    (Flaw.DURATION_MISMATCH, 5),
    (Flaw.UNKNOWN_SELL, 20),
    (Flaw.UNKNOWN_BUY, 10),
    (Flaw.NO_RATE_SELL, 20),
    (Flaw.CONFLICTING_DUPLICATE, 5),
)


def write_pipeline_case(folder: Path, *, size: PipelineSize | None = None, seed: int = 1) -> PipelineCase:
    """Writes the price lists of the case below `folder` and describes its operator; no usage yet."""
    wanted = size or PipelineSize()
    folder.mkdir(parents=True, exist_ok=True)
    sell, buy = _decks(wanted, seed)
    rates = {}
    for name, deck in {**sell, **buy}.items():
        path = folder / f"rates-{name}.csv"
        rates[name] = (path, write_rates(deck, path))
    return PipelineCase(wanted, seed, _tenant(wanted), rates, folder)


def write_pipeline_day(case: PipelineCase, *, on_progress: Progress | None = None) -> Written:
    """Writes the day's file: duplicates, flaws, and attempts that last over the change of prices at noon."""
    size = case.size
    total = sum(share for _, share in _SHARES)
    flaws = {flaw: size.rejects_ppm * share // total for flaw, share in _SHARES}
    dirt = Dirt(size.duplicates_ppm, flaws)
    plan = _traffic(case, case.seed, size.day, crosses=True)
    spec = FileSpec(f"{SWITCH}-{size.day:%Y%m%d}.csv", 0, 1440)
    (written,) = write_files(
        plan, [spec], case.folder, records=size.records, format_name=FORMAT, dirt=dirt, on_progress=on_progress
    )
    return written


def write_pipeline_neighbours(case: PipelineCase, *, on_progress: Progress | None = None) -> list[Written]:
    """Writes the files of the day before and the day after, without flaws, half of the neighbours each."""
    found = []
    half = case.size.neighbours // 2
    for offset, records in ((-1, half), (1, case.size.neighbours - half)):
        day = case.size.day + timedelta(days=offset)
        plan = _traffic(case, stream_seed(case.seed, "neighbour", offset), day, crosses=False)
        spec = FileSpec(f"{SWITCH}-{day:%Y%m%d}.csv", 0, 1440)
        found += write_files(plan, [spec], case.folder, records=records, format_name=FORMAT, on_progress=on_progress)
    return found


def _change(size: PipelineSize) -> PriceChange:
    noon = datetime(size.day.year, size.day.month, size.day.day, 12, tzinfo=UTC)
    return PriceChange(noon, countries=size.change_countries, move=80)


def _deck_sizes(smallest: int, largest: int, count: int) -> list[int]:
    """Whole numbers from smallest to largest in equal ratios."""
    if count == 1:
        return [largest]
    return [round(smallest * (largest / smallest) ** (step / (count - 1))) for step in range(count)]


@cache
def _decks(size: PipelineSize, seed: int) -> tuple[dict[str, Deck], dict[str, Deck]]:
    change = (_change(size),)
    sell, buy = {}, {}
    for row, count in enumerate(_deck_sizes(size.smallest, size.largest, size.sell_decks)):
        name = f"sell-{row + 1}"
        rounding = (RoundingMode.HALF_UP, 6) if row % 2 else None
        plan = DeckPlan(name, seed, level=1100, spread=90, code_spread=20, rounding=rounding, changes=change)
        sell[name] = make_deck(plan, deep_codes(count))
    for row, count in enumerate(_deck_sizes(size.smallest, size.largest, size.vendors)):
        name = f"buy-{row + 1}"
        plan = DeckPlan(name, seed, level=990, spread=90, code_spread=20, changes=change)
        buy[name] = make_deck(plan, deep_codes(count))
    return sell, buy


def _tenant(size: PipelineSize) -> TenantPlan:
    customers = tuple(
        AccountPlan(
            code=f"customer-{row + 1:02}",
            name=f"Bench Customer {row + 1}",
            currency="USD",
            timezone="UTC",
            identities=(IdentityPlan("trunk", "sell", f"in-{row + 1:02}"),),
            sell_tariffs=(f"sell-{row % size.sell_decks + 1}",),
        )
        for row in range(size.customers)
    )
    vendors = tuple(
        AccountPlan(
            code=f"vendor-{row + 1:02}",
            name=f"Bench Vendor {row + 1}",
            currency="USD",
            timezone="UTC",
            identities=(IdentityPlan("trunk", "buy", f"out-{row + 1:02}"),),
            buy_tariffs=(f"buy-{row + 1}",),
        )
        for row in range(size.vendors)
    )
    names = [f"sell-{row + 1}" for row in range(size.sell_decks)] + [f"buy-{row + 1}" for row in range(size.vendors)]
    return TenantPlan(
        name="Bench Carrier",
        slug="bench",
        currency="USD",
        timezone="UTC",
        accounts=(*customers, *vendors),
        tariffs=tuple(TariffPlan(name, "USD", "UTC", f"rates-{name}.csv") for name in names),
        switches=(SwitchPlan(SWITCH, FORMAT, "UTC", (), has_buy_side=True),),
        period=(size.day, size.day + timedelta(days=1)),
    )


def _traffic(case: PipelineCase, seed: int, day: date, *, crosses: bool) -> TrafficPlan:
    size = case.size
    codes, weights = popular_codes(size.destinations_seen)
    _, buy = _decks(size, case.seed)
    change = _change(size)
    moving = tuple(iso2 for iso2 in markets() if change.moves(iso2))
    crossing = Crossing(change.at, size.crossing_ppm, moving) if crosses and size.crossing_ppm else None
    homes = (("US",), ("GB",), ("DE",), ("IN",), ("BR",), ("ZA",))
    return TrafficPlan(
        seed=seed,
        start=datetime(day.year, day.month, day.day, tzinfo=UTC),
        day_weights=(1,),
        sources=tuple(
            Source(f"customer-{row + 1:02}", max(60 - row, 5), trunk=f"in-{row + 1:02}", home=homes[row % len(homes)])
            for row in range(size.customers)
        ),
        codes=codes,
        weights=weights,
        sinks=tuple(Sink(f"vendor-{row + 1:02}", f"out-{row + 1:02}") for row in range(size.vendors)),
        routes=routes_by_price(codes, list(buy.values())),
        crossing=crossing,
    )

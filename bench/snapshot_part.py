"""Run by `bench snapshot` on its ground, each part a process of its own: makes the vendors, compiles their prices, changes them, looks them up."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from threading import Event, Thread
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trunkline.tariffs.held import HeldPrices
    from trunkline.tariffs.prices import Prices

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")

TENANT = "snapshot"
VENDORS = 8
CHANGED = 1_000
SWAPS = 8
THREADS = 2
FIRST_CODE = 10_000_000
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 3, 12, tzinfo=UTC)
STEPS = ("0:{0}/60/1", "0:{0}/60/60", "0:{0}/60/30;30:{0}/60/6")


def price_units(vendor: int, number: int, revision: int = 0) -> int:
    """What a minute to a vendor's code costs, in millionths."""
    return 100 + (number * 31 + vendor * 17 + revision * 1_009) % 2_000


def code_of(number: int) -> str:
    """The code in the n-th place of every vendor's list."""
    return str(FIRST_CODE + number * 7)


def rates_of(vendor: int, numbers: range, revision: int = 0) -> Any:
    """Rates of LOAD_SCHEMA; those of a later revision begin at `AT` and end the earlier ones."""
    import pyarrow as pa

    from trunkline.tariffs.rate_file import LOAD_SCHEMA

    count = len(numbers)
    begins = AT if revision else None
    columns: dict[str, Any] = {
        "line": range(1, count + 1),
        "code": [code_of(number) for number in numbers],
        "destination": [f"Place {number // 500}" for number in numbers],
        "steps": [STEPS[number % 3].format(f"0.{price_units(vendor, number, revision):06d}") for number in numbers],
        "setup_fee": ["0"] * count,
        "grace": [0] * count,
        "valid_from": [begins] * count,
        "weight": ["10"] * count,
        "rounding_mode": [0] * count,
        "rounding_decimals": [8] * count,
        "blocked": [False] * count,
        "additive": [False] * count,
    }
    return pa.table(
        [pa.array(columns.get(field.name, [None] * count), field.type) for field in LOAD_SCHEMA], LOAD_SCHEMA
    )


def make(codes: int) -> dict[str, Any]:
    """The vendors with so many codes each."""
    from trunkline.tariffs import actions
    from trunkline.tenancy.scope import scope

    tenant_id = _tenant_id()
    begin = perf_counter()
    for vendor in range(VENDORS):
        with scope(tenant_id, "bench"):
            tariff = actions.create_tariff(name=f"vendor {vendor}", currency="USD", at=AT)
            actions.load_rate_table(tariff_id=tariff.pk, rates=rates_of(vendor, range(codes)), at=AT)
    return {"made_s": round(perf_counter() - begin, 1)}


def _tenant_id() -> int:
    from trunkline.tenancy.queries import get_tenant_id

    return get_tenant_id(TENANT)


def _tariff_ids() -> list[int]:
    """The vendors' tariffs in their order; needs an open scope."""
    from trunkline.tariffs.models import Tariff

    return list(Tariff.objects.order_by("id").values_list("id", flat=True))


def look_up(prices: Prices, tariffs: list[int], numbers: list[int], at: datetime) -> list[list[int]]:
    """What a minute to each number costs at every vendor, in millionths: what a route is chosen by."""
    import pyarrow as pa

    from trunkline.engine.rate import rate
    from trunkline.engine.schema import EVENT_SCHEMA

    count = len(tariffs)
    events = pa.table(
        {
            "number": pa.array([f"{code_of(number)}555" for number in numbers for _ in tariffs]),
            "start": pa.array([at] * (count * len(numbers)), EVENT_SCHEMA.field("start").type),
            "quantity": pa.array([60] * (count * len(numbers)), pa.int64()),
            "plan": pa.array(list(range(count)) * len(numbers), pa.int32()),
            "tag_set": pa.nulls(count * len(numbers), pa.int32()),
        }
    ).cast(EVENT_SCHEMA)
    amounts = rate(prices.snapshot, events, [(each,) for each in tariffs])["amount"].to_pylist()
    units = [-1 if amount is None else amount // 100 for amount in amounts]
    return [units[place : place + count] for place in range(0, len(units), count)]


def compile_all(codes: int) -> dict[str, Any]:
    """The prices of the tenant made ready, and numbers looked up at every vendor."""
    from trunkline.tariffs import snapshot
    from trunkline.tenancy.scope import scope

    tenant_id = _tenant_id()
    begin, begin_cpu = perf_counter(), process_time()
    with scope(tenant_id, "bench"):
        prices = snapshot.load(tenant_id)
        tariffs = _tariff_ids()
    joined = prices.snapshot
    ready, ready_cpu = perf_counter() - begin, process_time() - begin_cpu
    numbers = random.Random(1).sample(range(codes), min(codes, 1_000))
    found = look_up(prices, tariffs, numbers, AT)
    if found != [[price_units(vendor, number) for vendor in range(VENDORS)] for number in numbers]:
        raise RuntimeError("a number was not priced as its vendor's list says")
    return {"ready_s": round(ready, 2), "ready_cpu_s": round(ready_cpu, 2), "rates": joined.rate_count}


def change(codes: int, revision: int) -> None:
    """Load new prices for some codes of one vendor, as a partial sheet does."""
    from trunkline.tariffs import actions
    from trunkline.tenancy.scope import scope

    count = min(CHANGED, codes)
    vendor, first = revision % VENDORS, revision * 7_919 % (codes - count + 1)
    with scope(_tenant_id(), "bench"):
        rates = rates_of(vendor, range(first, first + count), revision)
        actions.load_rate_table(tariff_id=_tariff_ids()[vendor], rates=rates, supersede_earlier=True, at=AT)


class Lookups(Thread):
    """Looks numbers up without a pause, each at every vendor, and counts what goes wrong: an error, no price, prices of before a change that was seen."""

    def __init__(self, held: HeldPrices, tariffs: list[int], watched: list[int]) -> None:
        super().__init__(daemon=True)
        self.held, self.tariffs, self.watched = held, tariffs, watched
        self.done, self.failed, self.slowest_s, self.switches = 0, 0, 0.0, 0
        self.ends = Event()

    def run(self) -> None:
        number = self.watched
        last = look_up(self.held.current, self.tariffs, number, LATER)
        seen = [last]
        while not self.ends.is_set():
            begin = perf_counter()
            try:
                found = look_up(self.held.current, self.tariffs, number, LATER)
            except Exception:
                self.failed += 1
                continue
            self.slowest_s = max(self.slowest_s, perf_counter() - begin)
            self.done += len(number)
            if found != last:
                self.switches += 1
                self.failed += found in seen or any(-1 in row for row in found)
                seen.append(found)
                last = found


def swap(codes: int) -> dict[str, Any]:
    """Prices that are changed again and again by another process while two threads look numbers up in those that are held."""
    from trunkline.tariffs.held import HeldPrices
    from trunkline.tenancy.scope import scope

    tenant_id = _tenant_id()
    with scope(tenant_id, "bench"):
        held = HeldPrices(tenant_id)
        tariffs = _tariff_ids()
    seconds: dict[str, list[float]] = {"quiet": [], "loaded": [], "cpu": []}
    revision = 0
    for kind, threads in (("quiet", 0), ("loaded", THREADS)):
        count = min(CHANGED, codes)
        changes = range(revision + 1, revision + 1 + SWAPS)
        # One number of each change, so that every swap is seen.
        watched = [each * 7_919 % (codes - count + 1) for each in changes]
        asking = [Lookups(held, tariffs, watched) for _ in range(threads)]
        for each in asking:
            each.start()
        for revision in changes:
            subprocess.run(
                [sys.executable, "-m", "bench.snapshot_part", "change", str(codes), str(revision)], check=True
            )
            begin, begin_cpu = perf_counter(), process_time()
            with scope(tenant_id, "bench"):
                if not held.refresh():
                    raise RuntimeError("a change was not seen")
            seconds[kind].append(perf_counter() - begin)
            if not threads:
                seconds["cpu"].append(process_time() - begin_cpu)
            (found,) = look_up(held.current, tariffs, [watched[revision - changes.start]], LATER)
            if found[revision % VENDORS] != price_units(
                revision % VENDORS, watched[revision - changes.start], revision
            ):
                raise RuntimeError("the new price is not the one that was loaded")
        for each in asking:
            each.ends.set()
        for each in asking:
            each.join()
    with scope(tenant_id, "bench"):
        for place, tariff_id in enumerate(tariffs):
            from trunkline.tariffs.snapshot import read_rates

            if not held.current.snapshot.tariffs[place].rates.equals(read_rates(tariff_id)):
                raise RuntimeError("a copy that was brought up to date is not the list")
    return {
        "changed_s": round(statistics.median(seconds["quiet"]), 3),
        "changed_cpu_s": round(statistics.median(seconds["cpu"]), 3),
        "changed_worst_s": round(max(seconds["quiet"]), 3),
        "changed_under_load_s": round(statistics.median(seconds["loaded"]), 3),
        "lookups": sum(each.done for each in asking),
        "lookups_failed": sum(each.failed for each in asking),
        "slowest_lookup_ms": round(1_000 * max(each.slowest_s for each in asking), 1),
    }


def main(part: str, codes: int, *more: str) -> None:
    """Print what a part has found as JSON."""
    import django

    django.setup()
    if part == "change":
        change(codes, int(more[0]))
        return
    found = {"make": make, "compile": compile_all, "swap": swap}[part](codes)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])

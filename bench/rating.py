"""How fast `engine.rate` prices one side on one core.

One tariff of 100,000 codes, each with a price until noon and another from noon on, all in two steps; events draw their
codes uniformly, 30 % reach the second step, 5 % are under way at noon, amounts are rounded to 4 or 6 decimals. Numbers and
starts are in no order. A sample is charged again by `engine.scalar`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa

from trunkline.core.money import RoundingMode
from trunkline.engine.rate import compile_snapshot, rate
from trunkline.engine.scalar import Event, ScalarTariff, charge
from trunkline.engine.schema import DEFAULT_WEIGHT, EVENT_SCHEMA, RATE_SCHEMA, STEP_TYPE, Tariff
from trunkline.engine.snapshot import Snapshot
from trunkline.engine.units import Unit

MUST_REACH = 2_000_000  # records a second
TARIFF_ID = 1
DAY = datetime(2026, 6, 17, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
SECOND_STEP_SHARE = 0.30
CROSSING_SHARE = 0.05


def make_codes(count: int, rng: np.random.Generator) -> list[str]:
    """`count` distinct codes of 2 to 8 digits, most of them long, many of them prefixes of others."""
    codes: set[str] = set()
    while len(codes) < count:
        length = rng.choice([2, 3, 4, 5, 6, 7, 8], size=count, p=[0.001, 0.009, 0.03, 0.12, 0.3, 0.36, 0.18])
        low = 10 ** (length - 1)
        codes.update(map(str, (low + (rng.random(count) * 9 * low).astype(np.int64)).tolist()))
    return sorted(rng.permutation(sorted(codes))[:count].tolist())


def make_tariff(codes: list[str], rng: np.random.Generator) -> Tariff:
    """Two rates a code, two steps a rate."""
    size = 2 * len(codes)
    second_start = rng.choice([30, 60], size)
    first_increment = np.where(second_start == 30, rng.choice([6, 30], size), rng.choice([1, 60], size))
    steps = pa.StructArray.from_arrays(
        [
            pa.array(np.stack([np.zeros(size, dtype=np.int64), second_start], axis=1).ravel()),
            pa.array(rng.integers(10**6, 5 * 10**9, 2 * size)),  # 0.0001 to 0.5 a minute
            pa.array(np.full(2 * size, 60)),
            pa.array(np.stack([first_increment, rng.choice([1, 6], size)], axis=1).ravel()),
        ],
        fields=list(STEP_TYPE),
    )
    is_new = np.tile([False, True], len(codes))
    noon = np.full(size, int(NOON.timestamp()))
    seconds = pa.timestamp("s", tz="UTC")
    modes = rng.choice([RoundingMode.HALF_UP, RoundingMode.UP], size, p=[0.8, 0.2])
    columns: dict[str, Any] = {
        "rate_id": np.arange(1, size + 1),
        "code": np.repeat(np.array(codes, dtype=object), 2),
        "destination_id": np.repeat(np.arange(len(codes)) // 20 + 1, 2),
        "valid_from": pa.array(noon, seconds, mask=~is_new),
        "valid_to": pa.array(noon, seconds, mask=is_new),
        "time_profile": pa.nulls(size, pa.string()),
        "weight": np.full(size, DEFAULT_WEIGHT),
        "setup_fee": np.zeros(size, dtype=np.int64),
        "grace": np.zeros(size, dtype=np.int64),
        "rounding_mode": modes.astype(np.int8),
        "rounding_decimals": rng.choice([4, 6], size).astype(np.int8),
        "max_cost": pa.nulls(size, pa.int64()),
        "length_min": pa.nulls(size, pa.int8()),
        "length_max": pa.nulls(size, pa.int8()),
        "tag": pa.nulls(size, pa.string()),
        "blocked": np.zeros(size, dtype=np.bool_),
        "additive": np.zeros(size, dtype=np.bool_),
        "steps": pa.ListArray.from_arrays(np.arange(size + 1, dtype=np.int32) * 2, steps),
        "origin": pa.nulls(size, pa.string()),
    }
    rates = pa.table([pa.array(columns[name], RATE_SCHEMA.field(name).type) for name in RATE_SCHEMA.names], RATE_SCHEMA)
    return Tariff(TARIFF_ID, "deck", "USD", "UTC", Unit.SECOND, rates)


def make_events(codes: list[str], count: int, rng: np.random.Generator) -> pa.Table:
    """Numbers of 10 to 13 digits under codes drawn uniformly; durations up to an hour."""
    tails = rng.integers(10**12, 10**13, count).tolist()
    lengths = rng.integers(10, 14, count).tolist()
    picked = rng.integers(0, len(codes), count).tolist()
    numbers = [(codes[code] + str(tail))[:length] for code, tail, length in zip(picked, tails, lengths, strict=True)]
    is_long = rng.random(count) < SECOND_STEP_SHARE
    quantity = np.where(is_long, 61 + rng.exponential(300, count).astype(np.int64), rng.integers(1, 31, count))
    quantity = np.minimum(quantity, 3600)
    # Under way at noon, or far enough from it. To cross takes two seconds.
    crosses = (rng.random(count) < CROSSING_SHARE) & (quantity > 1)
    before_noon = 1 + (rng.random(count) * (quantity - 1)).astype(np.int64)
    elsewhere = rng.choice([-1, 1], count) * rng.integers(3601, 12 * 3600, count)
    start_s = int(NOON.timestamp()) + np.where(crosses, -before_noon, elsewhere)
    start_ms = start_s * 1000 + np.where(crosses, 0, rng.integers(0, 1000, count))
    columns = [
        pa.array(numbers),
        pa.array(start_ms, pa.timestamp("ms", tz="UTC")),
        pa.array(quantity),
        pa.array(np.zeros(count, dtype=np.int32)),
        pa.nulls(count, pa.int32()),
    ]
    return pa.Table.from_arrays(columns, schema=EVENT_SCHEMA)


def _disagreements(snapshot: Snapshot, tariff: Tariff, events: pa.Table, count: int) -> int:
    sample = events.take(pa.array(np.linspace(0, events.num_rows - 1, count).astype(np.int64)))
    priced = rate(snapshot, sample, [(TARIFF_ID,)]).to_pylist()
    oracle = ScalarTariff(tariff)
    wrong = 0
    for event, row in zip(sample.to_pylist(), priced, strict=True):
        expected = charge([oracle], Event(event["number"], event["start"], event["quantity"]))
        wrong += (row["outcome"], row["rate_id"], row["code"], row["billed"], row["amount"]) != (
            int(expected.outcome),
            expected.rate_id,
            expected.code,
            expected.billed,
            None if expected.amount is None else expected.amount.units,
        )
    return wrong


def run(
    *, records: int = 1_000_000, chunk: int = 250_000, codes: int = 100_000, repeats: int = 5, sample: int = 2_000
) -> dict[str, Any]:
    """Rates `records` events in chunks, `repeats` times, on one thread. `records_per_s` is the median of the repeats.

    Raises AssertionError if the sample disagrees with `engine.scalar` in any row.
    """
    rng = np.random.default_rng(20260617)
    deck = make_codes(codes, rng)
    tariff = make_tariff(deck, rng)
    events = make_events(deck, records, rng)
    begun = perf_counter()
    snapshot = compile_snapshot([tariff])
    compile_s = perf_counter() - begun
    chunks = [events.slice(low, chunk) for low in range(0, records, chunk)]
    speeds, cores = [], []
    for _ in range(repeats + 1):  # the first round compiles the moments and is not counted
        begun, cpu_begun = perf_counter(), process_time()
        for each in chunks:
            rate(snapshot, each, [(TARIFF_ID,)])
        elapsed = perf_counter() - begun
        speeds.append(records / elapsed)
        cores.append((process_time() - cpu_begun) / elapsed)
    disagreements = _disagreements(snapshot, tariff, events, sample)
    assert disagreements == 0, f"{disagreements} of {sample} events disagree with engine.scalar"
    quantity = events["quantity"].to_numpy()
    start_s = events["start"].cast(pa.int64()).to_numpy() // 1000
    noon_s = int(NOON.timestamp())
    return {
        "passed": median(speeds[1:]) >= MUST_REACH,
        "records_per_s": round(median(speeds[1:])),
        "slowest_records_per_s": round(min(speeds[1:])),
        "fastest_records_per_s": round(max(speeds[1:])),
        "cores": round(median(cores[1:]), 2),
        "records": records,
        "chunk": chunk,
        "codes": codes,
        "rates": tariff.rates.num_rows,
        "compile_s": round(compile_s, 3),
        "second_step_share": round(float((quantity > 60).mean()), 3),
        "crossing_share": round(float(((start_s < noon_s) & (start_s + quantity > noon_s)).mean()), 3),
        "sample": sample,
        "sample_disagreements": disagreements,
    }

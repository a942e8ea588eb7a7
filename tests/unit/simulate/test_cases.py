"""The cases of the benches, in small."""

from datetime import UTC, datetime

import numpy as np
import pytest

from trunkline.engine.schema import RATE_SCHEMA
from trunkline.simulate.pipeline_case import (
    PipelineSize,
    write_pipeline_case,
    write_pipeline_day,
    write_pipeline_neighbours,
)
from trunkline.simulate.rating_case import rating_case

NOON_MS = int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()) * 1000
SMALL = PipelineSize(
    records=20_000,
    neighbours=6_000,
    customers=5,
    vendors=3,
    sell_decks=2,
    smallest=1_000,
    largest=4_000,
    destinations_seen=300,
)


@pytest.mark.slow
def test_the_pipeline_case_has_its_decks_accounts_and_shares(tmp_path):
    case = write_pipeline_case(tmp_path, size=SMALL, seed=4)
    assert sorted(case.rates) == ["buy-1", "buy-2", "buy-3", "sell-1", "sell-2"]
    assert all(path.is_file() for path, _ in case.rates.values())
    assert case.rates["buy-1"][1] < case.rates["buy-2"][1] < case.rates["buy-3"][1]
    assert sum(account.is_customer for account in case.tenant.accounts) == 5
    assert sum(account.is_vendor for account in case.tenant.accounts) == 3
    day = write_pipeline_day(case)
    assert day.records == 20_000
    assert day.duplicates == 200
    assert sum(day.rejects.values()) == pytest.approx(200, abs=5)
    neighbours = write_pipeline_neighbours(case)
    assert [file.records for file in neighbours] == [3_000, 3_000]
    assert all(file.rated == file.records for file in neighbours)
    lines = day.path.read_bytes().splitlines()
    fields = [line.split(b",") for line in lines]
    whole = [row for row in fields if len(row) == 20 and row[9].isdigit() and row[10].isdigit() and row[9] != b"0"]
    over = sum(int(row[9]) < NOON_MS * 1000 < int(row[10]) for row in whole)
    assert 0.049 < over / len(lines) < 0.055
    keys = {line.split(b",")[0] for file in neighbours for line in file.path.read_bytes().splitlines()}
    assert keys.isdisjoint(row[0] for row in fields)


@pytest.mark.slow
def test_the_rating_case_has_its_shares():
    case = rating_case(codes=5_000, events=50_000)
    assert case.rates.schema == RATE_SCHEMA
    assert case.rates.num_rows == 10_000
    assert case.events.schema.names == ["number", "start", "quantity"]
    start = case.events.column("start").cast("int64").to_numpy()
    quantity = case.events.column("quantity").to_numpy()
    assert (quantity > 60).mean() == pytest.approx(0.30, abs=0.01)
    crosses = (start < NOON_MS) & (start + quantity * 1000 > NOON_MS)
    assert crosses.mean() == pytest.approx(0.05, abs=0.005)
    numbers = case.events.column("number").to_pylist()
    assert all(number.isdigit() for number in numbers)
    assert len(np.unique([len(number) for number in numbers])) > 4

"""What a segment leaves out comes back, whoever reads it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from trunkline.usage.omitted import ONLY_WITH, SAME_AS, filled_in
from trunkline.usage.segments import connect
from trunkline.usage.store import RATED
from trunkline.usage.stored import as_stored, read_rows

NAMES = sorted({*SAME_AS, *SAME_AS.values(), *ONLY_WITH.values()})
FEW = st.sampled_from([Decimal("0.00000000"), Decimal("1.50000000"), Decimal("-2.00000001")])


@st.composite
def sides(draw: st.DrawFn, side: str) -> dict[str, object]:
    """A side that is charged, by a tariff or, of a record of quantity zero, by none; or that is not."""
    is_charged, has_tariff = draw(st.booleans()), draw(st.booleans())
    return {
        f"{side}_amount": draw(FEW) if is_charged else None,
        f"{side}_base_amount": draw(FEW) if is_charged else None,
        f"{side}_tariff_amount": draw(FEW) if is_charged and has_tariff else None,
        f"{side}_tariff_id": 7 if is_charged and has_tariff else None,
    }


@st.composite
def records(draw: st.DrawFn) -> dict[str, object]:
    numbers = {
        name: draw(st.sampled_from(["", "1", "22"])) for name in ("calling", "called", "calling_raw", "called_raw")
    }
    return numbers | draw(sides("sell")) | draw(sides("buy"))


@given(st.lists(records(), min_size=1, max_size=20))
def test_rows_come_back_from_a_segment_by_every_way_of_reading(rows: list[dict[str, object]]) -> None:
    size = len(rows)
    columns = {
        field.name: pa.array([row[field.name] for row in rows], field.type)
        if field.name in NAMES
        else pa.nulls(size, field.type)
        for field in RATED
    }
    stored = as_stored(pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in RATED])))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.parquet"
        pq.write_table(stored.select(NAMES), path)
        with pq.ParquetFile(path) as file:
            assert read_rows(file, 0, NAMES).to_pylist() == [{name: row[name] for name in NAMES} for row in rows]
        for name in NAMES:  # alone too: what a column is told from need not be asked for
            with pq.ParquetFile(path) as file:
                assert read_rows(file, 0, [name])[name].to_pylist() == [row[name] for row in rows]
        assert [filled_in(row) for row in pq.read_table(path).to_pylist()] == [
            {name: row[name] for name in NAMES} for row in rows
        ]
        with connect([path]) as segments:
            found = segments.sql(f"SELECT {', '.join(NAMES)} FROM segments").fetchall()
    assert found == [tuple(row[name] for name in NAMES) for row in rows]


def test_one_currency_and_numbers_without_rules_are_written_once() -> None:
    amount = pa.array([Decimal("1.50000000"), None], RATED.field("sell_amount").type)
    same = dict.fromkeys(("sell_amount", "sell_base_amount", "sell_tariff_amount"), amount)
    same |= dict.fromkeys(("called", "called_raw"), pa.array(["1", "2"]))
    columns = {field.name: same.get(field.name, pa.nulls(2, field.type)) for field in RATED}
    stored = as_stored(pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in RATED])))
    assert [stored[name].null_count for name in ("sell_amount", "sell_base_amount", "sell_tariff_amount")] == [1, 2, 2]
    assert stored["called_raw"].null_count == 2

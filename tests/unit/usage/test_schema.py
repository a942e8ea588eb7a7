"""Choosing rows of a table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from trunkline.usage.schema import NAME, rows_where


def test_chosen_rows_are_those_of_filter_also_where_a_column_is_null_throughout() -> None:
    table = pa.table(
        {
            "number": pa.array([1, 2, 3, 4]),
            "name": pa.array(["a", None, "b", "a"]).dictionary_encode(),
            "nothing": pa.nulls(4, NAME),
        }
    )
    wanted = np.array([True, False, True, True])
    assert rows_where(table, wanted).to_pylist() == table.filter(pa.array(wanted)).to_pylist()
    assert rows_where(table, wanted).schema == table.schema
    assert rows_where(table, np.zeros(4, np.bool_)).num_rows == 0

"""A copy that is brought up to date is the list as it is now, whatever was changed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from trunkline.tariffs.catching_up import Changes, brought_up

IDS = st.frozensets(st.integers(1, 40), max_size=30)


def rates(prices: dict[int, int]) -> pa.Table:
    order = sorted(prices)
    return pa.table(
        {"rate_id": pa.array(order, pa.int64()), "price": pa.array([prices[each] for each in order], pa.int64())}
    )


@given(IDS, IDS, IDS, st.lists(st.tuples(st.integers(20, 50), st.integers(0, 5)), max_size=3))
def test_what_stays_and_what_was_changed_make_the_list_of_now(
    before: frozenset[int], touched: frozenset[int], gone: frozenset[int], new: list[tuple[int, int]]
) -> None:
    changes = Changes(touched, tuple((first, first + more) for first, more in new))
    of_now = dict.fromkeys(before, 0)
    for each in range(1, 60):
        if each in touched or any(first <= each <= first + more for first, more in new):
            of_now.pop(each, None)
            if each not in gone:
                of_now[each] = 1
    asked: list[str] = []

    def read(which: str) -> pa.Table:
        asked.append(which)
        return rates({each: price for each, price in of_now.items() if price == 1})

    found = brought_up(rates(dict.fromkeys(before, 0)), changes, read)
    assert found.equals(rates(of_now).combine_chunks())
    assert len(asked) == 1


def test_the_condition_names_ids_and_ranges() -> None:
    assert (
        Changes(frozenset({7, 3}), ((10, 12),)).condition == "(r.id BETWEEN 10 AND 12 OR r.id = ANY('{3,7}'::bigint[]))"
    )
    assert Changes(frozenset(), ()).condition == "(false)"
    found = Changes(frozenset({7}), ((10, 12),)).contains(np.array([6, 7, 9, 10, 12, 13]))
    assert found.tolist() == [False, True, False, True, True, False]

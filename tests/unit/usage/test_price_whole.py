"""A chunk of which nearly every row is charged is rated whole: nothing of what comes out may tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.usage.rule_world import Call, World, events_of, tariffs_of, trunk
from trunkline.usage import sides
from trunkline.usage.chunkwork import price_sides

WORLD = World(
    (),
    tariffs_of(
        [(side, code, "", price) for side in ("sell", "buy") for code, price in (("254", "0.10"), ("1", "0.05"))]
    ),
    [trunk(1, "in", "sell"), trunk(2, "out", "buy")],
)
CALLS = st.builds(
    Call,
    calling=st.sampled_from(["254700000001", ""]),
    called=st.sampled_from(["254720000001", "33100000001", "x", "1" * 20]),
    trunk_in=st.sampled_from(["in", "in", "in", "nobody"]),
    trunk_out=st.sampled_from(["out", "out", "out", "nobody"]),
    seconds=st.sampled_from([0, 1, 61]),
    is_last=st.booleans(),
)
SHARES = {"whole": 0.0, "chosen": 2.0}


def _said(calls: list[Call], share: float) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sides, "WHOLE_SHARE", share)
        pinned = replace(WORLD.pinned(), rules=None)
        _, found, reason = price_sides(events_of(calls), WORLD.profile.number_rules, pinned)
    columns = {name: column.to_pylist() for side in found.values() for name, column in side.columns.items()}
    arrays = {
        f"{name}_{each}": getattr(side, each).tolist()
        for name, side in found.items()
        for each in (
            "account_id",
            "is_counted",
            "rate_id",
            "destination_id",
            "billed",
            "amount",
            "base_amount",
            "reason",
        )
    }
    return columns, arrays, np.asarray(reason).tolist()


@given(st.lists(CALLS, max_size=30))
def test_rating_all_rows_says_what_rating_the_charged_ones_says(calls: list[Call]) -> None:
    assert _said(calls, SHARES["whole"]) == _said(calls, SHARES["chosen"])

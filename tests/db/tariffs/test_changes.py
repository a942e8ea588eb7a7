"""A change of a price list as one thing, and back again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.db.tariffs.test_rates import AT, load, make, shown
from trunkline.core.errors import Conflict
from trunkline.engine.units import Unit
from trunkline.tariffs import actions, queries
from trunkline.tariffs.actions.rates import ENDS
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rate_file import STANDING, read_rate_file

BEFORE = """code,destination,price,valid_from,valid_to
254,Kenya,1,2026-01-01,
2547,Kenya Mobile,2,2026-01-01,2026-07-01
255,Tanzania,3,,2026-05-01
255,Tanzania,4,2026-05-01,
"""


def rates(text: str) -> pa.Table:
    found = read_rate_file(text.encode(), unit=Unit.SECOND, timezone="UTC", profiles=())
    assert found.problems == []
    return found.rates


def ends(*pairs: tuple[int, datetime]) -> pa.Table:
    return pa.Table.from_pylist([{"id": rate, "at": at} for rate, at in pairs], ENDS)


def filled() -> tuple[Tariff, dict[str, int]]:
    tariff = make(timezone="UTC")
    load(tariff, BEFORE)
    return Tariff.objects.get(pk=tariff.pk), {f"{r.code} {r.steps}": r.pk for r in queries.rates(tariff)}


def change(tariff: Tariff, text: str, *ended: tuple[int, datetime]) -> actions.RateChange:
    return actions.change_rates(
        tariff_id=tariff.pk, rates=rates(text), ends=ends(*ended), revision=tariff.revision, at=AT
    )


def standing(tariff: Tariff) -> list[dict[str, Any]]:
    return list(actions.standing_rates(tariff).to_pylist())


APRIL = datetime(2026, 4, 1, tzinfo=UTC)


def test_what_stands_is_what_a_file_would_say(in_scope: Any) -> None:
    tariff, ids = filled()
    table = actions.standing_rates(tariff)
    assert table.schema.equals(STANDING)
    assert [
        (r["id"], r["code"], r["destination"], r["steps"], r["setup_fee"], r["weight"]) for r in table.to_pylist()
    ] == [
        (ids[key], code, name, steps, "0", "10")
        for key, code, name, steps in (
            ("254 0:1/60/1", "254", "Kenya", "0:1/60/1"),
            ("2547 0:2/60/1", "2547", "Kenya Mobile", "0:2/60/1"),
            ("255 0:3/60/1", "255", "Tanzania", "0:3/60/1"),
            ("255 0:4/60/1", "255", "Tanzania", "0:4/60/1"),
        )
    ]


def test_rates_come_and_others_end_in_one_change(in_scope: Any) -> None:
    tariff, ids = filled()
    done = change(
        tariff,
        "code,destination,price,valid_from\n254,Kenya,1.5,2026-04-01\n",
        (ids["2547 0:2/60/1"], APRIL),
        (ids["255 0:3/60/1"], APRIL),
        (ids["255 0:4/60/1"], APRIL),
    )
    assert (done.made, len(done.ended), done.voided, done.revision, done.begins) == (1, 4, 1, 3, APRIL)
    assert shown(tariff) == [
        ("254", "0:1/60/1", "2026-01-01", "2026-04-01", False),
        ("2547", "0:2/60/1", "2026-01-01", "2026-04-01", False),
        ("255", "0:3/60/1", "", "2026-04-01", False),
        ("255", "0:4/60/1", "2026-05-01", "", True),
        ("254", "0:1.5/60/1", "2026-04-01", "", False),
    ]


def test_an_undone_change_leaves_what_stood_before_to_the_digit(in_scope: Any) -> None:
    tariff, ids = filled()
    before = standing(tariff)
    done = change(
        tariff,
        "code,destination,price,valid_from\n254,Kenya,1.5,2025-12-01\n2541,Kenya,7,2026-04-01\n",
        (ids["2547 0:2/60/1"], APRIL),
    )
    assert standing(tariff) != before
    assert actions.undo_change(tariff_id=tariff.pk, change=done, revision=done.revision, at=AT) == 4
    assert standing(tariff) == before
    assert [row[-1] for row in shown(tariff)] == [False] * 4 + [True] * 2


def test_a_change_worked_out_on_other_rates_is_refused(in_scope: Any) -> None:
    tariff, _ = filled()
    done = change(tariff, "code,price,valid_from\n256,5,2026-04-01\n")
    before = shown(tariff)
    with pytest.raises(Conflict) as second:
        change(tariff, "code,price,valid_from\n257,5,2026-04-01\n")  # on the revision of before
    load(tariff, "code,price\n258,1\n")
    with pytest.raises(Conflict) as undone:
        actions.undo_change(tariff_id=tariff.pk, change=done, revision=done.revision, at=AT)
    assert (second.value.code, undone.value.code) == ("tariff_changed", "tariff_changed")
    assert shown(tariff)[:-1] == before


def test_a_rate_that_both_a_new_one_and_a_closing_end_ends_with_the_sooner(in_scope: Any) -> None:
    tariff, ids = filled()
    change(tariff, "code,price,valid_from\n254,5,2026-06-01\n", (ids["254 0:1/60/1"], APRIL))
    assert shown(tariff)[0] == ("254", "0:1/60/1", "2026-01-01", "2026-04-01", False)

"""The rates of a tariff and its ancestors as one list: rule 17 of `docs/algorithms/rating.md`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.core.errors import Invalid
from trunkline.engine.schema import Tariff

# A tariff and its ancestors. Three are what the trade uses; a bound keeps a compiled copy from growing unseen.
CHAIN_MAX: Final = 5


def lineage(tariff: Tariff) -> Iterator[Tariff]:
    """The tariff, its parent, the parent of that, and so on. Raises Invalid `too_many_parents`."""
    each: Tariff | None = tariff
    count = 0
    while each is not None:
        count += 1
        if count > CHAIN_MAX:
            raise Invalid(
                "too_many_parents", f"Tariff {tariff.name} has more than {CHAIN_MAX - 1} ancestors.", tariff=tariff.name
            )
        yield each
        each = each.parent


def with_inherited(tariff: Tariff) -> tuple[pa.Table, NDArray[np.int8] | None]:
    """The rates of a tariff and then those of its ancestors, the nearer first, and for each how far away it stands: 0 its own,
    1 the parent's. None where there is no parent. Nothing is copied.

    Raises Invalid `parent_differs` where one of them has another currency, unit or timezone, `too_many_parents`.
    """
    if tariff.parent is None:
        return tariff.rates, None
    family = list(lineage(tariff))
    for each in family[1:]:
        for fact in ("currency", "unit", "timezone"):
            if getattr(each, fact) != getattr(tariff, fact):
                raise Invalid(
                    "parent_differs",
                    f"{tariff.name} has the {fact} {getattr(tariff, fact)}, its parent {each.name} {getattr(each, fact)}.",
                    tariff=tariff.name,
                )
    counts = [each.rates.num_rows for each in family]
    return pa.concat_tables([each.rates for each in family]), np.repeat(np.arange(len(family), dtype=np.int8), counts)


def rate_count(tariff: Tariff) -> int:
    """How many rates a tariff has with those of its ancestors."""
    return sum(each.rates.num_rows for each in lineage(tariff))

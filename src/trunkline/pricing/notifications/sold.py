"""The price list that a customer of a tariff has: its special rates before its own, and what its ancestors price where neither does.

Rows of one code that would hold together are cut, so that of the same rate one holds at a time (docs/algorithms/rate-notifications.md, "What the customer knows").
`layered` has no database; the others need an open scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.money import scaled
from trunkline.engine.schema import WEIGHT_DECIMALS
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.lineage import ancestors_of
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rate_file import STANDING, rate_bounds, rate_keys
from trunkline.tariffs.staging import copy_table

READ_SOLD: Final = """
SELECT r.id, r.code, d.name, r.steps, trim_scale(r.setup_fee), r.grace,
       extract(epoch FROM r.valid_from)::bigint, extract(epoch FROM r.valid_to)::bigint,
       p.name, trim_scale(r.weight), r.rounding_mode, r.rounding_decimals, trim_scale(r.max_cost), r.blocked::text,
       r.tag, r.length_min, r.length_max, r.additive::text, r.origin
  FROM tariffs_rate r
  LEFT JOIN tariffs_destination d ON d.tenant_id = r.tenant_id AND d.id = r.destination_id
  LEFT JOIN tariffs_timeprofile p ON p.tenant_id = r.tenant_id AND p.id = r.time_profile_id
 WHERE r.tenant_id = {tenant_id} AND r.tariff_id = {tariff_id} AND r.voided_at IS NULL ORDER BY r.id
"""
USUAL_WEIGHT: Final = "10"
_EVER: Final = np.iinfo(np.int64)
_INSTANT: Final = pa.timestamp("s", tz="UTC")
_CONDITIONS: Final = ("time_profile", "tag", "length_min", "length_max", "origin")

Span = tuple[int, int]


def lineage_mark(tariff: Tariff) -> str:
    """What changes whenever a price of the tariff or of an ancestor does: their ids and stamps, read anew."""
    known = Tariff.objects.get(pk=tariff.pk)
    return ";".join(f"{each.pk}:{each.stamp}" for each in (known, *ancestors_of([known])[known.pk]))


def sold_rates(tariff: Tariff) -> pa.Table:
    """The price list of a tariff's customers, of `STANDING`."""
    chain = (tariff, *ancestors_of([tariff])[tariff.pk])
    query = READ_SOLD.format(tenant_id=current_tenant_id(), tariff_id="{tariff_id}")
    return layered([copy_table(query.format(tariff_id=int(each.pk)), STANDING) for each in chain])


def layered(chain: Sequence[pa.Table]) -> pa.Table:
    """One price list of several of `STANDING`, the nearer tariff first; in each the heavier rate goes first. All have the usual weight then."""
    layers = [layer for rates in chain for layer in _by_weight(rates)]
    if not layers:
        return STANDING.empty_table()
    rates = pa.concat_tables([_with_usual_weight(each) for each in layers]).combine_chunks()
    rank = np.repeat(np.arange(len(layers)), [len(each) for each in layers])
    if len(layers) == 1:
        return rates
    keys = rate_keys(rates)
    starts, ends = rate_bounds(rates)
    codes = rates["code"].combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    bounds = np.flatnonzero(np.diff(codes[order], prepend=-1, append=-1))
    plain = np.logical_and.reduce([np.asarray(pc.is_null(rates[name]).combine_chunks()) for name in _CONDITIONS])
    plain &= ~np.asarray(rates["additive"].combine_chunks())
    additive = np.asarray(rates["additive"].combine_chunks())
    rows: list[int] = []
    spans: list[Span] = []
    touched = np.zeros(len(rates), np.bool_)
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        group = order[begin:end]
        if len(set(rank[group].tolist())) == 1:
            continue
        touched[group] = True
        for row in group.tolist():
            nearer = [
                (int(starts[other]), int(ends[other]))
                for other in group.tolist()
                if rank[other] < rank[row] and (keys[other] == keys[row] or (plain[other] and not additive[row]))
            ]
            left = _without((int(starts[row]), int(ends[row])), nearer)
            rows += [row] * len(left)
            spans += left
    whole = np.flatnonzero(~touched)
    place = np.concatenate([whole, np.array(rows, np.int64)])
    begins = np.concatenate([starts[whole], np.array([span[0] for span in spans], np.int64)])
    stops = np.concatenate([ends[whole], np.array([span[1] for span in spans], np.int64)])
    return _dated(rates.take(pa.array(place)), begins, stops)


def _by_weight(rates: pa.Table) -> list[pa.Table]:
    """The rates of one tariff by weight, the heaviest first."""
    weights = sorted(pc.unique(rates["weight"]).to_pylist(), key=_units, reverse=True)
    return [rates.filter(pc.equal(rates["weight"], weight)) for weight in weights]


def _units(weight: str) -> int:
    return scaled(weight, WEIGHT_DECIMALS)


def _with_usual_weight(rates: pa.Table) -> pa.Table:
    place = rates.schema.get_field_index("weight")
    return rates.set_column(place, rates.schema.field(place), pa.array([USUAL_WEIGHT] * len(rates), pa.string()))


def _without(span: Span, others: Sequence[Span]) -> list[Span]:
    """What is left of a span without others."""
    left = [span]
    for begin, end in others:
        left = [
            piece
            for start, stop in left
            for piece in ((start, min(stop, begin)), (max(start, end), stop))
            if piece[0] < piece[1]
        ]
    return left


def _dated(rates: pa.Table, begins: np.ndarray, stops: np.ndarray) -> pa.Table:
    for name, instants, ever in (("valid_from", begins, _EVER.min), ("valid_to", stops, _EVER.max)):
        place = rates.schema.get_field_index(name)
        values = pa.array(instants, mask=instants == ever).cast(_INSTANT)
        rates = rates.set_column(place, rates.schema.field(place), values)
    return rates.combine_chunks()

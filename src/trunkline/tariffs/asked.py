"""What a tariff asks at an instant, and what a code deck holds, as columns for whole price lists at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import NotFound
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.models import CodeDeck, DestinationGroup, GroupMember, Tariff
from trunkline.tariffs.staging import copy_table

# Rates that hold for every call: no tag, no origin, no limits of the number's length, no surcharge. `is_timed`: only within a time profile.
ASKED: Final = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("steps", pa.string(), nullable=False),
        pa.field("blocked", pa.bool_(), nullable=False),
        pa.field("is_timed", pa.bool_(), nullable=False),
        pa.field("has_fee", pa.bool_(), nullable=False),
    ]
)
DECK: Final = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("destination", pa.string(), nullable=False),
        pa.field("country", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
    ]
)
_READ_ASKED: Final = """
SELECT code, steps, blocked::text, (time_profile_id IS NOT NULL)::text, (setup_fee <> 0)::text
  FROM tariffs_rate
 WHERE tenant_id = {tenant_id} AND tariff_id = {tariff_id} AND voided_at IS NULL AND tag IS NULL AND origin IS NULL AND NOT additive
   AND length_min IS NULL AND length_max IS NULL
   AND (valid_from IS NULL OR valid_from <= '{at}') AND (valid_to IS NULL OR valid_to > '{at}')
"""
_READ_DECK: Final = """
SELECT c.code, d.name, d.country, d.kind
  FROM tariffs_code c JOIN tariffs_destination d ON d.tenant_id = c.tenant_id AND d.id = c.destination_id
 WHERE c.tenant_id = {tenant_id} AND c.deck_id = {deck_id} ORDER BY c.code
"""
_READ_CODES: Final = """
SELECT DISTINCT code FROM tariffs_rate
 WHERE tenant_id = {tenant_id} AND tariff_id = {tariff_id} AND voided_at IS NULL AND special_id IS {special}
   AND (valid_to IS NULL OR valid_to > '{at}') ORDER BY code
"""
_CODES: Final = pa.schema([pa.field("code", pa.string(), nullable=False)])


def asked_rates(family: Sequence[Tariff], at: datetime) -> pa.Table:
    """The rates of `ASKED` that are in force at an instant of a tariff and its ancestors, the nearer first. Needs an open scope."""
    read = _READ_ASKED.format(tenant_id=current_tenant_id(), tariff_id="{tariff_id}", at=at.isoformat())
    return with_inherited([copy_table(read.format(tariff_id=int(each.pk)), ASKED) for each in family])


def with_inherited(lists: Sequence[pa.Table]) -> pa.Table:
    """Rates of `ASKED` of a tariff and its ancestors, the nearer first, as one list: at one code those of the nearest, and of each further one where all
    nearer ones are timed (docs/algorithms/rating.md, rule 17)."""
    found = lists[0]
    for each in lists[1:]:
        always = found["code"].filter(pc.invert(found["is_timed"]))
        found = pa.concat_tables([found, each.filter(pc.invert(pc.is_in(each["code"], always.combine_chunks())))])
    return found


def deck_table(deck: CodeDeck) -> pa.Table:
    """The codes of a deck with their destinations, of `DECK`, by code. Needs an open scope."""
    return copy_table(_READ_DECK.format(tenant_id=current_tenant_id(), deck_id=int(deck.pk)), DECK)


def codes_from(tariff: Tariff, at: datetime, *, is_special: bool) -> pa.Array:
    """The codes of which a tariff has a rate at an instant or later, each once: of special rates, or of all others. Needs an open scope."""
    special = "NOT NULL" if is_special else "NULL"
    query = _READ_CODES.format(
        tenant_id=current_tenant_id(), tariff_id=int(tariff.pk), at=at.isoformat(), special=special
    )
    return copy_table(query, _CODES)["code"].combine_chunks()


def group_members(names: Collection[str]) -> dict[str, frozenset[str]]:
    """The destinations of groups of these names, by group. Raises NotFound `not_found` for a name that no group has. Needs an open scope."""
    found: dict[str, set[str]] = {
        name: set() for name in DestinationGroup.objects.filter(name__in=names).values_list("name", flat=True)
    }
    missing = sorted(set(names) - set(found))
    if missing:
        raise NotFound("not_found", f"There is no group of destinations {missing[0]!r}.")
    members = GroupMember.objects.filter(group__name__in=names).values_list("group__name", "destination__name")
    for group, destination in members:
        found[group].add(destination)
    return {name: frozenset(members) for name, members in found.items()}

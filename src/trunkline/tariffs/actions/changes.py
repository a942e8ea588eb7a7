"""A change of a price list as one thing: rates that come, rates that end, all of it or nothing, and back again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction

from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.actions.rates import Room, insert_rates, make_room
from trunkline.tariffs.actions.revisions import bump, require_revision
from trunkline.tariffs.actions.special_rates import follow_tariff
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rate_file import STANDING
from trunkline.tariffs.staging import copy_table, stage

READ_STANDING: Final = """
SELECT r.id, r.code, d.name, r.steps, trim_scale(r.setup_fee), r.grace,
       extract(epoch FROM r.valid_from)::bigint, extract(epoch FROM r.valid_to)::bigint,
       p.name, trim_scale(r.weight), r.rounding_mode, r.rounding_decimals, trim_scale(r.max_cost), r.blocked::text,
       r.tag, r.length_min, r.length_max, r.additive::text, r.origin
  FROM tariffs_rate r
  LEFT JOIN tariffs_destination d ON d.tenant_id = r.tenant_id AND d.id = r.destination_id
  LEFT JOIN tariffs_timeprofile p ON p.tenant_id = r.tenant_id AND p.id = r.time_profile_id
 WHERE r.tenant_id = {tenant_id} AND r.tariff_id = {tariff_id} AND r.voided_at IS NULL AND r.special_id IS NULL ORDER BY r.id
"""
RESTORE: Final = """
UPDATE tariffs_rate r SET valid_to = e.valid_to, voided_at = NULL
  FROM ended_rate e WHERE r.tenant_id = %s AND r.tariff_id = %s AND r.id = e.id
"""
UNMAKE: Final = """
UPDATE tariffs_rate SET voided_at = %s
 WHERE tenant_id = %s AND tariff_id = %s AND id BETWEEN %s AND %s AND voided_at IS NULL AND special_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class RateChange:
    """What a change did. The rates that it made are those of the tariff with ids from `first_id` to `last_id`, of which there are `made`.

    `ended` is of `rates.ENDED`; `voided` counts those of them that hold never. `begins` is the first instant at which something is different; None:
    from ever, or nothing is.
    """

    revision: int
    first_id: int
    last_id: int
    made: int
    ended: pa.Table
    voided: int
    begins: datetime | None


def standing_rates(tariff: Tariff) -> pa.Table:
    """The rates of a tariff that are not voided, of `STANDING`, in the order of their ids, without those of special rates."""
    return copy_table(READ_STANDING.format(tenant_id=current_tenant_id(), tariff_id=int(tariff.pk)), STANDING)


def change_rates(
    *,
    tariff_id: int,
    rates: pa.Table,
    ends: pa.Table,
    revision: int,
    there: pa.Table | None = None,
    told: Callable[[int], object] | None = None,
    at: datetime,
) -> RateChange:
    """Bring `rates` of `LOAD_SCHEMA` into a tariff and end others (of `rates.ENDS`), in one transaction; the tariff gets a new revision.

    An equal rate that is in force when a new one begins ends there, one that begins with it or later is voided. `revision` is the one that the change was
    worked out on, `there` the rates that the tariff had then (`standing_rates`), for whoever has them: reading them is a quarter of the time. `told` hears
    how far it is, in percent. Raises NotFound `not_found`; Conflict `tariff_changed` if the tariff has another revision by now; Invalid `bad_rate_file` if new
    rates overlap, `unknown_profile`, `unknown_origin`.
    """
    with transaction.atomic():
        (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
        require_revision(tariff, revision)
        hear = told or (lambda _: None)
        hear(20)
        room = make_room(tariff, rates, ends=ends, supersede_earlier=True, there=there, at=at)
        hear(60)
        first, last = insert_rates(tariff, rates) if len(rates) else (0, 0)
        hear(90)
        has_followed = follow_tariff(tariff, at=at)
        left = bump(tariff, None if has_followed else room.touched(first or None, last or None, len(rates)))
    begins = None
    if not rates["valid_from"].null_count:
        begins = min(filter(None, (pc.min(rates["valid_from"]).as_py(), room.begins)), default=None)
    return RateChange(left, first, last, len(rates), room.ended, room.voided, begins)


def undo_change(*, tariff_id: int, change: RateChange, revision: int, at: datetime) -> int:
    """Take a change back: the rates that stood before it stand again, to the digit, and those that it made are voided. Returns the new revision.

    `revision` is the one that the change left. Raises NotFound `not_found`; Conflict `tariff_changed` if the tariff was changed since.
    """
    with transaction.atomic():
        (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
        require_revision(tariff, revision)
        with connection.cursor() as cursor:
            cursor.execute(UNMAKE, [at, current_tenant_id(), tariff.pk, change.first_id, change.last_id])
            stage(cursor, "ended_rate", "id bigint, valid_to timestamptz", change.ended)
            cursor.execute(RESTORE, [current_tenant_id(), tariff.pk])
        room = Room(change.ended, change.voided, change.begins)
        has_followed = follow_tariff(tariff, at=at)
        return bump(
            tariff, None if has_followed else room.touched(change.first_id or None, change.last_id or None, change.made)
        )

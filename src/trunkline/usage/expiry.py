"""Legs whose partner does not come: after the switch's hours they go on alone, as a file of their own that takes the walk of any other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q

from trunkline.core.ids import content_key
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.usage.actions import FINAL, profile_of, register_expiry
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.decode import get_format
from trunkline.usage.decode.raw import line_octets
from trunkline.usage.models import Batch, Switch, WaitingLeg
from trunkline.usage.process import process
from trunkline.usage.spool import spooled, write_synced

ACTOR = "system"
LEGS_AT_ONCE = 100_000  # a batch; the rest are the next one


def expire(tenant_id: int, *, now: Callable[[], datetime], is_background: bool = False) -> list[int]:
    """Let the legs of all switches that have waited too long go on alone; the ids of the batches that took them.

    `is_background`: they are only registered, for the worker. Done twice, it is as if done once: a leg leaves with one batch, and what a
    crash has cut off is taken up again.
    """
    with scope(tenant_id, ACTOR):
        switches = list(Switch.objects.filter(pk__in=WaitingLeg.objects.values("switch_id")).order_by("pk"))
    made: list[int] = []
    for switch in switches:
        while (batch_id := _register(tenant_id, switch, now)) is not None:
            made.append(batch_id)
    with scope(tenant_id, ACTOR):
        left = Batch.objects.filter(intake=Intake.LEGS).exclude(state__in=FINAL).order_by("pk")
        open_batches = list(left.values_list("pk", flat=True))
    if not is_background:
        for batch_id in open_batches:
            process(tenant_id=tenant_id, batch_id=batch_id, now=now)
    return sorted({*made, *open_batches})


def _register(tenant_id: int, switch: Switch, now: Callable[[], datetime]) -> int | None:
    """Register the legs of a switch whose time is over, those of one kind of file; None where there are none."""
    at = now()
    due = at - timedelta(hours=profile_of(switch, at).legs_wait_hours)
    with scope(tenant_id, ACTOR):
        waiting = WaitingLeg.objects.filter(switch_id=switch.pk, waits_since__lte=due).filter(
            Q(leaves_with=None) | Q(leaves_with__state=BatchState.FAILED)
        )
        rows = list(waiting.order_by("pk").values_list("pk", "batch__header", "raw")[:LEGS_AT_ONCE])
    if not rows:
        return None
    header = rows[0][1]
    legs = [(pk, raw) for pk, other, raw in rows if other == header]
    ids = [pk for pk, _ in legs]
    separator = get_format(switch.format).leg_separator
    with spooled(tenant_id, f"legs-{switch.pk}-") as path:
        write_synced(path, (line_octets(raw) + separator for _, raw in legs), header=header)
        with scope(tenant_id, ACTOR):
            batch = register_expiry(switch=switch, path=path, content_hash=content_key("legs", *ids), legs=ids, at=at)
    if batch.path != str(path):
        path.unlink()
    reached("registered")
    return None if batch.state in FINAL else batch.pk

"""Special rates: an exclusive price for a destination or a group, kept in step with the deck (docs/algorithms/special-rates.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.money import Price
from trunkline.core.period import utc_text
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.actions.revisions import bump
from trunkline.tariffs.lineage import ancestors_of
from trunkline.tariffs.models import CodeDeck, Destination, DestinationGroup, GroupMember, SpecialRate, Tariff
from trunkline.tariffs.rules import parse_steps
from trunkline.tariffs.special import (
    DECK,
    DESTINATION_WEIGHT,
    GROUP_WEIGHT,
    INSTANT,
    ORDINARY,
    WRITTEN,
    Int64s,
    begins_with,
    needed_rates,
    step,
)
from trunkline.tariffs.staging import copy_table, stage

NOTE_MAX: Final = 500

READ_DECK: Final = """
SELECT code, destination_id FROM tariffs_code WHERE tenant_id = {tenant_id} AND deck_id = {deck_id} AND code <> '' ORDER BY code
"""
# What is over before the special rate begins, or begins when it is over, is none of its business. Of ancestors only longer codes can win, whatever tag and
# origin they have; a special rate of theirs among them.
READ_ORDINARY: Final = """
SELECT DISTINCT code, CASE WHEN tariff_id = {tariff_id} THEN tag END, CASE WHEN tariff_id = {tariff_id} THEN origin END FROM tariffs_rate
 WHERE tenant_id = {tenant_id} AND tariff_id = ANY('{{{tariff_ids}}}'::bigint[]) AND voided_at IS NULL AND NOT additive AND code <> ''
   AND (special_id IS NULL OR tariff_id <> {tariff_id})
   AND (valid_to IS NULL OR valid_to > to_timestamp({begin_s})) {until}
"""
READ_WRITTEN: Final = """
SELECT id, code, tag, origin, destination_id, extract(epoch FROM valid_from)::bigint FROM tariffs_rate
 WHERE tenant_id = {tenant_id} AND tariff_id = {tariff_id} AND special_id = {special_id} AND voided_at IS NULL AND valid_to IS {until} ORDER BY id
"""
WRITE: Final = """
INSERT INTO tariffs_rate (tenant_id, tariff_id, special_id, code, tag, origin, destination_id, steps, setup_fee, grace, valid_from, valid_to, weight,
                          rounding_mode, rounding_decimals, blocked, additive)
SELECT %s, %s, %s, code, tag, origin, destination_id, %s, %s, %s, valid_from, %s, %s, 0, 8, false, false FROM special_row ORDER BY n
"""
END: Final = """
UPDATE tariffs_rate r SET valid_to = CASE WHEN r.valid_from < %(until)s THEN %(until)s ELSE r.valid_to END,
                          voided_at = CASE WHEN r.valid_from < %(until)s THEN NULL ELSE %(at)s END
 WHERE r.tenant_id = %(tenant)s AND r.tariff_id = %(tariff)s AND r.special_id = %(special)s AND r.voided_at IS NULL
   AND (r.valid_to IS NULL OR r.valid_to > %(until)s)
"""


@dataclass(frozen=True, slots=True)
class SpecialChange:
    """What making or ending a special rate did: its rates that were written or ended, and the revision that the tariff has now.

    `begins` is the first instant at which something costs something else; None: nothing does.
    """

    special: SpecialRate
    rates: int
    revision: int
    begins: datetime | None


def create_special_rate(
    *,
    tariff_id: int,
    deck_id: int,
    destination_id: int | None = None,
    group_id: int | None = None,
    steps: str,
    setup_fee: Price | None = None,
    grace: int = 0,
    valid_from: datetime,
    valid_to: datetime | None = None,
    note: str = "",
    at: datetime,
) -> SpecialChange:
    """Give a destination or a group an exclusive price in a tariff. An earlier one of the same destination or group ends where this begins.

    Raises NotFound `not_found`; Invalid `bad_steps` and the like, `bad_validity`, `one_target`, `no_codes` if the deck has none for it; Conflict
    `special_rate_exists` if the same has one that begins then or later, `special_rates_overlap` if another group with a destination of this one has one.
    """
    said = ";".join(map(str, parse_steps(steps)))
    valid_from = valid_from.replace(microsecond=0)
    _require_order(valid_from, valid_to)
    if (destination_id is None) == (group_id is None):
        raise Invalid("one_target", "A special rate is for a destination, or for a group.", hint="Name one of the two.")
    if grace < 0:
        raise Invalid("bad_number", "The grace is not below zero.")
    with transaction.atomic():
        # In the order in which whoever changes a deck or a group comes to the tariffs: none is made meanwhile that would not follow.
        (deck,) = lock_rows(CodeDeck.objects.all(), [deck_id])
        group = None if group_id is None else lock_rows(DestinationGroup.objects.all(), [group_id])[0]
        (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
        special = SpecialRate(
            tariff=tariff,
            deck=deck,
            destination=_destination(destination_id),
            group=group,
            steps=said,
            setup_fee=setup_fee or Price(0),
            grace=grace,
            valid_from=valid_from,
            valid_to=valid_to,
            note=note.strip()[:NOTE_MAX],
            created_at=at,
        )
        _make_room(special, at)
        special.save(force_insert=True)
        written = _bring_in_step(special, at=at, from_start=True)
        if not written:
            raise Invalid(
                "no_codes",
                f"The deck {special.deck} has no codes for {special.destination or special.group}.",
                hint="Name its codes in the deck first, or choose another deck.",
            )
        revision = bump(tariff)
    return SpecialChange(special, written, revision, valid_from)


def end_special_rate(*, special_id: int, valid_to: datetime, at: datetime) -> SpecialChange:
    """Let a special rate end: the tariff's other rates hold again from then on. Ended when it begins or before, it holds never.

    Raises NotFound `not_found`, Conflict `special_rate_over` if it ends by then already.
    """
    with transaction.atomic():
        # The tariff is locked first, as by whoever brings its special rates in step.
        known = SpecialRate.objects.filter(pk=special_id).first()
        if known is None:
            raise NotFound("not_found", "special rate not found.")
        (tariff,) = lock_rows(Tariff.objects.all(), [known.tariff_id])
        (special,) = lock_rows(SpecialRate.objects.all(), [special_id])
        until = max(valid_to.replace(microsecond=0), special.valid_from)
        if special.valid_to is not None and special.valid_to <= until:
            raise Conflict(
                "special_rate_over",
                "The special rate ends by then already.",
                hint=f"It ends {utc_text(special.valid_to)}.",
            )
        ended = _end(special, until, at)
        revision = bump(tariff)
    return SpecialChange(special, ended, revision, until)


def follow_tariff(tariff: Tariff, *, at: datetime) -> int:
    """After a change of the ordinary rates of a locked tariff: special rates for the codes and tags that came. The caller gives it its new revision.

    They begin where the shorter code does by which the numbers of these codes had its price before. Returns how many were written.
    """
    return sum(_bring_in_step(special, at=at, from_start=True) for special in _alive(at).filter(tariff=tariff))


def follow_parents(*, at: datetime) -> list[Tariff]:
    """After changes of parents: special rates of their heirs for the longer codes that came there. Returns the tariffs that have a new revision."""
    ids = _alive(at).filter(tariff__parent__isnull=False).values_list("tariff_id", flat=True)
    changed = []
    for tariff in lock_rows(Tariff.objects.all(), sorted(set(ids))):
        if follow_tariff(tariff, at=at):
            bump(tariff)
            changed.append(tariff)
    return changed


def follow_specials(*, deck_id: int | None = None, group_id: int | None = None, at: datetime) -> list[Tariff]:
    """After a change of a deck or a group: its special rates for the codes that it has now, from `at` on, and the end of those for codes that it lost.

    Returns the tariffs that have a new revision.
    """
    wanted = _alive(at).filter(deck_id=deck_id) if deck_id is not None else _alive(at).filter(group_id=group_id)
    ids = sorted(set(wanted.values_list("tariff_id", flat=True)))
    changed = []
    for tariff in lock_rows(Tariff.objects.all(), ids) if ids else ():
        if sum(_bring_in_step(special, at=at, from_start=False) for special in wanted.filter(tariff=tariff)):
            bump(tariff)
            changed.append(tariff)
    return changed


def _alive(at: datetime) -> QuerySet[SpecialRate]:
    """The special rates that hold at an instant, or will."""
    lasts = Q(valid_to__isnull=True) | (Q(valid_to__gt=at) & Q(valid_to__gt=F("valid_from")))
    return SpecialRate.objects.filter(lasts).order_by("pk")


def _bring_in_step(special: SpecialRate, *, at: datetime, from_start: bool) -> int:
    """Write the rates of a special rate that are missing, and end those that are too many; how many it was.

    `from_start`: the missing ones begin where their numbers came under the special rate, and none is ended.
    """
    tenant_id, tariff_id = current_tenant_id(), int(special.tariff_id)
    deck = copy_table(READ_DECK.format(tenant_id=tenant_id, deck_id=int(special.deck_id)), DECK)
    until = "NULL" if special.valid_to is None else f"NOT DISTINCT FROM to_timestamp({_seconds(special.valid_to)})"
    begins_before = "" if special.valid_to is None else (
        f"AND (valid_from IS NULL OR valid_from < to_timestamp({_seconds(special.valid_to)}))"
    )  # fmt: skip
    ordinary = copy_table(
        READ_ORDINARY.format(
            tenant_id=tenant_id,
            tariff_id=tariff_id,
            tariff_ids=_with_ancestors(special.tariff),
            begin_s=_seconds(special.valid_from),
            until=begins_before,
        ),
        ORDINARY,
    )
    written = copy_table(
        READ_WRITTEN.format(tenant_id=tenant_id, tariff_id=tariff_id, special_id=int(special.pk), until=until), WRITTEN
    )
    found = step(needed_rates(deck, ordinary, written, _destinations(special)), written)
    begins = special.valid_from if from_start else max(special.valid_from, at.replace(microsecond=0))
    done = 0
    with connection.cursor() as cursor:
        if not from_start and len(found.surplus):
            done += _end(special, begins, at, ids=written["id"].to_numpy()[found.surplus])
        if len(found.missing) and (special.valid_to is None or begins < special.valid_to):
            since = pa.scalar(begins.astimezone(UTC), INSTANT)
            starts = begins_with(found.missing, written) if from_start else pa.nulls(len(found.missing), INSTANT)
            rows = found.missing.append_column("valid_from", pc.coalesce(starts, since))
            columns = "code text, tag text, origin text, destination_id bigint, valid_from timestamptz"
            stage(cursor, "special_row", columns, rows)
            weight = DESTINATION_WEIGHT if special.group_id is None else GROUP_WEIGHT
            cursor.execute(
                WRITE,
                [
                    tenant_id,
                    tariff_id,
                    special.pk,
                    special.steps,
                    str(special.setup_fee),
                    special.grace,
                    special.valid_to,
                    weight,
                ],
            )
            done += len(found.missing)
    return done


def _end(special: SpecialRate, until: datetime, at: datetime, ids: Int64s | None = None) -> int:
    """End the rates of a special rate, all of them with itself, or those of some ids."""
    given: dict[str, Any] = {
        "until": until,
        "at": at,
        "tenant": current_tenant_id(),
        "tariff": special.tariff_id,
        "special": special.pk,
    }
    query = END
    if ids is None:
        special.valid_to = until
        special.save(update_fields=["valid_to"])
    else:
        query += " AND r.id = ANY(%(ids)s)"
        given["ids"] = np.asarray(ids).tolist()
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        return int(cursor.rowcount)


def _make_room(special: SpecialRate, at: datetime) -> None:
    """End the earlier special rate of the same destination or group. Raises Conflict."""
    until = special.valid_to
    meets = Q(valid_to__isnull=True) | (Q(valid_to__gt=special.valid_from) & Q(valid_to__gt=F("valid_from")))
    if until is not None:
        meets &= Q(valid_from__lt=until)
    others = SpecialRate.objects.filter(meets, tariff_id=special.tariff_id)
    same = others.filter(destination=special.destination, group=special.group)
    for each in same.order_by("pk"):
        if each.valid_from >= special.valid_from:
            raise Conflict(
                "special_rate_exists",
                f"There is a special rate for {special.destination or special.group} from {utc_text(each.valid_from)} on.",
                hint="End it first.",
            )
        _end(each, special.valid_from, at)
    if special.group_id is None:
        return
    members = GroupMember.objects.filter(group_id=special.group_id).values("destination_id")
    shared = GroupMember.objects.filter(destination_id__in=members).exclude(group_id=special.group_id)
    clash = others.filter(group_id__in=shared.values("group_id")).select_related("group").first()
    if clash is not None:
        raise Conflict(
            "special_rates_overlap",
            f"{clash.group} has a special rate at the same time, and a destination of {special.group}.",
            hint="End that one, or name the destination by itself: its own special rate goes before those of groups.",
        )


def _with_ancestors(tariff: Tariff) -> str:
    return ",".join(str(int(each.pk)) for each in (tariff, *ancestors_of([tariff])[tariff.pk]))


def _destinations(special: SpecialRate) -> set[int]:
    if special.destination_id is not None:
        return {int(special.destination_id)}
    return set(GroupMember.objects.filter(group_id=special.group_id).values_list("destination_id", flat=True))


def _destination(destination_id: int | None) -> Destination | None:
    if destination_id is None:
        return None
    found = Destination.objects.filter(pk=destination_id).first()
    if found is None:
        raise NotFound("not_found", "destination not found.")
    return found


def _require_order(valid_from: datetime, valid_to: datetime | None) -> None:
    if valid_to is not None and valid_to <= valid_from:
        raise Invalid(
            "bad_validity", "A special rate ends after it begins.", hint="Leave the end out, or set it later."
        )


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())

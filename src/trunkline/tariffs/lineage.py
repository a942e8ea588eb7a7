"""Who takes over whose rates: ancestors and descendants of tariffs (docs/algorithms/rating.md, rule 17). Needs an open scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet

from trunkline.core.errors import Conflict, Invalid
from trunkline.engine.parents import CHAIN_MAX
from trunkline.kit.db.locks import lock_name
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.choices import Side
from trunkline.tariffs.models import AccountTariff, Tariff


def lock_parents() -> None:
    """Let no other transaction of the tenant change who takes over whose rates, or the clock of such a tariff, until this one ends.

    Taken after the locks of rows, so that two of them cannot wait for each other.
    """
    lock_name("tariffs_parents", current_tenant_id())


def ancestors_of(tariffs: Iterable[Tariff]) -> dict[int, tuple[Tariff, ...]]:
    """The ancestors of each tariff by its id, the nearer first. One query a generation, none where nobody has a parent."""
    asked = list(tariffs)
    known = {each.pk: each for each in asked}
    while missing := {each.parent_id for each in known.values() if each.parent_id is not None} - known.keys():
        known |= {each.pk: each for each in Tariff.objects.filter(pk__in=missing)}
    return {each.pk: ancestors_among(each, known) for each in asked}


def ancestors_among(tariff: Tariff, known: Mapping[int, Tariff]) -> tuple[Tariff, ...]:
    """The ancestors of a tariff, the nearer first; all of them are `known` by their ids."""
    found: list[Tariff] = []
    parent_id = tariff.parent_id
    while parent_id is not None:
        found.append(known[parent_id])
        parent_id = found[-1].parent_id
    return tuple(found)


def generations_below(tariff_id: int) -> list[set[int]]:
    """The ids of the tariffs that take over the rates of one, its children first, then theirs; one query a generation."""
    found: list[set[int]] = []
    newest = {tariff_id}
    while newest:
        newest = set(Tariff.objects.filter(parent_id__in=newest).values_list("pk", flat=True))
        if newest:
            found.append(newest)
    return found


def heirs_of(tariff_id: int) -> set[int]:
    """The ids of a tariff and of all its descendants: what a rate of it may price."""
    return {tariff_id}.union(*generations_below(tariff_id))


@dataclass(frozen=True, slots=True)
class Inherited:
    """How many codes a tariff has from an ancestor, because no nearer one has them. `is_more`: there are more, not counted."""

    tariff: Tariff
    codes: int
    is_more: bool = False


_INHERITED: Final = """
SELECT count(*) FROM (
  SELECT DISTINCT r.code FROM tariffs_rate r
   WHERE r.tenant_id = %s AND r.tariff_id = %s AND r.voided_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM tariffs_rate n
                      WHERE n.tenant_id = r.tenant_id AND n.tariff_id = ANY(%s) AND n.code = r.code AND n.voided_at IS NULL)
   LIMIT %s) codes
"""


def inherited(tariff: Tariff, *, most: int = 10**9) -> list[Inherited]:
    """The ancestors of a tariff, the nearer first, with the codes that it has from each; no more than `most` are counted of one."""
    found: list[Inherited] = []
    nearer = [tariff.pk]
    for each in ancestors_of([tariff])[tariff.pk]:
        with connection.cursor() as cursor:
            cursor.execute(_INHERITED, [current_tenant_id(), each.pk, nearer, most + 1])
            (count,) = cursor.fetchone()
        found.append(Inherited(each, min(count, most), count > most))
        nearer.append(each.pk)
    return found


def children_of(tariff: Tariff) -> QuerySet[Tariff]:
    """The tariffs that take over the rates of one, by name."""
    return Tariff.objects.filter(parent=tariff).order_by("name")


def require_parent(tariff: Tariff, parent: Tariff) -> None:
    """Whether a tariff may take over the rates of another; the caller holds `lock_parents`.

    Raises Invalid `parent_differs`, `parent_cycle`, `too_many_parents`; Conflict `parent_of_bought`.
    """
    for fact in ("currency", "unit", "timezone"):
        if getattr(parent, fact) != getattr(tariff, fact):
            raise Invalid(
                "parent_differs",
                f"{parent.name} has the {fact} {getattr(parent, fact)}, {tariff.name} {getattr(tariff, fact)}.",
                hint="Currency, unit and time zone of a parent are those of the tariff.",
            )
    above = (parent, *ancestors_of([parent])[parent.pk])
    below: Sequence[set[int]] = []
    if tariff.pk is not None:
        if tariff.pk in {each.pk for each in above}:
            raise Invalid("parent_cycle", f"{parent.name} takes over the rates of {tariff.name} already.")
        below = generations_below(tariff.pk)
    if len(above) + 1 + len(below) > CHAIN_MAX:
        raise Invalid("too_many_parents", f"A tariff has at most {CHAIN_MAX - 1} ancestors one above the other.")
    if tariff.pk is not None and is_bought({tariff.pk}):
        raise Conflict(
            "parent_of_bought",
            f"{tariff.name} is what a vendor charges us; only tariffs that are sold have a parent.",
            hint="Make another tariff to sell by.",
        )


def is_bought(tariff_ids: Iterable[int]) -> bool:
    """Whether one of the tariffs stands in a list of what vendors charge us, at any time."""
    return AccountTariff.objects.filter(tariff_id__in=tariff_ids, side=Side.BUY).exists()


def family_of(tariff: Tariff) -> Q:
    """The tariffs that must have the currency, unit and clock of this one: its parent and its children."""
    return Q(parent=tariff) | Q(pk=tariff.parent_id)

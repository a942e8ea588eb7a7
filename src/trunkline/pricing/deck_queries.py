"""Reads of code decks, their changes, destination groups and special rates. All run inside an open scope."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Count, QuerySet

from trunkline.core.errors import Invalid, NotFound
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.models import find_public
from trunkline.pricing import files
from trunkline.pricing.deck_compare import DECK_CODES, CodeKind
from trunkline.pricing.models import DeckChange
from trunkline.tariffs.choices import DestinationKind
from trunkline.tariffs.models import (
    Code,
    CodeDeck,
    Destination,
    DestinationGroup,
    GroupMember,
    Rate,
    SpecialRate,
    Tariff,
)
from trunkline.tariffs.queries import get_code_deck
from trunkline.tariffs.staging import copy_table

READ_CODES: Final = """
SELECT c.code, d.name FROM tariffs_code c JOIN tariffs_destination d ON d.tenant_id = c.tenant_id AND d.id = c.destination_id
 WHERE c.tenant_id = {tenant_id} AND c.deck_id = {deck_id} ORDER BY c.code
"""
# The European Economic Area: the European Union with Iceland, Liechtenstein and Norway (regulation (EU) 2022/612 holds there).
EEA: Final = (
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI",
    "ES", "SE", "IS", "LI", "NO",
)  # fmt: skip
# What is looked at first.
ORDER: Final = (
    CodeKind.CONTRADICTED, CodeKind.MOVED, CodeKind.RENAMED, CodeKind.RESPELLED, CodeKind.NEW, CodeKind.SAME,
)  # fmt: skip


def get_deck(name: str = "") -> CodeDeck:
    """The deck of that name; without a name the default one, or the only one. Raises NotFound `deck_not_found`, Invalid `deck_needed`."""
    if name:
        return get_code_deck(name)
    found = default_deck()
    if found is None:
        raise Invalid("deck_needed", "Say which code deck.", hint="Or choose a default one: `trunkline deck set`.")
    return found


def access_deck(deck_id: int) -> CodeDeck:
    """The deck of that id. Raises NotFound `deck_not_found`."""
    found = CodeDeck.objects.filter(pk=deck_id).first()
    if found is None:
        raise NotFound("deck_not_found", "There is no such code deck.")
    return found


def default_deck() -> CodeDeck | None:
    """The deck that sheets of names are matched to: the one that was chosen, or the only one there is."""
    found = CodeDeck.objects.filter(is_default=True).first()
    if found is None:
        two = list(CodeDeck.objects.all()[:2])
        found = two[0] if len(two) == 1 else None
    return found


def codes_of_deck(deck: CodeDeck) -> pa.Table:
    """The codes of a deck with their names, of `DECK_CODES`, by code."""
    return copy_table(READ_CODES.format(tenant_id=current_tenant_id(), deck_id=int(deck.pk)), DECK_CODES)


def codes(deck: CodeDeck) -> QuerySet[Code]:
    """The codes of a deck, by code."""
    return Code.objects.filter(deck=deck).select_related("destination").order_by("code")


def all_codes() -> QuerySet[Code]:
    """The codes of every deck."""
    return Code.objects.select_related("destination")


def code_counts(deck_ids: list[int]) -> dict[int, int]:
    """How many codes each of the decks has, by its id."""
    rows = Code.objects.filter(deck_id__in=deck_ids).values("deck_id").annotate(count=Count("id"))
    return {row["deck_id"]: row["count"] for row in rows}


def deck_changes(deck: CodeDeck | None = None) -> QuerySet[DeckChange]:
    """Changes of decks, the latest first; those of one."""
    found = DeckChange.objects.select_related("deck").order_by("-created_at", "-pk")
    return found if deck is None else found.filter(deck=deck)


def access_deck_change(public_id: str) -> DeckChange:
    """The change of that id. Raises NotFound `deck_change_not_found`."""
    found = find_public(deck_changes(), public_id)
    if found is None:
        raise NotFound("deck_change_not_found", "There is no such change of a code deck.")
    return found


def compared_rows(
    change: DeckChange, *, kind: str = "", code: str = "", limit: int, offset: int = 0
) -> list[dict[str, Any]]:
    """Lines of a change as they were compared: those of a kind first that need a person. Raises Invalid `unknown_kind`."""
    path = files.find_deck_folder(current_tenant_id(), change.public_id) / files.CODES
    if not path.exists():  # made by hand
        return []
    lines = files.read_table(path)
    kinds = lines["kind"].to_numpy()
    wanted = np.ones(len(lines), np.bool_)
    if kind:
        if kind.upper() not in CodeKind.__members__:
            names = ", ".join(each.name.lower() for each in CodeKind)
            raise Invalid("unknown_kind", f"There is no kind {kind[:40]!r}.", hint=f"Use {names}.")
        wanted &= kinds == CodeKind[kind.upper()]
    if code:
        wanted &= np.asarray(pc.starts_with(lines["code"].combine_chunks(), code).to_numpy(zero_copy_only=False))
    rank = np.array([ORDER.index(each) for each in CodeKind], np.int8)
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(rank[kinds[rows]], kind="stable")][offset : offset + limit]
    found: list[dict[str, Any]] = lines.take(pa.array(rows)).to_pylist()
    return [row | {"kind": CodeKind(row["kind"]).name.lower()} for row in found]


def unreadable_rows(change: DeckChange, *, limit: int) -> list[dict[str, Any]]:
    """Rows of a file of codes that gave no line, each with its reason."""
    path = files.find_deck_folder(current_tenant_id(), change.public_id) / files.ERRORS
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = files.read_table(path).slice(0, limit).to_pylist()
    return rows


def destination_groups() -> QuerySet[DestinationGroup]:
    """Every group of destinations, by name."""
    return DestinationGroup.objects.order_by("name")


def get_group(name: str) -> DestinationGroup:
    """The group of that name. Raises NotFound `group_not_found`."""
    found = DestinationGroup.objects.filter(name=name).first()
    if found is None:
        raise NotFound(
            "group_not_found", f"There is no destination group {name!r}.", hint="`trunkline destination-group list`."
        )
    return found


def access_group(group_id: int) -> DestinationGroup:
    """The group of that id. Raises NotFound `group_not_found`."""
    found = DestinationGroup.objects.filter(pk=group_id).first()
    if found is None:
        raise NotFound("group_not_found", "There is no such destination group.")
    return found


def group_destinations(group: DestinationGroup) -> QuerySet[Destination]:
    """The destinations of a group, by name."""
    members = GroupMember.objects.filter(group=group).values("destination_id")
    return Destination.objects.filter(pk__in=members).order_by("name")


def member_counts(group_ids: list[int]) -> dict[int, int]:
    """How many destinations each of the groups has, by its id."""
    rows = GroupMember.objects.filter(group_id__in=group_ids).values("group_id").annotate(count=Count("id"))
    return {row["group_id"]: row["count"] for row in rows}


def destinations_in(countries: list[str], kinds: list[str]) -> set[int]:
    """The ids of the destinations in these countries, of these kinds if any are named; `EEA` stands for all countries of it.

    Raises Invalid `unknown_country`, `unknown_kind`.
    """
    wanted = {code for each in countries for code in (EEA if each.upper() == "EEA" else (each.upper(),))}
    for code in wanted:
        if len(code) != 2 or not code.isalpha():
            raise Invalid("unknown_country", f"{code[:40]!r} is no country.", hint="Write its ISO code, as DE, or EEA.")
    for kind in kinds:
        if kind not in DestinationKind.values:
            raise Invalid(
                "unknown_kind", f"There is no kind {kind[:40]!r}.", hint=f"Use {', '.join(DestinationKind.values)}."
            )
    found = Destination.objects.filter(country__in=wanted)
    return set((found.filter(kind__in=kinds) if kinds else found).values_list("pk", flat=True))


def destinations_named(names: list[str]) -> dict[str, int]:
    """The ids of destinations by name. Raises NotFound `destination_not_found` for one that is not there."""
    found = dict(Destination.objects.filter(name__in=names).values_list("name", "pk"))
    missing = [name for name in names if name not in found]
    if missing:
        raise NotFound("destination_not_found", f"There is no destination {missing[0]!r}.")
    return found


def special_rates(tariff: Tariff | None = None) -> QuerySet[SpecialRate]:
    """Special rates with what they are for, by tariff and beginning; those of one tariff."""
    found = SpecialRate.objects.select_related("tariff", "deck", "destination", "group")
    found = found.order_by("tariff__name", "-valid_from", "-pk")
    return found if tariff is None else found.filter(tariff=tariff)


def access_special_rate(public_id: str) -> SpecialRate:
    """The special rate of that public id. Raises NotFound `special_rate_not_found`."""
    found = find_public(special_rates(), public_id)
    if found is None:
        raise NotFound("special_rate_not_found", "There is no such special rate.")
    return found


def special_codes(tariff: Tariff) -> list[tuple[str, int, int]]:
    """The codes for which special rates of a tariff hold, each with its beginning and its end in seconds since 1970."""
    rows = Rate.objects.filter(tariff=tariff, special__isnull=False, voided_at__isnull=True)
    return [
        (code, int(begin.timestamp()), 2**62 if end is None else int(end.timestamp()))
        for code, begin, end in rows.values_list("code", "valid_from", "valid_to")
        if begin is not None
    ]


def rates_of_special(special: SpecialRate) -> QuerySet[Rate]:
    """The rates that a special rate has written and that are not voided, by code."""
    found = Rate.objects.filter(special=special, voided_at__isnull=True).select_related("destination")
    return found.order_by("code", "id")

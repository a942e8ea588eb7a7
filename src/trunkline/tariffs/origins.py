"""Origin decks: the code decks by which tariffs tell where callers are (docs/algorithms/rating.md, rule 18)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from trunkline.kit.db.kept import fetch
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.lineage import ancestors_of
from trunkline.tariffs.models import Code, Tariff

_CODES: Final = """
SELECT c.deck_id, c.code, d.name
  FROM tariffs_code c JOIN tariffs_destination d ON d.tenant_id = c.tenant_id AND d.id = c.destination_id
 WHERE c.tenant_id = %s AND c.deck_id = ANY((SELECT %s::bigint[])::bigint[]) AND c.code <> ''
"""
_OF_CALLER: Final = f"{_CODES} AND c.code = ANY((SELECT %s::text[])::text[])"


def origin_codes(deck_ids: Collection[int], codes: Sequence[str] | None = None) -> dict[int, dict[str, str]]:
    """The codes of decks with the origins that they have there, by the id of the deck; of `codes` only those. Needs an open scope."""
    found: dict[int, dict[str, str]] = {deck: {} for deck in deck_ids}
    decks = list(found)
    rows = (
        fetch(_CODES, [current_tenant_id(), decks])
        if codes is None
        else fetch(_OF_CALLER, [current_tenant_id(), decks, list(codes)])
    )
    for deck, code, name in rows:
        found[deck][code] = name
    return found


def asked_deck(family: Sequence[Tariff]) -> int | None:
    """The origin deck that a tariff, the first of `family`, asks where callers are: its own, else that of the nearest ancestor that has one."""
    return next((each.origin_deck_id for each in family if each.origin_deck_id is not None), None)


def origins_of(tariff: Tariff) -> set[str]:
    """The names of the origins that rates of a tariff may name; none without an origin deck."""
    deck = asked_deck((tariff, *ancestors_of([tariff])[tariff.pk]))
    if deck is None:
        return set()
    named = Code.objects.filter(deck_id=deck).exclude(code="")
    return set(named.values_list("destination__name", flat=True).distinct())

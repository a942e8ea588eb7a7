"""What rates and origin decks owe each other."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.core.errors import Conflict
from trunkline.kit.db.locks import lock_rows
from trunkline.tariffs.actions.revisions import bump
from trunkline.tariffs.models import CodeDeck, Rate, Tariff
from trunkline.tariffs.origins import origins_of
from trunkline.tariffs.rate_file import unknown_origin

SHOWN_MISSING = 5


def require_origins(tariff: Tariff, names: Iterable[str]) -> None:
    """Raises Invalid `unknown_origin` if the origin deck of a tariff has not all of these names."""
    wanted = set(names)
    if not wanted:
        return
    known = origins_of(tariff)
    for name in sorted(wanted - known):
        raise unknown_origin(name, known)


def set_origin_deck(tariff: Tariff, deck: CodeDeck | None) -> None:
    """Give a locked tariff an origin deck, or none. Raises Conflict `origin_in_use` if rates name origins that it then has not."""
    tariff.origin_deck = deck
    used = Rate.objects.filter(tariff=tariff, voided_at=None, origin__isnull=False)
    named = {name for name in used.values_list("origin", flat=True).distinct() if name is not None}
    missing = sorted(named - origins_of(tariff))
    if missing:
        shown = ", ".join(missing[:SHOWN_MISSING]) + (" and more" if len(missing) > SHOWN_MISSING else "")
        raise Conflict(
            "origin_in_use",
            f"Rates of {tariff.name} are for callers from {shown}, which {deck.name if deck else 'no deck'} has not.",
            hint="Load those names into the deck first, or void the rates.",
        )


def bump_by_deck(deck: CodeDeck) -> list[Tariff]:
    """Give the tariffs that ask a deck where callers are a new revision, as whatever changes its codes must; those tariffs."""
    using = Tariff.objects.filter(origin_deck=deck).values_list("pk", flat=True)
    changed = lock_rows(Tariff.objects.all(), using)
    for tariff in changed:
        bump(tariff)
    return list(changed)

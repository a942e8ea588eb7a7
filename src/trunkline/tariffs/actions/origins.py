"""What rates and origin decks owe each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from trunkline.core.errors import Conflict, NotFound
from trunkline.kit.db.locks import lock_rows
from trunkline.tariffs.actions.destinations import destination_ids
from trunkline.tariffs.actions.revisions import NO_RATES, bump, require_revision
from trunkline.tariffs.models import Code, CodeDeck, Rate, Tariff
from trunkline.tariffs.origins import origin_codes, origins_of
from trunkline.tariffs.rate_file import unknown_origin

SHOWN_MISSING = 5
DECK_NAME_MAX = 120


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
        bump(tariff, NO_RATES)
    return list(changed)


@dataclass(frozen=True, slots=True)
class OriginChange:
    """What a change of origins did: the revision that it left, and the codes that changed with the origin they had before, None for none."""

    revision: int
    deck: CodeDeck | None
    before: Mapping[str, str | None]
    is_deck_new: bool


def set_origins(*, tariff_id: int, origins: Mapping[str, Sequence[str]], revision: int, at: datetime) -> OriginChange:
    """Let the origin deck of a tariff have exactly these codes of these origins; others stay. A tariff without a deck gets one.

    `revision` is the one that the change was worked out on. Raises NotFound `not_found`; Conflict `tariff_changed`.
    """
    with transaction.atomic():
        deck, tariff, is_new = _locked(tariff_id, revision)
        wanted = {code: name for name, codes in origins.items() for code in codes}
        there = origin_codes([deck.pk])[deck.pk]
        left_out = {code: None for code, name in there.items() if name in origins and code not in wanted}
        changed = {code: name for code, name in {**left_out, **wanted}.items() if there.get(code) != name}
        before = {code: there.get(code) for code in changed}
        left = _write(tariff, deck, changed, has_changed=bool(changed) or is_new)
    return OriginChange(left, deck, before, is_new)


def undo_origins(*, tariff_id: int, change: OriginChange, revision: int, at: datetime) -> int:
    """Take a change of origins back; returns the new revision. Raises NotFound `not_found`; Conflict `tariff_changed`."""
    with transaction.atomic():
        deck, tariff, _ = _locked(tariff_id, revision)
        if change.is_deck_new:
            tariff.origin_deck = None
            tariff.save(update_fields=["origin_deck"])
            bump(tariff, NO_RATES)
        return _write(tariff, deck, change.before, has_changed=bool(change.before))


def _locked(tariff_id: int, revision: int) -> tuple[CodeDeck, Tariff, bool]:
    """The origin deck of a tariff, made where it has none, and the tariff, both locked in the order that all writers of decks keep."""
    named = Tariff.objects.filter(pk=tariff_id).values_list("name", "origin_deck").first()
    if named is None:
        raise NotFound("not_found", "tariff not found.")
    name, deck_id = named
    is_new = deck_id is None
    deck = _new_deck(f"Origins of {name}"[:DECK_NAME_MAX]) if deck_id is None else CodeDeck(pk=deck_id)
    (deck,) = lock_rows(CodeDeck.objects.all(), [deck.pk])
    (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
    require_revision(tariff, revision)
    if is_new:
        tariff.origin_deck = deck
        tariff.save(update_fields=["origin_deck"])
    return deck, tariff, is_new


def _new_deck(name: str) -> CodeDeck:
    taken = set(CodeDeck.objects.filter(name__startswith=name).values_list("name", flat=True))
    number = next(each for each in range(1, len(taken) + 2) if _numbered(name, each) not in taken)
    return CodeDeck.objects.create(name=_numbered(name, number))


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name[: DECK_NAME_MAX - 5]} {number}"


def _write(tariff: Tariff, deck: CodeDeck, codes: Mapping[str, str | None], *, has_changed: bool) -> int:
    """Give codes of a locked deck their origins, None: none any more; the revision of the tariff then."""
    first: dict[str, str] = {}
    for code, name in codes.items():
        if name is not None:
            first.setdefault(name, code)
    ids = destination_ids(first) if first else {}
    Code.objects.filter(deck=deck, code__in=[code for code, name in codes.items() if name is None]).delete()
    Code.objects.bulk_create(
        [Code(deck=deck, code=code, destination_id=ids[name]) for code, name in codes.items() if name is not None],
        batch_size=5000,
        update_conflicts=True,
        unique_fields=["tenant", "deck", "code"],
        update_fields=["destination"],
    )
    if has_changed:
        bump_by_deck(deck)
    return Tariff.objects.values_list("revision", flat=True).get(pk=tariff.pk)

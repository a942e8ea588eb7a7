"""What rates and origin decks owe each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from django.db import transaction

from trunkline.core.errors import Conflict, NotFound
from trunkline.kit.db.locks import lock_rows
from trunkline.tariffs.actions.destinations import destination_ids
from trunkline.tariffs.actions.revisions import NO_RATES, bump, require_revision
from trunkline.tariffs.lineage import ancestors_of, heirs_of
from trunkline.tariffs.models import Code, CodeDeck, Rate, Tariff
from trunkline.tariffs.origins import asked_deck, origin_codes, origins_of
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


def require_known_origins(tariff: Tariff) -> None:
    """After the origin deck or the parent of a tariff was changed: whether it and its heirs know the origins that their rates name, inherited ones
    among them.

    Raises Conflict `origin_in_use`.
    """
    heirs = list(Tariff.objects.filter(pk__in=heirs_of(tariff.pk)).order_by("name"))
    above = ancestors_of(heirs)
    families = [(heir, *above[heir.pk]) for heir in heirs]
    standing = Rate.objects.filter(
        tariff__in={each.pk for family in families for each in family}, voided_at=None, origin__isnull=False
    )
    named: dict[int, set[str]] = {}
    for tariff_id, origin in standing.values_list("tariff_id", "origin").distinct():
        named.setdefault(tariff_id, set()).add(str(origin))
    for family in families if named else ():
        known = origins_of(family[0])
        for each in family:
            missing = sorted(named.get(each.pk, set()) - known)
            if missing:
                _refuse(family, each, missing)


def _refuse(family: Sequence[Tariff], whose: Tariff, missing: Sequence[str]) -> NoReturn:
    deck_id = asked_deck(family)
    deck = "no deck" if deck_id is None else CodeDeck.objects.values_list("name", flat=True).get(pk=deck_id)
    shown = ", ".join(missing[:SHOWN_MISSING]) + (" and more" if len(missing) > SHOWN_MISSING else "")
    of = "" if whose.pk == family[0].pk else f", which {family[0].name} takes over,"
    raise Conflict(
        "origin_in_use",
        f"Rates of {whose.name}{of} are for callers from {shown}, which {deck} has not.",
        hint="Load those names into the deck first, or void the rates.",
    )


def bump_by_deck(deck_id: int) -> None:
    """Give the tariffs that ask a deck where callers are a new revision, as whatever changes its codes must."""
    using = Tariff.objects.filter(origin_deck=deck_id).values_list("pk", flat=True)
    for tariff in lock_rows(Tariff.objects.all(), using):
        bump(tariff, NO_RATES)


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
        _begin_with_that_of_parent(tariff, deck)
        tariff.origin_deck = deck
        tariff.save(update_fields=["origin_deck"])
    return deck, tariff, is_new


def _begin_with_that_of_parent(tariff: Tariff, deck: CodeDeck) -> None:
    """Inherited rates go on telling callers as they did."""
    inherited = asked_deck(ancestors_of([tariff])[tariff.pk])
    if inherited is not None:
        codes = Code.objects.filter(deck=inherited).values_list("code", "destination_id")
        Code.objects.bulk_create(
            [Code(deck=deck, code=code, destination_id=named) for code, named in codes], batch_size=5000
        )


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
        bump_by_deck(deck.pk)
    return Tariff.objects.values_list("revision", flat=True).get(pk=tariff.pk)

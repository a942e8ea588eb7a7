"""Writes of code decks and destination groups. Special rates follow in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import pyarrow as pa
from django.db import IntegrityError, connection, transaction

from trunkline.core.codes import CODE_DIGITS_MAX
from trunkline.core.e164 import is_digits
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.actions.destinations import destination_ids
from trunkline.tariffs.actions.names import name_text
from trunkline.tariffs.actions.origins import bump_by_deck, require_known_origins
from trunkline.tariffs.actions.special_rates import follow_specials
from trunkline.tariffs.models import Code, CodeDeck, Destination, DestinationGroup, GroupMember, Tariff
from trunkline.tariffs.staging import stage

NOTE_MAX: Final = 500
SHOWN: Final = 5

# What codes of a deck were and what they become, by the ids of destinations: null before, the code is new; null after, it goes.
CODE_CHANGES: Final = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("before_id", pa.int64()),
        pa.field("after_id", pa.int64()),
    ]
)
_MINE: Final = "c.tenant_id = %(tenant)s AND c.deck_id = %(deck)s AND c.code = s.code"
OTHERS: Final = f"""
SELECT s.code FROM changed_code s LEFT JOIN tariffs_code c ON {_MINE}
 WHERE c.destination_id IS DISTINCT FROM s.before_id ORDER BY s.code LIMIT {SHOWN}
"""
REMOVE: Final = f"DELETE FROM tariffs_code c USING changed_code s WHERE {_MINE} AND s.after_id IS NULL"
MOVE: Final = f"""
UPDATE tariffs_code c SET destination_id = s.after_id FROM changed_code s
 WHERE {_MINE} AND s.before_id IS NOT NULL AND s.after_id IS NOT NULL
"""
ADD: Final = """
INSERT INTO tariffs_code (tenant_id, deck_id, code, destination_id)
SELECT %(tenant)s, %(deck)s, code, after_id FROM changed_code WHERE before_id IS NULL AND after_id IS NOT NULL ORDER BY n
"""


def create_deck(*, name: str, at: datetime) -> CodeDeck:
    """Make a deck without codes; the first one of a tenant is its default. Raises Invalid `bad_name`, Conflict `deck_exists`."""
    deck = CodeDeck(name=name_text(name), is_default=not CodeDeck.objects.exists())
    try:
        with transaction.atomic():
            deck.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("deck_exists", f"There is a code deck {deck.name!r} already.") from error
    return deck


def change_deck(*, deck_id: int, name: str | None = None, is_default: bool | None = None, at: datetime) -> CodeDeck:
    """Rename a deck, or let sheets of names take their codes from it. Raises NotFound, Invalid `bad_name`, Conflict `deck_exists`."""
    try:
        with transaction.atomic():
            decks = {each.pk: each for each in lock_rows(CodeDeck.objects.all(), _all_decks())}
            deck = decks.get(deck_id)
            if deck is None:
                raise NotFound("not_found", "code deck not found.")
            if name is not None:
                deck.name = name_text(name)
            if is_default:
                CodeDeck.objects.filter(is_default=True).exclude(pk=deck_id).update(is_default=False)
            if is_default is not None:
                deck.is_default = is_default
            deck.save(update_fields=["name", "is_default"])
    except IntegrityError as error:
        raise Conflict("deck_exists", f"There is a code deck {name!r} already.") from error
    return deck


def change_codes(*, deck_id: int, changes: pa.Table, at: datetime) -> list[Tariff]:
    """Bring changes of `CODE_CHANGES`, no code twice, into a deck, all of them or nothing. Returns the tariffs whose special rates have followed; those whose origin
    deck it is get a new revision.

    Raises NotFound `not_found`; Conflict `deck_changed` if a code is not what it was when the change was worked out, `origin_in_use` if an origin would
    lose its last code that rates name.
    """
    with transaction.atomic():
        lock_rows(CodeDeck.objects.all(), [deck_id])
        given = {"tenant": current_tenant_id(), "deck": deck_id}
        with connection.cursor() as cursor:
            stage(cursor, "changed_code", "code text, before_id bigint, after_id bigint", changes.cast(CODE_CHANGES))
            cursor.execute("ANALYZE changed_code")
            cursor.execute(OTHERS, given)
            others = [code for (code,) in cursor.fetchall()]
            if others:
                raise Conflict(
                    "deck_changed",
                    f"The deck was changed meanwhile, at {', '.join(others)}.",
                    hint="Compare again with what it has now.",
                )
            for statement in (REMOVE, MOVE, ADD):
                cursor.execute(statement, given)
        for tariff in Tariff.objects.filter(origin_deck_id=deck_id):
            require_known_origins(tariff)
        bump_by_deck(deck_id)
        return follow_specials(deck_id=deck_id, at=at)


def load_code_deck(*, name: str, codes: Mapping[str, str], at: datetime) -> CodeDeck:
    """Make or extend a deck: `codes` maps each code to the name of its destination, new names become destinations.

    Codes that the deck has keep their rows and get the new destination. Raises Invalid `bad_code`, `bad_name`.
    """
    for code in codes:
        if not is_digits(code) or len(code) > CODE_DIGITS_MAX:
            raise Invalid("bad_code", f"{code[:40]!r} is no code of 1 to {CODE_DIGITS_MAX} digits.")
    with transaction.atomic():
        deck = CodeDeck.objects.filter(name=name_text(name)).first() or create_deck(name=name, at=at)
        (deck,) = lock_rows(CodeDeck.objects.all(), [deck.pk])
        first_codes: dict[str, str] = {}
        for code, destination in codes.items():
            first_codes.setdefault(destination, code)
        ids = destination_ids(first_codes)
        there = dict(Code.objects.filter(deck=deck).values_list("code", "destination_id"))
        rows = [(code, there.get(code), ids[named]) for code, named in codes.items() if there.get(code) != ids[named]]
        columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
        changes = pa.table(
            [pa.array(each, field.type) for each, field in zip(columns, CODE_CHANGES, strict=True)], schema=CODE_CHANGES
        )
        change_codes(deck_id=deck.pk, changes=changes, at=at)
    return deck


def create_group(*, name: str, destination_ids: Iterable[int] = (), note: str = "", at: datetime) -> DestinationGroup:
    """Name a group of destinations. Raises Invalid `bad_name`, NotFound `not_found`, Conflict `group_exists`."""
    group = DestinationGroup(name=name_text(name), note=note.strip()[:NOTE_MAX])
    try:
        with transaction.atomic():
            group.save(force_insert=True)
            _set_members(group, set(destination_ids))
    except IntegrityError as error:
        raise Conflict("group_exists", f"There is a destination group {group.name!r} already.") from error
    return group


def change_group(
    *,
    group_id: int,
    name: str | None = None,
    note: str | None = None,
    destination_ids: Iterable[int] | None = None,
    at: datetime,
) -> DestinationGroup:
    """Rename a group or set its destinations; special rates for it follow. Raises NotFound, Invalid `bad_name`, Conflict `group_exists`."""
    try:
        with transaction.atomic():
            (group,) = lock_rows(DestinationGroup.objects.all(), [group_id])
            if name is not None:
                group.name = name_text(name)
            if note is not None:
                group.note = note.strip()[:NOTE_MAX]
            group.save(update_fields=["name", "note"])
            if destination_ids is not None:
                _set_members(group, set(destination_ids))
                follow_specials(group_id=group.pk, at=at)
    except IntegrityError as error:
        raise Conflict("group_exists", f"There is a destination group {name!r} already.") from error
    return group


def _set_members(group: DestinationGroup, wanted: set[int]) -> None:
    if Destination.objects.filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("not_found", "destination not found.")
    there = set(GroupMember.objects.filter(group=group).values_list("destination_id", flat=True))
    GroupMember.objects.filter(group=group, destination_id__in=there - wanted).delete()
    GroupMember.objects.bulk_create([GroupMember(group=group, destination_id=each) for each in sorted(wanted - there)])


def _all_decks() -> list[int]:
    return list(CodeDeck.objects.order_by("pk").values_list("pk", flat=True))

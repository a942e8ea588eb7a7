"""Code decks: compared with a file, changed, taken back (docs/algorithms/decks.md).

What reads a file takes a tenant and opens its scopes by itself: nothing is computed while one is open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from django.db import transaction

from trunkline.core.codes import CODE_DIGITS_MAX
from trunkline.core.e164 import is_digits
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.ids import uuid7
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id, give_reason
from trunkline.kit.faults import reached
from trunkline.pricing import files
from trunkline.pricing.actions.work import ask_for, is_small, require_not_written
from trunkline.pricing.choices import OPEN, DeckSource, ImportState, ImportWork
from trunkline.pricing.deck_compare import COMPARED, DeckCompared, DeckMode, compare_deck, written_rows
from trunkline.pricing.deck_export import find_export
from trunkline.pricing.deck_queries import codes_of_deck
from trunkline.pricing.models import DeckChange
from trunkline.pricing.offered import ERRORS
from trunkline.pricing.sheets.code_lines import CODE_LINES, read_code_lines
from trunkline.pricing.sheets.layout import Layout
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.actions.destinations import destination_ids
from trunkline.tariffs.models import Code, CodeDeck, Destination
from trunkline.tenancy.scope import scope as tenant_scope
from trunkline.tenancy.storage import note_folder, require_room
from trunkline.usage.price_changes import propose_by_deck
from trunkline.usage.spool import write_synced

Clock = Callable[[], datetime]

NOTE_MAX: Final = 500
HAND_CODES_MAX: Final = 10_000
WORLD_DEPTHS: Final = ("countries", "mobiles")


def receive_deck(
    tenant_id: int, *, deck: str, data: bytes, file_name: str, mode: DeckMode = DeckMode.ADD, actor: str, now: Clock
) -> DeckChange:
    """Keep a file of codes and names. A small one is compared with its deck at once (`import_deck`), a large one by a worker (state `received`).

    Raises as `import_deck` does of a small one.
    """
    require_room(tenant_id, len(data), actor=actor, now=now)
    public_id = uuid7()
    place = files.deck_folder(tenant_id, public_id)
    try:
        write_synced(place / files.ORIGINAL, [data])
        if is_small(len(data), place / files.ORIGINAL):
            files.remove_folder(place)
            return import_deck(tenant_id, deck=deck, data=data, file_name=file_name, mode=mode, actor=actor, now=now)
        with tenant_scope(tenant_id, actor):
            note_folder(place, at=now())
            change = DeckChange.objects.create(
                public_id=public_id,
                deck=_deck(deck, now()),
                mode=mode,
                state=ImportState.RECEIVED,
                sha256=hashlib.sha256(data).hexdigest(),
                octets=len(data),
                created_at=now(),
                source=DeckSource.SHEET,
                file_name=file_name[:255],
            )
            ask_for(change, ImportWork.COMPARING, actor=actor)
            return change
    except BaseException:
        files.remove_folder(place)
        raise


def compare_deck_change(tenant_id: int, change_id: int, *, actor: str, now: Clock) -> DeckChange:
    """Compare a file that was received with its deck, once more if it was compared before. Nothing of it counts until it is applied.

    Raises NotFound `not_found`, Conflict `not_open`, Invalid what `import_deck` raises.
    """
    with tenant_scope(tenant_id, actor):
        (change,) = lock_rows(DeckChange.objects.select_related("deck"), [change_id])
        _require_open(change)
    place = files.find_deck_folder(tenant_id, change.public_id)
    files.set_progress(place, 5)
    lines, errors, doubts = _read((place / files.ORIGINAL).read_bytes(), change.file_name, None)
    files.set_progress(place, 50)
    with tenant_scope(tenant_id, actor):
        there, known = codes_of_deck(change.deck), _known()
    counts = _write_compared(place, compare_deck(there, lines, known), lines, errors, doubts)
    files.set_progress(place, 100)
    with tenant_scope(tenant_id, actor):
        (change,) = lock_rows(DeckChange.objects.select_related("deck"), [change_id])
        _require_open(change)
        change.state, change.counts = ImportState.COMPARED, counts
        change.work, change.problem = ImportWork.NONE, None
        change.save()
    return change


def import_deck(
    tenant_id: int,
    *,
    deck: str,
    data: bytes,
    file_name: str,
    mode: DeckMode = DeckMode.ADD,
    layout: Layout | None = None,
    actor: str,
    now: Clock,
) -> DeckChange:
    """Compare a file of codes and names with a deck, and keep both. A new name makes an empty deck; no code of it changes before the change is applied.

    Any sheet that `pricing.sheets` recognises will do, a rate sheet too. Raises Denied `quota_reached`, Invalid what reading raises, `empty_deck`, `bad_name`.
    """
    require_room(tenant_id, len(data), actor=actor, now=now)
    lines, errors, doubts = _read(data, file_name, layout)
    return _compare(
        tenant_id,
        deck,
        lines,
        errors,
        mode,
        data=data,
        doubts=doubts,
        facts={"source": DeckSource.SHEET, "file_name": file_name[:255]},
        actor=actor,
        now=now,
    )


def _read(data: bytes, file_name: str, layout: Layout | None) -> tuple[pa.Table, pa.Table, tuple[str, ...]]:
    """The codes of a file, the rows that gave none, and what is not sure."""
    lines = None if layout else find_export(data, file_name)
    errors = ERRORS.empty_table()
    doubts: tuple[str, ...] = ()
    if lines is None:
        read = read_code_lines(data, file_name, layout)
        lines, doubts = read.lines, read.doubts
        rows = [
            {"sheet": e.sheet, "line": e.line, "column": e.column, "reason": str(e.reason), "text": e.text}
            for e in read.errors
        ]
        errors = pa.Table.from_pylist(rows, ERRORS)
    if not len(lines) and not len(errors):
        raise Invalid(
            "empty_deck",
            "There are no codes with names in this file.",
            hint="It needs a column of codes and one of names; `trunkline sheet read` shows what was understood.",
        )
    return lines, errors, doubts


def compare_world(
    tenant_id: int, *, deck: str, depth: str = "mobiles", mode: DeckMode = DeckMode.ADD, actor: str, now: Clock
) -> DeckChange:
    """Compare the world's numbering plans, as the library phonenumbers knows them, with a deck: a start for one's own.

    `depth`: `countries` for countries alone, about 400 codes; `mobiles` for mobile ranges and operators too, some thousand. Raises Invalid `unknown_depth`.
    """
    from trunkline.simulate.world import breakout_codes, country_codes

    if depth not in WORLD_DEPTHS:
        raise Invalid("unknown_depth", f"There is no depth {depth[:40]!r}.", hint=f"Use {', '.join(WORLD_DEPTHS)}.")
    table = (country_codes() if depth == "countries" else breakout_codes()).table()
    count = len(table)
    lines = pa.table(
        [pa.array([""] * count), pa.array(range(1, count + 1), pa.int32()), table["code"], table["destination"]],
        schema=CODE_LINES,
    )
    facts = {"source": DeckSource.WORLD, "file_name": f"world: {depth}"}
    return _compare(
        tenant_id, deck, lines, ERRORS.empty_table(), mode, data=None, doubts=(), facts=facts, actor=actor, now=now
    )


def _compare(
    tenant_id: int,
    deck_name: str,
    lines: pa.Table,
    errors: pa.Table,
    mode: DeckMode,
    *,
    data: bytes | None,
    doubts: tuple[str, ...],
    facts: Mapping[str, str],
    actor: str,
    now: Clock,
) -> DeckChange:
    with tenant_scope(tenant_id, actor):
        deck = _deck(deck_name, now())
        there, known = codes_of_deck(deck), _known()
    compared = compare_deck(there, lines, known)
    public_id = uuid7()
    place = files.deck_folder(tenant_id, public_id)
    try:
        if data is not None:
            write_synced(place / files.ORIGINAL, [data])
        counts = _write_compared(place, compared, lines, errors, doubts)
        with tenant_scope(tenant_id, actor):
            note_folder(place, at=now())
            return DeckChange.objects.create(
                public_id=public_id,
                deck=deck,
                mode=mode,
                sha256="" if data is None else hashlib.sha256(data).hexdigest(),
                octets=0 if data is None else len(data),
                counts=counts,
                created_at=now(),
                **facts,
            )
    except BaseException:
        files.remove_folder(place)
        raise


def _deck(deck_name: str, at: datetime) -> CodeDeck:
    name = " ".join(deck_name.split())
    return CodeDeck.objects.filter(name=name).first() or tariffs.create_deck(name=name, at=at)


def _known() -> list[str]:
    return list(Destination.objects.values_list("name", flat=True))


def _write_compared(
    place: Path, compared: DeckCompared, lines: pa.Table, errors: pa.Table, doubts: tuple[str, ...]
) -> dict[str, Any]:
    """Keep what was compared beside the file; its counts, as `DeckChange.counts` has them."""
    files.write_table(place / files.CODES, compared.lines)
    files.write_table(place / files.ERRORS, errors)
    return compared.counts() | {"lines": len(lines), "errors": len(errors), "doubts": list(doubts)}


def apply_deck_change(
    tenant_id: int,
    change_id: int,
    *,
    mode: DeckMode | None = None,
    skip_conflicts: bool = False,
    reason: str = "",
    actor: str,
    now: Clock,
) -> DeckChange:
    """Bring what was compared into the deck, all of it in one transaction; special rates follow. `mode`: another one than it was compared for.

    With `skip_conflicts` what is fine is taken and the rest left out. Raises NotFound `not_found`; Conflict `not_compared`, `deck_has_conflicts`, `deck_changed`.
    """
    with tenant_scope(tenant_id, actor, reason=reason):
        (change,) = lock_rows(DeckChange.objects.select_related("deck"), [change_id])
        _require_state(change, ImportState.COMPARED)
        if not skip_conflicts:
            _require_no_conflicts(change)
        change.mode = mode or DeckMode(change.mode)
        place = files.find_deck_folder(tenant_id, change.public_id)
        rows = written_rows(files.read_table(place / files.CODES).cast(COMPARED), DeckMode(change.mode))
        changed = _changes(rows)
        files.write_table(place / files.CHANGED, changed)
        files.set_progress(place, 30)
        _change_codes(change.deck, changed, now())
        change.work, change.problem = ImportWork.NONE, None
        change.state, change.applied_at, change.reason = ImportState.APPLIED, now(), reason.strip()[:NOTE_MAX]
        change.counts = change.counts | _done(changed)
        change.save()
    return change


def undo_deck_change(tenant_id: int, change_id: int, *, reason: str, actor: str, now: Clock) -> DeckChange:
    """Take a change of a deck back: each of its codes is what it was before.

    Raises NotFound `not_found`; Invalid `reason_needed`; Conflict `not_applied`, `deck_changed` if one of the codes was changed since.
    """
    note = _reason(reason)
    with tenant_scope(tenant_id, actor, reason=note):
        (change,) = lock_rows(DeckChange.objects.select_related("deck"), [change_id])
        _require_state(change, ImportState.APPLIED)
        done = files.read_table(files.find_deck_folder(tenant_id, change.public_id) / files.CHANGED)
        back = pa.table([done["code"], done["after_id"], done["before_id"]], schema=tariffs.CODE_CHANGES)
        _change_codes(change.deck, back, now())
        change.state, change.ended_at, change.reason = ImportState.UNDONE, now(), note
        change.work, change.problem = ImportWork.NONE, None
        change.save()
    return change


def discard_deck_change(*, change_id: int, reason: str, at: datetime) -> DeckChange:
    """Say no to a change that is not applied; it stays in the history.

    Raises NotFound `not_found`; Conflict `not_compared`, `deck_is_worked_on`; Invalid `reason_needed`.
    """
    note = _reason(reason)
    with transaction.atomic():
        require_not_written(DeckChange.objects.filter(pk=change_id))
        (change,) = lock_rows(DeckChange.objects.all(), [change_id])
        if change.state not in OPEN:
            _require_state(change, ImportState.COMPARED)
        change.state, change.ended_at, change.reason = ImportState.DISCARDED, at, note
        change.work = ImportWork.NONE
        change.save()
    return change


def change_deck_codes(*, deck_id: int, names: Mapping[str, str | None], reason: str, at: datetime) -> DeckChange:
    """Name codes of a deck by hand; None takes a code out. What is so already is left out. Needs an open scope.

    Raises NotFound `not_found`; Invalid `bad_code`, `bad_name`, `reason_needed`, `too_many_codes`, `nothing_to_change`.
    """
    note = _reason(reason)
    if len(names) > HAND_CODES_MAX:
        raise Invalid("too_many_codes", f"By hand {HAND_CODES_MAX:,} codes at a time.", hint="Import a file instead.")
    for code in names:
        if not is_digits(code) or not 0 < len(code) <= CODE_DIGITS_MAX:
            raise Invalid("bad_code", f"{code[:40]!r} is no code of 1 to {CODE_DIGITS_MAX} digits.")
    give_reason(note)
    with transaction.atomic():
        (deck,) = lock_rows(CodeDeck.objects.all(), [deck_id])
        there = dict(Code.objects.filter(deck=deck, code__in=list(names)).values_list("code", "destination__name"))
        said = {code: None if name is None else " ".join(name.split()) for code, name in names.items()}
        rows = [
            {"code": code, "name": name, "before": there.get(code)}
            for code, name in said.items()
            if there.get(code) != name
        ]
        if not rows:
            raise Invalid("nothing_to_change", "The deck has it so already.")
        table = pa.Table.from_pylist(
            rows, pa.schema([("code", pa.string()), ("name", pa.string()), ("before", pa.string())])
        )
        changed = _changes(table)
        _change_codes(deck, changed, at)
        change = DeckChange(
            deck=deck,
            source=DeckSource.HAND,
            mode=DeckMode.UPDATE,
            state=ImportState.APPLIED,
            counts=_done(changed),
            created_at=at,
            applied_at=at,
            reason=note,
        )
        place = files.deck_folder(current_tenant_id(), change.public_id)
        files.write_table(place / files.CHANGED, changed)
        change.save(force_insert=True)
    return change


def _change_codes(deck: CodeDeck, changes: pa.Table, at: datetime) -> None:
    tariffs.change_codes(deck_id=deck.pk, changes=changes, at=at)
    propose_by_deck(deck, at=at)
    reached("change_before_commit")


def _changes(rows: pa.Table) -> pa.Table:
    """Codes with the names that they have and get, as ids; destinations that are not there are made."""
    encoded = rows["name"].combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    index = encoded.indices.fill_null(-1).to_pylist()
    first: dict[str, str] = {}
    for place, code in zip(index, rows["code"].to_pylist(), strict=True):
        if place >= 0:
            first.setdefault(names[place], code)
    ids = destination_ids(first)
    before = rows["before"].combine_chunks().dictionary_encode()
    old = dict(Destination.objects.filter(name__in=before.dictionary.to_pylist()).values_list("name", "pk"))
    return pa.table(
        [
            rows["code"],
            pa.array([old.get(name) for name in before.dictionary.to_pylist()], pa.int64()).take(before.indices),
            pa.array([ids[name] for name in names], pa.int64()).take(encoded.indices),
        ],
        schema=tariffs.CODE_CHANGES,
    )


def _done(changed: pa.Table) -> dict[str, int]:
    added = changed["before_id"].null_count
    removed = changed["after_id"].null_count
    return {"added": added, "removed": removed, "changed": len(changed) - added - removed}


def _require_state(change: DeckChange, wanted: ImportState) -> None:
    if change.state != wanted:
        raise Conflict(f"not_{wanted}", f"The change is {change.state}, not {wanted}.")


def require_deck_step(change: DeckChange, work: ImportWork, arguments: Mapping[str, Any]) -> None:
    """Raises what applying or undoing a change would be refused for at once: Conflict `not_compared`, `not_applied`, `deck_has_conflicts`."""
    if work == ImportWork.UNDOING:
        _require_state(change, ImportState.APPLIED)
        return
    _require_state(change, ImportState.COMPARED)
    if not arguments.get("skip_conflicts"):
        _require_no_conflicts(change)


def _require_open(change: DeckChange) -> None:
    if change.state not in OPEN:
        raise Conflict("not_open", f"The change is {change.state}: it stays as it is.")


def _require_no_conflicts(change: DeckChange) -> None:
    counts = change.counts
    said = []
    if counts.get("contradicted"):
        said.append(f"{counts['contradicted']} lines name a code that another line names otherwise")
    if counts.get("errors"):
        said.append(f"{counts['errors']} rows cannot be read")
    said += [text.rstrip(".") for text in counts.get("doubts", ())]
    if said:
        raise Conflict(
            "deck_has_conflicts",
            f"{'; '.join(said)}.",
            hint="Correct the file and compare it again, or take the rest without these.",
        )


def _reason(text: str) -> str:
    note = text.strip()[:NOTE_MAX]
    if not note:
        raise Invalid("reason_needed", "Say why.", hint="The reason stands in the history of the deck.")
    return note

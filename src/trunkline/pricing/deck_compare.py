"""What a file of codes would change in a deck (docs/algorithms/decks.md): whole columns at a time, no Django, no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.pricing.sheets.code_lines import CODE_LINES

Int64s = npt.NDArray[np.int64]

# The codes of a deck, each once, with the name of its destination.
DECK_CODES: Final = pa.schema(
    [pa.field("code", pa.string(), nullable=False), pa.field("name", pa.string(), nullable=False)]
)


class CodeKind(IntEnum):
    """What a line of codes is to a deck; the first that fits."""

    SAME = 0
    NEW = 1
    RENAMED = 2
    MOVED = 3
    RESPELLED = 4
    CONTRADICTED = 5


class DeckMode(StrEnum):
    """What becomes of codes that the deck has already."""

    ADD = "add"
    UPDATE = "update"


WRITTEN: Final[Mapping[DeckMode, tuple[CodeKind, ...]]] = {
    DeckMode.ADD: (CodeKind.NEW,),
    DeckMode.UPDATE: (CodeKind.NEW, CodeKind.RENAMED, CodeKind.MOVED),
}
# Lines as they are kept: `name` is what the deck will call it, `written` what the file does, `before` what the deck has.
COMPARED: Final = pa.schema(
    [
        *CODE_LINES,
        pa.field("written", pa.string(), nullable=False),
        pa.field("before", pa.string()),
        pa.field("kind", pa.int8(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class DeckCompared:
    """The lines of `COMPARED`, one for each code, of a contradicted one all; lines that say the same twice are left out, `repeated` counts them.

    `absent` counts the codes of the deck that the file does not name.
    """

    lines: pa.Table
    repeated: int
    absent: int

    def counts(self) -> dict[str, int]:
        """The lines of each kind by name, `repeated` and `absent`."""
        counted = np.bincount(self.lines["kind"].to_numpy(), minlength=len(CodeKind))
        kinds = {kind.name.lower(): int(counted[kind]) for kind in CodeKind}
        return kinds | {"repeated": self.repeated, "absent": self.absent}


def spelling(name: str) -> str:
    """What two names share that differ only by case and spacing."""
    return " ".join(name.split()).casefold()


def compare_deck(there: pa.Table, lines: pa.Table, known: Iterable[str] = ()) -> DeckCompared:
    """Compare lines of `CODE_LINES` with the codes `there` of `DECK_CODES`. `known` are names of destinations besides those of the deck."""
    written, name_of_line = _encoded(lines["name"])
    deck_names, name_of_code = _encoded(there["name"])
    taken = _taken(written, deck_names, known)
    keys: dict[str, int] = {}
    key_of_written = _numbers(keys, written)
    key_of_deck = _numbers(keys, deck_names)
    line_key = key_of_written[name_of_line] if len(written) else np.empty(0, np.int64)
    codes, code_of_line = _encoded(lines["code"])
    # One line for each code and name, the first; a code with two names is contradicted.
    _, first = np.unique(code_of_line * max(len(keys), 1) + line_key, return_index=True)
    kept = np.sort(first)
    names_of_code = np.bincount(code_of_line[kept], minlength=len(codes))
    contradicted = names_of_code[code_of_line[kept]] > 1
    place = pc.index_in(pa.array(codes, pa.string()), _array(there["code"])).fill_null(-1).to_numpy()
    at = place[code_of_line[kept]].astype(np.int64) if len(kept) else np.empty(0, np.int64)
    is_there = at >= 0
    was = np.where(is_there, name_of_code[np.maximum(at, 0)] if len(there) else 0, 0)
    was_key = key_of_deck[was] if len(deck_names) else np.full(len(kept), -1)
    is_same = is_there & (was_key == line_key[kept])
    old_text = pa.array(deck_names, pa.string()).take(pa.array(was, mask=~is_there))
    new_text = pa.array(written, pa.string()).take(pa.array(name_of_line[kept]))
    is_spelled = pc.fill_null(pc.equal(old_text, new_text), False).to_numpy(zero_copy_only=False)
    differs = is_there & ~is_same & ~contradicted
    renamed = differs & _renamed(was, line_key[kept], differs, name_of_code, key_of_deck)
    kinds = np.select(
        [contradicted, is_same & is_spelled, is_same, renamed, is_there],
        [CodeKind.CONTRADICTED, CodeKind.SAME, CodeKind.RESPELLED, CodeKind.RENAMED, CodeKind.MOVED],
        CodeKind.NEW,
    ).astype(np.int8)
    chosen = pa.array(taken, pa.string()).take(pa.array(name_of_line[kept]))
    name = pc.if_else(pa.array(is_same), old_text, chosen)
    table = lines.take(pa.array(kept))
    made = pa.table(
        [
            table["sheet"],
            table["line"],
            table["code"],
            name,
            new_text,
            old_text,
            pa.array(kinds),
        ],
        schema=COMPARED,
    ).combine_chunks()
    absent = len(there) - int((place >= 0).sum())
    return DeckCompared(made, len(lines) - len(kept), absent)


def written_rows(lines: pa.Table, mode: DeckMode) -> pa.Table:
    """The lines that become codes of the deck."""
    return lines.filter(pa.array(np.isin(lines["kind"].to_numpy(), [int(kind) for kind in WRITTEN[mode]])))


def _renamed(was: Int64s, now_key: Int64s, differs: Any, name_of_code: Int64s, key_of_deck: Int64s) -> Any:
    """Where a destination as a whole gets another name: all codes that the deck has for it are in the file, with one name, which the deck does not have."""
    sizes = np.bincount(name_of_code, minlength=len(key_of_deck))
    rows = np.flatnonzero(differs)
    pairs, count = np.unique(np.stack([was[rows], now_key[rows]]), axis=1, return_counts=True)
    whole = {
        (int(old), int(new))
        for (old, new), many in zip(pairs.T.tolist(), count.tolist(), strict=True)
        if many == sizes[old] and new not in set(key_of_deck.tolist())
    }
    # Two destinations that become one are no new names of each other.
    targets = [new for _, new in whole]
    whole = {(old, new) for old, new in whole if targets.count(new) == 1}
    found = np.zeros(len(was), np.bool_)
    found[rows] = [pair in whole for pair in zip(was[rows].tolist(), now_key[rows].tolist(), strict=True)]
    return found


def _taken(written: list[str], deck_names: list[str], known: Iterable[str]) -> list[str]:
    """What the deck will call each name: as it is there already, however that is spelled; else as the file has it first."""
    exact = {*deck_names, *known}
    by_spelling: dict[str, str] = {}
    for name in (*deck_names, *sorted(exact)):
        by_spelling.setdefault(spelling(name), name)
    taken = []
    for name in written:
        clean = " ".join(name.split())
        if clean in exact:
            taken.append(clean)
        else:
            taken.append(by_spelling.setdefault(spelling(name), clean))
    return taken


def _numbers(keys: dict[str, int], names: list[str]) -> Int64s:
    return np.array([keys.setdefault(spelling(name), len(keys)) for name in names], np.int64)


def _array(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _encoded(column: pa.ChunkedArray) -> tuple[list[str], Int64s]:
    """The distinct texts in the order in which they come first, and which of them each row has."""
    encoded = _array(column).dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)

"""What a sheet says of origins: names brought to those of the tariff's origin deck, codes of each. No Django, no database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from trunkline.pricing.sheets.reasons import RowError
from trunkline.tariffs.rate_file import NAME_MAX

# What a sheet writes where a price is for callers from anywhere, or from wherever no other line of the code is for: a rate without an origin is both.
EVERYWHERE: Final = frozenset(
    {
        "all",
        "any",
        "all origins",
        "any origin",
        "default",
        "world",
        "worldwide",
        "rest of world",
        "rest of the world",
        "row",
        "others",
    }
)


@dataclass(frozen=True, slots=True)
class SaidOrigins:
    """The codes of each origin, and those that are said to be of two."""

    codes: Mapping[str, Sequence[str]]
    errors: tuple[RowError, ...]


def merge_origins(said: Mapping[str, Sequence[str]], known: Collection[str]) -> SaidOrigins:
    """The origins of a sheet by the names that the origin deck has for them; new names as they are written."""
    names = {_plain(name): name for name in known}
    codes: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    errors = []
    for written, own in said.items():
        name = names.setdefault(_plain(written), " ".join(written.split())[:NAME_MAX])
        for code in own:
            if owner.setdefault(code, name) == name:
                codes.setdefault(name, []).append(code)
            else:
                text = f"{code}: {owner[code]} and {name}"
                errors.append(RowError("", 0, "origin", "contradiction", text))
    return SaidOrigins(codes, tuple(errors))


def name_origins(written: pa.ChunkedArray, known: Collection[str]) -> tuple[pa.Array, pa.Array]:
    """The origin that each line names, null for callers from anywhere, and where nobody knows it."""
    if written.null_count == len(written):
        return pa.nulls(len(written), pa.string()), pa.nulls(len(written), pa.bool_()).fill_null(False)
    names = {_plain(name): name for name in known}
    encoded = written.combine_chunks().dictionary_encode()
    texts = [_plain(text) for text in encoded.dictionary.to_pylist()]
    found = [names.get(text) for text in texts]
    unknown = [name is None and bool(text) and text not in EVERYWHERE for name, text in zip(found, texts, strict=True)]
    return pa.array(found, pa.string()).take(encoded.indices), pa.array(unknown, pa.bool_()).take(
        encoded.indices
    ).fill_null(False)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()

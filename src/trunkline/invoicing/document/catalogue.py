"""The words of documents, one file a language. A language that is not there yet is set in English."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

FALLBACK: Final = "en"
_FOLDER: Final = Path(__file__).parent


def languages() -> list[str]:
    """The languages that have a catalogue."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


@lru_cache(maxsize=32)
def words(language: str) -> Mapping[str, str]:
    """The catalogue of a language (`en`, `de-AT` falls back to `de`), else the English one; a missing word is the English one."""
    for name in (language, language.partition("-")[0]):
        if name in languages():
            return MappingProxyType(_read(FALLBACK) | _read(name))
    return MappingProxyType(_read(FALLBACK))


def _read(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found

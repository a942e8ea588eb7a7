"""The languages that documents can be in: English, in which their texts are written, and one for each catalogue in `languages/`.

A catalogue is a `.po` file; it is compiled when a process first needs it. `docs/development/adding-a-language.md` says how one is made.
"""

from __future__ import annotations

import gettext
import io
from functools import lru_cache
from pathlib import Path
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.po import compile_mo, read_po
from trunkline.invoicing.document.language import SOURCE, Language

FOLDER: Final = Path(__file__).parent / "languages"


def languages() -> list[str]:
    """The codes of all languages there are."""
    return sorted({SOURCE, *(path.stem for path in FOLDER.glob("*.po"))})


def get_language(wanted: str) -> Language:
    """The language of that code; that of `fr` for `fr-CA`, English where there is none."""
    return _load(_find_code(wanted) or SOURCE)


def require_language(wanted: str) -> str:
    """`wanted` itself. Raises Invalid `unknown_language` where documents cannot be in it."""
    if _find_code(wanted) is None:
        raise Invalid(
            "unknown_language",
            f"Documents cannot be in {wanted!r}.",
            hint=f"Use one of {', '.join(languages())}.",
            language=wanted,
        )
    return wanted


def _find_code(wanted: str) -> str | None:
    there = languages()
    return next((code for code in (wanted, wanted.partition("-")[0]) if code in there), None)


@lru_cache(maxsize=32)
def _load(code: str) -> Language:
    if code == SOURCE:
        return Language(code, gettext.NullTranslations())
    entries = read_po((FOLDER / f"{code}.po").read_text(encoding="utf-8"))
    return Language(code, gettext.GNUTranslations(io.BytesIO(compile_mo(entries))))

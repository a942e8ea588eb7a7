"""Setting a document with typst: data in, PDF bytes out.

All values go in as one JSON string, so that markup in a name stays text. The same data and instant give the same bytes: the instant is
given, and the fonts are typst's own and those in the folder `fonts` of the data folder, where an operator puts what its customers' names
need (typst's own have Latin, Greek, Cyrillic, Hebrew and Arabic letters).
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from trunkline.core.period import require_aware
from trunkline.kit.home import home

_FOLDER: Final = Path(__file__).parent
_STANDARD: Final = "a-2b"
_MISSING_LETTER: Final = "could not be displayed"
# Control characters have no shape; those of writing direction could make a name read as another.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# typst keeps what it has laid out for its next ten runs, which is 260 MB after a document of 5,000 lines. Making it forget sooner takes as long
# as setting a document.
_KEPT_RUNS: Final = 10
_KEPT_ROWS: Final = 4000

_local = threading.local()


def set_pdf(data: Mapping[str, Any], at: datetime) -> bytes:
    """The document as PDF/A-2b. `data` is what `layout.document_data` gives; `at` becomes its date of making.

    A letter that no font has cannot be in a PDF/A; then it is a plain PDF, which shows a box in its place.
    """
    import typst

    require_aware(at)
    given = {
        "format": "pdf",
        "sys_inputs": {"data": _as_json(data)},
        "timestamp": int(at.timestamp()),
        "pdf_tags": False,
    }
    compiler = _compiler("invoice.typ")
    try:
        pdf: bytes = compiler.compile(pdf_standards=_STANDARD, **given)
    except typst.TypstError as error:
        if _MISSING_LETTER not in str(error):
            raise
        pdf = compiler.compile(**given)
    kept: deque[int] = _local.__dict__.setdefault("rows", deque(maxlen=_KEPT_RUNS))
    kept.append(sum(len(section["rows"]) for section in data["sections"]))
    if sum(kept) > _KEPT_ROWS:
        kept.clear()
        _forget()
    return pdf


def set_images(data: Mapping[str, Any], at: datetime, *, ppi: int = 80) -> list[bytes]:
    """The pages as PNG, for looking at."""
    require_aware(at)
    pages = _compiler("invoice.typ").compile(
        format="png", ppi=ppi, sys_inputs={"data": _as_json(data)}, timestamp=int(at.timestamp())
    )
    return pages if isinstance(pages, list) else [pages]


def _as_json(value: Any) -> str:
    return json.dumps(_printable(value))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNPRINTABLE.sub(" ", value)
    if isinstance(value, Mapping):
        return {name: _printable(each) for name, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list | tuple) else value


def _forget() -> None:
    blank = _compiler("blank.typ")
    for _ in range(_KEPT_RUNS + 1):
        blank.compile(format="pdf")


def _compiler(name: str) -> Any:
    """A compiler of this thread; making one reads the fonts anew."""
    import typst

    kept: dict[str, Any] = _local.__dict__.setdefault("compilers", {})
    if name not in kept:
        fonts = home() / "fonts"
        paths = [str(fonts)] if fonts.is_dir() else []
        kept[name] = typst.Compiler(str(_FOLDER / name), root=str(_FOLDER), font_paths=paths, ignore_system_fonts=True)
    return kept[name]

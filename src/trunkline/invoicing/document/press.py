"""Setting a document with typst: data in, PDF bytes out.

All values go in as one JSON string, so that markup in a name stays text. The same data and instant give the same bytes: the fonts are
typst's own, and the instant is given.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from trunkline.core.period import require_aware

_FOLDER: Final = Path(__file__).parent
_STANDARD: Final = "a-2b"
# typst keeps what it has laid out for its next ten runs, which is 260 MB after a document of 5,000 lines.
_LARGE_ROWS: Final = 300
_RUNS_TO_FORGET: Final = 11

_local = threading.local()


def set_pdf(data: Mapping[str, Any], at: datetime) -> bytes:
    """The document as PDF/A-2b. `data` is what `layout.document_data` gives; `at` becomes its date of making."""
    require_aware(at)
    pdf: bytes = _compiler("invoice.typ").compile(
        format="pdf",
        sys_inputs={"data": json.dumps(data)},
        timestamp=int(at.timestamp()),
        pdf_standards=_STANDARD,
        pdf_tags=False,
    )
    if sum(len(section["rows"]) for section in data["sections"]) > _LARGE_ROWS:
        _forget()
    return pdf


def set_images(data: Mapping[str, Any], at: datetime, *, ppi: int = 80) -> list[bytes]:
    """The pages as PNG, for looking at."""
    require_aware(at)
    pages = _compiler("invoice.typ").compile(
        format="png", ppi=ppi, sys_inputs={"data": json.dumps(data)}, timestamp=int(at.timestamp())
    )
    return pages if isinstance(pages, list) else [pages]


def _forget() -> None:
    blank = _compiler("blank.typ")
    for _ in range(_RUNS_TO_FORGET):
        blank.compile(format="pdf")


def _compiler(name: str) -> Any:
    """A compiler of this thread; making one reads the fonts anew."""
    import typst

    kept: dict[str, Any] = _local.__dict__.setdefault("compilers", {})
    if name not in kept:
        kept[name] = typst.Compiler(str(_FOLDER / name), root=str(_FOLDER), ignore_system_fonts=True)
    return kept[name]

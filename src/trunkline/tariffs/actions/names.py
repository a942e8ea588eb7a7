"""Names as they are kept."""

from __future__ import annotations

from trunkline.core.errors import Invalid

NAME_LENGTH_MAX = 120


def name_text(name: str, most: int = NAME_LENGTH_MAX) -> str:
    """A name as it is kept. Raises Invalid `bad_name`."""
    name = " ".join(name.split())
    if not 0 < len(name) <= most or not name.isprintable():
        raise Invalid("bad_name", f"A name has 1 to {most} printable characters.")
    return name

"""Sizes of files as people write and read them: `50 GB`, `1.5 GiB`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from trunkline.core.errors import Invalid

_UNITS: Final = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgtp", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgtp", 1)},
}
_WRITTEN: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]*)")
_SHOWN: Final = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def read_octets(text: str) -> int:
    """Octets of a size such as `500`, `50 GB` (a thousand thousand thousand each) or `1.5 GiB` (1024 times 1024 times 1024 each).

    Raises Invalid `bad_size` for what is none, is nothing or has a part of an octet.
    """
    found = _WRITTEN.fullmatch(text.strip().lower())
    unit = _UNITS.get(found[2]) if found is not None else None
    octets = Fraction(found[1]) * unit if found is not None and unit is not None else Fraction(0)
    if octets <= 0 or octets.denominator != 1 or octets >= 1 << 62:
        raise Invalid("bad_size", f"{text[:40]!r} is no size.", hint="Write it like 500 MB, 50 GB or 1.5 TiB.")
    return int(octets)


def shown_octets(octets: int) -> str:
    """Octets in the largest unit of which there is one, with a digit, half up."""
    for unit, weight in _SHOWN:
        if octets >= weight:
            tenths = (20 * octets + weight) // (2 * weight)
            return f"{tenths // 10:,}.{tenths % 10} {unit}"
    return f"{octets} B"

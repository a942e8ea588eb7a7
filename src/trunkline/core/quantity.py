"""Quantities as people read them: durations, minutes and octets. Whole numbers in, text out, no float between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.money import RoundingMode, round_ratio, scaled, scaled_text

OCTET_UNITS: Final[Mapping[str, int]] = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}
_DECIMAL_LADDER = ("TB", "GB", "MB", "kB", "B")
_BINARY_LADDER = ("TiB", "GiB", "MiB", "KiB", "B")


def duration_text(seconds: int) -> str:
    """Whole seconds as H:MM:SS, hours as many as it takes: 3723 is `1:02:03`, -5 is `-0:00:05`."""
    minutes, second = divmod(abs(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{'-' if seconds < 0 else ''}{hours}:{minute:02}:{second:02}"


def parse_duration(text: str) -> int:
    """The seconds of `H:MM:SS` or of plain whole seconds. Raises Invalid `bad_duration`."""
    digits = text.removeprefix("-")
    fields = digits.split(":")
    is_plain = len(fields) == 1
    if not all(field.isascii() and field.isdigit() and len(field) <= 12 for field in fields) or not (
        is_plain or (len(fields) == 3 and all(len(field) == 2 and field < "60" for field in fields[1:]))
    ):
        raise Invalid("bad_duration", f"{text!r} is not a duration.", hint="Write it like 1:02:03 or 3723.", text=text)
    seconds = int(digits) if is_plain else int(fields[0]) * 3600 + int(fields[1]) * 60 + int(fields[2])
    return -seconds if text.startswith("-") else seconds


def minutes_text(seconds: int, decimals: int = 2) -> str:
    """Whole seconds as minutes with exactly `decimals` decimals, half up: 61 is `1.02`. Not for pricing."""
    return scaled_text(round_ratio(seconds * 10**decimals, 60, RoundingMode.HALF_UP), decimals, least=decimals)


def octets_text(octets: int, *, is_binary: bool = False) -> str:
    """Octets in the largest unit that they fill, two decimals, half up: 1_500_000 is `1.50 MB`, or `1.43 MiB`."""
    for unit in _BINARY_LADDER if is_binary else _DECIMAL_LADDER:
        size = OCTET_UNITS[unit]
        if size > 1 and abs(octets) >= size:
            return f"{scaled_text(round_ratio(octets * 100, size, RoundingMode.HALF_UP), 2, least=2)} {unit}"
    return f"{octets} B"


def parse_octets(text: str) -> int:
    """The octets of `1.5 GB`, `512 MiB` or a plain `1048576`. Raises Invalid `bad_octets` unless a whole number."""
    number, _, unit = text.partition(" ")
    size = OCTET_UNITS.get(unit or "B")
    if size is None:
        raise Invalid(
            "bad_octets", f"{unit!r} is no unit of data.", hint=f"Use one of {', '.join(OCTET_UNITS)}.", text=text
        )
    octets, rest = divmod(scaled(number, 12) * size, 10**12)
    if rest:
        raise Invalid("bad_octets", f"{text} is not a whole number of octets.", text=text)
    return octets

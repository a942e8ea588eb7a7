"""Billing increments as vendors write them: `60/60`, `1+1`, `30/6/0`, `60`, `per second`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.words import plain

INCREMENT_MAX: Final = 86_400


@dataclass(frozen=True, slots=True)
class Increments:
    """The first interval, the further ones, and the seconds below which nothing is charged; in seconds, None where not said."""

    first: int | None
    further: int | None
    grace: int | None = None


_PARTS: Final = re.compile(r"[0-9]+(?:[.,]0+)?", re.ASCII)
_SHAPE: Final = re.compile(
    r"([0-9]+)(?:[.,]0+)?\s*(?:s|sec|secs|seconds?|sek)?\s*[/+\-:x\\|,;]\s*([0-9]+)(?:[.,]0+)?\s*(?:s|sec|secs|seconds?|sek)?"
    r"(?:\s*[/+\-:x\\|,;]\s*([0-9]+|\.{2,}|…))?(?:\s*[/+\-:|,;]\s*(?:[0-9]+|\.{2,}|…))*",
    re.ASCII | re.IGNORECASE,
)
_ONE: Final = re.compile(
    r"([0-9]+)(?:[.,]0+)?\s*(s|sec|secs|seconds?|sek\w*|сек\w*|m|min|mins|minutes?|minuten|мин\w*)?\.?", re.IGNORECASE
)
_WORDS: Final = {
    "per second": 1, "second": 1, "seconds": 1, "sec": 1, "per sec": 1, "1 second": 1, "sekunde": 1, "seconde": 1, "segundo": 1,
    "per minute": 60, "minute": 60, "minutes": 60, "min": 60, "per min": 60, "full minute": 60, "minuto": 60,
}  # fmt: skip


def read_increments(text: str) -> Increments:
    """A cell that holds all increments. Three parts are first/further/grace; with a 0 in front, what is free/first/further.

    Raises Invalid `bad_increment`.
    """
    match = _SHAPE.fullmatch(text.strip(" ()[]").replace("×", "x"))
    if match:
        parts = [int(part) for part in match.groups() if part and part.isdecimal()]
        if len(parts) == 3 and parts[0] == 0:
            parts = parts[1:]
        elif len(parts) == 3 and parts[2] == parts[1] and parts[0] >= parts[1]:
            parts = parts[:2]  # 60/60/60: the same interval on and on
        first, further = _seconds(parts[0], text), _seconds(parts[1], text)
        return Increments(first, further, parts[2] if len(parts) > 2 else None)
    one = read_seconds(text)
    return Increments(one, one)


def read_seconds(text: str, least: int = 1) -> int:
    """A cell that holds one number of seconds. Raises Invalid `bad_increment`."""
    match = _ONE.fullmatch(text.strip())
    if match:
        minutes = (match[2] or "").lower()[:1] in {"m", "м"}
        return _seconds(int(match[1]) * (60 if minutes else 1), text, least)
    seconds = _WORDS.get(plain(text))
    if seconds is None:
        raise _bad(text)
    return seconds


def _seconds(number: int, text: str, least: int = 1) -> int:
    if not least <= number <= INCREMENT_MAX:
        raise _bad(text)
    return number


def _bad(text: str) -> Invalid:
    return Invalid(
        "bad_increment", f"{text[:40]!r} is no billing increment.", hint="Write 60/60, 1/1 or a number of seconds."
    )

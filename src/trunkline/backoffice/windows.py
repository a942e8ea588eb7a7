"""Windows of a time profile as lines that people write: `weekdays 1-5; 08:00-18:00`.

A line is a window: parts with semicolons between them, each of which may be left out. `weekdays` (1 is Monday), `months`, `month_days` and
`years` are numbers and ranges with commas between them; the time of day is `from-to`, at most 24:00.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from trunkline.core.errors import Invalid

LISTS: Final = ("weekdays", "months", "month_days", "years")
_CLOCKS: Final = re.compile(r"([0-9:]+)\s*-\s*([0-9:]+)", re.ASCII)
_RANGE: Final = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", re.ASCII)


def read_windows(text: str) -> list[dict[str, Any]]:
    """The windows of those lines, in the JSON form that actions take. Raises Invalid `bad_time_window`, naming the line."""
    lines = enumerate(text.splitlines(), start=1)
    return [_window(line, number) for number, line in lines if line.strip()]


def windows_text(windows: Iterable[Mapping[str, Any]]) -> str:
    """The lines of windows in their JSON form."""
    return "\n".join(map(_line, windows))


def _window(line: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in filter(None, map(str.strip, line.split(";"))):
        name, _, rest = part.partition(" ")
        clocks = _CLOCKS.fullmatch(part)
        if clocks is not None and "from" not in found:
            found |= {"from": clocks[1], "to": clocks[2]}
        elif name in LISTS and name not in found:
            found[name] = _numbers(rest, number)
        else:
            raise _wrong(number, part)
    return found


def _numbers(text: str, line: int) -> list[int]:
    found: list[int] = []
    for part in map(str.strip, text.split(",")):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise _wrong(line, part)
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return found


def _wrong(line: int, part: str) -> Invalid:
    return Invalid(
        "bad_time_window",
        f"Line {line}: {part[:60]!r} says no days and no times.",
        hint="Write weekdays 1-5; 08:00-18:00.",
        line=line,
    )


def _line(window: Mapping[str, Any]) -> str:
    parts = [f"{name} {_ranges(window[name])}" for name in LISTS if window.get(name)]
    if window.get("from") or window.get("to"):
        parts.append(f"{_short(window.get('from') or '00:00')}-{_short(window.get('to') or '24:00')}")
    return "; ".join(parts) or "00:00-24:00"


def _short(clock: str) -> str:
    return clock.removesuffix(":00") if clock.count(":") == 2 else clock


def _ranges(numbers: Sequence[int]) -> str:
    runs = groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    ends = [[number for _, number in run] for _, run in runs]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ends)

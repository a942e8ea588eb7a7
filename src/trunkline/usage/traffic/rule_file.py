"""Traffic rules as CSV: one line a rule, one column a condition (docs/guide/traffic-rules.md). No database."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Final, TextIO

from trunkline.core.errors import Invalid
from trunkline.tariffs.rules import parse_instant
from trunkline.tariffs.source import text_of
from trunkline.usage.traffic.actions import BadLine, GivenRule, bad_lines
from trunkline.usage.traffic.kinds import RuleSide, Then
from trunkline.usage.traffic.rule import CONDITION_NAMES

COLUMNS: Final = (
    "name", "stage", "position", "side", "switch", "account", "valid_from", "valid_to", *CONDITION_NAMES, "actions", "then", "note",
)  # fmt: skip
REQUIRED: Final = ("name", "stage")
# What a spreadsheet would take for a formula is written behind an apostrophe, and read without it; what begins with apostrophes and goes on
# so gets one more, so that every text comes back as it was.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")


def read_rule_file(data: bytes, zone: tzinfo) -> list[tuple[int, GivenRule]]:
    """The rules of a file with the lines they begin in; plain dates are midnights of `zone`.

    Raises Invalid: `bad_encoding`, `bad_header`, `bad_rule_file` (names every line with a field too many or an instant or number that is none).
    """
    reader = csv.reader(io.StringIO(text_of(data).decode(), newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _check_header(names)
        found, problems = [], []
        line = reader.line_num + 1
        for cells in reader:
            try:
                if any(cell.strip() for cell in cells):
                    found.append((line, _rule(names, cells, zone)))
            except Invalid as error:
                problems.append(BadLine(line, error.code, str(error)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Invalid("bad_rule_file", f"The file is no CSV: {error}.") from error
    if problems:
        raise bad_lines(problems)
    return found


def _check_header(names: list[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    missing = [name for name in REQUIRED if name not in names]
    wrong = [f"unknown column {name!r}" for name in unknown] + [f"{name} twice" for name in twice]
    wrong += [f"no column {name}" for name in missing]
    if wrong:
        raise Invalid(
            "bad_header", f"The first line is wrong: {'; '.join(wrong)}.", hint=f"Columns: {', '.join(COLUMNS)}."
        )


def _rule(names: list[str], cells: list[str], zone: tzinfo) -> GivenRule:
    if len(cells) != len(names):
        raise Invalid("field_count", f"There are {len(cells)} values where the header has {len(names)}.")
    said = {name: _plain(cell.strip()) for name, cell in zip(names, cells, strict=True)}
    instants = {
        name: parse_instant(said[name], zone) if said.get(name) else None for name in ("valid_from", "valid_to")
    }
    return GivenRule(
        name=said["name"],
        stage=said["stage"].lower(),
        position=_whole(said.get("position", "")),
        side=said.get("side", "").lower() or RuleSide.BOTH,
        switch=said.get("switch", ""),
        account=said.get("account", ""),
        valid_from=instants["valid_from"],
        valid_to=instants["valid_to"],
        conditions={name: said[name] for name in CONDITION_NAMES if said.get(name)},
        actions=said.get("actions", ""),
        then=said.get("then", "").lower() or Then.CONTINUE,
        note=said.get("note", ""),
    )


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("rule_position", f"{text[:40]!r} is no position.", hint="Use a number from 0.")
    return int(text)


def write_rule_file(
    rules: Iterable[GivenRule], stream: TextIO, instant: Callable[[datetime | None], str | None]
) -> None:
    """Write rules as a file that `read_rule_file` reads to the same rules; `instant` writes an instant."""
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for rule in rules:
        plain = {name: getattr(rule, name) for name in COLUMNS if name not in CONDITION_NAMES}
        dates = {name: instant(getattr(rule, name)) or "" for name in ("valid_from", "valid_to")}
        cells = {**plain, **dates, **texts_of(rule.conditions)}
        writer.writerow({name: _cell(value) if isinstance(value, str) else value for name, value in cells.items()})


def _cell(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def texts_of(conditions: Mapping[str, object]) -> dict[str, str]:
    """Conditions as one text each, values with commas between them."""
    return {
        name: value if isinstance(value, str) else ",".join(map(str, value if isinstance(value, list) else [value]))
        for name, value in conditions.items()
    }

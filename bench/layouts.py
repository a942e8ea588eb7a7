"""How many made-up sheets in the 25 layouts found in the wild are read right without a hand, and how many wrong.

Read right: taken without a doubt, and every line says what was written: code, destination, prices, increments, dates, kind, time of day; the rows
that nobody can read are listed, no others. Read wrong: taken without a doubt, and anything differs. All else is *cannot tell*, which a person settles.
A sheet that is no rate sheet is read right if it is not taken for one.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_SCALE
from trunkline.pricing.sheets.reading import Reading, read_sheet
from trunkline.simulate.sheet_layouts import CATALOGUE, make_sheet
from trunkline.simulate.sheets import MadeSheet, Said

SEEDS = 100
RIGHT_MIN = 0.95
WRONG_MAX = 0.005
_PRICES = ("price", "price_first", "inter", "intra", "indeterminate")


def run(runs: int = SEEDS) -> dict[str, Any]:
    """Shares over all sheets, and by layout those that were not read right."""
    started = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(judge_seeds, [(layout, runs) for layout in CATALOGUE]))
    by_layout = dict(zip(CATALOGUE, outcomes, strict=True))
    total = Counter(each for outcome in outcomes for each, _ in outcome)
    count = total.total()
    wrong, right = total["wrong"] / count, total["right"] / count
    failing = {
        layout: dict(Counter(each for each, _ in outcome)) for layout, outcome in by_layout.items() if any(each != "right" for each, _ in outcome)
    }  # fmt: skip
    return {
        "sheets": count, "read_right": round(right, 4), "read_wrong": round(wrong, 4), "cannot_tell": round(total["cannot_tell"] / count, 4),
        "not_right_by_layout": failing, "seconds": round(time.perf_counter() - started, 1), "passed": right >= RIGHT_MIN and wrong < WRONG_MAX,
    }  # fmt: skip


def judge_seeds(given: tuple[str, int]) -> list[tuple[str, str]]:
    """The outcome of each seed of a layout, with the reason."""
    layout, runs = given
    return [judge(make_sheet(layout, seed)) for seed in range(runs)]


def judge(made: MadeSheet) -> tuple[str, str]:
    """`right`, `wrong` or `cannot_tell`, and why."""
    try:
        reading = read_sheet(made.data, made.name)
    except Invalid as error:
        return ("right", "") if not made.is_rates else ("cannot_tell", str(error))
    if not reading.layout.is_sure:
        said = (
            "; ".join(f"{each.doubt} {each.text}" for each in reading.layout.doubts)
            or f"confidence {reading.layout.confidence}"
        )
        return ("right", "") if not made.is_rates else ("cannot_tell", said)
    if not made.is_rates:
        return "wrong", "taken for a rate sheet"
    difference = differs(made, reading)
    return ("wrong", difference) if difference else ("right", "")


def differs(made: MadeSheet, reading: Reading) -> str:
    """The first difference between what was written and what was read; "" if there is none."""
    wanted = Counter(map(_said_key, made.said))
    got = Counter(_line_key(line, made) for line in reading.lines.to_pylist())
    if wanted != got:
        missing, more = list((wanted - got).elements()), list((got - wanted).elements())
        return f"{len(missing)} missing, {len(more)} more: {missing[:1]} {more[:1]}"
    errors = {error.line for error in reading.errors}
    return f"errors {sorted(errors ^ made.errors)[:5]}" if errors != made.errors else ""


def _name(text: str | None) -> str:
    return re.sub(r"\W+", " ", text or "").strip().casefold()


def _said_key(said: Said) -> tuple[Any, ...]:
    prices = tuple(None if (value := getattr(said, name)) is None else int(value * PRICE_SCALE) for name in _PRICES)
    setup = int((said.setup or 0) * PRICE_SCALE) if said.kind == "rate" else 0
    return (
        said.code,
        _name(said.name),
        *prices,
        setup,
        said.first,
        said.interval,
        said.valid_from,
        said.valid_to,
        said.kind,
        said.slot,
    )


def _line_key(line: dict[str, Any], made: MadeSheet) -> tuple[Any, ...]:
    prices = tuple(line[name] for name in _PRICES)
    return (
        line["code"], _name(line["destination"]), *prices, line["setup"] or 0, line["first"], line["interval"], line["valid_from"], line["valid_to"],
        line["kind"], line["slot"],
    )  # fmt: skip

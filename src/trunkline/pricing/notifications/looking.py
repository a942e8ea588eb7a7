"""What to look at before a notification is sent: what its file cannot say, or does not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.engine.units import Unit
from trunkline.pricing.notifications.columns import Column, FileForm
from trunkline.pricing.notifications.said import say_steps
from trunkline.pricing.notifications.writing import About, rows_of, status_of

WARN: Final = "warn"
STOP: Final = "stop"
SHOWN_CODES: Final = 5
# Columns whose cells differ between rows of one destination without the prices contradicting each other.
_OF_A_ROW: Final = frozenset({Column.STATUS, Column.PREVIOUS, Column.DIFFERENCE, Column.END})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: `level` is warn or stop, `lines` how many are concerned, `text` a sentence."""

    check: str
    level: str
    lines: int
    text: str

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)


def look(news: pa.Table, form: FileForm, about: About) -> list[Finding]:
    """What to look at, what stops it first."""
    priced = news.filter(pc.invert(pc.or_(news["is_closed"], news["blocked"])))
    found = [_untold(priced, about.unit), *_left_out(priced, form), _conditions(news), _no_code(news, form)]
    if not form.has(Column.CODE) and not (found[0] and found[0].level == STOP):
        found.insert(0, _disagreement(news, form, about))
    return sorted((each for each in found if each), key=lambda each: each.level != STOP)


def count_statuses(news: pa.Table) -> dict[str, int]:
    """How many lines have each status; those that none has are missing."""
    counts: dict[str, int] = {}
    few = (
        news.select(["kind", "is_closed", "blocked"])
        .group_by(["kind", "is_closed", "blocked"])
        .aggregate([([], "count_all")])
    )
    for row in few.to_pylist():
        word = status_of(row)
        counts[word] = counts.get(word, 0) + row["count_all"]
    return counts


def _untold(priced: pa.Table, unit: Unit) -> Finding | None:
    encoded = priced["steps"].combine_chunks().dictionary_encode()
    bad = [place for place, text in enumerate(encoded.dictionary.to_pylist()) if _reason(text, unit)]
    if not bad:
        return None
    rows = np.flatnonzero(np.isin(encoded.indices.to_numpy(zero_copy_only=False), bad))
    why = _reason(encoded.dictionary[bad[0]].as_py(), unit)
    return Finding("cannot_be_told", STOP, len(rows), f"{why} Codes: {_codes(priced.take(pa.array(rows)))}.")


def _reason(text: str, unit: Unit) -> str:
    try:
        say_steps(text, unit)
    except Invalid as error:
        return str(error)
    return ""


def _left_out(priced: pa.Table, form: FileForm) -> list[Finding]:
    """Values of rates for which the file has no column."""
    is_by_second = pc.equal(priced["steps"], "")
    for text in pc.unique(priced["steps"]).to_pylist():
        if text.endswith("/1") and ";" not in text:
            is_by_second = pc.or_(is_by_second, pc.equal(priced["steps"], text))
    told = {
        "a setup fee": (pc.not_equal(priced["setup_fee"], "0"), (Column.SETUP,)),
        "a grace": (pc.greater(priced["grace"], 0), (Column.GRACE,)),
        "a time profile": (pc.is_valid(priced["time_profile"]), (Column.PROFILE,)),
        "an origin": (pc.is_valid(priced["origin"]), (Column.ORIGIN,)),
        "increments other than 1/1": (pc.invert(is_by_second), (Column.INCREMENTS, Column.MINIMUM)),
    }
    found = []
    for what, (where, columns) in told.items():
        count = int(pc.sum(where).as_py() or 0)
        if count and not form.has(*columns):
            text = f"{count} rates have {what}, and the file has no column {columns[0]}."
            found.append(Finding(f"no_{columns[0]}", WARN, count, text))
    return found


def _conditions(news: pa.Table) -> Finding | None:
    where = pc.or_(pc.is_valid(news["tag"]), pc.or_(pc.is_valid(news["length_min"]), pc.is_valid(news["length_max"])))
    where = pc.or_(where, news["additive"])
    count = int(pc.sum(where).as_py() or 0)
    if not count:
        return None
    text = f"{count} rates hold only for calls with a tag or a length of number, or are added to others; the file does not say so."
    return Finding("conditions", WARN, count, text)


def _no_code(news: pa.Table, form: FileForm) -> Finding | None:
    count = int(pc.sum(pc.equal(news["code"], "")).as_py() or 0)
    if not count or not form.has(Column.CODE):
        return None
    return Finding("every_number", WARN, count, f"{count} rates are for every number; their cell of the code is empty.")


def _disagreement(news: pa.Table, form: FileForm, about: About) -> Finding | None:
    """Of a price list by name: destinations whose codes do not all have the same price."""
    kept = [place for place, (column, _) in enumerate(form.columns) if column not in _OF_A_ROW]
    told = [place for place in kept if form.columns[place][0] in (Column.DESTINATION, Column.EFFECTIVE, Column.PROFILE)]
    first: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    wrong: dict[str, None] = {}
    for row in rows_of(news, form, about):
        said = tuple(row[place] for place in kept)
        if first.setdefault(tuple(row[place] for place in told), said) != said:
            wrong[str(row[told[0]] if told else "")] = None
    if not wrong:
        return None
    names = ", ".join(list(wrong)[:SHOWN_CODES])
    text = (
        f"Codes of one destination have different prices, and the file has no codes: {names}. Add the column of codes."
    )
    return Finding("names_disagree", STOP, len(wrong), text)


def _codes(rates: pa.Table) -> str:
    codes = rates["code"].slice(0, SHOWN_CODES).to_pylist()
    return ", ".join(codes) + (" and more" if len(rates) > SHOWN_CODES else "")

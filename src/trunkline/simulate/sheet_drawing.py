"""What the layouts of made-up rate sheets share: how one sheet writes, rows that are spoiled, what each row says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from trunkline.simulate import sheet_words as words
from trunkline.simulate.sheets import (
    DATE_FORMS,
    DAY_FIRST_FORMS,
    Body,
    Cell,
    MadeSheet,
    Row,
    Said,
    Style,
    code_text,
    date_text,
    decorate,
    draw_dates,
    draw_rows,
    header,
    increment_text,
    price_text,
    said_of,
    write,
)  # fmt: skip

LAYOUTS: dict[str, Callable[[Random], MadeSheet]] = {}


def layout(make: Callable[[Random], MadeSheet]) -> Callable[[Random], MadeSheet]:
    """Puts a layout into the list under its name."""
    LAYOUTS[make.__name__] = make
    return make


def draw_style(rng: Random, **fixed: Any) -> Style:
    """A way of writing, drawn at random; what is named is fixed."""
    style = Style(rng)
    style.kind = rng.choice(("csv", "csv", "xlsx"))
    style.delimiter = rng.choice((",", ",", ";", "\t", "|"))
    style.encoding = rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16"))
    style.language = rng.choice(("en", "en", "en", "en", "de", "fr", "es", "it", "pt", "ru", "pl"))
    style.decimals = rng.choice((4, 4, 5, 6))
    style.currency = rng.choice(("USD", "USD", "EUR", "GBP"))
    style.sign = rng.choice(("", "", "", "", "$"))
    style.code_form = rng.choice(("plain", "plain", "plain", "plus", "zeros", "apostrophe", "number", "formula"))
    style.date_form = rng.choice(DATE_FORMS)
    for name, value in fixed.items():
        setattr(style, name, value)
    if style.language in words.DAY_FIRST_LANGUAGES:
        style.date_form = fixed.get("date_form", rng.choice(DAY_FIRST_FORMS))
        style.comma = fixed.get("comma", rng.random() < 0.5)
        style.sign = ""
        if style.comma:
            style.delimiter = fixed.get("delimiter", rng.choice((";", ";", "\t", "|")))
    elif style.sign:
        style.currency = "USD"
    if style.kind == "csv" and style.date_form == "cell":
        style.date_form = "%Y-%m-%d"
    return style


def finish(layout: str, body: Body, said: list[Said], bad: set[int] | None = None, **more: Any) -> MadeSheet:
    """The file of a body, with what it says."""
    data = write(body)
    errors = frozenset(body.lines[number] for number in bad or ())
    return MadeSheet(
        layout,
        f"{body.style.rng.choice(('rates', 'RateSheet_2027', 'pricelist', 'offer'))}.{body.style.kind}",
        data,
        tuple(said),
        errors,
        **more,
    )


def spoil(body: Body, rng: Random) -> set[int]:
    """Blocked, closed and unreadable rows among the others; returns the numbers of those nobody can read."""
    bad: set[int] = set()
    for number, row in enumerate(body.rows):
        chance = rng.random()
        if chance < 0.02:
            row.kind, row.more["word"] = "blocked", rng.choice(("Blocked", "N/A", "blocked", "BLOCKED"))
        elif chance < 0.03:
            row.kind, row.more["word"] = "closed", rng.choice(("Closed", "closed", "Deleted"))
        elif chance < 0.04:
            row.more["word"] = rng.choice(("", "see note", "tba soon"))
            bad.add(number)
    return bad


def priced(style: Style) -> Callable[[Row], Cell]:
    """The price column of a sheet with spoiled rows."""
    return lambda row: row.more["word"] if "word" in row.more else price_text(style, row.price)


def all_said(body: Body, bad: set[int], more: Callable[[Row], dict[str, Any]] = lambda row: {}) -> list[Said]:
    """What all rows say that somebody can read."""
    return [said for number, row in enumerate(body.rows) if number not in bad for said in said_of(row, **more(row))]


def pair(row: Row) -> dict[str, Any]:
    """Both intervals, for a sheet that says them."""
    return {"first": row.first, "interval": row.interval}


def dated(rng: Random, body: Body) -> list[datetime]:
    """Gives each row one of the days of the sheet, and returns these."""
    dates = draw_dates(rng)
    for row in body.rows:
        row.valid_from = rng.choice(dates)
    return dates


def general(
    rng: Random, layout: str, *, split: bool = False, increment: bool = False, expiry: bool = False, change: bool = False, effective: bool = True, several: bool = False,
    **fixed: Any,
) -> MadeSheet:  # fmt: skip
    """Names, codes, prices and what else is asked for, with spoiled rows among them."""
    style = draw_style(rng, **fixed)
    if split:
        style.language, style.comma = "en", False
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250), several=several))
    in_title = effective and rng.random() < 0.25
    dates = dated(rng, body)
    body.columns = [
        (header(style, "name"), lambda r: r.name), (header(style, "code"), lambda r: code_text(style, r.codes)), (header(style, "price"), priced(style)),
    ]  # fmt: skip
    if in_title:
        for row in body.rows:
            row.valid_from = dates[0]
    elif effective:
        body.columns.append((header(style, "effective"), lambda r: date_text(style, r.valid_from)))
    else:
        for row in body.rows:
            row.valid_from = None
    ends: dict[int, datetime] = {}
    if expiry and not in_title:
        for row in body.rows:
            if rng.random() < 0.1 and row.valid_from:
                ends[id(row)] = row.valid_from + timedelta(days=90)
        body.columns.append((header(style, "expiry"), lambda r: date_text(style, ends.get(id(r)))))
    if split:
        body.columns += [
            (header(style, "first"), lambda r: str(r.first)),
            (header(style, "interval"), lambda r: str(r.interval)),
        ]
    elif increment:
        body.columns.append((header(style, "increment"), lambda r: increment_text(style, r)))
    if change:
        body.columns.append((header(style, "change"), lambda r: rng.choice(words.CHANGE_WORDS)))
    bad = spoil(body, rng)
    decorate(body, effective=dates[0], in_title=in_title)
    return finish(
        layout,
        body,
        all_said(body, bad, lambda r: (pair(r) if split or increment else {}) | {"valid_to": ends.get(id(r))}),
        bad,
    )

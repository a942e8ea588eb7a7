"""The 25 layouts of rate sheets found in the wild, each drawn at random: titles, blank rows, order of columns, synonyms, forms of dates."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

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
    draw_american,
    draw_dates,
    draw_rows,
    header,
    increment_text,
    price_text,
    said_of,
    write,
    write_csv,
)  # fmt: skip

LAYOUTS: dict[str, Callable[[Random], MadeSheet]] = {}


def make_sheet(layout: str, seed: int) -> MadeSheet:
    """A sheet in that layout; the same seed gives the same one."""
    return LAYOUTS[layout](Random(f"{layout} {seed}"))


def _layout(make: Callable[[Random], MadeSheet]) -> Callable[[Random], MadeSheet]:
    LAYOUTS[make.__name__] = make
    return make


def _style(rng: Random, **fixed: Any) -> Style:
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


def _made(layout: str, body: Body, said: list[Said], bad: set[int] | None = None, **more: Any) -> MadeSheet:
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


def _spoil(body: Body, rng: Random) -> set[int]:
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


def _priced(style: Style) -> Callable[[Row], Cell]:
    return lambda row: row.more["word"] if "word" in row.more else price_text(style, row.price)


def _all_said(body: Body, bad: set[int], more: Callable[[Row], dict[str, Any]] = lambda row: {}) -> list[Said]:
    return [said for number, row in enumerate(body.rows) if number not in bad for said in said_of(row, **more(row))]


def _pair(row: Row) -> dict[str, Any]:
    return {"first": row.first, "interval": row.interval}


@_layout
def callwithus_us48_npanxxy(rng: Random) -> MadeSheet:
    style = _style(
        rng, kind="csv", delimiter=";", language="en", code_form="plain", sign="", comma=False, encoding="utf-8"
    )
    rows = draw_american(rng, rng.randrange(60, 200), 7, "1")
    for row in rows:
        row.more["intra"] = row.price * rng.choice((1, 2))
    body = Body(style, [], rows, has_header=False)
    body.columns = [
        ("", lambda r: r.codes[0]), ("", lambda r: r.name), ("", lambda r: price_text(style, r.price)), ("", lambda r: price_text(style, r.more["intra"])),
        ("", lambda r: str(r.first)), ("", lambda r: str(r.interval)),
    ]  # fmt: skip
    body.blank_share = rng.choice((0, 0, 0.03))
    return _made(
        "callwithus_us48_npanxxy",
        body,
        _all_said(body, set(), lambda r: _pair(r) | {"price": None, "inter": r.price, "intra": r.more["intra"]}),
    )


@_layout
def callwithus_intl(rng: Random) -> MadeSheet:
    return _headless(rng, "callwithus_intl", 0)


@_layout
def callwithus_per_trunk(rng: Random) -> MadeSheet:
    return _headless(rng, "callwithus_per_trunk", 2)


def _headless(rng: Random, layout: str, trailing: int) -> MadeSheet:
    style = _style(
        rng, kind="csv", delimiter=";", language="en", code_form="plain", sign="", comma=False, encoding="utf-8"
    )
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 300)), has_header=False)
    body.columns = [
        ("", lambda r: r.codes[0]), ("", lambda r: r.name), ("", lambda r: price_text(style, r.price)), ("", lambda r: str(r.first)), ("", lambda r: str(r.interval)),
    ]  # fmt: skip
    trunk = rng.randrange(1, 30)
    body.columns += [("", lambda r: str(trunk)), ("", lambda r: str(rng.randrange(3)))][:trailing]
    body.blank_share = rng.choice((0, 0, 0.03))
    return _made(layout, body, _all_said(body, set(), _pair))


@_layout
def prefix_jurisdiction_46labs(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", code_form="plain", comma=False, date_form=rng.choice(("%m/%d/%Y", "%Y-%m-%d")))
    return _american(rng, style, "prefix_jurisdiction_46labs", 6, "1", split=True)


def _american(rng: Random, style: Style, layout: str, digits: int, leading: str, *, split: bool) -> MadeSheet:
    dates = draw_dates(rng)
    body = Body(style, [], draw_american(rng, rng.randrange(60, 200), digits, leading))
    for row in body.rows:
        row.valid_from = dates[0] if rng.random() < 0.7 else rng.choice(dates)
        row.more |= {"intra": row.price * rng.choice((1, 2, 3)), "ij": row.price * 3}
    code = (
        rng.choice(("npanxx", "NPANXX", "NPA-NXX", "npanxx"))
        if not leading
        else rng.choice(("code", "Code", "Prefix", "Dial Code"))
    )
    body.columns = [
        (code, lambda r: r.codes[0]), (header(style, "inter"), lambda r: price_text(style, r.price)), (header(style, "intra"), lambda r: price_text(style, r.more["intra"])),
        (header(style, "ij"), lambda r: price_text(style, r.more["ij"])),
        (rng.choice(("effective_date", "Effective Date", "effective")), lambda r: date_text(style, r.valid_from)),
    ]  # fmt: skip
    if split:
        body.columns += [
            (rng.choice(("duration", "initial interval")), lambda r: str(r.first)),
            ("increment", lambda r: str(r.interval)),
        ]
    decorate(body, effective=dates[0])

    def more(r: Row) -> dict[str, Any]:
        said: dict[str, Any] = {
            "price": None,
            "inter": r.price,
            "intra": r.more["intra"],
            "indeterminate": r.more["ij"],
        }
        return said | (_pair(r) if split else {})

    said = [
        replace(each, code=each.code if leading else f"1{each.code}", name=None)
        for each in _all_said(body, set(), more)
    ]
    return _made(layout, body, said)


@_layout
def npanxx_combined(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", code_form="plain", comma=False, date_form=rng.choice(("%m/%d/%Y", "%Y-%m-%d")))
    if rng.random() < 0.7:
        return _american(rng, style, "npanxx_combined", 6, "", split=False)
    dates = draw_dates(rng)
    body = Body(style, [], draw_american(rng, rng.randrange(60, 200), 6, ""))
    for row in body.rows:
        row.valid_from = dates[0]
        row.more["intra"] = row.price * 2
    body.columns = [
        ("npa", lambda r: r.codes[0][:3]), ("nxx", lambda r: r.codes[0][3:]), (header(style, "inter"), lambda r: price_text(style, r.price)),
        (header(style, "intra"), lambda r: price_text(style, r.more["intra"])), (header(style, "effective"), lambda r: date_text(style, r.valid_from)),
    ]  # fmt: skip
    decorate(body)
    said = _all_said(body, set(), lambda r: {"price": None, "inter": r.price, "intra": r.more["intra"]})
    return _made("npanxx_combined", body, [replace(each, code=f"1{each.code}", name=None) for each in said])


def _dated(rng: Random, body: Body) -> list[datetime]:
    dates = draw_dates(rng)
    for row in body.rows:
        row.valid_from = rng.choice(dates)
    return dates


@_layout
def flowroute_current(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", date_form=rng.choice(("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")))
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    _dated(rng, body)
    body.columns = [
        ("Destination", lambda r: r.name), ("Prefix", lambda r: code_text(style, r.codes)), (header(style, "first"), lambda r: str(r.first)),
        (header(style, "interval"), lambda r: str(r.interval)), ("Default", lambda r: price_text(style, r.price)), (header(style, "inter"), lambda r: price_text(style, r.price)),
        (header(style, "intra"), lambda r: price_text(style, r.price)), ("Status", lambda r: "Current"), ("Start Date", lambda r: date_text(style, r.valid_from)),
    ]  # fmt: skip
    decorate(body)
    return _made(
        "flowroute_current", body, _all_said(body, set(), lambda r: _pair(r) | {"inter": r.price, "intra": r.price})
    )


@_layout
def flowroute_2010(rng: Random) -> MadeSheet:
    return _general(rng, "flowroute_2010", split=True, expiry=True, change=True)


def _general(
    rng: Random, layout: str, *, split: bool = False, increment: bool = False, expiry: bool = False, change: bool = False, effective: bool = True, several: bool = False,
    **fixed: Any,
) -> MadeSheet:  # fmt: skip
    """Names, codes, prices and what else is asked for, with spoiled rows among them."""
    style = _style(rng, **fixed)
    if split:
        style.language, style.comma = "en", False
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250), several=several))
    in_title = effective and rng.random() < 0.25
    dates = _dated(rng, body)
    body.columns = [
        (header(style, "name"), lambda r: r.name), (header(style, "code"), lambda r: code_text(style, r.codes)), (header(style, "price"), _priced(style)),
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
    bad = _spoil(body, rng)
    decorate(body, effective=dates[0], in_title=in_title)
    return _made(
        layout,
        body,
        _all_said(body, bad, lambda r: (_pair(r) if split or increment else {}) | {"valid_to": ends.get(id(r))}),
        bad,
    )


@_layout
def dnl_class4(rng: Random) -> MadeSheet:
    style = _style(
        rng,
        language="en",
        code_form="plain",
        comma=False,
        sign="",
        date_form=rng.choice(("%Y-%m-%d", "%Y-%m-%d %H:%M:%S")),
    )
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    _dated(rng, body)
    fee = rng.choice((Decimal(0), Decimal("0.01")))
    body.columns = [
        ("rate_id", lambda r: str(rng.randrange(10**6))), ("rate_table_id", lambda r: "114"), ("code", lambda r: r.codes[0]), ("rate", lambda r: price_text(style, r.price)),
        ("setup_fee", lambda r: price_text(style, fee)), ("effective_date", lambda r: date_text(style, r.valid_from)), ("end_date", lambda r: ""),
        ("min_time", lambda r: str(r.first)), ("grace_time", lambda r: "0"), ("interval", lambda r: str(r.interval)), ("time_profile_id", lambda r: ""),
    ]  # fmt: skip
    decorate(body)
    return _made(
        "dnl_class4",
        body,
        [replace(each, name=None) for each in _all_said(body, set(), lambda r: _pair(r) | {"setup": fee})],
    )


@_layout
def tcxc(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False)
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    at_once = rng.random() < 0.4
    _dated(rng, body)
    for row in body.rows:
        row.valid_from = None if at_once else row.valid_from
        chance = rng.random()
        row.kind = "blocked" if chance < 0.03 else "closed" if chance < 0.05 else "rate"
    mark = rng.choice(("1", "Yes", "Y"))
    body.columns = [
        ("Country", lambda r: ""), ("Description", lambda r: r.name), ("Prefix", lambda r: code_text(style, r.codes)),
        ("Effective from", lambda r: rng.choice(("ASAP", "asap")) if at_once else date_text(style, r.valid_from)), ("Rate Id", lambda r: str(rng.randrange(10**5))),
        ("Forbidden", lambda r: mark if r.kind == "blocked" else ""), ("Discontinued", lambda r: mark if r.kind == "closed" else ""),
        ("Price 1", lambda r: price_text(style, r.price)), ("Price N", lambda r: price_text(style, r.price)), ("Interval 1", lambda r: str(r.first)),
        ("Interval N", lambda r: str(r.interval)),
    ]  # fmt: skip
    decorate(body)
    return _made(
        "tcxc",
        body,
        _all_said(body, set(), lambda r: _pair(r) | {"price_first": r.price if r.kind == "rate" else None}),
    )


@_layout
def bi_type_city_codes(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, date_form=rng.choice(("%d-%b-%y", "%d-%b-%Y", "%Y-%m-%d")))
    rows = [row for row in draw_rows(rng, rng.randrange(80, 300)) if len(row.codes[0]) > len(row.country)]
    body = Body(style, [], rows)
    dates = _dated(rng, body)
    body.columns = [
        (header(style, "name"), lambda r: r.name), (rng.choice(("City Code(s)", "City Codes", "City Code")), lambda r: f"{r.country}-{r.codes[0][len(r.country) :]}"),
        (header(style, "price"), lambda r: price_text(style, r.price)), (header(style, "effective"), lambda r: date_text(style, r.valid_from)),
        ("Comments", lambda r: rng.choice(words.CHANGE_WORDS)), ("BI Type", lambda r: f"{r.first}/{r.interval}"),
        ("BI Effective Date", lambda r: date_text(style, dates[0] - timedelta(days=60))), ("Service Level", lambda r: "Premium"),
    ]  # fmt: skip
    decorate(body)
    return _made("bi_type_city_codes", body, _all_said(body, set(), _pair))


@_layout
def eu_semicolon_decimal_comma(rng: Random) -> MadeSheet:
    style = _style(
        rng, kind="csv", delimiter=";", language=rng.choice(("en", "de", "es", "fr", "it")), comma=True, sign=rng.choice(("", "", "€ ")), currency="EUR", code_form="plain",
        date_form=rng.choice(("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")), encoding=rng.choice(("utf-8", "cp1252", "utf-8-sig")),
    )  # fmt: skip
    rows = [
        row
        for row in draw_rows(rng, rng.randrange(60, 250), several=True)
        if all(len(code) > len(row.country) for code in row.codes)
    ]
    body = Body(
        style, [], [row for row in rows if row.name.encode(style.encoding, "ignore").decode(style.encoding) == row.name]
    )
    _dated(rng, body)

    def area(row: Row) -> str:
        return ", ".join(code[len(row.country) :] for code in row.codes)

    body.columns = [
        (header(style, "name"), lambda r: r.name), (header(style, "country_code"), lambda r: r.country), (header(style, "area_code"), area),
        (header(style, "old"), lambda r: price_text(style, r.price * 2)), (header(style, "new"), lambda r: price_text(style, r.price)),
        (header(style, "effective"), lambda r: date_text(style, r.valid_from)), (header(style, "increment"), lambda r: increment_text(style, r)),
    ]  # fmt: skip
    decorate(body, says_currency=False)
    return _made("eu_semicolon_decimal_comma", body, _all_said(body, set(), _pair))


@_layout
def peak_offpeak(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False)
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    body.columns = [
        (header(style, "code"), lambda r: code_text(style, r.codes)), (header(style, "peak"), lambda r: price_text(style, r.price)),
        (header(style, "offpeak"), lambda r: price_text(style, r.price / 2)),
    ]  # fmt: skip
    style.decimals = 5
    decorate(body)
    said = [replace(each, name=None) for each in _all_said(body, set())]
    said = [
        each
        for one in said
        for each in (
            replace(one, slot="peak"),
            replace(one, slot="off_peak", price=one.price / 2 if one.price else None),
        )
    ]
    return _made("peak_offpeak", body, said)


@_layout
def code_range(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, code_form="plain")
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    taken = {row.codes[0] for row in body.rows}
    as_range = rng.random() < 0.5
    for row in body.rows:
        code = row.codes[0]
        following = (
            [str(int(code) + step) for step in range(rng.randrange(1, 9 - int(code[-1])))] if code[-1] < "8" else [code]
        )
        # What both a range and a country with a city could be is left to the sheets that say which.
        if as_range and len(code) > 3 and code[0] != "1" and not taken & set(following[1:]):
            taken.update(following)
            row.codes = following
            last = following[-1] if rng.random() < 0.7 else following[-1][-1]
            row.more["text"] = f"{code}-{last}" if len(following) > 1 else code
        elif not as_range and len(code) > len(row.country):
            row.more["text"] = f"{row.country}-{code[len(row.country) :]}"
    body.columns = [
        (header(style, "code"), lambda r: r.more.get("text") or r.codes[0]),
        (header(style, "price"), lambda r: price_text(style, r.price)),
    ]
    decorate(body)
    return _made("code_range", body, [replace(each, name=None) for each in _all_said(body, set())])


@_layout
def pulse(rng: Random) -> MadeSheet:
    return _general(rng, "pulse", increment=True, effective=False, kind=rng.choice(("xlsx", "xlsx", "csv")))


@_layout
def astpp_import(rng: Random) -> MadeSheet:
    style = _style(
        rng, kind="csv", delimiter=",", language="en", code_form="plain", sign="", comma=False, encoding="utf-8"
    )
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)), has_header=False)
    fee, included = Decimal(rng.choice(("0.1", "0.02", "0"))), rng.choice((0, 15, 30))
    body.columns = [
        ("", lambda r: r.codes[0]), ("", lambda r: r.name), ("", lambda r: price_text(style, fee)), ("", lambda r: str(included)), ("", lambda r: price_text(style, r.price)),
        ("", lambda r: str(r.interval)), ("", lambda r: "0"), ("", lambda r: "0"), ("", lambda r: "0"),
    ]  # fmt: skip
    return _made(
        "astpp_import",
        body,
        _all_said(body, set(), lambda r: {"setup": fee, "first": r.interval, "interval": r.interval}),
    )


@_layout
def astpp_table(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, sign="")
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    body.columns = [
        ("pattern", lambda r: f"^{r.codes[0]}.*"), ("comment", lambda r: r.name), ("connectcost", lambda r: price_text(style, Decimal(0))), ("includedseconds", lambda r: "0"),
        ("cost", lambda r: price_text(style, r.price)), ("inc", lambda r: str(r.interval)), ("strip", lambda r: ""), ("prepend", lambda r: ""), ("precedence", lambda r: "0"),
    ]  # fmt: skip
    if rng.random() < 0.5:
        body.columns.insert(0, ("id", lambda r: str(rng.randrange(1, 10**5))))
    return _made(
        "astpp_table",
        body,
        _all_said(body, set(), lambda r: {"setup": Decimal(0), "first": r.interval, "interval": r.interval}),
    )


@_layout
def ivozprovider(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, sign="", code_form="plus")
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    fee = Decimal(rng.choice(("0", "0.05")))
    body.columns = [
        ("Target Pattern Name", lambda r: r.name), ("Prefix", lambda r: code_text(style, r.codes)), ("Per minute charge", lambda r: price_text(style, r.price)),
        ("Connection charge", lambda r: price_text(style, fee)), ("Charge period", lambda r: str(r.interval)),
    ]  # fmt: skip
    decorate(body)
    return _made(
        "ivozprovider",
        body,
        _all_said(body, set(), lambda r: {"setup": fee, "first": r.interval, "interval": r.interval}),
    )


@_layout
def freeside_import(rng: Random) -> MadeSheet:
    style = _style(
        rng, kind="csv", delimiter=",", language="en", code_form="plain", sign="", comma=False, encoding="utf-8"
    )
    rows = [
        row
        for row in draw_rows(rng, rng.randrange(60, 250), several=True)
        if all(len(code) > len(row.country) for code in row.codes)
    ]
    body = Body(style, [], rows, has_header=False)
    body.columns = [
        ("", lambda r: r.name), ("", lambda r: f"{r.country} " + ",".join(code[len(r.country) :] for code in r.codes)), ("", lambda r: price_text(style, r.price)),
    ]  # fmt: skip
    return _made("freeside_import", body, _all_said(body, set()))


@_layout
def kazoo(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, sign="", code_form=rng.choice(("plain", "plus")))
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    fee = Decimal(rng.choice(("0", "0.01")))
    body.columns = [
        ("account_id", lambda r: "4f3a0c"), ("description", lambda r: r.name), ("direction", lambda r: rng.choice(("outbound", ""))), ("iso_country_code", lambda r: "US"),
        ("prefix", lambda r: code_text(style, r.codes)), ("pvt_rate_cost", lambda r: price_text(style, r.price / 2)), ("pvt_rate_surcharge", lambda r: "0"),
        ("rate_cost", lambda r: price_text(style, r.price)), ("rate_increment", lambda r: str(r.interval)), ("rate_minimum", lambda r: str(r.first)),
        ("rate_name", lambda r: f"r{r.codes[0]}"), ("rate_nocharge_time", lambda r: "0"), ("rate_surcharge", lambda r: price_text(style, fee)), ("ratedeck", lambda r: "default"),
        ("weight", lambda r: "40"),
    ]  # fmt: skip
    style.decimals = 5
    decorate(body)
    return _made("kazoo", body, _all_said(body, set(), lambda r: _pair(r) | {"setup": fee}))


@_layout
def country_peak(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, sign="")
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    bad = _spoil(body, rng)
    slots = rng.choice((("peak",), ("peak", "off_peak")))
    rows = []
    for row in body.rows:
        for slot in slots:
            rows.append(replace(row, more=row.more | {"slot": slot}))
    numbers = {number * len(slots) + n for number in bad for n in range(len(slots))}
    body.rows = rows
    shown = rng.choice(({"peak": "peak", "off_peak": "offpeak"}, {"peak": "Peak", "off_peak": "Off-Peak"}))
    body.columns = [
        ("Country", lambda r: r.name), ("Code", lambda r: code_text(style, r.codes)), ("Initial Rate per Minute", _priced(style)), ("Increment Rate Per Minute", _priced(style)),
        ("Time Of Day", lambda r: shown[r.more["slot"]]),
    ]  # fmt: skip
    decorate(body)
    said = _all_said(
        body, numbers, lambda r: {"price_first": r.price if r.kind == "rate" else None, "slot": r.more["slot"]}
    )
    return _made("country_peak", body, said, numbers)


@_layout
def name_only(rng: Random) -> MadeSheet:
    style = _style(rng, kind="csv", delimiter="\t", language="en", comma=False, sign="", encoding="utf-8")
    rows = draw_rows(rng, rng.randrange(60, 200))
    names: dict[str, Row] = {}
    for row in rows:
        names.setdefault(row.name, row)
    body = Body(style, [], [])
    for row in names.values():
        for slot in rng.choice((("flat",), ("peak", "off_peak"))):
            body.rows.append(replace(row, more={"slot": slot}))
    body.columns = [
        ("id", lambda r: r.name),
        ("traffic_direction", lambda r: "outbound"),
        ("rate", lambda r: price_text(style, r.price)),
        ("time_slot", lambda r: r.more["slot"]),
    ]
    said = [
        replace(each, code=None)
        for each in _all_said(body, set(), lambda r: {"slot": "" if r.more["slot"] == "flat" else r.more["slot"]})
    ]
    return _made("name_only", body, said)


@_layout
def price_range(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, sign="$", code_form="plain", decimals=4)
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 200)))
    bad = {number for number in range(len(body.rows)) if rng.random() < 0.2}
    for number in bad:
        body.rows[number].more["word"] = f"${body.rows[number].price:.3f}-${body.rows[number].price * 2:.3f}"
    body.columns = [
        ("Continent", lambda r: "Europe"), ("Country", lambda r: r.name), ("Country Code", lambda r: f"(+{r.country}-{r.codes[0][len(r.country) :]})".replace("-)", ")")),
        ("Price/Minute", _priced(style)), ("Deselect Continent", lambda r: ""),
    ]  # fmt: skip
    decorate(body)
    return _made("price_range", body, _all_said(body, bad), bad)


@_layout
def cgrates_tp(rng: Random) -> MadeSheet:
    rows = draw_rows(rng, rng.randrange(30, 120), several=True)
    style = Style(rng)
    tags = {f"DST_{number}": row for number, row in enumerate(rows)}
    files: dict[str, list[list[Cell]]] = {
        "Destinations.csv": [["#Id", "Prefix"], *[[tag, code] for tag, row in tags.items() for code in row.codes]],
        "Rates.csv": [
            ["#Id", "ConnectFee", "Rate", "RateUnit", "RateIncrement", "GroupIntervalStart"],
            *[[f"RT_{tag}", "0", f"{row.price:f}", "60s", f"{row.interval}s", "0s"] for tag, row in tags.items()],
        ],
        "DestinationRates.csv": [
            ["#Id", "DestinationId", "RatesTag", "RoundingMethod", "RoundingDecimals", "MaxCost", "MaxCostStrategy"],
            *[["DR_1", tag, f"RT_{tag}", "*up", "4", "0", ""] for tag in tags],
        ],
        "RatingPlans.csv": [["#Id", "DestinationRatesId", "TimingTag", "Weight"], ["RP_1", "DR_1", "*any", "10"]],
        "RatingProfiles.csv": [["#Tenant", "Category", "Subject", "ActivationTime", "RatingPlanId", "RatesFallbackSubject"], ["cgrates.org", "call", "*any", "2027-01-01T00:00:00Z", "RP_1", ""]],
    }  # fmt: skip
    out = io.BytesIO()
    names = list(files)
    rng.shuffle(names)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, write_csv(files[name], style))
    said = [
        Said(code, tag, row.price, setup=Decimal(0), first=row.interval, interval=row.interval)
        for tag, row in tags.items()
        for code in row.codes
    ]
    return MadeSheet("cgrates_tp", "tariffplan.zip", out.getvalue(), tuple(said))


@_layout
def voiceflex_ppm(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, sign="", currency="GBP", decimals=3)
    names = {row.name: row for row in draw_rows(rng, rng.randrange(60, 200))}
    body = Body(style, [], list(names.values()))
    fee = Decimal(rng.choice(("0", "1.5")))
    for row in body.rows:
        row.price = Decimal(rng.randrange(50, 4_000)) / 100_000
    body.columns = [
        ("Destination", lambda r: r.name), ("Call cost (ppm)", lambda r: price_text(style, r.price * 100)), ("Base call cost (p)", lambda r: price_text(style, fee)),
    ]  # fmt: skip
    decorate(body, says_currency=False)
    return _made(
        "voiceflex_ppm",
        body,
        [replace(each, code=None) for each in _all_said(body, set(), lambda r: {"setup": fee / 100})],
    )


@_layout
def simwood_cdr_export(rng: Random) -> MadeSheet:
    style = _style(rng, language="en", comma=False, sign="")
    body = Body(style, [], draw_rows(rng, rng.randrange(40, 120)))
    fixed = {
        "Trunk": "T1",
        "Tag": "",
        "Date": "2027-01-05",
        "Time": "10:11:12",
        "Date/Time": "2027-01-05 10:11:12",
        "From (CLI)": "442079460000",
        "From (Descriptive)": "UK",
        "Currency": "GBP",
    }
    names = [
        "Reference", "Trunk", "Tag", "Date", "Time", "Date/Time", "From (CLI)", "From (Descriptive)", "To (Number)", "To (Descriptive)", "Destination ID", "Duration (Seconds) of Call",
        "Billable Duration (Seconds)", "Peak Duration", "Offpeak Duration", "Weekend Duration", "Peak Rate", "Offpeak Rate", "Weekend Rate", "Connection Rate", "Total Charge", "Currency",
    ]  # fmt: skip

    def of(name: str) -> Callable[[Row], Cell]:
        def render(row: Row) -> Cell:
            if name in fixed:
                return fixed[name]
            if name.startswith("To (N"):
                return row.codes[0] + "1234567"
            if name.startswith("To"):
                return row.name
            if "Duration" in name or name == "Destination ID":
                return str(rng.randrange(1, 600))
            return f"{row.codes[0]}x" if name == "Reference" else price_text(style, row.price)

        return render

    body.columns = [(name, of(name)) for name in names]
    decorate(body)
    return _made("simwood_cdr_export", body, [], is_rates=False)


CATALOGUE: Final = tuple(LAYOUTS)

"""Layouts of carriers' published sheets: American decks, A-Z lists, city codes, peak and off-peak."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from trunkline.simulate import sheet_words as words
from trunkline.simulate.sheet_drawing import (
    all_said,
    dated,
    draw_style,
    finish,
    general,
    layout,
    pair,
)
from trunkline.simulate.sheets import (
    Body,
    MadeSheet,
    Row,
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
)  # fmt: skip


@layout
def callwithus_us48_npanxxy(rng: Random) -> MadeSheet:
    style = draw_style(
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
    return finish(
        "callwithus_us48_npanxxy",
        body,
        all_said(body, set(), lambda r: pair(r) | {"price": None, "inter": r.price, "intra": r.more["intra"]}),
    )


@layout
def callwithus_intl(rng: Random) -> MadeSheet:
    return _headless(rng, "callwithus_intl", 0)


@layout
def callwithus_per_trunk(rng: Random) -> MadeSheet:
    return _headless(rng, "callwithus_per_trunk", 2)


def _headless(rng: Random, layout: str, trailing: int) -> MadeSheet:
    style = draw_style(
        rng, kind="csv", delimiter=";", language="en", code_form="plain", sign="", comma=False, encoding="utf-8"
    )
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 300)), has_header=False)
    body.columns = [
        ("", lambda r: r.codes[0]), ("", lambda r: r.name), ("", lambda r: price_text(style, r.price)), ("", lambda r: str(r.first)),
        ("", lambda r: str(r.interval)),
    ]  # fmt: skip
    trunk = rng.randrange(1, 30)
    body.columns += [("", lambda r: str(trunk)), ("", lambda r: str(rng.randrange(3)))][:trailing]
    body.blank_share = rng.choice((0, 0, 0.03))
    return finish(layout, body, all_said(body, set(), pair))


@layout
def prefix_jurisdiction_46labs(rng: Random) -> MadeSheet:
    style = draw_style(
        rng, language="en", code_form="plain", comma=False, date_form=rng.choice(("%m/%d/%Y", "%Y-%m-%d"))
    )
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
        (code, lambda r: r.codes[0]), (header(style, "inter"), lambda r: price_text(style, r.price)),
        (header(style, "intra"), lambda r: price_text(style, r.more["intra"])),
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
        return said | (pair(r) if split else {})

    said = [
        replace(each, code=each.code if leading else f"1{each.code}", name=None) for each in all_said(body, set(), more)
    ]
    return finish(layout, body, said)


@layout
def npanxx_combined(rng: Random) -> MadeSheet:
    style = draw_style(
        rng, language="en", code_form="plain", comma=False, date_form=rng.choice(("%m/%d/%Y", "%Y-%m-%d"))
    )
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
    said = all_said(body, set(), lambda r: {"price": None, "inter": r.price, "intra": r.more["intra"]})
    return finish("npanxx_combined", body, [replace(each, code=f"1{each.code}", name=None) for each in said])


@layout
def flowroute_current(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", date_form=rng.choice(("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")))
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    dated(rng, body)
    body.columns = [
        ("Destination", lambda r: r.name), ("Prefix", lambda r: code_text(style, r.codes)), (header(style, "first"), lambda r: str(r.first)),
        (header(style, "interval"), lambda r: str(r.interval)), ("Default", lambda r: price_text(style, r.price)),
        (header(style, "inter"), lambda r: price_text(style, r.price)),
        (header(style, "intra"), lambda r: price_text(style, r.price)), ("Status", lambda r: "Current"), ("Start Date", lambda r: date_text(style, r.valid_from)),
    ]  # fmt: skip
    decorate(body)
    return finish(
        "flowroute_current", body, all_said(body, set(), lambda r: pair(r) | {"inter": r.price, "intra": r.price})
    )


@layout
def flowroute_2010(rng: Random) -> MadeSheet:
    return general(rng, "flowroute_2010", split=True, expiry=True, change=True)


@layout
def dnl_class4(rng: Random) -> MadeSheet:
    style = draw_style(
        rng,
        language="en",
        code_form="plain",
        comma=False,
        sign="",
        date_form=rng.choice(("%Y-%m-%d", "%Y-%m-%d %H:%M:%S")),
    )
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    dated(rng, body)
    fee = rng.choice((Decimal(0), Decimal("0.01")))
    body.columns = [
        ("rate_id", lambda r: str(rng.randrange(10**6))), ("rate_table_id", lambda r: "114"), ("code", lambda r: r.codes[0]),
        ("rate", lambda r: price_text(style, r.price)),
        ("setup_fee", lambda r: price_text(style, fee)), ("effective_date", lambda r: date_text(style, r.valid_from)), ("end_date", lambda r: ""),
        ("min_time", lambda r: str(r.first)), ("grace_time", lambda r: "0"), ("interval", lambda r: str(r.interval)), ("time_profile_id", lambda r: ""),
    ]  # fmt: skip
    decorate(body)
    return finish(
        "dnl_class4",
        body,
        [replace(each, name=None) for each in all_said(body, set(), lambda r: pair(r) | {"setup": fee})],
    )


@layout
def tcxc(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False)
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    at_once = rng.random() < 0.4
    dated(rng, body)
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
    return finish(
        "tcxc",
        body,
        all_said(body, set(), lambda r: pair(r) | {"price_first": r.price if r.kind == "rate" else None}),
    )


@layout
def bi_type_city_codes(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, date_form=rng.choice(("%d-%b-%y", "%d-%b-%Y", "%Y-%m-%d")))
    rows = [row for row in draw_rows(rng, rng.randrange(80, 300)) if len(row.codes[0]) > len(row.country)]
    body = Body(style, [], rows)
    dates = dated(rng, body)
    body.columns = [
        (header(style, "name"), lambda r: r.name), (rng.choice(("City Code(s)", "City Codes", "City Code")),
        lambda r: f"{r.country}-{r.codes[0][len(r.country) :]}"),
        (header(style, "price"), lambda r: price_text(style, r.price)), (header(style, "effective"), lambda r: date_text(style, r.valid_from)),
        ("Comments", lambda r: rng.choice(words.CHANGE_WORDS)), ("BI Type", lambda r: f"{r.first}/{r.interval}"),
        ("BI Effective Date", lambda r: date_text(style, dates[0] - timedelta(days=60))), ("Service Level", lambda r: "Premium"),
    ]  # fmt: skip
    decorate(body)
    return finish("bi_type_city_codes", body, all_said(body, set(), pair))


@layout
def eu_semicolon_decimal_comma(rng: Random) -> MadeSheet:
    style = draw_style(
        rng, kind="csv", delimiter=";", language=rng.choice(("en", "de", "es", "fr", "it")), comma=True, sign=rng.choice(("", "", "€ ")),
        currency="EUR", code_form="plain",
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
    dated(rng, body)

    def area(row: Row) -> str:
        return ", ".join(code[len(row.country) :] for code in row.codes)

    body.columns = [
        (header(style, "name"), lambda r: r.name), (header(style, "country_code"), lambda r: r.country), (header(style, "area_code"), area),
        (header(style, "old"), lambda r: price_text(style, r.price * 2)), (header(style, "new"), lambda r: price_text(style, r.price)),
        (header(style, "effective"), lambda r: date_text(style, r.valid_from)), (header(style, "increment"), lambda r: increment_text(style, r)),
    ]  # fmt: skip
    decorate(body, says_currency=False)
    return finish("eu_semicolon_decimal_comma", body, all_said(body, set(), pair))


@layout
def peak_offpeak(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False)
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    body.columns = [
        (header(style, "code"), lambda r: code_text(style, r.codes)), (header(style, "peak"), lambda r: price_text(style, r.price)),
        (header(style, "offpeak"), lambda r: price_text(style, r.price / 2)),
    ]  # fmt: skip
    style.decimals = 5
    decorate(body)
    said = [replace(each, name=None) for each in all_said(body, set())]
    said = [
        each
        for one in said
        for each in (
            replace(one, slot="peak"),
            replace(one, slot="off_peak", price=one.price / 2 if one.price else None),
        )
    ]
    return finish("peak_offpeak", body, said)


@layout
def code_range(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, code_form="plain")
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
    return finish("code_range", body, [replace(each, name=None) for each in all_said(body, set())])


@layout
def pulse(rng: Random) -> MadeSheet:
    return general(rng, "pulse", increment=True, effective=False, kind=rng.choice(("xlsx", "xlsx", "csv")))

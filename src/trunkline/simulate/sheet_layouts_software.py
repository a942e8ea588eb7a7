"""Layouts of billing programs' files and of price lists on the web: ASTPP, ivozprovider, Freeside, Kazoo, CGRateS and others."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

from trunkline.simulate.sheet_drawing import (
    all_said,
    draw_style,
    finish,
    layout,
    pair,
    priced,
    spoil,
)
from trunkline.simulate.sheets import (
    Body,
    Cell,
    MadeSheet,
    Row,
    Said,
    Style,
    code_text,
    decorate,
    draw_rows,
    price_text,
    write_csv,
)  # fmt: skip


@layout
def astpp_import(rng: Random) -> MadeSheet:
    style = draw_style(
        rng, kind="csv", delimiter=",", language="en", code_form="plain", sign="", comma=False, encoding="utf-8"
    )
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)), has_header=False)
    fee, included = Decimal(rng.choice(("0.1", "0.02", "0"))), rng.choice((0, 15, 30))
    body.columns = [
        ("", lambda r: r.codes[0]), ("", lambda r: r.name), ("", lambda r: price_text(style, fee)), ("", lambda r: str(included)),
        ("", lambda r: price_text(style, r.price)),
        ("", lambda r: str(r.interval)), ("", lambda r: "0"), ("", lambda r: "0"), ("", lambda r: "0"),
    ]  # fmt: skip
    return finish(
        "astpp_import",
        body,
        all_said(body, set(), lambda r: {"setup": fee, "first": r.interval, "interval": r.interval}),
    )


@layout
def astpp_table(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, sign="")
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    body.columns = [
        ("pattern", lambda r: f"^{r.codes[0]}.*"), ("comment", lambda r: r.name), ("connectcost", lambda r: price_text(style, Decimal(0))),
        ("includedseconds", lambda r: "0"),
        ("cost", lambda r: price_text(style, r.price)), ("inc", lambda r: str(r.interval)), ("strip", lambda r: ""), ("prepend", lambda r: ""),
        ("precedence", lambda r: "0"),
    ]  # fmt: skip
    if rng.random() < 0.5:
        body.columns.insert(0, ("id", lambda r: str(rng.randrange(1, 10**5))))
    return finish(
        "astpp_table",
        body,
        all_said(body, set(), lambda r: {"setup": Decimal(0), "first": r.interval, "interval": r.interval}),
    )


@layout
def ivozprovider(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, sign="", code_form="plus")
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    fee = Decimal(rng.choice(("0", "0.05")))
    body.columns = [
        ("Target Pattern Name", lambda r: r.name), ("Prefix", lambda r: code_text(style, r.codes)), ("Per minute charge", lambda r: price_text(style, r.price)),
        ("Connection charge", lambda r: price_text(style, fee)), ("Charge period", lambda r: str(r.interval)),
    ]  # fmt: skip
    decorate(body)
    return finish(
        "ivozprovider",
        body,
        all_said(body, set(), lambda r: {"setup": fee, "first": r.interval, "interval": r.interval}),
    )


@layout
def freeside_import(rng: Random) -> MadeSheet:
    style = draw_style(
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
    return finish("freeside_import", body, all_said(body, set()))


@layout
def kazoo(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, sign="", code_form=rng.choice(("plain", "plus")))
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    fee = Decimal(rng.choice(("0", "0.01")))
    body.columns = [
        ("account_id", lambda r: "4f3a0c"), ("description", lambda r: r.name), ("direction", lambda r: rng.choice(("outbound", ""))),
        ("iso_country_code", lambda r: "US"),
        ("prefix", lambda r: code_text(style, r.codes)), ("pvt_rate_cost", lambda r: price_text(style, r.price / 2)), ("pvt_rate_surcharge", lambda r: "0"),
        ("rate_cost", lambda r: price_text(style, r.price)), ("rate_increment", lambda r: str(r.interval)), ("rate_minimum", lambda r: str(r.first)),
        ("rate_name", lambda r: f"r{r.codes[0]}"), ("rate_nocharge_time", lambda r: "0"), ("rate_surcharge", lambda r: price_text(style, fee)),
        ("ratedeck", lambda r: "default"),
        ("weight", lambda r: "40"),
    ]  # fmt: skip
    style.decimals = 5
    decorate(body)
    return finish("kazoo", body, all_said(body, set(), lambda r: pair(r) | {"setup": fee}))


@layout
def country_peak(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, sign="")
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 250)))
    bad = spoil(body, rng)
    slots = rng.choice((("peak",), ("peak", "off_peak")))
    rows = []
    for row in body.rows:
        for slot in slots:
            rows.append(replace(row, more=row.more | {"slot": slot}))
    numbers = {number * len(slots) + n for number in bad for n in range(len(slots))}
    body.rows = rows
    shown = rng.choice(({"peak": "peak", "off_peak": "offpeak"}, {"peak": "Peak", "off_peak": "Off-Peak"}))
    body.columns = [
        ("Country", lambda r: r.name), ("Code", lambda r: code_text(style, r.codes)), ("Initial Rate per Minute", priced(style)),
        ("Increment Rate Per Minute", priced(style)),
        ("Time Of Day", lambda r: shown[r.more["slot"]]),
    ]  # fmt: skip
    decorate(body)
    said = all_said(
        body, numbers, lambda r: {"price_first": r.price if r.kind == "rate" else None, "slot": r.more["slot"]}
    )
    return finish("country_peak", body, said, numbers)


@layout
def name_only(rng: Random) -> MadeSheet:
    style = draw_style(rng, kind="csv", delimiter="\t", language="en", comma=False, sign="", encoding="utf-8")
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
        for each in all_said(body, set(), lambda r: {"slot": "" if r.more["slot"] == "flat" else r.more["slot"]})
    ]
    return finish("name_only", body, said)


@layout
def price_range(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, sign="$", code_form="plain", decimals=4)
    body = Body(style, [], draw_rows(rng, rng.randrange(60, 200)))
    bad = {number for number in range(len(body.rows)) if rng.random() < 0.2}
    for number in bad:
        body.rows[number].more["word"] = f"${body.rows[number].price:.3f}-${body.rows[number].price * 2:.3f}"
    body.columns = [
        ("Continent", lambda r: "Europe"), ("Country", lambda r: r.name),
        ("Country Code", lambda r: f"(+{r.country}-{r.codes[0][len(r.country) :]})".replace("-)", ")")),
        ("Price/Minute", priced(style)), ("Deselect Continent", lambda r: ""),
    ]  # fmt: skip
    decorate(body)
    return finish("price_range", body, all_said(body, bad), bad)


@layout
def cgrates_tp(rng: Random) -> MadeSheet:
    rows = draw_rows(rng, rng.randrange(30, 120), several=True)
    style = Style(rng)
    tags = {f"DST_{number}": row for number, row in enumerate(rows)}
    codes: list[list[Cell]] = [[tag, code] for tag, row in tags.items() for code in row.codes]
    rates: list[list[Cell]] = [
        [f"RT_{tag}", "0", f"{row.price:f}", "60s", f"{row.interval}s", "0s"] for tag, row in tags.items()
    ]
    which: list[list[Cell]] = [["DR_1", tag, f"RT_{tag}", "*up", "4", "0", ""] for tag in tags]
    plans: list[list[Cell]] = [["RP_1", "DR_1", "*any", "10"]]
    profiles: list[list[Cell]] = [["cgrates.org", "call", "*any", "2027-01-01T00:00:00Z", "RP_1", ""]]
    files: dict[str, list[list[Cell]]] = {
        "Destinations.csv": [["#Id", "Prefix"], *codes],
        "Rates.csv": [["#Id", "ConnectFee", "Rate", "RateUnit", "RateIncrement", "GroupIntervalStart"], *rates],
        "DestinationRates.csv": [
            ["#Id", "DestinationId", "RatesTag", "RoundingMethod", "RoundingDecimals", "MaxCost", "MaxCostStrategy"],
            *which,
        ],
        "RatingPlans.csv": [["#Id", "DestinationRatesId", "TimingTag", "Weight"], *plans],
        "RatingProfiles.csv": [
            ["#Tenant", "Category", "Subject", "ActivationTime", "RatingPlanId", "RatesFallbackSubject"],
            *profiles,
        ],
    }
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


@layout
def voiceflex_ppm(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, sign="", currency="GBP", decimals=3)
    names = {row.name: row for row in draw_rows(rng, rng.randrange(60, 200))}
    body = Body(style, [], list(names.values()))
    fee = Decimal(rng.choice(("0", "1.5")))
    for row in body.rows:
        row.price = Decimal(rng.randrange(50, 4_000)) / 100_000
    body.columns = [
        ("Destination", lambda r: r.name), ("Call cost (ppm)", lambda r: price_text(style, r.price * 100)), ("Base call cost (p)", lambda r: price_text(style, fee)),
    ]  # fmt: skip
    decorate(body, says_currency=False)
    return finish(
        "voiceflex_ppm",
        body,
        [replace(each, code=None) for each in all_said(body, set(), lambda r: {"setup": fee / 100})],
    )


@layout
def simwood_cdr_export(rng: Random) -> MadeSheet:
    style = draw_style(rng, language="en", comma=False, sign="")
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
        "Reference", "Trunk", "Tag", "Date", "Time", "Date/Time", "From (CLI)", "From (Descriptive)", "To (Number)", "To (Descriptive)",
        "Destination ID", "Duration (Seconds) of Call",
        "Billable Duration (Seconds)", "Peak Duration", "Offpeak Duration", "Weekend Duration", "Peak Rate", "Offpeak Rate", "Weekend Rate",
        "Connection Rate", "Total Charge", "Currency",
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
    return finish("simwood_cdr_export", body, [], is_rates=False)

"""Layouts: recognised in made-up and in real sheets, corrected by hand, kept as a template; and nothing makes the reader fall."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.layouts import judge
from tests.conftest import shared_folder
from tests.unit.pricing.sheet_files import doubts, read, said, xlsx
from trunkline.core.errors import Invalid, TrunklineError
from trunkline.pricing.sheets.code_cells import CodeRules, Hyphen
from trunkline.pricing.sheets.date_cells import DateOrder
from trunkline.pricing.sheets.layout import Purpose, Role, from_json, to_json
from trunkline.pricing.sheets.price_cells import Mark
from trunkline.pricing.sheets.reading import read_sheet, to_report
from trunkline.simulate.sheet_layouts import CATALOGUE, make_sheet


def test_the_catalogue_has_25_layouts() -> None:
    assert len(CATALOGUE) == 25


@pytest.mark.parametrize("layout", CATALOGUE)
def test_a_made_up_sheet_of_each_layout_is_read_right_or_not_at_all(layout: str) -> None:
    assert [
        outcome for seed in (7, 8) for outcome, why in [judge(make_sheet(layout, seed))] if outcome == "wrong"
    ] == []


@pytest.mark.parametrize(
    ("name", "lines", "errors", "first"),
    [
        (
            "01_flowroute_style_2010.csv.gz",
            27_514,
            9,
            ("9375", "AFGHANISTAN - CDMA", "0.2875", "30/6", "2010-06-26T06:55:00"),
        ),
        ("02_astpp_outbound_routes_termination.csv.gz", 36_205, 0, ("93", "Afghanistan", "0.2093", "6/6", None)),
        ("05_country_code_peak_offpeak.csv", 857, 17, ("93", "Afghanistan", "0.45", None, None)),
    ],
)
def test_real_sheets_are_read(name: str, lines: int, errors: int, first: tuple[str | None, ...]) -> None:
    reading = read_sheet(shared_folder("data", "ratesheets", name).read_bytes(), name)
    assert (reading.layout.is_sure, reading.lines.num_rows, len(reading.errors), str(reading.scope.scope)) == (
        True,
        lines,
        errors,
        "full",
    )
    assert said(reading, "code", "destination", "price", "increments", "effective")[0] == first


def test_a_layout_goes_to_json_and_back() -> None:
    reading = read("Increments: all 1/1 except Mexico 60/60\nDestination;Code;Rate\nUK;44;0,01\nFR;33;0,02\n")
    said_of_it = json.loads(json.dumps(to_json(reading.layout)))
    assert from_json(said_of_it) == reading.layout
    assert said_of_it["verdict"] == "read"
    for broken in (
        {},
        said_of_it | {"version": 9},
        said_of_it | {"sheets": [{"name": 1}]},
        said_of_it | {"doubts": [{"doubt": "none"}]},
    ):
        with pytest.raises(Invalid) as caught:
            from_json(broken)
        assert caught.value.code == "bad_layout"


def test_a_doubt_is_settled_by_hand() -> None:
    text = "Destination,Code,Gold,Silver,Effective Date\nUK,44,0.01,0.02,01/05/2027\nFR,33-44,0.02,0.03,02/05/2027\n"
    guess = read(text)
    assert doubts(guess) == ["several_price_columns", "date_order", "no_price_column", "few_rows_read"]
    layout = guess.layout.with_column("sheet", 3, Role.PRICE).with_options(
        "sheet", date_order=DateOrder.MONTH_FIRST, codes=CodeRules(Hyphen.SEPARATOR)
    )  # fmt: skip
    settled = read_sheet(text.encode(), "sheet.csv", layout=layout)
    assert settled.layout.is_sure
    assert said(settled, "code", "price", "effective") == [
        ("44", "0.02", "2027-01-05T00:00:00"),
        ("3344", "0.03", "2027-02-05T00:00:00"),
    ]


def test_sheets_that_are_not_there_and_options_that_do_not_exist_are_refused() -> None:
    layout = read("Destination,Code,Rate\nUK,44,0.01\nFR,33,0.02\n").layout
    with pytest.raises(Invalid) as caught:
        layout.with_column("other", 0, Role.CODE)
    assert caught.value.code == "unknown_sheet"
    with pytest.raises(Invalid) as caught:
        layout.with_options("sheet", colour="red")
    assert caught.value.code == "unknown_option"


def test_a_template_finds_its_columns_again_by_their_headers() -> None:
    old = read("Destination,Code,Gold,Silver,Effective Date\nUK,44,0.01,0.02,01/05/2027\n")
    template = old.layout.with_column("sheet", 2, Role.PRICE).with_options("sheet", date_order=DateOrder.DAY_FIRST)
    rows = [
        ["New rates"],
        ["Currency: EUR"],
        ["Gold", "Notes", "Code", "Effective Date", "Destination", "Silver"],
        ["0.5", "x", "33", "03/04/2027", "France", "0.6"],
    ]
    new = read_sheet(xlsx(("Mai", rows)), "mai.xlsx", template=template)
    assert new.layout.is_sure
    assert said(new, "line", "code", "destination", "price", "effective", "currency") == [
        (4, "33", "France", "0.5", "2027-04-03T00:00:00", "EUR")
    ]


def test_a_template_whose_columns_are_gone_is_a_doubt() -> None:
    template = read("Destination,Code,Rate\nUK,44,0.01\nFR,33,0.02\n").layout
    lost = read_sheet(b"Destination,Code,Cost\nUK,44,0.01\nFR,33,0.02\n", "sheet.csv", template=template)
    assert doubts(lost) == ["header_contradicted", "few_rows_read"]
    gone = read_sheet(b"Name,Phone\nAda,12345\n", "sheet.csv", template=template)
    assert doubts(gone) == ["no_table"]


def test_a_sheet_can_be_skipped_by_hand() -> None:
    book = xlsx(
        ("Premium", [["Destination", "Code", "Rate"], ["UK", "44", 0.02]]),
        ("Standard", [["Destination", "Code", "Rate"], ["UK", "44", 0.01]]),
    )
    layout = replace(read(book, "r.xlsx").layout, doubts=()).with_options("Premium", purpose=Purpose.SKIP)
    assert said(read_sheet(book, "r.xlsx", layout=layout), "sheet", "code", "price") == [("Standard", "44", "0.01")]


def test_the_mark_of_a_layout_holds_for_text_and_numbers_of_a_workbook_keep_their_own() -> None:
    book = xlsx(("R", [["Destination", "Code", "Rate"], ["UK", "44", "0,02"], ["FR", "33", 0.0123]]))
    reading = read(book, "r.xlsx")
    assert reading.layout.sheets[0].mark is Mark.COMMA
    assert said(reading, "code", "price") == [("44", "0.02"), ("33", "0.0123")]


WORDS = 'Code|Rate|Destination|Effective Date|Country Code|44|4477-4479|^93.*|0,01|0.01|1e5|Blocked|01/02/2027|60/60||-|((|[1-|=|"|1..2|\u00a0|(+|1-2-3|44 ,,'
CELLS = st.one_of(
    st.text(max_size=12), st.sampled_from([*WORDS.split("|"), "9" * 40]), st.integers(-10, 10**12).map(str), st.floats().map(str)
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(CELLS, max_size=6), max_size=12),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-16", "cp1252"]),
)
def test_random_sheets_never_make_the_reader_fall(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    text = "\n".join(delimiter.join(row) for row in rows)
    _read_any(text.encode(encoding, "replace"), "sheet.csv")


@settings(max_examples=50, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b", b"<html><table>", b"\xff\xfe", b"sep=;\n"]),
)
def test_random_octets_never_make_the_reader_fall(data: bytes, start: bytes) -> None:
    _read_any(start + data, "sheet")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(
            st.one_of(CELLS, st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**6), 10**12)),
            max_size=5,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_random_workbooks_never_make_the_reader_fall(rows: list[list[str | float]]) -> None:
    clean = [
        [cell if not isinstance(cell, str) else "".join(c for c in cell if c.isprintable()) for cell in row]
        for row in rows
    ]
    _read_any(xlsx(("S", clean)), "sheet.xlsx")


def _read_any(data: bytes, name: str) -> None:
    try:
        reading = read_sheet(data, name)
    except TrunklineError as error:
        refused = error.code
    else:
        refused = ""
    if refused:
        assert refused.startswith("sheet_")
        return
    json.dump(to_report(reading), io.StringIO())
    assert from_json(to_json(reading.layout)) == reading.layout
    assert all(error.line > 0 and error.reason for error in reading.errors)

"""The table of docs/algorithms/decks.md, run, and what holds for any deck."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pyarrow as pa
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from trunkline.pricing.deck_compare import DECK_CODES, CodeKind, DeckMode, compare_deck, spelling, written_rows
from trunkline.pricing.deck_export import deck_csv, deck_xlsx, find_export
from trunkline.pricing.sheets.code_lines import CODE_LINES, read_code_lines

PAGE = Path(__file__).parents[3] / "docs/algorithms/decks.md"


def deck(codes: dict[str, str]) -> pa.Table:
    return pa.table([list(codes), list(codes.values())], schema=DECK_CODES)


def lines(*said: tuple[str, str]) -> pa.Table:
    rows = [{"sheet": "", "line": line, "code": code, "name": name} for line, (code, name) in enumerate(said, 2)]
    return pa.Table.from_pylist(rows, CODE_LINES)


def table() -> tuple[dict[str, str], list[list[str]]]:
    text = PAGE.read_text().split("## Table\n")[1]
    codes = dict(re.findall(r"(\d+) ([\w ]+)[,.]", text.split("|")[0]))
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")][2:]
    return codes, [[cell.strip() for cell in row] for row in rows]


def test_what_a_line_is() -> None:
    codes, rows = table()
    assert len(codes) == 8
    found = compare_deck(deck(codes), lines(*((code, name) for code, name, _, _ in rows)))
    shown = [[each["code"], CodeKind(each["kind"]).name.lower(), each["name"]] for each in found.lines.to_pylist()]
    assert shown == [[code, kind, called] for code, _, kind, called in rows if kind]
    assert (found.repeated, found.absent) == (1, 2)
    assert found.counts() == {
        "same": 1, "new": 3, "renamed": 1, "moved": 2, "respelled": 1, "contradicted": 2, "repeated": 1, "absent": 2,
    }  # fmt: skip


def test_what_is_written() -> None:
    codes, rows = table()
    found = compare_deck(deck(codes), lines(*((code, name) for code, name, _, _ in rows))).lines
    assert written_rows(found, DeckMode.ADD)["code"].to_pylist() == ["257", "258", "2588"]
    assert written_rows(found, DeckMode.UPDATE)["code"].to_pylist() == ["2547", "255", "2567", "257", "258", "2588"]


def test_two_destinations_that_become_one_are_moved() -> None:
    found = compare_deck(deck({"254": "Kenya", "255": "Tanzania"}), lines(("254", "East"), ("255", "East")))
    assert [CodeKind(kind) for kind in found.lines["kind"].to_pylist()] == [CodeKind.MOVED, CodeKind.MOVED]


def test_an_empty_deck_and_an_empty_file() -> None:
    assert compare_deck(deck({}), lines(("254", "Kenya"))).counts()["new"] == 1
    assert compare_deck(deck({"254": "Kenya"}), lines()).counts() == {
        "same": 0, "new": 0, "renamed": 0, "moved": 0, "respelled": 0, "contradicted": 0, "repeated": 0, "absent": 1,
    }  # fmt: skip


def test_a_name_that_any_destination_has_keeps_its_spelling() -> None:
    found = compare_deck(deck({}), lines(("254", "KENYA"), ("255", "tanzania")), known=["Kenya"])
    assert found.lines["name"].to_pylist() == ["Kenya", "tanzania"]


# Names as destinations can be: printable, something in them besides blanks.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=20
).filter(lambda name: name.isprintable() and bool(name.strip()) and name == name.strip())
decks = st.dictionaries(st.text("0123456789", min_size=1, max_size=18), names, max_size=30)


@given(decks)
def test_an_export_that_comes_back_changes_nothing(codes: dict[str, str]) -> None:
    there = deck(codes)
    for data, name in ((deck_csv(there), "deck.csv"), (deck_xlsx(there), "deck.xlsx")):
        back = find_export(data, name)
        assert back is not None
        assert back.select(["code", "name"]).to_pylist() == there.to_pylist()
        found = compare_deck(there, back)
        assert len(written_rows(found.lines, DeckMode.UPDATE)) == 0
        assert found.counts()["same"] == len(codes)


@given(decks, st.lists(st.tuples(st.text("0123456789", min_size=1, max_size=4), names), max_size=30))
def test_applied_it_has_what_the_file_says_and_once_more_changes_nothing(
    codes: dict[str, str], said: list[tuple[str, str]]
) -> None:
    there, file = deck(codes), lines(*said)
    first = compare_deck(there, file)
    written = written_rows(first.lines, DeckMode.UPDATE)
    after = codes | dict(zip(written["code"].to_pylist(), written["name"].to_pylist(), strict=True))
    again = compare_deck(deck(after), file, known=codes.values())
    assert len(written_rows(again.lines, DeckMode.UPDATE)) == 0
    contradicted = {row["code"] for row in first.lines.to_pylist() if CodeKind(row["kind"]) is CodeKind.CONTRADICTED}
    for code, name in said:
        if code in contradicted:
            assert after.get(code) == codes.get(code)
        else:
            assert spelling(after[code]) == spelling(name)


def test_any_sheet_with_codes_and_names_will_do() -> None:
    text = "Price list\n\nDestination;Dial code;Rate\nKenya;254, 25420;0,10\nKenya Mobile;2547-2549;0,20\n"
    read = read_code_lines(text.encode(), "rates.csv")
    assert [(row["code"], row["name"], row["line"]) for row in read.lines.to_pylist()] == [
        ("254", "Kenya", 4),
        ("25420", "Kenya", 4),
        ("2547", "Kenya Mobile", 5),
        ("2548", "Kenya Mobile", 5),
        ("2549", "Kenya Mobile", 5),
    ]
    assert find_export(text.encode(), "rates.csv") is None


def test_of_a_workbook_the_codes_sheet_counts() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for name, rows in (
        ("Rates", [("Destination", "Rate", "Increment"), ("Kenya", 0.1, "60/60"), ("Kenya Mobile", 0.2, "60/60")]),
        (
            "Codes",
            [
                ("Destination", "Dial Codes"),
                ("Kenya", "254"),
                ("Kenya Mobile", "2547, 25410"),
                ("", "25411"),
                ("Uganda", "256"),
            ],
        ),
    ):
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    read = read_code_lines(out.getvalue(), "vendor.xlsx")
    assert [(row["sheet"], row["line"], row["code"], row["name"]) for row in read.lines.to_pylist()] == [
        ("Codes", 2, "254", "Kenya"),
        ("Codes", 3, "2547", "Kenya Mobile"),
        ("Codes", 3, "25410", "Kenya Mobile"),
        ("Codes", 4, "25411", "Kenya Mobile"),
        ("Codes", 5, "256", "Uganda"),
    ]
    assert read.errors == ()


def test_a_row_that_cannot_be_read_is_said_and_headings_are_none() -> None:
    text = "Code,Destination\n254,Kenya\n,KENYA ROWS\n12ab,Nowhere\n255,Tanzania\nCode,Destination\n256,Uganda\n"
    read = read_code_lines(text.encode(), "deck.csv")
    assert read.lines["code"].to_pylist() == ["254", "255", "256"]
    assert [(error.line, error.reason) for error in read.errors] == [(4, "bad_code")]

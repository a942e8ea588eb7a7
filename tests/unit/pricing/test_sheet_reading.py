"""What sheets of all kinds say: tables, columns, rows that are no rates, doubts."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from tests.unit.pricing.sheet_files import doubts, errors, read, said, xlsx

MAY = datetime(2027, 5, 1)  # noqa: DTZ001 - the sheet's own clock


def test_titles_notes_and_a_header_of_two_rows_are_told_from_the_table() -> None:
    cover = ("Deckblatt", [["Nordlicht GmbH"], [], ["Kontakt", "rates@example.net"]])
    rates = [
        ["Preisliste gültig ab 01.05.2027"], [], ["Ziel", "Vorwahl", "Preis", "Abrechnung"], ["", "", "EUR/Min", "Takt"], ["Deutschland Festnetz", 49, 0.0056, "60/1"],
        ["Deutschland Mobil", "4915, 4916", 0.0123, "60/1"], ["Schweiz", 41, "gesperrt", "1/1"], [], ["Alle Preise netto."],
    ]  # fmt: skip
    reading = read(xlsx(cover, ("Preise", rates)), "preise.xlsx")
    assert reading.layout.is_sure
    assert [(sheet.name, str(sheet.purpose)) for sheet in reading.layout.sheets] == [
        ("Deckblatt", "skip"),
        ("Preise", "rates"),
    ]
    assert said(reading, "line", "code", "destination", "price", "increments", "effective", "currency", "kind") == [
        (5, "49", "Deutschland Festnetz", "0.0056", "60/1", "2027-05-01T00:00:00", "EUR", "rate"),
        (6, "4915", "Deutschland Mobil", "0.0123", "60/1", "2027-05-01T00:00:00", "EUR", "rate"),
        (6, "4916", "Deutschland Mobil", "0.0123", "60/1", "2027-05-01T00:00:00", "EUR", "rate"),
        (7, "41", "Schweiz", None, "1/1", "2027-05-01T00:00:00", "EUR", "blocked"),
    ]


def test_headings_blank_rows_and_repeated_headers_are_left_out_and_counted() -> None:
    text = "Code,Destination,Rate\nEUROPE,,\n33,France,0.01\n,,\nASIA,,\n93,Afghanistan,0.2\n937,,0.25\nCode,Destination,Rate\n94,Sri Lanka,0.3\nAll rates in USD,,\n"
    reading = read(text)
    assert said(reading, "line", "code", "destination", "price") == [
        (3, "33", "France", "0.01"), (6, "93", "Afghanistan", "0.2"), (7, "937", "Afghanistan", "0.25"), (9, "94", "Sri Lanka", "0.3"),
    ]  # fmt: skip
    assert (reading.errors, reading.skipped) == ((), {"blank": 1, "headings": 2, "headers": 1})


def test_every_row_that_cannot_be_read_is_listed_with_line_column_and_reason() -> None:
    text = """Destination,Code,Rate,Increment,Effective Date
"Multi
line",44,0.01,1/1,2027-05-01
No price,33,,1/1,2027-05-01
No code,,0.01,1/1,2027-05-01
Bad code,4x4y,0.01,1/1,2027-05-01
Bad price,34,see note,1/1,2027-05-01
Bad increment,35,0.01,fast,2027-05-01
Bad date,36,0.01,1/1,2027-02-31
Korea, South,82,0.01,1/1,2027-05-01
Lost,5.41144E+11,0.01,1/1,2027-05-01
"""
    text += "".join(f"Good,{code},0.01,1/1,2027-05-01\n" for code in (37, 38, 39, 40, 41, 43, 45, 46))
    reading = read(text)
    assert reading.lines.num_rows == 9
    assert errors(reading) == [
        (4, "Rate", "no_price", "No price | 33 | 1/1 | 2027-05-01"),
        (5, "Code", "no_code", "No code | 0.01 | 1/1 | 2027-05-01"),
        (6, "Code", "bad_code", "4x4y"),
        (7, "Rate", "bad_price", "see note"),
        (8, "Increment", "bad_increment", "fast"),
        (9, "Effective Date", "bad_date", "2027-02-31"),
        (10, "Code", "field_count", "South"),
        (11, "Code", "code_digits_lost", "5.41144E+11"),
    ]


def test_a_row_of_codes_alone_goes_on_with_the_row_above() -> None:
    reading = read('Destination,Code,Rate\nUK Mobile,"447911, 447912",0.02\n,447913,\n,447914,\nFrance,33,0.01\n')
    assert said(reading, "line", "code", "destination", "price") == [
        (2, "447911", "UK Mobile", "0.02"), (2, "447912", "UK Mobile", "0.02"), (3, "447913", "UK Mobile", "0.02"),
        (4, "447914", "UK Mobile", "0.02"), (5, "33", "France", "0.01"),
    ]  # fmt: skip


def test_codes_on_a_second_sheet_are_joined_by_name() -> None:
    rates = (
        "Rates",
        [["Destination", "Rate (USD)"], ["Afghanistan", 0.2], ["Albania Mobile", 0.31], ["Atlantis", 0.5]],
    )
    codes = (
        "Dial Codes",
        [
            ["Destination", "Country Code", "City Codes"],
            ["Afghanistan", "93", ""],
            ["Albania Mobile", "355", "67, 68"],
            ["", "355", "69"],
        ],
    )
    reading = read(xlsx(rates, codes), "rates.xlsx")
    assert said(reading, "code", "destination", "price") == [
        ("93", "Afghanistan", "0.2"), ("35567", "Albania Mobile", "0.31"), ("35568", "Albania Mobile", "0.31"), ("35569", "Albania Mobile", "0.31"),
    ]  # fmt: skip
    assert errors(reading) == [(4, "Destination", "name_without_codes", "Atlantis")]


def test_origins_have_a_sheet_of_their_own() -> None:
    rates = (
        "Hubbing Rates",
        [
            ["Destination", "Dial Code", "Origin", "Rate EUR"],
            ["France Mobile", "336", "EEA", 0.01],
            ["France Mobile", "336", "Non-EEA", 0.11],
        ],
    )
    origins = ("Origin Dial Codes", [["Origin", "Dial Codes"], ["EEA", "33, 34, 39"], ["Non-EEA", "44, 1"]])
    reading = read(xlsx(rates, origins), "rates.xlsx")
    assert [str(sheet.purpose) for sheet in reading.layout.sheets] == ["rates", "origins"]
    assert said(reading, "code", "origin", "price") == [("336", "EEA", "0.01"), ("336", "Non-EEA", "0.11")]
    assert reading.origins == {"EEA": ("33", "34", "39"), "Non-EEA": ("44", "1")}


def test_north_american_codes_get_their_country() -> None:
    reading = read(
        "NPANXX,Inter,Intra,IJ,Effective\n201555,0.01,0.02,0.03,06/01/2026\n201556,0.01,0.02,0.03,06/01/2026\n"
    )
    assert said(reading, "code", "inter", "intra", "indeterminate", "price", "effective") == [
        ("1201555", "0.01", "0.02", "0.03", None, "2026-06-01T00:00:00"), ("1201556", "0.01", "0.02", "0.03", None, "2026-06-01T00:00:00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ("Destination,Code,Rate (US cents)\nUK,44,1.2\nFrance,33,0.3\n", ["0.012", "0.003"]),
        ("Rates in pence per minute\nDestination,Code,Rate\nUK,44,1.2\nFrance,33,0.3\n", ["0.012", "0.003"]),
        ("Destination,Code,Rate per second\nUK,44,0.0002\nFrance,33,0.0001\n", ["0.012", "0.006"]),
        ("Destination;Code;Old Rate;New Rate\nUK;44;0,02;0,0123\nFrance;33;0,01;1.250,5\n", ["0.0123", "1250.5"]),
    ],
)
def test_units_and_marks_of_prices(text: str, prices: list[str]) -> None:
    assert [price for (price,) in said(read(text), "price")] == prices


def test_increments_of_the_title_hold_for_all_but_its_exceptions() -> None:
    rows = [
        ["Increments: all 1/1 except Mexico 60/60"],
        ["Effective date", MAY],
        ["Destination", "Code", "Rate"],
        ["Mexico Mobile", "521", 0.02],
        ["UK", "44", 0.01],
    ]
    reading = read(xlsx(("A-Z", rows)), "rates.xlsx")
    assert said(reading, "code", "increments", "effective", "starts") == [
        ("521", "60/60", "2027-05-01T00:00:00", "sheet"),
        ("44", "1/1", "2027-05-01T00:00:00", "sheet"),
    ]
    assert str(reading.scope.scope) == "full"


def test_blocked_is_not_closed() -> None:
    reading = read(
        "Prefix,Rate,Forbidden,Discontinued,Comments\n44,0.01,,,Increase\n33,0.01,1,,\n34,0.01,,Yes,\n35,N/A,,,\n36,Deleted,,,\n37,,,,Closed\n38,0.01,,,Blocked\n"
    )  # fmt: skip
    assert said(reading, "code", "kind", "price") == [
        ("44", "rate", "0.01"), ("33", "blocked", None), ("34", "closed", None), ("35", "blocked", None), ("36", "closed", None),
        ("37", "closed", None), ("38", "blocked", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("Destination,Code,Rate,Effective Date\nUK,44,0.01,01/05/2027\nFR,33,0.02,02/05/2027\n", "date_order"),
        ("Valid from 01/05/2027\nDestination,Code,Rate\nUK,44,0.01\nFR,33,0.02\n", "date_order"),
        ("Increases effective 2027-05-08\nDecreases effective 2027-05-01\nDestination,Code,Rate\nUK,44,0.01\nFR,33,0.02\n", "several_dates"),
        ("Destination,Code,Rate 1,Rate 2\nUK,44,0.01,0.02\nFR,33,0.02,0.03\n", "several_price_columns"),
        ("Destination,Code,USD,EUR\nUK,44,0.01,0.02\nFR,33,0.02,0.03\n", "several_price_columns"),
        ("Destination,Code,Gold,Silver\nUK,44,0.01,0.02\nFR,33,0.02,0.03\n", "several_price_columns"),
        ("UK,44,0.01,0.02\nFR,331,0.02,0.03\n", "several_price_columns"),
        ("Destination;Code;Rate\nUK;44;1,250\nFR;33;2,500\n", "decimal_mark"),
        ("Destination;Code;Rate\nUK;44;0,01\nFR;33;0.02\n", "decimal_mark"),
        ("Code,Rate\n33-44,0.01\n44-55,0.02\n39-41,0.02\n", "hyphen"),
        ("Code,Rate\n52-55,0.01\n52-334217,0.02\n4912-4919,0.02\n", "hyphen"),
        ('Code,Rate\n"447,911",0.01\n"447,912",0.02\n33,0.02\n', "code_comma"),
        ("Country,Operator,MCC,MNC,Price\nKenya,Safaricom,639,02,0.01\nKenya,Airtel,639,03,0.02\n", "no_code_column"),
        ("Call date,Caller,Called number,Duration,Rate,Total charge\n2027-01-01,44,33,60,0.01,0.01\n", "not_a_rate_sheet"),
        ("Destination,Code,Rate\nUK,x,0.01\nFR,y,0.02\nDE,49,0.1\n", "no_code_column"),
        ("Name,Phone\nAda,12345\n", "no_table"),
        ("hello\nworld\n", "no_table"),
        ('[{"code":"44","rate":0.01}]', "no_table"),
    ],
)  # fmt: skip
def test_what_can_mean_two_things_is_a_doubt(text: str, doubt: str) -> None:
    reading = read(text)
    assert doubt in doubts(reading)
    assert not reading.layout.is_sure


def test_the_day_on_which_the_sheet_came_settles_the_order_of_its_dates() -> None:
    text = "Destination,Code,Rate,Effective Date\nUK,44,0.01,01/05/2027\nFR,33,0.02,02/05/2027\n"
    reading = read(text, received_on=date(2027, 4, 24))
    assert said(reading, "code", "effective") == [("44", "2027-05-01T00:00:00"), ("33", "2027-05-02T00:00:00")]
    assert reading.layout.is_sure


def test_workbook_dates_beside_text_are_a_doubt_where_a_program_took_month_for_day() -> None:
    rows = [
        ["Destination", "Code", "Rate", "Effective Date"],
        ["UK", "44", 0.01, MAY],
        ["FR", "33", 0.01, "16/04/2027"],
    ]
    assert doubts(read(xlsx(("S", rows)), "rates.xlsx")) == ["dates_mixed"]


def test_two_sheets_with_other_prices_for_the_same_codes_are_a_doubt() -> None:
    premium, standard = (
        ("Premium", [["Destination", "Code", "Rate"], ["UK", "44", 0.02]]),
        ("Standard", [["Destination", "Code", "Rate"], ["UK", "44", 0.01]]),
    )
    assert doubts(read(xlsx(premium, standard), "rates.xlsx")) == ["sheets_disagree"]


def test_numbers_of_a_workbook_are_taken_as_it_shows_them() -> None:
    rows = [["Destination", "Code", "Rate"], ["UK", 447911.0, 0.1 + 0.2], ["FR", 541144123456, 1e-5], ["DE", 49, 2]]
    assert said(read(xlsx(("S", rows)), "rates.xlsx"), "code", "price") == [
        ("447911", "0.3"),
        ("541144123456", "0.00001"),
        ("49", "2"),
    ]


@pytest.mark.parametrize(
    ("text", "subject", "scope"),
    [("A-Z rates", "", "full"), ("Rates", "Rate amendment, partial", "partial"), ("Full country update", "", "country"), ("Rates", "", "unknown"),
     ("Full A-Z", "partial update", "unknown")],
)  # fmt: skip
def test_the_scope_is_what_title_and_subject_say(text: str, subject: str, scope: str) -> None:
    reading = read(f"{text}\nDestination,Code,Rate\nUK,44,0.01\nFR,33,0.02\n", subject=subject)
    assert str(reading.scope.scope) == scope


def test_a_sheet_without_a_date_takes_that_of_its_mail() -> None:
    text = "Destination,Code,Rate\nUK,44,0.01\nFR,33,0.02\n"
    assert (
        said(read(text, effective_on=date(2027, 5, 1)), "effective", "starts") == [("2027-05-01T00:00:00", "sheet")] * 2
    )
    assert said(read(text, subject="Rate change effective 1 June 2027"), "effective") == [("2027-06-01T00:00:00",)] * 2
    assert said(read(text), "effective", "starts") == [(None, "unsaid")] * 2


def test_a_price_that_goes_on_has_a_word_for_a_date() -> None:
    text = "Destination,Code,Rate,Effective Date\nUK,44,0.01,Current\nFR,33,0.02*,2027-05-01\nIT,39,0.02,n/a\n"
    assert said(read(text), "code", "price", "effective") == [
        ("44", "0.01", None),
        ("33", "0.02", "2027-05-01T00:00:00"),
        ("39", "0.02", None),
    ]


def test_npa_and_nxx_may_be_parted_by_a_hyphen() -> None:
    assert said(read("NPA-NXX,Inter,Intra\n201-555,0.01,0.02\n202-556,0.01,0.02\n"), "code", "inter") == [
        ("1201555", "0.01"),
        ("1202556", "0.01"),
    ]

"""Which files are read, and which are refused before anything is laid out."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from tests.unit.pricing.sheet_files import archive, ods, read, said, xlsx
from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.container import Limits, read_file

GOLDEN = Path(__file__).parents[2] / "golden/sheets"
ROWS = [["Destination", "Code", "Rate"], ["UK", "44", "0.01"], ["France", "33", "0.02"]]
WANTED = [("44", "UK", "0.01"), ("33", "France", "0.02")]
HTML = b"<html><table><tr><th>Destination</th><th>Code</th><th>Rate</th></tr><tr><td>UK<td>44<td>0.01</tr><tr><td>France<td>33<td>0.02</table></html>"
CSV = "\n".join(",".join(row) for row in ROWS)


def with_address(data: bytes, old: bytes, new: bytes) -> bytes:
    """A workbook whose first sheet has another address."""
    source = zipfile.ZipFile(io.BytesIO(data))
    return archive(
        {n: source.read(n).replace(old, new) if "sheet1.xml" in n else source.read(n) for n in source.namelist()}
    )


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("utf-8", CSV.encode()),
        ("utf-8 with a mark", CSV.encode("utf-8-sig")),
        ("utf-16", CSV.encode("utf-16")),
        ("utf-16 without a mark", CSV.encode("utf-16-le")),
        ("cr", CSV.replace("\n", "\r").encode()),
        ("crlf", CSV.replace("\n", "\r\n").encode()),
        ("semicolons", CSV.replace(",", ";").encode()),
        ("tabs", CSV.replace(",", "\t").encode()),
        ("bars", CSV.replace(",", "|").encode()),
        ("carets", CSV.replace(",", "^").encode()),
        ("sep=", b"sep=;\n" + CSV.replace(",", ";").encode()),
        ("quotes", "\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS).encode()),
        ("gzip", gzip.compress(CSV.encode(), mtime=0)),
        ("zip", archive({"rates.csv": CSV.encode(), "readme.txt": b"hello", "__MACOSX/._rates.csv": b"\0", "logo.png": b"x"})),
        ("xlsx", xlsx(("Rates", ROWS))),
        ("zipped xlsx", archive({"in/rates.xlsx": xlsx(("Rates", ROWS))})),
        ("ods", ods("Rates", ROWS)),
        ("html", HTML),
    ],
)  # fmt: skip
def test_the_same_sheet_in_every_container_says_the_same(name: str, data: bytes) -> None:
    reading = read(data, "rates.xls")
    assert (said(reading, "code", "destination", "price"), reading.layout.is_sure, reading.errors) == (WANTED, True, ())


def test_an_xls_keeps_its_numbers_dates_and_lists() -> None:
    reading = read((GOLDEN / "sample.xls").read_bytes(), "sample.xls")
    assert said(reading, "line", "code", "price", "increments", "effective", "kind") == [
        (4, "44", "0.0056", "60/1", "2027-04-03T00:00:00", "rate"),
        (5, "447911", "0.0215", "1/1", "2027-04-03T00:00:00", "rate"),
        (5, "447912", "0.0215", "1/1", "2027-04-03T00:00:00", "rate"),
        (6, "33", None, "1/1", "2027-04-03T00:00:00", "blocked"),
    ]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [("cp1251", ("Россия моб.", "Украина")), ("koi8-r", ("Россия моб.", "Украина")), ("cp1252", ("Österreich", "Côte d'Ivoire")),
        ("cp1250", ("Łotwa", "Żywiec ś")), ("gb18030", ("中国移动", "日本移动电话")),
        ("shift_jis", ("日本携帯", "中国"))],
)  # fmt: skip
def test_encodings_are_told_by_their_letters(encoding: str, names: tuple[str, str]) -> None:
    rows = f"Destination;Code;Rate\n{names[0]};79;0,01\n{names[1]};380;0,02\n"
    assert [name for (name,) in said(read(rows.encode(encoding)), "destination")] == list(names)


def refused(data: bytes, name: str = "x.xlsx", limits: Limits | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        read_file(data, name, limits or Limits())
    return caught.value.code


@pytest.mark.parametrize(
    "address", [b'r="XFD1048576"', b'r="B99999999"', b"r = 'XFD1048576'", b'r="xfd1000000"', b'r="ZZZZ9"', b'r="&#65;9999999"']
)  # fmt: skip
def test_cells_far_apart_are_refused_unread(address: bytes) -> None:
    assert refused(with_address(xlsx(("Rates", ROWS)), b'r="C3"', address)) == "sheet_too_large"


def test_a_workbook_with_a_far_blank_column_is_read() -> None:
    wide = xlsx(("Rates", [[*ROWS[0], *[""] * 60, "remark"], *ROWS[1:]]))
    assert said(read(wide, "wide.xlsx"), "code", "destination", "price") == WANTED


def test_an_ods_that_repeats_a_cell_over_the_whole_sheet_is_refused() -> None:
    cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
    tail = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    assert refused(ods("Rates", ROWS, tail=tail), "bomb.ods") in {"sheet_too_large", "sheet_damaged"}


def test_archives_that_grow_too_much_are_refused() -> None:
    zeros = b"0," * (33 << 20)
    assert refused(archive({"a.csv": zeros}), "a.zip") == "sheet_too_large"
    assert refused(gzip.compress(zeros, mtime=0), "a.csv.gz") == "sheet_too_large"
    assert (
        refused(archive({"a.zip": archive({"b.zip": archive({"c.csv": CSV.encode()})})}), "a.zip") == "sheet_too_large"
    )
    assert refused(archive({f"{n}.csv": b"1" for n in range(300)}), "a.zip") == "sheet_too_large"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sheet_empty"), (b"%PDF-1.7 ...", "sheet_kind"), (b"\x89PNG....", "sheet_kind"), (b"\0\1\2\3" * 100, "sheet_kind"),
        (b"<html><p>no table</p></html>", "sheet_kind"),
        (b"PK\x03\x04 not a zip", "sheet_damaged"), (xlsx(("R", ROWS))[:2000], "sheet_damaged"), (gzip.compress(CSV.encode(), mtime=0)[:20], "sheet_damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no", "sheet_damaged"),
        (archive({"x.docx": b"1"}), "sheet_empty"),
    ],
)  # fmt: skip
def test_what_is_no_sheet_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert refused(data, "x") == code

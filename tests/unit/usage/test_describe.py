"""A file that nobody has described: how it is built is guessed, and a first mapping of it reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trunkline.core.errors import Invalid
from trunkline.usage.decode import SwitchProfile
from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.describe import (
    Shape,
    column,
    guess_columns,
    guess_pattern,
    guess_shape,
    mapping_text,
    shape_of,
    text,
)
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import FileKind, parse_mapping

PROFILE = SwitchProfile(received_at=datetime(2026, 3, 1, tzinfo=UTC))
SEMICOLONS = b"Call ID;Caller;Callee;Start;Billsec\n1;254711000111;442079460123;02.01.2026 17:00:00;61\n2;254711000111;442079460123;02.01.2026 17:01:00;0\n"


@pytest.mark.parametrize(
    ("head", "kind", "separator", "has_header", "columns"),
    [
        (SEMICOLONS, FileKind.DELIMITED, ";", True, ("Call ID", "Caller", "Callee", "Start", "Billsec")),
        (b"1,254,2026-01-02 17:00:00\n2,255,2026-01-02 17:00:01\n", FileKind.DELIMITED, ",", False, ("c1", "c2", "c3")),
        (b'"a, b"|1|2\n"c"|3|4\n', FileKind.DELIMITED, "|", False, ("c1", "c2", "c3")),
        (b"id=1, src=254, dst=255\nid=2, src=254, dst=255, x=1\n", FileKind.PAIRS, ",", False, ("id", "src", "dst", "x")),
        (b'{"id": 1, "times": {"start": 2}}\n{"id": 2, "to": "x"}\n', FileKind.JSON, ",", False, ("id", "times.start", "to")),
    ],
)  # fmt: skip
def test_how_lines_are_built_is_seen(
    head: bytes, kind: FileKind, separator: str, has_header: bool, columns: tuple[str, ...]
) -> None:
    shape = guess_shape(head)
    assert (shape.kind, shape.separator, shape.has_header, shape.columns) == (kind, separator, has_header, columns)


def test_fixed_places_are_said_line_by_line() -> None:
    shape = shape_of(b"00125471100011161\n", kind=FileKind.FIXED, fixed="id 1-3\ncaller 4 - 15\n\nused 16-17")
    assert (shape.columns, shape.rows) == (("id", "caller", "used"), (("001", "254711000111", "61"),))


@pytest.mark.parametrize("fixed", ["caller", "caller 9-3", "a 1-2\na 3-4", "a 0-2"])
def test_places_that_say_nothing_are_refused(fixed: str) -> None:
    with pytest.raises(Invalid, match="says no column"):
        shape_of(b"x\n", kind=FileKind.FIXED, fixed=fixed)


def test_an_empty_file_has_no_lines() -> None:
    with pytest.raises(Invalid, match="no lines"):
        guess_shape(b"\n \n")


def test_columns_are_known_by_what_they_are_often_called() -> None:
    assert guess_columns(guess_shape(SEMICOLONS)) == {
        "key": "Call ID", "call_id": "Call ID", "called": "Callee", "calling": "Caller", "start": "Start", "duration": "Billsec",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["2026-01-02 17:00:00"], "iso"),
        (["1767373200", "1767373201"], "epoch_s"),
        (["1767373200123"], "epoch_ms"),
        (["20260102170000"], "%Y%m%d%H%M%S"),
        (["02/01/2026 17:00", "13/01/2026 17:00"], "%d/%m/%Y %H:%M[:%S]"),
        (["02/13/2026 17:00"], "%m/%d/%Y %H:%M[:%S]"),
        (["02.01.2026 17:00:00", "nonsense", "", "03.01.2026 17:00:00"], "%d.%m.%Y %H:%M[:%S]"),
        ([], "iso"),
    ],
)
def test_the_pattern_of_times_is_seen(values: list[str], pattern: str) -> None:
    assert guess_pattern(values) == pattern


def made(shape: Shape, **record: str) -> Mapped:
    said = mapping_text(
        shape,
        name="mine",
        title='A "title"',
        pattern="%d.%m.%Y %H:%M:%S",
        timezone="Africa/Nairobi",
        record=record,
        skips=[(f"{column('Caller')} == {text(chr(39))}", "apostrophe")],
    )
    return Mapped(parse_mapping(said))


def test_the_mapping_that_is_made_reads_the_file() -> None:
    shape = guess_shape(SEMICOLONS)
    form = made(
        shape, key=column("Call ID"), called="Callee", calling="Caller", start="Start", duration="seconds(Billsec)"
    )
    header, _, rows = SEMICOLONS.partition(b"\n")
    chunk = Chunk(2, rows, header=header, is_first=True)
    first, second = form.decode(chunk, PROFILE).events.to_pylist()
    assert (first["key"], first["called"], first["quantity"]) == ("1", "442079460123", 61)
    assert first["start"] == datetime(2026, 1, 2, 14, tzinfo=UTC)  # five in the afternoon in Nairobi
    assert second["quantity"] == 0


@pytest.mark.parametrize(("name", "said"), [("a_b", "a_b"), ("A B", "`A B`"), ("in", "`in`"), ("a.b", "`a.b`")])
def test_a_column_is_written_so_that_an_expression_reads_it(name: str, said: str) -> None:
    assert column(name) == said

"""Bitmaps of signs agree with looking at each octet, and what is read by them with what a plain reader finds."""

from __future__ import annotations

import csv
import io
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.usage.golden import PROFILE
from trunkline.usage.decode import Chunk, fields
from trunkline.usage.decode.bits import Ranked, after, before, bits_at, bits_of, count_of, opened, places_of, signs
from trunkline.usage.decode.fields import Delimited, Layout, Quotes, trimmed
from trunkline.usage.decode.lines import Lines
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import check_mapping
from trunkline.usage.decode.texts import extracted, uri_number

# Few signs, many, and whole words of nothing else or without any.
TEXTS = st.lists(st.sampled_from([b",", b"x", b",,,", b"abcdefg", b"-" * 64, b"," * 64, b"y" * 150]), max_size=40).map(
    b"".join
)


@given(TEXTS)
def test_bitmaps_agree_with_looking_at_each_octet(text: bytes) -> None:
    octets = np.frombuffer(text, np.uint8)
    (words,) = signs(octets, b",")
    places = np.flatnonzero(octets == ord(","))
    assert places_of(words).tolist() == places.tolist()
    assert count_of(words) == places.size
    assert (bits_of(octets == ord(",")) == words).all()
    assert (bits_at(places, words.size) == words).all()
    assert places_of(before(words)).tolist() == (places + 1).tolist()
    assert places_of(after(words)).tolist() == (places[places > 0] - 1).tolist()
    is_open = np.cumsum(np.append(octets == ord(","), np.zeros(words.size * 64 - octets.size, np.bool_))) % 2
    assert places_of(opened(words)).tolist() == np.flatnonzero(is_open).tolist()


@pytest.mark.parametrize("most_listed", [0, 10_000])
@given(text=TEXTS)
def test_bits_are_found_by_their_number(most_listed: int, text: bytes) -> None:
    octets = np.frombuffer(text, np.uint8)
    places = np.flatnonzero(octets == ord(","))
    ranked = Ranked.of(signs(octets, b",")[0], most_listed)
    assert ranked.count_before(np.arange(octets.size + 1)).tolist() == [
        int((places < at).sum()) for at in range(octets.size + 1)
    ]
    assert ranked.place(np.arange(places.size)).tolist() == places.tolist()
    starts = np.arange(places.max(initial=-1) + 1)
    numbers = np.searchsorted(places, starts)
    assert ranked.next(starts, numbers).tolist() == places[numbers].tolist()


def lines_of(text: bytes) -> Lines:
    return Lines(Chunk(1, text))


PLAIN = st.text("ab ,;\"é'", max_size=12)
RECORDS = st.lists(st.lists(PLAIN, min_size=1, max_size=70), min_size=1, max_size=8)


@pytest.mark.parametrize("listed_fields", [0, 1_000])
@given(records=RECORDS, end=st.sampled_from(["\n", "\r\n"]), is_ended=st.booleans())
def test_fields_are_those_of_a_reader_of_csv(
    listed_fields: int, records: list[list[str]], end: str, is_ended: bool
) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator=end).writerows(records)
    text = written.getvalue() if is_ended else written.getvalue().removesuffix(end)
    with patch.object(fields, "_LISTED_FIELDS", listed_fields):
        rows, refusals = Delimited.of(lines_of(text.encode()), b",", Quotes.STRICT, (Layout(((1, 70),), {}),))
        assert refusals == []
        for place in range(70):
            wanted = [record[place] or None if place < len(record) else None for record in records]
            assert rows.column(str(place + 1)).to_pylist() == wanted


BROKEN = st.lists(st.sampled_from(['"', '""', ",", "a", "bc", "\n", "\r\n", "é", "x" * 70]), max_size=60).map("".join)


@pytest.mark.parametrize("quotes", list(Quotes))
@given(text=BROKEN)
def test_it_does_not_matter_whether_fields_are_listed_or_looked_up(quotes: Quotes, text: str) -> None:
    found = []
    for listed_fields in (0, 1_000):
        with patch.object(fields, "_LISTED_FIELDS", listed_fields):
            rows, refusals = Delimited.of(lines_of(text.encode()), b",", quotes, (Layout(((1, 20),), {}),))
            columns = [rows.column(str(place)).to_pylist() for place in (1, 2, 3, 9, 4, 20)]
            found.append((rows.at.tolist(), rows.wrong().tolist(), refusals, columns))
    assert found[0] == found[1]


@given(text=BROKEN, share=st.floats(0, 1))
def test_quotes_of_a_line_do_not_depend_on_other_lines(text: str, share: float) -> None:
    lines = text.split("\n")
    at = int(share * len(lines))
    apart = []
    for part in ("\n".join(lines[:at]), "\n".join(lines[at:])):
        rows, _ = Delimited.of(lines_of(part.encode()), b",", Quotes.LENIENT, (Layout(((1, 200),), {}),))
        apart += list(zip(*(rows.column(str(place)).to_pylist() for place in (1, 2, 3)), strict=True))
    rows, _ = Delimited.of(lines_of(text.encode()), b",", Quotes.LENIENT, (Layout(((1, 200),), {}),))
    assert list(zip(*(rows.column(str(place)).to_pylist() for place in (1, 2, 3)), strict=True)) == apart


URIS = st.lists(
    st.sampled_from(["sip:", "sips:", "tel:", "ip:", "s", "+", "12", "0", ":", "@", "é", '"A" <', ">", " ", "9" * 70]),
    max_size=7,
).map("".join)


@given(st.lists(st.none() | URIS, max_size=12), st.integers(0, 3))
def test_the_number_of_a_uri_is_what_the_pattern_finds(texts: list[str | None], offset: int) -> None:
    column = pa.array(texts, pa.string()).slice(offset)
    assert uri_number(column).to_pylist() == extracted(column, r"(?:sips?|tel):(?P<it>\+?[0-9]+)").to_pylist()


@given(st.lists(st.none() | st.text(" \tab\u00a0\u2003é", max_size=5), max_size=6))
def test_what_has_no_blank_at_its_edges_stays(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    wanted = [None if not each or not each.strip() else each.strip() for each in texts]
    found = trimmed(pc.if_else(pc.equal(column, ""), pa.nulls(len(column), pa.string()), column))
    assert found.to_pylist() == wanted


def test_a_key_that_a_condition_leaves_out_is_missing() -> None:
    mapping = {
        "name": "mine",
        "file": {"kind": "delimited", "columns": ["kind", "id", "to", "at"]},
        "record": {
            "key": "if(kind == 'a', id)", "called": "`to`", "start": "at", "quantity": "number(if(kind == 'b', id, '5'))",
        },
    }  # fmt: skip
    rows = b"a,k1,44,2026-01-02 17:00:00\nb,k2,44,2026-01-02 17:00:00\n"
    decoded = Mapped(check_mapping(mapping, "mine.toml")).decode(Chunk(1, rows), PROFILE)
    assert decoded.events["key"].to_pylist() == ["k1"]
    assert decoded.rejects["detail"].to_pylist() == ["key is empty."]

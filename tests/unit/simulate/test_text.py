"""Columns of text: numbers, decimals, times on a clock, identifiers, lines."""

import uuid

import numpy as np
import pyarrow as pa

from trunkline.simulate.draws import Draws
from trunkline.simulate.text import decimals, joined, octets, padded, pick, quoted, stamps, uuids


def test_numbers_are_padded_and_pointed():
    assert padded(np.asarray([0, 7, 999]), 3).to_pylist() == ["000", "007", "999"]
    assert decimals(np.asarray([0, 5, 123456]), 5).to_pylist() == ["0.00000", "0.00005", "1.23456"]


def test_a_negative_index_picks_nothing():
    assert pick(["a", "b"], np.asarray([1, -1, 0])).to_pylist() == ["b", "", "a"]


def test_instants_are_shown_on_the_clock_of_the_zone():
    spring = np.asarray([1774745999000, 1774746000000, -1])  # 29 March 2026, 00:59:59 and 01:00:00 UTC
    assert stamps(spring, "Europe/Berlin").to_pylist() == ["2026-03-29 01:59:59", "2026-03-29 03:00:00", ""]
    assert stamps(spring[:1] + 250, "UTC", separator="T", fraction=True).to_pylist() == ["2026-03-29T00:59:59.250"]


def test_words_become_uuids_of_version_4():
    words = Draws(1).words(200)
    for text in uuids(words[:100], words[100:]).to_pylist():
        assert str(uuid.UUID(text)) == text
        assert uuid.UUID(text).version == 4
        assert uuid.UUID(text).variant == uuid.RFC_4122


def test_values_are_quoted_where_they_must_be():
    assert quoted(pa.array(["a", "b,c", 'd"e', ""])).to_pylist() == ["a", '"b,c"', '"d""e"', ""]


def test_lines_are_joined_and_their_bytes_follow_each_other():
    lines = joined([pa.array(["1", "2"]), pa.scalar("x"), pa.array(["a", ""])])
    assert bytes(octets(lines)) == b"1,x,a\n2,x,\n"
    assert bytes(octets(lines.slice(1))) == b"2,x,\n"
    assert bytes(octets(joined([pa.array(["1"]), pa.scalar("x")], in_quotes=True))) == b'"1","x"\n'
    assert bytes(octets(lines.slice(0, 0))) == b""

"""Damaged files: whatever is done to a golden file, nothing crashes and every line is accounted for."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.usage.golden import NAMES, PROFILE, as_text, golden_file
from trunkline.usage.decode import Chunk, Decoded, FileFailed, get_format, line_octets
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.reasons import Reason

PIECES = st.one_of(
    st.sampled_from(
        [b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\0", b"\\", b"\xff", b"\xef\xbb\xbf", b" ", b"-", b"0", b"+"]
    ),
    st.binary(max_size=6),
)
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), min_size=1, max_size=12)


def damaged(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Some places of the data cut out or overwritten."""
    for place, length, piece in changes:
        at = int(place * len(data))
        data = data[:at] + piece + data[at + length :]
    return data


def decode(name: str, data: bytes, first_line: int = 1) -> Decoded:
    form = get_format(name)
    header = None
    if form.has_header:
        header = golden_file(name).read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()[0]
    return form.decode(Chunk(first_line, data, header), PROFILE)


def body(name: str) -> bytes:
    data = golden_file(name).read_bytes()
    return data.split(b"\n", 1)[1] if get_format(name).has_header else data


@pytest.mark.parametrize("name", NAMES)
@given(changes=CHANGES)
def test_every_line_is_an_event_a_reject_or_blank(name: str, changes: list[tuple[float, int, bytes]]) -> None:
    data = damaged(body(name), changes)
    decoded = decode(name, data)
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    taken = decoded.events["line"].to_pylist() + decoded.rejects["line"].to_pylist()
    ink = [at for at, line in enumerate(lines, start=1) if line.strip(b" \t\r\n") or b"\r" in line.removesuffix(b"\r")]
    passed_over = sum(decoded.skip_reasons.values())
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(ink)
    assert len(taken) + passed_over == len(ink)
    assert decoded.skipped == len(lines) - len(taken)
    assert all(row["reason"] in list(Reason) and row["detail"] for row in decoded.rejects.to_pylist())
    for row in decoded.rejects.to_pylist():
        assert lines[row["line"] - 1].removesuffix(b"\r") in line_octets(row["raw"])
    for row in decoded.events.to_pylist():
        assert re.fullmatch(r"[0-9]{0,32}", row["called"])
        assert re.fullmatch(r"[0-9]{0,32}", row["calling"])
        assert row["start"] <= (row["answer"] or row["start"]) <= row["end"]
        assert row["quantity"] >= 0
        assert row["key"]


# Where rows are legs or attempts of one call, what a line becomes depends on the others: test_legs.
OF_RECORDS = [name for name in NAMES if not (isinstance(form := get_format(name), Mapped) and form.description.legs)]


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_RECORDS)
@given(changes=CHANGES, share=st.floats(0, 1))
def test_a_line_means_the_same_wherever_the_chunk_is_cut(
    name: str, changes: list[tuple[float, int, bytes]], share: float
) -> None:
    data = damaged(body(name), changes)
    cut = data.find(b"\n", int(share * len(data))) + 1
    parts = [(data[:cut], 1), (data[cut:], data[:cut].count(b"\n") + 1)]
    apart = [line for part, first in parts for line in as_text(decode(name, part, first)).splitlines()[:-1]]
    assert as_text(decode(name, data)).splitlines()[:-1] == apart


@pytest.mark.parametrize("name", NAMES)
@given(header=st.binary(max_size=80), rows=st.binary(max_size=300))
def test_no_bytes_crash_a_format(name: str, header: bytes, rows: bytes) -> None:
    form = get_format(name)
    chunk = Chunk(1, rows, header.replace(b"\n", b""), is_first=True)
    if form.has_header:
        with pytest.raises(FileFailed, match="header"):
            form.decode(chunk, PROFILE)
        return
    with suppress(FileFailed):
        decoded = form.decode(chunk, PROFILE)
        lines = len(rows.removesuffix(b"\n").split(b"\n")) if rows else 0
        assert decoded.events.num_rows + decoded.rejects.num_rows + decoded.skipped == lines

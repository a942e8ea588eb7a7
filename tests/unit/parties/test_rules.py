"""Identification against the rules written one record at a time, and the forms of values."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.parties.kinds import IdentityKind, IdentitySide, Side
from trunkline.parties.rules import IdentityRow, Resolver, Status, identity_value, tech_prefix_text

ADDRESSES = ["10.0.0.1", "10.0.0.200", "10.1.0.1", "::ffff:10.0.0.1", "2001:db8::1", "2001:db8:1::1", "nonsense", ""]
NETWORKS = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.1",
    "10.0.0.128/25",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "::/0",
]
NAMES = ["A", "B", "C"]
PREFIXES = ["", "1", "12", "123", "2", "77#", "7"]


@st.composite
def identities(draw: st.DrawFn) -> IdentityRow:
    kind = draw(st.sampled_from(list(IdentityKind)))
    bounds = sorted(draw(st.lists(st.integers(0, 20), min_size=2, max_size=2)))
    value = draw(st.sampled_from(NETWORKS if kind is IdentityKind.IP else NAMES))
    return IdentityRow(
        account_id=draw(st.integers(1, 4)),
        kind=kind,
        side=draw(st.sampled_from(list(IdentitySide))),
        value=value,
        tech_prefix=draw(st.sampled_from(PREFIXES)),
        switch=draw(st.sampled_from([None, "east", "west"])),
        priority=draw(st.sampled_from([1, 100])),
        valid_from_ms=draw(st.sampled_from([None, bounds[0]])),
        valid_to_ms=draw(st.sampled_from([None, bounds[1]])),
    )


Record = dict[str, str | int | None]
records: st.SearchStrategy[Record] = st.fixed_dictionaries(
    {
        "trunk": st.sampled_from([None, "", *NAMES, "D"]),
        "source_ip": st.sampled_from([None, *ADDRESSES]),
        "account_code": st.sampled_from([None, "", *NAMES, "D"]),
        "calling": st.sampled_from([None, "", *NAMES, "D"]),
        "sip_user": st.sampled_from([None, "", *NAMES]),
        "called": st.sampled_from([None, "", "1", "1234", "77#1", "7712", "3"]),
        "start": st.integers(0, 20),
    }
)


def _lies_in(address: str, network: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return parsed in ipaddress.ip_network(network)


def _fits(row: IdentityRow, record: Record, side: Side, switch: str) -> bool:
    start, seen = record["start"], record[row.kind.column]
    assert isinstance(start, int)
    return (
        row.side in (IdentitySide.BOTH, IdentitySide(side))
        and row.switch in (None, switch)
        and bool(seen)
        and (_lies_in(str(seen), row.value) if row.kind is IdentityKind.IP else seen == row.value)
        and str(record["called"] or "").startswith(row.tech_prefix)
        and (row.valid_from_ms is None or row.valid_from_ms <= start)
        and (row.valid_to_ms is None or start < row.valid_to_ms)
    )


def _rank(row: IdentityRow) -> tuple[int, int, bool, int]:
    network = ipaddress.ip_network(row.value) if row.kind is IdentityKind.IP else None
    free = network.max_prefixlen - network.prefixlen if network else 0
    return free, -len(row.tech_prefix), row.switch is None, row.priority


def plainly(book: Sequence[IdentityRow], record: Record, side: Side, switch: str) -> tuple[int, Status, int]:
    """The page's rules for one record."""
    fitting = sorted((row for row in book if _fits(row, record, side, switch)), key=_rank)
    first = [row for row in fitting if _rank(row) == _rank(fitting[0])]
    if len({row.account_id for row in first}) == 1:
        return first[0].account_id, Status.OK, len(first[0].tech_prefix)
    if first:
        return -1, Status.AMBIGUOUS, 0
    calling_counts = any(
        row.kind is IdentityKind.CALLING and row.side.covers(side) and row.switch in (None, switch) for row in book
    )
    named = any(record[kind.column] for kind in IdentityKind if kind is not IdentityKind.CALLING or calling_counts)
    return -1, Status.UNKNOWN if named else Status.NONE, 0


@given(
    book=st.lists(identities(), max_size=12),
    rows=st.lists(records, max_size=30),
    side=st.sampled_from(list(Side)),
    switch=st.sampled_from(["east", "north"]),
    encoded=st.booleans(),
)
def test_whole_columns_resolve_as_single_records_do(
    book: list[IdentityRow], rows: list[Record], side: Side, switch: str, encoded: bool
) -> None:
    columns = {
        name: pa.chunked_array(
            [pa.array([row[name] for row in half], pa.string()) for half in (rows[::2], rows[1::2])], pa.string()
        )
        for name in ("trunk", "source_ip", "account_code", "calling", "sip_user", "called")
    }
    if encoded:
        columns = {name: column.dictionary_encode() for name, column in columns.items()}
    ordered = rows[::2] + rows[1::2]
    start = np.array([row["start"] for row in ordered], np.int64)
    found = Resolver.compile(book, switch=switch).resolve(columns, start, side)
    got = list(zip(found.account_id.tolist(), found.status.tolist(), found.strip_len.tolist(), strict=True))
    assert got == [plainly(book, row, side, switch) for row in ordered]


@pytest.mark.slow
def test_a_book_of_a_hundred_thousand_calling_numbers_resolves() -> None:
    book = [IdentityRow(n, IdentityKind.CALLING, IdentitySide.SELL, str(254700000000 + n)) for n in range(1, 100_001)]
    calling = pa.array([str(254700000000 + n) for n in (1, 100_000, 50_000, 100_001)])
    found = Resolver.compile(book).resolve({"calling": calling}, np.zeros(4, np.int64), Side.SELL)
    assert found.account_id.tolist() == [1, 100_000, 50_000, -1]
    assert found.status.tolist() == [Status.OK, Status.OK, Status.OK, Status.UNKNOWN]


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="trunk has 1 rows, the starts have 2"):
        Resolver.compile([]).resolve({"trunk": pa.array(["A"])}, np.zeros(2, np.int64), Side.SELL)


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (IdentityKind.TRUNK, " ALPHA-1 ", "ALPHA-1"),
        (IdentityKind.IP, "192.0.2.7/32", "192.0.2.7"),
        (IdentityKind.IP, "192.0.2.0/24", "192.0.2.0/24"),
        (IdentityKind.IP, "::ffff:192.0.2.7", "192.0.2.7"),
        (IdentityKind.IP, "::ffff:192.0.2.0/120", "192.0.2.0/24"),
        (IdentityKind.IP, "2001:DB8:0:0::/32", "2001:db8::/32"),
        (IdentityKind.CALLING, "+254 720 000-001", "254720000001"),
    ],
)
def test_values_are_kept_in_one_form(kind: IdentityKind, text: str, kept: str) -> None:
    assert identity_value(kind, text) == kept


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (IdentityKind.TRUNK, "  ", "bad_identity"),
        (IdentityKind.TRUNK, "A\x00B", "bad_identity"),
        (IdentityKind.TRUNK, "x" * 201, "bad_identity"),
        (IdentityKind.IP, "192.0.2.7/24", "bad_network"),
        (IdentityKind.IP, "example.net", "bad_network"),
        (IdentityKind.CALLING, "0720 000 001", "bad_number"),
        (IdentityKind.CALLING, "+2547x", "bad_number"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(kind: IdentityKind, text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        identity_value(kind, text)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["12a", "1 2", "1" * 33, "٣"])
def test_a_tech_prefix_is_digits_star_and_hash(text: str) -> None:
    assert tech_prefix_text(" 77#* ") == "77#*"
    with pytest.raises(Invalid) as caught:
        tech_prefix_text(text)
    assert caught.value.code == "bad_tech_prefix"

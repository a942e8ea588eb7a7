"""Sizes as people write and read them."""

from __future__ import annotations

import pytest

from trunkline.core.errors import Invalid
from trunkline.core.octets import read_octets, shown_octets


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("500", 500),
        ("1 B", 1),
        ("50GB", 50_000_000_000),
        (" 1.5 GiB ", 1_610_612_736),
        ("2 tib", 2 << 40),
        ("0.5 kB", 500),
    ],
)
def test_a_size_is_read(text: str, octets: int) -> None:
    assert read_octets(text) == octets


@pytest.mark.parametrize("text", ["", "0", "-1 GB", "1,5 GB", "GB", "1 XB", "0.3 B", "9999999 PB", "1e9"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_octets(text)
    assert caught.value.code == "bad_size"


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (3 << 20, "3.0 MiB"),
        (1536 << 20, "1.5 GiB"),
        (5000 << 40, "5,000.0 TiB"),
    ],
)
def test_a_size_is_shown_in_the_largest_unit(octets: int, text: str) -> None:
    assert shown_octets(octets) == text

"""Networks, validity, and how often a key's use is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.core.errors import Invalid
from trunkline.identity.rules import is_from, is_usable_key, is_use_to_be_noted, is_within, parse_networks

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_networks_are_kept_in_their_plain_form() -> None:
    given = [" 203.0.113.7 ", "203.0.113.7/32", "198.51.100.0/24", "2001:DB8::/32"]
    assert parse_networks(given) == ["203.0.113.7/32", "198.51.100.0/24", "2001:db8::/32"]


@pytest.mark.parametrize("text", ["", "here", "203.0.113.7/24", "203.0.113.0/33"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no network"):
        parse_networks([text])


@pytest.mark.parametrize(
    ("address", "networks", "expected"),
    [
        ("203.0.113.7", [], True),
        ("", [], True),
        ("203.0.113.7", ["203.0.113.0/24"], True),
        ("203.0.114.7", ["203.0.113.0/24"], False),
        ("203.0.114.7", ["203.0.113.0/24", "203.0.114.0/24"], True),
        ("::ffff:203.0.113.7", ["203.0.113.0/24"], True),
        ("2001:db8::1", ["2001:db8::/32"], True),
        ("2001:db9::1", ["2001:db8::/32"], False),
        ("203.0.113.7", ["2001:db8::/32"], False),
        ("", ["203.0.113.0/24"], False),
        ("unknown", ["203.0.113.0/24"], False),
    ],
)
def test_where_somebody_comes_from(address: str, networks: list[str], expected: bool) -> None:
    assert is_from(address, networks) == expected


def test_validity_is_half_open() -> None:
    asked = (AT - SECOND, AT, AT + SECOND)
    assert [is_within(each, AT, AT + SECOND) for each in asked] == [False, True, False]
    assert [is_within(each, AT, None) for each in asked] == [False, True, True]


def test_a_key_opens_until_it_expires_or_is_revoked() -> None:
    assert is_usable_key(AT, None, None)
    assert [is_usable_key(AT, AT + d * SECOND, None) for d in (-1, 0, 1)] == [False, False, True]
    assert not is_usable_key(AT, None, AT)


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    assert is_use_to_be_noted(AT, None)
    assert [is_use_to_be_noted(AT + s * SECOND, AT) for s in (0, 59, 60)] == [False, False, True]

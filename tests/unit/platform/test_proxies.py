"""Whose address a request comes from."""

from __future__ import annotations

import pytest

from trunkline.platform.proxies import client_address, is_among

OURS = ["10.0.0.0/8", "unix"]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # a stranger's word
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # what the client wrote itself
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),  # two proxies of ours
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("", "198.51.100.1", "198.51.100.1"),  # by a unix socket
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client_is_who_the_last_trusted_proxy_spoke_with(peer: str, forwarded_for: str, client: str) -> None:
    assert client_address(peer, forwarded_for, OURS) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert client_address("127.0.0.1", "198.51.100.1", []) == "127.0.0.1"
    assert client_address("", "198.51.100.1", []) == ""
    assert not is_among("nonsense", OURS)

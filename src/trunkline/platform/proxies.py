"""Who is at the other end, where proxies stand between."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

UNIX = "unix"  # among the trusted: whoever may write to our socket
LOOPBACK = ("127.0.0.0/8", "::1/128")


def is_among(address: str, networks: Sequence[str]) -> bool:
    """Whether an address is in one of the networks; an empty one is a unix socket's."""
    return _is_among(address, tuple(networks))


@lru_cache(maxsize=1024)  # asked three times by every request
def _is_among(address: str, networks: tuple[str, ...]) -> bool:
    if not address:
        return UNIX in networks
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ip_network(each) for each in networks if each != UNIX)


def client_address(peer: str, forwarded_for: str, trusted: Sequence[str]) -> str:
    """The client's address: the peer's, or, as far as the peer and those before it are trusted, the one that they name.

    `forwarded_for` is `X-Forwarded-For`: each proxy adds whom it spoke with at the end, and the client can put anything at the front.
    What is no address ends the walk.
    """
    found = peer
    for word in reversed(forwarded_for.split(",")):
        if not is_among(found, trusted):
            break
        named = word.strip()
        if not named:
            break
        try:
            found = str(ip_address(named))
        except ValueError:
            break
    return found

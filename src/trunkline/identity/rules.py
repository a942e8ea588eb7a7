"""Decisions about staff and keys, without a database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from trunkline.core.errors import Invalid

STAFF_SESSION_LONGEST: Final = timedelta(hours=8)
NO_TENANT: Final = 0  # what a secret is sealed for that belongs to a person
FACTOR_PURPOSE: Final = "second factor"
INVITE: Final = "identity.invite"  # the job; here, so that who only defers it does not load the queue
KEY_USE_EVERY: Final = timedelta(minutes=1)


def parse_networks(words: Iterable[str]) -> list[str]:
    """Networks as they are kept: `203.0.113.7` becomes `203.0.113.7/32`. Raises Invalid `bad_network`."""
    found = []
    for word in words:
        try:
            found.append(str(ip_network(word.strip())))
        except ValueError as error:
            raise Invalid(
                "bad_network",
                f"{word!r} is no network: {error}.",
                hint="Give an address or a network such as 203.0.113.0/24 or 2001:db8::/32.",
                network=word,
            ) from error
    return list(dict.fromkeys(found))


def is_from(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of the networks; no networks at all let everybody in, an address that is none never gets in."""
    allowed = [ip_network(each) for each in networks]
    if not allowed:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:  # how a socket for both names IPv4
        found = found.ipv4_mapped
    return any(found in network for network in allowed)


def is_within(at: datetime, valid_from: datetime, valid_to: datetime | None) -> bool:
    """Whether an instant is in `[valid_from, valid_to)`."""
    return valid_from <= at and (valid_to is None or at < valid_to)


def is_usable_key(at: datetime, expires_at: datetime | None, revoked_at: datetime | None) -> bool:
    """Whether a key still opens something."""
    return revoked_at is None and (expires_at is None or at < expires_at)


def is_use_to_be_noted(at: datetime, last_used_at: datetime | None) -> bool:
    """Whether the last use is so long ago that this one is written down: at most once a minute."""
    return last_used_at is None or at - last_used_at >= KEY_USE_EVERY

"""Where we connect to when an operator names the server, as with sources and mailboxes, and where never (docs/operations/install.md, *Where sources may lead*).

A name is resolved once, each address is looked at, and the connection is made to the very address that was looked at: a name that leads
elsewhere a moment later (DNS rebinding) gains nothing. No database, no Django.

| variable | what |
|---|---|
| `TRUNKLINE_SOURCES_NEVER` | networks besides those below, with commas |
| `TRUNKLINE_SOURCES_ALLOW` | networks that may be reached whatever else is said |
| `TRUNKLINE_SOURCES_PRIVATE` | `on` or `off`: whether private networks may be; left out: unless strangers sign up |

Strangers sign up where the address that people type is https and `TRUNKLINE_SIGNUP` is not off.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.kit.environment import is_on

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# RFC 6890 and IANA's registries of special addresses. What serves a cloud's metadata is link-local or stands here by itself.
NEVER: Final = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4", "100.100.100.200/32", "168.63.129.16/32",
        "::/128", "::1/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128",
    )
)  # fmt: skip
# RFC 1918, RFC 6598, RFC 4193, and site-local addresses of before.
PRIVATE: Final = tuple(
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
)
# Networks of IPv6 in whose addresses one of IPv4 stands, by its first bit: mapped and compatible (RFC 4291), translated (RFC 6052, 8215).
_CARRIES_IPV4: Final = tuple(
    ip_network(each) for each in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
_HERE: Final = ("localhost", ".localhost")  # RFC 6761, 6.3


class NotReached(Invalid):
    """`address_not_allowed`: the server stands where nobody may be led."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses may be connected to."""

    never: tuple[Network, ...]
    allowed: tuple[Network, ...]

    def may(self, address: str) -> bool:
        """Whether an address may be connected to, and the one of IPv4 that it carries, if it does."""
        return all(self._may(each) for each in _meant(ip_address(address.partition("%")[0])))

    def _may(self, address: Address) -> bool:
        return _is_in(address, self.allowed) or not _is_in(address, self.never)


def reach() -> Reach:
    """What the environment says. Raises Invalid `bad_networks`."""
    strangers = os.environ.get("TRUNKLINE_URL", "").startswith("https:") and is_on("TRUNKLINE_SIGNUP", default=True)
    private = () if is_on("TRUNKLINE_SOURCES_PRIVATE", default=not strangers) else PRIVATE
    return Reach((*NEVER, *private, *_networks("TRUNKLINE_SOURCES_NEVER")), _networks("TRUNKLINE_SOURCES_ALLOW"))


def require_reachable(host: str) -> None:
    """Raises NotReached where a host is an address, or a name of this machine, that may not be connected to. Other names are looked at when connecting."""
    name = host.strip().strip("[]").rstrip(".").lower()
    if name == _HERE[0] or name.endswith(_HERE[1]):
        name = "127.0.0.1"
    address = _literal(name)
    if address and not reach().may(address):
        raise _refused(host)


def connect(host: str, port: int, *, timeout_s: float | None) -> socket.socket:
    """A connection to a server, to an address of it that may be reached. Raises NotReached where none may; OSError as `socket.create_connection` does."""
    where = reach()
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [each for each in found if where.may(str(each[4][0]))]
    if not allowed:
        raise _refused(host)
    failure: OSError = OSError("no address was found")
    for family, kind, protocol, _, address in allowed:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout_s)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def _refused(host: str) -> NotReached:
    # Not which address it is: names of the machine's own network are not for whoever asks.
    return NotReached(
        "address_not_allowed",
        f"{host} stands in a network that may not be reached from here.",
        hint="Whoever runs this installation can allow it: TRUNKLINE_SOURCES_ALLOW.",
        field="host",
    )


def _literal(text: str) -> str:
    """The address that a text is, also in the forms of old (`127.1`, `0x7f000001`); '' for a name."""
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        try:
            return socket.inet_ntoa(socket.inet_aton(text))
        except (OSError, UnicodeEncodeError):
            return ""


def _meant(address: Address) -> tuple[Address, ...]:
    if isinstance(address, IPv4Address):
        return (address,)
    if _is_in(address, _CARRIES_IPV4) and address.packed[:15] != bytes(15):
        return address, IPv4Address(address.packed[12:])
    inner = address.sixtofour or (address.teredo[1] if address.teredo else None)
    return (address,) if inner is None else (address, inner)


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == each.version and address in each for each in networks)


def _networks(name: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(each.strip()) for each in os.environ.get(name, "").split(",") if each.strip())
    except ValueError as error:
        raise Invalid(
            "bad_networks", f"{name}: {error}.", hint="Write networks with commas: 10.0.0.0/8,fd00::/8."
        ) from error

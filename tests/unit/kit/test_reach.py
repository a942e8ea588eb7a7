"""Where operators may lead us, and where never."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from trunkline.core.errors import Invalid
from trunkline.kit import reach as module
from trunkline.kit.reach import NotReached, connect, reach, require_reachable

NAMES = (
    "TRUNKLINE_SOURCES_NEVER",
    "TRUNKLINE_SOURCES_ALLOW",
    "TRUNKLINE_SOURCES_PRIVATE",
    "TRUNKLINE_URL",
    "TRUNKLINE_SIGNUP",
)


@pytest.fixture(autouse=True)
def _nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "0.0.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16",
        "::", "::1", "fe80::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254",
        # An address of IPv4 inside one of IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo.
        "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_this_machine_and_the_clouds_metadata_are_never_reached(address: str) -> None:
    assert not reach().may(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::", "::ffff:8.8.8.8"]
)
def test_the_rest_of_the_world_is(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_SOURCES_PRIVATE", "off")
    assert reach().may(address)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"]
)
def test_private_networks_are_reached_unless_strangers_sign_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reach().may(address)
    monkeypatch.setenv("TRUNKLINE_URL", "https://billing.example.com")
    assert not reach().may(address)
    monkeypatch.setenv("TRUNKLINE_SIGNUP", "off")
    assert reach().may(address)
    monkeypatch.setenv("TRUNKLINE_SOURCES_PRIVATE", "off")
    assert not reach().may(address)
    monkeypatch.setenv("TRUNKLINE_SOURCES_ALLOW", "10.0.0.0/30, 172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fd12::/64")
    assert reach().may(address)


def test_networks_are_added_and_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_SOURCES_NEVER", "203.0.113.0/24,2001:db8::/32")
    monkeypatch.setenv("TRUNKLINE_SOURCES_ALLOW", "203.0.113.7,127.0.0.2/32")
    found = {
        each: reach().may(each) for each in ("203.0.113.6", "203.0.113.7", "2001:db8::1", "127.0.0.1", "127.0.0.2")
    }
    assert [each for each, may in found.items() if may] == ["203.0.113.7", "127.0.0.2"]


@pytest.mark.parametrize("text", ["10.0.0.0/99", "home", "10.0.0.1/8"])
def test_networks_that_are_none_are_said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_SOURCES_NEVER", text)
    with pytest.raises(Invalid) as caught:
        reach()
    assert caught.value.code == "bad_networks"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "db.localhost",
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "::ffff:7f00:1",
    ],
)
def test_what_is_this_machine_is_refused_when_it_is_written_down(host: str) -> None:
    with pytest.raises(NotReached) as caught:
        require_reachable(host)
    assert (caught.value.code, caught.value.context["field"]) == ("address_not_allowed", "host")


def test_other_names_are_looked_at_when_connecting() -> None:
    require_reachable("sftp.partner.example")
    require_reachable("8.8.8.8")


def leads_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[Any]:
    """Names lead to these addresses, at each look to others; where connections go is written down."""
    made: list[Any] = []
    left = list(answers)

    class Socket:
        def __init__(self, *_: Any) -> None: ...
        def settimeout(self, seconds: float | None) -> None: ...
        def close(self) -> None: ...
        def connect(self, address: Any) -> None:
            made.append(address[0])

    def look(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in left.pop(0)]

    monkeypatch.setattr(module.socket, "getaddrinfo", look)
    monkeypatch.setattr(module.socket, "socket", Socket)
    return made


def test_a_name_that_leads_inside_is_refused_and_nobody_is_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    made = leads_to(monkeypatch, ["127.0.0.1", "169.254.169.254"])
    with pytest.raises(NotReached) as caught:
        connect("innocent.example", 22, timeout_s=1)
    assert made == []
    assert "127.0" not in str(caught.value) + repr(caught.value.context)


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made = leads_to(monkeypatch, ["127.0.0.1", "8.8.8.8"], ["127.0.0.1"])  # a second look would be led inside
    connect("rebinding.example", 22, timeout_s=1)
    assert made == ["8.8.8.8"]

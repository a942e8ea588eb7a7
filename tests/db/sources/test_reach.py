"""Sources and mailboxes lead nowhere inside: refused when they are written down, and with each connection, before a byte is sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.db.sources.feeds import Feeds
from tests.peers import Peer
from trunkline.core.errors import TrunklineError
from trunkline.kit import reach
from trunkline.kit.secrets import Secret
from trunkline.pricing.actions.mailboxes import add_mailbox
from trunkline.usage.models import Source
from trunkline.usage.sources.peers import shown_pin

KINDS = ("sftp", "ftps", "imap")
SSH_PIN = "ssh-ed25519 SHA256:" + "a" * 43
PINS = {"sftp": SSH_PIN, "ftps": "a" * 64, "imap": "a" * 64}


@contextmanager
def listening() -> Iterator[tuple[int, list[Any]]]:
    """A port of the loopback and who has knocked there."""
    knocks: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def take() -> None:
            while not stop.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                knocks.append(address)
                connection.close()

        taker = threading.Thread(target=take)
        taker.start()
        try:
            yield server.getsockname()[1], knocks
        finally:
            stop.set()
            taker.join()


def source_at(feeds: Feeds, kind: str, host: str, port: int) -> int:
    more = {"senders": ["*"]} if kind == "imap" else {}
    peer = Peer(host=host, port=port, login="cdr", secret="x", folder=feeds.carrier.folder, pin=PINS[kind])
    return feeds.add(kind, peer, **({"password": Secret("x"), "private_key": None} if kind == "sftp" else {}), **more)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_in_this_machine_is_refused_when_it_is_made(
    feeds: Feeds, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUNKLINE_SOURCES_ALLOW")
    for host in ("localhost", "127.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(TrunklineError) as caught:
            source_at(feeds, kind, host, 22)
        assert caught.value.code == "address_not_allowed"
    with feeds.carrier.scope():
        assert not Source.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_leads_inside_is_refused_with_each_look_and_nobody_knocks_there(
    feeds: Feeds, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUNKLINE_SOURCES_ALLOW")
    asked = socket.getaddrinfo

    def look(host: str, *rest: Any, **more: Any) -> Any:
        return asked("127.0.0.1" if host == "partner.example" else host, *rest, **more)

    monkeypatch.setattr(reach.socket, "getaddrinfo", look)
    with listening() as (port, knocks):
        source_at(feeds, kind, "partner.example", port)
        found = feeds.look()
        assert found.failure is not None
        assert found.failure.code == "address_not_allowed"
        with pytest.raises(TrunklineError) as caught:
            shown_pin(kind, "partner.example", port)
        assert caught.value.code == "address_not_allowed"
        assert knocks == []
        monkeypatch.setenv("TRUNKLINE_SOURCES_ALLOW", "127.0.0.1")
        assert feeds.look().failure is not None  # it is no server, but it is knocked at
        assert knocks


def test_a_mailbox_in_this_machine_is_refused(feeds: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUNKLINE_SOURCES_ALLOW")
    with feeds.carrier.scope(), pytest.raises(TrunklineError) as caught:
        add_mailbox(name="m", host="localhost", login="x", password=Secret("x"), at=feeds.now)
    assert caught.value.code == "address_not_allowed"

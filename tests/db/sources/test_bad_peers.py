"""What servers and networks do to us in the middle of a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.db.sources.feeds import Feeds, put, text
from tests.db.sources.hostile import Hostile, hostile
from tests.peers import Peer
from trunkline.kit.secrets import Secret
from trunkline.usage.sources.remote import BLOCK_OCTETS

LARGE = text(*(str(number) for number in range(60_000)))  # more than one read of 4 MiB


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hostile]:
    with hostile(tmp_path / "files") as found:
        yield found


def add(feeds: Feeds, peer: Peer, **more: Any) -> None:
    """By password."""
    feeds.add("sftp", peer, private_key=None, password=Secret(peer.secret), **more)


def test_a_password_lets_us_in(feeds: Feeds, server: Hostile) -> None:
    add(feeds, server.peer)
    put(server.peer.folder, "a.csv", text("1"))
    assert feeds.fates() == [("a.csv", "taken")]


def test_a_wrong_password_is_said_but_never_repeated(
    feeds: Feeds, server: Hostile, capfd: pytest.CaptureFixture[str]
) -> None:
    add(feeds, Peer(server.peer.port, "cdr", server.peer.folder, server.peer.pin, "wr0ng-passw0rd"))
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "login_refused"
    with feeds.carrier.scope():
        everything = f"{found!r} {feeds.source().__dict__} {feeds.look()!r}"
    assert "wr0ng" not in everything + "".join(capfd.readouterr())


def test_a_connection_cut_in_the_middle_takes_nothing_and_the_next_look_takes_it_whole(
    feeds: Feeds, server: Hostile
) -> None:
    add(feeds, server.peer)
    put(server.peer.folder, "a.csv", LARGE)
    reads: list[int] = []

    def cut(path: Path, connection: Any) -> None:
        reads.append(1)
        if len(reads) == 2:
            connection.abort()

    server.when_read(cut)
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "connection_cut"
    assert feeds.receipts() == [("a.csv", "seen")]
    assert feeds.spooled() == []
    assert feeds.waits_for() == 1
    assert feeds.fates() == [("a.csv", "taken")]
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 60_000)]


@pytest.mark.parametrize("keeps_size", [True, False])
def test_a_file_that_changes_while_it_is_fetched_is_not_taken(feeds: Feeds, server: Hostile, keeps_size: bool) -> None:
    add(feeds, server.peer)
    path = put(server.peer.folder, "a.csv", LARGE)
    changed = []

    def change(path: Path, connection: Any) -> None:
        if not changed:
            changed.append(path)
            if keeps_size:
                os.utime(path, (1_772_000_000, 1_772_000_000))
            else:
                with path.open("a") as file:
                    file.write("more\n")

    server.when_read(change)
    assert feeds.fates() == [("a.csv", "waiting")]
    assert feeds.receipts() == []
    assert feeds.spooled() == []
    assert changed == [path]


def test_a_file_that_vanishes_before_it_is_fetched_keeps_no_other_back(feeds: Feeds, server: Hostile) -> None:
    add(feeds, server.peer)
    put(server.peer.folder, "a.csv", text("1"))
    put(server.peer.folder, "b.csv", text("2"))
    server.when_read(lambda path, connection: (path.parent / "b.csv").unlink(missing_ok=True))
    assert feeds.fates() == [("a.csv", "taken"), ("b.csv", "gone")]
    assert feeds.receipts() == [("a.csv", "taken")]


def test_a_full_disk_is_said_and_leaves_nothing(feeds: Feeds, server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    add(feeds, server.peer)
    put(server.peer.folder, "a.csv", text("1"))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "disk_full"
    assert feeds.spooled() == []
    assert feeds.fates() == [("a.csv", "taken")]


def test_no_more_is_written_than_was_listed(feeds: Feeds, server: Hostile) -> None:
    add(feeds, server.peer)
    put(server.peer.folder, "a.csv", "x" * 100)
    written: list[int] = []

    def grow(path: Path, connection: Any) -> None:
        if not written:
            with path.open("a") as file:
                file.write("y" * 3 * BLOCK_OCTETS)

    server.when_read(grow)
    found = feeds.look(on_progress=lambda _, octets, total: written.append(octets))
    assert [fate.fate for fate in found.files] == ["waiting"]
    assert all(octets <= 100 for octets in written)

"""Fixtures of the source tests: a carrier with real commits, and real servers on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import peers
from tests.databases import TestDatabase
from tests.db.sources.feeds import Feeds
from tests.db.usage.carrier import Carrier


@pytest.fixture
def feeds(committed_db: TestDatabase, tmp_path: Path) -> Feeds:
    return Feeds(Carrier.make(tmp_path / "in"), committed_db)


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[peers.Peer]:
    with peers.sshd(tmp_path / "ssh") as peer:
        yield peer


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that servers can reach which run as somebody else."""
    with peers.reachable_folder() as folder:
        yield folder


@pytest.fixture
def ftp(reachable: Path) -> Iterator[peers.Peer]:
    with peers.vsftpd(reachable / "ftp") as peer:
        yield peer


@pytest.fixture
def mail(reachable: Path) -> Iterator[peers.Peer]:
    with peers.dovecot(reachable / "mail") as peer:
        yield peer

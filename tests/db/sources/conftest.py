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
def ftp(tmp_path: Path) -> Iterator[peers.Peer]:
    with peers.vsftpd(tmp_path / "ftp") as peer:
        yield peer


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[peers.Peer]:
    with peers.dovecot(tmp_path / "mail") as peer:
        yield peer

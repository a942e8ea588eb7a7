"""Fixtures of the mailbox tests: a pricing desk with real commits, and a real mail server on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import peers
from tests.databases import TestDatabase
from tests.db.mailbox.desk import Desk


@pytest.fixture(scope="module")
def mail_server() -> Iterator[peers.Peer]:
    with peers.reachable_folder() as folder, peers.dovecot(folder / "mail") as peer:
        yield peer


@pytest.fixture
def desk(committed_db: TestDatabase, mail_server: peers.Peer, tmp_path: Path) -> Desk:
    desk = Desk.make(mail_server, committed_db)
    desk.empty()
    return desk

"""SFTP from Debian's OpenSSH."""

from __future__ import annotations

from tests.db.sources.feeds import Feeds, put
from tests.db.usage.carrier import COLUMNS, line
from tests.peers import Peer


def text(*keys: str) -> str:
    return "\n".join([COLUMNS, *(line(key) for key in keys)]) + "\n"


def test_a_file_is_fetched_once_and_posted(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh)
    put(ssh.folder, "a.csv", text("1", "2"))
    put(ssh.folder, "a.txt", "not ours")
    assert feeds.fates() == [("a.csv", "taken")]
    assert feeds.batches() == [("a.csv", "registered", 0)]
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 2)]
    assert feeds.fates() == [("a.csv", "done")]
    assert feeds.fates() == []
    assert feeds.receipts() == [("a.csv", "done")]
    assert (ssh.folder / "a.csv").exists()
    assert feeds.spooled() == []

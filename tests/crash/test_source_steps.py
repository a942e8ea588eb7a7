"""The power fails at every named step of a look into a source; looked into again, it is as if nothing had happened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import peers
from tests.crash.folder import Folder
from tests.crash.steps import SOURCE, VICTIMS, pull
from tests.db.sources.feeds import put

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Peer]:
    with peers.sshd(tmp_path_factory.mktemp("ssh")) as peer:
        yield peer


def begin(folder: Folder, server: peers.Peer) -> None:
    """A source with two files, that are deleted over there when they are through."""
    folder.put_back("empty")
    shutil.rmtree(server.folder)
    server.folder.mkdir()
    for name in ("march.csv", "watched.csv"):
        put(server.folder, name, (folder.files / name).read_text())
    folder.command(
        "source", "add", "feed", "--switch", "core", "--kind", "sftp", "--host", server.host, "--port", str(server.port),
        "--user", server.login, "--key-file", str(server.folder.parent / "user"), "--fingerprint", server.pin,
        "--path", str(server.folder), "--after", "delete",
    )  # fmt: skip


def receipts(folder: Folder) -> list[tuple[str, str]]:
    shown = json.loads(folder.command("source", "show", "feed", "--json").out)
    return sorted((file["name"], file["state"]) for file in shown["files"])


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", SOURCE)
def test_files_are_fetched_once_and_deleted_when_they_are_posted(
    prepared: Folder, server: peers.Peer, step: str, victim: str
) -> None:
    def undisturbed_pull(folder: Folder) -> None:
        begin(folder, server)
        pull(folder)

    expected = prepared.undisturbed("empty", undisturbed_pull)
    begin(prepared, server)
    pull(prepared, step + victim)
    pull(prepared)
    prepared.assert_same_as(expected)
    assert list(server.folder.iterdir()) == []
    assert receipts(prepared) == [("march.csv", "done"), ("watched.csv", "done")]
    assert not list(Path(prepared.home, "spool").rglob("*.partial"))
    assert json.loads(prepared.command("source", "check", "--json").out) == {"alarms": []}


def test_a_worker_goes_on_where_another_was_killed(prepared: Folder, server: peers.Peer) -> None:
    begin(prepared, server)
    killed = prepared.run("worker", "--once", fault="source_fetched")
    assert killed.code == -9
    pull(prepared)
    assert receipts(prepared) == [("march.csv", "done"), ("watched.csv", "done")]

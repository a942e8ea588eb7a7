"""FTPS from Debian's vsftpd."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import peers
from tests.db.sources.feeds import Feeds, put, text
from tests.peers import Peer
from trunkline.usage.sources.ftps import _of_list, _of_mlsd


def test_a_file_is_fetched_once_and_archived(feeds: Feeds, ftp: Peer) -> None:
    feeds.add("ftps", ftp, path="cdr", after="archive")
    put(ftp.folder, "a.csv", text("1", "2"))
    put(ftp.folder, "été 1.csv", text("3"))
    (ftp.folder / "link.csv").symlink_to("a.csv")
    (ftp.folder / "sub.csv").mkdir()
    assert feeds.fates() == [("a.csv", "taken"), ("été 1.csv", "taken")]
    assert feeds.fates() == []
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 2), ("été 1.csv", "posted", 1)]
    assert feeds.fates() == [("a.csv", "done"), ("été 1.csv", "done")]
    assert sorted(path.name for path in (ftp.folder / "done").iterdir()) == ["a.csv", "été 1.csv"]
    assert feeds.fates() == []


def test_an_archived_name_is_never_overwritten(feeds: Feeds, ftp: Peer) -> None:
    feeds.add("ftps", ftp, path="cdr", after="archive")
    for keys in (("1",), ("2",)):
        put(ftp.folder, "a.csv", text(*keys))
        assert feeds.fates() == [("a.csv", "taken")]
        feeds.take()
        assert feeds.fates() == [("a.csv", "done")]
    found = {path.name: path.read_text() for path in (ftp.folder / "done").iterdir()}
    assert found == {"a.csv": text("1"), "a.2.csv": text("2")}


def test_a_finished_file_is_deleted(feeds: Feeds, ftp: Peer) -> None:
    feeds.add("ftps", ftp, path="cdr", after="delete")
    put(ftp.folder, "a.csv", text("1"))
    feeds.look()
    assert (ftp.folder / "a.csv").exists()
    feeds.take()
    assert feeds.fates() == [("a.csv", "done")]
    assert list(ftp.folder.iterdir()) == []


def test_a_wrong_password_is_said_and_not_tried_again_at_once(feeds: Feeds, ftp: Peer) -> None:
    wrong = Peer(ftp.port, ftp.login, ftp.folder, ftp.pin, "wr0ng passw0rd")
    feeds.add("ftps", wrong, path="cdr")
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "login_refused"
    assert "wr0ng" not in str(found.failure)
    assert feeds.waits_for() == 15


@pytest.mark.parametrize("pin", ["", "0" * 64])
def test_a_certificate_that_nobody_trusts_is_refused(feeds: Feeds, ftp: Peer, pin: str) -> None:
    feeds.add("ftps", ftp, path="cdr", pin=pin)
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "certificate_refused"


def test_a_pinned_certificate_that_has_expired_is_refused(feeds: Feeds, reachable: Path) -> None:
    expired = peers.make_certificate(reachable, "old", days=-1)
    with peers.vsftpd(reachable / "ftp", certificate=expired) as ftp:
        feeds.add("ftps", ftp, path="cdr")
        found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "certificate_refused"
    assert "expired" in str(found.failure)


def test_a_certificate_of_an_authority_that_this_machine_knows_needs_no_pin(
    feeds: Feeds, ftp: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ftp.folder.parents[1] / "tls.crt"))
    feeds.add("ftps", ftp, path="cdr", pin="")
    put(ftp.folder, "a.csv", text("1"))
    assert feeds.fates() == [("a.csv", "taken")]
    feeds.change(host="127.0.0.1")  # which is not the name in it
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "certificate_refused"
    assert "IP address mismatch" in str(found.failure)


def test_a_folder_that_is_not_there_is_said(feeds: Feeds, ftp: Peer) -> None:
    feeds.add("ftps", ftp, path="/elsewhere")
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "folder_missing"


def test_a_large_file_comes_whole(feeds: Feeds, ftp: Peer) -> None:
    feeds.add("ftps", ftp, path="cdr")
    put(ftp.folder, "a.csv", text(*(str(number) for number in range(30_000))))
    assert feeds.fates() == [("a.csv", "taken")]
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 30_000)]


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("-rw-r--r--    1 1000     1000         1234 Nov 28 22:05 a b.csv", ("a b.csv", 1234, "Nov 28 22:05")),
        ("-rw-r--r--+   1 user     some group   1234 Nov 28  2025 a.csv", None),
        ("-rw-r--r--    1 1000     1000         1234 Nov  8  2025 a.csv", ("a.csv", 1234, "Nov  8  2025")),
        ("-rw-r--r-- 1 owner 99 Jan 01 00:00 no-group.csv", ("no-group.csv", 99, "Jan 01 00:00")),
        ("lrwxrwxrwx    1 1000     1000            5 Nov 28 22:05 a.csv -> b.csv", None),
        ("drwxr-xr-x    2 1000     1000         4096 Nov 28 22:05 sub.csv", None),
        ("11-28-26  10:05PM                 1234 a b.csv", ("a b.csv", 1234, "11-28-26  10:05PM")),
        ("11-28-26  10:05PM       <DIR>          sub.csv", None),
        ("total 12", None),
        ("", None),
    ],
)
def test_listings_of_unix_and_windows(line: str, file: tuple[str, int, str] | None) -> None:
    assert _of_list(line) == (file or ("", 0, ""))


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("type=file;size=12;modify=20260304101112; a b;c.csv", ("a b;c.csv", 12, "20260304101112")),
        ("Type=File;Size=12;Modify=20260304101112.123; a.csv", ("a.csv", 12, "20260304101112.123")),
        ("type=dir;modify=20260304101112; sub", None),
        ("type=OS.unix=slink:/a;size=1;modify=20260304101112; link", None),
        ("type=cdir;modify=20260304101112; .", None),
        ("type=file;size=-1; a", None),
        ("nonsense", None),
    ],
)
def test_machine_listings(line: str, file: tuple[str, int, str] | None) -> None:
    assert _of_mlsd(line) == (file or ("", 0, ""))

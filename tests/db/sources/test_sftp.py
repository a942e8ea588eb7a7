"""SFTP from Debian's OpenSSH."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests import peers
from tests.db.sources.feeds import NOW, Feeds, put, text
from tests.peers import Peer
from trunkline.core.errors import Invalid
from trunkline.tenancy.actions import set_quota
from trunkline.usage.sources.schedule import look_after


def test_a_file_is_fetched_once_and_posted(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh)
    put(ssh.folder, "a.csv", text("1", "2"))
    put(ssh.folder, "a.txt", "not ours")
    assert feeds.fates() == [("a.csv", "taken")]
    assert feeds.batches() == [("a.csv", "registered", 0)]
    assert feeds.fates() == []
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 2)]
    assert feeds.fates() == [("a.csv", "done")]
    assert feeds.fates() == []
    assert feeds.receipts() == [("a.csv", "done")]
    assert (ssh.folder / "a.csv").exists()
    assert feeds.spooled() == []
    assert feeds.alarms() == []


@pytest.mark.parametrize("archive", ["done", "deep/er"])
def test_files_are_archived_when_they_are_posted_and_never_over_another(feeds: Feeds, ssh: Peer, archive: str) -> None:
    (ssh.folder / "deep").mkdir()
    feeds.add("sftp", ssh, after="archive", archive=archive)
    for minute, key in enumerate("12"):
        put(ssh.folder, "a.csv", text(key), at=NOW - timedelta(hours=1, minutes=minute))
        assert feeds.fates() == [("a.csv", "taken")]
        feeds.take()
        assert feeds.fates() == [("a.csv", "done")]
    found = {path.name: path.read_text() for path in (ssh.folder / archive).iterdir()}
    assert found == {"a.csv": text("1"), "a.2.csv": text("2")}
    assert feeds.alarms() == [("repeated", "a.csv came again with other content.")]


def test_files_are_deleted_when_they_are_posted_and_not_before(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, after="delete")
    put(ssh.folder, "a.csv", text("1"))
    put(ssh.folder, "bad.csv", "no such file\n")
    feeds.look()
    assert len(list(ssh.folder.iterdir())) == 2
    feeds.take()
    assert feeds.fates() == [("a.csv", "done"), ("bad.csv", "refused")]
    assert [path.name for path in ssh.folder.iterdir()] == ["bad.csv"]


def test_a_file_that_was_replaced_meanwhile_is_not_deleted(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, after="delete", has_recurring_names=True)
    put(ssh.folder, "a.csv", text("1"))
    feeds.look()
    feeds.take()
    put(ssh.folder, "a.csv", text("1", "2"))
    assert feeds.fates() == [("a.csv", "done"), ("a.csv", "taken")]
    assert (ssh.folder / "a.csv").read_text() == text("1", "2")
    feeds.take()
    assert feeds.fates() == [("a.csv", "done")]
    assert list(ssh.folder.iterdir()) == []
    assert [rated for _, _, rated in feeds.batches()] == [1, 1]


def test_what_cannot_be_archived_is_said_and_tried_again(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, after="archive", archive="no/such/folder")
    put(ssh.folder, "a.csv", text("1"))
    feeds.look()
    feeds.take()
    assert feeds.fates() == [("a.csv", "kept")]
    assert feeds.receipts() == [("a.csv", "taken")]
    assert look_after(feeds.carrier.tenant_id, at=feeds.now) == 0  # not at once: with the next look
    assert [kind for kind, _ in feeds.alarms()] == ["refused"]
    (ssh.folder / "no" / "such").mkdir(parents=True)
    assert feeds.fates() == [("a.csv", "done")]
    assert feeds.alarms() == []
    assert feeds.batches() == [("a.csv", "posted", 1)]


def test_a_file_put_back_after_it_was_deleted_is_taken_away_again_and_said(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, after="delete")
    for _ in range(2):
        put(ssh.folder, "a.csv", text("1"))
        feeds.look()
        feeds.take()
        feeds.look()
        assert list(ssh.folder.iterdir()) == []
    assert feeds.batches() == [("a.csv", "posted", 1)]
    said = "a.csv is there again; it had been taken away (delete) after it was posted."
    assert feeds.alarms() == [("repeated", said)]


def test_the_same_content_under_two_names_is_one_batch_and_an_alarm(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, after="delete")
    put(ssh.folder, "a.csv", text("1"), at=NOW - timedelta(hours=2))
    put(ssh.folder, "b.csv", text("1"))
    assert feeds.fates() == [("a.csv", "taken"), ("b.csv", "known")]
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 1)]
    assert feeds.fates() == [("a.csv", "done"), ("b.csv", "done")]
    assert feeds.alarms() == [("repeated", "b.csv holds the same as a.csv, which came before.")]
    assert feeds.spooled() == []


def test_what_changed_a_moment_ago_waits(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, rest_s=60, every_min=30)
    put(ssh.folder, "a.csv", text("1"), at=NOW - timedelta(seconds=30))
    assert feeds.fates() == [("a.csv", "waiting")]
    assert feeds.waits_for() == 1  # not the half hour of its schedule
    feeds.now += timedelta(seconds=31)
    assert feeds.fates() == [("a.csv", "taken")]
    assert feeds.waits_for() == 30


def test_a_file_that_grows_waits_until_two_looks_see_the_same(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, rest_s=60)
    ahead = NOW + timedelta(hours=1)  # the server's clock is, so its times prove nothing
    for keys in ("1", "12", "123"):
        put(ssh.folder, "a.csv", text(*keys), at=ahead)
        assert feeds.fates() == [("a.csv", "waiting")]
        feeds.now += timedelta(seconds=61)
    assert feeds.fates() == [("a.csv", "taken")]
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 3)]


def test_links_folders_and_temporary_names_are_not_taken(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, pattern="*")
    put(ssh.folder.parent, "secret.csv", text("1"))
    (ssh.folder / "link.csv").symlink_to("../secret.csv")
    (ssh.folder / "sub.csv").mkdir()
    os.mkfifo(ssh.folder / "pipe.csv")
    put(ssh.folder, ".a.csv.part", text("1"))
    assert feeds.fates() == []
    assert feeds.receipts() == []


def test_names_that_cannot_be_kept_are_refused_and_keep_nothing_else_back(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh)
    (Path(os.fsdecode(os.fsencode(ssh.folder) + b"/caf\xe9.csv"))).write_text(text("1"))
    put(ssh.folder, "new\nline.csv", text("2"))
    put(ssh.folder, "back\\slash.csv", text("3"))
    put(ssh.folder, "größe.csv", text("4"))
    assert feeds.fates() == [("größe.csv", "taken")]
    assert feeds.receipts() == [
        ("back\\slash.csv", "refused"), ("caf\\xe9.csv", "refused"), ("größe.csv", "taken"), ("new\\nline.csv", "refused"),
    ]  # fmt: skip
    ((kind, detail),) = feeds.alarms()
    assert kind == "refused"
    assert detail.startswith("3 files cannot be taken, or not moved or deleted afterwards: ")


def test_a_file_over_the_limit_is_refused_until_the_limit_is_raised(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, limit_octets=100)
    put(ssh.folder, "a.csv", text("1"))
    assert feeds.fates() == []
    assert feeds.receipts() == [("a.csv", "refused")]
    feeds.change(limit_octets=1000)
    assert feeds.fates() == [("a.csv", "taken")]
    assert feeds.alarms() == []


def test_a_file_that_may_not_be_read_is_refused_and_the_others_are_taken(feeds: Feeds, ssh: Peer) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    feeds.add("sftp", ssh)
    put(ssh.folder, "a.csv", text("1")).chmod(0)
    put(ssh.folder, "b.csv", text("2"))
    assert feeds.fates() == [("a.csv", "refused"), ("b.csv", "taken")]


def test_another_host_key_ends_the_look_before_anything_is_said(feeds: Feeds, ssh: Peer, tmp_path: Path) -> None:
    feeds.add("sftp", ssh)
    put(ssh.folder, "a.csv", text("1"))
    with peers.sshd(tmp_path / "ssh", host_key="other") as other:
        feeds.change(port=other.port, pin=ssh.pin)
        found = feeds.look()
        assert found.failure is not None
        assert found.failure.code == "host_key_changed"
        assert other.pin in found.failure.message
        assert "Accepted" not in (tmp_path / "ssh" / "sshd.log").read_text()
        assert feeds.waits_for() == 15
        feeds.change(pin=other.pin.split()[1])  # without its kind, as operators publish it
        assert feeds.fates() == [("a.csv", "taken")]


def test_no_host_key_is_trusted_unseen(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, pin="")
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "host_key_unknown"


def test_another_address_must_be_trusted_anew(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh)
    feeds.change(host="127.0.0.1")
    assert feeds.source().pin == ""


def test_a_key_that_the_server_does_not_know_is_said(feeds: Feeds, ssh: Peer, tmp_path: Path) -> None:
    with peers.sshd(tmp_path / "elsewhere") as other:
        feeds.add("sftp", Peer(ssh.port, ssh.login, ssh.folder, ssh.pin, other.secret))
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "login_refused"
    assert "PRIVATE KEY" not in str(found.failure)


def test_nobody_there_is_said_and_tried_again_ever_more_seldom(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", Peer(peers.free_port(), ssh.login, ssh.folder, ssh.pin, ssh.secret))
    waits = []
    for _ in range(9):
        found = feeds.look()
        assert found.failure is not None
        assert found.failure.code == "connection_failed"
        waits.append(feeds.waits_for())
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    ((kind, detail),) = feeds.alarms()
    assert kind == "failing"
    assert detail.startswith("9 looks in a row failed: localhost:")
    feeds.change(port=ssh.port, pin=ssh.pin)
    assert feeds.fates() == []
    assert feeds.alarms() == []


def test_a_folder_that_is_not_there_is_said(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh, path="/no/such/folder")
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "folder_missing"


def test_only_one_looks_at_a_time(feeds: Feeds, ssh: Peer) -> None:
    from trunkline.kit.db.locks import work_lock
    from trunkline.usage.sources.pull import pull

    source_id = feeds.add("sftp", ssh)
    with work_lock("source", feeds.carrier.tenant_id, source_id):
        assert pull(tenant_id=feeds.carrier.tenant_id, source_id=source_id, now=feeds.clock) is None


def test_a_large_file_comes_whole(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh)
    put(ssh.folder, "a.csv", text(*(str(number) for number in range(100_000))))
    shown: list[tuple[str, int, int]] = []
    found = feeds.look(on_progress=lambda *how: shown.append(how))
    assert [(fate.name, fate.fate) for fate in found.files] == [("a.csv", "taken")]
    size = (ssh.folder / "a.csv").stat().st_size
    assert size > 2 * (4 << 20)
    assert shown[-1] == ("a.csv", size, size)
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 100_000)]


def test_what_no_look_could_work_with_is_refused_when_it_is_said(feeds: Feeds, ssh: Peer) -> None:
    for wrong, code in (
        ({"pattern": "../*"}, "source_pattern"), ({"cron": "99 * * * *"}, "source_schedule"), ({"pin": "MD5:12"}, "source_pin"),
        ({"after": "archive", "archive": "."}, "source_path"), ({"cron": "* * * * * *"}, "source_schedule"),
        ({"cron": "0 3 * * *", "every_min": 5}, "source_schedule"), ({"limit_octets": 0}, "source_limit"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            feeds.add("sftp", ssh, **wrong)
        assert caught.value.code == code


def test_what_may_not_be_stored_stays_at_the_source_until_there_is_room(feeds: Feeds, ssh: Peer) -> None:
    feeds.add("sftp", ssh)
    put(ssh.folder, "a.csv", text("1"))
    with feeds.carrier.scope():
        set_quota(octets=len(text("1")) - 1)
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "quota_reached"
    assert (feeds.batches(), feeds.spooled(), feeds.receipts()) == ([], [], [("a.csv", "seen")])
    with feeds.carrier.scope():
        set_quota(octets=len(text("1")))
    assert feeds.fates() == [("a.csv", "taken")]

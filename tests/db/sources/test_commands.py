"""`trunkline source`, as one would type it, and the worker."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from typer.testing import CliRunner

from tests import peers
from tests.db.sources.feeds import NOW, Feeds, put, text
from tests.peers import PASSWORD, Peer
from trunkline.cli.source import app
from trunkline.cli.worker import app as worker
from trunkline.kit import clock
from trunkline.kit.home import home
from trunkline.usage.models import Feed, Source

TENANT = "alpha-carrier"


def run(*words: str, at: datetime = NOW, code: int = 0, answer: str = "", is_answer: bool = False) -> str:
    """What a command prints, on both outputs, or as its answer alone."""
    with clock.at(at):
        result = CliRunner(env={"COLUMNS": "250"}).invoke(app, [*words, "--tenant", TENANT], input=answer)
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.stdout if is_answer else result.output


def read(*words: str, **more: Any) -> Any:
    return json.loads(run(*words, "--json", is_answer=True, **more))


def add(peer: Peer, *words: str) -> str:
    return run(
        "add", "feed", "--switch", "common", "--kind", "sftp", "--host", peer.host, "--port", str(peer.port), "--user", peer.login,
        "--key-file", str(peer.folder.parent / "user"), "--path", str(peer.folder), *words,
    )  # fmt: skip


def run_worker(at: datetime) -> None:
    with clock.at(at):
        result = CliRunner().invoke(worker, ["--once"])
    assert result.exit_code == 0, result.output


def test_a_source_is_made_trusted_and_pulled(feeds: Feeds, ssh: Peer) -> None:
    assert "Its host key is not trusted yet" in add(ssh, "--pattern", "*.csv", "--after", "archive")
    assert "No host key" in run("pull", "feed", code=1)
    assert run("trust", "feed", answer="n\n", code=1).startswith(f"localhost:{ssh.port} shows {ssh.pin}")
    assert f"source feed trusts {ssh.pin}" in run("trust", "feed", answer="y\n")
    assert "trusted already" in run("trust", "feed")
    put(ssh.folder, "a.csv", text("1", "2"))
    found = read("pull", "feed")
    assert found == {
        "source": "feed",
        "files": [
            {"name": "a.csv", "fate": "taken", "detail": ""},
            {"name": "a.csv", "fate": "done", "detail": "archive"},
        ],
        "failure": None,
    }
    assert (ssh.folder / "done" / "a.csv").exists()
    assert feeds.batches() == [("a.csv", "posted", 2)]
    assert read("pull", "feed")["files"] == []


def test_a_pull_says_by_its_status_that_something_failed(feeds: Feeds, ssh: Peer) -> None:
    add(ssh, "--fingerprint", ssh.pin)
    put(ssh.folder, "bad.csv", "no such file\n")
    found = read("pull", "feed", code=1)
    assert [(file["name"], file["fate"]) for file in found["files"]] == [("bad.csv", "taken"), ("bad.csv", "refused")]
    assert read("pull", "feed")["files"] == []
    again = read("pull", "feed", "--again", code=1)
    assert [file["fate"] for file in again["files"]] == ["known", "refused"]


def test_a_source_is_shown_without_its_secrets(feeds: Feeds, ssh: Peer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2-is-secret\nsecond line\n")
    add(ssh, "--fingerprint", ssh.pin, "--password-file", str(tmp_path / "password"), "--expect", "90")
    put(ssh.folder, "a.csv", text("1"))
    run("pull", "feed")
    (source,) = read("list")["sources"]
    shown = read("show", "feed")
    assert {key: value for key, value in shown.items() if key != "files"} == source
    assert (source["has_password"], source["has_private_key"], source["state"]) == (True, True, "ok")
    assert (source["new_at"], source["expected_min"]) == (str(NOW), 90)
    assert [(file["name"], file["state"]) for file in shown["files"]] == [("a.csv", "done")]
    printed = run("list") + run("show", "feed") + json.dumps([source, shown])
    assert "a.csv" in printed
    assert not any(secret in printed for secret in ("hunter2", "OPENSSH", "BEGIN"))


def test_secrets_are_sealed_in_the_tables_and_absent_from_history_and_jobs(
    feeds: Feeds, ssh: Peer, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("hunter2-is-secret\n")
    add(ssh, "--fingerprint", ssh.pin, "--password-file", str(tmp_path / "password"))
    run_worker(NOW)
    dump = feeds.everything()
    assert not any(secret in dump for secret in ("hunter2", "OPENSSH"))
    history = {field.column for field in apps.get_model("usage", "SourceHistoryEvent")._meta.local_concrete_fields}
    kept = {field.column for field in Source._meta.local_concrete_fields}
    assert kept - history == {"password", "private_key"}
    assert (home() / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_password_is_read_from_the_standard_input(feeds: Feeds, mail: Peer) -> None:
    words = (
        "add", "mail", "--switch", "common", "--kind", "imap", "--host", mail.host, "--port", str(mail.port), "--user", mail.login,
        "--sender", "@partner.example", "--password-file", "-", "--fingerprint", mail.pin,
    )  # fmt: skip
    run(*words, answer=f"{PASSWORD}\n")
    assert read("pull", "mail")["failure"] is None


def test_a_certificate_is_trusted_by_its_fingerprint(feeds: Feeds, ftp: Peer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(ftp.secret)
    run(
        "add", "ftp", "--switch", "common", "--kind", "ftps", "--host", ftp.host, "--port", str(ftp.port), "--user", ftp.login,
        "--password-file", str(tmp_path / "password"), "--path", "cdr",
    )  # fmt: skip
    assert read("pull", "ftp", code=1)["failure"]["code"] == "certificate_refused"
    assert f"shows {ftp.pin}" in run("trust", "ftp", "--yes")
    assert read("pull", "ftp") == {"source": "ftp", "files": [], "failure": None}


def test_a_key_with_a_passphrase_is_opened_when_it_is_given(feeds: Feeds, ssh: Peer, tmp_path: Path) -> None:
    import asyncssh

    locked = asyncssh.import_private_key(ssh.secret).export_private_key("openssh", passphrase="long and secret")
    (tmp_path / "ssh" / "user").write_bytes(locked)
    (tmp_path / "passphrase").write_text("long and secret\n")
    with clock.at(NOW):
        refused = CliRunner().invoke(
            app, ["change", "feed", "--tenant", TENANT, "--key-file", str(tmp_path / "ssh" / "user")]
        )
    assert refused.exception is not None
    assert getattr(refused.exception, "code", "") == "source_key"
    add(ssh, "--fingerprint", ssh.pin, "--passphrase-file", str(tmp_path / "passphrase"))
    assert read("pull", "feed")["failure"] is None


def test_the_worker_pulls_what_is_due_and_nothing_that_is_paused(feeds: Feeds, ssh: Peer) -> None:
    add(ssh, "--fingerprint", ssh.pin, "--every", "10", "--after", "delete")
    put(ssh.folder, "a.csv", text("1"))
    run_worker(NOW)
    assert feeds.batches() == [("a.csv", "posted", 1)]
    run_worker(NOW + timedelta(minutes=1))  # only what is through is due: it is deleted, nothing else is looked for
    put(ssh.folder, "b.csv", text("2"))
    assert not (ssh.folder / "a.csv").exists()
    run_worker(NOW + timedelta(minutes=9))
    assert len(feeds.batches()) == 1
    run("pause", "feed")
    run_worker(NOW + timedelta(minutes=11))
    assert len(feeds.batches()) == 1
    run("resume", "feed", at=NOW + timedelta(minutes=12))
    run_worker(NOW + timedelta(minutes=12))
    assert [name for name, _, _ in feeds.batches()] == ["a.csv", "b.csv"]


def test_a_stalled_feed_is_said_once_and_clears_itself(feeds: Feeds, ssh: Peer) -> None:
    add(ssh, "--fingerprint", ssh.pin, "--expect", "60")
    assert run("check", is_answer=True) == "no alarms\n"
    for minutes in (59, 60, 61, 90):
        run_worker(NOW + timedelta(minutes=minutes))
    (alarm,) = read("check", code=1, at=NOW + timedelta(minutes=91))["alarms"]
    assert alarm == {
        "source": "feed",
        "kind": "stalled",
        "detail": "No new file for 60 minutes: none has come yet.",
        "count": 1,
        "raised_at": str(NOW + timedelta(minutes=60)),
        "last_at": str(NOW + timedelta(minutes=91)),
    }
    put(ssh.folder, "a.csv", text("1"))
    run("pull", "feed", at=NOW + timedelta(minutes=92))
    assert run("check", at=NOW + timedelta(minutes=92), is_answer=True) == "no alarms\n"
    later = read("check", code=1, at=NOW + timedelta(minutes=153))["alarms"]
    assert [(each["kind"], each["detail"]) for each in later] == [
        ("stalled", "No new file for 60 minutes: the last came at 2026-03-04 01:32 UTC.")
    ]


def test_a_repetition_is_said_for_a_day(feeds: Feeds, ssh: Peer) -> None:
    add(ssh, "--fingerprint", ssh.pin)
    for name in ("a.csv", "b.csv"):
        put(ssh.folder, name, text("1"), at=NOW - timedelta(hours=3 if name == "a.csv" else 2))
    run("pull", "feed")
    (alarm,) = read("check", code=1)["alarms"]
    assert (alarm["kind"], alarm["detail"]) == ("repeated", "b.csv holds the same as a.csv, which came before.")
    assert read("check", code=1, at=NOW + timedelta(hours=23))["alarms"] == [alarm]
    assert read("check", at=NOW + timedelta(hours=24))["alarms"] == []


def test_a_changed_source_is_looked_into_at_once(feeds: Feeds, ssh: Peer) -> None:
    add(ssh, "--fingerprint", ssh.pin, "--cron", "0 3 * * *")
    run("pull", "feed")
    assert read("show", "feed")["next_at"] == "2026-03-04 03:00:00+00:00"
    run("change", "feed", "--every", "7", "--limit-mib", "10", "--recurring-names")
    shown = read("show", "feed")
    assert (shown["next_at"], shown["every_min"], shown["cron"]) == (str(NOW), 7, "")
    assert (shown["limit_octets"], shown["has_recurring_names"]) == (10 << 20, True)


def test_secrets_are_sealed_again_under_a_new_key(feeds: Feeds, ssh: Peer) -> None:
    add(ssh, "--fingerprint", ssh.pin)
    key = home() / "secret.key"
    old, sealed = key.read_text(), feeds.only_source().private_key
    assert run("reseal") == "0 secrets sealed again\n"
    key.write_text(f"{base64.b64encode(bytes(range(32))).decode()}\n{old}")
    assert read("pull", "feed")["failure"] is None
    assert run("reseal") == "1 secrets sealed again\n"
    assert feeds.only_source().private_key != sealed
    key.write_text(key.read_text().replace(old, ""))
    assert read("pull", "feed")["failure"] is None
    key.write_text(old)
    assert read("pull", "feed", code=1)["failure"]["code"] == "secret_key_missing"


def test_many_files_are_taken_in_several_looks(feeds: Feeds, ssh: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.usage.sources.pull.FILES_A_LOOK", 2)
    add(ssh, "--fingerprint", ssh.pin, "--after", "delete")
    for number in range(5):
        put(ssh.folder, f"{number}.csv", text(str(number)))
    found = read("pull", "feed")
    assert [file["fate"] for file in found["files"]].count("taken") == 5
    assert list(ssh.folder.iterdir()) == []
    assert len(feeds.batches()) == 5


def test_a_job_of_a_source_that_was_paused_or_removed_meanwhile_does_nothing(feeds: Feeds, ssh: Peer) -> None:
    from trunkline.usage.tasks import pull_source

    add(ssh, "--fingerprint", ssh.pin)
    put(ssh.folder, "a.csv", text("1"))
    job = {"tenant_id": feeds.carrier.tenant_id, "source_id": feeds.only_source().pk}
    run("pause", "feed")
    pull_source(**job)
    run("remove", "feed", "--yes")
    pull_source(**job)
    assert feeds.batches() == []


def test_a_removed_source_leaves_its_batches(feeds: Feeds, ssh: Peer) -> None:
    add(ssh, "--fingerprint", ssh.pin)
    put(ssh.folder, "a.csv", text("1"))
    run("pull", "feed")
    run("remove", "feed", answer="n\n", code=1)
    run("remove", "feed", "--yes")
    assert read("list") == {"sources": []}
    assert feeds.batches() == [("a.csv", "posted", 1)]
    with feeds.carrier.scope():
        assert not Feed.objects.exists()


@pytest.mark.parametrize("words", [("pull", "nobody"), ("show", "nobody"), ("trust", "nobody"), ("pause", "nobody")])
def test_a_source_that_is_not_there_is_said(feeds: Feeds, words: tuple[str, ...]) -> None:
    with clock.at(NOW):
        result = CliRunner().invoke(app, [*words, "--tenant", TENANT])
    assert getattr(result.exception, "code", "") == "source_not_found"


def test_the_same_name_is_refused(feeds: Feeds, ssh: Peer, tmp_path: Path) -> None:
    add(ssh)
    with peers.sshd(tmp_path / "other") as other:
        feeds.sources["feed"] = 0
        with pytest.raises(Exception, match="There is a source 'feed' already") as caught:
            feeds.add("sftp", other)
    assert getattr(caught.value, "code", "") == "source_exists"

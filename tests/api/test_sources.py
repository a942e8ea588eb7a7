"""Sources through the API: made, trusted, looked into, and never a secret of theirs shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.databases import AT
from trunkline.kit.secrets import open_sealed
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.models import Alarm, Feed, Receipt, Source
from trunkline.usage.queries import access_switch
from trunkline.usage.sources.actions import add_source
from trunkline.usage.sources.choices import PULL
from trunkline.usage.sources.queries import purpose

PIN = "SHA256:" + "A" * 43
FEED = {"name": "feed", "switch": "edge", "kind": "sftp", "host": "sftp.example.net", "login": "cdr"}


@pytest.fixture(autouse=True)
def switch(tenant: Tenant, data_folder: Any) -> None:
    """A switch whose files come from sources."""
    with scope(tenant, "test"):
        create_switch(name="edge", format="common", at=AT)


def made(ask: Asking, **given: Any) -> Any:
    return ok(ask.post("/sources", FEED | {"password": " s3cret "} | given), 201)


def kept_jobs() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name FROM procrastinate_jobs WHERE task_name = %s", [PULL])
        return [name for (name,) in cursor.fetchall()]


def test_a_source_is_made_and_its_password_is_kept_whole_and_never_shown(ask: Asking, tenant: Tenant) -> None:
    answer = ask.post("/sources", FEED | {"password": " s3cret "})
    source = ok(answer, 201)
    assert answer["Location"] == f"/api/v1/sources/{source['id']}"
    assert source == FEED | {
        "id": source["id"],
        "switch_id": source["switch_id"],
        "port": 22,
        "has_password": True,
        "has_private_key": False,
        "secrets_changed_at": "2026-03-02T12:00:00Z",
        "pin": "",
        "path": ".",
        "pattern": "*",
        "senders": [],
        "every_min": 5,
        "cron": "",
        "rest_s": 60,
        "limit_octets": 4 << 30,
        "after": "leave",
        "archive": "",
        "expected_min": None,
        "has_recurring_names": False,
        "is_active": True,
        "active_since": "2026-03-02T12:00:00Z",
        "feed": {
            "next_at": "2026-03-02T12:00:00Z",
            "looked_at": None,
            "succeeded_at": None,
            "new_at": None,
            "failures": 0,
            "failure": "",
            "failure_detail": "",
        },
        "alarms": [],
    }
    listed = ask.get("/sources")
    assert ok(listed)["data"] == [source]
    assert "s3cret" not in answer.content.decode() + listed.content.decode()
    with scope(tenant, "test"):
        row = Source.objects.get()
        opened = open_sealed(row.password, tenant_id=tenant.pk, purpose=purpose(row, "password"))
    assert opened.reveal() == " s3cret "  # blanks too


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"kind": "folder", "path": "/etc"}, "source_kind"),  # folders of the machine are for whoever runs it
        ({"password": None}, "source_login"),
        ({"cron": "every day"}, "source_schedule"),
        ({"kind": "imap"}, "source_senders"),
        ({"pin": "AA:BB"}, "source_pin"),
        ({"kind": "ftps", "private_key": "x"}, "source_key"),
        ({"private_key": "no key"}, "source_key"),
        ({"host": ""}, "validation_failed"),
        ({"passphrase": "x"}, "validation_failed"),
    ],
)
def test_what_no_look_could_work_with_is_refused_without_repeating_secrets(
    ask: Asking, given: dict[str, Any], code: str
) -> None:
    answer = ask.post("/sources", FEED | {"password": "s3cret"} | given)
    refused(answer, 422, code)
    assert "s3cret" not in answer.content.decode()


def test_a_change_is_for_the_version_that_was_read_and_a_look_is_no_change(ask: Asking, tenant: Tenant) -> None:
    source = made(ask, pin=PIN, expected_min=60)
    path = f"/sources/{source['id']}"
    etag = ask.get(path)["ETag"]
    with scope(tenant, "test"):
        Feed.objects.update(looked_at=AT, failures=2, failure="connection_failed")
    changed = ok(ask.patch(path, {"pattern": "*.csv", "expected_min": None, "port": None}, If_Match=etag))
    assert (changed["pattern"], changed["expected_min"], changed["port"], changed["pin"]) == ("*.csv", None, 22, PIN)
    assert changed["feed"]["failure"] == "connection_failed"
    refused(ask.patch(path, {"pattern": "*"}, If_Match=etag), 412, "version_conflict")
    moved = ok(ask.patch(path, {"host": "other.example.net"}))
    assert moved["pin"] == ""  # a stranger
    refused(ask.patch(path, {"password": ""}), 422, "source_login")  # it had nothing to log in with then
    refused(ask.patch(path, {"name": "other"}), 422, "validation_failed")


def test_the_path_of_a_folder_of_the_machine_is_not_the_apis_to_change(ask: Asking, tenant: Tenant) -> None:
    with scope(tenant, "test"):
        folder = add_source(switch=access_switch("edge"), name="here", kind="folder", path="/srv/cdr", at=AT)
    path = f"/sources/{folder.public_id}"
    refused(ask.patch(path, {"path": "/etc"}), 422, "source_kind")
    assert ok(ask.patch(path, {"pattern": "*.csv"}))["path"] == "/srv/cdr"
    for verb in ("fingerprint", "pull"):
        refused(ask.post(f"{path}/{verb}"), 422, "source_option")
    refused(ask.post(f"{path}/trust", {"pin": PIN}), 422, "source_option")


def test_what_a_server_shows_is_looked_at_and_then_trusted(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/sources/{made(ask)['id']}"
    monkeypatch.setattr("trunkline.api.sources.shown_pin", lambda kind, host, port: PIN)
    assert ok(ask.post(f"{path}/fingerprint")) == {"pin": PIN, "trusted": "", "is_trusted": False}
    refused(ask.post(f"{path}/trust", {"pin": "SHA256:short"}), 422, "source_pin")
    assert ok(ask.post(f"{path}/trust", {"pin": PIN}))["pin"] == PIN
    assert ok(ask.post(f"{path}/fingerprint")) == {"pin": PIN, "trusted": PIN, "is_trusted": True}


def test_a_look_now_is_a_job_and_a_paused_source_has_none(ask: Asking, tenant: Tenant) -> None:
    source = made(ask)
    path = f"/sources/{source['id']}"
    with scope(tenant, "test"):
        row = Source.objects.get()
        Receipt.objects.create(
            source=row, key="1", locator="/a.csv", name="a.csv", octets=7, state="refused", detail="?", first_seen_at=AT
        )
    assert ok(ask("POST", f"{path}/pull", query={"again": "true"}), 202) == source
    assert ok(ask.post(f"{path}/pull"), 202) == source
    assert kept_jobs() == [PULL]  # one that waits is enough
    (file,) = pages(ask, f"{path}/files", state="seen")
    assert file == {
        "id": file["id"],
        "name": "a.csv",
        "locator": "/a.csv",
        "octets": 7,
        "modified_at": None,
        "state": "seen",
        "detail": "",
        "batch_id": None,
        "first_seen_at": "2026-03-02T12:00:00Z",
        "taken_at": None,
        "settled_at": None,
    }
    assert ok(ask.post(f"{path}/pause"))["is_active"] is False
    refused(ask.post(f"{path}/pull"), 409, "source_paused")
    assert ok(ask.post(f"{path}/resume"))["is_active"] is True


def test_alarms_are_shown_with_their_source_and_listed_open_and_over(ask: Asking, tenant: Tenant) -> None:
    source = made(ask)
    with scope(tenant, "test"):
        row = Source.objects.get()
        more = {"source": row, "detail": "Nothing came.", "raised_at": AT, "last_at": AT}
        Alarm.objects.create(kind="stalled", **more)
        Alarm.objects.create(kind="failing", cleared_at=AT, **more)
    (alarm,) = ok(ask.get(f"/sources/{source['id']}"))["alarms"]
    assert (alarm["kind"], alarm["source"], alarm["cleared_at"]) == ("stalled", "feed", None)
    assert pages(ask, "/sources/alarms", is_open="true") == [alarm]
    assert [each["kind"] for each in pages(ask, "/sources/alarms", is_open="false")] == ["failing"]
    assert len(pages(ask, "/sources/alarms", source="feed", limit=1)) == 2


def test_a_source_is_forgotten(ask: Asking) -> None:
    path = f"/sources/{made(ask)['id']}"
    assert ask("DELETE", path).status_code == 204
    refused(ask.get(path), 404, "source_not_found")
    assert ok(ask.get("/sources"))["data"] == []

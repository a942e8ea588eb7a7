"""Sources in the office: made, changed, trusted, looked into; their secrets go in and never come out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from trunkline.kit.home import home
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.models import Batch, Receipt, Source, Switch
from trunkline.usage.sources import peers
from trunkline.usage.sources.choices import ReceiptState
from trunkline.usage.sources.queries import target_of

PIN = "ssh-ed25519 SHA256:" + "a" * 43
SECRET = "correct horse"
SFTP = {
    "kind": "sftp", "name": "Nairobi", "host": "sftp.example.net", "login": "cdr", "new_password": SECRET, "pattern": "CDR_*.csv",
    "every_min": "15", "rest_s": "90", "limit_mib": "100", "after": "archive", "expected_min": "60",
}  # fmt: skip


@pytest.fixture
def switch(office: Office) -> Switch:
    with scope(office.ours, "test"):
        return create_switch(name="msc", format="common", at=AT)


@pytest.fixture
def owner(office: Office) -> Client:
    return office.client()


def add(client: Client, switch: Switch, **more: Any) -> Any:
    return client.post(reverse("admin:usage_source_add"), {**SFTP, "switch": switch.pk, **more})


def made(office: Office, client: Client, switch: Switch, **more: Any) -> Source:
    response = add(client, switch, **more)
    assert response.status_code == 302, response.context_data["adminform"].form.errors
    with scope(office.ours, "test"):
        return Source.objects.latest("pk")


def act(client: Client, source: Source, verb: str, **data: Any) -> Any:
    return client.post(reverse(f"admin:usage_source_{verb}", args=(source.pk,)), data)


def jobs(name: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (args->>'source_id')::int FROM procrastinate_jobs WHERE task_name = %s", [name])
        return [row[0] for row in cursor.fetchall()]


def test_a_source_is_made_with_what_the_form_says(office: Office, owner: Client, switch: Switch) -> None:
    source = made(office, owner, switch, why_it_is_done="ticket 12")
    assert (source.switch_id, source.kind, source.host, source.port) == (switch.pk, "sftp", "sftp.example.net", 22)
    assert (source.pattern, source.every_min, source.rest_s, source.limit_octets) == ("CDR_*.csv", 15, 90, 100 << 20)
    assert (source.after, source.archive, source.expected_min) == ("archive", "done", 60)
    with scope(office.ours, "test"):
        password = target_of(source).password
    assert password.reveal() == SECRET


def test_a_secret_stands_on_no_page(office: Office, owner: Client, switch: Switch) -> None:
    source = made(office, owner, switch)
    for role in ("owner", "read_only"):
        for page in ("change", "history"):
            shown = office.client(role).get(reverse(f"admin:usage_source_{page}", args=(source.pk,))).content.decode()
            assert SECRET not in shown, (role, page)
            assert source.password not in shown, (role, page)
    assert "a password, given" in owner.get(reverse("admin:usage_source_change", args=(source.pk,))).content.decode()


def test_the_history_says_who_why_and_from_where(office: Office, owner: Client, switch: Switch) -> None:
    source = made(office, owner, switch)
    address = reverse("admin:usage_source_change", args=(source.pk,))
    owner.post(
        address, {**SFTP, "new_password": "", "path": "cdr", "after": "leave", "why_it_is_done": "they moved it"}
    )
    latest, first = owner.get(reverse("admin:usage_source_history", args=(source.pk,))).context_data["changes"]
    assert (latest.kind, latest.who, latest.why, latest.where) == (
        "Changed", office.person("owner").email, "they moved it", "127.0.0.1",
    )  # fmt: skip
    assert {each.label: (each.before, each.after) for each in latest.fields} == {
        "Path": (".", "cdr"),
        "After": ("Move it into a folder", "Leave it"),
        "Archive": ("done", "–"),
    }
    assert (first.kind, first.why) == ("Made", "")


def test_an_empty_password_leaves_the_kept_one(office: Office, owner: Client, switch: Switch) -> None:
    source = made(office, owner, switch)
    address = reverse("admin:usage_source_change", args=(source.pk,))
    changed = {**SFTP, "new_password": "", "after": "leave", "archive": "", "host": "other.example.net"}
    assert owner.post(address, changed).status_code == 302
    with scope(office.ours, "test"):
        source.refresh_from_db()
        assert (target_of(source).password.reveal(), source.host, source.pin) == (SECRET, "other.example.net", "")


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"new_password": ""}, "new_password", "private key is missing. Give a user, and a password or a private key."),
        ({"host": "http://x"}, "host", "is no host"),
        ({"cron": "x", "every_min": ""}, "every_min", "is no schedule"),
        ({"cron": "15 3 * * *"}, "every_min", "15 3 * * * is a quarter past three every day"),
        ({"pattern": "a/b"}, "pattern", "is no pattern of file names"),
        ({"new_key": "no key"}, "new_key", "no private key that can be read"),
        ({"pin": "SHA256:x"}, "pin", "is no fingerprint"),
        ({"kind": "imap"}, "senders", "Write addresses, @example.net for all of a domain"),
        ({"name": ""}, "name", "This field is required"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_with_what_to_do(
    office: Office, owner: Client, switch: Switch, wrong: dict[str, str], field: str, words: str
) -> None:
    response = add(owner, switch, **wrong)
    assert response.status_code == 200
    assert words in " ".join(response.context_data["adminform"].form.errors.get(field, []))
    with scope(office.ours, "test"):
        assert not Source.objects.exists()


def test_a_name_that_is_taken_is_said_at_the_name(office: Office, owner: Client, switch: Switch) -> None:
    made(office, owner, switch)
    assert "already" in " ".join(add(owner, switch).context_data["adminform"].form.errors["name"])


@pytest.mark.parametrize(
    ("kind", "asked", "not_asked"),
    [
        ("folder", {"path", "pattern"}, {"host", "new_password", "every_min"}),
        ("sftp", {"host", "new_key", "new_password"}, {"senders"}),
        ("ftps", {"host", "new_password"}, {"new_key", "senders"}),
        ("imap", {"host", "senders"}, {"new_key"}),
    ],
)
def test_the_form_asks_for_what_the_kind_needs(owner: Client, kind: str, asked: set[str], not_asked: set[str]) -> None:
    shown = owner.get(reverse("admin:usage_source_add"), {"kind": kind}).content.decode()
    assert {name for name in asked | not_asked if f'name="{name}"' in shown} == asked


def test_a_folder_must_lie_in_the_operators_own(office: Office, owner: Client, switch: Switch) -> None:
    folder = {"kind": "folder", "name": "here", "switch": switch.pk, "pattern": "*"}
    address = reverse("admin:usage_source_add")
    own = home() / "incoming" / office.ours.slug
    for path in ("/etc", str(own / ".." / office.theirs.slug), "relative"):
        response = owner.post(address, {**folder, "path": path})
        errors = response.context_data["adminform"].form.errors
        assert "does not lie in" in str(errors.get("path")), (path, errors)
    assert owner.post(address, {**folder, "path": str(own / "msc")}).status_code == 302
    with scope(office.ours, "test"):
        assert Source.objects.get().path == str(own / "msc")


def test_a_server_is_trusted_after_its_key_was_shown_and_confirmed(
    office: Office, owner: Client, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = made(office, owner, switch)
    asked: list[tuple[str, str, int]] = []
    monkeypatch.setattr(peers, "shown_pin", lambda *where: asked.append(where) or PIN)

    assert owner.get(reverse("admin:usage_source_trust", args=(source.pk,))).status_code == 200
    assert asked == []  # nobody is asked by following a link
    shown = act(owner, source, "trust")
    assert (asked, PIN in shown.content.decode()) == ([("sftp", "sftp.example.net", 22)], True)
    with scope(office.ours, "test"):
        source.refresh_from_db()
        assert source.pin == ""
    assert act(owner, source, "trust", pin=PIN).status_code == 302
    with scope(office.ours, "test"):
        source.refresh_from_db()
        assert source.pin == PIN
    assert act(owner, source, "trust").status_code == 302  # the same key again: nothing to confirm


def test_a_key_that_has_changed_is_shown_beside_the_trusted_one(
    office: Office, owner: Client, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = made(office, owner, switch, pin=PIN)
    other = PIN.replace("a" * 43, "b" * 43)
    monkeypatch.setattr(peers, "shown_pin", lambda *_: other)
    shown = act(owner, source, "trust").content.decode()
    assert (PIN in shown, other in shown, "somebody else may be answering" in shown) == (True, True, True)


def test_looks_are_jobs_and_a_paused_source_has_none(office: Office, owner: Client, switch: Switch) -> None:
    source = made(office, owner, switch)
    act(owner, source, "look_now")
    assert jobs("usage.pull") == [source.pk]
    act(owner, source, "pause")
    assert owner.get(reverse("admin:usage_source_look_now", args=(source.pk,))).status_code == 404
    act(owner, source, "resume", why_it_is_done="mended")
    with scope(office.ours, "test"):
        source.refresh_from_db()
    assert source.is_active
    changes = owner.get(reverse("admin:usage_source_history", args=(source.pk,))).context_data["changes"]
    assert [each.why for each in changes] == ["mended", "", ""]


def test_refused_files_are_fetched_again(office: Office, owner: Client, switch: Switch) -> None:
    source = made(office, owner, switch)
    with scope(office.ours, "test"):
        Receipt.objects.create(
            source=source,
            key="k",
            locator="a.csv",
            name="a.csv",
            octets=1,
            state=ReceiptState.REFUSED,
            first_seen_at=AT,
        )
    act(owner, source, "fetch_again")
    with scope(office.ours, "test"):
        assert Receipt.objects.get().state == ReceiptState.SEEN


def test_a_removed_source_leaves_its_history_and_what_came(office: Office, owner: Client, switch: Switch) -> None:
    source = made(office, owner, switch)
    response = act(owner, source, "remove", why_it_is_done="gone")
    assert response["Location"] == reverse("admin:usage_source_changelist")
    with scope(office.ours, "test"):
        assert not Source.objects.exists()
        assert Batch.objects.count() == 0
        event = next(iter(Source.pgh_event_models.values())).objects.latest("pgh_id")
    assert (event.pgh_label, event.pgh_context["reason"]) == ("delete", "gone")

"""How much an operator may store: counted, and refused by every door where it does not fit."""

from __future__ import annotations

import io
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from typer.testing import CliRunner

from tests.api.conftest import Asking, new_key
from tests.databases import TestDatabase
from tests.db.usage.carrier import COLUMNS, NOW, Carrier, line
from tests.staff import make_member, make_user, sign_in
from trunkline.cli import tenant as commands
from trunkline.core.errors import Denied, Invalid
from trunkline.kit import clock
from trunkline.kit.db.connections import Role
from trunkline.kit.home import folder, home
from trunkline.pricing.actions.decks import import_deck
from trunkline.tenancy.actions import set_quota
from trunkline.tenancy.models import Stored, Tenant
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.tenancy.storage import (
    PATIENT,
    Storage,
    count_storage,
    note_stored,
    read_quota,
    require_room,
    room_for,
    storage,
    stored_by_folder,
    written_quota,
)
from trunkline.usage.collect import watch
from trunkline.usage.intake import register_path, register_upload
from trunkline.usage.models import Batch, Segment, Switch
from trunkline.usage.process import process
from trunkline.usage.sources.actions import watch_folder

FILE = f"{COLUMNS}\n{line('a')}\n{line('b')}\n".encode()
DECK = b"Destination,Code\nKenya,254\nKenya Mobile,2547\n"


@pytest.fixture
def carrier(committed_db: TestDatabase, tmp_path: Path) -> Carrier:
    return Carrier.make(tmp_path / "in")


def limit(carrier: Carrier, octets: int | None) -> None:
    with scope(carrier.tenant_id, "test"):
        set_quota(octets=octets)


def stored(carrier: Carrier) -> Storage:
    with scope(carrier.tenant_id, "test"):
        return storage()


def upload(carrier: Carrier, content: bytes = FILE, **more: Any) -> int:
    given = io.BytesIO(content)
    return register_upload(carrier.tenant_id, "common", "a.csv", given, actor="test", now=carrier.clock, **more)[0]


def refused(action: Any, *args: Any, **given: Any) -> Denied:
    with pytest.raises(Denied) as caught:
        action(*args, **given)
    assert caught.value.code == "quota_reached"
    return caught.value


def on_disk(carrier: Carrier, *names: str) -> int:
    places = [home() / name / f"tenant={carrier.tenant_id}" for name in names]
    return sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file())


def test_what_comes_in_is_added_up_and_the_count_says_what_lies_there(carrier: Carrier) -> None:
    batch_id = upload(carrier)
    assert stored(carrier) == Storage(len(FILE), None, None)
    process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    # The spooled copy is gone, which the next count sees; the records with their indexes are there to the octet.
    assert stored(carrier).octets == len(FILE) + on_disk(carrier, "usage")
    count_storage(carrier.tenant_id, at=NOW)
    with scope(carrier.tenant_id, "test"):
        assert stored_by_folder() == {"usage": on_disk(carrier, "usage")}
        assert Segment.objects.get().octets < stored_by_folder()["usage"]
    assert stored(carrier) == Storage(on_disk(carrier, "usage"), None, NOW)


def test_a_file_that_comes_twice_counts_once(carrier: Carrier) -> None:
    upload(carrier)
    upload(carrier)
    assert stored(carrier).octets == len(FILE)


def test_counting_twice_is_as_counting_once_and_what_came_meanwhile_stays(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trunkline.tenancy import storage as module

    (folder("documents", f"tenant={carrier.tenant_id}") / "x.pdf").write_bytes(b"x" * 100)
    (folder("cache", "samples", f"tenant={carrier.tenant_id}") / "x.data").write_bytes(b"x" * 20)
    (folder("snapshots", f"tenant={carrier.tenant_id}") / "x").write_bytes(b"x" * 1000)
    (folder("documents", "tenant=999999") / "x.pdf").write_bytes(b"x" * 5000)
    count_storage(carrier.tenant_id, at=NOW)
    count_storage(carrier.tenant_id, at=NOW)
    with scope(carrier.tenant_id, "test"):
        assert stored_by_folder() == {"cache": 20, "documents": 100}
    counted = module._counted

    def and_meanwhile(tenant_id: int) -> dict[str, int]:
        with scope(tenant_id, "other"):
            note_stored("spool", 7, at=NOW)
        return counted(tenant_id)

    monkeypatch.setattr(module, "_counted", and_meanwhile)
    count_storage(carrier.tenant_id, at=NOW)
    assert stored(carrier).octets == 127


def test_an_upload_that_does_not_fit_is_refused_before_it_is_read_and_leaves_nothing(carrier: Carrier) -> None:
    limit(carrier, len(FILE) - 1)

    class Untouched:
        def read(self, size: int, /) -> bytes:
            raise AssertionError("it was read for nothing")

    said = refused(
        register_upload,
        *(carrier.tenant_id, "common", "a.csv", Untouched()),
        octets=len(FILE),
        actor="test",
        now=carrier.clock,
    )
    assert said.message == (
        f"0 B of {len(FILE) - 1} B that this operator may store are used; {len(FILE)} B more do not fit."
    )
    assert said.context == {"stored_octets": 0, "quota_octets": len(FILE) - 1, "octets": len(FILE)}
    refused(upload, carrier)  # nothing was announced: seen once it is there
    assert on_disk(carrier, "spool") == 0
    limit(carrier, len(FILE))
    upload(carrier, octets=len(FILE))
    with scope(carrier.tenant_id, "test"):
        assert Batch.objects.count() == 1


def test_nobody_is_refused_by_an_old_count(carrier: Carrier) -> None:
    process(tenant_id=carrier.tenant_id, batch_id=upload(carrier), now=carrier.clock)
    records = on_disk(carrier, "usage")
    limit(carrier, records + len(FILE) + 10)
    with scope(carrier.tenant_id, "test"):
        note_stored("spool", 1000, at=NOW)  # of a copy that is gone
        refused(room_for, 1)
    assert require_room(carrier.tenant_id, len(FILE), now=carrier.clock) == len(FILE) + 10
    with scope(carrier.tenant_id, "test"):
        note_stored("spool", 1000, at=NOW)
    within_the_minute, after_it = (lambda: NOW + timedelta(seconds=59)), (lambda: NOW + timedelta(seconds=60))
    refused(require_room, carrier.tenant_id, 1, now=within_the_minute)
    refused(require_room, carrier.tenant_id, 1, now=after_it, patience=PATIENT)
    assert require_room(carrier.tenant_id, 1, now=after_it) == len(FILE) + 10
    with scope(carrier.tenant_id, "test"):
        note_stored("spool", 1000, at=NOW)
    refused(require_room, carrier.tenant_id, 1 << 40, now=lambda: NOW + timedelta(days=1))
    assert stored(carrier).free == 0  # it was not counted for what can never fit


def test_files_of_folders_and_commands_wait_where_they_are_until_there_is_room(carrier: Carrier) -> None:
    process(tenant_id=carrier.tenant_id, batch_id=upload(carrier), now=carrier.clock)
    limit(carrier, 1)
    watched = carrier.folder / "watched"
    watched.mkdir()
    file = watched / "b.csv"
    file.write_bytes(FILE + line("c").encode() + b"\n")
    long_ago = NOW.timestamp() - 1000
    os.utime(file, (long_ago, long_ago))
    with scope(carrier.tenant_id, "test"):
        watch_folder(switch=Switch.objects.get(), folder=str(watched), at=NOW)
    (seen,) = watch(carrier.tenant_id, now=carrier.clock)
    assert (seen.fate, seen.path, file.exists()) == ("waiting", watched, True)
    assert "may store are used" in seen.detail
    refused(register_path, carrier.tenant_id, "common", file, actor="test", now=carrier.clock)
    limit(carrier, 0)
    assert [each.fate for each in watch(carrier.tenant_id, now=carrier.clock)] == ["registered"]


def test_what_was_taken_is_worked_on_although_its_records_do_not_fit(carrier: Carrier) -> None:
    batch_id = upload(carrier)
    limit(carrier, 1)
    process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with scope(carrier.tenant_id, "test"):
        assert Batch.objects.get().state == "posted"


def test_a_deck_that_does_not_fit_is_refused_and_one_that_does_is_counted(carrier: Carrier) -> None:
    given = {"deck": "d", "data": DECK, "file_name": "d.csv", "actor": "test", "now": carrier.clock}
    limit(carrier, len(DECK) - 1)
    refused(import_deck, carrier.tenant_id, **given)
    limit(carrier, None)
    import_deck(carrier.tenant_id, **given)
    assert stored(carrier).octets == on_disk(carrier, "decks") > len(DECK)


def test_the_installations_limit_holds_unless_an_operator_has_its_own(carrier: Carrier, settings: Any) -> None:
    settings.STORAGE_QUOTA = 1000
    assert (stored(carrier).quota, stored(carrier).free) == (1000, 1000)
    limit(carrier, 5)
    assert stored(carrier).quota == 5
    limit(carrier, 0)
    assert (stored(carrier).quota, stored(carrier).free, stored(carrier).percent) == (None, None, None)


def test_a_warning_begins_at_eighty_percent() -> None:
    assert [Storage(octets, 1000, NOW).is_near for octets in (799, 800, 1200)] == [False, True, True]
    assert not Storage(1 << 60, None, NOW).is_near
    assert [Storage(octets, 1000, NOW).has_room(0) for octets in (999, 1000)] == [True, False]


@pytest.mark.parametrize(
    ("text", "octets", "written"),
    [
        ("", None, ""),
        ("default", None, ""),
        ("None", 0, "none"),
        ("50 GB", 50 * 10**9, "50 GB"),
        ("1.5TiB", 3 << 39, "1536 GiB"),
    ],
)
def test_a_quota_is_written_as_it_is_read(text: str, octets: int | None, written: str) -> None:
    assert (read_quota(text), written_quota(octets)) == (octets, written)
    assert read_quota(written) == octets


def test_the_commands_of_who_runs_the_installation(carrier: Carrier) -> None:
    run = CliRunner()
    with scope(carrier.tenant_id, "test"):
        slug = current_tenant().slug
    upload(carrier)
    with clock.at(NOW):
        assert run.invoke(commands.app, ["quota", slug, "1 KiB"]).stdout == f"{slug} stores up to 1.0 KiB\n"
        told = json.loads(run.invoke(commands.app, ["storage", slug, "--count", "--json"]).stdout)
        shown = run.invoke(commands.app, ["storage", slug]).stdout
        assert run.invoke(commands.app, ["quota", slug, "none"]).stdout == f"{slug} stores without a limit\n"
        assert isinstance(run.invoke(commands.app, ["quota", slug, "0"]).exception, Invalid)
    assert told == {
        "octets": len(FILE), "quota_octets": 1024, "counted_at": "2026-03-04 00:00:00+00:00", "folders": {"spool": len(FILE)},
    }  # fmt: skip
    assert "spool" in shown
    assert f"{100 * len(FILE) // 1024} % used" in shown


def test_the_api_says_what_is_in_the_way(carrier: Carrier) -> None:
    with scope(carrier.tenant_id, "test"):
        tenant = current_tenant()
    ask = Asking(Client(), new_key(tenant))
    limit(carrier, 10)
    with clock.at(NOW):
        answer = ask("POST", "/batches?switch=common&name=a.csv", FILE)
        assert (answer.status_code, answer.json()["code"]) == (403, "quota_reached")
        assert "10 B that this operator may store" in answer.json()["detail"]
        limit(carrier, 10_000)
        assert ask("POST", "/batches?switch=common&name=a.csv", FILE).status_code == 202


def test_the_office_warns_on_the_dashboard_and_says_it_in_the_settings(carrier: Carrier) -> None:
    with scope(carrier.tenant_id, "test"):
        tenant = current_tenant()
    client = sign_in(Client(), make_member(tenant).user, tenant)
    upload(carrier)
    warned = "are used. Ask whoever runs this installation for more."
    for octets, is_warned in ((2 * len(FILE), False), (len(FILE) * 100 // 80, True)):
        limit(carrier, octets)
        assert (warned in client.get("/office/").content.decode()) is is_warned
    assert "that may be stored are used (80 %)" in client.get(reverse("admin:settings")).content.decode()
    limit(carrier, len(FILE))
    assert "nothing new is taken until there is more room" in client.get("/office/").content.decode()


def test_the_platforms_staff_see_and_change_it(carrier: Carrier, committed_db: TestDatabase, settings: Any) -> None:
    from tests.db.platform.test_tenants import with_second_factor

    settings.PLATFORM_DATABASE = committed_db.parameters[Role.PLATFORM]
    with scope(carrier.tenant_id, "test"):
        slug = current_tenant().slug
    root = sign_in(Client(), with_second_factor(make_user("root@example.com", is_platform_staff=True)))
    upload(carrier)
    page, change = f"/platform/{slug}/", f"/platform/{slug}/quota/"
    assert ", without a limit" in root.get(page).content.decode()
    assert root.post(change, {"quota": "plenty", "reason": "ticket 1"}).status_code == 422
    assert root.post(change, {"quota": "1 KiB"}).status_code == 422
    assert root.post(change, {"quota": "1 KiB", "reason": "ticket 1"}).status_code == 302
    text = root.get(page).content.decode()
    assert f"{len(FILE)} B of 1.0 KiB" in text
    assert 'value="1024 B"' in text
    assert Client().post(change, {"quota": "none", "reason": "x"}).status_code in (302, 404)
    with scope(carrier.tenant_id, "test"):
        assert current_tenant().quota_octets == 1024


def test_nobody_sees_what_another_stores(tenant: Tenant, other_tenant: Tenant) -> None:
    with scope(tenant, "test"):
        note_stored("spool", 5, at=NOW)
    with scope(other_tenant, "test"):
        assert (storage().octets, Stored.objects.count()) == (0, 0)

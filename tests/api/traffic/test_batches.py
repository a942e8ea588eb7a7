"""Files in through the API, and their rejects sent again."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test import RequestFactory

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.api.requests import UUID_OF_NOTHING
from tests.db.usage.carrier import COLUMNS, START, Carrier, line
from trunkline.api import batches
from trunkline.core.errors import Invalid
from trunkline.kit.db.scope import current_scope
from trunkline.kit.home import home
from trunkline.parties.actions import add_identity
from trunkline.usage.actions import change_switch
from trunkline.usage.models import Batch
from trunkline.usage.process import process
from trunkline.usage.queries import access_switch


def file_of(*lines: str) -> bytes:
    return ("\n".join([COLUMNS, *lines]) + "\n").encode()


def upload(ask: Asking, content: bytes, *, name: str = "a.csv", switch: str = "common") -> Any:
    return ask("POST", "/batches", content, query={"switch": switch, "name": name})


def take(carrier: Carrier, batch: dict[str, Any]) -> None:
    """What a worker does with the batch."""
    with carrier.scope():
        batch_id = Batch.objects.get(public_id=batch["id"]).pk
    process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)


def spooled() -> list[Path]:
    return [path for path in (home() / "spool").rglob("*") if path.is_file()]


def queued() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args->>'batch_id' FROM procrastinate_jobs ORDER BY id")
        return cursor.fetchall()


def test_a_file_comes_in_and_its_progress_is_polled(ask: Asking, carrier: Carrier) -> None:
    content = file_of(line("1", 60), line("2", 0), line("3", called="999"))
    answer = upload(ask, content)
    batch = ok(answer, 202)
    assert answer["Location"] == f"/api/v1/batches/{batch['id']}"
    assert (batch["state"], batch["intake"], batch["name"], batch["switch"]) == (
        "registered",
        "upload",
        "a.csv",
        "common",
    )
    assert batch["progress"] == {"unit": "octets", "done": 0, "total": len(content)}
    with carrier.scope():
        batch_id = Batch.objects.get().pk
    assert queued() == [("usage.process", str(batch_id))]
    assert len(spooled()) == 1

    take(carrier, batch)
    done = ok(ask.get(f"/batches/{batch['id']}"))
    assert done["state"] == "posted"
    assert done["progress"] == {"unit": "octets", "done": len(content), "total": len(content)}
    assert done["counts"] == {
        "rows_in": 3,
        "rated": 2,
        "rejected": 1,
        "duplicates": 0,
        "waiting": 0,
        "joined": 0,
        "skipped": 0,
        "changed": 0,
    }
    assert done["reject_reasons"] == {"no_rate_sell": 1}
    assert (done["failure"], done["min_start"]) == (None, START.isoformat().replace("+00:00", "Z"))
    assert spooled() == []


def test_the_same_content_is_the_same_batch_however_it_is_packed(ask: Asking, carrier: Carrier) -> None:
    content = file_of(line("1"))
    batch = ok(upload(ask, content), 202)
    assert ok(upload(ask, gzip.compress(content), name="b.csv.gz"))["id"] == batch["id"]
    take(carrier, batch)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("cdr/a.csv", content)
    again = upload(ask, packed.getvalue(), name="c.zip")
    assert (ok(again)["id"], again.json()["state"], again.json()["name"]) == (batch["id"], "posted", "a.csv")
    assert spooled() == []


def test_a_file_that_cannot_be_read_as_a_whole_has_failed_and_says_so_by_its_own_name(ask: Asking) -> None:
    cut = gzip.compress(file_of(*(line(str(number)) for number in range(50))))[:-20]
    batch = ok(upload(ask, cut, name="cut.csv.gz"), 202)
    assert (batch["state"], batch["failure"]["code"]) == ("failed", "truncated")
    assert batch["failure"]["detail"].startswith("cut.csv.gz ends after")
    assert spooled() == []
    assert ok(upload(ask, cut, name="cut.csv.gz"), 202)["state"] == "failed"


def test_nothing_is_open_while_a_file_comes_in(ask: Asking, carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    read = WSGIRequest.read

    def looking(request: Any, *size: int) -> Any:
        seen.append((size, current_scope(), connection.in_atomic_block))
        return read(request, *size)

    monkeypatch.setattr(WSGIRequest, "read", looking)
    content = file_of(*(line(str(number)) for number in range(20_000)))
    ok(upload(ask, content), 202)
    assert len(seen) == 1 + len(content) // (1 << 20)
    assert {(scope, is_open) for _, scope, is_open in seen} == {(None, False)}
    assert max(size for (size,), _, _ in seen) <= 1 << 20


def test_what_is_too_large_is_refused_before_it_is_read(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    content = file_of(line("1"))
    monkeypatch.setattr(batches, "UPLOAD_OCTETS_MAX", len(content) - 1)
    refused(upload(ask, content), 413, "payload_too_large")
    monkeypatch.setattr(batches, "UPLOAD_OCTETS_MAX", len(content))
    ok(upload(ask, content), 202)


@pytest.mark.parametrize(
    ("kind", "content", "status", "code"),
    [
        ("multipart/form-data; boundary=x", b"--x", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", b"a=1", 415, "unsupported_media_type"),
        ("application/octet-stream", b"%PDF-1.7\n", 415, "unsupported_media_type"),
        ("text/csv", b"\x7fELF\x02\x01", 415, "unsupported_media_type"),
        ("application/zip", b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_usage_file_is_not_taken(
    ask: Asking, carrier: Carrier, kind: str, content: bytes, status: int, code: str
) -> None:
    answer = ask.client.post(
        "/api/v1/batches?switch=common&name=a",
        content,
        content_type=kind,
        headers={"Authorization": f"Bearer {ask.key}"},
    )
    refused(answer, status, code)
    assert spooled() == []
    with carrier.scope():
        assert not Batch.objects.exists()


def test_a_body_that_ends_too_soon_is_not_taken_for_the_file(ask: Asking, carrier: Carrier) -> None:
    content = file_of(line("1"))
    answer = ask.client.generic(
        "POST",
        "/api/v1/batches?switch=common&name=a.csv",
        content,
        content_type="application/octet-stream",
        headers={"Authorization": f"Bearer {ask.key}"},
        **{"CONTENT_LENGTH": str(len(content) + 1), "wsgi.input": io.BytesIO(content)},
    )
    refused(answer, 400, "incomplete_body")
    assert spooled() == []
    with carrier.scope():
        assert not Batch.objects.exists()


def test_the_length_must_be_said() -> None:
    request = RequestFactory().post("/", b"x", content_type="application/octet-stream", CONTENT_LENGTH="")
    with pytest.raises(Invalid) as caught:
        batches._Octets(request)
    assert caught.value.code == "length_required"


@pytest.mark.parametrize("name", ["", "a/b.csv", "a\nb", "a\x00b", "x" * 256])
def test_a_file_has_a_name_without_folders(ask: Asking, name: str) -> None:
    problem = refused(upload(ask, b"x", name=name), 422, "validation_failed")
    assert [each["pointer"] for each in problem["errors"]] == ["?name"]


def test_a_file_comes_from_a_switch_that_is_there(ask: Asking, other: Carrier) -> None:
    with other.scope():
        change_switch(switch_id=access_switch("common").pk, at=other.now, has_buy_side=True)
    refused(upload(ask, b"x", switch="nowhere"), 404, "switch_not_found")


def test_batches_are_listed_the_newest_first(ask: Asking, carrier: Carrier, other: Carrier) -> None:
    other.load(other.write("theirs.csv", line("1")))
    for number in range(3):
        carrier.now = carrier.now.replace(minute=number)
        carrier.load(carrier.write(f"{number}.csv", line(str(number), called="254" if number else "999")))
    listed = pages(ask, "/batches", limit=2, fields="name,state")
    assert listed == [{"name": f"{number}.csv", "state": "posted"} for number in (2, 1, 0)]
    later = ask("GET", "/batches", query={"received_at[gte]": carrier.now.isoformat()})
    assert [each["name"] for each in ok(later)["data"]] == ["2.csv"]
    assert pages(ask, "/batches", state="failed,running") == []
    assert len(pages(ask, "/batches", switch="common", intake="command")) == 3


def test_rejects_are_sent_again_once_their_cause_is_mended(ask: Asking, carrier: Carrier) -> None:
    source = carrier.load(carrier.write("a.csv", line("1"), line("2", trunk_in="new"), line("3", trunk_in="new")))
    with carrier.scope():
        add_identity(account=carrier.accounts["cust"], kind="trunk", side="sell", value="new", at=carrier.now)
    answer = ask.post(f"/batches/{source.public_id}/resend")
    batch = ok(answer, 202)
    assert answer["Location"] == f"/api/v1/batches/{batch['id']}"
    assert (batch["intake"], batch["resends_id"]) == ("resend", str(source.public_id))
    assert ok(ask.post(f"/batches/{source.public_id}/resend"), 202)["id"] == batch["id"]
    take(carrier, batch)
    assert ok(ask.get(f"/batches/{batch['id']}"))["counts"]["rated"] == 2
    refused(ask.post(f"/batches/{source.public_id}/resend"), 409, "nothing_to_send_again")
    assert [each["id"] for each in pages(ask, "/batches", resends_id=str(source.public_id))] == [batch["id"]]


def test_another_record_with_a_known_key_is_accepted_as_a_correction(ask: Asking, carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("1", 60), line("2", 60)))
    again = carrier.load(carrier.write("b.csv", line("1", 120), line("2", 120)))
    assert again.reject_reasons == {"conflicting_duplicate": 2}
    batch = ok(ask.post(f"/batches/{again.public_id}/accept", {"keys": ["1"]}), 202)
    take(carrier, batch)
    counts = ok(ask.get(f"/batches/{batch['id']}"))["counts"]
    assert (counts["changed"], counts["rejected"]) == (1, 1)
    refused(ask.post(f"/batches/{again.public_id}/accept", {}), 409, "nothing_to_accept")
    refused(ask.post(f"/batches/{UUID_OF_NOTHING}/accept", {}), 404, "batch_not_found")


def test_rejects_are_sent_again_in_the_order_of_their_file(ask: Asking, carrier: Carrier) -> None:
    bad = [line(str(number), trunk_in="new", start=START.replace(day=2 - number % 2)) for number in range(300)]
    source = carrier.load(carrier.write("a.csv", *bad))
    ok(ask.post(f"/batches/{source.public_id}/resend"), 202)
    (spool,) = spooled()
    assert spool.read_bytes() == file_of(*bad)

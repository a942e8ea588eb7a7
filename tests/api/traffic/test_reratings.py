"""Re-ratings through the API: proposed, looked at, applied; and what each has moved."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.db.usage.carrier import NOW, Carrier, line
from trunkline.tariffs.models import Tariff
from trunkline.usage.looks import make_look
from trunkline.usage.tasks import apply_rerating

NOBODY = {"from": None, "to": None, "account_id": None, "account": None, "side": None, "code": None}
EVERYTHING = NOBODY | {"tariff_id": None, "tariff": None, "identify": False}
MOVED = {
    "side": "sell",
    "account": "cust",
    "currency": "EUR",
    "records": 1,
    "before": "0.08",
    "after": "0.16",
    "difference": "0.08",
}
DEARER = b"code,price,per,increments,valid_from\n254,0.20,60,1/1,2026-03-01T00:00:00Z\n"


def jobs(task: str) -> list[dict[str, Any]]:
    """Arguments of the jobs of a task that wait; they are taken out of the queue."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [task])
        found = [json.loads(args) for (args,) in cursor.fetchall()]
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = %s", [task])
    return found


def make_dearer(ask: Asking, carrier: Carrier) -> int:
    """Load a record, then double the price that it had: the number of the proposal."""
    carrier.load(carrier.write("a.csv", line("1"), line("2", 0)))
    with carrier.scope():
        tariff = Tariff.objects.get(name="sell")
    loaded = ok(ask("POST", f"/tariffs/{tariff.public_id}/rates", DEARER, query={"supersede": "true"}))
    (proposal,) = loaded["proposals"]
    return int(proposal["id"])


def work(carrier: Carrier) -> None:
    """What a worker does with the re-ratings that wait."""
    for args in jobs("usage.rerate"):
        apply_rerating(**args)


def test_a_proposal_is_looked_at_applied_and_closed(ask: Asking, carrier: Carrier) -> None:
    proposal_id = make_dearer(ask, carrier)
    (proposal,) = pages(ask, "/re-ratings/proposals", is_open="true")
    assert (proposal["id"], proposal["asked"]["tariff"], proposal["closed_at"]) == (proposal_id, "sell", None)
    wanted = {"from": proposal["asked"]["from"], "tariff_id": proposal["asked"]["tariff_id"]}

    begun = ask.post("/re-ratings/looks", wanted)
    look = ok(begun, 202)
    assert begun["Location"] == f"/api/v1/re-ratings/looks/{look['id']}"
    assert (look["state"], look["asked"], look["found"]) == ("waiting", proposal["asked"], None)
    refused(ask.post(f"/re-ratings/looks/{look['id']}/apply"), 409, "look_not_done")
    for args in jobs("usage.look"):
        make_look(args["tenant_id"], args["look_id"], actor=args["actor"])
    done = ok(ask.get(f"/re-ratings/looks/{look['id']}"))
    assert (done["state"], done["done"], done["total"]) == ("done", 2, 2)
    assert (done["found"]["changed"], done["found"]["lost"], done["found"]["invoices"]) == (2, {}, [])
    assert done["found"]["accounts"] == [MOVED | {"records": 2}]
    assert pages(ask, "/re-ratings") == []

    requested = ok(ask.post(f"/re-ratings/proposals/{proposal_id}/apply"), 202)
    again = ok(ask.post(f"/re-ratings/looks/{look['id']}/apply"), 202)
    assert requested == again == {"asked": proposal["asked"], "requested_at": "2026-03-04T00:00:00Z"}
    (args,) = jobs("usage.rerate")  # the same question waits once
    apply_rerating(**args)
    (batch,) = pages(ask, "/re-ratings", **{"received_at[gte]": requested["requested_at"]})
    assert (batch["state"], batch["asked"], batch["counts"]["changed"]) == ("posted", proposal["asked"], 2)
    assert batch["name"].startswith("re-rating: from 2026-03-01T00:00:00Z; tariff sell")
    assert ok(ask.get(f"/re-ratings/{batch['id']}")) == batch | {"accounts": [MOVED | {"records": 2}]}
    assert pages(ask, "/re-ratings/proposals", is_open="true") == []
    refused(ask.post(f"/re-ratings/proposals/{proposal_id}/apply"), 404, "proposal_not_found")


def test_a_rerating_is_asked_for_in_words_of_the_api(ask: Asking, carrier: Carrier) -> None:
    make_dearer(ask, carrier)
    account_id = str(carrier.accounts["cust"].public_id)
    wanted = {"account_id": account_id, "side": "sell", "code": "254", "to": "2026-03-03T00:00:00Z"}
    requested = ok(ask.post("/re-ratings", wanted), 202)
    assert requested["asked"] == EVERYTHING | wanted | {"account": "cust"}
    work(carrier)
    (batch,) = pages(ask, "/re-ratings", state="posted")
    assert ok(ask.get(f"/batches/{batch['id']}"))["intake"] == "rerate"
    refused(ask.post("/re-ratings", {"side": "sell", "identify": True}), 422, "side_with_identify")
    refused(ask.post("/re-ratings", {"code": "25x"}), 422, "validation_failed")
    refused(ask.post("/re-ratings", {"tariff_id": account_id}), 404, "tariff_not_found")


def test_nothing_is_written_where_nothing_changes(ask: Asking, carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("1")))
    assert ok(ask.post("/re-ratings", {}), 202)["asked"] == EVERYTHING
    work(carrier)
    assert pages(ask, "/re-ratings") == []


def test_a_proposal_is_dismissed(ask: Asking, carrier: Carrier) -> None:
    proposal_id = make_dearer(ask, carrier)
    assert ok(ask.post(f"/re-ratings/proposals/{proposal_id}/dismiss"))["closed_at"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    refused(ask.post(f"/re-ratings/proposals/{proposal_id}/dismiss"), 404, "proposal_not_found")
    assert [each["id"] for each in pages(ask, "/re-ratings/proposals", is_open="false")] == [proposal_id]


def test_a_file_is_no_rerating(ask: Asking, carrier: Carrier) -> None:
    batch = carrier.load(carrier.write("a.csv", line("1")))
    refused(ask.get(f"/re-ratings/{batch.public_id}"), 404, "batch_not_found")

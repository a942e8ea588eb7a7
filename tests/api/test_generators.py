"""Generators through the API: kept, run by a worker, looked at, applied, undone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.databases import AT
from trunkline.kit import clock
from trunkline.pricing import generated
from trunkline.pricing.tasks import run_generator
from trunkline.tariffs import actions as tariffs
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

RATES = b"code,destination,price,increments,valid_from\n254,Kenya,%s,60/1,2026-01-01\n2547,Kenya Mobile,%s,60/60,2026-01-01\n"


@pytest.fixture
def kept(ask: Asking, tenant: Tenant) -> Any:
    """A generator of a tariff from two vendors."""
    with scope(tenant, "test"):
        target = tariffs.create_tariff(name="Retail", currency="USD", at=AT)
        sources = []
        for name, prices in (("Alpine", (b"0.05", b"0.10")), ("Baltic", (b"0.04", b"0.12"))):
            source = tariffs.create_tariff(name=name, currency="USD", at=AT)
            tariffs.load_rates(tariff_id=source.pk, data=RATES % prices, at=AT)
            sources.append(str(source.public_id))
        tariffs.load_code_deck(name="World", codes={"254": "Kenya", "2547": "Kenya Mobile"}, at=AT)
        target_id = str(target.public_id)
    answer = ask.post(
        "/generators",
        {
            "name": "Retail",
            "tariff_id": target_id,
            "deck": "World",
            "source_ids": sources,
            "settings": {"percent": "20"},
        },
    )
    made = ok(answer, 201)
    assert answer["Location"] == f"/api/v1/generators/{made['id']}"
    return made


def test_a_generator_is_kept_and_changed(ask: Asking, kept: Any) -> None:
    assert (kept["sources"], kept["agreement"], kept["settings"]["percent"]) == (["Alpine", "Baltic"], None, "20")
    read = ask.get(f"/generators/{kept['id']}")
    assert ok(read) == kept
    change = {"settings": {"method": "blend", "weights": ["80", "20"]}, "source_ids": kept["source_ids"][::-1]}
    changed = ok(ask.patch(f"/generators/{kept['id']}", change, If_Match=read["ETag"]))
    assert (changed["sources"], changed["settings"]["weights"]) == (["Baltic", "Alpine"], ["80", "20"])
    refused(ask.patch(f"/generators/{kept['id']}", {"name": "New"}, If_Match=read["ETag"]), 412, "version_conflict")
    assert [each["name"] for each in pages(ask, "/generators", tariff_id=kept["tariff_id"])] == ["Retail"]


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"settings": {"percent": 1.5}}, 422, "bad_generator"),
        ({"settings": {"discount": "1"}}, 422, "bad_generator"),
        ({"settings": {"percent": "1e5"}}, 422, "bad_decimal"),
        ({"deck": "Nowhere"}, 404, "not_found"),
        ({"agreement": "Nobody"}, 404, "not_found"),
        ({"source_ids": []}, 422, "validation_failed"),
    ],
)
def test_what_cannot_be_kept_is_refused(ask: Asking, kept: Any, said: Any, status: int, code: str) -> None:
    refused(ask.patch(f"/generators/{kept['id']}", said), status, code)
    same = {name: kept[name] for name in ("name", "tariff_id", "deck", "source_ids")}
    refused(ask.post("/generators", same), 409, "exists")


def test_a_run_is_made_looked_at_applied_and_undone(ask: Asking, kept: Any, tenant: Tenant) -> None:
    answer = ask.post(f"/generators/{kept['id']}/runs", {"effective_at": "2026-04-01T00:00:00Z"})
    run = ok(answer, 202)
    address = f"/generator-runs/{run['id']}"
    assert (run["state"], answer["Location"]) == ("waiting", f"/api/v1{address}")
    refused(ask.get(f"{address}/codes"), 409, "not_made")
    _work(tenant, run["id"])
    made = ok(ask.get(address))
    assert (made["state"], made["counts"]["new"], made["figures"]["priced"]) == ("compared", 2, 2)
    found = ok(ask.get(f"{address}/codes", kind="new", code="254", limit=1))
    assert [(each["code"], each["cost"], each["price"], each["cheapest"]) for each in found["codes"]] == [
        ("254", "0.04", "0.048 per 60, 1/1", "Baltic")
    ]
    assert found["next_offset"] == 1
    assert ok(ask.get(f"{address}/codes", offset=1))["next_offset"] is None
    assert ok(ask.post(f"{address}/apply", {"reason": "spring"}))["state"] == "applied"
    refused(ask.post(f"{address}/apply", {}), 409, "not_compared")
    rates = ok(ask.get(f"/tariffs/{kept['tariff_id']}/rates"))["data"]
    assert sorted(each["code"] for each in rates) == ["254", "2547"]
    assert ok(ask.post(f"{address}/undo", {"reason": "too dear"}))["state"] == "undone"
    assert ok(ask.get(f"/tariffs/{kept['tariff_id']}/rates"))["data"] == []
    assert [each["state"] for each in pages(ask, "/generator-runs", generator_id=kept["id"])] == ["undone"]


def test_a_run_that_cannot_be_made_says_why(ask: Asking, kept: Any, tenant: Tenant) -> None:
    run = ok(ask.post(f"/generators/{kept['id']}/runs", {"prices_at": "2025-01-01T00:00:00Z"}), 202)
    _work(tenant, run["id"])
    made = ok(ask.get(f"/generator-runs/{run['id']}"))
    assert (made["state"], made["failure"]["code"]) == ("failed", "nothing_generated")
    refused(ask.post(f"/generator-runs/{run['id']}/discard", {"reason": "no"}), 409, "not_made")


def test_a_run_that_is_not_wanted_is_discarded(ask: Asking, kept: Any, tenant: Tenant) -> None:
    run = ok(ask.post(f"/generators/{kept['id']}/runs", {}), 202)
    _work(tenant, run["id"])
    assert ok(ask.post(f"/generator-runs/{run['id']}/discard", {"reason": "no"}))["state"] == "discarded"


def _work(tenant: Tenant, run_id: str) -> None:
    with scope(tenant, "test"):
        row = generated.access_run(run_id).pk
    with clock.at(AT):
        run_generator(tenant_id=tenant.pk, run_id=row)

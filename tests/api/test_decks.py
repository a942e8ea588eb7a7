"""Code decks, destination groups and special rates through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking

CODES = b"code,destination\n254,Kenya\n2547,Kenya Mobile\n25473,Kenya Mobile\n255,Tanzania\n2557,Tanzania Mobile\n"


@pytest.fixture
def deck(ask: Asking, data_folder: Any) -> dict[str, Any]:
    made: dict[str, Any] = ok(ask.post("/decks", {"name": "World"}), 201)
    change = ok(ask.post(f"/decks/{made['id']}/changes?name=deck.csv", CODES), 201)
    ok(ask.post(f"/deck-changes/{change['id']}/apply", {}))
    return made


def test_a_file_is_compared_applied_and_taken_back(ask: Asking, deck: dict[str, Any]) -> None:
    file = b"Destination;Code\nKenya Fixed;254\nUganda;256, 2567\nUganda;x\nUganda Mobile;2567\nEnd;999\n"
    change = ok(ask.post(f"/decks/{deck['id']}/changes?name=new.csv&mode=update", file), 201)
    assert {name: count for name, count in change["counts"].items() if count} == {
        "new": 2, "renamed": 1, "contradicted": 2, "absent": 4, "errors": 1, "lines": 5,
    }  # fmt: skip
    lines = ok(ask.get(f"/deck-changes/{change['id']}/lines", kind="contradicted"))
    assert [(row["line"], row["code"], row["name"]) for row in lines["data"]] == [
        (3, "2567", "Uganda"),
        (5, "2567", "Uganda Mobile"),
    ]
    assert [(row["line"], row["reason"]) for row in lines["unreadable"]] == [(4, "bad_code")]
    address = f"/deck-changes/{change['id']}"
    refused(ask.post(f"{address}/apply", {}), 409, "deck_has_conflicts")
    done = ok(ask.post(f"{address}/apply", {"skip_conflicts": True, "reason": "the rest later"}))
    assert (done["state"], done["counts"]["added"], done["counts"]["changed"]) == ("applied", 2, 1)
    codes = pages(ask, "/codes", deck_id=deck["id"], limit=3)
    assert [(row["code"], row["destination"]) for row in codes][:2] == [
        ("254", "Kenya Fixed"),
        ("2547", "Kenya Mobile"),
    ]
    assert [row["code"] for row in pages(ask, "/codes", **{"code[like]": "255"})] == ["255", "2557"]
    assert ok(ask.post(f"{address}/undo", {"reason": "wrong file"}))["state"] == "undone"
    exported = ask.get(f"/decks/{deck['id']}/export")
    assert exported.content.replace(b'"', b"") == CODES
    assert ask.get(f"/decks/{deck['id']}/export", kind="xlsx").content[:2] == b"PK"
    again = ok(ask.post(f"/decks/{deck['id']}/changes?name=back.csv", exported.content), 201)
    assert again["counts"]["same"] == 5
    assert ok(ask.post(f"/deck-changes/{again['id']}/discard", {"reason": "nothing new"}))["state"] == "discarded"
    assert [each["state"] for each in pages(ask, "/deck-changes", deck_id=deck["id"])] == [
        "discarded", "undone", "applied",
    ]  # fmt: skip


def test_a_deck_is_made_renamed_and_chosen(ask: Asking, deck: dict[str, Any]) -> None:
    assert ok(ask.get(f"/decks/{deck['id']}")) == {"id": deck["id"], "name": "World", "is_default": True}
    other = ok(ask.post("/decks", {"name": "Mobiles"}), 201)
    assert ok(ask.patch(f"/decks/{other['id']}", {"is_default": True, "name": "M"}))["is_default"]
    assert [(each["name"], each["is_default"]) for each in pages(ask, "/decks")] == [("M", True), ("World", False)]
    world = ok(ask.post(f"/decks/{other['id']}/world", {"depth": "countries"}), 201)
    assert world["counts"]["new"] > 200
    named = ok(
        ask.post(
            f"/decks/{deck['id']}/codes",
            {
                "codes": [{"code": "254", "destination": None}, {"code": "33", "destination": "France"}],
                "reason": "by letter",
            },
        )
    )
    assert named["counts"] == {"added": 1, "removed": 1, "changed": 0}
    refused(ask.post("/decks", {"name": "World"}), 409, "deck_exists")


def test_a_group_and_its_special_rate(ask: Asking, deck: dict[str, Any]) -> None:
    tariff = ok(ask.post("/tariffs", {"name": "Retail", "currency": "USD", "timezone": "UTC"}), 201)
    ok(ask.post(f"/tariffs/{tariff['id']}/rates", b"code,destination,price\n254,Kenya,1\n2547,Kenya Mobile,2\n"))
    group = ok(ask.post("/destination-groups", {"name": "Mobiles", "destinations": ["Kenya Mobile"]}), 201)
    special = ok(
        ask.post(
            "/special-rates",
            {
                "tariff_id": tariff["id"], "group_id": group["id"], "price": "0.5", "increments": "60/1",
                "valid_from": "2026-04-01T00:00:00Z", "note": "tender",
            },
        ),
        201,
    )  # fmt: skip
    assert (special["rates"], special["destination"], special["deck_id"]) == (2, None, deck["id"])
    rates = pages(ask, f"/tariffs/{tariff['id']}/rates")
    wrong = next(rate["id"] for rate in rates if rate["weight"] == "99999999.9998")
    refused(ask.post(f"/tariffs/{tariff['id']}/rates/void", {"rates": [wrong]}), 409, "rate_is_special")
    changed = ok(ask.patch(f"/destination-groups/{group['id']}", {"destinations": ["Kenya Mobile", "Tanzania Mobile"]}))
    assert changed["destinations"] == ["Kenya Mobile", "Tanzania Mobile"]
    assert ok(ask.get(f"/destination-groups/{group['id']}")) == changed
    assert [each["name"] for each in pages(ask, "/destination-groups")] == ["Mobiles"]
    assert [row["code"] for row in pages(ask, f"/tariffs/{tariff['id']}/rates", **{"code[like]": "2557"})] == ["2557"]
    address = f"/special-rates/{special['id']}"
    assert ok(ask.get(address))["note"] == "tender"
    ended = ok(ask.post(f"{address}/end", {"valid_to": "2026-05-01T00:00:00Z"}))
    assert (ended["rates"], ended["valid_to"]) == (3, "2026-05-01T00:00:00Z")
    later = pages(ask, "/special-rates", in_force_at="2026-05-01T00:00:00Z")
    assert later == []
    refused(ask.post(f"{address}/end", {"valid_to": "2026-06-01T00:00:00Z"}), 409, "special_rate_over")
    said = {"tariff_id": tariff["id"], "price": "1", "valid_from": "2026-04-01T00:00:00Z"}
    refused(ask.post("/special-rates", said), 422, "one_target")
    refused(ask.post("/special-rates", said | {"destination": "Atlantis"}), 404, "destination_not_found")

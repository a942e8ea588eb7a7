"""Prices in the office: rate files looked at first, single rates, assignments, code decks, the price of a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from trunkline.kit import clock
from trunkline.parties.actions import create_account
from trunkline.parties.models import Account
from trunkline.tariffs.actions import create_tariff, load_code_deck, load_rates, set_exchange_rate
from trunkline.tariffs.models import AccountTariff, Destination, Rate, Tariff
from trunkline.tenancy.scope import scope
from trunkline.usage import rate_loads
from trunkline.usage.tasks import load_rates as load_job
from trunkline.usage.tasks import look_at_rates as look_job

KENYA = b"code,destination,price,increments,valid_from\n254,Kenya,0.10,1/1,2026-01-01\n"
NEWER = (
    b"code,destination,price,increments,valid_from\n254,Kenya,0.12,1/1,2026-03-01\n255,Tanzania,0.20,60/60,2026-03-01\n"
)
BAD = b"code,destination,price,increments\n254,Kenya,0.10,1/1\nabc,Kenya,0.10,1/1\n256,Uganda,cheap,1/1\n"


@pytest.fixture
def tariff(office: Office) -> Tariff:
    with scope(office.ours, "test"):
        made = create_tariff(name="Retail", currency="USD", timezone="Africa/Nairobi", unit="second", at=AT)
        load_rates(tariff_id=made.pk, data=KENYA, at=AT)
        made.refresh_from_db()
        return made


@pytest.fixture
def owner(office: Office) -> Client:
    return office.client()


def send(client: Client, tariff: Tariff, data: bytes, **more: str) -> str:
    """Send a rate file in; the address of what it would change."""
    file = {"file": SimpleUploadedFile("march.csv", data), "supersede_earlier": "on", **more}
    response = client.post(reverse("admin:tariffs_tariff_load_rates", args=(tariff.pk,)), file)
    assert response.status_code == 302, response.context_data["form"].errors
    address: str = response["Location"]
    return address


def prices(office: Office) -> list[tuple[str, str, datetime | None, bool]]:
    with scope(office.ours, "test"):
        rows = Rate.objects.order_by("pk").values_list("code", "steps", "valid_to", "voided_at")
        return [(code, steps, until, voided is not None) for code, steps, until, voided in rows]


OLD = ("254", "0:0.1/60/1", None, False)
FROM = datetime(2026, 2, 28, 21, tzinfo=UTC)  # the first of March in Nairobi


def test_a_rate_file_is_looked_at_and_nothing_is_written(office: Office, owner: Client, tariff: Tariff) -> None:
    shown = owner.get(send(owner, tariff, NEWER))
    (changes, first) = shown.context_data["panels"]
    assert [row[1] for row in changes.rows] == ["2", "2", "1", "0"]
    assert [row[:3] for row in first.rows] == [(2, "254", "Kenya"), (3, "255", "Tanzania")]
    assert prices(office) == [OLD]
    with scope(office.ours, "test"):
        assert not Destination.objects.filter(name="Tanzania").exists()
        assert Tariff.objects.get().revision == tariff.revision


def test_what_was_looked_at_is_loaded_and_the_history_names_the_file(
    office: Office, owner: Client, tariff: Tariff
) -> None:
    address = send(owner, tariff, NEWER)
    assert owner.post(address)["Location"] == reverse("admin:tariffs_tariff_change", args=(tariff.pk,))
    assert prices(office) == [
        ("254", "0:0.1/60/1", FROM, False),
        ("254", "0:0.12/60/1", None, False),
        ("255", "0:0.2/60/60", None, False),
    ]
    history = owner.get(reverse("admin:tariffs_tariff_history", args=(tariff.pk,))).context_data["changes"]
    assert history[0].why == "load of march.csv"


def test_the_same_look_is_loaded_once(office: Office, owner: Client, tariff: Tariff) -> None:
    address = send(owner, tariff, NEWER)
    owner.post(address)
    again = owner.post(address)
    assert (again.status_code, "was changed after the file was looked at" in again.content.decode()) == (409, True)
    assert len(prices(office)) == 3


def test_who_loads_after_somebody_else_is_told(office: Office, owner: Client, tariff: Tariff) -> None:
    mine, theirs = send(owner, tariff, NEWER), send(office.client("admin"), tariff, NEWER)
    owner.post(mine)
    assert office.client("admin").post(theirs).status_code == 409


def test_lines_that_are_wrong_are_shown_with_their_numbers(office: Office, owner: Client, tariff: Tariff) -> None:
    shown = owner.get(send(owner, tariff, BAD))
    (wrong,) = shown.context_data["panels"]
    assert [(row[0], row[2]) for row in wrong.rows] == [(3, "bad_code"), (4, "bad_decimal")]
    assert "Correct these lines" in shown.content.decode()
    assert owner.post(shown.request["PATH_INFO"]).status_code == 409
    assert prices(office) == [OLD]


def test_rates_in_the_way_say_how_to_go_on(owner: Client, tariff: Tariff) -> None:
    shown = owner.get(send(owner, tariff, NEWER, supersede_earlier="")).content.decode()
    assert "let new rates end earlier ones" in shown
    assert "--supersede" not in shown


def test_a_file_with_a_wrong_header_says_so(owner: Client, tariff: Tariff) -> None:
    assert "unknown column &#x27;codes&#x27;" in owner.get(send(owner, tariff, b"codes,price\n1,2\n")).content.decode()


def test_a_file_that_is_no_text_is_refused_at_its_field(owner: Client, tariff: Tariff) -> None:
    address = reverse("admin:tariffs_tariff_load_rates", args=(tariff.pk,))
    response = owner.post(address, {"file": SimpleUploadedFile("a.xlsx", b"\x00\x01\x02")})
    assert (response.status_code, "no text file" in str(response.context_data["form"].errors["file"])) == (422, True)


def test_a_large_file_is_looked_at_and_loaded_by_a_worker(
    office: Office, owner: Client, tariff: Tariff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_loads, "AT_ONCE_OCTETS", 10)
    address = send(owner, tariff, NEWER)
    assert "data-follow=" in owner.get(address).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'usage.look_at_rates'")
        ((asked,),) = cursor.fetchall()
    asked = json.loads(asked)
    look_job(**asked)
    assert owner.get(address).context_data["may_load"]
    assert owner.post(address)["Location"] == address
    assert prices(office) == [OLD]
    load_job(**asked)
    assert len(prices(office)) == 3
    load_job(**asked)  # twice does no harm


def test_a_load_is_its_operators_alone(office: Office, owner: Client, tariff: Tariff) -> None:
    address = send(owner, tariff, NEWER)
    theirs = office.client("owner", office.theirs)
    assert (theirs.get(address).status_code, theirs.post(address).status_code) == (404, 404)


def test_a_tariff_is_given_a_parent_and_says_what_it_inherits(office: Office, owner: Client, tariff: Tariff) -> None:
    with scope(office.ours, "test"):
        child = create_tariff(name="Gold", currency="USD", timezone="Africa/Nairobi", unit="second", at=AT)
        bare = create_tariff(name="Bare", currency="USD", timezone="UTC", unit="second", at=AT)
    page = reverse("admin:tariffs_tariff_change", args=(child.pk,))
    fields = {"name": "Gold", "timezone": "Africa/Nairobi"}
    refused = owner.post(page, {**fields, "parent": bare.pk, "reason": "one list"})
    assert "has the timezone UTC" in str(refused.context_data["adminform"].form.errors["parent"])
    assert owner.post(page, {**fields, "parent": tariff.pk, "reason": "one list"}).status_code == 302
    text = owner.get(page).content.decode()
    assert "1 code from Retail" in text
    assert "Gold" in owner.get(reverse("admin:tariffs_tariff_change", args=(tariff.pk,))).content.decode()
    assert owner.post(page, {**fields, "parent": "", "reason": "apart"}).status_code == 302
    with scope(office.ours, "test"):
        assert Tariff.objects.get(pk=child.pk).parent is None
    assert "takes over" not in owner.get(page).content.decode().replace("Tariffs that take over", "")
    made = owner.post(
        reverse("admin:tariffs_tariff_add"),
        {"name": "Silver", "currency": "USD", "unit": "second", "timezone": "Africa/Nairobi", "parent": tariff.pk},
    )
    assert made.status_code == 302, made.context_data["adminform"].form.errors
    with scope(office.ours, "test"):
        assert Tariff.objects.get(name="Silver").parent_id == tariff.pk


RATE = {
    "code": "256",
    "destination": "Uganda",
    "price": "0.15",
    "increments": "60/60",
    "rounding": "half_up",
    "rounding_decimals": "8",
}


def add(client: Client, to: Tariff, **more: str) -> Any:
    return client.post(reverse("admin:tariffs_rate_add"), {**RATE, "tariff": to.pk, **more})


def test_a_single_rate_is_added_on_the_tariffs_clock(office: Office, owner: Client, tariff: Tariff) -> None:
    assert add(owner, tariff, valid_from="2026-03-01T00:00", max_cost="5").status_code == 302
    with scope(office.ours, "test"):
        rate = Rate.objects.latest("pk")
    assert (rate.code, rate.steps, rate.valid_from, str(rate.max_cost)) == ("256", "0:0.15/60/60", FROM, "5")


def test_a_single_rate_ends_the_earlier_one_or_is_refused(office: Office, owner: Client, tariff: Tariff) -> None:
    newer = {"code": "254", "price": "0.11", "valid_from": "2026-03-01T00:00"}
    refused = add(owner, tariff, **newer)
    assert "has the same rate in the tariff already" in str(
        refused.context_data["adminform"].form.errors["supersede_earlier"]
    )
    assert add(owner, tariff, **newer, supersede_earlier="on").status_code == 302
    assert prices(office)[0] == ("254", "0:0.1/60/1", FROM, False)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "abc"}, "code"),
        ({"price": "cheap"}, "price"),
        ({"price": "", "increments": ""}, "price"),
        ({"increments": "sixty"}, "increments"),
        ({"valid_from": "2026-03-01T00:00", "valid_to": "2026-02-01T00:00"}, "valid_to"),
        ({"length_min": "12", "length_max": "9"}, "length_max"),
        ({"max_cost": "-1"}, "max_cost"),
        ({"tariff": ""}, "tariff"),
    ],
)
def test_what_is_wrong_with_a_rate_is_said_at_its_field(
    office: Office, owner: Client, tariff: Tariff, wrong: dict[str, str], field: str
) -> None:
    assert list(add(owner, tariff, **wrong).context_data["adminform"].form.errors) == [field]
    assert prices(office) == [OLD]


def test_a_tariff_with_an_origin_deck_has_rates_by_origin(office: Office, owner: Client, tariff: Tariff) -> None:
    refused = add(owner, tariff, code="254", origin="EEA")
    assert "has no origin deck" in str(refused.context_data["adminform"].form.errors["origin"])
    with scope(office.ours, "test"):
        deck = load_code_deck(name="EEA", codes={"33": "EEA"}, at=AT)
    address = reverse("admin:tariffs_tariff_change", args=(tariff.pk,))
    form = {"name": tariff.name, "timezone": tariff.timezone}
    assert owner.post(address, {**form, "origin_deck": deck.pk}).status_code == 302
    assert add(owner, tariff, code="254", price="0.04", increments="1/1", origin="EEA").status_code == 302
    kept = owner.post(address, form)
    assert "EEA" in str(kept.context_data["adminform"].form.errors)
    shown = ask(owner, tariff=tariff.pk, calling="33155512345")
    assert facts(shown)["It costs"] == "0.06 USD"
    (price,) = shown.context_data["sections"][1:]
    assert ("Where the caller is", "EEA, by the code 33 of the origin deck of Retail") in [
        (str(name), str(value)) for name, value in price.facts
    ]
    rows = {str(each.title): each.rows for each in price.panels}["Codes and rates tried"]
    assert [(row[1], str(row[4])) for row in rows] == [
        ("254", "passed over: another rate of this code goes first"),
        ("254 ← EEA", "chosen"),
    ]
    assert facts(ask(owner, tariff=tariff.pk, calling="44207"))["It costs"] == "0.15 USD"


def test_a_code_that_stands_for_several_makes_several_rates(office: Office, owner: Client, tariff: Tariff) -> None:
    add(owner, tariff, code="256,257")
    assert [code for code, *_ in prices(office)] == ["254", "256", "257"]


def test_a_rate_is_voided_and_stays_readable(office: Office, owner: Client, tariff: Tariff) -> None:
    with scope(office.ours, "test"):
        rate = Rate.objects.get()
    assert owner.post(reverse("admin:tariffs_rate_void", args=(rate.pk,))).status_code == 302
    assert prices(office) == [("254", "0:0.1/60/1", None, True)]
    shown = owner.get(reverse("admin:tariffs_rate_change", args=(rate.pk,))).content.decode()
    assert "voided" in shown
    assert reverse("admin:tariffs_tariff_history", args=(tariff.pk,)) in shown


@pytest.fixture
def account(office: Office) -> Account:
    with scope(office.ours, "test"):
        return create_account(code="acme", name="Acme", currency="EUR", timezone="Europe/Berlin", at=AT)


def test_an_account_is_given_a_tariff_from_its_page_and_it_ends(
    office: Office, owner: Client, tariff: Tariff, account: Account
) -> None:
    page = owner.get(reverse("admin:parties_account_change", args=(account.pk,))).content.decode()
    address = f"{reverse('admin:tariffs_accounttariff_add')}?account={account.pk}"
    assert address in page
    assert owner.get(address).context_data["adminform"].form.initial["account"] == str(account.pk)
    given = {
        "account": account.pk,
        "tariff": tariff.pk,
        "side": "sell",
        "service": "voice",
        "valid_from": "2026-01-01T00:00",
    }
    assert owner.post(address, {**given, "why_it_is_done": "contract"}).status_code == 302
    with scope(office.ours, "test"):
        row = AccountTariff.objects.get()
    assert (row.position, row.valid_from) == (1, datetime(2025, 12, 31, 23, tzinfo=UTC))
    shown = owner.get(reverse("admin:parties_account_change", args=(account.pk,))).content.decode()
    assert reverse("admin:tariffs_accounttariff_change", args=(row.pk,)) in shown

    owner.post(reverse("admin:tariffs_accounttariff_end", args=(row.pk,)), {"valid_to": "2026-06-01T00:00"})
    with scope(office.ours, "test"):
        row.refresh_from_db()
    assert row.valid_to == datetime(2026, 5, 31, 22, tzinfo=UTC)
    changes = owner.get(reverse("admin:tariffs_accounttariff_history", args=(row.pk,))).context_data["changes"]
    assert [(each.kind, each.why) for each in changes] == [("Changed", ""), ("Made", "contract")]


def ask(client: Client, **asked: object) -> Any:
    with clock.at(datetime(2026, 3, 5, 12, tzinfo=UTC)):
        return client.get(reverse("admin:rate_preview"), {"called": "254700000001", "quantity": "90", **asked})


def facts(response: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in response.context_data["sections"][0].facts}


def test_the_price_of_a_call_by_a_tariff_is_explained(owner: Client, tariff: Tariff) -> None:
    shown = ask(owner, tariff=tariff.pk)
    assert facts(shown)["It costs"] == "0.15 USD"
    panels = {str(each.title): each.rows for each in shown.context_data["sections"][1].panels}
    assert panels["Codes and rates tried"][0][1] == "254"
    assert str(panels["Codes and rates tried"][0][4]) == "chosen"


def test_the_price_of_a_call_by_an_account_is_that_of_its_list(
    office: Office, owner: Client, tariff: Tariff, account: Account
) -> None:
    assert "It has no price" in ask(owner, account=account.pk).content.decode()
    with scope(office.ours, "test"):
        AccountTariff.objects.create(account=account, side="sell", position=1, tariff=tariff)
        set_exchange_rate(base="EUR", quote="USD", on=AT.date(), rate="1.25", at=AT)
    assert facts(ask(owner, account=account.pk))["It costs"] == "0.12 EUR"
    assert "No rate fits the number" in ask(owner, account=account.pk, called="999").content.decode()


@pytest.mark.parametrize(
    ("asked", "field"),
    [({}, "account"), ({"called": "abc"}, "called"), ({"quantity": "-1"}, "quantity"), ({"tags": "x" * 61}, "tags")],
)
def test_what_cannot_be_priced_is_said_at_its_field(
    owner: Client, tariff: Tariff, asked: dict[str, str], field: str
) -> None:
    response = ask(owner, **asked)
    assert (response.status_code, field in response.context_data["form"].errors) == (422, True)


def test_a_foreign_tariff_cannot_be_asked_for(office: Office, tariff: Tariff) -> None:
    response = ask(office.client("owner", office.theirs), tariff=tariff.pk)
    assert (response.status_code, "tariff" in response.context_data["form"].errors) == (422, True)

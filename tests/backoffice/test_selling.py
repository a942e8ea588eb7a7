"""Rate analysis and swap deals in the office: asked, answered, given as files; promised, changed, archived."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from tests.backoffice.office import Office
from tests.databases import AT
from trunkline.core.money import Amount, Price
from trunkline.kit import clock
from trunkline.kit.db.scope import current_scope
from trunkline.parties.actions import create_account
from trunkline.pricing.actions import create_deal, make_item
from trunkline.pricing.analysis import given
from trunkline.pricing.deals.alarms import review_deals
from trunkline.pricing.models import Deal, DealItem
from trunkline.tariffs.models import AccountTariff, Destination, ExchangeRate, Rate, Tariff
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Rollup

PRICES = {
    "alpha": ("USD", {"254": "0.03", "2547": "0.04"}),
    "beta": ("EUR", {"254": "0.02", "25471": "blocked"}),
    "retail": ("USD", {"254": "0.025"}),
}
LISTS = ["vendor:alpha", "tariff:beta"]


@pytest.fixture
def client(office: Office) -> Iterator[Client]:
    """The owner of a carrier with a vendor, a price list in euro and one that sells."""
    with clock.at(AT), scope(office.ours, "test"):
        kenya = Destination.objects.create(name="=Kenya <b>", country="KE")
        for name, (currency, rates) in PRICES.items():
            tariff = Tariff.objects.create(name=name, currency=currency, created_at=AT)
            for code, price in rates.items():
                is_blocked = price == "blocked"
                steps = "0:0/60/1" if is_blocked else f"0:{price}/60/60"
                Rate.objects.create(tariff=tariff, code=code, destination=kenya, steps=steps, blocked=is_blocked)
        vendor = create_account(code="alpha", name="Alpha", currency="USD", timezone="UTC", is_vendor=True, at=AT)
        tariff = Tariff.objects.get(name="alpha")
        AccountTariff.objects.create(account=vendor, side="buy", position=1, tariff=tariff)
        ExchangeRate.objects.create(base="EUR", quote="USD", on=date(2026, 3, 1), rate=Decimal("1.5"))
        Rollup.objects.create(
            batch_id=1, side="buy", account=vendor, service="voice", destination_id=kenya.pk, rate=Rate.objects.get(code="2547"), currency="USD",
            day=AT.date(), attempts=1, connected=1, raw_quantity=6000, billed_quantity=6000, amount=Amount.from_text("4"), base_amount=Amount.zero(),
        )  # fmt: skip
    with clock.at(AT):
        yield office.client()


def ask(client: Client, **asked: Any) -> Any:
    return client.get(reverse("admin:rate_analysis"), {"lists": LISTS, "on": "2026-03-02", **asked})


def cells(response: Any) -> list[list[str]]:
    assert response.status_code == 200, response.context_data["form"].errors
    return [[str(cell) for cell in row] for row in response.context_data["panel"].rows]


def test_price_lists_stand_side_by_side_with_margins(client: Client) -> None:
    response = ask(client, master="tariff:retail", minutes="vendors")
    assert list(response.context_data["panel"].headers) == [
        "Code", "Destination", "Minutes", "retail", "beta", "alpha (buy)",
    ]  # fmt: skip
    rows = cells(response)
    assert [row[:4] for row in rows] == [
        ["254", "=Kenya <b>", "0.00", "0.025"],
        ["2547", "=Kenya <b>", "100.00", "0.025"],
        ["25471", "=Kenya <b>", "0.00", "0.025"],
    ]
    assert "<strong>0.03</strong>" in rows[0][4]
    assert "-0.005 (-20.00 %)" in rows[0][4]
    assert 'title="simulated from 254">~0.03' in rows[1][4]
    assert "blocked" in rows[2][4]
    page = response.content.decode()
    assert "=Kenya &lt;b&gt;" in page
    assert "a minute in a call of 60 seconds" in page
    losses = ask(client, master="tariff:retail", below="-30", by="destination")
    assert [row[:2] for row in cells(losses)] == [["=Kenya <b>", "3"]]
    assert cells(ask(client, master="tariff:retail", below="-90")) == []


def test_the_least_cost_list_is_paged_and_files_have_all_rows(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.backoffice.rate_analysis.ROWS", 2)
    asked = {"form": "least", "positions": 1}
    first = ask(client, **asked)
    assert [row[0] for row in cells(first)] == ["254", "2547"]
    (following,) = first.context_data["pages"]
    last = client.get(reverse("admin:rate_analysis") + following.url)
    assert [(row[0], "alpha (buy)" in row[2]) for row in cells(last)] == [("25471", True)]
    assert [each.icon for each in last.context_data["pages"]] == ["chevron_left"]
    assert len(cells(ask(client, **asked, page="99"))) == len(cells(ask(client, **asked, page="2"))) == 1
    text = b"".join(ask(client, **asked, file="csv").streaming_content).decode()
    assert [row[:3] for row in csv.reader(io.StringIO(text))][1:] == [
        ["254", "'=Kenya <b>", "beta"],
        ["2547", "'=Kenya <b>", "beta"],
        ["25471", "'=Kenya <b>", "alpha (buy)"],
    ]
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(ask(client, **asked, file="xlsx").streaming_content)))
    assert len(book.get_sheet_by_name("Analysis").to_python()) == 4


def test_prices_are_compared_while_no_scope_is_open(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from trunkline.pricing.analysis import gathered

    open_scopes = []
    compare = gathered.compare

    def watched(*arguments: Any) -> Any:
        open_scopes.append(current_scope())
        return compare(*arguments)

    monkeypatch.setattr(gathered, "compare", watched)
    assert len(cells(ask(client))) == 3
    assert open_scopes == [None]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"lists": []}, "lists"),
        ({"lists": ["tariff:none"]}, "lists"),
        ({"below": "5"}, "below"),
        ({"below": "x"}, "below"),
        ({"currency": "JPY"}, "currency"),
        ({"country": "XX"}, "country"),
        ({"code": "25x"}, "code"),
        ({"call": "0"}, "call"),
    ],
)
def test_what_cannot_be_compared_stands_beside_its_field(client: Client, asked: dict[str, Any], field: str) -> None:
    response = ask(client, **asked)
    assert response.status_code == 422
    assert list(response.context_data["form"].errors) == [field]


def test_a_workbook_that_would_be_too_long_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "XLSX_ROWS_MAX", 1)
    response = ask(client, file="xlsx")
    assert response.status_code == 422
    assert "1 at most" in response.content.decode()


def test_without_tariffs_the_page_says_what_to_do_first(office: Office) -> None:
    page = office.client().get(reverse("admin:rate_analysis")).content.decode()
    assert "There is no tariff yet" in page


@pytest.fixture
def deal(client: Client, office: Office) -> Deal:
    """A deal with the vendor of which a tenth of what is promised has gone out."""
    with scope(office.ours, "test"):
        return create_deal(
            name="Swap",
            account=AccountTariff.objects.get().account,
            currency="USD",
            starts_on=date(2026, 3, 1),
            at=AT,
            items=[make_item(direction="outbound", minutes=1000, price=Price.from_text("0.02"), codes=["2547"])],
        )


def address(deal: Deal, what: str) -> str:
    return reverse(f"admin:pricing_deal_{what}", args=(deal.pk,))


def test_a_deal_is_made_and_what_is_promised_is_added(client: Client, office: Office) -> None:
    with scope(office.ours, "test"):
        partner = AccountTariff.objects.get().account
    form = {
        "name": "Swap", "account": partner.pk, "currency": "", "starts_on": "2026-03-01", "length": "1", "unit": "months", "repeats": "12",
        "alert_below": "90", "recipients": "a@b.example, c@d.example", "note": "",
    }  # fmt: skip
    response = client.post(reverse("admin:pricing_deal_add"), form)
    assert response.status_code == 302, response.context_data["adminform"].form.errors
    with scope(office.ours, "test"):
        deal = Deal.objects.get()
    assert (deal.currency, deal.repeats, deal.recipients) == ("USD", 12, ["a@b.example", "c@d.example"])
    assert "Nothing is promised yet" in client.get(address(deal, "change")).content.decode()
    item = {
        "direction": "outbound",
        "minutes": "100",
        "price": "0.02",
        "beyond": "",
        "destinations": "",
        "codes": "2547, 2541",
    }
    assert client.post(address(deal, "add_item"), item).status_code == 302
    again = client.post(address(deal, "add_item"), item)
    assert (again.status_code, "Two outbound items" in again.content.decode()) == (422, True)
    unknown = client.post(address(deal, "add_item"), item | {"codes": "", "destinations": "Atlantis"})
    assert list(unknown.context_data["form"].errors) == ["destinations"]
    page = client.get(address(deal, "change")).content.decode()
    for part in ("100 %", "reached on 2026-03-02", "2541, 2547", "Live profit"):
        assert part in page


def test_items_change_and_go_and_the_deal_is_archived(client: Client, office: Office, deal: Deal) -> None:
    with scope(office.ours, "test"):
        (row,) = DealItem.objects.all()
    shown = client.get(f"{address(deal, 'change_item')}?item={row.pk}")
    form = shown.context_data["form"]
    assert {name: form[name].initial for name in ("minutes", "price", "codes")} == {
        "minutes": 1000, "price": "0.02", "codes": ["2547"],
    }  # fmt: skip
    item = {
        "item_id": row.pk,
        "direction": "outbound",
        "minutes": "200",
        "price": "0.03",
        "beyond": "0.01",
        "destinations": "",
        "codes": "2547",
    }
    assert client.post(address(deal, "change_item"), item).status_code == 302
    with scope(office.ours, "test"):
        row.refresh_from_db()
    assert (row.minutes, str(row.price), str(row.beyond)) == (200, "0.03", "0.01")
    assert client.post(address(deal, "change_item"), item | {"item_id": 999_999}).status_code == 422
    assert client.post(address(deal, "archive"), {}).status_code == 302
    listed = client.get(reverse("admin:pricing_deal_changelist"))
    assert list(listed.context_data["cl"].result_list) == []
    kept = client.get(reverse("admin:pricing_deal_changelist"), {"archived": "yes"})
    assert "archived" in kept.content.decode()
    assert client.post(address(deal, "restore"), {}).status_code == 302
    assert client.post(address(deal, "remove_item"), {"item": row.pk}).status_code == 302
    with scope(office.ours, "test"):
        assert not DealItem.objects.exists()


def test_the_list_and_the_dashboard_tell_how_deals_stand(client: Client, office: Office, deal: Deal) -> None:
    page = client.get(reverse("admin:pricing_deal_changelist")).content.decode()
    for part in ('<progress class="office-share" value="10" max="100">', "in process", "2026-03", "2.00 USD"):
        assert part in page
    with scope(office.ours, "test"):
        assert review_deals(at=AT.replace(month=4)) == 1
    assert "the commitment was missed" in client.get(reverse("admin:index")).content.decode()
    assert "100 of 1000 minutes, 10 %" in client.get(address(deal, "change")).content.decode()

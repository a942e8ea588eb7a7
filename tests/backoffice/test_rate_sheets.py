"""The steps of a rate sheet and the grid of rates: who may see and do what, and what is foreign."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from tests.isolation.world import World
from trunkline.core.ids import uuid7
from trunkline.identity.permissions import ROLES, BuiltInRole, Permission
from trunkline.pricing.actions import Asked, compare_import, receive_sheet
from trunkline.pricing.models import SheetImport, SheetReminderOff
from trunkline.tariffs.actions import create_tariff, load_rates
from trunkline.tariffs.models import Rate, Tariff
from trunkline.tenancy.scope import scope

SHEET = "Destination,Code,Rate,Billing Increment\nKenya,254,0.05,60/60\nKenya Mobile,2547,0.1,60/60\n"
STEPS = ("layout", "compare", "apply")
each_role = pytest.mark.parametrize("role", list(BuiltInRole))


@pytest.fixture
def office(world: World) -> Office:
    return Office(world.ours, world.theirs)


def sheet_of(tenant: Any) -> SheetImport:
    """A sheet that is compared, for a tariff of that operator."""
    with scope(tenant, "test"):
        tariff = Tariff.objects.filter(name="Alpine buy").first() or create_tariff(
            name="Alpine buy", currency="USD", at=AT
        )
    sheet = receive_sheet(
        tenant.pk, pieces=[SHEET.encode()], file_name="alpine.csv", asked=Asked(tariff_id=tariff.pk), notified_at=AT, actor="test", now=lambda: AT,
    )  # fmt: skip
    return compare_import(tenant.pk, sheet.pk, actor="test", now=lambda: AT)


@each_role
def test_the_steps_are_for_whom_they_are_for(office: Office, role: BuiltInRole) -> None:
    sheet, client = sheet_of(office.ours), office.client(role)
    may_read, may_write = Permission.TARIFFS_READ in ROLES[role], Permission.TARIFFS_WRITE in ROLES[role]
    for step in STEPS:
        address = reverse(f"admin:sheet_{step}", args=(sheet.public_id,))
        assert client.get(address).status_code == (200 if may_read else 403)
        if not may_write:
            assert client.post(address, {}).status_code == 403
    grid = reverse("admin:rates_grid", args=(sheet.tariff_id,))
    assert client.get(grid).status_code == (200 if may_read else 403)
    assert client.post(grid, {"row": "1"}).status_code == (404 if may_write else 403)
    with scope(office.ours, "test"):
        assert SheetImport.objects.get(pk=sheet.pk).state == "compared"


def test_the_comparison_says_how_the_traffic_was_weighed(office: Office) -> None:
    sheet = sheet_of(office.ours)
    with scope(office.ours, "test"):
        sheet.counts |= {"weighed_by_code": 60, "weighed_by_number": 1200, "not_weighed": 7, "days_of_numbers": 12}
        sheet.save()
    page = office.client().get(reverse("admin:sheet_compare", args=(sheet.public_id,)))
    assert page.context["weighed"] == [
        "1,200 units were weighed by their numbers: new longer codes take them over.",
        "7 units could not be weighed: nothing says what they will cost.",
        "Numbers were read of 12 of the 30 days; their shares stand for the rest.",
    ]
    assert "1,200 units were weighed" in page.content.decode()


def test_one_turns_mails_of_waiting_sheets_off_and_on(office: Office) -> None:
    client, address = office.client(), reverse("admin:pricing_mail_tell_me")
    assert "Whoever may apply rate sheets" in client.get(address).content.decode()
    for told, rows in (("off", 1), ("off", 1), ("on", 0)):
        assert client.post(address, {"told": told}).status_code == 302
        with scope(office.ours, "test"):
            off = SheetReminderOff.objects.filter(membership__user=office.person(BuiltInRole.OWNER))
            assert off.count() == rows
    assert office.client(BuiltInRole.READ_ONLY).post(address, {"told": "off"}).status_code == 403


def test_a_foreign_sheet_is_as_absent_as_one_that_never_was(office: Office) -> None:
    foreign, client = sheet_of(office.theirs), office.client()
    for step in STEPS:
        for public_id in (foreign.public_id, uuid7()):
            address = reverse(f"admin:sheet_{step}", args=(public_id,))
            assert (client.get(address).status_code, client.post(address, {}).status_code) == (404, 404)
    for tariff_id in (foreign.tariff_id, 999_999_999):
        grid = reverse("admin:rates_grid", args=(tariff_id,))
        assert (client.get(grid).status_code, client.post(grid, {"row": "1"}).status_code) == (404, 404)
        assert client.get(f"{grid}?file=csv").status_code == 404


def test_a_foreign_tariff_takes_no_sheet(office: Office) -> None:
    foreign = sheet_of(office.theirs)
    given = {
        "file": SimpleUploadedFile("alpine.csv", SHEET.encode()), "received_at": "2026-03-02T08:00:00", "tariff": foreign.tariff_id,
        "new_currency": "USD", "new_timezone": "UTC",
    }  # fmt: skip
    response = office.client().post(reverse("admin:sheet_new"), given)
    assert response.status_code == 422
    assert "tariff" in response.context_data["form"].errors


def test_the_grid_pages_by_code_and_counts_nothing(office: Office, django_assert_max_num_queries: Any) -> None:
    lines = "".join(f"{code},Place,0.05,60/60\n" for code in range(25000, 25120))
    with scope(office.ours, "test"):
        tariff = create_tariff(name="Long", currency="USD", at=AT)
        load_rates(tariff_id=tariff.pk, data=f"code,destination,price,increments\n{lines}".encode(), at=AT)
    client, grid = office.client(), reverse("admin:rates_grid", args=(tariff.pk,))
    seen: list[str] = []
    address = grid
    while address:
        with django_assert_max_num_queries(25):
            context = client.get(address).context_data
        seen += [row["code"] for row in context["rows"]]
        address = f"{grid}{context['more']}" if context["more"] else ""
    assert seen == [str(code) for code in range(25000, 25120)]
    back = client.get(f"{grid}{context['before']}").context_data
    assert [row["code"] for row in back["rows"]] == seen[50:100]
    assert [row["code"] for row in client.get(f"{grid}?code=2511").context_data["rows"]] == seen[110:]
    assert len(client.get(f"{grid}?name=plac").context_data["rows"]) == 50
    for wrong in ("?code=x", "?after=1", "?after=x.y", "?state=none", "?edit=1", "?on=today", "?file=exe"):
        assert client.get(f"{grid}{wrong}").status_code == 200


def test_many_rates_are_changed_only_as_they_were_looked_at(office: Office) -> None:
    with scope(office.ours, "test"):
        tariff = create_tariff(name="Many", currency="USD", at=AT)
        load_rates(tariff_id=tariff.pk, data=b"code,destination,price\n254,Kenya,0.05\n", at=AT)
    client, grid = office.client(), reverse("admin:rates_grid", args=(tariff.pk,))
    asked = {"whom": "all", "how": "set", "amount": "0.06", "note": "agreed"}
    assert client.post(grid, asked | {"whom": "ticked", "go": "look"}).status_code == 422
    addresses = [client.post(grid, asked)["Location"] for _ in range(2)]
    looked = client.get(addresses[0])
    assert (looked.status_code, looked.context_data["can_apply"]) == (200, True)
    assert client.post(addresses[0], {"go": "apply"}).status_code == 302
    assert client.get(addresses[0]).context_data["can_apply"] is False
    assert client.post(addresses[0], {"go": "apply"}).status_code == 302  # once more changes nothing
    overtaken = client.get(addresses[1])
    assert (overtaken.context_data["can_apply"], len(overtaken.context_data["warnings"])) == (False, 1)
    assert client.post(addresses[1], {"go": "apply"}).status_code == 302
    with scope(office.ours, "test"):
        rates = Rate.objects.filter(tariff=tariff).order_by("id")
        assert [(each.steps, each.valid_to is None) for each in rates] == [
            ("0:0.05/60/1", False),
            ("0:0.06/60/1", True),
        ]

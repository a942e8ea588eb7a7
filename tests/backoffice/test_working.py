"""What is too large to wait for, on the pages of the office: asked for, followed, done by a worker; what was in its way."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.backoffice.test_decks import CODES, codes, send
from tests.backoffice.test_generators import made, run, said  # noqa: F401  a fixture
from tests.databases import AT
from tests.waiting_jobs import work_off
from trunkline.core.ids import uuid7
from trunkline.identity.permissions import ROLES, BuiltInRole, Permission
from trunkline.kit import clock
from trunkline.pricing.actions import keep_edit
from trunkline.pricing.actions import work as room
from trunkline.pricing.models import DeckChange, TariffEdit
from trunkline.pricing.rate_edits import Chosen, PriceEdit, PriceHow, RateEdit
from trunkline.tariffs.actions import create_tariff, load_rates
from trunkline.tariffs.models import Rate, Tariff
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

FRENCH = {"accept-language": "fr"}


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AT_ONCE_LINES", 0)


@pytest.fixture
def owner(office: Office, data_folder: Any) -> Any:
    with clock.at(AT):
        yield office.client()


def tariff_of(tenant: Tenant) -> Tariff:
    with scope(tenant, "test"):
        tariff = create_tariff(name="Many", currency="USD", at=AT)
        load_rates(tariff_id=tariff.pk, data=b"code,destination,price\n254,Kenya,0.05\n256,Uganda,0.08\n", at=AT)
    return tariff


def edit_of(tenant: Tenant) -> TariffEdit:
    change = RateEdit(price=PriceEdit(PriceHow.PERCENT, "5"))
    return keep_edit(tenant.pk, tariff_id=tariff_of(tenant).pk, chosen=Chosen(at=AT), edit=change, actor="test", at=AT)


def page_of(edit: TariffEdit) -> str:
    return reverse("admin:rate_edit", args=(edit.public_id,))


def rates(office: Office) -> int:
    with scope(office.ours, "test"):
        return Rate.objects.count()


def test_a_large_edit_is_followed_and_undone(office: Office, owner: Client) -> None:
    tariff = tariff_of(office.ours)
    grid = reverse("admin:rates_grid", args=(tariff.pk,))
    many = {"whom": "all", "how": "percent", "amount": "5", "note": "new year"}
    address = owner.post(grid, many)["Location"]
    other = owner.post(grid, many)["Location"]
    assert "data-follow" not in owner.get(address).content.decode()
    assert owner.post(address, {})["Location"] == address
    page = owner.get(address).content.decode()
    assert ("data-follow" in page, "It is being applied: 0 %." in page, "Change these rates" in page) == (True, True, False)  # fmt: skip
    assert "Avancement (en application) : 0 %." in office.client(**FRENCH).get(address).content.decode()
    assert "are changed by a worker now" in owner.get(grid).content.decode()
    for of_second in (owner.post(address, {}, follow=True), owner.post(other, {}, follow=True)):
        assert "Wait until that is done" in str(next(iter(of_second.context["messages"])))
    with scope(office.ours, "test"):
        rate = Rate.objects.filter(tariff=tariff).first()
        assert rate is not None
    row = owner.post(f"{grid}?edit={rate.pk}", {"row": rate.pk, "price": "0.07", "per": "60", "increments": "60/1"})
    assert (row.status_code, "Wait until that is done" in row.content.decode()) == (422, True)
    assert rates(office) == 2
    assert work_off("pricing.apply_edit") == 1
    assert rates(office) == 4
    page = owner.get(address).content.decode()
    assert ("data-follow" in page, "new year" in page, "Undo" in page) == (False, True, True)
    assert "are changed by a worker now" not in owner.get(grid).content.decode()
    with scope(office.ours, "test"):
        sheet = TariffEdit.objects.exclude(sheet=None).get().sheet
    assert sheet is not None
    for step in ("layout", "compare", "apply"):
        assert owner.get(reverse(f"admin:sheet_{step}", args=(sheet.public_id,)), follow=True).status_code == 200
    undone = owner.post(reverse("admin:pricing_sheetimport_undo", args=(sheet.pk,)), {"note": "too dear"})
    assert undone.status_code == 302
    assert "It is being undone: 0 %." in owner.get(address).content.decode()
    assert work_off("pricing.undo_sheet") == 1
    assert "undone" in owner.get(address).content.decode()


def test_what_was_in_the_way_is_said_and_it_can_be_asked_for_again(office: Office, owner: Client) -> None:
    edit = edit_of(office.ours)
    assert owner.post(page_of(edit), {}).status_code == 302
    with scope(office.ours, "test"):
        person = office.person(BuiltInRole.OWNER)
        TariffEdit.objects.filter(pk=edit.pk).update(asked_by=f"user:{person.pk}")
        from trunkline.identity.models import Membership

        Membership.objects.filter(user=person).update(role=BuiltInRole.READ_ONLY)
    assert work_off("pricing.apply_edit") == 1
    with scope(office.ours, "test"):
        Membership.objects.filter(user=person).update(role=BuiltInRole.OWNER)
    page = owner.get(page_of(edit)).content.decode()
    assert "The last step was not done, and nothing of it was written: This needs the permission tariffs.write" in page
    french = office.client(**FRENCH).get(page_of(edit)).content.decode()
    assert "La dernière étape n’a pas été faite" in french
    assert "Changer ces prix" in french
    assert rates(office) == 2
    assert owner.post(page_of(edit), {}).status_code == 302
    assert work_off("pricing.apply_edit") == 1
    assert rates(office) == 4


def test_an_edit_says_what_it_costs_a_month(office: Office, owner: Client) -> None:
    edit = edit_of(office.ours)
    assert "A month" not in owner.get(page_of(edit)).content.decode()
    with scope(office.ours, "test"):
        TariffEdit.objects.filter(pk=edit.pk).update(counts=edit.counts | {"monthly_cost": "12.50"})
    page = owner.get(page_of(edit)).content.decode()
    assert ("A month" in page, "12.50" in page) == (True, True)


@pytest.mark.parametrize("role", list(BuiltInRole))
def test_an_edit_is_for_whom_it_is_for(office: Office, owner: Client, role: BuiltInRole) -> None:
    edit, client = edit_of(office.ours), office.client(role)
    may_read, may_write = (each in ROLES[role] for each in (Permission.TARIFFS_READ, Permission.TARIFFS_WRITE))
    seen = client.get(page_of(edit))
    assert seen.status_code == (200 if may_read else 403)
    if may_read:
        assert ("Change these rates" in seen.content.decode()) is may_write
    assert client.post(page_of(edit), {}).status_code == (302 if may_write else 403)


def test_a_foreign_edit_is_as_absent_as_one_that_never_was(office: Office, owner: Client) -> None:
    foreign = edit_of(office.theirs)
    for public_id in (foreign.public_id, uuid7()):
        address = reverse("admin:rate_edit", args=(public_id,))
        assert (owner.get(address).status_code, owner.post(address, {}).status_code) == (404, 404)


def test_a_large_run_of_a_generator_is_followed(office: Office, owner: Client, said: dict[str, Any]) -> None:  # noqa: F811
    asked = run(office, owner, made(office, owner, said))
    page = reverse("admin:pricing_generatorrun_change", args=(asked.pk,))
    apply = reverse("admin:pricing_generatorrun_apply", args=(asked.pk,))
    assert owner.post(apply, {"reason": "spring"})["Location"] == page
    shown = owner.get(page).content.decode()
    assert ("data-follow" in shown, "It is being applied: 0 %." in shown, apply in shown) == (True, True, False)
    assert "being applied" in owner.get(reverse("admin:pricing_generatorrun_changelist")).content.decode()
    assert work_off("pricing.apply_sheet") == 1
    shown = owner.get(page).content.decode()
    assert ("data-follow" in shown, apply in shown) == (False, False)
    undo = reverse("admin:pricing_generatorrun_undo", args=(asked.pk,))
    assert owner.post(undo, {"reason": "too dear"})["Location"] == page
    assert "It is being undone" in owner.get(page).content.decode()
    assert work_off("pricing.undo_sheet") == 1
    assert undo not in owner.get(page).content.decode()


def test_a_large_file_of_codes_is_compared_applied_and_taken_back_by_a_worker(
    office: Office, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "READ_AT_ONCE_OCTETS", 10)
    address = send(owner, CODES)["Location"]
    page = owner.get(address).content.decode()
    assert ("data-follow" in page, "It is being compared: 0 %." in page) == (True, True)
    assert work_off("pricing.compare_deck") == 1
    assert "data-follow" not in owner.get(address).content.decode()
    apply = address.replace("/change/", "/apply/")
    assert owner.post(apply, {"mode": "update"})["Location"] == address
    assert "It is being applied: 0 %." in owner.get(address).content.decode()
    assert "Avancement (en application)" in office.client(**FRENCH).get(address).content.decode()
    assert apply not in owner.get(address).content.decode()
    assert "Avancement" not in owner.get(address).content.decode()
    assert codes(office) == {}
    assert work_off("pricing.apply_deck") == 1
    assert codes(office) == {"254": "Kenya", "2547": "Kenya Mobile", "25473": "Kenya Mobile"}
    owner.post(address.replace("/change/", "/undo/"), {"reason": "wrong file"})
    assert work_off("pricing.undo_deck") == 1
    assert codes(office) == {}


def test_a_large_file_that_cannot_be_read_says_why_and_is_compared_again_or_discarded(
    office: Office, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "READ_AT_ONCE_OCTETS", 10)
    given = {"name": "World", "mode": "update", "file": SimpleUploadedFile("codes.csv", b"only,prices\n0.1,0.2\n")}
    address = owner.post(reverse("admin:tariffs_codedeck_import_deck"), given)["Location"]
    assert work_off("pricing.compare_deck") == 1
    page = owner.get(address).content.decode()
    assert "no codes with names" in page
    assert owner.post(address.replace("/change/", "/compare_again/"), {})["Location"] == address
    assert "data-follow" in owner.get(address).content.decode()
    assert work_off("pricing.compare_deck") == 1
    assert owner.post(address.replace("/change/", "/discard/"), {"reason": "not ours"}).status_code == 302
    with scope(office.ours, "test"):
        assert DeckChange.objects.get().state == "discarded"

"""A rate sheet step by step: received, read, its layout corrected, compared, applied; by the page or by a worker."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from tests.db.pricing.test_imports import AT, FIRST, HEAD, Desk, checks, counted
from trunkline.core.errors import Conflict, Invalid
from trunkline.kit import jobs
from trunkline.pricing import files
from trunkline.pricing.actions import (
    Asked,
    ask_for,
    compare_import,
    correct_layout,
    discard_import,
    is_worked_on,
    keep_layout,
    read_import,
    receive_sheet,
)
from trunkline.pricing.actions import work as room
from trunkline.pricing.choices import ImportState, ImportWork
from trunkline.pricing.compare import Scope
from trunkline.pricing.models import SheetImport, SheetTemplate
from trunkline.pricing.sheets.corrections import Correction
from trunkline.pricing.sheets.date_cells import DateOrder
from trunkline.pricing.sheets.layout import Purpose, Role, from_json
from trunkline.pricing.sheets.price_cells import Mark
from trunkline.tariffs.queries import get_tariff
from trunkline.tenancy.scope import scope

# Which of two columns is the price nobody can tell: "Tier A" is what we pay.
UNCLEAR = "Destination,Code,Tier A,Tier B\nKenya,254,0.05,0.06\nKenya Mobile,2547,0.10,0.12\nUganda,256,0.08,0.09\n"


@pytest.fixture
def desk(tenant: Any) -> Desk:
    return Desk(tenant)


def received(desk: Desk, data: bytes | str, name: str = "sheet.csv", **asked: Any) -> SheetImport:
    octets = data.encode() if isinstance(data, str) else data
    return receive_sheet(
        desk.tenant.pk,
        pieces=[octets[:10], octets[10:]],
        file_name=name,
        asked=Asked(tariff_id=desk.tariff.pk, **asked),
        notified_at=AT,
        actor="user:1",
        now=lambda: AT,
    )


def compared(desk: Desk, sheet: SheetImport) -> SheetImport:
    return compare_import(desk.tenant.pk, sheet.pk, actor="user:1", now=lambda: AT)


def reread(desk: Desk, sheet: SheetImport, **given: Any) -> SheetImport:
    return read_import(desk.tenant.pk, sheet.pk, actor="user:1", now=lambda: AT, **given)


def correction(**changed: Any) -> Correction:
    said: dict[str, Any] = {
        "purpose": Purpose.RATES, "header": 1, "first": 2, "last": 4, "date_order": DateOrder.DAY_FIRST, "mark": Mark.POINT, "roles": {},
    }  # fmt: skip
    return Correction(**said | changed)


def report(desk: Desk, sheet: SheetImport) -> dict[str, Any]:
    said: dict[str, Any] = files.read_json(files.find_import_folder(desk.tenant.pk, sheet.public_id) / files.REPORT)
    return said


def test_a_sheet_is_read_before_it_is_compared(desk: Desk) -> None:
    sheet = received(desk, FIRST)
    assert (sheet.state, sheet.asked_by, sheet.counts) == (
        ImportState.READ, "user:1", {"rows": 5, "lines": 5, "errors": 0},
    )  # fmt: skip
    (first,) = report(desk, sheet)["sheets"]
    assert (first["bounds"], first["lines"]) == ({"header": 1, "first": 2, "last": 6}, 6)
    assert first["head"][1]["cells"][:3] == ["Kenya", "254", "0.0500"]
    after = compared(desk, sheet)
    assert (after.state, counted(after)) == (ImportState.COMPARED, {"new": 5})
    assert desk.apply(after).state == ImportState.APPLIED
    assert len(desk.rates()) == 5


def test_the_steps_say_what_loading_at_once_says(desk: Desk) -> None:
    desk.apply(desk.load(FIRST))
    text = HEAD + "Kenya,254,0.06,2026-04-01,60/1\nUganda,256,Closed,2026-04-01,\nNowhere,x,1,2026-04-01,1/1\n"
    at_once, by_steps = desk.load(text, scope=Scope.FULL), compared(desk, received(desk, text, scope=Scope.FULL))
    assert by_steps.counts == at_once.counts
    assert by_steps.findings == at_once.findings
    assert (by_steps.effective_at, by_steps.compared_revision) == (at_once.effective_at, at_once.compared_revision)


def test_a_column_is_said_by_hand_and_kept_for_the_next_sheet(desk: Desk) -> None:
    sheet = received(desk, UNCLEAR)
    assert from_json(sheet.layout).is_sure is False
    with pytest.raises(Invalid) as refused:
        compared(desk, sheet)
    assert refused.value.code == "empty_sheet"
    with scope(desk.tenant, "user:1"):
        said = [correction(roles={2: Role.PRICE, 3: Role.IGNORED})]
        correct_layout(import_id=sheet.pk, said=said, is_settled=True)
    sheet = reread(desk, sheet)
    assert (sheet.state, sheet.counts["lines"]) == (ImportState.READ, 3)
    assert from_json(sheet.layout).is_sure is True
    assert [line["price"] for line in report(desk, sheet)["sample"]] == ["0.05", "0.1", "0.08"]
    with scope(desk.tenant, "user:1"):
        keep_layout(import_id=sheet.pk, name="Alpine")
        template = SheetTemplate.objects.get(name="Alpine")
        assert (template.tariff_id, template.layout) == (desk.tariff.pk, sheet.layout)
    assert "layout" not in checks(compared(desk, sheet))
    following = receive_sheet(
        desk.tenant.pk,
        pieces=[UNCLEAR.replace("0.05", "0.07").encode()],
        file_name="next.csv",
        asked=Asked(tariff_id=desk.tariff.pk, template_id=template.pk),
        notified_at=AT,
        template=from_json(template.layout),
        actor="user:1",
        now=lambda: AT,
    )
    assert [line["price"] for line in report(desk, following)["sample"]] == ["0.07", "0.1", "0.08"]


def test_the_table_may_stand_elsewhere(desk: Desk) -> None:
    text = "Rates of Alpine\n\nDestination,Code,Rate\nKenya,254,0.05\nUganda,256,0.08\nRwanda,250,0.09\nas agreed\n"
    sheet = received(desk, text)
    with scope(desk.tenant, "user:1"):
        correct_layout(import_id=sheet.pk, said=[correction(header=3, first=5, last=5)], is_settled=False)
    assert reread(desk, sheet).counts["lines"] == 1
    for wrong in (correction(header=3, first=5, last=4), correction(header=5, first=4), correction(last=99)):
        with scope(desk.tenant, "user:1"):
            correct_layout(import_id=sheet.pk, said=[wrong], is_settled=False)
        with pytest.raises(Invalid) as refused:
            reread(desk, sheet)
        assert refused.value.code == "bad_layout"
    assert reread(desk, sheet, anew=True).counts["lines"] == 3


def test_what_cannot_be_opened_leaves_nothing(desk: Desk) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rates.csv", b"0" * (80 << 20))
    with pytest.raises(Invalid) as refused:
        received(desk, bomb.getvalue(), "rates.zip")
    assert refused.value.code == "sheet_too_large"
    with scope(desk.tenant, "user:1"):
        assert SheetImport.objects.count() == 0
    assert files.import_folders(desk.tenant.pk) == []


def test_a_large_sheet_is_a_workers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "READ_AT_ONCE_OCTETS", 10)
    asked: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(jobs, "defer", lambda name, **given: asked.append((name, given)))
    monkeypatch.setattr(jobs, "is_asked", lambda *names, **given: True)
    sheet = received(desk, FIRST)
    assert (sheet.state, sheet.work) == (ImportState.RECEIVED, ImportWork.READING)
    ((name, given),) = asked
    assert (name, given["import_id"], given["actor"]) == ("pricing.read_sheet", sheet.pk, "user:1")
    with scope(desk.tenant, "user:1"):
        assert is_worked_on(sheet)
        with pytest.raises(Conflict) as refused:
            ask_for(sheet, ImportWork.COMPARING, actor="user:1")
    assert refused.value.code == "sheet_is_worked_on"
    from trunkline.pricing.tasks import apply_sheet, compare_sheet, read_sheet

    def looked() -> SheetImport:
        with scope(desk.tenant, "user:1"):
            return SheetImport.objects.get(pk=sheet.pk)

    about: dict[str, Any] = {"tenant_id": desk.tenant.pk, "import_id": sheet.pk, "actor": "cli:test"}
    read_sheet(**about)
    assert (looked().state, looked().work) == (ImportState.READ, ImportWork.NONE)
    read_sheet(**about, goes_on=True)
    assert (looked().state, counted(looked())) == (ImportState.COMPARED, {"new": 5})
    compare_sheet(**about)
    monkeypatch.setattr(jobs, "is_asked", lambda *names, **given: False)
    with scope(desk.tenant, "user:1"):
        ask_for(looked(), ImportWork.APPLYING, actor="cli:test")
    for _ in range(2):  # a job may run twice
        apply_sheet(**about, overrule=[], reason="")
        assert looked().state == ImportState.APPLIED
    assert len(desk.rates()) == 5


def test_what_is_in_a_workers_way_is_said_in_the_sheet(desk: Desk) -> None:
    from trunkline.pricing.tasks import apply_sheet

    sheet, other = compared(desk, received(desk, FIRST)), compared(desk, received(desk, FIRST))
    with scope(desk.tenant, "user:1"):
        ask_for(sheet, ImportWork.APPLYING, actor="cli:test")
    desk.apply(other)
    apply_sheet(tenant_id=desk.tenant.pk, import_id=sheet.pk, actor="cli:test", overrule=[], reason="")
    with scope(desk.tenant, "user:1"):
        found = SheetImport.objects.get(pk=sheet.pk)
    assert (found.state, found.problem["code"]) == (ImportState.COMPARED, "tariff_changed")
    assert compared(desk, sheet).problem is None


def test_a_sheet_that_is_over_stays_as_it_is(desk: Desk) -> None:
    sheet = received(desk, FIRST)
    with scope(desk.tenant, "user:1"):
        assert discard_import(import_id=sheet.pk, reason="another came", at=AT).state == ImportState.DISCARDED
    for step in (compared, reread):
        with pytest.raises(Conflict) as refused:
            step(desk, sheet)
        assert refused.value.code == "not_open"
    with scope(desk.tenant, "user:1"):
        assert get_tariff("Vendor").revision == 1

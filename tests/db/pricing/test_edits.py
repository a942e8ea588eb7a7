"""Rates edited by hand: looked at, written in one transaction, taken out as a file and loaded again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.db.pricing.test_imports import Desk
from tests.db.tariffs.test_commands import Shell
from trunkline.cli import sheet, tariff
from trunkline.core.errors import Conflict, Invalid
from trunkline.pricing import files
from trunkline.pricing.actions import apply_edit, create_agreement, edit, keep_edit, look_at_edit
from trunkline.pricing.actions.edits import forget_looks
from trunkline.pricing.models import TariffEdit
from trunkline.pricing.rate_edits import Chosen, PriceEdit, PriceHow, RateEdit, Standing
from trunkline.pricing.rate_export import rates_file
from trunkline.pricing.tasks import sweep
from trunkline.tariffs import actions as tariffs
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
FILE = (
    "code,destination,price,per,increments,setup_fee,valid_from,valid_to,blocked,tag,policy\n"
    "254,Kenya,0.05,60,60/60,,2026-03-01,,,,\n"
    "2547,Kenya Mobile,0.10,60,60/1,0.01,2026-03-01,2026-05-01,,,\n"
    "255,Tanzania,,,0:0.2/60/60;60:0.1/60/1,,2026-04-01,,,,\n"
    "256,Uganda,0.08,60,1/1,,2026-03-01,,true,,\n"
    "257,=Burundi,0.09,60,1/1,,2026-03-01,,,premium,additive\n"
)


@pytest.fixture
def desk(tenant: Any) -> Desk:
    made = Desk(tenant)
    with scope(tenant, "test"):
        tariffs.load_rates(tariff_id=made.tariff.pk, data=FILE.encode(), at=AT)
    return made


def look(desk: Desk, said: RateEdit, chosen: Chosen | None = None, **more: Any) -> Any:
    which = chosen or Chosen(at=AT)
    return look_at_edit(desk.tenant.pk, tariff_id=desk.tariff.pk, chosen=which, edit=said, actor="test", at=AT, **more)


def change(desk: Desk, said: RateEdit, chosen: Chosen | None = None, **more: Any) -> Any:
    which = chosen or Chosen(at=AT)
    return edit(
        desk.tenant.pk, tariff_id=desk.tariff.pk, chosen=which, edit=said, reason="new year", actor="test", at=AT, **more
    )  # fmt: skip


def test_what_nobody_has_applied_for_a_month_is_forgotten(desk: Desk) -> None:
    about: dict[str, Any] = {
        "tariff_id": desk.tariff.pk,
        "chosen": Chosen(at=AT),
        "edit": TEN_PERCENT,
        "actor": "test",
        "at": AT,
    }
    applied, left = (keep_edit(desk.tenant.pk, **about) for _ in range(2))
    apply_edit(desk.tenant.pk, applied.pk, actor="test", now=lambda: AT)
    with scope(desk.tenant, "test"):
        assert forget_looks(at=AT + timedelta(days=30)) == 0
        assert forget_looks(at=AT + timedelta(days=31)) == 1
        assert list(TariffEdit.objects.values_list("pk", flat=True)) == [applied.pk]
    sweep(desk.tenant.pk, at=datetime(2126, 1, 1, tzinfo=UTC))
    assert files.find_import_folder(desk.tenant.pk, applied.public_id).exists()
    assert not files.find_import_folder(desk.tenant.pk, left.public_id).exists()


TEN_PERCENT = RateEdit(price=PriceEdit(PriceHow.PERCENT, "10", 4))


def test_a_look_writes_nothing_and_says_what_the_change_does(desk: Desk) -> None:
    before = desk.standing()
    with scope(desk.tenant, "test"):
        agreement = create_agreement(name="Alpine", days_increase=7)
    seen = look(desk, TEN_PERCENT, Chosen(at=AT, code="254"), agreement_id=agreement.pk)
    assert (seen.chosen, seen.changed, seen.ended, seen.unchanged) == (2, 2, 0, 0)
    assert seen.kinds == {"increase": 2}
    assert [(each["code"], each["before"], each["after"]) for each in seen.samples] == [
        ("254", "0.05 per 60, 60/60", "0.055 per 60, 60/60"),
        ("2547", "0.1 per 60, 60/1", "0.11 per 60, 60/1"),
    ]
    assert seen.breaches == {"increase": (2, datetime(2026, 3, 17, tzinfo=UTC))}
    assert desk.standing().equals(before)
    done = change(desk, TEN_PERCENT, Chosen(at=AT, code="254"), revision=seen.revision)
    assert (done.made, done.ended) == (2, 2)
    assert [row for row in desk.rates() if row[0].startswith("254")] == [
        ("254", "0:0.05/60/60", "2026-03-01", "2026-03-10"),
        ("254", "0:0.055/60/60", "2026-03-10", None),
        ("2547", "0:0.1/60/60;60:0.1/60/1", "2026-03-01", "2026-03-10"),
        ("2547", "0:0.11/60/60;60:0.11/60/1", "2026-03-10", "2026-05-01"),
    ]


def test_a_rate_to_come_is_moved(desk: Desk) -> None:
    later = datetime(2026, 4, 15, tzinfo=UTC)
    change(desk, RateEdit(begins_at=later), Chosen(at=AT, standing=Standing.FUTURE))
    assert [row for row in desk.rates() if row[0] == "255"] == [("255", "0:0.2/60/60;60:0.1/60/1", "2026-04-15", None)]


def test_codes_are_ended(desk: Desk) -> None:
    until = AT + timedelta(days=5)
    with scope(desk.tenant, "test"):
        agreement = create_agreement(name="Alpine", days_closed=30)
    ending = RateEdit(ends_at=until, sets_end=True)
    seen = look(desk, ending, Chosen(at=AT, code="254"), agreement_id=agreement.pk)
    assert (seen.changed, seen.ended, seen.breaches["closed"][0]) == (0, 2, 2)
    done = change(desk, ending, Chosen(at=AT, code="254"))
    assert (done.made, done.ended) == (0, 2)
    assert {row[3] for row in desk.rates() if row[0].startswith("254")} == {"2026-03-15"}


def test_the_second_of_two_people_is_told(desk: Desk) -> None:
    seen = look(desk, TEN_PERCENT)
    change(desk, TEN_PERCENT, revision=seen.revision)
    with pytest.raises(Conflict) as refused:
        change(desk, TEN_PERCENT, revision=seen.revision)
    assert refused.value.code == "tariff_changed"


def test_nothing_left_to_change_is_said(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        change(desk, TEN_PERCENT, Chosen(at=AT, code="999"))
    assert refused.value.code == "nothing_chosen"


def test_what_is_taken_out_and_loaded_again_changes_nothing(desk: Desk) -> None:
    with rates_file(desk.tenant.pk, desk.tariff.pk, Chosen(at=AT, standing=Standing.ALL), "csv", actor="test") as file:
        text = file.read().decode()
    assert [line.split(",")[:2] for line in text.splitlines()[1:]] == [
        ["254", "Kenya"], ["2547", "Kenya Mobile"], ["255", "Tanzania"], ["256", "Uganda"], ["257", "'=Burundi"],
    ]  # fmt: skip
    with scope(desk.tenant, "test"):
        other = tariffs.create_tariff(name="Copy", currency="USD", timezone="UTC", at=AT)
        tariffs.load_rates(tariff_id=other.pk, data=text.replace("'=", "=").encode(), at=AT)
        copied = tariffs.standing_rates(other).drop_columns(["id"])
    assert copied.equals(desk.standing().drop_columns(["id"]))
    with rates_file(desk.tenant.pk, desk.tariff.pk, Chosen(at=AT, code="25"), "xlsx", actor="test") as book:
        assert book.read(2) == b"PK"


def test_many_rates_are_changed_from_the_command_line(desk: Desk, tenant: Any) -> None:
    run = Shell(tenant.slug)
    asked = ("edit", "Vendor", "--code", "254", "--percent", "10", "--decimals", "4", "--begins", "2027-01-01")
    looked = run.json(tariff.app, *asked)
    assert (looked["changed"], looked["applied"], looked["kinds"]) == (1, False, {"increase": 1})
    assert len(desk.rates()) == 5
    done = run.json(tariff.app, *asked, "--apply", "--reason", "new year")
    assert (done["applied"], done["revision"]) == (True, 3)
    assert ("254", "0:0.055/60/60", "2027-01-01", None) in desk.rates()
    run(sheet.app, "undo", done["sheet"], "--reason", "too early")
    assert len(desk.rates()) == 5
    assert "Uganda" in run(tariff.app, "edit", "Vendor", "--unblock", "--code", "256", "--ends", "open")
    refusals = [
        run.refused(tariff.app, "edit", "Vendor", *given)
        for given in ((), ("--set", "1", "--add", "1"), ("--state", "none", "--set", "1"), ("--set", "x"))
    ]
    assert refusals == ["nothing_to_change", "several_prices", "unknown_state", "bad_decimal"]

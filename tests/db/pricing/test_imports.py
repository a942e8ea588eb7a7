"""A rate sheet on its way into a tariff: compared, checked, applied, undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.ids import uuid7
from trunkline.core.money import Amount
from trunkline.parties.actions import create_account
from trunkline.pricing import files
from trunkline.pricing.actions import (
    Asked,
    apply_import,
    create_agreement,
    discard_import,
    import_sheet,
    save_template,
    undo_import,
)
from trunkline.pricing.changes import change_rows, closed_rows, error_rows
from trunkline.pricing.choices import ImportState, OnBreachChoice
from trunkline.pricing.compare import Scope
from trunkline.pricing.intake import reader_of
from trunkline.pricing.models import SheetImport
from trunkline.pricing.tasks import sweep
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Rollup

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
HEAD = "Destination,Code,Rate,Effective Date,Billing Increment\n"
FIRST = HEAD + "".join(
    f"{name},{code},{price},2026-03-10,{increment}\n"
    for name, code, price, increment in (
        ("Kenya", "254", "0.0500", "60/1"),
        ("Kenya Mobile", "2547", "0.1000", "60/60"),
        ("Kenya Mobile Airtel", "25473", "0.1100", "60/60"),
        ("Tanzania", "255", "0.0700", "60/1"),
        ("Uganda", "256", "0.0800", "60/1"),
    )
)


class Desk:
    """Somebody of the pricing team of one tenant."""

    def __init__(self, tenant: Any) -> None:
        self.tenant = tenant
        with scope(tenant, "test"):
            self.tariff: Tariff = tariffs.create_tariff(name="Vendor", currency="USD", timezone="UTC", at=AT)

    def load(self, text: str, *, received_at: datetime = AT, **asked: Any) -> SheetImport:
        data = text.encode()
        return import_sheet(
            self.tenant.pk,
            data=data,
            file_name="sheet.csv",
            read=reader_of(data, "sheet.csv", received_at=received_at),
            asked=Asked(tariff_id=self.tariff.pk, **asked),
            notified_at=received_at,
            actor="test",
            now=lambda: AT,
        )

    def apply(self, sheet: SheetImport, **given: Any) -> SheetImport:
        return apply_import(self.tenant.pk, sheet.pk, actor="test", now=lambda: AT, **given)

    def undo(self, sheet: SheetImport) -> SheetImport:
        return undo_import(self.tenant.pk, sheet.pk, reason="wrong file", actor="test", now=lambda: AT)

    def rates(self) -> list[tuple[str, str, str, str]]:
        """code, steps, from, to of what stands."""
        with scope(self.tenant, "test"):
            rows = tariffs.standing_rates(self.tariff).sort_by([("code", "ascending"), ("valid_from", "ascending")])
        days = [
            [day and day.date().isoformat() for day in rows[name].to_pylist()] for name in ("valid_from", "valid_to")
        ]
        return list(zip(rows["code"].to_pylist(), rows["steps"].to_pylist(), *days, strict=True))

    def standing(self) -> Any:
        with scope(self.tenant, "test"):
            return tariffs.standing_rates(self.tariff)

    def shown(self, sheet: SheetImport, **given: Any) -> list[tuple[str, str, str, str]]:
        with scope(self.tenant, "test"):
            rows = change_rows(sheet, limit=50, **given)
        return [(row["kind"], row["code"], row["begins"], row["note"]) for row in rows]


@pytest.fixture
def desk(tenant: Any) -> Desk:
    return Desk(tenant)


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """With the first sheet applied."""
    desk.apply(desk.load(FIRST))
    return desk


def counted(sheet: SheetImport) -> dict[str, int]:
    return {name: count for name, count in sheet.counts.items() if count and name not in ("lines", "monthly_cost")}


def checks(sheet: SheetImport) -> dict[str, str]:
    return {each["check"]: each["level"] for each in sheet.findings}


def test_a_sheet_changes_nothing_until_it_is_applied(desk: Desk) -> None:
    sheet = desk.load(FIRST)
    assert (sheet.state, counted(sheet), desk.rates()) == (ImportState.COMPARED, {"new": 5}, [])
    applied = desk.apply(sheet)
    assert (applied.state, applied.begins_at) == (ImportState.APPLIED, datetime(2026, 3, 10, tzinfo=UTC))
    assert desk.rates() == [
        ("254", "0:0.05/60/60;60:0.05/60/1", "2026-03-10", None),
        ("2547", "0:0.1/60/60", "2026-03-10", None),
        ("25473", "0:0.11/60/60", "2026-03-10", None),
        ("255", "0:0.07/60/60;60:0.07/60/1", "2026-03-10", None),
        ("256", "0:0.08/60/60;60:0.08/60/1", "2026-03-10", None),
    ]


def test_every_kind_of_change_in_one_sheet_and_back(filled: Desk) -> None:
    before = filled.standing()
    sheet = filled.load(
        HEAD
        + "Kenya,254,0.06,2026-04-01,60/1\nKenya Mobile,2547,0.09,2026-04-01,60/60\nKenya Mobile Airtel,25473,Blocked,2026-04-01,\n"
        + "Tanzania,255,0.07,2026-04-01,60/60\nUganda,256,Closed,2026-04-01,\nRwanda,250,0.2,2026-04-01,60/60\n"
    )
    assert counted(sheet) == {
        "new": 1,
        "increase": 1,
        "decrease": 1,
        "increment": 1,
        "blocked": 1,
        "closed": 1,
        "closed_codes": 1,
    }
    assert checks(sheet) == {"increment_worse": "warn"}
    filled.apply(sheet)
    assert [row for row in filled.rates() if row[2] == "2026-04-01"] == [
        ("250", "0:0.2/60/60", "2026-04-01", None),
        ("254", "0:0.06/60/60;60:0.06/60/1", "2026-04-01", None),
        ("2547", "0:0.09/60/60", "2026-04-01", None),
        ("25473", "0:0/60/1", "2026-04-01", None),
        ("255", "0:0.07/60/60", "2026-04-01", None),
    ]
    assert [row for row in filled.rates() if row[0] == "256"] == [
        ("256", "0:0.08/60/60;60:0.08/60/1", "2026-03-10", "2026-04-01")
    ]
    assert filled.undo(sheet).state == ImportState.UNDONE
    assert filled.standing().equals(before)


def test_sheets_are_undone_from_the_last_to_the_first(filled: Desk) -> None:
    with scope(filled.tenant, "test"):
        (first,) = SheetImport.objects.all()
    second = filled.apply(filled.load(HEAD + "Kenya,254,0.06,2026-04-01,60/1\n"))
    with pytest.raises(Conflict) as caught:
        filled.undo(first)
    assert caught.value.code == "tariff_changed"
    filled.undo(second)
    filled.undo(first)
    assert filled.rates() == []


def test_a_full_sheet_closes_what_it_leaves_out_when_it_begins(filled: Desk) -> None:
    text = HEAD + "Kenya,254,0.05,2026-03-10,60/1\nKenya Mobile,2547,0.10,2026-03-10,60/60\n"
    country = filled.load(text, scope=Scope.COUNTRY, effective_at=APRIL)
    full = filled.load(text, scope=Scope.FULL, effective_at=APRIL)
    assert (counted(country), counted(full)) == (
        {"unchanged": 2, "closed_codes": 1},
        {"unchanged": 2, "closed_codes": 3},
    )
    filled.apply(full)
    assert {row[0]: row[3] for row in filled.rates()} == {
        "254": None, "2547": None, "25473": "2026-04-01", "255": "2026-04-01", "256": "2026-04-01",
    }  # fmt: skip


def test_the_second_of_two_who_import_at_once_is_told(filled: Desk) -> None:
    mine, theirs = (filled.load(HEAD + f"Kenya,254,{price},2026-04-01,60/1\n") for price in ("0.06", "0.07"))
    filled.apply(theirs)
    before = filled.rates()
    with pytest.raises(Conflict) as caught:
        filled.apply(mine)
    assert (caught.value.code, filled.rates()) == ("tariff_changed", before)


def test_a_sheet_is_applied_once(filled: Desk) -> None:
    with scope(filled.tenant, "test"):
        (sheet,) = SheetImport.objects.all()
    with pytest.raises(Conflict) as caught:
        filled.apply(sheet)
    assert caught.value.code == "not_compared"
    again = filled.load(FIRST)
    assert checks(again) == {"repeated": "stop"}


def test_rows_that_cannot_be_read_stop_a_sheet_unless_the_others_are_wanted(desk: Desk) -> None:
    sheet = desk.load(FIRST + "Rwanda,250,about a dime,2026-03-10,60/60\nBurundi,257,0.3,31.02.2026,60/60\n")
    with scope(desk.tenant, "test"):
        errors = [(each["line"], each["reason"], each["text"]) for each in error_rows(sheet, limit=10)]
    assert errors == [(7, "bad_price", "about a dime"), (8, "bad_date", "31.02.2026")]
    with pytest.raises(Conflict) as caught:
        desk.apply(sheet)
    assert (caught.value.code, caught.value.context["checks"]) == ("stopped_by_checks", ["errors"])
    desk.apply(sheet, overrule=["errors"])
    assert len(desk.rates()) == 5


def test_a_full_sheet_with_rows_that_cannot_be_read_closes_nothing(filled: Desk) -> None:
    text = FIRST.replace("0.0700", "cheap").replace("Uganda,256", "Uganda,2567")
    sheet = filled.load(text, scope=Scope.FULL)
    assert (counted(sheet), checks(sheet)) == (
        {"new": 1, "unchanged": 3, "errors": 1},
        {"errors": "stop", "closes_nothing": "warn"},
    )
    filled.apply(sheet, overrule=["errors"])
    assert [(row[0], row[3]) for row in filled.rates()] == [
        (code, None) for code in ("254", "2547", "25473", "255", "256", "2567")
    ]


@pytest.mark.parametrize(
    ("text", "asked", "check"),
    [
        (FIRST.replace("2026-03-10", "2025-03-10"), {}, "all_past"),
        (FIRST.replace("Rate,", "Rate EUR,"), {}, "currency"),
        (FIRST.replace("0.0500", "-0.05"), {}, "errors"),
        (FIRST.replace("0.0500", "0"), {}, "zero"),
    ],
    ids=["all_past", "currency", "negative", "zero"],
)
def test_what_looks_wrong_is_said(desk: Desk, text: str, asked: dict[str, Any], check: str) -> None:
    assert check in checks(desk.load(text, **asked))


def many(price: str, first: int = 1000, count: int = 200) -> str:
    return HEAD + "".join(f"Place,{code},{price},2026-03-10,60/1\n" for code in range(first, first + count))


@pytest.mark.parametrize(
    ("text", "asked", "check"),
    [
        (many("0.05", count=100), {"scope": Scope.FULL}, "count_drop"),
        (many("0.05", first=5000), {"scope": Scope.FULL}, "few_known"),
        (many("5.00"), {}, "unlike"),
        (many("0.0005"), {}, "unlike"),
    ],
    ids=["half of the rows are missing", "another vendor", "cents", "dollars"],
)
def test_a_sheet_that_is_not_of_this_vendor_is_stopped(
    desk: Desk, text: str, asked: dict[str, Any], check: str
) -> None:
    desk.apply(desk.load(many("0.05")), overrule=["errors"])
    sheet = desk.load(text, **asked)
    assert checks(sheet).get(check) == "stop"
    with pytest.raises(Conflict):
        desk.apply(sheet)


def test_a_check_can_be_ignored_or_stop(desk: Desk) -> None:
    text = FIRST.replace("0.0500", "0")
    assert checks(desk.load(text, checks={"zero": "ignore"})) == {}
    assert checks(desk.load(text, checks={"zero": "stop"})) == {"zero": "stop"}
    for wrong, code in (
        ({"nil": "stop"}, "unknown_check"),
        ({"zero": "halt"}, "bad_check"),
        ({"zero": {"level": "stop", "figure": 3}}, "bad_check"),
    ):
        with pytest.raises(Invalid) as caught:
            desk.load(text, checks=wrong)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("on_breach", "shown", "state"),
    [
        (OnBreachChoice.PUSH, ("increase", "254", "2026-03-27", "short_notice, asked for 2026-03-22"), {"short_notice": "warn"}),
        (OnBreachChoice.FLAG, ("increase", "254", "2026-03-22", "short_notice"), {"short_notice": "warn"}),
        (OnBreachChoice.REFUSE, ("refused", "254", "2026-03-27", "short_notice, asked for 2026-03-22"), {"errors": "stop", "short_notice": "warn"}),
    ],
)  # fmt: skip
def test_an_increase_waits_for_its_notice_and_a_decrease_does_not(
    filled: Desk, on_breach: OnBreachChoice, shown: tuple[str, ...], state: dict[str, str]
) -> None:
    with scope(filled.tenant, "test"):
        agreement = create_agreement(name="Vendor", days_increase=7, on_breach=on_breach)
    received = datetime(2026, 3, 20, 15, tzinfo=UTC)
    sheet = filled.load(
        HEAD + "Kenya,254,0.06,2026-03-22,60/1\nTanzania,255,0.06,2026-03-22,60/1\n",
        agreement_id=agreement.pk,
        received_at=received,
    )
    assert filled.shown(sheet) == [shown, ("decrease", "255", "2026-03-22", "")]
    assert checks(sheet) == state


def test_a_line_that_says_the_same_price_again_calls_off_what_was_to_follow(filled: Desk) -> None:
    filled.apply(filled.load(HEAD + "Kenya,254,0.06,2026-05-01,60/1\n"))
    filled.apply(filled.load(HEAD + "Kenya,254,0.05,2026-04-01,60/1\n"))
    assert [row for row in filled.rates() if row[0] == "254"] == [
        ("254", "0:0.05/60/60;60:0.05/60/1", "2026-03-10", "2026-04-01"),
        ("254", "0:0.05/60/60;60:0.05/60/1", "2026-04-01", None),
    ]


def test_two_lines_of_one_code_follow_each_other(desk: Desk) -> None:
    desk.apply(desk.load(HEAD + "Kenya,254,0.05,2026-03-10,60/1\nKenya,254,0.06,2026-04-01,60/1\n"))
    assert [(row[2], row[3]) for row in desk.rates()] == [("2026-03-10", "2026-04-01"), ("2026-04-01", None)]


def test_lines_that_contradict_each_other_are_refused_and_repeated_ones_count_once(desk: Desk) -> None:
    sheet = desk.load(FIRST + "Kenya,254,0.09,2026-03-10,60/1\nUganda,256,0.0800,2026-03-10,60/1\n")
    assert counted(sheet) == {"new": 4, "refused": 2, "errors": 2}
    assert filled_codes(desk, sheet) == ["2547", "25473", "255", "256"]


def filled_codes(desk: Desk, sheet: SheetImport) -> list[str]:
    desk.apply(sheet, overrule=["errors"])
    return [row[0] for row in desk.rates()]


def test_a_sheet_of_names_takes_its_codes_from_the_deck(desk: Desk) -> None:
    with scope(desk.tenant, "test"):
        tariffs.load_code_deck(
            name="World", codes={"254": "Kenya", "2547": "Kenya Mobile", "2541": "Kenya Mobile"}, at=AT
        )
    sheet = desk.load("Destination,Rate\nKenya Mobile,0.1\nKenya,0.05\nAtlantis,1\n")
    desk.apply(sheet, overrule=["errors", "layout"])
    assert [row[0] for row in desk.rates()] == ["254", "2541", "2547"]
    assert counted(sheet)["refused"] == 1


def test_a_discarded_sheet_stays_in_the_history_and_is_not_applied(desk: Desk) -> None:
    sheet = desk.load(FIRST)
    with scope(desk.tenant, "test"):
        with pytest.raises(Invalid):
            discard_import(import_id=sheet.pk, reason=" ", at=AT)
        assert discard_import(import_id=sheet.pk, reason="not ours", at=AT).state == ImportState.DISCARDED
    with pytest.raises(Conflict):
        desk.apply(sheet)


def test_the_file_is_kept_as_it_came_and_a_sheet_that_fails_leaves_nothing(desk: Desk) -> None:
    sheet = desk.load(FIRST)
    place = files.find_import_folder(desk.tenant.pk, sheet.public_id)
    assert (place / files.ORIGINAL).read_bytes() == FIRST.encode()
    with pytest.raises(Invalid):
        desk.load("")
    assert [each.name for each in place.parent.iterdir()] == [place.name]


def test_a_template_says_what_a_vendors_sheets_have_in_common(desk: Desk) -> None:
    with scope(desk.tenant, "test"):
        made = save_template(name="Vendor", tariff_id=desk.tariff.pk, scope=Scope.FULL, checks={"zero": "stop"})
        again = save_template(name="Vendor", tariff_id=desk.tariff.pk, scope=Scope.COUNTRY)
        assert (made.pk, again.scope) == (again.pk, "country")
        with pytest.raises(Invalid):
            save_template(name="Vendor", tariff_id=desk.tariff.pk, checks={"none": "stop"})
    assert checks(desk.load(FIRST.replace("0.0500", "0"), template_id=made.pk)) == {"zero": "stop"}


def test_a_folder_that_a_crash_left_is_removed_after_a_day(desk: Desk) -> None:
    sheet = desk.load(FIRST)
    left = files.import_folder(desk.tenant.pk, uuid7())
    written_at = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert [sweep(desk.tenant.pk, at=written_at + timedelta(hours=hours)) for hours in (23, 25, 26)] == [0, 1, 0]
    assert files.import_folders(desk.tenant.pk) == [files.find_import_folder(desk.tenant.pk, sheet.public_id)]


def test_a_line_of_the_past_holds_from_when_it_came_and_is_compared_with_what_holds_then(filled: Desk) -> None:
    filled.apply(filled.load(HEAD + "Kenya,254,0.06,2026-05-01,60/1\n"))
    late = datetime(2026, 5, 20, 9, tzinfo=UTC)
    sheet = filled.load(HEAD + "Kenya,254,0.05,2026-04-15,60/1\n", received_at=late, checks={"all_past": "warn"})
    assert filled.shown(sheet) == [("decrease", "254", "2026-05-20", "asked for 2026-04-15")]
    filled.apply(sheet)
    assert [row for row in filled.rates() if row[0] == "254"] == [
        ("254", "0:0.05/60/60;60:0.05/60/1", "2026-03-10", "2026-05-01"),
        ("254", "0:0.06/60/60;60:0.06/60/1", "2026-05-01", "2026-05-20"),
        ("254", "0:0.05/60/60;60:0.05/60/1", "2026-05-20", None),
    ]


def test_a_line_of_the_past_reaches_back_only_where_that_is_asked_for(filled: Desk) -> None:
    late = datetime(2026, 5, 20, 9, tzinfo=UTC)
    text = HEAD + "Kenya,254,0.07,2026-04-15,60/1\n"
    with scope(filled.tenant, "test"):
        agreement = create_agreement(name="Vendor", days_decrease=3)
    for asked in ({}, {"agreement_id": agreement.pk}):
        sheet = filled.load(text, received_at=late, reaches_back=True, checks={"all_past": "warn"}, **asked)
        assert (filled.shown(sheet), checks(sheet)) == (
            [("increase", "254", "2026-04-15", "")],
            {"all_past": "warn", "past": "warn"},
        )


def test_what_a_sheet_costs_is_weighed_by_what_was_charged_whichever_rate_of_the_code_it_was(filled: Desk) -> None:
    """In the 30 days before: 600 s by a rate of 254 that has ended since, 300 s by the one after it, 1,200 s of 255; 40 days before much more."""
    filled.apply(filled.load(HEAD + "Kenya,254,0.05,2026-03-12,1/1\n"))
    with scope(filled.tenant, "test"):
        account = create_account(code="alpine", name="Alpine", currency="USD", timezone="UTC", is_vendor=True, at=AT)
        tariffs.assign_tariff(account=account, tariff=filled.tariff, side="buy", at=AT)
        ids = {(each["code"], each["valid_from"].day): each["id"] for each in filled.standing().to_pylist()}
        for code, day, charged, on in (
            ("254", 10, 600, AT),
            ("254", 12, 300, AT),
            ("255", 10, 1200, AT),
            ("254", 10, 999_999, AT - timedelta(days=40)),
        ):
            Rollup.objects.create(
                batch_id=1, side="buy", account=account, service="voice", rate_id=ids[code, day], currency="USD", day=on.date(),
                attempts=1, connected=1, raw_quantity=charged, billed_quantity=charged, amount=Amount.zero(), base_amount=Amount.zero(),
            )  # fmt: skip
    sheet = filled.load(
        HEAD
        + "Kenya,254,0.06,2026-04-01,60/1\nKenya,254,0.08,2026-05-01,60/1\nTanzania,255,0.0650,2026-04-01,60/1\nRwanda,250,9,2026-04-01,60/1\n"
    )
    # 900 s at 0.03 a minute more, 1,200 s at 0.005 a minute less.
    assert sheet.counts["monthly_cost"] == "0.35"


def test_codes_that_close_say_what_their_numbers_fall_to(filled: Desk) -> None:
    sheet = filled.load(
        HEAD
        + "Kenya,254,0.05,2026-03-10,60/1\nKenya Mobile Airtel,25473,Closed,2026-04-01,\nUganda,256,0.08,2026-03-10,60/1\n",
        scope=Scope.COUNTRY,
        effective_at=APRIL,
    )
    with scope(filled.tenant, "test"):
        found = closed_rows(sheet, limit=10)
    assert [(each["code"], each["price"], each["closes"], each["falls_to"]) for each in found] == [
        ("2547", "0.1 per 60, 60/60", "2026-04-01", "254: 0.05 per 60, 60/1"),
        ("25473", "0.11 per 60, 60/60", "2026-04-01", "254: 0.05 per 60, 60/1"),
    ]
    alone = filled.load(HEAD + "Uganda,256,Closed,2026-04-01,\n")
    with scope(filled.tenant, "test"):
        assert [(each["code"], each["falls_to"]) for each in closed_rows(alone, limit=10)] == [("256", "")]

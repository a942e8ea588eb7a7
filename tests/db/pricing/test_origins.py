"""Sheets with prices by origin: their origins go into the tariff's origin deck, and out again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.db.pricing.test_imports import AT, Desk
from tests.unit.pricing.sheet_files import xlsx
from trunkline.core.errors import Conflict
from trunkline.engine.scalar import Event, charge
from trunkline.pricing import files
from trunkline.pricing.actions import Asked, import_sheet
from trunkline.pricing.actions.origins import write_origins
from trunkline.pricing.changes import change_rows, closed_rows
from trunkline.pricing.compare import Scope
from trunkline.pricing.intake import reader_of
from trunkline.pricing.models import SheetImport
from trunkline.pricing.origins import merge_origins
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.origins import origin_codes
from trunkline.tariffs.single import rates_of_number
from trunkline.tenancy.scope import scope

HEAD = ["Destination", "Dial Code", "Origin", "Rate", "Effective Date", "Billing Increment"]
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def book(rates: list[tuple[str, str, str]], origins: list[list[str]]) -> bytes:
    rows = [HEAD, *(["France", code, origin, price, "2026-03-10", "60/1"] for code, origin, price in rates)]
    sheets: list[tuple[str, Any]] = [("Hubbing Rates", rows)]
    if origins:
        sheets.append(("Origin Dial Codes", [["Origin", "Dial Codes"], *origins]))
    return xlsx(*sheets)


EEA = [["EEA", "33, 49, 44"], ["Non-EEA", "1, 441481"]]
RATES = [("33", "EEA", "0.02"), ("33", "Non-EEA", "0.11"), ("33", "All", "0.20"), ("336", "EEA", "0.03")]


class Buyer(Desk):
    def load_book(self, rates: Any = RATES, origins: Any = EEA, **asked: Any) -> SheetImport:
        data = book(list(rates), list(origins))
        return import_sheet(
            self.tenant.pk,
            data=data,
            file_name="book.xlsx",
            read=reader_of(data, "book.xlsx", received_at=AT),
            asked=Asked(tariff_id=self.tariff.pk, **asked),
            notified_at=AT,
            actor="test",
            now=lambda: AT,
        )

    def deck(self) -> tuple[str, dict[str, str]] | None:
        with scope(self.tenant, "test"):
            deck = Tariff.objects.get(pk=self.tariff.pk).origin_deck
            return None if deck is None else (deck.name, origin_codes([deck.pk])[deck.pk])

    def price(self, caller: str, number: str = "33155") -> str:
        with scope(self.tenant, "test"):
            found = rates_of_number([Tariff.objects.get(pk=self.tariff.pk)], number, known_at=AT, caller=caller)
            return str(charge(found.tariffs, Event(number, JUNE, 60, caller=caller)).amount)

    def by_origin(self) -> list[tuple[str, str | None, str]]:
        rows = self.standing().sort_by([("code", "ascending"), ("origin", "ascending")]).to_pylist()
        return [(row["code"], row["origin"], row["steps"].split("/")[0]) for row in rows if row["valid_to"] is None]


@pytest.fixture
def buyer(tenant: Any) -> Buyer:
    return Buyer(tenant)


def test_a_sheet_with_origins_prices_callers_by_where_they_are(buyer: Buyer) -> None:
    sheet = buyer.load_book()
    assert (sheet.counts["new"], sheet.counts["errors"], buyer.deck()) == (4, 0, None)
    buyer.apply(sheet)
    codes = {"33": "EEA", "49": "EEA", "44": "EEA", "1": "Non-EEA", "441481": "Non-EEA"}
    assert buyer.deck() == ("Origins of Vendor", codes)
    callers = ("4915112345", "441481123", "442071234", "12125550100", "254700000001", "", "anonymous")
    assert [buyer.price(caller) for caller in callers] == ["0.02", "0.11", "0.02", "0.11", "0.2", "0.2", "0.2"]
    assert buyer.price("4915112345", "33612") == "0.03"
    assert buyer.price("12125550100", "33612") == "0.11"


def test_the_same_sheet_again_changes_nothing_and_a_changed_one_only_what_it_says(buyer: Buyer) -> None:
    buyer.apply(buyer.load_book())
    assert buyer.load_book().counts["unchanged"] == 4
    changed = buyer.load_book([("33", "eea", "0.025"), *RATES[1:]], [["EEA", "33, 49"], ["Non-EEA", "1, 441481, 44"]])
    assert (changed.counts["increase"], changed.counts["unchanged"]) == (1, 3)
    with scope(buyer.tenant, "test"):
        (row,) = change_rows(changed, kind="increase", limit=5)
    assert (row["code"], row["origin"]) == ("33", "EEA")
    buyer.apply(changed)
    assert buyer.price("442071234") == "0.11"
    assert buyer.price("4915112345") == "0.025"


def test_undoing_brings_back_prices_and_origins(buyer: Buyer) -> None:
    first = buyer.apply(buyer.load_book())
    before, deck = buyer.standing(), buyer.deck()
    second = buyer.apply(buyer.load_book([("33", "EEA", "0.05")], [["EEA", "33, 1"], ["Balkans", "381"]]))
    assert buyer.deck() != deck
    buyer.undo(second)
    assert buyer.standing().equals(before)
    assert buyer.deck() == deck
    buyer.undo(_again(buyer, first))
    assert (buyer.standing().num_rows, buyer.deck()) == (0, None)


def _again(buyer: Buyer, sheet: SheetImport) -> SheetImport:
    with scope(buyer.tenant, "test"):
        return SheetImport.objects.get(pk=sheet.pk)


def test_origins_that_change_after_the_comparison_stop_it(buyer: Buyer) -> None:
    buyer.apply(buyer.load_book())
    sheet = buyer.load_book([("33", "EEA", "0.05")], [["EEA", "33"]])
    with scope(buyer.tenant, "test"):
        tariffs.load_code_deck(name="Origins of Vendor", codes={"48": "EEA"}, at=AT)
    with pytest.raises(Conflict) as error:
        buyer.apply(sheet)
    assert error.value.code == "tariff_changed"


def test_a_full_sheet_closes_what_it_leaves_out_for_an_origin_and_says_what_that_falls_to(buyer: Buyer) -> None:
    buyer.apply(buyer.load_book())
    sheet = buyer.load_book(RATES[1:3], [], scope=Scope.FULL, effective_at=JUNE)
    with scope(buyer.tenant, "test"):
        closed = closed_rows(sheet, limit=9)
    assert [(row["code"], row["origin"], row["falls_to"].split(" per")[0]) for row in closed] == [
        ("33", "EEA", "33: 0.2"),
        ("336", "EEA", "33: 0.2"),
    ]
    buyer.apply(sheet, overrule=["count_drop"])
    assert buyer.by_origin() == [("33", "Non-EEA", "0:0.11"), ("33", None, "0:0.2")]


def test_an_origin_that_nobody_knows_is_refused_with_its_reason(buyer: Buyer) -> None:
    sheet = buyer.load_book([("33", "Mars", "0.5"), ("34", "All", "0.1")], [])
    assert (sheet.counts["refused"], sheet.counts["new"]) == (1, 1)
    with scope(buyer.tenant, "test"):
        (row,) = change_rows(sheet, kind="refused", limit=5)
    assert row["note"] == "unknown_origin"


def test_a_code_of_two_origins_is_an_error(buyer: Buyer) -> None:
    said = merge_origins({"EEA": ("33", "49"), "Rest": ("49", "1")}, {"eea"})
    assert dict(said.codes) == {"eea": ["33", "49"], "Rest": ["1"]}
    assert [(each.reason, each.text) for each in said.errors] == [("contradiction", "49: eea and Rest")]
    assert buyer.load_book(origins=[["EEA", "33, 49"], ["Non-EEA", "49, 1"]]).counts["errors"] == 1


def test_a_sheet_that_is_read_again_without_its_origins_brings_none(tmp_path: Path) -> None:
    write_origins(tmp_path, {"EEA": ["33", "49"], "Rest": ["1"]})
    assert files.read_table(tmp_path / files.ORIGINS)["code"].to_pylist() == ["33", "49", "1"]
    write_origins(tmp_path, {})
    assert not (tmp_path / files.ORIGINS).exists()

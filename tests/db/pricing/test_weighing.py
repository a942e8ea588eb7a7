"""What a sheet costs for traffic that new longer codes take over: from stored records."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.db.usage.carrier import Carrier, line
from trunkline.core.errors import Unavailable
from trunkline.pricing import queries
from trunkline.pricing.actions import Asked, import_sheet
from trunkline.pricing.intake import reader_of
from trunkline.pricing.models import SheetImport
from trunkline.tariffs.models import Rate, Tariff
from trunkline.usage.charged import charged_beginnings

SHEET = "Destination,Code,Rate,Effective Date,Billing Increment\nKenya Mobile,2547,0.1100,2026-04-01,60/60\n"


@pytest.fixture
def carrier(committed_db: None, tmp_path: Path) -> Carrier:
    """Two minutes to 2547 and one to 2541 by one file, three to 2547 a day later by another; all bought at 0.08 a minute."""
    made = Carrier.make(tmp_path / "usage")
    made.load(made.write("first.csv", line("1", 61), line("2", 60, called="254100000001"), line("3", 0)))
    made.load(made.write("second.csv", line("4", 180, start=made.now)))
    return made


def load(carrier: Carrier, text: str = SHEET, tariff: str = "buy") -> SheetImport:
    with carrier.scope():
        asked = Asked(tariff_id=Tariff.objects.get(name=tariff).pk)
    return import_sheet(
        carrier.tenant_id, data=text.encode(), file_name="sheet.csv", read=reader_of(text.encode(), "sheet.csv", received_at=carrier.now),
        asked=asked, notified_at=carrier.now, actor="test", now=carrier.clock,
    )  # fmt: skip


def weighed(sheet: SheetImport) -> dict[str, Any]:
    names = ("monthly_cost", "weighed_by_code", "weighed_by_number", "without_price", "not_weighed", "days_of_numbers")
    return {name: sheet.counts[name] for name in names if sheet.counts[name]}


def test_numbers_tell_what_a_new_longer_code_takes_over(carrier: Carrier) -> None:
    # Five minutes at 0.03 more.
    assert weighed(load(carrier)) == {"monthly_cost": "0.15", "weighed_by_number": 300}
    changed = load(carrier, SHEET + "Kenya,254,0.0900,2026-04-01,60/60\n")
    assert weighed(changed) == {"monthly_cost": "0.16", "weighed_by_code": 60, "weighed_by_number": 300}


def test_the_selling_side_counts_what_was_sold(carrier: Carrier) -> None:
    assert weighed(load(carrier, tariff="sell")) == {"monthly_cost": "0.04016667", "weighed_by_number": 241}


def test_what_cannot_be_read_is_said_to_be_not_weighed(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> Any:
        raise Unavailable("reading_took_too_long", "It took too long.")

    monkeypatch.setattr(queries, "charged_beginnings", fail)
    assert weighed(load(carrier)) == {"monthly_cost": "0", "not_weighed": 360}


def test_the_newest_days_are_read_where_there_are_more_records(carrier: Carrier) -> None:
    with carrier.scope():
        rate = Rate.objects.get(tariff__name="buy")
        asked = {"rate_ids": [rate.pk], "accounts": {"buy": [carrier.accounts["vend"].pk]}, "digits": 4}
        whole = charged_beginnings(day_from=date(2026, 2, 1), **asked)
        part = charged_beginnings(day_from=date(2026, 2, 1), rows_max=2, **asked)
        other = charged_beginnings(day_from=date(2026, 2, 1), **asked | {"accounts": {"buy": [0]}})
        late = charged_beginnings(day_from=date(2026, 3, 3), **asked)

    def rows(found: Any) -> list[tuple[str, int]]:
        return sorted((each["beginning"], each["units"]) for each in found.table.to_pylist())

    assert (rows(whole), whole.days, whole.is_whole) == ([("2541", 60), ("2547", 300)], 2, True)
    assert (rows(part), part.days, part.is_whole) == ([("2547", 180)], 1, False)
    assert rows(other) == []
    assert rows(late) == [("2547", 180)]

"""The check of the books proves usage and invoices too, each by its name, and says what somebody changed behind the program's back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.databases import TestDatabase
from tests.db.ledger.test_checks import OWN
from tests.db.usage.carrier import NOW, Carrier, line
from trunkline.cli.ledger import app
from trunkline.core.period import DatePeriod
from trunkline.invoicing import invariants as invoicing
from trunkline.invoicing.actions import issue
from trunkline.invoicing.check import PROOFS as INVOICING_PROOFS
from trunkline.invoicing.models import Invoice
from trunkline.kit import clock
from trunkline.kit.home import home
from trunkline.ledger.checks import check_tenant
from trunkline.usage import invariants as usage
from trunkline.usage.check import PROOFS as USAGE_PROOFS
from trunkline.usage.models import Segment


@pytest.fixture
def carrier(committed_db: TestDatabase, tmp_path: Path) -> Carrier:
    """One customer, one vendor; two calls taken, the first day invoiced, the second not."""
    made = Carrier.make(tmp_path / "in")
    second = line("k3", 60, start=NOW.replace(day=3, hour=10))
    made.load(made.write("a.csv", line("k1", 90), line("k2", 0), second))
    period = DatePeriod(date(2026, 3, 2), date(2026, 3, 3))
    issue(tenant_id=made.tenant_id, actor="test", account_code="cust", period=period, at=NOW)
    return made


def failing(carrier: Carrier) -> dict[str, tuple[str, ...]]:
    found = check_tenant(carrier.tenant_id, "test", at=NOW)
    return {finding.name: finding.problems for finding in found if not finding.holds}


def test_every_sentence_has_its_proof_and_every_proof_its_sentence() -> None:
    assert list(usage.STATEMENTS) == list(USAGE_PROOFS)
    assert list(invoicing.STATEMENTS) == list(INVOICING_PROOFS)


def test_the_books_usage_and_invoices_are_proved_in_one_go(carrier: Carrier) -> None:
    found = check_tenant(carrier.tenant_id, "test", at=NOW)
    assert [finding.name for finding in found] == [*OWN, *usage.STATEMENTS, *invoicing.STATEMENTS]
    assert [finding.name for finding in found if not finding.holds] == []
    counts = {finding.name: dict(finding.counts) for finding in found}
    assert counts["usage_batches"] == {"batches": 1, "records": 3}
    assert counts["usage_files"] == {"files": len(list((home() / "usage").rglob("*.parquet")))}
    assert counts["usage_sell_ledger"] == {"accounts": 1}
    assert counts["usage_hours"] == {"hours": 2}
    assert counts["invoice_numbers"] == {"series": 1, "documents": 1}
    assert counts["invoice_files"] == {"files": 3}
    with clock.at(NOW):
        result = CliRunner(env={"COLUMNS": "250"}).invoke(app, ["check"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in (*OWN, *usage.STATEMENTS, *invoicing.STATEMENTS))
    assert f"All {len(found)} invariants of 1 tenant hold." in result.stdout


TAMPERINGS = {
    "one sum of usage": (
        "UPDATE usage_rollup SET amount = amount + 1 WHERE side = 'sell' AND day = '2026-03-03'",
        {"usage_sell_segments", "usage_sell_ledger", "invoice_unbilled"},
    ),
    "a sum that is billed": (
        "UPDATE usage_rollup SET amount = amount + 1 WHERE side = 'sell' AND day = '2026-03-02'",
        {"usage_sell_segments", "usage_sell_ledger", "invoice_stamps"},
    ),
    "a cost": (
        "UPDATE usage_rollup SET base_amount = base_amount + 1 WHERE side = 'buy' AND day = '2026-03-03'",
        {"usage_buy_segments", "usage_hours"},
    ),
    "the count of a batch": ("UPDATE usage_batch SET rated = rated - 1, duplicates = duplicates + 1", {"usage_batches"}),
    "a segment forgotten": (
        "UPDATE usage_segment SET state = 'superseded', superseded_at = now(), superseded_by_id = batch_id"
        " WHERE kind = 'rated' AND day = '2026-03-03'",
        {"usage_sell_segments", "usage_buy_segments"},
    ),
    "a number left out": ("UPDATE invoicing_numbersequence SET next = next + 1", {"invoice_numbers"}),
    "a line": ("UPDATE invoicing_invoiceline SET amount = amount + 1", {"invoice_lines"}),
    "the percentage of a line": (
        "UPDATE invoicing_invoiceline SET tax_percent = 50, kind = 'adjustment', before_exact = 0, corrects_id = invoice_id - 1",
        {"invoice_taxes", "invoice_adjustments"},
    ),
    "a stamp": ("UPDATE invoicing_billedrollup SET released_at = now()", {"invoice_stamps", "invoice_unbilled"}),
    "a total": ("UPDATE invoicing_invoice SET total = total + 1, tax = tax + 1", {"invoice_receivable", "invoice_taxes", "invoice_own_accounts"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_changed_behind_the_programs_back_is_found(
    name: str, carrier: Carrier, test_database: TestDatabase
) -> None:
    statement, expected = TAMPERINGS[name]
    with test_database.connect() as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(statement.encode())
    assert set(failing(carrier)) == expected


def test_what_disagrees_is_said_in_names_that_people_know(carrier: Carrier, test_database: TestDatabase) -> None:
    with test_database.connect() as admin:
        admin.execute("UPDATE usage_rollup SET amount = amount + 1 WHERE side = 'sell' AND day = '2026-03-03'")
        (rate,) = admin.execute("SELECT rate_id FROM usage_rollup WHERE side = 'sell'").fetchone() or (None,)
    found = failing(carrier)
    assert found["usage_sell_segments"] == (
        f"sell 2026-03-03 cust voice Kenya, rate {rate}, EUR: segments ['1', '1', '60', '60', '0.08000000', '0.10000000'], "
        "rollups ['1', '1', '60', '60', '1.08000000', '0.10000000']",
    )
    assert found["usage_sell_ledger"] == ("sell cust: rollups 1.20000000, ledger 0.20000000",)


def test_a_segment_that_is_gone_or_garbage_is_a_finding_and_the_others_are_still_proved(carrier: Carrier) -> None:
    with carrier.scope():
        path = home() / Segment.objects.get(kind="rated", day=date(2026, 3, 3)).path
    path.write_bytes(b"\0" * path.stat().st_size)
    found = failing(carrier)
    assert set(found) == {"usage_sell_segments", "usage_buy_segments"}
    assert found["usage_sell_segments"][0].startswith("the segments cannot be read: ")
    path.unlink()
    found = failing(carrier)
    assert set(found) == {"usage_files", "usage_sell_segments", "usage_buy_segments"}
    assert "is gone" in found["usage_buy_segments"][0]


def test_a_document_that_is_gone_is_found(carrier: Carrier) -> None:
    with carrier.scope():
        (home() / Invoice.objects.get().pdf_path).unlink()
    assert set(failing(carrier)) == {"invoice_files"}

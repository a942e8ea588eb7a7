"""The power fails at every named step of an invoice; done again, it is as if nothing had happened."""

from __future__ import annotations

import re

import pytest

from tests.crash.folder import Folder
from tests.crash.steps import (
    BILL_RUN,
    INVOICE,
    LEGS,
    LOAD,
    RERATE,
    RESEND,
    SOURCE,
    VICTIMS,
    WATCH,
    bill_run,
    invoice,
    work,
)  # fmt: skip
from tests.db.mailbox.test_crashes import STEPS as MAIL
from tests.db.pricing.test_work import STEPS as CHANGE
from tests.places import ROOT

pytestmark = pytest.mark.crash


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", INVOICE)
def test_an_invoice_is_issued_once_and_its_number_leaves_no_gap(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("loaded", invoice)
    prepared.put_back("loaded")
    invoice(prepared, step + victim)
    invoice(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", BILL_RUN)
def test_a_bill_run_that_was_cut_off_is_brought_to_its_end_by_the_worker(
    prepared: Folder, step: str, victim: str
) -> None:
    expected = prepared.undisturbed("loaded", bill_run)
    prepared.put_back("loaded")
    bill_run(prepared, step + victim)
    work(prepared)
    prepared.assert_same_as(expected)


def test_every_step_that_the_code_passes_is_tried_and_described() -> None:
    passed = set()
    for path in (ROOT / "src" / "trunkline").rglob("*.py"):
        passed |= set(re.findall(r'\breached\("(\w+)"\)', path.read_text()))
    page = (ROOT / "docs" / "operations" / "faults.md").read_text()
    assert passed == {*LOAD, *WATCH, *RESEND, *RERATE, *LEGS, *SOURCE, *INVOICE, *BILL_RUN, *MAIL, *CHANGE}
    assert passed == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))

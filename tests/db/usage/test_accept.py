"""Conflicting duplicates that a person accepts: the new content takes the place of the stored record."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.db.usage.carrier import START, Carrier, line
from tests.db.usage.test_rerate import assert_proved, outcome
from tests.db.usage.test_rerate_command import run
from trunkline.cli import usage
from trunkline.core.errors import Conflict
from trunkline.kit import clock
from trunkline.usage.choices import SegmentState
from trunkline.usage.models import Batch, Segment
from trunkline.usage.resend import accept


def said(carrier: Carrier, key: str) -> tuple[int, Decimal]:
    (record,) = (each for each in outcome(carrier)["records"] if each["key"] == key)
    return record["quantity"], record["buy_amount"].normalize()


def load(carrier: Carrier) -> Batch:
    """Three records, then a file that says something else of two of them, and one that nobody can be charged for."""
    carrier.load(carrier.write("a.csv", line("k1", 60), line("k2", 60), line("k3", 60)))
    return carrier.load(carrier.write("b.csv", line("k1", 90), line("k2", 200), line("k4", trunk_in="who")))


def test_what_is_accepted_takes_the_place_of_what_was_stored(carrier: Carrier) -> None:
    batch = load(carrier)
    assert batch.reject_reasons == {"conflicting_duplicate": 2, "unknown_sell": 1}
    accepted = json.loads(run(usage.app, "accept", str(batch.public_id), "--json").stdout)
    assert (accepted["batch"]["state"], accepted["batch"]["changed"], accepted["batch"]["rejected"]) == ("posted", 2, 1)
    buy = next(each for each in accepted["accounts"] if each["side"] == "buy")
    assert (buy["before"], buy["after"], buy["difference"]) == ("0.16", "0.48", "0.32")
    found = outcome(carrier)
    assert [each["key"] for each in found["records"]] == ["k1", "k2", "k3"]
    assert (said(carrier, "k1"), said(carrier, "k2"), said(carrier, "k3")) == (
        (90, Decimal("0.16")),
        (200, Decimal("0.32")),
        (60, Decimal("0.08")),
    )
    assert found["rejects"] == Counter({"unknown_sell": 1})
    assert_proved(carrier)


def test_the_outcome_is_that_of_the_right_file_alone(carrier: Carrier, tmp_path: object) -> None:
    batch = load(carrier)
    run(usage.app, "accept", str(batch.public_id))
    fresh = Carrier.make(carrier.folder / "fresh", "Beta Carrier")
    fresh.load(fresh.write("a.csv", line("k1", 90), line("k2", 200), line("k3", 60), line("k4", trunk_in="who")))
    one, other = outcome(carrier), outcome(fresh)
    for found in (one, other):
        for record in found["records"]:
            del record["line"]
    assert one == other


def test_only_the_named_keys_are_accepted(carrier: Carrier) -> None:
    batch = load(carrier)
    run(usage.app, "accept", str(batch.public_id), "--key", "k2")
    assert (said(carrier, "k1")[0], said(carrier, "k2")[0]) == (60, 200)
    assert outcome(carrier)["rejects"] == Counter({"conflicting_duplicate": 1, "unknown_sell": 1})
    assert_proved(carrier)
    with carrier.scope():
        left = Batch.objects.get(resends=batch)
    run(usage.app, "accept", str(left.public_id))
    assert said(carrier, "k1")[0] == 90
    assert_proved(carrier)


def test_a_correction_of_another_day_moves_the_record(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 60)))
    batch = carrier.load(carrier.write("b.csv", line("k1", 90, start=START + timedelta(days=1))))
    run(usage.app, "accept", str(batch.public_id))
    (record,) = outcome(carrier)["records"]
    assert (record["start"], record["quantity"]) == (START + timedelta(days=1), 90)
    with carrier.scope():
        assert Segment.objects.filter(kind="rated", state=SegmentState.LIVE).count() == 1
    assert_proved(carrier)


def test_of_two_corrections_in_one_file_the_first_counts(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 60)))
    batch = carrier.load(carrier.write("b.csv", line("k1", 90), line("k1", 91), line("k1", 90)))
    assert batch.reject_reasons == {"conflicting_duplicate": 3}
    run(usage.app, "accept", str(batch.public_id))
    found = outcome(carrier)
    assert [each["quantity"] for each in found["records"]] == [90]
    assert found["rejects"] == Counter({"conflicting_duplicate": 1})
    assert_proved(carrier)


def test_there_must_be_something_to_accept(carrier: Carrier) -> None:
    batch = load(carrier)
    run(usage.app, "accept", str(batch.public_id))
    with pytest.raises(Conflict, match=r"No conflicting duplicates or late legs of b\.csv wait"):
        accept(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=clock.now)

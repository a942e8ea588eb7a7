"""The table of late legs in docs/algorithms/legs.md."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.db.usage.carrier import NOW, START, Carrier
from tests.db.usage.test_legs import wait_out
from tests.db.usage.test_rerate import assert_proved, outcome
from tests.places import ROOT
from trunkline.kit import clock
from trunkline.parties.actions import add_identity
from trunkline.usage.actions import create_switch
from trunkline.usage.models import Batch
from trunkline.usage.process import process
from trunkline.usage.resend import accept

PAGE = ROOT / "docs/algorithms/legs.md"
COLUMNS = ["call", "leg", "role", "begun", "answered", "ended", "trunk"]
MAPPING = {
    "name": "legs_of_the_page",
    "version": 1,
    "title": "Legs as the page writes them",
    "file": {"kind": "delimited", "header": True, "columns": COLUMNS},
    "times": {"pattern": "iso"},
    "record": {
        "key": "join('|', call, leg)",
        "call_id": "call",
        "calling": "'4930123'",
        "called": "'254700000001'",
        "start": "time(begun)",
        "answer": "time(answered)",
        "end": "time(ended)",
        "duration": "time(ended) - coalesce(time(answered), time(ended))",
        "trunk_in": "if(role == 'in', trunk)",
        "trunk_out": "if(role != 'in', trunk)",
    },
    "legs": {"call": "call", "leg": "leg", "role": "role"},
}


def rows() -> list[list[str]]:
    lines = PAGE.read_text().splitlines()
    begin = lines.index("| posted | late | records as posted | records of all legs |")
    table = lines[begin + 2 : lines.index("", begin)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def legs(call: str, text: str) -> list[str]:
    """Lines of legs as the page writes them, `in 0 60*`; each is named by what is written."""
    made = []
    for leg in text.split("; "):
        role, begin, *rest = leg.split()
        end = rest[0] if rest else begin
        begun, ended = (START + timedelta(seconds=int(each.rstrip("*"))) for each in (begin, end))
        answered = begun.isoformat() if end.endswith("*") or role == "begin" else ""
        trunk = "in" if role == "in" else "out"
        made.append(f"{call},{leg},{role},{begun.isoformat()},{answered},{ended.isoformat()},{trunk}")
    return made


def records(carrier: Carrier) -> dict[str, str]:
    """The records of each call as the page writes them."""
    found: dict[str, list[str]] = {}
    for record in sorted(outcome(carrier)["records"], key=lambda record: (record["call_id"], record["attempt"])):
        begin, end = (int((record[name] - START).total_seconds()) for name in ("start", "end"))
        marks = " !" * record["is_last"] + " alone" * record["legs"].startswith("alone")
        found.setdefault(record["call_id"], []).append(f"{record['attempt']} {begin}-{end}{marks}")
    return {call: "; ".join(said) for call, said in found.items()}


@pytest.fixture
def carrier(committed_db: None, tmp_path: Path) -> Carrier:
    made = Carrier.make(tmp_path / "in", formats=())
    with made.scope():
        create_switch(
            name="page", format="mapping_with_header", at=NOW, max_duration_s=3600, options={"mapping": MAPPING}
        )
        add_identity(account=made.accounts["cust"], kind="calling", side="sell", value="4930123", at=NOW)
    return made


def test_the_table_of_the_page(carrier: Carrier) -> None:
    """All lines at once, each a call of its own."""
    told = {f"call {number:02}": row for number, row in enumerate(rows())}
    assert len(told) == 11
    header = ",".join(COLUMNS)
    first = [line for call, row in told.items() for line in legs(call, row[0])]
    assert carrier.load(carrier.write("first.csv", *first, header=header), "page").rejected == 0
    wait_out(carrier)
    assert records(carrier) == {call: row[2] for call, row in told.items()}
    late = [line for call, row in told.items() for line in legs(call, row[1])]
    batch = carrier.load(carrier.write("late.csv", *late, header=header), "page")
    assert (batch.rated, batch.waiting) == (0, 0)
    with clock.at(carrier.now):
        again = accept(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock)
        process(tenant_id=carrier.tenant_id, batch_id=again, now=carrier.clock)
    assert records(carrier) == {call: row[3] for call, row in told.items()}
    with carrier.scope():
        assert Batch.objects.get(pk=again).reject_reasons == {"late_leg": 2}  # the legs that lie too far away
    assert_proved(carrier)

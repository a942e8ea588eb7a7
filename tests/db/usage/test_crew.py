"""Large files, taken by a crew of processes: the same result as in one process, and nothing left behind when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pyarrow.parquet as pq
import pytest

from tests.db.usage.carrier import NOW, START, Carrier, line
from tests.places import ROOT
from trunkline.core.errors import Unavailable
from trunkline.kit.db import embedded
from trunkline.kit.home import home
from trunkline.parties.actions import add_identity
from trunkline.simulate import samples
from trunkline.usage import pipeline
from trunkline.usage.check import check
from trunkline.usage.crew import WALKED_OCTETS, Crew
from trunkline.usage.decode.skeletons import Walker
from trunkline.usage.intake import register_path
from trunkline.usage.models import Batch, HourTotal, Rollup, Segment
from trunkline.usage.process import process
from trunkline.usage.traffic.actions import GivenRule, create_rule

GONE_S = 120


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "CHUNK_OCTETS", 4096)


@pytest.fixture
def crewed(small_chunks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large."""
    monkeypatch.setattr(pipeline, "CREW_OCTETS", 0)


def lines() -> list[str]:
    """Two days, some lines twice, some that contradict themselves, some that nobody can be charged for."""
    made = [
        line(f"k{n}", n % 90, start=START + timedelta(minutes=3 * n), trunk_in="who" if n % 50 == 7 else "in")
        for n in range(600)
    ]
    made += made[100:120]
    made += [line("k5", 61, start=START + timedelta(minutes=15)), line("bad", 60).replace(",60,", ",6x,")]
    return made


def said(carrier: Carrier, batch: Batch) -> tuple[Any, ...]:
    """Everything that a batch has made true, without ids."""
    with carrier.scope(snapshot=True):
        segments = []
        for segment in Segment.objects.filter(batch=batch).order_by("kind", "day", "path"):
            table = pq.read_table(home() / segment.path, partitioning=None)
            ids = [name for name in table.column_names if name.endswith(("_id", "_version")) and name != "call_id"]
            segments.append((segment.kind, segment.day, table.drop_columns(ids).to_pylist()))
        sums = [
            *Rollup.objects.order_by("side", "day").values_list("side", "day", "attempts", "amount", "base_amount"),
            *HourTotal.objects.order_by("hour").values_list("hour", "attempts", "seconds", "revenue", "cost"),
        ]
        assert [finding for finding in check(read_files=True) if not finding.holds] == []
    counts = (batch.state, batch.rows_in, batch.rated, batch.rejected, batch.duplicates, batch.reject_reasons)
    return counts, segments, sums


def test_a_crew_makes_what_one_process_makes(
    carrier: Carrier, small_chunks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inline = said(carrier, carrier.load(carrier.write("a.csv", *lines())))
    other = Carrier.make(tmp_path / "other", "Beta Carrier")
    monkeypatch.setattr(pipeline, "CREW_OCTETS", 0)
    crewed = said(other, other.load(other.write("a.csv", *lines())))
    assert crewed == inline
    assert crewed[0][1:5] == (622, 588, 15, 19)
    assert len(crewed[1]) == 8  # records and rejects of two days, in two parts


def load_documents(name: str, folder: Path, tenant: str) -> tuple[Any, ...]:
    """Three hundred documents, of which those to Kenya are charged."""
    carrier = Carrier.make(folder, tenant, formats=(name,))
    with carrier.scope():
        for trunk in range(1, 31):
            add_identity(
                account=carrier.accounts["cust"], kind="trunk", side="sell", value=f"customer-{trunk:02}", at=NOW
            )
        for trunk in range(1, 11):
            add_identity(account=carrier.accounts["vend"], kind="trunk", side="buy", value=f"vendor-{trunk:02}", at=NOW)
    path = folder / "documents"
    path.write_bytes(b"".join(samples.blocks(name, 300)))
    return said(carrier, carrier.load(path, name))


@pytest.mark.parametrize("name", ["freeswitch_xml", "freeswitch_json"])
def test_a_crew_that_walks_through_documents_makes_what_one_process_reads(
    name: str, committed_db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipeline, "CHUNK_OCTETS", 256 << 10)
    with patch.object(Walker, "walk", lambda *_: None):
        inline = load_documents(name, tmp_path / "one", "Alpha Carrier")
    assert inline[0][1] == 300
    assert 10 < inline[0][2] < 300
    monkeypatch.setattr(pipeline, "CREW_OCTETS", 0)
    begin = Crew.begin
    # As if the file were large enough to load the walk.
    monkeypatch.setattr(Crew, "begin", lambda self, work: begin(self, replace(work, octets=WALKED_OCTETS)))
    assert load_documents(name, tmp_path / "other", "Beta Carrier") == inline


def add_rules(carrier: Carrier) -> None:
    with carrier.scope():
        for given in (
            GivenRule(name="national", stage="before_identification", actions="replace called 254(.*) 254\\1; tag all"),
            GivenRule(
                name="morning",
                stage="after_account",
                side="sell",
                valid_to=START + timedelta(hours=2),
                actions="tag morning",
            ),
            GivenRule(name="kenya", stage="after_rate", conditions={"countries": "KE"}, actions="tag kenya; untag all"),
        ):
            create_rule(given=given, at=carrier.now)


def test_a_crew_makes_the_same_of_traffic_rules(
    carrier: Carrier, small_chunks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_rules(carrier)
    inline = said(carrier, carrier.load(carrier.write("a.csv", *lines())))
    other = Carrier.make(tmp_path / "other", "Beta Carrier")
    add_rules(other)
    monkeypatch.setattr(pipeline, "CREW_OCTETS", 0)
    crewed = said(other, other.load(other.write("a.csv", *lines())))
    assert crewed == inline
    rated = [row for kind, _, rows in crewed[1] if kind == "rated" for row in rows]
    assert {(row["rules"], row["sell_tags"], row["buy_tags"]) for row in rated if row["quantity"]} == {
        ("national,morning,kenya", "kenya,morning", "kenya"),
        ("national,kenya", "kenya", "kenya"),
    }


def test_a_part_that_dies_leaves_the_batch_to_the_next_attempt(
    carrier: Carrier, crewed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = carrier.write("a.csv", *lines())
    batch_id, _ = register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    with monkeypatch.context() as fault:
        fault.setenv("TRUNKLINE_FAULT", "temporary_written")  # read by the processes of the crew when they start
        with pytest.raises(Unavailable) as caught:
            process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    assert caught.value.code == "part_lost"
    assert [path for path in home().rglob("*batch-*") if path.is_file()] == []
    assert process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        batch = Batch.objects.get(pk=batch_id)
    assert said(carrier, batch)[0][1:5] == (622, 588, 15, 19)


def test_what_is_wrong_with_the_file_is_said_through_the_crew(carrier: Carrier, crewed: None) -> None:
    header = carrier.load(carrier.write("a.csv", "1,2", header="Master,key"))
    assert (header.state, header.failure) == ("failed", "header_changed")
    empty = carrier.load(carrier.write("b.csv"))
    assert (empty.state, empty.failure) == ("failed", "no_rows")


def test_a_crew_does_not_outlive_its_parent(tmp_path: Path) -> None:
    script = "from trunkline.usage.crew import Crew\ncrew = Crew()\nprint(crew._process.pid, flush=True)\ninput()\n"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        crew = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert embedded.wait_until_ended([crew], seconds=GONE_S)

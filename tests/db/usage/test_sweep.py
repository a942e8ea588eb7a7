"""What crashes leave behind goes; what counts, or may yet count, stays."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.db.usage.carrier import Carrier, line
from tests.db.usage.test_bad_input import assert_proved, files_below
from trunkline.kit.scratch import scratch_path
from trunkline.tariffs.models import Rate
from trunkline.usage.intake import register_path, register_upload
from trunkline.usage.models import Batch, Segment
from trunkline.usage.process import process
from trunkline.usage.resend import resend
from trunkline.usage.sweep import Swept, sweep, sweep_batch

LATER = timedelta(days=2)


def leave(carrier: Carrier, data_folder: Path, *, batch_id: int, attempt: int = 9) -> list[str]:
    """What an attempt leaves that was killed between two renames."""
    folder = data_folder / "usage" / f"tenant={carrier.tenant_id}" / "day=2026-03-02"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"batch-{batch_id}-{attempt}-0"
    names = [
        f"{stem}.parquet",
        f"{stem}.parquet.keys",
        f"{stem}.parquet.numbers",
        f".{stem}-reject.parquet.partial",
        f".{stem}.parquet.keys.partial",
    ]
    for name in names:
        (folder / name).write_bytes(b"x")
    return names


def segments(data_folder: Path) -> list[str]:
    return sorted(Path(name).name for name in files_below(data_folder / "usage"))


def test_files_of_lost_attempts_go_and_segments_stay(carrier: Carrier, data_folder: Path) -> None:
    batch = carrier.load(carrier.write("a.csv", line("k1"), "rubbish"))
    kept = segments(data_folder)
    leave(carrier, data_folder, batch_id=batch.pk)
    foreign = leave(
        carrier, data_folder, batch_id=batch.pk + 1000
    )  # no batch of ours: perhaps newer than this database
    swept = sweep(carrier.tenant_id, at=carrier.now)
    assert (swept, segments(data_folder)) == (Swept(5, 0, 0), sorted(kept + foreign))
    assert_proved(carrier)


def test_a_batch_that_may_still_come_to_its_end_keeps_its_files(carrier: Carrier, data_folder: Path) -> None:
    path = carrier.write("a.csv", line("k1"))
    batch_id, _ = register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    names = leave(carrier, data_folder, batch_id=batch_id, attempt=1)
    for state in ("registered", "running"):
        with carrier.scope():
            Batch.objects.update(state=state, attempt=1)
        assert sweep(carrier.tenant_id, at=carrier.now + LATER).segments == 0
        assert sweep_batch(carrier.tenant_id, batch_id) == 0
    assert segments(data_folder) == sorted(names)


def test_the_attempt_that_wins_removes_what_the_lost_ones_left(carrier: Carrier, data_folder: Path) -> None:
    path = carrier.write("a.csv", line("k1"))
    batch_id, _ = register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    leave(carrier, data_folder, batch_id=batch_id, attempt=1)
    scratch = data_folder / "tmp" / f"batch-{batch_id}-1"
    scratch.mkdir(parents=True)
    with carrier.scope():
        Batch.objects.update(state="running", attempt=1)
    process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        named = Path(Segment.objects.get().path).name
    assert segments(data_folder) == [named, f"{named}.keys", f"{named}.numbers"]
    assert not scratch.exists()


def test_a_superseded_segment_stays(carrier: Carrier, data_folder: Path) -> None:
    batch = carrier.load(carrier.write("a.csv", line("k1"), "rubbish"))
    before = segments(data_folder)
    (again,) = resend(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock)
    process(tenant_id=carrier.tenant_id, batch_id=again, now=carrier.clock)
    sweep(carrier.tenant_id, at=carrier.now + LATER)
    assert set(before) <= set(segments(data_folder))


def test_spooled_copies_go_an_hour_after_nobody_waits_for_them(carrier: Carrier, data_folder: Path) -> None:
    path = carrier.write("a.csv", line("k1"))
    with path.open("rb") as content:
        register_upload(carrier.tenant_id, "common", "a.csv", content, actor="test", now=carrier.clock)
    awaited = files_below(data_folder / "spool")
    stray = data_folder / "spool" / f"tenant={carrier.tenant_id}" / "stray"
    stray.write_bytes(b"x")
    written = carrier.now.timestamp()
    for name in (*awaited, f"tenant={carrier.tenant_id}/stray"):
        os.utime(data_folder / "spool" / name, (written, written))
    assert sweep(carrier.tenant_id, at=carrier.now + timedelta(minutes=60)).spooled == 0
    assert sweep(carrier.tenant_id, at=carrier.now + timedelta(minutes=61)).spooled == 1
    assert files_below(data_folder / "spool") == awaited


def test_scratch_files_go_after_a_day_and_those_of_killed_processes_at_once(
    carrier: Carrier, data_folder: Path
) -> None:
    mine = scratch_path("duckdb")
    killed = mine.with_name(mine.name.replace(f"-{os.getpid()}-", "-999999999-"))
    for path in (mine, killed, mine.with_name("batch-1-1")):
        path.mkdir()
        os.utime(path, (carrier.now.timestamp(), carrier.now.timestamp()))
    assert sweep(carrier.tenant_id, at=carrier.now).scratch == 1
    assert not killed.exists()
    assert sweep(carrier.tenant_id, at=carrier.now + LATER).scratch == 1
    assert [path.name for path in (data_folder / "tmp").iterdir()] == [mine.name]


def test_another_tenants_files_stay(carrier: Carrier, data_folder: Path, tmp_path: Path) -> None:
    other = Carrier.make(tmp_path / "other", "Beta Telecom")
    batch = other.load(other.write("a.csv", line("k1")))
    leave(carrier, data_folder, batch_id=batch.pk)  # a name of theirs in our folder
    before = files_below(data_folder / "usage")
    assert sweep(carrier.tenant_id, at=carrier.now + LATER).segments == 0
    assert files_below(data_folder / "usage") == before


def test_rejects_whose_sending_failed_can_be_sent_again(carrier: Carrier, data_folder: Path) -> None:
    batch = carrier.load(carrier.write("a.csv", line("k1", 60, called="255700000001")))

    def send() -> Batch:
        (again,) = resend(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock)
        process(tenant_id=carrier.tenant_id, batch_id=again, now=carrier.clock)
        with carrier.scope():
            return Batch.objects.get(pk=again)

    (first,) = resend(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock)
    for name in files_below(data_folder / "spool"):
        (data_folder / "spool" / name).unlink()
    process(tenant_id=carrier.tenant_id, batch_id=first, now=carrier.clock)
    with carrier.scope():
        assert Batch.objects.get(pk=first).failure == "not_a_file"
        for rate in Rate.objects.select_related("tariff"):
            Rate.objects.create(tariff=rate.tariff, code="255", steps=rate.steps)
            rate.tariff.revision += 1
            rate.tariff.save()
    sent = send()
    assert (sent.pk, sent.state, sent.rated) == (first, "posted", 1)
    assert files_below(data_folder / "spool") == []
    assert_proved(carrier)


@pytest.mark.parametrize("state", ["registered", "running"])
def test_rejects_sent_twice_before_they_are_taken_are_one_batch_with_one_copy(
    carrier: Carrier, data_folder: Path, state: str
) -> None:
    batch = carrier.load(carrier.write("a.csv", line("k1", 60, called="255700000001")))
    sent = []
    for _ in range(2):
        sent += resend(carrier.tenant_id, batch_public_id=None, actor="test", now=carrier.clock)
        with carrier.scope():
            Batch.objects.filter(resends=batch).update(state=state)
    assert sent[0] == sent[1]
    assert len(files_below(data_folder / "spool")) == 1

"""Files and surroundings as they should not be: a clear word, nothing lost, nothing half done."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.databases import TestDatabase
from tests.db.usage.carrier import COLUMNS, Carrier, line
from trunkline.core.errors import Invalid, Unavailable
from trunkline.kit import jobs
from trunkline.kit.outages import explain
from trunkline.ledger.models import Entry
from trunkline.tariffs.models import Rate, Tariff
from trunkline.usage import collect, process
from trunkline.usage.actions import create_switch
from trunkline.usage.check import check
from trunkline.usage.collect import retire, watch
from trunkline.usage.intake import register_path, register_upload
from trunkline.usage.models import Batch, Rollup, Segment
from trunkline.usage.process import process as take

HOUR = 3600


def assert_proved(carrier: Carrier) -> None:
    with carrier.scope(snapshot=True):
        assert [finding for finding in check(read_files=True) if not finding.holds] == []


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


@dataclass
class Watched:
    """A carrier's watched folder, and what a worker does with it."""

    carrier: Carrier
    folder: Path

    def put(self, name: str, data: bytes | str, *, age: int = HOUR) -> Path:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        when = self.carrier.now.timestamp() - age
        os.utime(path, (when, when))
        return path

    def look(self) -> dict[str, str]:
        """Look once and take what is there: the fate of each name."""
        seen = watch(self.carrier.tenant_id, now=self.carrier.clock)
        with self.carrier.scope():
            waiting = list(Batch.objects.filter(state="registered").values_list("pk", flat=True))
        for batch_id in waiting:
            take(tenant_id=self.carrier.tenant_id, batch_id=batch_id, now=self.carrier.clock)
        return {each.name: each.fate for each in seen}

    def batches(self) -> dict[str, str]:
        with self.carrier.scope():
            return {batch.name: batch.failure or batch.state for batch in Batch.objects.all()}


@pytest.fixture
def watched(carrier: Carrier, tmp_path: Path) -> Watched:
    folder = tmp_path / "watched"
    folder.mkdir()
    with carrier.scope():
        create_switch(name="w", format="common", watch_folder=str(folder), at=carrier.now)
    return Watched(carrier, folder)


def csv(*lines: str) -> str:
    return "\n".join([COLUMNS, *lines]) + "\n"


def zip_of(**members: bytes | str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


# --- the watched folder ---


def test_a_watched_folder_takes_files_and_nothing_that_only_looks_like_one(watched: Watched) -> None:
    watched.put("good.csv", csv(line("k1")))
    watched.put(".hidden.csv", csv(line("k2")))
    os.mkfifo(watched.folder / "pipe.csv")
    elsewhere = watched.carrier.write("elsewhere.csv", line("k3"))
    (watched.folder / "link.csv").symlink_to(elsewhere)
    (watched.folder / "linked").symlink_to(elsewhere.parent)
    (watched.folder / "nowhere.csv").symlink_to("/nonexistent")
    (watched.folder / "folder.csv").mkdir()
    refused = {"pipe.csv": "refused", "link.csv": "refused", "linked": "refused", "nowhere.csv": "refused"}
    assert watched.look() == {"good.csv": "registered", **refused}
    assert watched.look() == refused
    assert watched.batches() == {"good.csv": "posted"}
    assert files_below(watched.folder) == [
        ".hidden.csv",
        "done/good.csv",
        "link.csv",
        "linked",
        "nowhere.csv",
        "pipe.csv",
    ]


def test_a_file_that_changed_a_moment_ago_is_left_alone_until_it_rests(watched: Watched) -> None:
    watched.put("a.csv", csv(line("k1")), age=4)
    assert watched.look() == {"a.csv": "waiting"}
    watched.put("a.csv", csv(line("k1"), line("k2")), age=6)
    assert watched.look() == {"a.csv": "registered"}
    with watched.carrier.scope():
        assert Batch.objects.get().rated == 2


def test_a_file_that_somebody_still_has_open_for_writing_waits_however_long_it_is_silent(watched: Watched) -> None:
    path = watched.put("Master.csv", csv(line("k1")))
    with path.open("a") as growing:
        assert watched.look() == {"Master.csv": "waiting"}
        growing.write(line("k2") + "\n")
    watched.put("Master.csv", path.read_bytes())
    assert watched.look() == {"Master.csv": "registered"}
    with watched.carrier.scope():
        assert Batch.objects.get().rated == 2


def test_a_file_opened_again_while_it_was_taken_is_not_moved_away_from_its_writer(watched: Watched) -> None:
    path = watched.put("Master.csv", csv(line("k1")))
    (seen,) = watch(watched.carrier.tenant_id, now=watched.carrier.clock)
    assert seen.fate == "registered"
    with path.open("a") as growing:
        assert watched.look() == {"Master.csv": "waiting"}
        assert watched.batches() == {"Master.csv": "posted"}
        growing.write(line("k2") + "\n")
    watched.put("Master.csv", path.read_bytes())
    assert watched.look() == {"Master.csv": "registered"}
    with watched.carrier.scope():
        assert [(b.rated, b.duplicates) for b in Batch.objects.order_by("pk")] == [(1, 0), (1, 1)]
    assert files_below(watched.folder) == ["done/Master.csv"]


def test_files_that_cannot_be_read_are_put_aside_and_keep_nobody_else_waiting(watched: Watched) -> None:
    watched.put("bomb.csv.gz", gzip.compress(bytes(200 << 20), compresslevel=9))
    watched.put("slip.zip", zip_of(**{"../../etc/cron.d/x": csv(line("k1"))}))
    watched.put("torn.zip", zip_of(a=csv(line("k2")))[:-30])
    watched.put("cut.csv.gz", gzip.compress(csv(line("k3")).encode())[:-9])
    watched.put("wide.csv", csv(line("k4")).encode("utf-16"))
    watched.put("old.csv", "key,called\nk5,254\n")
    watched.put("zz.csv", csv(line("k6")))
    fates = watched.look()
    assert fates == dict.fromkeys(("bomb.csv.gz", "cut.csv.gz", "slip.zip", "torn.zip"), "refused") | dict.fromkeys(
        ("old.csv", "wide.csv", "zz.csv"), "registered"
    )
    assert watched.batches() == {
        "bomb.csv.gz": "too_large",
        "slip.zip": "zip_error",
        "torn.zip": "zip_error",
        "cut.csv.gz": "truncated",
        "wide.csv": "encoding",
        "old.csv": "header_changed",
        "zz.csv": "posted",
    }
    assert files_below(watched.folder) == [
        "done/zz.csv",
        *(f"failed/{name}" for name in sorted(watched.batches()) if name != "zz.csv"),
    ]
    with watched.carrier.scope():
        assert [row.attempts for row in Rollup.objects.all()] == [1, 1]


def test_an_archive_without_its_end_is_given_a_minute_to_arrive(watched: Watched) -> None:
    packed = gzip.compress(csv(line("k1")).encode())
    watched.put("a.csv.gz", packed[:-9], age=59)
    assert watched.look() == {"a.csv.gz": "waiting"}
    watched.put("a.csv.gz", packed, age=6)
    assert watched.look() == {"a.csv.gz": "registered"}
    assert watched.batches() == {"a.csv.gz": "posted"}


def test_a_name_that_is_no_text_is_said_and_keeps_nobody_else_waiting(watched: Watched) -> None:
    watched.put(os.fsdecode(b"caf\xe9.csv"), csv(line("k1")))
    watched.put("zz.csv", csv(line("k2")))
    assert watched.look() == {"caf\\xe9.csv": "refused", "zz.csv": "registered"}


def test_a_folder_that_lets_nothing_be_moved_is_said_and_its_files_count_once(watched: Watched) -> None:
    (watched.folder / "done").write_text("in the way")
    watched.put("a.csv", csv(line("k1")))
    os.utime(watched.folder / "done", (watched.carrier.now.timestamp(),) * 2)
    with pytest.raises(Unavailable) as caught:
        watched.look()
    assert (caught.value.code, watched.batches()) == ("watched_folder", {"a.csv": "posted"})
    assert watched.look() == {"a.csv": "refused", "done": "waiting"}
    (watched.folder / "done").unlink()
    assert watched.look() == {"a.csv": "known"}
    assert files_below(watched.folder) == ["done/a.csv"]


def test_a_watched_folder_that_is_gone_is_no_error(watched: Watched) -> None:
    shutil.rmtree(watched.folder)
    assert watched.look() == {}


def test_the_same_content_again_goes_where_the_first_went_and_overwrites_nothing(watched: Watched) -> None:
    for _ in range(3):
        watched.put("a.csv", csv(line("k1")))
        watched.look()
    assert watched.batches() == {"a.csv": "posted"}
    assert files_below(watched.folder) == ["done/a.2.csv", "done/a.3.csv", "done/a.csv"]


def test_a_failed_file_that_is_laid_back_is_tried_again(watched: Watched) -> None:
    path = watched.put("a.csv", "key,called\nk1,254\n")
    watched.look()
    assert watched.batches() == {"a.csv": "header_changed"}
    (watched.folder / "failed" / "a.csv").rename(path)
    assert watched.look() == {"a.csv": "registered"}
    with watched.carrier.scope():
        assert Batch.objects.get().attempt == 2


def test_a_file_that_took_the_name_of_the_one_that_is_through_stays(watched: Watched) -> None:
    path = watched.put("a.csv", csv(line("k1")))
    stamp = collect.stamp_of(path)
    other = watched.put("b.csv", csv(line("k2")))
    other.rename(path)
    assert retire(path, "done", stamp=stamp) is False
    assert files_below(watched.folder) == ["a.csv"]


@pytest.mark.parametrize("pattern", ["", "../*", "**", "/etc/*"])
def test_a_pattern_that_leads_out_of_the_folder_is_refused(carrier: Carrier, pattern: str) -> None:
    with carrier.scope(), pytest.raises(Invalid) as caught:
        create_switch(name="w", format="common", watch_folder="/in", watch_pattern=pattern, at=carrier.now)
    assert caught.value.code == "watch_pattern"


# --- files that change under one's hands ---


def at_step(monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], object]) -> None:
    """Do something when a batch first passes the step."""
    done: list[str] = []

    def reached(passed: str) -> None:
        if passed == step and not done:
            done.append(passed)
            act()

    monkeypatch.setattr(process, "reached", reached)


def test_a_file_replaced_while_it_is_read_posts_nothing_and_is_taken_again(
    carrier: Carrier, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = carrier.write("a.csv", line("k1"))
    other = carrier.write("b.csv", line("k2"))
    at_step(monkeypatch, "decoding", lambda: other.rename(path))
    batch = carrier.load(path)
    assert (batch.state, batch.failure) == ("failed", "source_changed")
    assert files_below(data_folder / "usage") == []
    again = carrier.load(path)
    assert (again.state, again.rated) == ("posted", 1)


def test_a_file_that_is_gone_when_its_turn_comes_fails_and_can_come_back(carrier: Carrier) -> None:
    path = carrier.write("a.csv", line("k1"))
    batch_id, _ = register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    path.unlink()
    take(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        assert Batch.objects.get(pk=batch_id).failure == "not_a_file"
    assert carrier.load(carrier.write("b.csv", line("k1"))).pk == batch_id


def test_the_same_upload_twice_keeps_one_copy_until_it_is_taken(carrier: Carrier, data_folder: Path) -> None:
    ids = set()
    for _ in range(2):
        content = io.BytesIO(csv(line("k1")).encode())
        ids.add(register_upload(carrier.tenant_id, "common", "a.csv", content, actor="test", now=carrier.clock)[0])
        assert len(files_below(data_folder / "spool")) == 1
    (batch_id,) = ids
    take(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    assert files_below(data_folder / "spool") == []
    assert_proved(carrier)


def test_a_file_named_while_its_twin_in_the_watched_folder_is_under_way_moves_only_the_twin(watched: Watched) -> None:
    watched.put("a.csv", csv(line("k1")))
    watch(watched.carrier.tenant_id, now=watched.carrier.clock)
    named = watched.carrier.write("mine.csv", line("k1"))
    watched.carrier.load(named, switch="w")
    assert watched.batches() == {"a.csv": "posted"}
    assert (named.exists(), files_below(watched.folder)) == (True, ["done/a.csv"])


# --- amounts ---


def price_at(carrier: Carrier, steps: str) -> None:
    with carrier.scope():
        for tariff in Tariff.objects.all():
            Rate.objects.filter(tariff=tariff).update(steps=steps)
            tariff.revision += 1
            tariff.save()


def test_a_record_whose_amount_is_too_large_is_rejected_alone(carrier: Carrier) -> None:
    price_at(carrier, "0:900000000/1/1")
    batch = carrier.load(carrier.write("a.csv", line("k1", 3), line("k2", 3600), line("k3", 0)))
    assert (batch.state, batch.rated, batch.reject_reasons) == ("posted", 2, {"overflow": 1})
    assert_proved(carrier)


def test_amounts_whose_sum_is_too_large_fail_the_file_and_post_nothing(carrier: Carrier, data_folder: Path) -> None:
    price_at(carrier, "0:900000000/1/1")
    path = carrier.write("a.csv", *(line(f"k{number}", 10) for number in range(20)))
    batch = carrier.load(path)
    assert (batch.state, batch.failure, batch.rated) == ("failed", "overflow", 0)
    assert "too large" in batch.failure_detail
    with carrier.scope():
        assert (Segment.objects.count(), Rollup.objects.count(), Entry.objects.count()) == (0, 0, 0)
    assert files_below(data_folder / "usage") == []
    price_at(carrier, "0:0.9/1/1")
    assert carrier.load(path).state == "posted"
    assert_proved(carrier)


# --- a full disk ---


@contextmanager
def small_disk(folder: Path, octets: int) -> Iterator[Callable[[int], None]]:
    """A file system of that size in place of a folder; what is yielded gives it another size."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={octets}", "trunkline-test", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True) and None
    finally:
        subprocess.run(["umount", folder], check=True)


def many(count: int) -> list[str]:
    return [line(f"key-{number * 7919:x}", number % 3000 + 1) for number in range(count)]


@pytest.mark.parametrize("octets", [4096, 131_072])
def test_a_disk_that_is_full_while_segments_are_written_leaves_nothing_and_later_all_is_taken(
    carrier: Carrier, data_folder: Path, octets: int
) -> None:
    path = carrier.write("a.csv", *many(8000))
    with small_disk(data_folder / "usage", octets) as resize:
        with pytest.raises(OSError) as caught:  # noqa: PT011  the kind is asserted below
            carrier.load(path)
        outage = explain(caught.value)
        assert outage is not None
        assert outage.code == "disk_full"
        assert files_below(data_folder / "usage") == []
        assert files_below(data_folder / "tmp") == []
        with carrier.scope():
            batch = Batch.objects.get()
            assert (batch.state, batch.failure) == ("registered", "")
            assert "no space left" in batch.failure_detail
            assert (Segment.objects.count(), Rollup.objects.count(), Entry.objects.count()) == (0, 0, 0)
        resize(64 << 20)
        batch = carrier.load(path)
        assert (batch.state, batch.rated, batch.attempt, batch.failure_detail) == ("posted", 8000, 2, "")
        assert_proved(carrier)


def test_a_disk_that_is_full_while_an_upload_comes_in_leaves_nothing_and_later_it_is_taken(
    carrier: Carrier, data_folder: Path
) -> None:
    content = csv(*many(8000)).encode()
    with small_disk(data_folder / "spool", 131_072) as resize:

        def upload() -> int:
            given = io.BytesIO(content)
            return register_upload(carrier.tenant_id, "common", "a.csv", given, actor="test", now=carrier.clock)[0]

        with pytest.raises(Unavailable) as caught:
            upload()
        assert caught.value.code == "disk_full"
        assert files_below(data_folder / "spool") == []
        with carrier.scope():
            assert Batch.objects.count() == 0
        resize(64 << 20)
        batch_id = upload()
        take(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
        with carrier.scope():
            assert Batch.objects.get().rated == 8000
        assert files_below(data_folder / "spool") == []
        assert_proved(carrier)


# --- workers that meet ---


def waiting_jobs(database: TestDatabase) -> list[tuple[int, bool]]:
    """(batch, whether it is put off) of the jobs that wait."""
    query = """SELECT (args ->> 'batch_id')::int, scheduled_at IS NOT NULL FROM procrastinate_jobs
                WHERE status = 'todo' AND task_name = 'usage.process' ORDER BY id"""
    with database.connect() as admin:
        return admin.execute(query).fetchall()


def test_a_worker_steps_aside_while_another_is_at_a_file_of_the_switch(
    carrier: Carrier, committed_db: TestDatabase
) -> None:
    from trunkline.kit.db.locks import work_lock

    path = carrier.write("a.csv", line("k1"))
    batch_id, _ = register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    with carrier.scope():
        switch_id = Batch.objects.get().switch_id
    with work_lock("usage", carrier.tenant_id, switch_id):
        jobs.work(queues=["usage"])
    assert waiting_jobs(committed_db) == [(batch_id, True)]
    assert take(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock, wait=False) is True
    assert_proved(carrier)


def test_a_batch_whose_worker_lost_the_lock_does_not_bill_what_another_file_has_billed_meanwhile(
    carrier: Carrier, committed_db: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = carrier.write("a.csv", line("k1"), line("k2"))
    second = carrier.write("b.csv", line("k2"), line("k3"))

    def lose_the_lock_to_another() -> None:
        with committed_db.connect() as admin:
            holds = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
            assert committed_db.end_sessions(admin, which=holds) == 1
        assert carrier.load(second).rated == 2

    at_step(monkeypatch, "decoding", lose_the_lock_to_another)
    batch = carrier.load(first)
    assert (batch.state, batch.rated, batch.duplicates, batch.attempt) == ("posted", 1, 1, 2)
    assert_proved(carrier)


def test_a_batch_that_fails_again_and_again_is_tried_ever_less_often(
    carrier: Carrier, committed_db: TestDatabase
) -> None:
    path = carrier.write("a.csv", line("k1"))
    register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)

    def is_due(attempts: int, seconds: int) -> bool:
        at = datetime.fromtimestamp(carrier.now.timestamp() + seconds, UTC)
        with committed_db.connect() as admin:
            admin.execute("DELETE FROM procrastinate_jobs")
        with carrier.scope():
            Batch.objects.update(state="running", attempt=attempts, started_at=carrier.now)
        return collect.take_up_abandoned(carrier.tenant_id, at=at) == 1

    assert [is_due(attempts, 0) for attempts in (0, 1, 2, 3)] == [True, True, True, False]
    assert [is_due(3, 19), is_due(3, 20), is_due(5, 79), is_due(5, 80)] == [False, True, False, True]
    assert [is_due(500, 599), is_due(500, 600)] == [False, True]
    assert collect.take_up_abandoned(carrier.tenant_id) == 0  # its job waits already


def test_folders_are_looked_into_every_ten_seconds_and_dead_workers_are_noticed_every_minute() -> None:
    from procrastinate.contrib.django import app

    def seconds_between(name: str) -> list[int]:
        (planned,) = (each for each in app.periodic_registry.periodic_tasks.values() if each.task.name == name)
        times: Any = planned.croniter
        times.set_current(datetime(2026, 3, 2, 10, 7, 3, tzinfo=UTC).timestamp())
        found = [round(times.get_next(float)) for _ in range(4)]
        return [later - earlier for earlier, later in pairwise(found)]

    assert seconds_between("usage.watch") == [10, 10, 10]
    assert seconds_between("kit.take_up") == [60, 60, 60]
    assert seconds_between("usage.sweep") == [3600, 3600, 3600]

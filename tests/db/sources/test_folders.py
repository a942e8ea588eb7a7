"""Watched folders of this machine are sources too: they are said, paused and alarmed like the others."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.db.sources.feeds import NOW, Feeds, put, text
from trunkline.cli.source import app
from trunkline.cli.switch import app as switches
from trunkline.core.errors import Invalid
from trunkline.kit import clock
from trunkline.usage.collect import watch
from trunkline.usage.models import Source
from trunkline.usage.queries import access_switch
from trunkline.usage.sources.actions import add_source, change_source
from trunkline.usage.sources.schedule import look_after

TENANT = "alpha-carrier"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "watched"
    made.mkdir()
    return made


def run(command: Any, *words: str, code: int = 0) -> str:
    with clock.at(NOW):
        result = CliRunner(env={"COLUMNS": "250"}).invoke(command, [*words, "--tenant", TENANT])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.stdout


def add(folder: Path, *words: str) -> None:
    run(
        app,
        "add",
        "watched",
        "--switch",
        "common",
        "--kind",
        "folder",
        "--path",
        str(folder),
        "--pattern",
        "*.csv",
        *words,
    )


def look(feeds: Feeds) -> list[tuple[str, str]]:
    return [(seen.name, seen.fate) for seen in watch(feeds.carrier.tenant_id, now=feeds.clock)]


def test_a_folder_is_pulled_and_its_files_are_moved_aside(feeds: Feeds, folder: Path) -> None:
    add(folder)
    put(folder, "a.csv", text("1"))
    found = json.loads(run(app, "pull", "watched", "--json"))
    assert found["files"] == [{"name": "a.csv", "fate": "taken", "detail": ""}]
    assert feeds.batches() == [("a.csv", "posted", 1)]
    assert (folder / "done" / "a.csv").exists()
    (shown,) = json.loads(run(app, "list", "--json"))["sources"]
    assert (shown["kind"], shown["path"], shown["new_at"]) == ("folder", str(folder), str(NOW))


def test_a_paused_folder_is_left_alone(feeds: Feeds, folder: Path) -> None:
    add(folder)
    put(folder, "a.csv", text("1"))
    run(app, "pause", "watched")
    assert look(feeds) == []
    run(app, "resume", "watched")
    assert look(feeds) == [("a.csv", "registered")]


def test_repetitions_in_a_folder_are_said(feeds: Feeds, folder: Path) -> None:
    add(folder, "--unique-names")
    put(folder, "a.csv", text("1"))
    look(feeds)
    feeds.take()
    put(folder, "b.csv", text("1"))
    assert look(feeds) == [("b.csv", "known")]
    assert feeds.alarms() == [("repeated", "b.csv holds the same as a.csv, which came before.")]
    put(folder, "a.csv", text("1", "2"))
    assert look(feeds) == [("a.csv", "registered")]
    assert feeds.alarms() == [("repeated", "a.csv came again with other content.")]


def test_a_folder_that_is_away_is_said_and_that_it_stalls(feeds: Feeds, folder: Path) -> None:
    add(folder, "--expect", "60")
    folder.rename(folder.with_name("away"))
    for _ in range(5):
        look(feeds)
    look_after(feeds.carrier.tenant_id, at=NOW + timedelta(minutes=60))
    assert feeds.alarms() == [
        ("stalled", "No new file for 60 minutes: none has come yet."),
        ("failing", f"3 looks in a row failed: {folder} is no folder."),
    ]
    folder.mkdir()
    put(folder, "a.csv", text("1"))
    look(feeds)
    look_after(feeds.carrier.tenant_id, at=NOW + timedelta(minutes=59))
    assert feeds.alarms() == []


def test_the_watched_folder_of_a_switch_is_a_source_of_its_name(feeds: Feeds, folder: Path, tmp_path: Path) -> None:
    run(switches, "add", "edge", "--format", "common", "--watch-folder", str(folder), "--watch-pattern", "*.csv")
    with feeds.carrier.scope():
        source = Source.objects.select_related("switch").get(name="edge")
    assert (source.kind, source.path, source.pattern, source.switch.name) == ("folder", str(folder), "*.csv", "edge")
    run(switches, "set", "edge", "--watch-pattern", "*.gz")
    run(switches, "set", "edge", "--watch-folder", str(tmp_path))
    listed = {each["name"]: each["watch_folder"] for each in json.loads(run(switches, "list", "--json"))["switches"]}
    assert listed == {"common": "", "edge": str(tmp_path)}
    with feeds.carrier.scope():
        assert Source.objects.get(name="edge").pattern == "*.gz"
    run(switches, "set", "edge", "--watch-folder", "")
    with feeds.carrier.scope():
        assert not Source.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"path": "in"}, "watch_folder"),
        ({"pattern": "../*"}, "watch_pattern"),
        ({"every_min": 5}, "source_option"),
        ({"host": "example.net"}, "source_option"),
    ],
)
def test_a_folder_has_nothing_of_a_server(feeds: Feeds, wrong: dict[str, Any], code: str) -> None:
    with feeds.carrier.scope():
        switch = access_switch("common")
        with pytest.raises(Invalid) as caught:
            add_source(switch=switch, name="w", kind="folder", at=NOW, **{"path": "/in"} | wrong)
        assert caught.value.code == code
        source = add_source(switch=switch, name="w", kind="folder", path="/in", at=NOW)
        with pytest.raises(Invalid) as caught:
            change_source(source_id=source.pk, at=NOW, **wrong)
        assert caught.value.code == code


def test_what_was_written_a_second_ago_waits(feeds: Feeds, folder: Path) -> None:
    add(folder)
    path = put(folder, "a.csv", text("1"))
    os.utime(path, (NOW.timestamp() - 1, NOW.timestamp() - 1))
    assert look(feeds) == [("a.csv", "waiting")]

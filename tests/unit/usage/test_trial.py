"""`usage try`: formats are recognised by what is in the file, and every line has a fate."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import shared_folder
from tests.unit.usage.golden import FOLDER, NAMES, PROFILE, golden_file
from trunkline.core.errors import Invalid, NotFound
from trunkline.usage.trial import Trial, as_json, require_format, try_file

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def tried(path: Path, name: str = "", *, mapping: Path | None = None) -> Trial:
    trial = try_file(path, form=require_format(name, mapping), profile=None, received_at=NOW)
    assert trial.rows_in == trial.decoded + trial.rejected + trial.skipped.total()
    assert trial.rejected == trial.reasons.total()
    return trial


def codes(trial: Trial) -> set[str]:
    return set(trial.missing)


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_recognised_by_its_golden_file(name: str) -> None:
    trial = try_file(golden_file(name), form=None, profile=PROFILE, received_at=NOW)
    assert (trial.format, trial.failure) == (name, ""), trial.candidates[:4]
    assert trial.candidates[0].score > trial.candidates[1].score
    expected = (FOLDER / f"{name}.expected").read_text().splitlines()
    assert trial.decoded == sum(" event " in line[:12] for line in expected[:-1])
    assert trial.rejected == sum(" reject " in line[:12] for line in expected[:-1])


@pytest.mark.parametrize(
    ("file", "name", "counts", "missing"),
    [
        ("asterisk_freepbx_export_25col.csv", "asterisk_export", (718, 138, 0), {"answer_time", "timezone"}),
        ("cisco_cucm_cdr_sample.csv", "cisco_cucm", (2, 1, 0), {"post_dial_delay"}),
        ("freeswitch_master.csv", "freeswitch", (2, 8, 0), {"vendor_trunk", "call_id"}),
        ("mobile_msc_cdr_pipe_32col_simulated.csv.gz", "mobile_msc", (3425, 6, 0), {"vendor_trunk", "record_key"}),
    ],
)
def test_real_files_of_calls_are_recognised(
    file: str, name: str, counts: tuple[int, int, int], missing: set[str]
) -> None:
    trial = tried(shared_folder("data", "cdr", file))
    assert (trial.format, (trial.decoded, trial.rejected, trial.skipped.total())) == (name, counts)
    assert missing <= codes(trial)


@pytest.mark.parametrize(
    "file", ["cisco_cube_cdr_fields.csv", "acme_packet_sbc_cdr_field_lists.zip", "nodobo_aggregates.zip"]
)
def test_real_files_without_calls_are_not_taken_for_calls(file: str) -> None:
    trial = tried(shared_folder("data", "cdr", file))
    assert (trial.format, trial.failure, trial.decoded) == (None, "unknown_format", 0)
    assert "No format fits" in trial.remark


def test_the_day_comes_first_where_a_month_cannot(tmp_path: Path) -> None:
    trial = tried(shared_folder("data", "cdr", "asterisk_freepbx_export_25col.csv"))
    row = next(row for row in trial.rows if row["fate"] == "decoded")
    assert row["start"] == datetime(2017, 9, 1, 17, 12, 5, tzinfo=UTC)


def test_the_first_lines_are_shown_with_their_fate() -> None:
    trial = tried(golden_file("cisco_cucm"))
    assert [(row["line"], row["fate"]) for row in trial.rows] == [
        (2, "skipped"), (3, "decoded"), (4, "decoded"), (5, "decoded"), (6, "rejected"), (7, "skipped"), (8, "rejected"),
        (9, "rejected"),
    ]  # fmt: skip
    assert trial.skipped == {"column_types": 1, "no_end_record": 1}


def test_blank_lines_are_skipped_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("key,called,start,duration\n\nk,442079460123,2026-01-02T15:00:00Z,5\n  \n")
    trial = tried(path)
    assert (trial.format, trial.rows_in, trial.decoded, dict(trial.skipped)) == ("common", 3, 1, {"blank": 2})
    assert codes(trial) == {"vendor_trunk", "identity", "cause", "post_dial_delay", "call_id"}


def test_columns_that_are_not_read_are_told(tmp_path: Path) -> None:
    assert tried(golden_file("asterisk_table")).more_columns == ["id", "x_codec"]
    path = tmp_path / "Master.csv"
    line = golden_file("asterisk").read_text().splitlines()[6]
    path.write_text(f"{line}\n{line},added,by the upgrade\n")
    trial = tried(path)
    assert (trial.decoded, trial.more_columns) == (2, ["2 after the last"])


def test_a_mapping_of_ones_own(tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        'name = "mine"\nfile = {kind = "delimited", separator = ";", columns = ["id", "to", "at", "secs"]}\n'
        'record = {key = "id", called = "`to`", start = "at", duration = "secs"}\n'
    )
    path = tmp_path / "a.txt"
    path.write_text("1;442079460123;2026-01-02 15:00:00;5\n2;44;soon;5\n")
    trial = tried(path, mapping=mapping)
    assert (trial.format, trial.decoded, dict(trial.reasons)) == ("mine", 1, {"bad_time": 1})
    with pytest.raises(Invalid, match="Both a format and a mapping"):
        require_format("common", mapping)
    with pytest.raises(NotFound):
        require_format("pigeon", None)


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"", "no_rows"),
        (b"\n\n", "no_rows"),
        (b"hello\nworld\n", "unknown_format"),
        (b"a\0b\0" * 100, "encoding"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], "truncated"),
        (b"PK\x03\x04 no zip", "zip_error"),
    ],
)
def test_what_is_no_usage_is_said_not_raised(tmp_path: Path, data: bytes, failure: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    trial = tried(path)
    assert (trial.failure, trial.decoded) == (failure, 0)
    assert trial.remark


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    assert tried(tmp_path / "none.csv").failure == "not_a_file"


def test_the_result_is_json() -> None:
    made = json.loads(json.dumps(as_json(tried(golden_file("mera")))))
    assert made["format"] == "mera"
    assert made["rows_in"] == made["decoded"] + made["rejected"] + made["skipped"]
    assert made["skipped"] == sum(made["skip_reasons"].values())


def run(*words: str, home: Path) -> tuple[int, str, str]:
    environment = {**os.environ, "TRUNKLINE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "usage", "try", *words], capture_output=True, text=True, env=environment
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_needs_no_database_and_writes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, out, _ = run(str(golden_file("asterisk")), "--json", home=home)
    made: dict[str, Any] = json.loads(out)
    assert (code, made["format"], made["rows_in"]) == (0, "asterisk", 18)
    assert not home.exists()
    code, out, said = run(str(golden_file("asterisk").with_suffix(".expected")), home=home)
    assert code == 1
    assert "unknown_format" in said
    assert "rejected" in out

"""`trunkline sheet read`: what it prints, without a tenant and without a database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trunkline.cli.main import build
from trunkline.core.errors import Invalid, NotFound

SHEET = "Rates effective 01.05.2027\nDestination;Code;Rate;Increment\nUK;44;0,01;60/60\nFrance;33;Blocked;1/1\nItaly;x;0,02;1/1\n"


def run(*words: str) -> str:
    done = CliRunner().invoke(build(["sheet"]), ["sheet", "read", *words])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_json_has_layout_columns_scope_counts_sample_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "vendor.csv"
    path.write_text(SHEET)
    said = json.loads(run(str(path), "--json"))
    assert set(said) == {"layout", "columns", "scope", "counts", "origins", "sample", "errors"}
    assert (said["layout"]["verdict"], said["layout"]["doubts"]) == ("read", [])
    assert [(column["header"], column["meaning"]) for column in said["columns"]] == [
        ("Destination", "destination"), ("Code", "code"), ("Rate", "price"), ("Increment", "increment"),
    ]  # fmt: skip
    assert (said["counts"]["lines"], said["counts"]["errors"], said["scope"]["scope"]) == (2, 1, "unknown")
    keys = ("code", "destination", "price", "increments", "effective", "kind")
    assert [tuple(line[key] for key in keys) for line in said["sample"]] == [
        ("44", "UK", "0.01", "60/60", "2027-05-01T00:00:00", "rate"), ("33", "France", None, "1/1", "2027-05-01T00:00:00", "blocked"),
    ]  # fmt: skip
    assert said["errors"] == [{"sheet": "vendor", "line": 5, "column": "Code", "reason": "bad_code", "text": "x"}]


def test_people_read_the_same_in_tables(tmp_path: Path) -> None:
    path = tmp_path / "vendor.csv"
    path.write_text(SHEET)
    shown = run(str(path))
    assert all(text in shown for text in ("read, confidence", "header and cells agree", "60/60", "blocked", "bad_code"))


def test_what_it_printed_is_a_layout_and_a_template(tmp_path: Path) -> None:
    first, second, layout = tmp_path / "may.csv", tmp_path / "june.csv", tmp_path / "layout.json"
    first.write_text(SHEET)
    second.write_text("Code;Increment;Rate;Destination\n39;1/1;0,03;Italy\n")
    layout.write_text(run(str(first), "--json"))
    again = json.loads(run(str(first), "--layout", str(layout), "--json"))
    assert again["sample"] == json.loads(layout.read_text())["sample"]
    next_one = json.loads(run(str(second), "--template", str(layout), "--effective", "2027-06-01", "--json"))
    assert [(line["code"], line["price"]) for line in next_one["sample"]] == [("39", "0.03")]


def test_files_days_and_layouts_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vendor.csv"
    path.write_text(SHEET)
    with pytest.raises(NotFound):
        run(str(tmp_path / "nothing.csv"))
    with pytest.raises(Invalid):
        run(str(path), "--received", "soon")
    with pytest.raises(Invalid):
        run(str(path), "--layout", str(path))

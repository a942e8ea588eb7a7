"""Where the data folder is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from trunkline.kit.home import folder, home


def test_the_variable_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "data"))
    assert home() == tmp_path / "data"


def test_a_relative_name_is_below_the_present_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUNKLINE_HOME", "data")
    assert home() == tmp_path / "data"


def test_a_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("TRUNKLINE_HOME", "~/data")
    assert home() == Path("/home/ann/data")


@pytest.mark.parametrize(
    ("uid", "data_home", "expected"),
    [
        (0, "", "/var/lib/trunkline"),
        (0, "/srv/share", "/var/lib/trunkline"),
        (1000, "", "/home/ann/.local/share/trunkline"),
        (1000, "/srv/share", "/srv/share/trunkline"),
    ],
)
def test_without_it_root_and_others_have_their_usual_places(
    monkeypatch: pytest.MonkeyPatch, uid: int, data_home: str, expected: str
) -> None:
    monkeypatch.delenv("TRUNKLINE_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_DATA_HOME", data_home)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert home() == Path(expected)


def test_a_folder_is_made_for_us_alone_whoever_reads_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "data"))
    made = folder("spool", "tenant=1")
    assert made == tmp_path / "data" / "spool" / "tenant=1"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (made, made.parent, made.parent.parent)]
    assert modes == [0o700, 0o700, 0o700]
    assert folder("spool", "tenant=1") == made

"""Drafts: kept for their tenant, found by their id, gone when they are old."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trunkline.core.errors import NotFound
from trunkline.core.ids import uuid7
from trunkline.kit.drafts import Drafts

DRAFTS = Drafts("tries", timedelta(days=1), "no_try", "There is no such try.", "Try again.")
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    return tmp_path / "cache" / "tries"


def test_a_draft_is_read_and_written_by_its_tenant_alone() -> None:
    one = DRAFTS.begin(1, {"a": 1}, at=NOW, data=[b"some", b"thing"])
    DRAFTS.write(1, one, {"a": 2})
    assert (DRAFTS.read(1, one), DRAFTS.data_path(1, one).read_bytes()) == ({"a": 2}, b"something")
    with pytest.raises(NotFound) as foreign:
        DRAFTS.read(2, one)
    with pytest.raises(NotFound) as absent:
        DRAFTS.read(2, uuid7())
    assert str(foreign.value) == str(absent.value) == "There is no such try. Try again."


def test_a_dropped_draft_is_gone_with_its_octets(own_folder: Path) -> None:
    DRAFTS.drop(1, DRAFTS.begin(1, {}, at=NOW, data=[b"x"]))
    assert list((own_folder / "tenant=1").iterdir()) == []


def test_what_is_too_old_goes_when_another_begins(own_folder: Path) -> None:
    old = DRAFTS.begin(1, {}, at=NOW, data=[b"x"])
    for path in (own_folder / "tenant=1").iterdir():
        os.utime(path, (0, 0))
    new = DRAFTS.begin(1, {}, at=NOW)
    assert [path.stem for path in (own_folder / "tenant=1").iterdir()] == [str(new)]
    with pytest.raises(NotFound):
        DRAFTS.read(1, old)


def test_octets_that_break_off_leave_nothing(own_folder: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        DRAFTS.begin(1, {}, at=NOW, data=broken())
    assert list((own_folder / "tenant=1").iterdir()) == []

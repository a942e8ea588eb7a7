"""Connections that the web keeps: a fence is never moved, and nobody shares one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from trunkline.usage import lending
from trunkline.usage.lending import close_kept, lend
from trunkline.usage.segments import COMMAND, WEB


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    close_kept()
    yield
    close_kept()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.parquet" for number in range(2)]
    with duckdb.connect(":memory:") as connection:
        for number, path in enumerate(paths):
            connection.execute(f"COPY (SELECT {number} AS number) TO '{path}' (FORMAT parquet)")
    return paths


def _read(connection: Any, path: Path) -> list[Any]:
    found: list[Any] = connection.sql(f"SELECT number FROM read_parquet('{path}')").fetchall()
    return found


def test_who_reads_the_same_files_next_gets_the_same_connection(files: list[Path]) -> None:
    with lend(files, limits=WEB) as first:
        assert [_read(first, path) for path in files] == [[(0,)], [(1,)]]
    with lend(files, limits=WEB) as second:
        assert second is first
        assert [_read(second, path) for path in files] == [[(0,)], [(1,)]]


def test_who_reads_fewer_files_is_fenced_in_to_these(files: list[Path]) -> None:
    with lend(files, limits=WEB):
        pass
    with lend(files[:1], limits=WEB) as fewer:
        assert _read(fewer, files[0]) == [(0,)]
        with pytest.raises(duckdb.PermissionException):
            _read(fewer, files[1])


def test_a_kept_connection_stays_locked(files: list[Path]) -> None:
    for _ in range(2):
        with lend(files, limits=WEB) as connection, pytest.raises(duckdb.InvalidInputException):
            connection.execute("SET enable_external_access=true")


def test_two_readers_at_once_have_a_connection_each(files: list[Path]) -> None:
    with lend(files, limits=WEB) as first, lend(files, limits=WEB) as second:
        assert second is not first


def test_after_an_error_a_connection_is_closed(files: list[Path]) -> None:
    with pytest.raises(KeyError), lend(files, limits=WEB) as failed:
        raise KeyError
    with pytest.raises(duckdb.ConnectionException):
        failed.execute("SELECT 1")
    with lend(files, limits=WEB) as next_one:
        assert next_one is not failed


def test_the_command_line_keeps_none(files: list[Path]) -> None:
    with lend(files, limits=COMMAND) as connection:
        pass
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("SELECT 1")


def test_no_more_than_some_are_kept_and_none_for_long(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "KEPT_MAX", 1)
    with lend(files, limits=WEB) as first, lend(files, limits=WEB) as second:
        pass
    with pytest.raises(duckdb.ConnectionException):
        second.execute("SELECT 1")  # given back before the first
    monkeypatch.setattr(lending, "KEPT_S", 0.0)
    with lend(files, limits=WEB) as third:
        assert third is not first

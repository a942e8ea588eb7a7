"""Chunks of whole lines: every line once, its number right, whatever the size of the blocks."""

from __future__ import annotations

import gzip
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.usage.decode import Chunk, FileFailed, Limits, chunks, open_source
from trunkline.usage.decode.chunking import LINE_OCTETS_MAX
from trunkline.usage.decode.raw import RAW_OCTETS
from trunkline.usage.reasons import FileFailure

MIB = 1 << 20


def cut(path: Path, size: int, *, has_header: bool = False, limits: Limits | None = None) -> list[Chunk]:
    with open_source(path, limits=limits) as source:
        return list(chunks(source, size, has_header=has_header))


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def failure_of(path: Path, *, has_header: bool = False) -> FileFailure:
    with pytest.raises(FileFailed) as caught:
        cut(path, MIB, has_header=has_header)
    return caught.value.failure


@given(lines=st.lists(st.sampled_from([b"", b"a", b"bc,d", b"x" * 30, b"\r"]), min_size=1), size=st.integers(1, 90))
def test_chunks_put_together_are_the_file_and_count_its_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int
) -> None:
    data = b"row\n" + b"\n".join(lines)
    found = cut(written(tmp_path_factory.mktemp("chunks") / "a", data), size)
    assert b"".join(chunk.data for chunk in found) == data
    line = 1
    for chunk in found:
        assert chunk.first_line == line
        line += chunk.data.count(b"\n")
    assert all(chunk.data.endswith(b"\n") for chunk in found[:-1])
    assert [chunk.is_first for chunk in found].count(True) == 1


def test_a_byte_order_mark_is_skipped_at_the_start_only(tmp_path: Path) -> None:
    path = written(tmp_path / "a", b"\xef\xbb\xbfa\nb\n")
    assert [chunk.data for chunk in cut(path, MIB)] == [b"a\nb\n"]


@pytest.mark.parametrize("coding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf_16_and_32_are_refused_with_and_without_mark(tmp_path: Path, coding: str) -> None:
    assert failure_of(written(tmp_path / "a", ("a,b,c\n" * 100).encode(coding))) is FileFailure.ENCODING


def test_a_few_nul_bytes_do_not_fail_the_file(tmp_path: Path) -> None:
    assert len(cut(written(tmp_path / "a", b"a,b\0,c\n" * 10 + b"12345678\n" * 10), MIB)) == 1


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \r\n\t\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_row_fails(tmp_path: Path, data: bytes) -> None:
    assert failure_of(written(tmp_path / "a", data)) is FileFailure.NO_ROWS


def test_the_header_goes_with_every_chunk_and_counts_as_a_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a", b"\xef\xbb\xbfh1,h2\r\n1,2\r\n3,4\r\n")
    for size in (1, 3, 8, MIB):
        found = cut(path, size, has_header=True)
        assert {chunk.header for chunk in found} == {b"h1,h2"}
        assert b"".join(chunk.data for chunk in found) == b"1,2\r\n3,4\r\n"
        assert found[0].first_line == 2
    for data in (b"h1,h2", b"h1,h2\n", b"h1,h2\n\n"):
        assert failure_of(written(path, data), has_header=True) is FileFailure.NO_ROWS


def test_the_members_of_a_zip_share_their_header(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"a": "h\n1\n2", "empty": "", "b": "h\n3\n"}.items():
            archive.writestr(name, data)
    found = cut(path, MIB, has_header=True)
    assert [(chunk.first_line, chunk.data, chunk.is_first) for chunk in found] == [
        (2, b"1\n", True), (3, b"2", False), (5, b"3\n", False),
    ]  # fmt: skip
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("c", "other\n4\n")
    assert failure_of(path, has_header=True) is FileFailure.HEADER_CHANGED


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("size", [1000, LINE_OCTETS_MAX, 3 * LINE_OCTETS_MAX])
def test_a_line_beyond_the_longest_comes_alone_with_its_beginning(tmp_path: Path, end: bytes, size: int) -> None:
    long = b"y" * (2 * LINE_OCTETS_MAX + 17)
    after = b"after\n" if end else b""
    found = cut(written(tmp_path / "a", b"before\n" + long + end + after), size)
    if size < len(long):
        alone = next(chunk for chunk in found if chunk.overlong_octets)
        assert (alone.first_line, alone.data, alone.overlong_octets) == (2, long[:RAW_OCTETS], len(long))
    assert found[-1].data.endswith(after)
    if size < len(long):
        assert found[-1].first_line == (3 if after else 2)


def test_a_header_beyond_the_longest_line_fails_the_file(tmp_path: Path) -> None:
    for data in (b"h" * (LINE_OCTETS_MAX + 1) + b"\n1\n", b"h" * (3 * LINE_OCTETS_MAX)):
        assert failure_of(written(tmp_path / "a", data), has_header=True) is FileFailure.LINE_TOO_LONG


@pytest.mark.slow
def test_a_line_of_two_gigabytes_passes_in_constant_memory(tmp_path: Path) -> None:
    member = gzip.compress(b"z" * (64 * MIB), compresslevel=1)
    path = written(tmp_path / "a.gz", gzip.compress(b"1\n") + member * 32 + gzip.compress(b"\n3\n"))
    tracemalloc.start()
    found = cut(path, 8 * MIB, limits=Limits(ratio=2_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(chunk.first_line, chunk.overlong_octets) for chunk in found] == [(1, 0), (2, 2 << 30), (3, 0)]
    assert peak < 96 * MIB

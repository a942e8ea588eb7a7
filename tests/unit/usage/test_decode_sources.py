"""Files on disk: what is opened, what is refused, what is noticed."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from trunkline.usage.decode import FileFailed, Limits, content_blocks, content_hash, open_source
from trunkline.usage.reasons import FileFailure

TEXT = b"one,two\nthree,four\n"


def failure_of(act: Callable[[], object]) -> FileFailure:
    with pytest.raises(FileFailed) as caught:
        act()
    return caught.value.failure


def read(path: Path, limits: Limits | None = None) -> bytes:
    with open_source(path, limits=limits) as source:
        return b"".join(content_blocks(source, 7))


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_plain_gzip_and_zip_have_the_same_content_and_hash(tmp_path: Path) -> None:
    plain, packed, archive = tmp_path / "a.csv", tmp_path / "a.csv.gz", tmp_path / "a.zip"
    plain.write_bytes(TEXT)
    packed.write_bytes(gzip.compress(TEXT))
    zip_of(archive, {"folder/a.csv": TEXT})
    hashes = set()
    for path in (plain, packed, archive):
        assert read(path) == TEXT
        with open_source(path) as source:
            hashes.add(content_hash(source))
    assert hashes == {(hashlib.sha256(TEXT).hexdigest(), len(TEXT))}


def test_the_kind_is_told_by_the_first_bytes_not_by_the_name(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_bytes(gzip.compress(TEXT))
    assert read(path) == TEXT


def test_a_source_can_be_read_again_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT))
    with open_source(path) as source:
        assert content_hash(source) == content_hash(source)
        assert source.progress_octets == source.size


def test_gzip_members_on_end_and_padding_are_one_content(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT) + gzip.compress(b"five\n") + b"\0" * 700)
    assert read(path) == TEXT + b"five\n"


def test_zip_members_follow_each_other_with_a_line_end_between(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"b.csv": b"1\n2", "a.csv": b"3\n", "__MACOSX/._a.csv": b"\0\1", "empty/": b""})
    assert read(path) == b"1\n2\n3\n"


@pytest.mark.parametrize("cut", [1, 9, 10, 25, -1, -8])
def test_a_gzip_that_ends_early_is_truncated(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TEXT * 50)[:cut] if cut != 1 else b"\x1f\x8b"[:2])
    assert failure_of(lambda: read(path)) is FileFailure.TRUNCATED


def test_an_empty_gzip_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(b"")
    assert failure_of(lambda: read(path)) is FileFailure.TRUNCATED


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(TEXT, mtime=0)[:-6] + b"\xff" * 6, gzip.compress(TEXT, mtime=0) + b"garbage", b"no gzip"],
    ids=["wrong checksum", "garbage behind", "no gzip"],
)
def test_a_damaged_gzip_is_an_archive_error(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed)
    assert failure_of(lambda: read(path)) is FileFailure.ZIP_ERROR


@pytest.mark.parametrize(
    "name", ["../a.csv", "a/../../b.csv", "/etc/passwd", "..\\a.csv", "C:\\a.csv", "C:/a.csv", "\\\\host\\a.csv"]
)
def test_a_zip_whose_names_point_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "a.zip", {"good.csv": TEXT, name: TEXT})
    assert failure_of(lambda: read(path)) is FileFailure.ZIP_ERROR


def test_a_zip_without_files_is_refused(tmp_path: Path) -> None:
    for members in ({}, {"folder/": b""}, {"__MACOSX/a": b"x"}):
        assert failure_of(lambda members=members: read(zip_of(tmp_path / "a.zip", members))) is FileFailure.ZIP_ERROR


def test_nested_archives_are_refused_by_name_and_by_content(tmp_path: Path) -> None:
    inner = zip_of(tmp_path / "inner.zip", {"a.csv": TEXT}).read_bytes()
    for members in ({"inner.zip": inner}, {"inner.csv": inner}, {"a.csv.gz": gzip.compress(TEXT)}):
        assert failure_of(lambda members=members: read(zip_of(tmp_path / "a.zip", members))) is FileFailure.ZIP_ERROR
    twice = tmp_path / "a.csv.gz"
    twice.write_bytes(gzip.compress(gzip.compress(TEXT)))
    assert failure_of(lambda: read(twice)) is FileFailure.ZIP_ERROR


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": TEXT})
    data = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # APPNOTE 4.3.7 and 4.3.12: bit 0 of the flags
        data[data.find(mark) + flags] |= 1
    path.write_bytes(data)
    assert failure_of(lambda: read(path)) is FileFailure.ZIP_ERROR


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("a.csv")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    assert failure_of(lambda: read(path)) is FileFailure.ZIP_ERROR


def test_a_cut_or_damaged_zip_is_an_archive_error(tmp_path: Path) -> None:
    whole = zip_of(tmp_path / "a.zip", {"a.csv": os.urandom(5000)}).read_bytes()
    for damaged in (whole[:100], whole[:-1], whole[:2000] + b"\0" * 50 + whole[2050:], b"no zip"):
        path = tmp_path / "b.zip"
        path.write_bytes(damaged)
        assert failure_of(lambda path=path: read(path)) is FileFailure.ZIP_ERROR


def test_bombs_stop_at_the_ratio_and_at_the_absolute_limit(tmp_path: Path) -> None:
    data = b"\n" * 3_000_000
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(data))
    archive = zip_of(tmp_path / "a.zip", {"a.csv": data})
    for path in (packed, archive):
        assert failure_of(lambda path=path: read(path, Limits(free_octets=10_000))) is FileFailure.TOO_LARGE
        assert failure_of(lambda path=path: read(path, Limits(octets=1_000_000))) is FileFailure.TOO_LARGE
    with open_source(packed) as source:  # within the free octets any ratio may be
        assert content_hash(source)[1] == len(data)


def test_a_zip_with_too_many_members_is_refused_before_its_list_is_read(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {f"{n}.csv": b"" for n in range(5)})
    assert failure_of(lambda: open_source(path, limits=Limits(members=4))) is FileFailure.TOO_LARGE
    data = path.read_bytes()
    end = data.rfind(b"PK\x05\x06")
    path.write_bytes(data[: end + 12] + struct.pack("<L", 0xFFFFFFFF) + data[end + 16 :])  # ZIP64 says it elsewhere
    assert failure_of(lambda: open_source(path)) is FileFailure.TOO_LARGE


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT)
    link, pipe, port = tmp_path / "link.csv", tmp_path / "pipe.csv", tmp_path / "s"
    link.symlink_to(tmp_path / "a.csv")
    os.mkfifo(pipe)
    listener = socket.socket(socket.AF_UNIX)
    cwd = Path.cwd()
    os.chdir(tmp_path)  # a socket's path is short
    try:
        listener.bind("s")
    finally:
        os.chdir(cwd)
    for path in (link, pipe, port, tmp_path, Path("/dev/zero"), tmp_path / "missing.csv", tmp_path / "a.csv" / "b"):
        assert failure_of(lambda path=path: open_source(path)) is FileFailure.NOT_A_FILE, path
    listener.close()
    assert failure_of(lambda: open_source("nul\0byte")) is FileFailure.NOT_A_FILE


def test_descriptors_are_closed_whatever_happens(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    bad = tmp_path / "a.zip"
    bad.write_bytes(b"PK\x03\x04 and no more")
    for path in (tmp_path, bad):
        failure_of(lambda path=path: open_source(path))
    good = zip_of(tmp_path / "b.zip", {"a.csv": TEXT})
    source = open_source(good)
    source.close()
    source.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more\n")


def _replace(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def _rewrite(path: Path) -> None:
    path.write_bytes(TEXT[::-1])
    os.utime(path, ns=(1, 1))


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("change", [_append, _replace, _rewrite, _cut, Path.unlink])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_changes_while_it_is_read_is_noticed(
    tmp_path: Path, change: Callable[[Path], None], pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(pack(TEXT * 100))

    def read_while_changing() -> None:
        with open_source(path) as source:
            for at, _ in enumerate(content_blocks(source, 100)):
                if at == 1:
                    change(path)

    assert failure_of(read_while_changing) is FileFailure.SOURCE_CHANGED


def test_what_is_appended_while_reading_is_not_read_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT * 10)
    octets = 0

    def read_while_growing() -> None:
        nonlocal octets
        with open_source(path) as source:
            for block in content_blocks(source, len(TEXT)):
                octets += len(block)
                _append(path)

    assert failure_of(read_while_growing) is FileFailure.SOURCE_CHANGED
    assert octets == len(TEXT) * 10

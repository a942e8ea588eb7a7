"""Usage files: the same bytes each time, exact numbers of lines, duplicates within and across files, flat memory."""

import gzip
import hashlib
from collections import Counter
from datetime import UTC, datetime
from functools import cache

import pytest

from trunkline.core.errors import Invalid
from trunkline.simulate.draws import Draws
from trunkline.simulate.files import Dirt, FileSpec, minutes_by_day, total, write_files
from trunkline.simulate.flaws import Flaw
from trunkline.simulate.formats import FORMATS
from trunkline.simulate.text import stamps, uuids
from trunkline.simulate.traffic import Source, TrafficPlan, popular_codes
from trunkline.simulate.usage import write_usage


@cache
def plan() -> TrafficPlan:
    codes, weights = popular_codes(400)
    sources = (Source("a", 2, trunk="a-in", account_code="1"), Source("b", 1, trunk="b-in", account_code="2"))
    return TrafficPlan(7, datetime(2026, 3, 2, tzinfo=UTC), (1, 1), sources, codes, weights)


def specs(names):
    return [FileSpec(name, begin, end) for name, (begin, end) in zip(names, minutes_by_day(2, 24), strict=True)]


def lines_of(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert data.endswith(b"\n")
    return data.split(b"\n")[:-1]


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_the_same_arguments_write_the_same_bytes(tmp_path, format_name):
    dirt = Dirt(20_000, {Flaw.FIELD_COUNT: 5_000, Flaw.CONFLICTING_DUPLICATE: 5_000})
    found = []
    for folder in ("one", "two"):
        write_files(
            plan(), specs(["a.csv", "b.csv.gz"]), tmp_path / folder, records=3_000, format_name=format_name, dirt=dirt
        )
        found.append([(tmp_path / folder / name).read_bytes() for name in ("a.csv", "b.csv.gz")])
    assert found[0] == found[1]


def test_the_bytes_have_not_changed():
    """Guards against a machine, numpy or Arrow that draws or writes otherwise. Numbers follow the pinned phonenumbers."""
    draws = Draws(1, "golden")
    words = draws.words(4)
    identifiers = uuids(words[:2], words[2:]).to_pylist()
    instants = draws.below(2**31, 2) * 1000 + 123
    shown = [
        *identifiers,
        *stamps(instants, "Africa/Nairobi").to_pylist(),
        *stamps(instants, "UTC", fraction=True).to_pylist(),
    ]
    assert (
        hashlib.sha256("\n".join(shown).encode()).hexdigest()
        == "fca2afcacfde11e5462f9370f875c3ae9b7901b2f6c8ef10ab6b091751b71be3"
    )


def test_lines_are_as_many_as_asked_for_whatever_is_wrong_with_them(tmp_path):
    dirt = Dirt(30_000, dict.fromkeys((Flaw.FIELD_COUNT, Flaw.BAD_NUMBER, Flaw.CONFLICTING_DUPLICATE), 2_000))
    files = write_files(
        plan(), specs(["a.csv", "b.csv"]), tmp_path, records=10_001, format_name="freeswitch_trunks", dirt=dirt
    )
    assert sum(len(lines_of(file.path)) for file in files) == 10_001
    sums = total(files)
    assert sums["records"] == 10_001
    assert sums["duplicates"] == 300
    assert sums["rejected"] == 60
    assert sums["rated"] == 10_001 - 360
    assert [file.octets for file in files] == [file.path.stat().st_size for file in files]


def test_duplicates_lie_within_files_and_across_them(tmp_path):
    files = write_files(
        plan(), specs(["a.csv", "b.csv"]), tmp_path, records=8_000, format_name="freeswitch_trunks", dirt=Dirt(50_000)
    )
    first, second = (lines_of(file.path) for file in files)
    within = [len(lines) - len(set(lines)) for lines in (first, second)]
    across = sum(count for line, count in Counter(second).items() if line in set(first))
    assert within[0] == files[0].duplicates
    assert across == files[1].duplicates // 2
    assert within[1] + across == files[1].duplicates


def test_a_contradiction_has_the_key_of_another_record_and_other_content(tmp_path):
    (file,) = write_files(
        plan(),
        [FileSpec("a.csv", 0, 2880)],
        tmp_path,
        records=5_000,
        format_name="freeswitch_trunks",
        dirt=Dirt(0, {Flaw.CONFLICTING_DUPLICATE: 2_000}),
    )
    lines = lines_of(file.path)
    seen: dict[bytes, bytes] = {}
    contradictions = 0
    for line in lines:
        key = line.split(b",")[0]
        contradictions += seen.setdefault(key, line) != line
    assert len(set(lines)) == len(lines)
    assert contradictions == file.rejects["conflicting_duplicate"] == 10


def test_packed_files_hold_the_same_lines(tmp_path):
    for name in ("a.csv", "a.csv.gz"):
        write_files(plan(), [FileSpec(name, 0, 2880)], tmp_path, records=500, format_name="common")
    assert lines_of(tmp_path / "a.csv") == lines_of(tmp_path / "a.csv.gz")


def test_a_file_of_several_chunks_is_as_long_and_tells_its_progress(tmp_path, monkeypatch):
    monkeypatch.setattr("trunkline.simulate.files.CHUNK_RECORDS", 1_000)
    told = []
    (file,) = write_files(
        plan(),
        [FileSpec("a.csv", 0, 2880)],
        tmp_path,
        records=4_500,
        format_name="freeswitch_trunks",
        dirt=Dirt(10_000, {Flaw.BAD_TIME: 1_000}),
        on_progress=told.append,
    )
    assert told == [900] * 5
    assert len(lines_of(file.path)) == 4_500
    assert (file.duplicates, file.rejects) == (45, {"bad_time": 4})


def test_a_flaw_that_no_record_can_have_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 can"):
        write_files(
            plan(),
            [FileSpec("a.csv", 0, 2880)],
            tmp_path,
            records=1_000,
            format_name="common",
            dirt=Dirt(0, {Flaw.UNKNOWN_BUY: 5_000}),
        )


def test_write_usage_writes_one_file(tmp_path):
    written = write_usage(2_000, "common", 3, tmp_path / "made" / "calls.csv")
    assert written.path == tmp_path / "made" / "calls.csv"
    assert len(lines_of(written.path)) == 2_001  # with the header
    again = write_usage(2_000, "common", 3, tmp_path / "again.csv")
    other = write_usage(2_000, "common", 4, tmp_path / "other.csv")
    assert written.path.read_bytes() == again.path.read_bytes()
    assert written.path.read_bytes() != other.path.read_bytes()


@pytest.mark.parametrize(("records", "name", "code"), [(10, "tap3", "unknown_format"), (0, "common", "record_count")])
def test_write_usage_refuses_what_it_cannot_do(tmp_path, records, name, code):
    with pytest.raises(Invalid) as caught:
        write_usage(records, name, 1, tmp_path / "x.csv")
    assert caught.value.code == code
    assert not (tmp_path / "x.csv").exists()

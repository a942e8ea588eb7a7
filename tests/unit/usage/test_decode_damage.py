"""Every format on its golden file after an accident: nothing crashes, nothing is lost, wherever the chunks are cut.

The formats are those of the registry, so a new one is tried by being registered. Fast readers agree with the plain ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import combinations, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.usage.golden import FOLDER, PROFILE, as_text, golden_file
from trunkline.simulate import samples
from trunkline.usage.decode import (
    FORMATS,
    Chunk,
    Decoded,
    FileFailed,
    SwitchProfile,
    chunks,
    get_format,
    open_source,
    pairs,
)
from trunkline.usage.decode.assembly import decoded_chunks
from trunkline.usage.decode.framing import XmlDocuments
from trunkline.usage.decode.freeswitch_documents import NAMES as COLUMNS
from trunkline.usage.decode.freeswitch_documents import FreeSwitchXml
from trunkline.usage.decode.lines import Lines
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.names import Names
from trunkline.usage.decode.pairs import Pairs
from trunkline.usage.decode.plain_detail import read_plain
from trunkline.usage.decode.radius import _COLUMNS as ATTRIBUTES
from trunkline.usage.decode.radius import _is_plainly_start, _texts
from trunkline.usage.reasons import Reason

pytestmark = pytest.mark.slow

NAMES = tuple(name for name in FORMATS if not name.startswith("mapping"))

NEVER_LATE = SwitchProfile(received_at=datetime(2030, 1, 1, tzinfo=UTC))

Place = st.floats(0, 0.999)


def at(data: bytes, place: float) -> int:
    return int(place * len(data))


def flip(data: bytes, place: float, other: float, bit: int) -> bytes:
    """One bit is another."""
    where = at(data, place)
    return data[:where] + bytes([data[where] ^ (1 << bit)]) + data[where + 1 :]


def cut_line(data: bytes, place: float, other: float, bit: int) -> bytes:
    """The end of a line is lost, and the line end with it or not."""
    where = at(data, place)
    end = data.find(b"\n", where)
    return data[:where] + (data[end + bit % 2 :] if end >= 0 else b"")


def double(data: bytes, place: float, other: float, bit: int) -> bytes:
    """A separator is doubled."""
    where = data.find([b",", b"|", b"=", b">", b"\t", b'"', b"\n", b"</"][bit], at(data, place))
    return data[: where + 1] + data[where:] if where >= 0 else data


def swap_lines(data: bytes, place: float, other: float, bit: int) -> bytes:
    """Two lines have changed places."""
    lines = data.split(b"\n")
    one, two = int(place * len(lines)), int(other * len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def insert(data: bytes, place: float, other: float, bit: int) -> bytes:
    """A quote, a NUL, octets that are no UTF-8, or a very long field."""
    piece = [b'"', b"'", b"\0", b"\xff\xfe", b"\r", b"&", b"9" * 70_000, b"</cdr>"][bit]
    where = at(data, place)
    return data[:where] + piece + data[where:]


def repeat(data: bytes, place: float, other: float, bit: int) -> bytes:
    """A piece is written twice."""
    one, two = sorted((at(data, place), at(data, other)))
    return data[:two] + data[one:two] + data[two:]


ACCIDENTS: tuple[Callable[[bytes, float, float, int], bytes], ...] = (
    flip,
    cut_line,
    double,
    swap_lines,
    insert,
    repeat,
)
CHANGES = st.lists(st.tuples(st.sampled_from(ACCIDENTS), Place, Place, st.integers(0, 7)), min_size=1, max_size=4)


def whole_file(name: str) -> bytes:
    return golden_file(name).read_bytes() if (FOLDER / f"{name}.expected").exists() else b""


def taken(name: str, data: bytes, size: int = 1 << 20) -> tuple[bool, str]:
    """Whether the file is taken, and what becomes of it line by line, or the code of its failure. Every line in is one out."""
    form = get_format(name)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        parts: list[str] = []
        counts: Counter[str] = Counter()
        seen: list[Chunk] = []
        rows = 0
        try:
            with open_source(path) as source:
                pieces = chunks(source, size, has_header=form.has_header, framing=form.framing)
                for _, decoded in decoded_chunks(noted(pieces, seen), form, PROFILE):
                    check(decoded)
                    rows += decoded.events.num_rows + decoded.rejects.num_rows + decoded.skipped
                    parts += as_text(decoded).splitlines()[:-1]
                    counts.update(decoded.skip_reasons)
        except FileFailed as error:
            return False, error.code
    if form.framing is None and not any(chunk.overlong_octets for chunk in seen):
        assert rows == sum(chunk.data.count(b"\n") + (not chunk.data.endswith(b"\n")) for chunk in seen if chunk.data)
    return True, "\n".join([*parts, str(sorted(counts.items()))])


def noted(pieces: Iterator[Chunk], seen: list[Chunk]) -> Iterator[Chunk]:
    for piece in pieces:
        seen.append(piece)
        yield piece


def check(decoded: Decoded) -> None:
    """What is passed over has its reasons; rejects say why and keep their text."""
    assert sum(decoded.skip_reasons.values()) <= decoded.skipped
    for row in decoded.rejects.to_pylist():
        assert row["reason"] in list(Reason)
        assert row["detail"]
        assert row["raw"]
    for row in decoded.events.to_pylist():
        assert row["key"]
        assert row["start"] <= (row["answer"] or row["start"]) <= row["end"]
        assert 0 <= row["quantity"] <= 2**63 - 1


OF_COMPANY = re.compile(r"attempt=\d+ \| is_last=\w+ \| ")


@pytest.mark.parametrize("name", NAMES)
@example(changes=[(cut_line, 0.37109375, 0.0, 0), (cut_line, 0.37064669861489175, 0.0, 0)])  # a year of five digits
@given(changes=CHANGES)
def test_an_accident_crashes_nothing_and_loses_nothing(
    name: str, changes: list[tuple[Callable[[bytes, float, float, int], bytes], float, float, int]]
) -> None:
    data = whole_file(name)
    for accident, place, other, bit in changes:
        data = accident(data, place, other, bit) if data else b"x"
    _, whole = taken(name, data)
    if get_format(name).framing is None:
        _, apart = taken(name, data, 256)
        if "header_changed" not in {whole, apart} and "no_rows" not in {whole, apart}:
            assert _without_company(name, whole) == _without_company(name, apart)


def _without_company(name: str, text: str) -> str:
    """Rows of one Asterisk channel are numbered among those that are read with them (docs/algorithms/legs.md)."""
    return OF_COMPANY.sub("", text) if name.startswith("asterisk") else text


@pytest.mark.parametrize("name", NAMES)
def test_a_megabyte_without_an_end_is_one_reject_or_fails_the_file(name: str) -> None:
    form = get_format(name)
    data = whole_file(name)
    head = data.split(b"\n", 1)[0] + b"\n" if form.has_header else b""
    for piece in (b"9", b'"', b"=", b"<", b"{", b"\\", b",", b" "):
        _, result = taken(name, head + piece * (1 << 20) + b"9" * 100 + b"\n" + data.split(b"\n", 1)[-1])
        assert result


@pytest.mark.parametrize(
    ("one", "other"),
    list(combinations(("asterisk", "mera", "acme_sbc", "vos_text", "radius_detail", "freeswitch_xml"), 2)),
)
def test_two_formats_in_one_file_are_told_apart_or_the_file_is_refused(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        alone = taken(first, whole_file(first))[1].splitlines()
        _, both = taken(first, whole_file(first) + b"\n" + whole_file(second))
        if both == "header_changed":  # most of the first lines are of another format
            continue
        events = [line for line in alone if " event " in line[:12]]
        assert [line for line in both.splitlines() if " event " in line[:12]][: len(events)] == events


def test_a_column_that_moved_fails_the_file_and_is_named() -> None:
    renamed = golden_file("cisco_cucm").read_bytes().replace(b"pkid", b"recordid")
    assert failure("cisco_cucm", renamed) == "The header of cisco_cucm lacks pkid."
    short = b"acacia,0711000111,00442079460123,2026-01-02 17:00:00,5,ANSWERED\n" * 3
    said = "3 of the first 3 lines are not of the format asterisk. The first of them: 6 fields instead of 16 or 17 or"
    assert failure("asterisk", short).startswith(said)


def test_columns_that_an_upgrade_adds_are_kept_and_change_nothing() -> None:
    lines = golden_file("cisco_cucm").read_bytes().splitlines()
    wider = b"\n".join([lines[0] + b',"added"', *(line + b",9" for line in lines[1:] if line)])
    plain = taken("cisco_cucm", b"\n".join(line for line in lines if line))[1]
    assert [
        line.split(" | raw=")[0] for line in taken("cisco_cucm", wider)[1].splitlines() if " event " in line[:12]
    ] == [line for line in plain.splitlines() if " event " in line[:12]]


def failure(name: str, data: bytes) -> str:
    """Why a file fails as a whole."""
    form = get_format(name)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        try:
            with open_source(path) as source:
                for chunk in chunks(source, has_header=form.has_header, framing=form.framing):
                    form.decode(chunk, PROFILE)
        except FileFailed as error:
            return error.message
    return ""


@pytest.mark.parametrize("name", samples.NAMES)
def test_made_records_are_all_decoded(name: str) -> None:
    form = get_format(name)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(samples.head(name) + b"".join(samples.blocks(name, 600)))
        seen = rejected = 0
        with open_source(path) as source:
            for chunk in chunks(source, has_header=form.has_header, framing=form.framing):
                decoded = form.decode(chunk, NEVER_LATE)
                seen += decoded.events.num_rows + decoded.skipped
                rejected += decoded.rejects.num_rows
    assert (seen, rejected) == (600, 0)


def test_every_format_has_samples() -> None:
    assert set(samples.NAMES) | {"freeswitch_templates"} == set(NAMES)


# Fast readers against the plain ones

XML = FreeSwitchXml()
PIECES = st.sampled_from(
    [b"<", b">", b"/", b'"', b"&", b"&amp;", b"&lt;&#65;", b"<uuid>", b"</uuid>", b"<uuid/>", b"<uuid>x</uuid>", b"<variables>",
     b"</variables>", b"\r", b"\t", b'<a b="1"/>', b"<a b='1'/>", b"<!--x-->", b"=", b" ", b"<callflow>", b"</callflow>",
     b'<a b="1" b="2"></a>', b"<times></times>", b"<x:y></x:y>", b"\xc3\xa9", b"<?pi?>", b"\x0b", b"]]>",
     b"<originatee><originatee_caller_profile><uuid>9</uuid></originatee_caller_profile></originatee>", b"<billsec>7</billsec>"]
)  # fmt: skip
SCARS = st.lists(st.tuples(Place, st.sampled_from([0, 0, 1, 6, 40]), PIECES), max_size=4)


def scarred(document: bytes, scars: list[tuple[float, int, bytes]]) -> bytes:
    for place, length, piece in scars:
        where = max(document.find(b"<", at(document, place)), 0)
        document = document[:where] + piece + document[where + length :]
    return document.strip() or b"x"


def xml_documents() -> list[bytes]:
    text = golden_file("freeswitch_xml").read_bytes()
    starts = [*XmlDocuments("cdr").starts(text).tolist(), len(text)]
    golden = [text[low:high].strip() for low, high in pairwise(starts)]
    made = b"".join(samples.blocks("freeswitch_xml", 2))
    return [each for each in golden if each.isascii() and b"\0" not in each] + [made[: made.index(b"</cdr>") + 6]]


DOCUMENTS = xml_documents()


@given(chosen=st.lists(st.tuples(st.integers(0, 99), SCARS), min_size=1, max_size=6))
@example(chosen=[(0, [(0.0, 0, b"=")])])
@example(chosen=[(1, [(0.0, 0, b"=")])])
@example(chosen=[(0, [(0.999, 60, b"</cdr>=")])])
def test_plain_xml_says_what_a_parser_says(chosen: list[tuple[int, list[tuple[float, int, bytes]]]]) -> None:
    documents = [scarred(DOCUMENTS[number % len(DOCUMENTS)], scars) for number, scars in chosen]
    fast, fast_bad = XML.columns(documents)
    slow, slow_bad = XML._parsed(documents)
    assert fast_bad == slow_bad
    assert {name: fast[name].to_pylist() for name in COLUMNS} == {name: slow[name].to_pylist() for name in COLUMNS}


def details() -> list[bytes]:
    text = golden_file("radius_detail").read_bytes() + b"\n\n" + b"".join(samples.blocks("radius_detail", 8))
    return [each.strip() for each in text.split(b"\n\n") if each.strip() and b"\0" not in each and each.isascii()]


DETAILS = details()
LINES = st.sampled_from(
    [b"\n", b"\n\tCisco-AVPair = \"in-trunkgroup-label=z\"", b"\n\tAcct-Session-Id += 5", b"\n\tCalled-Station-Id = ", b"\n\tUser-Name=x",
     b'\n\th323-conf-id = "h323-conf-id= 9"', b"\n\tAcct-Session-Time = 7,", b'\n\tUser-Name = "a\\"b"', b"\n\tUSER-NAME = 'q'",
     b"\n  Acct-Status-Type =  Stop", b"\n\tAcct-Session-Id:0 = 8", b"\n# note", b"\nhead line", b"=", b'"', b" ", b"\r",
     b'\n\tCisco-AVPair = "h323-ivr-out=h323-incoming-conf-id:77"', b'\n\tcisco-avpair = "subscriber = x"', b"\t", b","]
)  # fmt: skip
CUTS = st.lists(st.tuples(Place, st.sampled_from([0, 0, 1, 9]), LINES), max_size=4)


@given(chosen=st.lists(st.tuples(st.integers(0, 99), CUTS), min_size=1, max_size=6))
@example(chosen=[(0, [(0.5, 0, b"\n")])])
def test_plain_detail_says_what_is_read_line_by_line(chosen: list[tuple[int, list[tuple[float, int, bytes]]]]) -> None:
    records = []
    for number, cuts in chosen:
        record = DETAILS[number % len(DETAILS)]
        for place, length, piece in cuts:
            where = at(record, place)
            record = record[:where] + piece + record[where + length :]
        records.append(record.strip() or b"x")
    found = read_plain(records, ATTRIBUTES)
    plain = [record for record, is_plain in zip(records, found.is_plain.tolist(), strict=True) if is_plain]
    for row, record in enumerate(plain):
        fast = {name: column[row].as_py() for name, column in found.columns.items()}
        assert {name: text for name, text in fast.items() if text} == _texts(record.decode())


@given(number=st.integers(0, 99), cuts=CUTS)
@example(number=0, cuts=[])
def test_what_is_a_start_at_first_sight_is_one_when_it_is_read(
    number: int, cuts: list[tuple[float, int, bytes]]
) -> None:
    record = DETAILS[number % len(DETAILS)].replace(b"Acct-Status-Type = Stop", b"Acct-Status-Type = Start")
    for place, length, piece in cuts:
        where = at(record, place)
        record = record[:where] + piece + record[where + length :]
    if _is_plainly_start(record):
        assert _texts(record.decode())["status"] == "Start"


def test_most_starts_are_seen_to_be_starts() -> None:
    begun = [record.replace(b"Acct-Status-Type = Stop", b"Acct-Status-Type = Start") for record in DETAILS]
    assert sum(map(_is_plainly_start, begun)) > 0.5 * len(begun)


def test_most_of_what_gateways_write_is_plain() -> None:
    assert read_plain(DETAILS, ATTRIBUTES).is_plain.mean() > 0.8


PAIR_NAMES = ("A", "KEY", "AX", "A-LONG-KEY-OF-A-SWITCH")
VALUES = st.sampled_from(["", "1", "x y", " padded ", '"q"', '"', '" "', "=", "KEY=", "é", "9" * 70])
FIELDS = st.lists(st.tuples(st.sampled_from([*PAIR_NAMES, " KEY", "B", ""]), VALUES), min_size=1, max_size=5)
FIELD_CHANGES: tuple[Callable[[str, str], str], ...] = (
    lambda key, value: f"{key}X={value}",
    lambda key, value: f"{key[:-1]}={value}",
    lambda key, value: f"{key[:-1]}Y={value}",
    lambda key, value: f"{key}{value}",
    lambda key, value: f" {key}={value}",
    lambda key, value: f"     {key}={value}",
    lambda key, value: f"AX={value}",
    lambda key, value: f"{key}={value},",
    lambda key, value: f'{key}="{value}"',
)


def lines_of(base: list[tuple[str, str]], changes: list[list[tuple[int, Callable[[str, str], str]]]]) -> list[str]:
    """Lines of the same fields, but for some changes in each."""
    lines = []
    for some in changes:
        fields = [f"{key}={value}" for key, value in base]
        for at, change in some:
            fields[at % len(base)] = change(*base[at % len(base)])
        lines.append(",".join(fields))
    return lines


CHANGED = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(FIELD_CHANGES)), max_size=2)


def pairs_of_line(line: str) -> list[str | None]:
    """What a line says of `PAIR_NAMES`, as the page of mappings has it."""
    found: dict[str, str | None] = {}
    for field in line.split(","):
        key, sign, value = field.partition("=")
        key = key[min(4, len(key) - len(key.lstrip(" "))) :]
        if sign and key not in found:
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            found[key] = value[quoted : len(value) - quoted].strip(" ") or None
    return [found.get(name) for name in PAIR_NAMES]


@given(
    lines=st.builds(lines_of, FIELDS, st.lists(CHANGED, min_size=1, max_size=12)),
    line_end=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
    kept=st.lists(st.booleans(), min_size=12, max_size=12),
)
@example(lines=["A", "A=1"], line_end="\n", is_ended=True, kept=[True] * 12)
@example(lines=['KEY="1"'], line_end="\r\n", is_ended=True, kept=[True] * 12)
@example(
    lines=["A-LONG-KEY-OF-A-SWITCH=1", "A-LONG-KEY-OF-A-SWITCX=2"], line_end="\n", is_ended=False, kept=[True] * 12
)
@example(lines=[",,", "A=1,,", "KEY=2,A=3,A=4"], line_end="\n", is_ended=True, kept=[True] * 12)
def test_lines_of_the_same_keys_say_what_each_says_alone(
    lines: list[str], line_end: str, is_ended: bool, kept: list[bool]
) -> None:
    text = line_end.join(lines) + line_end * is_ended
    rows, refusals = Pairs.of(Lines(Chunk(1, text.encode())), b",", b"=", PAIR_NAMES)
    assert not refusals
    some = rows.where(np.array(kept[: len(rows)], np.bool_))
    none = some.where(np.zeros(len(some), np.bool_))
    for chosen in (rows, some, none):
        said = zip(*(chosen.column(name).to_pylist() for name in PAIR_NAMES), strict=True)
        assert list(map(list, said)) == [pairs_of_line(lines[at]) for at in chosen.at.tolist()]


@given(CHANGES)
def test_keys_of_lines_are_the_same_when_each_is_looked_up(
    changes: list[tuple[Callable[[bytes, float, float, int], bytes], float, float, int]],
) -> None:
    data = whole_file("mera") * 3
    for accident, place, other, bit in changes:
        data = accident(data, place, other, bit) if data else b"x"
    mera = get_format("mera")
    assert isinstance(mera, Mapped)
    names = mera.description.file.names
    with patch.object(pairs, "_LAYOUTS_MAX", 0):
        plain, _ = Pairs.of(Lines(Chunk(1, data)), b",", b"=", names)
    fast, _ = Pairs.of(Lines(Chunk(1, data)), b",", b"=", names)
    for name in names:
        assert fast.column(name).equals(plain.column(name))


@given(
    names=st.lists(st.binary(min_size=1, max_size=40), unique=True, max_size=60),
    others=st.lists(st.binary(max_size=40)),
)
def test_names_are_found_exactly(names: list[bytes], others: list[bytes]) -> None:
    texts = [*names, *others]
    octets = np.frombuffer(b"".join(texts) or b"x", np.uint8)
    ends = np.cumsum([len(each) for each in texts]).astype(np.int64) if texts else np.zeros(0, np.int64)
    starts = ends - np.array([len(each) for each in texts], np.int64)
    found = Names(names).among(octets, starts, ends).tolist()
    assert found == [names.index(text) if text in names else -1 for text in texts]


def test_a_service_that_only_a_reject_names_is_in_no_event() -> None:
    form = get_format("common")
    header = b"key,called,start,duration,service"
    rows = b"a,442079460123,2026-01-02T15:00:00Z,5,voice\nb,442079460123,2026-01-02T15:00:00Z,5,fax\n"
    decoded = form.decode(Chunk(2, rows, header), PROFILE)
    (column,) = decoded.events["service"].chunks
    assert (decoded.rejects.num_rows, column.dictionary.to_pylist()) == (1, ["voice"])

"""The walk through documents of known skeletons says what those say who look at each document by itself."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.places import ROOT
from tests.unit.usage.golden import golden_file
from trunkline.simulate import samples
from trunkline.usage.decode import Chunk, Decoded, FileFailed, SwitchProfile, chunks, get_format, open_source, skeletons
from trunkline.usage.decode.framing import Framing
from trunkline.usage.decode.freeswitch_documents import NAMES, FreeSwitchDocuments
from trunkline.usage.decode.freeswitch_json import _texts_of
from trunkline.usage.decode.skeletons import JsonNotation, Walked, Walker, XmlNotation

pytestmark = pytest.mark.slow

PROFILE = SwitchProfile(received_at=datetime(2030, 1, 1, tzinfo=UTC))
FORMATS = ("freeswitch_xml", "freeswitch_json")


@pytest.fixture(autouse=True)
def _always_walked() -> Iterator[None]:
    """However few the documents are."""
    with patch.object(skeletons, "LOADED_AFTER", 0), patch.object(skeletons, "OCTETS_MIN", 64):
        yield


def documents_of(name: str) -> list[bytes]:
    """Those of the golden file and made ones, of which most have one skeleton."""
    framing = get_format(name).framing
    assert framing is not None
    found: list[bytes] = []
    for text in (golden_file(name).read_bytes(), b"".join(samples.blocks(name, 12))):
        starts = [*framing.starts(text).tolist(), len(text)]
        found += [text[low:high].strip() for low, high in pairwise(starts)]
    return found


DOCUMENTS = {name: documents_of(name) for name in FORMATS}
PIECES = st.sampled_from(
    [b"<", b">", b"/", b'"', b"&", b"&amp;", b"&lt;&#65;", b"<uuid>", b"</uuid>", b"<uuid/>", b"<uuid>x</uuid>", b"</variables>", b"\r", b"\t",
     b"\n", b" ", b"\n\n", b'<a b="1"/>', b"<!--x-->", b"=", b"]]>", b"]]", b"]", b"\xc3\xa9", b"\xff", b"\xef\xbf\xbe", b"\0", b"\x0b", b"</cdr>",
     b"<cdr>", b"</cdr>\n<cdr>", b"\\", b'\\"', b"\\n", b"\\u0041", b"\\ud800", b"{", b"}", b"}{", b"}\n{", b"\n{", b",", b":", b"1", b"-", b"0", b".5",
     b"e7", b"null", b'"uuid":"x",', b'"billsec":7,', b"[", b"9" * 40]
)  # fmt: skip
Place = st.floats(0, 0.999)
SCARS = st.lists(st.tuples(Place, st.sampled_from([0, 0, 1, 6, 40]), PIECES), max_size=2)
CHOSEN = st.lists(st.tuples(st.integers(0, 99), SCARS), min_size=1, max_size=8)
BETWEEN = st.sampled_from([b"\n", b"\n", b"\n", b"", b" ", b"\r\n", b"\n\n", b" \n ", b"x\n", b"\t"])


def text_of(name: str, chosen: list[tuple[int, list[tuple[float, int, bytes]]]], between: list[bytes]) -> bytes:
    """Documents, some of them damaged, one behind the other."""
    text = b""
    for at, (number, scars) in enumerate(chosen):
        document = DOCUMENTS[name][number % len(DOCUMENTS[name])]
        for place, length, piece in scars:
            where = int(place * len(document))
            document = document[:where] + piece + document[where + length :]
        text += document + between[at % len(between)]
    return text


def said(name: str, text: bytes) -> tuple[str, list[dict[str, object]], list[dict[str, object]], dict[str, int]]:
    """What a format makes of a text."""
    try:
        found: Decoded = get_format(name).decode(Chunk(1, text), PROFILE)
    except FileFailed as error:
        return str(error), [], [], {}
    return "", found.events.to_pylist(), found.rejects.to_pylist(), found.skip_reasons


@pytest.mark.parametrize("name", FORMATS)
@given(chosen=CHOSEN, between=st.lists(BETWEEN, min_size=1, max_size=3))
@example(chosen=[(40, []), (41, []), (42, [(0.5, 0, b"</cdr>\n<cdr>")]), (43, [])], between=[b"\n"])
@example(chosen=[(40, []), (41, [])], between=[b"\n{", b""])
@example(chosen=[(0, [(0.5, 0, b"\xff")])], between=[b"\n"])
@example(chosen=[(0, [(0.875, 0, b"\\")]), (0, [])], between=[b"\n"])
def test_a_walk_says_what_is_said_of_each_document(
    name: str, chosen: list[tuple[int, list[tuple[float, int, bytes]]]], between: list[bytes]
) -> None:
    text = text_of(name, chosen, between)
    if len(text) < 64:
        return
    walked = said(name, text)
    with patch.object(Walker, "walk", lambda *_: None):
        assert walked == said(name, text)


def framing_of(name: str) -> Framing:
    form = get_format(name)
    assert isinstance(form, FreeSwitchDocuments)
    return form.framing


def walk(name: str, text: bytes) -> Walked:
    found = framing_of(name).walked(text)
    assert found is not None
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_switch_writes_is_known(name: str) -> None:
    text = b"".join(samples.blocks(name, 500))
    found = walk(name, text)
    assert found.is_known.all()
    with patch.object(Walker, "walk", lambda *_: None):
        assert found.starts.tolist() == framing_of(name).starts(text).tolist()
        cut = framing_of(name).cut(text)
    assert found.lines.tolist() == cut.lines.tolist()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("octets", range(9))
def test_a_text_may_end_anywhere(name: str, octets: int) -> None:
    """The last words of a text are read octet by octet."""
    text = b"".join(samples.blocks(name, 30)).rstrip() + b" " * octets
    assert walk(name, text).is_known.all()
    shorter = walk(name, text.rstrip()[: -1 - octets])
    assert shorter.is_known.tolist() == [True] * 29 + [False]


@pytest.mark.parametrize(
    ("number", "is_one"),
    [("0", True), ("-0", True), ("7", True), ("-12.50", True), ("1e9", True), ("1.5E-3", True), ("2e+07", True), ("01", False), ("-", False),
     (".5", False), ("1.", False), ("1e", False), ("1e+", False), ("+1", False), ("0x1", False), ("1 2", False), ("", False), ("tru", False)],
)  # fmt: skip
def test_numbers_are_those_of_json(number: str, is_one: bool) -> None:
    document = '{"variables":{"uuid":"u","billsec":"1"},"callStats":{"mos":%s,"more":[%s]}}\n'
    text = "".join([document % ("4.5", "1")] * 6 + [document % (number, number)] + [document % ("3", "2")]).encode()
    assert walk("freeswitch_json", text).is_known.tolist() == [True] * 6 + [is_one, True]


def test_escapes_are_passed_over_where_nobody_reads_and_else_left_to_a_parser() -> None:
    document = '{"variables":{"uuid":"%s","billsec":"1"},"app_log":{"data":"%s"}}\n'
    texts = [("u", "x")] * 4 + [("u", r"say \"x\" \\ \n"), ("u", r"\u0041"), (r"\"", "x"), ("u", r"\q"), ("u", "x\ty")]
    text = "".join(document % each for each in texts).encode()
    assert walk("freeswitch_json", text).is_known.tolist() == [True] * 5 + [False] * 4


def test_a_skeleton_that_is_met_by_chance_is_not_kept() -> None:
    """Of documents that all differ only a few are tried, and none is remembered."""
    notation = JsonNotation(lambda _: ["0"])
    walker = Walker("by chance", notation, 1, 1 << 20)
    text = b"".join(b'{"uuid":"a","a_name_that_is_long_enough_%d":"some more"}\n' % at for at in range(200))
    parted = framing_of("freeswitch_json").search
    found = walker.walk(text, lambda some: parted(some).boundaries)
    assert found is not None
    assert 0 < found.is_known.sum() < 20
    assert walker._tables.skeletons == ()
    assert found.starts.size == 200


def test_every_wanted_text_is_found() -> None:
    """Each column is its own, in whatever order documents have them, and wherever one is missing."""
    names = ["uuid", "billsec", "hangup_cause", "start_stamp"]
    rows: list[dict[str, str]] = []
    rng = np.random.default_rng(7)
    for at in range(300):
        order = rng.permutation(len(names))[: 1 + at % 4]
        rows.append({names[which]: "x" * int(rng.integers(0, 70)) + str(at) for which in order})
    text = b"".join(
        b"<cdr><variables>"
        + "".join(f"<{name}>{text}</{name}>" for name, text in row.items()).encode()
        + b"</variables></cdr>\n"
        for row in rows
    )
    found = walk("freeswitch_xml", text)
    known = [row for row, is_known in zip(rows, found.is_known.tolist(), strict=True) if is_known]
    assert len(known) > 100
    for name in names:
        assert found.column(NAMES.index(f"var.{name}")).to_pylist() == [row.get(name) for row in known]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_sent_to_another_process_walks_as_its_format_does_there(name: str) -> None:
    framing = framing_of(name)
    walk(name, b"".join(samples.blocks(name, 60)))
    sent = pickle.dumps(framing)
    assert len(sent) < 2_000
    assert pickle.loads(sent).walker is framing.walker  # noqa: S301


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [700, 30_000, 100_000, 1 << 20])
def test_a_file_is_cut_between_documents_wherever_its_blocks_end(name: str, size: int, tmp_path: Path) -> None:
    path, text = tmp_path / "file", b"".join(samples.blocks(name, 60))
    path.write_bytes(text)
    with open_source(path) as source:
        cut = list(chunks(source, size, framing=framing_of(name)))
    assert b"".join(chunk.data for chunk in cut) == text
    assert all(chunk.data.startswith(text[:10]) for chunk in cut)
    counts = [0 if chunk.cut is None else chunk.cut.starts.size for chunk in cut]
    assert sum(counts) == 60
    lines = [text.count(b"\n", 0, len(text) - len(b"".join(each.data for each in cut[at:]))) for at in range(len(cut))]
    assert [chunk.first_line for chunk in cut] == [1 + line for line in lines]


def test_the_worked_example_of_the_page_is_true() -> None:
    page = (ROOT / "docs" / "algorithms" / "documents.md").read_text()
    rows = re.findall(r"^\| \d \| `U` `(.*)` \| (unknown|(?:gets|has) skeleton (\d))", page, re.MULTILINE)
    assert len(rows) == 8
    text = "".join('{"variables":{"uuid":"' + document + "\n" for document, *_ in rows).encode()
    found = Walker("example", JsonNotation(_texts_of), len(NAMES), 1 << 20).walk(
        text, lambda some: framing_of("freeswitch_json").starts(some)
    )
    assert found is not None
    assert found.is_known.tolist() == [fate != "unknown" for _, fate, _ in rows]
    assert (found._skeletons + 1).tolist() == [int(number) for _, _, number in rows if number]
    assert found.column(NAMES.index("var.uuid")).to_pylist() == ["a", "b", "c", "f", "g", "h"]
    assert found.column(NAMES.index("var.billsec")).to_pylist() == ["5", None, "7", "8", "9", "1"]


def test_a_notation_takes_apart_and_puts_together() -> None:
    document = b'<?xml version="1.0"?>\n<cdr a="1" b="">\n <x> </x>\n <y/>mixed<z>5</z>\n</cdr>'
    pieces = XmlNotation(lambda _: None).pieces(document)
    assert [octets for octets, _ in pieces] == [
        b'<?xml version="1.0"?>\n<cdr a="', b'" b="', b'">\n <x>', b"</x>\n <y/>", b"<z>", b"</z>\n</cdr>"
    ]  # fmt: skip
    listed = JsonNotation(lambda _: None).pieces(b'{"a" : "x", "b":[-1.5, true, {"c":""}]}')
    assert [octets for octets, _ in listed] == [b'{"a" : "', b'", "b":[', b', true, {"c":"', b'"}]}']

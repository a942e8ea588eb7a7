"""Mappings: what a description may say, what each mistake in one is called, and what comes out of each kind of file."""

from __future__ import annotations

import json
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.usage.golden import PROFILE
from trunkline.core.errors import Invalid
from trunkline.usage.decode import Chunk, Decoded, FileFailed, SwitchProfile, get_format
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import check_mapping, parse_mapping, read_mapping

DELIMITED: dict[str, Any] = {
    "name": "mine",
    "file": {"kind": "delimited", "separator": ";", "columns": ["id", "from", "to", "at", "secs", "trunk"]},
    "record": {
        "key": "id", "calling": "`from`", "called": "`to`", "start": "at", "duration": "secs", "trunk_in": "trunk",
    },
}  # fmt: skip
ROW = "k1;0711000111;00442079460123;2026-01-02 17:00:00;61;acacia"


def changed(**changes: Any) -> dict[str, Any]:
    """The mapping above with parts replaced; a dotted name reaches inside."""
    made = json.loads(json.dumps(DELIMITED))
    for path, value in changes.items():
        *steps, last = path.split("__")
        inner = made
        for step in steps:
            inner = inner[step]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return made


def decode(mapping: dict[str, Any], *rows: str, header: str | None = None) -> Decoded:
    form = Mapped(check_mapping(mapping, "mine.toml"))
    return form.decode(Chunk(1, "\n".join(rows).encode(), None if header is None else header.encode()), PROFILE)


def value_of(expression: str, **columns: str) -> str:
    """The text that an expression makes of one row with these columns."""
    names = ["id", "to", "at", *columns]
    mapping = changed(
        file__columns=names,
        record={"key": "id", "called": "`to`", "start": "at", "quantity": "1", "calling": expression},
    )
    decoded = decode(mapping, ";".join(["k", "442079460123", "2026-01-02 17:00:00", *columns.values()]))
    assert decoded.events.num_rows == 1, decoded.rejects.to_pylist()
    return str(decoded.events["calling_raw"].to_pylist()[0])


def test_a_mapping_decodes() -> None:
    (row,) = decode(DELIMITED, ROW).events.to_pylist()
    assert (row["key"], row["calling"], row["called"], row["quantity"], row["trunk_in"]) == (
        "k1", "254711000111", "442079460123", 61, "acacia",
    )  # fmt: skip
    assert row["start"] == row["answer"] == datetime(2026, 1, 2, 14, tzinfo=UTC)


def test_a_mapping_may_be_toml_json_or_yaml(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(DELIMITED))
    (tmp_path / "m.toml").write_text(
        'name = "mine"\nfile = {kind = "delimited", separator = ";", columns = ["id", "from", "to", "at", "secs", "trunk"]}\n'
        '[record]\nkey = "id"\ncalling = "`from`"\ncalled = "`to`"\nstart = "at"\nduration = "secs"\ntrunk_in = "trunk"\n'
    )
    assert read_mapping(tmp_path / "m.json") == read_mapping(tmp_path / "m.toml")
    (tmp_path / "m.yaml").write_text(
        "name: mine\nfile:\n  kind: delimited\n  separator: ';'\n  columns: [id, from, to, at, secs, trunk]\n"
        "record:\n  key: id\n  calling: '`from`'\n  called: '`to`'\n  start: at\n  duration: secs\n  trunk_in: trunk\n"
    )
    assert read_mapping(tmp_path / "m.yaml") == read_mapping(tmp_path / "m.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "cannot be read"),
        ("name: mine\nname: other\n", "line 1: a key stands twice"),
        ("a: &a [1, 1]\nb: &b [*a, *a]\n", "line 2: an alias"),
        ("name: !!python/object/apply:os.system [ls]\n", "cannot be read"),
        ("[" * 5000, "cannot be read"),
    ],
)
def test_yaml_is_plain_values_or_refused(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        parse_mapping(text, "m.yml")
    assert caught.value.code == "mapping_syntax"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"name": "Mine!"}, "mapping_name", "name 'Mine!' is not 1 to 40 lower-case letters"),
        ({"version": "1"}, "mapping_type", "version is no number from 1 to 999"),
        ({"colour": 1}, "mapping_key", "unknown key 'colour'"),
        ({"record": None}, "mapping_key", "lacks 'record'"),
        ({"file__kind": "csv"}, "mapping_key", "file.kind is 'csv'"),
        ({"file__separator": ";;"}, "mapping_type", "file.separator is ';;', not one sign"),
        ({"file__columns": ["id", "id"]}, "mapping_name", "file.columns has 'id' twice"),
        ({"file__columns": None}, "mapping_key", "file lacks 'columns'"),
        ({"file__quotes": "some"}, "mapping_key", "file.quotes is 'some'"),
        ({"record__key": None}, "mapping_key", "record lacks 'key'"),
        ({"record__duration": None}, "mapping_key", "does not say how much was used"),
        ({"record__key": 5}, "mapping_type", "the expression is 5, not a text"),
        ({"record__key": ""}, "mapping_expression", "record.key: '' is empty"),
        ({"record__key": "idd"}, "mapping_expression", "record.key: 'idd' names 'idd', which is no column, at character 1"),
        ({"record__key": "id +"}, "mapping_expression", "ends where a value is needed, at character 5"),
        ({"record__key": "join(id)"}, "mapping_expression", "gives 1 values to join"),
        ({"record__key": "eval(id)"}, "mapping_expression", "has no function 'eval'"),
        ({"record__key": "__import__"}, "mapping_expression", "is no column"),
        ({"record__key": "id; id"}, "mapping_expression", "has a ';' that means nothing there"),
        ({"record__key": "id id"}, "mapping_expression", "has 'id' after its end, at character 4"),
        ({"record__key": "seconds(secs)"}, "mapping_expression", "needs text, not span"),
        ({"record__key": "(" * 40 + "id" + ")" * 40}, "mapping_expression", "nested more than 32 deep"),
        ({"record__key": "id" * 2000}, "mapping_expression", "longer than 2000 characters"),
        ({"record__key": "extract(id, '(a')"}, "mapping_expression", "a pattern that RE2 refuses"),
        ({"record__key": "extract(id, '(a{1000}){1000}')"}, "mapping_expression", "a pattern that RE2 refuses"),
        ({"record__key": "lookup(id, 'none')"}, "mapping_expression", "has no lookup 'none'"),
        ({"record__key": "if(id, id)"}, "mapping_expression", "needs yes/no, not text"),
        ({"record__start": "time(at, '%d/%m')"}, "mapping_date_pattern", "record.start: The date pattern '%d/%m' has no year"),
        ({"record__start": "time(at, '%Q')"}, "mapping_date_pattern", "unknown directive %Q"),
        ({"record__start": "time(at, 'iso', 'Mars/Base')"}, "mapping_unknown_timezone", "Mars/Base"),
        ({"times": {"timezone": "Mars/Base"}}, "mapping_unknown_timezone", "times: "),
        ({"times": {"pattern": "[%Y-%m-%d %H:%M"}}, "mapping_date_pattern", "does not close an optional part"),
        ({"values": {"id": "secs"}}, "mapping_name", "values.id is the name of a column"),
        ({"skip": [{"when": "id == 'x'"}]}, "mapping_key", r"skip\[1\] lacks 'reason'"),
        ({"skip": [{"when": "id", "reason": "x"}]}, "mapping_expression", r"skip\[1\].when: 'id' needs yes/no, not text"),
        ({"reject": [{"when": "has(id)", "reason": "bad", "detail": "x"}]}, "mapping_name", "'bad' is no reason"),
        ({"lookups": {"a": {"b": 1}}}, "mapping_type", "lookups.a.b is 1, not a text"),
    ],
)  # fmt: skip
def test_a_broken_mapping_says_what_where_and_what_to_do(changes: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        check_mapping(changed(**changes), "mine.toml")
    assert caught.value.code == code
    assert caught.value.message.startswith("mine.toml: ")
    assert caught.value.hint


def test_a_mapping_that_is_no_toml_says_where() -> None:
    with pytest.raises(Invalid, match=r"m\.toml cannot be read: .*line 1") as caught:
        parse_mapping("name = \nversion = 1\n", "m.toml")
    assert caught.value.code == "mapping_syntax"
    with pytest.raises(Invalid, match="is no table"):
        parse_mapping("[1]", "m.json")


def test_a_missing_mapping_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        read_mapping(tmp_path / "none.toml")
    assert caught.value.code == "mapping_file"


@pytest.mark.parametrize(
    ("expression", "columns", "made"),
    [
        ("concat(a, '-', b)", {"a": "x", "b": "y"}, "x-y"),
        ("join('-', a, b)", {"a": "x", "b": ""}, "x"),
        ("coalesce(a, b, 'z')", {"a": "", "b": ""}, "z"),
        ("extract(a, '^SIP/(.+)-[0-9a-f]+$')", {"a": "SIP/alpha-0000001a"}, "alpha"),
        ("extract(a, '[0-9]+')", {"a": "x12y"}, "12"),
        ("extract(a, 'q')", {"a": "x"}, ""),
        ("replace(a, '^0+', '')", {"a": "0044"}, "44"),
        ("slice(a, 2, 3)", {"a": "abcd"}, "bc"),
        ("upper(trim(a))", {"a": " x "}, "X"),
        ("if(a == 'x' and not b == 'y', 'both', 'no')", {"a": "x", "b": "z"}, "both"),
        ("if(a in ('x', 'y') or has(b), 'yes')", {"a": "q", "b": ""}, ""),
        ("if(a not in ('x', 'y'), 'yes')", {"a": "q"}, "yes"),
        ("if(a matches '[0-9]+', 'digits', 'other')", {"a": "12x"}, "other"),
        ("if(number(a) >= 10, 'big', 'small')", {"a": "10"}, "big"),
        ("if(a > 9, 'big', 'small')", {"a": "10"}, "big"),
        ("if(seconds(a) > 2, 'long', 'short')", {"a": "2.001"}, "long"),
        ("if(time(a) < time(b), 'before', 'after')", {"a": "2026-01-01 00:00", "b": "2026-01-02 00:00"}, "before"),
        ("'it''s'", {}, "it's"),
        ("before(a, '-')", {"a": "x-y-z"}, "x"),
        ("after(a, '-')", {"a": "x-y-z"}, "y-z"),
        ("before_last(a, '-')", {"a": "x-y-z"}, "x-y"),
        ("after_last(a, '-')", {"a": "x-y-z"}, "z"),
        ("join('|', before(a, '-'), after(a, '-'), before_last(b, '-'), after(b, '-'))", {"a": "xy", "b": "-"}, ""),
    ],
)
def test_texts_and_conditions(expression: str, columns: dict[str, str], made: str) -> None:
    assert value_of(expression, **columns) == made


@pytest.mark.parametrize(
    ("expression", "text", "made"),
    [
        ("seconds(a)", "1.234567", 1234),
        ("milliseconds(a)", "1234", 1234),
        ("microseconds(a)", "1234567", 1234),
        ("ticks(a)", "123", 1230),
        ("clock_span(a)", "01:02:03.5", 3723500),
        ("clock_span(a)", "2:03", 123000),
        ("seconds(a) * 60", "2", 120000),
        ("seconds(a) + 5 - seconds('1')", "2", 6000),
        ("time(a) - time('2026-01-02 17:00:00')", "2026-01-02 17:00:02.250", 2250),
    ],
)
def test_spans(expression: str, text: str, made: int) -> None:
    mapping = changed(
        file__columns=["id", "to", "at", "a"],
        record={"key": "id", "called": "`to`", "start": "at", "quantity": "1", "pdd": expression},
    )
    decoded = decode(mapping, f"k;442079460123;2026-01-02 17:00:00;{text}")
    assert decoded.events["pdd_ms"].to_pylist() == [made]


@pytest.mark.parametrize(
    ("pattern", "text", "instant"),
    [
        ("%d/%m/%Y %H:%M:%S", "02/01/2026 17:00:00", "2026-01-02T14:00:00Z"),
        ("%d/%m/%Y %H:%M:%S", "2/1/2026 7:00:00", "2026-01-02T04:00:00Z"),
        ("%m/%d/%Y %H:%M[:%S]", "01/02/2026 17:00", "2026-01-02T14:00:00Z"),
        ("%m/%d/%y %I:%M %p", "1/2/26 5:00 PM", "2026-01-02T14:00:00Z"),
        ("%m/%d/%y %I:%M %p", "1/2/26 12:00 am", "2026-01-01T21:00:00Z"),
        ("%H:%M:%S.%f %z %a %b %d %Y", "17:00:00.250 +0300 Fri Jan 02 2026", "2026-01-02T14:00:00.250000Z"),
        ("%H:%M:%S.%f %z %a %b %d %Y", "17:00:00.25 +03:30 Fri January 2 2026", "2026-01-02T13:30:00.250000Z"),
        ("%H:%M:%S.%f %Z %b %d %Y", "06:00:00.000 PST JAN 02 2026", "2026-01-02T14:00:00Z"),
        ("%H:%M:%S.%f %Z %b %d %Y", "17:00:00.000 EAT JAN 02 2026", "2026-01-02T14:00:00Z"),
        ("%H:%M:%S.%f %Z %b %d %Y", "15:00:00.000 CEST JAN 02 2026", "2026-01-02T13:00:00Z"),
        ("%H:%M:%S.%f %Z %b %d %Y", "17:00:00.000 XYZ JAN 02 2026", None),
        ("[*][.]%H:%M:%S %d %b %Y", "*17:00:00 02 Jan 2026", "2026-01-02T14:00:00Z"),
        ("iso|%d.%m.%Y %H:%M", "02.01.2026 17:00", "2026-01-02T14:00:00Z"),
        ("epoch_s", "1767362400.5", "2026-01-02T14:00:00.500000Z"),
        ("epoch_ms", "1767362400500", "2026-01-02T14:00:00.500000Z"),
        ("epoch_us", "1767362400500000", "2026-01-02T14:00:00.500000Z"),
        ("%d/%m/%Y %H:%M:%S", "31/02/2026 17:00:00", None),
        ("%d/%m/%Y %H:%M:%S", "02/13/2026 17:00:00", None),
        ("%d/%m/%Y %H:%M:%S", "02/01/2026 17:00:00 x", None),
        ("%Y%m%d%H%M%S", "20260102170000", "2026-01-02T14:00:00Z"),
    ],
)
def test_times(pattern: str, text: str, instant: str | None) -> None:
    mapping = changed(times={"pattern": pattern})
    decoded = decode(mapping, ROW.replace("2026-01-02 17:00:00", text))
    if instant is None:
        assert [row["reason"] for row in decoded.rejects.to_pylist()] == ["bad_time"]
    else:
        assert decoded.events["start"].to_pylist() == [datetime.fromisoformat(instant)]


@given(
    at=st.datetimes(datetime(2000, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001  what a clock on a wall shows
    pattern=st.sampled_from(
        ["%d/%m/%Y %H:%M:%S.%f", "%H:%M:%S.%f +0300 %a %b %d %Y", "%Y%m%d %H%M%S%f", "%m-%d-%Y %H:%M:%S.%f"]
    ),
)
def test_times_are_read_as_python_writes_them(at: datetime, pattern: str) -> None:
    text = at.strftime(pattern)
    decoded = decode(
        changed(times={"pattern": pattern.replace("+0300", "%z")}), ROW.replace("2026-01-02 17:00:00", text)
    )
    start = decoded.events["start"].to_pylist()[0]
    shown = start.astimezone(ZoneInfo("Africa/Nairobi")).replace(tzinfo=None)
    assert shown == at.replace(microsecond=at.microsecond // 1000 * 1000)


@given(texts=st.lists(st.text(st.sampled_from("a-;é "), max_size=6), min_size=1, max_size=8))
def test_what_stands_beside_a_sign(texts: list[str]) -> None:
    parts = ("before(a, '-')", "after(a, '-')", "before_last(a, '-')", "after_last(a, '-')")
    mapping = {
        "name": "one",
        "file": {"kind": "json", "columns": ["a"]},
        "record": {
            "key": "'k'", "called": "'44'", "start": "'2026-01-02 17:00:00'", "quantity": "1",
            **dict(zip(("trunk_in", "trunk_out", "source_ip", "account_code"), parts, strict=True)),
        },
    }  # fmt: skip
    rows = decode(mapping, *(json.dumps({"a": text}) for text in texts)).events.to_pylist()
    for text, row in zip(texts, rows, strict=True):
        has = "-" in text
        assert row["trunk_in"] == ((text.split("-")[0] or None) if has else None)
        assert row["trunk_out"] == ((text.partition("-")[2] or None) if has else None)
        assert row["source_ip"] == ((text.rpartition("-")[0] or None) if has else None)
        assert row["account_code"] == ((text.rpartition("-")[2] or None) if has else None)


def test_lookups_and_values() -> None:
    mapping = changed(
        lookups={"gateways": {"acacia": "A"}},
        values={"gateway": "lookup(trunk, 'gateways')", "named": "coalesce(gateway, 'other')"},
        record__trunk_in="named",
        record__trunk_out="lookup(trunk, 'gateways', trunk)",
    )
    rows = decode(mapping, ROW, ROW.replace("acacia", "baobab")).events.to_pylist()
    assert [(row["trunk_in"], row["trunk_out"]) for row in rows] == [("A", "A"), ("other", "baobab")]


def test_skipped_lines_are_counted_by_reason_and_rejected_ones_say_why() -> None:
    mapping = changed(
        skip=[{"when": "`1` == 'id'", "reason": "header"}, {"when": "trunk == 'test'", "reason": "test_call"}],
        reject=[{"when": "number(secs) == 13", "reason": "duration_mismatch", "detail": "Thirteen is a test."}],
    )
    decoded = decode(mapping, "id;x", ROW, "", ROW.replace("acacia", "test"), ROW.replace(";61;", ";13;"))
    assert (decoded.events.num_rows, decoded.skipped) == (1, 3)
    assert decoded.skip_reasons == {"header": 1, "test_call": 1}
    assert [(row["reason"], row["detail"]) for row in decoded.rejects.to_pylist()] == [
        ("duration_mismatch", "Thirteen is a test.")
    ]


def test_a_header_may_have_columns_in_any_order_and_more_of_them() -> None:
    mapping = changed(file__header=True, file__optional=["note"], record__account_code="note")
    decoded = decode(
        mapping,
        "61;2026-01-02 17:00:00;00442079460123;new;0711000111;acacia;k1",
        header="SECS;At;to;added;from;trunk;id",
    )
    assert decoded.events["key"].to_pylist() == ["k1"]
    with pytest.raises(FileFailed, match="The header of mine lacks secs, trunk"):
        decode(mapping, ROW, header="id;from;to;at")
    with pytest.raises(FileFailed, match="is separated by ',', not by ';'"):
        decode(mapping, ROW, header="id,from,to,at,secs")
    decoded = decode(mapping, ROW.replace(";", "|"), header="id|from|to|at|secs|trunk")
    assert (
        decoded.events["key"].to_pylist()
        == decode(mapping, ROW, header="id;from;to;at;secs;trunk").events["key"].to_pylist()
    )
    with pytest.raises(FileFailed, match="has id twice"):
        decode(mapping, ROW, header="id;from;to;at;secs;trunk;id")


def test_lines_of_several_layouts_stand_in_one_file() -> None:
    layouts = [
        {"fields": 6, "columns": ["id", "from", "to", "at", "secs", "trunk"]},
        {"fields": "8-9", "columns": {"id": 8, "from": 2, "to": 3, "at": 4, "secs": 5, "trunk": 6}},
    ]
    mapping = changed(file={"kind": "delimited", "separator": ";", "layouts": layouts})
    decoded = decode(mapping, ROW, "x" + ROW[2:] + ";;k2", "x" + ROW[2:] + ";;k3;more", ROW + ";7")
    assert decoded.events["key"].to_pylist() == ["k1", "k2", "k3"]
    assert decoded.rejects["detail"].to_pylist() == ["7 fields instead of 6 or 8 to 9."]


def test_half_of_the_first_lines_must_have_the_shape() -> None:
    form = Mapped(check_mapping(DELIMITED, "m"))
    with pytest.raises(FileFailed, match="2 of the first 3 lines are not of the format mine"):
        form.decode(Chunk(1, f"{ROW}\n1;2\n3;4\n".encode(), is_first=True), PROFILE)
    assert form.decode(Chunk(1, f"{ROW}\n1;2\n".encode(), is_first=True), PROFILE).rejects.num_rows == 1


@pytest.mark.parametrize(
    ("quotes", "line", "trunk"),
    [
        ("strict", 'k1;a;44;2026-01-02 17:00:00;61;"a;b"', "a;b"),
        ("strict", 'k1;"a ""x"" b";44;2026-01-02 17:00:00;61;"a ""b"""', 'a "b"'),
        ("strict", 'k1;a;44;2026-01-02 17:00:00;61;"a"b"', None),
        ("lenient", 'k1;a;44;2026-01-02 17:00:00;61;"a"b"', "a'b"),
        ("lenient", 'k1;"Ada" <sip:x>;44;2026-01-02 17:00:00;61;"a;b"', "a;b"),
        ("lenient", 'k1;"Ada;44;2026-01-02 17:00:00;61;t', "t"),
        ("none", 'k1;"Ada;44;2026-01-02 17:00:00;61;"t"', '"t"'),
        ("strict", 'k1;a;44;2026-01-02 17:00:00;61;""', None),
    ],
)
def test_quotes(quotes: str, line: str, trunk: str | None) -> None:
    decoded = decode(changed(file__quotes=quotes), ROW, line, ROW + "\r")
    found = decoded.events["trunk_in"].to_pylist()
    if trunk is None and not line.endswith('""'):
        assert (found, decoded.rejects["reason"].to_pylist()) == (["acacia", "acacia"], ["field_count"])
    else:
        assert found == ["acacia", trunk, "acacia"]


PAIRS = {
    "name": "pairs",
    "file": {"kind": "pairs", "columns": ["ID", "TO-NUMBER-OUT", "TO", "AT", "SECS"]},
    "record": {"key": "ID", "called": "coalesce(TO, `TO-NUMBER-OUT`)", "start": "AT", "duration": "SECS"},
}


def test_pairs_come_in_any_order_with_spaces_and_quotes() -> None:
    decoded = decode(
        PAIRS,
        "ID=1,TO=44,AT=2026-01-02 17:00:00,SECS=5",
        'SECS="5", AT = x,  AT=2026-01-02 17:00:00, TO-NUMBER-OUT=45, XTO=9, ID=2, ID=3',
        "no pairs",
        "",
    )
    assert [(row["key"], row["called"]) for row in decoded.events.to_pylist()] == [("1", "44"), ("2", "45")]
    assert decoded.rejects["detail"].to_pylist() == ["key is empty."]


FIXED = {
    "name": "fixed",
    "file": {
        "kind": "fixed",
        "columns": {"id": [1, 4], "who": [5, 8], "to": [9, 14], "at": [15, 33], "secs": [34, 36]},
    },
    "record": {"key": "id", "calling": "who", "called": "`to`", "start": "at", "duration": "secs"},
}


def test_fixed_columns_are_counted_in_characters() -> None:
    decoded = decode(FIXED, "k1  abcd44    2026-01-02 17:00:00  5", "k2  éñüß45    2026-01-02 17:00:00 61", "short")
    assert [(row["key"], row["calling_raw"], row["quantity"]) for row in decoded.events.to_pylist()] == [
        ("k1", "abcd", 5), ("k2", "éñüß", 61),
    ]  # fmt: skip
    assert decoded.rejects["detail"].to_pylist() == ["5 characters instead of 36."]


JSON = {
    "name": "lines",
    "file": {"kind": "json", "columns": ["id", "call.to", "call.at", "secs", "flag"]},
    "record": {"key": "id", "called": "call.to", "start": "call.at", "duration": "secs", "account_code": "flag"},
}
OBJECT = '{"id": "k1", "call": {"to": "44", "at": "2026-01-02 17:00:00", "more": [1]}, "secs": 5, "flag": true}'


def test_json_lines_are_read_alike_fast_or_slow() -> None:
    fast = decode(JSON, OBJECT, OBJECT.replace("k1", "k2"))
    slow = decode(JSON, OBJECT, OBJECT.replace("k1", "k2"), '{"id": 3')
    assert fast.events.to_pylist() == slow.events.to_pylist()
    assert slow.rejects["detail"].to_pylist()[0].startswith("The line is no JSON object: ")
    assert fast.events["account_code"].to_pylist() == ["true", "true"]


@pytest.mark.parametrize(
    "line", ["[1]", "5", '"x"', "{", "nul", "[" * 100_000, '{"id": "a"} {"id": "b"}', '{"call": 5}']
)
def test_what_is_no_record_is_rejected(line: str) -> None:
    decoded = decode(JSON, OBJECT, line, "  ")
    assert (decoded.events.num_rows, decoded.rejects.num_rows, decoded.skipped) == (1, 1, 1)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=8),
    st.decimals(-1000, 1000, places=4).map(float), st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip


@example(rows=[{"id": None, "secs": False, "flag": None}, {"id": False, "secs": 0.0, "flag": 0.0000001}])
@given(rows=st.lists(st.fixed_dictionaries({"id": VALUES, "secs": VALUES, "flag": VALUES}), min_size=1, max_size=6))
def test_a_json_line_means_the_same_alone_and_among_others(rows: list[dict[str, Any]]) -> None:
    texts = [json.dumps({**row, "call": {"to": "44", "at": "2026-01-02 17:00:00"}}) for row in rows]
    together = decode(JSON, *texts)
    alone = [decode(JSON, text) for text in texts]
    for name in ("key", "duration_ms", "account_code"):
        assert together.events[name].to_pylist() == [value for one in alone for value in one.events[name].to_pylist()]


def test_no_pattern_takes_longer_than_its_text() -> None:
    """Patterns that let a backtracking engine run for ever."""
    mapping = changed(record__trunk_in="extract(trunk, '^(?:a+)+$')", values={"m": "if(trunk matches '(a|aa)+b', 'x')"})
    row = ROW.replace("acacia", "a" * 3_000 + "!")
    begun = time.process_time()
    assert decode(mapping, *[row] * 300).events.num_rows == 300
    assert time.process_time() - begun < 10


def test_memory_stays_with_the_chunk() -> None:
    data = "\n".join([ROW] * 20_000).encode()
    form = Mapped(check_mapping(DELIMITED, "m"))
    tracemalloc.start()
    form.decode(Chunk(1, data), PROFILE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * len(data)


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60), max_size=12)


@pytest.mark.parametrize("mapping", [DELIMITED, PAIRS, FIXED, JSON], ids=["delimited", "pairs", "fixed", "json"])
@given(lines=LINES)
def test_every_line_has_a_fate(mapping: dict[str, Any], lines: list[str]) -> None:
    decoded = decode(mapping, *lines, "")
    assert decoded.events.num_rows + decoded.rejects.num_rows + decoded.skipped == len(lines)


def test_numbers_beyond_all_limits_are_refused_not_wrapped() -> None:
    big = "9" * 30
    decoded = decode(changed(record__duration="seconds(secs) * 1000 * 1000"), ROW.replace(";61;", f";{big};"))
    assert decoded.rejects["reason"].to_pylist() == ["duration_over_limit"]


def test_a_switch_may_have_a_mapping_of_its_own() -> None:
    profile = SwitchProfile.of(
        received_at=PROFILE.received_at, timezone="Africa/Nairobi", options={"mapping": changed(record__calling=None)}
    )
    decoded = get_format("mapping").decode(Chunk(1, ROW.encode()), profile)
    assert decoded.events["key"].to_pylist() == ["k1"]
    with pytest.raises(FileFailed, match=r"is not for the format mapping_with_header\. Its format is mapping"):
        get_format("mapping_with_header").decode(Chunk(1, ROW.encode()), profile)
    with pytest.raises(FileFailed, match="has no mapping"):
        get_format("mapping").decode(Chunk(1, ROW.encode()), PROFILE)
    with pytest.raises(Invalid, match="record lacks 'key'"):
        SwitchProfile.of(received_at=PROFILE.received_at, options={"mapping": changed(record__key=None)})

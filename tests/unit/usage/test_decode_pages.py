"""The pages of the formats are true: their examples and tables are decoded."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.usage.golden import PROFILE
from trunkline.usage.decode import FORMATS, Chunk, NumberRule, Party, get_format
from trunkline.usage.decode.common import COLUMNS
from trunkline.usage.decode.dates import DIRECTIVES, ZONES
from trunkline.usage.decode.freeswitch import FreeSwitch, FreeSwitchTrunks
from trunkline.usage.decode.functions import functions
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import RECORD, parse_mapping
from trunkline.usage.decode.numbers import is_number, normalise, rules_for

PAGES = Path(__file__).parents[3] / "docs" / "formats"


def blocks(page: str, language: str = "") -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (PAGES / page).read_text(), re.MULTILINE | re.DOTALL)
    return [text for of, text in found if of == language]


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of its first column."""
    text = (PAGES / page).read_text()
    rows = re.search(rf"^\| {re.escape(heading)} \|.*?\n(.*?)(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    assert rows
    return [
        [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        for line in rows[1].splitlines()[1:]
    ]


def test_the_number_rules_of_the_page_do_what_it_says() -> None:
    (rules,) = blocks("switch.md", "json")
    called = rules_for([NumberRule.of(rule) for rule in json.loads(rules)], Party.CALLED)
    for number, expected in table("switch.md", "number"):
        made = normalise(pa.array([number.strip("`")]), called)
        assert (made[0].as_py() if is_number(made)[0] else None) == (
            None if "none" in expected else expected.strip("`")
        )


def test_the_template_of_the_page_has_the_columns_of_its_table() -> None:
    (template,) = re.findall(
        r'<template name="trunkline">(.*)</template>', (PAGES / "freeswitch_trunks.md").read_text()
    )
    rows = table("freeswitch_trunks.md", "#")
    assert [f"${{{row[2].strip('`')}}}" for row in rows] == template.split(",")
    names = [{"billmsec": "duration"}.get(row[1], row[1]) for row in rows]
    assert names == list(FreeSwitchTrunks().layout(Chunk(1, b"")).names)


def test_the_example_of_the_template_decodes_as_the_page_says() -> None:
    example = next(block for block in blocks("freeswitch_trunks.md") if "savanna-in" in block)
    decoded = get_format("freeswitch_trunks").decode(Chunk(1, example.replace("\n", "").encode()), PROFILE)
    (row,) = decoded.events.to_pylist()
    assert (row["attempt"], row["is_last"], row["pdd_ms"], row["duration_ms"], row["quantity"]) == (
        2,
        True,
        2222,
        60250,
        61,
    )
    assert (row["trunk_in"], row["trunk_out"], row["calling"], row["called"]) == (
        "savanna-in", "alpha", "254711000111", "442079460123",
    )  # fmt: skip
    assert f"{row['start']:%Y-%m-%d %H:%M:%S}" == "2026-01-02 15:00:00"


def test_the_default_template_has_the_fifteen_columns_of_its_page() -> None:
    read = {row[0]: row[1] for row in table("freeswitch.md", "#")}
    names = FreeSwitch().layout(Chunk(1, b"")).names
    assert len(names) == 15
    for place, name in read.items():
        if name:
            assert {"hangup_cause": "cause"}.get(names[int(place) - 1], names[int(place) - 1]) == name


def test_the_common_page_lists_every_column() -> None:
    assert sorted(row[0] for row in table("common.md", "column")) == sorted(COLUMNS)


@pytest.mark.parametrize("zone", ["UTC", "Africa/Nairobi"])
def test_the_example_of_the_common_page_decodes(zone: str) -> None:
    (example,) = blocks("common.md", "csv")
    header, rows = example.encode().split(b"\n", 1)
    decoded = get_format("common").decode(Chunk(2, rows, header), replace(PROFILE, timezone=zone))
    assert (decoded.events.num_rows, decoded.rejects.num_rows) == (2, 0) if zone != "UTC" else (1, 1)


def test_the_example_of_the_mapping_page_decodes_as_it_says() -> None:
    mapping, _ = blocks("mapping.md", "toml")
    rows = next(block for block in blocks("mapping.md") if block.startswith("7001"))
    decoded = Mapped(parse_mapping(mapping, "example.toml")).decode(Chunk(1, rows.encode()), PROFILE)
    assert decoded.rejects.num_rows == 0
    assert decoded.skip_reasons == {"test_call": 1}
    assert [
        (row["key"], row["called"], row["quantity"], row["trunk_out"], row["cause"], row["answer"] is None)
        for row in decoded.events.to_pylist()
    ] == [("7001", "442079460123", 61, "alpha", 16, False), ("7003", "442079460123", 0, "default", 17, True)]


def test_the_legs_of_the_mapping_page_are_joined() -> None:
    _, legs = blocks("mapping.md", "toml")
    mapping = f"""
name = "proxy"
[file]
kind = "delimited"
columns = ["method", "callid", "from_tag", "to_tag", "time", "called"]
[record]
key = "callid"
called = "called"
start = "time(time)"
answer = "if(method == 'INVITE', time(time))"
end = "time(time)"
{legs}"""
    rows = b"INVITE,c1,a,b,2026-01-02T15:00:00Z,442079460123\nBYE,c1,b,a,2026-01-02T15:01:00Z,\n"
    (row,) = Mapped(parse_mapping(mapping, "proxy.toml")).decode(Chunk(1, rows), PROFILE).events.to_pylist()
    assert (row["key"], row["quantity"], row["called"]) == ("c1|a|b", 60, "442079460123")


def test_the_example_of_the_acc_page_decodes_as_it_says() -> None:
    (example,) = blocks("kamailio_acc.md", "csv")
    header, rows = example.encode().split(b"\n", 1)
    decoded = get_format("kamailio_acc").decode(Chunk(2, rows, header), PROFILE)
    assert [(row["quantity"], row["trunk_out"], row["sip_code"]) for row in decoded.events.to_pylist()] == [
        (61, "alpha", 200),
        (0, "alpha", 486),
    ]
    assert (decoded.rejects.num_rows, decoded.skip_reasons) == (0, {"joined_leg": 1})


def test_the_mapping_page_names_all_there_is() -> None:
    text = (PAGES / "mapping.md").read_text()
    assert sorted(row[0].strip("`") for row in table("mapping.md", "field")) == sorted(RECORD)
    assert [name for name in functions("iso", "") if f"`{name}(" not in text and name != "matches"] == []
    assert [letter for letter in DIRECTIVES if f"`%{letter}`" not in text] == []
    assert [name for name in ZONES if name not in text and name not in {"UT", "Z"}] == []


@pytest.mark.parametrize("name", [name for name in FORMATS if (PAGES / f"{name}.md").exists()])
def test_the_page_of_a_format_names_its_reasons_to_skip(name: str) -> None:
    form = FORMATS[name]
    if isinstance(form, Mapped):
        text = (PAGES / f"{name}.md").read_text()
        assert [
            skip.reason for skip in form.description.skips if f"`{skip.reason}`" not in text and skip.reason != "header"
        ] == []

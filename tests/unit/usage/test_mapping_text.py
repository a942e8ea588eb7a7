"""The text of a mapping: what it is written in, and on which line something is wrong."""

from __future__ import annotations

import pytest

from trunkline.core.errors import Invalid
from trunkline.usage.decode.mapping import parse_mapping
from trunkline.usage.decode.mapping_text import Language, language_of_text

TOML = """\
# ours
name = "mine"

[file]
kind = "delimited"
columns = [
  "id",
  "callee",
]

[values]
connected = "seconds(callee)"

[[skip]]
when = "id == 'x'"
reason = "test"

[record]
key = "id"
called = "callee"
start = "id"
duration = "connected"
"""
YAML = """\
name: mine
file: {kind: delimited, columns: [id, callee]}
skip:
  - when: id == 'x'
    reason: test
record:
  key: id
  called: callee
  start: id
  duration: seconds(callee)
"""
JSON = """\
{"name": "mine",
 "file": {"kind": "delimited",
          "columns": ["id", "callee"]},
 "record": {"key": "id",
            "called": "callee", "start": "id",
            "duration": "seconds(callee)"}}
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (TOML, Language.TOML),
        (YAML, Language.YAML),
        (JSON, Language.JSON),
        ("[file]\n", Language.TOML),
        ("", Language.TOML),
    ],
)
def test_the_language_is_told_by_how_a_text_begins(text: str, language: Language) -> None:
    assert language_of_text(text) == language


@pytest.mark.parametrize(
    ("text", "find", "put", "code", "line"),
    [
        (TOML, 'start = "id"', 'start = "ind"', "mapping_expression", 21),
        (TOML, "id == 'x'", "id = 'x'", "mapping_expression", 15),
        (TOML, 'kind = "delimited"', 'kind = "odd"', "mapping_key", 5),
        (TOML, 'start = "id"', 'begin = "id"', "mapping_key", 21),
        (TOML, '"callee",\n', '"id",\n', "mapping_name", 6),
        (TOML, 'key = "id"', 'key = "id', "mapping_syntax", 19),
        (TOML, 'name = "mine"', 'name = "Mine"', "mapping_name", 2),
        (TOML, 'called = "callee"\n', "", "mapping_key", 18),
        (YAML, "start: id", "start: ind", "mapping_expression", 9),
        (YAML, "reason: test", "reason: 'no name'", "mapping_name", 5),
        (YAML, "  key: id", "  key: id: x", "mapping_syntax", 7),
        (JSON, '"start": "id"', '"start": "ind"', "mapping_expression", 5),
        (JSON, '"called": "callee",', '"called": "callee"', "mapping_syntax", 5),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, find: str, put: str, code: str, line: int) -> None:
    assert find in text
    with pytest.raises(Invalid) as refused:
        parse_mapping(text.replace(find, put))
    assert (refused.value.code, refused.value.context["line"]) == (code, line)


def test_values_are_known_to_each_other_in_any_order() -> None:
    text = TOML.replace('connected = "seconds(callee)"', 'a = "b + b"\nconnected = "a"\nb = "seconds(callee)"')
    assert list(parse_mapping(text).values) == ["b", "a", "connected"]


def test_values_that_need_each_other_are_refused() -> None:
    text = TOML.replace('connected = "seconds(callee)"', 'a = "b"\nconnected = "seconds(callee)"\nb = "a"')
    with pytest.raises(Invalid, match=r"values\.a") as refused:
        parse_mapping(text)
    assert refused.value.code == "mapping_expression"

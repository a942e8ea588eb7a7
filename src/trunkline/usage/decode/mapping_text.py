"""The text of a mapping: TOML, JSON or YAML, and on which line of it something stands."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Hashable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

Steps = tuple[str | int, ...]  # into tables by name, into lists by number from 1

_TOML_BEGINS: Final = re.compile(r"""\[|["']?[A-Za-z0-9_.-]+["']?\s*=""")
_TOML_HEADER: Final = re.compile(r"\s*(\[\[?)([^\]]+)\]")
_TOML_KEY: Final = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_TOML_PART: Final = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_STEP: Final = re.compile(r"[^.\[\] ]+|\[[0-9]+\]")
_LINE: Final = re.compile(r"\bline ([0-9]+)")


class Language(StrEnum):
    """What a mapping is written in."""

    TOML = "toml"
    JSON = "json"
    YAML = "yaml"


def language_of_name(name: str) -> Language:
    """By the name of a file."""
    match Path(name).suffix.lower():
        case ".json":
            return Language.JSON
        case ".yaml" | ".yml":
            return Language.YAML
        case _:
            return Language.TOML


def language_of_text(text: str) -> Language:
    """By how it begins, where it has no name."""
    for line in text.splitlines():
        begins = line.strip()
        if begins and not begins.startswith("#"):
            if begins.startswith("{"):
                return Language.JSON
            return Language.TOML if _TOML_BEGINS.match(begins) else Language.YAML
    return Language.TOML


def read(text: str, language: Language) -> object:
    """What the text says. Raises ValueError, whose message mostly names the line."""
    match language:
        case Language.JSON:
            return json.loads(text)
        case Language.YAML:
            return _read_yaml(text)
        case Language.TOML:
            return tomllib.loads(text)


def _read_yaml(text: str) -> object:
    """A YAML document of plain values. Raises ValueError for anything else: aliases, with which a page unfolds to gigabytes, and a key given twice."""
    import yaml  # few mappings are written in it

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ValueError(f"line {self.peek_event().start_mark.line + 1}: an alias (*) is not taken")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            found = super().construct_mapping(node, deep=deep)
            if len(found) < len(node.value):
                raise ValueError(f"line {node.start_mark.line + 1}: a key stands twice")
            return found

    try:
        return yaml.load(text, Loader)  # noqa: S506  a safe one
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def line_of_error(error: BaseException, text: str) -> int | None:
    """The line that an error of `read` names: the last one, because YAML says first where it began; of the end of the text its last line."""
    said = str(error)
    if found := _LINE.findall(said):
        return int(found[-1])
    return text.count("\n") + 1 if "end of document" in said else None


def line_of(text: str, language: Language, where: str) -> int | None:
    """The line of a place that an error of a mapping names (`record.start`, `skip[2].when`), or of what it stands in. None where nothing is found.

    The text must be one that `read` takes.
    """
    wanted = tuple(int(step[1:-1]) if step.startswith("[") else step for step in _STEP.findall(where.partition(" ")[0]))
    places = dict(_places(text, language))
    for length in range(len(wanted), 0, -1):
        if wanted[:length] in places:
            return places[wanted[:length]]
    return None


def _places(text: str, language: Language) -> Iterator[tuple[Steps, int]]:
    return _toml_places(text) if language is Language.TOML else _node_places(text)


def _node_places(text: str) -> Iterator[tuple[Steps, int]]:
    """JSON is YAML too, but for what a program would hardly write; then no line is told."""
    import yaml

    def walk(node: yaml.Node, steps: Steps) -> Iterator[tuple[Steps, int]]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield (*steps, str(key.value)), key.start_mark.line + 1
                yield from walk(value, (*steps, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value, start=1):
                yield (*steps, number), value.start_mark.line + 1
                yield from walk(value, (*steps, number))

    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        return
    if root is not None:
        yield from walk(root, ())


def _toml_places(text: str) -> Iterator[tuple[Steps, int]]:
    inside: Steps = ()
    counts: dict[Steps, int] = {}
    quote = ""  # of a text over several lines
    for number, line in enumerate(text.splitlines(), start=1):
        if not quote:
            if header := _TOML_HEADER.match(line):
                inside = _parts(header[2])
                if header[1] == "[[":
                    counts[inside] = counts.get(inside, 0) + 1
                    inside = (*inside, counts[inside])
                yield inside, number
            elif key := _TOML_KEY.match(line):
                yield (*inside, *_parts(key[1])), number
        for mark in ('"""', "'''"):
            if quote in {"", mark} and line.count(mark) % 2:
                quote = "" if quote else mark


def _parts(name: str) -> Steps:
    return tuple(part.strip("\"'") for part in _TOML_PART.findall(name))

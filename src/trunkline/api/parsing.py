"""Bodies and addresses as text that a database can keep: no NUL, no halves of characters, no numbers that are none.

JSON allows them in strings by its escapes (RFC 8259, 8.2 warns of it); PostgreSQL has no place for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser as JsonParser

from trunkline.api.problems import FieldError, InvalidFields


class Parser(JsonParser):
    """Reads JSON. What it raises about a body is answered as `malformed_json`."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The value that a body is. Raises ValueError, also for one that is said to be something else, as forms of other sites are."""
        kind = request.content_type or ""
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise ValueError(f"the body is said to be {kind}")
        text = request.body.decode()
        found = json.loads(text, parse_constant=_refuse_constant)
        if "\\u" in text and not all(map(_is_sound, _texts(found))):
            raise ValueError("a string has NUL or half of a character")
        return found

    def parse_querydict(self, data: Any, list_fields: list[str], request: HttpRequest) -> Any:
        """The values of an address. Raises `InvalidFields`."""
        errors = [
            FieldError(f"?{name}", "bad_value", "It has a character that no text can have.")
            for name in data
            if not all(map(_is_sound, data.getlist(name)))
        ]
        if errors:
            raise InvalidFields(errors)
        return super().parse_querydict(data, list_fields, request)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _is_sound(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)

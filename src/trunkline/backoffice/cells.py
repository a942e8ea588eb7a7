"""What the cells of a list have in common, made once a page: Unfold makes the headers of all columns again for each row, and each box to
tick from its template, which was half of what a list took."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from unfold.admin import checkbox
from unfold.templatetags import unfold_list

_made_by_unfold = unfold_list.result_headers
_PLACE: Final = "place-of-the-key"


def headers_once(cl: Any) -> Iterator[Any]:
    """What `unfold_list.result_headers` says of a list, kept on the list, in words of the reader's language."""
    if "made_headers" not in cl.__dict__:
        cl.made_headers = tuple(_in_words(each) for each in _made_by_unfold(cl))
    return iter(cl.made_headers)


def _in_words(header: dict[str, Any]) -> dict[str, Any]:
    text = header["text"]
    return header if isinstance(text, str) else header | {"text": str(text)}


def make_headers_once() -> None:
    """From now on, rows are told the headers that were made for the first."""
    unfold_list.result_headers = headers_once


def tick_box(key: object) -> SafeString:
    """The box that chooses a row."""
    return SafeString(_box(get_language()).replace(_PLACE, escape(str(key))))


@lru_cache(maxsize=8)
def _box(language: str | None) -> str:
    return str(checkbox.render(ACTION_CHECKBOX_NAME, _PLACE))

"""The headers of a list's columns, made once a page: Unfold makes all of them again for each row, which was half of what a list took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unfold.templatetags import unfold_list

_made_by_unfold = unfold_list.result_headers


def headers_once(cl: Any) -> Iterator[Any]:
    """What `unfold_list.result_headers` says of a list, kept on the list."""
    if "made_headers" not in cl.__dict__:
        cl.made_headers = tuple(_made_by_unfold(cl))
    return iter(cl.made_headers)


def make_headers_once() -> None:
    """From now on, rows are told the headers that were made for the first."""
    unfold_list.result_headers = headers_once

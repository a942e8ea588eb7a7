"""The rows of lists, drawn here: Unfold makes the headers of all columns, the classes and the links again for each row, and sends each row
through its templates, which was most of what a list took (docs/adr/009).

What comes out is what Unfold draws, cell by cell; a test compares the two. Rows with forms, sections and actions of their own, and order by hand, which
no screen of ours has, are not drawn.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, Final

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.urls import NoReverseMatch
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from unfold.admin import checkbox
from unfold.templatetags import unfold_list
from unfold.utils import display_for_field, display_for_value

_made_by_unfold = unfold_list.result_headers
_PLACE: Final = "place-of-the-key"
_BODIES: Final = tuple(
    f'<tbody class="block relative lg:table-row-group {colour}" x-data="{{rowOpen: false}}">'
    '<tr class="data-row block border border-base-200 mb-3 relative rounded-default lg:table-row lg:border-none lg:mb-0 lg:rounded-none dark:border-base-800">'
    for colour in ("", "bg-base-50 dark:bg-white/[.02]")
)


def headers_once(cl: Any) -> Iterator[Any]:
    """What `unfold_list.result_headers` says of a list, kept on the list, in words of the reader's language."""
    if "made_headers" not in cl.__dict__:
        cl.made_headers = tuple(_in_words(each) for each in _made_by_unfold(cl))
    return iter(cl.made_headers)


def _in_words(header: dict[str, Any]) -> dict[str, Any]:
    text = header["text"]
    return header if isinstance(text, str) else header | {"text": str(text)}


def draw_rows_here() -> None:
    """From now on, the rows of lists are those of `rows_of`, and their headers are made once."""
    unfold_list.result_headers = headers_once
    unfold_list.results = rows_of


def tick_box(key: object) -> SafeString:
    """The box that chooses a row."""
    return SafeString(_box(get_language()).replace(_PLACE, escape(str(key))))


@lru_cache(maxsize=8)
def _box(language: str | None) -> str:
    return str(checkbox.render(ACTION_CHECKBOX_NAME, _PLACE))


def rows_of(cl: Any) -> list[list[str]]:
    """The cells of each row of a list's page."""
    columns, address, empty = _columns(cl), _address_of_rows(cl), cl.model_admin.get_empty_value_display()
    return [[_cell(cl.model_admin, row, column, address, empty) for column in columns] for row in cl.result_list]


def draw_rows(rows: Sequence[Sequence[str]]) -> SafeString:
    """The bodies of the table, one a row."""
    return SafeString("".join(f"{_BODIES[place % 2]}{''.join(cells)}</tr></tbody>" for place, cells in enumerate(rows)))


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    begin: str  # its tag, up to its classes
    label: str  # what closes the tag
    end: str
    is_link: bool


def _columns(cl: Any) -> list[_Column]:
    linked = cl.list_display_links
    found: list[_Column] = []
    is_first_link = True
    for place, (name, header) in enumerate(zip(cl.list_display, headers_once(cl), strict=True)):
        is_link = linked is not None and (name in linked or (is_first_link and not linked))
        tag = "th" if is_link and is_first_link else "td"
        is_first_link = is_first_link and not is_link
        classes = (
            unfold_list.CHECKBOX_CLASSES
            if name == "action_checkbox"
            else [f"field-{unfold_list._coerce_field_name(name, place)}", *unfold_list.ROW_CLASSES]
        )
        words = header["text"] if place or is_link else gettext("Select record")
        label = f'" data-label="{conditional_escape(words)}">'
        found.append(_Column(name, f'<{tag} class="{" ".join(classes)}', label, f"</{tag}>", is_link))
    return found


def _cell(screen: Any, row: Any, column: _Column, address: Callable[[Any], str | None], empty: str) -> str:
    shown, nowrap = _shown(screen, row, column.name, empty)
    text = escaped(shown)
    if column.is_link and (url := address(row)) is not None:
        text = f'<a href="{escape(url)}" class="{_LINK}" >{text}</a>'
    return f"{column.begin}{' nowrap' if nowrap else ''}{column.label}{text}{column.end}"


_LINK: Final = " ".join(unfold_list.LINK_CLASSES)


def escaped(value: Any) -> str:
    """`conditional_escape` of a value; most are text, of which Django asks much else first."""
    kind = type(value)
    if kind is str:
        return escape(value)
    return value if kind is SafeString else conditional_escape(value)


def _shown(screen: Any, row: Any, name: str, empty: str) -> tuple[Any, bool]:
    """What a cell says, and whether it stays on one line."""
    try:
        field, attribute, value = lookup_field(name, row, screen)
    except ObjectDoesNotExist:
        return empty, False
    empty = getattr(attribute, "empty_value_display", empty)
    if field is None or field.auto_created:
        shown: Any = display_for_value(value, empty, getattr(attribute, "boolean", False))
        return shown, isinstance(value, datetime.date | datetime.time)
    nowrap = isinstance(field, models.DateField | models.TimeField | models.ForeignKey)
    if isinstance(field.remote_field, models.ManyToOneRel):
        related = getattr(row, field.name)
        return (empty if related is None else related), nowrap
    return display_for_field(value, field, empty), nowrap


def _address_of_rows(cl: Any) -> Callable[[Any], str | None]:
    """Where the link of a row leads: asked for once, with a place for the key, where keys are numbers and nothing is kept in the address."""
    filters = {"preserved_filters": cl.preserved_filters, "opts": cl.opts}
    key = cl.pk_attname

    def asked(row: Any) -> str | None:
        try:
            return str(add_preserved_filters(filters, cl.url_for_result(row)))
        except NoReverseMatch:
            return None

    def filled_in(row: Any) -> str | None:
        return pattern.replace(_PLACE, str(getattr(row, key)))

    own = type(cl).url_for_result is ChangeList.url_for_result
    if not own or not isinstance(cl.model._meta.pk, models.IntegerField) or not cl.result_list:
        return asked
    first = cl.result_list[0]
    address = asked(first)
    mark = f"/{getattr(first, key)}/"
    if address is None or address.count(mark) != 1:
        return asked
    pattern = address.replace(mark, f"/{_PLACE}/")
    return filled_in

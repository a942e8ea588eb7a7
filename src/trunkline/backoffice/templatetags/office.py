"""What our templates say by a tag of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.template import RequestContext
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from trunkline.backoffice.cells import draw_rows, escaped
from trunkline.backoffice.form_parts import field_of
from trunkline.backoffice.frame import part, sidebar_of
from trunkline.backoffice.nav import task_above
from trunkline.backoffice.panels import Cell, Link

register = template.Library()

NOTHING = "–"
LINK = '<a class="text-primary-600 dark:text-primary-500" href="%s">%s</a>'


@register.simple_tag(takes_context=True)
def kept(context: RequestContext, template_name: str, *values: object) -> SafeString:
    """A template of the frame that is made once for all who see the same. `values`: all of the page that it shows."""
    return part(context, template_name, values)


@register.simple_tag(takes_context=True)
def way_here(context: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The path above a page, beginning with the task of the sidebar that its list belongs to: one app of models serves several tasks."""
    request = context["request"]
    above = task_above(request, str(parts[1]["link"]) if len(parts) > 1 else request.path)
    if above is None:
        return parts
    return [{"title": above[0], "link": above[1]}, *(parts[1:] if len(parts) > 1 else parts)]


@register.simple_tag
def sidebar(groups: Sequence[Mapping[str, Any]]) -> SafeString:
    """The pages that this person sees, by task."""
    return sidebar_of(groups)


@register.simple_tag
def form_field(field: Any) -> SafeString:
    """A field of a form with its label, its help and what is wrong with it."""
    return field_of(field)


@register.simple_tag
def list_rows(rows: Sequence[Sequence[str]]) -> SafeString:
    """The rows of a list, as `cells.rows_of` made their cells."""
    return draw_rows(rows)


@register.simple_tag
def table(headers: Sequence[Any], rows: Sequence[Sequence[Cell]]) -> SafeString:
    """A table of the cells of a panel (`Panel.table`); on a phone each row is a card.

    Written here and not as a template: a template takes 0.15 ms of processor time for a cell (November 2026), and a page of records has 500.
    """
    names = [conditional_escape(header) for header in headers]
    parts = ['<div class="office-table-frame border-base-200 dark:border-base-800"><table class="office-table">']
    if any(names):
        rights = [cell.right for cell in rows[0]] if rows else [False] * len(names)
        parts.append("<thead><tr>")
        parts += [
            f'<th scope="col"{_CLASSES[right, False]}>{name}</th>' for name, right in zip(names, rights, strict=True)
        ]
        parts.append("</tr></thead>")
    parts.append("<tbody>")
    for row in rows:
        parts.append("<tr>")
        parts += [
            f'<td data-label="{name}"{_CLASSES[right, whole]}>{_shown(value)}</td>'
            for name, (value, right, whole) in zip(names, row, strict=True)
        ]
        parts.append("</tr>")
    parts.append("</tbody></table></div>")
    return mark_safe("".join(parts))  # noqa: S308 - every value was escaped


_CLASSES = {
    (False, False): "",
    (True, False): ' class="office-number"',
    (False, True): ' class="office-whole"',
    (True, True): ' class="office-number office-whole"',
}


def _shown(value: Any) -> str:
    if isinstance(value, Link):
        return LINK % (escaped(value.url), escaped(value.text))
    return escaped(NOTHING if value is None else value)

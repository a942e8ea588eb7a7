"""Parts of the frame around every page that are made once for all who see the same: the sidebar, who one is, what the head loads (docs/adr/009).

A part is kept under everything that it shows, so nobody can get what was made for another: whoever has other words in it has another part. The
token of its forms is each page's own and put in afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from django.middleware.csrf import get_token
from django.template import RequestContext
from django.template.loader import get_template
from django.urls import get_script_prefix
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

PARTS_MAX: Final = 1024
_TOKEN: Final = "place-of-the-token"  # noqa: S105 - its place, not one
_parts: dict[tuple[object, ...], str] = {}


def part(context: RequestContext, template: str, values: Sequence[object]) -> SafeString:
    """A template of the frame. `values` are all of the page that it shows, besides language, addresses and what is the same for everybody."""
    key = (template, get_language(), get_script_prefix(), *map(_frozen, values))
    made = _parts.get(key)
    if made is None:
        with context.push(csrf_token=_TOKEN):
            made = get_template(template).template.render(context)  # type: ignore[attr-defined]
        if len(_parts) >= PARTS_MAX:
            _parts.clear()
        _parts[key] = made
    if _TOKEN not in made:
        return SafeString(made)
    return SafeString(made.replace(_TOKEN, get_token(context.request)))


def _frozen(value: Any) -> object:
    if isinstance(value, Mapping):
        return tuple((name, _frozen(each)) for name, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value if isinstance(value, bool | int) or value is None else str(value)


Item = tuple[str, str, str, bool]  # title, icon, link, whether one is there


def sidebar_of(groups: Sequence[Mapping[str, Any]]) -> SafeString:
    """The groups of `nav.sidebar` as Unfold draws them, without what ours never has (badges, groups that fold)."""
    return _drawn(
        tuple(
            (
                str(group["title"] or ""),
                tuple((str(each["title"]), each["icon"], each["link"], each["active"]) for each in group["items"]),
            )
            for group in groups
        )
    )


@lru_cache(maxsize=256)
def _drawn(groups: tuple[tuple[str, tuple[Item, ...]], ...]) -> SafeString:
    parts = ['<div id="nav-sidebar-apps" class="h-0 grow overflow-auto" data-simplebar>']
    for title, items in groups:
        parts.append('<div class="hidden mb-1.5 has-[ol]:has-[li]:block">')
        if title:
            parts.append(
                '<h2 class="font-semibold flex flex-row group items-center mb-1 mx-3 py-1.5 px-3 select-none text-font-important-light text-sm '
                f'dark:text-font-important-dark">{escape(title)}</h2>'
            )
        parts.append('<ol class="flex flex-col gap-0.5 px-6">')
        for name, icon, link, is_here in items:
            here = " bg-base-100 font-semibold text-primary-600 dark:bg-white/[.06] dark:text-primary-500 active"
            parts.append(
                f'<li><a href="{escape(link)}" class="flex h-[38px] items-center -mx-3 px-3 rounded-default hover:text-primary-600 '
                f'dark:hover:text-primary-500{here if is_here else ""}"><span class="material-symbols-outlined md-18 mr-3 w-[18px]">{escape(icon)}</span>'
                f"<span>{escape(name)}</span></a></li>"
            )
        parts.append("</ol></div>")
    parts.append("</div>")
    return SafeString("".join(parts))

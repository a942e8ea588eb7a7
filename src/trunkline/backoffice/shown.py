"""How values are shown: money exact and aligned, instants on the clock that they are meant on, states as labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.panels import Link
from trunkline.core.currency import CURRENCIES, format_amount
from trunkline.core.money import Amount, Price
from trunkline.core.period import get_zone, is_in_force, local_text

NOTHING = "–"


def money(amount: Amount | None, currency: str) -> SafeString:
    """An amount at its currency's minor unit, half up, with thousands parted; what it exactly is on the pointer."""
    if amount is None:
        return SafeString(NOTHING)
    text = format_amount(amount, CURRENCIES[currency], is_grouped=True)
    sign = " office-below" if amount.units < 0 else ""
    # A code of CURRENCIES and figures of ours: nothing of it has to be escaped.
    return SafeString(f'<span class="office-money{sign}" title="{amount} {currency}">{text} {currency}</span>')


def plain_number(value: Decimal | Amount | Price | None) -> str:
    """A number without the zeros that its column adds."""
    if value is None:
        return NOTHING
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


_PRICE = re.compile(r"(\S+) per (\d+), (\d+/\d+)")
_STEP = re.compile(r"from (\d+): (\S+) per (\d+) by (\d+)")


def price_text(text: str) -> str:
    """A price as the rooms say it (`tariffs.rules.describe_steps`), in the reader's language."""
    if text == "blocked":
        return gettext("blocked")
    if whole := _PRICE.fullmatch(text):
        price, per, increments = whole.groups()
        return gettext("%(price)s per %(per)s, %(increments)s") % {"price": price, "per": per, "increments": increments}
    step = gettext("from %(start)s: %(price)s per %(per)s by %(increment)s")
    return _STEP.sub(
        lambda each: step % dict(zip(("start", "price", "per", "increment"), each.groups(), strict=True)), text
    )


def instant(value: datetime | None, zone: str = "UTC") -> SafeString:
    """An instant on a local clock; which one it is on the pointer."""
    if value is None:
        return SafeString(NOTHING)
    local = value.astimezone(get_zone(zone))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), zone, f"{local:%Y-%m-%d %H:%M:%S}"
    )


def days(begin: date, end: date) -> str:
    """The days of a period that ends before `end`: a month by its number, one day alone, otherwise the first and the last."""
    last = end - timedelta(days=1)
    if begin == last:
        return f"{begin:%Y-%m-%d}"
    if begin.day == 1 and end.day == 1 and (last.year, last.month) == (begin.year, begin.month):
        return f"{begin:%Y-%m}"
    return f"{begin:%Y-%m-%d} – {last:%Y-%m-%d}"


def validity(valid_from: datetime | None, valid_to: datetime | None, zone: str) -> str:
    """From when to when something holds, in words."""
    begin, end = local_text(valid_from, zone), local_text(valid_to, zone)
    if valid_from is not None and valid_from == valid_to:
        return gettext("never")
    if begin and end:
        return gettext("from %(begin)s until %(end)s") % {"begin": begin, "end": end}
    if begin:
        return gettext("from %(begin)s") % {"begin": begin}
    return gettext("until %(end)s") % {"end": end} if end else gettext("always")


def state(value: str, text: Any, kinds: Mapping[str, str]) -> SafeString:
    """A state in a box of its colour, in lists, tables and on the page of its row."""
    return label(text, kinds.get(value, "default"))


HOLDS = {"now": "success", "later": "info", "over": "default", "voided": "danger"}


def standing(valid_from: datetime | None, valid_to: datetime | None, at: datetime) -> SafeString:
    """Whether something holds at an instant."""
    if is_in_force(valid_from, valid_to, at):
        return state("now", gettext("in force"), HOLDS)
    if valid_from is not None and at < valid_from and valid_from != valid_to:
        return state("later", gettext("later"), HOLDS)
    return state("over", gettext("over"), HOLDS)


YES, NO = _("yes"), _("no")


def choice(row: Any, name: str) -> str:
    """The words of a field with choices, in the reader's language."""
    return gettext(str(getattr(row, f"get_{name}_display")()))


def choice_text(value: Any) -> str:
    """The words of a choice, in the reader's language."""
    return gettext(str(value.label))


def label(text: Any, kind: str = "default") -> SafeString:
    """A text in a coloured box: `success`, `warning`, `danger`, `info`, `primary` or `default`."""
    return _label(str(text), kind)


@lru_cache(maxsize=1024)  # a list has the same few again and again
def _label(text: str, kind: str) -> SafeString:
    from django.template.loader import render_to_string

    return SafeString(render_to_string("unfold/helpers/label.html", {"text": text, "type": kind}).strip())


def link(text: Any, url: str) -> SafeString:
    """A link in a list."""
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text)


def row_link(request: Any, row: Any, text: Any = None) -> Any:
    """A way to the page of a row, where there is a screen that this person may see; otherwise its text alone."""
    from trunkline.backoffice.site import site

    screen = site._registry.get(type(row))
    shown = str(row) if text is None else text
    if screen is None or not screen.has_view_permission(request):
        return shown
    return Link(shown, screen.url("change", row))

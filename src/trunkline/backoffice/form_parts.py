"""Fields of forms, drawn here: Unfold's templates ask a dozen questions for each, and Django's go through three for an input (docs/adr/009).

What comes out is what they draw, blanks aside; a test compares the two. Widgets that are not among `WIDGETS` are drawn by their templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.forms.renderers import DjangoTemplates
from django.utils.formats import localize
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

AFFIXES: Final = ("prefix", "prefix_icon", "suffix", "suffix_icon")


def field_of(field: Any) -> SafeString:
    """A field of a form with its label, its help and what is wrong with it (`unfold/helpers/field.html`)."""
    widget = field.field.widget
    name, kind = type(widget).__name__, getattr(widget, "input_type", None)
    if kind == "hidden":
        return SafeString(field)
    drawn, label = str(field), _label(field, is_plain=name == "UnfoldBooleanWidget")
    if kind == "checkbox" and name != "UnfoldAdminCheckboxSelectMultipleWidget":
        inside = f'<div class="flex flex-row gap-2 items-center">{drawn}{label}</div>'
    else:
        inside = f'<div class="flex flex-col gap-2">{label}{drawn}</div>'
    wrong = "errors " if field.errors else ""
    return mark_safe(  # noqa: S308 - every value was escaped, and a help text is ours, as Unfold takes it
        f'<div class="{wrong}flex flex-col group mb-4">{inside}{_errors(field.errors)}{_help(field.help_text)}</div>'
    )


def _label(field: Any, *, is_plain: bool) -> str:
    weight = "" if is_plain else "font-semibold text-important"
    star = '<span class="text-red-600 dark:text-red-500">*</span>' if field.field.required else ""
    return f'<label for="{conditional_escape(field.id_for_label)}" class="block {weight}">{_text(field.label)}{star}</label>'


def _errors(errors: Any) -> str:
    if not errors:
        return ""
    said = "".join(f"<li>{_text(each)}</li>" for each in errors)
    return f'<div class="mt-2 text-red-600 text-xs dark:text-red-500"><ul>{said}</ul></div>'


def _help(text: Any) -> str:
    return f'<div class="leading-relaxed mt-2 text-xs">{text}</div>' if text else ""


def _text(value: Any) -> str:
    return conditional_escape(localize(value))


Widget = Mapping[str, Any]


def _attributes(widget: Widget) -> str:
    return "".join(
        f" {conditional_escape(name)}" if value is True else f' {conditional_escape(name)}="{_said(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _said(value: Any) -> str:
    return conditional_escape(value if isinstance(value, SafeString) else str(value))


def _input(widget: Widget) -> str:
    value = widget["value"]
    said = "" if value is None else f' value="{_said(value)}"'
    return f'<input type="{_said(widget["type"])}" name="{_said(widget["name"])}"{said}{_attributes(widget)}>'


def _text_input(widget: Widget) -> str | None:
    if any(widget.get(name) for name in AFFIXES):
        return None
    return f'<div class="max-w-2xl relative w-full">{_input(widget)}</div>'


def _select(widget: Widget) -> str | None:
    options = []
    for group, choices, _ in widget["optgroups"]:
        if group or any(each["template_name"] != OPTION for each in choices):
            return None
        options += [
            f'<option value="{_said(each["value"])}"{_attributes(each)}>{_text(each["label"])}</option>'
            for each in choices
        ]
    return f'<select name="{_said(widget["name"])}"{_attributes(widget)}>{"".join(options)}</select>'


def _select_in_frame(widget: Widget) -> str | None:
    drawn = _select(widget)
    return None if drawn is None else f'<div class="grow relative max-w-2xl">{drawn}{_ARROW}</div>'


_ARROW: Final = (
    '<span class="material-symbols-outlined absolute group-[.primary]:text-white pointer-events-none mr-[12px] right-0 text-base-400 top-0 top-1/2 '
    'hover:text-base-700 dark:text-base-500 dark:hover:text-base-200 -translate-y-1/2">expand_more</span>'
)
OPTION: Final = "django/forms/widgets/select_option.html"
_INPUTS: Final = ("text", "number", "email", "date", "datetime", "time", "hidden", "checkbox")
# None: as its template does.
WIDGETS: Final[Mapping[str, Callable[[Widget], str | None]]] = {
    **{f"django/forms/widgets/{name}.html": _input for name in _INPUTS},
    "django/forms/widgets/select.html": _select,
    "unfold/widgets/text.html": _text_input,
    "unfold/widgets/select.html": _select_in_frame,
}


class Renderer(DjangoTemplates):
    """Django's, but for `WIDGETS`."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        draw = WIDGETS.get(template_name)
        drawn = None if draw is None else draw(context["widget"])
        if drawn is None:
            return super().render(template_name, context, request)
        return SafeString(drawn)  # every value was escaped

"""Fields of the back office's forms: in Unfold's looks, with the values that the rooms' actions take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from unfold import widgets

from trunkline.backoffice.hints import error_text
from trunkline.backoffice.site import site
from trunkline.core.currency import CURRENCIES
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount, RoundingMode

UTC = ZoneInfo("UTC")
NOT_A_NUMBER: Final = {"invalid": _("Digits alone, with the country code, such as 254712345678.")}
NOT_A_CODE: Final = {"invalid": _("Digits alone, such as 2547.")}

ROUNDINGS: Final[Mapping[RoundingMode, Any]] = {
    RoundingMode.HALF_UP: _("half up"),
    RoundingMode.HALF_EVEN: _("half even"),
    RoundingMode.UP: _("up"),
    RoundingMode.DOWN: _("down"),
}

# What Django gives a field by itself, and what Unfold has for it.
_LOOKS: dict[type[forms.Widget], type[forms.Widget]] = {
    forms.TextInput: widgets.UnfoldAdminTextInputWidget,
    forms.EmailInput: widgets.UnfoldAdminEmailInputWidget,
    forms.URLInput: widgets.UnfoldAdminURLInputWidget,
    forms.NumberInput: widgets.UnfoldAdminIntegerFieldWidget,
    forms.PasswordInput: widgets.UnfoldAdminPasswordWidget,
    forms.Textarea: widgets.UnfoldAdminTextareaWidget,
    forms.Select: widgets.UnfoldAdminSelectWidget,
    forms.NullBooleanSelect: widgets.UnfoldAdminNullBooleanSelectWidget,
    forms.SelectMultiple: widgets.UnfoldAdminSelectMultipleWidget,
    forms.CheckboxSelectMultiple: widgets.UnfoldAdminCheckboxSelectMultipleWidget,
    forms.CheckboxInput: widgets.UnfoldBooleanWidget,
    forms.ClearableFileInput: widgets.UnfoldAdminFileFieldWidget,
}


def dress(fields: dict[str, forms.Field]) -> None:
    """Give the fields of a form Unfold's looks; whoever has chosen a widget of another kind keeps it."""
    for field in fields.values():
        kept = field.widget
        look = _LOOKS.get(type(kept))
        if look is None:
            continue
        made = look(attrs=dict(kept.attrs))
        made.is_required, made.is_localized = kept.is_required, kept.is_localized
        if isinstance(kept, forms.widgets.ChoiceWidget) and isinstance(made, forms.widgets.ChoiceWidget):
            made.choices = kept.choices
        field.widget = made


class DayInput(forms.DateInput):
    """The browser's own choice of a day: it speaks the reader's language and needs no script."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        looks = {"class": " ".join(widgets.DATETIME_CLASSES)}
        super().__init__(attrs={**looks, **(attrs or {})}, format="%Y-%m-%d")


class InstantInput(forms.DateTimeInput):
    """The browser's own choice of a day and a time."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        looks = {"class": " ".join(widgets.DATETIME_CLASSES), "step": "1"}
        super().__init__(attrs={**looks, **(attrs or {})}, format="%Y-%m-%dT%H:%M:%S")


class DayField(forms.DateField):
    """A civil day."""

    widget = DayInput


class InstantField(forms.Field):
    """A local time, given without a zone, that becomes an instant by `zone`: that of what it is for, which the form sets."""

    widget = InstantInput
    default_error_messages = {"invalid": _("Give a day and a time, such as 2026-03-02T08:00.")}

    def __init__(self, *, zone: tzinfo | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone or UTC

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(self.zone).replace(tzinfo=None)
        return value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
            return (found if found.tzinfo is not None else found.replace(tzinfo=self.zone)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except ValidationError:
            return True


class AmountField(forms.CharField):
    """An exact amount of money: plain digits with a point."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else str(value)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return value if isinstance(value, Amount) else Amount.from_text(text)
        except Invalid as error:
            raise ValidationError(error_text(error), code=error.code) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed("" if initial is None else str(initial), data) and self.to_python(
            initial
        ) != self._given(data)

    def _given(self, data: Any) -> Any:
        try:
            return self.to_python(data)
        except ValidationError:
            return data


class WordsField(forms.CharField):
    """A list of words with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        given = value if isinstance(value, (list, tuple)) else (super().to_python(value) or "").split(",")
        return [word.strip() for word in given if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(initial or "") != self.to_python(data or ""))


def _zones() -> list[tuple[str, str]]:
    return [("", "–"), *((name, name) for name in sorted(available_timezones()) if "/" in name or name == "UTC")]


def _currencies() -> list[tuple[str, str]]:
    return [("", "–"), *((code, f"{code} – {each.name}") for code, each in CURRENCIES.items())]


class ZoneField(forms.ChoiceField):
    """An IANA zone, chosen by typing a part of its name."""

    widget = widgets.UnfoldAdminSelect2Widget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_zones, **kwargs)


class CurrencyField(forms.ChoiceField):
    """A currency in use, chosen by typing a part of its code or name."""

    widget = widgets.UnfoldAdminSelect2Widget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_currencies, **kwargs)


class RowField(forms.ModelChoiceField):
    """A row that some model refers to, found by typing: `RowField(Identity, "account")`. Asks the screen of the other model, so it needs
    the permission to see that.
    """

    def __init__(self, model: type[models.Model], name: str, **kwargs: Any) -> None:
        reference: Any = model._meta.get_field(name)
        widget = AutocompleteSelect(reference, site, attrs={"data-width": "100%"})
        super().__init__(queryset=reference.related_model._default_manager.all(), widget=widget, **kwargs)


def _fill(text: Any, values: dict[str, Any]) -> str:
    return str(text) % values


_filled = lazy(_fill, str)


def filled(text: Any, **values: Any) -> Any:
    """A text with its values, in the reader's language when it is shown: `%` alone would say it in that of the process."""
    return _filled(text, values)


def rounding_choices() -> list[tuple[str, Any]]:
    """The manners of rounding by their names in files, in words."""
    return [(mode.label, ROUNDINGS[mode]) for mode in RoundingMode]


def translated_choices(choices: Any) -> Any:
    """The values and texts of choices, the texts in the reader's language when they are shown."""
    from django.utils.translation import gettext

    return lazy(lambda: [(value, gettext(str(label))) for value, label in choices], list)()

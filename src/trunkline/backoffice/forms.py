"""Forms of the back office: in Unfold's looks, and with an action of a room in place of a model's save."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db import transaction
from unfold import widgets

from trunkline.core.errors import TrunklineError

# What Django gives a field by itself, and what Unfold has for it.
_LOOKS: dict[type[forms.Widget], type[forms.Widget]] = {
    forms.TextInput: widgets.UnfoldAdminTextInputWidget,
    forms.EmailInput: widgets.UnfoldAdminEmailInputWidget,
    forms.URLInput: widgets.UnfoldAdminURLInputWidget,
    forms.NumberInput: widgets.UnfoldAdminIntegerFieldWidget,
    forms.PasswordInput: widgets.UnfoldAdminPasswordWidget,
    forms.Textarea: widgets.UnfoldAdminTextareaWidget,
    forms.Select: widgets.UnfoldAdminSelectWidget,
    forms.SelectMultiple: widgets.UnfoldAdminSelectMultipleWidget,
    forms.CheckboxSelectMultiple: widgets.UnfoldAdminCheckboxSelectMultipleWidget,
    forms.CheckboxInput: widgets.UnfoldBooleanWidget,
    forms.ClearableFileInput: widgets.UnfoldAdminFileFieldWidget,
}


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


class InstantField(forms.DateTimeField):
    """A local time that becomes an instant by the zone of what it is for (`zone`, which the form sets before it is cleaned)."""

    widget = InstantInput

    def __init__(self, *, zone: ZoneInfo | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone or ZoneInfo("UTC")

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(self.zone).replace(tzinfo=None)
        return value

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        if found is None:
            return None
        naive = found.astimezone(ZoneInfo("UTC")).replace(tzinfo=None) if found.tzinfo is not None else found
        return naive.replace(tzinfo=self.zone)


def dress(fields: dict[str, forms.Field]) -> None:
    """Give the fields of a form Unfold's looks; whoever has chosen a widget keeps it."""
    for field in fields.values():
        look = _LOOKS.get(type(field.widget))
        if look is None:
            continue
        kept = field.widget
        made = look(attrs=dict(kept.attrs))
        made.is_required, made.is_localized = kept.is_required, kept.is_localized
        if isinstance(kept, forms.widgets.ChoiceWidget) and isinstance(made, forms.widgets.ChoiceWidget):
            made.choices = kept.choices
        field.widget = made


class StaffForm(forms.Form):
    """A form that belongs to no model. `request` and `obj` (what it is about, if anything) are there for whoever fills choices."""

    def __init__(self, *args: Any, request: Any = None, obj: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.obj = request, obj
        self.prepare()
        dress(self.fields)

    def field(self, name: str) -> Any:
        """A field of that name, to be given its choices or its zone."""
        return self.fields[name]

    def prepare(self) -> None:
        """Choices, zones and defaults that depend on the request or the object."""


def set_choices(form: forms.BaseForm, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
    """Give a field of choices those that depend on the request."""
    field: Any = form.fields[name]
    field.choices = list(choices)


def set_zone(form: forms.BaseForm, zone: ZoneInfo, *names: str) -> None:
    """Say on which clock the local times of these fields are; a field that is only shown is passed over."""
    for name in names:
        field = form.fields.get(name)
        if isinstance(field, InstantField):
            field.zone = zone


def refuse(form: forms.BaseForm, error: TrunklineError) -> None:
    """Show an action's refusal on the form: beside the field that its context names, otherwise above all."""
    field = error.context.get("field")
    form.add_error(field if isinstance(field, str) and field in form.fields else None, str(error))


class ActionForm(forms.ModelForm):
    """A model's form whose valid data goes to an action of the room: `perform(data)` gives the row as it is then.

    The action decides what is right. What it refuses becomes an error of the form, and what it wrote before is taken back.
    """

    perform: Any = None  # set by TenantAdmin for the request
    done: Any = None

    def _post_clean(self) -> None:
        if self.errors or self.perform is None:
            return
        try:
            with transaction.atomic():
                self.done = self.perform(self)
        except TrunklineError as error:
            refuse(self, error)

    def given(self, *, changed_only: bool) -> dict[str, Any]:
        """What the form says: all of it, or what differs from what it was shown with."""
        names = self.changed_data if changed_only else self.cleaned_data
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}

"""Forms of the back office: with an action of a room in place of a model's save."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django import forms
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.fields import DayInput, InstantField, InstantInput, dress
from trunkline.backoffice.hints import error_text
from trunkline.core.errors import TrunklineError
from trunkline.core.period import get_zone
from trunkline.kit.clock import now
from trunkline.kit.db.scope import give_reason

__all__ = [
    "AccountTimesForm",
    "ActionForm",
    "DayInput",
    "EndForm",
    "InstantField",
    "InstantInput",
    "StaffForm",
    "dress",
    "error_text",
    "refuse",
]

REASON: Final = "why_it_is_done"


class StaffForm(forms.Form):
    """A form that belongs to no model. `request` and `obj` (what it is about, if anything) are there for whoever fills choices.

    `field_of` says beside which field a refusal stands, by its code.
    """

    field_of: ClassVar[Mapping[str, str]] = {}

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


def read_again(form: forms.BaseForm, zone: ZoneInfo, *names: str) -> None:
    """Read the local times of these fields on another clock than they were read on, as it is chosen on the form itself."""
    set_zone(form, zone, *names)
    for name in names:
        if name in form.cleaned_data:
            form.cleaned_data[name] = form.fields[name].clean(form[name].data)


def refuse(form: forms.BaseForm, error: TrunklineError) -> None:
    """Show an action's refusal on the form: beside the field that its context names, or that the form names for its code; otherwise above all."""
    names: Mapping[str, str] = getattr(form, "field_of", {})
    field = error.context.get("field") or names.get(error.code)
    form.add_error(field if isinstance(field, str) and field in form.fields else None, error_text(error))


def ask_for_files_again(form: forms.BaseForm) -> None:
    """Say beside a file that came with a form that has errors that it must be chosen once more: a browser does not keep it."""
    if not form.errors:
        return
    for name, field in form.fields.items():
        if isinstance(field, forms.FileField) and name in form.files and name not in form.errors:
            form.add_error(name, gettext("Choose the file again: the browser does not keep it."))


def reason_field() -> forms.CharField:
    """Why something is done: it stands in the history, beside who and what."""
    return forms.CharField(
        label=_("Why"),
        required=False,
        max_length=200,
        help_text=_("Stands in the history, for colleagues, such as the number of a ticket. May be left empty."),
    )


class ActionForm(forms.ModelForm):
    """A model's form whose valid data goes to an action of the room: `perform(form)` gives the row as it is then.

    The action decides what is right. What it refuses becomes an error of the form, beside the field that `field_of` has for its code, and what it
    wrote before is taken back.
    """

    field_of: ClassVar[Mapping[str, str]] = {}

    asks_why = False  # whether the model has a history; set by TenantAdmin, as is what follows
    perform: Any = None
    request: Any = None
    done: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # what it was is the row's to say, not the browser's
            field.show_hidden_initial = False
        self.prepare()
        if self.asks_why:
            self.fields[REASON] = reason_field()
        dress(self.fields)

    @property
    def reason(self) -> Any:
        """The field of the reason, if it is asked for; it stands below all others."""
        return self[REASON] if REASON in self.fields else None

    def prepare(self) -> None:
        """Choices, zones and defaults that depend on the request or the row (`instance`)."""

    def _post_clean(self) -> None:
        if self.errors or self.perform is None:
            return
        try:
            with transaction.atomic():
                if reason := self.cleaned_data.get(REASON):
                    give_reason(reason)
                self.done = self.perform(self)
        except TrunklineError as error:
            refuse(self, error)

    def given(self, *, changed_only: bool) -> dict[str, Any]:
        """What the form says: all of it, or what differs from what it was shown with."""
        names = self.changed_data if changed_only else self.cleaned_data
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data and name != REASON}


class AccountTimesForm(ActionForm):
    """A form with an `account`, whose local times are on that account's clock."""

    def clean(self) -> Any:
        """Read the times again, now that it is known whose clock they are on."""
        data = super().clean() or self.cleaned_data
        account = data.get("account")
        for name, field in self.fields.items():
            if account is not None and isinstance(field, InstantField) and name in data:
                field.zone = get_zone(account.timezone)
                data[name] = field.clean(self[name].data)
        return data


class EndForm(StaffForm):
    """Until when something of an account holds."""

    valid_to = InstantField(
        label=_("Until"), help_text=_("On the account's clock, itself not included. Before its beginning means never.")
    )

    def prepare(self) -> None:
        field = self.fields["valid_to"]
        field.zone = get_zone(self.obj.account.timezone)  # type: ignore[attr-defined]
        field.initial = now().replace(microsecond=0)

"""Forms of signing up and of choosing where to work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.hints import error_text
from trunkline.core.currency import CURRENCIES
from trunkline.core.errors import TrunklineError
from trunkline.identity.actions import ask_for_operator
from trunkline.identity.actions.signup import require_operator_name
from trunkline.identity.actions.users import require_name
from trunkline.identity.models import User
from trunkline.identity.rules import STAFF_SESSION_LONGEST
from trunkline.kit import clock
from trunkline.tenancy.queries import get_tenant_id


def _said(error: TrunklineError) -> forms.ValidationError:
    return forms.ValidationError(error_text(error), code=error.code)


def _zones() -> list[tuple[str, str]]:
    """Every zone by its name; those without a place are aliases, but for UTC."""
    return [(zone, zone) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"]


class OperatorFields(forms.Form):
    """What allauth's sign-up form asks besides e-mail and password."""

    name = forms.CharField(label=_("Your name"), max_length=200)
    operator = forms.CharField(
        label=_("Name of your company"), max_length=200, help_text=_("On screens; documents get their own.")
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[("", ""), *((code, code) for code in sorted(CURRENCIES))],
        help_text=_("Of your books and margins. It can be changed until the first file is taken."),
    )
    timezone = forms.ChoiceField(label=_("Time zone"), choices=_zones, initial="UTC", help_text=_("Of your reports."))

    field_order = ("operator", "name", "email", "password1", "currency", "timezone")

    def clean_name(self) -> str:
        return _checked(require_name, self.cleaned_data["name"])

    def clean_operator(self) -> str:
        return _checked(require_operator_name, self.cleaned_data["operator"])

    def signup(self, request: Any, user: User) -> None:
        """Called by allauth when the person is made and their address not yet proved."""
        given = self.cleaned_data
        user.name = given["name"]
        user.save(update_fields=["name"])
        ask_for_operator(
            user=user, name=given["operator"], currency=given["currency"], timezone=given["timezone"], at=clock.now()
        )


class ProfileForm(forms.Form):
    """What people say of themselves."""

    name = forms.CharField(
        label=_("Your name"), max_length=200, required=False, help_text=_("As it stands on pages and in histories.")
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("That of the browser")), *settings.LANGUAGES],
        help_text=_("Of pages, wherever you sign in, and of mails."),
    )

    def clean_name(self) -> str:
        return _checked(require_name, self.cleaned_data["name"])


class EnterForm(forms.Form):
    """Somebody of the platform's staff enters an operator."""

    operator = forms.CharField(label=_("Operator"), max_length=200, help_text=_("Its short name, or its name."))
    reason = forms.CharField(label=_("Reason"), min_length=10, max_length=500, help_text=_("The operator reads it."))
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=5,
        max_value=STAFF_SESSION_LONGEST // timedelta(minutes=1),
        initial=60,
        help_text=_("How long you will need."),
    )

    def clean_operator(self) -> int:
        """Its id."""
        return _checked(get_tenant_id, self.cleaned_data["operator"].strip())


def _checked(check: Any, value: Any) -> Any:
    try:
        return check(value)
    except TrunklineError as error:
        raise _said(error) from error

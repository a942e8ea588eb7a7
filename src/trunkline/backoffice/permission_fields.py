"""Fields of forms in which permissions are chosen, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.hints import error_text
from trunkline.core.errors import TrunklineError
from trunkline.identity.permissions import SENTENCES, Permission
from trunkline.identity.rules import parse_networks

# What permissions are about, in the order of their list.
THINGS: dict[str, Any] = {
    "accounts": _("Accounts"),
    "identities": _("Identities"),
    "tariffs": _("Tariffs"),
    "exchange_rates": _("Exchange rates"),
    "switches": _("Switches"),
    "sources": _("Sources"),
    "rules": _("Traffic rules"),
    "usage": _("Files and rejects"),
    "records": _("Call records"),
    "invoices": _("Invoices"),
    "ledger": _("Books"),
    "reports": _("Reports"),
    "history": _("History"),
    "keys": _("API keys"),
    "staff": _("Staff"),
    "owners": _("Owners"),
    "settings": _("Settings"),
}


def by_thing(permissions: Iterable[Permission]) -> list[tuple[str, list[Permission]]]:
    """Permissions in their order, put together by what they are about."""
    wanted = set(permissions)
    ordered = [each for each in Permission if each in wanted]
    return [
        (str(THINGS.get(thing, thing)), list(each))
        for thing, each in groupby(ordered, lambda permission: permission.value.partition(".")[0])
    ]


class PermissionBoxes(forms.CheckboxSelectMultiple):
    """A box for each permission, by what it is about; those that one may not give are there and cannot be ticked."""

    template_name = "backoffice/permission_boxes.html"
    may_give: frozenset[str] = frozenset(Permission)

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if str(value) not in self.may_give:
            option["attrs"]["disabled"] = True
        return option


class PermissionsField(forms.MultipleChoiceField):
    """Permissions, of which those that the person has may be chosen."""

    widget = PermissionBoxes

    def offer(self, permissions: Iterable[Permission], *, may_give: Iterable[Permission]) -> None:
        """Show these, and let those be ticked that may be given."""
        self.choices = [
            (thing, [(each.value, gettext(SENTENCES[each])) for each in group])
            for thing, group in by_thing(permissions)
        ]
        boxes: Any = self.widget
        boxes.may_give = frozenset(each.value for each in may_give)


class NetworksField(forms.CharField):
    """Networks with commas or blanks between them."""

    widget = forms.TextInput(attrs={"placeholder": "203.0.113.0/24, 2001:db8::/32"})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        given = (
            value if isinstance(value, (list, tuple)) else (super().to_python(value) or "").replace(",", " ").split()
        )
        try:
            return parse_networks(given)
        except TrunklineError as error:
            raise forms.ValidationError(error_text(error), code=error.code) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial or "") != self.to_python(data or ""))
        except forms.ValidationError:
            return True


def listed(permissions: Iterable[Permission]) -> SafeString:
    """Permissions in words, a line for each thing."""
    rows = [(thing, " ".join(gettext(SENTENCES[each]) for each in group)) for thing, group in by_thing(permissions)]
    if not rows:
        return SafeString(gettext("nothing"))
    lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows)
    return format_html('<dl class="office-permissions">{}</dl>', lines)

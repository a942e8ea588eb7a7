"""Screens of switches: whose files are taken, in which format, on which clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.forms import ActionForm, dress
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.shown import choice, choice_text
from trunkline.backoffice.site import site
from trunkline.backoffice.words import local
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.usage import actions
from trunkline.usage.choices import BatchState
from trunkline.usage.decode import FORMATS
from trunkline.usage.models import Batch, Source, Switch

BATCHES_SHOWN = 5


class SwitchForm(ActionForm):
    """A switch. Name and format are for ever: the keys of its records belong to them."""

    field_of: ClassVar[Mapping[str, str]] = {
        "number_rule": "number_rules",
        "switch_exists": "name",
        "switch_option": "options",
        "unknown_format": "format",
        "unknown_timezone": "timezone",
    }

    class Meta:
        model = Switch
        fields = (
            "name", "format", "timezone", "number_rules", "has_buy_side", "max_duration_s", "future_limit_s", "duplicate_window_days", "options",
        )  # fmt: skip
        help_texts: ClassVar[dict[str, Any]] = {
            "format": gettext_lazy(
                "What its files are written in. It never changes. Try a file to see which one it has."
            ),
            "name": gettext_lazy("Name that files are loaded under. It never changes."),
            "timezone": gettext_lazy("Times without an offset are read on this clock, such as Africa/Nairobi."),
            "number_rules": gettext_lazy(
                'In order, as a JSON list, such as [{"begins": "00"}, {"begins": "0", "put": "254", "length_min": 10}]: they make numbers E.164.'
            ),
            "has_buy_side": gettext_lazy("Whether its calls go to vendors. Off for retail: nothing is bought then."),
            "max_duration_s": gettext_lazy("Seconds. Longer calls are rejected."),
            "future_limit_s": gettext_lazy("Seconds. Records that end so far ahead of our clock are rejected."),
            "duplicate_window_days": gettext_lazy(
                "How many days around those of a file are searched for records taken before."
            ),
            "options": gettext_lazy(
                'Of the format, as a JSON object, such as {"ms_rounding": "up"}. A mapping has a page of its own.'
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "format" in self.fields:
            kept = self.fields["format"]
            named = [(name, f"{name}: {each.title}") for name, each in FORMATS.items()]
            self.fields["format"] = forms.ChoiceField(choices=named, help_text=kept.help_text, label=kept.label)
            dress(self.fields)

    def prepare(self) -> None:
        """A mapping is text, which has a page of its own: it is not among the options here, and stays as it is."""
        self.initial["options"] = {k: v for k, v in (self.instance.options or {}).items() if k != "mapping"}

    def given(self, *, changed_only: bool) -> dict[str, Any]:
        """An empty field of JSON is one without rules or options."""
        empty: dict[str, Any] = {"number_rules": [], "options": {}}
        data = super().given(changed_only=changed_only)
        data = {name: empty.get(name) if value is None else value for name, value in data.items()}
        if "options" in data and "mapping" in (self.instance.options or {}):
            data["options"] = {"mapping": self.instance.options["mapping"]} | data["options"]
        return data

    def clean_number_rules(self) -> Any:
        """A list, or nothing."""
        return self._json_of("number_rules", list, _("Write a JSON list, such as [] or [{...}]."))

    def clean_options(self) -> Any:
        """An object, or nothing."""
        return self._json_of("options", dict, _("Write a JSON object, such as {}."))

    def _json_of(self, name: str, kind: type, message: str) -> Any:
        value = self.cleaned_data[name]
        if value is not None and not isinstance(value, kind):
            raise forms.ValidationError(message)
        return value


@site.screen(Switch)
class SwitchAdmin(TenantAdmin):
    """Switches whose records are taken."""

    permission_to_view = Permission.SWITCHES_READ
    permission_to_add = permission_to_change = Permission.SWITCHES_WRITE
    form = SwitchForm
    list_display = ("name", "format", "timezone", "has_buy_side", "duplicate_window_days")
    list_filter = ("has_buy_side",)
    search_fields = ("name",)
    ordering = ("name",)
    empty_text = gettext_lazy("A switch says how its files are read. Add one before the first file is sent in.")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("name", "format") if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Switch:
        return actions.create_switch(**data, at=now())

    def change(self, request: HttpRequest, obj: Switch, data: dict[str, Any]) -> Switch:
        return actions.change_switch(switch_id=obj.pk, at=now(), **data)

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        may = principal_of(request).may
        if obj is None:
            return [Link(_("Try a file"), reverse("admin:try"), "science")] if may(Permission.USAGE_LOAD) else []
        from trunkline.backoffice.mappings import OWN, mapping_address

        is_own = obj.format in OWN and may(Permission.SWITCHES_WRITE)
        found = [Link(_("Mapping"), mapping_address(obj), "table_edit")] if is_own else []
        if may(Permission.USAGE_LOAD):
            found.append(Link(_("Try a file"), f"{reverse('admin:try')}?{urlencode({'switch': obj.name})}", "science"))
        return found

    def panels(self, request: HttpRequest, switch: Switch) -> Sequence[Panel]:
        principal, found = principal_of(request), []
        if principal.may(Permission.SOURCES_READ):
            from trunkline.backoffice.sources import source_address

            sources = Source.objects.filter(switch=switch).order_by("name")[:BATCHES_SHOWN]
            rows = [(Link(each.name, source_address(each)), choice(each, "kind"), each.path) for each in sources]
            headers = (_("Source"), _("Kind"), _("Folder"))
            found.append(Panel(_("Where its files come from"), headers, rows, empty=_("No source fetches its files.")))
        if principal.may(Permission.USAGE_READ):
            from trunkline.backoffice.usage import batch_address

            batches = Batch.objects.filter(switch=switch).order_by("-pk")[:BATCHES_SHOWN]
            lines = [
                (
                    Link(each.name, batch_address(each)),
                    choice_text(BatchState(each.state)),
                    local(each.received_at),
                    f"{each.rated:,}",
                    f"{each.rejected:,}",
                )
                for each in batches
            ]
            columns = (_("File"), _("State"), _("Received"), _("Rated"), _("Rejected"))
            found.append(
                Panel(
                    _("Its newest files"),
                    columns,
                    lines,
                    empty=_("No file of it came in yet."),
                    right=frozenset({3, 4}),
                )
            )
        return found

"""Legs of calls that wait for their partner: of which switch, for how long, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from trunkline.backoffice.forms import StaffForm, set_choices
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.site import site
from trunkline.backoffice.words import local
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.usage.models import Switch
from trunkline.usage.queries import access_switch, list_waiting, sum_waiting

LEGS_MAX: Final = 200
RAW_LENGTH: Final = 200
IS: Final[Mapping[str, Any]] = {
    "in": gettext_lazy("leg in"),
    "out": gettext_lazy("leg out"),
    "begin": gettext_lazy("beginning"),
    "end": gettext_lazy("end"),
}
MISSING: Final[Mapping[str, Any]] = {
    "in": gettext_lazy("the leg out, to the vendor"),
    "out": gettext_lazy("the leg in, from the customer"),
    "begin": gettext_lazy("its end"),
    "end": gettext_lazy("its beginning"),
}


class LegsForm(StaffForm):
    """Whose legs are shown."""

    switch = forms.ChoiceField(
        label=gettext_lazy("Switch"), required=False, help_text=gettext_lazy("Only legs that this switch wrote.")
    )

    def prepare(self) -> None:
        names = Switch.objects.order_by("name").values_list("name", flat=True)
        set_choices(self, "switch", [("", _("All switches")), *((name, name) for name in names)])


@site.page("traffic/waiting/", name="waiting_legs", permission=Permission.USAGE_READ)
def waiting_legs(request: HttpRequest) -> HttpResponse:
    """What waits: sums by switch, then the oldest legs."""
    form = LegsForm(request.GET, request=request)
    at = now()
    panels: list[Panel] = []
    if form.is_valid():
        switch = form.cleaned_data["switch"]
        switch_id = access_switch(switch).pk if switch else None
        sums = sum_waiting(switch_id=switch_id, at=at)
        if sums:
            panels = [_sums(sums, at), _legs(list_waiting(switch_id=switch_id, limit=LEGS_MAX + 1), at)]
    context = {
        "title": _("Waiting legs"),
        "form": form,
        "panels": panels,
        "empty_text": _(
            "No leg waits. Where a switch writes the legs of a call apart, one whose partner has not come yet stands here until it comes."
        ),
    }
    return site.render(request, "backoffice/waiting_legs.html", context, 422 if form.errors else 200)


def _sums(sums: list[dict[str, Any]], at: datetime) -> Panel:
    rows = [
        (
            Link(each["switch"], f"?{urlencode({'switch': each['switch']})}"),
            IS[each["kind"]],
            MISSING[each["kind"]],
            f"{each['legs']:,}",
            age(at - datetime.fromisoformat(each["waits_since"])),
            local(datetime.fromisoformat(each["until"])),
            f"{each['over']:,}",
        )
        for each in sums
    ]
    headers = (
        _("Switch"),
        _("What is there"),
        _("What is missing"),
        _("Legs"),
        _("The oldest waits for"),
        _("Until"),
        _("Over"),
    )
    text = _(
        "A leg whose time is over goes on alone within the hour, and is marked. How long one waits is an option of its switch."
    )
    return Panel(_("By switch"), headers, rows, text=text, right=frozenset({3, 6}))


def _legs(legs: list[dict[str, Any]], at: datetime) -> Panel:
    rows = [
        (
            each["switch"],
            each["call"],
            local(datetime.fromisoformat(each["at"])),
            age(at - datetime.fromisoformat(each["waits_since"])),
            MISSING[each["kind"]],
            each["file"],
            each["raw"][:RAW_LENGTH],
        )
        for each in legs[:LEGS_MAX]
    ]
    headers = (
        _("Switch"),
        _("Call"),
        _("Began"),
        _("Waits for"),
        _("What is missing"),
        _("File"),
        _("Record as it came"),
    )
    text = _("The oldest %(count)s are shown.") % {"count": LEGS_MAX} if len(legs) > LEGS_MAX else ""
    return Panel(_("Single legs, the oldest first"), headers, rows, text=text)


def age(span: timedelta) -> str:
    """For how long something has waited, in the largest unit of which there are two."""
    minutes = max(0, int(span.total_seconds()) // 60)
    if minutes < 120:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    if minutes < 48 * 60:
        return _("%(count)d hours") % {"count": minutes // 60}
    return _("%(count)d days") % {"count": minutes // (24 * 60)}

"""Mappings: the description of a switch's files, as text with its errors at their lines, tried on a file and kept with its switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import ZoneField
from trunkline.backoffice.forms import REASON, StaffForm, reason_field, refuse, set_choices
from trunkline.backoffice.hints import error_text
from trunkline.backoffice.site import site
from trunkline.backoffice.trying import sections_of_trial
from trunkline.backoffice.usage import refuse_too_large
from trunkline.backoffice.why import Section
from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal, principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.scope import give_reason
from trunkline.tenancy.queries import current_tenant
from trunkline.usage import actions
from trunkline.usage.decode import SwitchProfile
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import MAPPING_OCTETS_MAX, Description, parse_mapping
from trunkline.usage.decode.own import OwnMapping, OwnMappingWithHeader
from trunkline.usage.models import Switch
from trunkline.usage.samples import keep_sample, said_of, say_of, try_sample

OWN: Final = (OwnMapping.name, OwnMappingWithHeader.name)
AROUND: Final = 3  # lines shown before and after a wrong one

EXAMPLE: Final = """\
name = "mine"
title = "Our old softswitch"

[file]
kind = "delimited"
separator = ";"
columns = ["id", "caller", "callee", "begun", "ended", "seconds", "gateway"]

[times]
pattern = "%d.%m.%Y %H:%M:%S"

[record]
key = "id"
calling = "caller"
called = "callee"
start = "begun"
end = "ended"
duration = "seconds(seconds)"
trunk_out = "gateway"
"""


class MappingForm(StaffForm):
    """The text of a mapping, the switch that it is for, and a file to try it on."""

    field_of: ClassVar[Mapping[str, str]] = {"switch_option": "text", "switch_exists": "name"}

    text = forms.CharField(
        label=gettext_lazy("Mapping"),
        strip=False,
        max_length=MAPPING_OCTETS_MAX,
        widget=forms.Textarea(
            attrs={"rows": 28, "spellcheck": "false", "autocapitalize": "off", "class": "office-code"}
        ),
        help_text=gettext_lazy(
            "TOML, YAML or JSON. The parts are explained below. What is wrong is said with its line."
        ),
    )
    file = forms.FileField(
        label=gettext_lazy("Try it on this file"),
        required=False,
        max_length=255,
        help_text=gettext_lazy(
            "A file of the switch, plain or packed. It is kept for a day for further tries, and nothing of it is taken."
        ),
    )
    sample = forms.UUIDField(
        required=False, widget=forms.HiddenInput, help_text=gettext_lazy("The file that it was tried on last.")
    )
    switch = forms.ChoiceField(
        label=gettext_lazy("For the switch"),
        required=False,
        help_text=gettext_lazy("Whose files it describes: one that has a mapping already, or a new one."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the new switch"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("Under which its files are sent in. It never changes."),
    )
    timezone = ZoneField(
        label=gettext_lazy("Clock of the new switch"),
        required=False,
        help_text=gettext_lazy("Times without an offset are read on it, unless the mapping names a zone."),
    )

    def prepare(self) -> None:
        names = Switch.objects.filter(format__in=OWN).order_by("name").values_list("pk", "name")
        set_choices(self, "switch", [("", _("A new switch")), *((str(pk), name) for pk, name in names)])
        self.fields["timezone"].initial = current_tenant().timezone
        self.fields[REASON] = reason_field()

    def clean(self) -> dict[str, Any]:
        data = refuse_too_large(self)
        if "save" in self.request.POST and not data.get("switch"):
            if not data.get("name"):
                self.add_error("name", _("Give the new switch a name, or choose one that is there."))
            if not data.get("timezone"):
                self.add_error("timezone", _("Say on which clock its times are."))
        return data


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text, and whether it is the wrong one."""

    number: int
    text: str
    is_wrong: bool


def text_of_mapping(value: Any) -> str:
    """The mapping of a switch as text: as it was written, or, where a program gave an object, as YAML."""
    if isinstance(value, str):
        return value
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def mapping_address(switch: Switch) -> str:
    """Where the mapping of a switch is changed."""
    return f"{reverse('admin:mapping')}?switch={switch.pk}"


@site.page("traffic/mapping/", name="mapping", permission=Permission.SWITCHES_WRITE)
def mapping(request: HttpRequest) -> HttpResponse:
    """Write a mapping, try it on a file, keep it with its switch."""
    principal = principal_of(request)
    principal.require(Permission.SWITCHES_READ)
    if request.method != "POST":
        form = MappingForm(initial=_begins(request, principal), request=request)
        sample = form.initial.get("sample")
        sections = [] if sample is None else _tried(sample, form.initial["text"], None, current_tenant().timezone)
        return _page(request, form, sections, (), sample)
    form = MappingForm(request.POST, request.FILES, request=request)
    if not form.is_valid():
        return _page(request, form, [], (), None)
    data = dict(form.cleaned_data)  # which loses what turns out to be wrong
    sections = []
    wrong: tuple[Line, ...] = ()
    sample = _sample(principal, form)
    if sample is not None:
        say_of(principal.tenant_id, sample, text=data["text"])
    try:
        description = parse_mapping(data["text"])
        switch = _switch(data["switch"])
        if "save" in request.POST and not form.errors:
            with transaction.atomic():
                return _saved(request, data, description, switch)
        if sample is not None:
            sections = _tried(sample, data["text"], switch, data["timezone"] or "UTC")
    except (Invalid, Conflict, NotFound) as error:
        wrong = _tell(form, error, data["text"])
    return _page(request, form, sections, wrong, sample)


def _tried(sample: UUID, text: str, switch: Switch | None, timezone: str) -> list[Section]:
    """What a file becomes by a mapping: for a switch that is there, or for one that would be made. Raises Invalid `mapping_*`."""
    form = Mapped(parse_mapping(text))
    profile = None if switch else SwitchProfile(received_at=now(), timezone=timezone)
    trial = try_sample(current_tenant().pk, sample, form=form, switch=switch, profile=profile, at=now())
    return sections_of_trial(trial)


def _begins(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """What the form begins with: the mapping of a switch, the one that was made for a file, or an example."""
    if pk := request.GET.get("switch"):
        switch = _switch(pk)
        said = "" if switch is None else switch.options.get("mapping", "")
        return {"switch": pk, "text": text_of_mapping(said) if said else EXAMPLE}
    try:
        sample = UUID(request.GET.get("sample", ""))
    except ValueError:
        return {"text": EXAMPLE}
    said = said_of(principal.tenant_id, sample)
    return {"text": said.get("text", EXAMPLE), "sample": sample}


def _switch(pk: str) -> Switch | None:
    """The switch of that key that has a mapping of its own. Raises NotFound `switch_not_found`."""
    if not pk:
        return None
    found = (
        Switch.objects.filter(pk=pk, format__in=OWN).first() if pk.isascii() and pk.isdigit() and len(pk) < 19 else None
    )
    if found is None:
        raise NotFound("switch_not_found", "There is no such switch with a mapping of its own.")
    return found


def _sample(principal: Principal, form: MappingForm) -> UUID | None:
    """The file that is tried: the one just sent, or the one of before."""
    data = form.cleaned_data
    try:
        if data["file"]:
            return keep_sample(principal.tenant_id, data["file"].name, data["file"], at=now())
        if data["sample"]:
            said_of(principal.tenant_id, data["sample"])
            return data["sample"]
    except (Invalid, NotFound) as error:
        form.add_error("file", error_text(error))
    return None


def _saved(request: HttpRequest, data: dict[str, Any], description: Description, switch: Switch | None) -> HttpResponse:
    """Keep the mapping with its switch. Raises what the actions do."""
    if data[REASON]:
        give_reason(data[REASON])
    if switch is not None:
        options = {**switch.options, "mapping": data["text"]}
        actions.change_switch(switch_id=switch.pk, options=options, at=now())
        messages.success(
            request, _("The mapping of %(name)s is changed. Rejects can be sent again.") % {"name": switch}
        )
    else:
        form = OwnMappingWithHeader.name if description.file.has_header else OwnMapping.name
        switch = actions.create_switch(
            name=data["name"], format=form, timezone=data["timezone"], options={"mapping": data["text"]}, at=now()
        )
        messages.success(request, _("The switch %(name)s is made: its files can be sent in.") % {"name": switch})
    return HttpResponseRedirect(reverse("admin:usage_switch_change", args=(switch.pk,)))


def _tell(form: MappingForm, error: TrunklineError, text: str) -> tuple[Line, ...]:
    """Say an error at its field, one of the text with its line; the lines around that."""
    line = error.context.get("line")
    if not error.code.startswith("mapping_"):
        refuse(form, error)
        return ()
    what = error_text(error)
    if not isinstance(line, int):
        form.add_error("text", what)
        return ()
    form.add_error("text", _("Line %(line)s: %(what)s") % {"line": line, "what": what})
    every = text.splitlines()
    shown = range(max(1, line - AROUND), min(len(every), line + AROUND) + 1)
    return tuple(Line(number, every[number - 1], number == line) for number in shown)


def _page(
    request: HttpRequest, form: MappingForm, sections: list[Section], wrong: tuple[Line, ...], sample: UUID | None
) -> HttpResponse:
    if sample is not None and form.is_bound:  # what was just sent is tried again the next time too
        data = request.POST.copy()
        data["sample"] = str(sample)
        form.data = data
    tenant_id = principal_of(request).tenant_id
    context = {
        "title": _("Mapping"),
        "form": form,
        "sections": sections,
        "wrong": wrong,
        "sample_name": "" if sample is None else said_of(tenant_id, sample)["name"],
        "back": reverse("admin:usage_switch_changelist"),
    }
    return site.render(request, "backoffice/mapping.html", context, 422 if form.errors else 200)

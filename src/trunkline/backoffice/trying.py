"""Trying a usage file: what each of its lines would become, by a format, a switch or a mapping. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import filled
from trunkline.backoffice.forms import StaffForm, ask_for_files_again, refuse, set_choices
from trunkline.backoffice.hints import error_text
from trunkline.backoffice.panels import Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.site import site
from trunkline.backoffice.usage import refuse_too_large
from trunkline.backoffice.why import Section
from trunkline.backoffice.words import local
from trunkline.core.errors import Invalid
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.usage.decode import FORMATS, get_format
from trunkline.usage.models import Switch
from trunkline.usage.queries import access_switch
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.samples import OCTETS_MAX, keep_sample, said_of, try_sample
from trunkline.usage.trial import Trial

COLUMNS: Final = (
    "line", "fate", "start", "answer", "end", "calling", "called", "quantity", "trunk_in", "trunk_out", "key", "reason", "detail",
)  # fmt: skip
NOT_READ_MAX: Final = 40
_HEADERS: Final[Mapping[str, Any]] = {
    "line": gettext_lazy("Line"),
    "fate": gettext_lazy("What became of it"),
    "start": gettext_lazy("Start"),
    "answer": gettext_lazy("Answer"),
    "end": gettext_lazy("End"),
    "calling": gettext_lazy("Calling"),
    "called": gettext_lazy("Called"),
    "quantity": gettext_lazy("Used"),
    "trunk_in": gettext_lazy("Trunk in"),
    "trunk_out": gettext_lazy("Trunk out"),
    "key": gettext_lazy("Key"),
    "reason": gettext_lazy("Reason"),
    "detail": gettext_lazy("What"),
}
_FATES: Final[Mapping[str, Any]] = {
    "decoded": gettext_lazy("taken"),
    "rejected": gettext_lazy("rejected"),
    "skipped": gettext_lazy("passed over"),
}


class ReadAsForm(StaffForm):
    """By what a file is read."""

    switch = forms.ChoiceField(
        label=gettext_lazy("Switch"),
        required=False,
        help_text=gettext_lazy(
            "As it would be taken for this switch: its format, clock, number rules and traffic rules."
        ),
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        required=False,
        help_text=gettext_lazy("Without a switch: read it as this format. Left alone, the format is recognised."),
    )

    def prepare(self) -> None:
        names = Switch.objects.order_by("name").values_list("name", flat=True)
        set_choices(self, "switch", [("", _("No switch")), *((name, name) for name in names)])
        known = [(name, f"{name}: {form.title}") for name, form in FORMATS.items() if not name.startswith("mapping")]
        set_choices(self, "format", [("", _("Recognise it")), *known])


class TryForm(ReadAsForm):
    """A file to be tried."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        max_length=255,
        help_text=filled(
            gettext_lazy(
                "As the switch wrote it, or packed by gzip or zip. Of a large one the first %(limit)s MiB are looked at."
            ),
            limit=OCTETS_MAX >> 20,
        ),
    )
    field_order = ("file", "switch", "format")

    def clean(self) -> dict[str, Any]:
        return refuse_too_large(self)


@site.page("traffic/try/", name="try", permission=Permission.USAGE_LOAD)
def try_file(request: HttpRequest) -> HttpResponse:
    """Take a file to be tried."""
    is_sent = request.method == "POST"
    form = TryForm(*((request.POST, request.FILES) if is_sent else ()), request=request, initial=request.GET.dict())
    if is_sent and form.is_valid():
        data = form.cleaned_data
        try:
            sample_id = keep_sample(principal_of(request).tenant_id, data["file"].name, data["file"], at=now())
        except Invalid as error:
            form.add_error("file", error_text(error))
        else:
            asked = {name: data[name] for name in ("switch", "format") if data[name]}
            address = reverse("admin:try_sample", args=(sample_id,))
            return HttpResponseRedirect(f"{address}?{urlencode(asked)}" if asked else address)
    ask_for_files_again(form)
    context = {
        "title": _("Try a file"),
        "form": form,
        "intro": _("See what each line of a file would become before anything of it is taken. Nothing is written."),
        "submit": _("Try it"),
        "back": reverse("admin:usage_batch_changelist"),
    }
    return site.render(request, "backoffice/form_page.html", context, 422 if form.errors else 200)


@site.page("traffic/try/<uuid:sample_id>/", name="try_sample", permission=Permission.USAGE_LOAD)
def tried(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    """What a file would become."""
    principal = principal_of(request)
    said = said_of(principal.tenant_id, sample_id)
    form = ReadAsForm(request.GET, request=request)
    sections: list[Section] = []
    if form.is_valid():
        data = form.cleaned_data
        try:
            switch = access_switch(data["switch"]) if data["switch"] else None
            name = switch.format if switch is not None else data["format"]
            read_as = get_format(name) if name else None
            trial = try_sample(principal.tenant_id, sample_id, form=read_as, switch=switch, at=now())
            sections = sections_of_trial(trial)
        except Invalid as error:
            refuse(form, error)
    may_describe = principal.may(Permission.SWITCHES_READ, Permission.SWITCHES_WRITE)
    context = {
        "title": _("Try a file: %(name)s") % {"name": said["name"]},
        "form": form,
        "sections": sections,
        "describe": reverse("admin:mapping_describe", args=(sample_id,)) if may_describe else "",
        "again": reverse("admin:try"),
        "upload": reverse("admin:usage_batch_upload"),
        "back": reverse("admin:try"),
    }
    return site.render(request, "backoffice/tried.html", context, 422 if form.errors else 200)


def sections_of_trial(trial: Trial) -> list[Section]:
    """A trial laid out for people."""
    short = Section(_("In short"))
    if trial.format:
        read_as = _("%(format)s, version %(version)s: %(title)s")
        named = {"format": trial.format, "version": trial.version, "title": trial.title}
        short.facts.append((_("Read as"), read_as % named))
    if trial.failure:
        short.warnings.append(in_words(trial.remark))
        if trial.failure in list(FileFailure):
            failure = FileFailure(trial.failure)
            short.notes += [in_words(failure.meaning), in_words(failure.what_to_do)]
    elif trial.rejected:
        short.warnings.append(_("%(count)s of %(lines)s lines would be rejected.") % _counted(trial.rejected, trial))
    elif trial.rows_in:
        short.notes.append(_("Every record would be taken."))
    if trial.is_cut:
        short.notes.append(
            _("The file is large: only its first %(limit)s MiB were looked at.") % {"limit": OCTETS_MAX >> 20}
        )
    near = [each for each in trial.candidates if each.score][:3]
    if near:
        short.facts.append(
            (_("Formats that look like it"), ", ".join(f"{each.format} {each.score:.0%}" for each in near))
        )
    if trial.more_columns:
        short.facts.append((_("Columns that are not read"), ", ".join(trial.more_columns[:NOT_READ_MAX])))
    short.panels.append(_fates(trial))
    if trial.missing:
        rows = [(each,) for each in trial.missing.values()]
        short.panels.append(Panel(_("What the file does not say"), (_("What is missing"),), rows))
    rows_section = Section(_("The first lines"))
    rows_section.panels += [_rows(trial), *_rules(trial)]
    return [short, rows_section] if trial.rows else [short]


def _counted(count: int, trial: Trial) -> dict[str, str]:
    return {"count": f"{count:,}", "lines": f"{trial.rows_in:,}"}


def _fates(trial: Trial) -> Panel:
    rows: list[tuple[Any, ...]] = [(_FATES["decoded"], "", f"{trial.decoded:,}", "")]
    for reason, count in trial.reasons.most_common():
        known = Reason(reason) if reason in list(Reason) else None
        what = f"{in_words(known.meaning)} {in_words(known.what_to_do)}" if known else ""
        rows.append((_FATES["rejected"], reason, f"{count:,}", what))
    rows += [(_FATES["skipped"], reason, f"{count:,}", "") for reason, count in trial.skipped.most_common()]
    rows.append((_("in all"), "", f"{trial.rows_in:,}", ""))
    headers = (_("What became of them"), _("Reason"), _("Lines"), _("What it means, and what to do"))
    return Panel(_("Lines"), headers, rows, right=frozenset({2}))


def _rows(trial: Trial) -> Panel:
    used = [name for name in COLUMNS if any(row.get(name) not in {None, ""} for row in trial.rows)]
    rows = [[_cell(name, row.get(name)) for name in used] for row in trial.rows]
    right = frozenset(place for place, name in enumerate(used) if name in {"line", "quantity"})
    return Panel(_("As they would be stored"), [_HEADERS[name] for name in used], rows, right=right)


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return local(value)
    return _FATES.get(value, value) if name == "fate" else value


def _rules(trial: Trial) -> list[Panel]:
    rows = []
    for row in trial.rows:
        if "rules" in row and row["rules"]["fitted"]:
            changed = row["rules"]["changed"].items()
            said = [f"{name.replace('_', ' ')} {' '.join(to) if isinstance(to, list) else to}" for name, to in changed]
            rows.append((row["line"], ", ".join(row["rules"]["fitted"]), "; ".join(said) or _("nothing")))
    headers = (_("Line"), _("Rules"), _("What they change"))
    return [Panel(_("Traffic rules of these"), headers, rows, right=frozenset({0}))] if rows else []

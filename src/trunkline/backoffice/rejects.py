"""Rejects: what waits to be mended, by reason and beginning of the called number, single lines, and sending them again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.forms import StaffForm, refuse, set_choices
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.records import why_address
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.site import site
from trunkline.backoffice.words import local
from trunkline.core.errors import Invalid, NotFound
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit import jobs
from trunkline.usage.choices import RESEND
from trunkline.usage.models import Batch
from trunkline.usage.queries import access_batch, name_batches
from trunkline.usage.reasons import Reason
from trunkline.usage.resend import waiting_with
from trunkline.usage.search import group_rejects, list_rejects
from trunkline.usage.segments import WEB

GROUPS_MAX: Final = 200
ROWS_MAX: Final = 200
RAW_LENGTH: Final = 300


class RejectsForm(StaffForm):
    """Which rejects are shown, and how they are put together."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"), required=False, help_text=gettext_lazy("Only rejects of this reason.")
    )
    number = forms.CharField(
        label=gettext_lazy("Called number"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("A whole number, or its beginning with a star: 2547*. Shows single lines."),
    )
    batch = forms.UUIDField(
        label=gettext_lazy("Batch"),
        required=False,
        help_text=gettext_lazy("Only rejects of this file, by its public id."),
    )
    digits = forms.IntegerField(
        label=gettext_lazy("Digits"),
        required=False,
        min_value=0,
        max_value=15,
        help_text=gettext_lazy("So many first digits of the called number make a group; 3 if left out."),
    )
    listed = forms.BooleanField(
        label=gettext_lazy("Single lines"), required=False, help_text=gettext_lazy("Every line in place of groups.")
    )

    def prepare(self) -> None:
        set_choices(self, "reason", [("", _("All reasons")), *((each.value, each.value) for each in Reason)])


@site.page("traffic/rejects/", name="rejects", permission=Permission.USAGE_READ)
def rejects(request: HttpRequest) -> HttpResponse:
    """Rejects in groups, or line by line."""
    form = RejectsForm(request.GET, request=request)
    panel = None
    if form.is_valid():
        try:
            panel = _panel(form.cleaned_data, may_explain=principal_of(request).may(Permission.RECORDS_READ))
        except (Invalid, NotFound) as error:
            refuse(form, error)
    asked = form.cleaned_data if form.is_valid() else {}
    may_send = principal_of(request).may(Permission.USAGE_SEND_AGAIN)
    again = f"{reverse('admin:rejects_send_again')}?{urlencode({'reason': asked.get('reason', '')})}"
    if batch := asked.get("batch"):
        found = Batch.objects.filter(public_id=batch).values_list("pk", flat=True).first()
        again = reverse("admin:usage_batch_send_again", args=(found,)) if found else ""
    context = {
        "title": _("Rejects"),
        "form": form,
        "panel": panel,
        "send_again": again if may_send and panel is not None and panel.rows else "",
        "empty_text": _("No such rejects wait."),
    }
    return site.render(request, "backoffice/rejects.html", context, 422 if form.errors else 200)


def _panel(asked: dict[str, Any], *, may_explain: bool) -> Panel:
    batch_id = access_batch(str(asked["batch"])).pk if asked["batch"] else None
    if asked["listed"] or asked["number"]:
        return _lines(asked, batch_id, may_explain=may_explain)
    groups = group_rejects(
        prefix_digits=3 if asked["digits"] is None else asked["digits"],
        reason=asked["reason"] or None,
        batch_id=batch_id,
        limits=WEB,
    )
    shown = name_batches([asdict(group) for group in groups[:GROUPS_MAX]])
    rows = [
        (
            Link(each["reason"], _address(asked, each["reason"], each["prefix"])),
            each["prefix"] or "–",
            f"{each['rejects']:,}",
            f"{_sentence(each['detail'])} {in_words(Reason(each['reason']).what_to_do)}".strip(),
            each["raw"][:100],
        )
        for each in shown
    ]
    title = _("%(rejects)s rejects in %(groups)s groups") % {
        "rejects": f"{sum(group.rejects for group in groups):,}",
        "groups": len(groups),
    }
    headers = (_("Reason"), _("Prefix"), _("Rejects"), _("What to do"), _("Example"))
    return Panel(title, headers, rows, right=frozenset({2}))


def _sentence(text: str) -> str:
    """What was found, as a sentence of its own before the one that says what to do."""
    return f"{text[:1].upper()}{text[1:]}." if text and text[-1] not in ".!?:" else text


def _address(asked: dict[str, Any], reason: str, prefix: str) -> str:
    """Where the lines of a group stand."""
    query = {"reason": reason, "listed": "1", "batch": asked["batch"] or "", "number": f"{prefix}*" if prefix else ""}
    return f"?{urlencode({name: value for name, value in query.items() if value})}"


def _lines(asked: dict[str, Any], batch_id: int | None, *, may_explain: bool) -> Panel:
    found = list_rejects(
        reason=asked["reason"] or None, number=asked["number"] or None, batch_id=batch_id, limit=ROWS_MAX, limits=WEB
    )
    rows = []
    for line in name_batches(found.records):
        start = local(line["start"])
        is_linked = may_explain and line["key"]
        rows.append(
            (
                Link(start if line["start"] else line["key"], why_address(line["key"], line["start"], is_reject=True))
                if is_linked
                else start,
                line["called"] or "–",
                line["reason"],
                line["detail"],
                f"{line['file']}:{line['line']}",
                line["raw"][:RAW_LENGTH],
            )
        )
    headers = (_("Start"), _("Called"), _("Reason"), _("What"), _("File and line"), _("Record as it came"))
    title = _("%(count)d rejects") if found.is_complete else _("%(count)d rejects of the newest files")
    return Panel(title % {"count": len(rows)}, headers, rows)


@site.page("traffic/rejects/send-again/", name="rejects_send_again", permission=Permission.USAGE_SEND_AGAIN)
def send_again(request: HttpRequest) -> HttpResponse:
    """Ask, then have a worker send all rejects, or those of the files that have rejects of a reason, through again."""
    principal = principal_of(request)
    principal.require(Permission.USAGE_READ)
    reason = request.GET.get("reason", "")
    if reason and reason not in list(Reason):
        raise Invalid("unknown_reason", f"There is no reason {reason[:40]!r}.")
    back = f"{reverse('admin:rejects')}?{urlencode({'reason': reason})}"
    if request.method == "POST":
        jobs.defer(
            RESEND, key=f"{RESEND}:{reason}", tenant_id=principal.tenant_id, reason=reason, actor=principal.actor
        )
        messages.success(request, _("The rejects are being sent again. Each file of them is a batch of its own."))
        return HttpResponseRedirect(reverse("admin:usage_batch_changelist"))
    context = {
        "title": _("Send rejects again"),
        "reason": reason,
        "meaning": in_words(Reason(reason).meaning) if reason else "",
        "what_to_do": in_words(Reason(reason).what_to_do) if reason else "",
        "files": len(waiting_with(reason)) if reason else None,
        "back": back,
    }
    return site.render(request, "backoffice/send_again.html", context)

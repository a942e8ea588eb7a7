"""Screens of usage files: how far each has come, what became of its records, and sending one in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.contrib.admin import display
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import ReadOnlyAdmin
from trunkline.backoffice.fields import filled
from trunkline.backoffice.filters import ChoiceFilter
from trunkline.backoffice.forms import StaffForm, set_choices
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import choice, state
from trunkline.backoffice.site import site
from trunkline.backoffice.uploads import UPLOAD_OCTETS_MAX
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.intake import register_upload
from trunkline.usage.models import Batch, Switch
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.resend import ACCEPTABLE, ask_to_accept, ask_to_resend, is_asked

STATES: Final = {"registered": "info", "running": "info", "posted": "success", "failed": "danger"}


class UploadForm(StaffForm):
    """A usage file and who wrote it."""

    switch = forms.ChoiceField(
        label=gettext_lazy("Switch"),
        help_text=gettext_lazy("The switch that wrote the file: it says the format, the clock and the number rules."),
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        max_length=255,
        help_text=filled(
            gettext_lazy(
                "As the switch wrote it, or packed by gzip or zip; up to %(limit)s MiB. Larger ones come by a source or the API."
            ),
            limit=UPLOAD_OCTETS_MAX >> 20,
        ),
    )

    def prepare(self) -> None:
        names = Switch.objects.order_by("name").values_list("name", flat=True)
        set_choices(self, "switch", [(name, name) for name in names])

    def clean(self) -> dict[str, Any]:
        return refuse_too_large(self)


def refuse_too_large(form: StaffForm) -> dict[str, Any]:
    """What was too large did not arrive: say that, not that there is no file."""
    if getattr(form.request, "is_upload_too_large", False):
        form.errors.pop("file", None)
        text = _("The file is larger than %(limit)s MiB. Pack it, or send it by a source or the API.")
        form.add_error("file", ValidationError(text % {"limit": UPLOAD_OCTETS_MAX >> 20}))
    return form.cleaned_data


def _has_rejects(batch: Batch) -> bool:
    """Whether its rejects wait: those that were sent again are the next batch's."""
    if batch.state != BatchState.POSTED or not batch.rejected:
        return False
    return not Batch.objects.filter(resends=batch, state=BatchState.POSTED).exists()


def _has_acceptable(batch: Batch) -> bool:
    return any(reason in batch.reject_reasons for reason in ACCEPTABLE) and _has_rejects(batch)


@site.screen(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """Usage files as they came in."""

    permission_to_view = Permission.USAGE_READ
    list_display = (
        "name", "switch", "shown_state", "received", "shown_rows_in", "shown_rated", "shown_rejected", "shown_duplicates", "shown_waiting", "remark",
    )  # fmt: skip
    list_filter = (("state", ChoiceFilter), ("intake", ChoiceFilter), "switch")
    list_select_related = ("switch",)
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("name", "switch", "shown_intake", "received", "size", "public_id")
    change_form_outer_after_template = "backoffice/batch_panels.html"
    empty_text = gettext_lazy("Here stand the usage files that came in. Upload one, or add a source that fetches them.")

    @display(description=gettext_lazy("State"))
    def shown_state(self, batch: Batch) -> Any:
        return state(batch.state, choice(batch, "state"), STATES)

    @display(description=gettext_lazy("Rows in"))
    def shown_rows_in(self, batch: Batch) -> str:
        """Records that the file had."""
        return f"{batch.rows_in:,}"

    @display(description=gettext_lazy("Rated"))
    def shown_rated(self, batch: Batch) -> str:
        """Those that were priced."""
        return f"{batch.rated:,}"

    @display(description=gettext_lazy("Rejected"))
    def shown_rejected(self, batch: Batch) -> str:
        """Those that a person must look at."""
        return f"{batch.rejected:,}"

    @display(description=gettext_lazy("Duplicates"))
    def shown_duplicates(self, batch: Batch) -> str:
        """Those that were taken before."""
        return f"{batch.duplicates:,}"

    @display(description=gettext_lazy("Waiting"))
    def shown_waiting(self, batch: Batch) -> str:
        """Legs whose partner has not come yet."""
        return f"{batch.waiting:,}"

    @display(description=gettext_lazy("Intake"))
    def shown_intake(self, batch: Batch) -> str:
        """By which way it came."""
        return choice(batch, "intake")

    @display(description=gettext_lazy("Received"))
    def received(self, batch: Batch) -> str:
        return local(batch.received_at)

    @display(description=gettext_lazy("Size"))
    def size(self, batch: Batch) -> str:
        unit = _("%(count)s records") if batch.intake == Intake.RERATE else _("%(count)s octets")
        return unit % {"count": f"{batch.octets:,}"}

    @display(description=gettext_lazy("Remark"))
    def remark(self, batch: Batch) -> str:
        return batch.failure or in_words(batch.failure_detail)[:80]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("header", "asked")

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        if obj is not None or not principal_of(request).may(Permission.USAGE_LOAD):
            return ()
        return [Link(_("Try a file"), reverse("admin:try"), "science")]

    def empty_link(self, request: HttpRequest) -> Link | None:
        if not principal_of(request).may(Permission.USAGE_LOAD):
            return None
        return Link(_("Upload a file"), self.url("upload"), "upload_file")

    def panels(self, request: HttpRequest, batch: Batch) -> Sequence[Panel]:
        """What changes while a worker is at it: all of it is fetched again then."""
        found = [self._progress(batch)]
        if batch.state == BatchState.FAILED:
            found.append(_failure(batch))
        if batch.state == BatchState.POSTED:
            found += [_counts(batch), self._rejects(request, batch)]
        return found

    def _progress(self, batch: Batch) -> Panel:
        done = min(100, 100 * batch.progress_octets // batch.octets) if batch.octets else 0
        rows: list[tuple[Any, Any]] = [(_("State"), state(batch.state, choice(batch, "state"), STATES))]
        if batch.state == BatchState.RUNNING:
            rows.append((_("Done"), f"{done} %"))
        if batch.attempt > 1:
            rows.append((_("Attempts"), batch.attempt))
        if batch.failure_detail and batch.state != BatchState.FAILED:
            rows.append((_("Last attempt"), in_words(batch.failure_detail)))
        rows += [
            (name, local(instant))
            for name, instant in ((_("Begun"), batch.started_at), (_("Ended"), batch.finished_at))
            if instant
        ]
        links = []
        if batch.resends_id is not None:
            links.append(Link(_("The batch whose rejects these are"), self.url("change", batch.resends_id), "undo"))
        again = Batch.objects.filter(resends=batch).values_list("pk", flat=True).first()
        if again is not None:
            links.append(Link(_("Its rejects sent again"), self.url("change", again), "redo"))
        elif batch.rejected and is_asked(batch):
            rows.append((_("Rejects"), _("are being sent again")))
            batch.is_followed = True  # type: ignore[attr-defined]
        return Panel(_("Progress"), ("", ""), rows, links=links)

    def _rejects(self, request: HttpRequest, batch: Batch) -> Panel:
        address = f"{reverse('admin:rejects')}?batch={batch.public_id}"
        rows = [
            (
                Link(reason, f"{address}&reason={reason}&listed=1"),
                count,
                in_words(Reason(reason).meaning),
                in_words(Reason(reason).what_to_do),
            )
            for reason, count in sorted(batch.reject_reasons.items(), key=lambda each: -each[1])
        ]
        headers = (_("Reason"), _("Rejects"), _("What it means"), _("What to do"))
        links = [Link(_("Rejects of this file"), address, "report")] if rows and _has_rejects(batch) else []
        empty = _("Every record was taken.")
        return Panel(_("Rejects"), headers, rows, empty=empty, links=links, right=frozenset({1}))

    @verb(
        gettext_lazy("Upload a file"),
        permission=Permission.USAGE_LOAD,
        icon="upload_file",
        on_list=True,
        form=UploadForm,
        submit=gettext_lazy("Upload"),
        text=gettext_lazy("The records are taken in the background. A file that was taken before changes nothing."),
    )
    def upload(self, request: HttpRequest, _none: None, data: dict[str, Any]) -> Any:
        principal, file = principal_of(request), data["file"]
        pk, _found = register_upload(
            principal.tenant_id, data["switch"], file.name, file, octets=file.size, actor=principal.actor, now=now
        )
        return HttpResponseRedirect(self.url("change", pk))

    @verb(
        gettext_lazy("Send rejects again"),
        permission=Permission.USAGE_SEND_AGAIN,
        icon="redo",
        applies=_has_rejects,
        text=gettext_lazy(
            "All rejects of this file go through again, by the identities, rules and prices of now. What is still wrong stays a reject."
        ),
    )
    def send_again(self, request: HttpRequest, batch: Batch, data: dict[str, Any]) -> Any:
        """Have a worker do it: the rejects of a large file are read and written, which no page waits for."""
        ask_to_resend(batch_public_id=str(batch.public_id))
        return _("The rejects are being sent again. The batch that they become stands here in a moment.")

    @verb(
        gettext_lazy("Accept corrections"),
        permission=Permission.USAGE_ACCEPT,
        icon="published_with_changes",
        applies=_has_acceptable,
        text=gettext_lazy(
            "Each conflicting duplicate takes the place of the stored record with its key, and a late leg becomes part of the record of its call. "
            "The other rejects of the file are sent again too."
        ),
    )
    def accept_corrections(self, request: HttpRequest, batch: Batch, data: dict[str, Any]) -> Any:
        """Have a worker do it."""
        ask_to_accept(batch_public_id=str(batch.public_id))
        return _("The corrections are being accepted. The batch that they become stands here in a moment.")


def batch_address(batch: Batch) -> str:
    """The page of a batch."""
    return reverse("admin:usage_batch_change", args=(batch.pk,))


def _failure(batch: Batch) -> Panel:
    known = batch.failure in list(FileFailure)
    rows = [(_("Reason"), batch.failure), (_("What was found"), in_words(batch.failure_detail))]
    if known:
        failure = FileFailure(batch.failure)
        rows += [(_("What it means"), in_words(failure.meaning)), (_("What to do"), in_words(failure.what_to_do))]
    return Panel(_("Why it was refused"), ("", ""), rows, text=_("Nothing of this file was taken."))


def _counts(batch: Batch) -> Panel:
    named = (
        (_("In"), batch.rows_in),
        (_("Rated"), batch.rated),
        (_("Rejected"), batch.rejected),
        (_("Duplicates"), batch.duplicates),
        (_("Waiting legs"), batch.waiting),
        (_("Joined legs of earlier files"), batch.joined),
        (_("Blank lines"), batch.skipped),
        (_("Changed by re-rating"), batch.changed),
    )
    rows = [(name, f"{count:,}") for name, count in named if count or name in {named[0][0], named[1][0]}]
    if batch.min_start is not None:
        rows.append((_("Calls from"), local(batch.min_start)))
        rows.append((_("Calls to"), local(batch.max_start)))
    return Panel(_("What became of its records"), (_("Records"), _("Count")), rows, right=frozenset({1}))

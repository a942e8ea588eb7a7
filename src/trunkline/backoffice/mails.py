"""The screen of mails that vendors have sent: what hung on them, what became of it, and what there is to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django import forms
from django.contrib.admin import display
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import ReadOnlyAdmin
from trunkline.backoffice.filters import ChoiceFilter
from trunkline.backoffice.forms import StaffForm
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import choice, row_link, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.core.errors import Conflict
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.identity.queries import memberships
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.choices import ReceivedMailState
from trunkline.pricing.mailbox.queries import sheets_of
from trunkline.pricing.mailbox.reminders import set_reminders
from trunkline.pricing.mailbox.rules import FOR_PEOPLE
from trunkline.pricing.models import Mail, MailSheet

STATES: Final = {str(each): "danger" for each in FOR_PEOPLE} | {
    "new": "info",
    "waiting": "warning",
    "applied": "success",
}

# What somebody in front of the page can do about each.
TO_DO: Final = {
    ReceivedMailState.NEW: gettext_lazy("The next look goes on with it."),
    ReceivedMailState.WAITING: gettext_lazy("Open its sheet, look at what it changes, and apply or discard it."),
    ReceivedMailState.UNCLEAR: gettext_lazy("Open its sheet, say what its columns mean, and keep that as the template."),
    ReceivedMailState.ROW_ERRORS: gettext_lazy("Open its sheet and look at the rows. Ask the vendor for a sound one, or apply the others."),
    ReceivedMailState.REFUSED: gettext_lazy("Open its sheet, look at what the check found, and overrule it or discard the sheet."),
    ReceivedMailState.WRONG_TYPE: gettext_lazy("Ask the vendor for CSV, XLSX, XLS or ODS, then set the mail aside."),
    ReceivedMailState.BAD_ARCHIVE: gettext_lazy("Ask the vendor for the file again, without a password, then set the mail aside."),
    ReceivedMailState.EMPTY: gettext_lazy("Ask the vendor for the file again, then set the mail aside."),
    ReceivedMailState.TOO_LARGE: gettext_lazy("Load the file by hand, then set the mail aside."),
    ReceivedMailState.NO_ATTACHMENT: gettext_lazy("Change which files its rule takes and read it again, or set it aside."),
    ReceivedMailState.FAILED: gettext_lazy("Mend what is said, and read it again."),
    ReceivedMailState.GONE: gettext_lazy("Ask the vendor to send it again, then set it aside."),
    ReceivedMailState.NO_RULE: gettext_lazy("Add a rule for its sender and read it again, or leave it as it is."),
}  # fmt: skip


def shown_state(row: Any) -> Any:
    """The state of a mail or of a file of one, in its colour."""
    return state(row.state, choice(row, "state"), STATES)


def mail_rows(request: HttpRequest, found: Iterable[Mail]) -> Panel:
    """Mails as a panel."""
    rows = [
        (local(each.received_at), each.sender, row_link(request, each), shown_state(each), in_words(each.detail))
        for each in found
    ]
    headers = (_("Received"), _("Sender"), _("Subject"), _("State"), _("Why"))
    return Panel(_("Newest mails"), headers, rows, empty=_("No mail has come yet."))


def _sheets(mail: Any) -> list[MailSheet]:
    """The files of a mail that its rule wanted, read once a page."""
    if not hasattr(mail, "wanted_files"):
        mail.wanted_files = sheets_of([mail]).get(mail.pk, [])
    return list(mail.wanted_files)


def _can_be_read_again(mail: Mail) -> bool:
    return mail.state not in (ReceivedMailState.NEW, ReceivedMailState.APPLIED) and not _has_waiting_sheet(mail)


def _can_be_set_aside(mail: Mail) -> bool:
    return mail.state in FOR_PEOPLE and not _has_waiting_sheet(mail)


def _has_waiting_sheet(mail: Mail) -> bool:
    return mail.state in (
        ReceivedMailState.WAITING,
        ReceivedMailState.UNCLEAR,
        ReceivedMailState.ROW_ERRORS,
        ReceivedMailState.REFUSED,
    )


class AsideForm(StaffForm):
    """Why nothing is to be done."""

    note = forms.CharField(
        label=gettext_lazy("Remark"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Stands beside the mail, such as: asked for it again."),
    )


class RemindersForm(StaffForm):
    """Whether one is told by mail."""

    told = forms.ChoiceField(
        label=gettext_lazy("Mails to me"),
        choices=[("on", gettext_lazy("when something new waits, once an hour at most")), ("off", gettext_lazy("none"))],
        help_text=gettext_lazy("They go to the address with which you sign in."),
    )


@site.screen(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Mails that vendors have sent."""

    permission_to_view = Permission.TARIFFS_READ
    list_display = ("subject_or_sender", "received", "sender", "mailbox", "rule", "what", "why")
    list_filter = (("state", ChoiceFilter), "mailbox")
    list_select_related = ("mailbox", "rule")
    search_fields = ("subject", "sender")
    search_help_text = gettext_lazy("A part of subject or sender")
    ordering = ("-received_at", "-pk")
    sortable_by = ()
    fields = (
        "mailbox",
        "sender",
        "shown_subject",
        "received",
        "begins",
        "shown_files",
        "rule",
        "what",
        "why",
        "to_do",
        "message_id",
    )
    empty_text = gettext_lazy(
        "Here stands every mail that came in, once, and what became of it. Add a mailbox and rules for your vendors."
    )

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("Mailboxes"), reverse("admin:pricing_mailbox_changelist"), "mail")

    @display(description=gettext_lazy("Subject"))
    def subject_or_sender(self, mail: Mail) -> str:
        return mail.subject or _("(no subject)")

    @display(description=gettext_lazy("Subject"))
    def shown_subject(self, mail: Mail) -> str:
        return mail.subject or "–"

    @display(description=gettext_lazy("Received"))
    def received(self, mail: Mail) -> str:
        return local(mail.received_at)

    @display(description=gettext_lazy("Prices hold from, by the mail"))
    def begins(self, mail: Mail) -> str:
        return mail.effective_on.isoformat() if mail.effective_on else _("the mail names no day")

    @display(description=gettext_lazy("Files"))
    def shown_files(self, mail: Mail) -> str:
        return ", ".join(mail.files) or "–"

    @display(description=gettext_lazy("State"))
    def what(self, mail: Mail) -> Any:
        return shown_state(mail)

    @display(description=gettext_lazy("Why"))
    def why(self, mail: Mail) -> str:
        return in_words(mail.detail) or "–"

    @display(description=gettext_lazy("What to do"))
    def to_do(self, mail: Mail) -> str:
        return str(TO_DO.get(ReceivedMailState(mail.state), "–"))

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        """To the page of each sheet, where it is looked at and applied."""
        if obj is None:
            return ()
        ways = [row_link(request, each.sheet, each.name) for each in _sheets(obj) if each.sheet is not None]
        return [
            Link(_("Open %(name)s") % {"name": way.text}, way.url, "table_view")
            for way in ways
            if isinstance(way, Link)
        ]

    def panels(self, request: HttpRequest, mail: Mail) -> Sequence[Panel]:
        """The files that its rule wanted, each with its sheet."""
        rows = [(self._sheet(request, each), shown_state(each), in_words(each.detail)) for each in _sheets(mail)]
        headers = (_("Sheet"), _("State"), _("Why"))
        return [Panel(_("Sheets"), headers, rows, empty=_("No file of it became a rate sheet."))]

    def _sheet(self, request: HttpRequest, file: MailSheet) -> Any:
        return row_link(request, file.sheet, file.name) if file.sheet is not None else file.name

    @verb(
        gettext_lazy("Tell me by mail"),
        permission=Permission.TARIFFS_WRITE,
        asks_why=False,
        icon="notifications",
        form=RemindersForm,
        on_list=True,
        submit=gettext_lazy("Save"),
        text=gettext_lazy("Whoever may apply rate sheets is told by mail of those that wait for somebody. Here you turn that off and on for yourself."),
    )  # fmt: skip
    def tell_me(self, request: HttpRequest, obj: None, data: dict[str, Any]) -> Any:
        user_id = principal_of(request).user_id
        member = None if user_id is None else memberships().filter(user_id=user_id).first()
        if member is None:
            raise Conflict("not_a_member", _("You do not work here, so no mails go to you."))
        is_told = data["told"] == "on"
        set_reminders(membership=member, is_told=is_told, at=now())
        return _("You are told by mail.") if is_told else _("No more mails go to you.")

    @verb(
        gettext_lazy("Read again"),
        permission=Permission.TARIFFS_WRITE,
        asks_why=False,
        icon="replay",
        applies=_can_be_read_again,
        text=gettext_lazy("The next look, which is due at once, reads it by the rules and templates as they are now."),
    )
    def read_again(self, request: HttpRequest, mail: Mail, data: dict[str, Any]) -> Any:
        actions.try_mail_again(mail_id=mail.pk, at=now())
        return _("It is read again at the next look.")

    @verb(
        gettext_lazy("Set aside"),
        permission=Permission.TARIFFS_WRITE,
        asks_why=False,
        icon="done",
        form=AsideForm,
        applies=_can_be_set_aside,
        text=gettext_lazy("Nothing is to be done: it wants nobody any more."),
    )
    def set_aside(self, request: HttpRequest, mail: Mail, data: dict[str, Any]) -> Any:
        actions.dismiss_mail(mail_id=mail.pk, reason=data["note"], at=now())
        return _("It is set aside.")

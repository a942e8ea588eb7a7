"""Screens of rate notifications: how the files look, who is told of which tariff, and each notification from its preview to its mails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from django import forms
from django.conf import settings
from django.contrib.admin import display
from django.http import FileResponse, HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from trunkline.backoffice.base import ReadOnlyAdmin, TenantAdmin
from trunkline.backoffice.fields import WordsField
from trunkline.backoffice.filters import ChoiceFilter, FlagFilter
from trunkline.backoffice.forms import ActionForm, StaffForm
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import NOTHING, choice, instant, label, row_link, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.core.errors import Conflict
from trunkline.core.money import Price
from trunkline.core.period import local_text
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.scope import give_reason
from trunkline.pricing import actions
from trunkline.pricing.actions import notifications as telling
from trunkline.pricing.models import Notification, NotificationPlan, NotificationTemplate
from trunkline.pricing.notifications import queries
from trunkline.pricing.notifications.choices import WRONG, ModeChoice, NotificationState
from trunkline.pricing.notifications.columns import TITLES, Column
from trunkline.pricing.notifications.looking import STOP
from trunkline.pricing.notifications.mailing import MEDIA

STATES: Final[Mapping[str, str]] = {
    "preparing": "info",
    "prepared": "warning",
    "sending": "info",
    "sent": "success",
    "failed": "danger",
    "discarded": "default",
    "waiting": "info",
    "uncertain": "warning",
}
STATUSES: Final[Mapping[str, Any]] = {
    "new": gettext_lazy("new"),
    "increase": gettext_lazy("increase"),
    "decrease": gettext_lazy("decrease"),
    "changed": gettext_lazy("other change"),
    "blocked": gettext_lazy("blocked"),
    "closed": gettext_lazy("closed"),
    "unchanged": gettext_lazy("unchanged"),
}


def status_word(status: str) -> str:
    """What a line's status is called."""
    return str(STATUSES[status])


class LinesField(forms.CharField):
    """Rows of text, a line each."""

    widget = forms.Textarea(attrs={"rows": 10, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(super().to_python(value) or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != (initial or [])


class TemplateForm(ActionForm):
    """How files look, the columns a line each."""

    field_of: ClassVar[Mapping[str, str]] = {
        "bad_columns": "columns",
        "bad_name": "name",
        "bad_title": "title_rows",
        "bad_decimal_mark": "decimal_mark",
    }

    columns = LinesField(
        label=gettext_lazy("Columns"),
        help_text=gettext_lazy(
            "A column a line, in their order; its title after a sign of equality, such as rate = Price per minute. There are code, destination, "
            "effective, rate, minimum, interval, increments, grace, setup, profile, origin, end, previous, difference, status and currency."
        ),
    )
    title_rows = LinesField(
        widget=forms.Textarea(attrs={"rows": 3}),
        label=gettext_lazy("Rows above"),
        required=False,
        help_text=gettext_lazy(
            "Text above the columns, a row a line. {operator}, {account}, {tariff}, {currency} and {date} are filled in."
        ),
    )
    decimal_mark = forms.ChoiceField(
        label=gettext_lazy("Decimal mark"),
        choices=[(".", gettext_lazy("point: 0.0125")), (",", gettext_lazy("comma: 0,0125"))],
        help_text=gettext_lazy(
            "What parts the decimals of prices. With a comma a CSV file has semicolons between its cells."
        ),
    )

    class Meta:
        model = NotificationTemplate
        fields = ("name", "columns", "kind", "date_form", "decimal_mark", "code_form", "title_rows", "has_currency_row")
        labels: ClassVar[dict[str, Any]] = {
            "kind": gettext_lazy("File"),
            "date_form": gettext_lazy("Dates"),
            "code_form": gettext_lazy("Codes"),
            "has_currency_row": gettext_lazy("Row of the currency"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "name": gettext_lazy("What the template is called. It never changes."),
            "kind": gettext_lazy("The kind of file that customers get."),
            "date_form": gettext_lazy("How dates are written. In a workbook they are dates, shown so."),
            "code_form": gettext_lazy("How codes are written."),
            "has_currency_row": gettext_lazy("A row above the columns names the currency of the prices."),
        }

    def prepare(self) -> None:
        known = self.instance.columns if self.instance.pk else [[each.value, TITLES[each]] for each in _usual()]
        self.initial["columns"] = [_column_line(column, title) for column, title in known]


def _usual() -> Sequence[Column]:
    from trunkline.pricing.notifications.columns import USUAL

    return USUAL


def _column_line(column: str, title: str) -> str:
    return column if title == TITLES[Column(column)] else f"{column} = {title}"


@site.screen(NotificationTemplate)
class NotificationTemplateAdmin(TenantAdmin):
    """How the price lists of customers look."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = TemplateForm
    list_display = ("name", "shown_kind", "shown_columns", "shown_dates")
    search_fields = ("name",)
    ordering = ("name",)
    empty_text = gettext_lazy(
        "A template says which columns a customer's price list has. Add one, then say who is told of which tariff."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("name",) if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> NotificationTemplate:
        if NotificationTemplate.objects.filter(name=data["name"].strip()).exists():
            raise Conflict("exists", _("There is a template of that name already."), field="name")
        return actions.save_notification_template(**data)[0]

    def change(self, request: HttpRequest, obj: NotificationTemplate, data: dict[str, Any]) -> NotificationTemplate:
        return actions.save_notification_template(name=obj.name, **data)[0]

    @display(description=gettext_lazy("File"))
    def shown_kind(self, row: NotificationTemplate) -> str:
        """The kind of file."""
        return choice(row, "kind")

    @display(description=gettext_lazy("Columns"))
    def shown_columns(self, row: NotificationTemplate) -> str:
        """The titles in their order."""
        return ", ".join(title for _column, title in row.columns)

    @display(description=gettext_lazy("Dates"))
    def shown_dates(self, row: NotificationTemplate) -> str:
        """An example of a date."""
        return choice(row, "date_form")


class PlanForm(ActionForm):
    """Who is told of which tariff, and how."""

    field_of: ClassVar[Mapping[str, str]] = {
        "not_assigned": "tariff",
        "bad_recipients": "recipients",
        "bad_hour": "at_hour",
        "unknown_language": "language",
    }

    recipients = WordsField(
        label=gettext_lazy("Recipients"),
        required=False,
        max_length=3000,
        help_text=gettext_lazy(
            "Mail addresses with commas between them. Empty: the account's contacts for rates, else its general ones."
        ),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=list(settings.LANGUAGES), help_text=gettext_lazy("Of the mail's words.")
    )

    class Meta:
        model = NotificationPlan
        fields = (
            "account", "tariff", "template", "agreement", "mode", "recipients", "language", "is_automatic", "at_hour", "is_active",
        )  # fmt: skip
        labels: ClassVar[dict[str, Any]] = {
            "is_automatic": gettext_lazy("By itself"),
            "at_hour": gettext_lazy("At hour"),
            "is_active": gettext_lazy("Is told"),
            "mode": gettext_lazy("What is told"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "account": gettext_lazy("The customer."),
            "tariff": gettext_lazy("A tariff by which it buys."),
            "template": gettext_lazy("How its files look."),
            "agreement": gettext_lazy("How long before they hold changes must be told. Empty: nothing is agreed."),
            "mode": gettext_lazy("Only what has changed since the last notification, or the whole price list."),
            "is_automatic": gettext_lazy("Send what has changed once a day; what breaks the agreement waits for you."),
            "at_hour": gettext_lazy("Hour of the operator's clock, 0 to 23."),
            "is_active": gettext_lazy("Off: this customer is told of this tariff no more."),
        }


@site.screen(NotificationPlan)
class NotificationPlanAdmin(TenantAdmin):
    """Customers that are told of their prices."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = PlanForm
    list_display = ("account", "tariff", "template", "agreement", "shown_mode", "shown_when", "shown_last")
    list_display_links = ("account", "tariff")
    list_filter = (
        ("account", AutocompleteSelectFilter),
        ("tariff", AutocompleteSelectFilter),
        ("is_automatic", FlagFilter),
    )
    list_select_related = ("account", "tariff", "template", "agreement")
    ordering = ("account__code", "tariff__name")
    autocomplete_fields = ("account", "tariff")
    empty_text = gettext_lazy(
        "Here stands which customer is told of which tariff. Add one; it then learns of every change of its prices."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("account", "tariff") if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return PlanForm.Meta.fields

    def load_rows(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        sent = Notification.objects.filter(plan__in=[row.pk for row in rows], state=NotificationState.SENT)
        last = {each.plan_id: each for each in sent.order_by("plan", "-notified_at", "-pk").distinct("plan")}
        for row in rows:
            row.last = last.get(row.pk)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> NotificationPlan:
        if NotificationPlan.objects.filter(account=data["account"], tariff=data["tariff"]).exists():
            raise Conflict("exists", _("This customer is told of this tariff already."), field="tariff")
        return actions.plan_notifications(at=now(), **data)[0]

    def change(self, request: HttpRequest, obj: NotificationPlan, data: dict[str, Any]) -> NotificationPlan:
        return actions.change_plan(plan_id=obj.pk, **data)

    @display(description=gettext_lazy("What is told"))
    def shown_mode(self, row: NotificationPlan) -> str:
        """Changes or all rates."""
        return choice(row, "mode")

    @display(description=gettext_lazy("When"))
    def shown_when(self, row: NotificationPlan) -> str:
        """By itself at an hour, or by hand."""
        if not row.is_active:
            return _("no more")
        return _("each day at %(hour)s:00") % {"hour": row.at_hour} if row.is_automatic else _("by hand")

    @display(description=gettext_lazy("Told last"))
    def shown_last(self, row: Any) -> SafeString:
        """When it was told."""
        return instant(row.last.notified_at, row.tariff.timezone) if row.last else SafeString(NOTHING)

    def panels(self, request: HttpRequest, plan: NotificationPlan) -> Sequence[Panel]:
        """Its notifications."""
        shown = list(queries.notifications(plan)[:PANEL_ROWS])
        rows = [
            (
                row_link(request, each, local(each.made_at)),
                state(each.state, choice(each, "state"), STATES),
                counts_text(each.counts),
                local(each.sent_at) if each.sent_at else NOTHING,
            )
            for each in shown
        ]
        headers = (_("Made"), _("State"), _("Lines"), _("Sent"))
        to = ", ".join(queries.recipients_of(plan))
        text = (
            _("Mails go to %(addresses)s.") % {"addresses": to}
            if to
            else _("Nobody to tell: give the account a contact for rates.")
        )
        empty = _("It was told nothing yet. Prepare the first: it is the whole price list.")
        return [Panel(_("Notifications"), headers, rows, empty=empty, text=text)]

    @verb(
        gettext_lazy("Prepare"),
        permission=Permission.TARIFFS_WRITE,
        icon="edit_document",
        applies=lambda plan: plan.is_active,
        text=gettext_lazy(
            "A worker makes the file of what the customer does not know yet. You look at it; nobody is told by this."
        ),
        asks_why=False,
    )
    def prepare(self, request: HttpRequest, plan: NotificationPlan, data: dict[str, Any]) -> Any:
        """Make what is to be told."""
        return _to(telling.begin_preparing(plan_id=plan.pk, at=now()))

    @verb(
        gettext_lazy("Whole price list"),
        permission=Permission.TARIFFS_WRITE,
        icon="list_alt",
        applies=lambda plan: plan.is_active,
        text=gettext_lazy(
            "A worker makes a file of all rates, changed or not. You look at it; nobody is told by this."
        ),
        asks_why=False,
    )
    def prepare_all(self, request: HttpRequest, plan: NotificationPlan, data: dict[str, Any]) -> Any:
        """Make the whole price list."""
        return _to(telling.begin_preparing(plan_id=plan.pk, mode=ModeChoice.ALL, at=now()))


def _to(notification: Notification) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:pricing_notification_change", args=[notification.pk]))


def counts_text(counts: Mapping[str, int]) -> str:
    """How many lines have which status."""
    return ", ".join(f"{counts[status]:,} {word}" for status, word in STATUSES.items() if counts.get(status)) or NOTHING


class SendForm(StaffForm):
    """What somebody decides who sends."""

    flag = forms.BooleanField(
        label=gettext_lazy("Although lines begin too soon"),
        required=False,
        help_text=gettext_lazy(
            "Only where lines begin sooner than the agreement allows: it goes out all the same, and is flagged."
        ),
    )
    reason = forms.CharField(
        label=gettext_lazy("Because"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Why it goes out although lines begin too soon; it stays with the notification."),
    )


class WhyForm(StaffForm):
    """A reason that is needed."""

    field_of: ClassVar[Mapping[str, str]] = {"reason_needed": "reason"}

    reason = forms.CharField(
        label=gettext_lazy("Because"), max_length=500, help_text=gettext_lazy("It stands in the history.")
    )


@site.screen(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """What customers were told, and what they are to be told."""

    permission_to_view = Permission.TARIFFS_READ
    list_display = (
        "shown_made",
        "shown_account",
        "shown_tariff",
        "shown_state",
        "shown_lines",
        "shown_breaches",
        "shown_mails",
    )
    list_display_links = ("shown_made",)
    list_filter = (("state", ChoiceFilter), ("mode", ChoiceFilter))
    list_select_related = ("plan__account", "plan__tariff")
    ordering = ("-made_at", "-pk")
    sortable_by = ()
    change_form_outer_after_template = "backoffice/notification_panels.html"
    fields = ("shown_account", "shown_tariff", "shown_state", "shown_mode", "shown_made", "shown_sent", "shown_reason")
    empty_text = gettext_lazy(
        "Here stands what customers were told of their prices, and when. Say first who is told of which tariff."
    )

    def empty_link(self, request: HttpRequest) -> Link | None:
        return Link(_("Who is told"), reverse("admin:pricing_notificationplan_changelist"), "contact_mail")

    def load_rows(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        counts = queries.mail_counts(list(rows))
        for row in rows:
            row.mail_counts = counts.get(row.pk)

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        if obj is None:
            return [Link(_("Who is told"), reverse("admin:pricing_notificationplan_changelist"), "contact_mail")]
        return (
            [Link(_("File"), reverse("admin:notification_file", args=[obj.public_id]), "download")]
            if obj.file_name
            else []
        )

    @display(description=gettext_lazy("Made"))
    def shown_made(self, row: Notification) -> str:
        """When, on the operator's clock."""
        return local(row.made_at)

    @display(description=gettext_lazy("Account"))
    def shown_account(self, row: Notification) -> str:
        """The customer."""
        return str(row.plan.account)

    @display(description=gettext_lazy("Tariff"))
    def shown_tariff(self, row: Notification) -> str:
        """Of which prices."""
        return row.plan.tariff.name

    @display(description=gettext_lazy("State"))
    def shown_state(self, row: Notification) -> SafeString:
        """How far it has come."""
        return state(row.state, choice(row, "state"), STATES)

    @display(description=gettext_lazy("What is told"))
    def shown_mode(self, row: Notification) -> str:
        """Changes or all rates."""
        return choice(row, "mode")

    @display(description=gettext_lazy("Lines"))
    def shown_lines(self, row: Notification) -> str:
        """How many lines have which status."""
        return counts_text(row.counts)

    @display(description=gettext_lazy("Too soon"))
    def shown_breaches(self, row: Notification) -> Any:
        """Lines that begin sooner than the agreement allows."""
        return label(f"{row.breaches:,}", "warning") if row.breaches else NOTHING

    @display(description=gettext_lazy("Mails"))
    def shown_mails(self, row: Any) -> Any:
        """How many went out of how many."""
        counts = row.mail_counts
        if counts is None:
            return NOTHING
        text = f"{counts['sent']} / {counts['all']}"
        return label(text, "danger") if counts["wrong"] else text

    @display(description=gettext_lazy("Sent"))
    def shown_sent(self, row: Notification) -> str:
        """When the first mail server took it."""
        return local(row.sent_at) if row.sent_at else NOTHING

    @display(description=gettext_lazy("Because"))
    def shown_reason(self, row: Notification) -> str:
        """Why it was discarded, or sent although lines begin too soon."""
        return row.reason or NOTHING

    def panels(self, request: HttpRequest, notification: Notification) -> Sequence[Panel]:
        """What changes while a worker is at it, and what is told."""
        found = [_summary(notification)]
        if notification.findings:
            found.append(_findings(notification))
        mails = list(queries.mails(notification)[:PANEL_ROWS])
        if mails:
            found.append(_mails(mails))
        if notification.file_name:
            if notification.breaches:
                found.append(_lines(notification, _("Lines that begin too soon"), only_breaches=True))
            found.append(_lines(notification, _("The first lines"), only_breaches=False))
        return found

    @verb(
        gettext_lazy("Send"),
        permission=Permission.TARIFFS_WRITE,
        icon="send",
        form=SendForm,
        asks_why=False,
        applies=lambda row: (
            row.state == NotificationState.PREPARED and not any(f["level"] == STOP for f in row.findings)
        ),
        text=gettext_lazy(
            "Each recipient gets a mail with the file. From then on the customer has been told; notice counts from now."
        ),
    )
    def send(self, request: HttpRequest, row: Notification, data: dict[str, Any]) -> Any:
        """Tell the customer."""
        give_reason(data["reason"])
        sent = telling.send(notification_id=row.pk, flag=data["flag"], reason=data["reason"], at=now())
        count = queries.mails(sent).count()
        return ngettext("%(count)d mail is on its way.", "%(count)d mails are on their way.", count) % {"count": count}

    @verb(
        gettext_lazy("Put dates off"),
        permission=Permission.TARIFFS_WRITE,
        icon="event_upcoming",
        form=WhyForm,
        asks_why=False,
        applies=lambda row: row.state == NotificationState.PREPARED and row.breaches > 0,
        text=gettext_lazy(
            "Changes that begin too soon begin when the agreement allows: in the tariff, for all who buy by it. Special rates and prices of a parent stay as they are. "
            "Then the notification is made anew."
        ),
    )
    def put_off(self, request: HttpRequest, row: Notification, data: dict[str, Any]) -> Any:
        """Change the dates of rates."""
        give_reason(data["reason"])
        return _to(telling.begin_putting_off(notification_id=row.pk, reason=data["reason"], at=now()))

    @verb(
        gettext_lazy("Send again"),
        permission=Permission.TARIFFS_WRITE,
        icon="redo",
        applies=lambda row: queries.mails(row).filter(state__in=WRONG).exists(),
        text=gettext_lazy(
            "Mails that did not arrive, or of which nobody knows, go out again. Those that were sent stay."
        ),
    )
    def send_again(self, request: HttpRequest, row: Notification, data: dict[str, Any]) -> Any:
        """Try those that failed once more."""
        telling.send_again(notification_id=row.pk, at=now())
        return _("They are on their way again.")

    @verb(
        gettext_lazy("Discard"),
        permission=Permission.TARIFFS_WRITE,
        icon="delete",
        form=WhyForm,
        asks_why=False,
        applies=lambda row: row.state == NotificationState.PREPARED,
        text=gettext_lazy("Nobody is told. What it says is told by the next one."),
        is_danger=True,
    )
    def discard(self, request: HttpRequest, row: Notification, data: dict[str, Any]) -> Any:
        """Say no."""
        give_reason(data["reason"])
        telling.discard(notification_id=row.pk, reason=data["reason"], at=now())
        return _("It is discarded.")


def _summary(row: Notification) -> Panel:
    zone = row.plan.tariff.timezone
    rows: list[tuple[Any, Any]] = [(_("State"), choice(row, "state"))]
    if row.file_name:
        rows += [
            (_("Lines"), counts_text(row.counts)),
            (_("The first begins"), local_text(row.first_effective, zone) or NOTHING),
            (_("File"), f"{row.file_name}, {row.octets:,} B"),
            ("SHA-256", row.sha256),
        ]
    if row.state == NotificationState.PREPARED:
        to = ", ".join(queries.recipients_of(row.plan))
        rows.append((_("To"), to or _("nobody: give the account a contact for rates")))
    text = ""
    if row.breaches and row.state == NotificationState.PREPARED:
        said = ngettext(
            "%(count)d line begins sooner than the agreement allows. Put dates off, or send it all the same.",
            "%(count)d lines begin sooner than the agreement allows. Put dates off, or send it all the same.",
            row.breaches,
        )
        text = said % {"count": row.breaches}
    elif row.state == NotificationState.PREPARING:
        text = _("A worker makes the file.")
    elif row.failure:
        text = row.reason
    return Panel(_("Progress"), ("", ""), rows, text=text)


def _findings(row: Notification) -> Panel:
    levels = {STOP: (_("stops it"), "danger"), "warn": (_("look at it"), "warning")}
    rows = [(label(*levels[each["level"]]), in_words(each["text"]), f"{each['lines']:,}") for each in row.findings]
    return Panel(_("To look at"), ("", _("What"), _("Lines")), rows, right=frozenset({2}))


def _mails(mails: Sequence[Any]) -> Panel:
    rows = [
        (
            each.address,
            state(each.state, choice(each, "state"), STATES),
            local(each.sent_at) if each.sent_at else NOTHING,
            each.attempts,
            in_words(each.failure_detail) or NOTHING,
        )
        for each in mails
    ]
    headers = (_("To"), _("State"), _("Sent"), _("Refused"), _("What is in the way"))
    return Panel(_("Mails"), headers, rows, right=frozenset({3}))


def _lines(row: Notification, title: str, *, only_breaches: bool) -> Panel:
    zone = row.plan.tariff.timezone
    lines = queries.shown_lines(row, limit=PANEL_ROWS, only_breaches=only_breaches)
    rows = [
        (
            each["code"],
            each["destination"] or NOTHING,
            status_word(each["status"]),
            local_text(each["effective"], zone),
            _price(each["rate"]),
            each["increments"] or NOTHING,
            _price(each["previous"]),
            *((_allowed(each["allowed"], zone),) if only_breaches else ()),
        )
        for each in lines
    ]
    headers = [_("Code"), _("Destination"), _("Status"), _("Effective"), _("Price"), _("Increments"), _("Before")]
    if only_breaches:
        headers.append(_("Allowed from"))
    return Panel(title, headers, rows, right=frozenset({4, 6}))


def _price(value: Any) -> str:
    if isinstance(value, Price):
        return str(value)
    return _(value) if value in ("Closed", "Blocked") else value or NOTHING


def _allowed(instant_s: int, zone: str) -> str:
    return local_text(datetime.fromtimestamp(instant_s, UTC), zone)


@site.page("notifications/<str:public_id>/file/", name="notification_file", permission=Permission.TARIFFS_READ)
def file(request: HttpRequest, public_id: str) -> FileResponse:
    """The file of a notification, as it is or was sent."""
    found = queries.access_notification(public_id)
    if not found.file_name:
        raise Conflict("not_made", _("This notification has no file."))
    path = queries.file_of(found)
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type=MEDIA[path.suffix])

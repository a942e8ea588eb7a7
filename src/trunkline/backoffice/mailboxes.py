"""Screens of mailboxes that rate sheets come by, and of their rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.admin import display
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.filters import ChoiceFilter, FlagFilter
from trunkline.backoffice.mailbox_form import (
    LIMITS,
    OF_SERVER,
    WHAT,
    WHEN,
    WHOSE,
    MailboxForm,
    MailRuleForm,
    TrustMailboxForm,
)
from trunkline.backoffice.mails import mail_rows
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import choice, row_link, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.mailbox.queries import mails, rules_of
from trunkline.pricing.mailbox.schedule import look_soon
from trunkline.pricing.models import Mailbox, MailboxFeed, MailRule

DOING = {"ok": "success", "failing": "danger", "paused": "default"}


def _is_active(mailbox: Mailbox) -> bool:
    return mailbox.is_active


def _is_paused(mailbox: Mailbox) -> bool:
    return not mailbox.is_active


@site.screen(Mailbox)
class MailboxAdmin(TenantAdmin):
    """Where vendors send their rate sheets."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = MailboxForm
    list_display = ("name", "place", "doing", "looked", "waiting_mails")
    list_filter = (("is_active", FlagFilter),)
    search_fields = ("name",)
    search_help_text = gettext_lazy("A part of the name")
    ordering = ("name",)
    empty_text = gettext_lazy(
        "A mailbox is where vendors send their rate sheets. Add it, then a rule for each vendor: whose mails, by which template. Sheets then come in by themselves."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        feed = MailboxFeed.objects.filter(mailbox=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .defer("password")
            .annotate(
                feed_looked_at=Subquery(feed.values("looked_at")[:1]),
                feed_failures=Subquery(feed.values("failures")[:1]),
                feed_failure=Subquery(feed.values("failure_detail")[:1]),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("name", "shown_activity", "shown_secret") if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        server: tuple[str, ...] = OF_SERVER
        if obj is not None:
            server = (
                (*OF_SERVER, "shown_secret")
                if self.has_change_permission(request, obj)
                else ("host", "port", "login", "shown_secret", "pin", "folder")
            )
        first = ("name", "shown_activity") if obj is not None else ("name",)
        return (
            (None, {"fields": first}),
            (gettext_lazy("Server"), {"fields": server}),
            (gettext_lazy("When"), {"fields": WHEN}),
        )

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Mailbox:
        return actions.add_mailbox(**data, at=now())

    def change(self, request: HttpRequest, obj: Mailbox, data: dict[str, Any]) -> Mailbox:
        return actions.change_mailbox(mailbox_id=obj.pk, **data, at=now())

    @display(description=gettext_lazy("Looked into"))
    def shown_activity(self, mailbox: Mailbox) -> str:
        """Whether it is paused."""
        return _("yes") if mailbox.is_active else _("paused")

    @display(description=gettext_lazy("Kept password"))
    def shown_secret(self, mailbox: Mailbox) -> str:
        """When it was given, never what."""
        return _("given %(when)s") % {"when": local(mailbox.secrets_changed_at)}

    @display(description=gettext_lazy("Place"))
    def place(self, mailbox: Mailbox) -> str:
        return f"{mailbox.login} · {mailbox.host}:{mailbox.port} · {mailbox.folder}"

    @display(description=gettext_lazy("State"))
    def doing(self, mailbox: Any) -> Any:
        if not mailbox.is_active:
            return state("paused", _("paused"), DOING)
        if mailbox.feed_failures:
            return state("failing", _("cannot be read"), DOING)
        return state("ok", _("is read"), DOING)

    @display(description=gettext_lazy("Last look"))
    def looked(self, mailbox: Any) -> str:
        return local(mailbox.feed_looked_at)

    @display(description=gettext_lazy("What is wrong"))
    def waiting_mails(self, mailbox: Any) -> str:
        return str(mailbox.feed_failure or "–")

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        found = (
            []
            if obj is None
            else [
                Link(_("Its mails"), f"{reverse('admin:pricing_mail_changelist')}?mailbox__id__exact={obj.pk}", "mail")
            ]
        )
        if obj is not None and principal_of(request).may(Permission.TARIFFS_WRITE):
            found.append(Link(_("Add a rule"), f"{reverse('admin:pricing_mailrule_add')}?mailbox={obj.pk}", "add"))
        return found

    def panels(self, request: HttpRequest, mailbox: Mailbox) -> Sequence[Panel]:
        """Its rules, how it has been doing, and the newest mails."""
        feed = MailboxFeed.objects.filter(mailbox=mailbox).first()
        doing: list[tuple[Any, Any]] = []
        if feed is not None:
            doing = [
                (_("Last look"), local(feed.looked_at)),
                (_("Last look without an error"), local(feed.succeeded_at)),
                (_("Next look"), local(feed.next_at) if mailbox.is_active else _("paused")),
            ]
        if feed is not None and feed.failures:
            doing += [
                (_("Failures in a row"), feed.failures),
                (_("Last failure"), f"{feed.failure}: {in_words(feed.failure_detail)}"),
            ]
        rules = [
            (
                each.position,
                row_link(request, each),
                ", ".join(each.senders),
                each.subject or _("any"),
                choice(each, "action"),
                each.template.name if each.template else "–",
            )
            for each in rules_of(mailbox)
        ]
        return [
            Panel(
                _("Rules"),
                (_("Position"), _("Rule"), _("Senders"), _("Subject"), _("What becomes of such mails"), _("Template")),
                rules,
                empty=_("It has no rule yet, so no sheet is taken. Add one for each vendor."),
                right=frozenset({0}),
            ),
            Panel(_("How it is doing"), ("", ""), doing, empty=_("Nobody has looked into it yet.")),
            mail_rows(request, mails(mailbox)[:PANEL_ROWS]),
        ]

    @verb(
        gettext_lazy("Look now"),
        permission=Permission.TARIFFS_WRITE,
        asks_why=False,
        icon="refresh",
        applies=_is_active,
        text=gettext_lazy("A worker looks into the mailbox at once and takes what is new."),
    )
    def look_now(self, request: HttpRequest, mailbox: Mailbox, data: dict[str, Any]) -> Any:
        look_soon(principal_of(request).tenant_id, mailbox.pk)
        return _("A worker looks into %(name)s.") % {"name": mailbox.name}

    @verb(
        gettext_lazy("Pause"),
        permission=Permission.TARIFFS_WRITE,
        icon="pause",
        applies=_is_active,
        text=gettext_lazy("No look is made until it is resumed. Mails wait over there."),
    )
    def pause(self, request: HttpRequest, mailbox: Mailbox, data: dict[str, Any]) -> Any:
        actions.pause_mailbox(mailbox_id=mailbox.pk)
        return _("%(name)s is paused.") % {"name": mailbox.name}

    @verb(
        gettext_lazy("Resume"),
        permission=Permission.TARIFFS_WRITE,
        icon="play_arrow",
        applies=_is_paused,
        text=gettext_lazy("The next look is due at once, and what came meanwhile is taken."),
    )
    def resume(self, request: HttpRequest, mailbox: Mailbox, data: dict[str, Any]) -> Any:
        actions.resume_mailbox(mailbox_id=mailbox.pk, at=now())
        return _("%(name)s is looked into again.") % {"name": mailbox.name}

    @verb(
        gettext_lazy("Trust its server"),
        permission=Permission.TARIFFS_WRITE,
        icon="verified_user",
        form=TrustMailboxForm,
        submit=gettext_lazy("Ask the server"),
        text=gettext_lazy(
            "The server is asked for its certificate, without logging in. Nothing is trusted before you have compared what it shows."
        ),
    )
    def trust(self, request: HttpRequest, mailbox: Mailbox, data: dict[str, Any]) -> Any:
        """Show what the server has; trust it once that was confirmed, and nothing else from then on."""
        if data["pin"]:
            actions.change_mailbox(mailbox_id=mailbox.pk, pin=data["pin"], at=now())
            return _("%(name)s trusts %(pin)s, and nothing else.") % {"name": mailbox.name, "pin": data["pin"]}
        from trunkline.usage.sources.choices import SourceKind
        from trunkline.usage.sources.tls import shown_pin

        pin = shown_pin(SourceKind.IMAP, mailbox.host, mailbox.port)
        if pin == mailbox.pin:
            messages.success(request, _("It shows %(pin)s, which is trusted already.") % {"pin": pin})
            return HttpResponseRedirect(self.url("change", mailbox))
        context = {
            "title": _("Trust its server: %(name)s") % {"name": mailbox},
            "verb": replace(type(self).trust, submit=_("Trust it"), text=""),
            "form": TrustMailboxForm(initial={"pin": pin}, request=request, obj=mailbox),
            "source": mailbox,
            "address": f"{mailbox.host}:{mailbox.port}",
            "pin": pin,
            "opts": self.opts,
            "back": self.url("change", mailbox),
        }
        return self.admin_site.render(request, "backoffice/trust.html", context)

    @verb(
        gettext_lazy("Remove"),
        permission=Permission.TARIFFS_WRITE,
        icon="delete",
        is_danger=True,
        text=gettext_lazy(
            "The mailbox, its password, its rules and its mails are forgotten. Sheets that came by it stay, and so do the mails over there."
        ),
    )
    def remove(self, request: HttpRequest, mailbox: Mailbox, data: dict[str, Any]) -> Any:
        actions.remove_mailbox(mailbox_id=mailbox.pk)
        messages.success(request, _("%(name)s is removed.") % {"name": mailbox.name})
        return HttpResponseRedirect(self.url("changelist"))


@site.screen(MailRule)
class MailRuleAdmin(TenantAdmin):
    """Which mails are meant, and what becomes of them."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = MailRuleForm
    list_display = ("name", "mailbox", "position", "whose", "subject", "what", "template", "applies_itself")
    list_filter = ("mailbox", ("action", ChoiceFilter), ("applies_itself", FlagFilter))
    list_select_related = ("mailbox", "template")
    search_fields = ("name",)
    search_help_text = gettext_lazy("A part of the name")
    ordering = ("mailbox", "position", "pk")
    empty_text = gettext_lazy(
        "A rule says whose mails are meant, by which template their sheets are read, and whether a person approves each. Add a mailbox and a template first."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        if obj is None:
            return ()
        return ("mailbox",) if self.has_change_permission(request, obj) else ("mailbox", "whose")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        whose: Sequence[str] = WHOSE
        if obj is not None and not self.has_change_permission(request, obj):  # nothing of a form then
            whose = [{"senders": "whose"}.get(name, name) for name in WHOSE]
        return (
            (gettext_lazy("Which mails"), {"fields": whose}),
            (gettext_lazy("What becomes of them"), {"fields": WHAT}),
            (gettext_lazy("Without a person"), {"fields": LIMITS}),
        )

    def create(self, request: HttpRequest, data: dict[str, Any]) -> MailRule:
        return actions.add_rule(**data)

    def change(self, request: HttpRequest, obj: MailRule, data: dict[str, Any]) -> MailRule:
        return actions.change_rule(rule_id=obj.pk, **data)

    @display(description=gettext_lazy("Senders"))
    def whose(self, rule: MailRule) -> str:
        return ", ".join(rule.senders)

    @display(description=gettext_lazy("What becomes of such mails"))
    def what(self, rule: MailRule) -> str:
        return choice(rule, "action")

    @verb(
        gettext_lazy("Remove"),
        permission=Permission.TARIFFS_WRITE,
        icon="delete",
        is_danger=True,
        text=gettext_lazy("The rule is forgotten. What it did stays."),
    )
    def remove(self, request: HttpRequest, rule: MailRule, data: dict[str, Any]) -> Any:
        actions.remove_rule(rule_id=rule.pk)
        messages.success(request, _("%(name)s is removed.") % {"name": rule.name})
        return HttpResponseRedirect(self.url("changelist"))

"""Screens of sources: where files are fetched from, whose server is trusted, when one was seen last, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.admin import display
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Case, OuterRef, Subquery, When
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.filters import ChoiceFilter, FlagFilter
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.shown import choice_text
from trunkline.backoffice.site import site
from trunkline.backoffice.source_form import WHOSE, SourceForm, TrustForm, fieldsets_of, kind_asked
from trunkline.backoffice.usage import batch_address
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit import jobs
from trunkline.kit.clock import now
from trunkline.usage.models import Alarm, Feed, Source
from trunkline.usage.sources import actions
from trunkline.usage.sources.actions import pause_source, resume_source, try_again
from trunkline.usage.sources.choices import PULL, AlarmKind, ReceiptState, SourceKind
from trunkline.usage.sources.queries import list_receipts


def source_address(source: Source) -> str:
    """The page of a source."""
    return reverse("admin:usage_source_change", args=(source.pk,))


def _is_active(source: Source) -> bool:
    return source.is_active


def _is_paused(source: Source) -> bool:
    return not source.is_active


def _is_of_server(source: Source) -> bool:
    return source.kind != SourceKind.FOLDER


def _is_pulled(source: Source) -> bool:
    """Whether a look is a job: folders of this machine are looked into every ten seconds anyway."""
    return source.is_active and source.kind != SourceKind.FOLDER


# What is shown to who may not change it, for fields of the form that the row has not.
_SHOWN = {"limit_mib": "shown_limit", "senders": "shown_senders"}


@site.screen(Source)
class SourceAdmin(TenantAdmin):
    """Where files are fetched from."""

    permission_to_view = Permission.SOURCES_READ
    permission_to_add = permission_to_change = Permission.SOURCES_WRITE
    form = SourceForm
    list_display = ("name", "switch", "kind", "place", "is_active", "looked", "new_file", "wrong")
    list_filter = (("kind", ChoiceFilter), ("is_active", FlagFilter), "switch")
    list_select_related = ("switch",)
    search_fields = ("name",)
    search_help_text = gettext_lazy("A part of the name")
    ordering = ("name",)
    empty_text = gettext_lazy(
        "A source is a folder, a server or a mailbox from which usage files are fetched by themselves. Make a switch first, then say where its files lie."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        feed = Feed.objects.filter(source=OuterRef("pk"))
        alarms = Alarm.objects.filter(source=OuterRef("pk"), cleared_at=None).order_by("raised_at").values("kind")
        return (
            super()
            .get_queryset(request)
            .defer("password", "private_key")
            .annotate(
                feed_looked_at=Subquery(feed.values("looked_at")[:1]),
                feed_new_at=Subquery(feed.values("new_at")[:1]),
                open_alarms=ArraySubquery(alarms),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return (*WHOSE, "shown_secrets", "shown_activity") if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return fieldsets_of(kind_asked(request), with_secrets=True)
        with_secrets = self.has_change_permission(request, obj)
        first, *rest = fieldsets_of(obj.kind, with_secrets=with_secrets, shown=("shown_secrets",))
        if not with_secrets:  # nothing of a form then: the fields of the row alone
            rest = [(title, {"fields": [_SHOWN.get(name, name) for name in said["fields"]]}) for title, said in rest]
        return ((None, {"fields": (*first[1]["fields"], "shown_activity")}), *rest)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Source:
        return actions.add_source(**data, at=now())

    def change(self, request: HttpRequest, obj: Source, data: dict[str, Any]) -> Source:
        return actions.change_source(source_id=obj.pk, **data, at=now())

    @display(description=gettext_lazy("Kept secrets"))
    def shown_secrets(self, source: Source) -> str:
        """That there are some, never which."""
        has_password, has_key = Source.objects.values_list(
            Case(When(password="", then=False), default=True, output_field=BooleanField()),
            Case(When(private_key="", then=False), default=True, output_field=BooleanField()),
        ).get(pk=source.pk)
        words = [
            word for is_there, word in ((has_password, _("a password")), (has_key, _("a private key"))) if is_there
        ]
        if not words:
            return _("none")
        return _("%(what)s, given %(when)s") % {"what": ", ".join(words), "when": local(source.secrets_changed_at)}

    @display(description=gettext_lazy("Looked into"))
    def shown_activity(self, source: Source) -> str:
        """Whether it is paused."""
        return _("yes") if source.is_active else _("paused")

    @display(description=gettext_lazy("Senders"))
    def shown_senders(self, source: Source) -> str:
        """Whose mails are taken."""
        return ", ".join(source.senders)

    @display(description=gettext_lazy("Largest file"))
    def shown_limit(self, source: Source) -> str:
        """In MiB."""
        return f"{source.limit_octets >> 20:,} MiB"

    @display(description=gettext_lazy("Place"))
    def place(self, source: Source) -> str:
        return (
            f"{source.host}:{source.port}{'' if source.path.startswith('/') else '/'}{source.path}"
            if source.host
            else source.path
        )

    @display(description=gettext_lazy("Last look"))
    def looked(self, source: Any) -> str:
        return local(source.feed_looked_at)

    @display(description=gettext_lazy("Last new file"))
    def new_file(self, source: Any) -> str:
        return local(source.feed_new_at)

    @display(description=gettext_lazy("What is wrong"))
    def wrong(self, source: Any) -> str:
        return ", ".join(choice_text(AlarmKind(kind)) for kind in source.open_alarms) or "–"

    def panels(self, request: HttpRequest, source: Source) -> Sequence[Panel]:
        """How it has been doing, what is wrong, and the newest files."""
        feed = Feed.objects.filter(source=source).first()
        rows: list[tuple[Any, Any]] = []
        if feed is not None:
            rows = [
                (_("Last look"), local(feed.looked_at)),
                (_("Last look without an error"), local(feed.succeeded_at)),
                (_("Last new file"), local(feed.new_at)),
                (_("Next look"), local(feed.next_at) if source.is_active else _("paused")),
            ]
            if feed.failures:
                rows.append((_("Failures in a row"), feed.failures))
                rows.append((_("Last failure"), f"{feed.failure}: {in_words(feed.failure_detail)}"))
        alarms = [
            (
                choice_text(AlarmKind(each.kind)),
                in_words(each.detail),
                each.count,
                local(each.raised_at),
                local(each.cleared_at),
            )
            for each in Alarm.objects.filter(source=source).order_by("-raised_at")[:PANEL_ROWS]
        ]
        headers = (_("Alarm"), _("What"), _("Times"), _("Since"), _("Over since"))
        may_see_files = principal_of(request).may(Permission.USAGE_READ)
        receipts = [
            (
                Link(each.name, batch_address(each.batch)) if may_see_files and each.batch is not None else each.name,
                choice_text(ReceiptState(each.state)),
                f"{each.octets:,}",
                local(each.first_seen_at),
                in_words(each.detail),
            )
            for each in list_receipts(source.pk, limit=PANEL_ROWS)
        ]
        columns = (_("File"), _("State"), _("Octets"), _("First seen"), _("Remark"))
        return [
            Panel(_("How it is doing"), ("", ""), rows, empty=_("Nobody has looked into it yet.")),
            Panel(_("Alarms"), headers, alarms, empty=_("Nothing was ever wrong with it."), right=frozenset({2})),
            Panel(_("Newest files"), columns, receipts, empty=_("No file was seen there yet."), right=frozenset({2})),
        ]

    @verb(
        gettext_lazy("Look now"),
        permission=Permission.SOURCES_PULL,
        asks_why=False,
        icon="refresh",
        applies=_is_pulled,
        text=gettext_lazy("A worker looks into the source at once and takes what is there."),
    )
    def look_now(self, request: HttpRequest, source: Source, data: dict[str, Any]) -> Any:
        jobs.defer(PULL, key=str(source.pk), tenant_id=principal_of(request).tenant_id, source_id=source.pk)
        return _("A worker looks into %(name)s.") % {"name": source.name}

    @verb(
        gettext_lazy("Fetch refused files again"),
        permission=Permission.SOURCES_PULL,
        asks_why=False,
        icon="replay",
        applies=_is_pulled,
        text=gettext_lazy("Files that were refused are fetched anew at the next look."),
    )
    def fetch_again(self, request: HttpRequest, source: Source, data: dict[str, Any]) -> Any:
        count = try_again(source_id=source.pk)
        return _("%(count)d files will be fetched again.") % {"count": count}

    @verb(
        gettext_lazy("Pause"),
        permission=Permission.SOURCES_WRITE,
        icon="pause",
        applies=_is_active,
        text=gettext_lazy("No look is made until it is resumed, nothing is expected, and its alarms are closed."),
    )
    def pause(self, request: HttpRequest, source: Source, data: dict[str, Any]) -> Any:
        pause_source(source_id=source.pk, at=now())
        return _("%(name)s is paused.") % {"name": source.name}

    @verb(
        gettext_lazy("Resume"),
        permission=Permission.SOURCES_WRITE,
        icon="play_arrow",
        applies=_is_paused,
        text=gettext_lazy("The next look is due at once, and new files are expected from now on."),
    )
    def resume(self, request: HttpRequest, source: Source, data: dict[str, Any]) -> Any:
        resume_source(source_id=source.pk, at=now())
        return _("%(name)s is looked into again.") % {"name": source.name}

    @verb(
        gettext_lazy("Trust its server"),
        permission=Permission.SOURCES_WRITE,
        icon="verified_user",
        form=TrustForm,
        applies=_is_of_server,
        submit=gettext_lazy("Ask the server"),
        text=gettext_lazy(
            "The server is asked for its key or certificate, without logging in. Nothing is trusted before you have compared what it shows."
        ),
    )
    def trust(self, request: HttpRequest, source: Source, data: dict[str, Any]) -> Any:
        """Show what the server has; trust it once that was confirmed, and nothing else from then on."""
        if data["pin"]:
            actions.trust(source_id=source.pk, pin=data["pin"], at=now())
            return _("%(name)s trusts %(pin)s, and nothing else.") % {"name": source.name, "pin": data["pin"]}
        from trunkline.usage.sources.peers import shown_pin

        pin = shown_pin(source.kind, source.host, source.port)
        if pin == source.pin:
            messages.success(request, _("It shows %(pin)s, which is trusted already.") % {"pin": pin})
            return HttpResponseRedirect(self.url("change", source))
        context = {
            "title": _("Trust its server: %(name)s") % {"name": source},
            "verb": replace(type(self).trust, submit=_("Trust it"), text=""),
            "form": TrustForm(initial={"pin": pin}, request=request, obj=source),
            "source": source,
            "address": f"{source.host}:{source.port}",
            "pin": pin,
            "opts": self.opts,
            "back": self.url("change", source),
        }
        return self.admin_site.render(request, "backoffice/trust.html", context)

    @verb(
        gettext_lazy("Remove"),
        permission=Permission.SOURCES_WRITE,
        icon="delete",
        is_danger=True,
        text=gettext_lazy(
            "The source and its secrets are forgotten. What came from it stays, and so do the files over there. Its history stays too."
        ),
    )
    def remove(self, request: HttpRequest, source: Source, data: dict[str, Any]) -> Any:
        actions.remove_source(source_id=source.pk)
        messages.success(request, _("%(name)s is removed.") % {"name": source.name})
        return HttpResponseRedirect(self.url("changelist"))

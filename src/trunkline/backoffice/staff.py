"""Screens of who may come in: colleagues, their roles, the keys of programs, and visits of the platform's staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from trunkline.backoffice.actors import name_actors
from trunkline.backoffice.base import ReadOnlyAdmin, TenantAdmin
from trunkline.backoffice.fields import InstantField
from trunkline.backoffice.forms import ActionForm, StaffForm, set_choices, set_zone
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.permission_fields import NetworksField, PermissionsField, by_thing, listed
from trunkline.backoffice.shown import label, row_link
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.core.period import get_zone
from trunkline.identity import actions
from trunkline.identity.models import ApiKey, Denial, Membership, Role, StaffSession
from trunkline.identity.permissions import (
    EVERYTHING,
    NOT_FOR_KEYS,
    ROLE_NAMES,
    ROLES,
    SENTENCES,
    BuiltInRole,
    Permission,
)
from trunkline.identity.principal import Principal, principal_of
from trunkline.identity.queries import roles
from trunkline.identity.rules import is_usable_key, is_within
from trunkline.kit.clock import now
from trunkline.kit.db.scope import give_reason
from trunkline.tenancy.queries import current_tenant

OWN = "own:"  # before the id of a role of the operator's own, in the choice of roles

ROLE_TEXTS: dict[BuiltInRole, Any] = {
    BuiltInRole.OWNER: _("Who signed up, and whom they make their equal: everything."),
    BuiltInRole.ADMIN: _("Who runs the operator day by day: everything but owners."),
    BuiltInRole.FINANCE: _("Accounts, prices, invoices, books."),
    BuiltInRole.NOC: _("Switches, sources, traffic rules, usage; no invoices, no books."),
    BuiltInRole.SUPPORT: _("Looks up and explains, sends rejects again."),
    BuiltInRole.READ_ONLY: _("Sees everything, changes nothing."),
}


def role_choices(principal: Principal) -> list[tuple[str, str]]:
    """The roles that somebody may give: none that permits more than their own."""
    given = [(role.value, gettext(name)) for role, name in ROLE_NAMES.items() if principal.may(*ROLES[role])]
    return given + [(f"{OWN}{role.pk}", role.name) for role in roles() if principal.may(*role.permission_set)]


def chosen_role(value: str) -> BuiltInRole | Role:
    """The role of a choice."""
    if value.startswith(OWN):
        return roles().get(pk=int(value.removeprefix(OWN)))
    return BuiltInRole(value)


class ReasonForm(StaffForm):
    """Why something is done."""

    reason = forms.CharField(label=_("Reason"), max_length=500, help_text=_("It stands in the history."))


class MemberForm(ActionForm):
    """A colleague: who, as what, from where."""

    email = forms.EmailField(
        label=_("E-mail"), help_text=_("They sign in with it, and get a mail that says how they come in.")
    )
    role = forms.ChoiceField(
        label=_("Role"), help_text=_("What they may do. Only roles that permit no more than yours can be given.")
    )
    allowed_networks = NetworksField(
        label=_("Allowed networks"),
        required=False,
        help_text=_("From where they may work, such as 203.0.113.0/24; empty: from everywhere."),
    )

    class Meta:
        model = Membership
        fields = ("email", "name", "role", "allowed_networks")
        help_texts = {"name": _("As colleagues here know them.")}

    def prepare(self) -> None:
        member = self.instance
        if member.pk is not None:
            self.fields.pop("email", None)  # the person is another one then
        if "role" in self.fields:
            choices = role_choices(principal_of(self.request))
            if member.pk is not None:
                self.initial["role"] = member.role or f"{OWN}{member.own_role_id}"
                if self.initial["role"] not in dict(choices):
                    choices.append((self.initial["role"], member.role_name))
            else:
                choices.insert(0, ("", "–"))
            set_choices(self, "role", choices)


def _works_here(member: Membership) -> bool:
    return is_within(now(), member.valid_from, member.valid_to)


@site.screen(Membership)
class MembershipAdmin(TenantAdmin):
    """Who works for the operator."""

    permission_to_view = Permission.STAFF_READ
    permission_to_add = permission_to_change = Permission.STAFF_MANAGE
    empty_text = _("Here stands who works for this operator, in which role and from where.")
    form = MemberForm
    list_display = ("shown_name", "shown_email", "shown_role", "shown_networks", "since", "shown_state")
    list_select_related = ("user", "own_role")
    search_fields = ("name", "user__email")
    search_help_text = _("A part of the name or the e-mail address")
    ordering = ("user__email",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user", "own_role")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or _works_here(obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": MemberForm.Meta.fields}),)
        if self.has_change_permission(request, obj):
            return ((None, {"fields": ("shown_email", "name", "role", "allowed_networks", "since")}),)
        fields = ("shown_email", "shown_name", "shown_role", "shown_networks", "since", "until")
        return ((None, {"fields": fields}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("shown_email", "shown_name", "shown_role", "shown_networks", "since", "until") if obj else ()

    @display(description=_("Name"))
    def shown_name(self, member: Membership) -> str:
        return str(member)

    @display(description=_("E-mail"))
    def shown_email(self, member: Membership) -> str:
        return member.user.email

    @display(description=_("Role"))
    def shown_role(self, member: Membership) -> str:
        return gettext(member.role_name)

    @display(description=_("Allowed networks"))
    def shown_networks(self, member: Membership) -> str:
        return ", ".join(member.allowed_networks) or gettext("from everywhere")

    @display(description=_("Since"))
    def since(self, member: Membership) -> str:
        return local(member.valid_from, seconds=False)

    @display(description=_("Until"))
    def until(self, member: Membership) -> str:
        return local(member.valid_to, seconds=False)

    @display(description=_("State"))
    def shown_state(self, member: Membership) -> SafeString:
        return label(gettext("works here"), "success") if _works_here(member) else label(gettext("has left"))

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Membership:
        role = chosen_role(data.pop("role"))
        return actions.add_member(role=role, by=principal_of(request), at=now(), **data)

    def change(self, request: HttpRequest, obj: Membership, data: dict[str, Any]) -> Membership:
        if "role" in data:
            data["role"] = chosen_role(data["role"])
        return actions.change_member(membership_id=obj.pk, by=principal_of(request), at=now(), **data)

    def panels(self, request: HttpRequest, obj: Membership) -> Sequence[Panel]:
        rows = [(listed(obj.permission_set),)]
        return [Panel(_("What they may do"), [""], rows)]

    @verb(
        _("Send the invitation again"),
        permission=Permission.STAFF_MANAGE,
        icon="outgoing_mail",
        applies=_works_here,
        text=_("They get the mail that says how they come in once more. Its link is good for a day."),
    )
    def invite_again(self, request: HttpRequest, obj: Membership, data: dict[str, Any]) -> str:
        """Mail somebody how they come in."""
        actions.invite_again(membership_id=obj.pk, by=principal_of(request), at=now())
        return gettext("The mail to %(email)s is on its way.") % {"email": obj.user.email}

    @verb(
        _("Sign out"),
        permission=Permission.STAFF_MANAGE,
        icon="logout",
        applies=_works_here,
        text=_("All sessions in which they work here end at once. They may sign in again."),
    )
    def sign_out(self, request: HttpRequest, obj: Membership, data: dict[str, Any]) -> str:
        """End somebody's sessions."""
        count = actions.sign_member_out(membership_id=obj.pk, by=principal_of(request), at=now())
        return gettext("%(count)s sessions have ended.") % {"count": count}

    @verb(
        _("Remove"),
        permission=Permission.STAFF_MANAGE,
        icon="person_remove",
        form=ReasonForm,
        applies=_works_here,
        is_danger=True,
        text=_("They work here no more, from now on; their sessions here end. What they did keeps their name."),
    )
    def remove(self, request: HttpRequest, obj: Membership, data: dict[str, Any]) -> str:
        """Let somebody work here no more."""
        give_reason(data["reason"])
        member = actions.remove_member(membership_id=obj.pk, by=principal_of(request), at=now())
        return gettext("%(name)s works here no more.") % {"name": member}


class RoleForm(ActionForm):
    """A role: its name and what it permits."""

    permissions = PermissionsField(
        label=_("Permissions"), help_text=_("What it permits. Nobody can give what they may not do themselves.")
    )

    class Meta:
        model = Role
        fields = ("name", "permissions")
        help_texts = {"name": _("Such as Auditor. It holds for everybody who has it, whatever it is called.")}

    def prepare(self) -> None:
        if "permissions" in self.fields:
            offered: Any = self.fields["permissions"]
            offered.offer(EVERYTHING, may_give=principal_of(self.request).permissions)


@site.screen(Role)
class RoleAdmin(TenantAdmin):
    """The operator's own roles; those that come with the program stand below."""

    permission_to_view = Permission.STAFF_READ
    permission_to_add = permission_to_change = Permission.STAFF_MANAGE
    empty_text = _(
        "There are no roles of your own. Those below come with the program and suit most; make one where they do not."
    )
    form = RoleForm
    change_list_template = "backoffice/roles.html"
    list_display = ("name", "permits", "people")
    ordering = ("name",)
    sortable_by = ()

    def load_rows(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        held = Membership.objects.filter(own_role__in=[row.pk for row in rows]).values("own_role")
        counts = dict(held.annotate(people=Count("pk")).values_list("own_role", "people"))
        for row in rows:
            row.held_by = counts.get(row.pk, 0)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        can_change = obj is None or self.has_change_permission(request, obj)
        return ((None, {"fields": ("name", "permissions" if can_change else "shown_permissions")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("shown_permissions",) if obj is not None else ()

    @display(description=_("Permissions"))
    def shown_permissions(self, role: Role) -> Any:
        return listed(role.permission_set)

    @display(description=_("Permits"))
    def permits(self, role: Role) -> str:
        return gettext("%(count)s of %(all)s") % {"count": len(role.permission_set), "all": len(EVERYTHING)}

    @display(description=_("People who have or had it"))
    def people(self, role: Any) -> str:
        return str(role.held_by)

    def links(self, request: HttpRequest, obj: Any | None) -> Sequence[Link]:
        return [Link(_("Who may what"), reverse("admin:role_matrix"), "grid_on")] if obj is None else ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        rows = [
            (gettext(name), ROLE_TEXTS[role], f"{len(ROLES[role])} / {len(EVERYTHING)}")
            for role, name in ROLE_NAMES.items()
        ]
        links = [Link(_("Who may what"), reverse("admin:role_matrix"), "grid_on")]
        headers = [_("Role"), _("Is for"), _("Permits")]
        text = _("They come with the program and cannot be changed; an update may give them new verbs.")
        below = [Panel(_("Built-in roles"), headers, rows, links=links, text=text, right=frozenset({2}))]
        return super().changelist_view(request, {**(extra_context or {}), "below": below})

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Role:
        return actions.create_role(**data, by=principal_of(request), at=now())

    def change(self, request: HttpRequest, obj: Role, data: dict[str, Any]) -> Role:
        return actions.change_role(role_id=obj.pk, by=principal_of(request), **data)

    def panels(self, request: HttpRequest, obj: Role) -> Sequence[Panel]:
        found = Membership.objects.filter(own_role=obj).select_related("user", "own_role").order_by("user__email")
        rows = [(row_link(request, each), each.user.email) for each in found[:PANEL_ROWS]]
        return [Panel(_("Who has it"), [_("Name"), _("E-mail")], rows, empty=_("Nobody has it."))]

    @verb(
        _("Remove"),
        permission=Permission.STAFF_MANAGE,
        icon="delete",
        is_danger=True,
        text=_("A role that nobody has or had is forgotten. Others stay, for the history."),
    )
    def remove(self, request: HttpRequest, obj: Role, data: dict[str, Any]) -> HttpResponse:
        """Forget a role."""
        actions.remove_role(role_id=obj.pk, by=principal_of(request))
        return HttpResponseRedirect(self.url("changelist"))


@site.page("settings/who-may-what/", name="role_matrix", permission=Permission.STAFF_READ)
def role_matrix(request: HttpRequest) -> HttpResponse:
    """Every permission against every role, built in and own."""
    columns = [(gettext(name), ROLES[role]) for role, name in ROLE_NAMES.items()]
    columns += [(role.name, role.permission_set) for role in roles()]
    groups = [
        (
            thing,
            [
                (gettext(SENTENCES[each]), each.value, [(name, each in permitted) for name, permitted in columns])
                for each in group
            ],
        )
        for thing, group in by_thing(EVERYTHING)
    ]
    context = {
        "title": _("Who may what"),
        "names": [name for name, _permitted in columns],
        "groups": groups,
        "back": reverse("admin:identity_role_changelist"),
    }
    return site.render(request, "backoffice/role_matrix.html", context)


class KeyForm(ActionForm):
    """A key: what for, what it may do, from where, and for how long."""

    scopes = PermissionsField(
        label=_("Scopes"), help_text=_("What it may do: as little as the program needs, and nothing that you may not.")
    )
    allowed_networks = NetworksField(
        label=_("Allowed networks"),
        required=False,
        help_text=_("From where it may be used, such as 198.51.100.7; empty: from everywhere."),
    )
    expires_at = InstantField(
        label=_("Expires"), required=False, help_text=_("From then on it opens nothing, on your clock; empty: never.")
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "allowed_networks", "expires_at")
        help_texts = {"name": _("What it is for, such as Feed of switch 1.")}

    def prepare(self) -> None:
        if "scopes" in self.fields:
            offered: Any = self.fields["scopes"]
            offered.offer(EVERYTHING - NOT_FOR_KEYS, may_give=principal_of(self.request).permissions)
        set_zone(self, get_zone(current_tenant().timezone), "expires_at")


def _is_usable(key: ApiKey) -> bool:
    return is_usable_key(now(), key.expires_at, key.revoked_at)


@site.screen(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    """Keys of programs."""

    permission_to_view = Permission.KEYS_READ
    permission_to_add = Permission.KEYS_MANAGE
    empty_text = _("A key lets a program in by the API: a switch that sends files, a shop that asks for prices.")
    form = KeyForm
    list_display = ("name", "ends_with", "shown_state", "may", "networks", "expires", "used", "used_from")
    ordering = ("-pk",)
    sortable_by = ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = KeyForm.Meta.fields if obj is None else self.get_readonly_fields(request, obj)
        return ((None, {"fields": fields}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        if obj is None:
            return ()
        return ("name", "ends_with", "shown_scopes", "networks", "made", "made_by", "expires", "revoked", "used", "used_from")  # fmt: skip

    @display(description=_("Ends with"))
    def ends_with(self, key: ApiKey) -> str:
        return f"…{key.last_four}"

    @display(description=_("State"))
    def shown_state(self, key: ApiKey) -> SafeString:
        if key.revoked_at is not None:
            return label(gettext("revoked"), "danger")
        return label(gettext("in use"), "success") if _is_usable(key) else label(gettext("expired"))

    @display(description=_("May"))
    def may(self, key: ApiKey) -> str:
        first = ", ".join(key.scopes[:3])
        return first if len(key.scopes) <= 3 else gettext("%(first)s and %(more)s more") % {"first": first, "more": len(key.scopes) - 3}  # fmt: skip

    @display(description=_("Scopes"))
    def shown_scopes(self, key: ApiKey) -> Any:
        return listed(key.permission_set)

    @display(description=_("Allowed networks"))
    def networks(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_networks) or gettext("from everywhere")

    @display(description=_("Expires"))
    def expires(self, key: ApiKey) -> str:
        return local(key.expires_at, seconds=False)

    @display(description=_("Revoked"))
    def revoked(self, key: ApiKey) -> str:
        return local(key.revoked_at, seconds=False)

    @display(description=_("Last used"))
    def used(self, key: ApiKey) -> str:
        return local(key.last_used_at, seconds=False)

    @display(description=_("From address"))
    def used_from(self, key: ApiKey) -> str:
        return key.last_used_from or "–"

    @display(description=_("Made"))
    def made(self, key: ApiKey) -> str:
        return local(key.created_at, seconds=False)

    @display(description=_("Made by"))
    def made_by(self, key: ApiKey) -> str:
        return name_actors([key.created_by]).get(key.created_by, key.created_by)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> ApiKey:
        made, secret = actions.create_key(**data, by=principal_of(request), at=now())
        request.shown_once = secret  # type: ignore[attr-defined]
        return made

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The page that shows the key, this once: it is in no address, no session and no cache."""
        context = {
            "title": _("Key made: %(name)s") % {"name": obj.name},
            "key": obj,
            "secret": request.shown_once.reveal(),  # type: ignore[attr-defined]
            "next": self.url("change", obj),
        }
        return self.admin_site.render(request, "backoffice/key.html", context)

    @verb(
        _("Revoke"),
        permission=Permission.KEYS_MANAGE,
        icon="key_off",
        form=ReasonForm,
        applies=lambda key: key.revoked_at is None,
        is_danger=True,
        text=_("It opens nothing from now on, for ever. To change a key without a gap, make the new one first."),
    )
    def revoke(self, request: HttpRequest, obj: ApiKey, data: dict[str, Any]) -> str:
        """Let a key open nothing any more."""
        give_reason(data["reason"])
        return gettext("%(key)s is revoked.") % {
            "key": actions.revoke_key(key_id=obj.pk, by=principal_of(request), at=now())
        }


@site.screen(StaffSession)
class StaffSessionAdmin(ReadOnlyAdmin):
    """When and why the platform's staff worked in the operator's data."""

    permission_to_view = Permission.HISTORY_READ
    empty_text = _("Nobody of the platform's staff has been in your data.")
    list_display = ("person", "reason", "opened", "ends", "closed")
    list_select_related = ("user",)
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("person", "reason", "opened", "ends", "closed")

    def empty_link(self, request: HttpRequest) -> Link | None:
        return None

    @display(description=_("Who"))
    def person(self, session: StaffSession) -> str:
        return str(session.user)

    @display(description=_("From"))
    def opened(self, session: StaffSession) -> str:
        return local(session.opened_at)

    @display(description=_("At most until"))
    def ends(self, session: StaffSession) -> str:
        return local(session.until)

    @display(description=_("Ended by hand"))
    def closed(self, session: StaffSession) -> str:
        return local(session.closed_at)


@site.screen(Denial)
class DenialAdmin(ReadOnlyAdmin):
    """What was denied to people and keys: who, where, and what they lacked. Kept for ninety days."""

    permission_to_view = Permission.HISTORY_READ
    empty_text = _("Nobody was denied anything in the last ninety days.")
    list_display = ("last", "who", "why", "where", "count", "last_from")
    list_filter = ("code",)
    ordering = ("-last_at",)
    sortable_by = ()
    fields = ("who", "why", "shown_permission", "code", "where", "count", "first", "last", "last_from")

    def empty_link(self, request: HttpRequest) -> Link | None:
        return None

    def load_rows(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        names = name_actors({row.actor for row in rows})
        for row in rows:
            row.who_name = names.get(row.actor, row.actor)

    @display(description=_("Who"))
    def who(self, denial: Any) -> str:
        name = getattr(denial, "who_name", None)
        return name or name_actors([denial.actor]).get(denial.actor, denial.actor)

    @display(description=_("Why"))
    def why(self, denial: Denial) -> str:
        if denial.code == "permission_missing" and denial.permission:
            return gettext("%(permission)s is missing") % {"permission": denial.permission}
        return str(DENIALS.get(denial.code, denial.code))

    @display(description=_("Permission"))
    def shown_permission(self, denial: Denial) -> str:
        known = {each.value: sentence for each, sentence in SENTENCES.items()}
        return gettext(known[denial.permission]) if denial.permission in known else "–"

    @display(description=_("Where"))
    def where(self, denial: Denial) -> str:
        return f"{denial.method} {denial.route}"

    @display(description=_("First"))
    def first(self, denial: Denial) -> str:
        return local(denial.first_at)

    @display(description=_("Last"))
    def last(self, denial: Denial) -> str:
        return local(denial.last_at)


DENIALS: dict[str, Any] = {
    "permission_missing": _("a permission is missing"),
    "beyond_own_permissions": _("it touches more than they may themselves"),
    "network_not_allowed": _("not from this network"),
    "invalid_api_key": _("the key has expired or was revoked"),
    "trial_ended": _("the trial has ended"),
    "tenant_suspended": _("the operator is suspended"),
    "quota_reached": _("what may be stored is used up"),
}

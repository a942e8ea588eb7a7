"""Mails to people who were let in."""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from trunkline.identity.models import Membership, User
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope


def invitation_link(user: User) -> str:
    """Where a person goes first: to set a password, for a day, if they have none of their own; to sign in otherwise."""
    if _has_signed_in(user):
        return settings.PUBLIC_URL + reverse("account_login")
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs=key)


def _has_signed_in(user: User) -> bool:
    """Whether the password is theirs: anybody can sign up with somebody's address, and comes no further than that."""
    return user.has_usable_password() and EmailAddress.objects.filter(user=user, verified=True).exists()


def send_invitation(*, tenant_id: int, membership_id: int) -> None:
    """Tell a member that they work for the tenant, and how they come in. Sent twice it says the same."""
    with scope(tenant_id, "system"):
        tenant = current_tenant().name
        member = Membership.objects.select_related("user", "own_role").get(pk=membership_id)
        role = member.role_name
    user = member.user
    told = {
        "tenant": tenant,
        "role": role,
        "name": member.name,
        "email": user.email,
        "link": invitation_link(user),
        "is_new": not _has_signed_in(user),
        "reset_link": settings.PUBLIC_URL + reverse("account_reset_password"),
    }
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject = " ".join(render_to_string("identity/invitation_subject.txt", told).split())
        text = render_to_string("identity/invitation.txt", told)
    send_mail(subject, text, None, [user.email])

"""Sign-up: a person asks for an operator of their own, and it is made when their e-mail address is proved."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from django.db import transaction
from django.utils.text import slugify

from trunkline.core.currency import get_currency
from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone
from trunkline.identity.actions.members import make_first_owner
from trunkline.identity.models import Signup, User
from trunkline.identity.principal import user_actor
from trunkline.kit.db.locks import lock_name
from trunkline.tenancy.actions import NAME_LENGTH, SLUG_LENGTH, create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.queries import find_tenant_id
from trunkline.tenancy.rules import last_day_of_trial, trial_end
from trunkline.tenancy.scope import scope


def ask_for_operator(*, user: User, name: str, currency: str, timezone: str, at: datetime) -> Signup:
    """Keep what somebody asks for until their address is proved; what they asked for before is forgotten.

    Raises Invalid (`bad_name`, `unknown_currency`, `unknown_timezone`). Says nothing of what other operators there are.
    """
    name = require_operator_name(name)
    get_currency(currency)
    get_zone(timezone)
    made, _ = Signup.objects.update_or_create(
        user=user, defaults={"name": name, "currency": currency, "timezone": timezone, "created_at": at}
    )
    return made


def finish_signup(*, user: User, at: datetime) -> Tenant | None:
    """Make the operator that the person has asked for, None where none is waiting. Their address has been proved."""
    with transaction.atomic():
        asked = Signup.objects.select_for_update().filter(user=user).first()
        if asked is None:
            return None
        made = sign_up(user=user, name=asked.name, currency=asked.currency, timezone=asked.timezone, at=at)
        asked.delete()
    return made


def sign_up(*, user: User, name: str, currency: str, timezone: str, at: datetime) -> Tenant:
    """Make an operator on trial, with the person as its owner: for the rest of the day, and for fourteen whole days on its clock.

    Opens its own scope.     Where another operator has the name, a number behind it makes this one's; its owner can change it. Raises Invalid (`bad_name`,
    `unknown_currency`, `unknown_timezone`).
    """
    wanted = require_operator_name(name)
    actor = user_actor(user.pk)
    with transaction.atomic():
        lock_name("identity.sign_up")  # two of the same name at once
        name, slug = _free_names(wanted)
        tenant = create_tenant(
            name=name,
            slug=slug,
            currency=currency,
            timezone=timezone,
            trial_ends_at=trial_end(last_day_of_trial(at, timezone), timezone),
            actor=actor,
            at=at,
        )
        with scope(tenant, actor, reason="sign-up"):
            make_first_owner(user_id=user.pk, name=user.name, at=at)
    return tenant


def require_operator_name(text: str) -> str:
    """An operator's name as it is kept. Raises Invalid `bad_name`."""
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Invalid("bad_name", f"The name of an operator has 1 to {NAME_LENGTH} printable characters.")
    return name


def _free_names(wanted: str) -> tuple[str, str]:
    """A name and a short name that nobody has."""
    stem = slugify(wanted)[: SLUG_LENGTH - 8].strip("-") or "operator"
    for number in count(1):
        name = wanted if number == 1 else f"{wanted[: NAME_LENGTH - 8]} {number}"
        slug = stem if number == 1 else f"{stem}-{number}"
        if find_tenant_id(name) is None and find_tenant_id(slug) is None:
            return name, slug
    raise AssertionError("there are more numbers than operators")

"""Writes of tenants."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, connection, transaction
from django.utils.text import slugify

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import get_zone
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tenancy.choices import TenantStatus
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.queries import forget_tenant
from trunkline.tenancy.rules import trial_end
from trunkline.tenancy.scope import scope

NAME_LENGTH = 200
SLUG_LENGTH = 60


def create_tenant(
    *,
    name: str,
    currency: str,
    timezone: str,
    slug: str = "",
    trial_ends_at: datetime | None = None,
    actor: str,
    at: datetime,
) -> Tenant:
    """Make a tenant.

    Raises `Invalid` for an unknown currency or zone (`unknown_currency`, `unknown_timezone`), a name or short name that is empty or too
    long (`bad_name`, `bad_slug`), and `Conflict` (`tenant_exists`) where either is taken.
    """
    name = name.strip()
    slug = slug or slugify(name)
    _require_names(name, slug)
    get_currency(currency)
    get_zone(timezone)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('tenancy_tenant', 'id'))")
            (number,) = cursor.fetchone()
        tenant = Tenant(
            id=number,
            name=name,
            slug=slug,
            currency=currency,
            timezone=timezone,
            trial_ends_at=trial_ends_at,
            created_at=at,
        )
        try:
            with scope(number, actor):
                tenant.save(force_insert=True)
        except IntegrityError as error:
            raise Conflict(
                "tenant_exists", f"There is a tenant named {name!r}, or called {slug!r} for short, already."
            ) from error
    return tenant


def change_tenant(*, name: str | None = None, timezone: str | None = None) -> Tenant:
    """Change what the scope's tenant is called and the zone of its reports; what is left out stays. Its short name stays for ever.

    Raises Invalid (`bad_name`, `unknown_timezone`) and Conflict `tenant_exists` where another has the name.
    """
    tenant = _locked()
    changed = []
    if name is not None:
        name = " ".join(name.split())
        _require_names(name, tenant.slug)
        if not name.isprintable():
            raise Invalid("bad_name", "The name of a tenant has printable characters only.", field="name")
        tenant.name = name
        changed.append("name")
    if timezone is not None:
        get_zone(timezone)
        tenant.timezone = timezone
        changed.append("timezone")
    try:
        with transaction.atomic():
            _save(tenant, *changed)
    except IntegrityError as error:
        # Not which one it is: who is here besides is nobody's to know.
        raise Conflict("tenant_exists", f"The name {name!r} is taken.", hint="Choose another.", field="name") from error
    return tenant


def extend_trial(*, last_day: date, at: datetime) -> Tenant:
    """Let the trial of the scope's tenant end with that day on its own clock; one whose trial had ended works again.

    Raises Invalid `bad_trial_end` for a day that is over, Conflict `no_trial` where the tenant works without an end.
    """
    tenant = _locked()
    if tenant.trial_ends_at is None:
        raise Conflict("no_trial", f"{tenant.name} is on no trial.", hint="There is nothing to extend.")
    ends_at = trial_end(last_day, tenant.timezone)
    if ends_at <= at:
        raise Invalid("bad_trial_end", f"{last_day} is over.", hint="Give a day from today on.", field="last_day")
    tenant.trial_ends_at = ends_at
    return _save(tenant, "trial_ends_at")


def activate_tenant() -> Tenant:
    """Let the scope's tenant work without an end: its trial is over as one that was passed, a suspension is lifted."""
    tenant = _locked()
    tenant.trial_ends_at, tenant.status = None, TenantStatus.ACTIVE
    return _save(tenant, "trial_ends_at", "status")


def suspend_tenant() -> Tenant:
    """Take nothing new from the scope's tenant; what is there stays, and is read and exported. Raises Conflict `already_suspended`."""
    tenant = _locked()
    if tenant.status == TenantStatus.SUSPENDED:
        raise Conflict("already_suspended", f"{tenant.name} is suspended already.")
    tenant.status = TenantStatus.SUSPENDED
    return _save(tenant, "status")


def set_quota(*, octets: int | None) -> Tenant:
    """Let the scope's tenant store so many octets: None as the installation says, 0 without a limit. What is there stays, however much it is."""
    tenant = _locked()
    tenant.quota_octets = octets
    return _save(tenant, "quota_octets")


def dismiss_steps(*, steps: Iterable[str]) -> Tenant:
    """Show these first steps no more, whatever their state."""
    tenant = _locked()
    tenant.dismissed_steps = sorted({*tenant.dismissed_steps, *steps})
    return _save(tenant, "dismissed_steps")


def recall_steps() -> Tenant:
    """Show all first steps again that are not done."""
    tenant = _locked()
    tenant.dismissed_steps = []
    return _save(tenant, "dismissed_steps")


def _locked() -> Tenant:
    (tenant,) = lock_rows(Tenant.objects.all(), [current_tenant_id()])
    return tenant


def _save(tenant: Tenant, *names: str) -> Tenant:
    if names:
        tenant.save(update_fields=list(names))
        forget_tenant()
    return tenant


def _require_names(name: str, slug: str) -> None:
    if not 0 < len(name) <= NAME_LENGTH:
        raise Invalid("bad_name", f"The name of a tenant has 1 to {NAME_LENGTH} characters.")
    try:
        validate_slug(slug)
    except ValidationError:
        slug = ""
    if not 0 < len(slug) <= SLUG_LENGTH:
        raise Invalid(
            "bad_slug",
            f"The short name of a tenant has 1 to {SLUG_LENGTH} characters: letters, digits, hyphens and underscores.",
            hint="Give one: it cannot be made from this name." if not slug else "",
        )

"""Writes of tenants."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, connection, transaction
from django.utils.text import slugify

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import get_zone
from trunkline.tenancy.models import Tenant
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

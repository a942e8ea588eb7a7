"""Writes of tenants."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.utils.text import slugify

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict
from trunkline.core.period import get_zone
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope


def create_tenant(*, name: str, currency: str, timezone: str, slug: str = "", actor: str, at: datetime) -> Tenant:
    """Make a tenant. Raises `Invalid` for an unknown currency or zone and `Conflict` (`tenant_exists`) for a taken name."""
    get_currency(currency)
    get_zone(timezone)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('tenancy_tenant', 'id'))")
            (number,) = cursor.fetchone()
        tenant = Tenant(
            id=number, name=name, slug=slug or slugify(name), currency=currency, timezone=timezone, created_at=at
        )
        try:
            with scope(number, actor):
                tenant.save(force_insert=True)
        except IntegrityError as error:
            raise Conflict("tenant_exists", f"There is a tenant {name!r} already.") from error
    return tenant

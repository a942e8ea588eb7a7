"""The currency of an operator's margins: the sums of its hours are kept in it, so it stays from the first file on."""

from __future__ import annotations

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tenancy.models import Tenant
from trunkline.usage.choices import BatchState
from trunkline.usage.models import Batch


def is_currency_open() -> bool:
    """Whether the scope's tenant may still change its currency: no file was taken, and none is under way."""
    return not Batch.objects.exclude(state=BatchState.FAILED).exists()


def change_currency(*, currency: str) -> Tenant:
    """Change the currency of the scope's tenant. Raises Invalid `unknown_currency`, Conflict `currency_in_use` once a file was taken."""
    get_currency(currency)
    # The strong lock: whoever registers a file holds the tenant's row for its foreign key, and waits for us or we for them.
    tenant = Tenant.objects.select_for_update().get(pk=current_tenant_id())
    if not is_currency_open():
        raise Conflict(
            "currency_in_use",
            f"Usage is kept in {tenant.currency} already.",
            hint="The currency of an operator is chosen before its first file.",
            field="currency",
        )
    tenant.currency = currency
    tenant.save(update_fields=["currency"])
    return tenant

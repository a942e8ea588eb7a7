"""Screens of the parties: accounts, their billing profiles and identities."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.site import site
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.parties import actions
from trunkline.parties.models import Account


@site.screen(Account)
class AccountAdmin(TenantAdmin):
    """Customers and vendors."""

    permission_to_view = Permission.ACCOUNTS_READ
    permission_to_change = Permission.ACCOUNTS_WRITE
    list_display = ("code", "name", "currency", "status")
    search_fields = ("code", "name")
    fields = ("name",)
    empty_text = _("Accounts are the customers and vendors that you trade with.")

    def change(self, request: HttpRequest, obj: Account, data: dict[str, Any]) -> Account:
        return actions.change_account(account_id=obj.pk, at=now(), **data)

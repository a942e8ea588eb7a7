"""Choices of identity."""

from __future__ import annotations

from django.db import models

from trunkline.identity.permissions import ROLE_NAMES, BuiltInRole


class RoleChoice(models.TextChoices):
    """The built-in roles; `permissions.ROLES` says what each permits."""

    OWNER = BuiltInRole.OWNER.value, ROLE_NAMES[BuiltInRole.OWNER]  # everything
    ADMIN = BuiltInRole.ADMIN.value, ROLE_NAMES[BuiltInRole.ADMIN]  # everything but making and removing owners
    FINANCE = BuiltInRole.FINANCE.value, ROLE_NAMES[BuiltInRole.FINANCE]  # accounts, prices, invoices, books
    NOC = BuiltInRole.NOC.value, ROLE_NAMES[BuiltInRole.NOC]  # switches, sources, rules, usage; no invoices, no books
    SUPPORT = BuiltInRole.SUPPORT.value, ROLE_NAMES[BuiltInRole.SUPPORT]  # looks up, explains, sends rejects again
    READ_ONLY = BuiltInRole.READ_ONLY.value, ROLE_NAMES[BuiltInRole.READ_ONLY]  # sees everything, changes nothing

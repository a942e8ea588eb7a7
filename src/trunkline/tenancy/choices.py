"""Choices of tenants."""

from __future__ import annotations

from django.db import models


class TenantStatus(models.TextChoices):
    """Whether a tenant works."""

    ACTIVE = "active", "Active"  # everything works
    SUSPENDED = "suspended", "Suspended"  # data is kept, nothing new is taken

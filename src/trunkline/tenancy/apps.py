"""The app of tenants."""

from __future__ import annotations

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Tenants and their scope."""

    name = "trunkline.tenancy"
    label = "tenancy"

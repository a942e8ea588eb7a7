"""The app of staff and keys."""

from __future__ import annotations

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Staff, their roles, and the keys of programs."""

    name = "trunkline.identity"
    label = "identity"
    verbose_name = "Settings"  # where the back office has its screens

"""The app of our framework."""

from __future__ import annotations

from django.apps import AppConfig


class KitConfig(AppConfig):
    """Registers the checks that compare models with the database."""

    name = "trunkline.kit"
    label = "kit"

    def ready(self) -> None:
        from trunkline.kit import checks

        checks.register()

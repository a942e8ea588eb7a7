"""The app of usage."""

from __future__ import annotations

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """What was used: collect, decode, rate, store, post."""

    name = "trunkline.usage"
    label = "usage"

    def ready(self) -> None:
        from trunkline.usage import invariants

        invariants.register()

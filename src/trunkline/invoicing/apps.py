"""The app of invoicing."""

from __future__ import annotations

from django.apps import AppConfig


class InvoicingConfig(AppConfig):
    """Invoices and credit notes of usage, and which rollups they bill."""

    name = "trunkline.invoicing"
    label = "invoicing"

    def ready(self) -> None:
        from trunkline.invoicing import invariants

        invariants.register()

"""The app of the back office."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig

# Each holds the screens of one room and enters them into the site when it is loaded.
SCREENS = (
    "parties", "tariffs", "reference", "usage", "records", "rejects", "switches", "traffic_rules", "sources", "rerating", "invoicing", "ledger",
    "summary", "reports", "dashboard",
    "staff", "operator", "first_steps", "bill_runs", "unbilled", "statements", "rates", "rate_preview", "legs", "trying", "mappings", "describing",
    "deck_changes", "decks", "special_rates",
    "rate_analysis", "deals",
    "generators", "generator_runs", "notifications",
    "mailboxes", "mails",
    "sheets", "sheet_layout", "sheet_changes", "sheet_terms", "rate_edits", "rates_grid",
)  # fmt: skip


class BackofficeConfig(AppConfig):
    """Screens for staff."""

    name = "trunkline.backoffice"
    label = "backoffice"

    def ready(self) -> None:
        for name in SCREENS:
            import_module(f"{self.name}.{name}")
        from trunkline.backoffice.cells import draw_rows_here
        from trunkline.backoffice.languages import load_catalogues, name_in_all_languages
        from trunkline.backoffice.site import site

        draw_rows_here()
        load_catalogues()
        name_in_all_languages(site._registry)

"""The app of the books."""

from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Double entry: accounts, entries, balances, closed periods."""

    name = "trunkline.ledger"
    label = "ledger"

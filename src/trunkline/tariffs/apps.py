"""The app of price lists."""

from __future__ import annotations

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    """Tariffs and their rates, destinations, exchange rates, and which account has which tariff."""

    name = "trunkline.tariffs"
    label = "tariffs"

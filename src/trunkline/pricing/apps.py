"""The app of the pricing team."""

from __future__ import annotations

from django.apps import AppConfig


class PricingConfig(AppConfig):
    """Rate sheets, how they are read, what they change, and how much notice that needs."""

    name = "trunkline.pricing"
    label = "pricing"

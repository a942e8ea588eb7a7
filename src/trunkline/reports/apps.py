"""The app of reports."""

from __future__ import annotations

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Questions that are asked again and again, kept by name."""

    name = "trunkline.reports"
    label = "reports"

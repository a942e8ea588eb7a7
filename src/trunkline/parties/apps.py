"""The app of customers and vendors."""

from __future__ import annotations

from django.apps import AppConfig


class PartiesConfig(AppConfig):
    """Accounts, their contacts, and how traffic is told to be theirs."""

    name = "trunkline.parties"
    label = "parties"

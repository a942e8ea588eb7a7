"""The first page: how business goes, and what needs a person."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """What the dashboard shows."""
    return {}

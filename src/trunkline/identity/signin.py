"""What the libraries of sign-in ask us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.identity.models import normal_email


def axes_username(request: Any, credentials: Mapping[str, Any] | None) -> str | None:
    """The name that a failed sign-in is counted under: whatever the credentials or the form call it; None where there is none.

    allauth says `email` or `login`; without this axes would count everybody behind one address as one.
    """
    given = credentials or {}
    posted = getattr(request, "POST", {})
    names = (given.get(name) for name in ("username", "email", "login"))
    found = next((name for name in names if name), None) or posted.get("login") or posted.get("username")
    return normal_email(str(found)) if found else None

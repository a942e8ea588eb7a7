"""What the environment says, where several rooms must read it alike."""

from __future__ import annotations

import os


def is_on(name: str, default: bool) -> bool:
    """Whether a variable says yes; the default where it is not set."""
    said = os.environ.get(name, "").strip().lower()
    return said not in ("off", "no", "0", "false") if said else default

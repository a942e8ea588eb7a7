"""Where a notification lies below the data folder: the file as it is sent, its lines, and what the customer knows after it."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

from trunkline.kit.home import folder, home

NEWS: Final = "lines.arrow"
TOLD: Final = "told.arrow"
LINEAGE: Final = (
    "trunkline.lineage"  # in the metadata of what is known: of which stamps of the tariff and its ancestors it is
)


def make_folder(tenant_id: int, public_id: UUID) -> Path:
    """The folder of a notification, made where it is missing."""
    return folder("notifications", f"tenant={tenant_id}", str(public_id))


def find_folder(tenant_id: int, public_id: UUID) -> Path:
    """Where the folder of a notification is. Nothing is made."""
    return home() / "notifications" / f"tenant={tenant_id}" / str(public_id)


def folders(tenant_id: int) -> list[Path]:
    """The folders of all notifications of a tenant, whoever names them."""
    return sorted((home() / "notifications" / f"tenant={tenant_id}").glob("*"))

"""What all web processes of a machine share besides the database: counts of recent tries, nothing that must not be lost."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.filebased import FileBasedCache

from trunkline.kit.home import folder


class DataFolderCache(FileBasedCache):
    """Keeps its entries in `cache/web/` of the data folder, wherever that is when it is first asked."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(str(folder("cache", "web")), params)

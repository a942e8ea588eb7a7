"""Drafts: what somebody is at between two pages, such as a look that a worker makes or a file that is only tried.

A draft is a file of JSON, with a file of octets beside it where it has one, below `cache` of the data folder. It is known by a UUID and lies in
its tenant's folder, so nobody finds another operator's. It is nothing that must not be lost, and goes by itself when it is old.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from trunkline.core.errors import NotFound
from trunkline.core.ids import uuid7
from trunkline.kit.home import folder


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of one kind: `kind` is their folder, `code`, `message` and `hint` say that one is not there."""

    kind: str
    kept: timedelta
    code: str
    message: str
    hint: str

    def begin(
        self, tenant_id: int, said: Mapping[str, Any], *, at: datetime, data: Iterable[bytes] | None = None
    ) -> UUID:
        """Make a draft, with its octets if there are any; those that are too old go."""
        self.tidy(tenant_id, at=at)
        draft_id = uuid7()
        if data is not None:
            path = self.data_path(tenant_id, draft_id)
            try:
                with path.open("xb") as file:
                    file.writelines(data)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        self.write(tenant_id, draft_id, said)
        return draft_id

    def read(self, tenant_id: int, draft_id: UUID) -> dict[str, Any]:
        """What a draft says. Raises NotFound."""
        try:
            said: dict[str, Any] = json.loads(self._path(tenant_id, draft_id).read_text())
        except FileNotFoundError:
            raise NotFound(self.code, self.message, hint=self.hint) from None
        return said

    def write(self, tenant_id: int, draft_id: UUID, said: Mapping[str, Any]) -> None:
        """Say something else; whoever reads meanwhile sees the one or the other."""
        path = self._path(tenant_id, draft_id)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(said))
        beside.replace(path)

    def data_path(self, tenant_id: int, draft_id: UUID) -> Path:
        """Where its octets lie."""
        return self._folder(tenant_id) / f"{draft_id}.data"

    def drop(self, tenant_id: int, draft_id: UUID) -> None:
        """Have it no more."""
        for path in (self._path(tenant_id, draft_id), self.data_path(tenant_id, draft_id)):
            path.unlink(missing_ok=True)

    def tidy(self, tenant_id: int, *, at: datetime) -> None:
        """Remove those of the tenant that are too old."""
        for path in self._folder(tenant_id).iterdir():
            if path.stat().st_mtime < (at - self.kept).timestamp():
                path.unlink(missing_ok=True)

    def _folder(self, tenant_id: int) -> Path:
        return folder("cache", self.kind, f"tenant={tenant_id}")

    def _path(self, tenant_id: int, draft_id: UUID) -> Path:
        return self._folder(tenant_id) / f"{draft_id}.json"

"""A carrier with sources, for the tests of sources: how one is made and pulled, and what is there afterwards."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.db.usage.carrier import COLUMNS, Carrier, line
from tests.peers import Peer
from trunkline.kit.secrets import Secret
from trunkline.usage.models import Batch, Receipt, Source
from trunkline.usage.process import process
from trunkline.usage.queries import access_switch
from trunkline.usage.sources.actions import add_source, change_source
from trunkline.usage.sources.pull import Pulled, pull
from trunkline.usage.sources.queries import get_feed, open_alarms

NOW = datetime(2026, 3, 4, tzinfo=UTC)
OLD = NOW - timedelta(hours=1)


@dataclass
class Feeds:
    """Sources of one carrier, with a clock that the test sets."""

    carrier: Carrier
    database: Any = None
    now: datetime = NOW
    sources: dict[str, int] = field(default_factory=dict)

    def clock(self) -> datetime:
        return self.now

    def add(self, kind: str, peer: Peer, name: str = "feed", **more: Any) -> int:
        """Make a source of the switch `common` at a peer, whose key is pinned."""
        given: dict[str, Any] = {"pin": peer.pin, "path": str(peer.folder), "pattern": "*.csv"} | more
        secret = Secret(peer.secret)
        given = ({"private_key": secret} if kind == "sftp" else {"password": secret}) | given
        with self.carrier.scope():
            source = add_source(
                switch=access_switch("common"), name=name, kind=kind, host=peer.host, port=peer.port, login=peer.login,
                at=self.now, **given,
            )  # fmt: skip
        self.sources[name] = source.pk
        return source.pk

    def look(self, name: str = "feed", **more: Any) -> Pulled:
        """One look, without taking the batches."""
        found = pull(tenant_id=self.carrier.tenant_id, source_id=self.sources[name], now=self.clock, **more)
        assert found is not None
        return found

    def fates(self, name: str = "feed", **more: Any) -> list[tuple[str, str]]:
        """What became of each file in one look."""
        found = self.look(name, **more)
        assert found.failure is None, found.failure
        return sorted((fate.name, fate.fate) for fate in found.files)

    def take(self) -> None:
        """Take every batch that waits."""
        with self.carrier.scope():
            waiting = list(Batch.objects.exclude(state__in=("posted", "failed")).values_list("pk", flat=True))
        for pk in waiting:
            process(tenant_id=self.carrier.tenant_id, batch_id=pk, now=self.clock)

    def batches(self) -> list[tuple[str, str, int]]:
        """Every batch: name, state, records."""
        with self.carrier.scope():
            return sorted(Batch.objects.values_list("name", "state", "rated"))

    def receipts(self, name: str = "feed") -> list[tuple[str, str]]:
        with self.carrier.scope():
            return sorted(Receipt.objects.filter(source=self.sources[name]).values_list("name", "state"))

    def alarms(self) -> list[tuple[str, str]]:
        with self.carrier.scope():
            return [(alarm.kind, alarm.detail) for alarm in open_alarms()]

    def source(self, name: str = "feed") -> Source:
        with self.carrier.scope():
            return Source.objects.get(pk=self.sources[name])

    def change(self, name: str = "feed", **changes: Any) -> None:
        with self.carrier.scope():
            change_source(source_id=self.sources[name], at=self.now, **changes)

    def waits_for(self, name: str = "feed") -> float:
        """Minutes to the next look."""
        with self.carrier.scope():
            return (get_feed(self.sources[name]).next_at - self.now).total_seconds() / 60

    def only_source(self) -> Source:
        with self.carrier.scope():
            return Source.objects.get()

    def everything(self) -> str:
        """Every row of every table."""
        from tests.databases import TestDatabase

        database = self.database
        assert isinstance(database, TestDatabase)
        with database.connect() as admin:
            tables = admin.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            )
            names = [name for (name,) in tables]
            return "\n".join(
                str(row) for name in names for row in admin.execute(f'SELECT t::text FROM "{name}" t').fetchall()
            )

    def spooled(self) -> list[str]:
        """What lies in the spool."""
        from trunkline.kit.home import home

        return sorted(path.name for path in (home() / "spool").rglob("*") if path.is_file())


def put(folder: Path, name: str, text: str, *, at: datetime = OLD) -> Path:
    """A file at the peer, changed last at that instant."""
    path = folder / name
    path.write_text(text)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def text(*keys: str) -> str:
    """A file of the common CSV with a call of one minute for each key."""
    return "\n".join([COLUMNS, *(line(key) for key in keys)]) + "\n"

"""Reads of sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from trunkline.core.errors import NotFound
from trunkline.kit.db.kept import Kept
from trunkline.kit.db.scope import current_tenant_id, scope
from trunkline.kit.models import find_public
from trunkline.kit.secrets import open_sealed
from trunkline.tenancy.queries import is_working
from trunkline.usage.models import Alarm, Feed, Receipt, Source, Switch
from trunkline.usage.sources.choices import ReceiptState, SourceKind
from trunkline.usage.sources.remote import Target


def sources() -> QuerySet[Source]:
    """All sources of the tenant with their switches, by name."""
    return Source.objects.select_related("switch").order_by("name")


def access_source_by_id(public_id: str) -> Source:
    """The source of that public id. Raises `NotFound` (`source_not_found`)."""
    found = find_public(sources(), public_id)
    if found is None:
        raise NotFound("source_not_found", f"There is no source {public_id!r}.")
    return found


def access_source(name: str) -> Source:
    """The source of that name. Raises `NotFound` (`source_not_found`)."""
    found = Source.objects.select_related("switch").filter(name=name).first()
    if found is None:
        raise NotFound("source_not_found", f"There is no source {name!r}.", hint="`trunkline source list` shows them.")
    return found


def is_to_pull(tenant_id: int, source_id: int, at: datetime) -> bool:
    """Whether a source is there and not paused, and the tenant takes new things; opens a scope of its own."""
    with scope(tenant_id, "system"):
        return is_working(at) and Source.objects.filter(pk=source_id, is_active=True).exists()


def folder_of(switch: Switch) -> str:
    """The watched folder of a switch by its own name, '' if it has none."""
    found = Source.objects.filter(switch=switch, kind=SourceKind.FOLDER, name=switch.name).first()
    return found.path if found else ""


def get_feed(source_id: int) -> Feed:
    """How a source has been doing."""
    return Feed.objects.get(source=source_id)


@dataclass(frozen=True, slots=True)
class Shown:
    """A source with how it is doing and what is wrong."""

    source: Source
    feed: Feed
    alarms: list[Alarm]


def list_sources(name: str = "") -> list[Shown]:
    """All sources by name, or the one that is named."""
    return with_state(list(sources().filter(name=name) if name else sources()))


def with_state(found: Sequence[Source]) -> list[Shown]:
    """Sources with how each is doing."""
    feeds = {feed.source_id: feed for feed in Feed.objects.filter(source__in=found)}
    open_ones: dict[int, list[Alarm]] = {}
    for alarm in alarms().filter(cleared_at=None, source__in=found).order_by("raised_at", "pk"):
        open_ones.setdefault(alarm.source_id, []).append(alarm)
    return [Shown(source, feeds[source.pk], open_ones.get(source.pk, [])) for source in found]


def alarms() -> QuerySet[Alarm]:
    """Everything that is or was wrong with a source."""
    return Alarm.objects.select_related("source")


def open_alarms() -> list[Alarm]:
    """What is wrong now, the oldest first."""
    return _OPEN_ALARMS.rows()


_OPEN_ALARMS = Kept(lambda: alarms().filter(cleared_at=None).order_by("raised_at", "pk"))


def receipts(source: Source) -> QuerySet[Receipt]:
    """The files that were seen at a source."""
    return Receipt.objects.select_related("batch").filter(source=source)


def list_receipts(source_id: int, *, state: str = "", limit: int = 50) -> list[Receipt]:
    """The newest files of a source, of one state if named."""
    found = Receipt.objects.select_related("batch").filter(source=source_id).order_by("-first_seen_at", "-pk")
    return list((found.filter(state=ReceiptState(state)) if state else found)[:limit])


def target_of(source: Source) -> Target:
    """What its peer must know, secrets opened. Raises as `kit.secrets.open_sealed` does."""
    return Target(
        host=source.host,
        port=source.port,
        login=source.login,
        path=source.path,
        password=open_sealed(source.password, tenant_id=current_tenant_id(), purpose=purpose(source, "password")),
        private_key=open_sealed(
            source.private_key, tenant_id=current_tenant_id(), purpose=purpose(source, "private_key")
        ),
        pin=source.pin,
        pattern=source.pattern,
        senders=tuple(source.senders),
        limit_octets=source.limit_octets,
    )


def purpose(source: Source, what: str) -> str:
    """What a secret of this row is sealed for."""
    return f"usage.source:{source.public_id}:{what}"

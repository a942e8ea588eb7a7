"""Reads of usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Min, QuerySet, Sum

from trunkline.core.errors import NotFound
from trunkline.core.money import Amount
from trunkline.kit.db.kept import Kept, KeptValues
from trunkline.kit.models import find_public
from trunkline.parties.models import Account
from trunkline.tariffs.models import Destination, Tariff
from trunkline.usage.choices import BatchState, Intake, SegmentKind, SegmentState
from trunkline.usage.models import Batch, HourTotal, Segment, Switch, WaitingLeg

if TYPE_CHECKING:  # what lists batches does without Arrow
    from trunkline.usage.decode import Format


def switches() -> QuerySet[Switch]:
    """All switches of the tenant, by name."""
    return Switch.objects.order_by("name")


def access_switch_by_id(public_id: str) -> Switch:
    """The switch of that public id. Raises `NotFound` (`switch_not_found`)."""
    found = find_public(switches(), public_id)
    if found is None:
        raise NotFound("switch_not_found", f"There is no switch {public_id!r}.")
    return found


def access_switch(name: str) -> Switch:
    """The switch of that name. Raises `NotFound` (`switch_not_found`)."""
    found = Switch.objects.filter(name=name).first()
    if found is None:
        raise NotFound("switch_not_found", f"There is no switch {name!r}.", hint="`trunkline switch list` shows them.")
    return found


def batches() -> QuerySet[Batch]:
    """All batches of the tenant with their switches, the newest first."""
    return Batch.objects.select_related("switch", "resends").order_by("-pk")


def access_batch(public_id: str) -> Batch:
    """The batch of that public id. Raises `NotFound` (`batch_not_found`)."""
    found = find_public(batches(), public_id)
    if found is None:
        raise NotFound(
            "batch_not_found", f"There is no batch {public_id!r}.", hint="`trunkline usage batches` shows them."
        )
    return found


def form_of(batch: Batch) -> Format:
    """What the lines of a batch, and of its rejects, are written in."""
    from trunkline.usage.stored import STORED, form_named

    origin = batch
    while origin.resends_id is not None:
        origin = Batch.objects.get(pk=origin.resends_id)
    return STORED if origin.intake == Intake.RERATE else form_named(batch.switch.format)


@dataclass(frozen=True, slots=True)
class Named:
    """The rows that records name by their ids."""

    batches: Mapping[int, Batch]
    accounts: Mapping[int, Account]
    tariffs: Mapping[int, Tariff]
    destinations: Mapping[int, Destination]


def named(records: Sequence[Mapping[str, Any]]) -> Named:
    """What records, or rejects, name: a query for each kind. A record that leaves a column out names nothing in it."""

    def ids(*columns: str) -> set[int]:
        return {record[name] for record in records for name in columns if record.get(name) is not None}

    return Named(
        batches=Batch.objects.select_related("switch").in_bulk(ids("batch_id")),
        accounts=Account.objects.in_bulk(ids("sell_account_id", "buy_account_id")),
        tariffs=Tariff.objects.in_bulk(ids("sell_tariff_id", "buy_tariff_id")),
        destinations=Destination.objects.in_bulk(ids("sell_destination_id", "buy_destination_id")),
    )


def name_batches(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lines that tell their batch by its internal id (`batch_id`), with its public id (`batch`) and the name of its file (`file`) instead."""
    ids = {line["batch_id"] for line in lines}
    found = {
        pk: {"batch": str(public_id), "file": name}
        for pk, public_id, name in Batch.objects.filter(pk__in=ids).values_list("pk", "public_id", "name")
    }
    return [
        found[line["batch_id"]] | {name: value for name, value in line.items() if name != "batch_id"} for line in lines
    ]


def list_batches(*, state: str = "", limit: int = 50) -> list[Batch]:
    """The newest batches, of one state if named."""
    return _newest_of_state(limit).rows(state) if state else list(Batch.objects.order_by("-pk")[:limit])


@lru_cache(maxsize=16)
def _newest_of_state(limit: int) -> Kept[Batch]:
    return Kept(lambda state: Batch.objects.filter(state=state).order_by("-pk")[:limit], "a state")


def sum_waiting(*, switch_id: int | None, at: datetime) -> list[dict[str, Any]]:
    """The legs that wait, by switch and what they are: how many, since when the oldest, until when it waits, and how many are over by `at`."""
    from trunkline.usage.decode.profile import LEGS_WAIT_HOURS

    found = WaitingLeg.objects.all() if switch_id is None else WaitingLeg.objects.filter(switch_id=switch_id)
    switches = {switch.pk: switch for switch in Switch.objects.filter(pk__in=found.values("switch_id"))}
    rows = []
    for pk, kind, legs, oldest in (
        found.values_list("switch_id", "kind").annotate(Count("pk"), Min("waits_since")).order_by("switch_id", "kind")
    ):
        hours = timedelta(hours=switches[pk].options.get("legs_wait_hours", LEGS_WAIT_HOURS))
        over = found.filter(switch_id=pk, kind=kind, waits_since__lte=at - hours).count()
        rows.append(
            {
                "switch": switches[pk].name,
                "kind": kind,
                "legs": legs,
                "waits_since": oldest.isoformat(),
                "until": (oldest + hours).isoformat(),
                "over": over,
            }
        )
    return rows


def list_waiting(*, switch_id: int | None, limit: int) -> list[dict[str, Any]]:
    """The legs that wait, the oldest first."""
    found = WaitingLeg.objects.all() if switch_id is None else WaitingLeg.objects.filter(switch_id=switch_id)
    names = ("switch__name", "call", "kind", "at", "waits_since", "batch__name", "raw")
    return [
        {
            "switch": switch,
            "call": call,
            "kind": kind,
            "at": at.isoformat(),
            "waits_since": since.isoformat(),
            "file": file,
            "raw": raw,
        }
        for switch, call, kind, at, since, file, raw in found.order_by("waits_since", "pk").values_list(*names)[:limit]
    ]


def unfinished_batches(switch_id: int) -> list[int]:
    """Ids of the batches of a switch that wait or are worked on, the oldest first."""
    found = Batch.objects.filter(switch=switch_id, state__in=(BatchState.REGISTERED, BatchState.RUNNING))
    return list(found.order_by("pk").values_list("pk", flat=True))


def posting_key(batch_id: int, side: str, account_id: int, day: date) -> str:
    """The key of the ledger entry that holds what a batch charges to one side of one account on a day of its zone."""
    return f"batch:{batch_id}:{side}:{account_id}:{day:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class HourSums:
    """Traffic of some hours: attempts, those that connected, seconds of calls, money in the tenant's currency."""

    attempts: int
    connected: int
    seconds: int
    revenue: Amount
    cost: Amount

    @property
    def margin(self) -> Amount:
        return self.revenue - self.cost

    def __add__(self, other: HourSums) -> HourSums:
        return HourSums(
            self.attempts + other.attempts,
            self.connected + other.connected,
            self.seconds + other.seconds,
            self.revenue + other.revenue,
            self.cost + other.cost,
        )


NO_TRAFFIC: Final = HourSums(0, 0, 0, Amount.zero(), Amount.zero())


def hours(start_from: datetime, start_to: datetime) -> dict[datetime, HourSums]:
    """Traffic by hour, of the hours that begin in `[start_from, start_to)` and have some."""
    return {hour: HourSums(*sums) for hour, *sums in _HOURS.rows(start_from, start_to)}


def _sums_of_hours(start_from: datetime, start_to: datetime) -> QuerySet[HourTotal, Any]:
    names = ("attempts", "connected", "seconds", "revenue", "cost")
    found = HourTotal.objects.filter(hour__gte=start_from, hour__lt=start_to).order_by()
    return found.values_list("hour").annotate(*(Sum(name) for name in names))


_HOURS: Final = KeptValues(_sums_of_hours, datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC))


def last_hour() -> datetime | None:
    """The latest hour that has traffic."""
    return next((hour for (hour,) in _LAST_HOUR.rows()), None)


_LAST_HOUR: Final = KeptValues(lambda: HourTotal.objects.order_by("-hour").values_list("hour")[:1])


def count_rejects() -> int:
    """How many rejects wait."""
    return sum(rows for _, rows in _REJECTS.rows())


def _rejects_waiting() -> QuerySet[Segment]:
    return Segment.objects.filter(kind=SegmentKind.REJECT, state=SegmentState.LIVE)


_REJECTS: Final = KeptValues(lambda: _rejects_waiting().order_by().values_list("kind").annotate(Sum("rows")))


def count_reject_reasons(*, batches: int = 500) -> dict[str, int]:
    """How many rejects were made of each reason in the newest batches whose rejects wait, most first."""
    waiting = _rejects_waiting().order_by("-batch_id")
    ids = set(waiting.values_list("batch_id", flat=True)[:batches])
    counts: dict[str, int] = {}
    for reasons in Batch.objects.filter(pk__in=ids).values_list("reject_reasons", flat=True):
        for reason, count in reasons.items():
            counts[reason] = counts.get(reason, 0) + count
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

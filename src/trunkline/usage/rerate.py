"""Pricing stored records again: what that would change, and the superseding batch that makes it true.

The batch is a batch like any other, one for each switch: registered, worked on under the switch's lock, fenced by its attempt number and posted in
one transaction. What comes in are the live segments that hold something to change; they are written anew and superseded. docs/algorithms/rerating.md.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from trunkline.core.ids import content_key
from trunkline.core.money import Amount
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.home import folder
from trunkline.tariffs.lineage import heirs_of
from trunkline.tariffs.models import AccountTariff
from trunkline.usage.actions import FINAL, defer
from trunkline.usage.asked import Asked
from trunkline.usage.choices import Intake, SegmentKind, SegmentState
from trunkline.usage.chunkwork import Totals, negated
from trunkline.usage.crew import PARTS, Crew
from trunkline.usage.decode.profile import NumberRule
from trunkline.usage.models import Batch, Rollup, Segment, Switch
from trunkline.usage.pin import pin
from trunkline.usage.pipeline import Outcome
from trunkline.usage.rerate_part import MOVED_KEYS, Piece, Relooked, RerateWork
from trunkline.usage.segments import SegmentFile, live_segments
from trunkline.usage.sides import EPOCH_ORDINAL, Pinned
from trunkline.usage.store import SIDES, WrittenSegment, remove_attempt

CREW_ROWS: Final = 400_000  # fewer are priced before a crew has begun
NAME_MAX: Final = 255

Clock = Callable[[], datetime]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a re-rating does to the money of one side of one account on a day, of the records of one batch; units of 10^-8.

    `batch_id` is 0 of records that come from another account or day: no document bills them.
    """

    side: str
    batch_id: int
    account_id: int
    day: date
    records: int
    before: int
    after: int

    @property
    def key(self) -> tuple[str, int, int, date]:
        """What there is one of."""
        return self.side, self.batch_id, self.account_id, self.day

    def plus(self, other: Moved) -> Moved:
        """With what another segment moves under the same key."""
        sums = self.records + other.records, self.before + other.before, self.after + other.after
        return Moved(*self.key, *sums)


@dataclass(slots=True)
class Found:
    """What pricing again would change. `lost` counts, by reason, the changed records that would become rejects."""

    stored: int = 0  # records in the segments that were read
    looked: int = 0
    changed: int = 0
    segments: int = 0
    touched: int = 0
    seconds: float = 0.0
    lost: dict[str, int] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a switch has to be priced again, and what with."""

    switch_id: int
    pinned: Pinned
    number_rules: tuple[NumberRule, ...]
    holders: Mapping[str, tuple[int, ...]]
    segments: Sequence[SegmentFile]

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self.segments)

    def work(self, tenant_id: int, asked: Asked, *, is_probe: bool = False) -> RerateWork:
        """The work of looking alone."""
        return RerateWork(
            tenant_id=tenant_id,
            batch_id=0,
            attempt=0,
            pinned=self.pinned,
            number_rules=self.number_rules,
            asked=asked,
            holders=self.holders,
            received_on=date.min,
            scratch=folder("tmp"),
            is_probe=is_probe,
        )


def _segments_of(switch_id: int, asked: Asked) -> list[SegmentFile]:
    """The live segments of a switch that may hold what is asked for; needs an open scope."""
    return live_segments(switch_id=switch_id, start_from=asked.start_from, start_to=asked.start_to)


def _switches(tenant_id: int, asked: Asked, actor: str) -> list[Switch]:
    """The switches that have anything to look at: prices are not pinned for the others."""
    with scope(tenant_id, actor):
        return [switch for switch in Switch.objects.order_by("pk") if _segments_of(switch.pk, asked)]


def _ground(switch: Switch, asked: Asked) -> _Ground:
    """Needs an open scope."""
    holders: dict[str, tuple[int, ...]] = {}
    if asked.tariff_id is not None:
        places = AccountTariff.objects.filter(tariff_id__in=heirs_of(asked.tariff_id))
        for side in SIDES:
            holders[side] = tuple(sorted(set(places.filter(side=side).values_list("account_id", flat=True))))
    number_rules = tuple(NumberRule.of(rule) for rule in switch.number_rules)
    return _Ground(switch.pk, pin(switch), number_rules, holders, _segments_of(switch.pk, asked))


def preview(tenant_id: int, asked: Asked, *, actor: str, on_progress: OnProgress | None = None) -> Found:
    """What pricing again would change, as prices are now. Nothing is written."""
    found = Found()
    begin = monotonic()
    for switch in _switches(tenant_id, asked, actor):
        with scope(tenant_id, actor):
            ground = _ground(switch, asked)
        for each in _relook(ground.work(tenant_id, asked), ground.segments, on_progress):
            _add(found, each)
    found.moved.sort(key=lambda moved: (moved.side, moved.account_id, moved.day, moved.batch_id))
    found.seconds = monotonic() - begin
    return found


def _add(found: Found, each: Relooked) -> None:
    found.stored += each.piece.segment.rows
    found.looked += each.looked
    found.changed += each.changed
    found.segments += 1
    found.touched += each.changed > 0
    for name, count in each.after.reasons.items():
        found.lost[name] = found.lost.get(name, 0) + count
    known = {moved.key: moved for moved in found.moved}
    for moved in _moved(each):
        known[moved.key] = known[moved.key].plus(moved) if moved.key in known else moved
    found.moved = list(known.values())


def _moved(each: Relooked) -> Iterator[Moved]:
    for side, parts in each.moved.items():
        for part in parts:
            columns = (part[name].tolist() for name in (*MOVED_KEYS, "records", "before", "after"))
            for batch_id, account_id, day, *sums in zip(*columns, strict=True):
                yield Moved(side, batch_id, account_id, date.fromordinal(day + EPOCH_ORDINAL), *sums)


def _relook(
    work: RerateWork, segments: Sequence[SegmentFile], on_progress: OnProgress | None = None, crew: Crew | None = None
) -> Generator[Relooked]:
    """Price segments again, in this process or by a crew; what each gives, in no order."""
    # The largest first, so that the processes end at about the same time.
    pieces = sorted((Piece(*each) for each in enumerate(segments)), key=lambda piece: -piece.segment.rows)
    total = sum(segment.rows for segment in segments)
    by_crew = crew is not None or (total >= CREW_ROWS and len(pieces) > 1)
    done = 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        if on_progress is not None:
            on_progress(done, total)

    # Closed at once when nobody asks for more: a crew that still writes is in the way of whoever removes its files.
    with closing(_by_crew(work, pieces, advance, crew) if by_crew else _here(work, pieces, advance)) as found:
        yield from found


def _here(work: RerateWork, pieces: Sequence[Piece], advance: Callable[[int], None]) -> Generator[Relooked]:
    for piece in pieces:
        yield work.do(piece, advance)


def _by_crew(
    work: RerateWork, pieces: Sequence[Piece], advance: Callable[[int], None], crew: Crew | None
) -> Generator[Relooked]:
    waiting = deque(pieces)
    crew = crew or Crew()
    try:
        crew.begin(work)
        at_work = 0
        for part in range(min(PARTS, len(waiting))):
            crew.ask(part, waiting.popleft())
            at_work += 1
        while at_work:
            for part, answer in crew.answers():
                if isinstance(answer, int):
                    advance(answer)
                    continue
                at_work -= 1
                if waiting:
                    crew.ask(part, waiting.popleft())
                    at_work += 1
                yield answer
    finally:
        crew.close()


def _changes(work: RerateWork, segments: Sequence[SegmentFile]) -> bool:
    """Whether any record changes; mostly one of the first segment does, for which no crew is started."""
    if not segments:
        return False
    first, *rest = sorted(segments, key=lambda segment: -segment.rows)
    if work.do(Piece(0, first)).changed:
        return True
    with closing(_relook(work, rest)) as found:
        return any(each.changed for each in found)


def register_reratings(tenant_id: int, asked: Asked, *, name: str, actor: str, now: Clock) -> list[int]:
    """Register a re-rating for each switch of which a record changes: the ids of the batches.

    One that is not finished yet is taken up. Where nothing changes no batch is made, so that applying again changes nothing.
    """
    switches = _switches(tenant_id, asked, actor)
    found = [_register_one(tenant_id, switch, asked, name, actor, now) for switch in switches]
    return [batch_id for batch_id in found if batch_id is not None]


def is_large(tenant_id: int, *, actor: str) -> bool:
    """Whether so much is stored that a crew may be worth its start."""
    with scope(tenant_id, actor):
        rows = Segment.objects.filter(kind=SegmentKind.RATED, state=SegmentState.LIVE)
        return sum(rows.values_list("rows", flat=True)) >= CREW_ROWS


def _register_one(tenant_id: int, switch: Switch, asked: Asked, name: str, actor: str, now: Clock) -> int | None:
    while True:
        with scope(tenant_id, actor):
            known = _reratings(switch.pk, asked).exclude(state__in=FINAL).first()
            if known is not None:
                defer(known)
                return known.pk
            ground = _ground(switch, asked)
        if not _changes(ground.work(tenant_id, asked, is_probe=True), ground.segments):
            return None
        with scope(tenant_id, actor):
            # What was looked at must be what is there, or another re-rating may have done it meanwhile.
            if _segments_of(switch.pk, asked) == list(ground.segments):
                batch = _register(switch, ground, asked, name, now())
                break
    reached("registered")
    return batch.pk


def _reratings(switch_id: int, asked: Asked) -> QuerySet[Batch]:
    return Batch.objects.filter(switch_id=switch_id, intake=Intake.RERATE, asked=asked.as_json())


def _register(switch: Switch, ground: _Ground, asked: Asked, name: str, at: datetime) -> Batch:
    """The batch of that question of which none is posted since: the same one for everybody who asks at once."""
    said = asked.as_json()
    batch = Batch(
        switch=switch,
        intake=Intake.RERATE,
        name=name[:NAME_MAX],
        path="",
        content_hash=content_key(
            "rerate", repr(sorted(said.items())), _reratings(switch.pk, asked).filter(state__in=FINAL).count()
        ),
        octets=ground.rows,
        received_at=at,
        asked=said,
    )
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
    except IntegrityError:
        batch = Batch.objects.get(switch=switch, content_hash=batch.content_hash)
    defer(batch)
    return batch


def batch_moved(batch_id: int) -> list[Moved]:
    """What a posted re-rating has moved, by side, account and day; needs an open scope. `records` are those that it charges anew."""
    sums = Rollup.objects.filter(batch_id=batch_id).values_list("side", "account_id", "day")
    found = sums.annotate(
        records=Coalesce(Sum("attempts", filter=Q(attempts__gt=0)), 0),
        before=Sum("amount", filter=Q(attempts__lt=0)),
        after=Sum("amount", filter=Q(attempts__gt=0)),
    )
    return [
        Moved(side, batch_id, account_id, day, records, -_units(before), _units(after))
        for side, account_id, day, records, before, after in found.order_by("side", "account_id", "day")
    ]


def _units(amount: Amount | None) -> int:
    return 0 if amount is None else amount.units


@contextmanager
def run(
    tenant_id: int, batch: Batch, *, actor: str, on_progress: OnProgress | None = None, crew: Crew | None = None
) -> Iterator[tuple[str, Outcome]]:
    """Do one attempt at a re-rating: the version of the prices, and what the transaction will make true. `crew` may have been started before.

    Raises what pricing and writing raise; the files of the attempt are removed then.
    """
    with scope(tenant_id, actor):
        asked = Asked.of(batch.asked)
        ground = _ground(Switch.objects.get(pk=batch.switch_id), asked)
    scratch = folder("tmp") / f"batch-{batch.pk}-{batch.attempt}"
    work = RerateWork(
        tenant_id=tenant_id,
        batch_id=batch.pk,
        attempt=batch.attempt,
        pinned=ground.pinned,
        number_rules=ground.number_rules,
        asked=asked,
        holders=ground.holders,
        received_on=batch.received_at.date(),
        scratch=scratch,
    )
    reached("decoding")
    try:
        found = list(_relook(work, ground.segments, on_progress, crew))
    except BaseException:
        remove_attempt(work.tenant_id, work.batch_id, work.attempt)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    yield ground.pinned.version, _outcome(found)


@dataclass(frozen=True, slots=True)
class _Written:
    """Files that are finished already."""

    segments: list[WrittenSegment]

    def finish(self) -> list[WrittenSegment]:
        return self.segments


def _outcome(found: Sequence[Relooked]) -> Outcome:
    found = sorted(found, key=lambda each: each.piece.number)
    before, after = Totals(), Totals()
    written: list[WrittenSegment] = []
    for each in found:
        before.add(each.before)
        after.add(each.after)
        after.rated += each.kept
        written += each.written
    before.compact()
    after.compact()
    return Outcome(
        totals=after,
        skipped=0,
        header="",
        _parts=_Written(written),
        _segments=written,
        taken_back=negated(before),
        superseded=tuple(each.piece.segment.id for each in found if each.changed),
        changed=sum(each.changed for each in found),
    )

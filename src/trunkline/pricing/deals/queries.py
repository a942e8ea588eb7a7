"""Reads of swap deals, and how they stand. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from trunkline.core.errors import NotFound
from trunkline.core.money import Amount, convert
from trunkline.core.period import DatePeriod, get_zone, local_date
from trunkline.kit.db.kept import Kept
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.models import find_public
from trunkline.pricing.deals.choices import AlarmChoice
from trunkline.pricing.deals.progress import PeriodProgress, Status, Used, judge, status_of
from trunkline.pricing.deals.terms import Direction, Item, Length, Matcher, periods_of
from trunkline.pricing.models import Deal, DealAlarm, DealItem
from trunkline.tariffs.exchange import ExchangeTable
from trunkline.tariffs.queries import exchange_table

# Of each deal and side the sums of its days: first which rates and destinations there are, then, told which item each of them is, the sums by item and day.
_SUMS: Final = """
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::date[], %s::date[]) AS asked (deal, account, side, begin, until)
  JOIN usage_rollup r ON r.tenant_id = %s AND r.account_id = asked.account AND r.side = asked.side AND r.service = 'voice'
                     AND r.day >= asked.begin AND r.day < asked.until
"""
_KINDS: Final = f"""
SELECT found.*, coalesce(rate.code, ''), coalesce(destination.name, '')
  FROM (SELECT DISTINCT asked.deal, asked.side, r.rate_id, r.destination_id {_SUMS}) found
  LEFT JOIN tariffs_rate rate ON rate.tenant_id = %s AND rate.id = found.rate_id
  LEFT JOIN tariffs_destination destination ON destination.tenant_id = %s AND destination.id = found.destination_id
"""
# Summed before it is told whose it is: a list that is given is taken for a hundred rows, and would be gone through for every sum.
_BY_DAY: Final = f"""
WITH summed AS MATERIALIZED (
  SELECT asked.deal, asked.side, coalesce(r.rate_id, 0) AS rate, coalesce(r.destination_id, 0) AS destination, r.day, r.currency,
         sum(r.billed_quantity) AS seconds, sum(r.amount) AS amount
    {_SUMS}
   GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT kind.item, summed.day, summed.currency, sum(summed.seconds)::bigint, sum(summed.amount)
  FROM summed
  JOIN unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) AS kind (deal, side, rate, destination, item)
 USING (deal, side, rate, destination)
 GROUP BY 1, 2, 3
"""


def deals(*, is_archived: bool | None = None) -> QuerySet[Deal]:
    """Deals with their partners, by name; those that are archived, or are not."""
    found = Deal.objects.select_related("account").order_by("name")
    return found if is_archived is None else found.filter(archived_at__isnull=not is_archived)


def get_deal(name: str) -> Deal:
    """The deal of that name. Raises NotFound `deal_not_found`."""
    found = deals().filter(name=name).first()
    if found is None:
        raise NotFound("deal_not_found", f"There is no deal {name!r}.", hint="`trunkline deal list` shows them.")
    return found


def access_deal(public_id: str) -> Deal:
    """The deal of that public id. Raises NotFound `deal_not_found`, with one text for what is absent and what is another tenant's."""
    found = find_public(deals(), public_id)
    if found is None:
        raise NotFound("deal_not_found", "There is no such deal.")
    return found


def items_of(found: Iterable[Deal]) -> list[DealItem]:
    """The items of deals, in the order in which they were made."""
    return list(DealItem.objects.filter(deal_id__in=[each.pk for each in found]).order_by("direction", "pk"))


def as_item(row: DealItem) -> Item:
    """What was promised."""
    return Item(
        Direction(row.direction),
        row.minutes,
        row.price,
        row.beyond,
        frozenset(row.destinations),
        frozenset(row.codes),
    )


def alarms(deal: Deal) -> QuerySet[DealAlarm]:
    """What was told of a deal, the latest first."""
    return DealAlarm.objects.filter(deal=deal).order_by("-raised_at", "-pk")


def open_alarms() -> QuerySet[DealAlarm]:
    """What is to be told of deals that are not archived, the oldest first."""
    found = DealAlarm.objects.filter(cleared_at=None, deal__archived_at=None).select_related("deal")
    return found.order_by("raised_at", "pk")


def alarms_for_people(limit: int) -> list[DealAlarm]:
    """Of these the first few that want somebody to do something."""
    return _for_people(limit).rows()


@lru_cache(maxsize=4)
def _for_people(limit: int) -> Kept[DealAlarm]:
    return Kept(lambda: open_alarms().exclude(kind=AlarmChoice.ACHIEVED)[:limit])


@dataclass(frozen=True, slots=True)
class Standing:
    """How a deal stands on a day of its partner's clock: its items, and all of its periods with their progress."""

    deal: Deal
    rows: tuple[DealItem, ...]
    periods: tuple[PeriodProgress, ...]
    today: date
    status: Status

    @property
    def current(self) -> PeriodProgress:
        """The period of today, before the first the first, after the last the last."""
        begun = [each for each in self.periods if each.period.start <= self.today]
        return begun[-1] if begun else self.periods[0]


@dataclass(slots=True)
class _Sums:
    """Of one item: seconds and ordinary amounts by day; days without an exchange rate."""

    seconds: dict[date, int] = field(default_factory=dict)
    ordinary: dict[date, Amount] = field(default_factory=dict)
    unpriced: set[date] = field(default_factory=set)

    def in_period(self, period: DatePeriod) -> Used:
        def within(day: date) -> bool:
            return period.start <= day < period.end

        amounts = None
        if not any(map(within, self.unpriced)):
            amounts = Amount.total(amount for day, amount in self.ordinary.items() if within(day))
        return Used({day: count for day, count in self.seconds.items() if within(day)}, amounts)


def standings(found: Sequence[Deal], *, at: datetime) -> list[Standing]:
    """How deals stand, one for each, from the sums of usage; the same questions to the database however many deals there are."""
    rows: dict[int, list[DealItem]] = {each.pk: [] for each in found}
    for row in items_of(found):
        rows[row.deal_id].append(row)
    periods = {
        each.pk: list(periods_of(each.starts_on, each.length, Length(each.unit), each.repeats)) for each in found
    }
    sums = _sums_of(found, rows, periods)
    return [_standing(each, rows[each.pk], periods[each.pk], sums, at) for each in found]


def _standing(
    deal: Deal, rows: list[DealItem], periods: list[DatePeriod], sums: Mapping[int, _Sums], at: datetime
) -> Standing:
    today = local_date(at, get_zone(deal.account.timezone))
    judged = tuple(
        judge(period, [(as_item(row), sums.get(row.pk, _Sums()).in_period(period)) for row in rows], today)
        for period in periods
    )
    return Standing(deal, tuple(rows), judged, today, status_of(judged, today))


def _sums_of(
    found: Sequence[Deal], rows: Mapping[int, list[DealItem]], periods: Mapping[int, list[DatePeriod]]
) -> dict[int, _Sums]:
    sides = [(deal, direction) for deal in found for direction in Direction if rows[deal.pk]]
    asked: list[list[Any]] = [
        [deal.pk for deal, _ in sides],
        [deal.account_id for deal, _ in sides],
        [direction.side.value for _, direction in sides],
        [periods[deal.pk][0].start for deal, _ in sides],
        [periods[deal.pk][-1].end for deal, _ in sides],
    ]
    if not sides:
        return {}
    kinds = _kinds(asked, rows)
    if not kinds[0]:
        return {}
    deal_of = {row.pk: deal for deal in found for row in rows[deal.pk]}
    with connection.cursor() as cursor, _hash_joins(cursor):
        cursor.execute(_BY_DAY, [*asked, current_tenant_id(), *kinds])
        by_day = cursor.fetchall()
    needs = {deal.currency for deal in found if deal.currency != deal.account.currency}
    table = exchange_table(needs) if needs else ExchangeTable(())
    sums: dict[int, _Sums] = {}
    for item, day, currency, seconds, amount in by_day:
        own = sums.setdefault(item, _Sums())
        own.seconds[day] = own.seconds.get(day, 0) + seconds
        rate = _rate(table, currency, deal_of[item].currency, day)
        if rate is None:
            own.unpriced.add(day)
        else:
            own.ordinary[day] = own.ordinary.get(day, Amount.zero()) + convert(Amount.from_decimal(amount), rate)
    return sums


@contextmanager
def _hash_joins(cursor: Any) -> Iterator[None]:
    """PostgreSQL takes a list that is given for a hundred rows and goes through it for every sum (60,000 sums of three deals: 65 s, else 0.4)."""
    cursor.execute("SELECT set_config('enable_nestloop', 'off', true)")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def _rate(table: ExchangeTable, currency: str, wanted: str, day: date) -> Fraction | None:
    found = table.find(currency, wanted, day)
    return None if found is None else found[0]


def _kinds(asked: list[list[Any]], rows: Mapping[int, list[DealItem]]) -> list[list[Any]]:
    """Deal, side, rate, destination (0 for none) and item of every kind of sum that is an item's."""
    tenant = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(_KINDS, [*asked, tenant, tenant, tenant])
        there = cursor.fetchall()
    matchers = {
        (deal, direction.side.value): Matcher(
            {row.pk: as_item(row) for row in rows[deal] if row.direction == direction.value}
        )
        for deal in set(asked[0])
        for direction in Direction
    }
    told = []
    for deal, side, rate, destination, code, name in there:
        item = matchers[deal, side].find(code, name)
        if item is not None:
            told.append((deal, side, rate or 0, destination or 0, item))
    return [list(column) for column in zip(*told, strict=True)] or [[]]

"""Reads of traffic rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Collate, Concat, LPad

from trunkline.core.errors import NotFound
from trunkline.engine.schema import TimeWindow
from trunkline.kit.db.kept import Kept
from trunkline.kit.models import find_public
from trunkline.parties.models import Account
from trunkline.tariffs.models import Destination, TimeProfile
from trunkline.tariffs.rules import parse_windows
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import TrafficRule
from trunkline.usage.traffic.kinds import RuleSide, Stage, Then
from trunkline.usage.traffic.rule import Conditions, Rule, RuleBook, parse_actions

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_POSITION_DIGITS = 10


def traffic_rules() -> list[TrafficRule]:
    """All rules of the tenant, in the order in which they are looked at."""
    stages = list(Stage)
    return sorted(_RULES.rows(), key=lambda row: (stages.index(Stage(row.stage)), row.position, row.name))


# Asked for by every price of a single event.
_RULES = Kept(lambda: TrafficRule.objects.select_related("switch", "account"))


def rules_in_order() -> QuerySet[TrafficRule]:
    """All rules of the tenant; their `place` sorts as they are looked at."""
    stages = [When(stage=stage.value, then=Value(str(number))) for number, stage in enumerate(Stage)]
    position = LPad(Cast("position", CharField()), _POSITION_DIGITS, Value("0"))
    place = Concat(Case(*stages, output_field=CharField()), position, "name", output_field=CharField())
    return TrafficRule.objects.select_related("switch", "account").annotate(place=Collate(place, "C"))


def access_rule_by_id(public_id: str) -> TrafficRule:
    """The rule of that public id. Raises NotFound `rule_not_found`."""
    found = find_public(rules_in_order(), public_id)
    if found is None:
        raise NotFound("rule_not_found", f"There is no rule {public_id!r}.")
    return found


def access_rule(name: str) -> TrafficRule:
    """The rule of that name. Raises NotFound `rule_not_found`."""
    found = TrafficRule.objects.select_related("switch", "account").filter(name=name).first()
    if found is None:
        raise NotFound("rule_not_found", f"There is no rule {name!r}.", hint="`trunkline rule list` shows them.")
    return found


def rule_book(switch: str | None) -> RuleBook | None:
    """What the rules make of the records of that switch (None: of no known one), as they stand now; None where there is nothing to do."""
    rows = traffic_rules()
    if not rows:
        return None
    book = RuleBook.compile([as_rule(row) for row in rows], switch=switch)
    return book if book.rules else None


def as_rule(row: TrafficRule) -> Rule:
    """The rule as the program works with it. Raises Invalid where it is none."""
    conditions = Conditions.of(row.conditions)
    return Rule(
        name=row.name,
        stage=Stage(row.stage),
        position=row.position,
        side=RuleSide(row.side),
        account_id=row.account_id,
        switch=None if row.switch is None else row.switch.name,
        valid_from_ms=_milliseconds(row.valid_from),
        valid_to_ms=_milliseconds(row.valid_to),
        conditions=conditions,
        actions=parse_actions(row.actions),
        then=Then(row.then),
        destination_ids=destination_ids(conditions),
        account_ids=account_ids(conditions),
        windows=windows(conditions),
        zone=current_tenant().timezone if conditions.time_profiles else "UTC",
    )


def destination_ids(conditions: Conditions) -> frozenset[int]:
    """The destinations that conditions name, by name and by country; those of both where both are named."""
    if not (conditions.destinations or conditions.countries):
        return frozenset()
    asked = Q()
    if conditions.destinations:
        asked &= Q(name__in=conditions.destinations)
    if conditions.countries:
        asked &= Q(country__in=conditions.countries)
    return frozenset(Destination.objects.filter(asked).values_list("id", flat=True))


def account_ids(conditions: Conditions) -> frozenset[int]:
    """The accounts that carry all of the tags that conditions want and none that they do not."""
    wanted, unwanted = list(conditions.account_tags), list(conditions.not_account_tags)
    if not (wanted or unwanted):
        return frozenset()
    found = Account.objects.filter(tags__contains=wanted).exclude(tags__overlap=unwanted)
    return frozenset(found.values_list("id", flat=True))


def windows(conditions: Conditions) -> tuple[TimeWindow, ...]:
    """The windows of all time profiles that conditions name."""
    if not conditions.time_profiles:
        return ()
    found = TimeProfile.objects.filter(name__in=conditions.time_profiles).order_by("name")
    return tuple(window for profile in found for window in parse_windows(profile.windows))


def _milliseconds(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - _EPOCH) // _MILLISECOND

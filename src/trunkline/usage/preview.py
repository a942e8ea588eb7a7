"""What an event would cost that nobody made: by the prices, traffic rules and exchange rates of now, with every reason. Nothing is written.

Needs an open scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone, local_date
from trunkline.engine.explain import Explanation, explain
from trunkline.engine.scalar import Event
from trunkline.engine.units import Unit
from trunkline.parties.kinds import Side
from trunkline.parties.models import Account
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.queries import tariff_list
from trunkline.tariffs.rules import UNIT_OF_SERVICE
from trunkline.tariffs.single import rates_of_number
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.explain import EPOCH, MILLISECOND, Basis, Priced, in_money
from trunkline.usage.traffic.kinds import Stage
from trunkline.usage.traffic.queries import rule_book
from trunkline.usage.traffic.scalar import Facts, Looked, State, go_through, walk_side

# Prices may change several times a day: an event of years would pass thousands of them.
SECONDS_MAX: Final = 366 * 86400


@dataclass(frozen=True, slots=True)
class Supposed:
    """An event that nobody made. Numbers are digits of E.164; `quantity` counts whole units of the tariff; `start` is aware."""

    called: str
    start: datetime
    quantity: int
    calling: str = ""
    tags: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Previewed:
    """The price of a supposed event, with its reasons.

    `state` is what the event carried when it was priced: numbers, tags, the rules that fitted and the one that denied it. `priced` is None
    where one did. `looked` are all rules that were looked at, in their order, from `given` on.
    """

    given: State
    state: State
    looked: tuple[Looked, ...]
    priced: Priced | None
    destinations: Mapping[int, str]
    base_currency: str

    @property
    def outcome(self) -> str:
        """`rated`, or the reason word of why there is no amount."""
        if self.state.reason is not None:
            return self.state.reason.value
        return "" if self.priced is None else self.priced.outcome


def preview_for_account(
    account: Account, event: Supposed, *, side: Side, service: str, switch: str | None, known_at: datetime
) -> Previewed:
    """What the event costs an account, or we pay it: by its list of tariffs, after the traffic rules that records of `switch` go through.

    Trunks and addresses are not known, so no rule that asks for them fits. Raises Invalid `bad_quantity`, `unknown_timezone`.
    """
    _require_quantity(event, UNIT_OF_SERVICE[service])
    plan = tariff_list(account, side=side.value, service=service, at=event.start)

    names: dict[int, str] = {}

    def price(carried: State) -> Explanation:
        return _explained(plan, event, carried, known_at, names)

    given = _given(event)
    state, explanation, looked = _walk(given, event, account, side, service, switch, price)
    if explanation is None:
        return Previewed(given, state, looked, None, {}, current_tenant().currency)
    day = local_date(event.start, get_zone(account.timezone))
    return _previewed(given, state, looked, plan, explanation, account.currency, day, names)


def preview_by_tariff(tariff: Tariff, event: Supposed, *, known_at: datetime) -> Previewed:
    """What the event costs by one tariff, in its currency; traffic rules, which are about accounts, change nothing. Raises as the other."""
    _require_quantity(event, Unit(tariff.unit))
    given = _given(event)
    names: dict[int, str] = {}
    explanation = _explained([tariff], event, given, known_at, names)
    day = local_date(event.start, get_zone(tariff.timezone))
    return _previewed(given, given, (), [tariff], explanation, tariff.currency, day, names)


def _require_quantity(event: Supposed, unit: Unit) -> None:
    if unit is Unit.SECOND and event.quantity > SECONDS_MAX:
        raise Invalid("bad_quantity", f"No call lasts longer than {SECONDS_MAX} seconds.")


def _given(event: Supposed) -> State:
    return State(event.calling, event.called, tags=event.tags)


def _walk(
    given: State,
    event: Supposed,
    account: Account,
    side: Side,
    service: str,
    switch: str | None,
    price: Callable[[State], Explanation],
) -> tuple[State, Explanation | None, tuple[Looked, ...]]:
    """The way of the event through the traffic rules to its price, None where one denied it."""
    book = rule_book(switch)
    if book is None:
        return given, price(given), ()
    facts = Facts((event.start - EPOCH) // MILLISECOND, service)
    state, first = go_through(book, Stage.BEFORE_IDENTIFICATION, facts, given)
    # The caller that a record keeps is the one before the rules of a side.
    walked = walk_side(
        book,
        facts,
        state,
        side=side,
        account_id=account.pk,
        price=lambda carried: price(replace(carried, calling=state.calling)),
    )
    looked = (*first, *walked.after_account, *walked.after_rate)
    return walked.state, None if walked.state.denied_by is not None else walked.last, looked


def _explained(
    plan: Sequence[Tariff], event: Supposed, carried: State, known_at: datetime, names: dict[int, str]
) -> Explanation:
    """The price and its reasons; the names of the destinations that were looked at are added to `names`."""
    number = carried.priced_number
    found = rates_of_number(plan, number, known_at=known_at, caller=carried.calling)
    names |= found.destinations
    return explain(found.tariffs, Event(number, event.start, event.quantity, carried.tags, carried.calling))


def _previewed(
    given: State,
    state: State,
    looked: tuple[Looked, ...],
    plan: Sequence[Tariff],
    explanation: Explanation,
    currency: str,
    day: date,
    names: Mapping[int, str],
) -> Previewed:
    base = current_tenant().currency
    priced = in_money(Basis.LISTED, plan, explanation, currency, None, base, day)
    return Previewed(given, state, looked, priced, names, base)

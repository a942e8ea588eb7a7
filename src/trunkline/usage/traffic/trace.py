"""The path of one record, step by step, by the rules, identities and prices of now: for the tester and for explanations.

Needs an open scope. What it says of each step is the step's own: `traffic.scalar`, `parties.explain`, `engine.explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from trunkline.engine.explain import Explanation, explain
from trunkline.engine.scalar import Event
from trunkline.parties.explain import Identified, identify
from trunkline.parties.kinds import Side
from trunkline.parties.models import Account
from trunkline.parties.queries import identity_rows_naming
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.queries import tariff_list
from trunkline.tariffs.single import rates_of_number
from trunkline.usage.decode.numbers import is_number, normalise, rules_for
from trunkline.usage.decode.profile import NumberRule, Party
from trunkline.usage.sides import IDENTITY_FIELDS
from trunkline.usage.traffic.kinds import Stage
from trunkline.usage.traffic.rule import RuleBook
from trunkline.usage.traffic.scalar import Facts, Looked, SideWalked, State, go_through, walk_side

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

Record = Mapping[str, Any]  # the columns of an event: raw numbers, start, service, trunks, address, quantity
AccountOf = Callable[[Side, Identified], int | None]


@dataclass(frozen=True, slots=True)
class SideTraced:
    """One side of the path. `walked` is None where the side has no account; `tariffs` are those asked for the price that counts."""

    side: Side
    identified: Identified
    account: Account | None
    walked: SideWalked | None
    tariffs: tuple[Tariff, ...]
    after_routing: tuple[Looked, ...]
    routed: State | None


@dataclass(frozen=True, slots=True)
class Traced:
    """The path of a record. `start` is after the number rules; `again` is the second way through the first stage, after a tech prefix was cut off."""

    start: State
    first: tuple[Looked, ...]
    cut: str
    again: tuple[Looked, ...]
    state: State
    sides: tuple[SideTraced, ...]

    @property
    def denials(self) -> list[State]:
        """What the record, or a side of it, carried when a rule rejected it, the one that counts first."""
        states = [self.state, *(side.walked.state for side in self.sides if side.walked is not None)]
        return [each for each in states if each.denied_by is not None]


def trace(
    record: Record,
    book: RuleBook,
    *,
    switch: str | None,
    number_rules: tuple[NumberRule, ...],
    known_at: datetime,
    account_of: AccountOf = lambda side, identified: identified.account_id,
    is_charged: Callable[[Side], bool] = lambda side: True,
) -> Traced:
    """Follow a record. `known_at`: rates voided later count; `account_of` may know better than the identities of now whose a side is."""
    facts = facts_of(record)
    start = state_of(record["calling_raw"], record["called_raw"], number_rules)
    state, first = go_through(book, Stage.BEFORE_IDENTIFICATION, facts, start)
    found = {side: _identify(side, record, state, facts, switch) for side in Side}
    cut, again = found[Side.SELL].cut, tuple[Looked, ...]()
    if cut:
        without = state_of(record["calling_raw"], record["called_raw"][len(cut) :], number_rules)
        state, again = go_through(book, Stage.BEFORE_IDENTIFICATION, facts, without)
    sides = tuple(
        _trace_side(side, who, account_of(side, who), record, book, facts, state, known_at, is_charged=is_charged(side))
        for side, who in found.items()
    )
    return Traced(start, first, cut, again, state, sides)


def facts_of(record: Record) -> Facts:
    """What the rules know of a record besides its numbers."""
    names = ("trunk_in", "trunk_out", "source_ip")
    return Facts(
        (record["start"] - _EPOCH) // _MILLISECOND,
        record["service"],
        **{name: record.get(name) or "" for name in names},
    )


def state_of(calling_raw: str, called_raw: str, rules: tuple[NumberRule, ...]) -> State:
    """What a record begins with: its numbers after the number rules of its switch, "" for what is none."""
    numbers = {}
    for party, raw in ((Party.CALLING, calling_raw), (Party.CALLED, called_raw)):
        made = normalise(pa.array([raw or ""]), rules_for(rules, party))
        numbers[party] = str(made[0].as_py()) if is_number(made)[0] else ""
    return State(numbers[Party.CALLING], numbers[Party.CALLED])


def _identify(side: Side, record: Record, state: State, facts: Facts, switch: str | None) -> Identified:
    fields = {name: record.get(column) for name, column in IDENTITY_FIELDS[side].items()}
    if "calling" in fields:
        fields["calling"] = state.calling
    return identify(identity_rows_naming(fields), fields, start_ms=facts.start_ms, side=side, switch=switch or "")


def _trace_side(
    side: Side,
    identified: Identified,
    account_id: int | None,
    record: Record,
    book: RuleBook,
    facts: Facts,
    state: State,
    known_at: datetime,
    *,
    is_charged: bool,
) -> SideTraced:
    if account_id is None:
        return SideTraced(side, identified, None, None, (), (), None)
    account = Account.objects.get(pk=account_id)
    plan = tariff_list(account, side=side.value, service=record["service"], at=record["start"])

    def price(carried: State) -> Explanation | None:
        number = carried.priced_number
        tables = rates_of_number(plan, number, known_at=known_at, caller=state.calling).tariffs
        event = Event(number, record["start"], record["quantity"], carried.tags, state.calling)
        return explain(tables, event) if is_charged else None

    walked = walk_side(book, facts, state, side=side, account_id=account_id, price=price)
    routed, looked = None, tuple[Looked, ...]()
    if side is Side.BUY:
        routed, looked = go_through(book, Stage.AFTER_ROUTING, facts, walked.sent, side=side, account_id=account_id)
    return SideTraced(side, identified, account, walked, tuple(plan), looked, routed)

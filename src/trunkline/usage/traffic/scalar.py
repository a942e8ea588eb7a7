"""The traffic rules for one record, as plainly as docs/algorithms/traffic-rules.md reads: what the tester and explanations call.

It is the oracle of `columns`. Every rule that is looked at is told with what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.period import get_zone
from trunkline.engine.explain import Explanation
from trunkline.engine.scalar import window_from
from trunkline.engine.schema import Outcome
from trunkline.parties.kinds import Side
from trunkline.usage.decode.numbers import NUMBER_DIGITS_MAX
from trunkline.usage.decode.profile import Party
from trunkline.usage.reasons import Reason
from trunkline.usage.traffic.jurisdiction import jurisdiction_of
from trunkline.usage.traffic.kinds import Jurisdiction, Stage, Then
from trunkline.usage.traffic.rule import (
    Action,
    Add,
    Replace,
    RouteBy,
    Rule,
    RuleBook,
    Strip,
    Tag,
    Untag,
    lies_in,
    whole,
)


class Verdict(StrEnum):
    """What became of a rule. The values stand in APIs."""

    FITTED = "fitted"
    STOPPED = "stopped"  # a rule before it ended the stage or denied the record
    DATES = "dates"
    TIME_PROFILES = "time_profiles"
    ACCOUNT = "account"
    ACCOUNT_TAGS = "account_tags"  # also where it carries one that the rule does not want
    SERVICES = "services"
    TRUNKS_IN = "trunks_in"
    TRUNKS_OUT = "trunks_out"
    SOURCE_IPS = "source_ips"
    TAGS = "tags"
    NOT_TAGS = "not_tags"
    CALLED_BEGINS = "called_begins"
    CALLED_NOT_BEGINS = "called_not_begins"
    CALLING_BEGINS = "calling_begins"
    CALLING_NOT_BEGINS = "calling_not_begins"
    CALLED_PATTERN = "called_pattern"
    CALLING_PATTERN = "calling_pattern"
    JURISDICTIONS = "jurisdictions"
    DESTINATIONS = "destinations"
    COUNTRIES = "countries"
    CODES = "codes"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a record besides its numbers. `start_ms` is UTC."""

    start_ms: int
    service: str
    trunk_in: str = ""
    trunk_out: str = ""
    source_ip: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """What stage `after_rate` knows of the price."""

    destination_id: int | None
    code: str


@dataclass(frozen=True, slots=True)
class State:
    """What a record carries: numbers, routing number ("" none), tags, the rules that fitted, and the one that denied it."""

    calling: str
    called: str
    routing: str = ""
    tags: frozenset[str] = frozenset()
    path: tuple[str, ...] = ()
    denied_by: Rule | None = None
    reason: Reason | None = None

    @property
    def priced_number(self) -> str:
        return self.routing or self.called

    @property
    def jurisdiction(self) -> Jurisdiction:
        return jurisdiction_of(self.calling, self.priced_number)


@dataclass(frozen=True, slots=True)
class Looked:
    """One rule that was looked at, what became of it, and what the record carried afterwards."""

    rule: Rule
    verdict: Verdict
    after: State


def go_through(
    book: RuleBook,
    stage: Stage,
    facts: Facts,
    state: State,
    *,
    side: Side | None = None,
    account_id: int | None = None,
    price: Price | None = None,
) -> tuple[State, tuple[Looked, ...]]:
    """Take a record through a stage: what it carries then, and every rule of the stage."""
    looked = []
    is_over = state.denied_by is not None
    for rule in book.of(stage, side):
        missing = Verdict.STOPPED if is_over else _missing(rule, facts, state, account_id, price)
        if missing is None:
            state = _carry_out(rule, state)
            is_over = rule.then is Then.ALLOW or state.denied_by is not None
        looked.append(Looked(rule, missing or Verdict.FITTED, state))
    return state, tuple(looked)


def _missing(rule: Rule, facts: Facts, state: State, account_id: int | None, price: Price | None) -> Verdict | None:
    """The first condition that the record does not fulfil; None if the rule fits."""
    said = rule.conditions
    begins = rule.valid_from_ms is None or rule.valid_from_ms <= facts.start_ms
    ends = rule.valid_to_ms is not None and rule.valid_to_ms <= facts.start_ms
    code = "" if price is None else price.code
    is_tagged = not (said.account_tags or said.not_account_tags) or account_id in rule.account_ids
    is_there = price is not None and price.destination_id in rule.destination_ids
    checks = (
        (Verdict.DATES, begins and not ends),
        (Verdict.TIME_PROFILES, not said.time_profiles or is_in_windows(rule, facts.start_ms)),
        (Verdict.ACCOUNT, rule.account_id is None or rule.account_id == account_id),
        (Verdict.ACCOUNT_TAGS, is_tagged),
        (Verdict.SERVICES, not said.services or facts.service in said.services),
        (Verdict.TRUNKS_IN, not said.trunks_in or facts.trunk_in in said.trunks_in),
        (Verdict.TRUNKS_OUT, not said.trunks_out or facts.trunk_out in said.trunks_out),
        (Verdict.SOURCE_IPS, not said.source_ips or lies_in(facts.source_ip, said.source_ips)),
        (Verdict.TAGS, frozenset(said.tags) <= state.tags),
        (Verdict.NOT_TAGS, not frozenset(said.not_tags) & state.tags),
        (Verdict.CALLED_BEGINS, not said.called_begins or state.called.startswith(said.called_begins)),
        (Verdict.CALLED_NOT_BEGINS, not state.called.startswith(said.called_not_begins)),
        (Verdict.CALLING_BEGINS, not said.calling_begins or state.calling.startswith(said.calling_begins)),
        (Verdict.CALLING_NOT_BEGINS, not state.calling.startswith(said.calling_not_begins)),
        (Verdict.CALLED_PATTERN, not said.called_pattern or fits_whole(said.called_pattern, state.called)),
        (Verdict.CALLING_PATTERN, not said.calling_pattern or fits_whole(said.calling_pattern, state.calling)),
        (Verdict.JURISDICTIONS, not said.jurisdictions or state.jurisdiction in said.jurisdictions),
        (Verdict.DESTINATIONS, not said.destinations or is_there),
        (Verdict.COUNTRIES, not said.countries or is_there),
        (Verdict.CODES, not said.codes or code.startswith(said.codes)),
    )
    return next((verdict for verdict, holds in checks if not holds), None)


def is_in_windows(rule: Rule, start_ms: int) -> bool:
    """Whether the instant lies in one of the time profiles of the rule."""
    return window_from(rule.windows, get_zone(rule.zone), start_ms // 1000) is not None


def fits_whole(pattern: str, number: str) -> bool:
    """Whether the pattern fits the whole number. RE2 says so, as it does for columns: Python's own would differ."""
    return bool(pc.match_substring_regex(pa.array([number]), pattern=whole(pattern))[0].as_py())


def _carry_out(rule: Rule, state: State) -> State:
    state = replace(state, path=(*state.path, rule.name))
    for action in rule.actions:
        state = _act(action, rule, state)
        if state.denied_by is not None:
            return state
    return replace(state, denied_by=rule, reason=Reason.DENIED_BY_RULE) if rule.then is Then.DENY else state


def _act(action: Action, rule: Rule, state: State) -> State:
    match action:
        case Tag() | Untag():
            return replace(state, tags=action.apply(state.tags))
        case RouteBy(pattern, put):
            if not fits_whole(pattern, state.called):
                return state
            routing = _replaced(state.called, pattern, put)
            return replace(state, routing=routing) if _is_number(routing) else _emptied(rule, state)
    before = state.called if action.on is Party.CALLED else state.calling
    match action:
        case Strip(_, digits):
            number = before[digits:]
        case Add(_, digits):
            number = f"{digits}{before}" if before or action.on is Party.CALLED else before
        case Replace(_, pattern, put):
            number = _replaced(before, pattern, put)
    if action.on is Party.CALLING:
        return replace(state, calling=number if _is_number(number) else "")
    return replace(state, called=number) if _is_number(number) else _emptied(rule, state)


def _replaced(number: str, pattern: str, put: str) -> str:
    column = pc.replace_substring_regex(pa.array([number]), pattern=whole(pattern), replacement=put, max_replacements=1)
    return str(column[0].as_py())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX


def _emptied(rule: Rule, state: State) -> State:
    return replace(state, denied_by=rule, reason=Reason.BAD_NUMBER)


@dataclass(frozen=True, slots=True)
class SideWalked:
    """One side of a record on its way to its price.

    `sent` is what it carried after `after_account`, from which stage `after_routing` goes on; `state` what it carries at the end.
    `first` is the price before stage `after_rate`, `last` the one that counts; they are the same where the stage changed nothing, and None where
    the side is not priced.
    """

    after_account: tuple[Looked, ...]
    after_rate: tuple[Looked, ...]
    sent: State
    state: State
    first: Explanation | None
    last: Explanation | None

    @property
    def is_priced_again(self) -> bool:
        return self.first is not self.last


PriceIt = Callable[[State], Explanation | None]


def walk_side(book: RuleBook, facts: Facts, state: State, *, side: Side, account_id: int, price: PriceIt) -> SideWalked:
    """Take one side of a record from its account to its price. `price` explains what a number costs with tags; None: not priced."""
    state, after_account = go_through(book, Stage.AFTER_ACCOUNT, facts, state, side=side, account_id=account_id)
    first = price(state)
    if first is None or first.charge.outcome is not Outcome.RATED:
        return SideWalked(after_account, (), state, state, first, first)
    charge = first.charge
    known = Price(charge.destination_id, charge.code or "")
    after, after_rate = go_through(book, Stage.AFTER_RATE, facts, state, side=side, account_id=account_id, price=known)
    is_other = (after.priced_number, after.tags) != (state.priced_number, state.tags)
    return SideWalked(after_account, after_rate, state, after, first, price(after) if is_other else first)


def names_of(states: Sequence[State]) -> tuple[str, ...]:
    """The rules that fitted, of both sides, each once."""
    return tuple(dict.fromkeys(name for state in states for name in state.path))

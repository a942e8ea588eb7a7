"""A carrier without a database, for tests of traffic rules: prices, identities and records as plain values, by columns and one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa

from trunkline.core.money import AMOUNT_DECIMALS, scaled_text
from trunkline.engine.explain import Explanation, explain
from trunkline.engine.scalar import Event, ScalarTariff
from trunkline.engine.schema import Outcome, Tariff
from trunkline.engine.tariff import compile_tariff
from trunkline.engine.vectors import parse_rating
from trunkline.parties.explain import identify
from trunkline.parties.kinds import IdentityKind, IdentitySide, Side
from trunkline.parties.rules import IdentityRow, Resolver, Status
from trunkline.tariffs.prices import KeptSnapshot, make_plans
from trunkline.usage.chunkwork import price_sides
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import EVENTS
from trunkline.usage.sides import REASONS, AccountFacts, Pinned, SideColumns
from trunkline.usage.traffic.kinds import Stage
from trunkline.usage.traffic.rule import Conditions, Rule, RuleBook, tags_text
from trunkline.usage.traffic.scalar import Facts, State, go_through, names_of, walk_side

DAY = datetime(2026, 3, 2, tzinfo=UTC)
SWITCH = "west"
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Call:
    """One record: answered for `seconds` at `start`."""

    calling: str
    called: str
    trunk_in: str = "in"
    trunk_out: str = "out"
    source_ip: str = ""
    start: datetime = DAY
    seconds: int = 60
    is_last: bool = True
    service: str = "voice"

    @property
    def start_ms(self) -> int:
        return (self.start - datetime(1970, 1, 1, tzinfo=UTC)) // MILLISECOND


@dataclass(frozen=True)
class Became:
    """What became of a record. Amounts are decimal text, None where there is none."""

    called: str
    calling: str
    reason: str
    rules: str
    tags: str
    side_tags: Mapping[str, str]
    numbers: Mapping[str, str]
    amounts: Mapping[str, str | None]


@dataclass(frozen=True)
class World:
    """Customers and vendors with their identities and one tariff a side."""

    rules: Sequence[Rule]
    tariffs: Mapping[str, Tariff]  # by side
    identities: Sequence[IdentityRow]
    profile: SwitchProfile = field(default_factory=lambda: SwitchProfile(received_at=DAY + timedelta(days=1)))

    @property
    def book(self) -> RuleBook:
        return RuleBook.compile(self.rules, switch=SWITCH)

    def pinned(self) -> Pinned:
        accounts = {row.account_id for row in self.identities}
        plans = make_plans(
            [
                (account, side, "voice", self.tariffs[side].id, None, None)
                for account in sorted(accounts)
                for side in ("sell", "buy")
            ]
        )
        compiled = [compile_tariff(tariff) for tariff in self.tariffs.values()]
        return Pinned(
            kept=KeptSnapshot((), compiled),
            version="1",
            plans=plans,
            tariff_currencies={tariff.id: tariff.currency for tariff in self.tariffs.values()},
            accounts={account: AccountFacts(account, "USD", "UTC") for account in accounts},
            resolver=Resolver.compile(self.identities, switch=SWITCH),
            find_exchange_rate=_no_rates,
            base_currency="USD",
            has_buy_side=True,
            rules=self.book,
        )

    def by_columns(self, calls: Sequence[Call]) -> list[Became]:
        """All calls through the walk of a usage file at once."""
        return self.became(*self.priced(events_of(calls)))

    def priced(self, events: pa.Table) -> tuple[pa.Table, dict[str, SideColumns], Any]:
        """Events through the walk of a usage file."""
        return price_sides(events, self.profile.number_rules, self.pinned())

    @staticmethod
    def became(events: pa.Table, sides: Mapping[str, SideColumns], reason: Any) -> list[Became]:
        """What became of each record."""
        of_events = {name: events[name].to_pylist() for name in ("called", "calling", "rules", "tags")}
        of_sides = {name: column.to_pylist() for side in sides.values() for name, column in side.columns.items()}
        found = []
        for row in range(len(events)):
            is_rejected = bool(reason[row])
            amounts = {side: of_sides[f"{side}_amount"][row] for side in ("sell", "buy")}
            found.append(
                Became(
                    called=of_events["called"][row],
                    calling=of_events["calling"][row],
                    reason=str(REASONS[reason[row]] or ""),
                    rules=of_events["rules"][row] or "",
                    tags=of_events["tags"][row] or "",
                    side_tags={side: of_sides[f"{side}_tags"][row] or "" for side in ("sell", "buy")},
                    numbers={side: of_sides[f"{side}_number"][row] or "" for side in ("sell", "buy")},
                    amounts={
                        side: None
                        if is_rejected or each is None
                        else scaled_text(int(each.scaleb(AMOUNT_DECIMALS)), AMOUNT_DECIMALS)
                        for side, each in amounts.items()
                    },
                )
            )
        return found

    def one_by_one(self, call: Call) -> Became:
        """One call, as explanations and the tester see it."""
        facts = Facts(call.start_ms, call.service, call.trunk_in, call.trunk_out, call.source_ip)
        first = State(call.calling, call.called)
        state, _ = go_through(self.book, Stage.BEFORE_IDENTIFICATION, facts, first)
        found = {
            side: identify(
                self.identities, _fields(call, state.calling, side), start_ms=call.start_ms, side=side, switch=SWITCH
            )
            for side in Side
        }
        cut = found[Side.SELL].cut
        if cut:
            first = State(call.calling, call.called.removeprefix(cut))
            state, _ = go_through(self.book, Stage.BEFORE_IDENTIFICATION, facts, first)
        states: dict[Side, State] = {}
        prices: dict[Side, Explanation | None] = {}
        for side, who in found.items():
            if who.account_id is None:
                states[side], prices[side] = state, None
                continue
            is_charged = side is Side.BUY or call.is_last

            def price(carried: State, side: Side = side, is_charged: bool = is_charged) -> Explanation | None:
                event = Event(carried.priced_number, call.start, call.seconds, carried.tags)
                return explain([ScalarTariff(self.tariffs[side])], event) if is_charged else None

            walked = walk_side(self.book, facts, state, side=side, account_id=who.account_id, price=price)
            states[side], prices[side] = walked.state, walked.last
        reason = self._reason(call, [state, *states.values()], found, prices)
        return Became(
            called=state.called,
            calling=state.calling,
            reason=reason,
            rules=",".join(names_of(list(states.values()))),
            tags=tags_text(frozenset().union(*(state.tags for state in states.values()))) or "",
            side_tags={side.value: tags_text(each.tags) or "" for side, each in states.items()},
            numbers={
                side.value: "" if each.priced_number == state.called else each.priced_number
                for side, each in states.items()
            },
            amounts={side.value: None if reason else _amount(each) for side, each in prices.items()},
        )

    @staticmethod
    def _reason(call: Call, states: Sequence[State], found: Mapping[Side, Any], prices: Mapping[Side, Any]) -> str:
        if not call.seconds:
            return ""
        denied = next((each.reason for each in states if each.reason is not None), None)
        if denied is not None:
            return denied.value
        for side, reason in ((Side.SELL, Reason.UNKNOWN_SELL), (Side.BUY, Reason.UNKNOWN_BUY)):
            if found[side].status is not Status.OK:
                return reason.value
        for side, reason in ((Side.SELL, Reason.NO_RATE_SELL), (Side.BUY, Reason.NO_RATE_BUY)):
            price = prices[side]
            if price is not None and price.charge.outcome is not Outcome.RATED:
                return reason.value
        return ""


def _amount(price: Explanation | None) -> str | None:
    if price is None:
        return None
    return str(price.charge.amount) if price.charge.amount is not None else "0"


def _no_rates(base: str, quote: str, on: date) -> tuple[Fraction, date] | None:
    return None


def _fields(call: Call, calling: str, side: Side) -> dict[str, str | None]:
    if side is Side.BUY:
        return {"trunk": call.trunk_out or None}
    return {
        "trunk": call.trunk_in or None,
        "source_ip": call.source_ip or None,
        "calling": calling or None,
        "called": call.called,
    }


def events_of(calls: Sequence[Call]) -> pa.Table:
    """Decoded events of calls whose numbers need no number rules."""
    rows = [
        {
            "line": number,
            "key": f"k{number}",
            "call_id": f"k{number}",
            "attempt": 1,
            "is_last": call.is_last,
            "service": call.service,
            "calling_raw": call.calling,
            "called_raw": call.called,
            "calling": call.calling,
            "called": call.called,
            "start": call.start,
            "answer": call.start,
            "end": call.start + timedelta(seconds=call.seconds),
            "duration_ms": call.seconds * 1000,
            "quantity": call.seconds,
            "trunk_in": call.trunk_in or None,
            "trunk_out": call.trunk_out or None,
            "source_ip": call.source_ip or None,
        }
        for number, call in enumerate(calls, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=EVENTS).combine_chunks()


def tariffs_of(prices: Sequence[tuple[str, str, str, str]]) -> dict[str, Tariff]:
    """A tariff a side from (side, code, tag, price a minute), by the second."""
    document = {
        "format": "rating/1",
        "tariffs": {
            side: {
                "currency": "USD",
                "rates": [
                    {"code": code, "steps": [{"from": "0", "price": price, "per": "60", "increment": "1"}]}
                    | ({"tag": tag} if tag else {})
                    for of, code, tag, price in prices
                    if of == side
                ],
            }
            for side in ("sell", "buy")
        },
        "cases": [],
    }
    return dict(parse_rating(document).tariffs)


def trunk(account_id: int, value: str, side: str, tech_prefix: str = "") -> IdentityRow:
    """An identity by a trunk."""
    return IdentityRow(account_id, IdentityKind.TRUNK, IdentitySide(side), value, tech_prefix=tech_prefix)


def tagged(conditions: Conditions, tags: Mapping[int, set[str]]) -> frozenset[int]:
    """The accounts that conditions on tags of the account name, of accounts with these tags."""
    wanted, unwanted = set(conditions.account_tags), set(conditions.not_account_tags)
    return frozenset(account for account, carried in tags.items() if wanted <= carried and not unwanted & carried)


__all__ = ["DAY", "Became", "Call", "World", "events_of", "tagged", "tariffs_of", "trunk"]

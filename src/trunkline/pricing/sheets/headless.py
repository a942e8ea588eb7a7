"""Tables without a header: told by what their columns hold, and by the fixed orders that senders of such files publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.pricing.sheets.layout import Column, Role
from trunkline.pricing.sheets.profile import Profile
from trunkline.pricing.sheets.reasons import Doubt
from trunkline.pricing.sheets.roles import Roles, share_countries

_WHY: Final = "by its cells; there is no header"


@dataclass(frozen=True, slots=True)
class Order:
    """A published order of columns: what each must look like, and what it means. `what` says whose it is."""

    what: str
    columns: tuple[tuple[Role, Callable[[Profile], bool]], ...]


def _is_code(p: Profile) -> bool:
    return p.code > 0.9


def _is_name(p: Profile) -> bool:
    return p.text > 0.8


def _is_price(p: Profile) -> bool:
    return p.price > 0.8 and p.date < 0.5 and (p.fraction > 0.1 or p.digits > 0.9)


def _is_interval(p: Profile) -> bool:
    return p.interval > 0.9


def _is_seconds(p: Profile) -> bool:
    return p.digits > 0.95 and p.fraction < 0.01


def _is_any(p: Profile) -> bool:
    return True


_TRAILING: Final = ((Role.IGNORED, _is_seconds), (Role.IGNORED, _is_seconds))
ORDERS: Final = (
    Order(
        "code, name, connection, included seconds, price, increment, precedence, strip, prepend",
        (
            (Role.CODE, _is_code), (Role.DESTINATION, _is_name), (Role.SETUP, _is_price), (Role.INCLUDED, _is_seconds), (Role.PRICE, _is_price),
            (Role.INTERVAL, _is_seconds), (Role.IGNORED, _is_seconds), (Role.IGNORED, _is_any), (Role.IGNORED, _is_any),
        ),
    ),
    Order(
        "code, name, interstate, intrastate, first interval, increment",
        (
            (Role.CODE, _is_code), (Role.DESTINATION, _is_name), (Role.INTER, _is_price), (Role.INTRA, _is_price),
            (Role.FIRST, _is_interval), (Role.INTERVAL, _is_interval),
        ),
    ),
    Order(
        "code, name, price, first interval, increment, trunk, its rating",
        (
            (Role.CODE, _is_code), (Role.DESTINATION, _is_name), (Role.PRICE, _is_price), (Role.FIRST, _is_interval), (Role.INTERVAL, _is_interval), *_TRAILING,
        ),
    ),
)  # fmt: skip


def assign_headless(profiles: Sequence[Profile]) -> Roles:
    """The meaning of every column of a table without a header."""
    width = len(profiles)
    while width and not profiles[width - 1].count:
        width -= 1
    used = profiles[:width]
    for order in ORDERS:
        if len(order.columns) == width and all(
            is_it(p) or (not p.count and role is Role.IGNORED)
            for (role, is_it), p in zip(order.columns, used, strict=True)
        ):
            why = f"the order of such files: {order.what}"
            if Role.INTER in {role for role, _ in order.columns} and not _is_american(used[0]):
                continue
            return Roles(tuple(Column(n, "", role, 0.8, why) for n, (role, _) in enumerate(order.columns)))
    return _by_cells(used)


def _is_american(p: Profile) -> bool:
    texts = [text.lstrip("+") for text in p.texts]
    return bool(texts) and sum(
        (text.startswith("1") and len(text) in {7, 8}) or (len(text) in {6, 7} and text[:1] in "23456789")
        for text in texts
    ) > 0.95 * len(texts)


def _by_cells(profiles: Sequence[Profile]) -> Roles:
    roles: list[Role] = [Role.IGNORED] * len(profiles)
    doubts: list[tuple[Doubt, str, str]] = []
    names = [
        n
        for n, p in enumerate(profiles)
        if _is_name(p) and p.change < 0.9 and p.date < 0.5 and p.pair < 0.5 and not (p.iso > 0.9 and p.currency > 0.9)
    ]
    dates = [n for n, p in enumerate(profiles) if p.date > 0.9]
    pairs = [n for n, p in enumerate(profiles) if p.pair > 0.9 and n not in dates]
    prices = [
        n for n, p in enumerate(profiles) if p.price > 0.9 and p.fraction > 0.2 and n not in dates and p.code < 0.9
    ]
    codes = [
        n
        for n, p in enumerate(profiles)
        if _is_code(p)
        and (p.wide > 0.3 or share_countries(p) > 0.9)
        and p.interval < 0.9
        and n not in prices
        and n not in dates
        and n not in pairs
        and p.distinct > 0.3
    ]
    intervals = [n for n, p in enumerate(profiles) if _is_interval(p) and n not in codes]
    if len(codes) == 1:
        roles[codes[0]] = Role.CODE
    elif codes:
        doubts.append(
            (
                Doubt.SEVERAL_CODE_COLUMNS,
                "Several columns could be the codes, and there is no header.",
                "Say which column is the code.",
            )
        )
    if names:
        roles[max(names, key=lambda n: (profiles[n].distinct, -n))] = Role.DESTINATION
    if len(prices) == 1:
        roles[prices[0]] = Role.PRICE
    elif prices:
        doubts.append(
            (
                Doubt.SEVERAL_PRICE_COLUMNS,
                "Several columns could be the price, and there is no header.",
                "Say which column is the price.",
            )
        )
    if len(pairs) == 1:
        roles[pairs[0]] = Role.INCREMENT
    elif len(intervals) == 2 and intervals[1] == intervals[0] + 1:
        roles[intervals[0]], roles[intervals[1]] = Role.FIRST, Role.INTERVAL
    elif len(intervals) == 1:
        roles[intervals[0]] = Role.INCREMENT
    elif len(intervals) > 2:
        doubts.append(
            (
                Doubt.INCREMENT_ORDER,
                "Several columns could be increments, and there is no header.",
                "Say which they are.",
            )
        )
    if len(dates) == 1:
        roles[dates[0]] = Role.EFFECTIVE
    elif len(dates) == 2:
        roles[dates[0]], roles[dates[1]] = Role.EFFECTIVE, Role.EXPIRY
    for n, p in enumerate(profiles):
        if roles[n] is Role.IGNORED and p.change > 0.9 and p.text > 0.9:
            roles[n] = Role.CHANGE
        elif roles[n] is Role.IGNORED and p.currency > 0.9:
            roles[n] = Role.CURRENCY
    return Roles(tuple(Column(n, "", role, 0.75, _WHY) for n, role in enumerate(roles)), tuple(doubts))

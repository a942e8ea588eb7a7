"""Why an event costs what it costs: every rate that was looked at, what became of it, and the charge piece by piece.

The charge is the one of `engine.scalar`, which this asks for everything; here stands only what is said of it. Rule
numbers are those of `docs/algorithms/rating.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from trunkline.engine.scalar import (
    Charge,
    Event,
    Origin,
    PriceRow,
    ScalarTariff,
    charge,
    choose_shares,
    within_calendar,
)
from trunkline.engine.schema import Outcome


class Verdict(StrEnum):
    """What became of a rate whose code the number begins with. The values stand in APIs."""

    CHOSEN = "chosen"
    TAG = "tag"  # the event does not carry its tag
    ORIGIN = "origin"  # the caller is not in its origin
    LENGTH = "length"  # the number is too short or too long for it
    NOT_YET = "not_yet_in_force"
    NO_LONGER = "no_longer_in_force"
    TIME_PROFILE = "time_profile"  # in force, but not at this time of the week
    ORDER = "order"  # another rate of the same code goes first: rule 3.2
    SHORTER = "shorter_code"  # a longer code was chosen: rule 3.1


@dataclass(frozen=True, slots=True)
class RateTried:
    """One rate that was looked at for the start of the event."""

    row: PriceRow
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TariffTried:
    """The regular or the additive rates of one tariff of the list, the longest code first, and the one it gave.

    Additive rates that name an origin are tried apart from those that name none (rule 11). `origin` is where the caller is by the origin deck
    of the tariff; None: nowhere, or no rate of it asks.
    """

    tariff: ScalarTariff
    is_additive: bool
    rates: tuple[RateTried, ...]
    chosen: PriceRow | None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A charge with its reasons.

    `tried` are the tariffs in the order in which they were asked: for the regular rate up to the one that won, then,
    where there is one, for the additive rates. `rounded` is the amount before the cap, None where nothing was charged for want of a rate; it may be
    outside what an amount can be, so it counts units of 10^-8. `waived` are the rates that charge nothing because the
    quantity is below their grace.
    """

    charge: Charge
    tried: tuple[TariffTried, ...]
    rounded: int | None
    waived: tuple[PriceRow, ...]

    @property
    def exact(self) -> Fraction:
        """The sum of fees and parts before rounding and cap, in whole currency."""
        return self.charge.exact

    @property
    def is_capped(self) -> bool:
        """Whether the max cost of the rate lowered the amount."""
        amount = self.charge.amount
        return amount is not None and self.rounded is not None and amount.units != self.rounded


def explain(tariffs: Sequence[ScalarTariff], event: Event) -> Explanation:
    """What `event` costs under an ordered list of tariffs, and why. Raises Invalid `additive_mixed` (rule 11)."""
    at = event.start_s
    shares = choose_shares(tariffs, event, at)
    charged = charge(tariffs, event)
    regular = shares[0] if shares else None
    tried = []
    for tariff in tariffs:
        won = regular is not None and regular.tariff is tariff
        row = regular.row if regular is not None and won else None
        rates = tuple(_judge(tariff, event, at, row, is_additive=False))
        tried.append(TariffTried(tariff, False, rates, row, _origin(tariff, event)))
        if won:
            break
    chosen = {(share.tariff.id, share.row.origin is not None): share.row for share in shares[1:]}
    for tariff in tariffs if shares else ():
        for by_origin in (False, True) if tariff.has_additive else ():
            row = chosen.get((tariff.id, by_origin))
            rates = tuple(_judge(tariff, event, at, row, is_additive=True, by_origin=by_origin))
            if rates or not by_origin:
                tried.append(TariffTried(tariff, True, rates, row, _origin(tariff, event)))
    rounded: int | None = None
    waived: tuple[PriceRow, ...] = ()
    if charged.outcome is Outcome.RATED and regular is not None:
        rounded = regular.row.rounding.units(*charged.exact.as_integer_ratio())
        waived = tuple(share.row for share in shares if event.quantity < share.row.grace)
    return Explanation(charged, tuple(tried), rounded, waived)


def _origin(tariff: ScalarTariff, event: Event) -> Origin | None:
    return tariff.origin_of(event.caller) if tariff.has_origins else None


def _judge(
    tariff: ScalarTariff,
    event: Event,
    at: int,
    chosen: PriceRow | None,
    *,
    is_additive: bool,
    by_origin: bool = False,
) -> Iterator[RateTried]:
    """Every rate of the codes that the number begins with, the longest first, with what became of it."""
    for rows in tariff.rates_of(event.number, is_additive=is_additive):
        for row in rows:
            if is_additive and (row.origin is not None) != by_origin:
                continue
            if chosen is not None and row.listed == chosen.listed:
                yield RateTried(row, Verdict.CHOSEN)
            elif chosen is not None and len(row.code) < len(chosen.code):
                yield RateTried(row, Verdict.SHORTER)
            else:
                yield RateTried(row, _missing(tariff, row, event, at) or Verdict.ORDER)


def _missing(tariff: ScalarTariff, row: PriceRow, event: Event, at: int) -> Verdict | None:
    """The condition of rule 1 that the rate does not meet, None if it is a candidate."""
    if not row.fits_origin(_origin(tariff, event)):
        return Verdict.ORIGIN
    if not row.fits_tags(event):
        return Verdict.TAG
    if not row.fits_length(event):
        return Verdict.LENGTH
    at = within_calendar(at)
    if not row.is_valid(at):
        begins_later = row.valid_from is not None and at < row.valid_from
        return Verdict.NOT_YET if begins_later else Verdict.NO_LONGER
    return None if tariff.is_in_window(row, at) else Verdict.TIME_PROFILE

"""Changes of prices, each with the re-rating that it proposes where posted records may cost something else now.

What the doors call: tariffs know nothing of usage, so the change and its proposal meet here. All run inside an open scope, in the
transaction of the change, and raise what the action of `tariffs.actions` of the same name raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from trunkline.parties.models import Account
from trunkline.tariffs import actions
from trunkline.tariffs.actions import UNCHANGED, ExchangeLoad, RateLoad, SpecialChange, Unchanged
from trunkline.tariffs.models import AccountTariff, CodeDeck, ExchangeRate, SpecialRate, Tariff, TimeProfile
from trunkline.tariffs.queries import access_assignment, begin_of, tariffs_asking, tariffs_with
from trunkline.usage.models import Proposal
from trunkline.usage.proposals import propose, propose_exchange

T = TypeVar("T")

# A day of an account begins up to so long before that of UTC.
EARLIEST_DAY = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """What a change made, and the re-ratings that are proposed because of it."""

    made: T
    proposals: tuple[Proposal, ...] = ()

    @classmethod
    def of(cls, made: T, *proposals: Proposal | None) -> Changed[T]:
        """With those of the proposals that there are."""
        return cls(made, tuple(each for each in proposals if each is not None))


def load_rates(*, tariff: Tariff, data: bytes, supersede_earlier: bool = False, at: datetime) -> Changed[RateLoad]:
    """Load a rate file into a tariff, all of it or nothing."""
    done = actions.load_rates(tariff_id=tariff.pk, data=data, supersede_earlier=supersede_earlier, at=at)
    cause = f"rates loaded into {tariff.name}"
    return Changed.of(done, propose(cause=cause, tariff=tariff, start_from=done.begins, at=at))


def void_rates(*, tariff: Tariff, rate_ids: Sequence[int], at: datetime) -> Changed[int]:
    """Take rates out of a tariff; how many were not voided before."""
    begins = begin_of(rate_ids)
    count = actions.void_rates(tariff_id=tariff.pk, rate_ids=rate_ids, at=at)
    if not count:
        return Changed(count)
    return Changed.of(count, propose(cause=f"rates of {tariff.name} voided", tariff=tariff, start_from=begins, at=at))


def change_tariff(
    *,
    tariff: Tariff,
    name: str | None = None,
    timezone: str | None = None,
    origin_deck: CodeDeck | Unchanged | None = UNCHANGED,
    parent: Tariff | Unchanged | None = UNCHANGED,
    at: datetime,
) -> Changed[Tariff]:
    """Rename a tariff, set its clock or its origin deck, or let it take over the rates of a parent; None: of nobody any more."""
    changed = actions.change_tariff(
        tariff_id=tariff.pk, name=name, timezone=timezone, origin_deck=origin_deck, parent=parent, at=at
    )
    set_parts = [
        said
        for said, is_other in (
            ("clock", changed.timezone != tariff.timezone),
            ("origin deck", changed.origin_deck_id != tariff.origin_deck_id),
            ("parent", changed.parent_id != tariff.parent_id),
        )
        if is_other
    ]
    if not set_parts:
        return Changed(changed)
    cause = f"the {' and the '.join(set_parts)} of {changed.name} set"
    return Changed.of(changed, propose(cause=cause, tariff=changed, start_from=None, at=at))


def load_code_deck(*, name: str, codes: Mapping[str, str], at: datetime) -> Changed[CodeDeck]:
    """Make or extend a code deck; where tariffs tell by it where callers are, their prices may be others."""
    deck = actions.load_code_deck(name=name, codes=codes, at=at)
    return Changed.of(deck, *propose_by_deck(deck, at=at))


def propose_by_deck(deck: CodeDeck, *, at: datetime) -> list[Proposal | None]:
    """After codes of a deck were changed: what that proposes, by tariff that tells by it where callers are."""
    cause = f"codes changed in the origin deck {deck.name}"
    return [propose(cause=cause, tariff=each, start_from=None, at=at) for each in tariffs_asking(deck)]


def change_time_profile(
    *, profile: TimeProfile, windows: Iterable[Mapping[str, Any]], at: datetime
) -> Changed[TimeProfile]:
    """Set the windows of a time profile, for every tariff that uses it."""
    changed = actions.change_time_profile(profile_id=profile.pk, windows=windows, at=at)
    cause = f"the time profile {changed.name} set"
    proposals = [propose(cause=cause, tariff=each, start_from=None, at=at) for each in tariffs_with(changed)]
    return Changed.of(changed, *proposals)


def assign_tariff(
    *,
    account: Account,
    tariff: Tariff,
    side: str,
    service: str,
    position: int | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    at: datetime,
) -> Changed[AccountTariff]:
    """Give an account a tariff."""
    row = actions.assign_tariff(
        account=account,
        tariff=tariff,
        side=side,
        service=service,
        position=position,
        valid_from=valid_from,
        valid_to=valid_to,
        at=at,
    )
    cause = f"{tariff.name} given to {account.code}"
    return Changed.of(row, propose(cause=cause, account=account, side=side, start_from=row.valid_from, at=at))


def end_assignment(*, assignment_id: int, valid_to: datetime, at: datetime) -> Changed[AccountTariff]:
    """Let an account have a tariff until that instant. Raises NotFound `assignment_not_found`."""
    before = access_assignment(assignment_id)
    first = valid_to if before.valid_to is None else min(valid_to, before.valid_to)
    row = actions.end_assignment(assignment_id=assignment_id, valid_to=valid_to, at=at)
    cause = f"{before.tariff.name} taken from {before.account.code}"
    return Changed.of(row, propose(cause=cause, account=before.account, side=row.side, start_from=first, at=at))


def create_special_rate(*, tariff: Tariff, at: datetime, **given: Any) -> Changed[SpecialChange]:
    """Give a destination or a group an exclusive price in a tariff; `given` as in `tariffs.actions.create_special_rate`."""
    done = actions.create_special_rate(tariff_id=tariff.pk, at=at, **given)
    cause = f"special rate for {done.special.destination or done.special.group} in {tariff.name}"
    return Changed.of(done, propose(cause=cause, tariff=tariff, start_from=done.begins, at=at))


def end_special_rate(*, special: SpecialRate, valid_to: datetime, at: datetime) -> Changed[SpecialChange]:
    """Let a special rate end; the tariff's other rates hold again from then on."""
    done = actions.end_special_rate(special_id=special.pk, valid_to=valid_to, at=at)
    cause = f"special rate for {special.destination or special.group} in {special.tariff.name} ended"
    return Changed.of(done, propose(cause=cause, tariff=special.tariff, start_from=done.begins, at=at))


def load_exchange_rates(
    *, data: bytes, base: str, source: str, replace: bool = False, at: datetime
) -> Changed[ExchangeLoad]:
    """Load a file of exchange rates, all of it or nothing."""
    done = actions.load_exchange_rates(data=data, base=base, source=source, replace=replace, at=at)
    return Changed.of(done, _propose_from(done.first_day, f"exchange rates of {source} loaded", at))


def set_exchange_rate(*, base: str, quote: str, on: date, rate: str, at: datetime) -> Changed[ExchangeRate]:
    """State one exchange rate."""
    row = actions.set_exchange_rate(base=base, quote=quote, on=on, rate=rate, at=at)
    return Changed.of(row, _propose_from(row.on, f"exchange rate {row.base}/{row.quote} set", at))


def _propose_from(day: date | None, cause: str, at: datetime) -> Proposal | None:
    """What exchange rates from a day on propose."""
    if day is None:
        return None
    return propose_exchange(cause=cause, start_from=datetime.combine(day, time.min, UTC) - EARLIEST_DAY, at=at)

"""Prices that were changed for a time in which records had been posted: what should be priced again, until it is.

Whoever changes prices asks here afterwards, in the same transaction; tariffs know nothing of usage. Needs an open scope throughout.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from trunkline.core.errors import NotFound
from trunkline.core.period import get_zone, local_date
from trunkline.kit.db.kept import Kept
from trunkline.kit.db.locks import lock_name, lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.parties.models import Account
from trunkline.tariffs.lineage import heirs_of
from trunkline.tariffs.models import AccountTariff, Tariff
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.asked import Asked
from trunkline.usage.choices import SegmentKind, SegmentState
from trunkline.usage.models import Proposal, Rollup, Segment

CAUSE_MAX = 200


def propose(
    *,
    cause: str,
    start_from: datetime | None,
    at: datetime,
    tariff: Tariff | None = None,
    account: Account | None = None,
    side: str = "",
) -> Proposal | None:
    """Propose a re-rating after prices were changed from an instant on (None: from ever on).

    None where no posted record can be concerned. There is one open proposal of the same tariff, account and side: it then reaches back to the
    earlier of the two instants.
    """
    if not _is_concerned(_sides(tariff, account, side), start_from):
        return None
    lock_name("usage_proposals", current_tenant_id())
    same = Proposal.objects.filter(closed_at=None, tariff=tariff, account=account, side=side)
    known = same.select_related("tariff", "account").first()
    if known is None:
        return Proposal.objects.create(
            tariff=tariff, account=account, side=side, start_from=start_from, cause=cause[:CAUSE_MAX], made_at=at
        )
    if start_from is None or (known.start_from is not None and start_from < known.start_from):
        known.start_from = start_from
    known.cause, known.made_at = cause[:CAUSE_MAX], at
    known.save()
    return known


def propose_exchange(*, cause: str, start_from: datetime, at: datetime) -> Proposal | None:
    """Propose a re-rating after exchange rates were changed from a day on; None where all money is in one currency."""
    currencies = {current_tenant().currency, *Account.objects.values_list("currency", flat=True)}
    currencies.update(Tariff.objects.values_list("currency", flat=True))
    return propose(cause=cause, start_from=start_from, at=at) if len(currencies) > 1 else None


def _sides(tariff: Tariff | None, account: Account | None, side: str) -> Iterable[tuple[str, Account]]:
    """The sides of accounts whose records may cost something else: of a tariff also those of its descendants."""
    if tariff is None and account is None:
        return [(each, found) for found in Account.objects.all() for each in ("sell", "buy")]
    if account is not None:
        return [(each, account) for each in ("sell", "buy") if side in {"", each}]
    heirs = set() if tariff is None else heirs_of(tariff.pk)
    places = AccountTariff.objects.filter(tariff_id__in=heirs).select_related("account")
    return [(place.side, place.account) for place in places if side in {"", place.side}]


def _is_concerned(sides: Iterable[tuple[str, Account]], start_from: datetime | None) -> bool:
    """Whether records are posted of one of these sides that may start then or later; by the day of the account."""
    live = Segment.objects.filter(kind=SegmentKind.RATED, state=SegmentState.LIVE)
    if start_from is not None:
        live = live.filter(max_start__gte=start_from)
    if not live.exists():
        return False
    for side, account in dict.fromkeys(sides):
        posted = Rollup.objects.filter(side=side, account=account)
        if start_from is not None:
            posted = posted.filter(day__gte=local_date(start_from, get_zone(account.timezone)))
        if posted.exists():
            return True
    return False


def asked_of(proposal: Proposal) -> Asked:
    """What the proposal wants to be priced again."""
    return Asked(
        start_from=proposal.start_from,
        account_id=proposal.account_id,
        side=proposal.side,
        tariff_id=proposal.tariff_id,
    )


def proposals() -> QuerySet[Proposal]:
    """All proposals of the tenant, closed ones too."""
    return Proposal.objects.select_related("tariff", "account")


def open_proposal(proposal_id: int) -> Proposal:
    """A proposal that waits. Raises NotFound `proposal_not_found`."""
    found = proposals().filter(pk=proposal_id, closed_at=None).first()
    if found is None:
        raise NotFound("proposal_not_found", "There is no such open proposal.")
    return found


def open_proposals() -> list[Proposal]:
    """What waits to be priced again, the oldest first."""
    return _OPEN.rows()


_OPEN = Kept(lambda: proposals().filter(closed_at=None).order_by("pk"))


def close_covered(*, asked: Asked, made_until: datetime, at: datetime) -> int:
    """Close the proposals of which a re-rating that began at `made_until` has looked at everything. Number closed."""
    covered = [each.pk for each in open_proposals() if asked.covers(asked_of(each))]
    return Proposal.objects.filter(Q(pk__in=covered), made_at__lte=made_until).update(closed_at=at)


def dismiss(*, proposal_id: int, at: datetime) -> Proposal:
    """Close a proposal though nothing was priced again. Raises NotFound `not_found`."""
    (found,) = lock_rows(Proposal.objects.all(), [proposal_id])
    if found.closed_at is not None:
        raise NotFound(
            "proposal_not_found",
            "There is no such open proposal.",
            hint="`trunkline usage rerate --proposed` lists them.",
        )
    found.closed_at = at
    found.save(update_fields=["closed_at"])
    return found

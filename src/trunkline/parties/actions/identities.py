"""Writes of identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import require_aware
from trunkline.kit.db.locks import lock_rows
from trunkline.parties.choices import AccountStatus
from trunkline.parties.kinds import IdentityKind, IdentitySide
from trunkline.parties.models import Account, Identity
from trunkline.parties.rules import PRIORITY_MAX, identity_value, tech_prefix_text

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class NewIdentity:
    """An identity as a person states it; `docs/algorithms/identification.md` has the words."""

    account: Account
    kind: str
    value: str
    side: str = IdentitySide.BOTH
    switch: str | None = None
    tech_prefix: str = ""
    priority: int = 100
    valid_from: datetime | None = None
    valid_to: datetime | None = None


def add_identity(
    *,
    account: Account,
    kind: str,
    value: str,
    side: str = IdentitySide.BOTH,
    switch: str | None = None,
    tech_prefix: str = "",
    priority: int = 100,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    at: datetime,
) -> Identity:
    """Tell traffic by one more mark. Raises what `add_identities` raises."""
    new = NewIdentity(account, kind, value, side, switch, tech_prefix, priority, valid_from, valid_to)
    return add_identities(identities=[new], at=at)[0]


def add_identities(*, identities: Sequence[NewIdentity], at: datetime) -> list[Identity]:
    """Add many identities, all or none.

    Raises Invalid `bad_identity`, `bad_network`, `bad_number`, `bad_tech_prefix`; Conflict `account_closed`, and
    `identity_overlap` if an equal one holds at the same time, naming it and its account.
    """
    rows = [_identity(new) for new in identities]
    try:
        with transaction.atomic():
            # Whoever closes an account must see its identities, so nobody adds one meanwhile.
            for account in lock_rows(Account.objects.all(), {row.account_id for row in rows}):
                if account.status == AccountStatus.CLOSED:
                    raise Conflict("account_closed", f"The account {account.code} was closed on {account.closed_on}.")
            return Identity.objects.bulk_create(rows, batch_size=_BATCH)
    except IntegrityError as error:
        if "parties_identity_equal_and_overlapping" not in str(error):
            raise
        raise _overlap(rows) from error


def end_identity(*, identity_id: int, valid_to: datetime, at: datetime) -> Identity:
    """Let an identity hold until that instant; before its beginning means never.

    Raises NotFound, Invalid `naive_instant`, Conflict `identity_overlap` if a later end meets an equal one.
    """
    require_aware(valid_to)
    with transaction.atomic():
        (identity,) = lock_rows(Identity.objects.all(), [identity_id])
        identity.valid_to = max(valid_to, identity.valid_from) if identity.valid_from else valid_to
        try:
            with transaction.atomic():
                identity.save(update_fields=["valid_to"])
        except IntegrityError as error:
            raise _overlap([identity]) from error
    return identity


def move_identity(*, identity_id: int, account: Account, moved_at: datetime, at: datetime) -> Identity:
    """Give an identity to another account from an instant on: the old one ends there and an equal one begins.

    Returns the new one, which ends where the old one would have. Raises NotFound; Conflict `account_closed`; Invalid
    `bad_identity` if the old one does not hold at that instant, or already is that account's.
    """
    require_aware(moved_at)
    with transaction.atomic():
        (old,) = lock_rows(Identity.objects.all(), [identity_id])
        if (old.valid_from and moved_at < old.valid_from) or (old.valid_to and old.valid_to <= moved_at):
            raise Invalid("bad_identity", f"The {old} does not hold at {moved_at.isoformat()}.")
        if old.account_id == account.pk:
            raise Invalid("bad_identity", f"The {old} is the account's already.")
        end, old.valid_to = old.valid_to, moved_at
        old.save(update_fields=["valid_to"])
        return add_identity(
            account=account,
            kind=old.kind,
            value=old.value,
            side=old.side,
            switch=old.switch,
            tech_prefix=old.tech_prefix,
            priority=old.priority,
            valid_from=moved_at,
            valid_to=end,
            at=at,
        )


def _identity(new: NewIdentity) -> Identity:
    try:
        kind, side = IdentityKind(new.kind), IdentitySide(new.side)
    except ValueError as error:
        raise Invalid("bad_identity", f"{error}.") from error
    for bound in (new.valid_from, new.valid_to):
        if bound is not None:
            require_aware(bound)
    if new.valid_from and new.valid_to and new.valid_from >= new.valid_to:
        raise Invalid("bad_identity", "An identity ends after it begins.")
    if not 0 <= new.priority <= PRIORITY_MAX:
        raise Invalid("bad_identity", f"A priority is a number from 0 to {PRIORITY_MAX}.")
    return Identity(
        account=new.account,
        kind=kind.value,
        side=side.value,
        switch=new.switch or None,
        value=identity_value(kind, new.value),
        tech_prefix=tech_prefix_text(new.tech_prefix),
        priority=new.priority,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
    )


def _overlap(rows: Sequence[Identity]) -> Conflict:
    """The error that names the equal identity in the way: one of the book, or an earlier one of `rows`."""
    for begin in range(0, len(rows), _BATCH):
        part = rows[begin : begin + _BATCH]
        there: dict[str, list[Identity]] = {}
        own = [row.pk for row in part if row.pk]
        values = {row.value for row in part}
        for row in Identity.objects.select_related("account").filter(value__in=values).exclude(pk__in=own):
            there.setdefault(row.value, []).append(row)
        for row in rows[:begin]:
            there.setdefault(row.value, []).append(row)
        for row in part:
            other = next((each for each in there.get(row.value, ()) if _clash(each, row)), None)
            if other is not None:
                return Conflict(
                    "identity_overlap",
                    f"An equal identity holds at the same time: {other} of the account {other.account.code}.",
                    hint="End the other one first, or give one of them another priority, tech prefix or switch.",
                    account=other.account.code,
                    identity=other.pk,
                )
            there.setdefault(row.value, []).append(row)
    return Conflict("identity_overlap", "An equal identity holds at the same time.")


def _clash(one: Identity, other: Identity) -> bool:
    fields = ("kind", "value", "tech_prefix", "priority", "switch")
    begins = [row.valid_from for row in (one, other) if row.valid_from is not None]
    ends = [row.valid_to for row in (one, other) if row.valid_to is not None]
    return (
        all(getattr(one, field) == getattr(other, field) for field in fields)
        and (one.side == other.side or IdentitySide.BOTH in (one.side, other.side))
        and (not begins or not ends or max(begins) < min(ends))
    )

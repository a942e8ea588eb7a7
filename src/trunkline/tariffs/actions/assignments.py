"""Writes of who has which tariff."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import require_aware
from trunkline.kit.db.locks import lock_rows
from trunkline.parties.models import Account
from trunkline.tariffs.choices import Service, Side
from trunkline.tariffs.lineage import lock_parents
from trunkline.tariffs.models import AccountTariff, Tariff
from trunkline.tariffs.rules import UNIT_OF_SERVICE

POSITION_MAX = 32767


def assign_tariff(
    *,
    account: Account,
    tariff: Tariff,
    side: str,
    service: str = Service.VOICE,
    position: int | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    at: datetime,
) -> AccountTariff:
    """Give an account a tariff: what it pays us (sell) or what we pay it (buy) for a service.

    Without a position it becomes the last of the list. Raises Invalid `unknown_side`, `unknown_service`, `wrong_unit`
    (voice in octets), `not_a_customer`, `not_a_vendor`, `bad_position`, `validity_order`; Conflict `place_is_taken`, `parent_of_bought`
    (a tariff with a parent is only sold).
    """
    if side not in Side.values:
        raise Invalid("unknown_side", f"{side!r} is no side.", hint="Use sell or buy.")
    if service not in Service.values:
        raise Invalid("unknown_service", f"{service!r} is no service.", hint=f"Use {', '.join(Service.values)}.")
    unit = UNIT_OF_SERVICE[service]
    if tariff.unit != unit:
        raise Invalid("wrong_unit", f"{service} is counted in units of a {unit}, {tariff.name} in {tariff.unit}s.")
    for bound in (valid_from, valid_to):
        if bound is not None:
            require_aware(bound)
    if valid_from is not None and valid_to is not None and valid_from >= valid_to:
        raise Invalid("validity_order", "An assignment ends after it begins.")
    with transaction.atomic():
        (account,) = lock_rows(Account.objects.all(), [account.pk])
        _require_role(account, side)
        if side == Side.BUY:
            _require_no_parent(tariff)
        mine = AccountTariff.objects.filter(account=account, side=side, service=service)
        if position is None:
            position = (mine.aggregate(last=Max("position"))["last"] or 0) + 1
        if not 0 <= position <= POSITION_MAX:
            raise Invalid("bad_position", f"A position is a number from 0 to {POSITION_MAX}.")
        row = AccountTariff(
            account=account,
            side=side,
            service=service,
            position=position,
            tariff=tariff,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        _save(row)
    return row


def end_assignment(*, assignment_id: int, valid_to: datetime, at: datetime) -> AccountTariff:
    """Let an account have a tariff until that instant; before its beginning means never.

    Raises NotFound; Conflict `place_is_taken` if a later end meets the next one in its place.
    """
    require_aware(valid_to)
    with transaction.atomic():
        (row,) = lock_rows(AccountTariff.objects.all(), [assignment_id])
        row.valid_to = max(valid_to, row.valid_from) if row.valid_from else valid_to
        _save(row)
    return row


def _require_role(account: Account, side: str) -> None:
    if side == Side.SELL and not account.is_customer:
        raise Invalid("not_a_customer", f"{account.code} is no customer.", hint="Make it one first.")
    if side == Side.BUY and not account.is_vendor:
        raise Invalid("not_a_vendor", f"{account.code} is no vendor.", hint="Make it one first.")


def _require_no_parent(tariff: Tariff) -> None:
    lock_parents()
    if Tariff.objects.filter(pk=tariff.pk, parent__isnull=False).exists():
        raise Conflict(
            "parent_of_bought",
            f"{tariff.name} takes over the rates of another tariff; such a one is only sold.",
            hint="Give the vendor a tariff of its own.",
        )


def _save(row: AccountTariff) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "tariffs_accounttariff_place_is_taken" not in str(error):
            raise
        raise Conflict(
            "place_is_taken",
            f"Position {row.position} of the {row.side} list for {row.service} has a tariff at that time.",
            hint="End that one first, or take another position.",
        ) from error

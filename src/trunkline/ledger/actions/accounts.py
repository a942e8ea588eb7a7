"""Writes of ledger accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.ledger.actions.locks import own_book, writing
from trunkline.ledger.choices import AccountClass
from trunkline.ledger.models import LedgerAccount, Posting
from trunkline.ledger.queries import find_account, funds
from trunkline.ledger.rules import OWN_CLASSES, TYPES, class_of, code_for

CODE_LENGTH_MAX = 120
FIXED = ("type", "currency", "no_overdraft", "opened_on")


def ensure_account(
    *,
    code: str,
    type: str | None = None,  # noqa: A002 - the field's own word
    currency: str,
    name: str,
    no_overdraft: bool = False,
    opened_on: date | None = None,
    at: datetime,
) -> LedgerAccount:
    """The account of that code, made where it is missing; calling it again changes nothing.

    `code` begins with a class (`choices.AccountClass`) and goes on with whose it is: `receivable:acme`. `type` follows from the
    class and may be left out. Raises Invalid `unknown_account_class`, `bad_account_code`, `account_type`, `unknown_currency`;
    Conflict `account_differs` if there is one with another currency, overdraft rule or first day.
    """
    expected = TYPES[class_of(code)].value
    if type is not None and type != expected:
        raise Invalid("account_type", f"{code} is an account of type {expected}, not {type}.", code=code)
    if len(code) > CODE_LENGTH_MAX or not code.partition(":")[2].strip() or "\x00" in code:
        raise Invalid(
            "bad_account_code",
            f"{code[:CODE_LENGTH_MAX]!r} is no code of a ledger account.",
            hint="Write it like receivable:acme.",
        )
    wanted = {
        "type": expected,
        "currency": get_currency(currency).code,
        "no_overdraft": no_overdraft,
        "opened_on": opened_on,
    }
    found = find_account(code)
    if found is None:
        try:
            with transaction.atomic():
                return LedgerAccount.objects.create(code=code, name=name, created_at=at, **wanted)
        except IntegrityError:  # somebody else made it just now
            found = find_account(code)
            if found is None:
                raise
    _require_same(found, wanted)
    return found


def _require_same(found: LedgerAccount, wanted: dict[str, Any]) -> None:
    differs = [name for name in FIXED if getattr(found, name) != wanted[name]]
    if differs:
        said = ", ".join(f"{name} is {getattr(found, name)}, not {wanted[name]}" for name in differs)
        raise Conflict(
            "account_differs",
            f"The ledger account {found.code} is there already: {said}.",
            code=found.code,
            differs=differs,
        )


def ensure_chart(*, currency: str, at: datetime) -> dict[AccountClass, LedgerAccount]:
    """The tenant's own accounts in a currency (revenue, cost of traffic, tax, rounding, exchange, bank, ...), made where missing, by class."""
    currency = get_currency(currency).code
    codes = {account_class: code_for(account_class, currency) for account_class in OWN_CLASSES}
    found = _by_code(codes.values())
    missing = [account_class for account_class, code in codes.items() if code not in found]
    if missing:
        made = [
            LedgerAccount(
                code=codes[account_class],
                name=f"{account_class.value.replace('_', ' ').capitalize()} {currency}",
                type=TYPES[account_class].value,
                currency=currency,
                created_at=at,
            )
            for account_class in missing
        ]
        LedgerAccount.objects.bulk_create(made, ignore_conflicts=True)  # somebody else may be making them just now
        found = _by_code(codes.values())
    for account_class, code in codes.items():
        wanted = {"type": TYPES[account_class].value, "currency": currency, "no_overdraft": False, "opened_on": None}
        _require_same(found[code], wanted)
    return {account_class: found[code] for account_class, code in codes.items()}


def _by_code(codes: Iterable[str]) -> dict[str, LedgerAccount]:
    return {account.code: account for account in LedgerAccount.objects.filter(code__in=list(codes))}


def close_account(*, code: str, closed_on: date, at: datetime) -> LedgerAccount:
    """Let no entry of `closed_on` or later use the account. Closing it again for the same day changes nothing.

    Raises NotFound; Conflict `account_not_empty` (a balance or something pending is left), `account_in_use` (entries on later days),
    `account_closed` (for another day), Invalid `account_dates`.
    """
    with writing():
        own_book()
        account = LedgerAccount.objects.select_for_update(no_key=True).filter(code=code).first()
        if account is None:
            raise NotFound("ledger_account_not_found", f"There is no ledger account {code!r}.", code=code)
        if account.closed_on == closed_on:
            return account
        _check_closing(account, closed_on)
        account.closed_on = closed_on
        account.save(update_fields=["closed_on"])
    return account


def _check_closing(account: LedgerAccount, closed_on: date) -> None:
    code = account.code
    if account.closed_on is not None:
        raise Conflict("account_closed", f"{code} is closed already, on {account.closed_on}.", code=code)
    if account.opened_on is not None and closed_on <= account.opened_on:
        raise Invalid("account_dates", f"{code} opens on {account.opened_on}.", code=code)
    standing = funds([account.pk])[account.pk]
    if standing.posted or standing.pending_debit or standing.pending_credit:
        raise Conflict("account_not_empty", f"{code} is not empty.", hint="Bring its balance to zero first.", code=code)
    if Posting.objects.filter(account=account, booked_on__gte=closed_on).exists():
        raise Conflict("account_in_use", f"{code} has entries on {closed_on} or later.", code=code)

"""Writes of accounts, their billing profiles and contacts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.money import Amount
from trunkline.core.period import first_instant, get_zone
from trunkline.kit.db.locks import lock_rows
from trunkline.ledger.actions import ensure_account
from trunkline.parties.choices import AccountStatus, BillingPeriod, ContactRole
from trunkline.parties.models import Account, BillingProfile, Contact, Identity

_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,4})?", re.ASCII)
_TAG = re.compile(r"[^\s,][^,]{0,59}")
_LEDGER_ACCOUNTS = {
    "receivable": "Receivable",
    "unbilled_receivable": "Unbilled receivable",
    "payable": "Payable",
    "unbilled_payable": "Unbilled payable",
}
CAPACITY_MAX = 2**31 - 1
TAX_PERCENT_MAX = 1000
_NO_CREDIT = Amount(0)


def create_billing_profile(
    *,
    code: str,
    name: str,
    address: str = "",
    tax_number: str = "",
    tax_name: str = "",
    tax_percent: Decimal = Decimal(0),
    period: str = BillingPeriod.MONTH,
    payment_terms_days: int = 30,
    language: str = "",
    at: datetime,
) -> BillingProfile:
    """Make a billing profile.

    `language` is that of its documents, such as `fr` or `pt-BR`; without it they are in the seller's.
    Raises Invalid `bad_short_name`, `bad_name`, `bad_billing_profile`; Conflict `billing_profile_exists`.
    """
    profile = BillingProfile(
        code=_code(code),
        name=_name(name),
        address=address.strip(),
        tax_number=tax_number.strip(),
        tax_name=tax_name.strip(),
        tax_percent=tax_percent,
        period=period,
        payment_terms_days=payment_terms_days,
        language=language,
    )
    _check_profile(profile)
    try:
        with transaction.atomic():
            profile.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("billing_profile_exists", f"There is a billing profile {code!r} already.") from error
    return profile


def change_billing_profile(*, profile_id: int, at: datetime, **changes: Any) -> BillingProfile:
    """Change fields of a billing profile, for every account that has it. Invoices that are issued stay as they are.

    Takes the fields of `create_billing_profile` but its code. Raises NotFound, Invalid `bad_billing_profile`.
    """
    allowed = {"name", "address", "tax_number", "tax_name", "tax_percent", "period", "payment_terms_days", "language"}
    _require_known(changes, allowed)
    with transaction.atomic():
        (profile,) = lock_rows(BillingProfile.objects.all(), [profile_id])
        for field, value in changes.items():
            setattr(profile, field, value.strip() if isinstance(value, str) else value)
        _check_profile(profile)
        profile.save(update_fields=list(changes))
    return profile


def create_account(
    *,
    code: str,
    name: str,
    currency: str,
    timezone: str,
    is_customer: bool = True,
    is_vendor: bool = False,
    parent: Account | None = None,
    billing_profile: BillingProfile | None = None,
    credit_limit: Amount = _NO_CREDIT,
    capacity: int | None = None,
    tags: Iterable[str] = (),
    at: datetime,
) -> Account:
    """Make an account with its four ledger accounts; without a billing profile it gets one of its own, free of tax.

    Raises Invalid `unknown_currency`, `unknown_timezone`, `bad_short_name`, `bad_name`, `bad_account`; Conflict
    `account_exists`.
    """
    code, name = _code(code), _name(name)
    currency = get_currency(currency).code
    get_zone(timezone)
    if not (is_customer or is_vendor):
        raise Invalid("bad_account", "An account is a customer, a vendor, or both.")
    limit: Any = credit_limit  # the stubs take every DecimalField for a Decimal
    account = Account(
        code=code,
        name=name,
        currency=currency,
        timezone=timezone,
        is_customer=is_customer,
        is_vendor=is_vendor,
        parent=parent,
        credit_limit=limit,
        capacity=_capacity(capacity),
        tags=_tags(tags),
        created_at=at,
    )
    with transaction.atomic():
        if Account.objects.filter(code=code).exists():
            raise Conflict("account_exists", f"There is an account {code!r} already.")
        account.billing_profile = billing_profile or create_billing_profile(code=code, name=name, at=at)
        for field, words in _LEDGER_ACCOUNTS.items():
            opened = ensure_account(code=f"{field}:{code}", currency=currency, name=f"{words} {name}"[:200], at=at)
            setattr(account, field, opened)
        try:
            with transaction.atomic():
                account.save(force_insert=True)
        except IntegrityError as error:
            raise Conflict("account_exists", f"There is an account {code!r} already.") from error
    return account


def change_account(*, account_id: int, at: datetime, **changes: Any) -> Account:
    """Change an account: name, timezone, is_customer, is_vendor, parent, billing_profile, credit_limit, capacity, tags.

    Code and currency never change: books and usage are kept in them. Raises NotFound, Invalid `unknown_timezone`,
    `bad_name`, `bad_account` (no role left, a parent below itself).
    """
    allowed = {
        "name", "timezone", "is_customer", "is_vendor", "parent", "billing_profile", "credit_limit", "capacity", "tags",
    }  # fmt: skip
    _require_known(changes, allowed)
    forms: dict[str, Callable[[Any], Any]] = {"name": _name, "capacity": _capacity, "tags": _tags}
    with transaction.atomic():
        (account,) = lock_rows(Account.objects.all(), [account_id])
        for field, value in changes.items():
            setattr(account, field, forms[field](value) if field in forms else value)
        get_zone(account.timezone)
        if not (account.is_customer or account.is_vendor):
            raise Invalid("bad_account", "An account is a customer, a vendor, or both.")
        if "parent" in changes:
            _require_no_circle(account)
        account.save(update_fields=list(changes))
    return account


def suspend_account(*, account_id: int, at: datetime) -> Account:
    """Mark an account as not to be served for now. Raises NotFound; Conflict `account_closed`."""
    return _set_status(account_id, AccountStatus.SUSPENDED)


def resume_account(*, account_id: int, at: datetime) -> Account:
    """Serve a suspended account again. Raises NotFound; Conflict `account_closed`."""
    return _set_status(account_id, AccountStatus.ACTIVE)


def _set_status(account_id: int, status: AccountStatus) -> Account:
    with transaction.atomic():
        (account,) = lock_rows(Account.objects.all(), [account_id])
        if account.status == AccountStatus.CLOSED:
            raise Conflict("account_closed", f"The account {account.code} was closed on {account.closed_on}.")
        account.status = status
        account.save(update_fields=["status"])
    return account


def close_account(*, account_id: int, closed_on: date, at: datetime) -> Account:
    """Close an account: from the first instant of that local day nothing is told to be its any more.

    Its identities end there; those that would have begun later end as they begin, and so hold never. What it used
    before is still rated and invoiced. Raises NotFound; Conflict `account_closed` if it was closed on another day.
    """
    with transaction.atomic():
        (account,) = lock_rows(Account.objects.all(), [account_id])
        if account.status == AccountStatus.CLOSED:
            if account.closed_on == closed_on:
                return account
            raise Conflict("account_closed", f"The account {account.code} was closed on {account.closed_on}.")
        end = first_instant(closed_on, get_zone(account.timezone))
        later = Identity.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=end), account=account)
        later.update(valid_to=Greatest(end, F("valid_from")))  # greatest() skips a null
        account.status, account.closed_on = AccountStatus.CLOSED, closed_on
        account.save(update_fields=["status", "closed_on"])
    return account


def add_contact(
    *,
    account: Account,
    name: str,
    role: str = ContactRole.GENERAL,
    email: str = "",
    phone: str = "",
    note: str = "",
    at: datetime,
) -> Contact:
    """Add a contact to an account. Raises Invalid `bad_name`, `bad_contact`."""
    contact = Contact(
        account=account, name=_name(name), role=role, email=email.strip(), phone=phone.strip(), note=note.strip()
    )
    if contact.email:
        try:
            validate_email(contact.email)
        except ValidationError as error:
            raise Invalid("bad_contact", f"{contact.email!r} is no e-mail address.") from error
    _check(contact, "bad_contact")
    contact.save(force_insert=True)
    return contact


def _require_known(changes: dict[str, Any], allowed: set[str]) -> None:
    unknown = sorted(set(changes) - allowed)
    if unknown:
        raise TypeError(f"cannot be changed: {', '.join(unknown)}")


def _require_no_circle(account: Account) -> None:
    above, seen = account.parent, {account.pk}
    while above is not None:
        if above.pk in seen:
            raise Invalid("bad_account", f"{account.code} would be above itself.")
        seen.add(above.pk)
        above = above.parent


def _check(row: Any, code: str) -> None:
    """Field rules of a model, without the database's. Raises Invalid."""
    try:
        row.clean_fields(exclude=[field.name for field in row._meta.fields if field.is_relation])
    except ValidationError as error:
        said = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
        raise Invalid(code, said) from error
    for field in row._meta.fields:
        if "\x00" in str(field.value_from_object(row)):
            raise Invalid(code, f"{field.name}: a NUL character is no text.")


def _check_profile(profile: BillingProfile) -> None:
    _check(profile, "bad_billing_profile")
    if not 0 <= profile.tax_percent <= TAX_PERCENT_MAX:
        raise Invalid("bad_billing_profile", f"A tax is from 0 to {TAX_PERCENT_MAX} percent.")
    if profile.language and not _LANGUAGE.fullmatch(profile.language):
        raise Invalid(
            "bad_billing_profile",
            f"{profile.language[:80]!r} is no code of a language.",
            hint="Write it as fr or pt-BR.",
        )


def _code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise Invalid(
            "bad_short_name",
            f"{code[:80]!r} is no short name.",
            hint="Use lower-case letters, digits, dot, dash and underscore, at most 60.",
        )
    return code


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise Invalid("bad_name", "A name has 1 to 200 printable characters.")
    return name


def _capacity(capacity: int | None) -> int | None:
    if capacity is not None and not 0 <= capacity <= CAPACITY_MAX:
        raise Invalid("bad_account", f"A capacity is a number of calls from 0 to {CAPACITY_MAX}.")
    return capacity


def _tags(tags: Iterable[str]) -> list[str]:
    found = sorted({tag.strip() for tag in tags})
    for tag in found:
        if not _TAG.fullmatch(tag):
            raise Invalid("bad_account", f"{tag[:80]!r} is no tag.", hint="Use up to 60 characters and no comma.")
    return found

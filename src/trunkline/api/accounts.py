"""Accounts: customers and vendors."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Currency, Day, Id, Money, Name, Percent, ShortName, Zone, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.core.money import Amount
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.parties import actions
from trunkline.parties.actions.accounts import CAPACITY_MAX
from trunkline.parties.choices import AccountStatus, BillingPeriod
from trunkline.parties.models import Account
from trunkline.parties.queries import access_account, accounts
from trunkline.tenancy.queries import current_tenant

router = Router(tags=["accounts"])


class Billing(Body):
    """To whom and how an account is invoiced. Shared by all accounts of one billing profile."""

    name: str = Field(default="", max_length=200, description="The name in the invoice's address.")
    address: str = Field(default="", max_length=2000, description="The lines below the name.")
    tax_number: str = Field(default="", max_length=60)
    tax_name: str = Field(default="", max_length=40, examples=["VAT"])
    tax_percent: Percent = "0"
    period: BillingPeriod = Field(default=BillingPeriod.MONTH)
    payment_terms_days: int = Field(default=30, ge=0, le=32767)
    language: str = Field(default="", max_length=10, description="Of its documents; empty: the seller's.")


class BillingShown(Billing):
    """The billing profile of an account."""

    code: str


class NewAccount(Body):
    """An account to be made. Without a billing profile's `code` it has one of its own."""

    code: ShortName
    name: Name
    currency: Currency | None = Field(default=None, description="The tenant's if left out. Never changes.")
    timezone: Zone | None = Field(default=None, description="The tenant's if left out.")
    is_customer: bool = True
    is_vendor: bool = False
    parent_id: Id | None = None
    credit_limit: Money = "0"
    capacity: int | None = Field(default=None, ge=0, le=CAPACITY_MAX, description="Simultaneous calls; null: no limit.")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(default=[], max_length=100)
    billing: Billing | None = None


class AccountChange(Body):
    """What of an account is changed; what is left out stays."""

    name: Name | None = None
    timezone: Zone | None = None
    is_customer: bool | None = None
    is_vendor: bool | None = None
    parent_id: Id | None = None
    credit_limit: Money | None = None
    capacity: int | None = Field(default=None, ge=0, le=CAPACITY_MAX)
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] | None = Field(default=None, max_length=100)
    billing: Billing | None = None


class Closing(Body):
    """When an account is closed."""

    closed_on: Day = Field(description="First local day on which it is no longer served.")


class AccountShown(Body):
    """A customer, a vendor, or both at once."""

    id: UUID
    code: str
    name: str
    parent_id: UUID | None
    is_customer: bool
    is_vendor: bool
    currency: str
    timezone: str
    status: AccountStatus
    closed_on: date | None
    credit_limit: Money
    capacity: int | None
    tags: list[str]
    billing: BillingShown
    created_at: datetime


def shown(account: Account) -> AccountShown:
    """An account as the API shows it."""
    profile = account.billing_profile
    return AccountShown(
        id=account.public_id,
        code=account.code,
        name=account.name,
        parent_id=account.parent and account.parent.public_id,
        is_customer=account.is_customer,
        is_vendor=account.is_vendor,
        currency=account.currency,
        timezone=account.timezone,
        status=AccountStatus(account.status),
        closed_on=account.closed_on,
        credit_limit=str(account.credit_limit),
        capacity=account.capacity,
        tags=account.tags,
        billing=BillingShown(
            code=profile.code,
            name=profile.name,
            address=profile.address,
            tax_number=profile.tax_number,
            tax_name=profile.tax_name,
            tax_percent=f"{profile.tax_percent.normalize():f}",
            period=BillingPeriod(profile.period),
            payment_terms_days=profile.payment_terms_days,
            language=profile.language,
        ),
        created_at=account.created_at,
    )


ACCOUNTS = listing.Listing(
    schema=AccountShown,
    row=shown,
    sorts={"code": "code", "name": "name", "created_at": "created_at"},
    filters={
        "code": listing.text("code", prefix=True),
        "name": listing.text("name", prefix=True),
        "status": listing.choice("status", AccountStatus),
        "is_customer": listing.boolean("is_customer"),
        "is_vendor": listing.boolean("is_vendor"),
        "currency": listing.text("currency"),
        "parent_id": listing.public_id("parent__public_id"),
        "tag": listing.element("tags"),
        "created_at": listing.instant("created_at"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.ACCOUNTS_READ),
    response=answers(page_of(AccountShown)),
    openapi_extra={"parameters": ACCOUNTS.parameters},
)
def list_accounts(request: HttpRequest) -> JsonResponse:
    """List the accounts."""
    return ACCOUNTS.answer(request, accounts())


@router.post("", auth=ApiKey(Permission.ACCOUNTS_WRITE), response=answers(AccountShown, 404, 409, status=201))
def create_account(request: HttpRequest, response: HttpResponse, account: NewAccount) -> Status[Any]:
    """Make an account."""
    own = current_tenant()
    given = account.model_dump(exclude={"parent_id", "billing", "credit_limit", "currency", "timezone"})
    made = actions.create_account(
        **given,
        currency=account.currency or own.currency,
        timezone=account.timezone or own.timezone,
        parent=access_account(account.parent_id) if account.parent_id else None,
        credit_limit=Amount.from_text(account.credit_limit),
        at=now(),
    )
    _change_billing(made, account.billing)
    answer = shown(access_account(str(made.public_id)))
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, show(response, answer))


@router.get("/{account_id}", auth=ApiKey(Permission.ACCOUNTS_READ), response=answers(AccountShown, 404))
def get_account(request: HttpRequest, response: HttpResponse, account_id: Id) -> Any:
    """An account."""
    return show(response, shown(access_account(account_id)))


@router.patch("/{account_id}", auth=ApiKey(Permission.ACCOUNTS_WRITE), response=answers(AccountShown, 404, 409, 412))
def change_account(request: HttpRequest, response: HttpResponse, account_id: Id, change: AccountChange) -> Any:
    """Change an account, or its billing profile for all who share it."""
    account = _locked(request, account_id)
    given: dict[str, Any] = change.model_dump(exclude_unset=True, exclude={"parent_id", "billing", "credit_limit"})
    if "parent_id" in change.model_fields_set:
        given["parent"] = access_account(change.parent_id) if change.parent_id else None
    if change.credit_limit is not None:
        given["credit_limit"] = Amount.from_text(change.credit_limit)
    required = {"name", "timezone", "is_customer", "is_vendor", "tags"}  # null says nothing of these
    given = {name: value for name, value in given.items() if value is not None or name not in required}
    if given:
        actions.change_account(account_id=account.pk, at=now(), **given)
    _change_billing(account, change.billing)
    return show(response, shown(access_account(account_id)))


@router.post(
    "/{account_id}/suspend", auth=ApiKey(Permission.ACCOUNTS_SUSPEND), response=answers(AccountShown, 404, 409, 412)
)
def suspend_account(request: HttpRequest, response: HttpResponse, account_id: Id) -> Any:
    """Mark an account as not to be served for now; what comes all the same is still rated."""
    actions.suspend_account(account_id=_locked(request, account_id).pk, at=now())
    return show(response, shown(access_account(account_id)))


@router.post(
    "/{account_id}/resume", auth=ApiKey(Permission.ACCOUNTS_SUSPEND), response=answers(AccountShown, 404, 409, 412)
)
def resume_account(request: HttpRequest, response: HttpResponse, account_id: Id) -> Any:
    """Serve a suspended account again."""
    actions.resume_account(account_id=_locked(request, account_id).pk, at=now())
    return show(response, shown(access_account(account_id)))


@router.post(
    "/{account_id}/close", auth=ApiKey(Permission.ACCOUNTS_SUSPEND), response=answers(AccountShown, 404, 409, 412)
)
def close_account(request: HttpRequest, response: HttpResponse, account_id: Id, closing: Closing) -> Any:
    """Close an account: from that day on nothing is told to be its."""
    actions.close_account(account_id=_locked(request, account_id).pk, closed_on=closing.closed_on, at=now())
    return show(response, shown(access_account(account_id)))


def _locked(request: HttpRequest, account_id: str) -> Account:
    """The account, held until the request ends, if it is still as the request has seen it."""
    lock_rows(Account.objects.all(), [access_account(account_id).pk])
    account = access_account(account_id)
    require_match(request, shown(account))
    return account


def _change_billing(account: Account, billing: Billing | None) -> None:
    if billing is not None and billing.model_fields_set:
        given: dict[str, Any] = billing.model_dump(exclude_unset=True)
        if "tax_percent" in given:
            given["tax_percent"] = Decimal(given["tax_percent"])
        actions.change_billing_profile(profile_id=account.billing_profile_id, at=now(), **given)

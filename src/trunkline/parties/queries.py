"""Every read of the parties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F, Q, QuerySet

from trunkline.core.errors import NotFound
from trunkline.kit.db.kept import Kept
from trunkline.parties.kinds import IdentityKind, IdentitySide
from trunkline.parties.models import Account, BillingProfile, Contact, Identity

if TYPE_CHECKING:
    from trunkline.parties.rules import IdentityRow, Resolver

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def accounts() -> QuerySet[Account]:
    """All accounts of the tenant, by code."""
    return Account.objects.select_related("billing_profile", "parent").order_by("code")


# Asked for at every request about an account.
_BY_PUBLIC_ID = Kept(lambda public_id: accounts().order_by().filter(public_id=public_id), UUID(int=1))


def find_account(code: str) -> Account | None:
    """The account of that code."""
    return accounts().filter(code=code).first()


def get_account(code: str) -> Account:
    """The account of that code. Raises NotFound `account_not_found`."""
    found = find_account(code)
    if found is None:
        raise NotFound(
            "account_not_found", f"There is no account {code!r}.", hint="`trunkline account list` shows them."
        )
    return found


def access_account(public_id: str) -> Account:
    """The account of that public id. Raises NotFound `account_not_found`, with one text for what is absent and what is another tenant's."""
    try:
        found = _BY_PUBLIC_ID.find(UUID(public_id))
    except ValueError:
        found = None
    if found is None:
        raise NotFound("account_not_found", "There is no such account.")
    return found


def account_codes(public_ids: Iterable[str]) -> list[str]:
    """The codes of the accounts of those public ids. Raises NotFound `account_not_found`, with one text for absent and another tenant's."""
    try:
        wanted = [UUID(each) for each in public_ids]
    except ValueError:
        wanted, found = [UUID(int=0)], {}
    else:
        found = dict(Account.objects.filter(public_id__in=wanted).values_list("public_id", "code"))
    if any(each not in found for each in wanted):
        raise NotFound("account_not_found", "There is no such account.")
    return [found[each] for each in wanted]


def ledger_account_ids(public_id: UUID) -> list[int]:
    """The ledger accounts of the account of that public id; none where there is no such account."""
    columns = ("receivable_id", "unbilled_receivable_id", "payable_id", "unbilled_payable_id")
    found = Account.objects.filter(public_id=public_id).values_list(*columns).first()
    return [] if found is None else list(found)


def find_billing_profile(code: str) -> BillingProfile | None:
    """The billing profile of that code."""
    return BillingProfile.objects.filter(code=code).first()


def contacts(account: Account) -> QuerySet[Contact]:
    """The contacts of an account, in the order in which they were added."""
    return Contact.objects.filter(account=account).order_by("id")


def identities(account: Account | None = None) -> QuerySet[Identity]:
    """The identities of an account, or all, by kind and value, the earlier ones first."""
    found = Identity.objects.select_related("account")
    if account is not None:
        found = found.filter(account=account)
    return found.order_by("kind", "value", "tech_prefix", F("valid_from").asc(nulls_first=True), "id")


def get_identity(identity_id: int) -> Identity:
    """The identity of that id. Raises NotFound `identity_not_found`."""
    found = Identity.objects.select_related("account").filter(pk=identity_id).first()
    if found is None:
        raise NotFound("identity_not_found", f"There is no identity {identity_id}.")
    return found


def identity_rows() -> list[IdentityRow]:
    """The whole book of identities, as the rules take it."""
    return _rows_of(Identity.objects.order_by("id"))


def identity_rows_naming(fields: Mapping[str, str | None]) -> list[IdentityRow]:
    """The identities, of any side, switch and time, whose value is in those fields of a record or holds its address.

    `fields` are named as `IdentityKind.column`. For a record with a calling number one identity by a calling number of
    each side and switch is among them, whoever it names: whether a book knows callers decides between unknown and none
    (docs/algorithms/identification.md, rule 4).
    """
    from trunkline.parties.rules import enclosing_networks

    named = Q()
    for kind in IdentityKind:
        value = fields.get(kind.column)
        if value:
            values = enclosing_networks(value) if kind is IdentityKind.IP else [value]
            named |= Q(kind=kind.value, value__in=values)
    if not named:
        return []
    if fields.get(IdentityKind.CALLING.column):
        callers = Identity.objects.filter(kind=IdentityKind.CALLING.value).order_by("side", "switch", "id")
        named |= Q(pk__in=callers.distinct("side", "switch").values("id"))
    return _rows_of(Identity.objects.filter(named).order_by("id"))


def _rows_of(identities: QuerySet[Identity]) -> list[IdentityRow]:
    from trunkline.parties.rules import IdentityRow  # with Arrow: whoever looks up an account need not load that

    fields = ("account_id", "kind", "side", "value", "tech_prefix", "switch", "priority", "valid_from", "valid_to")
    return [
        IdentityRow(
            account,
            _KINDS[kind],
            _SIDES[side],
            value,
            prefix,
            switch,
            priority,
            _milliseconds(begin),
            _milliseconds(end),
        )
        for account, kind, side, value, prefix, switch, priority, begin, end in identities.values_list(*fields)
    ]


_KINDS = {kind.value: kind for kind in IdentityKind}
_SIDES = {side.value: side for side in IdentitySide}


def resolver(switch: str | None) -> Resolver:
    """What tells whose the records of that switch are, by the identities as they stand now."""
    from trunkline.parties.rules import Resolver

    return Resolver.compile(identity_rows(), switch=switch)


def _milliseconds(instant: datetime | None) -> int | None:
    # Starts are kept to the millisecond; a bound that is finer than that takes effect with the next one.
    return None if instant is None else -((_EPOCH - instant) // _MILLISECOND)

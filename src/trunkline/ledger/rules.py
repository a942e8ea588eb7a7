"""What may be posted: which accounts a kind of entry may touch, what makes two requests the same, what an account can spare.

Pure decisions: no database, no clock. docs/algorithms/ledger.md says the same in words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import content_key
from trunkline.core.money import Amount
from trunkline.ledger.choices import AccountClass, AccountType, EntryKind

KEY_LENGTH_MAX: Final = 200
REFERENCE_LENGTH_MAX: Final = 200
LINES_MAX: Final = 32_767  # smallint, the column that counts them

TYPES: Final[Mapping[AccountClass, AccountType]] = MappingProxyType(
    {
        AccountClass.RECEIVABLE: AccountType.ASSET,
        AccountClass.UNBILLED_RECEIVABLE: AccountType.ASSET,
        AccountClass.PAYABLE: AccountType.LIABILITY,
        AccountClass.UNBILLED_PAYABLE: AccountType.LIABILITY,
        AccountClass.WALLET: AccountType.LIABILITY,
        AccountClass.REVENUE: AccountType.INCOME,
        AccountClass.TRAFFIC_COST: AccountType.EXPENSE,
        AccountClass.TAX_PAYABLE: AccountType.LIABILITY,
        AccountClass.ROUNDING: AccountType.EXPENSE,
        AccountClass.FX_CLEARING: AccountType.ASSET,
        AccountClass.BANK: AccountType.ASSET,
        AccountClass.SUSPENSE: AccountType.LIABILITY,
        AccountClass.BAD_DEBT: AccountType.EXPENSE,
        AccountClass.CORRECTIONS: AccountType.EXPENSE,
    }
)

_A = AccountClass
_INVOICE = frozenset({_A.RECEIVABLE, _A.UNBILLED_RECEIVABLE, _A.REVENUE, _A.TAX_PAYABLE, _A.ROUNDING})

# A balanced entry can still be nonsense: a payment that credits revenue. Direction is left open, because a re-rating and
# an invoice with a negative total are the same kinds turned round. A reversal touches what the reversed kind may.
MOVES: Final[Mapping[EntryKind, frozenset[AccountClass]]] = MappingProxyType(
    {
        EntryKind.USAGE_SELL: frozenset({_A.UNBILLED_RECEIVABLE, _A.REVENUE}),
        EntryKind.USAGE_BUY: frozenset({_A.TRAFFIC_COST, _A.UNBILLED_PAYABLE}),
        EntryKind.USAGE_WALLET: frozenset({_A.WALLET, _A.REVENUE, _A.TAX_PAYABLE}),
        EntryKind.INVOICE: _INVOICE,
        EntryKind.INVOICE_VOID: _INVOICE,
        EntryKind.VENDOR_BILL: frozenset({_A.UNBILLED_PAYABLE, _A.PAYABLE, _A.ROUNDING}),
        EntryKind.PAYMENT: frozenset({_A.BANK, _A.SUSPENSE, _A.RECEIVABLE, _A.WALLET}),
        EntryKind.PAYOUT: frozenset({_A.BANK, _A.PAYABLE}),
        EntryKind.NETTING: frozenset({_A.RECEIVABLE, _A.PAYABLE}),
        EntryKind.EXCHANGE: frozenset({_A.FX_CLEARING, _A.BANK, _A.RECEIVABLE, _A.PAYABLE, _A.WALLET, _A.ROUNDING}),
        EntryKind.WRITE_OFF: frozenset({_A.BAD_DEBT, _A.RECEIVABLE}),
        EntryKind.ADJUSTMENT: frozenset(AccountClass) - {_A.BANK, _A.FX_CLEARING},
        EntryKind.REVERSAL: frozenset(AccountClass),
    }
)

# Kinds that may stand in `reverses`, and of what.
REVERSING: Final[Mapping[EntryKind, frozenset[EntryKind]]] = MappingProxyType(
    {
        EntryKind.REVERSAL: frozenset(EntryKind),
        EntryKind.INVOICE_VOID: frozenset({EntryKind.INVOICE}),
    }
)

OWN_CLASSES: Final = (
    _A.REVENUE,
    _A.TRAFFIC_COST,
    _A.TAX_PAYABLE,
    _A.ROUNDING,
    _A.FX_CLEARING,
    _A.BANK,
    _A.SUSPENSE,
    _A.BAD_DEBT,
    _A.CORRECTIONS,
)
PARTY_CLASSES: Final = (_A.RECEIVABLE, _A.UNBILLED_RECEIVABLE, _A.PAYABLE, _A.UNBILLED_PAYABLE, _A.WALLET)


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One posting to be: so much on one account, debit above zero, credit below."""

    account_id: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be. `key` names the request for ever; everything else is its body.

    `timeout_s` makes it pending: it only reserves, and releases by itself that many seconds after it was posted (0: never).
    """

    key: str
    kind: str
    booked_on: date
    lines: Sequence[Line]
    reference: str = ""
    reverses_id: int | None = None
    settles_id: int | None = None
    timeout_s: int | None = None

    @property
    def is_pending(self) -> bool:
        return self.timeout_s is not None

    @property
    def ordered_lines(self) -> list[Line]:
        """The lines in the order in which they are kept: that of accounts, then amounts. A body has no order of its own."""
        return sorted(self.lines)

    def expires_at(self, at: datetime) -> datetime | None:
        """When the reservation made `at` is over, None if never."""
        return at + timedelta(seconds=self.timeout_s) if self.timeout_s else None

    def body_hash(self) -> str:
        """SHA-256 of everything the caller said, the key included. The same request has the same hash on every machine."""
        parts: list[str | int | None] = [self.key, self.kind, self.booked_on.isoformat(), self.reference]
        parts += [self.reverses_id, self.settles_id, self.timeout_s]
        for line in self.ordered_lines:
            parts += [line.account_id, line.amount.units]
        return content_key(*parts)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the rules need to know of a ledger account."""

    id: int
    code: str
    type: str
    currency: str
    no_overdraft: bool
    opened_on: date | None
    closed_on: date | None

    @property
    def sign(self) -> int:
        return natural_sign(self.type)


@dataclass(frozen=True, slots=True)
class Funds:
    """What stands on an account, in units of 10^-8, debit above zero. `pending_debit` is zero or above, `pending_credit` zero or below."""

    posted: int
    pending_debit: int
    pending_credit: int

    def available(self, sign: int) -> int:
        """What can be taken out: posted less what pending entries may take. What they may bring does not count."""
        return sign * self.posted + (self.pending_credit if sign > 0 else -self.pending_debit)

    def posting(self, amounts: Iterable[int]) -> Funds:
        """With the lines of an entry on this account added."""
        return Funds(self.posted + sum(amounts), self.pending_debit, self.pending_credit)

    def reserving(self, amounts: Iterable[int]) -> Funds:
        """With the lines of a pending entry on this account added."""
        return self._pending(list(amounts), 1)

    def releasing(self, amounts: Iterable[int]) -> Funds:
        """With the lines of a pending entry on this account taken back."""
        return self._pending(list(amounts), -1)

    def _pending(self, amounts: list[int], times: int) -> Funds:
        debit, credit = sum(a for a in amounts if a > 0), sum(a for a in amounts if a < 0)
        return Funds(self.posted, self.pending_debit + times * debit, self.pending_credit + times * credit)


def natural_sign(account_type: str) -> int:
    """1 where a debit makes the balance grow (assets, expenses), -1 where a credit does (liabilities, income)."""
    return 1 if account_type in (AccountType.ASSET, AccountType.EXPENSE) else -1


def class_of(code: str) -> AccountClass:
    """What an account of that code is for. Raises Invalid `unknown_account_class`."""
    word = code.partition(":")[0]
    try:
        return AccountClass(word)
    except ValueError:
        known = ", ".join(AccountClass)
        raise Invalid(
            "unknown_account_class", f"{word!r} is no class of ledger accounts.", hint=f"Known: {known}.", account=code
        ) from None


def code_for(account_class: AccountClass, owner: str) -> str:
    """The code of an account: `receivable:acme` for a party, `revenue:USD` for the tenant's own in a currency."""
    return f"{account_class.value}:{owner}"


def kind_of(kind: str) -> EntryKind:
    """The kind of that name. Raises Invalid `unknown_entry_kind`."""
    try:
        return EntryKind(kind)
    except ValueError:
        raise Invalid(
            "unknown_entry_kind", f"{kind!r} is no kind of entry.", hint=f"Known: {', '.join(EntryKind)}.", kind=kind
        ) from None


def check_draft(draft: Draft, accounts: Mapping[int, AccountFacts], closed_through: date | None) -> None:
    """Everything that can be said about a draft without looking at balances.

    Raises Invalid: `bad_key`, `bad_reference`, `unknown_entry_kind`, `too_few_lines`, `too_many_lines`, `zero_amount`, `unbalanced`,
    `move_not_allowed`, `not_reversible`, `bad_timeout`; NotFound `ledger_account_not_found`; Conflict `period_closed`, `account_not_open`.
    """
    if not draft.key or len(draft.key) > KEY_LENGTH_MAX or "\x00" in draft.key:
        raise Invalid("bad_key", f"A key has 1 to {KEY_LENGTH_MAX} characters.", key=draft.key[:KEY_LENGTH_MAX])
    if len(draft.reference) > REFERENCE_LENGTH_MAX or "\x00" in draft.reference:
        raise Invalid("bad_reference", f"A reference has up to {REFERENCE_LENGTH_MAX} characters.", key=draft.key)
    if draft.timeout_s is not None and draft.timeout_s < 0:
        raise Invalid("bad_timeout", "A time-out is not negative.", key=draft.key)
    kind = kind_of(draft.kind)
    if (kind is EntryKind.REVERSAL and draft.reverses_id is None) or (
        draft.reverses_id is not None and kind not in REVERSING
    ):
        raise Invalid(
            "not_reversible",
            f"Entry {draft.key!r}: a {kind} {'says' if kind in REVERSING else 'never says'} what it reverses.",
            key=draft.key,
        )
    if len(draft.lines) < 2:
        raise Invalid("too_few_lines", f"Entry {draft.key!r} needs at least two lines.", key=draft.key)
    if len(draft.lines) > LINES_MAX:
        raise Invalid("too_many_lines", f"Entry {draft.key!r} has more than {LINES_MAX} lines.", key=draft.key)
    if closed_through is not None and draft.booked_on <= closed_through:
        raise Conflict(
            "period_closed",
            f"The books are closed through {closed_through}; entry {draft.key!r} of {draft.booked_on} is too late.",
            hint="Book it on a later day.",
            key=draft.key,
            booked_on=draft.booked_on,
            closed_through=closed_through,
        )
    totals: dict[str, int] = defaultdict(int)
    for line in draft.lines:
        account = accounts.get(line.account_id)
        if account is None:
            raise NotFound(
                "ledger_account_not_found", f"There is no ledger account {line.account_id}.", account_id=line.account_id
            )
        _check_line(draft, line, account, kind)
        totals[account.currency] += line.amount.units
    for currency, total in sorted(totals.items()):
        if total:
            raise Invalid(
                "unbalanced",
                f"The lines of entry {draft.key!r} do not add up to zero in {currency}: {Amount(total)} is left.",
                key=draft.key,
                currency=currency,
                rest=str(Amount(total)),
            )


def _check_line(draft: Draft, line: Line, account: AccountFacts, kind: EntryKind) -> None:
    if not line.amount:
        raise Invalid(
            "zero_amount",
            f"Entry {draft.key!r} has a line of zero on {account.code}.",
            key=draft.key,
            account=account.code,
        )
    if class_of(account.code) not in MOVES[kind]:
        raise Invalid(
            "move_not_allowed",
            f"An entry of kind {kind} does not touch {account.code}.",
            key=draft.key,
            kind=kind.value,
            account=account.code,
        )
    is_early = account.opened_on is not None and draft.booked_on < account.opened_on
    if is_early or (account.closed_on is not None and draft.booked_on >= account.closed_on):
        raise Conflict(
            "account_not_open",
            f"The ledger account {account.code} is {'not open yet' if is_early else 'closed'} on {draft.booked_on}.",
            key=draft.key,
            account=account.code,
            opened_on=account.opened_on,
            closed_on=account.closed_on,
        )


def check_reversal(draft: Draft, original: Draft) -> None:
    """Whether `draft` takes back `original`: a kind that may, and every line turned round.

    Raises Invalid `not_reversible`, `not_the_opposite`.
    """
    if original.is_pending:
        why = "a pending entry is voided"
    elif kind_of(original.kind) not in REVERSING.get(kind_of(draft.kind), frozenset()):
        why = f"{draft.kind} does not reverse {original.kind}"
    elif draft.is_pending:
        why = "a reversal cannot be pending"
    else:
        if sorted(draft.lines) != sorted(opposite(original.lines)):
            raise Invalid(
                "not_the_opposite", f"Entry {draft.key!r} is not the opposite of {original.key!r}.", key=draft.key
            )
        return
    raise Invalid("not_reversible", f"Entry {original.key!r} cannot be reversed so: {why}.", key=draft.key)


def opposite(lines: Iterable[Line]) -> list[Line]:
    """Every line turned round."""
    return [Line(line.account_id, -line.amount) for line in lines]


def check_part(draft: Draft, pending: Draft, expires_at: datetime | None, at: datetime) -> None:
    """Whether `draft` posts all or a part of what `pending` reserves, in time: per account and direction no more.

    Raises Invalid `not_pending`, `not_a_settlement`, `exceeds_pending`; Conflict `reservation_expired`.
    """
    if not pending.is_pending:
        raise Invalid("not_pending", f"Entry {pending.key!r} is not pending.", key=draft.key)
    if draft.is_pending or draft.kind != pending.kind:
        raise Invalid(
            "not_a_settlement",
            f"Entry {draft.key!r} must be a posted {pending.kind} like what it settles.",
            key=draft.key,
        )
    if expires_at is not None and expires_at <= at:
        raise Conflict(
            "reservation_expired",
            f"The reservation {pending.key!r} ended at {expires_at}.",
            key=draft.key,
            expires_at=expires_at,
        )
    left = _by_direction(pending.lines)
    for (account_id, is_debit), units in _by_direction(draft.lines).items():
        if units > left.get((account_id, is_debit), 0):
            raise Invalid(
                "exceeds_pending",
                f"Entry {draft.key!r} takes more than {pending.key!r} reserves.",
                key=draft.key,
                account_id=account_id,
            )


def _by_direction(lines: Iterable[Line]) -> dict[tuple[int, bool], int]:
    found: dict[tuple[int, bool], int] = defaultdict(int)
    for line in lines:
        found[line.account_id, line.amount.units > 0] += abs(line.amount.units)
    return found


def differences(first: Draft, second: Draft) -> list[str]:
    """What two bodies under one key differ in, in the words of the fields: `kind`, `booked_on`, ..., `accounts` or `amount`."""
    names = ("kind", "booked_on", "reference", "reverses_id", "settles_id", "timeout_s")
    found = [name.removesuffix("_id") for name in names if getattr(first, name) != getattr(second, name)]
    if {line.account_id for line in first.lines} != {line.account_id for line in second.lines}:
        found.append("accounts")
    elif first.ordered_lines != second.ordered_lines:
        found.append("amount")
    return found

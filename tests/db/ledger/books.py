"""Words for tests of the books: accounts by code, lines as text, balances by code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from trunkline.core.money import Amount
from trunkline.ledger import actions, queries
from trunkline.ledger.actions import Draft, Line
from trunkline.ledger.models import LedgerAccount

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = date(2026, 3, 1)
GUARDED = ("wallet",)


def account(code: str, *, currency: str = "USD") -> LedgerAccount:
    """The account of that code, made where missing; wallets may not be overdrawn."""
    found = queries.find_account(code)
    if found is not None:
        return found
    owner = code.partition(":")[2]
    wanted = owner if len(owner) == 3 and owner.isupper() else currency
    no_overdraft = code.startswith(GUARDED)
    return actions.ensure_account(code=code, currency=wanted, name=code, no_overdraft=no_overdraft, at=AT)


def lines(text: str) -> list[Line]:
    """`bank:USD 5; wallet:ann -5` as lines."""
    found = []
    for part in filter(None, map(str.strip, text.split(";"))):
        code, amount = part.split()
        found.append(Line(account(code).pk, Amount.from_text(amount)))
    return found


def draft(key: str, text: str, *, kind: str = "payment", day: date = DAY, reference: str = "") -> Draft:
    return Draft(key=key, kind=kind, booked_on=day, lines=lines(text), reference=reference)


def top_up(owner: str, amount: int, *, key: str = "top-up", minute: int = 0) -> None:
    actions.post_many([draft(key, f"bank:USD {amount}; wallet:{owner} {-amount}")], at=AT + timedelta(minutes=minute))


def spend(owner: str, amount: str, *, key: str, at: datetime = AT) -> None:
    actions.post_many([draft(key, f"wallet:{owner} {amount}; revenue:USD -{amount}", kind="usage_wallet")], at=at)


def standing(codes: Sequence[str] = ()) -> dict[str, str]:
    """Balances by code, debit above zero; only those of `codes` if given."""
    return {row.account.code: str(row.posted) for row in queries.balances() if not codes or row.account.code in codes}

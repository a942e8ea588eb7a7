"""Every write of the books. All run inside an open scope, except `keep_refusals`, which a door puts around its scope."""

from trunkline.ledger.actions.accounts import close_account, ensure_account, ensure_chart
from trunkline.ledger.actions.balances import drop_balances, rebuild_balances, refresh_balances
from trunkline.ledger.actions.pending import expire_due, reserve, settle, void
from trunkline.ledger.actions.periods import close_period
from trunkline.ledger.actions.posting import post, post_many, reverse
from trunkline.ledger.actions.refusals import keep_refusals, refuse
from trunkline.ledger.rules import Draft, Line

__all__ = [
    "Draft",
    "Line",
    "close_account",
    "close_period",
    "drop_balances",
    "ensure_account",
    "ensure_chart",
    "expire_due",
    "keep_refusals",
    "post",
    "post_many",
    "rebuild_balances",
    "refresh_balances",
    "refuse",
    "reserve",
    "reverse",
    "settle",
    "void",
]

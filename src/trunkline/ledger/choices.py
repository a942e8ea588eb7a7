"""Words of the books. Plain enumerations, because `rules.py` decides with them and knows no Django."""

from __future__ import annotations

from enum import StrEnum


class AccountType(StrEnum):
    """What the balance of an account says."""

    ASSET = "asset"  # what the tenant has or is owed
    LIABILITY = "liability"  # what the tenant owes
    INCOME = "income"  # what it earned
    EXPENSE = "expense"  # what it spent


class AccountClass(StrEnum):
    """What an account is for: the first word of its code (`receivable:acme`, `revenue:USD`)."""

    # One per party.
    RECEIVABLE = "receivable"  # invoiced to a customer and not yet paid
    UNBILLED_RECEIVABLE = "unbilled_receivable"  # used by a customer and not yet invoiced
    PAYABLE = "payable"  # billed by a vendor and not yet paid
    UNBILLED_PAYABLE = "unbilled_payable"  # used of a vendor and not yet billed
    WALLET = "wallet"  # money a customer paid in advance
    # One per currency, the tenant's own.
    REVENUE = "revenue"  # what usage and plans earned
    TRAFFIC_COST = "traffic_cost"  # what vendors charge for traffic
    TAX_PAYABLE = "tax_payable"  # tax on invoices, owed to the state
    ROUNDING = "rounding"  # what invoice lines lose or gain at the minor unit
    FX_CLEARING = "fx_clearing"  # the two halves of an exchange
    BANK = "bank"  # money on the tenant's own bank and gateway accounts
    SUSPENSE = "suspense"  # money received whose payer is not yet known
    BAD_DEBT = "bad_debt"  # receivables given up
    CORRECTIONS = "corrections"  # counterpart of what a person corrects by hand


class EntryKind(StrEnum):
    """What happened. `rules.MOVES` says which accounts each kind may touch."""

    USAGE_SELL = "usage_sell"  # a batch: used by a customer
    USAGE_BUY = "usage_buy"  # a batch: used of a vendor
    USAGE_WALLET = "usage_wallet"  # usage paid from a wallet
    INVOICE = "invoice"  # unbilled becomes receivable, with tax
    INVOICE_VOID = "invoice_void"  # an invoice taken back
    VENDOR_BILL = "vendor_bill"  # unbilled becomes payable
    PAYMENT = "payment"  # money came in
    PAYOUT = "payout"  # money went to a vendor
    NETTING = "netting"  # what one party owes and is owed, set against each other
    EXCHANGE = "exchange"  # one currency against another, each balanced by its clearing account
    WRITE_OFF = "write_off"  # a receivable given up
    ADJUSTMENT = "adjustment"  # a correction by a person
    REVERSAL = "reversal"  # the exact opposite of an earlier entry


class Outcome(StrEnum):
    """How a pending entry ended. Once, and for ever."""

    POSTED = "posted"  # all or part was posted, the rest released
    VOIDED = "voided"  # released, by the caller
    EXPIRED = "expired"  # released, because its time was over

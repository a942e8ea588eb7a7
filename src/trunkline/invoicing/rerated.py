"""What a re-rating does to the money of accounts, and to documents that are issued already. Needs an open scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline.core.money import Amount
from trunkline.invoicing.queries import documents_of
from trunkline.parties.models import Account
from trunkline.usage.rerate import Moved


def by_account(moved: Sequence[Moved]) -> list[dict[str, Any]]:
    """By side and account: records, the money before and after, and the difference, as text of the account's currency."""
    sums: dict[tuple[str, int], list[int]] = {}
    for each in moved:
        line = sums.setdefault((each.side, each.account_id), [0, 0, 0])
        for index, value in enumerate((each.records, each.before, each.after)):
            line[index] += value
    accounts = {row.pk: row for row in Account.objects.filter(pk__in={account_id for _, account_id in sums})}
    lines = [
        {
            "side": side,
            "account": accounts[account_id].code,
            "currency": accounts[account_id].currency,
            "records": records,
            "before": str(Amount(before)),
            "after": str(Amount(after)),
            "difference": str(Amount(after - before)),
        }
        for (side, account_id), (records, before, after) in sums.items()
    ]
    return sorted(lines, key=lambda line: (line["side"] != "sell", line["account"]))


def by_invoice(moved: Sequence[Moved]) -> list[dict[str, Any]]:
    """What the documents that bill these records would have said otherwise."""
    days = {(each.batch_id, each.account_id, each.day) for each in moved if each.side == "sell"}
    documents = documents_of(days)
    sums: dict[str, int] = {}
    names: dict[str, tuple[str, str]] = {}
    for each in moved:
        document = documents.get((each.batch_id, each.account_id, each.day)) if each.side == "sell" else None
        if document is not None:
            sums[document.number] = sums.get(document.number, 0) + each.after - each.before
            names[document.number] = (document.account.code, document.currency)
    return [
        {"invoice": number, "account": names[number][0], "currency": names[number][1], "difference": str(Amount(units))}
        for number, units in sorted(sums.items())
    ]

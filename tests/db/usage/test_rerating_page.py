"""The worked tables of docs/algorithms/rerating.md."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow.parquet as pq

from tests.db.usage.carrier import Carrier, line
from tests.db.usage.test_rerate import apply, assert_proved, rows, set_price
from tests.places import ROOT
from trunkline.ledger.models import Posting
from trunkline.parties.models import Account
from trunkline.tariffs.models import Rate
from trunkline.usage.asked import Asked
from trunkline.usage.models import Rollup
from trunkline.usage.segments import live_segments

PAGE = ROOT / "docs/algorithms/rerating.md"


def table(first_column: str) -> list[list[str]]:
    lines = PAGE.read_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    found = []
    for each in lines[begin + 2 :]:
        if not each.startswith("|"):
            break
        found.append([cell.strip() for cell in each.strip("|").split("|")])
    return found


def records(carrier: Carrier) -> list[tuple[str, str, Decimal]]:
    with carrier.scope():
        codes = dict(Rate.objects.values_list("pk", "code"))
        found = rows([segment.path for segment in live_segments()])
    said = sorted(found, key=lambda record: str(record["key"]))
    return [(record["key"], codes[record["buy_rate_id"]], record["buy_amount"].normalize()) for record in said]


def test_the_table_of_the_page(carrier: Carrier) -> None:
    told = table("key")
    file = carrier.load(
        carrier.write(
            "a.csv",
            *(line(each[0], int(each[3]), called=each[1], start=datetime.fromisoformat(each[2])) for each in told),
        )
    )
    assert records(carrier) == [(each[0], each[4], Decimal(each[5]).normalize()) for each in told]
    set_price(carrier, "buy", "0:0.05/60/1", code="25471")
    (again,) = apply(carrier)
    assert records(carrier) == [(each[0], each[6], Decimal(each[7]).normalize()) for each in told]
    assert again.changed == sum(each[4] != each[6] for each in told)

    names = {file.pk: "file", again.pk: "re-rating"}
    with carrier.scope():
        sums = [
            [names[each.batch_id], str(each.day), each.rate.code if each.rate else ""]
            + [str(n) for n in (each.attempts, each.connected, each.raw_quantity, each.billed_quantity, each.amount)]
            for each in Rollup.objects.filter(side="buy").select_related("rate")
        ]
        booked: dict[str, dict[str, str]] = {}
        for posting in Posting.objects.filter(entry__key__startswith=f"batch:{again.pk}:buy:").select_related(
            "entry", "account"
        ):
            kind = "unbilled" if posting.account_id == carrier.accounts["vend"].unbilled_payable_id else "cost"
            booked.setdefault(str(posting.entry.booked_on), {})[kind] = str(posting.amount)
    assert sorted(sums) == sorted(table("batch"))
    assert [[day, each["cost"], each["unbilled"]] for day, each in sorted(booked.items())] == table("booked on")
    assert_proved(carrier)


def told(carrier: Carrier) -> list[list[str]]:
    """Call, account, day and amount of the sell side of every record; of a reject its reason."""
    with carrier.scope():
        codes: dict[int | None, str] = {None: "nobody", **dict(Account.objects.values_list("pk", "code"))}
        records = rows([segment.path for segment in live_segments()])
        found = [
            [each["key"], codes[each["sell_account_id"]], str(each["sell_local_day"] or ""), plain(each["sell_amount"])]
            for each in records
        ]
        for segment in live_segments(kind="reject"):
            rejects = pq.read_table(segment.path, columns=["key", "reason"], partitioning=None).to_pylist()
            found += [[each["key"], each["reason"], "", ""] for each in rejects]
    return sorted(found)


def plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def test_the_table_of_whose_it_is(carrier: Carrier) -> None:
    said = table("call")
    carrier.add_customer("birch", "0:0.12/60/60")
    carrier.give_trunk("gone", "cust")
    calls = [line(each[0], int(each[3]), start=datetime.fromisoformat(each[2]), trunk_in=each[1]) for each in said]
    file = carrier.load(carrier.write("a.csv", *calls))
    assert told(carrier) == [[each[0], *each[4:7]] for each in said]
    carrier.give_trunk("in", "birch", since=datetime(2026, 3, 2, 12, tzinfo=UTC))
    carrier.give_trunk("gone", "")
    (again,) = apply(carrier, Asked(is_told_anew=True))
    assert told(carrier) == [[each[0], *each[7:]] for each in said]
    assert (again.changed, again.rejected) == (4, 1)

    names = {file.pk: "file", again.pk: "re-rating"}
    with carrier.scope():
        sums = [
            [names[each.batch_id], each.account.code, str(each.day)]
            + [str(n) for n in (each.attempts, each.connected, each.raw_quantity, each.billed_quantity, each.amount)]
            for each in Rollup.objects.filter(side="sell").select_related("account")
        ]
        booked: dict[tuple[str, str], dict[str, str]] = {}
        for posting in Posting.objects.filter(entry__key__startswith=f"batch:{again.pk}:sell:").select_related(
            "entry", "account"
        ):
            code = Account.objects.get(pk=int(posting.entry.key.split(":")[3])).code
            kind = posting.account.code.partition(":")[0]
            booked.setdefault((code, str(posting.entry.booked_on)), {})[kind] = str(posting.amount)
    assert sorted(sums) == sorted(table("told by"))
    assert [[*key, each["unbilled_receivable"], each["revenue"]] for key, each in sorted(booked.items())] == table("of")
    assert_proved(carrier)

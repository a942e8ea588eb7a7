"""The worked table of docs/algorithms/rerating.md."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tests.db.usage.carrier import Carrier, line
from tests.db.usage.test_rerate import apply, assert_proved, rows, set_price
from tests.places import ROOT
from trunkline.ledger.models import Posting
from trunkline.tariffs.models import Rate
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

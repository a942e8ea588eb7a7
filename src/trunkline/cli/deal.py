"""`trunkline deal`: swap deals, how far they are, what they are worth."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, say, table, tenant_scope
from trunkline.cli.shown import print_rows
from trunkline.core.errors import Invalid, NotFound

app = typer.Typer(help="Swap deals: minutes that a partner and we promise each other.", no_args_is_help=True)

Text = str | None
Texts = list[str] | None
NameArgument = Annotated[str, typer.Argument(help="Name of the deal.")]
CurrencyOption = Annotated[Text, typer.Option(help="Currency of its prices; the partner's if left out.")]
FromOption = Annotated[Text, typer.Option("--from", help="First day of the first period, like 2026-03-01.")]
DaysOption = Annotated[int | None, typer.Option(help="Days of a period.")]
MonthsOption = Annotated[int | None, typer.Option(help="Months of a period; 1 if left out.")]
RepeatsOption = Annotated[int | None, typer.Option(help="How many periods follow each other; 1 if left out.")]
AlertOption = Annotated[
    int | None, typer.Option(help="Alarm when less than so many percent is expected at the end; 0: never.")
]
MailOption = Annotated[Texts, typer.Option(help="Mail address that is told of alarms; several times.")]
NoteOption = Annotated[Text, typer.Option(help="What else was agreed.")]


@app.command("add")
def add_deal(
    name: NameArgument,
    tenant: TenantOption,
    account: Annotated[str, typer.Option(help="Short name of the partner.")],
    start: Annotated[str, typer.Option("--from", help="First day of the first period, like 2026-03-01.")],
    currency: CurrencyOption = None,
    days: DaysOption = None,
    months: MonthsOption = None,
    repeats: RepeatsOption = None,
    alert_below: AlertOption = None,
    mail: MailOption = None,
    note: NoteOption = None,
) -> None:
    """Make a deal with a partner; its items are added next."""
    from trunkline.parties.queries import get_account
    from trunkline.pricing.actions import create_deal

    terms = _terms(start, days, months, repeats, alert_below, mail, note)
    with tenant_scope(tenant):
        partner = get_account(account)
        create_deal(name=name, account=partner, currency=currency or partner.currency, at=now(), **terms)
    say(f"deal {name} made; add what is promised with `trunkline deal item`")


@app.command("set")
def set_deal(
    name: NameArgument,
    tenant: TenantOption,
    rename: Annotated[Text, typer.Option(help="What it shall be called.")] = None,
    start: FromOption = None,
    currency: CurrencyOption = None,
    days: DaysOption = None,
    months: MonthsOption = None,
    repeats: RepeatsOption = None,
    alert_below: AlertOption = None,
    mail: MailOption = None,
    note: NoteOption = None,
) -> None:
    """Change the terms that are given of a deal; the others stay."""
    from trunkline.pricing.actions import change_deal
    from trunkline.pricing.deals.queries import get_deal

    terms = _terms(start, days, months, repeats, alert_below, mail, note)
    terms |= {key: value for key, value in (("name", rename), ("currency", currency)) if value is not None}
    with tenant_scope(tenant):
        change_deal(deal_id=get_deal(name).pk, **terms)
    say(f"deal {name} changed")


@app.command("item")
def add_deal_item(
    name: NameArgument,
    tenant: TenantOption,
    direction: Annotated[str, typer.Argument(help="inbound: the partner sends to us; outbound: we send.")],
    minutes: Annotated[int, typer.Option(help="Minutes that are promised in each period.")],
    price: Annotated[str, typer.Option(help="Price of a minute.")],
    beyond: Annotated[Text, typer.Option(help="Price of minutes beyond; the ordinary one if left out.")] = None,
    destination: Annotated[Texts, typer.Option(help="Name of a destination; several times.")] = None,
    code: Annotated[Texts, typer.Option(help="What codes of rates begin with; several times.")] = None,
) -> None:
    """Add a promise to a deal; without destinations and codes it is for all other traffic of that direction."""
    from trunkline.core.money import Price
    from trunkline.pricing.actions import add_item, make_item
    from trunkline.pricing.deals.queries import get_deal

    item = make_item(
        direction=direction,
        minutes=minutes,
        price=Price.from_text(price),
        beyond=None if beyond is None else Price.from_text(beyond),
        destinations=destination or (),
        codes=code or (),
    )
    with tenant_scope(tenant):
        made = add_item(deal_id=get_deal(name).pk, item=item)
    say(f"item {made.pk} added to {name}")


@app.command("item-remove")
def remove_deal_item(
    name: NameArgument,
    tenant: TenantOption,
    item: Annotated[int, typer.Argument(help="Number of the item, as `deal show` tells it.")],
) -> None:
    """Take a promise out of a deal."""
    from trunkline.pricing.actions import remove_item
    from trunkline.pricing.deals.queries import get_deal, items_of

    with tenant_scope(tenant):
        if item not in {each.pk for each in items_of([get_deal(name)])}:
            raise NotFound("not_found", f"The deal {name} has no item {item}.")
        remove_item(item_id=item)
    say(f"item {item} removed from {name}")


@app.command("archive")
def archive(name: NameArgument, tenant: TenantOption) -> None:
    """Look at a deal no more: it raises no alarms."""
    from trunkline.pricing.actions import archive_deal
    from trunkline.pricing.deals.queries import get_deal

    with tenant_scope(tenant):
        archive_deal(deal_id=get_deal(name).pk, at=now())
    say(f"deal {name} archived")


@app.command("restore")
def restore(name: NameArgument, tenant: TenantOption) -> None:
    """Look at an archived deal again."""
    from trunkline.pricing.actions import restore_deal
    from trunkline.pricing.deals.queries import get_deal

    with tenant_scope(tenant):
        restore_deal(deal_id=get_deal(name).pk)
    say(f"deal {name} is looked at again")


@app.command("list")
def list_deals(
    tenant: TenantOption,
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived.")] = False,
    json: JsonOption = False,
) -> None:
    """List deals with their status and the progress of the period of today."""
    from trunkline.pricing.deals.queries import deals, standings
    from trunkline.pricing.deals.told import standing_facts

    with tenant_scope(tenant):
        rows = [standing_facts(each) for each in standings(list(deals(is_archived=archived)), at=now())]
    if json:
        print_json({"deals": rows})
        return
    shown = [
        {
            "name": row["name"], "account": row["account"], "status": row["status"].replace("_", " "), "from": row["period"]["from"],
            "until": row["period"]["until"], "inbound": _percents(row, "inbound"), "outbound": _percents(row, "outbound"),
            "settlement": row["period"]["settlement"], "currency": row["currency"],
        }
        for row in rows
    ]  # fmt: skip
    headings = {name: name.capitalize() for name in (shown[0] if shown else ("name", "account", "status"))}
    print_rows("Swap deals", headings, shown, right=["settlement"] if shown else [])


def _percents(row: dict[str, Any], direction: str) -> str:
    found = [f"{each['percent']} %" for each in row["period"]["items"] if each["direction"] == direction]
    return ", ".join(found)


@app.command("show")
def show_deal(name: NameArgument, tenant: TenantOption, json: JsonOption = False) -> None:
    """Show a deal: what is promised, how far each item is in each period, what it is worth, and its alarms."""
    from trunkline.pricing.deals.queries import alarms, get_deal, standings
    from trunkline.pricing.deals.told import alarm_facts, period_facts, standing_facts

    with tenant_scope(tenant):
        deal = get_deal(name)
        (standing,) = standings([deal], at=now())
        facts = standing_facts(standing) | {"alarms": [alarm_facts(each) for each in alarms(deal)[:100]]}
        facts["periods"] = [period_facts(standing, each) for each in standing.periods]
    if json:
        print_json(facts)
        return
    _print(facts)


def _print(facts: dict[str, Any]) -> None:
    say(f"{facts['name']}: with {facts['account']}, {facts['status'].replace('_', ' ')}, in {facts['currency']}")
    columns = {
        "id": "Item", "direction": "Direction", "named": "For", "minutes": "Promised", "used_minutes": "Minutes", "percent": "%",
        "expected_minutes": "Expected", "forecast_on": "Forecast", "reached_on": "Reached", "ordinary": "Ordinary", "by_deal": "By the deal",
        "settlement": "Settlement", "shortfall": "Shortfall",
    }  # fmt: skip
    for period in facts["periods"]:
        rows = [
            each | {"named": ", ".join([*each["destinations"], *each["codes"]]) or "all other"}
            for each in period["items"]
        ]
        title = f"{period['from']} until before {period['until']}: {period['status'].replace('_', ' ')}"
        print_rows(title, columns, rows, right=["minutes", "used_minutes", "percent", "expected_minutes"])
    if facts["alarms"]:
        lines = [
            (each["raised_at"], each["kind"], each["detail"], each["cleared_at"] or "") for each in facts["alarms"]
        ]
        table("Alarms", ["Raised", "Kind", "What", "Cleared"], lines)


def _terms(
    start: Text,
    days: int | None,
    months: int | None,
    repeats: int | None,
    alert_below: int | None,
    mail: Texts,
    note: Text,
) -> dict[str, Any]:
    if days is not None and months is not None:
        raise Invalid("bad_period", "A period has days or months, not both.")
    given: dict[str, Any] = {"repeats": repeats, "alert_below": alert_below, "recipients": mail, "note": note}
    if start is not None:
        given["starts_on"] = _day(start)
    if days is not None or months is not None:
        given |= {"length": days or months, "unit": "days" if days is not None else "months"}
    return {name: value for name, value in given.items() if value is not None}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_date", f"{text[:40]!r} is no day.", hint="Write it like 2026-03-01.") from error

"""`trunkline special`: exclusive prices for destinations and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, say, tenant_scope
from trunkline.cli.shown import given_instant, print_rows, required_instant
from trunkline.core.period import utc_text

if TYPE_CHECKING:
    from trunkline.tariffs.models import SpecialRate

app = typer.Typer(help="Special rates: an exclusive price for a destination or a group.", no_args_is_help=True)

Text = str | None
SpecialArgument = Annotated[str, typer.Argument(help="Id of the special rate, as `special list` shows it.")]


@app.command("add")
def add(
    tariff: Annotated[str, typer.Argument(help="Name of the tariff.")],
    price: Annotated[str, typer.Argument(help="The price, at most 10 decimals.")],
    tenant: TenantOption,
    valid_from: Annotated[
        str, typer.Option("--from", help="When it begins: a date on the tariff's clock or an instant.")
    ],
    destination: Annotated[Text, typer.Option(help="The destination that it is for.")] = None,
    group: Annotated[Text, typer.Option(help="The group of destinations that it is for.")] = None,
    deck: Annotated[
        str, typer.Option(help="The deck that says which codes that is; the default one if left out.")
    ] = "",
    per: Annotated[str, typer.Option(help="Units that the price is for; 60 seconds, or one message or octet.")] = "",
    increments: Annotated[str, typer.Option(help="First and next, as 60/60; or steps, with an empty price.")] = "",
    setup_fee: Annotated[str, typer.Option(help="Charged once if anything is used.")] = "0",
    grace: Annotated[int, typer.Option(help="A smaller quantity is free.")] = 0,
    valid_to: Annotated[Text, typer.Option("--to", help="When it ends, open if left out; itself not included.")] = None,
    note: Annotated[str, typer.Option(help="Why there is this price; it stands in the history.")] = "",
    json: JsonOption = False,
) -> None:
    """Give a destination or a group an exclusive price; an earlier special rate of the same ends where this begins."""
    from trunkline.cli.rerate import tell
    from trunkline.core.money import Price
    from trunkline.engine.units import Unit
    from trunkline.pricing.deck_queries import destinations_named, get_deck, get_group
    from trunkline.tariffs.queries import get_tariff
    from trunkline.tariffs.rules import make_steps
    from trunkline.usage import price_changes

    with tenant_scope(tenant, reason=note):
        found = get_tariff(tariff)
        done = price_changes.create_special_rate(
            tariff=found,
            deck_id=get_deck(deck).pk,
            destination_id=destinations_named([destination])[destination] if destination else None,
            group_id=get_group(group).pk if group else None,
            steps=make_steps(price, per, increments, Unit(found.unit)),
            setup_fee=Price.from_text(setup_fee),
            grace=grace,
            valid_from=required_instant(valid_from, found.timezone),
            valid_to=given_instant(valid_to, found.timezone),
            note=note,
            at=now(),
        )
        facts = _facts(done.made.special) | {"rates": done.made.rates}
    if json:
        print_json(facts)
    else:
        say(f"special rate for {facts['target']} in {tariff}: {done.made.rates} rates written")
    tell(done.proposals, tenant)


@app.command("list")
def list_special(
    tenant: TenantOption,
    tariff: Annotated[Text, typer.Option(help="Only those of this tariff.")] = None,
    json: JsonOption = False,
) -> None:
    """List special rates, by tariff, the latest first."""
    from trunkline.pricing.deck_queries import special_rates
    from trunkline.tariffs.queries import get_tariff

    with tenant_scope(tenant):
        rows = [_facts(each) for each in special_rates(get_tariff(tariff) if tariff else None)]
    if json:
        print_json({"special_rates": rows})
        return
    columns = {
        "id": "Id", "tariff": "Tariff", "target": "For", "price": "Price", "valid_from": "From", "valid_to": "To", "deck": "Deck", "note": "Note",
    }  # fmt: skip
    print_rows("Special rates", columns, rows)


@app.command("end")
def end(
    special: SpecialArgument,
    tenant: TenantOption,
    on: Annotated[str, typer.Option(help="When it ends: a date on the tariff's clock or an instant.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")] = "",
    json: JsonOption = False,
) -> None:
    """Let a special rate end; the tariff's other rates hold again from then on."""
    from trunkline.cli.rerate import tell
    from trunkline.pricing.deck_queries import access_special_rate
    from trunkline.usage import price_changes

    with tenant_scope(tenant, reason=reason):
        found = access_special_rate(special)
        until = required_instant(on, found.tariff.timezone)
        done = price_changes.end_special_rate(special=found, valid_to=until, at=now())
        facts = _facts(access_special_rate(special))
    if json:
        print_json(facts | {"rates": done.made.rates})
    else:
        say(f"special rate for {facts['target']} ends {facts['valid_to']}: {done.made.rates} rates ended")
    tell(done.proposals, tenant)


def _facts(special: SpecialRate) -> dict[str, Any]:
    from trunkline.tariffs.rules import describe_steps, parse_steps

    return {
        "id": str(special.public_id), "tariff": special.tariff.name, "target": str(special.destination or special.group),
        "for": "destination" if special.group_id is None else "group", "deck": special.deck.name, "price": describe_steps(parse_steps(special.steps)),
        "setup_fee": str(special.setup_fee), "grace": special.grace, "valid_from": utc_text(special.valid_from), "valid_to": utc_text(special.valid_to),
        "note": special.note,
    }  # fmt: skip

"""`trunkline destination-group`: destinations that belong together."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, say, tenant_scope
from trunkline.cli.shown import print_rows

app = typer.Typer(help="Destination groups: for special rates, the generator and reports.", no_args_is_help=True)

Names = list[str] | None


@app.command("set")
def set_group(
    name: Annotated[str, typer.Argument(help="What the group is called, as EEA mobiles.")],
    tenant: TenantOption,
    add: Annotated[Names, typer.Option(help="A destination that joins it; several times.")] = None,
    remove: Annotated[Names, typer.Option(help="A destination that leaves it; several times.")] = None,
    country: Annotated[
        Names, typer.Option(help="Add what is in this country, as DE, or EEA for all of it; several times.")
    ] = None,
    kind: Annotated[
        Names,
        typer.Option(help="With --country only destinations of this kind: fixed, mobile, special; several times."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    rename: Annotated[str | None, typer.Option(help="Another name for it.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")] = "",
) -> None:
    """Make a group of destinations, or change one: who joins it and who leaves. Special rates for it follow."""
    from trunkline.pricing.deck_queries import destinations_in, destinations_named, group_destinations
    from trunkline.tariffs.actions import change_group, create_group
    from trunkline.tariffs.models import DestinationGroup

    with tenant_scope(tenant, reason=reason):
        joins = set(destinations_named(add or []).values())
        if country:
            joins.update(destinations_in(country, kind or []))
        leaves = set(destinations_named(remove or []).values())
        known = DestinationGroup.objects.filter(name=name).first()
        if known is None:
            group = create_group(name=name, destination_ids=joins - leaves, note=note or "", at=now())
            count = len(joins - leaves)
        else:
            there = set(group_destinations(known).values_list("pk", flat=True))
            members = (there | joins) - leaves
            group = change_group(
                group_id=known.pk,
                name=rename,
                note=note,
                destination_ids=members if members != there else None,
                at=now(),
            )
            count = len(members)
    say(f"group {group.name} has {count} destinations")


@app.command("list")
def list_groups(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the groups of destinations with how many each has."""
    from trunkline.pricing.deck_queries import destination_groups, member_counts

    with tenant_scope(tenant):
        found = list(destination_groups())
        counts = member_counts([each.pk for each in found])
    rows = [{"name": each.name, "destinations": counts.get(each.pk, 0), "note": each.note} for each in found]
    if json:
        print_json({"groups": rows})
        return
    columns = {"name": "Name", "destinations": "Destinations", "note": "Note"}
    print_rows("Destination groups", columns, rows, right=["destinations"])


@app.command("show")
def show_group(
    name: Annotated[str, typer.Argument(help="Name of the group.")], tenant: TenantOption, json: JsonOption = False
) -> None:
    """Show the destinations of a group."""
    from trunkline.pricing.deck_queries import get_group, group_destinations

    with tenant_scope(tenant):
        group = get_group(name)
        rows = [
            {"destination": each.name, "country": each.country, "kind": each.kind} for each in group_destinations(group)
        ]
    if json:
        print_json({"name": group.name, "note": group.note, "destinations": rows})
        return
    print_rows(group.name, {key: key.capitalize() for key in ("destination", "country", "kind")}, rows)

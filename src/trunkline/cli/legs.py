"""`trunkline usage legs`: what waits for its partner, and what has waited too long."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, say, table, tenant_scope


def legs(
    tenant: TenantOption,
    expire: Annotated[
        bool, typer.Option("--expire", help="First let the legs that have waited too long go on alone.")
    ] = False,
    calls: Annotated[bool, typer.Option("--list", help="Every leg, the oldest first, instead of sums.")] = False,
    switch: Annotated[str, typer.Option(help="Only those of this switch.")] = "",
    limit: Annotated[int, typer.Option(help="With --list: so many.")] = 100,
    json: JsonOption = False,
) -> None:
    """Show the legs of calls that wait for their partner. The worker lets those go on alone that have waited too long, once an hour."""
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.usage.expiry import expire as let_go
    from trunkline.usage.queries import access_switch, list_waiting, sum_waiting

    batches = let_go(get_tenant_id(tenant), now=now) if expire else []
    with tenant_scope(tenant):
        switch_id = access_switch(switch).pk if switch else None
        rows = list_waiting(switch_id=switch_id, limit=limit) if calls else sum_waiting(switch_id=switch_id, at=now())
    if json:
        print_json({"legs": rows} if calls else {"expired_batches": len(batches), "switches": rows})
        return
    if expire:
        say(f"{len(batches)} batches of legs that waited too long")
    if not rows:
        typer.echo("No legs wait.")
    elif calls:
        columns = ["Switch", "Call", "Leg", "Began", "Waits since", "File", "Record"]
        names = ("switch", "call", "kind", "at", "waits_since", "file", "raw")
        table("Legs that wait", columns, [[row[name] for name in names] for row in rows])
    else:
        columns = ["Switch", "Leg", "Legs", "Waits since", "Until", "Over"]
        sums = [[row[name] for name in ("switch", "kind", "legs", "waits_since", "until", "over")] for row in rows]
        table("Legs that wait", columns, sums, right=["Legs", "Over"])

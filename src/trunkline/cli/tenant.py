"""`trunkline tenant`: the operators that this installation serves."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, actor, now, print_json, table
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.queries import current_tenant, tenant_ids
from trunkline.tenancy.scope import scope

app = typer.Typer(help="The operators that this installation serves.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name on screens and documents.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the tenant's books and margins.")],
    timezone: Annotated[str, typer.Option(help="IANA zone of its reports.")] = "UTC",
    slug: Annotated[str, typer.Option(help="Short name for commands; made from the name if left out.")] = "",
) -> None:
    """Make a tenant."""
    tenant = create_tenant(name=name, currency=currency, timezone=timezone, slug=slug, actor=actor(), at=now())
    typer.echo(f"tenant {tenant.slug} made")


@app.command("list")
def list_tenants(json: JsonOption = False) -> None:
    """List all tenants."""
    rows = []
    for tenant_id in tenant_ids():
        with scope(tenant_id, actor()):
            tenant = current_tenant()
        rows.append(
            {
                "slug": tenant.slug,
                "name": tenant.name,
                "currency": tenant.currency,
                "timezone": tenant.timezone,
                "status": tenant.status,
            }
        )
    if json:
        print_json({"tenants": rows})
    else:
        table("Tenants", ["Short name", "Name", "Currency", "Zone", "Status"], [list(row.values()) for row in rows])

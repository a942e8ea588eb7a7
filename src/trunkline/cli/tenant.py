"""`trunkline tenant`: the operators that this installation serves."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, actor, now, print_json, table, tenant_scope
from trunkline.core.errors import Invalid
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.queries import current_tenant, tenant_ids
from trunkline.tenancy.rules import last_trial_day, standing_of
from trunkline.tenancy.scope import scope

app = typer.Typer(help="The operators that this installation serves.", no_args_is_help=True)

TenantArgument = Annotated[str, typer.Argument(help="Short name or name of the tenant.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the history.")]


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
                "status": standing_of(tenant, now()).value,
                "trial_last_day": last_trial_day(tenant),
            }
        )
    if json:
        print_json({"tenants": rows})
    else:
        columns = ["Short name", "Name", "Currency", "Zone", "Status", "Last day of trial"]
        table("Tenants", columns, [list(row.values()) for row in rows])


@app.command()
def extend(
    tenant: TenantArgument,
    until: Annotated[str, typer.Option(help="Last day of the trial, on the tenant's clock, such as 2026-03-31.")],
    reason: ReasonOption = "",
) -> None:
    """Let a trial end later; one that had ended goes on."""
    from trunkline.tenancy.actions import extend_trial

    with tenant_scope(tenant, reason=reason):
        changed = extend_trial(last_day=_day(until), at=now())
    typer.echo(f"the trial of {changed.slug} ends with {last_trial_day(changed)}")


@app.command()
def activate(tenant: TenantArgument, reason: ReasonOption = "") -> None:
    """Let a tenant work without an end: its trial is over, a suspension is lifted."""
    from trunkline.tenancy.actions import activate_tenant

    with tenant_scope(tenant, reason=reason):
        changed = activate_tenant()
    typer.echo(f"{changed.slug} is active")


@app.command()
def suspend(
    tenant: TenantArgument,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
) -> None:
    """Take nothing new from a tenant; what is there stays, and is read and exported."""
    from trunkline.tenancy.actions import suspend_tenant

    with tenant_scope(tenant, reason=reason):
        changed = suspend_tenant()
    typer.echo(f"{changed.slug} is suspended")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_day", f"{text!r} is no day.", hint="Write it like 2026-03-14.") from error

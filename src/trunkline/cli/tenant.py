"""`trunkline tenant`: the operators that this installation serves."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, actor, now, print_json, table, tenant_scope
from trunkline.core.errors import Invalid
from trunkline.core.octets import shown_octets
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


@app.command()
def quota(
    tenant: TenantArgument,
    size: Annotated[
        str, typer.Argument(help="Such as 50GB or 1.5TiB; none: without a limit; default: as the installation says.")
    ],
    reason: ReasonOption = "",
) -> None:
    """Say how much a tenant may store. What is there stays; where it is more, nothing new is taken."""
    from trunkline.tenancy.actions import set_quota
    from trunkline.tenancy.storage import quota_of, read_quota

    with tenant_scope(tenant, reason=reason):
        changed = set_quota(octets=read_quota(size))
    limit = quota_of(changed.quota_octets)
    said = "without a limit" if limit is None else f"up to {shown_octets(limit)}"
    typer.echo(f"{changed.slug} stores {said}")


@app.command()
def storage(
    tenant: TenantArgument,
    count: Annotated[
        bool, typer.Option("--count", help="Count the files now; once an hour that happens anyway.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show how much a tenant has stored, by folder, and how much it may."""
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.storage import count_storage, stored_by_folder
    from trunkline.tenancy.storage import storage as stored

    if count:
        count_storage(get_tenant_id(tenant), at=now())
    with tenant_scope(tenant):
        found, folders = stored(), stored_by_folder()
    if json:
        print_json(
            {"octets": found.octets, "quota_octets": found.quota, "counted_at": found.counted_at, "folders": folders}
        )
        return
    rows: list[list[object]] = [[name, shown_octets(octets)] for name, octets in folders.items()]
    rows.append(["altogether", shown_octets(found.octets)])
    rows.append(
        ["allowed", "no limit" if found.quota is None else f"{shown_octets(found.quota)}, {found.percent} % used"]
    )
    table("Stored", ["Where", "Size"], rows)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_day", f"{text!r} is no day.", hint="Write it like 2026-03-14.") from error

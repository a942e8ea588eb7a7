"""`trunkline staff`: who works for a tenant, and who runs the installation."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, TenantOption, actor, now, print_json, say, tenant_scope
from trunkline.cli.shown import print_rows
from trunkline.core.period import utc_text
from trunkline.identity.principal import command_line

app = typer.Typer(
    help="Who works for a tenant, in which role and from where; who runs the installation.", no_args_is_help=True
)

EmailArgument = Annotated[str, typer.Argument(help="E-mail address of the person.")]
ROLE_HELP = "owner, admin, finance, noc, support, read_only, or a role of the tenant's own."


@app.command()
def add(
    email: EmailArgument,
    tenant: TenantOption,
    role: Annotated[str, typer.Option(help=ROLE_HELP)],
    name: Annotated[str, typer.Option(help="Name that colleagues see.")] = "",
    network: Annotated[
        list[str] | None, typer.Option(help="Network they may work from; may be given several times; none: any.")
    ] = None,
) -> None:
    """Let a person work for a tenant, and print where they come in; the worker sends them the same by mail."""
    from trunkline.identity.actions import add_member
    from trunkline.identity.invitations import invitation_link
    from trunkline.identity.queries import get_role

    with tenant_scope(tenant) as tenant_id:
        member = add_member(
            email=email,
            role=get_role(role),
            name=name,
            allowed_networks=network or (),
            by=command_line(tenant_id, actor()),
            at=now(),
        )
        said = f"{member.user.email} works here as {member.role_name}"
    say(said)
    typer.echo(invitation_link(member.user))


@app.command("list")
def list_staff(
    tenant: TenantOption,
    left: Annotated[bool, typer.Option("--left", help="Also those who work here no more.")] = False,
    json: JsonOption = False,
) -> None:
    """List who works for a tenant."""
    from trunkline.identity.queries import memberships
    from trunkline.identity.rules import is_within

    with tenant_scope(tenant):
        rows = [
            {
                "email": member.user.email,
                "name": member.name,
                "role": member.role or member.role_name,
                "networks": member.allowed_networks if json else ", ".join(member.allowed_networks),
                "since": utc_text(member.valid_from),
                "until": utc_text(member.valid_to),
            }
            for member in memberships()
            if left or is_within(now(), member.valid_from, member.valid_to)
        ]
    columns = {"email": "E-mail", "name": "Name", "role": "Role", "networks": "Networks", "since": "Since", "until": "Until"}  # fmt: skip
    if json:
        print_json({"staff": rows})
    else:
        print_rows("Staff", columns, rows)


@app.command()
def role(
    email: EmailArgument,
    role: Annotated[str, typer.Argument(help=ROLE_HELP)],
    tenant: TenantOption,
) -> None:
    """Give somebody another role; it holds from their next request on."""
    from trunkline.identity.actions import change_member
    from trunkline.identity.queries import access_membership_of, get_role

    with tenant_scope(tenant) as tenant_id:
        member = change_member(
            membership_id=access_membership_of(email).pk,
            role=get_role(role),
            by=command_line(tenant_id, actor()),
            at=now(),
        )
        said = f"{member.user.email} works here as {member.role_name}"
    typer.echo(said)


@app.command()
def networks(
    email: EmailArgument,
    tenant: TenantOption,
    network: Annotated[list[str] | None, typer.Argument(help="Networks they may work from; none: any.")] = None,
) -> None:
    """Say from which networks somebody may work; without one, from everywhere."""
    from trunkline.identity.actions import change_member
    from trunkline.identity.queries import access_membership_of

    with tenant_scope(tenant) as tenant_id:
        member = change_member(
            membership_id=access_membership_of(email).pk,
            allowed_networks=network or (),
            by=command_line(tenant_id, actor()),
            at=now(),
        )
        said = f"{member.user.email} may work from {', '.join(member.allowed_networks) or 'everywhere'}"
    typer.echo(said)


@app.command()
def remove(
    email: EmailArgument,
    tenant: TenantOption,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
) -> None:
    """Let somebody work for a tenant no more; what they did keeps their name."""
    from trunkline.identity.actions import remove_member
    from trunkline.identity.queries import access_membership_of

    with tenant_scope(tenant, reason=reason) as tenant_id:
        member = remove_member(
            membership_id=access_membership_of(email).pk, by=command_line(tenant_id, actor()), at=now()
        )
        said = f"{member.user.email} works here no more"
    typer.echo(said)


@app.command()
def platform(
    email: EmailArgument,
    off: Annotated[bool, typer.Option("--off", help="Take it away again.")] = False,
) -> None:
    """Let a person run the installation: see all tenants, and enter one with a reason; prints where they come in."""
    from django.db import transaction

    from trunkline.identity.actions import ensure_user, set_platform_staff
    from trunkline.identity.invitations import invitation_link
    from trunkline.identity.queries import get_user

    with transaction.atomic():
        user = get_user(email) if off else ensure_user(email=email, at=now())
        set_platform_staff(user=user, is_platform_staff=not off)
    say(f"{user.email} {'runs this installation no more' if off else 'runs this installation'}")
    if not off:
        typer.echo(invitation_link(user))


@app.command()
def reseal() -> None:
    """Seal the secrets of second factors under the newest key, so that older keys can go."""
    from trunkline.identity.actions.second_factors import reseal_second_factors

    typer.echo(f"{reseal_second_factors()} second factors sealed anew")

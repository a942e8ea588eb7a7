"""`trunkline key`: the API keys of a tenant."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from trunkline.cli.door import JsonOption, TenantOption, actor, now, print_json, say, tenant_scope
from trunkline.cli.shown import given_instant, print_rows
from trunkline.core.errors import Invalid
from trunkline.core.period import utc_text
from trunkline.identity.permissions import NOT_FOR_KEYS, ROLES, BuiltInRole
from trunkline.identity.principal import command_line

app = typer.Typer(help="API keys of a tenant: what programs come in with.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    tenant: TenantOption,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Permission such as usage.load (docs/guide/staff.md); may be given several times."),
    ] = None,
    role: Annotated[str, typer.Option(help="Or all that a role permits, as far as keys may have it.")] = "",
    expires: Annotated[
        str | None, typer.Option(help="Instant or UTC date from when on it opens nothing; never if left out.")
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Network it may be used from; may be given several times; none: any.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a key and print it, this once."""
    from trunkline.identity.actions import create_key
    from trunkline.identity.queries import get_role

    expires_at = given_instant(expires, "UTC")
    with tenant_scope(tenant) as tenant_id:
        scopes = set(scope or ())
        if role:
            found = get_role(role)
            permitted = ROLES[found] if isinstance(found, BuiltInRole) else found.permission_set
            scopes |= permitted - NOT_FOR_KEYS
        key, text = create_key(
            name=name,
            scopes=scopes,
            expires_at=expires_at,
            allowed_networks=network or (),
            by=command_line(tenant_id, actor()),
            at=now(),
        )
    if json:
        print_json({"id": str(key.public_id), "key": text.reveal(), "scopes": key.scopes})
    else:
        say(f"key {key.public_id} made; it is shown this once:")
        typer.echo(text.reveal())


@app.command("list")
def list_keys(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the keys of a tenant, the newest first, with their last use."""
    from trunkline.identity.queries import api_keys

    with tenant_scope(tenant):
        rows = [
            {
                "id": str(key.public_id),
                "name": key.name,
                "ends_with": key.last_four,
                "scopes": key.scopes if json else ", ".join(key.scopes),
                "networks": key.allowed_networks if json else ", ".join(key.allowed_networks),
                "made_at": utc_text(key.created_at),
                "made_by": key.created_by,
                "expires_at": utc_text(key.expires_at),
                "revoked_at": utc_text(key.revoked_at),
                "last_used_at": utc_text(key.last_used_at),
                "last_used_from": key.last_used_from,
            }
            for key in api_keys()
        ]
    columns = {
        "id": "Id",
        "name": "Name",
        "ends_with": "Ends with",
        "scopes": "May",
        "networks": "From",
        "made_at": "Made",
        "made_by": "By",
        "expires_at": "Expires",
        "revoked_at": "Revoked",
        "last_used_at": "Last used",
        "last_used_from": "From address",
    }
    if json:
        print_json({"keys": rows})
    else:
        print_rows("API keys", columns, rows)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Id of the key, as `key list` shows it.")],
    tenant: TenantOption,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
) -> None:
    """Let a key open nothing from now on, for ever."""
    from trunkline.identity.actions import revoke_key
    from trunkline.identity.queries import access_key

    try:
        public_id = UUID(key)
    except ValueError as error:
        raise Invalid("bad_id", f"{key!r} is no id of a key.", hint="`trunkline key list` shows them.") from error
    with tenant_scope(tenant, reason=reason) as tenant_id:
        revoked = revoke_key(key_id=access_key(public_id).pk, by=command_line(tenant_id, actor()), at=now())
        said = f"{revoked} is revoked"
    typer.echo(said)

"""`trunkline db`: the database server."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from trunkline.kit.db import connections, embedded
from trunkline.kit.db.connections import Role

app = typer.Typer(help="The database server: start, stop, status, address.", no_args_is_help=True)


@app.command()
def start() -> None:
    """Start the embedded PostgreSQL, if it is not running, and get the database ready."""
    from trunkline.cli.ready import migrate

    migrate()
    status()


@app.command()
def stop() -> None:
    """Stop the embedded PostgreSQL."""
    if connections.own_server() is not None:
        typer.echo("An own server is in use (TRUNKLINE_DATABASE_URL); it is not ours to stop.")
        return
    typer.echo("stopped" if embedded.stop() else "was not running")


@app.command()
def status() -> None:
    """Say which PostgreSQL is in use and whether it runs. Ends with status 3 when it does not."""
    if connections.own_server() is not None:
        _own_status()
        return
    place = embedded.cluster()
    running = embedded.is_running()
    typer.echo(f"embedded PostgreSQL: {'running' if running else 'stopped'}")
    typer.echo(f"data    {place.data}")
    typer.echo(f"socket  {place.socket_folder}")
    typer.echo(f"log     {place.log}")
    if not running:
        raise typer.Exit(3)


def _own_status() -> None:
    import psycopg

    try:
        with psycopg.connect(**connections.parameters(Role.ADMIN)) as connection:
            typer.echo(f"own server, PostgreSQL {connection.info.server_version // 10000}: running")
    except psycopg.OperationalError as error:
        typer.echo(f"own server: {str(error).strip()}")
        raise typer.Exit(3) from None


@app.command()
def migrate() -> None:
    """Make roles and database where they are missing and bring the tables up to date."""
    from trunkline.cli.ready import migrate as bring_up_to_date

    bring_up_to_date()
    typer.echo("up to date")


class Login(StrEnum):
    """The roles that somebody may want to look through; the server's own administrator is not one of them."""

    APP = "app"
    OWNER = "owner"
    PLATFORM = "platform"


@app.command()
def url(
    role: Annotated[
        Login,
        typer.Option(
            help="app: what the doors run as; owner: owns the tables; platform: reads what a table grants, of all tenants."
        ),
    ] = Login.APP,
) -> None:
    """Print an address that psql takes; starts the server if need be and leaves it running."""
    from trunkline.cli.ready import get_database_ready

    get_database_ready()
    typer.echo(connections.url(Role(role)))

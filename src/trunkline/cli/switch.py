"""`trunkline switch`: the switches whose records are taken."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, table, tenant_scope
from trunkline.core.errors import Invalid
from trunkline.usage.actions import create_switch
from trunkline.usage.models import Switch

app = typer.Typer(
    help="The switches whose records are taken: format, clock, number rules, watched folder.", no_args_is_help=True
)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name that files are loaded under.")],
    tenant: TenantOption,
    format: Annotated[str, typer.Option(help="Format of its files; `usage formats` lists them.")],  # noqa: A002
    timezone: Annotated[str, typer.Option(help="IANA zone of times that carry no offset.")] = "UTC",
    number_rules: Annotated[
        str, typer.Option(help="JSON list of number rules, or @FILE with it (docs/formats/switch.md).")
    ] = "[]",
    buy_side: Annotated[bool, typer.Option(help="Whether its calls go to vendors; --no-buy-side for retail.")] = True,
    max_duration: Annotated[int, typer.Option(help="Seconds; longer calls are rejected.")] = 86_400,
    watch_folder: Annotated[str, typer.Option(help="Folder whose new files are taken by the worker.")] = "",
    watch_pattern: Annotated[str, typer.Option(help="Names of the files to take from the folder.")] = "*",
    options: Annotated[str, typer.Option(help="JSON object of options of the format (docs/formats/switch.md).")] = "{}",
) -> None:
    """Make a switch."""
    text = Path(number_rules[1:]).read_text(encoding="utf-8") if number_rules.startswith("@") else number_rules
    try:
        rules, more = json_module.loads(text), json_module.loads(options)
    except json_module.JSONDecodeError as error:
        raise Invalid("not_json", f"The rules or options are no JSON: {error}.") from error
    with tenant_scope(tenant):
        create_switch(
            name=name,
            format=format,
            timezone=timezone,
            number_rules=rules,
            has_buy_side=buy_side,
            max_duration_s=max_duration,
            watch_folder=watch_folder,
            watch_pattern=watch_pattern,
            options=more,
            at=now(),
        )
    typer.echo(f"switch {name} made")


@app.command("list")
def list_switches(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the switches of a tenant."""
    with tenant_scope(tenant):
        rows = [
            {
                "name": s.name,
                "format": s.format,
                "timezone": s.timezone,
                "buy_side": s.has_buy_side,
                "watch_folder": s.watch_folder,
            }
            for s in Switch.objects.order_by("name")
        ]
    if json:
        print_json({"switches": rows})
    else:
        table(
            "Switches", ["Name", "Format", "Zone", "Buy side", "Watched folder"], [list(row.values()) for row in rows]
        )

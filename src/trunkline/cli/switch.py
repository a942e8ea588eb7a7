"""`trunkline switch`: the switches whose records are taken."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, table, tenant_scope
from trunkline.core.errors import Invalid
from trunkline.usage.actions import change_switch, create_switch
from trunkline.usage.models import Switch
from trunkline.usage.queries import access_switch
from trunkline.usage.sources.actions import watch_folder as set_watched
from trunkline.usage.sources.queries import folder_of

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
    rules, more = read_json(number_rules), read_json(options)
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


@app.command("set")
def set_switch(
    name: Annotated[str, typer.Argument(help="Name of the switch.")],
    tenant: TenantOption,
    timezone: Annotated[str | None, typer.Option(help="IANA zone of times that carry no offset.")] = None,
    number_rules: Annotated[str | None, typer.Option(help="JSON list of number rules, or @FILE with it.")] = None,
    buy_side: Annotated[bool | None, typer.Option(help="Whether its calls go to vendors.")] = None,
    max_duration: Annotated[int | None, typer.Option(help="Seconds; longer calls are rejected.")] = None,
    duplicate_window: Annotated[
        int | None, typer.Option(help="Days around a record's own in which it may have been taken.")
    ] = None,
    watch_folder: Annotated[str | None, typer.Option(help="Folder whose new files are taken; '' for none.")] = None,
    watch_pattern: Annotated[str | None, typer.Option(help="Names of the files to take from the folder.")] = None,
    options: Annotated[str | None, typer.Option(help="JSON object of options of the format, or @FILE with it.")] = None,
) -> None:
    """Change a switch; what is left out stays. Then send its rejects again with `usage resend`."""
    given = {
        "timezone": timezone,
        "number_rules": None if number_rules is None else read_json(number_rules),
        "has_buy_side": buy_side,
        "max_duration_s": max_duration,
        "duplicate_window_days": duplicate_window,
        "options": None if options is None else read_json(options),
    }
    with tenant_scope(tenant):
        switch = access_switch(name)
        change_switch(
            switch_id=switch.pk, at=now(), **{key: value for key, value in given.items() if value is not None}
        )
        if watch_folder is not None or watch_pattern is not None:
            folder = folder_of(switch) if watch_folder is None else watch_folder
            set_watched(switch=switch, folder=folder, pattern=watch_pattern, at=now())
    typer.echo(f"switch {name} changed")


def read_json(text: str) -> Any:
    """JSON from the command line, or from the file that `@FILE` names. Raises Invalid `not_json`."""
    try:
        return json_module.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, json_module.JSONDecodeError) as error:
        raise Invalid("not_json", f"{text[:80]!r} is no JSON: {error}.", hint="See docs/formats/switch.md.") from error


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
                "watch_folder": folder_of(s),
            }
            for s in Switch.objects.order_by("name")
        ]
    if json:
        print_json({"switches": rows})
    else:
        table(
            "Switches", ["Name", "Format", "Zone", "Buy side", "Watched folder"], [list(row.values()) for row in rows]
        )

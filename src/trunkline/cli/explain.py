"""`trunkline explain`: why a record costs what it costs."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, TenantOption, print_json, tenant_scope

app = typer.Typer(help="Why a record costs what it costs.")


@app.command()
def explain(
    tenant: TenantOption,
    record: Annotated[str, typer.Argument(help="Key of the record, as `usage search` shows it.")] = "",
    number: Annotated[str, typer.Option(help="Instead of the key: calling or called number, with --at.")] = "",
    at: Annotated[str, typer.Option(help="It starts in the minute that begins here: 2026-03-02T14:05+03:00.")] = "",
    switch: Annotated[str, typer.Option(help="Switch, where several have such a record.")] = "",
    reject: Annotated[
        bool, typer.Option("--reject", help="The reject of that key, though there is a record too.")
    ] = False,
    as_of: Annotated[str, typer.Option(help="The record as it counted at this instant.")] = "",
    json: JsonOption = False,
) -> None:
    """Say of one record what came in, whose it is, which price it got and why, how its amount is made up and where it is booked.

    The amount is computed again; ends with status 1 if it is not the stored one.
    """
    from trunkline.cli.explained import print_explanation
    from trunkline.cli.usage import instant
    from trunkline.invoicing.queries import find_billing
    from trunkline.usage.explain import explain_record
    from trunkline.usage.explained import as_json
    from trunkline.usage.locate import Sought, access_record
    from trunkline.usage.queries import access_switch

    with tenant_scope(tenant, snapshot=True):
        sought = Sought(
            key=record or None,
            number=number or None,
            at=instant(at, "--at"),
            switch_id=access_switch(switch).pk if switch else None,
            is_reject=reject,
            as_of=instant(as_of, "--as-of"),
        )
        found = explain_record(access_record(sought))
        said = as_json(found, find_billing(found.rollup_ids))
    if json:
        print_json(said)
    else:
        print_explanation(said)
    if found.agrees is False:
        raise typer.Exit(1)

"""`trunkline rule`: traffic rules, which change, mark and refuse records before they are priced, and their tester."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import (
    JsonOption,
    TenantOption,
    given_options,
    now,
    print_json,
    say,
    table,
    tenant_scope,
    with_options,
)
from trunkline.cli.shown import given_instant, print_rows, required_instant
from trunkline.core.errors import Invalid
from trunkline.core.period import local_text, utc_text

if TYPE_CHECKING:
    from trunkline.usage.models import TrafficRule

app = typer.Typer(
    help="Traffic rules: what changes, marks and refuses records before they are priced, and how one call fares.",
    no_args_is_help=True,
)

Text = str | None
NameArgument = Annotated[str, typer.Argument(help="Name of the rule.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOptions:
    """What can be said of a rule, by the names of `GivenRule`."""

    position: Annotated[int | None, typer.Option(help="Order inside the stage, lower first; the last if left out.")]
    side: Annotated[Text, typer.Option(help="both, sell or buy.")]
    switch: Annotated[Text, typer.Option(help="Only for records of this switch; '' for all.")]
    account: Annotated[Text, typer.Option(help="Only where the side is this account's, by its code; '' for all.")]
    valid_from: Annotated[
        Text, typer.Option("--from", help="From which start of a record on: a date or an instant; '' for ever.")
    ]
    valid_to: Annotated[
        Text, typer.Option("--to", help="Until which start, a date or an instant, '' for ever; itself not included.")
    ]
    conditions: Annotated[
        list[str] | None,
        typer.Option(
            "--if",
            help="A condition, NAME=VALUE,VALUE, such as called_begins=254,255 or jurisdictions=intrastate; several must all hold.",
        ),
    ]
    actions: Annotated[
        Text,
        typer.Option("--do", help="Actions, separated by semicolons: strip called 2; add called 254; tag premium."),
    ]
    then: Annotated[Text, typer.Option(help="What comes after the actions: continue, allow (the stage ends), deny.")]
    note: Annotated[Text, typer.Option(help="A remark for people.")]


@app.command()
@with_options
def add(
    name: Annotated[str, typer.Argument(help="Name of the rule; records and rejects name it.")],
    tenant: TenantOption,
    stage: Annotated[str, typer.Option(help="before_identification, after_account, after_rate or after_routing.")],
    options: RuleOptions,
) -> None:
    """Make a rule. It counts from the next file on."""
    from trunkline.usage.traffic.actions import GivenRule, create_rule

    with tenant_scope(tenant):
        row = create_rule(given=GivenRule(name=name, stage=stage, **_given(options)), at=now())
    typer.echo(f"rule {row.name} made, {row.stage} at {row.position}")


@app.command()
@with_options
def change(
    name: NameArgument,
    tenant: TenantOption,
    *,
    stage: Annotated[Text, typer.Option(help="The new stage.")] = None,
    options: RuleOptions,
) -> None:
    """Change a rule; what is left out stays, and a condition given as NAME= goes. Then send its rejects again with `usage resend`."""
    from trunkline.usage.traffic.actions import change_rule
    from trunkline.usage.traffic.queries import access_rule

    with tenant_scope(tenant):
        changes = _given(options) | ({} if stage is None else {"stage": stage})
        change_rule(rule_id=access_rule(name).pk, changes=changes, at=now())
    typer.echo(f"rule {name} changed")


def _given(options: RuleOptions) -> dict[str, Any]:
    """What was given, by the names of `GivenRule`. Needs an open scope, whose tenant's zone plain dates are of."""
    found = given_options(options)
    for bound in ("valid_from", "valid_to"):
        if bound in found:
            found[bound] = given_instant(found[bound] or None, _zone())
    if "conditions" in found:
        found["conditions"] = _conditions(found["conditions"])
    return found


def _zone() -> str:
    from trunkline.tenancy.queries import current_tenant

    return current_tenant().timezone


def _conditions(texts: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or name in found:
            why = "names it a second time" if equals else "has no ="
            raise Invalid(
                "rule_condition", f"The condition {text[:80]!r} {why}.", hint="Write --if called_begins=254,255."
            )
        found[name] = value.strip()
    return found


@app.command("list")
def list_rules(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the rules, in the order in which they are looked at."""
    from trunkline.usage.traffic.queries import traffic_rules

    with tenant_scope(tenant):
        zone = _zone()
        rows = [_facts(row, zone, json=json) for row in traffic_rules()]
    if json:
        print_json({"rules": rows})
        return
    columns = {
        "stage": "Stage",
        "position": "At",
        "name": "Name",
        "side": "Side",
        "switch": "Switch",
        "account": "Account",
        "valid_from": "From",
        "valid_to": "To",
        "conditions": "If",
        "actions": "Do",
        "then": "Then",
        "note": "Note",
    }
    print_rows("Traffic rules", columns, rows, right=["position"])


@app.command()
def show(name: NameArgument, tenant: TenantOption, json: JsonOption = False) -> None:
    """Show a rule."""
    from trunkline.usage.traffic.queries import access_rule

    with tenant_scope(tenant):
        facts = _facts(access_rule(name), _zone(), json=json)
    if json:
        print_json(facts)
        return
    table("", ["", ""], [[key.replace("_", " "), value] for key, value in facts.items() if value not in (None, "")])


def _facts(row: TrafficRule, zone: str, *, json: bool) -> dict[str, Any]:
    from trunkline.usage.traffic.rule_file import texts_of

    conditions = (
        row.conditions if json else "\n".join(f"{key}={value}" for key, value in texts_of(row.conditions).items())
    )
    return {
        "name": row.name,
        "stage": row.stage,
        "position": row.position,
        "side": row.side,
        "switch": None if row.switch is None else row.switch.name,
        "account": None if row.account is None else row.account.code,
        "valid_from": utc_text(row.valid_from) if json else local_text(row.valid_from, zone),
        "valid_to": utc_text(row.valid_to) if json else local_text(row.valid_to, zone),
        "conditions": conditions,
        "actions": row.actions,
        "then": row.then,
        "note": row.note,
    }


@app.command()
def remove(name: NameArgument, tenant: TenantOption) -> None:
    """Remove a rule; records that it touched keep its name."""
    from trunkline.usage.traffic.actions import remove_rule
    from trunkline.usage.traffic.queries import access_rule

    with tenant_scope(tenant):
        remove_rule(rule_id=access_rule(name).pk)
    typer.echo(f"rule {name} removed")


@app.command("import")
def import_rules(
    file: Annotated[Path, typer.Argument(help="CSV as `rule export` writes it: plain, .gz or .zip.")],
    tenant: TenantOption,
    replace: Annotated[bool, typer.Option("--replace", help="Remove the rules that the file does not name.")] = False,
    json: JsonOption = False,
) -> None:
    """Make and change rules by their names from a CSV file, all of it or nothing."""
    from trunkline.core.period import get_zone
    from trunkline.tariffs.source import read_source
    from trunkline.usage.traffic.actions import load_rules
    from trunkline.usage.traffic.rule_file import read_rule_file

    data = read_source(file)
    with tenant_scope(tenant, reason=f"import of {file.name}"):
        done = load_rules(given=read_rule_file(data, get_zone(_zone())), has_others=not replace, at=now())
    if json:
        print_json({key: list(getattr(done, key)) for key in ("added", "changed", "removed", "unchanged")})
        return
    typer.echo(
        f"{len(done.added)} rules added, {len(done.changed)} changed, {len(done.removed)} removed, {len(done.unchanged)} as they were"
    )


@app.command("export")
def export_rules(
    tenant: TenantOption,
    out: Annotated[Path | None, typer.Option(help="File to write; the standard output if left out.")] = None,
) -> None:
    """Write all rules as CSV, in the order in which they are looked at."""
    from trunkline.usage.traffic.actions import GivenRule
    from trunkline.usage.traffic.queries import traffic_rules
    from trunkline.usage.traffic.rule_file import write_rule_file

    with tenant_scope(tenant):
        given = [GivenRule.of(row) for row in traffic_rules()]
    if out is None:
        write_rule_file(given, sys.stdout, utc_text)
        return
    with out.open("w", encoding="utf-8", newline="") as stream:
        write_rule_file(given, stream, utc_text)
    say(f"{out} written, {len(given)} rules")


@app.command("test")
def follow(
    tenant: TenantOption,
    called: Annotated[str, typer.Option(help="The called number, as the switch writes it.")],
    calling: Annotated[str, typer.Option(help="The calling number, as the switch writes it.")] = "",
    at: Annotated[Text, typer.Option(help="When the call starts: a date or an instant; now if left out.")] = None,
    switch: Annotated[Text, typer.Option(help="Switch that writes the record: its number rules come first.")] = None,
    trunk_in: Annotated[str, typer.Option(help="Trunk on which it comes in.")] = "",
    trunk_out: Annotated[str, typer.Option(help="Trunk to the vendor.")] = "",
    source_ip: Annotated[str, typer.Option(help="Address from which it comes.")] = "",
    account_code: Annotated[str, typer.Option(help="Account code in the record.")] = "",
    sip_user: Annotated[str, typer.Option(help="SIP user in the record.")] = "",
    service: Annotated[str, typer.Option(help="voice, sms, data or event.")] = "voice",
    quantity: Annotated[int, typer.Option(help="Seconds, messages or octets.")] = 60,
    json: JsonOption = False,
) -> None:
    """Show the path of one call through number rules, traffic rules, identification and prices. Nothing is written; ends with status 1 if it would be rejected."""
    from trunkline.cli.tested import lines_of
    from trunkline.usage.traffic.tested import path_of

    with tenant_scope(tenant, snapshot=True):
        start = now().replace(microsecond=0) if at is None else required_instant(at, _zone())
        record = {
            "calling_raw": calling,
            "called_raw": called,
            "start": start,
            "service": service,
            "quantity": quantity,
            "trunk_in": trunk_in,
            "trunk_out": trunk_out,
            "source_ip": source_ip,
            "account_code": account_code,
            "sip_user": sip_user,
        }
        said = path_of(record, switch=switch, at=now())
    if json:
        print_json(said)
    else:
        for line in lines_of(said):
            typer.echo(line)
    if said["reject"] is not None:
        raise typer.Exit(1)

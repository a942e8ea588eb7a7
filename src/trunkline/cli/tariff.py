"""`trunkline tariff`: price lists, who has which, and exchange rates."""

from __future__ import annotations

import json as json_module
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from trunkline.cli import rate_edit
from trunkline.cli.door import JsonOption, TenantOption, now, print_json, say, table, tenant_scope
from trunkline.cli.rerate import tell
from trunkline.cli.shown import given_instant, print_rows, required_instant
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.period import local_text, utc_text

app = typer.Typer(
    help="Price lists: tariffs and their rates, time profiles, exchange rates, and who has which tariff.",
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(help="Name of the tariff.")]
FileArgument = Annotated[Path, typer.Argument(help="The file: plain, .gz or .zip.")]
Text = str | None
SHOWN_RATES = 50


app.command("edit")(rate_edit.edit)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the price list.")],
    tenant: TenantOption,
    currency: Annotated[Text, typer.Option(help="ISO 4217 code of its prices; the tenant's if left out.")] = None,
    timezone: Annotated[Text, typer.Option(help="IANA zone of its clock; the tenant's if left out.")] = None,
    unit: Annotated[str, typer.Option(help="What it counts: second, octet or message.")] = "second",
    origin_deck: Annotated[Text, typer.Option(help="Code deck that says where callers are.")] = None,
    parent: Annotated[Text, typer.Option(help="Name of a tariff that prices what this one has no price for.")] = None,
) -> None:
    """Make a tariff without rates of its own."""
    from trunkline.tariffs.actions import create_tariff
    from trunkline.tariffs.queries import get_code_deck, get_tariff
    from trunkline.tenancy.queries import current_tenant

    with tenant_scope(tenant):
        own = current_tenant()
        made = create_tariff(
            name=name,
            currency=currency or own.currency,
            timezone=timezone or own.timezone,
            unit=unit,
            origin_deck=get_code_deck(origin_deck) if origin_deck else None,
            parent=get_tariff(parent) if parent else None,
            at=now(),
        )
    typer.echo(f"tariff {made.name} made")


@app.command("list")
def list_tariffs(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the tariffs of a tenant."""
    from trunkline.tariffs.queries import rate_counts, tariffs

    with tenant_scope(tenant):
        counts = rate_counts()
        rows = [
            {
                "name": tariff.name,
                "currency": tariff.currency,
                "timezone": tariff.timezone,
                "unit": tariff.unit,
                "parent": tariff.parent and tariff.parent.name,
                "rates": counts.get(tariff.pk, 0),
                "revision": tariff.revision,
                "origin_deck": tariff.origin_deck.name if tariff.origin_deck else None,
            }
            for tariff in tariffs().select_related("origin_deck")
        ]
    if json:
        print_json({"tariffs": rows})
        return
    heads = ["Name", "Currency", "Zone", "Unit", "Parent", "Rates", "Revision", "Origin deck"]
    table(
        "Tariffs",
        heads,
        [[value or "" if value is None else value for value in row.values()] for row in rows],
        right=["Rates", "Revision"],
    )


@app.command()
def show(
    name: NameArgument,
    tenant: TenantOption,
    code: Annotated[Text, typer.Option(help="Only the rates of this code.")] = None,
    at: Annotated[Text, typer.Option(help="Only those in force then: a date or an instant.")] = None,
    limit: Annotated[int, typer.Option(help="How many rates to show at most.")] = SHOWN_RATES,
    json: JsonOption = False,
) -> None:
    """Show the rates of a tariff, and how many codes it takes over from its parents."""
    from trunkline.tariffs.lineage import inherited
    from trunkline.tariffs.models import Rate
    from trunkline.tariffs.queries import get_tariff, rates
    from trunkline.tariffs.rules import describe_steps, parse_steps

    def facts(rate: Rate) -> dict[str, Any]:
        return {
            "id": rate.pk,
            "code": rate.code,
            "destination": rate.destination.name if rate.destination else None,
            "steps": rate.steps if json else describe_steps(parse_steps(rate.steps)),
            "setup_fee": str(rate.setup_fee) if rate.setup_fee else None,
            "valid_from": utc_text(rate.valid_from) if json else local_text(rate.valid_from, tariff.timezone),
            "valid_to": utc_text(rate.valid_to) if json else local_text(rate.valid_to, tariff.timezone),
            "time_profile": rate.time_profile.name if rate.time_profile else None,
            "tag": rate.tag,
            "origin": rate.origin,
            "blocked": rate.blocked,
            "additive": rate.additive,
        }

    with tenant_scope(tenant):
        tariff = get_tariff(name)
        found = rates(tariff, code=code, at=given_instant(at, tariff.timezone))
        total = found.count()
        rows = [facts(rate) for rate in found[:limit]]
        above = inherited(tariff)
    if json:
        taken = [{"tariff": each.tariff.name, "codes": each.codes} for each in above]
        parent = above[0].tariff.name if above else None
        print_json({"tariff": name, "parent": parent, "inherits": taken, "total": total, "rates": rows})
        return
    columns = {
        "id": "Id",
        "code": "Code",
        "destination": "Destination",
        "steps": "Price",
        "setup_fee": "Setup fee",
        "valid_from": "From",
        "valid_to": "To",
        "time_profile": "Profile",
        "tag": "Tag",
        "origin": "Origin",
        "blocked": "Blocked",
        "additive": "Surcharge",
    }
    print_rows(f"{tariff}: {total} rates", columns, rows, right=["id", "setup_fee"])
    for each in above:
        say(f"inherits {each.codes} codes from {each.tariff.name}")
    if total > limit:
        say(f"{total - limit} more; --limit shows them, --code those of one code")


@app.command("load-rates")
def load_rates(
    name: NameArgument,
    file: FileArgument,
    tenant: TenantOption,
    supersede: Annotated[
        bool, typer.Option("--supersede", help="Let a new rate end the equal one that is in force when it begins.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Load a rate file into a tariff, all of it or nothing (docs/formats/rates_csv.md)."""
    from trunkline.tariffs.queries import get_tariff
    from trunkline.tariffs.source import read_source
    from trunkline.usage import price_changes

    data = read_source(file)
    with tenant_scope(tenant, reason=f"load of {file.name}"):
        changed = price_changes.load_rates(tariff=get_tariff(name), data=data, supersede_earlier=supersede, at=now())
    done = changed.made
    if json:
        print_json(
            {
                "lines": done.lines,
                "rates": done.rates,
                "closed": done.closed,
                "voided": done.voided,
                "revision": done.revision,
            }
        )
        tell(changed.proposals, tenant)
        return
    ended = f", {done.closed} earlier ones ended, {done.voided} voided" if supersede else ""
    typer.echo(f"{done.rates} rates from {done.lines} lines loaded into {name}{ended}")
    tell(changed.proposals, tenant)


@app.command("export-rates")
def export_rates(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="Where to write the rate file; one that is there is replaced.")],
    tenant: TenantOption,
) -> None:
    """Write the rates of a tariff that are not voided as a rate file, which loads as the same rates."""
    from trunkline.tariffs.actions import standing_rates
    from trunkline.tariffs.queries import get_tariff
    from trunkline.tariffs.rate_file_text import rate_file_text

    with tenant_scope(tenant):
        rates = standing_rates(get_tariff(name))
    file.write_text(rate_file_text(rates), encoding="utf-8")
    typer.echo(f"{len(rates)} rates of {name} written to {file}")


@app.command("void-rates")
def void_rates(
    name: NameArgument,
    rate: Annotated[list[int], typer.Argument(help="Ids of the rates; `tariff show` has them.")],
    tenant: TenantOption,
) -> None:
    """Take wrong rates out of a tariff; they stay readable."""
    from trunkline.tariffs.queries import get_tariff
    from trunkline.usage import price_changes

    with tenant_scope(tenant):
        changed = price_changes.void_rates(tariff=get_tariff(name), rate_ids=rate, at=now())
    typer.echo(f"{changed.made} rates voided")
    tell(changed.proposals, tenant)


@app.command("set")
def set_fields(
    name: NameArgument,
    tenant: TenantOption,
    new_name: Annotated[Text, typer.Option("--name", help="The new name.")] = None,
    timezone: Annotated[Text, typer.Option(help="IANA zone of its clock.")] = None,
    origin_deck: Annotated[
        Text, typer.Option(help="Code deck that says where callers are, for rates that name an origin.")
    ] = None,
    no_origin_deck: Annotated[
        bool, typer.Option("--no-origin-deck", help="It asks no longer where callers are.")
    ] = False,
    parent: Annotated[Text, typer.Option(help="Name of a tariff that prices what this one has no price for.")] = None,
    no_parent: Annotated[bool, typer.Option("--no-parent", help="Take its parent away.")] = False,
) -> None:
    """Rename a tariff, set its clock, its origin deck or its parent."""
    from trunkline.tariffs.actions import UNCHANGED
    from trunkline.tariffs.queries import get_code_deck, get_tariff
    from trunkline.usage import price_changes

    if origin_deck and no_origin_deck:
        raise Invalid("bad_option", "Say --origin-deck or --no-origin-deck, not both.")
    if parent and no_parent:
        raise Invalid("bad_option", "Say --parent or --no-parent, not both.")
    with tenant_scope(tenant):
        above = get_tariff(parent) if parent else None
        deck = get_code_deck(origin_deck) if origin_deck else None
        changed = price_changes.change_tariff(
            tariff=get_tariff(name),
            name=new_name,
            timezone=timezone,
            origin_deck=deck if origin_deck or no_origin_deck else UNCHANGED,
            parent=above if parent or no_parent else UNCHANGED,
            at=now(),
        )
    typer.echo(f"tariff {new_name or name} changed")
    tell(changed.proposals, tenant)


@app.command()
def assign(
    name: NameArgument,
    account: Annotated[str, typer.Argument(help="Short name of the account.")],
    tenant: TenantOption,
    side: Annotated[str, typer.Option(help="sell (it pays us) or buy (we pay it).")] = "sell",
    service: Annotated[str, typer.Option(help="voice, sms, data or event.")] = "voice",
    position: Annotated[int | None, typer.Option(help="Place in the list; the last if left out.")] = None,
    valid_from: Annotated[Text, typer.Option("--from", help="From when on: a date or an instant.")] = None,
    valid_to: Annotated[
        Text, typer.Option("--to", help="Until when: a date or an instant; itself not included.")
    ] = None,
) -> None:
    """Give an account a tariff."""
    from trunkline.parties.queries import get_account
    from trunkline.tariffs.queries import get_tariff
    from trunkline.usage import price_changes

    with tenant_scope(tenant):
        found = get_account(account)
        changed = price_changes.assign_tariff(
            account=found,
            tariff=get_tariff(name),
            side=side,
            service=service,
            position=position,
            valid_from=given_instant(valid_from, found.timezone),
            valid_to=given_instant(valid_to, found.timezone),
            at=now(),
        )
    row = changed.made
    typer.echo(f"{name} is number {row.position} of the {side} list of {account} for {service} (assignment {row.pk})")
    tell(changed.proposals, tenant)


@app.command("end-assignment")
def end_assignment(
    assignment: Annotated[int, typer.Argument(help="Id of the assignment; `account show` has it.")],
    tenant: TenantOption,
    to: Annotated[
        str, typer.Option(help="Until when: a date in the account's zone, or an instant; itself not included.")
    ],
) -> None:
    """Let an account have a tariff no longer."""
    from trunkline.tariffs.queries import access_assignment
    from trunkline.usage import price_changes

    with tenant_scope(tenant):
        end = required_instant(to, access_assignment(assignment).account.timezone)
        changed = price_changes.end_assignment(assignment_id=assignment, valid_to=end, at=now())
    typer.echo(f"assignment {assignment} ends at {utc_text(end)}")
    tell(changed.proposals, tenant)


@app.command("profile-add")
def profile_add(
    name: Annotated[str, typer.Argument(help="Name of the time profile.")],
    windows: Annotated[str, typer.Argument(help="JSON list of windows, or @FILE with it.")],
    tenant: TenantOption,
) -> None:
    """Make a time profile, such as '[{"weekdays": [1,2,3,4,5], "from": "08:00", "to": "18:00"}]'."""
    from trunkline.tariffs.actions import create_time_profile

    with tenant_scope(tenant):
        create_time_profile(name=name, windows=_json(windows), at=now())
    typer.echo(f"time profile {name} made")


@app.command("profile-set")
def profile_set(
    name: Annotated[str, typer.Argument(help="Name of the time profile.")],
    windows: Annotated[str, typer.Argument(help="JSON list of windows, or @FILE with it.")],
    tenant: TenantOption,
) -> None:
    """Set the windows of a time profile, for every tariff that uses it."""
    from trunkline.tariffs.queries import time_profiles
    from trunkline.usage import price_changes

    with tenant_scope(tenant):
        found = time_profiles().filter(name=name).first()
        if found is None:
            raise NotFound("time_profile_not_found", f"There is no time profile {name!r}.")
        changed = price_changes.change_time_profile(profile=found, windows=_json(windows), at=now())
    typer.echo(f"time profile {name} changed")
    tell(changed.proposals, tenant)


@app.command("profile-list")
def profile_list(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the time profiles of a tenant."""
    from trunkline.tariffs.queries import time_profiles

    with tenant_scope(tenant):
        rows = [{"name": profile.name, "windows": profile.windows} for profile in time_profiles()]
    if json:
        print_json({"time_profiles": rows})
    else:
        table("Time profiles", ["Name", "Windows"], [[r["name"], json_module.dumps(r["windows"])] for r in rows])


@app.command("load-exchange-rates")
def load_exchange_rates(
    file: FileArgument,
    tenant: TenantOption,
    base: Annotated[str, typer.Option(help="What one unit of is priced in a file of columns.")] = "EUR",
    source: Annotated[str, typer.Option(help="Who published it.")] = "ECB",
    replace: Annotated[bool, typer.Option("--replace", help="Let values that differ replace those there.")] = False,
    json: JsonOption = False,
) -> None:
    """Load exchange rates: a file of the European Central Bank, or date,base,quote,rate."""
    from trunkline.tariffs.source import read_source
    from trunkline.usage import price_changes

    data = read_source(file)
    with tenant_scope(tenant, reason=f"load of {file.name}"):
        changed = price_changes.load_exchange_rates(data=data, base=base, source=source, replace=replace, at=now())
    done = changed.made
    tell(changed.proposals, tenant)
    if json:
        print_json({"rates": done.rates, "added": done.added, "replaced": done.replaced, "skipped": done.skipped})
        return
    typer.echo(f"{done.rates} exchange rates read, {done.added} new, {done.replaced} replaced")
    if done.skipped:
        say(f"passed over, no longer in use: {', '.join(done.skipped)}")


@app.command("set-exchange-rate")
def set_exchange_rate(
    base: Annotated[str, typer.Argument(help="The currency of which one unit is priced.")],
    quote: Annotated[str, typer.Argument(help="The currency in which it is priced.")],
    rate: Annotated[str, typer.Argument(help="The price, at most 12 decimals.")],
    tenant: TenantOption,
    on: Annotated[str, typer.Option(help="First day on which it holds, as 2026-03-02.")],
) -> None:
    """State one exchange rate."""
    from trunkline.usage import price_changes

    with tenant_scope(tenant):
        changed = price_changes.set_exchange_rate(base=base, quote=quote, on=_day(on), rate=rate, at=now())
    typer.echo(str(changed.made))
    tell(changed.proposals, tenant)


@app.command("exchange-rate")
def exchange_rate(
    base: Annotated[str, typer.Argument(help="The currency of which one unit is priced.")],
    quote: Annotated[str, typer.Argument(help="The currency in which it is priced.")],
    tenant: TenantOption,
    on: Annotated[Text, typer.Option(help="The day; today in UTC if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """Show the exchange rate that holds on a day, cross rates as exact ratios (docs/algorithms/exchange.md)."""
    from trunkline.core.currency import get_currency
    from trunkline.tariffs.queries import exchange_table

    one, other = get_currency(base).code, get_currency(quote).code
    with tenant_scope(tenant):
        day = _day(on) if on else now().date()
        found = exchange_table([one, other]).find(one, other, day)
    if found is None:
        raise NotFound("no_exchange_rate", f"No exchange rate leads from {one} to {other} on {day}.")
    ratio, published = found
    if json:
        print_json({"base": one, "quote": other, "on": str(day), "rate": str(ratio), "published": str(published)})
    else:
        typer.echo(f"1 {one} = {ratio} {other}, published on {published}")


@app.command("load-deck")
def load_deck(
    name: Annotated[str, typer.Argument(help="Name of the code deck.")], file: FileArgument, tenant: TenantOption
) -> None:
    """Load a code deck from a file of code,destination; the codes it has get the new destinations."""
    from trunkline.tariffs.deck_file import read_deck_file
    from trunkline.tariffs.source import read_source
    from trunkline.usage import price_changes

    codes = read_deck_file(read_source(file))
    with tenant_scope(tenant, reason=f"load of {file.name}"):
        changed = price_changes.load_code_deck(name=name, codes=codes, at=now())
    typer.echo(f"{len(codes)} codes loaded into the deck {name}")
    tell(changed.proposals, tenant)


def _json(text: str) -> Any:
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    try:
        return json_module.loads(text)
    except json_module.JSONDecodeError as error:
        raise Invalid("not_json", f"The windows are no JSON: {error}.") from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_time", f"{text!r} is no date.", hint="Write 2026-03-02.") from error

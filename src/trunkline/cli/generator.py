"""`trunkline generator`: selling tariffs from vendors' prices."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import (
    JsonOption,
    TenantOption,
    actor,
    given_options,
    now,
    print_json,
    say,
    table,
    tenant_scope,
    with_options,
)
from trunkline.cli.shown import given_instant, print_rows
from trunkline.core.errors import Invalid
from trunkline.core.period import utc_text

if TYPE_CHECKING:
    from trunkline.pricing.models import Generator, GeneratorRun

app = typer.Typer(
    help="Selling tariffs made from vendors' prices: simulated, applied, undone.",
    no_args_is_help=True,
)

Text = str | None
NameArgument = Annotated[str, typer.Argument(help="Name of the generator.")]
RunArgument = Annotated[str, typer.Argument(help="Id of the run, or the name of its generator for the last one.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the history of the tariff.")]
SHOWN_CODES = 20
TABLES = frozenset({"counts", "figures", "findings", "sources"})
LEFT = ("tariff", "deck", "source", "agreement", "settings", "rule", "exclude", "weights")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorOptions:
    """What can be said of a generator; the names that are not of `LEFT` are those of its settings."""

    tariff: Annotated[Text, typer.Option(help="The tariff that it makes the prices of.")]
    deck: Annotated[Text, typer.Option(help="The code deck with the codes that it makes prices for.")]
    source: Annotated[list[str] | None, typer.Option(help="A vendor's tariff to take prices from; several times.")]
    agreement: Annotated[Text, typer.Option(help="Agreement whose notice its changes need; '' for none.")]
    settings: Annotated[Text, typer.Option(help="JSON file with all settings, as `generator show --json` prints them.")]
    method: Annotated[Text, typer.Option(help="Which offers make the cost: position, average, blend or all.")]
    position: Annotated[int | None, typer.Option(help="Of `position` the place, of `average` how many offers.")]
    weights: Annotated[Text, typer.Option(help="Weights of `blend`, the cheapest first, as 80/15/5.")]
    percent: Annotated[Text, typer.Option(help="Percent on the cost, as 12.5; '' for none.")]
    percent_of: Annotated[Text, typer.Option(help="What percent is one of: cost or price.")]
    absolute: Annotated[Text, typer.Option(help="Money added to each price, as 0.0015; '' for none.")]
    min_price: Annotated[Text, typer.Option(help="No price below this; '' for none.")]
    min_margin: Annotated[Text, typer.Option(help="At least so much money above the cost; '' for none.")]
    min_margin_percent: Annotated[Text, typer.Option(help="At least so many percent above the cost; '' for none.")]
    not_below_position: Annotated[
        Text, typer.Option(help="Never below what the vendor at this place asks, as 2; '' for none.")
    ]
    max_price: Annotated[Text, typer.Option(help="No price above this, unless a floor is; '' for none.")]
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help='Terms for some codes, as "code=2547 percent=15" or "destination=\'Kenya*\' min_price=0.02"; the first that fits counts.'
        ),
    ]
    decimals: Annotated[int | None, typer.Option(help="Decimals that prices are rounded to, 0 to 10.")]
    rounding: Annotated[Text, typer.Option(help="How they are rounded: half_up, half_even, up or down.")]
    increments: Annotated[Text, typer.Option(help="Increments, as 60/1, or worst for the worst of the vendors.")]
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Codes left as they are, as country=KP; with source='Vendor A' only that vendor is out."),
    ]
    no_offer: Annotated[Text, typer.Option(help="Codes that no vendor offers: leave_out, block or keep.")]
    other_codes: Annotated[Text, typer.Option(help="The tariff's codes that are not in the deck: keep or close.")]
    longer_codes: Annotated[Text, typer.Option(help="Vendors' codes longer than the deck's: dearest or ignore.")]
    collapse: Annotated[bool | None, typer.Option(help="Leave out codes that say what their parent says.")]
    effective_in_days: Annotated[int | None, typer.Option(help="In how many days its prices begin; 0 for at once.")]


@app.command("set")
@with_options
def set_generator(name: NameArgument, tenant: TenantOption, options: GeneratorOptions) -> None:
    """Keep a generator, or change what is given of one that is there. Lists, such as sources and rules, are given as a whole."""
    from trunkline.pricing.actions import change_generator, create_generator
    from trunkline.pricing.generated import generators, get_deck
    from trunkline.pricing.queries import get_agreement
    from trunkline.tariffs.queries import get_tariff

    given = given_options(options)
    with tenant_scope(tenant):
        known = generators().filter(name=name).first()
        settings = _settings(given, known.settings if known else {})
        said: dict[str, Any] = {}
        if "tariff" in given:
            said["tariff_id"] = get_tariff(given["tariff"]).pk
        if "deck" in given:
            said["deck_id"] = get_deck(given["deck"]).pk
        if "agreement" in given:
            said["agreement_id"] = get_agreement(given["agreement"]).pk if given["agreement"] else None
        if "source" in given:
            said["source_ids"] = [get_tariff(each).pk for each in given["source"]]
        if known is not None:
            change_generator(generator_id=known.pk, settings=settings, **said)
        else:
            missing = next((each for each in ("tariff", "deck", "source") if each not in given), None)
            if missing:
                raise Invalid("bad_generator", f"A new generator needs a {missing}.", hint=f"Give --{missing}.")
            create_generator(name=name, settings=settings, at=now(), **said)
    say(f"generator {name} {'made' if known is None else 'changed'}")


def _settings(given: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    from trunkline.pricing.generator.settings import read_line, read_weights

    settings = _from_file(given["settings"]) if "settings" in given else dict(kept)
    settings |= {name: value for name, value in given.items() if name not in LEFT}
    if "weights" in given:
        settings["weights"] = read_weights(given["weights"])
    if "rule" in given:
        settings["rules"] = [read_line(each) for each in given["rule"] if each.strip()]
    if "exclude" in given:
        settings["exclude"] = [read_line(each) for each in given["exclude"] if each.strip()]
    return settings


def _from_file(name: str) -> dict[str, Any]:
    try:
        said = json_module.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid("bad_generator", f"{name} holds no settings: {error}.") from error
    found = said.get("settings", said) if isinstance(said, dict) else None
    if not isinstance(found, dict):
        raise Invalid("bad_generator", f"{name} holds no settings.", hint="It is a JSON object.")
    return found


@app.command("list")
def list_generators(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the generators of a tenant."""
    from trunkline.pricing.generated import generators

    with tenant_scope(tenant):
        rows = [_facts(each) for each in generators()]
    if json:
        print_json({"generators": rows})
        return
    shown = [row | {"sources": ", ".join(row["sources"]), "method": row["settings"]["method"]} for row in rows]
    columns = ("name", "tariff", "deck", "agreement", "method", "sources")
    print_rows("Generators", {name: name.capitalize() for name in columns}, shown)


@app.command()
def show(name: NameArgument, tenant: TenantOption, json: JsonOption = False) -> None:
    """Show a generator with all its settings."""
    from trunkline.pricing.generated import get_generator
    from trunkline.pricing.generator.settings import write_line

    with tenant_scope(tenant):
        facts = _facts(get_generator(name))
    if json:
        print_json(facts)
        return
    settings = facts.pop("settings")
    rows = [[name, ", ".join(value) if isinstance(value, list) else value] for name, value in facts.items()]
    lists = {"rules": [], "exclude": []} | {each: settings.pop(each) for each in ("rules", "exclude")}
    rows += [
        [name, "/".join(value) if isinstance(value, list) else value] for name, value in settings.items() if value != []
    ]
    rows += [[name, write_line(each)] for name, values in lists.items() for each in values]
    table("", ["", ""], rows)


@app.command()
def run(
    name: NameArgument,
    tenant: TenantOption,
    effective: Annotated[
        Text, typer.Option(help="When its prices begin: a date or an instant; as the generator says if left out.")
    ] = None,
    prices_at: Annotated[
        Text,
        typer.Option(help="When the vendors' prices are taken: a date or an instant; when ours begin if left out."),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Apply it at once, unless a check stops it.")] = False,
    json: JsonOption = False,
) -> None:
    """Make the prices and compare them with the tariff's. Nothing changes until the run is applied."""
    from trunkline.pricing.actions import apply_import, ask_run, make_run
    from trunkline.pricing.generated import access_made, get_generator

    with tenant_scope(tenant) as tenant_id:
        generator = get_generator(name)
        zone = generator.tariff.timezone
        begins, taken = given_instant(effective, zone), given_instant(prices_at, zone)
        asked = ask_run(generator_id=generator.pk, effective_at=begins, prices_at=taken, is_deferred=False, at=now())
    made = make_run(tenant_id, asked.pk, actor=actor(), now=now)
    if apply:
        with tenant_scope(tenant):
            _, sheet = access_made(str(made.public_id))
        apply_import(tenant_id, sheet.pk, actor=actor(), now=now)
    simulation(str(made.public_id), tenant, json=json)


@app.command()
def runs(
    tenant: TenantOption,
    generator: Annotated[Text, typer.Option(help="Only those of this generator.")] = None,
    limit: Annotated[int, typer.Option(help="How many to show at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """List the runs, the latest first: what they made, what became of them."""
    from trunkline.pricing.generated import get_generator
    from trunkline.pricing.generated import runs as all_runs

    with tenant_scope(tenant):
        found = all_runs(get_generator(generator) if generator else None)[:limit]
        rows = [_run_facts(each) for each in found]
    if json:
        print_json({"runs": rows})
        return
    columns = {
        "id": "Id",
        "generator": "Generator",
        "tariff": "Tariff",
        "run_at": "Run",
        "state": "State",
        "begins_at": "Begins",
    }
    print_rows("Runs", columns, rows)


@app.command()
def simulation(
    run: RunArgument,
    tenant: TenantOption,
    kind: Annotated[
        Text,
        typer.Option(
            help="Only changes of this kind: new, increase, decrease, increment, moved, blocked, closed, unchanged."
        ),
    ] = None,
    only: Annotated[
        Text,
        typer.Option(help="Only these codes: floor, maximum, below_cost, no_offer, excluded, collapsed, no_line."),
    ] = None,
    code: Annotated[str, typer.Option(help="Only codes that begin so.")] = "",
    limit: Annotated[int, typer.Option(help="How many codes to show at most.")] = SHOWN_CODES,
    json: JsonOption = False,
) -> None:
    """Show what a run makes: counts, what it earns on the traffic of the last 30 days, and for each code price, cost and margin."""
    from trunkline.pricing.generated import get_run, run_rows

    with tenant_scope(tenant):
        found = get_run(run)
        facts = _run_facts(found)
        rows = run_rows(found, kind=kind, only=only, code=code, limit=limit)
    if json:
        print_json(facts | {"codes": rows})
        return
    table(
        "",
        ["", ""],
        [[name, value] for name, value in facts.items() if value and name not in TABLES],
    )
    counted = {
        name: count for name, count in facts["counts"].items() if count and name not in ("lines", "monthly_cost")
    }
    table("Changes", ["Kind", "Codes"], [[name, count] for name, count in counted.items()], right=["Codes"])
    figures = {name: value for name, value in facts["figures"].items() if value not in (0, "0")}
    table("Prices", ["", ""], [[name.replace("_", " "), value] for name, value in figures.items()])
    columns = ("tariff", "parents", "currency", "exchange_rate", "rates", "cheapest", "fees")
    sources = [
        each | {"parents": ", ".join(parent["tariff"] for parent in each.get("parents", ()))}
        for each in facts["sources"]
    ]
    print_rows("Vendors", {name: name.replace("_", " ").capitalize() for name in columns}, sources, right=columns[4:])
    if facts["findings"]:
        checks = [[f["level"], f["check"], f["lines"], f["text"], ", ".join(f["codes"])] for f in facts["findings"]]
        table("Checks", ["Level", "Check", "Lines", "What", "Codes"], checks, right=["Lines"])
    shown = (
        "code",
        "destination",
        "kind",
        "before",
        "price",
        "cost",
        "margin",
        "offers",
        "cheapest",
        "held_by",
        "begins",
    )
    print_rows(
        "Codes", {name: name.replace("_", " ").capitalize() for name in shown}, rows, right=("cost", "margin", "offers")
    )


@app.command()
def apply(
    run: RunArgument,
    tenant: TenantOption,
    overrule: Annotated[
        list[str] | None, typer.Option(help="A check that stopped the run and was looked at; several times.")
    ] = None,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Make the prices of a run true, all of them at once."""
    from trunkline.pricing.actions import apply_import

    tenant_id, sheet_id = _found(tenant, run)
    apply_import(tenant_id, sheet_id, overrule=overrule or (), reason=reason, actor=actor(), now=now)
    _told(tenant, run, json)


@app.command()
def undo(run: RunArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Take a run back: the prices that stood before it stand again."""
    from trunkline.pricing.actions import undo_import

    tenant_id, sheet_id = _found(tenant, run)
    undo_import(tenant_id, sheet_id, reason=reason, actor=actor(), now=now)
    _told(tenant, run, json)


@app.command()
def discard(run: RunArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Say no to a run that is not applied; it stays in the history."""
    from trunkline.pricing.actions import discard_import
    from trunkline.pricing.generated import get_run, sheet_of

    with tenant_scope(tenant, reason=reason):
        discard_import(import_id=sheet_of(get_run(run)).pk, reason=reason, at=now())
    _told(tenant, run, json)


def _found(tenant: str, run: str) -> tuple[int, int]:
    from trunkline.pricing.generated import get_run, sheet_of

    with tenant_scope(tenant) as tenant_id:
        return tenant_id, sheet_of(get_run(run)).pk


def _told(tenant: str, run: str, json: bool) -> None:
    from trunkline.pricing.generated import get_run

    with tenant_scope(tenant):
        facts = _run_facts(get_run(run))
    if json:
        print_json(facts)
    else:
        say(f"{facts['generator']} for {facts['tariff']}: {facts['state']}")


def _facts(generator: Generator) -> dict[str, Any]:
    return {
        "id": str(generator.public_id),
        "name": generator.name,
        "tariff": generator.tariff.name,
        "deck": generator.deck.name,
        "agreement": generator.agreement.name if generator.agreement else None,
        "sources": [each.tariff.name for each in generator.sources.all()],
        "settings": generator.settings,
    }


def _run_facts(run: GeneratorRun) -> dict[str, Any]:
    from trunkline.pricing.generated import state_of

    sheet = run.sheet
    facts: dict[str, Any] = {
        "id": str(run.public_id), "generator": run.generator.name, "tariff": run.generator.tariff.name, "state": state_of(run),
        "run_at": utc_text(run.asked_at), "prices_at": utc_text(run.prices_at), "effective_at": utc_text(run.effective_at),
        "sheet": None, "agreement": None, "begins_at": None, "applied_at": None, "reason": run.failure_detail,
        "counts": {}, "figures": run.figures, "sources": run.sources, "findings": [],
    }  # fmt: skip
    if sheet is None:
        return facts
    return facts | {
        "sheet": str(sheet.public_id), "agreement": sheet.agreement.name if sheet.agreement else None, "begins_at": utc_text(sheet.begins_at),
        "applied_at": utc_text(sheet.applied_at), "reason": sheet.reason, "counts": sheet.counts, "findings": sheet.findings,
    }  # fmt: skip

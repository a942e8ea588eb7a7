"""`trunkline deck`: what codes are called, from files, by hand, or from the world's numbering plans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, actor, now, print_json, say, table, tenant_scope
from trunkline.cli.shown import print_rows
from trunkline.core.errors import Invalid
from trunkline.core.period import utc_text

if TYPE_CHECKING:
    from trunkline.pricing.deck_compare import DeckMode
    from trunkline.pricing.models import DeckChange

app = typer.Typer(help="Code decks: what codes are called.", no_args_is_help=True)

Text = str | None
DeckOption = Annotated[str, typer.Option("--deck", help="Name of the code deck; the default one if left out.")]
ChangeArgument = Annotated[str, typer.Argument(help="Id of the change, as `deck changes` shows it.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the history of the deck.")]
ModeOption = Annotated[str, typer.Option(help="What becomes of codes that the deck has: add (they stay) or update.")]
SkipOption = Annotated[
    bool, typer.Option("--skip-conflicts", help="Take what is fine, and leave out contradictions and unreadable rows.")
]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Apply it at once, unless there are conflicts.")]
SHOWN: int = 20


@app.command("list")
def list_decks(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the code decks with how many codes each has."""
    from trunkline.pricing.deck_queries import code_counts
    from trunkline.tariffs.queries import code_decks

    with tenant_scope(tenant):
        found = list(code_decks())
        counts = code_counts([each.pk for each in found])
    rows = [
        {"name": each.name, "codes": counts.get(each.pk, 0), "default": each.is_default, "id": each.pk}
        for each in found
    ]
    if json:
        print_json({"decks": rows})
        return
    print_rows("Code decks", {"name": "Name", "codes": "Codes", "default": "Default"}, rows, right=["codes"])


@app.command("set")
def set_deck(
    deck: Annotated[str, typer.Argument(help="Name of the code deck; a new one is made.")],
    tenant: TenantOption,
    rename: Annotated[Text, typer.Option(help="Another name for it.")] = None,
    default: Annotated[
        bool | None, typer.Option(help="Whether sheets that name destinations alone take their codes from it.")
    ] = None,
) -> None:
    """Make a code deck, rename one, or choose the default one."""
    from trunkline.tariffs.actions import change_deck, create_deck
    from trunkline.tariffs.models import CodeDeck

    with tenant_scope(tenant):
        found = CodeDeck.objects.filter(name=deck).first() or create_deck(name=deck, at=now())
        if rename is not None or default is not None:
            found = change_deck(deck_id=found.pk, name=rename, is_default=default, at=now())
    say(f"code deck {found.name}{' is the default' if found.is_default else ''}")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="Codes and names: CSV of any kind, XLSX, XLS, ODS; a rate sheet too.")],
    tenant: TenantOption,
    deck: DeckOption = "",
    mode: ModeOption = "add",
    apply: ApplyOption = False,
    skip_conflicts: SkipOption = False,
    layout: Annotated[
        str, typer.Option(help="JSON file with the layout to read it by, as `sheet read --json` prints it.")
    ] = "",
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Compare a file of codes and names with a deck, which a new name makes. Nothing changes until it is applied."""
    from trunkline.cli.sheet import layout_of
    from trunkline.cli.sheet_import import octets_of
    from trunkline.pricing.actions import apply_deck_change, import_deck
    from trunkline.pricing.deck_queries import get_deck

    data, chosen = octets_of(file), _mode(mode)
    with tenant_scope(tenant) as tenant_id:
        name = deck or get_deck().name
    change = import_deck(
        tenant_id,
        deck=name,
        data=data,
        file_name=file.name,
        mode=chosen,
        layout=layout_of(layout),
        actor=actor(),
        now=now,
    )
    if apply:
        apply_deck_change(tenant_id, change.pk, skip_conflicts=skip_conflicts, reason=reason, actor=actor(), now=now)
    show(str(change.public_id), tenant, json=json)


@app.command("world")
def world(
    deck: Annotated[str, typer.Argument(help="Name of the code deck; a new one is made.")],
    tenant: TenantOption,
    depth: Annotated[str, typer.Option(help="countries: about 400 codes; mobiles: mobile ranges too.")] = "mobiles",
    mode: ModeOption = "add",
    apply: ApplyOption = False,
    json: JsonOption = False,
) -> None:
    """Compare the world's numbering plans, as the library phonenumbers has them, with a deck: a start for one's own."""
    from trunkline.pricing.actions import apply_deck_change, compare_world
    from trunkline.tenancy.queries import get_tenant_id

    tenant_id = get_tenant_id(tenant)
    change = compare_world(tenant_id, deck=deck, depth=depth, mode=_mode(mode), actor=actor(), now=now)
    if apply:
        apply_deck_change(tenant_id, change.pk, actor=actor(), now=now)
    show(str(change.public_id), tenant, json=json)


@app.command("changes")
def list_changes(
    tenant: TenantOption,
    deck: DeckOption = "",
    limit: Annotated[int, typer.Option(help="How many to show at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """List the changes of code decks, the latest first: files, single codes by hand, the world."""
    from trunkline.pricing.deck_queries import deck_changes, get_deck

    with tenant_scope(tenant):
        rows = [_facts(each) for each in deck_changes(get_deck(deck) if deck else None)[:limit]]
    if json:
        print_json({"changes": rows})
        return
    columns = {"id": "Id", "deck": "Deck", "source": "Source", "file": "File", "made_at": "Made", "state": "State"}
    print_rows("Changes of code decks", columns | {"reason": "Why"}, rows)


@app.command()
def show(
    change: ChangeArgument,
    tenant: TenantOption,
    kind: Annotated[
        str, typer.Option(help="Only lines of this kind: contradicted, moved, renamed, respelled, new, same.")
    ] = "",
    limit: Annotated[int, typer.Option(help="How many lines to show at most.")] = SHOWN,
    json: JsonOption = False,
) -> None:
    """Show a change of a deck: counts of each kind, its first lines, conflicts first, and rows that cannot be read."""
    from trunkline.pricing.deck_queries import access_deck_change, compared_rows, unreadable_rows

    with tenant_scope(tenant):
        found = access_deck_change(change)
        facts = _facts(found)
        rows = compared_rows(found, kind=kind, limit=limit)
        errors = unreadable_rows(found, limit=limit)
    if json:
        print_json(facts | {"lines": rows, "unreadable": errors})
        return
    table("", ["", ""], [[name, value] for name, value in facts.items() if name != "counts" and value])
    counts = {name: value for name, value in facts["counts"].items() if value and name != "doubts"}
    table("Codes", ["Kind", "Codes"], [[name, value] for name, value in counts.items()], right=["Codes"])
    for doubt in facts["counts"].get("doubts", ()):
        say(doubt)
    columns = {
        "line": "Line",
        "kind": "Kind",
        "code": "Code",
        "before": "Now",
        "name": "Will be",
        "written": "In the file",
    }
    print_rows("Lines", columns, rows, right=["line"])
    if errors:
        names = ("sheet", "line", "column", "reason", "text")
        print_rows("Rows that cannot be read", {name: name.capitalize() for name in names}, errors)


@app.command()
def apply(
    change: ChangeArgument,
    tenant: TenantOption,
    mode: Annotated[Text, typer.Option(help="Another mode than it was compared for: add or update.")] = None,
    skip_conflicts: SkipOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Bring what was compared into the deck, all of it at once."""
    from trunkline.pricing.actions import apply_deck_change

    done = apply_deck_change(
        *_found(tenant, change),
        mode=None if mode is None else _mode(mode),
        skip_conflicts=skip_conflicts,
        reason=reason,
        actor=actor(),
        now=now,
    )
    _told(tenant, done, json)


@app.command()
def undo(change: ChangeArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Take a change of a deck back: each of its codes is what it was before."""
    from trunkline.pricing.actions import undo_deck_change

    _told(tenant, undo_deck_change(*_found(tenant, change), reason=reason, actor=actor(), now=now), json)


@app.command()
def discard(change: ChangeArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Say no to a change that is compared; it stays in the history."""
    from trunkline.pricing.actions import discard_deck_change

    _, change_id = _found(tenant, change)
    with tenant_scope(tenant, reason=reason):
        done = discard_deck_change(change_id=change_id, reason=reason, at=now())
    _told(tenant, done, json)


@app.command("name")
def name_codes(
    codes: Annotated[str, typer.Argument(help="Codes: 254, 2547,2548 or 254(0-2).")],
    name: Annotated[str, typer.Argument(help="Name of their destination; empty to take them out of the deck.")],
    tenant: TenantOption,
    reason: ReasonOption,
    deck: DeckOption = "",
    json: JsonOption = False,
) -> None:
    """Name codes of a deck by hand, or take them out."""
    from trunkline.core.codes import expand_codes
    from trunkline.pricing.actions import change_deck_codes
    from trunkline.pricing.deck_queries import get_deck

    names = dict.fromkeys(expand_codes(codes), name or None)
    with tenant_scope(tenant, reason=reason):
        done = change_deck_codes(deck_id=get_deck(deck).pk, names=names, reason=reason, at=now())
    _told(tenant, done, json)


@app.command("codes")
def list_codes(
    tenant: TenantOption,
    deck: DeckOption = "",
    prefix: Annotated[str, typer.Option(help="Only codes that begin so.")] = "",
    name: Annotated[str, typer.Option(help="Only destinations whose names begin so.")] = "",
    limit: Annotated[int, typer.Option(help="How many to show at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """List codes of a deck, by code."""
    from trunkline.kit.lookups import digits_begin
    from trunkline.pricing.deck_queries import codes, get_deck

    with tenant_scope(tenant):
        found = codes(get_deck(deck))
        if prefix:
            found = found.filter(digits_begin("code", prefix))
        if name:
            found = found.filter(destination__name__startswith=name)
        rows = [
            {
                "code": each.code,
                "destination": each.destination.name,
                "country": each.destination.country,
                "kind": each.destination.kind,
            }
            for each in found[:limit]
        ]
    if json:
        print_json({"codes": rows})
        return
    print_rows("Codes", {key: key.capitalize() for key in ("code", "destination", "country", "kind")}, rows)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write it; its ending says whether CSV or XLSX.")],
    tenant: TenantOption,
    deck: DeckOption = "",
) -> None:
    """Write a code deck as CSV or XLSX; the file imported again changes nothing."""
    from trunkline.pricing.deck_export import deck_csv, deck_xlsx
    from trunkline.pricing.deck_queries import codes_of_deck, get_deck

    ending = file.suffix.lower()
    if ending not in (".csv", ".xlsx"):
        raise Invalid(
            "unknown_format", f"{file.name} is neither .csv nor .xlsx.", hint="Give the file one of these endings."
        )
    with tenant_scope(tenant):
        found = get_deck(deck)
        rows = codes_of_deck(found)
    file.write_bytes(deck_csv(rows) if ending == ".csv" else deck_xlsx(rows))
    say(f"{len(rows)} codes of {found.name} in {file}")


def _mode(text: str) -> DeckMode:
    from trunkline.pricing.deck_compare import DeckMode

    try:
        return DeckMode(text)
    except ValueError as error:
        raise Invalid("unknown_mode", f"There is no mode {text[:40]!r}.", hint=f"Use {', '.join(DeckMode)}.") from error


def _found(tenant: str, change: str) -> tuple[int, int]:
    from trunkline.pricing.deck_queries import access_deck_change

    with tenant_scope(tenant) as tenant_id:
        return tenant_id, access_deck_change(change).pk


def _told(tenant: str, change: DeckChange, json: bool) -> None:
    with tenant_scope(tenant):
        facts = _facts(change)
    if json:
        print_json(facts)
        return
    done = ", ".join(
        f"{facts['counts'][name]} {name}" for name in ("added", "changed", "removed") if facts["counts"].get(name)
    )
    say(f"{facts['deck']}: {facts['state']}{', ' + done if done else ''}")


def _facts(change: DeckChange) -> dict[str, Any]:
    return {
        "id": str(change.public_id), "deck": change.deck.name, "source": change.source, "file": change.file_name, "mode": change.mode, "state": change.state,
        "made_at": utc_text(change.created_at), "applied_at": utc_text(change.applied_at), "ended_at": utc_text(change.ended_at), "reason": change.reason,
        "counts": change.counts,
    }  # fmt: skip

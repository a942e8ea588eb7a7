"""`trunkline sheet`: sheets that are compared with a tariff, applied, undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, actor, now, print_json, say, table, tenant_scope
from trunkline.cli.shown import given_instant, print_rows, required_instant
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.period import utc_text

if TYPE_CHECKING:
    from trunkline.pricing.compare import Scope
    from trunkline.pricing.models import SheetImport

Text = str | None
SheetArgument = Annotated[str, typer.Argument(help="Id of the sheet, as `sheet list` shows it.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the history of the tariff.")]
OverruleOption = Annotated[
    list[str] | None, typer.Option(help="A check that stopped the sheet and was looked at; can be given several times.")
]
SHOWN_LINES = 20
COUNTED = (
    "lines", "new", "increase", "decrease", "increment", "moved", "blocked", "closed", "unchanged", "refused", "closed_codes", "errors",
    "monthly_cost", "weighed_by_code", "weighed_by_number", "without_price", "not_weighed", "days_of_numbers",
)  # fmt: skip


def load(
    file: Annotated[Path, typer.Argument(help="A rate sheet: CSV of any kind, XLSX, XLS, ODS, or a zip of these.")],
    tenant: TenantOption,
    tariff: Annotated[
        Text, typer.Option(help="Name of the tariff that it is for; that of the template if left out.")
    ] = None,
    template: Annotated[
        Text, typer.Option(help="Template of the vendor: tariff, scope, agreement, layout, checks.")
    ] = None,
    scope: Annotated[
        Text, typer.Option(help="What it says of codes that it does not name: full, country or partial.")
    ] = None,
    agreement: Annotated[Text, typer.Option(help="Agreement whose notice its changes need.")] = None,
    effective: Annotated[
        Text, typer.Option(help="When lines without a date begin and left-out codes close: a date or an instant.")
    ] = None,
    received: Annotated[Text, typer.Option(help="When the sheet was received; now if left out.")] = None,
    layout: Annotated[
        str, typer.Option(help="JSON file with the layout to read it by, as `sheet read --json` prints it.")
    ] = "",
    subject: Annotated[str, typer.Option(help="Subject of the mail it came with; it can name the date.")] = "",
    reach_back: Annotated[
        bool, typer.Option("--reach-back", help="Let lines begin before the sheet was received.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Apply it at once, unless a check stops it.")] = False,
    overrule: OverruleOption = None,
    json: JsonOption = False,
) -> None:
    """Compare a rate sheet with the prices in force and keep it. Nothing changes until it is applied."""
    from trunkline.cli.sheet import layout_of
    from trunkline.pricing.actions import apply_import, import_sheet
    from trunkline.pricing.intake import asked_of, reader_of
    from trunkline.tenancy.queries import current_tenant

    data = octets_of(file)
    with tenant_scope(tenant) as tenant_id:
        zone = current_tenant().timezone
        notified_at = required_instant(received, zone) if received else now()
        asked, kept = asked_of(
            tariff=tariff,
            template=template,
            agreement=agreement,
            scope=None if scope is None else _scope(scope),
            effective_at=given_instant(effective, zone),
            reaches_back=reach_back,
        )
    sheet = import_sheet(
        tenant_id,
        data=data,
        file_name=file.name,
        read=reader_of(
            data,
            file.name,
            received_at=notified_at,
            effective_at=asked.effective_at,
            subject=subject,
            layout=layout_of(layout),
            template=kept,
        ),
        asked=asked,
        notified_at=notified_at,
        actor=actor(),
        now=now,
    )
    if apply:
        apply_import(tenant_id, sheet.pk, overrule=overrule or (), actor=actor(), now=now)
    show(str(sheet.public_id), tenant, json=json)


def template(
    name: Annotated[str, typer.Argument(help="What the template is called, as the vendor.")],
    tenant: TenantOption,
    tariff: Annotated[str, typer.Option(help="Name of the tariff that its sheets are for.")],
    scope: Annotated[
        str, typer.Option(help="What its sheets say of codes that they do not name: full, country or partial.")
    ] = "partial",
    agreement: Annotated[Text, typer.Option(help="Agreement whose notice its changes need.")] = None,
    layout: Annotated[
        str, typer.Option(help="JSON file with the layout of one of its sheets, as `sheet read --json` prints it.")
    ] = "",
    check: Annotated[
        list[str] | None, typer.Option(help="A check that is not as usual: jump=stop, zero=ignore; several times.")
    ] = None,
) -> None:
    """Keep what the sheets of a vendor have in common; one of that name is changed."""
    from trunkline.cli.sheet import layout_of
    from trunkline.pricing.actions import save_template
    from trunkline.pricing.queries import get_agreement
    from trunkline.pricing.sheets.layout import to_json
    from trunkline.tariffs.queries import get_tariff

    found = layout_of(layout)
    with tenant_scope(tenant):
        save_template(
            name=name,
            tariff_id=get_tariff(tariff).pk,
            scope=_scope(scope),
            agreement_id=get_agreement(agreement).pk if agreement else None,
            layout=None if found is None else to_json(found),
            checks={name: level for name, _, level in (each.partition("=") for each in check or ())},
        )
    say(f"template {name} kept")


def list_sheets(
    tenant: TenantOption,
    tariff: Annotated[Text, typer.Option(help="Only those for this tariff.")] = None,
    limit: Annotated[int, typer.Option(help="How many to show at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """List rate sheets, the latest first: what came, what became of it."""
    from trunkline.pricing.queries import imports
    from trunkline.tariffs.queries import get_tariff

    with tenant_scope(tenant):
        found = imports(get_tariff(tariff) if tariff else None)[:limit]
        rows = [_facts(sheet) for sheet in found]
    if json:
        print_json({"sheets": rows})
        return
    columns = {
        "id": "Id",
        "tariff": "Tariff",
        "file": "File",
        "received_at": "Received",
        "state": "State",
        "begins_at": "Begins",
    }
    print_rows("Rate sheets", columns, rows)


def show(
    sheet: SheetArgument,
    tenant: TenantOption,
    kind: Annotated[
        Text,
        typer.Option(
            help="Only lines of this kind: new, increase, decrease, increment, moved, blocked, closed, refused, unchanged."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many lines to show at most.")] = SHOWN_LINES,
    json: JsonOption = False,
) -> None:
    """Show a rate sheet: counts of each kind of change, what the checks found, its first lines, rows that cannot be read."""
    from trunkline.pricing.changes import change_rows, closed_rows, error_rows
    from trunkline.pricing.queries import access_import

    with tenant_scope(tenant):
        found = access_import(sheet)
        facts = _facts(found)
        changes = change_rows(found, kind=kind, limit=limit)
        closed = closed_rows(found, limit=limit)
        errors = error_rows(found, limit=limit)
    if json:
        print_json(facts | {"changes": changes, "closed": closed, "unreadable": errors})
        return
    table("", ["", ""], [[name, _plain(value)] for name, value in facts.items() if name not in {"counts", "findings"}])
    table("Lines", ["Kind", "Lines"], [[name, count] for name, count in facts["counts"].items()], right=["Lines"])
    if facts["findings"]:
        rows = [[f["level"], f["check"], f["lines"], f["text"], ", ".join(f["codes"])] for f in facts["findings"]]
        table("Checks", ["Level", "Check", "Lines", "What", "Codes"], rows, right=["Lines"])
    columns = {
        "line": "Line", "kind": "Kind", "code": "Code", "origin": "Origin", "destination": "Destination",
        "before": "Before", "price": "Price", "begins": "Begins", "note": "Note",
    }  # fmt: skip
    print_rows("Changes", columns, changes, right=["line"])
    if closed:
        names = ("code", "origin", "destination", "price", "closes", "falls_to")
        print_rows("Codes that close", {name: name.replace("_", " ").capitalize() for name in names}, closed)
    if errors:
        print_rows(
            "Rows that cannot be read",
            {name: name.capitalize() for name in ("sheet", "line", "column", "reason", "text")},
            errors,
        )


def apply(
    sheet: SheetArgument,
    tenant: TenantOption,
    overrule: OverruleOption = None,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Make a sheet's changes true, all of them at once."""
    from trunkline.pricing.actions import apply_import

    done = apply_import(*_found(tenant, sheet), overrule=overrule or (), reason=reason, actor=actor(), now=now)
    _told(tenant, done, json)


def undo(sheet: SheetArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Take a sheet back: the prices that stood before it stand again."""
    from trunkline.pricing.actions import undo_import

    _told(tenant, undo_import(*_found(tenant, sheet), reason=reason, actor=actor(), now=now), json)


def discard(sheet: SheetArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Say no to a sheet that is compared; it stays in the history."""
    from trunkline.pricing.actions import discard_import

    _, import_id = _found(tenant, sheet)
    with tenant_scope(tenant, reason=reason):
        done = discard_import(import_id=import_id, reason=reason, at=now())
    _told(tenant, done, json)


def octets_of(file: Path) -> bytes:
    """What a file holds. Raises NotFound `no_such_file`."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotFound("no_such_file", f"{file} cannot be read: {error.strerror}.") from error


def _scope(text: str) -> Scope:
    from trunkline.pricing.compare import Scope

    try:
        return Scope(text)
    except ValueError as error:
        raise Invalid("unknown_scope", f"There is no scope {text[:40]!r}.", hint=f"Use {', '.join(Scope)}.") from error


def _found(tenant: str, sheet: str) -> tuple[int, int]:
    from trunkline.pricing.queries import access_import

    with tenant_scope(tenant) as tenant_id:
        return tenant_id, access_import(sheet).pk


def _told(tenant: str, sheet: SheetImport, json: bool) -> None:
    from trunkline.pricing.queries import access_import

    with tenant_scope(tenant):
        facts = _facts(access_import(str(sheet.public_id)))
    if json:
        print_json(facts)
    else:
        say(f"{facts['file']} for {facts['tariff']}: {facts['state']}")


def _facts(sheet: SheetImport) -> dict[str, Any]:
    return {
        "id": str(sheet.public_id), "tariff": sheet.tariff.name, "file": sheet.file_name, "state": sheet.state, "scope": sheet.scope,
        "agreement": sheet.agreement.name if sheet.agreement else None, "received_at": utc_text(sheet.notified_at), "effective_at": utc_text(sheet.effective_at),
        "begins_at": utc_text(sheet.begins_at), "applied_at": utc_text(sheet.applied_at), "reason": sheet.reason,
        "counts": {name: sheet.counts[name] for name in COUNTED if name in sheet.counts},
        "findings": sheet.findings,
    }  # fmt: skip


def _plain(value: object) -> object:
    return "" if value is None else value

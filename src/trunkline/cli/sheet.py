"""`trunkline sheet`: rate sheets of vendors."""

from __future__ import annotations

import json as json_module
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli import sheet_import
from trunkline.cli.door import JsonOption, print_json, table
from trunkline.core.errors import Invalid

if TYPE_CHECKING:
    from trunkline.pricing.sheets.layout import Layout

app = typer.Typer(
    help="Rate sheets of vendors: read whatever they look like, compared, applied, undone.", no_args_is_help=True
)


@app.callback()
def group() -> None:
    """Rate sheets of vendors: what a file says, whatever it looks like."""


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="A rate sheet: CSV of any kind, XLSX, XLS, ODS, or a zip of these.")],
    layout: Annotated[
        str,
        typer.Option(help="JSON file with the layout to read it by, as `--json` prints it; nothing is guessed then."),
    ] = "",
    template: Annotated[
        str,
        typer.Option(
            help="JSON file with the layout of an earlier sheet of the vendor; its columns are found again by their headers."
        ),
    ] = "",
    received: Annotated[
        str,
        typer.Option(
            help="Day on which the sheet came, as 2026-03-04; it can settle which number of a date is the day."
        ),
    ] = "",
    subject: Annotated[
        str, typer.Option(help="Subject of the mail it came with; it can name the date or the scope.")
    ] = "",
    effective: Annotated[str, typer.Option(help="Day that the mail names, for a sheet that names none.")] = "",
    json: JsonOption = False,
) -> None:
    """Print what is understood of a rate sheet: layout, columns, scope, counts, sample lines, and every row that cannot be read. Nothing is written."""
    from trunkline.pricing.sheets.reading import read_sheet, to_report
    from trunkline.pricing.sheets.recognise import Context

    data = sheet_import.octets_of(file)
    context = Context(file.name, _day(received), subject, _day(effective))
    report = to_report(read_sheet(data, file.name, context, layout_of(layout), layout_of(template)))
    if json:
        print_json(report)
    else:
        _show(report)


app.command()(sheet_import.load)
app.command()(sheet_import.template)
app.command("list")(sheet_import.list_sheets)
app.command()(sheet_import.show)
app.command()(sheet_import.apply)
app.command()(sheet_import.undo)
app.command()(sheet_import.discard)


def layout_of(name: str) -> Layout | None:
    """The layout that a JSON file holds; None without a name. Raises Invalid `bad_layout`."""
    from trunkline.pricing.sheets.layout import from_json

    return from_json(_json_of(name)) if name else None


def _json_of(name: str) -> Any:
    try:
        said = json_module.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid("bad_layout", f"{name} holds no layout: {error}.") from error
    return said.get("layout", said) if isinstance(said, dict) else said


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("bad_date", f"{text[:40]!r} is no day.", hint="Write it like 2026-03-04.") from error


def _show(report: dict[str, Any]) -> None:
    layout, counts, scope = report["layout"], report["counts"], report["scope"]
    sure = "read" if layout["verdict"] == "read" else "cannot tell"
    table(
        "", ["", ""],
        [
            ["Verdict", f"{sure}, confidence {layout['confidence']}"],
            *[["Doubt", f"{each['sheet']}: {each['text']} {each['hint']}".strip(": ")] for each in layout["doubts"]],
            ["Scope", f"{scope['scope']}: {scope['why']}"],
            ["Currency", ", ".join(scope["currencies"]) or "not said"],
            ["Effective", ", ".join(scope["effective_dates"]) or "not said"],
            ["Rows", counts["rows"]], ["Lines", counts["lines"]], ["Errors", counts["errors"]], ["Codes", counts["codes"]],
            *[[f"of them {kind}", count] for kind, count in counts["kinds"].items()],
            *[[f"left out: {what}", count] for what, count in counts["skipped"].items()],
            ["Duplicates", f"{counts['duplicates']}, {counts['contradictions']} with another price"],
        ],
    )  # fmt: skip
    table(
        "Columns",
        ["Sheet", "Header", "Meaning", "Confidence", "Why"],
        [[c["sheet"], c["header"], c["meaning"], c["confidence"], c["why"]] for c in report["columns"]],
    )
    table(
        "Sample", ["Line", "Code", "Destination", "Price", "Increments", "Effective", "Expires", "Kind", "Slot"],
        [
            [s["line"], s["code"], s["destination"], _price(s), s["increments"], s["effective"] or s["starts"], s["expires"], s["kind"], s["slot"]]
            for s in report["sample"]
        ],
        right=("Line", "Price"),
    )  # fmt: skip
    if report["errors"]:
        table(
            "Rows that cannot be read",
            ["Sheet", "Line", "Column", "Reason", "Text"],
            [[e["sheet"], e["line"], e["column"], e["reason"], e["text"]] for e in report["errors"]],
            right=("Line",),
        )


def _price(line: dict[str, Any]) -> str:
    if line["price"] is not None:
        return str(line["price"])
    return " / ".join(str(line[name]) for name in ("inter", "intra", "indeterminate") if line[name] is not None)

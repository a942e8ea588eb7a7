"""`trunkline analysis`: price lists side by side, the least cost, margins."""

from __future__ import annotations

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
from trunkline.core.errors import Invalid

if TYPE_CHECKING:
    from trunkline.pricing.analysis.compared import Analysis

app = typer.Typer(help="What each price list asks for the same call, and who is cheapest.", no_args_is_help=True)

Names = list[str] | None
Text = str | None
TariffOption = Annotated[Names, typer.Option(help="Name of a tariff; can be given several times.")]
VendorOption = Annotated[Names, typer.Option(help="Short name of a vendor: what it charges us; several times.")]
CustomerOption = Annotated[Names, typer.Option(help="Short name of a customer: what it pays us; several times.")]
AtOption = Annotated[Text, typer.Option(help="A day, for its noon, or an instant; now if left out.")]
ServiceOption = Annotated[Text, typer.Option(help="voice, sms, data or event.")]
CurrencyOption = Annotated[Text, typer.Option(help="Currency of all prices; the tenant's if left out.")]
CallOption = Annotated[Text, typer.Option(help="Seconds of the call that is asked for; 60 if left out.")]
ByOption = Annotated[Text, typer.Option(help="What a row is: code or destination.")]
AgainstTariffOption = Annotated[Text, typer.Option(help="Margins against this tariff.")]
AgainstVendorOption = Annotated[Text, typer.Option(help="Margins against what this vendor charges us.")]
AgainstCustomerOption = Annotated[Text, typer.Option(help="Margins against what this customer pays us.")]
AgainstOption = Annotated[Text, typer.Option(help="Whether the tariff of --against-tariff sells or buys: sell or buy.")]
BelowOption = Annotated[Text, typer.Option(help="Only rows with a margin below so many percent; 0: losses.")]
CodeOption = Annotated[Text, typer.Option(help="Only codes that begin so.")]
DestinationOption = Annotated[Text, typer.Option(help="Only destinations whose names begin so.")]
CountryOption = Annotated[Text, typer.Option(help="Only codes of this country, as an ISO 3166 code.")]
DeckOption = Annotated[
    Text, typer.Option(help="Code deck whose names are shown; those of the price lists if left out.")
]
AverageOption = Annotated[Text, typer.Option(help="How the codes of a destination count: codes or minutes.")]
MinutesOption = Annotated[Text, typer.Option(help="Show the minutes of customers or vendors.")]
DaysOption = Annotated[Text, typer.Option(help="Minutes of how many days; 30 if left out.")]
TagOption = Annotated[Names, typer.Option(help="A tag that the call carries; several times.")]
PositionsOption = Annotated[str, typer.Option(help="How many positions of each row; all if left out.")]
LimitOption = Annotated[int, typer.Option(help="Rows of the table; a file has all of them.")]
OffsetOption = Annotated[int, typer.Option(help="Rows to leave out before the first.")]
OutOption = Annotated[
    Path | None, typer.Option(help="File to write with all rows, .csv or .xlsx.", file_okay=True, dir_okay=False)
]


@dataclass(frozen=True, slots=True)
class Question:
    """What both commands are asked."""

    tariff: TariffOption
    vendor: VendorOption
    customer: CustomerOption
    at: AtOption
    service: ServiceOption
    currency: CurrencyOption
    call: CallOption
    by: ByOption
    against_tariff: AgainstTariffOption
    against_vendor: AgainstVendorOption
    against_customer: AgainstCustomerOption
    against: AgainstOption
    below: BelowOption
    code: CodeOption
    destination: DestinationOption
    country: CountryOption
    deck: DeckOption
    average: AverageOption
    minutes: MinutesOption
    days: DaysOption
    tag: TagOption


@app.command("compare")
@with_options
def compare_lists(
    tenant: TenantOption,
    options: Question,
    limit: LimitOption = 50,
    offset: OffsetOption = 0,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Show price lists side by side, by code or by destination, in one currency."""
    _give(tenant, given_options(options) | {"form": "side"}, offset, limit, out, json)


@app.command("least")
@with_options
def least_cost(
    tenant: TenantOption,
    options: Question,
    positions: PositionsOption = "",
    limit: LimitOption = 50,
    offset: OffsetOption = 0,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """List the offers of each code or destination, the cheapest first."""
    _give(tenant, given_options(options) | {"form": "least", "positions": positions}, offset, limit, out, json)


def _give(tenant: str, said: dict[str, Any], offset: int, limit: int, out: Path | None, as_json: bool) -> None:
    from trunkline.pricing.analysis.gathered import analyse
    from trunkline.pricing.analysis.given import SHEET_ROWS_MAX, FileFormat, about, open_file, rows
    from trunkline.pricing.analysis.parsing import parse_asked

    kind = None
    if out is not None:
        kind = next((each for each in FileFormat if out.suffix.lower() == f".{each.value}"), None)
        if kind is None:
            raise Invalid("unknown_format", f"{out.name} is neither .csv nor .xlsx.")
    if offset < 0 or limit < 1:
        raise Invalid("bad_number", "--offset is at least 0 and --limit at least 1.")
    with tenant_scope(tenant) as tenant_id:
        asked = parse_asked(said, at=now())
    analysis = analyse(tenant_id, asked, actor=actor(), at=now())
    if out is not None and kind is not None:
        with open_file(analysis, kind, at=now(), xlsx_rows=SHEET_ROWS_MAX) as file:
            out.write_bytes(file.read())
        say(f"{len(analysis.table)} rows written to {out}")
        return
    shown = rows(analysis, offset, limit)
    if as_json:
        print_json(about(analysis) | {"data": shown})
        return
    _print(analysis, shown)
    if offset + len(shown) < len(analysis.table):
        say(f"rows {offset + 1} to {offset + len(shown)} of {len(analysis.table)}; --out writes all of them")


def _print(analysis: Analysis, shown: list[dict[str, Any]]) -> None:
    is_least = analysis.table.order is not None
    keys = [name for name in ("code", "destination", "codes", "minutes", "master") if shown and name in shown[0]]
    headings = [analysis.master or "" if name == "master" else name.capitalize() for name in keys]
    count = 0 if analysis.table.order is None else analysis.table.order.shape[1]
    places = [str(number) for number in range(1, count + 1)] if is_least else list(analysis.labels)
    lines = []
    for row in shown:
        cells = row["offers"] if is_least else row["cells"]
        words = [f"{each['list']} {_words(each)}" if is_least else _words(each) for each in cells]
        words += [""] * (len(places) - len(words))
        lines.append([row[name] for name in keys] + words)
    title = (
        f"{analysis.currency} for {analysis.units} {analysis.unit.value}s, {len(analysis.table)} rows; ~ is simulated"
    )
    right = [heading for name, heading in zip(keys, headings, strict=True) if name in ("codes", "minutes", "master")]
    table(title, [*headings, *places], lines, right=right if is_least else [*right, *places])


def _words(cell: dict[str, Any]) -> str:
    if cell["state"] != "offer":
        return "" if cell["state"] == "none" else cell["state"]
    range_of = f" ({cell['least']} – {cell['greatest']})" if cell.get("least") != cell.get("greatest") else ""
    margin = f" {cell['margin_percent']} %" if cell.get("margin_percent") is not None else ""
    return f"{'~' if cell['simulated'] else ''}{cell['price']}{range_of}{margin}"

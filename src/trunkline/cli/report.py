"""`trunkline report`: what was earned and how well it worked."""

from __future__ import annotations

import json
import os
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli.door import TenantOption, now, print_json, say, table, tenant_scope
from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone
from trunkline.reports.rules import View, parse_keys

if TYPE_CHECKING:
    from trunkline.reports.queries import Bound, Question
    from trunkline.reports.rules import Report

app = typer.Typer(help="What was earned, and how well it worked.", no_args_is_help=True)


class Format(StrEnum):
    """How a report is given out."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


ByOption = Annotated[
    str,
    typer.Option(
        help="What to group by, in order, separated by commas: day, account, vendor, destination, country, code, "
        "service, cause. Nothing: the totals alone."
    ),
]
FromOption = Annotated[
    str, typer.Option("--from", help="First day, like 2026-03-01, or instant, like 2026-03-01T06:00.")
]
ToOption = Annotated[str, typer.Option("--to", help="Day or instant up to which to report; itself not included.")]
ZoneOption = Annotated[str, typer.Option(help="IANA zone of days and of --from and --to; the tenant's if left out.")]
AccountOption = Annotated[str, typer.Option(help="Code of a customer: its calls alone.")]
VendorOption = Annotated[str, typer.Option(help="Code of a vendor: attempts sent to it alone.")]
DestinationOption = Annotated[str, typer.Option(help="Name of a destination.")]
CountryOption = Annotated[str, typer.Option(help="ISO 3166 code of a country, like KE.")]
SortOption = Annotated[str, typer.Option(help="Column to sort by, greatest first, like margin; else by the groups.")]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="How to give it out; by the ending of --out if left out, else a table."),
]
OutOption = Annotated[Path | None, typer.Option(help="File to write; the standard output if left out.")]


@app.command()
def margin(
    tenant: TenantOption,
    by: ByOption = "account,vendor",
    start_from: FromOption = "",
    start_to: ToOption = "",
    zone: ZoneOption = "",
    account: AccountOption = "",
    vendor: VendorOption = "",
    destination: DestinationOption = "",
    country: CountryOption = "",
    sort: SortOption = "",
    given_format: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Revenue, cost and margin, in the tenant's currency."""
    question = _question(View.MARGIN, by, start_from, start_to, zone, account, vendor, destination, country, sort)
    _report(tenant, question, given_format, out)


@app.command()
def summary(
    tenant: TenantOption,
    by: ByOption = "day",
    start_from: FromOption = "",
    start_to: ToOption = "",
    zone: ZoneOption = "",
    account: AccountOption = "",
    vendor: VendorOption = "",
    destination: DestinationOption = "",
    country: CountryOption = "",
    sort: SortOption = "",
    given_format: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Every figure: attempts, calls, ASR, ACD, PDD, minutes, billed minutes, revenue, cost, margin."""
    question = _question(View.SUMMARY, by, start_from, start_to, zone, account, vendor, destination, country, sort)
    _report(tenant, question, given_format, out)


def _question(
    view: View,
    by: str,
    start_from: str,
    start_to: str,
    zone: str,
    account: str,
    vendor: str,
    destination: str,
    country: str,
    sort: str,
) -> Question:
    from trunkline.reports.queries import Question

    return Question(
        view=view,
        keys=parse_keys(by),
        start_from=_bound(start_from),
        start_to=_bound(start_to),
        zone=zone or None,
        account=account or None,
        vendor=vendor or None,
        destination=destination or None,
        country=country or None,
        sort_by=sort or None,
    )


def _bound(text: str) -> Bound | None:
    """A day or an instant as people write it; an instant without an offset is of the report's zone."""
    if not text:
        return None
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_time", f"{text!r} is no day.", hint="Write 2026-03-01 or 2026-03-01T06:00.") from error


def _report(tenant: str, question: Question, given_format: Format | None, out: Path | None) -> None:
    from trunkline.reports.queries import build, gather
    from trunkline.usage.segments import retry_when_moved

    chosen = _format(given_format, out)

    def work() -> Report:
        with tenant_scope(tenant):
            gathered = gather(question)
        return build(question, gathered)

    report = retry_when_moved(work)
    if out is None:
        _print(report, chosen)
    else:
        _write(report, chosen, out)
        say(f"{out} written, {len(report.rows)} rows")


def _format(given: Format | None, out: Path | None) -> Format:
    if given is None:
        ending = "" if out is None else out.suffix.lower().removeprefix(".")
        given = Format(ending) if ending in Format.__members__.values() else Format.TABLE
    if given is Format.XLSX and out is None:
        raise Invalid("no_file", "A workbook needs a file to go to.", hint="Give one: --out report.xlsx")
    if given is Format.TABLE and out is not None:
        raise Invalid("table_file", "A table is for the screen.", hint="Use --format csv, xlsx or json for a file.")
    return given


def _print(report: Report, chosen: Format) -> None:
    from trunkline.reports import export

    if chosen is Format.TABLE:
        titles = export.headings(report)
        table(_title(report), titles, export.table_rows(report), right=titles[len(report.keys) :])
    elif chosen is Format.CSV:
        export.write_csv(report, sys.stdout)
    else:
        print_json(export.as_json(report))


def _write(report: Report, chosen: Format, out: Path) -> None:
    """Write a file that is there whole or not at all."""
    from trunkline.reports import export

    if chosen is Format.XLSX:
        export.write_xlsx(report, out, at=now())
        return
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            if chosen is Format.CSV:
                export.write_csv(report, stream)
            else:
                json.dump(export.as_json(report), stream, ensure_ascii=False, indent=2)
                stream.write("\n")
        partial.rename(out)
    finally:
        partial.unlink(missing_ok=True)


def _title(report: Report) -> str:
    zone = get_zone(report.zone)

    def shown(instant: datetime | None) -> str:
        return "" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"

    begin, end = shown(report.start_from), shown(report.start_to)
    period = f"{begin} to {end}" if begin and end else f"from {begin}" if begin else f"to {end}" if end else "all days"
    return f"{report.view.value.capitalize()}, {period}, {report.zone}, amounts in {report.currency}"

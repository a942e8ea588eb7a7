"""`trunkline report`: what was earned and how well it worked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, say, table, tenant_scope
from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone

if TYPE_CHECKING:
    from trunkline.reports.report import Report

app = typer.Typer(help="What was earned, and how well it worked.", no_args_is_help=True)


class Format(StrEnum):
    """How a report is given out."""

    TABLE = "table"
    CHART = "chart"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON = "json"


FILES = (Format.CSV, Format.XLSX, Format.PARQUET, Format.JSON)

NameArgument = Annotated[str, typer.Argument(help="Name of the saved report.")]
ByOption = Annotated[
    str,
    typer.Option(
        help="What to group by, in order, separated by commas: day, hour, account, vendor, destination, country, group, code, "
        "code:N (first N digits of the called number), origin, service, cause, cause_group, tags, jurisdiction, attempt. Nothing: the totals alone."
    ),
]
PeriodOption = Annotated[
    str,
    typer.Option(
        help="A period that moves with the day, in place of --from and --to: today, yesterday, last_7_days, last_30_days, "
        "this_week, last_week, this_month, last_month."
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
GroupOption = Annotated[str, typer.Option(help="Name of a destination group: calls to its destinations alone.")]
TagOption = Annotated[str, typer.Option(help="A tag that traffic rules gave: records that carry it.")]
JurisdictionOption = Annotated[
    str, typer.Option(help="domestic, international, intrastate, interstate or indeterminate: such calls alone.")
]
FiguresOption = Annotated[
    str, typer.Option(help="Columns to show, in order, separated by commas; the usual ones else.")
]
PercentilesOption = Annotated[bool, typer.Option("--percentiles", help="Add P50 and P95 of PDD and of duration.")]
CompareOption = Annotated[
    str,
    typer.Option(
        help="Period to compare with: previous, or two days like 2026-02-01..2026-03-01, the second excluded."
    ),
]
AsOfOption = Annotated[
    str, typer.Option(help="As billed on that day, or at that instant: later corrections are left out.")
]
SortOption = Annotated[str, typer.Option(help="Column to sort by, greatest first, like margin; else by the groups.")]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="How to give it out; by the ending of --out if left out, else a table."),
]
OutOption = Annotated[Path | None, typer.Option(help="File to write; the standard output if left out.")]
ChartOption = Annotated[Path | None, typer.Option(help="Draw a chart into this file, .svg or .png.")]
MeasureOption = Annotated[str, typer.Option(help="Column that the chart shows; the first one if left out.")]


@dataclass(frozen=True, slots=True)
class Output:
    """Where a report goes."""

    format: Format
    out: Path | None
    chart: Path | None
    measure: str


def _view_command(view: str, default_by: str) -> Callable[..., None]:
    """The command of a view. Both have the same options and differ in what they show."""

    def command(
        tenant: TenantOption,
        by: ByOption = default_by,
        period: PeriodOption = "",
        start_from: FromOption = "",
        start_to: ToOption = "",
        zone: ZoneOption = "",
        account: AccountOption = "",
        vendor: VendorOption = "",
        destination: DestinationOption = "",
        country: CountryOption = "",
        group: GroupOption = "",
        tag: TagOption = "",
        jurisdiction: JurisdictionOption = "",
        figures: FiguresOption = "",
        percentiles: PercentilesOption = False,
        compare: CompareOption = "",
        as_of: AsOfOption = "",
        sort: SortOption = "",
        given_format: FormatOption = None,
        out: OutOption = None,
        chart: ChartOption = None,
        measure: MeasureOption = "",
    ) -> None:
        asked = {
            "view": view,
            "by": by,
            "period": period,
            "from": start_from,
            "to": start_to,
            "zone": zone,
            "account": account,
            "vendor": vendor,
            "destination": destination,
            "country": country,
            "group": group,
            "tag": tag,
            "jurisdiction": jurisdiction,
            "figures": figures,
            "percentiles": "yes" if percentiles else "",
            "compare": compare,
            "as_of": as_of,
            "sort": sort,
        }
        _report(tenant, asked, _output(given_format, out, chart, measure))

    return command


app.command("margin", help="Revenue, cost and margin, in the tenant's currency.")(
    _view_command("margin", "account,vendor")
)
app.command(
    "summary",
    help="Every figure: attempts, calls, ASR, ACD, PDD, minutes, billed minutes, revenue, cost, margin.",
)(_view_command("summary", "day"))


@app.command()
def save(
    name: NameArgument,
    tenant: TenantOption,
    view: Annotated[str, typer.Option(help="Which report: margin or summary.")] = "summary",
    by: ByOption = "day",
    period: PeriodOption = "",
    start_from: FromOption = "",
    start_to: ToOption = "",
    zone: ZoneOption = "",
    account: AccountOption = "",
    vendor: VendorOption = "",
    destination: DestinationOption = "",
    country: CountryOption = "",
    group: GroupOption = "",
    tag: TagOption = "",
    jurisdiction: JurisdictionOption = "",
    figures: FiguresOption = "",
    percentiles: PercentilesOption = False,
    compare: CompareOption = "",
    as_of: AsOfOption = "",
    sort: SortOption = "",
    measure: MeasureOption = "",
) -> None:
    """Keep a question under a name; one of the same name is replaced."""
    from trunkline.reports.actions import save_report

    asked = {
        "view": view,
        "by": by,
        "period": period,
        "from": start_from,
        "to": start_to,
        "zone": zone,
        "account": account,
        "vendor": vendor,
        "destination": destination,
        "country": country,
        "group": group,
        "tag": tag,
        "jurisdiction": jurisdiction,
        "figures": figures,
        "percentiles": "yes" if percentiles else "",
        "compare": compare,
        "as_of": as_of,
        "sort": sort,
        "measure": measure,
    }
    with tenant_scope(tenant):
        _, is_new = save_report(name=name, asked=asked)
    say(f"{name} {'saved' if is_new else 'replaced'}")


@app.command()
def run(
    name: NameArgument,
    tenant: TenantOption,
    period: PeriodOption = "",
    start_from: FromOption = "",
    start_to: ToOption = "",
    compare: CompareOption = "",
    as_of: AsOfOption = "",
    given_format: FormatOption = None,
    out: OutOption = None,
    chart: ChartOption = None,
    measure: MeasureOption = "",
) -> None:
    """Make a saved report; what is given here stands in place of what was saved."""
    from trunkline.reports.queries import get_saved_report, replaced

    given = {
        "period": period,
        "from": start_from,
        "to": start_to,
        "compare": compare,
        "as_of": as_of,
        "measure": measure,
    }
    with tenant_scope(tenant):
        asked = replaced(get_saved_report(name).asked, given)
    _report(tenant, asked, _output(given_format, out, chart, asked.get("measure", "")))


@app.command("list")
def list_saved(tenant: TenantOption, json: JsonOption = False) -> None:
    """The saved reports."""
    from trunkline.reports.queries import saved_reports

    with tenant_scope(tenant):
        found = [(each.name, each.asked) for each in saved_reports()]
    if json:
        print_json([{"name": name} | asked for name, asked in found])
        return
    rows = [[name, asked["view"], asked.get("by", ""), _options_text(asked)] for name, asked in found]
    table("Saved reports", ["Name", "Report", "By", "Options"], rows)


def _options_text(asked: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in asked.items() if name not in ("view", "by"))


@app.command("save-usual")
def save_usual(tenant: TenantOption) -> None:
    """Save the questions that most operators ask, such as the margin by customer and destination; what has such a name stays as it is."""
    from trunkline.reports.actions import save_usual_reports

    with tenant_scope(tenant):
        saved = save_usual_reports()
    for report in saved:
        say(f"{report.name} saved")
    if not saved:
        say("all are there")


@app.command()
def remove(name: NameArgument, tenant: TenantOption) -> None:
    """Remove a saved report, with its schedule."""
    from trunkline.reports.actions import remove_report

    with tenant_scope(tenant):
        remove_report(name=name)
    say(f"{name} removed")


@app.command()
def schedule(
    name: NameArgument,
    tenant: TenantOption,
    recipient: Annotated[list[str], typer.Option(help="Mail address; may be given several times.")],
    every: Annotated[str, typer.Option(help="How often: day, week or month.")],
    on: Annotated[
        str, typer.Option(help="Of a week monday to sunday, of a month 1 to 31; nothing for every day.")
    ] = "",
    at: Annotated[str, typer.Option(help="Time of day, on the clock of the report's zone.")] = "06:00",
    kind: Annotated[str, typer.Option("--format", help="What hangs on the mail: xlsx or csv.")] = "xlsx",
    language: Annotated[str, typer.Option(help="Language of the mail's words: en or fr.")] = "en",
) -> None:
    """Send a saved report by mail, again and again; what was said of it before counts no more."""
    from trunkline.reports.actions import schedule_report
    from trunkline.reports.queries import zone_of
    from trunkline.reports.schedule import parse_on, parse_time

    with tenant_scope(tenant):
        made = schedule_report(
            name=name,
            every=every,
            on_day=parse_on(every, on),
            at_time=parse_time(at),
            kind=kind,
            recipients=recipient,
            language=language,
            at=now(),
        )
        zone = zone_of(made.report.asked)
    first = made.plan.next(now(), zone).astimezone(zone)
    say(f"{name} goes out to {', '.join(made.recipients)}, first on {first:%Y-%m-%d %H:%M} ({zone.key})")


@app.command()
def unschedule(name: NameArgument, tenant: TenantOption) -> None:
    """Send a saved report no more."""
    from trunkline.reports.actions import unschedule_report

    with tenant_scope(tenant):
        unschedule_report(name=name)
    say(f"{name} goes out no more")


@app.command()
def send(name: NameArgument, tenant: TenantOption) -> None:
    """Have a worker send a scheduled report now, besides its schedule."""
    from trunkline.reports.actions import send_report

    with tenant_scope(tenant):
        send_report(name=name, at=now())
    say(f"{name} is on its way")


@app.command()
def deliveries(
    tenant: TenantOption,
    name: Annotated[str, typer.Option(help="Of this saved report alone.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 50,
    json: JsonOption = False,
) -> None:
    """The mails with reports, and what became of each."""
    from trunkline.reports.queries import deliveries as mails_of
    from trunkline.reports.queries import delivery_facts, get_saved_report

    with tenant_scope(tenant):
        found = [delivery_facts(each) for each in mails_of(get_saved_report(name) if name else None)[:limit]]
    if json:
        print_json(found)
        return
    rows = [
        [each["report"], each["due_at"], each["state"], ", ".join(each["recipients"]), each["failure_detail"]]
        for each in found
    ]
    table("Mails with reports", ["Report", "Planned", "State", "To", "What is in the way"], rows)


def _report(tenant: str, asked: Mapping[str, str], output: Output) -> None:
    from trunkline.reports.queries import build, gather, parse_question
    from trunkline.usage.segments import retry_when_moved

    question, at = parse_question(asked), now()

    def work() -> Report:
        with tenant_scope(tenant):
            gathered = gather(question, at=at)
        return build(question, gathered)

    report = retry_when_moved(work)
    if output.chart is not None:
        _draw(report, output.chart, output.measure)
    if output.format is Format.CHART:
        _print_chart(report, output.measure)
    elif output.out is None:
        _print(report, output.format)
    else:
        _write(report, output.format, output.out)
        say(f"{output.out} written, {len(report.groups)} rows")


def _output(given: Format | None, out: Path | None, chart: Path | None, measure: str) -> Output:
    if given is None:
        ending = "" if out is None else out.suffix.lower().removeprefix(".")
        given = Format(ending) if ending in FILES else Format.TABLE
    if given in (Format.XLSX, Format.PARQUET) and out is None:
        raise Invalid("no_file", f"{given} needs a file to go to.", hint=f"Give one: --out report.{given}")
    if given not in FILES and out is not None:
        raise Invalid(
            "table_file", f"A {given} is for the screen.", hint=f"Use --format {', '.join(FILES)} for a file."
        )
    if chart is not None and chart.suffix.lower() not in (".svg", ".png"):
        raise Invalid("chart_file", f"A chart cannot be drawn into {chart.name}.", hint="Use a name with .svg or .png.")
    return Output(given, out, chart, measure)


def _print(report: Report, chosen: Format) -> None:
    from trunkline.reports import export

    if chosen is Format.TABLE:
        titles = export.headings(report)
        table(title_of(report), titles, export.table_rows(report), right=titles[-len(report.columns) :])
    elif chosen is Format.CSV:
        export.write_csv(report, sys.stdout)
    else:
        print_json(export.as_json(report))


def _print_chart(report: Report, measure: str) -> None:
    """Bars as wide as the window allows, a line each."""
    from rich.console import Console

    from trunkline.reports.chart import chart_of, text_lines

    console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100, highlight=False)
    chart = chart_of(report, measure, title=title_of(report))
    for line in text_lines(chart, width=console.width):
        console.print(line, markup=False, overflow="crop", no_wrap=True)


def _draw(report: Report, path: Path, measure: str) -> None:
    from trunkline.reports.chart import as_png, as_svg, chart_of

    svg = as_svg(chart_of(report, measure, title=title_of(report)))
    content = svg.encode() if path.suffix.lower() == ".svg" else as_png(svg)
    _replace(path, lambda partial: partial.write_bytes(content))
    say(f"{path} drawn")


def _write(report: Report, chosen: Format, out: Path) -> None:
    """Write a file that is there whole or not at all."""
    from trunkline.reports import export

    def write_text(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            if chosen is Format.CSV:
                export.write_csv(report, stream)
            else:
                json.dump(export.as_json(report), stream, ensure_ascii=False, indent=2)
                stream.write("\n")

    if chosen is Format.XLSX:
        export.write_xlsx(report, out, at=now())
    elif chosen is Format.PARQUET:
        export.write_parquet(report, out)
    else:
        _replace(out, write_text)


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def title_of(report: Report) -> str:
    """The line above a table or a chart: which report, of which period, in which currency."""
    zone = get_zone(report.zone)

    def shown(instant: datetime | None) -> str:
        return "" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"

    begin, end = shown(report.start_from), shown(report.start_to)
    period = f"{begin} to {end}" if begin and end else f"from {begin}" if begin else f"to {end}" if end else "all days"
    if report.compared is not None:
        period += f" against {shown(report.compared.start_from)} to {shown(report.compared.start_to)}"
    if report.as_of is not None:
        period += f", as of {shown(report.as_of)}"
    return f"{report.view.value.capitalize()}, {period}, {report.zone}, amounts in {report.currency}"

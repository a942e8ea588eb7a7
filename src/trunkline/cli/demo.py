"""`trunkline demo`: two made-up operators from nothing to invoices and a margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import actor, now, print_json, say, table

if TYPE_CHECKING:
    from rich.progress import Progress

    from trunkline.simulate.describe import WrittenTenant

ABOUT = "Make two operators, take their traffic, rate it, book it and invoice it; run again it changes nothing."

app = typer.Typer(help=ABOUT)


@app.command(help=ABOUT)
def demo(
    exit_after: Annotated[bool, typer.Option("--exit", help="End after the main job instead of serving.")] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print the summary as one JSON object and nothing else on the standard output."),
    ] = False,
) -> None:
    """Run the main job on made-up data and print what came of it."""
    from trunkline.kit.home import folder
    from trunkline.simulate.demo import DEMO_RECORDS, write_demo

    with _progress(quiet=json) as progress:
        with _bar(progress, "writing the demo's files", DEMO_RECORDS) as advance:
            tenants = write_demo(folder("demo"), on_progress=advance)
        summary = {written.plan.name: _run(written, progress) for written in tenants}
    if json:
        print_json({"tenants": summary})
    else:
        _print(summary)
        _print_next()
    if not exit_after:
        _serve([written.plan.slug for written in tenants])


def _run(written: WrittenTenant, progress: Progress | None) -> dict[str, Any]:
    from trunkline.cli.plans import set_up_tenant

    plan = written.plan
    with _bar(progress, f"{plan.name}: setting up", sum(count for _, count in written.rates.values())):
        tenant_id = set_up_tenant(plan, written.rates, written.exchange_rates, actor=actor(), at=now())
    begin = monotonic()
    with _bar(progress, f"{plan.name}: taking usage", sum(file.written.records for file in written.usage)) as advance:
        for file in written.usage:
            _take(tenant_id, file.switch, file.written.path)
            advance(file.written.records)
    with _bar(progress, f"{plan.name}: invoicing", None) as advance:
        _invoice(written, tenant_id, advance)
    _save_reports(written, tenant_id)
    return _summary(tenant_id) | {"seconds": round(monotonic() - begin, 2)}


def _take(tenant_id: int, switch: str, path: Any) -> None:
    from trunkline.usage.intake import register_path
    from trunkline.usage.process import process

    batch_id, _ = register_path(tenant_id, switch, path, actor=actor(), now=now)
    process(tenant_id=tenant_id, batch_id=batch_id, now=now)


def _invoice(written: WrittenTenant, tenant_id: int, advance: Callable[[int], None]) -> None:
    from trunkline.core.period import DatePeriod
    from trunkline.invoicing.actions import Outcome
    from trunkline.invoicing.bill_runs import issue_now

    def watcher(outcome: Outcome, done: int, total: int) -> None:
        if outcome.error is not None and outcome.error.code != "nothing_to_bill":
            raise outcome.error
        advance(1)

    period = DatePeriod(*written.plan.period)
    issue_now(tenant_id=tenant_id, actor=actor(), period=period, now=now, watcher=watcher)


def _save_reports(written: WrittenTenant, tenant_id: int) -> None:
    """The usual questions, and one of the days that the demo has."""
    from trunkline.reports.actions import save_report, save_usual_reports
    from trunkline.tenancy.scope import scope

    begin, end = written.plan.period
    asked = {"view": "margin", "by": "account,destination", "from": f"{begin}", "to": f"{end}", "sort": "margin"}
    with scope(tenant_id, actor()):
        save_usual_reports()
        save_report(name="The demo's margin by customer and destination", asked=asked)


def _summary(tenant_id: int) -> dict[str, Any]:
    from django.db.models import Sum

    from trunkline.core.money import Amount
    from trunkline.invoicing.models import Invoice
    from trunkline.tenancy.queries import current_tenant
    from trunkline.tenancy.scope import scope
    from trunkline.usage.choices import BatchState
    from trunkline.usage.models import Batch, Rollup

    with scope(tenant_id, actor()):
        tenant = current_tenant()
        counts = Batch.objects.filter(state=BatchState.POSTED).aggregate(
            records_in=Sum("rows_in"), rated=Sum("rated"), rejected=Sum("rejected"), duplicates=Sum("duplicates")
        )
        totals = {
            side: Rollup.objects.filter(side=side).aggregate(total=Sum("base_amount"))["total"] or Amount.zero()
            for side in ("sell", "buy")
        }
        invoices = Invoice.objects.filter(voided_at=None).count()
    margin = totals["sell"] - totals["buy"]
    return {
        **{name: count or 0 for name, count in counts.items()},
        "currency": tenant.currency,
        "sell_total": str(totals["sell"]),
        "buy_total": str(totals["buy"]),
        "margin": str(margin),
        "invoices": invoices,
    }


def _print(summary: dict[str, dict[str, Any]]) -> None:
    columns = [
        "Tenant",
        "Records",
        "Rated",
        "Rejected",
        "Duplicates",
        "Sold",
        "Bought",
        "Margin",
        "Invoices",
        "Seconds",
    ]
    names = [
        "records_in",
        "rated",
        "rejected",
        "duplicates",
        "sell_total",
        "buy_total",
        "margin",
        "invoices",
        "seconds",
    ]
    rows = [[tenant, *(_cell(name, row) for name in names)] for tenant, row in summary.items()]
    table("The main job", columns, rows, right=columns[1:])


def _cell(name: str, row: dict[str, Any]) -> str:
    from trunkline.core.currency import format_amount, get_currency
    from trunkline.core.money import Amount

    if name in ("sell_total", "buy_total", "margin"):
        currency = get_currency(row["currency"])
        return f"{format_amount(Amount.from_text(row[name]), currency, is_grouped=True)} {currency.code}"
    return f"{row[name]:,}"


def _print_next() -> None:
    from trunkline.kit.home import home

    typer.echo(f"Invoices (PDF, with their records as CSV and Parquet): {home() / 'documents'}")
    typer.echo("What to do next:")
    for command, what in (
        ("bin/trunkline report margin --tenant meridian --by account,country", "who and where the margin comes from"),
        ("bin/trunkline usage rejects --tenant meridian", "what was not taken, and why"),
        ("bin/trunkline invoice list --tenant meridian", "the invoices"),
        ("bin/trunkline ledger check", "proof that books, usage and invoices agree"),
        ("docs/guide/first-invoice.md", "your own file, your own prices"),
    ):
        typer.echo(f"  {command:<70} {what}")


def _serve(slugs: list[str]) -> None:
    """Serve both operators until Ctrl-C; who may sign in stands on the standard error."""
    from trunkline.cli.demo_logins import make_logins
    from trunkline.cli.up import HOST, PORT, serve
    from trunkline.tenancy.queries import get_tenant_id

    logins = make_logins({slug: get_tenant_id(slug) for slug in slugs}, actor=actor(), at=now())
    say(f"\nOpen http://localhost:{PORT}/ and sign in (the passwords are new each time):")
    for login in logins:
        say(f"  {login.tenant:<12} {login.email:<28} {login.password}")
    say("Ctrl-C ends it.")
    raise typer.Exit(serve(host=HOST, port=PORT))


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress | None]:
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress


@contextmanager
def _bar(progress: Progress | None, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
    if progress is None:
        yield lambda more: None
        return
    task = progress.add_task(text, total=total)
    yield lambda more: progress.advance(task, more)
    progress.update(task, total=total or 1, completed=total or 1)

"""`trunkline invoice`: documents for customers, from preview to void."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import (
    AsOfOption,
    JsonOption,
    TenantOption,
    actor,
    as_of_instant,
    now,
    print_json,
    progress_bar,
    say,
    table,
    tenant_scope,
)
from trunkline.core.currency import format_amount, get_currency
from trunkline.core.errors import Invalid, Unavailable
from trunkline.core.period import ONE_DAY, DatePeriod

if TYPE_CHECKING:
    from trunkline.invoicing.actions import Outcome
    from trunkline.invoicing.draft import Draft
    from trunkline.invoicing.models import BillRunAccount, Invoice, InvoiceLine
    from trunkline.invoicing.rules import Sums

app = typer.Typer(help="Documents for customers: preview, issue, list, show, void, export.", no_args_is_help=True)

AccountOption = Annotated[str, typer.Option("--account", "-a", help="Short name of the account.")]
PeriodOption = Annotated[str, typer.Option("--period", help="A month (2026-03) or a day (2026-03-14).")]
FromOption = Annotated[str, typer.Option("--from", help="First day (2026-03-01), in the account's zone.")]
ToOption = Annotated[str, typer.Option("--to", help="Day after the last (2026-04-01); itself not included.")]
NumberArgument = Annotated[str, typer.Argument(help="Number of the document.")]


@app.command()
def preview(
    tenant: TenantOption,
    account: AccountOption,
    period: PeriodOption = "",
    first: FromOption = "",
    end: ToOption = "",
    pdf: Annotated[Path | None, typer.Option(help="Write the preview as a PDF there.")] = None,
    json: JsonOption = False,
) -> None:
    """Show what an invoice would say. Nothing is billed, numbered or kept."""
    from trunkline.invoicing.draft import read_draft
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant, snapshot=True):
        draft = read_draft(get_account(account), _period(period, first, end))
    if pdf is not None:
        from trunkline.invoicing.document.layout import document_data
        from trunkline.invoicing.document.press import set_pdf

        with _writing_to(pdf):
            pdf.write_bytes(set_pdf(document_data(draft), now()))
        say(f"{pdf} written")
    if json:
        print_json(_draft_json(draft))
    else:
        _print_draft(draft)


@app.command()
def issue(
    tenant: TenantOption,
    account: Annotated[str, typer.Option("--account", "-a", help="Short name of the account.")] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Every account that has something to bill.")] = False,
    period: PeriodOption = "",
    first: FromOption = "",
    end: ToOption = "",
    early: Annotated[
        bool, typer.Option("--early", help="Although the period is not over: bill what is there.")
    ] = False,
    issued_on: Annotated[
        str, typer.Option("--issued-on", help="Date of the invoices (2026-03-31), today or earlier; today if left out.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Issue invoices: lines, number, PDF, records and ledger entry, all or nothing. Again with nothing new to bill changes nothing."""
    if bool(account) == everybody:
        raise Invalid("accounts", "Name one account with --account, or take --all.")
    dates, dated = _period(period, first, end), _day(issued_on) if issued_on else None
    if account:
        from trunkline.invoicing import actions
        from trunkline.tenancy.queries import get_tenant_id

        issued = actions.issue(
            tenant_id=get_tenant_id(tenant),
            actor=actor(),
            account_code=account,
            period=dates,
            at=now(),
            is_early=early,
            issued_on=dated,
        )
        _print_issued([(issued.invoice, issued.is_new)], [], json=json)
    else:
        _issue_all(tenant, dates, dated, early=early, json=json)


def _issue_all(tenant: str, dates: DatePeriod, dated: date | None, *, early: bool, json: bool) -> None:
    """A bill run that is worked on here and now; if it is cut off, a worker goes on with it."""
    from trunkline.invoicing import bill_runs, queries
    from trunkline.invoicing.choices import BillOutcome
    from trunkline.tenancy.queries import get_tenant_id

    tenant_id = get_tenant_id(tenant)
    with progress_bar("issuing", quiet=json or not sys.stderr.isatty()) as advance:

        def watcher(outcome: Outcome, done: int, total: int) -> None:
            if advance is not None:
                advance(done, total)

        run = bill_runs.issue_now(
            tenant_id=tenant_id,
            actor=actor(),
            period=dates,
            now=now,
            is_early=early,
            issued_on=dated,
            watcher=watcher,
        )
    with tenant_scope(tenant):
        rows = list(queries.outcomes_of(run).select_related("invoice__account"))
    made = [(row.invoice, row.outcome == BillOutcome.ISSUED) for row in rows if row.invoice is not None]
    refused = [row for row in rows if row.outcome == BillOutcome.REFUSED]
    _print_issued(made, refused, json=json, bill_run=str(run.public_id))
    if run.failure:
        raise Unavailable(run.failure, run.failure_detail)
    if refused:
        raise typer.Exit(1)


def _print_issued(
    made: Sequence[tuple[Invoice, bool]], refused: Sequence[BillRunAccount], *, json: bool, **more: str
) -> None:
    """Documents, each with whether it is new, and accounts that have none."""
    if json:
        errors = [{"account": row.account.code, "code": row.reason, "message": row.detail} for row in refused]
        invoices = [_invoice_json(invoice) | {"is_new": is_new} for invoice, is_new in made]
        print_json({"invoices": invoices, "refused": errors} | more)
        return
    for row in refused:
        say(f"{row.account.code}: {row.detail}")
    _print_invoices([invoice for invoice, _ in made], {invoice.number for invoice, is_new in made if not is_new})


@app.command()
def runs(tenant: TenantOption, json: JsonOption = False) -> None:
    """List bill runs, the latest first: what was asked for, by whom, and how far each has come."""
    from trunkline.invoicing import queries

    with tenant_scope(tenant):
        found = list(queries.bill_runs())
        tallies = queries.tallies(found)
    rows = [
        {
            "id": str(run.public_id),
            "period_from": run.period_from,
            "period_to": run.period_to,
            "state": run.state,
            "accounts": tallies[run.pk].accounts,
            "issued": tallies[run.pk].issued,
            "refused": tallies[run.pk].refused,
            "asked_by": run.asked_by,
            "asked_at": run.asked_at,
        }
        for run in found
    ]
    if json:
        print_json({"runs": rows})
    else:
        columns = ("Id", "From", "Until before", "State", "Accounts", "Issued", "Refused", "Asked by", "Asked at")
        table("Bill runs", columns, [list(row.values()) for row in rows], right=("Accounts", "Issued", "Refused"))


@app.command()
def run(
    bill_run: Annotated[str, typer.Argument(help="Id of the bill run.")], tenant: TenantOption, json: JsonOption = False
) -> None:
    """Show what became of every account in a bill run."""
    from trunkline.invoicing import queries

    with tenant_scope(tenant):
        found = list(queries.outcomes_of(queries.access_bill_run(bill_run)))
    rows = [
        {
            "account": row.account.code,
            "outcome": row.outcome,
            "number": row.invoice.number if row.invoice else None,
            "reason": row.reason or None,
            "detail": row.detail or None,
        }
        for row in found
    ]
    if json:
        print_json({"accounts": rows})
    else:
        table("Bill run", ("Account", "Outcome", "Number", "Reason", "What"), [list(row.values()) for row in rows])


@app.command("list")
def list_documents(
    tenant: TenantOption,
    account: Annotated[str, typer.Option("--account", "-a", help="Short name of one account.")] = "",
    as_of: AsOfOption = "",
    json: JsonOption = False,
) -> None:
    """List invoices and credit notes, the latest first."""
    from trunkline.invoicing.queries import as_it_was, list_invoices
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        instant = as_of_instant(as_of)
        found = list(list_invoices(account=get_account(account) if account else None, as_of=instant))
    if instant is not None:
        found = [each for invoice in found if (each := as_it_was(invoice, instant)) is not None]
    if json:
        print_json({"invoices": [_invoice_json(invoice) for invoice in found]})
    else:
        _print_invoices(found)


@app.command()
def show(number: NumberArgument, tenant: TenantOption, as_of: AsOfOption = "", json: JsonOption = False) -> None:
    """Show one document with its lines, and the documents that adjust it."""
    from trunkline.invoicing.queries import access_invoice, adjusting, lines_of
    from trunkline.kit.home import home

    with tenant_scope(tenant):
        instant = as_of_instant(as_of)
        invoice = access_invoice(number, as_of=instant)
        lines = lines_of(invoice)
        later = adjusting(invoice, as_of=instant)
    if json:
        adjusted = {"adjusted_by": [each.number for each in later]}
        print_json(_invoice_json(invoice) | adjusted | {"lines": [_line_json(line) for line in lines]})
        return
    currency = invoice.currency
    rows = [
        (
            line.number,
            line.kind,
            line.destination,
            line.terms,
            line.calls,
            line.billed,
            line.before_exact,
            line.after_exact,
            _text(line.amount, currency),
        )
        for line in lines
    ]
    _print_lines(f"{invoice.get_kind_display()} {number} for {invoice.account.name}", rows, currency)
    for corrected in dict.fromkeys(line.corrects.number for line in lines if line.before_exact is not None):
        typer.echo(f"corrects {corrected}")
    for each in later:
        typer.echo(f"adjusted by {each.number} on {each.issued_on}: {_text(each.total, currency)}")
    typer.echo(f"usage {invoice.exact}, rounding {-invoice.rounding}, net {_text(invoice.net, currency)}")
    typer.echo(
        f"{invoice.tax_name or 'tax'} {invoice.tax_percent.normalize():f} % {_text(invoice.tax, currency)}, total {_text(invoice.total, currency)}"
    )
    if invoice.voided_at is not None:
        typer.echo(f"voided on {invoice.voided_at:%Y-%m-%d}: {invoice.void_reason}")
    for path in (invoice.pdf_path, invoice.csv_path, invoice.parquet_path):
        typer.echo(str(home() / path))


@app.command()
def void(
    number: NumberArgument,
    tenant: TenantOption,
    reason: Annotated[str, typer.Option(help="Why it is taken back; kept with the document.")],
    with_adjustments: Annotated[
        bool, typer.Option("--with-adjustments", help="Before it, take back the later documents that adjust it.")
    ] = False,
) -> None:
    """Take a document back: the books are reversed and its usage is unbilled again. Its number stays used."""
    from trunkline.invoicing import actions
    from trunkline.kit.outages import again_when_busy

    def work() -> list[str]:
        with tenant_scope(tenant, reason=reason):
            if with_adjustments:
                voided = actions.void_with_adjustments(number=number, reason=reason, at=now())
                return [each.number for each in voided]
            return [actions.void(number=number, reason=reason, at=now()).number]

    for each in again_when_busy(work):
        say(f"{each} voided")


@app.command()
def export(
    number: NumberArgument,
    tenant: TenantOption,
    to: Annotated[Path, typer.Option(help="Folder for the PDF and the records; made if missing.")],
) -> None:
    """Copy a document and its records into a folder, checked against what was issued."""
    from trunkline.invoicing.files import name_of, open_stored
    from trunkline.invoicing.queries import access_invoice

    with tenant_scope(tenant):
        invoice = access_invoice(number)
    with _writing_to(to):
        to.mkdir(parents=True, exist_ok=True)
        for kind, suffix in (("pdf", ".pdf"), ("csv", ".records.csv"), ("parquet", ".records.parquet")):
            source = open_stored(getattr(invoice, f"{kind}_path"), getattr(invoice, f"{kind}_sha256"))
            target = to / name_of(number, suffix)
            shutil.copyfile(source, target)
            say(str(target))


@app.command()
def unbilled(tenant: TenantOption, as_of: AsOfOption = "", json: JsonOption = False) -> None:
    """Show what is on no document yet, by account."""
    from trunkline.invoicing import queries

    with tenant_scope(tenant):
        found = queries.unbilled(as_of=as_of_instant(as_of))
    rows: list[dict[str, Any]] = [
        {
            "account": each.account.code,
            "first_day": each.first_day,
            "last_day": each.last_day,
            "calls": each.calls,
            "currency": each.account.currency,
            "amount": str(each.amount),
        }
        for each in found
    ]
    if json:
        print_json({"unbilled": rows})
    else:
        columns = ("Account", "First day", "Last day", "Calls", "Currency", "Amount")
        table("Unbilled usage", columns, [list(row.values()) for row in rows], right=("Calls", "Amount"))


@app.command()
def profile(
    tenant: TenantOption,
    name: Annotated[str | None, typer.Option(help="The seller's name on documents.")] = None,
    address: Annotated[str | None, typer.Option(help="Its address; lines are separated by '|'.")] = None,
    tax_number: Annotated[str | None, typer.Option(help="VAT or other tax number.")] = None,
    email: Annotated[str | None, typer.Option(help="Address for questions.")] = None,
    phone: Annotated[str | None, typer.Option(help="Number for questions.")] = None,
    payment: Annotated[str | None, typer.Option(help="How to pay; lines are separated by '|'.")] = None,
    note: Annotated[str | None, typer.Option(help="A text at the end of every document.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of documents for accounts that name none, such as en or fr.")
    ] = None,
    invoice_number: Annotated[str | None, typer.Option(help="Template, such as INV-{year}-{number:06}.")] = None,
    credit_note_number: Annotated[str | None, typer.Option(help="Template, such as CN-{year}-{number:06}.")] = None,
    json: JsonOption = False,
) -> None:
    """Say who the seller on documents is and how they are numbered; without options, show it."""
    from trunkline.invoicing import actions, queries

    given = {
        "name": name,
        "address": address.replace("|", "\n") if address is not None else None,
        "tax_number": tax_number,
        "email": email,
        "phone": phone,
        "payment_instructions": payment.replace("|", "\n") if payment is not None else None,
        "note": note,
        "language": language,
        "invoice_number": invoice_number,
        "credit_note_number": credit_note_number,
    }
    said = {field: value for field, value in given.items() if value is not None}
    with tenant_scope(tenant):
        kept = actions.set_profile(**said) if said else queries.profile_or_default()
    if json:
        print_json({field: getattr(kept, field) for field in given})
    else:
        table("Seller", ("Field", "Value"), [(field, getattr(kept, field)) for field in given])


@app.command()
def check(tenant: TenantOption, json: JsonOption = False) -> None:
    """Prove that numbers have no gaps, lines add up, books agree and files are there. Ends with status 1 if not."""
    from trunkline.invoicing.check import check as prove

    with tenant_scope(tenant, snapshot=True):
        findings = prove()
    if json:
        print_json(
            {"findings": [{"name": f.name, "proved": f.proved, "contradictions": f.contradictions} for f in findings]}
        )
    else:
        for finding in findings:
            typer.echo(f"{'holds' if finding.holds else 'FAILS'}  {finding.name} ({finding.proved})")
            for contradiction in finding.contradictions:
                typer.echo(f"       {contradiction}")
    if not all(finding.holds for finding in findings):
        raise typer.Exit(1)


@app.command()
def sweep(tenant: TenantOption) -> None:
    """Remove files that issuing left behind when it was cut off, an hour after it."""
    from trunkline.invoicing import actions

    with tenant_scope(tenant):
        removed = actions.sweep(at=now())
    say(f"{len(removed)} files removed")


@contextlib.contextmanager
def _writing_to(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Invalid("output", f"{path} cannot be written: {error.strerror or error}.") from error


def _period(period: str, first: str, end: str) -> DatePeriod:
    from trunkline.invoicing.rules import period_of

    if period and not (first or end):
        return period_of(period)
    if period or not (first and end):
        raise Invalid(
            "period",
            "Say --period, or --from and --to.",
            hint="Such as --period 2026-03, which is --from 2026-03-01 --to 2026-04-01.",
        )
    start, after = _day(first), _day(end)
    if after <= start:
        raise Invalid(
            "period_order",
            f"From {start} to {after} there is no day.",
            hint=f"--to is the day after the last: {start} alone is --from {start} --to {start + ONE_DAY}.",
        )
    return DatePeriod(start, after)


def _day(text: str) -> date:
    from trunkline.invoicing.rules import period_of

    period = period_of(text)
    if len(period) != 1:
        raise Invalid("bad_period", f"{text!r} is no day.", hint="Write it like 2026-03-14.")
    return period.start


def _text(amount: Any, currency: str) -> str:  # an Amount; the stubs take every DecimalField for a Decimal
    return format_amount(amount, get_currency(currency))


def _print_invoices(invoices: list[Invoice], known: set[str] | None = None) -> None:
    rows = [
        (
            each.number,
            each.account.code,
            f"{each.period_from} to {each.period_to - ONE_DAY}",
            each.currency,
            _text(each.net, each.currency),
            _text(each.tax, each.currency),
            _text(each.total, each.currency),
            each.due_on if each.kind == "invoice" else "",
            "void" if each.voided_at else "issued before" if known and each.number in known else "",
        )
        for each in invoices
    ]
    columns = ("Number", "Account", "Period", "Currency", "Net", "Tax", "Total", "Due", "Remark")
    table("", columns, rows, right=("Net", "Tax", "Total"))


def _print_lines(title: str, rows: list[tuple[Any, ...]], currency: str) -> None:
    """Lines of a document; what was billed and what it should be only where there is an adjustment."""
    columns = ["No.", "Kind", "Destination", "Price", "Calls", "Units", "Billed", "Corrected", f"Amount {currency}"]
    if all(row[6] is None for row in rows):
        rows, columns = [(*row[:6], row[8]) for row in rows], [*columns[:6], columns[8]]
    shown = [tuple("" if value is None else value for value in row) for row in rows]
    table(title, columns, shown, right=columns[4:])


def _print_draft(draft: Draft) -> None:
    code, totals = draft.currency.code, draft.totals
    rows = [
        (
            line.number,
            line.kind.value,
            line.destination,
            line.terms,
            line.sums.calls,
            line.sums.billed,
            line.before and line.before.exact,
            line.before and line.after.exact,
            _text(line.amount, code),
        )
        for line in draft.lines
    ]
    _print_lines(f"Preview for {draft.account_code}, {draft.period.start} to {draft.period.last}", rows, code)
    for corrected in draft.adjusts:
        typer.echo(f"corrects {corrected.number}")
    typer.echo(f"usage {totals.exact}, rounding {-totals.rounding}, net {_text(totals.net, code)}")
    for taxed in totals.taxes:
        of = "" if len(totals.taxes) == 1 else f" of {_text(taxed.net, code)}"
        tax = f"{taxed.rate.name or 'tax'} {_percent(taxed.rate.percent)} %{of} {_text(taxed.tax, code)}"
        typer.echo(tax if of else f"{tax}, total {_text(totals.total, code)}")
    if len(totals.taxes) > 1:
        typer.echo(f"tax {_text(totals.tax, code)}, total {_text(totals.total, code)}")


def _percent(percent: Decimal) -> str:
    return f"{percent.normalize():f}"


def _draft_json(draft: Draft) -> dict[str, Any]:
    return {
        "account": draft.account_code,
        "kind": draft.kind.value,
        "period_from": draft.period.start,
        "period_to": draft.period.end,
        "timezone": draft.timezone,
        "currency": draft.currency.code,
        **{name: str(getattr(draft.totals, name)) for name in ("exact", "rounding", "net", "tax", "total")},
        "tax_percent": _percent(draft.tax_percent),
        "lines": [
            {
                "number": line.number,
                "kind": line.kind.value,
                "service": line.service,
                "unit": line.unit.value,
                "destination": line.destination,
                "terms": line.terms,
                "attempts": line.sums.attempts,
                "calls": line.sums.calls,
                "used": line.sums.used,
                "billed": line.sums.billed,
                "exact": str(line.sums.exact),
                "amount": str(line.amount),
                "period_from": line.period.start,
                "period_to": line.period.end,
                "corrects": draft.corrected[line.corrects].number if line.corrects is not None else None,
                "tax_percent": None if line.tax is None else _percent(line.tax.percent),
                "before": None if line.before is None else _compared(line.before_terms, line.before),
                "after": None if line.before is None else _compared(line.terms, line.after),
            }
            for line in draft.lines
        ],
    }


def _compared(terms: str, sums: Sums) -> dict[str, Any]:
    return {
        "terms": terms,
        "calls": sums.calls,
        "used": sums.used,
        "billed": sums.billed,
        "exact": str(sums.exact),
    }


def _invoice_json(invoice: Invoice) -> dict[str, Any]:
    from trunkline.kit.home import home

    plain = (
        "number",
        "kind",
        "state",
        "period_from",
        "period_to",
        "timezone",
        "language",
        "currency",
        "issued_at",
        "issued_on",
        "due_on",
        "records",
    )
    money = ("exact", "rounding", "net", "tax", "total")
    paths = ("pdf_path", "csv_path", "parquet_path")
    return {
        "id": str(invoice.public_id),
        "account": invoice.account.code,
        **{name: getattr(invoice, name) for name in plain},
        **{name: str(getattr(invoice, name)) for name in money},
        "tax_percent": _percent(invoice.tax_percent),
        "voided_at": invoice.voided_at,
        "void_reason": invoice.void_reason,
        **{name.removesuffix("_path"): str(home() / getattr(invoice, name)) for name in paths},
    }


def _line_json(line: InvoiceLine) -> dict[str, Any]:
    names = ("number", "kind", "service", "unit", "destination", "terms", "attempts", "calls", "used", "billed")
    shown = {name: getattr(line, name) for name in names} | {"exact": str(line.exact), "amount": str(line.amount)}
    before = line.before
    return shown | {
        "period_from": line.period_from,
        "period_to": line.period_to,
        "corrects": None if line.corrects is None else line.corrects.number,
        "tax_percent": None if line.tax_percent is None else _percent(line.tax_percent),
        "before": None if before is None else _compared(line.before_terms or "", before),
        "after": None if before is None else _compared(line.terms, before + line.sums),
    }

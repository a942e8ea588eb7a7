"""`trunkline ledger`: the books."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import door
from trunkline.cli.door import AsOfOption, JsonOption, OneTenantOption, TenantOption

if TYPE_CHECKING:
    from trunkline.ledger.checks import Finding
    from trunkline.ledger.models import PeriodClose
    from trunkline.ledger.queries import AccountBalance

app = typer.Typer(help="The books: prove them, read them, close them.", no_args_is_help=True)

DAY = ["%Y-%m-%d"]


@app.command()
def check(
    tenant: OneTenantOption = "",
    as_json: JsonOption = False,
) -> None:
    """Prove every invariant of the books, of usage and of invoices, and say what was looked at. Ends with status 1 if one fails."""
    from trunkline.ledger.checks import check_tenant
    from trunkline.tenancy.queries import get_tenant_id, tenant_ids

    ids = [get_tenant_id(tenant)] if tenant else tenant_ids()
    found = {_slug(number): check_tenant(number, door.actor(), at=door.now()) for number in ids}
    holds = all(finding.holds for findings in found.values() for finding in findings)
    if as_json:
        door.print_json(
            {"holds": holds, "tenants": {slug: [_finding(f) for f in findings] for slug, findings in found.items()}}
        )
    else:
        _print_findings(found, holds=holds)
    if not holds:
        raise typer.Exit(1)


def _slug(tenant_id: int) -> str:
    from trunkline.tenancy.queries import current_tenant
    from trunkline.tenancy.scope import scope

    with scope(tenant_id, door.actor()):
        return current_tenant().slug


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "invariant": finding.name,
        "statement": finding.statement,
        "holds": finding.holds,
        "checked": dict(finding.counts),
        "problems": list(finding.problems),
        "problem_count": finding.problem_count,
    }


def _print_findings(found: dict[str, list[Finding]], *, holds: bool) -> None:
    for slug, findings in found.items():
        rows = [("holds" if f.holds else "FAILS", f.name, f.statement, f.checked) for f in findings]
        door.table(slug, ["", "Invariant", "What must hold", "Looked at"], rows)
        for finding in findings:
            for problem in finding.problems:
                typer.echo(f"{slug}: {finding.name}: {problem}")
            if finding.problem_count > len(finding.problems):
                typer.echo(f"{slug}: {finding.name}: and {finding.problem_count - len(finding.problems):,} more")
    failed = sum(not finding.holds for findings in found.values() for finding in findings)
    count = sum(len(findings) for findings in found.values())
    whose = "1 tenant" if len(found) == 1 else f"{len(found)} tenants"
    typer.echo(f"All {count} invariants of {whose} hold." if holds else f"{failed} of {count} invariants fail.")


@app.command()
def balances(
    tenant: TenantOption,
    everything: Annotated[bool, typer.Option("--all", help="Also accounts on which nothing stands.")] = False,
    as_of: AsOfOption = "",
    end: Annotated[
        datetime | None,
        typer.Option("--to", formats=DAY, help="Only what is booked before that day; itself not included."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the accounts and what stands on them, with the totals that show that debits are credits.

    --as-of asks what the books knew at an instant, --to what is booked before a day; both together, what was known then of the days before.
    """
    from trunkline.core.money import Amount
    from trunkline.ledger.queries import balances as read

    with door.tenant_scope(tenant):
        instant = door.as_of_instant(as_of)
        standing = read(as_of=instant, booked_to=end.date() if end else None)
        found = [row for row in standing if everything or not row.is_empty]
    totals: dict[str, Amount] = {}
    for row in found:
        totals[row.account.currency] = totals.get(row.account.currency, Amount.zero()) + row.posted
    if as_json:
        door.print_json(
            {"accounts": [_balance(row) for row in found], "totals": {c: str(t) for c, t in sorted(totals.items())}}
        )
        return
    if not found:
        typer.echo("Nothing stood on any account then." if as_of else "Nothing stands on any account.")
        return
    columns = ["Account", "Name", "Type", "Currency", "Debit", "Credit", "Reserved", "Available"]
    rows = [(*_shown(row), *_reserved(row)) for row in found]
    door.table("", columns, rows, right=columns[4:])
    for currency, total in sorted(totals.items()):
        typer.echo(f"Debits less credits in {currency}: {total}")


def _shown(row: AccountBalance) -> tuple[str, ...]:
    debit, credit = (row.posted, "") if row.posted.units > 0 else ("", -row.posted if row.posted else "")
    return row.account.code, row.name, row.account.type, row.account.currency, str(debit), str(credit)


def _reserved(row: AccountBalance) -> tuple[str, str]:
    reserved = row.natural - row.available
    return str(reserved) if reserved else "", str(row.available) if row.account.no_overdraft else ""


def _balance(row: AccountBalance) -> dict[str, object]:
    return {
        "account": row.account.code,
        "name": row.name,
        "type": row.account.type,
        "currency": row.account.currency,
        "balance": str(row.posted),
        "pending_debit": str(row.pending_debit),
        "pending_credit": str(row.pending_credit),
        "available": str(row.available),
    }


@app.command()
def statement(
    account: Annotated[str, typer.Argument(help="Code of the ledger account, as in receivable:acme.")],
    tenant: TenantOption,
    start: Annotated[datetime | None, typer.Option("--from", formats=DAY, help="First day.")] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=DAY, help="Day after the last; itself not included.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the postings of one account with the balance after each; debits are above zero."""
    from trunkline.ledger.queries import access_account
    from trunkline.ledger.queries import statement as read

    with door.tenant_scope(tenant):
        found = read(access_account(account), start.date() if start else None, end.date() if end else None)
    if as_json:
        lines = [
            {
                "booked_on": x.booked_on,
                "created_at": x.created_at,
                "key": x.key,
                "kind": x.kind,
                "reference": x.reference,
            }
            | {"amount": str(x.amount), "balance": str(x.balance)}
            for x in found.lines
        ]
        summary = {
            "account": account,
            "currency": found.account.currency,
            "opening": str(found.opening),
            "closing": str(found.closing),
        }
        door.print_json(summary | {"lines": lines})
        return
    rows: list[tuple[object, ...]] = [("", "opening", "", "", found.opening)]
    rows += [(x.booked_on, x.kind, x.reference or x.key, x.amount, x.balance) for x in found.lines]
    door.table(
        f"{account} ({found.account.currency})",
        ["Booked", "Kind", "Reference", "Amount", "Balance"],
        rows,
        right=["Amount", "Balance"],
    )


@app.command("close-period")
def close_period(
    through: Annotated[datetime, typer.Argument(formats=DAY, help="Last day that takes no more entries.")],
    tenant: TenantOption,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Close the books through a day, for ever, and seal what is in them."""
    from trunkline.kit.outages import again_when_busy
    from trunkline.ledger.actions import close_period as close

    def work() -> PeriodClose:
        with door.tenant_scope(tenant, reason=reason):
            return close(through=through.date(), at=door.now())

    done = again_when_busy(work)
    if as_json:
        door.print_json({"closed_through": done.closed_through, "entries": done.entry_count, "seal": done.seal})
    else:
        door.say(f"Closed through {done.closed_through}: {done.entry_count:,} entries sealed ({done.seal[:16]}…).")

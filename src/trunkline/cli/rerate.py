"""`trunkline usage rerate`: price stored records again, or tell anew whose they are, and what proposes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import (
    JsonOption,
    TenantOption,
    actor,
    now,
    print_json,
    progress_bar,
    say,
    table,
    tenant_scope,
)
from trunkline.core.errors import Invalid

if TYPE_CHECKING:
    from trunkline.usage.asked import Asked
    from trunkline.usage.models import Proposal
    from trunkline.usage.rerate import Found, Moved


def rerate(
    tenant: TenantOption,
    begin: Annotated[
        str, typer.Option("--from", help="Records that start at or after: a day (UTC) or an instant.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="Records that start before: a day (UTC) or an instant; itself not included.")
    ] = "",
    account: Annotated[str, typer.Option("--account", "-a", help="Only sides of this account.")] = "",
    side: Annotated[str, typer.Option(help="Only this side: sell or buy.")] = "",
    code: Annotated[str, typer.Option(help="Only called numbers that begin so.")] = "",
    tariff: Annotated[str, typer.Option(help="Only sides that this tariff has priced or may price.")] = "",
    identify: Annotated[
        bool, typer.Option("--identify", help="Tell whose the records are anew, and price both sides then.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Instead of records: send rejects of this reason again.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Make it so. Without it nothing is written.")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="With --apply: leave the work to a running `trunkline worker`.")
    ] = False,
    proposed: Annotated[bool, typer.Option("--proposed", help="List what changes of prices propose.")] = False,
    dismiss: Annotated[int, typer.Option(help="Close the proposal of this number without pricing again.")] = 0,
    json: JsonOption = False,
) -> None:
    """Price posted records again, as prices are now, or with --identify tell first whose they are: a look at what that changes, with --apply the correction itself."""
    from trunkline.cli.usage import instant

    given: dict[str, str | bool] = {"--from": begin, "--to": end, "--account": account, "--side": side}
    given |= {"--code": code, "--tariff": tariff, "--identify": identify}
    if proposed or dismiss:
        _proposed(tenant, dismiss, json=json)
        return
    if reason:
        if any(given.values()):
            raise Invalid("reason_alone", "Rejects are sent again by their reason alone.", hint="Leave the rest out.")
        _rejects(tenant, reason, apply=apply, json=json)
        return
    from trunkline.parties.queries import get_account
    from trunkline.tariffs.queries import get_tariff
    from trunkline.usage.asked import Asked

    with tenant_scope(tenant) as tenant_id:
        asked = Asked(
            start_from=instant(begin, "--from"),
            start_to=instant(end, "--to"),
            account_id=get_account(account).pk if account else None,
            side=side,
            code=code,
            tariff_id=get_tariff(tariff).pk if tariff else None,
            is_told_anew=identify,
        )
    words = " ".join(name if value is True else f"{name} {value}" for name, value in given.items() if value)
    words = words or "everything"
    if apply:
        _apply(tenant_id, asked, words, background=background, json=json)
    else:
        _preview(tenant, tenant_id, asked, words, json=json)


def _preview(tenant: str, tenant_id: int, asked: Asked, words: str, *, json: bool) -> None:
    from trunkline.usage.rerate import preview

    with progress_bar("records", quiet=json) as on_progress:
        found = preview(tenant_id, asked, actor=actor(), on_progress=on_progress)
    with tenant_scope(tenant):
        said = _said(found)
    if json:
        print_json(said)
        return
    lost = sum(found.lost.values())
    typer.echo(
        f"{found.looked:,} records looked at ({words}), {found.changed:,} change"
        + (f", {lost:,} of them {'become rejects' if asked.is_told_anew else 'lose their price'}" if lost else "")
        + f"; {found.touched} of {found.segments} segments; {found.seconds:.1f} s"
    )
    _print_money(said)
    if found.changed:
        say("Nothing was written. The same command with --apply makes it so.")


def _said(found: Found) -> dict[str, Any]:
    """What a look has found, with names; needs an open scope."""
    return {
        "stored": found.stored,
        "looked": found.looked,
        "changed": found.changed,
        "lost": found.lost,
        "segments": found.segments,
        "touched": found.touched,
        "seconds": round(found.seconds, 3),
        "accounts": _by_account(found.moved),
        "invoices": _by_invoice(found.moved),
    }


def _by_account(moved: Sequence[Moved]) -> list[dict[str, Any]]:
    from trunkline.core.money import Amount
    from trunkline.parties.models import Account

    sums: dict[tuple[str, int], list[int]] = {}
    for each in moved:
        line = sums.setdefault((each.side, each.account_id), [0, 0, 0])
        for index, value in enumerate((each.records, each.before, each.after)):
            line[index] += value
    accounts = {row.pk: row for row in Account.objects.filter(pk__in={account_id for _, account_id in sums})}
    lines = [
        {
            "side": side,
            "account": accounts[account_id].code,
            "currency": accounts[account_id].currency,
            "records": records,
            "before": str(Amount(before)),
            "after": str(Amount(after)),
            "difference": str(Amount(after - before)),
        }
        for (side, account_id), (records, before, after) in sums.items()
    ]
    return sorted(lines, key=lambda line: (line["side"] != "sell", line["account"]))


def _by_invoice(moved: Sequence[Moved]) -> list[dict[str, Any]]:
    """What the documents that bill these records would have said otherwise."""
    from trunkline.core.money import Amount
    from trunkline.invoicing.queries import documents_of

    days = {(each.batch_id, each.account_id, each.day) for each in moved if each.side == "sell"}
    documents = documents_of(days)
    sums: dict[str, int] = {}
    names: dict[str, tuple[str, str]] = {}
    for each in moved:
        document = documents.get((each.batch_id, each.account_id, each.day)) if each.side == "sell" else None
        if document is not None:
            sums[document.number] = sums.get(document.number, 0) + each.after - each.before
            names[document.number] = (document.account.code, document.currency)
    return [
        {"invoice": number, "account": names[number][0], "currency": names[number][1], "difference": str(Amount(units))}
        for number, units in sorted(sums.items())
    ]


def _print_money(said: Mapping[str, Any]) -> None:
    columns = ["Side", "Account", "Currency", "Records", "Before", "After", "Difference"]
    if said["accounts"]:
        table("By account", columns, [list(line.values()) for line in said["accounts"]], right=columns[3:])
    if said["invoices"]:
        columns = ["Invoice", "Account", "Currency", "Difference"]
        table("Already invoiced", columns, [list(line.values()) for line in said["invoices"]], right=["Difference"])
    if said.get("lost"):
        table("Become rejects", ["Reason", "Records"], [list(each) for each in said["lost"].items()], right=["Records"])


def _apply(tenant_id: int, asked: Asked, words: str, *, background: bool, json: bool) -> None:
    from trunkline.tenancy.scope import scope
    from trunkline.usage.crew import Crew
    from trunkline.usage.process import process
    from trunkline.usage.proposals import close_covered
    from trunkline.usage.rerate import batch_moved, is_large, register_reratings

    began = now()
    with ExitStack() as stack:
        crew = None
        if not background and is_large(tenant_id, actor=actor()):
            crew = Crew()  # which gets ready while it is found out whether anything changes
            stack.callback(crew.close)
        made = register_reratings(tenant_id, asked, name=f"re-rating: {words}", actor=actor(), now=now)
        for batch_id in made if not background else ():
            with progress_bar("records", quiet=json) as on_progress:
                process(tenant_id=tenant_id, batch_id=batch_id, now=now, on_progress=on_progress, crew=crew)
            crew = None  # it works once
    results = [_result(tenant_id, batch_id) for batch_id in made]
    with scope(tenant_id, actor()):
        accounts = _by_account([moved for batch_id in made for moved in batch_moved(batch_id)])
        if all(result["state"] == "posted" for result in results):
            close_covered(asked=asked, made_until=began, at=now())
    if json:
        print_json({"batches": results, "accounts": accounts})
    elif not results:
        typer.echo(f"Nothing changes ({words}).")
    else:
        columns = ["Batch", "Switch", "State", "Changed", "Rejected", "Seconds", "Remark"]
        names = ("batch", "switch", "state", "changed", "rejected", "seconds", "remark")
        table("Priced again", columns, [[result[name] for name in names] for result in results], right=columns[3:6])
        _print_money({"accounts": accounts, "invoices": ()})
    if any(result["state"] == "failed" for result in results):
        raise typer.Exit(1)


def _result(tenant_id: int, batch_id: int) -> dict[str, Any]:
    from trunkline.tenancy.scope import scope
    from trunkline.usage.models import Batch

    with scope(tenant_id, actor()):
        batch = Batch.objects.select_related("switch").get(pk=batch_id)
    seconds = (batch.finished_at - batch.started_at).total_seconds() if batch.finished_at and batch.started_at else None
    return {
        "batch": str(batch.public_id),
        "name": batch.name,
        "switch": batch.switch.name,
        "state": batch.state,
        "changed": batch.changed,
        "rejected": batch.rejected,
        "duplicates": batch.duplicates,
        "reasons": batch.reject_reasons,
        "written": batch.rows_in,
        "seconds": seconds,
        "failure": batch.failure,
        "remark": batch.failure_detail,
    }


def _rejects(tenant: str, reason: str, *, apply: bool, json: bool) -> None:
    """Rejects of a reason: how many wait, or sent again with the rest of their batches."""
    from trunkline.cli.usage import resend_and_print
    from trunkline.usage.reasons import Reason
    from trunkline.usage.resend import waiting_with

    if reason not in {each.value for each in Reason}:
        raise Invalid("unknown_reason", f"There is no reason {reason!r}.", hint="docs/formats/reasons.md lists them.")
    with tenant_scope(tenant):
        waiting = waiting_with(reason)
        lines = [
            {
                "batch": str(each.public_id),
                "file": each.name,
                "rejects": each.reject_reasons[reason],
                "waiting": each.rejected,
            }
            for each in waiting
        ]
    if apply and lines:
        resend_and_print(tenant, [line["batch"] for line in lines], json=json)
    elif json:
        print_json({"batches": []} if apply else {"waiting": lines})
    elif not lines:
        typer.echo(f"No rejects of the reason {reason} wait.")
    else:
        columns = ["Batch", "File", reason, "All that wait"]
        table("Would be sent again", columns, [list(line.values()) for line in lines], right=columns[2:])
        say("Nothing was written. The same command with --apply sends all that wait in these batches again.")


def accept(
    tenant: TenantOption,
    batch: Annotated[
        str, typer.Argument(help="Batch of which conflicting duplicates or late legs wait; `usage rejects` has it.")
    ],
    key: Annotated[
        list[str] | None, typer.Option(help="Only for the record of this key; may be given several times.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Accept corrections: a conflicting duplicate takes the place of the record with its key, a late leg becomes part of the record of its call.

    The other rejects of the batch are sent again too.
    """
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope
    from trunkline.usage.process import process
    from trunkline.usage.rerate import batch_moved
    from trunkline.usage.resend import accept as accept_them

    tenant_id = get_tenant_id(tenant)
    batch_id = accept_them(tenant_id, batch_public_id=batch, keys=key or (), actor=actor(), now=now)
    with progress_bar("rejects", quiet=json) as on_progress:
        process(tenant_id=tenant_id, batch_id=batch_id, now=now, on_progress=on_progress)
    said = _result(tenant_id, batch_id)
    with scope(tenant_id, actor()):
        accounts = _by_account(batch_moved(batch_id))
    if json:
        print_json({"batch": said, "accounts": accounts})
    else:
        adds_nothing = f"{said['duplicates']} add nothing; " if said["duplicates"] else ""
        typer.echo(
            f"{said['changed']} records replaced; {adds_nothing}{said['state']}, {said['rejected']} still rejected, "
            f"batch {said['batch']}"
        )
        _print_money({"accounts": accounts, "invoices": ()})
    if said["state"] == "failed":
        raise typer.Exit(1)


def _proposed(tenant: str, dismissed: int, *, json: bool) -> None:
    from trunkline.usage.proposals import dismiss, open_proposals

    with tenant_scope(tenant):
        if dismissed:
            dismiss(proposal_id=dismissed, at=now())
        lines = [
            {
                "proposal": each.pk,
                "cause": each.cause,
                "since": f"{each.made_at:%Y-%m-%d %H:%M}Z",
                "command": command_of(each, tenant),
            }
            for each in open_proposals()
        ]
    if json:
        print_json({"proposals": lines})
    elif not lines:
        typer.echo("No change of prices asks for a re-rating.")
    for line in () if json else lines:  # no table: the commands are there to be copied
        typer.echo(f"{line['proposal']}: {line['cause']}, {line['since']}\n  {line['command']}")


def command_of(proposal: Proposal, tenant: str) -> str:
    """The command line that does what is proposed."""
    import shlex

    parts = ["bin/trunkline", "usage", "rerate", "--tenant", tenant]
    if proposal.tariff is not None:
        parts += ["--tariff", proposal.tariff.name]
    if proposal.account is not None:
        parts += ["--account", proposal.account.code]
    if proposal.side:
        parts += ["--side", proposal.side]
    if proposal.start_from is not None:
        parts += ["--from", _short(proposal.start_from)]
    return shlex.join(parts)


def _short(instant: datetime) -> str:
    from datetime import UTC

    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%d}" if utc.time() == utc.time().min else utc.isoformat().replace("+00:00", "Z")


def tell(proposals: Iterable[Proposal], tenant: str) -> None:
    """Say that posted records are concerned by what a command has just changed."""
    for proposal in proposals:
        say(f"Posted records may cost something else now. What would change, shows\n  {command_of(proposal, tenant)}")

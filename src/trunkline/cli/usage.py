"""`trunkline usage`: files in, records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import (
    AsOfOption,
    JsonOption,
    OneTenantOption,
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
from trunkline.cli.legs import legs
from trunkline.cli.rerate import accept, rerate
from trunkline.core.errors import Invalid

if TYPE_CHECKING:
    from trunkline.usage.crew import Crew
    from trunkline.usage.search import Found
    from trunkline.usage.trial import Trial

app = typer.Typer(help="Files in, records out: load, batches, rejects, search, check, rerate.", no_args_is_help=True)
app.command()(rerate)
app.command()(accept)
app.command()(legs)


@app.command()
def load(
    files: Annotated[list[Path], typer.Argument(help="Files to take: plain, .gz or .zip.")],
    tenant: TenantOption,
    switch: Annotated[str, typer.Option(help="Switch that wrote them.")],
    background: Annotated[
        bool, typer.Option("--background", help="Leave the work to a running `trunkline worker`.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Take usage files: decode, rate, store and post them. A file that was taken before changes nothing. Ends with status 1 if one failed."""
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.usage.crew import CREW_OCTETS, ready_crew
    from trunkline.usage.intake import register_path

    tenant_id = get_tenant_id(tenant)
    meanwhile = Thread(target=_load_what_follows)
    meanwhile.start()
    results = []
    for path in files:
        with ExitStack() as stack:
            crew = None
            if not background and path.is_file() and path.stat().st_size >= CREW_OCTETS:
                crew = ready_crew()  # which gets ready while the file is examined
                stack.callback(crew.close)
            batch_id, found = register_path(tenant_id, switch, path, actor=actor(), now=now)
            meanwhile.join()
            if not background:
                _take(tenant_id, batch_id, path.name, quiet=json, crew=crew)
        results.append(_result(tenant_id, batch_id, remark=_REMARKS[found]))
    if json:
        print_json({"batches": results})
    else:
        columns, counts = _counts(results)
        rows = [
            [r["name"], r["state"], *count, r["seconds"], r["remark"]] for r, count in zip(results, counts, strict=True)
        ]
        table("", ["File", "State", *columns, "Seconds", "Remark"], rows, right=[*columns, "Seconds"])
    if any(result["state"] == "failed" for result in results):
        raise typer.Exit(1)


def _load_what_follows() -> None:
    """Load what takes a file once it is registered. Hashing a big file leaves a core free for that."""
    from trunkline.kit import jobs
    from trunkline.usage import process  # noqa: F401

    jobs.queue_app()


def _take(tenant_id: int, batch_id: int, name: str, *, quiet: bool, crew: Crew | None = None) -> None:
    from trunkline.usage.process import process

    with progress_bar(name, quiet=quiet) as on_progress:
        process(tenant_id=tenant_id, batch_id=batch_id, now=now, on_progress=on_progress, crew=crew)


# What is said of a file whose content is known, by the state in which it was found.
_REMARKS = {
    None: "",
    "registered": "begun before, resumed",
    "running": "begun before, resumed",
    "posted": "was taken before",
    "failed": "had failed, tried again",
}


def _result(tenant_id: int, batch_id: int, *, remark: str = "") -> dict[str, Any]:
    from trunkline.tenancy.scope import scope
    from trunkline.usage.models import Batch

    with scope(tenant_id, actor()):
        batch = Batch.objects.get(pk=batch_id)
    seconds = (batch.finished_at - batch.started_at).total_seconds() if batch.finished_at and batch.started_at else None
    return {
        "name": batch.name,
        "batch": str(batch.public_id),
        "state": batch.state,
        "rows_in": batch.rows_in,
        "rated": batch.rated,
        "rejected": batch.rejected,
        "duplicates": batch.duplicates,
        "waiting": batch.waiting,
        "skipped": batch.skipped,
        "reasons": batch.reject_reasons,
        "seconds": seconds,
        "remark": batch.failure_detail or remark,
        "failure": batch.failure,
    }


def _counts(results: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[int]]]:
    """What of batches is counted: the columns and a row for each. Legs are a column where some wait."""
    columns = {"In": "rows_in", "Rated": "rated", "Rejected": "rejected", "Duplicates": "duplicates"}
    if any(result["waiting"] for result in results):
        columns["Waiting"] = "waiting"
    return list(columns), [[result[name] for name in columns.values()] for result in results]


@app.command()
def batches(
    tenant: TenantOption,
    state: Annotated[str, typer.Option(help="Only those registered, running, posted or failed.")] = "",
    limit: Annotated[int, typer.Option(help="The newest so many.")] = 50,
    json: JsonOption = False,
) -> None:
    """List files that came in, the newest first."""
    from trunkline.usage.queries import list_batches

    with tenant_scope(tenant) as tenant_id:
        found = [_result(tenant_id, batch.pk) for batch in list_batches(state=state, limit=limit)]
    if json:
        print_json({"batches": found})
        return
    columns, counts = _counts(found)
    rows = [[r["batch"], r["name"], r["state"], *count, r["remark"]] for r, count in zip(found, counts, strict=True)]
    table("Batches", ["Batch", "File", "State", *columns, "Remark"], rows, right=columns)


@app.command()
def formats() -> None:
    """List the formats that files can have."""
    from trunkline.usage.decode import FORMATS

    table(
        "Formats",
        ["Name", "What"],
        [[name, each.title] for name, each in FORMATS.items()],
    )


@app.command()
def watch(tenant: TenantOption) -> None:
    """Look once into the watched folders and take what has come to rest. The worker does this by itself every ten seconds."""
    from trunkline.kit import jobs
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.usage.collect import take_up_abandoned
    from trunkline.usage.collect import watch as look

    tenant_id = get_tenant_id(tenant)
    take_up_abandoned(tenant_id)
    seen = look(tenant_id, now=now)
    table("", ["Switch", "File", "Fate", "Remark"], [[s.switch, s.name, s.fate, s.detail] for s in seen])
    jobs.work(queues=["usage"])


@app.command()
def sweep(
    tenant: TenantOption,
    minutes: Annotated[int, typer.Option(help="Spooled copies without a batch go when they are so old.")] = 60,
) -> None:
    """Remove the files that crashes have left. The worker does this by itself once an hour."""
    from datetime import timedelta

    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.usage.sweep import sweep as remove

    swept = remove(get_tenant_id(tenant), at=now(), spool_age=timedelta(minutes=minutes))
    say(f"{swept.segments} segment files, {swept.spooled} spooled copies, {swept.scratch} scratch files removed")


@app.command()
def resend(
    tenant: TenantOption,
    batch: Annotated[str, typer.Option(help="Only the rejects of this batch.")] = "",
    json: JsonOption = False,
) -> None:
    """Send rejects through again, after the cause is mended. What is still wrong stays a reject."""
    resend_and_print(tenant, [batch or None], json=json)


def resend_and_print(tenant: str, batches: Sequence[str | None], *, json: bool) -> None:
    """Send the rejects of some batches again, of all of them for None, and print what became of them."""
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.usage.resend import resend as send_again

    tenant_id = get_tenant_id(tenant)
    made = []
    for each in batches:
        made += send_again(tenant_id, batch_public_id=each, actor=actor(), now=now)
    results = []
    for batch_id in made:
        _take(tenant_id, batch_id, "rejects", quiet=json)
        results.append(_result(tenant_id, batch_id))
    if json:
        print_json({"batches": results})
    elif not results:
        typer.echo("No rejects wait to be sent again.")
    else:
        columns, counts = _counts(results)
        rows = [[r["name"], r["state"], *count] for r, count in zip(results, counts, strict=True)]
        table("Sent again", ["File", "State", *columns], rows, right=columns)


@app.command()
def check(
    tenant: OneTenantOption = "",
    read_files: Annotated[
        bool, typer.Option("--read-files", help="Also read every segment and compare its hash.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Prove that segments, rollups and ledger say the same. Ends with status 1 if they do not."""
    from trunkline.tenancy.queries import current_tenant, get_tenant_id, tenant_ids
    from trunkline.tenancy.scope import scope
    from trunkline.usage.check import check as prove

    findings = []
    for tenant_id in [get_tenant_id(tenant)] if tenant else tenant_ids():
        with scope(tenant_id, actor(), snapshot=True):
            slug = current_tenant().slug
            findings += [(slug, finding) for finding in prove(read_files=read_files)]
    if json:
        print_json(
            {
                "holds": all(f.holds for _, f in findings),
                "findings": [
                    {
                        "tenant": slug,
                        "name": f.name,
                        "proved": f.proved,
                        "holds": f.holds,
                        "contradictions": list(f.contradictions),
                    }
                    for slug, f in findings
                ],
            }
        )
    else:
        rows = [[slug, "holds" if f.holds else "BROKEN", f.name, f.proved] for slug, f in findings]
        table("Usage", ["Tenant", "", "What must hold", "Looked at"], rows)
        for slug, finding in findings:
            for line in finding.contradictions:
                typer.echo(f"{slug}: {finding.name}: {line}")
    if not all(finding.holds for _, finding in findings):
        raise typer.Exit(1)


@app.command()
def search(
    tenant: TenantOption,
    number: Annotated[str, typer.Option(help="Calling or called number; its beginning with a star (2547*).")] = "",
    account: Annotated[str, typer.Option("--account", "-a", help="Account on either side.")] = "",
    begin: Annotated[str, typer.Option("--from", help="Starts at or after: a day (UTC) or an instant.")] = "",
    end: Annotated[
        str, typer.Option("--to", help="Starts before: a day (UTC) or an instant; itself not included.")
    ] = "",
    limit: Annotated[int, typer.Option(help="The newest so many.")] = 100,
    as_of: AsOfOption = "",
    json: JsonOption = False,
) -> None:
    """List rated records, the newest first."""
    from trunkline.usage.search import search_records

    with tenant_scope(tenant):
        account_id = None
        if account:
            from trunkline.parties.queries import get_account

            account_id = get_account(account).pk
        found = search_records(
            number=number or None,
            account_id=account_id,
            start_from=instant(begin, "--from"),
            start_to=instant(end, "--to"),
            limit=limit,
            as_of=as_of_instant(as_of),
        )
    _print_records(found, json=json)


def _print_records(found: Found, *, json: bool) -> None:
    if json:
        print_json({"records": found.records, "is_complete": found.is_complete})
        return
    names = list(found.records[0]) if found.records else []
    table("", names, [list(record.values()) for record in found.records])
    typer.echo(
        f"{len(found.records)} records"
        if found.is_complete
        else f"the newest {len(found.records)} records; --limit shows more"
    )


@app.command()
def rejects(
    tenant: TenantOption,
    reason: Annotated[str, typer.Option(help="Only this reason (docs/formats/reasons.md).")] = "",
    number: Annotated[str, typer.Option(help="Only this called number, or numbers that begin so (2547*).")] = "",
    batch: Annotated[str, typer.Option(help="Only this batch.")] = "",
    digits: Annotated[int, typer.Option(help="Digits of the called number to group by.")] = 3,
    listed: Annotated[bool, typer.Option("--list", help="Every line instead of groups.")] = False,
    limit: Annotated[int, typer.Option(help="With --list: so many lines.")] = 100,
    as_of: AsOfOption = "",
    json: JsonOption = False,
) -> None:
    """Show what waits to be mended, or waited at an instant of the past: by reason and first digits of the called number, each with an example and what to do."""
    from dataclasses import asdict

    from trunkline.usage.queries import access_batch, name_batches
    from trunkline.usage.search import group_rejects, list_rejects

    with tenant_scope(tenant):
        asked: dict[str, Any] = {"reason": reason or None, "batch_id": access_batch(batch).pk if batch else None}
        asked["as_of"] = as_of_instant(as_of)
        if listed or number:
            found = list_rejects(number=number or None, limit=limit, **asked)
            lines, is_complete = name_batches(found.records), found.is_complete
        else:
            groups = group_rejects(prefix_digits=digits, **asked)
            lines, is_complete = name_batches([asdict(group) for group in groups]), True
    if json:
        print_json({"records": lines, "is_complete": is_complete} if listed or number else {"groups": lines})
    elif not lines:
        which, wait = "such rejects" if reason or number or batch else "rejects", "waited then" if as_of else "wait"
        typer.echo(f"No {which} {wait}.")
    elif listed or number:
        _print_rejects(lines, is_complete=is_complete)
    else:
        _print_reject_groups(lines)


def _print_rejects(lines: Sequence[Mapping[str, Any]], *, is_complete: bool) -> None:
    columns = ["File", "Line", "Reason", "What", "Called", "Start", "Record"]
    names = ("file", "line", "reason", "detail", "called", "start", "raw")
    table("Rejects", columns, [[line[name] for name in names] for line in lines], right=["Line"])
    typer.echo(
        f"{len(lines)} rejects" if is_complete else f"{len(lines)} rejects of the newest files; --limit shows more"
    )


def _print_reject_groups(groups: Sequence[Mapping[str, Any]]) -> None:
    from trunkline.usage.reasons import Reason

    rows = [[g["reason"], g["prefix"], g["rejects"], g["detail"], g["raw"][:100]] for g in groups]
    table("Rejects", ["Reason", "Prefix", "Rejects", "What", "Example"], rows, right=["Rejects"])
    for name in dict.fromkeys(group["reason"] for group in groups):
        typer.echo(f"{name}: {Reason(name).meaning} {Reason(name).what_to_do}")


def instant(text: str, what: str) -> datetime | None:
    """A date or an instant from the command line; UTC where it names no offset."""
    if not text:
        return None
    from datetime import UTC

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            "bad_time", f"{what} {text!r} is no time.", hint="Write 2026-03-02 or 2026-03-02T14:00:00+01:00."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@app.command("try")
def try_(
    file: Annotated[Path, typer.Argument(help="File to look at: plain, .gz or .zip.")],
    mapping: Annotated[
        Path | None, typer.Option(help="Read it by this mapping, TOML or JSON (docs/formats/mapping.md).")
    ] = None,
    format_name: Annotated[
        str, typer.Option("--format", help="Read it as this format instead of recognising it.")
    ] = "",
    switch: Annotated[
        str, typer.Option(help="Read it as this switch would: clock, number rules, limits, format.")
    ] = "",
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Whose switch.", envvar="TRUNKLINE_TENANT")] = "",
    json: JsonOption = False,
) -> None:
    """Show what a file would become, without writing anything: its format, first rows, what is missing, every line's fate, what traffic rules would do."""
    from trunkline.usage.trial import as_json, require_format, try_file

    profile, rules = None, None
    if switch:
        from trunkline.cli.ready import get_ready
        from trunkline.usage.actions import profile_of
        from trunkline.usage.pin import rules_to_try
        from trunkline.usage.queries import access_switch

        get_ready()
        with tenant_scope(tenant):
            found = access_switch(switch)
            profile = profile_of(found, now())
            rules = rules_to_try(found, profile)
        format_name = format_name or ("" if mapping else found.format)
    trial = try_file(file, form=require_format(format_name, mapping), profile=profile, received_at=now(), rules=rules)
    if json:
        print_json(as_json(trial))
    else:
        _print_trial(trial)
    if trial.failure:
        raise typer.Exit(1)


def _cell(value: object) -> object:
    return f"{value:%Y-%m-%d %H:%M:%S}Z" if isinstance(value, datetime) else value


def _did(rules: Mapping[str, Any]) -> tuple[str, str]:
    """The traffic rules that fitted a record, and what it then has that is not as it was decoded."""
    words = {name: " ".join(to) if isinstance(to, list) else to or "withheld" for name, to in rules["changed"].items()}
    changed = [f"{name.replace('_', ' ')} {to}" for name, to in words.items()]
    return ", ".join(rules["fitted"]), "; ".join(changed)


def _print_trial(trial: Trial) -> None:
    if trial.format:
        say(f"{trial.name}: {trial.format}, version {trial.version} ({trial.title})")
    if trial.remark:
        say(f"{trial.failure}: {trial.remark}")
    columns = [
        "line",
        "fate",
        "start",
        "answer",
        "end",
        "calling",
        "called",
        "quantity",
        "trunk_in",
        "trunk_out",
        "key",
    ]
    columns += ["reason", "detail"]
    used = [name for name in columns if any(row.get(name) not in {None, ""} for row in trial.rows)]
    if trial.rows:
        shown = [[_cell(row.get(name)) for name in used] for row in trial.rows]
        table("First lines", used, shown, right=["line", "quantity"])
    did = [[row["line"], *_did(row["rules"])] for row in trial.rows if "rules" in row]
    if any(rules for _, rules, _ in did):
        table("Traffic rules of these", ["line", "rules", "what they change"], did, right=["line"])
    fates = [["decoded", "", trial.decoded]]
    fates += [["rejected", reason, count] for reason, count in trial.reasons.most_common()]
    fates += [["skipped", reason, count] for reason, count in trial.skipped.most_common()]
    table("", ["Fate", "Reason", "Lines"], [*fates, ["in", "", trial.rows_in]], right=["Lines"])
    for code, said in trial.missing.items():
        say(f"missing {code}: {said}")
    if trial.more_columns:
        say(f"not read: {', '.join(trial.more_columns[:40])}")

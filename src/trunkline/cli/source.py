"""`trunkline source`: where usage files come from."""

from __future__ import annotations

import getpass
import sys
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
    progress_bar,
    say,
    table,
    tenant_scope,
    with_options,
)
from trunkline.core.errors import Invalid
from trunkline.kit.db.scope import scope
from trunkline.kit.secrets import Secret
from trunkline.usage.sources.choices import SourceKind

if TYPE_CHECKING:
    from trunkline.usage.models import Alarm, Source
    from trunkline.usage.sources.pull import Pulled
    from trunkline.usage.sources.queries import Shown

app = typer.Typer(
    help="Where usage files come from: watched folders, SFTP, FTPS, mailboxes; their alarms.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="Name of the source.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What can be said of a source, by the names that actions know, but for the secrets, of which files are named."""

    port: Annotated[int | None, typer.Option(help="Port; 22 for SFTP, 21 for FTPS, 993 for mail.")]
    password_file: Annotated[
        Path | None,
        typer.Option(help="File with the password in its first line; - for the standard input, or to be asked."),
    ]
    key_file: Annotated[Path | None, typer.Option(help="File with the private key (SFTP).")]
    passphrase_file: Annotated[Path | None, typer.Option(help="File with the passphrase of the private key.")]
    pin: Annotated[
        str | None, typer.Option("--fingerprint", help="Fingerprint of its host key or certificate, if known.")
    ]
    path: Annotated[str | None, typer.Option(help="Folder; for mail the mailbox.")]
    pattern: Annotated[str | None, typer.Option(help="Names of the files to take, such as 'CDR_*.csv.gz'.")]
    senders: Annotated[
        list[str] | None, typer.Option("--sender", help="Whose mails are taken: an address, @domain, or * for all.")
    ]
    every_min: Annotated[int | None, typer.Option("--every", help="Minutes from one look to the next.")]
    cron: Annotated[str | None, typer.Option(help="Or when, in five fields of cron, UTC.")]
    rest_s: Annotated[int | None, typer.Option("--rest", help="Seconds for which a file must not have changed.")]
    limit_mib: Annotated[int | None, typer.Option(help="Refuse larger files, MiB.")]
    after: Annotated[
        str | None, typer.Option(help="What becomes of a file once it is posted: leave, archive or delete.")
    ]
    archive: Annotated[str | None, typer.Option(help="Folder or mailbox for archived files.")]
    expected_min: Annotated[
        int | None, typer.Option("--expect", help="Alarm after so many minutes without a new file; 0 for none.")
    ]
    has_recurring_names: Annotated[
        bool | None,
        typer.Option("--recurring-names/--unique-names", help="Whether a name may come again with other content."),
    ]


@app.command()
@with_options
def add(
    name: NameArgument,
    tenant: TenantOption,
    *,
    switch: Annotated[str, typer.Option(help="Switch that wrote the files.")],
    kind: Annotated[str, typer.Option(help="folder (of this machine), sftp, ftps or imap.")],
    host: Annotated[str, typer.Option(help="Name or address of the server.")] = "",
    login: Annotated[str, typer.Option("--user", help="User on the server.")] = "",
    options: SourceOptions,
) -> None:
    """Make a source of a switch. The worker looks into it from now on."""
    from trunkline.usage.queries import access_switch
    from trunkline.usage.sources.actions import add_source

    given = _given(options)
    with tenant_scope(tenant):
        source = add_source(
            switch=access_switch(switch), name=name, kind=kind, host=host, login=login, at=now(), **given
        )
    typer.echo(f"source {name} made")
    if kind == "sftp" and not source.pin:
        say(f"Its host key is not trusted yet: trunkline source trust {name}")


@app.command()
@with_options
def change(
    name: NameArgument,
    tenant: TenantOption,
    *,
    host: Annotated[
        str | None, typer.Option(help="Name or address of the server; its host key must be trusted anew.")
    ] = None,
    login: Annotated[str | None, typer.Option("--user", help="User on the server.")] = None,
    options: SourceOptions,
) -> None:
    """Change a source; what is left out stays. The next look is due at once."""
    from trunkline.usage.sources.actions import change_source
    from trunkline.usage.sources.queries import access_source

    given = _given(options)
    given |= {key: value for key, value in (("host", host), ("login", login)) if value is not None}
    with tenant_scope(tenant):
        change_source(source_id=access_source(name).pk, at=now(), **given)
    typer.echo(f"source {name} changed")


def _given(options: SourceOptions) -> dict[str, Any]:
    """The options that were given, by the names that actions know."""
    given = given_options(options)
    passphrase_file = given.pop("passphrase_file", None)
    if "password_file" in given:
        given["password"] = read_secret(given.pop("password_file"), "Password")
    if "key_file" in given:
        given["private_key"] = _read_key(given.pop("key_file"), passphrase_file)
    if "limit_mib" in given:
        given["limit_octets"] = given.pop("limit_mib") << 20
    return given


def read_secret(path: Path, what: str) -> Secret:
    """The first line of a file, so that no secret stands on a command line, where every user of the machine can read it."""
    if str(path) == "-":
        return Secret(getpass.getpass(f"{what}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n"))
    return Secret((_read(path).splitlines() or [""])[0])


def _read_key(path: Path, passphrase_file: Path | None) -> Secret:
    from trunkline.usage.sources.sftp import normal_key

    passphrase = None if passphrase_file is None else read_secret(passphrase_file, "Passphrase")
    return normal_key(Secret(_read(path)), passphrase)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Invalid("source_secret", f"{path} cannot be read: {reason}.") from error


@app.command("list")
def list_all(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the sources of a tenant and how they are doing."""
    from trunkline.usage.sources.queries import list_sources

    with tenant_scope(tenant):
        found = list_sources()
    if json:
        print_json({"sources": [_shown(each) for each in found]})
        return
    rows = [
        [
            each.source.name,
            each.source.switch.name,
            each.source.kind,
            _address(each),
            _state(each),
            _when(each.feed.new_at),
            _when(each.feed.next_at) if each.source.is_active and each.source.kind != SourceKind.FOLDER else "",
            each.feed.failure_detail,
        ]
        for each in found
    ]
    table("Sources", ["Name", "Switch", "Kind", "Where", "State", "Last new file", "Next look", "Error"], rows)


@app.command()
def show(
    name: NameArgument,
    tenant: TenantOption,
    state: Annotated[str, typer.Option(help="Only files in this state: seen, taken, done, refused, ignored.")] = "",
    limit: Annotated[int, typer.Option(help="How many files at most.")] = 20,
    json: JsonOption = False,
) -> None:
    """Show a source and the newest files that were seen there. Secrets are never shown."""
    from trunkline.usage.sources.queries import access_source, list_receipts, list_sources

    with tenant_scope(tenant):
        source = access_source(name)
        (each,) = list_sources(name)
        receipts = list_receipts(source.pk, state=state, limit=limit)
    shown = _shown(each)
    files = [
        {
            "name": r.name,
            "octets": r.octets,
            "modified_at": r.modified_at,
            "state": r.state,
            "batch": None if r.batch is None else str(r.batch.public_id),
            "detail": r.detail,
        }
        for r in receipts
    ]
    if json:
        print_json(shown | {"files": files})
        return
    table(name, ["", ""], [[key.replace("_", " "), value] for key, value in shown.items() if key != "alarms"])
    rows = [[f["name"], f["octets"], _when(f["modified_at"]), f["state"], f["detail"]] for f in files]
    table("Files", ["Name", "Bytes", "Changed", "State", "Remark"], rows, right=["Bytes"])
    _print_alarms([(name, alarm) for alarm in each.alarms])


@app.command()
def pause(name: NameArgument, tenant: TenantOption) -> None:
    """Look into a source no more until it is resumed."""
    from trunkline.usage.sources.actions import pause_source
    from trunkline.usage.sources.queries import access_source

    with tenant_scope(tenant):
        pause_source(source_id=access_source(name).pk, at=now())
    typer.echo(f"source {name} paused")


@app.command()
def resume(name: NameArgument, tenant: TenantOption) -> None:
    """Look into a paused source again; the next look is due at once."""
    from trunkline.usage.sources.actions import resume_source
    from trunkline.usage.sources.queries import access_source

    with tenant_scope(tenant):
        resume_source(source_id=access_source(name).pk, at=now())
    typer.echo(f"source {name} resumed")


@app.command()
def trust(
    name: NameArgument,
    tenant: TenantOption,
    yes: Annotated[bool, typer.Option("--yes", help="Trust what is shown without asking.")] = False,
) -> None:
    """Show the host key or certificate that the server has, and trust it from now on, and no other. Nobody logs in for that."""
    from trunkline.usage.sources.actions import trust as trust_pin
    from trunkline.usage.sources.peers import shown_pin
    from trunkline.usage.sources.queries import access_source

    with tenant_scope(tenant):
        source = access_source(name)
    if source.kind == SourceKind.FOLDER:
        raise Invalid("source_option", "A folder of this machine has no key.")
    pin = shown_pin(source.kind, source.host, source.port)
    say(f"{source.host}:{source.port} shows {pin}")
    if pin == source.pin:
        typer.echo(f"source {name}: that is trusted already")
        return
    if source.pin:
        say(f"Trusted so far: {source.pin}")
    if not yes and not typer.confirm("Compare it with what its operator says. Trust it?", err=True):
        raise typer.Exit(1)
    with tenant_scope(tenant):
        trust_pin(source_id=source.pk, pin=pin, at=now())
    typer.echo(f"source {name} trusts {pin}")


@app.command()
def pull(
    name: NameArgument,
    tenant: TenantOption,
    again: Annotated[bool, typer.Option("--again", help="Fetch the files anew that were refused.")] = False,
    background: Annotated[bool, typer.Option("--background", help="Leave the files to a running worker.")] = False,
    json: JsonOption = False,
) -> None:
    """Look into a source now, take what is there, and archive or delete what is through. Ends with status 1 if something failed."""
    from trunkline.usage.sources.actions import try_again
    from trunkline.usage.sources.pull import pull as look
    from trunkline.usage.sources.queries import access_source

    with tenant_scope(tenant) as tenant_id:
        source = access_source(name)
        source_id = source.pk
        if again:
            try_again(source_id=source_id)
    if source.kind == SourceKind.FOLDER:
        _print_looks(name, [_look_into_folder(tenant_id, source, background=background)], json=json)
        return
    looks: list[Pulled] = []
    while not looks or looks[-1].has_more:
        with progress_bar(name, quiet=json) as bar:
            done = look(
                tenant_id=tenant_id,
                source_id=source_id,
                now=now,
                on_progress=None if bar is None else lambda _, octets, total: bar(octets, total),
            )
        if done is None:
            raise typer.Exit(_say_busy(name))
        looks.append(done)
        if not background:
            _take(tenant_id, done.batches)
            settled = look(tenant_id=tenant_id, source_id=source_id, now=now, only_settle=True)
            looks[-1:] = [done] if settled is None else [done, settled]
            if settled is not None:
                settled.has_more = done.has_more
    _print_looks(name, looks, json=json)


def _look_into_folder(tenant_id: int, source: Source, *, background: bool) -> Pulled:
    """A folder of this machine: what is at rest is registered where it lies, taken, and moved aside."""
    from trunkline.usage.collect import watch_one
    from trunkline.usage.process import process
    from trunkline.usage.queries import unfinished_batches
    from trunkline.usage.sources.pull import Pulled

    done = Pulled(source.name)
    for seen in watch_one(tenant_id, source.pk, now=now):
        done.say(seen.name, {"registered": "taken"}.get(seen.fate, seen.fate), seen.detail)
    if not background:
        with scope(tenant_id, actor()):
            waiting = unfinished_batches(source.switch_id)
        for batch_id in waiting:
            process(tenant_id=tenant_id, batch_id=batch_id, now=now)
    return done


def _say_busy(name: str) -> int:
    say(f"Somebody else is looking into {name} right now.")
    return 1


def _take(tenant_id: int, batches: list[int]) -> None:
    from trunkline.usage.process import process

    for batch_id in dict.fromkeys(batches):
        process(tenant_id=tenant_id, batch_id=batch_id, now=now)


def _print_looks(name: str, looks: list[Pulled], *, json: bool) -> None:
    files = [fate for each in looks for fate in each.files]
    failure = next((each.failure for each in looks if each.failure is not None), None)
    if json:
        lines = [{"name": fate.name, "fate": fate.fate, "detail": fate.detail} for fate in files]
        said = None if failure is None else {"code": failure.code, "message": str(failure)}
        print_json({"source": name, "files": lines, "failure": said})
    else:
        table("", ["File", "Fate", "Remark"], [[fate.name, fate.fate, fate.detail] for fate in files])
        if failure is not None:
            say(f"error: {failure.message}")
            if failure.hint:
                say(f"       {failure.hint}")
    if failure is not None or any(fate.fate in {"refused", "kept"} for fate in files):
        raise typer.Exit(1)


@app.command()
def remove(
    name: NameArgument,
    tenant: TenantOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a source and its secrets. What came from it stays, and so do the files on the server."""
    from trunkline.usage.sources.actions import remove_source
    from trunkline.usage.sources.queries import access_source

    with tenant_scope(tenant):
        source_id = access_source(name).pk
    if not yes and not typer.confirm(f"Forget the source {name}?", err=True):
        raise typer.Exit(1)
    with tenant_scope(tenant):
        remove_source(source_id=source_id)
    typer.echo(f"source {name} removed")


@app.command()
def reseal(tenant: TenantOption) -> None:
    """Seal the secrets of all sources under the newest key, so that older keys can go."""
    from trunkline.usage.sources.actions import reseal as reseal_all

    with tenant_scope(tenant):
        count = reseal_all()
    typer.echo(f"{count} secrets sealed again")


@app.command()
def check(tenant: TenantOption, json: JsonOption = False) -> None:
    """Print the open alarms of all sources: stalled, failing, repeated, refused. Ends with status 1 if there is one."""
    from trunkline.usage.sources.queries import open_alarms
    from trunkline.usage.sources.schedule import review_all

    with tenant_scope(tenant):
        review_all(at=now())
        found = open_alarms()
    if json:
        print_json({"alarms": [{"source": alarm.source.name} | _alarm(alarm) for alarm in found]})
    elif found:
        _print_alarms([(alarm.source.name, alarm) for alarm in found])
    else:
        typer.echo("no alarms")
    if found:
        raise typer.Exit(1)


def _print_alarms(found: list[tuple[str, Alarm]]) -> None:
    if found:
        rows = [[name, a.kind, _when(a.raised_at), _when(a.last_at), a.count, a.detail] for name, a in found]
        table("Alarms", ["Source", "Alarm", "Since", "Last", "Times", "What"], rows, right=["Times"])


def _alarm(alarm: Alarm) -> dict[str, Any]:
    names = ("kind", "detail", "count", "raised_at", "last_at")
    return {name: getattr(alarm, name) for name in names}


def _address(each: Shown) -> str:
    if each.source.kind == SourceKind.FOLDER:
        return each.source.path
    return f"{each.source.login}@{each.source.host}:{each.source.port} {each.source.path}"


def _state(each: Shown) -> str:
    if not each.source.is_active:
        return "paused"
    return ", ".join(alarm.kind for alarm in each.alarms) or ("failing" if each.feed.failures else "ok")


def _when(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _shown(each: Shown) -> dict[str, Any]:
    """A source for people and programs; of its secrets only that there are some."""
    source, feed = each.source, each.feed
    plain = (
        "name", "kind", "host", "port", "login", "pin", "path", "pattern", "senders", "every_min", "cron", "rest_s",
        "limit_octets", "after", "archive", "expected_min", "has_recurring_names", "is_active",
    )  # fmt: skip
    return {name: getattr(source, name) for name in plain} | {
        "switch": source.switch.name,
        "has_password": bool(source.password),
        "has_private_key": bool(source.private_key),
        "state": _state(each),
        "next_at": feed.next_at,
        "looked_at": feed.looked_at,
        "succeeded_at": feed.succeeded_at,
        "new_at": feed.new_at,
        "failures": feed.failures,
        "failure": feed.failure,
        "failure_detail": feed.failure_detail,
        "alarms": [_alarm(alarm) for alarm in each.alarms],
    }

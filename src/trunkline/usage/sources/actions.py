"""Writes of sources: what people say about them. What looks and fetches do is written in `receipts` and `alarms`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import IntegrityError, transaction

from trunkline.core.errors import Conflict, Invalid
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.reach import require_reachable
from trunkline.kit.secrets import Secret, is_stale, open_sealed, seal
from trunkline.usage.models import Alarm, Feed, Receipt, Source, Switch
from trunkline.usage.sources.choices import DEFAULT_PORT, AfterSuccess, ReceiptState, SourceKind
from trunkline.usage.sources.queries import purpose
from trunkline.usage.sources.rules import normal_pin, require_cron

CHANGEABLE: Final = frozenset({
    "host", "port", "login", "pin", "path", "pattern", "senders", "every_min", "cron", "rest_s", "limit_octets", "after", "archive",
    "expected_min", "has_recurring_names",
})  # fmt: skip
# Of a folder of this machine: the rest is said of servers alone.
CHANGEABLE_OF_FOLDER: Final = frozenset({"path", "pattern", "expected_min", "has_recurring_names"})
ARCHIVE_NAME: Final = {SourceKind.SFTP: "done", SourceKind.FTPS: "done", SourceKind.IMAP: "Done"}
HERE: Final = {SourceKind.SFTP: ".", SourceKind.FTPS: ".", SourceKind.IMAP: "INBOX"}
PORT_MAX: Final = 65_535


def add_source(
    *,
    switch: Switch,
    name: str,
    kind: str,
    at: datetime,
    host: str = "",
    login: str = "",
    port: int | None = None,
    password: Secret | None = None,
    private_key: Secret | None = None,
    pin: str = "",
    path: str = "",
    pattern: str = "*",
    senders: Sequence[str] = (),
    every_min: int | None = None,
    cron: str = "",
    rest_s: int = 60,
    limit_octets: int = 4 << 30,
    after: str = AfterSuccess.LEAVE,
    archive: str = "",
    expected_min: int | None = None,
    has_recurring_names: bool = False,
) -> Source:
    """Make a source of a switch; its first look is due at once. Without a schedule it is looked into every five minutes.

    A folder of this machine takes a path from the root and a pattern, and no server's options; it is looked into all the time.

    Raises `Invalid` (`source_kind`, `source_option`, `source_name`, `source_address`, `source_path`, `source_pattern`, `source_senders`, `source_schedule`,
    `source_limit`, `source_pin`, `source_login`, `source_key`), NotReached (`address_not_allowed`) and `Conflict` (`source_exists`).
    """
    if kind not in SourceKind.values:
        raise Invalid(
            "source_kind", f"There is no source of kind {kind!r}.", hint=f"Known are {', '.join(SourceKind.values)}."
        )
    if not name or not name.isprintable() or len(name) > 60:
        raise Invalid("source_name", f"{name!r} is no name.", hint="Up to 60 printable characters.")
    kind = SourceKind(kind)
    source = Source(
        switch=switch,
        name=name,
        kind=kind,
        host=host,
        port=port or DEFAULT_PORT.get(kind, 0),
        login=login,
        pin=pin,
        path=path or HERE.get(kind, ""),
        pattern=pattern,
        senders=list(senders),
        every_min=every_min if every_min or cron or kind == SourceKind.FOLDER else 5,
        cron=cron,
        rest_s=rest_s,
        limit_octets=limit_octets,
        after=after,
        archive=archive,
        expected_min=expected_min,
        has_recurring_names=has_recurring_names,
        active_since=at,
    )
    _require_sound(source)
    _seal(source, password, private_key, at)
    try:
        with transaction.atomic():
            source.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("source_exists", f"There is a source {name!r} already.") from error
    Feed.objects.create(source=source, next_at=at)
    return source


def change_source(
    *, source_id: int, at: datetime, password: Secret | None = None, private_key: Secret | None = None, **changes: Any
) -> Source:
    """Change what is given (`CHANGEABLE`, and the secrets); name, kind and switch stay. The next look is due at once.

    Of a folder of this machine only `CHANGEABLE_OF_FOLDER` can be given. Another address needs its host key trusted anew. Raises as `add_source` does, and NotFound.
    """
    if unknown := set(changes) - CHANGEABLE:
        raise TypeError(f"a source has no {sorted(unknown)} to change")
    (source,) = lock_rows(Source.objects.all(), [source_id])
    _require_of_kind(source, changes, password, private_key)
    if "pin" not in changes and {"host", "port"} & {k for k, v in changes.items() if getattr(source, k) != v}:
        changes["pin"] = ""  # before somebody has looked, the new machine is a stranger
    if changes.get("cron"):
        changes["every_min"] = None
    elif changes.get("every_min"):
        changes["cron"] = ""
    for name, value in changes.items():
        setattr(source, name, value)
    _require_sound(source)
    _seal(source, password, private_key, at)
    source.save()
    if {"pattern", "senders"} & set(changes):  # mails that had nothing for us may have something now
        Receipt.objects.filter(source=source, state=ReceiptState.IGNORED).delete()
    Feed.objects.filter(source=source).update(next_at=at)
    return source


def pause_source(*, source_id: int, at: datetime) -> Source:
    """No look is made until it is resumed, and nothing is expected; its alarms are closed."""
    (source,) = lock_rows(Source.objects.all(), [source_id])
    source.is_active = False
    source.save(update_fields=["is_active"])
    Alarm.objects.filter(source=source, cleared_at=None).update(cleared_at=at)
    return source


def resume_source(*, source_id: int, at: datetime) -> Source:
    """The next look is due at once, and new files are expected from now on. Nothing changes where it was not paused."""
    (source,) = lock_rows(Source.objects.all(), [source_id])
    if source.is_active:
        return source
    source.is_active, source.active_since = True, at
    source.save(update_fields=["is_active", "active_since"])
    Feed.objects.filter(source=source).update(next_at=at, failures=0)
    return source


def trust(*, source_id: int, pin: str, at: datetime) -> Source:
    """Trust the host key or certificate of that fingerprint, and no other; the next look is due at once. Raises Invalid (`source_pin`)."""
    return change_source(source_id=source_id, at=at, pin=pin)


def remove_source(*, source_id: int) -> None:
    """Forget a source, what was seen there and its alarms. What came from it stays: batches, records, books, and the files over there."""
    (source,) = lock_rows(Source.objects.all(), [source_id])
    for model in (Receipt, Alarm, Feed):
        model.objects.filter(source=source).delete()
    source.delete()


def reseal() -> int:
    """Seal every secret of the tenant that is under an older key under the newest one; how many. Raises as `open_sealed` does."""
    resealed = 0
    for source in lock_rows(Source.objects.all(), Source.objects.values_list("pk", flat=True)):
        for what in ("password", "private_key"):
            token = getattr(source, what)
            if is_stale(token):
                for_what = purpose(source, what)
                plain = open_sealed(token, tenant_id=current_tenant_id(), purpose=for_what)
                setattr(source, what, seal(plain, tenant_id=current_tenant_id(), purpose=for_what))
                source.save(update_fields=[what])
                resealed += 1
    return resealed


def try_again(*, source_id: int) -> int:
    """Have the files fetched again that were refused; how many."""
    refused = Receipt.objects.filter(source=source_id, state=ReceiptState.REFUSED)
    return refused.update(state=ReceiptState.SEEN, batch=None, detail="")


def watch_folder(*, switch: Switch, folder: str, pattern: str | None = None, at: datetime) -> None:
    """Have that folder be the watched folder of a switch, by its name; '' for none. What is left out stays. Raises as `add_source` does."""
    source = Source.objects.filter(switch=switch, kind=SourceKind.FOLDER, name=switch.name).first()
    if not folder:
        if source is not None:
            remove_source(source_id=source.pk)
    elif source is None:
        # The names of a folder of one's own may well come again: a log that is rotated into it.
        add_source(
            switch=switch, name=switch.name, kind=SourceKind.FOLDER, path=folder, pattern="*" if pattern is None else pattern,
            has_recurring_names=True, at=at,
        )  # fmt: skip
    else:
        changes: dict[str, Any] = {"path": folder} | ({} if pattern is None else {"pattern": pattern})
        change_source(source_id=source.pk, at=at, **changes)


def _require_of_kind(
    source: Source, changes: dict[str, Any], password: Secret | None, private_key: Secret | None
) -> None:
    """A folder of this machine has nothing of a server."""
    given = set(changes) | {n for n, s in (("password", password), ("private_key", private_key)) if s is not None}
    if source.kind == SourceKind.FOLDER and (surplus := given - CHANGEABLE_OF_FOLDER):
        raise Invalid(
            "source_option", f"A folder has no {', '.join(sorted(surplus))}.", hint="Its files are moved to done/."
        )


def _require_sound_folder(source: Source) -> None:
    if not Path(source.path).is_absolute():
        raise Invalid("watch_folder", "The watched folder must be named from the root (/...).")
    if not source.pattern or "/" in source.pattern or "**" in source.pattern or len(source.pattern) > 100:
        raise Invalid(
            "watch_pattern",
            f"{source.pattern!r} is no pattern of file names.",
            hint="Such as *.csv or Master.csv.*.gz.",
        )
    if source.host or source.login or source.port or source.pin or source.cron or source.every_min:
        raise Invalid("source_option", "A folder has no server and no schedule: it is looked into all the time.")
    source.after, source.archive, source.senders = AfterSuccess.ARCHIVE, "done", []
    if source.expected_min is not None and source.expected_min <= 0:
        source.expected_min = None


def _require_sound(source: Source) -> None:
    """Raises `Invalid` for what a look could not work with."""
    if source.kind == SourceKind.FOLDER:
        _require_sound_folder(source)
        return
    if not source.host or not source.host.isprintable() or any(c in source.host for c in " /@"):
        raise Invalid(
            "source_address",
            f"{source.host!r} is no host.",
            hint="A name or an address alone, such as sftp.example.net.",
        )
    require_reachable(source.host)
    if not 0 < source.port <= PORT_MAX:
        raise Invalid("source_address", f"{source.port} is no port.")
    if not source.login or not source.login.isprintable():
        raise Invalid("source_login", f"{source.login!r} is no user.")
    for text in (source.path, source.archive):
        if not text.isprintable() or len(text) > 500:
            raise Invalid("source_path", f"{text!r} is no folder.", hint="Up to 500 printable characters.")
    if not source.pattern or "/" in source.pattern or "**" in source.pattern or len(source.pattern) > 100:
        raise Invalid(
            "source_pattern", f"{source.pattern!r} is no pattern of file names.", hint="Such as *.csv or CDR_*.gz."
        )
    if source.cron:
        require_cron(source.cron)
        if source.every_min:
            raise Invalid("source_schedule", "A schedule is either every so many minutes or cron, not both.")
    elif not source.every_min or source.every_min < 0:
        raise Invalid(
            "source_schedule", "A schedule of at least one minute is missing.", hint="--every 5 or --cron '15 3 * * *'."
        )
    if source.expected_min is not None and source.expected_min <= 0:
        source.expected_min = None
    if source.limit_octets <= 0 or source.rest_s < 0:
        raise Invalid("source_limit", "Sizes and seconds are whole numbers above zero.")
    if source.after not in AfterSuccess.values:
        raise Invalid("source_after", f"{source.after!r} is none of {', '.join(AfterSuccess.values)}.")
    if source.after == AfterSuccess.ARCHIVE:
        source.archive = source.archive or ARCHIVE_NAME[SourceKind(source.kind)]
        if source.archive.rstrip("/") in {"", ".", source.path.rstrip("/")}:
            raise Invalid("source_path", "Files cannot be archived into the folder that they come from.")
    source.pin = normal_pin(source.kind, source.pin)
    _require_senders(source)


def _require_senders(source: Source) -> None:
    if source.kind != SourceKind.IMAP:
        source.senders = []
        return
    source.senders = [sender.strip().lower() for sender in source.senders if sender.strip()]
    if not source.senders or not all(s == "*" or "@" in s for s in source.senders):
        raise Invalid(
            "source_senders",
            "It must be said whose mails are taken.",
            hint="--sender cdr@example.net, --sender @example.net for all of a domain, or --sender '*' for everybody.",
        )


def _seal(source: Source, password: Secret | None, private_key: Secret | None, at: datetime) -> None:
    """Put the secrets that are given into the row; an empty one takes the old one away."""
    if source.kind == SourceKind.FOLDER:
        if password or private_key:
            raise Invalid("source_option", "A folder of this machine needs no password.")
        return
    if private_key and source.kind != SourceKind.SFTP:
        raise Invalid("source_key", "Only SFTP works with a private key.", hint="Give a password.")
    for what, secret in (("password", password), ("private_key", private_key)):
        if secret is not None:
            setattr(source, what, seal(secret, tenant_id=current_tenant_id(), purpose=purpose(source, what)))
            source.secrets_changed_at = at
    if not source.password and not source.private_key:
        raise Invalid("source_login", "A password or a private key is missing.", hint="--password-file or --key-file.")

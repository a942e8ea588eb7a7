"""Decisions about sources: when the next look is, whether a file is at rest, whether a feed is late."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.kit.home import home
from trunkline.usage.sources.choices import SourceKind
from trunkline.usage.sources.remote import FOR_PEOPLE

BACKOFF: Final = timedelta(minutes=1)
BACKOFF_MAX: Final = timedelta(hours=1)
BACKOFF_FOR_PEOPLE: Final = timedelta(minutes=15)
FAILURES_ALARM: Final = 3  # looks in a row that fail before somebody is told
REPEAT_OPEN: Final = timedelta(hours=24)  # for so long after the last repeated file its alarm stays open
SOON: Final = timedelta(minutes=1)

_SSH_PIN: Final = re.compile(r"(?:[a-z0-9@.-]{1,60} )?SHA256:[A-Za-z0-9+/]{43}")
_TLS_PIN: Final = re.compile(r"[0-9a-f]{64}")


def require_cron(cron: str) -> None:
    """Raises `Invalid` (`source_schedule`) for what is no schedule of five fields."""
    from croniter import croniter

    if len(cron.split()) != 5 or not croniter.is_valid(cron):
        raise Invalid(
            "source_schedule",
            f"{cron!r} is no schedule.",
            hint="Five fields, UTC: minute hour day month weekday, such as '15 3 * * *'.",
        )


def incoming_folder(slug: str) -> Path:
    """The folder of this machine below which an operator's own staff may name folders: `TRUNKLINE_INCOMING`, else `incoming` of the data folder, and in
    it the one of the operator."""
    return Path(os.environ.get("TRUNKLINE_INCOMING") or home() / "incoming") / slug


def require_own_folder(path: str, slug: str) -> None:
    """Raises `Invalid` (`source_folder`) unless a folder lies in the operator's own: staff of an operator must not have the machine's other files read.

    Who runs the machine may name any folder, by the command line.
    """
    own = incoming_folder(slug)
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(own)):
        raise Invalid(
            "source_folder",
            f"{path[:200]!r} does not lie in {own}.",
            hint="Whoever runs the machine can make a source of any other folder.",
        )


def next_look(*, every_min: int | None, cron: str, after: datetime) -> datetime:
    """The first planned look after an instant."""
    if every_min:
        return after + timedelta(minutes=every_min)
    from croniter import croniter

    return croniter(cron, after.astimezone(UTC)).get_next(datetime)


def backoff(failures: int, code: str) -> timedelta:
    """How long to wait after so many failures in a row. What only people can mend is tried more seldom: it might lock the account."""
    pause = min(BACKOFF * 2 ** min(max(failures - 1, 0), 10), BACKOFF_MAX)
    return max(pause, BACKOFF_FOR_PEOPLE) if code in FOR_PEOPLE else pause


def is_at_rest(*, modified_at: datetime | None, first_seen_at: datetime, rest_s: int, at: datetime) -> bool:
    """Whether a file has not changed for `rest_s` seconds: by the time that its server gives it, or because it looked the same so long ago.

    A time in the future (the server's clock is ahead) proves nothing; then, and where there is no time, only the second counts.
    """
    since = at - timedelta(seconds=rest_s)
    return first_seen_at <= since or (modified_at is not None and modified_at <= since)


def late_since(*, new_at: datetime | None, active_since: datetime, expected_min: int | None) -> datetime | None:
    """From when on a feed counts as stalled if nothing new comes; None where nothing is expected."""
    if expected_min is None:
        return None
    return max(filter(None, (new_at, active_since))) + timedelta(minutes=expected_min)


def normal_pin(kind: str, pin: str) -> str:
    """A fingerprint as it is kept. Raises `Invalid` (`source_pin`)."""
    if not pin.strip():
        return ""
    if kind == SourceKind.SFTP:
        text = " ".join(pin.split())
        if _SSH_PIN.fullmatch(text):
            return text
        raise Invalid(
            "source_pin", f"{pin!r} is no fingerprint of a host key.", hint="As `ssh-keygen -lf` shows it: SHA256:..."
        )
    text = pin.strip().lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if _TLS_PIN.fullmatch(text):
        return text
    raise Invalid(
        "source_pin", f"{pin!r} is no fingerprint of a certificate.", hint="64 hexadecimal digits: its SHA-256."
    )

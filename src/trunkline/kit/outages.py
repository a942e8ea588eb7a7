"""What the surroundings do to us, in words: PostgreSQL gone, a lock that is not granted, a full disk.

Every step of the work is a transaction, and files count only when a transaction names them. So whatever happens in the middle, the answer
is the same: mend the cause and run it again.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from trunkline.core.errors import Busy, Unavailable

Result = TypeVar("Result")

AGAIN: Final = "Run it again: what was finished stays, nothing is half done."
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# PostgreSQL, appendix A: connection exceptions, shutdown and crash of the server, a session that was ended for its idleness.
GONE: Final = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
BUSY: Final = ("55P03", "40P01", "40001")
DISK_FULL: Final = "53100"
TOO_MANY: Final = "53300"
ATTEMPTS: Final = 3


def again_when_busy(work: Callable[[], Result]) -> Result:
    """Do `work`, and do it again where somebody else was in the way, three times in all. It opens its own scope or savepoint.

    There is no pause between: a lock is waited for until its timeout, and who lost a deadlock finds the other one gone. Raises what
    `work` raises.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except Exception as error:
            if not isinstance(explain(error), Busy):
                raise
    return work()


def explain(error: BaseException) -> Unavailable | None:
    """The error as one of ours if it is the surroundings' fault, None if it is not.

    Codes: `database_gone`, `database_busy`, `database_full`, `disk_full`.
    """
    for each in _chain(error):
        if isinstance(each, Unavailable):
            return each
        found = _of_the_disk(each) if isinstance(each, OSError) else _of_the_database(each)
        if found is not None:
            return found
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, as Django and the queue wrap what the driver raised."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _of_the_disk(error: OSError) -> Unavailable | None:
    if error.errno in FULL:
        where = f" for {error.filename}" if error.filename else ""
        return Unavailable("disk_full", f"There is no space left on the disk{where}.", hint=f"Make room. {AGAIN}")
    if error.errno == errno.EROFS:
        return Unavailable("disk_full", f"The disk is read-only: {error.filename or 'the data folder'}.", hint=AGAIN)
    return None


def _of_the_database(error: BaseException) -> Unavailable | None:
    import psycopg

    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return None
    if isinstance(error, psycopg.InterfaceError) and "connection" not in str(error):
        return None  # a cursor that was closed is our own fault
    state = error.sqlstate or ""
    said = (error.diag.message_primary or str(error)).strip().splitlines()[:1]
    what = said[0] if said else type(error).__name__
    if not state or state.startswith(GONE):
        return Unavailable("database_gone", f"PostgreSQL went away or does not answer: {what}", hint=AGAIN)
    if state in BUSY:
        return Busy("database_busy", f"Somebody else is at the same rows: {what}.", hint=AGAIN)
    if state == DISK_FULL:
        return Unavailable("database_full", f"PostgreSQL has no space left: {what}.", hint=f"Make room. {AGAIN}")
    if state == TOO_MANY:
        return Unavailable("database_busy", f"PostgreSQL has no connection left: {what}.", hint=AGAIN)
    return None

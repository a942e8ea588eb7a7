"""What every kind of server offers us: list, fetch, move away, delete. No database, no Django.

Peers are plain blocking objects, opened as context managers. What they raise:

    PeerFailed    Unavailable: the connection, the login, the folder; the look ends here and is tried again later
    FileGone      it is not there any more
    FileChanged   it is not what was listed: it grew, or another has taken its name
    FileRefused   this file cannot be had as it is; the others can
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final, Protocol, Self

from trunkline.core.errors import Unavailable
from trunkline.kit.secrets import Secret

CONNECT_SECONDS: Final = 30
STALL_SECONDS: Final = 60  # without an answer or a byte
BLOCK_OCTETS: Final = 1 << 20
NAME_CHARACTERS: Final = 255
PATH_CHARACTERS: Final = 1000
VERSION_CHARACTERS: Final = 60
OCTETS_MAX: Final = (1 << 63) - 1  # a server may claim more than a table can keep
# Tried again soon they might lock the account, and only a person can mend them.
FOR_PEOPLE: Final = frozenset(
    {
        "login_refused",
        "host_key_unknown",
        "host_key_changed",
        "certificate_refused",
        "address_not_allowed",
        "secret_key_missing",
        "secret_damaged",
    }
)

Write = Callable[[bytes], object]


class PeerFailed(Unavailable):
    """A server that cannot be worked with now: `connection_failed`, `connection_cut`, `login_refused`, `host_key_unknown`, `host_key_changed`,
    `certificate_refused`, `folder_missing`, `server_refused`.
    """


class FileProblem(Exception):  # noqa: N818 - named for what they say
    """Something is wrong with one file alone; the text is for people."""


class FileGone(FileProblem):
    """It is not there any more."""


class FileChanged(FileProblem):
    """It is not what was listed."""


class FileRefused(FileProblem):
    """It cannot be had as it is."""


@dataclass(frozen=True, slots=True)
class Target:
    """A source as its peer needs it."""

    host: str
    port: int
    login: str
    path: str
    password: Secret = field(default_factory=lambda: Secret(""))
    private_key: Secret = field(default_factory=lambda: Secret(""))
    pin: str = ""
    pattern: str = "*"
    senders: tuple[str, ...] = ()
    limit_octets: int = 4 << 30

    @property
    def address(self) -> str:
        """What people call it in messages."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as it is listed. `problem` says why it cannot be taken; `is_for_us` is False for a mail that has nothing for us."""

    locator: str
    name: str
    octets: int
    version: str = ""
    modified_at: datetime | None = None
    problem: str = ""
    is_for_us: bool = True


class Peer(Protocol):
    """One server, connected to."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def entries(self, known: Set[str]) -> Iterator[list[Entry]]:
        """What is there, in groups that are recorded together. `known`: locators that are recorded; mails among them are not read again."""
        ...

    def is_there(self, locators: Set[str]) -> Set[str]:
        """Those of the locators that the last `entries` has seen."""
        ...

    def fetch(self, entry: Entry, write: Write) -> None:
        """Hand the file's bytes on, as many as were listed. Raises `FileGone`, `FileChanged`, `FileRefused`, `PeerFailed`."""
        ...

    def archive(self, entry: Entry, folder: str) -> None:
        """Move the file into a folder, under a name that is free there; nothing where it has gone or changed. Raises `FileRefused`, `PeerFailed`."""
        ...

    def delete(self, entry: Entry) -> None:
        """Remove the file; nothing where it has gone or changed. Raises `FileRefused`, `PeerFailed`."""
        ...

    def leave(self, entry: Entry) -> None:
        """Say that the file is done with where there is a place to say so (a mail is marked as seen)."""
        ...


def matches(name: str, pattern: str) -> bool:
    """Whether a file name is one of those to take. Names that begin with a dot are temporary names of uploads."""
    return not name.startswith(".") and fnmatchcase(name, pattern)


def printable(name: str) -> str:
    """A name as it can be kept and shown, whatever bytes it has; surrogates stand for bytes that are no UTF-8."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def problem_of_name(name: str) -> str:
    """Why a file of that name cannot be taken, '' if it can."""
    if printable(name) != name:
        return "Its name holds control characters or is no UTF-8: rename it."
    if "/" in name or "\\" in name or name in {".", ".."}:
        return "Its name holds a slash: rename it."
    if len(name) > NAME_CHARACTERS:
        return f"Its name is longer than {NAME_CHARACTERS} characters: rename it."
    return ""


def problem_of_size(octets: int, limit: int) -> str:
    """Why a file of that size is not taken, '' if it is."""
    return f"It has {octets:,} bytes and the limit is {limit:,}." if octets > limit else ""


def listed(folder: str, name: str, *, octets: int, version: str, modified_at: datetime | None, limit: int) -> Entry:
    """The entry of a regular file in a folder."""
    shown = printable(name)
    locator = posixpath.join(folder, shown)
    problem = problem_of_name(name) or problem_of_size(octets, limit)
    if len(locator) > PATH_CHARACTERS:
        problem, locator = f"Its path is longer than {PATH_CHARACTERS} characters.", locator[-PATH_CHARACTERS:]
    size = min(octets, OCTETS_MAX)
    return Entry(locator, shown[-NAME_CHARACTERS:], size, version[:VERSION_CHARACTERS], modified_at, problem)


def mail_of(locator: str) -> str:
    """The mail that an attachment hangs on: UIDVALIDITY/UID."""
    return locator.rpartition("/")[0]


def free_name(name: str, number: int) -> str:
    """A name for the n-th file that is called so: the name itself, then `a.2.csv`, `a.3.csv`."""
    stem, suffix = posixpath.splitext(name)
    return name if number == 1 else f"{stem}.{number}{suffix}"


class Counted:
    """Hands bytes on as long as they are no more than were listed."""

    def __init__(self, entry: Entry, write: Write) -> None:
        self._entry = entry
        self._write = write
        self.octets = 0

    def __call__(self, block: bytes) -> None:
        self.octets += len(block)
        if self.octets > self._entry.octets:
            raise FileChanged("It grew while it was fetched.")
        self._write(block)

    def require_whole(self) -> None:
        """Raises `FileChanged` where bytes are missing."""
        if self.octets != self._entry.octets:
            raise FileChanged(f"{self._entry.octets:,} bytes were listed and {self.octets:,} came.")

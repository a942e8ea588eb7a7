"""FTP over explicit TLS (RFC 4217): control and data protected, passive mode, binary.

Listings come by MLSD (RFC 3659) where the server has it, else by LIST in the form of Unix or of Windows, with size and time asked for each
file. The protocol says nothing of a connection that is cut: a file counts as fetched only if as many bytes came as were listed.
"""

from __future__ import annotations

import contextlib
import ftplib
import posixpath
import re
import ssl
from collections.abc import Iterator, Set
from datetime import UTC, datetime
from socket import socket
from typing import Any, Final, Self

from trunkline.usage.sources.remote import (
    BLOCK_OCTETS,
    CONNECT_SECONDS,
    STALL_SECONDS,
    Counted,
    Entry,
    FileChanged,
    FileGone,
    FileProblem,
    FileRefused,
    PeerFailed,
    Target,
    Write,
    free_name,
    listed,
    matches,
)
from trunkline.usage.sources.tls import SecureFtp, context_for, refused, require_pinned

# Mode, links, owner, group, size, date, name. A server may leave the group out.
UNIX: Final = re.compile(
    r"(?P<type>[-dlbcpsD])[-rwxsStTlL]{9}\S?\s+\d+\s+\S+\s+(?:\S+\s+)?(?P<size>\d+)\s+(?P<date>[A-Z][a-z]{2}\s+\d{1,2}\s+[\d:]{4,5}) (?P<name>.+)",
    re.ASCII,
)
WINDOWS: Final = re.compile(
    r"(?P<date>\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:[AP]M)?)\s+(?P<size><DIR>|\d+)\s+(?P<name>.+)", re.ASCII
)
TIME: Final = re.compile(r"(\d{14})(?:\.\d+)?", re.ASCII)
NOT_THERE: Final = ("550", "450")


class _Session(SecureFtp):
    """One that resumes the control channel's TLS session on the data channel: many servers insist, to know that it is the same client."""

    target: Target

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - over TLS from here on
        try:
            session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
            secured = self.context.wrap_socket(connection, server_hostname=self.host, session=session)
        except BaseException:
            connection.close()
            raise
        require_pinned(secured, self.target)
        return secured, size


class FtpsPeer:
    """An FTP server that speaks TLS."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._there: set[str] = set()
        self._home = ""

    def __enter__(self) -> Self:
        target = self._target
        # Bytes go through as they are: names are read as UTF-8 here, where one that is not can be told.
        self._ftp = _Session(context=context_for(target.pin), timeout=CONNECT_SECONDS, encoding="latin-1")
        self._ftp.target = target
        try:
            self._connect()
        except BaseException:
            self._ftp.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if error[:1] == (None,):
            with contextlib.suppress(OSError, EOFError, ftplib.Error):
                self._ftp.quit()
        self._ftp.close()

    def _connect(self) -> None:
        target = self._target
        try:
            self._ftp.connect(target.host, target.port)
            self._ftp.auth()
            require_pinned(self._ftp.sock, target)  # type: ignore[arg-type]  # auth() has made it one of TLS
        except ssl.SSLCertVerificationError as error:
            raise refused(target, error) from error
        except ftplib.error_perm as error:
            raise PeerFailed("server_refused", f"{target.address} does not speak TLS: {error}.") from error
        except (OSError, EOFError, ftplib.Error) as error:
            raise PeerFailed(
                "connection_failed",
                f"{target.address} cannot be reached: {str(error) or 'it closed the connection'}.",
                hint="Look at address, port and firewalls.",
            ) from error
        with self._talking():
            try:
                self._ftp.login(_wire(target.login), _wire(target.password.reveal()))
            except ftplib.error_perm as error:
                raise PeerFailed(
                    "login_refused",
                    f"{target.address} does not let {target.login} in: {str(error)[:200]}",
                    hint="Look at user and password.",
                ) from error
            self._ftp.prot_p()
            self._ftp.voidcmd("TYPE I")
            self._features = self._ask_features()
            self._home = self._ftp.pwd()
        if self._ftp.sock is not None:
            self._ftp.sock.settimeout(STALL_SECONDS)
        self._ftp.timeout = STALL_SECONDS

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        """What breaks the conversation as such. Replies that refuse one command go through."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise refused(self._target, error) from error
        except (EOFError, ftplib.error_proto, ftplib.error_reply) as error:
            raise self._cut(error) from error
        except ftplib.error_temp as error:
            if str(error)[:3] in {"421", "425", "426", "434"}:  # it closes; no data channel; that was cut
                raise self._cut(error) from error
            raise
        except OSError as error:
            raise self._cut(error) from error

    def _cut(self, error: BaseException) -> PeerFailed:
        return PeerFailed(
            "connection_cut", f"The connection to {self._target.address} broke: {str(error) or 'it was closed'}."
        )

    def _ask_features(self) -> str:
        try:
            return self._ftp.sendcmd("FEAT").upper()
        except ftplib.error_perm:
            return ""

    def entries(self, known: Set[str]) -> Iterator[list[Entry]]:
        folder = posixpath.join(_text(self._home), self._target.path)
        with self._talking():
            try:
                self._ftp.cwd(_wire(folder))
                lines: list[str] = []
                self._ftp.retrlines("MLSD" if "MLST" in self._features else "LIST", lines.append)
            except (ftplib.error_perm, ftplib.error_temp) as error:
                raise PeerFailed(
                    "folder_missing", f"{self._target.path} on {self._target.address} cannot be listed: {error}."
                ) from error
            read = _of_mlsd if "MLST" in self._features else _of_list
            found = [entry for line in lines if (entry := self._entry(folder, *read(line))) is not None]
        self._there = {entry.locator for entry in found}
        yield found

    def _entry(self, folder: str, raw: str, octets: int, version: str) -> Entry | None:
        """The entry of a file, None for what is none or not to be taken."""
        name = _text(raw)
        if not raw or not matches(name, self._target.pattern):
            return None
        path = posixpath.join(folder, name)
        if not TIME.fullmatch(version) and name.isprintable():
            version = self._time(path) or version
        return listed(
            folder, name, octets=octets, version=version, modified_at=_instant(version), limit=self._target.limit_octets
        )

    def _time(self, path: str) -> str:
        try:
            reply = self._ftp.sendcmd(f"MDTM {_wire(path)}")
        except (ftplib.error_perm, ftplib.error_temp):
            return ""
        return reply[4:].strip()

    def is_there(self, locators: Set[str]) -> Set[str]:
        return self._there & locators

    def fetch(self, entry: Entry, write: Write) -> None:
        with self._talking():
            self._require_same(entry)
            counted = Counted(entry, write)
            try:
                self._ftp.retrbinary(f"RETR {_wire(entry.locator)}", counted, blocksize=BLOCK_OCTETS)
            except (ftplib.error_perm, ftplib.error_temp) as error:
                raise _problem(error, "The server does not give it") from error
            except FileChanged:
                self._ftp.close()  # the rest of the file is still on its way
                raise
            counted.require_whole()
            self._require_same(entry)

    def _require_same(self, entry: Entry) -> None:
        """Size and time as they were listed. Raises `FileGone`, `FileChanged`, `FileRefused`."""
        try:
            octets = self._ftp.size(_wire(entry.locator))
        except (ftplib.error_perm, ftplib.error_temp) as error:
            raise _problem(error, "The server does not show it") from error
        is_timed = TIME.fullmatch(entry.version) is not None
        if octets != entry.octets or (is_timed and self._time(entry.locator) not in {"", entry.version}):
            raise FileChanged("It has changed since it was listed.")

    def archive(self, entry: Entry, folder: str) -> None:
        with self._talking():
            if not self._is_same(entry):
                return
            folder = posixpath.join(posixpath.dirname(entry.locator), folder)
            with contextlib.suppress(ftplib.error_perm):  # it is there already, or the rename says what is wrong
                self._ftp.mkd(_wire(folder))
            number = 1
            while self._exists(posixpath.join(folder, free_name(entry.name, number))):
                number += 1
            try:
                self._ftp.rename(_wire(entry.locator), _wire(posixpath.join(folder, free_name(entry.name, number))))
            except (ftplib.error_perm, ftplib.error_temp) as error:
                raise _problem(error, f"It cannot be moved to {folder}") from error

    def _exists(self, path: str) -> bool:
        try:
            return self._ftp.size(_wire(path)) is not None
        except (ftplib.error_perm, ftplib.error_temp):
            return False

    def delete(self, entry: Entry) -> None:
        with self._talking():
            if not self._is_same(entry):
                return
            try:
                self._ftp.delete(_wire(entry.locator))
            except (ftplib.error_perm, ftplib.error_temp) as error:
                raise _problem(error, "It cannot be deleted") from error

    def leave(self, entry: Entry) -> None:
        """The server keeps it as it is."""

    def _is_same(self, entry: Entry) -> bool:
        try:
            self._require_same(entry)
        except (FileGone, FileChanged):
            return False
        return True


def _problem(error: ftplib.Error, what: str) -> FileProblem:
    # 550 is both "not there" and "not allowed"; the words of servers differ, and most say which.
    text = str(error)
    if text[:3] in NOT_THERE and re.search(
        r"no such|not found|could not get file size|cannot find", text, re.IGNORECASE
    ):
        return FileGone("It is not there any more.")
    return FileRefused(f"{what}: {text[:200]}.")


def _of_mlsd(line: str) -> tuple[str, int, str]:
    """Name, size and time of a file in a line of MLSD; no name for everything else (RFC 3659, 7.2)."""
    facts_text, _, name = line.partition(" ")
    facts: dict[str, Any] = {}
    for fact in facts_text.split(";"):
        key, _, value = fact.partition("=")
        facts[key.lower()] = value
    if facts.get("type", "").lower() != "file" or not facts.get("size", "").isdecimal():
        return "", 0, ""
    return name, int(facts["size"]), facts.get("modify", "")


def _of_list(line: str) -> tuple[str, int, str]:
    """The same of a line of LIST, whose form no standard fixes; its date, to the minute at best, is a mark of the file and no time."""
    if found := UNIX.fullmatch(line):
        return (found["name"], int(found["size"]), found["date"]) if found["type"] == "-" else ("", 0, "")
    found = WINDOWS.fullmatch(line)
    if found is None or found["size"] == "<DIR>":
        return "", 0, ""
    return found["name"], int(found["size"]), found["date"]


def _instant(version: str) -> datetime | None:
    found = TIME.fullmatch(version)
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _wire(text: str) -> str:
    """Text as the session writes it: UTF-8, byte for byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _text(wire: str) -> str:
    return wire.encode("latin-1").decode("utf-8", "surrogateescape")

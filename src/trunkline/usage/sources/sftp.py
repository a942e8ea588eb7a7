"""SFTP, by key or password, from a server whose host key is pinned.

asyncssh works in an event loop; a loop of our own makes its calls block, so that a job reads like any other. Nothing of the machine's own
SSH set-up is used: no agent, no `~/.ssh`.
"""

from __future__ import annotations

import asyncio
import posixpath
import stat
from collections.abc import Awaitable, Iterator, Set
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar

import asyncssh

from trunkline.core.errors import Invalid
from trunkline.kit.reach import connect
from trunkline.kit.secrets import Secret
from trunkline.usage.sources.remote import (
    CONNECT_SECONDS,
    STALL_SECONDS,
    Counted,
    Entry,
    FileChanged,
    FileGone,
    FileRefused,
    PeerFailed,
    Target,
    Write,
    free_name,
    listed,
    matches,
)

R = TypeVar("R")

READ_OCTETS: Final = 4 << 20  # asyncssh asks for its blocks all at once: one round trip for 4 MiB
KEEPALIVE_SECONDS: Final = 15
# A pinned key is of one kind; a server that has several must show us that one.
SIGNATURES: Final = {"ssh-rsa": ("rsa-sha2-256", "rsa-sha2-512")}

CUT: Final = (asyncssh.DisconnectError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, TimeoutError, OSError)

asyncssh.set_log_level("ERROR")


class _Client(asyncssh.SSHClient):
    """Takes the pinned host key alone."""

    def __init__(self, pin: str) -> None:
        self._fingerprint = pin.rsplit(maxsplit=1)[-1] if pin else ""
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = pin_of(key)
        return bool(self._fingerprint) and key.get_fingerprint() == self._fingerprint


def pin_of(key: asyncssh.SSHKey) -> str:
    """A host key as it is pinned: its kind and its fingerprint, as OpenSSH shows it."""
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


def shown_pin(host: str, port: int) -> str:
    """The host key that the server shows now. Raises `PeerFailed`."""

    async def ask() -> str:
        opened = connect(host, port, timeout_s=CONNECT_SECONDS)
        key = await asyncio.wait_for(
            asyncssh.get_server_host_key(host, port, sock=opened, config=None), CONNECT_SECONDS
        )
        if key is None:
            raise PeerFailed("connection_failed", f"{host}:{port} shows no host key.")
        return pin_of(key)

    with asyncio.Runner() as runner:
        try:
            return runner.run(ask())
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise _unreachable(f"{host}:{port}", error) from error


def normal_key(private_key: Secret, passphrase: Secret | None = None) -> Secret:
    """A private key in OpenSSH's format without passphrase, as it is sealed. Raises `Invalid` (`source_key`)."""
    try:
        key = asyncssh.import_private_key(private_key.reveal(), passphrase.reveal() if passphrase else None)
        return Secret(key.export_private_key("openssh").decode())
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, asyncssh.KeyExportError, ValueError) as error:
        hint = "Give its passphrase." if passphrase is None else "Is that its passphrase?"
        raise Invalid("source_key", "That is no private key that can be read.", hint=hint) from error


def _unreachable(address: str, error: BaseException) -> PeerFailed:
    return PeerFailed(
        "connection_failed",
        f"{address} cannot be reached: {str(error) or 'no answer in time'}.",
        hint="Look at address, port and firewalls.",
    )


class SftpPeer:
    """An SFTP server."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._there: set[str] = set()

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._connection: asyncssh.SSHClientConnection | None = None
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._connection is not None:
            self._connection.abort()
        self._runner.close()

    def _open(self) -> None:
        target = self._target
        if not target.pin:
            raise PeerFailed(
                "host_key_unknown",
                f"No host key of {target.address} is trusted yet.",
                hint="`trunkline source trust` does.",
            )
        client = _Client(target.pin)
        kind, _, _ = target.pin.rpartition(" ")
        options: dict[str, Any] = {
            "server_host_key_algs": SIGNATURES.get(kind, (kind,)) if kind else (),
            "client_keys": [asyncssh.import_private_key(target.private_key.reveal())] if target.private_key else None,
            "password": target.password.reveal() if target.password else None,
        }
        try:
            self._connection = self._runner.run(self._connected(client, options))
            self._files: asyncssh.SFTPClient = self._run(
                self._connection.start_sftp_client(path_errors="surrogateescape")
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._changed(client.shown) from error
        except asyncssh.KeyExchangeFailed as error:
            raise self._changed("no key of that kind") from error
        except asyncssh.PermissionDenied as error:
            raise PeerFailed(
                "login_refused",
                f"{target.address} does not let {target.login} in.",
                hint="Look at user, key and password; the key must be in the server's authorized_keys.",
            ) from error
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise _unreachable(target.address, error) from error

    async def _connected(self, client: _Client, options: dict[str, Any]) -> asyncssh.SSHClientConnection:
        target = self._target
        opened = connect(target.host, target.port, timeout_s=CONNECT_SECONDS)
        return await asyncssh.connect(
            target.host, target.port, sock=opened, username=target.login, known_hosts=b"", client_factory=lambda: client,
            config=None, agent_path=None, gss_auth=False, gss_kex=False, x509_trusted_certs=None,
            connect_timeout=CONNECT_SECONDS, login_timeout=CONNECT_SECONDS, keepalive_interval=KEEPALIVE_SECONDS,
            **options,
        )  # fmt: skip

    def _changed(self, shown: str) -> PeerFailed:
        return PeerFailed(
            "host_key_changed",
            f"{self._target.address} shows {shown}, and trusted is {self._target.pin}.",
            hint="Ask the server's operator. If the key was changed on purpose: `trunkline source trust`.",
        )

    def _run(self, work: Awaitable[R]) -> R:
        """Wait for an answer. Raises `PeerFailed` where the connection does not give one."""

        async def bounded() -> R:
            return await asyncio.wait_for(work, STALL_SECONDS)

        try:
            return self._runner.run(bounded())
        except CUT as error:
            reason = str(error) or "no answer"
            raise PeerFailed("connection_cut", f"The connection to {self._target.address} broke: {reason}.") from error

    def entries(self, known: Set[str]) -> Iterator[list[Entry]]:
        folder = self._target.path
        try:
            names = self._run(self._files.readdir(folder))
        except asyncssh.SFTPError as error:
            raise PeerFailed(
                "folder_missing", f"{folder} on {self._target.address} cannot be listed: {error.reason}."
            ) from error
        found = [
            listed(
                folder, name, octets=seen.attrs.size or 0, version=_version(seen.attrs),
                modified_at=_modified(seen.attrs), limit=self._target.limit_octets,
            )
            for seen in names
            if _is_file(seen.attrs) and matches(name := _text(seen.filename), self._target.pattern)
        ]  # fmt: skip
        self._there = {entry.locator for entry in found}
        yield found

    def is_there(self, locators: Set[str]) -> Set[str]:
        return self._there & locators

    def fetch(self, entry: Entry, write: Write) -> None:
        self._require_same(entry)
        counted = Counted(entry, write)
        try:
            file = self._run(self._files.open(entry.locator, "rb"))
            try:
                while block := self._run(file.read(READ_OCTETS)):
                    counted(block)  # type: ignore[arg-type]  # opened as bytes
            finally:
                self._run(file.close())
        except asyncssh.SFTPNoSuchFile as error:
            raise FileGone("It is not there any more.") from error
        except asyncssh.SFTPError as error:
            raise FileRefused(f"The server does not give it: {error.reason}.") from error
        counted.require_whole()
        self._require_same(entry)

    def _require_same(self, entry: Entry) -> None:
        try:
            seen = self._run(self._files.lstat(entry.locator))
        except asyncssh.SFTPNoSuchFile as error:
            raise FileGone("It is not there any more.") from error
        except asyncssh.SFTPError as error:
            raise FileRefused(f"The server does not show it: {error.reason}.") from error
        if not _is_file(seen) or (seen.size, _version(seen)) != (entry.octets, entry.version):
            raise FileChanged("It has changed since it was listed.")

    def archive(self, entry: Entry, folder: str) -> None:
        if not self._is_same(entry):
            return
        folder = posixpath.join(posixpath.dirname(entry.locator), folder)
        try:
            if not self._run(self._files.exists(folder)):
                self._run(self._files.mkdir(folder))
            number = 1
            # A rename without overwriting is what the first version of the protocol already has; some servers overwrite all the same.
            while self._run(self._files.exists(posixpath.join(folder, free_name(entry.name, number)))):
                number += 1
            self._run(self._files.rename(entry.locator, posixpath.join(folder, free_name(entry.name, number))))
        except asyncssh.SFTPError as error:
            raise FileRefused(f"It cannot be moved to {folder}: {error.reason}.") from error

    def delete(self, entry: Entry) -> None:
        if not self._is_same(entry):
            return
        try:
            self._run(self._files.remove(entry.locator))
        except asyncssh.SFTPNoSuchFile:
            return
        except asyncssh.SFTPError as error:
            raise FileRefused(f"It cannot be deleted: {error.reason}.") from error

    def leave(self, entry: Entry) -> None:
        """The server keeps it as it is."""

    def _is_same(self, entry: Entry) -> bool:
        try:
            self._require_same(entry)
        except (FileGone, FileChanged):
            return False
        return True


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def _is_file(attributes: asyncssh.SFTPAttrs) -> bool:
    """Neither folder nor link nor anything else; what the server does not say is taken for a file."""
    return attributes.permissions is None or stat.S_ISREG(attributes.permissions)


def _version(attributes: asyncssh.SFTPAttrs) -> str:
    return f"{attributes.mtime or 0}.{attributes.mtime_ns or 0:09d}"


def _modified(attributes: asyncssh.SFTPAttrs) -> datetime | None:
    try:
        return None if attributes.mtime is None else datetime.fromtimestamp(attributes.mtime, UTC)
    except (OverflowError, ValueError, OSError):  # no time of this world
        return None

"""Attachments of mails in a mailbox, by IMAP (RFC 9051) over TLS.

A mail is known by UIDVALIDITY and UID, an attachment by its number in it. Each mail is read once to see what hangs on it, and once more
when it is fetched, unless it is still at hand. A sender is what the mail claims: who may write into the mailbox is the mail server's to say.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import imaplib
import re
import ssl
from collections.abc import Iterator, Set
from email.message import EmailMessage
from email.utils import parseaddr
from fnmatch import fnmatchcase
from typing import Any, Final, Self

from trunkline.usage.sources.remote import (
    BLOCK_OCTETS,
    CONNECT_SECONDS,
    NAME_CHARACTERS,
    STALL_SECONDS,
    Counted,
    Entry,
    FileGone,
    FileRefused,
    PeerFailed,
    Target,
    Write,
    mail_of,
    printable,
    problem_of_name,
    problem_of_size,
)
from trunkline.usage.sources.tls import SecureImap, context_for, refused, require_pinned

MAIL_OCTETS: Final = 96 << 20  # a mail is held in memory, and base64 makes a third more of an attachment
SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")


class ImapPeer:
    """A mailbox."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._validity = ""
        self._there: set[str] = set()
        self._at_hand: tuple[str, EmailMessage] | None = None

    def __enter__(self) -> Self:
        target = self._target
        try:
            self._box = SecureImap(
                target.host, target.port, ssl_context=context_for(target.pin), timeout=CONNECT_SECONDS
            )
        except ssl.SSLCertVerificationError as error:
            raise refused(target, error) from error
        except (OSError, EOFError, imaplib.IMAP4.error) as error:
            raise PeerFailed(
                "connection_failed",
                f"{target.address} cannot be reached: {str(error) or 'it closed the connection'}.",
                hint="Look at address, port and firewalls.",
            ) from error
        try:
            require_pinned(self._box.sock, target)  # type: ignore[arg-type]  # IMAP4_SSL's is one of TLS
            self._log_in()
            self._select()
        except BaseException:
            self._box.shutdown()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError, EOFError, imaplib.IMAP4.error):
            self._box.logout()

    def _log_in(self) -> None:
        target = self._target
        password = target.password.reveal()
        self._box.sock.settimeout(STALL_SECONDS)
        with self._talking():
            try:
                if f"{target.login}{password}".isascii():
                    self._box.login(target.login, password)
                else:  # LOGIN takes ASCII alone
                    answer = f"\0{target.login}\0{password}".encode()
                    self._box.authenticate("PLAIN", lambda _: answer)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise PeerFailed(
                    # RFC 5530: UNAVAILABLE is an outage of the server, not a wrong password.
                    "server_refused" if "[UNAVAILABLE]" in _said(error) else "login_refused",
                    f"{target.address} does not let {target.login} in: {_said(error)}",
                    hint="Look at user and password; some providers want a password made for programs.",
                ) from error
            _, (words, *_) = self._box.capability()  # more than before the login
            self._capabilities = (words or b"").decode("ascii", "replace").upper().split()

    def _select(self) -> None:
        with self._talking():
            kind, answer = self._box.select(_quoted(self._target.path))
            if kind != "OK":
                raise PeerFailed("folder_missing", f"The mailbox {self._target.path} cannot be opened: {_said(answer)}")
            _, (validity, *_) = self._box.response("UIDVALIDITY")
            self._validity = (validity or b"0").decode()

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, imaplib.IMAP4.abort) as error:
            raise PeerFailed(
                "connection_cut", f"The connection to {self._target.address} broke: {str(error) or 'it was closed'}."
            ) from error

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        """What the server answers to a command on mails. Raises `FileRefused` where it says no."""
        with self._talking():
            try:
                kind, answer = self._box.uid(command, *arguments)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise FileRefused(f"The server refuses {command}: {_said(error)}") from error
        if kind != "OK":
            raise FileRefused(f"The server refuses {command}: {_said(answer)}")
        return answer

    def entries(self, known: Set[str]) -> Iterator[list[Entry]]:
        try:
            answer = self._uid("SEARCH", "UNDELETED")
        except FileRefused as problem:
            raise PeerFailed("server_refused", f"{self._target.address} does not list mails: {problem}") from problem
        uids = (answer[0] or b"").decode().split() if answer else []
        mails = [f"{self._validity}/{uid}" for uid in uids]
        self._there = set(mails)
        read = {mail_of(locator) for locator in known}
        for mail in mails:
            if mail not in read:
                try:
                    found = self._look(mail)
                except FileGone:
                    continue
                # Written down in any case, so that it is not read at every look.
                yield found or [Entry(f"{mail}/0", "mail", 0, is_for_us=False)]

    def _look(self, mail: str) -> list[Entry]:
        """The attachments of a mail that are for us."""
        _, _, uid = mail.partition("/")
        try:
            answer = self._uid("FETCH", uid, "(RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM)])")
        except FileRefused as problem:
            return [Entry(f"{mail}/0", "mail", 0, problem=str(problem))]
        head = next((part for part in answer if isinstance(part, tuple)), None)
        if head is None:
            raise FileGone("It is not there any more.")
        size = SIZE.search(b" ".join(p if isinstance(p, bytes) else p[0] for p in answer if p))
        if not is_allowed(head[1], self._target.senders):
            return []
        octets = int(size[1]) if size else 0
        if too_large := problem_of_size(octets, min(MAIL_OCTETS, self._target.limit_octets * 2)):
            return [Entry(f"{mail}/0", "mail", octets, problem=too_large)]
        message = self._read(mail)
        return [self._entry(mail, number, part) for number, part in self._files(message)]

    def _files(self, message: EmailMessage) -> Iterator[tuple[int, EmailMessage]]:
        """The attachments whose names are those to take, with their number among all parts."""
        for number, part in enumerate(message.walk(), start=1):
            if not part.is_multipart() and fnmatchcase(_name(part), self._target.pattern):
                yield number, part

    def _entry(self, mail: str, number: int, part: EmailMessage) -> Entry:
        name, octets = _name(part), len(_content(part))
        problem = problem_of_name(name) or problem_of_size(octets, self._target.limit_octets)
        return Entry(f"{mail}/{number}", printable(name)[-NAME_CHARACTERS:], octets, problem=problem)

    def _read(self, mail: str) -> EmailMessage:
        if self._at_hand is None or self._at_hand[0] != mail:
            self._at_hand = None
            answer = self._uid("FETCH", mail.partition("/")[2], "(BODY.PEEK[])")
            whole = next((part[1] for part in answer if isinstance(part, tuple)), None)
            if whole is None:
                raise FileGone("The mail is not there any more.")
            self._at_hand = mail, _parsed(whole)
        return self._at_hand[1]

    def is_there(self, locators: Set[str]) -> Set[str]:
        return {locator for locator in locators if mail_of(locator) in self._there}

    def fetch(self, entry: Entry, write: Write) -> None:
        mail = mail_of(entry.locator)
        self._require_validity(mail)
        number = int(entry.locator.rpartition("/")[2])
        part = next((p for n, p in enumerate(self._read(mail).walk(), start=1) if n == number), None)
        if part is None:
            raise FileGone("It does not hang on the mail any more.")
        content, counted = _content(part), Counted(entry, write)
        for begin in range(0, len(content), BLOCK_OCTETS):
            counted(content[begin : begin + BLOCK_OCTETS])
        counted.require_whole()

    def _require_validity(self, mail: str) -> None:
        # RFC 9051, 2.3.1.1: with another UIDVALIDITY the same UID is another mail.
        if mail.partition("/")[0] != self._validity:
            raise FileGone("The mailbox was made anew.")

    def archive(self, entry: Entry, folder: str) -> None:
        uid = self._uid_of(entry)
        if not uid:
            return
        with self._talking():
            self._box.create(_quoted(folder))  # which is refused where it is there already
        if "MOVE" in self._capabilities:
            self._uid("MOVE", uid, _quoted(folder))
            return
        self._uid("COPY", uid, _quoted(folder))
        self._remove(uid)

    def delete(self, entry: Entry) -> None:
        if uid := self._uid_of(entry):
            self._remove(uid)

    def leave(self, entry: Entry) -> None:
        if uid := self._uid_of(entry):
            self._uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")

    def _uid_of(self, entry: Entry) -> str:
        """The mail's UID, '' where that mail is gone."""
        validity, uid, _ = entry.locator.split("/")
        return uid if validity == self._validity and self._uid("SEARCH", f"UID {uid}")[0] else ""

    def _remove(self, uid: str) -> None:
        self._uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
        if "UIDPLUS" in self._capabilities:
            self._uid("EXPUNGE", uid)
        # Without it EXPUNGE would remove what others have marked too: it stays marked, and we do not list it any more.


def is_allowed(head: bytes, senders: tuple[str, ...]) -> bool:
    """Whether a mail with that head claims to be from one of those: whole addresses, `@domain`, or `*`."""
    if "*" in senders:
        return True
    # The older policy: it takes the line as it is, where the newer one breaks on some that are malformed.
    line = str(email.message_from_bytes(head, policy=email.policy.compat32).get("From", ""))
    address = parseaddr(line)[1].lower()
    return "@" in address and (address in senders or f"@{address.rpartition('@')[2]}" in senders)


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, EmailMessage, policy=email.policy.default)


def _name(part: EmailMessage) -> str:
    try:
        return part.get_filename() or ""
    except Exception:  # whatever the standard library's parser does not survive is no name
        return ""


def _content(part: EmailMessage) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except Exception:  # the same
        return b""
    return content if isinstance(content, bytes) else b""


def _quoted(name: str) -> str:
    """A mailbox name as a quoted string, in the UTF-7 of IMAP (RFC 3501, 5.1.3)."""
    escaped = _utf7(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _utf7(name: str) -> str:
    import base64

    def shifted(found: re.Match[str]) -> str:
        if found[0] == "&":
            return "&-"
        packed = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{packed}-"

    return re.sub(r"&|[^\x20-\x7e]+", shifted, name)


def _said(answer: Any) -> str:
    """What the server said, for people: the first words of it, printable."""
    first = answer[0] if isinstance(answer, list) and answer else answer
    if isinstance(first, Exception) and first.args:
        first = first.args[0]
    text = first.decode("utf-8", "backslashreplace") if isinstance(first, bytes) else str(first)
    return printable(text)[:200]

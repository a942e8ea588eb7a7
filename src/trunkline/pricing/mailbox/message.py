"""A mail as its rules see it: who, what about, which files, which day it names. It comes from anybody, so nothing in it may break us."""

from __future__ import annotations

import email
import email.policy
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

from trunkline.pricing.sheets.titles import read_titles

TEXT_CHARACTERS: Final = 20_000  # of the words of a mail; what it says of dates stands at its beginning
_LINES: Final = 200
_QUOTED: Final = re.compile(
    r"(?i)^\s*(?:>|-{2,}\s*(?:original|forwarded|ursprüng|message d.origine)|from:\s|von:\s|de\s?:\s|on .{6,80} wrote:)"
)
_TAG: Final = re.compile(r"(?s)<(?:script|style)\b.*?</(?:script|style)>|<br\s*/?>|</(?:p|div|tr|li|h[1-6])>|<[^>]*>")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail; `number` counts the parts of the mail from 1."""

    number: int
    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Of its octets."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Message:
    """A mail. `key` is the same for every copy of it, whatever servers have written above it on its way."""

    key: str
    message_id: str
    sender: str
    subject: str
    text: str
    files: tuple[Attachment, ...]

    def effective_on(self, received_on: date) -> date | None:
        """The one day that subject and text call the beginning of prices; None where they name none, or several."""
        found = read_titles([self.subject, *_own_lines(self.text)], None, received_on)
        days = {datetime.fromisoformat(moment).date() for moment in found.effective}
        return days.pop() if len(days) == 1 and found.order != "unclear" else None


def read_message(raw: bytes) -> Message:
    """The mail of these octets. What cannot be understood of it is left out; it never raises."""
    head = email.message_from_bytes(raw, policy=email.policy.compat32)
    message_id = _line(head.get("Message-ID", ""))[:255]
    sender = parseaddr(_line(head.get("From", "")))[1].lower()[:320]
    subject = _line(head.get("Subject", ""))[:500]
    parts = list(_parts(email.message_from_bytes(raw, EmailMessage, policy=email.policy.default)))
    text = _text(parts)
    files = tuple(
        Attachment(number, _name(part), content)
        for number, part in parts
        if _name(part) and (content := _content(part)) is not None
    )
    known = hashlib.sha256(message_id.encode())
    for piece in (sender, subject, text, *(word for each in files for word in (each.name, each.sha256))):
        known.update(b"\0" + piece.encode())
    return Message(known.hexdigest(), message_id, sender, subject, text, files)


def _parts(message: EmailMessage) -> Iterator[tuple[int, EmailMessage]]:
    try:
        for number, part in enumerate(message.walk(), start=1):
            if not part.is_multipart():
                yield number, part
    except Exception:  # whatever the standard library's parser does not survive ends the mail there
        return


def _line(value: object) -> str:
    """A header as one line of text."""
    try:
        text = str(make_header(decode_header(str(value))))
    except Exception:  # the same: as it stands, then
        text = str(value)
    return _sound(" ".join(text.split()))


def _sound(text: str) -> str:
    """What a database can keep of a text."""
    plain = text.encode("utf-8", "replace").decode()
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in plain).strip()


def _name(part: EmailMessage) -> str:
    """The name of a file; '' for what is none. Nothing before a slash is part of it."""
    try:
        name = part.get_filename() or ""
    except Exception:  # the same
        return ""
    return _sound(re.split(r"[/\\]", name)[-1])[-255:]


def _content(part: EmailMessage) -> bytes | None:
    try:
        content = part.get_payload(decode=True)
    except Exception:  # the same
        return None
    return content if isinstance(content, bytes) else None


def _text(parts: list[tuple[int, EmailMessage]]) -> str:
    """The words of a mail: its plain text, else those of its HTML."""
    for kind in ("text/plain", "text/html"):
        for _, part in parts:
            if part.get_content_type() != kind or _name(part):
                continue
            octets = _content(part) or b""
            try:
                text = octets[: 8 * TEXT_CHARACTERS].decode(part.get_content_charset() or "utf-8", "replace")
            except (LookupError, ValueError):
                text = octets[: 8 * TEXT_CHARACTERS].decode("utf-8", "replace")
            if kind == "text/html":
                text = html.unescape(
                    _TAG.sub(lambda tag: " " if tag[0][1:2].isalpha() and tag[0][:3].lower() != "<br" else "\n", text)
                )
            return _sound(text[:TEXT_CHARACTERS])
    return ""


def _own_lines(text: str) -> Iterator[str]:
    """The lines that the sender has written, without the mails below to which this one answers."""
    for line in text.split("\n")[:_LINES]:
        if _QUOTED.match(line):
            return
        if line.strip():
            yield line.strip()

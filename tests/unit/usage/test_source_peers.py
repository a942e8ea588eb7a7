"""What servers and senders make of listings and mails: whatever comes, nothing breaks and nothing overflows."""

from __future__ import annotations

import random
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trunkline.kit.secrets import Secret
from trunkline.usage.sources import imap
from trunkline.usage.sources.ftps import FtpsPeer, _instant, _of_list, _of_mlsd
from trunkline.usage.sources.remote import OCTETS_MAX, PATH_CHARACTERS, Entry, Target, listed

TARGET = Target("localhost", 1, "cdr", "INBOX", password=Secret("x"), pattern="*.csv", senders=("@partner.example",))


def mail(*files: tuple[str, bytes], sender: str = "Billing <cdr@partner.example>") -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message.set_content("text")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def found(raw: bytes, target: Target = TARGET) -> list[Entry]:
    """What the peer makes of a mail that the server holds."""

    class Box(imap.ImapPeer):
        def _uid(self, command: str, *arguments: str) -> list[Any]:
            head = raw.partition(b"\n\n")[0] + b"\n\n"
            if "RFC822.SIZE" in arguments[1]:
                return [(b"1 (UID 7 RFC822.SIZE %d BODY[HEADER.FIELDS (FROM)] {1}" % len(raw), head), b")"]
            return [(b"1 (UID 7 BODY[] {1}", raw), b")"]

    return Box(target)._look("5/7")


@given(st.text(max_size=200))
@example("-rw-r--r-- 1 a b 99999999999999999999999 Nov 28 22:05 a.csv")
@example("type=file;size=99999999999999999999999;modify=" + "9" * 200 + "; a.csv")
def test_no_line_of_a_listing_breaks_or_overflows(line: str) -> None:
    for read in (_of_list, _of_mlsd):
        name, octets, version = read(line)
        assert octets >= 0
        entry = listed("/in", name, octets=octets, version=version, modified_at=_instant(version), limit=100)
        assert entry.octets <= OCTETS_MAX
        assert max(len(entry.locator) - PATH_CHARACTERS, len(entry.name) - 255, len(entry.version) - 60) <= 0
        assert entry.locator.isprintable()


def test_a_line_break_never_reaches_the_control_channel() -> None:
    class Deaf(FtpsPeer):
        def _time(self, path: str) -> str:
            raise AssertionError(path)

    entry = Deaf(TARGET)._entry("/in", "a\rDELE b.csv", 1, "Nov 28 22:05")
    assert entry is not None
    assert "control characters" in entry.problem


def test_attachments_are_numbered_among_all_parts() -> None:
    entries = found(mail(("a.csv", b"1\n"), ("b.png", b"2"), ("c.csv", b"333")))
    assert [(entry.locator, entry.name, entry.octets, entry.problem) for entry in entries] == [
        ("5/7/3", "a.csv", 2, ""),
        ("5/7/5", "c.csv", 3, ""),
    ]


@pytest.mark.parametrize(
    ("sender", "allowed"),
    [
        ("Billing <cdr@partner.example>", True),
        ("CDR@PARTNER.EXAMPLE", True),
        ('"cdr@partner.example" <thief@evil.example>', False),
        ("cdr@partner.example.evil.example", False),
        ("cdr@sub.partner.example", False),
        ("", False),
        ("partner.example", False),
        ("=?utf-8?q?M=C3=BCller?= <m@partner.example>", True),
    ],
)
def test_a_sender_is_the_address_and_not_the_name_before_it(sender: str, allowed: bool) -> None:
    head = f"From: {sender}\r\n\r\n".encode()
    assert imap.is_allowed(head, ("@partner.example",)) is allowed
    assert imap.is_allowed(head, ("*",)) is True


@given(st.binary(max_size=400))
@example(b"From: (\n\n")
@example(b"From: @\n\n")
@example(b'Content-Type: multipart/mixed; boundary="\n\n--\n')
@example(b"Content-Disposition: attachment; filename*=x''%ff.csv\n\n")
@example(b"Content-Disposition: attachment; filename*0*=\n\n")
@example(b"Content-Type: text/plain; charset=\xff; name=a.csv\nContent-Transfer-Encoding: base64\n\n\xff\xff=")
def test_no_mail_breaks_the_look(raw: bytes) -> None:
    for each in found(raw, Target("localhost", 1, "cdr", "INBOX", pattern="*", senders=("*",))):
        assert each.name.isprintable()


@given(st.integers(0, 1 << 30))
def test_no_damaged_mail_breaks_the_look(seed: int) -> None:
    chance = random.Random(seed)
    raw = bytearray(mail(("a.csv", b"1,2,3\n" * 20), ("größe.csv", b"4")))
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(raw))
        what = chance.randrange(3)
        if what == 0:
            raw[at] = chance.randrange(256)
        elif what == 1:
            del raw[at : at + chance.randrange(40)]
        else:
            raw[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(10)))
        if not raw:
            return
    for each in found(bytes(raw), Target("localhost", 1, "cdr", "INBOX", pattern="*", senders=("*",))):
        assert each.name.isprintable()
        assert each.octets <= len(raw)

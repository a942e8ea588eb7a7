"""Attachments from Debian's Dovecot."""

from __future__ import annotations

import imaplib
import ssl
from email.message import EmailMessage

from tests.db.sources.feeds import Feeds, text
from tests.peers import Peer


def connect(mail: Peer) -> imaplib.IMAP4_SSL:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    box = imaplib.IMAP4_SSL(mail.host, mail.port, ssl_context=context, timeout=10)
    box.login(mail.login, mail.secret)
    return box


def send(mail: Peer, *files: tuple[str, str], sender: str = "Billing <cdr@partner.example>") -> None:
    """A mail with attachments in the inbox."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "cdr@here.example", "Your records"
    message.set_content("Please find the records attached.")
    for name, content in files:
        message.add_attachment(content.encode(), maintype="text", subtype="csv", filename=name)
    box = connect(mail)
    assert box.append("INBOX", "", imaplib.Time2Internaldate(0), message.as_bytes())[0] == "OK"
    box.logout()


def mails(mail: Peer, mailbox: str = "INBOX") -> list[str]:
    """Flags of the mails in a mailbox; not there: none."""
    box = connect(mail)
    try:
        kind, count = box.select(mailbox, readonly=True)
        is_empty = kind != "OK" or count == [b"0"]
        answer = [] if is_empty else box.fetch("1:*", "(FLAGS)")[1]
    finally:
        box.logout()
    return [part.decode().partition("FLAGS ")[2].rstrip(")") + ")" for part in answer if isinstance(part, bytes)]


def add(feeds: Feeds, mail: Peer, **more: object) -> None:
    feeds.add("imap", mail, path="INBOX", **{"senders": ["@partner.example"]} | more)


def test_both_attachments_of_a_mail_are_taken_and_then_the_mail_is_marked(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail)
    send(mail, ("a.csv", text("1", "2")), ("übung.csv", text("3")), ("logo.png", "no"))
    assert feeds.fates() == [("a.csv", "taken"), ("übung.csv", "taken")]
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 2), ("übung.csv", "posted", 1)]
    assert "Seen" not in mails(mail)[0]
    assert feeds.fates() == [("a.csv", "done"), ("übung.csv", "done")]
    assert "Seen" in mails(mail)[0]
    assert feeds.fates() == []


def test_a_mail_moves_when_all_that_hangs_on_it_is_posted(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail, after="archive", archive="Füllung & done")
    send(mail, ("a.csv", text("1")), ("b.csv", text("2")))
    feeds.look()
    assert len(mails(mail)) == 1
    feeds.take()
    assert feeds.fates() == [("a.csv", "done"), ("b.csv", "done")]
    assert mails(mail) == []
    assert len(mails(mail, '"F&APw-llung &- done"')) == 1


def test_a_mail_stays_as_long_as_one_attachment_is_not_taken(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail, after="delete")
    send(mail, ("a.csv", text("1")), ("bad.csv", "this is no such file\n"))
    feeds.look()
    feeds.take()
    assert [state for _, state, _ in feeds.batches()] == ["posted", "failed"]
    assert feeds.fates() == [("bad.csv", "refused")]
    assert len(mails(mail)) == 1
    assert [kind for kind, _ in feeds.alarms()] == ["refused"]


def test_finished_mails_are_deleted(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail, after="delete")
    send(mail, ("a.csv", text("1")))
    send(mail, ("b.csv", text("2")), sender="stranger@elsewhere.example")
    assert feeds.fates() == [("a.csv", "taken")]
    feeds.take()
    assert feeds.fates() == [("a.csv", "done")]
    assert len(mails(mail)) == 1


def test_mails_of_strangers_are_left_alone_and_read_once(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail)
    send(mail, ("a.csv", text("1")), sender="cdr@partner.example.evil.example")
    send(mail, ("b.csv", text("2")), sender="")
    assert feeds.fates() == []
    assert feeds.receipts() == [("mail", "ignored"), ("mail", "ignored")]
    feeds.change(senders=["*"])
    assert feeds.fates() == [("a.csv", "taken"), ("b.csv", "taken")]


def test_an_attachment_with_a_name_that_leads_elsewhere_is_refused(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail)
    send(mail, ("../../etc/a.csv", text("1")), ("b.csv", text("2")))
    assert feeds.fates() == [("b.csv", "taken")]
    assert feeds.receipts() == [("../../etc/a.csv", "refused"), ("b.csv", "taken")]


def test_an_attachment_over_the_limit_is_refused(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail, limit_octets=500)
    send(mail, ("large.csv", text(*map(str, range(8)))), ("b.csv", text("2")))
    feeds.look()
    assert feeds.receipts() in ([("b.csv", "taken"), ("large.csv", "refused")], [("mail", "refused")])


def test_the_same_file_in_two_mails_is_one_batch_and_an_alarm(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail)
    send(mail, ("a.csv", text("1")))
    send(mail, ("b.csv", text("1")))
    assert feeds.fates() == [("a.csv", "taken"), ("b.csv", "known")]
    feeds.take()
    assert feeds.batches() == [("a.csv", "posted", 1)]
    assert feeds.alarms() == [("repeated", "b.csv holds the same as a.csv, which came before.")]


def test_a_wrong_password_is_said(feeds: Feeds, mail: Peer) -> None:
    add(feeds, Peer(mail.port, mail.login, mail.folder, mail.pin, "geh€im"))
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "login_refused"
    assert "geh" not in str(found.failure)


def test_a_mailbox_that_is_not_there_is_said(feeds: Feeds, mail: Peer) -> None:
    feeds.add("imap", mail, path="Elsewhere", senders=["*"])
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "folder_missing"


def test_another_certificate_is_refused(feeds: Feeds, mail: Peer) -> None:
    add(feeds, mail, pin="ab" * 32)
    found = feeds.look()
    assert found.failure is not None
    assert found.failure.code == "certificate_refused"

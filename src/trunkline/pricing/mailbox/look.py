"""One look into a mailbox: what is new there is written down and taken, each mail once, whatever happens in between."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline.core.errors import TrunklineError
from trunkline.kit.db.locks import work_lock
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.logs import log
from trunkline.kit.outages import explain
from trunkline.pricing.actions import mails as actions
from trunkline.pricing.choices import ReceivedMailState
from trunkline.pricing.mailbox.box import Envelope, SheetBox
from trunkline.pricing.mailbox.message import Message, read_message
from trunkline.pricing.mailbox.queries import target_of
from trunkline.pricing.mailbox.take import take_mail
from trunkline.pricing.models import Mail, Mailbox, MailboxFeed
from trunkline.tenancy.queries import require_working
from trunkline.tenancy.storage import PATIENT, require_room
from trunkline.usage.sources.remote import FileGone, FileProblem, FileRefused
from trunkline.usage.sources.rules import backoff, next_look

ACTOR: Final = "system"
FILES_KEPT: Final = 100  # names of files that are kept of a mail
MAILS_A_LOOK: Final = 100  # then the job ends and the next one goes on, so that a worker can be stopped

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Looked:
    """What a look did: the mails that it took to their end, in that order. `failure` ended it early; what came before stays."""

    mails: list[int] = field(default_factory=list)
    failure: TrunklineError | None = None
    has_more: bool = False


def look(*, tenant_id: int, mailbox_id: int, now: Clock) -> Looked | None:
    """Look into a mailbox once; None where somebody else is at it.

    What is wrong with the server or the password is noted in the feed and comes back as `failure`. Raises only what is wrong with our own database or
    program, and Denied `trial_ended` or `tenant_suspended` where the tenant takes nothing new.
    """
    with scope(tenant_id, ACTOR):
        require_working(now())
    with work_lock("mailbox", tenant_id, mailbox_id, wait=False) as is_ours:
        return _Look(tenant_id, mailbox_id, now).run() if is_ours else None


class _Look:
    def __init__(self, tenant_id: int, mailbox_id: int, now: Clock) -> None:
        self.tenant_id, self.now = tenant_id, now
        with scope(tenant_id, ACTOR):
            self.mailbox = Mailbox.objects.get(pk=mailbox_id)
        self.looked, self.began_at = Looked(), now()

    def run(self) -> Looked:
        try:
            self._work()
        except Exception as error:
            known = error if isinstance(error, TrunklineError) else explain(error)
            if known is None or known.code.startswith("database"):
                raise
            self.looked.failure = known
        with scope(self.tenant_id, ACTOR):
            self._note()
        return self.looked

    def _work(self) -> None:
        with scope(self.tenant_id, ACTOR):
            target = target_of(self.mailbox)
        with SheetBox(target) as box:
            with scope(self.tenant_id, ACTOR):
                last_uid = actions.begin_reading(self.mailbox, box.validity).last_uid
            # What was cut off, or shall be tried again, came before what is new.
            for mail in self._unsettled():
                if mail.locator.startswith(f"{box.validity}/"):
                    self._take(box, mail)
            uids = box.newer_than(last_uid, self.mailbox.taken_from.date())
            for uid in uids[:MAILS_A_LOOK]:
                self._see(box, uid)
            self.looked.has_more = len(uids) > MAILS_A_LOOK
            if not self.looked.has_more:
                for mail in self._unsettled():  # those whose UIDs have begun anew have their new places by now
                    self._take(box, mail)

    def _unsettled(self) -> list[Mail]:
        with scope(self.tenant_id, ACTOR):
            found = Mail.objects.select_related("mailbox").filter(mailbox=self.mailbox, state=ReceivedMailState.NEW)
            return list(found.order_by("received_at", "pk"))

    def _see(self, box: SheetBox, uid: int) -> None:
        """Write down a mail that is new in the mailbox, and take it if it is."""
        try:
            envelope = box.envelope(uid)
            is_meant = envelope.received_at >= self.mailbox.taken_from
            message = _message(box, uid, envelope) if is_meant else None
        except FileRefused as problem:
            self._note_refused(box, uid, problem)
            return
        except FileProblem:  # removed meanwhile
            message = None
        with scope(self.tenant_id, ACTOR):
            if message is None:
                actions.pass_over(self.mailbox, uid)
                return
            facts = _facts(message, envelope)
            mail = self._write_down(box, uid, message.key, facts)
        reached("mail_seen")
        if mail.state == ReceivedMailState.NEW:
            mail.mailbox = self.mailbox
            self._take_read(mail, message)

    def _write_down(self, box: SheetBox, uid: int, key: str, facts: dict[str, Any]) -> Mail:
        return actions.see_mail(self.mailbox, key=key, uid=uid, validity=box.validity, facts=facts, at=self.now())

    def _note_refused(self, box: SheetBox, uid: int, problem: FileRefused) -> None:
        """A mail that the server does not hand out is none to pass over: a person shall know, and can have it tried again."""
        key = hashlib.sha256(f"{box.validity}/{uid}".encode()).hexdigest()
        facts = {"received_at": self.now(), "state": ReceivedMailState.FAILED, "detail": str(problem)}
        with scope(self.tenant_id, ACTOR):
            mail = self._write_down(box, uid, key, facts)
        self.looked.mails.append(mail.pk)

    def _take(self, box: SheetBox, mail: Mail) -> None:
        """Take a mail that was seen before."""
        validity, _, uid = mail.locator.partition("/")
        try:
            if validity != box.validity:
                raise FileGone
            envelope = box.envelope(int(uid))
            message = _message(box, int(uid), envelope)
        except FileProblem as problem:
            is_gone = isinstance(problem, FileGone)
            state, detail = (
                (ReceivedMailState.GONE, "It was removed before it was read.")
                if is_gone
                else (ReceivedMailState.FAILED, str(problem))
            )
            with scope(self.tenant_id, ACTOR):
                actions.settle_mail(mail, state, detail=detail, at=self.now())
            self.looked.mails.append(mail.pk)
            return
        with scope(self.tenant_id, ACTOR):
            mail = actions.learn_mail(mail, _facts(message, envelope))
        if mail.state == ReceivedMailState.NEW:
            self._take_read(mail, message)
        else:
            self.looked.mails.append(mail.pk)

    def _take_read(self, mail: Mail, message: Message) -> None:
        require_room(
            self.tenant_id, sum(len(each.content) for each in message.files), now=self.now, patience=PATIENT
        )  # else it stays new
        take_mail(self.tenant_id, mail, message, now=self.now)
        self.looked.mails.append(mail.pk)

    def _note(self) -> None:
        """Write down how the look went and when the next one is."""
        at, failure = self.now(), self.looked.failure
        mailbox = Mailbox.objects.filter(pk=self.mailbox.pk).first()  # people may have changed or removed it meanwhile
        if mailbox is None:
            return
        feed = MailboxFeed.objects.get(mailbox=mailbox)
        feed.looked_at = self.began_at
        if failure is None:
            feed.succeeded_at, feed.failures, feed.failure, feed.failure_detail = at, 0, "", ""
            feed.next_at = at if self.looked.has_more else next_look(every_min=mailbox.every_min, cron="", after=at)
        else:
            feed.failures, feed.failure, feed.failure_detail = feed.failures + 1, failure.code, str(failure)
            feed.next_at = at + max(backoff(feed.failures, failure.code), timedelta(minutes=1))
            log(
                "mailbox_failed",
                level="warning",
                tenant=self.tenant_id,
                mailbox=mailbox.name,
                code=failure.code,
                failures=feed.failures,
            )
        feed.save(update_fields=["looked_at", "succeeded_at", "failures", "failure", "failure_detail", "next_at"])


def _message(box: SheetBox, uid: int, envelope: Envelope) -> Message:
    return read_message(box.whole(uid) if envelope.is_taken else box.head(uid))


def _facts(message: Message, envelope: Envelope) -> dict[str, Any]:
    """What is kept of a mail. One that is too large has its state at once."""
    facts = {
        "message_id": message.message_id, "sender": message.sender, "subject": message.subject, "received_at": envelope.received_at,
        "effective_on": message.effective_on(envelope.received_at.date()), "octets": envelope.octets,
        "files": [each.name for each in message.files][:FILES_KEPT],
    }  # fmt: skip
    if not envelope.is_taken:
        facts |= {"state": ReceivedMailState.TOO_LARGE, "detail": f"It has {envelope.octets:,} octets."}
    return facts

"""One look into a source: finish what was taken, list, fetch what is at rest, register it.

    list      what is there is written down, each file by path, size and time (a mail's attachment by its number)
    fetch     into the spool of the data folder, under a temporary name, bounded, synced; the file must be the same before and after
    register  by content, like any file; the receipt says so in the same transaction
    settle    once its batch is posted: leave, archive or delete it over there, then say that this is done

Whatever cuts this off, the next look goes on from what is written down. Only one look into a source is made at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from trunkline.core.errors import TrunklineError
from trunkline.core.ids import uuid7
from trunkline.kit.db.locks import work_lock
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.home import folder, fsync_folder
from trunkline.kit.logs import log
from trunkline.kit.outages import explain
from trunkline.tenancy.queries import require_working
from trunkline.tenancy.storage import PATIENT, require_room
from trunkline.usage.actions import FINAL
from trunkline.usage.choices import BatchState
from trunkline.usage.decode import FileFailed
from trunkline.usage.examine import examine
from trunkline.usage.models import Feed, Receipt, Source
from trunkline.usage.sources import alarms, receipts
from trunkline.usage.sources.choices import AfterSuccess, ReceiptState, SourceKind
from trunkline.usage.sources.peers import peer_for
from trunkline.usage.sources.queries import get_feed, target_of
from trunkline.usage.sources.remote import Entry, FileChanged, FileGone, FileRefused, Peer, mail_of
from trunkline.usage.sources.rules import SOON, backoff, is_at_rest, next_look

ACTOR: Final = "system"
FILES_A_LOOK: Final = 500  # then the job ends and the next one goes on, so that a worker can be stopped
ENTRIES_A_STEP: Final = 1000  # a mail's attachments, which are never so many, are written down together

Clock = Callable[[], datetime]
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one file in a look: taken, known, waiting, refused, gone, done, kept."""

    name: str
    fate: str
    detail: str = ""


@dataclass(slots=True)
class Pulled:
    """What a look did. `failure` ended it early; what came before stays. `batches` are those of the source that are not through yet."""

    source: str
    files: list[Fate] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    failure: TrunklineError | None = None
    has_more: bool = False

    def say(self, name: str, fate: str, detail: str = "") -> None:
        """Add the fate of a file."""
        self.files.append(Fate(name, fate, detail))


def pull(
    *,
    tenant_id: int,
    source_id: int,
    now: Clock,
    on_progress: OnProgress | None = None,
    only_settle: bool = False,
) -> Pulled | None:
    """Look into a source once; None where somebody else is at it. `only_settle` fetches nothing new.

    What is wrong with the server, the disk or a secret is noted in the feed and comes back as `failure`; the next look is planned
    accordingly. Raises only what is wrong with our own database or program, and Denied `trial_ended` or `tenant_suspended` where the tenant
    takes nothing new.
    """
    with scope(tenant_id, ACTOR):
        require_working(now())
    with work_lock("source", tenant_id, source_id, wait=False) as is_ours:
        if not is_ours:
            return None
        return _Look(tenant_id, source_id, now, on_progress).run(only_settle=only_settle)


class _Look:
    def __init__(self, tenant_id: int, source_id: int, now: Clock, on_progress: OnProgress | None) -> None:
        self.tenant_id = tenant_id
        self.now = now
        self.on_progress = on_progress
        with scope(tenant_id, ACTOR):
            self.source = Source.objects.select_related("switch").get(pk=source_id)
        self.pulled = Pulled(self.source.name)
        self.began_at = now()
        self.waits = False

    def run(self, *, only_settle: bool) -> Pulled:
        try:
            self._work(only_settle=only_settle)
        except Exception as error:
            known = error if isinstance(error, TrunklineError) else explain(error)
            if known is None or known.code.startswith("database"):
                raise
            self.pulled.failure = known
        with scope(self.tenant_id, ACTOR):
            self._note(only_settle=only_settle)
        return self.pulled

    def _work(self, *, only_settle: bool) -> None:
        with scope(self.tenant_id, ACTOR):
            taken = receipts.taken_files(self.source)
            target = target_of(self.source)
        self.pulled.batches += [receipt.batch.pk for receipt in taken if receipt.batch.state not in FINAL]
        if only_settle and not _finished(taken):
            return
        with peer_for(self.source.kind, target) as peer:
            self._settle(peer, taken)
            if not only_settle:
                self._list(peer)
                self._take_all(peer)

    def _list(self, peer: Peer) -> None:
        known: set[str] = set()
        if self.source.kind == SourceKind.IMAP:
            with scope(self.tenant_id, ACTOR):
                known.update(Receipt.objects.filter(source=self.source).values_list("locator", flat=True))
        there: set[str] = set()
        for entries in peer.entries(known):
            for begin in range(0, len(entries), ENTRIES_A_STEP):
                with scope(self.tenant_id, ACTOR):
                    receipts.record(self.source, entries[begin : begin + ENTRIES_A_STEP], at=self.began_at)
            there |= {receipts.key_of(entry) for entry in entries}
        with scope(self.tenant_id, ACTOR):
            if self.source.kind == SourceKind.IMAP:  # known mails are not read again; the mailbox says which are there
                rows = Receipt.objects.filter(source=self.source).values_list("locator", "key")
                present = peer.is_there({locator for locator, _ in rows})
                there |= {key for locator, key in rows if locator in present}
            receipts.forget_gone(self.source, there, at=self.began_at)
        reached("source_listed")

    def _take_all(self, peer: Peer) -> None:
        with scope(self.tenant_id, ACTOR):
            waiting = receipts.waiting_files(self.source)
        ready = [receipt for receipt in waiting if self._is_at_rest(receipt)]
        for receipt in ready[:FILES_A_LOOK]:
            # What does not fit stays at the source, and ends the look: it is the next one that takes it once there is room.
            require_room(self.tenant_id, max(receipt.octets, 0), now=self.now, patience=PATIENT)
            self._take(peer, receipt)
        self.pulled.has_more = len(ready) > FILES_A_LOOK

    def _is_at_rest(self, receipt: Receipt) -> bool:
        is_ready = self.source.kind == SourceKind.IMAP or is_at_rest(
            modified_at=receipt.modified_at,
            first_seen_at=receipt.first_seen_at,
            rest_s=self.source.rest_s,
            at=self.began_at,
        )
        if not is_ready:
            self.waits = True
            self.pulled.say(receipt.name, "waiting", "it was changed a moment ago")
        return is_ready

    def _take(self, peer: Peer, receipt: Receipt) -> None:
        try:
            self._register(receipt, self._fetch(peer, receipt))
        except (FileGone, FileChanged, FileFailed) as problem:
            with scope(self.tenant_id, ACTOR):
                receipts.drop(receipt.pk)
            self.waits = True
            self.pulled.say(receipt.name, "gone" if isinstance(problem, FileGone) else "waiting", str(problem))
        except FileRefused as problem:
            with scope(self.tenant_id, ACTOR):
                receipts.refuse(receipt.pk, str(problem))
            self.pulled.say(receipt.name, "refused", str(problem))

    def _fetch(self, peer: Peer, receipt: Receipt) -> Path:
        """The file's copy in the spool, synced; nothing is left where it does not come whole."""
        entry = receipts.entry_of(receipt)
        path = folder("spool", f"tenant={self.tenant_id}") / str(uuid7())
        partial = path.with_name(f"{path.name}.partial")
        try:
            with partial.open("xb") as spool:
                peer.fetch(entry, self._counting(entry, spool.write))
                spool.flush()
                os.fsync(spool.fileno())
            partial.rename(path)
            fsync_folder(path.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise
        reached("source_fetched")
        return path

    def _counting(self, entry: Entry, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        done = 0

        def counted(block: bytes) -> None:
            nonlocal done
            write(block)
            done += len(block)
            if self.on_progress is not None:
                self.on_progress(entry.name, done, entry.octets)

        return counted

    def _register(self, receipt: Receipt, path: Path) -> None:
        try:
            examined = examine(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        # Cut off here it may be registered all the same; if it is not, the hourly sweep removes the copy.
        with scope(self.tenant_id, ACTOR):
            found = receipts.take(self.source, receipt.pk, examined, at=self.now())
        reached("source_registered")
        if found.batch.path != str(path) or found.batch.state in FINAL:
            path.unlink(missing_ok=True)
        self.pulled.batches.append(found.batch.pk)
        self.pulled.say(receipt.name, "taken" if found.found is None else "known")

    def _settle(self, peer: Peer, taken: list[Receipt]) -> None:
        """Give the files whose batches are final their end at the source; what the server does not allow is noted and tried again."""
        with scope(self.tenant_id, ACTOR):
            unfinished = receipts.unfinished_mails(self.source) if self.source.kind == SourceKind.IMAP else set()
        for group in _groups(taken, self.source.kind):
            if mail_of(group[0].locator) in unfinished or any(receipt.batch.state not in FINAL for receipt in group):
                continue  # of a mail with several files all must be through
            failed = [receipt for receipt in group if receipt.batch.state == BatchState.FAILED]
            for receipt in failed:
                with scope(self.tenant_id, ACTOR):
                    receipts.settle_state(
                        receipt.pk, ReceiptState.REFUSED, at=self.now(), detail=receipt.batch.failure_detail
                    )
                self.pulled.say(receipt.name, "refused", receipt.batch.failure_detail)
            if not failed:
                self._end(peer, group)

    def _end(self, peer: Peer, group: list[Receipt]) -> None:
        entry = receipts.entry_of(group[0])
        reached("source_before_end")
        try:
            if self.source.after == AfterSuccess.ARCHIVE:
                peer.archive(entry, self.source.archive)
            elif self.source.after == AfterSuccess.DELETE:
                peer.delete(entry)
            else:
                peer.leave(entry)
        except (FileGone, FileChanged, FileRefused) as problem:
            with scope(self.tenant_id, ACTOR):
                receipts.note(group[0].pk, str(problem))
            self.pulled.say(entry.name, "kept", str(problem))
            return
        reached("source_ended")
        with scope(self.tenant_id, ACTOR):
            for receipt in group:
                receipts.settle_state(receipt.pk, ReceiptState.DONE, at=self.now(), detail=str(self.source.after))
        for receipt in group:
            self.pulled.say(receipt.name, "done", str(self.source.after))

    def _note(self, *, only_settle: bool) -> None:
        """Write down how the look went and when the next one is."""
        at, failure = self.now(), self.pulled.failure
        source = Source.objects.filter(pk=self.source.pk).first()  # people may have changed or removed it meanwhile
        if source is None:
            return
        feed = get_feed(source.pk)
        feed.looked_at = self.began_at
        if failure is None:
            feed.succeeded_at, feed.failures, feed.failure, feed.failure_detail = at, 0, "", ""
            feed.next_at = self._next(source, feed, at, only_settle=only_settle)
        else:
            feed.failures, feed.failure, feed.failure_detail = feed.failures + 1, failure.code, str(failure)
            feed.next_at = at + backoff(feed.failures, failure.code)
            log(
                "source_failed",
                level="warning",
                tenant=self.tenant_id,
                source=source.name,
                code=failure.code,
                failures=feed.failures,
            )
        feed.save(update_fields=["looked_at", "succeeded_at", "failures", "failure", "failure_detail", "next_at"])
        if source.is_active:
            alarms.review(source, feed, at=at)

    def _next(self, source: Source, feed: Feed, at: datetime, *, only_settle: bool) -> datetime:
        if self.pulled.has_more:
            return at
        planned = (
            feed.next_at
            if only_settle and feed.next_at > at
            else next_look(every_min=source.every_min, cron=source.cron, after=at)
        )
        return min(planned, at + max(SOON, timedelta(seconds=source.rest_s))) if self.waits else planned


def _finished(taken: list[Receipt]) -> bool:
    return any(receipt.batch.state in FINAL for receipt in taken)


def _groups(taken: list[Receipt], kind: str) -> Iterator[list[Receipt]]:
    """Files that share their end: the attachments of one mail; every other file is alone."""
    groups: dict[str, list[Receipt]] = {}
    for receipt in taken:
        groups.setdefault(mail_of(receipt.locator) if kind == SourceKind.IMAP else receipt.key, []).append(receipt)
    yield from groups.values()

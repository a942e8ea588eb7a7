"""What has been seen at a source and how far each file has come: every step a transaction of its own, every step safe to repeat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from trunkline.core.ids import content_key
from trunkline.kit.db.locks import lock_rows
from trunkline.usage.actions import Registered, register
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.examine import Examined
from trunkline.usage.models import Batch, Feed, Receipt, Source
from trunkline.usage.sources import alarms
from trunkline.usage.sources.choices import AfterSuccess, AlarmKind, ReceiptState
from trunkline.usage.sources.remote import Entry, mail_of

KEPT: Final = timedelta(days=90)  # receipts of files that are gone: so long a name that comes again is noticed
MOVED: Final = (str(AfterSuccess.ARCHIVE), str(AfterSuccess.DELETE))
IN_HAND: Final = (ReceiptState.SEEN, ReceiptState.REFUSED)


def key_of(entry: Entry) -> str:
    """What tells a file from every other, and from itself after a change."""
    return content_key(entry.locator, entry.octets, entry.version)


def record(source: Source, entries: Sequence[Entry], *, at: datetime) -> int:
    """Write down what is listed and was not yet; what was refused before and may be taken now is seen anew. Number of new ones."""
    by_key = {key_of(entry): entry for entry in entries}
    known = {r.key: r for r in Receipt.objects.filter(source=source, key__in=by_key)}
    new = [_receipt(source, key, entry, at) for key, entry in by_key.items() if key not in known]
    Receipt.objects.bulk_create(new)
    for key, receipt in known.items():
        problem = by_key[key].problem
        if receipt.batch_id is None and receipt.state in IN_HAND and (problem or receipt.state == ReceiptState.REFUSED):
            receipt.state = ReceiptState.REFUSED if problem else ReceiptState.SEEN
            receipt.detail = problem
            receipt.save(update_fields=["state", "detail"])
        elif (
            receipt.state == ReceiptState.DONE and receipt.detail in MOVED
        ):  # yet there it is: put there again, or put back
            receipt.state = ReceiptState.SEEN
            receipt.save(update_fields=["state"])
    return len(new)


def _receipt(source: Source, key: str, entry: Entry, at: datetime) -> Receipt:
    state = ReceiptState.REFUSED if entry.problem else ReceiptState.SEEN
    return Receipt(
        source=source,
        key=key,
        locator=entry.locator,
        name=entry.name,
        octets=entry.octets,
        version=entry.version,
        modified_at=entry.modified_at,
        state=state if entry.is_for_us else ReceiptState.IGNORED,
        detail=entry.problem,
        first_seen_at=at,
    )


def entry_of(receipt: Receipt) -> Entry:
    """The file as it was when it was listed."""
    return Entry(receipt.locator, receipt.name, receipt.octets, receipt.version, receipt.modified_at)


def forget_gone(source: Source, there: Iterable[str], *, at: datetime) -> None:
    """Drop what was never taken and is not there any more, and old receipts of files that are gone. `there`: keys of what is."""
    there = set(there)
    waiting = Receipt.objects.filter(source=source, state__in=IN_HAND)
    finished = Receipt.objects.filter(
        source=source, state__in=(ReceiptState.DONE, ReceiptState.IGNORED), first_seen_at__lt=at - KEPT
    )
    for rows in (waiting, finished):
        gone = [pk for pk, key in rows.values_list("pk", "key") if key not in there]
        Receipt.objects.filter(pk__in=gone).delete()


def waiting_files(source: Source) -> list[Receipt]:
    """What is still to be fetched, the oldest first."""
    return list(Receipt.objects.filter(source=source, state=ReceiptState.SEEN).order_by("modified_at", "pk"))


def refuse(receipt_id: int, detail: str) -> None:
    """Say that a file cannot be taken as it is."""
    Receipt.objects.filter(pk=receipt_id).update(state=ReceiptState.REFUSED, detail=detail)


def drop(receipt_id: int) -> None:
    """Forget a file that has gone or changed before it was taken; changed, it is listed anew."""
    Receipt.objects.filter(pk=receipt_id, state=ReceiptState.SEEN).delete()


def take(source: Source, receipt_id: int, examined: Examined, *, at: datetime) -> Registered:
    """Register what was fetched as a batch; the receipt says so in the same transaction. Raises an alarm where the file is a repetition."""
    (receipt,) = lock_rows(Receipt.objects.all(), [receipt_id])
    found = register(switch=source.switch, examined=examined, intake=Intake.SOURCE, at=at, name=receipt.name)
    if found.found is None:
        Feed.objects.filter(source=source).update(new_at=at)
        alarms.clear(source, AlarmKind.STALLED, at=at)
    if said := _repetition(source, receipt, found):
        alarms.raise_alarm(source, AlarmKind.REPEATED, said, at=at)
    receipt.state, receipt.batch, receipt.taken_at, receipt.detail = ReceiptState.TAKEN, found.batch, at, ""
    receipt.save(update_fields=["state", "batch", "taken_at", "detail"])
    return found


def _repetition(source: Source, receipt: Receipt, found: Registered) -> str:
    """What a file repeats, '' if nothing. The very same file that is fetched again after its batch failed repeats nothing."""
    if receipt.batch_id == found.batch.pk and receipt.detail in MOVED:
        return f"{receipt.name} is there again; it had been taken away ({receipt.detail}) after it was posted."
    if found.found is not None and found.found != BatchState.FAILED:
        twin = Receipt.objects.filter(source__switch=source.switch_id, batch=found.batch).exclude(pk=receipt.pk).first()
        return f"{receipt.name} holds the same as {twin.name}, which came before." if twin else ""
    if found.found is None and not source.has_recurring_names and receipt.version:
        same = Receipt.objects.filter(source=source, locator=receipt.locator, batch__isnull=False)
        if same.exclude(pk=receipt.pk).exists():
            return f"{receipt.name} came again with other content."
    return ""


def note_arrival(source: Source, found: Registered, path: str, *, at: datetime) -> None:
    """Say that a file came in a folder of this machine, in the transaction that registered it; an alarm where it is a repetition."""
    name = found.batch.name
    if found.found is None:
        Feed.objects.filter(source=source).update(new_at=at)
        alarms.clear(source, AlarmKind.STALLED, at=at)
        before = Batch.objects.filter(switch=source.switch_id, path=path).exclude(pk=found.batch.pk)
        if not source.has_recurring_names and before.exists():
            alarms.raise_alarm(source, AlarmKind.REPEATED, f"{name} came again with other content.", at=at)
    elif found.found == BatchState.POSTED:
        came = path.rpartition("/")[2]
        alarms.raise_alarm(source, AlarmKind.REPEATED, f"{came} holds the same as {name}, which came before.", at=at)


def settle_state(receipt_id: int, state: ReceiptState, *, at: datetime, detail: str = "") -> None:
    """Say what has become of a file at its source."""
    Receipt.objects.filter(pk=receipt_id).update(
        state=state, detail=detail, settled_at=at if state == ReceiptState.DONE else None
    )


def note(receipt_id: int, detail: str) -> None:
    """Say why a file that is taken could not yet be moved or deleted."""
    Receipt.objects.filter(pk=receipt_id).update(detail=detail)


def taken_files(source: Source) -> list[Receipt]:
    """Files whose batches are made and whose end at the source is still to come."""
    rows = Receipt.objects.select_related("batch").filter(source=source, state=ReceiptState.TAKEN)
    return list(rows.order_by("pk"))


def unfinished_mails(source: Source) -> set[str]:
    """Mails of which a file is still to be fetched or was refused: they stay as they are."""
    rows = Receipt.objects.filter(source=source, state__in=IN_HAND)
    return {mail_of(locator) for locator in rows.values_list("locator", flat=True)}

"""Issuing documents: one account, or many one after the other. Opens its own scopes, one for each step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from trunkline.core.errors import Busy, Conflict, Invalid, TrunklineError
from trunkline.core.ids import uuid7
from trunkline.core.period import DatePeriod, get_zone, local_date
from trunkline.invoicing import files, queries, records
from trunkline.invoicing.actions.ahead import Ahead, Series, press
from trunkline.invoicing.actions.writing import (
    CSV,
    PARQUET,
    Attached,
    BilledMeanwhile,
    Order,
    Press,
    tenant_day,
    write_or_discard,
)
from trunkline.invoicing.draft import Draft, Evidence, Shared, read_draft, read_evidence
from trunkline.invoicing.models import Invoice
from trunkline.invoicing.rules import (
    check_issue_date,
)
from trunkline.kit.faults import reached
from trunkline.kit.outages import again_when_busy
from trunkline.parties.models import Account
from trunkline.parties.queries import get_account
from trunkline.usage.segments import COMMAND, Limits, SegmentsMoved, limited, retry_when_moved

if TYPE_CHECKING:
    import duckdb

ATTEMPTS: Final = 3  # when somebody else bills the same usage meanwhile


@dataclass(frozen=True, slots=True)
class Issued:
    """A document, and whether it was made just now."""

    invoice: Invoice
    is_new: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one account in a run over many: a document or the reason why there is none."""

    account_code: str
    issued: Issued | None
    error: TrunklineError | None


def issue(
    *,
    tenant_id: int,
    actor: str,
    account_code: str,
    period: DatePeriod,
    at: datetime,
    is_early: bool = False,
    issued_on: date | None = None,
    limits: Limits = COMMAND,
) -> Issued:
    """Issue the document of an account and a period: everything used before its end that no document bills yet.

    Afterwards the document is numbered, in the books and on the disk, and its usage is stamped; or nothing has happened at all. Issued
    again with nothing new to bill, the document that is there comes back. `issued_on` is its date, the day of `at` if left out. Must not be
    called inside a scope.
    Raises NotFound `account_not_found`; Invalid `period_order`, `issue_date`; Conflict `period_open` (unless `is_early`), `nothing_to_bill`,
    `sums_disagree`, `number_taken`, `date_order`; Unavailable `documents_folder`, `segments_moved`, `reading_took_too_long`; Busy
    `invoicing_busy`, `ledger_busy` where somebody else was in the way three times.
    """
    return _issue_alone(Order(tenant_id, actor, period, at, is_early, issued_on, limits), account_code)


def _issue_alone(order: Order, account_code: str) -> Issued:
    for _ in range(ATTEMPTS):
        try:
            work = partial(retry_when_moved, partial(_issue_one, order, account_code))
            return Issued(again_when_busy(work), is_new=True)
        except BilledMeanwhile:
            continue
        except Conflict as error:
            found = _existing(order, account_code, error)
            if found is None:
                raise
            return Issued(found, is_new=False)
    raise Conflict(
        "billed_meanwhile",
        f"Usage of {account_code} is being billed by others.",
        hint="Try again.",
        account=account_code,
    )


def _issue_one(order: Order, account_code: str) -> Invoice:
    with order.scope(snapshot=True):
        draft, evidence = _read(order, account_code)
    with contextlib.closing(records.find([(draft, evidence)], order.limits)) as found:
        attached = _attach(order, draft, evidence, found)
    return _make(order, draft, attached, press)


def issue_together(order: Order, codes: Sequence[str]) -> Iterator[Outcome]:
    """Documents of some accounts whose lines and records are of one moment; whose cannot be read with the others' are read alone, and say why."""
    try:
        read, found = retry_when_moved(partial(_read_together, order, codes))
    except SegmentsMoved:
        read, found = _Read(), records.find([])
    with (
        contextlib.closing(found),
        contextlib.closing(Ahead(read.drafts, read.serials, issued_on=read.issued_on, at=order.at)) as ahead,
        _attaching(order, read.wanted, found) as attached,
    ):
        for code in codes:
            try:
                if code in read.wanted:
                    issued = _issue_from(order, read.wanted[code][0], attached.pop(code), ahead)
                else:
                    issued = _issue_alone(order, code)
                outcome = Outcome(code, issued, None)
            except TrunklineError as error:
                outcome = Outcome(code, None, error)
            yield outcome


@dataclass(slots=True)
class _Read:
    """Drafts of one moment, with where their records are, by account, and the next number of each series."""

    wanted: dict[str, tuple[Draft, Evidence]] = field(default_factory=dict)
    serials: dict[Series, int] = field(default_factory=dict)
    issued_on: date = date.min

    @property
    def drafts(self) -> list[Draft]:
        return [draft for draft, _ in self.wanted.values()]


def _read_together(order: Order, codes: Sequence[str]) -> tuple[_Read, duckdb.DuckDBPyConnection]:
    """The drafts of one moment, without those that cannot be made, and their records."""
    read, shared = _Read(), Shared()
    with order.scope(snapshot=True):
        for code in codes:
            with contextlib.suppress(TrunklineError):
                read.wanted[code] = _read(order, code, shared)
        read.serials, read.issued_on = queries.next_serials(), order.day
    return read, records.find(list(read.wanted.values()))


@contextlib.contextmanager
def _attaching(
    order: Order, wanted: Mapping[str, tuple[Draft, Evidence]], found: duckdb.DuckDBPyConnection
) -> Iterator[dict[str, Future[Attached]]]:
    """The records of all drafts, written one after the other by a second thread while documents are made of the first ones.

    Take out what becomes a document; what is left at the end is discarded.
    """
    writer = ThreadPoolExecutor(max_workers=1)
    left = {code: writer.submit(_attach, order, draft, evidence, found) for code, (draft, evidence) in wanted.items()}
    try:
        yield left
    finally:
        writer.shutdown(cancel_futures=True)
        for future in left.values():
            if not future.cancelled() and future.exception() is None:
                files.discard(order.tenant_id, future.result().public_id)


def _issue_from(order: Order, draft: Draft, attached: Future[Attached], ahead: Ahead) -> Issued:
    try:
        return Issued(_make(order, draft, attached.result(), ahead.press), is_new=True)
    except (BilledMeanwhile, SegmentsMoved, Busy):
        return _issue_alone(order, draft.account_code)
    finally:
        ahead.skip(draft)


def _read(order: Order, account_code: str, shared: Shared | None = None) -> tuple[Draft, Evidence]:
    """Lines, and where their records are, of the open snapshot."""
    account = get_account(account_code)
    _require_over(account, order.period, order.at, order.is_early)
    if order.issued_on is not None:
        check_issue_date(order.issued_on, order.period, tenant_day(order.at))
    draft = read_draft(account, order.period, shared)
    return draft, read_evidence(account, draft, shared)


def _make(order: Order, draft: Draft, attached: Attached, press: Press) -> Invoice:
    """The document of a draft whose records are compared. Raises `BilledMeanwhile` and what `issue` says."""
    try:
        with order.scope():
            invoice = write_or_discard(order, draft, attached, press)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Busy(
                "invoicing_busy", "Other documents are being issued.", hint="Nothing was billed. Try again."
            ) from error
        raise
    reached("invoice_after_commit")
    return invoice


def _attach(order: Order, draft: Draft, evidence: Evidence, found: duckdb.DuckDBPyConnection) -> Attached:
    """Lines and records compared; the records written under temporary names. Needs no scope; where it fails its files go."""
    tenant_id, public_id = order.tenant_id, uuid7(order.at)
    try:
        with ExitStack() as opened:
            csv = opened.enter_context(files.writing(tenant_id, public_id, CSV))
            parquet = opened.enter_context(files.writing(tenant_id, public_id, PARQUET))
            opened.enter_context(limited(found, order.limits))
            count = records.attach(found, draft, evidence, csv=csv, parquet=parquet)
        reached("invoice_records_written")
        return Attached(
            public_id,
            files.written(tenant_id, public_id, CSV),
            files.written(tenant_id, public_id, PARQUET),
            count,
        )
    except BaseException:
        files.discard(tenant_id, public_id)
        raise


def _require_over(account: Account, period: DatePeriod, at: datetime, is_early: bool) -> None:
    if not period:
        raise Invalid("period_order", "A period has at least one day.")
    today = local_date(at, get_zone(account.timezone))
    if period.end > today and not is_early:
        raise Conflict(
            "period_open",
            f"The period ends on {period.last}, and it is {today} in {account.timezone}.",
            hint="With --early it is billed so far; what comes later lands on the next invoice.",
            account=account.code,
        )


def _existing(order: Order, account_code: str, error: Conflict) -> Invoice | None:
    """The document that is there where there is nothing left to bill."""
    if error.code != "nothing_to_bill":
        return None
    with order.scope():
        return queries.find_issued(get_account(account_code).pk, order.period)

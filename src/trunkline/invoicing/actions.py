"""Every write of invoicing. `issue` opens its own scopes, one for each step; the others run inside an open one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection
from psycopg.errors import LockNotAvailable

from trunkline.core.errors import Busy, Conflict, Invalid, TrunklineError
from trunkline.core.ids import uuid7
from trunkline.core.period import ONE_DAY, DatePeriod, get_zone, local_date
from trunkline.invoicing import files, queries, records
from trunkline.invoicing.choices import InvoiceState
from trunkline.invoicing.document.catalogue import require_language
from trunkline.invoicing.document.layout import Issue, document_data
from trunkline.invoicing.document.press import set_pdf
from trunkline.invoicing.draft import Draft, Evidence, read_draft, read_evidence
from trunkline.invoicing.models import BilledRollup, Invoice, InvoicingProfile
from trunkline.invoicing.rules import Line, Totals, check_number_template, groups_to_read, number_text, series_year
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.faults import reached
from trunkline.kit.outages import again_when_busy
from trunkline.ledger import actions as ledger
from trunkline.ledger.choices import AccountClass, EntryKind
from trunkline.ledger.models import Entry
from trunkline.ledger.queries import closed_through
from trunkline.ledger.rules import code_for
from trunkline.parties.models import Account
from trunkline.parties.queries import get_account
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.segments import COMMAND, Limits, SegmentsMoved, limited, retry_when_moved

if TYPE_CHECKING:
    import duckdb

ATTEMPTS: Final = 3  # when somebody else bills the same usage meanwhile
PDF, CSV, PARQUET = ".pdf", ".records.csv", ".records.parquet"
SWEEP_AGE: Final = timedelta(hours=1)

STAMP = """
INSERT INTO invoicing_billedrollup (tenant_id, rollup_id, invoice_id)
SELECT r.tenant_id, r.id, %(invoice)s FROM usage_rollup r
 WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(rollups)s)
"""
INSERT_LINES = """
INSERT INTO invoicing_invoiceline (tenant_id, invoice_id, number, kind, corrects_id, period_from, period_to, service, unit, destination,
                                   terms, attempts, calls, used, billed, exact, amount, tax_name, tax_percent,
                                   before_terms, before_calls, before_used, before_billed, before_exact)
SELECT %s, %s, l.*
  FROM unnest(%s::integer[], %s::text[], %s::bigint[], %s::date[], %s::date[], %s::text[], %s::text[], %s::text[],
              %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::text[], %s::numeric[],
              %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[]) AS l
"""
DRAW = """
INSERT INTO invoicing_numbersequence AS s (tenant_id, kind, year, next) VALUES (%s, %s, %s, 2)
    ON CONFLICT (tenant_id, kind, year) DO UPDATE SET next = s.next + 1
RETURNING next - 1
"""


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


class _BilledMeanwhile(Exception):  # noqa: N818 - a signal inside this module
    """Somebody else put some of the same usage on a document."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What the documents of one call have in common."""

    tenant_id: int
    actor: str
    period: DatePeriod
    at: datetime
    is_early: bool
    limits: Limits = COMMAND

    def scope(self, *, snapshot: bool = False) -> AbstractContextManager[object]:
        return scope(self.tenant_id, self.actor, snapshot=snapshot)


@dataclass(frozen=True, slots=True)
class _Attached:
    """The records of a draft that is to be the document of that id, written under temporary names."""

    public_id: UUID
    csv: files.Partial
    parquet: files.Partial
    records: int


def issue(
    *,
    tenant_id: int,
    actor: str,
    account_code: str,
    period: DatePeriod,
    at: datetime,
    is_early: bool = False,
    limits: Limits = COMMAND,
) -> Issued:
    """Issue the document of an account and a period: everything used before its end that no document bills yet.

    Afterwards the document is numbered, in the books and on the disk, and its usage is stamped; or nothing has happened at all. Issued
    again with nothing new to bill, the document that is there comes back. Must not be called inside a scope.
    Raises NotFound `account_not_found`; Invalid `period_order`; Conflict `period_open` (unless `is_early`), `nothing_to_bill`,
    `sums_disagree`, `number_taken`; Unavailable `documents_folder`, `segments_moved`, `reading_took_too_long`; Busy
    `invoicing_busy`, `ledger_busy` where somebody else was in the way three times.
    """
    return _issue_alone(_Run(tenant_id, actor, period, at, is_early, limits), account_code)


def issue_all(
    *, tenant_id: int, actor: str, period: DatePeriod, at: datetime, is_early: bool = False
) -> Iterator[Outcome]:
    """Issue the document of every account that has something to bill before the period's end, one by one, by code.

    The records of several accounts are read in one go, as many as fit into memory. An account whose document cannot be made does not
    keep the others from theirs. Must not be called inside a scope.
    """
    run = _Run(tenant_id, actor, period, at, is_early)
    with run.scope():
        waiting = queries.unbilled(until=period.end)
    for codes in groups_to_read([(each.account.code, each.records) for each in waiting]):
        yield from _issue_together(run, codes)


def _issue_alone(run: _Run, account_code: str) -> Issued:
    for _ in range(ATTEMPTS):
        try:
            work = partial(retry_when_moved, partial(_issue_one, run, account_code))
            return Issued(again_when_busy(work), is_new=True)
        except _BilledMeanwhile:
            continue
        except Conflict as error:
            found = _existing(run, account_code, error)
            if found is None:
                raise
            return Issued(found, is_new=False)
    raise Conflict(
        "billed_meanwhile",
        f"Usage of {account_code} is being billed by others.",
        hint="Try again.",
        account=account_code,
    )


def _issue_one(run: _Run, account_code: str) -> Invoice:
    with run.scope(snapshot=True):
        draft, evidence = _read(run, account_code)
    with contextlib.closing(records.find([(draft, evidence)], run.limits)) as found:
        attached = _attach(run, draft, evidence, found)
    return _make(run, draft, attached)


def _issue_together(run: _Run, codes: Sequence[str]) -> Iterator[Outcome]:
    """Documents whose lines and records are of one moment; whose cannot be read with the others' are read alone, and say why."""
    try:
        wanted, found = retry_when_moved(partial(_read_together, run, codes))
    except SegmentsMoved:
        wanted, found = {}, records.find([])
    with contextlib.closing(found), _attaching(run, wanted, found) as attached:
        for code in codes:
            try:
                if code in wanted:
                    issued = _issue_from(run, wanted[code][0], attached.pop(code))
                else:
                    issued = _issue_alone(run, code)
                outcome = Outcome(code, issued, None)
            except TrunklineError as error:
                if error.code == "nothing_to_bill":  # attempts that never connected
                    continue
                outcome = Outcome(code, None, error)
            yield outcome


def _read_together(
    run: _Run, codes: Sequence[str]
) -> tuple[dict[str, tuple[Draft, Evidence]], duckdb.DuckDBPyConnection]:
    """The drafts of one moment by account, without those that cannot be made, and their records."""
    wanted: dict[str, tuple[Draft, Evidence]] = {}
    with run.scope(snapshot=True):
        for code in codes:
            with contextlib.suppress(TrunklineError):
                wanted[code] = _read(run, code)
    return wanted, records.find(list(wanted.values()))


@contextlib.contextmanager
def _attaching(
    run: _Run, wanted: Mapping[str, tuple[Draft, Evidence]], found: duckdb.DuckDBPyConnection
) -> Iterator[dict[str, Future[_Attached]]]:
    """The records of all drafts, written one after the other by a second thread while documents are made of the first ones.

    Take out what becomes a document; what is left at the end is discarded.
    """
    writer = ThreadPoolExecutor(max_workers=1)
    left = {code: writer.submit(_attach, run, draft, evidence, found) for code, (draft, evidence) in wanted.items()}
    try:
        yield left
    finally:
        writer.shutdown(cancel_futures=True)
        for future in left.values():
            if not future.cancelled() and future.exception() is None:
                files.discard(run.tenant_id, future.result().public_id)


def _issue_from(run: _Run, draft: Draft, attached: Future[_Attached]) -> Issued:
    try:
        return Issued(_make(run, draft, attached.result()), is_new=True)
    except (_BilledMeanwhile, SegmentsMoved, Busy):
        return _issue_alone(run, draft.account_code)


def void(*, number: str, reason: str, at: datetime) -> Invoice:
    """Take a document back: its entry is reversed and its usage is unbilled again, in one transaction. Its number stays used.

    Raises NotFound `invoice_not_found`; Invalid `reason_missing`; Conflict `already_void`, `adjusted_later` (a later document takes
    back usage that this one bills: void that one first).
    """
    if not reason.strip():
        raise Invalid("reason_missing", "Say why the document is taken back.")
    account_id = queries.access_invoice(number).account_id
    lock_rows(Account.objects.all(), [account_id])
    invoice = queries.access_invoice(number)
    if invoice.state == InvoiceState.VOID:
        raise Conflict("already_void", f"{number} was voided on {invoice.voided_at:%Y-%m-%d}.", number=number)
    later = queries.find_adjusting(invoice)
    if later is not None:
        raise Conflict(
            "adjusted_later",
            f"{later.number} adjusts {number}.",
            hint=f"Void {later.number} first, or both with --with-adjustments.",
            number=later.number,
        )
    if invoice.entry_id is not None:
        invoice.void_entry = ledger.reverse(
            entry=invoice.entry,
            key=f"invoice_void:{invoice.public_id}",
            kind=EntryKind.INVOICE_VOID,
            booked_on=_open_day(local_date(at, get_zone(current_tenant().timezone))),
            reference=number,
            at=at,
        )
    BilledRollup.objects.filter(invoice=invoice, released_at=None).update(released_at=at)
    invoice.state, invoice.voided_at, invoice.void_reason = InvoiceState.VOID, at, reason.strip()
    invoice.save(update_fields=["state", "voided_at", "void_reason", "void_entry"])
    return invoice


def void_with_adjustments(*, number: str, reason: str, at: datetime) -> list[Invoice]:
    """Take a document back and before it those that adjust it, in one transaction; all of them, in the order of voiding.

    Raises what `void` raises, except `adjusted_later`.
    """
    lock_rows(Account.objects.all(), [queries.access_invoice(number).account_id])
    voided: list[Invoice] = []
    while (later := queries.find_adjusting(queries.access_invoice(number))) is not None:
        voided += void_with_adjustments(number=later.number, reason=reason, at=at)
    return [*voided, void(number=number, reason=reason, at=at)]


def set_profile(**said: str) -> InvoicingProfile:
    """Say who the seller is and how documents are numbered; what is left out stays.

    Raises Invalid `unknown_language`, `number_template`, `number_series` where invoices and credit notes would share their numbers.
    """
    profile = queries.profile_or_default()
    for name, value in said.items():
        setattr(profile, name, value)
    require_language(profile.language)
    check_number_template(profile.invoice_number)
    check_number_template(profile.credit_note_number)
    if number_text(profile.invoice_number, year=1, serial=1) == number_text(
        profile.credit_note_number, year=1, serial=1
    ):
        raise Invalid("number_series", "Invoices and credit notes need numbers that differ.")
    profile.save()
    return profile


def sweep(*, at: datetime, older_than: timedelta = SWEEP_AGE) -> list[Path]:
    """Remove files that attempts left behind which a crash cut off; what was removed. Documents keep theirs."""
    return files.sweep(current_tenant_id(), kept=queries.stored_paths(), before=(at - older_than).timestamp())


def _read(run: _Run, account_code: str) -> tuple[Draft, Evidence]:
    """Lines, and where their records are, of the open snapshot."""
    account = get_account(account_code)
    _require_over(account, run.period, run.at, run.is_early)
    draft = read_draft(account, run.period)
    return draft, read_evidence(account, draft)


def _make(run: _Run, draft: Draft, attached: _Attached) -> Invoice:
    """The document of a draft whose records are compared. Raises `_BilledMeanwhile` and what `issue` says."""
    try:
        with run.scope():
            invoice = _write_or_discard(draft, attached, run.at)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Busy(
                "invoicing_busy", "Other documents are being issued.", hint="Nothing was billed. Try again."
            ) from error
        raise
    reached("invoice_after_commit")
    return invoice


def _attach(run: _Run, draft: Draft, evidence: Evidence, found: duckdb.DuckDBPyConnection) -> _Attached:
    """Lines and records compared; the records written under temporary names. Needs no scope; where it fails its files go."""
    tenant_id, public_id = run.tenant_id, uuid7(run.at)
    try:
        with ExitStack() as opened:
            csv = opened.enter_context(files.writing(tenant_id, public_id, CSV))
            parquet = opened.enter_context(files.writing(tenant_id, public_id, PARQUET))
            opened.enter_context(limited(found, run.limits))
            count = records.attach(found, draft, evidence, csv=csv, parquet=parquet)
        reached("invoice_records_written")
        return _Attached(
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


def _existing(run: _Run, account_code: str, error: Conflict) -> Invoice | None:
    """The document that is there where there is nothing left to bill."""
    if error.code != "nothing_to_bill":
        return None
    with run.scope():
        return queries.find_issued(get_account(account_code).pk, run.period)


def _write_or_discard(draft: Draft, attached: _Attached, at: datetime) -> Invoice:
    """`_write`; where it fails nothing was committed, and its files go. A commit that fails may have happened: then they stay."""
    try:
        invoice = _write(draft, attached, at)
    except BaseException:
        files.discard(current_tenant_id(), attached.public_id)
        raise
    reached("invoice_before_commit")
    return invoice


def _write(draft: Draft, attached: _Attached, at: datetime) -> Invoice:
    """Everything that makes the document true, in the open transaction; the number as late as can be.

    Raises `_BilledMeanwhile` where a document of the account was issued or voided since the draft was read.
    """
    tenant = current_tenant()
    (account,) = lock_rows(Account.objects.all(), [draft.account_id])
    if queries.documents_seen(account.pk) != draft.documents_seen:
        raise _BilledMeanwhile
    issued_on = local_date(at, get_zone(tenant.timezone))
    invoice = Invoice(
        id=_next_id(),
        public_id=attached.public_id,
        account=account,
        kind=draft.kind,
        period_from=draft.period.start,
        period_to=draft.period.end,
        timezone=draft.timezone,
        currency=draft.currency.code,
        **_figures(draft.totals),
        tax_name=draft.tax_name,
        tax_percent=draft.tax_percent,
        language=draft.language,
        seller=draft.seller,
        buyer=draft.buyer,
        issued_at=at,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=draft.payment_terms_days),
        records=attached.records,
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS invoiceline_invoice_fk, billedrollup_invoice_fk DEFERRED")
    _stamp(draft, invoice)
    _write_lines(draft, invoice)
    tax_payable, rounding = _own_accounts(draft, at)
    reached("invoice_before_number")
    _draw_number(draft, invoice)
    reached("invoice_after_number")
    _write_files(draft, attached, invoice)
    invoice.entry = _post(draft, invoice, account, tax_payable, rounding)
    invoice.save(force_insert=True)
    return invoice


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('invoicing_invoice', 'id'))")
        (number,) = cursor.fetchone()
    return int(number)


def _stamp(draft: Draft, invoice: Invoice) -> None:
    """Raises `_BilledMeanwhile` where some of the usage is stamped already."""
    rollups = draft.usage.rollup_ids
    try:
        with connection.cursor() as cursor:
            cursor.execute(STAMP, {"invoice": invoice.pk, "tenant": current_tenant_id(), "rollups": list(rollups)})
            stamped = cursor.rowcount
    except IntegrityError as error:
        raise _BilledMeanwhile from error
    if stamped != len(rollups):
        raise RuntimeError(f"{stamped} of {len(rollups)} rollups were stamped")


def _write_lines(draft: Draft, invoice: Invoice) -> None:
    rows = [
        (
            line.number,
            line.kind.value,
            line.corrects,
            line.period.start,
            line.period.end,
            line.service,
            line.unit.value,
            line.destination,
            line.terms,
            line.sums.attempts,
            line.sums.calls,
            line.sums.used,
            line.sums.billed,
            str(line.sums.exact),
            str(line.amount),
            *((None, None) if line.tax is None else (line.tax.name, str(line.tax.percent))),
            *_before(line),
        )
        for line in draft.lines
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_LINES, [current_tenant_id(), invoice.pk, *(list(column) for column in zip(*rows, strict=True))]
        )


def _before(line: Line) -> tuple[str | int | None, ...]:
    before = line.before
    if before is None:
        return (None,) * 5
    return line.before_terms, before.calls, before.used, before.billed, str(before.exact)


def _figures(totals: Totals) -> dict[str, Any]:
    """The figures under the names that the model has for them too."""
    return {name: getattr(totals, name) for name in ("exact", "rounding", "net", "tax", "total")}


def _own_accounts(draft: Draft, at: datetime) -> tuple[int, int]:
    """The tenant's ledger accounts of tax and of rounding in the document's currency."""
    found = []
    for account_class, name in ((AccountClass.TAX_PAYABLE, "Tax payable"), (AccountClass.ROUNDING, "Rounding")):
        code, currency = code_for(account_class, draft.currency.code), draft.currency.code
        found.append(ledger.ensure_account(code=code, currency=currency, name=f"{name} {currency}", at=at).pk)
    return found[0], found[1]


def _draw_number(draft: Draft, invoice: Invoice) -> None:
    """From here to the end of the transaction nobody else can draw from the series, so a number that is drawn is used or not drawn."""
    template = draft.templates[draft.kind]
    invoice.year = series_year(template, invoice.issued_on.year)
    with connection.cursor() as cursor:
        cursor.execute(DRAW, [current_tenant_id(), draft.kind.value, invoice.year])
        (invoice.serial,) = cursor.fetchone()
    invoice.number = number_text(template, year=invoice.issued_on.year, serial=invoice.serial)
    if Invoice.objects.filter(number=invoice.number).exists():
        raise Conflict(
            "number_taken",
            f"The number {invoice.number} was used before.",
            hint="Change the template of numbers with `trunkline invoice profile`.",
            number=invoice.number,
        )


def _write_files(draft: Draft, attached: _Attached, invoice: Invoice) -> None:
    """Set the PDF and give all three files their names, durably."""
    tenant_id, public_id = current_tenant_id(), invoice.public_id
    data = document_data(draft, Issue(invoice.number, invoice.issued_on, invoice.due_on))
    with files.writing(tenant_id, public_id, PDF) as handle:
        handle.write(set_pdf(data, invoice.issued_at))
    reached("invoice_pdf_written")
    for name, suffix, partial_file in (
        ("pdf", PDF, files.written(tenant_id, public_id, PDF)),
        ("csv", CSV, attached.csv),
        ("parquet", PARQUET, attached.parquet),
    ):
        stored = files.put_in_place(partial_file, number=invoice.number, public_id=public_id, suffix=suffix)
        setattr(invoice, f"{name}_path", stored.path)
        setattr(invoice, f"{name}_sha256", stored.sha256)
    files.make_names_durable(tenant_id)
    reached("invoice_files_renamed")


def _post(draft: Draft, invoice: Invoice, account: Account, tax_payable: int, rounding: int) -> Entry | None:
    """Unbilled becomes receivable: the total is owed, the exact sum is no longer unbilled, tax and residue have their own accounts."""
    totals = draft.totals
    lines = [
        ledger.Line(account.receivable_id, totals.total),
        ledger.Line(account.unbilled_receivable_id, -totals.exact),
        ledger.Line(tax_payable, -totals.tax),
        ledger.Line(rounding, totals.rounding),
    ]
    owed = [line for line in lines if line.amount]
    if not owed:
        return None
    return ledger.post(
        key=f"invoice:{invoice.public_id}",
        kind=EntryKind.INVOICE,
        booked_on=_open_day(invoice.issued_on),
        lines=owed,
        reference=invoice.number,
        at=invoice.issued_at,
    )


def _open_day(day: date) -> date:
    """The day itself, or the first open one where the books are closed through it: a closed period takes nothing."""
    closed = closed_through()
    return day if closed is None else max(day, closed + ONE_DAY)

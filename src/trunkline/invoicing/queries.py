"""Every read of invoicing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, QuerySet, Sum

from trunkline.core.errors import Conflict, NotFound
from trunkline.core.money import Amount
from trunkline.core.period import DatePeriod
from trunkline.invoicing.choices import BillOutcome, InvoiceState, LineKind, Unit
from trunkline.invoicing.document.language import Language
from trunkline.invoicing.models import (
    BilledRollup,
    BillRun,
    BillRunAccount,
    Invoice,
    InvoiceLine,
    InvoicingProfile,
    NumberSequence,
)
from trunkline.invoicing.rules import Bucket, Corrected, Day, Key, Piece, Sums, TaxRate, Terms, find_adjusted
from trunkline.invoicing.terms import RateFacts, price_terms
from trunkline.kit.db.planning import tables_joined_at_once
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.models import find_public
from trunkline.parties.models import Account
from trunkline.tariffs.models import Rate
from trunkline.tariffs.rules import parse_steps
from trunkline.tenancy.queries import current_tenant

FEW_ACCOUNTS: Final = 100  # whose rollups are looked up; of more all are read
_NEGATED = "(r.attempts < 0 OR r.connected < 0 OR r.billed_quantity < 0)"
# One look into the index of stamps for each rollup of the account. A join left to the planner was quadratic as long as the tables had no
# statistics, which is exactly after a big load.
_STAMP = """
  LEFT JOIN LATERAL (SELECT b.invoice_id FROM invoicing_billedrollup b
                      WHERE b.tenant_id = r.tenant_id AND b.rollup_id = r.id AND b.released_at IS NULL LIMIT 1) s ON true
"""
_IS_OPEN = "s.invoice_id IS NULL"
OPEN_DAYS = f"""
SELECT r.day, bool_or(NOT {_IS_OPEN}), bool_or({_NEGATED}) FILTER (WHERE {_IS_OPEN}), array_agg(r.id) FILTER (WHERE {_IS_OPEN}),
       min(r.currency) FILTER (WHERE {_IS_OPEN}), max(r.currency) FILTER (WHERE {_IS_OPEN})
  FROM usage_rollup r {_STAMP}
 WHERE r.tenant_id = %(tenant)s AND r.side = 'sell' AND r.account_id = %(account)s AND r.day < %(until)s
 GROUP BY r.day HAVING bool_or({_IS_OPEN}) ORDER BY r.day
"""
_SUMS = "sum(r.attempts)::bigint, sum(r.connected)::bigint, sum(r.raw_quantity), sum(r.billed_quantity), sum(r.amount)"
OPEN_SUMS = f"""
SELECT d.bucket, r.service, coalesce(r.destination_id, 0), coalesce(r.rate_id, 0), {_SUMS}
  FROM usage_rollup r
  JOIN unnest(%(days)s::date[], %(buckets)s::int[]) AS d(day, bucket) ON d.day = r.day
 WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(rollups)s)
 GROUP BY 1, 2, 3, 4
"""
PIECES = f"""
SELECT r.day, r.id, r.batch_id, r.service, coalesce(r.destination_id, 0), coalesce(r.rate_id, 0), {_NEGATED}, s.invoice_id
  FROM usage_rollup r {_STAMP}
 WHERE r.tenant_id = %(tenant)s AND r.side = 'sell' AND r.account_id = %(account)s AND r.day = ANY(%(days)s)
"""
BILLED_SUMS = f"""
SELECT d.bucket, r.service, coalesce(r.destination_id, 0), coalesce(r.rate_id, 0), {_SUMS}
  FROM unnest(%(buckets)s::int[], %(starts)s::date[], %(ends)s::date[]) AS d(bucket, start_day, end_day)
  JOIN usage_rollup r ON r.tenant_id = %(tenant)s AND r.side = 'sell' AND r.account_id = %(account)s
                     AND r.day >= d.start_day AND r.day < d.end_day {_STAMP}
 WHERE NOT {_IS_OPEN}
 GROUP BY 1, 2, 3, 4
"""
PLACES = """
SELECT DISTINCT d.bucket, r.day, r.batch_id, r.service, coalesce(r.destination_id, 0), coalesce(r.rate_id, 0)
  FROM usage_rollup r
  JOIN unnest(%(days)s::date[], %(buckets)s::int[]) AS d(day, bucket) ON d.day = r.day
 WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(rollups)s)
"""
ALL_SUMS = f"""
SELECT 0, r.service, coalesce(r.destination_id, 0), coalesce(r.rate_id, 0), {_SUMS}
  FROM usage_rollup r
 WHERE r.tenant_id = %(tenant)s AND r.side = 'sell' AND r.account_id = %(account)s AND r.day = ANY(%(days)s)
 GROUP BY 1, 2, 3, 4
"""
UNBILLED = """
SELECT r.account_id, min(r.day), max(r.day), sum(r.connected)::bigint, sum(abs(r.attempts))::bigint, sum(r.amount)
  FROM usage_rollup r
 WHERE r.tenant_id = %(tenant)s AND r.side = 'sell' AND (%(until)s::date IS NULL OR r.day < %(until)s)
   AND (%(accounts)s::bigint[] IS NULL OR r.account_id = ANY(%(accounts)s))
   AND NOT EXISTS (SELECT 1 FROM invoicing_billedrollup b
                    WHERE b.tenant_id = r.tenant_id AND b.rollup_id = r.id AND b.released_at IS NULL)
 GROUP BY r.account_id
"""
UNBILLED_AS_OF = """
SELECT r.account_id, min(r.day), max(r.day), sum(r.connected)::bigint, sum(abs(r.attempts))::bigint, sum(r.amount)
  FROM usage_rollup r JOIN usage_batch u ON u.tenant_id = r.tenant_id AND u.id = r.batch_id AND u.finished_at <= %(as_of)s
 WHERE r.tenant_id = %(tenant)s AND r.side = 'sell' AND (%(until)s::date IS NULL OR r.day < %(until)s)
   AND NOT EXISTS (SELECT 1 FROM invoicing_billedrollup b JOIN invoicing_invoice i ON i.tenant_id = b.tenant_id AND i.id = b.invoice_id
                    WHERE b.tenant_id = r.tenant_id AND b.rollup_id = r.id AND i.issued_at <= %(as_of)s
                      AND (b.released_at IS NULL OR b.released_at > %(as_of)s))
 GROUP BY r.account_id
"""
BILLED_KEYS = f"""
SELECT r.day, r.service, coalesce(r.destination_id, 0), coalesce(r.rate_id, 0), min(r.id)
  FROM invoicing_billedrollup b JOIN usage_rollup r ON r.tenant_id = b.tenant_id AND r.id = b.rollup_id
 WHERE b.tenant_id = %(tenant)s AND b.invoice_id = %(invoice)s AND b.released_at IS NULL AND NOT {_NEGATED}
 GROUP BY 1, 2, 3, 4
"""
TAKING_BACK = f"""
SELECT r.day, r.service, coalesce(r.destination_id, 0), coalesce(r.rate_id, 0), r.id, s.invoice_id FROM usage_rollup r {_STAMP}
 WHERE r.tenant_id = %(tenant)s AND r.side = 'sell' AND r.account_id = %(account)s AND r.day = ANY(%(days)s) AND {_NEGATED}
   AND s.invoice_id > %(invoice)s
"""

BILLING = """
SELECT DISTINCT ON (d.batch, d.account, d.day) d.batch, d.account, d.day, s.invoice_id
  FROM unnest(%(batches)s::bigint[], %(accounts)s::bigint[], %(days)s::date[]) AS d(batch, account, day)
  CROSS JOIN LATERAL (
       SELECT b.invoice_id
         FROM usage_rollup r JOIN invoicing_billedrollup b ON b.tenant_id = r.tenant_id AND b.rollup_id = r.id
        WHERE r.tenant_id = %(tenant)s AND r.side = 'sell' AND r.account_id = d.account AND r.day = d.day AND r.batch_id = d.batch
          AND b.released_at IS NULL LIMIT 1) s
"""


DOCUMENTS_SEEN = """
SELECT max(id), count(*) FILTER (WHERE state = %(issued)s) FROM invoicing_invoice WHERE tenant_id = %(tenant)s AND account_id = %(account)s
"""


@dataclass(frozen=True, slots=True)
class OpenUsage:
    """Usage of an account before a day that no document bills: its days and rollups; those that are an adjustment apart."""

    days: tuple[Day, ...]
    plain: tuple[int, ...]
    adjusted: tuple[int, ...] = ()

    @property
    def rollup_ids(self) -> tuple[int, ...]:
        """All of its rollups."""
        return tuple(sorted((*self.plain, *self.adjusted)))


class Place(NamedTuple):
    """Records of a day that came in a batch, at a destination and a price row, and the bucket in which they stand."""

    bucket: int
    day: date
    batch_id: int
    service: str
    destination_id: int
    rate_id: int


@dataclass(frozen=True, slots=True)
class Unbilled:
    """What of one account is on no document: from the first to the last day. `records` is about how many there are to read."""

    account: Account
    first_day: date
    last_day: date
    calls: int
    records: int
    amount: Amount


def access_invoice(number: str, *, as_of: datetime | None = None) -> Invoice:
    """The document of that number, with its account; as it was at an instant. Raises NotFound `invoice_not_found`."""
    found = Invoice.objects.select_related("account").filter(number=number).first()
    if found is not None and as_of is not None:
        found = as_it_was(found, as_of)
    if found is None:
        when = "" if as_of is None else f" as of {as_of.isoformat()}"
        raise NotFound(
            "invoice_not_found",
            f"There is no invoice {number!r}{when}.",
            hint="`trunkline invoice list` shows them.",
            number=number,
        )
    return found


def access_document(public_id: str) -> Invoice:
    """The document of that public id, with its account. Raises NotFound `invoice_not_found`, with one text for absent and another tenant's."""
    found = find_public(list_invoices(), public_id)
    if found is None:
        raise NotFound("invoice_not_found", "There is no such invoice.")
    return found


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """The lines of a document, in their order, each with the document that it corrects."""
    return list(invoice.lines.select_related("corrects").order_by("number"))


def list_invoices(
    *, account: Account | None = None, state: str | None = None, as_of: datetime | None = None
) -> QuerySet[Invoice]:
    """Documents with their accounts, the latest first; `as_of` leaves out those issued later."""
    found = Invoice.objects.select_related("account").order_by("-issued_at", "-id")
    if account is not None:
        found = found.filter(account=account)
    if as_of is not None:
        found = found.filter(issued_at__lte=as_of)
    return found.filter(state=state) if state is not None else found


def find_billing(rollup_ids: Iterable[int]) -> dict[int, Invoice]:
    """The documents on which rollups stand, by rollup; one that is on none is left out."""
    stamps = BilledRollup.objects.filter(rollup_id__in=list(rollup_ids), released_at=None).select_related("invoice")
    return {stamp.rollup_id: stamp.invoice for stamp in stamps}


def documents_of(days: Iterable[tuple[int, int, date]]) -> dict[tuple[int, int, date], Invoice]:
    """The documents that bill what a batch brought to an account on a day, by (batch, account, day).

    A document bills all that is open of a day, so it bills a batch's part of it whole.
    """
    wanted = sorted(set(days))
    if not wanted:
        return {}
    batches, accounts, on = (list(column) for column in zip(*wanted, strict=True))
    rows = _rows(BILLING, batches=batches, accounts=accounts, days=on)
    documents = Invoice.objects.select_related("account").in_bulk({row[3] for row in rows})
    return {(row[0], row[1], row[2]): documents[row[3]] for row in rows}


def find_issued(account_id: int, period: DatePeriod) -> Invoice | None:
    """The latest document of exactly that account and period that counts."""
    found = Invoice.objects.select_related("account").filter(
        account_id=account_id, period_from=period.start, period_to=period.end, state=InvoiceState.ISSUED
    )
    return found.order_by("-id").first()


def unbilled(
    *, until: date | None = None, as_of: datetime | None = None, account_ids: Sequence[int] | None = None
) -> list[Unbilled]:
    """What is on no document, or was on none `as_of` an instant, by account, of days before `until`; by code. `account_ids`: of these alone."""
    if as_of is None:
        rows = joined_at_once(UNBILLED, until=until, accounts=None if account_ids is None else list(account_ids))
    else:
        rows = joined_at_once(UNBILLED_AS_OF, until=until, as_of=as_of)
    accounts = {account.pk: account for account in Account.objects.filter(pk__in=[row[0] for row in rows])}
    found = [Unbilled(accounts[row[0]], row[1], row[2], row[3], row[4], Amount.from_decimal(row[5])) for row in rows]
    return sorted(found, key=lambda each: each.account.code)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An account of a bill run whose turn comes; `records` is about how many there are to read."""

    account_code: str
    records: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many accounts of a bill run there are, and what has become of them by now."""

    waiting: int = 0
    issued: int = 0
    unchanged: int = 0
    nothing: int = 0
    refused: int = 0

    @property
    def accounts(self) -> int:
        return self.waiting + self.done

    @property
    def done(self) -> int:
        return self.issued + self.unchanged + self.nothing + self.refused


def bill_runs() -> QuerySet[BillRun]:
    """Bill runs, the latest first."""
    return BillRun.objects.order_by("-id")


def access_bill_run(public_id: str) -> BillRun:
    """The bill run of that public id. Raises NotFound `bill_run_not_found`, with one text for absent and another tenant's."""
    found = find_public(bill_runs(), public_id)
    if found is None:
        raise NotFound("bill_run_not_found", "There is no such bill run.")
    return found


def outcomes_of(run: BillRun) -> QuerySet[BillRunAccount]:
    """What became of the accounts of a bill run, with their accounts and documents, by code."""
    return run.outcomes.select_related("account", "invoice").order_by("account__code")


def tallies(runs: Iterable[BillRun]) -> dict[int, Tally]:
    """How far some bill runs have come, by id."""
    ids = [run.pk for run in runs]
    counts: dict[int, dict[str, int]] = {each: {} for each in ids}
    rows = BillRunAccount.objects.filter(bill_run_id__in=ids).values_list("bill_run_id", "outcome")
    for run_id, outcome, count in rows.annotate(count=Count("id")).order_by():
        counts[run_id][outcome] = count
    return {run_id: Tally(**found) for run_id, found in counts.items()}


def totals_of(run: BillRun) -> dict[str, Amount]:
    """The totals of the documents that a bill run has issued, by currency."""
    issued = Invoice.objects.filter(pk__in=run.outcomes.filter(outcome=BillOutcome.ISSUED).values("invoice_id"))
    sums = issued.values_list("currency").annotate(sum=Sum("total")).order_by("currency")
    return dict(sums)


def waiting_of(run: BillRun) -> list[Waiting]:
    """The accounts of a bill run that have no outcome yet, by code."""
    rows = dict(run.outcomes.filter(outcome=BillOutcome.WAITING).values_list("account_id", "account__code"))
    ids = sorted(rows) if len(rows) <= FEW_ACCOUNTS else None
    records = {each.account.pk: each.records for each in unbilled(until=run.period_to, account_ids=ids)}
    return [Waiting(code, records.get(number, 0)) for number, code in sorted(rows.items(), key=lambda each: each[1])]


def find_profile() -> InvoicingProfile | None:
    """The tenant's seller block and number templates, None as long as nobody has said them."""
    return InvoicingProfile.objects.first()


def profile_or_default() -> InvoicingProfile:
    """The tenant's seller block; where there is none, one of the tenant's name, not saved."""
    return find_profile() or InvoicingProfile(name=current_tenant().name)


def open_usage(account: Account, period: DatePeriod) -> OpenUsage:
    """What a document of that period would bill: everything of the account before its end that no other does.

    Raises Conflict `rollup_currency` where usage is in another currency than the account's, which never changes.
    """
    rows = _rows(OPEN_DAYS, account=account.pk, until=period.end)
    for day, _, _, _, *currencies in rows:
        if set(currencies) != {account.currency}:
            raise Conflict(
                "rollup_currency", f"Usage of {account.code} on {day} is in {currencies[0]}, not in {account.currency}."
            )
    covering = _covering(account, [row[0] for row in rows])
    adjusted, corrects = _adjusted(account, [row[0] for row in rows if row[1] and row[2]])
    unbilled = {row[0]: set(row[3]) for row in rows}
    corrected = _periods(corrects.values())
    return OpenUsage(
        days=tuple(
            Day(
                day=row[0],
                is_billed=row[1],
                covered_by=covering.get(row[0]),
                has_plain=bool(unbilled[row[0]] - adjusted.get(row[0], set())),
                has_adjusted=bool(adjusted.get(row[0])),
                corrects=corrects.get(row[0]),
                corrected=corrected.get(corrects.get(row[0], 0)),
            )
            for row in rows
        ),
        plain=tuple(sorted(number for day in unbilled for number in unbilled[day] - adjusted.get(day, set()))),
        adjusted=tuple(sorted(number for numbers in adjusted.values() for number in numbers)),
    )


def _adjusted(account: Account, days: Sequence[date]) -> tuple[dict[date, set[int]], dict[date, int]]:
    """Which unbilled rollups of days, of which other usage is billed and some is taken back, are an adjustment; what they correct, by day."""
    if not days:
        return {}, {}
    pieces: dict[date, list[Piece]] = defaultdict(list)
    billing: dict[date, set[int]] = defaultdict(set)
    for day, number, batch, service, destination, rate, takes_back, invoice in _rows(
        PIECES, account=account.pk, days=list(days)
    ):
        key = (service, destination, rate)
        pieces[day].append(Piece(number, batch, key, takes_back, is_billed=invoice is not None))
        if invoice is not None:
            billing[day].add(invoice)
    adjusted = {day: found for day in pieces if (found := find_adjusted(pieces[day]))}
    periods = _periods({number for day in adjusted for number in billing[day]})
    corrects = {day: min(billing[day], key=lambda number: (day not in periods[number], number)) for day in adjusted}
    return adjusted, corrects


def _periods(ids: Iterable[int]) -> dict[int, DatePeriod]:
    """The periods of documents by id."""
    rows = Invoice.objects.filter(pk__in=set(ids)).values_list("id", "period_from", "period_to")
    return {number: DatePeriod(start, end) for number, start, end in rows}


def _covering(account: Account, days: Sequence[date]) -> dict[date, int]:
    """The earliest document that counts and whose period holds the day, by day."""
    if not days:
        return {}
    found: dict[date, int] = {}
    documents = Invoice.objects.filter(
        account=account, state=InvoiceState.ISSUED, period_from__lte=max(days), period_to__gt=min(days)
    )
    for number, start, end in documents.order_by("-id").values_list("id", "period_from", "period_to"):
        found.update({day: number for day in days if start <= day < end})
    return found


def open_sums(usage: OpenUsage, plain: Mapping[date, int], adjusted: Mapping[date, int]) -> dict[Key, Sums]:
    """The unbilled usage by bucket, service, destination and price row; the buckets are those of the days."""
    found: dict[Key, Sums] = {}
    for rollups, bucket_of in ((usage.plain, plain), (usage.adjusted, adjusted)):
        if rollups:
            days = list(bucket_of)
            buckets = [bucket_of[day] for day in days]
            found |= _keyed(_rows(OPEN_SUMS, days=days, buckets=buckets, rollups=list(rollups)))
    return found


def billed_sums(account: Account, periods: Mapping[int, DatePeriod]) -> dict[Key, Sums]:
    """What documents that count bill of some periods, each given by its bucket; all price rows, also those that nothing adjusts."""
    if not periods:
        return {}
    return _keyed(
        _rows(
            BILLED_SUMS,
            account=account.pk,
            buckets=list(periods),
            starts=[period.start for period in periods.values()],
            ends=[period.end for period in periods.values()],
        )
    )


def places(rollups: Sequence[int], bucket_of: Mapping[date, int]) -> list[Place]:
    """Of rollups of some days, in which bucket the records of a day, batch and key stand."""
    days = list(bucket_of)
    rows = _rows(PLACES, days=days, buckets=[bucket_of[day] for day in days], rollups=list(rollups)) if days else []
    return [Place(*row) for row in rows]


def all_sums(account: Account, days: Sequence[date]) -> dict[Key, Sums]:
    """Everything that the rollups of an account say of some days, billed or not, under bucket 0."""
    return _keyed(_rows(ALL_SUMS, account=account.pk, days=list(days)))


def _keyed(rows: Iterable[Sequence[Any]]) -> dict[Key, Sums]:
    return {Key(*row[:4]): Sums(row[4], row[5], int(row[6]), int(row[7]), Amount.from_decimal(row[8])) for row in rows}


def rate_terms(ids: Iterable[int], *, currency: str, language: Language) -> dict[int, Terms]:
    """The price texts of rates, in an account's currency and a language, by id."""
    columns = (
        "id",
        "steps",
        "setup_fee",
        "grace",
        "max_cost",
        "time_profile__name",
        "tariff__unit",
        "tariff__currency",
    )
    found, texts = {}, dict[tuple[Any, ...], Terms]()
    for number, *said in Rate.objects.filter(pk__in=set(ids)).values_list(*columns):
        facts = tuple(said)
        if facts not in texts:
            steps, setup_fee, grace, max_cost, profile, unit, tariff_currency = facts
            rate = RateFacts(parse_steps(steps), Unit(unit), tariff_currency, setup_fee, grace, max_cost, profile or "")
            texts[facts] = Terms(price_terms(rate, account_currency=currency, language=language), rate.unit)
        found[number] = texts[facts]
    return found


def corrected_documents(buckets: Iterable[Bucket]) -> dict[int, Corrected]:
    """What is said of the documents that buckets correct, by id."""
    wanted = {bucket.corrects for bucket in buckets if bucket.corrects is not None}
    columns = ("id", "number", "issued_on", "tax_name", "tax_percent")
    rows = Invoice.objects.filter(pk__in=wanted).values_list(*columns)
    return {
        number: Corrected(text, issued_on, TaxRate(name, percent)) for number, text, issued_on, name, percent in rows
    }


def find_adjusting(invoice: Invoice) -> Invoice | None:
    """The first later document that counts and takes back usage that this one bills, or names it as corrected."""
    billed = {tuple(key): first for *key, first in _rows(BILLED_KEYS, invoice=invoice.pk)}
    days = sorted({key[0] for key in billed})
    taking = _rows(TAKING_BACK, account=invoice.account_id, invoice=invoice.pk, days=days)
    found = [later for *key, number, later in taking if billed.get(tuple(key), number) < number]
    found += [later.pk for later in adjusting(invoice)]
    return Invoice.objects.get(pk=min(found)) if found else None


def adjusting(invoice: Invoice, *, as_of: datetime | None = None) -> list[Invoice]:
    """The documents that count (at that instant) and correct this one, in the order in which they were issued."""
    lines = InvoiceLine.objects.filter(corrects=invoice, kind=LineKind.ADJUSTMENT).values("invoice_id")
    found = Invoice.objects.filter(pk__in=lines).order_by("id")
    shown = [each if as_of is None else as_it_was(each, as_of) for each in found]
    return [each for each in shown if each is not None and each.state == InvoiceState.ISSUED]


def as_it_was(invoice: Invoice, as_of: datetime) -> Invoice | None:
    """The document as of an instant, not to be saved: without a later voiding; None where it was not issued yet."""
    if invoice.issued_at > as_of:
        return None
    if invoice.voided_at is not None and invoice.voided_at > as_of:
        invoice.state, invoice.voided_at, invoice.void_reason = InvoiceState.ISSUED, None, ""
    return invoice


def documents_seen(account_id: int) -> tuple[int, int]:
    """The latest document of an account and how many count: another pair means that what a draft says of earlier ones may be wrong."""
    ((latest, count),) = _rows(DOCUMENTS_SEEN, account=account_id, issued=InvoiceState.ISSUED.value)
    return latest or 0, count


def stored_paths() -> set[str]:
    """Every file that a document refers to, below the data folder."""
    rows = Invoice.objects.values_list("pdf_path", "csv_path", "parquet_path")
    return {path for row in rows for path in row}


def next_serials() -> dict[tuple[str, int], int]:
    """The number that each series draws next, by kind and year; a series that has drawn none is missing."""
    return {(kind, year): serial for kind, year, serial in NumberSequence.objects.values_list("kind", "year", "next")}


def missing_serials() -> dict[tuple[str, int], list[int]]:
    """Numbers that a series has drawn and no document bears, by kind and year. There are none, ever."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT s.kind, s.year, n.serial
                 FROM invoicing_numbersequence s CROSS JOIN LATERAL generate_series(1, s.next - 1) AS n(serial)
                 LEFT JOIN invoicing_invoice i
                        ON i.tenant_id = s.tenant_id AND i.kind = s.kind AND i.year = s.year AND i.serial = n.serial
                WHERE s.tenant_id = %s AND i.id IS NULL ORDER BY 1, 2, 3""",
            [current_tenant_id()],
        )
        found: dict[tuple[str, int], list[int]] = defaultdict(list)
        for kind, year, serial in cursor.fetchall():
            found[kind, year].append(serial)
    return dict(found)


def joined_at_once(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Raw rows of a statement over the whole tenant: tables are joined as wholes, never row by row, whatever the planner guesses."""
    with connection.cursor() as cursor, tables_joined_at_once(cursor):
        cursor.execute(statement, {"tenant": current_tenant_id()} | values)
        return list(cursor.fetchall())


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Raw rows of the tenant of the open scope. Raises `ScopeError` outside one."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": current_tenant_id()} | values)
        return list(cursor.fetchall())

"""A document before it is one: everything that a preview shows and that issuing needs, read at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

from trunkline.core.currency import Currency, get_currency
from trunkline.core.errors import Conflict
from trunkline.core.money import Amount
from trunkline.core.period import ONE_DAY, DatePeriod, Period, get_zone
from trunkline.invoicing import queries
from trunkline.invoicing.choices import InvoiceKind, LineKind
from trunkline.invoicing.document.catalogue import get_language
from trunkline.invoicing.document.language import Language
from trunkline.invoicing.models import InvoicingProfile
from trunkline.invoicing.rules import (
    Bucket,
    Corrected,
    Key,
    Line,
    Sums,
    TaxRate,
    Terms,
    Texts,
    Totals,
    build_lines,
    sort_days,
    total_of,
)
from trunkline.kit.home import home
from trunkline.parties.models import Account
from trunkline.tariffs.queries import destination_names
from trunkline.usage.segments import SegmentFile, live_segments, rated_versions


class Party(TypedDict):
    """A block of name and address, as it is printed and kept."""

    name: str
    lines: list[str]
    tax_number: str


class Seller(Party):
    """The seller's block, with how to reach and to pay it."""

    contact: list[str]
    payment_instructions: list[str]
    note: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a document of an account and a period would say, and the usage that it would bill."""

    account_id: int
    account_code: str
    period: DatePeriod
    timezone: str
    currency: Currency
    language: str
    tax_name: str
    tax_percent: Decimal
    payment_terms_days: int
    seller: Seller
    buyer: Party
    templates: Mapping[InvoiceKind, str]
    buckets: Sequence[Bucket]
    corrected: Mapping[int, Corrected]
    lines: Sequence[Line]
    totals: Totals
    texts: Texts
    usage: queries.OpenUsage
    sums: Mapping[Key, Sums]
    bucket_of: Mapping[date, int]
    adjusted_bucket_of: Mapping[date, int]
    line_of: Mapping[Key, int]
    documents_seen: tuple[int, int]

    @property
    def kind(self) -> InvoiceKind:
        return InvoiceKind.CREDIT_NOTE if self.totals.total < Amount.zero() else InvoiceKind.INVOICE

    @property
    def tax(self) -> TaxRate:
        """The tax of all lines that do not say another."""
        return TaxRate(self.tax_name, self.tax_percent)

    @property
    def adjusts(self) -> list[Corrected]:
        """The documents that its adjustments correct, in its order."""
        found = {line.corrects or 0: None for line in self.lines if line.kind is LineKind.ADJUSTMENT}
        return [self.corrected[number] for number in found if number in self.corrected]


@dataclass(frozen=True, slots=True)
class Version:
    """A segment of records, live or superseded: what some records were as long as it counted."""

    id: int
    path: Path
    switch_id: int
    batch_id: int
    superseded_by: int | None  # None: it counts


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the records of a draft are: files, and what all rollups together say of the days that are adjusted.

    `history` are all versions of the segments of days that other documents bill too, where there are superseded ones; `places` says of
    these days in which bucket what came in which batch stands.
    """

    files: Sequence[SegmentFile]
    history: Sequence[Version]
    places: Sequence[queries.Place]
    adjusted: Mapping[Key, Sums]

    @property
    def paths(self) -> list[Path]:
        """Every file that is read."""
        return list(dict.fromkeys([*(each.path for each in self.files), *(each.path for each in self.history)]))


class Shared:
    """What drafts of one snapshot have in common, read once for all of them: the seller, names, price texts, the catalogue's files."""

    def __init__(self) -> None:
        self._profile: InvoicingProfile | None = None
        self._names: dict[int, str] = {}
        self._terms: dict[tuple[str, str], dict[int, Terms]] = {}
        self._live: dict[Period, list[SegmentFile]] = {}
        self._versions: dict[Period, list[Version]] = {}

    @property
    def profile(self) -> InvoicingProfile:
        """The seller."""
        if self._profile is None:
            self._profile = queries.profile_or_default()
        return self._profile

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """The names of destinations; those that are not there are missing."""
        wanted = set(ids)
        self._names |= destination_names(wanted - self._names.keys())
        return {each: self._names[each] for each in wanted if each in self._names}

    def terms(self, ids: Iterable[int], *, currency: str, language: Language) -> dict[int, Terms]:
        """The price texts of rates in an account's currency and a language."""
        wanted, known = set(ids), self._terms.setdefault((currency, language.code), {})
        if missing := wanted - known.keys():
            known |= queries.rate_terms(missing, currency=currency, language=language)
        return {each: known[each] for each in wanted if each in known}

    def live(self, bounds: Period) -> list[SegmentFile]:
        """The segments that count and can hold a start within these bounds."""
        if bounds not in self._live:
            self._live[bounds] = live_segments(start_from=bounds.start, start_to=bounds.end)
        return self._live[bounds]

    def versions(self, bounds: Period) -> list[Version]:
        """All versions of the segments that can hold a start within these bounds."""
        if bounds not in self._versions:
            rows = rated_versions(start_from=bounds.start, start_to=bounds.end)
            self._versions[bounds] = [
                Version(row.pk, home() / row.path, row.switch_id, row.batch_id, row.superseded_by_id) for row in rows
            ]
        return self._versions[bounds]


def read_draft(account: Account, period: DatePeriod, shared: Shared | None = None) -> Draft:
    """The draft of a document, from one moment's books; needs an open scope. Has no side effects. `shared` is that of the snapshot.

    Raises Conflict `nothing_to_bill` where everything of the period is on documents already, or nothing was used.
    """
    shared = shared or Shared()
    currency, profile = get_currency(account.currency), shared.profile
    billing = account.billing_profile
    language = get_language(billing.language or profile.language)
    usage = queries.open_usage(account, period)
    buckets, bucket_of, adjusted_bucket_of = sort_days(usage.days, period)
    sums = queries.open_sums(usage, bucket_of, adjusted_bucket_of)
    whole = {number: each.period for number, each in enumerate(buckets) if each.kind is LineKind.ADJUSTMENT}
    before = queries.billed_sums(account, whole)
    keys = [*sums, *before]
    texts = Texts(
        destinations=shared.names(key.destination_id for key in keys),
        terms=shared.terms((key.rate_id for key in keys), currency=currency.code, language=language),
        no_destination=language.gettext("Other destinations"),
        no_price=language.gettext("free of charge"),
        several_prices=language.gettext("several prices"),
    )
    corrected = queries.corrected_documents(buckets)
    lines, line_of = build_lines(
        sums,
        buckets,
        texts=texts,
        currency=currency,
        before=before,
        taxes={number: each.tax for number, each in corrected.items() if each.tax.percent != billing.tax_percent},
    )
    if not lines:
        raise Conflict(
            "nothing_to_bill",
            f"{account.code} has nothing to bill up to {period.last}.",
            hint="`trunkline invoice unbilled` shows what is open.",
            account=account.code,
        )
    return Draft(
        account_id=account.pk,
        account_code=account.code,
        period=period,
        timezone=account.timezone,
        currency=currency,
        language=language.code,
        tax_name=billing.tax_name,
        tax_percent=billing.tax_percent,
        payment_terms_days=billing.payment_terms_days,
        seller={
            "name": profile.name,
            "lines": _text_lines(profile.address),
            "tax_number": profile.tax_number,
            "contact": [each for each in (profile.email, profile.phone) if each],
            "payment_instructions": _text_lines(profile.payment_instructions),
            "note": profile.note,
        },
        buyer={"name": billing.name, "lines": billing.address_lines, "tax_number": billing.tax_number},
        templates={InvoiceKind.INVOICE: profile.invoice_number, InvoiceKind.CREDIT_NOTE: profile.credit_note_number},
        buckets=buckets,
        corrected=corrected,
        lines=lines,
        totals=total_of(lines, tax=TaxRate(billing.tax_name, billing.tax_percent), currency=currency),
        texts=texts,
        usage=usage,
        sums=sums,
        bucket_of=bucket_of,
        adjusted_bucket_of=adjusted_bucket_of,
        line_of=line_of,
        documents_seen=queries.documents_seen(account.pk),
    )


def read_evidence(account: Account, draft: Draft, shared: Shared | None = None) -> Evidence:
    """Where to find the records of a draft, in the same snapshot that it was read from."""
    shared = shared or Shared()
    adjusted, usage = list(draft.adjusted_bucket_of), draft.usage
    billed = sorted(day.day for day in usage.days if day.is_billed)
    also_billed = {day: draft.bucket_of[day] for day in billed if day in draft.bucket_of}
    return Evidence(
        files=_files(shared, account, [day.day for day in usage.days]),
        history=_history(shared, account, billed),
        places=queries.places(usage.plain, also_billed) + queries.places(usage.adjusted, draft.adjusted_bucket_of),
        adjusted=queries.all_sums(account, adjusted) if adjusted else {},
    )


def _files(shared: Shared, account: Account, days: Sequence[date]) -> list[SegmentFile]:
    """The segments that can hold records of the account's days."""
    found: dict[int, SegmentFile] = {}
    for bounds in _bounds(account, days):
        found.update({each.id: each for each in shared.live(bounds)})
    return [found[number] for number in sorted(found)]


def _history(shared: Shared, account: Account, days: Sequence[date]) -> list[Version]:
    """All versions of the segments that can hold records of the account's days; none where nothing was superseded."""
    found: dict[int, Version] = {}
    for bounds in _bounds(account, days):
        found.update({each.id: each for each in shared.versions(bounds)})
    is_superseded = any(each.superseded_by is not None for each in found.values())
    return [found[number] for number in sorted(found)] if is_superseded else []


def _bounds(account: Account, days: Sequence[date]) -> list[Period]:
    """Instants between which records of the account's days start. A day more on both sides: its zone may have been another one then."""
    zone = get_zone(account.timezone)
    return [DatePeriod(run.start - ONE_DAY, run.end + ONE_DAY).bounds(zone) for run in _runs(days)]


def _runs(days: Sequence[date]) -> list[DatePeriod]:
    """Ascending days as periods without holes."""
    runs: list[DatePeriod] = []
    for day in days:
        if runs and runs[-1].end == day:
            runs[-1] = DatePeriod(runs[-1].start, day + ONE_DAY)
        else:
            runs.append(DatePeriod(day, day + ONE_DAY))
    return runs


def _text_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]

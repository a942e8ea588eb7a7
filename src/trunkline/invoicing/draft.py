"""A document before it is one: everything that a preview shows and that issuing needs, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict

from trunkline.core.currency import Currency, get_currency
from trunkline.core.errors import Conflict
from trunkline.core.money import Amount
from trunkline.core.period import ONE_DAY, DatePeriod, get_zone
from trunkline.invoicing import queries
from trunkline.invoicing.choices import InvoiceKind, LineKind
from trunkline.invoicing.document.catalogue import get_language
from trunkline.invoicing.rules import Bucket, Key, Line, Sums, Totals, build_lines, sort_days, total_of
from trunkline.parties.models import Account
from trunkline.usage.segments import SegmentFile, live_segments


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
    corrected: Mapping[int, str]
    lines: Sequence[Line]
    totals: Totals
    usage: queries.OpenUsage
    bucket_of: Mapping[date, int]
    line_of: Mapping[Key, int]

    @property
    def kind(self) -> InvoiceKind:
        return InvoiceKind.CREDIT_NOTE if self.totals.total < Amount.zero() else InvoiceKind.INVOICE


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the records of a draft are: files, and what all rollups together say of the days that are adjusted."""

    files: Sequence[SegmentFile]
    adjusted: Mapping[Key, Sums]


def read_draft(account: Account, period: DatePeriod) -> Draft:
    """The draft of a document, from one moment's books; needs an open scope. Has no side effects.

    Raises Conflict `nothing_to_bill` where everything of the period is on documents already, or nothing was used.
    """
    currency = get_currency(account.currency)
    profile = queries.profile_or_default()
    billing = account.billing_profile
    language = get_language(billing.language or profile.language)
    usage = queries.open_usage(account, period)
    buckets, bucket_of = sort_days(usage.days, period)
    sums = queries.open_sums(usage, bucket_of)
    lines, line_of = build_lines(
        sums,
        buckets,
        destinations=queries.destination_names(key.destination_id for key in sums),
        terms=queries.rate_terms((key.rate_id for key in sums), currency=currency.code, language=language),
        currency=currency,
        no_destination=language.gettext("Other destinations"),
        no_price=language.gettext("free of charge"),
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
        corrected=queries.numbers_of(buckets),
        lines=lines,
        totals=total_of(lines, tax_percent=billing.tax_percent, currency=currency),
        usage=usage,
        bucket_of=bucket_of,
        line_of=line_of,
    )


def read_evidence(account: Account, draft: Draft) -> Evidence:
    """Where to find the records of a draft, in the same snapshot that it was read from."""
    adjusted = [day for day, bucket in draft.bucket_of.items() if draft.buckets[bucket].kind is LineKind.ADJUSTMENT]
    return Evidence(
        files=_files(account, sorted(draft.bucket_of)),
        adjusted=queries.all_sums(account, adjusted) if adjusted else {},
    )


def _files(account: Account, days: Sequence[date]) -> list[SegmentFile]:
    """The segments that can hold records of the account's days. A day more on both sides: its zone may have been another one then."""
    zone = get_zone(account.timezone)
    found: dict[int, SegmentFile] = {}
    for run in _runs(days):
        bounds = DatePeriod(run.start - ONE_DAY, run.end + ONE_DAY).bounds(zone)
        found.update({each.id: each for each in live_segments(start_from=bounds.start, start_to=bounds.end)})
    return [found[number] for number in sorted(found)]


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

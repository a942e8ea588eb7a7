"""Global search: an account, a number, an invoice, a tariff, a saved report, or a page of the sidebar.

Each kind is one query of a few rows, by what reaches an index or by a small table; nothing here reads records: a number leads to where they are
searched.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from trunkline.backoffice.nav import sidebar
from trunkline.backoffice.shown import choice
from trunkline.core.errors import Invalid
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.invoicing.models import Invoice
from trunkline.kit.lookups import begins
from trunkline.parties.models import Account, Identity
from trunkline.reports.models import SavedReport
from trunkline.tariffs.models import Tariff
from trunkline.usage.search import parse_number

WORDS_MAX = 100
EACH_MAX: Final = 5  # of a kind; whoever wants more looks at its list
DIGITS_MIN: Final = 4  # fewer are no number that somebody looks for


def found_for(request: HttpRequest, words: str) -> list[SearchResult]:
    """What there is for those words, the most likely first. Empty words find nothing."""
    words = " ".join(words.replace("\x00", " ").split())[:WORDS_MAX]
    if not words:
        return []
    may = principal_of(request).may
    found: list[SearchResult] = []
    if may(Permission.ACCOUNTS_READ):
        found += accounts_named(words)
    if may(Permission.INVOICES_READ):
        found += invoices_numbered(words)
    if may(Permission.RECORDS_READ):
        found += records_of(words)
    if may(Permission.ACCOUNTS_READ):
        found += identities_of(words)
    if may(Permission.TARIFFS_READ):
        found += tariffs_named(words)
    if may(Permission.REPORTS_READ):
        found += reports_named(words)
    return found + pages_named(request, words)


def accounts_named(words: str) -> list[SearchResult]:
    """Accounts whose short name or name holds the words; that of which it is the short name first."""
    like = Account.objects.filter(Q(code__icontains=words) | Q(name__icontains=words)).order_by("code")
    rows = [*Account.objects.filter(code=words.lower()), *like[:EACH_MAX]]
    return [
        SearchResult(title=account.name, description=account.code, link=_row("parties_account", account), icon="groups")
        for account in dict.fromkeys(rows)
    ]


def invoices_numbered(words: str) -> list[SearchResult]:
    """Invoices and credit notes whose number begins so, the latest first."""
    rows = Invoice.objects.filter(begins("number", words.upper())).select_related("account").order_by("-pk")
    return [
        SearchResult(
            title=invoice.number,
            description=f"{choice(invoice, 'kind')}, {invoice.account.name}",
            link=_row("invoicing_invoice", invoice),
            icon="receipt_long",
        )
        for invoice in rows[:EACH_MAX]
    ]


def records_of(words: str) -> Iterable[SearchResult]:
    """Where the records of a number are searched, if the words are one."""
    try:
        number = parse_number(words)
    except Invalid:
        return
    if len(number.digits) >= DIGITS_MIN:
        asked = f"{number.digits}*" if number.is_prefix else number.digits
        link = f"{reverse('admin:records')}?{urlencode({'number': asked})}"
        yield SearchResult(title=asked, description=str(_("Call records")), link=link, icon="manage_search")


def identities_of(words: str) -> list[SearchResult]:
    """Identities whose value begins so: trunks, addresses, numbers."""
    rows = Identity.objects.filter(begins("value", words)).select_related("account").order_by("value", "pk")
    return [
        SearchResult(
            title=identity.value,
            description=f"{choice(identity, 'kind')}, {identity.account.name}",
            link=_row("parties_identity", identity),
            icon="fingerprint",
        )
        for identity in rows[:EACH_MAX]
    ]


def tariffs_named(words: str) -> list[SearchResult]:
    """Tariffs whose name holds the words."""
    rows = Tariff.objects.filter(name__icontains=words).order_by("name")[:EACH_MAX]
    return [
        SearchResult(title=each.name, description=str(_("Tariff")), link=_row("tariffs_tariff", each), icon="sell")
        for each in rows
    ]


def reports_named(words: str) -> list[SearchResult]:
    """Saved reports whose name holds the words."""
    rows = SavedReport.objects.filter(name__icontains=words).order_by("name")[:EACH_MAX]
    said = str(_("Saved report"))
    return [
        SearchResult(title=each.name, description=said, link=_row("reports_savedreport", each), icon="bookmarks")
        for each in rows
    ]


def pages_named(request: HttpRequest, words: str) -> list[SearchResult]:
    """The pages of the sidebar whose title holds the words."""
    return [
        SearchResult(
            title=str(item["title"]), description=str(group["title"] or ""), link=item["link"], icon=item["icon"]
        )
        for group in sidebar(request)
        for item in group["items"]
        if words.lower() in str(item["title"]).lower()
    ]


def _row(screen: str, row: Any) -> str:
    return reverse(f"admin:{screen}_change", args=(row.pk,))

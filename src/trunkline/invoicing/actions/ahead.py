"""PDFs set ahead: while one document is written to the books, another thread sets the next ones.

A PDF shows its document's number, and that is drawn in the transaction that writes the document, so it is set under the number that will most
likely be drawn. What was set is taken only if number and dates are just what the document has; otherwise it is set anew, inside the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from trunkline.invoicing.document.layout import Issue, document_data
from trunkline.invoicing.document.press import set_pdf
from trunkline.invoicing.draft import Draft
from trunkline.invoicing.models import Invoice
from trunkline.invoicing.rules import number_text, series_year

DEPTH: Final = 4  # documents ahead
Series = tuple[str, int]  # kind and year


def press(draft: Draft, invoice: Invoice) -> bytes:
    """The PDF of a document that has its number."""
    return _pdf(draft, _issue(invoice), invoice.issued_at)


def _issue(invoice: Invoice) -> Issue:
    return Issue(invoice.number, invoice.issued_on, invoice.due_on)


def _pdf(draft: Draft, issue: Issue, at: datetime) -> bytes:
    return set_pdf(document_data(draft, issue), at)


@dataclass(frozen=True, slots=True)
class _Guess:
    """A PDF that is set, or being set, under a number and dates."""

    issue: Issue
    pdf: Future[bytes]


class Ahead:
    """The PDFs of some drafts, in the order in which they will be issued, on one day and at one instant. Close it."""

    def __init__(
        self, drafts: Sequence[Draft], serials: Mapping[Series, int], *, issued_on: date, at: datetime
    ) -> None:
        """`serials`: the next one of each series; one that is missing begins with 1."""
        self._left, self._next = {draft.account_id: draft for draft in drafts}, dict(serials)
        self._issued_on, self._at = issued_on, at
        self._guesses: dict[int, _Guess] = {}
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._prepare()

    def press(self, draft: Draft, invoice: Invoice) -> bytes:
        """The PDF of a document that has its number: what was set ahead if it is that. The ones after it are begun with."""
        guess = self._guesses.pop(draft.account_id, None)
        self._next[invoice.kind, invoice.year] = invoice.serial + 1
        self.skip(draft)
        if guess is not None and guess.issue == _issue(invoice) and invoice.issued_at == self._at:
            return guess.pdf.result()
        return press(draft, invoice)

    def skip(self, draft: Draft) -> None:
        """Say that this one has had its turn, whatever became of it."""
        self._left.pop(draft.account_id, None)
        self._prepare()

    def close(self) -> None:
        """Leave undone what is not done."""
        self._thread.shutdown(cancel_futures=True)

    def _prepare(self) -> None:
        serials = dict(self._next)
        for draft in list(self._left.values())[:DEPTH]:
            template = draft.templates[draft.kind]
            series = (draft.kind.value, series_year(template, self._issued_on.year))
            serial = serials.get(series, 1)
            serials[series] = serial + 1
            number = number_text(template, year=self._issued_on.year, serial=serial)
            due_on = self._issued_on + timedelta(days=draft.payment_terms_days)
            issue = Issue(number, self._issued_on, due_on)
            known = self._guesses.get(draft.account_id)
            if known is not None and known.issue == issue:
                continue
            if known is not None:
                known.pdf.cancel()
            self._guesses[draft.account_id] = _Guess(issue, self._thread.submit(_pdf, draft, issue, self._at))

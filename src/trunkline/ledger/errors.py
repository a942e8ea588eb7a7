"""Errors of the books that carry more than a code."""

from __future__ import annotations

from trunkline.core.errors import Conflict
from trunkline.ledger.rules import Draft


class InsufficientFunds(Conflict):
    """More would be taken from an account than is there. `draft` is the request; its key is to be kept spent (`actions.keep_refusals`)."""

    @property
    def draft(self) -> Draft:
        draft = self.context["draft"]
        assert isinstance(draft, Draft)  # noqa: S101 - set by whoever raises it
        return draft

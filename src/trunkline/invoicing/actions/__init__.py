"""Every write of invoicing. Issuing opens its own scopes, one for each step; the others run inside an open one."""

from __future__ import annotations

from trunkline.invoicing.actions.documents import sweep, void, void_with_adjustments
from trunkline.invoicing.actions.issuing import Issued, Outcome, issue, issue_together
from trunkline.invoicing.actions.profile import set_profile
from trunkline.invoicing.actions.writing import Order

__all__ = [
    "Issued",
    "Order",
    "Outcome",
    "issue",
    "issue_together",
    "set_profile",
    "sweep",
    "void",
    "void_with_adjustments",
]

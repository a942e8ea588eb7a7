"""Invoices are issued in several transactions, so these tests commit for real."""

from __future__ import annotations

from typing import Any

import pytest

from tests.db.invoicing.books import AT, Books
from trunkline.tenancy.actions import create_tenant


def make_books(name: str) -> Books:
    """A tenant in US dollars with the customer `acme` in UTC, two destinations and three price rows."""
    tenant = create_tenant(name=name, currency="USD", timezone="UTC", actor="test", at=AT)
    made = Books(tenant).open()
    made.rate("safaricom", "Kenya Mobile Safaricom", "0:0.0125/60/60;60:0.0125/60/1")
    made.rate("nairobi", "Kenya Fixed Nairobi", "0:0.03/60/1")
    made.rate("nairobi deep", "Kenya Fixed Nairobi", "0:0.03/60/1")
    return made


@pytest.fixture
def books(committed_db: Any, data_folder: Any) -> Books:
    return make_books("Meridian Carrier")


@pytest.fixture
def other_books(committed_db: Any, data_folder: Any) -> Books:
    """Another tenant, whose data the first must never see."""
    return make_books("Savanna Net")

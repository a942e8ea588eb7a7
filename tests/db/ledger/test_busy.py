"""Whoever finds the books held by somebody else tries again, and says so where that does not help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from typer.testing import CliRunner

from tests.databases import TestDatabase
from tests.db.in_the_way import book_is_locked
from tests.db.ledger.books import AT, DAY, lines, top_up
from trunkline.cli.ledger import app
from trunkline.core.errors import Busy, Conflict, Unavailable
from trunkline.kit import clock
from trunkline.kit.outages import ATTEMPTS, again_when_busy
from trunkline.ledger import actions, queries
from trunkline.ledger.models import Resolution
from trunkline.ledger.tasks import expire_reservations
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.scope import scope


@pytest.fixture
def owner(committed_db: TestDatabase) -> Any:
    made = create_tenant(name="Kappa Net", currency="USD", timezone="UTC", actor="test", at=AT)
    with scope(made, "test"):
        top_up("ann", 100)
    return made


def close_books(tenant: str) -> Any:
    with clock.at(AT + timedelta(days=1)):
        return CliRunner().invoke(app, ["close-period", str(DAY), "--tenant", tenant])


def test_the_books_are_closed_by_the_second_try(owner: Any, test_database: TestDatabase) -> None:
    with book_is_locked(test_database, owner.pk) as refusals:
        result = close_books(owner.slug)
    assert (result.exit_code, refusals) == (0, ["canceling statement due to lock timeout"])
    with scope(owner, "test"):
        close = queries.last_close()
    assert close is not None
    assert close.closed_through == DAY


def test_who_is_in_the_way_for_longer_is_named(owner: Any, test_database: TestDatabase) -> None:
    with book_is_locked(test_database, owner.pk, times=ATTEMPTS) as refusals:
        result = close_books(owner.slug)
    assert isinstance(result.exception, Busy)
    assert (result.exception.code, len(refusals)) == ("ledger_busy", ATTEMPTS)


def test_reservations_are_released_by_the_second_try(owner: Any, test_database: TestDatabase) -> None:
    with scope(owner, "test"):
        made = lines("wallet:ann 5; revenue:USD -5")
        actions.reserve(key="r", kind="usage_wallet", booked_on=DAY, lines=made, timeout_s=60, at=AT)
    with book_is_locked(test_database, owner.pk) as refusals, clock.at(AT + timedelta(seconds=60)):
        expire_reservations(0)
    assert len(refusals) == 1
    with scope(owner, "test"):
        assert Resolution.objects.get(pending__key="r").outcome == "expired"


def failing(*errors: Exception) -> tuple[Callable[[], str], list[Exception]]:
    """Work that fails with one error after the other and then succeeds."""
    waiting = list(errors)

    def work() -> str:
        if waiting:
            raise waiting.pop(0)
        return "done"

    return work, waiting


def test_only_what_is_busy_is_done_again() -> None:
    work, _ = failing(Busy("ledger_busy", "x"), Busy("ledger_busy", "x"))
    assert again_when_busy(work) == "done"
    for error in (Unavailable("disk_full", "x"), Conflict("period_closed", "x"), OperationalError("x"), ValueError()):
        work, waiting = failing(error, ValueError())
        with pytest.raises(type(error)):
            again_when_busy(work)
        assert len(waiting) == 1

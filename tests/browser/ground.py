"""What the walks find: a carrier with traffic of yesterday, rejects, an invoice, and its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.db.usage.carrier import Carrier, line
from tests.staff import make_member
from trunkline.core.period import DatePeriod
from trunkline.identity.models import User
from trunkline.identity.permissions import BuiltInRole
from trunkline.invoicing.actions import issue
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import Batch

OWNER = "owner@alpha.example"
CALLS = 60
NOWHERE = "99912345678"  # no tariff has a price for it


@dataclass
class Ground:
    """The carrier of the usage tests, with records of yesterday."""

    carrier: Carrier
    owner: User
    batch: Batch
    yesterday: datetime

    @classmethod
    def make(cls, folder: Path) -> Ground:
        now = datetime.now(UTC)
        yesterday = (now - timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
        carrier = Carrier.make(folder)
        carrier.now = now
        owner = make_member(tenant(carrier), BuiltInRole.OWNER, OWNER).user
        calls = [_call(number, yesterday) for number in range(CALLS)]
        wrong = [line("lost", 30, called=NOWHERE, start=yesterday), line("broken", -1, start=yesterday)]
        batch = carrier.load(carrier.write("yesterday.csv", *calls, *wrong))
        period = DatePeriod(yesterday.date(), now.date())
        issue(tenant_id=carrier.tenant_id, actor="test", account_code="cust", period=period, at=now, is_early=True)
        return cls(carrier, owner, batch, yesterday)

    def written(self, name: str, *lines: str) -> Path:
        """A file that a person would send in."""
        return self.carrier.write(name, *lines)


def tenant(carrier: Carrier) -> Any:
    """The operator itself."""
    with carrier.scope():
        return current_tenant()


def _call(number: int, day: datetime) -> str:
    """Every sixth is not answered."""
    seconds = 0 if number % 6 == 0 else 30 + number
    return line(f"call-{number:02}", seconds, called=f"25470000{number:04}", start=day + timedelta(minutes=number))

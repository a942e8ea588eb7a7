"""A small carrier for tests: one customer, one vendor, prices that are easy to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import Q

from trunkline.parties.actions import add_identity, create_account, end_identity
from trunkline.parties.models import Identity
from trunkline.tariffs import models as tariffs
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.intake import register_path
from trunkline.usage.models import Batch
from trunkline.usage.process import process

NOW = datetime(2026, 3, 4, tzinfo=UTC)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
COLUMNS = "key,called,start,answer,end,duration,trunk_in,trunk_out"


def line(
    key: str,
    seconds: int = 60,
    *,
    called: str = "254700000001",
    start: datetime = START,
    trunk_in: str = "in",
    trunk_out: str = "out",
) -> str:
    """A line of the common CSV: answered after five seconds, or not answered at all where `seconds` is 0."""
    answer = start + timedelta(seconds=5)
    end = answer + timedelta(seconds=seconds)
    answered = answer.isoformat() if seconds else ""
    return f"{key},{called},{start.isoformat()},{answered},{end.isoformat()},{seconds},{trunk_in},{trunk_out}"


@dataclass
class Carrier:
    """Sells Kenya at 0.10 a minute by the second to a customer in euro and buys it at 0.08 in whole minutes."""

    folder: Path
    tenant_id: int = 0
    now: datetime = NOW
    accounts: dict[str, Any] = field(default_factory=dict)

    def clock(self) -> datetime:
        return self.now

    @classmethod
    def make(cls, folder: Path, name: str = "Alpha Carrier", *, formats: tuple[str, ...] = ("common",)) -> Carrier:
        folder.mkdir(parents=True, exist_ok=True)
        self = cls(folder)
        tenant = create_tenant(name=name, currency="USD", timezone="UTC", actor="test", at=NOW)
        self.tenant_id = tenant.pk
        with scope(tenant, "test"):
            customer = create_account(code="cust", name="Customer", currency="EUR", timezone="Europe/Berlin", at=NOW)
            vendor = create_account(
                code="vend", name="Vendor", currency="USD", timezone="UTC", is_customer=False, is_vendor=True, at=NOW
            )
            self.accounts = {"cust": customer, "vend": vendor}
            add_identity(account=customer, kind="trunk", side="sell", value="in", at=NOW)
            add_identity(account=vendor, kind="trunk", side="buy", value="out", at=NOW)
            kenya = tariffs.Destination.objects.create(name="Kenya", country="KE", kind="other")
            for side, account, steps in (("sell", customer, "0:0.10/60/1"), ("buy", vendor, "0:0.08/60/60")):
                tariff = tariffs.Tariff.objects.create(name=side, currency="USD", created_at=NOW)
                tariffs.Rate.objects.create(tariff=tariff, code="254", destination=kenya, steps=steps)
                tariffs.AccountTariff.objects.create(account=account, side=side, position=1, tariff=tariff)
            tariffs.ExchangeRate.objects.create(base="EUR", quote="USD", on=date(2026, 2, 27), rate=Decimal("1.25"))
            for name_ in formats:
                create_switch(name=name_, format=name_, at=NOW)
        return self

    def add_customer(self, code: str, steps: str) -> None:
        """A further customer, in dollars and on UTC's clock, with a price of its own for Kenya."""
        with self.scope():
            self.accounts[code] = create_account(code=code, name=code, currency="USD", timezone="UTC", at=NOW)
            tariff = tariffs.Tariff.objects.create(name=code, currency="USD", created_at=NOW)
            kenya = tariffs.Destination.objects.get(name="Kenya")
            tariffs.Rate.objects.create(tariff=tariff, code="254", destination=kenya, steps=steps)
            tariffs.AccountTariff.objects.create(account=self.accounts[code], side="sell", position=1, tariff=tariff)

    def give_trunk(self, trunk: str, code: str, *, side: str = "sell", since: datetime = EVER) -> None:
        """A trunk is that account's from an instant on, nobody's for an empty code."""
        with self.scope():
            held = Identity.objects.filter(Q(valid_to=None) | Q(valid_to__gt=since), side=side, value=trunk)
            for each in held:
                end_identity(identity_id=each.pk, valid_to=since, at=self.now)
            if code:
                new = {"account": self.accounts[code], "value": trunk, "valid_from": since}
                add_identity(kind="trunk", side=side, at=self.now, **new)

    def scope(self, **more: Any) -> Any:
        return scope(self.tenant_id, "test", **more)

    def write(self, name: str, *lines: str, header: str = COLUMNS) -> Path:
        path = self.folder / name
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    def load(self, path: Path, switch: str = "common") -> Batch:
        """Take a file to its end and give its batch back."""
        batch_id, _ = register_path(self.tenant_id, switch, path, actor="test", now=self.clock)
        process(tenant_id=self.tenant_id, batch_id=batch_id, now=self.clock)
        with self.scope():
            return Batch.objects.get(pk=batch_id)


MakeCarrier = Callable[..., Carrier]

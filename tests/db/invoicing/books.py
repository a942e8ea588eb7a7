"""Usage made by hand: visible calls, written as the rollups, segments and ledger entries that a batch of them would leave."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from trunkline.core.money import Amount
from trunkline.kit.home import home
from trunkline.ledger import actions as ledger
from trunkline.ledger.choices import AccountClass
from trunkline.parties import actions as parties
from trunkline.parties.models import Account
from trunkline.tariffs.models import Destination, Rate, Tariff
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Batch, Rollup, Segment, Switch
from trunkline.usage.store import RATED

AT = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Call:
    """One attempt of a customer: UTC start, destination and price row by name, seconds used and charged, amount."""

    start: str
    destination: str
    rate: str
    seconds: int
    billed: int
    amount: str
    called: str = "254700000001"
    calling: str = "4930123456"
    service: str = "voice"
    key: str = ""  # the same in every version of a record


@dataclass
class Books:
    """One tenant's world. Rates are named by the order in which `rate` made them: `name` is what the test calls them."""

    tenant: Tenant
    account: Account = field(init=False)
    switch: Switch = field(init=False)
    rates: dict[str, int] = field(default_factory=dict)
    destinations: dict[str, int] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1))

    def open(self, *, timezone: str = "UTC", currency: str = "USD", **profile: Any) -> Books:
        with scope(self.tenant, "test"):
            self.account = self.add_account("acme", timezone=timezone, currency=currency, **profile)
            self.switch = Switch.objects.create(name="sw1", format="common")
        return self

    def add_account(self, code: str, *, timezone: str = "UTC", currency: str = "USD", **profile: Any) -> Account:
        terms = {
            "name": f"{code.title()} Ltd",
            "address": "1 Quay Street\nMombasa",
            "tax_name": "VAT",
            "tax_percent": Decimal(16),
        }
        billing = parties.create_billing_profile(code=code, **terms | profile, at=AT)
        return parties.create_account(
            code=code, name=f"{code.title()} Ltd", currency=currency, timezone=timezone, billing_profile=billing, at=AT
        )

    def rate(
        self, name: str, destination: str, steps: str, *, unit: str = "second", currency: str = "USD", **given: Any
    ) -> None:
        with scope(self.tenant, "test"):
            if destination not in self.destinations:
                self.destinations[destination] = Destination.objects.create(name=destination).pk
            title = f"{unit} {currency}"
            tariff, _ = Tariff.objects.get_or_create(
                name=title, defaults={"currency": currency, "unit": unit, "created_at": AT}
            )
            made = Rate.objects.create(
                tariff=tariff,
                code=f"25470{len(self.rates)}",
                destination_id=self.destinations[destination],
                steps=steps,
                **given,
            )
            self.rates[name] = made.pk

    def batch(
        self,
        *calls: Call,
        takes_back: Sequence[Call] = (),
        account: Account | None = None,
        records: Sequence[Call] | None = None,
        supersedes: Batch | Sequence[Batch] = (),
        carried: Sequence[tuple[Call, Batch | None]] = (),
        at: datetime = AT,
        booked_on: date | None = None,
    ) -> Batch:
        """A posted batch of `calls`; `takes_back` are calls of earlier ones, negated. `records` is what the segment holds, if it lies.

        A re-rating `supersedes` batches, and its segments hold what it leaves as it is too: `carried`, with the batch that the record names (None: this one).
        """
        superseded = [supersedes] if isinstance(supersedes, Batch) else list(supersedes)
        account = account or self.account
        with scope(self.tenant, "test"):
            number = next(self.numbers)
            batch = Batch.objects.create(
                switch=self.switch,
                intake="rerate" if superseded else "command",
                name=f"file{number}.csv",
                path="",
                content_hash=f"{number:064}",
                octets=1,
                state="posted",
                attempt=1,
                received_at=at,
                finished_at=at,
            )
            live = Segment.objects.filter(batch__in=superseded, state="live")
            live.update(state="superseded", superseded_by=batch, superseded_at=at)
            self._write_rollups(batch, account, calls, 1, booked_on)
            self._write_rollups(batch, account, takes_back, -1, booked_on)
            # A record that is priced again keeps the batch of its file.
            source = superseded[0] if superseded else batch
            told = [(call, source) for call in (calls if records is None else records)]
            self._write_segments(batch, account, [*told, *carried])
        return batch

    def _day(self, call: Call, account: Account) -> date:
        return self._start(call).astimezone(ZoneInfo(account.timezone)).date()

    @staticmethod
    def _start(call: Call) -> datetime:
        return datetime.fromisoformat(call.start).replace(tzinfo=UTC)

    def _write_rollups(
        self, batch: Batch, account: Account, calls: Sequence[Call], sign: int, booked_on: date | None
    ) -> None:
        grouped: dict[tuple[str, str, str, date], list[Call]] = defaultdict(list)
        for call in calls:
            grouped[call.service, call.destination, call.rate, self._day(call, account)].append(call)
        by_day: dict[date, Amount] = defaultdict(Amount.zero)
        for (service, destination, rate, day), group in grouped.items():
            amount = Amount.total(Amount.from_text(call.amount) for call in group) * sign
            by_day[day] += amount
            Rollup.objects.create(
                batch=batch,
                side="sell",
                account=account,
                service=service,
                destination_id=self.destinations.get(destination),
                rate_id=self.rates.get(rate),
                currency=account.currency,
                day=day,
                attempts=sign * len(group),
                connected=sign * sum(call.seconds > 0 for call in group),
                raw_quantity=sign * sum(call.seconds for call in group),
                billed_quantity=sign * sum(call.billed for call in group),
                amount=amount,
                base_amount=amount,
            )
        revenue = ledger.ensure_chart(currency=account.currency, at=AT)[AccountClass.REVENUE]
        for day, amount in by_day.items():
            if amount:
                lines = [ledger.Line(account.unbilled_receivable_id, amount), ledger.Line(revenue.pk, -amount)]
                key = f"{batch.pk}:sell:{account.code}:{day}:{sign}"
                ledger.post(key=key, kind="usage_sell", booked_on=booked_on or day, lines=lines, at=batch.finished_at)

    def _write_segments(self, batch: Batch, account: Account, told: Sequence[tuple[Call, Batch | None]]) -> None:
        by_day: dict[date, list[tuple[Call, Batch]]] = defaultdict(list)
        for call, source in told:
            by_day[self._start(call).date()].append((call, source or batch))
        for day, group in by_day.items():
            rows = [self._record(number, call, source, account) for number, (call, source) in enumerate(group)]
            path = f"usage/tenant={self.tenant.pk}/day={day}/batch-{batch.pk}.parquet"
            full = home() / path
            full.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows, schema=RATED), full)
            starts = [self._start(call) for call, _ in group]
            Segment.objects.create(
                batch=batch,
                switch=self.switch,
                kind="rated",
                day=day,
                path=path,
                rows=len(rows),
                octets=full.stat().st_size,
                sha256=hashlib.sha256(full.read_bytes()).hexdigest(),
                min_start=min(starts),
                max_start=max(starts),
                created_at=batch.finished_at,
            )

    def _record(self, number: int, call: Call, batch: Batch, account: Account) -> dict[str, Any]:
        start = self._start(call)
        return {
            "line": number + 1,
            "key": call.key or f"{start.isoformat()}-{number}",
            "call_id": f"call-{batch.pk}-{number}",
            "attempt": 1,
            "is_last": True,
            "service": call.service,
            "calling_raw": call.calling,
            "called_raw": call.called,
            "calling": call.calling,
            "called": call.called,
            "start": start,
            "answer": start,
            "end": start,
            "duration_ms": call.seconds * 1000,
            "quantity": call.seconds,
            "batch_id": batch.pk,
            "sell_state": 1,
            "sell_account_id": account.pk,
            "sell_tariff_id": 1,
            "sell_rate_id": self.rates.get(call.rate),
            "sell_code": "254700",
            "sell_destination_id": self.destinations.get(call.destination),
            "sell_billed": call.billed,
            "sell_tariff_currency": account.currency,
            "sell_tariff_amount": Decimal(call.amount),
            "sell_amount": Decimal(call.amount),
            "sell_currency": account.currency,
            "sell_base_amount": Decimal(call.amount),
            "sell_local_day": self._day(call, account),
            "buy_state": 0,
        }


def changed(call: Call, **given: Any) -> Call:
    """The same call, priced anew."""
    return replace(call, **given)

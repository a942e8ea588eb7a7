"""The words in which a made-up operator is described: plain data that the demo turns into tenants, accounts, tariffs.

Nothing here is a model of the database; the fields say what `cli` hands to the actions of the rooms above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from trunkline.simulate.files import Written


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """A mark of an account: kind (trunk, ip, account_code, calling, sip_user), side (sell, buy, both), value."""

    kind: str
    side: str
    value: str
    tech_prefix: str = ""
    switch: str | None = None
    priority: int = 100


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """An account with its billing profile. Tariffs are names, in the order in which they are asked.

    `tax_percent` and `credit_limit` are decimal text; `billing_period` is day, week, half_month or month.
    """

    code: str
    name: str
    currency: str
    timezone: str
    identities: tuple[IdentityPlan, ...]
    sell_tariffs: tuple[str, ...] = ()
    buy_tariffs: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    email: str = ""
    tax_name: str = ""
    tax_percent: str = "0"
    tax_number: str = ""
    credit_limit: str = "0"
    capacity: int | None = None
    tags: tuple[str, ...] = ()
    parent: str | None = None
    billing_period: str = "month"
    payment_terms_days: int = 30

    @property
    def is_customer(self) -> bool:
        return bool(self.sell_tariffs)

    @property
    def is_vendor(self) -> bool:
        return bool(self.buy_tariffs)


@dataclass(frozen=True, slots=True)
class TariffPlan:
    """A price list in the file `rates`; the windows of its time profiles as the database has them (from, to, weekdays)."""

    name: str
    currency: str
    timezone: str
    rates: str
    time_profiles: Mapping[str, tuple[Mapping[str, object], ...]] = field(default_factory=dict)
    unit: str = "second"
    service: str = "voice"


@dataclass(frozen=True, slots=True)
class SwitchPlan:
    """A switch: format and clock of its files, number rules (as JSON objects), and whether it has vendors."""

    name: str
    format: str
    timezone: str
    number_rules: tuple[Mapping[str, object], ...]
    has_buy_side: bool


@dataclass(frozen=True, slots=True)
class DestinationPlan:
    """A destination's country (ISO 3166) and kind (fixed, mobile, other)."""

    name: str
    country: str
    kind: str


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """An operator; `period` is the first day that its demo invoices cover and the day after the last."""

    name: str
    slug: str
    currency: str
    timezone: str
    accounts: tuple[AccountPlan, ...]
    tariffs: tuple[TariffPlan, ...]
    switches: tuple[SwitchPlan, ...]
    period: tuple[date, date]


@dataclass(frozen=True, slots=True)
class UsageFile:
    """A usage file, the switch that it comes from, and what it holds."""

    switch: str
    written: Written


@dataclass(frozen=True, slots=True)
class WrittenTenant:
    """An operator whose files are written: `rates` the rate files by tariff, with their number of rates."""

    plan: TenantPlan
    rates: Mapping[str, tuple[Path, int]]
    usage: tuple[UsageFile, ...]
    destinations: tuple[DestinationPlan, ...]
    exchange_rates: Path | None

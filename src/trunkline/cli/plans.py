"""Making a tenant from a description of `simulate`: accounts, identities, prices, switches, through the same actions as anybody's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from trunkline.core.money import Amount
from trunkline.parties.actions import add_contact, add_identity, create_account, create_billing_profile
from trunkline.parties.models import Account
from trunkline.simulate.describe import AccountPlan, TenantPlan
from trunkline.tariffs.actions import assign_tariff, create_tariff, create_time_profile, load_exchange_rates, load_rates
from trunkline.tariffs.models import Tariff, TimeProfile
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.queries import find_tenant_id
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.models import Switch

Say = Callable[[str], None]


def set_up_tenant(
    plan: TenantPlan,
    rates: Mapping[str, tuple[Path, int]],
    exchange_rates: Path | None,
    *,
    actor: str,
    at: datetime,
    say: Say = lambda text: None,
) -> int:
    """The id of the tenant of that description, made if it is not there. All of it is one transaction: cut off, it can simply be run again."""
    tenant_id = find_tenant_id(plan.slug)
    if tenant_id is None:
        tenant_id = create_tenant(
            name=plan.name, slug=plan.slug, currency=plan.currency, timezone=plan.timezone, actor=actor, at=at
        ).pk
    with scope(tenant_id, actor):
        if Switch.objects.exists():
            return tenant_id
        say("accounts")
        accounts = _accounts(plan, at)
        tariffs = _tariffs(plan, rates, at, say)
        for account in plan.accounts:
            for side, names in (("sell", account.sell_tariffs), ("buy", account.buy_tariffs)):
                for name in names:
                    service = next(tariff.service for tariff in plan.tariffs if tariff.name == name)
                    assign_tariff(
                        account=accounts[account.code], tariff=tariffs[name], side=side, service=service, at=at
                    )
        if exchange_rates is not None:
            load_exchange_rates(data=exchange_rates.read_bytes(), source="demo", at=at)
        for switch in plan.switches:
            create_switch(
                name=switch.name,
                format=switch.format,
                timezone=switch.timezone,
                number_rules=[dict(rule) for rule in switch.number_rules],
                has_buy_side=switch.has_buy_side,
                at=at,
            )
    return tenant_id


def _accounts(plan: TenantPlan, at: datetime) -> dict[str, Account]:
    made: dict[str, Account] = {}
    for account in sorted(plan.accounts, key=lambda each: each.parent is not None):
        made[account.code] = _account(account, made, at)
    return made


def _account(plan: AccountPlan, made: Mapping[str, Account], at: datetime) -> Account:
    profile = create_billing_profile(
        code=plan.code,
        name=plan.name,
        address="\n".join(plan.address),
        tax_number=plan.tax_number,
        tax_name=plan.tax_name,
        tax_percent=Decimal(plan.tax_percent),
        period=plan.billing_period,
        payment_terms_days=plan.payment_terms_days,
        at=at,
    )
    account = create_account(
        code=plan.code,
        name=plan.name,
        currency=plan.currency,
        timezone=plan.timezone,
        is_customer=plan.is_customer,
        is_vendor=plan.is_vendor,
        parent=made[plan.parent] if plan.parent else None,
        billing_profile=profile,
        credit_limit=Amount.from_text(plan.credit_limit),
        capacity=plan.capacity,
        tags=plan.tags,
        at=at,
    )
    if plan.email:
        add_contact(account=account, name=plan.name, email=plan.email, at=at)
    for identity in plan.identities:
        add_identity(
            account=account,
            kind=identity.kind,
            side=identity.side,
            value=identity.value,
            tech_prefix=identity.tech_prefix,
            switch=identity.switch,
            priority=identity.priority,
            at=at,
        )
    return account


def _tariffs(plan: TenantPlan, rates: Mapping[str, tuple[Path, int]], at: datetime, say: Say) -> dict[str, Tariff]:
    made: dict[str, Tariff] = {}
    for tariff in plan.tariffs:
        for name, windows in tariff.time_profiles.items():
            if not TimeProfile.objects.filter(name=name).exists():
                create_time_profile(name=name, windows=windows, at=at)
        made[tariff.name] = create_tariff(
            name=tariff.name, currency=tariff.currency, timezone=tariff.timezone, unit=tariff.unit, at=at
        )
        path, count = rates[tariff.name]
        say(f"{count:,} rates of {tariff.name}")
        load_rates(tariff_id=made[tariff.name].pk, data=path.read_bytes(), at=at)
    return made

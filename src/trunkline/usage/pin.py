"""What is pinned when a batch begins: prices, accounts, identities, exchange rates and traffic rules as they are at that moment."""

from __future__ import annotations

from trunkline.parties.models import Account
from trunkline.parties.queries import resolver
from trunkline.tariffs import snapshot
from trunkline.tariffs.queries import exchange_table
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import Switch
from trunkline.usage.sides import AccountFacts, Pinned
from trunkline.usage.traffic.queries import rule_book


def pin(switch: Switch) -> Pinned:
    """Pin what decides the prices of the switch's records. Needs an open scope."""
    tenant = current_tenant()
    prices = snapshot.load(tenant.pk)
    accounts = {pk: AccountFacts(pk, *rest) for pk, *rest in Account.objects.values_list("pk", "currency", "timezone")}
    currencies = {
        tenant.currency,
        *prices.tariff_currencies.values(),
        *(account.currency for account in accounts.values()),
    }
    return Pinned(
        kept=prices.kept,
        version=prices.version,
        plans=prices.plans,
        tariff_currencies=prices.tariff_currencies,
        accounts=accounts,
        resolver=resolver(switch.name),
        find_exchange_rate=exchange_table(currencies).find,
        base_currency=tenant.currency,
        has_buy_side=switch.has_buy_side,
        rules=rule_book(switch.name),
    )

"""What is pinned when a batch begins: prices, accounts, identities, exchange rates and traffic rules as they are at that moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from trunkline.parties.models import Account
from trunkline.parties.queries import resolver
from trunkline.tariffs import snapshot
from trunkline.tariffs.queries import exchange_table
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import Switch
from trunkline.usage.sides import AccountFacts, Pinned
from trunkline.usage.traffic.queries import rule_book

if TYPE_CHECKING:
    from trunkline.usage.decode import Decoded, SwitchProfile
    from trunkline.usage.traffic.tried import Ruled


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


def rules_to_try(switch: Switch, profile: SwitchProfile) -> Callable[[Decoded], Ruled] | None:
    """What takes decoded records through the traffic rules of a switch as they are now; None where it has none. Needs an open scope."""
    if rule_book(switch.name) is None:
        return None
    from trunkline.usage.traffic.tried import through_rules

    return partial(through_rules, profile=profile, pinned=pin(switch))

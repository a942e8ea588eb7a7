"""Every read of the tariffs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from typing import Final

from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from trunkline.core.errors import NotFound
from trunkline.core.period import is_in_force
from trunkline.kit.db.kept import Kept, fetch
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.lookups import in_force
from trunkline.kit.models import find_public
from trunkline.parties.models import Account
from trunkline.tariffs.exchange import ExchangeTable, needed_pairs
from trunkline.tariffs.models import AccountTariff, CodeDeck, ExchangeRate, Rate, Tariff, TimeProfile
from trunkline.tenancy.queries import current_tenant


def tariffs() -> QuerySet[Tariff]:
    """All tariffs of the tenant, by name."""
    return Tariff.objects.select_related("parent").order_by("name")


def get_tariff(name: str) -> Tariff:
    """The tariff of that name. Raises NotFound `tariff_not_found`."""
    found = Tariff.objects.filter(name=name).first()
    if found is None:
        raise NotFound("tariff_not_found", f"There is no tariff {name!r}.", hint="`trunkline tariff list` shows them.")
    return found


def access_tariff(public_id: str) -> Tariff:
    """The tariff of that public id. Raises NotFound `tariff_not_found`, with one text for what is absent and what is another tenant's."""
    found = find_public(tariffs(), public_id)
    if found is None:
        raise NotFound("tariff_not_found", "There is no such tariff.")
    return found


def rates(tariff: Tariff, *, code: str | None = None, at: datetime | None = None) -> QuerySet[Rate]:
    """The rates of a tariff that are not voided, by code and as listed; of one code, or in force at an instant."""
    found = Rate.objects.filter(tariff=tariff, voided_at__isnull=True).select_related("destination", "time_profile")
    if code is not None:
        found = found.filter(code=code)
    if at is not None:
        found = found.filter(in_force(at))
    return found.order_by("code", "id")


def rate_counts() -> dict[int, int]:
    """How many rates that are not voided each tariff has, by its id; tariffs without rates are missing."""
    counted = Rate.objects.filter(voided_at__isnull=True).values("tariff_id").annotate(count=Count("id"))
    return {row["tariff_id"]: row["count"] for row in counted}


def begin_of(rate_ids: Iterable[int]) -> datetime | None:
    """When the first of these rates begins; None: one of them has no beginning."""
    begins = list(Rate.objects.filter(pk__in=list(rate_ids)).values_list("valid_from", flat=True))
    return None if None in begins else min(filter(None, begins), default=None)


def tariffs_with(profile: TimeProfile) -> list[Tariff]:
    """The tariffs that have a rate in that time profile, by name."""
    used = Rate.objects.filter(time_profile=profile, voided_at__isnull=True).values("tariff_id")
    return list(Tariff.objects.filter(pk__in=used).order_by("name"))


def code_decks() -> QuerySet[CodeDeck]:
    """All code decks of the tenant, by name."""
    return CodeDeck.objects.order_by("name")


def get_code_deck(name: str) -> CodeDeck:
    """The code deck of that name. Raises NotFound `deck_not_found`."""
    found = code_decks().filter(name=name).first()
    if found is None:
        raise NotFound("deck_not_found", f"There is no code deck {name!r}.", hint="`trunkline deck list` shows them.")
    return found


def tariffs_asking(deck: CodeDeck) -> list[Tariff]:
    """The tariffs whose origin deck it is and that have rates for an origin, or are parents of tariffs that may; by name."""
    asking = Rate.objects.filter(origin__isnull=False, voided_at__isnull=True).values("tariff_id")
    parents = Tariff.objects.filter(parent__isnull=False).values("parent_id")
    return list(tariffs().filter(origin_deck=deck).filter(Q(pk__in=asking) | Q(pk__in=parents)))


def time_profiles() -> QuerySet[TimeProfile]:
    """All time profiles of the tenant, by name."""
    return TimeProfile.objects.order_by("name")


def access_time_profile(profile_id: int) -> TimeProfile:
    """The time profile of that id. Raises NotFound `time_profile_not_found`."""
    found = time_profiles().filter(pk=profile_id).first()
    if found is None:
        raise NotFound("time_profile_not_found", f"There is no time profile {profile_id}.")
    return found


def assignments(account: Account | None = None) -> QuerySet[AccountTariff]:
    """Who has which tariff, in the order in which they are asked; ended ones too."""
    found = AccountTariff.objects.select_related("account", "tariff")
    if account is not None:
        found = found.filter(account=account)
    begin = F("valid_from").asc(nulls_first=True)
    return found.order_by("account__code", "side", "service", "position", begin, "id")


def access_assignment(assignment_id: int) -> AccountTariff:
    """The assignment of that id, with its account and tariff. Raises NotFound `assignment_not_found`."""
    found = assignments().filter(pk=assignment_id).first()
    if found is None:
        raise NotFound("assignment_not_found", f"There is no assignment {assignment_id}.")
    return found


def tariff_list(account: Account, *, side: str, service: str, at: datetime) -> list[Tariff]:
    """The ordered tariffs of an account for one side and service at an instant."""
    rows = _LIST.rows(account.pk, side, service)
    return [row.tariff for row in rows if is_in_force(row.valid_from, row.valid_to, at)]


# Asked for by every price of a single event.
_LIST = Kept(
    lambda account_id, side, service: (
        AccountTariff.objects.select_related("tariff")
        .filter(account_id=account_id, side=side, service=service)
        .order_by("position", F("valid_from").asc(nulls_first=True), "id")
    ),
    2**62 + 1,
    "\x00side",
    "\x00service",
)


def destination_names(ids: Iterable[int]) -> dict[int, str]:
    """The names of destinations by id; those that are not there are missing."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name FROM tariffs_destination WHERE tenant_id = %s AND id = ANY(%s)",
            [current_tenant_id(), wanted],
        )
        return dict(cursor.fetchall())


def exchange_rates() -> QuerySet[ExchangeRate]:
    """All exchange rates of the tenant as they were published, the latest first."""
    return ExchangeRate.objects.order_by("-on", "-id")


def exchange_table(currencies: Iterable[str] = ()) -> ExchangeTable:
    """The exchange rates between the currencies in use (accounts, tariffs, the tenant's own) and those given besides."""
    used = {current_tenant().currency, *currencies}
    used.update(Account.objects.values_list("currency", flat=True).distinct())
    used.update(Tariff.objects.values_list("currency", flat=True).distinct())
    return ExchangeTable(_rates_between(used).values_list("base", "quote", "on", "rate"))


def find_exchange_rate(base: str, quote: str, on: date) -> tuple[Fraction, date] | None:
    """What one unit of `base` costs in `quote` on a day, and the day of that rate; None where there is none.

    For a single question: reads only the last rate of each pair by that day.
    """
    return last_exchange_rates(on).find(base, quote, on)


def last_exchange_rates(on: date) -> ExchangeTable:
    """The last rate of each pair by a day, for questions about that day."""
    tenant = current_tenant_id()
    return ExchangeTable(fetch(_LAST_RATES, [tenant, tenant, tenant, on]))


# Goes along the index from pair to pair: a pair may have thousands of days.
_LAST_RATES: Final = """
WITH RECURSIVE pair AS (
  (SELECT base, quote FROM tariffs_exchangerate WHERE tenant_id = %s ORDER BY base, quote LIMIT 1)
  UNION ALL
  SELECT following.* FROM pair, LATERAL (
    SELECT e.base, e.quote FROM tariffs_exchangerate e
     WHERE e.tenant_id = %s AND (e.base, e.quote) > (pair.base, pair.quote) ORDER BY e.base, e.quote LIMIT 1
  ) following
)
SELECT pair.base, pair.quote, latest."on", latest.rate FROM pair, LATERAL (
  SELECT e."on", e.rate FROM tariffs_exchangerate e
   WHERE e.tenant_id = %s AND e.base = pair.base AND e.quote = pair.quote AND e."on" <= %s ORDER BY e."on" DESC LIMIT 1
) latest
"""


def _rates_between(currencies: set[str]) -> QuerySet[ExchangeRate]:
    """The rates of all pairs that lie on some way between two of the currencies."""
    if len(currencies) == 1:
        return ExchangeRate.objects.none()
    pairs = needed_pairs(ExchangeRate.objects.values_list("base", "quote").distinct(), currencies)
    wanted = Q()
    for base in {base for base, _ in pairs}:
        wanted |= Q(base=base, quote__in=[quote for other, quote in pairs if other == base])
    return ExchangeRate.objects.filter(wanted) if wanted else ExchangeRate.objects.none()

"""An analysis from the tables to its answer: what the database knows is gathered in a scope, the prices are compared outside of any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.db.models import Sum

from trunkline.core.errors import Invalid, Unavailable
from trunkline.core.period import get_zone, local_date
from trunkline.engine.prefix import KEY_DIGITS
from trunkline.engine.snapshot import Snapshot
from trunkline.engine.units import Unit
from trunkline.parties.models import Account
from trunkline.parties.queries import get_account
from trunkline.pricing.analysis.asking import Call, List, ask, minutes_of_rows, unit_of
from trunkline.pricing.analysis.compared import (
    Analysis,
    below,
    by_destination,
    filtered,
    lay_out,
    name_rows,
    names_of,
    with_margins,
    with_order,
)
from trunkline.pricing.analysis.question import REFERENCE, Asked, By, Form, Wanted
from trunkline.tariffs import snapshot
from trunkline.tariffs.models import Code, Destination, Rate
from trunkline.tariffs.prices import KeptTariff, tariffs_are_changing
from trunkline.tariffs.queries import get_code_deck, get_tariff, last_exchange_rates, tariff_list
from trunkline.tariffs.rules import UNIT_OF_SERVICE
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import Rollup

TRIES = 3
Deck = tuple[pa.Array, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What an analysis needs of the database: price lists with the files of their tariffs, exchange rates of the day, names, minutes."""

    lists: tuple[List, ...]
    kept: tuple[KeptTariff, ...]
    has_master: bool
    unit: Unit
    currency: str
    day: date
    rates: Mapping[str, Fraction | None]
    names: Mapping[int, str]
    deck: Deck | None
    charged: Mapping[str, int]

    def rate_of(self, currency: str) -> Fraction:
        """What one unit costs in the currency that is asked. Raises Invalid `no_exchange_rate`."""
        found = self.rates[currency]
        if found is None:
            raise Invalid(
                "no_exchange_rate",
                f"There is no exchange rate from {currency} to {self.currency} on {self.day}.",
                hint="Load exchange rates, or ask for another currency.",
                currency=currency,
            )
        return found


def gather(asked: Asked, *, at: datetime) -> Gathered:
    """Needs an open scope. Raises NotFound (`tariff_not_found`, `account_not_found`, `deck_not_found`), Invalid `no_tariffs`, `units_differ`."""
    tenant = current_tenant()
    wanted = [*asked.columns, *([asked.master] if asked.master is not None else [])]
    lists = tuple(_list_of(each, asked) for each in wanted)
    prices = snapshot.load(tenant.pk)
    needed = {tariff for each in lists for tariff in each.tariffs}
    kept = tuple(each for each in prices.kept.tariffs if each.id in needed)
    currency = asked.currency or tenant.currency
    day = local_date(asked.at, get_zone(tenant.timezone))
    published = last_exchange_rates(day)
    rates: dict[str, Fraction | None] = {}
    for each in kept:
        found = published.find(each.currency, currency, day)
        rates[each.currency] = None if found is None else found[0]
    return Gathered(
        lists=lists,
        kept=kept,
        has_master=asked.master is not None,
        unit=UNIT_OF_SERVICE[asked.service],
        currency=currency,
        day=day,
        rates=rates,
        names=dict(Destination.objects.values_list("pk", "name")),
        deck=_deck(asked.deck) if asked.deck else None,
        charged=charged_by_code(asked, at) if asked.minutes_of is not None else {},
    )


def _list_of(wanted: Wanted, asked: Asked) -> List:
    if wanted.side is None:
        return List(wanted.name, (get_tariff(wanted.name).pk,))
    account = get_account(wanted.name)
    tariffs = tariff_list(account, side=wanted.side.value, service=asked.service, at=asked.at)
    if not tariffs:
        raise Invalid(
            "no_tariffs",
            f"{wanted} has no {asked.service} tariff at that time.",
            hint="Give the account one, or compare the tariff itself.",
        )
    return List(str(wanted), tuple(dict.fromkeys(each.pk for each in tariffs)))


def _deck(name: str) -> Deck:
    deck = get_code_deck(name)
    rows = list(Code.objects.filter(deck=deck).order_by("code").values_list("code", "destination_id"))
    rows = sorted(row for row in rows if len(row[0]) <= KEY_DIGITS)  # of digits, whatever the database sorts by
    return pa.array([code for code, _ in rows], pa.string()), np.array([pk for _, pk in rows], np.int64)


def charged_by_code(asked: Asked, at: datetime) -> dict[str, int]:
    """Units that customers, or vendors, were charged in the last days, by the code of the rate that charged them."""
    if asked.minutes_of is None:
        return {}
    since = local_date(at, get_zone(current_tenant().timezone)) - timedelta(days=asked.days)
    accounts = list(Account.objects.values_list("pk", flat=True))  # rollups are found by account and day
    rows = Rollup.objects.filter(
        account_id__in=accounts,
        day__gte=since,
        side=asked.minutes_of.value,
        service=asked.service,
        rate_id__isnull=False,
    )
    units = dict(rows.values_list("rate_id").annotate(units=Sum("billed_quantity")))
    found: dict[str, int] = {}
    for pk, code in Rate.objects.filter(pk__in=list(units)).values_list("pk", "code"):
        found[code[:KEY_DIGITS]] = found.get(code[:KEY_DIGITS], 0) + units[pk]
    return found


def compare(asked: Asked, gathered: Gathered) -> Analysis:
    """The answer. Opens no scope and needs none. Raises Invalid `no_exchange_rate`, `units_differ`, `overflow`; Unavailable `tariffs_are_changing`."""
    try:
        opened = Snapshot(each.open() for each in gathered.kept)
    except FileNotFoundError as error:  # swept by somebody who saw a later revision
        raise tariffs_are_changing() from error
    unit = unit_of(opened, gathered.lists)
    if unit is not gathered.unit:
        raise Invalid(
            "units_differ", f"These price lists count by the {unit.value}, which is not how {asked.service} is sold."
        )
    units = asked.call or REFERENCE[unit]
    call = Call(asked.at, units, gathered.rate_of, asked.tags)
    answers = ask(opened, gathered.lists, call, begins=asked.code)
    charged, left = minutes_of_rows(answers.codes, gathered.charged)
    names = names_of(name_rows(answers, gathered.deck), gathered.names)
    table = lay_out(answers, names=names, units=charged, has_master=gathered.has_master)
    table = filtered(table, destination=asked.destination, country=asked.country)
    if asked.by is By.DESTINATION:
        table = by_destination(table, asked.average)
    table = with_margins(table, is_master_selling=asked.is_master_selling)
    if asked.form is Form.LEAST_COST:
        table = with_order(table, asked.positions)
    if asked.below is not None:
        table = below(table, asked.below)
    labels = tuple(each.label for each in gathered.lists)
    return Analysis(
        asked=asked,
        labels=labels[:-1] if gathered.has_master else labels,
        master=labels[-1] if gathered.has_master else None,
        currency=gathered.currency,
        unit=unit,
        units=units,
        table=table,
        terms=answers.terms,
        left=left,
    )


def analyse(tenant_id: int, asked: Asked, *, actor: str, at: datetime) -> Analysis:
    """Gather and compare, in a scope of its own; again where tariffs changed meanwhile. Raises as `gather` and `compare`."""
    from trunkline.tenancy.scope import scope

    for attempt in range(TRIES):
        with scope(tenant_id, actor):
            gathered = gather(asked, at=at)
        try:
            return compare(asked, gathered)
        except Unavailable:
            if attempt == TRIES - 1:
                raise
    raise tariffs_are_changing()

"""Exchange rates: what currencies cost each other, from the day on which it was published until the next."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Final

from django.http import HttpRequest, JsonResponse
from ninja import Router
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.files import TEXT_KINDS, body_of, read_text_file
from trunkline.api.proposed import Proposals, proposed
from trunkline.api.shapes import Body, Currency, Day, answers, page_of
from trunkline.core.currency import get_currency
from trunkline.core.errors import NotFound
from trunkline.core.money import RoundingMode, round_ratio, scaled_text
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.tariffs.exchange_file import RATE_DECIMALS
from trunkline.tariffs.models import ExchangeRate
from trunkline.tariffs.queries import exchange_rates, find_exchange_rate
from trunkline.usage import price_changes

router = Router(tags=["exchange rates"])

FILE_OCTETS_MAX: Final = 16 * 2**20

RateText = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$", examples=["129.35"], description="What one unit of `base` costs."),
]
Source = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,40}$")]


class NewExchangeRate(Body):
    """What one unit of `base` costs in `quote` from a day on."""

    base: Currency
    quote: Currency
    on: Day
    rate: RateText


class ExchangeRateShown(Body):
    """What one unit of `base` costs in `quote`, as published on a day."""

    id: int
    base: str
    quote: str
    on: date
    rate: str
    source: str


class ExchangeRateStated(ExchangeRateShown):
    """An exchange rate that was stated."""

    proposals: Proposals


class EffectiveRate(Body):
    """What converts from `base` to `quote` on a day; by way of other currencies where no rate of the pair is known."""

    base: str
    quote: str
    on: date
    rate: str = Field(description="Rounded half up to 12 decimals.")
    rate_exact: str = Field(description="The exact ratio.", examples=["2587/20"])
    published_on: date = Field(description="Day of the oldest rate that it is made of.")


class LoadedExchangeRates(Body):
    """What a file of exchange rates did."""

    rates: int
    added: int
    replaced: int
    skipped: list[str] = Field(description="Currencies of the file that are no longer in use.")
    proposals: Proposals


def shown(row: ExchangeRate) -> ExchangeRateShown:
    """An exchange rate as the API shows it."""
    return ExchangeRateShown(
        id=row.pk, base=row.base, quote=row.quote, on=row.on, rate=f"{row.rate.normalize():f}", source=row.source
    )


EXCHANGE_RATES = listing.Listing(
    schema=ExchangeRateShown,
    row=shown,
    sorts={"on": "on", "id": "id"},
    default="-on",
    filters={
        "base": listing.text("base"),
        "quote": listing.text("quote"),
        "on": listing.day("on"),
        "source": listing.text("source"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(ExchangeRateShown)),
    openapi_extra={"parameters": EXCHANGE_RATES.parameters},
)
def list_exchange_rates(request: HttpRequest) -> JsonResponse:
    """List the exchange rates as they were published, the latest first."""
    return EXCHANGE_RATES.answer(request, exchange_rates())


@router.post(
    "/load",
    auth=ApiKey(Permission.EXCHANGE_RATES_WRITE, spools=True),
    response=answers(LoadedExchangeRates, 409, 413, 415),
    openapi_extra=body_of(*TEXT_KINDS),
)
def load_exchange_rates(
    request: HttpRequest,
    base: Annotated[Currency, Field(description="What one unit of is priced in a file of columns.")] = "EUR",
    source: Annotated[Source, Field(description="Who published it.")] = "ECB",
    replace: Annotated[bool, Field(description="Let values that differ replace those there.")] = False,
) -> Any:
    """Load a file of exchange rates (docs/formats/exchange_rates_csv.md) as the body, all of it or nothing."""
    data, body_hash = read_text_file(request, octets_max=FILE_OCTETS_MAX)
    begin(request, body_hash=body_hash)
    changed = price_changes.load_exchange_rates(data=data, base=base, source=source, replace=replace, at=now())
    done = changed.made
    return LoadedExchangeRates(
        rates=done.rates,
        added=done.added,
        replaced=done.replaced,
        skipped=list(done.skipped),
        proposals=proposed(changed.proposals),
    )


@router.post("", auth=ApiKey(Permission.EXCHANGE_RATES_WRITE), response=answers(ExchangeRateStated, 409))
def set_exchange_rate(request: HttpRequest, stated: NewExchangeRate) -> Any:
    """State one exchange rate; saying it again for the day replaces it."""
    changed = price_changes.set_exchange_rate(**stated.model_dump(), at=now())
    return ExchangeRateStated(**shown(changed.made).model_dump(), proposals=proposed(changed.proposals))


@router.get("/effective", auth=ApiKey(Permission.TARIFFS_READ), response=answers(EffectiveRate, 404))
def get_exchange_rate(request: HttpRequest, base: Currency, quote: Currency, on: Day) -> Any:
    """The exchange rate that holds on a day, cross rates as exact ratios (docs/algorithms/exchange.md)."""
    one, other = get_currency(base).code, get_currency(quote).code
    found = find_exchange_rate(one, other, on)
    if found is None:
        raise NotFound("no_exchange_rate", f"No exchange rate leads from {one} to {other} on {on}.")
    ratio, published_on = found
    return EffectiveRate(
        base=one, quote=other, on=on, rate=_text(ratio), rate_exact=str(ratio), published_on=published_on
    )


def _text(ratio: Fraction) -> str:
    units = round_ratio(ratio.numerator * 10**RATE_DECIMALS, ratio.denominator, RoundingMode.HALF_UP)
    return scaled_text(units, RATE_DECIMALS)

"""Meridian Carrier, a made-up wholesale carrier: one day of call attempts between six customers and five vendors."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np

from trunkline.core.money import RoundingMode
from trunkline.simulate.decks import Deck, DeckPlan, PriceChange, make_deck, write_rates
from trunkline.simulate.describe import AccountPlan, IdentityPlan, SwitchPlan, TariffPlan, TenantPlan, UsageFile
from trunkline.simulate.files import Dirt, FileSpec, Progress, minutes_by_day, write_files
from trunkline.simulate.flaws import Flaw
from trunkline.simulate.traffic import Sink, Source, TrafficPlan, popular_codes, routes_by_price
from trunkline.simulate.world import CodeTable, breakout_codes, country_codes, deep_codes

DAY = date(2026, 3, 2)
RECORDS = 300_000
SWITCH = "edge-1"

_CODES_CALLED = 3000
_CHANGE = PriceChange(datetime(2026, 3, 2, 12, tzinfo=UTC), countries=150, move=60)
_EUR_PER_USD = Fraction(10_000, 10_845)
_EXACT_TO = (RoundingMode.HALF_UP, 6)

_STANDARD = "A-Z Standard"
_PREMIUM = "A-Z Premium"
_COUNTRIES = "Country Flat"
_AFRICA = "Kestrel Africa"

# What Sahel Link reaches: Africa and the Middle East.
_SAHEL_COUNTRIES = (
    "AE", "BF", "BJ", "CD", "CI", "CM", "DZ", "EG", "ET", "GA", "GH", "GN", "JO", "KE", "KW", "LB", "MA", "ML",
    "NE", "NG", "OM", "QA", "RW", "SA", "SD", "SN", "SO", "SS", "TD", "TG", "TN", "TZ", "UG", "YE", "ZA", "ZM",
)  # fmt: skip


def meridian() -> TenantPlan:
    """The operator: accounts with their marks, price lists and the switch."""
    return TenantPlan(
        name="Meridian Carrier",
        slug="meridian",
        currency="USD",
        timezone="UTC",
        accounts=(*_customers_by_trunk(), *_customers_by_address(), _atlas(), *_vendors()),
        tariffs=tuple(
            TariffPlan(name, "EUR" if name == "Baltic A-Z" else "USD", "UTC", _file_name(name)) for name in _TARIFFS
        ),
        switches=(
            SwitchPlan(
                name=SWITCH,
                format="freeswitch_trunks",
                timezone="UTC",
                number_rules=(
                    {"begins": "1001#", "on": "called"},
                    {"begins": "1002#", "on": "called"},
                    {"begins": "00"},
                ),
                has_buy_side=True,
            ),
        ),
        period=(DAY, date(2026, 3, 3)),
    )


def _customers_by_trunk() -> tuple[AccountPlan, ...]:
    return (
        AccountPlan(
            code="harbor",
            name="Harbor Telecom Inc.",
            currency="USD",
            timezone="UTC",
            identities=(IdentityPlan("trunk", "sell", "harbor-in"),),
            sell_tariffs=(_STANDARD,),
            address=("400 Pier Street", "Boston, MA 02110", "United States"),
            email="billing@harbor.example",
            tax_name="Communications tax",
            tax_percent="4.5",
            credit_limit="25000",
            capacity=600,
            tags=("wholesale", "us"),
            billing_period="day",
            payment_terms_days=15,
        ),
        AccountPlan(
            code="kestrel",
            name="Kestrel Retail Voice GmbH",
            currency="EUR",
            timezone="UTC",
            identities=(IdentityPlan("trunk", "sell", "kestrel-in"), IdentityPlan("ip", "sell", "203.0.113.64/26")),
            sell_tariffs=(_AFRICA, _STANDARD),
            address=("Am Speicher 3", "20457 Hamburg", "Germany"),
            email="rechnung@kestrel.example",
            tax_number="DE000000000",
            credit_limit="15000",
            tags=("retail",),
            billing_period="day",
        ),
    )


def _customers_by_address() -> tuple[AccountPlan, ...]:
    return (
        AccountPlan(
            code="northwind",
            name="Northwind Voice AB",
            currency="USD",
            timezone="UTC",
            identities=(IdentityPlan("ip", "sell", "192.0.2.16/28"),),
            sell_tariffs=(_PREMIUM,),
            address=("Kungsgatan 900", "111 00 Stockholm", "Sweden"),
            email="invoices@northwind.example",
            tax_number="SE000000000001",
            credit_limit="40000",
            tags=("wholesale", "premium"),
            billing_period="day",
        ),
        AccountPlan(
            code="copperfield",
            name="Copperfield Calls Ltd",
            currency="USD",
            timezone="Europe/London",
            identities=(IdentityPlan("ip", "sell", "198.51.100.20", tech_prefix="1001#"),),
            sell_tariffs=(_STANDARD,),
            address=("Unit 7, Canal Yard", "Leeds LS1 0ZZ", "United Kingdom"),
            email="accounts@copperfield.example",
            tax_name="VAT",
            tax_percent="20",
            tax_number="GB000000000",
            credit_limit="10000",
            tags=("wholesale",),
            billing_period="day",
            payment_terms_days=7,
        ),
        AccountPlan(
            code="bluebird",
            name="Bluebird Connect LLC",
            currency="USD",
            timezone="UTC",
            identities=(IdentityPlan("ip", "sell", "198.51.100.20", tech_prefix="1002#"),),
            sell_tariffs=(_COUNTRIES,),
            address=("12 Prairie Road", "Omaha, NE 68102", "United States"),
            email="ap@bluebird.example",
            credit_limit="5000",
            parent="copperfield",
            tags=("wholesale", "flat"),
            billing_period="day",
        ),
    )


def _atlas() -> AccountPlan:
    return AccountPlan(
        code="atlas",
        name="Atlas Exchange SA",
        currency="USD",
        timezone="UTC",
        identities=(IdentityPlan("trunk", "sell", "atlas-in"), IdentityPlan("trunk", "buy", "gw-atlas")),
        sell_tariffs=(_STANDARD,),
        buy_tariffs=("Atlas A-Z",),
        address=("Rue du Rhone 900", "1204 Geneva", "Switzerland"),
        email="settlement@atlas.example",
        credit_limit="60000",
        tags=("wholesale", "bilateral"),
        billing_period="day",
    )


def _vendors() -> tuple[AccountPlan, ...]:
    rows = (
        ("orion", "Orion Transit Corp.", "USD", "Orion Gold", ("1 Skyline Plaza", "Miami, FL 33131", "United States")),
        ("baltic", "Baltic Carrier Services UAB", "EUR", "Baltic A-Z", ("Uosto g. 9", "92001 Klaipeda", "Lithuania")),
        ("sahel", "Sahel Link SARL", "USD", "Sahel Direct", ("Avenue du Fleuve 3", "Dakar", "Senegal")),
        (
            "pacific",
            "Pacific Wholesale Pte Ltd",
            "USD",
            "Pacific Flat",
            ("88 Harbour Walk", "Singapore 018900", "Singapore"),
        ),
    )
    return tuple(
        AccountPlan(
            code=code,
            name=name,
            currency=currency,
            timezone="UTC",
            identities=(IdentityPlan("trunk", "buy", f"gw-{code}"),),
            buy_tariffs=(tariff,),
            address=address,
            email=f"rates@{code}.example",
            tags=("vendor",),
            billing_period="week",
        )
        for code, name, currency, tariff, address in rows
    )


_SINKS = ("orion", "baltic", "sahel", "pacific", "atlas")
_BUY = {
    "orion": "Orion Gold",
    "baltic": "Baltic A-Z",
    "sahel": "Sahel Direct",
    "pacific": "Pacific Flat",
    "atlas": "Atlas A-Z",
}
_TARIFFS = (_STANDARD, _PREMIUM, _COUNTRIES, _AFRICA, *(_BUY[sink] for sink in _SINKS))


def _only(codes: CodeTable, countries: tuple[str, ...]) -> CodeTable:
    iso2 = np.asarray([place.iso2 for place in codes.places])[codes.place]
    return codes.take(np.isin(iso2, np.asarray(countries)))


def meridian_decks() -> dict[str, Deck]:
    """The price lists by the names of their tariffs."""
    plans = {
        _STANDARD: (
            DeckPlan(_STANDARD, 11, level=1040, spread=120, rounding=_EXACT_TO, changes=(_CHANGE,)),
            breakout_codes(),
        ),
        _PREMIUM: (DeckPlan(_PREMIUM, 12, level=1060, spread=110, rounding=_EXACT_TO), deep_codes(12_000)),
        _COUNTRIES: (
            DeckPlan(_COUNTRIES, 13, level=1050, spread=150, increments={"60/60": 1}, decimals=4),
            country_codes(),
        ),
        _AFRICA: (
            DeckPlan(_AFRICA, 14, level=1040, spread=60, setup_fees=60),
            _only(breakout_codes(), ("KE", "UG", "TZ", "NG", "GH", "SN", "CI", "ET")),
        ),
        _BUY["orion"]: (
            DeckPlan("orion", 21, level=985, spread=80, code_spread=15, changes=(_CHANGE,)),
            deep_codes(30_000),
        ),
        _BUY["baltic"]: (
            DeckPlan("baltic", 22, level=1000, spread=90, currency_per_usd=_EUR_PER_USD),
            breakout_codes(),
        ),
        _BUY["sahel"]: (DeckPlan("sahel", 23, level=930, spread=70), _only(deep_codes(40_000), _SAHEL_COUNTRIES)),
        _BUY["pacific"]: (DeckPlan("pacific", 24, level=1010, spread=110, decimals=4), country_codes()),
        _BUY["atlas"]: (DeckPlan("atlas", 25, level=995, spread=85), deep_codes(15_000)),
    }
    return {name: make_deck(plan, codes) for name, (plan, codes) in plans.items()}


def _file_name(tariff: str) -> str:
    return f"rates-{tariff.lower().replace(' ', '-')}.csv"


def meridian_traffic(seed: int, decks: dict[str, Deck]) -> TrafficPlan:
    """The day's traffic: customers by trunk, address, and address with tech prefix; vendors by price."""
    codes, weights = popular_codes(_CODES_CALLED)
    sources = (
        Source("harbor", 30, trunk="harbor-in", dial="+", caller_dial="+", home=("US", "CA")),
        Source("northwind", 22, addresses=("192.0.2.17", "192.0.2.18", "192.0.2.19"), home=("SE", "NO", "DK")),
        Source("copperfield", 14, addresses=("198.51.100.20",), dial="1001#", home=("GB", "IE")),
        Source("bluebird", 8, addresses=("198.51.100.20",), dial="1002#", home=("US",)),
        Source(
            "kestrel",
            12,
            trunk="kestrel-in",
            addresses=("203.0.113.70",),
            dial="00",
            caller_dial="00",
            home=("DE", "AT"),
        ),
        Source("atlas", 14, trunk="atlas-in", home=("CH", "FR", "IT")),
    )
    return TrafficPlan(
        seed=seed,
        start=datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC),
        day_weights=(1,),
        sources=sources,
        codes=codes,
        weights=weights,
        sinks=tuple(Sink(name, f"gw-{name}") for name in _SINKS),
        routes=routes_by_price(codes, [decks[_BUY[name]] for name in _SINKS]),
    )


MERIDIAN_DIRT = Dirt(
    duplicates=8_000,
    flaws={
        Flaw.BAD_ENCODING: 250,
        Flaw.FIELD_COUNT: 700,
        Flaw.BAD_TIME: 200,
        Flaw.TIME_IN_FUTURE: 120,
        Flaw.TIME_ORDER: 200,
        Flaw.DURATION_NEGATIVE: 100,
        Flaw.DURATION_OVER_LIMIT: 60,
        Flaw.DURATION_MISMATCH: 250,
        Flaw.BAD_NUMBER: 800,
        Flaw.UNKNOWN_SELL: 1_600,
        Flaw.UNKNOWN_BUY: 900,
        Flaw.NO_RATE_SELL: 2_500,
        Flaw.NO_RATE_BUY: 1_200,
        Flaw.CONFLICTING_DUPLICATE: 350,
    },
)


def write_meridian(
    folder: Path, seed: int, decks: dict[str, Deck], on_progress: Progress | None = None
) -> tuple[dict[str, tuple[Path, int]], list[UsageFile]]:
    """Writes the rate files and the six usage files of the day, the last one packed."""
    folder.mkdir(parents=True, exist_ok=True)
    rates = {}
    for name, deck in decks.items():
        path = folder / _file_name(name)
        rates[name] = (path, write_rates(deck, path))
    slices = list(minutes_by_day(1, 4))
    specs = [
        FileSpec(f"{SWITCH}-{DAY:%Y%m%d}-{begin // 60:02}.csv{'.gz' if end == 1440 else ''}", begin, end)
        for begin, end in slices
    ]
    written = write_files(
        meridian_traffic(seed, decks),
        specs,
        folder,
        records=RECORDS,
        format_name="freeswitch_trunks",
        dirt=MERIDIAN_DIRT,
        on_progress=on_progress,
    )
    return rates, [UsageFile(SWITCH, file) for file in written]

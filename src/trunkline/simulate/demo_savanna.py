"""Savanna Net, a made-up retail provider in Nairobi: forty voice customers, a month of calls, no vendor side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

from trunkline.simulate.decks import DeckPlan, make_deck, write_rate_lines, write_rates
from trunkline.simulate.describe import AccountPlan, IdentityPlan, SwitchPlan, TariffPlan, TenantPlan, UsageFile
from trunkline.simulate.draws import stream_seed
from trunkline.simulate.files import Dirt, FileSpec, Progress, minutes_by_day, write_files
from trunkline.simulate.flaws import Flaw
from trunkline.simulate.traffic import Source, TrafficPlan, popular_codes
from trunkline.simulate.world import Kind, breakout_codes, country_codes

PBX = "pbx-nairobi"
SIP = "sip-nairobi"
ZONE = "Africa/Nairobi"
PBX_RECORDS = 38_000
SIP_RECORDS = 22_000

_DAYS = 28
_SUNDAY_FIRST = (35, 100, 102, 100, 98, 105, 60)
_HOME = "Savanna Home"
_BUSINESS = "Savanna Business"
_INTERNATIONAL = "Savanna International"
_KES_PER_USD = Fraction(129)

_PEAK = ({"weekdays": [1, 2, 3, 4, 5], "from": "08:00:00", "to": "20:00:00"},)
_OFF_PEAK = (
    {"weekdays": [1, 2, 3, 4, 5], "from": "00:00:00", "to": "08:00:00"},
    {"weekdays": [1, 2, 3, 4, 5], "from": "20:00:00", "to": "24:00:00"},
    {"weekdays": [6, 7]},
)

# Local and regional traffic, and what a Nairobi provider's customers call abroad: weights by country.
_CALLED = {
    "KE": 8600, "UG": 330, "TZ": 290, "RW": 90, "ET": 80, "SO": 70, "SS": 40, "BI": 20, "US": 90, "GB": 110, "IN": 120,
    "AE": 90, "ZA": 60, "CN": 50, "DE": 30, "NG": 30, "SA": 25, "CA": 25, "QA": 20, "FR": 15, "NL": 15, "EG": 15,
}  # fmt: skip

# Name, tariff: the customers of the telephone systems (account codes), of SIP phones (users), and of lines (numbers).
_PBX_CUSTOMERS = (
    "Acacia Dental Practice", "Baobab Hardware", "Chui Security", "Duma Couriers", "Embakasi Motors", "Faru Fitness",
    "Green Valley School", "Hekima Bookshop", "Ivory Tailors", "Jacaranda Guest House", "Kifaru Printing",
    "Langata Veterinary Clinic", "Mara Tours", "Nyota Travel", "Orchid Pharmacy", "Pwani Fish Traders",
)  # fmt: skip
_SIP_CUSTOMERS = (
    "Amina Yusuf", "Brian Otieno", "Catherine Wanjiru", "David Kiprono", "Esther Achieng", "Farah Ali", "Grace Muthoni",
    "Hassan Abdi", "Irene Njeri", "James Mwangi", "Kevin Ochieng", "Lucy Chebet", "Mercy Atieno", "Nathan Kimani",
)  # fmt: skip
_LINE_CUSTOMERS = (
    "Olive Wambui", "Peter Kamau", "Queenter Akinyi", "Robert Mutua", "Salome Jepkosgei", "Thomas Barasa", "Umi Said",
    "Violet Nduta", "Wycliffe Juma", "Zainab Omar",
)  # fmt: skip


def savanna() -> TenantPlan:
    """The operator: customers with their marks, price lists and two switches."""
    profiles = {"Peak": _PEAK, "Off-peak": _OFF_PEAK}
    rules: tuple[Mapping[str, object], ...] = (
        {"begins": "00", "is_last": True},
        {"begins": "0", "put": "254", "on": "called"},
    )
    return TenantPlan(
        name="Savanna Net",
        slug="savanna",
        currency="KES",
        timezone=ZONE,
        accounts=tuple(_accounts()),
        tariffs=(
            TariffPlan(_HOME, "KES", ZONE, "rates-savanna-home.csv", profiles),
            TariffPlan(_BUSINESS, "KES", ZONE, "rates-savanna-business.csv", profiles),
            TariffPlan(_INTERNATIONAL, "KES", ZONE, "rates-savanna-international.csv"),
        ),
        switches=(
            SwitchPlan(PBX, "freeswitch", ZONE, rules, has_buy_side=False),
            SwitchPlan(SIP, "common", "UTC", rules, has_buy_side=False),
        ),
        period=(date(2026, 2, 1), date(2026, 3, 1)),
    )


def _accounts() -> Iterator[AccountPlan]:
    for row, name in enumerate(_PBX_CUSTOMERS):
        identity = IdentityPlan("account_code", "sell", f"{7001 + row}")
        yield _account(f"biz-{7001 + row}", name, _BUSINESS, identity, "50000")
    for name in _SIP_CUSTOMERS:
        user = name.lower().replace(" ", ".")
        yield _account(f"home-{user}", name, _HOME, IdentityPlan("sip_user", "sell", user), "5000")
    for row, name in enumerate(_LINE_CUSTOMERS):
        number = _line_number(row)
        yield _account(f"line-{number[-6:]}", name, _HOME, IdentityPlan("calling", "sell", number), "5000")


def _account(code: str, name: str, tariff: str, identity: IdentityPlan, credit_limit: str) -> AccountPlan:
    return AccountPlan(
        code=code,
        name=name,
        currency="KES",
        timezone=ZONE,
        identities=(identity,),
        sell_tariffs=(tariff, _INTERNATIONAL),
        address=("P.O. Box 00000", "Nairobi 00100", "Kenya"),
        email=f"{code}@savanna.example",
        tax_name="VAT",
        tax_percent="16",
        credit_limit=credit_limit,
        tags=("business",) if tariff == _BUSINESS else ("home",),
        payment_terms_days=14,
    )


def _line_number(row: int) -> str:
    return f"25420{5_000_100 + 7 * row}"


def _sources(switch: str) -> tuple[Source, ...]:
    """The customers of a switch, the first of each kind the busiest; one in three dials abroad with `+`."""
    found = []
    if switch == PBX:
        for row in range(len(_PBX_CUSTOMERS)):
            numbers = tuple(254_204_400_000 + 1000 * row + extension for extension in range(20))
            found.append(_source(f"{7001 + row}", 90 - 4 * row, numbers, row, account_code=f"{7001 + row}"))
        return tuple(found)
    for row, name in enumerate(_SIP_CUSTOMERS):
        user = name.lower().replace(" ", ".")
        found.append(_source(user, 60 - 3 * row, (254_205_600_000 + row,), row, sip_user=user))
    for row in range(len(_LINE_CUSTOMERS)):
        number = _line_number(row)
        found.append(_source(number, 40 - 3 * row, (int(number),), row))
    return tuple(found)


def _stranger() -> Source:
    """Calls that nothing tells to be anybody's: marks and numbers that no customer has."""
    unowned = tuple(254_208_800_000 + extension for extension in range(50))
    return Source("nobody", 1, account_code="999999", sip_user="nobody", callers=unowned)


def _source(
    name: str, weight: int, callers: tuple[int, ...], row: int, *, account_code: str = "", sip_user: str = ""
) -> Source:
    return Source(
        name=name,
        weight=weight,
        callers=callers,
        account_code=account_code,
        sip_user=sip_user,
        dial="+" if row % 3 == 0 else "00",
        national="254",
    )


def _local_rates(is_business: bool) -> Iterator[dict[str, str]]:
    """Kenya by network, peak and off-peak; neighbours with a setup fee; Nairobi for a flat fee at home."""
    style = "1/1" if is_business else "60/1"
    common = {"per": "60", "rounding": "half_up/2", "valid_from": "2026-01-01T00:00:00+03:00"}
    if is_business:
        common["grace"] = "4"
    prices = {
        "Kenya": ("2.40", "1.60"),
        "Safaricom": ("3.60", "2.70"),
        "Airtel": ("3.20", "2.30"),
        "": ("3.80", "2.90"),
    }
    for code, name, kind, operator in _kenyan_codes():
        network = "Kenya" if kind is Kind.FIXED else operator if operator in prices else ""
        for profile, price in zip(("Peak", "Off-peak"), prices[network], strict=True):
            rate = {"code": code, "destination": name, "price": price, "increments": style, "time_profile": profile}
            yield {**common, **rate} | ({} if is_business else {"max_cost": "90"})
    if not is_business:
        flat = {"code": "25420", "destination": "Kenya Nairobi", "price": "0", "increments": "60/60", "setup_fee": "5"}
        yield {**common, **flat}
    for code, name, price, later in (
        ("256", "Uganda", "11.5", "5.75"),
        ("255", "Tanzania", "12.5", "6.25"),
        ("250", "Rwanda", "14", "7"),
    ):
        steps = f"0:{price}/60/60;60:{price}/60/1;600:{later}/60/1"
        yield {**common, "per": "", "code": code, "destination": name, "increments": steps, "setup_fee": "1.5"}


def _kenyan_codes() -> Iterator[tuple[str, str, Kind, str]]:
    table = breakout_codes()
    texts = table.texts().to_pylist()
    for code, place in zip(texts, table.place.tolist(), strict=True):
        found = table.places[place]
        if found.iso2 == "KE":
            yield code, found.name, found.kind, found.operator


def savanna_traffic(seed: int, switch: str) -> TrafficPlan:
    """The month's calls of one switch: mostly within Kenya, quieter on Sundays."""
    codes, weights = popular_codes(420, _CALLED)
    return TrafficPlan(
        seed=stream_seed(seed, switch),
        start=datetime(2026, 1, 31, 21, tzinfo=UTC),
        day_weights=_SUNDAY_FIRST * (_DAYS // 7),
        sources=_sources(switch),
        stranger=_stranger(),
        codes=codes,
        weights=weights,
        answered=680,
        withheld=0,
        median_s=62,
    )


SAVANNA_DIRT = Dirt(
    duplicates=1_500,
    flaws={
        Flaw.FIELD_COUNT: 200,
        Flaw.BAD_TIME: 150,
        Flaw.DURATION_MISMATCH: 150,
        Flaw.BAD_NUMBER: 900,
        Flaw.UNKNOWN_SELL: 1_200,
        Flaw.NO_RATE_SELL: 500,
    },
)


def write_savanna(
    folder: Path, seed: int, on_progress: Progress | None = None
) -> tuple[dict[str, tuple[Path, int]], list[UsageFile]]:
    """Writes the rate files, and a usage file for each week and switch."""
    folder.mkdir(parents=True, exist_ok=True)
    rates = {}
    for name, is_business in ((_HOME, False), (_BUSINESS, True)):
        path = folder / f"rates-{name.lower().replace(' ', '-')}.csv"
        rates[name] = (path, write_rate_lines(tuple(_local_rates(is_business)), path))
    abroad = DeckPlan(_INTERNATIONAL, 31, level=1750, spread=100, currency_per_usd=_KES_PER_USD, decimals=2)
    path = folder / "rates-savanna-international.csv"
    rates[_INTERNATIONAL] = (path, write_rates(make_deck(abroad, country_codes()), path))
    usage = []
    weeks = list(minutes_by_day(_DAYS, 24 * 7))
    for switch, form, records, zone in (
        (PBX, "freeswitch", PBX_RECORDS, ZONE),
        (SIP, "common", SIP_RECORDS, "UTC"),
    ):
        specs = [
            FileSpec(f"{switch}-202602-week{week}.csv", begin, end) for week, (begin, end) in enumerate(weeks, start=1)
        ]
        written = write_files(
            savanna_traffic(seed, switch),
            specs,
            folder,
            records=records,
            format_name=form,
            zone=zone,
            dirt=SAVANNA_DIRT,
            on_progress=on_progress,
        )
        usage += [UsageFile(switch, file) for file in written]
    return rates, usage

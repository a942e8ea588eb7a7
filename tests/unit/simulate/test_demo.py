"""The two operators of the demo: who they are, what their files hold, and that the money is plausible."""

import csv
import ipaddress
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from trunkline.core.currency import get_currency
from trunkline.engine.units import Unit
from trunkline.simulate.decks import RATE_FILE_COLUMNS
from trunkline.simulate.demo import DEMO_RECORDS, DEMO_SEED, demo_tenants, write_demo, write_exchange_rates
from trunkline.simulate.demo_meridian import meridian, meridian_decks, meridian_traffic
from trunkline.simulate.demo_savanna import PBX, SIP, savanna, savanna_traffic
from trunkline.simulate.files import total
from trunkline.simulate.traffic import attempts
from trunkline.tariffs.rate_file import read_rate_file

DOCUMENTATION = [ipaddress.ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    told: list[int] = []
    folder = tmp_path_factory.mktemp("demo")
    return folder, write_demo(folder, on_progress=told.append), told


def test_the_carrier_has_six_customers_and_five_vendors_one_of_them_both():
    plan = meridian()
    customers = [account for account in plan.accounts if account.is_customer]
    vendors = [account for account in plan.accounts if account.is_vendor]
    assert (len(customers), len(vendors), len(plan.accounts)) == (6, 5, 10)
    assert [account.code for account in plan.accounts if account.is_customer and account.is_vendor] == ["atlas"]
    assert [account.code for account in vendors if account.currency == "EUR"] == ["baltic"]
    assert {identity.kind for account in customers for identity in account.identities} == {"trunk", "ip"}
    assert any(identity.tech_prefix for account in customers for identity in account.identities)


def test_the_retailer_has_forty_customers_told_by_three_kinds_of_marks():
    plan = savanna()
    assert len(plan.accounts) == 40
    assert not any(account.is_vendor for account in plan.accounts)
    kinds = [identity.kind for account in plan.accounts for identity in account.identities]
    assert {kind: kinds.count(kind) for kind in kinds} == {"account_code": 16, "sip_user": 14, "calling": 10}
    assert {account.currency for account in plan.accounts} == {"KES"}


@pytest.mark.parametrize("plan", demo_tenants(), ids=lambda plan: plan.slug)
def test_a_description_refers_only_to_what_it_holds(plan):
    tariffs = {tariff.name for tariff in plan.tariffs}
    codes = [account.code for account in plan.accounts]
    assert len(codes) == len(set(codes))
    marks = [(i.kind, i.side, i.value, i.tech_prefix) for account in plan.accounts for i in account.identities]
    assert len(marks) == len(set(marks))
    for account in plan.accounts:
        assert {*account.sell_tariffs, *account.buy_tariffs} <= tariffs
        assert account.parent in {None, *codes}
        assert get_currency(account.currency)
        assert 0 <= Decimal(account.tax_percent) <= 25
        assert bool(account.tax_name) == (Decimal(account.tax_percent) > 0)
        assert account.email.endswith(".example")
        for identity in account.identities:
            if identity.kind == "ip":
                assert any(ipaddress.ip_network(identity.value).subnet_of(block) for block in DOCUMENTATION)
    assert plan.period[0] < plan.period[1]


def test_the_sources_of_the_traffic_are_the_accounts():
    carrier = meridian_traffic(1, meridian_decks())
    codes = {account.code for account in meridian().accounts}
    assert {source.name for source in carrier.sources} | {sink.name for sink in carrier.sinks} == codes
    marks = {identity.value for account in savanna().accounts for identity in account.identities}
    assert {source.name for switch in (PBX, SIP) for source in savanna_traffic(1, switch).sources} == marks


@pytest.mark.slow
def test_the_files_hold_what_the_demo_promises(written):
    _, (carrier, retail), told = written
    day, month = total([file.written for file in carrier.usage]), total([file.written for file in retail.usage])
    assert (day["records"], month["records"]) == (300_000, 60_000)
    assert sum(told) == DEMO_RECORDS == 360_000
    assert (len(carrier.usage), len(retail.usage)) == (6, 8)
    assert 0.54 < day["connected"] / day["calls"] < 0.56
    assert day["duplicates"] == 2400
    assert all(file.written.duplicates for file in carrier.usage)
    assert day["reject_unknown_sell"] == 480
    assert day["reject_no_rate_sell"] == 750
    assert {name for name in month if name.startswith("reject_")} >= {"reject_unknown_sell", "reject_bad_number"}
    for tenant in (carrier, retail):
        assert {file.switch for file in tenant.usage} == {switch.name for switch in tenant.plan.switches}
        for tariff in tenant.plan.tariffs:
            path, count = tenant.rates[tariff.name]
            assert path.name == tariff.rates
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            assert len(rows) == count
            assert tuple(rows[0]) == RATE_FILE_COLUMNS
            loaded = read_rate_file(
                path.read_bytes(), unit=Unit.SECOND, timezone=tariff.timezone, profiles=tariff.time_profiles
            )
            assert loaded.problems == []
            assert loaded.rates.num_rows == count
            named = {row["destination"] for row in rows}
            assert named <= {destination.name for destination in tenant.destinations}


@pytest.mark.slow
def test_decks_are_of_different_depth(written):
    _, (carrier, _), _ = written
    counts = {name: count for name, (_, count) in carrier.rates.items()}
    assert counts["Country Flat"] == counts["Pacific Flat"] < 400
    assert counts["Orion Gold"] > 30_000
    assert 5_000 < counts["Baltic A-Z"] < 9_000


@pytest.mark.slow
def test_the_same_seed_writes_the_same_files_again(written, tmp_path):
    folder, _, _ = written
    write_demo(tmp_path)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert [name for name in names if (folder / name).read_bytes() != (tmp_path / name).read_bytes()] == []


@pytest.mark.slow
def test_the_carrier_earns_about_a_tenth_and_loses_on_some_routes():
    decks = meridian_decks()
    plan = meridian_traffic(DEMO_SEED, decks)
    made = attempts(plan, 0, 200_000, 0, int(plan.minutes[-1]))
    tariffs = {account.code: account.sell_tariffs[-1] for account in meridian().accounts if account.is_customer}
    price = np.zeros(len(made), dtype=np.int64)
    for row, source in enumerate(plan.sources):
        mask = made.source == row
        price[mask] = decks[tariffs[source.name]].price_of(made.called[mask])
    special = decks["Kestrel Africa"].price_of(made.called)
    price = np.where((made.source == 4) & (special >= 0), special, price)
    buy = {account.code: account.buy_tariffs[0] for account in meridian().accounts if account.is_vendor}
    cost = np.zeros(len(made), dtype=np.int64)
    for row, sink in enumerate(plan.sinks):
        mask = made.sink == row
        rate = decks[buy[sink.name]].plan.currency_per_usd
        paid = decks[buy[sink.name]].price_of(made.called[mask])
        cost[mask] = paid * rate.denominator // rate.numerator
    assert price.min() > 0
    assert cost[made.sink >= 0].min() > 0
    seconds = -(-made.duration() // 1000)
    revenue, spent = int((price * seconds).sum()), int((cost * seconds).sum())
    assert 0.08 < 1 - spent / revenue < 0.15
    country = np.asarray([place.iso2 for place in plan.codes.places])[plan.codes.place][made.code]
    kept = {iso2: int(((price - cost) * seconds)[country == iso2].sum()) for iso2 in np.unique(country).tolist()}
    assert 3 < sum(value < 0 for value in kept.values()) < len(kept) // 5


def test_exchange_rates_are_in_the_layout_of_the_ecb_and_cover_the_day(tmp_path):
    path = tmp_path / "rates.csv"
    count = write_exchange_rates(path, DEMO_SEED)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Date", "USD", "GBP", "CHF", "KES", "ZAR", ""]
    days = [date.fromisoformat(row[0]) for row in rows[1:]]
    assert len(days) == count
    assert days == sorted(days, reverse=True)
    assert date(2026, 3, 2) in days
    assert date(2026, 3, 1) not in days
    assert all(1.05 < float(row[1]) < 1.12 for row in rows[1:])

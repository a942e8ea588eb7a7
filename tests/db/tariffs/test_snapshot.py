"""Compiled prices: what the database says, kept in files that are made again whenever they must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trunkline.core.errors import Unavailable
from trunkline.engine.rate import rate
from trunkline.engine.schema import EVENT_SCHEMA, RATE_SCHEMA, Outcome, TimeWindow
from trunkline.engine.units import Unit
from trunkline.parties.actions import create_account
from trunkline.tariffs import actions, models, snapshot
from trunkline.tariffs.actions import revisions
from trunkline.tariffs.actions.rates import ENDS
from trunkline.tariffs.held import HeldPrices
from trunkline.tariffs.rate_file import read_rate_file
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
RATES = (
    "code,destination,price,increments,setup_fee,grace,valid_from,valid_to,time_profile,weight,rounding,max_cost,"
    "blocked,tag,length_min,length_max,policy\n"
    "44,United Kingdom,0.5,60/1,0.0000000001,3,2026-01-01,2026-07-01,peak,12.5,down/3,99.12345678,true,,10,12,additive\n"
    "44,United Kingdom,,0:0.2/60/60;60:0.1/60/1,,,,,,,,,,cli,,,\n"
    ",,1,,,,,,,,,,,,,,\n"
)


def loaded(name: str = "Retail", text: str = RATES, currency: str = "KES") -> models.Tariff:
    tariff = actions.create_tariff(name=name, currency=currency, at=AT)
    actions.load_rates(tariff_id=tariff.pk, data=text.encode(), at=AT)
    tariff.refresh_from_db()
    return tariff


@pytest.fixture
def peak(in_scope: Any) -> Any:
    actions.create_time_profile(name="peak", windows=[{"weekdays": [1], "from": "08:00"}], at=AT)
    return in_scope


def files(data_folder: Path) -> set[str]:
    return {path.name for path in data_folder.glob("snapshots/*/*")} | {
        path.name for path in data_folder.glob("snapshots/*/.*")
    }


def priced(prices: snapshot.Prices, tariff: models.Tariff, number: str, seconds: int) -> tuple[Outcome, int | None]:
    events = pa.table(
        {
            "number": [number],
            "start": pa.array([AT], EVENT_SCHEMA.field("start").type),
            "quantity": [seconds],
            "plan": pa.array([0], pa.int32()),
            "tag_set": pa.nulls(1, pa.int32()),
        }
    ).cast(EVENT_SCHEMA)
    (row,) = rate(prices.snapshot, events, [(tariff.pk,)]).to_pylist()
    return Outcome(row["outcome"]), row["amount"]


def test_rates_are_read_as_the_engine_takes_them(peak: Any) -> None:
    tariff = loaded()
    first, second, third = models.Rate.objects.order_by("id")
    table = snapshot.read_rates(tariff.pk)
    assert table.schema == RATE_SCHEMA
    plain = dict.fromkeys(RATE_SCHEMA.names) | {
        "weight": 100_000,
        "setup_fee": 0,
        "grace": 0,
        "rounding_mode": 0,
        "rounding_decimals": 8,
        "blocked": False,
        "additive": False,
    }
    per_minute = {"per": 60, "increment": 1}
    assert table.to_pylist() == [
        {
            "rate_id": first.pk,
            "code": "44",
            "destination_id": first.destination_id,
            "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
            "valid_to": datetime(2026, 7, 1, tzinfo=UTC),
            "time_profile": "peak",
            "weight": 125_000,
            "setup_fee": 1,
            "grace": 3,
            "rounding_mode": 3,
            "rounding_decimals": 3,
            "max_cost": 9_912_345_678,
            "length_min": 10,
            "length_max": 12,
            "tag": None,
            "origin": None,
            "blocked": True,
            "additive": True,
            "steps": [
                {"start": 0, "price": 5_000_000_000, "per": 60, "increment": 60},
                {"start": 60, "price": 5_000_000_000} | per_minute,
            ],
        },
        plain
        | {
            "rate_id": second.pk,
            "code": "44",
            "destination_id": first.destination_id,
            "tag": "cli",
            "steps": [
                {"start": 0, "price": 2_000_000_000, "per": 60, "increment": 60},
                {"start": 60, "price": 1_000_000_000} | per_minute,
            ],
        },
        plain | {"rate_id": third.pk, "code": "", "steps": [{"start": 0, "price": 10**10} | per_minute]},
    ]


def test_prices_are_loaded_and_rate(peak: Any) -> None:
    tariff, other = loaded(), loaded("Wholesale", "code,price\n25,60\n", "USD")
    empty = actions.create_tariff(name="Empty", currency="JPY", unit="message", at=AT)
    prices = snapshot.load(peak.pk)
    assert prices.tariff_currencies == {tariff.pk: "KES", other.pk: "USD", empty.pk: "JPY"}
    assert [(t.name, t.currency, t.timezone, t.unit, t.rates.num_rows) for t in prices.snapshot.tariffs] == [
        ("Retail", "KES", "UTC", Unit.SECOND, 3),
        ("Wholesale", "USD", "UTC", Unit.SECOND, 1),
        ("Empty", "JPY", "UTC", Unit.MESSAGE, 0),
    ]
    assert prices.snapshot.tariffs[0].time_profiles == {
        "peak": (TimeWindow(weekdays=frozenset({1}), start_s=8 * 3600),)
    }
    assert priced(prices, other, "254720000001", 90) == (Outcome.RATED, 90 * 10**8)
    assert priced(prices, other, "44", 90) == (Outcome.NO_RATE, None)
    assert priced(prices, empty, "254", 1) == (Outcome.NO_RATE, None)


def test_files_are_kept_until_the_tariff_changes(peak: Any, data_folder: Path) -> None:
    tariff = loaded()
    first = snapshot.load(peak.pk)
    kept = files(data_folder)
    stem = f"tariff-{tariff.pk}-2-{tariff.stamp.hex}"
    assert kept == {f"{stem}.rates.arrow", f"{stem}.compiled.arrow"}
    models.Rate.objects.all().delete()  # behind the tariff's back: the files answer
    again = snapshot.load(peak.pk)
    assert again.version == first.version
    assert again.snapshot.tariffs[0].rates.num_rows == 3
    actions.load_rates(tariff_id=tariff.pk, data=b"code,price\n44,3\n", at=AT)
    changed = snapshot.load(peak.pk)
    assert changed.version != first.version
    assert changed.snapshot.tariffs[0].rates["code"].to_pylist() == ["44", "44", "", "44"]  # only the new one was read
    assert len(files(data_folder)) == 2
    assert not files(data_folder) & kept
    assert first.snapshot.tariffs[0].rates["code"].to_pylist() == ["44", "44", ""]  # still mapped


def test_a_file_is_brought_up_to_date_by_what_was_changed(peak: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tariff = loaded(
        text="code,destination,price,valid_from\n" + "".join(f"{n},Place,{n},2026-01-01\n" for n in range(100, 200))
    )
    whole, asked = snapshot.read_rates, list[str]()

    def read(tariff_id: int, which: str = snapshot.NOT_VOIDED) -> pa.Table:
        asked.append(which)
        return whole(tariff_id, which)

    monkeypatch.setattr(snapshot, "read_rates", read)

    def kept() -> pa.Table:
        return snapshot.load(peak.pk).snapshot.tariffs[0].rates

    def now() -> models.Tariff:
        return models.Tariff.objects.get(pk=tariff.pk)

    def require_current(*, is_followed: bool = True) -> None:
        asked.clear()
        assert kept().equals(whole(tariff.pk))
        assert [which != snapshot.NOT_VOIDED for which in asked] == [is_followed]

    require_current(is_followed=False)
    newer = b"code,destination,price,valid_from\n150,Place,7,2026-05-01\n160,Place,8,2025-05-01\n99,Place,9,\n"
    actions.load_rates(tariff_id=tariff.pk, data=newer, supersede_earlier=True, at=AT)
    require_current()
    actions.void_rates(tariff_id=tariff.pk, rate_ids=models.Rate.objects.values_list("pk", flat=True)[3:9], at=AT)
    actions.change_tariff(tariff_id=tariff.pk, name="Retail 2", at=AT)
    require_current()
    standing = actions.standing_rates(now())
    ends = pa.table({"id": standing["id"].slice(10, 5), "at": pa.array([AT] * 5, ENDS.field("at").type)}, schema=ENDS)
    found = read_rate_file(
        b"code,price,valid_from\n500,7,2026-05-01\n", unit=Unit.SECOND, timezone="UTC", profiles=set()
    )
    done = actions.change_rates(tariff_id=tariff.pk, rates=found.rates, ends=ends, revision=now().revision, at=AT)
    require_current()
    actions.undo_change(tariff_id=tariff.pk, change=done, revision=done.revision, at=AT)
    require_current()
    models.TariffRevision.objects.all().delete()  # no way leads from there
    actions.void_rates(tariff_id=tariff.pk, rate_ids=[standing["id"][0].as_py()], at=AT)
    require_current()
    actions.change_tariff(tariff_id=tariff.pk, name="Retail 3", at=AT)
    models.TariffRevision.objects.all().delete()
    require_current(is_followed=False)


def test_only_the_newest_revisions_and_small_changes_are_written_down(
    peak: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tariff = loaded()
    for number in range(revisions.KEPT_REVISIONS + 5):
        actions.change_tariff(tariff_id=tariff.pk, name=f"Retail {number}", at=AT)
    found = models.TariffRevision.objects.order_by("revision")
    assert found.count() == revisions.KEPT_REVISIONS
    assert (found.last().stamp, found.last().touched) == (models.Tariff.objects.get().stamp, [])
    monkeypatch.setattr(revisions, "TOUCHED_MAX", 1)
    actions.load_rates(tariff_id=tariff.pk, data=b"code,price\n31,1\n32,1\n", at=AT)
    assert found.last().revision == models.Tariff.objects.get().revision - 1
    snapshot.load(peak.pk)


def test_prices_that_are_held_are_swapped_as_one_and_stay_where_the_new_ones_fail(
    peak: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tariff = loaded("Retail", "code,price\n44,60\n33,60\n")
    held = HeldPrices(peak.pk)
    first = held.current
    assert not held.refresh()
    assert held.current is first
    actions.load_rates(tariff_id=tariff.pk, data=b"code,price\n44,30\n33,30\n", supersede_earlier=True, at=AT)
    assert held.current is first
    assert held.refresh()
    for prices, units in ((first, 10**8), (held.current, 10**8 // 2)):
        assert {priced(prices, tariff, number, 1) for number in ("44", "33")} == {(Outcome.RATED, units)}
    second = held.current
    actions.change_tariff(tariff_id=tariff.pk, name="Other", at=AT)
    monkeypatch.setattr(snapshot, "_rates_of", _always_changed)
    with pytest.raises(Unavailable):
        held.refresh()
    assert held.current is second
    assert priced(second, tariff, "44", 1) == (Outcome.RATED, 10**8 // 2)


def test_damaged_and_missing_files_are_made_again(peak: Any, data_folder: Path) -> None:
    tariff = loaded()
    before = snapshot.load(peak.pk)
    rates, compiled = sorted(data_folder.glob("snapshots/*/*.arrow"), reverse=True)
    for damage in (
        rates.unlink,
        lambda: rates.write_bytes(b""),
        lambda: compiled.write_bytes(compiled.read_bytes()[:100]),
        lambda: compiled.write_bytes(rates.read_bytes()),  # a table, but no compiled tariff
    ):
        damage()
        after = snapshot.load(peak.pk)
        assert after.version == before.version
        assert priced(after, tariff, "254", 60) == (Outcome.RATED, 10**8)
    left = rates.with_name(".tariff-9-1-aa.rates.arrow.1.999999999")
    left.write_bytes(b"cut off")
    snapshot.load(peak.pk)
    assert not left.exists()


def test_the_version_tells_every_change_of_prices(peak: Any) -> None:
    tariff = loaded()
    account = create_account(code="a", name="A", currency="KES", timezone="UTC", at=AT)
    versions = [snapshot.load(peak.pk).version]
    assert snapshot.load(peak.pk).version == versions[0]
    profile = models.TimeProfile.objects.get()
    row = actions.assign_tariff(account=account, tariff=tariff, side="sell", at=AT)
    versions.append(snapshot.load(peak.pk).version)
    actions.end_assignment(assignment_id=row.pk, valid_to=AT, at=AT)
    versions.append(snapshot.load(peak.pk).version)
    actions.change_time_profile(profile_id=profile.pk, windows=[{"to": "08:00"}], at=AT)
    versions.append(snapshot.load(peak.pk).version)
    actions.void_rates(tariff_id=tariff.pk, rate_ids=[models.Rate.objects.first().pk], at=AT)  # type: ignore[union-attr]
    versions.append(snapshot.load(peak.pk).version)
    actions.change_tariff(tariff_id=tariff.pk, timezone="Africa/Nairobi", at=AT)
    versions.append(snapshot.load(peak.pk).version)
    assert len(set(versions)) == len(versions)


def test_a_tariff_that_changes_while_it_is_read_is_read_again(peak: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tariff = loaded()
    read, meddlings = snapshot.read_rates, [1, 1]

    def meddle(tariff_id: int) -> pa.Table:
        table = read(tariff_id)
        if meddlings:
            meddlings.pop()
            rate = models.Rate.objects.filter(voided_at=None).order_by("id").first()
            assert rate is not None
            actions.void_rates(tariff_id=tariff.pk, rate_ids=[rate.pk], at=AT)
        return table

    monkeypatch.setattr(snapshot, "read_rates", meddle)
    prices = snapshot.load(peak.pk)
    assert prices.snapshot.tariffs[0].rates["code"].to_pylist() == [""]
    monkeypatch.setattr(snapshot, "_rates_of", _always_changed)
    actions.change_tariff(tariff_id=tariff.pk, name="Other", at=AT)
    with pytest.raises(Unavailable):
        snapshot.load(peak.pk)


def _always_changed(row: models.Tariff, place: Path) -> pa.Table:
    raise snapshot._ChangedMeanwhileError


def test_plans_change_at_the_dates_of_the_assignments(in_scope: Any) -> None:
    account = create_account(code="a", name="A", currency="KES", timezone="UTC", is_vendor=True, at=AT)
    old, new, extra, buy, sms = (
        actions.create_tariff(name=name, currency="KES", unit=unit, at=AT)
        for name, unit in (
            ("old", "second"),
            ("new", "second"),
            ("extra", "second"),
            ("buy", "second"),
            ("sms", "message"),
        )
    )
    change = AT + timedelta(microseconds=1)  # takes effect with the next millisecond
    actions.assign_tariff(account=account, tariff=extra, side="sell", position=2, at=AT)
    actions.assign_tariff(account=account, tariff=old, side="sell", position=1, valid_to=change, at=AT)
    actions.assign_tariff(account=account, tariff=new, side="sell", position=1, valid_from=change, at=AT)
    actions.assign_tariff(account=account, tariff=buy, side="buy", valid_from=AT + timedelta(hours=1), at=AT)
    actions.assign_tariff(account=account, tariff=sms, side="sell", service="sms", at=AT)
    plans = snapshot.load(in_scope.pk).plans
    at_ms = round(AT.timestamp() * 1000)
    epochs = plans.epochs(np.array([0, at_ms, at_ms + 1, at_ms + 3_600_000], np.int64)).tolist()
    sell = [plans.plan(epoch, account.pk, "sell", "voice") for epoch in epochs]
    assert sell == [(old.pk, extra.pk), (old.pk, extra.pk), (new.pk, extra.pk), (new.pk, extra.pk)]
    assert [plans.plan(epoch, account.pk, "buy", "voice") for epoch in epochs] == [(), (), (), (buy.pk,)]
    assert {plans.plan(epoch, account.pk, "sell", "sms") for epoch in epochs} == {(sms.pk,)}
    assert {plans.plan(epoch, account.pk, "sell", "data") for epoch in epochs} == {()}


def test_a_tenant_without_tariffs_has_prices_too(in_scope: Any) -> None:
    prices = snapshot.load(in_scope.pk)
    assert (prices.snapshot.tariffs, prices.tariff_currencies) == ([], {})
    assert prices.plans.plan(0, 1, "sell", "voice") == ()


def test_tenants_have_their_own_prices(tenant: Any, other_tenant: Any) -> None:
    for each, price in ((tenant, "1"), (other_tenant, "2")):
        with scope(each, "test"):
            loaded(text=f"code,price\n254,{price}\n")
    for each, price in ((tenant, 1), (other_tenant, 2)):
        with scope(each, "test"):
            prices = snapshot.load(each.pk)
            assert len(prices.snapshot.tariffs) == 1
            tariff = models.Tariff.objects.get()
            assert priced(prices, tariff, "254", 60) == (Outcome.RATED, price * 10**8)

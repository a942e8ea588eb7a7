"""What every crash case begins with: a small carrier with records that are good, bad, doubled and contradictory."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from tests.db.usage.carrier import COLUMNS, START, line

TENANT = "alpha-carrier"
LEGS = "method,from_tag,to_tag,callid,sip_code,sip_reason,time,caller,callee,trunk_in,trunk_out"
CALLED = ("254700000001", "254711222333", "254722000111")


def record(number: int, *, seconds: int | None = None, **more: str) -> str:
    """The record of that number: the same number gives the same line. Four days, every tenth call unanswered."""
    start = START + timedelta(hours=number * 97 % 96, seconds=number)
    length = number % 10 * 37 if seconds is None else seconds
    called = more.pop("called", CALLED[number % len(CALLED)])
    return line(f"k{number}", length, called=called, start=start, **more)


def lines(first: int, count: int) -> list[str]:
    """Some records with what real files have: lines sent twice, other content under a known key, unknown trunks, no price, rubbish."""
    made = [record(number) for number in range(first, first + count)]
    made += made[::100]
    made += [record(number, seconds=1234) for number in range(first, first + count, 250)]
    made += [record(10_000 + first + number, seconds=60, called="255700000001") for number in range(10)]
    made += [record(20_000 + first + number, seconds=60, trunk_in="nobody") for number in range(5)]
    made += ["rubbish", f"k{first}-x,254700000001,2026-02-30T10:00:00Z,,,0,in,out"]
    return made


def write(path: Path, made: list[str]) -> None:
    path.write_text("\n".join([COLUMNS, *made]) + "\n")


def write_files(folder: Path) -> None:
    """`first.csv`, `march.csv` which repeats some of it, and `watched.csv`; files of legs."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "first.csv", lines(0, 300))
    write(folder / "march.csv", [*lines(300, 2000), *(record(number) for number in range(0, 300, 10))])
    write(folder / "watched.csv", lines(5000, 400))
    names = ("begun.csv", "ended.csv", "early.csv", "late.csv")
    for name, made in zip(names, (*legs(200), *late_legs(50)), strict=True):
        (folder / name).write_text("\n".join([LEGS, *made]) + "\n")


def late_legs(count: int) -> tuple[list[str], list[str]]:
    """Calls of a re-INVITE and a BYE, and the INVITEs that come when they are posted."""
    early, late = [], []
    for number in range(count):
        start = START + timedelta(seconds=60 * number)
        again, end = start + timedelta(seconds=20), start + timedelta(seconds=50)
        for made, at in ((late, start), (early, again)):
            made.append(
                f"INVITE,a,b,late-{number},200,OK,{at:%Y-%m-%d %H:%M:%S},4930123,{CALLED[number % len(CALLED)]},in,out"
            )
        early.append(f"BYE,b,a,late-{number},200,OK,{end:%Y-%m-%d %H:%M:%S},,,,")
    return early, late


def legs(count: int) -> tuple[list[str], list[str]]:
    """Calls of which most begin in one file and end in the other; some are whole in one, some lack a leg."""
    begun, ended = [], []
    for number in range(count):
        start = START + timedelta(seconds=60 * number)
        end = start + timedelta(seconds=number % 10 * 7 + 1)
        begin = (
            f"INVITE,a,b,call-{number},200,OK,{start:%Y-%m-%d %H:%M:%S},4930123,{CALLED[number % len(CALLED)]},in,out"
        )
        bye = f"BYE,b,a,call-{number},200,OK,{end:%Y-%m-%d %H:%M:%S},,,,"
        begun += [begin] if number % 9 else [begin, bye]
        ended += [bye] * (number % 9 > 0 and number % 7 > 0)
    return begun, [*ended, *begun[::20]]


def carrier(folder: str) -> None:
    """Make the tenant, its prices, the switch `core` and the switch `watched` with its folder. Runs as a command."""
    import django

    from trunkline.cli.ready import get_ready

    get_ready()
    django.setup()
    from tests.db.usage.carrier import NOW, Carrier
    from trunkline.usage.actions import create_switch

    made = Carrier.make(Path(folder), formats=())
    with made.scope():
        create_switch(name="core", format="common", at=NOW)
        create_switch(name="proxy", format="kamailio_acc", at=NOW)
        create_switch(name="watched", format="common", watch_folder=str(Path(folder, "watched")), at=NOW)
    Path(folder, "watched").mkdir()
    print(json.dumps({"tenant": made.tenant_id}))  # noqa: T201


def dearer() -> None:
    """Give Kenya other prices on both sides, so that pricing again has something to do. Runs as a command."""
    from trunkline.cli.ready import get_ready

    get_ready()
    from trunkline.kit import clock
    from trunkline.kit.db.locks import lock_rows
    from trunkline.tariffs.actions.revisions import bump
    from trunkline.tariffs.models import Rate, Tariff
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope

    with scope(get_tenant_id(TENANT), "test"):
        for tariff in lock_rows(Tariff.objects.all(), Tariff.objects.values_list("pk", flat=True)):
            (rate,) = Rate.objects.filter(tariff=tariff, code="254")
            rate.voided_at = clock.now()
            rate.save()
            Rate.objects.create(tariff=tariff, code="2547", destination=rate.destination, steps="0:0.30/60/1")
            Rate.objects.create(tariff=tariff, code="25470", destination=rate.destination, steps=rate.steps)
            bump(tariff)


def age() -> None:
    """Let all legs that wait have waited for two days. Runs as a command."""
    from trunkline.cli.ready import get_ready

    get_ready()
    from django.db.models import F

    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope
    from trunkline.usage.models import WaitingLeg

    with scope(get_tenant_id(TENANT), "test"):
        WaitingLeg.objects.update(waits_since=F("waits_since") - timedelta(days=2))


def mend() -> None:
    """Give both tariffs a price for what had none, so that sending rejects again has something to do. Runs as a command."""
    from trunkline.cli.ready import get_ready

    get_ready()
    from trunkline.tariffs.models import Rate, Tariff
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope

    with scope(get_tenant_id(TENANT), "test"):
        for rate in Rate.objects.filter(code="254"):
            Rate.objects.create(tariff=rate.tariff, code="255", destination=rate.destination, steps=rate.steps)
        for tariff in Tariff.objects.all():
            tariff.revision += 1
            tariff.save()

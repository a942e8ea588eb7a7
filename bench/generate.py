"""How long it takes to make a selling tariff: 200,000 codes from the price lists of eight vendors, simulated and applied.

Seven vendors list every code, one has a shorter code for each ten of them; three currencies, some codes blocked, other increments here and there. The method is a
weighted blend with a margin, a rule by destination, a floor at the second vendor's price and the worst increments. The first run writes every code into an empty tariff:
`generator run`, which reads, makes and compares, and `generator apply`, each from the start of its process to its end. Then one vendor changes a tenth of its
prices and both are measured again; the sum of what stands is proved, and a sample of prices against fractions.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from fractions import Fraction
from time import perf_counter
from typing import Any

from bench.place import Place

CODES = 200_000
VENDORS = 8
MUST_TAKE_S = 20.0
TENANT = "generate"
FIRST_CODE = 1_000_000
CURRENCIES = ("USD", "EUR", "GBP")
EXCHANGE = {"USD": "1", "EUR": "1.0845", "GBP": "1.2731"}
WEIGHTS = (80, 15, 5)
PROVED = 500


def run(*, records: int = CODES) -> dict[str, Any]:
    """Seconds for so many codes: simulated and applied, and once more after a change."""
    codes = records
    with Place(f"generate-{codes}") as place:
        place.command("tenant", "add", TENANT, "--currency", "USD")
        place.environment["TRUNKLINE_TENANT"] = TENANT
        _make_ground(place, codes)
        figures: dict[str, Any] = {"codes": codes, "vendors": VENDORS, "prices": (VENDORS - 1) * codes + codes // 10}
        os.sync()  # what was written before is not to be paid by the run
        figures |= {f"first_{name}": value for name, value in _measured(place).items()}
        _prove(place, codes, figures["first_run"])
        _load(place, 0, codes, changed=True)
        os.sync()
        figures |= {f"again_{name}": value for name, value in _measured(place).items()}
        _prove_again(figures["again_run"], codes)
    for each in ("first_run", "again_run"):
        figures[each] = {name: count for name, count in figures[each]["counts"].items() if count}
    figures["first_s"] = round(figures["first_simulate_s"] + figures["first_apply_s"], 2)
    figures["again_s"] = round(figures["again_simulate_s"] + figures["again_apply_s"], 2)
    return {"passed": max(figures["first_s"], figures["again_s"]) <= MUST_TAKE_S, **figures}


def _make_ground(place: Place, codes: int) -> None:
    deck = place.folder / "deck.csv"
    with deck.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("code", "destination"))
        writer.writerows((_code(number), f"Place {number // 500}") for number in range(codes))
    place.command("tariff", "load-deck", "World", str(deck))
    for currency in CURRENCIES[1:]:
        place.command("tariff", "set-exchange-rate", currency, "USD", EXCHANGE[currency], "--on", "2026-01-01")
    for vendor in range(VENDORS):
        name = f"Vendor {vendor}"
        place.command("tariff", "add", name, "--currency", _currency(vendor), "--timezone", "UTC")
        _load(place, vendor, codes, changed=False)
    place.command("tariff", "add", "Retail", "--currency", "USD", "--timezone", "UTC")
    sources = [word for vendor in range(VENDORS) for word in ("--source", f"Vendor {vendor}")]
    place.command(
        "generator", "set", "Retail", "--tariff", "Retail", "--deck", "World", *sources, "--method", "blend",
        "--weights", "/".join(map(str, WEIGHTS)), "--percent", "20", "--not-below-position", "2", "--decimals", "4", "--rounding", "up",
        "--increments", "worst", "--rule", "destination='Place 1*' percent=12.5 absolute=0.0005",
    )  # fmt: skip


def _load(place: Place, vendor: int, codes: int, *, changed: bool) -> None:
    path = place.folder / "rates.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("code", "destination", "price", "increments", "valid_from", "blocked"))
        writer.writerows(_rates(vendor, codes, changed=changed))
    place.command("tariff", "load-rates", f"Vendor {vendor}", str(path), "--supersede")


def _currency(vendor: int) -> str:
    return CURRENCIES[vendor % len(CURRENCIES)]


def _code(number: int) -> str:
    return str(FIRST_CODE + number)


def _is_short(vendor: int) -> bool:
    return vendor == VENDORS - 1


def _price(vendor: int, number: int, *, changed: bool = False) -> int:
    """Millionths of the vendor's currency for a minute; the same for the ten codes of a shorter one of a vendor that has only that."""
    base = number // 10 if _is_short(vendor) else number
    units = 1_000 + base * 37 % 9_000 + vendor * 131 % 900
    return units + 13 if changed and vendor == 0 and number % 10 == 0 else units


def _is_blocked(vendor: int, number: int) -> bool:
    return not _is_short(vendor) and (number + vendor * 11) % 97 == 0


def _rates(vendor: int, codes: int, *, changed: bool) -> Iterator[tuple[str, str, str, str, str, str]]:
    day = "2026-03-02" if changed else "2026-01-05"
    for number in range(codes):
        if (changed or _is_short(vendor)) and number % 10:
            continue
        increments = "60/60" if (number + vendor) % 5 == 0 else "60/1" if vendor % 2 else "1/1"
        blocked = "true" if _is_blocked(vendor, number) else ""
        price = f"0.{_price(vendor, number, changed=changed):06d}"
        code = _code(number)[:-1] if _is_short(vendor) else _code(number)
        yield code, f"Place {number // 500}", price, increments, day, blocked


def _measured(place: Place) -> dict[str, Any]:
    begin = perf_counter()
    run = place.command("generator", "run", "Retail", "--effective", "2027-01-01", "--json")
    simulated = perf_counter()
    applied = place.command("generator", "apply", run["id"], "--overrule", "jump", "--json")
    end = perf_counter()
    if applied["state"] != "applied":
        raise RuntimeError(f"the run is {applied['state']}: {applied['findings']}")
    return {"simulate_s": round(simulated - begin, 2), "apply_s": round(end - simulated, 2), "run": applied}


def _prove(place: Place, codes: int, run: Any) -> None:
    """The counts, and a sample of the prices against fractions."""
    if run["counts"]["new"] != codes or run["figures"]["priced"] != codes:
        raise RuntimeError(f"{run['counts']}: not {codes} new codes")
    shown = place.command("generator", "simulation", run["id"], "--limit", str(PROVED), "--json")["codes"]
    for each in shown:
        wanted = _expected(int(each["code"]) - FIRST_CODE)
        found = Fraction(each["price"].split(" ")[0])
        if found != wanted:
            raise RuntimeError(f"{each['code']} costs {found}, not {wanted}")


def _expected(number: int) -> Fraction:
    offers = sorted(
        Fraction(_price(vendor, number), 10**6) * Fraction(EXCHANGE[_currency(vendor)])
        for vendor in range(VENDORS)
        if not _is_blocked(vendor, number)
    )
    used = list(zip(WEIGHTS, offers, strict=False))
    cost = sum((weight * offer for weight, offer in used), Fraction(0)) / sum(weight for weight, _ in used)
    is_special = f"Place {number // 500}".startswith("Place 1")
    price = cost * Fraction(9, 8) + Fraction(5, 10_000) if is_special else cost * Fraction(6, 5)
    return Fraction(max(-(-price * 10_000 // 1), -(-offers[min(1, len(offers) - 1)] * 10_000 // 1)), 10_000)


def _prove_again(run: Any, codes: int) -> None:
    counts = run["counts"]
    changed = counts["increase"] + counts["decrease"]
    if counts["unchanged"] + changed != codes or changed > codes // 10:
        raise RuntimeError(f"{counts}: more than a tenth of {codes} codes has changed")

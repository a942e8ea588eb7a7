"""How long a large sheet takes from its file to the prices in force: read, recognised, compared with as many rates, applied.

The tariff holds a million rates. The sheet names them all: a third costs more, a third less, the rest is the same; two in a hundred codes are new, as many
are left out and closed. Each run is one `sheet load --apply`, from the start of its process to its end, on a tariff of its own; the sum of what stands is proved
afterwards, and the sheet is undone. Memory is the largest resident size of that process.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import xlsxwriter

from bench.place import Place

ROWS = 1_000_000
MUST_TAKE_S = {"csv": 40.0, "xlsx": 60.0}
MUST_FIT_MIB = 2_048
TENANT = "sheets"
HEADER = ("Destination", "Dial Code", "Rate", "Billing Increment", "Effective Date")
FIRST_CODE = 10_000_000


def run(*, records: int = ROWS) -> dict[str, Any]:
    """Seconds and memory for a CSV and an XLSX file of so many rows."""
    rows = records
    with Place(f"sheet-{rows}") as place:
        place.command("tenant", "add", TENANT, "--currency", "USD")
        place.environment["TRUNKLINE_TENANT"] = TENANT
        before = place.folder / "before.csv"
        _write_csv(before, _before(rows))
        figures: dict[str, Any] = {"rows": rows}
        for kind, write in (("csv", _write_csv), ("xlsx", _write_xlsx)):
            sheet = place.folder / f"sheet.{kind}"
            write(sheet, _after(rows))
            place.command("tariff", "add", kind)
            load = (
                "sheet",
                "load",
                "--tariff",
                kind,
                "--received",
                "2026-03-01",
                "--scope",
                "full",
                "--apply",
                "--json",
            )
            place.command(*load, str(before))
            os.sync()  # what was written before is not to be paid by the run
            begin = perf_counter()
            done, peak = _measured([sys.executable, "-m", "trunkline", *load, str(sheet)], place.environment)
            figures[f"{kind}_s"] = round(perf_counter() - begin, 2)
            figures[f"{kind}_peak_mib"] = peak
            _prove(done, rows)
            figures[f"{kind}_rates"] = _rates_of(place, kind)
            place.command("sheet", "undo", done["id"], "--reason", "measured")
            figures[f"{kind}_rates_undone"] = undone = _rates_of(place, kind)
            if undone != rows:
                raise RuntimeError(f"{undone} rates stand after the undoing, not {rows}")
    fits = all(figures[f"{kind}_peak_mib"] <= MUST_FIT_MIB for kind in MUST_TAKE_S)
    return {"passed": fits and all(figures[f"{kind}_s"] <= most for kind, most in MUST_TAKE_S.items()), **figures}


def _rates_of(place: Place, tariff: str) -> int:
    (rates,) = [
        each["rates"] for each in place.command("tariff", "list", "--json")["tariffs"] if each["name"] == tariff
    ]
    return int(rates)


def _measured(arguments: list[str], environment: dict[str, str]) -> tuple[Any, int]:
    """What a command printed as JSON, and the largest resident size it had, in MiB."""
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed with {process.returncode}")
    return json.loads(said), used.ru_maxrss // 1024


def _prove(sheet: Any, rows: int) -> None:
    """The counts that the sheet was made with."""
    moved = rows // 50
    kept = rows - moved
    unchanged = sum(number % 3 == 2 for number in range(moved, rows))
    found = sheet["counts"]
    expected = {"new": moved, "closed_codes": moved, "unchanged": unchanged, "errors": 0, "lines": rows}
    if {name: found[name] for name in expected} != expected or found["increase"] + found[
        "decrease"
    ] != kept - unchanged:
        raise RuntimeError(f"the sheet counts {found}, not {expected}")
    if sheet["state"] != "applied":
        raise RuntimeError(f"the sheet is {sheet['state']}: {sheet['findings']}")


def _before(rows: int) -> Iterator[tuple[str, str, str, str, str]]:
    for number in range(rows):
        yield _row(number, number % 2_000 + 100, "2026-03-05")


def _after(rows: int) -> Iterator[tuple[str, str, str, str, str]]:
    for number in range(rows // 50, rows + rows // 50):
        change = (12, -12, 0)[number % 3]
        yield _row(number, number % 2_000 + 100 + change, "2026-03-20")


def _row(number: int, units: int, day: str) -> tuple[str, str, str, str, str]:
    code = str(FIRST_CODE + number * 7)
    return f"Place {number // 500}", code, f"0.{units:06d}", "60/1" if number % 4 else "1/1", day


def _write_csv(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)


def _write_xlsx(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
        page = workbook.add_worksheet("Rates")
        page.write_row(0, 0, HEADER)
        for at, (name, code, price, increment, day) in enumerate(rows, 1):
            page.write_string(at, 0, name)
            page.write_number(at, 1, int(code))
            page.write_number(at, 2, float(price))  # as a spreadsheet has it
            page.write_string(at, 3, increment)
            page.write_string(at, 4, day)

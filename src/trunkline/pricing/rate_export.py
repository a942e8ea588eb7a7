"""Rates of a tariff taken out of it, as a rate file (docs/formats/rates_csv.md) or a workbook with the same columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa

from trunkline.core.errors import Invalid, NotFound
from trunkline.core.money import RoundingMode
from trunkline.core.period import utc_text
from trunkline.kit.scratch import scratch_path
from trunkline.pricing.rate_edits import Chosen
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rate_file import COLUMNS
from trunkline.tariffs.rules import parse_steps
from trunkline.tenancy.scope import scope

XLSX_ROWS_MAX: Final = 50_000  # a workbook is written cell by cell
_BATCH: Final = 20_000
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")


def rates_file(tenant_id: int, tariff_id: int, chosen: Chosen, kind: str, *, actor: str) -> BinaryIO:
    """The chosen rates as an open file, `csv` or `xlsx`, by code; it has no name on the disk any more. What was voided is not in it.

    A CSV that is loaded again changes nothing. Raises NotFound `not_found`, Invalid `too_many_rows` for a workbook of more than `XLSX_ROWS_MAX`.
    """
    with scope(tenant_id, actor):
        tariff = Tariff.objects.filter(pk=tariff_id).first()
        if tariff is None:
            raise NotFound("not_found", "tariff not found.")
        there = tariffs.standing_rates(tariff)
    rows = there.filter(pa.array(chosen.rows(there)))
    rows = rows.take(pa.array(_by_code(rows)))
    path = scratch_path("rates")
    try:
        if kind == "xlsx":
            _write_xlsx(rows, path)
        else:
            _write_csv(rows, path)
        return path.open("rb")
    finally:
        path.unlink(missing_ok=True)


def _by_code(rows: pa.Table) -> Any:
    codes = rows["code"].combine_chunks().dictionary_encode()
    rank = (
        np.argsort(np.argsort(np.array(codes.dictionary.to_pylist(), object))) if len(codes.dictionary) else np.empty(0)
    )
    return np.argsort(rank[codes.indices.to_numpy()], kind="stable") if len(rows) else np.empty(0, np.int64)


def _cells(rows: pa.Table) -> Iterator[list[str]]:
    known: dict[str, tuple[str, str, str]] = {}
    for begin in range(0, len(rows), _BATCH):
        for row in rows.slice(begin, _BATCH).to_pylist():
            text = row["steps"]
            if text not in known:
                known[text] = _price(text)
            price, per, increments = known[text]
            yield [
                row["code"], _plain(row["destination"] or ""), price, per, increments, _not(row["setup_fee"], "0"), _not(str(row["grace"]), "0"),
                utc_text(row["valid_from"]) or "", utc_text(row["valid_to"]) or "", _plain(row["time_profile"] or ""), _not(row["weight"], "10"),
                _not(f"{RoundingMode(row['rounding_mode']).label}/{row['rounding_decimals']}", "half_up/8"), row["max_cost"] or "",
                "true" if row["blocked"] else "", _plain(row["tag"] or ""), _number(row["length_min"]), _number(row["length_max"]),
                "additive" if row["additive"] else "",
                _plain(row["origin"] or ""),
            ]  # fmt: skip


def _price(text: str) -> tuple[str, str, str]:
    """Price, per and increments of steps; steps that are no plain price stand in the increments."""
    steps = parse_steps(text)
    first, last = steps[0], steps[-1]
    if len(steps) == 1 or (
        len(steps) == 2 and (first.price, first.per, first.increment) == (last.price, last.per, last.start)
    ):
        return str(last.price), str(last.per), f"{first.increment}/{last.increment}"
    return "", "", text


def _not(text: str, usual: str) -> str:
    return "" if text == usual else text


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _write_csv(rows: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_cells(rows))


def _write_xlsx(rows: pa.Table, path: Path) -> None:
    import xlsxwriter

    if len(rows) > XLSX_ROWS_MAX:
        raise Invalid(
            "too_many_rows",
            f"A workbook is given with {XLSX_ROWS_MAX} rows at most, and these are {len(rows)}.",
            hint="Filter by code or destination, or take CSV.",
        )
    options = {"constant_memory": True, "tmpdir": str(path.absolute().parent)}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        sheet = workbook.add_worksheet("Rates")
        sheet.freeze_panes(1, 0)
        sheet.set_column(1, 1, 32)
        sheet.set_column(7, 8, 22)
        for place, name in enumerate(COLUMNS):
            sheet.write_string(0, place, name, workbook.add_format({"bold": True}))
        for number, cells in enumerate(_cells(rows), 1):
            for place, text in enumerate(cells):
                if text:
                    sheet.write_string(number, place, text)

"""Rates of a tariff taken out of it, as a rate file (docs/formats/rates_csv.md) or a workbook with the same columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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

_BATCH: Final = 50_000
XLSX_ROWS_MAX: Final = 50_000  # a workbook is written cell by cell
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


def _columns(rows: pa.Table) -> pa.Table:
    """The rates as the texts of a rate file, column by column; each distinct value is written once."""
    prices = _texts(rows["steps"], lambda text: _price(text)[0])
    found = {
        "code": rows["code"].combine_chunks(),
        "destination": _texts(rows["destination"], _plain),
        "price": prices,
        "per": _texts(rows["steps"], lambda text: _price(text)[1]),
        "increments": _texts(rows["steps"], lambda text: _price(text)[2]),
        "setup_fee": _texts(rows["setup_fee"], lambda text: _not(text, "0")),
        "grace": _texts(rows["grace"], lambda value: _not(str(value), "0")),
        "valid_from": _texts(rows["valid_from"], lambda value: utc_text(value) or ""),
        "valid_to": _texts(rows["valid_to"], lambda value: utc_text(value) or ""),
        "time_profile": _texts(rows["time_profile"], _plain),
        "weight": _texts(rows["weight"], lambda text: _not(text, "10")),
        "rounding": _roundings(rows),
        "max_cost": _texts(rows["max_cost"], str),
        "blocked": _texts(rows["blocked"], lambda value: "true" if value else ""),
        "tag": _texts(rows["tag"], _plain),
        "length_min": _texts(rows["length_min"], str),
        "length_max": _texts(rows["length_max"], str),
        "policy": _texts(rows["additive"], lambda value: "additive" if value else ""),
        "origin": _texts(rows["origin"], _plain),
    }
    return pa.table({name: found[name] for name in COLUMNS})


def _texts(column: pa.ChunkedArray, text_of: Callable[[Any], str]) -> pa.Array:
    """The text of each value, empty for none."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = pa.array([text_of(each) for each in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices).fill_null("")


def _roundings(rows: pa.Table) -> pa.Array:
    both = pc.add(pc.multiply(rows["rounding_mode"].cast(pa.int16()), 100), rows["rounding_decimals"].cast(pa.int16()))
    return _texts(both, lambda value: _not(f"{RoundingMode(value // 100).label}/{value % 100}", "half_up/8"))


@lru_cache(maxsize=4096)
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


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _write_csv(rows: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for begin in range(0, len(rows), _BATCH):
            writer.writerows(_cells(rows.slice(begin, _BATCH)))


def _cells(rows: pa.Table) -> Iterator[tuple[str, ...]]:
    return zip(*(column.to_pylist() for column in _columns(rows).columns), strict=True)


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

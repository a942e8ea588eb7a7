"""A report as a file for somebody who waits for it: what of it a door gives, and as which kind of file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from trunkline.core.errors import Invalid
from trunkline.kit.scratch import scratch_path
from trunkline.reports import export
from trunkline.reports.report import Report

XLSX_ROWS_MAX: Final = 50_000  # a sheet is written cell by cell


class FileFormat(StrEnum):
    """The kinds of files."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA: Final[Mapping[FileFormat, str]] = {
    FileFormat.CSV: "text/csv",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def require_few(report: Report, most: int, what: str) -> None:
    """Raise Invalid `too_many_rows` for a report of more rows."""
    if len(report.groups) > most:
        raise Invalid(
            "too_many_rows",
            f"The report has {len(report.groups)} rows, and as {what} it is given with {most} at most.",
            hint="Group by less, or ask for CSV.",
        )


def open_file(report: Report, kind: FileFormat, *, at: datetime) -> BinaryIO:
    """The report as an open file, which has no name on the disk any more. Raises Invalid `too_many_rows`."""
    if kind is FileFormat.XLSX:
        require_few(report, XLSX_ROWS_MAX, "a workbook")
    path = scratch_path("report")
    try:
        if kind is FileFormat.XLSX:
            export.write_xlsx(report, path, at=at)
        else:
            _write_csv(report, path)
        return path.open("rb")
    finally:
        path.unlink(missing_ok=True)


def _write_csv(report: Report, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        export.write_csv(report, stream)

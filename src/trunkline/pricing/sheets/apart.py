"""XLS and ODS are read in a process of their own, with a limit on memory and time.

What reads them allots all cells between the corners of a sheet, whatever the file says these are; where memory does not suffice that process ends,
and not the one that serves people. XLSX, which nearly all vendors send, is measured instead (`measure`) and read at once.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from typing import Final

import numpy as np
import pyarrow as pa

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.books import read_book
from trunkline.pricing.sheets.grid import Grid

MEMORY: Final = 3 << 30
SECONDS: Final = 120


def read_book_apart(data: bytes) -> list[Grid]:
    """`books.read_book` in another process. Raises Invalid like it, `sheet_too_large` where memory or time did not suffice."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=data, capture_output=True, timeout=2 * SECONDS, check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    if done.returncode:
        raise Invalid(
            "sheet_too_large", "The workbook needs more memory or time than a rate sheet may.", hint="Save it as XLSX or CSV, without what lies far from the table.",
        )  # fmt: skip
    reader = pa.ipc.open_stream(done.stdout)
    said = json.loads(reader.schema.metadata[b"said"])
    if "error" in said:
        raise Invalid(said["error"], said["message"], hint=said["hint"])
    table = reader.read_all()
    return [_grid(table[str(number)][0].as_py(), about) for number, about in enumerate(said["sheets"])]


def _grid(packed: bytes, about: dict[str, object]) -> Grid:
    table = pa.ipc.open_stream(packed).read_all().combine_chunks()
    width = table.num_columns // 2
    columns = [table.column(n).chunk(0) if table.num_rows else pa.array([], pa.string()) for n in range(width)]
    kinds = [table.column(width + n).to_numpy() for n in range(width)]
    lines = np.arange(1, table.num_rows + 1, dtype=np.int32)
    return Grid(
        str(about["name"]),
        columns,
        lines,
        [None if (each <= 1).all() else each for each in kinds],
        bool(about["hidden"]),
    )


def main() -> None:
    """Read a workbook from the standard input, write its sheets to the standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        grids = read_book(sys.stdin.buffer.read())
        said: dict[str, object] = {"sheets": [{"name": grid.name, "hidden": grid.is_hidden} for grid in grids]}
        table = pa.table(
            {str(number): pa.array([_packed(grid)], pa.large_binary()) for number, grid in enumerate(grids)}
        )
    except Invalid as error:
        said = {"error": error.code, "message": error.message, "hint": error.hint}
        table = pa.table({"none": pa.nulls(0)})
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema.with_metadata({"said": json.dumps(said)})) as writer:
        writer.write_table(table)


def _packed(grid: Grid) -> bytes:
    kinds = [np.ones(grid.height, np.uint8) if each is None else each for each in grid.kinds]
    arrays = [*grid.columns, *[pa.array(each) for each in kinds]]
    table = pa.table(arrays, names=[str(number) for number in range(len(arrays))])
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


if __name__ == "__main__":
    main()

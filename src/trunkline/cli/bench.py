"""`trunkline bench`: the figures, measured on this machine."""

from __future__ import annotations

import importlib
import platform
from pathlib import Path
from typing import Annotated, Any

import typer

from trunkline.cli.door import JsonOption, print_json, say, table
from trunkline.core.errors import Invalid

NAMES = (
    "rating",
    "decode",
    "pipeline",
    "search",
    "explain",
    "summary",
    "rerate",
    "issue",
    "web",
    "api",
    "upload",
    "agree",
    "layouts",
    "sheet",
    "snapshot",
    "generate",
    "crash",
)


def bench(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}, or `all` for the table of the README.")],
    records: Annotated[
        int,
        typer.Option(
            help="Records to work on (rating, decode, pipeline, upload; stored ones: rerate; rows: sheet; codes: snapshot, generate)."
        ),
    ] = 0,
    cases: Annotated[int, typer.Option(help="Generated cases (agree).")] = 0,
    runs: Annotated[int, typer.Option(help="Runs (crash); sheets in each layout (layouts).")] = 0,
    json: JsonOption = False,
) -> None:
    """Measure one figure, or all of them, and print it with machine, versions and server settings."""
    if name != "all" and name not in NAMES:
        raise Invalid("unknown_bench", f"There is no bench {name!r}.", hint=f"There are {', '.join(NAMES)} and all.")
    given = {option: value for option, value in (("records", records), ("cases", cases), ("runs", runs)) if value}
    figures: dict[str, Any] = {}
    for each in NAMES if name == "all" else (name,):
        say(f"bench {each} ...")
        figures[each] = importlib.import_module(f"bench.{each}").run(**(given if name != "all" else {}))
    about = machine()
    if json:
        print_json(about | (figures if name == "all" else figures[name]))
    else:
        rows = [[each, key, value] for each, values in figures.items() for key, value in values.items()]
        table("", ["Bench", "Figure", "Value"], rows)
        table("Measured on", ["", ""], [[key, value] for key, value in about.items()])
    if any(values.get("passed") is False for values in figures.values()):
        raise typer.Exit(1)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import os

    import duckdb
    import numpy as np
    import psutil
    import pyarrow as pa

    from trunkline.kit.db import connections, embedded

    models = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    server = (
        "own"
        if connections.own_server()
        else {k: embedded.SETTINGS[k] for k in ("shared_buffers", "work_mem", "max_wal_size")}
    )
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "duckdb": duckdb.__version__,
        "postgresql": server,
    }


app = typer.Typer(help="Measure the figures of the README on this machine.")
app.command(help="Measure one figure, or all of them, and print it with machine, versions and server settings.")(bench)

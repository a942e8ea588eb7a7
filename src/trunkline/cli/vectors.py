"""`trunkline vectors`: worked examples, for operators to keep their own tariffs honest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, print_json, table

app = typer.Typer(help="Run files of worked examples through the engine.", no_args_is_help=True)


@app.callback()
def vectors() -> None:
    """Run files of worked examples through the engine."""


@app.command()
def rating(
    file: Annotated[Path, typer.Argument(help="A file of the format rating/1 (docs/formats/vectors.md).")],
    json: JsonOption = False,
) -> None:
    """Rate the cases of a file, show what was expected and what came out. Ends with status 1 if one differs."""
    from trunkline.engine.vectors import run_rating

    results = run_rating(file)
    passed = sum(result.passed for result in results)
    if json:
        rows = [
            {
                "id": r.id,
                "expected": str(r.expected),
                "scalar": str(r.scalar),
                "columns": str(r.columns),
                "passed": r.passed,
            }
            for r in results
        ]
        print_json({"passed": passed, "failed": len(results) - passed, "cases": rows})
    else:
        cells = [[r.id, r.expected, r.scalar, r.columns, "" if r.passed else "DIFFERS"] for r in results]
        table("", ["Case", "Expected", "Event by event", "Whole columns", ""], cells)
        typer.echo(f"{passed} passed, {len(results) - passed} failed")
    if passed < len(results):
        raise typer.Exit(1)

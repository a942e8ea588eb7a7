"""`trunkline simulate`: made-up usage of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.door import JsonOption, print_json, progress_bar, table

app = typer.Typer(help="Make usage files of any size, the same from the same seed.", no_args_is_help=True)


@app.callback()
def simulate() -> None:
    """Make usage files of any size, the same from the same seed."""


@app.command()
def usage(
    out: Annotated[Path, typer.Argument(help="File to write; a name that ends in .gz is packed.")],
    records: Annotated[int, typer.Option(help="Lines to write.")] = 100_000,
    format: Annotated[str, typer.Option(help="freeswitch_trunks, freeswitch or common.")] = "freeswitch_trunks",  # noqa: A002
    seed: Annotated[int, typer.Option(help="Another seed gives other calls.")] = 1,
    json: JsonOption = False,
) -> None:
    """Write a usage file that the demo's tenants can take, with the flaws of real ones, and say what it holds."""
    from trunkline.simulate.usage import write_usage

    with progress_bar(out.name, quiet=json) as show:
        done = 0

        def on_progress(more: int) -> None:
            nonlocal done
            done += more
            if show is not None:
                show(done, records)

        written = write_usage(records, format, seed, out.absolute(), on_progress=on_progress)
    held = {
        "path": str(written.path),
        "records": written.records,
        "rated": written.rated,
        "duplicates": written.duplicates,
        "rejects": dict(written.rejects),
        "seconds": written.seconds,
    }
    if json:
        print_json(held)
    else:
        table("", ["", ""], [[name, value] for name, value in held.items()])

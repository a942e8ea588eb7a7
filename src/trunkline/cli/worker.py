"""`trunkline worker`: runs the jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.door import now
from trunkline.kit import jobs

app = typer.Typer(help="Run the jobs: files to be taken, watched folders, sources.")


@app.command(
    help="Run the jobs: files to be taken, watched folders, sources. Stops on Ctrl-C or SIGTERM after the job in hand."
)
def worker(
    once: Annotated[bool, typer.Option("--once", help="Do what waits and end.")] = False,
    concurrency: Annotated[int, typer.Option(help="Jobs at the same time; one file uses two cores by itself.")] = 1,
) -> None:
    """Run the jobs until stopped. `--once` looks for folders and sources itself, and does not wait for the next look."""
    if once:
        from trunkline.usage.collect import look_everywhere
        from trunkline.usage.sources.schedule import look_after_all

        look_everywhere(now=now, is_patient=False)
        look_after_all(now=now)
    jobs.work(wait=not once, concurrency=concurrency)

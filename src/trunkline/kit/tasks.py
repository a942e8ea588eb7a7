"""Jobs of the kit itself."""

from __future__ import annotations

from trunkline.kit import jobs


@jobs.every("* * * * *", "kit.take_up")
def take_up(*, timestamp: int) -> None:
    """Give the jobs of dead workers to the living."""
    jobs.take_up()

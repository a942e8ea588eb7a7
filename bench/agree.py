"""Whether `engine.rate` and `engine.scalar` agree to the last digit, on as many generated cases as one has time for."""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import Any, Final

from bench.rating_cases import SeededDraw, by_columns, by_scalar, make_cases
from trunkline.engine.schema import Outcome

SHOWN_DISAGREEMENTS: Final = 20


def run(*, cases: int = 100_000, seed: int = 1, events_a_world: int = 250) -> dict[str, Any]:
    """Rates `cases` events by both engines, in worlds of a few tariffs each, made from `seed`, `seed + 1` and so on.

    Returns counts by outcome, how many `disagreements` there were and the first of them with their seeds: world and
    event are made again by `make_cases(SeededDraw(seed), events_a_world)`.
    """
    outcomes: Counter[str] = Counter()
    disagreements: list[dict[str, Any]] = []
    worlds = rated = wrong = 0
    begun = perf_counter()
    while rated < cases:
        world = make_cases(SeededDraw(seed + worlds), min(events_a_world, cases - rated))
        answers = zip(by_columns(world), by_scalar(world), strict=True)
        for index, (columns, scalar) in enumerate(answers):
            outcomes[Outcome(scalar[0]).name.lower()] += 1
            if columns != scalar:
                wrong += 1
                if len(disagreements) < SHOWN_DISAGREEMENTS:
                    place = {"seed": seed + worlds, "event": index}
                    disagreements.append(place | {"rate": repr(columns), "scalar": repr(scalar)})
        rated += len(world.events)
        worlds += 1
    elapsed = perf_counter() - begun
    return {
        "passed": wrong == 0,
        "cases": rated,
        "seed": seed,
        "worlds": worlds,
        "outcomes": dict(sorted(outcomes.items())),
        "disagreements": wrong,
        "first_disagreements": disagreements,
        "seconds": round(elapsed, 1),
        "cases_per_s": round(rated / elapsed),
    }

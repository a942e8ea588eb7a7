"""Invariants: what is always true of a tenant's books, each by a name and a sentence, with the function that looks whether it is.

The ledger proves its own in `checks`. Rooms above add theirs from `AppConfig.ready`, which every command pays for: so this module loads
nothing, and what they register imports its proof when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

SHOWN = 20  # problems that a proof spells out; it counts the others


@dataclass(frozen=True, slots=True)
class Proof:
    """What one invariant looked at, and what it found wrong: `counts` by what was counted, `problems` a sentence each."""

    counts: Mapping[str, int]
    problems: tuple[str, ...] = ()
    problem_count: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int], problems: Iterable[str]) -> Proof:
        """Spells out the first problems and counts all."""
        rest = iter(problems)
        shown = tuple(islice(rest, SHOWN))
        return cls(counts, shown, len(shown) + sum(1 for _ in rest))

    @property
    def holds(self) -> bool:
        return self.problem_count == 0


Prove = Callable[[datetime], Proof]


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that is always true of a tenant's books; `prove` looks whether it is, inside the tenant's scope."""

    name: str
    statement: str
    prove: Prove = field(compare=False)


_registered: dict[str, Invariant] = {}


def register_invariant(name: str, statement: str, prove: Prove) -> None:
    """Add an invariant to every check. `statement` is the sentence that is proven. Raises ValueError if the name has another statement."""
    invariant = Invariant(name, statement, prove)
    if _registered.setdefault(name, invariant) != invariant:
        raise ValueError(f"there is an invariant {name!r} already")


def registered() -> list[Invariant]:
    """All of them, in the order of registration."""
    return list(_registered.values())

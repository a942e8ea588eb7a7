"""The prices that a batch pins: compiled tariffs as they lie in files, and who has which. No database.

A snapshot of a million rates is large and holds locks, so it never goes from process to process; the names of the files do, and each
process that rates maps them into its own memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.core.errors import Unavailable
from trunkline.engine.schema import Tariff, TimeWindow
from trunkline.engine.snapshot import Snapshot
from trunkline.engine.tariff import CompiledTariff, from_arrow
from trunkline.engine.units import Unit

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

Key = tuple[int, str, str]  # account, side, service


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a list of tariffs and when it is held, in UTC milliseconds; None is no bound."""

    tariff_id: int
    begin_ms: int | None
    end_ms: int | None

    def holds(self, instant_ms: int | None) -> bool:
        """Whether it is held at an instant; None is before all bounds."""
        if instant_ms is None:
            return self.begin_ms is None
        return (self.begin_ms is None or self.begin_ms <= instant_ms) and (
            self.end_ms is None or instant_ms < self.end_ms
        )


@dataclass(frozen=True, slots=True)
class Plans:
    """The ordered tariffs of every account, side and service.

    Assignments are dated; from one of the ascending `bounds_ms` to the next is an *epoch*, in which none changes.
    """

    bounds_ms: NDArray[np.int64]
    places: Mapping[Key, Sequence[Place]]

    def epochs(self, start_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the epoch in which each start lies."""
        return np.searchsorted(self.bounds_ms, start_ms, side="right").astype(np.int64)

    def plan(self, epoch: int, account_id: int, side: str, service: str) -> tuple[int, ...]:
        """Tariff ids in their order; empty where the account has none."""
        instant = int(self.bounds_ms[epoch - 1]) if epoch else None
        places = self.places.get((account_id, side, service), ())
        return tuple(place.tariff_id for place in places if place.holds(instant))


def make_plans(assignments: Sequence[tuple[int, str, str, int, datetime | None, datetime | None]]) -> Plans:
    """The plans of assignments (account, side, service, tariff, from, to) that stand in the order of their lists."""
    places: dict[Key, list[Place]] = {}
    bounds: set[int] = set()
    for account_id, side, service, tariff_id, begin, end in assignments:
        place = Place(tariff_id, _milliseconds(begin), _milliseconds(end))
        places.setdefault((account_id, side, service), []).append(place)
        bounds.update(bound for bound in (place.begin_ms, place.end_ms) if bound is not None)
    return Plans(np.array(sorted(bounds), np.int64), places)


def _milliseconds(instant: datetime | None) -> int | None:
    # Starts are kept to the millisecond; a bound that is finer takes effect with the next one.
    return None if instant is None else -((EPOCH - instant) // MILLISECOND)


@dataclass(frozen=True, slots=True)
class KeptTariff:
    """A tariff whose rates and compiled form lie in two Arrow files; the compiled form holds the rates of ancestors too."""

    id: int
    name: str
    currency: str
    timezone: str
    unit: Unit
    time_profiles: Mapping[str, tuple[TimeWindow, ...]]
    rates: Path
    compiled: Path
    parent: KeptTariff | None = None

    def with_rates(self, rates: pa.Table, parent: Tariff | None) -> Tariff:
        """The tariff of these rates of its own."""
        return Tariff(
            self.id, self.name, self.currency, self.timezone, self.unit, rates, self.time_profiles, parent=parent
        )

    def own(self) -> Tariff:
        """The tariff and its ancestors, not compiled, the files of the rates mapped. Raises as `open` does for a file."""
        return self.with_rates(mapped(self.rates), None if self.parent is None else self.parent.own())

    def open(self) -> CompiledTariff:
        """The tariff, its files mapped into memory.

        Raises FileNotFoundError or pa.ArrowInvalid for a file that is missing or damaged, Invalid `stale_compiled_tariff` for one of
        another version of the engine.
        """
        return from_arrow(self.own(), mapped(self.compiled))


def mapped(path: Path) -> pa.Table:
    """The table of an Arrow file, mapped into memory."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


@dataclass(slots=True)
class KeptSnapshot:
    """The tariffs of a tenant for `engine.rate`, joined when first asked for. Between processes only the names of the files travel."""

    tariffs: tuple[KeptTariff, ...]
    _opened: list[CompiledTariff] | None = None
    _snapshot: Snapshot | None = field(default=None, compare=False)

    def get(self) -> Snapshot:
        """The joined snapshot. Raises Unavailable `tariffs_are_changing` if a file went after its name had travelled here."""
        if self._snapshot is None:
            if self._opened is None:
                try:
                    self._opened = [each.open() for each in self.tariffs]
                except FileNotFoundError as error:
                    raise tariffs_are_changing() from error
            self._snapshot, self._opened = Snapshot(self._opened), None
        return self._snapshot

    def __getstate__(self) -> Any:
        return self.tariffs

    def __setstate__(self, tariffs: tuple[KeptTariff, ...]) -> None:
        self.tariffs, self._opened, self._snapshot = tariffs, None, None


def tariffs_are_changing() -> Unavailable:
    """The error of a reader that tariffs outrun."""
    return Unavailable("tariffs_are_changing", "The tariffs change faster than they can be read.", hint="Try again.")


@dataclass(frozen=True, slots=True)
class Prices:
    """Every tariff of a tenant, compiled, with who has which. `version` is the same for the same prices only."""

    kept: KeptSnapshot
    version: str
    plans: Plans
    tariff_currencies: Mapping[int, str]

    @property
    def snapshot(self) -> Snapshot:
        """The tariffs for `engine.rate`."""
        return self.kept.get()

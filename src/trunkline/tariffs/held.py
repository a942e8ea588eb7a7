"""The prices of a tenant in a process that lives long and is asked all the time: real-time rating, the choice of a route.

Whoever looks something up takes `current` once and asks that: it never changes under him. A refresh makes the next one beside it and then puts it in
its place, which is one assignment; nobody waits, and nobody ever meets half a price list.
"""

from __future__ import annotations

from threading import Lock

from trunkline.tariffs import snapshot
from trunkline.tariffs.prices import Prices


class HeldPrices:
    """The newest prices that were read, for any number of threads."""

    def __init__(self, tenant_id: int) -> None:
        """Needs an open scope of the tenant. Raises what `snapshot.load` raises."""
        self._tenant_id = tenant_id
        self._refreshing = Lock()
        self._current = self._read()

    @property
    def current(self) -> Prices:
        """The prices to look up in; a question that takes several look-ups keeps them."""
        return self._current

    def refresh(self) -> bool:
        """Bring the prices up to date; whether they are others now. Needs an open scope.

        Of tariffs that are as they were nothing is read; of the others what was changed (`tariffs.catching_up`). If it fails, with what `snapshot.load`
        raises, the prices of before stay.
        """
        with self._refreshing:
            if snapshot.current_version() == self._current.version:
                return False
            self._current = self._read()
            return True

    def _read(self) -> Prices:
        prices = snapshot.load(self._tenant_id)
        prices.snapshot  # noqa: B018  joined now, not at the first question
        return prices

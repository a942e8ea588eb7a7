"""How often a key may ask: a bucket of requests that fills at a steady rate.

The buckets are those of the process. With several web processes each has its share of the limit, so a client that is
always served by one of them is held a little earlier than it need be, and nobody waits for a shared counter.
"""

from __future__ import annotations

import math
import os
import threading
import time
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from trunkline.core.errors import Denied
from trunkline.identity.principal import Principal

REQUESTS_A_MINUTE: Final = int(os.environ.get("TRUNKLINE_API_REQUESTS_A_MINUTE", "30000"))
BURST_S: Final = 10  # so many seconds' worth may come at once
KEPT_MAX: Final = 10_000


@dataclass(slots=True)
class Bucket:
    """What a key may still ask, as of `at` (monotonic seconds)."""

    left: float
    at: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """A bucket as the headers say it."""

    limit: int
    remaining: int
    reset_s: int


class Limiter:
    """Buckets by key. `per_s` requests flow in each second, up to `burst`."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, burst
        self._buckets: dict[int, Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: int, now: float) -> tuple[bool, Allowance]:
        """Take one request out of the bucket of a key: whether there was one, and what is left."""
        with self._lock:
            if len(self._buckets) >= KEPT_MAX and key not in self._buckets:
                self._drop_full(now)
            bucket = self._buckets.setdefault(key, Bucket(self._burst, now))
            bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._per_s)
            bucket.at = now
            has_one = bucket.left >= 1
            bucket.left -= has_one
            missing = self._burst - bucket.left if has_one else 1 - bucket.left
            return has_one, Allowance(self._burst, int(bucket.left), math.ceil(missing / self._per_s))

    def _drop_full(self, now: float) -> None:
        """Forget keys that have not asked for so long that they may ask anything."""
        full_s = self._burst / self._per_s
        self._buckets = {key: each for key, each in self._buckets.items() if now - each.at < full_s}


def _share() -> float:
    """Requests a second of one process: its share of the installation's limit."""
    return REQUESTS_A_MINUTE / 60 / max(1, int(os.environ.get("WEB_CONCURRENCY", "1")))


_limiter: Final = Limiter(per_s=_share(), burst=math.ceil(_share() * BURST_S))


def count(request: HttpRequest, principal: Principal) -> None:
    """Count a request of a key. Raises Denied `rate_limited`."""
    may, allowance = _limiter.take(principal.id, time.monotonic())
    request.tl_allowance = allowance  # type: ignore[attr-defined]
    if not may:
        raise Denied(
            "rate_limited", "This key has asked too often.", hint="Wait and ask again.", retry_after_s=allowance.reset_s
        )

"""How often a key may ask."""

from __future__ import annotations

from trunkline.api.limits import KEPT_MAX, Limiter

KEY, OTHER = 1, 2


def taken(limiter: Limiter, times: int, *, now: float = 0.0, key: int = KEY) -> int:
    return sum(limiter.take(key, now)[0] for _ in range(times))


def test_a_bucket_gives_its_burst_at_once_and_then_what_flows_in() -> None:
    limiter = Limiter(per_s=2, burst=5)
    assert taken(limiter, 8) == 5
    assert taken(limiter, 8, now=1.5) == 3
    assert taken(limiter, 8, now=100) == 5


def test_one_key_takes_nothing_from_another() -> None:
    limiter = Limiter(per_s=1, burst=2)
    assert taken(limiter, 3) == 2
    assert taken(limiter, 3, key=OTHER) == 2


def test_the_headers_say_what_is_left_and_when_there_is_more() -> None:
    limiter = Limiter(per_s=2, burst=4)
    _, first = limiter.take(KEY, 0)
    assert (first.limit, first.remaining, first.reset_s) == (4, 3, 1)
    for _ in range(3):
        limiter.take(KEY, 0)
    may, refused = limiter.take(KEY, 0)
    assert (may, refused.remaining, refused.reset_s) == (False, 0, 1)


def test_keys_that_have_not_asked_for_long_are_forgotten() -> None:
    limiter = Limiter(per_s=1, burst=1)
    for key in range(KEPT_MAX + 2000):
        limiter.take(key, now=float(key))
    assert len(limiter._buckets) <= KEPT_MAX

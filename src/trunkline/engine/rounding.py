"""Rounding of whole columns: `core.money.round_ratio` for int64 arrays, and the only array rounding there is.

The modes are those of `docs/algorithms/rating.md` rule 9 and act on the magnitude. Property-tested against
`round_ratio` for every mode and sign.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trunkline.core.money import RoundingMode


def _round_magnitude(
    magnitude: NDArray[np.int64], denominator: NDArray[np.int64] | np.int64, mode: RoundingMode
) -> NDArray[np.int64]:
    quotient = magnitude // denominator
    if mode is RoundingMode.DOWN:
        return quotient
    rest = magnitude - quotient * denominator
    if mode is RoundingMode.UP:
        return quotient + (rest > 0)
    # rest >= denominator - rest is 2 * rest >= denominator without the doubling that could overflow.
    other = denominator - rest
    if mode is RoundingMode.HALF_UP:
        return quotient + (rest >= other)
    return quotient + ((rest > other) | ((rest == other) & ((quotient & 1) == 1)))


def round_ratio(
    numerator: NDArray[np.int64],
    denominator: NDArray[np.int64] | int,
    mode: NDArray[np.int8] | int,
) -> NDArray[np.int64]:
    """The integers that `numerator / denominator` round to, element for element, int64.

    `numerator` is int64 above -2^63; `denominator`, one for all or one each, is above zero (not checked); `mode` is
    one `RoundingMode` value for all or one each. Every result fits, since it is not larger than its numerator.
    Raises ValueError for a mode that does not exist.
    """
    is_negative = numerator < 0
    magnitude = np.abs(numerator)
    divisor = np.int64(denominator) if isinstance(denominator, int) else denominator
    if not isinstance(mode, np.ndarray):
        rounded = _round_magnitude(magnitude, divisor, RoundingMode(mode))
    else:
        used = np.flatnonzero(np.bincount(mode, minlength=1)) if mode.size else np.zeros(1, dtype=np.int64)
        rounded = _round_magnitude(magnitude, divisor, RoundingMode(int(used[0])))
        for other in used[1:]:
            at = np.flatnonzero(mode == other)
            part = divisor[at] if isinstance(divisor, np.ndarray) else divisor
            rounded[at] = _round_magnitude(magnitude[at], part, RoundingMode(int(other)))
    return np.negative(rounded, out=rounded, where=is_negative)

"""What becomes of a record's key."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Fates = NDArray[np.int8]


class Fate(IntEnum):
    """What becomes of a key."""

    NEW = 0
    DUPLICATE = 1
    CONFLICT = 2  # taken, with other content
    LATE = 3  # a leg of a call that was taken without it

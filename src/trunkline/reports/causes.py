"""Release causes in groups: what a carrier wants to know of a failed call before it looks at numbers.

Numbers are those of ITU-T Q.850. docs/guide/reports.md has the same table for users.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class CauseGroup(StrEnum):
    """What the causes of a group have in common."""

    NORMAL = "normal clearing"  # somebody hung up
    BUSY = "busy"
    NO_ANSWER = "no answer"  # it rang, or nobody was there to ring
    NETWORK = "congestion or network"  # no circuit, no capacity, something on the way is broken
    NUMBER = "number problem"  # the number does not exist, changed, is incomplete, or leads nowhere
    OTHER = "other"  # refusals, services that are not offered, errors of protocols


CAUSES_OF: Final[Mapping[CauseGroup, tuple[int, ...]]] = {
    CauseGroup.NORMAL: (16, 31),
    CauseGroup.BUSY: (17,),
    CauseGroup.NO_ANSWER: (18, 19, 20),
    CauseGroup.NETWORK: (2, 25, 27, *range(32, 48)),
    CauseGroup.NUMBER: (1, 3, 4, 5, 22, 23, 26, 28),
}


def group_of(cause: int) -> CauseGroup:
    """The group of a Q.850 cause; what no group names is `other`."""
    return next((group for group, causes in CAUSES_OF.items() if cause in causes), CauseGroup.OTHER)

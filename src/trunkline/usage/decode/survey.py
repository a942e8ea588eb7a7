"""What is asked of every octet of a text of tags, found in one walk: slab by slab, so that each stays in the nearest caches meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from trunkline.usage.decode.bits import SLAB, Ranked, empty_bits
from trunkline.usage.decode.columns import Integers

_LF: Final = 0x0A
_LESS: Final = 0x3C


@dataclass(frozen=True, slots=True)
class Survey:
    """Where every `<` of a text stands, ascending, and its line ends."""

    tags: Integers
    line_ends: Ranked


def survey(data: bytes) -> Survey:
    """Looks at all octets of a text."""
    octets = np.frombuffer(data, np.uint8)
    ends = empty_bits(octets.size)
    mask = np.empty(min(octets.size, SLAB), np.bool_)
    tags = [np.zeros(0, np.int64)]
    for at in range(0, octets.size, SLAB):
        slab = octets[at : at + SLAB]
        found = mask[: slab.size]
        (places,) = np.nonzero(np.equal(slab, _LESS, out=found))
        places += at
        tags.append(places)
        packed = np.packbits(np.equal(slab, _LF, out=found), bitorder="little")
        ends[at // 8 : at // 8 + packed.size] = packed
    return Survey(np.concatenate(tags), Ranked.of(ends.view(np.uint64)))

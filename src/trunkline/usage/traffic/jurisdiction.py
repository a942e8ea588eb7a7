"""How far a call goes: within a country or a state of the USA, or across (docs/algorithms/traffic-rules.md, rule 5).

A *place* is a country (`KE`), a state of the USA (`US-NY`), the USA without a known state (`US`), or "" for none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.core.nanp import NON_GEOGRAPHIC, STATE_OF, TERRITORIES
from trunkline.engine.prefix import KEY_DIGITS, POWERS, DigitTexts, PrefixTable, digit_keys
from trunkline.tariffs.country_prefixes import country_prefixes
from trunkline.usage.traffic.kinds import Jurisdiction

USA: Final = "US"
JURISDICTIONS: Final = tuple(Jurisdiction)
_NUMBER_OF: Final = {each: np.int8(place) for place, each in enumerate(JURISDICTIONS)}

Int8s = NDArray[np.int8]


@lru_cache(maxsize=1)
def places() -> Mapping[str, str]:
    """The place of every prefix that tells one; the longest that a number begins with counts."""
    found = {
        prefix: f"{USA}-{country}" if country in TERRITORIES else country
        for prefix, country in country_prefixes().items()
    }
    found |= {f"1{code}": "" for code in NON_GEOGRAPHIC}
    return found | {f"1{code}": f"{USA}-{state}" for code, state in STATE_OF.items()}


@dataclass(frozen=True, slots=True)
class _Places:
    """The table of prefixes with, for each, the number of its country and of its place; the last row is that of no prefix."""

    table: PrefixTable
    country: NDArray[np.int16]  # 0: none, 1: the USA
    state: NDArray[np.int16]  # 0: none

    @classmethod
    def make(cls) -> _Places:
        found = sorted(places().items(), key=lambda item: (int(item[0].ljust(KEY_DIGITS, "0")), len(item[0])))
        keys = np.array([int(prefix) * int(POWERS[KEY_DIGITS - len(prefix)]) for prefix, _ in found], np.int64)
        lengths = np.array([len(prefix) for prefix, _ in found], np.int8)
        countries = ["", USA, *sorted({place[:2] for _, place in found} - {"", USA})]
        states = ["", *sorted({place[3:] for _, place in found} - {""})]
        return cls(
            PrefixTable.build(keys, lengths),
            np.array([*(countries.index(place[:2]) for _, place in found), 0], np.int16),
            np.array([*(states.index(place[3:]) for _, place in found), 0], np.int16),
        )


@lru_cache(maxsize=1)
def _places() -> _Places:
    return _Places.make()


def jurisdictions(calling: DigitTexts, called: DigitTexts) -> Int8s:
    """The jurisdiction of each call, as the place in `JURISDICTIONS`."""
    known = _places()
    sender, receiver = (known.table.match(each.keys, each.lengths) for each in (calling, called))
    country, other = known.country[sender], known.country[receiver]
    state, other_state = known.state[sender], known.state[receiver]
    found = np.where(
        country == other, _NUMBER_OF[Jurisdiction.DOMESTIC], _NUMBER_OF[Jurisdiction.INTERNATIONAL]
    ).astype(np.int8)
    in_usa = (country == 1) & (other == 1)
    found[in_usa] = np.where(
        state == other_state, _NUMBER_OF[Jurisdiction.INTRASTATE], _NUMBER_OF[Jurisdiction.INTERSTATE]
    )[in_usa]
    unknown = (country == 0) | (other == 0) | (in_usa & ((state == 0) | (other_state == 0)))
    found[unknown] = _NUMBER_OF[Jurisdiction.INDETERMINATE]
    return found


def place_of(number: str) -> str:
    """The place of one number."""
    known = places()
    return next((known[number[:size]] for size in range(len(number), 0, -1) if number[:size] in known), "")


def jurisdiction_of(calling: str, called: str) -> Jurisdiction:
    """The jurisdiction of one call, said of its two places."""
    sender, receiver = place_of(calling), place_of(called)
    if not sender or not receiver:
        return Jurisdiction.INDETERMINATE
    if sender[:2] == receiver[:2] == USA:
        if USA in (sender, receiver):
            return Jurisdiction.INDETERMINATE
        return Jurisdiction.INTRASTATE if sender == receiver else Jurisdiction.INTERSTATE
    return Jurisdiction.DOMESTIC if sender[:2] == receiver[:2] else Jurisdiction.INTERNATIONAL


def digits_of_column(numbers: pa.Array) -> DigitTexts:
    """Numbers for `jurisdictions`; what is no number is in no place, like an empty one."""
    found = digit_keys(numbers)
    if found.is_odd is None:
        return found
    return DigitTexts(found.keys, np.where(found.is_odd, np.int32(0), found.lengths), None)

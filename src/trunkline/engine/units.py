"""What quantities count. Apart from the schemas, so that models need not load Arrow."""

from __future__ import annotations

from enum import StrEnum


class Unit(StrEnum):
    """What a quantity counts. Only seconds take time: other units are priced whole by the rate of the start."""

    SECOND = "second"
    OCTET = "octet"
    MESSAGE = "message"

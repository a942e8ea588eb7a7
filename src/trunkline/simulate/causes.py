"""How calls end: the causes that simulated attempts have, as FreeSWITCH names them, with their Q.850 and SIP numbers.

Names and numbers are those of FreeSWITCH's hang-up causes; the SIP status is the one it maps the cause to (RFC 4497).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A way to end: whether the called side rang before, and for how many usual ringing times."""

    index: int
    name: str
    q850: int
    sip_code: int
    rings: bool
    patience: int


CAUSES = tuple(
    Cause(index, *row)
    for index, row in enumerate(
        [
            ("NORMAL_CLEARING", 16, 200, True, 1),
            ("USER_BUSY", 17, 486, True, 0),
            ("NO_ANSWER", 19, 480, True, 4),
            ("ORIGINATOR_CANCEL", 16, 487, True, 2),
            ("UNALLOCATED_NUMBER", 1, 404, False, 0),
            ("CALL_REJECTED", 21, 603, False, 0),
            ("INVALID_NUMBER_FORMAT", 28, 484, False, 0),
            ("SUBSCRIBER_ABSENT", 20, 480, False, 0),
            ("NORMAL_CIRCUIT_CONGESTION", 34, 503, False, 0),
            ("NETWORK_OUT_OF_ORDER", 38, 502, False, 0),
            ("NORMAL_TEMPORARY_FAILURE", 41, 503, False, 0),
            ("SWITCH_CONGESTION", 42, 503, False, 0),
            ("DESTINATION_OUT_OF_ORDER", 27, 502, False, 0),
            ("RECOVERY_ON_TIMER_EXPIRE", 102, 504, False, 0),
            ("NO_ROUTE_DESTINATION", 3, 404, False, 0),
        ]
    )
)

_BY_NAME = {cause.name: cause for cause in CAUSES}

ANSWERED = _BY_NAME["NORMAL_CLEARING"]
NO_VENDOR = _BY_NAME["NO_ROUTE_DESTINATION"]

# Index and weight: how the last attempt of an unanswered call ends, and how one ends that is tried again elsewhere.
UNANSWERED = tuple(
    (_BY_NAME[name].index, weight)
    for name, weight in (
        ("NO_ANSWER", 30),
        ("USER_BUSY", 27),
        ("ORIGINATOR_CANCEL", 22),
        ("UNALLOCATED_NUMBER", 7),
        ("SUBSCRIBER_ABSENT", 6),
        ("CALL_REJECTED", 4),
        ("INVALID_NUMBER_FORMAT", 2),
        ("RECOVERY_ON_TIMER_EXPIRE", 2),
    )
)
FAILED_OVER = tuple(
    (_BY_NAME[name].index, weight)
    for name, weight in (
        ("NORMAL_CIRCUIT_CONGESTION", 40),
        ("NORMAL_TEMPORARY_FAILURE", 22),
        ("SWITCH_CONGESTION", 14),
        ("DESTINATION_OUT_OF_ORDER", 10),
        ("NETWORK_OUT_OF_ORDER", 9),
        ("RECOVERY_ON_TIMER_EXPIRE", 5),
    )
)

"""The usual questions: what most operators ask every week, to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

USUAL: Final[Mapping[str, Mapping[str, str]]] = {
    "Margin by customer": {"view": "margin", "by": "account", "period": "last_month", "sort": "margin"},
    "Margin by customer and destination": {
        "view": "margin",
        "by": "account,destination",
        "period": "last_month",
        "sort": "margin",
    },
    "Margin by destination and vendor": {
        "view": "margin",
        "by": "destination,vendor",
        "period": "last_month",
        "sort": "margin",
    },
    "Traffic by day": {"view": "summary", "by": "day", "period": "last_30_days", "measure": "minutes"},
    "Quality of vendors": {
        "view": "summary",
        "by": "vendor",
        "period": "last_7_days",
        "figures": "attempts,connected,asr,acd,pdd,cost_minutes,cost",
        "sort": "attempts",
    },
    "Why calls fail": {
        "view": "summary",
        "by": "cause_group",
        "period": "last_7_days",
        "figures": "attempts,calls,connected",
        "sort": "attempts",
        "compare": "previous",
    },
}

"""What a program says of itself while it works: one line an event on the standard error, as `key=value`.

The standard output is the result of a command and nothing else. Values are names, counts and codes; never a secret and no personal data.
"""

from __future__ import annotations

import sys
from typing import Any


def log(event: str, /, *, level: str = "info", **values: Any) -> None:
    """Write one event. The library is loaded with the first."""
    import structlog

    processors = (
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.LogfmtRenderer(key_order=("timestamp", "level", "event"), bool_as_flag=False),
    )
    logger = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=processors)
    getattr(logger, level)(event, **values)

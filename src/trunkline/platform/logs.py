"""Django's and the libraries' log records as lines of ours: what happened and where, without what was in it.

The text of an exception may quote rows, forms and addresses, so it is left out: kind, code and the places in the program are kept.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final

from trunkline.core.errors import TrunklineError
from trunkline.kit.logs import log

FRAMES: Final = 12
# They log names that people typed, or addresses with ids; what they have to say, RequestMiddleware says.
QUIET: Final = ("django.request", "django.security", "axes", "allauth")


class LineHandler(logging.Handler):
    """Hands each record to `kit.logs`."""

    def emit(self, record: logging.LogRecord) -> None:
        values: dict[str, object] = {"logger": record.name}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            values |= describe(error)
        elif record.name.startswith(QUIET):
            if record.levelno < logging.ERROR:
                return
        else:
            values["message"] = record.getMessage()
        log("log", level=record.levelname.lower(), **values)


def describe(error: BaseException) -> dict[str, object]:
    """An exception without its text: kind, code, and where it was, the last frame first."""
    said: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, TrunklineError):
        said["code"] = error.code
    cause = error.__cause__
    if cause is not None and (state := getattr(cause, "sqlstate", None)):
        said["sqlstate"] = state
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    said["at"] = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return said


def log_to_standard_error(level: int = logging.INFO) -> None:
    """Send every record of this process through `LineHandler`."""
    root = logging.getLogger()
    root.handlers[:] = [LineHandler()]
    root.setLevel(logging.WARNING)
    logging.getLogger("trunkline").setLevel(level)
    logging.captureWarnings(capture=True)

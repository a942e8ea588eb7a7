"""Named steps at which a fault test can let the power fail.

`TRUNKLINE_FAULT=STEP` kills this process with SIGKILL at its first passing of the step; `TRUNKLINE_FAULT=STEP:postgres` kills the embedded
server instead, and `TRUNKLINE_FAULT=STEP:stop` halts the process there (SIGSTOP) until it is sent SIGCONT. Without the variable a step costs
one look-up. The steps are listed in docs/operations/faults.md.
"""

from __future__ import annotations

import os
import signal

_STEP, _, _VICTIM = os.environ.get("TRUNKLINE_FAULT", "").partition(":")
_done = False


def reached(step: str) -> None:
    """Say that a step has been reached."""
    global _done  # noqa: PLW0603  one fault a process
    if step != _STEP or _done:
        return
    _done = True
    if _VICTIM == "postgres":
        from trunkline.kit.db import embedded

        embedded.kill()
    else:
        os.kill(os.getpid(), signal.SIGSTOP if _VICTIM == "stop" else signal.SIGKILL)

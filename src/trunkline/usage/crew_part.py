"""The processes of a crew: `python -m trunkline.usage.crew_part FD FD`, a socket for each part. Only `crew` starts them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, Final

from trunkline.usage.crew import give_freed_memory_back, prepare_part, settle_part
from trunkline.usage.decode import get_format
from trunkline.usage.part import Part, Work
from trunkline.usage.rerate_part import RerateWork

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_FINISHING: Final = 10  # the files are finished beside the posting transaction, which everybody waits for


def main(descriptors: Sequence[str]) -> None:
    """Take the work, map the prices, become the parts and serve until the files are finished or the parent goes."""
    _die_with_parent()
    settle_part()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends this process
    ends = [Connection(int(descriptor)) for descriptor in descriptors]
    with suppress(EOFError, OSError):  # the parent has gone, or wants nothing more
        work: Work | RerateWork = ends[0].recv()
        if isinstance(work, Work):
            prepare_part(work.octets, has_documents=get_format(work.format).framing is not None)
        try:
            work.pinned.kept.get()
        except Exception as error:
            ends[0].send(error)
            return
        parent = os.getpid()
        number = next((part for part in range(1, len(ends)) if os.fork() == 0), 0)
        if number:
            _die_with_parent(parent)
        for part, end in enumerate(ends):
            if part != number:
                end.close()
        _serve(work.part(number), ends[number])
    with suppress(ChildProcessError):
        os.waitpid(-1, 0)


def _serve(part: Part | RerateWork, end: Connection) -> None:
    try:
        while _answer(part, end, end.recv()):
            pass
    except (EOFError, ConnectionError):
        raise
    except Exception as error:
        part.abandon()
        end.send(error)


def _answer(part: Part | RerateWork, end: Connection, message: tuple[Any, ...]) -> bool:
    if isinstance(part, RerateWork):
        end.send(part.do(message[1], end.send))
        return True
    match message:
        case "propose", number, slot, size, chunk:
            with slot.open("rb") as file:
                chunk = replace(chunk, data=file.read(size))
            end.send(part.propose(number, chunk))
        case "settle", number, fates:
            part.settle(number, fates)
        case _:
            end.send(part.folded())
            os.nice(_FINISHING)
            give_freed_memory_back()
            end.send(part.finish())
            return False
    return True


def _die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent ends in whatever way."""
    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:  # it had ended before
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Processes that decode, price and write the parts of a large file; their parent cuts the file and tells the duplicates.

Threads of one process wait for each other's interpreter lock and page faults: three million records took 20 s in two threads. The processes
are started fresh, without Django and before the parent knows what they will work on, so that their start costs no time; the second is forked
from the first once the prices are mapped, so that both share them (`crew_part`). Chunks and keys travel through files of the attempt's
scratch folder: what goes through the sockets is small, so that nobody waits for somebody who is busy. Whoever loses the parent, killed or
not, dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trunkline
from trunkline.core.errors import Unavailable

if TYPE_CHECKING:  # a crew is started before its parent has loaded Arrow
    from trunkline.usage.decode import Chunk
    from trunkline.usage.fates import Fates
    from trunkline.usage.part import Folded, Work
    from trunkline.usage.rerate_part import Piece, Relooked, RerateWork
    from trunkline.usage.store import WrittenSegment
    from trunkline.usage.taken import Claim

PARTS: Final = 2
PARTS_AHEAD: Final = 2  # chunks of a part without verdict: one is worked on while another waits
CREW_OCTETS: Final = 48 << 20  # a smaller file is done before a crew has begun
# Arrow's allocator gives back what is free for a moment, numpy asks for pages of 2 MiB: both make the kernel clear memory again and again.
KEPT_PAGES: Final = {
    "MIMALLOC_PURGE_DELAY": "-1",
    "NUMPY_MADVISE_HUGEPAGE": "0",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # where it is allowed: `allow_large_pages`
    "OPENBLAS_NUM_THREADS": "1",  # there is nothing for them to do
}
WALKED_OCTETS: Final = 128 << 20  # a smaller file of documents is done before the walk has paid for being loaded
PART_KEEPS_OCTETS: Final = 1 << 30  # everything, it ends with its file
PARENT_KEEPS_OCTETS: Final = 256 << 20  # a few chunks and what tells duplicates
_PR_SET_THP_DISABLE: Final = 41  # prctl(2)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


class Crew:
    """The processes, as their parent sees them: for the parts of one attempt (`part.Parts`). Close it."""

    def __init__(self) -> None:
        pairs = [socket.socketpair() for _ in range(PARTS)]
        self._ends = [Connection(ours.detach()) for ours, _ in pairs]
        theirs = [end for _, end in pairs]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "trunkline.usage.crew_part", *(str(end.fileno()) for end in theirs)],
                env=os.environ | {"PYTHONPATH": _packages()} | KEPT_PAGES,
                pass_fds=[end.fileno() for end in theirs],
                stdin=subprocess.DEVNULL,
            )
        finally:
            for end in theirs:
                end.close()
        self._work: Work | RerateWork | None = None
        self._scratch = Path()
        self._given = [0] * PARTS

    def begin(self, work: Work | RerateWork) -> None:
        """Give them their work, of which each is a part (`part(number)`)."""
        keep_freed_memory(PARENT_KEEPS_OCTETS)  # for a worker lives on
        self._work, self._scratch = work, work.scratch
        self._send(0, work)

    def give(self, number: int, chunk: Chunk) -> None:
        """Give chunk `number` to its part."""
        part = number % PARTS
        # The chunk that lay there before has its verdict, so it has been read.
        slot = self._scratch / f"slot-{part}-{self._given[part] % PARTS_AHEAD}"
        self._given[part] += 1
        with slot.open("r+b" if slot.exists() else "xb") as file:
            file.write(chunk.data)
        self._send(
            part, ("propose", number, slot, len(chunk.data), replace(chunk, data=b"", end_bits=None, walked=None))
        )

    def claims(self) -> list[Claim]:
        """The claims that have come in, at least one. Raises what a part has raised."""
        return [self._receive(end) for end in wait(self._ends)]  # type: ignore[arg-type]

    def settle(self, number: int, fates: Fates) -> None:
        """Tell a part the verdict on its chunk."""
        self._send(number % PARTS, ("settle", number, fates))

    def ask(self, part: int, piece: Piece) -> None:
        """Have a part do a piece of work that needs no other. It answers with the rows that it has done, time and again, then with what it found."""
        self._send(part, ("do", piece))

    def answers(self) -> list[tuple[int, Relooked | int]]:
        """The parts that have answered, at least one, and their answers. Raises what a part has raised."""
        ready = wait(self._ends)
        return [(part, self._receive(end)) for part, end in enumerate(self._ends) if end in ready]

    def fold(self) -> list[Folded]:
        """The sums of all parts, which begin to finish their files."""
        for part in range(PARTS):
            self._send(part, ("finish",))
        give_freed_memory_back()  # the file is through; PostgreSQL needs the room now
        return [self._receive(end) for end in self._ends]

    def finish(self) -> list[WrittenSegment]:
        """The finished files of all parts."""
        return [segment for end in self._ends for segment in self._receive(end)]

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for end in self._ends:
            end.close()
        self._process.kill()
        self._process.wait()

    def abandon(self) -> None:
        """End the processes and remove what they have written."""
        self.close()
        if self._work is not None:
            from trunkline.usage.store import remove_attempt

            remove_attempt(self._work.tenant_id, self._work.batch_id, self._work.attempt)

    def _send(self, part: int, message: object) -> None:
        try:
            self._ends[part].send(message)
        except OSError as error:
            raise self._reason() from error

    def _reason(self) -> Exception:
        """What a part said before it ended."""
        for end in self._ends:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    if isinstance(answer := end.recv(), Exception):
                        return answer
        return _lost()

    def _receive(self, end: Connection) -> Any:
        try:
            answer = end.recv()
        except (EOFError, OSError) as error:
            raise _lost() from error
        if isinstance(answer, Exception):
            raise answer
        return answer


_ahead: Final[list[Crew]] = []


def start_ahead() -> None:
    """Start a crew while it is still being found out what it will work on."""
    _ahead.append(Crew())


def ready_crew() -> Crew:
    """The crew that was started ahead, or a new one."""
    return _ahead.pop() if _ahead else Crew()


def keep_freed_memory(octets: int) -> None:
    """Have the C library keep so much memory of large arrays for the next ones.

    Without this every array of a chunk is mapped and unmapped, and page faults eat a third of the time.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, octets)
        library.mallopt(_M_TRIM_THRESHOLD, octets)


def settle_part() -> None:
    """Have the process of a part keep what it frees, in pages of the usual size until its work is known (`prepare_part`)."""
    keep_freed_memory(PART_KEEPS_OCTETS)
    allow_large_pages(False)


def prepare_part(octets: int, *, has_documents: bool) -> None:
    """Have the process of a part ready for a file of so many octets."""
    allow_large_pages(has_documents)
    if has_documents and octets >= WALKED_OCTETS:
        from trunkline.usage.decode import skeletons

        skeletons.load()


def allow_large_pages(is_allowed: bool) -> None:
    """Have the kernel give this process pages of 2 MiB below glibc's heap, or not.

    They save a tenth of the time of documents, whose arrays are few and large. Lines do without: they have no memory to spare.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(_PR_SET_THP_DISABLE, int(not is_allowed), 0, 0, 0)


def give_freed_memory_back() -> None:
    """Have the C library and Arrow's allocator hand to the kernel what they have kept."""
    import pyarrow as pa

    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
    pa.default_memory_pool().release_unused()


def _packages() -> str:
    """Where the processes find us, wherever this one has."""
    ours = str(Path(trunkline.__file__).parents[1])
    return os.pathsep.join((ours, *filter(None, [os.environ.get("PYTHONPATH")])))


def _lost() -> Unavailable:
    return Unavailable(
        "part_lost",
        "A process that worked on a part of the file has ended.",
        hint="If the machine ran out of memory, the system's log says so. The file will be tried again.",
    )

"""Reading segments: which files hold what counts, and a DuckDB fenced in to just these.

The catalogue (`usage.Segment`, under row-level security) is the only source of paths. A segment may be superseded and
its file removed while somebody reads it: `watch` turns that into `SegmentsMoved`, and `retry_when_moved` asks the
catalogue again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from trunkline.core.errors import Unavailable
from trunkline.kit.home import home
from trunkline.kit.scratch import scratch_path
from trunkline.usage.omitted import SAME_AS, sql_of

if TYPE_CHECKING:
    import duckdb

    from trunkline.usage.models import Segment

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading segments may take: threads, memory (what passes it spills to the disk), and seconds, where there is an end to patience."""

    threads: int = 2
    memory: str = "512MB"
    timeout_s: float | None = None


COMMAND: Final = Limits()
# A worker of the web serves others at the same time, and whoever asked has gone after half a minute.
WEB: Final = Limits(threads=1, memory="256MB", timeout_s=30)

_AGAIN_S: Final = 0.1
ATTEMPTS = 3  # a catalogue that moves three times under one reader is busy: the reader says so instead of looping


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """One file of the catalogue. `day` is a UTC day; the bounds are the least and the greatest start in it."""

    id: int
    path: Path
    day: date
    rows: int
    min_start: datetime | None
    max_start: datetime | None


class SegmentsMoved(Unavailable):
    """A file that the catalogue named a moment ago is gone: ask the catalogue again."""


def live_segments(
    *,
    kind: str = "rated",
    day_from: date | None = None,
    day_to: date | None = None,
    start_from: datetime | None = None,
    start_to: datetime | None = None,
    switch_id: int | None = None,
    as_of: datetime | None = None,
) -> list[SegmentFile]:
    """Segments that count, by day and id; needs an open scope.

    `kind` is `rated` or `reject`. `[day_from, day_to)` are UTC days; `[start_from, start_to)` are aware instants of the
    records' start, and leave out every segment that cannot hold one of them. `as_of` gives what counted at that
    instant, so that a report can be repeated after a re-rating.
    """
    from django.db.models import Q

    from trunkline.usage.choices import SegmentState
    from trunkline.usage.models import Segment

    found = Segment.objects.filter(kind=kind)
    if as_of is None:
        found = found.filter(state=SegmentState.LIVE)
    else:
        found = found.filter(Q(superseded_at=None) | Q(superseded_at__gt=as_of), created_at__lte=as_of)
    if switch_id is not None:
        found = found.filter(switch_id=switch_id)
    if day_from is not None:
        found = found.filter(day__gte=day_from)
    if day_to is not None:
        found = found.filter(day__lt=day_to)
    if start_from is not None:
        found = found.filter(Q(max_start=None) | Q(max_start__gte=start_from), day__gte=_utc_day(start_from))
    if start_to is not None:
        found = found.filter(Q(min_start=None) | Q(min_start__lt=start_to), day__lte=_utc_day(start_to))
    found = found.order_by("day", "id").only("id", "path", "day", "rows", "min_start", "max_start")
    root = home()
    return [SegmentFile(row.id, root / row.path, row.day, row.rows, row.min_start, row.max_start) for row in found]


def rated_versions(*, start_from: datetime, start_to: datetime) -> list[Segment]:
    """Segments of rated records, superseded ones too, that can hold a start in `[start_from, start_to)`, in the order in which they were
    written; needs an open scope. Where one was superseded, what it said is said anew by segments of the batch that superseded it."""
    from django.db.models import Q

    from trunkline.usage.models import Segment

    found = Segment.objects.filter(Q(max_start=None) | Q(max_start__gte=start_from), kind="rated")
    found = found.filter(Q(min_start=None) | Q(min_start__lt=start_to), day__gte=_utc_day(start_from))
    return list(found.filter(day__lte=_utc_day(start_to)).order_by("id"))


def _utc_day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()


def connect(
    paths: Sequence[Path | str],
    *,
    kind: str = "rated",
    limits: Limits = COMMAND,
    has_view: bool = True,
    later: Sequence[str] = (),
) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own, fenced in to `paths`, with a view `segments` over them; its clock is UTC. Close it.

    Nothing else of the file system and no network can be reached through it, and no setting changed. What passes the memory of `limits`
    spills into a folder below `tmp`, which goes when the connection closes; their time counts inside `limited`. Over no paths the view has its
    columns and no row. Whoever reads the files one by one does without the view, which opens them all. `later` are columns of text that a
    report asks for and that segments of earlier versions do not have: there they are null. Raises `SegmentsMoved` where a file is gone.
    """
    import duckdb

    names = [str(path) for path in paths]
    spill = scratch_path("duckdb")
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"SET memory_limit={text_literal(limits.memory)}")
        connection.execute(f"SET threads={int(limits.threads)}")
        connection.execute(f"SET temp_directory={text_literal(str(spill))}")
        connection.execute("SET TimeZone='UTC'")
        connection.execute(
            "SET disable_parquet_prefetching=true"
        )  # files are near: of a few rows all else would be copied
        connection.execute("SET parquet_metadata_cache=true")  # a segment never changes: each is unpacked once
        connection.execute(f"SET allowed_paths=[{', '.join(map(text_literal, names))}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        if has_view:
            with watch(names):
                _view(connection, names, kind, later)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def limited(connection: duckdb.DuckDBPyConnection, limits: Limits) -> Iterator[None]:
    """Read inside, no longer than the limits allow. Raises Unavailable `reading_took_too_long`, `reading_out_of_memory`."""
    import duckdb

    if limits.timeout_s is None:
        yield
        return
    timeout_s, is_done = limits.timeout_s, Event()

    def interrupt_late() -> None:
        if not is_done.wait(timeout_s):
            connection.interrupt()
            while not is_done.wait(_AGAIN_S):  # what was not running then
                connection.interrupt()

    watcher = Thread(target=interrupt_late, daemon=True)
    watcher.start()
    hint = "Ask for a shorter period or for fewer groups."
    try:
        yield
    except duckdb.InterruptException as error:
        message = f"Reading the records took longer than {limits.timeout_s:g} s."
        raise Unavailable("reading_took_too_long", message, hint=hint) from error
    except duckdb.OutOfMemoryException as error:
        message = f"Reading the records took more than {limits.memory}."
        raise Unavailable("reading_out_of_memory", message, hint=hint) from error
    finally:
        is_done.set()
        watcher.join()  # what it may be interrupting right now is still open


def _view(connection: duckdb.DuckDBPyConnection, names: Sequence[str], kind: str, later: Sequence[str]) -> None:
    if not names:
        from trunkline.usage.store import RATED, REJECTED  # pyarrow is loaded for this case alone

        connection.register("segments", (RATED if kind == "rated" else REJECTED).empty_table())
        return
    # The folders are named tenant=…/day=…: DuckDB would make columns of them.
    files = ", ".join(map(text_literal, names))
    columns = "*"
    if kind == "rated":
        columns += f" REPLACE ({', '.join(f'{sql_of(name)} AS {name}' for name in SAME_AS)})"
    source = f"read_parquet([{files}], union_by_name=true, hive_partitioning=false)"
    if later:
        there = set(connection.sql(f"SELECT * FROM {source} LIMIT 0").columns)
        columns += "".join(f", NULL::VARCHAR AS {name}" for name in later if name not in there)
    connection.execute(f"CREATE VIEW segments AS SELECT {columns} FROM {source}")


def text_literal(value: str) -> str:
    """A string as an SQL literal, for paths and settings, which take no bound parameter."""
    return "'" + value.replace("'", "''") + "'"


@contextlib.contextmanager
def watch(paths: Sequence[Path | str]) -> Iterator[None]:
    """Read files inside; where that fails and one of `paths` is gone, `SegmentsMoved` is raised instead."""
    try:
        yield
    except Exception as error:
        gone = next((str(path) for path in paths if not Path(path).exists()), None)
        if gone is None or isinstance(error, SegmentsMoved):
            raise
        raise SegmentsMoved(
            "segments_moved",
            f"The segment {gone} is gone.",
            hint="If the catalogue still names it, restore the data folder from its backup.",
            path=gone,
        ) from error


def retry_when_moved(work: Callable[[], Result]) -> Result:
    """Do `work`, which asks the catalogue and reads what it names; do it again where a file was gone meanwhile."""
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except SegmentsMoved:
            continue
    return work()

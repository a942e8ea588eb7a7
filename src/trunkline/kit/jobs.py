"""Jobs behind one door: deferring is part of the transaction, so a job exists exactly if what caused it was committed.

Arguments are ids, `tenant_id` always among them; never personal data. Every task may run twice: the queue promises at least once, the
task's own record makes it once.

The queue is loaded when something is put into it or taken out: commands that do neither start sooner.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, connections, transaction

from trunkline.core.errors import Unavailable

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.exceptions import ConnectorException
    from procrastinate.jobs import Job

F = TypeVar("F", bound=Callable[..., Any])

# A worker whose server does not answer for so long ends with an error and is started again by whoever watches over it.
SERVER_PATIENCE_S: Final = 5.0

IS_ASKED: Final = (
    "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = ANY(%s) AND status IN ('todo', 'doing'))"
)

_loading = threading.Lock()


def queue_app() -> App:
    """The queue, with the tasks of all rooms. Loads it where Django has not, because its app is not among the installed."""
    from procrastinate.contrib.django import procrastinate_app
    from procrastinate.contrib.django.apps import create_app

    with _loading:
        if isinstance(procrastinate_app.current_app, procrastinate_app.FutureApp):
            procrastinate_app.current_app = create_app(blueprint=procrastinate_app.current_app)
    return procrastinate_app.current_app


def task(name: str, *, queue: str = "default") -> Callable[[F], F]:
    """Register a function as the task of that name. Other rooms defer it by the name alone."""
    from procrastinate.contrib.django import app

    def register(function: F) -> F:
        app.task(name=name, queue=queue)(function)
        return function

    return register


def every(cron: str, name: str, *, queue: str = "default") -> Callable[[F], F]:
    """Register a function to run on a schedule; it is given the planned `timestamp`. `cron` may end with a sixth field for the seconds.

    One that still waits makes the next one needless, so that nothing piles up while no worker is there.
    """
    from procrastinate.contrib.django import app

    def register(function: F) -> F:
        app.periodic(cron=cron)(app.task(name=name, queue=queue, queueing_lock=name)(function))
        return function

    return register


def defer(name: str, /, *, key: str | None = None, in_seconds: int = 0, tenant_id: int, **arguments: Any) -> bool:
    """Put a job in the queue, as part of the open transaction; it is not begun before `in_seconds` have passed.

    A job of the same name, tenant and `key` that is still waiting makes this one needless: False. Raises `TaskNotFound` for a name that
    no `tasks.py` has.
    """
    app = queue_app()  # first: another thread may be at loading it
    from procrastinate.exceptions import AlreadyEnqueued

    lock = None if key is None else _lock(name, tenant_id, key)
    later = {"seconds": in_seconds} if in_seconds else None
    job = app.configure_task(name, queueing_lock=lock, schedule_in=later, allow_unknown=False)
    try:
        with transaction.atomic():  # a refused key would abort the caller's transaction
            job.defer(tenant_id=tenant_id, **arguments)
    except AlreadyEnqueued:
        return False
    return True


def _lock(name: str, tenant_id: int, key: str) -> str:
    return f"{name}:{tenant_id}:{key}"


def is_asked(*names: str, tenant_id: int, key: str) -> bool:
    """Whether a job of one of these names, of that tenant and `key`, waits or is at work."""
    locks = [_lock(name, tenant_id, key) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(IS_ASKED, [locks])
        row = cursor.fetchone()
    return bool(row and row[0])


def work(*, queues: list[str] | None = None, wait: bool = False, concurrency: int = 1) -> None:
    """Run jobs in this process: all that wait (`wait=False`), or for ever until told to stop.

    Jobs that a dead worker was at go back into the queue first, and every minute while this one runs (`kit.tasks`). What is done goes
    from the queue; what failed stays there to be looked at. SIGTERM and Ctrl-C let the job in hand come to its end. Raises
    `ConnectorException` or `Unavailable` (`worker_stopped`) when the server goes away, also if it is there again by then: a worker never
    ends quietly that nobody told to.
    """
    from procrastinate import PsycopgConnector
    from procrastinate.contrib.django.utils import connector_params

    take_up()
    # While the server is away the pool would say so several times a second; the error at the end says it once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # Django's own connector defers; a worker needs one of its own.
    connector = PsycopgConnector(kwargs=connector_params(), timeout=SERVER_PATIENCE_S)
    options = {
        "queues": queues,
        "wait": wait,
        "concurrency": concurrency,
        "delete_jobs": "successful",
        "task_middleware": [_disconnect],
        "install_signal_handlers": False,
    }
    try:
        was_told = asyncio.run(_work_until_told(queue_app().with_connector(connector), options))
    finally:
        asyncio.run(sync_to_async(connections.close_all)())  # in the thread that the schedule was kept from
    if wait and not was_told:
        raise Unavailable(
            "worker_stopped", "The worker lost its connection to PostgreSQL and has stopped.", hint="Start it again."
        )


async def _work_until_told(worker_app: App, options: dict[str, Any]) -> bool:
    """Run a worker until it has nothing more to do or is told to stop by SIGTERM or SIGINT: whether it was told."""
    was_told = False
    async with worker_app.open_async():
        running = asyncio.ensure_future(worker_app.run_worker_async(**options))

        def stop() -> None:
            nonlocal was_told
            was_told = True
            with_handlers(asyncio.get_running_loop().remove_signal_handler)  # told twice, it dies
            running.cancel()  # which lets the job in hand come to its end

        def with_handlers(change: Callable[..., Any], *arguments: Any) -> None:
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGTERM, signal.SIGINT):
                    change(number, *arguments)

        with_handlers(asyncio.get_running_loop().add_signal_handler, stop)
        try:
            await running
        except asyncio.CancelledError:
            if not was_told:
                raise
    return was_told


def _disconnect(call_next: Callable[[], Any], context: Any, worker: Any) -> Any:
    """Each job has a database connection of its own: none goes stale while a worker waits, none is left open in its threads."""
    try:
        return call_next()
    finally:
        connections.close_all()


def take_up() -> int:
    """Put the jobs of workers that gave no sign of life for 30 seconds back into the queue; returns their number."""
    return async_to_sync(_take_up)()


async def _take_up() -> int:
    from procrastinate.exceptions import ConnectorException, UniqueViolation

    manager = queue_app().job_manager
    taken = 0
    for job in await manager.get_stalled_jobs():
        try:
            await manager.retry_job(job)
            taken += 1
        except UniqueViolation:  # a job of the same key waits already and makes this one needless
            await _drop(job)
        except ConnectorException as error:
            _require_taken_by_another(error)
    return taken


async def _drop(job: Job) -> None:
    from procrastinate.exceptions import ConnectorException
    from procrastinate.jobs import Status

    try:
        await queue_app().job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    except ConnectorException as error:
        _require_taken_by_another(error)


def _require_taken_by_another(error: ConnectorException) -> None:
    """Two workers that look at the same moment find the same jobs; the queue's functions raise where one is taken up already."""
    if not isinstance(error.__cause__, psycopg.errors.RaiseException):
        raise error

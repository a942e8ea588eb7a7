"""Jobs behind one door: deferring is part of the transaction, so a job exists exactly if what caused it was committed.

Arguments are ids, `tenant_id` always among them; never personal data. Every task may run twice: the queue promises at least once, the
task's own record makes it once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

F = TypeVar("F", bound=Callable[..., Any])


def task(name: str, *, queue: str = "default") -> Callable[[F], F]:
    """Register a function as the task of that name. Other rooms defer it by the name alone."""

    def register(function: F) -> F:
        app.task(name=name, queue=queue)(function)
        return function

    return register


def every(cron: str, name: str, *, queue: str = "default") -> Callable[[F], F]:
    """Register a function to run on a schedule (cron with optional seconds); it is given the planned `timestamp`."""

    def register(function: F) -> F:
        app.periodic(cron=cron)(app.task(name=name, queue=queue)(function))
        return function

    return register


def defer(name: str, *, key: str | None = None, tenant_id: int, **arguments: Any) -> bool:
    """Put a job in the queue, as part of the open transaction. A job of the same `key` that is still waiting makes this one needless: False."""
    job = app.configure_task(name, queueing_lock=key, allow_unknown=False)
    try:
        with transaction.atomic():  # a refused key would abort the caller's transaction
            job.defer(tenant_id=tenant_id, **arguments)
    except AlreadyEnqueued:
        return False
    return True


def work(*, queues: list[str] | None = None, wait: bool = False, concurrency: int = 1) -> None:
    """Run jobs in this process: all that wait (`wait=False`), or for ever until told to stop."""
    connector: Any = app.connector  # Django's own one defers; a worker needs one of its own
    app.with_connector(connector.get_worker_connector()).run_worker(
        queues=queues, wait=wait, concurrency=concurrency, install_signal_handlers=wait
    )

"""What waits in the queue, and its doing, for tests that ask for something at one door and look at what becomes of it."""

from __future__ import annotations

import json

from django.db import connection

from trunkline.kit.jobs import queue_app


def waiting() -> list[str]:
    """The names of the jobs that wait, in their order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def work_off(*names: str) -> int:
    """Do the waiting jobs of those names, as a worker would; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND task_name = ANY(%s) RETURNING task_name, args",
            [list(names)],
        )
        found = cursor.fetchall()
    for name, arguments in found:
        queue_app().tasks[name].func(**json.loads(arguments))
    return len(found)

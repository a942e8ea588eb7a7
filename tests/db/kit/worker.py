"""A worker for the tests of jobs: run as a program it waits inside its first job until it is killed."""

from __future__ import annotations

import sys

import django
from django.conf import settings


def main() -> None:
    settings.INSTALLED_APPS = ["procrastinate.contrib.django"]  # no more than it needs, to start quickly
    django.setup()
    from trunkline.kit import jobs

    @jobs.task("test.note")
    def hang(*, tenant_id: int, name: str) -> None:
        sys.stdout.write("started\n")
        sys.stdout.flush()
        sys.stdin.read()

    jobs.work()


if __name__ == "__main__":
    main()

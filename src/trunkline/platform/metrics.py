"""Figures for Prometheus: how many requests, how long, and what waits in the queue. None names a tenant or a person.

Several processes share their counts where `PROMETHEUS_MULTIPROC_DIR` names a folder that is emptied before they start.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from django.db import connection
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Where several processes count, values come from their files and no registry of this process may add to them.
_registry = CollectorRegistry()
_requests = Counter("trunkline_requests", "Requests answered.", ["method", "route", "status"], registry=_registry)
_seconds = Histogram("trunkline_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS, registry=_registry)

JOBS = "SELECT queue_name, status::text, count(*) FROM procrastinate_jobs GROUP BY 1, 2 ORDER BY 1, 2"


def observe(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count one request. `route` is the pattern of its address, never the address."""
    _requests.labels(method if method in METHODS else "other", route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


class Jobs(Collector):
    """What waits, runs and has failed in the queue."""

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily("trunkline_jobs", "Jobs in the queue.", labels=["queue", "status"])
        with connection.cursor() as cursor:
            cursor.execute(JOBS)
            for queue, status, number in cursor.fetchall():
                gauge.add_metric([queue, status], number)
        yield gauge


def exposition() -> tuple[bytes, str]:
    """All figures as text, and its content type."""
    registry: Any = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
        counted = generate_latest(registry)
    else:
        counted = generate_latest(_registry)
    queue = CollectorRegistry()
    queue.register(Jobs())
    return counted + generate_latest(queue), CONTENT_TYPE_LATEST

"""Every table that has no tenant, with the reason. A system check compares this list with the database."""

from __future__ import annotations

GLOBAL_TABLES: dict[str, str] = {
    "django_migrations": "which migrations ran; no tenant data",
    "django_content_type": "names of models",
    "procrastinate_jobs": "the queue; arguments are ids, tenant_id always among them",
    "procrastinate_events": "times of the queue's jobs",
    "procrastinate_periodic_defers": "when schedules last ran",
    "procrastinate_workers": "which workers are alive",
}

"""How the operators of an installation are doing, read as `trunkline_platform`: a role that sees how the work goes and nothing of their data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from django.conf import settings
from psycopg.rows import class_row

from trunkline.core.errors import NotFound, Unavailable
from trunkline.tenancy.rules import Standing, last_trial_day, standing_of

FAILED_WITHIN: Final = timedelta(days=7)
LISTED: Final = 200
SECONDS: Final = 10  # that such a question may take

HEALTH: Final = """
WITH work AS (
    SELECT tenant_id, count(*) FILTER (WHERE state IN ('registered', 'running')) AS in_progress,
           count(*) FILTER (WHERE state = 'failed' AND finished_at >= %(failed_from)s) AS failed, max(received_at) AS last_file_at
      FROM usage_batch GROUP BY tenant_id),
kept AS (SELECT tenant_id, sum(rows) AS records, sum(octets) AS octets FROM usage_segment WHERE state = 'live' GROUP BY tenant_id),
stored AS (SELECT tenant_id, sum(octets) AS octets FROM tenancy_stored GROUP BY tenant_id),
people AS (
    SELECT m.tenant_id, count(*) AS people, max(u.last_login) AS last_sign_in_at
      FROM identity_membership m JOIN identity_user u ON u.id = m.user_id
     WHERE m.valid_to IS NULL OR m.valid_to > %(at)s GROUP BY m.tenant_id)
SELECT t.id, t.slug, t.name, t.currency, t.timezone, t.status, t.created_at, t.trial_ends_at,
       coalesce(w.in_progress, 0) AS in_progress, coalesce(w.failed, 0) AS failed, w.last_file_at,
       t.quota_octets, greatest(coalesce(s.octets, 0), 0)::bigint AS stored_octets,
       coalesce(k.records, 0)::bigint AS records, coalesce(k.octets, 0)::bigint AS octets,
       coalesce(p.people, 0) AS people, p.last_sign_in_at
  FROM tenancy_tenant t
  LEFT JOIN work w ON w.tenant_id = t.id LEFT JOIN kept k ON k.tenant_id = t.id LEFT JOIN people p ON p.tenant_id = t.id
  LEFT JOIN stored s ON s.tenant_id = t.id
 WHERE (%(slug)s::text IS NULL OR t.slug = %(slug)s)
   AND (%(wanted)s::text IS NULL OR strpos(lower(t.name), lower(%(wanted)s)) > 0 OR strpos(t.slug, lower(%(wanted)s)) > 0)
 ORDER BY lower(t.name), t.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class TenantHealth:
    """An operator as whoever runs the installation sees it. Numbers of files are those in progress and those that failed in a week."""

    id: int
    slug: str
    name: str
    currency: str
    timezone: str
    status: str
    created_at: datetime
    trial_ends_at: datetime | None
    in_progress: int
    failed: int
    last_file_at: datetime | None
    records: int
    octets: int
    quota_octets: int | None
    stored_octets: int
    people: int
    last_sign_in_at: datetime | None

    def standing(self, at: datetime) -> Standing:
        """How it stands at an instant."""
        return standing_of(self, at)

    @property
    def trial_day(self) -> Any:
        """The last day of its trial on its own clock; None where it is on none."""
        return last_trial_day(self)

    @property
    def last_activity_at(self) -> datetime | None:
        """When a file came in last, or somebody signed in."""
        return max((each for each in (self.last_file_at, self.last_sign_in_at) if each is not None), default=None)


def list_health(*, at: datetime, wanted: str = "") -> list[TenantHealth]:
    """Operators by name, those whose name has `wanted` in it. Raises Unavailable `platform_database`."""
    return _read(at=at, slug=None, wanted=wanted.strip() or None, limit=LISTED)


def get_health(slug: str, *, at: datetime) -> TenantHealth:
    """One operator by its short name. Raises NotFound `tenant_not_found`, Unavailable `platform_database`."""
    found = _read(at=at, slug=slug, wanted=None, limit=1)
    if not found:
        raise NotFound("tenant_not_found", f"There is no tenant {slug!r}.")
    return found[0]


def _read(*, at: datetime, slug: str | None, wanted: str | None, limit: int) -> list[TenantHealth]:
    asked = {"at": at, "failed_from": at - FAILED_WITHIN, "slug": slug, "wanted": wanted, "limit": limit}
    with _platform() as connection, connection.cursor(row_factory=class_row(TenantHealth)) as cursor:
        return cursor.execute(HEALTH, asked).fetchall()


@contextmanager
def _platform() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the platform's role, for a question: whatever a page asks through it, it reads what that role was given and no more."""
    try:
        with psycopg.connect(**settings.PLATFORM_DATABASE, autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = '{SECONDS}s'")
            connection.execute("SET default_transaction_read_only = on")
            yield connection
    except psycopg.OperationalError as error:
        raise Unavailable(
            "platform_database", "How the operators are doing cannot be read now.", hint="Try again in a minute."
        ) from error

"""Sessions in the database, read by a statement that PostgreSQL has planned once: every page begins with one."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from trunkline.kit.db.kept import fetch

READ = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(db.SessionStore):
    """Django's, which writes the SQL anew each time."""

    def load(self) -> dict[str, Any]:
        for (data,) in fetch(READ, (self.session_key, timezone.now())):
            return self.decode(data)
        self._session_key = None
        return {}

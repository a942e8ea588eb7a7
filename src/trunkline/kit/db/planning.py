"""How the server is to plan a statement whose tables it knows nothing of yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper


@contextmanager
def tables_joined_at_once(cursor: CursorWrapper) -> Iterator[None]:
    """Join tables as wholes, never row by row, whatever the planner guesses.

    A table that was filled a moment ago has no statistics: the planner takes it for a few rows and looks each of a million up in the other table. Needs an open
    transaction; one that fails forgets the setting by itself.
    """
    cursor.execute("SELECT set_config('enable_nestloop', 'off', true)")
    yield
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")

"""How statements are planned whose tables the server knows nothing of."""

from __future__ import annotations

import pytest
from django.db import connection

from trunkline.kit.db.planning import tables_joined_at_once

UNKNOWN = (
    "CREATE TEMPORARY TABLE unknown (id bigint PRIMARY KEY, other bigint) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE other (id bigint PRIMARY KEY) ON COMMIT DROP",
)
JOIN = "EXPLAIN SELECT * FROM unknown u LEFT JOIN other o ON o.id = u.other WHERE u.id BETWEEN 1 AND 2"


@pytest.mark.django_db
def test_tables_without_statistics_are_joined_as_wholes() -> None:
    with connection.cursor() as cursor:
        for statement in UNKNOWN:
            cursor.execute(statement)

        def plan() -> str:
            cursor.execute(JOIN)
            return "\n".join(line for (line,) in cursor.fetchall())

        assert "Nested Loop" in plan()
        with tables_joined_at_once(cursor):
            assert "Nested Loop" not in plan()
        assert "Nested Loop" in plan()

"""Row-level security: the policies and the migration operations that put them on a table.

The policy is a plain equality with a value that the planner takes once per query, never an OR or a CASE, so that indexes that lead with
the tenant are used (design, tenancy rule 2).
"""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

TENANT_POLICY = "tenant_isolation"
PLATFORM_POLICY = "platform"
OWNER_LOOKUP_POLICY = "owner_lookup"  # what the look-ups before a scope read through
OWNER_LOOKUP_TABLES = frozenset({"tenancy_tenant", "identity_membership", "identity_apikey"})
TENANT_EXPRESSION = "(SELECT app_tenant())"

CREATE_TENANT_FUNCTION = """
CREATE OR REPLACE FUNCTION app_tenant() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT NULLIF(pg_catalog.current_setting('app.tenant', true), '')::pg_catalog.int8 $$;
GRANT EXECUTE ON FUNCTION app_tenant() TO trunkline_platform;
"""


class EnableRLS(Operation):
    """Confine a model's table to the tenant of the scope; `append_only` besides takes UPDATE, DELETE and TRUNCATE from the app role.

    `column` is the column that holds the tenant (the tenant table itself uses its id). `platform` lets platform staff read.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(
        self, model: str, *, column: str = "tenant_id", append_only: bool = False, platform: bool = False
    ) -> None:
        self.model = model
        self.column = column
        self.append_only = append_only
        self.platform = platform

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        given = {"column": self.column, "append_only": self.append_only, "platform": self.platform}
        defaults = {"column": "tenant_id", "append_only": False, "platform": False}
        return type(self).__name__, [self.model], {k: v for k, v in given.items() if v != defaults[k]}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Policies are no part of Django's model state; `kit.checks` compares models with the catalogue instead."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(to_state.apps.get_model(app_label, self.model)._meta.db_table)
        confine = f"{self.column} = {TENANT_EXPRESSION}"
        schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"CREATE POLICY {TENANT_POLICY} ON {table} USING ({confine}) WITH CHECK ({confine})")
        if self.platform:
            schema_editor.execute(
                f"CREATE POLICY {PLATFORM_POLICY} ON {table} FOR SELECT TO trunkline_platform USING (true)"
            )
            schema_editor.execute(f"GRANT SELECT ON {table} TO trunkline_platform")
        if self.append_only:
            schema_editor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM trunkline_app")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(from_state.apps.get_model(app_label, self.model)._meta.db_table)
        schema_editor.execute(f"DROP POLICY IF EXISTS {TENANT_POLICY} ON {table}")
        if self.platform:
            schema_editor.execute(f"DROP POLICY IF EXISTS {PLATFORM_POLICY} ON {table}")
            schema_editor.execute(f"REVOKE SELECT ON {table} FROM trunkline_platform")
        if self.append_only:
            schema_editor.execute(f"GRANT UPDATE, DELETE ON {table} TO trunkline_app")
        schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    def describe(self) -> str:
        return f"Confine {self.model} to the tenant of the scope"

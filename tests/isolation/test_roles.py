"""What the database roles may do, tried and read from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from tests.databases import AT, TestDatabase
from trunkline.kit.db.connections import Role
from trunkline.kit.db.embedded import ROLES
from trunkline.kit.db.global_tables import GLOBAL_TABLES
from trunkline.tenancy.actions import create_tenant

ON_A_TABLE: dict[str, LiteralString] = {
    "empty it": "TRUNCATE {}",
    "drop it": "DROP TABLE {}",
    "change it": "ALTER TABLE {} ADD COLUMN intruder text",
    "own it": "ALTER TABLE {} OWNER TO trunkline_app",
    "switch row-level security off": "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
    "exempt the owner": "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
    "drop its policy": "DROP POLICY tenant_isolation ON {}",
    "open its policy": "ALTER POLICY tenant_isolation ON {} USING (true)",
    "add a policy": "CREATE POLICY intruder ON {} USING (true)",
    "switch its triggers off": "ALTER TABLE {} DISABLE TRIGGER ALL",
    "add a trigger": "CREATE TRIGGER intruder AFTER INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
}
ANYWHERE: dict[str, LiteralString] = {
    "make a table": "CREATE TABLE public.intruder (id int)",
    "make a function": "CREATE FUNCTION public.intruder() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a schema": "CREATE SCHEMA intruder",
    "make a role": "CREATE ROLE intruder",
    "raise itself": "ALTER ROLE trunkline_app BYPASSRLS",
    "replace the tenant function": "CREATE OR REPLACE FUNCTION app_tenant() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "write past triggers": "SET session_replication_role = replica",
    "change what the owner's tables grant": "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner GRANT ALL ON TABLES TO PUBLIC",
    "say which migrations ran": "DELETE FROM django_migrations",
    "read files of the server": "SELECT pg_read_file('/etc/passwd')",
    "run programs on the server": "COPY (SELECT 1) TO PROGRAM 'true'",
}


@pytest.fixture
def app(test_database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with test_database.connect(Role.APP) as connection:
        yield connection


@pytest.fixture
def admin(test_database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with test_database.connect() as connection:
        yield connection


def column(connection: psycopg.Connection[Any], query: LiteralString, parameters: Sequence[object] = ()) -> list[Any]:
    return [row[0] for row in connection.execute(query, parameters)]


def tables(connection: psycopg.Connection[Any]) -> list[str]:
    query = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') ORDER BY 1"
    return column(connection, query)


def is_refused(connection: psycopg.Connection[Any], statement: sql.Composed | LiteralString) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except errors.InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("deed", ON_A_TABLE)
def test_the_app_role_may_with_no_table(app: psycopg.Connection[Any], deed: str) -> None:
    tried = [t for t in tables(app) if t not in GLOBAL_TABLES or "policy" not in deed]
    allowed = [t for t in tried if not is_refused(app, sql.SQL(ON_A_TABLE[deed]).format(sql.Identifier(t)))]
    assert allowed == []


@pytest.mark.parametrize("deed", ANYWHERE)
def test_the_app_role_may_not(app: psycopg.Connection[Any], deed: str) -> None:
    assert is_refused(app, ANYWHERE[deed])


def test_the_app_role_may_not_end_sessions_of_the_owner(
    app: psycopg.Connection[Any], test_database: TestDatabase
) -> None:
    with test_database.connect(Role.OWNER) as owner:
        assert is_refused(app, sql.SQL("SELECT pg_terminate_backend({})").format(owner.info.backend_pid))


def test_no_role_is_more_than_it_must_be(admin: psycopg.Connection[Any]) -> None:
    query = """SELECT rolname::text, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication
                 FROM pg_roles WHERE rolname = ANY(%s) ORDER BY rolname"""
    plain = (False, False, False, False, False)
    assert admin.execute(query, [list(ROLES)]).fetchall() == [(role, *plain) for role in sorted(ROLES)]


@pytest.mark.parametrize("role", ["trunkline_app", "trunkline_platform"])
def test_a_role_can_become_no_other(admin: psycopg.Connection[Any], role: str) -> None:
    query = "SELECT rolname FROM pg_roles WHERE pg_has_role(%s, oid, 'MEMBER') AND rolname <> %s"
    assert column(admin, query, [role, role]) == []


@pytest.mark.parametrize("role", ["trunkline_owner", "trunkline_platform", "postgres", "NONE"])
def test_a_session_that_logs_in_as_the_app_role_stays_it(app: psycopg.Connection[Any], role: str) -> None:
    if column(app, "SELECT session_user <> current_user") == [True]:
        pytest.skip(
            "on an own server the login changes to the role; docs/operations/database.md says how it logs in itself"
        )
    with app.transaction(force_rollback=True):
        if role != "NONE":
            assert is_refused(app, sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        else:
            app.execute("SET ROLE NONE")
        assert column(app, "SELECT current_user::text") == ["trunkline_app"]


def test_the_app_role_reads_and_writes_rows_and_gives_nothing_on(admin: psycopg.Connection[Any]) -> None:
    query = """SELECT DISTINCT a.privilege_type, a.is_grantable FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind <> 'S' AND a.grantee = 'trunkline_app'::regrole ORDER BY 1"""
    rights = ["DELETE", "INSERT", "SELECT", "UPDATE"]
    assert admin.execute(query).fetchall() == [(right, False) for right in rights]


def test_nothing_is_granted_to_everybody(admin: psycopg.Connection[Any]) -> None:
    query = """SELECT c.relname::text, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0"""
    assert admin.execute(query).fetchall() == []


def test_the_app_role_owns_nothing(admin: psycopg.Connection[Any]) -> None:
    query = """SELECT d.classid::regclass::text FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
                WHERE d.deptype = 'o' AND r.rolname IN ('trunkline_app', 'trunkline_platform')"""
    assert column(admin, query) == []


def test_row_level_security_cannot_be_set_off(app: psycopg.Connection[Any]) -> None:
    with app.transaction(force_rollback=True):
        app.execute("SET LOCAL row_security = off")  # not a way round: it turns silence into an error
        assert is_refused(app, "SELECT * FROM tenancy_tenant")


def test_rows_cannot_be_copied_in_past_the_policy(app: psycopg.Connection[Any]) -> None:
    copying = "COPY tenancy_tenant FROM STDIN"
    with pytest.raises(errors.FeatureNotSupported, match="row-level security"), app.cursor().copy(copying):
        pass


def test_statistics_give_no_values_away(committed_db: TestDatabase) -> None:
    for name in ("Alpha Carrier", "Beta Telecom"):
        create_tenant(name=name, currency="USD", timezone="UTC", actor="test", at=AT)
    with committed_db.connect(Role.OWNER) as owner, committed_db.connect(Role.APP) as reader:
        owner.execute("ANALYZE tenancy_tenant")
        assert column(reader, "SELECT attname FROM pg_stats WHERE tablename = 'tenancy_tenant'") == []


def test_the_platform_role_reads_what_it_was_given_and_writes_nothing(admin: psycopg.Connection[Any]) -> None:
    query = """SELECT c.relname::text, p FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
                  AND (has_table_privilege('trunkline_platform', c.oid, p)
                       OR (p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege('trunkline_platform', c.oid, p)))"""
    read = ["identity_membership", "identity_user", "tenancy_stored", "tenancy_tenant", "usage_batch", "usage_segment"]
    assert sorted(admin.execute(query).fetchall()) == [(table, "SELECT") for table in read]


def test_of_an_operators_data_the_platform_role_reads_how_it_is_doing_and_no_more(
    admin: psycopg.Connection[Any],
) -> None:
    query = """SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> 'tenancy_tenant'
                  AND has_column_privilege('trunkline_platform', c.oid, a.attnum, 'SELECT') ORDER BY 1, 2"""
    assert admin.execute(query).fetchall() == [
        ("identity_membership", "tenant_id"), ("identity_membership", "user_id"), ("identity_membership", "valid_to"),
        ("identity_user", "id"), ("identity_user", "last_login"),
        ("tenancy_stored", "octets"), ("tenancy_stored", "tenant_id"),
        ("usage_batch", "finished_at"), ("usage_batch", "received_at"), ("usage_batch", "state"), ("usage_batch", "tenant_id"),
        ("usage_segment", "octets"), ("usage_segment", "rows"), ("usage_segment", "state"), ("usage_segment", "tenant_id"),
    ]  # fmt: skip


def test_the_platform_role_calls_nothing_and_draws_no_numbers(admin: psycopg.Connection[Any]) -> None:
    functions = """SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                      AND has_function_privilege('trunkline_platform', oid, 'EXECUTE')"""
    sequences = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
                      AND CASE WHEN relkind = 'S' THEN has_sequence_privilege('trunkline_platform', oid, 'USAGE, SELECT, UPDATE') END"""
    assert (column(admin, functions), column(admin, sequences)) == (["app_tenant"], [])


def test_the_platform_role_sees_every_tenant_and_changes_none(committed_db: TestDatabase) -> None:
    for name in ("Alpha Carrier", "Beta Telecom"):
        create_tenant(name=name, currency="USD", timezone="UTC", actor="test", at=AT)
    with committed_db.connect(Role.PLATFORM) as platform:
        assert column(platform, "SELECT name FROM tenancy_tenant ORDER BY name") == ["Alpha Carrier", "Beta Telecom"]
        assert is_refused(platform, "UPDATE tenancy_tenant SET name = 'x'")
        assert is_refused(platform, "DELETE FROM tenancy_tenant")
        readable = [
            t for t in tables(platform) if not is_refused(platform, sql.SQL("SELECT FROM {}").format(sql.Identifier(t)))
        ]
        assert readable == [
            "identity_membership",
            "identity_user",
            "tenancy_stored",
            "tenancy_tenant",
            "usage_batch",
            "usage_segment",
        ]


def test_look_ups_before_a_scope_give_away_ids_only(admin: psycopg.Connection[Any]) -> None:
    query = """SELECT proname::text, prorettype::regtype::text, proconfig, pg_get_userbyid(proowner)::text
                 FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname"""
    fixed = ["search_path=pg_catalog, pg_temp"]
    assert admin.execute(query).fetchall() == [
        ("tenant_all_ids", "bigint", fixed, "trunkline_owner"),
        ("tenant_and_key_by_hash", "bigint[]", fixed, "trunkline_owner"),
        ("tenant_id_by_name", "bigint", fixed, "trunkline_owner"),
        ("tenant_ids_of_user", "bigint", fixed, "trunkline_owner"),
    ]


def test_look_ups_are_the_app_roles_alone(admin: psycopg.Connection[Any]) -> None:
    query = """SELECT proname::text FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
                WHERE prosecdef AND pronamespace = 'public'::regnamespace
                  AND a.grantee NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ('trunkline_app', 'trunkline_owner'))"""
    assert column(admin, query) == []


def test_a_table_of_the_same_name_does_not_fool_a_look_up(app: psycopg.Connection[Any]) -> None:
    with app.transaction(force_rollback=True):
        app.execute("CREATE TEMP TABLE tenancy_tenant AS SELECT 7::bigint AS id, 'fake' AS slug, 'fake' AS name")
        assert column(app, "SELECT tenant_id_by_name('fake')") == [None]

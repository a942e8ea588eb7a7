"""The database roles and what each may do.

trunkline_owner owns the tables and runs migrations; trunkline_app is what every door runs as: no table of its own, no BYPASSRLS,
so that row-level security always applies; trunkline_platform reads what tables grant it, across tenants, for platform staff.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from trunkline.kit.db.connections import DATABASE, Role, own_server, parameters
from trunkline.kit.db.embedded import ROLES

ATTRIBUTES = {
    "trunkline_owner": "CREATEDB",  # test databases are made from a template by the owner
    "trunkline_app": "",
    "trunkline_platform": "",
}


def prepare_server() -> None:
    """Make roles, database and rights where they are missing; changes nothing on a server that is ready."""
    embedded = own_server() is None
    with psycopg.connect(**parameters(Role.ADMIN), autocommit=True) as connection:
        _make_roles(connection, may_login=embedded)
        if embedded and not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER trunkline_owner").format(sql.Identifier(DATABASE)))
    with psycopg.connect(**parameters(Role.ADMIN, DATABASE if embedded else None), autocommit=True) as connection:
        grant_rights(connection)


def _make_roles(connection: psycopg.Connection, *, may_login: bool) -> None:
    present = {
        row[0] for row in connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)])
    }
    login = "LOGIN" if may_login else "NOLOGIN"
    for role in ROLES:
        if role not in present:
            connection.execute(f"CREATE ROLE {role} {login} NOSUPERUSER NOBYPASSRLS {ATTRIBUTES[role]}".encode())
    if not may_login:
        for role in ROLES:
            connection.execute(f"GRANT {role} TO CURRENT_USER".encode())


def grant_rights(connection: psycopg.Connection) -> None:
    """Rights inside one database. Tables made later by the owner are readable and writable by the app role; append-only tables take that away again."""
    name = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT CREATE, CONNECT, TEMPORARY ON DATABASE {} TO trunkline_owner").format(name))
    connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO trunkline_app").format(name))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO trunkline_platform").format(name))
    for statement in (
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE, CREATE ON SCHEMA public TO trunkline_owner",
        "GRANT USAGE ON SCHEMA public TO trunkline_app, trunkline_platform",
        "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trunkline_app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO trunkline_app",
        # A function that looks past row-level security is granted by name, never by default.
        "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner GRANT EXECUTE ON FUNCTIONS TO trunkline_app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    ):
        connection.execute(statement.encode())

"""The database roles and what each may do.

trunkline_owner owns the tables and runs migrations; trunkline_app is what every door runs as: no table of its own, no BYPASSRLS,
so that row-level security always applies; trunkline_platform reads what tables grant it, across tenants, for platform staff.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import sql

from trunkline.core.errors import Unavailable
from trunkline.kit.db.connections import DATABASE, Role, own_server, parameters
from trunkline.kit.db.embedded import ROLES

# A role that could look past row-level security, or become one that can.
UNSAFE = """
SELECT rolname FROM pg_roles r
 WHERE rolname = ANY(%(roles)s)
   AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication
        OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid))
"""

RIGHTS = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE, CREATE ON SCHEMA public TO trunkline_owner",
    "GRANT USAGE ON SCHEMA public TO trunkline_app, trunkline_platform",
    # What the owner makes later. Append-only tables take UPDATE and DELETE away again; the platform role gets nothing by default.
    "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trunkline_app",
    "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO trunkline_app",
    "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    # The app role alone calls functions: the queue's, and the few look-ups past row-level security that give away ids only.
    "ALTER DEFAULT PRIVILEGES FOR ROLE trunkline_owner GRANT EXECUTE ON FUNCTIONS TO trunkline_app",
)


def prepare_server() -> None:
    """Make roles, database and rights where they are missing; changes nothing on a server that is ready.

    On an own server the database of the address must belong to its login, and that login must be allowed to make roles (CREATEROLE) or
    be a member of each. Raises `Unavailable`: `database_rights` where it may not, `unsafe_role` where a role could look past row-level
    security.
    """
    embedded = own_server() is None
    with psycopg.connect(**parameters(Role.ADMIN), autocommit=True) as connection, _rights_explained(connection):
        _make_roles(connection, may_login=embedded)
        if embedded and not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER trunkline_owner").format(sql.Identifier(DATABASE)))
    inside = parameters(Role.ADMIN, DATABASE if embedded else None)
    with psycopg.connect(**inside, autocommit=True) as connection, _rights_explained(connection):
        grant_rights(connection)


def _make_roles(connection: psycopg.Connection, *, may_login: bool) -> None:
    found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)])
    present = {row[0] for row in found}
    login = "LOGIN" if may_login else "NOLOGIN"
    # From PostgreSQL 16 on a member may not yet change to the role, and whoever makes a role is a member of that kind.
    membership = "SET" if connection.info.server_version >= 160000 else "MEMBER"
    for role in ROLES:
        if role not in present:
            connection.execute(f"CREATE ROLE {role} {login} NOSUPERUSER NOBYPASSRLS".encode())
        may = connection.execute("SELECT pg_has_role(current_user, %s, %s)", [role, membership]).fetchone()
        if may != (True,):
            connection.execute(f"GRANT {role} TO CURRENT_USER".encode())
    unsafe = [row[0] for row in connection.execute(UNSAFE, {"roles": list(ROLES)})]
    if unsafe:
        raise Unavailable(
            "unsafe_role",
            f"{', '.join(unsafe)} could look past row-level security: superuser, BYPASSRLS, CREATEROLE, REPLICATION or member of another role.",
            hint="Take that away (ALTER ROLE, REVOKE) and try again.",
        )


def grant_rights(connection: psycopg.Connection) -> None:
    """Give the roles their rights inside the connection's database; they are not copied with a database. Raises `InsufficientPrivilege`."""
    name = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT CREATE, CONNECT, TEMPORARY ON DATABASE {} TO trunkline_owner").format(name))
    connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO trunkline_app").format(name))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO trunkline_platform").format(name))
    for statement in RIGHTS:
        connection.execute(statement.encode())
    # Where the login has no right to give, PostgreSQL only warns.
    if connection.execute("SELECT has_schema_privilege('trunkline_owner', 'public', 'CREATE')").fetchone() != (True,):
        raise psycopg.errors.InsufficientPrivilege(f"the database {connection.info.dbname!r} belongs to somebody else")


@contextlib.contextmanager
def _rights_explained(connection: psycopg.Connection) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            "database_rights",
            f"The login {connection.info.user!r} may not get the database ready: {str(error).splitlines()[0]}",
            hint="docs/operations/database.md says which rights it needs.",
        ) from error

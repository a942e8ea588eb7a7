"""Databases for the tests: everything runs as the app role, on a copy of a migrated template, one copy a process.

`tests/conftest.py` makes these fixtures known everywhere. A test that needs no commit takes `db` (or `tenant`, `in_scope`) and is rolled
back; one with threads or other processes takes `committed_db`, which empties the tables afterwards.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.places import ROOT, TEST_HOME
from trunkline.kit.db import connections
from trunkline.kit.db.connections import Role

TEMPLATE = "trunkline_test_template"
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GONE_MS = 120_000  # for a session to end; it takes a millisecond
# A test's data need not survive a power cut; ten times as quick.
HASTE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
# A busy machine may keep anybody waiting.
PATIENCE = {"lock_timeout": "2min", "idle_in_transaction_session_timeout": "30min"}


@dataclass(frozen=True)
class TestDatabase:
    """The database of this process, for tests that open further connections to it."""

    __test__ = False

    name: str
    parameters: dict[Role, dict[str, Any]]
    server: dict[str, Any]  # how its server is reached by those who make and remove databases

    @classmethod
    def named(cls, name: str) -> TestDatabase:
        """Fixed now: afterwards each test has a data folder of its own, where no server is."""
        found = {role: connections.parameters(role, name) for role in Role}
        return cls(name, found, connections.parameters(Role.ADMIN))

    def connect(self, role: Role = Role.ADMIN) -> psycopg.Connection[Any]:
        """A connection past Django, in autocommit mode."""
        return psycopg.connect(**self.parameters[role], autocommit=True)

    def end_sessions(self, admin: psycopg.Connection[Any], *, which: str = "true") -> int:
        """End the other sessions of this database for which the SQL condition on `pg_stat_activity` holds; they are gone afterwards.

        Those of PostgreSQL itself stay: an autovacuum is nobody's to end. One that ends by itself meanwhile is not counted.
        """
        query = f"""SELECT pid, pg_terminate_backend(pid, {GONE_MS}) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND {which}"""
        ended = dict(admin.execute(query.encode()).fetchall())
        not_ended = [pid for pid, gone in ended.items() if not gone]
        left = admin.execute("SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)", [not_ended]).fetchall()
        assert left == [], "a session does not end"
        return len(ended) - len(not_ended)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that shall work on this database, as the app role."""
        address = make_conninfo(**self.parameters[Role.ADMIN])
        paths = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings"}
        return os.environ | paths | {"TRUNKLINE_DATABASE_URL": address}


def migrations_fingerprint() -> str:
    """Everything that decides what a migrated database looks like; the queue's migrations come with its version."""
    source = ROOT / "src" / "trunkline"
    makers = [ROOT / "uv.lock", *(source / "kit" / name for name in ("models.py", "db/rls.py", "db/roles.py"))]
    digest = hashlib.sha256()
    for path in [*sorted(source.glob("*/migrations/*.py")), *makers]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _template_lock() -> Iterator[None]:
    """A template that is being copied takes no second connection, and only one process builds it."""
    with (TEST_HOME / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _admin(database: str | None = None) -> psycopg.Connection[Any]:
    return psycopg.connect(**connections.parameters(Role.ADMIN, database), autocommit=True)


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _set_up_server(connection: psycopg.Connection[Any]) -> None:
    """Only the embedded server of the tests, which is nobody else's; on another one each session brings its limits."""
    if connections.own_server() is None:
        for name, value in (HASTE | PATIENCE).items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
        connection.execute("SELECT pg_reload_conf()")
    else:
        connections.SESSION = tuple(f"{name}={value}" for name, value in PATIENCE.items())


def _remove_leftovers(connection: psycopg.Connection[Any]) -> None:
    """Copies of processes that were killed before they could remove theirs."""
    names = [
        row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'trunkline_test_%'")
    ]
    for name in names:
        process = name.rpartition("_")[2]
        if process.isdigit() and not Path(f"/proc/{process}").exists():
            _drop(connection, name)


def _build_template() -> None:
    """Migrate the template as the owner, again whenever a migration has changed."""
    from trunkline.kit.db.roles import grant_rights, prepare_server

    address = connections.own_server() or "embedded"
    mark = TEST_HOME / f"template-{hashlib.sha256(address.encode()).hexdigest()[:10]}"
    wanted = migrations_fingerprint()
    connections.ensure_server()
    with _admin() as connection:
        _set_up_server(connection)
        _remove_leftovers(connection)
        present = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        if present and mark.exists() and mark.read_text() == wanted:
            return
        mark.unlink(missing_ok=True)
        prepare_server()
        _drop(connection, TEMPLATE)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER trunkline_owner").format(sql.Identifier(TEMPLATE)))
    with _admin(TEMPLATE) as connection:
        grant_rights(connection)
    environment = os.environ | {
        "TRUNKLINE_DATABASE_ROLE": "owner",
        "TRUNKLINE_TEST_DATABASE": TEMPLATE,
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings",
    }
    command = [sys.executable, str(ROOT / "tests/migrate_template.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the template database was not migrated:\n{done.stdout}\n{done.stderr}")
    mark.write_text(wanted)


def _copy_template(name: str) -> None:
    from trunkline.kit.db.roles import grant_rights

    with _admin() as connection:
        _drop(connection, name)
        statement = "CREATE DATABASE {} OWNER trunkline_owner TEMPLATE {} STRATEGY file_copy"
        connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
    with _admin(name) as connection:
        grant_rights(connection)  # rights in a database are not copied with it


@pytest.fixture(scope="session")
def test_database(django_db_blocker: Any) -> Iterator[TestDatabase]:
    """This process's own copy of the template; Django's connection points to it."""
    from django.db import connection

    worker = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    TEST_HOME.mkdir(parents=True, exist_ok=True)
    with _template_lock():
        _build_template()
        made = TestDatabase.named(f"trunkline_test_{worker}")
        _copy_template(made.name)
    with django_db_blocker.unblock():
        connection.close()
        # pytest-django reads the settings before our conftest says which server is that of the tests.
        connection.settings_dict |= connections.django_database(Role.APP) | {"NAME": made.name}
        connection.settings_dict["TEST"]["NAME"] = made.name
    yield made
    with django_db_blocker.unblock():
        connection.close()
    with psycopg.connect(**made.server, autocommit=True) as server:
        _drop(server, made.name)


@pytest.fixture(scope="session")
def django_db_setup(test_database: TestDatabase) -> None:
    """In place of pytest-django's own set-up, which would need the right to create databases in the app role."""


@pytest.fixture
def transactional_db() -> None:
    """pytest-django's empties tables with TRUNCATE, which the app role may not."""
    pytest.fail("take `committed_db` instead of `transactional_db`")


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of one database test stay its own. The server is reached by the address that the settings fixed before."""
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def committed_db(test_database: TestDatabase, django_db_blocker: Any) -> Iterator[TestDatabase]:
    """For tests that need real commits (threads, other processes). Afterwards every table is empty again."""
    with committing(test_database, django_db_blocker):
        yield test_database


@contextlib.contextmanager
def committing(database: TestDatabase, blocker: Any) -> Iterator[None]:
    """Commits are real inside, and every table is empty afterwards."""
    from django.db import connection

    with blocker.unblock():
        try:
            yield
        finally:
            connection.close()
            _empty(database)


def _empty(database: TestDatabase) -> None:
    """Delete every row past triggers and policies; a copy of the template takes a second, this takes milliseconds.

    A table to which no page was ever added holds nothing.
    """
    with database.connect() as admin:
        database.end_sessions(admin)
        admin.execute("SET session_replication_role = replica")
        tables = admin.execute(
            """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'django_migrations'
                  AND pg_relation_size(oid) > 0"""
        ).fetchall()
        if tables:
            every = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for (table,) in tables]
            admin.execute(sql.SQL("; ").join(every))


def _make_tenant(name: str, currency: str) -> Any:
    from trunkline.tenancy.actions import create_tenant

    return create_tenant(name=name, currency=currency, timezone="UTC", actor="test", at=AT)


@pytest.fixture
def tenant(db: None) -> Any:
    """A tenant in US dollars; no scope is open."""
    return _make_tenant("Alpha Carrier", "USD")


@pytest.fixture
def other_tenant(db: None) -> Any:
    """A second tenant, whose data the first must never see."""
    return _make_tenant("Beta Telecom", "EUR")


@pytest.fixture
def in_scope(tenant: Any) -> Iterator[Any]:
    """The tenant, with its scope open for the whole test."""
    from trunkline.tenancy.scope import scope

    with scope(tenant, "test"):
        yield tenant


@pytest.fixture
def at() -> datetime:
    """The instant at which tests happen."""
    return AT

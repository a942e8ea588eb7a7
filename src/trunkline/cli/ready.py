"""Getting the database ready: server, roles, migrations; nothing is done twice.

What the database itself says of its migrations is what counts, so that a database that was dropped, restored or migrated elsewhere is
never mistaken for a ready one. Asking costs a connection, three milliseconds on the embedded server.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from trunkline.core.errors import Unavailable
from trunkline.kit.db import connections
from trunkline.kit.db.connections import Role

MIGRATION_LOCK = 7_305_809_122  # a number of our own: PostgreSQL's advisory lock while somebody prepares and migrates
MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege)


def get_ready(*, web: bool = False) -> None:
    """Get the database ready and set Django up. Raises what `get_database_ready` raises."""
    get_database_ready()
    set_up_django(web=web)


def set_up_django(*, web: bool = False) -> None:
    """Load the models; no database is touched. What `django.setup()` does, less its web parts and the makers of the schema.

    `web` loads the apps of the web too: for commands that work with staff and keys.
    """
    from django.apps import apps
    from django.conf import settings

    left_out = [*settings.SCHEMA_APPS, *([] if web else settings.WEB_APPS)]
    apps.populate([app for app in settings.INSTALLED_APPS if app not in left_out])


def get_database_ready() -> None:
    """Start the embedded server if it is the one in use; migrate when the code is newer than the database.

    Raises `Unavailable`: `database_unreachable`, `migration`, and what `kit.db` raises.
    """
    connections.ensure_server()
    if not _is_migrated():
        _prepare_and_migrate(unless_ready=True)


def migrate() -> None:
    """Make roles and database where they are missing and run the migrations as the owner. Safe to run at any time."""
    connections.ensure_server()
    _prepare_and_migrate(unless_ready=False)


def _is_migrated() -> bool:
    """Whether every migration that this code has was run there. False where database or roles are not even made."""
    try:
        with psycopg.connect(**connections.parameters(Role.APP), autocommit=True) as connection:
            done = {row[0] for row in connection.execute("SELECT app || '.' || name FROM django_migrations")}
    except MISSING:
        return False
    except psycopg.OperationalError as error:
        if _reaches_server():
            return False  # the server is there; our database or roles are not
        raise Unavailable(
            "database_unreachable",
            f"PostgreSQL does not answer: {str(error).strip()}",
            hint="TRUNKLINE_DATABASE_URL says where it is." if connections.own_server() else "",
        ) from error
    return wanted_migrations() <= done


def _reaches_server() -> bool:
    try:
        psycopg.connect(**connections.parameters(Role.ADMIN)).close()
    except psycopg.OperationalError:
        return False
    return True


# Where libraries keep migrations of theirs that we run: package, folder in it, name of the app.
MIGRATIONS_OF_LIBRARIES = (
    ("procrastinate", "contrib/django", "procrastinate"),
    ("django", "contrib/admin", "admin"),
    ("django", "contrib/auth", "auth"),
    ("django", "contrib/contenttypes", "contenttypes"),
    ("django", "contrib/sessions", "sessions"),
    ("allauth", "account", "account"),
    ("allauth", "mfa", "mfa"),
    ("allauth", "usersessions", "usersessions"),
    ("axes", "", "axes"),
)


def wanted_migrations() -> set[str]:
    """Every migration of ours and of the libraries, as `app.name`."""
    root = Path(__file__).parents[1]
    found = {f"{path.parts[-3]}.{path.stem}" for path in root.glob("*/migrations/[0-9]*.py")}
    for package, inside, app in MIGRATIONS_OF_LIBRARIES:
        library = importlib.util.find_spec(package)
        for folder in (library.submodule_search_locations or []) if library else []:
            found |= {f"{app}.{path.stem}" for path in Path(folder, inside).glob("migrations/[0-9]*.py")}
    return found


def _prepare_and_migrate(*, unless_ready: bool) -> None:
    """Migrate in a process of its own: it alone runs as the owner."""
    from trunkline.kit.db.roles import prepare_server

    with _migration_lock():
        if unless_ready and _is_migrated():
            return  # somebody else did it while we waited
        prepare_server()
        environment = os.environ | {
            "TRUNKLINE_DATABASE_ROLE": "owner",
            "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings",
        }
        command = [sys.executable, "-m", "django", "migrate", "--no-input", "--verbosity", "0", "--skip-checks"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable("migration", f"The database could not be migrated:\n{done.stderr.strip()[-3000:]}")


@contextlib.contextmanager
def _migration_lock() -> Iterator[None]:
    """One at a time, on however many machines; the server frees it when its holder dies."""
    try:
        holder = psycopg.connect(**connections.parameters(Role.ADMIN), autocommit=True)
    except psycopg.OperationalError as error:
        raise Unavailable("database_unreachable", f"PostgreSQL does not answer: {str(error).strip()}") from error
    with holder:
        holder.execute("SET lock_timeout = 0")
        holder.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        yield

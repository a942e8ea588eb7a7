"""Getting the database ready: server, roles, migrations; nothing is done twice."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from trunkline.kit.db import connections, embedded
from trunkline.kit.home import folder, home


def get_ready() -> None:
    """Start the embedded server if it is the one in use, migrate when the code is newer than the database, and set Django up."""
    import django

    connections.ensure_server()
    mark = _mark()
    if not mark.exists() or mark.read_text() != _fingerprint():
        _prepare_and_migrate(mark)
    django.setup()


def migrate() -> None:
    """Make roles and database where they are missing and run the migrations as the owner. Safe to run at any time."""
    connections.ensure_server()
    _prepare_and_migrate(_mark())


def _prepare_and_migrate(mark: Path) -> None:
    """In a process of its own: it alone runs as the owner."""
    import fcntl
    import subprocess
    import sys

    from trunkline.core.errors import Unavailable
    from trunkline.kit.db.roles import prepare_server

    with (folder() / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepare_server()
        environment = os.environ | {
            "TRUNKLINE_DATABASE_ROLE": "owner",
            "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings",
        }
        command = [sys.executable, "-m", "django", "migrate", "--no-input", "--verbosity", "0", "--skip-checks"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable("migration", f"The database could not be migrated:\n{done.stderr.strip()[-3000:]}")
        mark.write_text(_fingerprint())


def _mark() -> Path:
    """The file that says which migrations this database has. It goes with the cluster: a new cluster is a new mark."""
    address = connections.own_server()
    if address is None:
        born = embedded.cluster().data / "PG_VERSION"
        identity = f"embedded {born.stat().st_ino} {born.stat().st_mtime_ns}"
    else:
        identity = address
    return home() / f"migrated-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _fingerprint() -> str:
    root = Path(__file__).parents[1]
    names = sorted(str(path.relative_to(root)) for path in root.glob("*/migrations/[0-9]*.py"))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()

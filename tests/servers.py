"""Servers for bin/test: the embedded one, and throwaway clusters of Debian's PostgreSQL 15 as an operator's own server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from tests.places import TEST_HOME
from trunkline.kit.db.programs import server_account

DEBIAN = Path("/usr/lib/postgresql/15/bin")
FOLDER = Path("/tmp") / TEST_HOME.name.replace("test", "pg15")  # noqa: S108  a socket path must be short
LOGIN = "operator"
DATABASE = "billing"
# The tests' data need not survive a power cut. A worker of autovacuum is PostgreSQL's own: the login may not end it to drop a database.
SETTINGS = (
    "listen_addresses=",
    "max_connections=60",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
)


def stop() -> None:
    """Stop the embedded server of the tests."""
    from trunkline.kit.db import embedded

    embedded.stop()


def _run(*command: object, check: bool = True) -> None:
    identity: dict[str, Any] = server_account().identity
    subprocess.run([str(word) for word in command], cwd="/", capture_output=True, check=check, **identity)


def start_cluster(folder: Path) -> None:
    """A cluster of Debian's PostgreSQL below `folder`, whose socket lies there and lets everybody in as whoever they say."""
    folder.mkdir(mode=0o700, parents=True)
    account = server_account()
    os.chown(folder, account.uid, account.gid)
    data = folder / "data"
    _run(
        DEBIAN / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    )
    options = " ".join(f"-c {setting}" for setting in SETTINGS)
    _run(DEBIAN / "pg_ctl", "start", "-w", "-D", data, "-l", data / "log", "-o", f"-k {folder} {options}")


def stop_cluster(folder: Path) -> None:
    """Stop and remove it."""
    if (folder / "data").exists():
        _run(DEBIAN / "pg_ctl", "stop", "-m", "immediate", "-D", folder / "data", check=False)
    shutil.rmtree(folder, ignore_errors=True)


def as_superuser(folder: Path, *statements: str, database: str = "postgres") -> None:
    """Run statements as PostgreSQL's own superuser."""
    with psycopg.connect(host=str(folder), user="postgres", dbname=database, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def debian_start() -> None:
    """Start the throwaway cluster of bin/test and print its address: an ordinary login that owns its database and may make roles.

    BYPASSRLS and the parameter are what emptying the tables between tests needs, nothing of ours.
    """
    debian_stop()
    start_cluster(FOLDER)
    as_superuser(
        FOLDER,
        f"CREATE ROLE {LOGIN} LOGIN CREATEROLE CREATEDB BYPASSRLS",
        f"GRANT SET ON PARAMETER session_replication_role TO {LOGIN}",
        f"CREATE DATABASE {DATABASE} OWNER {LOGIN}",
    )
    sys.stdout.write(f"postgresql://{LOGIN}@/{DATABASE}?host={FOLDER}\n")


def debian_stop() -> None:
    """Stop and remove the throwaway cluster of bin/test."""
    stop_cluster(FOLDER)


if __name__ == "__main__":
    os.environ["TRUNKLINE_HOME"] = str(TEST_HOME)
    commands = {"stop": stop, "debian-start": debian_start, "debian-stop": debian_stop}
    commands[sys.argv[1]]()

"""Servers for bin/test: the embedded one, and a throwaway cluster of Debian's PostgreSQL 15 as an operator's own server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, TEST_HOME

DEBIAN = Path("/usr/lib/postgresql/15/bin")
FOLDER = Path("/tmp") / f"trunkline-pg15-{os.geteuid()}"  # noqa: S108  a socket path must be short
LOGIN = "operator"


def migrations() -> None:
    """No model has changed without a migration, and the models agree with the database."""
    from trunkline.cli.ready import get_ready

    get_ready()
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "trunkline.platform.settings"}
    for arguments in (
        ["makemigrations", "--check", "--dry-run"],
        ["check", "--database", "default", "--fail-level", "WARNING"],
    ):
        subprocess.run([sys.executable, "-m", "django", *arguments], env=environment, check=True, cwd=ROOT)


def stop() -> None:
    """Stop the embedded server of the tests."""
    from trunkline.kit.db import embedded

    embedded.stop()


def _as_server_user() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    from trunkline.kit.db.programs import server_account

    account = server_account()
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def debian_start() -> None:
    """Start the throwaway cluster and print the address of a login that is no superuser's name of ours."""
    debian_stop()
    FOLDER.mkdir(mode=0o700)
    identity = _as_server_user()
    if identity:
        os.chown(FOLDER, int(str(identity["user"])), int(str(identity["group"])))
    data = FOLDER / "data"
    quiet = {"stdout": subprocess.DEVNULL, "cwd": "/", "check": True} | identity
    subprocess.run(
        [DEBIAN / "initdb", "-D", data, "-U", LOGIN, "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8"], **quiet
    )  # type: ignore[call-overload]
    options = f"-k {FOLDER} -c listen_addresses= -c max_connections=60"
    subprocess.run([DEBIAN / "pg_ctl", "start", "-w", "-D", data, "-l", data / "log", "-o", options], **quiet)  # type: ignore[call-overload]
    sys.stdout.write(f"postgresql://{LOGIN}@/postgres?host={FOLDER}\n")


def debian_stop() -> None:
    """Stop and remove the throwaway cluster."""
    if (FOLDER / "data").exists():
        identity = _as_server_user()
        command = [DEBIAN / "pg_ctl", "stop", "-m", "immediate", "-D", FOLDER / "data"]
        subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **identity)  # type: ignore[call-overload]
    shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    TEST_HOME.mkdir(parents=True, exist_ok=True)
    commands = {"migrations": migrations, "stop": stop, "debian-start": debian_start, "debian-stop": debian_stop}
    commands[sys.argv[1]]()

"""The commands of the database, from an empty data folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import ROOT
from trunkline.kit.db import embedded, programs

pytestmark = pytest.mark.skipif("TRUNKLINE_DATABASE_URL" in os.environ, reason="this test has a server of its own")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder that is not made yet."""
    folder = Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
    folder.chmod(0o711)
    monkeypatch.setenv("TRUNKLINE_HOME", str(folder / "home"))
    yield folder / "home"
    embedded.stop()
    shutil.rmtree(folder)


def trunkline(*words: str) -> tuple[int, str, str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "trunkline", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def psql(role: str, query: str) -> str:
    _, address, _ = trunkline("db", "url", "--role", role)
    command = [programs.programs(programs.server_account()) / "psql", address.strip(), "-At", "-c", query]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_from_an_empty_folder_to_a_tenant_and_back(home: Path) -> None:
    place = f"data    {home}/postgres\nsocket  {home}/postgres\nlog     {home}/postgres.log\n"
    assert trunkline("db", "status") == (3, f"embedded PostgreSQL: stopped\n{place}", "")
    assert trunkline("db", "stop") == (0, "was not running\n", "")
    assert not home.exists()

    assert trunkline("tenant", "add", "Alpha Carrier", "--currency", "USD") == (0, "tenant alpha-carrier made\n", "")
    assert trunkline("db", "status") == (0, f"embedded PostgreSQL: running\n{place}", "")
    code, listed, _ = trunkline("tenant", "list", "--json")
    expected = {
        "slug": "alpha-carrier",
        "name": "Alpha Carrier",
        "currency": "USD",
        "timezone": "UTC",
        "status": "active",
        "trial_last_day": None,
    }
    assert (code, json.loads(listed)) == (0, {"tenants": [expected]})

    who = "SELECT current_user || ' sees ' || count(*) FROM tenancy_tenant"
    assert psql("app", who) == "trunkline_app sees 0\n"
    assert psql("platform", who) == "trunkline_platform sees 1\n"
    assert psql("app", "SET ROLE trunkline_owner") == 'ERROR:  permission denied to set role "trunkline_owner"\n'
    assert psql("owner", "SELECT count(*) > 40 FROM django_migrations") == "t\n"
    code, printed, refusal = trunkline("db", "url", "--role", "admin")
    assert (code, printed, "'admin' is not one of 'app', 'owner', 'platform'" in refusal) == (2, "", True)

    assert trunkline("db", "stop") == (0, "stopped\n", "")
    assert trunkline("tenant", "list", "--json")[1] == listed
    assert trunkline("db", "start") == (0, f"embedded PostgreSQL: running\n{place}", "")

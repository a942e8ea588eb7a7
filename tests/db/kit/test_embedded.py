"""The embedded server: started once by whoever is first, stopped by one command, back after any death."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.places import ROOT
from trunkline.core.errors import Unavailable
from trunkline.kit.db import connections, embedded, programs
from trunkline.kit.db.connections import Role

pytestmark = pytest.mark.skipif("TRUNKLINE_DATABASE_URL" in os.environ, reason="these tests have servers of their own")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another user")

START = """
from trunkline.kit.db import embedded
embedded.ensure_running()
print(embedded.postmaster_pid())
"""


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder that every user may pass through; pytest's own is closed, and long."""
    made = Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def fresh(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder that is not made yet; whatever server runs there in the end is stopped."""
    monkeypatch.delenv("TRUNKLINE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRUNKLINE_HOME", str(short_folder / "home"))
    yield short_folder / "home"
    embedded.stop()


@pytest.fixture(scope="module")
def made_home() -> Iterator[Path]:
    """A data folder with a cluster, made once for the tests that only need one."""
    folder = Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
    folder.chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TRUNKLINE_DATABASE_URL", raising=False)
        patch.setenv("TRUNKLINE_HOME", str(folder / "home"))
        embedded.ensure_running()
        yield folder / "home"
        embedded.stop()
    shutil.rmtree(folder)


@pytest.fixture
def running(made_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose server runs."""
    monkeypatch.delenv("TRUNKLINE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRUNKLINE_HOME", str(made_home))
    embedded.ensure_running()
    return made_home


def connect() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(**connections.parameters(Role.ADMIN), autocommit=True)


def ask(query: str) -> list[tuple[object, ...]]:
    with connect() as connection:
        return connection.execute(query.encode()).fetchall()


def tell(statement: str) -> None:
    with connect() as connection:
        connection.execute(statement.encode())


def has_ended(pid: int | None) -> bool:
    assert pid is not None
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_empty_folder_becomes_a_server_for_us_alone(fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    (fresh / "postgres.making").mkdir()  # what a killed initdb left
    (fresh / "postgres.making" / "PG_VERSION").write_text("18\n")
    assert embedded.is_running() is False
    place = embedded.ensure_running()
    assert (place.data, place.socket_folder) == (fresh / "postgres", fresh / "postgres")
    assert embedded.is_running() is True
    account = programs.server_account()
    assert (mode(place.data), place.data.owner()) == (0o700, account.name)
    assert mode(fresh) == (0o711 if account.switch else 0o700)
    assert not (fresh / "postgres.making").exists()
    query = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'listen_addresses', 'lock_timeout') ORDER BY 1"
    expected = [("fsync", "on"), ("full_page_writes", "on"), ("listen_addresses", ""), ("lock_timeout", "10000")]
    assert ask(query) == expected
    assert ask("SELECT current_user::text") == [("postgres",)]


def test_a_folder_deleted_under_its_server_becomes_a_new_one(fresh: Path) -> None:
    embedded.ensure_running()
    tell("CREATE TABLE old (n int)")
    old = embedded.postmaster_pid()
    shutil.rmtree(fresh)
    embedded.ensure_running()
    assert has_ended(old)  # or it would take the new one's socket away when it notices
    assert ask("SELECT count(*) FROM pg_class WHERE relname = 'old'") == [(0,)]


def test_three_processes_that_start_at_once_start_one_server(fresh: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", START]
    starting = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0].strip() for process in starting]
    assert [process.returncode for process in starting] == [0, 0, 0]
    assert said == [str(embedded.postmaster_pid())] * 3


def test_starting_a_server_that_runs_changes_nothing(running: Path) -> None:
    before = embedded.postmaster_pid()
    embedded.ensure_running()
    assert embedded.postmaster_pid() == before


def test_it_is_stopped_once_and_keeps_its_data(running: Path) -> None:
    tell("CREATE TABLE kept AS SELECT 7 AS n")
    assert (embedded.stop(), embedded.is_running(), embedded.stop()) == (True, False, False)
    assert embedded.postmaster_pid() is None
    embedded.ensure_running()
    assert ask("SELECT n FROM kept") == [(7,)]


def test_after_kill_9_it_comes_back_with_all_that_was_committed(running: Path) -> None:
    with connect() as connection:
        connection.execute("CREATE TABLE survivors (n int)")
        connection.execute("INSERT INTO survivors SELECT generate_series(1, 1000)")
        embedded.kill()
    assert embedded.is_running() is False
    embedded.ensure_running()
    assert ask("SELECT count(*) FROM survivors") == [(1000,)]


def test_a_server_that_dies_alone_while_its_children_live_on_comes_back(running: Path) -> None:
    with connect():  # a backend that holds the shared memory for a moment longer
        pid = embedded.postmaster_pid()
        assert pid is not None
        server = psutil.Process(pid)
        server.kill()
        assert embedded.wait_until_ended([server], seconds=30)
        embedded.ensure_running()
    assert ask("SELECT 1") == [(1,)]
    assert embedded.postmaster_pid() != pid


def test_a_killed_server_of_whose_end_nobody_takes_note_comes_back(running: Path) -> None:
    embedded.kill()
    # Nobody waits for it, as in a container whose first process waits for nobody.
    ended = subprocess.Popen(["true"], cwd="/", **programs.server_account().identity)
    assert embedded.wait_until_ended([psutil.Process(ended.pid)], seconds=30)
    for path in (running / "postgres/postmaster.pid", running / "postgres/.s.PGSQL.5432.lock"):
        path.write_text("\n".join([str(ended.pid), *path.read_text().splitlines()[1:]]) + "\n")
    before = (running / "postgres.log").stat().st_size
    embedded.ensure_running()
    assert ask("SELECT 1") == [(1,)]
    assert b"lock file" not in (running / "postgres.log").read_bytes()[before:]  # at the first try
    ended.wait()


def test_a_server_whose_socket_is_gone_is_started_again(running: Path) -> None:
    before = embedded.postmaster_pid()
    embedded.cluster().socket.unlink()
    assert embedded.is_running() is False
    embedded.ensure_running()
    assert ask("SELECT 1") == [(1,)]
    assert embedded.postmaster_pid() != before


def test_a_moved_data_folder_goes_on_under_a_path_too_long_for_a_socket(running: Path) -> None:
    tell("CREATE TABLE moved AS SELECT 7 AS n")
    embedded.stop()
    far = running.parent / ("x" * 100)
    running.rename(far)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUNKLINE_HOME", str(far))
        place = embedded.ensure_running()
        assert (place.data, place.socket_folder.parent) == (far / "postgres", Path("/tmp"))  # noqa: S108
        assert (mode(place.socket_folder), ask("SELECT n FROM moved")) == (0o700, [(7,)])
        embedded.stop()
        place.socket_folder.rmdir()
    far.rename(running)


def test_a_socket_folder_that_somebody_else_laid_there_is_not_taken(running: Path) -> None:
    embedded.stop()
    far = running.parent / ("y" * 100)
    running.rename(far)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUNKLINE_HOME", str(far))
        folder = embedded.cluster().socket_folder
        folder.symlink_to(running.parent)
        with pytest.raises(Unavailable, match="belongs to another user"):
            embedded.ensure_running()
        folder.unlink()
    far.rename(running)


def test_settings_of_the_callers_shell_do_not_lead_elsewhere(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGUSER": "nobody", "PGDATABASE": "none"}.items():
        monkeypatch.setenv(name, value)
    embedded.stop()
    embedded.ensure_running()
    assert ask("SELECT current_user::text, current_database()::text") == [("postgres", "postgres")]


def test_a_server_that_cannot_start_says_what_its_log_says(running: Path) -> None:
    embedded.stop()
    settings = embedded.cluster().data / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(good + "\nshared_buffers = many\n")
    try:
        with pytest.raises(Unavailable, match='invalid value for parameter "shared_buffers"') as caught:
            embedded.ensure_running()
        assert caught.value.code == "database_start"
    finally:
        settings.write_text(good)


def test_a_folder_that_is_no_cluster_is_left_alone(fresh: Path) -> None:
    (fresh / "postgres").mkdir(parents=True)
    (fresh / "postgres" / "precious").write_text("data")
    shutil.chown(fresh / "postgres", programs.server_account().uid)
    with pytest.raises(Unavailable, match="is no PostgreSQL cluster") as caught:
        embedded.ensure_running()
    assert caught.value.code == "data_folder"
    assert (fresh / "postgres" / "precious").read_text() == "data"


def test_a_data_folder_that_cannot_be_is_said(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (short_folder / "file").write_text("")
    monkeypatch.delenv("TRUNKLINE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRUNKLINE_HOME", str(short_folder / "file" / "home"))
    with pytest.raises(Unavailable, match="cannot be used") as caught:
        embedded.ensure_running()
    assert (caught.value.code, caught.value.hint) == ("data_folder", "TRUNKLINE_HOME names another one.")


def test_stopping_what_was_never_started_makes_nothing(fresh: Path) -> None:
    assert (embedded.stop(), fresh.exists()) == (False, False)


@as_root
def test_a_cluster_of_somebody_else_is_not_started(running: Path) -> None:
    embedded.stop()
    data = embedded.cluster().data
    shutil.chown(data, "nobody")
    try:
        with pytest.raises(Unavailable, match="belongs to the OS user nobody") as caught:
            embedded.ensure_running()
        assert "Run Trunkline as nobody" in caught.value.hint
    finally:
        shutil.chown(data, programs.server_account().uid)


@as_root
def test_another_user_of_the_machine_does_not_get_in(running: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    psql = programs.programs(programs.server_account()) / "psql"
    for role in Role:
        command = [psql, connections.url(role), "-c", "SELECT 1"]
        done = subprocess.run(
            command, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], cwd="/", capture_output=True, text=True
        )
        assert (done.returncode, "Permission denied" in done.stderr) == (2, True)


@pytest.fixture
def system_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What stands for /var/lib/trunkline."""
    made = Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
    for module in (embedded, programs):
        monkeypatch.setattr(module, "SYSTEM_FOLDER", made / "trunkline")
    yield made / "trunkline"
    shutil.rmtree(made)


@as_root
def test_behind_a_closed_parent_the_cluster_lives_elsewhere_and_is_linked(
    fresh: Path, system_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_folder.parent.chmod(0o711)
    fresh.parent.chmod(0o700)
    old = os.umask(0o077)
    try:
        place = embedded.ensure_running()
    finally:
        os.umask(old)
    assert place.data.parent == system_folder / "clusters"
    assert (fresh / "postgres").readlink() == place.data
    assert (mode(fresh), mode(fresh.parent)) == (0o700, 0o700)  # nothing was opened
    assert ask("SELECT 1") == [(1,)]
    assert embedded.cluster() == place
    assert embedded.stop() is True
    shutil.rmtree(fresh)  # whoever deletes the folder wants another cluster
    assert embedded.cluster().data.name == f"{place.data.name}-2"


@as_root
def test_programs_behind_a_closed_parent_are_copied_once(
    system_folder: Path, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = programs.programs(programs.Account("root", 0, 0, switch=False)).parents[1]
    package = short_folder / "site-packages" / programs.PACKAGE
    shutil.copytree(installed / programs.INSTALLATION, package / programs.INSTALLATION, symlinks=True)
    shutil.copytree(installed.with_name(f"{programs.PACKAGE}.libs"), package.with_name(f"{programs.PACKAGE}.libs"))
    subprocess.run(["chmod", "-R", "go=", package.parent], check=True)
    spec = ModuleSpec(programs.PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(programs.importlib.util, "find_spec", lambda name: spec)
    system_folder.parent.chmod(0o711)
    old = os.umask(0o077)
    try:
        found = programs.programs(programs.server_account())
    finally:
        os.umask(old)
    assert found.is_relative_to(system_folder / "programs")
    marked = found / "marked"
    marked.write_text("")
    assert (programs.programs(programs.server_account()), marked.exists()) == (found, True)
    assert [p.name for p in (system_folder / "programs").iterdir()] == [found.parents[2].name]

"""Addresses of the database, as libpq reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from trunkline.kit.db import connections
from trunkline.kit.db.connections import Role

LIMITS = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUNKLINE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRUNKLINE_HOME", "/tmp/data")  # noqa: S108


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize(
    ("role", "user", "database"),
    [
        (Role.ADMIN, "postgres", "postgres"),
        (Role.OWNER, "trunkline_owner", "trunkline"),
        (Role.APP, "trunkline_app", "trunkline"),
        (Role.PLATFORM, "trunkline_platform", "trunkline"),
    ],
)
def test_on_the_embedded_server_each_role_logs_in_itself(role: Role, user: str, database: str) -> None:
    expected = {"host": "/tmp/data/postgres", "port": "5432", "user": user, "dbname": database}  # noqa: S108
    assert connections.parameters(role) == expected


@pytest.mark.usefixtures("embedded")
def test_an_address_of_the_embedded_server_names_the_sockets_folder() -> None:
    assert connections.url(Role.APP) == "postgresql://trunkline_app@/trunkline?host=/tmp/data/postgres&port=5432"


@pytest.mark.usefixtures("embedded")
def test_a_path_that_is_too_long_or_odd_for_a_socket_gets_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("/srv/" + "x" * 100, "/srv/two, three", "/srv/o'clock"):
        monkeypatch.setenv("TRUNKLINE_HOME", name)
        host = Path(connections.parameters(Role.APP)["host"])
        assert (host.parent, host.name.startswith("trunkline-"), len(host.name)) == (Path("/tmp"), True, 26)  # noqa: S108


def test_on_an_own_server_the_login_changes_to_the_role_as_the_session_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_DATABASE_URL", "postgresql://op:s%40c@db.example:6432/billing?sslmode=require")
    login = {
        "user": "op",
        "password": "s@c",
        "host": "db.example",
        "port": "6432",
        "dbname": "billing",
        "sslmode": "require",
    }
    assert connections.parameters(Role.ADMIN) == login
    assert connections.parameters(Role.APP) == login | {"options": f"{LIMITS} -c role=trunkline_app"}
    assert connections.parameters(Role.OWNER, "other") == login | {
        "dbname": "other",
        "options": f"{LIMITS} -c role=trunkline_owner",
    }


def test_a_login_that_is_the_role_itself_changes_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_DATABASE_URL", "host=db.example user=trunkline_app dbname=billing")
    assert connections.parameters(Role.APP)["options"] == LIMITS
    assert connections.parameters(Role.OWNER)["options"] == f"{LIMITS} -c role=trunkline_owner"


def test_options_of_the_address_are_kept_and_cannot_choose_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_DATABASE_URL", "postgresql://op@db/b?options=-c%20jit%3Doff%20-c%20role%3Dpostgres")
    assert connections.parameters(Role.APP)["options"] == f"{LIMITS} -c jit=off -c role=postgres -c role=trunkline_app"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://op:s%40c%2F@db.example:6432/billing?sslmode=require",
        "postgresql://op@[::1]:5433/billing",
        "postgresql://op@one:1,two:2/billing",
        "host=/var/run/postgresql dbname=billing",
        "postgresql://o%40p@/b%20b?host=/run/x&port=6000",
    ],
)
@pytest.mark.parametrize("role", Role)
def test_the_address_given_out_says_what_we_connect_with(
    monkeypatch: pytest.MonkeyPatch, address: str, role: Role
) -> None:
    monkeypatch.setenv("TRUNKLINE_DATABASE_URL", address)
    assert conninfo_to_dict(connections.url(role)) == connections.parameters(role)


def test_django_connects_with_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_DATABASE_URL", "postgresql://op@db.example:6432/billing?sslmode=require")
    assert connections.django_database(Role.APP) == {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "NAME": "billing",
        "USER": "op",
        "HOST": "db.example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "require", "options": f"{LIMITS} -c role=trunkline_app", "prepare_threshold": 5},
    }

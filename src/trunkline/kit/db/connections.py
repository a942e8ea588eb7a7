"""Where PostgreSQL is and how each role reaches it."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from trunkline.kit.db import embedded

DATABASE = "trunkline"
PLAIN_HOST = re.compile(r"[\w.-]+")
PREPARED_FROM = (
    5  # uses of one statement; only those of `kit.db.kept` can be prepared, Django's have their values in their text
)
SESSION = ("lock_timeout=10s", "idle_in_transaction_session_timeout=60s")  # as the embedded server has them for all


class Role(StrEnum):
    """The four ways in. ADMIN prepares roles and the database and nothing else."""

    ADMIN = "admin"
    OWNER = "owner"
    APP = "app"
    PLATFORM = "platform"

    @property
    def sql_name(self) -> str:
        return "postgres" if self is Role.ADMIN else f"trunkline_{self.value}"


def own_server() -> str | None:
    """The address of the operator's own PostgreSQL (`TRUNKLINE_DATABASE_URL`), None for the embedded one."""
    return os.environ.get("TRUNKLINE_DATABASE_URL") or None


def ensure_server() -> None:
    """Start the embedded server if that is the one in use."""
    if own_server() is None:
        embedded.ensure_running()


def parameters(role: Role, database: str | None = None) -> dict[str, Any]:
    """libpq parameters with which `role` connects.

    On the embedded server the operating system vouches for the role (peer authentication). On an own server everybody logs in as the user
    of the address, who is a member of the roles, and changes to the role as the session begins; an address whose user is the role itself
    needs no change, and cannot change to another.
    """
    address = own_server()
    if address is None:
        name = database or ("postgres" if role is Role.ADMIN else DATABASE)
        folder = str(embedded.cluster().socket_folder)
        return {"host": folder, "port": str(embedded.PORT), "user": role.sql_name, "dbname": name}
    given: dict[str, Any] = dict(conninfo_to_dict(address))
    if database:
        given["dbname"] = database
    if role is not Role.ADMIN:
        options = [*(f"-c {setting}" for setting in SESSION), str(given.get("options") or "")]
        if given.get("user") != role.sql_name:
            options.append(f"-c role={role.sql_name}")  # last, so that nothing in the address overrides it
        given["options"] = " ".join(filter(None, options))
    return given


def url(role: Role, database: str | None = None) -> str:
    """A `postgresql://` address for `role`, for psql and other tools."""
    given = {name: str(value) for name, value in parameters(role, database).items()}
    user, name = quote(given.pop("user", ""), safe=""), quote(given.pop("dbname", ""), safe="")
    secret = f":{quote(given.pop('password'), safe='')}" if "password" in given else ""
    login = f"{user}{secret}@" if user else ""
    place = ""
    if PLAIN_HOST.fullmatch(given.get("host", "")):  # a socket's folder, several hosts and IPv6 go into the query
        place = given.pop("host") + (f":{port}" if (port := given.pop("port", "")) else "")
    query = f"?{urlencode(given, safe='/', quote_via=quote)}" if given else ""
    return f"postgresql://{login}{place}/{name}{query}"


def django_database(role: Role) -> dict[str, Any]:
    """The `DATABASES` entry for `role`."""
    given = parameters(role)
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    settings: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
    settings |= {known[name]: value for name, value in given.items() if name in known}
    settings["OPTIONS"] = {name: value for name, value in given.items() if name not in known}
    settings["OPTIONS"]["prepare_threshold"] = PREPARED_FROM
    return settings

"""The commands of staff and keys, as they are typed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.databases import AT
from tests.staff import make_member
from trunkline.cli import key, staff
from trunkline.core.errors import TrunklineError
from trunkline.identity.keys import is_well_formed
from trunkline.identity.models import ApiKey, User
from trunkline.identity.permissions import NOT_FOR_KEYS, ROLES, BuiltInRole
from trunkline.identity.queries import find_key_ids
from trunkline.kit import clock
from trunkline.tenancy.scope import scope

RUNNER = CliRunner()


class Shell:
    """Types commands in one tenant."""

    def __init__(self, slug: str) -> None:
        self.slug = slug

    def __call__(self, app: typer.Typer, *words: str) -> tuple[str, str]:
        given = [words[0], *([] if words[:1] == ("platform",) else ["--tenant", self.slug]), *words[1:]]
        result = RUNNER.invoke(app, given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout.strip(), result.stderr.strip()

    def json(self, app: typer.Typer, *words: str) -> Any:
        return json.loads(self(app, *words, "--json")[0])

    def refused(self, app: typer.Typer, *words: str) -> str:
        with pytest.raises(TrunklineError) as caught:
            self(app, *words)
        return caught.value.code


@pytest.fixture
def run(tenant: Any) -> Shell:
    return Shell(tenant.slug)


def test_from_the_first_owner_to_who_has_left(run: Shell) -> None:
    link, said = run(staff.app, "add", "Ada@example.com", "--role", "owner", "--name", "Ada")
    assert re.fullmatch(r"http://localhost:8000/accounts/password/reset/key/[0-9a-z]+-[0-9a-z-]+/", link)
    assert said == "ada@example.com works here as Owner"
    run(staff.app, "add", "bob@example.com", "--role", "noc", "--network", "203.0.113.7", "--network", "2001:db8::/32")
    assert run(staff.app, "role", "bob@example.com", "finance") == ("bob@example.com works here as Finance", "")
    assert run(staff.app, "networks", "bob@example.com", "198.51.100.0/24")[0] == (
        "bob@example.com may work from 198.51.100.0/24"
    )
    told = [(p["email"], p["name"], p["role"], p["networks"]) for p in run.json(staff.app, "list")["staff"]]
    assert told == [("ada@example.com", "Ada", "owner", []), ("bob@example.com", "", "finance", ["198.51.100.0/24"])]
    assert run(staff.app, "networks", "bob@example.com")[0] == "bob@example.com may work from everywhere"
    assert run(staff.app, "remove", "bob@example.com", "--reason", "left")[0] == "bob@example.com works here no more"
    assert [p["email"] for p in run.json(staff.app, "list")["staff"]] == ["ada@example.com"]
    assert [p["email"] for p in run.json(staff.app, "list", "--left")["staff"]] == [
        "ada@example.com",
        "bob@example.com",
    ]
    assert "ada@example.com" in run(staff.app, "list")[0]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "b@example.com", "--role", "boss"), "role_not_found"),
        (("add", "ada@example.com", "--role", "noc"), "already_member"),
        (("role", "x@example.com", "noc"), "member_not_found"),
        (("role", "ada@example.com", "noc"), "last_owner"),
        (("remove", "ada@example.com"), "last_owner"),
        (("platform", "x@example.com", "--off"), "user_not_found"),
    ],
)
def test_what_is_refused_says_why(run: Shell, tenant: Any, words: tuple[str, ...], code: str) -> None:
    make_member(tenant)
    assert run.refused(staff.app, *words) == code


def test_who_runs_the_installation(run: Shell) -> None:
    link, said = run(staff.app, "platform", "root@example.com")
    assert (said.splitlines()[-1], "/accounts/password/reset/key/" in link) == (
        "root@example.com runs this installation",
        True,
    )
    assert User.objects.get().is_platform_staff
    link, said = run(staff.app, "platform", "root@example.com", "--off")
    assert (said.splitlines()[-1], link) == ("root@example.com runs this installation no more", "")
    assert not User.objects.get().is_platform_staff


def test_a_key_is_printed_once(run: Shell, tenant: Any) -> None:
    text, said = run(
        key.app, "add", "Billing", "--scope", "usage.load", "--scope", "usage.read", "--network", "203.0.113.7"
    )
    assert is_well_formed(text)
    (told,) = run.json(key.app, "list")["keys"]
    assert (told["name"], told["ends_with"], told["scopes"], told["networks"]) == (
        "Billing", text[-4:], ["usage.load", "usage.read"], ["203.0.113.7/32"],
    )  # fmt: skip
    assert told["made_by"].startswith("cli:")
    assert told["id"] in said
    assert text not in run(key.app, "list")[0] + said
    found = find_key_ids(text)
    assert found is not None
    assert found[0] == tenant.pk
    assert run(key.app, "revoke", told["id"], "--reason", "seen in a mail")[0] == f"Billing (…{text[-4:]}) is revoked"
    assert run.json(key.app, "list")["keys"][0]["revoked_at"] is not None
    assert run.refused(key.app, "revoke", told["id"]) == "already_revoked"


def test_a_key_with_a_role_gets_what_keys_may_have(run: Shell, tenant: Any) -> None:
    with clock.at(AT):
        made = run.json(key.app, "add", "All", "--role", "admin", "--expires", "2026-12-31")
    assert made["scopes"] == sorted(ROLES[BuiltInRole.ADMIN] - NOT_FOR_KEYS)
    with scope(tenant, "test"):
        assert f"{ApiKey.objects.get().expires_at}" == "2026-12-31 00:00:00+00:00"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "x"), "no_scopes"),
        (("add", "x", "--scope", "staff.manage"), "not_for_keys"),
        (("add", "x", "--scope", "usage.fly"), "unknown_permission"),
        (("add", "x", "--scope", "usage.read", "--expires", "2020-01-01"), "bad_expiry"),
        (("add", "x", "--scope", "usage.read", "--expires", "soon"), "bad_time"),
        (("revoke", "17"), "bad_id"),
        (("revoke", "01a226a5-bc70-74a8-bd49-746239db4a46"), "key_not_found"),
    ],
)
def test_a_bad_key_says_why(run: Shell, words: tuple[str, ...], code: str) -> None:
    assert run.refused(key.app, *words) == code

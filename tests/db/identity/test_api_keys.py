"""Keys of programs: made once, shown once, looked up before a tenant is known, and gone at once when they are revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.databases import AT, TestDatabase
from tests.staff import somebody
from trunkline.core.errors import Denied, NotFound, TrunklineError
from trunkline.identity.actions import create_key, revoke_key
from trunkline.identity.keys import draw_key, hash_of, is_well_formed
from trunkline.identity.models import ApiKey
from trunkline.identity.opener import Opener, enter_with_key
from trunkline.identity.permissions import NOT_FOR_KEYS, ROLES, BuiltInRole, Permission
from trunkline.identity.principal import Principal, PrincipalKind
from trunkline.identity.queries import access_key, api_keys, find_key_ids, principal_of_key
from trunkline.kit.db.connections import Role as DatabaseRole
from trunkline.kit.db.scope import current_scope
from trunkline.tenancy.scope import scope

HOUR = timedelta(hours=1)


def made(tenant: Any, **given: Any) -> tuple[ApiKey, str]:
    values: dict[str, Any] = {"name": "Billing", "scopes": ["usage.read"], "by": somebody(tenant), "at": AT}
    key, text = create_key(**values | given)
    return key, text.reveal()


def code_of(action: Any, **given: Any) -> str:
    with pytest.raises(TrunklineError) as caught, transaction.atomic():
        action(**given)
    return caught.value.code


def test_of_a_key_a_hash_and_four_characters_are_kept(in_scope: Any) -> None:
    key, text = made(in_scope, scopes=["usage.read", "accounts.read"], expires_at=AT + HOUR)
    assert is_well_formed(text)
    assert (key.hash, key.last_four, key.scopes) == (hash_of(text), text[-4:], ["accounts.read", "usage.read"])
    assert (key.created_at, key.created_by, key.expires_at) == (AT, "cli:test", AT + HOUR)
    with connection.cursor() as cursor:
        for table in ("identity_apikey", "identity_apikeyhistoryevent"):
            cursor.execute(
                f"SELECT count(*), count(*) FILTER (WHERE t::text LIKE %s) FROM {table} t", [f"%{text[8:40]}%"]
            )
            assert cursor.fetchone() == (1, 0)
        cursor.execute("SELECT count(*) FROM identity_apikeyhistoryevent t WHERE t::text LIKE %s", [f"%{key.hash}%"])
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": " "}, "bad_name"),
        ({"name": "x" * 201}, "bad_name"),
        ({"scopes": []}, "no_scopes"),
        ({"scopes": ["usage.fly"]}, "unknown_permission"),
        ({"expires_at": AT}, "bad_expiry"),
        ({"allowed_networks": ["x"]}, "bad_network"),
        *(({"scopes": [permission.value]}, "not_for_keys") for permission in sorted(NOT_FOR_KEYS)),
    ],
)
def test_bad_keys_are_refused(in_scope: Any, given: dict[str, Any], code: str) -> None:
    values = {"name": "Billing", "scopes": ["usage.read"], "by": somebody(in_scope), "at": AT}
    assert code_of(create_key, **values | given) == code
    assert ApiKey.objects.count() == 0


def test_nobody_gives_a_key_what_they_may_not_do(in_scope: Any) -> None:
    key, _ = made(in_scope)
    few = frozenset({Permission.KEYS_MANAGE, Permission.USAGE_READ})
    by = Principal(in_scope.pk, "user:9", few, PrincipalKind.USER, 9, 9)
    values = {"name": "x", "by": by, "at": AT}
    create_key(scopes=["usage.read"], **values)
    assert code_of(create_key, scopes=["invoices.void"], **values) == "beyond_own_permissions"
    for role in set(BuiltInRole) - {BuiltInRole.OWNER, BuiltInRole.ADMIN}:
        weak = Principal(in_scope.pk, "user:9", ROLES[role], PrincipalKind.USER, 9, 9)
        assert code_of(create_key, scopes=["usage.read"], name="x", by=weak, at=AT) == "permission_missing"
        assert code_of(revoke_key, key_id=key.pk, by=weak, at=AT) == "permission_missing"


def test_a_key_is_found_before_its_tenant_is_known(tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        ours, our_text = made(tenant)
    with scope(other_tenant, "test"):
        theirs, their_text = made(other_tenant)
    assert current_scope() is None
    assert find_key_ids(our_text) == (tenant.pk, ours.pk)
    assert find_key_ids(their_text) == (other_tenant.pk, theirs.pk)
    assert [find_key_ids(text) for text in (draw_key().text, "", "tl_live_x", our_text + " ")] == [None] * 4


def test_a_table_of_the_same_name_fools_no_look_up(test_database: TestDatabase) -> None:
    with test_database.connect(DatabaseRole.APP) as app, app.transaction(force_rollback=True):
        app.execute(
            "CREATE TEMP TABLE identity_apikey AS SELECT 7::bigint AS id, 7::bigint AS tenant_id, 'fake' AS hash"
        )
        app.execute(
            "CREATE TEMP TABLE identity_membership AS SELECT 7::bigint AS tenant_id, 7::bigint AS user_id,"
            " '-infinity'::timestamptz AS valid_from, NULL::timestamptz AS valid_to"
        )
        assert app.execute("SELECT tenant_and_key_by_hash('fake')").fetchall() == [(None,)]
        assert app.execute("SELECT tenant_ids_of_user(7, now())").fetchall() == []


def test_a_key_makes_a_principal_until_it_expires_or_is_revoked(in_scope: Any) -> None:
    key, _ = made(in_scope, expires_at=AT + HOUR, allowed_networks=["203.0.113.0/24"])
    found, row = principal_of_key(key_id=key.pk, address="203.0.113.7", at=AT)
    expected = Principal(in_scope.pk, f"key:{key.pk}", frozenset({Permission.USAGE_READ}), PrincipalKind.KEY, key.pk)
    assert (found, row) == (expected, key)
    refused = [("198.51.100.1", AT, "network_not_allowed"), ("203.0.113.7", AT + HOUR, "invalid_api_key")]
    for address, at, code in refused:
        assert code_of(principal_of_key, key_id=key.pk, address=address, at=at) == code
    revoked = revoke_key(key_id=key.pk, by=somebody(in_scope), at=AT)
    assert revoked.revoked_at == AT
    assert code_of(principal_of_key, key_id=key.pk, address="203.0.113.7", at=AT) == "invalid_api_key"
    assert code_of(revoke_key, key_id=key.pk, by=somebody(in_scope), at=AT) == "already_revoked"


def test_another_tenants_key_is_not_there(tenant: Any, other_tenant: Any) -> None:
    with scope(other_tenant, "test"):
        foreign, _ = made(other_tenant)
    with scope(tenant, "test"):
        assert list(api_keys()) == []
        with pytest.raises(NotFound):
            access_key(foreign.public_id)
        assert code_of(revoke_key, key_id=foreign.pk, by=somebody(tenant), at=AT) == "not_found"
        assert code_of(principal_of_key, key_id=foreign.pk, address="", at=AT) == "invalid_api_key"


def used(tenant: Any, key: ApiKey) -> tuple[Any, Any]:
    with scope(tenant, "test"):
        key.refresh_from_db()
    return key.last_used_at, key.last_used_from


def test_an_opener_enters_once_as_the_key_and_notes_the_use_once_a_minute(tenant: Any) -> None:
    with scope(tenant, "test"):
        key, text = made(tenant)
    for seconds, address, expected in (
        (0, "203.0.113.7", (AT, "203.0.113.7")),
        (59, "203.0.113.8", (AT, "203.0.113.7")),
        (60, "203.0.113.8", (AT + timedelta(seconds=60), "203.0.113.8")),
    ):
        with Opener() as opener:
            principal = enter_with_key(opener, text, address=address, at=AT + timedelta(seconds=seconds))
            assert opener.is_open
            opened = current_scope()
            assert opened is not None
            assert (opened.tenant_id, opened.actor) == (tenant.pk, f"key:{key.pk}") == (tenant.pk, principal.actor)
            with pytest.raises(RuntimeError, match="one scope"):
                opener.enter(tenant.pk, "again")
        assert current_scope() is None
        assert used(tenant, key) == expected
    with scope(tenant, "test"), connection.cursor() as cursor:
        cursor.execute("SELECT pgh_label FROM identity_apikeyhistoryevent")
        assert cursor.fetchall() == [("insert",)]  # a use is no change


def test_what_an_opener_rolls_back_is_gone_but_for_the_use_of_the_key(tenant: Any) -> None:
    with scope(tenant, "test"):
        key, text = made(tenant)
    with Opener() as opener:
        enter_with_key(opener, text, address="203.0.113.7", at=AT)
        made(tenant, name="Another")
        opener.rollback()
    with scope(tenant, "test"):
        assert [each.name for each in api_keys()] == ["Billing"]
    assert used(tenant, key) == (AT, "203.0.113.7")


def test_an_opener_that_never_entered_does_nothing(db: None) -> None:
    with Opener() as opener:
        for text in ("", "tl_live_nothing", draw_key().text):
            with pytest.raises(Denied) as caught:
                enter_with_key(opener, text, address="", at=AT)
            assert caught.value.code == "invalid_api_key"
        opener.rollback()
        assert not opener.is_open


def test_an_expired_key_and_one_from_elsewhere_leave_no_scope_behind(tenant: Any) -> None:
    with scope(tenant, "test"):
        key, text = made(tenant, expires_at=AT + HOUR, allowed_networks=["203.0.113.0/24"])
    for address, at in (("203.0.113.7", AT + HOUR), ("198.51.100.1", AT)):
        with Opener() as opener, pytest.raises(Denied):
            enter_with_key(opener, text, address=address, at=at)
        assert current_scope() is None
    assert used(tenant, key) == (None, None)


def test_a_scope_can_be_closed_before_the_request_ends(tenant: Any) -> None:
    with scope(tenant, "test"):
        _, text = made(tenant)
    with Opener() as opener:
        enter_with_key(opener, text, address="", at=AT)
        opener.close()
        assert current_scope() is None
        assert not opener.is_open

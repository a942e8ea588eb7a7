"""Trials and suspensions: extended, passed, and what an operator whose trial has ended may still do, by each door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from typer.testing import CliRunner

from tests.api.conftest import Asking, new_key
from tests.databases import AT
from tests.staff import make_member, sign_in
from trunkline.cli import tenant as commands
from trunkline.core.errors import Denied, TrunklineError
from trunkline.identity.permissions import BuiltInRole
from trunkline.kit import clock
from trunkline.parties.models import Account
from trunkline.tenancy.actions import activate_tenant, change_tenant, create_tenant, extend_trial, suspend_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.collect import watch
from trunkline.usage.intake import register_upload
from trunkline.usage.models import Batch
from trunkline.usage.sources.schedule import look_after

# The first instant of 17 March in Nairobi: the sixteenth is the last day of a trial that began on the second.
END = datetime(2026, 3, 16, 21, tzinfo=UTC)
BEFORE = END - timedelta(seconds=1)
ACCOUNT = {"name": "Zuri", "code": "zuri", "currency": "KES", "timezone": "Africa/Nairobi"}


@pytest.fixture
def trial(db: None) -> Tenant:
    return create_tenant(
        name="Savanna", currency="KES", timezone="Africa/Nairobi", trial_ends_at=END, actor="test", at=AT
    )


@contextmanager
def inside(tenant: Tenant, reason: str = "") -> Iterator[None]:
    with scope(tenant, "cli:ann", reason=reason):
        yield


def code_of(action: Any, **given: Any) -> str:
    with pytest.raises(TrunklineError) as caught:
        action(**given)
    return caught.value.code


def test_a_trial_is_extended_to_the_end_of_a_local_day_and_the_history_says_why(trial: Tenant) -> None:
    with inside(trial, "asked by mail"):
        assert extend_trial(last_day=date(2026, 3, 31), at=END).trial_ends_at == datetime(2026, 3, 31, 21, tzinfo=UTC)
        assert code_of(extend_trial, last_day=date(2026, 3, 16), at=END) == "bad_trial_end"
        assert activate_tenant().trial_ends_at is None
        assert code_of(extend_trial, last_day=date(2026, 4, 1), at=END) == "no_trial"
        assert suspend_tenant().status == "suspended"
        assert code_of(suspend_tenant) == "already_suspended"
        assert activate_tenant().status == "active"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT status, trial_ends_at, pgh_context->>'actor', pgh_context->>'reason'"
                " FROM tenancy_tenanthistoryevent ORDER BY pgh_id"
            )
            told = cursor.fetchall()
    extended = datetime(2026, 3, 31, 21, tzinfo=UTC)
    assert told == [
        ("active", END, "test", None),
        ("active", extended, "cli:ann", "asked by mail"),
        ("active", None, "cli:ann", "asked by mail"),
        ("suspended", None, "cli:ann", "asked by mail"),
        ("active", None, "cli:ann", "asked by mail"),
    ]


def test_nobody_sees_or_changes_the_history_of_another_operator(trial: Tenant, other_tenant: Tenant) -> None:
    with inside(other_tenant), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT id FROM tenancy_tenanthistoryevent")
        assert cursor.fetchall() == [(other_tenant.pk,)]
        cursor.execute("SELECT has_table_privilege('tenancy_tenanthistoryevent', 'UPDATE, DELETE, TRUNCATE')")
        assert cursor.fetchone() == (False,)


def test_a_name_and_a_zone_are_changed_and_a_taken_name_is_refused(trial: Tenant, other_tenant: Tenant) -> None:
    with inside(trial):
        changed = change_tenant(name=" Savanna  Net ", timezone="Europe/Paris")
        assert (changed.name, changed.timezone, changed.slug) == ("Savanna Net", "Europe/Paris", "savanna")
        assert code_of(change_tenant, name="Beta Telecom") == "tenant_exists"
        assert code_of(change_tenant, name=" ") == "bad_name"
        assert code_of(change_tenant, timezone="Mars/Olympus") == "unknown_timezone"
        assert (current_tenant().name, current_tenant().timezone) == ("Savanna Net", "Europe/Paris")


def test_the_commands_of_who_runs_the_installation(trial: Tenant) -> None:
    run = CliRunner()
    with clock.at(END):
        assert run.invoke(commands.app, ["extend", "savanna", "--until", "2026-03-31"]).stdout == (
            "the trial of savanna ends with 2026-03-31\n"
        )
        assert "trial" in run.invoke(commands.app, ["list"]).stdout
        assert run.invoke(commands.app, ["suspend", "savanna", "--reason", "unpaid"]).stdout == "savanna is suspended\n"
        assert '"suspended"' in run.invoke(commands.app, ["list", "--json"]).stdout
        assert run.invoke(commands.app, ["activate", "savanna"]).stdout == "savanna is active\n"
        assert isinstance(run.invoke(commands.app, ["extend", "savanna", "--until", "soon"]).exception, TrunklineError)


def test_the_office_takes_accounts_until_the_last_second_of_the_last_day(trial: Tenant) -> None:
    client = sign_in(Client(), make_member(trial).user, trial)
    add = reverse("admin:parties_account_add")
    with clock.at(BEFORE):
        assert client.get(add).status_code == 200
        assert client.post(add, {}).status_code == 200  # the form, with what is missing
    with clock.at(END):
        refused = client.post(add, {})
        assert refused.status_code == 403
        assert ">trial_ended<" in refused.content.decode()
        assert client.get(add).status_code == 403
        page = client.get(reverse("admin:parties_account_changelist"))
        assert page.status_code == 200
        assert "The trial ended with 2026-03-16." in page.content.decode()
        assert add not in page.content.decode()
        assert (
            client.get(reverse("admin:identity_membership_add")).status_code == 200
        )  # who may come in is still theirs


def test_the_api_reads_and_refuses_to_write_from_the_end_on(trial: Tenant) -> None:
    key = new_key(trial)
    ask = Asking(Client(), key)
    with clock.at(BEFORE):
        assert ask("POST", "/accounts", ACCOUNT).status_code == 201
    with clock.at(END):
        refused = ask("POST", "/accounts", ACCOUNT | {"code": "two", "name": "Two"})
        assert (refused.status_code, refused.json()["code"]) == (403, "trial_ended")
        assert "2026-03-16" in refused.json()["detail"]
        assert ask("POST", "/batches?switch=s&name=a.csv", b"x").json()["code"] == "trial_ended"
        assert [each["code"] for each in ask.get("/accounts").json()["data"]] == ["zuri"]
        with inside(trial):
            extend_trial(last_day=date(2026, 3, 17), at=END)
        assert ask("POST", "/accounts", ACCOUNT | {"code": "two", "name": "Two"}).status_code == 201
    with inside(trial):
        assert Account.objects.count() == 2


def test_a_key_that_may_not_write_is_told_that_first(trial: Tenant) -> None:
    from trunkline.identity.permissions import Permission

    ask = Asking(Client(), new_key(trial, Permission.ACCOUNTS_READ))
    with clock.at(END):
        assert ask("POST", "/accounts", ACCOUNT).json()["code"] == "permission_missing"


class Untouched:
    def read(self, size: int, /) -> bytes:
        raise AssertionError("it was read for nothing")


def test_no_usage_is_taken_and_watched_files_stay_where_they_are(trial: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    file = folder / "a.csv"
    file.write_text("x\n")
    with inside(trial):
        create_switch(name="s", format="common", watch_folder=str(folder), at=AT)
    late = END + timedelta(days=400)
    with pytest.raises(Denied) as caught:
        register_upload(trial.pk, "s", "a.csv", Untouched(), actor="test", now=lambda: END)
    assert caught.value.code == "trial_ended"
    assert watch(trial.pk, now=lambda: late) == []
    assert look_after(trial.pk, at=late) == 0
    with inside(trial):
        assert (Batch.objects.count(), file.exists()) == (0, True)
        activate_tenant()
    assert [each.fate for each in watch(trial.pk, now=lambda: late)] == ["registered"]


@pytest.mark.parametrize("role", list(BuiltInRole))
def test_every_role_signs_in_and_sees_the_dashboard_after_the_end(trial: Tenant, role: BuiltInRole) -> None:
    client = sign_in(Client(), make_member(trial, role).user, trial)
    with clock.at(END):
        assert client.get("/office/").status_code == 200

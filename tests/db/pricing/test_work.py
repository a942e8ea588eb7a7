"""Changes of prices that are too large to wait for: asked for, done by a worker, once whatever happens to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.databases import TestDatabase
from tests.db.pricing.test_decks import WORLD
from tests.db.pricing.test_decks import Desk as DeckDesk
from tests.db.pricing.test_edits import AT, FILE, TEN_PERCENT
from tests.db.pricing.test_imports import FIRST, Desk
from tests.staff import make_member, somebody
from tests.waiting_jobs import work_off
from trunkline.core.errors import Conflict, Denied
from trunkline.identity.actions import change_member
from trunkline.identity.actions.keys import create_key, revoke_key
from trunkline.identity.permissions import BuiltInRole, Permission
from trunkline.identity.principal import key_actor, user_actor
from trunkline.identity.queries import principal_of_actor
from trunkline.kit import clock, jobs
from trunkline.pricing.actions import (
    ask_for,
    ask_if_large,
    discard_edit,
    discard_import,
    do_now,
    edit,
    find_writing,
    is_worked_on,
    keep_edit,
    percent_of,
    problem_of,
    receive_deck,
)
from trunkline.pricing.actions import work as room
from trunkline.pricing.choices import ImportState, ImportWork
from trunkline.pricing.edit_queries import state_of
from trunkline.pricing.models import DeckChange, SheetImport, TariffEdit
from trunkline.pricing.rate_edits import Chosen
from trunkline.tariffs import actions as tariffs
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

JOBS = ("pricing.apply_sheet", "pricing.undo_sheet", "pricing.apply_deck", "pricing.undo_deck", "pricing.apply_edit")


class Team:
    """The pricing team of a tenant, with something of each kind that waits to be applied."""

    def __init__(self, tenant: Tenant, actor: str = "cli:test") -> None:
        self.tenant, self.actor = tenant, actor

    def edit(self) -> TariffEdit:
        desk = Desk(self.tenant)
        with scope(self.tenant, "test"):
            tariffs.load_rates(tariff_id=desk.tariff.pk, data=FILE.encode(), at=AT)
        return keep_edit(
            self.tenant.pk, tariff_id=desk.tariff.pk, chosen=Chosen(at=AT), edit=TEN_PERCENT, actor=self.actor, at=AT
        )

    def sheet(self) -> SheetImport:
        return Desk(self.tenant).load(FIRST)

    def deck(self) -> DeckChange:
        return DeckDesk(self.tenant).compare(WORLD)

    def ask(self, row: Any, work: ImportWork = ImportWork.APPLYING, **said: Any) -> None:
        with scope(self.tenant, self.actor):
            assert ask_if_large(self.again(row), work, actor=self.actor, **SAID[type(row)] | said)

    def again(self, row: Any) -> Any:
        with scope(self.tenant, self.actor):
            return type(row).objects.get(pk=row.pk)

    def state(self, row: Any) -> str:
        found = self.again(row)
        with scope(self.tenant, self.actor):
            return str(state_of(found) if isinstance(found, TariffEdit) else found.state)

    def standing(self) -> int:
        """Rates and codes that are there."""
        from trunkline.tariffs.models import Code, Rate

        with scope(self.tenant, self.actor):
            return Rate.objects.filter(voided_at=None).count() + Code.objects.count()


SAID: dict[type, dict[str, Any]] = {
    TariffEdit: {"reason": "spring"},
    SheetImport: {"reason": "spring", "overrule": []},
    DeckChange: {"reason": "spring", "mode": None, "skip_conflicts": False},
}
kinds = pytest.mark.parametrize("make", [Team.edit, Team.sheet, Team.deck])


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AT_ONCE_LINES", 0)


@pytest.fixture
def team(tenant: Tenant) -> Team:
    return Team(tenant)


def work(*, times: int = 1) -> None:
    with clock.at(AT):
        assert work_off(*JOBS) == times


@kinds
def test_what_is_large_is_done_by_a_worker_once_however_often_its_job_runs(
    team: Team, make: Callable[[Team], Any]
) -> None:
    row = make(team)
    before = team.standing()
    team.ask(row)
    with scope(team.tenant, "test"):
        waiting = type(row).objects.get(pk=row.pk)
        assert (waiting.work, is_worked_on(waiting), percent_of(waiting)) == (ImportWork.APPLYING, True, 0)
        assert problem_of(waiting) is None
    assert (team.state(row), team.standing()) == (ImportState.COMPARED, before)
    work()
    after = team.standing()
    assert (team.state(row), team.again(row).work, after > before) == (ImportState.APPLIED, ImportWork.NONE, True)
    name = {TariffEdit: "apply_edit", SheetImport: "apply_sheet", DeckChange: "apply_deck"}[type(row)]
    argument = {TariffEdit: "edit_id", SheetImport: "import_id", DeckChange: "change_id"}[type(row)]
    run = jobs.queue_app().tasks[f"pricing.{name}"].func
    run(tenant_id=team.tenant.pk, actor=team.actor, **{argument: row.pk}, **SAID[type(row)])
    assert (team.state(row), team.standing(), team.again(row).problem) == (ImportState.APPLIED, after, None)
    with scope(team.tenant, team.actor):
        applied = team.again(row).sheet if isinstance(row, TariffEdit) else team.again(row)
        assert ask_if_large(applied, ImportWork.UNDOING, actor=team.actor, reason="too dear")
    work()
    assert (team.state(row), team.standing()) == (ImportState.UNDONE, before)
    # The first job once more, after somebody has taken it back: nobody asks for it any more.
    run(tenant_id=team.tenant.pk, actor=team.actor, **{argument: row.pk}, **SAID[type(row)])
    assert (team.state(row), team.again(row).problem) == (ImportState.UNDONE, None)


@kinds
def test_what_is_small_is_not_a_workers(
    team: Team, make: Callable[[Team], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "AT_ONCE_LINES", 1_000)
    row = make(team)
    said = SAID[type(row)]
    with scope(team.tenant, team.actor):
        assert not ask_if_large(team.again(row), ImportWork.APPLYING, actor=team.actor, **said)
    do_now(row, ImportWork.APPLYING, tenant_id=team.tenant.pk, actor=team.actor, now=lambda: AT, **said)
    assert team.state(row) == ImportState.APPLIED
    work(times=0)


@kinds
def test_the_second_person_is_told_what_a_worker_is_at(team: Team, make: Callable[[Team], Any]) -> None:
    row = make(team)
    team.ask(row)
    with pytest.raises(Conflict) as refused:
        team.ask(row)
    kind = {TariffEdit: "edit", SheetImport: "sheet", DeckChange: "deck"}[type(row)]
    assert refused.value.code == f"{kind}_is_worked_on"
    assert refused.value.message.endswith("is being applied.")
    work()


def test_nobody_else_changes_a_tariff_that_a_worker_writes_into(team: Team) -> None:
    row = team.edit()
    with scope(team.tenant, "test"):
        other = team.again(keep_edit(team.tenant.pk, tariff_id=row.tariff_id, chosen=Chosen(at=AT), edit=TEN_PERCENT, actor="test", at=AT))  # fmt: skip
    team.ask(row)
    with scope(team.tenant, "test"):
        assert find_writing(row.tariff_id) == row
    with pytest.raises(Conflict) as by_worker:
        team.ask(other)
    with pytest.raises(Conflict) as by_hand:
        edit(
            team.tenant.pk, tariff_id=row.tariff_id, chosen=Chosen(at=AT), edit=TEN_PERCENT, reason="", actor="test", at=AT
        )  # fmt: skip
    assert (by_worker.value.code, by_hand.value.code) == ("tariff_is_worked_on", "tariff_is_worked_on")
    with scope(team.tenant, "test"), pytest.raises(Conflict) as refused:
        discard_edit(edit_id=row.pk, reason="no", at=AT)
    assert refused.value.code == "edit_is_worked_on"
    work()
    with scope(team.tenant, "test"):
        assert find_writing(row.tariff_id) is None
    with pytest.raises(Conflict) as overtaken:
        team.ask(other)
    assert overtaken.value.code == "tariff_changed"


def test_a_sheet_that_is_being_applied_is_not_discarded(team: Team) -> None:
    row = team.sheet()
    team.ask(row)
    with scope(team.tenant, "test"), pytest.raises(Conflict) as refused:
        discard_import(import_id=row.pk, reason="no", at=AT)
    assert refused.value.code == "sheet_is_worked_on"


@kinds
def test_what_whoever_asked_may_no_more_is_not_done(tenant: Tenant, make: Callable[[Team], Any]) -> None:
    member = make_member(tenant, BuiltInRole.ADMIN)
    team = Team(tenant, user_actor(member.user_id))
    row = make(team)
    before = team.standing()
    team.ask(row)
    with scope(tenant, "test"):
        change_member(membership_id=member.pk, role=BuiltInRole.READ_ONLY, by=somebody(tenant), at=AT)
    work()
    found = team.again(row)
    assert (team.state(row), team.standing(), found.work) == (ImportState.COMPARED, before, ImportWork.NONE)
    assert found.problem["code"] == "permission_missing"
    team.actor = "cli:test"  # somebody else asks for it, who may
    team.ask(row)
    assert team.again(row).problem is None
    work()
    assert team.state(row) == ImportState.APPLIED


def test_a_key_that_was_revoked_has_nothing_done(team: Team) -> None:
    with scope(team.tenant, "test"):
        key, _ = create_key(name="pricing", scopes=(Permission.TARIFFS_WRITE,), by=somebody(team.tenant), at=AT)
        assert principal_of_actor(key_actor(key.pk), at=AT).may(Permission.TARIFFS_WRITE)
    team.actor = key_actor(key.pk)
    row = team.edit()
    team.ask(row)
    with scope(team.tenant, "test"):
        revoke_key(key_id=key.pk, by=somebody(team.tenant), at=AT)
        with pytest.raises(Denied):
            principal_of_actor(key_actor(key.pk), at=AT)
    work()
    assert team.again(row).problem["code"] == "invalid_api_key"


@kinds
def test_a_job_finds_nothing_of_another_tenant(team: Team, other_tenant: Tenant, make: Callable[[Team], Any]) -> None:
    row = make(team)
    team.ask(row)
    name = {TariffEdit: "apply_edit", SheetImport: "apply_sheet", DeckChange: "apply_deck"}[type(row)]
    argument = {TariffEdit: "edit_id", SheetImport: "import_id", DeckChange: "change_id"}[type(row)]
    run = jobs.queue_app().tasks[f"pricing.{name}"].func
    run(tenant_id=other_tenant.pk, actor="cli:test", **{argument: row.pk}, **SAID[type(row)])
    assert (team.state(row), team.again(row).work) == (ImportState.COMPARED, ImportWork.APPLYING)


def test_a_step_whose_job_is_gone_came_to_no_end_and_is_asked_for_again(team: Team) -> None:
    row = team.edit()
    team.ask(row)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    with scope(team.tenant, "test"):
        assert problem_of(team.again(row)) == room.CAME_TO_NO_END
    team.ask(row)
    work()
    assert team.state(row) == ImportState.APPLIED


def test_a_large_file_of_codes_is_read_and_compared_by_a_worker(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "READ_AT_ONCE_OCTETS", 10)
    given: dict[str, Any] = {"deck": "World", "file_name": "codes.csv", "actor": "cli:test", "now": lambda: AT}
    good = receive_deck(tenant.pk, data=WORLD.encode(), **given)
    bad = receive_deck(tenant.pk, data=b"nothing of any use\n", **given)
    assert (good.state, good.work, good.counts) == (ImportState.RECEIVED, ImportWork.COMPARING, {})
    with clock.at(AT):
        assert work_off("pricing.compare_deck") == 2
    with scope(tenant, "test"):
        good, bad = DeckChange.objects.get(pk=good.pk), DeckChange.objects.get(pk=bad.pk)
    assert (good.state, good.work, good.counts["new"]) == (ImportState.COMPARED, ImportWork.NONE, 5)
    assert bad.state == ImportState.RECEIVED
    assert bad.problem is not None
    assert bad.problem["code"] in ("empty_deck", "sheet_not_understood", "no_rates")


@pytest.fixture
def committed(committed_db: TestDatabase) -> Team:
    return Team(create_tenant(name="Alpha Carrier", currency="USD", timezone="UTC", actor="test", at=AT))


STEPS = ("change_taken_up", "change_before_commit", "change_after_commit")
_, BEFORE_COMMIT, AFTER_COMMIT = STEPS


@pytest.mark.parametrize(
    ("make", "step"),
    [
        *((Team.edit, step) for step in STEPS),
        (Team.deck, BEFORE_COMMIT),
        (Team.sheet, AFTER_COMMIT),
    ],
)
def test_a_change_is_made_once_wherever_its_worker_is_killed(
    committed: Team, committed_db: TestDatabase, make: Callable[[Team], Any], step: str
) -> None:
    row = make(committed)
    before = committed.standing()
    with scope(committed.tenant, "cli:test"):
        ask_for(committed.again(row), ImportWork.APPLYING, actor="cli:test", **SAID[type(row)])
    command = [sys.executable, "-m", "trunkline", "worker", "--once"]
    killed = subprocess.run(
        command, env=committed_db.environment | {"TRUNKLINE_FAULT": step}, capture_output=True, check=False, timeout=120
    )
    assert killed.returncode == -9
    is_true = step == "change_after_commit"
    assert committed.state(row) == (ImportState.APPLIED if is_true else ImportState.COMPARED)
    assert (committed.standing() > before) is is_true
    with committed_db.connect() as admin:
        admin.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '31 seconds'")
    jobs.work(queues=["default"])
    assert (committed.state(row), committed.again(row).problem) == (ImportState.APPLIED, None)
    added = {TariffEdit: 3, SheetImport: 5, DeckChange: 5}[type(row)]
    assert committed.standing() == before + added
    with scope(committed.tenant, "test"):
        assert TariffEdit.objects.count() == (1 if isinstance(row, TariffEdit) else 0)
        assert SheetImport.objects.count() == (0 if isinstance(row, DeckChange) else 1)

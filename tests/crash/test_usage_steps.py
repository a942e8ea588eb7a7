"""The power fails at every named step of a usage file; done again, it is as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.crash.folder import Folder
from tests.crash.steps import (
    ACCEPT,
    CREW,
    LEGS,
    LOAD,
    RERATE,
    RESEND,
    VICTIMS,
    WATCH,
    accept,
    expire_legs,
    expire_undisturbed,
    join_legs,
    load,
    load_by_a_crew,
    rerate,
    rerate_by_a_crew,
    resend,
    watch,
)

pytestmark = pytest.mark.crash


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", LOAD)
def test_a_file_is_taken_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    load(prepared, step + victim)
    load(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", CREW)
def test_a_large_file_is_taken_once_by_a_crew(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    load_by_a_crew(prepared, step + victim)
    load(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", WATCH)
def test_a_watched_file_is_taken_once_and_moved(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("empty", watch)
    prepared.put_back("empty")
    watch(prepared, step + victim)
    prepared.command("worker", "--once")
    prepared.assert_same_as(expected)
    assert [path.name for path in (prepared.files / "watched").rglob("*") if path.is_file()] == ["watched.csv"]
    assert (prepared.files / "watched" / "done" / "watched.csv").exists()


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", RESEND)
def test_rejects_are_sent_again_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("loaded", resend)
    prepared.put_back("loaded")
    resend(prepared, step + victim)
    resend(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", ACCEPT)
def test_late_legs_are_accepted_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("late", accept)
    prepared.put_back("late")
    accept(prepared, step + victim)
    accept(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", RERATE)
def test_records_are_priced_again_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("dearer", rerate)
    prepared.put_back("dearer")
    rerate(prepared, step + victim)
    rerate(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", LEGS)
def test_legs_that_wait_are_joined_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("empty", join_legs)
    prepared.put_back("empty")
    join_legs(prepared, step + victim)
    join_legs(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", CREW)
def test_records_are_priced_again_once_by_a_crew(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("dearer", rerate)
    prepared.put_back("dearer")
    rerate_by_a_crew(prepared, step + victim)
    rerate(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", LEGS)
def test_legs_that_waited_too_long_go_on_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("empty", expire_undisturbed)
    prepared.put_back("empty")
    expire_legs(prepared, step + victim)
    expire_legs(prepared)
    prepared.assert_same_as(expected)

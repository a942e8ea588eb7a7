"""Writes of tariffs and time profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

from django.db import IntegrityError, transaction

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.period import get_zone
from trunkline.engine.units import Unit
from trunkline.kit.db.locks import lock_rows
from trunkline.tariffs.actions.names import NAME_LENGTH_MAX, name_text
from trunkline.tariffs.actions.origins import require_known_origins
from trunkline.tariffs.actions.revisions import NO_RATES, bump
from trunkline.tariffs.lineage import family_of, lock_parents, require_parent
from trunkline.tariffs.models import CodeDeck, Rate, Tariff, TimeProfile
from trunkline.tariffs.rules import parse_windows, windows_json

PROFILE_NAME_LENGTH_MAX = 60
__all__ = [
    "NAME_LENGTH_MAX",
    "PROFILE_NAME_LENGTH_MAX",
    "UNCHANGED",
    "Unchanged",
    "change_tariff",
    "change_time_profile",
    "create_tariff",
    "create_time_profile",
]


class Unchanged(Enum):
    """Says of a field that may become nothing that it stays as it is."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


def create_tariff(
    *,
    name: str,
    currency: str,
    timezone: str = "UTC",
    unit: str = Unit.SECOND,
    origin_deck: CodeDeck | None = None,
    parent: Tariff | None = None,
    at: datetime,
) -> Tariff:
    """Make a tariff without rates, or with those of a parent only.

    Raises NotFound `not_found`; Invalid `unknown_currency`, `unknown_timezone`, `unknown_unit`, `bad_name`, `parent_differs`, `too_many_parents`;
    Conflict `tariff_exists`.
    """
    if unit not in set(Unit):
        raise Invalid("unknown_unit", f"{unit!r} is no unit.", hint=f"Use {', '.join(Unit)}.")
    get_zone(timezone)
    tariff = Tariff(
        name=name_text(name),
        currency=get_currency(currency).code,
        timezone=timezone,
        unit=str(unit),
        origin_deck=origin_deck,
        created_at=at,
    )
    try:
        with transaction.atomic():
            if origin_deck is not None:
                _locked(origin_deck)
            if parent is not None:
                tariff.parent = _parent(tariff, parent.pk)
            tariff.save(force_insert=True)
            if parent is not None:
                require_known_origins(tariff)
    except IntegrityError as error:
        raise Conflict("tariff_exists", f"There is a tariff {tariff.name!r} already.") from error
    return tariff


def change_tariff(
    *,
    tariff_id: int,
    name: str | None = None,
    timezone: str | None = None,
    origin_deck: CodeDeck | Unchanged | None = UNCHANGED,
    parent: Tariff | Unchanged | None = UNCHANGED,
    at: datetime,
) -> Tariff:
    """Rename a tariff, set its clock or its origin deck, or let it take over the rates of a parent; None: of nobody any more.

    Currency and unit never change: usage is kept in them. Raises NotFound, Invalid `unknown_timezone`, `bad_name`, `parent_differs`, `parent_cycle`,
    `too_many_parents`; Conflict `tariff_exists`, `origin_in_use`, `parent_of_bought`, `timezone_of_family` (its parent or a child has another clock
    than the new one).
    """
    try:
        with transaction.atomic():
            if isinstance(origin_deck, CodeDeck):
                origin_deck = _locked(origin_deck)
            (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
            if name is not None:
                tariff.name = name_text(name)
            if timezone is not None or not isinstance(parent, Unchanged):
                lock_parents()
                if timezone is not None:
                    get_zone(timezone)
                    tariff.timezone = timezone
                if not isinstance(parent, Unchanged):
                    tariff.parent = None if parent is None else _parent(tariff, parent.pk)
                _require_one_clock(tariff)
            if not isinstance(origin_deck, Unchanged):
                tariff.origin_deck = origin_deck
            tariff.save(update_fields=["name", "timezone", "origin_deck", "parent"])
            if not isinstance(origin_deck, Unchanged) or not isinstance(parent, Unchanged):
                require_known_origins(tariff)
            bump(tariff, NO_RATES)
    except IntegrityError as error:
        raise Conflict("tariff_exists", f"There is a tariff {name!r} already.") from error
    return tariff


def _locked(deck: CodeDeck) -> CodeDeck:
    """The deck, whose codes nobody changes until the transaction ends; before the tariff, as `load_code_deck` locks them."""
    (found,) = lock_rows(CodeDeck.objects.all(), [deck.pk])
    return found


def _parent(tariff: Tariff, parent_id: int) -> Tariff:
    """The parent, whose clock and ancestors stay as they are until the end of the transaction."""
    lock_parents()
    parent = Tariff.objects.filter(pk=parent_id).first()
    if parent is None:
        raise NotFound("tariff_not_found", "There is no such tariff.")
    require_parent(tariff, parent)
    return parent


def _require_one_clock(tariff: Tariff) -> None:
    other = Tariff.objects.filter(family_of(tariff)).exclude(timezone=tariff.timezone).order_by("name").first()
    if other is not None:
        raise Conflict(
            "timezone_of_family",
            f"{tariff.name} and {other.name} share rates, so they share a clock, {other.timezone}.",
            hint="Take the parent away first, and give it again when both have the same time zone.",
        )


def create_time_profile(*, name: str, windows: Iterable[Mapping[str, Any]], at: datetime) -> TimeProfile:
    """Make a time profile. Raises Invalid `bad_time_window`, `bad_name`; Conflict `time_profile_exists`."""
    profile = TimeProfile(
        name=name_text(name, PROFILE_NAME_LENGTH_MAX), windows=windows_json(parse_windows(list(windows)))
    )
    try:
        with transaction.atomic():
            profile.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("time_profile_exists", f"There is a time profile {profile.name!r} already.") from error
    return profile


def change_time_profile(*, profile_id: int, windows: Iterable[Mapping[str, Any]], at: datetime) -> TimeProfile:
    """Set the windows of a time profile, for every tariff that uses it; each of them gets a new revision.

    Raises NotFound, Invalid `bad_time_window`.
    """
    found = windows_json(parse_windows(list(windows)))
    with transaction.atomic():
        (profile,) = lock_rows(TimeProfile.objects.all(), [profile_id])
        profile.windows = found
        profile.save(update_fields=["windows"])
        using = Rate.objects.filter(time_profile=profile).values_list("tariff_id", flat=True).distinct()
        for tariff in lock_rows(Tariff.objects.all(), using):
            bump(tariff, NO_RATES)
    return profile

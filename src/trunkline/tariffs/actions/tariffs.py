"""Writes of tariffs and time profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import get_zone
from trunkline.engine.units import Unit
from trunkline.kit.db.locks import lock_rows
from trunkline.tariffs.actions.names import NAME_LENGTH_MAX, name_text
from trunkline.tariffs.actions.revisions import bump
from trunkline.tariffs.models import Rate, Tariff, TimeProfile
from trunkline.tariffs.rules import parse_windows, windows_json

PROFILE_NAME_LENGTH_MAX = 60
__all__ = [
    "NAME_LENGTH_MAX",
    "PROFILE_NAME_LENGTH_MAX",
    "change_tariff",
    "change_time_profile",
    "create_tariff",
    "create_time_profile",
]


def create_tariff(*, name: str, currency: str, timezone: str = "UTC", unit: str = Unit.SECOND, at: datetime) -> Tariff:
    """Make a tariff without rates. Raises Invalid `unknown_currency`, `unknown_timezone`, `unknown_unit`, `bad_name`;
    Conflict `tariff_exists`."""
    if unit not in set(Unit):
        raise Invalid("unknown_unit", f"{unit!r} is no unit.", hint=f"Use {', '.join(Unit)}.")
    get_zone(timezone)
    tariff = Tariff(
        name=name_text(name), currency=get_currency(currency).code, timezone=timezone, unit=str(unit), created_at=at
    )
    try:
        with transaction.atomic():
            tariff.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("tariff_exists", f"There is a tariff {tariff.name!r} already.") from error
    return tariff


def change_tariff(*, tariff_id: int, name: str | None = None, timezone: str | None = None, at: datetime) -> Tariff:
    """Rename a tariff or set its clock. Currency and unit never change: usage is kept in them.

    Raises NotFound, Invalid `unknown_timezone`, `bad_name`; Conflict `tariff_exists`.
    """
    try:
        with transaction.atomic():
            (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
            if name is not None:
                tariff.name = name_text(name)
            if timezone is not None:
                get_zone(timezone)
                tariff.timezone = timezone
            tariff.save(update_fields=["name", "timezone"])
            bump(tariff)
    except IntegrityError as error:
        raise Conflict("tariff_exists", f"There is a tariff {name!r} already.") from error
    return tariff


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
            bump(tariff)
    return profile

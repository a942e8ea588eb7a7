"""Rate files that are looked at before they are loaded: what they would change is found by loading them and taking it back.

A small file is worked on while one waits, a large one by a worker. The file and what was found are a draft: nothing of it is a price before it
is loaded, all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from trunkline.core.errors import Conflict, NotFound, TrunklineError
from trunkline.engine.units import Unit
from trunkline.kit import jobs
from trunkline.kit.db.scope import current_tenant_id, give_reason
from trunkline.kit.drafts import Drafts
from trunkline.tariffs.models import Tariff, TimeProfile
from trunkline.tariffs.origins import origins_of
from trunkline.tariffs.rate_file import read_rate_file
from trunkline.tariffs.rules import describe_steps, parse_steps
from trunkline.tenancy.storage import room_for
from trunkline.usage import price_changes
from trunkline.usage.choices import LOAD_RATES, LOOK_AT_RATES

LOADS: Final = Drafts(
    "rate-loads",
    timedelta(days=7),
    "rate_load_not_found",
    "There is no such rate file.",
    "It is kept for a week: send it once more.",
)
# About 20,000 lines, which take a second.
AT_ONCE_OCTETS: Final = 1 << 20
ROWS_SHOWN: Final = 10
PROBLEMS_SHOWN: Final = 200

# States of a load, in their order; `refused` and `failed` end it.
WAITING, FOUND, REFUSED, LOADING, LOADED, FAILED = "waiting", "found", "refused", "loading", "loaded", "failed"


def begin(*, tariff: Tariff, name: str, data: bytes, supersede_earlier: bool, actor: str, at: datetime) -> UUID:
    """Keep a rate file, and look what it would change: at once, or by a worker if it is large. The id of the load. Needs an open scope.

    Raises Denied `quota_reached`.
    """
    room_for(len(data))
    said = {
        "tariff": tariff.pk,
        "name": name[-120:],
        "octets": len(data),
        "supersede": supersede_earlier,
        "state": WAITING,
    }
    load_id = LOADS.begin(current_tenant_id(), said, at=at, data=[data])
    if _is_large(said):
        jobs.defer(LOOK_AT_RATES, tenant_id=current_tenant_id(), load_id=str(load_id), actor=actor)
    else:
        look_at(load_id, at=at)
    return load_id


def get_load(load_id: UUID) -> dict[str, Any]:
    """A load: `state`, `tariff`, `name`, and once it was looked at `lines`, `rates`, `closed`, `voided`, `proposes`, `rows`, or what is wrong:
    `problem` (code, message, hint) and `problems` (line, code, text). Needs an open scope. Raises NotFound `rate_load_not_found`."""
    return LOADS.read(current_tenant_id(), load_id)


def tariff_of(said: dict[str, Any]) -> Tariff:
    """The tariff of a load. Raises NotFound `tariff_not_found`."""
    found = Tariff.objects.filter(pk=said["tariff"]).first()
    if found is None:
        raise NotFound("tariff_not_found", "The tariff is not there.")
    return found


def look_at(load_id: UUID, *, at: datetime) -> None:
    """Find what a load would change, and what is wrong with its lines; nothing is changed. Needs an open scope."""
    said = get_load(load_id)
    if said["state"] != WAITING:
        return
    tariff = tariff_of(said)
    data = LOADS.data_path(current_tenant_id(), load_id).read_bytes()
    try:
        with _taken_back():
            done = price_changes.load_rates(tariff=tariff, data=data, supersede_earlier=said["supersede"], at=at)
    except TrunklineError as error:
        _write(load_id, said | {"state": REFUSED} | _problem(error))
        return
    made = done.made
    found = {
        "state": FOUND,
        "revision": tariff.revision,
        "lines": made.lines,
        "rates": made.rates,
        "closed": made.closed,
        "voided": made.voided,
        "proposes": bool(done.proposals),
        "rows": _first_rows(tariff, data),
    }
    _write(load_id, said | found)


def apply(load_id: UUID, *, actor: str, at: datetime) -> bool:
    """Load what was looked at; whether it is done. A large one a worker loads. Needs an open scope.

    Raises Conflict `rates_not_looked_at`, `tariff_changed_meanwhile`, and what loading does.
    """
    said = get_load(load_id)
    _require_ready(said, tariff_of(said))
    if _is_large(said):
        _write(load_id, said | {"state": LOADING})
        jobs.defer(LOAD_RATES, tenant_id=current_tenant_id(), load_id=str(load_id), actor=actor)
        return False
    _load(load_id, said, at)
    return True


def load(load_id: UUID, *, at: datetime) -> None:
    """Load what a worker was given; what is in the way is said in the load. Needs an open scope."""
    said = get_load(load_id)
    if said["state"] != LOADING:
        return
    try:
        with transaction.atomic():
            _require_unchanged(said, tariff_of(said))
            _load(load_id, said, at)
    except TrunklineError as error:
        _write(load_id, said | {"state": FAILED} | _problem(error))


def _load(load_id: UUID, said: dict[str, Any], at: datetime) -> None:
    data = LOADS.data_path(current_tenant_id(), load_id).read_bytes()
    give_reason(f"load of {said['name']}")
    done = price_changes.load_rates(tariff=tariff_of(said), data=data, supersede_earlier=said["supersede"], at=at)
    tenant_id, made = current_tenant_id(), done.made
    after = {
        "state": LOADED,
        "lines": made.lines,
        "rates": made.rates,
        "closed": made.closed,
        "voided": made.voided,
        "proposes": bool(done.proposals),
    }
    transaction.on_commit(lambda: LOADS.write(tenant_id, load_id, said | after))  # it is loaded when that is true


def _require_ready(said: dict[str, Any], tariff: Tariff) -> None:
    if said["state"] != FOUND:
        raise Conflict(
            "rates_not_looked_at",
            "The file is not at the point where it can be loaded.",
            hint="Look at its page again.",
        )
    _require_unchanged(said, tariff)


def _require_unchanged(said: dict[str, Any], tariff: Tariff) -> None:
    if said["revision"] != tariff.revision:
        raise Conflict(
            "tariff_changed_meanwhile",
            f"The tariff {tariff.name} was changed after the file was looked at.",
            hint="Send the file once more, to see what it changes now.",
        )


def _is_large(said: dict[str, Any]) -> bool:
    return bool(said["octets"] > AT_ONCE_OCTETS)


class _TakenBack(Exception):  # noqa: N818  no error
    pass


@contextmanager
def _taken_back() -> Iterator[None]:
    """What is written inside is as if it had not been."""
    try:
        with transaction.atomic():
            yield
            raise _TakenBack
    except _TakenBack:
        return


def _problem(error: TrunklineError) -> dict[str, Any]:
    given = error.context.get("problems")
    problems: list[Any] = list(given) if isinstance(given, list) else []
    return {
        "problem": {"code": error.code, "message": error.message.split("\n", 1)[0], "hint": error.hint},
        "problem_count": len(problems),
        "problems": [[each.line, each.code, each.text] for each in problems[:PROBLEMS_SHOWN]],
    }


def _first_rows(tariff: Tariff, data: bytes) -> list[list[Any]]:
    """The first rates as they were understood: line, code, destination, price, from, to."""
    profiles = set(TimeProfile.objects.values_list("name", flat=True))
    head = b"\n".join(data.split(b"\n", ROWS_SHOWN + 1)[: ROWS_SHOWN + 1]) + b"\n"
    found = read_rate_file(
        head, unit=Unit(tariff.unit), timezone=tariff.timezone, profiles=profiles, origins=origins_of(tariff)
    )
    rows = found.rates.slice(0, ROWS_SHOWN).to_pylist()
    return [
        [
            row["line"],
            row["code"],
            row["destination"] or "",
            describe_steps(parse_steps(row["steps"])),
            *(row[name].isoformat() if row[name] else None for name in ("valid_from", "valid_to")),
        ]
        for row in rows
    ]


def _write(load_id: UUID, said: dict[str, Any]) -> None:
    LOADS.write(current_tenant_id(), load_id, said)

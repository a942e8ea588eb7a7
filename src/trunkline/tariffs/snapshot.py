"""The compiled prices of a tenant: what a batch pins and what every price is looked up in.

Rates are read from PostgreSQL once per tariff and revision, and kept in two Arrow files below the data folder: the
rates themselves and their compiled form, both mapped into memory when they are used. A change of a tariff is a new
revision and so new files, and new compiled ones of its descendants; the old ones are swept. The files are a cache: what is missing or damaged is made again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import get_ident
from typing import Final
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_SCALE, PRICE_SCALE
from trunkline.engine.parents import lineage
from trunkline.engine.prefix import KEY_DIGITS
from trunkline.engine.schema import RATE_SCHEMA, STEP_TYPE, WEIGHT_DECIMALS, Tariff, TimeWindow
from trunkline.engine.tariff import CompiledTariff, compile_tariff, from_arrow, to_arrow
from trunkline.engine.units import Unit
from trunkline.kit.home import folder
from trunkline.tariffs import models
from trunkline.tariffs.catching_up import brought_up, changes_since
from trunkline.tariffs.lineage import ancestors_among, ancestors_of
from trunkline.tariffs.origins import asked_deck, origin_codes
from trunkline.tariffs.prices import KeptSnapshot, KeptTariff, Prices, make_plans, mapped, tariffs_are_changing
from trunkline.tariffs.rules import Step, parse_step, parse_windows
from trunkline.tariffs.staging import copy_table

TRIES: Final = 10

# In the order of RATE_SCHEMA; instants as seconds, money as whole smallest parts, so that parsing is integers only.
RATE_COLUMNS: Final = f"""
r.id, r.code, r.destination_id, extract(epoch FROM r.valid_from)::bigint, extract(epoch FROM r.valid_to)::bigint,
       p.name, (r.weight * {10**WEIGHT_DECIMALS})::bigint, (r.setup_fee * {PRICE_SCALE})::bigint, r.grace,
       r.rounding_mode, r.rounding_decimals, (r.max_cost * {AMOUNT_SCALE})::bigint, r.length_min, r.length_max, r.tag,
       r.blocked::text, r.additive::text, r.steps, r.origin
""".strip()
READ_RATES: Final = f"""
SELECT {RATE_COLUMNS}
  FROM tariffs_rate r LEFT JOIN tariffs_timeprofile p ON p.tenant_id = r.tenant_id AND p.id = r.time_profile_id
 WHERE r.tariff_id = {{tariff_id}} AND {{which}} ORDER BY r.id
"""
# As they are read: steps are text.
_READ_SCHEMA: Final = RATE_SCHEMA.set(
    RATE_SCHEMA.get_field_index("steps"), pa.field("steps", pa.string(), nullable=False)
)
NOT_VOIDED: Final = "r.voided_at IS NULL"


_LEADING_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
# Account, side, service, tariff, from, to.
_Assignment = tuple[int, str, str, int, datetime | None, datetime | None]


class _ChangedMeanwhileError(Exception):
    """A tariff got a new revision while its rates were being read."""


def load(tenant_id: int) -> Prices:
    """The prices of the tenant of the open scope as they are now.

    Raises Unavailable `tariffs_are_changing` if tariffs change faster than they can be read, and what compiling a
    tariff raises.
    """
    place = folder("snapshots", f"tenant={tenant_id}")
    for _ in range(TRIES):
        try:
            return _load(place)
        except _ChangedMeanwhileError:
            continue
    raise tariffs_are_changing()


def _load(place: Path) -> Prices:
    rows, profiles, assignments = _all_tariffs(), _all_profiles(), _all_assignments()
    by_id = {row.pk: row for row in rows}
    kept = [_kept_tariff(row, by_id, profiles, place) for row in rows]
    opened = [_compiled(each, by_id) for each in kept]
    _sweep(place, kept)
    return Prices(
        kept=KeptSnapshot(tuple(kept), opened),
        version=_version(rows, profiles, assignments),
        plans=make_plans(assignments),
        tariff_currencies={row.pk: row.currency for row in rows},
    )


def current_version() -> str:
    """The version that prices pinned now would have; nothing is compiled. Needs an open scope."""
    return _version(_all_tariffs(), _all_profiles(), _all_assignments())


def _all_tariffs() -> list[models.Tariff]:
    return list(models.Tariff.objects.order_by("id"))


def _all_profiles() -> dict[str, tuple[TimeWindow, ...]]:
    return {profile.name: parse_windows(profile.windows) for profile in models.TimeProfile.objects.order_by("name")}


def _all_assignments() -> list[_Assignment]:
    return list(
        models.AccountTariff.objects.order_by("account_id", "side", "service", "position", "id").values_list(
            "account_id", "side", "service", "tariff_id", "valid_from", "valid_to"
        )
    )


def _version(
    rows: Sequence[models.Tariff],
    profiles: Mapping[str, tuple[TimeWindow, ...]],
    assignments: Sequence[_Assignment],
) -> str:
    said = repr(
        (sorted(map(_stem, rows)), sorted((name, *map(repr, each)) for name, each in profiles.items()), assignments)
    )
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _stem(row: models.Tariff) -> str:
    # The stamp besides the revision: a restored backup counts the same numbers again.
    return f"tariff-{row.pk}-{row.revision}-{row.stamp.hex}"


def _kept_tariff(
    row: models.Tariff,
    by_id: Mapping[int, models.Tariff],
    profiles: Mapping[str, tuple[TimeWindow, ...]],
    place: Path,
) -> KeptTariff:
    """Where the files of a tariff lie. The compiled form changes with every ancestor, so their stems are in its name."""
    above = ancestors_among(row, by_id)
    stem = compiled = _stem(row)
    if above:
        compiled += f"-{hashlib.sha256(','.join(map(_stem, above)).encode()).hexdigest()[:32]}"
    return KeptTariff(
        id=row.pk,
        name=row.name,
        currency=row.currency,
        timezone=row.timezone,
        unit=Unit(row.unit),
        time_profiles=profiles,
        rates=place / f"{stem}.rates.arrow",
        compiled=place / f"{compiled}.compiled.arrow",
        parent=_kept_tariff(above[0], by_id, profiles, place) if above else None,
    )


def _compiled(kept: KeptTariff, by_id: Mapping[int, models.Tariff]) -> CompiledTariff:
    for _ in range(2):
        try:
            return _opened(kept, by_id)
        except Invalid as error:
            if error.code != "stale_compiled_tariff":
                raise
            kept.compiled.unlink(missing_ok=True)  # made by another version of the engine
    return _opened(kept, by_id)


def _opened(kept: KeptTariff, by_id: Mapping[int, models.Tariff]) -> CompiledTariff:
    """The tariff from its files, which are made first where they are missing or damaged."""
    try:
        return kept.open()
    except (FileNotFoundError, pa.ArrowInvalid):
        tariff = _with_its_rates(kept, by_id)
    if any(each.rates["origin"].null_count < len(each.rates) for each in lineage(tariff)):
        tariff = replace(tariff, origins=_origins_of(by_id[kept.id], by_id))
    return from_arrow(tariff, _kept(kept.compiled, lambda: to_arrow(compile_tariff(tariff))))


def _with_its_rates(kept: KeptTariff, by_id: Mapping[int, models.Tariff]) -> Tariff:
    parent = None if kept.parent is None else _with_its_rates(kept.parent, by_id)
    rates = _kept_rates(kept, by_id)
    if rates.schema.names != RATE_SCHEMA.names:  # made by another version of the engine
        kept.rates.unlink(missing_ok=True)
        rates = _kept_rates(kept, by_id)
    return kept.with_rates(rates, parent)


def _kept_rates(kept: KeptTariff, by_id: Mapping[int, models.Tariff]) -> pa.Table:
    return _kept(kept.rates, lambda: _rates_of(by_id[kept.id], kept.rates.parent))


def _origins_of(row: models.Tariff, by_id: Mapping[int, models.Tariff]) -> dict[str, str]:
    """The codes of the origin deck that a tariff asks; they go into its compiled form."""
    family = (row, *ancestors_among(row, by_id))
    deck = asked_deck(family)
    if deck is None:
        return {}
    origins = origin_codes([deck])[deck]
    _require_unchanged(next(each for each in family if each.origin_deck_id == deck))
    return origins


def _rates_of(row: models.Tariff, place: Path) -> pa.Table:
    rates = _caught_up(row, place)
    if rates is None:
        rates = read_rates(row.pk)
    _require_unchanged(row)
    return rates


def _require_unchanged(row: models.Tariff) -> None:
    # Rates, origins and revision change together, so an unchanged revision after the reading means that these were the tariff's.
    if not models.Tariff.objects.filter(pk=row.pk, revision=row.revision, stamp=row.stamp).exists():
        raise _ChangedMeanwhileError


def _caught_up(row: models.Tariff, place: Path) -> pa.Table | None:
    """The rates of a tariff from a file of an earlier revision and what was changed since; None where there is no such file, or no way from it."""
    files: dict[UUID, Path] = {}
    for path in place.glob(f"tariff-{row.pk}-*.rates.arrow"):
        with suppress(ValueError):
            files[UUID(path.name.partition(".")[0].rpartition("-")[2])] = path
    # With its own stamp and another number it was changed past `bump`: what was changed nobody has written down.
    found = changes_since(row, files.keys() - {row.stamp})
    if found is None:
        return None
    stamp, changes = found
    try:
        rates = mapped(files[stamp])
    except (FileNotFoundError, pa.ArrowInvalid):
        return None
    if rates.schema != RATE_SCHEMA:  # kept by another version of the engine
        return None
    return brought_up(rates, changes, lambda which: read_rates(row.pk, f"{NOT_VOIDED} AND {which}"))


def excerpt(row: models.Tariff, number: str, *, known_at: datetime, caller: str = "") -> Tariff:
    """Of a tariff the rates whose codes the number begins with, enough to rate events of that number and caller.

    Its ancestors come with it. Rates that were voided after `known_at` are among them. The rest is as it is now: later rates, and ends that later
    ones gave to earlier. Needs an open scope.
    """
    codes = ", ".join(f"'{code}'" for code in codes_of(number))
    which = f"r.code IN ({codes}) AND ({NOT_VOIDED} OR r.voided_at > '{known_at.isoformat()}')"
    family = (row, *ancestors_of([row])[row.pk])
    rates = [read_few_rates(each.pk, which) for each in family]
    profiles = _all_profiles() if any(each["time_profile"].null_count < len(each) for each in rates) else {}
    origins: dict[str, str] = {}
    deck = asked_deck(family)
    if deck is not None and any(each["origin"].null_count < len(each) for each in rates):
        origins = origin_codes([deck], codes_of(caller))[deck]
    return joined(family, rates, profiles, origins)


def joined(
    family: Sequence[models.Tariff],
    rates: Sequence[pa.Table],
    profiles: Mapping[str, tuple[TimeWindow, ...]],
    origins: Mapping[str, str],
) -> Tariff:
    """A tariff and its ancestors, the nearer first, with the rates of each and the origins of callers, as the engine takes them."""
    row, *above = family
    parent = joined(above, rates[1:], profiles, {}) if above else None
    return Tariff(row.pk, row.name, row.currency, row.timezone, Unit(row.unit), rates[0], profiles, origins, parent)


def codes_of(number: str) -> list[str]:
    """All codes, whether or not there are such, that a number begins with; the shortest is empty."""
    digits = _LEADING_DIGITS.match(number[:KEY_DIGITS])
    longest = digits[0] if digits else ""
    return [longest[:length] for length in range(len(longest) + 1)]


def read_rates(tariff_id: int, which: str = NOT_VOIDED) -> pa.Table:
    """The rates of a tariff that fulfil a condition in SQL, of RATE_SCHEMA, in the order of their ids."""
    table = copy_table(READ_RATES.format(tariff_id=int(tariff_id), which=which), _READ_SCHEMA)
    place = RATE_SCHEMA.get_field_index("steps")
    steps = pa.chunked_array([steps_column(chunk) for chunk in table["steps"].chunks], RATE_SCHEMA.field(place).type)
    return table.set_column(place, RATE_SCHEMA.field(place), steps).cast(RATE_SCHEMA)


def read_few_rates(tariff_id: int, which: str) -> pa.Table:
    """What `read_rates` gives, for a handful of rates: then the ways of many rows are most of the time."""
    with connection.cursor() as cursor:
        cursor.execute(READ_RATES.format(tariff_id=int(tariff_id), which=which))
        rows = cursor.fetchall()
    if not rows:
        return RATE_SCHEMA.empty_table()
    *columns, blocked, additive, steps, origins = zip(*rows, strict=True)
    told = [[text == "true" for text in column] for column in (blocked, additive)]
    lists = [[_step_row(parse_step(step)) for step in text.split(";")] for text in steps]
    every = zip(RATE_SCHEMA, (*columns, *told, lists, origins), strict=True)
    return pa.Table.from_arrays([pa.array(column, field.type) for field, column in every], schema=RATE_SCHEMA)


def _step_row(step: Step) -> dict[str, int]:
    return {"start": step.start, "price": step.price.units, "per": step.per, "increment": step.increment}


def steps_column(texts: pa.Array) -> pa.Array:
    """Steps as text (`0:0.20/60/60;60:0.10/60/1`) as lists of STEP_TYPE; each distinct step is read once."""
    lists = pc.split_pattern(texts, ";")
    encoded = lists.flatten().dictionary_encode()
    steps = [parse_step(text) for text in encoded.dictionary.to_pylist()]
    read: dict[str, Callable[[Step], int]] = {
        "start": lambda step: step.start,
        "price": lambda step: step.price.units,
        "per": lambda step: step.per,
        "increment": lambda step: step.increment,
    }
    fields = [
        pa.array([read[field.name](step) for step in steps], pa.int64()).take(encoded.indices) for field in STEP_TYPE
    ]
    return pa.ListArray.from_arrays(lists.offsets, pa.StructArray.from_arrays(fields, fields=list(STEP_TYPE)))


def _kept(path: Path, make: Callable[[], pa.Table]) -> pa.Table:
    """The table of a file, mapped into memory; made first where the file is missing or damaged."""
    try:
        return mapped(path)
    except (FileNotFoundError, pa.ArrowInvalid):
        _write(path, make())
    try:
        return mapped(path)
    except FileNotFoundError as error:  # swept by somebody who saw a later revision
        raise _ChangedMeanwhileError from error


def _write(path: Path, table: pa.Table) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    partial = path.with_name(f".{path.name}.{get_ident()}.{os.getpid()}")
    table = table.combine_chunks()
    with partial.open("wb") as file:
        with pa.ipc.new_file(pa.PythonFile(file), table.schema) as writer:
            writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def _sweep(place: Path, kept: Sequence[KeptTariff]) -> None:
    """Remove the files of other revisions, and what killed processes left. Whoever has them mapped keeps them."""
    current = {path.name for each in kept for path in (each.rates, each.compiled)}
    for path in place.glob("tariff-*.arrow"):
        if path.name not in current:
            path.unlink(missing_ok=True)
    for path in place.glob(".tariff-*.arrow.*"):
        if not _is_alive(path.suffix.removeprefix(".")):
            path.unlink(missing_ok=True)


def _is_alive(pid: str) -> bool:
    return pid.isdigit() and Path(f"/proc/{pid}").exists()

"""Writes of rates: whole files at a time, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.engine.units import Unit
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tariffs.actions.destinations import destination_ids
from trunkline.tariffs.actions.origins import require_origins
from trunkline.tariffs.actions.revisions import TOUCHED_MAX, Touched, bump
from trunkline.tariffs.actions.special_rates import follow_tariff
from trunkline.tariffs.models import Rate, Tariff, TimeProfile
from trunkline.tariffs.origins import origins_of
from trunkline.tariffs.rate_file import LOAD_SCHEMA, Problem, rate_bounds, rate_keys, read_rate_file
from trunkline.tariffs.rules import find_overlaps, supersede
from trunkline.tariffs.staging import copy_table, stage

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SHOWN_PROBLEMS = 20
_EVER = np.iinfo(np.int64)
SUPERSEDE_HINT = "With --supersede an earlier rate ends where the new one begins. Otherwise correct these lines and load the file again."

# What tells rates apart (`rate_keys`) and when they hold, as LOAD_SCHEMA has them. Those of special rates are nobody's to end or to meet.
READ_KEYS = """
SELECT r.id, r.code, p.name, trim_scale(r.weight), r.tag, r.length_min, r.length_max, r.additive::text, r.origin,
       extract(epoch FROM r.valid_from)::bigint, extract(epoch FROM r.valid_to)::bigint
  FROM tariffs_rate r LEFT JOIN tariffs_timeprofile p ON p.tenant_id = r.tenant_id AND p.id = r.time_profile_id
 WHERE r.tenant_id = {tenant_id} AND r.tariff_id = {tariff_id} AND r.voided_at IS NULL AND r.special_id IS NULL ORDER BY r.id
"""
KEY_SCHEMA = pa.schema(
    [pa.field("id", pa.int64())]
    + [
        LOAD_SCHEMA.field(name).with_nullable(True)
        for name in ("code", "time_profile", "weight", "tag", "length_min", "length_max", "additive", "origin")
    ]
    + [LOAD_SCHEMA.field("valid_from"), LOAD_SCHEMA.field("valid_to")]
)

# Rates that are to end, and when; one that begins then or later holds never.
ENDS = pa.schema(
    [pa.field("id", pa.int64(), nullable=False), pa.field("at", pa.timestamp("s", tz="UTC"), nullable=False)]
)
# Rates that were ended or voided, with the end they had before.
ENDED = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("valid_to", pa.timestamp("s", tz="UTC"))])

# The columns of the table, in the order in which they are staged.
STAGED = {
    "code": "text", "destination_id": "bigint", "steps": "text", "setup_fee": "numeric", "grace": "bigint",
    "valid_from": "timestamptz", "valid_to": "timestamptz", "time_profile_id": "bigint", "weight": "numeric",
    "rounding_mode": "smallint", "rounding_decimals": "smallint", "max_cost": "numeric", "blocked": "boolean",
    "tag": "text", "length_min": "smallint", "length_max": "smallint", "additive": "boolean", "origin": "text",
}  # fmt: skip
INSERT = f"""
WITH made AS (INSERT INTO tariffs_rate (tenant_id, tariff_id, {", ".join(STAGED)})
              SELECT %s, %s, {", ".join(STAGED)} FROM staged_rate ORDER BY n RETURNING id)
SELECT min(id), max(id) FROM made
"""
SUPERSEDE = """
UPDATE tariffs_rate r SET valid_to = CASE WHEN s.is_void THEN r.valid_to ELSE s.valid_to END,
                          voided_at = CASE WHEN s.is_void THEN %s ELSE NULL END
  FROM superseded_rate s WHERE r.tenant_id = %s AND r.tariff_id = %s AND r.id = s.id
"""


@dataclass(frozen=True, slots=True)
class RateLoad:
    """What a load did: lines read, rates made, earlier rates that were given an end or voided, the new revision.

    `begins` is when the first of the rates begins; None: one of them has no beginning.
    """

    lines: int
    rates: int
    closed: int
    voided: int
    revision: int
    begins: datetime | None


def load_rates(*, tariff_id: int, data: bytes, supersede_earlier: bool = False, at: datetime) -> RateLoad:
    """Load a rate file (docs/formats/rates_csv.md) into a tariff, all of it or nothing.

    With `supersede_earlier` an equal rate that is in force when a new one begins ends there, and one that begins with it
    or later is voided; without it such rates are refused. The tariff gets a new revision.
    Raises NotFound `not_found`; Invalid `bad_rate_file`, whose `context["problems"]` names every bad line and whose
    message the first of them, and what `read_rate_file` raises.
    """
    tariff = Tariff.objects.filter(pk=tariff_id).first()
    if tariff is None:
        raise NotFound("not_found", "tariff not found.")
    profiles = set(TimeProfile.objects.values_list("name", flat=True))
    found = read_rate_file(
        data, unit=Unit(tariff.unit), timezone=tariff.timezone, profiles=profiles, origins=origins_of(tariff)
    )
    if found.problems:
        raise _refused(found.problems)
    return load_rate_table(
        tariff_id=tariff_id, rates=found.rates, supersede_earlier=supersede_earlier, lines=found.line_count, at=at
    )


def load_rate_table(
    *, tariff_id: int, rates: pa.Table, supersede_earlier: bool = False, lines: int | None = None, at: datetime
) -> RateLoad:
    """Load rates of `rate_file.LOAD_SCHEMA` into a tariff, in their order, as `load_rates` does with those of a file.

    The values are taken as `read_rate_file` makes them. Raises NotFound `not_found`, Invalid `bad_rate_file`,
    `empty_rate_file`, `unknown_profile`, `unknown_origin`.
    """
    if not rates.num_rows:
        raise Invalid("empty_rate_file", "There are no rates to load.")
    with transaction.atomic():
        (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
        room = make_room(tariff, rates, ends=ENDS.empty_table(), supersede_earlier=supersede_earlier, at=at)
        first, last = insert_rates(tariff, rates)
        has_followed = follow_tariff(tariff, at=at)
        revision = bump(tariff, None if has_followed else room.touched(first, last, rates.num_rows))
    begins = None if rates["valid_from"].null_count else pc.min(rates["valid_from"]).as_py()
    closed = len(room.ended) - room.voided
    return RateLoad(rates.num_rows if lines is None else lines, rates.num_rows, closed, room.voided, revision, begins)


def void_rates(*, tariff_id: int, rate_ids: Sequence[int], at: datetime) -> int:
    """Take rates out of a tariff; they stay readable. Returns how many were not voided before.

    Raises NotFound `not_found` if one of them is not the tariff's; Conflict `rate_is_special` if a special rate has written one.
    """
    with transaction.atomic():
        (tariff,) = lock_rows(Tariff.objects.all(), [tariff_id])
        wanted = set(rate_ids)
        mine = Rate.objects.filter(tariff=tariff, pk__in=wanted)
        if mine.count() != len(wanted):
            raise NotFound("not_found", "rate not found.")
        if mine.filter(special__isnull=False).exists():
            raise Conflict(
                "rate_is_special",
                "A special rate has written this rate; it is not changed by itself.",
                hint="End the special rate: all its rates end with it.",
            )
        count = mine.filter(voided_at__isnull=True).update(voided_at=at)
        if count:
            bump(tariff, Touched(ids=sorted(wanted)))
    return count


def _refused(problems: Sequence[Problem], hint: str = "Correct these lines and load the file again.") -> Invalid:
    shown = [str(problem) for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - SHOWN_PROBLEMS} more")
    return Invalid(
        "bad_rate_file",
        "Nothing was loaded:\n" + "\n".join(shown),
        hint=hint,
        problems=list(problems),
    )


@dataclass(frozen=True, slots=True)
class Room:
    """Rates that were ended or voided to make room, of `ENDED`, how many of them were voided, and the first instant at which one of them holds no more."""

    ended: pa.Table
    voided: int
    begins: datetime | None

    def touched(self, first_id: int | None, last_id: int | None, count: int) -> Touched:
        """What a change touches that makes this room and then rates with those ids."""
        ids = self.ended["id"].to_pylist() if self.ended.num_rows <= TOUCHED_MAX else range(TOUCHED_MAX + 1)
        return Touched(ids, first_id, last_id, count)


def make_room(
    tariff: Tariff,
    rates: pa.Table,
    *,
    ends: pa.Table,
    supersede_earlier: bool,
    there: pa.Table | None = None,
    at: datetime,
) -> Room:
    """Check the new rates against each other and those of a locked tariff; end or void what is before them, and what `ends` (of `ENDS`) names.

    `there` is what the tariff has, of `STANDING`, where it is known. Raises Invalid `bad_rate_file` if rates overlap.
    """
    there = _read_keys(tariff) if there is None else there.select(KEY_SCHEMA.names).cast(KEY_SCHEMA).combine_chunks()
    old_count = there.num_rows
    shared = pa.schema([field for field in KEY_SCHEMA if field.name != "id"])
    keys = rate_keys(pa.concat_tables([there.select(shared.names), rates.select(shared.names).cast(shared)]))
    old = (keys[:old_count], *rate_bounds(there))
    new = (keys[old_count:], *rate_bounds(rates))
    _, start, end = old
    until = end.copy()
    if supersede_earlier:
        _refuse_overlaps(there.slice(0, 0), rates, new)
        done = supersede(old, new)
        until[done.rows], until[done.void] = done.ends_s, start[done.void]
    else:
        _refuse_overlaps(there, rates, tuple(np.concatenate(pair) for pair in zip(old, new, strict=True)))
    place = pc.index_in(ends["id"].combine_chunks(), there["id"].combine_chunks()).fill_null(-1).to_numpy()
    np.minimum.at(until, place[place >= 0], rate_ends(ends)[place >= 0])
    rows = np.flatnonzero(until < end)
    is_void = until[rows] <= start[rows]
    ended = there.select(ENDED.names).take(pa.array(rows)).cast(ENDED)
    _end(tariff, ended["id"], until[rows], is_void, at)
    return Room(ended, int(is_void.sum()), _first(np.maximum(until, start)[rows]))


def rate_ends(ends: pa.Table) -> Int64s:
    """When rates of `ENDS` end, in seconds."""
    return np.asarray(ends["at"].combine_chunks().cast(pa.int64()).to_numpy())


def _first(instants_s: Int64s) -> datetime | None:
    """The first of them; None: there is none, or it is the beginning of time."""
    first = int(instants_s.min(initial=_EVER.max))
    return None if first in (_EVER.min, _EVER.max) else datetime.fromtimestamp(first, UTC)


def _end(tariff: Tariff, ids: pa.ChunkedArray, until_s: Int64s, is_void: Bools, at: datetime) -> None:
    if not len(ids):
        return
    until = pa.array(np.where(is_void, 0, until_s), mask=is_void).cast(pa.timestamp("s", tz="UTC"))
    rows = pa.table({"id": ids, "valid_to": until, "is_void": pa.array(is_void)})
    with connection.cursor() as cursor:
        stage(cursor, "superseded_rate", "id bigint, valid_to timestamptz, is_void boolean", rows)
        cursor.execute(SUPERSEDE, [at, current_tenant_id(), tariff.pk])


def _refuse_overlaps(there: pa.Table, rates: pa.Table, every: tuple[np.ndarray, ...]) -> None:
    problems: dict[int, Problem] = {}
    old_count = there.num_rows
    meets_earlier = False
    for earlier, later in find_overlaps(*every):
        line = rates["line"][later - old_count].as_py()
        code = rates["code"][later - old_count].as_py() or "of every number"
        if earlier < old_count:
            meets_earlier = True
            when = _shown(there["valid_from"][earlier].as_py(), there["valid_to"][earlier].as_py())
            where = f"in the tariff already{when} (rate {there['id'][earlier].as_py()})"
        else:
            where = f"on line {rates['line'][earlier - old_count].as_py()} for an overlapping time"
        problems.setdefault(line, Problem(line, "overlap", f"The code {code} has the same rate {where}."))
    if meets_earlier:
        raise _refused(sorted(problems.values()), SUPERSEDE_HINT)
    if problems:
        raise _refused(sorted(problems.values()))


def _shown(begin: datetime | None, end: datetime | None) -> str:
    words = [
        f" {word} {instant.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"
        for word, instant in (("from", begin), ("to", end))
        if instant is not None
    ]
    return "".join(words)


def _read_keys(tariff: Tariff) -> pa.Table:
    return copy_table(READ_KEYS.format(tenant_id=current_tenant_id(), tariff_id=int(tariff.pk)), KEY_SCHEMA)


def insert_rates(tariff: Tariff, rates: pa.Table) -> tuple[int, int]:
    """Write rates of `LOAD_SCHEMA` into a locked tariff, in their order; their first and last id.

    Raises Invalid `unknown_profile`, `unknown_origin`.
    """
    require_origins(tariff, pc.unique(rates["origin"].combine_chunks()).drop_null().to_pylist())
    columns = {name: rates[name] for name in LOAD_SCHEMA.names if name not in ("line", "destination", "time_profile")}
    columns["destination_id"] = _ids(rates["destination"], destination_ids(_first_codes(rates)))
    profiles = dict(TimeProfile.objects.values_list("name", "pk"))
    columns["time_profile_id"] = _ids(rates["time_profile"], profiles)
    ordered = pa.table({name: columns[name] for name in STAGED})
    with connection.cursor() as cursor:
        stage(cursor, "staged_rate", ", ".join(f"{name} {kind}" for name, kind in STAGED.items()), ordered)
        cursor.execute(INSERT, [current_tenant_id(), tariff.pk])
        first, last = cursor.fetchone()
    return first, last


def _first_codes(rates: pa.Table) -> dict[str, str]:
    """Each destination of the rates with the first code that it has there."""
    encoded = rates["destination"].combine_chunks().dictionary_encode()
    index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    used, first = np.unique(index, return_index=True)
    codes = rates["code"].combine_chunks().take(pa.array(first)).to_pylist()
    names = encoded.dictionary.to_pylist()
    return {names[place]: code for place, code in zip(used.tolist(), codes, strict=True) if place >= 0}


def _ids(names: pa.ChunkedArray, ids: dict[str, int]) -> pa.Array:
    """The id of each name, null for null. Raises Invalid `unknown_profile` for a name without id."""
    encoded = names.combine_chunks().dictionary_encode()
    found = [ids.get(name) for name in encoded.dictionary.to_pylist()]
    if None in found:
        raise Invalid("unknown_profile", f"There is no {encoded.dictionary[found.index(None)].as_py()!r}.")
    return pa.array(found, pa.int64()).take(encoded.indices)

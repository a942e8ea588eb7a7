"""The compiled prices of a tenant: what a batch pins and what every price is looked up in.

Rates are read from PostgreSQL once per tariff and revision, and kept in two Arrow files below the data folder: the rates themselves and their
compiled form, both mapped into memory when they are used. A change of a tariff is a new revision and so new files; the old ones are swept.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from django.db import connection
from numpy.typing import NDArray

from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_DECIMALS, PRICE_DECIMALS
from trunkline.engine.schema import RATE_SCHEMA, STEP_TYPE, WEIGHT_DECIMALS, Tariff, TimeWindow, Unit
from trunkline.engine.snapshot import Snapshot
from trunkline.engine.tariff import CompiledTariff, compile_tariff, from_arrow, to_arrow
from trunkline.kit.home import folder
from trunkline.tariffs import models
from trunkline.tariffs.rules import parse_steps, parse_windows

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

# In the order of RATE_SCHEMA; instants as seconds, money as whole smallest parts, so that parsing is integers only.
READ_RATES: Final = """
COPY (SELECT r.id, r.code, r.destination_id, extract(epoch FROM r.valid_from)::bigint, extract(epoch FROM r.valid_to)::bigint, p.name,
             (r.weight * 10000)::bigint, (r.setup_fee * 10000000000)::bigint, r.grace, r.rounding_mode, r.rounding_decimals,
             (r.max_cost * 100000000)::bigint, r.length_min, r.length_max, r.tag, r.blocked::int, r.additive::int, r.steps
        FROM tariffs_rate r LEFT JOIN tariffs_timeprofile p ON p.tenant_id = r.tenant_id AND p.id = r.time_profile_id
       WHERE r.tariff_id = {tariff_id} AND r.voided_at IS NULL ORDER BY r.id) TO STDOUT (FORMAT csv)
"""

Key = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Plans:
    """The ordered tariffs of every account, side and service. Assignments are dated; between two of `bounds_ms` nothing changes."""

    bounds_ms: NDArray[np.int64]
    by_epoch: Sequence[Mapping[Key, tuple[int, ...]]]

    def epochs(self, start_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the stretch of time in which each start lies."""
        return np.searchsorted(self.bounds_ms, start_ms, side="right")

    def plan(self, epoch: int, account_id: int, side: str, service: str) -> tuple[int, ...]:
        """Tariff ids in their order; empty where the account has none."""
        return self.by_epoch[epoch].get((account_id, side, service), ())


@dataclass(frozen=True, slots=True)
class Prices:
    """Every tariff of a tenant, compiled, with who has which. `version` is the same for the same prices, whoever compiled them."""

    snapshot: Snapshot
    version: str
    plans: Plans
    tariff_currencies: Mapping[int, str]


def load(tenant_id: int) -> Prices:
    """The prices of the tenant of the open scope as they are now. Raises what compiling a tariff raises."""
    profiles = {profile.name: parse_windows(profile.windows) for profile in models.TimeProfile.objects.order_by("name")}
    place = folder("snapshots", f"tenant={tenant_id}")
    compiled, versions, currencies = [], [], {}
    for row in models.Tariff.objects.order_by("id"):
        stem = f"tariff-{row.pk}-{row.revision}"
        versions.append(stem)
        currencies[row.pk] = row.currency
        compiled.append(_compiled(row, profiles, place / stem))
    assignments = list(
        models.AccountTariff.objects.order_by("position").values_list(
            "account_id", "side", "service", "tariff_id", "valid_from", "valid_to"
        )
    )
    said = repr((versions, sorted(map(repr, profiles.items())), assignments))
    _sweep(place, versions)
    return Prices(
        snapshot=Snapshot(compiled),
        version=hashlib.sha256(said.encode()).hexdigest()[:32],
        plans=_plans(assignments),
        tariff_currencies=currencies,
    )


def _compiled(row: models.Tariff, profiles: Mapping[str, tuple[TimeWindow, ...]], stem: Path) -> CompiledTariff:
    rates_path, compiled_path = (
        stem.with_name(f"{stem.name}.rates.arrow"),
        stem.with_name(f"{stem.name}.compiled.arrow"),
    )
    if not rates_path.exists():
        _write(rates_path, read_rates(row.pk))
    tariff = Tariff(
        id=row.pk,
        name=row.name,
        currency=row.currency,
        timezone=row.timezone,
        unit=Unit(row.unit),
        rates=_map(rates_path),
        time_profiles=profiles,
    )
    try:
        return from_arrow(tariff, _map(compiled_path))
    except (FileNotFoundError, Invalid):
        compiled = compile_tariff(tariff)
        _write(compiled_path, to_arrow(compiled))
        return from_arrow(tariff, _map(compiled_path))


def read_rates(tariff_id: int) -> pa.Table:
    """The rates of a tariff that are not voided, of RATE_SCHEMA, in the order of their ids."""
    text = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(READ_RATES.format(tariff_id=int(tariff_id))) as copy:
        for block in copy:
            text.write(block)
    names = [*RATE_SCHEMA.names[:-1], "steps"]
    if not text.tell():
        return RATE_SCHEMA.empty_table()
    types: dict[str, Any] = {
        name: RATE_SCHEMA.field(name).type
        for name in names
        if name not in ("valid_from", "valid_to", "blocked", "additive", "steps")
    }
    types |= {
        "valid_from": pa.int64(),
        "valid_to": pa.int64(),
        "blocked": pa.int8(),
        "additive": pa.int8(),
        "steps": pa.string(),
    }
    table = pacsv.read_csv(
        pa.BufferReader(text.getbuffer()),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False),
        convert_options=pacsv.ConvertOptions(
            column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
        ),
    ).combine_chunks()
    columns = {name: table[name] for name in names}
    columns["code"] = pc.fill_null(columns["code"], "")
    for name in ("valid_from", "valid_to"):
        columns[name] = columns[name].cast(pa.timestamp("s", tz="UTC"))
    for name in ("blocked", "additive"):
        columns[name] = columns[name].cast(pa.bool_())
    columns["steps"] = steps_column(columns["steps"].combine_chunks())
    return pa.table([columns[name] for name in names], schema=RATE_SCHEMA)


def steps_column(texts: pa.Array) -> pa.Array:
    """Steps as text (`0:0.20/60/60;60:0.10/60/1`) made columns; each distinct text is read once."""
    encoded = texts.dictionary_encode()
    distinct = [
        [
            {"start": step.start, "price": step.price.units, "per": step.per, "increment": step.increment}
            for step in parse_steps(text)
        ]
        for text in encoded.dictionary.to_pylist()
    ]
    return pa.array(distinct, pa.list_(STEP_TYPE)).take(encoded.indices)


def _plans(assignments: Sequence[tuple[int, str, str, int, datetime | None, datetime | None]]) -> Plans:
    bounds = sorted({_ms(bound) for *_, begin, end in assignments for bound in (begin, end) if bound is not None})
    by_epoch: list[dict[Key, tuple[int, ...]]] = []
    for instant in [None, *bounds]:
        plans: dict[Key, tuple[int, ...]] = {}
        for account_id, side, service, tariff_id, begin, end in assignments:
            if _holds(instant, begin, end):
                key = (account_id, side, service)
                plans[key] = (*plans.get(key, ()), tariff_id)
        by_epoch.append(plans)
    return Plans(np.array(bounds, np.int64), by_epoch)


def _holds(instant: int | None, begin: datetime | None, end: datetime | None) -> bool:
    """Whether an assignment holds from an instant on (None: from ever)."""
    if instant is None:
        return begin is None
    return (begin is None or _ms(begin) <= instant) and (end is None or instant < _ms(end))


def _ms(instant: datetime) -> int:
    # Starts are kept to the millisecond; a bound that is finer takes effect with the next one.
    return -((EPOCH - instant) // MILLISECOND)


def _map(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _write(path: Path, table: pa.Table) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    table = table.combine_chunks()
    with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    partial.rename(path)


def _sweep(place: Path, stems: Sequence[str]) -> None:
    """Remove the files of revisions that are no longer current. Whoever has them mapped keeps them."""
    current = {f"{stem}.{kind}.arrow" for stem in stems for kind in ("rates", "compiled")}
    for path in place.glob("tariff-*.arrow"):
        if path.name not in current:
            path.unlink(missing_ok=True)


assert AMOUNT_DECIMALS == 8 and PRICE_DECIMALS == 10 and WEIGHT_DECIMALS == 4, "READ_RATES states these scales"  # noqa: PT018, S101

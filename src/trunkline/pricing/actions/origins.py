"""The origins that a sheet says: into the origin deck of its tariff when the sheet is applied, and out again when it is undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from trunkline.pricing import files
from trunkline.pricing.models import SheetImport
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.actions.origins import OriginChange
from trunkline.tariffs.queries import tariffs_asking
from trunkline.usage.proposals import propose

_SAID: Final = pa.schema([pa.field("code", pa.string(), nullable=False), pa.field("origin", pa.string())])
_MADE: Final = b"deck_made"


@dataclass(frozen=True, slots=True)
class Applied:
    """The revision that the tariff has then. `reaches_back`: callers are elsewhere now for prices that were there before, from ever on."""

    revision: int
    reaches_back: bool


def write_origins(place: Path, origins: Mapping[str, Sequence[str]]) -> None:
    """Keep what a sheet says of origins beside it; nothing where it says nothing, whatever an earlier reading of it has said."""
    rows = [{"code": code, "origin": name} for name, codes in origins.items() for code in codes]
    if rows:
        files.write_table(place / files.ORIGINS, pa.Table.from_pylist(rows, _SAID))
    else:
        (place / files.ORIGINS).unlink(missing_ok=True)


def apply_origins(sheet: SheetImport, place: Path, *, at: datetime) -> Applied:
    """Bring the origins that a sheet says into the origin deck of its tariff, which gets one if it has none.

    Raises Conflict `tariff_changed` if the tariff was changed since the sheet was compared.
    """
    if not (place / files.ORIGINS).exists():
        return Applied(sheet.compared_revision, reaches_back=False)
    said = files.read_table(place / files.ORIGINS)
    origins: dict[str, list[str]] = {}
    for row in said.to_pylist():
        origins.setdefault(row["origin"], []).append(row["code"])
    done = tariffs.set_origins(tariff_id=sheet.tariff_id, origins=origins, revision=sheet.compared_revision, at=at)
    before = pa.table(
        [pa.array(done.before.keys(), pa.string()), pa.array(done.before.values(), pa.string())], schema=_SAID
    )
    files.write_table(place / _before(), before.replace_schema_metadata({_MADE: str(int(done.is_deck_new)).encode()}))
    asking = tariffs_asking(done.deck) if done.before and done.deck is not None else []
    for tariff in asking:
        if tariff.pk != sheet.tariff_id:
            propose(cause=f"origins of the sheet {sheet.file_name}", tariff=tariff, start_from=None, at=at)
    return Applied(done.revision, reaches_back=sheet.tariff_id in {tariff.pk for tariff in asking})


def undo_origins(sheet: SheetImport, place: Path, *, at: datetime) -> int:
    """Take back what `apply_origins` did; the revision that the tariff has then. Raises Conflict `tariff_changed`."""
    left = int(sheet.left_revision or 0)
    path = place / _before()
    if not path.exists():
        return left
    table = files.read_table(path)
    before = dict(zip(table["code"].to_pylist(), table["origin"].to_pylist(), strict=True))
    change = OriginChange(left, None, before, (table.schema.metadata or {}).get(_MADE) == b"1")
    return tariffs.undo_origins(tariff_id=sheet.tariff_id, change=change, revision=left, at=at)


def _before() -> str:
    return f"before_{files.ORIGINS}"

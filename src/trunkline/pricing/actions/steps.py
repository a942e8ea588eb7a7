"""A sheet step by step, with a person between the steps: received, read, its layout corrected, compared. `import_sheet` does all of it at once.

Nothing is computed while a scope is open. A sheet that is too large to wait for is worked on by a worker (`work`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.ids import uuid7
from trunkline.core.period import get_zone
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.pricing import files
from trunkline.pricing.actions.imports import (
    SUBJECT_MAX,
    Asked,
    Clock,
    compare_with,
    counts_of,
    ground_of,
    weighed_of,
    write_compared,
)
from trunkline.pricing.actions.mails import follow_sheet
from trunkline.pricing.actions.origins import write_origins
from trunkline.pricing.actions.terms import save_template
from trunkline.pricing.actions.work import ask_for, is_small, require_idle
from trunkline.pricing.checks import findings
from trunkline.pricing.choices import OPEN, ImportState, ImportWork
from trunkline.pricing.compare import Scope
from trunkline.pricing.models import SheetImport
from trunkline.pricing.offered import ERRORS, offer
from trunkline.pricing.sheets.container import read_file
from trunkline.pricing.sheets.corrections import Correction, corrected
from trunkline.pricing.sheets.glimpse import glimpse
from trunkline.pricing.sheets.layout import Layout, from_json, to_json
from trunkline.pricing.sheets.reading import Reading, read_grids, to_report
from trunkline.pricing.sheets.reasons import RowError
from trunkline.pricing.sheets.recognise import Context
from trunkline.pricing.sheets.scopes import ScopeFound
from trunkline.pricing.sheets.templates import fit
from trunkline.pricing.sheets.titles import Scope as SheetScope
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.scope import scope
from trunkline.tenancy.storage import note_folder, require_room
from trunkline.usage.spool import write_synced

NAME_MAX: Final = 255


def receive_sheet(
    tenant_id: int,
    *,
    pieces: Iterable[bytes],
    octets: int = 0,
    file_name: str,
    asked: Asked,
    notified_at: datetime,
    subject: str = "",
    template: Layout | None = None,
    actor: str,
    now: Clock,
) -> SheetImport:
    """Keep a sheet as it came. A small one is read at once (state `read`), a large one by a worker (state `received`).

    `template` is the layout of an earlier sheet of the vendor. Raises Denied `quota_reached` where the
    `octets` that are announced do not fit; Invalid what opening a file raises, of a small one; then nothing is kept.
    """
    require_room(tenant_id, octets, actor=actor, now=now)
    public_id = uuid7()
    place = files.import_folder(tenant_id, public_id)
    name = "".join(sign if sign.isprintable() else "_" for sign in Path(file_name).name)[-NAME_MAX:] or "sheet"
    try:
        kept_octets, sha256 = _keep(place / files.ORIGINAL, pieces)
        sheet = SheetImport(
            public_id=public_id, tariff_id=asked.tariff_id, template_id=asked.template_id, agreement_id=asked.agreement_id, scope=asked.scope,
            file_name=name, subject=subject[:SUBJECT_MAX], sha256=sha256, octets=kept_octets, notified_at=notified_at, wanted_at=asked.effective_at,
            effective_at=asked.effective_at or notified_at, reaches_back=asked.reaches_back, checks=asked.checks, asked_by=actor, created_at=now(),
            tenant_id=tenant_id, state=ImportState.RECEIVED,
        )  # fmt: skip
        if is_small(kept_octets, place / files.ORIGINAL):
            zone = _zone_of(tenant_id, asked.tariff_id, actor)
            _take_reading(sheet, _read(place, sheet, zone, None, template))
        with scope(tenant_id, actor):
            note_folder(place, at=now())
            sheet.save()
            if sheet.state == ImportState.RECEIVED:
                ask_for(sheet, ImportWork.READING, actor=actor)
    except BaseException:
        files.remove_folder(place)
        raise
    return sheet


def correct_layout(*, import_id: int, said: Sequence[Correction | None], is_settled: bool) -> SheetImport:
    """Keep what a person says of a sheet's layout, until `read_import` reads it so. Needs an open scope.

    Raises NotFound `not_found`, Conflict `not_open`, `sheet_is_worked_on`.
    """
    (sheet,) = lock_rows(SheetImport.objects.all(), [import_id])
    _require_open(sheet)
    require_idle(sheet)
    place = files.find_import_folder(current_tenant_id(), sheet.public_id)
    files.write_json(
        place / files.CORRECTIONS,
        {"sheets": [each and each.as_json() for each in said], "is_settled": is_settled},
    )
    return sheet


def change_scope(*, import_id: int, scope: Scope) -> SheetImport:
    """Say anew what a sheet means for the codes that it does not name; it is to be compared again. Needs an open scope.

    Raises NotFound `not_found`, Conflict `not_open`, `sheet_is_worked_on`.
    """
    (sheet,) = lock_rows(SheetImport.objects.all(), [import_id])
    _require_open(sheet)
    require_idle(sheet)
    sheet.scope = scope
    if sheet.state == ImportState.COMPARED:
        sheet.state, sheet.findings, sheet.compared_revision = ImportState.READ, [], 0
    sheet.save()
    return sheet


def read_import(
    tenant_id: int, import_id: int, *, anew: bool = False, layout: Layout | None = None, actor: str, now: Clock
) -> SheetImport:
    """Read a sheet: the first time as it is recognised or by its template, then by its layout with what was corrected (`correct_layout`).

    `layout` is one that was corrected elsewhere; with `anew` it is recognised once more. What was compared is no more. Raises NotFound `not_found`; Conflict
    `not_open`; Invalid what opening a file raises, `bad_layout`.
    """
    with scope(tenant_id, actor):
        sheet = SheetImport.objects.select_related("template", "tariff").get(pk=import_id)
        _require_open(sheet)
        zone = sheet.tariff.timezone
        kept = sheet.template.layout if sheet.template is not None else None
        there = None if anew or not sheet.layout else from_json(sheet.layout)
    place = files.find_import_folder(tenant_id, sheet.public_id)
    template = from_json(kept) if kept and layout is None and there is None and not anew else None
    reading = _read(place, sheet, zone, layout or there, template)
    with scope(tenant_id, actor):
        (sheet,) = lock_rows(SheetImport.objects.all(), [import_id])
        _require_open(sheet)
        _take_reading(sheet, reading)
        sheet.work = ImportWork.NONE
        sheet.save()
    return sheet


def compare_import(tenant_id: int, import_id: int, *, actor: str, now: Clock) -> SheetImport:
    """Compare a sheet that was read with the prices in force, once more if it was compared before. Nothing of it counts until it is applied.

    Raises NotFound `not_found`; Conflict `not_open`, `tariff_changed`; Invalid `empty_sheet` and what reading raises where that is still to be done.
    """
    with scope(tenant_id, actor):
        (sheet,) = lock_rows(SheetImport.objects.all(), [import_id])
        _require_open(sheet)
    place = files.find_import_folder(tenant_id, sheet.public_id)
    if sheet.state == ImportState.RECEIVED or not (place / files.READ).exists():
        sheet = read_import(
            tenant_id, import_id, layout=from_json(sheet.layout) if sheet.layout else None, actor=actor, now=now
        )
    asked = Asked(
        sheet.tariff_id, Scope(sheet.scope), sheet.template_id, sheet.agreement_id, sheet.wanted_at, sheet.reaches_back, sheet.checks
    )  # fmt: skip
    files.set_progress(place, 10)
    with scope(tenant_id, actor):
        ground = ground_of(asked, sheet.sha256, now())
    files.set_progress(place, 40)
    reading = _kept_reading(place, from_json(sheet.layout))
    offered = offer(reading, ground.ways, begins=sheet.wanted_at or sheet.notified_at, at_once=sheet.notified_at)
    if not len(offered.lines) and not len(offered.errors):
        raise Invalid("empty_sheet", "There are no rates in this file.", hint="Look at the layout, and correct it.")
    files.set_progress(place, 60)
    effective_at = sheet.wanted_at or offered.effective_at or sheet.notified_at
    looked = compare_with(ground, offered, asked, effective_at, sheet.notified_at)
    files.set_progress(place, 80)
    found = findings(looked, ground.settings)
    counts = counts_of(looked, weighed_of(tenant_id, looked, ground, actor=actor, at=now()))
    write_compared(place, looked, offered.errors)
    write_origins(place, offered.origins)
    files.set_progress(place, 100)
    with scope(tenant_id, actor):
        (sheet,) = lock_rows(SheetImport.objects.all(), [import_id])
        _require_open(sheet)
        sheet.state, sheet.work, sheet.problem = ImportState.COMPARED, ImportWork.NONE, None
        sheet.effective_at, sheet.counts = effective_at, counts
        sheet.findings, sheet.compared_revision = [each.as_json() for each in found], ground.tariff.revision
        sheet.save()
        follow_sheet(sheet, at=now())
    return sheet


def keep_layout(*, import_id: int, name: str) -> SheetImport:
    """Keep how a sheet looks as the template of its vendor: layout, tariff, scope, agreement. Needs an open scope.

    A template of that name is changed. Raises NotFound `not_found`, Conflict `not_read`, Invalid `bad_name`.
    """
    (sheet,) = lock_rows(SheetImport.objects.all(), [import_id])
    if not sheet.layout:
        raise Conflict("not_read", f"{sheet.file_name} is not read yet.")
    sheet.template = save_template(
        name=name, tariff_id=sheet.tariff_id, scope=sheet.scope, agreement_id=sheet.agreement_id, layout=sheet.layout
    )
    sheet.save()
    return sheet


def _require_open(sheet: SheetImport) -> None:
    if sheet.state not in OPEN:
        raise Conflict("not_open", f"The sheet {sheet.file_name} is {sheet.get_state_display()}: it stays as it is.")


def _zone_of(tenant_id: int, tariff_id: int, actor: str) -> str:
    with scope(tenant_id, actor):
        return Tariff.objects.values_list("timezone", flat=True).get(pk=tariff_id)


def _keep(path: Path, pieces: Iterable[bytes]) -> tuple[int, str]:
    """Write the file as it came; its octets and its SHA-256."""
    known = hashlib.sha256()

    def hashed() -> Iterable[bytes]:
        for piece in pieces:
            known.update(piece)
            yield piece

    return write_synced(path, hashed()), known.hexdigest()


def _read(place: Path, sheet: SheetImport, zone: str, layout: Layout | None, template: Layout | None) -> Reading:
    """Read the file of a sheet, and keep beside it what was read."""
    local = get_zone(zone)
    effective_on = None if sheet.wanted_at is None else sheet.wanted_at.astimezone(local).date()
    context = Context(sheet.file_name, sheet.notified_at.astimezone(local).date(), sheet.subject, effective_on)
    files.set_progress(place, 5)
    grids = read_file((place / files.ORIGINAL).read_bytes(), sheet.file_name)
    files.set_progress(place, 50)
    if template is not None:
        layout = fit(template, grids, context)
    elif layout is not None and (said := files.read_json(place / files.CORRECTIONS)) is not None:
        (place / files.CORRECTIONS).unlink()
        wanted = [each and Correction.of_json(each) for each in said["sheets"]]
        layout = corrected(layout, grids, wanted, is_settled=said["is_settled"])
    reading = read_grids(grids, context, layout)
    files.set_progress(place, 80)
    report = to_report(reading)
    report["errors"] = report["errors"][: files.SHOWN_ERRORS]
    files.write_table(place / files.READ, reading.lines)
    errors = [
        {"sheet": e.sheet, "line": e.line, "column": e.column, "reason": str(e.reason), "text": e.text}
        for e in reading.errors
    ]
    files.write_table(place / files.UNREAD, pa.Table.from_pylist(errors, ERRORS))
    files.write_json(place / files.REPORT, report | {"sheets": [glimpse(grid, reading.layout) for grid in grids]})
    files.set_progress(place, 100)
    return reading


def _take_reading(sheet: SheetImport, reading: Reading) -> None:
    sheet.state, sheet.problem = ImportState.READ, None
    sheet.layout = json.loads(json.dumps(to_json(reading.layout)))
    sheet.counts = {"rows": reading.rows, "lines": len(reading.lines), "errors": len(reading.errors)}
    sheet.findings, sheet.compared_revision = [], 0


def _kept_reading(place: Path, layout: Layout) -> Reading:
    errors = files.read_table(place / files.UNREAD).to_pylist()
    found = tuple(RowError(**each) for each in errors)
    lines = files.read_table(place / files.READ).combine_chunks()
    said = files.read_json(place / files.REPORT)["origins"]
    origins = {name: tuple(codes) for name, codes in said.items()}
    # How much it replaces was judged when it was read.
    return Reading(layout, lines, found, ScopeFound(SheetScope.UNKNOWN, ""), origins=origins)

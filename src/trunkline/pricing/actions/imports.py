"""Rate sheets: compared, applied, undone. These take a tenant and open their scopes by themselves: nothing is computed while one is open."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from trunkline.core.errors import Conflict, Invalid, NotFound, Unavailable
from trunkline.core.ids import uuid7
from trunkline.core.period import get_zone
from trunkline.engine.units import Unit
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.faults import reached
from trunkline.pricing import files
from trunkline.pricing.actions.mails import follow_sheet
from trunkline.pricing.actions.origins import apply_origins, undo_origins, write_origins
from trunkline.pricing.actions.work import require_not_written
from trunkline.pricing.checks import Level, Looked, Settings, count_kinds, findings
from trunkline.pricing.choices import OPEN, ImportState, ImportWork
from trunkline.pricing.compare import Kind, Scope, allowed_begins, closings
from trunkline.pricing.deck_queries import special_codes
from trunkline.pricing.models import Agreement, SheetImport, SheetTemplate
from trunkline.pricing.notice import OnBreach
from trunkline.pricing.offered import ERRORS, Offered, Ways
from trunkline.pricing.queries import (
    charged_numbers,
    charged_quantities,
    deck_codes,
    is_applied,
    notice_days,
    notice_of,
)
from trunkline.pricing.weighing import Charged, Weighed, weigh
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.actions.rates import ENDED, ENDS
from trunkline.tariffs.models import Tariff, TimeProfile
from trunkline.tariffs.origins import origins_of
from trunkline.tariffs.rate_file import LOAD_SCHEMA, rate_bounds, rate_keys
from trunkline.tenancy.scope import scope as tenant_scope
from trunkline.tenancy.storage import note_folder, require_room
from trunkline.usage.proposals import propose
from trunkline.usage.spool import write_synced

Clock = Callable[[], datetime]
Int64s = npt.NDArray[np.int64]

_MAKES_RATES: Final = (Kind.NEW, Kind.INCREASE, Kind.DECREASE, Kind.INCREMENT, Kind.MOVED, Kind.BLOCKED)
_TOLD: Final = {Kind.MOVED: Kind.INCREMENT}  # what needs the notice of something else
COMPARED: Final = pa.schema(
    [
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("differs", pa.int8(), nullable=False),
        pa.field("before", pa.int64()),
        pa.field("asked", pa.timestamp("s", tz="UTC"), nullable=False),
        pa.field("is_short", pa.bool_(), nullable=False),
        pa.field("is_written", pa.bool_(), nullable=False),
    ]
)
NOTE_MAX: Final = 500
SUBJECT_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a sheet: into which tariff, what it leaves out, how it is dated.

    `effective_at`: when lines without a date begin and codes that are left out close; None: as the sheet says in its title, else at the notification. With
    `reaches_back` lines that begin before the notification stay as they are dated.
    """

    tariff_id: int
    scope: Scope = Scope.PARTIAL
    template_id: int | None = None
    agreement_id: int | None = None
    effective_at: datetime | None = None
    reaches_back: bool = False
    checks: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a sheet is compared with, read at one instant."""

    tariff: Tariff
    ways: Ways
    there: pa.Table
    agreement: Agreement | None
    settings: Settings
    is_repeated: bool
    quantities: Mapping[int, int]
    special: Sequence[tuple[str, int, int]]


# Reads a sheet: called outside any scope with how the tariff takes lines, and when lines begin that nothing dates.
ReadSheet = Callable[[Ways, datetime], Offered]


def import_sheet(
    tenant_id: int,
    *,
    data: bytes,
    file_name: str,
    read: ReadSheet,
    asked: Asked,
    notified_at: datetime,
    actor: str,
    now: Clock,
    public_id: UUID | None = None,
    subject: str = "",
) -> SheetImport:
    """Read a sheet, compare it with the prices in force, and keep both. Nothing of it counts until it is applied.

    `public_id` is its id where somebody must know it before; what a crash has left under that id is replaced.
    `subject` is that of its mail.

    Raises Denied `quota_reached`; NotFound `not_found`; Conflict `tariff_changed`; Invalid what reading raises, `empty_sheet`, `unknown_check`, `bad_check`.
    """
    require_room(tenant_id, len(data), actor=actor, now=now)
    with tenant_scope(tenant_id, actor):
        sha256 = hashlib.sha256(data).hexdigest()
        ground = ground_of(asked, sha256, now())
    offered = read(ground.ways, asked.effective_at or notified_at)
    if not len(offered.lines) and not len(offered.errors):
        raise Invalid(
            "empty_sheet",
            "There are no rates in this file.",
            hint="Look at what was understood of it: `trunkline sheet read`.",
        )
    effective_at = asked.effective_at or offered.effective_at or notified_at
    looked = compare_with(ground, offered, asked, effective_at, notified_at)
    found = findings(looked, ground.settings)
    weighed = weighed_of(tenant_id, looked, ground, actor=actor, at=now())
    if public_id is None:
        public_id = uuid7()
    else:
        files.remove_folder(files.find_import_folder(tenant_id, public_id))
    place = files.import_folder(tenant_id, public_id)
    try:
        write_synced(place / files.ORIGINAL, [data])
        write_compared(place, looked, offered.errors)
        write_origins(place, offered.origins)
        with tenant_scope(tenant_id, actor):
            note_folder(place, at=now())
            return SheetImport.objects.create(
                public_id=public_id,
                tariff_id=asked.tariff_id,
                template_id=asked.template_id,
                agreement_id=asked.agreement_id,
                scope=asked.scope,
                file_name=file_name[:255],
                subject=subject[:SUBJECT_MAX],
                sha256=sha256,
                octets=len(data),
                notified_at=notified_at,
                effective_at=effective_at,
                layout=offered.layout,
                counts=counts_of(looked, weighed),
                findings=[each.as_json() for each in found],
                compared_revision=ground.tariff.revision,
                wanted_at=asked.effective_at,
                reaches_back=asked.reaches_back,
                checks=asked.checks,
                asked_by=actor,
                created_at=now(),
            )
    except BaseException:
        files.remove_folder(place)
        raise


def apply_import(
    tenant_id: int, import_id: int, *, overrule: Collection[str] = (), reason: str = "", actor: str, now: Clock
) -> SheetImport:
    """Make the sheet's changes true, all of them in one transaction, and propose a re-rating if they reach into posted traffic.

    `overrule` names checks that stopped the sheet and were looked at; `errors` among them: the rows that could be read are applied without the others.
    Raises NotFound `not_found`; Conflict `not_compared` if it was applied or discarded before, `stopped_by_checks`, `tariff_changed`.
    """
    with tenant_scope(tenant_id, actor, reason=reason):
        (sheet,) = lock_rows(SheetImport.objects.select_related("tariff"), [import_id])
        require_state(sheet, ImportState.COMPARED)
        _require_allowed(sheet, overrule)
        place = files.find_import_folder(tenant_id, sheet.public_id)
        origins = apply_origins(sheet, place, at=now())
        lines = files.read_table(place / files.LINES)
        if "origin" not in lines.column_names:  # compared before there were any
            lines = lines.append_column(LOAD_SCHEMA.field("origin"), pa.nulls(len(lines), pa.string()))
        rates = lines.filter(lines["is_written"]).select(LOAD_SCHEMA.names).cast(LOAD_SCHEMA)
        sheet.reason = reason.strip()[:NOTE_MAX]
        write_change(
            sheet,
            place,
            rates=rates.combine_chunks(),
            ends=files.read_table(place / files.CLOSINGS),
            revision=origins.revision,
            reaches_back=origins.reaches_back,
            cause=f"the sheet {sheet.file_name} applied",
            at=now(),
        )
    return sheet


def write_change(
    sheet: SheetImport,
    place: Path,
    *,
    rates: pa.Table,
    ends: pa.Table,
    revision: int,
    there: pa.Table | None = None,
    reaches_back: bool = False,
    cause: str,
    at: datetime,
) -> None:
    """Write what a sheet changes into its tariff, say in the sheet what is needed to take it back, and propose a re-rating because of `cause`.

    Part of the transaction of whoever has the sheet. Raises as `tariffs.change_rates`.
    """
    done = tariffs.change_rates(
        tariff_id=sheet.tariff_id,
        rates=rates,
        ends=ends,
        revision=revision,
        there=there,
        told=partial(files.set_progress, place),
        at=at,
    )
    files.write_table(place / files.ENDED, done.ended)
    sheet.state, sheet.applied_at, sheet.left_revision = ImportState.APPLIED, at, done.revision
    sheet.first_rate, sheet.last_rate = done.first_id, done.last_id
    sheet.begins_at = None if reaches_back else done.begins
    sheet.work, sheet.problem = ImportWork.NONE, None
    sheet.save()
    follow_sheet(sheet, at=at)
    if done.made or len(done.ended) or reaches_back:
        propose(cause=cause, tariff=sheet.tariff, start_from=sheet.begins_at, at=at)
    reached("change_before_commit")


def undo_import(tenant_id: int, import_id: int, *, reason: str, actor: str, now: Clock) -> SheetImport:
    """Take a sheet back: the prices that stood before it stand again, to the digit.

    Raises NotFound `not_found`; Invalid `reason_needed`; Conflict `not_applied`, `tariff_changed` if the tariff was changed since: later sheets are undone first.
    """
    note = note_of(reason)
    with tenant_scope(tenant_id, actor, reason=note):
        (sheet,) = lock_rows(SheetImport.objects.select_related("tariff"), [import_id])
        require_state(sheet, ImportState.APPLIED)
        place = files.find_import_folder(tenant_id, sheet.public_id)
        left = undo_origins(sheet, place, at=now())
        ended = files.read_table(place / files.ENDED).cast(ENDED)
        change = tariffs.RateChange(left, sheet.first_rate, sheet.last_rate, 0, ended, 0, sheet.begins_at)
        revision = tariffs.undo_change(tariff_id=sheet.tariff_id, change=change, revision=left, at=now())
        # The sheet before this one has left what stands now: it can be undone next.
        SheetImport.objects.filter(
            tariff_id=sheet.tariff_id, state=ImportState.APPLIED, left_revision=sheet.compared_revision
        ).update(left_revision=revision)
        sheet.state, sheet.ended_at, sheet.reason = ImportState.UNDONE, now(), note
        sheet.work, sheet.problem = ImportWork.NONE, None
        sheet.save()
        follow_sheet(sheet, at=now())
        propose(cause=f"the sheet {sheet.file_name} undone", tariff=sheet.tariff, start_from=sheet.begins_at, at=now())
    return sheet


def discard_import(*, import_id: int, reason: str, at: datetime) -> SheetImport:
    """Say no to a sheet that is not applied; it stays in the history. Raises NotFound `not_found`, Conflict `not_compared`, Invalid `reason_needed`."""
    note = note_of(reason)
    with transaction.atomic():
        require_not_written(SheetImport.objects.filter(pk=import_id))
        (sheet,) = lock_rows(SheetImport.objects.all(), [import_id])
        if sheet.state not in OPEN:
            require_state(sheet, ImportState.COMPARED)
        sheet.state, sheet.ended_at, sheet.reason = ImportState.DISCARDED, at, note
        sheet.work = ImportWork.NONE
        sheet.save()
        follow_sheet(sheet, at=at)
    return sheet


def ground_of(asked: Asked, sha256: str, at: datetime) -> Ground:
    """What a sheet is compared with. Needs an open scope. Raises NotFound `not_found`, Conflict `tariff_changed`, Invalid `unknown_check`, `bad_check`."""
    tariff = Tariff.objects.filter(pk=asked.tariff_id).first()
    if tariff is None:
        raise NotFound("not_found", "tariff not found.")
    agreement = Agreement.objects.filter(pk=asked.agreement_id).first() if asked.agreement_id else None
    checks = asked.checks
    if checks is None and asked.template_id:
        checks = SheetTemplate.objects.values_list("checks", flat=True).filter(pk=asked.template_id).first()
    profiles = set(TimeProfile.objects.values_list("name", flat=True))
    return Ground(
        tariff,
        Ways(Unit(tariff.unit), get_zone(tariff.timezone), profiles, deck_codes(), origins_of(tariff)),
        read_standing(tariff),
        agreement,
        Settings.of(checks or {}),
        is_applied(tariff, sha256),
        charged_quantities(tariff, at),
        special_codes(tariff),
    )


def read_standing(tariff: Tariff) -> pa.Table:
    """The rates of a tariff at its revision. Raises Conflict `tariff_changed` if it is changed while they are read."""
    there = tariffs.standing_rates(tariff)
    # Rates and revision change together, so an unchanged revision after the reading means that these were its rates.
    tariffs.require_revision(Tariff.objects.get(pk=tariff.pk), tariff.revision)
    return there


def compare_with(
    ground: Ground, offered: Offered, asked: Asked, effective_at: datetime, notified_at: datetime
) -> Looked:
    """The sheet beside what is in force, with its lines at the instants at which they begin."""
    lines, there = offered.lines, ground.there
    asked_s, _ = rate_bounds(lines)
    allowed = _allowed(ground.agreement, asked, notified_at)
    compared, begins = allowed_begins(there, lines, allowed)
    notified_s = int(notified_at.timestamp())
    is_short = begins > np.maximum(
        asked_s, notified_s
    )  # put off by the agreement, not only to the day on which it came
    if ground.agreement is not None and ground.agreement.on_breach == OnBreach.FLAG:
        compared, begins = allowed_begins(there, lines, _allowed(None, asked, notified_at))
    elif ground.agreement is not None and ground.agreement.on_breach == OnBreach.REFUSE:
        kinds = np.where(is_short, Kind.REFUSED, compared.kinds).astype(np.int8)
        compared = replace(compared, kinds=kinds, differs=np.where(is_short, 0, compared.differs).astype(np.int8))
    dated, is_last = _in_a_row(lines, begins, compared.kinds != Kind.REFUSED)
    # A code that the sheet seems to leave out may stand in a row that cannot be read.
    scope = Scope.PARTIAL if len(offered.errors) else asked.scope
    return Looked(
        there=there,
        lines=dated,
        compared=compared,
        ends=closings(
            there,
            dated,
            is_closed=compared.kinds == Kind.CLOSED,
            scope=scope,
            closes_at_s=max(int(effective_at.timestamp()), allowed(Kind.CLOSED)),
        ),
        closes_nothing=scope is not asked.scope,
        scope=asked.scope,
        asked_s=asked_s,
        short=is_short,
        notified_s=notified_s,
        currencies=offered.currencies,
        currency=ground.tariff.currency,
        errors=len(offered.errors) + int((compared.kinds == Kind.REFUSED).sum()),
        doubts=offered.doubts,
        is_last=is_last,
        is_repeated=ground.is_repeated,
        special=ground.special,
    )


def _are_written(looked: Looked) -> npt.NDArray[np.bool_]:
    """The lines that become rates. An unchanged one does where the rate in force would end sooner: what was to follow is off."""
    kinds, before = looked.compared.kinds, looked.compared.before
    _, ends = rate_bounds(looked.lines)
    _, there_ends = rate_bounds(looked.there)
    until = np.where(before >= 0, there_ends[before] if len(there_ends) else 0, ends)
    lasts = (kinds == Kind.UNCHANGED) & ~looked.lines["is_closed"].to_numpy() & (until < ends)
    return looked.is_last & (np.isin(kinds, _MAKES_RATES) | lasts)


def _allowed(agreement: Agreement | None, asked: Asked, notified_at: datetime) -> Callable[[Kind], int]:
    """From when on a change of a kind may begin, in seconds."""
    at_once = -(2**62) if asked.reaches_back else int(notified_at.timestamp())
    days = {} if agreement is None else notice_days(agreement)
    instants = dict.fromkeys(Kind, at_once)
    for kind in Kind:
        if agreement is not None and (needed := days.get(_TOLD.get(kind, kind), 0)):
            instants[kind] = int(notice_of(agreement).first_allowed(notified_at, needed).timestamp())
    return instants.__getitem__


def _in_a_row(
    lines: pa.Table, begins_s: Int64s, counts: npt.NDArray[np.bool_]
) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """The lines at their beginnings, each ended by the next one of the same rate; and which hold at all, for two can have been put off to one instant.

    Only those that `counts` marks end others or are ended.
    """
    keys = rate_keys(lines)
    asked_s, ends = rate_bounds(lines)
    ends = ends.copy()
    rows = np.flatnonzero(counts)
    order = rows[np.lexsort((asked_s[rows], begins_s[rows], keys[rows]))]
    here, following = order[:-1], order[1:]
    same = keys[here] == keys[following]
    here, following = here[same], following[same]
    ends[here] = np.minimum(ends[here], begins_s[following])
    holds = begins_s < ends
    ever = np.iinfo(np.int64).max
    for name, instants in (("valid_from", begins_s), ("valid_to", np.where(holds, ends, ever))):
        place = lines.schema.get_field_index(name)
        values = pa.array(instants, mask=instants == ever).cast(pa.timestamp("s", tz="UTC"))
        lines = lines.set_column(place, lines.schema.field(place), values)
    return lines, holds


def weighed_of(tenant_id: int, looked: Looked, ground: Ground, *, actor: str, at: datetime) -> Weighed:
    """What the changes cost by the traffic of the last days; records are read in a scope of its own, and only where new codes take numbers from others."""

    def read(rates: Sequence[int], digits: int) -> Charged | None:
        try:
            with tenant_scope(tenant_id, actor):
                return charged_numbers(ground.tariff, rates, digits, at)
        except Unavailable:  # a sheet can be looked at without
            return None

    return weigh(looked, ground.quantities, read)


def counts_of(looked: Looked, weighed: Weighed) -> dict[str, Any]:
    """Lines of each kind, what cannot be read, and what the changes cost, as `SheetImport.counts` has them."""
    closed = looked.there["code"].take(pa.array(looked.ends.rows))
    counts: dict[str, Any] = count_kinds(looked.compared, int(pc.count_distinct(closed).as_py()))
    return counts | {"lines": len(looked.lines), "errors": looked.errors} | weighed.as_counts()


def write_compared(place: Path, looked: Looked, errors: pa.Table, *, are_all_written: bool = False) -> None:
    """Keep what was compared beside the sheet: its lines, the codes that close, the rows that gave none. All lines become rates, or those that must."""
    compared = looked.compared
    before = looked.there["id"].take(pa.array(compared.before, mask=compared.before < 0))
    columns = {
        "kind": pa.array(compared.kinds),
        "differs": pa.array(compared.differs),
        "before": before,
        "asked": pa.array(looked.asked_s).cast(pa.timestamp("s", tz="UTC")),
        "is_short": pa.array(looked.short),
        "is_written": pa.array(_are_written(looked) | are_all_written),
    }
    lines = looked.lines
    for field in COMPARED:
        lines = lines.append_column(field, columns[field.name])
    at = pa.array(looked.ends.at_s).cast(ENDS.field("at").type)
    # The change needs ids and instants; the rest is what people look at.
    ends = looked.there.select(["id", "code", "origin", "destination", "steps", "blocked"]).take(
        pa.array(looked.ends.rows)
    )
    ends = ends.append_column(ENDS.field("at"), at)
    files.write_table(place / files.LINES, lines)
    files.write_table(place / files.CLOSINGS, ends)
    files.write_table(place / files.ERRORS, errors.cast(ERRORS))


def require_state(sheet: SheetImport, wanted: ImportState) -> None:
    """Raises Conflict `not_compared`, `not_applied`."""
    if sheet.state != wanted:
        raise Conflict(f"not_{wanted}", f"The sheet {sheet.file_name} is {sheet.state}, not {wanted}.")


def require_sheet_step(sheet: SheetImport, work: ImportWork, arguments: Mapping[str, Any]) -> None:
    """Raises what applying or undoing a sheet would be refused for at once: Conflict `not_compared`, `not_applied`, `stopped_by_checks`, `tariff_changed`."""
    is_applied_now = work == ImportWork.UNDOING
    require_state(sheet, ImportState.APPLIED if is_applied_now else ImportState.COMPARED)
    if not is_applied_now:
        _require_allowed(sheet, arguments.get("overrule", ()))
    tariffs.require_revision(sheet.tariff, (sheet.left_revision or 0) if is_applied_now else sheet.compared_revision)


def _require_allowed(sheet: SheetImport, overrule: Collection[str]) -> None:
    stopped = [each for each in sheet.findings if each["level"] == Level.STOP and each["check"] not in overrule]
    if stopped:
        said = "\n".join(f"{each['check']}: {each['text']} ({each['lines']})" for each in stopped)
        raise Conflict(
            "stopped_by_checks",
            f"Checks have stopped the sheet:\n{said}",
            hint="Look at it; then discard it, or overrule these checks by name.",
            checks=[each["check"] for each in stopped],
        )


def note_of(text: str) -> str:
    """A reason as it is kept. Raises Invalid `reason_needed`."""
    note = text.strip()[:NOTE_MAX]
    if not note:
        raise Invalid("reason_needed", "Say why.", hint="The reason stands in the history of the tariff.")
    return note

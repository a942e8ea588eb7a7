"""Rates edited by hand, one or thousands: looked at first, then written in one transaction. They take a tenant and open their scopes by themselves.

An edit that is kept (`keep_edit`) is applied once and can be taken back: applied, it is a rate sheet that nobody sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import uuid7
from trunkline.core.money import Amount
from trunkline.core.period import utc_text
from trunkline.engine.units import Unit
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import files
from trunkline.pricing.actions.imports import (
    NOTE_MAX,
    note_of,
    read_standing,
    write_change,
    write_compared,
)
from trunkline.pricing.actions.work import require_not_written, require_unwritten
from trunkline.pricing.checks import CHECKS, Finding, Level, Looked, Settings, count_kinds, findings
from trunkline.pricing.choices import ImportState, ImportWork
from trunkline.pricing.compare import LINES, Ends, Kind, Scope, compare
from trunkline.pricing.deck_queries import special_codes
from trunkline.pricing.edit_queries import state_of
from trunkline.pricing.models import Agreement, SheetImport, TariffEdit
from trunkline.pricing.offered import ERRORS
from trunkline.pricing.queries import charged_quantities, notice_days, notice_of
from trunkline.pricing.rate_edits import Chosen, Edited, RateEdit, edit_rates
from trunkline.pricing.weighing import weigh
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rate_file import STANDING, rate_bounds
from trunkline.tariffs.rules import describe_steps, parse_steps
from trunkline.tenancy.scope import scope
from trunkline.tenancy.storage import note_folder
from trunkline.usage.proposals import propose
from trunkline.usage.spool import write_synced

Clock = Callable[[], datetime]

SAMPLES: Final = 12
LOOKS_KEPT: Final = timedelta(days=30)
FILE_NAME: Final = "rate-edit.json"
_TOLD: Final = {Kind.MOVED: Kind.INCREMENT}
# What may be wrong with prices that somebody has set by hand. It warns: whoever edits has said what they want.
_CHECKS: Final = ("negative", "jump", "zero", "increment_worse", "short_notice", "past", "special")


@dataclass(frozen=True, slots=True)
class EditLook:
    """What an edit would do: how many rates it makes, ends and leaves; the first ones before and after; which of them begin too soon; what checks found.

    `breaches` has for each kind of change how many begin sooner than the agreement allows, and the first instant that it does allow. `monthly_cost` is what
    the new prices cost a month more by the last quantities.
    """

    revision: int
    chosen: int
    changed: int
    ended: int
    unchanged: int
    over: int
    kinds: dict[str, int]
    samples: list[dict[str, Any]]
    breaches: dict[str, tuple[int, datetime]]
    reaches_back: int
    monthly_cost: Amount
    findings: list[Finding]

    @property
    def counts(self) -> dict[str, Any]:
        """What becomes of the chosen rates, as `TariffEdit.counts` has it."""
        names = ("chosen", "changed", "ended", "unchanged", "over")
        counts: dict[str, Any] = {name: getattr(self, name) for name in names}
        return counts | {
            "begin_in_the_past": self.reaches_back,
            "monthly_cost": str(self.monthly_cost),
            "kinds": self.kinds,
        }

    @property
    def dated_samples(self) -> list[dict[str, Any]]:
        """The samples in plain values for JSON."""
        return [each | {name: utc_text(each[name]) for name in ("begins", "ends")} for each in self.samples]

    @property
    def dated_breaches(self) -> dict[str, Any]:
        """The breaches in plain values for JSON."""
        return {kind: {"count": count, "first_allowed": utc_text(day)} for kind, (count, day) in self.breaches.items()}


@dataclass(frozen=True, slots=True)
class EditDone:
    """What an edit did: the tariff's new revision, rates made, rates that ended or were voided, whether a re-rating is proposed."""

    revision: int
    made: int
    ended: int
    proposes: bool


@dataclass(frozen=True, slots=True)
class _Ground:
    """What an edit is worked out on, read at one instant."""

    tariff: Tariff
    there: pa.Table
    agreement: Agreement | None
    quantities: Mapping[int, int]
    special: Sequence[tuple[str, int, int]]


def look_at_edit(
    tenant_id: int, *, tariff_id: int, chosen: Chosen, edit: RateEdit, agreement_id: int | None = None, actor: str, at: datetime
) -> EditLook:  # fmt: skip
    """What an edit would do; nothing is written. Raises NotFound `not_found`, Conflict `tariff_changed`, Invalid what `edit_rates` raises."""
    with scope(tenant_id, actor):
        ground = _ground(tariff_id, agreement_id, at)
    return _look(ground, _worked_out(ground, chosen, edit, at), at)


def edit(
    tenant_id: int, *, tariff_id: int, chosen: Chosen, edit: RateEdit, revision: int | None = None, reason: str, actor: str, at: datetime
) -> EditDone:  # fmt: skip
    """Change the chosen rates, all of them or none, and propose a re-rating if that reaches into posted traffic.

    `revision` is the one that was looked at. Raises NotFound `not_found`; Conflict `tariff_changed` if the tariff has another one by now,
    `tariff_is_worked_on` while a worker writes into it; Invalid `nothing_chosen` if no rate is left to change, and what `edit_rates` raises.
    """
    with scope(tenant_id, actor):
        tariff = _tariff(tariff_id)
        require_unwritten(tariff_id)
        looked_at = tariff.revision if revision is None else revision
        tariffs.require_revision(tariff, looked_at)
        there = read_standing(tariff)
    edited = edit_rates(there, chosen.rows(there), edit, unit=Unit(tariff.unit), now=at)
    _require_changes(edited)
    with scope(tenant_id, actor, reason=reason):
        done = tariffs.change_rates(
            tariff_id=tariff_id, rates=edited.rates, ends=edited.ends, revision=looked_at, there=there, at=at
        )
        proposed = propose(cause=_cause(tariff), tariff=tariff, start_from=done.begins, at=at)
    return EditDone(done.revision, done.made, len(done.ended), proposed is not None)


def keep_edit(
    tenant_id: int,
    *,
    tariff_id: int,
    chosen: Chosen,
    edit: RateEdit,
    agreement_id: int | None = None,
    reason: str = "",
    actor: str,
    at: datetime,
) -> TariffEdit:
    """Look at what an edit would do and keep it, to be applied. Nothing of it counts until then.

    Raises NotFound `not_found`, Conflict `tariff_changed`, Invalid what `edit_rates` raises.
    """
    with scope(tenant_id, actor):
        ground = _ground(tariff_id, agreement_id, at)
    look = _look(ground, _worked_out(ground, chosen, edit, at), at)
    public_id = uuid7()
    place = files.import_folder(tenant_id, public_id)
    said = {
        "edit": str(public_id),  # so that no two edits are the same file
        "tariff": ground.tariff.name,
        "revision": look.revision,
        "looked_at": utc_text(at),
        "chosen": chosen.as_json(),
        "change": edit.as_json(),
    }
    try:
        write_synced(place / files.ORIGINAL, [json.dumps(said, indent=2, ensure_ascii=False).encode()])
        files.write_table(place / files.GROUND, ground.there)
        with scope(tenant_id, actor):
            note_folder(place, at=at)
            return TariffEdit.objects.create(
                public_id=public_id,
                tariff=ground.tariff,
                agreement=ground.agreement,
                chosen=said["chosen"],
                change=said["change"],
                revision=look.revision,
                counts=look.counts,
                findings=[each.as_json() for each in look.findings],
                breaches=look.dated_breaches,
                samples=look.dated_samples,
                asked_by=actor,
                looked_at=at,
                reason=reason.strip()[:NOTE_MAX],
            )
    except BaseException:
        files.remove_folder(place)
        raise


def apply_edit(tenant_id: int, edit_id: int, *, reason: str = "", actor: str, now: Clock) -> TariffEdit:
    """Make an edit true, all of it in one transaction, as a sheet of its tariff; propose a re-rating if that reaches into posted traffic.

    What begins at once begins when it is applied, not when it was looked at. Raises NotFound `not_found`, `file_gone`; Conflict `not_compared` if it was
    applied or discarded before, `tariff_changed` if the tariff was changed since it was looked at; Invalid `nothing_chosen` if no rate is left to change.
    """
    at = now()
    with scope(tenant_id, actor):
        kept = _kept(edit_id)
        require_edit_step(kept)
        quantities, special = charged_quantities(kept.tariff, at), special_codes(kept.tariff)
    place = files.find_import_folder(tenant_id, kept.public_id)
    if not (place / files.GROUND).exists():
        raise NotFound("file_gone", "What was looked at is not there any more.", hint="Look again.")
    there = files.read_table(place / files.GROUND).cast(STANDING).combine_chunks()
    ground = _Ground(kept.tariff, there, kept.agreement, quantities, special)
    edited, looked, _ = worked = _worked_out(ground, Chosen.of_json(kept.chosen), RateEdit.of_json(kept.change), at)
    _require_changes(edited)
    look = _look(ground, worked, at)
    note = reason.strip()[:NOTE_MAX] or kept.reason
    with scope(tenant_id, actor, reason=note):
        (kept,) = lock_rows(TariffEdit.objects.select_related("tariff", "agreement", "sheet"), [edit_id])
        _require_compared(kept)
        sheet = _sheet_of(kept, place, looked, look, note, at)
        write_change(
            sheet,
            place,
            rates=edited.rates,
            ends=edited.ends,
            revision=kept.revision,
            there=there,
            cause=_cause(kept.tariff),
            at=at,
        )
        kept.sheet, kept.reason, kept.work, kept.problem = sheet, note, ImportWork.NONE, None
        kept.save()
    return kept


def discard_edit(*, edit_id: int, reason: str, at: datetime) -> TariffEdit:
    """Say no to an edit that is not applied; it stays in the history. Raises NotFound `not_found`, Conflict `not_compared`, Invalid `reason_needed`."""
    note = note_of(reason)
    with transaction.atomic():
        require_not_written(TariffEdit.objects.filter(pk=edit_id))
        (kept,) = lock_rows(TariffEdit.objects.select_related("sheet"), [edit_id])
        _require_compared(kept)
        kept.discarded_at, kept.reason, kept.work = at, note, ImportWork.NONE
        kept.save()
    return kept


def forget_looks(*, at: datetime) -> int:
    """Forget the edits that nobody has applied for `LOOKS_KEPT`; how many. Their folders go with the next sweep."""
    looks = TariffEdit.objects.filter(sheet=None, work=ImportWork.NONE, looked_at__lt=at - LOOKS_KEPT)
    return looks.delete()[0]


def _ground(tariff_id: int, agreement_id: int | None, at: datetime) -> _Ground:
    tariff = _tariff(tariff_id)
    agreement = Agreement.objects.filter(pk=agreement_id).first() if agreement_id else None
    return _Ground(tariff, read_standing(tariff), agreement, charged_quantities(tariff, at), special_codes(tariff))


def _tariff(tariff_id: int) -> Tariff:
    found = Tariff.objects.filter(pk=tariff_id).first()
    if found is None:
        raise NotFound("not_found", "tariff not found.")
    return found


def _kept(edit_id: int) -> TariffEdit:
    found = TariffEdit.objects.select_related("tariff", "agreement", "sheet").filter(pk=edit_id).first()
    if found is None:
        raise NotFound("not_found", "rate edit not found.")
    return found


def _cause(tariff: Tariff) -> str:
    return f"rates of {tariff.name} edited"


def _require_compared(kept: TariffEdit) -> None:
    state = state_of(kept)
    if state != ImportState.COMPARED:
        raise Conflict("not_compared", f"The edit is {state}, not compared.")


def require_edit_step(kept: TariffEdit) -> None:
    """Raises what applying an edit would be refused for at once: Conflict `not_compared`, `tariff_changed`."""
    _require_compared(kept)
    tariffs.require_revision(kept.tariff, kept.revision)


def _require_changes(edited: Edited) -> None:
    if not len(edited.rates) and not len(edited.ends):
        raise Invalid(
            "nothing_chosen",
            "No rate is left to change.",
            hint="They are like that already, or have ended. Choose others.",
        )


def _worked_out(
    ground: _Ground, chosen: Chosen, edit: RateEdit, at: datetime
) -> tuple[Edited, Looked, dict[str, tuple[int, datetime]]]:
    """What becomes of the chosen rates, beside what is in force when each begins; and what begins sooner than the agreement allows."""
    there = ground.there
    edited = edit_rates(there, chosen.rows(there), edit, unit=Unit(ground.tariff.unit), now=at)
    count = len(edited.rates)
    lines = edited.rates.append_column(LINES.field("is_closed"), pa.array(np.zeros(count, np.bool_)))
    lines = lines.append_column(LINES.field("refused"), pa.nulls(count, pa.string())).combine_chunks()
    compared = compare(there, lines)
    begins, _ = rate_bounds(lines)
    closes = _ends_of(edited)
    breaches, is_short = _breaches(ground.agreement, compared.kinds, begins, closes, at)
    looked = Looked(
        there=there,
        lines=lines,
        compared=compared,
        ends=Ends(edited.ended_rows, closes),
        closes_nothing=False,
        scope=Scope.PARTIAL,
        asked_s=begins,
        short=is_short,
        notified_s=int(at.timestamp()),
        currencies=frozenset(),
        currency=ground.tariff.currency,
        errors=0,
        doubts=(),
        is_last=np.ones(count, np.bool_),
        is_repeated=False,
        special=ground.special,
    )
    return edited, looked, breaches


def _ends_of(edited: Edited) -> np.ndarray:
    """When the rates that only end do so, in the order of `only_end`, in seconds."""
    at = edited.ends["at"].combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False)
    place = pc.index_in(pa.array(edited.only_end, pa.int64()), edited.ends["id"].combine_chunks())
    return np.asarray(at[place.to_numpy(zero_copy_only=False)])


def _look(ground: _Ground, worked: tuple[Edited, Looked, dict[str, tuple[int, datetime]]], at: datetime) -> EditLook:
    edited, looked, breaches = worked
    kinds = looked.compared.kinds
    return EditLook(
        revision=ground.tariff.revision,
        chosen=edited.chosen,
        changed=len(edited.rates),
        ended=len(edited.ended_rows),
        unchanged=edited.unchanged,
        over=edited.over,
        kinds={kind.name.lower(): int((kinds == kind).sum()) for kind in Kind if (kinds == kind).any()},
        samples=_samples(ground.there, edited),
        breaches=breaches,
        reaches_back=int((looked.asked_s < int(at.timestamp())).sum()),
        monthly_cost=weigh(looked, ground.quantities, _no_numbers).cost,
        findings=findings(
            looked, Settings(dict.fromkeys(CHECKS, Level.IGNORE) | dict.fromkeys(_CHECKS, Level.WARN), {})
        ),
    )


def _no_numbers(rates: Sequence[int], digits: int) -> None:
    """An edit makes no codes, so no number goes from one code to another that was not there."""


def _sheet_of(kept: TariffEdit, place: Path, looked: Looked, look: EditLook, note: str, at: datetime) -> SheetImport:
    """The sheet that an edit is once it is applied, with its lines beside it."""
    data = (place / files.ORIGINAL).read_bytes()
    write_compared(place, looked, ERRORS.empty_table(), are_all_written=True)
    closed = pc.count_distinct(looked.there["code"].take(pa.array(looked.ends.rows))).as_py()
    cost = {"lines": look.changed, "errors": 0, "monthly_cost": str(look.monthly_cost)}
    return SheetImport(
        public_id=kept.public_id,
        tariff=kept.tariff,
        agreement=kept.agreement,
        scope=Scope.PARTIAL,
        file_name=FILE_NAME,
        sha256=hashlib.sha256(data).hexdigest(),
        octets=len(data),
        notified_at=at,
        effective_at=RateEdit.of_json(kept.change).begins_at or at,
        counts=count_kinds(looked.compared, int(closed)) | cost,
        findings=[each.as_json() for each in look.findings],
        compared_revision=kept.revision,
        asked_by=kept.asked_by,
        created_at=at,
        reason=note,
    )


def _breaches(
    agreement: Agreement | None, kinds: np.ndarray, begins: np.ndarray, closes: np.ndarray, at: datetime
) -> tuple[dict[str, tuple[int, datetime]], np.ndarray]:
    """For each kind how many begin sooner than the agreement allows, and the first instant that it allows; and which new rates do."""
    is_short, found = np.zeros(len(kinds), np.bool_), {}
    if agreement is None:
        return {}, is_short
    days, notice = notice_days(agreement), notice_of(agreement)
    for kind in Kind:
        needed = days.get(_TOLD.get(kind, kind), 0)
        if kind is Kind.UNCHANGED or not needed or not (kinds == kind).any():
            continue
        allowed = notice.first_allowed(at, needed)
        is_early = (kinds == kind) & (begins < int(allowed.timestamp()))
        is_short |= is_early
        if is_early.any():
            found[kind.name.lower()] = (int(is_early.sum()), allowed)
    if len(closes) and (needed := days.get(Kind.CLOSED, 0)):
        allowed = notice.first_allowed(at, needed)
        count = int((closes < int(allowed.timestamp())).sum())
        if count:
            found["closed"] = (count, allowed)
    return found, is_short


def _samples(there: pa.Table, edited: Edited) -> list[dict[str, Any]]:
    """Some of the new rates beside what they were, and some that only end."""
    places = np.unique(np.linspace(0, max(len(edited.rates) - 1, 0), SAMPLES).astype(np.int64))[: len(edited.rates)]
    after = edited.rates.take(pa.array(places)).to_pylist()
    before = there.take(pa.array(edited.rows[places])).to_pylist()
    found = [
        {
            "code": new["code"],
            "destination": new["destination"] or "",
            "before": _price(old),
            "after": _price(new),
            "begins": new["valid_from"],
            "ends": new["valid_to"],
        }
        for old, new in zip(before, after, strict=True)
    ]
    if len(edited.ended_rows):
        at = dict(zip(edited.ends["id"].to_pylist(), edited.ends["at"].to_pylist(), strict=True))
        for old in there.take(
            pa.array(edited.ended_rows[: SAMPLES - len(found) if len(found) < SAMPLES else 3])
        ).to_pylist():
            found.append(
                {
                    "code": old["code"],
                    "destination": old["destination"] or "",
                    "before": _price(old),
                    "after": "",
                    "begins": None,
                    "ends": at[old["id"]],
                }
            )
    return found


def _price(row: dict[str, Any]) -> str:
    return "blocked" if row["blocked"] else describe_steps(parse_steps(row["steps"]))

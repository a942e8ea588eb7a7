"""Rates edited by hand, one or thousands: looked at first, then written in one transaction. They take a tenant and open their scopes by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trunkline.core.errors import Invalid, NotFound
from trunkline.engine.units import Unit
from trunkline.pricing.compare import LINES, Kind, compare
from trunkline.pricing.models import Agreement
from trunkline.pricing.queries import notice_days, notice_of
from trunkline.pricing.rate_edits import Chosen, Edited, RateEdit, edit_rates
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rules import describe_steps, parse_steps
from trunkline.tenancy.scope import scope
from trunkline.usage.proposals import propose

SAMPLES: Final = 12
_TOLD: Final = {Kind.MOVED: Kind.INCREMENT}


@dataclass(frozen=True, slots=True)
class EditLook:
    """What an edit would do: how many rates it makes, ends and leaves; the first ones before and after; which of them begin too soon.

    `breaches` has for each kind of change how many begin sooner than the agreement allows, and the first instant that it does allow.
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


@dataclass(frozen=True, slots=True)
class EditDone:
    """What an edit did: the tariff's new revision, rates made, rates that ended or were voided, whether a re-rating is proposed."""

    revision: int
    made: int
    ended: int
    proposes: bool


def look_at_edit(
    tenant_id: int, *, tariff_id: int, chosen: Chosen, edit: RateEdit, agreement_id: int | None = None, actor: str, at: datetime
) -> EditLook:  # fmt: skip
    """What an edit would do; nothing is written. Raises NotFound `not_found`, Invalid what `edit_rates` raises."""
    with scope(tenant_id, actor):
        tariff = _tariff(tariff_id)
        there = tariffs.standing_rates(tariff)
        agreement = Agreement.objects.filter(pk=agreement_id).first() if agreement_id else None
    edited = edit_rates(there, chosen.rows(there), edit, unit=Unit(tariff.unit), now=at)
    kinds = _kinds(there, edited)
    begins = edited.rates["valid_from"].combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False)
    return EditLook(
        revision=tariff.revision,
        chosen=edited.chosen,
        changed=len(edited.rates),
        ended=len(edited.ended_rows),
        unchanged=edited.unchanged,
        over=edited.over,
        kinds={kind.name.lower(): int((kinds == kind).sum()) for kind in Kind if (kinds == kind).any()},
        samples=_samples(there, edited),
        breaches=_breaches(agreement, edited, kinds, begins, at),
        reaches_back=int((begins < int(at.timestamp())).sum()) if len(begins) else 0,
    )


def edit(
    tenant_id: int, *, tariff_id: int, chosen: Chosen, edit: RateEdit, revision: int | None = None, reason: str, actor: str, at: datetime
) -> EditDone:  # fmt: skip
    """Change the chosen rates, all of them or none, and propose a re-rating if that reaches into posted traffic.

    `revision` is the one that was looked at. Raises NotFound `not_found`; Conflict `tariff_changed` if the tariff has another one by now; Invalid
    `nothing_chosen` if no rate is left to change, and what `edit_rates` raises.
    """
    with scope(tenant_id, actor):
        tariff = _tariff(tariff_id)
        there = tariffs.standing_rates(tariff)
        looked_at = tariff.revision if revision is None else revision
        tariffs.require_revision(tariff, looked_at)
    edited = edit_rates(there, chosen.rows(there), edit, unit=Unit(tariff.unit), now=at)
    if not len(edited.rates) and not len(edited.ends):
        raise Invalid(
            "nothing_chosen",
            "No rate is left to change.",
            hint="They are like that already, or have ended. Choose others.",
        )
    with scope(tenant_id, actor, reason=reason):
        done = tariffs.change_rates(
            tariff_id=tariff_id, rates=edited.rates, ends=edited.ends, revision=looked_at, at=at
        )
        first = done.begins
        cause = f"rates of {tariff.name} edited"
        proposed = propose(cause=cause, tariff=tariff, start_from=first, at=at)
    return EditDone(done.revision, done.made, len(done.ended), proposed is not None)


def _tariff(tariff_id: int) -> Tariff:
    found = Tariff.objects.filter(pk=tariff_id).first()
    if found is None:
        raise NotFound("not_found", "tariff not found.")
    return found


def _kinds(there: pa.Table, edited: Edited) -> np.ndarray:
    """What each new rate is beside what is in force when it begins."""
    count = len(edited.rates)
    lines = edited.rates.append_column(LINES.field("is_closed"), pa.array(np.zeros(count, np.bool_)))
    lines = lines.append_column(LINES.field("refused"), pa.nulls(count, pa.string())).combine_chunks()
    return compare(there, lines).kinds


def _breaches(
    agreement: Agreement | None, edited: Edited, kinds: np.ndarray, begins: np.ndarray, at: datetime
) -> dict[str, tuple[int, datetime]]:
    if agreement is None:
        return {}
    days, notice, found = notice_days(agreement), notice_of(agreement), {}
    for kind in Kind:
        needed = days.get(_TOLD.get(kind, kind), 0)
        if kind is Kind.UNCHANGED or not needed or not (kinds == kind).any():
            continue
        allowed = notice.first_allowed(at, needed)
        count = int(((kinds == kind) & (begins < int(allowed.timestamp()))).sum())
        if count:
            found[kind.name.lower()] = (count, allowed)
    if len(edited.ends) and (needed := days.get(Kind.CLOSED, 0)):
        allowed = notice.first_allowed(at, needed)
        closes = edited.ends.filter(pa.array(np.isin(edited.ends["id"].to_numpy(), edited.only_end)))["at"]
        count = int(
            (closes.combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False) < int(allowed.timestamp())).sum()
        )
        if count:
            found["closed"] = (count, allowed)
    return found


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

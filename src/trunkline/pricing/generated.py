"""Reads of generators: what is kept, what their runs have made of each code, and what that earns. All need an open scope."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Prefetch, QuerySet

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.money import EXACT, PRICE_SCALE
from trunkline.engine.units import Unit
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.models import find_public
from trunkline.pricing import files
from trunkline.pricing.changes import ORDER
from trunkline.pricing.compare import Kind
from trunkline.pricing.generator.costs import charged_per
from trunkline.pricing.generator.generate import Became, price_text
from trunkline.pricing.generator.prices import HeldBy
from trunkline.pricing.models import Generator, GeneratorRun, GeneratorSource, SheetImport
from trunkline.pricing.queries import charged_quantities
from trunkline.tariffs.models import CodeDeck, Rate, Tariff
from trunkline.tariffs.rules import describe_steps, parse_steps

MADE_FILE: Final = "made.arrow"
# What the codes of a run can be asked for besides the kind of change.
ONLY: Final = ("floor", "maximum", "below_cost", "no_offer", "excluded", "collapsed", "no_line")
Bools = npt.NDArray[np.bool_]


def generators() -> QuerySet[Generator]:
    """Every generator, by name, with its tariffs and its deck."""
    sources = Prefetch("sources", queryset=GeneratorSource.objects.select_related("tariff").order_by("position"))
    return Generator.objects.select_related("tariff", "deck", "agreement").prefetch_related(sources).order_by("name")


def get_generator(name: str) -> Generator:
    """The generator of that name. Raises NotFound `not_found`."""
    found = generators().filter(name=name).first()
    if found is None:
        raise NotFound("not_found", f"There is no generator {name!r}.")
    return found


def access_generator(public_id: str) -> Generator:
    """The generator of that id. Raises NotFound `not_found`."""
    found = find_public(generators(), public_id)
    if found is None:
        raise NotFound("not_found", "generator not found.")
    return found


def sources_of(generator: Generator) -> QuerySet[GeneratorSource]:
    """The tariffs that a generator takes prices from, in their order."""
    return GeneratorSource.objects.filter(generator=generator).select_related("tariff").order_by("position")


def get_deck(name: str) -> CodeDeck:
    """The deck of that name. Raises NotFound `not_found`."""
    found = CodeDeck.objects.filter(name=name).first()
    if found is None:
        raise NotFound("not_found", f"There is no code deck {name!r}.")
    return found


def runs(generator: Generator | None = None) -> QuerySet[GeneratorRun]:
    """Runs, the latest first; those of a generator."""
    found = GeneratorRun.objects.select_related(
        "generator", "generator__tariff", "generator__deck", "sheet", "sheet__tariff", "sheet__agreement"
    ).order_by("-pk")
    return found if generator is None else found.filter(generator=generator)


def access_run(public_id: str) -> GeneratorRun:
    """The run of that id. Raises NotFound `not_found`."""
    found = find_public(runs(), public_id)
    if found is None:
        raise NotFound("not_found", "run not found.")
    return found


def get_run(text: str) -> GeneratorRun:
    """The run of that id, or the last one of the generator of that name. Raises NotFound `not_found`."""
    found = find_public(runs(), text) or runs().filter(generator__name=text).first()
    if found is None:
        raise NotFound("not_found", f"There is no run {text[:80]!r}.", hint="`trunkline generator runs` shows them.")
    return found


def access_made(public_id: str) -> tuple[GeneratorRun, SheetImport]:
    """The run of that id and its sheet. Raises NotFound `not_found`, Conflict `not_made` if it has none."""
    found = access_run(public_id)
    return found, sheet_of(found)


def sheet_of(run: GeneratorRun) -> SheetImport:
    """The sheet of a run. Raises Conflict `not_made` if it has none."""
    if run.sheet is None:
        raise Conflict("not_made", "The run has made no prices.", hint=run.failure_detail or "Wait until it is made.")
    return run.sheet


def state_of(run: GeneratorRun) -> str:
    """How far a run has come: what became of its sheet, once there is one."""
    return str(run.state if run.sheet is None else run.sheet.state)


def recent_units(tariff: Tariff, codes: pa.Array, at: datetime) -> npt.NDArray[np.int64]:
    """The units that rates of each code have charged lately, whichever rate of the code it was."""
    quantities = charged_quantities(tariff, at)
    found = np.zeros(len(codes), np.int64)
    if not quantities:
        return found
    rows = Rate.objects.filter(pk__in=list(quantities), tariff=tariff).values_list("pk", "code")
    charged: dict[str, int] = {}
    for rate, code in rows:
        charged[code] = charged.get(code, 0) + quantities[rate]
    place = pc.index_in(pa.array(list(charged), pa.string()), codes).to_pylist()
    for at_code, units in zip(place, charged.values(), strict=True):
        if at_code is not None:
            found[at_code] = units
    return found


def figures_of(made: pa.Table, unit: Unit) -> dict[str, Any]:
    """What became of the codes, and what those with traffic would earn, cost and leave in a month like the last one, in the target's currency."""
    became = np.bincount(made["became"].to_numpy(), minlength=len(Became))
    held = made["held_by"].to_numpy()
    rows = np.flatnonzero((made["units"].to_numpy() > 0) & (made["became"].to_numpy() == Became.PRICED))
    units = made["units"].to_numpy()[rows].tolist()
    earned, paid = (
        sum(price * each for price, each in zip(made[name].to_numpy()[rows].tolist(), units, strict=True))
        for name in ("price", "cost")
    )
    scale = PRICE_SCALE * charged_per(unit)
    return {
        "codes": len(made),
        **{each.name.lower(): int(became[each]) for each in Became},
        "held_by_floor": int((held == HeldBy.FLOOR).sum()),
        "held_by_maximum": int((held == HeldBy.MAXIMUM).sum()),
        "below_cost": int(made["is_below_cost"].to_numpy().sum()),
        "units": sum(units),
        "monthly_revenue": str(EXACT.ratio(earned, scale)),
        "monthly_cost": str(EXACT.ratio(paid, scale)),
        "monthly_margin": str(EXACT.ratio(earned - paid, scale)),
    }


def run_rows(
    run: GeneratorRun, *, kind: str | None = None, only: str | None = None, code: str = "", limit: int, offset: int = 0
) -> list[dict[str, Any]]:
    """What a run makes of the codes, what matters most first: price before and now, cost, margin, who is cheapest, minutes of the last days.

    `kind` as of a sheet's lines, `only` one of `ONLY`, `code` for those that begin so. Raises Invalid `unknown_kind`.
    """
    if run.sheet is None:
        return []
    place = files.find_import_folder(current_tenant_id(), run.sheet.public_id)
    made = files.read_table(place / MADE_FILE)
    lines = files.read_table(place / files.LINES)
    kinds = np.concatenate([lines["kind"].to_numpy(), np.full(len(made) - len(lines), -1, np.int8)])
    wanted = _wanted(made, kinds, kind, only)
    if code:
        wanted &= np.asarray(pc.starts_with(made["code"], code).to_numpy())
    rank = np.array([*(ORDER.index(each) for each in Kind), len(ORDER)], np.int8)
    rows = np.flatnonzero(wanted)
    order = np.lexsort((rows, -made["units"].to_numpy()[rows], rank[kinds[rows]]))
    rows = rows[order][offset : offset + limit]
    told = made.take(pa.array(rows)).to_pylist()
    in_lines = rows[rows < len(lines)]
    compared = dict(zip(in_lines.tolist(), lines.take(pa.array(in_lines)).to_pylist(), strict=True))
    before = Rate.objects.in_bulk([line["before"] for line in compared.values() if line["before"]])
    names = [each["tariff"] for each in run.sources]
    return [_row(each, compared.get(row), before, names) for row, each in zip(rows.tolist(), told, strict=True)]


def _wanted(made: pa.Table, kinds: npt.NDArray[np.int8], kind: str | None, only: str | None) -> Bools:
    wanted = np.ones(len(made), np.bool_)
    if kind:
        if kind.upper() not in Kind.__members__:
            raise Invalid(
                "unknown_kind", f"There is no kind {kind!r}.", hint=", ".join(each.name.lower() for each in Kind)
            )
        wanted &= kinds == Kind[kind.upper()]
    if only:
        if only not in ONLY:
            raise Invalid("unknown_kind", f"There is no {only!r} to ask for.", hint=", ".join(ONLY))
        wanted &= _only(made, only)
    return wanted


def _only(made: pa.Table, only: str) -> Bools:
    became, held = made["became"].to_numpy(), made["held_by"].to_numpy()
    found = {
        "floor": held == HeldBy.FLOOR,
        "maximum": held == HeldBy.MAXIMUM,
        "below_cost": made["is_below_cost"].to_numpy(),
        "no_offer": np.isin(became, [Became.BLOCKED, Became.LEFT_OUT, Became.KEPT]),
        "excluded": became == Became.EXCLUDED,
        "collapsed": became == Became.COLLAPSED,
        "no_line": ~made["has_line"].to_numpy(),
    }[only]
    return np.asarray(found)


def _row(
    each: dict[str, Any], line: dict[str, Any] | None, before: dict[int, Rate], names: list[str]
) -> dict[str, Any]:
    is_priced = each["became"] == Became.PRICED
    was = before.get(line["before"]) if line and line["before"] else None
    margin = each["price"] - each["cost"]
    return {
        "code": each["code"],
        "destination": each["destination"] or "",
        "became": Became(each["became"]).name.lower(),
        "kind": Kind(line["kind"]).name.lower() if line else "",
        "before": "" if was is None else "blocked" if was.blocked else describe_steps(parse_steps(was.steps)),
        "price": _said(each, line),
        "cost": price_text(each["cost"]) if each["offers"] else "",
        "margin": price_text(margin) if is_priced else "",
        "margin_percent": _percent(margin, each["price"]) if is_priced else "",
        "offers": each["offers"],
        "cheapest": names[each["cheapest"]] if each["cheapest"] >= 0 else "",
        "held_by": "" if each["held_by"] == HeldBy.NOTHING else HeldBy(each["held_by"]).name.lower(),
        "is_below_cost": each["is_below_cost"],
        "units": each["units"],
        "begins": line["valid_from"].date().isoformat() if line else "",
    }


def _said(each: dict[str, Any], line: dict[str, Any] | None) -> str:
    if line is None:
        return ""
    if line["is_closed"]:
        return "closed"
    return "blocked" if line["blocked"] else describe_steps(parse_steps(line["steps"]))


def _percent(margin: int, price: int) -> str:
    """The margin in percent of the price, for people: one decimal."""
    return "" if price <= 0 else str(EXACT.ratio(margin * 100, price).round_to(1))

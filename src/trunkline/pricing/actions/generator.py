"""Generators of selling prices: kept, and run. A run is a rate sheet that nobody sent: it is applied and undone as one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db import IntegrityError, transaction

from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError
from trunkline.core.period import first_instant, get_zone, local_date, utc_text
from trunkline.engine.units import Unit
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_scope, current_tenant_id
from trunkline.pricing import files, generated
from trunkline.pricing.actions.imports import Asked, import_sheet
from trunkline.pricing.choices import RUN_GENERATOR, RunState
from trunkline.pricing.compare import Scope
from trunkline.pricing.generator.generate import Generated, Source, Target, generate
from trunkline.pricing.generator.settings import Settings
from trunkline.pricing.models import Agreement, Generator, GeneratorRun, GeneratorSource, SheetImport
from trunkline.pricing.offered import ERRORS, Offered, Ways
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.asked import asked_rates, codes_from, deck_table, group_members
from trunkline.tariffs.lineage import ancestors_of
from trunkline.tariffs.models import CodeDeck, Tariff
from trunkline.tariffs.queries import last_exchange_rates
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope as tenant_scope

Clock = Callable[[], datetime]
NAME_MAX: Final = 120
SOURCES_MAX: Final = 100


def create_generator(
    *,
    name: str,
    tariff_id: int,
    deck_id: int,
    source_ids: Sequence[int],
    settings: Mapping[str, Any],
    agreement_id: int | None = None,
    at: datetime,
) -> Generator:
    """Keep how a tariff is made from vendors' tariffs, in the order of their ids as given.

    Raises NotFound `not_found`; Invalid `bad_name`, what `Settings.of` raises, `bad_generator`; Conflict `exists`.
    """
    made = Generator(name=_named(name), tariff_id=tariff_id, deck_id=deck_id, agreement_id=agreement_id, created_at=at)
    sources = _required(made, source_ids, settings)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
            _set_sources(made, sources)
    except IntegrityError as error:
        raise Conflict("exists", f"There is a generator {made.name!r} already.") from error
    return made


def change_generator(
    *,
    generator_id: int,
    source_ids: Sequence[int] | None = None,
    settings: Mapping[str, Any] | None = None,
    **given: Any,
) -> Generator:
    """Change what is given: `name`, `tariff_id`, `deck_id`, `agreement_id`, the sources, the settings as a whole. Runs that were made stay what they are.

    Raises as `create_generator`.
    """
    try:
        with transaction.atomic():
            (generator,) = lock_rows(Generator.objects.all(), [generator_id])
            if "name" in given:
                given["name"] = _named(given["name"])
            for name, value in given.items():
                setattr(generator, name, value)
            if source_ids is None:
                source_ids = list(generated.sources_of(generator).values_list("tariff_id", flat=True))
            sources = _required(generator, source_ids, generator.settings if settings is None else settings)
            generator.save()
            _set_sources(generator, sources)
    except IntegrityError as error:
        raise Conflict("exists", f"There is a generator {given.get('name')!r} already.") from error
    return generator


def _named(name: str) -> str:
    found = " ".join(name.split())
    if not 0 < len(found) <= NAME_MAX or not found.isprintable():
        raise Invalid("bad_name", f"A name has 1 to {NAME_MAX} printable characters.")
    return found


def _required(generator: Generator, source_ids: Sequence[int], settings: Mapping[str, Any]) -> list[Tariff]:
    """The sources, if all goes together; the settings are set, in their full form."""
    tariffs_by_id = Tariff.objects.in_bulk([generator.tariff_id, *source_ids])
    is_whole = CodeDeck.objects.filter(pk=generator.deck_id).exists() and generator.tariff_id in tariffs_by_id
    if generator.agreement_id is not None:
        is_whole = is_whole and Agreement.objects.filter(pk=generator.agreement_id).exists()
    if not is_whole or any(each not in tariffs_by_id for each in source_ids):
        raise NotFound("not_found", "tariff, deck or agreement not found.")
    sources = [tariffs_by_id[each] for each in source_ids]
    target = tariffs_by_id[generator.tariff_id]
    if not sources or len(sources) > SOURCES_MAX or len(set(source_ids)) < len(source_ids) or target in sources:
        raise Invalid(
            "bad_generator",
            f"A generator takes prices from 1 to {SOURCES_MAX} other tariffs, each once.",
            hint="Name the vendors' tariffs.",
        )
    _require_apart(target, sources)
    other = next((each for each in sources if each.unit != target.unit), None)
    if other is not None:
        raise Invalid("bad_generator", f"{other.name} counts {other.unit}s and {target.name} {target.unit}s.")
    made = Settings.of(settings)
    names = {each.name for each in sources}
    unknown = next((each.source for each in made.exclusions if each.source and each.source not in names), None)
    if unknown is not None:
        raise Invalid("bad_generator", f"{unknown!r} is excluded for some codes and is no source.")
    group_members(made.groups)
    generator.settings = made.as_json()
    return sources


def _require_apart(target: Tariff, sources: Sequence[Tariff]) -> dict[int, tuple[Tariff, ...]]:
    """The ancestors of the sources. Raises Invalid `bad_generator` where the target is one of them: its prices would be made of themselves."""
    ancestors = ancestors_of(sources)
    heir = next((each for each in sources if target in ancestors[each.pk]), None)
    if heir is not None:
        raise Invalid(
            "bad_generator",
            f"{heir.name} takes over prices of {target.name}, which would be made of themselves.",
            hint="Leave it out, or give it another parent.",
        )
    return ancestors


def _set_sources(generator: Generator, sources: Sequence[Tariff]) -> None:
    GeneratorSource.objects.filter(generator=generator).delete()
    GeneratorSource.objects.bulk_create(
        [GeneratorSource(generator=generator, position=at, tariff=each) for at, each in enumerate(sources, 1)]
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """A generator as it is when a run begins."""

    run: GeneratorRun
    generator: Generator
    settings: Settings
    sources: tuple[Tariff, ...]


def ask_run(
    *,
    generator_id: int,
    effective_at: datetime | None = None,
    prices_at: datetime | None = None,
    is_deferred: bool = True,
    at: datetime,
) -> GeneratorRun:
    """Ask for a run in the name of the scope's actor; a worker makes it unless whoever asks does (`is_deferred`).

    `effective_at`: when its prices begin, never before they are made; None: now, or so many days on as the generator says. `prices_at`: when the vendors'
    prices are taken; None: when ours begin. Raises NotFound `not_found`.
    """
    generator = generated.generators().filter(pk=generator_id).first()
    if generator is None:
        raise NotFound("not_found", "generator not found.")
    days = Settings.of(generator.settings).effective_in_days
    begins = (effective_at or _in_days(generator.tariff, days, at)).replace(microsecond=0)
    asker = current_scope()
    run = GeneratorRun.objects.create(
        generator=generator,
        effective_at=begins,
        prices_at=(prices_at or begins).replace(microsecond=0),
        settings=generator.settings,
        asked_at=at.replace(microsecond=0),
        asked_by=asker.actor if asker else "system",
    )
    if is_deferred:
        jobs.defer(RUN_GENERATOR, key=str(run.pk), tenant_id=current_tenant_id(), run_id=run.pk)
    return run


def make_run(tenant_id: int, run_id: int, *, actor: str, now: Clock) -> GeneratorRun:
    """Make the prices of a run that waits and compare them with the target's. Nothing counts until its sheet is applied (`apply_import`).

    What is in the way is kept with the run, and raised: NotFound `not_found`; Conflict `tariff_changed`; Invalid `no_exchange_rate`, `empty_deck`,
    `nothing_generated`, `overflow`, and what `import_sheet` raises. One that was made is given as it is; cut off by a crash it is made again, and the sheet of
    the first attempt stays one that nobody has applied.
    """
    with tenant_scope(tenant_id, actor):
        run = generated.runs().filter(pk=run_id).first()
        if run is None:
            raise NotFound("not_found", "run not found.")
        if run.state != RunState.WAITING:
            return run
        plan = _plan(run)
    try:
        sheet, made, about = _made(tenant_id, plan, actor, now)
    except TrunklineError as error:
        with tenant_scope(tenant_id, actor):
            run.state, run.failure, run.failure_detail, run.finished_at = RunState.FAILED, error.code, str(error), now()
            run.save()
        raise
    with tenant_scope(tenant_id, actor):
        return _keep(run, plan, sheet, made, about, now())


def _made(tenant_id: int, plan: _Plan, actor: str, now: Clock) -> tuple[SheetImport, Generated, list[dict[str, Any]]]:
    at = now().replace(microsecond=0)
    done: list[tuple[Generated, list[dict[str, Any]]]] = []

    def read(ways: Ways, begins: datetime) -> Offered:
        with tenant_scope(tenant_id, actor):
            deck, sources, about, target = _read(plan)
            groups = group_members(plan.settings.groups)
        made = generate(deck, sources, plan.settings, target, begins, groups)
        if not len(made.lines):
            raise Invalid(
                "nothing_generated",
                f"{plan.generator.name} makes no prices: no vendor offers a code of the deck.",
                hint="Look at the dates of the vendors' prices, the deck and the exclusions.",
            )
        done.append((made, [each | {"fees": fees} for each, fees in zip(about, made.fees, strict=True)]))
        return Offered(made.lines, ERRORS.empty_table(), frozenset(), None, {}, ())

    sheet = import_sheet(
        tenant_id,
        data=_said(plan, at),
        file_name=f"{plan.generator.name}.json",
        read=read,
        asked=Asked(
            plan.generator.tariff_id,
            Scope.PARTIAL,
            agreement_id=plan.generator.agreement_id,
            effective_at=max(plan.run.effective_at, at),  # time has passed since it was asked for
        ),
        notified_at=at,
        actor=actor,
        now=now,
    )
    ((made, about),) = done
    return sheet, made, about


def _plan(run: GeneratorRun) -> _Plan:
    generator = run.generator
    sources = tuple(each.tariff for each in generated.sources_of(generator))
    return _Plan(run, generator, Settings.of(run.settings), sources)


def _in_days(tariff: Tariff, days: int, at: datetime) -> datetime:
    if not days:
        return at
    zone = get_zone(tariff.timezone)
    return first_instant(local_date(at, zone) + timedelta(days=days), zone).astimezone(UTC)


def _said(plan: _Plan, at: datetime) -> bytes:
    """The file of a run: what it was told."""
    said = {
        "generator": plan.generator.name,
        "run": str(plan.run.public_id),  # so that no two runs are the same file
        "run_at": utc_text(at),
        "effective_at": utc_text(plan.run.effective_at),
        "prices_at": utc_text(plan.run.prices_at),
        "deck": plan.generator.deck.name,
        "sources": [{"tariff": each.name, "revision": each.revision} for each in plan.sources],
        "settings": plan.settings.as_json(),
    }
    return json.dumps(said, indent=2, ensure_ascii=False).encode()


def _read(plan: _Plan) -> tuple[pa.Table, list[Source], list[dict[str, Any]], Target]:
    """The deck, the sources with their rates, what is told of each, and the target. Needs an open scope."""
    tariff = plan.generator.tariff
    deck = deck_table(plan.generator.deck)
    if not len(deck):
        raise Invalid(
            "empty_deck", f"The deck {plan.generator.deck} has no codes.", hint="Load one, or choose another deck."
        )
    on = local_date(plan.run.prices_at, get_zone(current_tenant().timezone))
    exchange = last_exchange_rates(on)
    ancestors = _require_apart(tariff, plan.sources)
    sources, about = [], []
    for each in plan.sources:
        found = exchange.find(each.currency, tariff.currency, on)
        if found is None:
            raise Invalid(
                "no_exchange_rate",
                f"There is no exchange rate from {each.currency} to {tariff.currency} on {on}, for {each.name}.",
                hint="Load exchange rates, or leave the vendor out.",
            )
        rates = asked_rates((each, *ancestors[each.pk]), plan.run.prices_at)
        for member in (each, *ancestors[each.pk]):
            tariffs.require_revision(Tariff.objects.get(pk=member.pk), member.revision)
        sources.append(Source(each.name, rates, found[0]))
        about.append(_about(each, ancestors[each.pk], len(rates), found[0], found[1].isoformat()))
    ordinary, special = (codes_from(tariff, plan.run.effective_at, is_special=each) for each in (False, True))
    return deck, sources, about, Target(Unit(tariff.unit), ordinary, special)


def _about(tariff: Tariff, parents: Sequence[Tariff], rates: int, exchange: Fraction, on: str) -> dict[str, Any]:
    return {
        "tariff": tariff.name,
        "parents": [{"tariff": each.name, "revision": each.revision} for each in parents],
        "revision": tariff.revision,
        "currency": tariff.currency,
        "exchange_rate": f"{exchange.numerator}/{exchange.denominator}",
        "exchange_on": on,
        "rates": rates,
    }


def _keep(
    run: GeneratorRun, plan: _Plan, sheet: SheetImport, made: Generated, about: list[dict[str, Any]], at: datetime
) -> GeneratorRun:
    tariff = plan.generator.tariff
    units = generated.recent_units(tariff, made.made["code"].combine_chunks(), at)
    rows = made.made.append_column("units", pa.array(units))
    files.write_table(files.find_import_folder(current_tenant_id(), sheet.public_id) / generated.MADE_FILE, rows)
    cheapest = pc.value_counts(made.made["cheapest"].filter(pc.equal(made.made["became"], 0)).combine_chunks())
    counted = {each["values"]: each["counts"] for each in cheapest.to_pylist()}
    run.sources = [each | {"cheapest": counted.get(number, 0)} for number, each in enumerate(about)]
    run.figures = generated.figures_of(rows, Unit(tariff.unit))
    run.state, run.sheet, run.effective_at, run.finished_at = RunState.MADE, sheet, sheet.effective_at, at
    run.save()
    return run

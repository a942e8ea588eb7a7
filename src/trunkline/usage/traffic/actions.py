"""Writes of traffic rules. What is changed counts from the next batch on; rejects can be sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError
from trunkline.core.period import require_aware
from trunkline.kit.db.locks import lock_name, lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.parties.queries import get_account
from trunkline.tariffs.models import Destination, TimeProfile
from trunkline.usage.models import TrafficRule
from trunkline.usage.queries import access_switch
from trunkline.usage.traffic.kinds import NAME_LENGTH_MAX, RuleSide, Stage, Then
from trunkline.usage.traffic.queries import as_rule
from trunkline.usage.traffic.rule import Conditions, actions_text, parse_actions

POSITION_STEP = 10
POSITION_MAX = 2**31 - 1
NOTE_LENGTH_MAX = 200
FIELDS = (
    "stage",
    "position",
    "side",
    "switch_id",
    "account_id",
    "valid_from",
    "valid_to",
    "conditions",
    "actions",
    "then",
    "note",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRule:
    """A rule as people give it: names of switch and account, text of actions. `position` None: behind all others of its stage."""

    name: str
    stage: str
    position: int | None = None
    side: str = RuleSide.BOTH
    switch: str = ""
    account: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    conditions: Mapping[str, object] = field(default_factory=dict)
    actions: str = ""
    then: str = Then.CONTINUE
    note: str = ""

    @classmethod
    def of(cls, row: TrafficRule) -> GivenRule:
        """What a kept rule was given as."""
        return cls(
            name=row.name,
            stage=row.stage,
            position=row.position,
            side=row.side,
            switch="" if row.switch is None else row.switch.name,
            account="" if row.account is None else row.account.code,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            conditions=row.conditions,
            actions=row.actions,
            then=row.then,
            note=row.note,
        )


@dataclass(frozen=True, slots=True)
class RuleLoad:
    """What a load of rules did, by names."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadLine:
    """What is wrong with a line of a file of rules."""

    line: int
    code: str
    text: str


def bad_lines(problems: Sequence[BadLine]) -> Invalid:
    """The error of a file with bad lines: Invalid `bad_rule_file`, with them as `problems` of its context."""
    said = [f"line {each.line}: {each.text} [{each.code}]" for each in problems]
    return Invalid("bad_rule_file", "\n".join(["Nothing was loaded:", *said]), problems=list(problems))


def create_rule(*, given: GivenRule, at: datetime) -> TrafficRule:
    """Make a rule.

    Raises Invalid `rule_name`, `rule_stage`, `rule_condition`, `rule_action`, `rule_tag`, `rule_pattern`, `rule_does_nothing`, `rule_dates`; NotFound
    `switch_not_found`, `account_not_found`, `destination_not_found`, `time_profile_not_found`; Conflict `rule_exists`.
    """
    require_aware(at)
    with transaction.atomic():
        lock_name("usage.traffic_rules", current_tenant_id())
        row = _row_of(given)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise Conflict("rule_exists", f"There is a rule {given.name!r} already.") from error
    return row


def change_rule(*, rule_id: int, changes: Mapping[str, Any], at: datetime) -> TrafficRule:
    """Change fields of `GivenRule`, all but the name, which records keep. `conditions` are merged: an empty one goes. Raises as `create_rule` does."""
    require_aware(at)
    if unknown := set(changes) - {name for name in GivenRule.__slots__ if name != "name"}:
        raise TypeError(f"a rule has no {sorted(unknown)} to change")
    (row,) = lock_rows(TrafficRule.objects.all(), [rule_id])
    given = GivenRule.of(row)
    wanted = dict(changes)
    if "conditions" in wanted:
        wanted["conditions"] = {**given.conditions, **wanted["conditions"]}
    _save(row, replace(given, **wanted))
    return row


def _save(row: TrafficRule, given: GivenRule) -> bool:
    """Make a kept rule what is given; whether that changed anything."""
    made = _row_of(given)
    changed = [name for name in FIELDS if getattr(row, name) != getattr(made, name)]
    for name in changed:
        setattr(row, name, getattr(made, name))
    if changed:
        row.save(update_fields=[name.removesuffix("_id") for name in changed])
    return bool(changed)


def remove_rule(*, rule_id: int) -> None:
    """Remove a rule; its history stays, and so does its name in the records that it touched. Raises NotFound."""
    (row,) = lock_rows(TrafficRule.objects.all(), [rule_id])
    row.delete()


def load_rules(*, given: Sequence[tuple[int, GivenRule]], has_others: bool = True, at: datetime) -> RuleLoad:
    """Make and change rules by their names, all or nothing; without `has_others` those that are not given are removed.

    `given` are pairs of a line and a rule. Raises Invalid `bad_rule_file`, which names every bad line.
    """
    require_aware(at)
    added, changed, unchanged, problems = list[str](), list[str](), list[str](), list[BadLine]()
    with transaction.atomic():
        lock_name("usage.traffic_rules", current_tenant_id())
        rows = {
            row.name: row
            for row in TrafficRule.objects.select_related("switch", "account").select_for_update(of=("self",))
        }
        seen: dict[str, int] = {}
        for line, each in given:
            try:
                if each.name in seen:
                    raise Invalid("rule_twice", f"The rule {each.name!r} stands in line {seen[each.name]} already.")
                seen[each.name] = line
                row = rows.get(each.name)
                if row is None:
                    _row_of(each).save(force_insert=True)
                    added.append(each.name)
                else:
                    (changed if _save(row, _in_place(each, row)) else unchanged).append(each.name)
            except TrunklineError as error:
                problems.append(BadLine(line, error.code, str(error)))
        if problems:
            raise bad_lines(problems)
        removed = [] if has_others else sorted(set(rows) - set(seen))
        for name in removed:
            rows[name].delete()
    return RuleLoad(tuple(added), tuple(changed), tuple(removed), tuple(unchanged))


def _in_place(given: GivenRule, row: TrafficRule) -> GivenRule:
    """A rule without a position stays where it is, unless it goes into another stage."""
    stays = given.position is None and given.stage == row.stage
    return replace(given, position=row.position) if stays else given


def _row_of(given: GivenRule) -> TrafficRule:
    """An unsaved row, checked as a whole."""
    name = given.name.strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX or "," in name or not name.isprintable():
        raise Invalid(
            "rule_name", f"{name[:80]!r} is no name of a rule.", hint="1 to 60 printable characters, no comma."
        )
    if len(given.note) > NOTE_LENGTH_MAX:
        raise Invalid("rule_name", f"The note is longer than {NOTE_LENGTH_MAX} characters.")
    if given.valid_from is not None and given.valid_to is not None and given.valid_from > given.valid_to:
        raise Invalid("rule_dates", "The rule ends before it begins.")
    stage = _choice(Stage, given.stage, "rule_stage", "stage")
    conditions = Conditions.of({name: value for name, value in given.conditions.items() if value})
    _require_names(Destination, "destination", conditions.destinations)
    _require_names(TimeProfile, "time profile", conditions.time_profiles)
    row = TrafficRule(
        name=name,
        stage=stage,
        position=_position(stage) if given.position is None else given.position,
        side=_choice(RuleSide, given.side, "rule_side", "side"),
        switch=access_switch(given.switch) if given.switch else None,
        account=get_account(given.account) if given.account else None,
        valid_from=given.valid_from,
        valid_to=given.valid_to,
        conditions=conditions.as_dict(),
        actions=actions_text(parse_actions(given.actions)),
        then=_choice(Then, given.then, "rule_then", "then"),
        note=given.note,
    )
    if not 0 <= row.position <= POSITION_MAX:
        raise Invalid("rule_position", f"{row.position} is no position.", hint="Use a number from 0.")
    as_rule(row)  # refuses what no stage could work with
    return row


def _choice(kind: Any, text: str, code: str, what: str) -> str:
    if text not in list(kind):
        raise Invalid(code, f"There is no {what} {text[:40]!r}.", hint=f"Use {', '.join(kind)}.")
    return str(kind(text).value)


def _position(stage: str) -> int:
    last = TrafficRule.objects.filter(stage=stage).order_by("-position").values_list("position", flat=True).first()
    return POSITION_STEP if last is None else min(last + POSITION_STEP, POSITION_MAX)


def _require_names(model: type[Destination] | type[TimeProfile], what: str, names: Sequence[str]) -> None:
    known = set(model.objects.filter(name__in=names).values_list("name", flat=True)) if names else set()
    if missing := [name for name in names if name not in known]:
        raise NotFound(f"{what.replace(' ', '_')}_not_found", f"There is no {what} {missing[0]!r}.")

"""What the installation knows of a switch that its files do not say: clock, number rules, limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone, require_aware
from trunkline.usage.decode.mapping import check_mapping, parse_mapping, read_mapping_text
from trunkline.usage.schema import Service

RULES_MAX: Final = 200
PATTERN_LENGTH_MAX: Final = 200
PUT_LENGTH_MAX: Final = 64
LEGS_WAIT_HOURS: Final = 24
LEGS_WAIT_HOURS_MAX: Final = 8_784  # a year
LEGS_SKEW_S_MAX: Final = 3_600
NUMBER_LENGTH_MAX: Final = 256  # characters of a raw number that rules look at


_RULE_TYPES: Final[Mapping[str, type]] = {
    "begins": str,
    "pattern": str,
    "put": str,
    "length_min": int,
    "length_max": int,
    "on": str,
    "is_last": bool,
}


class Party(StrEnum):
    """Which numbers a rule is for."""

    BOTH = "both"
    CALLING = "calling"
    CALLED = "called"


class MsRounding(StrEnum):
    """How milliseconds become whole seconds."""

    UP = "up"
    DOWN = "down"
    HALF_UP = "half_up"


class Legs(StrEnum):
    """Which documents of a switch that writes one a leg are the records of its calls."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRule:
    r"""One step on the way to E.164. Rules apply in order, each to what the one before made of the number.

    A rule fits a number that begins with `begins` (which `put` replaces: strip, prefix or both), or that `pattern`
    (RE2, for the whole number) fits (`put` replaces the number; `\1` to `\9` are its groups), if the number has
    `length_min` to `length_max` characters. `is_last`: a number that this rule fitted is done.
    Raises Invalid `number_rule`.
    """

    begins: str = ""
    pattern: str = ""
    put: str = ""
    length_min: int = 0
    length_max: int = NUMBER_LENGTH_MAX
    on: Party = Party.BOTH
    is_last: bool = False

    def __post_init__(self) -> None:
        if self.begins and self.pattern:
            raise _bad_rule("has both `begins` and `pattern`", self)
        if not (self.begins or self.pattern or self.put):
            raise _bad_rule("changes nothing", self)
        if len(self.pattern) > PATTERN_LENGTH_MAX or max(len(self.put), len(self.begins)) > PUT_LENGTH_MAX:
            raise _bad_rule("is too long", self)
        if not 0 <= self.length_min <= self.length_max:
            raise _bad_rule("has lengths that no number has", self)
        if self.pattern:
            self._check_pattern()
        elif "\\" in self.put:
            raise _bad_rule("refers to a group but has no pattern", self)

    def _check_pattern(self) -> None:
        try:
            # RE2 runs in linear time and refuses repetitions that would need much memory; this compiles both parts.
            pc.replace_substring_regex(pa.array([""]), pattern=self.whole_pattern, replacement=self.put)
        except pa.ArrowInvalid as error:
            raise _bad_rule(f"has a pattern or replacement that RE2 refuses ({error})", self) from error

    @property
    def whole_pattern(self) -> str:
        return f"^(?:{self.pattern})$"

    @classmethod
    def of(cls, value: object) -> Self:
        """A rule from JSON: an object whose keys are the field names. Raises Invalid `number_rule`."""
        if not isinstance(value, Mapping):
            raise _bad_rule("is not an object", value)
        for name, given in value.items():
            if name not in _RULE_TYPES:
                raise _bad_rule(f"has the unknown key {name!r}", value)
            if not isinstance(given, _RULE_TYPES[name]) or (isinstance(given, bool) and name != "is_last"):
                raise _bad_rule(f"has a {name!r} that is no {_RULE_TYPES[name].__name__}", value)
        party = value.get("on", Party.BOTH)
        if party not in list(Party):
            raise _bad_rule("is on neither `both`, `calling` nor `called`", value)
        return cls(**{**value, "on": Party(party)})


def _bad_rule(what: str, rule: object) -> Invalid:
    return Invalid("number_rule", f"The number rule {what}.", hint="See docs/formats/switch.md.", rule=repr(rule))


def strip(begins: str, **conditions: object) -> NumberRule:
    """A rule that takes `begins` off."""
    return NumberRule.of({"begins": begins, **conditions})


def prefix(put: str, **conditions: object) -> NumberRule:
    """A rule that puts `put` in front."""
    return NumberRule.of({"put": put, **conditions})


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchProfile:
    """A switch as decoding needs to know it. Immutable; every function of this room takes it as an argument.

    `received_at` (aware) is when the file came: what ends more than `future_limit_s` later is `time_in_future`.
    `timezone` (IANA) is that of times without offset. `mismatch_tolerance_ms` is how far a duration may be from the
    time between answer and end. `final_causes` are hang-up causes (FreeSWITCH names or Q.850 numbers) after which the
    switch tries no further vendor. `legs`: of a switch that writes each leg as a document of its own. `legs_wait_hours` is how long
    a leg waits for its partner (0: not at all), `legs_skew_ms` how far the clocks of two legs may be apart. `mapping` (JSON) describes the
    files of the format `mapping`. Raises Invalid `unknown_timezone`, `number_rule`, `naive_instant`.
    """

    received_at: datetime
    timezone: str = "UTC"
    number_rules: tuple[NumberRule, ...] = ()
    max_duration_s: int = 86_400
    future_limit_s: int = 300
    default_service: Service = Service.VOICE
    ms_rounding: MsRounding = MsRounding.UP
    mismatch_tolerance_ms: int = 2_000
    final_causes: frozenset[str] = field(default_factory=frozenset)
    mapping: str = ""
    legs: Legs = Legs.INCOMING
    legs_wait_hours: int = LEGS_WAIT_HOURS
    legs_skew_ms: int = 10_000

    def __post_init__(self) -> None:
        require_aware(self.received_at)
        get_zone(self.timezone)
        if len(self.number_rules) > RULES_MAX:
            raise _bad_rule(f"is one of more than {RULES_MAX}", len(self.number_rules))

    @classmethod
    def of(
        cls,
        *,
        received_at: datetime,
        timezone: str = "UTC",
        number_rules: Sequence[object] = (),
        max_duration_s: int = 86_400,
        future_limit_s: int = 300,
        options: Mapping[str, object] | None = None,
    ) -> Self:
        """A profile from what a switch stores: rules and options as JSON.

        Options: `service`, `ms_rounding`, `mismatch_tolerance_ms` (0 to 86,400,000), `final_causes` (a list), `legs`,
        `legs_wait_hours` (0 to 8,784), `legs_skew_s` (0 to 3,600) and `mapping` (an object, or its text in
        TOML, YAML or JSON). Raises Invalid `unknown_timezone`, `number_rule`, `switch_option`,
        `mapping_*`.
        """
        return cls(
            received_at=received_at,
            timezone=timezone,
            number_rules=tuple(NumberRule.of(rule) for rule in number_rules),
            max_duration_s=max_duration_s,
            future_limit_s=future_limit_s,
            **_options(options or {}),
        )

    @property
    def received_ms(self) -> int:
        """`received_at` in whole UTC milliseconds since 1970."""
        return int(self.received_at.timestamp()) * 1000 + self.received_at.microsecond // 1000


def _mapping(value: object) -> str:
    """A mapping as JSON: of the object that it is, or of the text that a person wrote, with remarks and in an order of its own."""
    if isinstance(value, str):
        parse_mapping(value)  # says on which line something is wrong
        value = read_mapping_text(value)
    else:
        check_mapping(value, "mapping")
    return json.dumps(value)


def _options(options: Mapping[str, object]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in options.items():
        match name, value:
            case "service", str() if value in list(Service):
                read["default_service"] = Service(value)
            case "ms_rounding", str() if value in list(MsRounding):
                read["ms_rounding"] = MsRounding(value)
            case "legs", str() if value in list(Legs):
                read["legs"] = Legs(value)
            case "legs_wait_hours", int() if 0 <= value <= LEGS_WAIT_HOURS_MAX and not isinstance(value, bool):
                read["legs_wait_hours"] = value
            case "legs_skew_s", int() if 0 <= value <= LEGS_SKEW_S_MAX and not isinstance(value, bool):
                read["legs_skew_ms"] = value * 1000
            case "mismatch_tolerance_ms", int() if 0 <= value <= 86_400_000 and not isinstance(value, bool):
                read["mismatch_tolerance_ms"] = value
            case "final_causes", list() if all(isinstance(cause, str) for cause in value):
                read["final_causes"] = frozenset(str(cause).upper() for cause in value)
            case "mapping", dict() | str():
                read["mapping"] = _mapping(value)
            case _:
                raise Invalid(
                    "switch_option",
                    f"The switch option {name!r} is unknown or cannot be {value!r}.",
                    hint="See docs/formats/switch.md.",
                )
    return read

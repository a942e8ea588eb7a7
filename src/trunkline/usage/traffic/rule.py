"""A traffic rule as the program works with it: conditions, actions, and how both are written.

No Django. docs/algorithms/traffic-rules.md says what everything means.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final, Self, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.e164 import is_digits
from trunkline.core.errors import Invalid
from trunkline.engine.prefix import KEY_DIGITS
from trunkline.engine.schema import TimeWindow
from trunkline.parties.kinds import Side
from trunkline.usage.decode.profile import PATTERN_LENGTH_MAX, PUT_LENGTH_MAX, Party
from trunkline.usage.schema import Service
from trunkline.usage.traffic.kinds import Jurisdiction, RuleSide, Stage, Then

TAG_LENGTH_MAX: Final = 60  # as the tag of a price
LIST_MAX: Final = 5_000  # values of one condition
ACTIONS_MAX: Final = 20
VALUE_LENGTH_MAX: Final = 200
PAGE: Final = "docs/algorithms/traffic-rules.md says how rules are written."
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must be true of a record; an empty one asks nothing. Values are checked and as they are compared."""

    time_profiles: tuple[str, ...] = ()
    account_tags: tuple[str, ...] = ()
    not_account_tags: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    trunks_in: tuple[str, ...] = ()
    trunks_out: tuple[str, ...] = ()
    source_ips: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    called_begins: tuple[str, ...] = ()
    called_not_begins: tuple[str, ...] = ()
    calling_begins: tuple[str, ...] = ()
    calling_not_begins: tuple[str, ...] = ()
    called_pattern: str = ""
    calling_pattern: str = ""
    jurisdictions: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """From names and values: lists of text, or text with commas. Raises Invalid `rule_condition`, `rule_pattern`."""
        made: dict[str, Any] = {}
        for name, value in given.items():
            if name not in CONDITION_NAMES:
                raise _bad_condition(
                    f"There is no condition {str(name)[:60]!r}.", f"Known: {', '.join(CONDITION_NAMES)}."
                )
            if name in PATTERNS:
                made[name] = _pattern(name, value)
            else:
                made[name] = tuple(dict.fromkeys(_checked(name, each) for each in _values(name, value)))
        return cls(**made)

    def as_dict(self) -> dict[str, list[str] | str]:
        """The conditions that ask something, as they are kept."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value if isinstance(value, str) else list(value) for name, value in found.items() if value}


CONDITION_NAMES: Final = tuple(each.name for each in fields(Conditions))
PATTERNS: Final = ("called_pattern", "calling_pattern")
AFTER_RATE_ONLY: Final = ("destinations", "countries", "codes")
OF_ACCOUNTS: Final = ("account_tags", "not_account_tags")


def _values(name: str, value: object) -> list[str]:
    if isinstance(value, str):
        value = [part for part in (each.strip() for each in value.split(",")) if part]
    if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise _bad_condition(f"{name} is neither text nor a list of texts.")
    if len(value) > LIST_MAX:
        raise _bad_condition(f"{name} has more than {LIST_MAX} values.", "Write several rules.")
    return [str(each) for each in value]


def _checked(name: str, text: str) -> str:
    """One value of a condition in the form in which it is compared."""
    text = text.strip()
    if not text or len(text) > VALUE_LENGTH_MAX or "," in text or not text.isprintable():
        raise _bad_condition(f"{text[:80]!r} is no value of {name}.", "1 to 200 printable characters, no comma.")
    match name:
        case "services" if text not in list(Service):
            raise _bad_condition(f"There is no service {text!r}.", f"Use {', '.join(Service)}.")
        case "jurisdictions" if text not in list(Jurisdiction):
            raise _bad_condition(f"There is no jurisdiction {text!r}.", f"Use {', '.join(Jurisdiction)}.")
        case "source_ips":
            return _network(text)
        case "tags" | "not_tags":
            return tag_text(text)
        case "countries":
            text = text.upper()
            if not _COUNTRY.fullmatch(text):
                raise _bad_condition(f"{text!r} is no country.", "Use ISO 3166 codes, like KE.")
        case "called_begins" | "called_not_begins" | "calling_begins" | "calling_not_begins" | "codes":
            text = text.removeprefix("+")
            if not is_digits(text) or len(text) > KEY_DIGITS:
                raise _bad_condition(f"{name} has {text!r}.", f"Use 1 to {KEY_DIGITS} digits.")
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise _bad_condition(
            f"{text!r} is no address or network.", "Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."
        ) from error


def tag_text(text: str) -> str:
    """A tag as it is kept. Raises Invalid `rule_tag`."""
    if not 1 <= len(text) <= TAG_LENGTH_MAX or not text.isprintable() or set(text) & set(",;* "):
        raise Invalid(
            "rule_tag",
            f"{text[:80]!r} is no tag.",
            hint="1 to 60 printable characters; no space, comma, semicolon or *.",
        )
    return text


def _pattern(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _bad_condition(f"{name} is no text.")
    if value:
        check_pattern(value)
    return value


def check_pattern(pattern: str, put: str = "") -> None:
    """Raises Invalid `rule_pattern` unless RE2 takes the pattern for a whole number and `put` with its groups."""
    if len(pattern) > PATTERN_LENGTH_MAX or len(put) > PUT_LENGTH_MAX:
        raise Invalid("rule_pattern", "The pattern or what it puts is too long.", hint=PAGE)
    try:
        # RE2 runs in linear time and refuses repetitions that would need much memory; this compiles both parts.
        pc.replace_substring_regex(pa.array([""]), pattern=whole(pattern), replacement=put)
    except pa.ArrowInvalid as error:
        raise Invalid("rule_pattern", f"RE2 refuses the pattern or replacement: {error}.", hint=PAGE) from error


def whole(pattern: str) -> str:
    """The pattern for a whole number."""
    return f"^(?:{pattern})$"


def _bad_condition(message: str, hint: str = PAGE) -> Invalid:
    return Invalid("rule_condition", message, hint=hint)


@dataclass(frozen=True, slots=True)
class Strip:
    """Takes the first digits off."""

    on: Party
    digits: int

    def __str__(self) -> str:
        return f"strip {self.on} {self.digits}"


@dataclass(frozen=True, slots=True)
class Add:
    """Puts digits in front."""

    on: Party
    digits: str

    def __str__(self) -> str:
        return f"add {self.on} {self.digits}"


@dataclass(frozen=True, slots=True)
class Replace:
    """Where the pattern fits the whole number, the number becomes `put`."""

    on: Party
    pattern: str
    put: str

    def __str__(self) -> str:
        return f"replace {self.on} {self.pattern} {self.put}".rstrip()


@dataclass(frozen=True, slots=True)
class Tag:
    """Adds tags."""

    tags: frozenset[str]

    def apply(self, tags: frozenset[str]) -> frozenset[str]:
        return tags | self.tags

    def __str__(self) -> str:
        return f"tag {' '.join(sorted(self.tags))}"


@dataclass(frozen=True, slots=True)
class Untag:
    """Takes tags away; None: all of them."""

    tags: frozenset[str] | None

    def apply(self, tags: frozenset[str]) -> frozenset[str]:
        return frozenset() if self.tags is None else tags - self.tags

    def __str__(self) -> str:
        return f"untag {'*' if self.tags is None else ' '.join(sorted(self.tags))}"


@dataclass(frozen=True, slots=True)
class RouteBy:
    """Where the pattern fits the whole called number, `put` becomes the routing number."""

    pattern: str
    put: str

    def __str__(self) -> str:
        return f"route-by {self.pattern} {self.put}"


Action: TypeAlias = Strip | Add | Replace | Tag | Untag | RouteBy


def parse_actions(text: str) -> tuple[Action, ...]:
    """Actions as they are written, separated by semicolons. Raises Invalid `rule_action`, `rule_tag`, `rule_pattern`."""
    parts = [part.split() for part in text.split(";") if part.strip()]
    if len(parts) > ACTIONS_MAX:
        raise _bad_action(f"A rule has at most {ACTIONS_MAX} actions.")
    return tuple(_action(words) for words in parts)


def _action(words: Sequence[str]) -> Action:
    match [words[0].lower(), *words[1:]]:
        case ["strip", on, digits] if is_digits(digits) and 1 <= int(digits[:3]) <= KEY_DIGITS and len(digits) <= 2:
            return Strip(_party(on), int(digits))
        case ["add", on, digits] if is_digits(digits) and len(digits) <= KEY_DIGITS:
            return Add(_party(on), digits)
        case ["replace", on, pattern, *put] if len(put) <= 1:
            check_pattern(pattern, "".join(put))
            return Replace(_party(on), pattern, "".join(put))
        case ["tag", *tags] if tags:
            return Tag(frozenset(map(tag_text, tags)))
        case ["untag", "*"]:
            return Untag(None)
        case ["untag", *tags] if tags:
            return Untag(frozenset(map(tag_text, tags)))
        case ["route-by", pattern, put]:
            check_pattern(pattern, put)
            return RouteBy(pattern, put)
    raise _bad_action(f"{' '.join(words)[:80]!r} is no action.")


def _party(text: str) -> Party:
    if text not in (Party.CALLED, Party.CALLING):
        raise _bad_action(f"{text[:40]!r} is neither called nor calling.")
    return Party(text)


def _bad_action(message: str) -> Invalid:
    return Invalid(
        "rule_action",
        message,
        hint="Write strip called 2; add called 254; replace called PATTERN PUT; tag NAME; untag NAME; route-by PATTERN PUT. A pattern has no "
        "space or semicolon in it.",
    )


def actions_text(actions: Sequence[Action]) -> str:
    """Actions as they are kept; `parse_actions` reads them."""
    return "; ".join(map(str, actions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. Instants are UTC milliseconds, None no bound.

    `destination_ids` and `account_ids` are those that its conditions on destinations and on tags of the account name, `windows` are those of
    its time profiles, on the clock of `zone`.

    Raises Invalid: `rule_stage` where the stage knows no such side, account, condition; `rule_does_nothing`.
    """

    name: str
    stage: Stage
    position: int = 0
    side: RuleSide = RuleSide.BOTH
    account_id: int | None = None
    switch: str | None = None
    valid_from_ms: int | None = None
    valid_to_ms: int | None = None
    conditions: Conditions = field(default_factory=Conditions)
    actions: tuple[Action, ...] = ()
    then: Then = Then.CONTINUE
    destination_ids: frozenset[int] = frozenset()
    account_ids: frozenset[int] = frozenset()
    windows: tuple[TimeWindow, ...] = ()
    zone: str = "UTC"

    def __post_init__(self) -> None:
        stage, said = self.stage, self.conditions.as_dict()
        asks_account = self.account_id is not None or any(name in said for name in OF_ACCOUNTS)
        if stage is Stage.BEFORE_IDENTIFICATION and (self.side is not RuleSide.BOTH or asks_account):
            raise _bad_stage("Before identification there are no sides and no accounts.", "Use stage after_account.")
        if stage is Stage.AFTER_ROUTING and self.side is RuleSide.SELL:
            raise _bad_stage("After routing there is only the vendor's side.", "Leave the side out.")
        if stage is not Stage.AFTER_RATE and (wrong := [name for name in AFTER_RATE_ONLY if name in said]):
            raise _bad_stage(f"{wrong[0]} is known after the rate only.", "Use stage after_rate.")
        if self.then is Then.DENY and self.actions:
            raise Invalid("rule_does_nothing", "A rule that denies has no actions.", hint="Leave the actions out.")
        if self.then is Then.CONTINUE and not self.actions:
            raise Invalid("rule_does_nothing", "The rule does nothing.", hint="Give it an action, or allow or deny.")

    @property
    def order(self) -> tuple[int, int, str]:
        """Where it stands: rule 2 of the page."""
        return list(Stage).index(self.stage), self.position, self.name


def _bad_stage(message: str, hint: str) -> Invalid:
    return Invalid("rule_stage", message, hint=hint)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of a tenant that can be for the records of one switch, in their order. It can be sent to another process."""

    rules: tuple[Rule, ...]

    @classmethod
    def compile(cls, rules: Sequence[Rule], *, switch: str | None) -> Self:
        """Those that name that switch, or none."""
        return cls(tuple(sorted((r for r in rules if r.switch in (None, switch)), key=lambda rule: rule.order)))

    def of(self, stage: Stage, side: Side | None = None) -> tuple[Rule, ...]:
        """The rules of a stage for one side; None: of the record, before there are sides."""
        return tuple(rule for rule in self.rules if rule.stage is stage and rule.side.covers(side))


@lru_cache(maxsize=4096)
def networks(texts: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks of a condition."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def lies_in(address: str | None, texts: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none. IPv4 inside IPv6 is IPv4."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found.version == each.version and found in each for each in networks(texts))


def tags_text(tags: frozenset[str]) -> str | None:
    """Tags as records keep them: in alphabetical order with commas; None for none."""
    return ",".join(sorted(tags)) or None


def read_tags(text: str | None) -> frozenset[str]:
    """What `tags_text` wrote."""
    return frozenset(text.split(",")) if text else frozenset()

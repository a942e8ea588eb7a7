"""The words in which traffic rules are spoken of. Apart from the rules, so that the models need not load Arrow."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from trunkline.parties.kinds import Side

NAME_LENGTH_MAX: Final = 60


class Stage(StrEnum):
    """When a rule is looked at, in this order."""

    BEFORE_IDENTIFICATION = "before_identification"  # once a record, before it is known whose it is
    AFTER_ACCOUNT = "after_account"  # for each side that has an account
    AFTER_RATE = "after_rate"  # for each side that has a price, which may then be chosen once more
    AFTER_ROUTING = "after_routing"  # for each vendor that routing has chosen


class RuleSide(StrEnum):
    """Which sides a rule is for."""

    BOTH = "both"
    SELL = "sell"
    BUY = "buy"

    def covers(self, side: Side | None) -> bool:
        """Whether it is looked at on that side; None is the record before there are sides."""
        return self is RuleSide.BOTH or (side is not None and self.value == side.value)


class Then(StrEnum):
    """What comes after the actions of a rule that fits."""

    CONTINUE = "continue"  # the next rule is looked at
    ALLOW = "allow"  # the stage ends
    DENY = "deny"  # the record is rejected


class Jurisdiction(StrEnum):
    """How far a call goes, by its numbers (docs/algorithms/traffic-rules.md, rule 5)."""

    DOMESTIC = "domestic"
    INTERNATIONAL = "international"
    INTRASTATE = "intrastate"  # within one state of the USA
    INTERSTATE = "interstate"
    INDETERMINATE = "indeterminate"

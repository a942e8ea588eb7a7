"""What an analysis is asked. No Django, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.money import scaled_text
from trunkline.engine.units import Unit
from trunkline.parties.kinds import Side

COLUMNS_MAX: Final = 24
CALL_MAX: Final = 86_400
DAYS_MAX: Final = 400
WEIGHED_DAYS: Final = 30
PERCENT_DECIMALS: Final = 2  # percentages are whole hundredths

# A price is that of so many units: of a minute, a message, a million octets.
REFERENCE: Final[Mapping[Unit, int]] = {Unit.SECOND: 60, Unit.MESSAGE: 1, Unit.OCTET: 10**6}


class By(StrEnum):
    """What a row is."""

    CODE = "code"
    DESTINATION = "destination"


class Form(StrEnum):
    """How the answer is laid out."""

    SIDE_BY_SIDE = "side"
    LEAST_COST = "least"


class Average(StrEnum):
    """How the codes of a destination count."""

    CODES = "codes"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column: a tariff by its name, or a side of an account by its short name."""

    name: str
    side: Side | None = None  # None: a tariff

    def __str__(self) -> str:
        return self.name if self.side is None else f"{self.name} ({self.side.value})"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an analysis is asked (docs/algorithms/rate-analysis.md).

    `currency`: None is the tenant's. `call`: how many units a call has, None as many as the price is for. `below`: hundredths of a percent. `code` and
    `destination` are what codes and names begin with. `minutes_of`: what customers (sell) or vendors (buy) were charged is told, None nothing; `days`: how far back.
    """

    columns: tuple[Wanted, ...]
    at: datetime
    service: str = "voice"
    currency: str | None = None
    call: int | None = None
    by: By = By.CODE
    form: Form = Form.SIDE_BY_SIDE
    positions: int | None = None
    master: Wanted | None = None
    master_buys: bool = False
    below: int | None = None
    code: str = ""
    destination: str = ""
    country: str = ""
    deck: str = ""
    average: Average = Average.CODES
    minutes_of: Side | None = None
    days: int = WEIGHED_DAYS
    tags: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Raises Invalid `no_columns`, `too_many_columns`, `repeated_column`, `bad_call`, `bad_positions`, `no_master`, `no_minutes`,
        `bad_days`, `bad_code`."""
        if not self.columns:
            raise Invalid("no_columns", "Nothing is to be compared.", hint="Name tariffs or accounts.")
        if len(self.columns) > COLUMNS_MAX:
            raise Invalid("too_many_columns", f"At most {COLUMNS_MAX} price lists are compared at a time.")
        repeated = next((each for each in self.columns if self.columns.count(each) > 1), None)
        if repeated is not None:
            raise Invalid("repeated_column", f"{repeated} is named twice.")
        if self.call is not None and not 1 <= self.call <= CALL_MAX * 10**6:
            raise Invalid("bad_call", "A call has at least one unit, and at most a day.")
        if self.positions is not None and not 1 <= self.positions <= COLUMNS_MAX:
            raise Invalid("bad_positions", f"A least-cost list has 1 to {COLUMNS_MAX} positions.")
        if self.below is not None and self.master is None:
            raise Invalid("no_master", "Margins are against a price list: say which.")
        if self.average is Average.MINUTES and self.minutes_of is None:
            raise Invalid("no_minutes", "An average by minutes needs minutes: say whose.")
        if not 1 <= self.days <= DAYS_MAX:
            raise Invalid("bad_days", f"Minutes are those of 1 to {DAYS_MAX} days.")
        if self.code and not (self.code.isascii() and self.code.isdigit()):
            raise Invalid("bad_code", f"{self.code[:40]!r} is no code.", hint="Write digits, such as 254.")

    @property
    def is_master_selling(self) -> bool:
        """Whether margins are its prices less those of the columns."""
        side = self.master.side if self.master is not None else None
        return side is not Side.BUY if side is not None else not self.master_buys


def percent_text(hundredths: int) -> str:
    """A percentage with two decimals."""
    return scaled_text(hundredths, PERCENT_DECIMALS, least=PERCENT_DECIMALS)

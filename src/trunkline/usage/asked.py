"""What a re-rating is asked for: which records, and which of their sides, are priced again. No database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from trunkline.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Asked:
    """Sides of records that are priced again. What is left out does not restrict.

    The record starts in `[start_from, start_to)` and its called number begins with `code`. Of it a side is meant that is `side`, whose
    account is the one named, and which the tariff has priced or may price: it, or a descendant of it, stands in the account's list at some time. `is_told_anew`: of
    records that have such a side both sides are told anew whose they are, and priced then.
    """

    start_from: datetime | None = None
    start_to: datetime | None = None
    account_id: int | None = None
    side: str = ""
    code: str = ""
    tariff_id: int | None = None
    is_told_anew: bool = False

    def __post_init__(self) -> None:
        if self.side not in {"", "sell", "buy"}:
            raise Invalid("unknown_side", f"{self.side!r} is no side.", hint="Use sell or buy.")
        if self.side and self.is_told_anew:
            raise Invalid(
                "side_with_identify",
                "A record is told anew on both sides.",
                hint="Leave --side out; --account chooses the records that have the account on either side.",
            )
        if self.code and not (self.code.isascii() and self.code.isdigit()):
            raise Invalid(
                "bad_code", f"{self.code!r} is no code.", hint="Write the digits that called numbers begin with."
            )
        if self.start_from is not None and self.start_to is not None and self.start_from >= self.start_to:
            raise Invalid("bad_period", "The period ends before it begins.")

    def as_json(self) -> dict[str, Any]:
        """What is asked, as a batch keeps it: the same question, the same object."""
        said = {
            "from": None if self.start_from is None else self.start_from.isoformat(),
            "to": None if self.start_to is None else self.start_to.isoformat(),
            "account": self.account_id,
            "side": self.side or None,
            "code": self.code or None,
            "tariff": self.tariff_id,
            "identify": self.is_told_anew or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From what a batch keeps."""
        instants = {name: datetime.fromisoformat(said[name]) if name in said else None for name in ("from", "to")}
        return cls(
            start_from=instants["from"],
            start_to=instants["to"],
            account_id=said.get("account"),
            side=said.get("side", ""),
            code=said.get("code", ""),
            tariff_id=said.get("tariff"),
            is_told_anew=said.get("identify", False),
        )

    def covers(self, other: Asked) -> bool:
        """Whether everything that `other` asks for is asked for here."""
        begins = self.start_from is None or (other.start_from is not None and self.start_from <= other.start_from)
        ends = self.start_to is None or (other.start_to is not None and other.start_to <= self.start_to)
        return (
            begins
            and ends
            and self.account_id in {None, other.account_id}
            and self.side in {"", other.side}
            and other.code.startswith(self.code)
            and self.tariff_id in {None, other.tariff_id}
            and self.is_told_anew >= other.is_told_anew
        )

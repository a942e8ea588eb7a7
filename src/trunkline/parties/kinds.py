"""The words in which identities are spoken of. Apart from the rules, so that the models need not load numpy."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """The two sides of a record: what the customer owes us, what we owe the vendor."""

    SELL = "sell"
    BUY = "buy"


class IdentitySide(StrEnum):
    """Which sides an identity is for."""

    SELL = "sell"
    BUY = "buy"
    BOTH = "both"

    def covers(self, side: Side) -> bool:
        """Whether it is for that side."""
        return self is IdentitySide.BOTH or self.value == side.value


class IdentityKind(StrEnum):
    """What of a record an identity looks at."""

    TRUNK = "trunk"
    IP = "ip"
    ACCOUNT_CODE = "account_code"
    CALLING = "calling"
    SIP_USER = "sip_user"

    @property
    def column(self) -> str:
        """The name of the record's column."""
        return "source_ip" if self is IdentityKind.IP else self.value

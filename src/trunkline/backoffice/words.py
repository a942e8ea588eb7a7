"""What codes of usage and prices are called on pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.core.period import get_zone
from trunkline.tenancy.queries import current_tenant

# What became of a rate or an identity that was looked at.
VERDICTS: Final[Mapping[str, Any]] = {
    "chosen": gettext_lazy("chosen"),
    "tag": gettext_lazy("passed over: the record does not carry its tag"),
    "origin": gettext_lazy("passed over: the caller is not in its origin"),
    "length": gettext_lazy("passed over: it is for numbers of another length"),
    "not_yet_in_force": gettext_lazy("passed over: not in force yet"),
    "no_longer_in_force": gettext_lazy("passed over: no longer in force"),
    "time_profile": gettext_lazy("passed over: not at this time"),
    "order": gettext_lazy("passed over: another rate of this code goes first"),
    "shorter_code": gettext_lazy("passed over: a longer code was found"),
    "won": gettext_lazy("won"),
    "tied": gettext_lazy("fits, and so does one of another account"),
    "outranked": gettext_lazy("fits, but a more precise one or a lower priority number goes first"),
    "side": gettext_lazy("passed over: it is for the other side"),
    "switch": gettext_lazy("passed over: it is for another switch"),
    "tech_prefix": gettext_lazy("passed over: the called number lacks its tech prefix"),
    "dates": gettext_lazy("passed over: it does not hold on that day"),
}

# Why a traffic rule did not fit.
RULE_VERDICTS: Final[Mapping[str, Any]] = {
    "stopped": gettext_lazy("not looked at: a rule before it ended the stage"),
    "dates": gettext_lazy("passed over: it does not hold at that time"),
    "time_profiles": gettext_lazy("passed over: the call starts outside its time profiles"),
    "account": gettext_lazy("passed over: it is for another account"),
    "account_tags": gettext_lazy("passed over: it is for accounts with other tags"),
    "services": gettext_lazy("passed over: it is for other services"),
    "trunks_in": gettext_lazy("passed over: the trunk in is another"),
    "trunks_out": gettext_lazy("passed over: the trunk out is another"),
    "source_ips": gettext_lazy("passed over: the address does not lie in its networks"),
    "tags": gettext_lazy("passed over: a tag that it asks for is missing"),
    "not_tags": gettext_lazy("passed over: there is a tag that it does not want"),
    "called_begins": gettext_lazy("passed over: the called number begins otherwise"),
    "called_not_begins": gettext_lazy("passed over: the called number begins as it does not want"),
    "calling_begins": gettext_lazy("passed over: the calling number begins otherwise"),
    "calling_not_begins": gettext_lazy("passed over: the calling number begins as it does not want"),
    "called_pattern": gettext_lazy("passed over: its pattern does not fit the called number"),
    "calling_pattern": gettext_lazy("passed over: its pattern does not fit the calling number"),
    "jurisdictions": gettext_lazy("passed over: the jurisdiction is another"),
    "destinations": gettext_lazy("passed over: the destination is another"),
    "countries": gettext_lazy("passed over: the country of the destination is another"),
    "codes": gettext_lazy("passed over: the code of the price begins otherwise"),
}

STAGES: Final[Mapping[str, Any]] = {
    "before_identification": gettext_lazy("Before identification"),
    "after_account": gettext_lazy("After the account is known"),
    "after_rate": gettext_lazy("After the rate is known"),
    "after_routing": gettext_lazy("After routing"),
}

SIDES: Final[Mapping[str, Any]] = {"sell": gettext_lazy("Sell side"), "buy": gettext_lazy("Buy side")}


def local(instant: datetime | None, *, seconds: bool = True) -> str:
    """An instant on the operator's clock; a dash where there is none."""
    if instant is None:
        return "–"
    there = instant.astimezone(get_zone(current_tenant().timezone))
    return f"{there:%Y-%m-%d %H:%M:%S}" if seconds else f"{there:%Y-%m-%d %H:%M}"


def duration(quantity: int | None, service: str) -> str:
    """Units used, voice as minutes and seconds."""
    if quantity is None:
        return "–"
    return f"{quantity // 60}:{quantity % 60:02}" if service == "voice" else f"{quantity:,}"


def money(amount: Any, currency: str | None) -> str:
    """An amount without the zeros at its end that say nothing, and its currency; a dash where there is none."""
    if amount is None:
        return "–"
    text = f"{amount:f}" if not isinstance(amount, str) else amount
    if "." in text:
        whole, _point, decimals = text.partition(".")
        decimals = decimals.rstrip("0")
        text = f"{whole}.{decimals.ljust(2, '0')}"
    return f"{text} {currency or ''}".strip()


def rule_rows(looked: Sequence[Mapping[str, Any]], stage: str) -> list[tuple[Any, ...]]:
    """The rules of a stage that were looked at: stage, rule, what became of it."""
    return [(STAGES[stage], each["rule"], _became(each)) for each in looked]


def _became(each: Mapping[str, Any]) -> Any:
    if each["verdict"] != "fitted":
        return RULE_VERDICTS[each["verdict"]]
    if each["reason"]:
        return _("fitted, rejects the record: %(reason)s") % {"reason": each["reason"]}
    changes = ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in each["changed"].items())
    return _("fitted: %(changes)s") % {"changes": changes or _("nothing changed")}


def _value(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value) or _("none")
    return str(value or _("none"))

"""Decisions about mails: which rule fits, which files it wants, whether a sheet may be applied without a person. No database.

The tables of docs/algorithms/mail-to-sheet.md say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.pricing.choices import ImportState, ReceivedMailState
from trunkline.pricing.mailbox.message import Attachment

PERCENT: Final = 100
SUBJECT_MAX: Final = 200

_SHEETS: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".zip", ".gz")

# What waits for somebody, the most pressing first: the state of a mail is that of its most pressing sheet.
FOR_PEOPLE: Final = (
    ReceivedMailState.REFUSED,
    ReceivedMailState.UNCLEAR,
    ReceivedMailState.ROW_ERRORS,
    ReceivedMailState.WAITING,
    ReceivedMailState.BAD_ARCHIVE,
    ReceivedMailState.EMPTY,
    ReceivedMailState.WRONG_TYPE,
    ReceivedMailState.FAILED,
    ReceivedMailState.TOO_LARGE,
    ReceivedMailState.NO_ATTACHMENT,
    ReceivedMailState.GONE,
)
_PRESSING: Final = (
    ReceivedMailState.NEW,
    *FOR_PEOPLE,
    ReceivedMailState.NO_RULE,
    ReceivedMailState.APPLIED,
    ReceivedMailState.UNDONE,
    ReceivedMailState.DISCARDED,
    ReceivedMailState.DUPLICATE,
    ReceivedMailState.IGNORED,
    ReceivedMailState.DISMISSED,
)

_OF_ERROR: Final[Mapping[str, ReceivedMailState]] = {
    "sheet_kind": ReceivedMailState.WRONG_TYPE,
    "sheet_damaged": ReceivedMailState.BAD_ARCHIVE,
    "sheet_encrypted": ReceivedMailState.BAD_ARCHIVE,
    "sheet_too_large": ReceivedMailState.BAD_ARCHIVE,
    "sheet_empty": ReceivedMailState.EMPTY,
    "empty_sheet": ReceivedMailState.EMPTY,
    "bad_layout": ReceivedMailState.UNCLEAR,
}
_OF_CHECK: Final[Mapping[str, ReceivedMailState]] = {
    "layout": ReceivedMailState.UNCLEAR,
    "errors": ReceivedMailState.ROW_ERRORS,
}
OF_SHEET: Final[Mapping[str, ReceivedMailState]] = {
    ImportState.APPLIED: ReceivedMailState.APPLIED,
    ImportState.UNDONE: ReceivedMailState.UNDONE,
    ImportState.DISCARDED: ReceivedMailState.DISCARDED,
}


class Fitting(Protocol):
    """What of a rule says which mails it is for."""

    @property
    def senders(self) -> Any: ...

    @property
    def subject(self) -> str: ...

    @property
    def attachment(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Within which a sheet is applied without a person. None limits nothing."""

    cost: Amount | None = None
    increases: int | None = None
    closed: int | None = None
    drop: int | None = None


def is_from(sender: str, senders: Iterable[str]) -> bool:
    """Whether an address is one of those: whole addresses, `@domain`, or `*`."""
    known = set(senders)
    if "*" in known:
        return True
    return "@" in sender and (sender in known or f"@{sender.rpartition('@')[2]}" in known)


def subject_fits(subject: str, pattern: str) -> bool:
    """Whether a pattern is found in a subject, whatever the case. RE2 (by Arrow) takes time in proportion to the subject, never more."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pattern:
        return True
    found = pc.match_substring_regex(pa.array([subject], pa.string()), pattern=pattern, ignore_case=True)
    return bool(found[0].as_py())


def require_pattern(pattern: str) -> None:
    """Raises Invalid `bad_subject` for what is no regular expression of RE2."""
    import pyarrow as pa

    if len(pattern) > SUBJECT_MAX or not pattern.isprintable():
        raise Invalid("bad_subject", f"A pattern of subjects has at most {SUBJECT_MAX} printable characters.")
    try:
        subject_fits("", pattern)
    except pa.ArrowInvalid as error:
        raise Invalid(
            "bad_subject", f"{pattern!r} is no regular expression: {error}.", hint="Such as ^Rates?\\b or price change."
        ) from error


def fits(rule: Fitting, sender: str, subject: str) -> bool:
    """Whether a rule is for a mail."""
    return is_from(sender, rule.senders) and subject_fits(subject, rule.subject)


def wanted(rule: Fitting, files: Sequence[Attachment]) -> list[Attachment]:
    """The files of a mail that a rule takes: those whose names it describes, whatever the case.

    A rule that takes anything means sheets: beside one of those, pictures of a signature and the like are left alone.
    """
    pattern = rule.attachment.lower()
    found = [each for each in files if fnmatchcase(each.name.lower(), pattern)]
    sheets = [each for each in found if each.name.lower().endswith(_SHEETS)]
    return sheets if sheets and pattern == "*" else found


def state_of_error(code: str) -> ReceivedMailState:
    """What an error of reading makes of a file."""
    return _OF_ERROR.get(code, ReceivedMailState.FAILED)


def state_of_findings(findings: Iterable[Mapping[str, Any]]) -> tuple[ReceivedMailState, str]:
    """What the checks make of a sheet that is compared, and why: `unclear` before `row_errors` before any other check that stops it."""
    stopped = [each for each in findings if each["level"] == "stop"]
    if not stopped:
        return ReceivedMailState.WAITING, ""
    states = {_OF_CHECK.get(str(each["check"]), ReceivedMailState.REFUSED) for each in stopped}
    first = next(
        each
        for each in (ReceivedMailState.UNCLEAR, ReceivedMailState.ROW_ERRORS, ReceivedMailState.REFUSED)
        if each in states
    )
    return first, "; ".join(f"{each['check']}: {each['text']}" for each in stopped)


def beyond(
    limits: Limits, counts: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], lines_before: int | None
) -> list[str]:
    """Why a sheet wants a person; empty: it is within the limits. `lines_before`: of the sheet before it, None where it is the first.

    Errors in rows and findings of any level always want one.
    """
    lines, increases, closed = int(counts["lines"]), int(counts.get("increase", 0)), int(counts.get("closed_codes", 0))
    cost = Amount.from_text(str(counts.get("monthly_cost", "0")))
    why = [f"the check {each['check']} has found something" for each in findings]
    if counts.get("errors"):
        why.append(f"{counts['errors']} rows cannot be read")
    if limits.cost is not None and cost.units > limits.cost.units:
        why.append(f"it costs {cost} more a month, and the limit is {limits.cost}")
    if limits.cost is not None and counts.get("not_weighed"):
        why.append(f"of {counts['not_weighed']} units that were charged it cannot be said what they will cost")
    if limits.increases is not None and increases * PERCENT > limits.increases * lines:
        why.append(f"{increases} of {lines} lines go up, and the limit is {limits.increases} %")
    if limits.closed is not None and closed > limits.closed:
        why.append(f"{closed} codes close, and the limit is {limits.closed}")
    if limits.drop is not None and lines_before is None:
        why.append("it is the first sheet by this template, so nothing says how many lines it should have")
    elif (
        limits.drop is not None
        and lines_before is not None
        and (lines_before - lines) * PERCENT > limits.drop * lines_before
    ):
        why.append(
            f"it has {lines} lines after {lines_before} in the sheet before, and the limit is {limits.drop} % fewer"
        )
    return why


def overall(states: Iterable[str]) -> ReceivedMailState:
    """The state of a mail whose sheets have these: the most pressing."""
    return min((ReceivedMailState(each) for each in states), key=_PRESSING.index)

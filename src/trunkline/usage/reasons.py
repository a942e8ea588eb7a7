"""Why a record, or a whole file, was not taken. The values are stable: they stand in segments, reports and APIs.

A record that is not taken becomes a *reject* with one of `Reason`; the rest of its file goes on. A file that cannot be
trusted as a whole fails with one of `FileFailure` and posts nothing. `docs/formats/reasons.md` says the same in words;
a test compares the two.
"""

from __future__ import annotations

from enum import StrEnum


class _Explained(StrEnum):
    """A stable code with a sentence on what it means and one on what to do about it."""

    meaning: str
    what_to_do: str

    def __new__(cls, value: str, meaning: str = "", what_to_do: str = "") -> _Explained:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.what_to_do = what_to_do
        return member


class Reason(_Explained):
    """Why one record was rejected. Where several apply, the first in this order is recorded."""

    BAD_ENCODING = (
        "bad_encoding",
        "The line has bytes that are not UTF-8, or NUL bytes.",
        "Make the switch write UTF-8; a damaged line usually means a damaged disk or transfer: fetch the file again.",
    )
    FIELD_COUNT = (
        "field_count",
        "The line does not have the fields of the format: too few, too many, broken quotes, too long, "
        "or a field holds what the format does not allow there.",
        "Compare the line with the page of the format; after a switch upgrade check the template first.",
    )
    BAD_TIME = (
        "bad_time",
        "A time is missing, cannot be read or does not exist: 30 February, second 60, the hour a clock change skips.",
        "Check the format of times and the switch's timezone; correct the line and send it again.",
    )
    AMBIGUOUS_TIME = (
        "ambiguous_time",
        "A local time lies in the hour that the clock repeats when summer time ends: it happened twice.",
        "Let the switch write times in UTC or with an offset; for these lines add the offset and send them again.",
    )
    TIME_IN_FUTURE = (
        "time_in_future",
        "The record ends after the moment the file was received, by more than the switch's limit.",
        "Check the clock and the timezone of the switch; send the lines again once they are right.",
    )
    TIME_ORDER = (
        "time_order",
        "The times contradict each other: answer before set-up, or end before answer.",
        "The switch's clock was moved during the call, or columns are mixed up: check both, correct, send again.",
    )
    DURATION_NEGATIVE = (
        "duration_negative",
        "The duration or quantity is below zero.",
        "The switch's clock was moved back during the call: take the duration from the other side's records.",
    )
    DURATION_OVER_LIMIT = (
        "duration_over_limit",
        "The call is longer than the switch's limit.",
        "A call that was never released, or a wrong unit (milliseconds for seconds): raise the limit or correct.",
    )
    DURATION_MISMATCH = (
        "duration_mismatch",
        "The duration is missing, is no number, or disagrees with the time from answer to end beyond the tolerance.",
        "Check the unit of the duration and which times the switch writes; the difference is in the detail.",
    )
    BAD_NUMBER = (
        "bad_number",
        "After the switch's number rules the called number is empty, too long or has something other than digits; or a traffic rule would make it so.",
        "Add a number rule to the switch if the number is good, or correct the traffic rule that the detail names; feature codes (*60) do not belong into billing.",
    )
    DENIED_BY_RULE = (
        "denied_by_rule",
        "A traffic rule says that such calls are not taken.",
        "Ask why the switch let the call through; to bill it, change the rule that the detail names and send again.",
    )
    UNKNOWN_SELL = (
        "unknown_sell",
        "No identity says whose call this is.",
        "Add the trunk, address, account code or number of the detail to a customer's identities and send again.",
    )
    UNKNOWN_BUY = (
        "unknown_buy",
        "The outgoing trunk belongs to no vendor.",
        "Add the trunk of the detail to the vendor's identities and send again.",
    )
    AMBIGUOUS_IDENTITY = (
        "ambiguous_identity",
        "Two identities of equal rank say that the record belongs to different accounts.",
        "Give one of them a lower priority number, a longer mask or an end date, and send again.",
    )
    NO_RATE_SELL = (
        "no_rate_sell",
        "None of the customer's tariffs has a price for this number at this time.",
        "Add the code to a tariff, or give the customer a tariff that has it, and send again.",
    )
    NO_RATE_BUY = (
        "no_rate_buy",
        "None of the vendor's tariffs has a price for this number at this time.",
        "Load the vendor's price list that was in force and send again.",
    )
    BLOCKED = (
        "blocked",
        "The price row that fits says that the destination is not sold.",
        "Ask why the switch let the call through; to bill it, replace the blocked row by a price and send again.",
    )
    NO_EXCHANGE_RATE = (
        "no_exchange_rate",
        "There is no exchange rate between two of the record's currencies on or before its day.",
        "Load exchange rates that reach back to the day and send again.",
    )
    OVERFLOW = (
        "overflow",
        "The amount is larger than an amount can be.",
        "Check price and quantity of the record: one of them is absurd.",
    )
    CONFLICTING_DUPLICATE = (
        "conflicting_duplicate",
        "A record with the same key and other content was taken before.",
        "Compare the two; if this one is right accept it as a correction, else leave it.",
    )
    LATE_LEG = (
        "late_leg",
        "A leg of a call whose record was posted without it; the detail names the record.",
        "Compare it with the record; if the call should be charged with it accept it as a correction, else leave it.",
    )
    LONE_LEG = (
        "lone_leg",
        "The call's other leg did not come in time, and this one alone does not say what to charge.",
        "Find the file with the other leg and load it, then send this one again: the two are joined.",
    )


class FileFailure(_Explained):
    """Why a whole file was refused. Nothing of it is posted."""

    HEADER_CHANGED = (
        "header_changed",
        "The columns are not those of the format: a header that differs, or most lines with another number of fields.",
        "Compare the file with the page of the format; after a switch upgrade restore the template.",
    )
    TRUNCATED = (
        "truncated",
        "The gzip file ends before its end.",
        "Fetch or upload it again; if the switch is still writing, wait until it has finished.",
    )
    ZIP_ERROR = (
        "zip_error",
        "The archive is damaged, encrypted, nested or empty, or holds names that point outside of it.",
        "Pack it again: plain files, no password, no archives inside.",
    )
    NO_ROWS = (
        "no_rows",
        "The file holds no records.",
        "Nothing to do if the switch had no traffic; else check the export.",
    )
    ENCODING = (
        "encoding",
        "The file is UTF-16, UTF-32 or binary.",
        "Export it as UTF-8 text.",
    )
    LINE_TOO_LONG = (
        "line_too_long",
        "The header line is longer than a line can be.",
        "This is no CSV file, or its line ends are lost: check the export.",
    )
    NOT_A_FILE = (
        "not_a_file",
        "The path is missing, may not be read, or is a folder, a symbolic link, a pipe or a device.",
        "Name the file itself.",
    )
    SOURCE_CHANGED = (
        "source_changed",
        "The file grew, was rewritten or was replaced while it was read.",
        "Take it when the switch has finished with it; it can simply be taken again.",
    )
    TOO_LARGE = (
        "too_large",
        "The archive unpacks to more than the limit, or far beyond what text can be packed.",
        "Split the file, or raise the limit if it is genuine.",
    )

"""Writers of usage files: attempts as the lines of a switch's format (docs/formats/).

A writer makes columns of text, spoils the values of flawed rows, joins the columns to lines and spoils lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.simulate.causes import CAUSES
from trunkline.simulate.draws import IntArray
from trunkline.simulate.flaws import Flaw
from trunkline.simulate.text import choose, decimals, joined, numbers, pick, stamps, uuids
from trunkline.simulate.traffic import Attempts, Source, TrafficPlan

Columns = dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its header line ("" if it has none), and how attempts become columns, in the order of the file.

    `start`, `duration` and `called` name the columns that a flaw of the writing spoils.
    """

    name: str
    header: str
    columns: Callable[[TrafficPlan, Attempts, str], Columns]
    start: str
    duration: str
    called: str
    whole_seconds: bool = False
    in_quotes: bool = False

    def seconds(self, made: Attempts) -> IntArray:
        """The billable seconds of each attempt: what the format says of its length, rounded up."""
        if self.whole_seconds:
            return np.where(made.answer < 0, 0, _whole_seconds(made.end) - _whole_seconds(made.answer))
        return -(-made.duration() // 1000)

    def lines(self, plan: TrafficPlan, made: Attempts, zone: str) -> tuple[pa.Array, IntArray]:
        """Lines with their ends (an Arrow array of binary) and the line of each attempt; `zone` is the switch's."""
        columns = self.columns(plan, made, zone)
        for flaw, name, value in (
            (Flaw.BAD_TIME, self.start, "31.02.26 25:61"),
            (Flaw.DURATION_NEGATIVE, self.duration, "-12"),
            (Flaw.BAD_NUMBER, self.called, "4420ABC"),
        ):
            spoilt = made.flaw == flaw
            if spoilt.any():
                columns[name] = choose(spoilt, pa.scalar(value), columns[name])
        return _spoilt_lines(made, joined(list(columns.values()), in_quotes=self.in_quotes))


def _stated(made: Attempts) -> IntArray:
    """The connected milliseconds that a record states: an hour too many where that is the flaw."""
    return made.duration() + np.where(made.flaw == Flaw.DURATION_MISMATCH, 3_600_000, 0)


def _spoilt_lines(made: Attempts, lines: pa.Array) -> tuple[pa.Array, IntArray]:
    """Adds lines cut in the middle and lines with bytes that are not UTF-8, and says which line each attempt has."""
    index = np.arange(len(lines))
    rows = np.flatnonzero((made.flaw == Flaw.FIELD_COUNT) | (made.flaw == Flaw.BAD_ENCODING))
    if not len(rows):
        return lines, index
    spoilt = []
    for row, line in zip(rows.tolist(), lines.take(pa.array(rows)).to_pylist(), strict=True):
        fields = line.split(b",")
        if made.flaw[row] == Flaw.FIELD_COUNT:
            spoilt.append(b",".join(fields[: len(fields) // 2]) + b"\n")
        else:
            spoilt.append(b",".join([fields[0] + b"\xff\xfe", *fields[1:]]))
    index[rows] = len(lines) + np.arange(len(rows))
    return pa.concat_arrays([lines, pa.array(spoilt, pa.binary())]), index


def _of_sources(plan: TrafficPlan, made: Attempts, value: Callable[[Source], str]) -> pa.Array:
    values = [value(source) for source in (*plan.sources, plan.stranger)]
    return pick(values, made.source) if any(values) else pa.scalar("")


def _trunk_out(plan: TrafficPlan, made: Attempts) -> pa.Array:
    return pick([sink.trunk for sink in (*plan.sinks, plan.strange_sink)], made.sink)


def _address(plan: TrafficPlan, made: Attempts) -> pa.Array:
    """The address a call came from: one of its source's, "" if it has none."""
    sources = (*plan.sources, plan.stranger)
    counts = np.asarray([max(len(source.addresses), 1) for source in sources])
    first = np.cumsum(counts) - counts
    texts = [address for source in sources for address in (source.addresses or ("",))]
    return pick(texts, first[made.source] + made.address % counts[made.source])


def _called(plan: TrafficPlan, made: Attempts) -> pa.Array:
    """Called numbers as their callers dial them: nationally, or with what stands before an international number."""
    international = numbers(made.called)
    dialled = pc.binary_join_element_wise(_of_sources(plan, made, lambda source: source.dial), international, "")
    sources = (*plan.sources, plan.stranger)
    for national in sorted({source.national for source in sources if source.national}):
        is_home = np.asarray([source.national == national for source in sources])[made.source]
        at_home = is_home & pc.starts_with(international, national).to_numpy(zero_copy_only=False)
        rest = pc.utf8_slice_codeunits(international, len(national))
        dialled = choose(at_home, pc.binary_join_element_wise("0", rest, ""), dialled)
    return dialled


def _caller(plan: TrafficPlan, made: Attempts) -> pa.Array:
    """Calling numbers, "anonymous" where withheld."""
    shown = pc.binary_join_element_wise(
        _of_sources(plan, made, lambda source: source.caller_dial), numbers(np.maximum(made.caller, 0)), ""
    )
    withheld = made.caller < 0
    return choose(withheld, pa.scalar("anonymous"), shown) if withheld.any() else shown


def _micros(milliseconds: IntArray) -> pa.Array:
    """Microseconds since the epoch, 0 where absent, as FreeSWITCH writes its `*_uepoch`."""
    return numbers(np.where(milliseconds < 0, 0, milliseconds * 1000))


def _whole_seconds(milliseconds: IntArray) -> IntArray:
    return np.where(milliseconds < 0, -1, milliseconds // 1000)


def _freeswitch_trunks(plan: TrafficPlan, made: Attempts, zone: str) -> Columns:
    progress = _micros(made.progress)
    none = pick(["0"], np.zeros(len(made), dtype=np.int64))
    return {
        "uuid": uuids(made.leg[:, 0], made.leg[:, 1]),
        "trunkline_call_id": uuids(made.call[:, 0], made.call[:, 1]),
        "trunkline_attempt": pick(["0", "1", "2", "3"], np.where(made.sink < 0, 0, made.attempt)),
        "trunkline_is_last": pick(["0", "1"], made.is_last.astype(np.int64)),
        "trunkline_calling": _caller(plan, made),
        "trunkline_called": _called(plan, made),
        "start_uepoch": _micros(made.start),
        "progress_uepoch": choose(made.is_early_media, none, progress),
        "progress_media_uepoch": choose(made.is_early_media, progress, none),
        "answer_uepoch": _micros(made.answer),
        "end_uepoch": _micros(made.end),
        "billmsec": numbers(_stated(made)),
        "hangup_cause": pick([cause.name for cause in CAUSES], made.cause),
        "hangup_cause_q850": pick([str(cause.q850) for cause in CAUSES], made.cause),
        "sip_term_status": pick([str(cause.sip_code) for cause in CAUSES], made.cause),
        "trunkline_trunk_in": _of_sources(plan, made, lambda source: source.trunk),
        "sip_gateway_name": _trunk_out(plan, made),
        "trunkline_source_ip": _address(plan, made),
        "accountcode": _of_sources(plan, made, lambda source: source.account_code),
        "trunkline_sip_user": _of_sources(plan, made, lambda source: source.sip_user),
    }


def _freeswitch(plan: TrafficPlan, made: Attempts, zone: str) -> Columns:
    start, answer, end = (_whole_seconds(instants) for instants in (made.start, made.answer, made.end))
    connected = np.where(answer < 0, 0, end - answer) + (_stated(made) - made.duration()) // 1000
    caller = _caller(plan, made)
    codec = pick(["PCMA", "PCMU"], (made.leg[:, 0] & np.uint64(1)).astype(np.int64))
    is_answered = answer >= 0
    return {
        "caller_id_name": caller,
        "caller_id_number": caller,
        "destination_number": _called(plan, made),
        "context": pick(["default"], np.zeros(len(made), dtype=np.int64)),
        "start_stamp": stamps(start * 1000, zone),
        "answer_stamp": stamps(np.where(is_answered, answer * 1000, -1), zone),
        "end_stamp": stamps(end * 1000, zone),
        "duration": numbers(end - start),
        "billsec": numbers(connected),
        "hangup_cause": pick([cause.name for cause in CAUSES], made.cause),
        "uuid": uuids(made.leg[:, 0], made.leg[:, 1]),
        "bleg_uuid": choose(is_answered, uuids(made.call[:, 0], made.call[:, 1]), pa.scalar("")),
        "accountcode": _of_sources(plan, made, lambda source: source.account_code),
        "read_codec": codec,
        "write_codec": choose(is_answered, codec, pa.scalar("")),
    }


_COMMON_COLUMNS = (
    "key",
    "call_id",
    "attempt",
    "is_last",
    "calling",
    "called",
    "start",
    "answer",
    "end",
    "duration",
    "pdd_ms",
    "cause",
    "sip_code",
    "trunk_in",
    "trunk_out",
    "source_ip",
    "account_code",
    "sip_user",
)


def _common(plan: TrafficPlan, made: Attempts, zone: str) -> Columns:
    start, answer, end = (_iso(instants) for instants in (made.start, made.answer, made.end))
    progress = made.progress
    values = (
        uuids(made.leg[:, 0], made.leg[:, 1]),
        uuids(made.call[:, 0], made.call[:, 1]),
        pick(["1", "2", "3"], made.attempt - 1),
        pick(["0", "1"], made.is_last.astype(np.int64)),
        _caller(plan, made),
        _called(plan, made),
        start,
        answer,
        end,
        decimals(_stated(made), 3),
        choose(progress < 0, pa.scalar(""), numbers(np.maximum(progress - made.start, 0))),
        pick([str(cause.q850) for cause in CAUSES], made.cause),
        pick([str(cause.sip_code) for cause in CAUSES], made.cause),
        _of_sources(plan, made, lambda source: source.trunk),
        _trunk_out(plan, made),
        _address(plan, made),
        _of_sources(plan, made, lambda source: source.account_code),
        _of_sources(plan, made, lambda source: source.sip_user),
    )
    return dict(zip(_COMMON_COLUMNS, values, strict=True))


def _iso(milliseconds: IntArray) -> pa.Array:
    """ISO 8601 in UTC with milliseconds; "" where absent."""
    return stamps(milliseconds, "UTC", separator="T", fraction=True, suffix="Z")


FORMATS: Mapping[str, Format] = {
    found.name: found
    for found in (
        Format(
            name="freeswitch_trunks",
            header="",
            columns=_freeswitch_trunks,
            start="start_uepoch",
            duration="billmsec",
            called="trunkline_called",
        ),
        Format(
            name="freeswitch",
            header="",
            columns=_freeswitch,
            start="start_stamp",
            duration="billsec",
            called="destination_number",
            whole_seconds=True,
            in_quotes=True,
        ),
        Format(
            name="common",
            header=",".join(_COMMON_COLUMNS),
            columns=_common,
            start="start",
            duration="duration",
            called="called",
        ),
    )
}

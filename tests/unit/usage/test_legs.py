"""Which legs are one call, and what becomes of a file of them: docs/algorithms/legs.md."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.conftest import ROOT
from tests.unit.usage.golden import FOLDER, PROFILE, as_text, decode_file
from trunkline.engine.keyhash import hash_text
from trunkline.usage.decode import Chunk, Decoded, Format, SwitchProfile, get_format
from trunkline.usage.decode.assembly import Assembler, WaitingText
from trunkline.usage.decode.legs import ROLES, Role, Ties, named_legs, tie
from trunkline.usage.taken import key_columns
from trunkline.usage.trial import try_file

PAGE = (ROOT / "docs" / "algorithms" / "legs.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## Worked table")[2].splitlines()
    if line.startswith("| ") and not line.startswith(("| legs", "|---"))
]
HEADER = b"method,from_tag,to_tag,callid,sip_code,sip_reason,time,caller,callee"


def tied(text: str) -> Ties:
    """The calls of legs as the table writes them."""
    legs = [leg.split() for leg in text.split("; ")]
    roles = np.array([ROLES[leg[0]] for leg in legs], np.int8)
    start = np.array([int(leg[1]) for leg in legs], np.int64) * 1000
    end = np.array([int(leg[-1].rstrip("*")) for leg in legs], np.int64) * 1000
    connected = np.array([leg[-1].endswith("*") for leg in legs], np.bool_)
    ids = np.arange(len(legs), dtype=np.uint64)
    codes = np.zeros(len(legs), np.int64)
    return tie(codes, ids, roles, start, end, connected, skew_ms=10_000, span_ms=7_200_000)


@pytest.mark.parametrize(("legs", "complete", "records"), ROWS)
def test_the_table_of_the_page(legs: str, complete: str, records: str) -> None:
    ties = tied(legs)
    said = []
    for base, other, attempt, is_last in zip(ties.base, ties.other, ties.attempt, ties.is_last, strict=True):
        completed = f" with {other + 1}" if other >= 0 else ""
        said.append(f"{attempt} of {base + 1}{completed}{' !' if is_last else ''}")
    assert ", ".join("yes" if each else "no" for each in ties.is_complete) == complete
    assert "; ".join(said) == records


LEGS = st.lists(
    st.tuples(
        st.integers(0, 5), st.integers(0, 9), st.integers(1, 4), st.integers(0, 40), st.integers(0, 40), st.booleans()
    ),
    max_size=24,
)


@given(legs=LEGS)
def test_calls_of_two_legs_are_tied_as_any_others(legs: list[tuple[int, int, int, int, int, bool]]) -> None:
    # Of a key all legs are of one kind; beside each key stands the same key with a further leg that is a call by itself, far away.
    legs = [leg for leg in legs if (leg[2] >= Role.BEGIN) == (leg[0] % 2 == 1)]
    walked = [(code, 100 + code, Role.BEGIN if code % 2 else Role.OUT, 90_000, 90_000, True) for code in range(6)]
    walked += [(code, 200 + code, Role.BEGIN if code % 2 else Role.OUT, 190_000, 190_000, True) for code in range(6)]
    assert of_each_key(legs) == {
        key: records for key, records in without_added(of_each_key([*legs, *walked])).items() if records[0]
    }


def of_each_key(legs: Sequence[tuple[int, int, int, int, int, bool]]) -> dict[int, tuple[list[object], list[object]]]:
    """By key the records, and of each leg whose call it is complete, or that it is repeated; legs by their places."""
    columns = [np.array([leg[at] for leg in legs], np.int64) for at in range(6)]
    codes, ids, roles, start, lasted, connected = columns
    end = np.where(roles >= Role.BEGIN, start, start + lasted) * 1000
    tied_legs = tie(
        codes,
        ids.astype(np.uint64),
        roles.astype(np.int8),
        start * 1000,
        end,
        connected > 0,
        skew_ms=5_000,
        span_ms=20_000,
    )
    found: dict[int, tuple[list[object], list[object]]] = {code: ([], []) for code in codes.tolist()}
    records = (tied_legs.base, tied_legs.other, tied_legs.attempt, tied_legs.is_last, tied_legs.is_main)
    for record in zip(*(column.tolist() for column in records), strict=True):
        found[legs[record[0]][0]][0].append(record)
    for at, call in enumerate(tied_legs.call.tolist()):
        found[legs[at][0]][1].append((at, call >= 0 and bool(tied_legs.is_complete[call]), call >= 0))
    repeated = zip(tied_legs.repeated.tolist(), tied_legs.first.tolist(), strict=True)
    for at, first in repeated:
        assert (ids[at], tied_legs.call[at]) == (ids[first], -1)
    return found


def without_added(
    found: dict[int, tuple[list[object], list[object]]],
) -> dict[int, tuple[list[object], list[object]]]:
    """Without the legs that were added: the last two of each key."""
    return {code: (records[:-2], legs[:-2]) for code, (records, legs) in found.items()}


def test_the_table_has_its_rows() -> None:
    assert len(ROWS) == 19


# A file of legs


def row(method: str, call: int, second: int, tags: str = "a,b", code: int = 200) -> bytes:
    at = f"2026-01-02 15:{second // 60:02}:{second % 60:02}"
    who = "254711000111,442079460123" if method == "INVITE" else ","
    return f"{method},{tags},c{call},{code},OK,{at},{who}".encode()


def acc(lines: Sequence[bytes], *, held: int = 200_000, cuts: Sequence[int] = ()) -> Decoded:
    """Lines of Kamailio's acc as one file, in chunks that are cut before these lines."""
    form, profile = get_format("kamailio_acc"), replace(PROFILE, timezone="UTC")
    assembler = Assembler(form, profile, is_final=True, held_legs=held)
    bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(lines)}), len(lines)]
    parts = []
    for low, high in pairwise(bounds):
        data = b"".join(line + b"\n" for line in lines[low:high])
        parts += assembler.add(Chunk(low + 2, data, HEADER))
    parts += assembler.finish()
    return joined(parts)


def joined(parts: Sequence[Decoded]) -> Decoded:
    return Decoded(
        pa.concat_tables([part.events for part in parts]).sort_by("key"),
        pa.concat_tables([part.rejects for part in parts]).sort_by("line"),
        sum(part.skipped for part in parts),
        parts[-1].lines,
    )


CALLS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 1000), st.integers(0, 600), st.booleans(), st.booleans()), max_size=12
)


def lines_of(calls: Sequence[tuple[int, int, int, bool, bool]]) -> list[bytes]:
    """Legs of calls, each with its own id, in the order of time: whole ones, some without an end, some with a leg sent twice."""
    made: list[tuple[int, bytes]] = []
    for number, (kind, start, lasted, has_end, is_twice) in enumerate(calls):
        begin = (start, row("INVITE", number, start))
        end = (start + lasted, row("BYE", number, start + lasted, "b,a"))
        if kind == 6:
            made.append((start, row("INVITE", number, start, code=486)))
            continue
        made.append(begin)
        made += [end] * has_end + [begin] * is_twice
        if kind == 5 and lasted > 2:
            made.append((start + 1, row("INVITE", number, start + 1, "b,a")))
    return [line for _, line in sorted(made, key=lambda each: each[0])]


@given(calls=CALLS, cuts=st.lists(st.integers(1, 60), max_size=5), held=st.integers(1, 20))
def test_a_file_means_the_same_wherever_its_chunks_are_cut(
    calls: list[tuple[int, int, int, bool, bool]], cuts: list[int], held: int
) -> None:
    lines = lines_of(calls)
    if lines:
        whole, parts = acc(lines), acc(lines, cuts=cuts, held=held)
        assert parts.events.to_pylist() == whole.events.to_pylist()
        assert parts.rejects.to_pylist() == whole.rejects.to_pylist()
        assert parts.skipped == whole.skipped


@given(calls=CALLS)
def test_every_line_is_a_record_a_reject_or_passed_over(calls: list[tuple[int, int, int, bool, bool]]) -> None:
    lines = lines_of(calls)
    if lines:
        decoded = acc(lines)
        assert decoded.events.num_rows + decoded.rejects.num_rows + decoded.skipped == len(lines)
        assert decoded.events.num_rows == sum(1 for kind, _, _, has_end, _ in calls if kind == 6 or has_end)


def test_a_record_names_its_legs_and_a_reject_has_them_all() -> None:
    decoded = acc([row("INVITE", 1, 0), row("BYE", 1, 60, "b,a")])
    (event,) = decoded.events.to_pylist()
    assert len(named_legs(event["legs"])) == 2
    assert decoded.lines.raw_numbered(2) == f"{row('INVITE', 1, 0).decode()}\\x0a{row('BYE', 1, 60, 'b,a').decode()}"


def test_a_call_longer_than_the_switch_allows_is_rejected() -> None:
    late = replace(PROFILE, timezone="UTC", max_duration_s=60, received_at=datetime(2026, 1, 3, tzinfo=UTC))
    assembler = Assembler(get_format("kamailio_acc"), late, is_final=True)
    data = row("INVITE", 1, 0) + b"\n" + row("BYE", 1, 61, "b,a") + b"\n"
    (decoded,) = [*assembler.add(Chunk(2, data, HEADER)), *assembler.finish()]
    assert [(each["reason"], each["detail"]) for each in decoded.rejects.to_pylist()] == [
        ("duration_over_limit", "61 s is over the limit of 60 s.")
    ]


def test_the_golden_file_in_small_chunks(tmp_path: object) -> None:
    path = FOLDER / "kamailio_acc.csv"
    assert as_text(decode_file("kamailio_acc", path, size=50)) == as_text(decode_file("kamailio_acc", path))


# Legs in different files


class Room:
    """A waiting table in memory."""

    def __init__(self) -> None:
        self.legs: dict[int, tuple[str, WaitingText]] = {}

    def call_hashes(self) -> NDArray[np.uint64]:
        return hash_text(pa.array([call for call, _ in self.legs.values()], pa.string()))

    def legs_of(self, calls: Sequence[str]) -> Sequence[WaitingText]:
        return [text for call, text in self.legs.values() if call in calls]

    def take(self, form: Format, header: bytes | None, data: bytes, profile: SwitchProfile) -> pa.Table:
        """Take a file: its records. What waits afterwards is here."""
        assembler = Assembler(form, profile, waiters=self)
        parts = [*assembler.add(Chunk(1, data, header)), *assembler.finish()]
        for used in assembler.taken:
            del self.legs[used]
        for part in parts:
            for row in part.waiting.to_pylist() if part.waiting is not None else ():
                number = len(self.legs) + 1000 * len(data)
                while number in self.legs:
                    number += 1
                self.legs[number] = row["call"], WaitingText(number, header, row["raw"])
        return pa.concat_tables([part.events for part in parts])


def taken_apart(
    form: Format, header: bytes | None, files: Sequence[bytes], profile: SwitchProfile
) -> tuple[object, ...]:
    """The records of files, taken one after the other, and what waits in the end."""
    room = Room()
    events = pa.concat_tables([room.take(form, header, data, profile) for data in files]).to_pylist()
    records = sorted(tuple(value for name, value in event.items() if name != "line") for event in events)
    return records, sorted(text.raw for _, text in room.legs.values())


def split(pieces: Sequence[bytes], places: Sequence[int], order: random.Random) -> list[bytes]:
    """The pieces dealt out to files, which come in any order."""
    files: dict[int, list[bytes]] = {}
    for piece, place in zip(pieces, places, strict=False):
        files.setdefault(place, []).append(piece)
    found = [b"".join(each) for each in files.values()]
    order.shuffle(found)
    return found


@given(
    calls=CALLS.filter(lambda calls: calls),
    places=st.lists(st.integers(0, 4), min_size=60, max_size=60),
    order=st.randoms(),
)
def test_any_files_in_any_order_give_the_records_of_the_one_file(
    calls: list[tuple[int, int, int, bool, bool]], places: list[int], order: random.Random
) -> None:
    """Calls whose INVITE is not repeated within the call: a re-INVITE that comes with the BYE before its INVITE is late (legs.md)."""
    lines = [line + b"\n" for line in lines_of([(kind if kind == 6 else 0, *more) for kind, *more in calls])]  # type: ignore[misc]
    form, profile = get_format("kamailio_acc"), replace(PROFILE, timezone="UTC")
    whole = taken_apart(form, HEADER, [b"".join(dict.fromkeys(lines))], profile)
    assert taken_apart(form, HEADER, split(list(dict.fromkeys(lines)), places, order), profile) == whole


@given(calls=CALLS.filter(lambda calls: calls), cuts=st.lists(st.integers(0, 4), min_size=60, max_size=60))
def test_files_in_the_order_of_the_switch_give_the_records_of_the_one_file(
    calls: list[tuple[int, int, int, bool, bool]], cuts: list[int]
) -> None:
    lines = [line + b"\n" for line in dict.fromkeys(lines_of(calls))]
    form, profile = get_format("kamailio_acc"), replace(PROFILE, timezone="UTC")
    whole = taken_apart(form, HEADER, [b"".join(lines)], profile)
    files = split(lines, sorted(cuts), random.Random(1))
    in_order = sorted(files, key=lambda data: lines.index(data.splitlines(keepends=True)[0]))
    assert taken_apart(form, HEADER, in_order, profile) == whole


def stop(call: int, session: int, leg: str, start: int, end: int, *, is_connected: bool) -> bytes:
    at = [f"15:{second // 60:02}:{second % 60:02}.000 UTC Fri Jan 02 2026" for second in (start, start, end)]
    said = {
        "Acct-Status-Type": "Stop",
        "Acct-Session-Id": f"{session:08x}",
        "Acct-Session-Time": str(end - start if is_connected else 0),
        "NAS-IP-Address": "192.0.2.20",
        "h323-call-origin": leg,
        "h323-conf-id": f"conference {call}",
        "Calling-Station-Id": "254711000111",
        "Called-Station-Id": "442079460123" if leg == "answer" else "9442079460123",
        "h323-setup-time": at[0],
        **({"h323-connect-time": at[1]} if is_connected else {}),
        "h323-disconnect-time": at[2],
        "h323-remote-address": f"192.0.2.{session % 250}",
    }
    return (
        b"Fri Jan  2 18:01:00 2026\n"
        + "".join(f'\t{name} = "{text}"\n' for name, text in said.items()).encode()
        + b"\n"
    )


def stops(calls: Sequence[tuple[int, int, int, bool, bool]]) -> list[bytes]:
    """Calls that came in and went out, each after up to two attempts that failed, or never."""
    made: list[tuple[int, int, bytes]] = []
    for number, (kind, start, lasted, is_connected, _) in enumerate(calls):
        begin = start
        for attempt in range(kind % 3):
            made.append(
                (begin + 1, 0, stop(number, 10 * number + attempt, "originate", begin, begin + 1, is_connected=False))
            )
            begin += 1
        end = begin + lasted + 5
        went = is_connected and lasted > 0
        if kind != 5:
            made.append((end, 0, stop(number, 10 * number + 5, "originate", begin, end, is_connected=went)))
        made.append((end, 1, stop(number, 10 * number + 6, "answer", start, end, is_connected=went)))
    return [text for _, _, text in sorted(made)]


@given(calls=CALLS.filter(lambda calls: calls), cuts=st.lists(st.integers(0, 4), min_size=60, max_size=60))
def test_gateways_legs_in_several_files_give_the_records_of_the_one_file(
    calls: list[tuple[int, int, int, bool, bool]], cuts: list[int]
) -> None:
    pieces, form, profile = stops(calls), get_format("radius_detail"), replace(PROFILE, timezone="UTC")
    whole = taken_apart(form, None, [b"".join(pieces)], profile)
    dealt: dict[int, list[bytes]] = {}
    for piece, cut in zip(pieces, sorted(cuts), strict=False):
        dealt.setdefault(cut, []).append(piece)
    assert taken_apart(form, None, [b"".join(each) for each in dealt.values()], profile) == whole


@given(
    calls=CALLS.filter(lambda calls: calls),
    places=st.lists(st.integers(0, 4), min_size=60, max_size=60),
    order=st.randoms(),
)
def test_two_legs_of_a_gateway_in_any_files_in_any_order(
    calls: list[tuple[int, int, int, bool, bool]], places: list[int], order: random.Random
) -> None:
    pieces = stops([(kind if kind == 5 else 0, *more) for kind, *more in calls])  # type: ignore[misc]
    form, profile = get_format("radius_detail"), replace(PROFILE, timezone="UTC")
    whole = taken_apart(form, None, [b"".join(pieces)], profile)
    assert taken_apart(form, None, split(pieces, places, order), profile) == whole


# Records that are attempts of one call


def master(dst: str, *, channel: int = 1, sequence: int, start: int, seconds: int) -> str:
    """A row of Asterisk's Master.csv; `seconds` 0: nobody answered."""
    begin, end = (f"2026-01-02 17:{at // 60:02}:{at % 60:02}" for at in (start, start + max(seconds, 5)))
    fate = f"{begin},{end},{seconds or 5},{seconds},ANSWERED" if seconds else f",{end},5,0,NO ANSWER"
    return (
        f"acme,0711000111,{dst},ctx,,PJSIP/acme-{channel},PJSIP/{dst}-{sequence},Dial,x,{begin},{fate},DOCUMENTATION,"
        f"1767362400.{channel},,,1767362400.1,{sequence}"
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [("254700000001", 1, 0, 0), ("254700000002", 1, 0, 30), ("254700000003", 1, 0, 0)],
            [(1, False), (2, True), (3, False)],
            id="fork",
        ),
        pytest.param(
            [("254700000001", 1, 0, 0), ("254700000002", 1, 5, 0)], [(1, False), (2, True)], id="nobody answers"
        ),
        pytest.param(
            [("254700000001", 1, 0, 20), ("254700000002", 1, 20, 40)], [(1, True), (2, True)], id="blind transfer"
        ),
        pytest.param(
            [("254700000001", 1, 0, 60), ("254700000002", 2, 20, 10)], [(1, True), (1, True)], id="attended transfer"
        ),
    ],
)
def test_forks_and_transfers(rows: list[tuple[str, int, int, int]], expected: list[tuple[int, bool]]) -> None:
    lines = [
        master(dst, channel=channel, sequence=number, start=start, seconds=seconds)
        for number, (dst, channel, start, seconds) in enumerate(rows)
    ]
    decoded = get_format("asterisk").decode(Chunk(1, "\n".join(lines).encode()), PROFILE)
    assert decoded.rejects.num_rows == 0
    assert [(row["attempt"], row["is_last"]) for row in decoded.events.to_pylist()] == expected
    assert len(set(decoded.events["call_id"].to_pylist())) == 1


def test_the_number_of_an_attempt_does_not_make_another_record() -> None:
    """Master.csv grows: what was the last attempt yesterday is not any more, and is the same record."""
    lines = [
        master("254700000001", sequence=1, start=0, seconds=0),
        master("254700000002", sequence=2, start=5, seconds=9),
    ]
    before, after = (
        get_format("asterisk").decode(Chunk(1, "\n".join(some).encode()), PROFILE).events for some in (lines[:1], lines)
    )
    assert before["is_last"].to_pylist() == [True]
    assert after["is_last"].to_pylist() == [False, True]
    assert key_columns(before).contents[0] == key_columns(after).contents[0]


def test_a_row_that_comes_twice_is_one_attempt() -> None:
    """Of two equal rows the first is taken and the second a duplicate: the call keeps a last attempt."""
    line = master("254700000001", sequence=1, start=0, seconds=0)
    events = get_format("asterisk").decode(Chunk(1, f"{line}\n{line}".encode()), PROFILE).events
    assert list(zip(events["attempt"].to_pylist(), events["is_last"].to_pylist(), strict=True)) == [(1, True)] * 2


def test_a_trial_says_which_calls_would_wait() -> None:
    trial = try_file(FOLDER / "cisco_cube.csv", form=None, profile=PROFILE, received_at=PROFILE.received_at)
    assert trial.missing["legs"].startswith("2 calls lack a leg")
    trial = try_file(FOLDER / "kamailio_acc.csv", form=None, profile=PROFILE, received_at=PROFILE.received_at)
    assert (trial.format, trial.decoded, trial.reasons["lone_leg"], "legs" in trial.missing) == (
        "kamailio_acc",
        4,
        2,
        False,
    )
    assert trial.rows_in == 20

"""What the simulator says it put into a file is what decoding finds there."""

from collections import Counter
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from trunkline.simulate.decks import DeckPlan, longest_code, make_deck
from trunkline.simulate.demo_meridian import SWITCH, meridian
from trunkline.simulate.demo_savanna import PBX, SIP, savanna
from trunkline.simulate.describe import SwitchPlan
from trunkline.simulate.files import Dirt, FileSpec, Written, write_files
from trunkline.simulate.flaws import Flaw
from trunkline.simulate.traffic import Sink, Source, TrafficPlan, popular_codes, routes_by_price
from trunkline.simulate.usage import write_usage
from trunkline.simulate.world import breakout_codes, country_codes
from trunkline.usage.decode import FORMATS, SwitchProfile, chunks, open_source

RECORDS = 20_000
RECEIVED_AT = datetime(2026, 11, 1, tzinfo=UTC)
SEEN_BY_DECODING = {
    Flaw.BAD_ENCODING,
    Flaw.FIELD_COUNT,
    Flaw.BAD_TIME,
    Flaw.TIME_IN_FUTURE,
    Flaw.TIME_ORDER,
    Flaw.DURATION_NEGATIVE,
    Flaw.DURATION_OVER_LIMIT,
    Flaw.DURATION_MISMATCH,
    Flaw.BAD_NUMBER,
}
DIRT = Dirt(duplicates=10_000, flaws={flaw: 1_000 + 50 * flaw for flaw in Flaw if flaw and flaw != Flaw.NO_RATE_BUY})


@cache
def traffic() -> TrafficPlan:
    codes, weights = popular_codes(500)
    decks = [make_deck(DeckPlan(name, 3), table) for name, table in (("a", country_codes()), ("b", breakout_codes()))]
    return TrafficPlan(
        seed=5,
        start=datetime(2026, 3, 2, tzinfo=UTC),
        day_weights=(1,),
        sources=(
            Source("one", 2, trunk="one-in", account_code="4711", sip_user="one", dial="+", caller_dial="00"),
            Source("two", 1, addresses=("192.0.2.1", "192.0.2.2"), account_code="4712", dial="1001#", home=("GB",)),
            Source("three", 1, trunk="three-in", account_code="4713", dial="00", national="44"),
        ),
        codes=codes,
        weights=weights,
        sinks=(Sink("a", "a-out"), Sink("b", "b-out")),
        routes=routes_by_price(codes, decks),
    )


def profile_of(switch: SwitchPlan) -> SwitchProfile:
    return SwitchProfile.of(received_at=RECEIVED_AT, timezone=switch.timezone, number_rules=switch.number_rules)


PROFILE = SwitchProfile.of(
    received_at=RECEIVED_AT,
    timezone="Europe/London",
    number_rules=(
        {"pattern": "1001#(.*)", "put": r"\1", "is_last": True},
        {"begins": "00", "put": "", "is_last": True},
        {"pattern": "0([0-9]*)", "put": r"44\1", "on": "called"},
    ),
)


def decoded(written: Written, format_name: str, profile: SwitchProfile) -> tuple[pa.Table, Counter[str]]:
    form = FORMATS[format_name]
    events, reasons = [], Counter()
    with open_source(written.path) as source:
        for chunk in chunks(source, has_header=form.has_header):
            found = form.decode(chunk, profile)
            events.append(found.events)
            reasons.update(found.rejects.column("reason").to_pylist())
    return pa.concat_tables(events, promote_options="default").combine_chunks(), reasons


@pytest.mark.slow
@pytest.mark.parametrize("format_name", ["freeswitch_trunks", "freeswitch", "common"])
def test_every_record_of_a_file_is_what_its_counts_say(tmp_path, format_name):
    plan = traffic()
    written = write_files(
        plan,
        [FileSpec("one.csv", 0, 700), FileSpec("two.csv.gz", 700, 1440)],
        tmp_path,
        records=RECORDS,
        format_name=format_name,
        zone="Europe/London",
        dirt=DIRT,
    )
    assert sum(file.records for file in written) == RECORDS
    seen: dict[str, tuple] = {}
    known = {"one-in", "three-in", "192.0.2.1", "192.0.2.2", "4711", "4712", "4713"}
    for file in written:
        events, rejects = decoded(file, format_name, PROFILE)
        found = Counter(rejects)
        columns = (
            "key",
            "called",
            "start",
            "end",
            "quantity",
            "is_last",
            "trunk_in",
            "source_ip",
            "account_code",
            "trunk_out",
        )
        covered = longest_code(country_codes(), np.asarray(events.column("called").to_pylist(), dtype=np.int64)) >= 0
        for row, is_covered in zip(
            zip(*(events.column(c).to_pylist() for c in columns), strict=True), covered, strict=True
        ):
            key, _, _, _, quantity, is_last, *marks, trunk_out = row
            if key in seen:
                found["duplicates" if seen[key] == row else Flaw.CONFLICTING_DUPLICATE.reason] += 1
                continue
            seen[key] = row
            if not known & set(marks):
                found[Flaw.UNKNOWN_SELL.reason] += 1
            elif trunk_out == "gw-unlisted-3":
                found[Flaw.UNKNOWN_BUY.reason] += 1
            elif quantity and not is_covered:
                found[Flaw.NO_RATE_SELL.reason] += 1
            else:
                found["rated"] += 1
                found["calls"] += is_last
                found["connected"] += quantity > 0
                found["seconds"] += quantity
        expected = {
            **file.rejects,
            "duplicates": file.duplicates,
            "rated": file.rated,
            "connected": file.connected,
            "seconds": file.seconds,
        }
        expected["calls"] = file.calls
        if format_name == "freeswitch":
            # No vendor side is written: a strange trunk is not seen, and every attempt looks like a call of its own.
            expected["rated"] += expected.pop("unknown_buy")
            for name in ("calls", "connected", "seconds"):
                found.pop(name)
                expected.pop(name)
        assert dict(found) == expected
        assert file.records == file.rated + file.duplicates + sum(file.rejects.values())


@pytest.mark.parametrize(
    ("tenant", "switch"), [(meridian(), SWITCH), (savanna(), PBX), (savanna(), SIP)], ids=["carrier", "pbx", "sip"]
)
def test_the_demo_switches_make_every_number_international(tenant, switch, tmp_path):
    plan = next(found for found in tenant.switches if found.name == switch)
    written = write_usage(4_000, plan.format, 7, tmp_path / "file.csv")
    events, rejects = decoded(written, plan.format, profile_of(plan))
    assert rejects == {
        flaw.reason: written.rejects[flaw.reason] for flaw in SEEN_BY_DECODING if flaw.reason in written.rejects
    }
    called = np.asarray(events.column("called").to_pylist(), dtype=np.int64)
    uncovered = int((longest_code(country_codes(), called) < 0).sum())
    assert uncovered == written.rejects["no_rate_sell"]
    assert events.num_rows == written.records - sum(rejects.values())

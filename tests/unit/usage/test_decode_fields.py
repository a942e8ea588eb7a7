"""Single fields, whole columns at a time: raw text, integers, seconds, times, numbers, and the profile of a switch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.usage.decode import MsRounding, NumberRule, SwitchProfile, line_octets, raw_text
from trunkline.usage.decode.columns import LARGEST, integers, milliseconds
from trunkline.usage.decode.numbers import is_number, normalise
from trunkline.usage.decode.profile import prefix, strip
from trunkline.usage.decode.raw import RAW_OCTETS
from trunkline.usage.decode.records import rounded_seconds
from trunkline.usage.decode.times import READ, TWICE, UNREADABLE, from_epoch_us, from_text
from trunkline.usage.schema import Service

AT = datetime(2026, 1, 2, tzinfo=UTC)


# Raw lines


@given(st.binary(max_size=300))
def test_a_raw_line_gives_back_its_bytes(line: bytes) -> None:
    text = raw_text(line)
    assert line_octets(text) == line
    assert not any(sign < " " and sign != "\t" for sign in text)


def test_a_raw_line_shows_what_is_not_text() -> None:
    assert raw_text(b"a\xe9\0\\\r\tb \xc3\xa9") == "a\\xe9\\x00\\x5c\\x0d\tb é"


def test_a_long_line_is_cut_and_says_so() -> None:
    assert raw_text(b"a" * (RAW_OCTETS + 3)) == "a" * RAW_OCTETS + "\\+3"
    assert raw_text(b"abc", 2**31) == f"abc\\+{2**31 - 3}"
    with pytest.raises(Invalid, match="Only the first 4096 bytes"):
        line_octets(raw_text(b"abc", 2**31))


# Integers and seconds


def test_integers_read_digits_with_a_sign_and_nothing_else() -> None:
    text = [
        "17",
        "0",
        "-5",
        None,
        " 8 ",
        "007",
        "9" * 18,
        "9" * 19,
        "-" + "9" * 30,
        "+5",
        "0x1F",
        "1.0",
        "1e3",
        "",
        "٣",
        "-",
    ]
    numbers = integers(pa.array(text))
    assert numbers.values.tolist() == [17, 0, -5, 0, 8, 7, 10**18 - 1, LARGEST, -LARGEST, 0, 0, 0, 0, 0, 0, 0]
    assert numbers.is_present.tolist() == [value is not None for value in text]
    assert [given for given, good in zip(text, numbers.is_readable, strict=True) if not good] == [
        "+5", "0x1F", "1.0", "1e3", "", "٣", "-",
    ]  # fmt: skip


def test_the_fast_way_agrees_with_the_slow_one() -> None:
    plain = pa.array(["1", None, "20", "999999999999999999"])
    mixed = pa.concat_arrays([plain, pa.array(["x"])])
    assert integers(plain).values.tolist() == integers(mixed).values.tolist()[:-1]
    assert integers(mixed.slice(1, 3)).values.tolist() == [0, 20, 10**18 - 1]


def test_seconds_have_up_to_three_decimals() -> None:
    text = [
        "12",
        "12.5",
        "0.001",
        "-1.25",
        None,
        "12.3456",
        "1e2",
        ".5",
        "7.",
        "9" * 25,
        "9" * 25 + ".5",
        "-" + "9" * 25,
    ]
    numbers = milliseconds(pa.array(text))
    assert numbers.values.tolist()[:5] == [12_000, 12_500, 1, -1_250, 0]
    assert numbers.values.tolist()[9:] == [10**18, 10**18, -(10**18)]
    assert [given for given, good in zip(text, numbers.is_readable, strict=True) if not good] == [
        "12.3456",
        "1e2",
        ".5",
        "7.",
    ]


@given(st.lists(st.one_of(st.none(), st.text("0123456789.-+ e", min_size=1, max_size=22)), min_size=1, max_size=8))
def test_a_field_reads_the_same_whatever_stands_beside_it(text: list[str | None]) -> None:
    for read in (integers, milliseconds):
        together = read(pa.array(text, pa.string()))
        for at, field in enumerate(text):
            alone = read(pa.array([field], pa.string()))
            assert (alone.values[0], alone.is_present[0], alone.is_readable[0]) == (
                together.values[at],
                together.is_present[at],
                together.is_readable[at],
            )


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [(MsRounding.UP, [0, 1, 1, 1, 2]), (MsRounding.DOWN, [0, 0, 0, 1, 1]), (MsRounding.HALF_UP, [0, 0, 1, 1, 1])],
)
def test_milliseconds_round_to_seconds(mode: MsRounding, seconds: list[int]) -> None:
    assert rounded_seconds(np.array([0, 499, 500, 1000, 1001]), mode).tolist() == seconds


# Times


def instants(*text: str | None, zone: str = "UTC") -> list[datetime | str | None]:
    """Each text as an instant, `twice`, `unreadable` or None."""
    read = from_text(pa.array(text, pa.string()), zone)
    names = {TWICE: "twice", UNREADABLE: "unreadable"}
    return [
        None if not present else names[int(status)] if status != READ else datetime.fromtimestamp(ms / 1000, UTC)
        for ms, present, status in zip(read.ms, read.is_present, read.status, strict=True)
    ]


def test_times_are_read_in_every_documented_form() -> None:
    at = datetime(2026, 1, 2, 15, 4, 5, tzinfo=UTC)
    assert instants(
        "2026-01-02 15:04:05", "2026-01-02T15:04:05", "2026-01-02T15:04:05Z", "2026-01-02T18:04:05+03:00",
        "2026-01-02T10:34:05-0430", "2026-01-02T16:04:05+01", "2026/1/2 15:04:05", " 2026-1-2 15:04:05 ", None,
    ) == [at] * 8 + [None]  # fmt: skip
    assert instants("2026-01-02T15:04:05.25Z", "2026-01-02 15:04:05,2509999") == [at + timedelta(milliseconds=250)] * 2


def test_a_time_without_seconds_is_known_to_the_minute() -> None:
    read = from_text(pa.array(["2020/2/10 22:41", "2020/2/10 22:41:00"]), "Europe/Berlin")
    assert read.resolution_ms.tolist() == [60_000, 0]
    assert read.ms.tolist() == [int(datetime(2020, 2, 10, 21, 41, tzinfo=UTC).timestamp()) * 1000] * 2


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29 00:00:00", "2026-04-31 00:00:00", "2100-02-29 00:00:00", "2026-00-10 00:00:00", "2026-13-01 00:00:00",
        "2026-01-00 00:00:00", "2026-01-02 24:00:00", "2026-01-02 15:60:00", "2026-01-02 15:04:60", "2026-01-02", "yesterday",
        "2026-01-02 15:04:05 CET", "2026-01-02T15:04:05+24:00", "2026-01-02T15:04:05+01:60", "15:04:05", "02/01/2026 15:04:05",
        "2026-01-02 15:04:05x", "2026.01.02-15:04:05", "1767366000", "1989-12-31 23:59:59", "0000-01-01 00:00:00",
        "٢٠٢٦-01-02 15:04:05", "2026-01-02 15:04:0é",
    ],
)  # fmt: skip
def test_times_that_do_not_exist_or_cannot_be_read(text: str) -> None:
    good = "2026-01-02 15:04:05"
    assert instants(good, text, good)[1] == "unreadable"


def test_leap_days_exist() -> None:
    assert instants("2024-02-29 12:00:00", "2000-02-29 12:00:00") == [
        datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2000, 2, 29, 12, tzinfo=UTC),
    ]  # fmt: skip


def test_the_clock_change_repeats_one_hour_and_skips_another() -> None:
    assert instants(
        "2026-10-25 01:59:59", "2026-10-25 02:00:00", "2026-10-25 02:59:59", "2026-10-25 03:00:00", "2026-10-25T02:30:00+02:00",
        "2026-03-29 01:59:59", "2026-03-29 02:00:00", "2026-03-29 03:00:00",
        zone="Europe/Berlin",
    ) == [
        datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC), "twice", "twice", datetime(2026, 10, 25, 2, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "unreadable", datetime(2026, 3, 29, 1, tzinfo=UTC),
    ]  # fmt: skip


@given(
    at=st.lists(st.datetimes(datetime(1991, 1, 1), datetime(2199, 1, 1)), min_size=1, max_size=20),  # noqa: DTZ001
    zone=st.sampled_from(["UTC", "Africa/Nairobi", "Asia/Kathmandu", "America/New_York"]),
)
def test_local_times_agree_with_the_standard_library(at: list[datetime], zone: str) -> None:
    for instant, found in zip(at, instants(*(f"{item:%Y-%m-%d %H:%M:%S}" for item in at), zone=zone), strict=True):
        local = instant.replace(microsecond=0, tzinfo=ZoneInfo(zone))
        if found == "twice":
            assert local.utcoffset() != local.replace(fold=1).utcoffset()
        elif found == "unreadable":
            assert local.astimezone(UTC).astimezone(local.tzinfo) != local or local.fold == 0
        else:
            assert found == local.astimezone(UTC)


@given(st.datetimes(datetime(1991, 1, 1), datetime(2500, 1, 1)), st.integers(-1439, 1439))  # noqa: DTZ001
def test_offsets_agree_with_the_standard_library(naive: datetime, minutes: int) -> None:
    at = naive.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert instants(at.isoformat()) == [at.astimezone(UTC)]


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=8))
def test_no_text_breaks_the_reader_of_times(text: list[str | None]) -> None:
    assert len(instants(*text, "2026-01-02 15:04:05")) == len(text) + 1


def test_epoch_microseconds() -> None:
    read = from_epoch_us(pa.array(["1767366000123999", "0", None, "1767366000", "1767366000123", "x", "-1", "9" * 30]))
    assert read.ms[0] == 1767366000123
    assert read.is_present.tolist() == [True, False, False, True, True, True, True, True]
    assert read.status.tolist() == [READ, READ, READ] + [UNREADABLE] * 5


# Numbers


def made(*numbers: str | None, rules: tuple[NumberRule, ...] = ()) -> list[str]:
    return normalise(pa.array(numbers, pa.string()), rules).to_pylist()


def test_without_rules_plus_uris_and_punctuation_go() -> None:
    assert made(
        "442079460123", "+442079460123", "+44 (20) 7946-0123", "sip:+442079460123@192.0.2.1;user=phone",
        "SIPS:%2B442079460123@example.net:5061", "tel:+44-20-7946-0123;phone-context=x", None,
    ) == ["442079460123"] * 6 + [""]  # fmt: skip


def test_what_is_no_number_stays_recognisable() -> None:
    numbers = normalise(
        pa.array(["&", "*60", "anonymous", "sip:192.0.2.1", "192.0.2.1", "44x", "", "1" * 32, "1" * 33]), ()
    )
    assert is_number(numbers).tolist() == [False] * 7 + [True, False]
    assert is_number(pa.array(["١٢"])).tolist() == [False]
    assert made("4" * 300 + "x") == ["?"]


def test_rules_apply_in_order_each_to_what_the_one_before_made() -> None:
    rules = (strip("9"), strip("00"), NumberRule(begins="0", put="254"))
    assert made("900254711", "90711", "0711", "254711", rules=rules) == ["254711", "254711", "254711", "254711"]


def test_a_last_rule_ends_the_number_it_fitted() -> None:
    rules = (strip("00", is_last=True), NumberRule(begins="0", put="254"))
    assert made("000711", "0711", rules=rules) == ["0711", "254711"]


def test_lengths_bound_a_rule() -> None:
    rules = (prefix("1", length_min=10, length_max=10),)
    assert made("2025550143", "12025550143", "911", "", None, rules=rules) == [
        "12025550143",
        "12025550143",
        "911",
        "",
        "",
    ]


def test_a_pattern_fits_the_whole_number_and_its_groups_are_put() -> None:
    rules = (NumberRule(pattern=r"(\d{2})#(\d+)", put=r"\2"),)
    assert made("99#442079", "99#44#2079", "x99#442079", rules=rules) == ["442079", "99#44#2079", "x99#442079"]


def test_rules_cut_no_character_in_two() -> None:
    assert made("é1", "0é", "01", rules=(strip("0"),)) == ["é1", "é", "1"]


@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=10))
def test_no_text_breaks_the_rules(numbers: list[str | None]) -> None:
    rules = (strip("00"), NumberRule(pattern="(.)(.*)", put=r"\2"), prefix("44", length_max=8))
    result = normalise(pa.array(numbers, pa.string()), rules)
    result.validate(full=True)
    assert len(result) == len(numbers)


# The profile


def test_a_profile_is_read_from_what_a_switch_stores() -> None:
    profile = SwitchProfile.of(
        received_at=AT,
        timezone="Africa/Nairobi",
        number_rules=[{"begins": "0", "put": "254", "length_min": 10, "on": "called", "is_last": True}],
        max_duration_s=7200,
        options={
            "service": "sms",
            "ms_rounding": "down",
            "mismatch_tolerance_ms": 500,
            "final_causes": ["user_busy", "19"],
        },
    )
    assert profile.number_rules == (NumberRule(begins="0", put="254", length_min=10, on="called", is_last=True),)  # type: ignore[arg-type]
    assert (profile.default_service, profile.ms_rounding, profile.mismatch_tolerance_ms) == (
        Service.SMS,
        MsRounding.DOWN,
        500,
    )
    assert profile.final_causes == {"USER_BUSY", "19"}
    assert profile.received_ms == 1767312000000


@pytest.mark.parametrize(
    "rule",
    [
        "00", {}, {"begins": 0}, {"start": "0"}, {"begins": "0", "pattern": "x"}, {"pattern": "("}, {"pattern": "a{2000}"},
        {"pattern": "x", "put": r"\1"}, {"begins": "0", "put": r"\1"}, {"put": "1" * 65}, {"pattern": "1" * 201},
        {"put": "1", "length_min": 5, "length_max": 4}, {"put": "1", "length_min": True}, {"put": "1", "on": "caller"},
        {"put": "1", "is_last": 1},
    ],
)  # fmt: skip
def test_bad_rules_are_refused(rule: object) -> None:
    with pytest.raises(Invalid) as caught:
        SwitchProfile.of(received_at=AT, number_rules=[rule])
    assert caught.value.code == "number_rule"


@pytest.mark.parametrize(
    "options",
    [
        {"colour": "red"},
        {"service": "fax"},
        {"mismatch_tolerance_ms": -1},
        {"mismatch_tolerance_ms": True},
        {"final_causes": "19"},
    ],
)
def test_bad_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        SwitchProfile.of(received_at=AT, options=options)
    assert caught.value.code == "switch_option"


def test_a_profile_needs_a_zone_that_exists_and_an_instant_with_an_offset() -> None:
    with pytest.raises(Invalid, match="no timezone"):
        SwitchProfile(received_at=AT, timezone="Europe/Atlantis")
    with pytest.raises(Invalid, match="no UTC offset"):
        SwitchProfile(received_at=AT.replace(tzinfo=None))

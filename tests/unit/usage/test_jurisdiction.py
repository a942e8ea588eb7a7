"""Jurisdiction: the tables say what `phonenumbers` says of whole numbers, and columns say what single numbers do."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE, region_code_for_number

from trunkline.core.nanp import NON_GEOGRAPHIC, STATE_OF, TERRITORIES
from trunkline.tariffs.country_prefixes import country_prefixes
from trunkline.usage.traffic.jurisdiction import (
    JURISDICTIONS,
    digits_of_column,
    jurisdiction_of,
    jurisdictions,
    place_of,
    places,
)
from trunkline.usage.traffic.kinds import Jurisdiction

NPA = Path(
    os.environ.get("TRUNKLINE_NPA_FILE", "npa.csv")
)  # a list of area codes: npa, country, state_or_location, in_service_date

SHARED = [code for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() if len(regions) > 1]
LENGTHS = {1: 10, 7: 10, 39: 10, 44: 10, 47: 8, 61: 9, 212: 9, 262: 9, 290: 4, 358: 9, 590: 9, 599: 7}
BEGINNINGS = [
    "",
    "1481",
    "7781",
    "79111",
    "1534",
    "7797",
    "1624",
    "74576",
    "891",
    "5289",
    "269",
    "639",
    "18",
    "690",
    "59027",
    "3",
    "77",
    "684",
]


@given(st.sampled_from(SHARED), st.sampled_from(BEGINNINGS), st.text("0123456789", min_size=10, max_size=10))
def test_a_whole_number_is_in_the_country_that_its_prefix_says(code: int, begin: str, rest: str) -> None:
    national = (begin + rest)[: LENGTHS[code]]
    number = phonenumbers.PhoneNumber(code, int(national), italian_leading_zero=national[0] == "0")
    region = region_code_for_number(number)
    if region is None:
        return  # no number that anybody has
    text = f"{code}{national}"
    prefixes = country_prefixes()
    assert next(prefixes[text[:size]] for size in range(len(text), 0, -1) if text[:size] in prefixes) == region


def test_every_country_has_a_prefix() -> None:
    countries = set(country_prefixes().values())
    expected = {
        str(region) for regions in COUNTRY_CODE_TO_REGION_CODE.values() for region in regions if region != "001"
    }
    assert expected - countries <= {
        "SJ",
        "EH",
    }  # whose numbers are also good ones of Norway and Morocco, which go first
    assert countries - expected == {""}


@pytest.mark.parametrize(
    ("calling", "called", "expected"),
    [
        ("14045550001", "14047000001", Jurisdiction.INTRASTATE),
        ("14045550001", "12127000001", Jurisdiction.INTERSTATE),
        ("14045550001", "17875550001", Jurisdiction.INTERSTATE),  # Puerto Rico
        ("17875550001", "19395550001", Jurisdiction.INTRASTATE),
        ("14045550001", "14165550001", Jurisdiction.INTERNATIONAL),  # Toronto
        ("14165550001", "16045550001", Jurisdiction.DOMESTIC),  # Toronto, Vancouver
        ("14045550001", "18764000001", Jurisdiction.INTERNATIONAL),  # Jamaica
        ("14045550001", "18005550001", Jurisdiction.INDETERMINATE),
        ("18005550001", "254700000001", Jurisdiction.INDETERMINATE),
        ("14045550001", "15555550001", Jurisdiction.INDETERMINATE),  # an area code of no state
        ("254700000001", "254200000001", Jurisdiction.DOMESTIC),
        ("254700000001", "33100000001", Jurisdiction.INTERNATIONAL),
        ("447700900001", "447781000001", Jurisdiction.INTERNATIONAL),  # Guernsey
        ("77010000001", "79160000001", Jurisdiction.INTERNATIONAL),  # Kazakhstan, Russia
        ("", "254200000001", Jurisdiction.INDETERMINATE),
        ("254700000001", "", Jurisdiction.INDETERMINATE),
        ("254700000001", "88213000001", Jurisdiction.INDETERMINATE),  # satellite
        ("1", "1", Jurisdiction.INDETERMINATE),
    ],
)
def test_single_calls(calling: str, called: str, expected: Jurisdiction) -> None:
    assert jurisdiction_of(calling, called) is expected
    assert _by_columns([calling], [called]) == [expected]


def _by_columns(calling: list[str], called: list[str]) -> list[Jurisdiction]:
    found = jurisdictions(*(digits_of_column(pa.array(each, pa.string())) for each in (calling, called)))
    return [JURISDICTIONS[place] for place in found.tolist()]


numbers = st.one_of(
    st.sampled_from(sorted(places())),
    st.text("0123456789", max_size=20),
    st.just("anonymous"),
    st.from_regex(r"1[2-9][0-9]{9}", fullmatch=True),
)


@given(st.lists(st.tuples(numbers, numbers), max_size=20))
def test_columns_say_what_single_calls_do(calls: list[tuple[str, str]]) -> None:
    calling, called = ([each[side] for each in calls] for side in (0, 1))
    assert _by_columns(calling, called) == [jurisdiction_of(*each) for each in calls]


@pytest.mark.slow
def test_the_states_are_those_that_the_geocoder_knows() -> None:
    from phonenumbers.geodata import GEOCODE_DATA

    towns: dict[str, Counter[str]] = {}
    for prefix, names in GEOCODE_DATA.items():
        if prefix[0] == "1" and len(prefix) > 4 and ", " in names.get("en", ""):
            towns.setdefault(prefix[1:4], Counter())[names["en"].rpartition(", ")[2]] += 1
    states = {code: each.most_common(1)[0][0] for code, each in towns.items()}
    differing = {
        code: (state, STATE_OF[code]) for code, state in states.items() if code in STATE_OF and STATE_OF[code] != state
    }
    assert differing == {}
    assert len([code for code in states if code in STATE_OF]) > 100
    whole = {code for code in STATE_OF if f"1{code}" in GEOCODE_DATA or code in states or STATE_OF[code] in TERRITORIES}
    assert set(STATE_OF) - whole == set()


def test_the_states_are_those_of_the_numbering_plan() -> None:
    if not NPA.exists():
        pytest.skip("no list of area codes: name one in TRUNKLINE_NPA_FILE")
    with NPA.open(newline="") as file:
        listed = {
            row["npa"]: row["state_or_location"]
            for row in csv.DictReader(file)
            if row["country"] == "US" and row["state_or_location"] and row["in_service_date"]
        }
    assert {code: (state, STATE_OF.get(code)) for code, state in listed.items() if STATE_OF.get(code) != state} == {}
    assert not set(STATE_OF) & NON_GEOGRAPHIC


def test_a_place_is_a_country_or_a_state() -> None:
    assert (place_of("14045550001"), place_of("254700"), place_of("1"), place_of("x")) == ("US-GA", "KE", "US", "")

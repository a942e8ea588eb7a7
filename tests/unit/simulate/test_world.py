"""The dial codes of the world at any depth."""

from itertools import pairwise

import numpy as np
import phonenumbers
import pytest

from trunkline.simulate.world import (
    WORLD_SCHEMA,
    Kind,
    breakout_codes,
    country_codes,
    deep_codes,
    dialled_codes,
    uncovered_codes,
)


def by_code(table):
    return {row["code"]: row for row in table.table().to_pylist()}


def test_countries_have_a_few_hundred_codes_and_no_kinds():
    rows = by_code(country_codes())
    assert 300 <= len(rows) <= 400
    assert rows["254"] == {"code": "254", "destination": "Kenya", "iso2": "KE", "kind": "any", "operator": ""}
    assert rows["1"]["destination"] == "United States"
    assert rows["1876"]["destination"] == "Jamaica"
    assert rows["77"]["destination"] == "Kazakhstan"
    assert rows["441481"]["destination"] == "Guernsey"
    assert {row["kind"] for row in rows.values()} == {"any"}


def test_breakouts_tell_mobile_operators_apart():
    rows = by_code(breakout_codes())
    assert 5_000 <= len(rows) <= 9_000
    assert rows["254"]["kind"] == "fixed"
    assert rows["25472"]["destination"] == "Kenya Mobile Safaricom"
    assert rows["25472"]["kind"] == "mobile"
    assert len({row["destination"] for row in rows.values()}) > 1_000


@pytest.mark.parametrize(
    "count", [1_000, 10_000, *(pytest.param(many, marks=pytest.mark.slow) for many in (100_000, 400_000))]
)
def test_deep_tables_have_exactly_as_many_codes_as_asked_for(count):
    table = deep_codes(count)
    assert len(table) == count
    assert len(np.unique(table.code)) == count
    lengths = np.char.str_len(table.code.astype(str))
    digits = np.asarray([place.digits for place in table.places])[table.place]
    assert (lengths <= digits - 3).all()


def test_a_longer_table_holds_every_code_of_a_shorter_one_with_the_same_name():
    shorter, longer = by_code(deep_codes(9_000)), by_code(deep_codes(30_000))
    assert shorter.items() <= longer.items()
    assert set(by_code(country_codes())) <= set(shorter)


def test_codes_stand_in_the_order_of_their_digits():
    codes = deep_codes(20_000).texts().to_pylist()
    assert codes == sorted(codes)


def test_there_are_limits():
    with pytest.raises(ValueError, match="country codes"):
        deep_codes(10)


def test_the_arrow_table_has_the_schema_it_promises():
    assert country_codes().table().schema == WORLD_SCHEMA


def test_dialled_codes_have_no_longer_code_below_them():
    codes = dialled_codes().texts().to_pylist()
    assert len(codes) > 40_000
    assert all(not later.startswith(code) for code, later in pairwise(codes))


def test_codes_that_no_deck_has_belong_to_no_country():
    known = country_codes().texts().to_pylist()
    assert "881" in uncovered_codes()
    assert not any(code.startswith(known_code) for code in uncovered_codes() for known_code in known)


def test_the_example_numbers_of_the_world_are_found_in_their_countries():
    codes = dict(zip(breakout_codes().code.tolist(), breakout_codes().place.tolist(), strict=True))
    places = breakout_codes().places
    wrong = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[1:]
            found = next((codes[int(number[:n])] for n in range(len(number), 0, -1) if int(number[:n]) in codes), None)
            if found is None or places[found].iso2 != region:
                wrong.append((region, number))
    # Regions that share the numbers of another one, as AX and FI or BL and GP do, cannot be told from a prefix.
    assert len(wrong) <= 15, wrong


def test_every_place_of_a_kind_is_named_for_it():
    for place in breakout_codes().places:
        assert (" Mobile" in place.name) == (place.kind is Kind.MOBILE)

"""A rate file that was written is read as the rates that it was written of."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.engine.units import Unit
from trunkline.tariffs.rate_file import COLUMNS, LOAD_SCHEMA, STANDING, RateFile, read_rate_file
from trunkline.tariffs.rate_file_text import rate_file_text

PRICES = st.decimals(min_value=-99, max_value=99, places=10).map(str)
SMALL = st.integers(0, 200).map(str)
LINE = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["", "33", "336", "254", "1"]),
        "increments": st.one_of(
            st.builds("0:{}/{}/{}".format, PRICES, st.integers(1, 90), st.integers(1, 90)),
            st.builds("0:{}/60/60;{}:{}/60/1".format, PRICES, st.integers(1, 600), PRICES),
        ),
        "destination": st.sampled_from(["", 'France, "Paris"', "Été"]),
        "setup_fee": st.one_of(st.just(""), PRICES),
        "grace": st.one_of(st.just(""), SMALL),
        "valid_from": st.sampled_from(["", "2026-01-01", "2026-03-29T02:30:00+02:00"]),
        "valid_to": st.sampled_from(["", "2027-01-01", "2026-10-25T00:00:01Z"]),
        "time_profile": st.sampled_from(["", "peak"]),
        "weight": st.sampled_from(["", "10", "0.5", "-3.1234"]),
        "rounding": st.sampled_from(["", "up/2", "half_even/0"]),
        "max_cost": st.sampled_from(["", "0", "12.5"]),
        "blocked": st.sampled_from(["", "true"]),
        "tag": st.sampled_from(["", "night rate"]),
        "length_min": st.sampled_from(["", "5"]),
        "length_max": st.sampled_from(["", "12"]),
        "policy": st.sampled_from(["", "additive"]),
        "origin": st.sampled_from(["", "EEA", "Rest of it, all"]),
    }
)


def read(text: str) -> RateFile:
    return read_rate_file(
        text.encode(), unit=Unit.SECOND, timezone="Europe/Berlin", profiles={"peak"}, origins={"EEA", "Rest of it, all"}
    )


def standing(found: RateFile) -> pa.Table:
    rates = found.rates.drop_columns(["line"])
    return rates.add_column(0, STANDING.field("id"), pa.array(range(len(rates)), pa.int64())).cast(STANDING)


@given(st.lists(LINE, min_size=1, max_size=12))
def test_what_is_written_is_read_as_it_was(lines: list[dict[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(lines)
    found = read(out.getvalue())
    if not len(found.rates):
        return
    again = read(rate_file_text(standing(found)))
    names = [name for name in LOAD_SCHEMA.names if name != "line"]
    assert again.rates.select(names).equals(found.rates.select(names))


def test_a_tariff_without_rates_is_a_header_alone() -> None:
    assert rate_file_text(STANDING.empty_table()) == "code,increments\n"
    with pytest.raises(Invalid, match="no rates"):
        read(rate_file_text(STANDING.empty_table()))

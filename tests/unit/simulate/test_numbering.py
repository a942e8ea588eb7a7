"""Number patterns become the prefixes with which exactly their numbers begin."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.phonemetadata import PhoneMetadata

from trunkline.simulate.numbering import pattern_prefixes


@pytest.mark.parametrize(
    ("pattern", "depth", "prefixes"),
    [
        (r"7\d{9}", 3, ("7",)),
        (r"\d{5}", 3, ("",)),
        (r"2[0-46]\d\d", 2, ("20", "21", "22", "23", "24", "26")),
        (r"(?:80|9[15])\d{3}", 3, ("80", "91", "95")),
        (r"1(?:2?3)4", 4, ("1234", "134")),
        (r"5{2,3}6", 4, ("5556", "556")),
        (r"12|123", 3, ("123",)),
        (r"7[0-9]1", 2, ("7",)),
        (r"4(?:[0-8]\d|9[0-9])", 3, ("4",)),
    ],
)
def test_prefixes_of_a_pattern(pattern, depth, prefixes):
    assert pattern_prefixes(pattern, depth) == prefixes


@pytest.mark.parametrize("pattern", ["1(2", "1.2", "a", "1)2"])
def test_other_patterns_are_refused(pattern):
    with pytest.raises(ValueError, match=r"pattern|unclosed|unexpected"):
        pattern_prefixes(pattern, 3)


@given(st.sampled_from(["GB", "US", "DE", "BR", "IN", "KE", "IT", "CN"]), st.integers(0, 10**5 - 1))
def test_a_prefix_is_allowed_if_and_only_if_a_number_begins_with_it(region, digits):
    pattern = PhoneMetadata.metadata_for_region(region, None).mobile.national_number_pattern
    number = f"{digits:05}"
    prefixes = pattern_prefixes(pattern, 5)
    begins = any(number.startswith(prefix) for prefix in prefixes)
    assert begins == bool(re.match(_partial(pattern), number))


def _partial(pattern: str) -> str:
    """A pattern for the first five digits, by writing down every prefix that some number of the pattern can have."""
    longer = pattern_prefixes(pattern, 7)
    return "|".join({f"{prefix}.*" if len(prefix) < 5 else prefix[:5] for prefix in longer})

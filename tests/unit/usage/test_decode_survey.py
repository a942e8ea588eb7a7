"""The survey of a text of tags, and what is UTF-8, against the plain ways of asking."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trunkline.usage.decode import raw
from trunkline.usage.decode.bits import SLAB
from trunkline.usage.decode.survey import survey

TEXTS = st.lists(
    st.sampled_from([b"<", b"</cdr>", b"\n", b"\t", b"\0", b"a", b'"', b"\x7f", b"\xc3\xa9", b"\xff"])
).map(b"".join)


@given(TEXTS, st.sampled_from([0, 1, SLAB - 1, SLAB, SLAB + 65]))
def test_a_survey_finds_what_a_look_at_each_octet_finds(text: bytes, filled: int) -> None:
    text = b"x" * filled + text
    found = survey(text)
    assert found.tags.tolist() == [at for at, octet in enumerate(text) if octet == ord("<")]
    places = np.array([0, filled, len(text)])
    assert found.line_ends.count_before(places).tolist() == [text.count(b"\n", 0, at) for at in places.tolist()]


@given(st.binary(max_size=40) | TEXTS | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_long_texts_are_utf8_where_short_ones_are(octets: bytes) -> None:
    try:
        octets.decode()
        is_text = True
    except UnicodeDecodeError:
        is_text = False
    assert raw.is_utf8(octets) is raw.is_utf8(octets + b" " * (64 << 10)) is is_text


def test_what_the_encoding_forbids_is_no_text_however_long() -> None:
    padding = b"x" * (64 << 10)
    for bad in (b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"):
        assert not raw.is_utf8(padding + bad)
        assert not raw.is_utf8(bad + padding)

"""The page of reasons says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trunkline.usage.reasons import FileFailure, Reason

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "reasons.md"


def rows_of(heading: str) -> list[tuple[str, str, str]]:
    """The rows of the table below a heading: code, meaning, what to do."""
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", section, re.MULTILINE)


@pytest.mark.parametrize(("heading", "codes"), [("Rejects", Reason), ("Files", FileFailure)])
def test_the_page_is_the_enumeration(heading: str, codes: type[Reason] | type[FileFailure]) -> None:
    assert rows_of(heading) == [(code.value, code.meaning, code.what_to_do) for code in codes]


def test_the_codes_are_stable() -> None:
    assert [reason.value for reason in Reason] == [
        "bad_encoding", "field_count", "bad_time", "ambiguous_time", "time_in_future", "time_order", "duration_negative",
        "duration_over_limit", "duration_mismatch", "bad_number", "denied_by_rule", "unknown_sell", "unknown_buy", "ambiguous_identity",
        "no_rate_sell", "no_rate_buy", "blocked", "no_exchange_rate", "overflow", "conflicting_duplicate", "late_leg",
        "lone_leg",
    ]  # fmt: skip
    assert [failure.value for failure in FileFailure] == [
        "header_changed", "truncated", "zip_error", "no_rows", "encoding", "line_too_long", "not_a_file", "source_changed",
        "too_large",
    ]  # fmt: skip
    assert Reason("bad_time") is Reason.BAD_TIME

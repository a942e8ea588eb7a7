"""Reading a file through before anybody asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.usage.examine import begin, examine
from trunkline.usage.failure import FileFailed


def test_what_was_begun_ahead_is_what_examining_says(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("a,b\n1,2\n")
    expected = examine(path)
    begin(path)
    assert examine(path) == expected
    path.write_text("a,b\n1,3\n")  # what was begun is given once: the file is read again
    assert examine(path).content_hash != expected.content_hash


def test_what_failed_ahead_is_raised_to_whoever_asks(tmp_path: Path) -> None:
    begin(tmp_path / "missing.csv")
    with pytest.raises(FileFailed, match="does not exist"):
        examine(tmp_path / "missing.csv")

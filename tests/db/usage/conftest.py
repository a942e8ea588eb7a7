"""Fixtures of the usage tests. They need real commits: work in several threads and processes has connections of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.db.usage.carrier import Carrier


@pytest.fixture
def carrier(committed_db: None, tmp_path: Path) -> Carrier:
    """A small carrier, ready to take files."""
    return Carrier.make(tmp_path / "in")

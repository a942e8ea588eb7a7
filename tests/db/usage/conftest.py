"""Fixtures of the usage tests. They need real commits: the pipeline's threads have connections of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.db.usage.carrier import Carrier


@pytest.fixture
def carrier(committed_db: None, tmp_path: Path) -> Carrier:
    """A small carrier, ready to take files."""
    return Carrier.make(tmp_path / "in")

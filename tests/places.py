"""Folders of the tests. Their data folder is theirs alone and goes with the checkout."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEST_HOME = (
    Path(tempfile.gettempdir()) / f"trunkline-test-{os.geteuid()}-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:10]}"
)
SHARED = ROOT.parent / "shared"

"""One prepared data folder for all crash tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.folder import Folder


@pytest.fixture(scope="session")
def prepared() -> Iterator[Folder]:
    folder = Folder()
    try:
        folder.prepare()
        yield folder
    finally:
        folder.close()

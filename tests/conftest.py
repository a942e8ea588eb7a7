"""Where tests find what they need: profiles of Hypothesis, reference data, and the fixtures of `tests/databases.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.order import LongestFirst, longest_first
from tests.places import ROOT, SHARED, TEST_HOME

os.environ["TRUNKLINE_HOME"] = str(TEST_HOME)
os.environ["TRUNKLINE_SOURCES_ALLOW"] = "127.0.0.0/8,::1/128"  # servers of tests are on the loopback

from tests.databases import (  # the data folder is known from here on
    at,
    committed_db,
    data_folder,
    django_db_setup,
    in_scope,
    other_tenant,
    tenant,
    test_database,
    transactional_db,
)

__all__ = [
    "ROOT",
    "SHARED",
    "TEST_HOME",
    "at",
    "committed_db",
    "data_folder",
    "django_db_setup",
    "in_scope",
    "other_tenant",
    "shared_folder",
    "tenant",
    "test_database",
    "transactional_db",
]

settings.register_profile(
    "quick", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("quick"), max_examples=5)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """What can be asked of tests besides passing."""
    parser.addoption("--write-query-counts", action="store_true", help="Write tests/backoffice/query_counts.json anew.")


def pytest_configure() -> None:
    """What the web needs of a machine is not there in tests: collected files, a cache that processes share, time to hash passwords."""
    from django.conf import settings as django_settings

    (TEST_HOME / "static").mkdir(parents=True, exist_ok=True)
    django_settings.STATIC_ROOT = str(TEST_HOME / "static")
    django_settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django_settings.CACHES["default"]["BACKEND"] = "django.core.cache.backends.locmem.LocMemCache"
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


DATABASE_TESTS = tuple(ROOT / "tests" / name for name in ("api", "backoffice", "db", "isolation", "scenarios"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests are marked by the folder that they are in; where several processes share them, the longest files come first."""
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in DATABASE_TESTS):
            item.add_marker(pytest.mark.db)
    if "PYTEST_XDIST_WORKER" in os.environ:
        longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The order above is kept."""
    return LongestFirst(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def _own_data_folder(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("db"):
        request.getfixturevalue("data_folder")


def shared_folder(*parts: str) -> Path:
    """A folder or file of reference data beside the checkout; the test skips where it is missing."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"reference data not here: {path.relative_to(SHARED.parent)}")
    return path

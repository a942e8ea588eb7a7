"""Clients of the web."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.staff import make_member, sign_in
from trunkline.identity.permissions import BuiltInRole


@pytest.fixture(autouse=True)
def _nobody_has_tried_before() -> None:
    cache.clear()


@pytest.fixture
def own_pages(settings: Any) -> None:
    """The pages of `tests.db.platform.pages` beside ours."""
    settings.ROOT_URLCONF = "tests.db.platform.pages"


@pytest.fixture
def noc(tenant: Any, own_pages: None) -> Client:
    """Somebody of the NOC, at work."""
    return sign_in(Client(raise_request_exception=False), make_member(tenant, BuiltInRole.NOC).user)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, str]]]:
    """The lines that were logged since it was asked last."""

    def lines() -> list[dict[str, str]]:
        return [_parsed(line) for line in capsys.readouterr().err.splitlines() if line.startswith("timestamp=")]

    return lines


def _parsed(line: str) -> dict[str, str]:

    return {
        name: value for name, _, value in (word.partition("=") for word in shlex.split(line)) if name != "timestamp"
    }

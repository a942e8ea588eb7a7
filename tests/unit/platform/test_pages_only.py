"""Sessions, forms, people and messages are matters of pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from trunkline.platform import pages_only

AROUND = (
    pages_only.SessionMiddleware,
    pages_only.CsrfViewMiddleware,
    pages_only.AuthenticationMiddleware,
    pages_only.MessageMiddleware,
)


@pytest.mark.parametrize(("path", "is_page"), [("/api/v1/accounts", False), ("/office/", True), ("/apis", True)])
def test_a_page_has_a_session_and_an_api_request_has_none(path: str, is_page: bool) -> None:
    seen: list[Any] = []

    def answer(request: Any) -> HttpResponse:
        seen.extend(hasattr(request, name) for name in ("session", "user", "_messages"))
        return HttpResponse()

    around: Any = answer
    for each in reversed(AROUND):
        around = each(around)
    around(RequestFactory().get(path))
    assert seen == [is_page] * 3

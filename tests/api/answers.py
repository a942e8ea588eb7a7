"""Answers of the API, as tests look at them."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Asking


def ok(answer: Any, status: int = 200) -> Any:
    """The body of an answer of that status."""
    assert answer.status_code == status, (answer.status_code, answer.content[:2000])
    return answer.json()


def refused(answer: Any, status: int, code: str) -> Any:
    """The problem of that status and code, without what names the request."""
    assert answer.status_code == status, (answer.status_code, answer.content[:2000])
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code, problem
    return {name: value for name, value in problem.items() if name not in {"instance", "request_id"}}


def pages(ask: Asking, path: str, **query: Any) -> list[Any]:
    """The rows of all pages of a list."""
    rows: list[Any] = []
    while True:
        page = ok(ask("GET", path, query={name: str(value) for name, value in query.items()}))
        rows += page["data"]
        if not page["has_more"]:
            return rows
        query["cursor"] = page["next_cursor"]

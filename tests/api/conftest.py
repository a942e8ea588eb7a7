"""Programs with keys, and what they send and are answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client

from trunkline.identity.permissions import Permission
from trunkline.identity.queries import register

ROOT = "/api/v1"
ABSENT = "01890000-0000-7000-8000-000000000000"


class Answer:
    """What came back."""

    def __init__(self, response: Any) -> None:
        self.response: HttpResponse = response
        self.status: int = response.status_code
        self.headers = response.headers

    @property
    def octets(self) -> bytes:
        """The body, also of a file."""
        return b"".join(self.response) if self.response.streaming else self.response.content

    @property
    def body(self) -> Any:
        """The body as JSON."""
        return json.loads(self.octets)

    def ok(self, status: int = 200) -> Any:
        """The body of an answer of that status."""
        assert self.status == status, (self.status, self.octets[:2000])
        return self.body

    def refused(self, status: int, code: str) -> Any:
        """The problem of that status and code."""
        assert self.status == status, (self.status, self.octets[:2000])
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["code"] == code, self.body
        return self.body

    @property
    def said(self) -> Any:
        """A problem without what names the request."""
        return {name: value for name, value in self.body.items() if name not in {"instance", "request_id"}}


class Caller:
    """A program with a key of a tenant."""

    def __init__(self, token: str) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **asked: Any) -> Answer:
        """Ask, with what the address carries; `__` in a name opens brackets, `created_at__gte` is `created_at[gte]`."""
        return self._send("GET", _address(path, asked))

    def post(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **asked: Any) -> Answer:
        """Send JSON, or octets as they are."""
        return self._send("POST", _address(path, asked), body, headers)

    def patch(self, path: str, body: Any, *, headers: dict[str, str] | None = None) -> Answer:
        """Change."""
        return self._send("PATCH", ROOT + path, body, headers)

    def put(self, path: str, body: Any) -> Answer:
        """State."""
        return self._send("PUT", ROOT + path, body)

    def delete(self, path: str) -> Answer:
        """Remove."""
        return self._send("DELETE", ROOT + path)

    def pages(self, path: str, **asked: Any) -> list[Any]:
        """The rows of all pages of a list."""
        rows, page = [], self.get(path, **asked).ok()
        rows += page["data"]
        while page["has_more"]:
            page = self.get(path, **asked, cursor=page["next_cursor"]).ok()
            rows += page["data"]
        return rows

    def _send(self, method: str, address: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        is_raw = isinstance(body, bytes)
        content = body if is_raw else b"" if body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if is_raw else "application/json"
        answer = Answer(self._client.generic(method, address, content, content_type=kind, headers=headers))
        assert answer.status != 500, answer.octets
        return answer


def _address(path: str, asked: dict[str, Any]) -> str:
    given = {
        f"{name.replace('__', '[')}]" if "__" in name else name.rstrip("_"): value for name, value in asked.items()
    }
    return f"{ROOT}{path}{'?' if given else ''}{urlencode(given)}"


Callers = Callable[..., Caller]


@pytest.fixture
def caller(tenant: Any) -> Callers:
    """Makes a program with a key of these permissions, of the first tenant unless another is given."""

    def make(*permissions: Permission, of: Any = tenant) -> Caller:
        return Caller(register(of.pk, *permissions))

    return make

"""What no database can keep as text is refused at the door."""

from __future__ import annotations

import pytest

from tests.api.answers import refused
from tests.api.conftest import Asking


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a\\u0000b", "format": "common"}',
        b'{"name": "a", "format": "common", "options": {"x": ["\\u0000"]}}',
        b'{"name": "a", "format": "common", "options": {"\\ud800": 1}}',
        b'{"name": "a", "format": "common", "options": {"x": "\xed\xa0\x80"}}',
        b'{"name": "a", "format": "common", "options": {"x": NaN}}',
        b'{"name": "a", "format": "common", "options": {"x": -Infinity}}',
        b"[" * 100_000,
    ],
)
def test_a_body_with_what_is_no_text_or_number_is_malformed(ask: Asking, body: bytes) -> None:
    answer = ask.client.post(
        "/api/v1/switches", body, content_type="application/json", headers={"Authorization": f"Bearer {ask.key}"}
    )
    refused(answer, 400, "malformed_json")


def test_escapes_of_good_text_are_good(ask: Asking) -> None:
    answer = ask.client.post(
        "/api/v1/switches",
        b'{"name": "\\u00e4 \\ud83d\\ude00 \\\\u0000", "format": "common"}',
        content_type="application/json",
        headers={"Authorization": f"Bearer {ask.key}"},
    )
    assert (answer.status_code, answer.json()["name"]) == (201, "ä 😀 \\u0000")


def test_an_address_with_what_is_no_text_is_refused(ask: Asking) -> None:
    problem = refused(ask("POST", "/batches", b"x", query={"switch": "\0", "name": "a"}), 422, "validation_failed")
    assert [each["pointer"] for each in problem["errors"]] == ["?switch"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"]
)
def test_a_body_that_is_said_to_be_no_json_is_not_read(ask: Asking, kind: str) -> None:
    response = ask.client.post(
        "/api/v1/switches",
        b'{"name": "a", "format": "common"}',
        content_type=kind,
        headers={"Authorization": f"Bearer {ask.key}"},
    )
    refused(response, 400, "malformed_json")
    assert ask.get("/switches").json()["data"] == []

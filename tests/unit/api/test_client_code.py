"""The Python client and the OpenAPI document are what the program says of itself."""

from __future__ import annotations

import pytest

from trunkline.api.client_code import client_code
from trunkline.platform.api_files import CLIENT, DOCUMENT, client_text, document_text

MINE = {
    "paths": {
        "/things/{thing_id}": {
            "get": {
                "operationId": "get_thing",
                "description": "A thing.",
                "parameters": [
                    {"name": "thing_id", "in": "path", "schema": {"type": "integer"}},
                    {"name": "at[gte]", "in": "query", "schema": {"type": "string"}},
                    {"name": "from", "in": "query", "schema": {"enum": ["a", "b"]}},
                ],
                "responses": {
                    200: {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
                },
            },
            "post": {
                "operationId": "send_thing",
                "description": "Send a thing.",
                "parameters": [{"name": "thing_id", "in": "path", "schema": {"type": "integer"}}],
                "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string"}}}},
                "responses": {"202": {"description": "Taken."}},
            },
            "put": {
                "operationId": "try_thing",
                "parameters": [],
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {"type": "object", "required": ["file"], "properties": {"file": {}, "more": {}}}
                        }
                    }
                },
                "responses": {"204": {"description": "Tried."}},
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["class"],
                "properties": {"class": {"type": "string"}, "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
            }
        }
    },
}


def test_operations_become_methods_and_schemas_types() -> None:
    code = client_code(MINE)
    assert "Thing = TypedDict('Thing', {'class': 'str', 'size': 'NotRequired[int | None]'})" in code
    assert (
        "def get_thing(self, thing_id: int, *, at_gte: str | None = None, from_: Literal['a', 'b'] | None = None) -> Thing:"
        in code
    )
    assert "query={'at[gte]': at_gte, 'from': from_}" in code
    assert (
        "def send_thing(self, thing_id: int, body: bytes | IO[bytes], *, idempotency_key: str | None = None) -> None:"
        in code
    )
    assert "def try_thing(self, file: Upload, *, more: Upload | None = None) -> None:" in code
    assert "files={'file': file, 'more': more}" in code
    compile(code, "client", "exec")


@pytest.mark.slow
def test_the_committed_document_and_client_are_current() -> None:
    assert DOCUMENT.read_text() == document_text(), "run: bin/write-api"
    assert CLIENT.read_text() == client_text(), "run: bin/write-api"

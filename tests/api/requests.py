"""Requests made from the OpenAPI document, so that a test can send one to every operation there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
UUID_OF_NOTHING = "01890000-0000-7000-8000-000000000000"
_BY_FORMAT = {"date": "2026-03-01", "date-time": "2026-03-01T00:00:00Z", "uuid": UUID_OF_NOTHING}


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    document: Mapping[str, Any]
    path: str
    method: str
    described: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.described["operationId"])

    @property
    def path_parameters(self) -> list[str]:
        return [each["name"] for each in self.described.get("parameters", []) if each["in"] == "path"]

    @property
    def query(self) -> dict[str, Any]:
        """The parameters of the address without which the operation refuses."""
        return {
            each["name"]: sample(each["schema"], self.document)
            for each in self.described.get("parameters", [])
            if each["in"] == "query" and each.get("required")
        }

    @property
    def body(self) -> Any:
        """A body that is well-formed, None where the operation takes none; octets where it takes a file."""
        content = self.described.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            return sample(content["application/json"]["schema"], self.document)
        return b"" if content else None

    def address(self, ids: Mapping[str, object]) -> str:
        return self.path.format(**ids)


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation of a document."""
    for path, described in document["paths"].items():
        for method in METHODS:
            if method in described:
                yield Operation(document, path, method, described[method])


def sample(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """A value that the schema allows: the example where one is given, otherwise the plainest."""
    if "$ref" in schema:
        return sample(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    for words in ("anyOf", "oneOf", "allOf"):
        if words in schema:
            return sample(schema[words][0], document)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            return {
                name: sample(each, document) for name, each in schema.get("properties", {}).items() if name in required
            }
        case "array":
            return [sample(schema["items"], document)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _BY_FORMAT.get(schema.get("format", ""), "x" * max(1, schema.get("minLength", 1)))

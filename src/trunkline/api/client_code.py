"""Writes the Python client from the OpenAPI document: one module with a typed dictionary for each schema and a method for each operation.

The document is the only source, so what the client can do is what the API says of itself.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Mapping
from typing import Any, Final

Json = Mapping[str, Any]

HEAD: Final = '''"""A client of the REST API of Trunkline. Generated from docs/api/openapi.json by `bin/write-api`; do not edit.

    client = Client("https://billing.example.com", key="tl_live_...")
    for account in client.pages(client.list_accounts, status="active"):
        print(account["code"])

Amounts are decimal text: make `decimal.Decimal` of them, never float. Every refusal raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any, Literal, NotRequired, TypedDict, cast

import httpx

Upload = tuple[str, bytes | IO[bytes]]  # name and content of a file of a form


class Refused(Exception):
    """A refusal of the API (RFC 9457). `code` is stable; `errors` says which values are wrong."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('code', '')}: {body.get('detail', '')}")
        self.status = status
        self.code: str = body.get("code", "")
        self.detail: str = body.get("detail", "")
        self.request_id: str = body.get("request_id", "")
        self.errors: list[dict[str, str]] = body.get("errors", [])
'''

CLIENT: Final = '''
class Client:
    """The operations of the API, with a key of one tenant. Use it as a context manager, or close it."""

    def __init__(
        self, url: str, *, key: str, timeout_s: float = 60, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def pages(self, operation: Callable[..., Any], *arguments: Any, **asked: Any) -> Iterator[Any]:
        """The rows of all pages of a list."""
        cursor: str | None = None
        while True:
            page = operation(*arguments, cursor=cursor, **asked)
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        json: Any = None,
        content: bytes | IO[bytes] | None = None,
        files: dict[str, Upload | None] | None = None,
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        if content is not None:
            headers["Content-Type"] = "application/octet-stream"
        given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        sent = None if files is None else {name: each for name, each in files.items() if each is not None}
        answer = self._http.request(
            method, path, params=given, json=json, content=content, files=sent, headers=headers
        )
        if answer.status_code >= 400:
            try:
                body = answer.json()
            except ValueError:
                body = {"detail": answer.text[:200]}
            raise Refused(answer.status_code, body)
        return answer
'''

TAIL: Final = """

def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(str(each) for each in value) if isinstance(value, list | tuple) else value
"""
_FORM: Final = "multipart/form-data"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_INDENT: Final = " " * 4


def client_code(document: Json) -> str:
    """The module, as text; the project's formatter has the last word on its lines."""
    parts = [HEAD]
    schemas: Json = document.get("components", {}).get("schemas", {})
    parts += [_schema(name, schemas[name]) for name in sorted(schemas)]
    parts.append(CLIENT)
    for path, operations in document["paths"].items():
        parts += [_method(path, method, operations[method]) for method in _METHODS if method in operations]
    parts.append(TAIL)
    return "\n".join(parts)


def _schema(name: str, schema: Json) -> str:
    """A typed dictionary, or a name for a plain type."""
    if "properties" not in schema:
        return f"\n{_class(name)} = {_type(schema)}\n"
    required = set(schema.get("required", ()))
    fields = []
    for field, each in schema["properties"].items():
        kind = _type(each) if field in required else f"NotRequired[{_type(each)}]"
        fields.append(f"{field!r}: {kind!r}")  # quoted: schemas refer to each other in any order
    # The functional form: a field may have the name of a keyword, such as `from`.
    return f"\n{_class(name)} = TypedDict({_class(name)!r}, {{{', '.join(fields)}}})\n"


def _method(path: str, method: str, operation: Json) -> str:
    """One operation."""
    parameters = operation.get("parameters", [])
    in_path = [each for each in parameters if each["in"] == "path"]
    in_query = [each for each in parameters if each["in"] == "query"]
    body, is_json = _body(operation)
    form = _form(operation)
    given = [f"{_argument(each['name'])}: {_type(each['schema'])}" for each in in_path]
    if body is not None:
        given.append(f"body: {body}")
    given += [f"{name}: Upload" for name, is_required in form.items() if is_required]
    optional = [f"{name}: Upload | None = None" for name, is_required in form.items() if not is_required]
    optional += map(_asked_for, in_query)
    if method in {"post", "patch"}:
        optional.append("idempotency_key: str | None = None")
    arguments = ", ".join(["self", *given, *(["*", *optional] if optional else [])])
    answer = _answer(operation)
    asked = [repr(method.upper()), _address(path)]
    if in_query:
        asked.append("query={" + ", ".join(f"{each['name']!r}: {_argument(each['name'])}" for each in in_query) + "}")
    if body is not None:
        asked.append("json=body" if is_json else "content=body")
    if form:
        asked.append("files={" + ", ".join(f"{name!r}: {name}" for name in form) + "}")
    if method in {"post", "patch"}:
        asked.append("idempotency_key=idempotency_key")
    call = f"self._ask({', '.join(asked)})"
    returned = {"None": call, "bytes": f"return {call}.content"}.get(answer, f"return cast({answer!r}, {call}.json())")
    said = operation.get("description") or operation.get("summary", "")
    return textwrap.indent(
        f'def {operation["operationId"]}({arguments}) -> {answer}:\n{_INDENT}"""{said.strip()}"""\n{_INDENT}{returned}\n',
        _INDENT,
    )


def _asked_for(parameter: Json) -> str:
    """A parameter of the address, which is left out where it may be."""
    kind = _type(parameter["schema"])
    if parameter.get("required"):
        return f"{_argument(parameter['name'])}: {kind}"
    return f"{_argument(parameter['name'])}: {kind}{'' if kind.endswith('| None') else ' | None'} = None"


def _address(path: str) -> str:
    """The path with its parameters, as code."""
    return f'f"{re.sub(r"{(.+?)}", lambda found: f"{{{_argument(found[1])}}}", path)}"' if "{" in path else repr(path)


def _body(operation: Json) -> tuple[str | None, bool]:
    """The type of the body, and whether it is JSON."""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        return _type(content["application/json"]["schema"]), True
    return ("bytes | IO[bytes]", False) if content and _FORM not in content else (None, False)


def _form(operation: Json) -> dict[str, bool]:
    """The files of a form, and whether each must be there."""
    schema = operation.get("requestBody", {}).get("content", {}).get(_FORM, {}).get("schema", {})
    return {name: name in schema.get("required", ()) for name in schema.get("properties", {})}


def _answer(operation: Json) -> str:
    """The type of what comes back when all is well."""
    for status, answer in operation["responses"].items():
        if str(status).startswith("2"):
            content = answer.get("content", {})
            if "application/json" in content:
                return _type(content["application/json"]["schema"])
            return "bytes" if content else "None"
    return "None"


_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def _type(schema: Json) -> str:
    """A schema as a type."""
    if "$ref" in schema:
        return _class(schema["$ref"].rsplit("/", 1)[1])
    for words in ("anyOf", "oneOf", "allOf"):
        if words in schema:
            return " | ".join(dict.fromkeys(_type(each) for each in schema[words]))
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(repr(each) for each in schema['enum'])}]"
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_PLAIN[each] for each in kind)
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    if kind == "object":
        further = schema.get("additionalProperties")
        return f"dict[str, {_type(further) if isinstance(further, Mapping) else 'Any'}]"
    return _PLAIN.get(str(kind), "Any")


def _class(name: str) -> str:
    return re.sub(r"\W|_", "", name)


def _argument(name: str) -> str:
    """A parameter as an argument: `created_at[gte]` is `created_at_gte`, `from` is `from_`."""
    plain = re.sub(r"\W+", "_", name).strip("_")
    return f"{plain}_" if keyword.iskeyword(plain) else plain

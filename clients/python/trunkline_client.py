"""A client of the REST API of Trunkline. Generated from docs/api/openapi.json by `trunkline api client`; do not edit.

    client = Client("https://billing.example.com", key="tl_live_...")
    for account in client.pages(client.list_accounts, status="active"):
        print(account["code"])

Amounts are decimal text: make `decimal.Decimal` of them, never float. Every refusal raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any, Literal, NotRequired, TypedDict, cast

import httpx


class Refused(Exception):
    """A refusal of the API (RFC 9457). `code` is stable; `errors` says which values are wrong."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('code', '')}: {body.get('detail', '')}")
        self.status = status
        self.code: str = body.get("code", "")
        self.detail: str = body.get("detail", "")
        self.request_id: str = body.get("request_id", "")
        self.errors: list[dict[str, str]] = body.get("errors", [])


AccountChange = TypedDict(
    "AccountChange",
    {
        "name": "NotRequired[str | None]",
        "timezone": "NotRequired[str | None]",
        "is_customer": "NotRequired[bool | None]",
        "is_vendor": "NotRequired[bool | None]",
        "parent_id": "NotRequired[str | None]",
        "credit_limit": "NotRequired[str | None]",
        "capacity": "NotRequired[int | None]",
        "tags": "NotRequired[list[str] | None]",
        "billing": "NotRequired[Billing | None]",
    },
)


AccountShown = TypedDict(
    "AccountShown",
    {
        "id": "str",
        "code": "str",
        "name": "str",
        "parent_id": "str | None",
        "is_customer": "bool",
        "is_vendor": "bool",
        "currency": "str",
        "timezone": "str",
        "status": "AccountStatus",
        "closed_on": "str | None",
        "credit_limit": "str",
        "capacity": "int | None",
        "tags": "list[str]",
        "billing": "BillingShown",
        "created_at": "str",
    },
)


AccountShownRow = TypedDict(
    "AccountShownRow",
    {
        "id": "NotRequired[str]",
        "code": "NotRequired[str]",
        "name": "NotRequired[str]",
        "parent_id": "NotRequired[str | None]",
        "is_customer": "NotRequired[bool]",
        "is_vendor": "NotRequired[bool]",
        "currency": "NotRequired[str]",
        "timezone": "NotRequired[str]",
        "status": "NotRequired[AccountStatus]",
        "closed_on": "NotRequired[str | None]",
        "credit_limit": "NotRequired[str]",
        "capacity": "NotRequired[int | None]",
        "tags": "NotRequired[list[str]]",
        "billing": "NotRequired[BillingShown]",
        "created_at": "NotRequired[str]",
    },
)


AccountStatus = Literal["active", "suspended", "closed"]


Billing = TypedDict(
    "Billing",
    {
        "name": "NotRequired[str]",
        "address": "NotRequired[str]",
        "tax_number": "NotRequired[str]",
        "tax_name": "NotRequired[str]",
        "tax_percent": "NotRequired[str]",
        "period": "NotRequired[BillingPeriod]",
        "payment_terms_days": "NotRequired[int]",
        "language": "NotRequired[str]",
    },
)


BillingPeriod = Literal["day", "week", "half_month", "month"]


BillingShown = TypedDict(
    "BillingShown",
    {
        "name": "NotRequired[str]",
        "address": "NotRequired[str]",
        "tax_number": "NotRequired[str]",
        "tax_name": "NotRequired[str]",
        "tax_percent": "NotRequired[str]",
        "period": "NotRequired[BillingPeriod]",
        "payment_terms_days": "NotRequired[int]",
        "language": "NotRequired[str]",
        "code": "str",
    },
)


Closing = TypedDict("Closing", {"closed_on": "str"})


Ending = TypedDict("Ending", {"valid_to": "str"})


FieldProblem = TypedDict("FieldProblem", {"pointer": "str", "code": "str", "detail": "str"})


IdentityKind = Literal["trunk", "ip", "account_code", "calling", "sip_user"]


IdentityShown = TypedDict(
    "IdentityShown",
    {
        "id": "int",
        "account_id": "str",
        "kind": "IdentityKind",
        "value": "str",
        "side": "IdentitySide",
        "switch": "str | None",
        "tech_prefix": "str",
        "priority": "int",
        "valid_from": "str | None",
        "valid_to": "str | None",
    },
)


IdentityShownRow = TypedDict(
    "IdentityShownRow",
    {
        "id": "NotRequired[int]",
        "account_id": "NotRequired[str]",
        "kind": "NotRequired[IdentityKind]",
        "value": "NotRequired[str]",
        "side": "NotRequired[IdentitySide]",
        "switch": "NotRequired[str | None]",
        "tech_prefix": "NotRequired[str]",
        "priority": "NotRequired[int]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
    },
)


IdentitySide = Literal["sell", "buy", "both"]


Move = TypedDict("Move", {"account_id": "str", "moved_at": "str"})


NewAccount = TypedDict(
    "NewAccount",
    {
        "code": "str",
        "name": "str",
        "currency": "NotRequired[str | None]",
        "timezone": "NotRequired[str | None]",
        "is_customer": "NotRequired[bool]",
        "is_vendor": "NotRequired[bool]",
        "parent_id": "NotRequired[str | None]",
        "credit_limit": "NotRequired[str]",
        "capacity": "NotRequired[int | None]",
        "tags": "NotRequired[list[str]]",
        "billing": "NotRequired[Billing | None]",
    },
)


NewIdentity = TypedDict(
    "NewIdentity",
    {
        "account_id": "str",
        "kind": "IdentityKind",
        "value": "str",
        "side": "NotRequired[IdentitySide]",
        "switch": "NotRequired[str | None]",
        "tech_prefix": "NotRequired[str]",
        "priority": "NotRequired[int]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
    },
)


PageAccountShownRow = TypedDict(
    "PageAccountShownRow", {"data": "list[AccountShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageIdentityShownRow = TypedDict(
    "PageIdentityShownRow", {"data": "list[IdentityShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


Problem = TypedDict(
    "Problem",
    {
        "type": "str",
        "title": "str",
        "status": "int",
        "code": "str",
        "detail": "str",
        "instance": "str",
        "request_id": "str",
        "errors": "NotRequired[list[FieldProblem]]",
    },
)


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
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        if content is not None:
            headers["Content-Type"] = "application/octet-stream"
        given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        answer = self._http.request(method, path, params=given, json=json, content=content, headers=headers)
        if answer.status_code >= 400:
            try:
                body = answer.json()
            except ValueError:
                body = {"detail": answer.text[:200]}
            raise Refused(answer.status_code, body)
        return answer

    def list_accounts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["code", "-code", "name", "-name", "created_at", "-created_at"] | None = None,
        fields: str | None = None,
        code: str | None = None,
        code_ne: str | None = None,
        code_like: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        status: Literal["active", "suspended", "closed"] | None = None,
        status_ne: Literal["active", "suspended", "closed"] | None = None,
        is_customer: Literal["true", "false"] | None = None,
        is_vendor: Literal["true", "false"] | None = None,
        currency: str | None = None,
        currency_ne: str | None = None,
        parent_id: str | None = None,
        tag: str | None = None,
        created_at: str | None = None,
        created_at_gt: str | None = None,
        created_at_gte: str | None = None,
        created_at_lt: str | None = None,
        created_at_lte: str | None = None,
    ) -> PageAccountShownRow:
        """List the accounts."""
        return cast(
            "PageAccountShownRow",
            self._ask(
                "GET",
                "/api/v1/accounts",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "code": code,
                    "code[ne]": code_ne,
                    "code[like]": code_like,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "status": status,
                    "status[ne]": status_ne,
                    "is_customer": is_customer,
                    "is_vendor": is_vendor,
                    "currency": currency,
                    "currency[ne]": currency_ne,
                    "parent_id": parent_id,
                    "tag": tag,
                    "created_at": created_at,
                    "created_at[gt]": created_at_gt,
                    "created_at[gte]": created_at_gte,
                    "created_at[lt]": created_at_lt,
                    "created_at[lte]": created_at_lte,
                },
            ).json(),
        )

    def create_account(self, body: NewAccount, *, idempotency_key: str | None = None) -> AccountShown:
        """Make an account."""
        return cast(
            "AccountShown", self._ask("POST", "/api/v1/accounts", json=body, idempotency_key=idempotency_key).json()
        )

    def get_account(self, account_id: str) -> AccountShown:
        """An account."""
        return cast("AccountShown", self._ask("GET", f"/api/v1/accounts/{account_id}").json())

    def change_account(
        self, account_id: str, body: AccountChange, *, idempotency_key: str | None = None
    ) -> AccountShown:
        """Change an account, or its billing profile for all who share it."""
        return cast(
            "AccountShown",
            self._ask("PATCH", f"/api/v1/accounts/{account_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def suspend_account(self, account_id: str, *, idempotency_key: str | None = None) -> AccountShown:
        """Mark an account as not to be served for now; what comes all the same is still rated."""
        return cast(
            "AccountShown",
            self._ask("POST", f"/api/v1/accounts/{account_id}/suspend", idempotency_key=idempotency_key).json(),
        )

    def resume_account(self, account_id: str, *, idempotency_key: str | None = None) -> AccountShown:
        """Serve a suspended account again."""
        return cast(
            "AccountShown",
            self._ask("POST", f"/api/v1/accounts/{account_id}/resume", idempotency_key=idempotency_key).json(),
        )

    def close_account(self, account_id: str, body: Closing, *, idempotency_key: str | None = None) -> AccountShown:
        """Close an account: from that day on nothing is told to be its."""
        return cast(
            "AccountShown",
            self._ask(
                "POST", f"/api/v1/accounts/{account_id}/close", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_identities(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["id", "-id", "value", "-value"] | None = None,
        fields: str | None = None,
        account_id: str | None = None,
        kind: Literal["trunk", "ip", "account_code", "calling", "sip_user"] | None = None,
        kind_ne: Literal["trunk", "ip", "account_code", "calling", "sip_user"] | None = None,
        side: Literal["sell", "buy", "both"] | None = None,
        side_ne: Literal["sell", "buy", "both"] | None = None,
        value: str | None = None,
        value_ne: str | None = None,
        value_like: str | None = None,
        switch: str | None = None,
        switch_ne: str | None = None,
        valid_from: str | None = None,
        valid_from_gt: str | None = None,
        valid_from_gte: str | None = None,
        valid_from_lt: str | None = None,
        valid_from_lte: str | None = None,
        valid_to: str | None = None,
        valid_to_gt: str | None = None,
        valid_to_gte: str | None = None,
        valid_to_lt: str | None = None,
        valid_to_lte: str | None = None,
    ) -> PageIdentityShownRow:
        """List the identities."""
        return cast(
            "PageIdentityShownRow",
            self._ask(
                "GET",
                "/api/v1/identities",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "account_id": account_id,
                    "kind": kind,
                    "kind[ne]": kind_ne,
                    "side": side,
                    "side[ne]": side_ne,
                    "value": value,
                    "value[ne]": value_ne,
                    "value[like]": value_like,
                    "switch": switch,
                    "switch[ne]": switch_ne,
                    "valid_from": valid_from,
                    "valid_from[gt]": valid_from_gt,
                    "valid_from[gte]": valid_from_gte,
                    "valid_from[lt]": valid_from_lt,
                    "valid_from[lte]": valid_from_lte,
                    "valid_to": valid_to,
                    "valid_to[gt]": valid_to_gt,
                    "valid_to[gte]": valid_to_gte,
                    "valid_to[lt]": valid_to_lt,
                    "valid_to[lte]": valid_to_lte,
                },
            ).json(),
        )

    def add_identity(self, body: NewIdentity, *, idempotency_key: str | None = None) -> IdentityShown:
        """Tell traffic by one more mark."""
        return cast(
            "IdentityShown", self._ask("POST", "/api/v1/identities", json=body, idempotency_key=idempotency_key).json()
        )

    def show_identity(self, identity_id: int) -> IdentityShown:
        """An identity."""
        return cast("IdentityShown", self._ask("GET", f"/api/v1/identities/{identity_id}").json())

    def end_identity(self, identity_id: int, body: Ending, *, idempotency_key: str | None = None) -> IdentityShown:
        """Let an identity end."""
        return cast(
            "IdentityShown",
            self._ask(
                "POST", f"/api/v1/identities/{identity_id}/end", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def move_identity(self, identity_id: int, body: Move, *, idempotency_key: str | None = None) -> IdentityShown:
        """Give an identity to another account from an instant on. Answers with the new one."""
        return cast(
            "IdentityShown",
            self._ask(
                "POST", f"/api/v1/identities/{identity_id}/move", json=body, idempotency_key=idempotency_key
            ).json(),
        )


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(str(each) for each in value) if isinstance(value, list | tuple) else value

"""The API: its rooms, its OpenAPI document, and the page to try it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from http import HTTPStatus
from typing import Any, Final

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from trunkline.api import (
    accounts,
    agreements,
    assignments,
    batches,
    bill_runs,
    contacts,
    deals,
    deck_changes,
    decks,
    destination_groups,
    exchange_rates,
    generators,
    idempotency,
    identities,
    invoices,
    ledger,
    mailboxes,
    mails,
    mappings,
    notifications,
    preview,
    problems,
    rate_analysis,
    rate_edits,
    rates,
    records,
    rejects,
    reports,
    reratings,
    sheet_templates,
    sheets,
    sources,
    special_rates,
    statements,
    switches,
    tariffs,
    traffic_rules,
)
from trunkline.api.auth import ApiKey
from trunkline.api.parsing import Parser

VERSION: Final = "1"
PREFIX: Final = "/api/v1"
DESCRIPTION: Final = """
Everything that the back office does, for programs. A key of a tenant is sent as `Authorization: Bearer tl_live_…`; what it may do is
chosen when it is made. Amounts are decimal text, instants RFC 3339. Every error is a problem of RFC 9457 with a stable `code`. A `POST` or
`PATCH` with an `Idempotency-Key` may be sent again.
""".strip()


class TrunklineAPI(NinjaAPI):
    """The API, whose operations have the names of their functions."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **asked: Any) -> OpenAPISchema:
        """The document; it says of every operation which permission it asks for, and of problems that they are problems."""
        found = super().get_openapi_schema(**asked)
        permissions = {
            operation.view_func.__name__: callback.permission.value
            for _, router in self._routers
            for path_view in router.path_operations.values()
            for operation in path_view.operations
            for callback in operation.auth_callbacks
            if isinstance(callback, ApiKey)
        }
        for described in found["paths"].values():
            for operation in described.values():
                operation["x-permission"] = permissions[operation["operationId"]]
                if _takes_json(operation):
                    operation["responses"].setdefault(
                        400, deepcopy(operation["responses"][422]) | {"description": "Bad Request"}
                    )
                for status, answer in operation["responses"].items():
                    if int(status) >= HTTPStatus.BAD_REQUEST:
                        answer["content"] = {problems.MEDIA_TYPE: answer["content"].pop("application/json")}
        return found


def _takes_json(operation: Mapping[str, Any]) -> bool:
    """Whether a body may be none: what it should be cannot be read."""
    return "application/json" in operation.get("requestBody", {}).get("content", {})


api = TrunklineAPI(
    title="Trunkline", version=VERSION, description=DESCRIPTION, urls_namespace="api", docs_url=None, parser=Parser()
)
problems.install(api)
api.add_exception_handler(idempotency.Replayed, idempotency.replay)
# Paths are tried in this order: what is asked for most comes first.
api.add_router("/rate-preview", preview.router)
api.add_router("/accounts", accounts.router)
api.add_router("/identities", identities.router)
api.add_router("/accounts", contacts.router)
api.add_router("/accounts", assignments.router)
api.add_router("/accounts", statements.router)
api.add_router("/tariffs", tariffs.router)
api.add_router("/tariffs", rates.router)
api.add_router("/tariffs", rate_edits.router)
api.add_router("/rate-edits", rate_edits.kept_router)
api.add_router("/rate-analysis", rate_analysis.router)
api.add_router("/deals", deals.router)
api.add_router("/sheets", sheets.router)
api.add_router("/sheet-templates", sheet_templates.router)
api.add_router("/agreements", agreements.router)
api.add_router("/mailboxes", mailboxes.router)
api.add_router("/mail-rules", mailboxes.rules)
api.add_router("/mails", mails.router)
api.add_router("/time-profiles", tariffs.profiles)
api.add_router("/exchange-rates", exchange_rates.router)
api.add_router("/decks", decks.router)
api.add_router("/codes", decks.codes_router)
api.add_router("/deck-changes", deck_changes.router)
api.add_router("/destination-groups", destination_groups.router)
api.add_router("/special-rates", special_rates.router)
api.add_router("/generators", generators.router)
api.add_router("/generator-runs", generators.runs)
api.add_router("/notification-templates", notifications.templates)
api.add_router("/notification-plans", notifications.plans)
api.add_router("/notifications", notifications.router)
api.add_router("/switches", switches.router)
api.add_router("/formats", mappings.formats)
api.add_router("/mappings", mappings.router)
api.add_router("/sources", sources.router)
api.add_router("/traffic-rules", traffic_rules.router)
api.add_router("/batches", batches.router)
api.add_router("/records", records.router)
api.add_router("/rejects", rejects.router)
api.add_router("/invoices", invoices.router)
api.add_router("/bill-runs", bill_runs.router)
api.add_router("/ledger", ledger.router)
api.add_router("/reports", reports.router)
api.add_router("/re-ratings", reratings.router)


def document() -> dict[str, Any]:
    """The OpenAPI document, as it is committed in `docs/api/openapi.json`."""
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX)))
    return found

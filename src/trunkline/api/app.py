"""The API: its rooms, its OpenAPI document, and the page to try it."""

from __future__ import annotations

from typing import Any, Final

from ninja import NinjaAPI

from trunkline.api import accounts, identities, problems, tariffs

VERSION: Final = "1"
DESCRIPTION: Final = """
Everything that the back office does, for programs. A key of a tenant is sent as `Authorization: Bearer tl_live_…`; what it may do is
chosen when it is made. Amounts are decimal text, instants RFC 3339. Every error is a problem of RFC 9457 with a stable `code`. A `POST` or
`PATCH` with an `Idempotency-Key` may be sent again.
""".strip()


class TrunklineAPI(NinjaAPI):
    """The API, whose operations have the names of their functions."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        return operation.view_func.__name__


api = TrunklineAPI(title="Trunkline", version=VERSION, description=DESCRIPTION, urls_namespace="api", docs_url="/docs")
problems.install(api)
api.add_router("/accounts", accounts.router)
api.add_router("/identities", identities.router)
api.add_router("/tariffs", tariffs.router)
api.add_router("/time-profiles", tariffs.profiles)

"""Templates of rate sheets: what the sheets of one vendor have in common."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.agreements import TermName
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, RowId, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.identity.permissions import Permission
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.choices import ScopeChoice
from trunkline.pricing.models import SheetTemplate
from trunkline.pricing.queries import access_agreement, access_template, templates
from trunkline.pricing.sheets.layout import from_json, to_json
from trunkline.tariffs.queries import access_tariff

router = Router(tags=["sheets"])

LayoutGiven = Annotated[
    dict[str, Any] | None,
    Field(
        description="The layout of one of its sheets, as `read_sheet` answers it; null: each is recognised by itself."
    ),
]
Checks = Annotated[
    dict[str, Any],
    Field(
        description="Checks that are not as usual: `stop`, `warn` or `ignore` by name, or an object with `level` and `figure`.",
        examples=[{"jump": "stop", "count_drop": {"level": "stop", "figure": 10}}],
    ),
]


class NewTemplate(Body):
    """A template to be made."""

    name: TermName
    tariff_id: Id = Field(description="The tariff that its sheets are for.")
    agreement_id: RowId | None = Field(default=None, description="The agreement whose notice its changes need.")
    scope: ScopeChoice = Field(
        default=ScopeChoice.PARTIAL, description="What its sheets say of codes that they do not name."
    )
    layout: LayoutGiven = None
    checks: Checks = Field(default={})


class TemplateChange(Body):
    """What to change of a template. What is left out stays."""

    tariff_id: Id | None = None
    agreement_id: RowId | None = Field(default=None, description="null: none.")
    scope: ScopeChoice | None = None
    layout: LayoutGiven = None
    checks: Checks | None = None


class TemplateShown(Body):
    """What the sheets of one vendor have in common."""

    id: int
    name: str
    tariff_id: UUID
    tariff: str
    agreement_id: int | None
    agreement: str | None
    scope: ScopeChoice
    layout: dict[str, Any] | None
    checks: dict[str, Any]


def shown(template: SheetTemplate) -> TemplateShown:
    """A template as the API shows it."""
    return TemplateShown(
        id=template.pk,
        name=template.name,
        tariff_id=template.tariff.public_id,
        tariff=template.tariff.name,
        agreement_id=template.agreement_id,
        agreement=template.agreement and template.agreement.name,
        scope=ScopeChoice(template.scope),
        layout=template.layout,
        checks=template.checks,
    )


TEMPLATES = listing.Listing(
    schema=TemplateShown,
    row=shown,
    sorts={"name": "name", "id": "id"},
    filters={
        "name": listing.text("name", prefix=True),
        "tariff_id": listing.public_id("tariff__public_id"),
        "tariff": listing.text("tariff__name"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(TemplateShown)),
    openapi_extra={"parameters": TEMPLATES.parameters},
)
def list_sheet_templates(request: HttpRequest) -> JsonResponse:
    """List the templates of rate sheets."""
    return TEMPLATES.answer(request, templates())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(TemplateShown, 404, 409, status=201))
def create_sheet_template(request: HttpRequest, response: HttpResponse, template: NewTemplate) -> Status[Any]:
    """Make a template: with it a sheet of the vendor needs nothing else said."""
    made = actions.create_template(name=template.name, **_given(template.model_dump(exclude={"name"})))
    response["Location"] = f"{request.path}/{made.pk}"
    return Status(201, show(response, shown(access_template(made.pk))))


@router.get("/{template_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(TemplateShown, 404))
def get_sheet_template(request: HttpRequest, response: HttpResponse, template_id: RowId) -> Any:
    """A template of rate sheets."""
    return show(response, shown(access_template(template_id)))


@router.patch("/{template_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(TemplateShown, 404, 412))
def change_sheet_template(
    request: HttpRequest, response: HttpResponse, template_id: RowId, change: TemplateChange
) -> Any:
    """Change a template. It holds for the sheets that are compared from now on."""
    lock_rows(SheetTemplate.objects.all(), [access_template(template_id).pk])
    template = access_template(template_id)
    require_match(request, shown(template))
    given = change.model_dump(exclude_unset=True)
    given = {n: value for n, value in given.items() if value is not None or n in {"agreement_id", "layout"}}
    if given:
        actions.change_template(template_id=template.pk, **_given(given))
    return show(response, shown(access_template(template_id)))


def _given(said: dict[str, Any]) -> dict[str, Any]:
    """What a request says, as the actions want it. Raises NotFound for what it names, Invalid `bad_layout`."""
    given = dict(said)
    if "tariff_id" in given:
        given["tariff_id"] = access_tariff(given["tariff_id"]).pk
    if given.get("agreement_id") is not None:
        given["agreement_id"] = access_agreement(given["agreement_id"]).pk
    if given.get("layout") is not None:
        given["layout"] = to_json(from_json(given["layout"]))
    return given

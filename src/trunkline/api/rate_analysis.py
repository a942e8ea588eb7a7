"""Rate analysis: price lists side by side, the least cost, margins; as JSON page by page, or all rows as CSV or a workbook.

What the database knows is gathered in a scope, the prices are compared outside of any.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from django.http import FileResponse, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.files import answer_of
from trunkline.api.shapes import Body, answers
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.parties.kinds import Side
from trunkline.pricing.analysis import given
from trunkline.pricing.analysis.gathered import analyse
from trunkline.pricing.analysis.given import FileFormat
from trunkline.pricing.analysis.parsing import parse_asked
from trunkline.pricing.analysis.question import COLUMNS_MAX, Average, By, Form
from trunkline.tariffs.choices import Service
from trunkline.tenancy.scope import scope

router = Router(tags=["rate analysis"])

LIMIT_MAX: Final = 1000
ROWS_MAX: Final = 10**7


class AnalysisFormat(StrEnum):
    """How an analysis is given."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


class MinutesOf(StrEnum):
    """Whose minutes are told."""

    CUSTOMERS = "customers"
    VENDORS = "vendors"


MEDIA: Final[Mapping[str, AnalysisFormat]] = {
    "application/json": AnalysisFormat.JSON,
    **{media: AnalysisFormat(kind.value) for kind, media in given.MEDIA.items()},
}
FILES: Final = answer_of(*(media for media, kind in MEDIA.items() if kind is not AnalysisFormat.JSON))

Words = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200)]
Names = Annotated[list[Words], Field(max_length=COLUMNS_MAX)]
_NOT_OPTIONS: Final = frozenset({"format", "offset", "limit"})


class AnalysisAsked(Body):
    """What an analysis is asked: the options of `trunkline analysis`. Lists are given by repeating their name."""

    tariff: Names = Field(default=[], description="Names of tariffs.")
    vendor: Names = Field(default=[], description="Short names of vendors: what they charge us.")
    customer: Names = Field(default=[], description="Short names of customers: what they pay us.")
    at: Words = Field(
        default="", description="A day, for its noon, or an instant; now if left out.", examples=["2026-03-02"]
    )
    service: Service = Service.VOICE
    currency: Words = Field(default="", description="Of all prices; the operator's if left out.")
    call: int | None = Field(default=None, ge=1, le=86_400, description="Seconds of the call; 60 if left out.")
    by: By = By.CODE
    form: Form = Field(default=Form.SIDE_BY_SIDE, description="side: side by side; least: the cheapest first.")
    positions: int | None = Field(
        default=None, ge=1, le=COLUMNS_MAX, description="Of a least-cost list; all if left out."
    )
    against_tariff: Words = Field(default="", description="Margins against this tariff.")
    against_vendor: Words = Field(default="", description="Margins against what this vendor charges us.")
    against_customer: Words = Field(default="", description="Margins against what this customer pays us.")
    against: Side = Field(default=Side.SELL, description="Whether the tariff of `against_tariff` sells or buys.")
    below: Annotated[str, Field(pattern=r"^(-?[0-9]{1,6}(\.[0-9]{1,2})?)?$")] = Field(
        default="", description="Only rows with a margin below so many percent.", examples=["10"]
    )
    code: Annotated[str, Field(pattern=r"^[0-9]{0,18}$")] = Field(default="", description="What codes begin with.")
    destination: Words = Field(default="", description="What names of destinations begin with.")
    country: Words = Field(default="", description="ISO 3166 code.")
    deck: Words = Field(default="", description="Code deck whose names are shown.")
    average: Average = Field(default=Average.CODES, description="How the codes of a destination count.")
    minutes: MinutesOf | None = Field(default=None, description="Tell minutes, of customers or vendors.")
    days: int | None = Field(default=None, ge=1, le=400, description="Minutes of how many days; 30 if left out.")
    tag: Annotated[list[Words], Field(max_length=50)] = Field(default=[], description="Tags that the call carries.")
    offset: int = Field(default=0, ge=0, le=ROWS_MAX, description="Rows before the first that is given.")
    limit: int = Field(default=100, ge=1, le=LIMIT_MAX, description="Rows that are given as JSON.")
    format: AnalysisFormat | None = Field(default=None, description="How to give it; else as `Accept` says.")


class CellShown(Body):
    """What a price list has for a row. All but `list` and `state` are there only for an offer."""

    list: str
    state: str = Field(description="offer, blocked or none.")
    position: int | None = Field(default=None, description="In a least-cost list.")
    price: str | None = Field(
        default=None, description="Of a minute, a message or a million octets; an average by destination."
    )
    simulated: bool | None = Field(default=None, description="The price is that of a shorter code.")
    code: str | None = Field(default=None, description="The code whose rate it is.")
    increments: str | None = Field(default=None, description="First and last increment of the rate.")
    least: str | None = Field(default=None, description="Of the codes of a destination.")
    greatest: str | None = None
    margin: str | None = Field(default=None, description="Selling less buying price.")
    margin_percent: str | None = Field(default=None, description="Of the selling price.")


class AnalysisRow(Body):
    """A code or a destination."""

    code: str | None = None
    destination: str
    codes: int | None = Field(default=None, description="How many codes the destination has.")
    minutes: str | None = None
    master: str | None = Field(default=None, description="Price of the master.")
    cells: list[CellShown] | None = Field(default=None, description="One for each price list, in order.")
    offers: list[CellShown] | None = Field(default=None, description="In a least-cost list: the cheapest first.")
    blocked: list[str] | None = Field(default=None, description="In a least-cost list: who blocks it.")


class AnalysisShown(Body):
    """A part of an analysis. `rows` are all that there are."""

    at: datetime
    currency: str
    unit: str
    call: int = Field(description="Units of the call that was asked for.")
    by: By
    form: Form
    lists: list[str]
    master: str | None
    rows: int
    minutes_of_no_row: str | None = Field(default=None, description="Minutes whose codes are shorter than all rows.")
    offset: int
    data: list[AnalysisRow]


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ, spools=True),
    response=answers(AnalysisShown, 404),
    openapi_extra=FILES,
)
def get_rate_analysis(request: HttpRequest, asked: Query[AnalysisAsked]) -> HttpResponseBase:
    """What each price list asks for the same call: side by side, or the cheapest first."""
    listing.refuse_unknown(request, AnalysisAsked.model_fields)
    principal = principal_of(request)
    at = now()
    with scope(principal.tenant_id, principal.actor):
        question = parse_asked(_told(asked), at=at)
    analysis = analyse(principal.tenant_id, question, actor=principal.actor, at=at)
    kind = asked.format or MEDIA[request.get_preferred_type(list(MEDIA)) or "application/json"]
    if kind is AnalysisFormat.JSON:
        rows = given.rows(analysis, asked.offset, asked.limit)
        return JsonResponse(given.about(analysis) | {"offset": asked.offset, "data": rows})
    as_file = FileFormat(kind.value)
    return FileResponse(
        given.open_file(analysis, as_file, at=at),
        as_attachment=True,
        filename=f"rate-analysis.{as_file.value}",
        content_type=given.MEDIA[as_file],
    )


def _told(asked: AnalysisAsked) -> dict[str, str | list[str]]:
    """Options as people write them."""
    told = asked.model_dump(mode="json", exclude=set(_NOT_OPTIONS), exclude_none=True)
    return {name: value if isinstance(value, list) else str(value) for name, value in told.items()}

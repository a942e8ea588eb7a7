"""What the API says of rate sheets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import Field

from trunkline.api.shapes import Body, Money
from trunkline.api.work import Problem, Work, problem_shown, work_shown
from trunkline.pricing.checks import CHECKS, Level
from trunkline.pricing.choices import ImportState, ScopeChoice
from trunkline.pricing.compare import Kind
from trunkline.pricing.models import SheetImport

ERRORS_SHOWN_MAX: Final = 1000
KINDS: Final = tuple(each.name.lower() for each in Kind)


class SheetColumn(Body):
    """A column of a sheet, and what it was taken for."""

    sheet: str
    index: int
    header: str
    meaning: str
    confidence: float = Field(description="0 to 1.")
    why: str


class SheetScope(Body):
    """How much of the world the sheet replaces, as far as it says so."""

    scope: str
    why: str
    countries: int
    codes: int
    currencies: list[str]
    effective_dates: list[str]


class SheetCounts(Body):
    """Rows of the file; lines that they gave, a code each; rows that gave none."""

    rows: int
    lines: int
    errors: int
    codes: int
    duplicates: int
    contradictions: int = Field(description="Duplicates with another price.")
    kinds: dict[str, int]
    skipped: dict[str, int]


class SheetError(Body):
    """A row that gave no line: where it stands, why, and what was written there."""

    sheet: str
    line: int
    column: str
    reason: str = Field(description="Stable code.")
    text: str


class SheetReading(Body):
    """What is understood of a file. Nothing of it was kept."""

    layout: dict[str, Any] = Field(
        description="With `verdict`, `confidence` and `doubts`. Corrected, it can be given as `layout` of the form."
    )
    columns: list[SheetColumn]
    scope: SheetScope
    counts: SheetCounts
    origins: dict[str, list[str]]
    sample: list[dict[str, Any]] = Field(description="The first lines, the last, and some between.")
    errors: list[SheetError] = Field(description=f"At most {ERRORS_SHOWN_MAX}; `counts` has them all.")


class SheetFinding(Body):
    """What a check has found."""

    check: str
    level: Level
    lines: int
    codes: list[str] = Field(description="The first of them.")
    text: str


class SheetChanges(Body):
    """Lines of each kind of change, computed against what is in force when each begins."""

    lines: int
    new: int
    increase: int
    decrease: int
    increment: int
    moved: int
    blocked: int
    closed: int
    unchanged: int
    refused: int
    closed_codes: int = Field(description="Codes that close, those among them that the sheet leaves out.")
    errors: int
    monthly_cost: Money = Field(
        description="What the changed prices cost a month more by the last 30 days' quantities, in the tariff's currency."
    )
    weighed_by_code: int = Field(
        description="Units charged whose price changes with their code, or falls to a shorter one."
    )
    weighed_by_number: int = Field(
        description="Units charged that a new longer code takes over, told by the numbers of the records."
    )
    without_price: int = Field(
        description="Units charged whose code is blocked, or closes with nothing shorter. They cost nothing here."
    )
    not_weighed: int = Field(description="Units charged of which it cannot be said what they will cost.")
    days_of_numbers: int = Field(
        description="Of how many of the 30 days numbers were read, where that is not all; else 0."
    )


class SheetShown(Body):
    """A rate sheet: what came, what it changes, and what became of it."""

    id: UUID
    tariff_id: UUID
    tariff: str
    currency: str
    template_id: int | None
    template: str | None
    agreement_id: int | None
    agreement: str | None
    scope: ScopeChoice
    state: ImportState
    file_name: str
    sha256: str
    octets: int
    notified_at: datetime = Field(description="When it was received: notice counts from then.")
    effective_at: datetime = Field(description="When lines without a date begin, and left-out codes close.")
    counts: SheetChanges
    findings: list[SheetFinding]
    created_at: datetime
    applied_at: datetime | None
    begins_at: datetime | None = Field(
        description="When the first of its changes begins; null where they reach back to ever."
    )
    ended_at: datetime | None = Field(description="When it was undone or discarded.")
    reason: str
    work: Work
    problem: Problem

    UNVERSIONED: ClassVar = ("work",)


class SheetLine(Body):
    """A line of a sheet: what it changes, from what, and when."""

    line: int
    kind: str = Field(json_schema_extra={"enum": list(KINDS)})
    code: str
    destination: str
    tag: str
    origin: str = Field(description="Callers that it is for; empty: all.")
    time_profile: str
    before: str = Field(description="The price in force when it begins; empty: none.")
    price: str
    begins: date
    note: str


class ClosedCode(Body):
    """A code that closes, and what its numbers fall to then."""

    code: str
    origin: str = Field(description="Callers that it is for; empty: all.")
    destination: str
    price: str
    closes: date
    falls_to: str = Field(description="The longest shorter code in force then, with its price; empty: they have none.")


class SheetApply(Body):
    """Which checks were looked at and are overruled."""

    overrule: list[Annotated[str, Field(json_schema_extra={"enum": sorted(CHECKS)})]] = Field(
        default=[], max_length=len(CHECKS)
    )
    reason: str = Field(default="", max_length=500)


class SheetReason(Body):
    """Why; it stands in the history of the tariff."""

    reason: str = Field(min_length=1, max_length=500)


def shown(sheet: SheetImport) -> SheetShown:
    """A sheet as the API shows it."""
    own = (
        "file_name",
        "sha256",
        "octets",
        "notified_at",
        "effective_at",
        "created_at",
        "applied_at",
        "begins_at",
        "ended_at",
        "reason",
    )
    counts = {name: sheet.counts.get(name, 0) for name in SheetChanges.model_fields}
    return SheetShown(
        **{name: getattr(sheet, name) for name in own},
        id=sheet.public_id,
        tariff_id=sheet.tariff.public_id,
        tariff=sheet.tariff.name,
        currency=sheet.tariff.currency,
        template_id=sheet.template_id,
        template=sheet.template and sheet.template.name,
        agreement_id=sheet.agreement_id,
        agreement=sheet.agreement and sheet.agreement.name,
        scope=ScopeChoice(sheet.scope),
        state=ImportState(sheet.state),
        counts=SheetChanges(**counts | {"monthly_cost": str(counts["monthly_cost"])}),
        findings=[SheetFinding(**each) for each in sheet.findings or ()],
        work=work_shown(sheet),
        problem=problem_shown(sheet),
    )  # fmt: skip

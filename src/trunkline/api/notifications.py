"""Rate notifications: how the files look, who is told of which tariff, and each notification with its mails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.files import answer_of
from trunkline.api.shapes import Body, Id, RowId, Text, answers, page_of
from trunkline.core.errors import Conflict
from trunkline.core.money import Price
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.parties.queries import access_account
from trunkline.pricing import actions
from trunkline.pricing.actions import notifications as telling
from trunkline.pricing.models import Notification, NotificationMail, NotificationPlan, NotificationTemplate
from trunkline.pricing.notifications import queries
from trunkline.pricing.notifications.choices import MailState, NotificationState
from trunkline.pricing.notifications.columns import CodeForm, Column, DateForm, FileKind, Mode
from trunkline.pricing.notifications.mailing import MEDIA
from trunkline.pricing.queries import get_agreement
from trunkline.tariffs.queries import access_tariff

templates = Router(tags=["rate notifications"])
plans = Router(tags=["rate notifications"])
router = Router(tags=["rate notifications"])

LINES_MAX: Final = 1000

Title = Annotated[str, Field(min_length=1, max_length=60)]
Hour = Annotated[int, Field(ge=0, le=23)]
AgreementName = Annotated[str, Field(max_length=120, description="Name of the agreement about notice.")]


class NotificationColumn(Body):
    """A column and the title above it."""

    column: Column
    title: Title | None = Field(default=None, description="The usual one if left out.")


class NotificationTemplateFields(Body):
    """How files look. What is left out stays as it is, or is as usual."""

    columns: list[NotificationColumn] | None = Field(default=None, min_length=1, max_length=len(Column))
    kind: FileKind | None = None
    date_form: DateForm | None = None
    decimal_mark: str | None = Field(default=None, pattern=r"^[.,]$")
    code_form: CodeForm | None = None
    title_rows: list[Annotated[str, Field(min_length=1, max_length=200)]] | None = Field(
        default=None, max_length=10, description="{operator}, {account}, {tariff}, {currency} and {date} are filled in."
    )
    has_currency_row: bool | None = None


class NotificationTemplateGiven(NotificationTemplateFields):
    """A template; one of that name is changed."""

    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]


class NotificationTemplateShown(Body):
    """How the price lists look that customers get."""

    id: int
    name: str
    columns: list[NotificationColumn]
    kind: FileKind
    date_form: DateForm
    decimal_mark: str
    code_form: CodeForm
    title_rows: list[str]
    has_currency_row: bool


class NotificationPlanFields(Body):
    """How a customer is told. What is left out stays as it is."""

    template_id: RowId | None = None
    agreement: AgreementName | None = Field(default=None, description="Empty: none.")
    mode: Mode | None = None
    recipients: list[Annotated[str, Field(max_length=254)]] | None = Field(
        default=None, max_length=20, description="None: the account's contacts for rates."
    )
    language: Annotated[str, Field(max_length=10)] | None = None
    is_automatic: bool | None = None
    at_hour: Hour | None = Field(default=None, description="On the operator's clock.")
    is_active: bool | None = None


class NotificationPlanGiven(NotificationPlanFields):
    """Who shall be told of which tariff; the same account and tariff again change it."""

    account_id: Id
    tariff_id: Id
    template_id: RowId


class NotificationPlanShown(Body):
    """A customer that is told of the prices of one of its tariffs."""

    id: UUID
    account_id: UUID
    account: str
    tariff_id: UUID
    tariff: str
    template_id: int
    template: str
    agreement: str | None
    mode: Mode
    recipients: list[str] = Field(description="None: the account's contacts for rates.")
    language: str
    is_automatic: bool
    at_hour: int
    is_active: bool


class NotificationPreparing(Body):
    """What is to be made."""

    mode: Mode | None = Field(default=None, description="As the plan says, if left out.")


class NotificationFindingShown(Body):
    """What to look at before it is sent; `stop` keeps it from being sent."""

    check: str
    level: str
    lines: int
    text: str


class NotificationShown(Body):
    """A price list for one customer, as it is or was sent."""

    id: UUID
    plan_id: UUID
    account: str
    tariff: str
    state: NotificationState
    mode: Mode
    revision: int | None
    counts: dict[str, int] = Field(description="Lines of each status.")
    rows: int
    breaches: int = Field(description="Lines that begin sooner than the agreement allows.")
    is_flagged: bool
    findings: list[NotificationFindingShown]
    first_effective: datetime | None
    file_name: str | None
    sha256: str | None
    octets: int
    made_at: datetime
    notified_at: datetime | None
    sent_at: datetime | None
    reason: str | None
    failure: str | None = Field(description="A stable code, where it could not be made.")


class NotificationMailShown(Body):
    """One mail with a notification to one address."""

    id: int
    address: str
    state: MailState
    attempts: int
    failure: str | None
    failure_detail: str | None
    sent_at: datetime | None


class NotificationLineShown(Body):
    """A line of a notification. `allowed_from` is there where it begins too soon."""

    code: str
    destination: str | None
    effective: datetime | None
    end: datetime | None
    rate: str | None = Field(description="A price, or Closed, or Blocked.")
    minimum: int | None
    interval: int | None
    grace: int | None
    setup: str | None
    profile: str | None
    previous: str | None
    difference: str | None
    status: str
    allowed_from: datetime | None


class NotificationLines(Body):
    """Lines of a notification."""

    data: list[NotificationLineShown]


class NotificationSending(Body):
    """How a notification is sent."""

    flag: bool = Field(default=False, description="Although lines begin sooner than the agreement allows.")
    reason: Text = ""


class NotificationReason(Body):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


def _template(row: NotificationTemplate) -> NotificationTemplateShown:
    return NotificationTemplateShown(
        id=row.pk,
        name=row.name,
        columns=[NotificationColumn(column=Column(column), title=title) for column, title in row.columns],
        kind=FileKind(row.kind),
        date_form=DateForm(row.date_form),
        decimal_mark=row.decimal_mark,
        code_form=CodeForm(row.code_form),
        title_rows=row.title_rows,
        has_currency_row=row.has_currency_row,
    )


def _plan(row: NotificationPlan) -> NotificationPlanShown:
    return NotificationPlanShown(
        id=row.public_id,
        account_id=row.account.public_id,
        account=row.account.code,
        tariff_id=row.tariff.public_id,
        tariff=row.tariff.name,
        template_id=row.template.pk,
        template=row.template.name,
        agreement=row.agreement.name if row.agreement else None,
        mode=Mode(row.mode),
        recipients=row.recipients,
        language=row.language,
        is_automatic=row.is_automatic,
        at_hour=row.at_hour,
        is_active=row.is_active,
    )


def _notification(row: Notification) -> NotificationShown:
    return NotificationShown(
        id=row.public_id,
        plan_id=row.plan.public_id,
        account=row.plan.account.code,
        tariff=row.plan.tariff.name,
        state=NotificationState(row.state),
        mode=Mode(row.mode),
        revision=row.revision,
        counts=row.counts,
        rows=row.rows,
        breaches=row.breaches,
        is_flagged=row.is_flagged,
        findings=[NotificationFindingShown(**each) for each in row.findings],
        first_effective=row.first_effective,
        file_name=row.file_name or None,
        sha256=row.sha256 or None,
        octets=row.octets,
        made_at=row.made_at,
        notified_at=row.notified_at,
        sent_at=row.sent_at,
        reason=row.reason or None,
        failure=row.failure or None,
    )


def _mail(row: NotificationMail) -> NotificationMailShown:
    return NotificationMailShown(
        id=row.pk,
        address=row.address,
        state=MailState(row.state),
        attempts=row.attempts,
        failure=row.failure or None,
        failure_detail=row.failure_detail or None,
        sent_at=row.sent_at,
    )


def _line(line: Mapping[str, Any]) -> NotificationLineShown:
    said: dict[str, Any] = {name: str(value) if isinstance(value, Price) else value for name, value in line.items()}
    allowed = said.pop("allowed")
    named = {name: said[name] for name in NotificationLineShown.model_fields if name in said}
    return NotificationLineShown(
        **named, allowed_from=None if allowed is None else datetime.fromtimestamp(allowed, UTC)
    )


def _plans(rows: Sequence[NotificationPlan], _: Mapping[str, Any]) -> Iterator[NotificationPlanShown]:
    yield from map(_plan, rows)


TEMPLATES = listing.Listing(
    schema=NotificationTemplateShown,
    row=_template,
    sorts={"name": "name", "id": "id"},
    filters={"name": listing.text("name")},
)
PLANS = listing.Listing(
    schema=NotificationPlanShown,
    page=_plans,
    sorts={"account": "account__code"},
    filters={
        "account": listing.text("account__code"),
        "account_id": listing.public_id("account__public_id"),
        "tariff_id": listing.public_id("tariff__public_id"),
    },
)
NOTIFICATIONS = listing.Listing(
    schema=NotificationShown,
    row=_notification,
    sorts={"made_at": "made_at"},
    default="-made_at",
    filters={
        "state": listing.choice("state", NotificationState),
        "account": listing.text("plan__account__code"),
        "plan_id": listing.public_id("plan__public_id"),
        "made_at": listing.instant("made_at"),
    },
)
MAILS = listing.Listing(
    schema=NotificationMailShown,
    row=_mail,
    sorts={"address": "address"},
    filters={"state": listing.choice("state", MailState)},
)


@templates.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(NotificationTemplateShown)),
    openapi_extra={"parameters": TEMPLATES.parameters},
)
def list_notification_templates(request: HttpRequest) -> JsonResponse:
    """List the templates of price lists."""
    return TEMPLATES.answer(request, queries.notification_templates())


@templates.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(NotificationTemplateShown, 409, status=201))
def save_notification_template(request: HttpRequest, template: NotificationTemplateGiven) -> Status[Any]:
    """Keep how price lists look under a name; one of that name is changed."""
    made, _ = actions.save_notification_template(name=template.name, **_given(template))
    return Status(201, _template(made))


@templates.get(
    "/{notification_template_id}",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(NotificationTemplateShown, 404),
)
def get_notification_template(request: HttpRequest, notification_template_id: RowId) -> Any:
    """A template of price lists."""
    return _template(queries.access_notification_template(notification_template_id))


@templates.patch(
    "/{notification_template_id}",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(NotificationTemplateShown, 404, 409),
)
def change_notification_template(
    request: HttpRequest, notification_template_id: RowId, template: NotificationTemplateFields
) -> Any:
    """Change how price lists look; what was prepared before stays as it is."""
    known = queries.access_notification_template(notification_template_id)
    made, _ = actions.save_notification_template(name=known.name, **_given(template))
    return _template(made)


def _given(template: NotificationTemplateFields) -> dict[str, Any]:
    said = template.model_dump(exclude_none=True, exclude={"name"})
    if template.columns is not None:
        said["columns"] = [(each.column.value, each.title or "") for each in template.columns]
    return said


@plans.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(NotificationPlanShown)),
    openapi_extra={"parameters": PLANS.parameters},
)
def list_notification_plans(request: HttpRequest) -> JsonResponse:
    """List which customer is told of which tariff."""
    return PLANS.answer(request, queries.plans())


@plans.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(NotificationPlanShown, 404, 409, status=201))
def plan_notifications(request: HttpRequest, plan: NotificationPlanGiven) -> Status[Any]:
    """Let a customer be told of the prices of one of its tariffs."""
    given = _plan_given(plan)
    made, _ = actions.plan_notifications(
        account=access_account(plan.account_id),
        tariff=access_tariff(plan.tariff_id),
        template=given.pop("template"),
        at=now(),
        **given,
    )
    return Status(201, _plan(queries.access_plan(str(made.public_id))))


@plans.get("/{plan_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(NotificationPlanShown, 404))
def get_notification_plan(request: HttpRequest, plan_id: Id) -> Any:
    """How a customer is told."""
    return _plan(queries.access_plan(plan_id))


@plans.patch("/{plan_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(NotificationPlanShown, 404, 409))
def change_notification_plan(request: HttpRequest, plan_id: Id, plan: NotificationPlanFields) -> Any:
    """Change how a customer is told, or end it."""
    known = queries.access_plan(plan_id)
    actions.change_plan(plan_id=known.pk, **_plan_given(plan))
    return _plan(queries.access_plan(plan_id))


def _plan_given(plan: NotificationPlanFields) -> dict[str, Any]:
    said = plan.model_dump(exclude_none=True, exclude={"account_id", "tariff_id", "template_id", "agreement"})
    if plan.template_id is not None:
        said["template"] = queries.access_notification_template(plan.template_id)
    if plan.agreement is not None:
        said["agreement"] = get_agreement(plan.agreement) if plan.agreement else None
    return said


@plans.post(
    "/{plan_id}/prepare",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(NotificationShown, 404, 409, status=202),
)
def prepare_notification(
    request: HttpRequest, response: HttpResponse, plan_id: Id, asked: NotificationPreparing
) -> Status[Any]:
    """Have a notification made of what the customer does not know yet. Ask `GET /notifications/{id}` when it is prepared; nobody is told by this."""
    made = telling.begin_preparing(plan_id=queries.access_plan(plan_id).pk, mode=asked.mode, at=now())
    response["Location"] = f"/api/v1/notifications/{made.public_id}"
    return Status(202, _one(made))


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(NotificationShown)),
    openapi_extra={"parameters": NOTIFICATIONS.parameters},
)
def list_notifications(request: HttpRequest) -> JsonResponse:
    """List notifications, the latest first."""
    return NOTIFICATIONS.answer(request, queries.notifications())


@router.get("/{notification_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(NotificationShown, 404))
def get_notification(request: HttpRequest, notification_id: Id) -> Any:
    """A notification and how far it has come."""
    return _notification(queries.access_notification(notification_id))


@router.get(
    "/{notification_id}/lines", auth=ApiKey(Permission.TARIFFS_READ), response=answers(NotificationLines, 404, 409)
)
def list_notification_lines(
    request: HttpRequest,
    notification_id: Id,
    breaches: Annotated[bool, Query(description="Only lines that begin too soon.")] = False,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=LINES_MAX)] = 100,
) -> Any:
    """Lines of a notification, by code and date."""
    found = _made(queries.access_notification(notification_id))
    return NotificationLines(
        data=[_line(each) for each in queries.shown_lines(found, limit=limit, offset=offset, only_breaches=breaches)]
    )


@router.get(
    "/{notification_id}/file",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(None, 404, 409),
    openapi_extra=answer_of(*MEDIA.values()),
)
def get_notification_file(request: HttpRequest, notification_id: Id) -> FileResponse:
    """The file as it is or was sent."""
    path = queries.file_of(_made(queries.access_notification(notification_id)))
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type=MEDIA[path.suffix])


@router.get(
    "/{notification_id}/mails",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(NotificationMailShown), 404),
    openapi_extra={"parameters": MAILS.parameters},
)
def list_notification_mails(request: HttpRequest, notification_id: Id) -> JsonResponse:
    """The mails of a notification, one for each recipient."""
    return MAILS.answer(request, queries.mails(queries.access_notification(notification_id)))


@router.post(
    "/{notification_id}/send",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(NotificationShown, 404, 409, status=202),
)
def send_notification(request: HttpRequest, notification_id: Id, sending: NotificationSending) -> Status[Any]:
    """Send a prepared notification, a mail to each recipient."""
    found = queries.access_notification(notification_id)
    return Status(202, _one(telling.send(notification_id=found.pk, flag=sending.flag, reason=sending.reason, at=now())))


@router.post(
    "/{notification_id}/send-again",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(NotificationShown, 404, 409, status=202),
)
def send_notification_again(request: HttpRequest, notification_id: Id) -> Status[Any]:
    """Send the mails again that did not arrive, or of which nobody knows. Those that went out stay."""
    found = queries.access_notification(notification_id)
    return Status(202, _one(telling.send_again(notification_id=found.pk, at=now())))


@router.post(
    "/{notification_id}/put-off",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(NotificationShown, 404, 409, status=202),
)
def put_off_notification(request: HttpRequest, notification_id: Id, why: NotificationReason) -> Status[Any]:
    """Put the changes that begin too soon off to when the agreement allows, in the tariff, and have the notification made anew; that new one."""
    found = queries.access_notification(notification_id)
    return Status(202, _one(telling.begin_putting_off(notification_id=found.pk, reason=why.reason, at=now())))


@router.post(
    "/{notification_id}/discard", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(NotificationShown, 404, 409)
)
def discard_notification(request: HttpRequest, notification_id: Id, why: NotificationReason) -> Any:
    """Say no to a prepared notification."""
    found = queries.access_notification(notification_id)
    return _one(telling.discard(notification_id=found.pk, reason=why.reason, at=now()))


def _one(row: Notification) -> NotificationShown:
    return _notification(queries.access_notification(str(row.public_id)))


def _made(row: Notification) -> Notification:
    """Raises Conflict `not_made` where there is no file."""
    if not row.file_name:
        raise Conflict("not_made", "This notification has no file.", hint=row.reason or "A worker is at it.")
    return row

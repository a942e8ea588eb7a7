"""Traffic rules: what changes, marks and refuses records before they are priced, and how one call fares."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.files import TEXT_KINDS, answer_of, body_of, by_line, read_text_file
from trunkline.api.preview import PreviewedRule, PreviewedTariff
from trunkline.api.shapes import Body, Id, Instant, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone, utc_text
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.parties.queries import access_account
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import TrafficRule
from trunkline.usage.schema import Service
from trunkline.usage.traffic import actions
from trunkline.usage.traffic.kinds import RuleSide, Stage, Then
from trunkline.usage.traffic.queries import access_rule_by_id, rules_in_order, traffic_rules
from trunkline.usage.traffic.rule_file import read_rule_file, write_rule_file
from trunkline.usage.traffic.tested import path_of

router = Router(tags=["traffic rules"])

FILE_OCTETS_MAX: Final = 16 * 2**20
QUANTITY_MAX: Final = 10**15

RuleName = Annotated[str, Field(min_length=1, max_length=60, description="By which records and rejects name it.")]
Position = Annotated[int, Field(ge=0, le=actions.POSITION_MAX, description="Order inside the stage, lower first.")]
Values = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=5000)]
Conditions = Annotated[
    dict[str, Values | Annotated[str, Field(max_length=5000)]],
    Field(
        description="All must hold (docs/algorithms/traffic-rules.md). Values are lists; of the patterns one text.",
        examples=[{"called_begins": ["254", "255"]}],
    ),
]
Actions = Annotated[
    str, Field(max_length=5000, description="Separated by semicolons.", examples=["strip called 2; tag premium"])
]
Note = Annotated[str, Field(max_length=actions.NOTE_LENGTH_MAX, description="A remark for people.")]
Switch = Annotated[str, Field(max_length=60, description="Only for records of this switch, by its name.")]


class NewTrafficRule(Body):
    """A rule to be made. It counts from the next file on."""

    name: RuleName
    stage: Stage
    position: Position | None = Field(default=None, description="Null: behind all others of its stage.")
    side: RuleSide = RuleSide.BOTH
    switch: Switch | None = Field(default=None, description="Null: for every switch.")
    account_id: Id | None = Field(default=None, description="Only where the side is this account's; null: for all.")
    valid_from: Instant | None = Field(default=None, description="First start of a record that it is for.")
    valid_to: Instant | None = Field(default=None, description="Start from which on it is not any more.")
    conditions: Conditions = Field(default_factory=dict)
    actions: Actions = ""
    then: Then = Field(default=Then.CONTINUE, description="What comes after its actions.")
    note: Note = ""


class TrafficRuleChange(Body):
    """What of a rule is changed; what is left out stays. `conditions` are all of them: those that are not named go."""

    stage: Stage | None = None
    position: Position | None = None
    side: RuleSide | None = None
    switch: Switch | None = None
    account_id: Id | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    conditions: Conditions | None = None
    actions: Actions | None = None
    then: Then | None = None
    note: Note | None = None


class TrafficRuleShown(Body):
    """What happens to some of the records before they are priced: a number changed, a tag added, the record refused."""

    id: UUID
    name: str
    stage: Stage
    position: int
    side: RuleSide
    switch: str | None
    account_id: UUID | None
    account: str | None = Field(description="Short name of the account.")
    valid_from: datetime | None
    valid_to: datetime | None
    conditions: dict[str, list[str] | str]
    actions: str
    then: Then
    note: str


class LoadedTrafficRules(Body):
    """What a file of rules did, by their names."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: list[str]


class SupposedCall(Body):
    """A call that somebody thought of, as a switch writes it."""

    called: str = Field(max_length=80, description="As the switch writes it.")
    calling: str = Field(default="", max_length=80, description="As the switch writes it; empty: withheld.")
    start: Instant | None = Field(default=None, description="Null: now.")
    quantity: int = Field(default=60, ge=0, le=QUANTITY_MAX, description="Seconds, messages or octets.")
    service: Service = Service.VOICE
    switch: Switch | None = Field(default=None, description="Switch that writes the record; null: none that is known.")
    trunk_in: str = Field(default="", max_length=100)
    trunk_out: str = Field(default="", max_length=100)
    source_ip: str = Field(default="", max_length=45)
    account_code: str = Field(default="", max_length=100)
    sip_user: str = Field(default="", max_length=100)


class TestedNumbers(Body):
    """The numbers after the number rules of the switch."""

    calling: str
    called: str


class TestedState(Body):
    """What a record carries."""

    calling: str
    called: str
    routing_number: str | None
    tags: list[str]
    jurisdiction: str


class TestedIdentity(Body):
    """An identity that was looked at, and what became of it."""

    account: str | None
    kind: str
    value: str
    tech_prefix: str
    verdict: str


class TestedPrice(Body):
    """The price of one side."""

    outcome: str = Field(description="rated, or why there is no amount.")
    tariffs: list[str]
    tried: list[PreviewedTariff]
    tariff: str | None
    rate: int | None
    code: str | None
    tag: str | None
    destination: str | None
    billed: int | None
    amount: str | None = Field(description="In the tariff's currency.")
    currency: str | None


class TestedSide(Body):
    """One side of the call. What comes after `identities` is there only where they name an account."""

    account: str | None
    status: str
    identities: list[TestedIdentity]
    after_account: list[PreviewedRule] = Field(default_factory=list)
    price_before_rules: TestedPrice | None = None
    after_rate: list[PreviewedRule] = Field(default_factory=list)
    carries: TestedState | None = None
    priced_number: str | None = None
    price: TestedPrice | None = None
    after_routing: list[PreviewedRule] = Field(default_factory=list)
    sent: TestedState | None = None


class TestedReject(Body):
    """Why the record would be rejected."""

    reason: str
    rule: str | None
    meaning: str


class TestedCall(Body):
    """The path of a call through number rules, traffic rules, identification and prices. Nothing was written."""

    call: dict[str, Any]
    switch: str | None
    other_switches: list[str] = Field(description="Rules that are for other switches.")
    numbers: TestedNumbers
    before_identification: list[PreviewedRule]
    tech_prefix: str | None = Field(description="What was cut off; the stage was gone through once more then.")
    once_more: list[PreviewedRule]
    carries: TestedState
    sides: dict[str, TestedSide] = Field(description="`sell`, and `buy` where there is a vendor.")
    reject: TestedReject | None = Field(description="Null: it would be taken.")


def shown(rule: TrafficRule) -> TrafficRuleShown:
    """A rule as the API shows it."""
    return TrafficRuleShown(
        id=rule.public_id,
        stage=Stage(rule.stage),
        side=RuleSide(rule.side),
        then=Then(rule.then),
        switch=rule.switch and rule.switch.name,
        account_id=rule.account and rule.account.public_id,
        account=rule.account and rule.account.code,
        **{
            name: getattr(rule, name)
            for name in ("name", "position", "valid_from", "valid_to", "conditions", "actions", "note")
        },
    )


RULES: Final = listing.Listing(
    schema=TrafficRuleShown,
    row=shown,
    sorts={"order": "place", "name": "name"},
    filters={
        "name": listing.text("name", prefix=True),
        "stage": listing.choice("stage", Stage),
        "side": listing.choice("side", RuleSide),
        "then": listing.choice("then", Then),
        "switch": listing.text("switch__name"),
        "account_id": listing.public_id("account__public_id"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.RULES_READ),
    response=answers(page_of(TrafficRuleShown)),
    openapi_extra={"parameters": RULES.parameters},
)
def list_traffic_rules(request: HttpRequest) -> JsonResponse:
    """List the rules, in the order in which they are looked at."""
    return RULES.answer(request, rules_in_order())


@router.post("", auth=ApiKey(Permission.RULES_WRITE), response=answers(TrafficRuleShown, 404, 409, status=201))
def create_traffic_rule(request: HttpRequest, response: HttpResponse, rule: NewTrafficRule) -> Status[Any]:
    """Make a rule."""
    given = rule.model_dump(exclude={"account_id", "switch"}) | {"switch": rule.switch or ""}
    if rule.account_id:
        given["account"] = access_account(rule.account_id).code
    made = actions.create_rule(given=actions.GivenRule(**given), at=now())
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, show(response, shown(access_rule_by_id(str(made.public_id)))))


@router.get("/export", auth=ApiKey(Permission.RULES_READ), response=answers(None), openapi_extra=answer_of("text/csv"))
def export_traffic_rules(request: HttpRequest) -> HttpResponse:
    """All rules as a CSV file, in the order in which they are looked at; `load_traffic_rules` takes it."""
    stream = io.StringIO()
    write_rule_file([actions.GivenRule.of(row) for row in traffic_rules()], stream, utc_text)
    return HttpResponse(
        stream.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="traffic-rules.csv"'},
    )


@router.post(
    "/load",
    auth=ApiKey(Permission.RULES_WRITE, spools=True),
    response=answers(LoadedTrafficRules, 404, 409, 413, 415),
    openapi_extra=body_of(*TEXT_KINDS),
)
def load_traffic_rules(
    request: HttpRequest,
    replace: Annotated[bool, Field(description="Remove the rules that the file does not name.")] = False,
) -> Any:
    """Make and change rules by their names from a CSV file as the body, all of it or nothing; plain, or packed by gzip or zip."""
    data, body_hash = read_text_file(request, octets_max=FILE_OCTETS_MAX)
    begin(request, body_hash=body_hash)
    try:
        given = read_rule_file(data, get_zone(current_tenant().timezone))
        done = actions.load_rules(given=given, has_others=not replace, at=now())
    except Invalid as error:
        raise by_line(error) from error
    return LoadedTrafficRules(**{name: list(getattr(done, name)) for name in LoadedTrafficRules.model_fields})


@router.post("/test", auth=ApiKey(Permission.RULES_READ), response=answers(TestedCall, 404))
def test_call(request: HttpRequest, call: SupposedCall) -> Any:
    """The path of one call through number rules, traffic rules, identification and prices. Nothing is written."""
    at = now()
    record = call.model_dump(exclude={"called", "calling", "switch"}) | {
        "called_raw": call.called,
        "calling_raw": call.calling,
        "service": call.service.value,
        "start": call.start or at.replace(microsecond=0),
    }
    return TestedCall(**path_of(record, switch=call.switch or None, at=at))


@router.get("/{rule_id}", auth=ApiKey(Permission.RULES_READ), response=answers(TrafficRuleShown, 404))
def get_traffic_rule(request: HttpRequest, response: HttpResponse, rule_id: Id) -> Any:
    """A rule."""
    return show(response, shown(access_rule_by_id(rule_id)))


@router.patch("/{rule_id}", auth=ApiKey(Permission.RULES_WRITE), response=answers(TrafficRuleShown, 404, 412))
def change_traffic_rule(request: HttpRequest, response: HttpResponse, rule_id: Id, change: TrafficRuleChange) -> Any:
    """Change a rule. It counts from the next file on; rejects can be sent again."""
    rule = _locked(request, rule_id)
    given = change.model_dump(exclude_unset=True)
    # Null says nothing of these; of the others it takes away.
    given = {name: value for name, value in given.items() if value is not None or name in {"valid_from", "valid_to"}}
    if "switch" in change.model_fields_set:
        given["switch"] = change.switch or ""
    if "account_id" in change.model_fields_set:
        given.pop("account_id", None)
        given["account"] = access_account(change.account_id).code if change.account_id else ""
    if "conditions" in given:
        given["conditions"] = dict.fromkeys(rule.conditions, "") | given["conditions"]
    actions.change_rule(rule_id=rule.pk, changes=given, at=now())
    return show(response, shown(access_rule_by_id(rule_id)))


@router.delete("/{rule_id}", auth=ApiKey(Permission.RULES_WRITE), response=answers(None, 404, 412, status=204))
def remove_traffic_rule(request: HttpRequest, rule_id: Id) -> Status[None]:
    """Remove a rule. Records that it touched keep its name."""
    actions.remove_rule(rule_id=_locked(request, rule_id).pk)
    return Status(204, None)


def _locked(request: HttpRequest, rule_id: str) -> TrafficRule:
    """The rule, held until the request ends, if it is still as the request has seen it."""
    lock_rows(TrafficRule.objects.all(), [access_rule_by_id(rule_id).pk])
    rule = access_rule_by_id(rule_id)
    require_match(request, shown(rule))
    return rule

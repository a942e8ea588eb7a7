"""Records: what was used and what each costs, found among millions, and why."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from ninja import Query, Router, Schema
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, Instant, answers, page_of
from trunkline.core.money import Amount
from trunkline.identity.permissions import Permission
from trunkline.invoicing.queries import find_billing
from trunkline.parties.models import Account
from trunkline.parties.queries import access_account
from trunkline.usage import locate
from trunkline.usage.choices import SegmentKind, Side
from trunkline.usage.explain import explain_record
from trunkline.usage.explained import as_json
from trunkline.usage.queries import Named, access_switch, named
from trunkline.usage.schema import Service
from trunkline.usage.search import EPOCH, LISTED, Place, Record, search_records
from trunkline.usage.segments import WEB

router = Router(tags=["records"])

COLUMNS: Final = (*LISTED, "batch_id", "sip_code", "buy_destination_id")
RecordId = Annotated[str, Field(max_length=2000, description="Id of a record, as a search gives it.")]


class RecordSide(Body):
    """What a record costs on one side."""

    account_id: UUID
    account: str = Field(description="Code of the account.")
    destination: str | None
    amount: str | None = Field(description="In the account's currency; null where this side is not charged.")
    currency: str | None


class RecordShown(Body):
    """One attempt of a call, a message, or what else was used. `calling` is empty where it was withheld."""

    id: str
    key: str = Field(description="The record's key within its switch.")
    switch: str
    batch_id: UUID = Field(description="The file that it came in with.")
    start: datetime
    calling: str
    called: str
    service: Service
    quantity: int = Field(description="Seconds, messages or octets.")
    cause: int | None = Field(description="Q.850.")
    sip_code: int | None
    sell: RecordSide | None = Field(description="What the customer owes; null: nobody.")
    buy: RecordSide | None = Field(description="What we owe the vendor; null: nobody.")


class RecordSideDetail(RecordSide):
    """All that a record keeps of one side."""

    is_charged: bool
    tariff_id: UUID | None
    tariff: str | None
    rate_id: int | None
    code: str | None
    billed: int | None = Field(description="Units that are charged: whole increments.")
    tariff_amount: str | None
    tariff_currency: str | None
    exchange_rate: str | None = Field(description="Exact ratio; null where the currencies are one.")
    exchange_rate_on: date | None
    base_amount: str | None = Field(description="In the tenant's currency.")
    day: date | None = Field(description="In the account's zone.")
    number: str = Field(description="By which it was priced.")
    tags: list[str] = Field(description="By which it was priced.")


class RecordDetail(RecordShown):
    """All that is kept of a record."""

    line: int = Field(description="In its file, from 1.")
    call_id: str = Field(description="Shared by the attempts of a call.")
    attempt: int
    is_last: bool
    calling_raw: str
    called_raw: str
    answer: datetime | None
    end: datetime
    duration_ms: int
    pdd_ms: int | None
    trunk_in: str | None
    trunk_out: str | None
    source_ip: str | None
    account_code: str | None
    sip_user: str | None
    legs: str | None
    rules: list[str] = Field(description="Traffic rules that fitted.")
    prices_version: str | None
    sell: RecordSideDetail | None
    buy: RecordSideDetail | None


class ExplainedOrigin(Schema):
    """Where a record came from."""

    file: str
    line: int
    batch: UUID
    intake: str
    received_at: datetime
    rated_at: datetime | None
    posted_at: datetime | None
    raw: str | None = Field(description="The line as it stood in the file, of a reject.")


class RecordExplanation(Schema):
    """Why a record costs what it costs (docs/guide/explain-a-charge.md says what each part means). Money is decimal text.

    The amounts are computed again: `agrees` says whether they are what is stored, null of a reject, of which nothing is.
    """

    kind: SegmentKind = Field(description="rated; reject where the record has become one.")
    key: str | None
    switch: str
    came_in: ExplainedOrigin
    fields: dict[str, Any]
    reject: dict[str, Any] | None
    prices: dict[str, Any]
    rerating: dict[str, Any] | None
    rules: dict[str, Any]
    sides: dict[str, Any]
    agrees: bool | None


# `from` is a word of Python, so the class is made by a call.
_ASKED: Final[dict[str, Any]] = {
    "number": (
        str | None,
        Field(default=None, max_length=80, description="Calling or called number; its beginning with a star: 2547*."),
    ),
    "account_id": (Id | None, Field(default=None, description="Account on either side, or on `side`.")),
    "side": (Side | None, Field(default=None, description="Side on which the account is.")),
    "from": (Instant | None, Field(default=None, description="Only what starts then or later.")),
    "to": (Instant | None, Field(default=None, description="Only what starts before.")),
    "switch": (str | None, Field(default=None, max_length=60, description="Name of the switch.")),
    "cause": (int | None, Field(default=None, ge=0, le=32767, description="Q.850.")),
    "sip_code": (int | None, Field(default=None, ge=0, le=32767)),
    "as_of": (Instant | None, Field(default=None, description="Records as they counted at this instant.")),
    "limit": (int, Field(default=listing.LIMIT, ge=1, le=listing.LIMIT_MAX)),
    "cursor": (str | None, Field(default=None, description="`next_cursor` of the page before.")),
    "fields": (str | None, Field(default=None, description="Only these fields, with commas.")),
}
RecordsAsked: Any = create_model("RecordsAsked", __base__=Body, __doc__="Which records are searched.", **_ASKED)


@router.get("", auth=ApiKey(Permission.RECORDS_READ), response=answers(page_of(RecordShown), 404))
def list_records(request: HttpRequest, asked: Query[RecordsAsked]) -> JsonResponse:
    """Search rated records, the newest first. A whole number is found at once, whatever is stored."""
    listing.refuse_unknown(request, RecordsAsked.model_fields)
    fields = listing.read_fields(asked.fields, RecordShown)
    bound = listing.binding(request.path, "", request.GET.dict())
    after = listing.read_cursor(asked.cursor, bound)
    found = search_records(
        number=asked.number,
        account_id=access_account(asked.account_id).pk if asked.account_id else None,
        side=asked.side or "",
        start_from=getattr(asked, "from") or EPOCH,
        start_to=asked.to,
        switch_id=access_switch(asked.switch).pk if asked.switch else None,
        cause=asked.cause,
        sip_code=asked.sip_code,
        after=Place(*after) if after else None,
        limit=asked.limit,
        columns=COLUMNS,
        as_of=asked.as_of,
        limits=WEB,
    )
    names = named(found.records)
    shown = (
        RecordShown(**_common(each, names), sell=_side(each, "sell", names), buy=_side(each, "buy", names))
        for each in found.records
    )
    place = found.last
    cursor = (
        None if place is None else listing.make_cursor(bound, [place.start, place.newest, place.segment, place.row])
    )
    return listing.page(request, shown, fields=fields, next_cursor=cursor)


@router.get("/{record_id}", auth=ApiKey(Permission.RECORDS_READ), response=answers(RecordDetail, 404, 409))
def get_record(request: HttpRequest, record_id: RecordId, as_of: Instant | None = None) -> Any:
    """All that is kept of a record; with `as_of`, as it counted at that instant."""
    return _detail(locate.access_record_by_id(record_id, as_of=as_of).record)


@router.get(
    "/{record_id}/explanation",
    auth=ApiKey(Permission.RECORDS_READ),
    response=answers(RecordExplanation, 404, 409),
)
def get_record_explanation(request: HttpRequest, record_id: RecordId, as_of: Instant | None = None) -> Any:
    """Why a record costs what it costs: whose it was told to be, which rates were looked at, how the amount is made up, where it is booked."""
    found = explain_record(locate.access_record_by_id(record_id, as_of=as_of, has_rejects=True))
    return as_json(found, find_billing(found.rollup_ids))


_SHOWN: Final = ("key", "start", "calling", "called", "service", "quantity", "cause", "sip_code")
_DETAIL: Final = (
    "line", "call_id", "attempt", "is_last", "calling_raw", "called_raw", "answer", "end", "duration_ms", "pdd_ms", "trunk_in", "trunk_out",
    "source_ip", "account_code", "sip_user", "legs",
)  # fmt: skip


def _common(record: Record, names: Named) -> dict[str, Any]:
    batch = names.batches[record["batch_id"]]
    return {name: record[name] for name in _SHOWN} | {
        "id": locate.record_id(batch.switch_id, record),
        "switch": batch.switch.name,
        "batch_id": batch.public_id,
    }


def _detail(record: Record) -> RecordDetail:
    names = named([record])
    kept: dict[str, Any] = {name: record.get(name) for name in _DETAIL}
    return RecordDetail(
        **_common(record, names),
        **kept,
        rules=_words(record.get("rules")),
        prices_version=record["snapshot_version"],
        sell=_side_detail(record, "sell", names),
        buy=_side_detail(record, "buy", names),
    )


def _side(record: Record, side: str, names: Named) -> RecordSide | None:
    account = names.accounts.get(record[f"{side}_account_id"])
    return None if account is None else RecordSide(**_side_of(record, side, names, account))


def _side_detail(record: Record, side: str, names: Named) -> RecordSideDetail | None:
    account = names.accounts.get(record[f"{side}_account_id"])
    if account is None:
        return None
    said = {name.removeprefix(f"{side}_"): value for name, value in record.items()}
    tariff = names.tariffs.get(said["tariff_id"])
    return RecordSideDetail(
        **_side_of(record, side, names, account),
        is_charged=said["state"] == 1,
        tariff_id=None if tariff is None else tariff.public_id,
        tariff=None if tariff is None else tariff.name,
        **{name: said[name] for name in ("rate_id", "code", "billed", "tariff_currency", "exchange_rate")},
        tariff_amount=_money(said["tariff_amount"]),
        exchange_rate_on=said["rate_date"],
        base_amount=_money(said["base_amount"]),
        day=said["local_day"],
        number=said.get("number") or record["called"],
        tags=_words(said.get("tags")),
    )


def _side_of(record: Record, side: str, names: Named, account: Account) -> dict[str, Any]:
    destination = names.destinations.get(record.get(f"{side}_destination_id") or 0)
    return {
        "account_id": account.public_id,
        "account": account.code,
        "destination": None if destination is None else destination.name,
        "amount": _money(record[f"{side}_amount"]),
        "currency": record[f"{side}_currency"],
    }


def _money(value: Decimal | None) -> str | None:
    return None if value is None else str(Amount.from_decimal(value))


def _words(text: str | None) -> list[str]:
    return text.split(",") if text else []

"""A client of the REST API of Trunkline. Generated from docs/api/openapi.json by `bin/write-api`; do not edit.

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


Acceptance = TypedDict("Acceptance", {"keys": "NotRequired[list[str]]"})


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


AccountStatementAsked = TypedDict(
    "AccountStatementAsked",
    {
        "books": "NotRequired[Literal['invoiced', 'unbilled', 'all']]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "limit": "NotRequired[int]",
        "cursor": "NotRequired[str | None]",
    },
)


AccountStatementShown = TypedDict(
    "AccountStatementShown",
    {
        "account_id": "str",
        "account": "str",
        "currency": "str",
        "books": "Books",
        "from": "str | None",
        "to": "str | None",
        "opening": "str",
        "closing": "str",
        "data": "list[StatementLineShown]",
        "has_more": "bool",
        "next_cursor": "str | None",
    },
)


AccountStatus = Literal["active", "suspended", "closed"]


AccountType = Literal["asset", "liability", "income", "expense"]


AfterSuccess = Literal["leave", "archive", "delete"]


AgreementChange = TypedDict(
    "AgreementChange",
    {
        "counting": "NotRequired[CountingChoice | None]",
        "timezone": "NotRequired[str | None]",
        "hour": "NotRequired[int | None]",
        "is_business": "NotRequired[bool | None]",
        "holidays": "NotRequired[list[str] | None]",
        "cut_off": "NotRequired[str | None]",
        "on_breach": "NotRequired[OnBreachChoice | None]",
        "days": "NotRequired[NoticeDays | None]",
    },
)


AgreementShown = TypedDict(
    "AgreementShown",
    {
        "name": "str",
        "counting": "NotRequired[CountingChoice]",
        "timezone": "NotRequired[str]",
        "hour": "NotRequired[int]",
        "is_business": "NotRequired[bool]",
        "holidays": "NotRequired[list[str]]",
        "cut_off": "NotRequired[str | None]",
        "on_breach": "NotRequired[OnBreachChoice]",
        "days": "NotRequired[NoticeDays]",
        "id": "int",
    },
)


AgreementShownRow = TypedDict(
    "AgreementShownRow",
    {
        "name": "NotRequired[str]",
        "counting": "NotRequired[CountingChoice]",
        "timezone": "NotRequired[str]",
        "hour": "NotRequired[int]",
        "is_business": "NotRequired[bool]",
        "holidays": "NotRequired[list[str]]",
        "cut_off": "NotRequired[str | None]",
        "on_breach": "NotRequired[OnBreachChoice]",
        "days": "NotRequired[NoticeDays]",
        "id": "NotRequired[int]",
    },
)


AlarmKind = Literal["stalled", "failing", "repeated", "refused"]


AlarmMailState = Literal["none", "waiting", "sending", "sent", "failed", "uncertain"]


AlarmShown = TypedDict(
    "AlarmShown",
    {
        "id": "int",
        "source_id": "str",
        "source": "str",
        "kind": "AlarmKind",
        "detail": "str",
        "count": "int",
        "raised_at": "str",
        "last_at": "str",
        "cleared_at": "str | None",
    },
)


AlarmShownRow = TypedDict(
    "AlarmShownRow",
    {
        "id": "NotRequired[int]",
        "source_id": "NotRequired[str]",
        "source": "NotRequired[str]",
        "kind": "NotRequired[AlarmKind]",
        "detail": "NotRequired[str]",
        "count": "NotRequired[int]",
        "raised_at": "NotRequired[str]",
        "last_at": "NotRequired[str]",
        "cleared_at": "NotRequired[str | None]",
    },
)


AnalysisAsked = TypedDict(
    "AnalysisAsked",
    {
        "tariff": "NotRequired[list[str]]",
        "vendor": "NotRequired[list[str]]",
        "customer": "NotRequired[list[str]]",
        "at": "NotRequired[str]",
        "service": "NotRequired[Literal['voice', 'sms', 'data', 'event']]",
        "currency": "NotRequired[str]",
        "call": "NotRequired[int | None]",
        "by": "NotRequired[Literal['code', 'destination']]",
        "form": "NotRequired[Literal['side', 'least']]",
        "positions": "NotRequired[int | None]",
        "against_tariff": "NotRequired[str]",
        "against_vendor": "NotRequired[str]",
        "against_customer": "NotRequired[str]",
        "against": "NotRequired[Literal['sell', 'buy']]",
        "below": "NotRequired[str]",
        "code": "NotRequired[str]",
        "destination": "NotRequired[str]",
        "country": "NotRequired[str]",
        "deck": "NotRequired[str]",
        "average": "NotRequired[Literal['codes', 'minutes']]",
        "minutes": "NotRequired[MinutesOf | None]",
        "days": "NotRequired[int | None]",
        "tag": "NotRequired[list[str]]",
        "offset": "NotRequired[int]",
        "limit": "NotRequired[int]",
        "format": "NotRequired[AnalysisFormat | None]",
    },
)


AnalysisFormat = Literal["json", "csv", "xlsx"]


AnalysisRow = TypedDict(
    "AnalysisRow",
    {
        "code": "NotRequired[str | None]",
        "destination": "str",
        "codes": "NotRequired[int | None]",
        "minutes": "NotRequired[str | None]",
        "master": "NotRequired[str | None]",
        "cells": "NotRequired[list[CellShown] | None]",
        "offers": "NotRequired[list[CellShown] | None]",
        "blocked": "NotRequired[list[str] | None]",
    },
)


AnalysisShown = TypedDict(
    "AnalysisShown",
    {
        "at": "str",
        "currency": "str",
        "unit": "str",
        "call": "int",
        "by": "By",
        "form": "Form",
        "lists": "list[str]",
        "master": "str | None",
        "rows": "int",
        "minutes_of_no_row": "NotRequired[str | None]",
        "offset": "int",
        "data": "list[AnalysisRow]",
    },
)


Application = TypedDict("Application", {"overrule": "NotRequired[list[str]]", "reason": "NotRequired[str]"})


AssignmentChanged = TypedDict(
    "AssignmentChanged",
    {
        "id": "int",
        "account_id": "str",
        "tariff_id": "str",
        "tariff": "str",
        "side": "Side",
        "service": "Service",
        "position": "int",
        "valid_from": "str | None",
        "valid_to": "str | None",
        "proposals": "list[ProposedRerating]",
    },
)


AssignmentEnding = TypedDict("AssignmentEnding", {"valid_to": "str"})


AssignmentShownRow = TypedDict(
    "AssignmentShownRow",
    {
        "id": "NotRequired[int]",
        "account_id": "NotRequired[str]",
        "tariff_id": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "side": "NotRequired[Side]",
        "service": "NotRequired[Service]",
        "position": "NotRequired[int]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
    },
)


AttachedFormat = Literal["xlsx", "csv"]


Average = Literal["codes", "minutes"]


BatchCounts = TypedDict(
    "BatchCounts",
    {
        "rows_in": "int",
        "rated": "int",
        "rejected": "int",
        "duplicates": "int",
        "waiting": "int",
        "joined": "int",
        "skipped": "int",
        "changed": "int",
    },
)


BatchFailure = TypedDict("BatchFailure", {"code": "str", "detail": "str"})


BatchProgress = TypedDict("BatchProgress", {"unit": "Literal['octets', 'records']", "done": "int", "total": "int"})


BatchShown = TypedDict(
    "BatchShown",
    {
        "id": "str",
        "switch_id": "str",
        "switch": "str",
        "intake": "Intake",
        "name": "str",
        "state": "BatchState",
        "progress": "BatchProgress",
        "counts": "BatchCounts",
        "reject_reasons": "dict[str, int]",
        "failure": "BatchFailure | None",
        "remark": "str",
        "attempt": "int",
        "min_start": "str | None",
        "max_start": "str | None",
        "resends_id": "str | None",
        "received_at": "str",
        "started_at": "str | None",
        "finished_at": "str | None",
    },
)


BatchShownRow = TypedDict(
    "BatchShownRow",
    {
        "id": "NotRequired[str]",
        "switch_id": "NotRequired[str]",
        "switch": "NotRequired[str]",
        "intake": "NotRequired[Intake]",
        "name": "NotRequired[str]",
        "state": "NotRequired[BatchState]",
        "progress": "NotRequired[BatchProgress]",
        "counts": "NotRequired[BatchCounts]",
        "reject_reasons": "NotRequired[dict[str, int]]",
        "failure": "NotRequired[BatchFailure | None]",
        "remark": "NotRequired[str]",
        "attempt": "NotRequired[int]",
        "min_start": "NotRequired[str | None]",
        "max_start": "NotRequired[str | None]",
        "resends_id": "NotRequired[str | None]",
        "received_at": "NotRequired[str]",
        "started_at": "NotRequired[str | None]",
        "finished_at": "NotRequired[str | None]",
    },
)


BatchState = Literal["registered", "running", "posted", "failed"]


Because = TypedDict("Because", {"reason": "str"})


BillOutcome = Literal["waiting", "issued", "unchanged", "nothing", "refused"]


BillRunFailure = TypedDict("BillRunFailure", {"code": "str", "detail": "str"})


BillRunOrder = TypedDict(
    "BillRunOrder",
    {
        "period": "NotRequired[str | None]",
        "period_from": "NotRequired[str | None]",
        "period_to": "NotRequired[str | None]",
        "account_ids": "NotRequired[list[str] | None]",
        "issued_on": "NotRequired[str | None]",
        "early": "NotRequired[bool]",
    },
)


BillRunOutcomeRow = TypedDict(
    "BillRunOutcomeRow",
    {
        "account_id": "NotRequired[str]",
        "account": "NotRequired[str]",
        "outcome": "NotRequired[BillOutcome]",
        "invoice_id": "NotRequired[str | None]",
        "number": "NotRequired[str | None]",
        "reason": "NotRequired[str | None]",
        "detail": "NotRequired[str | None]",
    },
)


BillRunProgress = TypedDict(
    "BillRunProgress",
    {"accounts": "int", "done": "int", "issued": "int", "unchanged": "int", "nothing": "int", "refused": "int"},
)


BillRunShown = TypedDict(
    "BillRunShown",
    {
        "id": "str",
        "state": "BillRunState",
        "period_from": "str",
        "period_to": "str",
        "issued_on": "str | None",
        "early": "bool",
        "all_accounts": "bool",
        "progress": "BillRunProgress",
        "failure": "BillRunFailure | None",
        "asked_by": "str",
        "asked_at": "str",
        "started_at": "str | None",
        "finished_at": "str | None",
    },
)


BillRunShownRow = TypedDict(
    "BillRunShownRow",
    {
        "id": "NotRequired[str]",
        "state": "NotRequired[BillRunState]",
        "period_from": "NotRequired[str]",
        "period_to": "NotRequired[str]",
        "issued_on": "NotRequired[str | None]",
        "early": "NotRequired[bool]",
        "all_accounts": "NotRequired[bool]",
        "progress": "NotRequired[BillRunProgress]",
        "failure": "NotRequired[BillRunFailure | None]",
        "asked_by": "NotRequired[str]",
        "asked_at": "NotRequired[str]",
        "started_at": "NotRequired[str | None]",
        "finished_at": "NotRequired[str | None]",
    },
)


BillRunState = Literal["queued", "running", "done", "failed"]


BilledPeriod = TypedDict(
    "BilledPeriod",
    {
        "period": "NotRequired[str | None]",
        "period_from": "NotRequired[str | None]",
        "period_to": "NotRequired[str | None]",
        "account_id": "str",
    },
)


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


Books = Literal["invoiced", "unbilled", "all"]


By = Literal["code", "destination"]


CellShown = TypedDict(
    "CellShown",
    {
        "list": "str",
        "state": "str",
        "position": "NotRequired[int | None]",
        "price": "NotRequired[str | None]",
        "simulated": "NotRequired[bool | None]",
        "code": "NotRequired[str | None]",
        "increments": "NotRequired[str | None]",
        "least": "NotRequired[str | None]",
        "greatest": "NotRequired[str | None]",
        "margin": "NotRequired[str | None]",
        "margin_percent": "NotRequired[str | None]",
    },
)


ChangeShown = TypedDict(
    "ChangeShown",
    {
        "id": "str",
        "deck_id": "int",
        "deck": "str",
        "source": "DeckSource",
        "file_name": "str",
        "mode": "DeckMode",
        "state": "ImportState",
        "counts": "dict[str, int]",
        "doubts": "list[str]",
        "reason": "str",
        "created_at": "str",
        "applied_at": "str | None",
        "ended_at": "str | None",
        "work": "WorkShown | None",
        "problem": "WorkProblem | None",
    },
)


ChangeShownRow = TypedDict(
    "ChangeShownRow",
    {
        "id": "NotRequired[str]",
        "deck_id": "NotRequired[int]",
        "deck": "NotRequired[str]",
        "source": "NotRequired[DeckSource]",
        "file_name": "NotRequired[str]",
        "mode": "NotRequired[DeckMode]",
        "state": "NotRequired[ImportState]",
        "counts": "NotRequired[dict[str, int]]",
        "doubts": "NotRequired[list[str]]",
        "reason": "NotRequired[str]",
        "created_at": "NotRequired[str]",
        "applied_at": "NotRequired[str | None]",
        "ended_at": "NotRequired[str | None]",
        "work": "NotRequired[WorkShown | None]",
        "problem": "NotRequired[WorkProblem | None]",
    },
)


ChangedPrice = TypedDict(
    "ChangedPrice",
    {
        "how": "PriceHow",
        "amount": "str",
        "decimals": "NotRequired[int]",
        "rounding": "NotRequired[Literal['half_up', 'half_even', 'up', 'down']]",
    },
)


ChangedRates = TypedDict(
    "ChangedRates",
    {
        "price": "NotRequired[ChangedPrice | None]",
        "increments": "NotRequired[str | None]",
        "blocked": "NotRequired[bool | None]",
        "begins_at": "NotRequired[str | None]",
        "ends_at": "NotRequired[str | None]",
    },
)


ChosenRates = TypedDict(
    "ChosenRates",
    {
        "state": "NotRequired[Standing]",
        "at": "NotRequired[str | None]",
        "code": "NotRequired[str]",
        "destination": "NotRequired[str]",
        "kind": "NotRequired[RateKind]",
        "rates": "NotRequired[list[int] | None]",
    },
)


ClosedCodeRow = TypedDict(
    "ClosedCodeRow",
    {
        "code": "NotRequired[str]",
        "origin": "NotRequired[str]",
        "destination": "NotRequired[str]",
        "price": "NotRequired[str]",
        "closes": "NotRequired[str]",
        "falls_to": "NotRequired[str]",
    },
)


Closing = TypedDict("Closing", {"closed_on": "str"})


CodeForm = Literal["plain", "plus", "zeros"]


CodeShownRow = TypedDict(
    "CodeShownRow",
    {
        "id": "NotRequired[int]",
        "deck_id": "NotRequired[int]",
        "code": "NotRequired[str]",
        "destination": "NotRequired[str]",
        "country": "NotRequired[str]",
        "kind": "NotRequired[DestinationKind]",
    },
)


CodeToName = TypedDict("CodeToName", {"code": "str", "destination": "str | None"})


CodesToName = TypedDict("CodesToName", {"codes": "list[CodeToName]", "reason": "str"})


Column = Literal[
    "code",
    "destination",
    "effective",
    "rate",
    "minimum",
    "interval",
    "increments",
    "grace",
    "setup",
    "profile",
    "origin",
    "end",
    "previous",
    "difference",
    "status",
    "currency",
]


ComparedLine = TypedDict(
    "ComparedLine",
    {
        "sheet": "str",
        "line": "int",
        "kind": "str",
        "code": "str",
        "before": "str | None",
        "name": "str",
        "written": "str",
    },
)


ComparedLines = TypedDict("ComparedLines", {"data": "list[ComparedLine]", "unreadable": "list[UnreadableRow]"})


ComparedSums = TypedDict(
    "ComparedSums", {"terms": "str", "calls": "int", "used": "int", "billed": "int", "exact": "str"}
)


ContactRole = Literal["billing", "technical", "rates", "disputes", "general"]


ContactShown = TypedDict(
    "ContactShown",
    {
        "name": "str",
        "role": "NotRequired[ContactRole]",
        "email": "NotRequired[str]",
        "phone": "NotRequired[str]",
        "note": "NotRequired[str]",
        "id": "int",
    },
)


ContactShownRow = TypedDict(
    "ContactShownRow",
    {
        "name": "NotRequired[str]",
        "role": "NotRequired[ContactRole]",
        "email": "NotRequired[str]",
        "phone": "NotRequired[str]",
        "note": "NotRequired[str]",
        "id": "NotRequired[int]",
    },
)


CountingChoice = Literal["midnight", "notification", "hour", "hours"]


DateForm = Literal["YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-Mon-YYYY", "YYYYMMDD"]


DealAlarmShownRow = TypedDict(
    "DealAlarmShownRow",
    {
        "id": "NotRequired[int]",
        "kind": "NotRequired[AlarmKind]",
        "period_from": "NotRequired[str]",
        "detail": "NotRequired[str]",
        "raised_at": "NotRequired[str]",
        "cleared_at": "NotRequired[str | None]",
        "mail": "NotRequired[AlarmMailState]",
        "mail_detail": "NotRequired[str]",
    },
)


DealChange = TypedDict(
    "DealChange",
    {
        "name": "NotRequired[str | None]",
        "currency": "NotRequired[str | None]",
        "starts_on": "NotRequired[str | None]",
        "length": "NotRequired[int | None]",
        "unit": "NotRequired[Length | None]",
        "repeats": "NotRequired[int | None]",
        "alert_below": "NotRequired[int | None]",
        "recipients": "NotRequired[list[str] | None]",
        "note": "NotRequired[str | None]",
        "items": "NotRequired[list[ItemAsked] | None]",
        "is_archived": "NotRequired[bool | None]",
    },
)


DealPeriods = TypedDict("DealPeriods", {"data": "list[PeriodShown]"})


DealShown = TypedDict(
    "DealShown",
    {
        "id": "str",
        "name": "str",
        "account": "str",
        "currency": "str",
        "starts_on": "str",
        "length": "int",
        "unit": "Length",
        "repeats": "int",
        "alert_below": "int",
        "recipients": "list[str]",
        "note": "str",
        "archived_at": "str | None",
        "status": "Status",
        "periods": "int",
        "period": "PeriodShown",
    },
)


DealShownRow = TypedDict(
    "DealShownRow",
    {
        "id": "NotRequired[str]",
        "name": "NotRequired[str]",
        "account": "NotRequired[str]",
        "currency": "NotRequired[str]",
        "starts_on": "NotRequired[str]",
        "length": "NotRequired[int]",
        "unit": "NotRequired[Length]",
        "repeats": "NotRequired[int]",
        "alert_below": "NotRequired[int]",
        "recipients": "NotRequired[list[str]]",
        "note": "NotRequired[str]",
        "archived_at": "NotRequired[str | None]",
        "status": "NotRequired[Status]",
        "periods": "NotRequired[int]",
        "period": "NotRequired[PeriodShown]",
    },
)


DeckMode = Literal["add", "update"]


DeckShown = TypedDict("DeckShown", {"id": "int", "name": "str", "is_default": "bool"})


DeckShownRow = TypedDict(
    "DeckShownRow", {"id": "NotRequired[int]", "name": "NotRequired[str]", "is_default": "NotRequired[bool]"}
)


DeckSource = Literal["sheet", "hand", "world"]


DeckToChange = TypedDict("DeckToChange", {"name": "NotRequired[str | None]", "is_default": "NotRequired[bool | None]"})


DeliveryShown = TypedDict(
    "DeliveryShown",
    {
        "id": "int",
        "report": "str",
        "due_at": "str",
        "is_planned": "bool",
        "state": "DeliveryState",
        "format": "AttachedFormat",
        "recipients": "list[str]",
        "attempts": "int",
        "rows": "int | None",
        "octets": "int | None",
        "failure": "str",
        "failure_detail": "str",
        "sent_at": "str | None",
    },
)


DeliveryShownRow = TypedDict(
    "DeliveryShownRow",
    {
        "id": "NotRequired[int]",
        "report": "NotRequired[str]",
        "due_at": "NotRequired[str]",
        "is_planned": "NotRequired[bool]",
        "state": "NotRequired[DeliveryState]",
        "format": "NotRequired[AttachedFormat]",
        "recipients": "NotRequired[list[str]]",
        "attempts": "NotRequired[int]",
        "rows": "NotRequired[int | None]",
        "octets": "NotRequired[int | None]",
        "failure": "NotRequired[str]",
        "failure_detail": "NotRequired[str]",
        "sent_at": "NotRequired[str | None]",
    },
)


DeliveryState = Literal["waiting", "sending", "sent", "failed", "uncertain"]


Depth = Literal["countries", "mobiles"]


DestinationKind = Literal["fixed", "mobile", "special", "toll_free", "other"]


Direction = Literal["inbound", "outbound"]


EffectiveRate = TypedDict(
    "EffectiveRate",
    {"base": "str", "quote": "str", "on": "str", "rate": "str", "rate_exact": "str", "published_on": "str"},
)


Ending = TypedDict("Ending", {"valid_to": "str"})


EntryKind = Literal[
    "usage_sell",
    "usage_buy",
    "usage_wallet",
    "invoice",
    "invoice_void",
    "vendor_bill",
    "payment",
    "payout",
    "netting",
    "exchange",
    "write_off",
    "adjustment",
    "reversal",
]


EntryShown = TypedDict(
    "EntryShown",
    {
        "id": "int",
        "key": "str",
        "kind": "EntryKind",
        "booked_on": "str",
        "created_at": "str",
        "actor": "str",
        "reference": "str",
        "reverses_id": "int | None",
        "settles_id": "int | None",
        "is_pending": "bool",
        "expires_at": "str | None",
        "postings": "list[PostingShown]",
    },
)


EntryShownRow = TypedDict(
    "EntryShownRow",
    {
        "id": "NotRequired[int]",
        "key": "NotRequired[str]",
        "kind": "NotRequired[EntryKind]",
        "booked_on": "NotRequired[str]",
        "created_at": "NotRequired[str]",
        "actor": "NotRequired[str]",
        "reference": "NotRequired[str]",
        "reverses_id": "NotRequired[int | None]",
        "settles_id": "NotRequired[int | None]",
        "is_pending": "NotRequired[bool]",
        "expires_at": "NotRequired[str | None]",
        "postings": "NotRequired[list[PostingShown]]",
    },
)


Every = Literal["day", "week", "month"]


ExchangeRateShownRow = TypedDict(
    "ExchangeRateShownRow",
    {
        "id": "NotRequired[int]",
        "base": "NotRequired[str]",
        "quote": "NotRequired[str]",
        "on": "NotRequired[str]",
        "rate": "NotRequired[str]",
        "source": "NotRequired[str]",
    },
)


ExchangeRateStated = TypedDict(
    "ExchangeRateStated",
    {
        "id": "int",
        "base": "str",
        "quote": "str",
        "on": "str",
        "rate": "str",
        "source": "str",
        "proposals": "list[ProposedRerating]",
    },
)


ExplainedOrigin = TypedDict(
    "ExplainedOrigin",
    {
        "file": "str",
        "line": "int",
        "batch": "str",
        "intake": "str",
        "received_at": "str",
        "rated_at": "str | None",
        "posted_at": "str | None",
        "raw": "str | None",
    },
)


ExportFormat = Literal["csv", "xlsx"]


FeedShown = TypedDict(
    "FeedShown",
    {
        "next_at": "str",
        "looked_at": "str | None",
        "succeeded_at": "str | None",
        "new_at": "str | None",
        "failures": "int",
        "failure": "str",
        "failure_detail": "str",
    },
)


FieldProblem = TypedDict("FieldProblem", {"pointer": "str", "code": "str", "detail": "str"})


FileKind = Literal["xlsx", "csv"]


Fingerprint = TypedDict("Fingerprint", {"pin": "str", "trusted": "str", "is_trusted": "bool"})


Form = Literal["side", "least"]


FormatShown = TypedDict(
    "FormatShown", {"name": "str", "title": "str", "version": "int", "has_header": "bool", "is_mapping": "bool"}
)


Formats = TypedDict("Formats", {"data": "list[FormatShown]"})


GeneratedCode = TypedDict(
    "GeneratedCode",
    {
        "code": "str",
        "destination": "str",
        "became": "Literal['priced', 'blocked', 'left_out', 'kept', 'excluded', 'collapsed', 'other']",
        "kind": "str",
        "before": "str",
        "price": "str",
        "cost": "str",
        "margin": "str",
        "margin_percent": "str",
        "offers": "int",
        "cheapest": "str",
        "held_by": "Literal['', 'floor', 'maximum']",
        "is_below_cost": "bool",
        "units": "int",
        "begins": "str",
    },
)


GeneratedCodes = TypedDict("GeneratedCodes", {"codes": "list[GeneratedCode]", "next_offset": "int | None"})


GeneratorChange = TypedDict(
    "GeneratorChange",
    {
        "name": "NotRequired[str | None]",
        "tariff_id": "NotRequired[str | None]",
        "deck": "NotRequired[str | None]",
        "source_ids": "NotRequired[list[str] | None]",
        "agreement": "NotRequired[str | None]",
        "settings": "NotRequired[dict[str, Any] | None]",
    },
)


GeneratorShown = TypedDict(
    "GeneratorShown",
    {
        "id": "str",
        "name": "str",
        "tariff_id": "str",
        "tariff": "str",
        "deck": "str",
        "source_ids": "list[str]",
        "sources": "list[str]",
        "agreement": "str | None",
        "settings": "dict[str, Any]",
    },
)


GeneratorShownRow = TypedDict(
    "GeneratorShownRow",
    {
        "id": "NotRequired[str]",
        "name": "NotRequired[str]",
        "tariff_id": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "deck": "NotRequired[str]",
        "source_ids": "NotRequired[list[str]]",
        "sources": "NotRequired[list[str]]",
        "agreement": "NotRequired[str | None]",
        "settings": "NotRequired[dict[str, Any]]",
    },
)


GroupChange = TypedDict(
    "GroupChange",
    {
        "name": "NotRequired[str | None]",
        "note": "NotRequired[str | None]",
        "destinations": "NotRequired[list[str] | None]",
    },
)


GroupShownRow = TypedDict(
    "GroupShownRow", {"id": "NotRequired[int]", "name": "NotRequired[str]", "note": "NotRequired[str]"}
)


GroupWithMembers = TypedDict(
    "GroupWithMembers", {"id": "int", "name": "str", "note": "str", "destinations": "list[str]"}
)


GroupsAsked = TypedDict(
    "GroupsAsked",
    {
        "reason": "NotRequired[Reason | None]",
        "batch_id": "NotRequired[str | None]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "digits": "NotRequired[int]",
    },
)


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


ImportState = Literal["received", "read", "compared", "applied", "undone", "discarded"]


ImportWork = Literal["", "reading", "comparing", "applying", "undoing"]


Intake = Literal["command", "upload", "folder", "resend", "rerate", "legs", "source"]


InvoiceKind = Literal["invoice", "credit_note"]


InvoiceLineShown = TypedDict(
    "InvoiceLineShown",
    {
        "number": "int",
        "kind": "LineKind",
        "service": "str",
        "unit": "Unit",
        "destination": "str",
        "terms": "str",
        "attempts": "int",
        "calls": "int",
        "used": "int",
        "billed": "int",
        "exact": "str",
        "amount": "str",
        "period_from": "str",
        "period_to": "str",
        "corrects": "str | None",
        "tax_percent": "str | None",
        "before": "ComparedSums | None",
        "after": "ComparedSums | None",
    },
)


InvoiceOrder = TypedDict(
    "InvoiceOrder",
    {
        "period": "NotRequired[str | None]",
        "period_from": "NotRequired[str | None]",
        "period_to": "NotRequired[str | None]",
        "account_id": "str",
        "issued_on": "NotRequired[str | None]",
        "early": "NotRequired[bool]",
    },
)


InvoicePreview = TypedDict(
    "InvoicePreview",
    {
        "account_id": "str",
        "account": "str",
        "kind": "InvoiceKind",
        "period_from": "str",
        "period_to": "str",
        "timezone": "str",
        "language": "str",
        "currency": "str",
        "exact": "str",
        "rounding": "str",
        "net": "str",
        "tax": "str",
        "total": "str",
        "tax_name": "str",
        "tax_percent": "str",
        "corrects": "list[str]",
        "lines": "list[InvoiceLineShown]",
    },
)


InvoiceShown = TypedDict(
    "InvoiceShown",
    {
        "account_id": "str",
        "account": "str",
        "kind": "InvoiceKind",
        "period_from": "str",
        "period_to": "str",
        "timezone": "str",
        "language": "str",
        "currency": "str",
        "exact": "str",
        "rounding": "str",
        "net": "str",
        "tax": "str",
        "total": "str",
        "tax_name": "str",
        "tax_percent": "str",
        "id": "str",
        "number": "str",
        "state": "InvoiceState",
        "issued_at": "str",
        "issued_on": "str",
        "due_on": "str",
        "records": "int",
        "voided_at": "str | None",
        "void_reason": "str",
    },
)


InvoiceShownRow = TypedDict(
    "InvoiceShownRow",
    {
        "account_id": "NotRequired[str]",
        "account": "NotRequired[str]",
        "kind": "NotRequired[InvoiceKind]",
        "period_from": "NotRequired[str]",
        "period_to": "NotRequired[str]",
        "timezone": "NotRequired[str]",
        "language": "NotRequired[str]",
        "currency": "NotRequired[str]",
        "exact": "NotRequired[str]",
        "rounding": "NotRequired[str]",
        "net": "NotRequired[str]",
        "tax": "NotRequired[str]",
        "total": "NotRequired[str]",
        "tax_name": "NotRequired[str]",
        "tax_percent": "NotRequired[str]",
        "id": "NotRequired[str]",
        "number": "NotRequired[str]",
        "state": "NotRequired[InvoiceState]",
        "issued_at": "NotRequired[str]",
        "issued_on": "NotRequired[str]",
        "due_on": "NotRequired[str]",
        "records": "NotRequired[int]",
        "voided_at": "NotRequired[str | None]",
        "void_reason": "NotRequired[str]",
    },
)


InvoiceState = Literal["issued", "void"]


InvoiceWhole = TypedDict(
    "InvoiceWhole",
    {
        "account_id": "str",
        "account": "str",
        "kind": "InvoiceKind",
        "period_from": "str",
        "period_to": "str",
        "timezone": "str",
        "language": "str",
        "currency": "str",
        "exact": "str",
        "rounding": "str",
        "net": "str",
        "tax": "str",
        "total": "str",
        "tax_name": "str",
        "tax_percent": "str",
        "id": "str",
        "number": "str",
        "state": "InvoiceState",
        "issued_at": "str",
        "issued_on": "str",
        "due_on": "str",
        "records": "int",
        "voided_at": "str | None",
        "void_reason": "str",
        "lines": "list[InvoiceLineShown]",
        "adjusted_by": "list[str]",
    },
)


ItemAsked = TypedDict(
    "ItemAsked",
    {
        "direction": "Direction",
        "minutes": "int",
        "price": "str",
        "beyond": "NotRequired[str | None]",
        "destinations": "NotRequired[list[str]]",
        "codes": "NotRequired[list[str]]",
    },
)


ItemProgress = TypedDict(
    "ItemProgress",
    {
        "id": "int",
        "direction": "Direction",
        "minutes": "int",
        "price": "str",
        "beyond": "str | None",
        "destinations": "list[str]",
        "codes": "list[str]",
        "used_minutes": "str",
        "percent": "int",
        "minutes_a_day": "str | None",
        "expected_minutes": "str",
        "expected_percent": "int",
        "reached_on": "str | None",
        "forecast_on": "str | None",
        "ordinary": "str | None",
        "by_deal": "str | None",
        "settlement": "str | None",
        "shortfall": "str",
    },
)


LedgerAccountShown = TypedDict(
    "LedgerAccountShown",
    {
        "id": "int",
        "code": "str",
        "name": "str",
        "type": "AccountType",
        "currency": "str",
        "opened_on": "str | None",
        "closed_on": "str | None",
        "balance": "str",
        "pending_debit": "str | None",
        "pending_credit": "str | None",
        "available": "str | None",
    },
)


LedgerAccountShownRow = TypedDict(
    "LedgerAccountShownRow",
    {
        "id": "NotRequired[int]",
        "code": "NotRequired[str]",
        "name": "NotRequired[str]",
        "type": "NotRequired[AccountType]",
        "currency": "NotRequired[str]",
        "opened_on": "NotRequired[str | None]",
        "closed_on": "NotRequired[str | None]",
        "balance": "NotRequired[str]",
        "pending_debit": "NotRequired[str | None]",
        "pending_credit": "NotRequired[str | None]",
        "available": "NotRequired[str | None]",
    },
)


Length = Literal["days", "months"]


Level = Literal["ignore", "warn", "stop"]


LineKind = Literal["usage", "late", "adjustment"]


LinesAsked = TypedDict(
    "LinesAsked",
    {
        "limit": "NotRequired[int]",
        "cursor": "NotRequired[str | None]",
        "fields": "NotRequired[str | None]",
        "kind": "NotRequired[str | None]",
        "code": "NotRequired[str]",
    },
)


LoadedExchangeRates = TypedDict(
    "LoadedExchangeRates",
    {"rates": "int", "added": "int", "replaced": "int", "skipped": "list[str]", "proposals": "list[ProposedRerating]"},
)


LoadedRates = TypedDict(
    "LoadedRates",
    {
        "lines": "int",
        "rates": "int",
        "closed": "int",
        "voided": "int",
        "revision": "int",
        "proposals": "list[ProposedRerating]",
    },
)


LoadedTrafficRules = TypedDict(
    "LoadedTrafficRules",
    {"added": "list[str]", "changed": "list[str]", "removed": "list[str]", "unchanged": "list[str]"},
)


LookFound = TypedDict(
    "LookFound",
    {
        "looked": "int",
        "changed": "int",
        "lost": "dict[str, int]",
        "segments": "int",
        "touched": "int",
        "seconds": "float",
        "accounts": "list[MovedMoney]",
        "invoices": "list[MovedInvoice]",
    },
)


LookShown = TypedDict(
    "LookShown",
    {
        "id": "str",
        "state": "Literal['waiting', 'running', 'done', 'failed']",
        "asked": "ReratingQuestion",
        "done": "int",
        "total": "int",
        "problem": "str",
        "found": "LookFound | None",
    },
)


MailReason = TypedDict("MailReason", {"reason": "NotRequired[str]"})


MailSheetShown = TypedDict(
    "MailSheetShown", {"name": "str", "state": "ReceivedMailState", "detail": "str", "sheet_id": "str | None"}
)


MailShown = TypedDict(
    "MailShown",
    {
        "id": "str",
        "mailbox_id": "str",
        "mailbox": "str",
        "message_id": "str",
        "sender": "str",
        "subject": "str",
        "received_at": "str",
        "effective_on": "str | None",
        "octets": "int",
        "files": "list[str]",
        "rule_id": "str | None",
        "rule": "str | None",
        "state": "ReceivedMailState",
        "wants_person": "bool",
        "detail": "str",
        "seen_at": "str",
        "settled_at": "str | None",
        "sheets": "list[MailSheetShown]",
    },
)


MailShownRow = TypedDict(
    "MailShownRow",
    {
        "id": "NotRequired[str]",
        "mailbox_id": "NotRequired[str]",
        "mailbox": "NotRequired[str]",
        "message_id": "NotRequired[str]",
        "sender": "NotRequired[str]",
        "subject": "NotRequired[str]",
        "received_at": "NotRequired[str]",
        "effective_on": "NotRequired[str | None]",
        "octets": "NotRequired[int]",
        "files": "NotRequired[list[str]]",
        "rule_id": "NotRequired[str | None]",
        "rule": "NotRequired[str | None]",
        "state": "NotRequired[ReceivedMailState]",
        "wants_person": "NotRequired[bool]",
        "detail": "NotRequired[str]",
        "seen_at": "NotRequired[str]",
        "settled_at": "NotRequired[str | None]",
        "sheets": "NotRequired[list[MailSheetShown]]",
    },
)


MailState = Literal["waiting", "sending", "sent", "failed", "uncertain"]


MailboxChange = TypedDict(
    "MailboxChange",
    {
        "host": "NotRequired[str | None]",
        "port": "NotRequired[int | None]",
        "login": "NotRequired[str | None]",
        "password": "NotRequired[str | None]",
        "pin": "NotRequired[str | None]",
        "folder": "NotRequired[str | None]",
        "every_min": "NotRequired[int | None]",
        "taken_from": "NotRequired[str | None]",
    },
)


MailboxFeedShown = TypedDict(
    "MailboxFeedShown",
    {
        "next_at": "str",
        "looked_at": "str | None",
        "succeeded_at": "str | None",
        "failures": "int",
        "failure": "str",
        "failure_detail": "str",
    },
)


MailboxShown = TypedDict(
    "MailboxShown",
    {
        "id": "str",
        "name": "str",
        "host": "str",
        "port": "int",
        "login": "str",
        "secrets_changed_at": "str | None",
        "pin": "str",
        "folder": "str",
        "every_min": "int",
        "taken_from": "str",
        "is_active": "bool",
        "feed": "MailboxFeedShown",
    },
)


MailboxShownRow = TypedDict(
    "MailboxShownRow",
    {
        "id": "NotRequired[str]",
        "name": "NotRequired[str]",
        "host": "NotRequired[str]",
        "port": "NotRequired[int]",
        "login": "NotRequired[str]",
        "secrets_changed_at": "NotRequired[str | None]",
        "pin": "NotRequired[str]",
        "folder": "NotRequired[str]",
        "every_min": "NotRequired[int]",
        "taken_from": "NotRequired[str]",
        "is_active": "NotRequired[bool]",
        "feed": "NotRequired[MailboxFeedShown]",
    },
)


MappingShown = TypedDict(
    "MappingShown",
    {
        "switch_id": "str",
        "switch": "str",
        "format": "str",
        "name": "str",
        "version": "int",
        "title": "str",
        "mapping": "dict[str, Any]",
    },
)


MappingShownRow = TypedDict(
    "MappingShownRow",
    {
        "switch_id": "NotRequired[str]",
        "switch": "NotRequired[str]",
        "format": "NotRequired[str]",
        "name": "NotRequired[str]",
        "version": "NotRequired[int]",
        "title": "NotRequired[str]",
        "mapping": "NotRequired[dict[str, Any]]",
    },
)


MinutesOf = Literal["customers", "vendors"]


Mode = Literal["changes", "all"]


Move = TypedDict("Move", {"account_id": "str", "moved_at": "str"})


MovedInvoice = TypedDict("MovedInvoice", {"invoice": "str", "account": "str", "currency": "str", "difference": "str"})


MovedMoney = TypedDict(
    "MovedMoney",
    {
        "side": "Side",
        "account": "str",
        "currency": "str",
        "records": "int",
        "before": "str",
        "after": "str",
        "difference": "str",
    },
)


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


NewAgreement = TypedDict(
    "NewAgreement",
    {
        "name": "str",
        "counting": "NotRequired[CountingChoice]",
        "timezone": "NotRequired[str]",
        "hour": "NotRequired[int]",
        "is_business": "NotRequired[bool]",
        "holidays": "NotRequired[list[str]]",
        "cut_off": "NotRequired[str | None]",
        "on_breach": "NotRequired[OnBreachChoice]",
        "days": "NotRequired[NoticeDays]",
    },
)


NewAssignment = TypedDict(
    "NewAssignment",
    {
        "tariff_id": "str",
        "side": "NotRequired[Side]",
        "service": "NotRequired[Service]",
        "position": "NotRequired[int | None]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
    },
)


NewContact = TypedDict(
    "NewContact",
    {
        "name": "str",
        "role": "NotRequired[ContactRole]",
        "email": "NotRequired[str]",
        "phone": "NotRequired[str]",
        "note": "NotRequired[str]",
    },
)


NewDeal = TypedDict(
    "NewDeal",
    {
        "name": "str",
        "account_id": "str",
        "currency": "NotRequired[str | None]",
        "starts_on": "str",
        "length": "NotRequired[int]",
        "unit": "NotRequired[Length]",
        "repeats": "NotRequired[int]",
        "alert_below": "NotRequired[int]",
        "recipients": "NotRequired[list[str]]",
        "note": "NotRequired[str]",
        "items": "NotRequired[list[ItemAsked]]",
    },
)


NewDeck = TypedDict("NewDeck", {"name": "str"})


NewExchangeRate = TypedDict("NewExchangeRate", {"base": "str", "quote": "str", "on": "str", "rate": "str"})


NewGenerator = TypedDict(
    "NewGenerator",
    {
        "name": "str",
        "tariff_id": "str",
        "deck": "str",
        "source_ids": "list[str]",
        "agreement": "NotRequired[str | None]",
        "settings": "NotRequired[dict[str, Any]]",
    },
)


NewGroup = TypedDict("NewGroup", {"name": "str", "note": "NotRequired[str]", "destinations": "NotRequired[list[str]]"})


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


NewMailbox = TypedDict(
    "NewMailbox",
    {
        "name": "str",
        "host": "str",
        "port": "NotRequired[int]",
        "login": "str",
        "password": "str",
        "pin": "NotRequired[str]",
        "folder": "NotRequired[str]",
        "every_min": "NotRequired[int]",
        "taken_from": "NotRequired[str | None]",
    },
)


NewRateEdit = TypedDict(
    "NewRateEdit",
    {
        "chosen": "NotRequired[ChosenRates]",
        "change": "ChangedRates",
        "agreement_id": "NotRequired[int | None]",
        "reason": "NotRequired[str]",
    },
)


NewRule = TypedDict(
    "NewRule",
    {
        "mailbox_id": "str",
        "name": "str",
        "position": "NotRequired[int | None]",
        "senders": "list[str]",
        "subject": "NotRequired[str]",
        "attachment": "NotRequired[str]",
        "action": "NotRequired[RuleAction]",
        "template_id": "NotRequired[int | None]",
        "applies_itself": "NotRequired[bool]",
        "limits": "NotRequired[RuleLimits]",
    },
)


NewRun = TypedDict("NewRun", {"effective_at": "NotRequired[str | None]", "prices_at": "NotRequired[str | None]"})


NewSavedReport = TypedDict(
    "NewSavedReport",
    {
        "name": "str",
        "report": "NotRequired[View]",
        "measure": "NotRequired[str]",
        "by": "NotRequired[str | None]",
        "period": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
        "compare": "NotRequired[str]",
        "as_of": "NotRequired[str]",
        "zone": "NotRequired[str]",
        "account": "NotRequired[str]",
        "vendor": "NotRequired[str]",
        "destination": "NotRequired[str]",
        "country": "NotRequired[str]",
        "group": "NotRequired[str]",
        "tag": "NotRequired[str]",
        "jurisdiction": "NotRequired[str]",
        "figures": "NotRequired[str]",
        "percentiles": "NotRequired[bool]",
        "sort": "NotRequired[str]",
    },
)


NewSource = TypedDict(
    "NewSource",
    {
        "name": "str",
        "switch": "str",
        "kind": "SourceKind",
        "host": "str",
        "port": "NotRequired[int | None]",
        "login": "str",
        "password": "NotRequired[str | None]",
        "private_key": "NotRequired[str | None]",
        "pin": "NotRequired[str]",
        "path": "NotRequired[str]",
        "pattern": "NotRequired[str]",
        "senders": "NotRequired[list[str]]",
        "every_min": "NotRequired[int | None]",
        "cron": "NotRequired[str]",
        "rest_s": "NotRequired[int]",
        "limit_octets": "NotRequired[int]",
        "after": "NotRequired[AfterSuccess]",
        "archive": "NotRequired[str]",
        "expected_min": "NotRequired[int | None]",
        "has_recurring_names": "NotRequired[bool]",
    },
)


NewSpecialRate = TypedDict(
    "NewSpecialRate",
    {
        "tariff_id": "str",
        "destination": "NotRequired[str | None]",
        "group_id": "NotRequired[int | None]",
        "deck_id": "NotRequired[int | None]",
        "price": "str",
        "per": "NotRequired[int | None]",
        "increments": "NotRequired[str]",
        "setup_fee": "NotRequired[str]",
        "grace": "NotRequired[int]",
        "valid_from": "str",
        "valid_to": "NotRequired[str | None]",
        "note": "NotRequired[str]",
    },
)


NewSwitch = TypedDict(
    "NewSwitch",
    {
        "name": "str",
        "format": "str",
        "timezone": "NotRequired[str]",
        "number_rules": "NotRequired[list[dict[str, Any]]]",
        "has_buy_side": "NotRequired[bool]",
        "max_duration_s": "NotRequired[int]",
        "future_limit_s": "NotRequired[int]",
        "duplicate_window_days": "NotRequired[int]",
        "options": "NotRequired[dict[str, Any]]",
    },
)


NewTariff = TypedDict(
    "NewTariff",
    {
        "name": "str",
        "currency": "NotRequired[str | None]",
        "timezone": "NotRequired[str | None]",
        "unit": "NotRequired[TariffUnit]",
        "origin_deck": "NotRequired[str | None]",
        "parent_id": "NotRequired[str | None]",
    },
)


NewTemplate = TypedDict(
    "NewTemplate",
    {
        "name": "str",
        "tariff_id": "str",
        "agreement_id": "NotRequired[int | None]",
        "scope": "NotRequired[ScopeChoice]",
        "layout": "NotRequired[dict[str, Any] | None]",
        "checks": "NotRequired[dict[str, Any]]",
    },
)


NewTimeProfile = TypedDict("NewTimeProfile", {"name": "str", "windows": "list[TimeWindow]"})


NewTrafficRule = TypedDict(
    "NewTrafficRule",
    {
        "name": "str",
        "stage": "Stage",
        "position": "NotRequired[int | None]",
        "side": "NotRequired[RuleSide]",
        "switch": "NotRequired[str | None]",
        "account_id": "NotRequired[str | None]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
        "conditions": "NotRequired[dict[str, list[str] | str]]",
        "actions": "NotRequired[str]",
        "then": "NotRequired[Then]",
        "note": "NotRequired[str]",
    },
)


NoticeBreach = TypedDict("NoticeBreach", {"count": "int", "first_allowed": "str"})


NoticeDays = TypedDict(
    "NoticeDays",
    {
        "new": "NotRequired[int]",
        "increase": "NotRequired[int]",
        "decrease": "NotRequired[int]",
        "increment": "NotRequired[int]",
        "closed": "NotRequired[int]",
        "blocked": "NotRequired[int]",
    },
)


NotificationColumn = TypedDict("NotificationColumn", {"column": "Column", "title": "NotRequired[str | None]"})


NotificationFindingShown = TypedDict(
    "NotificationFindingShown", {"check": "str", "level": "str", "lines": "int", "text": "str"}
)


NotificationLineShown = TypedDict(
    "NotificationLineShown",
    {
        "code": "str",
        "destination": "str | None",
        "effective": "str | None",
        "end": "str | None",
        "rate": "str | None",
        "minimum": "int | None",
        "interval": "int | None",
        "grace": "int | None",
        "setup": "str | None",
        "profile": "str | None",
        "previous": "str | None",
        "difference": "str | None",
        "status": "str",
        "allowed_from": "str | None",
    },
)


NotificationLines = TypedDict("NotificationLines", {"data": "list[NotificationLineShown]"})


NotificationMailShownRow = TypedDict(
    "NotificationMailShownRow",
    {
        "id": "NotRequired[int]",
        "address": "NotRequired[str]",
        "state": "NotRequired[MailState]",
        "attempts": "NotRequired[int]",
        "failure": "NotRequired[str | None]",
        "failure_detail": "NotRequired[str | None]",
        "sent_at": "NotRequired[str | None]",
    },
)


NotificationPlanFields = TypedDict(
    "NotificationPlanFields",
    {
        "template_id": "NotRequired[int | None]",
        "agreement": "NotRequired[str | None]",
        "mode": "NotRequired[Mode | None]",
        "recipients": "NotRequired[list[str] | None]",
        "language": "NotRequired[str | None]",
        "is_automatic": "NotRequired[bool | None]",
        "at_hour": "NotRequired[int | None]",
        "is_active": "NotRequired[bool | None]",
    },
)


NotificationPlanGiven = TypedDict(
    "NotificationPlanGiven",
    {
        "template_id": "int",
        "agreement": "NotRequired[str | None]",
        "mode": "NotRequired[Mode | None]",
        "recipients": "NotRequired[list[str] | None]",
        "language": "NotRequired[str | None]",
        "is_automatic": "NotRequired[bool | None]",
        "at_hour": "NotRequired[int | None]",
        "is_active": "NotRequired[bool | None]",
        "account_id": "str",
        "tariff_id": "str",
    },
)


NotificationPlanShown = TypedDict(
    "NotificationPlanShown",
    {
        "id": "str",
        "account_id": "str",
        "account": "str",
        "tariff_id": "str",
        "tariff": "str",
        "template_id": "int",
        "template": "str",
        "agreement": "str | None",
        "mode": "Mode",
        "recipients": "list[str]",
        "language": "str",
        "is_automatic": "bool",
        "at_hour": "int",
        "is_active": "bool",
    },
)


NotificationPlanShownRow = TypedDict(
    "NotificationPlanShownRow",
    {
        "id": "NotRequired[str]",
        "account_id": "NotRequired[str]",
        "account": "NotRequired[str]",
        "tariff_id": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "template_id": "NotRequired[int]",
        "template": "NotRequired[str]",
        "agreement": "NotRequired[str | None]",
        "mode": "NotRequired[Mode]",
        "recipients": "NotRequired[list[str]]",
        "language": "NotRequired[str]",
        "is_automatic": "NotRequired[bool]",
        "at_hour": "NotRequired[int]",
        "is_active": "NotRequired[bool]",
    },
)


NotificationPreparing = TypedDict("NotificationPreparing", {"mode": "NotRequired[Mode | None]"})


NotificationReason = TypedDict("NotificationReason", {"reason": "str"})


NotificationSending = TypedDict("NotificationSending", {"flag": "NotRequired[bool]", "reason": "NotRequired[str]"})


NotificationShown = TypedDict(
    "NotificationShown",
    {
        "id": "str",
        "plan_id": "str",
        "account": "str",
        "tariff": "str",
        "state": "NotificationState",
        "mode": "Mode",
        "revision": "int | None",
        "counts": "dict[str, int]",
        "rows": "int",
        "breaches": "int",
        "is_flagged": "bool",
        "findings": "list[NotificationFindingShown]",
        "first_effective": "str | None",
        "file_name": "str | None",
        "sha256": "str | None",
        "octets": "int",
        "made_at": "str",
        "notified_at": "str | None",
        "sent_at": "str | None",
        "reason": "str | None",
        "failure": "str | None",
    },
)


NotificationShownRow = TypedDict(
    "NotificationShownRow",
    {
        "id": "NotRequired[str]",
        "plan_id": "NotRequired[str]",
        "account": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "state": "NotRequired[NotificationState]",
        "mode": "NotRequired[Mode]",
        "revision": "NotRequired[int | None]",
        "counts": "NotRequired[dict[str, int]]",
        "rows": "NotRequired[int]",
        "breaches": "NotRequired[int]",
        "is_flagged": "NotRequired[bool]",
        "findings": "NotRequired[list[NotificationFindingShown]]",
        "first_effective": "NotRequired[str | None]",
        "file_name": "NotRequired[str | None]",
        "sha256": "NotRequired[str | None]",
        "octets": "NotRequired[int]",
        "made_at": "NotRequired[str]",
        "notified_at": "NotRequired[str | None]",
        "sent_at": "NotRequired[str | None]",
        "reason": "NotRequired[str | None]",
        "failure": "NotRequired[str | None]",
    },
)


NotificationState = Literal["preparing", "prepared", "sending", "sent", "failed", "discarded"]


NotificationTemplateFields = TypedDict(
    "NotificationTemplateFields",
    {
        "columns": "NotRequired[list[NotificationColumn] | None]",
        "kind": "NotRequired[FileKind | None]",
        "date_form": "NotRequired[DateForm | None]",
        "decimal_mark": "NotRequired[str | None]",
        "code_form": "NotRequired[CodeForm | None]",
        "title_rows": "NotRequired[list[str] | None]",
        "has_currency_row": "NotRequired[bool | None]",
    },
)


NotificationTemplateGiven = TypedDict(
    "NotificationTemplateGiven",
    {
        "columns": "NotRequired[list[NotificationColumn] | None]",
        "kind": "NotRequired[FileKind | None]",
        "date_form": "NotRequired[DateForm | None]",
        "decimal_mark": "NotRequired[str | None]",
        "code_form": "NotRequired[CodeForm | None]",
        "title_rows": "NotRequired[list[str] | None]",
        "has_currency_row": "NotRequired[bool | None]",
        "name": "str",
    },
)


NotificationTemplateShown = TypedDict(
    "NotificationTemplateShown",
    {
        "id": "int",
        "name": "str",
        "columns": "list[NotificationColumn]",
        "kind": "FileKind",
        "date_form": "DateForm",
        "decimal_mark": "str",
        "code_form": "CodeForm",
        "title_rows": "list[str]",
        "has_currency_row": "bool",
    },
)


NotificationTemplateShownRow = TypedDict(
    "NotificationTemplateShownRow",
    {
        "id": "NotRequired[int]",
        "name": "NotRequired[str]",
        "columns": "NotRequired[list[NotificationColumn]]",
        "kind": "NotRequired[FileKind]",
        "date_form": "NotRequired[DateForm]",
        "decimal_mark": "NotRequired[str]",
        "code_form": "NotRequired[CodeForm]",
        "title_rows": "NotRequired[list[str]]",
        "has_currency_row": "NotRequired[bool]",
    },
)


OnBreachChoice = Literal["push", "flag", "refuse"]


PageAccountShownRow = TypedDict(
    "PageAccountShownRow", {"data": "list[AccountShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageAgreementShownRow = TypedDict(
    "PageAgreementShownRow", {"data": "list[AgreementShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageAlarmShownRow = TypedDict(
    "PageAlarmShownRow", {"data": "list[AlarmShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageAssignmentShownRow = TypedDict(
    "PageAssignmentShownRow", {"data": "list[AssignmentShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageBatchShownRow = TypedDict(
    "PageBatchShownRow", {"data": "list[BatchShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageBillRunOutcomeRow = TypedDict(
    "PageBillRunOutcomeRow", {"data": "list[BillRunOutcomeRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageBillRunShownRow = TypedDict(
    "PageBillRunShownRow", {"data": "list[BillRunShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageChangeShownRow = TypedDict(
    "PageChangeShownRow", {"data": "list[ChangeShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageClosedCodeRow = TypedDict(
    "PageClosedCodeRow", {"data": "list[ClosedCodeRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageCodeShownRow = TypedDict(
    "PageCodeShownRow", {"data": "list[CodeShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageContactShownRow = TypedDict(
    "PageContactShownRow", {"data": "list[ContactShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageDealAlarmShownRow = TypedDict(
    "PageDealAlarmShownRow", {"data": "list[DealAlarmShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageDealShownRow = TypedDict(
    "PageDealShownRow", {"data": "list[DealShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageDeckShownRow = TypedDict(
    "PageDeckShownRow", {"data": "list[DeckShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageDeliveryShownRow = TypedDict(
    "PageDeliveryShownRow", {"data": "list[DeliveryShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageEntryShownRow = TypedDict(
    "PageEntryShownRow", {"data": "list[EntryShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageExchangeRateShownRow = TypedDict(
    "PageExchangeRateShownRow", {"data": "list[ExchangeRateShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageGeneratorShownRow = TypedDict(
    "PageGeneratorShownRow", {"data": "list[GeneratorShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageGroupShownRow = TypedDict(
    "PageGroupShownRow", {"data": "list[GroupShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageIdentityShownRow = TypedDict(
    "PageIdentityShownRow", {"data": "list[IdentityShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageInvoiceShownRow = TypedDict(
    "PageInvoiceShownRow", {"data": "list[InvoiceShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageLedgerAccountShownRow = TypedDict(
    "PageLedgerAccountShownRow",
    {"data": "list[LedgerAccountShownRow]", "has_more": "bool", "next_cursor": "str | None"},
)


PageMailShownRow = TypedDict(
    "PageMailShownRow", {"data": "list[MailShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageMailboxShownRow = TypedDict(
    "PageMailboxShownRow", {"data": "list[MailboxShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageMappingShownRow = TypedDict(
    "PageMappingShownRow", {"data": "list[MappingShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageNotificationMailShownRow = TypedDict(
    "PageNotificationMailShownRow",
    {"data": "list[NotificationMailShownRow]", "has_more": "bool", "next_cursor": "str | None"},
)


PageNotificationPlanShownRow = TypedDict(
    "PageNotificationPlanShownRow",
    {"data": "list[NotificationPlanShownRow]", "has_more": "bool", "next_cursor": "str | None"},
)


PageNotificationShownRow = TypedDict(
    "PageNotificationShownRow", {"data": "list[NotificationShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageNotificationTemplateShownRow = TypedDict(
    "PageNotificationTemplateShownRow",
    {"data": "list[NotificationTemplateShownRow]", "has_more": "bool", "next_cursor": "str | None"},
)


PageProposalShownRow = TypedDict(
    "PageProposalShownRow", {"data": "list[ProposalShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageRateEditShownRow = TypedDict(
    "PageRateEditShownRow", {"data": "list[RateEditShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageRateShownRow = TypedDict(
    "PageRateShownRow", {"data": "list[RateShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageRecordShownRow = TypedDict(
    "PageRecordShownRow", {"data": "list[RecordShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageRejectShownRow = TypedDict(
    "PageRejectShownRow", {"data": "list[RejectShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageReratingShownRow = TypedDict(
    "PageReratingShownRow", {"data": "list[ReratingShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageRuleShownRow = TypedDict(
    "PageRuleShownRow", {"data": "list[RuleShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageRunShownRow = TypedDict(
    "PageRunShownRow", {"data": "list[RunShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSavedReportShownRow = TypedDict(
    "PageSavedReportShownRow", {"data": "list[SavedReportShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSheetErrorRow = TypedDict(
    "PageSheetErrorRow", {"data": "list[SheetErrorRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSheetLineRow = TypedDict(
    "PageSheetLineRow", {"data": "list[SheetLineRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSheetShownRow = TypedDict(
    "PageSheetShownRow", {"data": "list[SheetShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSourceFileRow = TypedDict(
    "PageSourceFileRow", {"data": "list[SourceFileRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSourceShownRow = TypedDict(
    "PageSourceShownRow", {"data": "list[SourceShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSpecialRateShownRow = TypedDict(
    "PageSpecialRateShownRow", {"data": "list[SpecialRateShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageSwitchShownRow = TypedDict(
    "PageSwitchShownRow", {"data": "list[SwitchShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageTariffShownRow = TypedDict(
    "PageTariffShownRow", {"data": "list[TariffShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageTemplateShownRow = TypedDict(
    "PageTemplateShownRow", {"data": "list[TemplateShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageTimeProfileShownRow = TypedDict(
    "PageTimeProfileShownRow", {"data": "list[TimeProfileShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PageTrafficRuleShownRow = TypedDict(
    "PageTrafficRuleShownRow", {"data": "list[TrafficRuleShownRow]", "has_more": "bool", "next_cursor": "str | None"}
)


PeriodAsked = TypedDict(
    "PeriodAsked",
    {
        "period": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
        "compare": "NotRequired[str]",
        "as_of": "NotRequired[str]",
        "format": "NotRequired[ReportFormat | None]",
    },
)


PeriodShown = TypedDict(
    "PeriodShown",
    {"from": "str", "until": "str", "status": "Status", "settlement": "str | None", "items": "list[ItemProgress]"},
)


PostingShown = TypedDict("PostingShown", {"account_id": "int", "account": "str", "amount": "str", "currency": "str"})


PreviewedConversion = TypedDict(
    "PreviewedConversion",
    {
        "before": "str",
        "rate": "str",
        "rate_exact": "str",
        "published_on": "str | None",
        "after": "str",
        "to": "str",
        "from": "str",
    },
)


PreviewedFee = TypedDict("PreviewedFee", {"tariff": "str", "rate": "int", "is_additive": "bool", "amount": "str"})


PreviewedIncrements = TypedDict(
    "PreviewedIncrements",
    {
        "tariff": "str",
        "rate": "int",
        "is_additive": "bool",
        "count": "int",
        "increment": "int",
        "units": "int",
        "price": "str",
        "per": "int",
        "amount": "str",
        "amount_exact": "str",
        "from": "int",
    },
)


PreviewedOrigin = TypedDict("PreviewedOrigin", {"code": "str", "name": "str"})


PreviewedPrice = TypedDict(
    "PreviewedPrice",
    {
        "basis": "str",
        "outcome": "str",
        "tariffs": "list[str]",
        "tried": "list[PreviewedTariff]",
        "tariff": "str | None",
        "rate": "int | None",
        "code": "str | None",
        "destination": "str | None",
        "billed": "int | None",
        "grace": "int",
        "waived": "list[int]",
        "fees": "list[PreviewedFee]",
        "increments": "list[PreviewedIncrements]",
        "sum": "str",
        "sum_exact": "str",
        "rounding": "PreviewedRounding | None",
        "rounded": "str | None",
        "max_cost": "str | None",
        "is_capped": "bool",
        "tariff_amount": "str | None",
        "tariff_currency": "str | None",
        "to_account": "PreviewedConversion | None",
        "amount": "str | None",
        "currency": "str",
        "to_base": "PreviewedConversion | None",
        "base_amount": "str | None",
        "base_currency": "str",
        "differences": "list[str]",
    },
)


PreviewedRate = TypedDict(
    "PreviewedRate",
    {
        "rate": "int",
        "code": "str",
        "destination": "str | None",
        "steps": "list[PreviewedStep]",
        "setup_fee": "str",
        "grace": "int",
        "max_cost": "str | None",
        "valid_from": "str | None",
        "valid_to": "str | None",
        "windows": "list[dict[str, Any]] | None",
        "tag": "str | None",
        "origin": "str | None",
        "length_min": "int | None",
        "length_max": "int | None",
        "is_blocked": "bool",
        "tariff": "str",
        "verdict": "str",
    },
)


PreviewedRounding = TypedDict("PreviewedRounding", {"mode": "str", "decimals": "int"})


PreviewedRule = TypedDict(
    "PreviewedRule",
    {
        "rule": "str",
        "stage": "str",
        "position": "int",
        "verdict": "str",
        "actions": "str",
        "then": "str",
        "changed": "dict[str, Any]",
        "reason": "str | None",
    },
)


PreviewedStep = TypedDict("PreviewedStep", {"from": "int", "price": "str", "per": "int", "increment": "int"})


PreviewedTariff = TypedDict(
    "PreviewedTariff",
    {"tariff": "str", "is_additive": "bool", "origin": "PreviewedOrigin | None", "rates": "list[PreviewedRate]"},
)


PriceHow = Literal["set", "percent", "add"]


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


ProposalShown = TypedDict(
    "ProposalShown",
    {"id": "int", "cause": "str", "asked": "ReratingQuestion", "made_at": "str", "closed_at": "str | None"},
)


ProposalShownRow = TypedDict(
    "ProposalShownRow",
    {
        "id": "NotRequired[int]",
        "cause": "NotRequired[str]",
        "asked": "NotRequired[ReratingQuestion]",
        "made_at": "NotRequired[str]",
        "closed_at": "NotRequired[str | None]",
    },
)


ProposedRerating = TypedDict("ProposedRerating", {"id": "int", "cause": "str", "start_from": "str | None"})


RateEditApply = TypedDict("RateEditApply", {"reason": "NotRequired[str]"})


RateEditCounts = TypedDict(
    "RateEditCounts",
    {
        "chosen": "int",
        "changed": "int",
        "ended": "int",
        "unchanged": "int",
        "over": "int",
        "begin_in_the_past": "int",
        "kinds": "dict[str, int]",
        "monthly_cost": "str",
    },
)


RateEditSample = TypedDict(
    "RateEditSample",
    {
        "code": "str",
        "destination": "str",
        "before": "str",
        "after": "str",
        "begins": "str | None",
        "ends": "str | None",
    },
)


RateEditShown = TypedDict(
    "RateEditShown",
    {
        "id": "str",
        "tariff_id": "str",
        "tariff": "str",
        "currency": "str",
        "agreement_id": "int | None",
        "state": "ImportState",
        "revision": "int",
        "chosen": "dict[str, Any]",
        "change": "dict[str, Any]",
        "counts": "RateEditCounts",
        "samples": "list[RateEditSample]",
        "findings": "list[SheetFinding]",
        "breaches": "dict[str, NoticeBreach]",
        "sheet_id": "str | None",
        "looked_at": "str",
        "applied_at": "str | None",
        "begins_at": "str | None",
        "ended_at": "str | None",
        "reason": "str",
        "proposals": "list[ProposedRerating]",
        "work": "WorkShown | None",
        "problem": "WorkProblem | None",
    },
)


RateEditShownRow = TypedDict(
    "RateEditShownRow",
    {
        "id": "NotRequired[str]",
        "tariff_id": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "currency": "NotRequired[str]",
        "agreement_id": "NotRequired[int | None]",
        "state": "NotRequired[ImportState]",
        "revision": "NotRequired[int]",
        "chosen": "NotRequired[dict[str, Any]]",
        "change": "NotRequired[dict[str, Any]]",
        "counts": "NotRequired[RateEditCounts]",
        "samples": "NotRequired[list[RateEditSample]]",
        "findings": "NotRequired[list[SheetFinding]]",
        "breaches": "NotRequired[dict[str, NoticeBreach]]",
        "sheet_id": "NotRequired[str | None]",
        "looked_at": "NotRequired[str]",
        "applied_at": "NotRequired[str | None]",
        "begins_at": "NotRequired[str | None]",
        "ended_at": "NotRequired[str | None]",
        "reason": "NotRequired[str]",
        "proposals": "NotRequired[list[ProposedRerating]]",
        "work": "NotRequired[WorkShown | None]",
        "problem": "NotRequired[WorkProblem | None]",
    },
)


RateKind = Literal["", "priced", "blocked", "additive"]


RatePreview = TypedDict(
    "RatePreview",
    {
        "outcome": "str",
        "amount": "str | None",
        "currency": "str | None",
        "base_amount": "str | None",
        "base_currency": "str",
        "start": "str",
        "number": "str",
        "tags": "list[str]",
        "rules": "list[PreviewedRule]",
        "denied_by": "str | None",
        "price": "PreviewedPrice | None",
    },
)


RateRounding = TypedDict("RateRounding", {"mode": "str", "decimals": "int"})


RateShownRow = TypedDict(
    "RateShownRow",
    {
        "id": "NotRequired[int]",
        "code": "NotRequired[str]",
        "destination": "NotRequired[str | None]",
        "steps": "NotRequired[list[RateStep]]",
        "setup_fee": "NotRequired[str]",
        "grace": "NotRequired[int]",
        "max_cost": "NotRequired[str | None]",
        "rounding": "NotRequired[RateRounding]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
        "time_profile": "NotRequired[str | None]",
        "weight": "NotRequired[str]",
        "blocked": "NotRequired[bool]",
        "tag": "NotRequired[str | None]",
        "origin": "NotRequired[str | None]",
        "length_min": "NotRequired[int | None]",
        "length_max": "NotRequired[int | None]",
        "additive": "NotRequired[bool]",
    },
)


RateStep = TypedDict("RateStep", {"from": "int", "price": "str", "per": "int", "increment": "int"})


RatesToVoid = TypedDict("RatesToVoid", {"rates": "list[int]"})


Reason = Literal[
    "bad_encoding",
    "field_count",
    "bad_time",
    "ambiguous_time",
    "time_in_future",
    "time_order",
    "duration_negative",
    "duration_over_limit",
    "duration_mismatch",
    "bad_number",
    "denied_by_rule",
    "unknown_sell",
    "unknown_buy",
    "ambiguous_identity",
    "no_rate_sell",
    "no_rate_buy",
    "blocked",
    "no_exchange_rate",
    "overflow",
    "conflicting_duplicate",
    "late_leg",
    "lone_leg",
]


ReceiptState = Literal["seen", "taken", "done", "refused", "ignored"]


ReceivedMailState = Literal[
    "new",
    "waiting",
    "unclear",
    "row_errors",
    "refused",
    "wrong_type",
    "bad_archive",
    "empty",
    "too_large",
    "no_attachment",
    "failed",
    "gone",
    "no_rule",
    "ignored",
    "duplicate",
    "applied",
    "undone",
    "discarded",
    "dismissed",
]


RecordDetail = TypedDict(
    "RecordDetail",
    {
        "id": "str",
        "key": "str",
        "switch": "str",
        "batch_id": "str",
        "start": "str",
        "calling": "str",
        "called": "str",
        "service": "Service",
        "quantity": "int",
        "cause": "int | None",
        "sip_code": "int | None",
        "sell": "RecordSideDetail | None",
        "buy": "RecordSideDetail | None",
        "line": "int",
        "call_id": "str",
        "attempt": "int",
        "is_last": "bool",
        "calling_raw": "str",
        "called_raw": "str",
        "answer": "str | None",
        "end": "str",
        "duration_ms": "int",
        "pdd_ms": "int | None",
        "trunk_in": "str | None",
        "trunk_out": "str | None",
        "source_ip": "str | None",
        "account_code": "str | None",
        "sip_user": "str | None",
        "legs": "str | None",
        "rules": "list[str]",
        "prices_version": "str | None",
    },
)


RecordExplanation = TypedDict(
    "RecordExplanation",
    {
        "kind": "SegmentKind",
        "key": "str | None",
        "switch": "str",
        "came_in": "ExplainedOrigin",
        "fields": "dict[str, Any]",
        "reject": "dict[str, Any] | None",
        "prices": "dict[str, Any]",
        "rerating": "dict[str, Any] | None",
        "rules": "dict[str, Any]",
        "sides": "dict[str, Any]",
        "agrees": "bool | None",
    },
)


RecordShownRow = TypedDict(
    "RecordShownRow",
    {
        "id": "NotRequired[str]",
        "key": "NotRequired[str]",
        "switch": "NotRequired[str]",
        "batch_id": "NotRequired[str]",
        "start": "NotRequired[str]",
        "calling": "NotRequired[str]",
        "called": "NotRequired[str]",
        "service": "NotRequired[Service]",
        "quantity": "NotRequired[int]",
        "cause": "NotRequired[int | None]",
        "sip_code": "NotRequired[int | None]",
        "sell": "NotRequired[RecordSide | None]",
        "buy": "NotRequired[RecordSide | None]",
    },
)


RecordSide = TypedDict(
    "RecordSide",
    {
        "account_id": "str",
        "account": "str",
        "destination": "str | None",
        "amount": "str | None",
        "currency": "str | None",
    },
)


RecordSideDetail = TypedDict(
    "RecordSideDetail",
    {
        "account_id": "str",
        "account": "str",
        "destination": "str | None",
        "amount": "str | None",
        "currency": "str | None",
        "is_charged": "bool",
        "tariff_id": "str | None",
        "tariff": "str | None",
        "rate_id": "int | None",
        "code": "str | None",
        "billed": "int | None",
        "tariff_amount": "str | None",
        "tariff_currency": "str | None",
        "exchange_rate": "str | None",
        "exchange_rate_on": "str | None",
        "base_amount": "str | None",
        "day": "str | None",
        "number": "str",
        "tags": "list[str]",
    },
)


RecordsAsked = TypedDict(
    "RecordsAsked",
    {
        "number": "NotRequired[str | None]",
        "account_id": "NotRequired[str | None]",
        "side": "NotRequired[Side | None]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "switch": "NotRequired[str | None]",
        "cause": "NotRequired[int | None]",
        "sip_code": "NotRequired[int | None]",
        "as_of": "NotRequired[str | None]",
        "limit": "NotRequired[int]",
        "cursor": "NotRequired[str | None]",
        "fields": "NotRequired[str | None]",
    },
)


Refusal = TypedDict("Refusal", {"reason": "str"})


RejectGroupShown = TypedDict(
    "RejectGroupShown",
    {
        "reason": "Reason",
        "meaning": "str",
        "what_to_do": "str",
        "prefix": "str",
        "rejects": "int",
        "detail": "str",
        "raw": "str",
        "batch_id": "str",
        "file": "str",
        "line": "int",
    },
)


RejectGroups = TypedDict("RejectGroups", {"data": "list[RejectGroupShown]"})


RejectShownRow = TypedDict(
    "RejectShownRow",
    {
        "batch_id": "NotRequired[str]",
        "file": "NotRequired[str]",
        "switch": "NotRequired[str]",
        "line": "NotRequired[int]",
        "reason": "NotRequired[Reason]",
        "detail": "NotRequired[str]",
        "raw": "NotRequired[str]",
        "key": "NotRequired[str | None]",
        "start": "NotRequired[str | None]",
        "called": "NotRequired[str | None]",
        "service": "NotRequired[Service | None]",
    },
)


RejectsAsked = TypedDict(
    "RejectsAsked",
    {
        "reason": "NotRequired[Reason | None]",
        "batch_id": "NotRequired[str | None]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "number": "NotRequired[str | None]",
        "limit": "NotRequired[int]",
        "cursor": "NotRequired[str | None]",
        "fields": "NotRequired[str | None]",
    },
)


ReportAsked = TypedDict(
    "ReportAsked",
    {
        "by": "NotRequired[str | None]",
        "period": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
        "compare": "NotRequired[str]",
        "as_of": "NotRequired[str]",
        "zone": "NotRequired[str]",
        "account": "NotRequired[str]",
        "vendor": "NotRequired[str]",
        "destination": "NotRequired[str]",
        "country": "NotRequired[str]",
        "group": "NotRequired[str]",
        "tag": "NotRequired[str]",
        "jurisdiction": "NotRequired[str]",
        "figures": "NotRequired[str]",
        "percentiles": "NotRequired[bool]",
        "sort": "NotRequired[str]",
        "format": "NotRequired[ReportFormat | None]",
    },
)


ReportFormat = Literal["json", "csv", "xlsx"]


ReportShown = TypedDict(
    "ReportShown",
    {
        "report": "View",
        "by": "list[str]",
        "currency": "str",
        "zone": "str",
        "from": "str | None",
        "to": "str | None",
        "as_of": "str | None",
        "filters": "dict[str, str]",
        "compared": "NotRequired[dict[str, str | None] | None]",
        "rows": "list[dict[str, str | int | dict[str, str | int | None] | None]]",
        "totals": "dict[str, str | int | dict[str, str | int | None] | None]",
    },
)


RequestedRerating = TypedDict("RequestedRerating", {"asked": "ReratingQuestion", "requested_at": "str"})


ReratingAsked = TypedDict(
    "ReratingAsked",
    {
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "account_id": "NotRequired[str | None]",
        "side": "NotRequired[Side | None]",
        "code": "NotRequired[str | None]",
        "tariff_id": "NotRequired[str | None]",
        "identify": "NotRequired[bool]",
    },
)


ReratingQuestion = TypedDict(
    "ReratingQuestion",
    {
        "from": "str | None",
        "to": "str | None",
        "account_id": "str | None",
        "account": "str | None",
        "side": "Side | None",
        "code": "str | None",
        "tariff_id": "str | None",
        "tariff": "str | None",
        "identify": "bool",
    },
)


ReratingShownRow = TypedDict(
    "ReratingShownRow",
    {
        "id": "NotRequired[str]",
        "switch_id": "NotRequired[str]",
        "switch": "NotRequired[str]",
        "intake": "NotRequired[Intake]",
        "name": "NotRequired[str]",
        "state": "NotRequired[BatchState]",
        "progress": "NotRequired[BatchProgress]",
        "counts": "NotRequired[BatchCounts]",
        "reject_reasons": "NotRequired[dict[str, int]]",
        "failure": "NotRequired[BatchFailure | None]",
        "remark": "NotRequired[str]",
        "attempt": "NotRequired[int]",
        "min_start": "NotRequired[str | None]",
        "max_start": "NotRequired[str | None]",
        "resends_id": "NotRequired[str | None]",
        "received_at": "NotRequired[str]",
        "started_at": "NotRequired[str | None]",
        "finished_at": "NotRequired[str | None]",
        "asked": "NotRequired[ReratingQuestion]",
    },
)


ReratingWhole = TypedDict(
    "ReratingWhole",
    {
        "id": "str",
        "switch_id": "str",
        "switch": "str",
        "intake": "Intake",
        "name": "str",
        "state": "BatchState",
        "progress": "BatchProgress",
        "counts": "BatchCounts",
        "reject_reasons": "dict[str, int]",
        "failure": "BatchFailure | None",
        "remark": "str",
        "attempt": "int",
        "min_start": "str | None",
        "max_start": "str | None",
        "resends_id": "str | None",
        "received_at": "str",
        "started_at": "str | None",
        "finished_at": "str | None",
        "asked": "ReratingQuestion",
        "accounts": "list[MovedMoney]",
    },
)


RowsAsked = TypedDict(
    "RowsAsked", {"limit": "NotRequired[int]", "cursor": "NotRequired[str | None]", "fields": "NotRequired[str | None]"}
)


RuleAction = Literal["compare", "ignore"]


RuleChange = TypedDict(
    "RuleChange",
    {
        "name": "NotRequired[str | None]",
        "position": "NotRequired[int | None]",
        "senders": "NotRequired[list[str] | None]",
        "subject": "NotRequired[str | None]",
        "attachment": "NotRequired[str | None]",
        "action": "NotRequired[RuleAction | None]",
        "template_id": "NotRequired[int | None]",
        "applies_itself": "NotRequired[bool | None]",
        "limits": "NotRequired[RuleLimits | None]",
    },
)


RuleLimits = TypedDict(
    "RuleLimits",
    {
        "cost": "NotRequired[str | None]",
        "increases": "NotRequired[int | None]",
        "closed": "NotRequired[int | None]",
        "drop": "NotRequired[int | None]",
    },
)


RuleShown = TypedDict(
    "RuleShown",
    {
        "id": "str",
        "mailbox_id": "str",
        "mailbox": "str",
        "position": "int",
        "name": "str",
        "senders": "list[str]",
        "subject": "str",
        "attachment": "str",
        "action": "RuleAction",
        "template_id": "int | None",
        "template": "str | None",
        "applies_itself": "bool",
        "limits": "RuleLimits",
    },
)


RuleShownRow = TypedDict(
    "RuleShownRow",
    {
        "id": "NotRequired[str]",
        "mailbox_id": "NotRequired[str]",
        "mailbox": "NotRequired[str]",
        "position": "NotRequired[int]",
        "name": "NotRequired[str]",
        "senders": "NotRequired[list[str]]",
        "subject": "NotRequired[str]",
        "attachment": "NotRequired[str]",
        "action": "NotRequired[RuleAction]",
        "template_id": "NotRequired[int | None]",
        "template": "NotRequired[str | None]",
        "applies_itself": "NotRequired[bool]",
        "limits": "NotRequired[RuleLimits]",
    },
)


RuleSide = Literal["both", "sell", "buy"]


RunFailure = TypedDict("RunFailure", {"code": "str", "detail": "str"})


RunShown = TypedDict(
    "RunShown",
    {
        "id": "str",
        "generator_id": "str",
        "generator": "str",
        "tariff": "str",
        "state": "Literal['waiting', 'failed', 'received', 'read', 'compared', 'applied', 'undone', 'discarded']",
        "effective_at": "str",
        "prices_at": "str",
        "asked_at": "str",
        "finished_at": "str | None",
        "begins_at": "str | None",
        "sheet_id": "str | None",
        "counts": "dict[str, Any]",
        "figures": "dict[str, Any]",
        "sources": "list[dict[str, Any]]",
        "findings": "list[dict[str, Any]]",
        "failure": "RunFailure | None",
        "work": "WorkShown | None",
        "problem": "WorkProblem | None",
    },
)


RunShownRow = TypedDict(
    "RunShownRow",
    {
        "id": "NotRequired[str]",
        "generator_id": "NotRequired[str]",
        "generator": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "state": "NotRequired[Literal['waiting', 'failed', 'received', 'read', 'compared', 'applied', 'undone', 'discarded']]",
        "effective_at": "NotRequired[str]",
        "prices_at": "NotRequired[str]",
        "asked_at": "NotRequired[str]",
        "finished_at": "NotRequired[str | None]",
        "begins_at": "NotRequired[str | None]",
        "sheet_id": "NotRequired[str | None]",
        "counts": "NotRequired[dict[str, Any]]",
        "figures": "NotRequired[dict[str, Any]]",
        "sources": "NotRequired[list[dict[str, Any]]]",
        "findings": "NotRequired[list[dict[str, Any]]]",
        "failure": "NotRequired[RunFailure | None]",
        "work": "NotRequired[WorkShown | None]",
        "problem": "NotRequired[WorkProblem | None]",
    },
)


SavedReportShown = TypedDict(
    "SavedReportShown", {"id": "int", "name": "str", "report": "View", "asked": "dict[str, str]"}
)


SavedReportShownRow = TypedDict(
    "SavedReportShownRow",
    {
        "id": "NotRequired[int]",
        "name": "NotRequired[str]",
        "report": "NotRequired[View]",
        "asked": "NotRequired[dict[str, str]]",
    },
)


ScheduleAsked = TypedDict(
    "ScheduleAsked",
    {
        "every": "Every",
        "on_day": "NotRequired[int | None]",
        "at_time": "NotRequired[str]",
        "format": "NotRequired[AttachedFormat]",
        "recipients": "list[str]",
        "language": "NotRequired[str]",
    },
)


ScheduleShown = TypedDict(
    "ScheduleShown",
    {
        "every": "Every",
        "on_day": "NotRequired[int | None]",
        "at_time": "NotRequired[str]",
        "format": "NotRequired[AttachedFormat]",
        "recipients": "list[str]",
        "language": "NotRequired[str]",
        "next_at": "str",
    },
)


ScopeChoice = Literal["full", "country", "partial"]


SegmentKind = Literal["rated", "reject"]


Service = Literal["voice", "sms", "data", "event"]


SheetApply = TypedDict(
    "SheetApply",
    {
        "overrule": "NotRequired[list[Literal['all_past', 'closes_nothing', 'count_drop', 'currency', 'errors', 'few_known', 'increment_worse', 'jump', 'layout', 'moved', 'negative', 'one_date', 'past', 'repeated', 'short_notice', 'special', 'unlike', 'zero']]]",
        "reason": "NotRequired[str]",
    },
)


SheetChanges = TypedDict(
    "SheetChanges",
    {
        "lines": "int",
        "new": "int",
        "increase": "int",
        "decrease": "int",
        "increment": "int",
        "moved": "int",
        "blocked": "int",
        "closed": "int",
        "unchanged": "int",
        "refused": "int",
        "closed_codes": "int",
        "errors": "int",
        "monthly_cost": "str",
        "weighed_by_code": "int",
        "weighed_by_number": "int",
        "without_price": "int",
        "not_weighed": "int",
        "days_of_numbers": "int",
    },
)


SheetColumn = TypedDict(
    "SheetColumn",
    {"sheet": "str", "index": "int", "header": "str", "meaning": "str", "confidence": "float", "why": "str"},
)


SheetCounts = TypedDict(
    "SheetCounts",
    {
        "rows": "int",
        "lines": "int",
        "errors": "int",
        "codes": "int",
        "duplicates": "int",
        "contradictions": "int",
        "kinds": "dict[str, int]",
        "skipped": "dict[str, int]",
    },
)


SheetError = TypedDict("SheetError", {"sheet": "str", "line": "int", "column": "str", "reason": "str", "text": "str"})


SheetErrorRow = TypedDict(
    "SheetErrorRow",
    {
        "sheet": "NotRequired[str]",
        "line": "NotRequired[int]",
        "column": "NotRequired[str]",
        "reason": "NotRequired[str]",
        "text": "NotRequired[str]",
    },
)


SheetFinding = TypedDict(
    "SheetFinding", {"check": "str", "level": "Level", "lines": "int", "codes": "list[str]", "text": "str"}
)


SheetLineRow = TypedDict(
    "SheetLineRow",
    {
        "line": "NotRequired[int]",
        "kind": "NotRequired[str]",
        "code": "NotRequired[str]",
        "destination": "NotRequired[str]",
        "tag": "NotRequired[str]",
        "origin": "NotRequired[str]",
        "time_profile": "NotRequired[str]",
        "before": "NotRequired[str]",
        "price": "NotRequired[str]",
        "begins": "NotRequired[str]",
        "note": "NotRequired[str]",
    },
)


SheetReading = TypedDict(
    "SheetReading",
    {
        "layout": "dict[str, Any]",
        "columns": "list[SheetColumn]",
        "scope": "SheetScope",
        "counts": "SheetCounts",
        "origins": "dict[str, list[str]]",
        "sample": "list[dict[str, Any]]",
        "errors": "list[SheetError]",
    },
)


SheetReason = TypedDict("SheetReason", {"reason": "str"})


SheetScope = TypedDict(
    "SheetScope",
    {
        "scope": "str",
        "why": "str",
        "countries": "int",
        "codes": "int",
        "currencies": "list[str]",
        "effective_dates": "list[str]",
    },
)


SheetShown = TypedDict(
    "SheetShown",
    {
        "id": "str",
        "tariff_id": "str",
        "tariff": "str",
        "currency": "str",
        "template_id": "int | None",
        "template": "str | None",
        "agreement_id": "int | None",
        "agreement": "str | None",
        "scope": "ScopeChoice",
        "state": "ImportState",
        "file_name": "str",
        "sha256": "str",
        "octets": "int",
        "notified_at": "str",
        "effective_at": "str",
        "counts": "SheetChanges",
        "findings": "list[SheetFinding]",
        "created_at": "str",
        "applied_at": "str | None",
        "begins_at": "str | None",
        "ended_at": "str | None",
        "reason": "str",
        "work": "WorkShown | None",
        "problem": "WorkProblem | None",
    },
)


SheetShownRow = TypedDict(
    "SheetShownRow",
    {
        "id": "NotRequired[str]",
        "tariff_id": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "currency": "NotRequired[str]",
        "template_id": "NotRequired[int | None]",
        "template": "NotRequired[str | None]",
        "agreement_id": "NotRequired[int | None]",
        "agreement": "NotRequired[str | None]",
        "scope": "NotRequired[ScopeChoice]",
        "state": "NotRequired[ImportState]",
        "file_name": "NotRequired[str]",
        "sha256": "NotRequired[str]",
        "octets": "NotRequired[int]",
        "notified_at": "NotRequired[str]",
        "effective_at": "NotRequired[str]",
        "counts": "NotRequired[SheetChanges]",
        "findings": "NotRequired[list[SheetFinding]]",
        "created_at": "NotRequired[str]",
        "applied_at": "NotRequired[str | None]",
        "begins_at": "NotRequired[str | None]",
        "ended_at": "NotRequired[str | None]",
        "reason": "NotRequired[str]",
        "work": "NotRequired[WorkShown | None]",
        "problem": "NotRequired[WorkProblem | None]",
    },
)


Side = Literal["sell", "buy"]


SourceChange = TypedDict(
    "SourceChange",
    {
        "host": "NotRequired[str | None]",
        "port": "NotRequired[int | None]",
        "login": "NotRequired[str | None]",
        "password": "NotRequired[str | None]",
        "private_key": "NotRequired[str | None]",
        "pin": "NotRequired[str | None]",
        "path": "NotRequired[str | None]",
        "pattern": "NotRequired[str | None]",
        "senders": "NotRequired[list[str] | None]",
        "every_min": "NotRequired[int | None]",
        "cron": "NotRequired[str | None]",
        "rest_s": "NotRequired[int | None]",
        "limit_octets": "NotRequired[int | None]",
        "after": "NotRequired[AfterSuccess | None]",
        "archive": "NotRequired[str | None]",
        "expected_min": "NotRequired[int | None]",
        "has_recurring_names": "NotRequired[bool | None]",
    },
)


SourceFileRow = TypedDict(
    "SourceFileRow",
    {
        "id": "NotRequired[int]",
        "name": "NotRequired[str]",
        "locator": "NotRequired[str]",
        "octets": "NotRequired[int]",
        "modified_at": "NotRequired[str | None]",
        "state": "NotRequired[ReceiptState]",
        "detail": "NotRequired[str]",
        "batch_id": "NotRequired[str | None]",
        "first_seen_at": "NotRequired[str]",
        "taken_at": "NotRequired[str | None]",
        "settled_at": "NotRequired[str | None]",
    },
)


SourceKind = Literal["folder", "sftp", "ftps", "imap"]


SourceShown = TypedDict(
    "SourceShown",
    {
        "id": "str",
        "name": "str",
        "switch_id": "str",
        "switch": "str",
        "kind": "SourceKind",
        "host": "str",
        "port": "int",
        "login": "str",
        "has_password": "bool",
        "has_private_key": "bool",
        "secrets_changed_at": "str | None",
        "pin": "str",
        "path": "str",
        "pattern": "str",
        "senders": "list[str]",
        "every_min": "int | None",
        "cron": "str",
        "rest_s": "int",
        "limit_octets": "int",
        "after": "AfterSuccess",
        "archive": "str",
        "expected_min": "int | None",
        "has_recurring_names": "bool",
        "is_active": "bool",
        "active_since": "str",
        "feed": "FeedShown",
        "alarms": "list[AlarmShown]",
    },
)


SourceShownRow = TypedDict(
    "SourceShownRow",
    {
        "id": "NotRequired[str]",
        "name": "NotRequired[str]",
        "switch_id": "NotRequired[str]",
        "switch": "NotRequired[str]",
        "kind": "NotRequired[SourceKind]",
        "host": "NotRequired[str]",
        "port": "NotRequired[int]",
        "login": "NotRequired[str]",
        "has_password": "NotRequired[bool]",
        "has_private_key": "NotRequired[bool]",
        "secrets_changed_at": "NotRequired[str | None]",
        "pin": "NotRequired[str]",
        "path": "NotRequired[str]",
        "pattern": "NotRequired[str]",
        "senders": "NotRequired[list[str]]",
        "every_min": "NotRequired[int | None]",
        "cron": "NotRequired[str]",
        "rest_s": "NotRequired[int]",
        "limit_octets": "NotRequired[int]",
        "after": "NotRequired[AfterSuccess]",
        "archive": "NotRequired[str]",
        "expected_min": "NotRequired[int | None]",
        "has_recurring_names": "NotRequired[bool]",
        "is_active": "NotRequired[bool]",
        "active_since": "NotRequired[str]",
        "feed": "NotRequired[FeedShown]",
        "alarms": "NotRequired[list[AlarmShown]]",
    },
)


SpecialRateChanged = TypedDict(
    "SpecialRateChanged",
    {
        "id": "str",
        "tariff_id": "str",
        "deck_id": "int",
        "destination": "str | None",
        "group_id": "int | None",
        "steps": "list[RateStep]",
        "setup_fee": "str",
        "grace": "int",
        "valid_from": "str",
        "valid_to": "str | None",
        "note": "str",
        "created_at": "str",
        "rates": "int",
        "proposals": "list[ProposedRerating]",
    },
)


SpecialRateEnd = TypedDict("SpecialRateEnd", {"valid_to": "str"})


SpecialRateShown = TypedDict(
    "SpecialRateShown",
    {
        "id": "str",
        "tariff_id": "str",
        "deck_id": "int",
        "destination": "str | None",
        "group_id": "int | None",
        "steps": "list[RateStep]",
        "setup_fee": "str",
        "grace": "int",
        "valid_from": "str",
        "valid_to": "str | None",
        "note": "str",
        "created_at": "str",
    },
)


SpecialRateShownRow = TypedDict(
    "SpecialRateShownRow",
    {
        "id": "NotRequired[str]",
        "tariff_id": "NotRequired[str]",
        "deck_id": "NotRequired[int]",
        "destination": "NotRequired[str | None]",
        "group_id": "NotRequired[int | None]",
        "steps": "NotRequired[list[RateStep]]",
        "setup_fee": "NotRequired[str]",
        "grace": "NotRequired[int]",
        "valid_from": "NotRequired[str]",
        "valid_to": "NotRequired[str | None]",
        "note": "NotRequired[str]",
        "created_at": "NotRequired[str]",
    },
)


Stage = Literal["before_identification", "after_account", "after_rate", "after_routing"]


Standing = Literal["current", "future", "past", "all"]


StatementAsked = TypedDict(
    "StatementAsked",
    {
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "limit": "NotRequired[int]",
        "cursor": "NotRequired[str | None]",
    },
)


StatementLineShown = TypedDict(
    "StatementLineShown",
    {
        "booked_on": "str",
        "created_at": "str",
        "entry_id": "int",
        "key": "str",
        "kind": "EntryKind",
        "reference": "str",
        "account": "str",
        "amount": "str",
        "balance": "str",
    },
)


StatementShown = TypedDict(
    "StatementShown",
    {
        "account_id": "int",
        "account": "str",
        "currency": "str",
        "from": "str | None",
        "to": "str | None",
        "opening": "str",
        "closing": "str",
        "data": "list[StatementLineShown]",
        "has_more": "bool",
        "next_cursor": "str | None",
    },
)


Status = Literal["pending", "in_process", "success", "fail"]


SupposedCall = TypedDict(
    "SupposedCall",
    {
        "called": "str",
        "calling": "NotRequired[str]",
        "start": "NotRequired[str | None]",
        "quantity": "NotRequired[int]",
        "service": "NotRequired[Service]",
        "switch": "NotRequired[str | None]",
        "trunk_in": "NotRequired[str]",
        "trunk_out": "NotRequired[str]",
        "source_ip": "NotRequired[str]",
        "account_code": "NotRequired[str]",
        "sip_user": "NotRequired[str]",
    },
)


SupposedEvent = TypedDict(
    "SupposedEvent",
    {
        "account_id": "NotRequired[str | None]",
        "tariff_id": "NotRequired[str | None]",
        "side": "NotRequired[Side]",
        "service": "NotRequired[Service]",
        "called": "str",
        "calling": "NotRequired[str]",
        "start": "NotRequired[str | None]",
        "quantity": "NotRequired[int]",
        "tags": "NotRequired[list[str]]",
        "switch": "NotRequired[str | None]",
    },
)


SwitchChange = TypedDict(
    "SwitchChange",
    {
        "timezone": "NotRequired[str | None]",
        "number_rules": "NotRequired[list[dict[str, Any]] | None]",
        "has_buy_side": "NotRequired[bool | None]",
        "max_duration_s": "NotRequired[int | None]",
        "future_limit_s": "NotRequired[int | None]",
        "duplicate_window_days": "NotRequired[int | None]",
        "options": "NotRequired[dict[str, Any] | None]",
    },
)


SwitchShown = TypedDict(
    "SwitchShown",
    {
        "name": "str",
        "format": "str",
        "timezone": "NotRequired[str]",
        "number_rules": "NotRequired[list[dict[str, Any]]]",
        "has_buy_side": "NotRequired[bool]",
        "max_duration_s": "NotRequired[int]",
        "future_limit_s": "NotRequired[int]",
        "duplicate_window_days": "NotRequired[int]",
        "options": "NotRequired[dict[str, Any]]",
        "id": "str",
    },
)


SwitchShownRow = TypedDict(
    "SwitchShownRow",
    {
        "name": "NotRequired[str]",
        "format": "NotRequired[str]",
        "timezone": "NotRequired[str]",
        "number_rules": "NotRequired[list[dict[str, Any]]]",
        "has_buy_side": "NotRequired[bool]",
        "max_duration_s": "NotRequired[int]",
        "future_limit_s": "NotRequired[int]",
        "duplicate_window_days": "NotRequired[int]",
        "options": "NotRequired[dict[str, Any]]",
        "id": "NotRequired[str]",
    },
)


TariffChange = TypedDict(
    "TariffChange",
    {
        "name": "NotRequired[str | None]",
        "timezone": "NotRequired[str | None]",
        "origin_deck": "NotRequired[str | None]",
        "parent_id": "NotRequired[str | None]",
    },
)


TariffChanged = TypedDict(
    "TariffChanged",
    {
        "id": "str",
        "name": "str",
        "currency": "str",
        "timezone": "str",
        "unit": "TariffUnit",
        "origin_deck": "str | None",
        "parent_id": "str | None",
        "revision": "int",
        "created_at": "str",
        "proposals": "list[ProposedRerating]",
    },
)


TariffShown = TypedDict(
    "TariffShown",
    {
        "id": "str",
        "name": "str",
        "currency": "str",
        "timezone": "str",
        "unit": "TariffUnit",
        "origin_deck": "str | None",
        "parent_id": "str | None",
        "revision": "int",
        "created_at": "str",
    },
)


TariffShownRow = TypedDict(
    "TariffShownRow",
    {
        "id": "NotRequired[str]",
        "name": "NotRequired[str]",
        "currency": "NotRequired[str]",
        "timezone": "NotRequired[str]",
        "unit": "NotRequired[TariffUnit]",
        "origin_deck": "NotRequired[str | None]",
        "parent_id": "NotRequired[str | None]",
        "revision": "NotRequired[int]",
        "created_at": "NotRequired[str]",
    },
)


TariffUnit = Literal["second", "octet", "message"]


TemplateChange = TypedDict(
    "TemplateChange",
    {
        "tariff_id": "NotRequired[str | None]",
        "agreement_id": "NotRequired[int | None]",
        "scope": "NotRequired[ScopeChoice | None]",
        "layout": "NotRequired[dict[str, Any] | None]",
        "checks": "NotRequired[dict[str, Any] | None]",
    },
)


TemplateShown = TypedDict(
    "TemplateShown",
    {
        "id": "int",
        "name": "str",
        "tariff_id": "str",
        "tariff": "str",
        "agreement_id": "int | None",
        "agreement": "str | None",
        "scope": "ScopeChoice",
        "layout": "dict[str, Any] | None",
        "checks": "dict[str, Any]",
    },
)


TemplateShownRow = TypedDict(
    "TemplateShownRow",
    {
        "id": "NotRequired[int]",
        "name": "NotRequired[str]",
        "tariff_id": "NotRequired[str]",
        "tariff": "NotRequired[str]",
        "agreement_id": "NotRequired[int | None]",
        "agreement": "NotRequired[str | None]",
        "scope": "NotRequired[ScopeChoice]",
        "layout": "NotRequired[dict[str, Any] | None]",
        "checks": "NotRequired[dict[str, Any]]",
    },
)


TestedCall = TypedDict(
    "TestedCall",
    {
        "call": "dict[str, Any]",
        "switch": "str | None",
        "other_switches": "list[str]",
        "numbers": "TestedNumbers",
        "before_identification": "list[PreviewedRule]",
        "tech_prefix": "str | None",
        "once_more": "list[PreviewedRule]",
        "carries": "TestedState",
        "sides": "dict[str, TestedSide]",
        "reject": "TestedReject | None",
    },
)


TestedIdentity = TypedDict(
    "TestedIdentity", {"account": "str | None", "kind": "str", "value": "str", "tech_prefix": "str", "verdict": "str"}
)


TestedNumbers = TypedDict("TestedNumbers", {"calling": "str", "called": "str"})


TestedPrice = TypedDict(
    "TestedPrice",
    {
        "outcome": "str",
        "tariffs": "list[str]",
        "tried": "list[PreviewedTariff]",
        "tariff": "str | None",
        "rate": "int | None",
        "code": "str | None",
        "tag": "str | None",
        "destination": "str | None",
        "billed": "int | None",
        "amount": "str | None",
        "currency": "str | None",
    },
)


TestedReject = TypedDict("TestedReject", {"reason": "str", "rule": "str | None", "meaning": "str"})


TestedSide = TypedDict(
    "TestedSide",
    {
        "account": "str | None",
        "status": "str",
        "identities": "list[TestedIdentity]",
        "after_account": "NotRequired[list[PreviewedRule]]",
        "price_before_rules": "NotRequired[TestedPrice | None]",
        "after_rate": "NotRequired[list[PreviewedRule]]",
        "carries": "NotRequired[TestedState | None]",
        "priced_number": "NotRequired[str | None]",
        "price": "NotRequired[TestedPrice | None]",
        "after_routing": "NotRequired[list[PreviewedRule]]",
        "sent": "NotRequired[TestedState | None]",
    },
)


TestedState = TypedDict(
    "TestedState",
    {"calling": "str", "called": "str", "routing_number": "str | None", "tags": "list[str]", "jurisdiction": "str"},
)


Then = Literal["continue", "allow", "deny"]


TimeProfileChange = TypedDict("TimeProfileChange", {"windows": "list[TimeWindow]"})


TimeProfileChanged = TypedDict(
    "TimeProfileChanged",
    {"id": "int", "name": "str", "windows": "list[TimeWindow]", "proposals": "list[ProposedRerating]"},
)


TimeProfileShown = TypedDict("TimeProfileShown", {"id": "int", "name": "str", "windows": "list[TimeWindow]"})


TimeProfileShownRow = TypedDict(
    "TimeProfileShownRow",
    {"id": "NotRequired[int]", "name": "NotRequired[str]", "windows": "NotRequired[list[TimeWindow]]"},
)


TimeWindow = TypedDict(
    "TimeWindow",
    {
        "weekdays": "NotRequired[list[int] | None]",
        "months": "NotRequired[list[int] | None]",
        "month_days": "NotRequired[list[int] | None]",
        "years": "NotRequired[list[int] | None]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
    },
)


TrafficRuleChange = TypedDict(
    "TrafficRuleChange",
    {
        "stage": "NotRequired[Stage | None]",
        "position": "NotRequired[int | None]",
        "side": "NotRequired[RuleSide | None]",
        "switch": "NotRequired[str | None]",
        "account_id": "NotRequired[str | None]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
        "conditions": "NotRequired[dict[str, list[str] | str] | None]",
        "actions": "NotRequired[str | None]",
        "then": "NotRequired[Then | None]",
        "note": "NotRequired[str | None]",
    },
)


TrafficRuleShown = TypedDict(
    "TrafficRuleShown",
    {
        "id": "str",
        "name": "str",
        "stage": "Stage",
        "position": "int",
        "side": "RuleSide",
        "switch": "str | None",
        "account_id": "str | None",
        "account": "str | None",
        "valid_from": "str | None",
        "valid_to": "str | None",
        "conditions": "dict[str, list[str] | str]",
        "actions": "str",
        "then": "Then",
        "note": "str",
    },
)


TrafficRuleShownRow = TypedDict(
    "TrafficRuleShownRow",
    {
        "id": "NotRequired[str]",
        "name": "NotRequired[str]",
        "stage": "NotRequired[Stage]",
        "position": "NotRequired[int]",
        "side": "NotRequired[RuleSide]",
        "switch": "NotRequired[str | None]",
        "account_id": "NotRequired[str | None]",
        "account": "NotRequired[str | None]",
        "valid_from": "NotRequired[str | None]",
        "valid_to": "NotRequired[str | None]",
        "conditions": "NotRequired[dict[str, list[str] | str]]",
        "actions": "NotRequired[str]",
        "then": "NotRequired[Then]",
        "note": "NotRequired[str]",
    },
)


TrialBalance = TypedDict("TrialBalance", {"booked_to": "str | None", "data": "list[TrialCurrency]"})


TrialCurrency = TypedDict(
    "TrialCurrency", {"currency": "str", "debit": "str", "credit": "str", "accounts": "list[TrialRow]"}
)


TrialRow = TypedDict(
    "TrialRow",
    {"account_id": "int", "account": "str", "type": "AccountType", "debit": "str", "credit": "str", "balance": "str"},
)


TriedCandidate = TypedDict("TriedCandidate", {"format": "str", "score": "float"})


TriedFile = TypedDict(
    "TriedFile",
    {
        "file": "str",
        "format": "str | None",
        "version": "int | None",
        "title": "str",
        "rows_in": "int",
        "decoded": "int",
        "rejected": "int",
        "skipped": "int",
        "skip_reasons": "dict[str, int]",
        "reject_reasons": "dict[str, int]",
        "missing": "list[TriedMissing]",
        "more_columns": "list[str]",
        "rows": "list[dict[str, Any]]",
        "candidates": "list[TriedCandidate]",
        "is_cut": "bool",
        "failure": "str",
        "remark": "str",
    },
)


TriedMissing = TypedDict("TriedMissing", {"code": "str", "detail": "str"})


Trust = TypedDict("Trust", {"pin": "str"})


UnbilledShown = TypedDict(
    "UnbilledShown",
    {
        "account_id": "str",
        "account": "str",
        "first_day": "str",
        "last_day": "str",
        "calls": "int",
        "currency": "str",
        "amount": "str",
    },
)


UnbilledUsage = TypedDict("UnbilledUsage", {"data": "list[UnbilledShown]"})


Unit = Literal["second", "octet", "message"]


UnreadableRow = TypedDict(
    "UnreadableRow", {"sheet": "str", "line": "int", "column": "str", "reason": "str", "text": "str"}
)


View = Literal["margin", "summary"]


VoidedInvoices = TypedDict("VoidedInvoices", {"voided": "list[InvoiceShown]"})


VoidedRates = TypedDict("VoidedRates", {"voided": "int", "proposals": "list[ProposedRerating]"})


Voiding = TypedDict("Voiding", {"reason": "str", "with_adjustments": "NotRequired[bool]"})


WorkProblem = TypedDict("WorkProblem", {"code": "str", "message": "str", "hint": "str"})


WorkShown = TypedDict("WorkShown", {"step": "ImportWork", "percent": "int"})


World = TypedDict("World", {"depth": "NotRequired[Depth]", "mode": "NotRequired[DeckMode]"})


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
        answer = self._http.request(method, path, params=given, json=json, content=content, files=sent, headers=headers)
        if answer.status_code >= 400:
            try:
                body = answer.json()
            except ValueError:
                body = {"detail": answer.text[:200]}
            raise Refused(answer.status_code, body)
        return answer

    def preview_rate(self, body: SupposedEvent, *, idempotency_key: str | None = None) -> RatePreview:
        """What an event would cost, and why; by the prices, traffic rules and exchange rates of now."""
        return cast(
            "RatePreview", self._ask("POST", "/api/v1/rate-preview", json=body, idempotency_key=idempotency_key).json()
        )

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

    def list_contacts(
        self,
        account_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["id", "-id", "name", "-name"] | None = None,
        fields: str | None = None,
        role: Literal["billing", "technical", "rates", "disputes", "general"] | None = None,
        role_ne: Literal["billing", "technical", "rates", "disputes", "general"] | None = None,
        email: str | None = None,
        email_ne: str | None = None,
    ) -> PageContactShownRow:
        """List the contacts of an account."""
        return cast(
            "PageContactShownRow",
            self._ask(
                "GET",
                f"/api/v1/accounts/{account_id}/contacts",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "role": role,
                    "role[ne]": role_ne,
                    "email": email,
                    "email[ne]": email_ne,
                },
            ).json(),
        )

    def add_contact(self, account_id: str, body: NewContact, *, idempotency_key: str | None = None) -> ContactShown:
        """Add a contact to an account."""
        return cast(
            "ContactShown",
            self._ask(
                "POST", f"/api/v1/accounts/{account_id}/contacts", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_assignments(
        self,
        account_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["position", "-position", "id", "-id"] | None = None,
        fields: str | None = None,
        tariff_id: str | None = None,
        side: Literal["sell", "buy"] | None = None,
        side_ne: Literal["sell", "buy"] | None = None,
        service: Literal["voice", "sms", "data", "event"] | None = None,
        service_ne: Literal["voice", "sms", "data", "event"] | None = None,
        in_force_at: str | None = None,
    ) -> PageAssignmentShownRow:
        """List the tariffs of an account; ended ones too."""
        return cast(
            "PageAssignmentShownRow",
            self._ask(
                "GET",
                f"/api/v1/accounts/{account_id}/tariffs",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "tariff_id": tariff_id,
                    "side": side,
                    "side[ne]": side_ne,
                    "service": service,
                    "service[ne]": service_ne,
                    "in_force_at": in_force_at,
                },
            ).json(),
        )

    def assign_tariff(
        self, account_id: str, body: NewAssignment, *, idempotency_key: str | None = None
    ) -> AssignmentChanged:
        """Give an account a tariff."""
        return cast(
            "AssignmentChanged",
            self._ask(
                "POST", f"/api/v1/accounts/{account_id}/tariffs", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def end_assignment(
        self, account_id: str, assignment_id: int, body: AssignmentEnding, *, idempotency_key: str | None = None
    ) -> AssignmentChanged:
        """Let an account have a tariff no longer."""
        return cast(
            "AssignmentChanged",
            self._ask(
                "POST",
                f"/api/v1/accounts/{account_id}/tariffs/{assignment_id}/end",
                json=body,
                idempotency_key=idempotency_key,
            ).json(),
        )

    def get_account_statement(
        self,
        account_id: str,
        *,
        books: Literal["invoiced", "unbilled", "all"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AccountStatementShown:
        """What was booked of an account on some days, each line with the balance after it. What it owes us is above zero."""
        return cast(
            "AccountStatementShown",
            self._ask(
                "GET",
                f"/api/v1/accounts/{account_id}/statement",
                query={"books": books, "from": from_, "to": to, "limit": limit, "cursor": cursor},
            ).json(),
        )

    def list_tariffs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "created_at", "-created_at"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        currency: str | None = None,
        currency_ne: str | None = None,
        unit: Literal["second", "octet", "message"] | None = None,
        unit_ne: Literal["second", "octet", "message"] | None = None,
        origin_deck: str | None = None,
        origin_deck_ne: str | None = None,
        parent_id: str | None = None,
        created_at: str | None = None,
        created_at_gt: str | None = None,
        created_at_gte: str | None = None,
        created_at_lt: str | None = None,
        created_at_lte: str | None = None,
    ) -> PageTariffShownRow:
        """List the tariffs."""
        return cast(
            "PageTariffShownRow",
            self._ask(
                "GET",
                "/api/v1/tariffs",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "currency": currency,
                    "currency[ne]": currency_ne,
                    "unit": unit,
                    "unit[ne]": unit_ne,
                    "origin_deck": origin_deck,
                    "origin_deck[ne]": origin_deck_ne,
                    "parent_id": parent_id,
                    "created_at": created_at,
                    "created_at[gt]": created_at_gt,
                    "created_at[gte]": created_at_gte,
                    "created_at[lt]": created_at_lt,
                    "created_at[lte]": created_at_lte,
                },
            ).json(),
        )

    def create_tariff(self, body: NewTariff, *, idempotency_key: str | None = None) -> TariffShown:
        """Make a tariff without rates."""
        return cast(
            "TariffShown", self._ask("POST", "/api/v1/tariffs", json=body, idempotency_key=idempotency_key).json()
        )

    def get_tariff(self, tariff_id: str) -> TariffShown:
        """A tariff."""
        return cast("TariffShown", self._ask("GET", f"/api/v1/tariffs/{tariff_id}").json())

    def change_tariff(self, tariff_id: str, body: TariffChange, *, idempotency_key: str | None = None) -> TariffChanged:
        """Rename a tariff, set its clock, its origin deck or its parent."""
        return cast(
            "TariffChanged",
            self._ask("PATCH", f"/api/v1/tariffs/{tariff_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_rates(
        self,
        tariff_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["code", "-code", "id", "-id"] | None = None,
        fields: str | None = None,
        code: str | None = None,
        code_ne: str | None = None,
        code_like: str | None = None,
        destination: str | None = None,
        destination_ne: str | None = None,
        in_force_at: str | None = None,
        time_profile: str | None = None,
        time_profile_ne: str | None = None,
        tag: str | None = None,
        tag_ne: str | None = None,
        origin: str | None = None,
        origin_ne: str | None = None,
        blocked: Literal["true", "false"] | None = None,
        additive: Literal["true", "false"] | None = None,
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
    ) -> PageRateShownRow:
        """List the rates of a tariff that are not voided, by code and as they are listed."""
        return cast(
            "PageRateShownRow",
            self._ask(
                "GET",
                f"/api/v1/tariffs/{tariff_id}/rates",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "code": code,
                    "code[ne]": code_ne,
                    "code[like]": code_like,
                    "destination": destination,
                    "destination[ne]": destination_ne,
                    "in_force_at": in_force_at,
                    "time_profile": time_profile,
                    "time_profile[ne]": time_profile_ne,
                    "tag": tag,
                    "tag[ne]": tag_ne,
                    "origin": origin,
                    "origin[ne]": origin_ne,
                    "blocked": blocked,
                    "additive": additive,
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

    def load_rates(
        self,
        tariff_id: str,
        body: bytes | IO[bytes],
        *,
        supersede: bool | None = None,
        idempotency_key: str | None = None,
    ) -> LoadedRates:
        """Load a rate file (docs/formats/rates_csv.md) as the body, all of it or nothing; plain, or folded by gzip or zip."""
        return cast(
            "LoadedRates",
            self._ask(
                "POST",
                f"/api/v1/tariffs/{tariff_id}/rates",
                query={"supersede": supersede},
                content=body,
                idempotency_key=idempotency_key,
            ).json(),
        )

    def void_rates(self, tariff_id: str, body: RatesToVoid, *, idempotency_key: str | None = None) -> VoidedRates:
        """Take wrong rates out of a tariff; records that they priced keep them."""
        return cast(
            "VoidedRates",
            self._ask(
                "POST", f"/api/v1/tariffs/{tariff_id}/rates/void", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def look_at_rate_edit(
        self, tariff_id: str, body: NewRateEdit, *, idempotency_key: str | None = None
    ) -> RateEditShown:
        """Say what an edit of many rates would do, and keep it. Nothing changes until it is applied."""
        return cast(
            "RateEditShown",
            self._ask(
                "POST", f"/api/v1/tariffs/{tariff_id}/rate-edits", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_rate_edits(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["looked_at", "-looked_at"] | None = None,
        fields: str | None = None,
        state: Literal["received", "read", "compared", "applied", "undone", "discarded"] | None = None,
        state_ne: Literal["received", "read", "compared", "applied", "undone", "discarded"] | None = None,
        tariff_id: str | None = None,
        looked_at: str | None = None,
        looked_at_gt: str | None = None,
        looked_at_gte: str | None = None,
        looked_at_lt: str | None = None,
        looked_at_lte: str | None = None,
    ) -> PageRateEditShownRow:
        """List the edits of many rates, the latest first."""
        return cast(
            "PageRateEditShownRow",
            self._ask(
                "GET",
                "/api/v1/rate-edits",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "tariff_id": tariff_id,
                    "looked_at": looked_at,
                    "looked_at[gt]": looked_at_gt,
                    "looked_at[gte]": looked_at_gte,
                    "looked_at[lt]": looked_at_lt,
                    "looked_at[lte]": looked_at_lte,
                },
            ).json(),
        )

    def get_rate_edit(self, rate_edit_id: str) -> RateEditShown:
        """An edit of many rates: what it would do, what became of it."""
        return cast("RateEditShown", self._ask("GET", f"/api/v1/rate-edits/{rate_edit_id}").json())

    def apply_rate_edit(
        self, rate_edit_id: str, body: RateEditApply, *, idempotency_key: str | None = None
    ) -> RateEditShown:
        """Make an edit true, all of it at once; a worker does it where it is large (202): poll `work`. A re-rating is proposed where it reaches into posted traffic.

        409 `tariff_changed` where the tariff was changed since it was looked at: look again."""
        return cast(
            "RateEditShown",
            self._ask(
                "POST", f"/api/v1/rate-edits/{rate_edit_id}/apply", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def undo_rate_edit(
        self, rate_edit_id: str, body: SheetReason, *, idempotency_key: str | None = None
    ) -> RateEditShown:
        """Take an edit back: the prices that stood before it stand again; a worker does it where it is large (202). Later changes of the tariff are undone first."""
        return cast(
            "RateEditShown",
            self._ask(
                "POST", f"/api/v1/rate-edits/{rate_edit_id}/undo", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def discard_rate_edit(
        self, rate_edit_id: str, body: SheetReason, *, idempotency_key: str | None = None
    ) -> RateEditShown:
        """Say no to an edit that is not applied; it stays in the history."""
        return cast(
            "RateEditShown",
            self._ask(
                "POST", f"/api/v1/rate-edits/{rate_edit_id}/discard", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def get_rate_analysis(
        self,
        *,
        tariff: list[str] | None = None,
        vendor: list[str] | None = None,
        customer: list[str] | None = None,
        at: str | None = None,
        service: Literal["voice", "sms", "data", "event"] | None = None,
        currency: str | None = None,
        call: int | None = None,
        by: Literal["code", "destination"] | None = None,
        form: Literal["side", "least"] | None = None,
        positions: int | None = None,
        against_tariff: str | None = None,
        against_vendor: str | None = None,
        against_customer: str | None = None,
        against: Literal["sell", "buy"] | None = None,
        below: str | None = None,
        code: str | None = None,
        destination: str | None = None,
        country: str | None = None,
        deck: str | None = None,
        average: Literal["codes", "minutes"] | None = None,
        minutes: MinutesOf | None = None,
        days: int | None = None,
        tag: list[str] | None = None,
        offset: int | None = None,
        limit: int | None = None,
        format: AnalysisFormat | None = None,
    ) -> AnalysisShown:
        """What each price list asks for the same call: side by side, or the cheapest first."""
        return cast(
            "AnalysisShown",
            self._ask(
                "GET",
                "/api/v1/rate-analysis",
                query={
                    "tariff": tariff,
                    "vendor": vendor,
                    "customer": customer,
                    "at": at,
                    "service": service,
                    "currency": currency,
                    "call": call,
                    "by": by,
                    "form": form,
                    "positions": positions,
                    "against_tariff": against_tariff,
                    "against_vendor": against_vendor,
                    "against_customer": against_customer,
                    "against": against,
                    "below": below,
                    "code": code,
                    "destination": destination,
                    "country": country,
                    "deck": deck,
                    "average": average,
                    "minutes": minutes,
                    "days": days,
                    "tag": tag,
                    "offset": offset,
                    "limit": limit,
                    "format": format,
                },
            ).json(),
        )

    def list_deals(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "starts_on", "-starts_on"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        account_id: str | None = None,
        starts_on: str | None = None,
        starts_on_gt: str | None = None,
        starts_on_gte: str | None = None,
        starts_on_lt: str | None = None,
        starts_on_lte: str | None = None,
        is_active: Literal["true", "false"] | None = None,
    ) -> PageDealShownRow:
        """List the deals with the progress of their periods of today."""
        return cast(
            "PageDealShownRow",
            self._ask(
                "GET",
                "/api/v1/deals",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "account_id": account_id,
                    "starts_on": starts_on,
                    "starts_on[gt]": starts_on_gt,
                    "starts_on[gte]": starts_on_gte,
                    "starts_on[lt]": starts_on_lt,
                    "starts_on[lte]": starts_on_lte,
                    "is_active": is_active,
                },
            ).json(),
        )

    def create_deal(self, body: NewDeal, *, idempotency_key: str | None = None) -> DealShown:
        """Make a deal."""
        return cast("DealShown", self._ask("POST", "/api/v1/deals", json=body, idempotency_key=idempotency_key).json())

    def get_deal(self, deal_id: str) -> DealShown:
        """A deal, with the progress of its period of today."""
        return cast("DealShown", self._ask("GET", f"/api/v1/deals/{deal_id}").json())

    def change_deal(self, deal_id: str, body: DealChange, *, idempotency_key: str | None = None) -> DealShown:
        """Change, archive or restore a deal; progress of periods that are over changes with what is promised."""
        return cast(
            "DealShown",
            self._ask("PATCH", f"/api/v1/deals/{deal_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_deal_periods(self, deal_id: str) -> DealPeriods:
        """Every period of a deal with its progress."""
        return cast("DealPeriods", self._ask("GET", f"/api/v1/deals/{deal_id}/periods").json())

    def list_deal_alarms(
        self,
        deal_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["raised_at", "-raised_at", "id", "-id"] | None = None,
        fields: str | None = None,
    ) -> PageDealAlarmShownRow:
        """List what was told of a deal."""
        return cast(
            "PageDealAlarmShownRow",
            self._ask(
                "GET",
                f"/api/v1/deals/{deal_id}/alarms",
                query={"limit": limit, "cursor": cursor, "sort": sort, "fields": fields},
            ).json(),
        )

    def list_sheets(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["created_at", "-created_at", "notified_at", "-notified_at"] | None = None,
        fields: str | None = None,
        state: Literal["received", "read", "compared", "applied", "undone", "discarded"] | None = None,
        state_ne: Literal["received", "read", "compared", "applied", "undone", "discarded"] | None = None,
        tariff_id: str | None = None,
        tariff: str | None = None,
        tariff_ne: str | None = None,
        template_id: int | None = None,
        template_id_gt: int | None = None,
        template_id_gte: int | None = None,
        template_id_lt: int | None = None,
        template_id_lte: int | None = None,
        scope: Literal["full", "country", "partial"] | None = None,
        scope_ne: Literal["full", "country", "partial"] | None = None,
        file_name: str | None = None,
        file_name_ne: str | None = None,
        file_name_like: str | None = None,
        sha256: str | None = None,
        sha256_ne: str | None = None,
        created_at: str | None = None,
        created_at_gt: str | None = None,
        created_at_gte: str | None = None,
        created_at_lt: str | None = None,
        created_at_lte: str | None = None,
        notified_at: str | None = None,
        notified_at_gt: str | None = None,
        notified_at_gte: str | None = None,
        notified_at_lt: str | None = None,
        notified_at_lte: str | None = None,
        applied_at: str | None = None,
        applied_at_gt: str | None = None,
        applied_at_gte: str | None = None,
        applied_at_lt: str | None = None,
        applied_at_lte: str | None = None,
    ) -> PageSheetShownRow:
        """List the rate sheets, the latest first: what came, what became of it."""
        return cast(
            "PageSheetShownRow",
            self._ask(
                "GET",
                "/api/v1/sheets",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "tariff_id": tariff_id,
                    "tariff": tariff,
                    "tariff[ne]": tariff_ne,
                    "template_id": template_id,
                    "template_id[gt]": template_id_gt,
                    "template_id[gte]": template_id_gte,
                    "template_id[lt]": template_id_lt,
                    "template_id[lte]": template_id_lte,
                    "scope": scope,
                    "scope[ne]": scope_ne,
                    "file_name": file_name,
                    "file_name[ne]": file_name_ne,
                    "file_name[like]": file_name_like,
                    "sha256": sha256,
                    "sha256[ne]": sha256_ne,
                    "created_at": created_at,
                    "created_at[gt]": created_at_gt,
                    "created_at[gte]": created_at_gte,
                    "created_at[lt]": created_at_lt,
                    "created_at[lte]": created_at_lte,
                    "notified_at": notified_at,
                    "notified_at[gt]": notified_at_gt,
                    "notified_at[gte]": notified_at_gte,
                    "notified_at[lt]": notified_at_lt,
                    "notified_at[lte]": notified_at_lte,
                    "applied_at": applied_at,
                    "applied_at[gt]": applied_at_gt,
                    "applied_at[gte]": applied_at_gte,
                    "applied_at[lt]": applied_at_lt,
                    "applied_at[lte]": applied_at_lte,
                },
            ).json(),
        )

    def load_sheet(
        self,
        file: Upload,
        *,
        layout: Upload | None = None,
        tariff_id: str | None = None,
        template_id: int | None = None,
        agreement_id: int | None = None,
        scope: ScopeChoice | None = None,
        effective_at: str | None = None,
        received_at: str | None = None,
        subject: str | None = None,
        reach_back: bool | None = None,
        idempotency_key: str | None = None,
    ) -> SheetShown:
        """Compare a rate sheet with the prices in force and keep it. Nothing changes until it is applied.

        The same file, asked for in the same way while nothing has changed and it still waits, is the sheet that is already there (200): it can be
        sent again after a failure without harm, and needs no `Idempotency-Key`."""
        return cast(
            "SheetShown",
            self._ask(
                "POST",
                "/api/v1/sheets",
                query={
                    "tariff_id": tariff_id,
                    "template_id": template_id,
                    "agreement_id": agreement_id,
                    "scope": scope,
                    "effective_at": effective_at,
                    "received_at": received_at,
                    "subject": subject,
                    "reach_back": reach_back,
                },
                files={"file": file, "layout": layout},
                idempotency_key=idempotency_key,
            ).json(),
        )

    def read_sheet(
        self,
        file: Upload,
        *,
        layout: Upload | None = None,
        template_id: int | None = None,
        received_on: str | None = None,
        effective_on: str | None = None,
        subject: str | None = None,
        idempotency_key: str | None = None,
    ) -> SheetReading:
        """Say what is understood of a rate sheet: layout with confidence, columns, scope, counts, sample lines, rows that cannot be read. Nothing is kept.

        With `layout` in the form it is read by that, and nothing is guessed."""
        return cast(
            "SheetReading",
            self._ask(
                "POST",
                "/api/v1/sheets/read",
                query={
                    "template_id": template_id,
                    "received_on": received_on,
                    "effective_on": effective_on,
                    "subject": subject,
                },
                files={"file": file, "layout": layout},
                idempotency_key=idempotency_key,
            ).json(),
        )

    def get_sheet(self, sheet_id: str) -> SheetShown:
        """A rate sheet: what it changes, what the checks say, what became of it."""
        return cast("SheetShown", self._ask("GET", f"/api/v1/sheets/{sheet_id}").json())

    def list_sheet_lines(
        self,
        sheet_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        fields: str | None = None,
        kind: str | None = None,
        code: str | None = None,
    ) -> PageSheetLineRow:
        """List the lines of a sheet by kind of change, what is looked at first first."""
        return cast(
            "PageSheetLineRow",
            self._ask(
                "GET",
                f"/api/v1/sheets/{sheet_id}/lines",
                query={"limit": limit, "cursor": cursor, "fields": fields, "kind": kind, "code": code},
            ).json(),
        )

    def list_closed_codes(
        self, sheet_id: str, *, limit: int | None = None, cursor: str | None = None, fields: str | None = None
    ) -> PageClosedCodeRow:
        """List the codes that a sheet closes or leaves out, and what their numbers fall to."""
        return cast(
            "PageClosedCodeRow",
            self._ask(
                "GET",
                f"/api/v1/sheets/{sheet_id}/closed-codes",
                query={"limit": limit, "cursor": cursor, "fields": fields},
            ).json(),
        )

    def list_sheet_errors(
        self, sheet_id: str, *, limit: int | None = None, cursor: str | None = None, fields: str | None = None
    ) -> PageSheetErrorRow:
        """List the rows of a sheet that cannot be read: where, why, and what stands there."""
        return cast(
            "PageSheetErrorRow",
            self._ask(
                "GET", f"/api/v1/sheets/{sheet_id}/errors", query={"limit": limit, "cursor": cursor, "fields": fields}
            ).json(),
        )

    def get_sheet_file(self, sheet_id: str) -> bytes:
        """The file as it came."""
        return self._ask("GET", f"/api/v1/sheets/{sheet_id}/file").content

    def apply_sheet(self, sheet_id: str, body: SheetApply, *, idempotency_key: str | None = None) -> SheetShown:
        """Make a sheet's changes true, all of them at once; a worker does it where it is large (202): poll `work`.

        A re-rating is proposed where they reach into posted traffic."""
        return cast(
            "SheetShown",
            self._ask("POST", f"/api/v1/sheets/{sheet_id}/apply", json=body, idempotency_key=idempotency_key).json(),
        )

    def undo_sheet(self, sheet_id: str, body: SheetReason, *, idempotency_key: str | None = None) -> SheetShown:
        """Take a sheet back: the prices that stood before it stand again; a worker does it where it is large (202). Later changes of the tariff are undone first."""
        return cast(
            "SheetShown",
            self._ask("POST", f"/api/v1/sheets/{sheet_id}/undo", json=body, idempotency_key=idempotency_key).json(),
        )

    def discard_sheet(self, sheet_id: str, body: SheetReason, *, idempotency_key: str | None = None) -> SheetShown:
        """Say no to a sheet that is compared; it stays in the history."""
        return cast(
            "SheetShown",
            self._ask("POST", f"/api/v1/sheets/{sheet_id}/discard", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_sheet_templates(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "id", "-id"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        tariff_id: str | None = None,
        tariff: str | None = None,
        tariff_ne: str | None = None,
    ) -> PageTemplateShownRow:
        """List the templates of rate sheets."""
        return cast(
            "PageTemplateShownRow",
            self._ask(
                "GET",
                "/api/v1/sheet-templates",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "tariff_id": tariff_id,
                    "tariff": tariff,
                    "tariff[ne]": tariff_ne,
                },
            ).json(),
        )

    def create_sheet_template(self, body: NewTemplate, *, idempotency_key: str | None = None) -> TemplateShown:
        """Make a template: with it a sheet of the vendor needs nothing else said."""
        return cast(
            "TemplateShown",
            self._ask("POST", "/api/v1/sheet-templates", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_sheet_template(self, template_id: int) -> TemplateShown:
        """A template of rate sheets."""
        return cast("TemplateShown", self._ask("GET", f"/api/v1/sheet-templates/{template_id}").json())

    def change_sheet_template(
        self, template_id: int, body: TemplateChange, *, idempotency_key: str | None = None
    ) -> TemplateShown:
        """Change a template. It holds for the sheets that are compared from now on."""
        return cast(
            "TemplateShown",
            self._ask(
                "PATCH", f"/api/v1/sheet-templates/{template_id}", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_agreements(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "id", "-id"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
    ) -> PageAgreementShownRow:
        """List the agreements about notice."""
        return cast(
            "PageAgreementShownRow",
            self._ask(
                "GET",
                "/api/v1/agreements",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                },
            ).json(),
        )

    def create_agreement(self, body: NewAgreement, *, idempotency_key: str | None = None) -> AgreementShown:
        """Make an agreement."""
        return cast(
            "AgreementShown", self._ask("POST", "/api/v1/agreements", json=body, idempotency_key=idempotency_key).json()
        )

    def get_agreement(self, agreement_id: int) -> AgreementShown:
        """An agreement."""
        return cast("AgreementShown", self._ask("GET", f"/api/v1/agreements/{agreement_id}").json())

    def change_agreement(
        self, agreement_id: int, body: AgreementChange, *, idempotency_key: str | None = None
    ) -> AgreementShown:
        """Change an agreement. It holds for the sheets that are compared from now on."""
        return cast(
            "AgreementShown",
            self._ask("PATCH", f"/api/v1/agreements/{agreement_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_mailboxes(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        is_active: Literal["true", "false"] | None = None,
    ) -> PageMailboxShownRow:
        """List the mailboxes and how each is doing."""
        return cast(
            "PageMailboxShownRow",
            self._ask(
                "GET",
                "/api/v1/mailboxes",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "is_active": is_active,
                },
            ).json(),
        )

    def create_mailbox(self, body: NewMailbox, *, idempotency_key: str | None = None) -> MailboxShown:
        """Make a mailbox; a worker looks into it from now on."""
        return cast(
            "MailboxShown", self._ask("POST", "/api/v1/mailboxes", json=body, idempotency_key=idempotency_key).json()
        )

    def get_mailbox(self, mailbox_id: str) -> MailboxShown:
        """A mailbox, and how it is doing. Its `ETag` is of what people say of it."""
        return cast("MailboxShown", self._ask("GET", f"/api/v1/mailboxes/{mailbox_id}").json())

    def change_mailbox(
        self, mailbox_id: str, body: MailboxChange, *, idempotency_key: str | None = None
    ) -> MailboxShown:
        """Change a mailbox. The next look is due at once."""
        return cast(
            "MailboxShown",
            self._ask("PATCH", f"/api/v1/mailboxes/{mailbox_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def remove_mailbox(self, mailbox_id: str) -> None:
        """Forget a mailbox, its password, rules and mails. Sheets that came by it stay, and so do the mails on the server."""
        self._ask("DELETE", f"/api/v1/mailboxes/{mailbox_id}")

    def pause_mailbox(self, mailbox_id: str, *, idempotency_key: str | None = None) -> MailboxShown:
        """Look into a mailbox no more until it is resumed."""
        return cast(
            "MailboxShown",
            self._ask("POST", f"/api/v1/mailboxes/{mailbox_id}/pause", idempotency_key=idempotency_key).json(),
        )

    def resume_mailbox(self, mailbox_id: str, *, idempotency_key: str | None = None) -> MailboxShown:
        """Look into a paused mailbox again; what came meanwhile is taken."""
        return cast(
            "MailboxShown",
            self._ask("POST", f"/api/v1/mailboxes/{mailbox_id}/resume", idempotency_key=idempotency_key).json(),
        )

    def ask_mailbox_fingerprint(self, mailbox_id: str, *, idempotency_key: str | None = None) -> Fingerprint:
        """Ask the server of a mailbox for its certificate now. Nobody logs in, and nothing is trusted by it."""
        return cast(
            "Fingerprint",
            self._ask("POST", f"/api/v1/mailboxes/{mailbox_id}/fingerprint", idempotency_key=idempotency_key).json(),
        )

    def trust_mailbox(self, mailbox_id: str, body: Trust, *, idempotency_key: str | None = None) -> MailboxShown:
        """Trust the certificate of that fingerprint, and no other. The next look is due at once."""
        return cast(
            "MailboxShown",
            self._ask(
                "POST", f"/api/v1/mailboxes/{mailbox_id}/trust", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def look_into_mailbox(self, mailbox_id: str, *, idempotency_key: str | None = None) -> MailboxShown:
        """Have a worker look into a mailbox at once. What it found is polled: `feed.looked_at`, and the mails."""
        return cast(
            "MailboxShown",
            self._ask("POST", f"/api/v1/mailboxes/{mailbox_id}/look", idempotency_key=idempotency_key).json(),
        )

    def list_mail_rules(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["position", "-position", "name", "-name"] | None = None,
        fields: str | None = None,
        mailbox_id: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        template_id: int | None = None,
        template_id_gt: int | None = None,
        template_id_gte: int | None = None,
        template_id_lt: int | None = None,
        template_id_lte: int | None = None,
        action: Literal["compare", "ignore"] | None = None,
        action_ne: Literal["compare", "ignore"] | None = None,
        applies_itself: Literal["true", "false"] | None = None,
    ) -> PageRuleShownRow:
        """List the rules of mailboxes in the order in which they are tried."""
        return cast(
            "PageRuleShownRow",
            self._ask(
                "GET",
                "/api/v1/mail-rules",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "mailbox_id": mailbox_id,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "template_id": template_id,
                    "template_id[gt]": template_id_gt,
                    "template_id[gte]": template_id_gte,
                    "template_id[lt]": template_id_lt,
                    "template_id[lte]": template_id_lte,
                    "action": action,
                    "action[ne]": action_ne,
                    "applies_itself": applies_itself,
                },
            ).json(),
        )

    def create_mail_rule(self, body: NewRule, *, idempotency_key: str | None = None) -> RuleShown:
        """Make a rule of a mailbox. Mails that no rule fitted can be read again: `read_mail_again`."""
        return cast(
            "RuleShown", self._ask("POST", "/api/v1/mail-rules", json=body, idempotency_key=idempotency_key).json()
        )

    def get_mail_rule(self, mail_rule_id: str) -> RuleShown:
        """A rule of a mailbox."""
        return cast("RuleShown", self._ask("GET", f"/api/v1/mail-rules/{mail_rule_id}").json())

    def change_mail_rule(self, mail_rule_id: str, body: RuleChange, *, idempotency_key: str | None = None) -> RuleShown:
        """Change a rule. It holds for mails that are read from now on."""
        return cast(
            "RuleShown",
            self._ask("PATCH", f"/api/v1/mail-rules/{mail_rule_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def remove_mail_rule(self, mail_rule_id: str) -> None:
        """Forget a rule. What it did stays."""
        self._ask("DELETE", f"/api/v1/mail-rules/{mail_rule_id}")

    def list_mails(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["received_at", "-received_at", "seen_at", "-seen_at"] | None = None,
        fields: str | None = None,
        mailbox_id: str | None = None,
        rule_id: str | None = None,
        state: Literal[
            "new",
            "waiting",
            "unclear",
            "row_errors",
            "refused",
            "wrong_type",
            "bad_archive",
            "empty",
            "too_large",
            "no_attachment",
            "failed",
            "gone",
            "no_rule",
            "ignored",
            "duplicate",
            "applied",
            "undone",
            "discarded",
            "dismissed",
        ]
        | None = None,
        state_ne: Literal[
            "new",
            "waiting",
            "unclear",
            "row_errors",
            "refused",
            "wrong_type",
            "bad_archive",
            "empty",
            "too_large",
            "no_attachment",
            "failed",
            "gone",
            "no_rule",
            "ignored",
            "duplicate",
            "applied",
            "undone",
            "discarded",
            "dismissed",
        ]
        | None = None,
        sender: str | None = None,
        sender_ne: str | None = None,
        sender_like: str | None = None,
        message_id: str | None = None,
        message_id_ne: str | None = None,
        received_at: str | None = None,
        received_at_gt: str | None = None,
        received_at_gte: str | None = None,
        received_at_lt: str | None = None,
        received_at_lte: str | None = None,
    ) -> PageMailShownRow:
        """List the mails, those that came last first: what hung on them, and what became of it."""
        return cast(
            "PageMailShownRow",
            self._ask(
                "GET",
                "/api/v1/mails",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "mailbox_id": mailbox_id,
                    "rule_id": rule_id,
                    "state": state,
                    "state[ne]": state_ne,
                    "sender": sender,
                    "sender[ne]": sender_ne,
                    "sender[like]": sender_like,
                    "message_id": message_id,
                    "message_id[ne]": message_id_ne,
                    "received_at": received_at,
                    "received_at[gt]": received_at_gt,
                    "received_at[gte]": received_at_gte,
                    "received_at[lt]": received_at_lt,
                    "received_at[lte]": received_at_lte,
                },
            ).json(),
        )

    def get_mail(self, mail_id: str) -> MailShown:
        """A mail, and what became of it."""
        return cast("MailShown", self._ask("GET", f"/api/v1/mails/{mail_id}").json())

    def read_mail_again(self, mail_id: str, *, idempotency_key: str | None = None) -> MailShown:
        """Have a mail read once more at the next look, which is due at once, by the rules as they are now."""
        return cast(
            "MailShown", self._ask("POST", f"/api/v1/mails/{mail_id}/again", idempotency_key=idempotency_key).json()
        )

    def dismiss_mail(self, mail_id: str, body: MailReason, *, idempotency_key: str | None = None) -> MailShown:
        """Set a mail aside: nothing is to be done."""
        return cast(
            "MailShown",
            self._ask("POST", f"/api/v1/mails/{mail_id}/dismiss", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_time_profiles(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "id", "-id"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
    ) -> PageTimeProfileShownRow:
        """List the time profiles."""
        return cast(
            "PageTimeProfileShownRow",
            self._ask(
                "GET",
                "/api/v1/time-profiles",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                },
            ).json(),
        )

    def create_time_profile(self, body: NewTimeProfile, *, idempotency_key: str | None = None) -> TimeProfileShown:
        """Make a time profile."""
        return cast(
            "TimeProfileShown",
            self._ask("POST", "/api/v1/time-profiles", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_time_profile(self, profile_id: int) -> TimeProfileShown:
        """A time profile."""
        return cast("TimeProfileShown", self._ask("GET", f"/api/v1/time-profiles/{profile_id}").json())

    def change_time_profile(
        self, profile_id: int, body: TimeProfileChange, *, idempotency_key: str | None = None
    ) -> TimeProfileChanged:
        """Set the windows of a time profile, for every tariff that uses it."""
        return cast(
            "TimeProfileChanged",
            self._ask(
                "PATCH", f"/api/v1/time-profiles/{profile_id}", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_exchange_rates(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["on", "-on", "id", "-id"] | None = None,
        fields: str | None = None,
        base: str | None = None,
        base_ne: str | None = None,
        quote: str | None = None,
        quote_ne: str | None = None,
        on: str | None = None,
        on_gt: str | None = None,
        on_gte: str | None = None,
        on_lt: str | None = None,
        on_lte: str | None = None,
        source: str | None = None,
        source_ne: str | None = None,
    ) -> PageExchangeRateShownRow:
        """List the exchange rates as they were published, the latest first."""
        return cast(
            "PageExchangeRateShownRow",
            self._ask(
                "GET",
                "/api/v1/exchange-rates",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "base": base,
                    "base[ne]": base_ne,
                    "quote": quote,
                    "quote[ne]": quote_ne,
                    "on": on,
                    "on[gt]": on_gt,
                    "on[gte]": on_gte,
                    "on[lt]": on_lt,
                    "on[lte]": on_lte,
                    "source": source,
                    "source[ne]": source_ne,
                },
            ).json(),
        )

    def set_exchange_rate(self, body: NewExchangeRate, *, idempotency_key: str | None = None) -> ExchangeRateStated:
        """State one exchange rate; saying it again for the day replaces it."""
        return cast(
            "ExchangeRateStated",
            self._ask("POST", "/api/v1/exchange-rates", json=body, idempotency_key=idempotency_key).json(),
        )

    def load_exchange_rates(
        self,
        body: bytes | IO[bytes],
        *,
        base: str | None = None,
        source: str | None = None,
        replace: bool | None = None,
        idempotency_key: str | None = None,
    ) -> LoadedExchangeRates:
        """Load a file of exchange rates (docs/formats/exchange_rates_csv.md) as the body, all of it or nothing."""
        return cast(
            "LoadedExchangeRates",
            self._ask(
                "POST",
                "/api/v1/exchange-rates/load",
                query={"base": base, "source": source, "replace": replace},
                content=body,
                idempotency_key=idempotency_key,
            ).json(),
        )

    def get_exchange_rate(self, *, base: str, quote: str, on: str) -> EffectiveRate:
        """The exchange rate that holds on a day, cross rates as exact ratios (docs/algorithms/exchange.md)."""
        return cast(
            "EffectiveRate",
            self._ask("GET", "/api/v1/exchange-rates/effective", query={"base": base, "quote": quote, "on": on}).json(),
        )

    def list_decks(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "id", "-id"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        is_default: Literal["true", "false"] | None = None,
    ) -> PageDeckShownRow:
        """List the code decks."""
        return cast(
            "PageDeckShownRow",
            self._ask(
                "GET",
                "/api/v1/decks",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "is_default": is_default,
                },
            ).json(),
        )

    def create_deck(self, body: NewDeck, *, idempotency_key: str | None = None) -> DeckShown:
        """Make a code deck without codes; the first one is the default."""
        return cast("DeckShown", self._ask("POST", "/api/v1/decks", json=body, idempotency_key=idempotency_key).json())

    def get_deck(self, deck_id: int) -> DeckShown:
        """A code deck."""
        return cast("DeckShown", self._ask("GET", f"/api/v1/decks/{deck_id}").json())

    def change_deck(self, deck_id: int, body: DeckToChange, *, idempotency_key: str | None = None) -> DeckShown:
        """Rename a code deck, or choose the one that sheets of names are matched to."""
        return cast(
            "DeckShown",
            self._ask("PATCH", f"/api/v1/decks/{deck_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def export_deck(self, deck_id: int, *, kind: Literal["csv", "xlsx"] | None = None) -> bytes:
        """A code deck as a file; compared with the deck it changes nothing."""
        return self._ask("GET", f"/api/v1/decks/{deck_id}/export", query={"kind": kind}).content

    def name_codes(self, deck_id: int, body: CodesToName, *, idempotency_key: str | None = None) -> ChangeShown:
        """Name codes by hand, or take them out, at once."""
        return cast(
            "ChangeShown",
            self._ask("POST", f"/api/v1/decks/{deck_id}/codes", json=body, idempotency_key=idempotency_key).json(),
        )

    def compare_deck(
        self,
        deck_id: int,
        body: bytes | IO[bytes],
        *,
        name: str | None = None,
        mode: Literal["add", "update"] | None = None,
        idempotency_key: str | None = None,
    ) -> ChangeShown:
        """Compare a file of codes and names, the body, with a deck: CSV of any kind, XLSX, XLS, ODS, zip; a rate sheet too. Nothing changes yet.

        A worker does it where the file is large (202): poll `GET /deck-changes/{deck_change_id}`."""
        return cast(
            "ChangeShown",
            self._ask(
                "POST",
                f"/api/v1/decks/{deck_id}/changes",
                query={"name": name, "mode": mode},
                content=body,
                idempotency_key=idempotency_key,
            ).json(),
        )

    def compare_world(self, deck_id: int, body: World, *, idempotency_key: str | None = None) -> ChangeShown:
        """Compare the world's numbering plans with a deck: a start for one's own. Nothing changes yet."""
        return cast(
            "ChangeShown",
            self._ask("POST", f"/api/v1/decks/{deck_id}/world", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_codes(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["code", "-code", "id", "-id"] | None = None,
        fields: str | None = None,
        deck_id: int | None = None,
        deck_id_gt: int | None = None,
        deck_id_gte: int | None = None,
        deck_id_lt: int | None = None,
        deck_id_lte: int | None = None,
        code: str | None = None,
        code_ne: str | None = None,
        code_like: str | None = None,
        destination: str | None = None,
        destination_ne: str | None = None,
        destination_like: str | None = None,
        country: str | None = None,
        country_ne: str | None = None,
        kind: Literal["fixed", "mobile", "special", "toll_free", "other"] | None = None,
        kind_ne: Literal["fixed", "mobile", "special", "toll_free", "other"] | None = None,
    ) -> PageCodeShownRow:
        """List the codes of decks, by code."""
        return cast(
            "PageCodeShownRow",
            self._ask(
                "GET",
                "/api/v1/codes",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "deck_id": deck_id,
                    "deck_id[gt]": deck_id_gt,
                    "deck_id[gte]": deck_id_gte,
                    "deck_id[lt]": deck_id_lt,
                    "deck_id[lte]": deck_id_lte,
                    "code": code,
                    "code[ne]": code_ne,
                    "code[like]": code_like,
                    "destination": destination,
                    "destination[ne]": destination_ne,
                    "destination[like]": destination_like,
                    "country": country,
                    "country[ne]": country_ne,
                    "kind": kind,
                    "kind[ne]": kind_ne,
                },
            ).json(),
        )

    def list_deck_changes(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["created_at", "-created_at"] | None = None,
        fields: str | None = None,
        deck_id: int | None = None,
        deck_id_gt: int | None = None,
        deck_id_gte: int | None = None,
        deck_id_lt: int | None = None,
        deck_id_lte: int | None = None,
        state: Literal["received", "read", "compared", "applied", "undone", "discarded"] | None = None,
        state_ne: Literal["received", "read", "compared", "applied", "undone", "discarded"] | None = None,
        source: Literal["sheet", "hand", "world"] | None = None,
        source_ne: Literal["sheet", "hand", "world"] | None = None,
        created_at: str | None = None,
        created_at_gt: str | None = None,
        created_at_gte: str | None = None,
        created_at_lt: str | None = None,
        created_at_lte: str | None = None,
    ) -> PageChangeShownRow:
        """List the changes of code decks, the latest first."""
        return cast(
            "PageChangeShownRow",
            self._ask(
                "GET",
                "/api/v1/deck-changes",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "deck_id": deck_id,
                    "deck_id[gt]": deck_id_gt,
                    "deck_id[gte]": deck_id_gte,
                    "deck_id[lt]": deck_id_lt,
                    "deck_id[lte]": deck_id_lte,
                    "state": state,
                    "state[ne]": state_ne,
                    "source": source,
                    "source[ne]": source_ne,
                    "created_at": created_at,
                    "created_at[gt]": created_at_gt,
                    "created_at[gte]": created_at_gte,
                    "created_at[lt]": created_at_lt,
                    "created_at[lte]": created_at_lte,
                },
            ).json(),
        )

    def get_deck_change(self, deck_change_id: str) -> ChangeShown:
        """A change of a code deck."""
        return cast("ChangeShown", self._ask("GET", f"/api/v1/deck-changes/{deck_change_id}").json())

    def list_deck_change_lines(
        self,
        deck_change_id: str,
        *,
        kind: Literal["contradicted", "moved", "renamed", "respelled", "new", "same"] | None | None = None,
        code: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> ComparedLines:
        """The lines of a change as they were compared, conflicts first; and the rows that gave none."""
        return cast(
            "ComparedLines",
            self._ask(
                "GET",
                f"/api/v1/deck-changes/{deck_change_id}/lines",
                query={"kind": kind, "code": code, "limit": limit, "offset": offset},
            ).json(),
        )

    def apply_deck_change(
        self, deck_change_id: str, body: Application, *, idempotency_key: str | None = None
    ) -> ChangeShown:
        """Bring what was compared into the deck, all of it at once; special rates follow. A worker does it where it is large (202): poll `work`."""
        return cast(
            "ChangeShown",
            self._ask(
                "POST", f"/api/v1/deck-changes/{deck_change_id}/apply", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def undo_deck_change(
        self, deck_change_id: str, body: Because, *, idempotency_key: str | None = None
    ) -> ChangeShown:
        """Take a change of a deck back: each of its codes is what it was before. A worker does it where it is large (202)."""
        return cast(
            "ChangeShown",
            self._ask(
                "POST", f"/api/v1/deck-changes/{deck_change_id}/undo", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def discard_deck_change(
        self, deck_change_id: str, body: Because, *, idempotency_key: str | None = None
    ) -> ChangeShown:
        """Say no to a change that is compared; it stays in the history."""
        return cast(
            "ChangeShown",
            self._ask(
                "POST", f"/api/v1/deck-changes/{deck_change_id}/discard", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_destination_groups(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "id", "-id"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
    ) -> PageGroupShownRow:
        """List the destination groups."""
        return cast(
            "PageGroupShownRow",
            self._ask(
                "GET",
                "/api/v1/destination-groups",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                },
            ).json(),
        )

    def create_destination_group(self, body: NewGroup, *, idempotency_key: str | None = None) -> GroupWithMembers:
        """Make a destination group."""
        return cast(
            "GroupWithMembers",
            self._ask("POST", "/api/v1/destination-groups", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_destination_group(self, group_id: int) -> GroupWithMembers:
        """A destination group with its destinations."""
        return cast("GroupWithMembers", self._ask("GET", f"/api/v1/destination-groups/{group_id}").json())

    def change_destination_group(
        self, group_id: int, body: GroupChange, *, idempotency_key: str | None = None
    ) -> GroupWithMembers:
        """Rename a group or set its destinations; special rates for it follow."""
        return cast(
            "GroupWithMembers",
            self._ask(
                "PATCH", f"/api/v1/destination-groups/{group_id}", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_special_rates(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["valid_from", "-valid_from", "created_at", "-created_at"] | None = None,
        fields: str | None = None,
        tariff_id: str | None = None,
        destination: str | None = None,
        destination_ne: str | None = None,
        destination_like: str | None = None,
        group_id: int | None = None,
        group_id_gt: int | None = None,
        group_id_gte: int | None = None,
        group_id_lt: int | None = None,
        group_id_lte: int | None = None,
        deck_id: int | None = None,
        deck_id_gt: int | None = None,
        deck_id_gte: int | None = None,
        deck_id_lt: int | None = None,
        deck_id_lte: int | None = None,
        in_force_at: str | None = None,
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
    ) -> PageSpecialRateShownRow:
        """List the special rates, the latest first."""
        return cast(
            "PageSpecialRateShownRow",
            self._ask(
                "GET",
                "/api/v1/special-rates",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "tariff_id": tariff_id,
                    "destination": destination,
                    "destination[ne]": destination_ne,
                    "destination[like]": destination_like,
                    "group_id": group_id,
                    "group_id[gt]": group_id_gt,
                    "group_id[gte]": group_id_gte,
                    "group_id[lt]": group_id_lt,
                    "group_id[lte]": group_id_lte,
                    "deck_id": deck_id,
                    "deck_id[gt]": deck_id_gt,
                    "deck_id[gte]": deck_id_gte,
                    "deck_id[lt]": deck_id_lt,
                    "deck_id[lte]": deck_id_lte,
                    "in_force_at": in_force_at,
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

    def create_special_rate(self, body: NewSpecialRate, *, idempotency_key: str | None = None) -> SpecialRateChanged:
        """Give a destination or a group an exclusive price; an earlier special rate of the same ends where this begins."""
        return cast(
            "SpecialRateChanged",
            self._ask("POST", "/api/v1/special-rates", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_special_rate(self, special_rate_id: str) -> SpecialRateShown:
        """A special rate."""
        return cast("SpecialRateShown", self._ask("GET", f"/api/v1/special-rates/{special_rate_id}").json())

    def end_special_rate(
        self, special_rate_id: str, body: SpecialRateEnd, *, idempotency_key: str | None = None
    ) -> SpecialRateChanged:
        """Let a special rate end; the tariff's other rates hold again from then on."""
        return cast(
            "SpecialRateChanged",
            self._ask(
                "POST", f"/api/v1/special-rates/{special_rate_id}/end", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_generators(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        tariff_id: str | None = None,
    ) -> PageGeneratorShownRow:
        """List the generators."""
        return cast(
            "PageGeneratorShownRow",
            self._ask(
                "GET",
                "/api/v1/generators",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "tariff_id": tariff_id,
                },
            ).json(),
        )

    def create_generator(self, body: NewGenerator, *, idempotency_key: str | None = None) -> GeneratorShown:
        """Keep how a tariff is made from vendors' prices."""
        return cast(
            "GeneratorShown", self._ask("POST", "/api/v1/generators", json=body, idempotency_key=idempotency_key).json()
        )

    def get_generator(self, generator_id: str) -> GeneratorShown:
        """A generator."""
        return cast("GeneratorShown", self._ask("GET", f"/api/v1/generators/{generator_id}").json())

    def change_generator(
        self, generator_id: str, body: GeneratorChange, *, idempotency_key: str | None = None
    ) -> GeneratorShown:
        """Change a generator. Runs that were made stay what they are."""
        return cast(
            "GeneratorShown",
            self._ask("PATCH", f"/api/v1/generators/{generator_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def run_generator(self, generator_id: str, body: NewRun, *, idempotency_key: str | None = None) -> RunShown:
        """Have a worker make the prices and compare them with the tariff's. Ask `GET /generator-runs/{id}` how far it has come."""
        return cast(
            "RunShown",
            self._ask(
                "POST", f"/api/v1/generators/{generator_id}/runs", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_generator_runs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["asked_at", "-asked_at"] | None = None,
        fields: str | None = None,
        asked_at: str | None = None,
        asked_at_gt: str | None = None,
        asked_at_gte: str | None = None,
        asked_at_lt: str | None = None,
        asked_at_lte: str | None = None,
        generator_id: str | None = None,
        tariff_id: str | None = None,
    ) -> PageRunShownRow:
        """List the runs of all generators, the latest first."""
        return cast(
            "PageRunShownRow",
            self._ask(
                "GET",
                "/api/v1/generator-runs",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "asked_at": asked_at,
                    "asked_at[gt]": asked_at_gt,
                    "asked_at[gte]": asked_at_gte,
                    "asked_at[lt]": asked_at_lt,
                    "asked_at[lte]": asked_at_lte,
                    "generator_id": generator_id,
                    "tariff_id": tariff_id,
                },
            ).json(),
        )

    def get_generator_run(self, generator_run_id: str) -> RunShown:
        """A run: how far it has come, and what it makes."""
        return cast("RunShown", self._ask("GET", f"/api/v1/generator-runs/{generator_run_id}").json())

    def list_generated_codes(
        self,
        generator_run_id: str,
        *,
        kind: Literal["new", "increase", "decrease", "increment", "moved", "blocked", "closed", "refused", "unchanged"]
        | None
        | None = None,
        only: Literal["floor", "maximum", "below_cost", "no_offer", "excluded", "collapsed", "no_line"]
        | None
        | None = None,
        code: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> GeneratedCodes:
        """What a run makes of the codes: price before and now, cost and margin; what matters most first."""
        return cast(
            "GeneratedCodes",
            self._ask(
                "GET",
                f"/api/v1/generator-runs/{generator_run_id}/codes",
                query={"kind": kind, "only": only, "code": code, "limit": limit, "offset": offset},
            ).json(),
        )

    def apply_generator_run(
        self, generator_run_id: str, body: Application, *, idempotency_key: str | None = None
    ) -> RunShown:
        """Make the prices of a run true, all of them at once; a worker does it where they are many (202): poll `work`."""
        return cast(
            "RunShown",
            self._ask(
                "POST", f"/api/v1/generator-runs/{generator_run_id}/apply", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def undo_generator_run(
        self, generator_run_id: str, body: Refusal, *, idempotency_key: str | None = None
    ) -> RunShown:
        """Take a run back: the prices that stood before it stand again; a worker does it where they are many (202)."""
        return cast(
            "RunShown",
            self._ask(
                "POST", f"/api/v1/generator-runs/{generator_run_id}/undo", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def discard_generator_run(
        self, generator_run_id: str, body: Refusal, *, idempotency_key: str | None = None
    ) -> RunShown:
        """Say no to a run that is not applied; it stays in the history."""
        return cast(
            "RunShown",
            self._ask(
                "POST", f"/api/v1/generator-runs/{generator_run_id}/discard", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_notification_templates(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "id", "-id"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
    ) -> PageNotificationTemplateShownRow:
        """List the templates of price lists."""
        return cast(
            "PageNotificationTemplateShownRow",
            self._ask(
                "GET",
                "/api/v1/notification-templates",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                },
            ).json(),
        )

    def save_notification_template(
        self, body: NotificationTemplateGiven, *, idempotency_key: str | None = None
    ) -> NotificationTemplateShown:
        """Keep how price lists look under a name; one of that name is changed."""
        return cast(
            "NotificationTemplateShown",
            self._ask("POST", "/api/v1/notification-templates", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_notification_template(self, notification_template_id: int) -> NotificationTemplateShown:
        """A template of price lists."""
        return cast(
            "NotificationTemplateShown",
            self._ask("GET", f"/api/v1/notification-templates/{notification_template_id}").json(),
        )

    def change_notification_template(
        self, notification_template_id: int, body: NotificationTemplateFields, *, idempotency_key: str | None = None
    ) -> NotificationTemplateShown:
        """Change how price lists look; what was prepared before stays as it is."""
        return cast(
            "NotificationTemplateShown",
            self._ask(
                "PATCH",
                f"/api/v1/notification-templates/{notification_template_id}",
                json=body,
                idempotency_key=idempotency_key,
            ).json(),
        )

    def list_notification_plans(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["account", "-account"] | None = None,
        fields: str | None = None,
        account: str | None = None,
        account_ne: str | None = None,
        account_id: str | None = None,
        tariff_id: str | None = None,
    ) -> PageNotificationPlanShownRow:
        """List which customer is told of which tariff."""
        return cast(
            "PageNotificationPlanShownRow",
            self._ask(
                "GET",
                "/api/v1/notification-plans",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "account": account,
                    "account[ne]": account_ne,
                    "account_id": account_id,
                    "tariff_id": tariff_id,
                },
            ).json(),
        )

    def plan_notifications(
        self, body: NotificationPlanGiven, *, idempotency_key: str | None = None
    ) -> NotificationPlanShown:
        """Let a customer be told of the prices of one of its tariffs."""
        return cast(
            "NotificationPlanShown",
            self._ask("POST", "/api/v1/notification-plans", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_notification_plan(self, plan_id: str) -> NotificationPlanShown:
        """How a customer is told."""
        return cast("NotificationPlanShown", self._ask("GET", f"/api/v1/notification-plans/{plan_id}").json())

    def change_notification_plan(
        self, plan_id: str, body: NotificationPlanFields, *, idempotency_key: str | None = None
    ) -> NotificationPlanShown:
        """Change how a customer is told, or end it."""
        return cast(
            "NotificationPlanShown",
            self._ask(
                "PATCH", f"/api/v1/notification-plans/{plan_id}", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def prepare_notification(
        self, plan_id: str, body: NotificationPreparing, *, idempotency_key: str | None = None
    ) -> NotificationShown:
        """Have a notification made of what the customer does not know yet. Ask `GET /notifications/{id}` when it is prepared; nobody is told by this."""
        return cast(
            "NotificationShown",
            self._ask(
                "POST", f"/api/v1/notification-plans/{plan_id}/prepare", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_notifications(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["made_at", "-made_at"] | None = None,
        fields: str | None = None,
        state: Literal["preparing", "prepared", "sending", "sent", "failed", "discarded"] | None = None,
        state_ne: Literal["preparing", "prepared", "sending", "sent", "failed", "discarded"] | None = None,
        account: str | None = None,
        account_ne: str | None = None,
        plan_id: str | None = None,
        made_at: str | None = None,
        made_at_gt: str | None = None,
        made_at_gte: str | None = None,
        made_at_lt: str | None = None,
        made_at_lte: str | None = None,
    ) -> PageNotificationShownRow:
        """List notifications, the latest first."""
        return cast(
            "PageNotificationShownRow",
            self._ask(
                "GET",
                "/api/v1/notifications",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "account": account,
                    "account[ne]": account_ne,
                    "plan_id": plan_id,
                    "made_at": made_at,
                    "made_at[gt]": made_at_gt,
                    "made_at[gte]": made_at_gte,
                    "made_at[lt]": made_at_lt,
                    "made_at[lte]": made_at_lte,
                },
            ).json(),
        )

    def get_notification(self, notification_id: str) -> NotificationShown:
        """A notification and how far it has come."""
        return cast("NotificationShown", self._ask("GET", f"/api/v1/notifications/{notification_id}").json())

    def list_notification_lines(
        self, notification_id: str, *, breaches: bool | None = None, offset: int | None = None, limit: int | None = None
    ) -> NotificationLines:
        """Lines of a notification, by code and date."""
        return cast(
            "NotificationLines",
            self._ask(
                "GET",
                f"/api/v1/notifications/{notification_id}/lines",
                query={"breaches": breaches, "offset": offset, "limit": limit},
            ).json(),
        )

    def get_notification_file(self, notification_id: str) -> bytes:
        """The file as it is or was sent."""
        return self._ask("GET", f"/api/v1/notifications/{notification_id}/file").content

    def list_notification_mails(
        self,
        notification_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["address", "-address"] | None = None,
        fields: str | None = None,
        state: Literal["waiting", "sending", "sent", "failed", "uncertain"] | None = None,
        state_ne: Literal["waiting", "sending", "sent", "failed", "uncertain"] | None = None,
    ) -> PageNotificationMailShownRow:
        """The mails of a notification, one for each recipient."""
        return cast(
            "PageNotificationMailShownRow",
            self._ask(
                "GET",
                f"/api/v1/notifications/{notification_id}/mails",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                },
            ).json(),
        )

    def send_notification(
        self, notification_id: str, body: NotificationSending, *, idempotency_key: str | None = None
    ) -> NotificationShown:
        """Send a prepared notification, a mail to each recipient."""
        return cast(
            "NotificationShown",
            self._ask(
                "POST", f"/api/v1/notifications/{notification_id}/send", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def send_notification_again(self, notification_id: str, *, idempotency_key: str | None = None) -> NotificationShown:
        """Send the mails again that did not arrive, or of which nobody knows. Those that went out stay."""
        return cast(
            "NotificationShown",
            self._ask(
                "POST", f"/api/v1/notifications/{notification_id}/send-again", idempotency_key=idempotency_key
            ).json(),
        )

    def put_off_notification(
        self, notification_id: str, body: NotificationReason, *, idempotency_key: str | None = None
    ) -> NotificationShown:
        """Put the changes that begin too soon off to when the agreement allows, in the tariff, and have the notification made anew; that new one."""
        return cast(
            "NotificationShown",
            self._ask(
                "POST", f"/api/v1/notifications/{notification_id}/put-off", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def discard_notification(
        self, notification_id: str, body: NotificationReason, *, idempotency_key: str | None = None
    ) -> NotificationShown:
        """Say no to a prepared notification."""
        return cast(
            "NotificationShown",
            self._ask(
                "POST", f"/api/v1/notifications/{notification_id}/discard", json=body, idempotency_key=idempotency_key
            ).json(),
        )

    def list_switches(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        format: str | None = None,
        format_ne: str | None = None,
        has_buy_side: Literal["true", "false"] | None = None,
    ) -> PageSwitchShownRow:
        """List the switches."""
        return cast(
            "PageSwitchShownRow",
            self._ask(
                "GET",
                "/api/v1/switches",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "format": format,
                    "format[ne]": format_ne,
                    "has_buy_side": has_buy_side,
                },
            ).json(),
        )

    def create_switch(self, body: NewSwitch, *, idempotency_key: str | None = None) -> SwitchShown:
        """Make a switch."""
        return cast(
            "SwitchShown", self._ask("POST", "/api/v1/switches", json=body, idempotency_key=idempotency_key).json()
        )

    def get_switch(self, switch_id: str) -> SwitchShown:
        """A switch."""
        return cast("SwitchShown", self._ask("GET", f"/api/v1/switches/{switch_id}").json())

    def change_switch(self, switch_id: str, body: SwitchChange, *, idempotency_key: str | None = None) -> SwitchShown:
        """Change a switch. It holds for the files that are taken from now on."""
        return cast(
            "SwitchShown",
            self._ask("PATCH", f"/api/v1/switches/{switch_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_formats(self) -> Formats:
        """List the formats that switches can have."""
        return cast("Formats", self._ask("GET", "/api/v1/formats").json())

    def list_mappings(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["switch", "-switch"] | None = None,
        fields: str | None = None,
        switch: str | None = None,
        switch_ne: str | None = None,
        switch_like: str | None = None,
        format: str | None = None,
        format_ne: str | None = None,
    ) -> PageMappingShownRow:
        """List the mappings of the operator's own, by switch."""
        return cast(
            "PageMappingShownRow",
            self._ask(
                "GET",
                "/api/v1/mappings",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "switch": switch,
                    "switch[ne]": switch_ne,
                    "switch[like]": switch_like,
                    "format": format,
                    "format[ne]": format_ne,
                },
            ).json(),
        )

    def try_mapping(
        self,
        file: Upload,
        *,
        mapping: Upload | None = None,
        switch: str | None = None,
        format: str | None = None,
        idempotency_key: str | None = None,
    ) -> TriedFile:
        """Show what a file of up to 8 MiB would become: its format, its first rows, every line's fate, what traffic rules would do. Nothing is taken.

        Of one that unfolds to more than 16 MiB the beginning is looked at (`is_cut`).
        It is read by the `mapping` that comes with it, by `format`, as the `switch` would read it, or else the format is recognised."""
        return cast(
            "TriedFile",
            self._ask(
                "POST",
                "/api/v1/mappings/try",
                query={"switch": switch, "format": format},
                files={"file": file, "mapping": mapping},
                idempotency_key=idempotency_key,
            ).json(),
        )

    def get_mapping(self, switch_id: str) -> MappingShown:
        """The mapping of a switch."""
        return cast("MappingShown", self._ask("GET", f"/api/v1/mappings/{switch_id}").json())

    def put_mapping(self, switch_id: str, body: dict[str, Any]) -> MappingShown:
        """Give a switch of the format `mapping` or `mapping_with_header` its mapping as the body: JSON, TOML or YAML. It holds for the files from now on."""
        return cast("MappingShown", self._ask("PUT", f"/api/v1/mappings/{switch_id}", json=body).json())

    def list_sources(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        switch: str | None = None,
        switch_ne: str | None = None,
        switch_id: str | None = None,
        kind: Literal["folder", "sftp", "ftps", "imap"] | None = None,
        kind_ne: Literal["folder", "sftp", "ftps", "imap"] | None = None,
        is_active: Literal["true", "false"] | None = None,
        host: str | None = None,
        host_ne: str | None = None,
    ) -> PageSourceShownRow:
        """List the sources and how each is doing."""
        return cast(
            "PageSourceShownRow",
            self._ask(
                "GET",
                "/api/v1/sources",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "switch": switch,
                    "switch[ne]": switch_ne,
                    "switch_id": switch_id,
                    "kind": kind,
                    "kind[ne]": kind_ne,
                    "is_active": is_active,
                    "host": host,
                    "host[ne]": host_ne,
                },
            ).json(),
        )

    def create_source(self, body: NewSource, *, idempotency_key: str | None = None) -> SourceShown:
        """Make a source; a worker looks into it from now on. SFTP needs its host key trusted first: `pin`, or the operation `trust_source`."""
        return cast(
            "SourceShown", self._ask("POST", "/api/v1/sources", json=body, idempotency_key=idempotency_key).json()
        )

    def list_source_alarms(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["raised_at", "-raised_at", "id", "-id"] | None = None,
        fields: str | None = None,
        source_id: str | None = None,
        source: str | None = None,
        source_ne: str | None = None,
        kind: Literal["stalled", "failing", "repeated", "refused"] | None = None,
        kind_ne: Literal["stalled", "failing", "repeated", "refused"] | None = None,
        is_open: Literal["true", "false"] | None = None,
        raised_at: str | None = None,
        raised_at_gt: str | None = None,
        raised_at_gte: str | None = None,
        raised_at_lt: str | None = None,
        raised_at_lte: str | None = None,
    ) -> PageAlarmShownRow:
        """List what is or was wrong with sources, the newest first."""
        return cast(
            "PageAlarmShownRow",
            self._ask(
                "GET",
                "/api/v1/sources/alarms",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "source_id": source_id,
                    "source": source,
                    "source[ne]": source_ne,
                    "kind": kind,
                    "kind[ne]": kind_ne,
                    "is_open": is_open,
                    "raised_at": raised_at,
                    "raised_at[gt]": raised_at_gt,
                    "raised_at[gte]": raised_at_gte,
                    "raised_at[lt]": raised_at_lt,
                    "raised_at[lte]": raised_at_lte,
                },
            ).json(),
        )

    def get_source(self, source_id: str) -> SourceShown:
        """A source, how it is doing, and what is wrong with it. Its `ETag` is of what people say of it, not of how it is doing."""
        return cast("SourceShown", self._ask("GET", f"/api/v1/sources/{source_id}").json())

    def change_source(self, source_id: str, body: SourceChange, *, idempotency_key: str | None = None) -> SourceShown:
        """Change a source. The next look is due at once."""
        return cast(
            "SourceShown",
            self._ask("PATCH", f"/api/v1/sources/{source_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def remove_source(self, source_id: str) -> None:
        """Forget a source and its secrets. What came from it stays, and so do the files on the server."""
        self._ask("DELETE", f"/api/v1/sources/{source_id}")

    def pause_source(self, source_id: str, *, idempotency_key: str | None = None) -> SourceShown:
        """Look into a source no more until it is resumed; its alarms are closed."""
        return cast(
            "SourceShown",
            self._ask("POST", f"/api/v1/sources/{source_id}/pause", idempotency_key=idempotency_key).json(),
        )

    def resume_source(self, source_id: str, *, idempotency_key: str | None = None) -> SourceShown:
        """Look into a paused source again; the next look is due at once."""
        return cast(
            "SourceShown",
            self._ask("POST", f"/api/v1/sources/{source_id}/resume", idempotency_key=idempotency_key).json(),
        )

    def ask_fingerprint(self, source_id: str, *, idempotency_key: str | None = None) -> Fingerprint:
        """Ask the server of a source for its host key or certificate now. Nobody logs in, and nothing is trusted by it."""
        return cast(
            "Fingerprint",
            self._ask("POST", f"/api/v1/sources/{source_id}/fingerprint", idempotency_key=idempotency_key).json(),
        )

    def trust_source(self, source_id: str, body: Trust, *, idempotency_key: str | None = None) -> SourceShown:
        """Trust the host key or certificate of that fingerprint, and no other. The next look is due at once."""
        return cast(
            "SourceShown",
            self._ask("POST", f"/api/v1/sources/{source_id}/trust", json=body, idempotency_key=idempotency_key).json(),
        )

    def pull_source(
        self, source_id: str, *, again: bool | None = None, idempotency_key: str | None = None
    ) -> SourceShown:
        """Have a worker look into a source at once. What it found is polled: `feed.looked_at`, and the files of the source."""
        return cast(
            "SourceShown",
            self._ask(
                "POST", f"/api/v1/sources/{source_id}/pull", query={"again": again}, idempotency_key=idempotency_key
            ).json(),
        )

    def list_source_files(
        self,
        source_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["first_seen_at", "-first_seen_at", "name", "-name"] | None = None,
        fields: str | None = None,
        state: Literal["seen", "taken", "done", "refused", "ignored"] | None = None,
        state_ne: Literal["seen", "taken", "done", "refused", "ignored"] | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        batch_id: str | None = None,
        first_seen_at: str | None = None,
        first_seen_at_gt: str | None = None,
        first_seen_at_gte: str | None = None,
        first_seen_at_lt: str | None = None,
        first_seen_at_lte: str | None = None,
    ) -> PageSourceFileRow:
        """List the files that were seen at a source, the newest first."""
        return cast(
            "PageSourceFileRow",
            self._ask(
                "GET",
                f"/api/v1/sources/{source_id}/files",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "batch_id": batch_id,
                    "first_seen_at": first_seen_at,
                    "first_seen_at[gt]": first_seen_at_gt,
                    "first_seen_at[gte]": first_seen_at_gte,
                    "first_seen_at[lt]": first_seen_at_lt,
                    "first_seen_at[lte]": first_seen_at_lte,
                },
            ).json(),
        )

    def list_traffic_rules(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["order", "-order", "name", "-name"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        stage: Literal["before_identification", "after_account", "after_rate", "after_routing"] | None = None,
        stage_ne: Literal["before_identification", "after_account", "after_rate", "after_routing"] | None = None,
        side: Literal["both", "sell", "buy"] | None = None,
        side_ne: Literal["both", "sell", "buy"] | None = None,
        then: Literal["continue", "allow", "deny"] | None = None,
        then_ne: Literal["continue", "allow", "deny"] | None = None,
        switch: str | None = None,
        switch_ne: str | None = None,
        account_id: str | None = None,
    ) -> PageTrafficRuleShownRow:
        """List the rules, in the order in which they are looked at."""
        return cast(
            "PageTrafficRuleShownRow",
            self._ask(
                "GET",
                "/api/v1/traffic-rules",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "stage": stage,
                    "stage[ne]": stage_ne,
                    "side": side,
                    "side[ne]": side_ne,
                    "then": then,
                    "then[ne]": then_ne,
                    "switch": switch,
                    "switch[ne]": switch_ne,
                    "account_id": account_id,
                },
            ).json(),
        )

    def create_traffic_rule(self, body: NewTrafficRule, *, idempotency_key: str | None = None) -> TrafficRuleShown:
        """Make a rule."""
        return cast(
            "TrafficRuleShown",
            self._ask("POST", "/api/v1/traffic-rules", json=body, idempotency_key=idempotency_key).json(),
        )

    def export_traffic_rules(self) -> bytes:
        """All rules as a CSV file, in the order in which they are looked at; `load_traffic_rules` takes it."""
        return self._ask("GET", "/api/v1/traffic-rules/export").content

    def load_traffic_rules(
        self, body: bytes | IO[bytes], *, replace: bool | None = None, idempotency_key: str | None = None
    ) -> LoadedTrafficRules:
        """Make and change rules by their names from a CSV file as the body, all of it or nothing; plain, or packed by gzip or zip."""
        return cast(
            "LoadedTrafficRules",
            self._ask(
                "POST",
                "/api/v1/traffic-rules/load",
                query={"replace": replace},
                content=body,
                idempotency_key=idempotency_key,
            ).json(),
        )

    def test_call(self, body: SupposedCall, *, idempotency_key: str | None = None) -> TestedCall:
        """The path of one call through number rules, traffic rules, identification and prices. Nothing is written."""
        return cast(
            "TestedCall",
            self._ask("POST", "/api/v1/traffic-rules/test", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_traffic_rule(self, rule_id: str) -> TrafficRuleShown:
        """A rule."""
        return cast("TrafficRuleShown", self._ask("GET", f"/api/v1/traffic-rules/{rule_id}").json())

    def change_traffic_rule(
        self, rule_id: str, body: TrafficRuleChange, *, idempotency_key: str | None = None
    ) -> TrafficRuleShown:
        """Change a rule. It counts from the next file on; rejects can be sent again."""
        return cast(
            "TrafficRuleShown",
            self._ask("PATCH", f"/api/v1/traffic-rules/{rule_id}", json=body, idempotency_key=idempotency_key).json(),
        )

    def remove_traffic_rule(self, rule_id: str) -> None:
        """Remove a rule. Records that it touched keep its name."""
        self._ask("DELETE", f"/api/v1/traffic-rules/{rule_id}")

    def list_batches(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["received_at", "-received_at", "name", "-name"] | None = None,
        fields: str | None = None,
        state: Literal["registered", "running", "posted", "failed"] | None = None,
        state_ne: Literal["registered", "running", "posted", "failed"] | None = None,
        switch: str | None = None,
        switch_ne: str | None = None,
        switch_id: str | None = None,
        intake: Literal["command", "upload", "folder", "resend", "rerate", "legs", "source"] | None = None,
        intake_ne: Literal["command", "upload", "folder", "resend", "rerate", "legs", "source"] | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
        failure: str | None = None,
        failure_ne: str | None = None,
        received_at: str | None = None,
        received_at_gt: str | None = None,
        received_at_gte: str | None = None,
        received_at_lt: str | None = None,
        received_at_lte: str | None = None,
        finished_at: str | None = None,
        finished_at_gt: str | None = None,
        finished_at_gte: str | None = None,
        finished_at_lt: str | None = None,
        finished_at_lte: str | None = None,
        min_start: str | None = None,
        min_start_gt: str | None = None,
        min_start_gte: str | None = None,
        min_start_lt: str | None = None,
        min_start_lte: str | None = None,
        max_start: str | None = None,
        max_start_gt: str | None = None,
        max_start_gte: str | None = None,
        max_start_lt: str | None = None,
        max_start_lte: str | None = None,
        resends_id: str | None = None,
    ) -> PageBatchShownRow:
        """List the batches, the newest first. Their progress is polled here or one by one."""
        return cast(
            "PageBatchShownRow",
            self._ask(
                "GET",
                "/api/v1/batches",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "switch": switch,
                    "switch[ne]": switch_ne,
                    "switch_id": switch_id,
                    "intake": intake,
                    "intake[ne]": intake_ne,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                    "failure": failure,
                    "failure[ne]": failure_ne,
                    "received_at": received_at,
                    "received_at[gt]": received_at_gt,
                    "received_at[gte]": received_at_gte,
                    "received_at[lt]": received_at_lt,
                    "received_at[lte]": received_at_lte,
                    "finished_at": finished_at,
                    "finished_at[gt]": finished_at_gt,
                    "finished_at[gte]": finished_at_gte,
                    "finished_at[lt]": finished_at_lt,
                    "finished_at[lte]": finished_at_lte,
                    "min_start": min_start,
                    "min_start[gt]": min_start_gt,
                    "min_start[gte]": min_start_gte,
                    "min_start[lt]": min_start_lt,
                    "min_start[lte]": min_start_lte,
                    "max_start": max_start,
                    "max_start[gt]": max_start_gt,
                    "max_start[gte]": max_start_gte,
                    "max_start[lt]": max_start_lt,
                    "max_start[lte]": max_start_lte,
                    "resends_id": resends_id,
                },
            ).json(),
        )

    def load_file(
        self, body: bytes | IO[bytes], *, switch: str, name: str, idempotency_key: str | None = None
    ) -> BatchShown:
        """Take a usage file: the body is the file itself, plain or packed by gzip or zip. Its records are taken in the background.

        The same content from the same switch is the batch that is already there (200), whatever it is called. So a file can be sent again after a
        failure without harm, and needs no `Idempotency-Key`."""
        return cast(
            "BatchShown",
            self._ask(
                "POST",
                "/api/v1/batches",
                query={"switch": switch, "name": name},
                content=body,
                idempotency_key=idempotency_key,
            ).json(),
        )

    def get_batch(self, batch_id: str) -> BatchShown:
        """A batch: how far it has come, what became of its rows, why it failed."""
        return cast("BatchShown", self._ask("GET", f"/api/v1/batches/{batch_id}").json())

    def resend_rejects(self, batch_id: str, *, idempotency_key: str | None = None) -> BatchShown:
        """Send the rejects of a batch through again, after their cause is mended. Answers with the new batch, which is taken in the background."""
        return cast(
            "BatchShown",
            self._ask("POST", f"/api/v1/batches/{batch_id}/resend", idempotency_key=idempotency_key).json(),
        )

    def accept_corrections(self, batch_id: str, body: Acceptance, *, idempotency_key: str | None = None) -> BatchShown:
        """Accept corrections: a conflicting duplicate takes the place of the record with its key, a late leg becomes part of its record.

        The other rejects of the batch are sent again too. Answers with the new batch, which is taken in the background."""
        return cast(
            "BatchShown",
            self._ask("POST", f"/api/v1/batches/{batch_id}/accept", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_records(
        self,
        *,
        number: str | None = None,
        account_id: str | None = None,
        side: Side | None = None,
        from_: str | None = None,
        to: str | None = None,
        switch: str | None = None,
        cause: int | None = None,
        sip_code: int | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: str | None = None,
    ) -> PageRecordShownRow:
        """Search rated records, the newest first. A whole number is found at once, whatever is stored."""
        return cast(
            "PageRecordShownRow",
            self._ask(
                "GET",
                "/api/v1/records",
                query={
                    "number": number,
                    "account_id": account_id,
                    "side": side,
                    "from": from_,
                    "to": to,
                    "switch": switch,
                    "cause": cause,
                    "sip_code": sip_code,
                    "as_of": as_of,
                    "limit": limit,
                    "cursor": cursor,
                    "fields": fields,
                },
            ).json(),
        )

    def get_record(self, record_id: str, *, as_of: str | None = None) -> RecordDetail:
        """All that is kept of a record; with `as_of`, as it counted at that instant."""
        return cast("RecordDetail", self._ask("GET", f"/api/v1/records/{record_id}", query={"as_of": as_of}).json())

    def get_record_explanation(self, record_id: str, *, as_of: str | None = None) -> RecordExplanation:
        """Why a record costs what it costs: whose it was told to be, which rates were looked at, how the amount is made up, where it is booked."""
        return cast(
            "RecordExplanation",
            self._ask("GET", f"/api/v1/records/{record_id}/explanation", query={"as_of": as_of}).json(),
        )

    def group_rejects(
        self,
        *,
        reason: Reason | None = None,
        batch_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        digits: int | None = None,
    ) -> RejectGroups:
        """Count the rejects that wait by reason and by the first digits of the called number, the most first, each with an example."""
        return cast(
            "RejectGroups",
            self._ask(
                "GET",
                "/api/v1/rejects",
                query={"reason": reason, "batch_id": batch_id, "from": from_, "to": to, "digits": digits},
            ).json(),
        )

    def list_rejects(
        self,
        *,
        reason: Reason | None = None,
        batch_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        number: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: str | None = None,
    ) -> PageRejectShownRow:
        """List the rejects that wait line by line, the newest batch first."""
        return cast(
            "PageRejectShownRow",
            self._ask(
                "GET",
                "/api/v1/rejects/lines",
                query={
                    "reason": reason,
                    "batch_id": batch_id,
                    "from": from_,
                    "to": to,
                    "number": number,
                    "limit": limit,
                    "cursor": cursor,
                    "fields": fields,
                },
            ).json(),
        )

    def list_invoices(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["issued_at", "-issued_at", "number", "-number", "due_on", "-due_on"] | None = None,
        fields: str | None = None,
        account_id: str | None = None,
        account: str | None = None,
        account_ne: str | None = None,
        state: Literal["issued", "void"] | None = None,
        state_ne: Literal["issued", "void"] | None = None,
        kind: Literal["invoice", "credit_note"] | None = None,
        kind_ne: Literal["invoice", "credit_note"] | None = None,
        number: str | None = None,
        number_ne: str | None = None,
        number_like: str | None = None,
        period: str | None = None,
        period_from: str | None = None,
        period_from_gt: str | None = None,
        period_from_gte: str | None = None,
        period_from_lt: str | None = None,
        period_from_lte: str | None = None,
        period_to: str | None = None,
        period_to_gt: str | None = None,
        period_to_gte: str | None = None,
        period_to_lt: str | None = None,
        period_to_lte: str | None = None,
        issued_on: str | None = None,
        issued_on_gt: str | None = None,
        issued_on_gte: str | None = None,
        issued_on_lt: str | None = None,
        issued_on_lte: str | None = None,
        issued_at: str | None = None,
        issued_at_gt: str | None = None,
        issued_at_gte: str | None = None,
        issued_at_lt: str | None = None,
        issued_at_lte: str | None = None,
        due_on: str | None = None,
        due_on_gt: str | None = None,
        due_on_gte: str | None = None,
        due_on_lt: str | None = None,
        due_on_lte: str | None = None,
        currency: str | None = None,
        currency_ne: str | None = None,
    ) -> PageInvoiceShownRow:
        """List invoices and credit notes, the latest first."""
        return cast(
            "PageInvoiceShownRow",
            self._ask(
                "GET",
                "/api/v1/invoices",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "account_id": account_id,
                    "account": account,
                    "account[ne]": account_ne,
                    "state": state,
                    "state[ne]": state_ne,
                    "kind": kind,
                    "kind[ne]": kind_ne,
                    "number": number,
                    "number[ne]": number_ne,
                    "number[like]": number_like,
                    "period": period,
                    "period_from": period_from,
                    "period_from[gt]": period_from_gt,
                    "period_from[gte]": period_from_gte,
                    "period_from[lt]": period_from_lt,
                    "period_from[lte]": period_from_lte,
                    "period_to": period_to,
                    "period_to[gt]": period_to_gt,
                    "period_to[gte]": period_to_gte,
                    "period_to[lt]": period_to_lt,
                    "period_to[lte]": period_to_lte,
                    "issued_on": issued_on,
                    "issued_on[gt]": issued_on_gt,
                    "issued_on[gte]": issued_on_gte,
                    "issued_on[lt]": issued_on_lt,
                    "issued_on[lte]": issued_on_lte,
                    "issued_at": issued_at,
                    "issued_at[gt]": issued_at_gt,
                    "issued_at[gte]": issued_at_gte,
                    "issued_at[lt]": issued_at_lt,
                    "issued_at[lte]": issued_at_lte,
                    "due_on": due_on,
                    "due_on[gt]": due_on_gt,
                    "due_on[gte]": due_on_gte,
                    "due_on[lt]": due_on_lt,
                    "due_on[lte]": due_on_lte,
                    "currency": currency,
                    "currency[ne]": currency_ne,
                },
            ).json(),
        )

    def issue_invoice(self, body: InvoiceOrder, *, idempotency_key: str | None = None) -> InvoiceWhole:
        """Issue an invoice: lines, number, files and ledger entry, all or nothing. With nothing new to bill, 200 and the one that is there."""
        return cast(
            "InvoiceWhole", self._ask("POST", "/api/v1/invoices", json=body, idempotency_key=idempotency_key).json()
        )

    def preview_invoice(self, body: BilledPeriod, *, idempotency_key: str | None = None) -> InvoicePreview:
        """What an invoice would say. Nothing is billed, numbered or kept."""
        return cast(
            "InvoicePreview",
            self._ask("POST", "/api/v1/invoices/preview", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_unbilled(self, *, until: str | None | None = None, as_of: str | None | None = None) -> UnbilledUsage:
        """What is on no document yet, by account."""
        return cast(
            "UnbilledUsage",
            self._ask("GET", "/api/v1/invoices/unbilled", query={"until": until, "as_of": as_of}).json(),
        )

    def get_invoice(self, invoice_id: str) -> InvoiceWhole:
        """An invoice or credit note with its lines, and the documents that adjust it."""
        return cast("InvoiceWhole", self._ask("GET", f"/api/v1/invoices/{invoice_id}").json())

    def get_invoice_pdf(self, invoice_id: str) -> bytes:
        """The document as it was issued."""
        return self._ask("GET", f"/api/v1/invoices/{invoice_id}/pdf").content

    def get_invoice_records(self, invoice_id: str) -> bytes:
        """The records that the document bills, as they were attached to it."""
        return self._ask("GET", f"/api/v1/invoices/{invoice_id}/records.csv").content

    def void_invoice(self, invoice_id: str, body: Voiding, *, idempotency_key: str | None = None) -> VoidedInvoices:
        """Take a document back: the books are reversed and its usage is unbilled again. Its number stays used."""
        return cast(
            "VoidedInvoices",
            self._ask("POST", f"/api/v1/invoices/{invoice_id}/void", json=body, idempotency_key=idempotency_key).json(),
        )

    def list_bill_runs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["asked_at", "-asked_at"] | None = None,
        fields: str | None = None,
        state: Literal["queued", "running", "done", "failed"] | None = None,
        state_ne: Literal["queued", "running", "done", "failed"] | None = None,
        period_from: str | None = None,
        period_from_gt: str | None = None,
        period_from_gte: str | None = None,
        period_from_lt: str | None = None,
        period_from_lte: str | None = None,
        period_to: str | None = None,
        period_to_gt: str | None = None,
        period_to_gte: str | None = None,
        period_to_lt: str | None = None,
        period_to_lte: str | None = None,
        asked_at: str | None = None,
        asked_at_gt: str | None = None,
        asked_at_gte: str | None = None,
        asked_at_lt: str | None = None,
        asked_at_lte: str | None = None,
        asked_by: str | None = None,
        asked_by_ne: str | None = None,
    ) -> PageBillRunShownRow:
        """List bill runs, the latest first."""
        return cast(
            "PageBillRunShownRow",
            self._ask(
                "GET",
                "/api/v1/bill-runs",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "period_from": period_from,
                    "period_from[gt]": period_from_gt,
                    "period_from[gte]": period_from_gte,
                    "period_from[lt]": period_from_lt,
                    "period_from[lte]": period_from_lte,
                    "period_to": period_to,
                    "period_to[gt]": period_to_gt,
                    "period_to[gte]": period_to_gte,
                    "period_to[lt]": period_to_lt,
                    "period_to[lte]": period_to_lte,
                    "asked_at": asked_at,
                    "asked_at[gt]": asked_at_gt,
                    "asked_at[gte]": asked_at_gte,
                    "asked_at[lt]": asked_at_lt,
                    "asked_at[lte]": asked_at_lte,
                    "asked_by": asked_by,
                    "asked_by[ne]": asked_by_ne,
                },
            ).json(),
        )

    def start_bill_run(self, body: BillRunOrder, *, idempotency_key: str | None = None) -> BillRunShown:
        """Have invoices issued in the background, for some accounts or for all. Ask `GET /bill-runs/{id}` how far it has come."""
        return cast(
            "BillRunShown", self._ask("POST", "/api/v1/bill-runs", json=body, idempotency_key=idempotency_key).json()
        )

    def get_bill_run(self, bill_run_id: str) -> BillRunShown:
        """A bill run and how far it has come."""
        return cast("BillRunShown", self._ask("GET", f"/api/v1/bill-runs/{bill_run_id}").json())

    def list_bill_run_outcomes(
        self,
        bill_run_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["account", "-account"] | None = None,
        fields: str | None = None,
        outcome: Literal["waiting", "issued", "unchanged", "nothing", "refused"] | None = None,
        outcome_ne: Literal["waiting", "issued", "unchanged", "nothing", "refused"] | None = None,
        account: str | None = None,
        account_ne: str | None = None,
        account_id: str | None = None,
        reason: str | None = None,
        reason_ne: str | None = None,
    ) -> PageBillRunOutcomeRow:
        """What became of the accounts of a bill run, by their short names."""
        return cast(
            "PageBillRunOutcomeRow",
            self._ask(
                "GET",
                f"/api/v1/bill-runs/{bill_run_id}/accounts",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "outcome": outcome,
                    "outcome[ne]": outcome_ne,
                    "account": account,
                    "account[ne]": account_ne,
                    "account_id": account_id,
                    "reason": reason,
                    "reason[ne]": reason_ne,
                },
            ).json(),
        )

    def retry_bill_run(self, bill_run_id: str, *, idempotency_key: str | None = None) -> BillRunShown:
        """Have a run that has ended done again for the accounts that have no document."""
        return cast(
            "BillRunShown",
            self._ask("POST", f"/api/v1/bill-runs/{bill_run_id}/retry", idempotency_key=idempotency_key).json(),
        )

    def stop_bill_run(self, bill_run_id: str, *, idempotency_key: str | None = None) -> BillRunShown:
        """End a run before its next account. What it has issued stays."""
        return cast(
            "BillRunShown",
            self._ask("POST", f"/api/v1/bill-runs/{bill_run_id}/stop", idempotency_key=idempotency_key).json(),
        )

    def list_ledger_accounts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["code", "-code", "id", "-id"] | None = None,
        fields: str | None = None,
        code: str | None = None,
        code_ne: str | None = None,
        code_like: str | None = None,
        type: Literal["asset", "liability", "income", "expense"] | None = None,
        type_ne: Literal["asset", "liability", "income", "expense"] | None = None,
        currency: str | None = None,
        currency_ne: str | None = None,
        account_id: str | None = None,
        booked_to: str | None = None,
        as_of: str | None = None,
    ) -> PageLedgerAccountShownRow:
        """List the accounts of the books and what stands on them, now or then."""
        return cast(
            "PageLedgerAccountShownRow",
            self._ask(
                "GET",
                "/api/v1/ledger/accounts",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "code": code,
                    "code[ne]": code_ne,
                    "code[like]": code_like,
                    "type": type,
                    "type[ne]": type_ne,
                    "currency": currency,
                    "currency[ne]": currency_ne,
                    "account_id": account_id,
                    "booked_to": booked_to,
                    "as_of": as_of,
                },
            ).json(),
        )

    def get_ledger_account(self, ledger_account_id: int) -> LedgerAccountShown:
        """An account of the books and what stands on it."""
        return cast("LedgerAccountShown", self._ask("GET", f"/api/v1/ledger/accounts/{ledger_account_id}").json())

    def get_statement(
        self,
        ledger_account_id: int,
        *,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> StatementShown:
        """The postings of an account on some days, in their order, each with the balance after it."""
        return cast(
            "StatementShown",
            self._ask(
                "GET",
                f"/api/v1/ledger/accounts/{ledger_account_id}/statement",
                query={"from": from_, "to": to, "limit": limit, "cursor": cursor},
            ).json(),
        )

    def list_entries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["id", "-id"] | None = None,
        fields: str | None = None,
        kind: Literal[
            "usage_sell",
            "usage_buy",
            "usage_wallet",
            "invoice",
            "invoice_void",
            "vendor_bill",
            "payment",
            "payout",
            "netting",
            "exchange",
            "write_off",
            "adjustment",
            "reversal",
        ]
        | None = None,
        kind_ne: Literal[
            "usage_sell",
            "usage_buy",
            "usage_wallet",
            "invoice",
            "invoice_void",
            "vendor_bill",
            "payment",
            "payout",
            "netting",
            "exchange",
            "write_off",
            "adjustment",
            "reversal",
        ]
        | None = None,
        key: str | None = None,
        key_ne: str | None = None,
        reference: str | None = None,
        reference_ne: str | None = None,
        booked_on: str | None = None,
        booked_on_gt: str | None = None,
        booked_on_gte: str | None = None,
        booked_on_lt: str | None = None,
        booked_on_lte: str | None = None,
        created_at: str | None = None,
        created_at_gt: str | None = None,
        created_at_gte: str | None = None,
        created_at_lt: str | None = None,
        created_at_lte: str | None = None,
        is_pending: Literal["true", "false"] | None = None,
        ledger_account_id: int | None = None,
    ) -> PageEntryShownRow:
        """List the journal, the latest entry first."""
        return cast(
            "PageEntryShownRow",
            self._ask(
                "GET",
                "/api/v1/ledger/entries",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "kind": kind,
                    "kind[ne]": kind_ne,
                    "key": key,
                    "key[ne]": key_ne,
                    "reference": reference,
                    "reference[ne]": reference_ne,
                    "booked_on": booked_on,
                    "booked_on[gt]": booked_on_gt,
                    "booked_on[gte]": booked_on_gte,
                    "booked_on[lt]": booked_on_lt,
                    "booked_on[lte]": booked_on_lte,
                    "created_at": created_at,
                    "created_at[gt]": created_at_gt,
                    "created_at[gte]": created_at_gte,
                    "created_at[lt]": created_at_lt,
                    "created_at[lte]": created_at_lte,
                    "is_pending": is_pending,
                    "ledger_account_id": ledger_account_id,
                },
            ).json(),
        )

    def get_entry(self, entry_id: int) -> EntryShown:
        """An entry of the journal with its postings."""
        return cast("EntryShown", self._ask("GET", f"/api/v1/ledger/entries/{entry_id}").json())

    def get_trial_balance(self, *, booked_to: str | None | None = None) -> TrialBalance:
        """Debits and credits of every account, by currency."""
        return cast(
            "TrialBalance", self._ask("GET", "/api/v1/ledger/trial-balance", query={"booked_to": booked_to}).json()
        )

    def get_summary(
        self,
        *,
        by: str | None = None,
        period: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        compare: str | None = None,
        as_of: str | None = None,
        zone: str | None = None,
        account: str | None = None,
        vendor: str | None = None,
        destination: str | None = None,
        country: str | None = None,
        group: str | None = None,
        tag: str | None = None,
        jurisdiction: str | None = None,
        figures: str | None = None,
        percentiles: bool | None = None,
        sort: str | None = None,
        format: ReportFormat | None = None,
    ) -> ReportShown:
        """Every figure: attempts, calls, ASR, ACD, PDD, minutes, billed minutes, revenue, cost, margin."""
        return cast(
            "ReportShown",
            self._ask(
                "GET",
                "/api/v1/reports/summary",
                query={
                    "by": by,
                    "period": period,
                    "from": from_,
                    "to": to,
                    "compare": compare,
                    "as_of": as_of,
                    "zone": zone,
                    "account": account,
                    "vendor": vendor,
                    "destination": destination,
                    "country": country,
                    "group": group,
                    "tag": tag,
                    "jurisdiction": jurisdiction,
                    "figures": figures,
                    "percentiles": percentiles,
                    "sort": sort,
                    "format": format,
                },
            ).json(),
        )

    def get_margin(
        self,
        *,
        by: str | None = None,
        period: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        compare: str | None = None,
        as_of: str | None = None,
        zone: str | None = None,
        account: str | None = None,
        vendor: str | None = None,
        destination: str | None = None,
        country: str | None = None,
        group: str | None = None,
        tag: str | None = None,
        jurisdiction: str | None = None,
        figures: str | None = None,
        percentiles: bool | None = None,
        sort: str | None = None,
        format: ReportFormat | None = None,
    ) -> ReportShown:
        """Revenue, cost and margin."""
        return cast(
            "ReportShown",
            self._ask(
                "GET",
                "/api/v1/reports/margin",
                query={
                    "by": by,
                    "period": period,
                    "from": from_,
                    "to": to,
                    "compare": compare,
                    "as_of": as_of,
                    "zone": zone,
                    "account": account,
                    "vendor": vendor,
                    "destination": destination,
                    "country": country,
                    "group": group,
                    "tag": tag,
                    "jurisdiction": jurisdiction,
                    "figures": figures,
                    "percentiles": percentiles,
                    "sort": sort,
                    "format": format,
                },
            ).json(),
        )

    def list_saved_reports(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name", "id", "-id"] | None = None,
        fields: str | None = None,
        name: str | None = None,
        name_ne: str | None = None,
        name_like: str | None = None,
    ) -> PageSavedReportShownRow:
        """List the saved reports."""
        return cast(
            "PageSavedReportShownRow",
            self._ask(
                "GET",
                "/api/v1/reports/saved",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "name": name,
                    "name[ne]": name_ne,
                    "name[like]": name_like,
                },
            ).json(),
        )

    def save_report(self, body: NewSavedReport, *, idempotency_key: str | None = None) -> SavedReportShown:
        """Keep a question under a name; one of the same name is replaced (200)."""
        return cast(
            "SavedReportShown",
            self._ask("POST", "/api/v1/reports/saved", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_saved_report(self, report_id: int) -> SavedReportShown:
        """A saved report."""
        return cast("SavedReportShown", self._ask("GET", f"/api/v1/reports/saved/{report_id}").json())

    def remove_saved_report(self, report_id: int) -> None:
        """Remove a saved report."""
        self._ask("DELETE", f"/api/v1/reports/saved/{report_id}")

    def run_saved_report(
        self,
        report_id: int,
        *,
        period: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        compare: str | None = None,
        as_of: str | None = None,
        format: ReportFormat | None = None,
    ) -> ReportShown:
        """Make a saved report; what is given here stands in place of what was saved."""
        return cast(
            "ReportShown",
            self._ask(
                "GET",
                f"/api/v1/reports/saved/{report_id}/result",
                query={"period": period, "from": from_, "to": to, "compare": compare, "as_of": as_of, "format": format},
            ).json(),
        )

    def get_schedule(self, report_id: int) -> ScheduleShown:
        """When a saved report goes out by mail."""
        return cast("ScheduleShown", self._ask("GET", f"/api/v1/reports/saved/{report_id}/schedule").json())

    def schedule_report(self, report_id: int, body: ScheduleAsked) -> ScheduleShown:
        """Send a saved report by mail; what was said of it before counts no more."""
        return cast("ScheduleShown", self._ask("PUT", f"/api/v1/reports/saved/{report_id}/schedule", json=body).json())

    def unschedule_report(self, report_id: int) -> None:
        """Send a saved report no more."""
        self._ask("DELETE", f"/api/v1/reports/saved/{report_id}/schedule")

    def list_deliveries(
        self,
        report_id: int,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["due_at", "-due_at", "id", "-id"] | None = None,
        fields: str | None = None,
        state: Literal["waiting", "sending", "sent", "failed", "uncertain"] | None = None,
        state_ne: Literal["waiting", "sending", "sent", "failed", "uncertain"] | None = None,
        due_at: str | None = None,
        due_at_gt: str | None = None,
        due_at_gte: str | None = None,
        due_at_lt: str | None = None,
        due_at_lte: str | None = None,
    ) -> PageDeliveryShownRow:
        """List the mails with a saved report."""
        return cast(
            "PageDeliveryShownRow",
            self._ask(
                "GET",
                f"/api/v1/reports/saved/{report_id}/deliveries",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "due_at": due_at,
                    "due_at[gt]": due_at_gt,
                    "due_at[gte]": due_at_gte,
                    "due_at[lt]": due_at_lt,
                    "due_at[lte]": due_at_lte,
                },
            ).json(),
        )

    def send_report(self, report_id: int, *, idempotency_key: str | None = None) -> DeliveryShown:
        """Send a scheduled report now, besides its schedule."""
        return cast(
            "DeliveryShown",
            self._ask("POST", f"/api/v1/reports/saved/{report_id}/deliveries", idempotency_key=idempotency_key).json(),
        )

    def list_reratings(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["received_at", "-received_at"] | None = None,
        fields: str | None = None,
        state: Literal["registered", "running", "posted", "failed"] | None = None,
        state_ne: Literal["registered", "running", "posted", "failed"] | None = None,
        switch: str | None = None,
        switch_ne: str | None = None,
        switch_id: str | None = None,
        received_at: str | None = None,
        received_at_gt: str | None = None,
        received_at_gte: str | None = None,
        received_at_lt: str | None = None,
        received_at_lte: str | None = None,
    ) -> PageReratingShownRow:
        """List the re-ratings, the newest first. They are batches too, one for each switch."""
        return cast(
            "PageReratingShownRow",
            self._ask(
                "GET",
                "/api/v1/re-ratings",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "state": state,
                    "state[ne]": state_ne,
                    "switch": switch,
                    "switch[ne]": switch_ne,
                    "switch_id": switch_id,
                    "received_at": received_at,
                    "received_at[gt]": received_at_gt,
                    "received_at[gte]": received_at_gte,
                    "received_at[lt]": received_at_lt,
                    "received_at[lte]": received_at_lte,
                },
            ).json(),
        )

    def apply_rerating(self, body: ReratingAsked, *, idempotency_key: str | None = None) -> RequestedRerating:
        """Price posted records again, as prices are now. `begin_look` with the same body shows before what that changes."""
        return cast(
            "RequestedRerating",
            self._ask("POST", "/api/v1/re-ratings", json=body, idempotency_key=idempotency_key).json(),
        )

    def begin_rerating_look(self, body: ReratingAsked, *, idempotency_key: str | None = None) -> LookShown:
        """Have a worker look what a re-rating would change. What it finds is polled."""
        return cast(
            "LookShown",
            self._ask("POST", "/api/v1/re-ratings/looks", json=body, idempotency_key=idempotency_key).json(),
        )

    def get_rerating_look(self, look_id: str) -> LookShown:
        """A look: how far it has come, and what it has found."""
        return cast("LookShown", self._ask("GET", f"/api/v1/re-ratings/looks/{look_id}").json())

    def apply_rerating_look(self, look_id: str, *, idempotency_key: str | None = None) -> RequestedRerating:
        """Make it so: price the records again that a look has looked at."""
        return cast(
            "RequestedRerating",
            self._ask("POST", f"/api/v1/re-ratings/looks/{look_id}/apply", idempotency_key=idempotency_key).json(),
        )

    def list_rerating_proposals(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["id", "-id"] | None = None,
        fields: str | None = None,
        is_open: Literal["true", "false"] | None = None,
        account_id: str | None = None,
        tariff_id: str | None = None,
        made_at: str | None = None,
        made_at_gt: str | None = None,
        made_at_gte: str | None = None,
        made_at_lt: str | None = None,
        made_at_lte: str | None = None,
    ) -> PageProposalShownRow:
        """List what changes of prices propose, the oldest first; closed ones too."""
        return cast(
            "PageProposalShownRow",
            self._ask(
                "GET",
                "/api/v1/re-ratings/proposals",
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "sort": sort,
                    "fields": fields,
                    "is_open": is_open,
                    "account_id": account_id,
                    "tariff_id": tariff_id,
                    "made_at": made_at,
                    "made_at[gt]": made_at_gt,
                    "made_at[gte]": made_at_gte,
                    "made_at[lt]": made_at_lt,
                    "made_at[lte]": made_at_lte,
                },
            ).json(),
        )

    def apply_rerating_proposal(self, proposal_id: int, *, idempotency_key: str | None = None) -> RequestedRerating:
        """Do what is proposed. It closes once all of it is posted."""
        return cast(
            "RequestedRerating",
            self._ask(
                "POST", f"/api/v1/re-ratings/proposals/{proposal_id}/apply", idempotency_key=idempotency_key
            ).json(),
        )

    def dismiss_rerating_proposal(self, proposal_id: int, *, idempotency_key: str | None = None) -> ProposalShown:
        """Close a proposal though nothing is priced again."""
        return cast(
            "ProposalShown",
            self._ask(
                "POST", f"/api/v1/re-ratings/proposals/{proposal_id}/dismiss", idempotency_key=idempotency_key
            ).json(),
        )

    def get_rerating(self, batch_id: str) -> ReratingWhole:
        """A re-rating: how far it has come, and what it has moved once it is posted."""
        return cast("ReratingWhole", self._ask("GET", f"/api/v1/re-ratings/{batch_id}").json())


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(str(each) for each in value) if isinstance(value, list | tuple) else value

"""Every operation of the API, tried with two tenants: what is another's is not there, and who may not is told so before anything is looked up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import models
from django.test import Client

from tests.api.requests import UUID_OF_NOTHING, Operation, operations
from tests.databases import AT
from tests.db.reports.records import make_segment, record
from tests.isolation.rows import make_row
from trunkline.api.app import document
from trunkline.identity.permissions import NOT_FOR_KEYS, Permission
from trunkline.invoicing.models import BillRun, Invoice
from trunkline.ledger.models import Entry, LedgerAccount
from trunkline.parties.models import Account, Identity
from trunkline.pricing.models import (
    Agreement,
    Deal,
    DeckChange,
    Generator,
    GeneratorRun,
    Mail,
    Mailbox,
    MailRule,
    Notification,
    NotificationPlan,
    NotificationTemplate,
    SheetImport,
    SheetTemplate,
    TariffEdit,
)
from trunkline.reports.models import SavedReport
from trunkline.tariffs.models import AccountTariff, CodeDeck, DestinationGroup, SpecialRate, Tariff, TimeProfile
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import current_tenant_id, scope
from trunkline.usage.asked import Asked
from trunkline.usage.locate import record_id
from trunkline.usage.looks import begin_look
from trunkline.usage.models import Batch, Proposal, Source, Switch, TrafficRule

OPERATIONS = list(operations(document()))
OF_OBJECTS = [each for each in OPERATIONS if each.path_parameters]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=[each.name for each in OPERATIONS])
with_objects = pytest.mark.parametrize("operation", OF_OBJECTS, ids=[each.name for each in OF_OBJECTS])

# What the parameter of a path names, and what of a row it is.
NAMED: Mapping[str, tuple[type[models.Model], str]] = {
    "account_id": (Account, "public_id"),
    "identity_id": (Identity, "pk"),
    "switch_id": (Switch, "public_id"),
    "batch_id": (Batch, "public_id"),
    "tariff_id": (Tariff, "public_id"),
    "profile_id": (TimeProfile, "pk"),
    "assignment_id": (AccountTariff, "pk"),
    "invoice_id": (Invoice, "public_id"),
    "bill_run_id": (BillRun, "public_id"),
    "ledger_account_id": (LedgerAccount, "pk"),
    "entry_id": (Entry, "pk"),
    "report_id": (SavedReport, "pk"),
    "source_id": (Source, "public_id"),
    "rule_id": (TrafficRule, "public_id"),
    "proposal_id": (Proposal, "pk"),
    "deck_id": (CodeDeck, "pk"),
    "deck_change_id": (DeckChange, "public_id"),
    "group_id": (DestinationGroup, "pk"),
    "special_rate_id": (SpecialRate, "public_id"),
    "deal_id": (Deal, "public_id"),
    "generator_id": (Generator, "public_id"),
    "generator_run_id": (GeneratorRun, "public_id"),
    "notification_template_id": (NotificationTemplate, "pk"),
    "plan_id": (NotificationPlan, "public_id"),
    "notification_id": (Notification, "public_id"),
    "sheet_id": (SheetImport, "public_id"),
    "rate_edit_id": (TariffEdit, "public_id"),
    "template_id": (SheetTemplate, "pk"),
    "agreement_id": (Agreement, "pk"),
    "mailbox_id": (Mailbox, "public_id"),
    "mail_rule_id": (MailRule, "public_id"),
    "mail_id": (Mail, "public_id"),
}
ABSENT = {"public_id": UUID_OF_NOTHING, "pk": 9_000_000_000}
KeyOf = Callable[..., str]


def id_of_a_record() -> str:
    """The id of a record, which is no row but stands in a file."""
    there = record(key="1")
    return record_id(make_segment([there]).switch_id, there)


def id_of_a_look() -> str:
    """The id of a look at a re-rating, which is a file of its tenant."""
    return str(begin_look(current_tenant_id(), Asked(code="1"), actor="test", at=AT))


# What is no row: how something of the open scope's tenant is made, and what names nothing.
MADE: Mapping[str, tuple[Callable[[], str], str]] = {
    "record_id": (id_of_a_record, "nothing"),
    "look_id": (id_of_a_look, UUID_OF_NOTHING),
}


def absent(operation: Operation) -> dict[str, object]:
    """What names nothing in the path of an operation."""
    return {name: MADE[name][1] if name in MADE else ABSENT[NAMED[name][1]] for name in operation.path_parameters}


def made(operation: Operation) -> dict[str, object]:
    """What names something of the open scope's tenant."""
    return {
        name: MADE[name][0]() if name in MADE else getattr(make_row(NAMED[name][0]), NAMED[name][1])
        for name in operation.path_parameters
    }


def send(client: Client, operation: Operation, ids: Mapping[str, object], *, key: str) -> Any:
    """A well-formed request."""
    body = operation.body
    return client.generic(
        operation.method.upper(),
        operation.address(ids),
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body),
        content_type="application/octet-stream" if isinstance(body, bytes) else "application/json",
        headers={"Authorization": f"Bearer {key}"},
        query_params=operation.query,
    )


def permission_of(operation: Operation) -> Permission:
    """The permission that an operation asks for."""
    return Permission(operation.described["x-permission"])


def said(answer: Any, ids: Mapping[str, object]) -> dict[str, Any]:
    """What a problem says, but what the request itself had said."""
    found = dict(answer.json())
    del found["instance"], found["request_id"]
    for value in ids.values():
        found["detail"] = found["detail"].replace(str(value), "ID")
    return found


@every_operation
def test_without_a_key_nothing_is_answered(client: Client, db: None, operation: Operation) -> None:
    answer = send(client, operation, absent(operation), key="tl_live_nothing")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


@every_operation
def test_without_the_permission_nothing_is_looked_up(
    client: Client, tenant: Tenant, key_of: KeyOf, operation: Operation
) -> None:
    others = set(Permission) - NOT_FOR_KEYS - {permission_of(operation)}
    answer = send(client, operation, absent(operation), key=key_of(tenant, *others))
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing")


@with_objects
def test_what_is_anothers_is_as_if_it_were_not_there(
    client: Client, tenant: Tenant, other_tenant: Tenant, key_of: KeyOf, operation: Operation
) -> None:
    with scope(other_tenant, "test"):
        foreign = made(operation)
    nothing = absent(operation)
    key = key_of(tenant, permission_of(operation))
    answers = [send(client, operation, ids, key=key) for ids in (foreign, nothing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert said(answers[0], foreign) == said(answers[1], nothing)


@every_operation
def test_every_problem_is_declared(operation: Operation) -> None:
    declared = set(operation.described["responses"])
    assert {"401", "403", "422", "429", "503"} <= declared
    if operation.path_parameters:
        assert "404" in declared

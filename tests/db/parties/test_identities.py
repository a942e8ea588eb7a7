"""Identities in the database: equal ones do not overlap, accounts close, identities move."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.db import IntegrityError, transaction

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.parties import actions, queries
from trunkline.parties.explain import identify
from trunkline.parties.kinds import Side
from trunkline.parties.models import Account, Identity
from trunkline.parties.rules import Status
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOON = AT


def account(code: str, **given: Any) -> Account:
    return actions.create_account(
        **{"code": code, "name": code, "currency": "USD", "timezone": "UTC", "is_vendor": True, "at": AT} | given
    )


def whose(trunk: str, at: datetime, side: Side = Side.SELL, switch: str | None = None) -> tuple[int, Status]:
    found = queries.resolver(switch).resolve(
        {"trunk": pa.array([trunk])}, np.array([round(at.timestamp() * 1000)], np.int64), side
    )
    return int(found.account_id[0]), Status(int(found.status[0]))


def test_an_identity_is_kept_in_one_form_and_found(in_scope: Any) -> None:
    acme = account("acme")
    made = actions.add_identity(account=acme, kind="ip", value="2001:DB8::0/32", tech_prefix="77#", side="sell", at=AT)
    found = queries.get_identity(made.pk)
    assert (found.value, found.tech_prefix, found.side, found.priority) == ("2001:db8::/32", "77#", "sell", 100)
    assert list(queries.identities(acme)) == [made]
    actions.add_identity(account=acme, kind="trunk", value="ACME", at=AT)
    assert whose("ACME", AT) == (acme.pk, Status.OK)
    assert whose("NOBODY", AT) == (-1, Status.UNKNOWN)


@pytest.mark.parametrize(
    "fields",
    [
        {"trunk": "T"},
        {"trunk": "OTHER", "source_ip": "192.0.2.7"},
        {"source_ip": "::ffff:192.0.2.7", "called": "77#4420"},
        {"source_ip": "2001:db8:5::1"},
        {"source_ip": "198.51.100.1"},
        {"source_ip": "no address"},
        {"sip_user": "T", "trunk": "T"},
        {"calling": "254720000002"},
        {"calling": "254720000001"},
        {},
    ],
)
@pytest.mark.parametrize("switch", ["east", "west"])
@pytest.mark.parametrize("side", list(Side))
def test_the_identities_that_a_record_names_decide_as_the_whole_book_does(
    in_scope: Any, fields: dict[str, str], switch: str, side: Side
) -> None:
    for code, given in {
        "a": {"kind": "trunk", "value": "T"},
        "b": {"kind": "ip", "value": "192.0.2.0/24", "tech_prefix": "77#"},
        "c": {"kind": "ip", "value": "0.0.0.0/0", "switch": "east"},
        "d": {"kind": "ip", "value": "2001:db8::/32", "side": "sell"},
        "e": {"kind": "sip_user", "value": "T"},
        "f": {"kind": "calling", "value": "+254720000001", "side": "sell", "switch": "west"},
    }.items():
        actions.add_identity(account=account(code), at=AT, **given)
    start_ms = round(AT.timestamp() * 1000)
    found = identify(queries.identity_rows_naming(fields), fields, start_ms=start_ms, side=side, switch=switch)
    columns = {name: pa.array([value]) for name, value in fields.items()}
    whole = queries.resolver(switch).resolve(columns, np.array([start_ms], np.int64), side)
    assert (found.account_id or -1, found.status) == (int(whole.account_id[0]), Status(int(whole.status[0])))


SAME: dict[str, Any] = {"kind": "trunk", "value": "T"}


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ({}, {}, True),
        ({"side": "sell"}, {"side": "buy"}, False),
        ({"side": "sell"}, {"side": "both"}, True),
        ({"side": "both"}, {"side": "buy"}, True),
        ({}, {"priority": 99}, False),
        ({}, {"tech_prefix": "1"}, False),
        ({}, {"switch": "east"}, False),
        ({"switch": "east"}, {"switch": "east"}, True),
        ({"switch": "east"}, {"switch": "west"}, False),
        ({}, {"value": "t"}, False),
        ({}, {"kind": "sip_user"}, False),
        ({"valid_to": NOON}, {"valid_from": NOON}, False),
        ({"valid_to": NOON}, {}, True),
        ({"valid_from": NOON}, {}, True),
        ({"valid_from": NOON}, {"valid_to": NOON}, False),
        ({"valid_to": NOON + timedelta(microseconds=1)}, {"valid_from": NOON}, True),
        ({"kind": "ip", "value": "192.0.2.7"}, {"kind": "ip", "value": "::ffff:192.0.2.7/128"}, True),
        ({"kind": "ip", "value": "192.0.2.0/24"}, {"kind": "ip", "value": "192.0.2.0/25"}, False),
    ],
)
def test_equal_identities_do_not_overlap(
    in_scope: Any, first: dict[str, Any], second: dict[str, Any], refused: bool
) -> None:
    acme, other = account("acme"), account("other")
    actions.add_identity(account=acme, at=AT, **SAME | first)
    if not refused:
        actions.add_identity(account=other, at=AT, **SAME | second)
        return
    with pytest.raises(Conflict) as caught:
        actions.add_identity(account=other, at=AT, **SAME | second)
    assert caught.value.code == "identity_overlap"
    assert "of the account acme" in caught.value.message
    assert Identity.objects.count() == 1


def test_the_database_itself_refuses_the_overlap(in_scope: Any) -> None:
    acme = account("acme")
    actions.add_identity(account=acme, at=AT, **SAME)
    with pytest.raises(IntegrityError, match="parties_identity_equal_and_overlapping"), transaction.atomic():
        Identity.objects.create(account=acme, side="buy", **SAME)


def test_two_tenants_may_have_equal_identities(tenant: Any, other_tenant: Any) -> None:
    for each in (tenant, other_tenant):
        with scope(each, "test"):
            acme = account("acme")
            actions.add_identity(account=acme, at=AT, **SAME)
            assert [identity.account for identity in queries.identities()] == [acme]


def test_many_identities_are_added_all_or_none(in_scope: Any) -> None:
    acme = account("acme")
    new = [actions.NewIdentity(acme, "calling", str(254720000000 + n), side="sell") for n in range(3000)]
    assert len(actions.add_identities(identities=new, at=AT)) == 3000
    more = [actions.NewIdentity(acme, "trunk", "A"), actions.NewIdentity(acme, "calling", "+254 720 000 005", "sell")]
    with pytest.raises(Conflict, match="Calling number 254720000005"):
        actions.add_identities(identities=more, at=AT)
    twice = [actions.NewIdentity(acme, "trunk", "A"), actions.NewIdentity(acme, "trunk", "A ")]
    with pytest.raises(Conflict, match="Trunk A of the account acme"):
        actions.add_identities(identities=twice, at=AT)
    assert Identity.objects.count() == 3000
    assert len(queries.identity_rows()) == 3000


def test_a_closed_account_loses_its_identities_at_its_own_midnight(in_scope: Any) -> None:
    acme = account("acme", timezone="Africa/Nairobi")
    midnight = datetime(2026, 3, 4, 21, tzinfo=UTC)  # the 5th begins in Nairobi
    actions.add_identity(account=acme, kind="trunk", value="OPEN", at=AT)
    actions.add_identity(account=acme, kind="trunk", value="SHORT", valid_to=NOON, at=AT)
    actions.add_identity(account=acme, kind="trunk", value="LATER", valid_from=midnight + timedelta(days=9), at=AT)
    actions.close_account(account_id=acme.pk, closed_on=date(2026, 3, 5), at=AT)
    assert {i.value: (i.valid_from, i.valid_to) for i in queries.identities(acme)} == {
        "OPEN": (None, midnight),
        "SHORT": (None, NOON),
        "LATER": (midnight + timedelta(days=9), midnight + timedelta(days=9)),
    }
    assert whose("OPEN", midnight - timedelta(milliseconds=1)) == (acme.pk, Status.OK)
    assert whose("OPEN", midnight) == (-1, Status.UNKNOWN)
    assert whose("LATER", midnight + timedelta(days=9)) == (-1, Status.UNKNOWN)
    with pytest.raises(Conflict) as caught:
        actions.add_identity(account=acme, kind="trunk", value="NEW", at=AT)
    assert caught.value.code == "account_closed"


def test_an_identity_moves_in_the_middle_of_a_day(in_scope: Any) -> None:
    acme, other = account("acme"), account("other")
    old = actions.add_identity(account=acme, kind="trunk", value="T", valid_to=NOON + timedelta(days=1), at=AT)
    new = actions.move_identity(identity_id=old.pk, account=other, moved_at=NOON, at=AT)
    assert (new.account, new.valid_from, new.valid_to) == (other, NOON, NOON + timedelta(days=1))
    assert whose("T", NOON - timedelta(milliseconds=1)) == (acme.pk, Status.OK)
    assert whose("T", NOON) == (other.pk, Status.OK)
    assert whose("T", NOON + timedelta(days=1)) == (-1, Status.UNKNOWN)
    with pytest.raises(Invalid, match="does not hold"):
        actions.move_identity(identity_id=old.pk, account=other, moved_at=NOON, at=AT)


def test_an_identity_ends_and_never_before_it_began(in_scope: Any) -> None:
    acme = account("acme")
    made = actions.add_identity(account=acme, kind="trunk", value="T", valid_from=NOON, at=AT)
    assert actions.end_identity(identity_id=made.pk, valid_to=NOON - timedelta(hours=1), at=AT).valid_to == NOON
    actions.add_identity(account=acme, kind="trunk", value="T", at=AT)
    with pytest.raises(Conflict, match="Trunk T of the account acme"):
        actions.end_identity(identity_id=made.pk, valid_to=NOON + timedelta(hours=1), at=AT)
    with pytest.raises(NotFound):
        actions.end_identity(identity_id=made.pk + 1000, valid_to=NOON, at=AT)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("bad_identity", {"kind": "colour"}),
        ("bad_identity", {"side": "up"}),
        ("bad_identity", {"value": ""}),
        ("bad_identity", {"priority": -1}),
        ("bad_identity", {"valid_from": NOON, "valid_to": NOON}),
        ("naive_instant", {"valid_from": datetime(2026, 3, 2)}),  # noqa: DTZ001 - the very thing that is refused
        ("bad_network", {"kind": "ip", "value": "192.0.2.7/24"}),
        ("bad_tech_prefix", {"tech_prefix": "12a"}),
    ],
)
def test_what_cannot_be_an_identity_is_refused(in_scope: Any, code: str, given: dict[str, Any]) -> None:
    acme = account("acme")
    with pytest.raises(Invalid) as caught:
        actions.add_identity(account=acme, at=AT, **SAME | given)
    assert caught.value.code == code

"""What one may be allowed to do, and what the roles that come with the program permit."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from trunkline.cli.main import GROUPS, build
from trunkline.core.errors import Denied, Invalid
from trunkline.identity.permissions import (
    EVERYTHING,
    NOT_FOR_KEYS,
    READING,
    ROLE_NAMES,
    ROLES,
    SENTENCES,
    STAFF_SESSION,
    WITHOUT_WORKING,
    BuiltInRole,
    Permission,
    known_permissions,
    parse_permissions,
    parse_role,
)
from trunkline.identity.principal import Principal, PrincipalKind, command_line

P = Permission

# What each command of the command line is worth at another door. None: it is for whoever runs the machine.
COMMANDS: dict[str, Permission | None] = {
    "demo": None, "up": None, "worker": None, "bench": None, "tenant add": None, "tenant list": None,
    "tenant extend": None, "tenant activate": None, "tenant suspend": None, "tenant quota": None, "tenant storage": None,
    "db start": None, "db stop": None, "db status": None, "db migrate": None, "db url": None,
    "simulate usage": None, "vectors rating": None, "source reseal": None, "usage watch": None, "usage sweep": None, "invoice sweep": None,
    "usage formats": P.USAGE_READ,
    "staff add": P.STAFF_MANAGE, "staff role": P.STAFF_MANAGE, "staff networks": P.STAFF_MANAGE, "staff remove": P.STAFF_MANAGE,
    "staff list": P.STAFF_READ, "staff platform": None, "staff reseal": None,
    "key add": P.KEYS_MANAGE, "key revoke": P.KEYS_MANAGE, "key list": P.KEYS_READ,
    "account add": P.ACCOUNTS_WRITE, "account set": P.ACCOUNTS_WRITE, "account contact-add": P.ACCOUNTS_WRITE,
    "account list": P.ACCOUNTS_READ, "account show": P.ACCOUNTS_READ, "account identity-list": P.ACCOUNTS_READ, "account whose": P.ACCOUNTS_READ,
    "account suspend": P.ACCOUNTS_SUSPEND, "account resume": P.ACCOUNTS_SUSPEND, "account close": P.ACCOUNTS_SUSPEND,
    "account identity-add": P.IDENTITIES_WRITE, "account identity-end": P.IDENTITIES_WRITE, "account identity-move": P.IDENTITIES_WRITE,
    "tariff list": P.TARIFFS_READ, "tariff show": P.TARIFFS_READ, "tariff export-rates": P.TARIFFS_READ,
    "tariff profile-list": P.TARIFFS_READ, "tariff exchange-rate": P.TARIFFS_READ,
    "tariff add": P.TARIFFS_WRITE, "tariff set": P.TARIFFS_WRITE, "tariff load-rates": P.TARIFFS_WRITE, "tariff void-rates": P.TARIFFS_WRITE,
    "tariff profile-add": P.TARIFFS_WRITE, "tariff profile-set": P.TARIFFS_WRITE, "tariff load-deck": P.TARIFFS_WRITE,
    "deck list": P.TARIFFS_READ, "deck changes": P.TARIFFS_READ, "deck show": P.TARIFFS_READ, "deck codes": P.TARIFFS_READ, "deck export": P.TARIFFS_READ,
    "deck set": P.TARIFFS_WRITE, "deck import": P.TARIFFS_WRITE, "deck world": P.TARIFFS_WRITE, "deck apply": P.TARIFFS_WRITE, "deck undo": P.TARIFFS_WRITE,
    "deck discard": P.TARIFFS_WRITE, "deck name": P.TARIFFS_WRITE,
    "destination-group list": P.TARIFFS_READ, "destination-group show": P.TARIFFS_READ, "destination-group set": P.TARIFFS_WRITE,
    "special list": P.TARIFFS_READ, "special add": P.TARIFFS_WRITE, "special end": P.TARIFFS_WRITE,
    "tariff edit": P.TARIFFS_WRITE,
    "agreement set": P.TARIFFS_WRITE,
    "agreement list": P.TARIFFS_READ,
    "analysis compare": P.TARIFFS_READ, "analysis least": P.TARIFFS_READ,
    "deal add": P.TARIFFS_WRITE, "deal set": P.TARIFFS_WRITE, "deal item": P.TARIFFS_WRITE, "deal item-remove": P.TARIFFS_WRITE,
    "deal archive": P.TARIFFS_WRITE, "deal restore": P.TARIFFS_WRITE, "deal list": P.TARIFFS_READ, "deal show": P.TARIFFS_READ,
    "sheet read": P.TARIFFS_READ,
    "sheet template": P.TARIFFS_WRITE,
    "sheet load": P.TARIFFS_WRITE,
    "sheet list": P.TARIFFS_READ,
    "sheet show": P.TARIFFS_READ,
    "sheet apply": P.TARIFFS_WRITE,
    "sheet undo": P.TARIFFS_WRITE,
    "sheet discard": P.TARIFFS_WRITE,
    "generator list": P.TARIFFS_READ, "generator show": P.TARIFFS_READ, "generator runs": P.TARIFFS_READ, "generator simulation": P.TARIFFS_READ,
    "generator set": P.TARIFFS_WRITE, "generator run": P.TARIFFS_WRITE, "generator apply": P.TARIFFS_WRITE, "generator undo": P.TARIFFS_WRITE,
    "generator discard": P.TARIFFS_WRITE,
    "notification templates": P.TARIFFS_READ, "notification plans": P.TARIFFS_READ, "notification list": P.TARIFFS_READ,
    "notification show": P.TARIFFS_READ, "notification template": P.TARIFFS_WRITE, "notification plan": P.TARIFFS_WRITE,
    "notification prepare": P.TARIFFS_WRITE, "notification send": P.TARIFFS_WRITE, "notification send-again": P.TARIFFS_WRITE,
    "notification put-off": P.TARIFFS_WRITE, "notification discard": P.TARIFFS_WRITE,
    "mailbox list": P.TARIFFS_READ, "mailbox show": P.TARIFFS_READ, "mailbox messages": P.TARIFFS_READ, "mailbox check": P.TARIFFS_READ,
    "mailbox set": P.TARIFFS_WRITE, "mailbox trust": P.TARIFFS_WRITE, "mailbox pause": P.TARIFFS_WRITE, "mailbox resume": P.TARIFFS_WRITE,
    "mailbox remove": P.TARIFFS_WRITE, "mailbox rule": P.TARIFFS_WRITE, "mailbox rule-remove": P.TARIFFS_WRITE, "mailbox run": P.TARIFFS_WRITE,
    "mailbox remind": P.TARIFFS_WRITE, "mailbox reminders": P.TARIFFS_READ,
    "mailbox again": P.TARIFFS_WRITE, "mailbox dismiss": P.TARIFFS_WRITE, "mailbox reseal": None,
    "tariff assign": P.TARIFFS_ASSIGN, "tariff end-assignment": P.TARIFFS_ASSIGN,
    "tariff load-exchange-rates": P.EXCHANGE_RATES_WRITE, "tariff set-exchange-rate": P.EXCHANGE_RATES_WRITE,
    "switch list": P.SWITCHES_READ, "switch add": P.SWITCHES_WRITE, "switch set": P.SWITCHES_WRITE,
    "rule list": P.RULES_READ, "rule show": P.RULES_READ, "rule export": P.RULES_READ, "rule test": P.RULES_READ,
    "rule add": P.RULES_WRITE, "rule change": P.RULES_WRITE, "rule remove": P.RULES_WRITE, "rule import": P.RULES_WRITE,
    "source list": P.SOURCES_READ, "source show": P.SOURCES_READ, "source check": P.SOURCES_READ,
    "source add": P.SOURCES_WRITE, "source change": P.SOURCES_WRITE, "source pause": P.SOURCES_WRITE, "source resume": P.SOURCES_WRITE,
    "source trust": P.SOURCES_WRITE, "source remove": P.SOURCES_WRITE, "source pull": P.SOURCES_PULL,
    "usage batches": P.USAGE_READ, "usage rejects": P.USAGE_READ, "usage legs": P.USAGE_READ, "usage check": P.LEDGER_READ,
    "usage load": P.USAGE_LOAD, "usage try": P.USAGE_LOAD, "usage resend": P.USAGE_SEND_AGAIN, "usage accept": P.USAGE_ACCEPT, "usage rerate": P.USAGE_RERATE,
    "usage search": P.RECORDS_READ, "explain": P.RECORDS_READ,
    "invoice preview": P.INVOICES_READ, "invoice list": P.INVOICES_READ, "invoice show": P.INVOICES_READ, "invoice unbilled": P.INVOICES_READ,
    "invoice check": P.INVOICES_READ, "invoice export": P.RECORDS_EXPORT, "invoice issue": P.INVOICES_ISSUE, "invoice void": P.INVOICES_VOID,
    "invoice runs": P.INVOICES_READ, "invoice run": P.INVOICES_READ, "invoice profile": P.SETTINGS_WRITE,
    "report margin": P.REPORTS_READ, "report summary": P.REPORTS_READ, "report run": P.REPORTS_READ, "report list": P.REPORTS_READ,
    "report deliveries": P.REPORTS_READ, "report save": P.REPORTS_WRITE, "report remove": P.REPORTS_WRITE, "report save-usual": P.REPORTS_WRITE,
    "report schedule": P.REPORTS_WRITE, "report unschedule": P.REPORTS_WRITE, "report send": P.REPORTS_WRITE,
    "ledger check": P.LEDGER_READ, "ledger balances": P.LEDGER_READ, "ledger statement": P.LEDGER_READ, "ledger close-period": P.LEDGER_CLOSE,
}  # fmt: skip

# Reached by no command: their screens come with the other doors.
BESIDES_COMMANDS = {P.HISTORY_READ, P.OWNERS_MANAGE, P.SETTINGS_READ}


def commands() -> set[str]:
    found: set[str] = set()
    for name, group in get_command(build(list(GROUPS))).commands.items():  # type: ignore[attr-defined]
        below = getattr(group, "commands", None)
        found |= {f"{name} {each}" for each in below} if below else {name}
    return found


def test_every_command_has_its_permission() -> None:
    assert commands() == set(COMMANDS)
    assert set(COMMANDS.values()) - {None} | BESIDES_COMMANDS == EVERYTHING


def test_every_permission_is_a_thing_and_a_verb_with_a_sentence() -> None:
    assert set(SENTENCES) == EVERYTHING
    assert [p for p in Permission if not re.fullmatch(r"[a-z_]+\.[a-z_]+", p)] == []
    assert [p for p, sentence in SENTENCES.items() if not sentence.endswith(".")] == []


def test_the_roles_permit_what_their_names_say() -> None:
    assert set(ROLES) == set(ROLE_NAMES) == set(BuiltInRole)
    assert ROLES[BuiltInRole.OWNER] == EVERYTHING
    assert EVERYTHING - ROLES[BuiltInRole.ADMIN] == {P.OWNERS_MANAGE}
    assert ROLES[BuiltInRole.READ_ONLY] == READING
    money = {P.INVOICES_READ, P.INVOICES_ISSUE, P.INVOICES_VOID, P.LEDGER_READ, P.LEDGER_CLOSE, P.TARIFFS_WRITE}
    assert money & ROLES[BuiltInRole.NOC] == set()
    assert money & ROLES[BuiltInRole.FINANCE] == money
    network = {P.SWITCHES_WRITE, P.SOURCES_WRITE, P.RULES_WRITE, P.USAGE_LOAD}
    assert (network & ROLES[BuiltInRole.FINANCE], network & ROLES[BuiltInRole.NOC]) == (set(), network)
    writes = {p for p in ROLES[BuiltInRole.SUPPORT] if not p.endswith(".read")}
    assert writes == {P.USAGE_SEND_AGAIN}


@pytest.mark.parametrize("role", [r for r in BuiltInRole if r not in {BuiltInRole.OWNER, BuiltInRole.ADMIN}])
def test_only_owners_and_admins_let_people_and_programs_in(role: BuiltInRole) -> None:
    assert ROLES[role] & {P.STAFF_MANAGE, P.KEYS_MANAGE, P.OWNERS_MANAGE, P.SETTINGS_WRITE} == set()


def test_a_staff_session_and_a_key_leave_no_door_behind() -> None:
    assert EVERYTHING - STAFF_SESSION == NOT_FOR_KEYS == {P.OWNERS_MANAGE, P.STAFF_MANAGE, P.KEYS_MANAGE}


def test_where_nothing_new_is_taken_one_reads_exports_and_says_who_may_come_in() -> None:
    assert {p for p in WITHOUT_WORKING if not p.endswith(".read")} == {
        P.RECORDS_EXPORT, P.KEYS_MANAGE, P.STAFF_MANAGE, P.OWNERS_MANAGE,
    }  # fmt: skip
    assert READING <= WITHOUT_WORKING


def test_names_of_permissions_are_read_strictly_from_people_and_leniently_from_the_database() -> None:
    assert parse_permissions(["usage.load", "accounts.read"]) == {P.USAGE_LOAD, P.ACCOUNTS_READ}
    with pytest.raises(Invalid) as caught:
        parse_permissions(["usage.load", "usage.fly"])
    assert (caught.value.code, caught.value.context) == ("unknown_permission", {"permission": "usage.fly"})
    known = known_permissions(["usage.load", "usage.fly"])
    assert known == {P.USAGE_LOAD}
    assert {type(each) for each in known} == {Permission}


@pytest.mark.parametrize(
    ("word", "role"),
    [("noc", "noc"), ("NOC", "noc"), ("Read-only", "read_only"), ("read only", "read_only"), ("boss", None)],
)
def test_roles_are_found_by_value_and_name(word: str, role: str | None) -> None:
    assert parse_role(word) == role


def principal(*permissions: Permission) -> Principal:
    return Principal(1, "user:7", frozenset(permissions), PrincipalKind.USER, 7, 7)


def test_a_principal_says_which_permission_is_missing() -> None:
    ada = principal(P.USAGE_READ)
    ada.require(P.USAGE_READ)
    assert (ada.may(P.USAGE_READ), ada.may(P.USAGE_READ, P.USAGE_LOAD)) == (True, False)
    with pytest.raises(Denied) as caught:
        ada.require(P.USAGE_READ, P.USAGE_LOAD)
    assert (caught.value.code, caught.value.context) == ("permission_missing", {"permission": "usage.load"})


def test_nobody_hands_on_what_they_do_not_have() -> None:
    ada = principal(P.USAGE_READ)
    ada.require_all_of({P.USAGE_READ})
    with pytest.raises(Denied) as caught:
        ada.require_all_of({P.USAGE_READ, P.INVOICES_VOID})
    assert (caught.value.code, caught.value.context) == ("beyond_own_permissions", {"permissions": ["invoices.void"]})


def test_the_command_line_may_everything() -> None:
    assert command_line(3, "cli:root") == Principal(3, "cli:root", EVERYTHING, PrincipalKind.COMMAND_LINE, 0, None)

"""What one may be allowed to do: a permission for each verb, and the roles that come with the program.

A door asks for a permission before it looks at any object (`Principal.require`). Pure: the command line and the doors use it without Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from trunkline.core.errors import Invalid


class Permission(StrEnum):
    """`<what>.<verb>`. The value is what stands in the database, in scopes of keys and in answers; it never changes."""

    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_WRITE = "accounts.write"
    ACCOUNTS_SUSPEND = "accounts.suspend"
    IDENTITIES_WRITE = "identities.write"
    TARIFFS_READ = "tariffs.read"
    TARIFFS_WRITE = "tariffs.write"
    TARIFFS_ASSIGN = "tariffs.assign"
    EXCHANGE_RATES_WRITE = "exchange_rates.write"
    SWITCHES_READ = "switches.read"
    SWITCHES_WRITE = "switches.write"
    SOURCES_READ = "sources.read"
    SOURCES_WRITE = "sources.write"
    SOURCES_PULL = "sources.pull"
    RULES_READ = "rules.read"
    RULES_WRITE = "rules.write"
    USAGE_READ = "usage.read"
    USAGE_LOAD = "usage.load"
    USAGE_SEND_AGAIN = "usage.send_again"
    USAGE_ACCEPT = "usage.accept"
    USAGE_RERATE = "usage.rerate"
    RECORDS_READ = "records.read"
    RECORDS_EXPORT = "records.export"
    INVOICES_READ = "invoices.read"
    INVOICES_ISSUE = "invoices.issue"
    INVOICES_VOID = "invoices.void"
    LEDGER_READ = "ledger.read"
    LEDGER_CLOSE = "ledger.close"
    REPORTS_READ = "reports.read"
    REPORTS_WRITE = "reports.write"
    HISTORY_READ = "history.read"
    KEYS_READ = "keys.read"
    KEYS_MANAGE = "keys.manage"
    STAFF_READ = "staff.read"
    STAFF_MANAGE = "staff.manage"
    OWNERS_MANAGE = "owners.manage"
    SETTINGS_READ = "settings.read"
    SETTINGS_WRITE = "settings.write"


P = Permission

SENTENCES: Final[Mapping[Permission, str]] = {
    P.ACCOUNTS_READ: "See accounts, their contacts, identities, tariffs and balances.",
    P.ACCOUNTS_WRITE: "Make and change accounts, contacts and billing profiles.",
    P.ACCOUNTS_SUSPEND: "Suspend, resume and close accounts.",
    P.IDENTITIES_WRITE: "Say by which trunks, addresses and numbers traffic is an account's.",
    P.TARIFFS_READ: "See tariffs, rates, time profiles, code decks and exchange rates; price a call that nobody made.",
    P.TARIFFS_WRITE: "Make tariffs, load and void rates, apply and undo rate sheets, set up their mailboxes, change time profiles and code decks.",
    P.TARIFFS_ASSIGN: "Give accounts their tariffs and take them away.",
    P.EXCHANGE_RATES_WRITE: "Load and state exchange rates.",
    P.SWITCHES_READ: "See switches and the mappings of their files.",
    P.SWITCHES_WRITE: "Make and change switches and mappings.",
    P.SOURCES_READ: "See where files come from, what was seen there, and alarms.",
    P.SOURCES_WRITE: "Make, change, pause and remove sources, and trust their servers.",
    P.SOURCES_PULL: "Look into a source now.",
    P.RULES_READ: "See traffic rules and test how one call fares.",
    P.RULES_WRITE: "Make, change, import and remove traffic rules.",
    P.USAGE_READ: "See batches, their progress, rejects, waiting legs and proposals of re-rating.",
    P.USAGE_LOAD: "Send usage files in, and try a file without taking it.",
    P.USAGE_SEND_AGAIN: "Send rejects through again.",
    P.USAGE_ACCEPT: "Accept corrections: conflicting duplicates and late legs.",
    P.USAGE_RERATE: "Look at and apply re-ratings of posted records.",
    P.RECORDS_READ: "Search single records and see why each costs what it costs.",
    P.RECORDS_EXPORT: "Take records out of the house as files.",
    P.INVOICES_READ: "See invoices, credit notes, previews and what is unbilled.",
    P.INVOICES_ISSUE: "Issue invoices and credit notes.",
    P.INVOICES_VOID: "Take issued documents back.",
    P.LEDGER_READ: "See the journal, balances and statements, and have the books proved.",
    P.LEDGER_CLOSE: "Close a period of the books for ever.",
    P.REPORTS_READ: "Make reports and see the dashboard's money.",
    P.REPORTS_WRITE: "Keep, schedule and remove saved reports.",
    P.HISTORY_READ: "See who changed what, why and from where.",
    P.KEYS_READ: "See API keys: their names, scopes and last use.",
    P.KEYS_MANAGE: "Make and revoke API keys.",
    P.STAFF_READ: "See who works here and in which role.",
    P.STAFF_MANAGE: "Invite and remove colleagues, change their roles and networks, make roles of one's own.",
    P.OWNERS_MANAGE: "Make owners, and change or remove them.",
    P.SETTINGS_READ: "See the settings of the operator: currency, zone, seller's block, numbering.",
    P.SETTINGS_WRITE: "Change the settings of the operator.",
}

EVERYTHING: Final = frozenset(Permission)
READING: Final = frozenset(p for p in Permission if p.endswith(".read"))


class BuiltInRole(StrEnum):
    """The roles that every operator has; their permissions are the program's, so that a new verb reaches them with an update."""

    OWNER = "owner"
    ADMIN = "admin"
    FINANCE = "finance"
    NOC = "noc"
    SUPPORT = "support"
    READ_ONLY = "read_only"


ROLE_NAMES: Final[Mapping[BuiltInRole, str]] = {
    BuiltInRole.OWNER: "Owner",
    BuiltInRole.ADMIN: "Admin",
    BuiltInRole.FINANCE: "Finance",
    BuiltInRole.NOC: "NOC",
    BuiltInRole.SUPPORT: "Support",
    BuiltInRole.READ_ONLY: "Read-only",
}

# What needs no look at people, keys or money's settings to do one's work.
_WORKING: Final = READING - {P.KEYS_READ, P.STAFF_READ, P.HISTORY_READ, P.SETTINGS_READ}

ROLES: Final[Mapping[BuiltInRole, frozenset[Permission]]] = {
    BuiltInRole.OWNER: EVERYTHING,
    BuiltInRole.ADMIN: EVERYTHING - {P.OWNERS_MANAGE},
    BuiltInRole.FINANCE: _WORKING
    | {
        P.ACCOUNTS_WRITE,
        P.ACCOUNTS_SUSPEND,
        P.TARIFFS_WRITE,
        P.TARIFFS_ASSIGN,
        P.EXCHANGE_RATES_WRITE,
        P.USAGE_RERATE,
        P.RECORDS_EXPORT,
        P.INVOICES_ISSUE,
        P.INVOICES_VOID,
        P.LEDGER_CLOSE,
        P.REPORTS_WRITE,
        P.HISTORY_READ,
        P.SETTINGS_READ,
    },
    BuiltInRole.NOC: (_WORKING - {P.INVOICES_READ, P.LEDGER_READ})
    | {
        P.IDENTITIES_WRITE,
        P.SWITCHES_WRITE,
        P.SOURCES_WRITE,
        P.SOURCES_PULL,
        P.RULES_WRITE,
        P.USAGE_LOAD,
        P.USAGE_SEND_AGAIN,
        P.USAGE_ACCEPT,
        P.RECORDS_EXPORT,
        P.HISTORY_READ,
    },
    BuiltInRole.SUPPORT: (_WORKING - {P.LEDGER_READ, P.SOURCES_READ}) | {P.USAGE_SEND_AGAIN},
    BuiltInRole.READ_ONLY: READING,
}

# A platform operator in a staff session works as an admin, and leaves no door behind when the session has ended.
STAFF_SESSION: Final = EVERYTHING - {P.OWNERS_MANAGE, P.STAFF_MANAGE, P.KEYS_MANAGE}

# What no program may do on its own: a leaked key must not make further ones, nor let people in.
NOT_FOR_KEYS: Final = frozenset({P.OWNERS_MANAGE, P.STAFF_MANAGE, P.KEYS_MANAGE})


# What remains where nothing new is taken (the trial has ended, the operator is suspended): to read, to take one's data out of the house,
# and to say who may still come in, so that nobody must leave a door open because of an unpaid bill.
WITHOUT_WORKING: Final = READING | {P.RECORDS_EXPORT, P.KEYS_MANAGE, P.STAFF_MANAGE, P.OWNERS_MANAGE}


def parse_permissions(words: Iterable[str]) -> frozenset[Permission]:
    """The permissions of those names. Raises Invalid `unknown_permission` for the first that is none."""
    found = set()
    for word in words:
        try:
            found.add(Permission(word))
        except ValueError:
            raise Invalid(
                "unknown_permission",
                f"There is no permission {word!r}.",
                hint="docs/guide/staff.md lists them.",
                permission=word,
            ) from None
    return frozenset(found)


def known_permissions(words: Iterable[str]) -> frozenset[Permission]:
    """The permissions among those names: what an older or newer version has kept and this one does not know gives nothing."""
    kept = set(words)
    return frozenset(permission for permission in Permission if permission in kept)


def parse_role(word: str) -> BuiltInRole | None:
    """The built-in role of that value or name, whatever its case: `NOC`, `read-only`; None where it is none."""
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    return next((role for role in BuiltInRole if role == plain), None)

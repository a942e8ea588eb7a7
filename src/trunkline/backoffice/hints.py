"""What to do about an error in front of a page, where the room's own hint speaks of the command line or of a file of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.rooms import in_words
from trunkline.core.errors import TrunklineError, speaks_of_commands

HINTS: Final[Mapping[str, Any]] = {
    "account_not_found": _("The list of accounts shows their short names."),
    "adjusted_later": _("Void the document that adjusts it first, or both together."),
    "bad_rate_file": _("Correct these lines and send the file again, or let new rates end earlier ones."),
    "batch_not_found": _("The list of files shows them."),
    "certificate_refused": _("Ask the server's operator. If it is meant to be like that, trust the certificate on the source's page."),
    "chart_keys": _("Group by day, or by day and account."),
    "compare_period": _("Say from when to when."),
    "deck_needed": _("Choose one, or set one of them to be for sheets of names."),
    "deck_not_found": _("The list of code decks shows them."),
    "empty_deck": _("It needs a column of codes and one of names, with a heading each."),
    "deal_not_found": _("The list of swap deals shows them."),
    "exchange_rate_differs": _("Nothing was loaded. Choose to replace what differs to take the values of the file."),
    "group_not_found": _("The list of destination groups shows them."),
    "host_key_changed": _("Ask the server's operator. If the key was changed on purpose, trust the new one on the source's page."),
    "host_key_unknown": _("Trust it on the source's page."),
    "invalid_api_key": _("Make a new key."),
    "invoice_not_found": _("The list of invoices shows them."),
    "ledger_account_not_found": _("The trial balance lists them."),
    "mapping_expression": _("An expression is made of names of columns, texts in single quotes, and functions."),
    "mapping_key": _("Look at the parts of a mapping below the text."),
    "mapping_type": _("Look at the parts of a mapping below the text."),
    "mapping_name": _("Look at the parts of a mapping below the text."),
    "mapping_size": _("Look at the parts of a mapping below the text."),
    "member_not_found": _("The list of staff shows who works here."),
    "nothing_to_accept": _("Look at the rejects: conflicting duplicates and late legs can be accepted."),
    "nothing_to_bill": _("The page of what is unbilled shows what is open."),
    "number_rule": _("A rule is an object with begins or pattern, put, length_min, length_max, on and is_last."),
    "number_taken": _("Change the template of numbers in the settings of the operator."),
    "period_open": _("Issue it early: what comes later lands on the next invoice."),
    "proposal_not_found": _("The page of re-rating lists those that are open."),
    "record_not_found": _("Search for the record, or look among the rejects."),
    "report_not_found": _("The list of saved reports shows them."),
    "resend_under_way": _("Let that come to its end. What is left can then be accepted from the new batch."),
    "rule_not_found": _("The list of traffic rules shows them."),
    "side_with_identify": _("Choose both sides; an account chooses the records that have it on either side."),
    "source_login": _("Give a user, and a password or a private key."),
    "source_not_found": _("The list of sources shows them."),
    "source_pin": _("As the server's operator says it: for SFTP the kind of the key and SHA256:…, otherwise the SHA-256 of the certificate."),
    "source_schedule": _("Say every how many minutes, or when in five fields: 15 3 * * * is a quarter past three every day."),
    "source_senders": _("Write addresses, @example.net for all of a domain, or * for everybody."),
    "sums_disagree": _("Tell whoever runs the installation: sums and records do not agree."),
    "switch_not_found": _("The list of switches shows them."),
    "switch_option": _("Each option has a name and values of its own; a switch of the format mapping needs the option mapping."),
    "tariff_not_found": _("The list of tariffs shows them."),
    "tenant_not_found": _("Choose one of the operators that you work for."),
    "unknown_origin": _("Set the origin deck of the tariff first, or add the origin to it."),
    "unknown_permission": _("Choose one of those that are listed."),
    "user_not_found": _("Invite them first."),
}  # fmt: skip


def hint_text(error: TrunklineError) -> str:
    """What to do about an error, for somebody in front of a page."""
    return in_words(error.hint) if error.hint and not speaks_of_commands(error.hint) else str(HINTS.get(error.code, ""))


def error_text(error: TrunklineError) -> str:
    """What an error says to somebody in front of a page: what is wrong, and what to do about it here."""
    hint = hint_text(error)
    return f"{in_words(error.message)} {hint}" if hint else in_words(error.message)

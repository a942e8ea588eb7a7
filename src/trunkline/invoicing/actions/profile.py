"""Who the seller on documents is, and how they are numbered."""

from __future__ import annotations

from trunkline.core.errors import Invalid
from trunkline.invoicing import queries
from trunkline.invoicing.document.catalogue import require_language
from trunkline.invoicing.models import InvoicingProfile
from trunkline.invoicing.rules import check_number_template, number_text


def set_profile(**said: str) -> InvoicingProfile:
    """Say who the seller is and how documents are numbered; what is left out stays.

    Raises Invalid `unknown_language`, `number_template`, `number_series` where invoices and credit notes would share their numbers.
    """
    profile = queries.profile_or_default()
    for name, value in said.items():
        setattr(profile, name, value)
    require_language(profile.language)
    check_number_template(profile.invoice_number)
    check_number_template(profile.credit_note_number)
    if number_text(profile.invoice_number, year=1, serial=1) == number_text(
        profile.credit_note_number, year=1, serial=1
    ):
        raise Invalid("number_series", "Invoices and credit notes need numbers that differ.")
    profile.save()
    return profile

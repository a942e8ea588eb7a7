"""Contacts: the people and offices of an account."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from ninja import Router, Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, Name, Text, answers, page_of
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.parties import actions
from trunkline.parties.choices import ContactRole
from trunkline.parties.models import Contact
from trunkline.parties.queries import access_account, contacts

router = Router(tags=["contacts"])


class NewContact(Body):
    """A person or office to be added."""

    name: Name
    role: ContactRole = ContactRole.GENERAL
    email: str = Field(default="", max_length=254)
    phone: str = Field(default="", max_length=40)
    note: Text = ""


class ContactShown(NewContact):
    """A person or office of an account, and what one turns to them for."""

    id: int


def shown(contact: Contact) -> ContactShown:
    """A contact as the API shows it."""
    return ContactShown(
        id=contact.pk,
        name=contact.name,
        role=ContactRole(contact.role),
        email=contact.email,
        phone=contact.phone,
        note=contact.note,
    )


CONTACTS = listing.Listing(
    schema=ContactShown,
    row=shown,
    sorts={"id": "id", "name": "name"},
    filters={"role": listing.choice("role", ContactRole), "email": listing.text("email")},
)


@router.get(
    "/{account_id}/contacts",
    auth=ApiKey(Permission.ACCOUNTS_READ),
    response=answers(page_of(ContactShown), 404),
    openapi_extra={"parameters": CONTACTS.parameters},
)
def list_contacts(request: HttpRequest, account_id: Id) -> JsonResponse:
    """List the contacts of an account."""
    return CONTACTS.answer(request, contacts(access_account(account_id)))


@router.post(
    "/{account_id}/contacts", auth=ApiKey(Permission.ACCOUNTS_WRITE), response=answers(ContactShown, 404, status=201)
)
def add_contact(request: HttpRequest, account_id: Id, contact: NewContact) -> Status:
    """Add a contact to an account."""
    added = actions.add_contact(account=access_account(account_id), **contact.model_dump(), at=now())
    return Status(201, shown(added))

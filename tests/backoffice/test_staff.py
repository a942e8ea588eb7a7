"""Settings in the back office: the operator, its staff, roles and keys, what was denied, and the first steps."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.api.conftest import Asking
from tests.backoffice.office import Office
from tests.databases import AT
from tests.db.platform.test_signin import ASKED, code_in_mail, log_in
from tests.staff import make_member, make_user, sign_in, somebody
from trunkline.identity.actions import create_role
from trunkline.identity.keys import is_well_formed
from trunkline.identity.models import ApiKey, Denial, Membership, Role
from trunkline.identity.permissions import BuiltInRole
from trunkline.identity.tidy import tidy
from trunkline.invoicing.queries import find_profile
from trunkline.kit import clock
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.models import Batch

ADMIN, NOC, OWNER = BuiltInRole.ADMIN, BuiltInRole.NOC, BuiltInRole.OWNER


def at(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:3000]
    return response.content.decode()


# Staff


def test_a_colleague_is_invited_changed_and_removed_with_a_reason(office: Office, tenant: Tenant) -> None:
    client = office.client(OWNER)
    given = {"email": "Bob@Example.com", "name": "Bob", "role": "noc", "allowed_networks": "203.0.113.7 2001:db8::/32"}
    client.post(at("identity_membership_add"), given)
    with scope(tenant, "test"):
        bob = Membership.objects.select_related("user").get(user__email="bob@example.com")
    assert (bob.role, bob.allowed_networks) == ("noc", ["203.0.113.7/32", "2001:db8::/32"])

    page = at("identity_membership_change", bob.pk)
    assert "bob@example.com" in text_of(client.get(page))
    client.post(page, {"name": "Bob", "role": "finance", "allowed_networks": ""})
    with scope(tenant, "test"):
        bob.refresh_from_db()
    assert (bob.role, bob.allowed_networks) == ("finance", [])

    make_user("bob@example.com")
    browser = Client()
    log_in(browser, email="bob@example.com")
    assert browser.get("/office/").status_code == 200
    client.post(at("identity_membership_remove", bob.pk), {"reason": "left the company"})
    with scope(tenant, "test"):
        bob.refresh_from_db()
    assert bob.valid_to is not None
    assert browser.get("/office/").headers["Location"].startswith("/accounts/login/")  # the session has ended
    assert "left the company" in text_of(client.get(at("identity_membership_history", bob.pk)))


def test_sessions_that_are_another_operators_do_not_end(office: Office, tenant: Tenant, other_tenant: Tenant) -> None:
    member = make_member(tenant, NOC)
    make_member(other_tenant, NOC)
    here, elsewhere = Client(), Client()
    for browser, chosen in ((here, tenant), (elsewhere, other_tenant)):
        log_in(browser)
        browser.post("/accounts/operator/", {"tenant": chosen.pk})
        assert browser.get("/office/").status_code == 200
    office.client(OWNER).post(at("identity_membership_sign_out", member.pk), {})
    assert here.get("/office/").headers["Location"].startswith("/accounts/login/")
    assert elsewhere.get("/office/").status_code == 200


def test_an_admin_is_offered_no_role_that_permits_more(office: Office, tenant: Tenant) -> None:
    with scope(tenant, "test"):
        by = somebody(tenant)
        mild = create_role(name="Auditor", permissions=["ledger.read"], by=by, at=AT)
        create_role(name="Second owner", permissions=["owners.manage"], by=by, at=AT)
    client = office.client(ADMIN)
    form = client.get(at("identity_membership_add")).context_data["adminform"].form
    offered = [value for value, _name in form.fields["role"].choices]
    assert offered == ["", "admin", "finance", "noc", "support", "read_only", f"own:{mild.pk}"]
    given = {"email": "eve@example.com", "name": "", "role": "owner", "allowed_networks": ""}
    text_of(client.post(at("identity_membership_add"), given))
    office.person("owner")
    with scope(tenant, "test"):
        owner = Membership.objects.get(role="owner")
        assert not Membership.objects.filter(user__email="eve@example.com").exists()
    refused = client.post(at("identity_membership_remove", owner.pk), {"reason": "a coup"})
    assert "permissions that you do not have" in text_of(refused, 422)


def test_the_last_owner_stays(office: Office, tenant: Tenant) -> None:
    client = office.client(OWNER)
    with scope(tenant, "test"):
        owner = Membership.objects.get()
    refused = client.post(at("identity_membership_remove", owner.pk), {"reason": "tired"})
    assert "is the last owner" in text_of(refused, 422)


# Roles


def test_a_role_of_ones_own_is_made_changed_and_forgotten(office: Office, tenant: Tenant) -> None:
    client = office.client(OWNER)
    client.post(at("identity_role_add"), {"name": "Auditor", "permissions": ["ledger.read", "invoices.read"]})
    with scope(tenant, "test"):
        role = Role.objects.get()
    assert (role.name, role.permissions) == ("Auditor", ["invoices.read", "ledger.read"])
    page = at("identity_role_change", role.pk)
    client.post(page, {"name": "Auditor", "permissions": ["ledger.read"]})
    with scope(tenant, "test"):
        role.refresh_from_db()
    assert role.permissions == ["ledger.read"]
    listed = text_of(client.get(at("identity_role_changelist")))
    assert all(name in listed for name in ("Auditor", "1 of", "Owner", "Read-only"))
    assert "Auditor" in text_of(client.get(at("role_matrix")))
    assert client.post(at("identity_role_remove", role.pk), {}).status_code == 302
    with scope(tenant, "test"):
        assert not Role.objects.exists()


def test_nobody_gives_by_a_role_what_they_may_not_do(office: Office, tenant: Tenant) -> None:
    client = office.client(ADMIN)
    boxes = text_of(client.get(at("identity_role_add")))
    disabled = re.findall(r'value="([a-z_.]+)"[^>]*disabled', boxes)
    assert disabled == ["owners.manage"]
    refused = client.post(at("identity_role_add"), {"name": "Sly", "permissions": ["owners.manage"]})
    assert "permissions that you do not have" in text_of(refused)
    with scope(tenant, "test"):
        assert not Role.objects.exists()


# Keys


def make_key(client: Client, **given: Any) -> Any:
    values = {"name": "Shop", "scopes": ["accounts.read"], "allowed_networks": "", "expires_at": ""}
    return client.post(at("identity_apikey_add"), values | given)


def test_a_key_is_shown_once_on_a_page_that_is_kept_nowhere_and_opens_the_api(office: Office, tenant: Tenant) -> None:
    client = office.client(OWNER)
    response = make_key(client, expires_at="2126-01-01T00:00:00")
    (text,) = set(re.findall(r"tl_live_\w+", text_of(response)))
    assert is_well_formed(text)
    assert "no-store" in response.headers["Cache-Control"]
    assert Asking(Client(), text).get("/accounts").status_code == 200
    with scope(tenant, "test"):
        key = ApiKey.objects.get()
    pages = [at("identity_apikey_change", key.pk), at("identity_apikey_changelist"), at("identity_apikey_history", key.pk)]  # fmt: skip
    shown = [text_of(client.get(page)) for page in pages]
    assert [text in page for page in shown] == [False, False, False]
    assert text not in str(dict(client.session))
    assert all("127.0.0.1" in page for page in shown[:2])  # its last use

    client.post(at("identity_apikey_revoke", key.pk), {"reason": "it was in a mail"})
    assert Asking(Client(), text).get("/accounts").status_code == 401
    assert "it was in a mail" in text_of(client.get(pages[2]))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scopes": []}, "This field is required"),
        ({"expires_at": "2020-01-01T00:00:00"}, "would have expired already"),
        ({"allowed_networks": "here"}, "is no network"),
        ({"scopes": ["staff.manage"]}, "Select a valid choice"),
    ],
)
def test_a_bad_key_is_not_made(office: Office, tenant: Tenant, given: dict[str, Any], said: str) -> None:
    assert said in text_of(make_key(office.client(OWNER), **given))
    with scope(tenant, "test"):
        assert not ApiKey.objects.exists()


# The operator


def settings_of(client: Client) -> dict[str, Any]:
    form = client.get(at("settings")).context_data["form"]
    return {name: form[name].value() for name in form.fields}


def test_the_operator_its_currency_and_the_seller_are_changed_with_a_history(office: Office, tenant: Tenant) -> None:
    client = office.client(OWNER)
    changed = {"name": "Alpha Net", "timezone": "Europe/Paris", "currency": "EUR", "seller": "Alpha Net SARL", "address": "1 Rue A\r\nParis"}  # fmt: skip
    assert client.post(at("settings"), settings_of(client) | changed).status_code == 302
    with scope(tenant, "test"):
        found, profile = current_tenant(), find_profile()
    assert (found.name, found.timezone, found.currency) == ("Alpha Net", "Europe/Paris", "EUR")
    assert profile is not None
    assert (profile.name, profile.address, profile.language) == ("Alpha Net SARL", "1 Rue A\nParis", "en")
    history = text_of(client.get(at("settings_history")))
    assert all(each in history for each in ("Alpha Carrier", "Alpha Net", "Alpha Net SARL", "EUR"))


def test_the_currency_stays_once_a_file_was_taken(office: Office, tenant: Tenant) -> None:
    with scope(tenant, "test"):
        switch = create_switch(name="s", format="common", at=AT)
        Batch.objects.create(
            switch=switch, intake=Intake.COMMAND, name="a", path="", content_hash="1", octets=1,
            state=BatchState.POSTED, received_at=AT,
        )  # fmt: skip
    client = office.client(OWNER)
    client.post(at("settings"), settings_of(client) | {"currency": "EUR", "name": "New"})
    with scope(tenant, "test"):
        assert (current_tenant().currency, current_tenant().name) == ("USD", "New")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "Beta Telecom"}, "name"),
        ({"invoice_number": "INV"}, "invoice_number"),
        ({"credit_note_number": "INV-{year}-{number:06}"}, "credit_note_number"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"seller": ""}, "seller"),
    ],
)
def test_a_bad_setting_is_said_beside_its_field_and_nothing_is_changed(
    office: Office, tenant: Tenant, given: dict[str, str], field: str
) -> None:
    client = office.client(OWNER)
    response = client.post(at("settings"), settings_of(client) | {"note": "Thanks"} | given)
    assert response.status_code == 422
    assert list(response.context_data["form"].errors) == [field]
    with scope(tenant, "test"):
        assert find_profile() is None


def test_who_may_only_see_the_settings_changes_none(office: Office) -> None:
    client = office.client(BuiltInRole.FINANCE)
    assert text_of(client.get(at("settings"))).count('type="submit"') < text_of(
        office.client(OWNER).get(at("settings"))
    ).count('type="submit"')
    assert client.post(at("settings"), {"name": "x"}).status_code == 403


# Denials


def denials(tenant: Tenant) -> list[tuple[Any, ...]]:
    with scope(tenant, "test"):
        return list(Denial.objects.order_by("pk").values_list("code", "permission", "method", "route", "count"))


def test_what_was_denied_in_the_office_and_by_the_api_is_kept_once_an_hour(office: Office, tenant: Tenant) -> None:
    support = office.client(BuiltInRole.SUPPORT)
    make = office.client(OWNER)
    (text,) = set(re.findall(r"tl_live_\w+", text_of(make_key(make))))
    with clock.at(AT):
        for _ in range(3):
            assert support.get(at("identity_membership_changelist")).status_code == 403
        assert support.get(at("usage_batch_upload")).status_code == 403
        assert Asking(Client(), text)("POST", "/accounts", {"name": "x"}).status_code == 403
    found = denials(tenant)
    assert found == [
        ("permission_missing", "staff.read", "GET", "office/identity/membership/", 3),
        ("permission_missing", "usage.load", "GET", "office/usage/batch/upload/", 1),
        ("permission_missing", "accounts.write", "POST", "api/v1/accounts", 1),
    ]
    page = text_of(office.client(NOC).get(at("identity_denial_changelist")))
    assert all(said in page for said in ("support@alpha-carrier.example", "staff.read is missing", "API key Shop"))
    assert office.client(BuiltInRole.SUPPORT).get(at("identity_denial_changelist")).status_code == 403


def test_denials_are_forgotten_after_ninety_days(office: Office, tenant: Tenant) -> None:
    with clock.at(AT):
        office.client(BuiltInRole.SUPPORT).get(at("identity_role_changelist"))
    tidy(at=AT + timedelta(days=90))
    assert len(denials(tenant)) == 1
    tidy(at=AT + timedelta(days=90, seconds=1))
    assert denials(tenant) == []


def test_a_network_that_is_not_allowed_is_kept_too(tenant: Tenant) -> None:
    member = make_member(tenant, NOC, allowed_networks=["203.0.113.0/24"])
    assert sign_in(Client(), member.user, tenant).get("/office/").status_code == 403
    assert denials(tenant) == [("network_not_allowed", "", "GET", "office/", 1)]


# First steps


def steps(client: Client) -> list[tuple[str, bool]]:
    return [(each.name, each.is_done) for each in client.get("/office/").context_data["first_steps"]["steps"]]


def test_the_first_steps_tell_their_state_from_the_data_and_are_dismissed(office: Office, tenant: Tenant) -> None:
    client = office.client(OWNER)
    names = ["operator", "account", "tariff", "assignment", "switch", "identity", "file", "invoice"]
    assert steps(client) == [(name, False) for name in names]
    client.post(at("settings"), settings_of(client) | {"seller": "Alpha"})
    with scope(tenant, "test"):
        create_switch(name="s", format="common", at=AT)
    assert [name for name, is_done in steps(client) if is_done] == ["operator", "switch"]
    client.post(at("dismiss_step", "switch"))
    client.post(at("dismiss_step", "identity"))
    assert [name for name, _ in steps(client)] == ["operator", "account", "tariff", "assignment", "file", "invoice"]
    client.post(at("dismiss_step", "all"))
    assert steps(client) == []
    client.post(at("settings"), {"recall": "yes"})
    assert len(steps(client)) == 8
    assert client.post(at("dismiss_step", "nothing")).status_code == 404


def test_each_step_leads_to_a_page_that_is_there(office: Office) -> None:
    client = office.client(OWNER)
    links = [each.link.url for each in client.get("/office/").context_data["first_steps"]["steps"]]
    assert [client.get(link).status_code for link in links] == [200] * 8


def test_a_role_sees_the_steps_that_it_can_do(office: Office) -> None:
    assert [name for name, _ in steps(office.client(NOC))] == ["switch", "identity", "file"]
    assert steps(office.client(BuiltInRole.READ_ONLY)) == []
    assert office.client(NOC).post(at("dismiss_step", "file")).status_code == 403


def test_who_signs_up_lands_on_the_first_steps_with_the_day_on_which_the_trial_ends(db: None) -> None:
    cache.clear()
    client = Client()
    client.post("/accounts/signup/", ASKED)
    client.post("/accounts/confirm-email/", {"code": code_in_mail()})
    page = client.get("/office/")
    assert page.context_data["first_steps"]["trial_day"] is not None
    assert len(steps(client)) == 8
    assert "You are on trial until the end of" in text_of(page)


PAGES = ["index", "settings", "settings_history", "role_matrix", "identity_membership_changelist", "identity_membership_add", "identity_role_changelist",
    "identity_role_add", "identity_apikey_changelist", "identity_apikey_add", "identity_denial_changelist", "identity_staffsession_changelist"]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_the_settings_asks_the_database_more_than_thirty_times(office: Office, name: str) -> None:
    client = office.client(OWNER)
    client.get(at(name))
    with CaptureQueriesContext(connection) as asked:
        assert client.get(at(name)).status_code == 200
    assert len(asked) <= 30

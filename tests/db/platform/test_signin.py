"""Signing up and in: by e-mail and password, with a second factor, against guessing, and out again."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.test import Client

from tests.databases import AT
from tests.staff import PASSWORD, make_member, make_user, sign_in, somebody
from trunkline.identity.actions import add_member
from trunkline.identity.actions.second_factors import reseal_second_factors
from trunkline.identity.invitations import invitation_link, send_invitation
from trunkline.identity.models import Membership, Signup, StaffSession, User
from trunkline.identity.permissions import BuiltInRole
from trunkline.identity.queries import tenant_ids_of_user
from trunkline.identity.tidy import tidy
from trunkline.kit import clock
from trunkline.platform.accounts import adapters
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope

LOGIN = "/accounts/login/"
ASKED = {
    "email": "Ada@Example.com",
    "password1": PASSWORD,
    "name": "Ada Lovelace",
    "operator": "Savanna Net",
    "currency": "KES",
    "timezone": "Africa/Nairobi",
}
Logged = Callable[[], list[dict[str, str]]]


def log_in(client: Client, password: str = PASSWORD, email: str = "ada@example.com", **given: Any) -> Any:
    return client.post(LOGIN, {"login": email, "password": password}, **given)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def code_in_mail() -> str:
    (found,) = re.findall(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", str(mail.outbox[-1].body), re.MULTILINE)
    return found


def test_from_the_sign_up_to_an_operator_of_ones_own(db: None) -> None:
    client = Client()
    assert client.post("/accounts/signup/", ASKED).headers["Location"] == "/accounts/confirm-email/"
    user = User.objects.get()
    assert (user.email, user.name, is_in(client)) == ("ada@example.com", "Ada Lovelace", False)
    assert (Signup.objects.count(), tenant_ids_of_user(user.pk, clock.now())) == (1, [])
    assert (mail.outbox[0].to, client.get("/operator/").headers["Location"]) == (
        ["ada@example.com"],
        "/accounts/login/?next=/operator/",
    )

    assert client.post("/accounts/confirm-email/", {"code": "AAAA-BBBB"}).status_code == 200  # wrong
    response = client.post("/accounts/confirm-email/", {"code": code_in_mail()})
    assert response.headers["Location"] == "/office/"
    (tenant_id,) = tenant_ids_of_user(user.pk, clock.now())
    with scope(tenant_id, "test"):
        tenant, member = current_tenant(), Membership.objects.get()
    assert (tenant.name, tenant.currency, tenant.timezone) == ("Savanna Net", "KES", "Africa/Nairobi")
    assert (member.role, member.name, Signup.objects.count()) == ("owner", "Ada Lovelace", 0)
    page = client.get("/operator/").content.decode()
    assert "<h1>Savanna Net</h1>" in page
    assert "The trial ends with" in page


def test_who_proves_the_address_later_gets_the_operator_then(db: None) -> None:
    Client().post("/accounts/signup/", ASKED)
    client = Client()  # another browser, another day
    cache.clear()  # codes are sent every ten seconds at most
    assert log_in(client).headers["Location"] == "/accounts/confirm-email/"
    client.post("/accounts/confirm-email/", {"code": code_in_mail()})
    assert len(tenant_ids_of_user(User.objects.get().pk, clock.now())) == 1


def test_nobody_learns_from_the_sign_up_who_is_here(tenant: Any) -> None:
    make_user()
    known = Client().post("/accounts/signup/", {**ASKED, "operator": "Alpha Carrier"})
    unknown = Client().post("/accounts/signup/", {**ASKED, "email": "b@example.com", "operator": "Alpha Carrier"})
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert [each.to for each in mail.outbox] == [["ada@example.com"], ["b@example.com"]]
    assert (User.objects.count(), Signup.objects.count()) == (2, 1)


def test_a_sign_up_that_breaks_off_leaves_nobody(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**given: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("trunkline.platform.accounts.forms.ask_for_operator", fail)
    assert Client(raise_request_exception=False).post("/accounts/signup/", ASKED).status_code == 500
    assert (User.objects.count(), EmailAddress.objects.count(), len(mail.outbox)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"password1": "short"}, "at least 12 characters"),
        ({"password1": "q1w2e3r4t5y6"}, "too common"),
        ({"password1": "ada@example.com"}, "too similar to the email"),
        ({"currency": "XXL"}, "not one of the available choices"),
        ({"timezone": "Mars/Olympus"}, "not one of the available choices"),
        ({"operator": "x" * 201}, "at most 200 characters"),
        ({"operator": "a\x07b"}, "printable characters"),
        ({"email": "nobody"}, "valid email"),
    ],
)
def test_a_bad_sign_up_makes_nobody(db: None, given: dict[str, str], said: str) -> None:
    response = Client().post("/accounts/signup/", ASKED | given)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert (User.objects.count(), Signup.objects.count(), len(mail.outbox)) == (0, 0, 0)


def test_an_installation_can_be_closed(db: None, settings: Any) -> None:
    settings.SIGNUP_IS_OPEN = False
    client = Client()
    client.post("/accounts/signup/", ASKED)
    assert User.objects.count() == 0
    assert "sign up is currently closed" in client.get("/accounts/signup/").content.decode()


def test_with_the_password_one_is_in_and_with_another_not(tenant: Any, logged: Logged) -> None:
    member = make_member(tenant)
    client = Client()
    assert log_in(client, "not this one").status_code == 200
    assert not is_in(client)
    assert log_in(client).headers["Location"] == "/office/"
    assert client.get("/operator/").status_code == 200
    lines = logged()
    assert [line["user"] for line in lines if line["event"] == "signed_in"] == [str(member.user.pk)]
    assert not [line for line in lines if "ada@example.com" in str(line) or "not this one" in str(line)]
    client.post("/accounts/logout/")
    assert client.get("/operator/").status_code == 302


def test_one_comes_back_to_the_page_that_one_wanted_here_and_nowhere_else(tenant: Any) -> None:
    make_member(tenant)
    for wanted, reached in (
        ("/accounts/email/", "/accounts/email/"),
        ("https://evil.example/", "/office/"),
        ("//evil.example", "/office/"),
    ):
        client = Client()
        response = client.post(LOGIN, {"login": "ada@example.com", "password": PASSWORD, "next": wanted})
        assert response.headers["Location"] == reached


def test_guessing_locks_one_account_for_one_address(tenant: Any, logged: Logged) -> None:
    make_member(tenant)
    make_user("colleague@example.com")
    attacker = Client()
    statuses = [log_in(attacker, f"guess {n}", REMOTE_ADDR="198.51.100.1").status_code for n in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]
    right = log_in(Client(), REMOTE_ADDR="198.51.100.1")
    assert (right.status_code, right.headers["Retry-After"]) == (429, "900")
    assert "Wait a quarter of an hour" in right.content.decode()
    assert log_in(Client(), email="ADA@example.com", REMOTE_ADDR="198.51.100.1").status_code == 429
    assert log_in(Client(), email="colleague@example.com", REMOTE_ADDR="198.51.100.1").status_code == 302
    assert log_in(Client(), REMOTE_ADDR="203.0.113.9").status_code == 302
    assert [line["event"] for line in logged()].count("signin_locked_out") == 4


def test_whether_a_locked_account_exists_is_not_said(db: None) -> None:
    make_user()
    pages = []
    for email in ("ada@example.com", "nobody@example.com"):
        client = Client()
        answers = [log_in(client, "wrong", email, REMOTE_ADDR="198.51.100.1") for _ in range(6)]
        pages.append([(answer.status_code, "not correct" in answer.content.decode()) for answer in answers])
    assert pages[0] == pages[1]


def totp_code(secret: str, steps: int = 0) -> str:
    """The code of now. Each is good once, so who needs another takes the next step's, which the tolerance lets in."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def set_up_totp(client: Client) -> str:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    (secret,) = re.findall(r'value="([A-Z2-7]{32})"', page)
    response = client.post("/accounts/2fa/totp/activate/", {"code": totp_code(secret)})
    assert response.status_code == 302, response.content.decode()
    return secret


def test_a_second_factor_is_asked_for_once_it_is_set_up(tenant: Any) -> None:
    member = make_member(tenant)
    client = Client()
    log_in(client)
    secret = set_up_totp(client)

    kept = Authenticator.objects.get(user=member.user, type="totp")
    assert secret not in str(kept.data)  # sealed
    assert Authenticator.objects.filter(user=member.user, type="recovery_codes").exists()

    other = Client()
    assert log_in(other).headers["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(other)
    assert other.get("/operator/").status_code == 302
    assert other.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    following = totp_code(secret, 1)
    assert other.post("/accounts/2fa/authenticate/", {"code": following}).headers["Location"] == "/office/"
    assert other.get("/operator/").status_code == 200


def test_a_code_of_a_second_factor_is_good_once(tenant: Any, monkeypatch: pytest.MonkeyPatch, logged: Logged) -> None:
    member = make_member(tenant)
    client = Client()
    log_in(client)
    following = totp_code(set_up_totp(client), 1)
    page, now = "/accounts/2fa/authenticate/", time.time
    landed = []
    for later in (0, 1, 31):  # it is good for a step longer than it is shown
        monkeypatch.setattr("time.time", lambda later=later: now() + later)
        other = Client()
        log_in(other)
        landed.append(other.post(page, {"code": following}).status_code)
    assert landed == [302, 200, 200]
    told = [line["user"] for line in logged() if line["event"] == "second_factor_used_again"]
    assert told == [str(member.user_id)] * 2


def test_codes_of_a_second_factor_cannot_be_tried_through(tenant: Any) -> None:
    make_member(tenant)
    client = Client()
    log_in(client)
    secret = set_up_totp(client)
    other = Client()
    log_in(other)
    page = "/accounts/2fa/authenticate/"
    said = [other.post(page, {"code": f"{n:06}"}).content.decode() for n in range(6)]
    assert ["Incorrect code" in text for text in said] == [True] * 5 + [False]
    following = totp_code(secret, 1)
    answer = other.post(page, {"code": following})
    assert (answer.status_code, "Too many failed login attempts" in answer.content.decode()) == (200, True)


def test_one_account_takes_so_many_wrong_passwords_an_hour_from_anywhere(
    tenant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert adapters.PASSWORD_RATES == {adapters.PASSWORDS: "100/1h/key"}
    monkeypatch.setitem(adapters.PASSWORD_RATES, adapters.PASSWORDS, "7/1h/key")
    make_member(tenant)
    for n in range(7):
        assert log_in(Client()).status_code == 302  # right ones do not count
        log_in(Client(), "wrong", REMOTE_ADDR=f"198.51.100.{n}")
    answer = log_in(Client(), REMOTE_ADDR="203.0.113.9")
    assert (answer.status_code, "Too many failed login attempts" in answer.content.decode()) == (200, True)
    make_user("colleague@example.com")
    assert log_in(Client(), email="colleague@example.com", REMOTE_ADDR="198.51.100.1").status_code == 302


def test_second_factors_move_to_a_new_key(tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    make_member(tenant)
    monkeypatch.setenv("TRUNKLINE_SECRET_KEY", old)
    client = Client()
    log_in(client)
    secret = set_up_totp(client)
    assert reseal_second_factors() == 0
    monkeypatch.setenv("TRUNKLINE_SECRET_KEY", f"{new} {old}")
    assert (reseal_second_factors(), reseal_second_factors()) == (2, 0)  # the app's, and the recovery codes'
    monkeypatch.setenv("TRUNKLINE_SECRET_KEY", new)
    assert Authenticator.objects.get(type="totp").wrap().validate_code(totp_code(secret, 1))


def test_a_recovery_code_lets_one_in_once(tenant: Any) -> None:
    make_member(tenant)
    client = Client()
    log_in(client)
    set_up_totp(client)
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    code = re.findall(r"\b\d{8}\b", page)[0]
    outcomes = []
    for _ in range(2):
        other = Client()
        log_in(other)
        outcomes.append(other.post("/accounts/2fa/authenticate/", {"code": code}).status_code)
    assert outcomes == [302, 200]


def test_second_factors_are_changed_only_by_who_has_just_signed_in(tenant: Any) -> None:
    client = sign_in(Client(), make_member(tenant).user)
    for page in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        assert client.get(page).headers["Location"].startswith("/accounts/reauthenticate/")


def test_passkeys_are_offered(tenant: Any) -> None:
    make_member(tenant)
    client = Client()
    assert 'id="passkey_login"' in client.get(LOGIN).content.decode()
    challenge = client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"}).json()
    assert challenge["request_options"]["publicKey"]["userVerification"]
    log_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/webauthn/add/").content.decode()
    assert '"rp": {"name": "testserver", "id": "testserver"}' in page.replace("&quot;", '"')


def test_a_forgotten_password_is_set_anew_by_mail(tenant: Any) -> None:
    make_member(tenant)
    client = Client()
    answers = [
        client.post("/accounts/password/reset/", {"email": email}) for email in ("ada@example.com", "x@example.com")
    ]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    (link,) = re.findall(r"http://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    page = client.get(link).headers["Location"]
    client.post(page, {"password1": "another long passphrase", "password2": "another long passphrase"})
    assert log_in(Client()).status_code == 200
    assert log_in(Client(), "another long passphrase").status_code == 302
    assert client.get(link).headers.get("Location") is None  # a link is good once


def test_sessions_are_listed_and_can_be_ended(tenant: Any) -> None:
    make_member(tenant)
    here, there = Client(), Client()
    log_in(here, REMOTE_ADDR="203.0.113.7")
    log_in(there, REMOTE_ADDR="198.51.100.1")
    page = here.get("/accounts/sessions/").content.decode()
    assert [address in page for address in ("203.0.113.7", "198.51.100.1")] == [True, True]
    here.post("/accounts/sessions/")
    assert (there.get("/operator/").status_code, here.get("/operator/").status_code) == (302, 200)


def test_a_new_password_ends_the_other_sessions(tenant: Any) -> None:
    make_member(tenant)
    here, there = Client(), Client()
    log_in(here)
    log_in(there)
    new = "another long passphrase"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert (there.get("/operator/").status_code, here.get("/operator/").status_code) == (302, 200)


def test_who_is_invited_sets_a_password_and_works(tenant: Any) -> None:
    with scope(tenant, "test"):
        member = add_member(email="ada@example.com", role=BuiltInRole.NOC, name="Ada", by=somebody(tenant), at=AT)
    send_invitation(tenant_id=tenant.pk, membership_id=member.pk)
    (told,) = mail.outbox
    assert (told.to, told.subject) == (["ada@example.com"], "You work for Alpha Carrier on Trunkline now")
    text = str(told.body)
    assert text.startswith("Hello Ada,\n\nyou were added to the staff of Alpha Carrier, with the role NOC.\n")
    (link,) = re.findall(r"^http://localhost:8000(/accounts/password/reset/key/\S+)$", text, re.MULTILINE)
    client = Client()
    page = client.get(link).headers["Location"]
    client.post(page, {"password1": PASSWORD, "password2": PASSWORD})
    if log_in(client).headers["Location"] != "/office/":
        client.post("/accounts/confirm-email/", {"code": code_in_mail()})
    assert client.get("/operator/").status_code == 200
    assert EmailAddress.objects.get().verified
    member.user.refresh_from_db()
    assert invitation_link(member.user) == "http://localhost:8000/accounts/login/"


def test_an_invitation_to_who_signs_in_already_has_no_link_to_a_password(tenant: Any) -> None:
    member = make_member(tenant)
    send_invitation(tenant_id=tenant.pk, membership_id=member.pk)
    text = str(mail.outbox[0].body)
    assert "Sign in as usual:\n\nhttp://localhost:8000/accounts/login/" in text
    assert "password/reset" not in text


def test_an_address_that_somebody_else_signed_up_with_is_still_its_owners(tenant: Any) -> None:
    Client().post("/accounts/signup/", ASKED)  # by whoever knows the address
    with scope(tenant, "test"):
        member = add_member(email="ada@example.com", role=BuiltInRole.NOC, by=somebody(tenant), at=AT)
    assert "/accounts/password/reset/key/" in invitation_link(member.user)
    client = Client()
    page = client.get(invitation_link(member.user).removeprefix("http://localhost:8000")).headers["Location"]
    client.post(page, {"password1": "another long passphrase", "password2": "another long passphrase"})
    cache.clear()
    assert log_in(Client()).status_code == 200  # the other's password


def test_what_is_kept_of_signing_in_is_forgotten_in_time(db: None) -> None:
    Client().post("/accounts/signup/", ASKED)
    make_user("b@example.com")
    client = Client()
    log_in(client, email="b@example.com")
    log_in(Client(), "wrong", REMOTE_ADDR="198.51.100.1")
    now = clock.now()

    def kept(days: int) -> list[int]:
        tidy(at=now + timedelta(days=days))
        return [model.objects.count() for model in (Session, UserSession, AccessAttempt, Signup)]

    assert kept(0) == [2, 1, 1, 1]  # a sign-up that waits for its code has a session too
    assert kept(1) == [0, 0, 1, 1]
    assert kept(15) == [0, 0, 1, 0]
    assert kept(31) == [0, 0, 0, 0]
    assert User.objects.count() == 2


def enter(client: Client, tenant: Any, **given: Any) -> Any:
    values = {"operator": tenant.slug, "reason": "Ticket 4711: rejects since Monday", "minutes": 60}
    return client.post("/accounts/operator/enter/", values | given)


def test_the_platforms_staff_enter_an_operator_with_a_second_factor_and_a_reason(tenant: Any) -> None:
    user = make_user(is_platform_staff=True)
    client = Client()
    log_in(client)
    assert "Enter an operator" in client.get("/accounts/operator/").content.decode()
    assert enter(client, tenant).status_code == 403  # no second factor yet
    set_up_totp(client)
    assert enter(client, tenant, reason="because").status_code == 422
    assert enter(client, tenant, operator="nobody").status_code == 422
    assert enter(client, tenant).headers["Location"] == "/office/"
    assert "staff session" in client.get("/operator/").content.decode()
    with scope(tenant, "test"):
        session = StaffSession.objects.get()
    assert (session.user, session.reason, session.closed_at) == (user, "Ticket 4711: rejects since Monday", None)
    assert client.post("/accounts/operator/leave/").headers["Location"] == "/accounts/operator/"
    with scope(tenant, "test"):
        assert StaffSession.objects.get().closed_at is not None
    assert client.get("/operator/").headers["Location"] == "/accounts/operator/"


@pytest.mark.parametrize("way", ["/accounts/logout/", "/accounts/operator/"])
def test_a_staff_session_ends_when_its_opener_goes_elsewhere(tenant: Any, other_tenant: Any, way: str) -> None:
    make_member(other_tenant)
    User.objects.update(is_platform_staff=True)
    client = Client()
    log_in(client)
    set_up_totp(client)
    enter(client, tenant)
    assert client.post(way, {"tenant": other_tenant.pk}).status_code == 302
    with scope(tenant, "test"):
        assert StaffSession.objects.get().closed_at is not None


def test_nobody_else_enters_an_operator(tenant: Any, other_tenant: Any) -> None:
    make_member(tenant)
    client = Client()
    log_in(client)
    set_up_totp(client)
    assert enter(client, other_tenant).status_code == 403
    assert "Enter an operator" not in client.get("/accounts/operator/").content.decode()
    assert enter(Client(), other_tenant).headers["Location"].startswith(LOGIN)


def test_a_profile_has_a_name_and_a_language_that_holds_wherever_one_signs_in(tenant: Any) -> None:
    member = make_member(tenant)
    client = Client()
    log_in(client)
    page = client.get("/accounts/profile/").content.decode()
    ways = (
        "/accounts/email/",
        "/accounts/password/change/",
        "/accounts/2fa/",
        "/accounts/2fa/webauthn/",
        "/accounts/sessions/",
    )
    assert [way for way in ways if f'href="{way}"' not in page] == []
    response = client.post("/accounts/profile/", {"name": " Ada  Lovelace ", "language": "fr"})
    assert response.headers["Location"] == "/accounts/profile/"
    member.user.refresh_from_db()
    assert (member.user.name, member.user.language) == ("Ada Lovelace", "fr")
    assert "Votre profil" in client.get("/accounts/profile/").content.decode()
    cache.clear()
    elsewhere = Client()
    log_in(elsewhere)
    assert "Votre profil" in elsewhere.get("/accounts/profile/").content.decode()
    elsewhere.post("/accounts/profile/", {"name": "Ada", "language": ""})
    assert "Your profile" in elsewhere.get("/accounts/profile/").content.decode()
    assert client.post("/accounts/profile/", {"name": "Ada", "language": "xx"}).status_code == 422
    assert Client().get("/accounts/profile/").headers["Location"].startswith(LOGIN)

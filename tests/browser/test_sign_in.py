"""Coming in: by password, by a second factor, in one's own language and in the dark."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from playwright.sync_api import Page, expect

from tests.browser.ground import OWNER, Ground
from tests.browser.visitor import PHONE, Visitor
from tests.staff import PASSWORD
from trunkline.identity.models import User

# A device that holds passkeys and knows its owner.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.locator("[name=login]").fill(OWNER)
    page.locator("[name=password]").fill(password)
    page.keyboard.press("Enter")


def totp(secret: str) -> str:
    """The code of now, as somebody's telephone shows it."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


@pytest.fixture
def without_factors(ground: Ground) -> Iterator[User]:
    """The owner, whose second factors are gone afterwards."""
    from allauth.mfa.models import Authenticator

    yield ground.owner
    Authenticator.objects.filter(user=ground.owner).delete()


def test_a_password_lets_in_and_a_wrong_one_does_not(visitor: Visitor, ground: Ground) -> None:
    page = visitor.go("/")
    page.wait_for_url("**/accounts/login/**")
    sign_in(page, "not the password")
    expect(page.get_by_text("not correct")).to_be_visible()
    assert visitor.too_wide(PHONE) == []
    sign_in(page)
    page.wait_for_url("**/office/")
    expect(page.locator("#nav-sidebar")).to_contain_text("Alpha Carrier")


def test_a_second_factor_is_set_up_and_asked_for(visitor: Visitor, without_factors: User) -> None:
    page = visitor.go("/accounts/login/")
    sign_in(page)
    page.wait_for_url("**/office/")
    page = visitor.go("/accounts/2fa/totp/activate/")
    page.locator("[name=password]").fill(PASSWORD)  # who sits there now need not be who signed in
    page.keyboard.press("Enter")
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("[name=code]").fill(totp(secret))
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/activate" not in url)
    assert visitor.too_wide(PHONE) == []

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/")
    cache.clear()  # a code counts once; half a minute later there is another one
    sign_in(page)
    expect(page.locator("[name=code]")).to_be_visible()
    page.locator("[name=code]").fill(totp(secret))
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/")


def test_a_passkey_lets_in_without_a_password(visitor: Visitor, without_factors: User) -> None:
    page = visitor.go("/accounts/login/")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    sign_in(page)
    page.wait_for_url("**/office/")
    page = visitor.go("/accounts/2fa/webauthn/add/")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("[name=name]").fill("Telephone")
    page.locator("[name=passwordless]").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(re.compile("/accounts/2fa/(?!webauthn/add)"))

    page = visitor.go("/accounts/2fa/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/")
    page.locator("#passkey_login").click()
    page.wait_for_url("**/office/")


def test_the_office_speaks_french_to_whom_chooses_it(owner: Visitor) -> None:
    page = owner.go("/office/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator("#nav-sidebar").get_by_text(OWNER).click()
    page.get_by_role("button", name=re.compile("français", re.IGNORECASE)).click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("h1")).to_contain_text("Tableau de bord")


def test_the_dark_mode_is_chosen_and_stays(owner: Visitor) -> None:
    page = owner.go("/office/")
    expect(page.locator("html")).not_to_have_class(re.compile("dark"))
    page.locator("#nav-sidebar").get_by_text(OWNER).click()
    page.get_by_text("Dark", exact=True).locator("visible=true").click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page = owner.go("/office/parties/account/")
    expect(page.locator("html")).to_have_class(re.compile("dark"))


def test_a_password_can_be_looked_at_and_a_new_one_is_measured(visitor: Visitor) -> None:
    page = visitor.go("/accounts/signup/")
    password = page.locator("[name=password1]")
    said = page.locator("output")
    found = {}
    for typed in ("", "correct hors", "correct horse battery", "aaaaaaaaaaaaaaaaaaaaaa"):
        password.fill(typed)
        found[typed] = (said.text_content(), page.locator("meter").evaluate("each => each.value"))
    assert found == {
        "": ("", 0),
        "correct hors": ("Fair", 2),
        "correct horse battery": ("Strong", 4),
        "aaaaaaaaaaaaaaaaaaaaaa": ("Weak", 1),
    }
    page.get_by_role("button", name="Show").click()
    assert password.get_attribute("type") == "text"
    page.get_by_role("button", name="Hide").click()
    assert password.get_attribute("type") == "password"
    assert visitor.too_wide(PHONE) == []

"""How allauth's sign-in fits in here."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from trunkline.identity.actions import finish_signup
from trunkline.identity.models import User
from trunkline.identity.rules import FACTOR_PURPOSE, NO_TENANT
from trunkline.kit import clock
from trunkline.kit.logs import log
from trunkline.kit.secrets import Secret, open_sealed, seal
from trunkline.platform.accounts.language import speak_as_chosen
from trunkline.platform.accounts.visits import end_visit
from trunkline.platform.middleware import choose_tenant

PASSWORDS: Final = "trunkline_passwords"  # what wrong passwords are counted under in the cache
PASSWORD_RATES: Final = {PASSWORDS: "100/1h/key"}  # OWASP ASVS 4, 2.2.1


class AccountAdapter(DefaultAccountAdapter):
    """People by e-mail, who sign up together with an operator of theirs."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Unless the installation is closed (`TRUNKLINE_SIGNUP=off`)."""
        return bool(settings.SIGNUP_IS_OPEN)

    def new_user(self, request: HttpRequest) -> User:
        """A person, as of now."""
        return User(created_at=clock.now())

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Their address is proved by now: make the operator that they signed up for, and let them work in it."""
        made = finish_signup(user=user, at=clock.now())
        if made is not None:
            choose_tenant(request, made.pk)
            log("tenant_signed_up", tenant=made.pk, user=user.pk)
        log("signed_in", user=user.pk)
        response = super().post_login(request, user, **kwargs)
        return speak_as_chosen(response, user) if user.language else response

    def logout(self, request: HttpRequest) -> None:
        """Out of the operator too: a staff session does not outlast who opened it."""
        end_visit(request)
        super().logout(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """A hundred wrong passwords an hour for one account, from wherever they come. Those of one address are axes' to stop."""
        self._login_failed_rl_usage = ratelimit.consume(
            request,
            app="allauth.account",
            action=PASSWORDS,
            config=PASSWORD_RATES,
            key=self._get_login_attempts_cache_key(request, **credentials),
        )
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Logged without the name that was typed: people type passwords there."""
        log("signin_failed", level="warning")


def _mark_code_used(factor: TOTP, code: str) -> bool:
    """Once is once for as long as a code is good, which with a tolerance is longer than allauth keeps it in mind."""
    steps = 2 * mfa_settings.TOTP_TOLERANCE + 1
    is_new = cache.add(factor._get_used_cache_key(code), "y", timeout=mfa_settings.TOTP_PERIOD * steps)
    if not is_new:
        log("second_factor_used_again", level="warning", user=factor.instance.user_id)
    return bool(is_new)


TOTP._mark_code_used = (
    _mark_code_used  # before a code is looked at its secret is opened, for which this module is loaded
)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors, whose secrets lie sealed in the database."""

    def encrypt(self, text: str) -> str:
        return seal(Secret(text), tenant_id=NO_TENANT, purpose=FACTOR_PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        return open_sealed(encrypted_text, tenant_id=NO_TENANT, purpose=FACTOR_PURPOSE).reveal()

"""The language that a person has chosen, in the browser where they are."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse

from trunkline.identity.models import User

YEAR_S = 365 * 24 * 3600


def speak_as_chosen(response: HttpResponse, user: User) -> HttpResponse:
    """Let the browser ask for pages in the language that the person has chosen, or in its own again."""
    if user.language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            user.language,
            max_age=YEAR_S,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
    return response

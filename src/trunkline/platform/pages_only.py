"""What stands around pages and not around the API, whose requests bring a key each time: no session, no cookie, no person, no messages.

A cookie therefore opens nothing of the API, whatever it is worth elsewhere.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.middleware import csrf

API: Final = "/api/"


class _PagesOnly:
    """Before a middleware class of Django's: the API goes past it."""

    get_response: Any

    def __call__(self, request: Any) -> Any:
        if request.path.startswith(API):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Who is signed in, by a cookie."""


class CsrfViewMiddleware(_PagesOnly, csrf.CsrfViewMiddleware):
    """A form is sent by the page that it was made for."""


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    """The person of the session."""


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    """What a page has to say on the next one."""

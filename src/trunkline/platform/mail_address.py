"""Where mails go: one address in the environment, in place of eight settings."""

from __future__ import annotations

from typing import TypedDict
from urllib.parse import parse_qs, unquote, urlsplit

from trunkline.core.errors import Invalid


class MailServer(TypedDict):
    """What Django asks of a mail server."""

    host: str
    port: int
    user: str
    password: str
    starttls: bool
    tls: bool


_NOWHERE = MailServer(host="", port=0, user="", password="", starttls=False, tls=False)
_HINT = "Give smtp://user:password@host:587?tls=starttls, smtps://host:465, console: or nothing."


def mail_settings(address: str) -> tuple[str, MailServer]:
    """The backend and the server of an address: `smtp:` (STARTTLS unless `?tls=off`), `smtps:`, `console:`; empty: files in the data folder.

    Raises Invalid `bad_mail_address`, without the address: it holds a password.
    """
    if not address:
        return "trunkline.platform.mail.DataFolderMail", _NOWHERE
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise Invalid("bad_mail_address", "TRUNKLINE_MAIL cannot be read.", hint=_HINT) from error
    if parts.scheme == "console":
        return "django.core.mail.backends.console.EmailBackend", _NOWHERE
    tls = parse_qs(parts.query).get("tls", ["starttls"])[0]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or tls not in ("starttls", "off"):
        raise Invalid("bad_mail_address", "TRUNKLINE_MAIL names no mail server that is known here.", hint=_HINT)
    is_tls = parts.scheme == "smtps"
    return "django.core.mail.backends.smtp.EmailBackend", MailServer(
        host=parts.hostname,
        port=port or (465 if is_tls else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=not is_tls and tls == "starttls",
        tls=is_tls,
    )

"""Handing a mail to the mail server, so that one knows whether it went out: surely not, or yes, or nobody can say."""

from __future__ import annotations

import smtplib
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

PAUSES_S: Final = (300, 900, 3_600, 14_400)  # before a mail that was refused is tried again; then it has failed
# The server has said no to it, or was never reached: it surely did not go out.
REFUSALS: Final = (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError)


class NotAccepted(Exception):  # noqa: N818 - what is in the way, not what is wrong with the program
    """The mail surely did not go out."""


def message_id(kind: str, tenant_id: int | None, number: int) -> str:
    """The Message-ID of a mail, the same however often it is handed over."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return f"<{kind}-{tenant_id}-{number}@{host}>"


def hand_over(message: EmailMessage) -> None:
    """Raises `NotAccepted` where the server was not reached or said no; OSError, SMTPException where nobody knows."""
    server = get_connection()
    try:
        server.open()
    except (OSError, smtplib.SMTPException) as error:
        raise NotAccepted(_reason(error)) from error
    try:
        server.send_messages([message])
    except REFUSALS as error:
        raise NotAccepted(_reason(error)) from error
    finally:
        server.close()


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"No recipient was taken: {', '.join(error.recipients)}"
    return str(error) or type(error).__name__

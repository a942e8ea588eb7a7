"""Where mails go, from one address."""

from __future__ import annotations

import pytest

from trunkline.core.errors import Invalid
from trunkline.platform.mail_address import mail_settings

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("address", "backend", "host", "port", "user", "password", "starttls", "tls"),
    [
        ("", "trunkline.platform.mail.DataFolderMail", "", 0, "", "", False, False),
        ("console:", "django.core.mail.backends.console.EmailBackend", "", 0, "", "", False, False),
        ("smtp://mail.example.com", SMTP, "mail.example.com", 587, "", "", True, False),
        ("smtp://a%40b:p%2Fw@mail.example.com:25?tls=off", SMTP, "mail.example.com", 25, "a@b", "p/w", False, False),
        ("smtps://a:b@mail.example.com", SMTP, "mail.example.com", 465, "a", "b", False, True),
    ],
)
def test_an_address_says_it_all(
    address: str, backend: str, host: str, port: int, user: str, password: str, starttls: bool, tls: bool
) -> None:
    expected = {"host": host, "port": port, "user": user, "password": password, "starttls": starttls, "tls": tls}
    assert mail_settings(address) == (backend, expected)


@pytest.mark.parametrize(
    "address",
    ["mail.example.com", "smtp://", "smtp://u:hidden@h:port", "smtp://u:hidden@h?tls=maybe", "ftp://u:hidden@h"],
)
def test_a_wrong_address_is_refused_without_being_said(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        mail_settings(address)
    assert caught.value.code == "bad_mail_address"
    assert "hidden" not in str(caught.value)

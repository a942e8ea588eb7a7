"""What is no password, however long it was made."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from trunkline.platform.accounts.passwords import KnownPasswordValidator, MaximumLengthValidator

KNOWN = KnownPasswordValidator()


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "PasswordPassword",
        "password1234",
        "!!password!!",
        "p@ssw0rdp@ssw0rd",
        "P4ssw0rd2026!",
        "qwertyqwerty",
        "qwertyuiop12345678",
        "123456123456",
        "12345678901234567890",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "1q2w3e4r5t6y",
        "  liverpool1892 ",
    ],
)
def test_what_is_guessed_first_is_refused_however_it_was_made_longer(password: str) -> None:
    with pytest.raises(ValidationError) as caught:
        KNOWN.validate(password)
    assert caught.value.code == "password_too_common"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "liverpool and a long way home",
        "tr0ub4dor&3 of nothing",
        "monkey83746251904",
        "83746251904717",
        "пароль длинный очень",
        "k7Vq-93xW-0pLm",
    ],
)
def test_what_is_no_known_one_is_taken(password: str) -> None:
    KNOWN.validate(password)


def test_a_password_has_128_characters_at_most() -> None:
    MaximumLengthValidator().validate("x" * 128)
    with pytest.raises(ValidationError) as caught:
        MaximumLengthValidator().validate("x" * 129)
    assert (caught.value.code, caught.value.messages) == (
        "password_too_long",
        ["Your password may have at most 128 characters."],
    )

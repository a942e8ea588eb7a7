"""Writes of people."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from trunkline.core.errors import Invalid
from trunkline.identity.models import NAME_LENGTH, User, normal_email


def ensure_user(*, email: str, name: str = "", at: datetime) -> User:
    """The person of that e-mail address, made without a password where nobody has it. Raises Invalid (`bad_email`, `bad_name`)."""
    email = require_email(email)
    name = require_name(name)
    found = User.objects.filter(email=email).first()
    if found is not None:
        return found
    made = User(email=email, name=name, created_at=at)
    made.set_unusable_password()
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # somebody else was quicker
        return User.objects.get(email=email)
    return made


def change_user(*, user: User, name: str | None = None, language: str | None = None) -> User:
    """What people say of themselves; what is left out stays. Raises Invalid `bad_name`."""
    if name is not None:
        user.name = require_name(name)
    if language is not None:
        user.language = language
    user.save(update_fields=["name", "language"])
    return user


def give_password(*, user: User, password: str) -> None:
    """Let a person sign in with that password, and count the address as proved: whoever runs the machine says that it is theirs.

    Raises Invalid `bad_password`.
    """
    from allauth.account.models import EmailAddress

    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("bad_password", " ".join(error.messages)) from error
    user.set_password(password)
    user.save(update_fields=["password"])
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})


def require_email(text: str) -> str:
    """An address as it is kept. Raises Invalid `bad_email`."""
    email = normal_email(text)
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid("bad_email", f"{text!r} is no e-mail address.", hint="Such as ada@example.com.") from error
    if len(email) > 254:
        raise Invalid("bad_email", "The e-mail address has more than 254 characters.")
    return email


def require_name(text: str) -> str:
    """A person's name as it is kept. Raises Invalid `bad_name`."""
    name = " ".join(text.split())
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise Invalid("bad_name", f"A name has up to {NAME_LENGTH} printable characters.")
    return name

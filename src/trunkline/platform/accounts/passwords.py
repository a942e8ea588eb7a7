"""How passwords are kept, and how long one may be."""

from __future__ import annotations

import re
from typing import Any, Final

from django.contrib.auth.hashers import ScryptPasswordHasher
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LENGTH_MAX: Final = 128  # OWASP ASVS 4.0.3, 2.1.2: hashing more would only be work for us

AROUND_MAX: Final = 6  # signs around a known password that make it no other; more of them are a password of their own
LOOKALIKES: Final = str.maketrans("013457@$!", "oleastasi")


class Scrypt(ScryptPasswordHasher):
    """64 MiB and one lane (OWASP ASVS 4.0.3, 2.4.6). What was hashed for less is hashed anew when its owner signs in."""

    work_factor = 2**16
    parallelism = 1
    maxmem = 128 << 20  # OpenSSL by itself stops at 32 MiB


class MaximumLengthValidator:
    """Refuses what is too long to be typed by anybody."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError `password_too_long`."""
        if len(password) > LENGTH_MAX:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """The rule, for people."""
        return _("Your password may have at most %d characters.") % LENGTH_MAX


class KnownPasswordValidator(CommonPasswordValidator):
    """Refuses the twenty thousand passwords that are guessed first, and what people make of one to have it long enough.

    That is: the same once more, a few signs before or behind it, another of the list behind it, digits for letters.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError `password_too_common`."""
        typed = password.lower().strip()
        if any(self._is_known(text) for text in (typed, typed.translate(LOOKALIKES))):
            raise ValidationError(self.get_error_message(), code="password_too_common")

    def _is_known(self, text: str) -> bool:
        if self._is_repeated(text):
            return True
        core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
        before, _, after = text.partition(core) if core else ("", "", text)
        around = (before, after)
        return self._is_repeated(core) and all(len(sign) <= AROUND_MAX or sign in self.passwords for sign in around)

    def _is_repeated(self, text: str) -> bool:
        """Whether it is one that is known, or three signs at most, once or several times."""
        sizes = (size for size in range(1, len(text) + 1) if (text[:size] * (len(text) // size + 1)).startswith(text))
        return any(text[:size] in self.passwords or (size <= 3 and len(text) > size) for size in sizes)

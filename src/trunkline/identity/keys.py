"""The form of API keys: `tl_live_<random>_<checksum>`.

The prefix and the checksum let secret scanners tell a key from other text; the random part has 190 bits, so a plain SHA-256 of the whole
is enough to keep, and what is kept opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "tl_live_"
RANDOM_LENGTH: Final = 32
CHECKSUM_LENGTH: Final = 6  # 62^6 is more than 2^32
ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
FORM: Final = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{RANDOM_LENGTH}}})_([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just drawn. `text` is shown to whom it is for and kept nowhere; it does not show itself."""

    text: str
    hash: str
    last_four: str

    def __repr__(self) -> str:
        return f"NewKey(…{self.last_four})"


def draw_key() -> NewKey:
    """A new key, from the operating system's random numbers."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    text = f"{PREFIX}{random}_{checksum(random)}"
    return NewKey(text, hash_of(text), text[-4:])


def is_well_formed(text: str) -> bool:
    """Whether a text has the form of a key and its checksum fits; nothing else is worth asking the database for."""
    found = FORM.fullmatch(text)
    return found is not None and hmac.compare_digest(checksum(found[1]), found[2])


def hash_of(text: str) -> str:
    """The SHA-256 of a key, in hex: what is kept of it."""
    return hashlib.sha256(text.encode()).hexdigest()


def checksum(random: str) -> str:
    """The CRC-32 of prefix and random part, in base 62 with the largest digit first, six digits."""
    rest, digits = zlib.crc32((PREFIX + random).encode()), []
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))

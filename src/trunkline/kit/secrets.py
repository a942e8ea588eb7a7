"""Small secrets at rest: passwords and private keys of other people's servers, which we must be able to say again.

They are sealed with AES-256-GCM under a key that lies outside the database, in the file `secret.key` of the data folder (0600, made once)
or in the variable `TRUNKLINE_SECRET_KEY`. A sealed secret is bound to its tenant and to what it is for: copied into another row it does
not open. The file has one key a line, base64 of 32 bytes; the first seals, all of them open, so that keys can be changed: put a new line on
top, have every secret sealed again that `is_stale`, and remove the old one.

    1.<id of the key>.<base64 of nonce, ciphertext and tag>

The libraries of cryptography are loaded when something is sealed or opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import stat
from typing import Final

from trunkline.core.errors import Invalid, Unavailable
from trunkline.kit.home import folder, fsync_folder

KEY_FILE: Final = "secret.key"
VARIABLE: Final = "TRUNKLINE_SECRET_KEY"
KEY_OCTETS: Final = 32
NONCE_OCTETS: Final = 12  # NIST SP 800-38D, 5.2.1.1: the length that GCM is made for
_VERSION: Final = "1"


class Secret:
    """A secret in the open. It shows itself to nobody who does not ask by `reveal`: not to logs, not to a debugger's list of variables."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, to be handed to whom it is for and kept nowhere."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not copied between processes")


def seal(secret: Secret, *, tenant_id: int, purpose: str) -> str:
    """The secret as it may be kept, bound to a tenant and a purpose; an empty one is the empty text.

    Makes the key file if there is none. Raises `Unavailable` (`secret_key_unreadable`) and `Invalid` (`secret_key`).
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not secret:
        return ""
    key = _keys(make=True)[0]
    nonce = os.urandom(NONCE_OCTETS)
    sealed = nonce + AESGCM(key).encrypt(nonce, secret.reveal().encode(), _bound(tenant_id, purpose))
    return f"{_VERSION}.{_key_id(key)}.{base64.urlsafe_b64encode(sealed).decode()}"


def open_sealed(token: str, *, tenant_id: int, purpose: str) -> Secret:
    """What was sealed for this tenant and purpose.

    Raises `Unavailable` (`secret_key_missing`) where its key is not here, and `Invalid` (`secret_damaged`) where the token was changed
    or belongs to another row.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not token:
        return Secret("")
    try:
        version, key_id, text = token.split(".")
        sealed = base64.urlsafe_b64decode(text)
    except (ValueError, binascii.Error) as error:
        raise _damaged() from error
    # The last character has bits that say nothing: one token alone is the one that was made.
    if version != _VERSION or base64.urlsafe_b64encode(sealed).decode() != text:
        raise _damaged()
    key = next((key for key in _keys() if _key_id(key) == key_id), None)
    if key is None:
        raise Unavailable(
            "secret_key_missing",
            f"A secret was sealed with the key {key_id}, which is not here.",
            hint=f"Put {KEY_FILE} back from the backup of the data folder, or give the secret anew.",
        )
    try:
        plain = AESGCM(key).decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], _bound(tenant_id, purpose))
    except (InvalidTag, ValueError) as error:
        raise _damaged() from error
    return Secret(plain.decode())


def is_stale(token: str) -> bool:
    """Whether a sealed secret is under another key than the one that seals now."""
    return bool(token) and token.split(".")[1:2] != [_key_id(_keys(make=True)[0])]


def signing_key() -> str:
    """What cookies and links are signed with: made from the newest key, of which it tells nothing. A new key ends all sessions and links.

    Makes the key file if there is none. Raises `Unavailable` (`secret_key_unreadable`) and `Invalid` (`secret_key`).
    """
    return hmac.new(_keys(make=True)[0], b"trunkline signing", hashlib.sha256).hexdigest()


def _damaged() -> Invalid:
    return Invalid(
        "secret_damaged", "A sealed secret does not open: it was changed or is another row's.", hint="Give it anew."
    )


def _bound(tenant_id: int, purpose: str) -> bytes:
    return f"trunkline:{tenant_id}:{purpose}".encode()


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"trunkline key id" + key).hexdigest()[:8]


def _keys(*, make: bool = False) -> list[bytes]:
    """The keys, the one that seals first."""
    given = os.environ.get(VARIABLE, "")
    if given.strip():
        return _parsed(given, VARIABLE)
    path = folder() / KEY_FILE
    try:
        return _read()
    except FileNotFoundError:
        if not make:
            return []
    # Two processes may be at it: the link is made once, and whoever comes second reads what the first has made.
    fresh = path.with_name(f".{KEY_FILE}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, base64.urlsafe_b64encode(os.urandom(KEY_OCTETS)) + b"\n")
        os.fsync(descriptor)
        try:
            os.link(fresh, path)
        except FileExistsError:
            return _read()
    finally:
        os.close(descriptor)
        fresh.unlink(missing_ok=True)
    fsync_folder(path.parent)
    return _read()


def _read() -> list[bytes]:
    path = folder() / KEY_FILE
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Unavailable(
                    "secret_key_unreadable",
                    f"{path} can be read by others, so it is a secret no more.",
                    hint="Restrict it (chmod 600); if others may have read it, change the key and the passwords.",
                )
            return _parsed(file.read(), str(path))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable("secret_key_unreadable", f"{path} cannot be read: {error}.") from error


def _parsed(text: str, where: str) -> list[bytes]:
    keys = []
    for word in text.replace(",", " ").split():
        try:
            key = base64.urlsafe_b64decode(word.encode().translate(bytes.maketrans(b"+/", b"-_")))
        except (ValueError, binascii.Error):
            key = b""
        if len(key) != KEY_OCTETS:
            raise Invalid(
                "secret_key",
                f"{where} holds a key that is not the base64 of {KEY_OCTETS} bytes.",
                hint="One key a line.",
            )
        keys.append(key)
    if not keys:
        raise Invalid("secret_key", f"{where} holds no key.", hint=f"The base64 of {KEY_OCTETS} random bytes.")
    return keys

"""TLS towards servers: checked against the machine's authorities and the server's name, or against one pinned certificate alone.

A pinned certificate may be self-signed and bear any name, but it may not have expired.
"""

from __future__ import annotations

import contextlib
import ftplib
import hashlib
import imaplib
import ssl
from datetime import UTC, datetime

from trunkline.kit.reach import connect
from trunkline.usage.sources.choices import SourceKind
from trunkline.usage.sources.remote import CONNECT_SECONDS, PeerFailed, Target


class SecureImap(imaplib.IMAP4_SSL):
    """IMAP over TLS that connects where it may (`kit.reach`) and nowhere else."""

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:  # what `open` of the standard library asks for
        return self.ssl_context.wrap_socket(connect(self.host, self.port, timeout_s=timeout), server_hostname=self.host)


class SecureFtp(ftplib.FTP_TLS):
    """FTP over TLS, the same. Data come from the address that was connected to, whatever one the server names (`ftplib` sees to that)."""

    def connect(self, host: str = "", port: int = 0, *_: object, **__: object) -> str:
        self.host, self.port = host, port
        self.sock = connect(host, port, timeout_s=self.timeout)
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome


def context_for(pin: str) -> ssl.SSLContext:
    """A context that checks names and authorities, or, with a pin, leaves the check to `require_pinned`."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pin:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def require_pinned(connection: ssl.SSLSocket, target: Target) -> None:
    """The server's certificate must be the pinned one, if one is. Raises `PeerFailed` (`certificate_refused`)."""
    if not target.pin:
        return
    certificate = connection.getpeercert(binary_form=True) or b""
    shown = hashlib.sha256(certificate).hexdigest()
    if shown != target.pin:
        raise PeerFailed(
            "certificate_refused",
            f"{target.address} shows the certificate {shown}, and trusted is {target.pin}.",
            hint="Ask the server's operator. If it was changed on purpose: `trunkline source trust`.",
        )
    from cryptography import x509

    ends_at = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    # The machine's clock, as TLS itself asks it for certificates that are not pinned.
    if ends_at < datetime.now(UTC):
        raise PeerFailed(
            "certificate_refused",
            f"The certificate of {target.address} has expired on {ends_at:%Y-%m-%d}.",
            hint="Its operator must renew it; then trust the new one.",
        )


def refused(target: Target, error: ssl.SSLCertVerificationError) -> PeerFailed:
    """A certificate that the check did not pass."""
    return PeerFailed(
        "certificate_refused",
        f"The certificate of {target.address} is not accepted: {error.verify_message or error.reason}.",
        hint="If it is meant to be like that (self-signed): `trunkline source trust` takes it, and no other.",
    )


def shown_pin(kind: str, host: str, port: int) -> str:
    """The SHA-256 of the certificate that the server shows now, whoever signed it. Raises `PeerFailed`."""
    context = context_for("any")
    try:
        if kind == SourceKind.FTPS:
            with SecureFtp(context=context, timeout=CONNECT_SECONDS) as ftp:
                ftp.connect(host, port)
                ftp.auth()
                certificate = ftp.sock.getpeercert(binary_form=True)  # type: ignore[union-attr]
        else:
            mailbox = SecureImap(host, port, ssl_context=context, timeout=CONNECT_SECONDS)
            certificate = mailbox.sock.getpeercert(binary_form=True)  # type: ignore[attr-defined]
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                mailbox.logout()
    except (OSError, EOFError, ftplib.Error, imaplib.IMAP4.error) as error:
        raise PeerFailed("connection_failed", f"{host}:{port} shows no certificate: {error}.") from error
    return hashlib.sha256(certificate or b"").hexdigest()

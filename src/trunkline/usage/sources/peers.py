"""The peer for a kind of source. A library is loaded when its kind is used."""

from __future__ import annotations

from trunkline.usage.sources.choices import SourceKind
from trunkline.usage.sources.remote import Peer, Target


def peer_for(kind: str, target: Target) -> Peer:
    """A peer, not yet connected."""
    if kind == SourceKind.SFTP:
        from trunkline.usage.sources.sftp import SftpPeer

        return SftpPeer(target)
    if kind == SourceKind.FTPS:
        from trunkline.usage.sources.ftps import FtpsPeer

        return FtpsPeer(target)
    from trunkline.usage.sources.imap import ImapPeer

    return ImapPeer(target)


def shown_pin(kind: str, host: str, port: int) -> str:
    """The fingerprint that a server shows now, without logging in. Raises `PeerFailed`."""
    if kind == SourceKind.SFTP:
        from trunkline.usage.sources.sftp import shown_pin as of_ssh

        return of_ssh(host, port)
    from trunkline.usage.sources.tls import shown_pin as of_tls

    return of_tls(kind, host, port)

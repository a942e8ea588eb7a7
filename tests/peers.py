"""Real servers on the loopback, from Debian's packages, started by the tests on high ports and ended by them.

    sshd      openssh-server   as whoever runs the tests; logs in with a key made for the test
    vsftpd    vsftpd           explicit TLS enforced; an anonymous user whose password is checked
    dovecot   dovecot-imapd    IMAP over TLS; a user with a maildir of its own

Where a package is missing, the test skips and says so. Root starts vsftpd and dovecot's mail processes as `nobody`.
"""

from __future__ import annotations

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

START_SECONDS = 20
PASSWORD = "correct horse"


def program(name: str, package: str) -> str:
    """A server's program; the test skips where its package is not installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"the package {package} is not installed")
    return found


def free_port() -> int:
    """A port of the loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path, *, user: int | None = None) -> Iterator[None]:
    """A server process that listens on the port; killed with what it started when the block is left."""
    as_user = {} if user is None else {"user": user, "group": pwd.getpwuid(user).pw_gid, "extra_groups": []}
    with log.open("ab") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, stdin=said, start_new_session=True, **as_user)  # type: ignore[call-overload]
    try:
        _wait_for(port, process, log)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the server does not listen on {port}: {log.read_text(errors='replace')[-2000:]}")


def _wait_for_login(port: int) -> None:
    """Dovecot listens before it can tell who somebody is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    until = time.monotonic() + START_SECONDS
    while True:
        box = imaplib.IMAP4_SSL("localhost", port, ssl_context=context, timeout=START_SECONDS)
        try:
            box.login("cdr", PASSWORD)
        except imaplib.IMAP4.error:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
        finally:
            box.logout()


def helper_user() -> int | None:
    """Whom root lets servers run as; None for everybody else, whose servers run as themselves."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


@contextlib.contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that the helper user can reach. Not pytest's own, which every session that starts closes to all others."""
    made = Path(tempfile.mkdtemp(prefix="trunkline-peers-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def give(path: Path, user: int | None) -> None:
    """Let the helper user have a folder with all that is in it."""
    if user is not None:
        for each in (path, *path.rglob("*")):
            os.chown(each, user, -1, follow_symlinks=False)


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate of the loopback with its key."""

    certificate: Path
    key: Path
    fingerprint: str


def make_certificate(folder: Path, name: str = "tls", *, days: int = 2) -> Certificate:
    """Made on the spot; with negative days it has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(private)
    return Certificate(*paths, made.fingerprint(hashes.SHA256()).hex())


@dataclass(frozen=True)
class Peer:
    """A server that runs: where it is, who logs in, and the folder that it serves, as the test sees it."""

    port: int
    login: str
    folder: Path
    pin: str
    secret: str  # the private key, or the password

    host: str = "localhost"


@contextlib.contextmanager
def sshd(place: Path, port: int | None = None, host_key: str = "host_ed25519") -> Iterator[Peer]:
    """Debian's OpenSSH. With another `host_key` it is the same server with a key that nobody knows."""
    server = program("sshd", "openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as the package's own start does
    place.mkdir(parents=True, exist_ok=True)
    files = place / "files"
    files.mkdir(exist_ok=True)
    for name in ("user", host_key):
        if not (place / name).exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)], check=True)
    port = port or free_port()
    config = place / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {place / host_key}\nPidFile none\nAuthorizedKeysFile {place / 'user.pub'}\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n"
        "AllowTcpForwarding no\nPermitTTY no\nMaxStartups 100\n"
    )
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(place / f"{host_key}.pub")], capture_output=True, text=True, check=True
    )
    login = pwd.getpwuid(os.geteuid()).pw_name
    with running([server, "-D", "-e", "-f", str(config)], port, place / "sshd.log"):
        yield Peer(port, login, files, f"ssh-ed25519 {shown.stdout.split()[1]}", (place / "user").read_text())


@contextlib.contextmanager
def vsftpd(place: Path, *, certificate: Certificate | None = None) -> Iterator[Peer]:
    """Debian's vsftpd with TLS on both channels. It insists on session resumption, as it does by default."""
    server = program("vsftpd", "vsftpd")
    place.mkdir(parents=True, exist_ok=True)
    root = place / "root"  # vsftpd refuses a root that one may write to
    files = root / "cdr"
    files.mkdir(parents=True, exist_ok=True)
    empty = place / "empty"
    empty.mkdir(exist_ok=True)
    cert = certificate or make_certificate(place)
    (place / "passwords").write_text(f"{PASSWORD}\n")
    port = free_port()
    config = place / "vsftpd.conf"
    config.write_text(
        f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nrun_as_launching_user=YES\nanonymous_enable=YES\n"
        f"local_enable=NO\nanon_root={root}\nsecure_email_list_enable=YES\nemail_password_file={place / 'passwords'}\nwrite_enable=YES\n"
        "anon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_world_readable_only=NO\n"
        f"ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\nrsa_cert_file={cert.certificate}\n"
        f"rsa_private_key_file={cert.key}\npasv_address=127.0.0.1\nsecure_chroot_dir={empty}\n"
        "xferlog_enable=NO\nuse_localtime=NO\nseccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\n"
    )
    user = helper_user()
    give(place, user)
    if user is not None:
        os.chown(root, 0, 0)
    else:
        root.chmod(0o555)
    with running([server, str(config)], port, place / "vsftpd.log", user=user):
        try:
            yield Peer(port, "anonymous", files, cert.fingerprint, PASSWORD)
        finally:
            root.chmod(0o755)


@contextlib.contextmanager
def dovecot(place: Path) -> Iterator[Peer]:
    """Debian's Dovecot: IMAP over TLS alone, one user."""
    server = program("dovecot", "dovecot-imapd")
    place.mkdir(parents=True, exist_ok=True)
    for name in ("run", "state", "mail"):
        (place / name).mkdir(exist_ok=True)
    cert = make_certificate(place)
    (place / "users").write_text(f"cdr:{{PLAIN}}{PASSWORD}\n")
    port, user = free_port(), helper_user()
    account = pwd.getpwuid(os.geteuid() if user is None else user)
    as_ourselves = (
        ""
        if user is not None
        else f"default_internal_user = {account.pw_name}\ndefault_internal_group = {grp.getgrgid(account.pw_gid).gr_name}\n"
        f"default_login_user = {account.pw_name}\n"
    )
    config = place / "dovecot.conf"
    config.write_text(
        f"protocols = imap\nlisten = 127.0.0.1\nbase_dir = {place / 'run'}\nstate_dir = {place / 'state'}\nlog_path = {place / 'dovecot.log'}\n"
        f"ssl = required\nssl_cert = <{cert.certificate}\nssl_key = <{cert.key}\nmail_location = maildir:{place / 'mail'}/%u\n{as_ourselves}"
        f"first_valid_uid = 1\npassdb {{\n  driver = passwd-file\n  args = scheme=PLAIN {place / 'users'}\n}}\n"
        f"userdb {{\n  driver = static\n  args = uid={account.pw_uid} gid={account.pw_gid} home={place / 'mail'}/%u\n}}\n"
        "service imap-login {\n  chroot =\n  inet_listener imap {\n    port = 0\n  }\n"
        f"  inet_listener imaps {{\n    port = {port}\n    ssl = yes\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\n"
    )
    give(place / "mail", user)
    with running([server, "-F", "-c", str(config)], port, place / "dovecot.out"):
        _wait_for_login(port)
        yield Peer(port, "cdr", place / "mail" / "cdr", cert.fingerprint, PASSWORD)

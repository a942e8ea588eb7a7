"""An SFTP server that misbehaves: it cuts connections in the middle, and its files grow while they are read. It also takes passwords,
which Debian's OpenSSH checks against the machine's own users alone."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from tests.peers import PASSWORD, Peer
from trunkline.usage.sources.sftp import pin_of

OnRead = Callable[[Path, asyncssh.SSHServerConnection], None]


@dataclass
class Hostile:
    """The server, and what it does at each read of a file, given its path and the connection."""

    peer: Peer
    on_read: list[OnRead]

    def when_read(self, do: OnRead) -> None:
        self.on_read.append(do)


@contextlib.contextmanager
def hostile(folder: Path) -> Iterator[Hostile]:
    """Runs in a thread of its own until the block is left."""
    folder.mkdir(parents=True, exist_ok=True)
    on_read: list[OnRead] = []
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Server(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("cdr", PASSWORD)

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel)
            self._connection = channel.get_connection()

        def read(self, file_obj: Any, offset: int, size: int) -> Any:
            for do in on_read:
                do(Path(file_obj.name.decode()), self._connection)
            return super().read(file_obj, offset, size)

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[key], server_factory=Server, sftp_factory=Files, allow_scp=False
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)

    async def close() -> None:
        listener.close()
        await listener.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield Hostile(Peer(listener.get_port(), "cdr", folder, pin_of(key), PASSWORD), on_read)
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

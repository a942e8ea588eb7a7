"""How many requests a second the API answers, and how soon: an account read, and the price of a call that nobody made.

Each of a few connections has a key of its own and asks again as soon as it is answered, so the server is as busy as it can be; who asks takes
its share of the same cores. Every answer must be 200.
"""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from bench.served import HOST, Served

CONNECTIONS = 8
WARMING_S = 3.0
MEASURED_S = 15.0
MUST_ACCOUNTS, MUST_PREVIEWS = 300.0, 200.0
MUST_P99_MS = 100.0
CALLED = ("254712345678", "254201234567", "255754123456", "447700900123", "12125550123", "8613800138000")


@dataclass(frozen=True)
class Asked:
    """What one connection has found: seconds of each request, and the statuses that were none of 200."""

    seconds: list[float]
    refused: list[int]


def run() -> dict[str, Any]:
    """Requests a second and milliseconds of both operations."""
    with Served() as served:
        keys = [served.new_key("accounts.read", "tariffs.read") for _ in range(CONNECTIONS)]
        accounts = _list(served, keys[0], "/api/v1/accounts?limit=200&fields=id,is_customer")
        customers = [each["id"] for each in accounts if each["is_customer"]]
        reads = [_request("GET", f"/api/v1/accounts/{each['id']}") for each in accounts]
        bodies = [{"account_id": each, "called": called} for each in customers for called in CALLED]
        previews = [_request("POST", "/api/v1/rate-preview", body) for body in bodies]
        account, preview = _measure(served.server.port, keys, reads), _measure(served.server.port, keys, previews)
    passed = (
        account["per_s"] >= MUST_ACCOUNTS
        and preview["per_s"] >= MUST_PREVIEWS
        and max(account["p99_ms"], preview["p99_ms"]) <= MUST_P99_MS
        and not account["refused"] + preview["refused"]
    )
    figures = {
        f"{name}_{key}": value
        for name, each in (("account", account), ("preview", preview))
        for key, value in each.items()
    }
    return {"passed": passed, "connections": CONNECTIONS, **figures}


def _measure(port: int, keys: list[str], requests: list[bytes]) -> dict[str, Any]:
    """One operation asked on all connections at once."""

    def ask(number: int) -> Asked:
        mine = [each.replace(b"{key}", keys[number].encode()) for each in requests[number:] + requests[:number]]
        with Connection(port) as connection:
            _ask(connection, mine, WARMING_S)
            return _ask(connection, mine, MEASURED_S)

    with ThreadPoolExecutor(len(keys)) as pool:
        found = list(pool.map(ask, range(len(keys))))
    seconds = [each for one in found for each in one.seconds]
    return {
        "per_s": round(len(seconds) / MEASURED_S, 1),
        "median_ms": round(median(seconds) * 1000, 2),
        "p99_ms": round(quantiles(seconds, n=100)[98] * 1000, 2),
        "refused": sum(len(each.refused) for each in found),
    }


def _ask(connection: Connection, requests: list[bytes], for_s: float) -> Asked:
    found, number, end = Asked([], []), 0, perf_counter() + for_s
    while (begin := perf_counter()) < end:
        status, _ = connection.ask(requests[number % len(requests)])
        found.seconds.append(perf_counter() - begin)
        if status != 200:
            found.refused.append(status)
        number += 1
    return found


class Connection:
    """A connection that is kept open. A client library would take longer than the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._open()

    def _open(self) -> socket.socket:
        opened = socket.create_connection((HOST, self._port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; a connection that the server has closed meanwhile is opened again."""
        try:
            return self._ask(request)
        except ConnectionError:
            self._socket.close()
            self._socket = self._open()
            return self._ask(request)

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        self._socket.sendall(request)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head, data = data[:end].lower(), data[end + 4 :]
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(data) < length:
            data += self._more()
        return int(head.split(b" ", 2)[1]), data

    def _more(self) -> bytes:
        piece = self._socket.recv(1 << 16)
        if not piece:
            raise ConnectionResetError
        return piece


def _request(method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    """A request as it is sent, but for its key."""
    content = b"" if body is None else json.dumps(body).encode()
    kind = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {{key}}\r\n{kind}\r\n".encode() + content


def _list(served: Served, key: str, path: str) -> list[dict[str, Any]]:
    with Connection(served.server.port) as connection:
        status, body = connection.ask(_request("GET", path).replace(b"{key}", key.encode()))
    if status != 200:
        raise RuntimeError(f"{path}: {status} {body[:500]!r}")
    found: list[dict[str, Any]] = json.loads(body)["data"]
    return found

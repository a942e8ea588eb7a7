"""The page about the API is true: its Python is run as it stands, with the generated client, and prints what the page shows.

So this is also the way of a new operator through the API, from an empty database to an invoice.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from tests.databases import TestDatabase
from tests.places import ROOT
from tests.waiting_jobs import work_off
from trunkline.api.app import PREFIX, document
from trunkline.invoicing.choices import BILL
from trunkline.kit import clock
from trunkline.platform.api_files import CLIENT
from trunkline.usage.choices import PROCESS

PAGE = ROOT / "docs" / "guide" / "api.md"
BLOCK = re.compile(
    r"^```(?P<language>sh|python)\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
AT = datetime(2026, 4, 2, 9, tzinfo=UTC)


@pytest.fixture
def client_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The generated client, importable as whoever uses it imports it."""
    monkeypatch.syspath_prepend(str(CLIENT.parent))
    import trunkline_client

    yield trunkline_client
    sys.modules.pop("trunkline_client")


def type_commands(commands: str, database: TestDatabase) -> str:
    """Run commands of the page; what the last one prints."""
    printed = ""
    for line in commands.strip().splitlines():
        program, *arguments = shlex.split(line)
        assert program == "bin/trunkline"
        called = [sys.executable, "-m", "trunkline", *arguments]
        done = subprocess.run(called, env=database.environment, capture_output=True, text=True, check=True)
        printed = done.stdout
    return printed.strip()


def work(*_: object) -> None:
    """What a worker does while one polls."""
    assert work_off(PROCESS, BILL), "it is polled for nothing"


@pytest.mark.slow
def test_a_new_operator_comes_to_an_invoice_as_the_page_says(
    committed_db: TestDatabase, data_folder: Path, client_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets: list[str] = []
    transport = httpx.WSGITransport(app=get_wsgi_application())
    real = client_module.Client

    def here(url: str, *, key: str) -> Any:
        assert (url, key) == ("https://billing.example.com", "tl_live_…")
        return real("http://localhost", key=secrets[0], transport=transport)

    monkeypatch.setattr(client_module, "Client", here)
    monkeypatch.setattr("time.sleep", work)
    known: dict[str, Any] = {}
    languages = []
    with clock.at(AT):
        for found in BLOCK.finditer(PAGE.read_text()):
            languages.append(found["language"])
            if found["language"] == "sh":
                secrets.append(type_commands(found["code"], committed_db))
                continue
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(found["code"], str(PAGE), "exec"), known)  # noqa: S102 - the page is ours
            if found["printed"] is not None:
                assert printed.getvalue() == found["printed"], found["code"]
    assert languages == ["sh"] + ["python"] * 10
    known["client"].close()


def test_every_path_that_the_page_names_is_there() -> None:
    paths = json.dumps(list(document()["paths"]))
    named = re.findall(r"`(?:POST )?(/[a-z/-]+)`", PAGE.read_text())
    assert len(named) > 15
    missing = [each for each in named if f'"{PREFIX}{each}' not in paths and not each.startswith("/api/v1")]
    assert missing == []

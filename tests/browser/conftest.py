"""A server with the product in it, and a browser in front of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.ground import Ground
from tests.browser.visitor import Visitor
from tests.databases import TestDatabase, committing
from tests.staff import sign_in
from trunkline.kit import jobs

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 15_000  # the machine may be busy; what is there is seen at once

needs_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here (Debian's package chromium)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder needs the browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(needs_browser)


class _Quiet(WSGIRequestHandler):
    """One line a request is the log's of the product, not the server's."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the standard library's
        pass


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """A data folder of its own, files of pages from where they lie, and Django asked from beside Playwright's loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUNKLINE_HOME", str(tmp_path_factory.mktemp("house")))
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        patch.setattr(django_settings, "WHITENOISE_USE_FINDERS", True, raising=False)
        yield patch


@pytest.fixture(scope="package")
def ground(
    house: pytest.MonkeyPatch,
    test_database: TestDatabase,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ground]:
    """The operator that the walks are at."""
    with committing(test_database, django_db_blocker):
        yield Ground.make(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="package")
def address(ground: Ground) -> Iterator[str]:
    """Where the product is served, by the application that gunicorn serves."""
    from trunkline.platform.wsgi import application

    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of a process."""
    expect.set_options(timeout=PATIENCE_MS)
    # Beside Playwright's loop Django has connections of its own; these would be ended unseen when the tables are emptied.
    connections.close_all()
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A browser that nobody has used before."""
    cache.clear()  # who has tried to sign in, and when a code was sent
    made = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900}, locale="en-GB")
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture
def visitor(context: BrowserContext) -> Iterator[Visitor]:
    """Somebody in front of the sign-in. What their pages complain about fails the test."""
    somebody = Visitor(context.new_page())
    yield somebody
    assert somebody.complaints == []


@pytest.fixture
def owner(visitor: Visitor, ground: Ground, context: BrowserContext, address: str) -> Visitor:
    """The operator's owner, signed in."""
    from django.test import Client

    cookie = sign_in(Client(), ground.owner).cookies[django_settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
    return visitor


@pytest.fixture
def work() -> Callable[[], None]:
    """Does what waits in the queue, as the worker beside the web does."""

    def do() -> None:
        try:
            jobs.work()
        finally:
            connections.close_all()  # those of this thread

    def run() -> None:
        thread = threading.Thread(target=do)
        thread.start()
        thread.join()

    return run

"""schemathesis sends every operation what its description allows, and what it does not: no answer is a fault, and each is as it is described."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conformance.ground import Ground, make_ground
from tests.databases import TestDatabase, _empty
from tests.db.usage.carrier import NOW
from trunkline.api.app import document
from trunkline.kit import clock

EXAMPLES = int(os.environ.get("TRUNKLINE_TEST_EXAMPLES", "12"))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DJANGO = get_wsgi_application()


def application(environ: Any, start_response: Any) -> list[bytes]:
    """The API as schemathesis asks it: whole answers, whose files are closed."""
    with closing(DJANGO(environ, start_response)) as answer:
        return [b"".join(answer)]


# The server of the source or mailbox does not answer: 503 is what it is said to be then.
ASKS_OTHERS = {"ask_fingerprint", "ask_mailbox_fingerprint"}
# Its transaction sees one moment, so it must be the outermost; nothing is written in it.
BEGINS_ITS_OWN = {"preview_invoice"}
DESCRIBED = schemathesis.openapi.from_dict(document())
OPERATIONS = {found.ok().definition.raw["operationId"]: found.ok() for found in DESCRIBED.get_all_operations()}


@contextmanager
def taken_back() -> Iterator[None]:
    """Nothing stays of what is written inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def transaction_kept() -> Iterator[None]:
    """What Django does around requests of a server would close the connection in whose transaction they run here."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def ground(test_database: TestDatabase, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Ground]:
    """The operator, made once; what requests change is taken back after each."""
    folder: Path = tmp_path_factory.mktemp("conformance")
    with pytest.MonkeyPatch.context() as patched, django_db_blocker.unblock(), clock.at(NOW):
        patched.setenv("TRUNKLINE_HOME", str(folder / "home"))
        try:
            made = make_ground(folder)
            with transaction_kept():
                yield made
        finally:
            connection.close()
            _empty(test_database)


def naming(case: Any, ground: Ground) -> Any:
    """The case, naming what is there where its body or its address names anything."""
    for part in (case.body, case.query):
        if isinstance(part, dict):
            part |= {name: ground.ids[name] for name in part.keys() & ground.ids.keys()}
    return case


@pytest.fixture(autouse=True)
def there_and_then(ground: Ground, stopped_clock: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test finds the files and the instant of the operator, not its own."""
    monkeypatch.setenv("TRUNKLINE_HOME", str(ground.home))
    with clock.at(NOW):
        yield


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_as_it_is_described(ground: Ground, name: str) -> None:
    operation = OPERATIONS[name]
    checks = CHECKS if name in ASKS_OTHERS else [not_a_server_error, *CHECKS]
    ids = {each.name: ground.ids[each.name] for each in operation.path_parameters}

    def cases(mode: GenerationMode, **given: Any) -> st.SearchStrategy[Any]:
        return operation.as_strategy(generation_mode=mode, **given)

    known = {"path_parameters": ids} if ids else {}
    kinds = [
        cases(GenerationMode.POSITIVE, **known).map(lambda case: naming(case, ground)),
        cases(GenerationMode.NEGATIVE, **known),
    ]
    if ids:
        kinds.append(cases(GenerationMode.POSITIVE))

    @settings(
        derandomize=True,
        database=None,
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(kinds))
    def send(case: Any) -> None:
        with nullcontext() if name in BEGINS_ITS_OWN else taken_back():
            case.call_and_validate(app=application, headers={"Authorization": f"Bearer {ground.key}"}, checks=checks)

    send()

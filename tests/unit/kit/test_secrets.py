"""Secrets at rest."""

from __future__ import annotations

import base64
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid, TrunklineError, Unavailable
from trunkline.kit.secrets import KEY_FILE, VARIABLE, Secret, is_stale, open_sealed, seal

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def code(do: Callable[[], object]) -> str:
    with pytest.raises(TrunklineError) as caught:
        do()
    return caught.value.code


def test_the_key_is_made_once_and_is_for_its_owner_alone(home: Path) -> None:
    token = seal(Secret("s3cret"), tenant_id=1, purpose="p")
    key = (home / KEY_FILE).read_bytes()
    assert (home / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert seal(Secret("s3cret"), tenant_id=1, purpose="p") != token
    assert (home / KEY_FILE).read_bytes() == key
    assert [path.name for path in home.iterdir()] == [KEY_FILE]
    assert open_sealed(token, tenant_id=1, purpose="p").reveal() == "s3cret"
    assert "s3cret" not in token


def test_a_secret_opens_for_its_tenant_and_its_row_alone() -> None:
    token = seal(Secret("s3cret"), tenant_id=1, purpose="source:1:password")
    assert code(lambda: open_sealed(token, tenant_id=2, purpose="source:1:password")) == "secret_damaged"
    assert code(lambda: open_sealed(token, tenant_id=1, purpose="source:2:password")) == "secret_damaged"


@pytest.mark.parametrize("at", [0, 2, 15, -3])
def test_a_token_that_was_changed_does_not_open(at: int) -> None:
    token = seal(Secret("s3cret"), tenant_id=1, purpose="p")
    changed = list(token)
    changed[at] = "A" if changed[at] != "A" else "B"
    assert code(lambda: open_sealed("".join(changed), tenant_id=1, purpose="p")) in {
        "secret_damaged",
        "secret_key_missing",
    }


@pytest.mark.parametrize("token", ["x", "1.2", "1.2.3.4", "1.12345678.%%%", "2.12345678.AAAA"])
def test_rubbish_is_said_to_be_damaged(token: str) -> None:
    assert code(lambda: open_sealed(token, tenant_id=1, purpose="p")) in {"secret_damaged", "secret_key_missing"}


def test_a_new_key_seals_and_the_old_one_still_opens(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    old = seal(Secret("one"), tenant_id=1, purpose="p")
    monkeypatch.setenv(VARIABLE, f"{OTHER}\n{KEY}\n")
    new = seal(Secret("two"), tenant_id=1, purpose="p")
    assert [open_sealed(token, tenant_id=1, purpose="p").reveal() for token in (old, new)] == ["one", "two"]
    assert [is_stale(old), is_stale(new), is_stale("")] == [True, False, False]
    monkeypatch.setenv(VARIABLE, OTHER)
    assert code(lambda: open_sealed(old, tenant_id=1, purpose="p")) == "secret_key_missing"
    assert not (home / KEY_FILE).exists()


def test_without_its_key_a_secret_is_unavailable_and_no_new_key_is_made(home: Path) -> None:
    token = seal(Secret("s3cret"), tenant_id=1, purpose="p")
    (home / KEY_FILE).unlink()
    with pytest.raises(Unavailable) as caught:
        open_sealed(token, tenant_id=1, purpose="p")
    assert caught.value.code == "secret_key_missing"
    assert "backup" in caught.value.hint
    assert not (home / KEY_FILE).exists()


def test_a_key_that_others_can_read_is_refused(home: Path) -> None:
    seal(Secret("s3cret"), tenant_id=1, purpose="p")
    (home / KEY_FILE).chmod(0o640)
    assert code(lambda: seal(Secret("s3cret"), tenant_id=1, purpose="p")) == "secret_key_unreadable"


@pytest.mark.parametrize("key", ["short", base64.b64encode(bytes(31)).decode(), f"{KEY} rubbish"])
def test_a_key_that_is_none_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, key)
    with pytest.raises(Invalid) as caught:
        seal(Secret("s3cret"), tenant_id=1, purpose="p")
    assert caught.value.code == "secret_key"
    assert key not in str(caught.value)


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("s3cret")
    shown = f"{secret} {secret!r} {[secret]} {vars.__name__}"
    assert "s3cret" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert (bool(secret), bool(Secret(""))) == (True, False)


def test_an_empty_secret_is_the_empty_text(home: Path) -> None:
    assert seal(Secret(""), tenant_id=1, purpose="p") == ""
    assert not open_sealed("", tenant_id=1, purpose="p")
    assert not (home / KEY_FILE).exists()


@given(st.text(), st.integers(1, 1 << 40), st.text(max_size=20))
def test_whatever_is_sealed_comes_back(text: str, tenant_id: int, purpose: str) -> None:
    os.environ[VARIABLE] = KEY
    try:
        token = seal(Secret(text), tenant_id=tenant_id, purpose=purpose)
        assert open_sealed(token, tenant_id=tenant_id, purpose=purpose).reveal() == text
    finally:
        del os.environ[VARIABLE]

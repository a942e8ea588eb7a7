"""A session is read as Django reads it: while it lasts, and by its own key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from trunkline.platform.sessions import SessionStore

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def key() -> str:
    made = SessionStore()
    made["who"] = "ada"
    made.save()
    assert made.session_key is not None
    return made.session_key


def test_a_session_holds_what_was_put_into_it(key: str) -> None:
    assert dict(SessionStore(key)) == dict(db.SessionStore(key)) == {"who": "ada"}


def test_a_session_that_is_over_or_unknown_is_empty_and_gets_another_key(key: str) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    for each in (key, "0" * 32):
        found = SessionStore(each)
        assert "who" not in found
        assert found.session_key is None

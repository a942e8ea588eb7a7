"""Decisions about sources."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.usage.sources.remote import Counted, Entry, FileChanged, free_name, matches, printable, problem_of_name
from trunkline.usage.sources.rules import backoff, is_at_rest, late_since, next_look, normal_pin, require_cron

AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SSH = "SHA256:" + "a" * 43


@pytest.mark.parametrize(
    ("every", "cron", "expected"),
    [
        (5, "", "2026-03-04 12:05"),
        (None, "15 3 * * *", "2026-03-05 03:15"),
        (None, "*/10 * * * *", "2026-03-04 12:10"),
        (None, "0 12 * * *", "2026-03-05 12:00"),
        (None, "0 0 1 * *", "2026-04-01 00:00"),
    ],
)
def test_the_next_look_is_after_this_one(every: int | None, cron: str, expected: str) -> None:
    found = next_look(every_min=every, cron=cron, after=AT)
    assert f"{found:%Y-%m-%d %H:%M}" == expected
    assert found.tzinfo is not None


@pytest.mark.parametrize("cron", ["", "x", "* * * *", "* * * * * *", "60 * * * *", "@daily", "a b c d e"])
def test_what_is_no_schedule_is_refused(cron: str) -> None:
    with pytest.raises(Invalid) as caught:
        require_cron(cron)
    assert caught.value.code == "source_schedule"


@pytest.mark.parametrize(
    ("modified", "first_seen", "rests"),
    [
        (-61, 0, True),  # older than the rest, by the server's time
        (-59, 0, False),
        (-59, -60, True),  # looked the same a minute ago
        (3600, 0, False),  # a server whose clock is ahead proves nothing
        (3600, -60, True),
        (None, 0, False),
        (None, -60, True),
    ],
)
def test_a_file_is_at_rest(modified: int | None, first_seen: int, rests: bool) -> None:
    found = is_at_rest(
        modified_at=None if modified is None else AT + timedelta(seconds=modified),
        first_seen_at=AT + timedelta(seconds=first_seen),
        rest_s=60,
        at=AT,
    )
    assert found is rests


def test_failures_are_tried_again_ever_more_seldom() -> None:
    minutes = [backoff(n, "connection_failed") / timedelta(minutes=1) for n in (1, 2, 3, 6, 7, 8, 1000)]
    assert minutes == [1, 2, 4, 32, 60, 60, 60]
    assert [backoff(n, "login_refused") / timedelta(minutes=1) for n in (1, 5, 6, 9)] == [15, 16, 32, 60]


@pytest.mark.parametrize(
    ("new_at", "expected_min", "late"),
    [(None, None, None), (None, 60, 60), (-30, 60, 60), (10, 60, 70)],
)
def test_a_feed_is_late_after_its_last_new_file_or_since_it_is_active(
    new_at: int | None, expected_min: int | None, late: int | None
) -> None:
    came = None if new_at is None else AT + timedelta(minutes=new_at)
    found = late_since(new_at=came, active_since=AT, expected_min=expected_min)
    assert found == (None if late is None else AT + timedelta(minutes=late))


@pytest.mark.parametrize(
    ("kind", "pin", "kept"),
    [
        ("sftp", SSH, SSH),
        ("sftp", f" ssh-ed25519   {SSH} ", f"ssh-ed25519 {SSH}"),
        ("sftp", "", ""),
        ("ftps", "AB:" * 31 + "AB", "ab" * 32),
        ("imap", "sha256:" + "0f" * 32, "0f" * 32),
    ],
)
def test_fingerprints_are_kept_in_one_form(kind: str, pin: str, kept: str) -> None:
    assert normal_pin(kind, pin) == kept


@pytest.mark.parametrize(
    ("kind", "pin"),
    [("sftp", "ab" * 32), ("sftp", "MD5:12:34"), ("ftps", SSH), ("imap", "ab" * 31), ("ftps", "zz" * 32)],
)
def test_what_is_no_fingerprint_is_refused(kind: str, pin: str) -> None:
    with pytest.raises(Invalid) as caught:
        normal_pin(kind, pin)
    assert caught.value.code == "source_pin"


@given(st.binary(min_size=1, max_size=300).filter(lambda name: b"\0" not in name and b"/" not in name))
def test_whatever_bytes_a_name_has_it_is_kept_printable_or_refused(raw: bytes) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    shown = printable(name)
    assert shown.isprintable()
    shown.encode()
    if not problem_of_name(name):
        assert shown == name
        assert len(name) <= 255


@given(st.text(st.characters(blacklist_characters="/"), min_size=1, max_size=50))
def test_a_plain_name_matches_itself_unless_it_is_hidden(name: str) -> None:
    escaped = "".join(f"[{c}]" if c in "*?[" else c for c in name)
    assert matches(name, escaped) == (not name.startswith("."))
    assert matches(name, "*") == (not name.startswith("."))
    assert fnmatch.fnmatchcase(name, "*")


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert [free_name("a.csv", n) for n in (1, 2, 3)] == ["a.csv", "a.2.csv", "a.3.csv"]
    assert free_name("a", 2) == "a.2"


@given(st.lists(st.binary(max_size=50)), st.integers(0, 500))
def test_never_more_is_handed_on_than_was_listed(blocks: list[bytes], octets: int) -> None:
    taken = bytearray()
    counted = Counted(Entry("a", "a", octets), taken.extend)
    whole = b"".join(blocks)
    try:
        for block in blocks:
            counted(block)
        counted.require_whole()
    except FileChanged:
        assert len(whole) != octets
    else:
        assert bytes(taken) == whole
    assert len(taken) <= octets

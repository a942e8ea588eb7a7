"""What reading segments may take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trunkline.core.errors import Unavailable
from trunkline.usage.segments import COMMAND, Limits, connect, limited

ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range % 7 = b.range % 3"


def test_a_question_that_takes_too_long_is_broken_off_and_says_so() -> None:
    limits = Limits(threads=1, memory="64MB", timeout_s=0.05)
    with connect([], limits=limits) as connection:
        with pytest.raises(Unavailable) as caught, limited(connection, limits):
            connection.sql(ENDLESS).fetchall()
        assert caught.value.code == "reading_took_too_long"
        assert "0.05 s" in caught.value.message
        over = replace(limits, timeout_s=1e-9)  # before the question begins
        with pytest.raises(Unavailable), limited(connection, over):
            connection.sql(ENDLESS).fetchall()
        with limited(connection, limits):
            assert connection.sql("SELECT count(*) FROM segments").fetchall() == [(0,)]


def test_what_no_memory_and_no_disk_can_hold_is_said() -> None:
    limits = Limits(threads=1, memory="16MB", timeout_s=60)
    with connect([], limits=limits) as connection:
        with pytest.raises(Unavailable) as caught, limited(connection, limits):
            connection.sql("SELECT list(a.range) FROM range(100000000) a").fetchall()
        assert caught.value.code == "reading_out_of_memory"


def test_the_limits_are_those_of_the_connection() -> None:
    limits = Limits(threads=1, memory="100MB")
    with connect([], limits=limits) as connection, limited(connection, limits):
        shown = connection.sql("SELECT current_setting('threads'), current_setting('memory_limit')").fetchall()
    assert shown == [(1, "95.3 MiB")]
    assert COMMAND.timeout_s is None

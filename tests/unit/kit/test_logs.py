"""A line of the log is one event, whatever stands in its values."""

from __future__ import annotations

import pytest

from trunkline.kit.logs import log, logging_with


@pytest.mark.parametrize("said", ["a\nevent=granted user=1", "a\r\nb", 'a" user=1 b="', "a\x1b[2Kb", "a b=c", "é"])
def test_a_value_adds_no_line_and_no_field(capsys: pytest.CaptureFixture[str], said: str) -> None:
    with logging_with(request_id="req_1"):
        log("denied", level="warning", code=said)
    text = capsys.readouterr().err
    (line, rest) = text.split("\n")
    assert rest == ""
    assert "\r" not in line
    assert "\x1b" not in line
    assert line.startswith("timestamp=")
    assert " level=warning event=denied " in line
    assert line.count(" request_id=req_1") == 1


def test_a_line_says_when_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    log("ready")
    assert capsys.readouterr().err.split()[0].endswith("Z")

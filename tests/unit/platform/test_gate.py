"""The gate in front of the pages: an order and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

import pytest

from trunkline.platform.gate import BODY_MAX, TURN, Gate, Gated, Turn, stepped_aside

PATIENCE_S = 20.0


class Visitors:
    """Threads that come to a gate one after the other, each waiting inside until it is told to go on."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.came_in: list[str] = []
        self.go_on: dict[str, threading.Event] = {}
        self.threads: dict[str, threading.Thread] = {}
        self.inside = threading.Semaphore(0)

    def send(self, name: str) -> None:
        """Come to the gate; back when one stands in line or is inside."""
        turn = Turn()
        self.go_on[name] = threading.Event()

        def visit() -> None:
            with self.gate.inside(turn):
                self.came_in.append(name)
                self.inside.release()
                assert self.go_on[name].wait(PATIENCE_S)

        thread = self.threads[name] = threading.Thread(target=visit)
        thread.start()
        while turn not in self.gate._waiting and not turn.is_in.is_set():
            threading.Event().wait(0.001)

    def await_inside(self) -> None:
        assert self.inside.acquire(timeout=PATIENCE_S)

    def end(self, *names: str) -> None:
        for name in names:
            self.go_on[name].set()
            self.threads[name].join(PATIENCE_S)
            assert not self.threads[name].is_alive()


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def is_free(gate: Gate) -> bool:
    """Whether somebody who comes now is let in at once."""
    turn = Turn()
    entering = threading.Thread(target=gate.enter, args=(turn,), daemon=True)
    entering.start()
    entering.join(PATIENCE_S)
    gate.leave(turn)
    return not entering.is_alive()


def test_those_who_wait_come_in_in_the_order_in_which_they_came() -> None:
    visitors = Visitors(Gate(held_s=PATIENCE_S))
    for name in "abcd":
        visitors.send(name)
    visitors.await_inside()
    assert visitors.came_in == ["a"]
    for name in "abcd":
        visitors.end(name)
    assert visitors.came_in == ["a", "b", "c", "d"]


def test_there_are_as_many_inside_as_there_are_places() -> None:
    visitors = Visitors(Gate(2, held_s=PATIENCE_S))
    for name in "abc":
        visitors.send(name)
    visitors.await_inside()
    visitors.await_inside()
    assert sorted(visitors.came_in) == ["a", "b"]
    visitors.end("b")
    visitors.await_inside()
    assert visitors.came_in[2] == "c"
    visitors.end("a", "c")


def test_an_error_inside_gives_the_place_back() -> None:
    gate = Gate(held_s=PATIENCE_S)
    with pytest.raises(ZeroDivisionError), gate.inside(Turn()):
        raise ZeroDivisionError
    assert is_free(gate)


def test_whoever_is_inside_for_too_long_keeps_nobody_out() -> None:
    clock = Clock()
    gate = Gate(held_s=0.5, now=clock)
    slow = Turn()
    gate.enter(slow)
    clock.at = 0.5
    assert is_free(gate)
    gate.leave(slow)  # has no place any more
    assert is_free(gate)


def test_who_waits_is_woken_when_somebody_has_been_inside_for_too_long() -> None:
    gate = Gate(held_s=0.05)
    gate.enter(Turn())  # and never leaves
    assert is_free(gate)


def test_an_error_while_one_waits_leaves_the_line() -> None:
    gate = Gate(held_s=PATIENCE_S)
    first, second = Turn(), Turn()
    gate.enter(first)

    class Ended(BaseException):
        pass

    def end(timeout: float) -> bool:
        raise Ended

    second.is_in = threading.Event()
    second.is_in.wait = end  # type: ignore[assignment, method-assign]
    with pytest.raises(Ended):
        gate.enter(second)
    gate.leave(first)
    assert is_free(gate)


def test_work_outside_gives_the_place_to_others_and_waits_for_one_again() -> None:
    gate = Gate(held_s=PATIENCE_S)
    turn = Turn()
    with gate.inside(turn):
        with gate.outside(turn):
            assert is_free(gate)
        assert gate._inside == [turn]
    with pytest.raises(ZeroDivisionError), gate.inside(turn), gate.outside(turn):
        raise ZeroDivisionError
    assert is_free(gate)


Answer = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def ask(application: Answer, gate: Gate, **environ: Any) -> Iterable[bytes]:
    given = {"PATH_INFO": "/office/", "REQUEST_METHOD": "GET", "wsgi.input": BytesIO()} | environ
    return Gated(application, gate)(given, lambda status, headers: None)


def places_taken(gate: Gate) -> Answer:
    """An application that answers how many places are taken while it is asked."""
    return lambda environ, start: [str(len(gate._inside)).encode()]


def test_a_page_is_made_inside() -> None:
    gate = Gate()
    assert ask(places_taken(gate), gate) == [b"1"]
    assert ask(places_taken(gate), gate, CONTENT_LENGTH=str(BODY_MAX)) == [b"1"]
    assert gate._inside == []


@pytest.mark.parametrize(
    "environ",
    [
        {"PATH_INFO": "/health"},
        {"PATH_INFO": "/ready"},
        {"PATH_INFO": "/metrics"},
        {"PATH_INFO": "/static/unfold/css/styles.css"},
        {"CONTENT_LENGTH": str(BODY_MAX + 1)},
        {"CONTENT_LENGTH": "9" * 5000},
        {"CONTENT_LENGTH": "-1"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
    ],
    ids=lambda environ: str(*environ.values())[:30],
)
def test_what_machines_ask_files_and_uploads_go_past_it(environ: dict[str, str]) -> None:
    gate = Gate(held_s=PATIENCE_S)
    gate.enter(Turn())
    assert ask(places_taken(gate), gate, **environ) == [b"1"]  # that of who is inside


def test_an_answer_bit_by_bit_is_sent_outside() -> None:
    gate = Gate(held_s=PATIENCE_S)

    def streamed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        yield from places_taken(gate)(environ, start)

    assert list(ask(streamed, gate)) == [b"0"]


def test_a_page_that_fails_gives_its_place_back() -> None:
    gate = Gate(held_s=PATIENCE_S)

    def failing(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        ask(failing, gate)
    assert is_free(gate)


def test_a_request_steps_aside_for_work_that_needs_no_place() -> None:
    gate = Gate(held_s=PATIENCE_S)

    def page(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with stepped_aside(environ):
            assert is_free(gate)
        assert gate._inside == [environ[TURN][1]]
        return [b"done"]

    assert ask(page, gate) == [b"done"]
    with stepped_aside({}):  # behind no gate
        pass

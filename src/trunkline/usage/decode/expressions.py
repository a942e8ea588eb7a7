"""Expressions of a mapping: text to a tree, checked once, worked out for whole columns. Nothing of it is ever executed.

`docs/formats/mapping.md` is the law. A value has a kind: text, time, span (of time), number or yes/no; what a function
takes and gives is known before the first line is read, so a mistake is found when the mapping is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn

from trunkline.core.errors import Invalid

EXPRESSION_LENGTH_MAX: Final = 2_000
DEPTH_MAX: Final = 32

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[0-9]+(?:\.[0-9]{1,3})?)|(?P<column>`[^`]+`)"
    r"|(?P<word>[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*)|(?P<sign>==|!=|<=|>=|[<>()+*,-])|(?P<bad>\S))"
)
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_WORDS: Final = frozenset({"and", "or", "not", "in", "matches"})


class Kind(StrEnum):
    """What a value is."""

    TEXT = "text"
    TIME = "time"
    SPAN = "span"
    NUMBER = "number"
    YES_NO = "yes/no"


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression: `kind`, what it `does`, the parts it is made of, its constant or name, its place."""

    kind: Kind
    does: str
    parts: tuple[Node, ...] = ()
    value: Any = None
    at: int = 0

    def walk(self) -> Iterator[Node]:
        """This part and all parts inside, in the order in which they are written."""
        yield self
        for part in self.parts:
            yield from part.walk()


Make = Callable[["Parser", int, list[Node]], Node]


class Parser:
    """Reads one expression. `values`: the kinds of the names that the mapping defines; `columns`: whether one is known.

    Raises Invalid `mapping_expression`.
    """

    def __init__(
        self,
        text: str,
        *,
        is_column: Callable[[str], bool],
        known: Sequence[str],
        values: Mapping[str, Kind],
        lookups: Mapping[str, Mapping[str, str]],
        functions: Mapping[str, Make],
    ) -> None:
        self.text = text
        self.lookups = lookups
        self._is_column = is_column
        self._known = known
        self._values = values
        self._functions = functions
        if not text.strip():
            self.fail(0, "is empty")
        if len(text) > EXPRESSION_LENGTH_MAX:
            self.fail(0, f"is longer than {EXPRESSION_LENGTH_MAX} characters")
        self._tokens = list(self._read())
        self._place = 0
        self._depth = 0

    def fail(self, at: int, what: str, hint: str = "") -> NoReturn:
        """Raises what is wrong at a place of the expression."""
        raise Invalid(
            "mapping_expression",
            f"{self.text[:200]!r} {what}, at character {at + 1}.",
            hint=hint or "See docs/formats/mapping.md.",
        )

    def _read(self) -> Iterator[tuple[str, str, int]]:
        at, end = 0, len(self.text.rstrip())
        while at < end:
            found = _TOKEN.match(self.text, at)
            if found is None or found.lastgroup is None:
                return
            kind, start = found.lastgroup, found.start(found.lastgroup)
            if kind == "bad":
                self.fail(start, f"has a {found[kind]!r} that means nothing there")
            yield kind, found[kind], start
            at = found.end()
        yield "end", "", end

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._place]

    def _next(self) -> tuple[str, str, int]:
        token = self._tokens[self._place]
        self._place += token[0] != "end"
        return token

    def _takes(self, *signs: str) -> str:
        kind, text, _ = self._peek()
        if kind in {"sign", "word"} and text in signs:
            self._place += 1
            return text
        return ""

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            kind, text, at = self._peek()
            self.fail(at, f"needs {sign!r} before {text!r}" if kind != "end" else f"needs {sign!r}")

    def parse(self) -> Node:
        """The whole expression."""
        node = self._any_of()
        kind, text, at = self._peek()
        if kind != "end":
            self.fail(at, f"has {text!r} after its end")
        return node

    def _any_of(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            self.fail(self._peek()[2], f"is nested more than {DEPTH_MAX} deep")
        node = self._all_of()
        while self._takes("or"):
            node = self._both("or", node, self._all_of())
        self._depth -= 1
        return node

    def _all_of(self) -> Node:
        node = self._negation()
        while self._takes("and"):
            node = self._both("and", node, self._negation())
        return node

    def _both(self, word: str, left: Node, right: Node) -> Node:
        return Node(Kind.YES_NO, word, (self.need(left, Kind.YES_NO), self.need(right, Kind.YES_NO)), at=left.at)

    def _negation(self) -> Node:
        _, _, at = self._peek()
        negations = 0
        while self._takes("not"):
            negations += 1
        node = self._comparison()
        return Node(Kind.YES_NO, "not", (self.need(node, Kind.YES_NO),), at=at) if negations % 2 else node

    def _comparison(self) -> Node:
        left = self._sum()
        if sign := self._takes(*_COMPARISONS):
            return self._compared(sign, left, self._sum())
        if self._takes("matches"):
            _, _, at = self._peek()
            return self._functions["matches"](self, at, [left, self._sum()])
        negated = self._takes("not")
        if self._takes("in"):
            self._expect("(")
            texts = [self.constant(self._sum(), "text")]
            while self._takes(","):
                texts.append(self.constant(self._sum(), "text"))
            self._expect(")")
            node = Node(Kind.YES_NO, "in", (self.need(left, Kind.TEXT),), tuple(texts), left.at)
            return Node(Kind.YES_NO, "not", (node,), at=left.at) if negated else node
        if negated:
            self._expect("in")
        return left

    def _compared(self, sign: str, left: Node, right: Node) -> Node:
        kinds = {left.kind, right.kind}
        if kinds in ({Kind.TEXT, Kind.NUMBER}, {Kind.TEXT, Kind.SPAN}):
            wanted = Kind.NUMBER if Kind.NUMBER in kinds else Kind.SPAN
            left, right = self.need(left, wanted), self.need(right, wanted)
        elif kinds == {Kind.SPAN, Kind.NUMBER}:
            left, right = self._as_span(left), self._as_span(right)
        elif len(kinds) > 1 or Kind.YES_NO in kinds or (Kind.TEXT in kinds and sign not in {"==", "!="}):
            self.fail(left.at, f"compares {left.kind} with {right.kind} by {sign}")
        return Node(Kind.YES_NO, sign, (left, right), at=left.at)

    def _as_span(self, node: Node) -> Node:
        if node.kind is Kind.SPAN:
            return node
        if node.does != "constant":
            self.fail(node.at, "takes a number for a span of time", "Write seconds(…) around it.")
        return Node(Kind.SPAN, "constant", value=node.value * 1000, at=node.at)

    def _sum(self) -> Node:
        node = self._product()
        while sign := self._takes("+", "-"):
            node = self._added(sign, node, self._product())
        return node

    def _added(self, sign: str, left: Node, right: Node) -> Node:
        if Kind.TIME in {left.kind, right.kind}:
            if left.kind is right.kind and sign == "-":
                return Node(Kind.SPAN, "between", (left, right), at=left.at)
            if left.kind is not Kind.TIME or right.kind is Kind.TIME:
                self.fail(left.at, f"cannot work out {left.kind} {sign} {right.kind}")
            return Node(Kind.TIME, f"time{sign}", (left, self.need(right, Kind.SPAN)), at=left.at)
        wanted = Kind.SPAN if Kind.SPAN in {left.kind, right.kind} else Kind.NUMBER
        return Node(wanted, sign, (self.need(left, wanted), self.need(right, wanted)), at=left.at)

    def _product(self) -> Node:
        node = self._primary()
        while self._takes("*"):
            right = self._primary()
            wanted = Kind.SPAN if node.kind is Kind.SPAN else Kind.NUMBER
            node = Node(wanted, "*", (self.need(node, wanted), self.need(right, Kind.NUMBER)), at=node.at)
        return node

    def _primary(self) -> Node:
        kind, text, at = self._next()
        match kind:
            case "text":
                return Node(Kind.TEXT, "constant", value=text[1:-1].replace("''", "'"), at=at)
            case "number":
                if "." in text:
                    self.fail(at, "has a number with a decimal", "Write seconds('1.5') for a span of time.")
                return Node(Kind.NUMBER, "constant", value=self._whole(text, at), at=at)
            case "column":
                return self._named(text[1:-1], at)
            case "word" if text in _WORDS:
                self.fail(at, f"has {text!r} where a value is needed")
            case "word" if self._takes("("):
                return self._call(text, at)
            case "word":
                return self._named(text, at)
            case "sign" if text == "(":
                node = self._any_of()
                self._expect(")")
                return node
        return self.fail(at, f"has {text!r} where a value is needed" if text else "ends where a value is needed")

    def _whole(self, text: str, at: int) -> int:
        if len(text) > 15:
            self.fail(at, "has a number with more than 15 digits")
        return int(text)

    def _named(self, name: str, at: int) -> Node:
        if name in self._values:
            return Node(self._values[name], "value", value=name, at=at)
        if not self._is_column(name):
            self.fail(
                at, f"names {name!r}, which is no column", f"Known are {', '.join([*self._known, *self._values])}."
            )
        return Node(Kind.TEXT, "column", value=name, at=at)

    def _call(self, name: str, at: int) -> Node:
        if name not in self._functions:
            self.fail(at, f"has no function {name!r}", f"Known are {', '.join(sorted(self._functions))}.")
        given = []
        if not self._takes(")"):
            given = [self._any_of()]
            while self._takes(","):
                given.append(self._any_of())
            self._expect(")")
        return self._functions[name](self, at, given)

    def need(self, node: Node, kind: Kind) -> Node:
        """The part as the kind that is needed; a text is read as it, where it can be."""
        if node.kind is kind:
            return node
        if node.kind is Kind.TEXT and kind is not Kind.YES_NO:
            reader = {Kind.TIME: "time", Kind.SPAN: "seconds", Kind.NUMBER: "number"}[kind]
            return self._functions[reader](self, node.at, [node])
        if node.kind is Kind.NUMBER and kind is Kind.SPAN and node.does == "constant":
            return self._as_span(node)
        return self.fail(node.at, f"needs {kind}, not {node.kind}")

    def constant(self, node: Node, what: str) -> str:
        """The text of a constant."""
        if node.kind is not Kind.TEXT or node.does != "constant":
            self.fail(node.at, f"needs a {what} in quotes")
        return str(node.value)

"""Look-ups that every request makes, with their SQL made once.

Django writes the SQL of a query anew each time, which takes three to ten times as long as PostgreSQL takes to find a row by its key (November
2026: of 2.5 ms for an account with its billing profile, 2.2). A `Kept` query writes it the first time and later only puts other values into
it; what comes back is what the queryset gives.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from trunkline.kit.db.scope import require_scope

M = TypeVar("M", bound=Model)


class Kept(Generic[M]):
    """A queryset of a tenant model as a function of values: `Kept(build, *examples)`.

    `build` gives the queryset for values, which stand in it as they are. `examples` are values of the same types that occur nowhere else in
    it: by them the places of the values are found. Raises `RuntimeError` at the first use where one of them is not found.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], *examples: object) -> None:
        self._build, self._examples = build, examples
        self._made: _Made | None = None

    def rows(self, *values: object) -> list[M]:
        """The rows for these values. Raises `ScopeError` outside a scope."""
        if self._made is None:
            self._made = _Made.of(self._build(*self._examples), self._examples)
        asked: Any = _Asked(self._made, values)  # stands for a queryset
        return list(ModelIterable(asked))

    def find(self, *values: object) -> M | None:
        """The first row for these values, None if there is none."""
        return next(iter(self.rows(*values)), None)


@dataclass(frozen=True, slots=True)
class _Made:
    """A query that was compiled. `places` say which of the values each parameter is, None: none of them."""

    compiler: Any
    sql: str
    parameters: tuple[Any, ...]
    places: tuple[int | None, ...]
    converters: Any

    @classmethod
    def of(cls, rows: QuerySet[Any], examples: tuple[object, ...]) -> _Made:
        compiler: Any = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        known = {(type(each), each): place for place, each in enumerate(examples)}
        places = tuple(known.get((type(each), each)) for each in parameters)
        if {place for place in places if place is not None} != set(known.values()):
            raise RuntimeError(f"not every example stands among the parameters of {sql}")
        columns = [column for column, *_ in compiler.select[: compiler.col_count]]
        return cls(compiler, sql, tuple(parameters), places, compiler.get_converters(columns))


class _Asked:
    """What `ModelIterable` needs to know of a queryset and of its query."""

    db = DEFAULT_DB_ALIAS
    _known_related_objects: ClassVar[Mapping[Any, Any]] = {}

    def __init__(self, made: _Made, values: tuple[object, ...]) -> None:
        self._made, self._values = made, values
        self.model, self.query = made.compiler.query.model, self

    def get_compiler(self, using: str) -> Any:
        """The compiler, which need not compile any more."""
        require_scope(self.model)
        made = self._made
        given = zip(made.parameters, made.places, strict=True)
        parameters = tuple(each if place is None else self._values[place] for each, place in given)
        compiler = copy.copy(made.compiler)
        compiler.connection = connections[using]
        compiler.as_sql = lambda: (made.sql, parameters)
        compiler.get_converters = lambda _: made.converters
        return compiler

"""Look-ups that every request makes, with their SQL made once.

Django writes the SQL of a query anew each time, which takes three to ten times as long as PostgreSQL takes to find a row by its key (November
2026: of 2.5 ms for an account with its billing profile, 2.2). A `Kept` query writes it the first time and later only puts other values into
it; what comes back is what the queryset gives. PostgreSQL likewise plans it once for each connection: planning took longer than finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

from trunkline.kit.db.scope import require_scope

M = TypeVar("M", bound=Model)


def fetch(sql: str, parameters: Sequence[object] | Mapping[str, object]) -> list[Any]:
    """The rows of a statement that is asked again and again: PostgreSQL plans it once for each connection."""
    own: Any = connections[DEFAULT_DB_ALIAS]
    if own.queries_logged or own.execute_wrappers:  # somebody looks at what is asked
        with own.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())
    own.ensure_connection()
    own.validate_no_broken_transaction()
    making: Any = ServerBindingCursor
    with own.wrap_database_errors, making(own.connection) as cursor:
        cursor.execute(sql, parameters, prepare=True)
        return list(cursor.fetchall())


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
        made = self._made
        require_scope(made.model)
        return made.objects(fetch(made.statement.sql, made.statement.filled_in(values)))

    def find(self, *values: object) -> M | None:
        """The first row for these values, None if there is none."""
        return next(iter(self.rows(*values)), None)


class KeptValues:
    """The same of a queryset of `values_list`, such as sums: what comes back are its tuples."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *examples: object) -> None:
        self._build, self._examples = build, examples
        self._made: tuple[Any, _Statement] | None = None

    def rows(self, *values: object) -> list[tuple[Any, ...]]:
        """The tuples for these values. Raises `ScopeError` outside a scope."""
        if self._made is None:
            found = self._build(*self._examples)
            self._made = found.model, _Statement.of(found.query.get_compiler(DEFAULT_DB_ALIAS), self._examples)
        model, statement = self._made
        require_scope(model)
        return [tuple(statement.converted(row)) for row in fetch(statement.sql, statement.filled_in(values))]


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL that was made. `places` say which of the values each parameter is, None: none of them; `converters` what turns a column into a value of its field."""

    sql: str
    parameters: tuple[Any, ...]
    places: tuple[int | None, ...]
    converters: tuple[tuple[int, Any, Any], ...]

    @classmethod
    def of(cls, compiler: Any, examples: tuple[object, ...]) -> _Statement:
        sql, parameters = compiler.as_sql()
        known = {(type(each), each): place for place, each in enumerate(examples)}
        places = tuple(known.get((type(each), each)) for each in parameters)
        if {place for place in places if place is not None} != set(known.values()):
            raise RuntimeError(f"not every example stands among the parameters of {sql}")
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        found = tuple((place, each, column) for place, (each, column) in converters.items())
        return cls(sql, tuple(parameters), places, found)

    def filled_in(self, values: Sequence[object]) -> list[Any]:
        """The parameters, with these values in their places."""
        given = zip(self.parameters, self.places, strict=True)
        return [each if at is None else values[at] for each, at in given]

    def converted(self, values: Sequence[Any]) -> list[Any]:
        """A row with the values of its fields."""
        row = list(values)
        for place, convert, column in self.converters:
            for each in convert:
                row[place] = each(row[place], column, connection)
        return row


@dataclass(frozen=True, slots=True)
class _Made:
    """A query that was compiled, and what Django's `ModelIterable` makes objects of rows with: the columns of the object itself, those of annotations, what
    makes those beside it.
    """

    model: Any
    statement: _Statement
    columns: slice
    names: tuple[str, ...]
    annotations: tuple[tuple[str, int], ...]
    beside: tuple[Any, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any], examples: tuple[object, ...]) -> _Made:
        compiler: Any = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        statement = _Statement.of(compiler, examples)
        selected = compiler.klass_info["select_fields"]
        columns = slice(selected[0], selected[-1] + 1)
        populators: Any = get_related_populators
        return cls(
            model=compiler.klass_info["model"],
            statement=statement,
            columns=columns,
            names=tuple(column.target.attname for column, *_ in compiler.select[columns]),
            annotations=tuple((compiler.annotation_col_map or {}).items()),
            beside=tuple(populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS)),
        )

    def objects(self, rows: list[Any]) -> list[Any]:
        """The objects of rows."""
        found = []
        for values in rows:
            row = self.statement.converted(values)
            made = self.model.from_db(DEFAULT_DB_ALIAS, self.names, row[self.columns])
            for name, place in self.annotations:
                setattr(made, name, row[place])
            for each in self.beside:
                each.populate(row, made)
            found.append(made)
        return found
